"""Arguments of the wrong kind get a clear error at the call, and change nothing."""

import ast
import inspect
import math
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_io, lwt_main
from tests.support.programs import ROOT

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


# Everything here is called with what its types forbid.
anything: Any = lwt_unix
io: Any = lwt_io

HERE = ("127.0.0.1", 0)


# --- Where a descriptor belongs ----------------------------------------------


DESCRIPTOR_WANTED: dict[str, Callable[[Any], object]] = {
    "lwt_unix.abort": lambda x: lwt_unix.abort(x, LookupError()),
    "lwt_unix.accept": lwt_unix.accept,
    "lwt_unix.accept_n": lambda x: lwt_unix.accept_n(x, 1),
    "lwt_unix.bind": lambda x: lwt_unix.bind(x, HERE),
    "lwt_unix.blocking": lwt_unix.blocking,
    "lwt_unix.check_descriptor": lwt_unix.check_descriptor,
    "lwt_unix.close": lwt_unix.close,
    "lwt_unix.connect": lambda x: lwt_unix.connect(x, HERE),
    "lwt_unix.dup": lwt_unix.dup,
    "lwt_unix.dup2": lambda x: lwt_unix.dup2(x, lwt_unix.stdin),
    "lwt_unix.dup2, second": lambda x: lwt_unix.dup2(lwt_unix.stdin, x),
    "lwt_unix.getsockname": lwt_unix.getsockname,
    "lwt_unix.getsockopt": lambda x: lwt_unix.getsockopt(x, lwt_unix.SO_DEBUG),
    "lwt_unix.getsockopt_error": lwt_unix.getsockopt_error,
    "lwt_unix.listen": lambda x: lwt_unix.listen(x, 5),
    "lwt_unix.fchmod": lambda x: lwt_unix.fchmod(x, 0o600),
    "lwt_unix.fchown": lambda x: lwt_unix.fchown(x, -1, -1),
    "lwt_unix.fdatasync": lwt_unix.fdatasync,
    "lwt_unix.fstat": lwt_unix.fstat,
    "lwt_unix.fsync": lwt_unix.fsync,
    "lwt_unix.ftruncate": lambda x: lwt_unix.ftruncate(x, 0),
    "lwt_unix.isatty": lwt_unix.isatty,
    "lwt_unix.lockf": lambda x: lwt_unix.lockf(x, lwt_unix.F_TEST, 0),
    "lwt_unix.lseek": lambda x: lwt_unix.lseek(x, 0, lwt_unix.SEEK_CUR),
    "lwt_unix.pread": lambda x: lwt_unix.pread(x, bytearray(5), 0, 5, file_offset=0),
    "lwt_unix.pwrite": lambda x: lwt_unix.pwrite(x, b"five!", 0, 5, file_offset=0),
    "lwt_unix.read": lambda x: lwt_unix.read(x, bytearray(5), 0, 5),
    "lwt_unix.readable": lwt_unix.readable,
    "lwt_unix.recv": lambda x: lwt_unix.recv(x, bytearray(5), 0, 5, []),
    "lwt_unix.register_action": lambda x: lwt_unix.register_action(lwt_unix.Read, x, print),
    "lwt_unix.sendto": lambda x: lwt_unix.sendto(x, b"five!", 0, 5, [], HERE),
    "lwt_unix.set_blocking": lambda x: lwt_unix.set_blocking(x, False),
    "lwt_unix.set_close_on_exec": lwt_unix.set_close_on_exec,
    "lwt_unix.shutdown": lambda x: lwt_unix.shutdown(x, lwt_unix.SHUTDOWN_ALL),
    "lwt_unix.state": lwt_unix.state,
    "lwt_unix.unix_file_descr": lwt_unix.unix_file_descr,
    "lwt_unix.wait_read": lwt_unix.wait_read,
    "lwt_unix.wait_write": lwt_unix.wait_write,
    "lwt_unix.wrap_syscall": lambda x: lwt_unix.wrap_syscall(lwt_unix.Read, x, print),
    "lwt_unix.write": lambda x: lwt_unix.write(x, b"five!", 0, 5),
    "lwt_io.of_fd": lambda x: io.of_fd(x, mode=lwt_io.Input),
    "lwt_io.establish_server_with_client_socket": lambda x: io.establish_server_with_client_socket(
        HERE, print, server_fd=x
    ),
    "lwt_unix.clear_close_on_exec": lwt_unix.clear_close_on_exec,
    "lwt_unix.get_credentials": lwt_unix.get_credentials,
    "lwt_unix.getpeername": lwt_unix.getpeername,
    "lwt_unix.getsockopt_float": lambda x: lwt_unix.getsockopt_float(x, lwt_unix.SO_RCVTIMEO),
    "lwt_unix.getsockopt_int": lambda x: lwt_unix.getsockopt_int(x, lwt_unix.SO_RCVBUF),
    "lwt_unix.getsockopt_optint": lambda x: lwt_unix.getsockopt_optint(x, lwt_unix.SO_LINGER),
    "lwt_unix.recvfrom": lambda x: lwt_unix.recvfrom(x, bytearray(5), 0, 5, []),
    "lwt_unix.send": lambda x: lwt_unix.send(x, b"five!", 0, 5, []),
    "lwt_unix.setsockopt": lambda x: lwt_unix.setsockopt(x, lwt_unix.SO_DEBUG, True),
    "lwt_unix.setsockopt_float": lambda x: lwt_unix.setsockopt_float(x, lwt_unix.SO_RCVTIMEO, 1),
    "lwt_unix.setsockopt_int": lambda x: lwt_unix.setsockopt_int(x, lwt_unix.SO_RCVBUF, 1),
    "lwt_unix.setsockopt_optint": lambda x: lwt_unix.setsockopt_optint(x, lwt_unix.SO_LINGER, None),
    "lwt_unix.writable": lwt_unix.writable,
    "lwt_unix.readv": lambda x: lwt_unix.readv(x, lwt_unix.IO_vectors.create()),
    "lwt_unix.writev": lambda x: lwt_unix.writev(x, lwt_unix.IO_vectors.create()),
    "lwt_unix.read_bigarray": lambda x: lwt_unix.read_bigarray(
        "lwt_unix.read_bigarray", x, bytearray(5), 0, 5
    ),
    "lwt_unix.write_bigarray": lambda x: lwt_unix.write_bigarray(
        "lwt_unix.write_bigarray", x, b"five!", 0, 5
    ),
    "lwt_unix.recv_msg": lambda x: lwt_unix.recv_msg(
        socket=x, io_vectors=lwt_unix.IO_vectors.create()
    ),
    "lwt_unix.send_msg": lambda x: lwt_unix.send_msg(
        socket=x, io_vectors=lwt_unix.IO_vectors.create(), fds=[]
    ),
    "lwt_unix.send_msgto": lambda x: lwt_unix.send_msgto(
        socket=x, io_vectors=lwt_unix.IO_vectors.create(), fds=[], dest=HERE
    ),
    "lwt_unix.mcast_set_loop": lambda x: lwt_unix.mcast_set_loop(x, True),
    "lwt_unix.mcast_set_ttl": lambda x: lwt_unix.mcast_set_ttl(x, 1),
    "lwt_unix.mcast_add_membership": lambda x: lwt_unix.mcast_add_membership(x, "224.0.0.1"),
    "lwt_unix.mcast_drop_membership": lambda x: lwt_unix.mcast_drop_membership(x, "224.0.0.1"),
    "lwt_unix.tcgetattr": lwt_unix.tcgetattr,
    "lwt_unix.tcsetattr": lambda x: anything.tcsetattr(x, lwt_unix.TCSANOW, None),
    "lwt_unix.tcsendbreak": lambda x: lwt_unix.tcsendbreak(x, 0),
    "lwt_unix.tcdrain": lwt_unix.tcdrain,
    "lwt_unix.tcflush": lambda x: lwt_unix.tcflush(x, lwt_unix.TCIFLUSH),
    "lwt_unix.tcflow": lambda x: lwt_unix.tcflow(x, lwt_unix.TCOON),
    "lwt_unix.Versioned.bind_1": lambda x: lwt_unix.Versioned.bind_1(x, HERE),
    "lwt_io.establish_server_with_client_address": lambda x: (
        io.establish_server_with_client_address(HERE, print, fd=x)
    ),
    "lwt_io.open_connection": lambda x: io.open_connection(HERE, fd=x),
    "lwt_io.with_connection": lambda x: io.with_connection(HERE, print, fd=x),
}

