"""Running programs of `language.py` on `lwt_stream`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import lwt
from lwt import Ok, Some, lwt_seq, lwt_stream
from tests.conformance.forms import Form, Program
from tests.conformance.language import Met
from tests.conformance.languages.lwt_stream.language import FUTURES, PUSHING, SIGNATURES, STREAMS
from tests.conformance.languages.storage import STORAGE_SIGNATURES, Storage, under_storage

CONVERSIONS: Final[dict[str, Callable[[int], Any]]] = {
    "iter": lambda _: None,
    "fold": lambda n: n,
    "find": lambda n: n % 2 == 1,
    "find_map": lambda n: None if n % 3 == 0 else Some(n),
    "map": lambda n: n,
    "map_list": lambda n: [n + i for i in range(n % 3)],
    "parse": lambda n: n,
    "from": lambda n: None if n == 0 else Some(n),
    "when": lambda _: None,
}
"""What callbacks make of a number; the others are named in `_conversion`."""


def _conversion(name: str) -> Callable[[int], Any]:
    name = name.removesuffix("_s").removesuffix("_p").removesuffix("_n").removesuffix("_direct")
    alike = {"get_while": "find", "junk_while": "find", "filter": "find"}
    alike |= {"filter_map": "find_map", "flatten": "map_list"}
    return CONVERSIONS[alike.get(name, name)]


class Oops(Exception):
    """The exception of programs."""


class EmptySlot(Exception):
    """A statement names a slot that holds nothing."""


def _show(value: object) -> str:
    match value:
        case None:
            return "()"
        case Some(inner):
            return f"Some {inner}"
        case bool():
            return "true" if value else "false"
        case list():
            return f"[{'; '.join(map(str, value))}]"
        case bytes():
            return value.decode()
        case ValueError():
            return "Invalid_argument"
        case Exception():
            return type(value).__name__
    return str(value)


def _value_or_error() -> Callable[[Any], int]:
    """What stands for a result. The errors of a source that always fails must come to an end."""
    errors = 0

    def convert(result: Any) -> int:
        nonlocal errors
        if isinstance(result, Ok):
            return result.value  # type: ignore[no-any-return]  # it is a number
        errors += 1
        if errors > 5:
            raise Oops
        return 99

    return convert


def _sum(line: bytes) -> int:
    total = 0
    for character in line:
        total = (total * 31 + character) % 10007
    return total


class Run:
    """One run of one program."""

    def __init__(self, met: Met | None) -> None:
        self._met = met
        self._storage = Storage()
        self._trace: list[str] = []
        self._streams: list[Any] = [None] * STREAMS
        self._makers: list[str] = [""] * STREAMS
        self._sources: list[Any] = [None] * STREAMS
        self._futures = [lwt.task() for _ in range(FUTURES)]
        self._results: list[lwt.Promise[Any]] = []

    def run(self, program: Program) -> list[str]:
        saved = lwt.async_exception_hook.contents
        lwt.async_exception_hook.contents = lambda exn: self._log(f"hook {_show(exn)}")
        try:
            for number, statement in enumerate(program):
                self._execute(statement)
                self._log_all(number)
        finally:
            lwt.async_exception_hook.contents = saved
        return self._trace

    def _log(self, event: str) -> None:
        self._trace.append(event + self._storage.seen())

    def _log_all(self, number: int) -> None:
        results = " ".join(map(self._show_state, self._results))
        sources = ",".join(map(self._show_source, self._sources))
        self._log(f"{number} | {results} | {self._closed_ones()} | {sources}")

    def _closed_ones(self) -> str:
        return "".join(
            "?" if s is None else "c" if lwt_stream.is_closed(s) else "o" for s in self._streams
        )

    @staticmethod
    def _show_state(promise: lwt.Promise[Any]) -> str:
        match lwt.state(promise):
            case lwt.Return(value):
                return f"={_show(value)}"
            case lwt.Fail(exception):
                return f"!{_show(exception)}"
        return "-"

    @staticmethod
    def _show_source(source: Any) -> str:
        if not isinstance(source, lwt_stream.bounded_push):
            return ""
        flags = "b" * source.blocked + "c" * source.closed
        return f"{source.count}/{source.size}{flags}"

    def _stream(self, slot: int) -> Any:
        if self._streams[slot] is None:
            raise EmptySlot
        return self._streams[slot]

    def _set(self, slot: int, name: str, stream: Any, source: Any = None) -> None:
        self._streams[slot] = stream
        self._sources[slot] = source
        self._makers[slot] = name

    def _keep(self, promise: lwt.Promise[Any]) -> None:
        number = len(self._results)

        def tell(how: str, result: object) -> None:
            self._log(f"result {number} {how}{_show(result)} {self._closed_ones()}")

        lwt.on_any(promise, lambda value: tell("=", value), lambda exception: tell("!", exception))
        self._results.append(promise)

    # Callbacks

    def _ending(self, form: Form) -> Form:
        while isinstance(form, tuple) and form[0] == "do":
            for statement in form[1:-1]:
                self._execute(statement)
            form = form[-1] if len(form) > 1 else 1
        return form

    def _callback(self, name: str, endings: list[Form]) -> Callable[[int], Any]:
        """A callback that returns a promise, or not, as its name demands."""
        rest = iter(endings)
        last = 0 if name.startswith("from") else 1
        convert = _conversion(name)
        returns_promise = name in {"from", "parse"} or name.endswith(("_s", "_p", "_n"))

        def call(argument: int) -> Any:
            self._log(f"{name} {argument}")
            ending = self._ending(next(rest, last))
            if ending == "raise" or (ending == "fail" and not returns_promise):
                raise Oops
            if not returns_promise:
                return convert(ending if isinstance(ending, int) else 1)
            if ending == "fail":
                return lwt.fail(Oops())
            if isinstance(ending, int):
                return lwt.return_(convert(ending))
            return lwt.map(convert, self._futures[ending[1]][0])

        return call

    # Statements

    def _execute(self, statement: Form) -> None:
        try:
            self._execute_statement(statement)
        except EmptySlot:
            pass
        except (Oops, lwt.Canceled, lwt_stream.Closed, lwt_stream.Full, lwt_stream.Empty) as exn:
            self._log(f"raises {_show(exn)}")
        except ValueError as exn:
            self._log(f"raises {_show(exn)}")

    def _note(self, name: str, kinds: list[str], numbers: list[int]) -> None:
        if self._met is None:
            return
        self._met[name,] += 1
        for kind, number in zip(kinds, numbers, strict=False):
            if kind in {"S", "T"} and self._makers[number]:
                self._met[self._makers[number], name] += 1

    def _execute_statement(self, statement: Form) -> None:
        name, *arguments = statement
        kinds = SIGNATURES[name].split()
        fixed = len([kind for kind in kinds if kind not in {"*", "B", "C"}])
        numbers, endings = arguments[:fixed], arguments[fixed:]
        self._note(name, kinds, numbers)
        if name in STORAGE_SIGNATURES:
            under_storage(self._storage, statement, self._execute)
        elif name in PUSHING:
            self._push(name, *numbers)
        elif kinds[0] == "F":
            promise_and_resolver = self._futures[numbers[0]]
            self._futures[numbers[0]] = lwt.task()
            value = Oops() if name == "wakeup_exn" else numbers[1]
            getattr(lwt, name)(promise_and_resolver[1], value)
        elif name in {"cancel", "ignore_result", "when"}:
            self._handle_result(name, numbers[0], endings)
        elif kinds[0] == "D":
            self._make(name, numbers, endings)
        else:
            self._read(name, self._stream(numbers[0]), numbers[1:], endings)

    def _handle_result(self, name: str, number: int, endings: list[Form]) -> None:
        if not self._results:
            return
        promise = self._results[number % len(self._results)]
        match name:
            case "cancel":
                lwt.cancel(promise)
            case "ignore_result":
                lwt.ignore_result(promise)
            case _:
                call = self._callback(name, endings)
                lwt.on_any(promise, lambda _: call(number), lambda _: call(number))

    def _push(self, name: str, slot: int, number: int = 0) -> None:
        source = self._sources[slot]
        if isinstance(source, lwt_stream.bounded_push):
            match name:
                case "push":
                    self._keep(source.push(number))
                case "close":
                    source.close()
                case _:
                    source.resize(number)
        elif source is not None and name != "resize":
            source(Some(number) if name == "push" else None)

    def _make(self, name: str, numbers: list[int], endings: list[Form]) -> None:
        slot, *rest = numbers
        if name == "choose" and rest[0] == rest[1]:
            return  # It would give the same element again and again, as OCaml's does.
        kinds = SIGNATURES[name].split()
        source: Any = None
        stream: Any
        if "S" in kinds:
            stream = self._transform(name, [self._stream(number) for number in rest], endings)
        else:
            match name:
                case "create":
                    stream, source = lwt_stream.create()
                case "create_bounded":
                    stream, source = lwt_stream.create_bounded(*rest)
                case "from" | "from_direct":
                    f = self._callback(name, endings)
                    make: Any = lwt_stream.from_ if name == "from" else lwt_stream.from_direct
                    stream = make(lambda: f(0))
                case "return":
                    stream = lwt_stream.return_(rest[0])
                case "return_lwt":
                    stream = lwt_stream.return_lwt(self._futures[rest[0]][0])
                case "of_lwt_seq":
                    stream = lwt_stream.of_lwt_seq(lwt_seq.of_list(range(1, rest[0] + 1)))
                case "of_string":
                    string = bytes(60 + i for i in range(rest[0]))
                    stream = lwt_stream.map(ord, lwt_stream.of_string(string))
                case _:
                    stream = getattr(lwt_stream, name)(range(1, rest[0] + 1))
        self._set(slot, name, stream, source)

    def _transform(self, name: str, streams: list[Any], endings: list[Form]) -> Any:
        match name:
            case "clone":
                return lwt_stream.clone(*streams)
            case "append":
                return lwt_stream.append(*streams)
            case "concat":
                return lwt_stream.concat(lwt_stream.of_list(streams))
            case "combine":
                pairs: Any = lwt_stream.combine(*streams)
                return lwt_stream.map(lambda pair: pair[0] + 10 * pair[1], pairs)
            case "choose":
                return lwt_stream.choose(streams)
            case "wrap_exn":
                results: Any = lwt_stream.wrap_exn(*streams)
                return lwt_stream.map(_value_or_error(), results)
            case "hexdump":
                characters = lwt_stream.map(lambda n: bytes([n % 256]), *streams)
                return lwt_stream.map(_sum, lwt_stream.hexdump(characters))
            case "flatten":
                lists: Any = lwt_stream.map(self._callback(name, endings), *streams)
                return lwt_stream.flatten(lists)
        return getattr(lwt_stream, name)(self._callback(name, endings), *streams)

    def _read(self, name: str, stream: Any, numbers: list[int], endings: list[Form]) -> None:
        f = self._callback(name, endings) if "*" in SIGNATURES[name].split() else None
        function: Callable[..., Any] = getattr(lwt_stream, name)
        match name:
            case "to_string":
                characters = lwt_stream.map(lambda n: bytes([n % 64 + 60]), stream)
                self._keep(function(characters))
            case "npeek" | "nget" | "njunk":
                self._keep(function(numbers[0], stream))
            case "get_available_up_to":
                self._log(_show(function(numbers[0], stream)))
            case "get_available":
                self._log(_show(function(stream)))
            case "junk_available":
                function(stream)
            case "iter_n":
                self._keep(function(f, stream, max_concurrency=numbers[0] + 1))
            case "fold":
                assert f
                self._keep(function(lambda n, total: f(n) + 2 * total, stream, 0))
            case "fold_s":
                assert f
                self._keep(
                    function(lambda n, total: lwt.map(lambda m: m + 2 * total, f(n)), stream, 0)
                )
            case "parse":
                assert f
                self._keep(function(stream, lambda _: f(0)))
            case _ if f is not None:
                self._keep(function(f, stream))
            case _:
                self._keep(function(stream))
