"""Jobs: calls that the system may make us wait for, done in threads while the main loop goes on.

A job is a function. A thread calls it, and sends the job back as a message (`notifications`). The main
loop then resolves its promise. A job that has begun cannot be stopped: so cancelling its promise does
nothing. `abort_jobs` only rejects the promise; the result comes when nobody waits for it any more.

Who takes a job from `_jobs` has the right to resolve its promise: the message, or `abort_jobs`.

A child process has none of the threads. If it is forked while the main loop runs, jobs are its
parent's, like all that waits. If not, their promises are rejected with `Canceled` in the next turn of
its main loop, as after OCaml's `fork`.

OCaml: section "Jobs" of lwt_unix.ml. There a job that is done before the next turn needs no message;
here all take the same way.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any, Final, Generic, Never, NoReturn, TypeAlias, TypeVar, final

import lwt
from lwt._core.checks import check_callback, check_exception, given_by_position
from lwt._core.identity import refuse_copy
from lwt_unix._errors import note_call
from lwt_unix._jobs import threads
from lwt_unix._jobs.methods import Async_detach, Async_method, check_method
from lwt_unix._jobs.methods import async_method as chosen_method
from lwt_unix._jobs.notifications import open_way
from lwt_unix._jobs.threads import Call

A = TypeVar("A")

job: TypeAlias = Callable[[], A]
"""What may block: a function that is called without arguments, in some thread.

OCaml: type 'a Lwt_unix.job
"""


@final
class Job(Call, Generic[A]):
    """A job that a thread does, until its result has come back."""

    __slots__ = (*("arg", "finished", "lost", "name", "over", "promise", "resolver"),)

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(
        self,
        name: str | None,
        call: Callable[[], A],
        arg: str,
        lost: Callable[[A], object] | None,
        over: Callable[[], object] | None,
    ) -> None:
        super().__init__(call)

        self.name = name
        self.arg = arg
        """The call of OCaml's and its argument, for `_errors`; None for a job of the user's."""

        self.lost = lost
        """What is done with a value that nobody gets, if something has to be done."""

        self.over = over
        """What is called when the call has returned, in the main loop, after all else."""

        self.promise: lwt.Promise[A]
        self.resolver: lwt.Resolver[A]
        self.promise, self.resolver = lwt.wait()

        self.finished = lwt.bind(self.promise, _nothing)
        """What `wait_for_jobs` waits for."""

    def _deliver(self) -> None:
        """Resolve the promise, unless the job was aborted meanwhile."""
        try:
            self._give(_jobs.pop(self, None) is self)
        finally:
            if self.over is not None:
                self.over()

    def _give(self, is_awaited: bool) -> None:
        failure, self.failure = self.failure, None
        if failure is None:
            if is_awaited:
                lwt.wakeup(self.resolver, self.value)
            elif self.lost is not None:
                self.lost(self.value)
        elif not isinstance(failure, Exception) or not lwt.Exception_filter.run(failure):
            raise failure
        elif is_awaited:
            note_call(failure, self.name, self.arg)
            lwt.wakeup_exn(self.resolver, failure)


def _nothing(_: object) -> lwt.Promise[None]:
    return lwt.return_unit


_jobs: Final[dict[Job[Any], Job[Any]]] = {}
"""The jobs that are not over, in the order in which they began."""


def renew() -> None:
    """Begin again: there are no jobs. Results of earlier ones are nobody's."""
    _jobs.clear()


def count() -> int:
    """Return how many jobs are not over."""
    return len(_jobs)


def _part_from_parent() -> None:
    """Forget the jobs, and reject their promises when the main loop runs.

    If it runs already, what is paused here is forgotten, too: see `_processes/parting`.
    """
    if _jobs:
        left = [*_jobs]
        _jobs.clear()
        for one in left:
            if one.over is not None:
                one.over()
        lwt.on_termination(lwt.pause(), partial(_cancel, left))


