"""Who uses a channel when; atomic, flush, close, abort: lwt_io/_turns.py and _channel.py."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest

import lwt
from lwt_unix import lwt_io, lwt_main
from tests.support.channels import Log, Sink, Source, abort_sinks, input_of, pauses


@pytest.fixture(autouse=True)
def _no_sink_is_left() -> Iterator[None]:
    yield
    abort_sinks()


class TestTurns:
    def test_operations_that_wait_are_served_in_the_order_of_their_calls(self) -> None:
        source, log = Source(), Log()
        log.watch("line", lwt_io.read_line(source.channel))
        log.watch("char", lwt_io.read_char(source.channel))
        log.watch("some", lwt_io.read(source.channel, count=2))
        source.give(b"one\ntwo")
        assert log.entries == ["line: b'one'", "char: b't'", "some: b'wo'"]

    def test_what_is_read_ahead_is_not_taken_by_who_comes_while_others_wait(self) -> None:
        source, log = Source(), Log()
        lines = [lwt_io.read_line(source.channel) for _ in range(2)]

        # Called while the first line is delivered, before the second has begun.
        def ask_for_char(_: bytes) -> None:
            log.watch("char", lwt_io.read_char(source.channel))

        lwt.on_success(lines[0], ask_for_char)
        log.watch("second line", lines[1])
        source.give(b"one\ntwo\nthree\n")
        assert log.entries == ["second line: b'two'", "char: b't'"]

    def test_the_channel_goes_on_before_the_promise_is_resolved(self) -> None:
        source = Source()
        seen = []
        line = lwt_io.read_line(source.channel)
        lwt.on_success(line, lambda _: seen.append(lwt_io.is_busy(source.channel)))
        source.give(b"one\n")
        assert seen == [False]

    def test_a_failed_operation_lets_the_next_one_begin(self) -> None:
        source, log = Source(), Log()
        log.watch("first", lwt_io.read_line(source.channel))
        log.watch("second", lwt_io.read_line(source.channel))
        source.break_(OSError(5, "gone"))
        assert log.entries == ["first: OSError"]
        source.give(b"two\n")
        assert log.entries == ["first: OSError", "second: b'two'"]

    def test_cancelling_an_operation_that_waits_takes_it_out_of_the_queue(self) -> None:
        source, log = Source(), Log()
        first, second, third = (lwt_io.read_line(source.channel) for _ in range(3))
        log.watch("first", first)
        log.watch("second", second)
        log.watch("third", third)
        lwt.cancel(second)
        source.give(b"one\ntwo\n")
        assert log.entries == ["second: Canceled", "first: b'one'", "third: b'two'"]

    def test_cancelling_an_operation_that_reads_cancels_the_reading_function(self) -> None:
        source, log = Source(), Log()
        first = lwt_io.read_line(source.channel)
        log.watch("first", first)
        log.watch("second", lwt_io.read_line(source.channel))
        lwt.cancel(first)
        assert log.entries == ["first: Canceled"]
        source.give(b"two\n")
        assert log.entries == ["first: Canceled", "second: b'two'"]

    def test_is_busy_while_an_operation_is_not_over(self) -> None:
        source = Source()
        assert not lwt_io.is_busy(source.channel)
        lwt_io.read_line(source.channel)
        assert lwt_io.is_busy(source.channel)
        source.give(b"one\n")
        assert not lwt_io.is_busy(source.channel)

    def test_calls_in_deeply_nested_callbacks_are_served_in_their_order(self) -> None:
        sink = Sink(buffer_size=16)

        def nest(depth: int) -> lwt.Promise[None]:
            if depth > 0:
                return lwt.bind(lwt.return_unit, lambda _: nest(depth - 1))
            long = lwt_io.write(sink.channel, b"L" * 40)  # needs several writes
            short = lwt_io.write(sink.channel, b"s")
            return lwt.join([long, short])

        async def write() -> None:
            await lwt.join([nest(depth) for depth in range(0, 200, 7)])
            await lwt_io.flush(sink.channel)

        lwt_main.run(write())
        assert sink.written == (b"L" * 40 + b"s") * len(range(0, 200, 7))


class TestAtomic:
    def test_others_wait_until_the_function_is_done(self) -> None:
        source, log = Source(), Log()

        async def two_lines(channel: lwt_io.InputChannel) -> tuple[bytes, bytes]:
            return await lwt_io.read_line(channel), await lwt_io.read_line(channel)

        log.watch("pair", lwt_io.atomic(two_lines)(source.channel))
        log.watch("line", lwt_io.read_line(source.channel))
        source.give(b"one\n")
        source.give(b"two\nthree\n")
        assert log.entries == ["pair: (b'one', b'two')", "line: b'three'"]

    def test_it_waits_for_its_own_turn(self) -> None:
        source, log = Source(), Log()
        log.watch("line", lwt_io.read_line(source.channel))
        log.watch("atomic", lwt_io.atomic(lwt_io.read_line)(source.channel))
        source.give(b"one\ntwo\n")
        assert log.entries == ["line: b'one'", "atomic: b'two'"]

    def test_it_can_be_nested(self) -> None:
        async def inner(channel: lwt_io.OutputChannel) -> None:
            await lwt_io.write(channel, "b")
            await lwt_io.write(channel, "c")

        async def outer(channel: lwt_io.OutputChannel) -> None:
            await lwt_io.write(channel, "a")
            nested = lwt_io.atomic(inner)(channel)
            late = lwt_io.write(channel, "d")
            await lwt.join([nested, late])

        sink = Sink()
        lwt_main.run(lwt_io.atomic(outer)(sink.channel))
        lwt_main.run(lwt_io.flush(sink.channel))
        assert sink.written == b"abcd"

    def test_the_temporary_channel_is_invalid_afterwards(self) -> None:
        kept = []

        def keep(channel: lwt_io.InputChannel) -> lwt.Promise[None]:
            kept.append(channel)
            return lwt.return_unit

        lwt_main.run(lwt_io.atomic(keep)(input_of(b"one\n")))
        (channel,) = kept
        with pytest.raises(lwt.Failure, match="temporary atomic channel input no more valid"):
            lwt_main.run(lwt_io.read_line(channel))
        with pytest.raises(lwt.Failure, match="temporary atomic channel input no more valid"):
            lwt_main.run(lwt_io.abort(channel))
        with pytest.raises(lwt.Failure, match="temporary atomic channel input no more valid"):
            lwt_io.is_busy(channel)

    def test_who_still_waits_for_the_temporary_channel_hears_of_its_end(self) -> None:
        source, log = Source(), Log()

        def leave_behind(channel: lwt_io.InputChannel) -> lwt.Promise[None]:
            for name in ("first", "second", "third"):
                log.watch(name, lwt_io.read_line(channel))
            return lwt.return_unit

        lwt_main.run(lwt_io.atomic(leave_behind)(source.channel))
        source.give(b"one\ntwo\n")
        assert log.entries == ["first: b'one'", "second: Failure", "third: Failure"]

    @pytest.mark.parametrize("is_pipe", [False, True])
    def test_closing_rejects_also_what_outlives_the_temporary_channel(self, is_pipe: bool) -> None:
        log = Log()

        def leave_behind(channel: lwt_io.InputChannel) -> lwt.Promise[None]:
            log.watch("left behind", lwt_io.read_line(channel))
            return lwt.return_unit

        channel, other_end = lwt_io.pipe() if is_pipe else (Source().channel, Sink().channel)
        lwt_main.run(lwt_io.atomic(leave_behind)(channel))
        log.watch("another", lwt_io.read_line(channel))  # both are reading now
        lwt_main.run(lwt_io.abort(channel))
        assert sorted(log.entries) == ["another: Channel_closed", "left behind: Channel_closed"]
        lwt_main.run(lwt_io.close(other_end))

    def test_the_temporary_channel_cannot_be_closed(self) -> None:
        with pytest.raises(lwt.Failure, match="cannot close a channel obtained via"):
            lwt_main.run(lwt_io.atomic(lwt_io.close)(input_of(b"one\n")))

    def test_an_exception_of_the_function_rejects_and_frees_the_channel(self) -> None:
        def fail(channel: lwt_io.InputChannel) -> lwt.Promise[None]:
            raise LookupError("x")

        channel = input_of(b"one\n")
        assert lwt.state(lwt_io.atomic(fail)(channel)) == lwt.Fail(LookupError("x"))
        assert lwt.state(lwt_io.read_line(channel)) == lwt.Return(b"one")

    def test_what_the_function_must_return_is_said_when_it_does_not(self) -> None:
        def no_promise(channel: lwt_io.InputChannel) -> lwt.Promise[None]:
            return 3  # type: ignore[return-value]  # what the test is about

        channel = input_of(b"one\n")
        with pytest.raises(TypeError, match="no_promise returned 3"):
            lwt_main.run(lwt_io.atomic(no_promise)(channel))
        assert not lwt_io.is_busy(channel)

    def test_abort_goes_through_it_and_closes_the_channel_itself_too(self) -> None:
        # In OCaml the channel itself does not notice: it is not closed afterwards, and
        # aborting it again raises Invalid_argument.
        source, log = Source(), Log()
        log.watch("atomic", lwt_io.atomic(lwt_io.read_line)(source.channel))
        log.watch("waiting", lwt_io.read_line(source.channel))
        log.watch("abort", lwt_io.abort(source.channel))
        assert log.entries == ["atomic: Channel_closed", "waiting: Channel_closed", "abort: None"]
        assert lwt_io.is_closed(source.channel)
        assert lwt.state(lwt_io.abort(source.channel)) == lwt.Return(None)
        assert source.closed == 1


class TestAutomaticFlush:
    def test_what_is_written_is_written_out_after_a_pause(self) -> None:
        sink = Sink()

        async def write() -> list[bytes]:
            seen = []
            for word in ("a", "b"):
                await lwt_io.write(sink.channel, word)
            seen.append(sink.written)
            await lwt.pause()
            seen.append(sink.written)
            return seen

        assert lwt_main.run(write()) == [b"", b"ab"]

    def test_a_channel_in_use_is_flushed_after_that_use(self) -> None:
        sink = Sink()
        promise, resolver = lwt.wait()

        def write_and_hold(channel: lwt_io.OutputChannel) -> lwt.Promise[None]:
            return lwt.bind(lwt_io.write(channel, "a"), lambda _: promise)

        async def write() -> list[bytes]:
            holding = lwt_io.atomic(write_and_hold)(sink.channel)
            late = lwt_io.write(sink.channel, "b")
            await pauses(3)
            seen = [sink.written]
            lwt.wakeup_later(resolver, None)
            await lwt.join([holding, late])
            await pauses(2)
            return [*seen, sink.written]

        # As in OCaml: the temporary channel was idle, so it was flushed meanwhile.
        assert lwt_main.run(write()) == [b"a", b"ab"]

    def test_an_error_of_it_is_dropped_and_the_bytes_are_kept(self) -> None:
        sink = Sink()
        sink.failure = OSError(28, "full")

        async def write() -> None:
            await lwt_io.write(sink.channel, "a")
            await pauses(3)
            with pytest.raises(OSError, match="full"):
                await lwt_io.flush(sink.channel)
            sink.failure = None
            await lwt_io.flush(sink.channel)

        lwt_main.run(write())
        assert sink.written == b"a"

    def test_one_that_fails_is_not_tried_for_ever(self) -> None:
        calls = []

        def perform(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
            calls.append(length)
            return lwt.fail(OSError(28, "full"))

        channel = lwt_io.make(perform, mode=lwt_io.Output)

        async def write() -> None:
            await lwt_io.write(channel, "a")
            await pauses(5)

        lwt_main.run(write())
        assert calls == [1]

    def test_operations_that_come_during_it_wait_for_its_end(self) -> None:
        sink = Sink(waits=True)
        log = Log()

        async def write() -> None:
            await lwt_io.write(sink.channel, "a")
            await lwt.pause()
            assert sink.is_being_written
            log.watch("b", lwt_io.write(sink.channel, "b"))
            log.watch("c", lwt_io.write(sink.channel, "c"))
            assert log.entries == []
            sink.take()
            await lwt.pause()
            await lwt.pause()
            sink.take()

        lwt_main.run(write())
        assert log.entries == ["b: None", "c: None"]
        assert sink.writes == [b"a", b"bc"]

    def test_a_channel_that_nobody_holds_is_flushed_and_then_forgotten(self) -> None:
        written = []

        def perform(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
            written.append(bytes(buffer[offset : offset + length]))
            return lwt.return_(length)

        async def write() -> weakref.ref[lwt_io.OutputChannel]:
            channel = lwt_io.make(perform, mode=lwt_io.Output)
            await lwt_io.write(channel, "a")
            return weakref.ref(channel)

        async def main() -> weakref.ref[lwt_io.OutputChannel]:
            channel = await write()
            await pauses(2)
            return channel

        channel = lwt_main.run(main())
        gc.collect()
        assert (written, channel()) == ([b"a"], None)


class TestFlush:
    def test_writes_until_nothing_is_left(self) -> None:
        sink = Sink(most=2)
        lwt_main.run(lwt_io.write(sink.channel, "abcde"))
        lwt_main.run(lwt_io.flush(sink.channel))
        assert sink.writes == [b"ab", b"cd", b"e"]

    def test_of_an_empty_channel_calls_nothing(self) -> None:
        sink = Sink()
        assert lwt.state(lwt_io.flush(sink.channel)) == lwt.Return(None)
        assert sink.writes == []

    def test_cancelled_stops_and_keeps_what_was_not_written(self) -> None:
        sink = Sink(waits=True)
        lwt_main.run(lwt_io.write(sink.channel, "abc"))
        flushing = lwt_io.flush(sink.channel)
        lwt.cancel(flushing)
        assert lwt.state(flushing) == lwt.Fail(lwt.Canceled())
        assert lwt_io.buffered(sink.channel) == 3
        assert not lwt_io.is_busy(sink.channel)

    def test_flush_all_flushes_every_open_channel_and_drops_errors(self) -> None:
        one, broken, other = Sink(), Sink(), Sink()
        broken.failure = OSError(28, "full")
        for sink in (one, broken, other):
            lwt_main.run(lwt_io.write(sink.channel, "a"))
        lwt_main.run(lwt_io.flush_all())
        assert (one.written, other.written) == (b"a", b"a")

    def test_of_an_input_channel_is_refused(self) -> None:
        with pytest.raises(TypeError, match="not an output channel"):
            lwt_io.flush(lwt_io.zero)  # type: ignore[arg-type]  # what the test is about


class TestClose:
    def test_of_an_output_channel_writes_out_what_is_left_and_then_closes(self) -> None:
        sink = Sink()
        lwt_main.run(lwt_io.write(sink.channel, "abc"))
        lwt_main.run(lwt_io.close(sink.channel))
        assert (sink.written, sink.closed) == (b"abc", 1)
        assert lwt_io.is_closed(sink.channel)

    def test_of_an_output_channel_waits_for_what_was_asked_before(self) -> None:
        sink = Sink(waits=True)
        log = Log()
        log.watch("write", lwt_io.write(sink.channel, b"x" * 20))
        log.watch("close", lwt_io.close(sink.channel))
        log.watch("too late", lwt_io.write(sink.channel, b"y"))
        assert sink.closed == 0
        sink.take()
        sink.take()
        assert log.entries == ["write: None", "close: None", "too late: Channel_closed"]
        assert (sink.written, sink.closed) == (b"x" * 20, 1)

    def test_of_an_output_channel_drops_an_error_of_the_flush(self) -> None:
        sink = Sink()
        lwt_main.run(lwt_io.write(sink.channel, "abc"))
        sink.failure = OSError(28, "full")
        lwt_main.run(lwt_io.close(sink.channel))
        assert sink.closed == 1

    def test_of_an_input_channel_does_not_wait(self) -> None:
        source, log = Source(), Log()
        log.watch("first", lwt_io.read_line(source.channel))
        log.watch("second", lwt_io.read_line(source.channel))
        log.watch("third", lwt_io.read_char(source.channel))
        log.watch("close", lwt_io.close(source.channel))
        assert log.entries == [
            "first: Channel_closed",
            "second: Channel_closed",
            "third: Channel_closed",
            "close: None",
        ]

    def test_says_which_kind_of_channel_was_closed(self) -> None:
        source, sink = Source(), Sink()
        lwt_main.run(lwt_io.close(source.channel))
        lwt_main.run(lwt_io.close(sink.channel))
        assert lwt.state(lwt_io.read_line(source.channel)) == lwt.Fail(
            lwt_io.Channel_closed("input")
        )
        assert lwt.state(lwt_io.write(sink.channel, "a")) == lwt.Fail(
            lwt_io.Channel_closed("output")
        )

    def test_twice_gives_the_same_result_and_closes_once(self) -> None:
        calls = []

        def close() -> lwt.Promise[None]:
            calls.append("close")
            return lwt.fail(OSError(5, "cannot"))

        channel = lwt_io.make(
            lambda buffer, offset, length: lwt.return_(length), mode=lwt_io.Output, close=close
        )
        for _ in range(2):
            with pytest.raises(OSError, match="cannot"):
                lwt_main.run(lwt_io.close(channel))
        assert calls == ["close"]

    @pytest.mark.parametrize("is_input", [True, False])
    @pytest.mark.parametrize("raises", [True, False])
    @pytest.mark.parametrize("end", [lwt_io.close, lwt_io.abort])
    def test_what_the_close_function_meets_at_once_is_raised_at_each_call(
        self,
        is_input: bool,
        raises: bool,
        end: Callable[[lwt_io.Channel], lwt.Promise[None]],
    ) -> None:
        def close() -> lwt.Promise[None]:
            if raises:
                raise OSError(5, "cannot")
            return lwt.fail(OSError(5, "cannot"))

        def perform(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
            return lwt.return_(length)

        channel: lwt_io.Channel = (
            lwt_io.make(perform, mode=lwt_io.Input, close=close)
            if is_input
            else lwt_io.make(perform, mode=lwt_io.Output, close=close)
        )
        for _ in range(50):
            with pytest.raises(OSError, match="cannot") as raised:
                end(channel)
            assert len(raised.traceback) < 20

    def test_what_the_close_function_meets_later_rejects_each_time(self) -> None:
        closing, resolver = lwt.wait()
        channel = lwt_io.make(
            lambda buffer, offset, length: lwt.return_(0),
            mode=lwt_io.Input,
            close=lambda: closing,
        )
        closed = lwt_io.close(channel)
        lwt.wakeup_exn(resolver, OSError(5, "cannot"))
        assert isinstance(lwt.state(closed), lwt.Fail)
        assert isinstance(lwt.state(lwt_io.close(channel)), lwt.Fail)

    def test_what_an_output_channel_meets_after_its_flush_rejects(self) -> None:
        def close() -> lwt.Promise[None]:
            raise OSError(5, "cannot")

        writing, resolver = lwt.wait()
        channel = lwt_io.make(
            lambda buffer, offset, length: writing, mode=lwt_io.Output, close=close
        )
        lwt_io.write(channel, b"abc")
        closed = lwt_io.close(channel)
        lwt.wakeup(resolver, 3)
        state = lwt.state(closed)
        assert isinstance(state, lwt.Fail)
        assert isinstance(state.exception, OSError)

    def test_a_close_function_that_closes_its_own_channel_is_told(self) -> None:
        def close() -> lwt.Promise[None]:
            return lwt_io.close(channel)

        channel = lwt_io.make(
            lambda buffer, offset, length: lwt.return_(0), mode=lwt_io.Input, close=close
        )
        with pytest.raises(lwt.Failure, match="closed that channel again"):
            lwt_main.run(lwt_io.close(channel))

    def test_async_with_closes_at_the_end(self) -> None:
        sink = Sink()

        async def write() -> None:
            async with sink.channel as channel:
                await lwt_io.write(channel, "a")

        lwt_main.run(write())
        assert (sink.written, sink.closed) == (b"a", 1)

    def test_async_with_closes_when_the_body_raises(self) -> None:
        source = Source()

        async def fail() -> None:
            async with source.channel:
                raise LookupError

        with pytest.raises(LookupError):
            lwt_main.run(fail())
        assert source.closed == 1


class TestAbort:
    def test_rejects_the_write_that_waits_and_loses_what_is_in_the_buffer(self) -> None:
        sink = Sink(waits=True)
        log = Log()
        log.watch("first", lwt_io.write(sink.channel, b"x" * 20))
        log.watch("second", lwt_io.write(sink.channel, b"y"))
        log.watch("abort", lwt_io.abort(sink.channel))
        assert log.entries == ["first: Channel_closed", "second: Channel_closed", "abort: None"]
        assert (sink.written, sink.closed) == (b"", 1)

    def test_rejects_also_when_the_reading_function_cannot_be_cancelled(self) -> None:
        never, _ = lwt.wait()
        channel = lwt_io.make(lambda buffer, offset, length: never, mode=lwt_io.Input)
        line = lwt_io.read_line(channel)
        lwt_io.abort(channel)
        assert lwt.state(line) == lwt.Fail(lwt_io.Channel_closed("input"))

    def test_comes_before_the_close_function(self) -> None:
        log = Log()
        never, _ = lwt.task()

        def close() -> lwt.Promise[None]:
            log.note("close")
            return lwt.return_unit

        channel = lwt_io.make(lambda buffer, offset, length: never, mode=lwt_io.Input, close=close)
        log.watch("line", lwt_io.read_line(channel))
        lwt_io.abort(channel)
        assert log.entries == ["line: Channel_closed", "close"]

    def test_nothing_is_flushed_automatically_afterwards(self) -> None:
        sink = Sink()

        async def write() -> None:
            await lwt_io.write(sink.channel, "a")
            await lwt_io.abort(sink.channel)
            await pauses(3)

        lwt_main.run(write())
        assert sink.written == b""


def test_a_channel_shows_its_kind_and_state() -> None:
    source = Source()
    assert repr(source.channel) == "<input channel, idle>"
    lwt_io.read_line(source.channel)
    assert repr(source.channel) == "<input channel, busy>"
    lwt_io.close(source.channel)
    assert repr(source.channel) == "<input channel, closed>"


def test_mode_tells_the_two_kinds_apart() -> None:
    assert (lwt_io.mode(lwt_io.zero), lwt_io.mode(lwt_io.null)) == (lwt_io.Input, lwt_io.Output)
