"""Formats: what `printf` and its kin write.

A format is that of Python's `%`, and ends in bytes. A directive is

    %  (key)  flags  width  .precision  l, n or L  kind

and only its kind must be there. What OCaml's Printf has is here as well. Where both have a
directive and give different texts, OCaml's is written: it is OCaml's programs that are ported.

In reading order: taking a format apart, and its arguments; the kinds; padding, as OCaml pads.

OCaml: module Printf, and CamlinternalFormat of its standard library.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from math import isinf, isnan
from types import MappingProxyType
from typing import Final, NoReturn

from lwt._core.checks import (
    check_bounds,
    check_callback,
    check_kind,
    described,
    name_of,
    wrong_type,
)

# --- Formats and their arguments ---------------------------------------------

_DIRECTIVE: Final = (
    r"%(?P<key>\([^()%]*\))?(?P<flags>[-+ #0]*)(?P<width>\*|[0-9]*)(?:\.(?P<precision>\*|[0-9]*))?"
    r"(?P<size>[lnL](?=[diuxXo]))?(?P<kind>.?)"
)
_directives: Final = re.compile(_DIRECTIVE, re.DOTALL).finditer
directive_at: Final = re.compile(_DIRECTIVE, re.DOTALL).match
"""Find the directive at a place of a format, where a `%` is."""

_is_plain: Final = re.compile(
    r"(?:[^%]|%%|%-?[0-9]{0,6}s|%[-+ 0]*[0-9]{0,6}(?:\.[0-9]{1,6})?[difeEgG])*"
).fullmatch
"""Whether a format has only directives that Python writes as OCaml does."""

_PLAIN_TYPES: Final = frozenset((str, int, float, bool, type(None)))

_AS_THEY_ARE: Final = frozenset(("%%", "%@", "%!", "%,"))
"""Directives that take no argument. `%!` flushes in OCaml, except here; `%,` writes nothing."""


def formatted(function: str, format: str, args: tuple[object, ...]) -> bytes:
    """Return what a format and its arguments give, for the function that was called.

    Raises:
        TypeError: the arguments are too few, too many, or not of the kinds that the format says.
        ValueError: it is no format, or a value cannot be written as it says.
    """
    check_kind(function, format, str, "a format is a str; the data may be bytes")
    if _is_plain(format):  # Then Python is ten times as quick.
        types = {*map(type, args)}
        try:
            if types <= _PLAIN_TYPES:
                text = format % args
                if text.isascii():  # So widths have counted bytes.
                    return text.encode()
            if types <= _PLAIN_TYPES | {bytes}:
                encoded = [arg.encode() if type(arg) is str else arg for arg in args]
                return format.encode() % tuple(encoded)
        except (TypeError, ValueError, OverflowError):
            pass  # An argument does not fit, or is to be shown by `str`: see below.
    arguments = Arguments(function, format, args)
    pieces: list[bytes] = []
    end = 0
    for found in _directives(format):
        pieces.append(format[end : found.start()].encode())
        end = found.end()
        if found[0] in _AS_THEY_ARE:
            pieces.append(found[0][1:].strip("!,").encode())
        else:
            pieces.append(Directive(function, found, arguments).write())
    pieces.append(format[end:].encode())
    arguments.check_end()
    return b"".join(pieces)


class Arguments:
    """The arguments of one call, which its directives take one after the other."""

    __slots__ = ("_args", "_format", "_function", "_taken")

    def __init__(self, function: str, format: str, args: tuple[object, ...]) -> None:
        self._function = function
        self._format = format
        self._args = args
        self._taken = 0

    def take(self, key: str | None = None) -> object:
        """Return the next argument; with a key, that of the mapping that is the only argument."""
        args = self._args
        if key is not None:
            if len(args) != 1 or not isinstance(args[0], Mapping):
                raise self._wrong("expected one argument, a mapping, for the keys of")
            self._taken = 1
            return args[0][key[1:-1]]
        if self._taken >= len(args):
            raise self._wrong("too few arguments for")
        self._taken += 1
        return args[self._taken - 1]

    def check_end(self) -> None:
        """Raise a TypeError if an argument is left."""
        if self._taken < len(self._args):
            raise self._wrong("too many arguments for")

    def _wrong(self, what: str) -> TypeError:
        args = self._args
        hint = "; pass what is in the tuple" if [*map(type, args)] == [tuple] else ""
        got = f"got {len(args)}" if len(args) != 1 else f"got {described(args[0])}"
        return TypeError(f"{self._function}: {what} the format {self._format!r}, {got}{hint}")


# --- Directives --------------------------------------------------------------


class Directive:
    """One directive, with the width and the precision that it or its arguments say."""

    __slots__ = ("_arguments", "_flags", "_function", "_key", "_kind", "_precision", "_size",
                 "_text", "_width")  # fmt: skip

    def __init__(self, function: str, found: re.Match[str], arguments: Arguments) -> None:
        self._function = function
        self._arguments = arguments
        self._text: str = found[0]
        self._key: str | None = found["key"]
        self._flags: str = found["flags"]
        self._size: str | None = found["size"]
        self._kind: str = found["kind"]
        if self._kind not in _KINDS:
            self._refuse()
        self._width = self._number(found["width"])
        self._precision = None if found["precision"] is None else self._number(found["precision"])

    def _number(self, text: str) -> int:
        size = int(text or "0") if text != "*" else self._arguments.take()
        if not isinstance(size, int):
            raise self._wrong("an int for the *", size)
        check_bounds(self._function, f"a size in {self._text}", size, -_MOST, _MOST)
        return size

    def _refuse(self) -> NoReturn:
        kind = self._kind
        if kind in _INSTEAD:
            hint = _INSTEAD[kind]
        else:
            hint = "is no directive; a lone % is written %%, and fprint and its kin write any text"
        raise ValueError(f"{self._function}: {self._text} {hint}")

    def write(self) -> bytes:
        """Take the arguments of the directive, and return what it writes."""
        body, zeros = _KINDS[self._kind](self, self._arguments.take(self._key))
        return self._padded(body, zeros=zeros)

    # Each kind returns what it writes, and whether the flag 0 fills it up with zeros.

    def integer(self, value: object) -> tuple[bytes, bool]:
        """`%d` and `%i`; with `#`, digits in groups of three."""
        if self._size is not None:
            bits = _BITS[self._size]
            low = self._int(value) & ((1 << bits) - 1)
            value = low - (1 << bits) if low >> (bits - 1) else low
        body = self._number_text(f"%{self._sign()}d", value)
        if "#" in self._flags:
            body = _in_groups(body)
        return self._with_precision(body), True

    def unsigned(self, value: object) -> tuple[bytes, bool]:
        """`%u`, `%x`, `%X` and `%o`: a negative number as the bits that OCaml's int has of it."""
        number = self._int(value)
        if self._size is not None or number < 0:
            number &= (1 << (63 if self._size is None else _BITS[self._size])) - 1
        body = self._number_text(f"%{self._kind}", number)
        if "#" in self._flags:
            if self._kind == "u":
                body = _in_groups(body)
            elif number:
                body = {"x": "0x", "X": "0X", "o": "0"}[self._kind] + body
        return self._with_precision(body), True

    def floating(self, value: object) -> tuple[bytes, bool]:
        """`%f`, `%e`, `%g` and `%E`, `%G`, as in C."""
        alternative = "#" if "#" in self._flags else ""
        precision = 6 if self._precision is None else abs(self._precision)
        template = f"%{self._sign()}{alternative}.{precision}{self._kind}"
        return self._number_text(template, value).encode(), True

    def literal(self, value: object) -> tuple[bytes, bool]:
        """`%F`: a float as OCaml writes one in a program; with `#`, in hexadecimal."""
        number = self._float(value)
        if isnan(number):
            return b"nan", True
        if isinf(number):
            return b"neg_infinity" if number < 0 else b"infinity", True
        if "#" in self._flags:
            return self._hexadecimal(number), True
        precision = 12 if self._precision is None else abs(self._precision)
        text = self._number_text(f"%{self._sign()}.{precision}g", number)
        return (text if "." in text or "e" in text else f"{text}.").encode(), True

    def hexadecimal(self, value: object) -> tuple[bytes, bool]:
        """`%h` and `%H`: a float in hexadecimal, as C writes it, without a loss."""
        body = self._hexadecimal(self._float(value))
        return body.upper() if self._kind == "H" else body, True

    def _hexadecimal(self, number: float) -> bytes:
        (bits,) = struct.unpack("<Q", struct.pack("<d", number))
        sign = "-" if bits >> 63 else self._sign()
        exponent, mantissa = bits >> 52 & 0x7FF, bits & (1 << 52) - 1
        if exponent == 0x7FF:
            return f"{sign}{'nan' if mantissa else 'infinity'}".encode()
        if exponent:
            exponent, mantissa = exponent - 1023, mantissa | 1 << 52
        elif mantissa:
            exponent = -1022
        precision = self._precision
        if precision is not None and 0 <= precision < 13:
            unit = 1 << (52 - 4 * precision)
            mantissa, rest = mantissa & -unit, mantissa & (unit - 1)
            if rest > unit // 2 or (rest == unit // 2 and mantissa & unit):
                mantissa += unit
        fraction = f"{mantissa & (1 << 52) - 1:013x}"
        if precision is None or precision < 0:
            fraction = fraction.rstrip("0")
        else:
            fraction = fraction[:precision].ljust(precision, "0")
        point = "." if fraction else ""
        return f"{sign}0x{mantissa >> 52}{point}{fraction}p{exponent:+}".encode()

    def text(self, value: object) -> tuple[bytes, bool]:
        """`%s`: data as it is, and anything else as `str` shows it; `%r`, as `repr` does."""
        data = _data_of(value)
        if self._kind == "r":
            data = repr(value)
        elif not isinstance(data, bytes):
            data = str(value)
        if self._precision is not None:
            data = data[: abs(self._precision)]
        return data.encode() if isinstance(data, str) else data, False

    def quoted(self, value: object) -> tuple[bytes, bool]:
        """`%S`: a string as OCaml writes one in a program."""
        return b'"%s"' % _escaped(self._data(value, "a str or bytes"), ord('"')), False

    def character(self, value: object) -> tuple[bytes, bool]:
        """`%c`: one byte, or one character."""
        data = _data_of(value)
        if data is None or len(data) != 1:
            raise self._wrong("one byte or one character", value)
        return data.encode() if isinstance(data, str) else data, False

    def quoted_character(self, value: object) -> tuple[bytes, bool]:
        """`%C`: a byte as OCaml writes a char in a program."""
        data = self._data(value, "one byte")
        if len(data) != 1:
            raise self._wrong("one byte", value)
        return b"'%s'" % _escaped(data, ord("'")), False

    def boolean(self, value: object) -> tuple[bytes, bool]:
        """`%B`, and in OCaml also `%b`: `true` or `false`."""
        if not isinstance(value, bool):
            raise self._wrong("a bool", value)
        return (b"true" if value else b"false"), False

    def printed(self, value: object) -> tuple[bytes, bool]:
        """`%a`: what a printer returns for `None` and the next argument; `%t`: for `None`."""
        if not callable(value):
            raise self._wrong("a printer", value, _HINT_PRINTER[self._kind])
        arguments = ("out", "value") if self._kind == "a" else ("out",)
        check_callback(self._function, value, arguments)
        text = value(None, self._arguments.take()) if self._kind == "a" else value(None)
        data = _data_of(text)
        if data is None:
            raise TypeError(
                f"{self._function}: the printer {name_of(value)} of {self._text} returned {described(text)},"
                " not a str or bytes"
            )
        return data.encode() if isinstance(data, str) else data, False

    def _wrong(self, expected: str, value: object, hint: str = "") -> TypeError:
        return wrong_type(self._function, f"{expected} in {self._text}", value, hint)

    def _number_text(self, template: str, value: object) -> str:
        """Let Python write a number."""
        try:
            return template % value
        except TypeError:
            pass
        except (OverflowError, ValueError) as exn:  # an infinity as an integer, too many digits
            raise ValueError(f"{self._function}: {self._text}: {exn}") from exn
        raise self._wrong("a number", value)

    def _sign(self) -> str:
        """Return the flag that says what stands before a number that is not negative."""
        return "+" if "+" in self._flags else " " if " " in self._flags else ""

    def _int(self, value: object) -> int:
        if not isinstance(value, int):
            raise self._wrong("an int", value)
        return value

    def _float(self, value: object) -> float:
        if not isinstance(value, float):
            raise self._wrong("a float", value)
        return value

    def _data(self, value: object, expected: str) -> bytes:
        data = _data_of(value)
        if data is None:
            raise self._wrong(expected, value)
        return data.encode() if isinstance(data, str) else data

    # --- Padding -------------------------------------------------------------

    def _with_precision(self, body: str) -> bytes:
        """Fill an integer up with zeros to as many digits as the precision says."""
        start = _digits_start(body)
        precision = abs(self._precision or 0)
        return (body[:start] + body[start:].rjust(precision, "0")).encode()

    def _padded(self, body: bytes, *, zeros: bool) -> bytes:
        """Fill a text up to the width, which counts bytes, as in OCaml."""
        width = self._width
        if "-" in self._flags or width < 0:
            return body.ljust(abs(width))
        if not zeros or "0" not in self._flags:
            return body.rjust(width)
        start = _digits_start(body.decode())
        return body[:start] + body[start:].rjust(width - start, b"0")


