"""One use of a channel: how it waits for its turn, works in the buffer, transfers, and ends.

An `Operation` has the channel to itself from its turn to its end. What it does with the buffer is its
`step`: that takes what is read ahead, or puts in what is to be written, and gives the result. Or it gives
`MORE`: then there is a transfer between the buffer and what is behind the channel, and another step.

There are two ways to transfer:

- On a descriptor in non-blocking mode, the operation makes the system call. If that says "not now", the
  operation itself waits in the queue of the descriptor, and goes on when the system reports it ready.
- Otherwise there is a promise of the transfer: by the function that was given to `lwt_io.make`, or by
  `lwt_unix.read` and `write` for a descriptor in blocking mode.

The channel goes on to the next operation before the promise of this one is resolved.

Automatic flushing: when an operation leaves an idle output channel behind, a flush is due after the next
`lwt.pause`, that is, before the main loop may wait. If an operation uses the channel at that
time, the flush is not done; the end of the operation asks for one again. Errors of the flush are
dropped, and the bytes are kept. So the next `flush` meets the error again, where the program can react
to it.

OCaml: Lwt_io, `primitive`, `perform_io`, `auto_flush` (src/unix/lwt_io.ml).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeVar, final

import lwt
import lwt_unix
from lwt._core.compiling import mypyc_attr
from lwt._core.exceptions import rejection_by, rejection_of, rejection_with
from lwt._core.pause import pause_for
from lwt._core.promise import (
    CANCEL_THIS,
    FULFILLED,
    PENDING,
    REJECTED,
    Promise,
    Rejection,
    add_callback,
    make_into_proxy,
    new_promise,
    settle,
    underlying,
)
from lwt._core.resolution import Due, run_callbacks
from lwt._core.storage import Storage, current_storage
from lwt_unix._descriptors.actions import queue_of
from lwt_unix._descriptors.file_descr import why_unusable
from lwt_unix._descriptors.io_event import Read, Write
from lwt_unix._descriptors.state import Opened
from lwt_unix._descriptors.wait_queue import NOT_YET, Pending
from lwt_unix.lwt_io._buffer import IN_NEXT_TURN, MOST_AT_ONCE, note_operation
from lwt_unix.lwt_io._turns import (
    BUSY,
    IDLE,
    WAITING,
    Channel,
    ask_for_turn,
    innermost,
    refusal,
    release,
)

T = TypeVar("T")
AnyChannel = TypeVar("AnyChannel", bound=Channel)


@final
class _More:
    """The type of `MORE`."""

    __slots__ = ()


MORE: Final = _More()
"""What a step gives if there has to be a transfer before the next one."""

_nobodys: Final[Promise[Any]] = new_promise(FULFILLED, None)
"""What an operation has when it has forgotten its promise."""

# What an operation waits for.
_TURN: Final = 0
_NEXT_TURN_OF_THE_ENGINE: Final = 1
_TRANSFER: Final = 2
_RESULT: Final = 3


@mypyc_attr(allow_interpreted_subclasses=True)
class Operation(Pending):
    """One use of a channel."""

    __slots__ = ("_awaited", "_promise", "_stage", "_storage", "buffer", "channel", "function")

    _stage: int
    _storage: Storage

    def __init__(self, channel: Channel, function: str) -> None:
        self.channel = channel
        self.buffer = channel._buffer

        self.function = function
        """What was called: errors name it."""

        self._promise: Promise[Any] = new_promise(PENDING, self)
        """What the caller gets."""

        self._awaited: Promise[Any] | None = _nobodys
        """What it waits for, or has waited for: cancelling its promise cancels this. In the queue of a
        descriptor, None until somebody asks (`_waited_for`): servers come there once a request."""

        self.queue = None

    # --- What an operation does ----------------------------------------------

    def step(self) -> Any:
        """Work in the buffer; return the result, or `MORE`."""
        raise NotImplementedError

    def at_end(self) -> Any:
        """Do what `step` does, after a transfer of no bytes. To a reader this is the end of input."""
        return self.step()

    def move(self, is_reported: bool) -> int:
        """Transfer at once, from or to the descriptor; return how many bytes, or why none.

        `is_reported` says whether the system has reported that it is ready.
        """
        buffer = self.buffer
        return buffer.read_now(is_reported) if buffer.is_input else buffer.write_now()

    def end(self) -> None:
        """Leave the channel to the next one."""
        finish(self.channel)

    def why(self, exn: Exception) -> Exception:
        """Return the exception for the caller, of one that was met."""
        note_operation(exn, self.function)
        return exn

    # --- Its course ----------------------------------------------------------

    def start(self) -> Promise[Any]:
        """Begin, now or when it is the operation's turn; return the promise of its result."""
        promise = self._promise
        if self.channel._state is IDLE:
            self.channel._state = BUSY
            self.take_turn()
        else:
            self._wait_for(ask_for_turn(self.channel), _TURN)
        try:
            return promise
        finally:
            del promise  # The traceback of a rejection leads here: close no circle.

    def take_turn(self) -> Promise[Any] | None:
        """Begin, now that the channel is the operation's own; return the promise that is resolved."""
        buffer = self.buffer
        if buffer.is_input:
            buffer.at_once -= 1
        if buffer.at_once < 0:
            buffer.at_once = MOST_AT_ONCE - 1
            if buffer.descriptor is not None:
                # Its peer may send without end. Not a pause, which may end in this turn.
                next_turn = buffer.interruptible(lwt_unix.sleep(0.0))
                return self._wait_for(next_turn, _NEXT_TURN_OF_THE_ENGINE)
        return self.work(None)

    def work(self, transferred: Promise[int] | None) -> Promise[Any] | None:
        """Step and transfer until there is a result, or it has to wait; return the promise that is resolved.

        Begin with what was transferred, if that is known.
        """
        buffer = self.buffer
        try:
            if transferred is None or buffer.finish_io(transferred._value) > 0:
                value = self.step()
            else:
                value = self.at_end()
            while value is MORE:
                if buffer.is_direct():
                    count = self.move(False)
                    if count < 0:
                        self._wait_in_queue(count)
                        return None
                else:
                    transferred = underlying(buffer.start_io())
                    if transferred._state == PENDING:
                        return self._wait_for(transferred, _TRANSFER)
                    if transferred._state == REJECTED:
                        value = transferred._value
                        break
                    count = buffer.finish_io(transferred._value)
                value = self.step() if count > 0 else self.at_end()
        except Exception as exn:
            return self._fail(exn)
        except BaseException:
            self.end()
            raise
        return self._interrupted(value) if type(value) is Rejection else self._succeed(value)

    def _succeed(self, value: object) -> Promise[Any]:
        self.end()
        return settle(self._promise, FULFILLED, value)

    def _fail(self, exn: Exception) -> Promise[Any]:
        """Be rejected with an exception that was raised."""
        self.end()
        return self._reject(rejection_of(self.why(exn)))

    def _reject(self, rejection: Rejection) -> Promise[Any]:
        return settle(self._forget_promise(), REJECTED, rejection)

    def hand_over_to(self, promise: Promise[Any]) -> Promise[Any] | None:
        """Let the result be that of another promise; return the promise that is resolved."""
        return make_into_proxy(self._forget_promise(), promise)

    def _forget_promise(self) -> Promise[Any]:
        # The traceback of a rejection may lead here: close no circle.
        promise, self._promise, self._awaited = self._promise, _nobodys, _nobodys
        return promise

    # --- Waiting -------------------------------------------------------------

    def _wait_for(self, awaited: Promise[Any], stage: int) -> Promise[Any] | None:
        """Go on when a promise is resolved, maybe now; then return the promise that is resolved."""
        awaited = underlying(awaited)
        self._stage = stage
        self._storage = current_storage.contents
        if awaited._state != PENDING:
            return self.run(awaited)
        self._awaited = awaited
        add_callback(awaited, self)
        return None

    def _waited_for(self) -> Promise[Any]:
        awaited = self._awaited
        if awaited is None:
            awaited = new_promise(PENDING, CANCEL_THIS)
            awaited._callbacks = self
            awaited = self._awaited = self._awaited or awaited
        return awaited

    def __reversed__(self) -> Iterator[Promise[Any]]:
        """Give what is cancelled when the operation is: `lwt.cancel` asks (`HowToCancel`)."""
        return iter((self._waited_for(),))

    def _wait_in_queue(self, why: int) -> None:
        """Go on when the descriptor is ready."""
        buffer = self.buffer
        descriptor = buffer.descriptor
        assert descriptor is not None
        if buffer.is_input:
            if buffer.position > 0:
                buffer.drop_taken()  # Who waits keeps no memory of what was.
            self.name = "read"
            queue = descriptor._readers or queue_of(Read, descriptor)
        else:
            self.name = "write"
            queue = descriptor._writers or queue_of(Write, descriptor)
        self._awaited = None
        self._stage = _RESULT
        self._storage = current_storage.contents
        buffer.at_once = MOST_AT_ONCE
        buffer.in_flight = self._promise
        if not buffer.is_input:
            buffer.last_transfer = self._waited_for()
        queue.add(self)
        if why == IN_NEXT_TURN:
            queue.try_in_next_turn()
        if descriptor._state is not Opened:  # A finaliser has closed it meanwhile.
            queue.reject_all(lambda: why_unusable("closed while this waited", descriptor))

    def attempt(self) -> Any:
        """Go on, now that the descriptor is ready."""
        while True:
            count = self.move(True)
            if count < 0 or self.queue is None:
                if count == IN_NEXT_TURN and self.queue is not None:
                    self.queue.try_in_next_turn()
                return NOT_YET
            value = self.step() if count > 0 else self.at_end()
            if value is not MORE:
                return value

    def fulfill(self, value: object) -> None:
        """Take the result."""
        run_callbacks(settle(self._waited_for(), FULFILLED, value))

    def reject(self, exn: Exception) -> None:
        """Take the exception that the descriptor was closed with, or that a step has raised."""
        run_callbacks(settle(self._waited_for(), REJECTED, rejection_by(exn)))

    def run(self, awaited: Promise[Any], /) -> Promise[Any] | None:
        """Go on from what was waited for; return the promise that is resolved."""
        stage = self._stage
        if stage == _TURN:
            return self._run_in_turn(awaited)
        current_storage.contents = self._storage
        buffer = self.buffer
        if stage == _RESULT:
            buffer.in_flight = None
        buffer.forget_transfer()
        if awaited._state == REJECTED:
            return self._interrupted(awaited._value)
        if stage == _RESULT:
            return self._succeed(awaited._value)
        if stage == _NEXT_TURN_OF_THE_ENGINE:
            return self.work(None)
        return self.work(awaited)

    def _interrupted(self, rejection: Rejection) -> Promise[Any]:
        """Be rejected, since what was waited for was."""
        queue = self.queue
        if queue is not None:  # It was cancelled.
            queue.remove(self)
            queue.stop_if_idle()
        exn = self.why(self.buffer.why_interrupted(rejection.exception))
        self.end()
        if exn is rejection.exception:
            return self._reject(rejection)
        rejection.is_seen = True  # The other one stands for it.
        return self._reject(rejection_with(exn, None))

    def _run_in_turn(self, turn: Promise[Any]) -> Promise[Any] | None:
        """Begin, now that it is the operation's turn, unless it was cancelled, or the channel closed."""
        channel = self.channel
        if turn._state == REJECTED:
            # In OCaml a `bind` waits here, and leaves the storage as it is.
            rejection: Rejection = turn._value
            note_operation(rejection.exception, self.function)
            return self._reject(rejection)
        current_storage.contents = self._storage
        if channel._state is not WAITING:
            release(channel)  # the next one has to learn of it, too
            return self._reject(rejection_with(self.why(refusal(channel)), None))
        channel._state = BUSY
        return self.take_turn()


