"""Lwt_list, Lwt_seq, Lwt_result, Lwt_pqueue: their languages of random programs.

There are slots for promises, for resolvers and for queues. A function that the program gives to
ours is written `(do NUMBER STATEMENT... END)`: its call is told in the trace as NUMBER, it executes
the statements and ends as END says, `(return V)`, `(argument)`, `(raise E)`, `(rejected E)`, `(wait W)`,
`(task W)` or `(same W)`. The last three return a promise: a pending one whose resolver is put into
slot W, or the very one that was made so last. Where several functions are written, the first is
that of the first call, and so on; later calls return their argument.

    (list map_p 0 3 (do 1 (wait 0)) (do 2 (task 1)))     map_p on [1; 2; 3], into slot 0
    (seq iter_n 1 2 SOURCE (DO...))                      iter_n with max_concurrency 2
    (result bind 2 DO DO)                                the first makes the promise of a result
    (queue_add 0 7) (queue_union 0 1 2) (queue_remove_min 0 1) (queue_find_min 0) (queue_empty 0)
    (cancel 0) (when 0 DO) (wakeup 0 5) (wakeup_later 0 5) (wakeup_exn 0 1) (ignore_result 0)
    (with_value K V STATEMENT...) (without_value K STATEMENT...)    see storage.py

A SOURCE is a function of Lwt_seq that makes a sequence, with its sources and functions, or
`(nodes DO...)`, whose nodes are promised by functions. `nodes` as a consumer evaluates up to
so many nodes twice each; `of_seq_lwt` is not used there, since a Python iterable cannot be asked for
one of its elements again, as a Seq.t can. A trace tells each call and each promise that is resolved, with
the value in storage and the states of all promises, and each comparison in a queue.

`run.py` runs the programs, `ocaml/collections_programs.ml` the same in OCaml.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from random import Random
from typing import Final

from lwt import lwt_list
from tests.conformance.forms import Form, Program
from tests.conformance.language import Answers, Met
from tests.conformance.languages.collections.run import PROMISES, QUEUES, RESOLVERS, Run
from tests.conformance.languages.storage import STORAGE_SIGNATURES, make_under_storage

LISTS: Final = tuple(f"list_{name}" for name in lwt_list.__all__)
SOURCES: Final = (
    *("empty", "return", "return_lwt", "cons", "cons_lwt", "append", "of_list", "of_seq"),
    *("of_seq_lwt", "unfold", "unfold_lwt", "map", "map_s", "filter", "filter_s"),
    *("filter_map", "filter_map_s", "flat_map", "nodes"),
)
CONSUMERS: Final = (
    *("to_list", "iter", "iter_s", "iter_p", "iter_n", "fold_left", "fold_left_s", "nodes"),
)
RESULTS: Final = tuple(
    f"result_{name}"
    for name in (
        *("return", "fail", "lift", "ok", "error", "catch", "get_exn", "map", "map_error"),
        *("bind", "bind_error", "bind_lwt", "bind_lwt_error", "bind_result", "both"),
        *("iter", "iter_error"),
    )
)
SEQS: Final = tuple(sorted({f"seq_{name}" for name in SOURCES + CONSUMERS}))
QUEUE: Final = ("queue_add", "queue_union", "queue_remove_min", "queue_find_min", "queue_empty")
COMMON: Final = (
    "cancel",
    "when",
    "wakeup",
    "wakeup_later",
    "wakeup_exn",
    "ignore_result",
    *STORAGE_SIGNATURES,
)
_OTHER_NAMES: Final = (
    *(">>=", ">|=", "Infix.>>=", "Infix.>|="),
    *(f"Let_syntax.Let_syntax.{name}" for name in ("return", "map", "bind", "both")),
    *("Syntax.let*", "Syntax.and*", "Syntax.let+", "Syntax.and+"),
)
STATEMENTS: Final = {*COMMON, *QUEUE, "list", "seq", "result"}


class CollectionsPrograms:
    """The language of one of the four modules."""

    interpreter = "collections_programs.ml"
    package = "lwt"
    default_programs = 5_000

    def __init__(self, module: str, own: tuple[str, ...], makers: tuple[str, ...]) -> None:
        self.name = f"Lwt_{module}"
        self._module = module
        self._own = own
        common = () if module == "pqueue" else COMMON
        self.statements: Collection[str] = (*own, *common)
        self.pairs: Collection[tuple[str, str]] = tuple(
            (maker, taker) for maker in makers for taker in ("cancel", "when", "ignore_result")
        )

    def make(self, random: Random) -> Program:
        return _Making(random, self._module).statements(depth=0, longest=14)

    def run(self, program: Program, met: Met | None = None) -> Answers:
        return Answers([Run(met).run(program)])

    def covered(self) -> dict[str, str]:
        if self._module == "pqueue":
            names = {name.removeprefix("queue_"): name for name in self._own}
            names |= dict.fromkeys(("is_empty", "size", "lookup_min"), "queue_add")
            both = {f"{of}.{name}": made for of in ("Make", "S") for name, made in names.items()}
            return both | {"OrderedType.compare": "queue_add"}
        names = {name.removeprefix(f"{self._module}_"): name for name in self._own}
        names.pop("nodes", None)
        if self._module == "result":
            names |= {"map_err": "result_map_error", "bind_lwt_err": "result_bind_lwt_error"}
            names |= dict.fromkeys(_OTHER_NAMES, ": another name of bind, map, both or return")
        return names

    def is_statement(self, form: Form) -> bool:
        return isinstance(form, tuple) and bool(form) and form[0] in STATEMENTS


class _Making:
    """Makes one program."""

    def __init__(self, random: Random, module: str) -> None:
        self._random = random
        self._module = module
        self._is_read_twice = False
        self._numbers: Iterator[int] = iter(range(1, 100_000))
        self._latest = 0  # the slot of the resolver that was made last

    def statements(self, depth: int, longest: int) -> Program:
        return tuple(self._statement(depth) for _ in range(self._random.randrange(longest + 1)))

    def _statement(self, depth: int) -> Form:
        random = self._random
        if self._module == "pqueue":
            return self._queue()
        slot, resolver = random.randrange(PROMISES), random.randrange(RESOLVERS)
        kind = random.choice(
            (self._module,) * (12 if depth else 6)  # A function that begins something is telling.
            + ("wakeup",) * 8
            + ("wakeup_later", "wakeup_exn", "cancel", "when", "with_value") * 2
            + ("ignore_result", "without_value")
        )
        match kind:
            case "wakeup" | "wakeup_later":
                return (kind, resolver, random.randrange(6))
            case "wakeup_exn":
                return (kind, resolver, random.randrange(3))
            case "cancel" | "ignore_result":
                return (kind, slot)
            case "when":
                return (kind, slot, self._do(depth + 1))
            case "with_value" | "without_value":
                block = lambda: self.statements(depth + 1, 2 if depth < 3 else 0)  # noqa: E731
                return make_under_storage(random.randrange, kind, block)
        if depth > 2:
            return ("cancel", slot)
        return getattr(self, f"_{self._module}")(slot, depth)

    def _do(self, depth: int) -> Form:
        random = self._random
        number = next(self._numbers)
        longest = 2 if depth < 3 and random.random() < 0.5 else 0
        statements = self.statements(depth, longest)
        kind = random.choice(
            ("argument",)
            + ("return",) * 4
            + ("raise", "rejected")
            + ("wait", "task") * 4
            + ("same",) * (12 if depth > 1 else 4)  # Who waits for what another waits for?
        )
        if kind == "argument":
            return ("do", number, *statements, (kind,))
        limit = {"return": 6, "raise": 3, "rejected": 3}.get(kind, RESOLVERS)
        chosen = random.randrange(limit)
        if kind in {"wait", "task"}:
            self._latest = chosen
        elif kind == "same" and random.random() < 0.7:
            chosen = self._latest
        return ("do", number, *statements, (kind, chosen))

    def _dos(self, depth: int) -> Program:
        return tuple(self._do(depth + 1) for _ in range(self._random.randrange(5)))

    def _list(self, slot: int, depth: int) -> Form:
        name = self._random.choice(lwt_list.__all__)
        return ("list", name, slot, self._random.randrange(5), *self._dos(depth))

    def _seq(self, slot: int, depth: int) -> Form:
        name = self._random.choice(CONSUMERS)
        number = self._random.randrange(1, 4)
        outer, self._is_read_twice = self._is_read_twice, name == "nodes"
        source = self._source(depth, 0)
        self._is_read_twice = outer
        return ("seq", name, slot, number, source, self._dos(depth))

    def _source(self, depth: int, layers: int) -> Form:
        random = self._random
        choices = SOURCES + ("nodes",) * 8 if layers < 3 else ("nodes", "of_list", "empty")
        name = random.choice(choices)
        if name == "of_seq_lwt" and self._is_read_twice:
            name = "unfold_lwt"
        match name:
            case "empty":
                return (name,)
            case "return":
                return (name, random.randrange(6))
            case "of_list" | "of_seq":
                return (name, random.randrange(4))
            case "nodes" | "of_seq_lwt" | "unfold" | "unfold_lwt":
                return (name, *self._dos(depth))
            case "return_lwt":
                return (name, self._do(depth + 1))
            case "cons":
                return (name, random.randrange(6), self._source(depth, layers + 1))
            case "cons_lwt":
                return (name, self._do(depth + 1), self._source(depth, layers + 1))
            case "append":
                return (name, self._source(depth, layers + 1), self._source(depth, layers + 1))
            case "flat_map":
                inner = [self._source(depth, layers + 2) for _ in range(random.randrange(3))]
                return (name, self._source(depth, layers + 1), *inner)
        return (name, self._source(depth, layers + 1), *self._dos(depth))

    def _result(self, slot: int, depth: int) -> Form:
        name = self._random.choice(RESULTS).removeprefix("result_")
        return ("result", name, slot, self._do(depth + 1), self._do(depth + 1))

    def _queue(self) -> Form:
        random = self._random
        name = random.choice(QUEUE[:4] + ("queue_add",) * 8 + ("queue_remove_min",) * 2)
        if random.random() < 0.01:
            name = "queue_empty"
        others = {"queue_union": 2, "queue_remove_min": 1}.get(name, 0)
        queues = [random.randrange(QUEUES) for _ in range(1 + others)]
        return (name, *queues, random.randrange(20)) if name == "queue_add" else (name, *queues)


def list_programs() -> CollectionsPrograms:
    return CollectionsPrograms("list", LISTS, LISTS)


def seq_programs() -> CollectionsPrograms:
    return CollectionsPrograms("seq", SEQS, tuple(f"seq_{name}" for name in CONSUMERS))


def result_programs() -> CollectionsPrograms:
    return CollectionsPrograms("result", RESULTS, RESULTS)


def pqueue_programs() -> CollectionsPrograms:
    return CollectionsPrograms("pqueue", QUEUE, ())