NOT_IN_THE_TABLE = {"write_string", "pwrite_string"}  # They are `write` and `pwrite`.


def test_every_function_of_a_descriptor_is_in_the_table() -> None:
    takes_one = {
        f"lwt_unix.{name}"
        for name in lwt_unix.__all__
        if inspect.isfunction(function := getattr(lwt_unix, name))
        and {"descriptor", "source"} & inspect.signature(function).parameters.keys()
        and name not in NOT_IN_THE_TABLE
    }
    assert takes_one <= DESCRIPTOR_WANTED.keys()


@pytest.mark.parametrize("name", DESCRIPTOR_WANTED)
def test_what_is_no_descriptor_is_refused(name: str) -> None:
    function = re.escape(name.partition(",")[0])
    with pytest.raises(TypeError, match=rf"^{function}: expected a file_descr, got 3 \(int\); "):
        DESCRIPTOR_WANTED[name](3)
    with (
        socket.socket() as ours,
        pytest.raises(TypeError, match=r"detach\(\) of a Python socket"),
    ):
        DESCRIPTOR_WANTED[name](ours)


MAY_BE_CLOSED = {
    "lwt_unix.abort": "it stays closed",
    "lwt_unix.accept_n": "the error is its value",
    "lwt_unix.dup2, second": "as in OCaml",
    "lwt_unix.state": "it tells so",
    "lwt_unix.unix_file_descr": "of any state",
}


