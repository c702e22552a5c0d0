"""What becomes of unwritten bytes when the process ends.

Every output channel gets its chance, but nobody may keep the process from ending. So there are three
cases:

- The channel is idle, or becomes so. It is flushed, by an operation like any other, but in small pieces: in
  blocking mode, a pipe that is ready takes no more without making the process wait.
- The channel writes just now. Whatever that is, it is waited for, and so are the operations before the
  flush: for as long as the peer takes something, and then `lwt_main.exit_patience` more.
- An operation has the channel, but waits for something else, such as the function given to
  `direct_access`. Or it was interrupted in such a way that it never ends. Nobody waits for it. What is in
  the buffer is offered to the system, once, and the channel writes no more.

A function given to `atomic` may keep its channel for ever, too. Between its operations the temporary
channel is idle, and is flushed.

In OCaml the process ends when all operations have ended, if they do.
"""

from __future__ import annotations

from functools import partial

import lwt
import lwt_unix
from lwt_unix import lwt_main
from lwt_unix._ending import exit_patience
from lwt_unix.lwt_engine._select import PIPE_BUF
from lwt_unix.lwt_io._atomic import exclusively
from lwt_unix.lwt_io._buffer import ChannelBuffer
from lwt_unix.lwt_io._channel import OutputChannel, outputs
from lwt_unix.lwt_io._turns import innermost


def _flush_all() -> lwt.Promise[None]:
    return lwt.join([lwt.of_coroutine(_flush(channel)) for channel in outputs()])


async def _flush(channel: OutputChannel) -> None:
    buffer = channel._buffer
    while True:
        flushed = exclusively(
            innermost(channel), "lwt_io.flush_all", partial(_flush_in_pieces, buffer)
        )
        if not await _ends_while_it_moves(flushed, buffer):
            return
        match lwt.state(flushed):
            case lwt.Fail(lwt.Failure()):
                pass  # Its temporary channel is no longer valid: again, by the outer one.
            case _:
                return


async def _flush_in_pieces(buffer: ChannelBuffer) -> None:
    try:
        while buffer.unwritten:
            await buffer.complete_io(buffer.start_io(PIPE_BUF))
    except Exception:
        pass  # Nobody can do anything about it any more.


async def _ends_while_it_moves(flushed: lwt.Promise[None], buffer: ChannelBuffer) -> bool:
    """Wait for a flush while bytes are written, by whatever operation; tell whether it ended."""
    while lwt.is_sleeping(flushed):
        transfer = _transfer_of(buffer)
        if transfer is None:
            await lwt.pause()  # Who was woken takes its turn.
            if lwt.is_sleeping(flushed) and _transfer_of(buffer) is None:
                buffer.offer()
                return False
        elif not await _ends_in_time(transfer, buffer):
            return False
    return True


def _transfer_of(buffer: ChannelBuffer) -> lwt.Promise[int] | None:
    """Return the transfer that waits for the peer, if there is one."""
    transfer = buffer.last_transfer
    return transfer if transfer is not None and lwt.is_sleeping(transfer) else None


async def _ends_in_time(transfer: lwt.Promise[int], buffer: ChannelBuffer) -> bool:
    """Wait for a transfer, in whatever way it ends; not for longer than the patience if nothing moves."""
    patience = exit_patience.contents
    while True:
        written = buffer.offset
        try:
            await lwt_unix.with_timeout(patience, partial(lwt.protected, transfer))
        except lwt_unix.Timeout:
            if buffer.offset == written:
                return False
            continue  # An operation that writes much goes on by itself.
        except Exception:
            pass
        return True


def renew() -> None:
    """Begin again: have the channels flushed at the exit. Call it after the renewal of `lwt_main`."""
    lwt_main.at_exit(_flush_all)


renew()
