"""What type checkers infer from our signatures. Checked by mypy, never run.

`test_types.py` runs the checker. Each function is about one part of the interface.
"""

from collections.abc import Callable
from typing import NoReturn, assert_type

import lwt
from lwt import Error, Key, Ok, Promise, Resolver, Some
from lwt.lwt_sequence import Sequence

P = Promise[int]
Q = Promise[str]


def parse(text: str) -> int:
    return int(text)


def parse_later(text: str) -> Promise[int]:
    return lwt.return_(int(text))


async def parse_async(text: str) -> int:
    return int(text)


async def recover_async(exception: Exception) -> str:
    return str(exception)


def making(p: P) -> None:
    assert_type(lwt.return_(1), Promise[int])
    assert_type(lwt.fail(ValueError()), Promise[NoReturn])
    assert_type(lwt.return_unit, Promise[None])
    assert_type(lwt.return_true, Promise[bool])
    assert_type(lwt.return_some(1), Promise[Some[int]])
    assert_type(lwt.return_ok(1), Promise[Ok[int]])
    assert_type(lwt.return_error("e"), Promise[Error[str]])
    assert_type(lwt.fail_with("m"), Promise[NoReturn])
    ok: Ok[int] | Error[Exception] = Ok(1)
    assert_type(lwt.of_result(ok), Promise[int])


def resolving() -> None:
    resolver: Resolver[int]
    promise, resolver = lwt.wait()
    assert_type(promise, Promise[int])  # pyright: ignore[reportAssertTypeFailure]
    other, resolver = lwt.task()
    assert_type(other, Promise[int])  # pyright: ignore[reportAssertTypeFailure]
    lwt.wakeup(resolver, 1)
    lwt.wakeup_later(resolver, 1)
    lwt.wakeup_result(resolver, Ok(1))
    lwt.wakeup_later_exn(resolver, ValueError())
    sequence: Sequence[Resolver[int]] = Sequence()
    assert_type(lwt.add_task_r(sequence), Promise[int])


def variance(numbers: Promise[bool], sink: Resolver[int]) -> None:
    covariant: Promise[int] = numbers
    contravariant: Resolver[bool] = sink
    assert_type(lwt.map(str, covariant), Promise[str])
    lwt.wakeup(contravariant, True)


def binding(q: Q) -> None:
    assert_type(lwt.bind(q, parse_later), Promise[int])
    assert_type(lwt.bind(q, parse_async), Promise[int])
    assert_type(lwt.bind(q, lambda text: lwt.return_(len(text))), Promise[int])
    assert_type(lwt.bind(q, lambda _: lwt.fail(ValueError())), Promise[NoReturn])
    assert_type(lwt.map(parse, q), Promise[int])
    assert_type(lwt.map(lambda text: text.upper(), q), Promise[str])
    assert_type(lwt.map(len, q), Promise[int])


def catching(q: Q) -> None:
    assert_type(lwt.catch(lambda: q, recover_async), Promise[str])
    assert_type(lwt.catch(lambda: q, lambda _: lwt.return_("")), Promise[str])
    assert_type(lwt.catch(lambda: q, lwt.fail), Promise[str])
    assert_type(lwt.catch(lambda: q, lambda _: lwt.return_(0)), Promise[str | int])
    assert_type(lwt.finalize(lambda: q, lambda: lwt.return_unit), Promise[str])
    assert_type(lwt.finalize(lambda: q, lambda: lwt.return_(3)), Promise[str])
    assert_type(
        lwt.try_bind(lambda: q, parse_later, lambda _: lwt.return_(0)),
        Promise[int],
    )
    assert_type(lwt.try_bind(lambda: q, parse_async, lambda _: lwt.return_(0)), Promise[int])


def waiting_for_all(p: P, q: Q, bools: list[Promise[bool]]) -> None:
    assert_type(lwt.both(p, q), Promise[tuple[int, str]])
    assert_type(lwt.join([p, q]), Promise[None])
    assert_type(lwt.join(bools), Promise[None])
    assert_type(lwt.all([p, p]), Promise[list[int]])
    assert_type(lwt.all(bools), Promise[list[bool]])


