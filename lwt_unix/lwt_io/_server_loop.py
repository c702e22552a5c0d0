"""What every server does: listen, accept, be shut down.

- `Server`: a listening socket and the loop that accepts on it, until `shutdown_server`.
- `start_server`: what all the `establish_…` functions of `_servers` do, in which
  order, and what is undone when it fails.

A `Clients` object says what is done with an accepted client.

Nobody waits for the promise of a client's function. So every exception here goes to
`lwt.async_exception_hook`, whose default ends the process. A server that must survive
its clients handles exceptions in that function, or sets the hook. If the hook returns,
the server goes on: the client that could not be served is closed, others are accepted.

While the process ends (`lwt_main.Exit_hooks`), nobody is accepted, so that no client is left in the
middle of something.

Running out of descriptors (for example EMFILE) is reported to the hook, too. If the hook
returns, the client stays in the kernel's queue, and accepting is tried again
`RETRY_AFTER` seconds later. An error of the network that concerns one client
(`OF_ONE_CLIENT`) is reported, and the next one is accepted. (In OCaml the server then
accepts no more, its socket stays open, and the promise of `shutdown_server` is never
resolved.)

OCaml: Lwt_io, `establish_server_generic` (src/unix/lwt_io.ml).
"""

from __future__ import annotations

import errno
from contextvars import copy_context
from types import TracebackType
from typing import Any, Final, NoReturn, Protocol, TypeAlias, final

import lwt
import lwt_unix
from lwt._core.checks import check_bounds, check_callback, check_kind
from lwt._core.identity import refuse_copy
from lwt._core.promise import (
    FULFILLED,
    PENDING,
    REJECTED,
    Callback,
    add_callback,
    underlying,
)
from lwt._core.resolution import call_or_report
from lwt._core.storage import current_storage
from lwt_unix import _ending
from lwt_unix import _system as system
from lwt_unix._checks import C_INT
from lwt_unix._descriptors.file_descr import check_is_descriptor
from lwt_unix._errors import call_named
from lwt_unix._sockets.sockaddr import (
    ADDR_INET,
    ADDR_UNIX,
    Address,
    Sockaddr,
    domain_of_sockaddr,
    is_path,
    to_sockaddr,
)
from lwt_unix._sockets.sockets import accept_unless
from lwt_unix.lwt_io._connections import PrepareFd, close_socket, set_nodelay

Accepted: TypeAlias = tuple[lwt_unix.File_descr, Sockaddr]

RETRY_AFTER: Final = 0.2
"""Seconds between two attempts to accept, while the system has no descriptors left."""

EXHAUSTED: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))

OF_ONE_CLIENT: Final = frozenset(
    getattr(errno, name)
    for name in ("EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ENONET", "ENOPROTOOPT",
                 "EPERM", "EPROTO")
    if hasattr(errno, name)
)  # fmt: skip
"""Errors that a connection met before it was accepted (see accept(2)): it has left the queue, and
the next one may be all right. EPERM comes from a firewall."""


class Clients(Protocol):
    """What a server does with a client that it has accepted."""

    def serve(self, address: Sockaddr, client: lwt_unix.File_descr) -> None: ...


def report(exception: Exception) -> None:
    """Hand an exception that nobody waits for to the hook."""
    lwt.async_exception_hook.contents(exception)


