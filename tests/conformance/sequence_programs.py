"""Module Lwt_sequence, for the comparison: its language of random programs, and their runs.

There are three sequences, numbered from 0, and slots for nodes. A statement is a function of
`lwt_sequence` and its arguments, with these conventions: what makes or finds a node names the
slot to put it in first (`add_l`, `add_r`) or after the sequence (`find_node_l` and so on, then
comes the value to look for). Traversals end in statements: the first is executed at the first
visit, the second at the second, and so on; `(at STATEMENT...)` is several as one. `(stop)`
raises an exception. What names an empty
slot is skipped. A trace tells every visit, every result and, each time, what the sequences
hold, from the left and from the right.

    (add_l 0 3 1) (add_r 1 4 1) (iter_l 1 (remove 1) (add_r 2 5 1)) (transfer_l 1 0)

`ocaml/lwt_sequence_programs.ml` runs the same programs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from random import Random
from typing import Any, Final

from lwt import lwt_sequence
from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met

# D a slot for a node, N the slot of a node, S a sequence, T another one, V a value; * statements
SIGNATURES: Final[dict[str, str]] = {
    "add_l": "D V S",
    "add_r": "D V S",
    "take_l": "S",
    "take_r": "S",
    "take_opt_l": "S",
    "take_opt_r": "S",
    "is_empty": "S",
    "get": "N",
    "set": "N V",
    "remove": "N",
    "create": "S",
    "clear": "S",
    "transfer_l": "S T",
    "transfer_r": "S T",
    "iter_l": "S *",
    "iter_r": "S *",
    "iter_node_l": "S D *",
    "iter_node_r": "S D *",
    "fold_l": "S *",
    "fold_r": "S *",
    "find_node_l": "S D V *",
    "find_node_r": "S D V *",
    "find_node_opt_l": "S D V *",
    "find_node_opt_r": "S D V *",
    "stop": "",
    "at": "*",
}
TRAVERSALS: Final = tuple(
    name for name, kinds in SIGNATURES.items() if "S" in kinds and "*" in kinds
)
NAMES: Final = (
    *[name for name in SIGNATURES if name not in {"clear", "stop", "at"}] * 2,
    *("add_l", "add_r") * 6,
    *("remove",) * 8,
    *("iter_r", "iter_l", "transfer_l", "transfer_r") * 2,
)
VISIT_NAMES: Final = (
    *("add_l", "add_r", "take_l", "take_r") * 8,
    *("remove",) * 16,
    *("transfer_l", "transfer_r", "create", "is_empty", "get", "set") * 2,
    *TRAVERSALS,
)
"""What happens while a sequence is traversed: above all, it changes."""

RARE: Final = ("clear", "stop")
SEQUENCES: Final = 3
NODES: Final = 6
VALUES: Final = 5
MAKERS: Final = tuple(name for name, kinds in SIGNATURES.items() if "D" in kinds.split())
TAKERS: Final = ("get", "set", "remove")


class Stop(Exception):
    """What `(stop)` raises."""


class SequencePrograms:
    """The language of programs over sequences."""

    name = "Lwt_sequence"
    interpreter = "lwt_sequence_programs.ml"
    package = "lwt"
    default_programs = 5_000
    statements: Collection[str] = tuple(SIGNATURES)
    pairs: Collection[tuple[str, str]] = tuple(
        (maker, taker) for maker in MAKERS for taker in TAKERS
    )

    def make(self, random: Random) -> Program:
        return _Making(random).program()

    def run(self, program: Program, met: Met | None = None) -> Answers:
        run = _Run(met)
        return Answers([run.run(program)], undefined=run.undefined)

    def covered(self) -> dict[str, str]:
        # Every line of a trace shows the length.
        return {name: name for name in SIGNATURES} | {"length": "create"}

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in SIGNATURES


class _Making:
    """Makes one program, of which OCaml leaves nothing undefined."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._traversed: list[int] = []
        self._doubtful: set[int] = set()
        """Slots whose nodes may have been in a sequence when it was cleared."""

    def program(self) -> Program:
        filling = [self._add() for _ in range(self._random.randrange(NODES))]
        return (*filling, *self._statements(longest=20))

    def _statements(self, longest: int) -> Program:
        return tuple(self._statement() for _ in range(self._random.randrange(longest + 1)))

    def _add(self) -> Form:
        return self._statement(self._random.choice(("add_l", "add_r")))

    def _statement(self, name: str = "") -> Form:
        random = self._random
        if not name:
            usual = VISIT_NAMES if self._traversed else NAMES
            name = random.choice(RARE if random.random() < 0.02 else usual)
        limits = {"D": NODES, "N": NODES, "V": VALUES}
        arguments: list[Form] = [
            self._sequence() if kind in "ST" else random.randrange(limits[kind])
            for kind in SIGNATURES[name].split()
            if kind != "*"
        ]
        if name == "remove" and arguments[0] in self._doubtful:
            return self._add()
        if name == "clear":
            self._doubtful.update(range(NODES))
        elif name.startswith("add") and not self._traversed:
            self._doubtful.discard(arguments[0])
        elif name.startswith("transfer"):
            arguments = random.sample(range(SEQUENCES), 2)
            if arguments[0] in self._traversed:
                arguments[0] = next(s for s in range(SEQUENCES) if s not in self._traversed)
                arguments[1] = self._traversed[-1]
        elif name in TRAVERSALS and len(self._traversed) < 2:
            self._traversed.append(arguments[0])
            arguments += [self._visit() for _ in range(random.randrange(5))]
            self._traversed.pop()
        return (name, *arguments)

    def _sequence(self) -> int:
        if self._traversed and self._random.random() < 0.6:
            return self._traversed[-1]
        return self._random.randrange(SEQUENCES)

    def _visit(self) -> Form:
        visit = self._statements(longest=3)
        return visit[0] if len(visit) == 1 else ("at", *visit)


