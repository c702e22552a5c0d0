"""Servers whose clients are pairs of channels."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main
from lwt_unix.lwt_io._create import connection_channels
from tests.support.channels import pauses
from tests.support.programs import read_to_end, reset
from tests.support.servers import HERE, Channels, run_with_server

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


async def echo_lines(_address: object, channels: Channels) -> None:
    ic, oc = channels
    async for line in ic:
        await lwt_io.write_line(oc, line)


class TestServersOnChannels:
    def test_f_gets_the_address_and_two_channels(self) -> None:
        seen: list[object] = []

        async def f(address: lwt_unix.Sockaddr, channels: Channels) -> None:
            seen.append(address)
            await echo_lines(address, channels)

        async def client(address: lwt_unix.Sockaddr) -> None:
            ic, oc = await lwt_io.open_connection(address)
            await lwt_io.write_line(oc, "one")
            await lwt_io.write_line(oc, "two")
            assert [await lwt_io.read_line(ic), await lwt_io.read_line(ic)] == [b"one", b"two"]
            await lwt_io.close(oc)
            assert lwt_io.is_closed(oc)
            await lwt_io.close(ic)

        run_with_server(f, client)
        assert [type(address) for address in seen] == [lwt_unix.ADDR_INET]

    def test_what_is_not_flushed_is_offered_also_when_much_was_written_in_this_turn(self) -> None:
        written = 0

        async def f(_address: object, channels: Channels) -> None:
            nonlocal written
            _, oc = channels
            flushed = lwt.return_unit
            while not lwt.is_sleeping(flushed):
                await lwt_io.write_char(oc, "x")
                flushed = lwt_io.flush(oc)
                written += 1

        async def client(address: lwt_unix.Sockaddr) -> None:
            ic, oc = await lwt_io.open_connection(address)
            assert len(await lwt_io.read(ic)) == written
            await lwt_io.close(oc)

        run_with_server(f, client)

    def test_the_channels_are_closed_when_the_promise_of_f_is_resolved(self) -> None:
        given: list[Channels] = []

        async def f(_address: object, channels: Channels) -> None:
            given.append(channels)

        async def client(address: lwt_unix.ADDR_INET) -> None:
            with socket.create_connection(address) as connection:
                await pauses(3)
                assert read_to_end(connection) == b""

        run_with_server(f, client)
        assert [lwt_io.is_closed(channel) for channel in given[0]] == [True, True]

    def test_what_f_wrote_and_did_not_flush_is_sent(self) -> None:
        # OCaml drops it.
        async def f(_address: object, channels: Channels) -> None:
            await lwt_io.write(channels[1], "hello")

        async def client(address: lwt_unix.ADDR_INET) -> None:
            with socket.create_connection(address) as connection:
                await pauses(3)
                assert read_to_end(connection) == b"hello"

        run_with_server(f, client)

    def test_a_client_that_does_not_read_does_not_hold_the_connection(
        self, reported: list[Exception]
    ) -> None:
        given: list[Channels] = []

        async def f(_address: object, channels: Channels) -> None:
            given.append(channels)
            stuck = lwt_io.write(channels[1], bytes(50_000_000))
            await lwt.pick([stuck, pauses_promise(20)])

        async def client(address: lwt_unix.ADDR_INET) -> None:
            with socket.create_connection(address):
                while not given or not all(map(lwt_io.is_closed, given[0])):
                    await lwt.pause()

        run_with_server(f, client)
        assert reported == []

    def test_they_are_left_open_with_no_close(self) -> None:
        given: list[Channels] = []

        async def f(_address: object, channels: Channels) -> None:
            given.append(channels)

        async def client(address: lwt_unix.ADDR_INET) -> None:
            with socket.create_connection(address):
                while not given:
                    await lwt.pause()
                await pauses(3)
                assert [lwt_io.is_closed(channel) for channel in given[0]] == [False, False]
                await lwt_io.close(given[0][0])

        run_with_server(f, client, no_close=True)

    @pytest.mark.parametrize("wait", [False, True])
    def test_an_exception_of_f_goes_to_the_hook_before_closing(
        self, wait: bool, reported: list[Exception]
    ) -> None:
        states: list[bool] = []

        async def f(_address: object, channels: Channels) -> None:
            def note(exn: Exception) -> None:
                reported.append(exn)
                states.append(lwt_io.is_closed(channels[0]))

            lwt.async_exception_hook.contents = note
            if wait:
                await lwt.pause()
            raise LookupError("of f")

        async def client(address: lwt_unix.ADDR_INET) -> None:
            with socket.create_connection(address) as connection:
                await pauses(4)
                assert read_to_end(connection) == b""

        run_with_server(f, client)
        assert ([str(exn) for exn in reported], states) == (["of f"], [False])

    def test_an_exception_of_closing_goes_to_the_hook_once_for_each_channel(
        self, reported: list[Exception]
    ) -> None:
        sockets: list[lwt_unix.File_descr] = []

        async def f(_address: object, _channels: Channels) -> None:
            os.close(lwt_unix.unix_file_descr(sockets[0]))  # behind the descriptor's back

        async def client(address: lwt_unix.ADDR_INET) -> None:
            with socket.create_connection(address):
                await pauses(4)

        run_with_server(f, client, prepare_client_fd=sockets.append)
        assert [type(exn) for exn in reported] == [OSError, OSError]

    def test_a_client_that_vanishes_is_an_exception_of_its_f_alone(
        self, reported: list[Exception]
    ) -> None:
        async def client(address: lwt_unix.ADDR_INET) -> None:
            vanishing = socket.create_connection(address)
            staying = await lwt_io.open_connection(address)
            await lwt_io.write_line(staying[1], "one")
            assert await lwt_io.read_line(staying[0]) == b"one"
            reset(vanishing)
            await lwt_io.write_line(staying[1], "two")
            assert await lwt_io.read_line(staying[0]) == b"two"
            await lwt_io.close(staying[1])

        run_with_server(echo_lines, client)
        assert [type(exn) for exn in reported] == [ConnectionResetError]

    def test_the_buffers_have_the_size_that_is_asked_for(self) -> None:
        sizes: list[int] = []

        async def f(_address: object, channels: Channels) -> None:
            sizes.extend(map(lwt_io.buffer_size, channels))

        async def client(address: lwt_unix.ADDR_INET) -> None:
            with socket.create_connection(address):
                await pauses(3)

        run_with_server(f, client, buffer_size=100)
        run_with_server(f, client)
        assert sizes == [100, 100, 4096, 4096]

    def test_a_buffer_that_is_too_small_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"too small buffer size: .* is 3;"):
            lwt_io.establish_server_with_client_address(HERE, echo_lines, buffer_size=3)

    def test_a_client_for_whom_there_is_no_memory_is_closed_and_the_server_goes_on(
        self, monkeypatch: pytest.MonkeyPatch, reported: list[Exception]
    ) -> None:
        problems: list[Exception] = [OSError("no memory")]

        def channels_of(*arguments: Any) -> Channels:
            if problems:
                raise problems.pop()
            return connection_channels(*arguments)

        async def client(address: Any) -> None:
            with socket.create_connection(address) as first, socket.create_connection(address):
                await pauses(5)
                first.settimeout(5.0)
                assert read_to_end(first) == b""

        monkeypatch.setattr("lwt_unix.lwt_io._servers.connection_channels", channels_of)
        run_with_server(echo_lines, client)
        assert [str(exn) for exn in reported] == ["no memory"]

    def test_establish_server_passes_the_channels_alone(self) -> None:
        fd = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)

        async def greet(channels: Channels) -> None:
            await lwt_io.write(channels[1], "hello")

        async def main() -> bytes:
            async with await lwt_io.establish_server(HERE, greet, fd=fd):
                return await lwt_io.with_connection(
                    lwt_unix.getsockname(fd), lambda channels: lwt_io.read(channels[0])
                )

        assert lwt_main.run(main()) == b"hello"

    def test_establish_server_names_itself_and_a_function_that_returns_no_promise(self) -> None:
        fd = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        reported: list[Exception] = []
        lwt.async_exception_hook.contents = reported.append

        def no_promise(_: Channels) -> Any:
            return 3

        async def main() -> bytes:
            async with await lwt_io.establish_server(HERE, no_promise, fd=fd):
                return await lwt_io.with_connection(
                    lwt_unix.getsockname(fd), lambda channels: lwt_io.read(channels[0])
                )

        assert lwt_main.run(main()) == b""
        (problem,) = map(str, reported)
        assert problem.startswith("lwt_io.establish_server: callback ")
        assert "no_promise returned 3 (int), not a promise" in problem

    def test_the_oldest_version_returns_the_server_and_leaves_closing_to_f(self) -> None:
        fd = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)

        def greet(channels: Channels) -> None:
            lwt.async_(
                lambda: lwt.bind(
                    lwt_io.write(channels[1], "hello"), lambda _: lwt_io.close(channels[1])
                )
            )

        server = lwt_io.Versioned.establish_server_1(HERE, greet, fd=fd)
        data = lwt_main.run(
            lwt_io.with_connection(
                lwt_unix.getsockname(fd), lambda channels: lwt_io.read(channels[0])
            )
        )
        lwt_io.Versioned.shutdown_server_1(server)
        lwt_main.run(lwt_io.shutdown_server(server))
        assert data == b"hello"

    def test_the_oldest_version_raises_what_keeps_it_from_starting(self) -> None:
        with pytest.raises(FileNotFoundError):
            lwt_io.Versioned.establish_server_1("/no/such/directory/s", lambda _: None)


def pauses_promise(number: int) -> lwt.Promise[None]:
    return lwt.of_coroutine(pauses(number))
