"""Lwt_direct: its language of random programs.

There are slots for promises and for resolvers. `(run NUMBER STATEMENT...)` is a function that is run as a task.

    (spawn P RUN) (spawn_plain P RUN)  with an `async def` function, with an ordinary one
    (spawn_in_the_background RUN)
    (wait P W) (task P W) (pause P)   a promise, its resolver into slot W
    (wakeup W V) (wakeup_later W V) (wakeup_exn W E) (cancel P)
    (when P STATEMENT...)             when P is resolved
    (bind P Q STATEMENT...)
    (raise E)
    (with_value K V STATEMENT...) (without_value K STATEMENT...)    see storage.py
    (turn)                            tasks, paused promises, tasks again, as the main loop does
  and in a task:
    (await P) (await_plain P)         in Python `await await_(p)`, `await p`
    (guard P)                         await, and catch what it raises
    (yield) (set K V) (remove K)      `set` and `remove` also elsewhere

A trace tells where each task goes on, with what, and the storage there; what was paused; what reached the hook; and the
states of all promises after each statement. At the end the main loop turns a dozen times.

`run.py` runs the programs, `ocaml/direct_programs.ml` the same in OCaml.
"""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Final

from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.lwt_direct.run import Run
from tests.conformance.languages.storage import KEYS, STORED_VALUES, make_under_storage

PROMISES: Final = 6
RESOLVERS: Final = 3

ANYWHERE: Final = {
    "spawn": 14, "spawn_plain": 3, "spawn_in_the_background": 4, "wait": 8, "task": 4, "pause": 4, "wakeup": 12,
    "wakeup_later": 4, "wakeup_exn": 4, "cancel": 3, "when": 5, "bind": 4, "raise": 1, "set": 3, "remove": 1,
    "with_value": 3, "without_value": 1,
}  # fmt: skip
AT_THE_TOP: Final = {**ANYWHERE, "raise": 0, "turn": 22}
IN_A_TASK: Final = {
    **ANYWHERE,
    "await": 24,
    "await_plain": 12,
    "guard": 10,
    "yield": 20,
    "raise": 3,
}
STATEMENTS: Final = {**ANYWHERE, **AT_THE_TOP, **IN_A_TASK}


class _Making:
    """Makes one program."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._tasks = 0

    def number(self, most: int) -> int:
        """One of 0 ... most-1, the same under each version of Python."""
        return int(self._random.random() * most)

    def block(self, weights: dict[str, int], depth: int, longest: int) -> tuple[Form, ...]:
        return tuple(self.statement(weights, depth) for _ in range(self.number(longest + 1)))

    def statement(self, weights: dict[str, int], depth: int) -> Form:
        place = self.number(sum(weights.values()))
        for name, weight in weights.items():
            place -= weight
            if place < 0:
                return self.made(name, depth)
        raise AssertionError

    def function(self, depth: int, *, waits: bool = True) -> Form:
        self._tasks += 1
        number = self._tasks
        weights = IN_A_TASK if waits else ANYWHERE
        return ("run", number, *self.block(weights, depth + 1, max(1, 6 - 2 * depth)))

    def made(self, name: str, depth: int) -> Form:
        p, w = self.number(PROMISES), self.number(RESOLVERS)
        inner = max(0, 3 - depth)
        match name:
            case "spawn":
                return (name, p, self.function(depth))
            case "spawn_plain":
                return (name, p, self.function(depth, waits=False))
            case "spawn_in_the_background":
                return (name, self.function(depth))
            case "wait" | "task":
                return (name, p, w)
            case "pause" | "cancel" | "await" | "await_plain" | "guard":
                return (name, p)
            case "wakeup" | "wakeup_later":
                return (name, w, self.number(5))
            case "wakeup_exn":
                return (name, w, self.number(3))
            case "raise":
                return (name, self.number(3))
            case "when":
                return (name, p, *self.block(ANYWHERE, depth + 1, inner))
            case "bind":
                return (name, p, self.number(PROMISES), *self.block(ANYWHERE, depth + 1, inner))
            case "set":
                return (name, self.number(KEYS), self.number(STORED_VALUES))
            case "remove":
                return (name, self.number(KEYS))
            case "with_value" | "without_value":
                return make_under_storage(
                    self.number, name, lambda: self.block(ANYWHERE, depth + 1, inner)
                )
            case _:
                return (name,)

    def program(self) -> Program:
        return tuple(self.statement(AT_THE_TOP, 0) for _ in range(4 + self.number(14)))


class DirectPrograms:
    """The language of tasks."""

    name = "Lwt_direct"
    interpreter = "direct_programs.ml"
    package = "lwt"
    default_programs = 5_000
    statements: Collection[str] = tuple(STATEMENTS)
    pairs: Collection[tuple[str, str]] = tuple(
        (maker, taker)
        for maker in ("spawn", "spawn_plain", "wait", "task", "pause", "bind")
        for taker in ("await", "await_plain", "guard", "cancel", "when", "bind")
    )

    def make(self, random: Random) -> Program:
        """Make a program."""
        return _Making(random).program()

    def run(self, program: Program, met: Met | None = None) -> Answers:
        """Run a program on `lwt_unix.lwt_direct`."""
        return Answers([Run(met).run(program)])

    def covered(self) -> dict[str, str]:
        """The statements for the values of lwt_direct.mli."""
        return {
            "spawn": "spawn",
            "spawn_in_the_background": "spawn_in_the_background",
            "yield": "yield",
            "await": "await",
            "Storage.set": "set",
            "Storage.remove": "remove",
            "Storage.get": "with_value",
            "Storage.new_key": "with_value",
        }

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in STATEMENTS
