"""A small HTTP/1.1 server: keep-alive, pipelining, bodies, and errors that say what was wrong.

    python docs/examples/http_server.py --port 8080
    curl http://127.0.0.1:8080/
    curl --data-binary @README.md http://127.0.0.1:8080/echo

It answers `GET /` (and `HEAD /`) with a greeting, and `POST /echo` with what it was
sent. A connection is a loop: read a request, answer it. The loop ends when the client
hangs up, asks to close, sends nonsense or is silent for too long, or when the server
stops.

The parts in reading order: `Request` and `parse_head` know HTTP and do no I/O;
`Connection` reads requests from a channel and writes answers to another; `respond`
decides the answer; `Server` and `main` put them together.
"""

import argparse
import os
import sys
from dataclasses import dataclass
from http import HTTPStatus

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main

MAX_HEAD = 16 * 1024  # bytes of request line and headers
MAX_BODY = 1024 * 1024  # bytes
PATIENCE = 30.0  # seconds for one request and its answer, waiting for the request included


class HttpError(Exception):
    """A request that is answered with an error, after which the connection closes."""

    def __init__(self, status: HTTPStatus, explanation: str) -> None:
        super().__init__(explanation)
        self.status = status


@dataclass(frozen=True)
class Request:
    """One request. Header names are in lower case."""

    method: str
    path: str
    version: str
    headers: dict[str, str]
    body: bytes

    @property
    def keep_alive(self) -> bool:
        """Whether the client wants to send more on this connection."""
        wish = self.headers.get("connection", "").lower()
        return wish == "keep-alive" if self.version == "HTTP/1.0" else wish != "close"


def parse_head(head: bytes) -> Request:
    """Parse a request line and headers; the body is still to be read."""
    request_line, *header_lines = head.decode("latin-1").split("\r\n")
    match request_line.split(" "):
        case [method, target, ("HTTP/1.0" | "HTTP/1.1") as version] if target.startswith("/"):
            pass
        case _:
            raise HttpError(HTTPStatus.BAD_REQUEST, f"No HTTP/1.1 request line: {request_line!r}.")
    headers: dict[str, str] = {}
    for line in header_lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise HttpError(HTTPStatus.BAD_REQUEST, f"Not a header: {line!r}.")
        headers[name.lower()] = value.strip()
    return Request(method, target.partition("?")[0], version, headers, b"")


def body_length(headers: dict[str, str]) -> int:
    """Return how many bytes of body follow the head."""
    if "transfer-encoding" in headers:
        raise HttpError(HTTPStatus.NOT_IMPLEMENTED, "Send a Content-Length, not chunks.")
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdecimal()):
        raise HttpError(HTTPStatus.BAD_REQUEST, f"Content-Length is not a number: {length!r}.")
    if len(length) > 15 or int(length) > MAX_BODY:
        raise HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"At most {MAX_BODY} bytes, please.")
    return int(length)


class Connection:
    """Requests read from a channel. What a read brings beyond a request is kept for the next."""

    def __init__(self, input: lwt_io.InputChannel, output: lwt_io.OutputChannel) -> None:
        self._input = input
        self._output = output
        self._unread = b""

    @property
    def has_more(self) -> bool:
        """Whether the client has sent more than it was answered for, without waiting."""
        return bool(self._unread)

    @lwt.promised
    async def next_request(self) -> Request | None:
        """Read a request; None when the client has hung up instead of sending one."""
        while (end := self._unread.find(b"\r\n\r\n")) < 0:
            if len(self._unread) > MAX_HEAD:
                raise HttpError(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "That is too much of a head."
                )
            if not await self._read_more():
                return None
        request = parse_head(self._unread[:end])
        self._unread = self._unread[end + 4 :]

        length = body_length(request.headers)
        if request.headers.get("expect", "").lower() == "100-continue":
            await lwt_io.write(self._output, "HTTP/1.1 100 Continue\r\n\r\n")
            await lwt_io.flush(self._output)
        while len(self._unread) < length:
            if not await self._read_more():
                return None
        body, self._unread = self._unread[:length], self._unread[length:]
        return Request(request.method, request.path, request.version, request.headers, body)

    @lwt.promised
    async def _read_more(self) -> bool:
        more = await lwt_io.read(self._input, count=65536)
        self._unread += more
        return bool(more)

    @lwt.promised
    async def answer(
        self, status: HTTPStatus, body: bytes, *, keep_alive: bool, with_body: bool = True
    ) -> None:
        """Send a response."""
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            f"Content-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\n"
            f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n"
            f"\r\n"
        )
        await lwt_io.write(self._output, head.encode() + (body if with_body else b""))
        await lwt_io.flush(self._output)


