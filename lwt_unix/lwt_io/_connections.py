"""Connecting to a server, and closing connections.

OCaml: Lwt_io, `open_connection`, `close_socket` (src/unix/lwt_io.ml).
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import partial
from typing import Never, TypeVar

import lwt
import lwt_unix
from lwt._core.checks import check_callback, given_by_position
from lwt_unix._checks import promise_of
from lwt_unix._descriptors.file_descr import check_is_descriptor
from lwt_unix._sockets.sockaddr import Address, domain_of_sockaddr, to_sockaddr
from lwt_unix.lwt_io._channel import InputChannel, OutputChannel, close, is_closed
from lwt_unix.lwt_io._closing import Close, ClosingOnce
from lwt_unix.lwt_io._create import connection_channels, size_and_memory
from lwt_unix.lwt_io._turns import Channel, PromiseOrCoroutine

T = TypeVar("T")

PrepareFd = Callable[[lwt_unix.File_descr], object]


def close_socket(fd: lwt_unix.File_descr) -> lwt.Promise[None]:
    """Shut a connection down in both directions and close its socket.

    The socket is closed even if shutting down fails. It is not a failure if the
    peer has gone already.
    """
    problem: Exception | None = None
    try:
        lwt_unix.shutdown(fd, lwt_unix.SHUTDOWN_ALL)
    except OSError as exn:
        if exn.errno != errno.ENOTCONN:
            problem = exn
    except Exception as exn:  # the one that the descriptor was aborted with
        problem = exn
    try:
        closed = lwt_unix.close(fd)
    except Exception as exn:
        closed = lwt.fail(exn)
    if problem is None:
        return closed
    return lwt.bind(closed, lambda _: lwt.fail(problem))


def closing_once(fd: lwt_unix.File_descr) -> Close:
    """Make the close function that the two channels of a connection share."""
    return ClosingOnce(partial(close_socket, fd))


def set_nodelay(fd: lwt_unix.File_descr, set_tcp_nodelay: bool | None) -> None:
    """Set `TCP_NODELAY` if asked to; if nothing was said, set it if the socket has it."""
    if set_tcp_nodelay is None:
        try:
            lwt_unix.setsockopt(fd, lwt_unix.TCP_NODELAY, True)
        except OSError as exn:
            # EINVAL is what macOS says of a connection that its peer has reset.
            if exn.errno not in {errno.EOPNOTSUPP, errno.EINVAL}:
                raise
    elif set_tcp_nodelay:
        lwt_unix.setsockopt(fd, lwt_unix.TCP_NODELAY, True)


def open_connection(
    sockaddr: Address,
    /,
    *_wrong: Never,
    fd: lwt_unix.File_descr | None = None,
    set_tcp_nodelay: bool | None = None,
    prepare_fd: PrepareFd | None = None,
    in_buffer: memoryview | None = None,
    out_buffer: memoryview | None = None,
) -> lwt.Promise[tuple[InputChannel, OutputChannel]]:
    """Connect to an address; the promise gives a channel to read and one to write.

    Closing either channel closes the connection; close the output channel first,
    which writes out what is in its buffer.

    In this order: a socket is made, `TCP_NODELAY` is set, `prepare_fd` is called,
    the socket is connected. If connecting fails or is cancelled, the socket is
    closed, even one given as `fd`.

    Args:
        sockaddr: where to connect to.
        fd: the socket to use, instead of a new one.
        set_tcp_nodelay: whether to set `TCP_NODELAY`. Without it the system may hold a
            small write back until its peer has acknowledged the one before. By default,
            it is set if the socket has it.
        prepare_fd: called with the socket before it is connected.
        in_buffer: the buffer of the input channel; see `make`.
        out_buffer: the buffer of the output channel.

    Raises:
        OSError: by rejection: the connection could not be made. At the call: no
            socket could be made or prepared.

    OCaml: Lwt_io.open_connection : ?fd:Lwt_unix.file_descr -> ?set_tcp_nodelay:bool ->
    ?prepare_fd:(Lwt_unix.file_descr -> unit) -> ?in_buffer:Lwt_bytes.t ->
    ?out_buffer:Lwt_bytes.t -> Unix.sockaddr -> (input_channel * output_channel) Lwt.t
    """
    if _wrong:
        raise given_by_position(open_connection, _wrong)
    return _open(
        "lwt_io.open_connection", sockaddr, fd, set_tcp_nodelay, prepare_fd, in_buffer, out_buffer
    )


def _open(
    function: str,
    sockaddr: Address,
    fd: lwt_unix.File_descr | None,
    set_tcp_nodelay: bool | None,
    prepare_fd: PrepareFd | None,
    in_buffer: memoryview | None,
    out_buffer: memoryview | None,
) -> lwt.Promise[tuple[InputChannel, OutputChannel]]:
    address = to_sockaddr(function, sockaddr)
    if fd is not None:
        check_is_descriptor(function, fd)
    if prepare_fd is not None:
        check_callback(function, prepare_fd, ("descriptor",))
    buffers = (size_and_memory(function, in_buffer), size_and_memory(function, out_buffer))
    socket = fd
    if socket is None:
        socket = lwt_unix.socket(domain_of_sockaddr(address), lwt_unix.SOCK_STREAM, 0)
    try:
        set_nodelay(socket, set_tcp_nodelay)
        if prepare_fd is not None:
            prepare_fd(socket)
    except BaseException:
        if fd is None:
            lwt_unix.close(socket)
        raise
    return lwt.of_coroutine(_connect(socket, address, *buffers))


async def _connect(
    socket: lwt_unix.File_descr,
    address: lwt_unix.Sockaddr,
    input_memory: tuple[int, memoryview | None],
    output_memory: tuple[int, memoryview | None],
) -> tuple[InputChannel, OutputChannel]:
    try:
        await lwt_unix.connect(socket, address)
        lwt_unix.set_close_on_exec(socket)
    except Exception:
        await lwt_unix.close(socket)
        raise
    return connection_channels(socket, input_memory, output_memory, closing_once(socket))


def with_connection(
    sockaddr: Address,
    f: Callable[[tuple[InputChannel, OutputChannel]], PromiseOrCoroutine[T]],
    /,
    *_wrong: Never,
    fd: lwt_unix.File_descr | None = None,
    set_tcp_nodelay: bool | None = None,
    prepare_fd: PrepareFd | None = None,
    in_buffer: memoryview | None = None,
    out_buffer: memoryview | None = None,
) -> lwt.Promise[T]:
    """Connect to an address, call `f((input_channel, output_channel))`, and close both.

    When the promise of `f` is resolved, the channels are closed, unless they are closed
    already. Then the result is resolved like that promise. See `open_connection`.

    OCaml: Lwt_io.with_connection : ?fd:Lwt_unix.file_descr -> ?set_tcp_nodelay:bool ->
    ?prepare_fd:(Lwt_unix.file_descr -> unit) -> ?in_buffer:Lwt_bytes.t ->
    ?out_buffer:Lwt_bytes.t -> Unix.sockaddr ->
    (input_channel * output_channel -> 'a Lwt.t) -> 'a Lwt.t
    """
    if _wrong:
        raise given_by_position(with_connection, _wrong)
    check_callback("lwt_io.with_connection", f, ("channels",))
    connected = _open(
        "lwt_io.with_connection", sockaddr, fd, set_tcp_nodelay, prepare_fd, in_buffer, out_buffer
    )
    return lwt.bind(connected, partial(_with_close, "lwt_io.with_connection", f))


def with_close_connection(
    f: Callable[[tuple[InputChannel, OutputChannel]], PromiseOrCoroutine[T]],
    channels: tuple[InputChannel, OutputChannel],
    /,
) -> lwt.Promise[T]:
    """Call `f(channels)`; when it is done or has failed, close both channels if they are open.

    OCaml: Lwt_io.with_close_connection : (input_channel * output_channel -> 'a Lwt.t) ->
    input_channel * output_channel -> 'a Lwt.t
    """
    check_callback("lwt_io.with_close_connection", f, ("channels",))
    return _with_close("lwt_io.with_close_connection", f, channels)


def _with_close(
    function: str,
    f: Callable[[tuple[InputChannel, OutputChannel]], PromiseOrCoroutine[T]],
    channels: tuple[InputChannel, OutputChannel],
) -> lwt.Promise[T]:
    call = partial(promise_of, function, f, channels)
    return lwt.finalize(call, lambda: _close_both(*channels))


def _close_both(ic: InputChannel, oc: OutputChannel) -> lwt.Promise[None]:
    # Output first: closing the other one would close the socket under it. Both are closed, even
    # if the first one fails. What they raise at the call is raised here, too.
    output_closed = lwt.apply(_close_if_open, oc)
    both_closed = lwt.join([lwt.apply(_close_if_open, ic), output_closed])
    return lwt.catch(lambda: both_closed, lwt.reraise)


def _close_if_open(channel: Channel) -> lwt.Promise[None]:
    return lwt.return_unit if is_closed(channel) else close(channel)
