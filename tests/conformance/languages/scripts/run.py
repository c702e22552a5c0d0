"""Running scripts of input and output: what all statements have in common.

`ScriptRun` returns a trace: when which promise was resolved with what, which data came, which
call raised what. `lwt_unix/run.py` has the statements for descriptors, `lwt_io/run.py` adds
channels, `lwt_io_server/run.py` servers. The words are those of `ocaml/scripts_programs.ml`, which does the same with
OCaml's library.

What makes a trace the same each time: one process has both ends of everything, the engine is
`select` (whose order is that of the numbers of descriptors), jobs run at once (OCaml's
`Async_none`), and the main loop turns only where a script says so.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final
from unittest.mock import patch

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_io
from lwt_unix._descriptors import actions, read_write
from lwt_unix._jobs.notifications import open_way
from lwt_unix.lwt_engine._descriptors import READ, WRITE
from lwt_unix.lwt_engine._events import Event_callback
from lwt_unix.lwt_io import _buffer, _operation
from tests.conformance.forms import Form, Program
from tests.conformance.language import Met
from tests.conformance.languages.scripts.differences import (
    LATE_INTEREST,
    MODE_OF_CLOSED,
    REUSED,
    Difference,
)
from tests.conformance.languages.storage import Storage, under_storage

Promise = lwt.Promise[Any]
Shower = Callable[[Any], str]

PATHS: Final = 3
"""How many paths of sockets there are."""

QUIET_TURNS: Final = 4
"""After so many turns without an event nothing more will happen.

OCaml takes back its interest in a descriptor a pause later than we do; that is over by then.
"""

TURNS_AT_MOST: Final = 60
CLIENTS_AT_MOST: Final = 8

ERRORS: Final = {**errno.errorcode, errno.EOPNOTSUPP: "EOPNOTSUPP"}


class Oops(Exception):
    """The exception of scripts."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class EmptySlot(Exception):
    """A statement names a slot that holds nothing of the right kind."""


def oops(number: int) -> Exception:
    return Oops(number) if number else LookupError()


def first_word(text: str) -> str:
    return text.split(" ", maxsplit=1)[0].split(":", maxsplit=1)[0]


def is_closed_by_itself(failure: lwt.Failure) -> bool:
    """Tell whether it stands for OCaml's CamlinternalLazy.Undefined (`CLOSED_BY_ITSELF`)."""
    return str(failure).endswith("closed that channel again")


def show_exception(exception: BaseException) -> str:
    match exception:
        case Oops():
            return f"E{exception.number}"
        case lwt.Failure() if is_closed_by_itself(exception):
            return "CamlinternalLazy.Undefined"
        case OSError():
            return ERRORS.get(exception.errno or 0, f"errno {exception.errno}")
        case ValueError():
            return f"Invalid_argument {first_word(str(exception))}"
        case lwt.Failure():
            return f"Failure {first_word(str(exception))}"
        case lwt_io.Channel_closed():
            return f"Channel_closed {exception.args[0]}"
        case EOFError():
            return "End_of_file"
        case LookupError():
            return "Not_found"
        case _:
            return type(exception).__name__


def show_data(data: bytes | bytearray | memoryview) -> str:
    text = bytes(data).decode("latin-1")
    if len(text) > 40:
        total = 0
        for character in text:
            total = (total * 31 + ord(character)) & 0xFFFFFF
        return f"{len(text)} bytes ({total})"
    return f'"{text.translate(_SHOWN)}"'


_SHOWN: Final = {
    **{code: f"\\x{code:02x}" for code in range(256) if not 0x20 <= code <= 0x7E},
    ord("\n"): "\\n",
    ord("\r"): "\\r",
}


def show_unit(_: object) -> str:
    return "()"


def show_bool(value: object) -> str:
    return "true" if value else "false"


def show_state(state: lwt_unix.State) -> str:
    if isinstance(state, lwt_unix.Aborted):
        return f"Aborted {show_exception(state.exn)}"
    return repr(state)


def text_of(word: str) -> bytes:
    """Return the data that a word stands for, which can't have line ends itself."""
    return word.replace("_", "").replace("N", "\n").replace("R", "\r").encode()


