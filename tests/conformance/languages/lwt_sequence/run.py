"""Running programs of `language.py` on `lwt_sequence`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lwt import lwt_sequence
from tests.conformance.forms import Form, Program
from tests.conformance.language import Met
from tests.conformance.languages.lwt_sequence.language import SEQUENCES, SIGNATURES


class Stop(Exception):
    """What `(stop)` raises."""


class Run:
    """One run of one program.

    It also keeps account of what OCaml may do otherwise: there a traversal ends only where
    it began, and takes whatever it finds for a node.
    """

    def __init__(self, met: Met | None) -> None:
        self.doubtful: list[str] = []
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
            self.doubtful.append("a node is removed whose sequence was cleared")
        lwt_sequence.remove(node)

    def _transfer(self, function: Callable[..., Any], source: int, target: int) -> None:
        if source == target:
            return
        sequence = self._sequences[source]
        if any(sequence is traversed for traversed in self._traversed):
            self.doubtful.append("a sequence is transferred while it is traversed")
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
