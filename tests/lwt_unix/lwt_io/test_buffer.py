"""What reading and writing functions may do, and what a channel makes of it."""

from __future__ import annotations

import pickle

import pytest

import lwt
from lwt_unix import lwt_io, lwt_main
from tests.support.channels import Sink, Source

pytestmark = pytest.mark.real_only("these meet no descriptor")


def test_an_exception_of_the_reading_function_rejects_the_read() -> None:
    source = Source()
    line = lwt_io.read_line(source.channel)
    source.break_(OSError(5, "gone"))
    assert isinstance(state := lwt.state(line), lwt.Fail)
    assert isinstance(state.exception, OSError)
    assert not lwt_io.is_busy(source.channel)


def test_an_exception_that_the_reading_function_raises_rejects_the_read() -> None:
    def perform(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
        raise OSError(5, "gone")

    channel = lwt_io.make(perform, mode=lwt_io.Input)
    assert isinstance(lwt.state(lwt_io.read_char(channel)), lwt.Fail)
    assert not lwt_io.is_busy(channel)


def test_keyboard_interrupt_in_the_reading_function_leaves_and_the_channel_is_usable() -> None:
    interrupts = [KeyboardInterrupt()]

    def perform(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
        if interrupts:
            raise interrupts.pop()
        buffer[offset] = ord("x")
        return lwt.return_(1)

    channel = lwt_io.make(perform, mode=lwt_io.Input)
    with pytest.raises(KeyboardInterrupt):
        lwt_io.read_char(channel)
    assert lwt.state(lwt_io.read_char(channel)) == lwt.Return(b"x")


def test_a_reading_function_may_be_async() -> None:
    async def perform(buffer: memoryview, offset: int, length: int) -> int:
        await lwt.pause()
        buffer[offset : offset + 3] = b"abc"
        return 3

    channel = lwt_io.make(perform, mode=lwt_io.Input)
    assert lwt_main.run(lwt_io.read(channel, count=10)) == b"abc"


@pytest.mark.parametrize("count", [-1, 65, "3", None])
def test_a_count_that_a_reading_function_cannot_mean_is_a_failure(count: object) -> None:
    def perform(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
        return lwt.return_(count)  # type: ignore[arg-type]  # what the test is about

    channel = lwt_io.make(perform, mode=lwt_io.Input, buffer=memoryview(bytearray(64)))
    for promise in (lwt_io.read_char(channel), lwt_io.read(channel)):
        with pytest.raises(lwt.Failure, match=r"Lwt_io\.perform_io: invalid result of the \[read"):
            lwt_main.run(promise)
    assert not lwt_io.is_busy(channel)


def test_an_error_of_writing_out_rejects_the_write() -> None:
    sink = Sink()
    sink.failure = OSError(28, "full")
    with pytest.raises(OSError, match="full"):
        lwt_main.run(lwt_io.write(sink.channel, b"x" * 20))
    assert not lwt_io.is_busy(sink.channel)


def test_a_mode_prints_as_ocaml_writes_it() -> None:
    assert f"{lwt_io.Input} {lwt_io.Output!r} {lwt_io.output}" == "Input Output Output"
    assert pickle.loads(pickle.dumps(lwt_io.Input)) is lwt_io.Input
