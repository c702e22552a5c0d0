"""What our engines share: which events wait for which descriptor, and the timers.

The ideas, in reading order:

- A `Watch` is what an engine knows of one descriptor: the events that wait for it
  to become readable, those that wait for it to become writable, and what of that
  has been *applied*, that is, told to the kernel.
- Registering and stopping events changes the lists of a watch and puts the watch on
  the engine's list of changes, nothing more. Once a turn, right before waiting, the
  engine finds out what has to be told to the kernel: if an event was stopped and
  registered again in between, no system call is needed.
- The events of one descriptor are called newest first, as in OCaml. An event that
  was stopped is not called; one that was registered by a callback of the same
  descriptor waits for the next turn.

Events register themselves here directly, and not by `register_readable` and the other
`register_` methods, which are for engines that users write. If a user's class overrides
one of these methods, it is called all the same (`_is_direct`). Timers do not call `now`
either, unless it is overridden.

OCaml: src/unix/lwt_engine.ml, class select_or_poll_based
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lwt._core.checks import check_callable
from lwt._core.compiling import mypyc_attr
from lwt_unix._checks import MOST_FD, check_delay, check_fd
from lwt_unix.lwt_engine._base import abstract, check_engine, system_clock
from lwt_unix.lwt_engine._events import Action, Descriptor_event, Event, Event_callback
from lwt_unix.lwt_engine._timers import Timer, Timer_queue

READ: Final = 1
WRITE: Final = 2


class Watch:
    """What an engine knows of one descriptor.

    A watch is in the list of changes if and only if it `is_changed`. One that is not
    is up to date: `applied` says exactly which of its lists are not empty.
    """

    __slots__ = (
        "fd",
        "readers",
        "writers",
        "applied",
        "is_changed",
        "is_adopted",
        "is_doubtful",
        "changes",
    )

    def __init__(self, fd: int, changes: list[Watch]) -> None:
        self.fd = fd
        self.readers: list[Watch_event] = []  # oldest first
        self.writers: list[Watch_event] = []
        self.applied = 0
        self.is_changed = False
        # The user of the descriptor will call `forget` before closing it. Without
        # that, a new event may be for another file of the same number: the watch is
        # *doubtful*, and the kernel must be told again.
        self.is_adopted = False
        self.is_doubtful = False
        self.changes = changes  # the engine's

    def wanted(self) -> int:
        """Return the interest that the lists express: READ, WRITE, both or 0."""
        return (READ if self.readers else 0) | (WRITE if self.writers else 0)

    def change(self) -> None:
        """Have the engine look at this watch before it waits."""
        if not self.is_changed:
            self.is_changed = True
            self.changes.append(self)


class Watch_event(Descriptor_event):
    """An event of a descriptor, in one of the lists of its watch."""

    __slots__ = ("watch", "peers")

    def __init__(
        self,
        fd: int,
        callback: Event_callback,
        registry: dict[Descriptor_event, None],
        watch: Watch,
        peers: list[Watch_event],
    ) -> None:
        self.is_active = True
        self.moved_to = None
        self.fd = fd
        self.callback = callback
        self.registry = registry
        self.watch = watch
        self.peers = peers  # watch.readers or watch.writers
        if not watch.is_adopted:
            watch.is_doubtful = True
            watch.change()
        elif not peers and not watch.is_changed:
            watch.change()
        peers.append(self)
        registry[self] = None

    def stop(self) -> None:
        """Stop the event, wherever `transfer` took it."""
        if not self.is_active:
            if self.moved_to is not None:
                self.moved_to.stop()
            return
        # The change first: if a KeyboardInterrupt comes in between, the kernel is asked
        # once too often, rather than left with an interest that nobody has.
        if not self.watch.is_changed and len(self.peers) == 1:
            self.watch.change()
        self.is_active = False
        self.peers.remove(self)
        del self.registry[self]


class Refused_event(Event):
    """What is given to a callback, in place of its event, if the kernel refuses to watch.

    Stopping it stops the event.
    """

    __slots__ = ("event", "error")

    def __init__(self, event: Watch_event, error: OSError) -> None:
        super().__init__()
        self.moved_to = event
        self.event = event
        self.error = error


@mypyc_attr(allow_interpreted_subclasses=True)
class descriptor_based(abstract):
    """An engine with a table of descriptors and a queue of timers. Not in OCaml's interface.

    Args:
        clock: what `now` returns, unless a class of your own overrides that.

    OCaml: class virtual select_or_poll_based
    """

    def __init__(self, *, clock: Callable[[], float] = system_clock) -> None:
        super().__init__()
        self._watches: Final[dict[int, Watch]] = {}
        self._changes: Final[list[Watch]] = []
        self._clock: Final = clock
        own = type(self)
        self._timer_queue: Final = Timer_queue(
            clock if own.now is descriptor_based.now else self.now
        )
        # Events of the `register_` methods: on the lists of watches and in the queue,
        # but not counted. `abstract` counts those that it registered.
        self._actions: Final[dict[Descriptor_event, None]] = {}
        self._is_direct: Final = (
            own.register_readable is descriptor_based.register_readable
            and own.register_writable is descriptor_based.register_writable
            and own.register_timer is descriptor_based.register_timer
        )

    def now(self) -> float:
        """Return the time by which timers are due, in seconds. Not in OCaml."""
        return self._clock()

    # --- Events: see `abstract` for what these do ----------------------------

    def on_readable(self, fd: int, callback: Event_callback, /) -> Event:
        """Call a function with the event each time a descriptor is readable.

        OCaml: method on_readable : Unix.file_descr -> (event -> unit) -> event
        """
        if not callable(callback):
            check_callable("lwt_engine.on_readable", callback, ("event",))
        if not self._is_direct:
            return abstract.on_readable(self, fd, callback)
        watch = self._watches.get(fd) or self._new_watch("lwt_engine.on_readable", fd)
        return Watch_event(fd, callback, self._readables, watch, watch.readers)

    def on_writable(self, fd: int, callback: Event_callback, /) -> Event:
        """Call a function with the event each time a descriptor is writable.

        OCaml: method on_writable : Unix.file_descr -> (event -> unit) -> event
        """
        if not callable(callback):
            check_callable("lwt_engine.on_writable", callback, ("event",))
        if not self._is_direct:
            return abstract.on_writable(self, fd, callback)
        watch = self._watches.get(fd) or self._new_watch("lwt_engine.on_writable", fd)
        return Watch_event(fd, callback, self._writables, watch, watch.writers)

    def on_timer(self, delay: float, repeat: bool, callback: Event_callback, /) -> Event:
        """Call a function with the event after a delay, once or again and again.

        OCaml: method on_timer : float -> bool -> (event -> unit) -> event
        """
        if not self._is_direct:
            return abstract.on_timer(self, delay, repeat, callback)
        check_delay("lwt_engine.on_timer", delay)
        if not callable(callback):
            check_callable("lwt_engine.on_timer", callback, ("event",))
        return Timer(delay, bool(repeat), callback, self._timers, self._timer_queue)

    def register_readable(self, fd: int, action: Action, /) -> Action:
        """Have an action called whenever a descriptor is readable.

        OCaml: method private register_readable :
        Unix.file_descr -> (unit -> unit) -> unit Lazy.t
        """
        watch = self._watches.get(fd) or self._new_watch("lwt_engine.register_readable", fd)
        return Watch_event(fd, lambda _: action(), self._actions, watch, watch.readers).stop

    def register_writable(self, fd: int, action: Action, /) -> Action:
        """Have an action called whenever a descriptor is writable.

        OCaml: method private register_writable :
        Unix.file_descr -> (unit -> unit) -> unit Lazy.t
        """
        watch = self._watches.get(fd) or self._new_watch("lwt_engine.register_writable", fd)
        return Watch_event(fd, lambda _: action(), self._actions, watch, watch.writers).stop

    def register_timer(self, delay: float, repeat: bool, action: Action, /) -> Action:
        """Have an action called once after `delay` seconds, or every `delay` seconds.

        OCaml: method private register_timer : float -> bool -> (unit -> unit) -> unit Lazy.t
        """
        check_delay("lwt_engine.register_timer", delay)
        return Timer(delay, bool(repeat), lambda _: action(), {}, self._timer_queue).stop

    # --- Descriptors ---------------------------------------------------------

    def _new_watch(self, function: str, fd: int) -> Watch:
        """Make the watch of a descriptor, unless we cannot watch a descriptor of this number."""
        if type(fd) is not int or not 0 <= fd <= MOST_FD:
            check_fd(function, fd)
        self.check_descriptor(function, fd)
        # A finaliser may have made one meanwhile.
        watch = self._watches.setdefault(fd, Watch(fd, self._changes))
        # So the engine looks at it before the next wait, and drops it if nobody uses it by then.
        watch.change()
        return watch

    def adopt(self, fd: int, /) -> None:
        """Promise that `forget` will be called before this descriptor is closed.

        A stop and a new registration in one turn then cost no system call. Adopting a
        descriptor again is harmless: the kernel is told again what is wanted of it, since
        it may be another file.

        Not in OCaml.
        """
        watch = self._watches.get(fd)
        if watch is None:
            try:
                watch = self._new_watch("lwt_engine.adopt", fd)
            except ValueError:
                return  # Its events will be refused when they are registered: early enough.
        if watch.is_adopted or watch.applied:
            watch.is_doubtful = True
            watch.change()
        watch.is_adopted = True

    def forget(self, fd: int, /) -> None:
        """Drop all that is known of a descriptor, which is about to be closed.

        Events that still wait for it are stopped. Call this before closing: a closed
        descriptor cannot be taken back from the kernel if the file stays open elsewhere.

        Not in OCaml.
        """
        if not self._is_direct:
            # The events that users see are not those on the lists of the watch.
            for registered in list(self._readables) + list(self._writables):
                if registered.fd == fd:
                    registered.stop()
        watch = self._watches.pop(fd, None)
        if watch is not None:
            watch.is_adopted = False
            for event in (*watch.readers, *watch.writers):
                # What `stop` does, but for the change: nobody looks at the watch any more.
                if event.is_active:
                    event.is_active = False
                    event.peers.remove(event)
                    del event.registry[event]

    def transfer(self, engine: abstract, /) -> None:
        """Move all events to another engine, which is also told of adopted descriptors.

        OCaml: method transfer : abstract -> unit
        """
        check_engine("lwt_engine.transfer", engine)
        if engine is self:
            return
        super().transfer(engine)
        for watch in list(self._watches.values()):
            if watch.is_adopted:
                watch.is_adopted = False
                watch.change()
                engine.adopt(watch.fd)

    def check_invariants(self) -> None:
        """Assert what is always true between two calls. For tests."""
        self._timer_queue.check_invariants()
        for fd, watch in self._watches.items():
            assert watch.fd == fd
            assert watch.is_changed == (watch in self._changes)
            assert watch.is_changed or watch.applied == watch.wanted()
            for event in (*watch.readers, *watch.writers):
                assert event.is_active
                assert event in event.registry


def call_newest_first(events: list[Watch_event]) -> None:
    """Call the events of one list, but none that a callback stops or adds meanwhile."""
    if len(events) == 1:
        event = events[0]
        event.callback(event)
        return
    for event in reversed(events[:]):
        if event.is_active:
            event.callback(event)
