"""Servers whose clients are sockets: what they get, when they are closed, where exceptions go.

Clients here are plain sockets of this process: the kernel accepts a connection before the server
does. Clients in other processes are in `test_servers_clients.py`.
"""

from __future__ import annotations

import errno
import os
import re
from itertools import pairwise
from pathlib import Path

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main
from tests.support.channels import pauses
from tests.support.programs import read_to_end, reset
from tests.support.servers import (
    HERE,
    Handler,
    Served,
    client_of,
    new_socket,
    nothing,
    one_client,
    serve,
)

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


class TestClients:
    def test_f_gets_the_address_and_the_socket_of_the_client(self) -> None:
        addresses: list[object] = []

        async def greet(_address: object, client: lwt_unix.File_descr) -> None:
            await lwt_unix.write(client, b"hello", 0, 5)

        @lwt.promised
        async def clients(fd: lwt_unix.File_descr, served: Served) -> None:
            with client_of(fd) as client:
                addresses.append(lwt_unix.ADDR_INET(*client.getsockname()))
                await served.number(1)
                assert read_to_end(client) == b"hello"

        served = serve(lwt.promised(greet), clients)
        assert [address for address, _ in served.clients] == addresses

    def test_f_may_be_an_async_function(self) -> None:
        async def f(_address: object, client: lwt_unix.File_descr) -> None:
            await lwt.pause()

        @lwt.promised
        async def clients(fd: lwt_unix.File_descr, served: Served) -> None:
            with client_of(fd):
                await served.number(1)
                await pauses(2)

        # Served calls it and passes the coroutine on.
        served = serve(f, clients)  # type: ignore[arg-type]  # a coroutine in place of a promise
        assert served.states == [lwt_unix.Closed]

    def test_a_client_does_not_wait_for_earlier_ones(self) -> None:
        never, _ = lwt.task()

        @lwt.promised
        async def clients(fd: lwt_unix.File_descr, served: Served) -> None:
            with client_of(fd), client_of(fd), client_of(fd):
                await served.number(3)
                assert served.states == [lwt_unix.Opened] * 3
                lwt.cancel(never)

        lwt.async_exception_hook.contents = lambda _: None
        served = serve(lambda *_: never, clients)
        assert served.states == [lwt_unix.Closed] * 3

    def test_clients_are_accepted_in_their_order(self) -> None:
        @lwt.promised
        async def clients(fd: lwt_unix.File_descr, served: Served) -> None:
            connections = [client_of(fd) for _ in range(20)]
            await served.number(20)
            assert [address for address, _ in served.clients] == [
                lwt_unix.ADDR_INET(*connection.getsockname()) for connection in connections
            ]
            for connection in connections:
                connection.close()

        serve(nothing, clients)

    def test_many_clients_at_once_leave_time_to_others(self) -> None:
        @lwt.promised
        async def clients(fd: lwt_unix.File_descr, served: Served) -> None:
            connections = [client_of(fd) for _ in range(150)]
            accepted = [0]
            while accepted[-1] < 150:
                await lwt.pause()
                accepted.append(len(served.clients))
            assert max(after - before for before, after in pairwise(accepted)) <= 64
            for connection in connections:
                connection.close()

        serve(nothing, clients)

    def test_prepare_client_fd_is_called_before_f(self) -> None:
        events: list[str] = []

        async def f(_address: object, _client: object) -> None:
            events.append("f")

        serve(lwt.promised(f), one_client, prepare_client_fd=lambda _: events.append("prepare"))
        assert events == ["prepare", "f"]

    def test_clients_sockets_are_not_inherited_by_programs(self) -> None:
        inheritable: list[bool] = []

        async def f(_address: object, client: lwt_unix.File_descr) -> None:
            inheritable.append(os.get_inheritable(lwt_unix.unix_file_descr(client)))

        serve(lwt.promised(f), one_client)
        assert inheritable == [False]

    @pytest.mark.parametrize(("given", "set"), [(None, True), (True, True), (False, False)])
    def test_tcp_nodelay_is_set_unless_refused(self, given: bool | None, set: bool) -> None:
        seen: list[bool] = []

        async def f(_address: object, client: lwt_unix.File_descr) -> None:
            seen.append(lwt_unix.getsockopt(client, lwt_unix.TCP_NODELAY))

        serve(lwt.promised(f), one_client, set_tcp_nodelay=given)
        assert seen == [set]

    @pytest.mark.real_only("the path is that of a real file")
    def test_tcp_nodelay_that_a_socket_does_not_have_is_passed_over(
        self, tmp_path: Path, reported: list[Exception]
    ) -> None:
        served = serve(nothing, one_client, address=str(tmp_path / "socket"))
        assert (served.states, reported) == ([lwt_unix.Closed], [])

    def test_tcp_nodelay_of_a_client_that_macos_says_is_gone_is_passed_over(
        self, monkeypatch: pytest.MonkeyPatch, reported: list[Exception]
    ) -> None:
        def setsockopt(_: object, option: lwt_unix.Socket_bool_option, value: bool) -> None:
            if option is lwt_unix.TCP_NODELAY:
                raise OSError(errno.EINVAL, "Invalid argument")

        fd = new_socket()
        monkeypatch.setattr(lwt_unix, "setsockopt", setsockopt)
        served = Served(nothing)
        server = lwt_main.run(
            lwt_io.establish_server_with_client_socket(HERE, served, server_fd=fd)
        )
        with client_of(fd):
            lwt_main.run(served.number(1))
        lwt_main.run(lwt_io.shutdown_server(server))
        assert (served.states, reported) == ([lwt_unix.Closed], [])

    @pytest.mark.real_only("the path is that of a real file")
    def test_tcp_nodelay_that_a_socket_does_not_have_is_an_error_if_asked_for(
        self, tmp_path: Path, reported: list[Exception]
    ) -> None:
        @lwt.promised
        async def clients(fd: lwt_unix.File_descr, served: Served) -> None:
            with client_of(fd) as client:
                await pauses(3)
                assert read_to_end(client) == b""

        served = serve(nothing, clients, address=str(tmp_path / "s"), set_tcp_nodelay=True)
        assert served.clients == []
        assert [type(exn) for exn in reported] == [OSError]

    def test_an_exception_of_prepare_client_fd_goes_to_the_hook_and_others_are_served(
        self, reported: list[Exception]
    ) -> None:
        problems = [KeyError("first")]

        def prepare(_: lwt_unix.File_descr) -> None:
            if problems:
                raise problems.pop()

        @lwt.promised
        async def clients(fd: lwt_unix.File_descr, served: Served) -> None:
            with client_of(fd) as first, client_of(fd):
                await served.number(1)
                assert read_to_end(first) == b""

        served = serve(nothing, clients, prepare_client_fd=prepare)
        assert len(served.clients) == 1
        assert [str(exn) for exn in reported] == ["'first'"]


