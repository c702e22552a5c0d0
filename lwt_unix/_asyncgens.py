"""Async generators are finalised by the main loop, as PEP 525 asks of whoever runs coroutines.

An `async for` that is left by `break`, by an exception or by a cancel drops its generator. What the
generator has in `finally` may `await`, so the interpreter cannot run it: it calls two hooks of the thread
instead. One tells of each generator that is begun, the other of each that is dropped. While `lwt_main.run`
runs they are ours:

- a generator that was dropped is closed (`aclose()`) at the next turn, in the background;
- at the end of `run` all those are closed that are not, and their `await`s are waited for.

The interpreter drops a generator where it likes, also while the collector runs, in the middle of any
function. So the hook only notes it.

A generator in which a body waits just then cannot be closed. It goes on when `run` is called again.

Not in OCaml.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import AsyncGenerator
from functools import partial
from types import AsyncGeneratorType
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

import lwt

_Generator: TypeAlias = AsyncGenerator[Any, Any]

_begun: Final[WeakKeyDictionary[_Generator, None]] = WeakKeyDictionary()
"""Those that were begun, and are perhaps not at their end; oldest first."""

dropped: Final[deque[_Generator]] = deque()
"""Those that nobody will go on with."""


_closing: Final[list[lwt.Promise[None]]] = []
"""The promises of those that are being closed, and wait for something."""


def renew() -> None:
    """Begin again: there are none to be closed."""
    _begun.clear()
    dropped.clear()
    _closing.clear()


def forget() -> object:
    """Begin again in a child process, and return what is its parent's."""
    waiting = ([*_begun], [*dropped], [*_closing])
    renew()
    return waiting


def watch() -> sys._asyncgen_hooks:
    """Have the interpreter tell us of this thread's generators; return who was told before."""
    before = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(firstiter=_note, finalizer=dropped.append)
    return before


def stop_watching(before: sys._asyncgen_hooks) -> None:
    """Have those told who were told before."""
    sys.set_asyncgen_hooks(*before)


def _note(generator: _Generator) -> None:
    _begun[generator] = None


def close_dropped() -> None:
    """Begin to close those that were dropped."""
    while dropped:
        _close(dropped.popleft())


def any_left() -> bool:
    """Tell whether there may be something to close, or to wait for."""
    return bool(_begun or dropped or _closing)


def close_all() -> lwt.Promise[None] | None:
    """Begin to close all that can be closed, newest first; return the promise of that.

    Returns None if there is nothing to wait for.
    """
    close_dropped()
    for generator in reversed(list(_begun)):
        if not _is_running(generator):
            _close(generator)
    return lwt.join(_closing) if _closing else None


def forget_closing() -> None:
    """Wait no more for those that are being closed."""
    _closing.clear()


def _close(generator: _Generator) -> None:
    _begun.pop(generator, None)
    if not _is_running(generator):
        closed = lwt.catch(generator.aclose, _report)
        if lwt.is_sleeping(closed):
            _closing.append(closed)
            lwt.on_termination(closed, partial(_forget, closed))


def _is_running(generator: _Generator) -> bool:
    return isinstance(generator, AsyncGeneratorType) and generator.ag_running


def _forget(closed: lwt.Promise[None]) -> None:
    if closed in _closing:
        _closing.remove(closed)


def _report(exception: Exception) -> lwt.Promise[None]:
    lwt.async_exception_hook.contents(exception)
    return lwt.return_unit
