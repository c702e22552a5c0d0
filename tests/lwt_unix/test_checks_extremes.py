"""Numbers and paths that no system can take get an error that names the function, at the call."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_io, lwt_main
from tests.support.builds import interpreted_only
from tests.support.descriptors import Pair

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

UNIX = lwt_unix.PF_UNIX
STREAM = lwt_unix.SOCK_STREAM
PORT_0 = ("127.0.0.1", 0)


def serve(*_: object) -> lwt.Promise[None]:
    return lwt.return_unit


@pytest.fixture
def channels() -> Iterator[tuple[lwt_io.InputChannel, lwt_io.OutputChannel]]:
    """A pipe, which has two bytes to read."""
    ic, oc = lwt_io.pipe()
    lwt_main.run(lwt_io.write(oc, "ab"))
    lwt_main.run(lwt_io.flush(oc))
    yield ic, oc
    lwt_main.run(lwt_io.close(oc))
    lwt_main.run(lwt_io.close(ic))


Use = Callable[[Any, Any, Any, Any], object]
"""A call with the number or path in question, a descriptor, an input and an output channel."""

UNBOUNDED = {
    "lwt_unix.accept_n count",
    "lwt_unix.reinstall_signal_handler signum",
    "lwt_io.read count",
    "lwt_io.read_line limit",
    "lwt_io.read_line_opt limit",
    "lwt_io.read_lines limit",
    "lwt_engine.forwards_signal signum",
    "lwt_engine.fake_io fd",
}
"""What may be any number."""

AS_OCAML_SAYS = {
    "lwt_unix.write_string": "lwt_unix.write",
    "lwt_unix.pwrite_string": "lwt_unix.pwrite",
    "lwt_unix.on_signal_full": "lwt_unix.on_signal",
    "lwt_io.write_from_string_exactly": "lwt_io.write_from_exactly",
}
"""Functions that are called by another name in OCaml's own text."""

FLOATS = {
    "lwt_unix.sleep delay",
    "lwt_unix.timeout delay",
    "lwt_unix.with_timeout delay",
    "lwt_unix.auto_pause timeout",
    "lwt_engine.on_timer delay",
}

KNOW_THEIR_ADDRESS = {"lwt_unix.string_of_inet_addr"}

