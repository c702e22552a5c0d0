"""Who uses a channel when: turns, `atomic`, the automatic flush."""

from __future__ import annotations

import gc
import weakref

import pytest

import lwt
from lwt_unix import lwt_io, lwt_main
from tests.support.channels import Log, Sink, Source, input_of, pauses
from tests.support.storage import as_user, user


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

    @pytest.mark.parametrize("is_atomic", [False, True])
    def test_the_hook_sees_the_storage_of_who_cancels_an_operation_that_waits_for_its_turn(
        self, is_atomic: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[str] = []
        monkeypatch.setattr(lwt.async_exception_hook, "contents", lambda _: seen.append(user()))
        channel = Source().channel
        operation = lwt_io.atomic(lwt_io.read_char) if is_atomic else lwt_io.read_char
        first = lwt_io.read_char(channel)
        second = as_user("waiting", lambda: operation(channel))
        lwt.ignore_result(second)
        as_user("cancelling", lambda: lwt.cancel(second))
        assert (seen, user()) == (["cancelling"], "nobody")
        lwt.cancel(first)

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


def test_an_operation_that_leaves_nothing_asks_for_an_automatic_flush_all_the_same() -> None:
    """As in OCaml: what is written before it is due goes out in the order of the asking."""
    order: list[str] = []

    def writing_to(name: str) -> lwt_io.OutputChannel:
        def perform(_memory: memoryview, _offset: int, length: int) -> lwt.Promise[int]:
            order.append(name)
            return lwt.return_(length)

        return lwt_io.make(perform, mode=lwt_io.Output)

    first, second = writing_to("first"), writing_to("second")

    async def write() -> None:
        await lwt_io.flush(second)
        await lwt_io.write(first, "a")
        await lwt_io.write(second, "b")
        await lwt.pause()

    lwt_main.run(write())
    assert order == ["second", "first"]


def test_a_channel_is_free_again_when_there_is_no_memory_for_what_was_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_memory(buffer: object) -> bytes | None:
        calls.append(buffer)
        if len(calls) == 1:
            return None  # nothing is read ahead
        raise MemoryError

    calls: list[object] = []
    monkeypatch.setattr("lwt_unix.lwt_io._taking.take_char", no_memory)
    reading = lwt_io.make(lambda *_: lwt.return_(1), mode=lwt_io.Input)
    with pytest.raises(MemoryError):
        lwt_io.read_char(reading)
    assert not lwt_io.is_busy(reading)
