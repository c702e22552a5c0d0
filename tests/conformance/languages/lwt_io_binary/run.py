"""Running scripts over numbers on `lwt_io`: what `lwt_io_files/run.py` does, and numbers."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import lwt
import lwt_unix
from lwt import lwt_stream
from lwt_unix import lwt_bytes, lwt_io
from lwt_unix.lwt_io._buffer import ChannelBuffer
from lwt_unix.lwt_io._byte_arrays import byte_array_of
from tests.conformance.language import Met
from tests.conformance.languages.lwt_io_files.run import FilesRun
from tests.conformance.languages.scripts.differences import EMPTIED
from tests.conformance.languages.scripts.run import (
    EmptySlot,
    Promise,
    Shower,
    show_data,
    show_unit,
)

COPYING: Final = (lwt_io.read, lwt_io.read_into, lwt_io.read_into_exactly)
GOING: Final = (lwt_io.set_position, lwt_io.direct_access, lwt_io.block)


def show_number(number: float) -> str:
    """Show an int, or the bits of a float; of those that are no numbers, there is one here."""
    if isinstance(number, int):
        return str(number)
    if number != number:  # noqa: PLR0124  (only a NaN differs from itself)
        return "nan"
    return struct.pack(">d", number).hex()


def value_of(word: str) -> float:
    if word.startswith("i"):
        return int(word[1:])
    (number,) = struct.unpack(">d", bytes.fromhex(word[1:]))
    return float(number)


def data_of(word: str) -> bytes:
    return bytes.fromhex(word[1:])


def functions(order: str) -> Any:
    return {"LE": lwt_io.LE, "BE": lwt_io.BE, "native": lwt_io}[order]


class BinaryRun(FilesRun):
    """One run of one script over numbers."""

    def __init__(self, met: Met | None = None) -> None:
        super().__init__(met)
        self._arrays: dict[int, memoryview] = {}
        self._emptied: set[ChannelBuffer] = set()
        self._went: set[ChannelBuffer] = set()

    def _operate(
        self, p: int, show: Shower, channel: Any, operation: Callable[..., Promise], *args: Any
    ) -> None:
        if byte_array_of(channel._buffer) is None or not isinstance(channel, lwt_io.InputChannel):
            super()._operate(p, show, channel, operation, *args)
            return
        function = operation.func if isinstance(operation, partial) else operation
        if function in GOING:
            self._went.add(channel._buffer)

        def started(*arguments: Any) -> Promise:
            promise = operation(*arguments)
            if function in COPYING:
                lwt.on_any(promise, self._note_end(channel), self._note_end(channel))
            return promise

        super()._operate(p, show, channel, started, *args)

    def _note_end(self, channel: lwt_io.InputChannel) -> Callable[[object], None]:
        def note(result: object) -> None:
            if result in {0, b""} or isinstance(result, EOFError):
                self._emptied.add(channel._buffer)

        return note

    def _summarize(self) -> None:
        super()._summarize()
        if self._emptied & self._went:
            self.doubt(EMPTIED)

    def do_io_read_number(self, p: int, c: int, order: str, kind: str) -> None:
        read = getattr(functions(order), f"read_{kind}")
        self._operate(p, show_number, self._input(c), read)

    def do_io_write_number(self, p: int, c: int, order: str, kind: str, word: str) -> None:
        write = getattr(functions(order), f"write_{kind}")
        self._operate(p, show_unit, self._output(c), write, value_of(word))

    def do_io_of_bytes(self, c: int, direction: str, word: str) -> None:
        array = self._arrays[c] = lwt_bytes.of_bytes(data_of(word))
        if direction == "input":
            self._keep_channel(c, lwt_io.of_bytes(array, mode=lwt_io.Input))
        else:
            self._keep_channel(c, lwt_io.of_bytes(array, mode=lwt_io.Output))

    def do_array(self, c: int) -> None:
        if c not in self._arrays:
            raise EmptySlot
        self.event(f"array {show_data(self._arrays[c])}")

    def do_io_read_chars(self, p: int, c: int, count: int) -> None:
        def read(channel: lwt_io.InputChannel) -> Promise:
            chars = lwt_io.read_chars(channel)
            # `nget` raises what fails at once, where OCaml's rejects (see `RAISED_AT_ONCE`).
            return lwt.catch(partial(lwt_stream.nget, count, chars), lwt.fail)

        self._operate(p, lambda chars: show_data(b"".join(chars)), self._input(c), read)

    def do_io_hexdump(self, p: int, c: int, word: str) -> None:
        self._operate(p, show_unit, self._output(c), lwt_io.hexdump, data_of(word))

    def do_write_data(self, p: int, d: int, word: str) -> None:
        data, descriptor = data_of(word), self._descriptor(d)
        arguments = (descriptor, data, 0, len(data))
        self._watch(p, str, self._attempt(descriptor, lwt_unix.write, *arguments))
