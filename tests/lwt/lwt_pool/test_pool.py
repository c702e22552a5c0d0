"""Making pools, and what is no pool."""

from __future__ import annotations

import pytest

import lwt
from lwt import Promise, Return, lwt_pool
from lwt.lwt_pool import clear, use, wait_queue_length
from tests.support.pools import Work, counting
from tests.support.promises import Recorder


def test_members_are_made_on_demand_and_used_again(record: Recorder) -> None:
    pool = lwt_pool.create(2, counting(record))
    assert record.taken() == []
    assert lwt.state(use(pool, lwt.return_)) == Return(0)
    assert lwt.state(use(pool, lwt.return_)) == Return(0)
    assert record.events == ["create 0"]


def test_a_pool_of_nothing_lets_all_wait(record: Recorder) -> None:
    pool = lwt_pool.create(0, counting(record))
    assert lwt.is_sleeping(Work(pool).result)
    assert record.events == []


def test_bad_arguments_are_refused() -> None:
    def make() -> Promise[int]:
        return lwt.return_(1)

    with pytest.raises(ValueError, match=r"^lwt_pool\.create: maximum is -1; expected 0 or more"):
        lwt_pool.create(-1, make)
    with pytest.raises(TypeError, match=r"create: expected an int for maximum, .*; the number"):
        lwt_pool.create(make, 1)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(TypeError, match=r"create: expected a function, got 3 \(int\)"):
        lwt_pool.create(1, 3)  # type: ignore[arg-type]  # that is the test
    for name in ("validate", "check", "dispose"):
        with pytest.raises(TypeError, match=rf"create: expected a function, .*; {name} is to be"):
            lwt_pool.create(1, make, **{name: 3})  # type: ignore[arg-type]  # that is the test
    pool = lwt_pool.create(1, make)
    with pytest.raises(TypeError, match=r"use: expected a function, got 3 \(int\)"):
        use(pool, 3)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(TypeError, match=r"clear: expected a pool, got 3 \(int\)"):
        clear(3)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(TypeError, match=r"wait_queue_length: expected a pool, got 3 \(int\)"):
        wait_queue_length(3)  # type: ignore[arg-type]  # that is the test
    assert repr(pool) == "<Pool, 0 of 1 members, 0 idle, 0 waiting>"
