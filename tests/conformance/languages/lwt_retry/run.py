"""Running programs over attempts on our library; `ocaml/retry_programs.ml` is written alike."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import lwt
from lwt import lwt_stream
from lwt_unix import lwt_engine, lwt_retry
from lwt_unix.lwt_engine._base import events_of
from tests.conformance.forms import Form, Program

Attempt = lwt_retry.attempt[int, int, int]


class E(Exception):
    """The exception of programs."""


def show_exception(exception: Exception) -> str:
    if isinstance(exception, E):
        return f"E{exception.args[0]}"
    if isinstance(exception, lwt.Failure | ValueError):
        name, what, *_ = str(exception).split(": ")
        return f"{name}: {what}"
    return type(exception).__name__


def show(attempt: Attempt) -> str:
    if isinstance(attempt, lwt.Ok):
        return f"ok {attempt.value}"
    (kind, reason), number = attempt.error
    return f"{kind.lower()} {reason} in attempt {number}"


def show_option(attempt: lwt.Some[Attempt] | None) -> str:
    return "the end" if attempt is None else show(attempt.value)


def show_list(attempts: list[Attempt]) -> str:
    return ", ".join(map(show, attempts))


def error_of(form: Form) -> lwt_retry.error[int, int]:
    return ("Retry", form[1]) if form[0] == "retry" else ("Fatal", form[1])


def result_of(form: Form) -> lwt.Ok[int] | lwt.Error[lwt_retry.error[int, int]]:
    return lwt.Ok(form[1]) if form[0] == "ok" else lwt.Error(error_of(form))


class Run:
    """One run of one program."""

    def __init__(self) -> None:
        self._trace: list[str] = []
        self._now = 0.0
        empty: lwt_stream.Stream[Attempt] = lwt_stream.of_list([])
        self._streams = [empty] * 2
        self._promises: list[lwt.Promise[Any] | None] = [None] * 4
        self._resolvers: list[lwt.Resolver[Any] | None] = [None] * 2

    def run(self, program: Program) -> list[str]:
        usual = lwt_engine.get()
        lwt_engine.set(lwt_engine.select(clock=lambda: self._now), destroy=False)
        try:
            for statement in program:
                try:
                    self._execute(statement)
                except (E, ValueError, lwt.Canceled, lwt.Failure) as exception:
                    self._trace.append(f"raises {show_exception(exception)}")
            self._advance(1e9)
        finally:
            for event in events_of(lwt_engine.get()):
                event.stop()  # Else the next engine would take it over.
            lwt_engine.set(usual)
        return self._trace

    def _advance(self, seconds: float) -> None:
        self._now += seconds
        lwt_engine.iter(False)

    def _watch(self, p: int, show: Callable[[Any], str], promise: lwt.Promise[Any]) -> None:
        self._promises[p] = lwt.bind(promise, lambda _: lwt.return_unit)
        lwt.on_any(
            promise,
            lambda value: self._trace.append(f"{p} is {show(value)}"),
            lambda exn: self._trace.append(f"{p} fails with {show_exception(exn)}"),
        )

    def _function(self, results: tuple[Form, ...]) -> Callable[[], lwt.Promise[Any]]:
        rest = list(results)

        def call() -> lwt.Promise[Any]:
            self._trace.append("called")
            form = rest.pop(0) if rest else ("retry", 9)
            match form:
                case ("raise", code):
                    raise E(code)
                case ("rejected", code):
                    return lwt.fail(E(code))
                case ("wait", w):
                    promise, self._resolvers[w] = lwt.task()
                    return promise
                case _:
                    return lwt.return_(result_of(form))

        return call

    def _execute(self, statement: Form) -> None:
        streams = self._streams
        match statement:
            case ("on_error", s, *results):
                streams[s] = lwt_retry.on_error(self._function(tuple(results)))
            case ("with_sleep", s):
                streams[s] = lwt_retry.with_sleep(streams[s])
            case ("with_sleep_by", s, factor):

                def duration(number: int) -> float:
                    self._trace.append(f"duration {number}")
                    if factor == 3:
                        raise E(3)
                    return float(factor * number) / 100

                streams[s] = lwt_retry.with_sleep(streams[s], duration=duration)
            case ("n_times", p, n, s):
                self._watch(p, show, lwt_retry.n_times(n - 1, streams[s]))
            case ("get", p, s):
                self._watch(p, show_option, lwt_stream.get(streams[s]))
            case ("nget", p, n, s):
                self._watch(p, show_list, lwt_stream.nget(n, streams[s]))
            case ("answer", w, form):
                resolver, self._resolvers[w] = self._resolvers[w], None
                if resolver is not None and form[0] == "rejected":
                    lwt.wakeup_exn(resolver, E(form[1]))
                elif resolver is not None:
                    lwt.wakeup(resolver, result_of(form))
            case ("cancel", p):
                if (promise := self._promises[p]) is not None:
                    lwt.cancel(promise)
            case ("advance", hundredths):
                self._advance(float(hundredths) / 100)
            case ("default_sleep_duration", n):
                self._trace.append(f"{lwt_retry.default_sleep_duration(n - 40):.6g} seconds")
            case ("equal_error", one, other):
                is_equal = lwt_retry.equal_error(
                    error_of(one),
                    error_of(other),
                    retry=lambda a, b: a == b,
                    fatal=lambda a, b: a % 2 == b % 2,
                )
                self._trace.append(str(is_equal).lower())
            case ("pp_error", which, form):
                self._print(which, error_of(form))
            case _:
                raise AssertionError(statement)

    def _print(self, which: int, error: lwt_retry.error[int, int]) -> None:
        out = io.StringIO()
        printers: dict[str, Any] = {}
        if which & 1:
            printers["retry"] = lambda out, reason: out.write(f"again {reason}")
        if which & 2:
            printers["fatal"] = lambda out, reason: out.write(f"never {reason}")
        lwt_retry.pp_error(out, error, **printers)
        self._trace.append(out.getvalue())
