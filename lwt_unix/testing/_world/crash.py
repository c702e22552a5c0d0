"""A host crashes: nothing that runs there goes on.

What runs on a host are callbacks, and which host a callback belongs to is in Lwt's storage. So the crash

- takes the host's callbacks from the promises to which they are attached: bodies do not go on, callbacks of
  `bind`, `finalize` and `on_cancel` are not called;
- stops its timers, drops its jobs, and makes its descriptors numbers of nothing, without a word to the
  network.

That happens between two turns of the main loop, when no code of the host is under way.

Python does not let go of a body without running its `finally` blocks. So the bodies of crashed hosts are kept until
the run is over. Then they are closed while every call of the system fails (`Crashed`): what their `finally` does
reaches nobody in the world, but it does change the program's own objects.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from types import CoroutineType
from typing import Any, Final, NoReturn

from lwt._core.promise import Callbacks, Promise
from lwt._core.ring import remove
from lwt._core.waiters import Waiter
from lwt_unix import _system as system
from lwt_unix import lwt_engine
from lwt_unix.lwt_engine import stop_event
from lwt_unix.testing._world.world import Description, Owner, World, owner_in


class Crashed(Exception):
    """The host has crashed: what `Host.run` rejects its promise with."""


class Gone(Description):
    """What a number of a crashed host stands for: nothing. It is not given to anything else."""

    __slots__ = ()


def crash(world: World, owner: Owner) -> None:
    """Let a host crash, now: no code of it is under way."""
    world.tell("%s crashes", owner.name)
    owner.is_up = False
    owner.life += 1
    for timer in owner.timers:
        stop_event(timer)
    owner.timers.clear()
    _close_numbers(world, owner)
    world.dropped.extend(taken_from_promises(partial(_is_of, owner)))
    for hook in world.at_crash:
        hook(owner)


def _close_numbers(world: World, owner: Owner) -> None:
    """Let the descriptors of a host go, without a word to the network."""
    engine, gone = lwt_engine.get(), Gone(world, f"a descriptor of {owner.name}, which has crashed")
    for fd in list(owner.fds):
        engine.forget(fd)
        description = world.table[fd]
        description.fds.remove(fd)
        if not description.fds:
            description.crash()
        world.table[fd] = gone
        world.owners.pop(fd, None)
    owner.fds.clear()


# --- Callbacks ---------------------------------------------------------------


def taken_from_promises(is_taken: Callable[[object], bool]) -> Iterator[object]:
    """Take some callbacks from all promises, and yield them.

    The flushes that are due (`Due`) stay. A channel may be one that all hosts write to, such as the standard output;
    one of a crashed host's own has no descriptor any more.
    """
    for promise in gc.get_objects():
        # One that is made by no function of lwt has no attributes.
        if type(promise) is not Promise or not hasattr(promise, "_callbacks"):
            continue
        taken: list[object] = []
        callbacks = promise._callbacks
        if isinstance(callbacks, Callbacks):
            taken = _taken_from(callbacks.oldest_first, is_taken)
            if not callbacks.oldest_first:
                promise._callbacks = None
        elif callbacks is not None and is_taken(callbacks):
            promise._callbacks = None
            taken = [callbacks]
        cancel_callbacks = promise._cancel_callbacks or []
        if taken and promise._callbacks is None:
            # Nobody waits for it any more. So it leaves its queue, of a mutex that others share.
            for place in cancel_callbacks:
                if isinstance(place, Waiter):
                    remove(place)
        yield from taken
        yield from _taken_from(cancel_callbacks, is_taken)


def _taken_from(callbacks: list[Any], is_taken: Callable[[object], bool]) -> list[object]:
    taken = [callback for callback in callbacks if is_taken(callback)]
    if taken:
        callbacks[:] = [callback for callback in callbacks if not is_taken(callback)]
    return taken


def _is_of(owner: Owner, callback: object) -> bool:
    """Say whether a callback runs on a host: its storage knows."""
    storage = getattr(callback, "_storage", None) or getattr(callback, "storage", None)
    return storage is not None and owner_in(storage) is owner


# --- Bodies ------------------------------------------------------------------

_MOST_AWAITS: Final = 100
"""How many awaits in its `finally` blocks a body is closed at."""


def _refuse(*_: object, **__: object) -> NoReturn:
    raise Crashed("the host has crashed: no call of the system reaches the world")


def bury(world: World, calls: Mapping[str, object]) -> None:
    """Close the bodies of crashed hosts, without the world: the run is over.

    Args:
        world: the world.
        calls: what stands in the place of the names of `_system` until now, and again afterwards.
    """
    if not world.dropped:
        return
    system.__dict__.update(dict.fromkeys(calls, _refuse))
    try:
        for callback in world.dropped:
            body = getattr(callback, "_body", None)
            if isinstance(body, CoroutineType):
                _close(body)
        world.dropped.clear()
    finally:
        system.__dict__.update(calls)


def _close(body: CoroutineType[Any, Any, Any]) -> None:
    """Close a body; its `finally` blocks may await."""
    for _ in range(_MOST_AWAITS):
        with suppress(Exception):
            body.close()
        if body.cr_frame is None:
            return
