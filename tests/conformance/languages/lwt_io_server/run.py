"""Running scripts of input and output on servers and connections: what `lwt_io/run.py` does, and these.

Servers listen on paths; their clients are in the same process. Client number n is d 40 + n, or
channels 40 + 2n and 41 + 2n.
"""

from __future__ import annotations

import os

import lwt
import lwt_unix
from lwt_unix import lwt_io
from tests.conformance.forms import Form
from tests.conformance.language import Met
from tests.conformance.languages.lwt_io.run import IoRun, new_buffer
from tests.conformance.languages.scripts.differences import (
    QUEUE_FULL,
    STOPPED_IN_HANDLER,
    UNFLUSHED,
)
from tests.conformance.languages.scripts.run import Oops, Promise, path, show_unit

Channels = tuple[lwt_io.InputChannel, lwt_io.OutputChannel]


class ServerRun(IoRun):
    """One run of one script over servers."""

    def __init__(self, met: Met | None = None) -> None:
        super().__init__(met)
        self._servers: dict[int, lwt_io.Server] = {}
        self._stopping: list[lwt_io.Server] = []

    def _clean_up(self) -> None:
        self._is_over = True
        for server in self._servers.values():
            lwt_io.shutdown_server(server)
        super()._clean_up()

    def _next_client(self) -> int:
        client = self._clients
        self._clients += 1
        return client

    def _serve(self, client: int, handlers: Form) -> Promise:
        self.event(f"client {client}")
        ending, *statements = handlers[client % len(handlers)] if handlers else ("returns",)
        before = len(self._started)
        self.perform_all(statements)
        for server in self._stopping:
            socket = server._socket
            if lwt_unix.state(socket) is lwt_unix.Opened and lwt_unix.readable(socket):
                self.doubt(STOPPED_IN_HANDLER)
        return self._ended(40 + client, ending, before)

    def _keep_server(self, p: int, s: int, promise: Promise) -> None:
        def show(server: lwt_io.Server) -> str:
            self._servers[s] = server
            self._made("s", s)
            return "a server"

        self._watch(p, show, promise)

    def _listening(self) -> lwt_unix.File_descr:
        """Make a socket to listen on. OCaml does not close its own one if that cannot be bound."""
        descriptor = lwt_unix.socket(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
        self._opened.append(descriptor)
        return descriptor

    def do_serve_sockets(self, p: int, s: int, number: int, no_close: int, handlers: Form) -> None:
        def serve(_: object, descriptor: lwt_unix.File_descr) -> Promise:
            client = self._next_client()
            self._keep_descriptor(40 + client, descriptor)
            self._makers["d", 40 + client] = "serve_sockets"
            return self._serve(client, handlers)

        promise = lwt_io.establish_server_with_client_socket(
            lwt_unix.ADDR_UNIX(path(number)),
            serve,
            server_fd=self._listening(),
            no_close=no_close == 1,
        )
        self._keep_server(p, s, promise)

    def do_serve_channels(
        self, p: int, s: int, number: int, size: int, no_close: int, handlers: Form
    ) -> None:
        def serve(_: object, channels: Channels) -> Promise:
            ic, oc = channels
            client = self._next_client()
            self._keep_channel(40 + 2 * client, ic)
            self._keep_channel(41 + 2 * client, oc)
            for slot in (40 + 2 * client, 41 + 2 * client):
                self._makers["c", slot] = "serve_channels"

            def check() -> None:
                if no_close != 1 and not lwt_io.is_closed(oc) and lwt_io.buffered(oc) > 0:
                    self.doubt(UNFLUSHED)

            try:
                promise = self._serve(client, handlers)
            except Oops:
                check()
                raise
            return self._after(promise, check)

        promise = lwt_io.establish_server_with_client_address(
            lwt_unix.ADDR_UNIX(path(number)),
            serve,
            fd=self._listening(),
            buffer_size=max(16, size),
            no_close=no_close == 1,
        )
        self._keep_server(p, s, promise)

    def do_shutdown_server(self, p: int, s: int) -> None:
        server = self._take("s", self._servers, s)
        self._stopping.append(server)
        self._watch(p, show_unit, lwt_io.shutdown_server(server))

    def do_open_connection(self, p: int, ci: int, co: int, number: int, size: int) -> None:
        def show(channels: Channels) -> str:
            self._keep_channel(ci, channels[0])
            self._keep_channel(co, channels[1])
            return "connected"

        self._check_clients()
        promise = lwt_io.open_connection(
            lwt_unix.ADDR_UNIX(path(number)),
            in_buffer=new_buffer(size),
            out_buffer=new_buffer(size),
        )
        if lwt.is_sleeping(promise):
            self.doubt(QUEUE_FULL)
        self._watch(p, show, promise)

    def do_with_connection(self, p: int, ci: int, co: int, number: int, block: Form) -> None:
        ending, *statements = block
        is_connected = False

        def use(channels: Channels) -> Promise:
            nonlocal is_connected
            is_connected = True
            self._keep_channel(ci, channels[0])
            self._keep_channel(co, channels[1])
            self.event("connected")
            before = len(self._started)
            self.perform_all(statements)
            return self._ended(p, ending, before)

        self._check_clients()
        address = lwt_unix.ADDR_UNIX(path(number))
        promise = lwt_io.with_connection(address, use)
        if not is_connected and lwt.is_sleeping(promise):
            self.doubt(QUEUE_FULL)
        self._watch(p, show_unit, promise)

    def do_exists(self, number: int) -> None:
        """Tell whether a path is there."""
        there = "exists" if os.path.exists(path(number)) else "does not exist"
        self.event(f"path {number} {there}")
