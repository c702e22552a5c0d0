"""Formats: Python's `%`, in bytes, with the directives of OCaml's Printf."""

from __future__ import annotations

import re
import sys
from decimal import Decimal
from math import inf, nan
from pathlib import Path

import pytest

from lwt_unix.lwt_io import _format
from lwt_unix.lwt_io._format import formatted
from tests.support.ocaml import lines_of, needs_ocaml

pytestmark = pytest.mark.real_only("these meet no descriptor")

Case = tuple[str, str, tuple[object, ...], str]

LEAST_INT = -(2**62)


def of_printer(nothing: None, x: object) -> str:
    assert nothing is None
    return f"<{x}>"


AS_IN_OCAML: list[Case] = [
    # The format; its arguments in OCaml; the same in Python; what is written.
    ("%s|%10s|%-10s|", '"abc" "abc" "abc"', ("abc", "abc", "abc"), "abc|       abc|abc       |"),
    ("%5s|%-5s|", '"é" "é"', ("é", "é"), "   é|é   |"),
    ("%c%c", "'a' '\\200'", ("a", b"\310"), "a\310"),
    ("%d|%i|%d|%d", "42 42 (-42) 0", (42, 42, -42, 0), "42|42|-42|0"),
    ("%+d|% d|%+d|%5d|%-5d|%05d|%05d", "4 4 (-4) 4 4 4 (-4)", (4, 4, -4, 4, 4, 4, -4),
     "+4| 4|-4|    4|4    |00004|-0004"),
    ("%.3d|%8.3d|%+.3d|% 5d|%+5d|%+05d|% 05d", "4 4 4 4 4 4 4", (4, 4, 4, 4, 4, 4, 4),
     "004|     004|+004|    4|   +4|+0004| 0004"),
    ("%#d|%#d|%#i|%#u|%#d", "1234567 (-1234567) 1000 12345678 123",
     (1234567, -1234567, 1000, 12345678, 123), "1_234_567|-1_234_567|1_000|12_345_678|123"),
    ("%#10d|%#010d|%.10d", "1234567 1234567 1234567", (1234567, 1234567, 1234567),
     " 1_234_567|01_234_567|0001234567"),
    ("%x|%X|%o|%u", "255 255 8 255", (255, 255, 8, 255), "ff|FF|10|255"),
    ("%x|%X|%o|%u", "(-1) (-1) (-1) (-1)", (-1, -1, -1, -1),
     "7fffffffffffffff|7FFFFFFFFFFFFFFF|777777777777777777777|9223372036854775807"),
    ("%x|%u|%d", "min_int min_int min_int", (LEAST_INT, LEAST_INT, LEAST_INT),
     "4000000000000000|4611686018427387904|-4611686018427387904"),
    ("%#x|%#X|%#o|%#x|%#o", "255 255 8 0 0", (255, 255, 8, 0, 0), "0xff|0XFF|010|0|0"),
    ("%+x|% x|%+u|%+X", "255 255 255 255", (255, 255, 255, 255), "ff|ff|255|FF"),
    ("%05x|%#06x|%#.6x|%-6x|", "42 42 42 42", (42, 42, 42, 42), "0002a|0x002a|0x00002a|2a    |"),
    ("%ld|%li|%lx|%lX|%lo|%lu", "(-1l) 5l (-1l) (-1l) (-1l) (-1l)", (-1, 5, -1, -1, -1, -1),
     "-1|5|ffffffff|FFFFFFFF|37777777777|4294967295"),
    ("%ni|%nx|%Ld|%Lx|%Lu", "(-1n) (-1n) (-1L) (-1L) (-1L)", (-1, -1, -1, -1, -1),
     "-1|ffffffffffffffff|-1|ffffffffffffffff|18446744073709551615"),
    ("%#ld|%#Lx|%5ld|%-5Ld|", "1234567l 255L 7l 7L", (1234567, 255, 7, 7),
     "1_234_567|0xff|    7|7    |"),
    ("%f|%e|%g|%E|%G", "1.5 1.5 1.5 1.5 1.5", (1.5, 1.5, 1.5, 1.5, 1.5),
     "1.500000|1.500000e+00|1.5|1.500000E+00|1.5"),
    ("%.2f|%10.2f|%-10.2f|%010.2f|%+f|% f|%.0f", "1.5 1.5 1.5 1.5 1.5 1.5 2.5",
     (1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 2.5),
     "1.50|      1.50|1.50      |0000001.50|+1.500000| 1.500000|2"),
    ("%f|%f|%f|%g|%08.1f", "nan infinity neg_infinity 1e6 (-1.5)", (nan, inf, -inf, 1e6, -1.5),
     "nan|inf|-inf|1e+06|-00001.5"),
    ("%010f|%5.1e", "infinity 12345.", (inf, 12345.0), "0000000inf|1.2e+04"),
    ("%F|%F|%F|%F|%F|%F|%F", "1.0 0.1 1e20 1e-7 0.0 (-0.0) 123456789012.",
     (1.0, 0.1, 1e20, 1e-7, 0.0, -0.0, 123456789012.0),
     "1.|0.1|1e+20|1e-07|0.|-0.|123456789012."),
    ("%F|%F|%F", "nan infinity neg_infinity", (nan, inf, -inf), "nan|infinity|neg_infinity"),
    ("%.3F|%.0F|%10F|%-10F|%+F|%F", "3.14159 3.9 1.5 1.5 1.5 100.",
     (3.14159, 3.9, 1.5, 1.5, 1.5, 100.0), "3.14|4.|       1.5|1.5       |+1.5|100."),
    ("%#F|%#F|%#F|%F", "1.0 nan infinity 3.141592653589793", (1.0, nan, inf, 3.141592653589793),
     "0x1p+0|nan|infinity|3.14159265359"),
    ("%h|%h|%h|%h|%h|%H", "1.0 0.1 (-0.5) 0.0 (-0.0) 1e300", (1.0, 0.1, -0.5, 0.0, -0.0, 1e300),
     "0x1p+0|0x1.999999999999ap-4|-0x1p-1|0x0p+0|-0x0p+0|0X1.7E43C8800759CP+996"),
    ("%h|%h|%h|%H", "nan infinity neg_infinity infinity", (nan, inf, -inf, inf),
     "nan|infinity|-infinity|INFINITY"),
    ("%.3h|%.0h|%.0h|%.0h|%.1h|%.0h|%.15h", "3.14159 1.5 2.5 1.9 1.03125 3.99999 1.5",
     (3.14159, 1.5, 2.5, 1.9, 1.03125, 3.99999, 1.5),
     "0x1.922p+1|0x2p+0|0x1p+1|0x2p+0|0x1.0p+0|0x2p+1|0x1.800000000000000p+0"),
    ("%+h|% h|%12h|%-12h|%012h", "1.0 1.0 1.5 1.5 1.5", (1.0, 1.0, 1.5, 1.5, 1.5),
     "+0x1p+0| 0x1p+0|    0x1.8p+0|0x1.8p+0    |0x00001.8p+0"),
    ("%h|%h|%.1h", "5e-324 1e-310 1e-310", (5e-324, 1e-310, 1e-310),
     "0x0.0000000000001p-1022|0x0.012688b70e62bp-1022|0x0.0p-1022"),
    ("%S", '"a\\"b\\\\c\\n\\t\\r\\b\\000\\127\\200\'"', (b"a\"b\\c\n\t\r\b\0\x7f\xc8'",),
     "\"a\\\"b\\\\c\\n\\t\\r\\b\\000\\127\\200'\""),
    ("%S|%8S|%-8S|", '"é" "ab" "ab"', ("é", "ab", "ab"), '"\\195\\169"|    "ab"|"ab"    |'),
    ("%C%C%C%C%C%C%C", "'a' '\\'' '\"' '\\\\' '\\n' '\\000' '\\200'",
     ("a", "'", '"', b"\\", "\n", b"\0", b"\xc8"), "'a''\\'''\"''\\\\''\\n''\\000''\\200'"),
    ("%B|%b|%B|%6B|%-6B|", "true true false true true", (True, True, False, True, True),
     "true|true|false|  true|true  |"),
    ("100%%|%!|%@|%,|", "", (), "100%||@||"),
    ("%*d|%-*d|%*d|%0*d", "5 42 5 42 (-5) 42 6 42", (5, 42, 5, 42, -5, 42, 6, 42),
     "   42|42   |42   |000042"),
    ("%.*f|%*.*f|%*s|", '2 3.14159 8 2 3.14159 5 "ab"', (2, 3.14159, 8, 2, 3.14159, 5, "ab"),
     "3.14|    3.14|   ab|"),
    ("%a|%t|%a", '(fun () x -> "<" ^ x ^ ">") "x" (fun () -> "t") (fun () x -> x) "y"',
     (of_printer, "x", lambda _: "t", lambda _, x: x, b"y"), "<x>|t|y"),
]  # fmt: skip


