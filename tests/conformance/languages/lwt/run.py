"""Running programs of `language.py` on anything that has the functions of `lwt`.

`Run` returns a trace, a list of lines: every run of a callback, with its argument and the
storage it sees, every call of `async_exception_hook`, and the end of every top-level
statement, each with the states of all promises made so far, in the order in which they were
made. Traces of two implementations are compared as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from typing import Any

from lwt import Error, Ok, Some
from tests.conformance.forms import Form, Program
from tests.conformance.languages.lwt.language import SIGNATURES
from tests.conformance.languages.storage import KEYS, under_storage

Waiting = Generator[Any, None, Any]  # yields promises to wait for, returns the one that it owes
Shower = Callable[[object], str]

PENDING = "-"
CONSTANTS = {"return_unit", "return_none", "return_nil", "return_true", "return_false"}
CHOOSING = {"choose", "pick", "<?>"}
RETURNED = "(promise)"  # how `met` names returning a promise from a callback


MOST_SHOWN = 100  # parts of a value
CUT = ".."
MOST_RUNS = 20  # of a hook or notifier: these could otherwise keep themselves busy forever
MOST_EVENTS = 10_000


class Endless(BaseException):
    """A program did not come to its end; programs do, so something is wrong."""


class EmptySlot(Exception):
    """A statement names a slot that holds nothing."""


class Oops(Exception):
    """The exception of programs."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def located(exception: Exception) -> Exception:
    """Do what `add_loc` does in programs, which is the first argument of `backtrace_bind`."""
    return Oops(exception.number + 100) if isinstance(exception, Oops) else exception


def show_exception(exception: BaseException) -> str:
    match exception:
        case Oops():
            return f"E{exception.number}"
        case ValueError():  # our messages go on where OCaml's end
            return f"Invalid_argument {str(exception).split()[0].rstrip(':')}"
        case _:
            return type(exception).__name__


def show_value(value: object) -> str:
    """Show a value, no more than MOST_SHOWN of its parts: shared ones can make it endless."""
    left = MOST_SHOWN

    def shown(value: object) -> str:
        nonlocal left
        left -= 1
        if left < 0:
            return CUT
        match value:
            case None:
                return "()"
            case list():
                return f"[{'; '.join(map(shown, value))}]"
            case tuple():
                return f"({', '.join(map(shown, value))})"
            case BaseException():
                return show_exception(value)
            case Some(inner) | Ok(inner):
                return f"Some {shown(inner)}"
            case Error(inner):
                return f"Error {shown(inner)}"
            case bool():
                return "true" if value else "false"
            case _:
                return str(value)

    return shown(value)


def show_as_in_memory(value: object) -> str:
    """Show a value as the OCaml side does, where only the layout in memory is known.

    A list is a pair of its first element and the rest; what is empty or false is `()`.
    """
    left = MOST_SHOWN

    def shown(value: object) -> str:
        nonlocal left
        left -= 1
        if left < 0:
            return CUT
        match value:
            case None | False | []:
                return "()"
            case [first, *rest] if isinstance(value, list):
                return f"({shown(first)}, {shown(rest)})"
            case tuple():
                return f"({', '.join(map(shown, value))})"
            case Some(inner) | Ok(inner):
                return f"Some {shown(inner)}"
            case Error(inner):
                return f"Error {shown(inner)}"
            case BaseException():
                return show_exception(value)
            case True:
                return "true"
            case _:
                return str(value)

    return str(value) if type(value) is int else shown(value)  # mostly numbers, and fast


