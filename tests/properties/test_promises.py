"""Random programs over promises, run by `lwt` and by the model: the same must happen, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

import lwt
from lwt import lwt_sequence
from tests.properties import promise_model
from tests.properties.promise_programs import KEYS, Maker, Program, Run, parse, show

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


@pytest.fixture(autouse=True)
def _leave_lwt_as_found() -> Iterator[None]:
    hook = lwt.async_exception_hook.contents
    yield
    lwt.async_exception_hook.contents = hook
    lwt.abandon_paused()


def trace_of_model(program: Program) -> list[str]:
    return Run(ByModel(), random_choices=True).run(program)


def trace_of_lwt(program: Program) -> list[str]:
    lwt.abandon_paused()
    return Run(ByLwt(), random_choices=True).run(program)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    return Maker(lambda n: draw(st.integers(0, n - 1))).program()


@given(programs())
def test_a_program_runs_as_in_the_model(program: Program) -> None:
    note(show(program))
    assert trace_of_lwt(program) == trace_of_model(program)


@pytest.mark.parametrize("thousand", range(5))
def test_many_programs_run_as_in_the_model(thousand: int) -> None:
    """Made without hypothesis, which shrinks what fails but is slow to make what does not."""
    for seed in range(1000 * thousand, 1000 * (thousand + 1)):
        program = Maker(Random(seed).randrange).program()
        assert trace_of_lwt(program) == trace_of_model(program), show(program)


@given(programs())
def test_a_program_survives_its_text_form(program: Program) -> None:
    assert parse(show(program)) == program
