r"""Formats taken apart: what `%` and `@` say, as pieces that a pretty-printer performs.

A `%` begins a directive, as in `lwt_io.printf`. An `@` begins what is for the pretty-printer:

    @[<hov 2>  a box begins; between < and > its kind (h, v, hv, hov, b) and indentation, both optional
    @]         a box ends
    @,  @<space>  @;<2 4>   break hints: of no blank, of one, of 2 blanks and an indentation of 4
    @\n (an @ before a line end)   the line ends here
    @.  @?     all boxes end, the line ends or not, and all is written; %! is as @?
    @<3>       what follows counts as 3 bytes
    @{<name>  @}   a tag begins, ends
    @@  @%%    an @, a %

OCaml: module CamlinternalFormat of the standard library, fmt_ebb_of_string
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

from lwt._core.checks import check_callback, check_kind, wrong_type
from lwt_unix.lwt_io._format import Arguments, Directive, directive_at


class Text(NamedTuple):
    """A text, and how much room it takes."""

    data: bytes
    size: int


class Break(NamedTuple):
    """A break hint: so many blanks, or a new line with so much more indentation."""

    width: int
    offset: int


class Open_box(NamedTuple):
    """The beginning of a box, with what stands between `<` and `>`."""

    description: list[Any]


class Open_tag(NamedTuple):
    """The beginning of a tag."""

    name: list[Any]


class Call(NamedTuple):
    """The printer of `%a` or `%t`, and what it is called with besides the pretty-printer."""

    function: str
    printer: Callable[..., object]
    arguments: tuple[object, ...]


class Mark(Enum):
    """What has nothing to say besides."""

    CLOSE_BOX = "@]"
    CLOSE_TAG = "@}"
    NEWLINE = "@\n"
    FLUSH = "@?"
    FLUSH_NEWLINE = "@."


Piece: TypeAlias = Text | Break | Open_box | Open_tag | Call | Mark

_BREAKS: Final = MappingProxyType({",": Break(0, 0), " ": Break(1, 0)})
_MARKS: Final = MappingProxyType({mark.value[1]: mark for mark in Mark})

_break_at: Final = re.compile(r"< *(-?[0-9]+) *(?:(-?[0-9]+) *)?>").match
_size_at: Final = re.compile(r" *(-?[0-9]+) *>").match


class Box(Enum):
    """The kinds of boxes; `FITS` is what one becomes that has room in the line."""

    H = "h"
    V = "v"
    HV = "hv"
    HOV = "hov"
    B = "b"
    FITS = "fits"


_box: Final = re.compile(r"[ \t]*(h|v|hv|hov|b|)[ \t]*(-?[0-9]*)[ \t]*").fullmatch


def box_of(function: str, description: str) -> tuple[int, Box]:
    """Return the indentation and the kind of a box, from what stands between `<` and `>`.

    Raises:
        ValueError: it describes no box.
    """
    found = _box(description)
    if found is None or found[2] == "-":
        raise ValueError(
            f'{function}: invalid box description "{description}"; write a kind and an indentation, as in '
            "@[<hov 2>: the kinds are h, v, hv, hov and b"
        )
    return int(found[2] or 0), Box(found[1] or "b")


def pieces_of(function: str, format: str, args: tuple[object, ...]) -> list[Piece]:
    """Take a format with its arguments apart, for the function that was called.

    Raises:
        TypeError: the arguments are too few, too many, or not of the kinds that the format says.
        ValueError: it is no format, or a value cannot be written as it says.
    """
    check_kind(function, format, str, "a format is a str; the data may be bytes")
    arguments = Arguments(function, format, args)
    pieces = _Scanner(function, format, arguments).pieces(0, len(format))
    arguments.check_end()
    return pieces


class _Scanner:
    """Takes one format apart."""

    __slots__ = ("_arguments", "_format", "_function", "_pieces", "_size")

    def __init__(self, function: str, format: str, arguments: Arguments) -> None:
        self._function = function
        self._format = format
        self._arguments = arguments
        self._pieces: list[Piece] = []
        self._size: int | None = None
        """What `@<size>` says of the text that follows at once."""

    def pieces(self, place: int, end: int) -> list[Piece]:
        """Return the pieces of the part from one place to another."""
        format = self._format
        while place < end:
            literal = place
            while place < end and format[place] not in "%@":
                place += 1
            if place > literal:
                self._add_text(format[literal:place].encode())
            elif format[place] == "%":
                place = self._directive(place, end)
            else:
                place = self._after_at(place + 1, end)
        return self._pieces

    def _add(self, piece: Piece) -> None:
        self._size = None
        self._pieces.append(piece)

    def _add_text(self, data: bytes) -> None:
        size = len(data) if self._size is None else self._size
        self._add(Text(data, size))

    def _directive(self, place: int, end: int) -> int:
        """Add what a directive says; return where it ends."""
        function, arguments = self._function, self._arguments
        found = directive_at(self._format, place, end)
        assert found is not None  # since there is a %
        match found[0]:
            case "%%" | "%@":
                self._add_text(found[0][1:].encode())
            case "%!":
                self._add(Mark.FLUSH)
            case "%,":
                pass
            case "%a" | "%t":
                printer = arguments.take()
                is_alone = found[0] == "%t"
                if not callable(printer):
                    hint = (
                        "it takes what to write to"
                        if is_alone
                        else "it takes what to write to and a value, "
                        "as in lambda out, x: out.write(ascii(x))"
                    )
                    raise wrong_type(function, f"a printer in {found[0]}", printer, hint)
                check_callback(function, printer, ("out",) if is_alone else ("out", "value"))
                self._add(Call(function, printer, () if is_alone else (arguments.take(),)))
            case _:
                self._add_text(Directive(function, found, arguments).write())
        return found.end()

    def _after_at(self, place: int, end: int) -> int:
        """Add what stands after an `@`; return where it ends."""
        format = self._format
        character = format[place] if place < end else "%"
        if character == "%":
            if format.startswith("%%", place, end):
                self._add(Text(b"%", 1))
                return place + 2
            self._add_text(b"@")
            return place
        place += 1
        if character in _BREAKS:
            self._add(_BREAKS[character])
        elif character in _MARKS:
            self._add(_MARKS[character])
        elif character == "@":
            self._add(Text(b"@", 1))
        elif character == ";":
            found = _break_at(format, place, end)
            self._add(Break(int(found[1]), int(found[2] or 0)) if found else Break(1, 0))
            return found.end() if found else place
        elif character in "[{":
            return self._named(place, end, is_box=character == "[")
        elif character == "<" and (found := _size_at(format, place, end)):
            self._size = int(found[1])
            return found.end()
        else:
            self._add(Text(b"@", 1))
            self._add_text(character.encode())
        return place

    def _named(self, place: int, end: int, *, is_box: bool) -> int:
        """Add the beginning of a box or a tag; return where it ends."""
        close = (
            self._format.find(">", place, end) if self._format.startswith("<", place, end) else -1
        )
        description: list[Piece] = []
        if close >= 0:
            inner = _Scanner(self._function, self._format, self._arguments)
            description = inner.pieces(place, close + 1)
            place = close + 1
            if is_box and all(isinstance(piece, Text) for piece in description):
                text = b"".join(piece.data for piece in description if isinstance(piece, Text))
                box_of(
                    self._function, text.decode()[1:-1]
                )  # A box that is none is an error of the format.
        self._add(Open_box(description) if is_box else Open_tag(description))
        return place
