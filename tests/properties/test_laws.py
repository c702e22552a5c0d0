"""Equations between expressions: both sides must have the same history, whatever happens.

A computation is a function from four pending promises to a promise. What happens
to it is a list of events: one of the four is fulfilled, rejected or cancelled, or
the promise of the computation is cancelled. Some events come before it is built.
Two computations are equal if the states of the five promises agree after each
event, each on its own four promises; a computation that raises when it is built
equals one that raises the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lwt

Promises: TypeAlias = Sequence[lwt.Promise[int]]
Computation: TypeAlias = Callable[[Promises], lwt.Promise[int]]
Continuation: TypeAlias = Callable[[Promises, int], lwt.Promise[int]]
Event: TypeAlias = tuple[str, int, int]

PENDING_PROMISES = 4


class Trouble(Exception):
    """The exception of these tests; equal if it carries the same number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trouble) and other.number == self.number

    __hash__ = Exception.__hash__


# What computations are made of. Named functions, so that failures can be read.


def described(
    name: str, function: Callable[..., lwt.Promise[int]]
) -> Callable[..., lwt.Promise[int]]:
    function.__qualname__ = function.__name__ = name
    return function


def at(index: int) -> Computation:
    return described(f"at({index})", lambda promises: promises[index])


def value(number: int) -> Computation:
    return described(f"value({number})", lambda _: lwt.return_(number))


def trouble(number: int) -> Computation:
    return described(f"trouble({number})", lambda _: lwt.fail(Trouble(number)))


def after(first: int, second: int) -> Computation:
    return described(
        f"after({first}, {second})",
        lambda promises: lwt.bind(promises[first], lambda _: promises[second]),
    )


def then(computation: Computation) -> Continuation:
    return described(f"then({computation.__name__})", lambda promises, _: computation(promises))


def then_add(number: int) -> Continuation:
    return described(f"then_add({number})", lambda _, given: lwt.return_(given + number))


def then_raise(number: int) -> Continuation:
    def raising(_: Promises, __: int) -> lwt.Promise[int]:
        raise Trouble(number)

    return described(f"then_raise({number})", raising)


indexes = st.integers(0, PENDING_PROMISES - 1)
numbers = st.integers(0, 9)
computations: st.SearchStrategy[Computation] = st.one_of(
    st.builds(at, indexes),
    st.builds(value, numbers),
    st.builds(trouble, numbers),
    st.builds(after, indexes, indexes),
)
continuations: st.SearchStrategy[Continuation] = st.one_of(
    st.builds(then, computations), st.builds(then_add, numbers), st.builds(then_raise, numbers)
)
events = st.tuples(
    st.sampled_from(["wakeup", "wakeup_exn", "cancel", "cancel the result"]), indexes, numbers
)
events_without_cancelling = st.tuples(st.sampled_from(["wakeup", "wakeup_exn"]), indexes, numbers)


def history(computation: Computation, before: list[Event], later: list[Event]) -> list[object]:
    """Let all events happen and tell the states after each."""
    tasks: list[tuple[lwt.Promise[int], lwt.Resolver[int]]] = [
        lwt.task() for _ in range(PENDING_PROMISES)
    ]
    promises = [promise for promise, _ in tasks]
    watched = list(promises)

    def happen(event: Event) -> None:
        kind, index, number = event
        if kind == "cancel the result":
            lwt.cancel(watched[-1])
        elif kind == "cancel":
            lwt.cancel(promises[index])
        elif lwt.is_sleeping(promises[index]):
            if kind == "wakeup":
                lwt.wakeup(tasks[index][1], number)
            else:
                lwt.wakeup_exn(tasks[index][1], Trouble(number))

    def look() -> list[object]:
        return [
            "canceled" if isinstance(getattr(state, "exception", None), lwt.Canceled) else state
            for state in map(lwt.state, watched)
        ]

    for event in before:
        happen(event)
    try:
        watched.append(computation(promises))
    except Trouble as raised:
        return ["raised", raised]
    told: list[object] = [look()]
    for event in later:
        happen(event)
        told.append(look())
    return told


def increased(number: int) -> int:
    return number + 1


def doubled(number: int) -> int:
    return 2 * number


Sides: TypeAlias = tuple[Computation, Computation]
Law: TypeAlias = Callable[[Computation, Continuation, Continuation], Sides]


def law(left: str, right: str, sides: Law) -> object:
    return pytest.param(sides, id=f"{left} = {right}".replace("[", "(").replace("]", ")"))


def handler(continuation: Continuation, ps: Promises) -> Callable[[Exception], lwt.Promise[int]]:
    """Make an exception handler of a continuation, which goes on with a number."""
    return lambda exception: continuation(ps, getattr(exception, "number", 0))


