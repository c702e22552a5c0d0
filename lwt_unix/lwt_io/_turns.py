"""Who may use a channel's buffer when, and how it is flushed by itself.

Every operation on a channel is atomic: it has the channel to itself until its
promise is resolved, and others that come meanwhile wait in the order of their
calls. A channel is therefore in one of six states:

- `IDLE`: nobody uses it.
- `BUSY`: one operation (a *primitive*) uses it.
- `ATOMIC`: a function given to `atomic` uses it, through a temporary channel
  on the same buffer, which has states of its own.
- `WAITING`: the next operation of the queue was woken, and has not begun yet.
  No other operation may begin before it.
- `CLOSED`: closed or aborted.
- `INVALID`: it is a temporary channel, and its `atomic` is over.

`exclusively` and `atomic` are what operations are made of; `finish` is how each ends.

Automatic flushing: when an operation leaves unwritten bytes behind, a flush is
due after the next `lwt.pause`, that is, before the main loop may go idle. If an
operation uses the channel at that time, the flush is not done; the `finish` of the
operation asks for one again. Errors of the flush are dropped, and the bytes are
kept. So the next `flush` meets the error again, where the program can react to it.

OCaml: Lwt_io, the type `channel`, `primitive`, `atomic`, `unlock`, `auto_flush`
(src/unix/lwt_io.ml).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from enum import Enum
from functools import partial
from typing import Any, Final, NoReturn, TypeAlias, TypeVar, final

import lwt
from lwt import lwt_sequence
from lwt._core.checks import check_callback, check_kind
from lwt._core.coroutine import run_for_value
from lwt._core.identity import refuse_copy
from lwt._core.promise import REJECTED
from lwt._core.storage import Storage, current_storage
from lwt_unix._checks import promise_of
from lwt_unix.lwt_io._buffer import Channel_closed, ChannelBuffer, note_operation

T = TypeVar("T")
AnyChannel = TypeVar("AnyChannel", bound="Channel")

PromiseOrCoroutine: TypeAlias = lwt.Promise[T] | Coroutine[Any, Any, T]
"""What a callback may return where OCaml's returns a promise."""


