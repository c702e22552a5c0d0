"""Lwt_process, and the waits for children of Lwt_unix: their language of random programs.

A command, a text, an environment and a directory are numbers of the tables in `run.py`. A redirection of standard error
is 0 for `/dev/null`, 1 for closed, 2 for a file, and 3 for what standard output is.

    (system COMMAND) (exec COMMAND ENV DIRECTORY ERR) (timeout)
    (pread COMMAND ENV DIRECTORY ERR) (pread_line ...) (pread_lines ...) (pread_chars ...)
    (pwrite COMMAND TEXT) (pwrite_line ...) (pwrite_lines ...) (pwrite_chars ...)
    (pmap COMMAND TEXT ERR) (pmap_line ...) (pmap_lines ...) (pmap_chars ...)
    (with_process_none COMMAND) (with_process_in COMMAND) (with_process_out COMMAND TEXT)
    (with_process COMMAND TEXT) (with_process_full COMMAND TEXT) (terminate 0|1)
    (children (STATUS ...) (WAIT ...))

Each of these runs to its end before the next begins, for what two processes do at once has no order. At the
end of each, what was written to the file is told. In `children` the children all end at once, after all
waits have begun: (wait), (waitpid C), (wait4 C), (untraced C), (nohang C), (cancel W), or (then W C),
which waits for a child when another wait is over.

`run.py` runs the programs, `ocaml/process_programs.ml` the same in OCaml.
"""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.lwt_process.run import COMMANDS, TEXTS, run

READERS: Final = (2, 13)
"""Commands that read all that is written to them."""

MOST_CHARS: Final = 4
"""Texts from this one on are too long to be written byte by byte."""

STATEMENTS: Final = (
    *("system", "exec", "timeout"),
    *("pread", "pread_line", "pread_lines", "pread_chars"),
    *("pwrite", "pwrite_line", "pwrite_lines", "pwrite_chars"),
    *("pmap", "pmap_line", "pmap_lines", "pmap_chars"),
    *("with_process_none", "with_process_in", "with_process_out"),
    *("with_process", "with_process_full", "terminate", "children"),
)


def make_statement(random: Random) -> Form:
    name = random.choice((*STATEMENTS, *["children"] * 12))
    command = random.randrange(len(COMMANDS))
    options = (random.choice((0, 0, 1, 2, 3)), random.choice((0, 0, 0, 1, 2)), random.randrange(4))
    if name == "timeout":
        return (name,)
    if name == "terminate":
        return (name, random.randrange(2))
    if name == "children":
        return make_children(random)
    if name in {"system", "with_process_none", "with_process_in"}:
        return (name, command)
    if name.endswith("_line"):
        # When the line has come, the rest cannot be written: some children say so, if they are in time.
        options = (*options[:2], 0)
    if name == "exec" or name.startswith("pread"):
        return (name, command, *options)
    # More than a pipe holds is only for who reads it: when the others end, is chance.
    text = random.randrange(3)
    if command in READERS:
        text = random.randrange(MOST_CHARS if name.endswith("chars") else len(TEXTS))
    if name.startswith("pmap"):
        return (name, command, text, options[2])
    return (name, command, text)


def make_children(random: Random) -> Form:
    count = 1 + random.randrange(4)
    statuses = tuple(random.choice((0, 1, 7, 100)) for _ in range(count))
    waits: list[Form] = []
    for number in range(1 + random.randrange(6)):
        name = random.choice(
            ("waitpid", "waitpid", "wait4", "wait", "untraced", "nohang", "cancel", "then")
        )
        child = random.randrange(count)
        if name == "wait":
            waits.append((name,))
        elif name == "cancel":
            waits.append((name, random.randrange(number + 1)))
        elif name == "then":
            waits.append((name, random.randrange(number + 1), child))
        else:
            waits.append((name, child))
    return ("children", statuses, tuple(waits))


class ProcessPrograms:
    """The language of child processes."""

    name = "Lwt_process"
    interpreter = "process_programs.ml"
    package = "lwt.unix"
    default_programs = 2_000
    statements: Collection[str] = STATEMENTS
    pairs: Collection[tuple[str, str]] = ()

    def make(self, random: Random) -> Program:
        """Make a program."""
        return tuple(make_statement(random) for _ in range(1 + random.randrange(3)))

    def run(self, program: Program, met: Met | None = None) -> Answers:
        """Run a program on `lwt_unix.lwt_process`."""
        if met is not None:
            met.update(
                (str(statement[0]),) for statement in program if isinstance(statement, tuple)
            )
        return Answers([run(program)])

    def covered(self) -> dict[str, str]:
        """The statements for the values of lwt_process.mli."""
        kinds = ("_none", "_in", "_out", "", "_full")
        return {name: name for name in self.statements} | {
            "shell": "exec",
            **{f"open_process{kind}": f"with_process{kind}" for kind in kinds},
        }

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in STATEMENTS
