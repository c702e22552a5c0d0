"""How jobs are done: by the argument, the storage, the default, the environment."""

import threading

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_main
from tests.support.programs import run_code

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def is_done_at_once() -> bool:
    thread = threading.get_ident()
    job = lwt_unix.run_job(threading.get_ident)
    at_once = not lwt.is_sleeping(job)
    assert (lwt_main.run(job) == thread) == at_once
    return at_once


def test_jobs_are_done_in_threads_by_default() -> None:
    assert lwt_unix.default_async_method() is lwt_unix.async_method() is lwt_unix.Async_detach
    assert not is_done_at_once()


def test_the_default_can_be_changed() -> None:
    lwt_unix.set_default_async_method(lwt_unix.Async_none)
    assert lwt_unix.default_async_method() is lwt_unix.async_method() is lwt_unix.Async_none
    assert is_done_at_once()


def test_the_storage_goes_before_the_default_there_and_in_callbacks() -> None:
    assert lwt_unix.with_async_none(is_done_at_once)
    assert not lwt_unix.with_async_detach(is_done_at_once)
    lwt_unix.set_default_async_method(lwt_unix.Async_none)
    assert not lwt_unix.with_async_detach(is_done_at_once)

    def in_a_callback() -> lwt.Promise[lwt_unix.Async_method]:
        return lwt.map(lambda _: lwt_unix.async_method(), lwt.pause())

    later = lwt_unix.with_async_detach(in_a_callback)
    assert lwt_unix.async_method() is lwt_unix.Async_none
    assert lwt_main.run(later) is lwt_unix.Async_detach


def test_the_key_is_a_key_like_any_other() -> None:
    none = lwt.Some(lwt_unix.Async_none)
    assert lwt.with_value(lwt_unix.async_method_key, none, is_done_at_once)
    assert not lwt.with_value(lwt_unix.async_method_key, None, is_done_at_once)


def test_the_argument_goes_before_all() -> None:
    job = lwt_unix.with_async_none(
        lambda: lwt_unix.run_job(lambda: 3, async_method=lwt_unix.Async_detach)
    )
    assert lwt.is_sleeping(job)
    assert lwt_main.run(job) == 3
    at_once = lwt_unix.run_job(lambda: 3, async_method=lwt_unix.Async_none)
    assert lwt.state(at_once) == lwt.Return(3)


PROGRAM = "import lwt_unix; print(lwt_unix.default_async_method())"


@pytest.mark.parametrize(
    ("value", "method", "complaint"),
    [
        ("none", "Async_none", ""),
        ("detach", "Async_detach", ""),
        (
            "switch",
            "Async_detach",
            "-c: invalid lwt async method: 'switch', must be 'none' or 'detach'\n",
        ),
    ],
)
def test_the_environment_says_which_is_the_default(value: str, method: str, complaint: str) -> None:
    run = run_code(PROGRAM, LWT_ASYNC_METHOD=value)
    assert (run.returncode, run.stdout, run.stderr) == (0, f"{method}\n", complaint)