def _cancel(jobs: list[Job[Any]]) -> None:
    for one in jobs:
        lwt.wakeup_exn(one.resolver, lwt.Canceled())


os.register_at_fork(after_in_child=_part_from_parent)

# --- Running -----------------------------------------------------------------


def run_call(
    name: str | None,
    call: Callable[[], A],
    arg: str = "",
    lost: Callable[[A], object] | None = None,
    over: Callable[[], object] | None = None,
    method: Async_method | None = None,
) -> lwt.Promise[A]:
    """Do what `run_job` does, for a call of OCaml's name, about `arg` (`_errors`).

    `lost` takes a value that nobody gets; `over` is called when the call has returned, in any case.
    """
    if (chosen_method() if method is None else method) is Async_detach:
        new: Job[A] = Job(name, call, arg, lost, over)
        if _start(new):
            return new.promise
    try:
        return lwt.return_(call())
    except Exception as exn:
        if not lwt.Exception_filter.run(exn):
            raise
        note_call(exn, name, arg)
        return lwt.fail(exn)
    finally:
        if over is not None:
            over()


def _start(new: Job[A]) -> bool:
    """Have a thread do a job; return False if there is none for it."""
    try:
        open_way()
    except (OSError, ValueError):  # There is no descriptor left, say: then the job finds out.
        return False
    _jobs[new] = new
    if threads.pool.start(new):
        return True
    _jobs.pop(new, None)
    return False


def run_job(
    job: Callable[[], A], /, *_wrong: Never, async_method: Async_method | None = None
) -> lwt.Promise[A]:
    """Call a function in another thread, and return the promise of its result.

    The main loop goes on meanwhile. The function must not use promises, or anything else of these
    packages but `send_notification`. It sees the context variables of the caller.

    The result comes in a later turn of the main loop. An exception rejects the promise. Cancelling
    does nothing: a call cannot be stopped. If all threads are busy (`pool_size`), or the method is
    `Async_none`, the function is called at once, and the promise is resolved already.

    When the process ends, a job that is not over is left where it is.

    >>> import time, lwt_unix
    >>> from lwt_unix import lwt_main
    >>> lwt_main.run(lwt_unix.run_job(lambda: sum(range(1000))))
    499500

    Args:
        job: what to call.
        async_method: how; by default, see `async_method`.

    OCaml: Lwt_unix.run_job : ?async_method : async_method -> 'a job -> 'a Lwt.t
    """
    if _wrong:
        raise given_by_position(run_job, _wrong)
    check_callback("lwt_unix.run_job", job, ())
    if async_method is not None:
        check_method("lwt_unix.run_job", async_method)
    return run_call(None, partial(copy_context().run, job), method=async_method)


# --- All of them -------------------------------------------------------------


def abort_jobs(exn: Exception, /) -> None:
    """Reject the promises of all jobs that are not over with an exception, the newest first.

    The calls themselves go on in their threads.

    OCaml: Lwt_unix.abort_jobs : exn -> unit
    """
    check_exception("lwt_unix.abort_jobs", exn)
    while _jobs:
        newest, _ = _jobs.popitem()
        lwt.wakeup_exn(newest.resolver, exn)


def cancel_jobs() -> None:
    """Reject the promises of all jobs that are not over with `lwt.Canceled`.

    OCaml: Lwt_unix.cancel_jobs : unit -> unit
    """
    abort_jobs(lwt.Canceled())


def wait_for_jobs() -> lwt.Promise[None]:
    """Wait until all jobs that have begun are over; if one has failed, the promise is rejected with its exception.

    OCaml: Lwt_unix.wait_for_jobs : unit -> unit Lwt.t
    """
    return lwt.join([one.finished for one in _jobs])


def write_job_count_runtimte_event() -> None:
    """Do nothing: this is for OCaml's tracing of the run time, without which it does nothing either.

    OCaml: Lwt_unix.write_job_count_runtimte_event : unit -> unit
    """
