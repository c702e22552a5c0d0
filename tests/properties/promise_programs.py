"""Random programs over promises: what they look like, how to make, print, read and run them.

A program is plain data, nested tuples of words and numbers, and has a text form
of one line, so that it can be kept, mailed and run elsewhere:

    (task 0) (bind 1 0 (do 1 (cancel 2) (argument))) (wakeup 0 7)

It is a row of statements. Slots, numbered from 0, hold promises; `task` and
`wait` also put a resolver into the resolver slot of the same number. The first
argument of a statement that makes a promise is the slot to put it in. What names
an empty slot is skipped. A callback is written `(do NUMBER STATEMENT... END)`;
its number serves to tell callbacks apart in traces, and its end is one of

    (return V)    a value, or a promise fulfilled with it where a promise is wanted
    (argument)    the same with the argument of the callback
    (rejected E)  a rejected promise
    (promise S)   the promise in a slot, or as (return 0) if it is empty
    (raise E)     an exception

A callback that owes a promise may also contain `(await S)`: what follows it runs
when the promise in the slot is fulfilled. Values are numbers; exceptions are numbers too, or the word `canceled`.

`Run` runs a program on anything that has the functions of `lwt` as attributes
and returns its trace, a list of lines: every run of a callback, with its argument
and the storage it sees, and the end of every top-level statement, each with the
states of all promises made so far, in the order in which they were made. Traces
of two implementations are compared as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from typing import Any, Final

Form = Any  # int | str | tuple[Form, ...]; a recursive union would need a cast at each use
Program = tuple[Form, ...]
Waiting = Generator[Any, None, Any]  # yields promises to wait for, returns the one that it owes

# What stands for what in the signatures of statements:
#   D  slot for the promise that is made     P  slot of a promise   L  slots of promises
#   R  slot of a resolver   V  value   E  exception   K  storage key   Q  the sequence of tasks
# Callbacks: what they are given (0 nothing, 1 an argument), then what they owe:
#   p  a promise   v  a value   u  nothing   h  nothing, and they must not raise
#   S  the statements of a block
SIGNATURES: Final[dict[str, str]] = {
    "task": "D",
    "wait": "D",
    "return_": "D V",
    "fail": "D E",
    "bind": "D P 1p",
    "map": "D 1v P",
    "catch": "D 0p 1p",
    "try_bind": "D 0p 1p 1p",
    "finalize": "D 0p 0p",
    "on_success": "P 1u",
    "on_failure": "P 1u",
    "on_termination": "P 0u",
    "on_any": "P 1u 1u",
    "on_cancel": "P 0u",
    "wakeup": "R V",
    "wakeup_later": "R V",
    "wakeup_exn": "R E",
    "wakeup_later_exn": "R E",
    "cancel": "P",
    "join": "D L",
    "both": "D P P",
    "all": "D L",
    "choose": "D L",
    "pick": "D L",
    "nchoose": "D L",
    "npick": "D L",
    "nchoose_split": "D L",
    "protected": "D P",
    "no_cancel": "D P",
    "wrap_in_cancelable": "D P",
    "pause": "D",
    "wakeup_paused": "",
    "abandon_paused": "",
    "async_": "0p",
    "dont_wait": "0p 1h",
    "ignore_result": "P",
    "with_value": "K V S",
    "without_value": "K S",
    "add_task_l": "D Q",
    "add_task_r": "D Q",
    "take_l": "V",
    "abandon_wakeups": "",
    "await": "P",
}

# Drawn more often than others, so that something happens in most programs.
COMMON: Final = [
    "task",
    "bind",
    "map",
    "catch",
    "on_any",
    "on_cancel",
    "cancel",
    "join",
    "pick",
    "with_value",
] + ["wakeup", "wakeup_later", "wakeup_exn"] * 2

IN_ANY_CALLBACK: Final = [
    name for name in SIGNATURES if name not in {"await", "abandon_wakeups"}
] + COMMON
IN_CALLBACK_THAT_OWES_A_PROMISE: Final = IN_ANY_CALLBACK + ["await"] * 4
# Inside a callback, abandon_wakeups would unbalance OCaml's nesting depth.
TOP_LEVEL: Final = [*IN_ANY_CALLBACK, "abandon_wakeups"]

SLOTS: Final = 5
KEYS: Final = 2
VALUES: Final = 4
DEEPEST_CALLBACK: Final = 3


# Text


def show(program: Program) -> str:
    """Return the text of a program."""
    return " ".join(_show_form(form) for form in program)


def _show_form(form: Form) -> str:
    return f"({show(form)})" if isinstance(form, tuple) else str(form)


def parse(text: str) -> Program:
    """Read a program from its text."""
    tokens = iter(re.findall(r"[()]|[^\s()]+", text))

    def forms() -> Iterator[Form]:
        for token in tokens:
            if token == ")":
                return
            if token == "(":
                yield tuple(forms())
            else:
                yield int(token) if token.isdigit() else token

    return tuple(forms())


# Making


class Maker:
    """Makes a program out of numbers: `choose(n)` returns one of 0 ... n-1, 0 being simplest."""

    def __init__(self, choose: Callable[[int], int]) -> None:
        self._choose = choose
        self._callbacks = 0

    def program(self, longest: int = 14) -> Program:
        """Make a program that begins with three pending promises and resolves most at its end."""
        beginning: Program = (("task", 0), ("task", 1), ("wait", 2))
        ends: list[Program] = [
            (("wakeup", slot, 0), ("wakeup_exn", slot, 1), ("cancel", slot))
            for slot in range(SLOTS)
        ]
        return (
            *beginning,
            *self._statements(longest, depth=0, names=TOP_LEVEL),
            ("wakeup_paused",),
            ("take_l", 0),
            *(end[self._choose(len(end))] for end in ends),
        )

    def _statements(self, longest: int, depth: int, names: list[str]) -> Program:
        statements: list[Form] = []
        while len(statements) < longest and self._choose(longest + 1) > 0:
            name = names[self._choose(len(names))]
            arguments: list[Form] = []
            for kind in SIGNATURES[name].split():
                if kind == "S":
                    arguments.extend(self._statements(3, depth, IN_ANY_CALLBACK))
                elif kind != "Q":
                    arguments.append(self._argument(kind, depth))
            statements.append((name, *arguments))
        return tuple(statements)

    def _argument(self, kind: str, depth: int) -> Form:
        match kind:
            case "D" | "P" | "R":
                return self._choose(SLOTS)
            case "V":
                return self._choose(VALUES)
            case "E":
                return self._choose(VALUES) or "canceled"
            case "K":
                return self._choose(KEYS)
            case "L":
                return tuple(self._choose(SLOTS) for _ in range(self._choose(4)))
            case _:
                return self._callback(kind, depth + 1)

    def _callback(self, kind: str, depth: int) -> Form:
        self._callbacks += 1
        number = self._callbacks
        names = IN_CALLBACK_THAT_OWES_A_PROMISE if kind[1] == "p" else IN_ANY_CALLBACK
        statements = () if depth > DEEPEST_CALLBACK else self._statements(3, depth, names)
        ends: list[Form] = [("return", self._choose(VALUES))]
        if kind[0] == "1":
            ends.append(("argument",))
        if kind[1] != "h":
            ends.append(("raise", self._argument("E", depth)))
        if kind[1] == "p":
            ends.append(("rejected", self._argument("E", depth)))
            ends.extend([("promise", self._choose(SLOTS))] * 4)
        return ("do", number, *statements, ends[self._choose(len(ends))])


# Running


class EmptySlot(Exception):
    """A statement names a slot that holds nothing."""


class Oops(Exception):
    """The exception of programs."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def show_exception(exception: BaseException) -> str:
    match exception:
        case Oops():
            return f"E{exception.number}"
        case ValueError():  # our messages go on where OCaml's end
            return f"Invalid_argument {str(exception).split()[0].rstrip(':')}"
        case _:
            return type(exception).__name__


