"""Random programs on a socket pair, against a plain model of the bytes in flight.

A program reads, writes, waits, cancels, closes and aborts in any order, from callbacks too. The
model knows only which bytes each side has sent and received, and which operations wait. What
must hold, whatever the program and the engine:

- every byte is received once and in order;
- a cancelled operation moves nothing;
- who waits is served first come, first served, and nobody waits while there is something for him;
- closing or aborting rejects what waits there before it returns, readers first, and refuses all
  that comes later;
- an error met at the first attempt is raised at the call, one met later rejects;
- an engine has an event for a direction exactly while someone waits for it;
- at the end nothing is registered and no descriptor is open.
"""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import lwt
import lwt_unix
from lwt_unix import lwt_engine

ENGINES: dict[str, Callable[[], lwt_engine.abstract]] = {
    "select": lwt_engine.select,
    "poll": lwt_engine.poll,
}
if hasattr(select, "epoll"):
    ENGINES["epoll"] = lwt_engine.epoll
if hasattr(select, "kqueue"):
    ENGINES["kqueue"] = lwt_engine.kqueue


class Gone(Exception):
    """What descriptors are aborted with."""


class Operation:
    """One operation, and what the model knows of it."""

    def __init__(self, side: Side, kind: str, size: int) -> None:
        self.side = side
        self.kind = kind
        self.size = size
        self.buffer = bytearray(size)
        self.promise: lwt.Promise[object] = lwt.return_unit

    @property
    def is_reader(self) -> bool:
        return self.kind in {"read", "wait_read"}


class Side:
    """One end of the socket pair: what it sent and received, and who waits there."""

    def __init__(self, descriptor: lwt_unix.File_descr) -> None:
        self.descriptor = descriptor
        self.fd = lwt_unix.unix_file_descr(descriptor)
        self.peer = self
        self.state = "opened"
        self.sent = bytearray()
        self.received = bytearray()
        self.has_shut_down = False
        self.readers: list[Operation] = []
        self.writers: list[Operation] = []

    @property
    def unread(self) -> int:
        return len(self.peer.sent) - len(self.received)

    @property
    def peer_sends_no_more(self) -> bool:
        return self.peer.state == "closed" or self.peer.has_shut_down

    def waiting(self, operation: Operation) -> list[Operation]:
        return self.readers if operation.is_reader else self.writers


SIDES = st.sampled_from([0, 1])
SIZES = st.integers(0, 6) | st.sampled_from([500, 3000])
REACTIONS = st.sampled_from(["nothing"] * 6 + ["again", "cancel", "close", "abort", "write"])


