"""Waiting for a descriptor: who is asked when, and what becomes of those who wait."""

import errno
import os
from collections.abc import Callable

import pytest

import lwt
import lwt_unix
from lwt_unix import Read, Write, lwt_engine, lwt_main
from tests.support.descriptors import Pair

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


class Reason(Exception):
    pass


def send(descriptor: lwt_unix.File_descr, data: bytes) -> None:
    assert os.write(lwt_unix.unix_file_descr(descriptor), data) == len(data)


def fill(descriptor: lwt_unix.File_descr) -> None:
    """Write until there is no room."""
    lwt_main.run(lwt_unix.blocking(descriptor))
    try:
        while True:
            os.write(lwt_unix.unix_file_descr(descriptor), bytes(65536))
    except BlockingIOError:
        pass


def drain(descriptor: lwt_unix.File_descr) -> None:
    """Read until there is nothing."""
    lwt_main.run(lwt_unix.blocking(descriptor))
    try:
        while os.read(lwt_unix.unix_file_descr(descriptor), 65536):
            pass
    except BlockingIOError:
        pass


def read_one(descriptor: lwt_unix.File_descr) -> lwt.Promise[str]:
    buffer = bytearray(1)
    read = lwt_unix.read(descriptor, buffer, 0, 1)
    return lwt.map(lambda length: buffer[:length].decode(), read)


class Log(list[str]):
    """What happened, in order."""

    def watch(self, name: str, promise: lwt.Promise[object]) -> None:
        lwt.on_any(
            promise,
            lambda value: self.append(f"{name}={value}"),
            lambda exn: self.append(f"{name}!{type(exn).__name__}"),
        )


def counts() -> tuple[int, int]:
    return lwt_engine.readable_count(), lwt_engine.writable_count()


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
    with pytest.raises(OSError, match="check_descriptor"):
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
    with pytest.raises(OSError, match="check_descriptor"):
        lwt_unix.register_action(Read, pair[0], lambda: 3)


def test_an_event_that_is_none_is_refused(pair: Pair) -> None:
    with pytest.raises(TypeError, match="use Read or Write"):
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


# --- Order -------------------------------------------------------------------


def test_those_who_wait_are_served_in_the_order_of_their_coming(pair: Pair) -> None:
    log = Log()
    for name in "123":
        log.watch(name, read_one(pair[0]))
    send(pair[1], b"abc")
    lwt_engine.iter(True)
    assert log == ["1=a", "2=b", "3=c"]


def test_however_many_wait_the_engine_has_one_event(pair: Pair) -> None:
    waiting = [read_one(pair[0]) for _ in range(3)]
    assert counts() == (1, 0)
    for promise in waiting:
        lwt.cancel(promise)


def test_callbacks_that_read_at_once_are_ahead_of_those_who_still_wait(pair: Pair) -> None:
    # The same program gives the same order with OCaml's Lwt_unix.
    log = Log()
    first, second, third = read_one(pair[0]), read_one(pair[0]), read_one(pair[0])
    log.watch("third", third)
    log.watch("first", first)
    log.watch("second", second)
    lwt.on_success(first, lambda _: log.watch("fourth", read_one(pair[0])))
    lwt.on_success(second, lambda _: log.watch("fifth", read_one(pair[0])))
    send(pair[1], b"abcdefgh")
    lwt_engine.iter(True)
    assert log == ["fourth=b", "first=a", "fifth=d", "second=c", "third=e"]


def test_one_who_waits_again_from_its_callback_is_asked_again_in_the_same_turn_if_others_wait(
    pair: Pair,
) -> None:
    log = Log()

    def action(name: str) -> Callable[[], str]:
        def tried() -> str:
            log.append(name)
            return name

        return tried

    again = lwt.bind(
        lwt_unix.register_action(Write, pair[0], action("first")),
        lambda _: lwt_unix.register_action(Write, pair[0], action("again")),
    )
    second = lwt_unix.register_action(Write, pair[0], action("second"))
    lwt_engine.iter(True)
    assert log == ["first", "second", "again"]
    assert lwt_main.run(lwt.both(again, second)) == ("again", "second")


