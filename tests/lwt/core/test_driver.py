"""The driver: bodies and loops, run up to a promise that is pending, and on from there."""

import sys
import weakref
from collections.abc import Callable, Generator
from types import FrameType
from typing import Any

import pytest

import lwt
from lwt import lwt_list, lwt_pool, lwt_seq, lwt_stream
from lwt._core import driver
from lwt._core.loop import Loop, start
from tests.support.builds import interpreted_only

pytestmark = pytest.mark.usefixtures("nothing_left_over")


@interpreted_only("no handler runs between two lines")
@pytest.mark.parametrize("waits", [False, True])
def test_what_a_handler_runs_in_between_disturbs_no_body(waits: bool) -> None:
    """A handler of a signal may run at any line; it may run bodies, which may have to wait."""
    promises: list[lwt.Promise[str]] = []

    async def handler() -> str:
        return await promises[-1] if waits else "handler"

    def run_handler(frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        if frame.f_code.co_filename != driver.__file__:
            return None
        promises.append(lwt.wait()[0])
        result = lwt.of_coroutine(handler())
        assert lwt.is_sleeping(result) if waits else lwt.state(result) == lwt.Return("handler")
        return run_handler

    async def inner(number: int) -> int:
        return number

    async def outer(number: int) -> int:
        promise: lwt.Promise[int]
        promise, resolver = lwt.wait()
        rest = lwt.map(lambda n: n * number, promise)
        lwt.wakeup_later(resolver, await lwt.of_coroutine(inner(number)))
        return await rest

    tracer = sys.gettrace()
    sys.settrace(run_handler)
    try:
        results = [lwt.of_coroutine(outer(number)) for number in range(5)]
    finally:
        sys.settrace(tracer)
    assert len(promises) > 50
    assert [lwt.state(result) for result in results] == [lwt.Return(n * n) for n in range(5)]


def test_a_value_that_a_body_has_returned_is_not_kept() -> None:
    class Value:
        pass

    async def body(promise: lwt.Promise[None]) -> Value:
        await promise
        return Value()

    promise, resolver = lwt.wait()
    values = [lwt.poll(lwt.of_coroutine(body(lwt.return_unit)))]
    bodies = [lwt.of_coroutine(body(promise))]
    lwt.wakeup(resolver, None)
    values += map(lwt.poll, bodies)
    alive = [weakref.ref(option.value) for option in values if option is not None]
    assert len(alive) == 2
    values.clear()
    bodies.clear()
    assert [reference() for reference in alive] == [None, None]


class Yielding:
    """An awaitable that yields a promise, in whatever state that is."""

    def __init__(self, promise: lwt.Promise[int]) -> None:
        self._promise = promise

    def __await__(self) -> Generator[Any, Any, int]:
        value: int = yield self._promise
        return value


async def awaiting(promise: lwt.Promise[int]) -> str:
    try:
        return f"got {await Yielding(promise)}"
    except ValueError as exception:
        return f"raised {exception!r}"


def proxy_of(promise: lwt.Promise[int]) -> lwt.Promise[int]:
    """Make a promise that stands for another one."""
    first, resolver = lwt.wait()
    lwt.bind(first, lambda _: promise)
    lwt.wakeup(resolver, None)
    return promise


def test_a_body_goes_on_from_a_promise_that_is_resolved_when_it_is_yielded() -> None:
    results = [
        lwt.of_coroutine(awaiting(lwt.return_(3))),
        lwt.of_coroutine(awaiting(lwt.fail(ValueError("no")))),
    ]
    assert [lwt.state(result) for result in results] == [
        lwt.Return("got 3"),
        lwt.Return("raised ValueError('no')"),
    ]


def test_a_loop_goes_on_from_each_promise_of_whatever_kind() -> None:
    pending, resolver = lwt.wait()
    proxied, proxy_resolver = lwt.wait()

    def loop() -> Loop[list[int]]:
        first = yield lwt.return_(1)
        second = yield proxy_of(proxied)
        third = yield pending
        fourth = yield lwt.return_(4)
        return [first, second, third, fourth]

    result = start(loop())
    lwt.wakeup(proxy_resolver, 2)
    assert lwt.is_sleeping(result)
    lwt.wakeup(resolver, 3)
    assert lwt.state(result) == lwt.Return([1, 2, 3, 4])


@pytest.mark.parametrize("waits_before", [False, True])
@pytest.mark.parametrize("is_pending", [False, True])
def test_a_rejection_ends_a_loop_which_is_not_told(waits_before: bool, is_pending: bool) -> None:
    seen: list[str] = []
    before, before_resolver = lwt.wait()
    promise, resolver = lwt.wait() if is_pending else (lwt.fail(KeyError(1)), None)

    def loop() -> Loop[None]:
        if waits_before:
            yield before
        try:
            yield promise
        except Exception:
            seen.append("told")
        seen.append("went on")

    result = start(loop())
    lwt.wakeup(before_resolver, None)
    if resolver is not None:
        lwt.wakeup_exn(resolver, KeyError(1))
    assert lwt.state(result) == lwt.Fail(KeyError(1))
    assert seen == []


def test_a_loop_that_waits_for_its_own_promise_waits_for_ever() -> None:
    promise, resolver = lwt.wait()
    results: list[lwt.Promise[None]] = []

    def loop() -> Loop[None]:
        yield promise
        yield results[0]

    results.append(start(loop()))
    lwt.wakeup(resolver, None)
    assert lwt.is_sleeping(results[0])


# --- A user's StopIteration --------------------------------------------------


def stops(*_: object) -> Any:
    raise StopIteration("mine")


def stops_in_a_generator(*_: object) -> Any:
    def generator() -> Generator[None, None, None]:
        yield stops()

    return next(generator())


def one() -> lwt_stream.Stream[int]:
    """Make a stream of one element."""
    return lwt_stream.of_list([1])


LOOPS: dict[str, Callable[[Callable[..., Any]], lwt.Promise[Any]]] = {
    "lwt_list.iter_s": lambda f: lwt_list.iter_s(f, [1]),
    "lwt_list.fold_left_s": lambda f: lwt_list.fold_left_s(f, 0, [1]),
    "lwt_list.find_s": lambda f: lwt_list.find_s(f, [1]),
    "lwt_list.map_p": lambda f: lwt_list.map_p(f, [1]),
    "lwt_stream.from_": lambda f: lwt_stream.get(lwt_stream.from_(f)),
    "lwt_stream.from_direct": lambda f: lwt_stream.to_list(lwt_stream.from_direct(f)),
    "lwt_stream.map": lambda f: lwt_stream.get(lwt_stream.map(f, one())),
    "lwt_stream.map_s": lambda f: lwt_stream.get(lwt_stream.map_s(f, one())),
    "lwt_stream.filter_map": lambda f: lwt_stream.get(lwt_stream.filter_map(f, one())),
    "lwt_stream.iter": lambda f: lwt_stream.iter(f, one()),
    "lwt_stream.fold_s": lambda f: lwt_stream.fold_s(f, one(), 0),
    "lwt_seq.iter": lambda f: lwt_seq.iter(f, lwt_seq.of_list([1])),
    "lwt_seq.filter": lambda f: lwt_seq.to_list(lwt_seq.filter(f, lwt_seq.of_list([1]))),
    "lwt_pool.use": lambda f: lwt_pool.use(lwt_pool.create(1, lambda: lwt.return_(1)), f),
}
"""What calls a function in a loop."""


def outcome_of(call: Callable[[], lwt.Promise[Any]]) -> Exception:
    """The exception that a call raises, or that its promise is rejected with."""
    try:
        state = lwt.state(call())
    except Exception as exception:
        return exception
    assert isinstance(state, lwt.Fail)
    return state.exception


@pytest.mark.parametrize("name", LOOPS)
def test_a_stop_iteration_of_a_users_function_comes_out_as_it_is(name: str) -> None:
    exception = outcome_of(lambda: LOOPS[name](stops))
    assert (type(exception), exception.args) == (StopIteration, ("mine",))


@pytest.mark.parametrize("name", LOOPS)
def test_a_generator_of_the_users_that_stops_wrongly_gives_what_python_makes_of_it(
    name: str,
) -> None:
    exception = outcome_of(lambda: LOOPS[name](stops_in_a_generator))
    assert (type(exception), exception.args) == (RuntimeError, ("generator raised StopIteration",))


def test_a_stop_iteration_after_waiting_comes_out_as_it_is() -> None:
    promise, resolver = lwt.wait()
    result = lwt_list.iter_s(lambda n: promise if n == 0 else stops(), [0, 1])
    lwt.wakeup(resolver, None)
    assert lwt.state(result) == lwt.Fail(StopIteration("mine"))
