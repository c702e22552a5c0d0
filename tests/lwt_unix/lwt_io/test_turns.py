"""Who uses a channel when, and who waits for it."""

from __future__ import annotations

import pytest

import lwt
from lwt_unix import lwt_io, lwt_main
from tests.support.channels import Log, Sink, Source
from tests.support.storage import as_user, user

pytestmark = pytest.mark.real_only("these meet no descriptor")


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

    def test_who_is_cancelled_together_with_who_has_the_channel_leaves_it_busy_as_in_ocaml(
        self,
    ) -> None:
        channel = Source().channel
        reading, waiting = lwt_io.read_char(channel), lwt_io.read_char(channel)
        lwt.cancel(lwt.join([waiting, reading]))
        assert not lwt.is_sleeping(reading)
        assert not lwt.is_sleeping(waiting)
        assert lwt_io.is_busy(channel)

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
