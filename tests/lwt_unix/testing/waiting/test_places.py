"""Where bodies stand, and the names of what they know."""

import weakref
from typing import Any, NoReturn

import lwt
from lwt import lwt_condition, lwt_mutex
from lwt_unix import testing
from tests.support.waiting import report, started, text


def test_a_mutex_has_the_name_by_which_all_call_it() -> None:
    class Table:
        def __init__(self) -> None:
            self.forks = [lwt_mutex.create() for _ in range(2)]
            self.lock = lwt_mutex.create()

        async def dine(self) -> None:
            async with self.lock, self.forks[1]:
                pass

    table = Table()
    _ = lwt_mutex.lock(table.forks[1])
    _ = started(table.dine, table.dine)
    assert report() == text(
        "Circle 1, unless somebody else helps:",
        "    body 1 (Table.dine) waits for mutex 1 (self.forks[1])",
        "    mutex 1 (self.forks[1]) may be held by body 2 (Table.dine)",
        "    body 2 (Table.dine) waits for mutex 2 (self.lock)",
        "    mutex 2 (self.lock) is held by body 1 (Table.dine)",
        "",
        "body 1 (Table.dine) waits for mutex 1 (self.forks[1])",
        "    line 7, in Table.dine",
        "        async with self.lock, self.forks[1]:",
        "mutex 1 (self.forks[1]) may be held by body 2 (Table.dine)",
        "body 2 (Table.dine) waits for mutex 2 (self.lock)",
        "    line 7, in Table.dine",
        "        async with self.lock, self.forks[1]:",
        "mutex 2 (self.lock) is held by body 1 (Table.dine)",
    )


def test_a_body_that_awaits_another() -> None:
    async def inner() -> None:
        await lwt_condition.wait(lwt_condition.create())

    async def helper(promise: lwt.Promise[None]) -> None:
        await promise

    async def outer() -> None:
        await helper(lwt.of_coroutine(inner()))

    _ = started(outer)
    assert report() == text(
        "body 1 (outer) waits for body 2 (inner)",
        "    line 8, in outer",
        "        await helper(lwt.of_coroutine(inner()))",
        "    line 5, in helper",
        "        await promise",
        "body 2 (inner) waits for promise 1",
        "    line 2, in inner",
        "        await lwt_condition.wait(lwt_condition.create())",
        "promise 1, whose resolver is gone, so that only a cancel can end it",
    )


def test_callbacks_of_the_program_are_told_by_their_functions() -> None:
    never, resolver = lwt.wait()

    def parse(line: str) -> lwt.Promise[int]:
        return lwt.return_(int(line))

    parsed = lwt.bind(never, parse)
    watched = lwt.map(lambda number: number + 1, parsed)
    assert report() == text(
        "callback 1 (<lambda>) waits for callback 2 (parse)",
        "    line 7, in <lambda>",
        "        watched = lwt.map(lambda number: number + 1, parsed)",
        "callback 2 (parse) waits for promise 1",
        "    line 3, in parse",
        "        def parse(line: str) -> lwt.Promise[int]:",
        "promise 1, whose resolver is kept somewhere",
    )
    assert lwt.is_sleeping(watched)
    del resolver


def test_a_report_keeps_alive_nothing_that_a_body_knew() -> None:
    class Kept: ...

    (done, resolver), (never, never_resolved) = lwt.wait(), lwt.wait()

    async def waits(kept: Kept) -> None:
        await done
        del kept
        await never

    dies = weakref.ref(kept := Kept())
    promise = lwt.of_coroutine(waits(kept))
    del kept
    told = testing.waiting()
    lwt.wakeup(resolver, None)
    assert dies() is None
    assert [node.name for node in told.nodes] == ["waits", ""]
    assert lwt.is_sleeping(promise)
    del never_resolved


def test_a_report_changes_nothing_that_locals_has_returned() -> None:
    done, resolver = lwt.wait()

    async def waits(number: int) -> dict[str, object]:
        variables = locals()
        await done
        return variables

    promise = lwt.of_coroutine(waits(3))
    assert len(testing.waiting().nodes) == 2
    lwt.wakeup(resolver, None)
    variables = lwt.poll(promise)
    assert variables is not None
    assert variables.value["number"] == 3


def test_nothing_of_the_program_is_called() -> None:
    def fail(self: object, *_: object) -> NoReturn:
        raise AssertionError("a report has called the program")

    async def nothing(self: object, *_: object) -> None: ...

    called = ["eq", "hash", "getattr", "getattribute", "len", "iter", "repr", "bool", "call", "get"]
    names: dict[str, object] = dict.fromkeys((f"__{name}__" for name in called), fail)
    names |= dict.fromkeys(("__class__", "__dict__"), property(fail))
    names |= dict.fromkeys(("__aenter__", "__aexit__"), nothing)
    hostile: Any = type("Hostile", (), names)()
    never, resolver = lwt.wait()
    known = [hostile, {1: hostile, "a": hostile}]

    async def waits() -> None:
        own = hostile
        async with own:
            await never
        print(hostile.never, known)

    _ = started(waits)
    bound = lwt.bind(never, hostile)
    assert report() == text(
        "body 1 (waits) waits for promise 1",
        "    line 17, in waits",
        "        await never",
        "promise 1, whose resolver is kept somewhere",
    )
    assert lwt.is_sleeping(bound)
    del resolver


def test_nothing_of_an_exception_is_called() -> None:
    def fail(self: object) -> NoReturn:
        raise AssertionError("a report has called the program")

    names = dict.fromkeys(("__repr__", "__str__"), fail) | {"args": property(fail)}
    hostile = type("Hostile", (Exception,), names)
    never, resolver = lwt.wait()
    joined = [lwt.join([lwt.fail(hostile(argument)), never]) for argument in (1, hostile())]

    async def waits() -> None:
        await lwt.join(joined)

    _ = started(waits)
    assert report() == text(
        "body 1 (waits) waits for all of (all of 2, all of 3)",
        "    line 10, in waits",
        "        await lwt.join(joined)",
        "all of 2, of which one is rejected already with Hostile(1), waits for promise 1",
        "promise 1, whose resolver is kept somewhere",
        "all of 3, of which one is rejected already with Hostile(...), waits for promise 1",
    )
    del resolver