@final
class Server:
    """A listening socket on which clients are accepted.

    `async with server:` calls `shutdown_server` at the end.

    OCaml: type Lwt_io.server
    """

    __slots__ = (
        "_accepting",
        "_accepting_is_over",
        "_address",
        "_clients",
        "_is_stopping",
        "_prepare_client_fd",
        "_set_tcp_nodelay",
        "_socket",
        "_stopped",
    )

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(
        self,
        socket: lwt_unix.File_descr,
        address: Sockaddr,
        clients: Clients,
        set_tcp_nodelay: bool | None,
        prepare_client_fd: PrepareFd | None,
    ) -> None:
        self._socket = socket
        self._address = address
        self._clients = clients
        self._set_tcp_nodelay = set_tcp_nodelay
        self._prepare_client_fd = prepare_client_fd
        self._is_stopping = False
        self._accepting: lwt.Promise[Any] = lwt.return_unit
        self._accepting_is_over: lwt.Promise[None] = lwt.return_unit
        self._stopped: lwt.Promise[None] | None = None

    def __repr__(self) -> str:
        state = "listening on" if self._stopped is None else "shut down, was listening on"
        return f"<Server {state} {self._address}>"

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await shutdown_server(self)

    def _learn_port(self) -> None:
        """Learn the port that the system has chosen, if that was left to it."""
        if isinstance(self._address, ADDR_INET) and self._address.port == 0:
            self._address = lwt_unix.getsockname(self._socket)

    def start(self) -> None:
        """Begin to accept, in the background, once the main loop sees a client."""
        if not self._is_stopping:
            over: lwt.Resolver[None]
            self._accepting_is_over, over = lwt.wait()
            # Even a client that waits already is not accepted now: first the caller gets
            # the promise of the server. (In OCaml, such a client is served before that.)
            ready = lwt_unix.register_action(lwt_unix.Read, self._socket, _nothing)
            _Accepting(self, over).wait_for(ready)

    def _is_over(self) -> bool:
        """Tell whether nobody is accepted any more, for whatever reason."""
        return self._is_stopping or _ending.has_begun()

    def _next_client(self) -> lwt.Promise[Accepted | None]:
        try:
            return accept_unless(self._is_over, self._socket)
        except Exception as exn:
            return lwt.fail(exn)

    def _bear(self, problem: Exception) -> lwt.Promise[None]:
        """Do what has to be done about an exception of accepting; return what to wait for then."""
        # If it is stopping, it was `stop` that cancelled.
        if self._is_stopping or isinstance(problem, ConnectionAbortedError):
            return lwt.return_unit  # the client left before it was accepted
        report(problem)
        number = problem.errno if isinstance(problem, OSError) else None
        if number in EXHAUSTED:
            return lwt_unix.sleep(RETRY_AFTER)
        if number not in OF_ONE_CLIENT:
            # The listening socket cannot be used any more; most likely it was closed. Let
            # nobody wait in its queue.
            shutdown_server(self)
        return lwt.return_unit

    def _serve(self, address: Sockaddr, client: lwt_unix.File_descr) -> None:
        try:
            set_nodelay(client, self._set_tcp_nodelay)
            if self._prepare_client_fd is not None:
                self._prepare_client_fd(client)
        except Exception as exn:
            problem = exn
        else:
            self._clients.serve(address, client)
            return
        try:
            report(problem)
        finally:
            close_in_background(client)

    def stop(self) -> lwt.Promise[None]:
        """Do what `shutdown_server` does.

        No client is accepted from now on. The rest is done when the callbacks that are running
        have ended, as after every `wakeup_later`. If one of them is a function that serves a
        client of this server, the rest is done as soon as that function has returned.
        """
        if self._stopped is None:
            self._is_stopping = True
            stopped: lwt.Resolver[None]
            self._stopped, stopped = lwt.wait()
            ask: lwt.Resolver[None]
            asked, ask = lwt.wait()
            lwt.on_success(asked, lambda _: lwt.cancel(self._accepting))
            lwt.on_success(self._accepting_is_over, lambda _: self._finish(stopped))
            lwt.wakeup_later(ask, None)
        return self._stopped

    def _finish(self, stopped: lwt.Resolver[None]) -> None:
        closed = lwt.of_coroutine(self._close())
        lwt.on_termination(closed, lambda: lwt.wakeup_later(stopped, None))

    async def _close(self) -> None:
        try:
            # The program may have closed the socket that it gave.
            if lwt_unix.state(self._socket) is not lwt_unix.Closed:
                await lwt_unix.close(self._socket)
            if is_path(self._address):
                _unlink(self._address.path)
            return
        except Exception as exn:
            problem = exn
        report(problem)


