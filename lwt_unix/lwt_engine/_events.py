"""Events: callbacks registered with an engine, until they are stopped.

- An `Event` is *active* from its registration until it is stopped. So is a timer that
  fires only once: it is counted, and moved by `transfer`, until somebody stops it.
- A *registry* is a dictionary used as an ordered set: the active events of one kind of
  one engine, oldest first.
- `transfer` registers an event again in another engine, and makes the old event point
  to the new one. Stopping the old one stops the new one.
- The `Registered_` events go through the `register_` methods of an engine. Our own
  engines do it in fewer steps, with events of their own.

OCaml: src/unix/lwt_engine.ml, Events
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn, TypeAlias

from lwt._core.checks import check_kind
from lwt._core.identity import refuse_copy


class Event:
    """A callback registered with an engine, until `stop_event` takes it back.

    OCaml: Lwt_engine.event : type event
    """

    __slots__ = ("is_active", "moved_to")

    is_active: bool
    moved_to: Event | None

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self) -> None:
        self.is_active = False
        self.moved_to = None

    def stop(self) -> None:
        """Stop the event, wherever `transfer` took it. What `stop_event` does."""
        if self.is_active:
            self.is_active = False
            self.withdraw()
        elif self.moved_to is not None:
            self.moved_to.stop()

    def withdraw(self) -> None:
        """Take the registration back. Called once, on an event that has just become inactive."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'active' if self.is_active else 'stopped'}>"


Event_callback: TypeAlias = Callable[[Event], object]
Action: TypeAlias = Callable[[], object]


class Descriptor_event(Event):
    """An event of a descriptor: it became readable, or it became writable."""

    __slots__ = ("fd", "callback", "registry")

    fd: int
    callback: Event_callback
    registry: dict[Descriptor_event, None]


class Timer_event(Event):
    """An event of a clock: a delay has passed."""

    __slots__ = ("delay", "repeat", "callback", "registry")

    delay: float
    repeat: bool
    callback: Event_callback
    registry: dict[Timer_event, None]


class Registered_descriptor_event(Descriptor_event):
    """An event of `register_readable` or `register_writable`."""

    __slots__ = ("unregister",)

    unregister: Action

    def __init__(
        self, fd: int, callback: Event_callback, registry: dict[Descriptor_event, None]
    ) -> None:
        super().__init__()
        self.fd = fd
        self.callback = callback
        self.registry = registry

    def begin(self, register: Callable[[int, Action], Action]) -> None:
        """Register with the engine, and become active."""
        self.unregister = register(self.fd, self.fire)
        self.registry[self] = None
        self.is_active = True

    def fire(self) -> None:
        """Call the callback: what the engine is given to call."""
        self.callback(self)

    def withdraw(self) -> None:
        """Leave the registry and the engine."""
        del self.registry[self]
        self.unregister()


class Registered_timer_event(Timer_event):
    """An event of `register_timer`."""

    __slots__ = ("unregister",)

    unregister: Action

    def __init__(
        self,
        delay: float,
        repeat: bool,
        callback: Event_callback,
        registry: dict[Timer_event, None],
    ) -> None:
        super().__init__()
        self.delay = delay
        self.repeat = repeat
        self.callback = callback
        self.registry = registry

    def begin(self, register: Callable[[float, bool, Action], Action]) -> None:
        """Register with the engine, and become active."""
        self.unregister = register(self.delay, self.repeat, self.fire)
        self.registry[self] = None
        self.is_active = True

    def fire(self) -> None:
        """Call the callback: what the engine is given to call."""
        self.callback(self)

    def withdraw(self) -> None:
        """Leave the registry and the engine."""
        del self.registry[self]
        self.unregister()


def stop_event(event: Event, /) -> None:
    """Stop an event: its callback is not called any more, not even later in this turn.

    Stopping it again does nothing. An event that `transfer` moved is stopped where
    it is now.

    In OCaml, an event that was moved twice is no longer stopped by its first handle.

    OCaml: Lwt_engine.stop_event : event -> unit
    """
    if not isinstance(event, Event):
        hint = "on_readable, on_writable and on_timer return one"
        check_kind("lwt_engine.stop_event", event, Event, hint)
    event.stop()


fake_event: Final = Event()
"""An event which does nothing when stopped.

OCaml: Lwt_engine.fake_event : event
"""