@pytest.mark.parametrize("case", AS_IN_OCAML, ids=[case[0] for case in AS_IN_OCAML])
def test_a_directive_means_what_it_means_in_ocaml(case: Case) -> None:
    format, _, args, expected = case
    assert formatted("f", format, args) == as_bytes(expected)


@needs_ocaml
@pytest.mark.slow
def test_ocaml_writes_the_same(tmp_path: Path) -> None:
    lines = "".join(
        f'let () = print_endline (Printf.sprintf "{format}" {args})\n'
        for format, args, *_ in AS_IN_OCAML
    )
    expected = [as_bytes(written).decode("latin-1") for *_, written in AS_IN_OCAML]
    assert lines_of(lines, tmp_path) == expected


def as_bytes(text: str) -> bytes:
    """A text in UTF-8, except for characters that stand for a byte that is not UTF-8."""
    return text.replace("é", "\xc3\xa9").encode("latin-1")


IN_PYTHON: list[tuple[str, tuple[object, ...], bytes]] = [
    ("Got %s\n", (b"abc",), b"Got abc\n"),
    ("%s %s %s", (bytearray(b"a"), memoryview(b"xbx")[1:2], b"\xff\x00"), b"a b \xff\x00"),
    ("%s|%s|%s|%s", ("é", 3, None, (1, 2)), "é|3|None|(1, 2)".encode()),
    ("%s %s", (1.5, [b"a"]), b"1.5 [b'a']"),
    ("%r|%r|%8r|", ("é", b"a", "x"), "'é'|b'a'|     'x'|".encode()),
    ("%.2s|%.1s|%.2s", ("abc", "éa", b"\xff\xfe\xfd"), b"ab|\xc3\xa9|\xff\xfe"),
    ("%5s|%-5s|%05s", (b"ab", b"ab", "ab"), b"   ab|ab   |   ab"),
    ("%c%c%3c", ("é", b"\xff", "a"), b"\xc3\xa9\xff  a"),
    ("%d %d %i", (3.7, Decimal(4), True), b"3 4 1"),
    ("%x %d", (2**80, 2**80), b"100000000000000000000 1208925819614629174706176"),
    ("%lx %ld %Ld", (2**32 + 1, 2**31, 2**64 + 5), b"1 -2147483648 5"),
    ("%(name)s: %(age)03d", ({"name": b"\xff", "age": 7},), b"\xff: 007"),
    ("%s", ({"a": 1},), b"{'a': 1}"),
    ("é%%", (), "é%".encode()),
    ("%f %g", (1, Decimal("0.5")), b"1.000000 0.5"),
    ("", (), b""),
]