class ChannelState(Enum):
    """The states that the docstring of this file explains."""

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

    Channels come from `lwt_io.of_fd`, `lwt_io.make` and the like, and are used
    by the functions of `lwt_io`. `async with channel:` closes it at the end.

    OCaml: type 'mode Lwt_io.channel
    """

    __slots__ = ("__weakref__", "_buffer", "_inner", "_queue", "_root", "_state")

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self, buffer: ChannelBuffer, root: Channel | None = None) -> None:
        self._state = IDLE
        self._buffer = buffer

        self._inner: Channel | None = None
        """In state `ATOMIC`: the temporary channel."""

        self._root = root
        """For a temporary channel: the channel of the program for which it stands."""

        self._queue: lwt_sequence.Sequence[lwt.Resolver[None]] | None = None
        """What waits for a turn. Made when the first operation waits: few channels need it."""

    def __repr__(self) -> str:
        kind = "temporary " if self._root is not None else ""
        return f"<{kind}{self._buffer.name} channel, {self._state.value}>"


# --- Taking turns ------------------------------------------------------------


def no_longer_valid(channel: Channel) -> lwt.Failure:
    """Make the exception of an operation on a temporary channel after its time."""
    return lwt.Failure(
        f"temporary atomic channel {channel._buffer.name} no more valid: "
        f"it may be used only until the promise of the function given to lwt_io.atomic is resolved"
    )


def _ask_for_turn(channel: Channel) -> lwt.Promise[None]:
    """Wait for the channel; the promise is rejected if it is closed or no longer valid.

    Callers go on to `_take_turn`.
    """
    if _is_over(channel):
        return lwt.fail(_refusal(channel))
    queue = channel._queue
    if queue is None:
        queue = lwt_sequence.create()
        queue = channel._queue = channel._queue or queue
    turn = lwt.add_task_r(queue)
    # A finaliser may have ended what the channel was used for (see the guide of `lwt._core`).
    if channel._state is IDLE:
        channel._state = WAITING
        _wake_next(channel, queue)
    elif _is_over(channel):
        _wake_next(channel, queue)
    return turn


def _is_over(channel: Channel) -> bool:
    return channel._state is CLOSED or channel._state is INVALID


def _wake_next(channel: Channel, queue: lwt_sequence.Sequence[lwt.Resolver[None]]) -> None:
    """Wake the first who waits; if a finaliser has cancelled them all, the channel is idle."""
    while (first := lwt_sequence.take_opt_l(queue)) is not None:
        resolver = first.value
        lwt.wakeup_later(resolver, None)
        if resolver._promise._state != REJECTED:  # A finaliser has not cancelled it just then.
            return
    if channel._state is WAITING:
        channel._state = IDLE


@final
class _CancelOfTurn:
    """Notes what is in the storage when somebody cancels who waits for a turn.

    In OCaml a `bind` waits there. It does not run then, so the storage stays that of who cancels.
    """

    __slots__ = ("storage",)

    def __init__(self, turn: lwt.Promise[None]) -> None:
        self.storage: Storage | None = None
        if turn._cancel_callbacks is not None:
            turn._cancel_callbacks.append(self)

    def run_cancel(self) -> None:
        self.storage = current_storage.contents


async def _take_turn(channel: Channel, turn: lwt.Promise[None]) -> None:
    """Wait for the turn, and check that the channel can still be used when it has come.

    `release` has set `WAITING` and so kept all others out; but the channel may
    have been closed since.

    Raises:
        Channel_closed: it was closed.
        lwt.Failure: it is a temporary channel after its time.
    """
    cancel = _CancelOfTurn(turn)
    try:
        await turn
    except lwt.Canceled:
        if cancel.storage is not None:
            current_storage.contents = cancel.storage
        raise
    if channel._state is not WAITING:
        release(channel)  # the next one has to learn of it, too
        raise _refusal(channel)


def _refusal(channel: Channel) -> Channel_closed | lwt.Failure:
    if channel._state is CLOSED:
        return Channel_closed(channel._buffer.name)
    return no_longer_valid(channel)


def release(channel: Channel) -> None:
    """Give the channel to the next who waits for it, or let it be idle."""
    queue = channel._queue
    # As `lwt_sequence.is_empty`, but without a call before the state is written.
    someone_waits = queue is not None and queue.next is not queue
    if channel._state is BUSY or channel._state is ATOMIC:
        if channel._buffer.is_aborted:
            # Aborted through a temporary channel: the outer ones learn of it now.
            channel._state = CLOSED
        else:
            channel._state = WAITING if someone_waits else IDLE
    if someone_waits:
        assert queue is not None
        _wake_next(channel, queue)


def finish(channel: Channel) -> None:
    """End an operation: `release`, and have what it left unwritten flushed soon."""
    if channel._queue is None and channel._state is BUSY and not channel._buffer.is_aborted:
        channel._state = IDLE  # what `release` does in nearly all cases
    else:
        release(channel)
    if channel._state is IDLE:
        buffer = channel._buffer
        if not buffer.is_input and not buffer.auto_flushing:
            request_flush(channel)  # also if nothing is left: others may write before it is due


def exclusively(
    channel: Channel, operation: Coroutine[Any, Any, T], function: str = ""
) -> lwt.Promise[T]:
    """Run an operation on the channel's buffer, while no other one runs.

    It begins at once if the channel is idle. The channel goes on to the next
    operation before the promise is resolved. If the channel is closed, the exception names
    the function that was called: by default, that with the name of the operation.

    OCaml: Lwt_io.primitive
    """
    # The turn is taken here and not in the coroutine, whose start the core may
    # postpone (when calls are nested deeply): calls are served in their order.
    if channel._state is IDLE:
        channel._state = BUSY
        return run_for_value(_to_its_end(channel, operation, function))
    return run_for_value(_in_turn(channel, _ask_for_turn(channel), operation, function))


async def _in_turn(
    channel: Channel,
    turn: lwt.Promise[None],
    operation: Coroutine[Any, Any, T],
    function: str,
) -> T:
    try:
        await _take_turn(channel, turn)
    except BaseException as exn:
        operation.close()  # it has not begun, and never will
        note_operation(exn, function or _function_of(operation))
        raise
    channel._state = BUSY
    return await _to_its_end(channel, operation, function)


def _function_of(operation: Coroutine[Any, Any, object]) -> str:
    return f"lwt_io.{getattr(operation, '__name__', 'atomic')}"


async def _to_its_end(channel: Channel, operation: Coroutine[Any, Any, T], function: str = "") -> T:
    try:
        if channel._buffer.at_once <= 0:
            await _let_others_go_on(channel, operation)
        result = await operation
    except GeneratorExit:
        raise  # nobody will ever run this again: the promise that it waits for is lost
    except BaseException as exn:
        finish(channel)
        note_operation(exn, function or _function_of(operation))
        raise
    finish(channel)
    return result


async def _let_others_go_on(channel: Channel, operation: Coroutine[Any, Any, object]) -> None:
    try:
        await channel._buffer.let_others_go_on()
    except BaseException:
        operation.close()  # as in `_in_turn`
        raise


def atomic(
    function: Callable[[AnyChannel], PromiseOrCoroutine[T]], /
) -> Callable[[AnyChannel], lwt.Promise[T]]:
    """Make one atomic operation of several operations.

    The result is a function that takes a channel. It waits for its turn, and then calls
    `function` with a temporary channel. Until the promise of `function` is resolved, only
    the temporary channel can use the channel's buffer; after that, it is invalid. `atomic`
    may be used again inside, on the temporary channel.

    >>> import lwt
    >>> from lwt_unix import lwt_io, lwt_main
    >>> async def write_pair(channel: lwt_io.OutputChannel) -> None:
    ...     await lwt_io.write_line(channel, "one")
    ...     await lwt_io.write_line(channel, "two")
    >>> lwt_main.run(lwt_io.atomic(write_pair)(lwt_io.null))

    OCaml: Lwt_io.atomic : ('a channel -> 'b Lwt.t) -> ('a channel -> 'b Lwt.t)
    """
    check_callback("lwt_io.atomic", function, ("channel",))

    def run(channel: AnyChannel, /) -> lwt.Promise[T]:
        check_kind("lwt_io.atomic", channel, Channel)
        if channel._state is IDLE:
            return run_for_value(_atomically(function, channel, _lend(channel)))
        turn = _ask_for_turn(channel)
        return run_for_value(_atomically_in_turn(function, channel, turn))

    return run


def _lend(channel: AnyChannel) -> AnyChannel:
    """Make the temporary channel, the only one by which `channel` is used from now on."""
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
    try:
        await _take_turn(channel, turn)
    except Channel_closed as exn:
        note_operation(exn, "lwt_io.atomic")
        raise
    return await _atomically(function, channel, _lend(channel))


async def _atomically(
    function: Callable[[AnyChannel], PromiseOrCoroutine[T]],
    channel: AnyChannel,
    inner: AnyChannel,
) -> T:
    try:
        return await promise_of("lwt_io.atomic", function, inner)
    finally:
        inner._state = INVALID
        channel._inner = None
        finish(channel)


def forget(channel: Channel) -> object:
    """Forget who uses a channel and who waits for it, in a child process; return what waits."""
    waiting = (channel._queue, channel._inner, channel._buffer.forget())
    channel._queue = channel._inner = None
    if channel._state is not CLOSED:
        channel._state = IDLE
    return waiting


# --- Flushing ----------------------------------------------------------------


def innermost(channel: Channel) -> Channel:
    """Return the temporary channel by which a channel is used now; without one, the channel."""
    while channel._inner is not None:
        channel = channel._inner
    return channel


def request_flush(channel: Channel) -> None:
    """Have an output channel flushed after the next pause, unless somebody uses it then."""
    channel._buffer.auto_flushing = True
    root = channel if channel._root is None else channel._root
    lwt.on_success(lwt.pause(), partial(_flush_automatically, root))


def _flush_automatically(root: Channel, _: None) -> None:
    channel = root if root._inner is None else innermost(root)
    buffer = channel._buffer
    if channel._state is IDLE:
        buffer.auto_flushing = False
        channel._state = BUSY
        try:
            transferred = buffer.flush_at_once()
        except Exception:
            transferred = None  # the bytes stay in the buffer
        except BaseException:
            release(channel)
            raise
        # Not `finish`: after an error, it would ask for the same flush again, forever.
        if transferred is None:
            release(channel)
        else:
            lwt.of_coroutine(_finish_flush_and_release(channel, transferred))
    elif channel._state is BUSY or channel._state is WAITING:
        buffer.auto_flushing = False  # the `finish` of its user asks for it again


async def _finish_flush_and_release(channel: Channel, transferred: lwt.Promise[int]) -> None:
    try:
        await channel._buffer.finish_flush(transferred)
    except Exception:
        pass  # the bytes stay in the buffer
    finally:
        release(channel)


async def flush_quietly(buffer: ChannelBuffer) -> None:
    """Flush; if that fails, the bytes stay in the buffer."""
    try:
        await buffer.flush_total()
    except Exception:
        pass