NUMBERS: dict[str, Use] = {
    "lwt_unix.sleep delay": lambda x, *_: lwt_unix.sleep(x),
    "lwt_unix.timeout delay": lambda x, *_: lwt_unix.timeout(x),
    "lwt_unix.with_timeout delay": lambda x, *_: lwt_unix.with_timeout(x, lwt.pause),
    "lwt_unix.auto_pause timeout": lambda x, *_: lwt_unix.auto_pause(x),
    "lwt_unix.of_unix_file_descr fd": lambda x, *_: lwt_unix.of_unix_file_descr(x),
    "lwt_unix.read offset": lambda x, fd, *_: lwt_unix.read(fd, bytearray(5), x, 1),
    "lwt_unix.read length": lambda x, fd, *_: lwt_unix.read(fd, bytearray(5), 0, x),
    "lwt_unix.write offset": lambda x, fd, *_: lwt_unix.write(fd, b"five!", x, 1),
    "lwt_unix.write length": lambda x, fd, *_: lwt_unix.write(fd, b"five!", 0, x),
    "lwt_unix.write_string offset": lambda x, fd, *_: lwt_unix.write_string(fd, "five!", x, 1),
    "lwt_unix.write_string length": lambda x, fd, *_: lwt_unix.write_string(fd, "five!", 0, x),
    "lwt_unix.read_bigarray offset": lambda x, fd, *_: lwt_unix.read_bigarray(
        "lwt_unix.read_bigarray", fd, bytearray(5), x, 1
    ),
    "lwt_unix.read_bigarray length": lambda x, fd, *_: lwt_unix.read_bigarray(
        "lwt_unix.read_bigarray", fd, bytearray(5), 0, x
    ),
    "lwt_unix.write_bigarray offset": lambda x, fd, *_: lwt_unix.write_bigarray(
        "lwt_unix.write_bigarray", fd, b"five!", x, 1
    ),
    "lwt_unix.write_bigarray length": lambda x, fd, *_: lwt_unix.write_bigarray(
        "lwt_unix.write_bigarray", fd, b"five!", 0, x
    ),
    "lwt_unix.mcast_set_ttl ttl": lambda x, fd, *_: lwt_unix.mcast_set_ttl(fd, x),
    "lwt_unix.getprotobynumber number": lambda x, *_: lwt_unix.getprotobynumber(x),
    "lwt_unix.getservbyport number": lambda x, *_: lwt_unix.getservbyport(x, "tcp"),
    "lwt_unix.getpwuid uid": lambda x, *_: lwt_unix.getpwuid(x),
    "lwt_unix.getgrgid gid": lambda x, *_: lwt_unix.getgrgid(x),
    "lwt_unix.tcsendbreak delay": lambda x, fd, *_: lwt_unix.tcsendbreak(fd, x),
    "lwt_unix.waitpid pid": lambda x, *_: lwt_unix.waitpid([], x),
    "lwt_unix.wait4 pid": lambda x, *_: lwt_unix.wait4([], x),
    "lwt_unix.get_affinity pid": lambda x, *_: lwt_unix.get_affinity(pid=x),
    "lwt_unix.set_affinity pid": lambda x, *_: lwt_unix.set_affinity([0], pid=x),
    "lwt_unix.socket protocol": lambda x, *_: lwt_unix.socket(UNIX, STREAM, x),
    "lwt_unix.socketpair protocol": lambda x, *_: lwt_unix.socketpair(UNIX, STREAM, x),
    "lwt_unix.bind port": lambda x, fd, *_: lwt_unix.bind(fd, ("127.0.0.1", x)),
    "lwt_unix.connect port": lambda x, fd, *_: lwt_unix.connect(fd, ("127.0.0.1", x)),
    "lwt_unix.sendto port": lambda x, fd, *_: lwt_unix.sendto(fd, b"", 0, 0, [], ("::1", x)),
    "lwt_unix.domain_of_sockaddr port": lambda x, *_: lwt_unix.domain_of_sockaddr(("::1", x)),
    "lwt_unix.getnameinfo port": lambda x, *_: lwt_unix.getnameinfo(("::1", x), []),
    "lwt_unix.listen backlog": lambda x, fd, *_: lwt_unix.listen(fd, x),
    "lwt_unix.recv offset": lambda x, fd, *_: lwt_unix.recv(fd, bytearray(5), x, 1, []),
    "lwt_unix.recv length": lambda x, fd, *_: lwt_unix.recv(fd, bytearray(5), 0, x, []),
    "lwt_unix.send offset": lambda x, fd, *_: lwt_unix.send(fd, b"five!", x, 1, []),
    "lwt_unix.send length": lambda x, fd, *_: lwt_unix.send(fd, b"five!", 0, x, []),
    "lwt_unix.recvfrom offset": lambda x, fd, *_: lwt_unix.recvfrom(fd, bytearray(5), x, 1, []),
    "lwt_unix.recvfrom length": lambda x, fd, *_: lwt_unix.recvfrom(fd, bytearray(5), 0, x, []),
    "lwt_unix.sendto offset": lambda x, fd, *_: lwt_unix.sendto(fd, b"five!", x, 1, [], "/x"),
    "lwt_unix.sendto length": lambda x, fd, *_: lwt_unix.sendto(fd, b"five!", 0, x, [], "/x"),
    "lwt_unix.setsockopt_int value": lambda x, fd, *_: lwt_unix.setsockopt_int(
        fd, lwt_unix.SO_SNDBUF, x
    ),
    "lwt_unix.setsockopt_optint value": lambda x, fd, *_: lwt_unix.setsockopt_optint(
        fd, lwt_unix.SO_LINGER, x
    ),
    "lwt_unix.setsockopt_float value": lambda x, fd, *_: lwt_unix.setsockopt_float(
        fd,
        lwt_unix.SO_RCVTIMEO,
        abs(x),  # a negative one is an error of the system
    ),
    "lwt_unix.on_signal signum": lambda x, *_: lwt_unix.on_signal(x, serve),
    "lwt_unix.on_signal_full signum": lambda x, *_: lwt_unix.on_signal_full(x, serve),
    "lwt_unix.handle_signal signum": lambda x, *_: lwt_unix.handle_signal(x),
    "lwt_unix.set_pool_size size": lambda x, *_: lwt_unix.set_pool_size(x),
    "lwt_unix.openfile perms": lambda x, *_: lwt_unix.openfile("/nowhere/a", [], x),
    "lwt_unix.pread offset": lambda x, fd, *_: lwt_unix.pread(
        fd, bytearray(5), x, 1, file_offset=0
    ),
    "lwt_unix.pread length": lambda x, fd, *_: lwt_unix.pread(
        fd, bytearray(5), 0, x, file_offset=0
    ),
    "lwt_unix.pread file_offset": lambda x, fd, *_: lwt_unix.pread(
        fd, bytearray(5), 0, 5, file_offset=x
    ),
    "lwt_unix.pwrite offset": lambda x, fd, *_: lwt_unix.pwrite(fd, b"five!", x, 1, file_offset=0),
    "lwt_unix.pwrite length": lambda x, fd, *_: lwt_unix.pwrite(fd, b"five!", 0, x, file_offset=0),
    "lwt_unix.pwrite file_offset": lambda x, fd, *_: lwt_unix.pwrite(
        fd, b"five!", 0, 5, file_offset=x
    ),
    "lwt_unix.pwrite_string offset": lambda x, fd, *_: lwt_unix.pwrite_string(
        fd, "five!", x, 1, file_offset=0
    ),
    "lwt_unix.pwrite_string length": lambda x, fd, *_: lwt_unix.pwrite_string(
        fd, "five!", 0, x, file_offset=0
    ),
    "lwt_unix.pwrite_string file_offset": lambda x, fd, *_: lwt_unix.pwrite_string(
        fd, "five!", 0, 5, file_offset=x
    ),
    "lwt_unix.lseek offset": lambda x, fd, *_: lwt_unix.lseek(fd, x, lwt_unix.SEEK_SET),
    "lwt_unix.truncate length": lambda x, *_: lwt_unix.truncate("/nowhere/a", x),
    "lwt_unix.ftruncate length": lambda x, fd, *_: lwt_unix.ftruncate(fd, x),
    "lwt_unix.mkfifo perms": lambda x, *_: lwt_unix.mkfifo("/nowhere/a", x),
    "lwt_unix.mkdir perms": lambda x, *_: lwt_unix.mkdir("/nowhere/a", x),
    "lwt_unix.chmod perms": lambda x, *_: lwt_unix.chmod("/nowhere/a", x),
    "lwt_unix.fchmod perms": lambda x, fd, *_: lwt_unix.fchmod(fd, x),
    "lwt_unix.chown uid": lambda x, *_: lwt_unix.chown("/nowhere/a", x, 0),
    "lwt_unix.chown gid": lambda x, *_: lwt_unix.chown("/nowhere/a", 0, x),
    "lwt_unix.fchown uid": lambda x, fd, *_: lwt_unix.fchown(fd, x, 0),
    "lwt_unix.fchown gid": lambda x, fd, *_: lwt_unix.fchown(fd, 0, x),
    "lwt_unix.readdir_n count": lambda x, *_: lwt.bind(
        lwt_unix.opendir("/"),
        lambda handle: lwt.finalize(
            lambda: lwt_unix.readdir_n(handle, x), lambda: lwt_unix.closedir(handle)
        ),
    ),
    "lwt_unix.lockf size": lambda x, fd, *_: lwt_unix.lockf(fd, lwt_unix.F_TEST, x),
    "lwt_unix.utimes atime": lambda x, *_: lwt_unix.utimes("/nowhere/a", x, 0),
    "lwt_unix.utimes mtime": lambda x, *_: lwt_unix.utimes("/nowhere/a", 0, x),
    "lwt_io.set_position position": lambda x, _, ic, oc: lwt_io.set_position(ic, x),
    "lwt_io.open_file perm": lambda x, *_: lwt_io.open_file(
        "/nowhere/a", mode=lwt_io.Input, perm=x
    ),
    "lwt_io.with_file perm": lambda x, *_: lwt_io.with_file(
        "/nowhere/a", lwt_io.read, mode=lwt_io.Input, perm=x
    ),
    "lwt_io.open_temp_file perm": lambda x, *_: lwt_io.open_temp_file(perm=x),
    "lwt_io.with_temp_file perm": lambda x, *_: lwt_io.with_temp_file(serve, perm=x),
    "lwt_io.create_temp_dir perm": lambda x, *_: lwt_io.create_temp_dir(perm=x),
    "lwt_io.with_temp_dir perm": lambda x, *_: lwt_io.with_temp_dir(serve, perm=x),
    "lwt_io.of_unix_fd fd": lambda x, *_: lwt_io.of_unix_fd(x, mode=lwt_io.Input),
    "lwt_io.resize_buffer size": lambda x, _, ic, oc: lwt_io.resize_buffer(ic, x),
    "lwt_io.block size": lambda x, _, ic, oc: lwt_io.block(ic, x, serve),
    "lwt_io.read_into offset": lambda x, _, ic, oc: lwt_io.read_into(ic, bytearray(5), x, 1),
    "lwt_io.read_into length": lambda x, _, ic, oc: lwt_io.read_into(ic, bytearray(5), 0, x),
    "lwt_io.read_into_exactly offset": lambda x, _, ic, oc: lwt_io.read_into_exactly(
        ic, bytearray(5), x, 1
    ),
    "lwt_io.read_into_exactly length": lambda x, _, ic, oc: lwt_io.read_into_exactly(
        ic, bytearray(5), 0, x
    ),
    "lwt_io.read_into_bigstring offset": lambda x, _, ic, oc: lwt_io.read_into_bigstring(
        ic, bytearray(5), x, 1
    ),
    "lwt_io.read_into_bigstring length": lambda x, _, ic, oc: lwt_io.read_into_bigstring(
        ic, bytearray(5), 0, x
    ),
    "lwt_io.read_into_exactly_bigstring offset": lambda x, _, ic, oc: (
        lwt_io.read_into_exactly_bigstring(ic, bytearray(5), x, 1)
    ),
    "lwt_io.read_into_exactly_bigstring length": lambda x, _, ic, oc: (
        lwt_io.read_into_exactly_bigstring(ic, bytearray(5), 0, x)
    ),
    "lwt_io.write_from offset": lambda x, _, ic, oc: lwt_io.write_from(oc, b"five!", x, 1),
    "lwt_io.write_from length": lambda x, _, ic, oc: lwt_io.write_from(oc, b"five!", 0, x),
    "lwt_io.write_from_bigstring offset": lambda x, _, ic, oc: lwt_io.write_from_bigstring(
        oc, b"five!", x, 1
    ),
    "lwt_io.write_from_bigstring length": lambda x, _, ic, oc: lwt_io.write_from_bigstring(
        oc, b"five!", 0, x
    ),
    "lwt_io.write_from_string offset": lambda x, _, ic, oc: lwt_io.write_from_string(
        oc, "five!", x, 1
    ),
    "lwt_io.write_from_string length": lambda x, _, ic, oc: lwt_io.write_from_string(
        oc, "five!", 0, x
    ),
    "lwt_io.write_from_exactly offset": lambda x, _, ic, oc: lwt_io.write_from_exactly(
        oc, b"five!", x, 1
    ),
    "lwt_io.write_from_exactly length": lambda x, _, ic, oc: lwt_io.write_from_exactly(
        oc, b"five!", 0, x
    ),
    "lwt_io.write_from_exactly_bigstring offset": lambda x, _, ic, oc: (
        lwt_io.write_from_exactly_bigstring(oc, b"five!", x, 1)
    ),
    "lwt_io.write_from_exactly_bigstring length": lambda x, _, ic, oc: (
        lwt_io.write_from_exactly_bigstring(oc, b"five!", 0, x)
    ),
    "lwt_io.write_from_string_exactly offset": lambda x, _, ic, oc: (
        lwt_io.write_from_string_exactly(oc, "five!", x, 1)
    ),
    "lwt_io.write_from_string_exactly length": lambda x, _, ic, oc: (
        lwt_io.write_from_string_exactly(oc, "five!", 0, x)
    ),
    "lwt_io.open_connection port": lambda x, *_: lwt_io.open_connection(("::1", x)),
    "lwt_io.with_connection port": lambda x, *_: lwt_io.with_connection(("::1", x), serve),
    "lwt_io.establish_server_with_client_socket port": lambda x, *_: (
        lwt_io.establish_server_with_client_socket(("::1", x), serve)
    ),
    "lwt_io.establish_server_with_client_socket backlog": lambda x, *_: (
        lwt_io.establish_server_with_client_socket(PORT_0, serve, backlog=x)
    ),
    "lwt_io.establish_server_with_client_address port": lambda x, *_: (
        lwt_io.establish_server_with_client_address(("::1", x), serve)
    ),
    "lwt_io.establish_server_with_client_address buffer_size": lambda x, *_: (
        lwt_io.establish_server_with_client_address(PORT_0, serve, buffer_size=x)
    ),
    "lwt_io.establish_server_with_client_address backlog": lambda x, *_: (
        lwt_io.establish_server_with_client_address(PORT_0, serve, backlog=x)
    ),
    "lwt_io.establish_server port": lambda x, *_: lwt_io.establish_server(("::1", x), serve),
    "lwt_io.establish_server buffer_size": lambda x, *_: lwt_io.establish_server(
        PORT_0, serve, buffer_size=x
    ),
    "lwt_io.establish_server backlog": lambda x, *_: lwt_io.establish_server(
        PORT_0, serve, backlog=x
    ),
    "lwt_io.set_default_buffer_size size": lambda x, *_: lwt_io.set_default_buffer_size(x),
    "lwt_engine.on_readable fd": lambda x, *_: lwt_engine.on_readable(x, serve),
    "lwt_engine.on_writable fd": lambda x, *_: lwt_engine.on_writable(x, serve),
    "lwt_engine.on_timer delay": lambda x, *_: lwt_engine.on_timer(x, False, serve),
}


