"""Waiting for a descriptor: who is asked when, and what becomes of those who wait."""

import errno
import os
import sys
from collections.abc import Callable
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import Read, Write, lwt_engine, lwt_main
from lwt_unix._descriptors.actions import wait_for
from tests.support.descriptors import Log, Pair, Reason, counts, fill, read_one, send
from tests.support.storage import as_user, user

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def drain(descriptor: lwt_unix.File_descr) -> None:
    """Read until there is nothing."""
    lwt_main.run(lwt_unix.blocking(descriptor))
    try:
        while os.read(lwt_unix.unix_file_descr(descriptor), 65536):
            pass
    except BlockingIOError:
        pass


# --- Trying at once ----------------------------------------------------------


def test_wrap_syscall_tries_the_action_at_once(pair: Pair) -> None:
    assert lwt.state(lwt_unix.wrap_syscall(Read, pair[0], lambda: 3)) == lwt.Return(3)


def test_an_exception_of_the_first_attempt_is_raised_at_the_call(pair: Pair) -> None:
    def fail() -> None:
        raise Reason

    with pytest.raises(Reason):
        lwt_unix.wrap_syscall(Read, pair[0], fail)


def test_an_exception_of_a_later_attempt_rejects(pair: Pair) -> None:
    attempts = iter([lwt_unix.Retry(), Reason()])

    def fail() -> None:
        raise next(attempts)

    promise = lwt_unix.wrap_syscall(Read, pair[0], fail)
    send(pair[1], b"x")
    lwt_engine.iter(True)
    assert lwt.state(promise) == lwt.Fail(Reason())


def test_an_exception_of_the_action_keeps_where_it_came_from(pair: Pair) -> None:
    def fail() -> None:
        raise Reason

    with pytest.raises(Reason) as raised:
        lwt_unix.wrap_syscall(Read, pair[0], fail)
    assert raised.traceback[-1].name == "fail"


def test_wrap_syscall_on_a_closed_descriptor_raises_at_once(pair: Pair) -> None:
    lwt_main.run(lwt_unix.close(pair[0]))
    with pytest.raises(OSError, match=r"descriptor \(.*, Closed>\)$"):
        lwt_unix.wrap_syscall(Read, pair[0], lambda: 3)


def test_wrap_syscall_on_an_aborted_descriptor_raises_its_exception_at_once(pair: Pair) -> None:
    lwt_unix.abort(pair[0], Reason())
    with pytest.raises(Reason):
        lwt_unix.wrap_syscall(Read, pair[0], lambda: 3)


def test_in_blocking_mode_the_action_is_called_only_when_the_descriptor_is_ready(
    pair: Pair,
) -> None:
    lwt_unix.set_blocking(pair[0], True)
    calls: list[str] = []
    promise = lwt_unix.wrap_syscall(Read, pair[0], lambda: calls.append("called"))
    before = calls[:]
    send(pair[1], b"x")
    lwt_main.run(promise)
    assert (before, calls) == ([], ["called"])


def test_a_keyboard_interrupt_in_the_action_leaves_at_once(pair: Pair) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lwt_unix.wrap_syscall(Read, pair[0], interrupt)
    assert counts() == (0, 0)


# --- Waiting -----------------------------------------------------------------


def too_early(exn: Exception) -> Callable[[], str]:
    """An action that raises an exception once, and then works."""
    left = [exn]

    def action() -> str:
        if left:
            raise left.pop()
        return "done"

    return action


@pytest.mark.parametrize(
    "exn",
    [
        lwt_unix.Retry(),
        OSError(errno.EAGAIN, "not now"),
        OSError(errno.EWOULDBLOCK, "not now"),
        OSError(errno.EINTR, "interrupted"),
        BlockingIOError(),
    ],
    ids=repr,
)
def test_an_action_that_comes_too_early_waits_for_its_event(pair: Pair, exn: Exception) -> None:
    promise = lwt_unix.wrap_syscall(Read, pair[0], too_early(exn))
    assert lwt.is_sleeping(promise)
    assert counts() == (1, 0)
    send(pair[1], b"x")
    assert lwt_main.run(promise) == "done"


@pytest.mark.parametrize("number", [errno.EINPROGRESS, errno.EALREADY])
def test_an_attempt_in_progress_is_an_error_and_not_a_reason_to_wait(
    pair: Pair, number: int
) -> None:
    with pytest.raises(OSError) as raised:  # noqa: PT011  (the number is compared below)
        lwt_unix.wrap_syscall(Read, pair[0], too_early(OSError(number, "")))
    assert raised.value.errno == number


def test_retry_write_waits_for_room_whatever_the_event_was(pair: Pair) -> None:
    promise = lwt_unix.wrap_syscall(Read, pair[0], too_early(lwt_unix.Retry_write()))
    assert counts() == (0, 1)
    assert lwt_main.run(promise) == "done"


