"""The states and the mode of a descriptor."""

import errno
import gc
import os
import socket
from collections.abc import Iterator

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_main
from tests.support.descriptors import Pair

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


class Reason(Exception):
    pass


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
    with pytest.raises(OSError, match="check_descriptor") as raised:
        lwt_unix.close(pair[0])
    assert raised.value.errno == errno.EBADF


def test_closing_again_does_not_close_a_file_that_got_the_number(pair: Pair) -> None:
    fd = lwt_unix.unix_file_descr(pair[0])
    lwt_main.run(lwt_unix.close(pair[0]))
    reused = os.dup(0)
    assert reused == fd
    with pytest.raises(OSError, match="check_descriptor"):
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
    with pytest.raises(TypeError, match=r"Lwt_unix\.abort"):
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


# --- Wrapping a number -------------------------------------------------------


@pytest.mark.parametrize("wrong", [True, 1.0, "1", None])
def test_only_an_int_is_the_number_of_a_descriptor(wrong: int) -> None:
    with pytest.raises(TypeError, match=r"Lwt_unix\.of_unix_file_descr"):
        lwt_unix.of_unix_file_descr(wrong)


def test_a_python_socket_is_refused_with_a_hint() -> None:
    with socket.socket() as sock, pytest.raises(TypeError, match="detach"):
        lwt_unix.of_unix_file_descr(sock)  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize("number", [-1, 2**31])
def test_a_number_that_no_descriptor_can_have_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=f"^Lwt_unix.of_unix_file_descr: {number} is not a file"):
        lwt_unix.of_unix_file_descr(number)


def test_the_standard_descriptors_are_blocking_and_left_as_they_are() -> None:
    standard = (lwt_unix.stdin, lwt_unix.stdout, lwt_unix.stderr)
    assert [lwt_unix.unix_file_descr(one) for one in standard] == [0, 1, 2]
    before = [os.get_blocking(fd) for fd in (0, 1, 2)]
    assert [lwt_main.run(lwt_unix.blocking(one)) for one in standard] == [True, True, True]
    assert [os.get_blocking(fd) for fd in (0, 1, 2)] == before


# --- The mode ----------------------------------------------------------------


@pytest.fixture
def raw_pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


def test_the_mode_is_settled_at_the_first_use_only(raw_pipe: tuple[int, int]) -> None:
    descriptor = lwt_unix.of_unix_file_descr(raw_pipe[0], blocking=False)
    assert os.get_blocking(raw_pipe[0])
    lwt_main.run(lwt_unix.blocking(descriptor))
    assert not os.get_blocking(raw_pipe[0])


@pytest.mark.parametrize("blocking", [True, False])
def test_the_mode_that_was_given_is_told(raw_pipe: tuple[int, int], blocking: bool) -> None:
    descriptor = lwt_unix.of_unix_file_descr(raw_pipe[0], blocking=blocking)
    assert lwt_main.run(lwt_unix.blocking(descriptor)) is blocking
    assert os.get_blocking(raw_pipe[0]) is blocking


def test_without_set_flags_the_flag_is_left_alone(raw_pipe: tuple[int, int]) -> None:
    descriptor = lwt_unix.of_unix_file_descr(raw_pipe[0], blocking=False, set_flags=False)
    assert lwt_main.run(lwt_unix.blocking(descriptor)) is False
    assert os.get_blocking(raw_pipe[0])


def test_a_pipe_is_guessed_to_be_non_blocking(raw_pipe: tuple[int, int]) -> None:
    descriptor = lwt_unix.of_unix_file_descr(raw_pipe[0])
    assert lwt_main.run(lwt_unix.blocking(descriptor)) is False
    assert not os.get_blocking(raw_pipe[0])


def test_a_socket_is_guessed_to_be_non_blocking() -> None:
    with socket.socket() as sock:
        assert lwt_main.run(lwt_unix.blocking(lwt_unix.of_unix_file_descr(sock.fileno()))) is False


def test_a_file_is_guessed_to_be_blocking() -> None:
    with open(os.devnull, "rb") as file:
        assert lwt_main.run(lwt_unix.blocking(lwt_unix.of_unix_file_descr(file.fileno()))) is True


def test_set_blocking_changes_the_mode_and_at_the_next_use_the_flag(pair: Pair) -> None:
    fd = lwt_unix.unix_file_descr(pair[0])
    assert lwt_main.run(lwt_unix.blocking(pair[0])) is False
    lwt_unix.set_blocking(pair[0], True)
    assert lwt_main.run(lwt_unix.blocking(pair[0])) is True
    assert os.get_blocking(fd)


def test_set_blocking_without_set_flags_is_only_information(pair: Pair) -> None:
    lwt_unix.set_blocking(pair[0], False, set_flags=False)
    assert lwt_main.run(lwt_unix.blocking(pair[0])) is False
    assert os.get_blocking(lwt_unix.unix_file_descr(pair[0]))


@pytest.mark.parametrize("use", [lwt_unix.blocking, lambda fd: lwt_unix.set_blocking(fd, True)])
def test_the_mode_of_a_closed_descriptor_is_refused(pair: Pair, use: object) -> None:
    assert callable(use)
    lwt_main.run(lwt_unix.close(pair[0]))
    with pytest.raises(OSError, match="check_descriptor"):
        use(pair[0])