def show_value(value: object) -> str:
    match value:
        case None:
            return "()"
        case list():
            return f"[{'; '.join(map(show_value, value))}]"
        case tuple():
            return f"({', '.join(map(show_value, value))})"
        case BaseException():
            return show_exception(value)
        case _:
            return str(value)


class Run:
    """One run of one program."""

    def __init__(self, subject: Any, *, random_choices: bool) -> None:
        """Take an object with the functions of `lwt`, and what `promise_subjects` adds.

        Without `random_choices`, `choose` and `pick` are skipped where they would
        take one of several, so that other generators of random numbers do not matter.
        """
        self.subject = subject
        self.random_choices = random_choices
        self.trace: list[str] = []
        self._promises: list[Any] = []
        self._slots: dict[int, Any] = {}
        self._resolvers: dict[int, Any] = {}
        subject.set_hook(lambda exception: self._log(f"hook {show_exception(exception)}"))

    def run(self, program: Program) -> list[str]:
        for number, statement in enumerate(program):
            end = "ends"
            try:
                self._execute(statement)
            except Exception as exception:
                end = f"raises {show_exception(exception)}"
            self._log(f"statement {number} {end}, {self.subject.paused_count()} paused")
        return self.trace

    def _log(self, event: str) -> None:
        seen = [self.subject.get(key) for key in range(KEYS)]
        storage = " ".join("-" if value is None else str(value) for value in seen)
        states = " ".join(self._show_state(promise) for promise in self._promises)
        self.trace.append(f"{event} | {storage} | {states}")

    def _show_state(self, promise: Any) -> str:
        match self.subject.outcome(promise):
            case None:
                return "-"
            case is_rejected, value:
                return ("!" if is_rejected else "") + show_value(value)
            case other:
                raise AssertionError(other)

    def _execute_all(self, statements: Program) -> None:
        for statement in statements:
            self._execute(statement)

    def _execute(self, statement: Form) -> None:
        name, *arguments = statement
        match name:
            case "with_value":
                key, value, *block = arguments
                self.subject.with_value(key, value, lambda: self._execute_all(tuple(block)))
            case "without_value":
                key, *block = arguments
                self.subject.with_value(key, None, lambda: self._execute_all(tuple(block)))
            case "take_l":
                self.subject.take_l(*arguments)
            case _:
                self._call(name, arguments)

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
        if name in {"choose", "pick"} and not self._may_choose(converted[0]):
            return
        result = getattr(self.subject, name)(*converted)
        if destination is None:
            return
        if name in {"task", "wait"}:
            result, self._resolvers[destination] = result
        elif name == "nchoose_split":
            result = self.subject.map(self._name_pending, result)
        self._slots[destination] = result
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
            case "V":
                return form
            case "E":
                return self._exception(form)
            case _:
                return self._callback(kind, form)

    def _promise(self, slot: int) -> Any:
        if slot not in self._slots:
            raise EmptySlot
        return self._slots[slot]

    def _exception(self, form: Form) -> Exception:
        result: Exception = self.subject.Canceled() if form == "canceled" else Oops(form)
        return result

    def _name_pending(self, split: tuple[list[Any], list[Any]]) -> object:
        """Stand numbers in for the promises in the result of nchoose_split."""
        values, rest = split
        names = [next(n for n, p in enumerate(self._promises) if p is q) for q in rest]
        return (values, names)

    def _may_choose(self, promises: list[Any]) -> bool:
        """Tell whether the choice is a certain one; if chance is allowed, make it repeatable."""
        self.subject.choices.seed(0)
        outcomes = [o for p in promises if (o := self.subject.outcome(p)) is not None]
        rejected = [value for is_rejected, value in outcomes if is_rejected]
        return self.random_choices or len(rejected or outcomes) <= 1

    def _callback(self, kind: str, form: Form) -> Callable[..., Any]:
        """Return the function of a callback, which takes and owes what its kind says."""
        takes, owes = kind[0], kind[1]
        _, number, *statements, end = form

        def run(argument: object) -> Any:
            self._log(f"{number}({show_value(argument)})" if takes == "1" else f"{number}()")
            self._execute_all(tuple(statements))
            return self._finish(end, argument)

        def run_and_wait(argument: object) -> Waiting:
            self._log(f"{number}({show_value(argument)})" if takes == "1" else f"{number}()")
            for statement in statements:
                if statement[0] != "await":
                    self._execute(statement)
                elif statement[1] in self._slots:
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