def test_one_who_waits_again_alone_is_not_asked_again_in_the_same_turn(pair: Pair) -> None:
    log = Log()
    again = lwt.bind(
        lwt_unix.register_action(Write, pair[0], lambda: log.append("first")),
        lambda _: lwt_unix.register_action(Write, pair[0], lambda: log.append("again")),
    )
    lwt_engine.iter(True)
    after_one_turn = log[:]
    lwt_main.run(again)
    assert (after_one_turn, log) == (["first"], ["first", "again"])


def test_waiting_again_from_a_callback_keeps_the_event(pair: Pair) -> None:
    changes = Log()
    register, stop = lwt_engine.on_readable, lwt_engine.stop_event

    def on_readable(fd: int, callback: Callable[[lwt_engine.Event], object]) -> lwt_engine.Event:
        changes.append("register")
        return register(fd, callback)

    def stop_event(event: lwt_engine.Event) -> None:
        changes.append("stop")
        stop(event)

    async def read_three_times() -> str:
        await read_one(pair[0])
        await read_one(pair[0])
        return await read_one(pair[0])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lwt_engine, "on_readable", on_readable)
        patch.setattr(lwt_engine, "stop_event", stop_event)
        reading = lwt.of_coroutine(read_three_times())
        for _ in range(3):
            send(pair[1], b"x")
            lwt_engine.iter(True)
    assert lwt_main.run(reading) == "x"
    assert changes == ["register", "stop"]


# --- Cancelling --------------------------------------------------------------


def test_cancelling_takes_the_interest_back_at_once(pair: Pair) -> None:
    promise = read_one(pair[0])
    before = counts()
    lwt.cancel(promise)
    assert (before, counts()) == ((1, 0), (0, 0))
    assert lwt.state(promise) == lwt.Fail(lwt.Canceled())


def test_cancelling_one_leaves_the_others_waiting(pair: Pair) -> None:
    log = Log()
    promises = [read_one(pair[0]) for _ in range(3)]
    for name, promise in zip("123", promises, strict=True):
        log.watch(name, promise)
    lwt.cancel(promises[1])
    send(pair[1], b"ab")
    lwt_engine.iter(True)
    assert log == ["2!Canceled", "1=a", "3=b"]


def test_a_cancelled_read_leaves_the_bytes_to_the_next(pair: Pair) -> None:
    lwt.cancel(read_one(pair[0]))
    send(pair[1], b"x")
    assert lwt_main.run(read_one(pair[0])) == "x"


def test_cancelling_from_a_callback_of_an_earlier_one_spares_the_later_one_its_action(
    pair: Pair,
) -> None:
    log = Log()
    first, second = read_one(pair[0]), read_one(pair[0])
    log.watch("second", second)
    lwt.on_success(first, lambda _: lwt.cancel(second))
    log.watch("first", first)
    send(pair[1], b"ab")
    lwt_engine.iter(True)
    assert sorted(log) == ["first=a", "second!Canceled"]
    assert lwt_main.run(read_one(pair[0])) == "b"


# --- Closing and aborting while others wait ----------------------------------


@pytest.mark.parametrize("end", ["close", "abort"])
def test_the_end_of_a_descriptor_rejects_readers_then_writers_in_order(
    pair: Pair, end: str
) -> None:
    log = Log()
    fill(pair[0])
    log.watch("writer 1", lwt_unix.write(pair[0], b"x", 0, 1))
    log.watch("reader 1", read_one(pair[0]))
    log.watch("writer 2", lwt_unix.wait_write(pair[0]))
    log.watch("reader 2", lwt_unix.wait_read(pair[0]))
    if end == "close":
        lwt_unix.close(pair[0])
    else:
        lwt_unix.abort(pair[0], OSError("aborted"))
    names = ["reader 1", "reader 2", "writer 1", "writer 2"]
    assert log == [f"{name}!OSError" for name in names]
    assert counts() == (0, 0)


