"""What every server does: listen, accept, be shut down; each sentence of its specification.

Clients here are plain sockets of this process: the kernel accepts a connection before the server
does. Clients in other processes are in `test_servers_clients.py`.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main
from lwt_unix._sockets import sockets
from lwt_unix.lwt_io import _server_loop
from lwt_unix.lwt_io._server_loop import Accepted
from tests.support.channels import pauses
from tests.support.programs import read_to_end, run_code
from tests.support.servers import HERE, Served, client_of, new_socket, nothing, one_client, serve

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


class TestListening:
    def test_it_makes_a_fresh_socket(self) -> None:
        listening: list[lwt_unix.File_descr] = []
        served = Served()

        async def main() -> None:
            async with await lwt_io.establish_server_with_client_socket(
                HERE, served, prepare_listening_fd=listening.append
            ):
                with client_of(listening[0]):
                    await served.number(1)

        lwt_main.run(main())

    def test_it_listens_on_a_given_socket_and_assigns_the_address_to_it(self) -> None:
        fd, served = new_socket(), Served()

        async def main() -> None:
            async with await lwt_io.establish_server_with_client_socket(
                lwt_unix.ADDR_INET("127.0.0.1", 0), served, server_fd=fd
            ):
                address = lwt_unix.getsockname(fd)
                assert isinstance(address, lwt_unix.ADDR_INET)
                assert address.addr == "127.0.0.1"
                assert address.port > 0
                with client_of(fd):
                    await served.number(1)

        lwt_main.run(main())
        assert lwt_unix.state(fd) is lwt_unix.Closed

    def test_addresses_may_be_reused_and_this_can_be_changed_before_bind(self) -> None:
        seen: list[bool] = []

        def prepare(fd: lwt_unix.File_descr) -> None:
            seen.append(lwt_unix.getsockopt(fd, lwt_unix.SO_REUSEADDR))
            assert lwt_unix.getsockname(fd) == lwt_unix.ADDR_INET("0.0.0.0", 0)

        async def main() -> None:
            async with await lwt_io.establish_server_with_client_socket(
                HERE, nothing, prepare_listening_fd=prepare
            ):
                pass

        lwt_main.run(main())
        assert seen == [True]

    @pytest.mark.parametrize(("given", "used"), [(None, lwt_unix.somaxconn()), (7, 7), (0, 0)])
    def test_the_backlog_is_the_systems_maximum_unless_given(
        self, given: int | None, used: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        backlogs: list[int] = []
        listen = lwt_unix.listen

        def note(fd: lwt_unix.File_descr, backlog: int) -> None:
            backlogs.append(backlog)
            listen(fd, backlog)

        monkeypatch.setattr(lwt_unix, "listen", note)

        async def main() -> None:
            async with await lwt_io.establish_server_with_client_socket(
                HERE, nothing, backlog=given
            ):
                pass

        lwt_main.run(main())
        assert backlogs == [used]

    def test_its_promise_is_fulfilled_at_once_for_an_internet_address(self) -> None:
        server = lwt_io.establish_server_with_client_socket(HERE, nothing)
        assert isinstance(lwt.state(server), lwt.Return)
        lwt_main.run(lwt.bind(server, lwt_io.shutdown_server))

    @pytest.mark.parametrize("bound", ["at once", "later"])
    def test_its_promise_is_fulfilled_after_listen_and_before_the_first_accept(
        self, bound: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        events: list[str] = []
        listen, accept, bind = lwt_unix.listen, sockets.accept_unless, lwt_unix.bind

        def note_listen(fd: lwt_unix.File_descr, backlog: int) -> None:
            events.append("listen")
            listen(fd, backlog)

        def note_accept(
            is_over: Callable[[], bool], fd: lwt_unix.File_descr
        ) -> lwt.Promise[Accepted | None]:
            events.append("accept")
            return accept(is_over, fd)

        def bind_later(fd: lwt_unix.File_descr, address: lwt_unix.Sockaddr) -> lwt.Promise[None]:
            return lwt.bind(lwt.pause(), lambda _: bind(fd, address))

        monkeypatch.setattr(lwt_unix, "listen", note_listen)
        monkeypatch.setattr(_server_loop, "accept_unless", note_accept)
        if bound == "later":
            monkeypatch.setattr(lwt_unix, "bind", bind_later)
        served = Served()
        path = str(tmp_path / "socket")

        async def main() -> None:
            starting = lwt_io.establish_server_with_client_socket(path, served)
            lwt.on_success(starting, lambda _: events.append("fulfilled"))
            async with await starting:
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(path)
                    await served.number(1)

        lwt_main.run(main())
        assert events[:3] == ["listen", "fulfilled", "accept"]

    def test_a_client_that_waits_already_is_served_after_the_promise_is_there(self) -> None:
        fd, events = new_socket(), []
        # Listening already, on an address given by the system.
        lwt_unix.listen(fd, 5)
        raw = socket.socket(fileno=os.dup(lwt_unix.unix_file_descr(fd)))

        async def f(_address: object, _client: object) -> None:
            events.append("client")

        served = Served(lwt.promised(f))

        async def main() -> None:
            with socket.create_connection(("127.0.0.1", raw.getsockname()[1])):
                # bind fails on a bound socket; let it pass, for what comes after it.
                starting = lwt_io.establish_server_with_client_socket(HERE, served, server_fd=fd)
                lwt.on_success(starting, lambda _: events.append("started"))
                async with await starting:
                    await served.number(1)

        with raw, pytest.MonkeyPatch.context() as patch:
            patch.setattr(lwt_unix, "bind", lambda *_: lwt.return_unit)
            lwt_main.run(main())
        assert events == ["started", "client"]

    @pytest.mark.parametrize(
        "address", [3, ("127.0.0.1",), ("localhost", 80), ("127.0.0.1", 70000)], ids=repr
    )
    def test_what_is_no_address_is_refused(self, address: lwt_unix.Address) -> None:
        with pytest.raises(
            (TypeError, ValueError), match=r"^lwt_io\.establish_server_with_client_socket"
        ):
            lwt_io.establish_server_with_client_socket(address, nothing)

    def test_a_handler_that_cannot_be_called_is_refused(self) -> None:
        with pytest.raises(TypeError, match="expected a function, got None"):
            lwt_io.establish_server_with_client_socket(
                HERE,
                None,  # type: ignore[arg-type]  # what the test is about
            )


class TestErrorsOfListening:
    def test_bind_raises_for_an_internet_address_and_the_fresh_socket_is_closed(self) -> None:
        with socket.create_server(HERE) as other, pytest.raises(OSError, match="in use"):
            lwt_io.establish_server_with_client_socket(other.getsockname(), nothing)
        # nothing_left_behind

    def test_bind_rejects_for_a_path_and_the_fresh_socket_is_closed(self) -> None:
        server = lwt_io.establish_server_with_client_socket("/no/such/directory/s", nothing)
        with pytest.raises(FileNotFoundError):
            lwt_main.run(server)

    def test_bind_rejects_for_an_abstract_address(self) -> None:
        address = lwt_unix.ADDR_UNIX(f"\0lwt-in-use-{os.getpid()}")
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(address.path)
            server = lwt_io.establish_server_with_client_socket(address, nothing)
            with pytest.raises(OSError, match="in use"):
                lwt_main.run(server)

    def test_listen_raises_for_an_internet_address_and_a_given_socket_stays_open(self) -> None:
        fd = new_socket(type=lwt_unix.SOCK_DGRAM)
        with pytest.raises(OSError, match="not supported"):
            lwt_io.establish_server_with_client_socket(HERE, nothing, server_fd=fd)
        assert lwt_unix.state(fd) is lwt_unix.Opened
        lwt_main.run(lwt_unix.close(fd))

    def test_listen_rejects_for_a_path_and_a_given_socket_stays_open(self, tmp_path: Path) -> None:
        fd = new_socket(lwt_unix.PF_UNIX, lwt_unix.SOCK_DGRAM)
        server = lwt_io.establish_server_with_client_socket(
            tmp_path / "socket", nothing, server_fd=fd
        )
        with pytest.raises(OSError, match="not supported"):
            lwt_main.run(server)
        assert lwt_unix.state(fd) is lwt_unix.Opened
        lwt_main.run(lwt_unix.close(fd))

    def test_an_exception_of_prepare_listening_fd_leaves_and_the_fresh_socket_is_closed(
        self,
    ) -> None:
        def prepare(_: lwt_unix.File_descr) -> None:
            raise LookupError

        with pytest.raises(LookupError):
            lwt_io.establish_server_with_client_socket(HERE, nothing, prepare_listening_fd=prepare)

    def test_cancelling_the_start_closes_the_fresh_socket(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        never, _ = lwt.task()
        monkeypatch.setattr(lwt_unix, "bind", lambda *_: never)
        server = lwt_io.establish_server_with_client_socket(tmp_path / "socket", nothing)
        lwt.cancel(server)
        assert lwt.state(server) == lwt.Fail(lwt.Canceled())


class TestErrorsOfAccept:
    def test_a_client_that_left_before_it_was_accepted_is_passed_over(
        self, monkeypatch: pytest.MonkeyPatch, reported: list[Exception]
    ) -> None:
        accept = sockets.accept_unless
        problems: list[Exception] = [
            OSError(errno.ECONNABORTED, "left"),
            OSError(errno.ECONNABORTED, "left"),
        ]

        def aborted_first(
            is_over: Callable[[], bool], fd: lwt_unix.File_descr
        ) -> lwt.Promise[Accepted | None]:
            return lwt.fail(problems.pop()) if problems else accept(is_over, fd)

        monkeypatch.setattr(_server_loop, "accept_unless", aborted_first)
        served = serve(nothing, one_client)
        assert (len(served.clients), problems, reported) == (1, [], [])

    def test_running_out_of_descriptors_goes_to_the_hook_and_is_tried_again(
        self, monkeypatch: pytest.MonkeyPatch, reported: list[Exception]
    ) -> None:
        accept = sockets.accept_unless
        problems: list[Exception] = [OSError(errno.EMFILE, "none left")]

        def exhausted_first(
            is_over: Callable[[], bool], fd: lwt_unix.File_descr
        ) -> lwt.Promise[Accepted | None]:
            return lwt.fail(problems.pop()) if problems else accept(is_over, fd)

        monkeypatch.setattr(_server_loop, "accept_unless", exhausted_first)
        served = serve(nothing, one_client)
        assert len(served.clients) == 1
        assert [str(exn) for exn in reported] == [f"[Errno {errno.EMFILE}] none left"]

    @pytest.mark.parametrize("number", [errno.EPROTO, errno.ENETDOWN, errno.EPERM])
    def test_an_error_of_the_network_goes_to_the_hook_and_the_next_client_is_accepted(
        self, number: int, monkeypatch: pytest.MonkeyPatch, reported: list[Exception]
    ) -> None:
        accept = sockets.accept_unless
        problems: list[Exception] = [OSError(number, "cut off"), OSError(number, "cut off")]

        def cut_off_first(
            is_over: Callable[[], bool], fd: lwt_unix.File_descr
        ) -> lwt.Promise[Accepted | None]:
            return lwt.fail(problems.pop()) if problems else accept(is_over, fd)

        monkeypatch.setattr(_server_loop, "accept_unless", cut_off_first)
        served = serve(nothing, one_client)
        assert len(served.clients) == 1
        assert [str(exn) for exn in reported] == [f"[Errno {number}] cut off"] * 2

    def test_shutdown_does_not_wait_for_descriptors(
        self, monkeypatch: pytest.MonkeyPatch, reported: list[Exception]
    ) -> None:
        monkeypatch.setattr(
            _server_loop, "accept_unless", lambda *_: lwt.fail(OSError(errno.EMFILE, "none left"))
        )

        @lwt.promised
        async def clients(fd: lwt_unix.File_descr, served: Served) -> None:
            with client_of(fd):
                await pauses(3)

        serve(nothing, clients)
        assert len(reported) == 1

    def test_any_other_error_goes_to_the_hook_and_closes_the_listening_socket(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reported: list[Exception]
    ) -> None:
        problem = OSError(errno.EINVAL, "of no use")
        monkeypatch.setattr(_server_loop, "accept_unless", lambda *_: lwt.fail(problem))
        path, fd = tmp_path / "socket", new_socket(lwt_unix.PF_UNIX)

        async def main() -> None:
            server = await lwt_io.establish_server_with_client_socket(path, nothing, server_fd=fd)
            with client_of(fd):
                while not reported:
                    await lwt.pause()
            await lwt_io.shutdown_server(server)  # which has begun: this waits for it

        lwt_main.run(main())
        assert reported == [problem]
        assert lwt_unix.state(fd) is lwt_unix.Closed
        assert not path.exists()

    def test_a_listening_socket_closed_behind_its_back_goes_to_the_hook_and_ends_the_server(
        self, tmp_path: Path, reported: list[Exception]
    ) -> None:
        path = tmp_path / "socket"
        fd = new_socket(lwt_unix.PF_UNIX)

        async def main() -> None:
            server = await lwt_io.establish_server_with_client_socket(path, nothing, server_fd=fd)
            await lwt.pause()
            await lwt_unix.close(fd)
            await lwt_io.shutdown_server(server)

        lwt_main.run(main())
        assert [getattr(exn, "errno", None) for exn in reported] == [errno.EBADF]
        assert not path.exists()


class TestShutdown:
    def test_it_stops_accepting_and_closes_the_listening_socket(self) -> None:
        fd = new_socket()

        async def main() -> lwt_unix.Sockaddr:
            async with await lwt_io.establish_server_with_client_socket(
                HERE, nothing, server_fd=fd
            ):
                address = lwt_unix.getsockname(fd)
            assert lwt_unix.state(fd) is lwt_unix.Closed
            return address

        address = lwt_main.run(main())
        assert isinstance(address, lwt_unix.ADDR_INET)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)

    def test_clients_being_served_go_on(self) -> None:
        fd, served = new_socket(), Served(lambda _, client: echo(client))

        async def main() -> None:
            server = await lwt_io.establish_server_with_client_socket(HERE, served, server_fd=fd)
            with client_of(fd) as client:
                await served.number(1)
                await lwt_io.shutdown_server(server)
                client.sendall(b"still there?")
                client.shutdown(socket.SHUT_WR)
                await pauses(5)
                assert read_to_end(client) == b"still there?"

        lwt_main.run(main())

    def test_a_second_call_is_the_same_promise(self) -> None:
        server = lwt_main.run(lwt_io.establish_server_with_client_socket(HERE, nothing))
        first = lwt_io.shutdown_server(server)
        assert lwt_io.shutdown_server(server) is first
        lwt_main.run(first)
        assert lwt_io.shutdown_server(server) is first

    def test_a_path_is_removed(self, tmp_path: Path) -> None:
        path = tmp_path / "socket"
        server = lwt_main.run(lwt_io.establish_server_with_client_socket(path, nothing))
        assert path.is_socket()
        lwt_main.run(lwt_io.shutdown_server(server))
        assert not path.exists()

    def test_an_abstract_address_has_nothing_to_remove(self, reported: list[Exception]) -> None:
        address = lwt_unix.ADDR_UNIX(f"\0lwt-abstract-{os.getpid()}")
        fd, served = new_socket(lwt_unix.PF_UNIX), Served()

        async def main() -> None:
            async with await lwt_io.establish_server_with_client_socket(
                address, served, server_fd=fd
            ):
                with client_of(fd):
                    await served.number(1)

        lwt_main.run(main())
        assert reported == []

    def test_shutdown_by_a_callback_is_over_after_that_callback_has_run(
        self, reported: list[Exception]
    ) -> None:
        """As after every `wakeup_later`: here, after the exception of `f` has been reported."""
        order: list[str] = []
        over, end = lwt.wait()
        lwt.async_exception_hook.contents = lambda _: order.append("hook")

        def shut_down_and_raise(_address: object, _client: object) -> lwt.Promise[None]:
            order.append("client")
            lwt.on_success(lwt_io.shutdown_server(servers[0]), note_and_end)
            raise LookupError

        def note_and_end(_: None) -> None:
            order.append("shut down")
            lwt.wakeup_later(end, None)

        fd = new_socket()
        servers = [
            lwt_main.run(
                lwt_io.establish_server_with_client_socket(HERE, shut_down_and_raise, server_fd=fd)
            )
        ]
        with client_of(fd) as client:
            lwt_main.run(over)
            assert read_to_end(client) == b""
        assert order == ["client", "hook", "shut down"]

    def test_a_path_that_is_gone_goes_to_the_hook_and_shutdown_is_fulfilled(
        self, tmp_path: Path, reported: list[Exception]
    ) -> None:
        path = tmp_path / "socket"
        server = lwt_main.run(lwt_io.establish_server_with_client_socket(path, nothing))
        path.unlink()
        lwt_main.run(lwt_io.shutdown_server(server))
        assert [type(exn) for exn in reported] == [FileNotFoundError]

    def test_it_may_be_called_by_f(self) -> None:
        fd = new_socket()
        servers: list[lwt_io.Server] = []
        served = Served(lambda *_: lwt_io.shutdown_server(servers[0]))

        async def main() -> None:
            servers.append(
                await lwt_io.establish_server_with_client_socket(HERE, served, server_fd=fd)
            )
            with client_of(fd), client_of(fd) as second:
                await served.number(1)
                await pauses(3)
                # It was in the queue of the socket, and never accepted.
                with pytest.raises(ConnectionResetError):
                    read_to_end(second)

        lwt_main.run(main())
        assert len(served.clients) == 1

    def test_it_may_be_called_before_the_main_loop_has_turned(self) -> None:
        server = lwt.state(lwt_io.establish_server_with_client_socket(HERE, nothing))
        assert isinstance(server, lwt.Return)
        lwt_main.run(lwt_io.shutdown_server(server.value))


@lwt.promised
async def echo(client: lwt_unix.File_descr) -> None:
    buffer = bytearray(4096)
    while count := await lwt_unix.read(client, buffer, 0, len(buffer)):
        written = 0
        while written < count:
            written += await lwt_unix.write(client, buffer, written, count - written)


def test_ipv6() -> None:
    fd, served = new_socket(lwt_unix.PF_INET6), Served()

    async def main() -> None:
        async with await lwt_io.establish_server_with_client_socket(
            ("::1", 0), served, server_fd=fd
        ):
            with client_of(fd):
                await served.number(1)

    lwt_main.run(main())
    address = served.clients[0][0]
    assert isinstance(address, lwt_unix.ADDR_INET)
    assert address.addr == "::1"


def test_a_server_shows_where_it_listens() -> None:
    address = lwt_unix.ADDR_UNIX(f"\0lwt-repr-{os.getpid()}")
    server = lwt_main.run(lwt_io.establish_server_with_client_socket(address, nothing))
    assert repr(server) == f"<Server listening on {address}>"
    lwt_main.run(lwt_io.shutdown_server(server))
    assert repr(server) == f"<Server shut down, was listening on {address}>"


def test_a_server_on_a_path_that_was_left_over_says_so(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path)
    with pytest.raises(
        OSError, match=f'in use: ADDR_UNIX."{path}".*; nobody listens there, remove'
    ):
        lwt_main.run(lwt_io.establish_server_with_client_socket(path, nothing))


def test_a_server_on_port_0_shows_the_port_that_it_got() -> None:
    server = lwt_main.run(lwt_io.establish_server_with_client_socket(("127.0.0.1", 0), nothing))
    found = re.fullmatch(
        r"<Server listening on ADDR_INET\(addr='127\.0\.0\.1', port=(\d+)\)>", repr(server)
    )
    assert found is not None
    with socket.create_connection(("127.0.0.1", int(found[1]))):
        lwt_main.run(lwt_io.shutdown_server(server))
    assert (
        repr(server)
        == f"<Server shut down, was listening on ADDR_INET(addr='127.0.0.1', port={found[1]})>"
    )


PROGRAM_THAT_ENDS = """
import socket, sys
import lwt, lwt_unix
from lwt_unix import lwt_io, lwt_main

