"""Formatters: a pretty-printer, and what brings to its destination what that has written.

A pretty-printer writes at once, without a promise. So what it writes are *orders*, to write a text or to
flush: those of `of_channel` wait in a queue until `commit` carries them out, and those of `make_stream` are
the elements of a stream.

OCaml: Lwt_fmt (src/unix/lwt_fmt.ml)
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from threading import get_ident
from typing import Any, Final, NoReturn, TypeAlias, TypeVar, final

import lwt
from lwt import lwt_stream
from lwt._core.checks import (
    check_callback,
    check_kind,
    with_required_label,
    wrong_type,
)
from lwt._core.driver import to_promise
from lwt._core.identity import refuse_copy
from lwt._core.loop import Loop
from lwt._core.loop import start as start_loop
from lwt._core.promise import PromiseOrCoroutine
from lwt._core.publish import constants
from lwt_unix._jobs import notifications
from lwt_unix._processes import parting
from lwt_unix.lwt_fmt._pieces import pieces_of
from lwt_unix.lwt_fmt._pretty_printer import Pretty_printer, drop_what_waits, perform
from lwt_unix.lwt_io import _create
from lwt_unix.lwt_io._channel import OutputChannel
from lwt_unix.lwt_io._channel import flush as flush_channel
from lwt_unix.lwt_io._writing import write_from_string_exactly

A = TypeVar("A")

# --- Orders ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class String:
    """The order to write a part of a text: `len` bytes from `off`.

    OCaml: Lwt_fmt.String of string * int * int
    """

    s: bytes
    off: int
    len: int


@constants
class _Flush(Enum):
    """The type of `Flush` (an enum, so that checkers can tell it apart)."""

    Flush = "Flush"


Flush: Final = _Flush.Flush
"""The order to flush.

OCaml: Lwt_fmt.Flush
"""

Order: TypeAlias = String | _Flush
"""What a formatter wants to be done.

