"""Running scripts of input and output on `lwt_unix`: descriptors, promises, the main loop.

`UnixRun` returns a trace: when which promise was resolved with what, which data came, which
call raised what, when which action was tried. `lwt_io_run` adds channels, `server_run` servers.
The words are those of `ocaml/lwt_unix_programs.ml`, which does the same with OCaml's library.

What makes a trace the same each time: one process has both ends of everything, the engine is
`select` (whose order is that of the numbers of descriptors), jobs run at once (OCaml's
`Async_none`), and the main loop turns only where a script says so.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_io
from tests.conformance.forms import Form, Program
from tests.conformance.language import Met

Promise = lwt.Promise[Any]
Shower = Callable[[Any], str]

PATHS: Final = 3
"""How many paths of sockets there are."""

QUIET_TURNS: Final = 4
"""After so many turns without an event nothing more will happen.

OCaml takes back its interest in a descriptor a pause later than we do; that is over by then.
"""

TURNS_AT_MOST: Final = 60

COMMANDS: Final = {
    "receive": lwt_unix.SHUTDOWN_RECEIVE,
    "send": lwt_unix.SHUTDOWN_SEND,
    "all": lwt_unix.SHUTDOWN_ALL,
}


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
    return text.split(" ")[0].split(":")[0]


def show_exception(exception: BaseException) -> str:
    match exception:
        case Oops():
            return f"E{exception.number}"
        case OSError():
            number = exception.errno or 0
            return errno.errorcode.get(number, f"errno {number}")
        case ValueError():
            return f"Invalid_argument {first_word(str(exception))}"
        case lwt.Failure():
            return f"Failure {first_word(str(exception))}"
        case lwt_io.Channel_closed():
            return f"Channel_closed {exception}"
        case EOFError():
            return "End_of_file"
        case LookupError():
            return "Not_found"
        case lwt.Canceled():
            return "Lwt.Resolution_loop.Canceled" if False else "Canceled"
        case _:
            return type(exception).__name__


def show_data(data: bytes | bytearray | memoryview) -> str:
    text = bytes(data).decode("latin-1")
    if len(text) > 40:
        total = 0
        for character in text:
            total = (total * 31 + ord(character)) & 0xFFFFFF
        return f"{len(text)} bytes ({total})"
    shown = text.replace("\n", "\\n").replace("\r", "\\r")
    return f'"{shown}"'


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


_folder: Final = tempfile.mkdtemp(prefix="lwt")


def path(number: int) -> str:
    """Return where sockets get their addresses."""
    return f"{_folder}/{number}"


@contextmanager
def engine_of_scripts() -> Iterator[None]:
    """Let the engine be `select` for a while, with nothing registered."""
    engine, hook = lwt_engine.get(), lwt.async_exception_hook.contents
    own = lwt_engine.select()
    lwt_engine.set(own, transfer=False, destroy=False)
    try:
        yield
    finally:
        lwt_engine.set(engine, transfer=False, destroy=False)
        own.destroy()
        lwt.async_exception_hook.contents = hook


class UnixRun:
    """One run of one script."""

    def __init__(self, met: Met | None = None) -> None:
        """In `met` it counts statements that ran, and those that took what another made."""
        self.trace: list[str] = []
        self.undefined: list[str] = []
        """Why OCaml's behaviour is known to be another one, if it is."""

        self._met = met
        self._statement = ""
        self._makers: dict[tuple[str, int], str] = {}
        self._is_over = False
        self._descriptors: dict[int, lwt_unix.File_descr] = {}
        self._opened: list[lwt_unix.File_descr] = []
        self._promises: dict[int, Promise] = {}
        self._started: list[Promise] = []
        self._resolvers: dict[int, Callable[[int | Exception], None]] = {}
        self._written = 0

    def run(self, program: Program) -> list[str]:
        with engine_of_scripts():
            lwt.async_exception_hook.contents = lambda exn: self._event(
                f"hook {show_exception(exn)}"
            )
            try:
                for number, statement in enumerate(program):
                    self._event(str(number))
                    self._perform(statement)
                self._summarize()
            finally:
                self._clean_up()
        return self.trace

    # Traces

    def _event(self, text: str) -> None:
        if not self._is_over:
            self.trace.append(text)

    def _summarize(self) -> None:
        for slot, descriptor in sorted(self._descriptors.items()):
            self._event(f"d{slot} {show_state(lwt_unix.state(descriptor))}")
        for slot, promise in sorted(self._promises.items()):
            if lwt.is_sleeping(promise):
                self._event(f"p{slot} waits")

    def _clean_up(self) -> None:
        self._is_over = True
        for promise in reversed(self._started):
            lwt.cancel(promise)
        for descriptor in self._opened:
            with suppress(OSError):
                lwt_unix.close(descriptor)
        for _ in range(3):
            turn()
        lwt.abandon_paused()
        for number in range(PATHS):
            with suppress(FileNotFoundError):
                os.unlink(path(number))

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
            self._event(f"raises {show_exception(exn)}")

    def _perform_all(self, statements: Iterable[Form]) -> None:
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
        self._promises[slot] = promise
        self._made("p", slot)
        lwt.on_any(
            promise,
            lambda value: self._event(f"p{slot} = {show(value)}"),
            lambda exn: self._event(f"p{slot} fails, {show_exception(exn)}"),
        )

    def _waiting(self, slot: int) -> Promise:
        """Return a promise for the statement `wakeup`."""
        promise, resolver = lwt.task()
        lwt.on_cancel(promise, lambda: self._event(f"p{slot} is cancelled"))
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

    # Making descriptors

    def _keep_pair(self, a: int, b: int, pair: tuple[Any, Any]) -> None:
        self._keep_descriptor(a, pair[0])
        self._keep_descriptor(b, pair[1])

    def do_socketpair(self, a: int, b: int) -> None:
        pair = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
        self._keep_pair(a, b, pair)

    def do_small_socketpair(self, a: int, b: int) -> None:
        pair = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
        for descriptor in pair:
            lwt_unix.setsockopt_int(descriptor, lwt_unix.SO_SNDBUF, 2048)
        self._keep_pair(a, b, pair)

    def do_datagrams(self, a: int, b: int) -> None:
        pair = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_DGRAM, 0)
        self._keep_pair(a, b, pair)

    def do_pipe(self, a: int, b: int) -> None:
        self._keep_pair(a, b, lwt_unix.pipe())

    def do_dup(self, a: int, b: int) -> None:
        self._keep_descriptor(b, lwt_unix.dup(self._descriptor(a)))

    def do_dup2(self, a: int, b: int) -> None:
        target = self._descriptor(b)
        if lwt_unix.state(target) is not lwt_unix.Closed:
            lwt_unix.dup2(self._descriptor(a), target)

    # Reading and writing

    def _watch_read(self, p: int, buffer: bytearray, offset: int, promise: Promise) -> None:
        self._watch(p, lambda count: show_data(buffer[offset : offset + count]), promise)

    def do_read(self, p: int, d: int, size: int, offset: int, length: int) -> None:
        buffer = bytearray(b"." * size)
        promise = lwt_unix.read(self._descriptor(d), buffer, int(offset), int(length))
        self._watch_read(p, buffer, offset, promise)

    def do_recv(self, p: int, d: int, size: int, offset: int, length: int, peek: int) -> None:
        buffer = bytearray(b"." * size)
        flags = [lwt_unix.MSG_PEEK] if peek == 1 else []
        promise = lwt_unix.recv(self._descriptor(d), buffer, int(offset), int(length), flags)
        self._watch_read(p, buffer, offset, promise)

    def do_recvfrom(self, p: int, d: int, length: int) -> None:
        buffer = bytearray(b"." * length)
        promise = lwt_unix.recvfrom(self._descriptor(d), buffer, 0, length, [])
        self._watch(p, lambda received: show_data(buffer[: received[0]]), promise)

    def do_write(self, p: int, d: int, size: int, offset: int, length: int) -> None:
        descriptor = self._descriptor(d)
        data = self._letters(size)
        self._watch(p, str, lwt_unix.write(descriptor, data, int(offset), int(length)))

    def do_write_string(self, p: int, d: int, size: int, offset: int, length: int) -> None:
        descriptor = self._descriptor(d)
        data = self._letters(size).decode()
        self._watch(p, str, lwt_unix.write_string(descriptor, data, int(offset), int(length)))

    def do_write_text(self, p: int, d: int, word: str) -> None:
        text = text_of(str(word)).decode()
        promise = lwt_unix.write_string(self._descriptor(d), text, 0, len(text))
        self._watch(p, str, promise)

    def do_send(self, p: int, d: int, size: int, offset: int, length: int) -> None:
        descriptor = self._descriptor(d)
        data = self._letters(size)
        self._watch(p, str, lwt_unix.send(descriptor, data, int(offset), int(length), []))

    def do_sendto(self, p: int, d: int, size: int, number: int) -> None:
        descriptor = self._descriptor(d)
        data = self._letters(size)
        address = lwt_unix.ADDR_UNIX(path(number))
        self._watch(p, str, lwt_unix.sendto(descriptor, data, 0, size, [], address))

    def do_fill(self, d: int) -> None:
        """Write until the system takes no more."""
        descriptor, total, piece = self._descriptor(d), 0, b"x" * 4096
        while True:
            writing = lwt_unix.write(descriptor, piece, 0, len(piece))
            match lwt.state(writing):
                case lwt.Return(count):
                    total += count
                case lwt.Fail(exn):
                    self._event(f"filled {total}, {show_exception(exn)}")
                    return
                case _:
                    lwt.cancel(writing)
                    self._event(f"filled {total}")
                    return

    def do_drain(self, d: int) -> None:
        """Read until there is no more."""
        descriptor, total, buffer = self._descriptor(d), 0, bytearray(65536)
        while True:
            reading = lwt_unix.read(descriptor, buffer, 0, len(buffer))
            match lwt.state(reading):
                case lwt.Return(0):
                    self._event(f"drained {total}, end")
                    return
                case lwt.Return(count):
                    total += count
                case lwt.Fail(exn):
                    self._event(f"drained {total}, {show_exception(exn)}")
                    return
                case _:
                    lwt.cancel(reading)
                    self._event(f"drained {total}")
                    return

    # Waiting

    def do_wait_read(self, p: int, d: int) -> None:
        self._watch(p, show_unit, lwt_unix.wait_read(self._descriptor(d)))

    def do_wait_write(self, p: int, d: int) -> None:
        self._watch(p, show_unit, lwt_unix.wait_write(self._descriptor(d)))

    def do_readable(self, d: int) -> None:
        self._event(f"readable {show_bool(lwt_unix.readable(self._descriptor(d)))}")

    def do_writable(self, d: int) -> None:
        self._event(f"writable {show_bool(lwt_unix.writable(self._descriptor(d)))}")

    def do_wrap_syscall(self, p: int, d: int, direction: str, outcomes: Form) -> None:
        event = lwt_unix.Read if direction == "read" else lwt_unix.Write
        action = self._action(p, outcomes)
        self._watch(p, str, lwt_unix.wrap_syscall(event, self._descriptor(d), action))

    def do_register_action(self, p: int, d: int, direction: str, outcomes: Form) -> None:
        event = lwt_unix.Read if direction == "read" else lwt_unix.Write
        action = self._action(p, outcomes)
        self._watch(p, str, lwt_unix.register_action(event, self._descriptor(d), action))

    def _action(self, p: int, outcomes: Form) -> Callable[[], int]:
        """Make a system call of the script's own: what happens each time it is tried."""
        rest = iter(outcomes)

        def act() -> int:
            outcome, *statements = next(rest, ("done",))
            self._event(f"p{p} tries, {outcome}")
            self._perform_all(statements)
            match outcome:
                case "done":
                    return 0
                case "retry":
                    raise lwt_unix.Retry
                case "retry_read":
                    raise lwt_unix.Retry_read
                case "retry_write":
                    raise lwt_unix.Retry_write
                case "again":
                    raise BlockingIOError(errno.EAGAIN, "")
                case "fail":
                    raise Oops(1)
                case _:
                    return 1

        return act

    # States

    def do_close(self, p: int, d: int) -> None:
        self._watch(p, show_unit, lwt_unix.close(self._descriptor(d)))

    def do_abort(self, d: int, e: int) -> None:
        lwt_unix.abort(self._descriptor(d), oops(e))

    def do_state(self, d: int) -> None:
        self._event(f"state {show_state(lwt_unix.state(self._descriptor(d)))}")

    def do_check_descriptor(self, d: int) -> None:
        lwt_unix.check_descriptor(self._descriptor(d))

    def do_shutdown(self, d: int, command: str) -> None:
        lwt_unix.shutdown(self._descriptor(d), COMMANDS[command])

    def do_blocking(self, p: int, d: int) -> None:
        self._watch(p, show_bool, lwt_unix.blocking(self._descriptor(d)))

    def do_set_blocking(self, d: int, blocking: int) -> None:
        lwt_unix.set_blocking(self._descriptor(d), blocking == 1)

    # Sockets with addresses

    def do_socket(self, d: int) -> None:
        kind = (lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
        self._keep_descriptor(d, lwt_unix.socket(*kind))

    def do_datagram_socket(self, d: int) -> None:
        self._keep_descriptor(d, lwt_unix.socket(lwt_unix.PF_UNIX, lwt_unix.SOCK_DGRAM, 0))

    def do_bind(self, p: int, d: int, number: int) -> None:
        address = lwt_unix.ADDR_UNIX(path(number))
        self._watch(p, show_unit, lwt_unix.bind(self._descriptor(d), address))

    def do_listen(self, d: int, backlog: int) -> None:
        lwt_unix.listen(self._descriptor(d), backlog)

    def do_connect(self, p: int, d: int, number: int) -> None:
        address = lwt_unix.ADDR_UNIX(path(number))
        self._watch(p, show_unit, lwt_unix.connect(self._descriptor(d), address))

    def do_accept(self, p: int, d: int, client: int) -> None:
        def show(accepted: tuple[lwt_unix.File_descr, object]) -> str:
            self._keep_descriptor(client, accepted[0])
            return "a client"

        self._watch(p, show, lwt_unix.accept(self._descriptor(d)))

    def do_accept_n(self, p: int, d: int, count: int, client: int) -> None:
        def show(accepted: tuple[list[tuple[lwt_unix.File_descr, object]], Any]) -> str:
            clients, problem = accepted
            for i, (descriptor, _) in enumerate(clients):
                self._keep_descriptor(client + i, descriptor)
            reason = "" if problem is None else f", {show_exception(problem.value)}"
            return f"{len(clients)} clients{reason}"

        self._watch(p, show, lwt_unix.accept_n(self._descriptor(d), count))

    def do_getsockname(self, d: int) -> None:
        address = lwt_unix.getsockname(self._descriptor(d))
        self._event("unnamed" if address == lwt_unix.ADDR_UNIX("") else "named")

    def do_getpeername(self, d: int) -> None:
        address = lwt_unix.getpeername(self._descriptor(d))
        self._event("unnamed" if address == lwt_unix.ADDR_UNIX("") else "named")

    # Promises and the main loop

    def do_cancel(self, p: int) -> None:
        lwt.cancel(self._promise(p))

    def do_then(self, p: int, statements: Form) -> None:
        def go_on(_: object) -> None:
            self._perform_all(statements)

        lwt.on_any(self._promise(p), go_on, go_on)

    def do_pick(self, p: int, slots: Form) -> None:
        promises = [self._promise(slot) for slot in slots]
        self._watch(p, lambda _: "picked", lwt.pick(promises))

    def do_protected(self, p: int, q: int) -> None:
        self._watch(p, lambda _: "protected", lwt.protected(self._promise(q)))

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
        turn()

    def do_settle(self) -> None:
        """Turn until nothing happens any more."""
        quiet = turns = 0
        while quiet < QUIET_TURNS and turns < TURNS_AT_MOST:
            before = len(self.trace)
            turn()
            turns += 1
            quiet = quiet + 1 if len(self.trace) == before else 0


def turn() -> None:
    """Turn the main loop once, as 6.1 does: it resolves paused promises after the engine."""
    lwt_engine.iter(False)
    if lwt.paused_count():
        lwt.wakeup_paused()
