"""An exception that rejects a promise keeps its traceback, and nothing makes it grow.

That exceptions and promises do not keep each other alive is in `test_nothing_is_kept.py`.
"""

from collections.abc import Callable
from traceback import extract_tb

import pytest

import lwt
from lwt._core.exceptions import MAXIMUM_TRACEBACK
from tests.support.promises import A, go_wrong, rejected_with


def deep_inside(*_: object) -> lwt.Promise[None]:
    return go_wrong()


def pending() -> tuple[lwt.Promise[None], lwt.Resolver[None]]:
    return lwt.wait()


def functions_in(exception: BaseException) -> list[str]:
    """The names of the functions in a traceback, from the outermost call to the raising."""
    return [entry.name for entry in extract_tb(exception.__traceback__)]


# --- The traceback is kept ---------------------------------------------------


def bind_pending() -> lwt.Promise[object]:
    promise, resolver = pending()
    result = lwt.bind(promise, deep_inside)
    lwt.wakeup(resolver, None)
    return result


def bind_pending_async() -> lwt.Promise[object]:
    async def body() -> None:
        deep_inside()

    promise, resolver = pending()
    result = lwt.bind(promise, lambda _: body())
    lwt.wakeup(resolver, None)
    return result


def map_pending() -> lwt.Promise[object]:
    promise, resolver = pending()
    result = lwt.map(deep_inside, promise)
    lwt.wakeup(resolver, None)
    return result


def map_fulfilled() -> lwt.Promise[object]:
    return lwt.map(deep_inside, lwt.return_unit)


def catch_pending() -> lwt.Promise[object]:
    promise, resolver = pending()
    result = lwt.catch(lambda: promise, deep_inside)
    lwt.wakeup_exn(resolver, ValueError())
    return result


def try_bind_pending() -> lwt.Promise[object]:
    promise, resolver = pending()
    result = lwt.try_bind(lambda: promise, deep_inside, lwt.fail)
    lwt.wakeup(resolver, None)
    return result


def finalize_raising() -> lwt.Promise[object]:
    return lwt.finalize(deep_inside, lambda: lwt.return_unit)


def finalize_with_a_pending_cleanup() -> lwt.Promise[object]:
    promise, resolver = pending()
    result = lwt.finalize(deep_inside, lambda: promise)
    lwt.wakeup(resolver, None)
    return result


def body_at_once() -> lwt.Promise[object]:
    async def body() -> None:
        deep_inside()

    return lwt.of_coroutine(body())


def body_later() -> lwt.Promise[object]:
    async def body() -> None:
        await promise
        deep_inside()

    promise, resolver = pending()
    result = lwt.of_coroutine(body())
    lwt.wakeup(resolver, None)
    return result


def wrapped() -> lwt.Promise[object]:
    return lwt.wrap(deep_inside)


def applied() -> lwt.Promise[object]:
    return lwt.apply(deep_inside, None)


def failed_with_what_was_caught() -> lwt.Promise[object]:
    try:
        deep_inside()
    except A as exception:
        return lwt.fail(exception)
    return lwt.return_unit


def woken_with_what_was_caught() -> lwt.Promise[object]:
    promise, resolver = pending()
    try:
        deep_inside()
    except A as exception:
        lwt.wakeup_exn(resolver, exception)
    return promise


every_source = pytest.mark.parametrize(
    "source",
    [
        bind_pending,
        bind_pending_async,
        map_pending,
        map_fulfilled,
        catch_pending,
        try_bind_pending,
        finalize_raising,
        finalize_with_a_pending_cleanup,
        body_at_once,
        body_later,
        wrapped,
        applied,
        failed_with_what_was_caught,
        woken_with_what_was_caught,
    ],
)


@every_source
def test_the_exception_of_a_rejection_says_where_it_was_raised(
    source: Callable[[], lwt.Promise[object]],
) -> None:
    assert functions_in(rejected_with(source()))[-2:] == ["deep_inside", "go_wrong"]


@every_source
def test_the_exception_that_leaves_poll_says_where_it_was_raised(
    source: Callable[[], lwt.Promise[object]],
) -> None:
    with pytest.raises(A) as caught:
        lwt.poll(source())
    assert functions_in(caught.value)[-2:] == ["deep_inside", "go_wrong"]


@every_source
def test_the_exception_that_a_handler_gets_says_where_it_was_raised(
    source: Callable[[], lwt.Promise[object]],
) -> None:
    seen = []

    def handler(exception: Exception) -> lwt.Promise[None]:
        seen.append(functions_in(exception)[-2:])
        return lwt.return_unit

    def record(exception: Exception) -> None:
        seen.append(functions_in(exception)[-2:])

    promise = source()
    lwt.catch(lambda: promise, handler)
    lwt.on_failure(promise, record)
    lwt.dont_wait(lambda: promise, record)
    assert seen == [["deep_inside", "go_wrong"]] * 3


@every_source
def test_the_exception_that_an_await_raises_says_where_it_was_raised_and_who_awaited(
    source: Callable[[], lwt.Promise[object]],
) -> None:
    async def inner_body() -> None:
        await source()

    async def outer_body() -> None:
        await inner_body()

    names = functions_in(rejected_with(lwt.of_coroutine(outer_body())))
    assert names[:2] == ["outer_body", "inner_body"]
    assert names[-2:] == ["deep_inside", "go_wrong"]


