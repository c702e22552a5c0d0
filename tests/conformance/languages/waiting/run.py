"""One run of a program of `programs.py` on our library."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

import lwt
from lwt import lwt_condition, lwt_mutex, lwt_mvar, lwt_pool, lwt_switch
from tests.conformance.forms import Form, Program
from tests.conformance.language import Met
from tests.conformance.languages.storage import STORAGE_SIGNATURES, Storage, under_storage

CANCELED_TOGETHER: Final = "it may be the turn of a waiter that was cancelled with another"
PLACE_LOST: Final = "a pool of OCaml would lose count of its places"


class Numbered(Exception):
    """What programs raise."""

    def __str__(self) -> str:
        return f"E{self.args[0]}"


def show_exception(exception: Exception) -> str:
    if isinstance(exception, Numbered):
        return str(exception)
    return type(exception).__name__


class Run:
    """One run of one program; it notices where OCaml would lose something."""

    def __init__(self, met: Met | None) -> None:
        self.doubtful: list[str] = []
        self._met = met
        self._storage = Storage()
        self._trace: list[str] = []
        self._promises: list[lwt.Promise[Any] | None] = [None] * 8
        self._makers: list[str] = [""] * 8
        self._resolvers: list[lwt.Resolver[Any] | None] = [None] * 3
        self._made = 0
        self._member = 0
        self._cancels_two = False
        self._rows: dict[str, deque[Form]] = {
            name: deque() for name in ("next_create", "next_validate", "next_check", "next_dispose")
        }
        self._structures: dict[str, list[Any]] = {
            "mvar": [lwt_mvar.create_empty() for _ in range(2)],
            "mutex": [lwt_mutex.create() for _ in range(2)],
            "condition": [lwt_condition.create() for _ in range(2)],
            "switch": [lwt_switch.create() for _ in range(2)],
            "pool": [self._new_pool(1) for _ in range(2)],
        }

    def run(self, program: Program) -> list[str]:
        saved = lwt.async_exception_hook.contents
        lwt.async_exception_hook.contents = lambda exn: self._log(f"hook {show_exception(exn)}")
        try:
            for number, statement in enumerate(program):
                end = "ends"
                try:
                    self._execute(statement)
                except Exception as exception:
                    end = f"raises {show_exception(exception)}"
                self._log(f"statement {number} {end} {self._state()}")
        finally:
            lwt.async_exception_hook.contents = saved
        return self._trace

    def _log(self, event: str) -> None:
        self._trace.append(event + self._storage.seen())

    def _state(self) -> str:
        """What the promises and the structures say of themselves."""
        letters = {lwt.Return: "r", lwt.Fail: "f"}
        promises = "".join(
            "-" if promise is None else letters.get(type(lwt.state(promise)), "s")
            for promise in self._promises
        )
        structures = self._structures
        told = [
            *(lwt_mvar.is_empty(mvar) for mvar in structures["mvar"]),
            *(lwt_mutex.is_locked(mutex) for mutex in structures["mutex"]),
            *(lwt_mutex.is_empty(mutex) for mutex in structures["mutex"]),
            *(lwt_switch.is_on(switch) for switch in structures["switch"]),
        ]
        lengths = [str(lwt_pool.wait_queue_length(pool)) for pool in structures["pool"]]
        return " ".join([promises, "".join("ny"[is_so] for is_so in told), *lengths])

    # Statements

    def _execute(self, statement: Form) -> None:
        name, *arguments = statement
        if name in {"cancel", "cancel_both", "when", "ignore_result"}:
            self._handle_promises(name, arguments)
        elif name in STORAGE_SIGNATURES:
            self._meet(name)
            under_storage(self._storage, statement, self._execute)
        elif name.startswith("wakeup"):
            self._meet(name)
            self._wake(name, *arguments)
        elif name in self._rows:
            self._meet(name)
            self._rows[name].append(arguments[0])
        else:
            self._meet(name)
            module, _, function = name.partition("_")
            getattr(self, f"_{module}")(name, function, arguments)

    def _meet(self, *names: str) -> None:
        if self._met is not None:
            self._met[names] += 1

    def _handle_promises(self, name: str, arguments: list[Form]) -> None:
        slots = [argument for argument in arguments if isinstance(argument, int)]
        promises = [self._promises[slot] for slot in slots]
        found = [promise for promise in promises if promise is not None]
        if len(found) < len(promises):
            return
        self._meet(name)
        for slot in slots:
            self._meet(self._makers[slot], name)
        if name == "cancel":
            lwt.cancel(found[0])
        elif name == "ignore_result":
            lwt.ignore_result(found[0])
        elif name == "cancel_both":
            self._cancels_two = True
            lwt.cancel(lwt.join(found))
            self._cancels_two = False
        else:

            def act(_: object) -> None:
                lwt.ignore_result(self._call(arguments[1]))

            lwt.on_any(found[0], act, act)

    def _wake(self, name: str, slot: int, number: int) -> None:
        resolver, self._resolvers[slot] = self._resolvers[slot], None
        if resolver is None:
            return
        if name == "wakeup_later_exn":
            lwt.wakeup_later_exn(resolver, Numbered(number))
        else:
            getattr(lwt, name)(resolver, number)

    def _keep(self, maker: str, slot: int, promise: lwt.Promise[Any]) -> None:
        """Put a promise into a slot, and tell when it is resolved."""
        self._made += 1
        made = self._made
        self._promises[slot] = promise
        self._makers[slot] = maker
        lwt.on_any(
            promise,
            lambda value: self._log(f"{made} is {value or 0}"),
            lambda exception: self._log(f"{made} fails with {show_exception(exception)}"),
        )

    def _call(self, function: Form) -> lwt.Promise[Any]:
        """Do what `(do NUMBER STATEMENT... END)` says."""
        _, number, *statements, end = function
        self._log(f"call {number}")
        self._note_two()
        for statement in statements:
            self._execute(statement)
        match end:
            case ("raise", code):
                raise Numbered(code)
            case ("rejected", code):
                return lwt.fail(Numbered(code))
            case ("wait" | "task" as kind, slot):
                promise, self._resolvers[slot] = lwt.wait() if kind == "wait" else lwt.task()
                lwt.on_failure(promise, lambda _: self._note_two())
                return promise
            case ("return", value):
                return lwt.return_(value)
        return lwt.return_(0)

    def _note_two(self) -> None:
        """Note that something goes on while two promises are cancelled together.

        Both are rejected by now, but one may still be in a queue, and its turn may come.
        """
        if self._cancels_two:
            self.doubtful.append(CANCELED_TOGETHER)

    # The modules

    def _mvar(self, name: str, function: str, arguments: list[int]) -> None:
        mvars = self._structures["mvar"]
        match function, arguments:
            case "create", [structure, value]:
                mvars[structure] = lwt_mvar.create(value)
            case "create_empty", [structure]:
                mvars[structure] = lwt_mvar.create_empty()
            case "put", [slot, structure, value]:
                self._keep(name, slot, lwt_mvar.put(mvars[structure], value))
            case "take", [slot, structure]:
                self._keep(name, slot, lwt_mvar.take(mvars[structure]))
            case "take_available", [structure]:
                found = lwt_mvar.take_available(mvars[structure])
                self._log(f"took {found.value}" if found else "took nothing")
            case "is_empty", [structure]:
                self._log(f"is_empty {'ny'[lwt_mvar.is_empty(mvars[structure])]}")

    def _mutex(self, name: str, function: str, arguments: list[Any]) -> None:
        mutexes = self._structures["mutex"]
        match function, arguments:
            case "create", [structure]:
                mutexes[structure] = lwt_mutex.create()
            case "lock", [slot, structure]:
                self._keep(name, slot, lwt_mutex.lock(mutexes[structure]))
            case "unlock", [structure]:
                lwt_mutex.unlock(mutexes[structure])
            case "is_locked", [structure]:
                self._log(f"is_locked {'ny'[lwt_mutex.is_locked(mutexes[structure])]}")
            case "is_empty", [structure]:
                self._log(f"is_empty {'ny'[lwt_mutex.is_empty(mutexes[structure])]}")
            case "with_lock", [slot, structure, work]:
                promise = lwt_mutex.with_lock(mutexes[structure], lambda: self._call(work))
                self._keep(name, slot, promise)

    def _condition(self, name: str, function: str, arguments: list[int]) -> None:
        conditions = self._structures["condition"]
        match function, arguments:
            case "create", [structure]:
                conditions[structure] = lwt_condition.create()
            case "wait", [slot, structure, 2]:
                self._keep(name, slot, lwt_condition.wait(conditions[structure]))
            case "wait", [slot, structure, number]:
                mutex = self._structures["mutex"][number]
                self._keep(name, slot, lwt_condition.wait(conditions[structure], mutex=mutex))
            case "signal", [structure, value]:
                lwt_condition.signal(conditions[structure], value)
            case "broadcast", [structure, value]:
                lwt_condition.broadcast(conditions[structure], value)
            case "broadcast_exn", [structure, code]:
                lwt_condition.broadcast_exn(conditions[structure], Numbered(code))

    def _switch(self, name: str, function: str, arguments: list[Any]) -> None:
        switches = self._structures["switch"]
        options = [*map(lwt.Some, switches), None]
        match function, arguments:
            case "create", [structure]:
                switches[structure] = lwt_switch.create()
            case "is_on", [structure]:
                self._log(f"is_on {'ny'[lwt_switch.is_on(switches[structure])]}")
            case "turn_off", [slot, structure]:
                self._keep(name, slot, lwt_switch.turn_off(switches[structure]))
            case "check", [option]:
                lwt_switch.check(options[option])
            case "add_hook", [option, hook]:
                lwt_switch.add_hook(options[option], lambda: self._call(hook))
            case "add_hook_or_exec", [slot, option, hook]:
                promise = lwt_switch.add_hook_or_exec(options[option], lambda: self._call(hook))
                self._keep(name, slot, promise)
            case "with_switch", [slot, structure, work]:

                def begin(switch: lwt_switch.Switch) -> lwt.Promise[Any]:
                    switches[structure] = switch
                    return self._call(work)

                self._keep(name, slot, lwt_switch.with_switch(begin))

    def _pool(self, name: str, function: str, arguments: list[Any]) -> None:
        pools = self._structures["pool"]
        match function, arguments:
            case "create", [structure, maximum]:
                pools[structure] = self._new_pool(maximum)
            case "create_plain", [structure, maximum]:
                pools[structure] = self._new_pool(maximum, is_plain=True)
            case "use", [slot, structure, work]:

                def begin(member: int) -> lwt.Promise[Any]:
                    self._log(f"use {member}")
                    return self._call(work)

                self._keep(name, slot, lwt_pool.use(pools[structure], begin))
            case "clear", [slot, structure]:
                self._keep(name, slot, lwt_pool.clear(pools[structure]))
            case "wait_queue_length", [structure]:
                self._log(f"{lwt_pool.wait_queue_length(pools[structure])} waiting")

    def _next(self, kind: str, plain: Callable[[], lwt.Promise[Any]]) -> lwt.Promise[Any]:
        row = self._rows[f"next_{kind}"]
        return self._call(row.popleft()) if row else plain()

    def _new_pool(self, maximum: int, *, is_plain: bool = False) -> lwt_pool.Pool[int]:
        invalid: set[int] = set()  # Members that will be replaced: their place stays taken.

        def validate(member: int) -> lwt.Promise[bool]:
            self._log(f"validate {member}")

            def is_valid(value: int) -> bool:
                if value % 2:
                    invalid.add(member)
                return value % 2 == 0

            return lwt.map(is_valid, self._next("validate", lambda: lwt.return_(0)))

        def check(member: int, tell: Callable[[bool], None]) -> None:
            self._log(f"check {member}")
            try:
                answer = lwt.state(self._next("check", lambda: lwt.return_(0)))
            except Exception:
                self.doubtful.append(PLACE_LOST)
                raise
            if isinstance(answer, lwt.Return):
                tell(answer.value % 2 == 0)

        def dispose(member: int) -> lwt.Promise[object]:
            self._log(f"dispose {member}")
            is_replaced = member in invalid
            invalid.discard(member)
            try:
                promise = self._next("dispose", lambda: lwt.return_(0))
            except Exception:
                self.doubtful.append(PLACE_LOST)
                raise
            lwt.on_failure(promise, lambda _: self.doubtful.append(PLACE_LOST))
            if is_replaced:
                return promise
            return lwt.map(lambda _: self._note_free_place(pool), promise)

        def create() -> lwt.Promise[int]:
            return self._create(pool)

        if is_plain:
            pool = lwt_pool.create(maximum, create, dispose=dispose)
        else:
            pool = lwt_pool.create(maximum, create, validate=validate, check=check, dispose=dispose)
        return pool

    def _create(self, pool: lwt_pool.Pool[int]) -> lwt.Promise[int]:
        self._log("create")

        def plain() -> lwt.Promise[int]:
            self._member += 1
            return lwt.return_(100 + self._member)

        try:
            promise = self._next("create", plain)
        except Exception:
            self._note_free_place(pool)
            raise

        def after_failure(exception: Exception) -> lwt.Promise[int]:
            self._note_free_place(pool)
            return lwt.fail(exception)

        return lwt.catch(lambda: promise, after_failure)

    def _note_free_place(self, pool: lwt_pool.Pool[int]) -> None:
        """Note that a place becomes free while others wait: OCaml forgets about it."""
        if lwt_pool.wait_queue_length(pool) > 0:
            self.doubtful.append(PLACE_LOST)
