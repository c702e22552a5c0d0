"""Running scripts over files on `lwt_io`: what `lwt_io/run.py` does, and channels on files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import lwt
from lwt import lwt_stream
from lwt_unix import lwt_io
from tests.conformance.forms import Form
from tests.conformance.languages.lwt_io.run import IoRun, new_buffer
from tests.conformance.languages.lwt_unix.run import OPEN_FLAGS
from tests.conformance.languages.scripts.run import (
    FILES,
    Promise,
    file,
    show_data,
    show_unit,
    text_of,
)

INPUT, OUTPUT = lwt_io.Input, lwt_io.Output


class FilesRun(IoRun):
    """One run of one script over files."""

    def _clean_up(self) -> None:
        super()._clean_up()
        for number in range(FILES):
            with suppress(OSError):
                shutil.rmtree(file(number))

    # What the script does by itself

    def do_fill_file(self, number: int, word: str, count: int) -> None:
        with suppress(OSError):
            Path(file(number)).write_bytes(text_of(str(word)) * count)

    def do_look(self, number: int) -> None:
        path = Path(file(number))
        if path.is_dir():
            self.event(f"file {number} has {len(os.listdir(path))} in it")
        elif path.exists():
            self.event(f"file {number} is {show_data(path.read_bytes())}")
        else:
            self.event(f"file {number} is not there")

    # Channels on files

    def do_io_open_file(
        self, p: int, c: int, number: int, direction: str, size: int, flags: str
    ) -> None:
        def show(channel: lwt_io.Channel) -> str:
            self._keep_channel(c, channel)
            return "opened"

        given = None if flags == "default" else OPEN_FLAGS[flags]
        opening: Promise
        if direction == "input":
            opening = lwt_io.open_file(
                file(number), mode=INPUT, buffer=new_buffer(size), flags=given
            )
        else:
            opening = lwt_io.open_file(
                file(number), mode=OUTPUT, buffer=new_buffer(size), flags=given
            )
        self._watch(p, show, opening)

    def _body(self, p: int, c: int, block: Form) -> Callable[[Any], Promise]:
        """Make a function that takes a channel."""
        ending, *statements = block

        def body(channel: Any) -> Promise:
            self._keep_channel(c, channel)
            before = len(self._started)
            self.perform_all(statements)
            return self._ended(p, ending, before)

        return body

    def do_io_with_file(
        self, p: int, c: int, number: int, direction: str, size: int, block: Form
    ) -> None:
        body, buffer = self._body(p, c, block), new_buffer(size)
        using: Promise
        if direction == "input":
            using = lwt_io.with_file(file(number), body, mode=INPUT, buffer=buffer)
        else:
            using = lwt_io.with_file(file(number), body, mode=OUTPUT, buffer=buffer)
        self._watch(p, show_unit, using)

    def do_io_set_position(self, p: int, c: int, place: int) -> None:
        self._operate(p, show_unit, self._channel(c), lwt_io.set_position, int(place))

    def do_io_length(self, p: int, c: int) -> None:
        self._operate(p, str, self._channel(c), lwt_io.length)

    def do_io_file_length(self, p: int, number: int) -> None:
        self._watch(p, str, lwt_io.file_length(file(number)))

    # All at once

    def do_io_lines_of_file(self, p: int, number: int) -> None:
        self._watch_all(p, lwt_io.lines_of_file(file(number)))

    def do_io_chars_of_file(self, p: int, number: int) -> None:
        self._watch_all(p, lwt_io.chars_of_file(file(number)))

    def _watch_all(self, p: int, stream: lwt_stream.Stream[bytes]) -> None:
        listing = lwt.catch(partial(lwt_stream.to_list, stream), lwt.fail)
        self._watch(p, lambda found: show_data(b"/".join(found)), listing)

    def do_io_lines_to_file(self, p: int, number: int, words: Form) -> None:
        lines = lwt_stream.of_list([text_of(str(word)) for word in words])
        self._watch(p, show_unit, lwt_io.lines_to_file(file(number), lines))

    def do_io_chars_to_file(self, p: int, number: int, word: str) -> None:
        chars = lwt_stream.of_list([bytes([code]) for code in text_of(str(word))])
        self._watch(p, show_unit, lwt_io.chars_to_file(file(number), chars))

    # For a while

    def do_io_with_temp_file(self, p: int, c: int, number: int, block: Form) -> None:
        body = self._body(p, c, block)

        def use(made: tuple[str, lwt_io.OutputChannel]) -> Promise:
            path, channel = made
            self.event(f"there are {len(os.listdir(Path(path).parent))}")
            return body(channel)

        self._watch(p, show_unit, lwt_io.with_temp_file(use, temp_dir=file(number)))

    def do_io_with_temp_dir(self, p: int, number: int, block: Form) -> None:
        ending, *statements = block

        def use(path: str) -> Promise:
            self.event(f"there are {len(os.listdir(Path(path).parent))}")
            (Path(path) / "file").touch()
            (Path(path) / "link").symlink_to(".")
            (Path(path) / "directory").mkdir()
            before = len(self._started)
            self.perform_all(statements)
            return self._ended(p, ending, before)

        self._watch(p, show_unit, lwt_io.with_temp_dir(use, parent=file(number)))
