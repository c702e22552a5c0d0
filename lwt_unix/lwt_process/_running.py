"""Running a program to its end, reading what it writes, writing what it reads.

OCaml: section "High-level functions" of lwt_process.ml.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable
from functools import partial
from typing import Final, Never, TypeVar, final

import lwt
from lwt import lwt_stream
from lwt._core.checks import given_by_position, wrong_type
from lwt_unix import lwt_io
from lwt_unix._checks import Path
from lwt_unix._descriptors.buffers import bytes_of
from lwt_unix._processes.starting import Command, Environment, Redirection
from lwt_unix._processes.statuses import Process_status
from lwt_unix.lwt_io._writing import Data
from lwt_unix.lwt_process._opening import opened
from lwt_unix.lwt_process._processes import process, process_in, process_none, process_out

A = TypeVar("A")


# --- Executing ---------------------------------------------------------------


def exec(
    command: Command,
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stdin: Redirection = "Keep",
    stdout: Redirection = "Keep",
    stderr: Redirection = "Keep",
) -> lwt.Promise[Process_status]:
    """Run a program, and return how it ended.

        status = await lwt_process.exec(("", ["make", "-s"]), timeout=60.0)

    If the promise is cancelled, the program goes on. For the arguments, see `process_none`.

    OCaml: Lwt_process.exec : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stdin:redirection -> ?stdout:redirection -> ?stderr:redirection -> command ->
    Unix.process_status Lwt.t
    """
    if _wrong:
        raise given_by_position(exec, _wrong)
    wanted = (stdin, stdout, stderr)
    return opened(process_none, "lwt_process.exec", command, timeout, env, cwd, wanted).close()


# --- Receiving ---------------------------------------------------------------


def _received(
    started: process_in | process, read: Callable[[lwt_io.InputChannel], lwt.Promise[bytes]]
) -> lwt.Promise[bytes]:
    """Read from a process, and close the channel."""
    channel = started.stdout
    return lwt.finalize(partial(read, channel), partial(lwt_io.close, channel))


def _elements(
    started: process_in | process, read: Callable[[lwt_io.InputChannel], lwt.Promise[bytes]]
) -> lwt_stream.Stream[bytes]:
    """Return the stream of what is read from a process; at its end, the channel is closed."""
    channel = started.stdout

    async def next() -> lwt.Some[bytes] | None:
        try:
            return lwt.Some(await read(channel))
        except (EOFError, BrokenPipeError):
            pass
        await lwt_io.close(channel)
        return None

    return lwt_stream.from_(next)


def pread(
    command: Command,
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stdin: Redirection = "Keep",
    stderr: Redirection = "Keep",
) -> lwt.Promise[bytes]:
    """Run a program, and return all that it writes.

        listing = await lwt_process.pread(("", ["ls", "-l"]))

    How it ends is not told. For the arguments, see `process_none`.

    OCaml: Lwt_process.pread : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stdin:redirection -> ?stderr:redirection -> command -> string Lwt.t
    """
    if _wrong:
        raise given_by_position(pread, _wrong)
    wanted = (stdin, None, stderr)
    started = opened(process_in, "lwt_process.pread", command, timeout, env, cwd, wanted)
    return _received(started, lwt_io.read)


def pread_chars(
    command: Command,
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stdin: Redirection = "Keep",
    stderr: Redirection = "Keep",
) -> lwt_stream.Stream[bytes]:
    """Run a program, and return the stream of the bytes that it writes, each of length 1.

    OCaml: Lwt_process.pread_chars : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stdin:redirection -> ?stderr:redirection -> command -> char Lwt_stream.t
    """
    if _wrong:
        raise given_by_position(pread_chars, _wrong)
    wanted = (stdin, None, stderr)
    started = opened(process_in, "lwt_process.pread_chars", command, timeout, env, cwd, wanted)
    return _elements(started, lwt_io.read_char)


def pread_line(
    command: Command,
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stdin: Redirection = "Keep",
    stderr: Redirection = "Keep",
) -> lwt.Promise[bytes]:
    """Run a program, and return the first line that it writes; the rest is not read.

    Raises:
        EOFError: by rejection: it wrote nothing.

    OCaml: Lwt_process.pread_line : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stdin:redirection -> ?stderr:redirection -> command -> string Lwt.t
    """
    if _wrong:
        raise given_by_position(pread_line, _wrong)
    wanted = (stdin, None, stderr)
    started = opened(process_in, "lwt_process.pread_line", command, timeout, env, cwd, wanted)
    return _received(started, lwt_io.read_line)


def pread_lines(
    command: Command,
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stdin: Redirection = "Keep",
    stderr: Redirection = "Keep",
) -> lwt_stream.Stream[bytes]:
    """Run a program, and return the stream of the lines that it writes, without their ends.

        async for line in lwt_process.pread_lines(("", ["ls", "-l"])):
            ...

    When the stream is dropped before its end, the channel is closed.

    OCaml: Lwt_process.pread_lines : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stdin:redirection -> ?stderr:redirection -> command -> string Lwt_stream.t
    """
    if _wrong:
        raise given_by_position(pread_lines, _wrong)
    wanted = (stdin, None, stderr)
    started = opened(process_in, "lwt_process.pread_lines", command, timeout, env, cwd, wanted)
    return _elements(started, lwt_io.read_line)


# --- Sending -----------------------------------------------------------------


def _check_elements(function: str, elements: object) -> None:
    if not isinstance(elements, Iterable | AsyncIterable):
        raise wrong_type(function, "an iterable, or one for `async for`", elements)


def _sent(
    started: process_out | process,
    write: Callable[[lwt_io.OutputChannel, A], lwt.Promise[None]],
    data: A,
) -> lwt.Promise[None]:
    """Write to a process, and close the channel."""
    channel = started.stdin
    return lwt.finalize(partial(write, channel, data), partial(lwt_io.close, channel))


def pwrite(
    command: Command,
    text: Data,
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stdout: Redirection = "Keep",
    stderr: Redirection = "Keep",
) -> lwt.Promise[None]:
    """Run a program, and write this for it to read.

    The promise is fulfilled when all is written, which the program need not have read. An error of
    writing the last of it is dropped, as by `lwt_io.close`. For the arguments, see `process_none`.

    OCaml: Lwt_process.pwrite : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stdout:redirection -> ?stderr:redirection -> command -> string -> unit Lwt.t
    """
    if _wrong:
        raise given_by_position(pwrite, _wrong)
    data = bytes_of("lwt_process.pwrite", text)
    wanted = (None, stdout, stderr)
    started = opened(process_out, "lwt_process.pwrite", command, timeout, env, cwd, wanted)
    return _sent(started, lwt_io.write, data)


def pwrite_chars(
    command: Command,
    chars: Iterable[Data] | AsyncIterable[Data],
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stdout: Redirection = "Keep",
    stderr: Redirection = "Keep",
) -> lwt.Promise[None]:
    """Run a program, and write the bytes of a stream for it to read, each of length 1.

    OCaml: Lwt_process.pwrite_chars : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stdout:redirection -> ?stderr:redirection -> command -> char Lwt_stream.t -> unit Lwt.t
    """
    if _wrong:
        raise given_by_position(pwrite_chars, _wrong)
    _check_elements("lwt_process.pwrite_chars", chars)
    wanted = (None, stdout, stderr)
    started = opened(process_out, "lwt_process.pwrite_chars", command, timeout, env, cwd, wanted)
    return _sent(started, lwt_io.write_chars, chars)


def pwrite_line(
    command: Command,
    line: Data,
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stdout: Redirection = "Keep",
    stderr: Redirection = "Keep",
) -> lwt.Promise[None]:
    """Run a program, and write this and a line end for it to read.

    OCaml: Lwt_process.pwrite_line : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stdout:redirection -> ?stderr:redirection -> command -> string -> unit Lwt.t
    """
    if _wrong:
        raise given_by_position(pwrite_line, _wrong)
    data = bytes_of("lwt_process.pwrite_line", line)
    wanted = (None, stdout, stderr)
    started = opened(process_out, "lwt_process.pwrite_line", command, timeout, env, cwd, wanted)
    return _sent(started, lwt_io.write_line, data)


def pwrite_lines(
    command: Command,
    lines: Iterable[Data] | AsyncIterable[Data],
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stdout: Redirection = "Keep",
    stderr: Redirection = "Keep",
) -> lwt.Promise[None]:
    """Run a program, and write the lines of a stream for it to read.

    OCaml: Lwt_process.pwrite_lines : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stdout:redirection -> ?stderr:redirection -> command -> string Lwt_stream.t -> unit Lwt.t
    """
    if _wrong:
        raise given_by_position(pwrite_lines, _wrong)
    _check_elements("lwt_process.pwrite_lines", lines)
    wanted = (None, stdout, stderr)
    started = opened(process_out, "lwt_process.pwrite_lines", command, timeout, env, cwd, wanted)
    return _sent(started, lwt_io.write_lines, lines)


# --- Mapping -----------------------------------------------------------------


def _mapped(sender: lwt.Promise[None], getter: lwt.Promise[bytes]) -> lwt.Promise[bytes]:
    """Wait until all is written, and return what was read; cancelling the first cancels the other."""

    def failed(exn: Exception) -> lwt.Promise[bytes]:
        if isinstance(exn, lwt.Canceled):
            lwt.cancel(getter)
        raise exn

    return lwt.catch(lambda: lwt.bind(sender, lambda _: getter), failed)


@final
class _Monitored:
    """The elements that a process gives back; if writing to it fails, that error takes the place of the next."""

    __slots__ = ("_elements", "_saved", "_sender")

    def __init__(self, sender: lwt.Promise[None], elements: lwt_stream.Stream[bytes]) -> None:
        self._sender: lwt.Promise[lwt.Some[bytes] | None] | None = lwt.map(_nothing_more, sender)
        """The writing, while it is watched."""

        self._elements: Final = elements

        self._saved: lwt.Promise[lwt.Some[bytes] | None] | None = None
        """The element that was asked for when writing failed: it comes next."""

    def next(self) -> lwt.Promise[lwt.Some[bytes] | None]:
        """Return the next element, or the error."""
        saved, sender = self._saved, self._sender
        if saved is not None:
            self._saved = self._sender = None
            return saved
        if sender is None:
            return lwt_stream.get(self._elements)
        getter = lwt.apply(lwt_stream.get, self._elements)
        choose = partial(self._choose, sender, getter)
        return lwt.try_bind(partial(lwt.choose, [sender, getter]), choose, choose)

    def _choose(
        self,
        sender: lwt.Promise[lwt.Some[bytes] | None],
        getter: lwt.Promise[lwt.Some[bytes] | None],
        _: object,
    ) -> lwt.Promise[lwt.Some[bytes] | None]:
        match lwt.state(sender):
            case lwt.Fail():
                self._saved = getter
                return sender
            case lwt.Return():
                self._sender = None
            case _:
                pass
        return getter


def _nothing_more(_: None) -> None:
    return None


def pmap(
    command: Command,
    text: Data,
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stderr: Redirection = "Keep",
) -> lwt.Promise[bytes]:
    """Run a program, write this for it to read, and return all that it writes.

        squeezed = await lwt_process.pmap(("", ["gzip"]), text)

    Both are done at once, so that a program may write before it has read all, however much that is.
    If writing fails, so does this (EPIPE, if the program does not read). An error that comes at once is
    raised at the call; one that comes later rejects the promise. For the arguments, see `process_none`.

    OCaml: Lwt_process.pmap : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stderr:redirection -> command -> string -> string Lwt.t
    """
    if _wrong:
        raise given_by_position(pmap, _wrong)
    data = bytes_of("lwt_process.pmap", text)
    wanted = (None, None, stderr)
    started = opened(process, "lwt_process.pmap", command, timeout, env, cwd, wanted)
    sender = _sent(started, lwt_io.write, data)
    return _mapped(sender, _received(started, lwt_io.read))


def pmap_chars(
    command: Command,
    chars: Iterable[Data] | AsyncIterable[Data],
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stderr: Redirection = "Keep",
) -> lwt_stream.Stream[bytes]:
    """Run a program, write the bytes of a stream for it to read, and return the stream of what it writes.

    If writing fails, whoever asks for the next byte gets the error.

    OCaml: Lwt_process.pmap_chars : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stderr:redirection -> command -> char Lwt_stream.t -> char Lwt_stream.t
    """
    if _wrong:
        raise given_by_position(pmap_chars, _wrong)
    _check_elements("lwt_process.pmap_chars", chars)
    wanted = (None, None, stderr)
    started = opened(process, "lwt_process.pmap_chars", command, timeout, env, cwd, wanted)
    sender = _sent(started, lwt_io.write_chars, chars)
    return lwt_stream.from_(_Monitored(sender, _elements(started, lwt_io.read_char)).next)


def pmap_line(
    command: Command,
    line: Data,
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stderr: Redirection = "Keep",
) -> lwt.Promise[bytes]:
    """Run a program, write this and a line end for it to read, and return the first line that it writes.

    If writing fails, so does this, in the way of `pmap`.

    OCaml: Lwt_process.pmap_line : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stderr:redirection -> command -> string -> string Lwt.t
    """
    if _wrong:
        raise given_by_position(pmap_line, _wrong)
    data = bytes_of("lwt_process.pmap_line", line)
    wanted = (None, None, stderr)
    started = opened(process, "lwt_process.pmap_line", command, timeout, env, cwd, wanted)
    sender = _sent(started, lwt_io.write_line, data)
    return _mapped(sender, _received(started, lwt_io.read_line))


def pmap_lines(
    command: Command,
    lines: Iterable[Data] | AsyncIterable[Data],
    /,
    *_wrong: Never,
    timeout: float | None = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    stderr: Redirection = "Keep",
) -> lwt_stream.Stream[bytes]:
    """Run a program, write the lines of a stream for it to read, and return the stream of those that it writes.

    If writing fails, whoever asks for the next line gets the error.

    OCaml: Lwt_process.pmap_lines : ?timeout:float -> ?env:string array -> ?cwd:string ->
    ?stderr:redirection -> command -> string Lwt_stream.t -> string Lwt_stream.t
    """
    if _wrong:
        raise given_by_position(pmap_lines, _wrong)
    _check_elements("lwt_process.pmap_lines", lines)
    wanted = (None, None, stderr)
    started = opened(process, "lwt_process.pmap_lines", command, timeout, env, cwd, wanted)
    sender = _sent(started, lwt_io.write_lines, lines)
    return lwt_stream.from_(_Monitored(sender, _elements(started, lwt_io.read_line)).next)
