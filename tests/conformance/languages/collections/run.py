"""Runs programs over lwt_list, lwt_seq, lwt_result and lwt_pqueue on our library.

`ocaml/collections_programs.ml` is written alike; the language is described in `programs.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import lwt
from lwt import Error, Ok, Promise, Some, lwt_list, lwt_pqueue, lwt_result, lwt_seq
from lwt.lwt_seq import Cons, Nil
from tests.conformance.forms import Form, Program
from tests.conformance.language import Met
from tests.conformance.languages.storage import Storage, under_storage

PROMISES = RESOLVERS = 6
QUEUES = 3


class E(Exception):
    """What programs raise and reject with."""


def show_exception(exception: Exception) -> str:
    if isinstance(exception, E):
        return f"E{exception.args[0]}"
    if isinstance(exception, LookupError):
        return "Not_found"
    if isinstance(exception, lwt.Canceled):
        return "Canceled"
    if isinstance(exception, ValueError):
        return "Invalid_argument"
    return repr(exception)


def show_list(values: list[int]) -> str:
    return f"[{' '.join(map(str, values))}]"


def show_pair(lists: tuple[list[int], list[int]]) -> str:
    return show_list(lists[0]) + show_list(lists[1])


def show_result(result: Ok[Any] | Error[Any]) -> str:
    return f"Ok {result.value}" if isinstance(result, Ok) else f"Error {result.error}"


def show_promise(promise: Promise[str]) -> str:
    match lwt.state(promise):
        case lwt.Return(text):
            return text
        case lwt.Fail(exception):
            return show_exception(exception)
        case _:
            return "pending"


def is_odd(value: int) -> bool:
    return value % 2 == 1


def option(value: int) -> Some[int] | None:
    return None if value % 3 == 0 else Some(value)


def result(value: int) -> Ok[int] | Error[int]:
    return Ok(value) if is_odd(value) else Error(value)


def ignore(_: object) -> None:
    return None


class Run:
    """One run of one program."""

    def __init__(self, met: Met | None) -> None:
        self._met = met
        self._trace: list[str] = []
        self._promises: list[Promise[str] | None] = [None] * PROMISES
        self._makers: list[str] = [""] * PROMISES
        self._resolvers: list[lwt.Resolver[int] | None] = [None] * RESOLVERS
        self._given: list[Promise[int]] = [lwt.return_(0)] * RESOLVERS
        """The promises of those resolvers, also when they are resolved."""
        self._storage = Storage()
        self._functions: lwt_pqueue.S[int] = lwt_pqueue.Make(self)
        self._queues = [self._functions.empty] * QUEUES

    def compare(self, x: int, y: int) -> int:
        """Compare elements of queues; those that compare equal can be told apart."""
        self._trace.append(f"compare {x} {y}{self._storage.seen()}")
        return x // 2 - y // 2

    def run(self, program: Program) -> list[str]:
        hook = lwt.async_exception_hook.contents
        lwt.async_exception_hook.contents = self._report
        try:
            for number, statement in enumerate(program):
                end = "ends"
                try:
                    self._execute(statement)
                except (E, LookupError, lwt.Canceled, ValueError) as exception:
                    end = f"raises {show_exception(exception)}"
                self._log(f"statement {number} {end}")
        finally:
            lwt.async_exception_hook.contents = hook
        return self._trace

    def _report(self, exception: Exception) -> None:
        self._log(f"hook {show_exception(exception)}")

    def _log(self, event: str) -> None:
        promises = [show_promise(promise) for promise in self._promises if promise is not None]
        self._trace.append(" | ".join([event, *promises]) + self._storage.seen())

    def _keep(self, slot: int, maker: str, promise: Promise[str]) -> None:
        self._promises[slot] = promise
        self._makers[slot] = maker
        lwt.on_any(
            promise,
            lambda text: self._log(f"slot {slot} gives {text}"),
            lambda exception: self._log(f"slot {slot} fails {show_exception(exception)}"),
        )

    def _meet(self, *words: str) -> None:
        if self._met is not None:
            self._met[words] += 1

    def _resolve(self, slot: int, how: Callable[[lwt.Resolver[int]], None]) -> None:
        resolver = self._resolvers[slot]
        if resolver is not None:
            self._resolvers[slot] = None
            try:
                how(resolver)
            except ValueError:
                self._log("invalid")

    def _execute(self, statement: Form) -> None:
        name, *rest = statement
        if name in {"list", "seq", "result"}:
            name = f"{name}_{rest[0]}"
        self._meet(name)
        match statement:
            case ("cancel", slot) if (promise := self._promises[slot]) is not None:
                self._meet(self._makers[slot], name)
                lwt.cancel(promise)
            case ("wakeup", slot, value):
                self._resolve(slot, lambda resolver: lwt.wakeup(resolver, value))
            case ("wakeup_later", slot, value):
                self._resolve(slot, lambda resolver: lwt.wakeup_later(resolver, value))
            case ("wakeup_exn", slot, number):
                self._resolve(slot, lambda resolver: lwt.wakeup_exn(resolver, E(number)))
            case ("with_value" | "without_value", *_):
                under_storage(self._storage, statement, self._execute)
            case ("ignore_result", slot) if (promise := self._promises[slot]) is not None:
                self._meet(self._makers[slot], name)
                lwt.ignore_result(promise)
            case ("when", slot, body) if (promise := self._promises[slot]) is not None:
                self._meet(self._makers[slot], name)
                lwt.on_any(promise, lambda _: self._plain(body, 0), lambda _: self._plain(body, 0))
            case ("list", function, slot, length, *bodies):
                elements = range(1, length + 1)
                self._keep(slot, name, self._list(function, elements, self._calls(bodies)))
            case ("seq", function, slot, number, source, bodies):
                seq = self._sequence(source)
                self._keep(slot, name, self._consume(function, number, seq, bodies))
            case ("result", function, slot, first, second):
                self._keep(slot, name, self._on_result(function, first, second))
            case (word, *numbers) if word.startswith("queue_"):
                self._on_queue(word, *numbers)

    def _on_queue(self, name: str, target: int, *others: int) -> None:
        functions, queues = self._functions, self._queues
        match name:
            case "queue_add":
                queues[target] = functions.add(others[0], queues[target])
            case "queue_union":
                queues[target] = functions.union(queues[others[0]], queues[others[1]])
            case "queue_remove_min":
                queues[target] = functions.remove_min(queues[others[0]])
            case "queue_find_min":
                self._log(f"find_min {functions.find_min(queues[target])}")
                return
            case "queue_empty":
                queues[target] = functions.empty
        queue = queues[target]
        # OCaml evaluates arguments from the last to the first.
        least = functions.lookup_min(queue)
        size = functions.size(queue)
        shown = "None" if least is None else least.value
        self._log(f"queue {functions.is_empty(queue)} {size} {shown}")

    # Functions

    def _body(self, body: Form, argument: int) -> tuple[str, int]:
        _, number, *statements, (end, *value) = body
        self._log(f"call {number} on {argument}")
        for statement in statements:
            self._execute(statement)
        return ("return", argument) if end == "argument" else (end, *value)

    def _plain(self, body: Form, argument: int) -> int:
        end, value = self._body(body, argument)
        if end in {"raise", "rejected"}:
            raise E(value)
        return value if end == "return" else 0

    def _promise(self, body: Form, argument: int) -> Promise[int]:
        end, value = self._body(body, argument)
        match end:
            case "return":
                return lwt.return_(value)
            case "raise":
                raise E(value)
            case "rejected":
                return lwt.fail(E(value))
            case "same":
                return self._given[value]
        promise, resolver = lwt.wait() if end == "wait" else lwt.task()
        self._resolvers[value] = resolver
        self._given[value] = promise
        return promise

    def _early(self, body: Form) -> Promise[int]:
        try:
            return self._promise(body, 0)
        except E as exception:
            error = exception
        return lwt.fail(error)

    def _calls(self, bodies: Iterable[Form]) -> Callable[[int], Promise[int]]:
        rest = iter(bodies)

        def call(argument: int) -> Promise[int]:
            body = next(rest, None)
            return lwt.return_(argument) if body is None else self._promise(body, argument)

        return call

    def _plain_calls(self, bodies: Iterable[Form]) -> Callable[[int], int]:
        rest = iter(bodies)

        def call(argument: int) -> int:
            body = next(rest, None)
            return argument if body is None else self._plain(body, argument)

        return call

    # Lists

    def _list(
        self, name: str, elements: Iterable[int], f: Callable[[int], Promise[int]]
    ) -> Promise[str]:
        function: Callable[..., Promise[Any]] = getattr(lwt_list, name)
        kind = name.rpartition("_")[0]
        show: Callable[[Any], str] = str
        match kind:
            case "iter":
                promise = function(lambda x: lwt.map(ignore, f(x)), elements)
            case "iteri":
                promise = function(lambda i, x: lwt.map(ignore, f(10 * i + x)), elements)
            case "map" | "rev_map":
                promise, show = function(f, elements), show_list
            case "mapi":
                promise, show = function(lambda i, x: f(10 * i + x), elements), show_list
            case "fold_left":
                promise = function(lambda a, x: f(10 * a + x), 0, elements)
            case "fold_right":
                promise = function(lambda x, a: f(10 * a + x), elements, 0)
            case "filter_map":
                promise, show = function(lambda x: lwt.map(option, f(x)), elements), show_list
            case _:
                promise = function(lambda x: lwt.map(is_odd, f(x)), elements)
                if kind in {"filter", "partition"}:
                    show = show_list if kind == "filter" else show_pair
        return lwt.map(show, promise)

    # Lazy sequences

    def _sequence(self, source: Form) -> lwt_seq.Seq[int]:
        name, *rest = source
        self._meet(f"seq_{name}")
        match source:
            case ("nodes", *bodies):
                return self._nodes(1, bodies)
            case ("of_list" | "of_seq", length):
                make = lwt_seq.of_list if name == "of_list" else lwt_seq.of_seq
                return make(range(1, length + 1))
            case ("of_seq_lwt", *bodies):
                return lwt_seq.of_seq_lwt(_Anew(lambda: map(self._early, bodies)))
            case ("unfold", *bodies):
                return lwt_seq.unfold(self._step, tuple(bodies))
            case ("unfold_lwt", *bodies):
                return lwt_seq.unfold_lwt(self._step_lwt, tuple(bodies))
            case ("empty",):
                return lwt_seq.empty
            case ("return", value):
                return lwt_seq.return_(value)
            case ("return_lwt", body):
                return lwt_seq.return_lwt(self._early(body))
            case ("cons", value, following):
                return lwt_seq.cons(value, self._sequence(following))
            case ("cons_lwt", body, following):
                seq = self._sequence(following)
                return lwt_seq.cons_lwt(self._early(body), seq)
            case ("append", first, second):
                seq = self._sequence(first)
                return lwt_seq.append(seq, self._sequence(second))
            case ("flat_map", inner_source, *inner):
                return lwt_seq.flat_map(self._inner(inner), self._sequence(inner_source))
        of, *bodies = rest
        plain, call = self._plain_calls(bodies), self._calls(bodies)
        seq = self._sequence(of)
        match name:
            case "map":
                return lwt_seq.map(plain, seq)
            case "map_s":
                return lwt_seq.map_s(call, seq)
            case "filter":
                return lwt_seq.filter(lambda x: is_odd(plain(x)), seq)
            case "filter_s":
                return lwt_seq.filter_s(lambda x: lwt.map(is_odd, call(x)), seq)
            case "filter_map":
                return lwt_seq.filter_map(lambda x: option(plain(x)), seq)
            case _:
                return lwt_seq.filter_map_s(lambda x: lwt.map(option, call(x)), seq)

    def _nodes(self, place: int, bodies: list[Form]) -> lwt_seq.Seq[int]:
        def node() -> Promise[lwt_seq.Node[int]]:
            if not bodies:
                self._log("end")
                return lwt.return_(Nil)
            promise = self._promise(bodies[0], place)
            return lwt.map(lambda v: Cons(v, self._nodes(place + 1, bodies[1:])), promise)

        return node

    def _step(self, bodies: tuple[Form, ...]) -> Some[tuple[int, tuple[Form, ...]]] | None:
        # 5.6.1 makes a rejection of what the function raises, 6.1 does not: so it raises nothing.
        if not bodies:
            return None
        try:
            return Some((self._plain(bodies[0], 0), bodies[1:]))
        except E:
            return None

    def _step_lwt(
        self, bodies: tuple[Form, ...]
    ) -> Promise[Some[tuple[int, tuple[Form, ...]]] | None]:
        if not bodies:
            return lwt.return_none
        return lwt.map(lambda v: Some((v, bodies[1:])), self._promise(bodies[0], 0))

    def _inner(self, sources: list[Form]) -> Callable[[int], lwt_seq.Seq[int]]:
        rest = iter(sources)

        def inner(x: int) -> lwt_seq.Seq[int]:
            self._log(f"flat {x}")
            source = next(rest, None)
            return lwt_seq.return_(x) if source is None else self._sequence(source)

        return inner

    def _consume(
        self, name: str, number: int, seq: lwt_seq.Seq[int], bodies: Iterable[Form]
    ) -> Promise[str]:
        f, plain = self._calls(bodies), self._plain_calls(bodies)
        match name:
            case "to_list":
                return lwt.map(show_list, lwt_seq.to_list(seq))
            case "iter":
                return lwt.map(str, lwt_seq.iter(plain, seq))
            case "iter_s":
                return lwt.map(str, lwt_seq.iter_s(lambda x: lwt.map(ignore, f(x)), seq))
            case "iter_p":
                return lwt.map(str, lwt_seq.iter_p(lambda x: lwt.map(ignore, f(x)), seq))
            case "iter_n":
                done = lwt_seq.iter_n(lambda x: lwt.map(ignore, f(x)), seq, max_concurrency=number)
                return lwt.map(str, done)
            case "fold_left":
                return lwt.map(str, lwt_seq.fold_left(lambda a, x: plain(10 * a + x), 0, seq))
            case "fold_left_s":
                return lwt.map(str, lwt_seq.fold_left_s(lambda a, x: f(10 * a + x), 0, seq))
        return self._go_through(number, seq)

    def _go_through(self, number: int, seq: lwt_seq.Seq[int]) -> Promise[str]:
        if number == 0:
            return lwt.return_("more")

        def go_on(node: lwt_seq.Node[int]) -> Promise[str]:
            if node is Nil:
                return lwt.return_("end")
            self._log(f"node {node.element}")
            return self._go_through(number - 1, node.next)

        return lwt.bind(seq(), lambda _: lwt.bind(seq(), go_on))

    # Results

    def _on_result(self, name: str, first: Form, second: Form) -> Promise[str]:
        function: Callable[..., Promise[Any]]
        function = getattr(lwt_result, "return_" if name == "return" else name)

        def promise(body: Form) -> Promise[Ok[int] | Error[int]]:
            return lwt.map(result, self._promise(body, 0))

        def f(x: int) -> Promise[int]:
            return self._promise(second, x)

        def plain(x: int) -> int:
            return self._plain(second, x)

        match name:
            case "map" | "map_error":
                return lwt.map(show_result, function(plain, promise(first)))
            case "bind" | "bind_error":
                followed = function(promise(first), lambda x: lwt.map(result, f(x)))
                return lwt.map(show_result, followed)
            case "bind_lwt" | "bind_lwt_error":
                return lwt.map(show_result, function(promise(first), f))
            case "bind_result":
                return lwt.map(show_result, function(promise(first), lambda x: result(plain(x))))
            case "both":
                one = promise(first)
                return lwt.map(_show_both, function(one, promise(second)))
            case "iter" | "iter_error":
                return lwt.map(str, function(lambda x: lwt.map(ignore, f(x)), promise(first)))
            case "ok" | "error":
                return lwt.map(show_result, function(self._promise(first, 0)))
            case "catch":
                early = self._early(first)
                return lwt.map(_show_caught, function(lambda: early))
            case "get_exn":
                kept = lwt.map(_exception_if_even, self._promise(first, 0))
                return lwt.map(str, function(kept))
        return lwt.map(show_result, function(Ok(1) if name == "lift" else 1))


def _show_both(pair: Ok[tuple[int, int]] | Error[int]) -> str:
    return show_list([*pair.value]) if isinstance(pair, Ok) else show_result(pair)


def _show_caught(caught: Ok[int] | Error[Exception]) -> str:
    return (
        show_result(caught) if isinstance(caught, Ok) else f"Error {show_exception(caught.error)}"
    )


def _exception_if_even(value: int) -> Ok[int] | Error[Exception]:
    return Ok(value) if is_odd(value) else Error(E(value))


class _Anew:
    """An iterable that is made anew each time, as OCaml's sequences are."""

    def __init__(self, make: Callable[[], Iterator[Any]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[Any]:
        return self._make()