LAWS_UNDER_ALL_EVENTS = [
    law(
        "bind (m, return)",
        "m",
        lambda m, f, g: (lambda ps: lwt.bind(m(ps), lwt.return_), m),
    ),
    law(
        "bind (bind (m, f), g)",
        "bind (m, x: bind (f x, g))",
        lambda m, f, g: (
            lambda ps: lwt.bind(lwt.bind(m(ps), lambda x: f(ps, x)), lambda y: g(ps, y)),
            lambda ps: lwt.bind(m(ps), lambda x: lwt.bind(f(ps, x), lambda y: g(ps, y))),
        ),
    ),
    law(
        "bind (return 3, f)",
        "f 3",
        lambda m, f, g: (
            lambda ps: lwt.bind(lwt.return_(3), lambda x: f(ps, x)),
            lambda ps: f(ps, 3),
        ),
    ),
    law(
        "map (h, m)",
        "bind (m, x: return (h x))",
        lambda m, f, g: (
            lambda ps: lwt.map(increased, m(ps)),
            lambda ps: lwt.bind(m(ps), lambda x: lwt.return_(increased(x))),
        ),
    ),
    law(
        "map (h, map (k, m))",
        "map (x: h (k x), m)",
        lambda m, f, g: (
            lambda ps: lwt.map(increased, lwt.map(doubled, m(ps))),
            lambda ps: lwt.map(lambda x: increased(doubled(x)), m(ps)),
        ),
    ),
    law(
        "catch (fail 3, f)",
        "f 3",
        lambda m, f, g: (
            lambda ps: lwt.catch(lambda: lwt.fail(Trouble(3)), handler(f, ps)),
            lambda ps: f(ps, 3),
        ),
    ),
    law(
        "catch (m, fail)",
        "m",
        lambda m, f, g: (lambda ps: lwt.catch(lambda: m(ps), lwt.fail), m),
    ),
    law(
        "catch (catch (m, f), g)",
        "catch (m, e: catch (f e, g))",
        lambda m, f, g: (
            lambda ps: lwt.catch(lambda: lwt.catch(lambda: m(ps), handler(f, ps)), handler(g, ps)),
            lambda ps: lwt.catch(
                lambda: m(ps),
                lambda exception: lwt.catch(lambda: handler(f, ps)(exception), handler(g, ps)),
            ),
        ),
    ),
    law(
        "try_bind (m, f, fail)",
        "bind (m, f)",
        lambda m, f, g: (
            lambda ps: lwt.try_bind(lambda: m(ps), lambda x: f(ps, x), lwt.fail),
            lambda ps: lwt.bind(m(ps), lambda x: f(ps, x)),
        ),
    ),
    law(
        "try_bind (m, return, f)",
        "catch (m, f)",
        lambda m, f, g: (
            lambda ps: lwt.try_bind(lambda: m(ps), lwt.return_, handler(f, ps)),
            lambda ps: lwt.catch(lambda: m(ps), handler(f, ps)),
        ),
    ),
    law(
        "finalize (m, return_unit)",
        "m",
        lambda m, f, g: (lambda ps: lwt.finalize(lambda: m(ps), lambda: lwt.return_unit), m),
    ),
    law(
        "map (sum, both (m, n))",
        "map (sum, all [m, n])",
        lambda m, f, g: (
            lambda ps: lwt.map(sum, lwt.both(m(ps), ps[0])),
            lambda ps: lwt.map(sum, lwt.all([m(ps), ps[0]])),
        ),
    ),
    law(
        "map (x: 3, join [m, n])",
        "map (x: 3, both (m, n))",
        lambda m, f, g: (
            lambda ps: lwt.map(lambda _: 3, lwt.join([ignored(m(ps)), ignored(ps[0])])),
            lambda ps: lwt.map(lambda _: 3, lwt.both(m(ps), ps[0])),
        ),
    ),
    law("choose [m]", "m", lambda m, f, g: (lambda ps: lwt.choose([m(ps)]), m)),
    law("pick [m]", "m", lambda m, f, g: (lambda ps: lwt.pick([m(ps)]), m)),
    law(
        "map (sum, nchoose [m])",
        "m",
        lambda m, f, g: (lambda ps: lwt.map(sum, lwt.nchoose([m(ps)])), m),
    ),
    law(
        "map (sum, npick [m])",
        "m",
        lambda m, f, g: (lambda ps: lwt.map(sum, lwt.npick([m(ps)])), m),
    ),
    law("wrap_in_cancelable m", "m", lambda m, f, g: (lambda ps: lwt.wrap_in_cancelable(m(ps)), m)),
    law(
        "no_cancel (protected m)",
        "no_cancel m",
        lambda m, f, g: (
            lambda ps: lwt.no_cancel(lwt.protected(m(ps))),
            lambda ps: lwt.no_cancel(m(ps)),
        ),
    ),
]

LAWS_WITHOUT_CANCELLING = [
    law("protected m", "m", lambda m, f, g: (lambda ps: lwt.protected(m(ps)), m)),
    law("no_cancel m", "m", lambda m, f, g: (lambda ps: lwt.no_cancel(m(ps)), m)),
    law(
        "pick [m, n]",
        "bind (choose [m, n], return), if nothing can be cancelled",
        lambda m, f, g: (
            lambda ps: lwt.pick([lwt.no_cancel(ps[0]), lwt.no_cancel(ps[1])]),
            lambda ps: lwt.bind(lwt.choose([ps[0], ps[1]]), lwt.return_),
        ),
    ),
]


def ignored(promise: lwt.Promise[int]) -> lwt.Promise[None]:
    return lwt.map(lambda _: None, promise)


@pytest.mark.parametrize("sides", LAWS_UNDER_ALL_EVENTS)
@given(
    m=computations,
    f=continuations,
    g=continuations,
    before=st.lists(events, max_size=3),
    later=st.lists(events, max_size=6),
)
def test_law(
    sides: Law,
    m: Computation,
    f: Continuation,
    g: Continuation,
    before: list[Event],
    later: list[Event],
) -> None:
    left, right = sides(m, f, g)
    assert history(left, before, later) == history(right, before, later)


@pytest.mark.parametrize("sides", LAWS_WITHOUT_CANCELLING)
@given(
    m=computations,
    before=st.lists(events_without_cancelling, max_size=3),
    later=st.lists(events_without_cancelling, max_size=6),
)
def test_law_that_holds_while_nothing_is_cancelled(
    sides: Law, m: Computation, before: list[Event], later: list[Event]
) -> None:
    lwt.prng.seed(0)
    left, right = sides(m, then_add(0), then_add(0))
    left_history = history(left, before, later)
    lwt.prng.seed(0)
    assert left_history == history(right, before, later)
