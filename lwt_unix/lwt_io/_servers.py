"""The functions that make servers, on sockets and on channels.

Each way to serve clients has a class that says what a client gets (`_SocketClients`,
`_ChannelClients`); `_serve` calls the user's function and closes the connection when its
promise is resolved. The rest of a server is in `_server_loop`.

OCaml: Lwt_io, `establish_server_with_client_socket` and the like (src/unix/lwt_io.ml).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Never, TypeAlias, TypeVar, final

import lwt
import lwt_unix
from lwt._core.checks import check_callback, explain_call, given_by_position
from lwt._core.driver import to_promise
from lwt._core.exceptions import rejection_of
from lwt._core.promise import PENDING, REJECTED, Callback, add_callback, new_promise, underlying
from lwt._core.resolution import call, call_or_report
from lwt._core.storage import current_storage
from lwt_unix._checks import promise_of
from lwt_unix._sockets.sockaddr import Address, Sockaddr
from lwt_unix.lwt_io._channel import InputChannel, OutputChannel, close, flush, is_closed
from lwt_unix.lwt_io._connections import PrepareFd, closing_once
from lwt_unix.lwt_io._create import (
    check_buffer_size,
    connection_channels,
    default_buffer_size,
)
from lwt_unix.lwt_io._server_loop import (
    Server,
    close_in_background,
    report,
    shutdown_server,
    start_server,
)
from lwt_unix.lwt_io._turns import Channel, PromiseOrCoroutine

T = TypeVar("T")

SocketHandler: TypeAlias = Callable[[Sockaddr, lwt_unix.File_descr], PromiseOrCoroutine[object]]
Channels: TypeAlias = tuple[InputChannel, OutputChannel]
ChannelsHandler: TypeAlias = Callable[[Sockaddr, Channels], PromiseOrCoroutine[object]]

# --- What becomes of a client ------------------------------------------------


def _serve(
    function: str,
    f: Callable[[Sockaddr, T], PromiseOrCoroutine[object]],
    address: Sockaddr,
    connection: T,
    close: Callable[[], object] | None,
) -> None:
    """Call the user's function for a client; when it is done, call `close` if there is one."""
    try:
        served = _promise_of_service(function, f, address, connection)
    except BaseException:
        # KeyboardInterrupt and the like, on their way to the main loop.
        if close is not None:
            close()
        raise
    when_served = _WhenServed(close)
    served = underlying(served)
    if served._state == PENDING:
        add_callback(served, when_served)
    else:
        call(when_served.run, served)


def _promise_of_service(
    function: str,
    f: Callable[[Sockaddr, T], PromiseOrCoroutine[object]],
    address: Sockaddr,
    connection: T,
) -> lwt.Promise[object]:
    """Do what `lwt.apply` does, for a function of two arguments."""
    try:
        return to_promise(function, f, call(f, address, connection))
    except Exception as exn:
        explain_call(exn, function, f, ("address", "connection"))
        return new_promise(REJECTED, rejection_of(exn))


@final
class _WhenServed(Callback):
    """What to do when the promise of a client's function is resolved: `lwt.on_any` with less ado."""

    __slots__ = ("_close", "_storage")

    def __init__(self, close: Callable[[], object] | None) -> None:
        self._close = close
        self._storage = current_storage.contents

    def run(self, served: lwt.Promise[object], /) -> None:
        current_storage.contents = self._storage
        if served._state == REJECTED:
            exception = served._value.with_own_traceback()
            call_or_report("lwt_io", self._failed, exception, handled=exception)
        elif self._close is not None:
            call_or_report("lwt_io", self._close)

    def _failed(self, exception: Exception) -> None:
        try:
            report(exception)
        finally:
            self._end()

    def _end(self) -> None:
        if self._close is not None:
            self._close()


# --- Clients served on their sockets -----------------------------------------


@final
class _SocketClients:
    """Calls `f(address, socket)` for each client."""

    __slots__ = ("_f", "_no_close")

    def __init__(self, f: SocketHandler, no_close: bool) -> None:
        self._f = f
        self._no_close = no_close

    def serve(self, address: Sockaddr, client: lwt_unix.File_descr) -> None:
        close = None if self._no_close else partial(close_in_background, client)
        function = "lwt_io.establish_server_with_client_socket"
        _serve(function, self._f, address, client, close)


