"""Channels: who may use a buffer when, how a channel is flushed, closed and aborted.

Every operation on a channel is atomic: it has the channel to itself until its
promise is resolved, and others that come meanwhile wait in the order of their
calls. A channel is therefore in one of six states:

- `IDLE`: nobody uses it.
- `BUSY`: one operation (a *primitive*) uses it.
- `ATOMIC`: a function given to `atomic` uses it, through a temporary channel
  on the same buffer, which has states of its own.
- `WAITING`: the next operation of the queue was woken, and has not begun yet.
  Nobody may slip in before it.
- `CLOSED`: closed or aborted.
- `INVALID`: a temporary channel whose `atomic` is over.

`exclusively` and `atomic` are what operations are made of; `finish` is how each ends.

Automatic flushing: when an operation leaves unwritten bytes behind, a flush is
due after the next `lwt.pause`, that is, before the main loop may go idle. It
gives way to whoever uses the channel then; their own `release` asks for it anew.
Its errors are dropped and the bytes kept, so that `flush` or `close` meets the
error again, in the hands of someone who can react.

OCaml: Lwt_io, the type `channel`, `primitive`, `atomic`, `unlock`, `auto_flush`,
`close`, `abort` (src/unix/lwt_io.ml).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from enum import Enum
from types import TracebackType
from typing import Any, Final, TypeAlias, TypeVar, final
from weakref import WeakSet

import lwt
from lwt import lwt_sequence
from lwt_unix import lwt_main
from lwt_unix._io_buffer import Channel_closed, ChannelBuffer, Mode
from lwt_unix._io_input import read_line_opt, take_line

T = TypeVar("T")
AnyChannel = TypeVar("AnyChannel", bound="Channel")

PromiseOrCoroutine: TypeAlias = lwt.Promise[T] | Coroutine[Any, Any, T]
"""What a callback may return where OCaml's returns a promise."""


class ChannelState(Enum):
    """The states that the module docstring tells of."""

    IDLE = "idle"
    BUSY = "busy"
    ATOMIC = "used by an atomic operation"
    WAITING = "about to be used"
    CLOSED = "closed"
    INVALID = "no longer valid"


IDLE: Final = ChannelState.IDLE
BUSY: Final = ChannelState.BUSY
ATOMIC: Final = ChannelState.ATOMIC
WAITING: Final = ChannelState.WAITING
CLOSED: Final = ChannelState.CLOSED
INVALID: Final = ChannelState.INVALID


class Channel:
    """A buffered byte channel: an `InputChannel` or an `OutputChannel`.

    Channels come from `lwt_io.of_fd`, `lwt_io.make` and their kin, and are used
    by the functions of `lwt_io`. `async with channel:` closes it at the end.

    OCaml: type 'mode Lwt_io.channel
    """

    __slots__ = ("__weakref__", "_buffer", "_inner", "_queue", "_root", "_state")

    def __init__(self, buffer: ChannelBuffer, root: Channel | None = None) -> None:
        self._state = IDLE
        self._buffer = buffer

        self._inner: Channel | None = None
        """In state `ATOMIC`: the temporary channel."""

        self._root = root
        """What a temporary channel is a temporary channel of, in the end."""

        self._queue: lwt_sequence.Sequence[lwt.Resolver[None]] | None = None
        """Who waits for a turn. Made for the first who does: few channels have any."""

    def __repr__(self) -> str:
        kind = "temporary " if self._root is not None else ""
        return f"<{kind}{self._buffer.name} channel, {self._state.value}>"

    async def __aenter__(self: AnyChannel) -> AnyChannel:
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await close(self)


@final
class InputChannel(Channel):
    """A channel to read from; `async for line in channel` gives its lines.

    OCaml: type Lwt_io.input_channel = Lwt_io.input Lwt_io.channel
    """

    __slots__ = ()

    def __aiter__(self) -> InputChannel:
        return self

    async def __anext__(self) -> bytes:
        if self._state is IDLE:
            line = take_line(self._buffer)
            if line is not None:
                return line
        match await exclusively(self, read_line_opt(self._buffer)):
            case None:
                raise StopAsyncIteration
            case lwt.Some(line):
                return line


