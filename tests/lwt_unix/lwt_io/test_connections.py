"""Connections on channels: opened, used, closed on both sides."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main
from tests.support.programs import read_to_end
from tests.support.servers import HERE, Channels, run_with_server

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


class TestConnections:
    def test_closing_one_channel_closes_the_connection(self) -> None:
        async def main() -> None:
            with socket.create_server(HERE) as listening:
                ic, oc = await lwt_io.open_connection(listening.getsockname())
                peer, _ = listening.accept()
                with peer:
                    await lwt_io.write(oc, "bye")
                    await lwt_io.close(oc)
                    assert read_to_end(peer) == b"bye"
                await lwt_io.close(ic)

        lwt_main.run(main())

    def test_a_given_socket_and_buffers_are_used(self) -> None:
        fd = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        in_buffer, out_buffer = memoryview(bytearray(20)), memoryview(bytearray(30))

        async def main() -> None:
            with socket.create_server(HERE) as listening:
                ic, oc = await lwt_io.open_connection(
                    listening.getsockname(), fd=fd, in_buffer=in_buffer, out_buffer=out_buffer
                )
                assert (lwt_io.buffer_size(ic), lwt_io.buffer_size(oc)) == (20, 30)
                assert lwt_unix.getpeername(fd) == lwt_unix.ADDR_INET(*listening.getsockname())
                assert not os.get_inheritable(lwt_unix.unix_file_descr(fd))
                await lwt_io.close(ic)

        lwt_main.run(main())
        assert lwt_unix.state(fd) is lwt_unix.Closed

    @pytest.mark.parametrize(("given", "set"), [(None, True), (True, True), (False, False)])
    def test_tcp_nodelay_is_set_unless_refused_and_before_prepare_fd(
        self, given: bool | None, set: bool
    ) -> None:
        seen: list[bool] = []

        def prepare(fd: lwt_unix.File_descr) -> None:
            seen.append(lwt_unix.getsockopt(fd, lwt_unix.TCP_NODELAY))

        async def main() -> None:
            with socket.create_server(HERE) as listening:
                ic, _ = await lwt_io.open_connection(
                    listening.getsockname(), set_tcp_nodelay=given, prepare_fd=prepare
                )
                await lwt_io.close(ic)

        lwt_main.run(main())
        assert seen == [set]

    def test_a_refused_connection_rejects_and_closes_the_socket(self) -> None:
        fd = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        with socket.socket() as unused:
            unused.bind(HERE)
            with pytest.raises(ConnectionRefusedError):
                lwt_main.run(lwt_io.open_connection(unused.getsockname(), fd=fd))
        assert lwt_unix.state(fd) is lwt_unix.Closed

    def test_cancelling_closes_the_socket(self, tmp_path: Path) -> None:
        path = str(tmp_path / "socket")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path)
            listening.listen(0)
            with socket.socket(socket.AF_UNIX) as first:
                first.connect(path)  # fills the queue
                fd = lwt_unix.socket(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
                connecting = lwt_io.open_connection(path, fd=fd)
                lwt.cancel(connecting)
                assert isinstance(lwt.state(connecting), lwt.Fail)
        assert lwt_unix.state(fd) is lwt_unix.Closed

    def test_an_option_that_the_socket_does_not_have_is_raised_if_asked_for(self) -> None:
        with pytest.raises(OSError, match="not supported"):
            lwt_io.open_connection("/no/matter", set_tcp_nodelay=True)

    def test_with_connection_closes_both_channels_and_gives_the_result(self) -> None:
        kept: list[Channels] = []

        async def f(channels: Channels) -> int:
            kept.append(channels)
            await lwt_io.write(channels[1], "bye")
            return 3

        async def main() -> None:
            with socket.create_server(HERE) as listening:
                assert await lwt_io.with_connection(listening.getsockname(), f) == 3
                peer, _ = listening.accept()
                with peer:
                    assert read_to_end(peer) == b"bye"

        lwt_main.run(main())
        assert [lwt_io.is_closed(channel) for channel in kept[0]] == [True, True]

    def test_with_connection_closes_also_when_f_fails(self) -> None:
        kept: list[Channels] = []

        def f(channels: Channels) -> lwt.Promise[None]:
            kept.append(channels)
            raise LookupError("of f")

        with socket.create_server(HERE) as listening, pytest.raises(LookupError):
            lwt_main.run(lwt_io.with_connection(listening.getsockname(), f))
        assert [lwt_io.is_closed(channel) for channel in kept[0]] == [True, True]

    def test_with_close_connection_closes_the_other_channel_too_if_closing_one_fails(self) -> None:
        def close() -> lwt.Promise[None]:
            raise OSError(5, "cannot")

        ic = lwt_io.make(lambda *_: lwt.return_(0), mode=lwt_io.Input)
        oc = lwt_io.make(lambda *_: lwt.return_(0), mode=lwt_io.Output, close=close)
        with pytest.raises(OSError, match="cannot"):
            lwt_io.with_close_connection(lambda _: lwt.return_(None), (ic, oc))
        assert [lwt_io.is_closed(ic), lwt_io.is_closed(oc)] == [True, True]

    def test_with_close_connection_leaves_closed_channels_alone(self) -> None:
        calls: list[str] = []

        def close() -> lwt.Promise[None]:
            calls.append("close")
            return lwt.fail(OSError(5, "cannot"))

        ic = lwt_io.make(lambda *_: lwt.return_(0), mode=lwt_io.Input, close=close)

        async def f(channels: Channels) -> None:
            with pytest.raises(OSError, match="cannot"):
                await lwt_io.close(channels[0])

        oc = lwt_io.make(lambda *_: lwt.return_(0), mode=lwt_io.Output)
        lwt_main.run(lwt_io.with_close_connection(f, (ic, oc)))
        assert calls == ["close"]


def test_who_is_rejected_by_an_abort_may_close_the_connection_in_turn(
    reported: list[Exception],
) -> None:
    """The promise of that close is the one under way, and the socket is closed once."""
    closed: list[bool] = []

    async def read_and_close(channels: Channels) -> None:
        ic, oc = channels
        try:
            await lwt_io.read_line(ic)
        except (lwt_io.Channel_closed, OSError):
            pass
        await lwt_io.close(oc)
        closed.append(True)

    async def serve(_: lwt_unix.Sockaddr, channels: Channels) -> None:
        reading = lwt.of_coroutine(read_and_close(channels))
        await lwt_io.abort(channels[1])
        await reading

    async def client(address: Any) -> None:
        ic, oc = await lwt_io.open_connection(address)
        assert await lwt_io.read(ic) == b""
        await lwt_io.close(oc)

    run_with_server(serve, client)
    assert (closed, reported) == ([True], [])
