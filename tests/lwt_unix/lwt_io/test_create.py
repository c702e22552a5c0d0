"""Making channels: on descriptors, on pipes, the standard ones; the sizes of their buffers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt import lwt_stream
from lwt_unix import lwt_engine, lwt_io, lwt_main
from tests.support.descriptors import is_open
from tests.support.programs import environment, run_code


class TestDescriptors:
    def test_a_pipe_carries_what_is_written_to_where_it_is_read(self) -> None:
        async def main() -> list[bytes]:
            ic, oc = lwt_io.pipe()
            async with ic:
                async with oc:
                    await lwt_io.write_lines(oc, ["one", "two"])
                return [line async for line in ic]

        assert lwt_main.run(main()) == [b"one", b"two"]

    def test_a_pipe_takes_its_buffers_from_the_caller(self) -> None:
        in_buffer, out_buffer = memoryview(bytearray(20)), memoryview(bytearray(30))
        ic, oc = lwt_io.pipe(in_buffer=in_buffer, out_buffer=out_buffer)
        assert (lwt_io.buffer_size(ic), lwt_io.buffer_size(oc)) == (20, 30)
        used: list[memoryview] = []

        def use(buffer: memoryview, _: int) -> lwt.Promise[None]:
            used.append(buffer)
            return lwt.return_unit

        lwt_main.run(lwt_io.write(oc, "abc"))
        lwt_main.run(lwt_io.block(oc, 1, use))
        lwt_main.run(lwt_io.flush(oc))
        lwt_main.run(lwt_io.block(ic, 4, use))
        assert used[0] is out_buffer
        assert used[1] is in_buffer
        assert bytes(in_buffer[:4]) == b"abc\0"
        lwt_main.run(lwt_io.close(oc))
        lwt_main.run(lwt_io.close(ic))

    def test_closing_a_channel_closes_its_descriptor(self) -> None:
        reading, writing = os.pipe()
        ic = lwt_io.of_unix_fd(reading, mode=lwt_io.Input)
        oc = lwt_io.of_fd(lwt_unix.of_unix_file_descr(writing), mode=lwt_io.Output)
        lwt_main.run(lwt_io.close(ic))
        lwt_main.run(lwt_io.close(oc))
        assert (is_open(reading), is_open(writing)) == (False, False)

    def test_a_close_function_is_called_instead(self) -> None:
        calls = []

        async def close() -> None:
            calls.append("close")

        reading, writing = os.pipe()
        channel = lwt_io.of_unix_fd(reading, mode=lwt_io.Input, close=close)
        lwt_main.run(lwt_io.close(channel))
        assert (calls, is_open(reading)) == (["close"], True)
        os.close(reading)
        os.close(writing)

    def test_a_closed_descriptor_is_met_by_the_reader(self) -> None:
        async def main() -> None:
            reading, writing = lwt_unix.pipe()
            ic = lwt_io.of_fd(reading, mode=lwt_io.Input)
            line = lwt_io.read_line(ic)
            await lwt_unix.close(reading)
            await lwt_unix.close(writing)
            with pytest.raises(OSError, match="Bad file descriptor"):
                await line
            with pytest.raises(OSError, match="Bad file descriptor"):
                await lwt_io.read_line(ic)

        lwt_main.run(main())

    @pytest.mark.parametrize("begun", [b"", b"half a line"])
    def test_closing_rejects_a_read_that_waits_with_channel_closed(self, begun: bytes) -> None:
        async def main() -> None:
            ic, oc = lwt_io.pipe()
            await lwt_io.write(oc, begun)
            await lwt_io.flush(oc)
            line, next_line = lwt_io.read_line(ic), lwt_io.read_line_opt(ic)
            await lwt.pause()
            await lwt.pause()
            await lwt_io.close(ic)
            await lwt.pause()  # who waits for a turn is woken later
            for promise in (line, next_line):
                assert lwt.state(promise) == lwt.Fail(lwt_io.Channel_closed("input"))
            await lwt_io.close(oc)

        lwt_main.run(main())

    def test_aborting_rejects_a_write_that_waits_with_channel_closed(self) -> None:
        async def main() -> None:
            ic, oc = lwt_io.pipe()
            writing = lwt_io.write(oc, bytes(1_000_000))
            assert lwt.is_sleeping(writing)
            await lwt_io.abort(oc)
            assert lwt.state(writing) == lwt.Fail(lwt_io.Channel_closed("output"))
            await lwt_io.close(ic)

        lwt_main.run(main())

    @pytest.mark.parametrize("begun", [b"", b"half a line"])
    def test_a_cancelled_read_takes_its_interest_back(self, begun: bytes) -> None:
        async def main() -> list[object]:
            ic, oc = lwt_io.pipe()
            await lwt_io.write(oc, begun)
            await lwt_io.flush(oc)
            line = lwt_io.read_line(ic)
            await lwt.pause()
            await lwt.pause()
            lwt.cancel(line)
            assert lwt.state(line) == lwt.Fail(lwt.Canceled())
            assert lwt_engine.readable_count() == 0
            await lwt_io.write_line(oc, "end")
            await lwt_io.close(oc)
            async with ic:
                return [rest async for rest in ic]

        # What had been taken for the line is gone, as in OCaml.
        assert lwt_main.run(main()) == [b"end"]

    def test_a_pipe_that_nobody_reads_is_an_error_of_flush(self) -> None:
        async def main() -> None:
            ic, oc = lwt_io.pipe()
            await lwt_io.close(ic)
            await lwt_io.write(oc, "abc")
            with pytest.raises(BrokenPipeError):
                await lwt_io.flush(oc)
            await lwt_io.close(oc)

        lwt_main.run(main())

    def test_more_than_a_pipe_holds_arrives_whole(self) -> None:
        data = os.urandom(1_000_000)

        async def main() -> bytes:
            ic, oc = lwt_io.pipe()
            async with ic:
                writing = lwt.bind(lwt_io.write(oc, data), lambda _: lwt_io.close(oc))
                received = await lwt_io.read(ic)
                await writing
                return received

        assert lwt_main.run(main()) == data


class TestBuffers:
    def test_the_default_size_is_4096_bytes_and_can_be_changed(self) -> None:
        assert lwt_io.default_buffer_size() == 4096
        lwt_io.set_default_buffer_size(100)
        channel = lwt_io.make(lambda *_: lwt.return_(0), mode=lwt_io.Input)
        assert lwt_io.buffer_size(channel) == 100

    def test_less_than_16_bytes_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"Lwt_io\.set_default_buffer_size: too small"):
            lwt_io.set_default_buffer_size(15)
        with pytest.raises(ValueError, match=r"Lwt_io\.make: too small buffer size: .* is 15;"):
            lwt_io.make(
                lambda *_: lwt.return_(0), mode=lwt_io.Input, buffer=memoryview(bytearray(15))
            )
        with pytest.raises(ValueError, match=r"Lwt_io\.resize_buffer: buffer size too small"):
            lwt_io.resize_buffer(lwt_io.null, 15)

    @pytest.mark.parametrize(
        "buffer",
        [bytearray(64), memoryview(bytes(64)), memoryview(bytearray(64)).cast("i"), b"x" * 64],
        ids=["bytearray", "read-only", "not of bytes", "bytes"],
    )
    def test_what_is_no_writable_memoryview_of_bytes_is_refused(self, buffer: object) -> None:
        with pytest.raises(TypeError, match=r"^lwt_io\.make: expected a writable memoryview"):
            lwt_io.make(  # type: ignore[call-overload]  # what the test is about
                lambda *_: lwt.return_(0), mode=lwt_io.Input, buffer=buffer
            )

    def test_what_is_no_mode_is_refused(self) -> None:
        with pytest.raises(TypeError, match=r"expected a mode, got 'r' .*use lwt_io\.Input or"):
            lwt_io.make(lambda *_: lwt.return_(0), mode="r")  # type: ignore[call-overload]  # that


def test_zero_gives_zeros() -> None:
    assert lwt_main.run(lwt_io.read(lwt_io.zero, count=100)) == bytes(16)


def test_null_drops_everything() -> None:
    lwt_main.run(lwt_io.write(lwt_io.null, b"x" * 1000))


class TestStandardChannels:
    @pytest.mark.real_only("the program is a process of its own")
    def test_what_was_printed_is_flushed_when_the_program_ends(self) -> None:
        done = run_code(
            "from lwt_unix import lwt_io\n"
            "lwt_io.printlf('%d bytes', 3)\n"
            "lwt_io.eprint('error')\n"
            "lwt_io.printl('end')\n"
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "3 bytes\nend\n", "error")

    @pytest.mark.real_only("the program is a process of its own")
    def test_standard_input_is_read_by_lines(self) -> None:
        done = run_code(
            "from lwt_unix import lwt_io, lwt_main\n"
            "async def main():\n"
            "    async for line in lwt_io.stdin:\n"
            "        await lwt_io.printl(line.upper())\n"
            "lwt_main.run(main())\n",
            stdin="one\ntwo",
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "ONE\nTWO\n", "")

    @pytest.mark.real_only("the program is a process of its own")
    def test_standard_input_and_output_may_be_files(self, tmp_path: Path) -> None:
        (tmp_path / "in").write_bytes(b"one\ntwo")
        program = (
            "from lwt_unix import lwt_io, lwt_main\n"
            "lwt_main.run(lwt_io.write_lines(lwt_io.stdout, lwt_io.stdin))\n"
        )
        with (tmp_path / "in").open("rb") as given, (tmp_path / "out").open("wb") as taken:
            command = [sys.executable, "-c", program]
            subprocess.run(command, stdin=given, stdout=taken, env=environment(), check=True)
        assert (tmp_path / "out").read_bytes() == b"one\ntwo\n"

    @pytest.mark.real_only("the program is a process of its own")
    def test_a_reader_that_left_does_not_keep_the_program_from_ending(self) -> None:
        with subprocess.Popen(
            [
                sys.executable,
                "-c",
                (
                    "import sys; sys.stdin.readline()\n"
                    "from lwt_unix import lwt_io\n"
                    "lwt_io.printl('nobody reads this')\n"
                ),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        ) as program:
            assert program.stdin is not None
            assert program.stdout is not None
            assert program.stderr is not None
            program.stdout.close()
            program.stdin.write(b"go\n")
            program.stdin.close()
            assert (program.stderr.read(), program.wait()) == (b"", 0)


# --- A StopIteration of a user's function ------------------------------------

Function = Callable[..., lwt.Promise[Any]]


def input_by(function: Function) -> lwt_io.InputChannel:
    return lwt_io.make(function, mode=lwt_io.Input)


def output_by(function: Function) -> lwt_io.OutputChannel:
    return lwt_io.make(function, mode=lwt_io.Output, buffer=memoryview(bytearray(16)))


class Fails_next:
    """A stream that fails."""

    def __init__(self, function: Function) -> None:
        self.function = function

    def __aiter__(self) -> Fails_next:
        return self

    def __anext__(self) -> lwt.Promise[str]:
        return lwt.bind(lwt.return_unit, self.function)


USING: list[Callable[[Function], lwt.Promise[Any]]] = [
    lambda f: lwt_io.atomic(f)(lwt_io.null),
    lambda f: lwt_io.read_line(input_by(f)),
    lambda f: lwt_io.read_line_opt(input_by(f)),
    lambda f: lwt_stream.get(lwt_io.read_lines(input_by(f))),
    lambda f: lwt_io.read_char(input_by(f)),
    lambda f: lwt_io.read_char_opt(input_by(f)),
    lambda f: lwt_io.read(input_by(f)),
    lambda f: lwt_io.read(input_by(f), count=3),
    lambda f: lwt_io.read_into(input_by(f), bytearray(3), 0, 3),
    lambda f: lwt_io.read_into_exactly(input_by(f), bytearray(3), 0, 3),
    lambda f: lwt_io.write(output_by(f), "x" * 40),
    lambda f: lwt_io.write_line(output_by(f), "x" * 40),
    lambda f: lwt_io.write_from(output_by(f), "x" * 40, 0, 40),
    lambda f: lwt_io.fprintf(output_by(f), "%s", "x" * 40),
    lambda f: lwt_io.block(lwt_io.zero, 1, f),
    lambda f: lwt_io.direct_access(lwt_io.zero, f),
    lambda f: lwt_io.close(lwt_io.make(f, mode=lwt_io.Input, close=f)),
]


@pytest.mark.parametrize("exception", [StopIteration(3), StopAsyncIteration(4)])
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("use", USING)
def test_a_stop_iteration_of_a_user_s_function_comes_out_as_it_is(
    use: Callable[[Function], lwt.Promise[Any]], at_once: bool, exception: Exception
) -> None:
    def fail(*_: object) -> lwt.Promise[Any]:
        return lwt.bind(lwt.return_unit if at_once else lwt.pause(), lambda _: lwt.fail(exception))

    async def outcome() -> object:
        caught = lwt.catch(lambda: use(fail), lwt.return_)
        return await caught

    assert lwt_main.run(outcome()) is exception


def test_a_stop_iteration_of_a_stream_of_lines_comes_out_as_it_is() -> None:
    stop = StopIteration(3)
    lines = Fails_next(lambda *_: lwt.fail(stop))
    assert lwt.state(lwt_io.write_lines(lwt_io.null, lines)) == lwt.Fail(stop)


def test_a_stop_async_iteration_of_the_reading_function_does_not_look_like_the_end() -> None:
    async def read_all() -> None:
        async for _ in input_by(lambda *_: lwt.fail(StopAsyncIteration())):
            pass

    with pytest.raises(RuntimeError, match="the reading function of the channel raised"):
        lwt_main.run(read_all())
