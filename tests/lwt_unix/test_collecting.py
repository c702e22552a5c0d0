"""Nothing is lost when the collector runs in the middle of input and output, and finalisers interfere."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import _system as system
from lwt_unix import lwt_engine, lwt_io, lwt_main
from lwt_unix._sockets.socket_calls import socket_of
from tests.support.collecting import for_every_collection
from tests.support.descriptors import fill, open_descriptors, send

pytestmark = pytest.mark.no_cover

# --- Timers ------------------------------------------------------------------


def run_until(promises: list[lwt.Promise[Any]]) -> None:
    lwt_main.run(lwt.join([lwt.map(lambda _: None, promise) for promise in promises]))


class Sleepers:
    """Promises of sleepers, some of which a finaliser adds or cancels."""

    def __init__(self) -> None:
        self.first = lwt_unix.sleep(0.0)
        self.cancelled = lwt_unix.sleep(0.0)
        self.added: list[lwt.Promise[None]] = []

    def interfere(self) -> None:
        self.added.append(lwt_unix.sleep(0.0))
        lwt.cancel(self.cancelled)


def test_a_timer_that_a_finaliser_starts_or_stops_in_a_turn_disturbs_none() -> None:
    def check(sleepers: Sleepers, _: object) -> None:
        run_until([sleepers.first, *sleepers.added])
        assert lwt_engine.timer_count() == 0

    for_every_collection(Sleepers, lambda _: lwt_engine.iter(False), Sleepers.interfere, check)


# --- Waiting -----------------------------------------------------------------


class Waiting:
    """A main loop, and an engine that does not wait, but notes whether it would have been wrong to."""

    def __init__(
        self, engine: Callable[[Waiting], lwt_engine.abstract], patch: pytest.MonkeyPatch
    ) -> None:
        self.patch = patch
        self.awaited, self.resolver = lwt.wait()
        self.due: lwt.Promise[Any] = lwt.return_unit
        self.is_late = False
        self.engine = engine(self)
        lwt_engine.set(self.engine, destroy=False)

    def wait(self, timeout: float | None) -> None:
        if timeout != 0.0:
            self.is_late = lwt.is_sleeping(self.due) or not lwt.is_sleeping(self.awaited)
            self.resolve()

    def resolve(self) -> None:
        if lwt.is_sleeping(self.awaited):
            lwt.wakeup(self.resolver, None)

    def pause(self) -> None:
        self.due = lwt.pause()

    def sleep(self) -> None:
        self.due = lwt_unix.sleep(0.0)


def of_the_kernel(waiting: Waiting) -> lwt_engine.abstract:
    engine = lwt_engine.libev()

    def wait(timeout: float, most: int) -> list[tuple[int, int]]:
        waiting.wait(timeout)
        return []

    engine._wait = wait
    return engine


class Selecting(lwt_engine.select_based):
    """An engine that a user derives."""

    def __init__(self, waiting: Waiting) -> None:
        super().__init__()
        self.waiting = waiting

    def select(
        self, fds_r: list[int], fds_w: list[int], timeout: float, /
    ) -> tuple[list[int], list[int]]:
        self.waiting.wait(timeout)
        return [], []


class Polling(lwt_engine.poll_based):
    """Another one."""

    def __init__(self, waiting: Waiting) -> None:
        super().__init__()
        self.waiting = waiting

    def poll(
        self, fds: list[tuple[int, bool, bool]], timeout: float, /
    ) -> list[tuple[int, bool, bool]]:
        self.waiting.wait(timeout)
        return []


def of_select(waiting: Waiting) -> lwt_engine.abstract:
    def call(
        fds_r: list[int], fds_w: list[int], fds_x: tuple[()], timeout: float | None
    ) -> tuple[list[int], list[int], list[int]]:
        waiting.wait(timeout)
        return [], [], []

    waiting.patch.setattr("select.select", call)
    return lwt_engine.select()


def drop_a_generator(waiting: Waiting) -> None:
    waiting.due, ended = lwt.wait()

    async def generator() -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            lwt.wakeup(ended, None)

    async def begin() -> None:
        async for _ in generator():
            break

    lwt.ignore_result(lwt.of_coroutine(begin()))


@pytest.mark.parametrize(
    "interfere", [Waiting.resolve, Waiting.pause, Waiting.sleep, drop_a_generator]
)
@pytest.mark.parametrize("engine", [of_the_kernel, of_select, Selecting, Polling])
def test_the_engine_does_not_wait_if_a_finaliser_has_given_the_main_loop_something_to_do(
    engine: Callable[[Waiting], lwt_engine.abstract],
    interfere: Callable[[Waiting], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual = lwt_engine.get()

    def check(waiting: Waiting, _: object) -> None:
        assert not waiting.is_late
        monkeypatch.undo()
        lwt_engine.set(usual)
        if lwt.is_sleeping(waiting.due):
            lwt_main.run(lwt_unix.sleep(0.0))  # It began too late for the main loop.

    places = for_every_collection(
        lambda: Waiting(engine, monkeypatch),
        lambda waiting: lwt_main.run(waiting.awaited),
        interfere,
        check,
    )
    if not lwt.__compiled__:  # The steps of compiled code have no places.
        assert any(".iter" in place or place.startswith("paused_count") for place in places)


# --- Channels ----------------------------------------------------------------


class Reader:
    """A channel with lines, and what was read from it."""

    def __init__(self) -> None:
        near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
        self.far = far
        self.channel = lwt_io.of_fd(near, mode=lwt_io.Input)
        send(far, b"0\n1\n2\n3\n4\n5\n6\n")
        assert lwt_main.run(lwt_io.read_line(self.channel)) == b"0"
        self.read: list[lwt.Promise[Any]] = []

    def take(self) -> None:
        self.read.append(lwt_io.read_line(self.channel))

    def line(self) -> lwt.Promise[bytes]:
        return lwt_io.read_line(self.channel)

    def finish(self) -> list[bytes]:
        """Read the rest, and return all that was read, in the order of the lines."""
        lwt_main.run(lwt_unix.close(self.far))
        rest = lwt_io.read(self.channel)
        run_until([*self.read, rest])
        got = [lwt_main.run(promise) for promise in self.read]
        lwt_main.run(lwt_io.close(self.channel))
        return [*got, lwt_main.run(rest)]


READING: list[Callable[[Reader], lwt.Promise[bytes]]] = [
    lambda reader: lwt_io.read_line(reader.channel),
    lambda reader: lwt_io.read_line(reader.channel, limit=5),
    lambda reader: lwt.map(lambda some: some.value, lwt_io.read_line_opt(reader.channel)),  # type: ignore[union-attr]
    lambda reader: reader.channel.__anext__(),
    lambda reader: lwt_io.read(reader.channel, count=2),
    lambda reader: lwt.map(
        lambda number: number.to_bytes(2, "big"), lwt_io.BE.read_int16(reader.channel)
    ),
    lambda reader: lwt.map(
        lambda both: both[0] + both[1],
        lwt.both(lwt_io.read_char(reader.channel), lwt_io.read_char(reader.channel)),
    ),
]


@pytest.mark.parametrize("read", READING)
def test_a_line_is_given_once_though_a_finaliser_reads_from_the_same_channel(
    read: Callable[[Reader], lwt.Promise[bytes]],
) -> None:
    def operation(reader: Reader) -> lwt.Promise[bytes]:
        return read(reader)

    def check(reader: Reader, line: lwt.Promise[bytes]) -> None:
        reader.read.append(line)
        assert sorted(b"".join(reader.finish()).replace(b"\n", b"")) == list(b"123456")

    for_every_collection(Reader, operation, Reader.take, check)


def test_a_value_is_given_whole_though_a_finaliser_reads_from_the_same_channel() -> None:
    """The finaliser has a value of its own: each is read by one of the two."""

    class Values(Reader):
        def __init__(self) -> None:
            super().__init__()
            reading, writing = lwt_io.pipe()
            self.ends = reading, writing
            for value in ("first", "second"):
                lwt_main.run(lwt_io.write_value(writing, value))
            lwt_main.run(lwt_io.flush(writing))

        def take(self) -> None:
            self.read.append(lwt_io.read_value(self.ends[0]))

    def check(values: Values, value: lwt.Promise[Any]) -> None:
        values.take()
        run_until([value, values.read[0]])
        assert {lwt_main.run(value), lwt_main.run(values.read[0])} == {"first", "second"}
        for channel in (*values.ends, values.channel):
            lwt_main.run(lwt_io.abort(channel))
        lwt_main.run(lwt_unix.close(values.far))

    for_every_collection(
        Values, lambda values: lwt_io.read_value(values.ends[0]), Values.take, check
    )


class Writer:
    """A channel, and what comes out of it."""

    def __init__(self) -> None:
        reading, writing = lwt_unix.pipe()
        self.reading = reading
        self.channel = lwt_io.of_fd(writing, mode=lwt_io.Output)
        self.written: list[lwt.Promise[None]] = []

    def write(self) -> None:
        self.written.append(lwt_io.write_line(self.channel, b"finaliser"))

    def flush(self) -> None:
        self.written.append(lwt_io.write(self.channel, b"fina"))
        self.written.append(lwt_io.flush(self.channel))
        self.written.append(lwt_io.write(self.channel, b"liser\n"))

    def finish(self) -> list[bytes]:
        run_until([*self.written])
        lwt_main.run(lwt_io.close(self.channel))
        data = os.read(lwt_unix.unix_file_descr(self.reading), 65536)
        lwt_main.run(lwt_unix.close(self.reading))
        return sorted(data.split(b"\n"))


WRITING: list[Callable[[Writer], lwt.Promise[None]]] = [
    lambda writer: lwt_io.write_line(writer.channel, b"operation"),
    lambda writer: lwt_io.write(writer.channel, "operation\n"),
    lambda writer: lwt_io.write_from_exactly(writer.channel, b"operation\n", 0, 10),
    lambda writer: lwt_io.fprintf(writer.channel, "%s\n", "operation"),
]


@pytest.mark.parametrize("write", WRITING)
@pytest.mark.parametrize("interfere", [Writer.write, Writer.flush])
def test_all_is_written_though_a_finaliser_writes_to_the_same_channel(
    write: Callable[[Writer], lwt.Promise[None]], interfere: Callable[[Writer], None]
) -> None:
    def check(writer: Writer, written: lwt.Promise[None]) -> None:
        writer.written.append(written)
        assert writer.finish() == [b"", b"finaliser", b"operation"]

    for_every_collection(Writer, write, interfere, check)


@pytest.mark.parametrize("interfere", [Writer.write, Writer.flush])
def test_a_number_is_written_though_a_finaliser_writes_to_the_same_channel(
    interfere: Callable[[Writer], None],
) -> None:
    def write(writer: Writer) -> lwt.Promise[None]:
        return lwt_io.BE.write_int64(writer.channel, int.from_bytes(b"numbers\n", "big"))

    def check(writer: Writer, written: lwt.Promise[None]) -> None:
        writer.written.append(written)
        assert writer.finish() == [b"", b"finaliser", b"numbers"]

    for_every_collection(Writer, write, interfere, check)


def test_an_operation_that_waits_for_its_turn_gets_it_though_the_channel_is_free_by_then() -> None:
    def prepare() -> tuple[Reader, lwt.Resolver[None]]:
        reader = Reader()
        wait, resolver = lwt.wait()
        reader.read.append(lwt.map(lambda _: b"", lwt_io.atomic(lambda _: wait)(reader.channel)))
        return reader, resolver

    def check(subject: tuple[Reader, lwt.Resolver[None]], line: lwt.Promise[bytes]) -> None:
        reader, _ = subject
        run_until([line])
        reader.read.append(line)
        assert b"".join(reader.finish()) == b"12\n3\n4\n5\n6\n"

    for_every_collection(
        prepare,
        lambda subject: lwt_io.read_line(subject[0].channel),
        lambda subject: lwt.wakeup(subject[1], None),
        check,
    )


class Atomic(Reader):
    """A channel that is used, and who waits for it."""

    def __init__(self, function: Callable[[Reader], lwt.Promise[Any]]) -> None:
        super().__init__()
        wait, self.over = lwt.wait()
        lwt.ignore_result(lwt_io.atomic(lambda _: wait)(self.channel))
        self.first = function(self)
        self.second = lwt_io.read_line(self.channel)


TAKING_TURNS: list[Callable[[Reader], lwt.Promise[Any]]] = [
    Reader.line,
    lambda reader: lwt_io.atomic(lwt_io.read_line)(reader.channel),
]


@pytest.mark.parametrize("function", TAKING_TURNS)
@pytest.mark.parametrize("closes", [False, True])
def test_the_next_has_its_turn_though_a_finaliser_cancels_who_is_woken_just_then(
    function: Callable[[Reader], lwt.Promise[Any]], closes: bool
) -> None:
    def operation(subject: Atomic) -> None:
        if closes:
            lwt.ignore_result(lwt_io.abort(subject.channel))
        lwt.wakeup(subject.over, None)

    def check(subject: Atomic, _: object) -> None:
        for _ in range(3):
            lwt_main.run(lwt.pause())
        taken = isinstance(lwt.state(subject.first), lwt.Return)
        if closes:
            assert isinstance(lwt.state(subject.second), lwt.Fail)
        else:
            assert lwt.state(subject.second) == lwt.Return(b"2" if taken else b"1")
        lwt_main.run(lwt_io.close(subject.channel))
        lwt_main.run(lwt_unix.close(subject.far))

    for_every_collection(
        lambda: Atomic(function), operation, lambda subject: lwt.cancel(subject.first), check
    )


# --- Descriptors -------------------------------------------------------------


class Ends:
    """Two ends of what carries bytes, and who waits for one of them."""

    def __init__(self) -> None:
        self.near, self.far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
        self.waiting: list[lwt.Promise[Any]] = []
        self.buffer = bytearray(1)

    def read(self) -> lwt.Promise[int]:
        return lwt_unix.read(self.near, self.buffer, 0, 1)

    def wait_too(self) -> None:
        self.waiting.append(self.read())

    @classmethod
    def with_three_who_wait(cls) -> Ends:
        ends = cls()
        for _ in range(3):
            ends.wait_too()
        return ends

    def wait_and_cancel(self) -> None:
        lwt.cancel(self.read())

    def close_near(self) -> None:
        lwt_unix.close(self.near)

    def end(self) -> None:
        for descriptor in (self.near, self.far):
            if lwt_unix.state(descriptor) is not lwt_unix.Closed:
                lwt_main.run(lwt_unix.close(descriptor))


def vectors_of(*buffers: bytearray) -> lwt_unix.IO_vectors.t:
    vectors = lwt_unix.IO_vectors.create()
    for buffer in buffers:
        lwt_unix.IO_vectors.append_bytes(vectors, buffer, 0, len(buffer))
    return vectors


WAITING: list[Callable[[Ends], lwt.Promise[Any]]] = [
    Ends.read,
    lambda ends: lwt_unix.readv(ends.near, vectors_of(bytearray(1))),
    lambda ends: lwt_unix.recv_msg(socket=ends.near, io_vectors=vectors_of(bytearray(1))),
    lambda ends: lwt_unix.wait_read(ends.near),
    lambda ends: lwt_unix.recv(ends.near, ends.buffer, 0, 1, []),
]


@pytest.mark.parametrize("wait", WAITING)
@pytest.mark.parametrize("interfere", [Ends.wait_too, Ends.wait_and_cancel])
def test_who_begins_to_wait_is_served_whoever_else_begins_just_then(
    wait: Callable[[Ends], lwt.Promise[Any]], interfere: Callable[[Ends], None]
) -> None:
    def check(ends: Ends, promise: lwt.Promise[Any]) -> None:
        send(ends.far, b"xyz")
        run_until([promise, *ends.waiting])
        assert lwt_engine.readable_count() == before
        ends.end()

    before = lwt_engine.readable_count()
    for_every_collection(Ends, wait, interfere, check)


@pytest.mark.parametrize("wait", WAITING)
def test_who_begins_to_wait_while_a_finaliser_closes_the_descriptor_is_rejected(
    wait: Callable[[Ends], lwt.Promise[Any]],
) -> None:
    def operation(ends: Ends) -> lwt.Promise[Any]:
        return lwt.apply(wait, ends)

    def check(ends: Ends, promise: lwt.Promise[Any]) -> None:
        assert isinstance(lwt.state(promise), lwt.Fail)
        assert lwt_engine.readable_count() == before
        ends.end()

    before = lwt_engine.readable_count()
    for_every_collection(Ends, operation, Ends.close_near, check)


def test_a_turn_serves_who_waits_though_a_finaliser_begins_and_ends_to_wait() -> None:
    def prepare() -> Ends:
        ends = Ends()
        ends.wait_too()
        send(ends.far, b"xyz")
        return ends

    def interfere(ends: Ends) -> None:
        ends.wait_and_cancel()
        ends.wait_too()

    def check(ends: Ends, _: object) -> None:
        run_until(ends.waiting)
        ends.end()

    for_every_collection(prepare, lambda _: lwt_engine.iter(False), interfere, check)


def test_closing_and_cancelling_while_who_waits_is_rejected_rejects_each_once() -> None:
    def check(ends: Ends, _: object) -> None:
        assert all(isinstance(lwt.state(promise), lwt.Fail) for promise in ends.waiting)
        ends.end()

    for_every_collection(
        Ends.with_three_who_wait, Ends.close_near, lambda ends: lwt.cancel(ends.waiting[1]), check
    )


class Full(Ends):
    """A socket into which nothing goes any more, and who waits to write."""

    def __init__(self) -> None:
        super().__init__()
        fill(self.near)

    def write(self) -> lwt.Promise[int]:
        return lwt_unix.write(self.near, b"x", 0, 1)

    def write_too(self) -> None:
        self.waiting.append(self.write())

    def write_and_cancel(self) -> None:
        lwt.cancel(self.write())


@pytest.mark.parametrize("interfere", [Full.write_too, Full.write_and_cancel])
def test_who_begins_to_write_is_served_whoever_else_begins_just_then(
    interfere: Callable[[Full], None],
) -> None:
    def check(ends: Full, promise: lwt.Promise[Any]) -> None:
        lwt_main.run(lwt_unix.blocking(ends.far))
        try:
            while os.read(lwt_unix.unix_file_descr(ends.far), 65536):
                pass
        except BlockingIOError:
            pass
        run_until([promise, *ends.waiting])
        assert lwt_engine.writable_count() == before
        ends.end()

    before = lwt_engine.writable_count()
    for_every_collection(Full, Full.write, interfere, check)


ABORTING: list[Callable[[Ends], object]] = [
    lambda ends: lwt.cancel(ends.waiting[1]),
    Ends.close_near,
    lambda ends: lwt_unix.abort(ends.near, LookupError()),
]


@pytest.mark.parametrize("interfere", ABORTING)
def test_aborting_rejects_each_who_waits_once_whatever_a_finaliser_does(
    interfere: Callable[[Ends], object],
) -> None:
    def check(ends: Ends, _: object) -> None:
        assert all(isinstance(lwt.state(promise), lwt.Fail) for promise in ends.waiting)
        assert lwt_engine.readable_count() == before
        ends.end()

    before = lwt_engine.readable_count()
    for_every_collection(
        Ends.with_three_who_wait,
        lambda ends: lwt_unix.abort(ends.near, KeyError()),
        interfere,
        check,
    )


# --- Sockets -----------------------------------------------------------------


class Listener:
    """A socket that listens, who waits for a client there, and a client that has come."""

    def __init__(self) -> None:
        self.socket = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        lwt_main.run(lwt_unix.bind(self.socket, ("127.0.0.1", 0)))
        lwt_unix.listen(self.socket, 1)
        self.accepting = lwt_unix.accept(self.socket)
        self.client = socket.create_connection(system.getsockname(socket_of(self.socket)))

    def cancel(self) -> None:
        lwt.cancel(self.accepting)

    def close(self) -> None:
        lwt_unix.close(self.socket)

    def end(self) -> None:
        self.client.close()
        mine: list[lwt_unix.File_descr] = []
        if isinstance(accepted := lwt.state(self.accepting), lwt.Return):
            mine.append(accepted.value[0])
        if lwt_unix.state(self.socket) is not lwt_unix.Closed:
            mine.append(self.socket)
        for descriptor in mine:
            lwt_main.run(lwt_unix.close(descriptor))


@pytest.mark.parametrize("interfere", [Listener.cancel, Listener.close])
def test_a_connection_is_accepted_for_somebody_or_closed(
    interfere: Callable[[Listener], None],
) -> None:
    def operation(listener: Listener) -> None:
        while lwt.is_sleeping(listener.accepting):
            lwt_engine.iter(False)

    def check(listener: Listener, _: object) -> None:
        listener.end()
        assert open_descriptors() == before

    before = open_descriptors()
    places = for_every_collection(Listener, operation, interfere, check)
    assert any(place.startswith("_accept,") for place in places)


class Receiver:
    """Who waits for a descriptor, which has been sent."""

    def __init__(self) -> None:
        self.near, self.far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
        buffers = vectors_of(bytearray(1))
        self.receiving = lwt_unix.recv_msg(socket=self.near, io_vectors=buffers)
        sent = lwt_unix.unix_file_descr(self.far)
        lwt_main.run(lwt_unix.send_msg(socket=self.far, io_vectors=buffers, fds=[sent]))

    def cancel(self) -> None:
        lwt.cancel(self.receiving)

    def close(self) -> None:
        lwt_unix.close(self.near)

    def end(self) -> None:
        if isinstance(received := lwt.state(self.receiving), lwt.Return):
            for fd in received.value[1]:
                os.close(fd)
        for descriptor in (self.near, self.far):
            if lwt_unix.state(descriptor) is not lwt_unix.Closed:
                lwt_main.run(lwt_unix.close(descriptor))


@pytest.mark.parametrize("interfere", [Receiver.cancel, Receiver.close])
def test_a_descriptor_is_received_for_somebody_or_closed(
    interfere: Callable[[Receiver], None],
) -> None:
    def operation(receiver: Receiver) -> None:
        while lwt.is_sleeping(receiver.receiving):
            lwt_engine.iter(False)

    def check(receiver: Receiver, _: object) -> None:
        receiver.end()
        assert open_descriptors() == before

    before = open_descriptors()
    places = for_every_collection(Receiver, operation, interfere, check)
    assert any(place.startswith("_receive,") for place in places)


class Client:
    """A socket that connects, by a call that a finaliser may disturb."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.socket = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)

    def connect(self) -> lwt.Promise[None]:
        promise = lwt.apply(partial(lwt_unix.connect, self.socket), self.server.getsockname())
        for _ in range(100):
            if lwt.is_sleeping(promise):
                lwt_engine.iter(False)
        return promise

    def wait_too(self) -> None:
        lwt_unix.wait_write(self.socket)

    def close(self) -> None:
        lwt_unix.close(self.socket)