_BITS: Final = MappingProxyType({"l": 32, "n": 64, "L": 64})
"""The sizes of OCaml's int32, nativeint and int64."""

_KINDS: Final[Mapping[str, Callable[[Directive, object], tuple[bytes, bool]]]] = MappingProxyType(
    {
        **dict.fromkeys("di", Directive.integer),
        **dict.fromkeys("uxXo", Directive.unsigned),
        **dict.fromkeys("feEgG", Directive.floating),
        **dict.fromkeys("hH", Directive.hexadecimal),
        **dict.fromkeys("sr", Directive.text),
        **dict.fromkeys("Bb", Directive.boolean),
        **dict.fromkeys("at", Directive.printed),
        "F": Directive.literal,
        "S": Directive.quoted,
        "c": Directive.character,
        "C": Directive.quoted_character,
    }
)

_MOST: Final = 2**31 - 1
"""The largest width and precision."""

_HINT_PRINTER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "a": "it takes None and the next argument, and returns a text, such as lambda _, x: ascii(x)",
        "t": "it takes None, and returns a text",
    }
)

_INSTEAD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "": "is not complete; a lone % is written %%",
        "{": "writes a format, which only OCaml has as a value; write it as a text with %s",
        "(": "begins the key of a mapping, as in %(name)s; OCaml's %(fmt%) writes the format itself",
        "_": "leaves out what Scanf reads; nothing is read here",
        **dict.fromkeys(
            "lnLN", "counts what Scanf has read; for an integer, write d, x or the like after it"
        ),
        **dict.fromkeys("%@!,", "takes neither a key nor flags, a width or a precision"),
    }
)