def test_retry_read_waits_for_data_whatever_the_event_was(pair: Pair) -> None:
    promise = lwt_unix.wrap_syscall(Write, pair[0], too_early(lwt_unix.Retry_read()))
    assert counts() == (1, 0)
    send(pair[1], b"x")
    assert lwt_main.run(promise) == "done"


def test_a_waiting_action_may_change_what_it_waits_for(pair: Pair) -> None:
    log = Log()
    answers = iter([lwt_unix.Retry_write(), lwt_unix.Retry_read(), None])

    def action() -> str:
        log.append(f"tried {counts()}")
        answer = next(answers)
        if answer is not None:
            raise answer
        return "done"

    send(pair[1], b"x")
    promise = lwt_unix.register_action(Read, pair[0], action)
    assert lwt_main.run(promise) == "done"
    assert log == ["tried (1, 0)", "tried (0, 1)", "tried (1, 0)"]


def test_register_action_does_not_try_at_once(pair: Pair) -> None:
    send(pair[1], b"x")
    promise = lwt_unix.register_action(Read, pair[0], lambda: 3)
    assert lwt.is_sleeping(promise)
    assert lwt_main.run(promise) == 3


def test_register_action_on_a_closed_descriptor_is_refused(pair: Pair) -> None:
    lwt_main.run(lwt_unix.close(pair[0]))
    with pytest.raises(OSError, match=r"descriptor \(.*, Closed>\)$"):
        lwt_unix.register_action(Read, pair[0], lambda: 3)


def test_an_event_that_is_none_is_refused(pair: Pair) -> None:
    with pytest.raises(TypeError, match=r"^lwt_unix\.register_action: expected Read or Write"):
        lwt_unix.register_action("read", pair[0], str)  # type: ignore[arg-type]  # what is tested


def test_an_exception_of_a_waiting_action_rejects(pair: Pair) -> None:
    def fail() -> None:
        raise Reason

    promise = lwt_unix.register_action(Write, pair[0], fail)
    with pytest.raises(Reason):
        lwt_main.run(promise)


def test_a_keyboard_interrupt_in_a_waiting_action_leaves_and_the_action_waits_on(
    pair: Pair,
) -> None:
    answers = iter([KeyboardInterrupt(), None])

    def action() -> str:
        answer = next(answers)
        if answer is not None:
            raise answer
        return "done"

    promise = lwt_unix.register_action(Write, pair[0], action)
    with pytest.raises(KeyboardInterrupt):
        lwt_main.run(promise)
    assert lwt_main.run(promise) == "done"


def test_a_keyboard_interrupt_in_a_callback_takes_the_interest_back(pair: Pair) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    promise = read_one(pair[0])
    lwt.on_success(promise, interrupt)
    send(pair[1], b"x")
    with pytest.raises(KeyboardInterrupt):
        lwt_main.run(promise)
    assert counts() == (0, 0)


# --- Readiness ---------------------------------------------------------------


def test_readable_tells_whether_there_is_something_to_read(pair: Pair) -> None:
    before = lwt_unix.readable(pair[0])
    send(pair[1], b"x")
    assert (before, lwt_unix.readable(pair[0])) == (False, True)


def test_writable_tells_whether_there_is_room(pair: Pair) -> None:
    before = lwt_unix.writable(pair[0])
    fill(pair[0])
    assert (before, lwt_unix.writable(pair[0])) == (True, False)


def test_wait_read_is_fulfilled_at_once_if_there_is_something(pair: Pair) -> None:
    send(pair[1], b"x")
    assert lwt.state(lwt_unix.wait_read(pair[0])) == lwt.Return(None)


def test_wait_read_waits_and_reads_nothing(pair: Pair) -> None:
    waiting = lwt_unix.wait_read(pair[0])
    send(pair[1], b"x")
    lwt_main.run(waiting)
    assert lwt_main.run(read_one(pair[0])) == "x"


def test_wait_read_ends_at_the_end_of_file_of_a_pipe() -> None:
    reading, writing = lwt_unix.pipe()
    waiting = lwt_unix.wait_read(reading)
    lwt_main.run(lwt_unix.close(writing))
    lwt_main.run(waiting)
    lwt_main.run(lwt_unix.close(reading))


def test_wait_write_waits_for_room(pair: Pair) -> None:
    immediately = lwt.state(lwt_unix.wait_write(pair[0]))
    fill(pair[0])
    waiting = lwt_unix.wait_write(pair[0])
    assert (immediately, lwt.is_sleeping(waiting)) == (lwt.Return(None), True)
    drain(pair[1])
    lwt_main.run(waiting)