@pytest.mark.parametrize(
    "name", [n for n in DESCRIPTOR_WANTED if n.startswith("lwt_unix") and n not in MAY_BE_CLOSED]
)
def test_a_closed_descriptor_is_refused_by_the_name_of_the_function(name: str) -> None:
    descriptor = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    lwt_main.run(lwt_unix.close(descriptor))
    with pytest.raises(OSError, match=rf"Bad file descriptor \({re.escape(name)}: <File_descr "):
        DESCRIPTOR_WANTED[name](descriptor)


# --- Where a channel belongs -------------------------------------------------


CHANNEL_WANTED = ["abort", "buffer_size", "buffered", "close", "is_busy", "is_closed", "mode",
                  "position"]  # fmt: skip


@pytest.mark.parametrize("name", CHANNEL_WANTED)
def test_what_is_no_channel_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=rf"^lwt_io\.{name}: expected a channel, got 3 \(int\)"):
        getattr(io, name)(3)


DIRECTED: dict[str, tuple[object, ...]] = {
    "read": (),
    "read_char": (),
    "read_char_opt": (),
    "read_into": (bytearray(1), 0, 1),
    "read_into_exactly": (bytearray(1), 0, 1),
    "read_line": (),
    "read_line_opt": (),
    "flush": (),
    "fprint": ("a",),
    "fprintf": ("a",),
    "fprintl": ("a",),
    "fprintlf": ("a",),
    "write": ("a",),
    "write_char": ("a",),
    "write_chars": (["a"],),
    "write_from": (b"a", 0, 1),
    "write_from_exactly": (b"a", 0, 1),
    "write_from_string": ("a", 0, 1),
    "write_from_string_exactly": ("a", 0, 1),
    "write_line": ("a",),
    "write_lines": (["a"],),
}
"""Functions that read or write, and what they take behind their channel."""


@pytest.mark.parametrize("name", DIRECTED)
def test_what_is_not_a_channel_of_the_right_direction_is_refused(name: str) -> None:
    wanted, other = ("input", io.stdout) if name.startswith("read") else ("output", io.stdin)
    for channel in 3, other:
        with pytest.raises(
            TypeError, match=rf"^lwt_io\.{name}: expected an {wanted} channel, got "
        ):
            getattr(io, name)(channel, *DIRECTED[name])


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


@lwt.promised
async def of_one(client: object) -> None: ...


def of_two(x: object, y: object) -> lwt.Promise[None]:
    return lwt.return_unit


def of_four(a: object, b: object, c: object, d: object) -> lwt.Promise[None]:
    return lwt.return_unit