NUMBER = r"int|float|int \| None|lwt\.Some\[int\] \| None"


def parameters_of(function: Callable[..., object]) -> dict[str, str]:
    """The annotations of what a function takes, by name."""
    parameters = inspect.signature(function).parameters.values()
    return {one.name: str(one.annotation) for one in parameters}


def public_functions() -> Iterator[tuple[str, Callable[..., object]]]:
    for module in lwt_unix, lwt_io, lwt_engine:
        for name in module.__all__:
            function = getattr(module, name)
            if inspect.isfunction(function) and function.__name__ == name:
                yield f"{module.__name__.rpartition('.')[2]}.{name}", function


@interpreted_only("its functions do not tell the types of their arguments")
def test_every_number_and_every_address_is_in_a_table() -> None:
    numbers, addresses = set[str](), set[str]()
    for name, function in public_functions():
        for parameter, annotation in parameters_of(function).items():
            if re.fullmatch(NUMBER, annotation):
                numbers.add(f"{name} {parameter}")
            elif parameter in {"address", "sockaddr"} and name not in KNOW_THEIR_ADDRESS:
                addresses.add(name)
    assert numbers == {name for name in NUMBERS if not name.endswith(" port")} | UNBOUNDED
    assert addresses == ADDRESSES.keys() == {n[:-5] for n in NUMBERS if n.endswith(" port")}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("number", [10**30, -(10**30), 10**400])
