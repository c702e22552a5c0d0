"""Making programs over Lwt_fmt: the language itself is described in `programs.py`."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from tests.conformance.forms import Form, Program

FORMATTERS: Final = 3
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"

PRINTING: Final = ("fprintf", "kfprintf", "ifprintf", "ikfprintf", "print")

# Pieces of formats that take no argument, with how often each comes.
PLAIN: Final = {
    "@,": 8, "@_": 14, "@;": 2, "@]": 12, "@^": 3, "@.": 1, "@?": 1, "%!": 1, "@@": 1, "@%%": 1, "%%": 1,
    "%,": 1, "%@": 1, "@}": 2, "@a": 1, "@<": 1, "@;<": 1, "@;<1": 1, "@;<1_2": 1, "@;<-_2>": 1, "@[<": 0, "^": 1,
    "@<_3_>": 1, ">": 1,
}  # fmt: skip
BOXES: Final = ("", "<h>", "<v>", "<hv>", "<hov>", "<b>", "<>", "<2>", "<-1>")
KINDS: Final = ("h", "v", "hv", "hov", "b", "")

STATEMENTS: Final = {
    "fprintf": 30, "kfprintf": 3, "ifprintf": 1, "ikfprintf": 1, "print": 6, "flush": 3, "write_pending": 2,
    "margin": 4, "max_indent": 2, "tags": 2, "orders": 4, "write_order": 2, "order_flush": 1, "close": 1,
}  # fmt: skip


class FmtMaker:
    """Makes one program."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def number(self, most: int) -> int:
        """One of 0 ... most-1, the same under each version of Python."""
        return int(self._random.random() * most)

    def one_of(self, weights: dict[str, int]) -> str:
        place = self.number(sum(weights.values()))
        for name, weight in weights.items():
            place -= weight
            if place < 0:
                return name
        raise AssertionError

    def program(self) -> Program:
        first = [("margin", f, 4 + self.number(40)) for f in range(FORMATTERS) if self.number(3)]
        return (*first, *(self.statement() for _ in range(2 + self.number(8))))

    def statement(self) -> Form:
        name = self.one_of(STATEMENTS)
        formatter = self.number(FORMATTERS)
        match name:
            case "flush" | "write_pending":
                return (name, formatter)
            case "margin":
                return (name, formatter, 1 + self.number(60))
            case "max_indent":
                return (name, formatter, 2 + self.number(30))
            case "tags":
                return (name, formatter, self.number(2))
            case "orders" | "order_flush" | "close":
                return (name,)
            case "write_order":
                word = self.word()
                start = self.number(len(word))
                return (name, word, start, self.number(len(word) - start))
            case _:
                return (name, formatter, *self.format(12))

    def word(self) -> str:
        start = self.number(26)
        letters = LETTERS[start:] + LETTERS[:start]
        return "~" + letters[: self.number(9) if self.number(10) else self.number(26)]

    def spec(self) -> str:
        """Return an integer as formats may have it, with blanks around."""
        blanks = "_" * max(0, self.number(6) - 4)
        return f"{blanks}{self.number(9) - (2 if self.number(4) == 0 else 0)}{blanks}"

    def format(self, longest: int, depth: int = 0) -> tuple[Form, ...]:
        """Return a format, and its arguments behind it."""
        pieces: list[str] = []
        arguments: list[Form] = []
        for _ in range(1 + self.number(longest)):
            choice = self.number(100)
            if choice < 32:
                pieces.append(self.word()[1:])
            elif choice < 50:
                pieces.append(self.box())
            elif choice < 55:
                second = f"_{self.spec()}" if self.number(2) else ""
                pieces.append(f"@;<{self.spec()}{second}>")
            elif choice < 57:
                pieces.append(f"@<{self.spec()}>")
            elif choice < 59:
                pieces.append("@{<" + self.word()[1:] + ">")
            elif choice < 85:
                pieces.append(self.one_of(PLAIN))
            else:
                piece, *more = self.directive(depth)
                pieces.append(piece)
                arguments += more
        return ("~" + "".join(pieces), *arguments)

    def box(self) -> str:
        if self.number(2):
            return "@[" + BOXES[self.number(len(BOXES))]
        kind = KINDS[self.number(len(KINDS))]
        return f"@[<{kind}{'_' * self.number(2)}{self.number(7)}>"

    def directive(self, depth: int) -> tuple[Form, ...]:
        """Return a directive, and the forms of its arguments."""
        makers: tuple[Callable[[], tuple[Form, ...]], ...] = (
            lambda: (("%d", "%5d", "%-4i", "%x")[self.number(4)], ("d", self.number(2000))),
            lambda: (("%s", "%6s", "%-7s")[self.number(3)], ("s", self.word())),
            lambda: ("%S", ("s", self.word())),
            lambda: ("%c", ("c", LETTERS[self.number(26)])),
            lambda: ("%B", ("b", self.number(2))),
            lambda: ("@[<hov_%d>", ("d", self.number(5))),
            lambda: ("@[<%s>", ("s", "~" + KINDS[self.number(len(KINDS))])),
            lambda: ("@[<v%t>", ("w", f"~_{self.number(5)}")),
            lambda: ("@<2>%d", ("d", self.number(20))),
            lambda: ("%t", ("w", self.word())),
        )
        choice = self.number(len(makers) + 6)
        if choice < len(makers):
            return makers[choice]()
        if choice == len(makers) and self.number(3) == 0:
            return ("%t", ("raise", self.number(3)))
        if depth >= 2:
            return ("%d", ("d", self.number(9)))
        if self.number(2):
            return ("%a", ("a", self.number(100), *self.format(5, depth + 1)))
        return ("%t", ("t", *self.format(5, depth + 1)))
