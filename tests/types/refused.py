"""Programs that a type checker must refuse. Checked by mypy, never run.

Each comment names the errors that its line must get. mypy complains of a comment that
is not needed, and of an error that no comment names: so this file is clean only if
each wrong program is refused, and for the right reason.
"""

# ruff: noqa: F841, RUF059 (the assignments are what is refused)

import lwt
from lwt import Promise, Resolver


def parse(text: str) -> int:
    return int(text)


async def parse_async(text: str) -> int:
    return int(text)


def waiting() -> None:
    promise: Promise[int]
    resolver: Resolver[str]
    promise, resolver = lwt.wait()  # type: ignore[assignment]
    lwt.wakeup(resolver, "text")
    promise, other = lwt.task()  # type: ignore[var-annotated]
    lwt.cancel(promise)
    one, two = lwt.wait()  # type: ignore[var-annotated]


@lwt.promised
async def total(n: int, so_far: int) -> int:
    if n == 0:
        return so_far
    return total(n - 1, so_far + n)  # type: ignore[return-value]


@lwt.promised
async def total_promised(n: int, so_far: int) -> Promise[int]:
    if n == 0:
        return so_far  # type: ignore[return-value]
    return total_promised(n - 1, so_far + n)


def refused(p: Promise[int], q: Promise[str], resolver: Resolver[int]) -> None:
    lwt.bind(q, parse)  # type: ignore[arg-type]
    lwt.bind(p, parse_async)  # type: ignore[arg-type]
    lwt.bind(p, lambda _: 3)  # type: ignore[arg-type, return-value]
    lwt.bind(3, parse_async)  # type: ignore[arg-type]
    lwt.bind(parse_async, p)  # type: ignore[arg-type]
    lwt.map(parse, p)  # type: ignore[arg-type]
    lwt.map(p, parse)  # type: ignore[arg-type]
    lwt.catch(p, lwt.fail)  # type: ignore[arg-type]
    lwt.catch(lambda: p, lambda: q)  # type: ignore[arg-type, misc]
    lwt.finalize(lambda: p, lambda: None)  # type: ignore[arg-type, return-value]
    lwt.fail(ValueError)  # type: ignore[arg-type]
    lwt.fail(KeyboardInterrupt())  # type: ignore[arg-type]
    lwt.wakeup(resolver, "text")  # type: ignore[misc]
    lwt.wakeup(p, 1)  # type: ignore[arg-type]
    lwt.wakeup_exn(resolver, "text")  # type: ignore[arg-type]
    lwt.join(p)  # type: ignore[arg-type]
    lwt.join([3])  # type: ignore[list-item]
    lwt.both(p)  # type: ignore[call-arg]
    lwt.both(p, 3)  # type: ignore[arg-type]
    lwt.all([p, 3])  # type: ignore[arg-type]
    lwt.pick(p, p)  # type: ignore[call-arg, arg-type]
    lwt.cancel(resolver)  # type: ignore[arg-type]
    lwt.on_success(p, parse)  # type: ignore[arg-type]
    lwt.on_termination(p, parse)  # type: ignore[arg-type]
    lwt.of_coroutine(p)  # type: ignore[call-overload]
    lwt.of_coroutine(parse_async)  # type: ignore[call-overload]
    lwt.promised(parse)  # type: ignore[arg-type]
    lwt.wrap1(parse)(3)  # type: ignore[arg-type]
    lwt.wrap2(parse)  # type: ignore[arg-type]
    lwt.return_(1, 2)  # type: ignore[call-arg]
    lwt.bind(promise=p, callback=parse_async)  # type: ignore[call-arg]
    p >> parse  # type: ignore[operator]
    q | (lambda text: text.nothing)  # type: ignore[attr-defined]
    p & 3  # type: ignore[operator]
    result: Promise[str] = lwt.map(lambda x: x + 1, p)  # type: ignore[arg-type, return-value]
    wide: Resolver[object] = resolver  # type: ignore[assignment]
    narrow: Promise[bool] = p  # type: ignore[assignment]
    lwt.get("name")  # type: ignore[arg-type]


async def awaiting(p: Promise[int]) -> str:
    return await p  # type: ignore[return-value]


@lwt.promised
async def decorated(number: int) -> str:
    return str(number)


async def calling() -> None:
    decorated("text")  # type: ignore[arg-type]
    text: int = await decorated(1)  # type: ignore[assignment]
