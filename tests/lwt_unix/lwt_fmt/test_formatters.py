"""Formatters: what comes to channels and streams, when, and what becomes of it if that fails."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator
from threading import Thread, get_ident
from typing import Any

import pytest

import lwt
from lwt import lwt_stream
from lwt_unix import lwt_fmt, lwt_io, lwt_main
from lwt_unix.lwt_fmt import _formatters
from tests.support.channels import Sink, abort_sinks
from tests.support.collecting import for_every_collection
from tests.support.programs import in_child, run_code
from tests.support.promises import outcome, rejected_with

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

anything: Any = lwt_fmt


@pytest.fixture(autouse=True)
def _no_sink_is_left() -> Iterator[None]:
    yield
    abort_sinks()


def pipe_text(print_to: Callable[[lwt_fmt.Formatter], lwt.Promise[object]]) -> bytes:
    """What is read from a pipe after a formatter has printed to its other end."""

    async def main() -> bytes:
        reading, writing = lwt_io.pipe()
        async with reading:
            async with writing:
                await print_to(lwt_fmt.of_channel(writing))
            return await lwt_io.read(reading)

    return lwt_main.run(main())


# --- To a channel ------------------------------------------------------------


def test_a_channel_gets_what_is_printed_and_is_flushed_where_the_format_says() -> None:
    sink = Sink()
    out = lwt_fmt.of_channel(sink.channel)
    assert outcome(lwt_fmt.fprintf(out, "@[<v 2>%s:@ %d@]@.", "abc", 7)) is None
    assert sink.written == b"abc:\n  7\n"


def test_what_may_still_be_broken_otherwise_waits_for_the_flush() -> None:
    def print_to(out: lwt_fmt.Formatter) -> lwt.Promise[object]:
        printed = lwt_fmt.fprintf(out, "@[<hov>a@ b")
        assert outcome(printed) is None
        return lwt.bind(lwt_fmt.fprintf(out, "@ c"), lambda _: lwt_fmt.flush(out))

    assert pipe_text(print_to) == b"a b c"


def test_write_pending_writes_orders_and_flushes_neither_boxes_nor_the_channel() -> None:
    sink = Sink(buffer_size=200)
    out = lwt_fmt.of_channel(sink.channel)
    lwt_fmt.get_formatter(out).printf("%s@\n@ waits", "x" * 100)
    before = lwt_io.buffered(sink.channel)
    assert lwt.state(lwt_fmt.write_pending(out)) == lwt.Return(None)
    assert (before, lwt_io.buffered(sink.channel), sink.written) == (0, 101, b"")


def test_many_printings_at_once_come_in_order_though_the_channel_takes_little() -> None:
    def print_to(out: lwt_fmt.Formatter) -> lwt.Promise[object]:
        return lwt.join([lwt_fmt.fprintf(out, "%d@.", number) for number in range(500)])

    assert pipe_text(print_to) == b"".join(b"%d\n" % number for number in range(500))


def test_an_error_of_the_channel_rejects_the_promise_and_the_rest_waits() -> None:
    error = OSError(28, "No space left on device")
    written: list[bytes] = []
    failing = [True]

    def perform(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
        if failing:
            return lwt.fail(error)
        written.append(bytes(buffer[offset : offset + length]))
        return lwt.return_(length)

    channel = lwt_io.make(perform, mode=lwt_io.Output)
    out = lwt_fmt.of_channel(channel)
    assert rejected_with(lwt_fmt.fprintf(out, "a@.b@.")) is error
    failing.clear()
    assert outcome(lwt_fmt.write_pending(out)) is None
    assert b"".join(written) == b"a\nb\n"
    lwt_io.abort(channel)


def test_a_full_device_rejects_the_promise() -> None:
    async def main() -> Exception | None:
        channel = await lwt_io.open_file("/dev/full", mode=lwt_io.Output)
        try:
            await lwt_fmt.fprintf(lwt_fmt.of_channel(channel), "lost@.")
        except OSError as error:
            return error
        finally:
            await lwt_io.abort(channel)
        return None

    error = lwt_main.run(main())
    assert isinstance(error, OSError)
    assert error.errno == 28


def test_a_closed_channel_rejects_the_promise() -> None:
    sink = Sink()
    out = lwt_fmt.of_channel(sink.channel)
    lwt_main.run(lwt_io.close(sink.channel))
    assert isinstance(rejected_with(lwt_fmt.fprintf(out, "a@.")), lwt_io.Channel_closed)


def test_data_that_is_no_text_comes_through() -> None:
    assert pipe_text(lambda out: lwt_fmt.fprintf(out, "%s@.", b"\xff\xfe")) == b"\xff\xfe\n"


# --- To a stream -------------------------------------------------------------


def test_a_stream_has_the_orders_in_their_order() -> None:
    stream, out = lwt_fmt.make_stream()
    assert outcome(lwt_fmt.fprintf(out, "@[<v 1>ab@,%d@]@.", 3)) is None
    assert lwt_stream.get_available(stream) == [
        lwt_fmt.String(b"ab", 0, 2),
        lwt_fmt.String(b"\n", 0, 1),
        lwt_fmt.String(b" " * 80, 0, 1),
        lwt_fmt.String(b"3", 0, 1),
        lwt_fmt.String(b"\n", 0, 1),
        lwt_fmt.Flush,
    ]


def test_the_stream_ends_when_nobody_has_the_formatter_any_more() -> None:
    stream, out = lwt_fmt.make_stream()
    lwt_fmt.fprintf(out, "a@?")
    everything = lwt_stream.to_list(stream)
    assert lwt.is_sleeping(everything)
    del out
    gc.collect()
    assert outcome(everything) == [lwt_fmt.String(b"a", 0, 1), lwt_fmt.Flush]


def test_the_stream_goes_on_while_somebody_has_the_pretty_printer() -> None:
    stream, out = lwt_fmt.make_stream()
    boxes = lwt_fmt.get_formatter(out)
    del out
    gc.collect()
    boxes.printf("a@?")
    assert len(lwt_stream.get_available(stream)) == 2
    assert lwt.is_sleeping(lwt_stream.next(stream))


def test_a_formatter_that_another_thread_collects_ends_its_stream_in_the_main_loop() -> None:
    stream, out = lwt_fmt.make_stream()
    circle: list[object] = [out]
    circle.append(circle)
    threads: list[int] = []
    ended = lwt.map(lambda _: threads.append(get_ident()), lwt_stream.to_list(stream))
    gc.disable()
    try:
        del out, circle
        thread = Thread(target=gc.collect)
        thread.start()
        thread.join()
    finally:
        gc.enable()
    before = lwt.is_sleeping(ended)
    lwt_main.run(ended)
    assert (before, threads) == (True, [get_ident()])


def test_an_order_is_carried_out_on_a_channel() -> None:
    def write(oc: lwt_io.OutputChannel) -> lwt.Promise[None]:
        first = lwt_fmt.write_order(oc, lwt_fmt.String(b"abcdef", 2, 3))
        return lwt.bind(first, lambda _: lwt_fmt.write_order(oc, lwt_fmt.Flush))

    sink = Sink()
    promise = write(sink.channel)
    assert (outcome(promise), sink.written) == (None, b"cde")


# --- make_formatter ----------------------------------------------------------


def own(log: list[object]) -> lwt_fmt.Formatter:
    boxes = lwt_fmt.Pretty_printer(
        lambda data, start, length: log.append(data), lambda: log.append("flush")
    )

    def commit() -> lwt.Promise[None]:
        log.append("commit")
        return lwt.return_unit

    return lwt_fmt.make_formatter(commit=commit, fmt=boxes)


def test_each_printing_commits_once_at_its_end() -> None:
    log: list[object] = []
    out = own(log)
    lwt_fmt.fprintf(out, "a@?%tb@?", lambda inner: log.append("printer"))
    lwt_fmt.flush(out)
    lwt_fmt.write_pending(out)
    lwt_fmt.get_formatter(out).printf("c@?")
    assert log == [
        *(b"a", "flush", "printer", b"b", "flush", "commit"),
        *("flush", "commit", "commit", b"c", "flush"),
    ]


def test_the_continuation_gets_the_formatter_and_the_promise_of_the_commit() -> None:
    promise, resolver = lwt.wait()
    boxes = lwt_fmt.Pretty_printer(lambda data, start, length: None, lambda: None)
    out = lwt_fmt.make_formatter(commit=lambda: promise, fmt=boxes)
    given = lwt_fmt.kfprintf(lambda f, p: (f, p), out, "%d@.", 3)
    assert given == (out, promise)
    lwt.wakeup(resolver, None)


def test_what_is_not_printed_is_checked_all_the_same() -> None:
    log: list[object] = []
    out = own(log)
    assert lwt_fmt.ifprintf(out, "%d@.", 3) is lwt.return_unit
    assert lwt_fmt.ikfprintf(lambda f, p: (f, p), out, "@.") == (out, lwt.return_unit)
    with pytest.raises(TypeError, match=r"^lwt_fmt\.ifprintf: too few"):
        lwt_fmt.ifprintf(out, "%d")
    with pytest.raises(TypeError, match=r"^lwt_fmt\.ikfprintf: too few"):
        lwt_fmt.ikfprintf(lambda f, p: p, out, "%d")
    assert log == []


def test_a_commit_may_be_an_async_function() -> None:
    log: list[str] = []

    async def commit() -> None:
        await lwt.pause()
        log.append("committed")

    boxes = lwt_fmt.Pretty_printer(lambda data, start, length: None, lambda: None)
    lwt_main.run(lwt_fmt.fprintf(lwt_fmt.make_formatter(commit=commit, fmt=boxes), "a"))
    assert log == ["committed"]


def test_a_commit_that_returns_no_promise_is_named() -> None:
    boxes = lwt_fmt.Pretty_printer(lambda data, start, length: None, lambda: None)
    out = lwt_fmt.make_formatter(commit=lambda: anything, fmt=boxes)
    with pytest.raises(
        TypeError, match=r"^lwt_fmt\.make_formatter: callback <lambda> .* not a promise"
    ):
        lwt_fmt.fprintf(out, "a")


# --- The standard ones -------------------------------------------------------


def test_printf_and_eprintf_print_to_the_standard_channels() -> None:
    done = run_code(
        """\
