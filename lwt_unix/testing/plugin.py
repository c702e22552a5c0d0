"""A plugin for pytest: `async def` tests run in the main loop, and must leave nothing behind.

Load it with `pytest_plugins = ["lwt_unix.testing.plugin"]` in the `conftest.py` at the root of the tests, or
with `-p lwt_unix.testing.plugin`. Nothing else loads it.

- An `async def` test, with `@lwt.promised` or without, runs by `lwt_main.run`, unless another plugin (pytest-asyncio, anyio, …) takes it. So does
  each example of a test of Hypothesis's `@given`, and a method of a `unittest.TestCase`.
- `async def` fixtures, with `return` or with `yield`, are set up and ended by `lwt_main.run`, whatever their
  scope, and also for a test that is not `async def`.
- Such a test fails if it leaves something behind: see `lwt_unix.testing.nothing_left`. What fixtures of
  the test's own scope make is theirs until they have ended; so the check comes after that, and pytest reports an error
  of the teardown. What fixtures of a wider scope make may stay.
- `@pytest.mark.lwt` has any other test checked, too, such as one that calls `lwt_main.run` by itself. Its argument
  `may_leave` says what need not be checked: `@pytest.mark.lwt(may_leave=["threads"])`. With
  `nothing_pending=True`, the test fails, too, if somebody still waits for a promise that is pending.
- The traceback of a failure shows the lines of the program, without those of the library; `--full-trace` shows all.

Not in OCaml.
"""

from __future__ import annotations

import inspect
import unittest
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine, Generator
from functools import wraps
from types import FrameType, MethodType, TracebackType
from typing import Any, Final, TypedDict

import pytest

import lwt
from lwt._core.publish import publish as _publish
from lwt_unix import lwt_main
from lwt_unix.testing import _simulated
from lwt_unix.testing._leaks.leaks import Something_left, Watch, check_kinds, nothing_left
from lwt_unix.testing._simulated import is_simulated, show_to_pytest

