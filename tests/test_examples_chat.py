"""The chat server of docs/examples, as its users meet it: `make run` starts it."""

import os
import re
import select
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

import lwt
import lwt_unix
from docs.examples import chat
from lwt_unix import lwt_io, lwt_main
from tests.support.programs import (
    ROOT,
    connect,
    finish,
    port_in,
    read_to_end,
    read_until,
    reset,
    running,
    running_example,
)
from tests.support.servers import Channels, heard_until, served_by

ANNOUNCEMENT = b"To stop: "


@contextmanager
def chat_server() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A chat server on a free port."""
    with running_example("chat.py", PORT="0") as server:
        assert server.stdout
        yield server, port_in(read_until(server.stdout, ANNOUNCEMENT), b"nc 127.0.0.1")


@contextmanager
def guests(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Clients that have been greeted, guest1 first, with nothing left to read."""
    with ExitStack() as stack:
        present: list[socket.socket] = []
        for number in range(1, count + 1):
            newcomer = stack.enter_context(connect(port))
            read_until(newcomer, b"Welcome")
            for other in present:
                read_until(other, b"guest%d has come.\n" % number)
            present.append(newcomer)
        yield present


def test_it_says_how_to_connect_and_how_to_stop() -> None:
    with running_example("chat.py", PORT="0") as server:
        assert server.stdout
        announcement = read_until(server.stdout, ANNOUNCEMENT + b" " * 24).decode()
    assert re.search(r"nc 127\.0\.0\.1 [1-9][0-9]*\n", announcement)


def test_it_greets_each_client_with_the_names_of_the_others() -> None:
    with chat_server() as (_, port), connect(port) as first, connect(port) as second:
        assert b"guest1. With you: nobody else.\n" in read_until(first, b"else.\n")
        assert b"guest2. With you: guest1.\n" in read_until(second, b"guest1.\n")


def test_a_line_goes_to_all_but_its_author() -> None:
    with chat_server() as (_, port), guests(port, 3) as (ada, bob, eve):
        ada.sendall(b"good morning\n")
        assert read_until(bob, b"\n") == b"guest1: good morning\n"
        assert read_until(eve, b"\n") == b"guest1: good morning\n"
        bob.sendall(b"morning\n")
        assert read_until(ada, b"\n") == b"guest2: morning\n"


def test_a_line_that_comes_in_pieces_is_relayed_whole() -> None:
    with chat_server() as (_, port), guests(port, 2) as (ada, bob):
        ada.sendall(b"one ")
        bob.sendall(b"two\n")
        assert read_until(ada, b"\n") == b"guest2: two\n"
        ada.sendall(b"line\n")
        assert read_until(bob, b"\n") == b"guest1: one line\n"


def test_what_could_play_tricks_on_a_terminal_is_left_out() -> None:
    with chat_server() as (_, port), guests(port, 2) as (ada, bob):
        ada.sendall("\x1b[2J\u00e9t\u00e9\r\n".encode() + b"\xff\n")
        assert read_until(bob, b"\xef\xbf\xbd\n").decode() == "guest1: [2Jété\nguest1: \ufffd\n"


def test_a_last_line_without_an_end_is_relayed() -> None:
    with chat_server() as (_, port), guests(port, 2) as (ada, bob):
        bob.sendall(b"bye")
        bob.shutdown(socket.SHUT_WR)
        assert read_until(ada, b"left.\n") == b"guest2: bye\n* guest2 has left.\n"


def test_a_client_that_leaves_is_announced() -> None:
    with chat_server() as (_, port), guests(port, 2) as (ada, bob):
        bob.shutdown(socket.SHUT_WR)
        assert read_until(ada, b"left.\n") == b"* guest2 has left.\n"
        assert read_to_end(bob) == b""


