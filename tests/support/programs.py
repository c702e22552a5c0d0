"""Running a program of ours as its user would, and talking to it over sockets.

Nothing here sleeps: what a program or a peer says is read until the expected text
has come. A text that never comes ends in the test's timeout.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"


def environment(**changes: str) -> dict[str, str]:
    """The environment of a program: ours, this checkout on the path, and `changes`.

    Without what an outer make says to its sub-makes.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    ours.pop("MFLAGS", None)
    return {**ours, "PYTHONPATH": str(ROOT), **changes}


def run_code(
    code: str, *options: str, stdin: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run lines of Python in a new interpreter, whose descriptors 0, 1 and 2 are pipes."""
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        env=environment(**env),
        input=stdin,
        capture_output=True,
        check=False,
        text=True,
    )


@contextmanager
def running(
    command: Sequence[str | Path], *, cwd: Path = ROOT, **env: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program in a process group of its own; kill whatever is left of it at the end."""
    with subprocess.Popen(
        command,
        env=environment(**env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as program:
        try:
            yield program
        finally:
            if program.poll() is None:
                os.killpg(program.pid, 9)


@contextmanager
def running_example(name: str, *arguments: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start one of docs/examples, in which every warning is an error."""
    command: list[str | Path] = [sys.executable, "-W", "error", EXAMPLES / name, *arguments]
    with running(command, cwd=ROOT, **env) as program:
        yield program


def in_child(run: Callable[[], object]) -> int:
    """Call a function in a child process; return its exit status: 0 if nothing was raised."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            run()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def read_until(source: IO[bytes] | socket.socket, text: bytes) -> bytes:
    """Read until `text` has come; return all that came. Fail if the source ends first."""
    # From the descriptor, not from the buffer of a file object: that would wait for more.
    heard = b""
    while text not in heard:
        more = os.read(source.fileno(), 65536)
        assert more, f"expected {text!r}, but it ended after {heard!r}"
        heard += more
    return heard


def read_to_end(source: socket.socket) -> bytes:
    """Read until the peer closes; return all that came."""
    return b"".join(iter(lambda: source.recv(65536), b""))


def port_in(announcement: bytes, before: bytes) -> int:
    """Return the port number that follows `before` in what a server announced."""
    return int(announcement.split(before, 1)[1].split()[0].strip(b"./"))


def connect(port: int) -> socket.socket:
    """Connect to a server on the loopback interface."""
    return socket.create_connection(("127.0.0.1", port))


def reset(connection: socket.socket) -> None:
    """Vanish: close so that the peer gets a reset instead of an orderly end."""
    linger_on_for_no_time = b"\x01\0\0\0\0\0\0\0"
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_on_for_no_time)
    connection.close()


def finish(program: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    """Wait for a program to end; return its status and what else it said on both outputs."""
    out, err = program.communicate()
    return program.returncode, out, err


@contextmanager
def unused_port() -> Iterator[int]:
    """A port that is free, and kept from others while in use here.

    A socket that is bound but does not listen holds the port; a server that sets
    SO_REUSEADDR, as ours does, may listen on it all the same.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