@final
class _Accepting(Callback):
    """The loop of a server: it accepts all who are there, and goes on when there is somebody again.

    It is a callback of what it waits for, and no body: a server comes here for each client.
    """

    __slots__ = ("_context", "_over", "_server", "_storage")

    def __init__(self, server: Server, over: lwt.Resolver[None]) -> None:
        self._server = server
        self._over = over
        self._context = copy_context()

    def wait_for(self, promise: lwt.Promise[Accepted | None]) -> None:
        """Go on when a promise is resolved."""
        self._server._accepting = promise
        self._storage = current_storage.contents
        add_callback(promise, self)

    def run(self, promise: lwt.Promise[Any], /) -> None:
        """Go on, since what was waited for is resolved."""
        current_storage.contents = self._storage
        self._context.run(self._go_on, promise)

    def _go_on(self, promise: lwt.Promise[Accepted | None]) -> None:
        try:
            self._accept_all(promise)
            return
        except Exception as exn:
            problem = exn
        except BaseException:
            # KeyboardInterrupt and the like leave through the main loop, whatever function
            # they interrupted. If the main loop is run again, the server accepts again.
            self._begin_again()
            raise
        self._begin_again()
        call_or_report("lwt_io", report, problem)

    def _accept_all(self, promise: lwt.Promise[Accepted | None]) -> None:
        """Serve the client that was waited for, and all others that are there."""
        server = self._server
        while True:
            if promise._state == PENDING:
                self.wait_for(promise)
                return
            if promise._state == REJECTED:
                problem: Exception = promise._value.with_own_traceback()
                promise = underlying(server._bear(problem))
                if promise._state == PENDING:
                    continue
            elif promise._value is not None:
                client, address = promise._value
                server._serve(address, client)
            if server._is_over():
                break
            promise = underlying(server._next_client())
        server._accepting = lwt.return_unit
        lwt.wakeup(self._over, None)

    def _begin_again(self) -> None:
        server = self._server
        # It is over already if what was interrupted is a callback of that.
        if server._is_stopping and lwt.is_sleeping(server._accepting_is_over):
            lwt.wakeup(self._over, None)
        server.start()


def _unlink(path: str) -> None:
    with call_named("unlink", path):
        system.unlink(path)


def shutdown_server(server: Server, /) -> lwt.Promise[None]:
    """Stop accepting, close the listening socket, and remove a Unix-domain path.

    The promise is fulfilled when that is done. Clients that were accepted before are
    not affected. Another call returns the same promise. An exception of closing or
    of removing the path goes to `lwt.async_exception_hook`.

    OCaml: Lwt_io.shutdown_server : server -> unit Lwt.t
    """
    check_kind("lwt_io.shutdown_server", server, Server)
    return server.stop()


def _nothing() -> None:
    """Do nothing: this is the action of something that only waits."""


def close_in_background(client: lwt_unix.File_descr) -> None:
    if client._state is not lwt_unix.Closed:
        closed = close_socket(client)
        if closed._state != FULFILLED:
            lwt.on_failure(closed, report)


# --- Starting a server -------------------------------------------------------


def start_server(
    function: str,
    sockaddr: Address,
    clients: Clients,
    fd: lwt_unix.File_descr | None,
    backlog: int | None,
    set_tcp_nodelay: bool | None,
    prepare_listening_fd: PrepareFd | None,
    prepare_client_fd: PrepareFd | None,
) -> lwt.Promise[Server]:
    """Make a server and start it.

    In this order: the socket is made; SO_REUSEADDR is set; `prepare_listening_fd` is
    called; bind; listen; the promise is fulfilled; the first accept. An error is raised at
    the call, except an error of bind or listen on a Unix-domain address, which rejects the
    promise: there, binding is a job. If the socket was made here, it is closed on every error
    and on cancelling.
    """
    address = to_sockaddr(function, sockaddr)
    if fd is not None:
        check_is_descriptor(function, fd)
    if backlog is None:
        backlog = lwt_unix.somaxconn()
    check_bounds(function, "backlog", backlog, *C_INT)
    for prepare in (prepare_listening_fd, prepare_client_fd):
        if prepare is not None:
            check_callback(function, prepare, ("descriptor",))
    socket = fd
    if socket is None:
        socket = lwt_unix.socket(domain_of_sockaddr(address), lwt_unix.SOCK_STREAM, 0)

    server = Server(socket, address, clients, set_tcp_nodelay, prepare_client_fd)

    def undo(_: Exception) -> None:
        if fd is None:
            lwt_unix.close(socket)

    def listen(_: None) -> Server:
        lwt_unix.listen(socket, backlog)
        server._learn_port()
        return server

    try:
        lwt_unix.setsockopt(socket, lwt_unix.SO_REUSEADDR, True)
        if prepare_listening_fd is not None:
            prepare_listening_fd(socket)
        bound = lwt_unix.bind(socket, address)
        if not isinstance(address, ADDR_UNIX):
            listen(None)
    except BaseException:
        if fd is None:
            lwt_unix.close(socket)
        raise
    if not isinstance(address, ADDR_UNIX):
        server.start()
        return lwt.return_(server)
    listening = lwt.map(listen, bound)
    lwt.on_any(listening, Server.start, undo)
    return listening
