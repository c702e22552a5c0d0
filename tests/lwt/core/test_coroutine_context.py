"""Context variables: each body has its own copy of the context in which it was called."""

import decimal
from collections.abc import Callable, Generator
from contextvars import Context, ContextVar, copy_context

import pytest

import lwt
from lwt import lwt_list
from tests.support.promises import A

pytestmark = pytest.mark.usefixtures("nothing_left_over")

request: ContextVar[str] = ContextVar("request", default="none")

Body = Callable[[str], "lwt.Promise[str]"]


def test_what_a_body_sets_stays_in_it_whether_or_not_it_waits() -> None:
    @lwt.promised
    async def body(name: str, promise: lwt.Promise[None]) -> str:
        request.set(name)
        await promise
        return request.get()

    promise, resolver = lwt.wait()
    results = [body("a", promise), body("b", lwt.return_unit), body("c", promise)]
    assert request.get() == "none"
    lwt.wakeup(resolver, None)
    assert request.get() == "none"
    assert [lwt.state(result) for result in results] == [
        lwt.Return("a"),
        lwt.Return("b"),
        lwt.Return("c"),
    ]


def test_a_body_sees_the_context_of_its_call_and_no_later_change_of_it() -> None:
    @lwt.promised
    async def body(promise: lwt.Promise[None]) -> tuple[str, str]:
        before = request.get()
        await promise
        return before, request.get()

    promise, resolver = lwt.wait()

    def call() -> lwt.Promise[tuple[str, str]]:
        request.set("first")
        result = body(promise)
        request.set("second")
        return result

    result = copy_context().run(call)

    def resolve() -> None:
        request.set("of the resolver")
        lwt.wakeup(resolver, None)

    copy_context().run(resolve)
    assert lwt.state(result) == lwt.Return(("first", "first"))


def test_a_body_keeps_what_it_set_across_every_wait() -> None:
    seen: list[str] = []

    @lwt.promised
    async def body(first: lwt.Promise[None], second: lwt.Promise[None]) -> None:
        request.set("a")
        await first
        seen.append(request.get())
        request.set("b")
        await second
        seen.append(request.get())

    (first, first_resolver), (second, second_resolver) = lwt.wait(), lwt.wait()
    result = body(first, second)
    lwt.wakeup(first_resolver, None)
    lwt.wakeup(second_resolver, None)
    assert lwt.state(result) == lwt.Return(None)
    assert seen == ["a", "b"]


def test_a_body_that_awaits_another_coroutine_shares_its_context_and_a_body_called_does_not() -> (
    None
):
    async def set_request(name: str) -> None:
        request.set(name)

    @lwt.promised
    async def body() -> list[str]:
        await set_request("awaited")  # No body of its own: a part of this one.
        seen = [request.get()]
        await lwt.of_coroutine(set_request("called"))
        return [*seen, request.get()]

    assert lwt.state(body()) == lwt.Return(["awaited", "awaited"])


def test_decimal_contexts_do_not_mix_between_bodies() -> None:
    @lwt.promised
    async def third(places: int, promise: lwt.Promise[None]) -> str:
        with decimal.localcontext() as context:
            context.prec = places
            await promise
            return str(decimal.Decimal(1) / 3)

    promise, resolver = lwt.wait()
    results = [third(2, promise), third(5, promise)]
    at_once = third(3, lwt.return_unit)
    lwt.wakeup(resolver, None)
    assert [lwt.state(result) for result in (*results, at_once)] == [
        lwt.Return("0.33"),
        lwt.Return("0.33333"),
        lwt.Return("0.333"),
    ]
    assert decimal.getcontext().prec == 28


def test_an_exception_reaches_the_body_in_its_own_context() -> None:
    @lwt.promised
    async def body(promise: lwt.Promise[None]) -> str:
        request.set("mine")
        try:
            await promise
        except A:
            return request.get()
        return "no exception"

    promise, resolver = lwt.wait()
    results = [body(promise), body(lwt.fail(A()))]
    lwt.wakeup_exn(resolver, A())
    assert [lwt.state(result) for result in results] == [lwt.Return("mine"), lwt.Return("mine")]


class Gives:
    """An awaitable that is not of ours: it gives what it is told to."""

    def __init__(self, given: object) -> None:
        self.given = given

    def __await__(self) -> Generator[object, object, None]:
        yield self.given


@pytest.mark.parametrize("waits_first", [False, True])
@pytest.mark.parametrize(
    "given", [lwt.return_(3), lwt.fail(A()), "no promise"], ids=["fulfilled", "rejected", "other"]
)
def test_what_need_not_be_waited_for_goes_on_in_the_same_context(
    given: object, waits_first: bool
) -> None:
    @lwt.promised
    async def body(promise: lwt.Promise[None]) -> str:
        request.set("mine")
        await promise
        try:
            await Gives(given)
        except (A, TypeError):
            pass
        return request.get()

    promise, resolver = lwt.wait()
    result = body(promise if waits_first else lwt.return_unit)
    lwt.wakeup(resolver, None)
    assert lwt.state(result) == lwt.Return("mine")
    assert request.get() == "none"


@pytest.mark.parametrize(
    "call",
    [
        lambda body: lwt.bind(lwt.return_("x"), body),
        lambda body: lwt.catch(lambda: body("x"), lwt.fail),
        lambda body: lwt.map(lambda pair: pair[0], lwt.all([lwt.of_coroutine(body("x"))])),
        lambda body: lwt.bind(lwt_list.map_s(body, ["x"]), lambda seen: lwt.return_(seen[0])),
        lambda body: lwt.apply(body, "x"),
    ],
    ids=["bind", "catch", "all", "map_s", "apply"],
)
def test_bodies_given_as_callbacks_have_their_own_context(
    call: Callable[[object], lwt.Promise[str]],
) -> None:
    async def body(name: str) -> str:
        request.set(name)
        return request.get()

    assert lwt.state(call(body)) == lwt.Return("x")
    assert request.get() == "none"


def test_callbacks_run_in_the_context_of_whoever_resolves() -> None:
    seen: list[str] = []
    promise, resolver = lwt.wait()

    def attach() -> None:
        request.set("attached")
        lwt.on_success(promise, lambda _: seen.append(request.get()))

    def resolve() -> None:
        request.set("resolved")
        lwt.wakeup(resolver, None)

    Context().run(attach)
    Context().run(resolve)
    assert seen == ["resolved"]


def test_a_body_that_hands_over_leaves_its_context() -> None:
    @lwt.promised
    async def loop(rounds: int) -> str:
        seen = request.get()
        request.set(f"{seen}+")
        await lwt.pause()
        return loop(rounds - 1) if rounds else seen  # type: ignore[return-value]

    result = loop(2)
    while lwt.is_sleeping(result):
        lwt.wakeup_paused()
    # As of a call in it: the body that is handed over to was called in the context of this one.
    assert lwt.state(result) == lwt.Return("none++")
    assert request.get() == "none"