def test_a_number_that_no_system_can_take_is_a_value_error(
    name: str,
    number: int,
    pair: Pair,
    channels: tuple[lwt_io.InputChannel, lwt_io.OutputChannel],
) -> None:
    if name in FLOATS and number != 10**400:
        return  # It is a number of seconds like any other.
    use = NUMBERS[name]
    function = name.split(maxsplit=1)[0]
    function = AS_OCAML_SAYS.get(function, function)
    value = lwt.Some(number) if name == "lwt_unix.setsockopt_optint value" else number
    with pytest.raises(ValueError, match=rf"^[lL]{re.escape(function[1:])}\b"):
        lwt_main.run(as_promise(use(value, pair[0], *channels)))


ADDRESSES: dict[str, Use] = {
    "lwt_unix.bind": lambda x, fd, *_: lwt_unix.bind(fd, x),
    "lwt_unix.connect": lambda x, fd, *_: lwt_unix.connect(fd, x),
    "lwt_unix.sendto": lambda x, fd, *_: lwt_unix.sendto(fd, b"", 0, 0, [], x),
    "lwt_unix.domain_of_sockaddr": lambda x, *_: lwt_unix.domain_of_sockaddr(x),
    "lwt_unix.getnameinfo": lambda x, *_: lwt_unix.getnameinfo(x, []),
    "lwt_io.open_connection": lambda x, *_: lwt_io.open_connection(x),
    "lwt_io.with_connection": lambda x, *_: lwt_io.with_connection(x, serve),
    "lwt_io.establish_server_with_client_socket": lambda x, *_: (
        lwt_io.establish_server_with_client_socket(x, serve)
    ),
    "lwt_io.establish_server_with_client_address": lambda x, *_: (
        lwt_io.establish_server_with_client_address(x, serve)
    ),
    "lwt_io.establish_server": lambda x, *_: lwt_io.establish_server(x, serve),
}


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize(
    "address", ["/tmp/a\0b", b"a\0b", "\ud800", ("a\0b", 80), "localhost:80", ("localhost", 80)]
)
def test_an_address_that_no_system_can_take_is_a_value_error(
    name: str,
    address: lwt_unix.Address,
    pair: Pair,
    channels: tuple[lwt_io.InputChannel, lwt_io.OutputChannel],
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(name)}: "):
        ADDRESSES[name](address, pair[0], *channels)


