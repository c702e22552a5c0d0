"""Scripts over servers: the statements that those of `lwt_io/` do not have, and random ones.

    (serve_sockets P S PATH NO_CLOSE (HANDLER ...))
    (serve_channels P S PATH SIZE NO_CLOSE (HANDLER ...))
    (shutdown_server P S) (exists PATH)
    (open_connection P CI CO PATH SIZE)
    (with_connection P CI CO PATH (END STATEMENT ...))

Client n, counted over all servers of a script, is served by HANDLER n of the row, which starts
over at its end. A HANDLER is `(END STATEMENT ...)`, as in `io_atomic`; there, `waits` is for
`(wakeup P)`, where P is 140 + n. The client's socket is d 40 + n; its channels are c 40 + 2n,
to read from, and c 41 + 2n.
"""

from __future__ import annotations

from random import Random
from typing import Final

from tests.conformance.forms import Form
from tests.conformance.languages.lwt_io.language import BUFFERS, ENDS, READING, WRITING, IoMaker
from tests.conformance.languages.lwt_unix.language import PATHS, STORAGE_WEIGHTS

HANDLER_ENDS: Final = (*ENDS[6:], "joins", "waits", "waits", "raises", "rejects", "pauses")
CLIENTS: Final = 6


class ServerMaker(IoMaker):
    """Makes scripts over servers."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.servers: list[int] = []
        self.with_channels: set[int] = set()
        self.served = 0

    def beginning(self) -> list[Form]:
        name = "serve_sockets" if self.number(3) else "serve_channels"
        return [self.statement(name), *self.new_client()]

    def weights(self) -> dict[str, int]:
        channels = bool(self.inputs)
        return {
            "new_client": 14,
            "shutdown_server": 4,
            "exists": 1,
            "settle": 8,
            "turn": 12,
            "open_connection": 3,
            "with_connection": 3,
            "serve_sockets": 1,
            "serve_channels": 1,
            "write": 6,
            "write_text": 5,
            "read": 9,
            "drain": 2,
            "close": 6,
            "abort": 2,
            "shutdown": 4,
            "cancel": 4,
            "then": 8,
            **STORAGE_WEIGHTS,
            "state": 2,
            "wakeup": 8 if self.waiting else 0,
            "wakeup_exn": 3 if self.waiting else 0,
            **{name: weight // 3 if channels else 0 for name, weight in READING.items()},
            **{name: weight // 3 if channels else 0 for name, weight in WRITING.items()},
            "io_close": 3 if channels else 0,
            "io_abort": 1 if channels else 0,
            "io_state": 1 if channels else 0,
            "pause": 1,
            "fill": 1,
        }

    def statements(self) -> list[Form]:
        name = self.weighted(self.weights())
        if name == "new_client":
            return self.new_client()
        return [self.statement(name)]

    def new_client(self) -> list[Form]:
        """Connect; let the handlers' descriptors be known."""
        known = self.served % CLIENTS
        self.served += 1
        self.waiting.append(140 + known)
        if self.with_channels and self.number(2):
            self.inputs.append(40 + 2 * known)
            self.outputs.append(41 + 2 * known)
        else:
            self.readable.append(40 + known)
            self.writable.append(40 + known)
        return self.client(self.number(2) if self.number(4) else self.number(PATHS))

    def handlers(self) -> Form:
        return tuple(self.handler() for _ in range(1 + self.number(3)))

    def handler(self) -> Form:
        block = self.block() if self.number(2) else ()
        return (HANDLER_ENDS[self.number(len(HANDLER_ENDS))], *block)

    def new_server(self) -> int:
        s = len(self.servers) % 3
        self.servers.append(s)
        return s

    def make_serve_sockets(self) -> Form:
        p, s = self.new_promise(), self.new_server()
        no_close = int(self.number(5) == 0)
        return ("serve_sockets", p, s, s % 2, no_close, self.handlers())

    def make_serve_channels(self) -> Form:
        p, s = self.new_promise(), self.new_server()
        self.with_channels.add(s)
        no_close, size = int(self.number(5) == 0), self.one_of(BUFFERS)
        return ("serve_channels", p, s, s % 2, size, no_close, self.handlers())

    def make_shutdown_server(self) -> Form:
        s = self.one_of(self.servers) if self.servers else 0
        return ("shutdown_server", self.new_promise(), s)

    def make_open_connection(self) -> Form:
        p, ci, co = self.new_promise(), self.new_channel("input"), self.new_channel("output")
        return ("open_connection", p, ci, co, self.number(2), self.one_of(BUFFERS))

    def make_with_connection(self) -> Form:
        p, ci, co = self.new_promise(), self.new_channel("input"), self.new_channel("output")
        end, block = ENDS[self.number(len(ENDS))], self.block()
        if end == "waits":
            self.waiting.append(100 + p)
        return ("with_connection", p, ci, co, self.number(2), (end, *block))

    def make_exists(self) -> Form:
        return ("exists", self.number(PATHS))
