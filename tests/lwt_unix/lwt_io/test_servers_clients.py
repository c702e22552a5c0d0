"""Servers under clients that are not ours, in other processes.

The clients are small programs on blocking sockets, and nc, curl and wrk where they are
installed. The server runs here, and reads what the clients print on a pipe.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_io, lwt_main
from tests.support.descriptors import many_descriptors, open_descriptors
from tests.support.programs import environment, read_until, run_code, running
from tests.support.servers import HERE, Channels

T = TypeVar("T")

Handler = Callable[[lwt_unix.Sockaddr, lwt_unix.File_descr], Coroutine[object, object, object]]


async def echo(_address: object, client: lwt_unix.File_descr) -> None:
    """Send back what comes."""
    buffer = bytearray(65536)
    while count := await lwt_unix.read(client, buffer, 0, len(buffer)):
        written = 0
        while written < count:
            written += await lwt_unix.write(client, buffer, written, count - written)


async def echo_on_channels(_address: object, channels: Channels) -> None:
    ic, oc = channels
    while data := await lwt_io.read(ic, count=4096):
        await lwt_io.write(oc, data)


async def output_of(*command: str, stdin: bytes = b"") -> bytes:
    """Run a program while the main loop goes on; return what it prints, if it succeeds."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(),
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(stdin)  # little enough for a pipe
        program.stdin.close()
        ic = lwt_io.of_unix_fd(
            program.stdout.fileno(), mode=lwt_io.Input, close=lambda: lwt.return_unit
        )
        printed = await lwt_io.read(ic)
    assert program.returncode == 0, printed.decode()
    return printed


async def python(program: str, *arguments: object) -> bytes:
    return await output_of(sys.executable, "-c", program, *map(str, arguments))


class Serving(Generic[T]):
    """The function of a server, and the promises that it has given and that are still pending."""

    def __init__(
        self, f: Callable[[lwt_unix.Sockaddr, T], Coroutine[object, object, object]]
    ) -> None:
        self.f = f
        self.pending: set[lwt.Promise[object]] = set()

    def __call__(self, address: lwt_unix.Sockaddr, connection: T) -> lwt.Promise[object]:
        served = lwt.apply(partial(self.f, address), connection)
        if lwt.is_sleeping(served):
            self.pending.add(served)
            lwt.on_termination(served, lambda: self.pending.discard(served))
        return served

    async def is_over(self) -> None:
        """Wait until the server has seen that all its clients have gone."""
        while self.pending:
            with suppress(Exception):  # the hook has them
                await lwt.join(list(self.pending))
            await lwt.pause()  # for the callbacks that take them out


def serve(
    f: Handler,
    clients: Callable[[lwt_unix.File_descr], Coroutine[object, object, object]],
    address: lwt_unix.Address = HERE,
) -> None:
    """Run a server, and `clients(listening_socket)`."""
    fd = lwt_unix.socket(domain_of(address), lwt_unix.SOCK_STREAM, 0)
    serving = Serving(f)

    async def main() -> None:
        async with await lwt_io.establish_server_with_client_socket(address, serving, server_fd=fd):
            await clients(fd)
            await serving.is_over()

    lwt_main.run(main())


def domain_of(address: lwt_unix.Address) -> lwt_unix.Socket_domain:
    if not isinstance(address, tuple) or isinstance(address, lwt_unix.ADDR_UNIX):
        return lwt_unix.PF_UNIX
    return lwt_unix.PF_INET6 if ":" in address[0] else lwt_unix.PF_INET


def port_of(fd: lwt_unix.File_descr) -> int:
    address = lwt_unix.getsockname(fd)
    assert isinstance(address, lwt_unix.ADDR_INET)
    return address.port


CLIENT = """
import socket, sys
def connect():
    if sys.argv[1] == "unix":
        client = socket.socket(socket.AF_UNIX)
        client.connect(sys.argv[2].replace("@", "\\0"))
        return client
    return socket.create_connection((sys.argv[1], int(sys.argv[2])))
def exchange(client, data):
    client.sendall(data)
    received = b""
    while len(received) < len(data):
        more = client.recv(len(data) - len(received))
        assert more, received
        received += more
    assert received == data
"""