def test_it_survives_clients_that_vanish() -> None:
    with chat_server() as (server, port), guests(port, 3) as (ada, bob, eve):
        for _ in range(100):
            bob.sendall(b"some words\n")
        reset(bob)
        reset(eve)
        heard = read_until(ada, b"left.\n")
        if heard.count(b"left.\n") == 1:
            heard += read_until(ada, b"left.\n")
        assert b"* guest2 has left.\n" in heard and b"* guest3 has left.\n" in heard
        with connect(port) as dan:
            read_until(ada, b"guest4 has come.\n")
            read_until(dan, b"With you: guest1.\n")
        server.send_signal(signal.SIGTERM)
        assert finish(server)[::2] == (0, b"")


def test_a_line_without_end_is_cut_off_and_its_author_with_it() -> None:
    with chat_server() as (_, port), guests(port, 2) as (ada, bob):
        ada.sendall(b"x" * 5000)
        assert read_until(ada, b"\n") == b"* That line is too long. Goodbye.\n"
        assert read_until(bob, b"\n") == b"* guest1 has left.\n"


def test_a_client_that_does_not_read_is_dropped_and_stalls_nobody() -> None:
    with chat_server() as (_, port), guests(port, 3) as (deaf, ada, bob):
        line = b"x" * 4000 + b"\n"
        heard = b""
        while b"guest1 has left" not in heard:
            ada.sendall(line)
            read_until(bob, b"\n")
            if select.select([ada], [], [], 0)[0]:
                heard += ada.recv(65536)
        ada.sendall(b"still here\n")
        assert read_until(bob, b"still here\n").endswith(b"guest2: still here\n")
        deaf.close()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_with_a_goodbye_to_every_client(stop: signal.Signals) -> None:
    with chat_server() as (server, port), guests(port, 3) as clients:
        server.send_signal(stop)
        for client in clients:
            assert read_to_end(client) == b"* The server stops here. Goodbye.\n"
        status, out, err = finish(server)
        assert (status, err) == (0, b"")
        assert out.endswith(b"Everyone has hung up. Goodbye.\n")
        with pytest.raises(ConnectionRefusedError):
            connect(port)


def test_a_client_that_takes_nothing_is_hung_up_on_without_its_last_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chat, "PATIENCE", 0.01)
    never, _ = lwt.task()
    output = lwt_io.make(lambda _buffer, _offset, _length: never, mode=lwt_io.Output)
    client = chat.Client("deaf", output)
    unheard = client.send("a line that stays in the buffer")
    lwt_main.run(client.leave("goodbye"))
    assert lwt_io.is_closed(output)
    assert not lwt.is_sleeping(unheard)


def test_a_client_for_which_too_much_waits_is_dropped_and_no_more_waits_for_it() -> None:
    never, _ = lwt.task()
    output = lwt_io.make(lambda _buffer, _offset, _length: never, mode=lwt_io.Output)
    client = chat.Client("deaf", output)
    sent = [client.send(3000 * "x") for _ in range(10 * chat.MAX_WAITING)]
    assert sum(map(lwt.is_sleeping, sent)) == chat.MAX_WAITING
    assert lwt_main.run(client.dropped) == "* You are too slow. Goodbye.\n"
    lwt_io.abort(output)
    assert not any(map(lwt.is_sleeping, sent))


def test_a_client_that_says_nothing_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "MAX_SILENCE", 0.01)
    with served_by(chat.Room().serve) as (silent, conversation):
        lwt_main.run(conversation)
        said = read_to_end(silent)
    assert said.endswith(b"* You have said nothing for a long time. Goodbye.\n")


def test_a_client_whose_conversation_ends_by_a_bug_has_left_like_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(line: bytes) -> str:
        raise KeyError(line)

    async def note(exception: Exception) -> None:
        noted.append(exception.args)

    def serve(address: lwt_unix.Sockaddr, channels: Channels) -> lwt.Promise[None]:
        return lwt.catch(lambda: room.serve(address, channels), note)

    noted: list[object] = []
    room = chat.Room()
    monkeypatch.setattr(chat, "printable", fail)
    with served_by(serve) as (bob, _), served_by(serve) as (ada, ended):
        ada.sendall(b"hello\n")
        lwt_main.run(heard_until(b"guest2 has left.\n", bob))
        lwt_main.run(ended)
    assert noted == [(b"hello",)]


