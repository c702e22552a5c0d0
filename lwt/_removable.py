"""Callbacks that can be taken back: those of `choose`, `pick` and `protected`.

One callback is attached to several promises; the first that is resolved runs it, and
it is then of no more use to the others. It is not searched for in their lists: it is
marked as removed, and each list is rebuilt when many such marks have come together
(`count_removals`). So `choose` in a loop against one promise that stays pending for
long costs a bounded number of dead callbacks there.

OCaml: src/core/lwt.ml, Pending_callbacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lwt._promise import PENDING, Promise, add_callback, count_removals, underlying


class RemovableCallback:
    """The base of callbacks that run at most once, for whichever promise is first."""

    __slots__ = ("_promises", "removed")

    def __init__(self, promises: Sequence[Promise[Any]]) -> None:
        self._promises = promises
        self.removed = False

    def attach(self) -> None:
        """Attach the callback to each of its promises, which are pending."""
        for promise in self._promises:
            add_callback(underlying(promise), self)

    def remove(self) -> None:
        """Take the callback back from the promises that are still pending."""
        self.removed = True
        for promise in self._promises:
            source = underlying(promise)
            if source._state != PENDING:
                continue
            callbacks = source._callbacks
            if callbacks is not None and len(callbacks) == 1 and callbacks[0] is self:
                source._callbacks = None
            else:
                count_removals(source, 1)

    def run(self, promise: Promise[Any], /) -> Promise[Any] | None:
        if self.removed:
            return None
        self.remove()
        return self.run_once(promise)

    def run_once(self, promise: Promise[Any]) -> Promise[Any] | None:
        """React to the first of the promises that is resolved, as `Callback.run` does."""
        raise NotImplementedError
