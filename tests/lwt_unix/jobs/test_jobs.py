"""Jobs: their result, their exception, an interrupt."""

import pytest

import lwt
from lwt_unix._jobs.jobs import run_job


def test_a_job_gives_its_result_or_its_exception() -> None:
    def fail() -> int:
        raise LookupError

    assert lwt.state(run_job("read", lambda: 3)) == lwt.Return(3)
    assert lwt.state(run_job("read", fail)) == lwt.Fail(LookupError())


def test_a_keyboard_interrupt_leaves_a_job_at_once() -> None:
    def interrupt() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job("read", interrupt)