def _data_of(value: object) -> str | bytes | None:
    """Return what is a text as it is, and what is bytes-like as bytes; None for anything else."""
    if isinstance(value, str | bytes):
        return value
    if isinstance(value, int | float):
        return None
    try:
        return memoryview(value).tobytes()  # type: ignore[arg-type]  # that is the question
    except TypeError:
        return None


_ESCAPES: Final = MappingProxyType({
    ord("\\"): b"\\\\", ord("\n"): b"\\n", ord("\t"): b"\\t", ord("\r"): b"\\r", ord("\b"): b"\\b",
})  # fmt: skip


def _escaped(data: bytes, quote: int) -> bytes:
    """Write bytes as OCaml writes them between quotes."""
    return b"".join(_escaped_byte(byte, quote) for byte in data)


def _escaped_byte(byte: int, quote: int) -> bytes:
    if byte in _ESCAPES:
        return _ESCAPES[byte]
    if byte == quote:
        return b"\\%c" % byte
    return b"%c" % byte if 32 <= byte < 127 else b"\\%03d" % byte


def _in_groups(digits: str) -> str:
    """Write a number with `_` between its groups of three digits."""
    return re.sub(r"(?<=\d)(?=(\d{3})+$)", "_", digits)


def _digits_start(body: str) -> int:
    """Return where the digits of a number begin, behind a sign or a 0x, as OCaml looks for them."""
    if body[:1] in {"+", "-", " "}:
        return 1
    return 2 if body[:2] in {"0x", "0X"} else 0
