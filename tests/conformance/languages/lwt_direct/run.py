"""Running programs over tasks on our library; `ocaml/direct_programs.ml` is written alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import lwt
from lwt._core.storage import current_storage, empty_storage
from lwt_unix import lwt_direct, lwt_main
from tests.conformance.forms import Form, Program
from tests.conformance.language import Met
from tests.conformance.languages.storage import Storage, under_storage

Promise = lwt.Promise[Any]

WAITS = frozenset({"await", "await_plain", "guard", "yield"})
TURNS_AT_THE_END = 12


class E(Exception):
    """The exception of programs."""


def show_exception(exception: Exception) -> str:
    return f"E{exception.args[0]}" if isinstance(exception, E) else type(exception).__name__


def _letter(promise: Promise | None) -> str:
    if promise is None:
        return "-"
    match lwt.state(promise):
        case lwt.Return():
            return "r"
        case lwt.Fail():
            return "f"
        case _:
            return "s"


class Run:
    """One run of one program."""

    def __init__(self, met: Met | None) -> None:
        self._met = met
        self._trace: list[str] = []
        self._promises: list[Promise | None] = [None] * 6
        self._makers: list[str] = [""] * 6
        self._resolvers: list[lwt.Resolver[int] | None] = [None] * 3
        self._storage = Storage()
        self._is_over = False

    def run(self, program: Program) -> list[str]:
        lwt.abandon_paused()  # Programs of another language may have left something.
        lwt_direct._renew()
        current_storage.contents = empty_storage
        hook = lwt.async_exception_hook.contents
        lwt.async_exception_hook.contents = lambda exn: self._event(f"hook {show_exception(exn)}")
        try:
            for number, statement in enumerate(program):
                try:
                    self._execute(None, statement)
                except (E, lwt.Canceled) as exception:
                    self._event(f"raises {show_exception(exception)}")
                self._tell(str(number))
            for _ in range(TURNS_AT_THE_END):
                self._turn()
            self._tell("end")
        finally:
            self._is_over = True
            lwt.async_exception_hook.contents = hook
            lwt.abandon_paused()
            lwt_direct._renew()
            lwt_main.Enter_iter_hooks.remove_all()
            lwt_main.Leave_iter_hooks.remove_all()
            current_storage.contents = empty_storage
        return self._trace

    def _event(self, text: str) -> None:
        if not self._is_over:
            self._trace.append(text + self._storage.seen())

    def _tell(self, name: str) -> None:
        self._event(f"{name} {''.join(map(_letter, self._promises))}")

    def _turn(self) -> None:
        lwt_direct._run_tasks()
        if lwt.paused_count() > 0:
            self._event(f"{lwt.paused_count()} paused")
        lwt.wakeup_paused()
        lwt_direct._run_tasks()

    def _keep(self, p: int, maker: str, promise: Promise) -> None:
        self._promises[p], self._makers[p] = promise, maker

    def _promise(self, taker: str, q: int) -> Promise | None:
        """The promise in a slot, which a statement takes."""
        promise = self._promises[q]
        if promise is not None and self._met is not None:
            self._met[self._makers[q], taker] += 1
        return promise

    # --- Tasks ---------------------------------------------------------------

    async def _call(self, own: list[Promise], function: Form) -> int:
        """Run a function that waits; `own` has the promise of the task, if it has one."""
        _, number, *body = function
        self._event(f"task {number}")
        for statement in body:
            if statement[0] in WAITS:
                await self._wait(own, *statement)
            else:
                self._execute(own, statement)
        self._event(f"task {number} ends")
        return int(number)

    def _call_plain(self, own: list[Promise], function: Form) -> int:
        _, number, *body = function
        self._event(f"task {number}")
        for statement in body:
            self._execute(own, statement)
        self._event(f"task {number} ends")
        return int(number)

    async def _wait(self, own: list[Promise], name: str, q: int = 0) -> None:
        self._meet(name)
        if name == "yield":
            await lwt_direct.yield_()
            self._event("goes on")
            return
        promise = self._promise(name, q)
        if promise is None or any(promise is mine for mine in own):
            return
        if name == "guard":
            try:
                self._event(f"got {await lwt_direct.await_(promise)}")
            except Exception as exception:
                self._event(f"caught {show_exception(exception)}")
        elif name == "await":
            self._event(f"got {await lwt_direct.await_(promise)}")
        else:
            self._event(f"got {await promise}")

    # --- Statements ----------------------------------------------------------

    def _meet(self, name: str) -> None:
        if self._met is not None:
            self._met[name,] += 1

    def _execute_all(self, block: list[Form]) -> None:
        for statement in block:
            self._execute(None, statement)

    def _execute(self, own: list[Promise] | None, statement: Form) -> None:
        self._meet(statement[0])
        match statement:
            case ("with_value" | "without_value", *_):
                under_storage(self._storage, statement, partial(self._execute, own))
            case ("spawn" | "spawn_plain" as name, p, function):
                mine: list[Promise] = []
                call: Callable[[list[Promise], Form], Any] = (
                    self._call if name == "spawn" else self._call_plain
                )
                promise = lwt_direct.spawn(partial(call, mine, function))
                mine.append(promise)
                self._keep(p, name, promise)
            case ("spawn_in_the_background", function):
                lwt_direct.spawn_in_the_background(partial(self._call, [], function))
            case ("wait" | "task" as name, p, w):
                made: tuple[Promise, lwt.Resolver[int]] = (
                    lwt.wait() if name == "wait" else lwt.task()
                )
                self._keep(p, name, made[0])
                self._resolvers[w] = made[1]
            case ("pause", p):
                self._keep(p, "pause", lwt.map(lambda _: 0, lwt.pause()))
            case ("wakeup" | "wakeup_later" | "wakeup_exn" as name, w, number):
                self._wake(name, w, number)
            case ("cancel", q):
                if (found := self._promise("cancel", q)) is not None:
                    lwt.cancel(found)
            case ("when", q, *block):
                self._when(q, block)
            case ("bind", p, q, *block):
                if (found := self._promise("bind", q)) is not None:
                    self._keep(p, "bind", lwt.bind(found, partial(self._bound, block)))
            case ("raise", number):
                raise E(number)
            case ("set", key, value):
                lwt_direct.Storage.set(self._storage._keys[key], value)
                self._event("set")
            case ("remove", key):
                lwt_direct.Storage.remove(self._storage._keys[key])
                self._event("removed")
            case ("turn",):
                self._turn()
            case _:
                raise AssertionError(statement)

    def _wake(self, name: str, w: int, number: int) -> None:
        resolver, self._resolvers[w] = self._resolvers[w], None
        if resolver is None:
            return
        if name == "wakeup":
            lwt.wakeup(resolver, number)
        elif name == "wakeup_later":
            lwt.wakeup_later(resolver, number)
        else:
            lwt.wakeup_exn(resolver, E(number))

    def _when(self, q: int, block: list[Form]) -> None:
        def act(told: str) -> None:
            self._event(f"{q} {told}")
            self._execute_all(block)

        if (promise := self._promise("when", q)) is not None:
            lwt.on_any(
                promise,
                lambda value: act(f"is {value}"),
                lambda exn: act(f"fails with {show_exception(exn)}"),
            )

    def _bound(self, block: list[Form], value: int) -> Promise:
        self._event(f"bound {value}")
        self._execute_all(block)
        return lwt.return_(value + 1)