WRONG_NUMBER: dict[str, tuple[Callable[[Any], object], str]] = {
    "lwt_io.establish_server_with_client_socket": (
        lambda f: io.establish_server_with_client_socket(HERE, f),
        "address descriptor",
    ),
    "lwt_io.establish_server_with_client_address": (
        lambda f: io.establish_server_with_client_address(HERE, f),
        "address channels",
    ),
    "lwt_io.establish_server": (lambda f: io.establish_server(HERE, f), "channels"),
    "lwt_io.with_connection": (lambda f: io.with_connection(HERE, f), "channels"),
    "lwt_io.with_close_connection": (
        lambda f: io.with_close_connection(f, (io.zero, io.null)),
        "channels",
    ),
    "lwt_io.open_connection": (
        lambda f: io.open_connection(HERE, prepare_fd=f),
        "descriptor",
    ),
    "lwt_io.make": (lambda f: io.make(f, mode=io.Input), "buffer offset length"),
    "lwt_io.of_fd": (
        lambda f: io.of_fd(lwt_unix.stdin, mode=io.Input, close=f),
        "",
    ),
    "lwt_io.atomic": (io.atomic, "channel"),
    "lwt_io.block": (lambda f: io.block(io.zero, 1, f), "buffer offset"),
    "lwt_io.direct_access": (lambda f: io.direct_access(io.zero, f), "access"),
    "lwt_io.printf": (lambda f: io.printf("%a", f, 3), "out value"),
    "lwt_io.printlf": (lambda f: io.printlf("%t", f), "out"),
    "lwt_unix.wrap_syscall": (
        lambda f: anything.wrap_syscall(lwt_unix.Read, lwt_unix.stdin, f),
        "",
    ),
    "lwt_unix.register_action": (
        lambda f: anything.register_action(lwt_unix.Read, lwt_unix.stdin, f),
        "",
    ),
    "lwt_unix.with_timeout": (lambda f: anything.with_timeout(1.0, f), ""),
    "lwt_unix.on_signal": (lambda f: anything.on_signal(10, f), "signum"),
    "lwt_unix.on_signal_full": (lambda f: anything.on_signal_full(10, f), "handler signum"),
    "lwt_main.at_exit": (lwt_main.at_exit, ""),
    "lwt_main.Leave_iter_hooks.add_last": (lwt_main.Leave_iter_hooks.add_last, ""),
}


@pytest.mark.parametrize("function", WRONG_NUMBER)
def test_a_callback_of_a_wrong_number_of_arguments_is_told_at_the_call(function: str) -> None:
    call, arguments = WRONG_NUMBER[function]
    names = arguments.split()
    called = " and ".join(f"the {name}" for name in names) or "no argument"
    written = f"lambda {', '.join(names)}: ..." if names else "lambda: ..."
    with pytest.raises(TypeError) as caught:
        call(of_four)
    assert str(caught.value) == (
        f"{function}: callback of_four is called with {called}, but takes 4; write {written}"
    )


@pytest.mark.parametrize(
    "establish",
    [
        io.establish_server_with_client_socket,
        io.establish_server_with_client_address,
    ],
)
@pytest.mark.parametrize(
    "serve",
    [
        lambda client: lwt.return_unit,
        lambda a, b, c: lwt.return_unit,
        of_one,
    ],
    ids=["one", "three", "promised"],
)
def test_a_servers_function_of_one_or_three_arguments_is_found_before_a_client_comes(
    establish: Callable[..., object], serve: object
) -> None:
    with pytest.raises(
        TypeError, match=r"is called with the address and the (desc|chan)\w+, but takes"
    ):
        establish(HERE, serve)
    with pytest.raises(TypeError, match="is called with the descriptor, but takes 2"):
        establish(HERE, of_two, prepare_client_fd=of_two)


def test_a_promise_with_a_timeout_is_told_which_lambda_to_write() -> None:
    with pytest.raises(
        TypeError, match=r"pass a function that returns it, such as lambda: \.\.\.$"
    ):
        anything.with_timeout(1.0, lwt.return_unit)


# --- Where a callback returns a promise --------------------------------------


def no_promise(*_: object) -> int:
    return 3


def nothing(*_: object) -> lwt.Promise[int]:
    return lwt.return_(0)


CALLS_BACK: dict[str, Callable[[Any], lwt.Promise[object]]] = {
    "lwt_unix.handle_unix_error": lambda f: lwt_unix.handle_unix_error(f, 4),
    "lwt_unix.with_timeout": lambda f: lwt_unix.with_timeout(5.0, f),
    "lwt_io.atomic": lambda f: io.atomic(f)(lwt_io.null),
    "lwt_io.block": lambda f: io.block(lwt_io.zero, 1, f),
    "lwt_io.close": lambda f: lwt_io.close(io.make(nothing, mode=lwt_io.Input, close=f)),
    "lwt_io.direct_access": lambda f: io.direct_access(lwt_io.null, f),
    "lwt_io.make": lambda f: lwt_io.read_char(io.make(f, mode=lwt_io.Input)),
    "lwt_io.with_close_connection": lambda f: io.with_close_connection(f, lwt_io.pipe()),
}


