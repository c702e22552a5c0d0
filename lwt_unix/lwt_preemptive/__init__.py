"""Computations in other threads, and promises of other threads in the main loop.

`detach` calls a function in a worker, a thread of a pool, and returns the promise of its result.
`detach_on` does so with any executor of `concurrent.futures`: a pool of processes, or a cluster. A
worker, or any other thread, has a function run in the main loop by `run_in_main`.

The pool has bounds. If all workers are busy, and there may be no more, a computation waits for one; so
it may be cancelled until it has begun. Jobs (`lwt_unix.run_job`) have a pool of their own, as in OCaml:
a computation that takes long keeps no file from being read. Both pools are made of the same threads
(`_jobs/threads`). Here the main loop alone says who is free: a worker is, when its result has arrived.

A child process has none of the threads. If it is forked while the main loop runs, computations are its
parent's, like all that waits. If not, those that had begun are rejected with `Canceled` in the next turn
of its main loop, and those that wait have workers of its own.

The source, in reading order:

1. `_workers`: the pool, its bounds, and `detach`
2. `_executors`: `detach_on`
3. `_in_main`: `run_in_main`

OCaml: Lwt_preemptive (src/unix/lwt_preemptive.ml)
"""

from lwt._core.publish import publish as _publish
from lwt_unix.lwt_preemptive._executors import detach_on
from lwt_unix.lwt_preemptive._in_main import run_in_main, run_in_main_dont_wait
from lwt_unix.lwt_preemptive._workers import (
    detach,
    get_bounds,
    get_max_number_of_threads_queued,
    init,
    nbthreads,
    nbthreadsbusy,
    nbthreadsqueued,
    set_bounds,
    set_max_number_of_threads_queued,
    simple_init,
)

__all__ = [
    # In a worker
    "detach",
    # In an executor
    "detach_on",
    # In the main loop
    "run_in_main",
    "run_in_main_dont_wait",
    # How many workers
    "init",
    "simple_init",
    "get_bounds",
    "set_bounds",
    "nbthreads",
    "nbthreadsbusy",
    "nbthreadsqueued",
    "get_max_number_of_threads_queued",
    "set_max_number_of_threads_queued",
]

_publish(__name__)
