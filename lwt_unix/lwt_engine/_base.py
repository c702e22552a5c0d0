"""What every engine is: the class that keeps the books.

An engine watches descriptors and clocks, and calls a function when something
happened. `abstract` turns three such services (`register_readable`,
`register_writable`, `register_timer`) into events that can be stopped, counted,
moved to another engine and simulated. To write an engine, derive from it and
define these three, `iter`, `cleanup` and `id`; and `now`, if its clock is not the
system's.

Nothing here may be called from a signal handler or from another thread.

OCaml: src/unix/lwt_engine.ml, Engines. `private` methods are public here.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import Any, Final, NoReturn

from lwt._core.checks import check_callable, wrong_type
from lwt._core.compiling import mypyc_attr
from lwt._core.identity import refuse_copy
from lwt._core.pause import paused_count
from lwt._core.promise import PENDING, PROXY, Promise, new_promise, underlying
from lwt_unix._checks import check_delay, check_fd
from lwt_unix.lwt_engine._events import (
    Action,
    Descriptor_event,
    Event,
    Event_callback,
    Registered_descriptor_event,
    Registered_timer_event,
    Timer_event,
)
from lwt_unix.lwt_engine._identifiers import Engine_id

# --- Checks of arguments -----------------------------------------------------


def check_engine(function: str, engine: object) -> None:
    """Raise a TypeError unless this is an engine."""
    if isinstance(engine, abstract):
        return
    hint = ""
    if isinstance(engine, type):
        hint = f"pass an instance, {getattr(engine, '__name__', '')}()"
    raise wrong_type(function, "an engine", engine, hint)


# --- The main loop -----------------------------------------------------------


class Main_loop:
    """What the main loop, which runs an engine's turn just now, would have to do after it.

    It says in `iter` whether to wait. But a finaliser may run after that. So an engine looks here
    once more before it waits.
    """

    __slots__ = ("awaited", "dropped", "deferred")

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Say that there is no main loop."""
        self.awaited: Promise[Any] = _NEVER
        self.dropped: Collection[object] = ()
        self.deferred: Collection[object] = ()

    def has_work(self) -> bool:
        """Say whether it would have something to do. `kernel_based.iter` has this written out."""
        awaited = self.awaited
        if awaited._state == PROXY:
            awaited = self.awaited = underlying(awaited)
        return bool(paused_count() or awaited._state != PENDING or self.dropped or self.deferred)


_NEVER: Final[Promise[Any]] = new_promise(PENDING, None)

main_loop: Final = Main_loop()

# --- Engines -----------------------------------------------------------------

system_clock: Final[Callable[[], float]] = time.monotonic
"""The clock of an engine that has no other. All else asks the current engine: `now`."""


