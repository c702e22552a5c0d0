"""`lwt_io.atomic`: a function of the program that has a channel to itself."""

from __future__ import annotations

import gc

import pytest

import lwt
from lwt_unix import lwt_io, lwt_main
from tests.support.channels import Log, Sink, Source, input_of, pauses

pytestmark = pytest.mark.real_only("nearly all of these meet no descriptor")


def test_others_wait_until_the_function_is_done() -> None:
    source, log = Source(), Log()

    async def two_lines(channel: lwt_io.InputChannel) -> tuple[bytes, bytes]:
        return await lwt_io.read_line(channel), await lwt_io.read_line(channel)

    log.watch("pair", lwt_io.atomic(two_lines)(source.channel))
    log.watch("line", lwt_io.read_line(source.channel))
    source.give(b"one\n")
    source.give(b"two\nthree\n")
    assert log.entries == ["pair: (b'one', b'two')", "line: b'three'"]


def test_it_waits_for_its_own_turn() -> None:
    source, log = Source(), Log()
    log.watch("line", lwt_io.read_line(source.channel))
    log.watch("atomic", lwt_io.atomic(lwt_io.read_line)(source.channel))
    source.give(b"one\ntwo\n")
    assert log.entries == ["line: b'one'", "atomic: b'two'"]


def test_it_can_be_nested() -> None:
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


def test_the_temporary_channel_is_invalid_afterwards() -> None:
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


def test_who_still_waits_for_the_temporary_channel_hears_of_its_end() -> None:
    source, log = Source(), Log()

    def leave_behind(channel: lwt_io.InputChannel) -> lwt.Promise[None]:
        for name in ("first", "second", "third"):
            log.watch(name, lwt_io.read_line(channel))
        return lwt.return_unit

    lwt_main.run(lwt_io.atomic(leave_behind)(source.channel))
    source.give(b"one\ntwo\n")
    assert log.entries == ["first: b'one'", "second: Failure", "third: Failure"]


@pytest.mark.parametrize("is_pipe", [False, True])
def test_closing_rejects_also_what_outlives_the_temporary_channel(is_pipe: bool) -> None:
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


def test_the_temporary_channel_cannot_be_closed() -> None:
    with pytest.raises(lwt.Failure, match="cannot close a channel obtained via"):
        lwt_main.run(lwt_io.atomic(lwt_io.close)(input_of(b"one\n")))


def test_an_exception_of_the_function_rejects_and_frees_the_channel() -> None:
    def fail(channel: lwt_io.InputChannel) -> lwt.Promise[None]:
        raise LookupError("x")

    channel = input_of(b"one\n")
    assert lwt.state(lwt_io.atomic(fail)(channel)) == lwt.Fail(LookupError("x"))
    assert lwt.state(lwt_io.read_line(channel)) == lwt.Return(b"one")


def test_what_the_function_must_return_is_said_when_it_does_not() -> None:
    def no_promise(channel: lwt_io.InputChannel) -> lwt.Promise[None]:
        return 3  # type: ignore[return-value]  # what the test is about

    channel = input_of(b"one\n")
    with pytest.raises(TypeError, match="no_promise returned 3"):
        lwt_main.run(lwt_io.atomic(no_promise)(channel))
    assert not lwt_io.is_busy(channel)


def test_abort_goes_through_it_and_closes_the_channel_itself_too() -> None:
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


def test_a_function_whose_promise_is_lost_keeps_the_channel_also_when_it_is_collected() -> None:
    source = Source()

    async def never_over(channel: lwt_io.InputChannel) -> None:
        await lwt.wait()[0]

    lwt_io.atomic(never_over)(source.channel)
    gc.collect()
    lwt_io.read_line(source.channel)
    assert not source.is_being_read
    assert repr(source.channel) == "<input channel, used by an atomic operation>"


async def leave_some(channel: lwt_io.OutputChannel) -> None:
    """Write something, and let its automatic flush begin."""
    await lwt_io.write(channel, "first:")
    await pauses(2)


def test_an_automatic_flush_that_outlives_the_temporary_channel_goes_on_alone() -> None:
    # In OCaml whoever comes then writes the same bytes a second time.
    sink = Sink(waits=True)

    async def main() -> None:
        await lwt_io.atomic(lwt_io.atomic(leave_some))(sink.channel)
        assert lwt_io.is_busy(sink.channel)
        written = lwt_io.write(sink.channel, "and the second one")
        await pauses(2)
        while lwt.is_sleeping(written):
            sink.take()
            await pauses(2)
        flushed = lwt_io.flush(sink.channel)
        sink.take()
        await flushed

    lwt_main.run(main())
    assert sink.written == b"first:and the second one"


def test_an_automatic_flush_that_outlives_the_temporary_channel_may_fail() -> None:
    written: list[bytes] = []
    answers: list[lwt.Promise[int]] = []
    promise, resolver = lwt.wait()
    answers.append(promise)

    def perform(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
        written.append(bytes(buffer[offset : offset + length]))
        return answers.pop() if answers else lwt.return_(length)

    channel = lwt_io.make(perform, mode=lwt_io.Output)

    async def main() -> None:
        await lwt_io.atomic(leave_some)(channel)
        second = lwt_io.write(channel, "second")
        assert lwt.is_sleeping(second)
        lwt.wakeup_exn(resolver, LookupError("x"))
        await second
        await lwt_io.close(channel)

    lwt_main.run(main())
    assert written == [b"first:", b"first:second"]


def test_aborting_while_an_automatic_flush_outlives_the_temporary_channel_closes_the_channel() -> (
    None
):
    sink, log = Sink(waits=True), Log()

    lwt_main.run(lwt_io.atomic(leave_some)(sink.channel))
    log.watch("written", lwt_io.write(sink.channel, "second"))
    log.watch("aborted", lwt_io.abort(sink.channel))
    assert log.entries == ["written: Channel_closed", "aborted: None"]
    assert lwt_io.is_closed(sink.channel)