__all__ = ["pytest_configure"]


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the mark, and of the hooks below."""
    config.addinivalue_line(
        "markers",
        "lwt(may_leave=(), nothing_pending=False): the test must leave nothing behind, but for the "
        "kinds of things that are named, and nobody may wait for a promise then; even without the "
        "mark, the first holds for each async def test that lwt_main.run runs",
    )
    config.pluginmanager.register(_Hooks(), "lwt hooks")


# --- Marks -------------------------------------------------------------------


class _Options(TypedDict):
    """What the mark of a test says, as `nothing_left` takes it."""

    may_leave: Collection[str]
    nothing_pending: bool


def _of_mark(*, may_leave: Collection[str] = (), nothing_pending: bool = False) -> _Options:
    check_kinds("pytest.mark.lwt", may_leave)
    return {"may_leave": may_leave, "nothing_pending": nothing_pending}


_of_mark.__qualname__ = "pytest.mark.lwt"  # So Python calls it, if the arguments are wrong.


def _options(item: pytest.Item) -> _Options:
    mark = item.get_closest_marker("lwt")
    return _of_mark() if mark is None else _of_mark(*mark.args, **mark.kwargs)


# --- Running -----------------------------------------------------------------


def _may_return_a_promise(function: Callable[..., object] | None) -> bool:
    """Tell whether a test is an `async def`, or is made of one, as by `lwt.promised`, and not by Hypothesis."""
    if function is None or hasattr(function, "hypothesis") or is_simulated(function):
        return False
    return inspect.iscoroutinefunction(inspect.unwrap(function))


def _run(awaited: lwt.Promise[Any] | Coroutine[Any, Any, Any]) -> Any:
    """Do what `lwt_main.run` does; it can be called again, even after what leaves it for good."""
    __tracebackhide__ = True
    try:
        return lwt_main.run(awaited)
    finally:
        if lwt_main._left_by.contents is not None:
            lwt_main._finished()


def _example(
    test: Callable[..., Coroutine[Any, Any, object]], options: _Options
) -> Callable[..., object]:
    """Return a function that runs a test with one example, which must leave nothing behind."""

    @wraps(test)
    def run(*arguments: Any, **keywords: Any) -> object:
        __tracebackhide__ = True
        with nothing_left(**options):
            return _run(test(*arguments, **keywords))  # Hypothesis complains if it is not None.

    return run


def _returning(function: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """Return a function that is no `async def`, of one that returns."""

    @wraps(function)
    def run(*arguments: Any, **keywords: Any) -> Any:
        return _run(function(*arguments, **keywords))

    return run


def _yielding(fixture: Callable[..., AsyncGenerator[Any, None]]) -> Callable[..., Any]:
    """Return a fixture that is no `async def`, of one that yields."""

    @wraps(fixture)
    def run(*arguments: Any, **keywords: Any) -> Generator[Any, None, None]:
        generator = fixture(*arguments, **keywords)
        # The first step is made outside of the main loop, which would close the generator at its end.
        step = generator.__anext__()
        try:
            value = _run(_awaited(step))
        except StopAsyncIteration:
            return  # pytest says that it has yielded nothing.
        yield value
        try:
            _run(_awaited(generator.__anext__()))
        except StopAsyncIteration:
            return
        yield  # pytest says that it has yielded twice.

    return run


async def _awaited(step: Awaitable[Any]) -> Any:
    return await step


def _is_called_by_unittest(item: pytest.Item) -> bool:
    """Say whether unittest calls the test, and does not await what it returns."""
    case = getattr(item, "instance", None)
    return isinstance(case, unittest.TestCase) and type(case).run is unittest.TestCase.run


# --- What is told of a failure -----------------------------------------------


_NOT_OF_THE_PROGRAM: Final = frozenset(
    {"lwt", "lwt_unix", "contextlib", "hypothesis", "pluggy", "_pytest"}
)
"""The modules and packages whose lines say nothing about the program that is tested."""


def _is_of_the_program(frame: FrameType) -> bool:
    # Hypothesis has functions of its own look like ours, and like the program's.
    return (
        _package(frame) not in _NOT_OF_THE_PROGRAM
        and frame.f_code.co_filename != _simulated.__file__
    )


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]


def _is_left_out_by_pytest(frame: FrameType) -> bool:
    return _package(frame) in {"pluggy", "_pytest"} or "__tracebackhide__" in frame.f_locals


def _show_the_program(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Have pytest show only the lines of the program; if there are none, none, and then pytest says so."""
    entries: list[TracebackType] = []
    entry: TracebackType | None = excinfo.tb
    while entry is not None:
        entries.append(entry)
        entry = entry.tb_next
    shown = [one for one in entries if _is_of_the_program(one.tb_frame)] or [
        one for one in entries if _is_left_out_by_pytest(one.tb_frame)
    ]
    joined: Any = None
    for one in reversed(shown):
        joined = TracebackType(joined, one.tb_frame, one.tb_lasti, one.tb_lineno)
    if joined is not None:
        excinfo.traceback = type(excinfo.traceback)(joined)


# --- Hooks -------------------------------------------------------------------