@pytest.mark.parametrize("interface", ["a\0b", "\ud800", "9" * 5000, "1" * 16])
def test_an_interface_that_no_system_has_is_an_error_of_the_system(
    interface: str, pair: Pair
) -> None:
    with pytest.raises(OSError, match="No such device: ADDR_INET"):
        lwt_unix.connect(pair[0], (f"fe80::1%{interface}", 80))


# --- Parts of texts ----------------------------------------------------------

CUT: dict[str, Callable[[Any, Any, str], object]] = {
    "lwt_unix.write": lambda fd, _, text: lwt_unix.write(fd, text, 0, 2),
    "lwt_unix.write_string": lambda fd, _, text: lwt_unix.write_string(fd, text, 0, 2),
    "lwt_unix.pwrite": lambda fd, _, text: lwt_unix.pwrite(fd, text, 0, 2, file_offset=0),
    "lwt_unix.pwrite_string": lambda fd, _, text: lwt_unix.pwrite_string(
        fd, text, 0, 2, file_offset=0
    ),
    "lwt_unix.send": lambda fd, _, text: lwt_unix.send(fd, text, 0, 2, []),
    "lwt_unix.sendto": lambda fd, _, text: lwt_unix.sendto(fd, text, 0, 2, [], "/nowhere"),
    "lwt_io.write_from": lambda _, oc, text: lwt_io.write_from(oc, text, 0, 2),
    "lwt_io.write_from_bigstring": lambda _, oc, text: lwt_io.write_from_bigstring(oc, text, 0, 2),
    "lwt_io.write_from_string": lambda _, oc, text: lwt_io.write_from_string(oc, text, 0, 2),
    "lwt_io.write_from_exactly": lambda _, oc, text: lwt_io.write_from_exactly(oc, text, 0, 2),
    "lwt_io.write_from_exactly_bigstring": lambda _, oc, text: lwt_io.write_from_exactly_bigstring(
        oc, text, 0, 2
    ),
    "lwt_io.write_from_string_exactly": lambda _, oc, text: lwt_io.write_from_string_exactly(
        oc, text, 0, 2
    ),
}


@interpreted_only("its functions do not tell the types of their arguments")
def test_every_function_that_writes_a_part_is_in_the_table() -> None:
    named = {
        name
        for name, function in public_functions()
        if {"offset", "data"} <= (taken := parameters_of(function)).keys()
        or {"offset", "source"} <= taken.keys()
    }
    assert CUT.keys() == named


@pytest.mark.parametrize("name", CUT)
def test_a_part_of_a_text_is_written_only_if_bytes_and_characters_are_the_same(
    name: str, pair: Pair, channels: tuple[lwt_io.InputChannel, lwt_io.OutputChannel]
) -> None:
    problem = rf"^{re.escape(name)}: the offset and the length count bytes, but 'é\\n' has"
    with pytest.raises(ValueError, match=problem):
        CUT[name](pair[0], channels[1], "é\n")
    if not re.search("sendto|pwrite", name):  # which have nobody to send to, and no places
        assert lwt_main.run(as_promise(CUT[name](pair[0], channels[1], "e\n"))) in {2, None}


def as_promise(value: object) -> lwt.Promise[object]:
    return value if isinstance(value, lwt.Promise) else lwt.return_(value)