class _Run:
    """One run of one program.

    It also keeps account of what OCaml leaves undefined: there a traversal ends only where
    it began, and takes whatever it finds for a node.
    """

    def __init__(self, met: Met | None) -> None:
        self.undefined: list[str] = []
        self._met = met
        self._trace: list[str] = []
        self._sequences: list[Any] = [lwt_sequence.create() for _ in range(SEQUENCES)]
        self._nodes: dict[int, Any] = {}
        self._makers: dict[int, str] = {}
        self._traversed: list[Any] = []
        self._cleared: list[Any] = []  # nodes that were in a sequence when it was cleared

    def run(self, program: Program) -> list[str]:
        for number, statement in enumerate(program):
            end = "ends"
            try:
                self._execute(statement)
            except lwt_sequence.Empty:
                end = "raises Empty"
            except LookupError:
                end = "raises Not_found"
            except Stop:
                end = "raises Stop"
            self._traversed.clear()
            self._log(f"statement {number} {end}")
        return self._trace

    def _log(self, event: str) -> None:
        self._trace.append(" | ".join([event, *map(self._contents, self._sequences)]))

    @staticmethod
    def _contents(sequence: Any) -> str:
        from_left: list[str] = []
        from_right: list[str] = []
        lwt_sequence.fold_l(lambda value, _: from_left.append(str(value)), sequence, None)
        lwt_sequence.fold_r(lambda value, _: from_right.append(str(value)), sequence, None)
        length = lwt_sequence.length(sequence)
        return f"{length}: {' '.join(from_left)} / {' '.join(from_right)}"

    def _execute(self, statement: Form) -> None:
        name, *arguments = statement
        kinds = SIGNATURES[name].split()
        if "N" in kinds and arguments[0] not in self._nodes:
            return
        if self._met is not None:
            self._met[name,] += 1
            if "N" in kinds:
                self._met[self._makers[arguments[0]], name] += 1
        numbers = [argument for argument in arguments if isinstance(argument, int)]
        visits = [argument for argument in arguments if isinstance(argument, tuple)]
        function: Callable[..., Any] = getattr(lwt_sequence, name, self._execute)
        match name:
            case "add_l" | "add_r":
                slot, value, sequence = numbers
                self._keep(slot, name, function(value, self._sequences[sequence]))
            case "take_l" | "take_r":
                self._log(f"{name} {function(self._sequences[numbers[0]])}")
            case "take_opt_l" | "take_opt_r":
                found = function(self._sequences[numbers[0]])
                self._log(f"{name} {found.value if found else None}")
            case "is_empty":
                is_empty = function(self._sequences[numbers[0]])
                self._log("is empty" if is_empty else "is not empty")
            case "get":
                self._log(f"get {function(self._nodes[numbers[0]])}")
            case "set":
                function(self._nodes[numbers[0]], numbers[1])
            case "remove":
                self._remove(self._nodes[numbers[0]])
            case "create":
                self._sequences[numbers[0]] = function()
            case "clear":
                sequence = self._sequences[numbers[0]]
                lwt_sequence.iter_node_l(self._cleared.append, sequence)
                function(sequence)
            case "transfer_l" | "transfer_r":
                self._transfer(function, *numbers)
            case "stop":
                raise Stop
            case "at":
                for visit in visits:
                    self._execute(visit)
            case _:
                self._traverse(name, function, numbers, visits)

    def _keep(self, slot: int, name: str, node: Any) -> None:
        self._nodes[slot] = node
        self._makers[slot] = name

    def _remove(self, node: Any) -> None:
        if any(node is cleared for cleared in self._cleared):
            self.undefined.append("a node is removed whose sequence was cleared")
        lwt_sequence.remove(node)

    def _transfer(self, function: Callable[..., Any], source: int, target: int) -> None:
        if source == target:
            return
        sequence = self._sequences[source]
        if any(sequence is traversed for traversed in self._traversed):
            self.undefined.append("a sequence is transferred while it is traversed")
        function(sequence, self._sequences[target])

    def _traverse(
        self, name: str, function: Callable[..., Any], numbers: list[int], visits: list[Form]
    ) -> None:
        sequence = self._sequences[numbers[0]]
        rest = iter(visits)

        def visit(value: object) -> None:
            self._log(f"visit {value}")
            statement = next(rest, None)
            if statement is not None:
                self._execute(statement)

        def visit_node(node: Any) -> None:
            self._keep(numbers[1], name, node)
            visit(lwt_sequence.get(node))

        def visit_and_add(value: int, total: int) -> int:
            visit(value)
            return value + 2 * total

        def visit_and_compare(value: int) -> bool:
            visit(value)
            return value == numbers[2]

        self._traversed.append(sequence)
        match name.rsplit("_", 1)[0]:
            case "iter":
                function(visit, sequence)
            case "iter_node":
                function(visit_node, sequence)
            case "fold":
                self._log(f"{name} {function(visit_and_add, sequence, 0)}")
            case "find_node":
                self._keep(numbers[1], name, function(visit_and_compare, sequence))
            case _:
                found = function(visit_and_compare, sequence)
                if found is None:
                    self._log("none found")
                else:
                    self._keep(numbers[1], name, found.value)
        self._traversed.remove(sequence)