class _Hooks:
    """What pytest calls, and what is known of the test that runs."""

    def __init__(self) -> None:
        self._watch: Watch | None = None

        self._is_checked = False
        """Whether the test is marked, or is one that we run."""

        self._has_fixtures = False
        """Whether it has fixtures of its own scope, which may tidy up."""

        self._has_passed = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Have Hypothesis's own plugin see a test of `testing.simulated` as one of its own."""
        test = getattr(item, "function", None)  # An item of another plugin has none.
        if test is not None and is_simulated(test):
            show_to_pytest(test)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        """Begin to watch a test."""
        __tracebackhide__ = True
        self._is_checked = item.get_closest_marker("lwt") is not None
        self._has_fixtures = self._has_passed = False
        if self._is_checked or _may_return_a_promise(getattr(item, "obj", None)):
            mark = item.get_closest_marker("lwt")
            pending = mark is not None and bool(mark.kwargs.get("nothing_pending"))
            self._watch = Watch(nothing_pending=pending)
        result = yield
        _options(item)  # It may be wrong: then the test is not run.
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Check what a test leaves, if it has no fixtures that may tidy up."""
        __tracebackhide__ = True
        # Items of one test, with different parameters and marks, have one `@given`: it is put back after each.
        given: Any = getattr(getattr(item, "obj", None), "hypothesis", None)
        inner_test = getattr(given, "inner_test", None)
        if isinstance(item, pytest.Function) and _is_called_by_unittest(item):
            self._run_examples(item)
            if inspect.iscoroutinefunction(item.obj):
                self._is_checked = True
                item.obj = _returning(item.obj)
        try:
            result = yield
        finally:
            if inner_test is not None:
                given.inner_test = inner_test
        self._has_passed = True
        if not self._has_fixtures:
            self._check(item)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        """Check what a test and its fixtures leave, and end watching."""
        __tracebackhide__ = True
        try:
            result = yield
            if self._has_fixtures and self._has_passed:
                self._check(item)
            return result
        finally:
            watch, self._watch = self._watch, None
            if watch is not None:
                watch.end()

    def _check(self, item: pytest.Item) -> None:
        __tracebackhide__ = True
        if self._watch is not None and self._is_checked:
            self._watch.check(_options(item)["may_leave"])

    @pytest.hookimpl(specname="pytest_runtest_makereport")
    def pytest_show_the_program(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Show where the program has failed.

        No wrapper does this: only when pytest's own hook has been called is it known what a test of unittest raised.
        """
        excinfo = call.excinfo
        is_full = item.config.getoption("fulltrace")
        if excinfo and isinstance(excinfo.value, Exception) and not is_full:  # And no skip.
            _show_the_program(excinfo)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Show what the program has reported before it failed: that may be the reason."""
        report = yield
        excinfo = call.excinfo
        if excinfo and self._watch is not None and excinfo.type is not Something_left:
            told = self._watch.told_of_reported()
            if told:
                report.sections.append(("lwt.async_exception_hook", told))
        return report

    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> object | None:
        """Run an `async def` test, unless another plugin has: they are asked first, and pytest last."""
        function = pyfuncitem.obj
        self._run_examples(pyfuncitem)
        if inspect.isasyncgenfunction(function):
            pytest.fail(
                f"{pyfuncitem.name} has a `yield`, so it is no test but an async generator; "
                "only fixtures may yield",
                pytrace=False,
            )
        if not _may_return_a_promise(function):
            return None  # pytest itself calls the test.
        names = pyfuncitem._fixtureinfo.argnames  # As pytest itself: those without a default.
        result = function(**{name: pyfuncitem.funcargs[name] for name in names})
        if isinstance(result, lwt.Promise | Coroutine):
            self._is_checked = True
            result = _run(result)
        if result is not None:
            warnings.warn(
                pytest.PytestReturnNotNoneWarning(  # As pytest itself.
                    f"{pyfuncitem.nodeid} returned {result!r}. A test returns None: "
                    "did you mean `await` or `assert` instead of `return`?"
                ),
                stacklevel=1,
            )
        return True

    def _run_examples(self, item: pytest.Function) -> None:
        """Have the examples of an `async def` test with `@given` run in the main loop."""
        given = getattr(item.obj, "hypothesis", None)
        if given is not None and inspect.iscoroutinefunction(given.inner_test):
            given.inner_test = _example(given.inner_test, _options(item))

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any]
    ) -> Generator[None, object, object]:
        """Set up a fixture; if it is an `async def` that no other plugin has taken, in the main loop."""
        usual = fixturedef.func
        function = getattr(usual, "__func__", usual)
        if inspect.iscoroutinefunction(function):
            function = _returning(function)
        elif inspect.isasyncgenfunction(function):
            function = _yielding(function)
        # pytest binds a method to the object of the test, if it finds one.
        bound = MethodType(function, usual.__self__) if isinstance(usual, MethodType) else function
        fixturedef.func = bound  # type: ignore[misc]  # It is final, but others do so, too.
        try:
            if fixturedef.scope == "function":
                self._has_fixtures = True
            elif self._watch is not None:
                with self._watch.accepting():
                    return (yield)
            return (yield)
        finally:
            fixturedef.func = usual  # type: ignore[misc]


_publish(__name__)