@pytest.mark.parametrize("wait", [lwt_unix.wait_read, lwt_unix.wait_write])
def test_waiting_for_a_closed_descriptor_raises_at_once(
    pair: Pair, wait: Callable[[lwt_unix.File_descr], lwt.Promise[None]]
) -> None:
    lwt_main.run(lwt_unix.close(pair[0]))
    with pytest.raises(OSError, match=r"descriptor \(.*, Closed>\)$") as raised:
        wait(pair[0])
    assert raised.value.errno == errno.EBADF


@pytest.mark.parametrize("wait", [lwt_unix.wait_read, lwt_unix.wait_write])
def test_waiting_for_an_aborted_descriptor_raises_at_once(
    pair: Pair, wait: Callable[[lwt_unix.File_descr], lwt.Promise[None]]
) -> None:
    lwt_unix.abort(pair[0], Reason())
    with pytest.raises(Reason):
        wait(pair[0])


@pytest.mark.parametrize("ask", [lwt_unix.readable, lwt_unix.writable])
def test_asking_a_closed_descriptor_raises(
    pair: Pair, ask: Callable[[lwt_unix.File_descr], bool]
) -> None:
    lwt_main.run(lwt_unix.close(pair[0]))
    with pytest.raises(OSError, match=r"descriptor \(.*, Closed>\)$"):
        ask(pair[0])


# --- What the hook sees in the storage ---------------------------------------


def cancel_all(_: object, waiting: list[lwt.Promise[object]]) -> None:
    for promise in waiting:
        lwt.cancel(promise)


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (cancel_all, ["waiting", "waiting"]),
        (lambda fd, _: lwt_unix.abort(fd, Reason()), ["waiting", "ending"]),
        (lambda fd, _: lwt_unix.close(fd), ["waiting", "ending"]),
    ],
    ids=["cancel", "abort", "close"],
)
def test_the_hook_sees_the_storage_of_who_waited_but_of_who_ends_a_call_otherwise_than_by_cancel(
    pair: Pair,
    end: Callable[[lwt_unix.File_descr, list[lwt.Promise[object]]], object],
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(lwt.async_exception_hook, "contents", lambda _: seen.append(user()))
    waiting: list[lwt.Promise[object]] = [
        as_user("waiting", lambda: lwt_unix.wait_read(pair[0])),
        as_user("waiting", lambda: lwt_unix.read(pair[0], bytearray(1), 0, 1)),
    ]
    for promise in waiting:
        lwt.ignore_result(promise)
    as_user("ending", lambda: end(pair[0], waiting))
    assert seen == expected


# --- What the kernel refuses to watch ----------------------------------------


@pytest.mark.real_only("what epoll refuses is Linux's")
@pytest.mark.skipif(sys.platform != "linux", reason="an epoll cannot watch itself")
def test_who_waits_for_what_the_kernel_refuses_to_watch_is_rejected_and_others_go_on(
    pair: Pair,
) -> None:
    itself = os.dup(lwt_engine.get().loop._epoll.fileno())  # type: ignore[attr-defined]
    unwatchable = lwt_unix.of_unix_file_descr(itself, blocking=False, set_flags=False)
    waiting: list[lwt.Promise[Any]] = [
        lwt_unix.wait_read(unwatchable),
        lwt_unix.wait_write(unwatchable),
        lwt_unix.register_action(Read, unwatchable, print),
        wait_for("recv", Read, unwatchable, print),
    ]
    other = read_one(pair[0])
    send(pair[1], b"x")
    lwt_main.run(lwt.pause())
    lwt_main.run(lwt.pause())
    assert lwt.state(other) == lwt.Return("x")
    names: list[str] = []
    for promise in waiting:
        with pytest.raises(OSError, match="refuses to watch") as raised:
            lwt_main.run(promise)
        number, name, arg = lwt_unix.unix_error(raised.value)
        assert (number in {errno.EINVAL, errno.ELOOP}, arg) == (True, "")
        names.append(name)
    assert names == ["wait_read", "wait_write", "wait_read", "recv"]
    assert lwt_engine.readable_count() == lwt_engine.writable_count() == 0
    lwt_main.run(lwt_unix.close(unwatchable))


@pytest.mark.real_only("what epoll refuses is Linux's")
def test_who_waits_again_when_the_kernel_refuses_to_watch_is_told_so_in_the_next_turn(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int | None] = []

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    async def insist() -> None:
        for _ in range(3):
            try:
                await read_one(pair[0])
            except OSError as error:
                seen.append(error.errno)

    engine = lwt_engine.poll()
    lwt_engine.set(engine)
    monkeypatch.setattr(engine.loop, "change", refuse)
    insisting = lwt.of_coroutine(insist())
    for turns in range(3):
        assert seen == [errno.ENOSPC] * turns
        lwt_engine.iter(False)
    assert lwt.state(insisting) == lwt.Return(None)
    monkeypatch.undo()
