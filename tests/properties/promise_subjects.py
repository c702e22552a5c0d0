"""The two that run the programs of `tests.conformance.languages.lwt.language`: the model, and package `lwt`.

Each can run callbacks that owe a promise in two ways: as functions that return
one, or, with `coroutines`, as async functions.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import lwt
from lwt import lwt_sequence
from lwt._core.resolution import resolution
from tests.conformance.languages.lwt.run import Waiting
from tests.conformance.languages.storage import Storage
from tests.properties import promise_model
from tests.properties.promise_model_concurrent import World

Hook = Callable[[Exception], object]


Bind = Callable[[Any, Callable[[object], Any]], Any]


def chained(bind: Bind, body: Waiting, end: Callable[[Any], Any]) -> Any:
    """Run a body with `bind`, or something like it, and do to its promise what `end` does."""
    try:
        promise = next(body)
    except StopIteration as stop:
        return end(stop.value)
    return bind(promise, lambda _: chained(bind, body, end))


class ByModel(World):
    """The model, as `Run` wants it."""

    Canceled = promise_model.Canceled

    def __init__(self, *, coroutines: bool = False) -> None:
        super().__init__(Random())
        self._coroutines = coroutines
        self.sequence: list[promise_model.Promise] = []

    def set_hook(self, hook: Hook) -> None:
        self.on_async_exception = hook

    def outcome(self, promise: promise_model.Promise) -> tuple[bool, object] | None:
        match promise_model.outcome(promise):
            case promise_model.Fulfilled(value):
                return (False, value)
            case promise_model.Rejected(exception):
                return (True, exception)
        return None

    def run_waiting(self, body: Waiting) -> promise_model.Promise:
        if self._coroutines:
            # What a body raises rejects its promise; `return await p` goes on with the value.
            return self.attempt(
                lambda: chained(self._await, body, lambda p: self._await(p, self.return_))
            )
        promise: promise_model.Promise = chained(self.bind, body, lambda promise: promise)
        return promise

    def _await(
        self, promise: promise_model.Promise, f: Callable[[object], promise_model.Promise]
    ) -> promise_model.Promise:
        """Bind, except that a body also goes on, with its storage, when it is to see a failure."""

        def go_on_raising(exception: Exception) -> promise_model.Promise:
            raise exception

        return self.try_bind(lambda: promise, f, go_on_raising)

    def take_l(self, value: object) -> None:
        if self.sequence:
            self.wakeup(self.sequence.pop(0), value)


class ByLwt(Storage):
    """Package `lwt`, as `Run` wants it."""

    choices = lwt.prng

    def __init__(self, *, coroutines: bool = False) -> None:
        super().__init__()
        self._coroutines = coroutines
        self._hook_before = lwt.async_exception_hook.contents
        self.sequence: lwt_sequence.Sequence[lwt.Resolver[object]] = lwt_sequence.create()

    def __getattr__(self, name: str) -> Any:
        return getattr(lwt, name)

    def set_hook(self, hook: Hook) -> None:
        lwt.async_exception_hook.contents = hook

    def outcome(self, promise: lwt.Promise[object]) -> tuple[bool, object] | None:
        match lwt.state(promise):
            case lwt.Return(value):
                return (False, value)
            case lwt.Fail(exception):
                return (True, exception)
        return None

    def run_waiting(self, body: Waiting) -> Any:
        return self._coroutine(body) if self._coroutines else chained(lwt.bind, body, lambda p: p)

    async def _coroutine(self, body: Waiting) -> object:
        while True:
            try:
                promise = next(body)
            except StopIteration as stop:
                promise = stop.value
                break
            await promise
        return await promise

    def take_l(self, value: object) -> None:
        taken = lwt_sequence.take_opt_l(self.sequence)
        if taken:
            lwt.wakeup(taken.value, value)

    def close(self) -> None:
        """Leave nothing behind in the package, whose state is global."""
        lwt.async_exception_hook.contents = self._hook_before
        lwt.abandon_paused()
        resolution.renew()  # After `abandon_wakeups` in a callback the depth is wrong.