class Descriptors(RuleBasedStateMachine):
    """The random programs. `make_engine` is set by the test."""

    make_engine: Callable[[], lwt_engine.abstract]

    def __init__(self) -> None:
        super().__init__()
        self.sides: list[Side] = []
        self.in_turn = False
        self.moved_in_turn = False
        self.ending: Side | None = None
        self.next_byte = 0
        self.operations_left = 0
        self.failures: list[Exception] = []

    @initialize(life=st.integers(0, 40))
    def open(self, life: int) -> None:
        self.operations_left = life
        # An assertion that fails in a callback arrives there.
        self.usual_hook = lwt.async_exception_hook.contents
        lwt.async_exception_hook.contents = self.failures.append
        self.usual = lwt_engine.get()
        self.engine = self.make_engine()
        lwt_engine.set(self.engine, transfer=False, destroy=False)
        self.sides = [
            Side(descriptor)
            for descriptor in lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
        ]
        for side, peer in zip(self.sides, reversed(self.sides), strict=True):
            side.peer = peer
            # As little room as the system allows, so that writing has to wait.
            lwt_unix.setsockopt_int(side.descriptor, lwt_unix.SO_SNDBUF, 1)

    # What programs do

    @rule(side=SIDES, kind=st.sampled_from(["read", "wait_read", "wait_write"]), size=SIZES,
          reaction=REACTIONS)  # fmt: skip
    def start(self, side: int, kind: str, size: int, reaction: str) -> None:
        self.perform(Operation(self.sides[side], kind, size), reaction)

    @rule(side=SIDES, size=SIZES, reaction=REACTIONS)
    def start_writing(self, side: int, size: int, reaction: str) -> None:
        self.perform(Operation(self.sides[side], "write", size), reaction)

    @rule(side=SIDES, which=st.integers(0, 5))
    def cancel(self, side: int, which: int) -> None:
        waiting = self.sides[side].readers + self.sides[side].writers
        if waiting:
            lwt.cancel(waiting[which % len(waiting)].promise)

    @rule()
    def turn(self) -> None:
        before = [(len(side.peer.sent), side.peer_sends_no_more) for side in self.sides]
        self.in_turn, self.moved_in_turn = True, False
        lwt_engine.iter(False)
        self.in_turn = False
        for side, (sent, is_over) in zip(self.sides, before, strict=True):
            # Nobody waits on for what was there already, nor for what can never come.
            if side.readers:
                assert len(side.received) >= sent
                assert not is_over

    @rule(side=SIDES)
    @precondition(lambda self: self.may_end())
    def close(self, side: int) -> None:
        self.end(self.sides[side], "close")

    @rule(side=SIDES)
    @precondition(lambda self: self.may_end())
    def abort(self, side: int) -> None:
        self.end(self.sides[side], "abort")

    @rule(side=SIDES)
    @precondition(lambda self: self.may_end())
    def shut_down(self, side: int) -> None:
        one = self.sides[side]
        if one.state == "opened" and one.peer.state != "closed":
            lwt_unix.shutdown(one.descriptor, lwt_unix.SHUTDOWN_SEND)
            one.has_shut_down = True

    # What must hold

    @invariant()
    def no_callback_has_found_a_fault(self) -> None:
        for failure in self.failures:
            raise failure

    @invariant()
    def engine_watches_whom_someone_waits_for(self) -> None:
        if self.sides:
            assert self.engine.readable_count == sum(bool(side.readers) for side in self.sides)
            assert self.engine.writable_count == sum(bool(side.writers) for side in self.sides)

    @invariant()
    def bytes_come_once_and_in_order(self) -> None:
        for side in self.sides:
            assert side.peer.sent.startswith(side.received)

    def teardown(self) -> None:
        if not self.sides:
            return
        lwt.async_exception_hook.contents = self.usual_hook
        for side in self.sides:
            for operation in side.readers + side.writers:
                lwt.cancel(operation.promise)
            if side.state != "closed":
                side.received += read_all(side.fd)
                assert side.received == side.peer.sent or self.failures
        for side in self.sides:
            if side.state != "closed":
                lwt_unix.close(side.descriptor)
        assert (self.engine.readable_count, self.engine.writable_count) == (0, 0)
        assert isinstance(self.engine, lwt_engine.abstract)
        lwt_engine.set(self.usual, transfer=False)
        for side in self.sides:
            with pytest.raises(OSError, match="Bad file"):
                os.fstat(side.fd)

    # Operations and the model

    def perform(self, operation: Operation, reaction: str) -> None:
        """Start an operation."""
        self.operations_left -= 1
        side = operation.side
        if operation.kind == "write":
            numbers = range(self.next_byte, self.next_byte + operation.size)
            operation.buffer[:] = bytes(number % 251 for number in numbers)
        try:
            operation.promise = self.call(operation)
        except (OSError, Gone) as exn:
            failure: Exception = exn
        else:
            self.follow(operation, reaction)
            return
        self.check_failure(side, failure)

    def follow(self, operation: Operation, reaction: str) -> None:
        """Have the model follow what becomes of an operation that did not raise."""
        side = operation.side
        assert side.state == "opened"
        is_immediate = not lwt.is_sleeping(operation.promise)
        if not is_immediate:
            side.waiting(operation).append(operation)
        lwt.on_any(
            operation.promise,
            lambda result: self.succeeded(operation, result, is_immediate, reaction),
            lambda exn: self.failed(operation, exn, is_immediate),
        )

    def call(self, operation: Operation) -> lwt.Promise[object]:
        descriptor = operation.side.descriptor
        match operation.kind:
            case "read":
                return lwt_unix.read(descriptor, operation.buffer, 0, operation.size)
            case "write":
                return lwt_unix.write(descriptor, operation.buffer, 0, operation.size)
            case "wait_read":
                return lwt_unix.wait_read(descriptor)
            case _:
                return lwt_unix.wait_write(descriptor)

    def succeeded(
        self, operation: Operation, result: object, is_immediate: bool, reaction: str
    ) -> None:
        side = operation.side
        assert side.state == "opened"
        if not is_immediate:
            assert self.in_turn
            waiting = side.waiting(operation)
            # Waiting for readiness is over even when another has read what there was, so that
            # only those of one kind keep their order; and if a callback moves bytes in this
            # turn, those still to be asked are luckier than those asked already.
            first = next(other for other in waiting if other.kind == operation.kind)
            assert first is operation or self.moved_in_turn
            waiting.remove(operation)
        elif self.in_turn:
            self.moved_in_turn = True
        match operation.kind, result:
            case "read", int(length):
                if length == 0 and operation.size > 0:
                    assert side.peer_sends_no_more
                    assert side.unread == 0
                side.received += operation.buffer[:length]
            case "write", int(length):
                # What was not taken is not sent; the next write begins with it.
                self.next_byte += length
                side.sent += operation.buffer[:length]
            case (("wait_read" | "wait_write"), None):
                pass
            case _:
                raise AssertionError(f"{operation.kind} gave {result!r}")
        self.react(side, operation, reaction)

    def failed(self, operation: Operation, exn: Exception, is_immediate: bool) -> None:
        side = operation.side
        assert not is_immediate
        waiting = side.waiting(operation)
        if self.ending is side:
            # First come, first rejected; the readers before the writers.
            assert waiting[0] is operation
            assert operation.is_reader or side.readers == []
        waiting.remove(operation)
        if not isinstance(exn, lwt.Canceled):
            self.check_failure(side, exn)

    def check_failure(self, side: Side, exn: Exception) -> None:
        """Check that an operation may fail so."""
        if side.state != "opened":
            assert is_refusal(exn, side.state)
            return
        assert isinstance(exn, OSError)
        allowed = {errno.EPIPE, errno.ECONNRESET} if side.peer.state == "closed" else set()
        if side.has_shut_down:
            allowed.add(errno.EPIPE)
        assert exn.errno in allowed

    def react(self, side: Side, operation: Operation, reaction: str) -> None:
        """Do something from the callback of an operation."""
        match reaction:
            case "again":
                self.perform(Operation(side, operation.kind, operation.size), "nothing")
            case "write":
                self.perform(Operation(side.peer, "write", 3), "nothing")
            case "cancel":
                for waiting in side.readers[-1:] + side.peer.writers[:1]:
                    lwt.cancel(waiting.promise)
            case "close" | "abort":
                if self.may_end():
                    self.end(side, reaction)

    def may_end(self) -> bool:
        """Whether enough has happened for closing not to make the rest dull."""
        return self.operations_left <= 0

    def end(self, side: Side, how: str) -> None:
        """Close or abort a side; nobody may wait there when that is done."""
        if side.state == "closed":
            if how == "close":
                with pytest.raises(OSError, match=r"descriptor \(.*, Closed>\)$"):
                    lwt_unix.close(side.descriptor)
            else:
                lwt_unix.abort(side.descriptor, Gone())
            return
        self.ending, outer = side, self.ending
        if how == "close":
            side.state = "closed"
            assert lwt.state(lwt_unix.close(side.descriptor)) == lwt.Return(None)
        else:
            side.state = "aborted"
            lwt_unix.abort(side.descriptor, Gone())
        self.ending = outer
        assert side.readers == side.writers == []


def is_refusal(exn: Exception, state: str) -> bool:
    """Whether this is how a descriptor in this state refuses an operation."""
    if state == "aborted":
        return isinstance(exn, Gone)
    return state == "closed" and isinstance(exn, OSError) and exn.errno == errno.EBADF


def read_all(fd: int) -> bytes:
    """Read what is there, past an error that the peer left by closing."""
    data = b""
    os.set_blocking(fd, False)
    while True:
        try:
            more = os.read(fd, 65536)
        except BlockingIOError:
            return data
        except ConnectionResetError:
            continue
        if not more:
            return data
        data += more


@pytest.mark.parametrize("name", ENGINES)
def test_random_programs_lose_no_byte_and_leave_nothing_behind(name: str) -> None:
    machine = type(f"Descriptors_{name}", (Descriptors,), {"make_engine": ENGINES[name]})
    run_state_machine_as_test(machine, settings=settings(stateful_step_count=50))
