"""What a client may do to the servers of the README, the tutorial, the guides and the examples.

One client does its worst. Meanwhile or afterwards another one is served, and the server runs on.
"""

import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.programs import (
    EXAMPLES,
    ROOT,
    connect,
    read_to_end,
    read_until,
    reset,
    running,
    unused_port,
)
from tests.support.readme import readme_block


@dataclass(frozen=True)
class Copied:
    """A server that people copy.

    `says` is what it prints when it listens. A client is asked `asks`, if that is not empty; then
    it sends `question`, and gets `answer`.
    """

    name: str
    command: Callable[[Path, int], list[str | Path]]
    says: bytes
    question: bytes
    answer: bytes
    asks: bytes = b""


def of_readme(folder: Path, port: int) -> list[str | Path]:
    program = folder / "echo.py"
    program.write_text(readme_block("python", port))
    return [program]


def of_page(page: str, statement: str) -> Callable[[Path, int], list[str | Path]]:
    program = ROOT / "tests" / "support" / "serve_page.py"
    return lambda _folder, _port: [program, ROOT / "docs" / page, statement]


TUTORIAL = "tutorial/2-a-server.md"
GET = b"GET / HTTP/1.1\r\n\r\n"

SERVERS = [
    Copied("README", of_readme, b"Try: nc", b"hello\n", b"hello\n"),
    Copied(
        "tutorial, step 4",
        of_page(TUTORIAL, "serve = chat"),
        b"listens",
        b"Ada\n",
        b"Welcome, Ada\n",
        b"?",
    ),
    Copied(
        "tutorial, step 5",
        of_page(TUTORIAL, "closing, close_all = lwt.wait()"),
        b"listens",
        b"",
        b"Welcome, guest",
    ),
    Copied(
        "stop-a-server",
        of_page("how-to/stop-a-server.md", "serve = Server().serve"),
        b"listens",
        b"hello\n",
        b"HELLO\n",
    ),
    Copied(
        "serve-strangers",
        of_page(
            "how-to/serve-strangers.md", "logging.getLogger('lwt_unix').removeHandler(handler)"
        ),
        b"listens",
        b"[1, 2]\n",
        b"3\n",
    ),
    Copied("chat.py", lambda _f, _p: [EXAMPLES / "chat.py"], b"To stop", b"", b"Welcome, guest"),
    Copied(
        "http_server.py",
        lambda _f, port: [EXAMPLES / "http_server.py", "--port", str(port)],
        b"Listening",
        GET,
        b"Hello from lwt.\n",
    ),
]


@dataclass(frozen=True)
class Running:
    """A server that runs."""

    copied: Copied
    program: subprocess.Popen[bytes]
    port: int

    def serves(self) -> bool:
        """Be served, as a client who does no harm."""
        with connect(self.port) as client:
            self.enter(client)
        return self.program.poll() is None

    def enter(self, client: socket.socket) -> None:
        """Send the question, and get the answer."""
        if self.copied.asks:
            read_until(client, self.copied.asks)
        client.sendall(self.copied.question)
        read_until(client, self.copied.answer)


@pytest.fixture(scope="module", params=SERVERS, ids=lambda copied: copied.name)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """Each server in its turn, as a program; all tests have the same one."""
    copied, folder = request.param, tmp_path_factory.mktemp("server")
    with unused_port() as port:
        command = [sys.executable, *copied.command(folder, port)]
        with running(command, cwd=folder, PORT=str(port)) as program:
            assert program.stdout
            read_until(program.stdout, copied.says)
            yield Running(copied, program, port)


def test_clients_that_reset_their_connections(server: Running) -> None:
    for words in b"", b"half a l", b"line\n", 1000 * b"line\n":
        for _ in range(3):
            client = connect(server.port)
            client.sendall(words)
            reset(client)
    assert server.serves()


def test_a_flood_from_a_client_that_reads_nothing(server: Running) -> None:
    with connect(server.port) as client:
        client.setblocking(False)
        with suppress(BlockingIOError):
            while True:  # until the server, or the kernel for it, takes no more for now
                client.send(1000 * (server.copied.question or b"line\n"))
        assert server.serves()
    assert server.serves()


def test_a_line_without_end(server: Running) -> None:
    line = 50_000_000 * b"x"  # of which the server takes little, and the kernel a few megabytes
    with connect(server.port) as client, pytest.raises(ConnectionError):
        client.sendall(line)
    assert server.serves()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(100_000 * b"[" + b"\n", id="100,000 brackets"),
        pytest.param(
            b"POST /echo HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + 100_000 * b"[",
            id="100,000 brackets in a body of HTTP",
        ),
        pytest.param(b"\xff\xfe\x00\x80\r\n\r\n\n", id="no text"),
    ],
)
def test_what_no_parser_likes(server: Running, data: bytes) -> None:
    with connect(server.port) as client, suppress(OSError):
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        read_to_end(client)  # it is answered, or hung up on
    assert server.serves()


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux sets limits of others")
def test_more_clients_than_there_are_descriptors(server: Running) -> None:
    pid = server.program.pid
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = [int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()]
    limit = max(used) + 3
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, usual[1]))
    with ExitStack() as stack:
        for _ in range(limit - len(used) + 3):
            stack.enter_context(connect(server.port))
        # It says so: it has run out of them now.
        assert server.program.stderr
        read_until(server.program.stderr, b"Too many open files")
    assert server.serves()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)