@pytest.mark.parametrize(("format", "args", "expected"), IN_PYTHON)
def test_python_s_formatting_ends_in_bytes(
    format: str, args: tuple[object, ...], expected: bytes
) -> None:
    assert formatted("f", format, args) == expected


@pytest.mark.parametrize(
    ("format", "args"),
    [(case[0], case[2]) for case in AS_IN_OCAML]
    + [case[:2] for case in IN_PYTHON]
    + [("é %-5s|%5d|%.2f|%s", ("é", 3, 1.5, None)), ("%5s|%-4s|%d", (b"\xff", "é", 3))],
)
def test_what_python_writes_by_itself_is_what_the_directives_write(
    format: str, args: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = formatted("f", format, args)
    monkeypatch.setattr(_format, "_is_plain", lambda _: None)
    assert formatted("f", format, args) == quick


class Shown:
    def __str__(self) -> str:
        return "shown"


def test_what_is_no_data_is_shown_as_str_shows_it() -> None:
    assert formatted("f", "%s", (Shown(),)) == b"shown"


@pytest.mark.parametrize(
    ("format", "args", "problem"),
    [
        ("100%", (), "f: % is not complete; a lone % is written %%"),
        ("%5", (), "f: %5 is not complete"),
        ("%y", (1,), "f: %y is no directive; a lone % is written %%"),
        ("%é", (1,), "f: %é is no directive"),
        ("%{%d%}", ("%d",), "f: %{ writes a format, which only OCaml has as a value"),
        ("%(%d%)", ("%d",), "f: %( begins the key of a mapping"),
        ("%_d", (), "f: %_ leaves out what Scanf reads"),
        ("%n", (1,), "f: %n counts what Scanf has read; for an integer, write d, x"),
        ("%l", (1,), "f: %l counts"),
        ("%N", (1,), "f: %N counts"),
        ("%5%", (), "f: %5% takes neither a key nor flags"),
        ("%d", (inf,), "f: %d: cannot convert float infinity to integer"),
        ("%f", (10**400,), "f: %f: int too large to convert to float"),
        ("%99999999999d", (1,), "f: a size in %99999999999d is 99999999999; expected "),
        ("%*d", (-(10**30), 1), "f: a size in %*d is -1"),
        ("%.99999999999f", (1.0,), "f: a size in %.99999999999f is"),
    ],
)
def test_what_is_no_format_or_cannot_be_written_is_a_value_error(
    format: str, args: tuple[object, ...], problem: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}"):
        formatted("f", format, args)


@pytest.mark.skipif(not hasattr(sys, "set_int_max_str_digits"), reason="older Pythons write it")
def test_an_integer_with_too_many_digits_is_a_value_error() -> None:
    with pytest.raises(ValueError, match=r"^f: %d: Exceeds the limit"):
        formatted("f", "%d", (10**5000,))


def print_number(_: object) -> int:
    return 3


@pytest.mark.parametrize(
    ("format", "args", "problem"),
    [
        ("%d", ("x",), "f: expected a number in %d, got 'x' (str)"),
        ("%f", (b"x",), "f: expected a number in %f, got b'x' (bytes)"),
        ("%x", (1.5,), "f: expected an int in %x, got 1.5 (float)"),
        ("%ld", (1.5,), "f: expected an int in %ld, got 1.5 (float)"),
        ("%hd", (5,), "f: expected a float in %h, got 5 (int)"),
        ("%F", (1,), "f: expected a float in %F, got 1 (int)"),
        ("%B", (1,), "f: expected a bool in %B, got 1 (int)"),
        ("%b", (b"x",), "f: expected a bool in %b, got b'x' (bytes)"),
        ("%c", ("ab",), "f: expected one byte or one character in %c, got 'ab' (str)"),
        ("%c", (65,), "f: expected one byte or one character in %c, got 65 (int)"),
        ("%C", ("é",), "f: expected one byte in %C, got 'é' (str)"),
        ("%S", (1,), "f: expected a str or bytes in %S, got 1 (int)"),
        ("%a", ("x",), "f: expected a printer in %a, got 'x' (str); it takes None and the next"),
        ("%t", ("x",), "f: expected a printer in %t, got 'x' (str); it takes None, and returns"),
        (
            "%t",
            (print_number,),
            "f: the printer print_number of %t returned 3 (int), not a str or bytes",
        ),
        ("%a", (of_printer,), "f: too few arguments for the format '%a', got the function"),
        ("%*d", ("5", 1), "f: expected an int for the * in %*d, got '5' (str)"),
        ("%s %s", (1,), "f: too few arguments for the format '%s %s', got 1 (int)"),
        (
            "%s %s",
            ((1, 2),),
            "f: too few arguments for the format '%s %s', got (1, 2) (tuple); pass",
        ),
        ("%s", (1, 2), "f: too many arguments for the format '%s', got 2"),
        ("done", (1,), "f: too many arguments for the format 'done', got 1 (int)"),
        (
            "%(a)s",
            (1,),
            "f: expected one argument, a mapping, for the keys of the format '%(a)s', got",
        ),
        ("%(a)s%s", ({"a": 1},), "f: too few arguments for the format '%(a)s%s'"),
    ],
)
def test_arguments_that_do_not_fit_are_a_type_error(
    format: str, args: tuple[object, ...], problem: str
) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(problem)}"):
        formatted("f", format, args)


def test_a_format_is_a_str() -> None:
    with pytest.raises(
        TypeError, match=r"^f: expected a str, got b'x' \(bytes\); a format is a str"
    ):
        formatted("f", b"x", ())  # type: ignore[arg-type]  # what is tested


def test_what_a_printer_or_an_argument_raises_comes_out_as_it_is() -> None:
    problem = ValueError("its own")

    def fail(_: None) -> str:
        raise problem

    with pytest.raises(ValueError, match="its own") as raised:
        formatted("f", "%t", (fail,))
    assert raised.value is problem
