"""Vectors and messages, for the comparison: see `language.py` and `run.py`."""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.lwt_unix.language import all_pairs
from tests.conformance.languages.lwt_unix_messages.language import MessagesMaker
from tests.conformance.languages.lwt_unix_messages.run import MessagesRun
from tests.conformance.languages.scripts.answers import answers
from tests.conformance.languages.scripts.coverage import covered
from tests.conformance.values import values

ALL: Final = tuple(
    sorted(name.removeprefix("do_") for name in dir(MessagesRun) if name.startswith("do_"))
)
CALLS: Final = ("readv", "writev", "send_msg", "send_msgto", "recv_msg")
OWN: Final = (
    *("vectors", "append", "append_bigarray", "append_many", "drop", "count"),
    *CALLS,
    *("read_bigarray", "write_bigarray", "bind_1"),
)


class MessagesPrograms:
    """The language of scripts over vectors and messages."""

    name = "Lwt_unix.messages"
    interpreter = "scripts_programs.ml"
    package = "lwt.unix"
    default_programs = 5_000
    statements: Collection[str] = OWN
    pairs: Collection[tuple[str, str]] = tuple(
        sorted(
            all_pairs(
                {
                    "v": {"vectors"},
                    "d": {"pipe", "socketpair", "datagrams", "openfile", "recv_msg"},
                    "p": set(CALLS),
                },
                {
                    "v": {"append", "append_bigarray", "drop", "count", *CALLS},
                    "d": {"readv", "writev", "close"},
                    "p": {"then", "cancel", "pick"},
                },
            )
        )
    )

    def make(self, random: Random) -> Program:
        """Make a script."""
        return MessagesMaker(random).program()

    def run(self, program: Program, met: Met | None = None) -> Answers:
        """Run a script on package `lwt_unix`."""
        return answers(MessagesRun, program, self.statements, met)

    def covered(self) -> dict[str, str]:
        """The statements for the values of lwt_unix.mli that vectors and messages are for."""
        here = covered("Lwt_unix", self.statements)
        return {name: statement for name, statement in here.items() if name in values(self.name)}

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in ALL
