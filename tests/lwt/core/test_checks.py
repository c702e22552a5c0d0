"""Arguments of the wrong kind get a clear error at the call, which changes nothing."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lwt
from lwt import lwt_stream
from lwt._core.checks import check_bounds, check_kind
from lwt._core.promise import PENDING

pytestmark = pytest.mark.usefixtures("nothing_left_over")


def double(x: int) -> int:
    return 2 * x


async def body(*_: object) -> int:
    return 3


def function(*_: object) -> lwt.Promise[None]:
    return lwt.return_unit


def pending() -> lwt.Promise[Any]:
    return lwt.task()[0]


# --- The form of the messages ------------------------------------------------

MODULES = [
    "lwt",
    *(f"lwt.{one.name}" for one in pkgutil.iter_modules(lwt.__path__) if one.name[0] != "_"),
]

TAKES_ANYTHING = {
    "lwt.return_",
    "lwt.return_some",
    "lwt.return_ok",
    "lwt.return_error",
    "lwt.fail_with",
    "lwt.fail_invalid_arg",
    "lwt.reraise",
    "lwt_mvar.create",
    "lwt_result.return_",
    "lwt_result.fail",
    "lwt_seq.return_",
    "lwt_stream.return_",
}


def functions_that_check() -> Iterator[tuple[str, Callable[..., object], int]]:
    """All public functions that take arguments of some type: what a program calls them, how many."""
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        short = module_name.rpartition(".")[2]
        for function in {getattr(module, name) for name in module.__all__}:
            if inspect.isfunction(function):
                kinds = [one.kind for one in inspect.signature(function).parameters.values()]
                number = kinds.count(inspect.Parameter.POSITIONAL_ONLY)
                if number and f"{short}.{function.__name__}" not in TAKES_ANYTHING:
                    yield f"{short}.{function.__name__}", function, number


FUNCTIONS_THAT_CHECK = sorted(functions_that_check(), key=lambda case: case[0])


@pytest.mark.parametrize(
    ("name", "function", "number"),
    FUNCTIONS_THAT_CHECK,
    ids=[case[0] for case in FUNCTIONS_THAT_CHECK],
)
def test_a_message_says_first_the_function_as_a_program_spells_it(
    name: str, function: Callable[..., object], number: int
) -> None:
    wrong = object()
    with pytest.raises(TypeError) as caught:
        function(*[wrong] * number)
    assert re.match(rf"{re.escape(name)}: expected \S.*, got <object object", str(caught.value))


def test_a_value_may_be_of_one_of_several_classes() -> None:
    check_kind("lwt.f", b"x", (str, bytes))
    with pytest.raises(
        TypeError, match=r"^lwt\.f: expected a str or bytes, got 3 \(int\); encode it$"
    ):
        check_kind("lwt.f", 3, (str, bytes), "encode it")


def test_a_bool_is_not_a_number() -> None:
    check_kind("lwt.f", True, bool)
    with pytest.raises(TypeError, match=r"^lwt\.f: expected an int, got True \(bool\)$"):
        check_kind("lwt.f", True, int)
    with pytest.raises(TypeError, match=r"^lwt_stream\.npeek: expected an int for n, got True"):
        lwt_stream.npeek(True, lwt_stream.of_list([]))


@pytest.mark.parametrize(
    ("value", "most", "message"),
    [
        (0, None, "lwt.f: n is 0; expected 1 or more; count from 1"),
        (0, 9, "lwt.f: n is 0; expected 1 to 9; count from 1"),
        (10, 9, "lwt.f: n is 10; expected 1 to 9; count from 1"),
    ],
)
def test_a_number_out_of_bounds_is_told_them(value: int, most: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check_bounds("lwt.f", "n", value, 1, most, hint="count from 1")
    with pytest.raises(ValueError, match=r"^Lwt\.f: n is "):
        check_bounds("lwt.f", "n", value, 1, most, ocaml="Lwt.f")


@pytest.mark.parametrize("value", [1, 9])
def test_the_bounds_of_a_number_are_within_them(value: int) -> None:
    check_bounds("lwt.f", "n", value, 1, 9)
    check_bounds("lwt.f", "n", value, 1)


# --- Where a promise belongs -------------------------------------------------


PROMISE_WANTED: dict[str, Callable[[Any], object]] = {
    "bind": lambda x: lwt.bind(x, function),
    "map": lambda x: lwt.map(double, x),
    "cancel": lwt.cancel,
    "on_cancel": lambda x: lwt.on_cancel(x, function),
    "protected": lwt.protected,
    "no_cancel": lwt.no_cancel,
    "wrap_in_cancelable": lwt.wrap_in_cancelable,
    "both": lambda x: lwt.both(x, lwt.return_unit),
    "both, second": lambda x: lwt.both(lwt.return_unit, x),
    "join": lambda x: lwt.join([lwt.return_unit, x]),
    "all": lambda x: lwt.all([pending(), x]),
    "choose": lambda x: lwt.choose([x]),
    "pick": lambda x: lwt.pick([lwt.return_unit, x]),
    "nchoose": lambda x: lwt.nchoose([x, pending()]),
    "npick": lambda x: lwt.npick([x]),
    "nchoose_split": lambda x: lwt.nchoose_split([x]),
    "on_success": lambda x: lwt.on_success(x, function),
    "on_failure": lambda x: lwt.on_failure(x, function),
    "on_termination": lambda x: lwt.on_termination(x, function),
    "on_any": lambda x: lwt.on_any(x, function, function),
    "ignore_result": lwt.ignore_result,
    "state": lwt.state,
    "is_sleeping": lwt.is_sleeping,
    "poll": lwt.poll,
    "debug_state_is": lambda x: lwt.debug_state_is(lwt.Sleep, x),
    "backtrace_bind": lambda x: lwt.backtrace_bind("f", 1, lambda e: e, x, function),
}


def name_of(case: str) -> str:
    return case.partition(",")[0]


wants_promise = pytest.mark.parametrize("case", PROMISE_WANTED)


@wants_promise
@pytest.mark.parametrize("value", [3, None, "text", [1], object()])
def test_a_value_where_a_promise_belongs_is_named_and_a_way_out_shown(
    case: str, value: object
) -> None:
    with pytest.raises(TypeError) as caught:
        PROMISE_WANTED[case](value)
    message = str(caught.value)
    name = name_of(case)
    assert message.startswith(f"lwt.{name}: expected a promise, got {value!r}")
    assert "lwt.return_(value) makes a promise of a value" in message


@wants_promise
def test_a_resolver_where_a_promise_belongs_is_told_apart(case: str) -> None:
    _, resolver = lwt.wait()
    with pytest.raises(TypeError, match=r"a resolver is the second item of what lwt\.wait"):
        PROMISE_WANTED[case](resolver)


@wants_promise
def test_the_pair_of_wait_where_a_promise_belongs_is_told_apart(case: str) -> None:
    with pytest.raises(TypeError, match="promise, resolver = "):
        PROMISE_WANTED[case](lwt.wait())


@wants_promise
def test_a_function_where_a_promise_belongs_is_named(case: str) -> None:
    with pytest.raises(TypeError, match=r"the function double; was it to be called\?"):
        PROMISE_WANTED[case](double)


@wants_promise
def test_a_coroutine_where_a_promise_belongs_is_closed_and_the_wrapper_named(case: str) -> None:
    coroutine = body()
    with pytest.raises(TypeError, match=r"lwt\.of_coroutine"):
        PROMISE_WANTED[case](coroutine)
    assert (
        inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED
    )  # Closed: there is no warning that it was never awaited.


LIST_WANTED: dict[str, Callable[[Any], object]] = {
    "join": lwt.join,
    "all": lwt.all,
    "choose": lwt.choose,
    "pick": lwt.pick,
    "nchoose": lwt.nchoose,
    "npick": lwt.npick,
    "nchoose_split": lwt.nchoose_split,
}


@pytest.mark.parametrize("case", LIST_WANTED)
def test_one_promise_where_a_list_belongs_is_told_to_be_put_in_one(case: str) -> None:
    with pytest.raises(TypeError, match=rf"lwt\.{case}: .*pass \[promise\]"):
        LIST_WANTED[case](lwt.return_unit)


@pytest.mark.parametrize("case", LIST_WANTED)
def test_what_is_no_list_where_a_list_belongs_is_shown(case: str) -> None:
    with pytest.raises(TypeError, match=rf"lwt\.{case}: expected a list of promises, got 3"):
        LIST_WANTED[case](3)


@pytest.mark.parametrize("case", LIST_WANTED)
def test_an_error_in_what_gives_the_list_is_not_taken_for_a_wrong_argument(case: str) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        LIST_WANTED[case](lwt.return_(number + 1) for number in (1, None))  # type: ignore[operator]  # it is what goes wrong


@pytest.mark.parametrize("case", LIST_WANTED)
def test_a_bad_item_leaves_the_good_promises_as_they_were(case: str) -> None:
    good, resolver = lwt.task()
    with pytest.raises(TypeError):
        LIST_WANTED[case]([good, 3])
    assert (good._callbacks, good._cancel_callbacks, good._state) == (None, None, PENDING)
    lwt.wakeup(resolver, 1)


@pytest.mark.parametrize("case", LIST_WANTED)
def test_the_error_of_an_iterable_that_fails_is_passed_on(case: str) -> None:
    def promises() -> Iterator[lwt.Promise[None]]:
        yield lwt.return_unit
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        LIST_WANTED[case](promises())


@pytest.mark.parametrize("case", ["choose", "pick", "nchoose", "npick", "nchoose_split"])
def test_choosing_from_nothing_is_refused_with_the_words_of_ocaml(case: str) -> None:
    with pytest.raises(
        ValueError, match=re.escape(f"Lwt.{case} [] would return a promise that is")
    ):
        LIST_WANTED[case]([])


# --- Where a function belongs ------------------------------------------------


FUNCTION_WANTED: dict[str, Callable[[Any], object]] = {
    "bind": lambda x: lwt.bind(lwt.return_unit, x),
    "bind, pending": lambda x: lwt.bind(pending(), x),
    "bind, rejected": lambda x: lwt.bind(lwt.fail(ValueError()), x),
    "map": lambda x: lwt.map(x, lwt.return_unit),
    "map, pending": lambda x: lwt.map(x, pending()),
    "catch": lambda x: lwt.catch(x, lwt.fail),
    "catch, handler": lambda x: lwt.catch(function, x),
    "try_bind": lambda x: lwt.try_bind(x, function, function),
    "try_bind, value": lambda x: lwt.try_bind(function, x, function),
    "try_bind, exception": lambda x: lwt.try_bind(function, function, x),
    "finalize": lambda x: lwt.finalize(x, function),
    "finalize, cleanup": lambda x: lwt.finalize(function, x),
    "async_": lwt.async_,
    "dont_wait": lambda x: lwt.dont_wait(x, function),
    "dont_wait, handler": lambda x: lwt.dont_wait(function, x),
    "on_success": lambda x: lwt.on_success(pending(), x),
    "on_failure": lambda x: lwt.on_failure(pending(), x),
    "on_termination": lambda x: lwt.on_termination(pending(), x),
    "on_any": lambda x: lwt.on_any(pending(), x, function),
    "on_any, second": lambda x: lwt.on_any(pending(), function, x),
    "on_cancel": lambda x: lwt.on_cancel(pending(), x),
    "with_value": lambda x: lwt.with_value(lwt.new_key(), None, x),
    "wrap": lwt.wrap,
    "wrap1": lwt.wrap1,
    "wrap7": lwt.wrap7,
    "apply": lambda x: lwt.apply(x, 1),
    "promised": lwt.promised,
    "register_pause_notifier": lwt.register_pause_notifier,
    "backtrace_bind": lambda x: lwt.backtrace_bind("f", 1, lambda e: e, lwt.return_unit, x),
    "backtrace_catch": lambda x: lwt.backtrace_catch("f", 1, lambda e: e, x, lwt.fail),
    "backtrace_try_bind": lambda x: lwt.backtrace_try_bind(
        "f", 1, lambda e: e, function, x, function
    ),
    "backtrace_finalize": lambda x: lwt.backtrace_finalize("f", 1, lambda e: e, function, x),
    "Exception_filter.set": lwt.Exception_filter.set,
}

wants_function = pytest.mark.parametrize("case", FUNCTION_WANTED)


@wants_function
@pytest.mark.parametrize("value", [3, None, "text"])
def test_a_value_where_a_function_belongs_is_named(case: str, value: object) -> None:
    with pytest.raises(TypeError) as caught:
        FUNCTION_WANTED[case](value)
    pattern = rf"lwt\.{re.escape(name_of(case))}: expected a function, got {value!r}"
    assert re.match(pattern, str(caught.value))


@pytest.mark.parametrize("case", ["bind", "map", "catch", "finalize", "on_success", "async_"])
def test_a_promise_where_a_function_belongs_is_told_to_be_put_in_one(case: str) -> None:
    with pytest.raises(TypeError, match="pass a function that returns it"):
        FUNCTION_WANTED[case](lwt.return_unit)


@pytest.mark.parametrize("case", ["bind", "map", "catch", "finalize", "on_success", "async_"])
def test_a_coroutine_where_a_function_belongs_is_closed(case: str) -> None:
    coroutine = body()
    with pytest.raises(TypeError, match="pass a function that returns it"):
        FUNCTION_WANTED[case](coroutine)
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED


def test_a_bad_callback_is_not_attached() -> None:
    promise = pending()
    for call in (lwt.bind, lwt.on_success, lwt.on_failure, lwt.on_termination, lwt.on_cancel):
        bad: Any = 3
        with pytest.raises(TypeError):
            call(promise, bad)
    assert (promise._callbacks, promise._cancel_callbacks) == (None, None)


def test_functions_are_checked_before_any_is_called() -> None:
    called = []
    bad: Any = 3

    def record() -> lwt.Promise[None]:
        called.append("called")
        return lwt.return_unit

    for call in (
        lambda: lwt.catch(record, bad),
        lambda: lwt.finalize(record, bad),
        lambda: lwt.try_bind(record, bad, lwt.fail),
        lambda: lwt.try_bind(record, lwt.return_, bad),
        lambda: lwt.dont_wait(record, bad),
    ):
        with pytest.raises(TypeError):
            call()
    assert called == []


# --- What callbacks return ---------------------------------------------------


def three(*_: object) -> Any:
    return 3


RESULT_WANTED_AT_ONCE: dict[str, Callable[[], object]] = {
    "bind": lambda: lwt.bind(lwt.return_unit, three),
    "catch": lambda: lwt.catch(lambda: lwt.fail(KeyError()), three),
    "try_bind": lambda: lwt.try_bind(function, three, lwt.fail),
    "finalize": lambda: lwt.finalize(function, three),
}

RESULT_WANTED_LATER: dict[str, Callable[[lwt.Promise[None]], lwt.Promise[object]]] = {
    "bind": lambda p: lwt.bind(p, three),
    "catch": lambda p: lwt.catch(lambda: p >> (lambda _: lwt.fail(KeyError())), three),
    "try_bind": lambda p: lwt.try_bind(lambda: p, three, lwt.fail),
    "finalize": lambda p: lwt.finalize(lambda: p, three),
    "backtrace_bind": lambda p: lwt.backtrace_bind("f", 1, lambda e: e, p, three),
}

RESULT_THAT_REJECTS: dict[str, Callable[[], lwt.Promise[object]]] = {
    "catch": lambda: lwt.catch(three, lwt.fail),
    "try_bind": lambda: lwt.try_bind(three, lwt.return_, lwt.fail),
    "finalize": lambda: lwt.finalize(three, function),
    "apply": lambda: lwt.apply(three, 1),
}


def says_what_came_back(case: str, exception: BaseException) -> bool:
    return isinstance(exception, TypeError) and str(exception).startswith(
        f"lwt.{case}: callback three returned 3 (int), not a promise; "
    )


@pytest.mark.parametrize("case", RESULT_WANTED_AT_ONCE)
def test_a_callback_that_returns_no_promise_is_named_where_its_exception_would_leave(
    case: str,
) -> None:
    with pytest.raises(TypeError) as caught:
        RESULT_WANTED_AT_ONCE[case]()
    assert says_what_came_back(case, caught.value)


@pytest.mark.parametrize("case", RESULT_WANTED_LATER)
def test_a_callback_that_returns_no_promise_later_rejects(case: str) -> None:
    promise, resolver = lwt.wait()
    result = RESULT_WANTED_LATER[case](promise)
    lwt.wakeup(resolver, None)
    state = lwt.state(result)
    assert isinstance(state, lwt.Fail)
    assert says_what_came_back(case, state.exception)


@pytest.mark.parametrize("case", RESULT_THAT_REJECTS)
def test_a_guarded_function_that_returns_no_promise_rejects(case: str) -> None:
    state = lwt.state(RESULT_THAT_REJECTS[case]())
    assert isinstance(state, lwt.Fail)
    assert says_what_came_back(case, state.exception)


@pytest.mark.parametrize("case", ["async_", "dont_wait"])
def test_a_background_function_that_returns_no_promise_is_reported(case: str) -> None:
    seen: list[Exception] = []
    hook = lwt.async_exception_hook.contents
    lwt.async_exception_hook.contents = seen.append
    try:
        lwt.async_(three) if case == "async_" else lwt.dont_wait(three, seen.append)
    finally:
        lwt.async_exception_hook.contents = hook
    assert len(seen) == 1
    assert says_what_came_back(case, seen[0])


def test_a_callback_that_returns_nothing_is_shown_what_to_return() -> None:
    def forgetful(_: None) -> Any:
        pass

    with pytest.raises(TypeError, match=r"forgetful returned None, not a promise; .*return_unit"):
        lwt.bind(lwt.return_unit, forgetful)


def test_bind_with_a_function_for_map_names_map() -> None:
    bad: Any = double
    with pytest.raises(TypeError, match=r"callback double returned 4 .*use lwt\.map"):
        lwt.bind(lwt.return_(2), bad)


# --- Where an exception belongs -----------------------------------------------


EXCEPTION_WANTED: dict[str, Callable[[lwt.Resolver[Any], Any], object]] = {
    "fail": lambda _, x: lwt.fail(x),
    "wakeup_exn": lwt.wakeup_exn,
    "wakeup_later_exn": lwt.wakeup_later_exn,
    "wakeup_result": lambda r, x: lwt.wakeup_result(r, lwt.Error(x)),
    "wakeup_later_result": lambda r, x: lwt.wakeup_later_result(r, lwt.Error(x)),
    "of_result": lambda _, x: lwt.of_result(lwt.Error(x)),
}


@pytest.mark.parametrize("case", EXCEPTION_WANTED)
@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("text", ""),
        (ValueError, r"pass an instance, ValueError\(\)"),
        (KeyboardInterrupt(), "raise this one instead"),
        (SystemExit, ""),
    ],
)
def test_what_is_no_exception_cannot_reject(case: str, value: object, hint: str) -> None:
    promise, resolver = lwt.wait()
    with pytest.raises(TypeError, match=rf"lwt\.{case}: expected an exception, got .*{hint}"):
        EXCEPTION_WANTED[case](resolver, value)
    assert lwt.is_sleeping(promise)
