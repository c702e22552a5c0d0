"""What becomes of a callback's exception, function by function and state by state.

`GRID` is what OCaml's library answers to the same questions. A row is the state of the
promise (or of what the function given to `catch` and its like does: it `raises`); the
columns are what the callback does: it returns a promise that is fulfilled, rejected or
pending, or it raises. A row with one cell is for callbacks that are not called.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

import lwt
from lwt import Promise
from tests.support.promises import A, pending, raising

GRID = """
bind
    fulfilled              | fulfilled callback | rejected callback | pending | raised callback
    rejected               | not called: rejected source
    pending then fulfilled | fulfilled callback | rejected callback | pending | rejected callback
    pending then rejected  | not called: rejected source

map
    fulfilled              | promise in promise | promise in promise | promise in promise | rejected callback
    rejected               | not called: rejected source
    pending then fulfilled | promise in promise | promise in promise | promise in promise | rejected callback
    pending then rejected  | not called: rejected source

catch
    fulfilled              | not called: fulfilled source
    rejected               | fulfilled callback | rejected callback | pending | raised callback
    raises                 | fulfilled callback | rejected callback | pending | raised callback
    pending then fulfilled | not called: fulfilled source
    pending then rejected  | fulfilled callback | rejected callback | pending | rejected callback

try_bind, value
    fulfilled              | fulfilled callback | rejected callback | pending | raised callback
    rejected               | not called: rejected source
    raises                 | not called: rejected source
    pending then fulfilled | fulfilled callback | rejected callback | pending | rejected callback
    pending then rejected  | not called: rejected source

try_bind, exception
    fulfilled              | not called: fulfilled source
    rejected               | fulfilled callback | rejected callback | pending | raised callback
    raises                 | fulfilled callback | rejected callback | pending | raised callback
    pending then fulfilled | not called: fulfilled source
    pending then rejected  | fulfilled callback | rejected callback | pending | rejected callback

finalize
    fulfilled              | fulfilled source | rejected callback | pending | raised callback
    rejected               | rejected source  | rejected callback | pending | raised callback
    raises                 | rejected source  | rejected callback | pending | raised callback
    pending then fulfilled | fulfilled source | rejected callback | pending | rejected callback
    pending then rejected  | rejected source  | rejected callback | pending | rejected callback

backtrace_bind
    fulfilled              | fulfilled callback | rejected callback | pending | raised callback
    rejected               | not called: rejected located source
    pending then fulfilled | fulfilled callback | rejected callback | pending | rejected located callback
    pending then rejected  | not called: rejected located source

backtrace_catch
    fulfilled              | not called: fulfilled source
    rejected               | fulfilled callback | rejected callback | pending | raised callback
    raises                 | fulfilled callback | rejected callback | pending | raised callback
    pending then fulfilled | not called: fulfilled source
    pending then rejected  | fulfilled callback | rejected callback | pending | rejected located callback

backtrace_try_bind, value
    fulfilled              | fulfilled callback | rejected callback | pending | raised callback
    rejected               | not called: rejected located source
    raises                 | not called: rejected located source
    pending then fulfilled | fulfilled callback | rejected callback | pending | rejected located callback
    pending then rejected  | not called: rejected source

backtrace_try_bind, exception
    fulfilled              | not called: fulfilled source
    rejected               | fulfilled callback | rejected callback | pending | raised callback
    raises                 | fulfilled callback | rejected callback | pending | raised callback
    pending then fulfilled | not called: fulfilled source
    pending then rejected  | fulfilled callback | rejected callback | pending | rejected located callback

backtrace_finalize
    fulfilled              | fulfilled source | rejected callback | pending | raised callback
    rejected               | rejected located located source | rejected callback | pending | raised callback
    raises                 | rejected located located source | rejected callback | pending | raised callback
    pending then fulfilled | fulfilled source | rejected callback | pending | rejected located callback
    pending then rejected  | rejected located source | rejected callback | pending | rejected located callback

on_success
    fulfilled              | nothing | nothing | nothing | reported callback
    rejected               | not called: nothing
    pending then fulfilled | nothing | nothing | nothing | reported callback
    pending then rejected  | not called: nothing

on_failure
    fulfilled              | not called: nothing
    rejected               | nothing | nothing | nothing | reported callback
    pending then fulfilled | not called: nothing
    pending then rejected  | nothing | nothing | nothing | reported callback

on_termination
    fulfilled              | nothing | nothing | nothing | reported callback
    rejected               | nothing | nothing | nothing | reported callback
    pending then fulfilled | nothing | nothing | nothing | reported callback
    pending then rejected  | nothing | nothing | nothing | reported callback

