"""Arguments of the wrong kind get a clear error at the call, and change nothing."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

# Everything here is called with what its types forbid.
anything: Any = lwt_unix
io: Any = lwt_io

HERE = ("127.0.0.1", 0)

# --- Where a descriptor belongs ----------------------------------------------

DESCRIPTOR_WANTED: dict[str, Callable[[Any], object]] = {
    "abort": lambda x: lwt_unix.abort(x, LookupError()),
    "accept": lwt_unix.accept,
    "accept_n": lambda x: lwt_unix.accept_n(x, 1),
    "bind": lambda x: lwt_unix.bind(x, HERE),
    "blocking": lwt_unix.blocking,
    "check_descriptor": lwt_unix.check_descriptor,
    "close": lwt_unix.close,
    "connect": lambda x: lwt_unix.connect(x, HERE),
    "dup": lwt_unix.dup,
    "dup2": lambda x: lwt_unix.dup2(x, lwt_unix.stdin),
    "dup2, second": lambda x: lwt_unix.dup2(lwt_unix.stdin, x),
    "getsockname": lwt_unix.getsockname,
    "getsockopt": lambda x: lwt_unix.getsockopt(x, lwt_unix.SO_DEBUG),
    "getsockopt_error": lwt_unix.getsockopt_error,
    "listen": lambda x: lwt_unix.listen(x, 5),
    "read": lambda x: lwt_unix.read(x, bytearray(5), 0, 5),
    "readable": lwt_unix.readable,
    "recv": lambda x: lwt_unix.recv(x, bytearray(5), 0, 5, []),
    "register_action": lambda x: lwt_unix.register_action(lwt_unix.Read, x, print),
    "sendto": lambda x: lwt_unix.sendto(x, b"five!", 0, 5, [], HERE),
    "set_blocking": lambda x: lwt_unix.set_blocking(x, False),
    "set_close_on_exec": lwt_unix.set_close_on_exec,
    "shutdown": lambda x: lwt_unix.shutdown(x, lwt_unix.SHUTDOWN_ALL),
    "state": lwt_unix.state,
    "unix_file_descr": lwt_unix.unix_file_descr,
    "wait_read": lwt_unix.wait_read,
    "wait_write": lwt_unix.wait_write,
    "wrap_syscall": lambda x: lwt_unix.wrap_syscall(lwt_unix.Read, x, print),
    "write": lambda x: lwt_unix.write(x, b"five!", 0, 5),
    "lwt_io.of_fd": lambda x: io.of_fd(x, mode=lwt_io.Input),
    "lwt_io.establish_server…": lambda x: io.establish_server_with_client_socket(
        HERE, print, server_fd=x
    ),
}


@pytest.mark.parametrize("function", DESCRIPTOR_WANTED.values(), ids=DESCRIPTOR_WANTED)
def test_what_is_no_descriptor_is_refused(function: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match=r"^Lwt_unix: expected a File_descr, got 3 \(int\)"):
        function(3)
    with (
        socket.socket() as ours,
        pytest.raises(TypeError, match=r"detach\(\) of a Python socket"),
    ):
        function(ours)


# --- Where a channel belongs -------------------------------------------------

CHANNEL_WANTED = ["abort", "buffer_size", "buffered", "close", "is_busy", "is_closed", "mode",
                  "position"]  # fmt: skip


@pytest.mark.parametrize("name", CHANNEL_WANTED)
def test_what_is_no_channel_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=rf"^lwt_io\.{name}: expected a channel, got 3 \(int\)"):
        getattr(io, name)(3)


def test_what_is_no_channel_is_refused_by_functions_of_two_arguments() -> None:
    calls: dict[str, Callable[[], object]] = {
        "atomic": lambda: io.atomic(print)(3),
        "block": lambda: io.block(3, 1, print),
        "direct_access": lambda: io.direct_access(3, print),
        "resize_buffer": lambda: io.resize_buffer(3, 20),
    }
    for name, call in calls.items():
        with pytest.raises(TypeError, match=rf"^lwt_io\.{name}: expected a channel, got 3"):
            call()


def test_what_is_no_server_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^lwt_io\.shutdown_server: expected a server, got 3"):
        io.shutdown_server(3)


# --- Where a function belongs ------------------------------------------------

FUNCTION_WANTED: dict[str, Callable[[Any], object]] = {
    "atomic": io.atomic,
    "block": lambda x: io.block(lwt_io.zero, 1, x),
    "direct_access": lambda x: io.direct_access(lwt_io.zero, x),
    "make": lambda x: io.make(x, mode=lwt_io.Input),
    "make, close": lambda x: io.make(print, mode=lwt_io.Input, close=x),
    "of_fd, close": lambda x: io.of_fd(lwt_unix.stdin, mode=lwt_io.Input, close=x),
    "open_connection, prepare_fd": lambda x: io.open_connection(HERE, prepare_fd=x),
    "with_connection": lambda x: io.with_connection(HERE, x),
    "with_close_connection": lambda x: io.with_close_connection(x, (lwt_io.zero, lwt_io.null)),
    "establish_server_with_client_socket, prepare_client_fd": lambda x: (
        io.establish_server_with_client_socket(HERE, print, prepare_client_fd=x)
    ),
    "establish_server_with_client_address, prepare_listening_fd": lambda x: (
        io.establish_server_with_client_address(HERE, print, prepare_listening_fd=x)
    ),
}


@pytest.mark.parametrize("name", FUNCTION_WANTED)
def test_what_is_no_function_is_refused(name: str) -> None:
    function = name.partition(",")[0]
    with pytest.raises(
        TypeError, match=rf"^lwt_io\.{function}: expected a function, got 3 \(int\)"
    ):
        FUNCTION_WANTED[name](3)


# --- Where a number belongs --------------------------------------------------


@pytest.fixture
def channels() -> Iterator[tuple[lwt_io.InputChannel, lwt_io.OutputChannel]]:
    """A pipe, whose reading end has three bytes read ahead."""
    ic, oc = lwt_io.pipe()

    async def prepare() -> None:
        await lwt_io.write(oc, "hello")
        await lwt_io.flush(oc)
        assert await lwt_io.read(ic, count=2) == b"he"

    lwt_main.run(prepare())
    yield ic, oc
    lwt_main.run(lwt_io.close(oc))
    lwt_main.run(lwt_io.close(ic))


READ: dict[str, Callable[[Any, Any], object]] = {
    "read": lambda ic, x: io.read(ic, count=x),
    "read_into, offset": lambda ic, x: io.read_into(ic, bytearray(5), x, 1),
    "read_into, length": lambda ic, x: io.read_into(ic, bytearray(5), 0, x),
    "read_into_exactly": lambda ic, x: io.read_into_exactly(ic, bytearray(5), 0, x),
    "block": lambda ic, x: io.block(ic, x, print),
    "resize_buffer": io.resize_buffer,
}


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("wrong", [1.0, 20.5, "1", True])
def test_a_number_that_is_no_int_is_refused_and_the_channel_goes_on(
    channels: tuple[lwt_io.InputChannel, lwt_io.OutputChannel], name: str, wrong: object
) -> None:
    ic, _ = channels
    with pytest.raises(TypeError, match=rf"(?i)^lwt_io\.{name.partition(',')[0]}: .* int"):
        READ[name](ic, wrong)
    assert not lwt_io.is_busy(ic)
    assert lwt.state(lwt_io.read(ic, count=5)) == lwt.Return(b"llo")


@pytest.mark.parametrize("function", [lwt_io.write_from, lwt_io.write_from_exactly])
def test_bounds_of_what_is_written_are_ints(
    channels: tuple[lwt_io.InputChannel, lwt_io.OutputChannel], function: Callable[..., object]
) -> None:
    with pytest.raises(TypeError, match=r"^Lwt_io\.write_from\w*: offset 0\.0 and length 1 must"):
        function(channels[1], b"abc", 0.0, 1)


def test_da_ptr_is_an_int() -> None:
    def f(record: lwt_io.Direct_access) -> lwt.Promise[None]:
        record.da_ptr = 1.5  # type: ignore[assignment]  # what is tested
        return lwt.return_unit

    with pytest.raises(lwt.Failure, match=r"invalid result of \[f\]: da_ptr is 1\.5"):
        lwt_main.run(lwt_io.direct_access(lwt_io.null, f))
    assert lwt_io.buffered(lwt_io.null) == 0


@pytest.mark.parametrize("size", [20.5, "20", True, None])
def test_the_size_of_buffers_is_an_int(size: object) -> None:
    with pytest.raises(TypeError, match=r"^lwt_io\.set_default_buffer_size: .*; expected an int"):
        io.set_default_buffer_size(size)
    assert lwt_io.default_buffer_size() == 4096
    if size is not None:
        with pytest.raises(TypeError, match=r"client_address: .*; expected an int"):
            io.establish_server_with_client_address(HERE, print, buffer_size=size)


@pytest.mark.parametrize("number", [1.0, "1", True])
def test_counts_of_connections_are_ints(number: object) -> None:
    with pytest.raises(TypeError, match=r"^Lwt_unix\.listen: backlog is .*; expected an int"):
        anything.listen(lwt_unix.stdin, number)
    with pytest.raises(TypeError, match=r"^Lwt_unix\.accept_n: count is .*; expected an int"):
        anything.accept_n(lwt_unix.stdin, number)
    with pytest.raises(TypeError, match=r"client_socket: backlog is .*; expected an int"):
        io.establish_server_with_client_socket(HERE, print, backlog=number)


# --- Something unforeseen ----------------------------------------------------


def test_a_channel_is_free_again_when_there_is_no_memory_for_what_was_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_memory(buffer: object) -> bytes | None:
        calls.append(buffer)
        if len(calls) == 1:
            return None  # nothing is read ahead
        raise MemoryError

    calls: list[object] = []
    monkeypatch.setattr("lwt_unix.lwt_io._reading.take_char", no_memory)
    reading = lwt_io.make(lambda *_: lwt.return_(1), mode=lwt_io.Input)
    with pytest.raises(MemoryError):
        lwt_io.read_char(reading)
    assert not lwt_io.is_busy(reading)