_folder: Final = tempfile.TemporaryDirectory(prefix="lwt")


def path(number: int) -> str:
    """Return where sockets get their addresses."""
    return f"{_folder.name}/{number}"


FILES: Final = 4

READ_OR_WRITE: Final = (
    *(lwt_unix.read, lwt_unix.write, lwt_unix.write_string, lwt_unix.readv, lwt_unix.writev),
)


def file(number: int) -> str:
    """Return a path of a file, behind those of sockets."""
    return path(PATHS + number)


class ScriptEngine(lwt_engine.select):
    """The engine of scripts: `select`, which notices what it cannot do as OCaml does.

    OCaml takes back its interest in a descriptor a pause after the last waiter has left. If
    another one comes in the middle of the next turn of the engine, it is served in this turn
    there, and in the following one here.

    OCaml's also calls those who wait for a new file that has the number of one that was ready.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_turning = False
        self.is_late = False
        self.is_misled = False
        self._seen: set[tuple[str, int]] = set()
        self._left: set[tuple[str, int]] = set()

    def now(self) -> float:
        """Let no time pass."""
        return 0.0

    def on_readable(self, fd: int, callback: Event_callback, /) -> lwt_engine.Event:
        self._note("read", fd)
        return super().on_readable(fd, callback)

    def on_writable(self, fd: int, callback: Event_callback, /) -> lwt_engine.Event:
        self._note("write", fd)
        return super().on_writable(fd, callback)

    def _note(self, direction: str, fd: int) -> None:
        self._seen.add((direction, fd))
        self.is_late = self.is_late or (direction, fd) in self._left

    def _call_readers(self, fd: int) -> None:
        watch = self._watches.get(fd)
        self.is_misled |= watch is not None and bool(watch.readers) and not watch.applied & READ
        super()._call_readers(fd)

    def _call_writers(self, fd: int) -> None:
        watch = self._watches.get(fd)
        self.is_misled |= watch is not None and bool(watch.writers) and not watch.applied & WRITE
        super()._call_writers(fd)

    def _watched(self) -> set[tuple[str, int]]:
        readers = {("read", fd) for fd, watch in self._watches.items() if watch.readers}
        return readers | {("write", fd) for fd, watch in self._watches.items() if watch.writers}

    def turn(self) -> None:
        """Turn the main loop once, as 6.1 does: it resolves paused promises after the engine."""
        self._left = self._seen - self._watched()
        self.is_turning = True
        try:
            self.iter(False)
        finally:
            self.is_turning = False
        self._left = set()
        self._seen = self._watched()
        if lwt.paused_count():
            lwt.wakeup_paused()


@contextmanager
def engine_of_scripts() -> Iterator[ScriptEngine]:
    """Set a fresh engine for a while, with nothing registered.

    A turn may have any number of calls on a descriptor meanwhile, as in OCaml: scripts fill a pipe,
    and read it again by 16 bytes.
    """
    engine, hook = lwt_engine.get(), lwt.async_exception_hook.contents
    own = ScriptEngine()
    lwt_engine.set(own, transfer=False, destroy=False)
    try:
        with (
            patch.object(actions, "MOST_AT_ONCE", sys.maxsize),
            patch.object(read_write, "MOST_AT_ONCE", sys.maxsize),
            patch.object(_buffer, "MOST_CALLS", sys.maxsize),
            patch.object(_buffer, "MOST_AT_ONCE", sys.maxsize),
            patch.object(_operation, "MOST_AT_ONCE", sys.maxsize),
        ):
            lwt_unix.set_default_async_method(lwt_unix.Async_none)
            open_way()  # OCaml has this pipe from the start, so that it has a low number.
            yield own
    finally:
        lwt_unix.set_default_async_method(lwt_unix.Async_detach)
        lwt_engine.set(engine, transfer=False, destroy=False)
        own.destroy()
        lwt.async_exception_hook.contents = hook


class ScriptRun:
    """One run of one script."""

    def __init__(self, met: Met | None = None) -> None:
        """In `met` it counts statements that ran, and those that took what another made."""
        self._storage = Storage()
        self.trace: list[str] = []
        self.doubtful: list[str] = []
        """Why OCaml may do something else, if it may."""

        self._met = met
        self._statement = ""
        self._makers: dict[tuple[str, int], str] = {}
        self._is_over = False
        self._descriptors: dict[int, lwt_unix.File_descr] = {}
        self._opened: list[lwt_unix.File_descr] = []
        self._promises: dict[int, Promise] = {}
        self._started: list[Promise] = []
        self._resolvers: dict[int, Callable[[int | Exception], None]] = {}
        self._notifications: dict[int, lwt_unix.Notification] = {}
        self._notified = 0
        self._written = 0
        self._clients = 0  # of servers
        self._engine = ScriptEngine()

    def run(self, program: Program) -> list[str]:
        with engine_of_scripts() as self._engine:
            lwt.async_exception_hook.contents = lambda exn: self.event(
                f"hook {show_exception(exn)}"
            )
            try:
                for number, statement in enumerate(program):
                    self.event(str(number))
                    self._perform(statement)
                self._summarize()
                if self._engine.is_late:
                    self.doubt(LATE_INTEREST)
                if self._engine.is_misled:
                    self.doubt(REUSED)
            finally:
                self._clean_up()
        return self.trace

    # Traces

    def event(self, text: str) -> None:
        if not self._is_over:
            self.trace.append(text + self._storage.seen())

    def doubt(self, known: Difference) -> None:
        """Excuse the script if it differs."""
        if not self._is_over:
            self.doubtful.append(known.what)

    def _summarize(self) -> None:
        for slot, descriptor in sorted(self._descriptors.items()):
            self.event(f"d{slot} {show_state(lwt_unix.state(descriptor))}")
        for slot, promise in sorted(self._promises.items()):
            if lwt.is_sleeping(promise):
                self.event(f"p{slot} waits")

    def _clean_up(self) -> None:
        self._is_over = True
        for promise in reversed(self._started):
            lwt.cancel(promise)
        for descriptor in self._opened:
            with suppress(OSError):
                lwt_unix.close(descriptor)
        for _ in range(3):
            self._engine.turn()
        lwt.abandon_paused()
        for number in range(PATHS):
            with suppress(FileNotFoundError):
                os.unlink(path(number))
        for notification in self._notifications.values():
            lwt_unix.stop_notification(notification)
        for number in range(FILES):
            with suppress(OSError):
                os.unlink(file(number))
            with suppress(OSError):
                os.rmdir(file(number))

    # Statements

    def _perform(self, statement: Form) -> None:
        if self._is_over:
            return
        name, *arguments = statement
        try:
            self._execute(name, arguments)
        except EmptySlot:
            pass
        except Exception as exn:  # the exceptions of library and script are compared
            self.event(f"raises {show_exception(exn)}")

    def perform_all(self, statements: Iterable[Form]) -> None:
        for statement in statements:
            self._perform(statement)

    def _execute(self, name: str, arguments: list[Form]) -> None:
        self._statement = name
        if self._met is not None:
            self._met[(name,)] += 1
        getattr(self, f"do_{name}")(*arguments)

    def _take(self, kind: str, table: dict[int, Any], slot: int) -> Any:
        if slot not in table:
            raise EmptySlot
        if self._met is not None:
            maker = self._makers.get((kind, slot))
            if maker is not None:
                self._met[(maker, self._statement)] += 1
        return table[slot]

    def _made(self, kind: str, slot: int) -> None:
        self._makers[kind, slot] = self._statement

    def _descriptor(self, slot: int) -> lwt_unix.File_descr:
        found: lwt_unix.File_descr = self._take("d", self._descriptors, slot)
        return found

    def _promise(self, slot: int) -> Promise:
        found: Promise = self._take("p", self._promises, slot)
        return found

    def _keep_descriptor(self, slot: int, descriptor: lwt_unix.File_descr) -> None:
        self._opened.append(descriptor)
        self._descriptors[slot] = descriptor
        self._made("d", slot)

    def _watch(self, slot: int, show: Shower, promise: Promise) -> None:
        """Trace what becomes of a promise; it can be cancelled and waited for from now on."""
        self._started.append(promise)
        self._watch_derived(slot, show, promise)

    def _watch_derived(self, slot: int, show: Shower, promise: Promise) -> None:
        """Do the same for one that waits for others: joining those could wait for itself."""
        self._promises[slot] = promise
        self._made("p", slot)
        lwt.on_any(
            promise,
            lambda value: self.event(f"p{slot} = {show(value)}"),
            lambda exn: self.event(f"p{slot} fails, {show_exception(exn)}"),
        )

    def _waiting(self, slot: int) -> Promise:
        """Return a promise for the statement `wakeup`."""
        promise, resolver = lwt.task()
        lwt.on_cancel(promise, lambda: self.event(f"p{slot} is cancelled"))
        self._started.append(promise)
        self._promises[slot] = promise

        def resolve(result: int | Exception) -> None:
            if isinstance(result, Exception):
                lwt.wakeup_later_exn(resolver, result)
            else:
                lwt.wakeup_later(resolver, result)

        self._resolvers[slot] = resolve
        return promise

    def _letters(self, count: int) -> bytes:
        """Return data that is not the same as what was written before."""
        start = self._written
        self._written = start + count
        return bytes(97 + (start + i) % 26 for i in range(count))

    def _attempt(
        self, descriptor: lwt_unix.File_descr, call: Callable[..., Promise], *arguments: Any
    ) -> Promise:
        """Do a system call; what it raises as only 6.1 does, rejects (`RAISED_AT_ONCE`)."""
        was_opened = lwt_unix.state(descriptor) is lwt_unix.Opened
        try:
            return call(*arguments)
        except ValueError:
            raise
        except Exception as exn:
            if not was_opened and not self._is_told_later(descriptor, call):
                raise
            failure = exn
        return lwt.fail(failure)

    def _is_told_later(self, descriptor: lwt_unix.File_descr, call: Callable[..., Promise]) -> bool:
        """Tell whether 5.6.1 rejects if the descriptor is not opened, since it waits before it looks."""
        if call in {lwt_unix.wait_read, lwt_unix.wait_write}:
            return True
        if not descriptor._blocking or (call not in READ_OR_WRITE and type(call) is not partial):
            return False
        if not descriptor._settled:
            self.doubt(MODE_OF_CLOSED)
        return descriptor._settled

    # Promises and the main loop

    def do_cancel(self, p: int) -> None:
        lwt.cancel(self._promise(p))

    def do_then(self, p: int, statements: Form) -> None:
        def go_on(_: object) -> None:
            self.perform_all(statements)

        lwt.on_any(self._promise(p), go_on, go_on)

    def do_ignore_result(self, p: int) -> None:
        lwt.ignore_result(self._promise(p))

    def do_with_value(self, *arguments: Form) -> None:
        under_storage(self._storage, ("with_value", *arguments), self._perform)

    def do_without_value(self, *arguments: Form) -> None:
        under_storage(self._storage, ("without_value", *arguments), self._perform)

    def do_pick(self, p: int, slots: Form) -> None:
        promises = [self._promise(slot) for slot in slots]
        if sum(not lwt.is_sleeping(promise) for promise in promises) > 1:
            raise EmptySlot  # it would be chosen at random
        self._watch_derived(p, lambda _: "picked", lwt.pick(promises))

    def do_protected(self, p: int, q: int) -> None:
        self._watch_derived(p, lambda _: "protected", lwt.protected(self._promise(q)))

    def do_pause(self, p: int) -> None:
        self._watch(p, show_unit, lwt.pause())

    def do_wakeup(self, p: int, value: int) -> None:
        self._resolve(p, value)

    def do_wakeup_exn(self, p: int, e: int) -> None:
        self._resolve(p, oops(e))

    def _resolve(self, p: int, result: int | Exception) -> None:
        resolve = self._resolvers.pop(p, None)
        if resolve is None:
            raise EmptySlot
        if lwt.is_sleeping(self._promise(p)):
            resolve(result)

    def do_turn(self) -> None:
        self._engine.turn()

    def do_settle(self) -> None:
        """Turn until nothing happens any more."""
        quiet = turns = 0
        while quiet < QUIET_TURNS and turns < TURNS_AT_MOST:
            before = len(self.trace)
            self._engine.turn()
            turns += 1
            quiet = quiet + 1 if len(self.trace) == before else 0
