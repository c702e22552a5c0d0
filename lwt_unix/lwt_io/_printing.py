"""The printing functions of `lwt_io`.

Those whose names begin with `fprint` print to a channel, with `print` to `stdout`, with `eprint` to
`stderr`. An `f` at the end of a name stands for a format, an `l` for a line end.

OCaml: Lwt_io, printing (src/unix/lwt_io.mli).
"""

from __future__ import annotations

import lwt
from lwt._core.checks import check_kind
from lwt_unix.lwt_io._channel import OutputChannel
from lwt_unix.lwt_io._create import stderr, stdout
from lwt_unix.lwt_io._format import formatted
from lwt_unix.lwt_io._writing import Data, write_for, write_line_for

# --- To a channel ------------------------------------------------------------


def fprint(oc: OutputChannel, text: Data, /) -> lwt.Promise[None]:
    """Write `text`, like `write`.

    OCaml: Lwt_io.fprint : output_channel -> string -> unit Lwt.t
    """
    check_kind("lwt_io.fprint", oc, OutputChannel)
    return write_for("lwt_io.fprint", oc, text)


def fprintl(oc: OutputChannel, text: Data, /) -> lwt.Promise[None]:
    """Write `text` and a line end, like `write_line`.

    OCaml: Lwt_io.fprintl : output_channel -> string -> unit Lwt.t
    """
    check_kind("lwt_io.fprintl", oc, OutputChannel)
    return write_line_for("lwt_io.fprintl", oc, text)


def fprintf(oc: OutputChannel, format: str, /, *args: object) -> lwt.Promise[None]:
    """Write `format % args`, in bytes; a lone `%` is written `%%`, also without arguments.

    `%s` writes data as it is, and a `str` as UTF-8, as `write` does. `%c` takes one byte or one
    character. A width counts bytes.

    Directives that only OCaml has mean what they mean there: `%S`, `%C` and `%B`; `%F`, `%h` and
    `%#d`; `%ld`, `%nx` and `%Lu`, of 32 or 64 bits; `%!` and `%@`. `%a` takes two arguments, a
    printer and a value, and writes what `printer(None, value)` returns; `%t` takes a printer alone.

    Raises:
        TypeError: at the call: the arguments are not those that the format says.
        ValueError: at the call: it is no format. The text says what to write instead.

    OCaml: Lwt_io.fprintf : output_channel -> ('a, unit, string, unit Lwt.t) format4 -> 'a
    """
    check_kind("lwt_io.fprintf", oc, OutputChannel)
    return write_for("lwt_io.fprintf", oc, formatted("lwt_io.fprintf", format, args))


def fprintlf(oc: OutputChannel, format: str, /, *args: object) -> lwt.Promise[None]:
    """Write `format % args` and a line end; see `fprintf`.

    OCaml: Lwt_io.fprintlf : output_channel -> ('a, unit, string, unit Lwt.t) format4 -> 'a
    """
    check_kind("lwt_io.fprintlf", oc, OutputChannel)
    return write_line_for("lwt_io.fprintlf", oc, formatted("lwt_io.fprintlf", format, args))


# --- To the standard output, and the standard error output -------------------


def print(text: Data, /) -> lwt.Promise[None]:
    """Write `text` to `stdout`.

    OCaml: Lwt_io.print : string -> unit Lwt.t
    """
    return write_for("lwt_io.print", stdout, text)


def printl(text: Data, /) -> lwt.Promise[None]:
    """Write `text` and a line end to `stdout`.

    OCaml: Lwt_io.printl : string -> unit Lwt.t
    """
    return write_line_for("lwt_io.printl", stdout, text)


def printf(format: str, /, *args: object) -> lwt.Promise[None]:
    """Write `format % args` to `stdout`; see `fprintf`.

    OCaml: Lwt_io.printf : ('a, unit, string, unit Lwt.t) format4 -> 'a
    """
    return write_for("lwt_io.printf", stdout, formatted("lwt_io.printf", format, args))


def printlf(format: str, /, *args: object) -> lwt.Promise[None]:
    """Write `format % args` and a line end to `stdout`; see `fprintf`.

    OCaml: Lwt_io.printlf : ('a, unit, string, unit Lwt.t) format4 -> 'a
    """
    return write_line_for("lwt_io.printlf", stdout, formatted("lwt_io.printlf", format, args))


def eprint(text: Data, /) -> lwt.Promise[None]:
    """Write `text` to `stderr`.

    OCaml: Lwt_io.eprint : string -> unit Lwt.t
    """
    return write_for("lwt_io.eprint", stderr, text)


def eprintl(text: Data, /) -> lwt.Promise[None]:
    """Write `text` and a line end to `stderr`.

    OCaml: Lwt_io.eprintl : string -> unit Lwt.t
    """
    return write_line_for("lwt_io.eprintl", stderr, text)


def eprintf(format: str, /, *args: object) -> lwt.Promise[None]:
    """Write `format % args` to `stderr`; see `fprintf`.

    OCaml: Lwt_io.eprintf : ('a, unit, string, unit Lwt.t) format4 -> 'a
    """
    return write_for("lwt_io.eprintf", stderr, formatted("lwt_io.eprintf", format, args))


def eprintlf(format: str, /, *args: object) -> lwt.Promise[None]:
    """Write `format % args` and a line end to `stderr`; see `fprintf`.

    OCaml: Lwt_io.eprintlf : ('a, unit, string, unit Lwt.t) format4 -> 'a
    """
    return write_line_for("lwt_io.eprintlf", stderr, formatted("lwt_io.eprintlf", format, args))
