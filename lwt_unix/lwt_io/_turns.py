"""Who may use a channel's buffer when.

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

`ask_for_turn` and `release` are how an operation comes and goes (see `_operation`).

OCaml: Lwt_io, the type `channel`, `unlock` (src/unix/lwt_io.ml).
"""

from __future__ import annotations

from collections.abc import Coroutine
from enum import Enum
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

import lwt
from lwt import lwt_sequence
from lwt._core.compiling import mypyc_attr
from lwt._core.identity import refuse_copy
from lwt._core.promise import REJECTED
from lwt_unix.lwt_io._buffer import Channel_closed, ChannelBuffer

T = TypeVar("T")

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


@mypyc_attr(allow_interpreted_subclasses=True)
class Channel:
    """A buffered byte channel: an `InputChannel` or an `OutputChannel`.

    Channels come from `lwt_io.of_fd`, `lwt_io.make` and the like, and are used
    by the functions of `lwt_io`. `async with channel:` closes it at the end.

    OCaml: type 'mode Lwt_io.channel
    """

    __slots__ = ("_buffer", "_flushed_with", "_inner", "_queue", "_root", "_state")

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self, buffer: ChannelBuffer, root: Channel | None = None) -> None:
        self._state = IDLE
        self._buffer = buffer

        self._inner: Channel | None = None
        """In state `ATOMIC`: the temporary channel."""

        self._root = root
        """For a temporary channel: the channel of the program for which it stands."""

        self._flushed_with: list[Channel] | None = None
        """While an automatic flush goes on: the channels that are busy until it ends."""

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


def ask_for_turn(channel: Channel) -> lwt.Promise[None]:
    """Wait for the channel; the promise is rejected if it is closed or no longer valid.

    When the turn has come, the state is `WAITING`, and so all others are kept out; but the channel
    may have been closed since.
    """
    if _is_over(channel):
        return lwt.fail(refusal(channel))
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
    # One that is cancelled together with who had the channel is still in the queue. OCaml wakes it in
    # vain, and the channel stays busy.
    node = queue.next
    cancelled_too = (
        node.value if isinstance(node, lwt_sequence.Node) and _is_cancelled(node.value) else None
    )
    while (first := lwt_sequence.take_opt_l(queue)) is not None:
        resolver = first.value
        lwt.wakeup_later(resolver, None)
        # Otherwise a finaliser has cancelled it just then.
        if resolver is cancelled_too or not _is_cancelled(resolver):
            return
    if channel._state is WAITING:
        channel._state = IDLE


def _is_cancelled(resolver: lwt.Resolver[None]) -> bool:
    return resolver._promise._state == REJECTED


def refusal(channel: Channel) -> Channel_closed | lwt.Failure:
    if channel._state is CLOSED:
        return Channel_closed(channel._buffer.name)
    return no_longer_valid(channel)


def release(channel: Channel) -> None:
    """Give the channel to the next who waits for it, or let it be idle."""
    queue = channel._queue
    if queue is None and channel._state is BUSY and not channel._buffer.is_aborted:
        channel._state = IDLE  # Nearly always so.
        return
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


def outlive(channel: Channel, outer: Channel) -> bool:
    """Keep an outer channel busy, if an automatic flush of its temporary channel, which is over, goes on."""
    flushed = channel._flushed_with
    if flushed is None:
        return False
    outer._state = BUSY
    outer._flushed_with = flushed
    flushed.append(outer)
    return True


def forget(channel: Channel) -> object:
    """Forget who uses a channel and who waits for it, in a child process; return what waits."""
    waiting = (channel._queue, channel._inner, channel._buffer.forget())
    channel._queue = channel._inner = channel._flushed_with = None
    if channel._state is not CLOSED:
        channel._state = IDLE
    return waiting


def innermost(channel: Channel) -> Channel:
    """Return the temporary channel by which a channel is used now; without one, the channel."""
    while channel._inner is not None:
        channel = channel._inner
    return channel
