"""The two kinds of channels; flushing, closing and aborting them.

OCaml: Lwt_io, `flush`, `close`, `abort` (src/unix/lwt_io.ml).
"""

from __future__ import annotations

from functools import partial
from types import TracebackType
from typing import Final, TypeVar, final
from weakref import WeakSet

import lwt
from lwt._core.checks import check_kind
from lwt_unix._processes import parting
from lwt_unix.lwt_io._atomic import exclusively
from lwt_unix.lwt_io._buffer import ChannelBuffer, Mode
from lwt_unix.lwt_io._operation import Flush, flush_at_once
from lwt_unix.lwt_io._taking import NextLine, take_line
from lwt_unix.lwt_io._turns import (
    CLOSED,
    IDLE,
    INVALID,
    Channel,
    forget,
    innermost,
    no_longer_valid,
)

Self = TypeVar("Self", bound="_ClosedByWith")

# --- The two kinds -----------------------------------------------------------


class _ClosedByWith(Channel):
    """A channel that `async with` closes at its end."""

    __slots__ = ("__weakref__",)

    async def __aenter__(self: Self) -> Self:
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await close(self)


@final
class InputChannel(_ClosedByWith):
    """A channel to read from; `async for line in channel` gives its lines.

    These may have any length. `lwt_io.read_lines(channel, limit=4096)` gives them with a limit.

    `async with channel:` closes it at the end.

    OCaml: type Lwt_io.input_channel = Lwt_io.input Lwt_io.channel
    """

    __slots__ = ()

    def __aiter__(self) -> InputChannel:
        return self

    def __anext__(self) -> lwt.Promise[bytes]:
        line = take_line(self, True)
        if line is not None:
            return lwt.return_(line)
        return NextLine(self).start()


@final
class OutputChannel(_ClosedByWith):
    """A channel to write to.

    `async with channel:` flushes and closes it at the end.

    OCaml: type Lwt_io.output_channel = Lwt_io.output Lwt_io.channel
    """

    __slots__ = ()


_outputs: Final[WeakSet[OutputChannel]] = WeakSet()
"""Every output channel that is still in use somewhere, for `flush_all`."""


def new_input(buffer: ChannelBuffer) -> InputChannel:
    """Make the channel of a buffer to read from."""
    return InputChannel(buffer)


def new_output(buffer: ChannelBuffer) -> OutputChannel:
    """Make the channel of a buffer to write to."""
    channel = OutputChannel(buffer)
    _outputs.add(channel)
    return channel


def begin_again(channel: InputChannel | OutputChannel, buffer: ChannelBuffer) -> None:
    """Give a channel a new buffer, and forget what it was doing."""
    channel.__init__(buffer)
    if isinstance(channel, OutputChannel):
        _outputs.add(channel)


# --- Asking about a channel --------------------------------------------------


def is_busy(channel: Channel, /) -> bool:
    """Tell whether an operation on the channel is not yet over.

    Raises:
        lwt.Failure: it is a temporary channel, and its `atomic` is over.

    OCaml: Lwt_io.is_busy : 'a channel -> bool
    """
    check_kind("lwt_io.is_busy", channel, Channel)
    if channel._state is INVALID:
        raise no_longer_valid(channel)
    return channel._state is not IDLE and channel._state is not CLOSED


def is_closed(channel: Channel, /) -> bool:
    """Tell whether the channel is closed.

    OCaml: Lwt_io.is_closed : 'a channel -> bool
    """
    check_kind("lwt_io.is_closed", channel, Channel)
    return channel._state is CLOSED


def mode(channel: Channel, /) -> Mode:
    """Tell whether a channel is read from or written to.

    OCaml: Lwt_io.mode : 'a channel -> 'a mode
    """
    check_kind("lwt_io.mode", channel, Channel)
    return channel._buffer.mode


# --- Flushing ----------------------------------------------------------------


