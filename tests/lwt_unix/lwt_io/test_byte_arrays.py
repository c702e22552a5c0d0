"""Channels on byte arrays."""

from __future__ import annotations

from typing import Any

import pytest

import lwt
from lwt_unix import lwt_io, lwt_main

pytestmark = pytest.mark.real_only("these meet no descriptor")


def array_of(data: bytes) -> memoryview:
    return memoryview(bytearray(data))


def reading(data: bytes) -> lwt_io.InputChannel:
    return lwt_io.of_bytes(array_of(data), mode=lwt_io.Input)


NO_FLUSH = r"^cannot flush a channel created with Lwt_io\.of_string"


def test_what_is_in_the_array_is_read_and_then_the_input_ends() -> None:
    channel = reading(b"one\ntwo\r\nthree")
    assert (lwt_io.buffered(channel), lwt_io.buffer_size(channel)) == (14, 14)
    assert lwt.state(lwt_io.read_line(channel)) == lwt.Return(b"one")
    assert lwt.state(lwt_io.read_line(channel)) == lwt.Return(b"two")
    assert lwt_io.position(channel) == 9
    assert lwt.state(lwt_io.read_line(channel)) == lwt.Return(b"three")
    assert lwt.state(lwt_io.read_line_opt(channel)) == lwt.Return(None)


def test_an_input_channel_goes_to_any_place_in_the_array() -> None:
    channel = reading(b"0123456789")
    for place in (4, 0, 10, 7):
        lwt_main.run(lwt_io.set_position(channel, place))
        assert (lwt_io.position(channel), lwt_io.buffered(channel)) == (place, 10 - place)
        assert lwt_main.run(lwt_io.read(channel)) == b"0123456789"[place:]
    assert lwt_main.run(lwt_io.length(channel)) == 10


def test_what_is_written_is_in_the_array_at_once() -> None:
    array = array_of(b"." * 10)
    channel = lwt_io.of_bytes(array, mode=lwt_io.Output)
    assert lwt.state(lwt_io.write(channel, "abc")) == lwt.Return(None)
    assert bytes(array) == b"abc......."
    assert lwt.state(lwt_io.write_line(channel, "d")) == lwt.Return(None)
    assert lwt.state(lwt_io.BE.write_int16(channel, 258)) == lwt.Return(None)
    assert bytes(array) == b"abcd\n\x01\x02..."
    assert (lwt_io.position(channel), lwt_io.buffered(channel)) == (7, 7)
    assert lwt_main.run(lwt_io.length(channel)) == 10


def test_an_output_channel_goes_to_any_place_and_what_is_there_stays() -> None:
    array = array_of(b"0123456789")
    channel = lwt_io.of_bytes(array, mode=lwt_io.Output)
    lwt_main.run(lwt_io.set_position(channel, 8))
    lwt_main.run(lwt_io.write(channel, "x"))
    lwt_main.run(lwt_io.set_position(channel, 2))
    lwt_main.run(lwt_io.write(channel, "yz"))
    assert bytes(array) == b"01yz4567x9"


def test_the_end_of_input_leaves_the_rest_where_it_is() -> None:
    channel = reading(b"012345678")
    lwt_main.run(lwt_io.read(channel, count=4))
    with pytest.raises(EOFError):
        lwt_main.run(lwt_io.BE.read_int64(channel))
    assert lwt_main.run(lwt_io.block(channel, 5, lambda _, offset: lwt.return_(offset))) == 4
    lwt_main.run(lwt_io.set_position(channel, 0))
    assert lwt_main.run(lwt_io.read(channel)) == b"012345678"


@pytest.mark.parametrize("mode", [lwt_io.Input, lwt_io.Output])
@pytest.mark.parametrize("place", [-1, 11])
def test_a_place_outside_of_the_array_is_a_failure(mode: lwt_io.Mode, place: int) -> None:
    make: Any = lwt_io.of_bytes
    channel = make(array_of(b"0123456789"), mode=mode)
    with pytest.raises(lwt.Failure, match=r"^Lwt_io\.set_position: out of bounds: "):
        lwt_main.run(lwt_io.set_position(channel, place))
    assert not lwt_io.is_busy(channel)


