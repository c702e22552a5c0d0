"""The buffer of a channel: its size, the position, `block`, `direct_access`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main
from tests.support.channels import Sink, input_of

pytestmark = pytest.mark.real_only("nearly all of these meet no descriptor")


class TestResizing:
    def test_resizing_keeps_what_is_read_ahead(self) -> None:
        channel = input_of(b"one\ntwo\nthree\n")
        assert lwt_main.run(lwt_io.read_line(channel)) == b"one"
        lwt_main.run(lwt_io.resize_buffer(channel, 16))
        assert (lwt_io.buffer_size(channel), lwt_io.buffered(channel)) == (16, 10)
        assert lwt_main.run(lwt_io.read(channel)) == b"two\nthree\n"

    def test_resizing_to_less_than_is_read_ahead_fails(self) -> None:
        channel = input_of(b"x" * 40)
        lwt_main.run(lwt_io.read_char(channel))
        with pytest.raises(lwt.Failure, match=r"Lwt_io\.resize_buffer: cannot decrease"):
            lwt_main.run(lwt_io.resize_buffer(channel, 16))
        assert lwt_main.run(lwt_io.read(channel)) == b"x" * 39

    def test_resizing_an_output_channel_writes_out_what_does_not_fit(self) -> None:
        sink = Sink(buffer_size=64, most=30)
        lwt_main.run(lwt_io.write(sink.channel, bytes(range(50))))
        lwt_main.run(lwt_io.resize_buffer(sink.channel, 20))
        assert (lwt_io.buffered(sink.channel), lwt_io.buffer_size(sink.channel)) == (20, 20)
        lwt_main.run(lwt_io.write(sink.channel, b"end"))
        lwt_main.run(lwt_io.flush(sink.channel))
        assert sink.written == bytes(range(50)) + b"end"


class TestPosition:
    def test_counts_what_was_read(self) -> None:
        channel = input_of(b"one\ntwo\n")
        lwt_main.run(lwt_io.read_line(channel))
        assert lwt_io.position(channel) == 4

    def test_counts_what_was_written_also_if_not_written_out(self) -> None:
        sink = Sink()
        lwt_main.run(lwt_io.write(sink.channel, b"x" * 20))
        assert lwt_io.position(sink.channel) == 20


class TestBlock:
    def test_passes_the_bytes_to_read(self) -> None:
        channel = input_of(b"ab", b"cdef")

        def copy(buffer: memoryview, offset: int) -> lwt.Promise[bytes]:
            return lwt.return_(bytes(buffer[offset : offset + 3]))

        assert lwt_main.run(lwt_io.block(channel, 3, copy)) == b"abc"
        assert lwt_io.position(channel) == 3

    def test_passes_the_room_to_write(self) -> None:
        sink = Sink()
        lwt_main.run(lwt_io.write(sink.channel, b"x" * 15))

        def fill(buffer: memoryview, offset: int) -> lwt.Promise[None]:
            buffer[offset : offset + 3] = b"abc"
            return lwt.return_unit

        lwt_main.run(lwt_io.block(sink.channel, 3, fill))
        lwt_main.run(lwt_io.flush(sink.channel))
        assert sink.written == b"x" * 15 + b"abc"

    @pytest.mark.parametrize("size", [-1, 17])
    def test_refuses_other_sizes(self, size: int) -> None:
        with pytest.raises(ValueError, match=r"Lwt_io\.block"):
            lwt_main.run(lwt_io.block(lwt_io.zero, size, lambda *_: lwt.return_unit))

    def test_rejects_at_the_end_of_input(self) -> None:
        with pytest.raises(EOFError):
            lwt_main.run(lwt_io.block(input_of(b"ab"), 3, lambda *_: lwt.return_unit))


class TestDirectAccess:
    def test_reads_in_the_buffer(self) -> None:
        channel = input_of(b"one", b"two")

        async def read_six(access: lwt_io.Direct_access) -> bytes:
            while access.da_max - access.da_ptr < 6:
                assert await access.da_perform() > 0
            data = bytes(access.da_buffer[access.da_ptr : access.da_ptr + 6])
            access.da_ptr += 5
            return data

        assert lwt_main.run(lwt_io.direct_access(channel, read_six)) == b"onetwo"
        assert lwt_main.run(lwt_io.read(channel)) == b"o"

    def test_writes_in_the_buffer(self) -> None:
        sink = Sink()

        async def write_abc(access: lwt_io.Direct_access) -> int:
            access.da_buffer[access.da_ptr : access.da_ptr + 3] = b"abc"
            access.da_ptr += 3
            return await access.da_perform()

        assert lwt_main.run(lwt_io.direct_access(sink.channel, write_abc)) == 3
        assert sink.written == b"abc"

    def test_a_pointer_out_of_range_is_a_failure(self) -> None:
        async def step_back(access: lwt_io.Direct_access) -> None:
            access.da_ptr -= 1

        with pytest.raises(lwt.Failure, match="invalid result of"):
            lwt_main.run(lwt_io.direct_access(input_of(b"abc"), step_back))

    def test_cannot_be_used_afterwards(self) -> None:
        kept = []

        async def keep(access: lwt_io.Direct_access) -> None:
            kept.append(access)

        lwt_main.run(lwt_io.direct_access(input_of(b"abc"), keep))
        with pytest.raises(lwt.Failure, match="can not be called outside"):
            lwt_main.run(kept[0].da_perform())

    def test_what_the_reading_function_raises_is_raised_at_the_call(self) -> None:
        def cannot(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
            raise OSError(5, "cannot")

        def perform(access: lwt_io.Direct_access) -> lwt.Promise[str]:
            try:
                access.da_perform()
            except OSError:
                return lwt.return_("raised")
            return lwt.return_("rejected")

        channel = lwt_io.make(cannot, mode=lwt_io.Input)
        assert lwt_main.run(lwt_io.direct_access(channel, perform)) == "raised"
        assert not lwt_io.is_busy(channel)

    def test_what_the_system_refuses_at_once_is_raised_at_the_call(self) -> None:
        def perform(access: lwt_io.Direct_access) -> lwt.Promise[str]:
            try:
                access.da_perform()
            except OSError:
                return lwt.return_("raised")
            return lwt.return_("rejected")

        descriptor, writing = lwt_unix.pipe()
        channel = lwt_io.of_fd(descriptor, mode=lwt_io.Input)
        lwt_main.run(lwt.join([lwt_unix.close(descriptor), lwt_unix.close(writing)]))
        assert lwt_main.run(lwt_io.direct_access(channel, perform)) == "raised"


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("name", ["atomic", "block", "direct_access"])
def test_a_promise_that_is_the_value_of_a_users_promise_is_given_as_it_is(
    name: str, waits: bool
) -> None:
    value, _ = lwt.wait()
    ic = input_of(b"x" * 16)

    def function(*_: Any) -> lwt.Promise[lwt.Promise[int]]:
        if waits:
            return lwt.map(lambda _: value, lwt.pause())
        return lwt.return_(value)

    calls: dict[str, Callable[[], lwt.Promise[object]]] = {
        "atomic": lambda: lwt_io.atomic(function)(ic),
        "block": lambda: lwt_io.block(ic, 4, function),
        "direct_access": lambda: lwt_io.direct_access(ic, function),
    }
    result = calls[name]()
    while lwt.is_sleeping(result):
        lwt.wakeup_paused()
    assert lwt.state(result) == lwt.Return(value)