def test_the_hook_gets_the_exception_with_its_traceback() -> None:
    seen = []
    saved = lwt.async_exception_hook.contents
    lwt.async_exception_hook.contents = lambda exception: seen.append(functions_in(exception))
    try:
        lwt.async_(deep_inside)
        lwt.on_success(lwt.return_unit, deep_inside)
        lwt.ignore_result(bind_later := pending()[0])
        assert lwt.is_sleeping(bind_later)
    finally:
        lwt.async_exception_hook.contents = saved
    assert [names[-2:] for names in seen] == [["deep_inside", "go_wrong"]] * 2


def test_an_exception_without_a_traceback_stays_without() -> None:
    assert rejected_with(lwt.fail(A())).__traceback__ is None
    promise, resolver = pending()
    results = [lwt.bind(promise, lwt.return_), lwt.map(str, promise), lwt.join([promise])]
    lwt.wakeup_exn(resolver, A())
    assert [rejected_with(result).__traceback__ for result in results] == [None] * 3


# --- And does not grow -------------------------------------------------------


def test_a_rejection_passes_through_binds_with_its_traceback_unchanged() -> None:
    first, resolver = pending()
    raising = lwt.bind(first, deep_inside)
    last: lwt.Promise[None] = raising
    for _ in range(100):
        last = lwt.bind(lwt.map(lambda x: x, last), lwt.return_)
    lwt.wakeup(resolver, None)
    assert functions_in(rejected_with(last)) == ["deep_inside", "go_wrong"]
    assert functions_in(rejected_with(raising)) == ["deep_inside", "go_wrong"]


def test_a_rejection_passes_through_handlers_that_reraise_with_bounded_traceback() -> None:
    promise = lwt.apply(deep_inside, None)
    for _ in range(3 * MAXIMUM_TRACEBACK):
        inner = promise
        promise = lwt.apply(lambda p: lwt.catch(lambda: p, lwt.reraise), inner)
    names = functions_in(rejected_with(promise))
    assert len(names) <= MAXIMUM_TRACEBACK
    assert names[-2:] == ["deep_inside", "go_wrong"]


@pytest.mark.no_cover
@pytest.mark.parametrize("is_pending", [False, True])
def test_a_rejection_passes_through_many_bodies_with_bounded_traceback(is_pending: bool) -> None:
    async def body(depth: int) -> None:
        if depth == 0:
            if is_pending:
                await promise
            deep_inside()
        await lwt.of_coroutine(body(depth - 1))

    promise, resolver = pending()
    result = lwt.of_coroutine(body(10_000))
    lwt.wakeup(resolver, None)
    names = functions_in(rejected_with(result))
    assert len(names) <= MAXIMUM_TRACEBACK
    assert names[-2:] == ["deep_inside", "go_wrong"]


def length_of_traceback(exception: BaseException) -> int:
    return len(functions_in(exception))


def test_awaiting_a_rejected_promise_again_and_again_gives_the_same_traceback() -> None:
    promise = lwt.apply(deep_inside, None)
    lengths = []

    async def body() -> None:
        for _ in range(100):
            try:
                await promise
            except A as exception:
                lengths.append(length_of_traceback(exception))

    lwt.of_coroutine(body())
    assert lengths == [lengths[0]] * 100


def test_polling_a_rejected_promise_again_and_again_gives_the_same_traceback() -> None:
    promise = lwt.apply(deep_inside, None)
    lengths = []
    for _ in range(100):
        with pytest.raises(A) as caught:
            lwt.poll(promise)
        lengths.append(length_of_traceback(caught.value))
    assert lengths == [lengths[0]] * 100


def test_what_one_handler_does_to_the_traceback_is_not_seen_by_the_next() -> None:
    promise = lwt.apply(deep_inside, None)

    def handler(exception: Exception) -> lwt.Promise[None]:
        exception.__traceback__ = None
        return lwt.return_unit

    lwt.catch(lambda: promise, handler)
    with pytest.raises(A) as caught:
        lwt.poll(promise)
    assert functions_in(caught.value)[-2:] == ["deep_inside", "go_wrong"]


# --- No chains of contexts ---------------------------------------------------


def contexts_of(exception: BaseException | None) -> int:
    number = 0
    while exception is not None and exception.__context__ is not None:
        exception = exception.__context__
        number += 1
    return number


def test_a_loop_through_handlers_makes_no_chain_of_contexts() -> None:
    contexts = []

    def handler(exception: Exception, rounds: int) -> lwt.Promise[None]:
        contexts.append(contexts_of(exception))
        return loop(rounds - 1)

    def loop(rounds: int) -> lwt.Promise[None]:
        if rounds == 0:
            return lwt.return_unit
        return lwt.catch(go_wrong, lambda exception: handler(exception, rounds))

    loop(200)
    assert contexts == [0] * 200


def test_a_loop_through_handlers_of_pending_promises_makes_no_chain_of_contexts() -> None:
    contexts = []

    def handler(exception: Exception, rounds: int) -> lwt.Promise[None]:
        contexts.append(contexts_of(exception))
        return loop(rounds - 1)

    def loop(rounds: int) -> lwt.Promise[None]:
        if rounds == 0:
            return lwt.return_unit
        return lwt.catch(
            lambda: lwt.bind(lwt.pause(), go_wrong), lambda exception: handler(exception, rounds)
        )

    loop(200)
    while lwt.paused_count():
        lwt.wakeup_paused()
    assert contexts == [0] * 200


def test_callbacks_of_a_rejected_promise_do_not_run_inside_an_except_block() -> None:
    later, resolver = pending()

    async def body() -> None:
        await later
        raise A

    result = lwt.of_coroutine(body())
    after = lwt.bind(lwt.catch(lambda: result, lambda _: lwt.return_unit), go_wrong)
    lwt.wakeup(resolver, None)
    assert rejected_with(after).__context__ is None
