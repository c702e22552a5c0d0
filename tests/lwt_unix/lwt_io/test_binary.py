"""Numbers in binary on channels."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main
from tests.support.channels import Sink, Source, input_of

pytestmark = pytest.mark.real_only("nearly all of these meet no descriptor")

NATIVE = "<" if sys.byteorder == "little" else ">"
ORDERS = [
    pytest.param(lwt_io.LE, "<", id="LE"),
    pytest.param(lwt_io.BE, ">", id="BE"),
    pytest.param(lwt_io, NATIVE, id="native"),
]
INTS = [("int", "i"), ("int16", "h"), ("int32", "i"), ("int64", "q")]
FLOATS = [("float32", "f"), ("float64", "d")]


def extremes(code: str) -> list[int]:
    bits = 8 * struct.calcsize(f"<{code}")
    return [0, 1, -1, 258, 2 ** (bits - 1) - 1, -(2 ** (bits - 1))]


@pytest.mark.parametrize(("order", "mark"), ORDERS)
class TestEachOrder:
    @pytest.mark.parametrize(("name", "code"), INTS)
    def test_reads_and_writes_ints(self, order: Any, mark: str, name: str, code: str) -> None:
        for value in extremes(code):
            data = struct.pack(mark + code, value)
            sink = Sink()
            assert lwt.state(getattr(order, f"write_{name}")(sink.channel, value)) == (
                lwt.Return(None)
            )
            lwt_main.run(lwt_io.flush(sink.channel))
            assert sink.written == data
            assert lwt_main.run(getattr(order, f"read_{name}")(input_of(data))) == value

    @pytest.mark.parametrize(("name", "code"), FLOATS)
    @pytest.mark.parametrize("value", [0.0, -0.0, 1.5, -2.25, math.inf, -math.inf])
    def test_reads_and_writes_floats(
        self, order: Any, mark: str, name: str, code: str, value: float
    ) -> None:
        data = struct.pack(mark + code, value)
        sink = Sink()
        lwt_main.run(getattr(order, f"write_{name}")(sink.channel, value))
        lwt_main.run(lwt_io.flush(sink.channel))
        assert sink.written == data
        read = lwt_main.run(getattr(order, f"read_{name}")(input_of(data)))
        assert (read, math.copysign(1, read)) == (value, math.copysign(1, value))

    @pytest.mark.parametrize(("name", "code"), INTS + FLOATS)
    def test_a_number_that_comes_byte_by_byte_is_read_whole(
        self, order: Any, mark: str, name: str, code: str
    ) -> None:
        data = struct.pack(mark + code, 77)
        channel = input_of(*(bytes((byte,)) for byte in data), pauses=True)
        assert lwt_main.run(getattr(order, f"read_{name}")(channel)) == 77

    @pytest.mark.parametrize(("name", "code"), INTS + FLOATS)
    def test_what_ends_too_early_is_end_of_file_and_its_bytes_are_still_there(
        self, order: Any, mark: str, name: str, code: str
    ) -> None:
        data = struct.pack(mark + code, 77)[:-1]
        channel = input_of(data)
        named = "lwt_io" if order is lwt_io else repr(order).split()[1].rstrip(">")
        with pytest.raises(EOFError, match=rf"^{named}\.read_{name}: end of input"):
            lwt_main.run(getattr(order, f"read_{name}")(channel))
        assert not lwt_io.is_busy(channel)
        assert lwt_main.run(lwt_io.read(channel)) == data


@pytest.mark.parametrize(
    ("name", "value", "data"),
    [
        ("write_int16", 65535, b"\xff\xff"),
        ("write_int16", 65536 + 258, b"\x01\x02"),
        ("write_int16", -(2**100) + 3, b"\x00\x03"),
        ("write_int", 2**32 + 5, b"\x00\x00\x00\x05"),
        ("write_int", 2**31, b"\x80\x00\x00\x00"),
        ("write_int32", -(2**31) - 1, b"\x7f\xff\xff\xff"),
        ("write_int64", 2**64 + 1, b"\x00\x00\x00\x00\x00\x00\x00\x01"),
    ],
)
def test_of_an_int_that_does_not_fit_the_lowest_bits_are_written(
    name: str, value: int, data: bytes
) -> None:
    sink = Sink()
    lwt_main.run(getattr(lwt_io.BE, name)(sink.channel, value))
    lwt_main.run(lwt_io.flush(sink.channel))
    assert sink.written == data


@pytest.mark.parametrize(
    ("value", "read"), [(1e300, math.inf), (-1e300, -math.inf), (0.1, 0.10000000149011612)]
)
def test_a_float_is_written_in_single_precision_as_the_nearest_one(
    value: float, read: float
) -> None:
    sink = Sink()
    lwt_main.run(lwt_io.BE.write_float32(sink.channel, value))
    lwt_main.run(lwt_io.flush(sink.channel))
    assert lwt_main.run(lwt_io.BE.read_float32(input_of(sink.written))) == read


def test_a_nan_stays_one() -> None:
    for name in ("float32", "float64"):
        sink = Sink()
        lwt_main.run(getattr(lwt_io.LE, f"write_{name}")(sink.channel, math.nan))
        lwt_main.run(lwt_io.flush(sink.channel))
        assert math.isnan(lwt_main.run(getattr(lwt_io.LE, f"read_{name}")(input_of(sink.written))))


def test_an_int_is_written_as_the_float_that_it_is() -> None:
    sink = Sink()
    lwt_main.run(lwt_io.BE.write_float64(sink.channel, 3))
    lwt_main.run(lwt_io.flush(sink.channel))
    assert sink.written == struct.pack(">d", 3.0)


def test_what_is_read_ahead_is_a_promise_at_once_and_the_rest_is_waited_for() -> None:
    source = Source()
    first = lwt_io.BE.read_int16(source.channel)
    assert lwt.is_sleeping(first)
    source.give(b"\x00\x01\x00\x02\x00")
    assert lwt.state(first) == lwt.Return(1)
    assert lwt.state(lwt_io.BE.read_int16(source.channel)) == lwt.Return(2)
    third = lwt_io.BE.read_int16(source.channel)
    assert lwt.is_sleeping(third)
    source.give(b"\x03")
    assert lwt.state(third) == lwt.Return(3)


def test_numbers_are_read_in_the_order_of_the_calls() -> None:
    source = Source()
    told: list[tuple[str, int]] = []

    def tell(name: str, value: int) -> None:
        told.append((name, value))

    first = lwt_io.LE.read_int16(source.channel)
    second = lwt_io.LE.read_int32(source.channel)
    third = lwt_io.LE.read_int16(source.channel)
    for name, reading in (("third", third), ("second", second), ("first", first)):
        lwt.on_success(reading, partial(tell, name))
    source.give(b"\x01\x00\x02\x00\x00\x00\x03\x00")
    lwt_main.run(lwt.pause())
    assert told == [("first", 1), ("second", 2), ("third", 3)]


def test_cancelling_a_read_that_waits_takes_nothing() -> None:
    source = Source()
    reading = lwt_io.BE.read_int32(source.channel)
    source.give(b"\x00\x00")
    lwt.cancel(reading)
    assert isinstance(lwt.state(reading), lwt.Fail)
    again = lwt_io.BE.read_int32(source.channel)
    source.give(b"\x00\x07")
    assert lwt.state(again) == lwt.Return(7)


def test_a_number_without_room_is_written_whole_after_what_is_in_the_buffer() -> None:
    sink = Sink(buffer_size=16)

    async def write() -> None:
        await lwt_io.write(sink.channel, b"thirteen byte")
        await lwt_io.BE.write_int16(sink.channel, 1)
        await lwt_io.BE.write_int16(sink.channel, 2)
        await lwt_io.flush(sink.channel)

    lwt_main.run(write())
    assert sink.writes == [b"thirteen byte\x00\x01", b"\x00\x02"]


def test_a_number_waits_until_what_is_in_the_buffer_was_written() -> None:
    sink = Sink(waits=True, buffer_size=16)
    lwt_main.run(lwt_io.write(sink.channel, bytes(14)))
    writing = lwt_io.BE.write_int32(sink.channel, 1)
    assert lwt.is_sleeping(writing)
    sink.take(1)
    assert lwt.is_sleeping(writing)
    sink.take(1)
    assert lwt.state(writing) == lwt.Return(None)
    assert lwt_io.buffered(sink.channel) == 16


def test_an_error_of_writing_out_is_that_of_the_number_which_is_not_written() -> None:
    sink = Sink(buffer_size=16)
    lwt_main.run(lwt_io.write(sink.channel, bytes(14)))
    sink.failure = OSError(28, "full")
    with pytest.raises(OSError, match="full"):
        lwt_main.run(lwt_io.BE.write_int32(sink.channel, 1))
    assert lwt_io.buffered(sink.channel) == 14
    sink.failure = None


def test_a_closed_channel_refuses_numbers_by_the_name_of_the_function() -> None:
    channel = input_of(b"1234")
    lwt_main.run(lwt_io.close(channel))
    with pytest.raises(lwt_io.Channel_closed, match=r"^lwt_io\.BE\.read_int32 on a closed input"):
        lwt_main.run(lwt_io.BE.read_int32(channel))
    sink = Sink()
    lwt_main.run(lwt_io.close(sink.channel))
    with pytest.raises(lwt_io.Channel_closed, match=r"^lwt_io\.LE\.write_int on a closed output"):
        lwt_main.run(lwt_io.LE.write_int(sink.channel, 3))


@pytest.mark.usefixtures("nothing_left_behind")
def test_thousands_of_numbers_go_through_a_pipe() -> None:
    async def write(oc: lwt_io.OutputChannel) -> None:
        for number in range(-3000, 3000):
            await lwt_io.BE.write_int(oc, number)
            await lwt_io.LE.write_float64(oc, number / 3)
        await lwt_io.close(oc)

    async def read(ic: lwt_io.InputChannel) -> None:
        for number in range(-3000, 3000):
            assert await lwt_io.BE.read_int(ic) == number
            assert await lwt_io.LE.read_float64(ic) == number / 3
        with pytest.raises(EOFError):
            await lwt_io.BE.read_int(ic)
        await lwt_io.close(ic)

    async def main() -> None:
        ic, oc = lwt_io.pipe()
        await lwt.join([lwt.of_coroutine(write(oc)), lwt.of_coroutine(read(ic))])

    lwt_main.run(main())


@pytest.mark.usefixtures("nothing_left_behind")
def test_a_peer_that_is_gone_is_an_error_of_the_number_that_has_no_room() -> None:
    async def main() -> None:
        reading, writing = lwt_unix.pipe()
        oc = lwt_io.of_fd(writing, mode=lwt_io.Output, buffer=memoryview(bytearray(16)))
        await lwt_unix.close(reading)
        await lwt_io.LE.write_int64(oc, 1)
        await lwt_io.LE.write_int64(oc, 2)
        with pytest.raises(BrokenPipeError):
            await lwt_io.LE.write_int64(oc, 3)
        await lwt_io.close(oc)

    lwt_main.run(main())


@pytest.mark.parametrize("name", ["int", "int16", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize(("order", "path"), [(lwt_io.LE, "LE."), (lwt_io.BE, "BE."), (lwt_io, "")])
def test_what_is_no_channel_or_no_number_is_refused_at_the_call(
    order: Any, path: str, name: str
) -> None:
    with pytest.raises(
        TypeError, match=rf"^lwt_io\.{path}read_{name}: expected an input channel, got "
    ):
        getattr(order, f"read_{name}")(lwt_io.null)
    write: Callable[..., object] = getattr(order, f"write_{name}")
    with pytest.raises(
        TypeError, match=rf"^lwt_io\.{path}write_{name}: expected an output channel, got "
    ):
        write(lwt_io.zero, 3)
    for wrong in ("3", None, True):
        with pytest.raises(TypeError, match=rf"^lwt_io\.{path}write_{name}: expected a"):
            write(lwt_io.null, wrong)


def test_a_float_is_no_int_and_some_ints_are_no_floats() -> None:
    anything: Any = lwt_io.BE
    with pytest.raises(TypeError, match=r"^lwt_io\.BE\.write_int: expected an int, got 3\.0"):
        anything.write_int(lwt_io.null, 3.0)
    with pytest.raises(ValueError, match=r"^lwt_io\.BE\.write_float32: no float is as large"):
        lwt_io.BE.write_float32(lwt_io.null, 10**400)


def test_the_orders_are_those_of_the_machine_and_have_names() -> None:
    assert lwt_io.system_byte_order is lwt_io.Byte_order(lwt_io.system_byte_order.value)
    assert (lwt_io.system_byte_order is lwt_io.Little_endian) == (sys.byteorder == "little")
    assert (repr(lwt_io.LE), repr(lwt_io.BE)) == ("<module lwt_io.LE>", "<module lwt_io.BE>")
