"""Jobs: calls that the system may make us wait for, in one place.

OCaml runs them on threads, or at once under the method `Async_none`. Threads come later: here
every job runs at once. Callers see a promise in either case.

OCaml: section "Jobs" of lwt_unix.ml.
"""

from collections.abc import Callable
from typing import TypeVar

import lwt
from lwt_unix._errors import note_call

A = TypeVar("A")


def run_job(name: str, job: Callable[[], A]) -> lwt.Promise[A]:
    """Run a job and return the promise of its result; `name` is that of its call (`_errors`).

    OCaml: Lwt_unix.run_job : ?async_method : async_method -> 'a job -> 'a Lwt.t
    """
    try:
        result = job()
    except Exception as exn:
        if not lwt.Exception_filter.run(exn):
            raise
        note_call(exn, name)
        return lwt.fail(exn)
    return lwt.return_(result)