@pytest.mark.parametrize("name", CALLS_BACK)
def test_a_callback_that_returns_no_promise_is_named(name: str) -> None:
    message = rf"^{re.escape(name)}: callback no_promise returned 3 \(int\), not a promise; "
    with pytest.raises(TypeError, match=message):
        lwt_main.run(CALLS_BACK[name](no_promise))


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
    with pytest.raises(TypeError, match=rf"^lwt_io\.{name.partition(',')[0]}: expected an int"):
        READ[name](ic, wrong)
    assert not lwt_io.is_busy(ic)
    assert lwt.state(lwt_io.read(ic, count=5)) == lwt.Return(b"llo")


@pytest.mark.parametrize("function", [lwt_io.write_from, lwt_io.write_from_exactly])
def test_bounds_of_what_is_written_are_ints(
    channels: tuple[lwt_io.InputChannel, lwt_io.OutputChannel], function: Callable[..., object]
) -> None:
    with pytest.raises(TypeError, match=r"^lwt_io\.write_from\w*: expected an int, got 0\.0"):
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
    with pytest.raises(TypeError, match=r"^lwt_io\.set_default_buffer_size: expected an int"):
        io.set_default_buffer_size(size)
    assert lwt_io.default_buffer_size() == 4096
    if size is not None:
        with pytest.raises(TypeError, match=r"client_address: expected an int"):
            io.establish_server_with_client_address(HERE, print, buffer_size=size)


@pytest.mark.parametrize("number", [1.0, "1", True])
def test_counts_of_connections_are_ints(number: object) -> None:
    with pytest.raises(TypeError, match=r"^lwt_unix\.listen: expected an int for backlog"):
        anything.listen(lwt_unix.stdin, number)
    with pytest.raises(TypeError, match=r"^lwt_unix\.accept_n: expected an int, .*count"):
        anything.accept_n(lwt_unix.stdin, number)
    with pytest.raises(TypeError, match=r"client_socket: expected an int for backlog"):
        io.establish_server_with_client_socket(HERE, print, backlog=number)


# --- Where a number of seconds belongs ----------------------------------------

TAKE_A_DELAY: list[Callable[[float], object]] = [
    lwt_unix.sleep,
    lwt_unix.timeout,
    lambda delay: lwt_unix.with_timeout(delay, lwt.pause),
    lwt_unix.auto_pause,
]


@pytest.mark.parametrize("function", TAKE_A_DELAY)
def test_a_delay_that_is_not_a_number_is_refused(function: Callable[[float], object]) -> None:
    with pytest.raises(ValueError, match=r"^lwt_unix\.\w+: .*NaN"):
        function(math.nan)


@pytest.mark.parametrize("function", TAKE_A_DELAY)
@pytest.mark.parametrize("delay", ["1", None, True])
def test_a_delay_of_another_type_is_refused(
    function: Callable[[float], object], delay: float
) -> None:
    with pytest.raises(TypeError, match=r"^lwt_unix\.\w+: expected a number of seconds"):
        function(delay)


# --- Names of functions ------------------------------------------------------


MODULES = {
    "lwt_unix": lwt_unix,
    "lwt_engine": lwt_engine,
    "lwt_io": lwt_io,
    "lwt_main": lwt_main,
}
SPELLED = re.compile(rf"({'|'.join(MODULES)})\.(\w+)")


def names_in(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """The names of functions that the code gives to checks: pairs of a module and a name in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = SPELLED.fullmatch(node.value)
            if found is not None:
                yield found[1], found[2]


def test_messages_name_functions_that_a_program_can_spell() -> None:
    seen = set()
    for path in (ROOT / "lwt_unix").rglob("*.py"):
        for module, name in names_in(ast.parse(path.read_text())):
            seen.add(f"{module}.{name}")
            is_method = module == "lwt_engine" and hasattr(lwt_engine.abstract, name)
            assert is_method or name in MODULES[module].__all__, (path, name)
    assert {"lwt_unix.read", "lwt_engine.on_timer", "lwt_io.read_line", "lwt_main.run"} <= seen


def test_messages_of_a_public_function_name_that_function() -> None:
    for path in (ROOT / "lwt_unix").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                for module, name in names_in(node):
                    is_public = node.name in MODULES[module].__all__
                    assert not is_public or name == node.name, (path, node.name, name)
