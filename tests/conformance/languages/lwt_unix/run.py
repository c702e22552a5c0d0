"""Running scripts of input and output on `lwt_unix`: the statements for descriptors."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import lwt
import lwt_unix
from lwt import lwt_stream
from tests.conformance.forms import Form
from tests.conformance.language import Met
from tests.conformance.languages.scripts.differences import (
    CIRCLE,
    ENDS_ITSELF,
    MODE_OF_CLOSED,
    PIPE_IN_BETWEEN,
    QUEUE_FULL,
    REPLACED,
    STILL_BLOCKING,
)
from tests.conformance.languages.scripts.run import (
    CLIENTS_AT_MOST,
    FILES,
    EmptySlot,
    Oops,
    Promise,
    ScriptRun,
    file,
    oops,
    path,
    show_bool,
    show_data,
    show_exception,
    show_state,
    show_unit,
    text_of,
)

OPEN_FLAGS: Final = {
    "read": [lwt_unix.O_RDONLY],
    "write": [lwt_unix.O_WRONLY, lwt_unix.O_CREAT, lwt_unix.O_TRUNC],
    "both": [lwt_unix.O_RDWR, lwt_unix.O_CREAT],
    "append": [lwt_unix.O_WRONLY, lwt_unix.O_APPEND],
    "new": [lwt_unix.O_RDWR, lwt_unix.O_CREAT, lwt_unix.O_EXCL],
}
NOTIFIED_AT_MOST: Final = 20
"""How many calls of notifications do anything: such as send each other would never settle."""

WHENCE: Final = {"set": lwt_unix.SEEK_SET, "cur": lwt_unix.SEEK_CUR, "end": lwt_unix.SEEK_END}


def as_in_ocaml(number: int) -> str:
    """Return a number as OCaml has it, in 63 bits: the end of a directory is far away."""
    return str((number + 2**62) % 2**63 - 2**62)


def show_stats(stats: lwt_unix.Stats) -> str:
    kind, perm = stats.st_kind, f"{stats.st_perm:o}"
    if kind is lwt_unix.S_REG:
        return f"S_REG {perm}, {stats.st_nlink} names, {stats.st_size} bytes"
    return f"S_DIR {perm}" if kind is lwt_unix.S_DIR else repr(kind)


COMMANDS: Final = {
    "receive": lwt_unix.SHUTDOWN_RECEIVE,
    "send": lwt_unix.SHUTDOWN_SEND,
    "all": lwt_unix.SHUTDOWN_ALL,
}


def amount(total: int) -> str:
    """Show how many bytes were transferred, if that does not depend on the kernel."""
    return str(total) if total < 4096 else "much"


class Action:
    """A system call of the script's own: what happens each time it is tried."""

    def __init__(
        self, run: UnixRun, p: int, descriptor: lwt_unix.File_descr, outcomes: Form
    ) -> None:
        self._run = run
        self._slot = p
        self._descriptor = descriptor
        self._rest = iter(outcomes)
        self.promise: Promise | None = None

    def __call__(self) -> int:
        outcome, *statements = next(self._rest, ("done",))
        self._run.event(f"p{self._slot} tries, {outcome}")
        self._run.perform_all(statements)
        is_opened = lwt_unix.state(self._descriptor) is lwt_unix.Opened
        if not is_opened or (self.promise is not None and not lwt.is_sleeping(self.promise)):
            self._run.doubt(ENDS_ITSELF)
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


