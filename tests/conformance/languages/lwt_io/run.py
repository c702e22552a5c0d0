"""Running scripts of input and output on `lwt_io`: what `lwt_unix/run.py` does, and channels.

Channels have small buffers, so that every way of flushing and refilling is met, and functions
of the script's own behind them, which tell what they were asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeAlias

import lwt
import lwt_unix
from lwt_unix import lwt_io
from lwt_unix.lwt_io._closing import ClosingOnce
from lwt_unix.lwt_io._turns import ATOMIC, BUSY, CLOSED, IDLE, INVALID, WAITING, innermost
from tests.conformance.forms import Form
from tests.conformance.language import Met
from tests.conformance.languages.lwt_unix.run import UnixRun
from tests.conformance.languages.scripts.differences import (
    ABORTED_WITHIN,
    AT_ONCE,
    CLOSED_WITHIN,
    IDLE_FOR_A_MOMENT,
    OUTLIVES,
)
from tests.conformance.languages.scripts.run import (
    EmptySlot,
    Oops,
    Promise,
    Shower,
    is_closed_by_itself,
    show_data,
    show_exception,
    show_unit,
    text_of,
)

Perform: TypeAlias = Callable[[memoryview, int, int], Promise]

SOURCE: Final = b"ab\ncd\r\ne\rf\n\nghijklmnopqrstuvwxyz0123456789 end of the line\r\n"
"""What comes from the channels of `io_make`, again and again."""


def new_buffer(size: int) -> memoryview:
    """Make the memory of a channel, where nothing of what happened to be there is seen."""
    return memoryview(bytearray(b"." * max(16, size)))


def show_option(value: lwt.Some[bytes] | None) -> str:
    return "None" if value is None else f"Some {show_data(value.value)}"


class IoRun(UnixRun):
    """One run of one script over channels."""

    def __init__(self, met: Met | None = None) -> None:
        super().__init__(met)
        self._channels: dict[int, Any] = {}
        self._made_channels: list[Any] = []
        self._roots: dict[int, Any] = {}
        self._operations: dict[int, list[Promise]] = {}
        self._flushed_by_itself: set[int] = set()

    def _clean_up(self) -> None:
        self._is_over = True
        for channel in self._made_channels:
            with suppress(Exception):
                lwt_io.abort(channel)
        super()._clean_up()

    def _perform(self, statement: Form) -> None:
        super()._perform(statement)
        for channel in self._made_channels:
            if channel._state is ATOMIC and channel._buffer.is_aborted:
                self.doubt(ABORTED_WITHIN)

    # Channels

    def _channel(self, slot: int) -> Any:
        return self._take("c", self._channels, slot)

    def _input(self, slot: int) -> lwt_io.InputChannel:
        channel = self._channel(slot)
        if not isinstance(channel, lwt_io.InputChannel):
            raise EmptySlot
        return channel

    def _output(self, slot: int) -> lwt_io.OutputChannel:
        channel = self._channel(slot)
        if not isinstance(channel, lwt_io.OutputChannel):
            raise EmptySlot
        return channel

    def _keep_channel(self, slot: int, channel: Any) -> None:
        self._made_channels.append(channel)
        self._channels[slot] = channel
        self._made("c", slot)

    def _check_turns(self, channel: Any) -> None:
        """Notice the moment in which OCaml takes a channel for idle that it has given away.

        That is when an automatic flush is over while others wait. Who comes then, slips in.
        """
        mine = self._operations.setdefault(id(channel), [])
        if channel._state is BUSY and not any(map(lwt.is_sleeping, mine)):
            self._flushed_by_itself.add(id(channel))
        if channel._state is WAITING and id(channel) in self._flushed_by_itself:
            self.doubt(IDLE_FOR_A_MOMENT)

    def _operate(
        self, p: int, show: Shower, channel: Any, operation: Callable[..., Promise], *args: Any
    ) -> None:
        """Start an operation on a channel."""
        self._check_turns(channel)
        promise = operation(channel, *args)
        self._operations[id(channel)].append(promise)
        is_over = partial(self._flushed_by_itself.discard, id(channel))
        lwt.on_termination(promise, is_over)
        self._watch(p, show, promise)

    def do_io_pipe(self, ci: int, co: int, in_size: int, out_size: int) -> None:
        ic, oc = lwt_io.pipe(in_buffer=new_buffer(in_size), out_buffer=new_buffer(out_size))
        self._keep_channel(ci, ic)
        self._keep_channel(co, oc)

    def do_io_of_fd(self, c: int, d: int, direction: str, size: int, how: str) -> None:
        descriptor, buffer = self._descriptor(d), new_buffer(size)
        close: Callable[[], Promise] | None

        def close_descriptor() -> Promise:
            self.event(f"c{c} is closed, close")
            return lwt_unix.close(descriptor)

        match how:
            case "default":
                close = None
            case "close":
                close = close_descriptor
            case _:
                close = partial(self._close, c, how)
        channel: lwt_io.Channel
        if direction == "input":
            channel = lwt_io.of_fd(descriptor, mode=lwt_io.Input, buffer=buffer, close=close)
        else:
            channel = lwt_io.of_fd(descriptor, mode=lwt_io.Output, buffer=buffer, close=close)
        self._keep_channel(c, channel)

    def _close(self, c: int, how: str) -> Promise:
        """Be the close function of a channel."""
        self.event(f"c{c} is closed, {how}")
        match how:
            case "raise":
                raise Oops(4)
            case "reject":
                return lwt.fail(Oops(5))
            case "wait":
                return self._waiting(80 + c)
            case _:
                return lwt.return_unit

    def do_io_make(self, c: int, direction: str, size: int, steps: Form) -> None:
        buffer, close = new_buffer(size), partial(self._close, c, "quiet")
        channel: lwt_io.Channel
        if direction == "input":
            reading = self._reading(c, list(steps))
            channel = lwt_io.make(reading, mode=lwt_io.Input, buffer=buffer, close=close)
        else:
            writing = self._writing(c, list(steps))
            channel = lwt_io.make(writing, mode=lwt_io.Output, buffer=buffer, close=close)
        self._roots[c] = channel
        self._keep_channel(c, channel)

    def _reading(self, c: int, steps: list[Form]) -> Perform:
        position = 0

        def give(buffer: memoryview, offset: int, length: int, count: int) -> int:
            nonlocal position
            count = min(count, length)
            for i in range(count):
                buffer[offset + i] = SOURCE[(position + i) % len(SOURCE)]
            position += count
            return count

        def read(buffer: memoryview, offset: int, length: int) -> Promise:
            self.event(f"c{c} reads {length} at {offset}")
            return self._next_step(c, steps, partial(give, buffer, offset, length), length)

        return read

    def _writing(self, c: int, steps: list[Form]) -> Perform:
        def write(buffer: memoryview, offset: int, length: int) -> Promise:
            data = buffer[offset : offset + length]
            self.event(f"c{c} writes {show_data(data)} at {offset}")
            return self._next_step(c, steps, lambda count: min(max(1, count), length), length)

        return write

    def _next_step(
        self, c: int, steps: list[Form], transferred: Callable[[int], int], length: int
    ) -> Promise:
        """Do what the function of a channel does when it is called next."""
        match steps.pop(0) if steps else "wait":
            case int(count):
                return lwt.return_(transferred(count))
            case "end":
                return lwt.return_(0)
            case "raise":
                raise Oops(2)
            case "reject":
                return lwt.fail(Oops(3))
            case "much":
                return lwt.return_(length + 1)
            case "negative":
                return lwt.return_(-1)
            case "later":
                return lwt.bind(lwt.pause(), lambda _: lwt.return_(transferred(5)))
            case ("run", *statements):
                channel = self._roots[c]
                self.perform_all(statements)
                if channel._state is CLOSED:
                    self.doubt(AT_ONCE)
                return lwt.return_(transferred(3))
            case _:
                return lwt.map(transferred, self._waiting(60 + c))

    # Reading

    def do_io_read_line(self, p: int, c: int) -> None:
        self._operate(p, show_data, self._input(c), lwt_io.read_line)

    def do_io_read_line_opt(self, p: int, c: int) -> None:
        self._operate(p, show_option, self._input(c), lwt_io.read_line_opt)

    def do_io_read_char(self, p: int, c: int) -> None:
        self._operate(p, show_data, self._input(c), lwt_io.read_char)

    def do_io_read_char_opt(self, p: int, c: int) -> None:
        self._operate(p, show_option, self._input(c), lwt_io.read_char_opt)

    def do_io_read_all(self, p: int, c: int) -> None:
        self._operate(p, show_data, self._input(c), lwt_io.read)

    def do_io_read(self, p: int, c: int, count: int) -> None:
        self._operate(p, show_data, self._input(c), partial(lwt_io.read, count=count))

    def do_io_read_into(self, p: int, c: int, size: int, offset: int, length: int) -> None:
        buffer, channel = bytearray(b"." * size), self._input(c)
        arguments = (channel, lwt_io.read_into, buffer, int(offset), int(length))
        self._operate(p, lambda count: f"{count} {show_data(buffer)}", *arguments)

    def do_io_read_into_exactly(self, p: int, c: int, size: int, offset: int, length: int) -> None:
        buffer, channel = bytearray(b"." * size), self._input(c)
        arguments = (channel, lwt_io.read_into_exactly, buffer, int(offset), int(length))
        self._operate(p, lambda _: show_data(buffer), *arguments)

    # Writing

    def do_io_write(self, p: int, c: int, word: str) -> None:
        self._operate(p, show_unit, self._output(c), lwt_io.write, text_of(str(word)))

    def do_io_write_letters(self, p: int, c: int, count: int) -> None:
        channel = self._output(c)
        self._operate(p, show_unit, channel, lwt_io.write, self._letters(count))

    def do_io_write_line(self, p: int, c: int, word: str) -> None:
        self._operate(p, show_unit, self._output(c), lwt_io.write_line, text_of(str(word)))

    def do_io_write_char(self, p: int, c: int, word: str) -> None:
        self._operate(p, show_unit, self._output(c), lwt_io.write_char, text_of(str(word))[:1])

    def do_io_write_from(self, p: int, c: int, size: int, offset: int, length: int) -> None:
        channel = self._output(c)
        arguments = (self._letters(size), int(offset), int(length))
        self._operate(p, str, channel, lwt_io.write_from, *arguments)

    def do_io_write_from_exactly(self, p: int, c: int, size: int, offset: int, length: int) -> None:
        channel = self._output(c)
        arguments = (self._letters(size), int(offset), int(length))
        self._operate(p, show_unit, channel, lwt_io.write_from_exactly, *arguments)

    def do_io_flush(self, p: int, c: int) -> None:
        self._operate(p, show_unit, self._output(c), lwt_io.flush)

    # The end

    def do_io_close(self, p: int, c: int) -> None:
        channel = self._channel(c)
        if isinstance(channel, lwt_io.InputChannel) and channel._root is None:
            self._check_abort(channel)
        self._operate(p, show_unit, channel, self._end, lwt_io.close)

    def do_io_abort(self, p: int, c: int) -> None:
        channel = self._channel(c)
        self._check_abort(channel)
        self._operate(p, show_unit, channel, self._end, lwt_io.abort)

    def _end(self, channel: Any, how: Callable[[Any], Promise]) -> Promise:
        """Close a channel; what only 6.1 raises rejects (`RAISED_AT_ONCE`)."""
        closing = channel._buffer._close
        if isinstance(closing, ClosingOnce):
            if closing._promise is not None and lwt.is_sleeping(closing._promise):
                self.doubt(CLOSED_WITHIN)  # For example, by the end of with_connection.
            for other in self._made_channels:
                waiting = any(map(lwt.is_sleeping, self._operations.get(id(other), ())))
                if other is not channel and other._buffer._close is closing and waiting:
                    self.doubt(CLOSED_WITHIN)
        ended = lwt.apply(how, channel)
        match lwt.state(ended):
            case lwt.Fail(lwt.Failure() as failure) if is_closed_by_itself(failure):
                raise failure  # In both releases.
        return ended

    def _check_abort(self, channel: Any) -> None:
        target = innermost(channel)
        if target._root is not None and target._state is not INVALID:
            self.doubt(ABORTED_WITHIN)

    # Looking, and working in the buffer

    def do_io_state(self, c: int) -> None:
        channel = self._channel(c)
        self._check_turns(channel)
        try:
            busy = "busy" if lwt_io.is_busy(channel) else "not busy"
        except lwt.Failure as failure:
            busy = show_exception(failure)
        closed = "closed" if lwt_io.is_closed(channel) else "not closed"
        self.event(
            f"c{c} {busy}, {closed}, {lwt_io.buffered(channel)} buffered of "
            f"{lwt_io.buffer_size(channel)}, at {lwt_io.position(channel)}"
        )

    def do_io_resize_buffer(self, p: int, c: int, size: int) -> None:
        self._operate(p, show_unit, self._channel(c), lwt_io.resize_buffer, size)

    def do_io_block(self, p: int, c: int, size: int) -> None:
        def use(buffer: memoryview, offset: int) -> Promise:
            self.event(f"block at {offset}")
            place = slice(offset, offset + size)
            if isinstance(self._channels[c], lwt_io.InputChannel):
                return lwt.return_(bytes(buffer[place]))
            buffer[place] = b"#" * size
            return lwt.return_(b"")

        self._operate(p, show_data, self._channel(c), lwt_io.block, size, use)

    def do_io_direct_access(self, p: int, c: int, move: int, times: int) -> None:
        is_input = isinstance(self._channel(c), lwt_io.InputChannel)

        def use(access: lwt_io.Direct_access) -> Promise:
            def go_on(left: int) -> Promise:
                start = access.da_ptr
                access.da_ptr = min(start + move, access.da_max)
                if not is_input:
                    access.da_buffer[start : access.da_ptr] = b"@" * (access.da_ptr - start)
                self.event(f"from {access.da_ptr} to {access.da_max}")
                if left == 0:
                    return lwt.return_unit
                return lwt.bind(access.da_perform(), partial(performed, left))

            def performed(left: int, count: int) -> Promise:
                self.event(f"performed {count}")
                return go_on(left - 1)

            return go_on(times)

        self._operate(p, show_unit, self._channel(c), lwt_io.direct_access, use)

    def do_io_atomic(self, p: int, c: int, temporary: int, block: Form) -> None:
        ending, *statements = block

        def check(channel: Any) -> None:
            if channel._state is CLOSED:
                self.doubt(ABORTED_WITHIN)
            elif channel._state is not IDLE:
                self.doubt(OUTLIVES)

        def body(channel: Any) -> Promise:
            self.event(f"c{c} is borrowed as c{temporary}")
            self._channels[temporary] = channel
            self._made("c", temporary)
            before = len(self._started)
            self.perform_all(statements)
            try:
                promise = self._ended(p, ending, before)
            except Oops:
                check(channel)
                raise
            return self._after(promise, partial(check, channel))

        channel = self._channel(c)
        self._operate(p, show_unit, channel, lwt_io.atomic(body))

    @staticmethod
    def _after(promise: Promise, look: Callable[[], None]) -> Promise:
        """Return the same promise; whoever waits for it comes after a look."""

        def succeeded(value: object) -> Promise:
            look()
            return lwt.return_(value)

        def failed(exn: Exception) -> Promise:
            look()
            return lwt.fail(exn)

        return lwt.try_bind(lambda: promise, succeeded, failed)

    def _ended(self, slot: int, ending: str, before: int) -> Promise:
        """End a function that owes a promise; `before` it, so many promises had been started."""
        match ending:
            case "joins":
                return lwt.join(reversed(self._started[before:]))
            case "raises":
                raise Oops(6)
            case "rejects":
                return lwt.fail(Oops(7))
            case "pauses":
                return lwt.pause()
            case "waits":
                return self._waiting(100 + slot)
            case _:
                return lwt.return_unit
