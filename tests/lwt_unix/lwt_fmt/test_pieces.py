"""Formats taken apart: what each `@` says, and what is no format."""

import re
from typing import Any

import pytest

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


def pieces(format: str, *args: object) -> list[Piece]:
    return pieces_of("f", format, args)


def text(data: str) -> Text:
    return Text(data.encode(), len(data.encode()))


AS_IN_OCAML: dict[str, list[Piece]] = {
    "": [],
    "one two\n": [text("one two\n")],
    "a@,b@ c": [text("a"), Break(0, 0), text("b"), Break(1, 0), text("c")],
    "@;<2 4>": [Break(2, 4)],
    "@;<2>x": [Break(2, 0), text("x")],
    "@;< 1  -2 >": [Break(1, -2)],
    "@;<-1-2>": [Break(-1, -2)],
    "@;": [Break(1, 0)],
    "@;<": [Break(1, 0), text("<")],
    "@;<1": [Break(1, 0), text("<1")],
    "@;<1 2 3>": [Break(1, 0), text("<1 2 3>")],
    "@[@]": [Open_box([]), Mark.CLOSE_BOX],
    "@[<hov 2>a": [Open_box([text("<hov 2>")]), text("a")],
    "@[<v": [Open_box([]), text("<v")],
    "@[ <v>": [Open_box([]), text(" <v>")],
    "@{<b>@}": [Open_tag([text("<b>")]), Mark.CLOSE_TAG],
    "@.@?@\n%!": [Mark.FLUSH_NEWLINE, Mark.FLUSH, Mark.NEWLINE, Mark.FLUSH],
    "@@": [text("@")],
    "@%%": [text("%")],
    "%%%@%,": [text("%"), text("@")],
    "a@": [text("a"), text("@")],
    "@a": [text("@"), text("a")],
    "@<3>abc": [Text(b"abc", 3)],
    "@<1>abc@ d": [Text(b"abc", 1), Break(1, 0), text("d")],
    "@<1>@<2>abc": [Text(b"abc", 2)],
    "@< 2 >a": [Text(b"a", 2)],
    "@<2>@@": [text("@")],
    "@<2>@": [Text(b"@", 2)],
    "@<x>": [text("@"), text("<"), text("x>")],
    "é": [text("é")],
}


@pytest.mark.parametrize("format", AS_IN_OCAML)
def test_a_format_is_taken_apart_as_in_ocaml(format: str) -> None:
    assert pieces(format) == AS_IN_OCAML[format]


def test_directives_are_those_of_printf_and_take_their_arguments_in_order() -> None:
    assert pieces("%d@ %-3s|%S%c", 3, "a", "b", "c") == [
        *(text("3"), Break(1, 0), text("a  "), text("|"), text('"b"'), text("c")),
    ]


def test_a_key_and_what_printf_has_of_python_s_are_taken_too() -> None:
    assert pieces("%(name)s@,%(name)r", {"name": "ada"}) == [
        *(text("ada"), Break(0, 0), text("'ada'")),
    ]


def test_a_box_may_take_its_kind_from_arguments() -> None:
    assert pieces("@[<%s %d>%s", "hov", 2, "x") == [
        Open_box([text("<"), text("hov"), text(" "), text("2"), text(">")]),
        text("x"),
    ]


def test_a_size_holds_for_the_text_of_a_directive_and_not_for_a_printer() -> None:
    assert pieces("@<2>%d", 1000) == [Text(b"1000", 2)]

    def printer(out: object) -> None: ...

    assert pieces("@<2>%tabc", printer) == [Call("f", printer, ()), text("abc")]


def test_a_printer_is_not_called_yet_and_comes_with_its_value() -> None:
    def printer(out: object, value: object) -> None:
        raise AssertionError

    assert pieces("%a%d", printer, 7, 8) == [Call("f", printer, (7,)), text("8")]


@pytest.mark.parametrize(
    ("description", "box"),
    [
        ("", (0, Box.B)),
        ("b", (0, Box.B)),
        ("h", (0, Box.H)),
        (" v 2 ", (2, Box.V)),
        ("hv3", (3, Box.HV)),
        ("hov\t-1", (-1, Box.HOV)),
        ("4", (4, Box.B)),
    ],
)
def test_a_box_has_a_kind_and_an_indentation_and_both_may_be_left_out(
    description: str, box: tuple[int, Box]
) -> None:
    assert box_of("f", description) == box


@pytest.mark.parametrize(
    "description", ["x", "hov 2 3", "2 v", "V", "-", "v -", "v --2", "hov2x", "fits"]
)
def test_what_describes_no_box_is_no_format(description: str) -> None:
    with pytest.raises(
        ValueError, match=re.escape(f'f: invalid box description "{description}"; write a kind')
    ):
        pieces(f"@[<{description}>")
    with pytest.raises(ValueError, match="invalid box description"):
        pieces("@[<%s>", description)


WRONG: dict[str, tuple[type[Exception], str, tuple[Any, ...]]] = {
    "%": (ValueError, "% is not complete", ()),
    "@%": (ValueError, "% is not complete", ()),
    "100% @,": (ValueError, "% @ takes neither a key nor flags", ()),
    "%d": (TypeError, "too few arguments for the format '%d', got 0", ()),
    "@[<%d>": (TypeError, "too few arguments", ()),
    "@,": (TypeError, "too many arguments for the format '@,', got 3 (int)", (3,)),
    "%d@ ": (TypeError, "expected a number in %d", ("x",)),
    "%a": (
        TypeError,
        "expected a printer in %a, got 3 (int); it takes what to write to and a value",
        (3, 4),
    ),
    "%t": (TypeError, "expected a printer in %t, got 3 (int); it takes what to write to", (3,)),
    "%a ": (TypeError, "callback <lambda> (test_pieces.py:", (lambda out: None, 4)),
    " %a": (TypeError, "too few arguments", (lambda out, x: None,)),
}


@pytest.mark.parametrize("format", WRONG)
def test_what_is_no_format_or_does_not_fit_is_told(format: str) -> None:
    kind, message, args = WRONG[format]
    with pytest.raises(kind, match=re.escape(f"f: {message}")):
        pieces(format, *args)


def test_a_format_is_a_str() -> None:
    wrong: Any = b"a"
    with pytest.raises(
        TypeError, match=r"^f: expected a str, got b'a' \(bytes\); a format is a str"
    ):
        pieces(wrong)
