"""A child process that is forked while the main loop runs: what waits in the parent stays there.

After `os.fork` the child has a copy of everything: of the body that forked, and of all others, of what they
wait for, and of what they have written and not flushed. Only the body that forked is to go on in the child, as
of all threads only one does. Otherwise the two processes would serve the same clients, let the same timers
fire, and write the same bytes twice.

So the child forgets what waits. But it keeps it in memory: a body that nobody has any more is closed by
Python, and what it has in `finally` could remove the files of its parent.

A child that is forked when the main loop does not run forgets nothing, as in OCaml: a daemon sets things up
first. In OCaml a child never forgets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from lwt._core.renewal import forget_waiting
from lwt_unix import _asyncgens, lwt_engine
from lwt_unix._descriptors.wait_queue import WaitQueue
from lwt_unix._jobs import notifications
from lwt_unix._processes import signals
from lwt_unix.lwt_engine._base import events_of

Forget: TypeAlias = Callable[[], object]
"""Forgets what waits somewhere, and returns it."""

_kept: Final[list[object]] = []
"""What waited in the parent."""

_of_others: Final[list[Forget]] = []


def also(forget: Forget) -> None:
    """Have a child process also call this function: for files above this one."""
    _of_others.append(forget)


def renew() -> None:
    """Begin again: this process was not forked by a main loop."""
    _kept.clear()


def depth() -> int:
    """Return how many main loops of parents forked on the way to this process."""
    return len(_kept)


def part_from_parent() -> None:
    """Forget all that waits; what runs goes on."""
    kept: list[object] = [forget_waiting(), signals.forget(), _asyncgens.forget()]
    for event in events_of(lwt_engine.get()):
        kept.append(event)
        queue = getattr(event.callback, "__self__", None)
        if isinstance(queue, WaitQueue):
            kept.append(queue.forget())
        event.stop()
    notifications.find_out()
    kept += [forget() for forget in _of_others]
    _kept.append(kept)


def keep_waiting() -> None:
    """Forget what has come back: an exception that leaves the parent's functions puts it there."""
    _kept.append(forget_waiting())