def establish_server_with_client_socket(
    sockaddr: Address,
    f: SocketHandler,
    /,
    *_wrong: Never,
    server_fd: lwt_unix.File_descr | None = None,
    backlog: int | None = None,
    no_close: bool = False,
    set_tcp_nodelay: bool | None = None,
    prepare_listening_fd: PrepareFd | None = None,
    prepare_client_fd: PrepareFd | None = None,
) -> lwt.Promise[Server]:
    """Listen on an address, and call `f(client_address, client_socket)` for each client.

    The promise is fulfilled right after `listen`, before the first client is
    accepted. Clients are accepted in their order, and `f` is called for each
    without waiting for earlier ones; it must not block.

    When the promise of `f` is resolved, the client's connection is shut down and
    its socket closed, unless it is closed already. An exception of `f`, raised or
    by rejection, goes to `lwt.async_exception_hook` before that; an exception of the
    closing goes there too. The default hook prints it and ends the process.

    Args:
        sockaddr: where to listen; port 0 lets the system choose one.
        f: serves a client. It may be an `async def` function.
        server_fd: the socket to listen on, instead of a new one. It is bound to
            `sockaddr` all the same, and `shutdown_server` closes it.
        backlog: how many clients may wait to be accepted; by default as many as
            the system allows.
        no_close: whether closing the client's socket is left to `f`.
        set_tcp_nodelay: whether to set `TCP_NODELAY` on clients' sockets; by
            default, it is set if they have it.
        prepare_listening_fd: called with the listening socket, before `bind`.
        prepare_client_fd: called with each client's socket, before `f`. Its
            exception goes to the hook, and the client is closed.

    Raises:
        OSError: the socket could not be made, bound or listened on. For a
            Unix-domain address, the last two reject the promise. A socket made here
            is closed again.

    OCaml: Lwt_io.establish_server_with_client_socket :
    ?server_fd:Lwt_unix.file_descr -> ?backlog:int -> ?no_close:bool ->
    ?set_tcp_nodelay:bool -> ?prepare_listening_fd:(Lwt_unix.file_descr -> unit) ->
    ?prepare_client_fd:(Lwt_unix.file_descr -> unit) -> Unix.sockaddr ->
    (Lwt_unix.sockaddr -> Lwt_unix.file_descr -> unit Lwt.t) -> server Lwt.t
    """
    if _wrong:
        raise given_by_position(establish_server_with_client_socket, _wrong)
    function = "lwt_io.establish_server_with_client_socket"
    check_callback(function, f, ("address", "descriptor"))
    return start_server(
        function,
        sockaddr,
        _SocketClients(f, no_close),
        server_fd,
        backlog,
        set_tcp_nodelay,
        prepare_listening_fd,
        prepare_client_fd,
    )


# --- Clients served on channels ----------------------------------------------


@final
class _ChannelClients:
    """Calls `f(address, (input_channel, output_channel))` for each client."""

    __slots__ = ("_f", "_function", "_memory", "_no_close")

    def __init__(self, function: str, f: ChannelsHandler, buffer_size: int, no_close: bool) -> None:
        self._function = function
        self._f = f
        self._memory: tuple[int, memoryview | None] = (buffer_size, None)
        self._no_close = no_close

    def serve(self, address: Sockaddr, client: lwt_unix.File_descr) -> None:
        try:
            channels = connection_channels(client, self._memory, self._memory, closing_once(client))
        except BaseException:
            close_in_background(client)  # there is no memory to serve it
            raise
        close = None if self._no_close else partial(lwt.async_, partial(_close_channels, channels))
        _serve(self._function, self._f, address, channels, close)


async def _close_channels(channels: Channels) -> None:
    ic, oc = channels
    if not is_closed(oc):
        # As in OCaml, the input channel is closed first and the socket with it, so
        # that a client who does not read cannot hold the connection. But first the
        # system is offered what `f` has written and not flushed, which OCaml drops.
        flushed = flush(oc)
        lwt.on_failure(flushed, _ignore)
        if lwt.is_sleeping(flushed):
            # Perhaps only because so much was written in this turn already (`MOST_AT_ONCE`): then it
            # is written by a timer of the next turn.
            await lwt_unix.sleep(0.0)
            await lwt.pause()
    await _close_or_report(ic)
    await _close_or_report(oc)


def _ignore(_: Exception) -> None:
    """Drop the exception: the `close` that follows meets it again."""


async def _close_or_report(channel: Channel) -> None:
    # `f` may have tried to close the channel, and handled the exception. Then the same
    # exception must not end the process now.
    if is_closed(channel):
        return
    try:
        await close(channel)
        return
    except Exception as exn:
        problem = exn
    report(problem)