OCaml: type Lwt_fmt.order
"""


def write_order(oc: OutputChannel, order: Order, /) -> lwt.Promise[None]:
    """Do what an order says: write its text to a channel, or flush the channel.

    OCaml: Lwt_fmt.write_order : Lwt_io.output_channel -> order -> unit Lwt.t
    """
    check_kind("lwt_fmt.write_order", oc, OutputChannel)
    if isinstance(order, String):
        return write_from_string_exactly(oc, order.s, order.off, order.len)
    if order is Flush:
        return flush_channel(oc)
    raise wrong_type("lwt_fmt.write_order", "an order", order, "make_stream gives String and Flush")


# --- Formatters --------------------------------------------------------------

Commit: TypeAlias = Callable[[], PromiseOrCoroutine[object]]


@final
class Formatter:
    """A pretty-printer, and how what it has written comes to its destination.

    OCaml: type Lwt_fmt.formatter
    """

    __slots__ = ("__weakref__", "_commit", "_fmt", "_orders")

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self, commit: Commit, fmt: Pretty_printer, orders: deque[Order]) -> None:
        """Take what `make_formatter` takes, and the orders that wait, which `commit` carries out."""
        self._commit = commit
        self._fmt = fmt
        self._orders = orders


@with_required_label
def make_formatter(*, commit: Commit, fmt: Pretty_printer) -> Formatter:
    """Make a formatter from a pretty-printer.

    Args:
        commit: called after each printing; brings what `fmt` has written to its destination. Its promise is
            the one that printing returns.
        fmt: the pretty-printer.

    OCaml: Lwt_fmt.make_formatter :
        commit:(unit -> unit Lwt.t) -> fmt:Format.formatter -> unit -> formatter
    """
    check_callback("lwt_fmt.make_formatter", commit, ())
    _check_pretty_printer("lwt_fmt.make_formatter", fmt)
    return Formatter(commit, fmt, deque())


def _check_pretty_printer(function: str, fmt: object) -> None:
    hint = "lwt_fmt.Pretty_printer(output, flush) makes one"
    check_kind(function, fmt, Pretty_printer, hint)


def get_formatter(formatter: Formatter, /) -> Pretty_printer:
    """Return the pretty-printer of a formatter, to set its margin, say.

    What is printed to it directly waits until the formatter prints, or `flush` or `write_pending` is called. Printers
    of `%a` and `%t` get it as an argument.

    OCaml: Lwt_fmt.get_formatter : formatter -> Format.formatter
    """
    _check_formatter("lwt_fmt.get_formatter", formatter)
    return formatter._fmt


def make_stream() -> tuple[lwt_stream.Stream[Order], Formatter]:
    """Return a stream of orders, and the formatter from which they come.

    The stream ends when nobody has the formatter, or its pretty-printer, any more.

    OCaml: Lwt_fmt.make_stream : unit -> order Lwt_stream.t * formatter
    """
    stream: lwt_stream.Stream[Order]
    stream, push = lwt_stream.create()

    def output(data: bytes, start: int, length: int) -> None:
        push(lwt.Some(String(data, start, length)))

    def flush() -> None:
        push(lwt.Some(Flush))

    fmt = Pretty_printer(output, flush)
    notifications.open_way()
    weakref.finalize(fmt, _end, _End(push), get_ident()).atexit = False
    return stream, make_formatter(commit=lambda: lwt.return_unit, fmt=fmt)


@final
class _End(notifications.Message):
    """That a stream is at its end, for the main loop: the collector may find this out in any thread."""

    __slots__ = ("_push",)

    def __init__(self, push: Callable[[lwt.Some[Order] | None], object]) -> None:
        self._push = push

    def _deliver(self) -> None:
        self._push(None)


def _end(end: _End, thread: int) -> None:
    """End a stream that was made in a thread; from another one, by a message."""
    if get_ident() == thread:
        end._deliver()
    else:
        notifications.post([end])


_of_channels: Final[weakref.WeakSet[Formatter]] = weakref.WeakSet()
"""Formatters whose orders wait in this process."""


def of_channel(oc: OutputChannel, /) -> Formatter:
    """Make a formatter that writes to a channel.

    OCaml: Lwt_fmt.of_channel : Lwt_io.output_channel -> formatter
    """
    check_kind("lwt_fmt.of_channel", oc, OutputChannel)
    orders: deque[Order] = deque()

    def output(data: bytes, start: int, length: int) -> None:
        orders.append(String(data, start, length))

    def flush() -> None:
        orders.append(Flush)

    commit = partial(_start_writing, oc, orders)
    formatter = Formatter(commit, Pretty_printer(output, flush), orders)
    _of_channels.add(formatter)
    return formatter


def _start_writing(oc: OutputChannel, orders: deque[Order]) -> lwt.Promise[None]:
    return start_loop(_write(oc, orders))


def _write(oc: OutputChannel, orders: deque[Order]) -> Loop[None]:
    """Carry out the orders that wait, one after the other, those that come meanwhile too."""
    while orders:
        yield write_order(oc, orders.popleft())


def _check_formatter(function: str, formatter: object) -> None:
    hint = "lwt_fmt.of_channel(oc) makes one, and lwt_fmt.stdout is one"
    check_kind(function, formatter, Formatter, hint)


# --- Printing ----------------------------------------------------------------


def _commit(formatter: Formatter) -> lwt.Promise[Any]:
    commit = formatter._commit
    return to_promise("lwt_fmt.make_formatter", commit, commit())


def _print(
    function: str, formatter: Formatter, format: str, args: tuple[object, ...]
) -> lwt.Promise[Any]:
    _check_formatter(function, formatter)
    perform(formatter._fmt, pieces_of(function, format, args))
    return _commit(formatter)


def fprintf(formatter: Formatter, format: str, /, *args: object) -> lwt.Promise[None]:
    """Print what a format and its arguments say, in boxes, and carry out what the formatter wants to be done by now.

    Directives after `%` are those of `lwt_io.fprintf`. But the printer of `%a` gets the pretty-printer and the value,
    and that of `%t` the pretty-printer: they write to it, by its methods `write` and `printf`. `%!` flushes.

    An `@` begins what is for the pretty-printer:

    - `@[<hov 2>` begins a box, and `@]` ends it. Between `<` and `>`, which may be left out, stand the kind and
      the indentation: `h` breaks no line, `v` at each hint, `hv` at each hint or none, `hov` where it must,
      and `b`, or nothing, also where that moves back to the left.
    - `@,` is a break hint of no blank, `@ ` of one, `@;<2 4>` of two blanks and, if the line is
      broken, an indentation of four more; `@;` is as `@ `. An `@` before a line end breaks the line.
    - `@.` ends the line, and `@?` ends none; both close all boxes, write all, and flush, as `%!` does.
    - `@<3>` has the text or directive after it count as three bytes, `@{<name>` and `@}` are tags,
      `@@` is an `@`, and `@%%` a `%`.

    A text waits until it is known where lines are broken, if need be until the flush. So a format that
    is the last ends in `@.`, `@?` or `%!`, or `flush` is called.

    Raises:
        TypeError: at the call: the arguments are not those that the format says.
        ValueError: at the call: it is no format. In both cases nothing is printed.
        OSError: by rejection: what the channel meets.

    OCaml: Lwt_fmt.fprintf : formatter -> ('a, Format.formatter, unit, unit Lwt.t) format4 -> 'a
    """
    return _print("lwt_fmt.fprintf", formatter, format, args)


def printf(format: str, /, *args: object) -> lwt.Promise[None]:
    """Print to `stdout`; see `fprintf`.

    OCaml: Lwt_fmt.printf : ('a, Format.formatter, unit, unit Lwt.t) format4 -> 'a
    """
    return _print("lwt_fmt.printf", stdout, format, args)


def eprintf(format: str, /, *args: object) -> lwt.Promise[None]:
    """Print to `stderr`; see `fprintf`.

    OCaml: Lwt_fmt.eprintf : ('a, Format.formatter, unit, unit Lwt.t) format4 -> 'a
    """
    return _print("lwt_fmt.eprintf", stderr, format, args)


def kfprintf(
    k: Callable[[Formatter, lwt.Promise[None]], A],
    formatter: Formatter,
    format: str,
    /,
    *args: object,
) -> A:
    """Print as `fprintf` does; return what a function gives for the formatter and the promise.

    OCaml: Lwt_fmt.kfprintf :
        (formatter -> unit Lwt.t -> 'a) -> formatter -> ('b, Format.formatter, unit, 'a) format4 -> 'b
    """
    check_callback("lwt_fmt.kfprintf", k, ("formatter", "printed"))
    return k(formatter, _print("lwt_fmt.kfprintf", formatter, format, args))


def ifprintf(formatter: Formatter, format: str, /, *args: object) -> lwt.Promise[None]:
    """Check a format and its arguments as `fprintf` does, but print nothing.

    OCaml: Lwt_fmt.ifprintf : formatter -> ('a, Format.formatter, unit, unit Lwt.t) format4 -> 'a
    """
    _check_formatter("lwt_fmt.ifprintf", formatter)
    pieces_of("lwt_fmt.ifprintf", format, args)
    return lwt.return_unit


def ikfprintf(
    k: Callable[[Formatter, lwt.Promise[None]], A],
    formatter: Formatter,
    format: str,
    /,
    *args: object,
) -> A:
    """Print nothing, like `ifprintf`; return what a function gives for the formatter and `return_unit`.

    OCaml: Lwt_fmt.ikfprintf :
        (formatter -> unit Lwt.t -> 'a) -> formatter -> ('b, Format.formatter, unit, 'a) format4 -> 'b
    """
    check_callback("lwt_fmt.ikfprintf", k, ("formatter", "printed"))
    _check_formatter("lwt_fmt.ikfprintf", formatter)
    pieces_of("lwt_fmt.ikfprintf", format, args)
    return k(formatter, lwt.return_unit)


def flush(formatter: Formatter, /) -> lwt.Promise[None]:
    """Close all boxes, write all that waits in the formatter, and flush its channel.

    OCaml: Lwt_fmt.flush : formatter -> unit Lwt.t
    """
    _check_formatter("lwt_fmt.flush", formatter)
    formatter._fmt.flush()
    return _commit(formatter)


def write_pending(formatter: Formatter, /) -> lwt.Promise[None]:
    """Carry out the orders that wait. Neither the pretty-printer nor the channel is flushed: see `flush`.

    OCaml: Lwt_fmt.write_pending : formatter -> unit Lwt.t
    """
    _check_formatter("lwt_fmt.write_pending", formatter)
    return _commit(formatter)


# --- The standard ones -------------------------------------------------------

stdout: Final[Formatter] = of_channel(_create.stdout)
"""The formatter of `lwt_io.stdout`.

OCaml: Lwt_fmt.stdout : formatter
"""

stderr: Final[Formatter] = of_channel(_create.stderr)
"""The formatter of `lwt_io.stderr`.

OCaml: Lwt_fmt.stderr : formatter
"""


def _forget() -> object:
    """Drop what waits in all formatters, and return it: it is for this process's parent to write."""
    kept = []
    for formatter in [*_of_channels]:
        kept.append([*formatter._orders])
        formatter._orders.clear()
        drop_what_waits(formatter._fmt)
    return kept


parting.also(_forget)


def renew() -> None:
    """Begin again: nothing waits in any formatter."""
    _forget()