@pytest.mark.parametrize(
    "server",
    [copied for copied in SERVERS if copied.name.startswith("tutorial")],
    ids=lambda copied: copied.name,
    indirect=True,
)
def test_a_listener_who_does_not_read_is_hung_up_on_and_the_others_hear_all(
    server: Running,
) -> None:
    """The other server whose clients hear each other is chat.py: see test_examples_chat.py."""
    with socket.socket() as deaf, connect(server.port) as speaker, connect(server.port) as listener:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that it is full soon
        deaf.connect(("127.0.0.1", server.port))
        for client in deaf, speaker, listener:
            server.enter(client)
        for number in range(100):
            speaker.sendall(b"%d" % number + 900 * b"x" + b"\n")
            read_until(listener, b"%dx" % number)
        assert len(read_to_end(deaf)) < 90_000
    assert server.serves()


def test_each_error_costs_one_client_of_the_readme_its_connection(tmp_path: Path) -> None:
    with unused_port() as port:
        source = readme_block("python", port)
        answer = "await lwt_io.write_line(oc, line)"
        assert source.count(answer) == 1
        errors = "dict(memory=MemoryError, recursion=RecursionError, key=KeyError)"
        program = tmp_path / "echo.py"
        program.write_text(
            source.replace(
                answer, f"if line != b'hello': raise {errors}[line.decode()]\n        {answer}"
            )
        )
        with running([sys.executable, program]) as server:
            assert server.stdout
            assert server.stderr
            read_until(server.stdout, b"Try: nc")
            with connect(port) as bystander:
                for word in b"memory", b"recursion", b"key":
                    with connect(port) as client:
                        client.sendall(word + b"\n")
                        assert read_to_end(client) == b""
                    read_until(server.stderr, b"\n" + word.capitalize() + b"Error\n")
                bystander.sendall(b"hello\n")
                read_until(bystander, b"hello\n")


def test_what_is_logged_of_a_client_that_resets_its_connection_is_a_kilobyte_or_two(
    tmp_path: Path,
) -> None:
    with unused_port() as port, running([sys.executable, *of_readme(tmp_path, port)]) as server:
        assert server.stdout
        assert server.stderr
        read_until(server.stdout, b"Try: nc")
        client = connect(port)
        client.sendall(b"hello\n")
        read_until(client, b"hello\n")
        reset(client)
        logged = read_until(server.stderr, b"Connection reset by peer\n")
        assert 1_000 < len(logged) < 3_000


@contextmanager
def tutorial(step: int, statements: str, folder: Path) -> Iterator[Running]:
    """Run the server of a step of the tutorial, changed by some statements."""
    copied = next(copied for copied in SERVERS if copied.name == f"tutorial, step {step}")
    begin = "serve = chat\n" if step == 4 else "closing, close_all = lwt.wait()\n"
    with unused_port() as port:
        command = [sys.executable, *of_page(TUTORIAL, begin + statements)(folder, port)]
        with running(command, cwd=folder, PORT=str(port)) as program:
            assert program.stdout
            read_until(program.stdout, copied.says)
            yield Running(copied, program, port)


@pytest.mark.parametrize("step", [4, 5])
def test_an_error_in_a_conversation_of_the_tutorial_leaves_nobody_in_the_room(
    step: int, tmp_path: Path
) -> None:
    raising = """
kindly = announce
def announce(text, *, but=None):
    if text.endswith(": bug"):
        raise KeyError("a bug")
    if text.endswith(": who"):
        text = f"{len(present)} are here"
    return kindly(text, but=but)
"""
    with ExitStack() as stack:
        server = stack.enter_context(tutorial(step, raising, tmp_path))
        speaker, listener, client = (stack.enter_context(connect(server.port)) for _ in range(3))
        for each in speaker, listener, client:
            server.enter(each)
        client.sendall(b"bug\n")
        read_to_end(client)
        speaker.sendall(b"who\n")
        assert b"2 are here" in read_until(listener, b" are here\n")


@pytest.mark.parametrize("step", [4, 5])
def test_the_tutorial_hangs_up_on_a_client_that_is_silent(step: int, tmp_path: Path) -> None:
    sooner = """
patient = next_line
def next_line(input, *, limit, seconds):
    return patient(input, limit=limit, seconds=0.1 if seconds == 3600.0 else seconds)
"""
    with tutorial(step, sooner, tmp_path) as server, connect(server.port) as client:
        server.enter(client)
        read_to_end(client)