class UnixRun(ScriptRun):
    """One run of one script over descriptors."""

    def __init__(self, met: Met | None = None) -> None:
        super().__init__(met)
        self._copied: dict[int, lwt_unix.File_descr] = {}  # the sources of copies, by `id`

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
        source = self._descriptor(a)
        copy = lwt_unix.dup(source)
        self._copied[id(copy)] = source
        self._keep_descriptor(b, copy)

    def do_dup2(self, a: int, b: int) -> None:
        target = self._descriptor(b)
        if lwt_unix.state(target) is lwt_unix.Closed:
            return
        source = self._descriptor(a)
        if target in self._sources_of(source):
            self.doubt(CIRCLE)
        waiters = (target._readers, target._writers)
        if any(queue and queue.first for queue in waiters):
            if self._engine.is_turning:
                self.doubt(REPLACED)
            if source._state is lwt_unix.Opened and os.get_blocking(source._fd):
                self.doubt(STILL_BLOCKING)
        self._copied[id(target)] = source
        lwt_unix.dup2(source, target)

    def _sources_of(self, descriptor: lwt_unix.File_descr) -> list[lwt_unix.File_descr]:
        """Return the descriptor, and those that it is a copy of."""
        sources = [descriptor]
        while (source := self._copied.get(id(sources[-1]))) and source not in sources:
            sources.append(source)
        return sources

    # Reading and writing

    def _watch_read(self, p: int, buffer: bytearray, offset: int, promise: Promise) -> None:
        self._watch(p, lambda count: show_data(buffer[offset : offset + count]), promise)

    def do_read(self, p: int, d: int, size: int, offset: int, length: int) -> None:
        buffer = bytearray(b"." * size)
        descriptor = self._descriptor(d)
        arguments = (descriptor, buffer, int(offset), int(length))
        promise = self._attempt(descriptor, lwt_unix.read, *arguments)
        self._watch_read(p, buffer, offset, promise)

    def do_recv(self, p: int, d: int, size: int, offset: int, length: int, peek: int) -> None:
        buffer = bytearray(b"." * size)
        flags = [lwt_unix.MSG_PEEK] if peek == 1 else []
        descriptor = self._descriptor(d)
        arguments: tuple[Any, ...] = (descriptor, buffer, int(offset), int(length), flags)
        promise = self._attempt(descriptor, lwt_unix.recv, *arguments)
        self._watch_read(p, buffer, offset, promise)

    def do_recvfrom(self, p: int, d: int, length: int) -> None:
        buffer = bytearray(b"." * length)
        descriptor = self._descriptor(d)
        arguments: tuple[Any, ...] = (descriptor, buffer, 0, length, [])
        promise = self._attempt(descriptor, lwt_unix.recvfrom, *arguments)
        self._watch(p, lambda received: show_data(buffer[: received[0]]), promise)

    def do_write(self, p: int, d: int, size: int, offset: int, length: int) -> None:
        descriptor = self._descriptor(d)
        data = self._letters(size)
        arguments = (descriptor, data, int(offset), int(length))
        self._watch(p, str, self._attempt(descriptor, lwt_unix.write, *arguments))

    def do_write_string(self, p: int, d: int, size: int, offset: int, length: int) -> None:
        descriptor = self._descriptor(d)
        data = self._letters(size).decode()
        arguments = (descriptor, data, int(offset), int(length))
        self._watch(p, str, self._attempt(descriptor, lwt_unix.write_string, *arguments))

    def do_write_text(self, p: int, d: int, word: str) -> None:
        text = text_of(str(word)).decode()
        descriptor = self._descriptor(d)
        arguments = (descriptor, text, 0, len(text))
        self._watch(p, str, self._attempt(descriptor, lwt_unix.write_string, *arguments))

    def do_send(self, p: int, d: int, size: int, offset: int, length: int) -> None:
        descriptor = self._descriptor(d)
        data = self._letters(size)
        arguments: tuple[Any, ...] = (descriptor, data, int(offset), int(length), [])
        self._watch(p, str, self._attempt(descriptor, lwt_unix.send, *arguments))

    def do_sendto(self, p: int, d: int, size: int, number: int) -> None:
        descriptor = self._descriptor(d)
        data = self._letters(size)
        address = lwt_unix.ADDR_UNIX(path(number))
        arguments: tuple[Any, ...] = (descriptor, data, 0, size, [], address)
        self._watch(p, str, self._attempt(descriptor, lwt_unix.sendto, *arguments))

    def do_fill(self, d: int) -> None:
        """Write until the system takes no more."""
        self._refuse_file(d)
        descriptor, total, piece = self._descriptor(d), 0, b"x" * 4096
        while True:
            writing = self._attempt(descriptor, lwt_unix.write, descriptor, piece, 0, len(piece))
            match lwt.state(writing):
                case lwt.Return(count):
                    total += count
                case lwt.Fail(exn):
                    self.event(f"filled {amount(total)}, {show_exception(exn)}")
                    return
                case _:
                    lwt.cancel(writing)
                    self.event(f"filled {amount(total)}")
                    return

    def do_drain(self, d: int) -> None:
        """Read until there is no more."""
        descriptor, total, buffer = self._descriptor(d), 0, bytearray(65536)
        while True:
            reading = self._attempt(descriptor, lwt_unix.read, descriptor, buffer, 0, len(buffer))
            match lwt.state(reading):
                case lwt.Return(0):
                    self.event(f"drained {amount(total)}, end")
                    return
                case lwt.Return(count):
                    total += count
                case lwt.Fail(exn):
                    self.event(f"drained {amount(total)}, {show_exception(exn)}")
                    return
                case _:
                    lwt.cancel(reading)
                    self.event(f"drained {amount(total)}")
                    return

    # Files

    def _refuse_file(self, d: int) -> None:
        """Leave out what would never end with a file."""
        descriptor = self._descriptor(d)
        if lwt_unix.state(descriptor) is lwt_unix.Opened:
            mode = os.fstat(lwt_unix.unix_file_descr(descriptor)).st_mode
            if stat.S_ISREG(mode):
                raise EmptySlot

    def do_openfile(self, p: int, d: int, number: int, flags: str) -> None:
        def show(descriptor: lwt_unix.File_descr) -> str:
            self._keep_descriptor(d, descriptor)
            return "opened"

        opening = lwt_unix.openfile(file(number), OPEN_FLAGS[flags], 0o640)
        self._watch(p, show, opening)

    def do_pread(self, p: int, d: int, size: int, offset: int, length: int, place: int) -> None:
        buffer = bytearray(b"." * size)
        descriptor = self._descriptor(d)
        reading = partial(lwt_unix.pread, file_offset=int(place))
        arguments = (descriptor, buffer, int(offset), int(length))
        self._watch_read(p, buffer, offset, self._attempt(descriptor, reading, *arguments))

    def do_pwrite(self, p: int, d: int, size: int, offset: int, length: int, place: int) -> None:
        descriptor = self._descriptor(d)
        writing = partial(lwt_unix.pwrite, file_offset=int(place))
        arguments = (descriptor, self._letters(size), int(offset), int(length))
        self._watch(p, str, self._attempt(descriptor, writing, *arguments))

    def do_lseek(self, p: int, d: int, offset: int, whence: str) -> None:
        moving = lwt_unix.lseek(self._descriptor(d), int(offset), WHENCE[whence])
        self._watch(p, as_in_ocaml, moving)

    def do_truncate(self, p: int, number: int, length: int) -> None:
        self._watch(p, show_unit, lwt_unix.truncate(file(number), length))

    def do_ftruncate(self, p: int, d: int, length: int) -> None:
        self._watch(p, show_unit, lwt_unix.ftruncate(self._descriptor(d), length))

    def do_fsync(self, p: int, d: int) -> None:
        self._watch(p, show_unit, lwt_unix.fsync(self._descriptor(d)))

    def do_stat(self, p: int, number: int) -> None:
        self._watch(p, show_stats, lwt_unix.stat(file(number)))

    def do_lstat(self, p: int, number: int) -> None:
        self._watch(p, show_stats, lwt_unix.lstat(file(number)))

    def do_fstat(self, p: int, d: int) -> None:
        self._watch(p, show_stats, lwt_unix.fstat(self._descriptor(d)))

    def do_file_exists(self, p: int, number: int) -> None:
        self._watch(p, show_bool, lwt_unix.file_exists(file(number)))

    def do_unlink(self, p: int, number: int) -> None:
        self._watch(p, show_unit, lwt_unix.unlink(file(number)))

    def do_rename(self, p: int, a: int, b: int) -> None:
        self._watch(p, show_unit, lwt_unix.rename(file(a), file(b)))

    def do_link(self, p: int, a: int, b: int) -> None:
        self._watch(p, show_unit, lwt_unix.link(file(a), file(b)))

    def do_symlink(self, p: int, a: int, b: int) -> None:
        self._watch(p, show_unit, lwt_unix.symlink(file(a), file(b)))

    def do_readlink(self, p: int, number: int) -> None:
        numbers = {file(n): str(n) for n in range(FILES)}
        self._watch(p, lambda target: numbers[target], lwt_unix.readlink(file(number)))

    def do_chmod(self, p: int, number: int, perms: int) -> None:
        self._watch(p, show_unit, lwt_unix.chmod(file(number), perms))

    def do_access(self, p: int, number: int) -> None:
        self._watch(p, show_unit, lwt_unix.access(file(number), [lwt_unix.F_OK]))

    def do_mkdir(self, p: int, number: int) -> None:
        self._watch(p, show_unit, lwt_unix.mkdir(file(number), 0o750))

    def do_rmdir(self, p: int, number: int) -> None:
        self._watch(p, show_unit, lwt_unix.rmdir(file(number)))

    def do_files_of_directory(self, p: int, number: int) -> None:
        names = lwt_unix.files_of_directory(file(number))
        listing = lwt.catch(lambda: lwt_stream.to_list(names), lwt.fail)
        self._watch(p, lambda found: str(len(found)), listing)

    def do_isatty(self, p: int, d: int) -> None:
        self._watch(p, show_bool, lwt_unix.isatty(self._descriptor(d)))

    # Notifications

    def _calls(self, n: int, text: str, statements: Form) -> Callable[[], None]:
        def call() -> None:
            engine = self._engine
            if engine.is_turning and engine.readable_count + engine.writable_count > 1:
                self.doubt(PIPE_IN_BETWEEN)
            self.event(f"n{n} {text}")
            self._notified += 1
            if self._notified < NOTIFIED_AT_MOST:
                self.perform_all(statements)

        return call

    def _notification(self, n: int) -> lwt_unix.Notification:
        found: lwt_unix.Notification = self._take("n", self._notifications, n)
        return found

    def do_notification(self, n: int, once: int, statements: Form) -> None:
        call = self._calls(n, "comes", statements)
        self._notifications[n] = lwt_unix.make_notification(call, once=once == 1)
        self._made("n", n)

    def do_send_notification(self, n: int) -> None:
        lwt_unix.send_notification(self._notification(n))

    def do_stop_notification(self, n: int) -> None:
        lwt_unix.stop_notification(self._notification(n))

    def do_call_notification(self, n: int) -> None:
        lwt_unix.call_notification(self._notification(n))

    def do_set_notification(self, n: int, statements: Form) -> None:
        notification = self._notification(n)
        lwt_unix.set_notification(notification, self._calls(n, "comes anew", statements))

    # Waiting

    def do_wait_read(self, p: int, d: int) -> None:
        descriptor = self._descriptor(d)
        waiting = self._attempt(descriptor, lwt_unix.wait_read, descriptor)
        self._watch(p, show_unit, waiting)

    def do_wait_write(self, p: int, d: int) -> None:
        descriptor = self._descriptor(d)
        waiting = self._attempt(descriptor, lwt_unix.wait_write, descriptor)
        self._watch(p, show_unit, waiting)

    def do_readable(self, d: int) -> None:
        self.event(f"readable {show_bool(lwt_unix.readable(self._descriptor(d)))}")

    def do_writable(self, d: int) -> None:
        self.event(f"writable {show_bool(lwt_unix.writable(self._descriptor(d)))}")

    def do_wrap_syscall(self, p: int, d: int, direction: str, outcomes: Form) -> None:
        event = lwt_unix.Read if direction == "read" else lwt_unix.Write
        descriptor = self._descriptor(d)
        action = Action(self, p, descriptor, outcomes)
        arguments = (event, descriptor, action)
        action.promise = self._attempt(descriptor, lwt_unix.wrap_syscall, *arguments)
        self._watch(p, str, action.promise)

    def do_register_action(self, p: int, d: int, direction: str, outcomes: Form) -> None:
        event = lwt_unix.Read if direction == "read" else lwt_unix.Write
        descriptor = self._descriptor(d)
        action = Action(self, p, descriptor, outcomes)
        action.promise = lwt_unix.register_action(event, descriptor, action)
        self._watch(p, str, action.promise)

    # States

    def do_close(self, p: int, d: int) -> None:
        descriptor = self._descriptor(d)
        if not descriptor._settled and descriptor in self._copied.values():
            self.doubt(MODE_OF_CLOSED)
        self._watch(p, show_unit, lwt_unix.close(descriptor))

    def do_abort(self, d: int, e: int) -> None:
        lwt_unix.abort(self._descriptor(d), oops(e))

    def do_state(self, d: int) -> None:
        self.event(f"state {show_state(lwt_unix.state(self._descriptor(d)))}")

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

    def _check_clients(self) -> None:
        """Let servers whose clients connect again come to an end."""
        if self._clients >= CLIENTS_AT_MOST:
            raise EmptySlot

    def do_connect(self, p: int, d: int, number: int) -> None:
        self._check_clients()
        address = lwt_unix.ADDR_UNIX(path(number))
        descriptor = self._descriptor(d)
        connecting = self._attempt(descriptor, lwt_unix.connect, descriptor, address)
        if lwt.is_sleeping(connecting):
            self.doubt(QUEUE_FULL)
        self._watch(p, show_unit, connecting)

    def do_accept(self, p: int, d: int, client: int) -> None:
        def show(accepted: tuple[lwt_unix.File_descr, object]) -> str:
            self._keep_descriptor(client, accepted[0])
            return "a client"

        descriptor = self._descriptor(d)
        self._watch(p, show, self._attempt(descriptor, lwt_unix.accept, descriptor))

    def do_accept_n(self, p: int, d: int, count: int, client: int) -> None:
        def show(accepted: tuple[list[tuple[lwt_unix.File_descr, object]], Any]) -> str:
            clients, problem = accepted
            for i, (descriptor, _) in enumerate(clients):
                self._keep_descriptor(client + i, descriptor)
            reason = "" if problem is None else f", {show_exception(problem.value)}"
            return f"{len(clients)} clients{reason}"

        descriptor = self._descriptor(d)
        if lwt_unix.state(descriptor) is lwt_unix.Closed and not descriptor._settled:
            self.doubt(MODE_OF_CLOSED)
        self._watch(p, show, lwt_unix.accept_n(descriptor, count))

    def do_getsockname(self, d: int) -> None:
        address = lwt_unix.getsockname(self._descriptor(d))
        self.event("unnamed" if address == lwt_unix.ADDR_UNIX("") else "named")

    def do_getpeername(self, d: int) -> None:
        address = lwt_unix.getpeername(self._descriptor(d))
        self.event("unnamed" if address == lwt_unix.ADDR_UNIX("") else "named")