@pytest.mark.real_only("the program is a process of its own")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_client_of_another_process_is_served(host: str) -> None:
    async def clients(fd: lwt_unix.File_descr) -> None:
        program = CLIENT + "exchange(connect(), b'hello'); print('served')"
        assert await python(program, host, port_of(fd)) == b"served\n"

    serve(echo, clients, (host, 0))


@pytest.mark.real_only("the program is a process of its own")
@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_a_client_of_a_unix_domain_socket_is_served(kind: str, tmp_path: Path) -> None:
    name = str(tmp_path / "socket") if kind == "path" else f"@lwt-test-{os.getpid()}"

    async def clients(_fd: lwt_unix.File_descr) -> None:
        program = CLIENT + "exchange(connect(), b'hello'); print('served')"
        assert await python(program, "unix", name) == b"served\n"

    serve(echo, clients, lwt_unix.ADDR_UNIX(name.replace("@", "\0")))


@pytest.mark.slow
@pytest.mark.parametrize("make_engine", [lwt_engine.epoll, lwt_engine.poll])
def test_1000_clients_are_served_at_the_same_time(
    make_engine: Callable[[], lwt_engine.abstract],
) -> None:
    program = CLIENT + (
        "clients = [connect() for _ in range(1000)]\n"
        "for round in range(3):\n"
        "    for number, client in enumerate(clients):\n"
        "        client.sendall(b'%06d' % number)\n"
        "    for number, client in reversed(list(enumerate(clients))):\n"
        "        assert client.recv(6, socket.MSG_WAITALL) == b'%06d' % number\n"
        "print('served')"
    )
    most = 0

    async def f(address: object, client: lwt_unix.File_descr) -> None:
        nonlocal most
        most = max(most, len(open_descriptors()))
        await echo(address, client)

    async def clients(fd: lwt_unix.File_descr) -> None:
        before = len(open_descriptors())
        assert await python(program, "127.0.0.1", port_of(fd)) == b"served\n"
        assert most - before > 1000
        # The client has ended; what it left is seen in the next turns.
        while len(open_descriptors()) > before:
            await lwt.pause()

    engine = lwt_engine.get()
    with many_descriptors(2300):
        lwt_engine.set(make_engine(), transfer=True, destroy=False)
        try:
            serve(f, clients)
        finally:
            lwt_engine.set(engine, transfer=True, destroy=True)


@pytest.mark.slow
@pytest.mark.parametrize("on", ["sockets", "channels"])
def test_4000_clients_in_turn_leave_no_descriptor_behind(on: str) -> None:
    program = CLIENT + (
        "for number in range(4000):\n"
        "    with connect() as client:\n"
        "        exchange(client, b'%06d' % number)\n"
        "print('served')"
    )
    fd = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)

    async def main() -> None:
        if on == "sockets":
            server = await lwt_io.establish_server_with_client_socket(HERE, echo, server_fd=fd)
        else:
            server = await lwt_io.establish_server_with_client_address(
                HERE, echo_on_channels, fd=fd
            )
        await python(CLIENT + "exchange(connect(), b'x')", "127.0.0.1", port_of(fd))
        await lwt.pause()
        before = len(open_descriptors())
        async with server:
            assert await python(program, "127.0.0.1", port_of(fd)) == b"served\n"
            while len(open_descriptors()) > before:
                await lwt.pause()
            assert len(open_descriptors()) == before

    lwt_main.run(main())


