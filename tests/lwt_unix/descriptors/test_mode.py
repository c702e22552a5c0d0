"""The mode of a descriptor: given, guessed, settled at the first use."""

import os
import socket

import pytest

import lwt_unix
from lwt_unix import lwt_main
from tests.support.descriptors import Pair

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


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


@pytest.mark.real_only("the path is that of a real file")
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
    with pytest.raises(OSError, match=r"descriptor \(.*, Closed>\)$"):
        use(pair[0])


def test_a_descriptor_closed_before_its_first_use_leaves_a_reused_number_alone(pair: Pair) -> None:
    fd = lwt_unix.unix_file_descr(pair[0])
    lwt_main.run(lwt_unix.close(pair[0]))
    with socket.socket() as other:
        assert other.fileno() == fd
        with pytest.raises(OSError, match=r"descriptor \(.*, Closed>\)$"):
            lwt_unix.read(pair[0], bytearray(1), 0, 1)
        assert os.get_blocking(fd)
