"""Random programs over sequences: the language, and how to make programs in it.

There are three sequences, numbered from 0, and slots for nodes. A statement is a function of
`lwt_sequence` and its arguments, with these conventions: what makes or finds a node names the
slot to put it in first (`add_l`, `add_r`) or after the sequence (`find_node_l` and so on, then
comes the value to look for). Traversals end in statements: the first is executed at the first
visit, the second at the second, and so on; `(at STATEMENT...)` is several as one. `(stop)`
raises an exception. What names an empty slot is skipped. A trace tells every visit, every result and, each time, what the sequences
hold, from the left and from the right.

    (add_l 0 3 1) (add_r 1 4 1) (iter_l 1 (remove 1) (add_r 2 5 1)) (transfer_l 1 0)

`run.py` runs programs on our library, `ocaml/lwt_sequence_programs.ml` on OCaml's.
"""

from __future__ import annotations

from random import Random
from typing import Final

from tests.conformance.forms import Form, Program

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


class Maker:
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
