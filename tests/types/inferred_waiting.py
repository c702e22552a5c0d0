"""What type checkers infer of mailboxes, mutexes, conditions, switches and pools. Never run."""

from typing import assert_type

import lwt
from lwt import Promise, Some, lwt_condition, lwt_mutex, lwt_mvar, lwt_pool, lwt_switch
from lwt.lwt_condition import Condition
from lwt.lwt_mutex import Mutex
from lwt.lwt_mvar import Mvar
from lwt.lwt_pool import Pool
from lwt.lwt_switch import Switch


def mailboxes() -> None:
    mailbox = lwt_mvar.create(3)
    assert_type(mailbox, Mvar[int])
    empty: Mvar[str] = lwt_mvar.create_empty()
    assert_type(lwt_mvar.put(empty, "x"), Promise[None])
    assert_type(lwt_mvar.take(mailbox), Promise[int])
    assert_type(lwt_mvar.take_available(empty), Some[str] | None)
    assert_type(lwt_mvar.is_empty(empty), bool)


async def mutexes() -> None:
    mutex: lwt_mutex.t = lwt_mutex.create()
    assert_type(mutex, Mutex)
    assert_type(lwt_mutex.lock(mutex), Promise[None])
    assert_type(lwt_mutex.with_lock(mutex, lambda: lwt.return_(3)), Promise[int])
    async with mutex as nothing:
        assert_type(nothing, None)

    async def work() -> str:
        return "x"

    assert_type(lwt_mutex.with_lock(mutex, work), Promise[str])


def conditions(mutex: Mutex) -> None:
    condition: Condition[int] = lwt_condition.create()
    assert_type(lwt_condition.wait(condition), Promise[int])
    assert_type(lwt_condition.wait(condition, mutex=mutex), Promise[int])


def switches(switch: Switch) -> None:
    async def use(switch: Switch) -> int:
        return 3

    assert_type(lwt_switch.with_switch(use), Promise[int])
    assert_type(lwt_switch.turn_off(switch), Promise[None])
    lwt_switch.add_hook(Some(switch), lambda: lwt.return_("ignored"))
    lwt_switch.add_hook(None, lambda: lwt.return_unit)


def pools() -> None:
    async def close(_: int) -> None:
        pass

    pool = lwt_pool.create(
        2, lambda: lwt.return_(3), validate=lambda member: lwt.return_(member > 0), dispose=close
    )
    assert_type(pool, Pool[int])
    assert_type(lwt_pool.use(pool, lambda member: lwt.return_(str(member))), Promise[str])
    assert_type(lwt_pool.clear(pool), Promise[None])
    assert_type(lwt_pool.wait_queue_length(pool), int)


def refused(mailbox: Mvar[int], mutex: Mutex, pool: Pool[int], condition: Condition[int]) -> None:
    lwt_mvar.put(mailbox, "x")  # type: ignore[misc]
    lwt_mutex.with_lock(mutex, lambda: 3)  # type: ignore[arg-type, return-value]
    lwt_mutex.lock(mailbox)  # type: ignore[arg-type]
    lwt_condition.signal(condition, "x")  # type: ignore[misc]
    lwt_condition.wait(condition, mutex)  # type: ignore[arg-type]
    lwt_pool.use(pool, lambda member: member)  # type: ignore[arg-type, return-value]
    lwt_switch.add_hook(lwt_switch.create(), lambda: lwt.return_unit)  # type: ignore[arg-type]