@final
class Failing(Operation):
    """Fails when it is its turn."""

    __slots__ = ("_problem",)

    def __init__(self, channel: Channel, function: str, problem: Exception) -> None:
        super().__init__(channel, function)
        self._problem = problem

    def step(self) -> Any:
        raise self._problem


@final
class Giving(Operation):
    """Gives what is known already, when it is its turn."""

    __slots__ = ("_value",)

    def __init__(self, channel: Channel, function: str, value: object) -> None:
        super().__init__(channel, function)
        self._value = value

    def step(self) -> Any:
        return self._value


# --- Flushing ----------------------------------------------------------------


class Flush(Operation):
    """Writes out all that is in the buffer."""

    __slots__ = ()

    def step(self) -> Any:
        return MORE if self.buffer.unwritten else None


def flush_at_once(channel: Channel) -> Promise[None] | None:
    """Write out what is in the buffer of an idle channel, if the system takes it whole, or fails.

    Otherwise there is still a `Flush` to be done.
    """
    buffer = channel._buffer
    if not buffer.unwritten:
        if not buffer.auto_flushing:
            request_flush(channel)
        return lwt.return_unit
    if not buffer.is_direct():
        return None
    channel._state = BUSY
    try:
        buffer.write_now()
    except Exception as exn:
        return new_promise(REJECTED, rejection_of(exn))
    finally:
        finish(channel)
    return None if buffer.unwritten else lwt.return_unit


