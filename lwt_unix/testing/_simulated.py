"""Tests in a simulated world: `simulated`, with Hypothesis's `@given` or without, and `replay`.

A test is run again and again, each time with other choices (`drawn`), which Hypothesis draws together with the
test's other data, makes small, and keeps in its database. What fails is told at the end, as a note
of the exception: the choices that are not Lwt's own, what happened, how to replay it.

Hypothesis is imported when a decorator needs it, so that `lwt_unix.testing` can be imported without it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any, Final, NamedTuple, Never, ParamSpec, TypeAlias, TypeVar, overload

from lwt._core.checks import check_callable, given_by_position
from lwt_unix import lwt_main
from lwt_unix._checks import promise_of
from lwt_unix.testing._leaks.leaks import check_kinds, nothing_left
from lwt_unix.testing._processes.programs import Stand_in, check_programs
from lwt_unix.testing._report import report
from lwt_unix.testing._simulate import in_world
from lwt_unix.testing._sources import Choices, context_of_example, drawn_now, replayed
from lwt_unix.testing._world.world import World

P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])

Test: TypeAlias = Callable[P, object]
"""What returns a coroutine or a promise; or a test with `@given`, which returns nothing."""


class _Options(NamedTuple):
    """What a test is given besides: to `nothing_left`, and to its world."""

    may_leave: Collection[str]
    nothing_pending: bool
    programs: Mapping[str, Stand_in]


# --- Running once ------------------------------------------------------------


def _run_once(
    test: Callable[..., Any],
    options: _Options,
    choices: Choices,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
) -> None:
    """Run a test in a world of its own, which it must leave as it has found it."""
    main = partial(test, *arguments, **keywords)
    may_leave, nothing_pending, programs = options
    with (
        in_world(choices=choices, programs=programs) as world,
        _failure_told(choices, world),
        nothing_left(may_leave=may_leave, nothing_pending=nothing_pending),
    ):
        lwt_main.run(promise_of("testing.simulated", main))


@contextmanager
def _failure_told(choices: Choices, world: World) -> Generator[None, None, None]:
    """Tell of the world, if an exception leaves that is shown to somebody."""
    try:
        yield
    except Exception as exception:
        context = context_of_example()
        if context is None or context.is_final:
            exception.add_note(
                report(
                    choices,
                    world,
                    "To have the same choices again, put this above the test, and what else is drawn into @example(...):",
                    f'    @testing.replay("{choices.replay_text()}")',
                )
            )
        raise


# --- The decorators ----------------------------------------------------------


@overload
def simulated(test: Test[P], /) -> Callable[P, None]: ...
@overload
def simulated(
    *,
    may_leave: Collection[str] = (),
    nothing_pending: bool = False,
    programs: Mapping[str, Stand_in] | None = None,
) -> Callable[[Test[P]], Callable[P, None]]: ...
def simulated(
    test: Callable[..., Any] | None = None,
    /,
    *_wrong: Never,
    may_leave: Collection[str] = (),
    nothing_pending: bool = False,
    programs: Mapping[str, Stand_in] | None = None,
) -> Callable[..., Any]:
    """Make a test of an `async def`, which runs in a simulated world, with choices that Hypothesis draws.

    With `@given` above or below it, the choices are drawn together with the other data; without it, they are all
    that is drawn. `@settings`, `@seed`, `@example` and `@reproduce_failure` apply as always, and so does
    Hypothesis's database. With the data of an `@example`, the choices are Lwt's own. Hypothesis's default
    deadline, which counts the computer's time, does not apply, unless `@settings` or `@given` stands above.

    Each example has a world of its own (`testing.simulate`), and must leave nothing behind in it
    (`testing.nothing_left`).

    If the test fails, its exception has a note, which tells for the smallest example that was found: the choices
    that are not Lwt's own, in words; what happened, in order; and how to replay it.

    It may be called by itself, or be run by pytest, or any other library for tests.

    >>> import lwt
    >>> from lwt_unix import sleep, testing
    >>> @testing.simulated
    ... async def test_of_two_timers():
    ...     order = []
    ...     await lwt.join([lwt.map(lambda _, name=name: order.append(name), sleep(1.0)) for name in "ab"])
    ...     assert order == ["a", "b"]
    >>> try:
    ...     test_of_two_timers()
    ... except AssertionError as failure:
    ...     print(failure.__notes__[0].splitlines()[1].strip())
    turn 1: of 2 timers for the same time, number 2 of those left

    Args:
        test: returns a coroutine or a promise.
        may_leave: see `testing.nothing_left`.
        nothing_pending: see `testing.nothing_left`.
        programs: see `testing.simulate`.

    Not in OCaml.
    """
    if _wrong:
        raise given_by_position(simulated, _wrong)
    check_kinds("testing.simulated", may_leave)
    stand_ins = check_programs("testing.simulated", {} if programs is None else programs)
    options = _Options(may_leave, nothing_pending, stand_ins)
    if test is None:
        return partial(_simulated, options=options)
    return _simulated(test, options)


def _simulated(test: Callable[..., Any], options: _Options) -> Callable[..., Any]:
    check_callable("testing.simulated", test, ("…",))
    given = getattr(test, "hypothesis", None)
    if given is None:  # Or `@given` is above.
        return _in_worlds(test, options)
    given.inner_test = _in_worlds(given.inner_test, options)
    _leave_out_deadline(test)
    return test


def _in_worlds(test: Callable[..., Any], options: _Options) -> Callable[..., None]:
    """Return a function that runs a test in a world: once in each example, or in examples of its own."""

    @wraps(test)
    def run(*arguments: Any, **keywords: Any) -> None:
        __tracebackhide__ = True
        text = run.__dict__.get(_REPLAYED)
        if text is not None:
            _run_once(test, options, replayed(text), arguments, keywords)
        elif context_of_example() is not None:
            _run_once(test, options, drawn_now(), arguments, keywords)
        else:
            with_examples(run)(*arguments, **keywords)

    run.__dict__[_IS_SIMULATED] = True
    return run


_IS_SIMULATED: Final = "_lwt_is_simulated"
_REPLAYED: Final = "_lwt_replayed"
_WITH_EXAMPLES: Final = "_lwt_with_examples"
"""Attributes of the functions that `_in_worlds` returns."""


def replay(text: str, /) -> Callable[[F], F]:
    """Have a test of `simulated` make the choices of an earlier run, instead of drawing them.

    If the test has other data, `@example(...)` gives those of that run. Without `@given`, the test is run once.

    Args:
        text: what the note of the failure says.

    Raises:
        ValueError: this is no such text, or the test is not one of `simulated`.

    Not in OCaml.
    """
    replayed(text)  # Is it one?

    def decorate(test: F) -> F:
        given = getattr(test, "hypothesis", None)
        function = test if given is None else given.inner_test
        if not is_simulated(function):
            raise ValueError(
                f"testing.replay: {test!r} is no test of testing.simulated; put this above it"
            )
        function.__dict__[_REPLAYED] = text
        return test

    return decorate


def is_simulated(test: Callable[..., Any]) -> bool:
    """Tell whether this is a test of `simulated` to which no `@given` belongs."""
    return _IS_SIMULATED in getattr(test, "__dict__", {})


# --- Tests without `@given` ---------------------------------------------------


class _Told:
    """Stands for the choices, where Hypothesis shows the data of an example."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "those told above"