class TestClosingClients:
    def test_the_socket_is_closed_when_the_promise_of_f_is_resolved(self) -> None:
        promise, resolver = lwt.wait()

        @lwt.promised
        async def clients(fd: lwt_unix.File_descr, served: Served) -> None:
            with client_of(fd) as client:
                await served.number(1)
                assert served.states == [lwt_unix.Opened]
                lwt.wakeup(resolver, None)
                assert served.states == [lwt_unix.Closed]
                assert read_to_end(client) == b""

        serve(lambda *_: promise, clients)

    def test_the_connection_ends_even_if_somebody_else_has_the_socket_too(self) -> None:
        copies: list[int] = []

        async def f(_address: object, client: lwt_unix.File_descr) -> None:
            copies.append(os.dup(lwt_unix.unix_file_descr(client)))

        @lwt.promised
        async def clients(fd: lwt_unix.File_descr, served: Served) -> None:
            with client_of(fd) as client:
                await served.number(1)
                assert read_to_end(client) == b""

        serve(lwt.promised(f), clients)
        os.close(copies[0])

    def test_it_is_left_open_with_no_close(self) -> None:
        @lwt.promised
        async def clients(fd: lwt_unix.File_descr, served: Served) -> None:
            with client_of(fd):
                await served.number(1)
                assert served.states == [lwt_unix.Opened]
                await lwt_unix.close(served.sockets[0])

        serve(nothing, clients, no_close=True)

    def test_it_is_left_alone_if_f_has_closed_it(self, reported: list[Exception]) -> None:
        async def f(_address: object, client: lwt_unix.File_descr) -> None:
            await lwt_unix.close(client)

        serve(lwt.promised(f), one_client)
        assert reported == []

    def test_that_the_client_has_left_is_no_error(self, reported: list[Exception]) -> None:
        promise, resolver = lwt.wait()

        @lwt.promised
        async def clients(fd: lwt_unix.File_descr, served: Served) -> None:
            client = client_of(fd)
            await served.number(1)
            reset(client)
            lwt.wakeup(resolver, None)

        served = serve(lambda *_: promise, clients)
        assert (served.states, reported) == ([lwt_unix.Closed], [])

    def test_an_exception_of_closing_goes_to_the_hook(self, reported: list[Exception]) -> None:
        async def f(_address: object, client: lwt_unix.File_descr) -> None:
            os.close(lwt_unix.unix_file_descr(client))  # behind the descriptor's back

        serve(lwt.promised(f), one_client)
        assert [(type(exn), getattr(exn, "errno", None)) for exn in reported] == [
            (OSError, errno.EBADF)
        ]

    def test_an_aborted_socket_is_closed_and_its_exception_goes_to_the_hook(
        self, reported: list[Exception]
    ) -> None:
        async def f(_address: object, client: lwt_unix.File_descr) -> None:
            lwt_unix.abort(client, LookupError("aborted"))

        served = serve(lwt.promised(f), one_client)
        assert served.states == [lwt_unix.Closed]
        assert [str(exn) for exn in reported] == ["aborted"]


