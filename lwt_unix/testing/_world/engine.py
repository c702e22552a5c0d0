"""The engine of a simulated world: one of our own, over a poller that asks the world.

So what a program sees of an engine is the same as in the real world: when events are called, and in
which order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lwt._core import choices
from lwt._core.storage import current_storage
from lwt_unix.lwt_engine._descriptors import READ, WRITE
from lwt_unix.lwt_engine._events import Event, Event_callback
from lwt_unix.lwt_engine._identifiers import Engine_id
from lwt_unix.lwt_engine._kernel import kernel_based
from lwt_unix.testing._world.world import World, owner_in


class World_poller:
    """The poller over a simulated world."""

    def __init__(self, world: World) -> None:
        self.readable: Final = READ
        self.writable: Final = WRITE
        self._world: Final = world
        self.wait: Final = world.wait

    def change(self, fd: int, before: int, after: int, /) -> None:
        """Tell the world."""
        self._world.watch(fd, after)

    def check(self, function: str, fd: int, /) -> None:
        """Accept any descriptor."""

    def renew(self) -> None:
        """Have no interest any more."""
        self._world.watched.clear()

    def close(self) -> None:
        """Have no interest any more."""
        self._world.watched.clear()


@dataclass(frozen=True, slots=True)
class Engine_id__simulated(Engine_id):
    """The identifier of the engine of a simulated world."""


class simulated(kernel_based):
    """The engine of a simulated world."""

    def __init__(self, world: World) -> None:
        super().__init__(World_poller(world), clock=world.clock)
        self._world: Final = world
        world.next_timer = self._next_timer

    def iter(self, block: bool, /) -> None:
        """Perform one turn."""
        self._world.begin_turn()
        super().iter(block)

    def on_timer(self, delay: float, repeat: bool, callback: Event_callback, /) -> Event:
        """Call a function with the event after a delay, once or again and again."""
        event = super().on_timer(delay, repeat, callback)
        owner = owner_in(current_storage.contents)
        if owner is not None:
            owner.note_timer(event)
        return event

    def _call(self, ready: list[tuple[int, int]]) -> None:
        """Call the events of the descriptors that are ready: the readable ones, then the writable ones.

        Which is next is chosen when it is called, so that orders are compared on the way (`_explore`).
        """
        if len(ready) < 2 or (deciding := choices.source) is None:
            super()._call(ready)
            return
        ready.sort()
        for place, last in enumerate(range(len(ready) - 1, -1, -1)):
            if last:
                choices.choose_ready(ready, place, deciding)
            fd, bits = ready[place]
            if bits & READ:
                super()._call([(fd, READ)])
        for fd, bits in ready:
            if bits & WRITE:
                super()._call([(fd, WRITE)])

    def _next_timer(self) -> float:
        return self._timer_queue.heap[0][0]

    @property
    def id(self) -> Engine_id:
        """What identifies the engine."""
        return Engine_id__simulated()
