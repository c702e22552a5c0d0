"""A chat server: what one client says, all the others read.

    python docs/examples/chat.py          # on 127.0.0.1, port $PORT or 9000
    nc 127.0.0.1 9000                     # in as many terminals as you like

Read it from the end: `main` is the life of the server, `Room` keeps the clients
together, `Client` is one of them. Five things to notice:

- A client is served from its greeting to its last line by one body,
  `Room.converse`, that reads like blocking code. Thousands run side by side.
- Nobody waits for a slow client. `Room.announce` starts the writing and returns;
  a client for which `MAX_WAITING` messages wait is dropped.
- Nobody gets more than a share. A line has a limit, so that it does not fill the memory.
  Each client has one line relayed in a turn of the main loop, however many it sends.
- One client's error is not the end of the others: see the lines at the very end.
- A conversation may end because its client leaves, because its client is dropped,
  or because the room closes. Each of these is a promise, and the conversation waits
  for all three at once. So a clean stop is not a special case, and only the
  conversation closes its channels.
"""

import itertools
import os
import sys

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main

MAX_LINE = 4096  # bytes; a client that writes a longer line is sent away
MAX_WAITING = 100  # messages that may wait for one client before it is dropped
MAX_SILENCE = 3600.0  # seconds; a client that says nothing for so long is sent away
PATIENCE = 2.0  # seconds that a client has to read the last words sent to it

GONE = (OSError, lwt_io.Channel_closed)  # what writing to a client that vanished raises


class Client:
    """One connection: its name, its output, and how many messages wait to be taken."""

    def __init__(self, name: str, output: lwt_io.OutputChannel) -> None:
        self.name = name
        self.dropped: lwt.Promise[str]
        self._drop: lwt.Resolver[str]
        self.dropped, self._drop = lwt.wait()
        self._output = output
        self._waiting = 0

    @lwt.promised
    async def send(self, text: str) -> None:
        """Write `text`, or drop the client if it leaves too much unread.

        It is in the channel's buffer then, and goes out before the main loop waits.
        """
        if self._waiting == MAX_WAITING:
            if lwt.is_sleeping(self.dropped):
                lwt.wakeup_later(self._drop, "* You are too slow. Goodbye.\n")
            return
        self._waiting += 1
        try:
            await lwt_io.write(self._output, text)
        except GONE:
            pass  # its conversation notices the same when it reads, and ends
        finally:
            self._waiting -= 1

    @lwt.promised
    async def leave(self, last_words: str) -> None:
        """Say `last_words` and hang up; give up on a client that takes too long."""

        async def say_and_close() -> None:
            await lwt_io.write(self._output, last_words)
            await lwt_io.close(self._output)

        try:
            await lwt_unix.with_timeout(PATIENCE, say_and_close)
        except (lwt_unix.Timeout, *GONE):
            await lwt_io.abort(self._output)


