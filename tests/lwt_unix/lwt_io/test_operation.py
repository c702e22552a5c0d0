"""One use of a channel: transfers on descriptors, the automatic flush."""

from __future__ import annotations

import gc
import os
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import _system as system
from lwt_unix import lwt_engine, lwt_io, lwt_main
from tests.support.builds import interpreted_only
from tests.support.channels import Log, Sink, pauses
from tests.support.descriptors import fill, send
from tests.support.sockets import Open

Reading = Callable[[lwt_io.InputChannel], lwt.Promise[Any]]


def as_it_is(channel: lwt_io.InputChannel) -> str:
    """What can be seen of a channel."""
    state = "busy" if lwt_io.is_busy(channel) else "idle"
    return f"{state}, at {lwt_io.position(channel)}, {lwt_io.buffered(channel)} read ahead"


class TestOnADescriptor:
    @pytest.fixture
    def near(self, opened: Open) -> lwt_unix.File_descr:
        near, self.far = opened.pair()
        return near

    def test_an_operation_that_waits_is_in_the_queue_of_the_descriptor_and_leaves_it(
        self, near: lwt_unix.File_descr
    ) -> None:
        before = lwt_engine.readable_count()
        channel, log = lwt_io.of_fd(near, mode=lwt_io.Input), Log()
        log.watch("line", lwt_io.read_line(channel))
        log.watch("rest", lwt_io.read(channel, count=10))
        assert lwt_engine.readable_count() == before + 1
        send(self.far, b"one\n")
        lwt_engine.iter(False)
        assert log.entries == ["line: b'one'"]
        send(self.far, b"two")
        lwt_engine.iter(False)
        assert log.entries == ["line: b'one'", "rest: b'two'"]
        assert lwt_engine.readable_count() == before

    def test_a_line_that_comes_in_parts_is_put_together_and_no_promise_is_resolved_before(
        self, near: lwt_unix.File_descr
    ) -> None:
        channel = lwt_io.of_fd(near, mode=lwt_io.Input)
        line = lwt_io.read_line(channel)
        for part in (b"o", b"n", b"e\r"):
            send(self.far, part)
            lwt_engine.iter(False)
            assert lwt.is_sleeping(line)
        send(self.far, b"\ntwo")
        lwt_engine.iter(False)
        assert lwt.state(line) == lwt.Return(b"one")
        assert as_it_is(channel) == "idle, at 5, 3 read ahead"

    @pytest.mark.parametrize(
        "read", [lwt_io.read_line, lwt_io.read_char, lwt_io.read, lwt_io.InputChannel.__anext__]
    )
    def test_cancelling_takes_it_out_of_the_queue_before_the_callbacks_of_its_promise_run(
        self, near: lwt_unix.File_descr, read: Reading
    ) -> None:
        before = lwt_engine.readable_count()
        channel = lwt_io.of_fd(near, mode=lwt_io.Input)
        promise, seen = read(channel), []
        lwt.on_cancel(promise, lambda: seen.append(as_it_is(channel)))
        lwt.on_failure(promise, lambda exn: seen.append(repr(exn)))
        lwt.cancel(promise)
        assert seen == ["idle, at 0, 0 read ahead", "Canceled()"]
        assert lwt_engine.readable_count() == before

    def test_aborting_the_channel_rejects_it_with_the_name_of_the_function(
        self, near: lwt_unix.File_descr
    ) -> None:
        channel = lwt_io.of_fd(near, mode=lwt_io.Input, close=lambda: lwt.return_unit)
        line = lwt_io.read_line(channel)
        lwt_main.run(lwt_io.abort(channel))
        assert isinstance(state := lwt.state(line), lwt.Fail)
        assert str(state.exception) == "lwt_io.read_line on a closed input channel"
        assert isinstance(lwt.state(lwt_io.read_line(channel)), lwt.Fail)

    @pytest.mark.parametrize(
        ("end", "expected"),
        [
            (lambda promise, _: lwt.cancel(promise), "Canceled()"),
            (lambda promise, _: lwt.cancel(lwt.pick([lwt.wait()[0], promise])), "Canceled()"),
            (lambda _, channel: lwt_io.abort(channel), "Channel_closed('input')"),
        ],
    )
    def test_one_whose_promise_a_body_has_returned_ends_in_the_same_ways(
        self,
        near: lwt_unix.File_descr,
        end: Callable[[lwt.Promise[Any], lwt_io.InputChannel], object],
        expected: str,
    ) -> None:
        before = lwt_engine.readable_count()
        channel, seen = lwt_io.of_fd(near, mode=lwt_io.Input), []

        @lwt.promised
        async def read() -> lwt.Promise[bytes]:
            await lwt.pause()
            return lwt_io.read_line(channel)

        promise = read()
        lwt.wakeup_paused()
        lwt.on_failure(promise, lambda exn: seen.append(repr(exn)))
        lwt.on_failure(lwt.bind(promise, lwt.return_), lambda exn: seen.append(repr(exn)))
        end(promise, channel)
        assert seen == [expected] * 2
        assert not lwt_io.is_busy(channel)
        assert lwt_engine.readable_count() == before

    def test_closing_the_descriptor_rejects_it_and_the_channel_goes_on_to_the_next(
        self, near: lwt_unix.File_descr
    ) -> None:
        channel, log = lwt_io.of_fd(near, mode=lwt_io.Input), Log()
        log.watch("first", lwt_io.read_line(channel))
        log.watch("second", lwt_io.read_line(channel))
        lwt_main.run(lwt_unix.close(near))
        assert log.entries == ["first: OSError", "second: OSError"]
        assert not lwt_io.is_busy(channel)

    def test_one_that_reads_from_an_emptied_socket_waits_first_but_not_if_it_needs_nothing(
        self, near: lwt_unix.File_descr, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        channel, log, calls = lwt_io.of_fd(near, mode=lwt_io.Input), Log(), Calls(monkeypatch)

        def go_on(_: bytes) -> None:
            log.watch("nothing", lwt_io.read_into(channel, bytearray(4), 4, 0))
            log.watch("exactly nothing", lwt_io.read_into_exactly(channel, bytearray(4), 0, 0))
            log.watch("char", lwt_io.read_char(channel))
            log.watch("second", lwt_io.read_line(channel))

        for _ in range(2):
            lwt_engine.iter(False)  # Turns in which nothing is closed: see `emptied`.
        lwt.on_success(lwt_io.read_line(channel), go_on)
        send(self.far, b"one\n")
        lwt_engine.iter(False)
        assert log.entries == ["nothing: 0", "exactly nothing: None"]
        assert len(calls.lengths) == 2  # The first one, at once, and when it was reported.
        send(self.far, b"two\n")
        lwt_engine.iter(False)
        assert log.entries[2:] == ["char: b't'", "second: b'wo'"]
        assert len(calls.lengths) == 3

    @pytest.mark.parametrize("at_once", [True, False])
    def test_an_error_of_the_system_has_the_name_of_its_call(
        self, near: lwt_unix.File_descr, at_once: bool
    ) -> None:
        channel = lwt_io.of_fd(near, mode=lwt_io.Output)
        if not at_once:
            fill(near)
        lwt_main.run(lwt_io.write(channel, b"x" * 100))
        flushed = None if at_once else lwt_io.flush(channel)
        lwt_main.run(lwt_unix.close(self.far))
        with pytest.raises(BrokenPipeError) as caught:
            lwt_main.run(flushed or lwt_io.flush(channel))
        assert lwt_unix.unix_error(caught.value)[1] == "write"
        assert lwt_io.buffered(channel) == 100


class Calls:
    """The lengths of what was read, and of what was written, in one call each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lengths: list[int] = []
        read, readv, write = os.read, os.readv, os.write

        def noting_read(fd: int, length: int) -> bytes:
            self.lengths.append(length)
            return read(fd, length)

        def noting_readv(fd: int, buffers: tuple[memoryview]) -> int:
            self.lengths.append(len(buffers[0]))
            return readv(fd, buffers)

        def noting_write(fd: int, data: memoryview) -> int:
            self.lengths.append(len(data))
            return write(fd, data)

        monkeypatch.setattr(system, "read", noting_read)
        monkeypatch.setattr(system, "readv", noting_readv)
        monkeypatch.setattr(system, "write", noting_write)


def non_blocking_pair(opened: Open) -> tuple[lwt_unix.File_descr, lwt_unix.File_descr]:
    """Two ends of a connection, whose mode is settled."""
    near, far = opened.pair()
    assert not lwt_main.run(lwt_unix.blocking(near))
    assert not lwt_main.run(lwt_unix.blocking(far))
    return near, far


class TestPastTheBuffer:
    DATA = bytes(range(256)) * 100

    def test_what_is_much_longer_than_the_buffer_goes_from_where_it_is_and_its_end_through_it(
        self, opened: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reading, writing = non_blocking_pair(opened)
        oc = lwt_io.of_fd(writing, mode=lwt_io.Output)
        calls = Calls(monkeypatch)
        assert lwt.state(lwt_io.write(oc, self.DATA)) == lwt.Return(None)
        assert (calls.lengths, lwt_io.buffered(oc)) == ([24_576], 1024)
        lwt_main.run(lwt_io.write(oc, b"x"))
        # What is in the buffer is written first.
        assert lwt.state(lwt_io.write(oc, self.DATA)) == lwt.Return(None)
        assert (calls.lengths, lwt_io.buffered(oc)) == ([24_576, 4096, 20_480], 2049)
        lwt_main.run(lwt_io.flush(oc))
        received = bytearray(60_000)
        count = lwt_main.run(lwt_unix.read(reading, received, 0, 60_000))
        assert received[:count] == self.DATA + b"x" + self.DATA

    def test_what_finds_no_room_waits_with_a_full_buffer(self, opened: Open) -> None:
        reading, writing = non_blocking_pair(opened)
        oc = lwt_io.of_fd(writing, mode=lwt_io.Output)
        lwt_io.write(oc, b"x")
        data = self.DATA * 100
        written = lwt_io.write(oc, data)
        assert (lwt.is_sleeping(written), lwt_io.buffered(oc)) == (True, 4096)
        received = bytearray(len(data) + 1)

        async def read() -> None:
            count = 0
            while count < len(received):
                count += await lwt_unix.read(reading, received, count, len(received) - count)

        lwt_main.run(lwt.join([written, lwt.of_coroutine(read()), lwt_io.flush(oc)]))
        assert received == b"x" + data

    @pytest.mark.parametrize(
        ("taken", "left"),
        [(1, 4096), (21_503, 4096), (21_504, 4096), (21_505, 4095), (24_575, 1025)],
    )
    def test_what_is_written_in_part_leaves_in_the_buffer_what_fits(
        self, opened: Open, monkeypatch: pytest.MonkeyPatch, taken: int, left: int
    ) -> None:
        reading, writing = non_blocking_pair(opened)
        oc = lwt_io.of_fd(writing, mode=lwt_io.Output)
        write = os.write
        with monkeypatch.context() as patch:
            patch.setattr(system, "write", lambda fd, data: write(fd, data[:taken]))
            written = lwt_io.write(oc, self.DATA)
        assert lwt.is_sleeping(written) == (25_600 - taken > 4096)
        assert (lwt_io.buffered(oc), lwt_io.position(oc)) == (left, taken + left)
        lwt_main.run(lwt.join([written, lwt_io.flush(oc)]))
        received = bytearray(30_000)
        count = lwt_main.run(lwt_unix.read(reading, received, 0, 30_000))
        assert received[:count] == self.DATA

    def test_a_write_that_fails_leaves_a_full_buffer_behind(self, opened: Open) -> None:
        reading, writing = non_blocking_pair(opened)
        oc = lwt_io.of_fd(writing, mode=lwt_io.Output)
        lwt_main.run(lwt_unix.close(reading))
        with pytest.raises(BrokenPipeError):
            lwt_main.run(lwt_io.write(oc, self.DATA))
        assert lwt_io.buffered(oc) == 4096

    def test_whole_buffers_are_read_to_where_they_are_wanted_and_the_rest_through_the_buffer(
        self, opened: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        near, far = non_blocking_pair(opened)
        ic = lwt_io.of_fd(near, mode=lwt_io.Input)
        send(far, self.DATA)
        target, calls = bytearray(10_000), Calls(monkeypatch)
        assert lwt.state(lwt_io.read_into_exactly(ic, target, 0, 10_000)) == lwt.Return(None)
        assert calls.lengths == [8192, 4096]
        assert target == self.DATA[:10_000]
        assert as_it_is(ic) == "idle, at 10000, 2288 read ahead"

    def test_what_comes_in_parts_is_read_to_where_it_is_wanted(self, opened: Open) -> None:
        near, far = non_blocking_pair(opened)
        ic = lwt_io.of_fd(near, mode=lwt_io.Input)
        target = bytearray(20_000)
        filled = lwt_io.read_into_exactly(ic, target, 0, 20_000)
        for start in range(0, 20_000, 1000):
            assert (lwt.is_sleeping(filled), lwt_io.position(ic)) == (True, start)
            send(far, self.DATA[start : start + 1000])
            lwt_engine.iter(False)
        assert lwt.state(filled) == lwt.Return(None)
        assert target == self.DATA[:20_000]

    def test_an_input_that_ends_too_early_rejects(self, opened: Open) -> None:
        near, far = non_blocking_pair(opened)
        ic = lwt_io.of_fd(near, mode=lwt_io.Input)
        send(far, self.DATA[:5000])
        lwt_main.run(lwt_unix.close(far))
        target = bytearray(10_000)
        with pytest.raises(EOFError):
            lwt_main.run(lwt_io.read_into_exactly(ic, target, 0, 10_000))
        assert target[:5000] == self.DATA[:5000]

    def test_an_end_that_is_met_past_the_buffer_leaves_the_buffer_as_a_read_into_it_would(
        self, opened: Open
    ) -> None:
        near, far = non_blocking_pair(opened)
        ic = lwt_io.of_fd(near, mode=lwt_io.Input)
        send(far, b"x")
        assert lwt.state(lwt_io.read_char(ic)) == lwt.Return(b"x")
        lwt_main.run(lwt_unix.close(far))
        with pytest.raises(EOFError):
            lwt_main.run(lwt_io.read_into_exactly(ic, bytearray(5000), 0, 5000))
        ends: list[tuple[int, int]] = []

        def look(access: lwt_io.Direct_access) -> lwt.Promise[None]:
            ends.append((access.da_ptr, access.da_max))
            return lwt.return_unit

        lwt_main.run(lwt_io.direct_access(ic, look))
        assert ends == [(0, 0)]


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

    def test_on_a_descriptor_it_has_its_place_among_the_pauses(self, opened: Open) -> None:
        near, far = non_blocking_pair(opened)
        oc = lwt_io.of_fd(near, mode=lwt_io.Output)

        async def write() -> list[bool]:
            before = lwt.map(lambda _: lwt_unix.readable(far), lwt.pause())
            await lwt_io.write(oc, "a")
            after = lwt.map(lambda _: lwt_unix.readable(far), lwt.pause())
            return [await before, await after]

        assert lwt_main.run(write()) == [False, True]
        assert (lwt_io.buffered(oc), lwt_io.is_busy(oc)) == (0, False)

    def test_on_a_descriptor_that_has_no_room_it_waits(self, opened: Open) -> None:
        near, far = non_blocking_pair(opened)
        oc = lwt_io.of_fd(near, mode=lwt_io.Output)
        fill(near)

        async def write() -> list[object]:
            await lwt_io.write(oc, "end")
            await lwt.pause()
            seen: list[object] = [lwt_io.buffered(oc), lwt_io.is_busy(oc)]
            memory, last = bytearray(1 << 16), 0
            while memory[last - 3 : last] != b"end":
                last = await lwt_unix.read(far, memory, 0, len(memory))
            return [*seen, lwt_io.buffered(oc), lwt_io.is_busy(oc)]

        assert lwt_main.run(write()) == [3, True, 0, False]

    def test_on_a_descriptor_an_error_of_it_is_dropped_and_the_bytes_are_kept(
        self, opened: Open
    ) -> None:
        near, far = non_blocking_pair(opened)
        oc = lwt_io.of_fd(near, mode=lwt_io.Output)
        lwt_main.run(lwt_unix.close(far))

        async def write() -> None:
            await lwt_io.write(oc, "abc")
            await pauses(3)

        lwt_main.run(write())
        assert (lwt_io.buffered(oc), lwt_io.is_busy(oc)) == (3, False)
        with pytest.raises(BrokenPipeError):
            lwt_main.run(lwt_io.flush(oc))

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


@interpreted_only("it calls the function that the test replaces without looking for its name")
def test_a_channel_is_free_again_when_there_is_no_memory_for_what_was_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_memory(channel: object, idle: bool) -> bytes | None:
        calls.append(channel)
        if len(calls) == 1:
            return None  # nothing is read ahead
        raise MemoryError

    calls: list[object] = []
    monkeypatch.setattr("lwt_unix.lwt_io._taking.take_char", no_memory)
    reading = lwt_io.make(lambda *_: lwt.return_(1), mode=lwt_io.Input)
    with pytest.raises(MemoryError):
        lwt_io.read_char(reading)
    assert not lwt_io.is_busy(reading)
