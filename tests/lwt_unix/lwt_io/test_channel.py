"""Channels as users hold them: flush, close, abort, what they look like."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import lwt
from lwt_unix import lwt_io, lwt_main
from tests.support.channels import Log, Sink, Source, pauses

pytestmark = pytest.mark.real_only("these meet no descriptor")


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
        with pytest.raises(TypeError, match="expected an output channel"):
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
