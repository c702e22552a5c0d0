"""Copies of descriptors, and what programs inherit."""

import os
import socket

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_main
from tests.support.descriptors import Pair

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


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
    with pytest.raises(OSError, match=r"descriptor \(.*, Closed>\)$"):
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
