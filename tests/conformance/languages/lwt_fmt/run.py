"""Running programs over Lwt_fmt on our library; `ocaml/fmt_programs.ml` is written alike."""

from __future__ import annotations

from typing import Any

import lwt
from lwt import lwt_stream
from lwt_unix import lwt_fmt, lwt_io
from tests.conformance.forms import Form, Program

_TEXT = str.maketrans({"~": None, "_": " ", "^": "\n"})


class Oops(Exception):
    """What printers raise."""


def text_of(word: object) -> str:
    """Return what a word stands for. A word may look like a number."""
    return str(word).translate(_TEXT)


def show_exception(exception: Exception) -> str:
    if isinstance(exception, Oops):
        return f"E{exception.args[0]}"
    return type(exception).__name__


def show_data(data: bytes | memoryview) -> str:
    shown = bytes(data).decode("latin-1").replace("\n", "\\n")
    return f'"{shown}"'


def show_order(order: lwt_fmt.Order) -> str:
    if isinstance(order, lwt_fmt.String):
        part = order.s[order.off : order.off + order.len]
        return f"{show_data(part)} {order.off} of {len(order.s)}"
    return "flush"


def arguments_of(forms: tuple[Form, ...]) -> list[Any]:
    found: list[Any] = []
    for form in forms:
        found += _argument(form)
    return found


def _argument(form: Form) -> list[Any]:
    match form:
        case ("d", number):
            return [number]
        case ("s", word):
            return [text_of(word)]
        case ("c", word):
            return [text_of(word)]
        case ("b", number):
            return [number == 1]
        case ("a", value, format, *inner):

            def print_value(out: lwt_fmt.Pretty_printer, number: int) -> None:
                out.printf("%d", number)
                out.printf(text_of(format), *arguments_of(tuple(inner)))

            return [print_value, value]
        case ("t", format, *inner):
            return [lambda out: out.printf(text_of(format), *arguments_of(tuple(inner)))]
        case ("w", word):
            return [lambda out: out.write(text_of(word))]
        case ("raise", number):

            def fail(out: lwt_fmt.Pretty_printer) -> None:
                raise Oops(number)

            return [fail]
        case _:
            raise AssertionError(form)


def state(promise: lwt.Promise[Any]) -> str:
    match lwt.state(promise):
        case lwt.Return():
            return "done"
        case lwt.Fail(exception):
            return f"fails with {show_exception(exception)}"
        case _:
            return "waits"


class _Run:
    def __init__(self) -> None:
        self.trace: list[str] = []
        self._commits = 0
        self._stream, to_stream = lwt_fmt.make_stream()
        self._channel = lwt_io.make(self._written, mode=lwt_io.Output)
        own = lwt_fmt.Pretty_printer(self._output, lambda: self.trace.append("flush"))
        self._formatters = (
            to_stream,
            lwt_fmt.of_channel(self._channel),
            lwt_fmt.make_formatter(commit=self._commit, fmt=own),
        )

    def _written(self, data: memoryview, start: int, length: int) -> lwt.Promise[int]:
        self.trace.append(f"written {show_data(data[start : start + length])}")
        return lwt.return_(length)

    def _output(self, data: bytes, start: int, length: int) -> None:
        self.trace.append(f"output {show_order(lwt_fmt.String(data, start, length))}")

    def _commit(self) -> lwt.Promise[None]:
        self._commits += 1
        self.trace.append(f"commit {self._commits}")
        return lwt.return_unit

    def _k(self, formatter: lwt_fmt.Formatter, promise: lwt.Promise[None]) -> int:
        self.trace.append(f"k, {state(promise)}")
        return 7

    def run(self, program: Program) -> list[str]:
        for statement in program:
            try:
                self._execute(statement)
            except (Oops, lwt_io.Channel_closed) as exception:
                self.trace.append(f"raises {show_exception(exception)}")
        for formatter in self._formatters:
            self._given(lwt_fmt.flush(formatter))
        self._show_orders()
        lwt_io.abort(self._channel)
        lwt.abandon_paused()  # Its automatic flush.
        return self.trace

    def _given(self, promise: lwt.Promise[Any]) -> None:
        self.trace.append(state(promise))

    def _show_orders(self) -> None:
        self.trace += map(show_order, lwt_stream.get_available(self._stream))

    def _execute(self, statement: Form) -> None:
        match statement:
            case ("fprintf", f, format, *forms):
                given = arguments_of(tuple(forms))
                self._given(lwt_fmt.fprintf(self._formatters[f], text_of(format), *given))
            case ("kfprintf", f, format, *forms):
                given = arguments_of(tuple(forms))
                result = lwt_fmt.kfprintf(self._k, self._formatters[f], text_of(format), *given)
                self.trace.append(str(result))
            case ("ifprintf", f, format, *forms):
                given = arguments_of(tuple(forms))
                self._given(lwt_fmt.ifprintf(self._formatters[f], text_of(format), *given))
            case ("ikfprintf", f, format, *forms):
                given = arguments_of(tuple(forms))
                result = lwt_fmt.ikfprintf(self._k, self._formatters[f], text_of(format), *given)
                self.trace.append(str(result))
            case ("flush", f):
                self._given(lwt_fmt.flush(self._formatters[f]))
            case ("write_pending", f):
                self._given(lwt_fmt.write_pending(self._formatters[f]))
            case ("print", f, format, *forms):
                out = lwt_fmt.get_formatter(self._formatters[f])
                out.printf(text_of(format), *arguments_of(tuple(forms)))
            case ("margin", f, number):
                if number > 0:  # OCaml ignores others, ours refuses them.
                    lwt_fmt.get_formatter(self._formatters[f]).set_margin(number)
            case ("max_indent", f, number):
                out = lwt_fmt.get_formatter(self._formatters[f])
                if 1 < number < out.margin:  # The same.
                    out.set_max_indent(number)
            case ("tags", f, shown):
                lwt_fmt.get_formatter(self._formatters[f]).set_tags(shown == 1)
            case ("orders",):
                self._show_orders()
            case ("write_order", word, start, length):
                order = lwt_fmt.String(text_of(word).encode(), start, length)
                self._given(lwt_fmt.write_order(self._channel, order))
            case ("order_flush",):
                self._given(lwt_fmt.write_order(self._channel, lwt_fmt.Flush))
            case ("close",):
                self._given(lwt_io.close(self._channel))
            case _:
                raise AssertionError(statement)


def run(program: Program) -> list[str]:
    """Run a program, and return its trace."""
    return _Run().run(program)