def flush(oc: OutputChannel, /) -> lwt.Promise[None]:
    """Write out all that is in the buffer.

    The promise is fulfilled when nothing is left there. Cancelling it stops the
    writing; what was not written stays in the buffer.

    Raises:
        OSError: by rejection: writing failed.
        Channel_closed: by rejection: the channel is closed.

    OCaml: Lwt_io.flush : output_channel -> unit Lwt.t
    """
    if type(oc) is not OutputChannel:
        check_kind("lwt_io.flush", oc, OutputChannel)
    at_once = flush_at_once(oc) if oc._state is IDLE else None
    return Flush(oc, "lwt_io.flush").start() if at_once is None else at_once


def flush_all() -> lwt.Promise[None]:
    """Flush every output channel that is open; errors are dropped.

    When the process ends, this is also done, but waits only for peers that read
    (`lwt_main.exit_patience`).

    OCaml: Lwt_io.flush_all : unit -> unit Lwt.t
    """
    return lwt.join([_flush_if_open(channel) for channel in outputs()])


def _flush_if_open(channel: OutputChannel) -> lwt.Promise[None]:
    flushed = exclusively(channel, "lwt_io.flush_all", partial(_flush_quietly, channel._buffer))
    return lwt.catch(lambda: flushed, lambda _: lwt.return_unit)


async def _flush_quietly(buffer: ChannelBuffer) -> None:
    try:
        while buffer.unwritten:
            await buffer.perform_io()
    except Exception:
        pass  # the bytes stay in the buffer


def outputs() -> list[OutputChannel]:
    """Return every output channel that is still in use somewhere."""
    return list(_outputs)


def renew() -> None:
    """Begin again: there is no channel to flush."""
    _outputs.clear()


def _forget() -> object:
    return [forget(channel) for channel in outputs()]


parting.also(_forget)


# --- Closing -----------------------------------------------------------------


def abort(channel: Channel, /) -> lwt.Promise[None]:
    """Close the channel at once, whatever goes on in it.

    In this order: the channel is closed; the operation that is reading or writing is
    rejected with `Channel_closed`, and after it each that waits for its turn; the
    close function is called, unless it was called before. What is in the buffer of an
    output channel is lost. During `atomic`, the same happens to the temporary channel.

    Every call returns the same promise, that of the close function.

    Raises:
        Exception: what the close function raises, if it fails at once. Then every call raises it.

    OCaml: Lwt_io.abort : 'a channel -> unit Lwt.t
    """
    check_kind("lwt_io.abort", channel, Channel)
    channel = innermost(channel)
    if channel._state is INVALID:
        return lwt.fail(no_longer_valid(channel))
    if channel._state is not CLOSED:
        channel._state = CLOSED
        channel._buffer.interrupt()
    return as_unit(channel._buffer.close())


def as_unit(promise: lwt.Promise[object]) -> lwt.Promise[None]:
    """Treat a promise, whose value nobody looks at, as a promise of `None`."""
    return promise  # type: ignore[return-value]  # `object` in OCaml's unit: never looked at


def close(channel: Channel, /) -> lwt.Promise[None]:
    """Close the channel, and return the promise of its close function.

    An input channel is closed at once, like by `abort`. For an output channel, the
    operations that were called before are done first. Then its buffer is flushed (an
    error of that is dropped; use `flush` to see it), and then it is closed. Closing again
    gives the same result.

    Raises:
        Exception: like `abort`; by rejection, if an output channel has to wait first.
        lwt.Failure: by rejection: the channel is a temporary one, of `atomic`.

    OCaml: Lwt_io.close : 'a channel -> unit Lwt.t
    """
    check_kind("lwt_io.close", channel, Channel)
    if channel._root is not None:
        return lwt.fail(
            lwt.Failure("Lwt_io.close: cannot close a channel obtained via Lwt_io.atomic")
        )
    if channel._buffer.is_input or channel._state is CLOSED:
        return abort(channel)
    flushed = exclusively(channel, "lwt_io.close", partial(_flush_quietly_and_abort, channel))
    # Whether that worked or not, in the end the channel is closed, and the result is
    # the close function's. (OCaml: Lwt.catch (… abort) (fun _ -> abort).)
    return lwt.try_bind(lambda: flushed, lambda _: abort(channel), lambda _: abort(channel))


async def _flush_quietly_and_abort(channel: Channel) -> None:
    await _flush_quietly(channel._buffer)
    await abort(channel)
