"""The two that run the programs of `promise_programs`: the model, and package `lwt`."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import lwt
from lwt import lwt_sequence
from tests.properties import promise_model
from tests.properties.promise_programs import KEYS

Hook = Callable[[Exception], object]


class ByModel(promise_model.World):
    """The model, as `Run` wants it."""

    Canceled = promise_model.Canceled

    def __init__(self) -> None:
        super().__init__(Random())
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

    def take_l(self, value: object) -> None:
        if self.sequence:
            self.wakeup(self.sequence.pop(0), value)


class ByLwt:
    """Package `lwt`, as `Run` wants it."""

    choices = lwt.prng

    def __init__(self) -> None:
        self._hook_before = lwt.async_exception_hook.contents
        self.sequence: lwt_sequence.Sequence[lwt.Resolver[object]] = lwt_sequence.create()
        self._keys: list[lwt.Key[object]] = [lwt.new_key() for _ in range(KEYS)]

    def __getattr__(self, name: str) -> Any:
        return getattr(lwt, name)

    def set_hook(self, hook: Hook) -> None:
        lwt.async_exception_hook.contents = hook

    def get(self, key: int) -> object:
        found = lwt.get(self._keys[key])
        return found.value if found else None

    def with_value(self, key: int, value: object, f: Callable[[], object]) -> None:
        lwt.with_value(self._keys[key], None if value is None else lwt.Some(value), f)

    def outcome(self, promise: lwt.Promise[object]) -> tuple[bool, object] | None:
        match lwt.state(promise):
            case lwt.Return(value):
                return (False, value)
            case lwt.Fail(exception):
                return (True, exception)
        return None

    def take_l(self, value: object) -> None:
        taken = lwt_sequence.take_opt_l(self.sequence)
        if taken:
            lwt.wakeup(taken.value, value)

    def close(self) -> None:
        """Leave nothing behind in the package, whose state is global."""
        lwt.async_exception_hook.contents = self._hook_before
        lwt.abandon_paused()