on_any
    fulfilled              | nothing | nothing | nothing | reported callback
    rejected               | nothing | nothing | nothing | reported callback
    pending then fulfilled | nothing | nothing | nothing | reported callback
    pending then rejected  | nothing | nothing | nothing | reported callback

dont_wait
    fulfilled              | not called: nothing
    rejected               | nothing | nothing | nothing | raised callback
    raises                 | nothing | nothing | nothing | raised callback
    pending then fulfilled | not called: nothing
    pending then rejected  | nothing | nothing | nothing | wakeup raised callback

async_
    fulfilled              | not called: nothing
    rejected               | not called: reported source
    raises                 | not called: reported source
    pending then fulfilled | not called: nothing
    pending then rejected  | not called: reported source

ignore_result
    fulfilled              | not called: nothing
    rejected               | not called: raised source
    pending then fulfilled | not called: nothing
    pending then rejected  | not called: reported source
"""


BEHAVIOURS = ("returns fulfilled", "returns rejected", "returns pending", "raises")


@dataclass(frozen=True)
class Case:
    """One cell of the grid."""

    function: str
    state: str
    behaviour: str
    is_called: bool
    outcome: str

    def __str__(self) -> str:
        return f"{self.function} - {self.state} - {self.behaviour}"


def cases() -> Iterator[Case]:
    for block in GRID.strip().split("\n\n"):
        function, *rows = block.splitlines()
        for row in rows:
            state, *cells = (cell.strip() for cell in row.split("|"))
            if len(cells) == 1:
                assert cells[0].startswith("not called: ")
                for behaviour in BEHAVIOURS:
                    outcome = cells[0].removeprefix("not called: ")
                    yield Case(function, state, behaviour, False, outcome)
            else:
                for behaviour, cell in zip(BEHAVIOURS, cells, strict=True):
                    yield Case(function, state, behaviour, True, cell)


class Named(Exception):
    """An exception that the grid knows by its name."""

    @property
    def name(self) -> str:
        """The name."""
        return str(self.args[0])


def add_location(exception: Exception) -> Exception:
    assert isinstance(exception, Named)
    return Named(f"located {exception.name}")


# What is tested is called with a function that returns the promise (or raises), and with
# the callback; it returns a promise or None.
Start = Callable[[], Promise[str]]


Callback = Callable[..., Promise[str]]


def try_bind_value(start: Start, callback: Callback) -> Promise[str]:
    return lwt.try_bind(start, callback, lwt.fail)


def try_bind_exception(start: Start, callback: Callback) -> Promise[str]:
    return lwt.try_bind(start, lwt.return_, callback)


def backtrace_try_bind_value(start: Start, callback: Callback) -> Promise[str]:
    return lwt.backtrace_try_bind("file", 1, add_location, start, callback, lwt.fail)


def backtrace_try_bind_exception(start: Start, callback: Callback) -> Promise[str]:
    return lwt.backtrace_try_bind("file", 1, add_location, start, lwt.return_, callback)


FUNCTIONS: dict[str, Callable[[Start, Callback], object]] = {
    "bind": lambda start, callback: lwt.bind(start(), callback),
    "map": lambda start, callback: lwt.map(callback, start()),
    "catch": lwt.catch,
    "try_bind, value": try_bind_value,
    "try_bind, exception": try_bind_exception,
    "finalize": lwt.finalize,
    "backtrace_bind": lambda start, callback: lwt.backtrace_bind(
        "file", 1, add_location, start(), callback
    ),
    "backtrace_catch": lambda start, callback: lwt.backtrace_catch(
        "file", 1, add_location, start, callback
    ),
    "backtrace_try_bind, value": backtrace_try_bind_value,
    "backtrace_try_bind, exception": backtrace_try_bind_exception,
    "backtrace_finalize": lambda start, callback: lwt.backtrace_finalize(
        "file", 1, add_location, start, callback
    ),
    "on_success": lambda start, callback: lwt.on_success(start(), callback),
    "on_failure": lambda start, callback: lwt.on_failure(start(), callback),
    "on_termination": lambda start, callback: lwt.on_termination(start(), callback),
    "on_any": lambda start, callback: lwt.on_any(start(), callback, callback),
    "dont_wait": lwt.dont_wait,
    "async_": lambda start, callback: lwt.async_(start),
    "ignore_result": lambda start, callback: lwt.ignore_result(start()),
}


def outcome_of(result: object) -> str:
    """Describe what a function returned."""
    if result is None:
        return "nothing"
    assert isinstance(result, Promise)
    match lwt.state(result):
        case lwt.Return(Promise()):
            return "promise in promise"
        case lwt.Return(value):
            return f"fulfilled {value}"
        case lwt.Fail(Named() as exception):
            return f"rejected {exception.name}"
    return "pending"


@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_each_function_treats_its_callback_as_the_grid_says(
    case: Case, reported: list[Exception]
) -> None:
    source, callback_exception = Named("source"), Named("callback")
    promise, resolver = lwt.wait()
    calls = 0

    def start() -> Promise[str]:
        match case.state:
            case "fulfilled":
                return lwt.return_("source")
            case "rejected":
                return lwt.fail(source)
            case "raises":
                raise source
        return promise

    def callback(*_: object) -> Promise[str]:
        nonlocal calls
        calls += 1
        match case.behaviour:
            case "returns fulfilled":
                return lwt.return_("callback")
            case "returns rejected":
                return lwt.fail(callback_exception)
            case "returns pending":
                return pending()
        raise callback_exception

    outcome = ""
    try:
        result = FUNCTIONS[case.function](start, callback)
        if case.state.startswith("pending"):
            assert calls == 0
            assert outcome_of(result) in ("pending", "nothing")
            try:
                if case.state == "pending then fulfilled":
                    lwt.wakeup(resolver, "source")
                else:
                    lwt.wakeup_exn(resolver, source)
            except Named as exception:
                outcome = f"wakeup raised {exception.name}"
        outcome = outcome or outcome_of(result)
    except Named as exception:
        outcome = f"raised {exception.name}"
    for lost in reported:
        assert isinstance(lost, Named)
        assert outcome == "nothing"
        outcome = f"reported {lost.name}"
    assert (calls, outcome) == (int(case.is_called), case.outcome)


# Functions that the grid has no room for


def test_on_cancel_reports_the_exception_of_its_function(reported: list[Exception]) -> None:
    promise, _ = lwt.task()
    exception = A()
    lwt.on_cancel(promise, raising(exception))
    lwt.cancel(promise)
    assert reported == [exception]


def test_on_cancel_of_a_cancelled_promise_reports_the_exception_of_its_function(
    reported: list[Exception],
) -> None:
    exception = A()
    lwt.on_cancel(lwt.fail(lwt.Canceled()), raising(exception))
    assert reported == [exception]


def test_the_exception_of_a_cancel_callback_does_not_keep_others_from_running(
    reported: list[Exception],
) -> None:
    promise, _ = lwt.task()
    first, second = A(), A()
    lwt.on_cancel(promise, raising(second))
    lwt.on_cancel(promise, raising(first))
    lwt.cancel(promise)
    assert [id(exception) for exception in reported] == [id(first), id(second)]


def test_catch_does_not_handle_the_exceptions_of_its_own_handler() -> None:
    exception = A()
    with pytest.raises(A) as caught:
        lwt.catch(lambda: lwt.fail(KeyError()), raising(exception))
    assert caught.value is exception


def test_try_bind_does_not_hand_exceptions_of_one_callback_to_the_other() -> None:
    promise, resolver = lwt.wait()
    exception = A()
    result = lwt.try_bind(lambda: promise, raising(exception), lambda _: lwt.return_(1))
    lwt.wakeup(resolver, None)
    assert lwt.state(result) == lwt.Fail(exception)


def test_a_callback_that_raises_after_a_pending_bind_does_not_reach_the_hook(
    reported: list[Exception],
) -> None:
    promise, resolver = lwt.wait()
    lwt.bind(promise, raising(A()))
    lwt.wakeup(resolver, None)
    assert reported == []


def test_a_rejected_promise_that_nobody_looks_at_is_silent(reported: list[Exception]) -> None:
    lwt.map(raising(A()), lwt.return_unit)
    lwt.fail(A())
    assert reported == []


def test_reraise_raises_what_it_is_given() -> None:
    exception = A()
    with pytest.raises(A) as caught:
        lwt.reraise(exception)
    assert caught.value is exception


def test_a_handler_gets_the_exception_itself() -> None:
    exception = A()
    seen: list[Exception] = []

    def handler(handled: Exception) -> Promise[None]:
        seen.append(handled)
        return lwt.return_unit

    lwt.catch(raising(exception), handler)
    lwt.on_failure(lwt.fail(exception), seen.append)
    lwt.dont_wait(lambda: lwt.fail(exception), seen.append)
    assert [exn is exception for exn in seen] == [True, True, True]
