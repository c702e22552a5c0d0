"""Async functions: `await` is `bind`, and the rest of the body is its callback."""

import inspect

import pytest

import lwt

pytestmark = pytest.mark.usefixtures("nothing_left_over")

key: lwt.Key[str] = lwt.new_key()


def pending() -> tuple[lwt.Promise[str], lwt.Resolver[str]]:
    return lwt.wait()


# --- When a body runs --------------------------------------------------------


def test_a_body_runs_at_once_up_to_its_first_pending_promise() -> None:
    seen: list[str] = []
    promise, resolver = pending()

    @lwt.promised
    async def body() -> str:
        seen.append("start")
        seen.append(await lwt.return_("resolved"))
        seen.append(await promise)
        return "end"

    result = body()
    seen.append("called")
    assert lwt.is_sleeping(result)
    lwt.wakeup(resolver, "woken")
    seen.append("after wakeup")
    assert seen == ["start", "resolved", "called", "woken", "after wakeup"]
    assert lwt.state(result) == lwt.Return("end")


def test_a_body_without_pending_promises_gives_a_fulfilled_promise() -> None:
    @lwt.promised
    async def body(x: int, *, y: int) -> int:
        return await lwt.return_(x) + y

    assert lwt.state(body(1, y=2)) == lwt.Return(3)


def test_a_body_that_does_not_wait_at_all_gives_a_fulfilled_promise() -> None:
    @lwt.promised
    async def body() -> None:
        pass

    assert lwt.state(body()) == lwt.Return(None)


def test_promised_keeps_name_docstring_and_signature() -> None:
    @lwt.promised
    async def body(x: int, *, y: str = "") -> None:
        """What it does."""

    assert body.__name__ == "body"
    assert body.__doc__ == "What it does."
    assert list(inspect.signature(body).parameters) == ["x", "y"]


def test_promised_decorates_methods() -> None:
    class Counter:
        count = 0

        @lwt.promised
        async def add(self, number: int) -> int:
            self.count += await lwt.return_(number)
            return self.count

    assert lwt.state(Counter().add(3)) == lwt.Return(3)


def test_a_call_with_wrong_arguments_raises_at_the_call() -> None:
    @lwt.promised
    async def body(x: int) -> int:
        return x

    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        body()  # type: ignore[call-arg]  # what is under test


def test_of_coroutine_runs_one_coroutine() -> None:
    async def body() -> str:
        return await promise

    promise, resolver = pending()
    result = lwt.of_coroutine(body())
    lwt.wakeup(resolver, "value")
    assert lwt.state(result) == lwt.Return("value")


def test_a_coroutine_that_ran_before_rejects() -> None:
    async def body() -> None:
        pass

    coroutine = body()
    lwt.of_coroutine(coroutine)
    state = lwt.state(lwt.of_coroutine(coroutine))
    assert isinstance(state, lwt.Fail)
    assert isinstance(state.exception, RuntimeError)


def test_a_body_goes_on_among_other_callbacks_in_the_order_of_attaching() -> None:
    seen: list[str] = []
    promise, resolver = pending()

    @lwt.promised
    async def body(name: str) -> None:
        await promise
        seen.append(name)

    lwt.on_success(promise, lambda _: seen.append("oldest"))
    body("body")
    lwt.on_success(promise, lambda _: seen.append("newer"))
    body("newest body")
    lwt.wakeup(resolver, "")
    # The newest callback runs first, as in OCaml.
    assert seen == ["newest body", "newer", "body", "oldest"]


def test_who_waits_for_a_body_goes_on_before_the_next_callback_of_what_it_awaited() -> None:
    seen: list[str] = []
    promise, resolver = pending()

    @lwt.promised
    async def inner() -> None:
        await promise
        seen.append("inner")

    @lwt.promised
    async def outer() -> None:
        await inner()
        seen.append("outer")

    lwt.on_success(promise, lambda _: seen.append("old callback"))
    lwt.on_success(outer(), lambda _: seen.append("after outer"))
    lwt.wakeup(resolver, "")
    assert seen == ["inner", "outer", "after outer", "old callback"]


def test_wakeup_later_in_a_body_that_goes_on_is_deferred() -> None:
    seen: list[str] = []
    promise, resolver = pending()
    other, other_resolver = pending()

    @lwt.promised
    async def body() -> None:
        await promise
        lwt.wakeup_later(other_resolver, "")
        seen.append("body")

    body()
    lwt.on_success(other, lambda _: seen.append("other"))
    lwt.wakeup(resolver, "")
    assert seen == ["body", "other"]


def test_wakeup_later_in_the_first_part_of_a_body_runs_callbacks_at_once() -> None:
    seen: list[str] = []
    other, other_resolver = pending()
    lwt.on_success(other, lambda _: seen.append("other"))

    @lwt.promised
    async def body() -> None:
        lwt.wakeup_later(other_resolver, "")
        seen.append("body")

    body()
    assert seen == ["other", "body"]