@pytest.mark.parametrize("interfere", [Client.wait_too, Client.close])
def test_connecting_ends_though_a_finaliser_waits_too_or_closes(
    interfere: Callable[[Client], None],
) -> None:
    def check(client: Client, connected: lwt.Promise[None]) -> None:
        failed = isinstance(lwt.state(connected), lwt.Fail)
        assert failed or lwt.state(connected) == lwt.Return(None)
        assert not failed or lwt_unix.state(client.socket) is lwt_unix.Closed
        client.server.close()
        if lwt_unix.state(client.socket) is not lwt_unix.Closed:
            lwt_main.run(lwt_unix.close(client.socket))
        assert (lwt_engine.writable_count(), open_descriptors()) == before

    before = lwt_engine.writable_count(), open_descriptors()
    for_every_collection(Client, Client.connect, interfere, check)


# --- Signals -----------------------------------------------------------------


class Handlers:
    """Handlers of signals, which note that they were called."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.of: dict[str, lwt_unix.Signal_handler_id] = {}

    def add(self, name: str, signum: int = signal.SIGUSR1) -> None:
        self.of[name] = lwt_unix.on_signal(signum, lambda _: self.log.append(name))

    def disable(self, name: str) -> None:
        if name in self.of:
            lwt_unix.disable_signal_handler(self.of.pop(name))


def with_one() -> Handlers:
    handlers = Handlers()
    handlers.add("first")
    return handlers


INTERFERING_HANDLERS: list[Callable[[Handlers], None]] = [
    lambda handlers: handlers.add("finaliser"),
    lambda handlers: handlers.add("finaliser", signal.SIGUSR2),
    lambda handlers: handlers.disable("first"),
]


@pytest.mark.parametrize("interfere", INTERFERING_HANDLERS)
@pytest.mark.parametrize("prepare", [Handlers, with_one])
@pytest.mark.parametrize(
    "operation",
    [lambda handlers: handlers.add("operation"), lambda handlers: handlers.disable("first")],
)
def test_handlers_of_signals_are_called_and_leave_nothing_whatever_a_finaliser_adds_or_disables(
    prepare: Callable[[], Handlers],
    operation: Callable[[Handlers], None],
    interfere: Callable[[Handlers], None],
) -> None:
    def check(handlers: Handlers, _: object) -> None:
        expected = sorted(handlers.of)
        assert lwt_unix.signal_count() == len(expected)
        for signum in {handler._signum for handler in handlers.of.values()}:
            os.kill(os.getpid(), signum)
        lwt_engine.iter(False)
        assert sorted(handlers.log) == expected
        for name in expected:
            handlers.disable(name)
        assert state() == before

    def state() -> object:
        dispositions = signal.getsignal(signal.SIGUSR1), signal.getsignal(signal.SIGUSR2)
        counts = lwt_unix.signal_count(), lwt_engine.readable_count()
        return dispositions, counts, signal.set_wakeup_fd(-1), open_descriptors()

    before = state()
    for_every_collection(prepare, operation, interfere, check)


# --- Hooks -------------------------------------------------------------------


@pytest.mark.parametrize("hooks", [lwt_main.Enter_iter_hooks, lwt_main.Leave_iter_hooks])
def test_each_hook_of_a_turn_is_called_whatever_a_finaliser_adds_or_removes(
    hooks: lwt_main.Hooks[object],
) -> None:
    def prepare() -> tuple[list[str], list[lwt_main.Hooks.hook]]:
        log: list[str] = []
        return log, [
            hooks.add_last(lambda: log.append("first")),
            hooks.add_last(lambda: log.append("second")),
            hooks.add_last(lambda: log.append("third")),
        ]

    def interfere(subject: tuple[list[str], list[lwt_main.Hooks.hook]]) -> None:
        log, nodes = subject
        hooks.remove(nodes[1])
        hooks.add_last(lambda: log.append("fourth"))

    def check(subject: tuple[list[str], list[lwt_main.Hooks.hook]], _: object) -> None:
        log, _nodes = subject
        assert [name for name in log if name in {"first", "third"}] == ["first", "third"]
        log.clear()
        lwt_main.run(lwt.pause())
        assert log == ["first", "third", "fourth"]
        hooks.remove_all()

    for_every_collection(prepare, lambda _: lwt_main.run(lwt.pause()), interfere, check)


# --- Closing channels --------------------------------------------------------


@pytest.mark.parametrize("close", [lwt_io.close, lwt_io.abort])
def test_a_channel_that_a_finaliser_closes_too_closes_its_file_once(
    close: Callable[[lwt_io.InputChannel], lwt.Promise[None]],
) -> None:
    closings: list[lwt.Promise[None]] = []

    def prepare() -> lwt_io.InputChannel:
        reading, writing = lwt_unix.pipe()
        lwt_main.run(lwt_unix.close(writing))
        return lwt_io.of_fd(reading, mode=lwt_io.Input)

    def check(channel: lwt_io.InputChannel, closing: lwt.Promise[None]) -> None:
        assert lwt_io.is_closed(channel)
        assert [lwt_main.run(closing), *map(lwt_main.run, closings)] == [None, None]
        closings.clear()

    for_every_collection(
        prepare, close, lambda channel: closings.append(lwt_io.close(channel)), check
    )
