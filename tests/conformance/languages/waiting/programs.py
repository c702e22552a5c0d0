"""Lwt_mvar, Lwt_mutex, Lwt_condition, Lwt_switch, Lwt_pool: their languages of random programs.

The five are alike, and so are their languages. A statement is a function of the module, with
the module's name before its own: `(mutex_lock 3 1)` puts the promise of locking mutex 1 into
slot 3. There are two mailboxes and so on of each kind, and slots for promises. A function that
the program gives to ours is written `(do NUMBER STATEMENT... END)`: it is called NUMBER in the
trace, executes the statements and ends as END says, `(return V)`, `(raise E)`, `(rejected E)`,
`(wait W)` or `(task W)`; the last two return a pending promise whose resolver is put into slot
W for `wakeup`, `wakeup_later`, `wakeup_later_exn`. The functions of a pool are waiting in a
row: `(next_create DO)` adds one, and where the row is empty, there is a plain one. What
`pool_create_plain` makes validates and checks no members.

`cancel` and `cancel_both` cancel a promise, or two of them together; `when` attaches a function
to one, `ignore_result` has its failure told to the hook. `with_value` and `without_value` are those
of `storage.py`. A trace tells when each promise is resolved, each call, each with what is in the
storage, and after each statement what the structures say of themselves.
`run.py` runs the programs, `ocaml/waiting_programs.ml` the same on OCaml's Lwt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from random import Random
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.storage import STORAGE_SIGNATURES, make_under_storage
from tests.conformance.languages.waiting.run import Run

# P a slot for a promise, Q that of one, W that of a resolver, S a structure, O one or none
# (the number 2), V a value, E an exception, N a maximum, D a function
SIGNATURES: Final[dict[str, str]] = {
    **STORAGE_SIGNATURES,
    "ignore_result": "Q",
    "cancel": "Q",
    "cancel_both": "Q Q",
    "when": "Q D",
    "wakeup": "W V",
    "wakeup_later": "W V",
    "wakeup_later_exn": "W E",
    "mvar_create": "S V",
    "mvar_create_empty": "S",
    "mvar_put": "P S V",
    "mvar_take": "P S",
    "mvar_take_available": "S",
    "mvar_is_empty": "S",
    "mutex_create": "S",
    "mutex_lock": "P S",
    "mutex_unlock": "S",
    "mutex_is_locked": "S",
    "mutex_is_empty": "S",
    "mutex_with_lock": "P S D",
    "condition_create": "S",
    "condition_wait": "P S O",
    "condition_signal": "S V",
    "condition_broadcast": "S V",
    "condition_broadcast_exn": "S E",
    "switch_create": "S",
    "switch_is_on": "S",
    "switch_turn_off": "P S",
    "switch_check": "O",
    "switch_add_hook": "O D",
    "switch_add_hook_or_exec": "P O D",
    "switch_with_switch": "P S D",
    "pool_create": "S N",
    "pool_create_plain": "S N",
    "pool_use": "P S D",
    "pool_clear": "P S",
    "pool_wait_queue_length": "S",
    "next_create": "D",
    "next_validate": "D",
    "next_check": "D",
    "next_dispose": "D",
}
WEIGHTS: Final[dict[str, int]] = {
    "with_value": 8,
    "ignore_result": 5,
    "when": 4,
    "cancel": 3,
    "wakeup": 3,
    "wakeup_later": 3,
    "wakeup_later_exn": 2,
    "mvar_put": 10,
    "mvar_take": 10,
    "mvar_take_available": 4,
    "mutex_lock": 8,
    "mutex_unlock": 10,
    "mutex_with_lock": 8,
    "condition_wait": 14,
    "condition_signal": 5,
    "condition_broadcast": 3,
    "switch_add_hook": 10,
    "switch_add_hook_or_exec": 5,
    "switch_turn_off": 4,
    "switch_with_switch": 3,
    "pool_create": 3,
    "pool_use": 14,
    "pool_clear": 4,
    "next_create": 2,
    "next_validate": 2,
    "next_check": 2,
    "next_dispose": 2,
}
FUNCTION_ROWS: Final = ("next_create", "next_validate", "next_check", "next_dispose")
TAKERS: Final = ("cancel", "cancel_both", "when", "ignore_result")
RESOLVING: Final = ("wakeup", "wakeup_later", "wakeup_later_exn")
STRUCTURES: Final = 2
SLOTS: Final = 8
RESOLVERS: Final = 3


class WaitingPrograms:
    """The language of one of the five modules."""

    interpreter = "waiting_programs.ml"
    package = "lwt"
    default_programs = 5_000
    signatures: Mapping[str, str] = SIGNATURES
    weights: Mapping[str, int] = WEIGHTS
    limits: Mapping[str, int] = {
        "P": SLOTS,
        "Q": SLOTS,
        "W": RESOLVERS,
        "S": STRUCTURES,
        "V": 6,
        "E": 3,
    }
    on_promises: Collection[str] = TAKERS
    not_in_functions: Collection[str] = ()
    """What only the program itself does."""

    def __init__(self, module: str, *besides: str) -> None:
        """Take the name of the module without `Lwt_`, and statements of others that it has."""
        self.name = f"Lwt_{module}"
        self._module = module
        common = [*self.on_promises, *STORAGE_SIGNATURES, *besides]
        own = [name for name in self.signatures if name.startswith(f"{module}_")]
        if self.on_promises and any("D" in self.signatures[name].split() for name in own):
            common += RESOLVING
        self._names = [*own, *common]
        self._choices = [name for name in self._names for _ in range(self.weights.get(name, 1))]
        self._in_functions = [name for name in self._choices if name not in self.not_in_functions]
        self._creating = [name for name in self._choices if name in own and "_create" in name]
        self.statements: Collection[str] = tuple(self._names)
        makers = [name for name in own if self.signatures[name].startswith("P")]
        self.pairs: Collection[tuple[str, str]] = tuple(
            (maker, taker) for maker in makers for taker in TAKERS
        )

    def make(self, random: Random) -> Program:
        numbers = iter(range(1, 1_000))
        first = [self._statement(random, numbers, 0, random.choice(self._creating)) for _ in "ab"]
        for number, statement in enumerate(first):
            first[number] = (statement[0], number, *statement[2:])
        return (*first, *self._statements(random, numbers, 0, 24))

    def _statements(
        self, random: Random, numbers: Iterator[int], depth: int, longest: int
    ) -> Program:
        length = random.randrange(longest + 1)
        choices = self._in_functions if depth else self._choices
        return tuple(
            self._statement(random, numbers, depth, random.choice(choices)) for _ in range(length)
        )

    def _statement(self, random: Random, numbers: Iterator[int], depth: int, name: str) -> Form:
        if name in STORAGE_SIGNATURES:
            longest = 3 if depth < 3 else 0
            return make_under_storage(
                random.randrange,
                name,
                lambda: self._statements(random, numbers, depth + 1, longest),
            )
        arguments: list[Form] = []
        for kind in self.signatures[name].split():
            if kind == "D":
                arguments.append(self._function(random, numbers, depth + 1))
            elif kind == "O":
                arguments.append(random.choice((0, 0, 1, 1, 2)))
            elif kind == "N":
                arguments.append(random.choice((0, 1, 1, 1, 2, 2, 3)))
            else:
                # Structure 0 is met more often than structure 1.
                number = random.randrange(self.limits[kind])
                arguments.append(number * random.randrange(2) if kind == "S" else number)
        return (name, *arguments)

    def _function(self, random: Random, numbers: Iterator[int], depth: int) -> Form:
        longest = 3 if depth < 3 else 0
        statements = self._statements(random, numbers, depth, longest)
        kind = random.choice(("return",) * 4 + ("raise", "rejected") + ("wait", "task") * 3)
        limit = {"return": 6, "raise": 3, "rejected": 3}.get(kind, RESOLVERS)
        number = next(numbers)
        return ("do", number, *statements, (kind, random.randrange(limit)))

    def run(self, program: Program, met: Met | None = None) -> Answers:
        run = Run(met)
        return Answers([run.run(program)], doubtful=run.doubtful)

    def covered(self) -> dict[str, str]:
        prefix = f"{self._module}_"
        own = [name for name in self._names if name.startswith(prefix)]
        return {name.removeprefix(prefix): name for name in own}

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in self.signatures


def mvar_programs() -> WaitingPrograms:
    return WaitingPrograms("mvar")


def mutex_programs() -> WaitingPrograms:
    return WaitingPrograms("mutex")


def condition_programs() -> WaitingPrograms:
    return WaitingPrograms("condition", "mutex_lock", "mutex_unlock", "mutex_with_lock", *RESOLVING)


def switch_programs() -> WaitingPrograms:
    return WaitingPrograms("switch")


def pool_programs() -> WaitingPrograms:
    return WaitingPrograms("pool", *FUNCTION_ROWS)