def test_a_promise_that_is_resolved_meanwhile_is_awaited_without_waiting() -> None:
    first, first_resolver = pending()
    second, second_resolver = pending()

    @lwt.promised
    async def body() -> str:
        return await first + await second

    result = body()
    lwt.wakeup(second_resolver, "b")
    lwt.wakeup(first_resolver, "a")
    assert lwt.state(result) == lwt.Return("ab")


def test_many_bodies_may_await_one_promise() -> None:
    promise, resolver = pending()

    @lwt.promised
    async def body(number: int) -> str:
        return f"{await promise}{number}"

    results = lwt.all(body(number) for number in range(3))
    lwt.wakeup(resolver, "x")
    assert lwt.state(results) == lwt.Return(["x0", "x1", "x2"])


# --- Exceptions --------------------------------------------------------------


@pytest.mark.parametrize("waits", [False, True])
def test_an_exception_of_a_body_rejects_whether_or_not_it_has_waited(waits: bool) -> None:
    promise, resolver = pending()

    @lwt.promised
    async def body() -> None:
        if waits:
            await promise
        raise KeyError("k")

    result = body()
    lwt.wakeup(resolver, "")
    assert lwt.state(result) == lwt.Fail(KeyError("k"))


@pytest.mark.parametrize("waits", [False, True])
def test_awaiting_a_rejected_promise_raises_its_exception(waits: bool) -> None:
    promise, resolver = pending()
    exception = KeyError("k")
    caught: list[Exception] = []

    @lwt.promised
    async def body() -> str:
        try:
            return await promise
        except KeyError as raised:
            caught.append(raised)
            return "handled"

    if waits:
        result = body()
        lwt.wakeup_exn(resolver, exception)
    else:
        lwt.wakeup_exn(resolver, exception)
        result = body()
    assert lwt.state(result) == lwt.Return("handled")
    assert len(caught) == 1
    assert caught[0] is exception


@pytest.mark.parametrize("waits", [False, True])
def test_stop_iteration_raised_in_a_body_rejects_with_a_runtime_error(waits: bool) -> None:
    """As Python has it for every coroutine: StopIteration would be a return."""
    promise, resolver = pending()

    @lwt.promised
    async def body() -> None:
        if waits:
            await promise
        raise StopIteration("s")

    result = body()
    lwt.wakeup(resolver, "")
    state = lwt.state(result)
    assert isinstance(state, lwt.Fail)
    assert isinstance(state.exception, RuntimeError)
    assert isinstance(state.exception.__cause__, StopIteration)


@pytest.mark.parametrize("waits", [False, True])
def test_a_promise_rejected_with_stop_iteration_raises_a_runtime_error_when_awaited(
    waits: bool,
) -> None:
    promise, resolver = pending()
    caught: list[Exception] = []

    @lwt.promised
    async def body() -> str:
        try:
            return await promise
        except RuntimeError as exception:
            caught.append(exception)
        return "handled"

    if waits:
        result = body()
        lwt.wakeup_exn(resolver, StopIteration("s"))
    else:
        lwt.wakeup_exn(resolver, StopIteration("s"))
        result = body()
    assert lwt.state(result) == lwt.Return("handled")
    assert isinstance(caught[0].__cause__, StopIteration)


def test_a_value_that_is_an_exception_is_returned_and_not_raised() -> None:
    @lwt.promised
    async def body() -> Exception:
        return await lwt.return_(ValueError("just a value"))

    state = lwt.state(body())
    assert isinstance(state, lwt.Return)
    assert isinstance(state.value, ValueError)


def test_a_body_may_return_a_tuple_or_stop_iteration_as_its_value() -> None:
    @lwt.promised
    async def body(value: object) -> object:
        return await lwt.return_(value)

    stop = StopIteration(3)
    assert lwt.state(body((1, 2))) == lwt.Return((1, 2))
    state = lwt.state(body(stop))
    assert isinstance(state, lwt.Return)
    assert state.value is stop


# --- Storage -----------------------------------------------------------------


def test_storage_is_kept_across_an_await() -> None:
    promise, resolver = pending()
    seen: list[lwt.Some[str] | None] = []

    @lwt.promised
    async def body() -> None:
        seen.append(lwt.get(key))
        await promise
        seen.append(lwt.get(key))

    lwt.with_value(key, lwt.Some("caller's"), body)
    lwt.with_value(key, lwt.Some("waker's"), lambda: lwt.wakeup(resolver, ""))
    assert seen == [lwt.Some("caller's")] * 2


def test_with_value_around_a_coroutine_inside_a_body_holds_for_its_call_only() -> None:
    promise, resolver = pending()
    seen: list[tuple[str, lwt.Some[str] | None]] = []

    @lwt.promised
    async def inner() -> None:
        await promise
        seen.append(("inner", lwt.get(key)))

    @lwt.promised
    async def outer() -> None:
        await lwt.with_value(key, lwt.Some("inside"), inner)
        seen.append(("outer", lwt.get(key)))

    lwt.with_value(key, lwt.Some("outside"), outer)
    lwt.wakeup(resolver, "")
    assert seen == [("inner", lwt.Some("inside")), ("outer", lwt.Some("outside"))]
