"""The server of several processes of docs/examples, met by sockets and signals."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.programs import (
    connect,
    finish,
    port_in,
    read_to_end,
    read_until,
    running_example,
)


@contextmanager
def running_server(workers: int) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server on a free port."""
    arguments = ("--port", "0", "--workers", str(workers))
    with running_example("prefork.py", *arguments) as server:
        assert server.stdout
        yield server, port_in(read_until(server.stdout, b"\n").replace(b",", b" "), b"127.0.0.1:")


def children_of(server: subprocess.Popen[bytes]) -> set[int]:
    path = Path(f"/proc/{server.pid}/task/{server.pid}/children")
    if not path.exists():
        pytest.skip("the system does not tell the children of a process")
    return set(map(int, path.read_text().split()))


def ask(port: int, line: bytes) -> tuple[int, bytes]:
    """Send a line on a new connection; return who has answered, and what."""
    while True:
        try:
            with connect(port) as client:
                client.sendall(line + b"\n")
                who, _, answer = read_until(client, b"\n").partition(b": ")
                return int(who), answer
        except (ConnectionError, AssertionError):
            continue  # No worker is there yet, or it died with our connection in its queue.


def test_all_workers_answer_on_one_port() -> None:
    with running_server(2) as (server, port):
        answered = set()
        while len(answered) < 2:
            who, answer = ask(port, b"hello")
            assert answer == b"HELLO\n"
            answered.add(who)
        assert answered == children_of(server)
        server.terminate()
        status, out, err = finish(server)
    assert (status, out, err) == (0, b"Stopping.\nStopped.\n", b"")


def test_a_worker_that_dies_is_started_again() -> None:
    with running_server(1) as (server, port):
        first, _ = ask(port, b"hello")
        os.kill(first, signal.SIGKILL)
        assert server.stdout
        read_until(server.stdout, b"A worker has ended: WSIGNALED(signum=9).\n")
        second, answer = ask(port, b"again")
        assert answer == b"AGAIN\n"
        assert first != second
        server.terminate()
        assert finish(server)[0] == 0


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_on_a_signal_clients_are_let_go_when_they_have_their_answer_and_no_process_stays(
    signum: int,
) -> None:
    with running_server(2) as (server, port):
        ask(port, b"hello")
        with connect(port) as client:
            client.sendall(b"one\n")
            read_until(client, b": ONE\n")
            workers = children_of(server)
            server.send_signal(signum)
            assert read_to_end(client) == b""
        status, out, err = finish(server)
        assert (status, out, err) == (0, b"Stopping.\nStopped.\n", b"")
        assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
