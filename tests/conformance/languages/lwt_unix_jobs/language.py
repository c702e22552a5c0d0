"""Scripts over jobs and notifications: the statements that those of `lwt_unix/` do not have.

    (job P J)       a thread begins job J, which goes on until it is told to end
    (finish J)      that: the main loop turns, the job ends, the main loop turns again
    (busy)          how many threads have a job
    (at_once P NUMBER)   a job that is done at once; it fails unless the number is even
    (under METHOD STATEMENT ...) (set_method METHOD) (method)   `none` or `detach`
    (abort_jobs E) (cancel_jobs) (wait_for_jobs P)

A job opens a pipe that has a name, and so waits until somebody else opens it. OCaml asks in the next turn
whether a job is done, and ours does not: therefore the main loop turns before one ends.
"""

from __future__ import annotations

from tests.conformance.forms import Form
from tests.conformance.languages.lwt_unix.language import STORAGE_WEIGHTS, UnixMaker

JOBS = 4
METHODS = ("none", "detach")


class JobsMaker(UnixMaker):
    """Makes scripts over jobs and notifications."""

    def weights(self) -> dict[str, int]:
        return {
            "job": 16,
            "finish": 14,
            "busy": 2,
            "at_once": 3,
            "under": 2,
            "set_method": 1,
            "method": 2,
            "abort_jobs": 3,
            "cancel_jobs": 2,
            "wait_for_jobs": 8,
            "notify": 30,
            "cancel": 4,
            "then": 14,
            **STORAGE_WEIGHTS,
            "pick": 3,
            "protected": 2,
            "pause": 4,
            "turn": 12,
            "settle": 2,
        }

    def beginning(self) -> list[Form]:
        if self.number(2):
            return [("notification", 0, self.number(2), self.block())]
        return [self.statement("job")]

    def block(self) -> Form:
        return tuple(form for form in super().block() if form[0] != "finish")

    def make_job(self) -> Form:
        return ("job", self.new_promise(), self.number(JOBS))

    def make_finish(self) -> Form:
        return ("finish", self.number(JOBS))

    def make_at_once(self) -> Form:
        return ("at_once", self.new_promise(), self.number(2))

    def make_under(self) -> Form:
        return ("under", METHODS[self.number(2)], *self.block())

    def make_set_method(self) -> Form:
        return ("set_method", METHODS[self.number(2)])

    def make_abort_jobs(self) -> Form:
        return ("abort_jobs", 1 + self.number(3))

    def make_wait_for_jobs(self) -> Form:
        return ("wait_for_jobs", self.new_promise())

    def make_method(self) -> Form:
        return ("method",)

    def make_busy(self) -> Form:
        return ("busy",)

    def make_cancel_jobs(self) -> Form:
        return ("cancel_jobs",)