def test_those_who_wait_for_a_closed_descriptor_get_ebadf(pair: Pair) -> None:
    promise = read_one(pair[0])
    lwt_unix.close(pair[0])
    state = lwt.state(promise)
    assert isinstance(state, lwt.Fail)
    assert isinstance(state.exception, OSError)
    assert state.exception.errno == errno.EBADF


def test_those_who_wait_for_an_aborted_descriptor_get_its_exception(pair: Pair) -> None:
    reason = Reason("gone")
    promise = read_one(pair[0])
    lwt_unix.abort(pair[0], reason)
    state = lwt.state(promise)
    assert isinstance(state, lwt.Fail)
    assert state.exception is reason


def test_callbacks_of_the_rejected_see_the_state_and_an_open_file(pair: Pair) -> None:
    seen: list[object] = []

    def look(_: Exception) -> None:
        os.fstat(lwt_unix.unix_file_descr(pair[0]))
        seen.append(lwt_unix.state(pair[0]))

    lwt.on_failure(read_one(pair[0]), look)
    lwt_unix.close(pair[0])
    assert seen == [lwt_unix.Closed]


def test_a_callback_of_the_rejected_cannot_use_the_descriptor_again(pair: Pair) -> None:
    seen: list[int | None] = []

    def read_again(_: Exception) -> None:
        try:
            read_one(pair[0])
        except OSError as error:
            seen.append(error.errno)

    lwt.on_failure(read_one(pair[0]), read_again)
    lwt_unix.close(pair[0])
    assert seen == [errno.EBADF]


def test_closing_from_a_callback_spares_the_others_their_action(pair: Pair) -> None:
    log = Log()
    first, second = read_one(pair[0]), read_one(pair[0])
    log.watch("second", second)
    lwt.on_success(first, lambda _: lwt_unix.close(pair[0]))
    send(pair[1], b"ab")
    lwt_engine.iter(True)
    assert log == ["second!OSError"]


def test_a_keyboard_interrupt_while_closing_leaves_nobody_waiting_and_the_file_closed(
    pair: Pair,
) -> None:
    fd = lwt_unix.unix_file_descr(pair[0])
    log = Log()

    def interrupt(_: Exception) -> None:
        raise KeyboardInterrupt

    first = read_one(pair[0])
    lwt.on_failure(first, interrupt)
    log.watch("second", read_one(pair[0]))
    fill(pair[0])
    log.watch("writer", lwt_unix.write(pair[0], b"x", 0, 1))
    with pytest.raises(KeyboardInterrupt):
        lwt_unix.close(pair[0])
    lwt_main.run(lwt.pause())
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    assert log == ["second!OSError", "writer!OSError"]
    assert counts() == (0, 0)


def test_a_new_file_with_the_number_of_a_closed_one_is_not_taken_for_it(pair: Pair) -> None:
    log = Log()
    fd = lwt_unix.unix_file_descr(pair[0])
    log.watch("old", read_one(pair[0]))
    lwt_engine.iter(False)  # so that the kernel knows of the old file
    lwt_unix.close(pair[0])
    near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
    assert lwt_unix.unix_file_descr(near) == fd
    new = read_one(near)
    log.watch("new", new)
    send(far, b"x")
    assert lwt_main.run(new) == "x"
    assert log == ["old!OSError", "new=x"]
    lwt_main.run(lwt.join([lwt_unix.close(near), lwt_unix.close(far)]))


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
    with pytest.raises(OSError, match="check_descriptor") as raised:
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
    with pytest.raises(OSError, match="check_descriptor"):
        ask(pair[0])