from lwt_unix import lwt_fmt, lwt_main
async def main():
    await lwt_fmt.printf("@[<v 2>out@ %d@]@.", 3)
    await lwt_fmt.eprintf("@[<v 2>error@ %d@]@.", 3)
lwt_main.run(main())
"""
    )
    assert (done.stdout, done.stderr) == ("out\n  3\n", "error\n  3\n")


def test_a_child_that_a_body_forks_does_not_print_what_its_parent_has_printed() -> None:
    async def main() -> bytes:
        reading, writing = lwt_io.pipe()
        async with reading:
            async with writing:
                out = lwt_fmt.of_channel(writing)
                lwt_fmt.get_formatter(out).printf("parent@ and")
                assert in_child(lambda: lwt_main.run(lwt_fmt.fprintf(out, "child@."))) == 0
                await lwt_fmt.fprintf(out, "@ parent@.")
            return await lwt_io.read(reading)

    assert lwt_main.run(main()) == b"child\nparent and\nparent\n"


def test_a_fresh_beginning_drops_what_waits() -> None:
    sink = Sink()
    out = lwt_fmt.of_channel(sink.channel)
    lwt_fmt.get_formatter(out).printf("a@?b")
    _formatters.renew()
    lwt_fmt.fprintf(out, "c@.")
    assert sink.written == b"c\n"


# --- The collector, and what the channel takes --------------------------------


class Printing:
    """A stream of orders, and another formatter that a finaliser drops, so that its stream ends."""

    def __init__(self) -> None:
        self.stream, self.out = lwt_fmt.make_stream()
        self.others = [lwt_fmt.make_stream()]
        self.ended = lwt_stream.to_list(self.others[0][0])

    def interfere(self) -> None:
        self.others.clear()
        lwt_fmt.get_formatter(self.out).set_tags(True)


@pytest.mark.no_cover
def test_a_stream_that_a_finaliser_ends_while_another_formatter_prints_ends_well() -> None:
    def check(printing: Printing, _: object) -> None:
        assert lwt.state(printing.ended) == lwt.Return([])
        orders = lwt_stream.get_available(printing.stream)
        texts = [one.s[: one.len] for one in orders if isinstance(one, lwt_fmt.String)]
        assert b"".join(texts) == b"a 1\n"

    places = for_every_collection(
        Printing,
        lambda printing: lwt_fmt.fprintf(printing.out, "@[<hov>a@ %d@]@.", 1),
        Printing.interfere,
        check,
    )
    assert len(places) > 5


@pytest.mark.parametrize("most", [1, 3])
def test_a_channel_that_takes_little_at_a_time_gets_all(most: int) -> None:
    sink = Sink(most=most)
    lwt_main.run(
        lwt_fmt.fprintf(lwt_fmt.of_channel(sink.channel), "@[<v>%s@ %s@]@.", "x" * 50, "y")
    )
    assert sink.written == b"x" * 50 + b"\ny\n"


def test_a_peer_that_is_gone_rejects_the_promise() -> None:
    async def main() -> Exception | None:
        reading, writing = lwt_io.pipe()
        await lwt_io.close(reading)
        try:
            await lwt_fmt.fprintf(lwt_fmt.of_channel(writing), "lost@.")
        except OSError as error:
            return error
        finally:
            await lwt_io.abort(writing)
        return None

    assert isinstance(lwt_main.run(main()), BrokenPipeError)


def test_two_who_print_at_once_while_the_channel_waits_are_written_in_their_order() -> None:
    sink = Sink(waits=True)
    out = lwt_fmt.of_channel(sink.channel)
    first, second = lwt_fmt.fprintf(out, "a@.b@."), lwt_fmt.fprintf(out, "c@.")
    while sink.is_being_written:
        sink.take()
    lwt_main.run(lwt.join([first, second]))
    assert sink.written == b"a\nb\nc\n"


# --- Arguments ---------------------------------------------------------------

WRONG: dict[str, Callable[[], object]] = {
    "fprintf: expected a formatter, got 3": lambda: anything.fprintf(3, "a"),
    "fprintf: expected a str, got 3": lambda: anything.fprintf(lwt_fmt.stdout, 3),
    "printf: too many arguments": lambda: lwt_fmt.printf("a", 3),
    "eprintf: too few arguments": lambda: lwt_fmt.eprintf("%d"),
    "kfprintf: expected a function, got 3": lambda: anything.kfprintf(3, lwt_fmt.stdout, "a"),
    "kfprintf: callback <lambda>": lambda: anything.kfprintf(lambda f: f, lwt_fmt.stdout, "a"),
    "kfprintf: expected a formatter": lambda: anything.kfprintf(max, 3, "a"),
    "ikfprintf: expected a function": lambda: anything.ikfprintf(3, lwt_fmt.stdout, "a"),
    "ikfprintf: expected a formatter": lambda: anything.ikfprintf(max, 3, "a"),
    "ifprintf: expected a formatter": lambda: anything.ifprintf(lwt_io.stdout, "a"),
    "flush: expected a formatter": lambda: anything.flush(lwt_io.stdout),
    "write_pending: expected a formatter": lambda: anything.write_pending(3),
    "get_formatter: expected a formatter": lambda: anything.get_formatter(3),
    "of_channel: expected an output channel": lambda: anything.of_channel(lwt_io.stdin),
    "make_formatter: expected a function": lambda: anything.make_formatter(commit=3, fmt=3),
    "make_formatter: expected a pretty_printer": lambda: anything.make_formatter(
        commit=print, fmt=3
    ),
    "write_order: expected an output channel": lambda: anything.write_order(3, lwt_fmt.Flush),
    "write_order: expected an order, got 3": lambda: anything.write_order(lwt_io.null, 3),
}


@pytest.mark.parametrize("message", WRONG)
def test_an_argument_of_a_wrong_kind_is_told_at_the_call(message: str) -> None:
    with pytest.raises(TypeError, match=rf"^lwt_fmt\.{re.escape(message)}"):
        WRONG[message]()


def test_a_format_that_is_wrong_commits_nothing() -> None:
    log: list[object] = []
    with pytest.raises(ValueError, match="invalid box description"):
        lwt_fmt.fprintf(own(log), "a@.@[<nobox>")
    assert log == []