_OF_DECORATORS: Final = (
    "_hypothesis_internal_use_settings",
    "_hypothesis_internal_use_seed",
    "_hypothesis_internal_use_reproduce_failure",
)
"""What `@settings` and the like write into a function."""


def with_examples(run: Callable[..., None]) -> Callable[..., None]:
    """Return a test with `@given`, which has nothing to draw but the choices."""
    test = run.__dict__.get(_WITH_EXAMPLES)
    if test is None:
        test = run.__dict__[_WITH_EXAMPLES] = _given_choices(run)
    for name in _OF_DECORATORS:
        if name in run.__dict__:
            setattr(test, name, run.__dict__[name])
    _leave_out_deadline(test)
    return test


def _leave_out_deadline(test: Callable[..., Any]) -> None:
    """Have a test take as long as it takes, unless its `@settings` say otherwise.

    Hypothesis's default is 200 milliseconds of the computer's time. It says nothing about a simulated world.
    """
    from hypothesis import settings  # noqa: PLC0415  # It is there only with an extra.

    default = settings()
    own = test.__dict__.get(_OF_DECORATORS[0], default)
    if own.deadline == default.deadline:
        setattr(test, _OF_DECORATORS[0], settings(own, deadline=None))


def _given_choices(run: Callable[..., None]) -> Callable[..., None]:
    from hypothesis import given, strategies  # noqa: PLC0415  # It is there only with an extra.

    @wraps(run)
    def run_example(*arguments: Any, **keywords: Any) -> None:
        del keywords[name]
        run(*arguments, **keywords)

    signature = inspect.signature(run)
    name = "choices" if "choices" not in signature.parameters else "choices_of_lwt"
    parameters = [*signature.parameters.values()]
    ends = [parameter.kind is parameter.VAR_KEYWORD for parameter in parameters] + [True]
    parameters.insert(ends.index(True), inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY))
    run_example.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # typeshed has none
    return given(**{name: strategies.just(_Told())})(run_example)


def show_to_pytest(run: Callable[..., None]) -> None:
    """Have Hypothesis's plugin for pytest see a test of `simulated` as the test with examples that it is."""
    run.hypothesis = with_examples(run).hypothesis  # type: ignore[attr-defined]  # so does Hypothesis
    run.is_hypothesis_test = True  # type: ignore[attr-defined]