@final
class _AutomaticFlush(Flush):
    """A flush that nobody asked for: after an error, the bytes stay in the buffer.

    It may go on when the temporary channel that it flushes is over (`outlive`). Until it ends, the outer
    channel stays busy: who writes there would write the same bytes a second time, as in OCaml.
    """

    __slots__ = ("_channels",)

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel, "")
        self._channels = channel._flushed_with = [channel]

    def end(self) -> None:
        # Not `finish`: after an error, it would ask for the same flush again, forever.
        for channel in self._channels:
            channel._flushed_with = None
            release(channel)

    def _reject(self, rejection: Rejection) -> Promise[Any]:
        rejection.is_seen = True  # Nobody is to see it: who flushes next will find out.
        return Flush._reject(self, rejection)


@final
class _DueFlush(Due):
    """The flush that is due after the next pause."""

    __slots__ = ("_root", "_storage")

    def __init__(self, root: Channel) -> None:
        self._root = root
        self._storage = current_storage.contents

    def is_due(self) -> bool:
        """Do what can be done at once; tell whether there is more."""
        channel = innermost(self._root)
        buffer, state = channel._buffer, channel._state
        if state is IDLE and buffer.unwritten:
            if not buffer.is_direct():
                return True
            channel._state = BUSY
            try:
                buffer.write_now()
            except Exception:
                return False  # The bytes stay in the buffer.
            finally:
                release(channel)
                buffer.auto_flushing = False
            # `release` has changed the state, which pyright does not know.
            return bool(buffer.unwritten) and channel._state is IDLE  # pyright: ignore[reportUnnecessaryComparison]
        if state is IDLE or state is BUSY or state is WAITING:
            buffer.auto_flushing = False  # the end of an operation asks for it again
        return False

    def run(self, _: Promise[None], /) -> None:
        channel = innermost(self._root)
        channel._buffer.auto_flushing = False
        current_storage.contents = self._storage
        channel._state = BUSY
        _AutomaticFlush(channel).work(None)


def request_flush(channel: Channel) -> None:
    """Have an output channel flushed after the next pause, unless somebody uses it then."""
    channel._buffer.auto_flushing = True
    root = channel._root
    pause_for(_DueFlush(channel if root is None else root))


def finish(channel: Channel) -> None:
    """End an operation: `release`, and have what it left unwritten flushed soon."""
    release(channel)
    buffer = channel._buffer
    # Also if nothing is left: others may write before it is due.
    if not (buffer.is_input or buffer.auto_flushing) and channel._state is IDLE:
        request_flush(channel)