def respond(request: Request) -> tuple[HTTPStatus, bytes]:
    """Decide the status and the body that answer a request."""
    match request.path, request.method:
        case "/", "GET" | "HEAD":
            return HTTPStatus.OK, b"Hello from lwt.\n"
        case "/echo", "POST":
            return HTTPStatus.OK, request.body
        case "/" | "/echo", _:
            return HTTPStatus.METHOD_NOT_ALLOWED, f"{request.method} does nothing here.\n".encode()
        case _:
            return HTTPStatus.NOT_FOUND, f"There is no {request.path} here.\n".encode()


class Server:
    """The connections being served, and the promise that asks them to end."""

    def __init__(self) -> None:
        self._stopping: lwt.Promise[None]
        self._stop: lwt.Resolver[None]
        self._stopping, self._stop = lwt.wait()
        self._connections: set[lwt.Promise[None]] = set()

    def serve(
        self,
        _address: lwt_unix.Sockaddr,
        channels: tuple[lwt_io.InputChannel, lwt_io.OutputChannel],
    ) -> lwt.Promise[None]:
        """Serve one connection; the caller closes its channels afterwards."""
        served = self._serve(*channels)
        self._connections.add(served)
        lwt.on_termination(served, lambda: self._connections.discard(served))
        return served

    @lwt.promised
    async def stop(self) -> None:
        """Let every connection finish its answer; done when all have ended."""
        lwt.wakeup_later(self._stop, None)
        await lwt.join(self._connections)

    @lwt.promised
    async def _serve(self, input: lwt_io.InputChannel, output: lwt_io.OutputChannel) -> None:
        connection = Connection(input, output)
        try:
            while await lwt_unix.with_timeout(PATIENCE, lambda: self._exchange(connection)):
                if connection.has_more:
                    # Whoever asks for many things at once must give others a turn.
                    await lwt.pause()
            await lwt_io.close(output)
        except (lwt_unix.Timeout, OSError, lwt_io.Channel_closed):
            await lwt_io.abort(output)  # silent for too long, or gone

    @lwt.promised
    async def _exchange(self, connection: Connection) -> bool:
        """Read a request and answer it; return whether another may follow."""
        try:
            request = await lwt.pick([connection.next_request(), self._stopping])
            if request is None:
                return False
            status, body = respond(request)
            keep_alive = request.keep_alive and lwt.is_sleeping(self._stopping)
            with_body = request.method != "HEAD"
        except HttpError as error:
            status, body, keep_alive, with_body = error.status, f"{error}\n".encode(), False, True
        await connection.answer(status, body, keep_alive=keep_alive, with_body=with_body)
        return keep_alive


@lwt.promised
async def main(host: str, port: int) -> int:
    """Run the server until it is cancelled, as a signal does; return the exit status."""
    server = Server()
    listening = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    try:
        listener = await lwt_io.establish_server_with_client_address(
            (host, port), server.serve, fd=listening, set_tcp_nodelay=True
        )
    except OSError as error:
        number, _, _ = lwt_unix.unix_error(error)
        await lwt_io.eprintl(f"Cannot listen on {host} port {port}: {os.strerror(number)}.")
        return 1
    address = lwt_unix.getsockname(listening)
    assert isinstance(address, lwt_unix.ADDR_INET)
    await lwt_io.printl(f"Listening on http://{address.addr}:{address.port}/ (Ctrl-C stops)")
    forever, _ = lwt.task()
    try:
        await forever
    except lwt.Canceled:
        pass
    await lwt_io.shutdown_server(listener)
    await server.stop()
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="A small HTTP/1.1 server: GET / greets, POST /echo returns what it gets.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="numeric IPv4 address to listen on")
    parser.add_argument("--port", type=int, default=8080, help="port; 0 takes any free one")
    arguments = parser.parse_args()
    if not 0 <= arguments.port < 65536:
        parser.error(f"--port must be from 0 to 65535, not {arguments.port}")

    # An exception that nobody handles is logged, and costs the client that caused it its
    # connection. By default it would end the server. MemoryError and RecursionError would end it
    # in any case, unless the filter is set. In Python, input can cause them: `json.loads` of
    # 100,000 brackets does.
    lwt.async_exception_hook.contents = lwt_unix.log_exception
    lwt.Exception_filter.set(lwt.Exception_filter.handle_all)

    # Ctrl-C and SIGTERM cancel `main`. A second one ends the program at once.
    sys.exit(lwt_main.run(main(arguments.host, arguments.port), cancel_on_signals=True))
