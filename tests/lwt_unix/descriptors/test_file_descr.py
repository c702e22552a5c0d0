"""Descriptors: their states, the numbers that they wrap, and what closing does to those who wait."""

import errno
import fcntl
import gc
import os
import socket
import subprocess
import sys

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_main
from tests.support.descriptors import Log, Pair, Reason, counts, fill, read_one, send
from tests.support.programs import environment

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


# --- States ------------------------------------------------------------------


def test_a_new_descriptor_is_opened(pair: Pair) -> None:
    assert lwt_unix.state(pair[0]) is lwt_unix.Opened


def test_close_makes_it_closed_and_closes_the_file(pair: Pair) -> None:
    fd = lwt_unix.unix_file_descr(pair[0])
    assert lwt.state(lwt_unix.close(pair[0])) == lwt.Return(None)
    assert lwt_unix.state(pair[0]) is lwt_unix.Closed
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_the_number_of_a_closed_descriptor_is_still_told(pair: Pair) -> None:
    fd = lwt_unix.unix_file_descr(pair[0])
    lwt_main.run(lwt_unix.close(pair[0]))
    assert lwt_unix.unix_file_descr(pair[0]) == fd


def test_closing_a_closed_descriptor_raises_ebadf_at_once(pair: Pair) -> None:
    lwt_main.run(lwt_unix.close(pair[0]))
    with pytest.raises(OSError, match=r"descriptor \(.*, Closed>\)$") as raised:
        lwt_unix.close(pair[0])
    assert raised.value.errno == errno.EBADF


@pytest.mark.real_only("the path is that of a real file")
def test_closing_again_does_not_close_a_file_that_got_the_number(pair: Pair) -> None:
    fd = lwt_unix.unix_file_descr(pair[0])
    lwt_main.run(lwt_unix.close(pair[0]))
    reused = os.dup(0)
    assert reused == fd
    with pytest.raises(OSError, match=r"descriptor \(.*, Closed>\)$"):
        lwt_unix.close(pair[0])
    os.close(reused)


def test_an_error_of_closing_rejects_and_leaves_it_closed() -> None:
    reading, writing = os.pipe()
    descriptor = lwt_unix.of_unix_file_descr(reading, blocking=False)
    os.close(reading)
    state = lwt.state(lwt_unix.close(descriptor))
    assert isinstance(state, lwt.Fail)
    assert isinstance(state.exception, OSError)
    assert state.exception.errno == errno.EBADF
    assert lwt_unix.state(descriptor) is lwt_unix.Closed
    os.close(writing)


def test_check_descriptor_passes_an_opened_one(pair: Pair) -> None:
    lwt_unix.check_descriptor(pair[0])


def test_check_descriptor_raises_the_exception_of_an_aborted_one(pair: Pair) -> None:
    reason = Reason("gone")
    lwt_unix.abort(pair[0], reason)
    with pytest.raises(Reason) as raised:
        lwt_unix.check_descriptor(pair[0])
    assert raised.value is reason


def test_the_exception_of_an_aborted_one_does_not_grow_with_use(pair: Pair) -> None:
    reason = Reason("gone")
    lwt_unix.abort(pair[0], reason)

    def length_when_raised() -> int:
        with pytest.raises(Reason):
            lwt_unix.check_descriptor(pair[0])
        length, entry = 0, reason.__traceback__
        while entry is not None:
            length, entry = length + 1, entry.tb_next
        return length

    assert length_when_raised() == length_when_raised() == length_when_raised()


def test_aborted_descriptors_say_by_what(pair: Pair) -> None:
    lwt_unix.abort(pair[0], Reason("gone"))
    assert lwt_unix.state(pair[0]) == lwt_unix.Aborted(Reason("gone"))
    assert lwt_unix.state(pair[0]) != lwt_unix.Aborted(Reason("other"))
    assert repr(lwt_unix.state(pair[0])) == "Aborted(exn=Reason('gone'))"


def test_aborting_again_replaces_the_exception(pair: Pair) -> None:
    lwt_unix.abort(pair[0], Reason("first"))
    lwt_unix.abort(pair[0], Reason("second"))
    assert lwt_unix.state(pair[0]) == lwt_unix.Aborted(Reason("second"))


def test_aborting_leaves_the_file_open_and_it_can_be_closed(pair: Pair) -> None:
    lwt_unix.abort(pair[0], Reason())
    os.fstat(lwt_unix.unix_file_descr(pair[0]))
    assert lwt.state(lwt_unix.close(pair[0])) == lwt.Return(None)
    assert lwt_unix.state(pair[0]) is lwt_unix.Closed


def test_aborting_a_closed_descriptor_does_nothing(pair: Pair) -> None:
    lwt_main.run(lwt_unix.close(pair[0]))
    lwt_unix.abort(pair[0], Reason())
    assert lwt_unix.state(pair[0]) is lwt_unix.Closed