def test_a_packet_of_4096_lines_keeps_nobody_waiting() -> None:
    serve = chat.Room().serve
    with (
        served_by(serve) as (flooder, _),
        served_by(serve) as (ada, _),
        served_by(serve) as (bob, _),
    ):
        flooder.sendall(4096 * b"\n")
        ada.sendall(b"hello\n")
        heard = lwt_main.run(heard_until(b"guest2: hello\n", bob))
        assert heard.count(b"guest1: \n") <= 2


def test_a_second_signal_stops_it_at_once() -> None:
    with chat_server() as (server, port), guests(port, 1):
        # Stopped meanwhile, so that both are there when it looks.
        for number in signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGCONT:
            server.send_signal(number)
        assert finish(server) == (128 + signal.SIGTERM, b"", b"")


def test_a_port_in_use_is_one_clear_line_and_status_1() -> None:
    with chat_server() as (_, port), running_example("chat.py", PORT=str(port)) as second:
        status, out, err = finish(second)
    assert (status, out) == (1, b"")
    assert err.decode() == (
        f"Cannot listen on 127.0.0.1 port {port}: Address already in use. "
        f"Another port can be chosen with PORT.\n"
    )


@pytest.mark.parametrize("port", ["http", "-1", "65536", ""])
def test_a_port_that_is_none_is_one_clear_line_and_status_1(port: str) -> None:
    with running_example("chat.py", PORT=port) as server:
        status, _, err = finish(server)
    assert (status, err.decode()) == (1, f"PORT must be a number from 0 to 65535, not {port!r}.\n")


@pytest.mark.skipif(shutil.which("nc") is None, reason="nc is not installed")
def test_two_nc_sessions_talk_to_each_other_until_the_server_stops() -> None:
    with chat_server() as (server, port), ExitStack() as stack:
        ada, bob = (
            stack.enter_context(
                subprocess.Popen(
                    ["nc", "127.0.0.1", str(port)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            for _ in range(2)
        )
        assert ada.stdin and ada.stdout and bob.stdin and bob.stdout
        read_until(ada.stdout, b"Welcome")
        read_until(bob.stdout, b"Welcome")
        # Either may be the first guest: both connect in their own time.
        os.write(ada.stdin.fileno(), b"hello from nc\n")
        assert b": hello from nc\n" in read_until(bob.stdout, b"nc\n")
        os.write(bob.stdin.fileno(), b"hello yourself\n")
        assert b": hello yourself\n" in read_until(ada.stdout, b"yourself\n")
        server.send_signal(signal.SIGINT)
        read_until(ada.stdout, b"Goodbye.\n")
        read_until(bob.stdout, b"Goodbye.\n")
        assert finish(server)[::2] == (0, b"")


@pytest.mark.skipif(
    not (ROOT / ".venv" / ".runnable").exists(), reason="make has made no environment here"
)
def test_ctrl_c_under_make_run_ends_the_server_cleanly_and_make_says_nothing() -> None:
    with running(["make", "run"], PORT="0") as make:
        assert make.stdout
        port = port_in(read_until(make.stdout, ANNOUNCEMENT), b"nc 127.0.0.1")
        with guests(port, 2) as clients:
            os.killpg(make.pid, signal.SIGINT)  # as a terminal does
            for client in clients:
                assert read_to_end(client).endswith(b"Goodbye.\n")
        status, out, err = finish(make)
    assert out.endswith(b"Everyone has hung up. Goodbye.\n")
    assert err == b""
    # make waits for the server, then ends itself by the signal it got.
    assert status == -signal.SIGINT
