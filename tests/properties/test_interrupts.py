"""Exceptions that are no `Exception` leave at once, and leave the package as it should be.

A random program runs, and one of its callbacks raises KeyboardInterrupt. The program
goes on with its next statement, as an interactive session would. Afterwards another
program must run as if nothing had happened, once a first resolution has run what
was left over.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from random import Random
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

import lwt
from tests.conformance.forms import Form, Program, parse, show
from tests.conformance.languages.lwt.language import Maker
from tests.conformance.languages.lwt.run import Run
from tests.conformance.languages.lwt.subjects import Lwt as ByLwt
from tests.conformance.languages.lwt.subjects import Model as ByModel

AFTERWARDS = parse(
    """
    (wait 0) (wait 1) (wait 2) (task 3)
    (on_success 2 (do 1 (return 0)))
    (with_value 0 1 (bind 4 0 (do 2 (await 1) (wakeup_later 2 1) (cancel 3) (promise 3))))
    (catch 3 (do 3 (promise 4)) (do 4 (return 5)))
    (wakeup 0 0) (wakeup_later 1 0)
    (pause 0) (map 1 (do 5 (argument)) 0) (wakeup_paused)
    """
)


class InterruptedRun(Run):
    """Raises KeyboardInterrupt in one run of a callback, before or after its statements."""

    def __init__(self, subject: Any, *, at: int, before: bool) -> None:
        super().__init__(subject, random_choices=True)
        self._at = at
        self._before = before
        self._runs = 0
        self.raised = 0
        self.left = 0
        self._called_often: list[Callable[..., Any]] = []

    def run(self, program: Program) -> list[str]:
        for statement in program:
            try:
                self._execute(statement)
            except KeyboardInterrupt:
                self.left += 1
            except Exception as exception:
                self._log(f"raises {type(exception).__name__}")
        return self.trace

    def _callback(self, kind: str, form: Form) -> Callable[..., Any]:
        callback = super()._callback(kind, form)
        runs_of_this_one = 0

        def interrupted(*arguments: object) -> Any:
            nonlocal runs_of_this_one
            runs_of_this_one += 1
            assert runs_of_this_one == 1 or interrupted in self._called_often
            is_the_one = self._runs == self._at
            self._runs += 1
            if is_the_one and self._before:
                self._interrupt()
            result = callback(*arguments)
            if is_the_one:
                if hasattr(result, "close"):  # a coroutine, which nobody will run now
                    result.close()
                self._interrupt()
            return result

        return interrupted

    def _do_set_hook(self, callback: Callable[[Exception], object]) -> None:
        self._called_often.append(callback)
        super()._do_set_hook(callback)

    def _do_register_pause_notifier(self, callback: Callable[[int], object]) -> None:
        self._called_often.append(callback)
        super()._do_register_pause_notifier(callback)

    def _interrupt(self) -> None:
        self.raised += 1
        raise KeyboardInterrupt


def run_what_is_left_over() -> None:
    promise, resolver = lwt.wait()
    ran: list[None] = []
    lwt.on_success(promise, ran.append)
    lwt.wakeup(resolver, None)
    assert ran == [None]


def check_that_an_interrupt_leaves_nothing_behind(
    program: Program, at: int, *, before: bool, coroutines: bool
) -> None:
    with closing(ByLwt(coroutines=coroutines)) as subject:
        run = InterruptedRun(subject, at=at, before=before)
        run.run(program)
        assert run.left == run.raised
        run_what_is_left_over()
    with closing(ByLwt(coroutines=coroutines)) as subject:
        trace = Run(subject, random_choices=True).run(AFTERWARDS)
    assert trace == Run(ByModel(coroutines=coroutines), random_choices=True).run(AFTERWARDS)


in_both_ways = pytest.mark.parametrize(
    "coroutines", [False, True], ids=["callbacks are functions", "callbacks are async functions"]
)


@in_both_ways
@given(
    program=st.builds(lambda seed: Maker(Random(seed).randrange).program(), st.integers(0, 10**6)),
    at=st.integers(0, 8),
    before=st.booleans(),
)
def test_an_interrupt_leaves_nothing_behind(
    program: Program, at: int, before: bool, coroutines: bool
) -> None:
    note(show(program))
    check_that_an_interrupt_leaves_nothing_behind(program, at, before=before, coroutines=coroutines)


@in_both_ways
def test_many_interrupts_leave_nothing_behind(coroutines: bool) -> None:
    for seed in range(1000):
        program = Maker(Random(seed).randrange).program()
        check_that_an_interrupt_leaves_nothing_behind(
            program, at=seed % 7, before=seed % 2 == 0, coroutines=coroutines
        )