def establish_server_with_client_address(
    sockaddr: Address,
    f: ChannelsHandler,
    /,
    *_wrong: Never,
    fd: lwt_unix.File_descr | None = None,
    buffer_size: int | None = None,
    backlog: int | None = None,
    no_close: bool = False,
    set_tcp_nodelay: bool | None = None,
    prepare_listening_fd: PrepareFd | None = None,
    prepare_client_fd: PrepareFd | None = None,
) -> lwt.Promise[Server]:
    """Listen on an address, and call `f(client_address, (ic, oc))` for each client.

    Does what `establish_server_with_client_socket` does, with two channels on the
    client's socket, whose buffers have `buffer_size` bytes (by default
    `default_buffer_size()`). `fd` is the socket to listen on.

    When the promise of `f` is resolved, the channels are closed, unless they are closed
    already, and the connection with them. Before that, the system is offered what is left
    in the buffer of the output channel, once; what it does not take is lost. (OCaml drops
    all of it.) To be sure, `flush` or `close` the output channel in `f`.

    Raises:
        OSError: see `establish_server_with_client_socket`.
        ValueError: `buffer_size` is less than 16.

    OCaml: Lwt_io.establish_server_with_client_address :
    ?fd:Lwt_unix.file_descr -> ?buffer_size:int -> ?backlog:int -> ?no_close:bool ->
    ?set_tcp_nodelay:bool -> ?prepare_listening_fd:(Lwt_unix.file_descr -> unit) ->
    ?prepare_client_fd:(Lwt_unix.file_descr -> unit) -> Unix.sockaddr ->
    (Lwt_unix.sockaddr -> input_channel * output_channel -> unit Lwt.t) -> server Lwt.t
    """
    if _wrong:
        raise given_by_position(establish_server_with_client_address, _wrong)
    function = "lwt_io.establish_server_with_client_address"
    check_callback(function, f, ("address", "channels"))
    return _serve_on_channels(
        function,
        sockaddr,
        f,
        fd,
        buffer_size,
        backlog,
        no_close,
        set_tcp_nodelay,
        prepare_listening_fd,
        prepare_client_fd,
    )


def _serve_on_channels(
    function: str,
    sockaddr: Address,
    f: ChannelsHandler,
    fd: lwt_unix.File_descr | None,
    buffer_size: int | None,
    backlog: int | None,
    no_close: bool,
    set_tcp_nodelay: bool | None = None,
    prepare_listening_fd: PrepareFd | None = None,
    prepare_client_fd: PrepareFd | None = None,
) -> lwt.Promise[Server]:
    if buffer_size is None:
        buffer_size = default_buffer_size()
    check_buffer_size(function, buffer_size)
    return start_server(
        function,
        sockaddr,
        _ChannelClients(function, f, buffer_size, no_close),
        fd,
        backlog,
        set_tcp_nodelay,
        prepare_listening_fd,
        prepare_client_fd,
    )


def establish_server(
    sockaddr: Address,
    f: Callable[[Channels], PromiseOrCoroutine[object]],
    /,
    *_wrong: Never,
    fd: lwt_unix.File_descr | None = None,
    buffer_size: int | None = None,
    backlog: int | None = None,
    no_close: bool = False,
) -> lwt.Promise[Server]:
    """Do what `establish_server_with_client_address` does, but call `f((ic, oc))`.

    Deprecated in OCaml, in favour of that.

    OCaml: Lwt_io.establish_server : ?fd:Lwt_unix.file_descr -> ?buffer_size:int ->
    ?backlog:int -> ?no_close:bool -> Unix.sockaddr ->
    (input_channel * output_channel -> unit Lwt.t) -> server Lwt.t
    """
    if _wrong:
        raise given_by_position(establish_server, _wrong)
    function = "lwt_io.establish_server"
    check_callback(function, f, ("channels",))

    def serve(_: Sockaddr, channels: Channels) -> lwt.Promise[object]:
        return promise_of(function, f, channels)

    return _serve_on_channels(function, sockaddr, serve, fd, buffer_size, backlog, no_close)


@final
class Versioned:
    """Earlier forms of some functions, deprecated in OCaml.

    OCaml: module Lwt_io.Versioned
    """

    @staticmethod
    def establish_server_1(
        sockaddr: Address,
        f: Callable[[Channels], object],
        /,
        *_wrong: Never,
        fd: lwt_unix.File_descr | None = None,
        buffer_size: int | None = None,
        backlog: int | None = None,
    ) -> Server:
        """Return the server at once; call `f((ic, oc))`, and leave the closing to it.

        Raises:
            OSError: the server could not be started.

        OCaml: Lwt_io.Versioned.establish_server_1 : ?fd:Lwt_unix.file_descr ->
        ?buffer_size:int -> ?backlog:int -> Unix.sockaddr ->
        (input_channel * output_channel -> unit) -> server
        """
        if _wrong:
            raise given_by_position(Versioned.establish_server_1, _wrong)

        def serve(_: Sockaddr, channels: Channels) -> lwt.Promise[None]:
            f(channels)
            return lwt.return_unit

        started = establish_server_with_client_address(
            sockaddr, serve, fd=fd, buffer_size=buffer_size, backlog=backlog, no_close=True
        )
        match lwt.state(started):
            case lwt.Return(server):
                return server
            case lwt.Fail(exception):
                raise exception
            case lwt.Sleep:
                raise AssertionError("binding is not a job of its own yet")

    establish_server_2 = staticmethod(establish_server)
    """OCaml: Lwt_io.Versioned.establish_server_2, the same as Lwt_io.establish_server"""

    @staticmethod
    def shutdown_server_1(server: Server, /) -> None:
        """Shut a server down in the background.

        OCaml: Lwt_io.Versioned.shutdown_server_1 : server -> unit
        """
        lwt.async_(lambda: shutdown_server(server))

    shutdown_server_2 = staticmethod(shutdown_server)
    """OCaml: Lwt_io.Versioned.shutdown_server_2, the same as Lwt_io.shutdown_server"""
