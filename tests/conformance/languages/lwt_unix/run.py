"""Running scripts of input and output on `lwt_unix`: the statements for descriptors."""

from __future__ import annotations

import errno
import os
from typing import Any, Final

import lwt
import lwt_unix
from tests.conformance.forms import Form
from tests.conformance.language import Met
from tests.conformance.languages.scripts.differences import (
    CIRCLE,
    ENDS_ITSELF,
    MODE_OF_CLOSED,
    QUEUE_FULL,
    REPLACED,
    STILL_BLOCKING,
)
from tests.conformance.languages.scripts.run import (
    CLIENTS_AT_MOST,
    EmptySlot,
    Oops,
    Promise,
    ScriptRun,
    oops,
    path,
    show_bool,
    show_data,
    show_exception,
    show_state,
    show_unit,
    text_of,
)

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