@final
class OutputChannel(Channel):
    """A channel to write to.

    OCaml: type Lwt_io.output_channel = Lwt_io.output Lwt_io.channel
    """

    __slots__ = ()

    def _flush_automatically(self, _: None) -> None:
        """Do the flush that `request_flush` asked for, if nobody uses the channel now."""
        buffer = self._buffer
        channel = _innermost(self)
        if channel._state is BUSY or channel._state is WAITING:
            buffer.auto_flushing = False  # their release asks for it anew
        elif channel._state is IDLE:
            buffer.auto_flushing = False
            if buffer.position > 0:
                channel._state = BUSY
                lwt.of_coroutine(_flush_and_release(channel))


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


# Taking turns


def no_longer_valid(channel: Channel) -> lwt.Failure:
    """Make the exception of an operation on a temporary channel after its time."""
    return lwt.Failure(
        f"temporary atomic channel {channel._buffer.name} no more valid: "
        f"it may be used only until the promise of the function given to Lwt_io.atomic is resolved"
    )


def _ask_for_turn(channel: Channel) -> lwt.Promise[None]:
    """Join those who wait for the channel; rejected if it is closed or no longer valid.

    Callers go on to `_begin_turn`.
    """
    if channel._state is CLOSED or channel._state is INVALID:
        return lwt.fail(_refusal(channel))
    if channel._queue is None:
        channel._queue = lwt_sequence.create()
    return lwt.add_task_r(channel._queue)


def _begin_turn(channel: Channel) -> None:
    """Check that the channel can still be used, once it is one's turn.

    `release` has set `WAITING` and so kept all others out; but the channel may
    have been closed since.

    Raises:
        Channel_closed: it was.
        lwt.Failure: it is a temporary channel after its time.
    """
    if channel._state is not WAITING:
        release(channel)  # the next one is to hear of it too
        raise _refusal(channel)


def _refusal(channel: Channel) -> Channel_closed | lwt.Failure:
    if channel._state is CLOSED:
        return Channel_closed(channel._buffer.name)
    return no_longer_valid(channel)


def release(channel: Channel) -> None:
    """Give the channel to the next who waits for it, or let it be idle."""
    queue = channel._queue
    someone_waits = queue is not None and not lwt_sequence.is_empty(queue)
    if channel._state is BUSY or channel._state is ATOMIC:
        if channel._buffer.is_aborted:
            # Aborted through a temporary channel: the outer ones hear of it now.
            channel._state = CLOSED
        else:
            channel._state = WAITING if someone_waits else IDLE
    if someone_waits:
        assert queue is not None
        lwt.wakeup_later(lwt_sequence.take_l(queue), None)


def finish(channel: Channel) -> None:
    """End an operation: `release`, and have what it left unwritten flushed soon."""
    release(channel)
    if channel._state is IDLE and type(channel) is OutputChannel:
        buffer = channel._buffer
        if buffer.position > 0 and not buffer.auto_flushing:
            request_flush(channel)


def exclusively(channel: Channel, operation: Coroutine[Any, Any, T]) -> lwt.Promise[T]:
    """Run an operation on the channel's buffer while no other one does.

    It begins at once if the channel is idle. The channel goes on to the next
    operation before the promise is resolved.

    OCaml: Lwt_io.primitive
    """
    # The turn is taken here and not in the coroutine, whose start the core may
    # postpone (when calls are nested deeply): calls are served in their order.
    if channel._state is IDLE:
        channel._state = BUSY
        return lwt.of_coroutine(_to_its_end(channel, operation))
    return lwt.of_coroutine(_in_turn(channel, _ask_for_turn(channel), operation))


async def _in_turn(
    channel: Channel, turn: lwt.Promise[None], operation: Coroutine[Any, Any, T]
) -> T:
    try:
        await turn
        _begin_turn(channel)
    except BaseException:
        operation.close()  # it never began
        raise
    channel._state = BUSY
    return await _to_its_end(channel, operation)


