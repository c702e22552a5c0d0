"""The HTTP server of docs/examples, met by curl, by wrk and by bare sockets."""

import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import lwt
import lwt_unix
from docs.examples import http_server
from lwt_unix import lwt_main
from tests.support.programs import (
    connect,
    finish,
    port_in,
    read_to_end,
    read_until,
    reset,
    running_example,
)
from tests.support.servers import heard_until, served_by

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


@contextmanager
def running_server() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """An HTTP server on a free port."""
    with running_example("http_server.py", "--port", "0") as server:
        assert server.stdout
        announcement = read_until(server.stdout, b"\n")
        yield server, port_in(announcement, b"http://127.0.0.1:")


@pytest.fixture(scope="module", name="port")
def port_fixture() -> Iterator[int]:
    """The port of a server that the tests of this module share."""
    with running_server() as (_, port):
        yield port


def exchange(port: int, request: bytes) -> bytes:
    """Send `request` on a connection of its own; return all that comes until the server closes."""
    with connect(port) as client:
        client.sendall(request)
        return read_to_end(client)


def curl(port: int, path: str, *arguments: str | Path) -> str:
    """Fetch with curl; return the body followed by the status."""
    url = f"http://127.0.0.1:{port}{path}"
    fetched = subprocess.run(
        ["curl", "--silent", "--show-error", "--write-out", "[%{http_code}]", *arguments, url],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return fetched.stdout


@needs_curl
def test_curl_gets_the_greeting(port: int) -> None:
    assert curl(port, "/") == "Hello from lwt.\n[200]"


@needs_curl
def test_curl_gets_back_the_body_that_it_posts(port: int, tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(os.urandom(1000_000))
    answer = tmp_path / "answer"
    said = curl(port, "/echo", "--data-binary", f"@{body}", "--output", answer)
    assert (said, answer.read_bytes()) == ("[200]", body.read_bytes())


@needs_curl
def test_curl_gets_two_answers_on_one_connection(port: int) -> None:
    url = f"http://127.0.0.1:{port}/"
    # %{num_connects} counts the connections opened for each of the transfers.
    report = curl(port, "/", "--write-out", "{%{num_connects}}", url)
    assert report == "Hello from lwt.\n{1}Hello from lwt.\n{0}"


@needs_curl
def test_curl_is_told_what_is_not_there(port: int) -> None:
    assert curl(port, "/nowhere") == "There is no /nowhere here.\n[404]"


@needs_wrk
def test_wrk_gets_nothing_but_good_answers(port: int) -> None:
    wrk = subprocess.run(
        ["wrk", "-t", "1", "-c", "50", "-d", "1s", f"http://127.0.0.1:{port}/"],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    answered = re.search(r"([0-9]+) requests in", wrk.stdout)
    assert answered and int(answered[1]) > 50, wrk.stdout
    assert "Non-2xx" not in wrk.stdout and "Socket errors" not in wrk.stdout, wrk.stdout


def test_a_pipeline_of_requests_is_answered_in_order(port: int) -> None:
    answers = exchange(
        port,
        b"POST /echo HTTP/1.1\r\nContent-Length: 3\r\n\r\none"
        b"POST /echo HTTP/1.1\r\nContent-Length: 3\r\n\r\ntwo"
        b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
    )
    bodies = re.findall(rb"\r\n\r\n(.*?)(?=HTTP/1\.1 |\Z)", answers, re.DOTALL)
    assert bodies == [b"one", b"two", b"Hello from lwt.\n"]


def test_a_request_that_comes_byte_by_byte_is_answered(port: int) -> None:
    with connect(port) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"POST /echo HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi":
            client.sendall(bytes([byte]))
        assert read_until(client, b"hi").startswith(b"HTTP/1.1 200 OK\r\n")


def test_head_gets_the_length_and_no_body(port: int) -> None:
    answer = exchange(port, b"HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert b"\r\nContent-Length: 16\r\n" in answer and answer.endswith(b"\r\n\r\n")


def test_an_http_1_0_client_that_does_not_ask_to_stay_is_hung_up_on(port: int) -> None:
    assert exchange(port, b"GET / HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nHello from lwt.\n")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/2.0\r\n\r\n", b"400 Bad Request"),
        (b"GET nowhere HTTP/1.1\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/1.1\r\nno header\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400 Bad Request"),
        (b"POST /echo HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413 "),
        (b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"501 "),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 4000, b"431 "),
    ],
)
def test_a_bad_request_is_told_so_and_hung_up_on(
    port: int, request_bytes: bytes, status: bytes
) -> None:
    answer = exchange(port, request_bytes)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"\r\nConnection: close\r\n" in answer


def test_another_method_is_refused_and_the_connection_kept(port: int) -> None:
    answers = exchange(port, b"PUT / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert re.findall(rb"HTTP/1\.1 ([0-9]+)", answers) == [b"405", b"200"]


def test_clients_that_vanish_do_no_harm() -> None:
    with running_server() as (server, port):
        for request in b"", b"GET / HT", b"POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf":
            client = connect(port)
            client.sendall(request)
            reset(client)
        assert exchange(port, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")
        server.send_signal(signal.SIGTERM)
        assert finish(server) == (0, b"", b"")


def test_a_client_that_asks_for_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "PATIENCE", 0.01)
    with served_by(http_server.Server().serve) as (silent, connection):
        lwt_main.run(connection)
        assert read_to_end(silent) == b""


def test_a_client_that_reads_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "PATIENCE", 0.05)
    with served_by(http_server.Server().serve) as (deaf, connection):
        deaf.setblocking(False)
        requests = 1000 * b"GET / HTTP/1.1\r\n\r\n"
        while lwt.is_sleeping(connection):
            with suppress(BlockingIOError, BrokenPipeError):
                deaf.send(requests)
            lwt_main.run(lwt.pick([lwt_unix.sleep(0.01), lwt.protected(connection)]))
        deaf.setblocking(True)
        with suppress(ConnectionError):
            read_to_end(deaf)  # there is an end


def test_a_client_that_asks_for_many_things_at_once_keeps_nobody_waiting() -> None:
    serve, request = http_server.Server().serve, b"GET / HTTP/1.1\r\n\r\n"
    with served_by(serve) as (eager, _), served_by(serve) as (modest, _):
        eager.sendall(1000 * request)
        modest.sendall(request)
        lwt_main.run(heard_until(b"lwt.\n", modest))
        answers = lwt_main.run(heard_until(b"lwt.\n", eager))
        assert answers.count(b"200 OK") <= 3


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_though_clients_are_connected(stop: signal.Signals) -> None:
    with running_server() as (server, port), connect(port) as idle, connect(port) as busy:
        idle.sendall(b"GET / HTTP/1.1\r\n\r\n")
        read_until(idle, b"lwt.\n")
        busy.sendall(b"GET / HT")
        server.send_signal(stop)
        assert (read_to_end(idle), read_to_end(busy)) == (b"", b"")
        assert finish(server) == (0, b"", b"")


def test_a_port_in_use_is_one_clear_line_and_status_1(port: int) -> None:
    with running_example("http_server.py", "--port", str(port)) as second:
        status, _, err = finish(second)
    assert (status, err.decode()) == (
        1,
        f"Cannot listen on 127.0.0.1 port {port}: Address already in use.\n",
    )


def test_help_says_what_it_does_and_which_options_it_takes() -> None:
    with running_example("http_server.py", "--help") as server:
        status, out, _ = finish(server)
    assert status == 0
    assert all(word in out.decode() for word in ("HTTP/1.1 server", "--host", "--port", "8080"))
