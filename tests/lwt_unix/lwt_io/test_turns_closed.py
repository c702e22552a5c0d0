"""What a closed channel says: the function that was called, and which kind of channel it is."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

import lwt
from lwt import lwt_stream
from lwt_unix import lwt_io, lwt_main
from tests.support.channels import Sink, Source

pytestmark = pytest.mark.real_only("these meet no descriptor")

READ: dict[str, Callable[[lwt_io.InputChannel], lwt.Promise[object]]] = {
    "read_line": lwt_io.read_line,
    "read_line_opt": lwt_io.read_line_opt,
    "read_lines": lambda ic: lwt.apply(lwt_stream.next, lwt_io.read_lines(ic)),
    "read_char": lwt_io.read_char,
    "read_char_opt": lwt_io.read_char_opt,
    "read": lwt_io.read,
    "read_into": lambda ic: lwt_io.read_into(ic, bytearray(5), 0, 5),
    "read_into_bigstring": lambda ic: lwt_io.read_into_bigstring(ic, bytearray(5), 0, 5),
    "read_into_exactly": lambda ic: lwt_io.read_into_exactly(ic, bytearray(5), 0, 5),
    "read_into_exactly_bigstring": lambda ic: lwt_io.read_into_exactly_bigstring(
        ic, bytearray(5), 0, 5
    ),
    "read_chars": lambda ic: lwt.apply(lwt_stream.next, lwt_io.read_chars(ic)),
    "read_int": lwt_io.read_int,
    "BE.read_float64": lwt_io.BE.read_float64,
    "read_value": lwt_io.read_value,
    "atomic": lwt_io.atomic(lwt_io.read_line),
    "block": lambda ic: lwt_io.block(ic, 1, lambda memory, start: lwt.return_(start)),
    "direct_access": lambda ic: lwt_io.direct_access(ic, lambda _: lwt.return_unit),
    "resize_buffer": lambda ic: lwt_io.resize_buffer(ic, 100),
}

WRITE: dict[str, Callable[[lwt_io.OutputChannel], lwt.Promise[object]]] = {
    "write": lambda oc: lwt_io.write(oc, "text"),
    "write_line": lambda oc: lwt_io.write_line(oc, "text"),
    "write_char": lambda oc: lwt_io.write_char(oc, "c"),
    "write_from": lambda oc: lwt_io.write_from(oc, b"text", 0, 4),
    "write_from_bigstring": lambda oc: lwt_io.write_from_bigstring(oc, b"text", 0, 4),
    "write_from_string": lambda oc: lwt_io.write_from_string(oc, "text", 0, 4),
    "write_from_exactly": lambda oc: lwt_io.write_from_exactly(oc, b"text", 0, 4),
    "write_from_exactly_bigstring": lambda oc: lwt_io.write_from_exactly_bigstring(
        oc, b"text", 0, 4
    ),
    "write_from_string_exactly": lambda oc: lwt_io.write_from_string_exactly(oc, "text", 0, 4),
    "write_lines": lambda oc: lwt_io.write_lines(oc, ["text"]),
    "write_chars": lambda oc: lwt_io.write_chars(oc, ["c"]),
    "write_int": lambda oc: lwt_io.write_int(oc, 3),
    "LE.write_float32": lambda oc: lwt_io.LE.write_float32(oc, 3.0),
    "write_value": lambda oc: lwt_io.write_value(oc, 3),
    "hexdump": lambda oc: lwt_io.hexdump(oc, b"text"),
    "hexdump_stream": lambda oc: lwt_io.hexdump_stream(oc, lwt_stream.of_list([b"t"])),
    "fprint": lambda oc: lwt_io.fprint(oc, "text"),
    "fprintl": lambda oc: lwt_io.fprintl(oc, "text"),
    "fprintf": lambda oc: lwt_io.fprintf(oc, "%d", 3),
    "fprintlf": lambda oc: lwt_io.fprintlf(oc, "%d", 3),
    "flush": lwt_io.flush,
}


def test_every_function_that_reads_or_writes_is_in_a_table() -> None:
    named = {
        name
        for name in lwt_io.__all__
        if inspect.isfunction(function := getattr(lwt_io, name))
        and {"ic", "oc"} & inspect.signature(function).parameters.keys()
    }
    assert named <= READ.keys() | WRITE.keys()


def why_closed(promise: lwt.Promise[object]) -> str:
    with pytest.raises(lwt_io.Channel_closed) as raised:
        lwt_main.run(promise)
    assert raised.value.args in {("input",), ("output",)}
    return str(raised.value)


@pytest.mark.parametrize("name", READ)
def test_a_closed_input_channel_says_what_was_tried(name: str) -> None:
    source = Source()
    lwt_main.run(lwt_io.close(source.channel))
    assert why_closed(READ[name](source.channel)) == f"lwt_io.{name} on a closed input channel"


@pytest.mark.parametrize("name", WRITE)
def test_a_closed_output_channel_says_what_was_tried(name: str) -> None:
    sink = Sink()
    lwt_main.run(lwt_io.close(sink.channel))
    assert why_closed(WRITE[name](sink.channel)) == f"lwt_io.{name} on a closed output channel"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("ending", ["", "l", "f", "lf"])
def test_a_closed_standard_output_says_which_function_was_called(
    monkeypatch: pytest.MonkeyPatch, stream: str, ending: str
) -> None:
    sink = Sink()
    monkeypatch.setattr(f"lwt_unix.lwt_io._printing.{stream}", sink.channel)
    lwt_main.run(lwt_io.close(sink.channel))
    name = f"{'e' if stream == 'stderr' else ''}print{ending}"
    promise = getattr(lwt_io, name)("text")
    assert why_closed(promise) == f"lwt_io.{name} on a closed output channel"


@pytest.mark.parametrize("name", ["read_line_opt", "read_lines"])
def test_a_limit_changes_nothing_about_that(name: str) -> None:
    source = Source()
    lwt_main.run(lwt_io.close(source.channel))
    limited: dict[str, Callable[[], lwt.Promise[object]]] = {
        "read_line_opt": lambda: lwt_io.read_line_opt(source.channel, limit=3),
        "read_lines": lambda: lwt.apply(
            lwt_stream.next, lwt_io.read_lines(source.channel, limit=3)
        ),
    }
    assert why_closed(limited[name]()) == f"lwt_io.{name} on a closed input channel"


@pytest.mark.parametrize("name", READ)
def test_an_operation_that_waits_for_its_turn_is_told_in_the_same_way(name: str) -> None:
    source = Source()
    first = lwt_io.read_char(source.channel)
    waiting = READ[name](source.channel)
    lwt.on_failure(first, lambda _: None)
    lwt_main.run(lwt_io.abort(source.channel))
    assert why_closed(waiting) == f"lwt_io.{name} on a closed input channel"


def test_a_read_of_some_bytes_and_async_for_are_told_in_the_same_way() -> None:
    source = Source()
    lwt_main.run(lwt_io.close(source.channel))
    some = lwt_io.read(source.channel, count=3)
    assert why_closed(some) == "lwt_io.read on a closed input channel"
    assert why_closed(anext(source.channel)) == "async for on a closed input channel"


def test_a_read_that_is_at_work_is_told_in_the_same_way() -> None:
    source = Source()
    reading = lwt_io.read_line(source.channel)
    lwt_main.run(lwt_io.abort(source.channel))
    assert why_closed(reading) == "lwt_io.read_line on a closed input channel"


def test_an_operation_that_is_at_work_is_told_in_the_same_way() -> None:
    sink = Sink(waits=True)
    writing = lwt_io.write(sink.channel, bytes(100))
    lwt_main.run(lwt_io.abort(sink.channel))
    assert why_closed(writing) == "lwt_io.write on a closed output channel"


def test_a_channel_on_another_one_says_which_operation_of_that_one_failed() -> None:
    inner = Source()
    lwt_main.run(lwt_io.close(inner.channel))
    outer = lwt_io.make(
        lambda memory, start, length: lwt_io.read_into(inner.channel, memory, start, length),
        mode=lwt_io.Input,
    )
    assert why_closed(lwt_io.read_line(outer)).startswith("lwt_io.read_into on a closed")


def test_a_channel_closed_exception_of_the_program_s_own_shows_its_argument() -> None:
    assert str(lwt_io.Channel_closed("mine")) == "mine"
    assert repr(lwt_io.Channel_closed("output")) == "Channel_closed('output')"