def test_what_has_no_room_is_a_failure_after_what_had_room_was_written() -> None:
    array = array_of(b"." * 5)
    channel = lwt_io.of_bytes(array, mode=lwt_io.Output)
    with pytest.raises(lwt.Failure, match=NO_FLUSH):
        lwt_main.run(lwt_io.write(channel, "0123456"))
    assert bytes(array) == b"01234"
    with pytest.raises(lwt.Failure, match=NO_FLUSH):
        lwt_main.run(lwt_io.write_char(channel, "x"))
    assert lwt_io.buffered(channel) == 5


def test_a_number_without_room_is_a_failure_and_not_written_in_part() -> None:
    array = array_of(b"." * 5)
    channel = lwt_io.of_bytes(array, mode=lwt_io.Output)
    with pytest.raises(lwt.Failure, match=NO_FLUSH):
        lwt_main.run(lwt_io.BE.write_int64(channel, 1))
    assert bytes(array) == b"....."


def test_nothing_is_flushed_by_itself_and_to_flush_is_a_failure() -> None:
    async def main() -> None:
        channel = lwt_io.of_bytes(array_of(b"." * 5), mode=lwt_io.Output)
        await lwt_io.flush(channel)
        await lwt_io.write(channel, "abc")
        await lwt.pause()
        await lwt_io.flush_all()
        assert lwt_io.buffered(channel) == 3
        with pytest.raises(lwt.Failure, match=NO_FLUSH):
            await lwt_io.flush(channel)
        await lwt_io.close(channel)
        assert lwt_io.is_closed(channel)

    lwt_main.run(main())


def test_block_and_direct_access_work_in_the_array_itself() -> None:
    array = array_of(b"." * 10)
    channel = lwt_io.of_bytes(array, mode=lwt_io.Output)

    def fill(buffer: memoryview, offset: int) -> lwt.Promise[None]:
        buffer[offset : offset + 3] = b"abc"
        return lwt.return_unit

    def use(access: lwt_io.Direct_access) -> lwt.Promise[None]:
        assert (access.da_ptr, access.da_max) == (3, 10)
        access.da_buffer[3:5] = b"de"
        access.da_ptr = 5
        return lwt.return_unit

    lwt_main.run(lwt_io.block(channel, 3, fill))
    array[0] = ord("A")
    lwt_main.run(lwt_io.direct_access(channel, use))
    lwt_main.run(lwt_io.write(channel, "f"))
    assert bytes(array) == b"Abcdef...."
    with pytest.raises(lwt.Failure, match=NO_FLUSH):
        lwt_main.run(lwt_io.block(channel, 5, fill))


def test_an_array_may_be_empty() -> None:
    assert lwt_main.run(lwt_io.read(reading(b""))) == b""
    channel = lwt_io.of_bytes(array_of(b""), mode=lwt_io.Output)
    assert lwt.state(lwt_io.write(channel, "")) == lwt.Return(None)
    with pytest.raises(lwt.Failure, match=NO_FLUSH):
        lwt_main.run(lwt_io.write(channel, "a"))


@pytest.mark.parametrize("mode", [lwt_io.Input, lwt_io.Output])
def test_the_buffer_is_the_array_and_keeps_its_size(mode: lwt_io.Mode) -> None:
    make: Any = lwt_io.of_bytes
    channel = make(array_of(b"abc"), mode=mode)
    with pytest.raises(lwt.Failure, match=r"^Lwt_io\.resize_buffer: cannot resize"):
        lwt_main.run(lwt_io.resize_buffer(channel, 64))
    assert lwt_io.buffer_size(channel) == 3


def test_what_is_no_byte_array_and_no_mode_is_refused() -> None:
    make: Any = lwt_io.of_bytes
    for wrong in (b"abc", bytearray(3), memoryview(b"abc"), memoryview(bytearray(8)).cast("I")):
        with pytest.raises(TypeError, match=r"^lwt_io\.of_bytes: expected a writable memoryview"):
            make(wrong, mode=lwt_io.Input)
    with pytest.raises(TypeError, match=r"^lwt_io\.of_bytes: .*use lwt_io\.Input or"):
        make(array_of(b"abc"), mode="r")