@mypyc_attr(allow_interpreted_subclasses=True)
class abstract(ABC):
    """The class of all engines: derive from it to write one.

    An engine of your own defines `id`, `iter`, `cleanup` and the three `register_`
    methods, and calls `super().__init__()`. The rest comes from here.

    OCaml: class virtual Lwt_engine.abstract
    """

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self) -> None:
        self._readables: Final[dict[Descriptor_event, None]] = {}
        self._writables: Final[dict[Descriptor_event, None]] = {}
        self._timers: Final[dict[Timer_event, None]] = {}

    # --- What an engine defines ----------------------------------------------

    @property
    @abstractmethod
    def id(self) -> Engine_id:
        """What identifies the engine.

        OCaml: method virtual id : engine_id
        """

    @abstractmethod
    def iter(self, block: bool, /) -> None:
        """Perform one turn: call what is ready.

        If the collector runs here, before the engine waits, a finaliser may give the main loop
        something to do. An engine of your own does not know of it: it is done after the turn.
        The engines of this module look for it right before they wait.

        Args:
            block: whether to wait until something is ready.

        OCaml: method virtual iter : bool -> unit
        """

    @abstractmethod
    def cleanup(self) -> None:
        """Free the resources of the engine. `destroy` calls it.

        OCaml: method virtual private cleanup : unit
        """

    @abstractmethod
    def register_readable(self, fd: int, action: Action, /) -> Action:
        """Have an action called whenever a descriptor is readable.

        Returns a function that ends this; it is called at most once.

        OCaml: method virtual private register_readable :
        Unix.file_descr -> (unit -> unit) -> unit Lazy.t
        """

    @abstractmethod
    def register_writable(self, fd: int, action: Action, /) -> Action:
        """Have an action called whenever a descriptor is writable.

        Returns a function that ends this; it is called at most once.

        OCaml: method virtual private register_writable :
        Unix.file_descr -> (unit -> unit) -> unit Lazy.t
        """

    @abstractmethod
    def register_timer(self, delay: float, repeat: bool, action: Action, /) -> Action:
        """Have an action called once after `delay` seconds, or every `delay` seconds.

        Returns a function that ends this; it is called at most once.

        OCaml: method virtual private register_timer :
        float -> bool -> (unit -> unit) -> unit Lazy.t
        """

    # --- Events --------------------------------------------------------------

    def on_readable(self, fd: int, callback: Event_callback, /) -> Event:
        """Call a function with the event each time a descriptor is readable.

        Raises:
            ValueError: `fd` is negative, or too large for this engine.

        OCaml: method on_readable : Unix.file_descr -> (event -> unit) -> event
        """
        check_fd("lwt_engine.on_readable", fd)
        check_callable("lwt_engine.on_readable", callback, ("event",))
        event = Registered_descriptor_event(fd, callback, self._readables)
        event.begin(self.register_readable)
        return event

    def on_writable(self, fd: int, callback: Event_callback, /) -> Event:
        """Call a function with the event each time a descriptor is writable.

        Raises:
            ValueError: `fd` is negative, or too large for this engine.

        OCaml: method on_writable : Unix.file_descr -> (event -> unit) -> event
        """
        check_fd("lwt_engine.on_writable", fd)
        check_callable("lwt_engine.on_writable", callback, ("event",))
        event = Registered_descriptor_event(fd, callback, self._writables)
        event.begin(self.register_writable)
        return event

    def on_timer(self, delay: float, repeat: bool, callback: Event_callback, /) -> Event:
        """Call a function with the event after a delay, once or again and again.

        A timer that is not repeated is not stopped by firing: stop it in the callback.

        Args:
            delay: seconds; 0 and less mean the next turn, infinity means never.
            repeat: whether to call the function every `delay` seconds.
            callback: takes the event.

        Raises:
            ValueError: `delay` is NaN.

        OCaml: method on_timer : float -> bool -> (event -> unit) -> event
        """
        check_delay("lwt_engine.on_timer", delay)
        check_callable("lwt_engine.on_timer", callback, ("event",))
        event = Registered_timer_event(delay, bool(repeat), callback, self._timers)
        event.begin(self.register_timer)
        return event

    def fake_io(self, fd: int, /) -> None:
        """Call the callbacks of a descriptor, as if it were readable and writable.

        The callbacks of `on_readable` come first, then those of `on_writable`; of both the
        oldest first. Callbacks that are registered meanwhile are not called; in OCaml they are.

        OCaml: method fake_io : Unix.file_descr -> unit
        """
        for registry in (self._readables, self._writables):
            for event in list(registry):
                if event.fd == fd and event.is_active:
                    event.callback(event)

    @property
    def readable_count(self) -> int:
        """The number of events that wait for a descriptor to become readable.

        OCaml: method readable_count : int
        """
        return len(self._readables)

    @property
    def writable_count(self) -> int:
        """The number of events that wait for a descriptor to become writable.

        OCaml: method writable_count : int
        """
        return len(self._writables)

    @property
    def timer_count(self) -> int:
        """The number of timers that are not stopped, including those that fired.

        OCaml: method timer_count : int
        """
        return len(self._timers)

    # --- The engine as a whole -----------------------------------------------

    def transfer(self, engine: abstract, /) -> None:
        """Move all events to another engine.

        Timers start again from the beginning: one of 2 seconds that was registered
        1 second ago fires in 2 seconds. Moving to the same engine does nothing.

        Raises:
            ValueError: `engine` cannot watch one of the descriptors; nothing was moved.

        OCaml: method transfer : abstract -> unit
        """
        check_engine("lwt_engine.transfer", engine)
        if engine is self:
            return
        for event in list(self._readables) + list(self._writables):
            engine.check_descriptor("lwt_engine.transfer", event.fd)
        for event in list(self._readables):
            event.stop()
            event.moved_to = engine.on_readable(event.fd, event.callback)
        for event in list(self._writables):
            event.stop()
            event.moved_to = engine.on_writable(event.fd, event.callback)
        for timer in list(self._timers):
            timer.stop()
            timer.moved_to = engine.on_timer(timer.delay, timer.repeat, timer.callback)

    def destroy(self) -> None:
        """Stop all events, then free the resources of the engine.

        OCaml: method destroy : unit
        """
        for event in events_of(self):
            event.stop()
        self.cleanup()

    def fork(self) -> None:  # noqa: B027  (not every engine needs it)
        """Make the engine usable in a child process, right after a fork.

        OCaml: method fork : unit
        """

    def forwards_signal(self, signum: int, /) -> bool:
        """Say whether the engine itself reports this signal to `lwt_unix`.

        OCaml: method forwards_signal : int -> bool
        """
        return False

    # --- What Python adds: the clock -----------------------------------------

    def now(self) -> float:
        """Return the time by which timers are due, in seconds. It never goes back.

        `lwt_unix` reads no other clock. An engine of your own may override it: a test can
        move the time then, for example. Not in OCaml.
        """
        return system_clock()

    # --- What Python adds: the numbers of descriptors ------------------------

    def adopt(self, fd: int, /) -> None:  # noqa: B027  (not every engine needs it)
        """Promise that `forget` will be called before this descriptor is closed.

        An engine that keeps its interest in the kernel relies on it: it need not tell the
        kernel again when an event is stopped and registered again. Nothing is done here.
        Not in OCaml.
        """

    def forget(self, fd: int, /) -> None:  # noqa: B027  (not every engine needs it)
        """Drop all that is known of a descriptor, which is about to be closed.

        So the next file with the same number is not taken for the old one. Nothing is done
        here. Not in OCaml.
        """

    def check_descriptor(self, function: str, fd: int, /) -> None:  # noqa: B027  (not every engine needs it)
        """Raise ValueError if the engine cannot watch this descriptor. Not in OCaml."""


def events_of(engine: abstract) -> list[Descriptor_event | Timer_event]:
    """Return all events that are registered with an engine.

    A finaliser may register and stop some meanwhile. `list` takes a dictionary in one step; a star does not where it is
    compiled.
    """
    events: list[Descriptor_event | Timer_event] = []
    events += list(engine._readables)
    events += list(engine._writables)
    events += list(engine._timers)
    return events
