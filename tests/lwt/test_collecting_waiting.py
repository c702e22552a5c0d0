"""No lock, value, signal or member is lost when the collector runs, and finalisers interfere.

`lwt_pqueue`, `lwt_result` and `lwt_list` are not here: nothing of theirs changes that others see.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

import lwt
from lwt import (
    Promise,
    Some,
    lwt_condition,
    lwt_mutex,
    lwt_mvar,
    lwt_pool,
    lwt_seq,
    lwt_switch,
)
from lwt._core.resolution import resume
from tests.support.collecting import for_every_collection
from tests.support.promises import A

pytestmark = pytest.mark.no_cover  # Where lines are traced, there are more places.

# --- Mutexes -----------------------------------------------------------------


class Locked:
    """A mutex, and those who have asked for it."""

    def __init__(self, *, is_locked: bool, waiting: int = 0) -> None:
        self.mutex = lwt_mutex.create()
        self.waiting: list[Promise[Any]] = []
        self.works: list[lwt.Resolver[None]] = []
        if is_locked:
            self.lock()
        for _ in range(waiting):
            self.lock()

    def lock(self) -> None:
        self.waiting.append(lwt_mutex.lock(self.mutex))

    def with_lock(self) -> None:
        self.waiting.append(lwt_mutex.with_lock(self.mutex, self._work))

    def by_body(self) -> None:
        async def body() -> None:
            async with self.mutex:
                await self._work()

        self.waiting.append(lwt.of_coroutine(body()))

    def _work(self) -> Promise[None]:
        promise, resolver = lwt.task()
        self.works.append(resolver)
        return promise

    def unlock(self) -> None:
        lwt_mutex.unlock(self.mutex)

    def cancel(self) -> None:
        if self.waiting:
            lwt.cancel(self.waiting[-1])

    def ask(self) -> None:
        assert lwt_mutex.is_locked(self.mutex) or lwt_mutex.is_empty(self.mutex)

    def check(self) -> None:
        """Check that everyone gets the lock in the end."""
        for _ in range(8):
            while self.works:
                resolver = self.works.pop()
                try:
                    lwt.wakeup(resolver, None)
                except ValueError:
                    pass
            lwt_mutex.unlock(self.mutex)
            resume()
        assert not any(map(lwt.is_sleeping, self.waiting))
        assert lwt_mutex.is_empty(self.mutex)
        assert not lwt_mutex.is_locked(self.mutex)


LOCKING: dict[str, Callable[[Locked], None]] = {
    "lock": Locked.lock,
    "with_lock": Locked.with_lock,
    "Mutex": Locked.by_body,
    "unlock": Locked.unlock,
    "cancel": Locked.cancel,
    "is_locked": Locked.ask,
    "is_empty": Locked.ask,
}


@pytest.mark.parametrize("waiting", [-1, 0, 1, 2], ids=["free", "locked", "one", "two"])
@pytest.mark.parametrize("name", LOCKING)
def test_a_lock_goes_to_all_who_ask_for_it_whatever_a_finaliser_does(
    name: str, waiting: int
) -> None:
    for interfere in "lock", "with_lock", "Mutex", "unlock", "cancel":
        for_every_collection(
            lambda: Locked(is_locked=waiting >= 0, waiting=max(waiting, 0)),
            LOCKING[name],
            LOCKING[interfere],
            lambda locked, _: locked.check(),
        )


# --- Mailboxes ---------------------------------------------------------------


class Mailbox:
    """A mailbox, those who have put, and those who have taken."""

    def __init__(self, puts: int) -> None:
        self._numbers = count()
        self.puts: list[tuple[int, Promise[None]]] = []
        self.takes: list[Promise[int]] = []
        self.mailbox: lwt_mvar.Mvar[int] = lwt_mvar.create_empty()
        for _ in range(puts):
            self.put()
        for _ in range(-puts):
            self.take()

    def put(self) -> None:
        number = next(self._numbers)
        self.puts.append((number, lwt_mvar.put(self.mailbox, number)))

    def take(self) -> None:
        self.takes.append(lwt_mvar.take(self.mailbox))

    def take_available(self) -> None:
        found = lwt_mvar.take_available(self.mailbox)
        if found is not None:
            self.takes.append(lwt.return_(found.value))

    def cancel_put(self) -> None:
        if self.puts:
            lwt.cancel(self.puts[-1][1])

    def cancel_take(self) -> None:
        if self.takes:
            lwt.cancel(self.takes[-1])

    def ask(self) -> None:
        lwt_mvar.is_empty(self.mailbox)

    def check(self) -> None:
        """Check that each value that was put is taken once."""
        resume()
        while not lwt_mvar.is_empty(self.mailbox):
            self.take()
            resume()
        while any(map(lwt.is_sleeping, self.takes)):
            self.put()
            resume()
        accepted = [n for n, promise in self.puts if lwt.state(promise) == lwt.Return(None)]
        assert not any(lwt.is_sleeping(promise) for _, promise in self.puts)
        states = [lwt.state(promise) for promise in self.takes]
        taken = [state.value for state in states if isinstance(state, lwt.Return)]
        assert sorted(taken) == sorted(accepted)


MAILING: dict[str, Callable[[Mailbox], None]] = {
    "put": Mailbox.put,
    "take": Mailbox.take,
    "take_available": Mailbox.take_available,
    "cancel put": Mailbox.cancel_put,
    "cancel take": Mailbox.cancel_take,
    "is_empty": Mailbox.ask,
}


@pytest.mark.parametrize("puts", [-2, -1, 0, 1, 2, 3])
@pytest.mark.parametrize("name", MAILING)
def test_each_value_that_is_put_is_taken_once_whatever_a_finaliser_does(
    name: str, puts: int
) -> None:
    for interfere in MAILING.values():
        for_every_collection(
            lambda: Mailbox(puts), MAILING[name], interfere, lambda mailbox, _: mailbox.check()
        )


# --- Conditions --------------------------------------------------------------


class Told:
    """A condition, those who wait for it, and how many were told."""

    def __init__(self, waiting: int) -> None:
        self.condition: lwt_condition.Condition[int] = lwt_condition.create()
        self.mutex = lwt_mutex.create()
        self.waiting: list[Promise[int]] = []
        for _ in range(waiting):
            self.wait()

    def wait(self) -> None:
        self.waiting.append(lwt_condition.wait(self.condition))

    def wait_with_mutex(self) -> None:
        if not lwt_mutex.is_locked(self.mutex):
            lwt_mutex.lock(self.mutex)
            self.waiting.append(lwt_condition.wait(self.condition, mutex=self.mutex))

    def signal(self) -> None:
        lwt_condition.signal(self.condition, 1)

    def broadcast(self) -> None:
        lwt_condition.broadcast(self.condition, 2)

    def broadcast_exn(self) -> None:
        lwt_condition.broadcast_exn(self.condition, A())

    def cancel(self) -> None:
        if self.waiting:
            lwt.cancel(self.waiting[-1])

    def check(self, at_least: int) -> None:
        """Check that so many were told, and that all others still can be."""
        resume()
        assert sum(not lwt.is_sleeping(promise) for promise in self.waiting) >= at_least
        for _ in range(3):
            lwt_condition.broadcast(self.condition, 3)
            lwt_mutex.unlock(self.mutex)
            resume()
        assert not any(map(lwt.is_sleeping, self.waiting))


TELLING: dict[str, tuple[Callable[[Told], None], int]] = {
    "wait": (Told.wait, 0),
    "wait, with a mutex": (Told.wait_with_mutex, 0),
    "signal": (Told.signal, 1),
    "broadcast": (Told.broadcast, 2),
    "broadcast_exn": (Told.broadcast_exn, 2),
    "cancel": (Told.cancel, 1),
}


@pytest.mark.parametrize("name", TELLING)
def test_who_waits_for_a_condition_is_told_whatever_a_finaliser_does(name: str) -> None:
    operation, told = TELLING[name]
    for interfere, _ in TELLING.values():
        for_every_collection(
            lambda: Told(2), operation, interfere, lambda subject, _: subject.check(told)
        )


# --- Pools -------------------------------------------------------------------


class Lent:
    """A pool, those who use it, and what became of its members."""

    def __init__(self, uses: int, idle: int) -> None:
        self._numbers = count()
        self.alive: set[int] = set()
        self.lent: list[int] = []
        self.uses: list[Promise[Any]] = []
        self.works: list[lwt.Resolver[None]] = []
        self.pool = lwt_pool.create(2, self._make, dispose=self._dispose, check=self._check)
        for _ in range(idle):
            self.use()
        for _ in range(idle):
            self.end()
        for _ in range(uses):
            self.use()

    def _make(self) -> Promise[int]:
        member = next(self._numbers)
        self.alive.add(member)
        return lwt.return_(member)

    def _dispose(self, member: int) -> Promise[None]:
        self.alive.remove(member)
        assert member not in self.lent, "it is in use"
        return lwt.return_unit

    def _check(self, _: int, tell: Callable[[bool], None]) -> None:
        tell(False)

    def use(self) -> None:
        async def work(member: int) -> None:
            assert member in self.alive
            assert member not in self.lent
            self.lent.append(member)
            promise, resolver = lwt.task()
            self.works.append(resolver)
            try:
                await promise
            finally:
                self.lent.remove(member)

        self.uses.append(lwt_pool.use(self.pool, work))

    def end(self) -> None:
        if self.works:
            lwt.wakeup(self.works.pop(0), None)

    def fail(self) -> None:
        if self.works:
            lwt.wakeup_exn(self.works.pop(0), A())

    def cancel(self) -> None:
        if self.uses and lwt.is_sleeping(self.uses[-1]):
            lwt.cancel(self.uses[-1])

    def clear(self) -> None:
        lwt_pool.clear(self.pool)

    def ask(self) -> None:
        lwt_pool.wait_queue_length(self.pool)

    def check(self) -> None:
        """Check that all users are served, and that no place is lost."""
        resume()
        for _ in range(8):
            self.end()
            resume()
        assert not any(map(lwt.is_sleeping, self.uses))
        assert lwt_pool.wait_queue_length(self.pool) == 0
        assert self.lent == []
        self.use()
        self.use()
        assert len(set(self.lent)) == 2
        assert set(self.lent) == self.alive


LENDING: dict[str, Callable[[Lent], None]] = {
    "use": Lent.use,
    "end": Lent.end,
    "fail": Lent.fail,
    "cancel": Lent.cancel,
    "clear": Lent.clear,
    "wait_queue_length": Lent.ask,
}


@pytest.mark.parametrize(("uses", "idle"), [(0, 0), (0, 2), (1, 2), (2, 0), (3, 0)])
@pytest.mark.parametrize("name", LENDING)
def test_a_pool_serves_all_and_loses_no_place_whatever_a_finaliser_does(
    name: str, uses: int, idle: int
) -> None:
    for interfere in "use", "end", "fail", "cancel", "clear":
        for_every_collection(
            lambda: Lent(uses, idle),
            LENDING[name],
            LENDING[interfere],
            lambda lent, _: lent.check(),
        )


# --- Switches ----------------------------------------------------------------


class Hooked:
    """A switch, and how often each of its hooks was called."""

    def __init__(self) -> None:
        self.switch = lwt_switch.create()
        self.added = 0
        self.called = 0
        self.add()

    def _hook(self) -> Promise[None]:
        self.called += 1
        return lwt.return_unit

    def add(self) -> None:
        try:
            lwt_switch.add_hook(Some(self.switch), self._hook)
        except lwt_switch.Off:
            return
        self.added += 1

    def add_or_call(self) -> None:
        lwt_switch.add_hook_or_exec(Some(self.switch), self._hook)
        self.added += 1

    def turn_off(self) -> None:
        lwt_switch.turn_off(self.switch)

    def ask(self) -> None:
        if lwt_switch.is_on(self.switch):
            return
        with pytest.raises(lwt_switch.Off):
            lwt_switch.check(Some(self.switch))

    def inside(self) -> None:
        def use(switch: lwt_switch.Switch) -> Promise[None]:
            lwt_switch.add_hook(Some(switch), self._hook)
            self.added += 1
            return lwt.return_unit

        lwt_switch.with_switch(use)

    def check(self) -> None:
        """Check that each hook was called once."""
        self.turn_off()
        resume()
        assert self.called == self.added


SWITCHING: dict[str, Callable[[Hooked], None]] = {
    "add_hook": Hooked.add,
    "add_hook_or_exec": Hooked.add_or_call,
    "turn_off": Hooked.turn_off,
    "with_switch": Hooked.inside,
    "is_on": Hooked.ask,
    "check": Hooked.ask,
}


@pytest.mark.parametrize("name", SWITCHING)
def test_each_hook_of_a_switch_is_called_once_whatever_a_finaliser_does(name: str) -> None:
    for interfere in SWITCHING.values():
        for_every_collection(Hooked, SWITCHING[name], interfere, lambda hooked, _: hooked.check())


# --- Sequences that remember -------------------------------------------------


def test_an_iterator_is_read_once_by_its_sequence_whatever_a_finaliser_does() -> None:
    Subject = tuple[lwt_seq.Seq[int], list[Promise[list[int]]]]  # a type

    def prepare() -> Subject:
        return lwt_seq.of_seq(iter(range(4))), []

    def read(subject: Subject) -> None:
        subject[1].append(lwt_seq.to_list(subject[0]))

    def check(subject: Subject, _: None) -> None:
        assert lwt.state(lwt_seq.to_list(subject[0])) == lwt.Return([0, 1, 2, 3])

    for_every_collection(prepare, read, read, check)


# --- No function is forgotten ------------------------------------------------

ELSEWHERE: dict[Any, str] = {
    lwt_mutex: "create t",
    lwt_mvar: "create create_empty Mvar t",
    lwt_condition: "create Condition t",
    lwt_pool: "create Pool t",
    lwt_switch: "create Switch t Off",
}
"""Names that are in no table: they make new objects, or are types."""

TABLES: dict[Any, dict[str, Any]] = {
    lwt_mutex: LOCKING,
    lwt_mvar: MAILING,
    lwt_condition: TELLING,
    lwt_pool: LENDING,
    lwt_switch: SWITCHING,
}


@pytest.mark.parametrize("module", TABLES, ids=lambda module: module.__name__)
def test_all_functions_that_wait_are_disturbed(module: Any) -> None:
    assert set(module.__all__) <= {*TABLES[module], *ELSEWHERE[module].split()}