served = []

def client():
    connected = socket.create_connection(lwt_unix.getsockname(listening))
    connected.settimeout(0)
    return connected

async def serve(address, channels):
    served.append(address)

async def turns():
    for _ in range(5):
        await lwt_unix.sleep(0.0)
        await lwt.pause()

async def hook():
    await turns()
    print(len(served), lwt.state(server._accepting) == lwt.Return(None))
    await lwt_io.shutdown_server(server)
    print(server)

async def main():
    global server, first, second
    server = await lwt_io.establish_server_with_client_address(listening_on, serve, fd=listening)
    lwt_main.at_exit(hook)
    if {accepts_one}:
        first = client()
        await turns()
    second = client()
    sys.exit(3)

listening_on = lwt_unix.ADDR_INET("127.0.0.1", 0)
listening = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
lwt_main.run(main())
"""


class TestTheEndOfTheProcess:
    @pytest.mark.real_only("the program is a process of its own")
    @pytest.mark.parametrize("accepts_one", [False, True])
    def test_while_the_process_ends_nobody_is_accepted_and_the_server_can_be_shut_down(
        self, accepts_one: bool
    ) -> None:
        result = run_code(PROGRAM_THAT_ENDS.replace("{accepts_one}", str(accepts_one)))
        assert (result.returncode, result.stderr) == (3, "")
        accepted, shut_down = result.stdout.splitlines()
        assert accepted == f"{int(accepts_one)} True"
        assert shut_down.startswith("<Server shut down")
