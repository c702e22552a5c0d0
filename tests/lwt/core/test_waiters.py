"""Queues of those who wait, in all modules that have one: any length, in constant time each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest

import lwt
from lwt import Promise, lwt_condition, lwt_mutex, lwt_mvar, lwt_pool
from lwt._core.waiters import Waiters
from tests.support.builds import interpreted_only
from tests.support.collecting import for_every_collection
from tests.support.promises import A, is_canceled, steps_of


class Queue(NamedTuple):
    """What makes someone wait, and what lets the first who waits go on."""

    wait: Callable[[], Promise[Any]]
    serve: Callable[[], object]


def taking() -> Queue:
    mailbox: lwt_mvar.Mvar[int] = lwt_mvar.create_empty()
    return Queue(lambda: lwt_mvar.take(mailbox), lambda: lwt_mvar.put(mailbox, 1))


def putting() -> Queue:
    mailbox = lwt_mvar.create(0)
    return Queue(lambda: lwt_mvar.put(mailbox, 1), lambda: lwt_mvar.take(mailbox))


def locking() -> Queue:
    mutex = lwt_mutex.create()
    lwt_mutex.lock(mutex)
    return Queue(lambda: lwt_mutex.lock(mutex), lambda: lwt_mutex.unlock(mutex))


def being_told() -> Queue:
    condition: lwt_condition.Condition[int] = lwt_condition.create()
    return Queue(lambda: lwt_condition.wait(condition), lambda: lwt_condition.signal(condition, 1))


def using() -> Queue:
    pool = lwt_pool.create(1, lambda: lwt.return_(0))
    ends: list[lwt.Resolver[None]] = []

    def work(_: int) -> Promise[Any]:
        promise, resolver = lwt.wait()
        ends.append(resolver)
        return promise

    first = lwt_pool.use(pool, work)

    def serve() -> None:
        lwt.wakeup(ends.pop(), None)

    assert lwt.is_sleeping(first)
    # Its member comes when someone's work ends, and the result when its own does.
    return Queue(lambda: lwt_pool.use(pool, work), serve)


def first_of(place: int, _: object) -> int:
    return place


QUEUES = [taking, putting, locking, being_told, using]


@interpreted_only("it counts lines that Python runs")
@pytest.mark.parametrize("make", QUEUES)
def test_cancelling_one_in_the_middle_takes_as_many_steps_at_any_length(
    make: Callable[[], Queue],
) -> None:
    steps = []
    for number in 10, 1000:
        queue = make()
        promises = [queue.wait() for _ in range(number)]
        steps.append(steps_of(partial(lwt.cancel, promises[number // 2])))
        assert [is_canceled(promise) for promise in promises].count(True) == 1
    assert steps[0] == steps[1] > 0


@interpreted_only("it counts lines that Python runs")
@pytest.mark.parametrize("make", QUEUES)
def test_waiting_and_serving_take_as_many_steps_at_any_length(make: Callable[[], Queue]) -> None:
    steps = []
    for number in 10, 1000:
        queue = make()
        for _ in range(number):
            queue.wait()
        steps.append((steps_of(queue.wait), steps_of(queue.serve)))
    assert steps[0] == steps[1]


class Line:
    """A queue, and all who have ever waited in it."""

    def __init__(self) -> None:
        self.waiters: Waiters[int] = Waiters()
        self.promises = [self.waiters.add() for _ in range(3)]
        self.canceled: list[Promise[int]] = []

    def wait(self) -> None:
        self.promises.append(self.waiters.add())

    def cancel(self) -> None:
        lwt.cancel(self.promises[0])
        if is_canceled(self.promises[0]):
            self.canceled.append(self.promises[0])

    def serve(self) -> None:
        if waiter := self.waiters.take():
            waiter.wake(1)

    def refuse(self) -> None:
        if waiter := self.waiters.take():
            waiter.wake_exn(A())

    def hesitate(self) -> None:
        if waiter := self.waiters.take():
            self.waiters.put_first(waiter)

    def move(self) -> None:
        self.waiters.put_back(self.waiters.take_all())

    def check(self) -> None:
        """Check that who waits is in the queue, once, and that nobody else is."""
        assert len(self.waiters) == sum(map(lwt.is_sleeping, self.promises))
        while not self.waiters.is_empty():
            self.serve()
        assert not any(map(lwt.is_sleeping, self.promises))
        assert all(map(is_canceled, self.canceled))


STEPS = [Line.wait, Line.cancel, Line.refuse, Line.hesitate, Line.move]
"""What may be disturbed. To serve makes no object, so nothing can come in between."""


@pytest.mark.no_cover
@pytest.mark.parametrize("step", STEPS)
def test_nobody_is_lost_whatever_a_finaliser_does(step: Callable[[Line], None]) -> None:
    for interfere in [Line.wait, Line.cancel, Line.serve]:
        for_every_collection(Line, step, interfere, lambda line, _: line.check())


@pytest.mark.slow
@pytest.mark.usefixtures("without_the_collector")
@pytest.mark.parametrize("make", QUEUES)
def test_200000_who_wait_are_served_in_their_order(make: Callable[[], Queue]) -> None:
    number = 200_000
    queue = make()
    promises = [queue.wait() for _ in range(number)]
    for place in range(0, number, 10):
        lwt.cancel(promises[place])
    served: list[int] = []
    for place in range(1, number, 1000):
        lwt.on_success(lwt.map(partial(first_of, place), promises[place]), served.append)
    for _ in range(number - number // 10 + 1):
        queue.serve()
    assert served == list(range(1, number, 1000))
    assert not any(map(lwt.is_sleeping, promises))


@pytest.mark.slow
@pytest.mark.usefixtures("without_the_collector")
def test_200000_are_told_by_one_broadcast() -> None:
    condition: lwt_condition.Condition[int] = lwt_condition.create()
    promises = [lwt_condition.wait(condition) for _ in range(200_000)]
    lwt_condition.broadcast(condition, 1)
    assert not any(map(lwt.is_sleeping, promises))


@pytest.mark.slow
@pytest.mark.usefixtures("without_the_collector")
def test_200000_uses_that_end_at_once_follow_one_another() -> None:
    pool = lwt_pool.create(1, lambda: lwt.return_(0))
    first, resolver = lwt.wait()
    lwt_pool.use(pool, lambda _: first)
    promises = [lwt_pool.use(pool, lwt.return_) for _ in range(200_000)]
    lwt.wakeup(resolver, None)
    assert not any(map(lwt.is_sleeping, promises))