async def _to_its_end(channel: Channel, operation: Coroutine[Any, Any, T]) -> T:
    try:
        result = await operation
    except GeneratorExit:
        raise  # nobody will ever run this again: the promise that it waits for is lost
    except BaseException:
        finish(channel)
        raise
    finish(channel)
    return result


def atomic(
    function: Callable[[AnyChannel], PromiseOrCoroutine[T]], /
) -> Callable[[AnyChannel], lwt.Promise[T]]:
    """Make one single atomic operation of a sequence of operations.

    The result takes a channel and calls `function`, once it is the channel's
    turn, with a temporary channel, through which alone the channel can be used
    until the function's promise is resolved. The temporary channel is invalid
    after that. `atomic` may be used again inside, on the temporary channel.

    >>> import lwt
    >>> from lwt_unix import lwt_io, lwt_main
    >>> async def write_pair(channel: lwt_io.OutputChannel) -> None:
    ...     await lwt_io.write_line(channel, "one")
    ...     await lwt_io.write_line(channel, "two")
    >>> lwt_main.run(lwt_io.atomic(write_pair)(lwt_io.null))

    OCaml: Lwt_io.atomic : ('a channel -> 'b Lwt.t) -> 'a channel -> 'b Lwt.t
    """

    def run(channel: AnyChannel, /) -> lwt.Promise[T]:
        if channel._state is IDLE:
            return lwt.of_coroutine(_atomically(function, channel, _lend(channel)))
        turn = _ask_for_turn(channel)
        return lwt.of_coroutine(_atomically_in_turn(function, channel, turn))

    return run


def _lend(channel: AnyChannel) -> AnyChannel:
    """Make the temporary channel through which alone `channel` is used from now on."""
    root = channel if channel._root is None else channel._root
    inner = type(channel)(channel._buffer, root)
    channel._state = ATOMIC
    channel._inner = inner
    return inner


async def _atomically_in_turn(
    function: Callable[[AnyChannel], PromiseOrCoroutine[T]],
    channel: AnyChannel,
    turn: lwt.Promise[None],
) -> T:
    await turn
    _begin_turn(channel)
    return await _atomically(function, channel, _lend(channel))


async def _atomically(
    function: Callable[[AnyChannel], PromiseOrCoroutine[T]],
    channel: AnyChannel,
    inner: AnyChannel,
) -> T:
    try:
        return await lwt.apply(function, inner)
    finally:
        inner._state = INVALID
        channel._inner = None
        finish(channel)


def is_busy(channel: Channel, /) -> bool:
    """Tell whether an operation on the channel is not yet over.

    Raises:
        lwt.Failure: it is a temporary channel after its time.

    OCaml: Lwt_io.is_busy : 'a channel -> bool
    """
    if channel._state is INVALID:
        raise no_longer_valid(channel)
    return channel._state is not IDLE and channel._state is not CLOSED


def is_closed(channel: Channel, /) -> bool:
    """Tell whether the channel is closed.

    OCaml: Lwt_io.is_closed : 'a channel -> bool
    """
    return channel._state is CLOSED


# Flushing


def _innermost(channel: Channel) -> Channel:
    while channel._inner is not None:
        channel = channel._inner
    return channel


def request_flush(channel: OutputChannel) -> None:
    """Have the channel flushed after the next pause, unless somebody uses it then."""
    channel._buffer.auto_flushing = True
    root = channel if channel._root is None else channel._root
    assert type(root) is OutputChannel  # a temporary channel is of the kind of its root
    lwt.on_success(lwt.pause(), root._flush_automatically)


async def _flush_quietly(buffer: ChannelBuffer) -> None:
    try:
        await buffer.flush_total()
    except Exception:  # the bytes stay in the buffer; see the module docstring
        pass


async def _flush_and_release(channel: Channel) -> None:
    try:
        await _flush_quietly(channel._buffer)
    finally:
        # Not `finish`: after an error, that would ask for the same flush for ever.
        release(channel)


