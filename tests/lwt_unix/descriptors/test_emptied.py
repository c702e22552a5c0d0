"""A read that need not be tried is not tried; whatever a program does to itself, it is told of at once."""

import os
import socket
from collections.abc import Callable

import pytest

import lwt
import lwt_unix
from lwt_unix import _system as system
from lwt_unix import lwt_engine
from tests.support.descriptors import Pair, send
from tests.support.sockets import Open

State = lwt.Return[int] | lwt.Fail | object


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of descriptors, one for each system call that reads."""
    made: list[int] = []
    readv = system.readv

    def counting(fd: int, buffers: object) -> int:
        made.append(fd)
        return readv(fd, buffers)  # type: ignore[arg-type]  # what the caller gave

    monkeypatch.setattr(system, "readv", counting)
    return made


def turn_without_ends() -> None:
    """Let what was closed before this test count no more."""
    for _ in range(3):
        lwt_engine.iter(False)


def read(descriptor: lwt_unix.File_descr, length: int = 10) -> lwt.Promise[int]:
    return lwt_unix.read(descriptor, bytearray(length), 0, length)


def state_of_second_read(
    near: lwt_unix.File_descr,
    far: lwt_unix.File_descr,
    between: Callable[[], object] = lambda: None,
    length: int = 10,
) -> State:
    """Have a read wait for five bytes; in its callback do something, and read again; return how that stood."""
    turn_without_ends()
    states: list[State] = []

    def read_again(_: int) -> None:
        between()
        states.append(lwt.state(read(near)))

    lwt.on_success(read(near, length), read_again)
    send(far, b"hello")
    lwt_engine.iter(True)
    return states[0]


def test_a_read_after_one_that_emptied_the_socket_is_not_tried(
    pair: Pair, reads: list[int]
) -> None:
    near, far = pair
    assert state_of_second_read(near, far) is lwt.Sleep
    # One to find out that it has to wait, and one in the turn.
    assert reads == [lwt_unix.unix_file_descr(near)] * 2


def test_an_echo_costs_one_read_a_request(pair: Pair, reads: list[int]) -> None:
    near, far = pair
    turn_without_ends()

    async def echo() -> None:
        buffer = bytearray(100)
        while length := await lwt_unix.read(near, buffer, 0, 100):
            await lwt_unix.write(near, buffer, 0, length)

    serving = lwt.of_coroutine(echo())
    for _ in range(10):
        send(far, b"hello")
        lwt_engine.iter(True)
        assert os.read(lwt_unix.unix_file_descr(far), 100) == b"hello"
    assert len(reads) == 1 + 10
    lwt.cancel(serving)


def test_a_read_after_one_that_got_all_it_asked_for_is_tried(pair: Pair) -> None:
    near, far = pair
    assert state_of_second_read(near, far, length=3) == lwt.Return(2)


def test_a_datagram_says_nothing_about_the_next_one(opened: Open) -> None:
    near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_DGRAM, 0)
    opened(near)
    opened(far)
    first = read(near)
    send(far, b"hello")
    send(far, b"you")
    states: list[State] = []
    lwt.on_success(first, lambda _: states.append(lwt.state(read(near))))
    lwt_engine.iter(True)
    assert states == [lwt.Return(3)]


WRITES: list[Callable[[lwt_unix.File_descr], object]] = [
    lambda far: lwt_unix.write(far, b"you", 0, 3),
    lambda far: lwt_unix.send(far, b"you", 0, 3, []),
    lambda far: lwt_unix.wrap_syscall(
        lwt_unix.Write, far, lambda: os.write(lwt_unix.unix_file_descr(far), b"you")
    ),
]


@pytest.mark.parametrize("write", WRITES)
def test_a_program_that_writes_to_the_peer_reads_that_at_once(
    pair: Pair, write: Callable[[lwt_unix.File_descr], object]
) -> None:
    near, far = pair
    lwt_unix.write(far, b"", 0, 0)
    assert state_of_second_read(near, far, lambda: write(far)) == lwt.Return(3)


def test_an_action_that_writes_to_the_peer_counts_too(pair: Pair) -> None:
    near, far = pair
    turn_without_ends()
    states: list[State] = []
    first = read(near)
    lwt.on_success(
        lwt_unix.register_action(lwt_unix.Read, near, lambda: send(far, b"you")),
        lambda _: states.append(lwt.state(read(near))),
    )
    send(far, b"hello")
    lwt_engine.iter(True)
    assert lwt.state(first) == lwt.Return(5)
    assert states == [lwt.Return(3)]


ENDS: list[Callable[[lwt_unix.File_descr], object]] = [
    lwt_unix.close,
    lambda far: lwt_unix.shutdown(far, lwt_unix.SHUTDOWN_SEND),
]


@pytest.mark.parametrize("end", ENDS)
def test_a_program_that_ends_the_peer_reads_the_end_at_once(
    opened: Open, end: Callable[[lwt_unix.File_descr], object]
) -> None:
    near, far = opened.pair()
    assert state_of_second_read(near, far, lambda: end(far)) == lwt.Return(0)


@pytest.mark.parametrize("end", ENDS)
def test_an_end_that_came_with_the_data_is_read_at_once(
    opened: Open, end: Callable[[lwt_unix.File_descr], object]
) -> None:
    near, far = opened.pair()
    turn_without_ends()
    states: list[State] = []
    first = read(near)
    send(far, b"hello")
    end(far)
    lwt.on_success(first, lambda _: states.append(lwt.state(read(near))))
    lwt_engine.iter(True)
    assert states == [lwt.Return(0)]


def test_what_comes_past_the_library_is_read_a_turn_later(pair: Pair) -> None:
    near, far = pair
    seconds: list[lwt.Promise[int]] = []
    turn_without_ends()

    def read_again(_: int) -> None:
        send(far, b"you")
        seconds.append(read(near))

    lwt.on_success(read(near), read_again)
    send(far, b"hello")
    lwt_engine.iter(True)
    assert lwt.state(seconds[0]) is lwt.Sleep
    lwt_engine.iter(True)
    assert lwt.state(seconds[0]) == lwt.Return(3)


def test_after_the_callbacks_a_read_is_tried_again(pair: Pair) -> None:
    near, far = pair
    turn_without_ends()
    first = read(near)
    send(far, b"hello")
    lwt_engine.iter(True)
    assert lwt.state(first) == lwt.Return(5)
    send(far, b"you")
    assert lwt.state(read(near)) == lwt.Return(3)


def test_an_accepted_client_is_known_to_be_a_stream(opened: Open) -> None:
    listener = opened.socket()
    lwt_unix.bind(listener, ("127.0.0.1", 0))
    lwt_unix.listen(listener, 5)
    address = lwt_unix.getsockname(listener)
    assert isinstance(address, lwt_unix.ADDR_INET)
    with socket.create_connection((address.addr, address.port)) as peer:
        accepting = lwt_unix.accept(listener)
        match lwt.state(accepting):
            case lwt.Return((client, _)):
                opened(client)
            case other:
                raise AssertionError(other)
        turn_without_ends()
        states: list[State] = []
        lwt.on_success(read(client), lambda _: states.append(lwt.state(read(client))))
        peer.sendall(b"hello")
        while not states:
            lwt_engine.iter(True)
    assert states == [lwt.Sleep]
