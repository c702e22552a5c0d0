"""What tests of pools share: functions that note what a pool does, and a use that lasts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lwt
from lwt import Promise, lwt_pool
from lwt.lwt_pool import use
from tests.support.promises import A, Recorder


def counting(record: Recorder) -> Callable[[], Promise[int]]:
    """A function that makes the members 0, 1, 2..."""
    numbers = iter(range(1_000_000))

    def make() -> Promise[int]:
        member = next(numbers)
        record(f"create {member}")
        return lwt.return_(member)

    return make


def disposing(record: Recorder) -> Callable[[int], Promise[None]]:
    """A function that notes which member it disposes of."""

    def dispose(member: int) -> Promise[None]:
        record(f"dispose {member}")
        return lwt.return_unit

    return dispose


class Work:
    """A use of a pool that goes on until it is told to end."""

    def __init__(self, pool: lwt_pool.Pool[Any], *, cancelable: bool = False) -> None:
        self.member: object = None
        self.promise, self.resolver = lwt.task() if cancelable else lwt.wait()
        self.result = use(pool, self._begin)

    def _begin(self, member: object) -> Promise[Any]:
        self.member = member
        return self.promise

    def end(self) -> None:
        lwt.wakeup(self.resolver, None)

    def fail(self) -> None:
        lwt.wakeup_exn(self.resolver, A())


def not_good(_: object, tell: Callable[[bool], None]) -> None:
    """A check that finds no member good."""
    tell(False)
