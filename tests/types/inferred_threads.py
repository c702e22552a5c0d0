"""What type checkers infer of workers, executors, timeouts and limits of a rate. Never run."""

from concurrent.futures import ProcessPoolExecutor
from typing import assert_type

import lwt
from lwt import Promise
from lwt_unix import lwt_gc, lwt_io, lwt_preemptive, lwt_throttle, lwt_timeout


def add(x: int, *, y: int = 0) -> str:
    return str(x + y)


def computations(executor: ProcessPoolExecutor) -> None:
    assert_type(lwt_preemptive.detach(add, 3), Promise[str])
    assert_type(lwt_preemptive.detach(add, 3, y=4), Promise[str])
    assert_type(lwt_preemptive.detach(lambda: 3), Promise[int])
    assert_type(lwt_preemptive.detach_on(executor, add, 3, y=4), Promise[str])
    assert_type(lwt_preemptive.run_in_main(lambda: lwt.return_(3)), int)
    assert_type(lwt_preemptive.get_bounds(), tuple[int, int])


async def number() -> int:
    return 3


async def together(executor: ProcessPoolExecutor) -> None:
    assert_type(await lwt_preemptive.detach(add, 3), str)
    assert_type(lwt.map(len, lwt_preemptive.detach(add, 3)), Promise[int])
    parsed = lwt.bind(lwt_preemptive.detach_on(executor, add, 3), lambda x: lwt.return_(int(x)))
    assert_type(parsed, Promise[int])


def coroutines() -> None:
    assert_type(lwt_preemptive.run_in_main(number), int)
    lwt_preemptive.run_in_main_dont_wait(number, print)


def finalisers(channel: lwt_io.InputChannel) -> None:
    lwt_gc.finalise(number, channel)
    lwt_gc.finalise_or_exit(lambda: lwt.return_unit, channel)


async def times() -> None:
    timeout = lwt_timeout.create(3, lambda: None)
    assert_type(timeout, lwt_timeout.Timeout)
    lwt_timeout.set_exn_handler(print)
    limits: lwt_throttle.S[str] = lwt_throttle.Make()
    limiter = limits.create(rate=1, max=1, n=1)
    assert_type(limiter, lwt_throttle.Throttle[str])
    assert_type(limits.wait(limiter, "key"), Promise[bool])
    assert_type(await limits.wait(limiter, "key"), bool)


class By_length:
    @staticmethod
    def equal(x: str, y: str) -> bool:
        return len(x) == len(y)

    @staticmethod
    def hash(x: str) -> int:
        return len(x)


def keys_of_a_kind() -> None:
    assert_type(lwt_throttle.Make(By_length()), lwt_throttle.S[str])


def refused(executor: ProcessPoolExecutor, limits: lwt_throttle.S[str]) -> None:
    lwt_preemptive.detach(add, "3")  # type: ignore[arg-type]
    lwt_preemptive.detach(add, 3, z=4)  # type: ignore[call-arg]
    lwt_preemptive.detach_on(add, 3)  # type: ignore[arg-type]
    lwt_preemptive.run_in_main(lambda: 3)  # type: ignore[arg-type, return-value]
    lwt_gc.finalise(lambda x: lwt.return_unit, limits)  # type: ignore[arg-type, misc]
    limits.wait(limits.create(rate=1, max=1, n=1), 3)  # type: ignore[arg-type]
