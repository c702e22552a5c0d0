"""Lwt_fmt: its language of random programs.

There are three formatters: 0 is that of a stream (`make_stream`), 1 that of a channel (`of_channel`), which
tells what it writes, and 2 is one of `make_formatter`, which tells what it is given. In words, `_` stands for a blank,
`^` for a line end, and `~` for nothing.

    (fprintf F FORMAT ARGUMENT...) (kfprintf ...) (ifprintf ...) (ikfprintf ...)
    (print F FORMAT ARGUMENT...)      on the pretty-printer itself, without a commit
    (flush F) (write_pending F)
    (margin F N) (max_indent F N) (tags F 0|1)      of the pretty-printer
    (orders)                          all that are in the stream
    (write_order WORD START LENGTH) (order_flush)   on the channel
    (close)                           of the channel

An argument is a number (d N), a text (s WORD), a character (c WORD), a boolean (b 0|1); for `%a` (a N FORMAT
ARGUMENT...), a printer and its value, for `%t` (t FORMAT ARGUMENT...), (w WORD), which prints one text,
or (raise E). At the end all formatters are flushed. Formats may be anything: boxes that are not closed or
not open, break hints that are not complete.

`run.py` runs the programs, `ocaml/fmt_programs.ml` the same in OCaml.
"""

from __future__ import annotations

from collections.abc import Collection
from random import Random

from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.lwt_fmt.language import STATEMENTS, FmtMaker
from tests.conformance.languages.lwt_fmt.run import run


class FmtPrograms:
    """The language of formats and boxes."""

    name = "Lwt_fmt"
    interpreter = "fmt_programs.ml"
    package = "lwt.unix"
    default_programs = 10_000
    statements: Collection[str] = tuple(STATEMENTS)
    pairs: Collection[tuple[str, str]] = ()

    def make(self, random: Random) -> Program:
        """Make a program."""
        return FmtMaker(random).program()

    def run(self, program: Program, met: Met | None = None) -> Answers:
        """Run a program on `lwt_unix.lwt_fmt`."""
        if met is not None:
            met.update((statement[0],) for statement in program)
        return Answers([run(program)])

    def covered(self) -> dict[str, str]:
        """The statements for the values of lwt_fmt.mli."""
        same = {
            **dict.fromkeys(
                ("printf", "eprintf", "stdout", "stderr"), ": it belongs to the whole process"
            ),
            **dict.fromkeys(("make_stream", "of_channel", "make_formatter"), "fprintf"),
            "get_formatter": "print",
        }
        return {name: name for name in self.statements} | same

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in STATEMENTS
