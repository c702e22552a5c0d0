"""What the comparison asks of a language of random programs. One module of Lwt, one language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from tests.conformance.forms import Form, Program

Met = Counter[tuple[str, ...]]
"""How often a statement ran, `(name,)`, or took what another one made, `(maker, name)`."""


@dataclass
class Answers:
    """What our library may do with a program."""

    traces: list[list[str]]
    """One of them is to be OCaml's."""

    doubtful: list[str] = field(default_factory=list)
    """Why OCaml may do something else, if it may: then a difference is excused."""

    model: list[tuple[int, list[str]]] = field(default_factory=list)
    """What a model does, and which of `traces` has to be the same, whatever OCaml does."""

    more: Iterator[list[str]] = field(default_factory=lambda: iter(()))
    """More traces, made when they are asked for: the other ways that random choices may go."""


class Language(Protocol):
    """A small language that covers a module."""

    name: str
    """That of the OCaml module."""

    interpreter: str
    """The file in `ocaml/` that runs its programs."""

    package: str
    """The findlib package that the interpreter is linked with."""

    default_programs: int
    """How many programs `make conformance` runs."""

    statements: Collection[str]
    """All words that begin a statement."""

    pairs: Collection[tuple[str, str]]
    """The pairs of statements of which the second can take what the first one made."""

    def make(self, random: Random) -> Program:
        """Make a program."""

    def run(self, program: Program, met: Met | None = None) -> Answers:
        """Run a program on our library."""

    def covered(self) -> dict[str, str]:
        """The values of the module's interface, and the statement that calls each.

        Where none does: "" and, after a colon, the reason.
        """

    def is_statement(self, form: Form) -> bool:
        """Tell whether a form could be left out of the row that it is in."""
