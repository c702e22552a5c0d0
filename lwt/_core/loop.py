"""Loops over promises: what OCaml does by recursion through `bind`.

A loop is a generator function. `value = yield promise` is `bind`: if the promise is
fulfilled, the loop goes on at once; if it is pending, the rest of the loop runs as its
callback, with the storage of this moment; if it is rejected, so is the promise of the
loop, and the rest never runs. What the loop returns fulfills its promise.

`driver` runs it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeAlias, TypeVar

from lwt._core.driver import SuspendedLoop
from lwt._core.driver import start as start_
from lwt._core.promise import Promise

T = TypeVar("T")

Loop: TypeAlias = Generator[Promise[Any], Any, T]
"""A loop that waits for promises, and returns a value."""


def start(loop: Loop[T]) -> Promise[T]:
    """Run a loop up to its first pending promise; return the promise of its result.

    Raises:
        Exception: what the loop raises before it has to wait.
    """
    return start_(loop, SuspendedLoop, exceptions_leave=True)