class Failures:
    """Collects what reaches the hook."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def __call__(self, exn: Exception) -> None:
        self.kinds.append(type(exn).__name__)


@pytest.fixture
def failures() -> Failures:
    lwt.async_exception_hook.contents = found = Failures()
    return found


@pytest.mark.real_only("the program is a process of its own")
def test_clients_that_vanish_do_not_disturb_the_others(failures: Failures) -> None:
    program = CLIENT + (
        "import struct\n"
        "stays = connect()\n"
        "for number in range(20):\n"
        "    vanishes = connect()\n"
        "    exchange(vanishes, b'here')\n"
        "    vanishes.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))\n"
        "    vanishes.close()\n"
        "    exchange(stays, b'still here')\n"
        "print('served')"
    )

    async def clients(fd: lwt_unix.File_descr) -> None:
        assert await python(program, "127.0.0.1", port_of(fd)) == b"served\n"

    serve(echo, clients)
    assert failures.kinds == ["ConnectionResetError"] * 20


@pytest.mark.real_only("the program is a process of its own")
def test_clients_that_vanish_before_they_are_accepted_do_not_disturb_the_others(
    failures: Failures,
) -> None:
    program = CLIENT + (
        "import struct\n"
        "for number in range(20):\n"
        "    vanishes = connect()\n"
        "    vanishes.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))\n"
        "    vanishes.close()\n"
        "exchange(connect(), b'served')\n"
        "print('served')"
    )

    async def clients(fd: lwt_unix.File_descr) -> None:
        assert await python(program, "127.0.0.1", port_of(fd)) == b"served\n"

    serve(echo, clients)
    assert set(failures.kinds) <= {"ConnectionResetError"}


@pytest.mark.real_only("the program is a process of its own")
def test_a_half_closed_client_gets_the_rest() -> None:
    size = 3_000_000
    program = CLIENT + (
        "client = connect()\n"
        "client.sendall(b'x' * 1000)\n"
        "client.shutdown(socket.SHUT_WR)\n"
        "received = 0\n"
        "while more := client.recv(65536):\n"
        "    received += len(more)\n"
        "print(received)"
    )

    async def answer_at_length(_address: object, client: lwt_unix.File_descr) -> None:
        buffer = bytearray(4096)
        asked = 0
        while count := await lwt_unix.read(client, buffer, 0, len(buffer)):
            asked += count
        assert asked == 1000
        data = bytes(size)
        written = 0
        while written < size:
            written += await lwt_unix.write(client, data, written, size - written)

    async def clients(fd: lwt_unix.File_descr) -> None:
        assert await python(program, "127.0.0.1", port_of(fd)) == f"{size}\n".encode()

    serve(answer_at_length, clients)


def installed(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed (Debian: apt install {name})")
    return path


@pytest.mark.real_only("the program is a process of its own")
def test_nc() -> None:
    nc = installed("nc")

    async def clients(fd: lwt_unix.File_descr) -> None:
        # -N: end its half of the connection at the end of its input.
        received = await output_of(nc, "-N", "127.0.0.1", str(port_of(fd)), stdin=b"hello\n")
        assert received == b"hello\n"

    serve(echo, clients)


async def answer_http(
    _address: object, channels: tuple[lwt_io.InputChannel, lwt_io.OutputChannel]
) -> None:
    """Answer every request on a connection with its first line."""
    ic, oc = channels
    while request := await lwt_io.read_line_opt(ic):
        while await lwt_io.read_line(ic):
            pass
        body = request.value + b"\n"
        head = "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
        await lwt_io.fprintf(oc, head, len(body))
        await lwt_io.write(oc, body)


def serve_http(clients: Callable[[int], Coroutine[object, object, object]]) -> None:
    fd = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    serving = Serving(answer_http)

    async def main() -> None:
        async with await lwt_io.establish_server_with_client_address(HERE, serving, fd=fd):
            await clients(port_of(fd))
            await serving.is_over()

    lwt_main.run(main())


@pytest.mark.real_only("the program is a process of its own")
def test_curl() -> None:
    curl = installed("curl")

    async def clients(port: int) -> None:
        url = f"http://127.0.0.1:{port}"
        # Two requests on one connection.
        received = await output_of(curl, "-sS", "--max-time", "20", f"{url}/one", f"{url}/two")
        assert received == b"GET /one HTTP/1.1\nGET /two HTTP/1.1\n"

    serve_http(clients)


@pytest.mark.slow
def test_wrk(failures: Failures) -> None:
    wrk = installed("wrk")

    async def clients(port: int) -> None:
        report = await output_of(wrk, "-t1", "-c50", "-d2s", f"http://127.0.0.1:{port}/")
        assert b"requests in" in report
        assert b"Socket errors" not in report, report.decode()
        assert b"Non-2xx" not in report, report.decode()

    serve_http(clients)
    # wrk resets its connections when its time is over.
    assert set(failures.kinds) <= {"ConnectionResetError", "BrokenPipeError"}


class TestPrograms:
    """Whole programs: what becomes of the process."""

    @pytest.mark.real_only("the program is a process of its own")
    def test_an_exception_of_f_ends_the_process_with_status_2_and_a_traceback(self) -> None:
        program = (
            "import lwt_unix, socket\n"
            "from lwt_unix import lwt_io, lwt_main\n"
            "fd = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)\n"
            "async def f(address, client):\n"
            "    raise LookupError('of f')\n"
            "async def main():\n"
            "    await lwt_io.establish_server_with_client_socket(\n"
            "        ('127.0.0.1', 0), f, server_fd=fd)\n"
            "    client = socket.create_connection(lwt_unix.getsockname(fd))\n"
            "    await lwt_unix.sleep(1000)\n"
            "lwt_main.run(main())\n"
        )
        done = run_code(program, PYTHONWARNINGS="ignore")
        assert done.returncode == 2
        assert "Traceback" in done.stderr
        assert "LookupError: of f" in done.stderr

    @pytest.mark.real_only("the program is a process of its own")
    def test_a_server_without_descriptors_to_spare_serves_when_it_has_some_again(self) -> None:
        # A client too many waits in the kernel's queue until another leaves.
        program = (
            "import errno, lwt, lwt_unix, os, resource\n"
            "from lwt_unix import lwt_io, lwt_main\n"
            "def hook(exn):\n"
            "    assert exn.errno == errno.EMFILE, exn\n"
            "    os.write(1, b'exhausted\\n')\n"
            "lwt.async_exception_hook.contents = hook\n"
            "fd = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)\n"
            "async def f(address, client):\n"
            "    await lwt_unix.write(client, b'welcome\\n', 0, 8)\n"
            "    buffer = bytearray(10)\n"
            "    while await lwt_unix.read(client, buffer, 0, 10):\n"
            "        pass\n"
            "async def main():\n"
            "    async with await lwt_io.establish_server_with_client_socket(\n"
            "            ('127.0.0.1', 0), f, server_fd=fd):\n"
            "        os.write(1, b'port %d\\n' % lwt_unix.getsockname(fd).port)\n"
            "        used = len(os.listdir('/proc/self/fd')) - 1\n"
            "        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 1, used + 1))\n"
            "        await lwt_unix.sleep(1000)\n"
            "lwt_main.run(lwt.pause())\n"
            "lwt_main.run(main())\n"
        )
        with running([sys.executable, "-c", program]) as server:
            assert server.stdout is not None
            port = int(read_until(server.stdout, b"\n").split()[1])
            with socket.create_connection(("127.0.0.1", port)) as first:
                read_until(first, b"welcome\n")
                with socket.create_connection(("127.0.0.1", port)) as second:
                    read_until(server.stdout, b"exhausted\n")
                    first.close()
                    read_until(second, b"welcome\n")

    @pytest.mark.real_only("the program is a process of its own")
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_can_shut_a_server_down_in_order(self, number: signal.Signals) -> None:
        program = (
            "import lwt, lwt_unix, os, signal\n"
            "from lwt_unix import lwt_io, lwt_main\n"
            "fd = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)\n"
            "async def f(address, client):\n"
            "    await lwt_unix.write(client, b'welcome\\n', 0, 8)\n"
            "    await stopping\n"
            "    await lwt_unix.write(client, b'goodbye\\n', 0, 8)\n"
            "stopping, stop = lwt.wait()\n"
            "async def main():\n"
            "    server = await lwt_io.establish_server_with_client_socket(\n"
            "        ('127.0.0.1', 0), f, server_fd=fd)\n"
            "    lwt_unix.on_signal(signal.SIGINT, lambda _: lwt.wakeup_later(stop, None))\n"
            "    lwt_unix.on_signal(signal.SIGTERM, lambda _: lwt.wakeup_later(stop, None))\n"
            "    os.write(1, b'port %d\\n' % lwt_unix.getsockname(fd).port)\n"
            "    await stopping\n"
            "    await lwt_io.shutdown_server(server)\n"
            "lwt_main.run(main())\n"
        )
        with running([sys.executable, "-c", program]) as server:
            assert server.stdout is not None
            assert server.stderr is not None
            port = int(read_until(server.stdout, b"\n").split()[1])
            with socket.create_connection(("127.0.0.1", port)) as client:
                read_until(client, b"welcome\n")
                server.send_signal(number)
                assert b"goodbye\n" in read_until(client, b"goodbye\n")
                assert (server.wait(), server.stderr.read()) == (0, b"")
