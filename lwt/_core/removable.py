"""Callbacks that can be taken back, for `choose` and `pick`, and for `protected`.

One callback is attached to several promises. The first promise that is resolved runs it; then
the others do not need it any more. It is not searched for in their lists: it is emptied and
marked as removed, and a list is rebuilt when many of its callbacks are marked
(`remove_callback` in `promise`). So a promise that stays pending for long and takes part in
`choose` again and again has a bounded number of such callbacks.

OCaml: src/core/lwt.ml, Pending_callbacks (the "explicitly removable" ones).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, final

from lwt._core.promise import (
    PENDING,
    PROXY,
    Callback,
    Promise,
    add_callback,
    remove_callback,
    underlying,
)

Finish: TypeAlias = Callable[
    [Promise[Any], Sequence[Promise[Any]], Promise[Any]], Promise[Any] | None
]
"""What to do when the first of several promises is resolved.

Takes that promise, all of them, and the promise to resolve; returns what `Callback.run` does.
"""


@final
class RemovableCallback(Callback):
    """A callback that runs at most once, for whichever promise is first."""

    __slots__ = ("_finish", "_promises", "_result", "removed")

    def __init__(
        self, promises: Sequence[Promise[Any]], result: Promise[Any], finish: Finish
    ) -> None:
        self._promises = promises
        self._result: Promise[Any] | None = result
        self._finish = finish
        self.removed = False

    def attach(self) -> None:
        """Attach the callback to each of its promises, which are pending."""
        for promise in self._promises:
            source = promise if promise._state != PROXY else underlying(promise)
            if source._callbacks is None and source._state == PENDING:
                source._callbacks = self
            else:
                add_callback(source, self)

    def remove(self) -> None:
        """Take the callback back from the promises that are still pending."""
        promises = self._promises
        self.removed = True
        self._promises = ()
        self._result = None
        for promise in promises:
            source = promise if promise._state != PROXY else underlying(promise)
            if source._state == PENDING:
                if source._callbacks is self:
                    source._callbacks = None
                else:
                    remove_callback(source, self)

    def run(self, promise: Promise[Any], /) -> Promise[Any] | None:
        promises, result = self._promises, self._result
        if result is None:
            return None
        self.remove()
        return self._finish(promise, promises, result)
