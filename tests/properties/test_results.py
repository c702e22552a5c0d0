"""lwt_result against plain functions on results, whenever the promises are resolved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import given
from hypothesis import strategies as st

import lwt
from lwt import Error, Ok, lwt_result

T = TypeVar("T")


class Rejected(Exception):
    pass


RESULTS = st.one_of(
    st.builds(Ok, st.integers(0, 9)),
    st.builds(Error, st.sampled_from("abc")),
    st.builds(Rejected, st.integers(0, 9)),
)
"""Results, and exceptions for promises that are rejected."""

ANSWERS = st.lists(RESULTS, min_size=1, max_size=4)
"""What a function returns, by what it is called with."""


class Later:
    """Promises that are resolved at once, or when all was arranged."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] = []

    def promise(self, outcome: object, waits: bool) -> lwt.Promise[Any]:
        if not waits:
            return lwt.fail(outcome) if isinstance(outcome, Rejected) else lwt.return_(outcome)
        promise, resolver = lwt.wait()

        def resolve() -> None:
            if isinstance(outcome, Rejected):
                lwt.wakeup_exn(resolver, outcome)
            else:
                lwt.wakeup(resolver, outcome)

        self._waiting.append(resolve)
        return promise

    def outcome(self, promise: lwt.Promise[Any]) -> object:
        """What a promise gives in the end: its value, or the exception."""
        while self._waiting:
            self._waiting.pop(0)()
        state = lwt.state(promise)
        if isinstance(state, lwt.Fail):
            return state.exception
        assert isinstance(state, lwt.Return)
        return state.value


def picked(answers: list[T], content: int | str) -> T:
    return answers[(content if isinstance(content, int) else ord(content)) % len(answers)]


def rejection(outcome: object) -> object:
    return outcome if isinstance(outcome, Rejected) else None


def negated(content: int) -> int:
    return -content


@given(result=RESULTS, answers=ANSWERS, waits=st.booleans(), answer_waits=st.booleans())
def test_going_on_is_a_function_of_results(
    result: object, answers: list[Any], waits: bool, answer_waits: bool
) -> None:
    later = Later()

    def of_ok(f: Callable[[Any], object]) -> object:
        return f(result.value) if isinstance(result, Ok) else result

    def of_error(f: Callable[[Any], object]) -> object:
        return f(result.error) if isinstance(result, Error) else result

    def answer(content: int | str) -> lwt.Promise[Any]:
        return later.promise(picked(answers, content), answer_waits)

    def plain(content: int | str) -> Any:
        found = picked(answers, content)
        if isinstance(found, Rejected):
            raise found
        return found

    def wrapped(kind: Callable[[Any], object], content: int | str) -> object:
        found = picked(answers, content)
        return found if isinstance(found, Rejected) else kind(found)

    def given_() -> lwt.Promise[Any]:
        return later.promise(result, waits)

    def ends_as(promise: lwt.Promise[Any], expected: object) -> None:
        assert later.outcome(promise) == expected

    ends_as(lwt_result.map(negated, given_()), of_ok(lambda x: Ok(-x)))
    ends_as(lwt_result.map_error(str.upper, given_()), of_error(lambda e: Error(e.upper())))
    ends_as(lwt_result.bind(given_(), answer), of_ok(lambda x: picked(answers, x)))
    ends_as(lwt_result.bind_error(given_(), answer), of_error(lambda e: picked(answers, e)))
    ends_as(lwt_result.bind_lwt(given_(), answer), of_ok(lambda x: wrapped(Ok, x)))
    ends_as(lwt_result.bind_lwt_error(given_(), answer), of_error(lambda e: wrapped(Error, e)))
    ends_as(lwt_result.bind_result(given_(), plain), of_ok(lambda x: picked(answers, x)))
    for iterate, going_on in ((lwt_result.iter, of_ok), (lwt_result.iter_error, of_error)):
        expected = going_on(lambda content: picked(answers, content))
        outcome = later.outcome(iterate(answer, given_()))
        assert rejection(outcome) == rejection(expected)


@given(first=RESULTS, second=RESULTS, waits=st.tuples(st.booleans(), st.booleans()))
def test_both_gives_the_pair_or_the_error_that_came_first(
    first: object, second: object, waits: tuple[bool, bool]
) -> None:
    later = Later()
    promise: lwt.Promise[object] = lwt_result.both(
        later.promise(first, waits[0]), later.promise(second, waits[1])
    )
    # What was there before what was waited for; of what was there, the second first, as in OCaml.
    in_time = [first, second] if waits[1] else [second, first]
    rejections = [outcome for outcome in (first, second) if isinstance(outcome, Rejected)]
    errors = [outcome for outcome in in_time if isinstance(outcome, Error)]
    outcome = later.outcome(promise)
    if rejections:
        assert outcome in rejections
    elif errors:
        assert outcome == errors[0]
    else:
        assert isinstance(first, Ok)
        assert isinstance(second, Ok)
        assert outcome == Ok((first.value, second.value))


@given(result=RESULTS, waits=st.booleans())
def test_catch_and_get_exn_undo_each_other(result: object, waits: bool) -> None:
    later = Later()
    caught = lwt_result.catch(lambda: later.promise(result, waits))
    expected = Error(result) if isinstance(result, Rejected) else Ok(result)
    assert later.outcome(lwt_result.get_exn(caught)) == result
    assert later.outcome(caught) == expected
    assert later.outcome(lwt_result.ok(later.promise(result, waits))) == (
        result if isinstance(result, Rejected) else Ok(result)
    )
    assert later.outcome(lwt_result.error(later.promise(result, waits))) == (
        result if isinstance(result, Rejected) else Error(result)
    )
