"""One run of a program of `programs.py` on our library."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, Final

import lwt
from lwt_unix import lwt_engine, lwt_preemptive, lwt_throttle, lwt_timeout
from lwt_unix._descriptors.actions import is_ready
from lwt_unix._descriptors.io_event import Read
from lwt_unix._jobs import notifications
from lwt_unix.lwt_preemptive import _workers
from tests.conformance.forms import Form, Program
from tests.conformance.language import Met
from tests.conformance.languages.waiting.run import Numbered, Run, show_exception

MORE_WORKERS: Final = "in OCaml those who wait for a worker get none when there may be more"


class Clock:
    """A clock that goes on only when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def engine_of(clock: Clock) -> Iterator[None]:
    """Have an engine of a program's own."""
    usual, own = lwt_engine.get(), lwt_engine.select(clock=clock)
    lwt_engine.set(own, transfer=False, destroy=False)
    try:
        lwt_timeout._renew()
        _workers.renew()
        notifications.open_way()
        yield
    finally:
        lwt_timeout._renew()
        _workers.renew()
        lwt_engine.set(usual, transfer=False, destroy=False)
        own.destroy()


def turn() -> None:
    lwt_engine.iter(False)
    lwt.wakeup_paused()


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for another thread."""
    while not is_so():
        time.sleep(0)


def has_come() -> bool:
    """Whether the main loop will hear of what was sent."""
    pipe = notifications._pipe
    return bool(notifications._sent) and pipe is not None and is_ready(Read, pipe._reading)


class Computation:
    """What a worker does, told by the program."""

    def __init__(self, run: TimedRun) -> None:
        self.commands: SimpleQueue[Form] = SimpleQueue()
        self.heard: SimpleQueue[str] = SimpleQueue()
        self.has_begun = self.is_over = self.asks = self.is_answered = False
        self._run = run

    def __call__(self) -> int:
        self.has_begun = True
        while True:
            match self.commands.get():
                case ("end", value):
                    if value % 2:
                        raise Numbered(value)
                    return int(value)
                case ("ask", function):
                    try:
                        answer = str(lwt_preemptive.run_in_main(lambda: self._ask(function)))
                    except Exception as exn:
                        answer = show_exception(exn)
                    self.heard.put(answer)

    def _ask(self, function: Form) -> lwt.Promise[Any]:
        promise = lwt.apply(self._run._call, function)
        lwt.on_termination(promise, self._note_answer)
        return promise

    def _note_answer(self) -> None:
        self.is_answered = True

    def note_end(self, _: object) -> None:
        self.is_over = True

    def is_at_work(self) -> bool:
        return self.has_begun and not self.is_over


class TimedRun(Run):
    """One run of one program; it notices where ours differs on purpose."""

    def __init__(self, met: Met | None) -> None:
        super().__init__(met)
        self._clock = Clock()
        self._is_over = False
        self._timeouts: list[lwt_timeout.Timeout | None] = [None] * 3
        self._limits: lwt_throttle.S[int] = lwt_throttle.Make()
        self._throttles: list[lwt_throttle.Throttle[int] | None] = [None] * 2
        self._computations: dict[int, Computation] = {}
        self._all_computations: list[Computation] = []
        self._all_resolvers: list[tuple[lwt.Promise[Any], lwt.Resolver[Any]]] = []

    def run(self, program: Program) -> list[str]:
        with engine_of(self._clock):
            lwt_preemptive.init(0, 2, lambda _: None)
            try:
                return super().run(program)
            finally:
                hook = lwt.async_exception_hook.contents
                lwt.async_exception_hook.contents = lambda _: None
                self._clean_up()
                lwt.async_exception_hook.contents = hook

    def _clean_up(self) -> None:
        self._is_over = True
        for promise in self._promises:
            if promise is not None:
                lwt.cancel(promise)
        for promise, resolver in self._all_resolvers:
            if lwt.is_sleeping(promise):
                lwt.wakeup(resolver, 0)
        for one in self._all_computations:
            one.commands.put(("end", 0))
        while lwt_preemptive.nbthreadsbusy():
            turn()

    def _log(self, event: str) -> None:
        if not self._is_over:
            if event.startswith("statement"):
                self._listen()
            super()._log(event)

    def _state(self) -> str:
        letters = super()._state().split()[0]
        counts = (
            lwt_preemptive.nbthreads(),
            lwt_preemptive.nbthreadsbusy(),
            lwt_preemptive.nbthreadsqueued(),
        )
        return " ".join([letters, *map(str, counts)])

    def _call(self, function: Form) -> lwt.Promise[Any]:
        if self._is_over:
            return lwt.return_(0)
        promise = super()._call(function)
        match function[-1]:
            case ("wait" | "task", slot):
                resolver = self._resolvers[slot]
                if resolver is not None:
                    self._all_resolvers.append((promise, resolver))
        return promise

    def _execute(self, statement: Form) -> None:
        if statement[0] == "pass":
            self._meet("pass")
            self._clock.now += statement[1] * 0.5
            turn()
        else:
            super()._execute(statement)

    # The modules

    def _timeout(self, name: str, function: str, arguments: list[Any]) -> None:
        match function, arguments:
            case "create", [slot, delay, action]:
                self._timeouts[slot] = lwt_timeout.create(delay, lambda: self._call(action))
            case "set_exn_handler", [value]:
                lwt_timeout.set_exn_handler(self._handle if value % 2 == 0 else self._pass_on)
            case "start", [slot]:
                if timeout := self._timeouts[slot]:
                    lwt_timeout.start(timeout)
            case "stop", [slot]:
                if timeout := self._timeouts[slot]:
                    lwt_timeout.stop(timeout)
            case "change", [slot, delay]:
                if timeout := self._timeouts[slot]:
                    lwt_timeout.change(timeout, delay)

    def _handle(self, exception: Exception) -> None:
        self._log(f"handler {show_exception(exception)}")

    def _pass_on(self, exception: Exception) -> None:
        lwt.async_exception_hook.contents(exception)

    def _throttle(self, name: str, function: str, arguments: list[int]) -> None:
        match function, arguments:
            case "create", [structure, rate, most, number]:
                made = self._limits.create(rate=rate, max=most, n=number)
                self._throttles[structure] = made
            case "wait", [slot, structure, key]:
                if throttle := self._throttles[structure]:
                    self._keep(name, slot, lwt.map(int, self._limits.wait(throttle, key)))

    def _preemptive(self, name: str, function: str, arguments: list[Any]) -> None:
        match function, arguments:
            case "detach", [slot, number]:
                self._detach(name, slot, number)
            case "finish", [number, value]:
                if computation := self._idle(number):
                    self._tell(computation, ("end", value))
            case "run_in_main", [number, asked]:
                if computation := self._idle(number):
                    computation.asks = True
                    self._tell(computation, ("ask", asked))
            case "init", [least, most]:
                self._note_more(most)
                lwt_preemptive.init(least, most, lambda _: None)
            case "set_bounds", [least, most]:
                self._note_more(most)
                lwt_preemptive.set_bounds((least, most))
            case "simple_init", []:
                lwt_preemptive.simple_init()
            case "get_bounds", []:
                least, most = lwt_preemptive.get_bounds()
                self._log(f"bounds {least} {most}")
            case "set_max_number_of_threads_queued", [number]:
                lwt_preemptive.set_max_number_of_threads_queued(number - 1)
            case "get_max_number_of_threads_queued", []:
                self._log(f"at most {lwt_preemptive.get_max_number_of_threads_queued()}")

    def _note_more(self, most: int) -> None:
        if lwt_preemptive.nbthreadsqueued() and most > lwt_preemptive.nbthreads():
            self.doubtful.append(MORE_WORKERS)

    def _detach(self, name: str, slot: int, number: int) -> None:
        before = self._computations.get(number)
        if before is not None and not before.is_over:
            return
        computation = self._computations[number] = Computation(self)
        self._all_computations.append(computation)
        promise = lwt_preemptive.detach(computation)
        lwt.on_any(promise, computation.note_end, computation.note_end)
        self._keep(name, slot, promise)

    def _idle(self, number: int) -> Computation | None:
        """Return the computation of a number if it can be told something."""
        found = self._computations.get(number)
        return found if found is not None and found.is_at_work() and not found.asks else None

    def _tell(self, computation: Computation, command: Form) -> None:
        computation.commands.put(command)
        wait_until(has_come)
        turn()

    def _listen(self) -> None:
        """Wait for the threads, and tell what they have heard."""
        busy = lwt_preemptive.nbthreadsbusy()
        wait_until(lambda: sum(one.is_at_work() for one in self._all_computations) == busy)
        for number, one in sorted(self._computations.items()):
            if one.asks and one.is_answered:
                self._log(f"{number} hears {one.heard.get()}")
                one.asks = one.is_answered = False