def raising(_address: object, _client: object) -> lwt.Promise[object]:
    raise LookupError("of f")


def rejected(_address: object, _client: object) -> lwt.Promise[object]:
    return lwt.fail(LookupError("of f"))


@lwt.promised
async def rejected_later(_address: object, _client: object) -> object:
    await lwt.pause()
    raise LookupError("of f")


class TestExceptionsOfF:
    @pytest.mark.parametrize("f", [raising, rejected, rejected_later])
    def test_they_go_to_the_hook_before_any_of_closing(self, f: Handler) -> None:
        events: list[str] = []

        def f_and_close(
            address: lwt_unix.Sockaddr, client: lwt_unix.File_descr
        ) -> lwt.Promise[object]:
            os.close(lwt_unix.unix_file_descr(client))  # so that closing fails, too
            return f(address, client)

        @lwt.promised
        async def clients(fd: lwt_unix.File_descr, served: Served) -> None:
            def note(exn: Exception) -> None:
                events.append(f"{type(exn).__name__} {lwt_unix.state(served.sockets[0])!r}")

            lwt.async_exception_hook.contents = note
            with client_of(fd):
                await served.number(1)
                await pauses(2)

        serve(f_and_close, clients)
        assert events == ["LookupError Opened", "OSError Closed"]

    @pytest.mark.parametrize("f", [raising, rejected, rejected_later])
    def test_the_client_is_closed_and_others_are_served(
        self, f: Handler, reported: list[Exception]
    ) -> None:
        @lwt.promised
        async def clients(fd: lwt_unix.File_descr, served: Served) -> None:
            for number in (1, 2):
                with client_of(fd) as client:
                    await served.number(number)
                    await pauses(2)
                    assert read_to_end(client) == b""

        serve(f, clients)
        assert [str(exn) for exn in reported] == ["of f", "of f"]

    def test_a_hook_that_raises_does_not_keep_the_client_open(self) -> None:
        reported: list[str] = []

        def hook(exn: Exception) -> None:
            reported.append(str(exn))
            if len(reported) == 1:
                raise LookupError("of the hook")

        @lwt.promised
        async def clients(fd: lwt_unix.File_descr, served: Served) -> None:
            with client_of(fd) as client:
                await served.number(1)
                await pauses(2)
                assert read_to_end(client) == b""

        lwt.async_exception_hook.contents = hook
        serve(rejected_later, clients)
        assert reported == ["of f", "of the hook"]

    def test_what_f_must_return_is_said_when_it_does_not(self, reported: list[Exception]) -> None:
        def no_promise(_address: object, _client: object) -> lwt.Promise[object]:
            return 3  # type: ignore[return-value]  # what the test is about

        fd = new_socket()

        async def main() -> None:
            async with await lwt_io.establish_server_with_client_socket(
                HERE, no_promise, server_fd=fd
            ):
                with client_of(fd) as client:
                    await pauses(3)
                    assert read_to_end(client) == b""

        lwt_main.run(main())
        assert len(reported) == 1
        assert isinstance(reported[0], TypeError)
        function = "lwt_io.establish_server_with_client_socket"
        assert re.match(rf"{function}: callback \S*no_promise returned 3", str(reported[0]))

    def test_keyboard_interrupt_leaves_the_main_loop_and_the_server_goes_on(self) -> None:
        interrupts = [KeyboardInterrupt()]

        def f(_address: object, _client: object) -> lwt.Promise[object]:
            if interrupts:
                raise interrupts.pop()
            return lwt.return_unit

        fd, served = new_socket(), Served(f)
        server = lwt_main.run(
            lwt_io.establish_server_with_client_socket(HERE, served, server_fd=fd)
        )
        with client_of(fd) as first, client_of(fd):
            with pytest.raises(KeyboardInterrupt):
                lwt_main.run(served.number(2))
            assert read_to_end(first) == b""
            lwt_main.run(served.number(2))
        lwt_main.run(lwt_io.shutdown_server(server))
        assert served.states == [lwt_unix.Closed] * 2

    def test_an_interrupt_while_the_server_is_stopped_leaves_the_main_loop_as_it_is(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reported: list[Exception] = []

        def interrupt(exn: Exception) -> None:
            reported.append(exn)
            if len(reported) == 1:
                raise KeyboardInterrupt

        monkeypatch.setattr(lwt.async_exception_hook, "contents", interrupt)

        path = tmp_path / "socket"
        server = lwt_main.run(
            lwt_io.establish_server_with_client_socket(
                lwt_unix.ADDR_UNIX(str(path)), lambda *_: lwt.return_unit
            )
        )
        path.unlink()  # So that there is something to report when it is stopped.
        with pytest.raises(KeyboardInterrupt):
            lwt_main.run(lwt_io.shutdown_server(server))
        assert [type(exn) for exn in reported] == [FileNotFoundError]