class Room:
    """All who are connected."""

    def __init__(self) -> None:
        self.closing: lwt.Promise[str]
        self._close: lwt.Resolver[str]
        self.closing, self._close = lwt.wait()
        self._clients: list[Client] = []
        self._conversations: set[lwt.Promise[None]] = set()
        self._numbers = itertools.count(1)

    def serve(
        self,
        _address: lwt_unix.Sockaddr,
        channels: tuple[lwt_io.InputChannel, lwt_io.OutputChannel],
    ) -> lwt.Promise[None]:
        """Serve one client: what the server calls for each."""
        conversation = self.converse(*channels)
        self._conversations.add(conversation)
        lwt.on_termination(conversation, lambda: self._conversations.discard(conversation))
        return conversation

    @lwt.promised
    async def converse(self, input: lwt_io.InputChannel, output: lwt_io.OutputChannel) -> None:
        """Greet a client and relay what it says until it leaves or the room closes."""
        client = Client(f"guest{next(self._numbers)}", output)
        self.announce(f"* {client.name} has come.\n")
        self._clients.append(client)
        last_words = ""
        try:
            others = ", ".join(other.name for other in self._clients[:-1]) or "nobody else"
            await client.send(f"* Welcome, {client.name}. With you: {others}.\n")
            ends = [self.relay(client, input), client.dropped, self.closing]
            last_words = await lwt.pick(ends)
        except GONE:
            pass  # the client vanished
        finally:
            self._clients.remove(client)
            if lwt.is_sleeping(self.closing):
                self.announce(f"* {client.name} has left.\n")
            await client.leave(last_words)

    @lwt.promised
    async def relay(self, client: Client, input: lwt_io.InputChannel) -> str:
        """Pass on what `client` says, line by line; return what to tell it at the end."""
        try:
            while line := await lwt_unix.with_timeout(MAX_SILENCE, lambda: next_line(input)):
                self.announce(f"{client.name}: {printable(line.value)}\n", but=client)
                await lwt.pause()  # a client that never stops talking must give others a turn
        except lwt_io.Line_too_long:
            return "* That line is too long. Goodbye.\n"
        except lwt_unix.Timeout:
            return "* You have said nothing for a long time. Goodbye.\n"
        return ""

    def announce(self, text: str, *, but: Client | None = None) -> None:
        """Send `text` to all but one, without waiting until they have it."""
        listeners = [client for client in self._clients if client is not but]
        lwt.async_(lambda: lwt.join([client.send(text) for client in listeners]))

    @lwt.promised
    async def close(self) -> None:
        """Say goodbye to everyone; done when all have hung up."""
        lwt.wakeup_later(self._close, "* The server stops here. Goodbye.\n")
        await lwt.join(self._conversations)


def next_line(input: lwt_io.InputChannel) -> lwt.Promise[lwt.Some[bytes] | None]:
    """Read a line; None when there are no more."""
    return lwt_io.read_line_opt(input, limit=MAX_LINE)


def printable(line: bytes) -> str:
    """Return `line` as text, without characters that could control a terminal."""
    return "".join(filter(str.isprintable, line.decode(errors="replace")))


@lwt.promised
async def main(port: int) -> int:
    """Run the server until it is cancelled, as a signal does; return the exit status."""
    room = Room()
    listening = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    try:
        server = await lwt_io.establish_server_with_client_address(
            ("127.0.0.1", port), room.serve, fd=listening
        )
    except OSError as error:
        number, _, _ = lwt_unix.unix_error(error)
        await lwt_io.eprintl(
            f"Cannot listen on 127.0.0.1 port {port}: {os.strerror(number)}. "
            f"Another port can be chosen with PORT."
        )
        return 1

    address = lwt_unix.getsockname(listening)
    assert isinstance(address, lwt_unix.ADDR_INET)
    port = address.port  # the real one, where 0 was asked for
    await lwt_io.printl(f"The chat server listens on 127.0.0.1 port {port}.")
    await lwt_io.printl(f"  To connect, in another terminal:  nc 127.0.0.1 {port}")
    await lwt_io.printl("  To stop:                          Ctrl-C")
    forever, _ = lwt.task()
    try:
        await forever
    except lwt.Canceled:
        pass
    await lwt_io.shutdown_server(server)
    await room.close()
    await lwt_io.printl("Everyone has hung up. Goodbye.")
    return 0


if __name__ == "__main__":
    port = os.environ.get("PORT", "9000")
    if not (port.isdecimal() and int(port) < 65536):
        sys.exit(f"PORT must be a number from 0 to 65535, not {port!r}.")

    # An exception that nobody handles is logged, and costs the client that caused it its
    # connection. By default it would end the server. MemoryError and RecursionError would end it
    # in any case, unless the filter is set. In Python, input can cause them: `json.loads` of
    # 100,000 brackets does.
    lwt.async_exception_hook.contents = lwt_unix.log_exception
    lwt.Exception_filter.set(lwt.Exception_filter.handle_all)

    # Ctrl-C and SIGTERM cancel `main`. A second one ends the program at once.
    sys.exit(lwt_main.run(main(int(port)), cancel_on_signals=True))
