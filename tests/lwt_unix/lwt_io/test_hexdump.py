"""What data look like in hexadecimal."""

from __future__ import annotations

from typing import Any

import pytest

import lwt
from lwt import lwt_stream
from lwt_unix import lwt_io, lwt_main
from tests.support.channels import Sink

pytestmark = pytest.mark.real_only("these meet no descriptor")

DATA = b"0123456789abcdef\x00\xff"
DUMP = (
    b"00000000|  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n"
    b"00000010|  00 ff                                             |..|\n"
)


def flushed(sink: Sink) -> bytes:
    lwt_main.run(lwt_io.flush(sink.channel))
    return sink.written


@pytest.mark.parametrize("data", [DATA, bytearray(DATA), memoryview(DATA)])
def test_hexdump_writes_16_bytes_a_line(data: bytes) -> None:
    sink = Sink()
    lwt_main.run(lwt_io.hexdump(sink.channel, data))
    assert flushed(sink) == DUMP


def test_hexdump_of_nothing_is_nothing_and_of_a_str_its_utf_8() -> None:
    sink = Sink()
    lwt_main.run(lwt_io.hexdump(sink.channel, ""))
    assert flushed(sink) == b""
    lwt_main.run(lwt_io.hexdump(sink.channel, "é"))
    assert flushed(sink)[:17] == b"00000000|  c3 a9 "


def test_hexdump_stream_writes_a_line_when_its_characters_have_come() -> None:
    sink = Sink()
    chars, push = lwt_stream.create()
    dumping = lwt_io.hexdump_stream(sink.channel, chars)
    for code in DATA[:16]:
        push(lwt.Some(bytes((code,))))
    assert flushed(sink) == DUMP[:80]
    for code in DATA[16:]:
        push(lwt.Some(bytes((code,))))
    assert lwt.is_sleeping(dumping)
    push(None)
    assert lwt.state(dumping) == lwt.Return(None)
    assert flushed(sink) == DUMP


def test_what_is_of_a_wrong_kind_is_refused_at_the_call() -> None:
    anything: Any = lwt_io
    for name in ("hexdump", "hexdump_stream"):
        with pytest.raises(TypeError, match=rf"^lwt_io\.{name}: expected an output channel, got 3"):
            getattr(anything, name)(3, b"abc")
    with pytest.raises(TypeError, match=r"^lwt_io\.hexdump: expected a str, bytes"):
        anything.hexdump(lwt_io.null, 3)
    with pytest.raises(TypeError, match=r"^lwt_io\.hexdump_stream: expected a stream, got b'abc'"):
        anything.hexdump_stream(lwt_io.null, b"abc")