class Run:
    """One run of one program."""

    def __init__(
        self,
        subject: Any,
        *,
        random_choices: bool,
        show: Shower = show_value,
        met: Counter[tuple[str, ...]] | None = None,
    ) -> None:
        """Take an object with the functions of `lwt`, and what `promise_subjects` adds.

        Without `random_choices`, `choose` and `pick` are skipped where they would
        take one of several, so that other generators of random numbers do not matter.

        In `met` it counts the statements that ran, `(name,)`, and those that took what
        another one had made, `(maker, name)`.
        """
        self.subject = subject
        self.random_choices = random_choices
        self.trace: list[str] = []
        self._show_value = show
        self._met = met
        self._promises: list[Any] = []
        self._states: list[str] = []  # of the promises, as far as they were shown
        self._slots: dict[int, Any] = {}
        self._makers: dict[int, str] = {}
        self._resolvers: dict[int, Any] = {}
        self._busy: set[str] = set()  # the hook, the notifier: not called by themselves
        self._acted: Counter[str] = Counter()  # of these
        self._events = 0
        subject.set_hook(self._log_in_hook)

    def run(self, program: Program) -> list[str]:
        for number, statement in enumerate(program):
            end = "ends"
            if number == len(program) - 1:
                self._states = []  # Has anything changed that was resolved?
            try:
                self._execute(statement)
            except Exception as exception:
                end = f"raises {show_exception(exception)}"
            except Endless:
                return [*self.trace, "and so on"]
            self._log(f"statement {number} {end}, {self.subject.paused_count()} paused")
        return self.trace

    def _log(self, event: str) -> None:
        self._count_event()
        show = self._show_value
        seen = [self.subject.get(key) for key in range(KEYS)]
        storage = " ".join("-" if value is None else show(value) for value in seen)
        states = self._states
        for number, state in enumerate(states):
            if state == PENDING:
                states[number] = self._show_state(self._promises[number])
        for promise in self._promises[len(states) :]:
            states.append(self._show_state(promise))
        self.trace.append(f"{event} | {storage} | {' '.join(states)}")

    def _count_event(self) -> None:
        self._events += 1
        if self._events > MOST_EVENTS:
            raise Endless

    def _log_in_hook(self, exception: Exception) -> None:
        self._log(f"hook {show_exception(exception)}")

    def _show_state(self, promise: Any) -> str:
        match self.subject.outcome(promise):
            case None:
                return PENDING
            case is_rejected, value:
                return ("!" if is_rejected else "") + self._show_value(value)
            case other:
                raise AssertionError(other)

    # Statements

    def _execute_all(self, statements: Program) -> None:
        for statement in statements:
            self._execute(statement)

    def _execute(self, statement: Form) -> None:
        name, *arguments = statement
        match name:
            case "with_value" | "without_value":
                self._note(name)
                under_storage(self.subject, statement, self._execute)
            case "await":
                pass  # Some other callback than one that owes a promise: there are none.
            case _:
                self._call(name, arguments)

    def _note(self, *names: str) -> None:
        if self._met is not None:
            self._met[names] += 1

    def _note_call(self, name: str, arguments: list[Form]) -> None:
        self._note(name)
        forms = iter(arguments)
        for kind in SIGNATURES[name].split():
            if kind == "Q":
                continue
            form = next(forms)
            if kind in {"P", "R"}:
                self._note(self._makers[form], name)
            elif kind == "L":
                for slot in form:
                    self._note(self._makers[slot], name)

    def _call(self, name: str, arguments: list[Form]) -> None:
        kinds = SIGNATURES[name].split()
        forms = iter(arguments)
        converted = []
        destination: int | None = None
        try:
            for kind in kinds:
                if kind == "D":
                    destination = next(forms)
                elif kind == "Q":
                    converted.append(self.subject.sequence)
                else:
                    converted.append(self._convert(kind, next(forms)))
        except EmptySlot:
            return
        if name in CHOOSING and not self._may_choose(converted if name == "<?>" else converted[0]):
            return
        if self._met is not None:
            self._note_call(name, arguments)
        own = getattr(self, f"_do_{name}", None)
        function = own or getattr(self.subject, name)
        result = function if name in CONSTANTS else function(*converted)
        if destination is None:
            return
        if name in {"task", "wait"}:
            result, self._resolvers[destination] = result
        elif name == "nchoose_split":
            result = self.subject.map(self._name_pending, result)
        self._slots[destination] = result
        self._makers[destination] = name
        self._promises.append(result)

    def _convert(self, kind: str, form: Form) -> Any:
        match kind:
            case "P":
                return self._promise(form)
            case "L":
                return [self._promise(slot) for slot in form]
            case "R":
                if form not in self._resolvers:
                    raise EmptySlot
                return self._resolvers[form]
            case "V" | "N":
                return form
            case "E":
                return self._exception(form)
            case "X":
                return Ok(form[1]) if form[0] == "ok" else Error(self._exception(form[1]))
            case "W":
                return None if form == "sleep" else Some(form[1])
            case _:
                return self._callback(kind, form)

    def _promise(self, slot: int) -> Any:
        if slot not in self._slots:
            raise EmptySlot
        return self._slots[slot]

    def _exception(self, form: Form) -> Exception:
        match form:
            case "canceled":
                canceled: Exception = self.subject.Canceled()
                return canceled
            case "out_of_memory":
                return MemoryError()
            case "stack_overflow":
                return RecursionError()
            case _:
                return Oops(form)

    def _name_pending(self, split: tuple[list[Any], list[Any]]) -> object:
        """Stand numbers in for the promises in the result of nchoose_split."""
        values, rest = split
        names = [next(n for n, p in enumerate(self._promises) if p is q) for q in rest]
        return (values, names)

    def _may_choose(self, promises: list[Any]) -> bool:
        """Tell whether the choice is a certain one; if chance is allowed, make it repeatable."""
        self.subject.choices.seed(0)
        if self.random_choices:
            return True
        outcomes = [o for p in promises if (o := self.subject.outcome(p)) is not None]
        rejected = [value for is_rejected, value in outcomes if is_rejected]
        return len(rejected or outcomes) <= 1

    # Statements that are more than a call. Their names are those of `language.py`.

    def _do_poll(self, promise: Any) -> None:
        found = self.subject.poll(promise)
        self._log("poll None" if found is None else f"poll {self._show_value(found.value)}")

    def _do_is_sleeping(self, promise: Any) -> None:
        is_sleeping = self.subject.is_sleeping(promise)
        self._log("is sleeping" if is_sleeping else "is not sleeping")

    def _do_set_hook(self, callback: Callable[[Exception], object]) -> None:
        def hook(exception: Exception) -> None:
            self._log_in_hook(exception)
            self._unless_busy("hook", lambda: callback(exception))

        self.subject.set_hook(hook)

    def _do_register_pause_notifier(self, callback: Callable[[int], object]) -> None:
        self.subject.register_pause_notifier(
            lambda count: self._unless_busy("notifier", lambda: callback(count))
        )

    def _unless_busy(self, who: str, act: Callable[[], object], at_most: int = MOST_RUNS) -> None:
        if who not in self._busy and self._acted[who] < at_most:
            self._busy.add(who)
            self._acted[who] += 1
            try:
                act()
            finally:
                self._busy.remove(who)

    def _do_wrap1(self, function: Callable[[object], object], argument: object) -> Any:
        return self.subject.wrap1(function)(argument)

    def _do_wrap2(self, function: Callable[[object], object], *arguments: object) -> Any:
        return self._wrap(2, function, arguments)

    def _do_wrap3(self, function: Callable[[object], object], *arguments: object) -> Any:
        return self._wrap(3, function, arguments)

    def _do_wrap4(self, function: Callable[[object], object], first: int) -> Any:
        return self._wrap(4, function, range(first, first + 4))

    def _do_wrap5(self, function: Callable[[object], object], first: int) -> Any:
        return self._wrap(5, function, range(first, first + 5))

    def _do_wrap6(self, function: Callable[[object], object], first: int) -> Any:
        return self._wrap(6, function, range(first, first + 6))

    def _do_wrap7(self, function: Callable[[object], object], first: int) -> Any:
        return self._wrap(7, function, range(first, first + 7))

    def _wrap(self, number: int, function: Callable[[object], object], arguments: Any) -> Any:
        wrap = getattr(self.subject, f"wrap{number}")
        return wrap(lambda *given: function(list(given)))(*arguments)

    def _do_nested_wakeups(self, depth: int, callback: Callable[[], object]) -> None:
        def act() -> None:
            row = [self.subject.wait() for _ in range(max(1, depth))]

            def wake(number: int) -> None:
                self.subject.wakeup(row[number][1], None)
                if number == len(row) - 1:
                    self._log("back")

            for number in range(1, len(row)):
                self.subject.on_success(row[number - 1][0], lambda _, number=number: wake(number))
            self.subject.on_success(row[-1][0], lambda _: callback())
            self.subject.wakeup(row[0][1], None)

        self._unless_busy("nested_wakeups", act, at_most=MOST_EVENTS)

    def _do_chain(self, promise: Any, length: int) -> Any:
        resolvers = []
        for _ in range(length):
            gate, resolver = self.subject.wait()
            resolvers.append(resolver)
            promise = self.subject.bind(gate, lambda _, inner=promise: inner)
        for resolver in resolvers:
            self.subject.wakeup(resolver, None)
        return promise

    def _do_loop(self, promise: Any, length: int) -> Any:
        resolvers = []

        def turn(number: int) -> Any:
            if number == 0:
                return promise
            gate, resolver = self.subject.wait()
            resolvers.append(resolver)
            return self.subject.bind(gate, lambda _: turn(number - 1))

        first = turn(length)
        for resolver in resolvers:  # which gets longer meanwhile
            self.subject.wakeup(resolver, None)
        return first

    # Callbacks

    def _callback(self, kind: str, form: Form) -> Callable[..., Any]:
        """Return the function of a callback, which takes and owes what its kind says."""
        takes, owes = kind[0], kind[1]
        _, number, *statements, end = form

        def shown(argument: object) -> str:
            return f"{number}({self._show_value(argument) if takes == '1' else ''})"

        def run(argument: object) -> Any:
            self._log(shown(argument))
            self._execute_all(tuple(statements))
            return self._finish(end, argument)

        def run_and_wait(argument: object) -> Waiting:
            self._log(shown(argument))
            for statement in statements:
                if statement[0] != "await":
                    self._execute(statement)
                elif statement[1] in self._slots:
                    self._note("await")
                    self._note(self._makers[statement[1]], "await")
                    yield self._slots[statement[1]]
                    self._log(f"{number} goes on")
            return self._promised_end(end, argument)

        def run_without_exceptions(argument: object) -> None:
            error = None
            try:
                run(argument)
            except Exception as exception:
                error = exception
            if error is not None:
                self._log(f"{number} raises {show_exception(error)}")

        body: Callable[[object], Any]
        match owes:
            case "p":
                body = lambda argument: self.subject.run_waiting(run_and_wait(argument))  # noqa: E731
            case "h":
                body = run_without_exceptions
            case _:
                body = run
        return body if takes == "1" else lambda: body(None)

    def _promised_end(self, end: Form, argument: object) -> Any:
        match end:
            case ("rejected", exception):
                return self.subject.fail(self._exception(exception))
            case ("promise", slot) if slot in self._slots:
                self._note(self._makers[slot], RETURNED)
                return self._slots[slot]
            case _:
                return self.subject.return_(self._finish(end, argument))

    def _finish(self, end: Form, argument: object) -> object:
        match end:
            case ("raise", exception):
                raise self._exception(exception)
            case ("argument",):
                return argument
            case ("return", number):
                return number
            case _:
                return 0


class SilentRun(Run):
    """A run that leaves no trace: for what it does to the subject."""

    def _log(self, event: str) -> None:
        self._count_event()
