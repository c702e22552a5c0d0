"""What of the library's and the world's own objects is written otherwise than it is.

What is left out, no program can see: the words of reports, the absolute numbers of turns, the order of what the
library keeps only to look it up. Timers for the same time have no order if the choice among them is open.
"""

from __future__ import annotations

import random
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from lwt._core.promise import Rejection
from lwt_unix._descriptors.actions import ActionQueue
from lwt_unix._descriptors.emptied import _Emptied
from lwt_unix._descriptors.file_descr import File_descr
from lwt_unix.lwt_engine._base import abstract
from lwt_unix.lwt_engine._current import turn
from lwt_unix.lwt_engine._descriptors import Watch, Watch_event, descriptor_based
from lwt_unix.lwt_engine._kernel import kernel_based
from lwt_unix.lwt_engine._timers import Timer, Timer_queue
from lwt_unix.testing._explore.writer import Unordered, Writer
from lwt_unix.testing._network.links import Link
from lwt_unix.testing._network.streams import Stream_flow
from lwt_unix.testing._outside import _Run
from lwt_unix.testing._processes.jobs import _Begun
from lwt_unix.testing._world.world import Description, Owner, World


def _by_key(table: dict[Any, object], *_: object) -> object:
    return tuple(sorted(table.items()))


def _numbers(numbers: Iterable[int], *_: object) -> object:
    return tuple(sorted(numbers))


def _left_out(*_: object) -> object:
    return None


def _since(number: int, *_: object) -> object:
    """Whether it was in this turn, in the one before, or longer ago."""
    return min(turn.number - number, 3)


def _events(events: list[tuple[float, int, object]], *_: object) -> object:
    return tuple((time, action) for time, _, action in sorted(events, key=lambda event: event[:2]))


def _heap(heap: list[tuple[float, int, Timer]], holder: object, writer: Writer) -> object:
    times: dict[float, list[Timer]] = {}
    for time, _, timer in sorted(heap, key=lambda entry: entry[:2]):
        if timer.is_active:
            times.setdefault(time, []).append(timer)
    return tuple((time, _timers(timers, holder, writer)) for time, timers in times.items())


def _timers(timers: Iterable[Timer], _: object, writer: Writer) -> object:
    return Unordered(timers) if writer.known.is_due_open else list(timers)


def _is_queued(is_queued: bool, timer: Timer, _: object) -> object:
    return is_queued and timer.is_active


def _not_past(time: float, holder: Link | Stream_flow, _: object) -> object:
    return max(time, holder.world.now)


def _chance(state_before: object, *_: object) -> object:
    """Python's own generator of random numbers, if the run uses it."""
    return None if state_before is None else random._inst


def _turns(turns: int, world: World, writer: Writer) -> object:
    return turns if writer.known.counts_turns else 0


def _changes(watches: Iterable[Watch], *_: object) -> object:
    return tuple(sorted(watch.fd for watch in watches))


def _unordered(things: Iterable[object], *_: object) -> object:
    return Unordered(things)


VIEWS: Final[Mapping[tuple[type, str], Callable[[Any, Any, Writer], object]]] = (
    types.MappingProxyType(
        {
            # Reports.
            (World, "_told"): _left_out,
            (Description, "name"): _left_out,
            (Link, "name"): _left_out,
            (_Begun, "name"): _left_out,
            (Rejection, "traceback"): _left_out,
            # The world: its tables are for looking up, and what is ready is sorted.
            (World, "_turns"): _turns,
            (World, "_event_count"): _left_out,
            (World, "_counts"): _by_key,
            (World, "_events"): _events,
            (World, "_free"): _numbers,
            (World, "inheritable"): _numbers,
            (World, "touched"): _numbers,
            (World, "table"): _by_key,
            (World, "watched"): _by_key,
            (World, "owners"): _by_key,
            (Owner, "fds"): _numbers,
            (Stream_flow, "last_arrival"): _not_past,
            (Link, "busy_until"): _not_past,
            # The state before the run.
            (_Run, "state"): _chance,
            # The engine: its registries are for counting; the world is told of changes, and sorts what is ready.
            (abstract, "_readables"): _unordered,
            (abstract, "_writables"): _unordered,
            (abstract, "_timers"): _unordered,
            (descriptor_based, "_watches"): _by_key,
            (descriptor_based, "_changes"): _changes,
            (kernel_based, "_forgotten"): _left_out,
            (Watch, "changes"): _left_out,
            (Watch_event, "registry"): _left_out,
            (Timer, "registry"): _left_out,
            (Timer, "is_queued"): _is_queued,
            (Timer_queue, "heap"): _heap,
            (Timer_queue, "fresh"): _timers,
            (Timer_queue, "last_number"): _left_out,
            (Timer_queue, "stopped_count"): _left_out,
            # Turns.
            (File_descr, "_turn"): _since,
            (ActionQueue, "held_in"): _since,
            (_Emptied, "last_end"): _since,
        }
    )
)
