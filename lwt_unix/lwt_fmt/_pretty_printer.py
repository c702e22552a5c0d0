"""The pretty-printer: it breaks lines where the boxes say, and writes them to functions.

What is printed is a row of *tokens*: texts, break hints, beginnings and ends of boxes. Where a line is broken
depends on the size of what follows: up to the end of the box, or to the next break hint after this one. So a
token waits in a queue until its size is known, or until more waits than has room in the line; then it must be
broken whatever follows. This is Oppen's algorithm ("Prettyprinting", 1980), as OCaml's Format has it. No token is
looked at more than a few times, and at most a line of them waits.

Reading order: `_Token`; the queue (`_enqueue`, `_advance`); how sizes become known (`_opened`, `_set_size`); how
lines are written (`_put`, `_break_line`); `perform`, which does what a format says.

Two totals give the sizes. `_entered` is the width of all tokens that ever came into the queue, and
`_left` that of those which have left it. The size of a token of which the end is not known is negative: it is
minus `_entered` at its beginning, so that adding `_entered` at its end gives its size.

Widths count bytes, as in OCaml.

OCaml: module Format of the standard library (format.ml)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from enum import Enum
from typing import TYPE_CHECKING, Final, NoReturn, final

from lwt._core.checks import check_bounds, check_callback, name_of, wrong_type
from lwt._core.identity import refuse_copy
from lwt_unix._descriptors.buffers import bytes_of
from lwt_unix.lwt_fmt._pieces import (
    Box,
    Break,
    Call,
    Mark,
    Open_box,
    Open_tag,
    Piece,
    Text,
    box_of,
    pieces_of,
)

if TYPE_CHECKING:
    from lwt_unix.lwt_io._writing import Data

_INFINITY: Final = 1_000_000_010
"""Larger than any line."""

_MARGIN: Final = 78
_LEAST_ROOM: Final = 10
"""How much room there is at least in a line at the beginning of a box."""

_BLANKS: Final = b" " * 80


class _Kind(Enum):
    """What a token is."""

    TEXT = 0
    BREAK = 1
    BEGIN = 2
    END = 3
    NEWLINE = 4
    OPEN_TAG = 5
    CLOSE_TAG = 6


_FITS: Final = Box.FITS


@final
class _Token:
    """What waits to be printed."""

    __slots__ = ("box", "kind", "length", "offset", "size", "text", "width")

    def __init__(
        self,
        kind: _Kind,
        size: int,
        length: int = 0,
        text: bytes = b"",
        width: int = 0,
        offset: int = 0,
        box: Box = _FITS,
    ) -> None:
        self.kind = kind
        self.size = size
        """How much room it needs; negative while that is not known."""
        self.length = length
        """Its own width, if no line is broken there."""
        self.text = text
        self.width = width
        self.offset = offset
        self.box = box


@final
class Pretty_printer:
    """Prints texts and boxes, and breaks lines: OCaml's `Format.formatter`.

    Printers that are given to `%a` and `%t` get one, and write to it. `lwt_fmt.get_formatter` returns the one of a
    formatter. To write elsewhere, make one:

    >>> from lwt_unix import lwt_fmt
    >>> lines = []
    >>> out = lwt_fmt.Pretty_printer(lambda data, start, length: lines.append(data[start:][:length]), lambda: None)
    >>> out.set_margin(12)
    >>> out.printf("@[<hov 2>one@ two@ three@ four@]@.")
    >>> print(b"".join(lines).decode(), end="")
    one two
      three
      four

    A text waits until it is known where lines are broken. `flush`, `@?` and `%!` close all boxes and write what
    waits; `@.` ends the line before that. The margin is 78 at first.

    Args:
        output: called with data, where it begins there, and its length, to write it.
        flush: called after a flush.

    OCaml: Format.formatter, Format.make_formatter
    """

    __slots__ = ("__weakref__", "_boxes", "_current_indent", "_depth", "_entered", "_flush", "_is_new_line",
                 "_left", "_margin", "_max_indent", "_opened", "_output", "_queue", "_room", "_shown_tags",
                 "_shows_tags", "_tags", "_least_room")  # fmt: skip

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(
        self, output: Callable[[bytes, int, int], object], flush: Callable[[], object], /
    ) -> None:
        check_callback("lwt_fmt.Pretty_printer", output, ("data", "start", "length"))
        check_callback("lwt_fmt.Pretty_printer", flush, ())
        self._output = output
        self._flush = flush
        self._margin = _MARGIN
        self._least_room = _LEAST_ROOM
        self._max_indent = _MARGIN - _LEAST_ROOM
        self._is_new_line = True
        self._shows_tags = False
        self._queue: deque[_Token] = deque()
        self._opened: list[tuple[int, _Token]] = []
        """Break hints and beginnings of boxes whose size is not known, each with `_entered` when it came."""
        self._boxes: list[tuple[Box, int]] = []
        """The boxes around what is printed now, each with the room that there was at its beginning."""
        self._tags = 0
        self._shown_tags: list[bytes] = []
        self._drop()

    def _drop(self) -> None:
        """Begin again with an empty line, inside the box that is always there; drop what waits."""
        self._left = self._entered = 1
        self._queue.clear()
        self._forget_opened()
        self._boxes.clear()
        self._tags = 0
        self._shown_tags.clear()
        self._current_indent = 0
        self._depth = 0
        self._room = self._margin
        self._open_box(0, Box.HOV)

    # --- What users call -----------------------------------------------------

    def write(self, text: Data, /) -> None:
        """Print a text; a line end in it is a character like others.

        OCaml: Format.pp_print_string : formatter -> string -> unit
        """
        data = bytes(bytes_of("lwt_fmt.Pretty_printer.write", text))
        self._write_as(len(data), data)

    def printf(self, format: str, /, *args: object) -> None:
        """Print what a format and its arguments say; see `lwt_fmt.fprintf`.

        OCaml: Format.fprintf : formatter -> ('a, formatter, unit) format -> 'a
        """
        perform(self, pieces_of("lwt_fmt.Pretty_printer.printf", format, args))

    def flush(self) -> None:
        """Close all boxes, write all that waits, and call the function `flush`.

        OCaml: Format.pp_print_flush : formatter -> unit -> unit
        """
        self._write_all()
        self._flush()

    @property
    def margin(self) -> int:
        """How long lines may be.

        OCaml: Format.pp_get_margin : formatter -> unit -> int
        """
        return self._margin

    def set_margin(self, margin: int, /) -> None:
        """Set how long lines may be. What waits is dropped: flush before.

        OCaml: Format.pp_set_margin : formatter -> int -> unit
        """
        check_bounds("lwt_fmt.Pretty_printer.set_margin", "the margin", margin, 1)
        self._margin = margin = min(margin, _INFINITY - 1)
        indent = self._max_indent
        if indent > margin:
            indent = max(margin - self._least_room, margin // 2, 1)
        if 1 < indent < margin:
            self._set_max_indent(indent)

    @property
    def max_indent(self) -> int:
        """How far from the left a box may begin.

        OCaml: Format.pp_get_max_indent : formatter -> unit -> int
        """
        return self._max_indent

    def set_max_indent(self, indent: int, /) -> None:
        """Set how far from the left a box may begin. What waits is dropped: flush before.

        Before a box that would begin farther the line is broken.

        OCaml: Format.pp_set_max_indent : formatter -> int -> unit
        """
        hint = "it is less than the margin: set that before"
        check_bounds(
            "lwt_fmt.Pretty_printer.set_max_indent",
            "the indentation",
            indent,
            2,
            self._margin - 1,
            hint=hint,
        )
        self._set_max_indent(indent)

    def _set_max_indent(self, indent: int) -> None:
        self._least_room = self._margin - indent
        self._max_indent = indent
        self._drop()

    def set_tags(self, shown: bool, /) -> None:
        """Set whether `@{<name>` and `@}` are shown, as `<name>` and `</name>`; at first they are not.

        OCaml: Format.pp_set_tags : formatter -> bool -> unit
        """
        self._shows_tags = bool(shown)

    # --- The queue -----------------------------------------------------------

    def _enqueue(self, token: _Token) -> None:
        self._entered += token.length
        self._queue.append(token)

    def _advance(self) -> None:
        """Print what has a known size, and what must be broken since more waits than has room."""
        queue = self._queue
        while queue:
            token = queue[0]
            size = token.size
            if size < 0:
                if self._entered - self._left < self._room:
                    return
                size = _INFINITY
            queue.popleft()
            self._put(token, size)
            self._left += token.length

    def _write_as(self, size: int, data: bytes) -> None:
        self._enqueue(_Token(_Kind.TEXT, size, size, data))
        self._advance()

    def _end_line(self) -> None:
        self._enqueue(_Token(_Kind.NEWLINE, 0))
        self._advance()

    def _write_all(self, *, ends_line: bool = False) -> None:
        for _ in range(self._tags):
            self._close_tag()
        while self._depth > 1:
            self._close_box()
        self._entered = _INFINITY
        self._advance()
        if ends_line:
            self._output(b"\n", 0, 1)
        self._drop()

    # --- Sizes ---------------------------------------------------------------

    def _forget_opened(self) -> None:
        self._opened[:] = [(-1, _Token(_Kind.TEXT, -1))]

    def _set_size(self, kind: _Kind) -> None:
        """Set the size of the token that came last of those without one, if it is of this kind."""
        entered, token = self._opened[-1]
        if entered < self._left:
            self._forget_opened()  # It has been printed already.
        elif token.kind is kind:
            token.size += self._entered
            self._opened.pop()

    def _break(self, width: int, offset: int) -> None:
        token = _Token(_Kind.BREAK, -self._entered, width, width=width, offset=offset)
        self._enqueue(token)
        self._set_size(_Kind.BREAK)
        self._opened.append((self._entered, token))

    def _open_box(self, offset: int, box: Box) -> None:
        self._depth += 1
        token = _Token(_Kind.BEGIN, -self._entered, offset=offset, box=box)
        self._enqueue(token)
        self._opened.append((self._entered, token))

    def _close_box(self) -> None:
        if self._depth > 1:
            self._enqueue(_Token(_Kind.END, 0))
            self._set_size(_Kind.BREAK)
            self._set_size(_Kind.BEGIN)
            self._depth -= 1

    def _open_tag(self, name: str) -> None:
        if self._shows_tags:
            self._tags += 1
            text = name.encode("utf-8", "surrogateescape")
            self._enqueue(_Token(_Kind.OPEN_TAG, 0, text=text))

    def _close_tag(self) -> None:
        if self._shows_tags:
            self._enqueue(_Token(_Kind.CLOSE_TAG, 0))
            self._tags = max(self._tags - 1, 0)

    # --- Lines ---------------------------------------------------------------

    def _put(self, token: _Token, size: int) -> None:
        """Print a token; of a break hint and a box, `size` is what decides whether it fits."""
        kind = token.kind
        if kind is _Kind.TEXT:
            self._room -= size
            self._output(token.text, 0, len(token.text))
            self._is_new_line = False
        elif kind is _Kind.BREAK:
            if self._boxes:
                box, width = self._boxes[-1]
                if self._is_broken(token, size, box, width):
                    self._break_line(width, token.offset)
                else:
                    self._room -= token.width
                    self._put_blanks(token.width)
        elif kind is _Kind.BEGIN:
            self._put_begin(token, size)
        elif kind is _Kind.END:
            if self._boxes:
                self._boxes.pop()
        elif kind is _Kind.NEWLINE:
            if self._boxes:
                self._break_line(self._boxes[-1][1], 0)
            else:
                self._output(b"\n", 0, 1)
        elif kind is _Kind.OPEN_TAG:
            self._put_tag(b"<%s>" % token.text)
            self._shown_tags.append(token.text)
        elif self._shown_tags:
            self._put_tag(b"</%s>" % self._shown_tags.pop())

    def _put_tag(self, text: bytes) -> None:
        self._output(text, 0, len(text))  # It takes no room.

    def _put_begin(self, token: _Token, size: int) -> None:
        if self._margin - self._room > self._max_indent and self._boxes:
            box, width = self._boxes[-1]
            if width > self._room and box not in (Box.FITS, Box.H):
                self._break_line(width, 0)
        elif self._margin - self._room > self._max_indent:
            self._output(b"\n", 0, 1)
        width = self._room - token.offset
        box = token.box
        if box is not Box.V and size <= self._room:
            box = Box.FITS
        self._boxes.append((box, width))

    def _is_broken(self, token: _Token, size: int, box: Box, width: int) -> bool:
        """Tell whether the line is broken at a break hint, in a box of this kind and width."""
        if box is Box.FITS or box is Box.H:
            return False
        if box is Box.V or box is Box.HV:
            return True
        if box is Box.HOV:
            return size > self._room
        if self._is_new_line:
            return False
        # The plain box also breaks the line where that moves to the left.
        return size > self._room or self._current_indent > self._margin - width + token.offset

    def _break_line(self, width: int, offset: int) -> None:
        self._output(b"\n", 0, 1)
        self._is_new_line = True
        indent = min(self._max_indent, self._margin - width + offset)
        self._current_indent = indent
        self._room = self._margin - indent
        self._put_blanks(indent)

    def _put_blanks(self, count: int) -> None:
        while count > 0:
            self._output(_BLANKS, 0, min(count, 80))
            count -= 80


# --- What a format says ------------------------------------------------------


def perform(out: Pretty_printer, pieces: Iterable[Piece]) -> None:
    """Print the pieces of a format, in order."""
    for piece in pieces:
        match piece:
            case Text(data, size):
                out._write_as(size, data)
            case Break(width, offset):
                out._break(width, offset)
            case Open_box(description):
                out._open_box(*box_of("lwt_fmt", _text_of(description)))
            case Open_tag(name):
                out._open_tag(_text_of(name))
            case Call(function, printer, arguments):
                _check_printed(function, printer, printer(out, *arguments))
            case Mark.CLOSE_BOX:
                out._close_box()
            case Mark.CLOSE_TAG:
                out._close_tag()
            case Mark.NEWLINE:
                out._end_line()
            case Mark.FLUSH:
                out.flush()
            case Mark.FLUSH_NEWLINE:
                out._write_all(ends_line=True)
                out._flush()


def _check_printed(function: str, printer: object, returned: object) -> None:
    """Raise a TypeError if a printer has returned what it should have written, or has not run."""
    if isinstance(returned, Coroutine):
        hint = "printers do not wait: make it a def"
    elif isinstance(returned, str | bytes):
        hint = "write it to the printer's first argument, as in lambda out, x: out.write(ascii(x))"
    else:
        return
    raise wrong_type(function, f"nothing from the printer {name_of(printer)}", returned, hint)


def _text_of(pieces: list[Piece]) -> str:
    """Print pieces apart, and return what stands between `<` and `>`."""
    found = [piece.data for piece in pieces if isinstance(piece, Text)]
    if len(found) < len(pieces):  # Seldom: a printer writes a part of it.
        found.clear()
        out = Pretty_printer(
            lambda data, start, length: found.append(data[start : start + length]), list
        )
        perform(out, pieces)
        out.flush()
    return b"".join(found).decode("utf-8", "surrogateescape")[1:-1]


def drop_what_waits(out: Pretty_printer) -> None:
    """Begin again with an empty line; what waits is not written."""
    out._drop()
