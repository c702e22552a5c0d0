"""Which storage `async_exception_hook` sees when someone stops who waits, function by function.

Some functions of OCaml put back the storage of the place where the waiting began, others leave that
of who ends it. What stands here is what 6.1 did, in a program of the same cases. (Its `Lwt_stream`
was built on 5.6.1.)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest

import lwt
from lwt import (
    Promise,
    Some,
    lwt_condition,
    lwt_list,
    lwt_mutex,
    lwt_mvar,
    lwt_pool,
    lwt_result,
    lwt_seq,
    lwt_stream,
    lwt_switch,
)
from tests.support.promises import A, Recorder, pending, raising
from tests.support.storage import as_user, user

Start = Callable[[], tuple[Promise[Any], Callable[[], object]]]
"""Begins to wait; gives the promise, and what ends the waiting."""


class Case(NamedTuple):
    start: Start
    hook_sees: str


def task(*_: object) -> Promise[Any]:
    return lwt.task()[0]


def unit(*_: object) -> Promise[None]:
    return lwt.return_unit


def cancelled(make: Callable[[], Promise[Any]]) -> Start:
    """It is ended by a cancel."""

    def start() -> tuple[Promise[Any], Callable[[], object]]:
        promise = make()
        return promise, partial(lwt.cancel, promise)

    return start


def told(condition: lwt_condition.Condition[Any]) -> tuple[Promise[Any], Callable[[], object]]:
    return lwt_condition.wait(condition), lambda: lwt_condition.broadcast_exn(condition, A())


def locked() -> lwt_mutex.Mutex:
    mutex = lwt_mutex.create()
    lwt_mutex.lock(mutex)
    return mutex


def that_cannot_be_locked_again() -> tuple[Promise[Any], Callable[[], object]]:
    mutex = locked()
    promise: Promise[Any] = lwt_condition.wait(lwt_condition.create(), mutex=mutex)
    lwt_mutex.lock(mutex)

    def stop() -> None:
        lwt.cancel(promise)  # That of the condition.
        lwt.cancel(promise)  # That of the mutex.

    return promise, stop


def say_no(_: object, tell: Callable[[bool], None]) -> None:
    tell(False)


def used(pool: lwt_pool.Pool[Any]) -> lwt_pool.Pool[Any]:
    """A pool with an idle member."""
    lwt_pool.use(pool, unit)
    return pool


def lent(pool: lwt_pool.Pool[Any]) -> lwt_pool.Pool[Any]:
    """A pool whose member is in use."""
    lwt_pool.use(pool, lambda _: pending())
    return pool


def that_cannot_be_disposed_of() -> tuple[Promise[Any], Callable[[], object]]:
    pool = lwt_pool.create(1, unit, check=say_no, dispose=task)
    promise: Promise[Any] = lwt_pool.use(pool, task)
    as_user("who ends the work", lambda: lwt.cancel(promise))
    return promise, partial(lwt.cancel, promise)


def closed_while_full() -> tuple[Promise[Any], Callable[[], object]]:
    _, source = lwt_stream.create_bounded(0)
    return source.push(()), source.close


def ended() -> tuple[Promise[Any], Callable[[], object]]:
    stream, push = lwt_stream.create()
    return lwt_stream.next(stream), partial(push, None)


def failing(transform: Callable[[lwt_stream.Stream[Any]], Promise[Any]]) -> Start:
    """The source of a stream fails after it was waited for."""

    def start() -> tuple[Promise[Any], Callable[[], object]]:
        promise, resolver = lwt.wait()
        stream: lwt_stream.Stream[Any] = lwt_stream.from_(lambda: promise)
        return transform(stream), lambda: lwt.wakeup_exn(resolver, A())

    return start


def arriving(read: Callable[[lwt_stream.Stream[Any]], Promise[Any]]) -> Start:
    """An element comes for which a function raises."""

    def start() -> tuple[Promise[Any], Callable[[], object]]:
        stream, push = lwt_stream.create()
        return read(stream), lambda: push(Some(1))

    return start


def with_hook(switch: lwt_switch.Switch) -> lwt_switch.Switch:
    lwt_switch.add_hook(Some(switch), task)
    return switch


def hooked(switch: lwt_switch.Switch) -> Promise[None]:
    with_hook(switch)
    return lwt.return_unit


def of_element(read: Callable[[Any], Promise[Any]]) -> Callable[[], Promise[Any]]:
    return lambda: read(lwt_stream.of_list([1, 2]))


def of_list(function: Callable[..., Promise[Any]], *initial: object) -> Start:
    return cancelled(lambda: function(task, *initial, [1, 2]))


def of_seq(function: Callable[..., Promise[Any]], *initial: object) -> Start:
    return cancelled(lambda: function(task, *initial, lwt_seq.of_list([1, 2])))


BEGAN, ENDS = "who began", "who ends"

CASES: dict[str, Case] = {
    "condition": Case(cancelled(lambda: lwt_condition.wait(lwt_condition.create())), BEGAN),
    "condition, with a mutex": Case(
        cancelled(lambda: lwt_condition.wait(lwt_condition.create(), mutex=locked())), BEGAN
    ),
    "condition, broadcast_exn": Case(lambda: told(lwt_condition.create()), BEGAN),
    "condition, waiting for its mutex": Case(that_cannot_be_locked_again, ENDS),
    "mvar put": Case(cancelled(lambda: lwt_mvar.put(lwt_mvar.create(1), 2)), BEGAN),
    "mvar take": Case(cancelled(lambda: lwt_mvar.take(lwt_mvar.create_empty())), ENDS),
    "mutex lock": Case(cancelled(lambda: lwt_mutex.lock(locked())), ENDS),
    "with_lock, waiting": Case(cancelled(lambda: lwt_mutex.with_lock(locked(), unit)), ENDS),
    "with_lock, locked": Case(
        cancelled(lambda: lwt_mutex.with_lock(lwt_mutex.create(), task)), BEGAN
    ),
    "pool, waiting": Case(
        cancelled(lambda: lwt_pool.use(lent(lwt_pool.create(1, unit)), unit)), ENDS
    ),
    "pool, create": Case(cancelled(lambda: lwt_pool.use(lwt_pool.create(1, task), unit)), BEGAN),
    "pool, in use": Case(cancelled(lambda: lwt_pool.use(lwt_pool.create(1, unit), task)), BEGAN),
    "pool, in use, no longer good": Case(
        cancelled(lambda: lwt_pool.use(lwt_pool.create(1, unit, check=say_no), task)), BEGAN
    ),
    "pool, dispose": Case(that_cannot_be_disposed_of, ENDS),
    "pool, validate": Case(
        cancelled(lambda: lwt_pool.use(used(lwt_pool.create(1, unit, validate=task)), unit)), BEGAN
    ),
    "pool, clear": Case(
        cancelled(lambda: lwt_pool.clear(used(lwt_pool.create(1, unit, dispose=task)))), ENDS
    ),
    "bounded push": Case(cancelled(lambda: lwt_stream.create_bounded(0)[1].push(())), BEGAN),
    "bounded push, close": Case(closed_while_full, BEGAN),
    "stream get": Case(cancelled(lambda: lwt_stream.get(lwt_stream.create()[0])), BEGAN),
    "stream next": Case(cancelled(lambda: lwt_stream.next(lwt_stream.create()[0])), BEGAN),
    "stream next, the end": Case(ended, BEGAN),
    "stream to_list": Case(cancelled(lambda: lwt_stream.to_list(lwt_stream.create()[0])), BEGAN),
    "stream iter_s": Case(cancelled(of_element(partial(lwt_stream.iter_s, task))), ENDS),
    "stream iter_p": Case(cancelled(of_element(partial(lwt_stream.iter_p, task))), ENDS),
    "stream iter_n": Case(cancelled(of_element(partial(lwt_stream.iter_n, task))), ENDS),
    "stream iter_s, raising": Case(arriving(partial(lwt_stream.iter_s, raising(A()))), BEGAN),
    "stream from": Case(failing(lwt_stream.next), BEGAN),
    "stream map": Case(failing(lambda s: lwt_stream.next(lwt_stream.map(str, s))), BEGAN),
    "stream filter_s": Case(
        failing(lambda s: lwt_stream.next(lwt_stream.filter_s(lwt.return_, s))), BEGAN
    ),
    "stream map_s, its function": Case(
        arriving(lambda s: lwt_stream.next(lwt_stream.map_s(raising(A()), s))), BEGAN
    ),
    "stream choose": Case(failing(lambda s: lwt_stream.next(lwt_stream.choose([s]))), BEGAN),
    "stream parse": Case(failing(lambda s: lwt_stream.parse(s, lwt_stream.next)), BEGAN),
    "stream hexdump": Case(failing(lambda s: lwt_stream.next(lwt_stream.hexdump(s))), BEGAN),
    "turn_off": Case(cancelled(lambda: lwt_switch.turn_off(with_hook(lwt_switch.create()))), ENDS),
    "with_switch": Case(cancelled(lambda: lwt_switch.with_switch(task)), BEGAN),
    "with_switch, a hook": Case(cancelled(lambda: lwt_switch.with_switch(hooked)), ENDS),
    "list iter_s": Case(of_list(lwt_list.iter_s), ENDS),
    "list iter_p": Case(of_list(lwt_list.iter_p), ENDS),
    "list map_s": Case(of_list(lwt_list.map_s), ENDS),
    "list map_p": Case(of_list(lwt_list.map_p), ENDS),
    "list fold_left_s": Case(of_list(lwt_list.fold_left_s, 0), ENDS),
    "list find_s": Case(of_list(lwt_list.find_s), ENDS),
    "list filter_p": Case(of_list(lwt_list.filter_p), ENDS),
    "seq iter_s": Case(of_seq(lwt_seq.iter_s), ENDS),
    "seq iter_p": Case(of_seq(lwt_seq.iter_p), ENDS),
    "seq iter_n": Case(of_seq(lwt_seq.iter_n), ENDS),
    "seq fold_left_s": Case(of_seq(lwt_seq.fold_left_s, 0), ENDS),
    "result both": Case(cancelled(lambda: lwt_result.both(task(), task())), ENDS),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("handed_to", ["async_", "ignore_result", "bind"])
def test_the_hook_sees_the_storage_that_it_sees_in_ocaml(
    case: Case, handed_to: str, record: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lwt.async_exception_hook, "contents", lambda _: record(user()))

    def begin() -> Callable[[], object]:
        promise, stop = case.start()
        if handed_to == "ignore_result":
            lwt.ignore_result(promise)
        else:
            lwt.async_(lambda: lwt.bind(promise, unit) if handed_to == "bind" else promise)
        return stop

    as_user(ENDS, as_user(BEGAN, begin))
    assert record.events == [case.hook_sees]
