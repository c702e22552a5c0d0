"""Random programs over promises: the language, and how to make programs in it.

A program (see `forms` for its text) is a row of statements. Slots, numbered from 0, hold
promises; `task` and `wait` also put a resolver into the resolver slot of the same number. The
first argument of a statement that makes a promise is the slot to put it in. What names an
empty slot is skipped. A callback is written `(do NUMBER STATEMENT... END)`; its number serves
to tell callbacks apart in traces, and its end is one of

    (return V)    a value, or a promise fulfilled with it where a promise is wanted
    (argument)    the same with the argument of the callback
    (rejected E)  a rejected promise
    (promise S)   the promise in a slot, or as (return 0) if it is empty
    (raise E)     an exception

A callback that owes a promise may also contain `(await S)`: what follows it runs when the
promise in the slot is fulfilled. Values are numbers; exceptions are numbers too, or a word:
`canceled`, `out_of_memory`, `stack_overflow`.

Most statements are functions of `lwt` by the same name, and their arguments come in the same
order. The others are:

    (with_value K V STATEMENT...)  (without_value K STATEMENT...)    `with_value`
    (set_hook CALLBACK)            assign to `async_exception_hook`
    (take_l V)  (take_r V)         take a resolver out of the sequence of `add_task_l` and
                                   `add_task_r`, if there is one, and wake it up
    (nested_wakeups N CALLBACK)    make N promises, each woken up by a callback of the one
                                   before; the last one's is CALLBACK
    (chain S P N)                  make the promise in slot P the proxy of the proxy ... (N
                                   times) of a promise, which comes into slot S
    (loop S P N)                   the promise of a loop of N turns that ends as P does
    (poll P)  (is_sleeping P)      also tell what they say

`run.py` runs programs on our library or on the model of it (`subjects.py`);
`ocaml/lwt_programs.ml` runs them on OCaml's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.languages.storage import KEYS, STORAGE_SIGNATURES

# What stands for what in the signatures of statements:
#   D  slot for the promise that is made     P  slot of a promise   L  slots of promises
#   R  slot of a resolver   V  value   E  exception   X  result   W  state   N  a depth
#   K  storage key   Q  the sequence of tasks   S  the statements of a block
# Callbacks: what they are given (0 nothing, 1 an argument), then what they owe:
#   p  a promise   v  a value   u  nothing   h  nothing, and they must not raise
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
    **STORAGE_SIGNATURES,
    "add_task_l": "D Q",
    "add_task_r": "D Q",
    "take_l": "V",
    "take_r": "V",
    "abandon_wakeups": "",
    "await": "P",
    "wakeup_result": "R X",
    "wakeup_later_result": "R X",
    "of_result": "D X",
    "fail_with": "D",
    "fail_invalid_arg": "D",
    "return_unit": "D",
    "return_none": "D",
    "return_nil": "D",
    "return_true": "D",
    "return_false": "D",
    "return_some": "D V",
    "return_ok": "D V",
    "return_error": "D V",
    "backtrace_bind": "D P 1p",
    "backtrace_catch": "D 0p 1p",
    "backtrace_try_bind": "D 0p 1p 1p",
    "backtrace_finalize": "D 0p 0p",
    "apply": "D 1p V",
    "wrap": "D 0v",
    "wrap1": "D 1v V",
    "wrap2": "D 1v V V",
    "wrap3": "D 1v V V V",
    "wrap4": "D 1v V",  # from here on the arguments are V, V + 1 and so on
    "wrap5": "D 1v V",
    "wrap6": "D 1v V",
    "wrap7": "D 1v V",
    "poll": "P",
    "is_sleeping": "P",
    "debug_state_is": "D W P",
    "register_pause_notifier": "1u",
    "set_hook": "1h",
    ">>=": "D P 1p",
    "=<<": "D 1p P",
    "let*": "D P 1p",
    "Let_syntax.bind": "D P 1p",
    ">|=": "D P 1v",
    "=|<": "D 1v P",
    "let+": "D P 1v",
    "Let_syntax.map": "D P 1v",
    "Let_syntax.return": "D V",
    "<&>": "D P P",
    "<?>": "D P P",
    "and*": "D P P",
    "Let_syntax.both": "D P P",
    "nested_wakeups": "N 0u",
    "chain": "D P N",
    "loop": "D P N",
}

# Drawn more often than others, so that something happens in most programs.
COMMON: Final = [
    "task",
    "bind",
    "map",
    "catch",
    "on_any",
    "on_cancel",
    "on_cancel",
    "cancel",
    "join",
    "pick",
    "protected",
    "with_value",
] * 3 + ["wakeup", "wakeup_later", "wakeup_later", "wakeup_exn"] * 6

FOCUS_ON_CANCEL: Final = ["bind", "catch", "on_cancel", "on_cancel", "wakeup_later"]
FOCUS_ON_STORAGE: Final = ["with_value", "with_value", "finalize", "finalize", "ignore_result"]

IN_ANY_CALLBACK: Final = [name for name in SIGNATURES if name != "await"] + COMMON
IN_CALLBACK_THAT_OWES_A_PROMISE: Final = IN_ANY_CALLBACK + ["await"] * 12

SLOTS: Final = 5
VALUES: Final = 4
DEEPEST_CALLBACK: Final = 3
EXCEPTIONS: Final = ("canceled", 1, 2, 3)
RUNTIME_EXCEPTIONS: Final = ("out_of_memory", "stack_overflow")
DEPTHS: Final = (
    2,
    3,
    4,
    5,
    2,
    3,
    4,
    5,
    20,
    44,
    52,
)  # OCaml speaks of 42; ours postpones from 64 on


class Maker:
    """Makes a program out of numbers: `choose(n)` returns one of 0 ... n-1, 0 being simplest."""

    def __init__(
        self, choose: Callable[[int], int], exceptions: Sequence[str | int] = EXCEPTIONS
    ) -> None:
        self._choose = choose
        self._exceptions = exceptions
        self._callbacks = 0
        self._focus: list[str] = []

    def program(self, longest: int = 10) -> Program:
        """Make a program that begins with pending promises and resolves most at its end."""
        beginning: Program = (("task", 0), ("task", 1), ("wait", 2), ("task", 3), ("wait", 4))
        ends: list[Program] = [
            (("wakeup", slot, 0), ("wakeup_exn", slot, 1), ("cancel", slot))
            for slot in range(SLOTS)
        ]
        # A program that does few kinds of things does more of them to the same promises.
        focus = self._choose(5)
        if focus > 1:
            self._focus = [self._one_of(IN_ANY_CALLBACK) for _ in range(8)]
        if focus > 2:
            self._focus[:5] = FOCUS_ON_CANCEL if focus == 3 else FOCUS_ON_STORAGE
        return (
            *beginning,
            *self._statements(longest, depth=0, names=IN_ANY_CALLBACK),
            ("wakeup_paused",),
            ("take_l", 0),
            *(end[self._choose(len(end))] for end in ends),
        )

    def _statements(self, longest: int, depth: int, names: list[str]) -> Program:
        statements: list[Form] = []
        while len(statements) < longest and self._choose(longest + 1) > 0:
            name = self._one_of(names)
            if self._focus and name != "await":
                name = self._one_of(self._focus)
            arguments: list[Form] = []
            for kind in SIGNATURES[name].split():
                if kind == "B":
                    if depth <= DEEPEST_CALLBACK:
                        arguments.extend(self._statements(3, depth + 1, IN_ANY_CALLBACK))
                elif kind != "Q":
                    arguments.append(self._argument(kind, depth))
            statements.append((name, *arguments))
        return tuple(statements)

    def _one_of(self, names: list[str]) -> str:
        return names[self._choose(len(names))]

    def _argument(self, kind: str, depth: int) -> Form:
        choose = self._choose
        match kind:
            case "D" | "P" | "R":
                return choose(SLOTS)
            case "V":
                return choose(VALUES)
            case "E":
                return self._exceptions[choose(len(self._exceptions))]
            case "X":
                is_ok = choose(2) == 0
                return ("ok", choose(VALUES)) if is_ok else ("error", self._argument("E", depth))
            case "W":
                # Not 0 and 1, which equal False and True in Python.
                return "sleep" if choose(2) == 0 else ("return", 2 + choose(2))
            case "K":
                return choose(KEYS)
            case "N":
                return DEPTHS[choose(len(DEPTHS))]
            case "L":
                return tuple(choose(SLOTS) for _ in range(choose(4)))
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