def test_a_descriptor_closed_before_its_first_use_leaves_a_reused_number_alone(pair: Pair) -> None:
    fd = lwt_unix.unix_file_descr(pair[0])
    lwt_main.run(lwt_unix.close(pair[0]))
    with socket.socket() as other:
        assert other.fileno() == fd
        with pytest.raises(OSError, match="check_descriptor"):
            lwt_unix.read(pair[0], bytearray(1), 0, 1)
        assert os.get_blocking(fd)


# --- Copies ------------------------------------------------------------------


def test_dup_gives_another_number_for_the_same_file(pair: Pair) -> None:
    copy = lwt_unix.dup(pair[0])
    lwt_main.run(lwt_unix.write(pair[1], b"hello", 0, 5))
    buffer = bytearray(5)
    assert lwt_main.run(lwt_unix.read(copy, buffer, 0, 5)) == 5
    lwt_main.run(lwt_unix.close(copy))
    assert lwt_unix.state(pair[0]) is lwt_unix.Opened


def test_dup_keeps_the_mode(raw_pipe: tuple[int, int]) -> None:
    blocking = lwt_unix.of_unix_file_descr(raw_pipe[0], blocking=True)
    copy = lwt_unix.dup(blocking)
    assert lwt_main.run(lwt_unix.blocking(copy)) is True
    lwt_main.run(lwt_unix.close(copy))


@pytest.mark.parametrize("cloexec", [True, False])
def test_dup_is_inherited_unless_cloexec(pair: Pair, cloexec: bool) -> None:
    copy = lwt_unix.dup(pair[0], cloexec=cloexec)
    assert os.get_inheritable(lwt_unix.unix_file_descr(copy)) is not cloexec
    lwt_main.run(lwt_unix.close(copy))


def test_dup_of_a_closed_descriptor_is_refused(pair: Pair) -> None:
    lwt_main.run(lwt_unix.close(pair[0]))
    with pytest.raises(OSError, match="check_descriptor"):
        lwt_unix.dup(pair[0])


@pytest.mark.parametrize("cloexec", [True, False])
def test_dup2_puts_the_file_of_one_under_the_number_of_the_other(pair: Pair, cloexec: bool) -> None:
    reading, writing = lwt_unix.pipe()
    lwt_unix.dup2(reading, pair[0], cloexec=cloexec)
    assert os.get_inheritable(lwt_unix.unix_file_descr(pair[0])) is not cloexec
    lwt_main.run(lwt_unix.write(writing, b"x", 0, 1))
    buffer = bytearray(1)
    assert lwt_main.run(lwt_unix.read(pair[0], buffer, 0, 1)) == 1
    lwt_main.run(lwt.join([lwt_unix.close(reading), lwt_unix.close(writing)]))


def test_those_who_wait_for_the_target_of_dup2_wait_for_its_new_file(pair: Pair) -> None:
    buffer = bytearray(1)
    waiting = lwt_unix.read(pair[0], buffer, 0, 1)
    lwt_engine.iter(False)  # so that the kernel knows of the old file
    reading, writing = lwt_unix.pipe()
    lwt_unix.dup2(reading, pair[0])
    lwt_main.run(lwt_unix.write(writing, b"x", 0, 1))
    assert lwt_main.run(waiting) == 1
    assert buffer == b"x"
    lwt_main.run(lwt.join([lwt_unix.close(reading), lwt_unix.close(writing)]))


def test_the_second_of_those_who_wait_for_the_target_of_dup2_does_not_block(pair: Pair) -> None:
    waiting = [lwt_unix.read(pair[0], bytearray(1), 0, 1) for _ in range(2)]
    reading, writing = lwt_unix.pipe()  # in blocking mode still, until they are used
    lwt_unix.dup2(reading, pair[0])
    lwt_main.run(lwt_unix.write(writing, b"x", 0, 1))
    assert lwt_main.run(waiting[0]) == 1
    assert lwt.is_sleeping(waiting[1])
    lwt.cancel(waiting[1])
    lwt_main.run(lwt.join([lwt_unix.close(reading), lwt_unix.close(writing)]))


def test_a_socket_that_became_another_by_dup2_has_the_options_of_that(pair: Pair) -> None:
    datagrams = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_DGRAM, 0)
    stream = lwt_unix.getsockopt_int(pair[0], lwt_unix.SO_TYPE)
    lwt_unix.dup2(datagrams, pair[0])
    assert stream == socket.SOCK_STREAM
    assert lwt_unix.getsockopt_int(pair[0], lwt_unix.SO_TYPE) == socket.SOCK_DGRAM
    lwt_main.run(lwt_unix.bind(pair[0], ("127.0.0.1", 0)))
    lwt_main.run(lwt_unix.close(datagrams))


def test_close_on_exec_is_set_and_cleared(pair: Pair) -> None:
    fd = lwt_unix.unix_file_descr(pair[0])
    lwt_unix.set_close_on_exec(pair[0])
    after_setting = os.get_inheritable(fd)
    lwt_unix.clear_close_on_exec(pair[0])
    assert (after_setting, os.get_inheritable(fd)) == (False, True)
