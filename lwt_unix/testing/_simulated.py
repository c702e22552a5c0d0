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
from lwt_unix.testing._leaks.leaks import check_kinds, nothing_left
from lwt_unix.testing._processes.programs import Stand_in, check_programs
from lwt_unix.testing._processes.signals import Interrupted, Killed
from lwt_unix.testing._simulate import failure_told, in_world, run_main
from lwt_unix.testing._sources import Choices, can_draw, context_of_example, drawn_now, replayed

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
) -> object:
    """Run a test in a world of its own, which it must leave as it has found it."""
    main = partial(test, *arguments, **keywords)
    may_leave, nothing_pending, programs = options
    with (
        in_world(choices=choices, programs=programs),
        failure_told(_how_to_replay),
        _killed_is_a_failure(),
        nothing_left(may_leave=may_leave, nothing_pending=nothing_pending),
    ):
        return run_main("testing.simulated", main)


@contextmanager
def _killed_is_a_failure() -> Generator[None]:
    """Have Hypothesis take the end by a signal for a failure, which it makes small."""
    try:
        yield
    except (Killed, Interrupted) as killed:
        raise AssertionError(str(killed)) from killed


def _how_to_replay(text: str) -> str:
    return (
        "To replay it, put this above the test, and @example(...) with its other data, if it has any:\n"
        f'    @testing.replay("{text}")'
    )


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
    deadline, which counts the computer's time, does not apply, nor is it asked for an explanation, which would trace each line,
    unless `@settings` or `@given` stands above.

    Each example has a world of its own (`testing.simulate`), and must leave nothing behind in it
    (`testing.nothing_left`).

    If the test fails, its exception has a note, which tells for the smallest example that was found: the choices
    that are not Lwt's own, in words; what happened, in order; and how to replay it. A signal that the test does not
    handle is a failure, too: an AssertionError.

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
    turn 1: of 2 timers for the same time, number 2 fires first

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
    inner = test if given is None else given.inner_test
    if inspect.isasyncgenfunction(inner):
        raise TypeError(
            f"testing.simulated: {inner.__qualname__} has a `yield`, so it is no test but an async generator"
        )
    if given is None:  # Or `@given` is above.
        return _in_worlds(test, options)
    given.inner_test = _in_worlds(given.inner_test, options)
    _with_our_defaults(test)
    return test


def _in_worlds(test: Callable[..., Any], options: _Options) -> Callable[..., object]:
    """Return a function that runs a test in a world: once in each example, or in examples of its own."""
    has_example = False

    @wraps(test)
    def run(*arguments: Any, **keywords: Any) -> object:
        nonlocal has_example
        __tracebackhide__ = True
        text = run.__dict__.get(_REPLAYED)
        context = context_of_example()
        if text is None:
            if context is None:
                return with_examples(run)(*arguments, **keywords)
            return _run_once(test, options, drawn_now(), arguments, keywords)
        if context is not None and can_draw(context):
            if has_example:
                return None  # With other data, the choices would be others, too.
            raise ValueError(
                "testing.replay: choices are replayed with the data of that run; put them above the test, as "
                "@example(...)"
            )
        has_example = context is not None
        return _run_once(test, options, replayed(text), arguments, keywords)

    run.__dict__[_IS_SIMULATED] = True
    return run


_IS_SIMULATED: Final = "_lwt_is_simulated"
_REPLAYED: Final = "_lwt_replayed"
_WITH_EXAMPLES: Final = "_lwt_with_examples"
"""Attributes of the functions that `_in_worlds` returns."""


def replay(text: str, /) -> Callable[[F], F]:
    """Have a test of `simulated` make the choices of an earlier run, instead of drawing them.

    If the test has other data, `@example(...)` must give those of that run, and the test is run with no others.
    Without `@given`, it is run once.

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


def with_examples(run: Callable[..., object]) -> Callable[..., None]:
    """Return a test with `@given`, which has nothing to draw but the choices."""
    test = run.__dict__.get(_WITH_EXAMPLES)
    if test is None:
        test = run.__dict__[_WITH_EXAMPLES] = _given_choices(run)
    for name in _OF_DECORATORS:
        if name in run.__dict__:
            setattr(test, name, run.__dict__[name])
    _with_our_defaults(test)
    return test


def _with_our_defaults(test: Callable[..., Any]) -> None:
    """Have no deadline for a test, and no explanation of its failure, unless its `@settings` ask for them.

    Hypothesis's default deadline is 200 milliseconds of the computer's time. They say nothing about a
    simulated world. To explain, it traces each line, by which the search for a small failure took five times as
    long; and what it found were lines of the library.
    """
    from hypothesis import Phase, settings  # noqa: PLC0415  # It is there only with an extra.

    default = settings()
    own = test.__dict__.get(_OF_DECORATORS[0], default)
    deadline = None if own.deadline == default.deadline else own.deadline
    phases = own.phases
    if phases == default.phases:
        phases = tuple(phase for phase in phases if phase is not Phase.explain)
    setattr(test, _OF_DECORATORS[0], settings(own, deadline=deadline, phases=phases))


def _given_choices(run: Callable[..., object]) -> Callable[..., None]:
    from hypothesis import given, strategies  # noqa: PLC0415  # It is there only with an extra.

    @wraps(run)
    def run_example(*arguments: Any, **keywords: Any) -> Any:
        __tracebackhide__ = True
        del keywords[name]
        return run(*arguments, **keywords)

    signature = inspect.signature(run)
    name = "choices" if "choices" not in signature.parameters else "choices_of_lwt"
    parameters = [*signature.parameters.values()]
    ends = [parameter.kind is parameter.VAR_KEYWORD for parameter in parameters] + [True]
    parameters.insert(ends.index(True), inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY))
    run_example.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # typeshed has none
    return given(**{name: strategies.just(_Told())})(run_example)


def show_to_pytest(run: Callable[..., object]) -> None:
    """Have Hypothesis's plugin for pytest see a test of `simulated` as the test with examples that it is."""
    run.hypothesis = with_examples(run).hypothesis  # type: ignore[attr-defined]  # so does Hypothesis
    run.is_hypothesis_test = True  # type: ignore[attr-defined]