def waiting_for_one(p: P, q: Q, both: list[Promise[int | str]]) -> None:
    assert_type(lwt.choose([p, p]), Promise[int])
    assert_type(lwt.pick([p, p]), Promise[int])
    assert_type(lwt.pick(both), Promise[int | str])
    assert_type(lwt.pick([p, lwt.fail(TimeoutError())]), Promise[int])
    assert_type(lwt.nchoose([p]), Promise[list[int]])
    assert_type(lwt.npick([p]), Promise[list[int]])
    assert_type(lwt.nchoose_split([p]), Promise[tuple[list[int], list[Promise[int]]]])


def cancelling(p: P) -> None:
    assert_type(lwt.protected(p), Promise[int])
    assert_type(lwt.no_cancel(p), Promise[int])
    assert_type(lwt.wrap_in_cancelable(p), Promise[int])
    lwt.cancel(p)
    lwt.on_cancel(p, lambda: 3)


def operators(p: P, q: Q) -> None:
    assert_type(q >> parse_later, Promise[int])
    assert_type(q >> parse_async, Promise[int])
    assert_type(q | parse, Promise[int])
    assert_type(q | (lambda text: len(text) + 1), Promise[int])
    assert_type(p & q, Promise[None])
    assert_type(p ^ p, Promise[int])
    assert_type(p ^ q, Promise[int | str])


def looking(p: P) -> int:
    assert_type(lwt.poll(p), Some[int] | None)
    assert_type(lwt.is_sleeping(p), bool)
    match lwt.state(p):
        case lwt.Return(value):
            assert_type(value, int)
            return value
        case lwt.Fail(exception):
            assert_type(exception, Exception)
            return 0
        case lwt.Sleep:
            return 1
    # No return here: the three are all there is.


def options(some: Some[int] | None, result: Ok[int] | Error[str]) -> int:
    match some:
        case Some(number):
            assert_type(number, int)
        case None:
            pass
    match result:
        case Ok(number):
            return number
        case Error(text):
            assert_type(text, str)
            return len(text)


@lwt.promised
async def decorated(p: P, *, twice: bool = False) -> int:
    value = await p
    assert_type(value, int)
    assert_type(await lwt.both(p, p), tuple[int, int])
    return 2 * value if twice else value


@lwt.promised
async def handing_over(p: P) -> P:
    if await p == 0:
        return handing_over(p)
    return lwt.return_(3)


def coroutines(p: P) -> None:
    assert_type(handing_over(p), Promise[int])
    assert_type(decorated(p), Promise[int])
    assert_type(decorated(p, twice=True), Promise[int])
    assert_type(lwt.of_coroutine(parse_async("1")), Promise[int])


def storage() -> None:
    key: Key[int] = lwt.new_key()
    assert_type(lwt.get(key), Some[int] | None)
    assert_type(lwt.with_value(key, Some(1), lambda: "result"), str)
    assert_type(lwt.with_value(key, None, lambda: lwt.return_(1)), Promise[int])


def lifting(q: Q) -> None:
    assert_type(lwt.apply(parse_later, "1"), Promise[int])
    assert_type(lwt.apply(parse_async, "1"), Promise[int])
    assert_type(lwt.wrap(lambda: 1), Promise[int])
    assert_type(lwt.wrap1(parse), Callable[[str], Promise[int]])
    assert_type(lwt.wrap1(parse)("1"), Promise[int])
    assert_type(lwt.wrap2(of_two)(1, "2"), Promise[bytes])
    assert_type(lwt.wrap3(of_three)(1, "2", b"3"), Promise[bytes])


def of_two(a: int, b: str) -> bytes:
    return b.encode() * a


def of_three(a: int, b: str, c: bytes) -> bytes:
    return b.encode() * a + c


def background(q: Q) -> None:
    lwt.async_(lambda: q)
    lwt.async_(lambda: parse_async("1"))
    lwt.dont_wait(lambda: q, lambda exception: exception.args)
    lwt.ignore_result(q)
    lwt.async_exception_hook.contents = lambda exception: exception.args
    lwt.on_success(q, parse)
    lwt.on_failure(q, lambda exception: exception.args)
    lwt.on_termination(q, lambda: 3)
    lwt.on_any(q, parse, lambda exception: exception.args)


def let_syntax(q: Q) -> None:
    assert_type(lwt.Let_syntax.Let_syntax.bind(q, f=parse_later), Promise[int])
    assert_type(lwt.Let_syntax.Let_syntax.map(q, f=parse), Promise[int])
    assert_type(lwt.Let_syntax.Let_syntax.both(q, q), Promise[tuple[str, str]])