def test_aborting_needs_an_exception(pair: Pair) -> None:
    with pytest.raises(TypeError, match=r"^lwt_unix\.abort: expected an exception"):
        lwt_unix.abort(pair[0], Reason)  # type: ignore[arg-type]  # what is tested
    assert lwt_unix.state(pair[0]) is lwt_unix.Opened


def test_async_with_closes_at_the_end() -> None:
    async def body() -> list[lwt_unix.State]:
        near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
        async with near as same, far:
            assert same is near
            states = [lwt_unix.state(near)]
        return [*states, lwt_unix.state(near), lwt_unix.state(far)]

    assert lwt_main.run(body()) == [lwt_unix.Opened, lwt_unix.Closed, lwt_unix.Closed]


def test_async_with_accepts_that_it_was_closed_inside(pair: Pair) -> None:
    async def body() -> None:
        async with pair[0]:
            await lwt_unix.close(pair[0])

    lwt_main.run(body())


def test_a_descriptor_that_is_dropped_keeps_its_file_open() -> None:
    sock = socket.socket()
    descriptor = lwt_unix.of_unix_file_descr(sock.fileno())
    lwt_unix.getsockopt(descriptor, lwt_unix.SO_REUSEADDR)  # makes it know the socket
    del descriptor
    gc.collect()
    os.fstat(sock.fileno())
    sock.close()


def test_repr_tells_number_and_state(pair: Pair) -> None:
    fd = lwt_unix.unix_file_descr(pair[0])
    assert repr(pair[0]) == f"<File_descr {fd}, Opened>"
    assert str(lwt_unix.state(pair[0])) == "Opened"


# --- Wrapping a number -------------------------------------------------------


@pytest.mark.parametrize("wrong", [True, 1.0, "1", None])
def test_only_an_int_is_the_number_of_a_descriptor(wrong: int) -> None:
    with pytest.raises(TypeError, match=r"^lwt_unix\.of_unix_file_descr: expected"):
        lwt_unix.of_unix_file_descr(wrong)


def test_a_python_socket_is_refused_with_a_hint() -> None:
    with socket.socket() as sock, pytest.raises(TypeError, match="detach"):
        lwt_unix.of_unix_file_descr(sock)  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize("number", [-1, 2**31])
def test_a_number_that_no_descriptor_can_have_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=f"^lwt_unix.of_unix_file_descr: {number} is not a file"):
        lwt_unix.of_unix_file_descr(number)


def test_the_standard_descriptors_are_blocking_and_left_as_they_are() -> None:
    standard = (lwt_unix.stdin, lwt_unix.stdout, lwt_unix.stderr)
    assert [lwt_unix.unix_file_descr(one) for one in standard] == [0, 1, 2]
    before = [os.get_blocking(fd) for fd in (0, 1, 2)]
    assert [lwt_main.run(lwt_unix.blocking(one)) for one in standard] == [True, True, True]
    assert [os.get_blocking(fd) for fd in (0, 1, 2)] == before


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


CLOSED_FROM_THE_START = """
import os, sys
import lwt, lwt_unix
from lwt_unix import lwt_io, lwt_main

async def main():
    report = lwt_unix.of_unix_file_descr(int(sys.argv[1]))
    for start in (
        lambda: lwt_io.read_char(lwt_io.stdin),
        lambda: lwt_io.printl("hello") >> (lambda _: lwt_io.flush(lwt_io.stdout)),
    ):
        try:
            await start()
            result = "done"
        except (OSError, EOFError) as error:
            result = type(error).__name__ + str(getattr(error, "errno", ""))
        await lwt_unix.write(report, result + " ", 0, len(result) + 1)
    await lwt_unix.sleep(0.001)
    await lwt_unix.write(report, "end", 0, 3)

lwt_main.run(main())
"""


@pytest.mark.real_only("the program is a process of its own")
@pytest.mark.parametrize(
    ("closing", "told"),
    [
        ("</dev/null >&-", "EOFError OSError9 end"),
        ("<&- >/dev/null", "OSError9 done end"),
        ("<&- >&- 2>&-", "OSError9 OSError9 end"),
    ],
)
def test_a_program_runs_without_the_standard_descriptors_and_meets_that_where_it_uses_them(
    closing: str, told: str
) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as report:
        high = fcntl.fcntl(writing, fcntl.F_DUPFD, 100)
        os.close(writing)
        command = f'"$0" -c "$1" {high} {closing}'
        try:
            run = subprocess.run(
                ["/bin/sh", "-c", command, sys.executable, CLOSED_FROM_THE_START],
                pass_fds=[high],
                env=environment(),
                check=False,
            )
        finally:
            os.close(high)
        assert report.read().decode() == told
    assert run.returncode == 0