def flush(oc: OutputChannel, /) -> lwt.Promise[None]:
    """Write out all that is in the buffer.

    The promise is fulfilled when nothing is left there. Cancelling it stops the
    writing; what was not written stays in the buffer.

    Raises:
        OSError: by rejection: writing failed.
        Channel_closed: by rejection: the channel is closed.

    OCaml: Lwt_io.flush : output_channel -> unit Lwt.t
    """
    check_output("flush", oc)
    return exclusively(oc, oc._buffer.flush_total())


def flush_all() -> lwt.Promise[None]:
    """Flush every output channel that is open; errors are dropped.

    The main loop's exit does this too (`lwt_main.at_exit`).

    OCaml: Lwt_io.flush_all : unit -> unit Lwt.t
    """
    return lwt.join([_flush_if_open(channel) for channel in list(_outputs)])


def _flush_if_open(channel: OutputChannel) -> lwt.Promise[None]:
    flushed = exclusively(channel, _flush_quietly(channel._buffer))
    return lwt.catch(lambda: flushed, lambda _: lwt.return_unit)


lwt_main.at_exit(flush_all)


# Closing


def abort(channel: Channel, /) -> lwt.Promise[None]:
    """Close the channel at once, whatever goes on in it.

    In this order: the channel is closed, the operation that is reading or
    writing is rejected with `Channel_closed` (and each that waits for its turn,
    after it), and the close function is called, unless it was before. What is in
    the buffer of an output channel is lost. During `atomic`, the same is done
    through the temporary channel.

    The promise is that of the close function, the same one for every call.

    OCaml: Lwt_io.abort : 'a channel -> unit Lwt.t
    """
    channel = _innermost(channel)
    if channel._state is INVALID:
        return lwt.fail(no_longer_valid(channel))
    if channel._state is not CLOSED:
        channel._state = CLOSED
        channel._buffer.interrupt()
    return as_unit(channel._buffer.close())


def as_unit(promise: lwt.Promise[object]) -> lwt.Promise[None]:
    """Take a promise whose value nobody looks at for one of `None`."""
    return promise  # type: ignore[return-value]  # `object` in OCaml's unit: never looked at


def close(channel: Channel, /) -> lwt.Promise[None]:
    """Close the channel, and return the promise of its close function.

    An input channel is closed immediately: `abort`. An output channel first does
    all that waits on it, then flushes its buffer (an error of that is dropped;
    use `flush` to see it), then is closed. Closing again gives the same result.

    Raises:
        lwt.Failure: by rejection: the channel is a temporary one, of `atomic`.

    OCaml: Lwt_io.close : 'a channel -> unit Lwt.t
    """
    if channel._root is not None:
        return lwt.fail(
            lwt.Failure("Lwt_io.close: cannot close a channel obtained via Lwt_io.atomic")
        )
    if channel._buffer.is_input or channel._state is CLOSED:
        return abort(channel)
    flushed = exclusively(channel, _flush_quietly_and_abort(channel))
    # Whatever became of that, in the end the channel is closed, and the result is
    # the close function's. (OCaml: Lwt.catch (… abort) (fun _ -> abort).)
    return lwt.try_bind(lambda: flushed, lambda _: abort(channel), lambda _: abort(channel))


async def _flush_quietly_and_abort(channel: Channel) -> None:
    await _flush_quietly(channel._buffer)
    await abort(channel)


# Checks of arguments


def check_input(function: str, channel: object) -> None:
    """Refuse what is no input channel."""
    if type(channel) is not InputChannel:
        raise TypeError(f"lwt_io.{function}: {channel!r} is not an input channel")


def check_output(function: str, channel: object) -> None:
    """Refuse what is no output channel."""
    if type(channel) is not OutputChannel:
        raise TypeError(f"lwt_io.{function}: {channel!r} is not an output channel")


def mode(channel: Channel, /) -> Mode:
    """Tell whether a channel is read from or written to.

    OCaml: Lwt_io.mode : 'a channel -> 'a mode
    """
    return channel._buffer.mode
