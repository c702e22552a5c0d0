"""The operations that have a budget, and the program that does them while a tool counts.

    python -m tests.budgets.operations work     # watched by callgrind or strace
    python -m tests.budgets.operations memory   # prints what tracemalloc says, as JSON

An operation is a function of a length: how often it does its work. It is done once unobserved, then
with `SHORT` and with `LONG`, and between them the program marks the place by a system call that it
makes for nothing else. The difference of the two is the work alone, without what begins and ends it.

Nothing here depends on how fast the machine is. The clients of a server are in its own process: they
act between two turns of the main loop, so the server finds all of them ready each time. They are
Unix-domain sockets, on which the kernel does everything at once. (What is sent to a TCP socket on the
loopback interface may come later.)
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, Final

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_io, lwt_main

SHORT: Final = 100
LONG: Final = 500
BATCH: Final = 10
"""How many clients a server has, and how many promises are waited for together."""

MARK: Final = "getpriority"
"""The system call that parts the lengths."""

CLIENT_CALLS: Final = ("connect", "recvfrom", "sendto", "socket")
"""The system calls of clients, which are not counted. Our side uses others for the same, but for `close`."""


# --- Promises ----------------------------------------------------------------

ready: Final = lwt.return_(1)


async def wait_for(promise: lwt.Promise[int]) -> int:
    return await promise


def bind_resolved(length: int) -> None:
    for _ in range(length):
        lwt.bind(ready, lwt.return_)


def bind_pending(length: int) -> None:
    for _ in range(length):
        promise, resolver = lwt.wait()
        lwt.bind(promise, lwt.return_)
        lwt.wakeup(resolver, 1)


def await_resolved(length: int) -> None:
    for _ in range(length):
        lwt.of_coroutine(wait_for(ready))


def await_pending(length: int) -> None:
    for _ in range(length):
        promise, resolver = lwt.wait()
        lwt.of_coroutine(wait_for(promise))
        lwt.wakeup(resolver, 1)


def join_of_many(length: int) -> None:
    pairs = [lwt.wait() for _ in range(length)]
    lwt.join([promise for promise, _ in pairs])
    for _, resolver in pairs:
        lwt.wakeup(resolver, None)


def choose_of_resolved(length: int) -> None:
    """Two of them, so that one is drawn."""
    several = [ready] * 2
    for _ in range(length):
        lwt.choose(several)


async def pauses(length: int) -> None:
    for _ in range(length):
        await lwt.pause()


def pause(length: int) -> None:
    bodies = lwt.join([lwt.of_coroutine(pauses(length // BATCH)) for _ in range(BATCH)])
    while lwt.is_sleeping(bodies):
        lwt.wakeup_paused()


# --- The main loop -----------------------------------------------------------


def turn_of_the_engine(length: int) -> None:
    """A turn finds one descriptor that is ready, and calls its callback."""
    one, other = socket.socketpair()
    other.send(b"x")  # never read, so it is ready each time
    called = count()
    event = lwt_engine.on_readable(one.fileno(), lambda _: next(called))
    for _ in range(length):
        lwt_engine.iter(False)
    lwt_engine.stop_event(event)
    assert next(called) == length
    one.close()
    other.close()


def descriptor_ready_with_others(length: int) -> None:
    """Each turn finds `BATCH` descriptors that are ready."""
    pairs = [socket.socketpair() for _ in range(BATCH)]
    called = count()
    events = []
    for one, other in pairs:
        other.send(b"x")  # As above.
        events.append(lwt_engine.on_readable(one.fileno(), lambda _: next(called)))
    for _ in range(length // BATCH):
        lwt_engine.iter(False)
    assert next(called) == length
    for event in events:
        lwt_engine.stop_event(event)
    for one, other in pairs:
        one.close()
        other.close()


def turn_of_the_main_loop(length: int) -> None:
    lwt_main.run(pauses(length))


def sleep(length: int) -> None:
    """Sleep all at once. The clock is not the system's, so that no two times are the same."""
    usual = lwt_engine.get()
    lwt_engine.set(lwt_engine.epoll(clock=count(1.0, 1.0).__next__), destroy=False)
    lwt_main.run(lwt.join([lwt_unix.sleep(0.0) for _ in range(length)]))
    lwt_engine.set(usual)


def timeout_that_is_not_needed(length: int) -> None:
    """The operation ends first, so that its timer is taken back."""
    resolvers: list[lwt.Resolver[int]] = []

    def begin() -> lwt.Promise[int]:
        resolver: lwt.Resolver[int]
        promise, resolver = lwt.wait()
        resolvers.append(resolver)
        return promise

    for _ in range(length):
        lwt_unix.with_timeout(1e6, begin)
        lwt.wakeup(resolvers.pop(), 1)


def read_of_a_file(length: int) -> None:
    """Read a page that is in memory: no thread is needed as long as others have their turns."""
    with tempfile.TemporaryFile() as file:
        file.write(bytes(4096))
        file.flush()
        descriptor = lwt_unix.of_unix_file_descr(os.dup(file.fileno()))
    buffer = bytearray(4096)
    for number in range(length):
        if number % BATCH == 0:
            lwt_engine.iter(False)
        reading = lwt_unix.pread(descriptor, buffer, 0, 4096, file_offset=0)
        assert lwt.state(reading) == lwt.Return(4096)
    lwt_unix.with_async_none(lambda: lwt_unix.close(descriptor))


def notification(length: int) -> None:
    """What a thread sends when a job is done; here the main thread sends it, so that the count is exact."""
    called = count()
    number = lwt_unix.make_notification(lambda: next(called))
    for _ in range(length):
        lwt_unix.send_notification(number)
        lwt_engine.iter(False)
    lwt_unix.stop_notification(number)
    assert next(called) == length


def signal_that_is_handled(length: int) -> None:
    called = count()
    handler = lwt_unix.on_signal(signal.SIGUSR1, lambda _: next(called))
    for _ in range(length):
        signal.raise_signal(signal.SIGUSR1)
        lwt_engine.iter(False)
    lwt_unix.disable_signal_handler(handler)
    assert next(called) == length


# --- Servers -----------------------------------------------------------------

Start = Callable[[str], lwt.Promise[lwt_io.Server]]
addresses = count()


def connect(address: str) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    client.connect(address)
    return client


async def with_turns(start: Start, turn: Callable[[str], bool]) -> None:
    """Start a server; call `turn` with its address before each turn until it says that all is done."""
    address = f"{next(addresses):06}"
    server = await start(address)
    done, resolver = lwt.wait()

    def act() -> None:
        if turn(address):
            lwt.wakeup(resolver, None)

    hook = lwt_main.Enter_iter_hooks.add_first(act)
    await done
    lwt_main.Enter_iter_hooks.remove(hook)
    await lwt_io.shutdown_server(server)


def echo(start: Start, request: bytes, length: int, answer: int | None = None) -> None:
    """Let `BATCH` clients together make so many requests.

    An answer has so many bytes; without a number, as many as the request.
    """
    expected = len(request) if answer is None else answer
    clients: list[socket.socket] = []
    missing = [0] * BATCH  # how many bytes each has still to get
    memory = bytearray(expected)
    left = length

    def turn(address: str) -> bool:
        nonlocal left
        while len(clients) < BATCH:
            clients.append(connect(address))
        for place, client in enumerate(clients):
            if missing[place]:
                try:
                    missing[place] -= client.recv_into(memory)
                except BlockingIOError:
                    continue
            if not missing[place] and left:
                sent = client.send(request)
                assert sent == len(request)
                missing[place] = expected
                left -= 1
        if any(missing):
            return False
        for client in clients:
            client.close()
        return True

    lwt_main.run(with_turns(start, turn))


def arrive(start: Callable[[Callable[[], None]], Start], length: int) -> None:
    """Let so many clients come, in groups of `BATCH`; each is served by a call, and then left."""
    clients: list[socket.socket] = []
    left = length
    served = 0

    def serve() -> None:
        nonlocal served
        served += 1

    def turn(address: str) -> bool:
        nonlocal left
        if served + left < length:
            return False
        while clients:
            clients.pop().close()
        for _ in range(min(left, BATCH)):
            clients.append(connect(address))
            left -= 1
        return not clients

    lwt_main.run(with_turns(start(serve), turn))


def on_sockets(
    serve: Callable[[lwt_unix.File_descr], Coroutine[Any, Any, None]],
) -> Start:
    return lambda address: lwt_io.establish_server_with_client_socket(
        lwt_unix.ADDR_UNIX(address), lambda _, client: serve(client), set_tcp_nodelay=False
    )


def on_channels(
    serve: Callable[[lwt_io.InputChannel, lwt_io.OutputChannel], Coroutine[Any, Any, None]],
) -> Start:
    return lambda address: lwt_io.establish_server_with_client_address(
        lwt_unix.ADDR_UNIX(address), lambda _, channels: serve(*channels), set_tcp_nodelay=False
    )


LINE: Final = b"x" * 63 + b"\n"
LARGE: Final = 64 * 1024


async def echo_bytes(client: lwt_unix.File_descr) -> None:
    buffer = bytearray(4096)
    while number := await lwt_unix.read(client, buffer, 0, 4096):
        await lwt_unix.write(client, buffer, 0, number)


async def echo_lines(ic: lwt_io.InputChannel, oc: lwt_io.OutputChannel) -> None:
    async for line in ic:
        await lwt_io.write_line(oc, line)


REQUEST: Final = b"GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n"
ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!"


async def answer_http(ic: lwt_io.InputChannel, oc: lwt_io.OutputChannel) -> None:
    while await lwt_io.read_line_opt(ic) is not None:
        while await lwt_io.read_line(ic):
            pass
        await lwt_io.write(oc, ANSWER)


async def echo_large(ic: lwt_io.InputChannel, oc: lwt_io.OutputChannel) -> None:
    buffer = bytearray(LARGE)
    try:
        while True:
            await lwt_io.read_into_exactly(ic, buffer, 0, LARGE)
            await lwt_io.write_from_exactly(oc, buffer, 0, LARGE)
    except EOFError:
        pass


def echo_by_sockets(length: int) -> None:
    echo(on_sockets(echo_bytes), LINE, length)


def echo_by_channels(length: int) -> None:
    echo(on_channels(echo_lines), LINE, length)


def request_by_http(length: int) -> None:
    echo(on_channels(answer_http), REQUEST, length, len(ANSWER))


def large_echo_by_channels(length: int) -> None:
    echo(on_channels(echo_large), bytes(LARGE), length)


def client_of_sockets(length: int) -> None:
    def start(served: Callable[[], None]) -> Start:
        async def leave(_: lwt_unix.File_descr) -> None:
            served()

        return on_sockets(leave)

    arrive(start, length)


def client_of_channels(length: int) -> None:
    def start(served: Callable[[], None]) -> Start:
        async def leave(_ic: lwt_io.InputChannel, _oc: lwt_io.OutputChannel) -> None:
            served()

        return on_channels(leave)

    arrive(start, length)


OPERATIONS: Final[dict[str, Callable[[int], None]]] = {
    "bind, resolved": bind_resolved,
    "bind, pending": bind_pending,
    "await, resolved": await_resolved,
    "await, pending": await_pending,
    "join": join_of_many,
    "choose, resolved": choose_of_resolved,
    "pause": pause,
    "sleep": sleep,
    "timeout, not needed": timeout_that_is_not_needed,
    "turn of the engine": turn_of_the_engine,
    "descriptor, one of ten": descriptor_ready_with_others,
    "turn of the main loop": turn_of_the_main_loop,
    "read of a file": read_of_a_file,
    "echo by sockets": echo_by_sockets,
    "echo by channels": echo_by_channels,
    "request by HTTP": request_by_http,
    "echo of 64 KiB by channels": large_echo_by_channels,
    "client accepted, sockets": client_of_sockets,
    "client accepted, channels": client_of_channels,
    # These two leave a descriptor to be watched, so they come last.
    "notification": notification,
    "signal": signal_that_is_handled,
}


def work() -> None:
    """Do each operation, with three marks for each: before `SHORT`, before `LONG` and after it."""
    gc.disable()
    for operation in OPERATIONS.values():
        gc.collect()
        operation(SHORT)
        for length in (SHORT, LONG):
            os.getpriority(os.PRIO_PROCESS, 0)
            operation(length)
        os.getpriority(os.PRIO_PROCESS, 0)


# --- What is kept ------------------------------------------------------------


def promise_with_a_bind() -> object:
    promise = lwt.wait()[0]
    lwt.bind(promise, lwt.return_)
    return promise


def suspended_body() -> object:
    promise: lwt.Promise[int] = lwt.wait()[0]
    lwt.of_coroutine(wait_for(promise))
    return promise


def long_sleep() -> object:
    return lwt_unix.sleep(1e6)


class Idle:
    """A server with clients that say nothing. Calling it makes one more, and keeps nothing of it."""

    def __init__(self, start: Start) -> None:
        self.address = f"{next(addresses):06}"
        lwt_main.run(start(self.address))

    def __call__(self) -> None:
        connect(self.address).detach()  # the number stays open
        lwt_main.run(pauses(2))


memory_of_all: Final = bytearray(64)


async def read_once(client: lwt_unix.File_descr) -> None:
    await lwt_unix.read(client, memory_of_all, 0, 64)


async def read_a_line(ic: lwt_io.InputChannel, _: lwt_io.OutputChannel) -> None:
    await lwt_io.read_line(ic)


KEPT: Final[dict[str, Callable[[], Callable[[], object]]]] = {
    "promise with a bind": lambda: promise_with_a_bind,
    "suspended body": lambda: suspended_body,
    "sleeping": lambda: long_sleep,
    "idle connection, sockets": lambda: Idle(on_sockets(read_once)),
    "idle connection, channels": lambda: Idle(on_channels(read_a_line)),
}
"""Each makes a function that makes one more of something, which then stays."""

FEW: Final = 50
MANY: Final = 200


def kept(make: Callable[[], object], number: int) -> tuple[int, int]:
    """Make so many; return the bytes and the blocks that all of them take."""
    things: list[object] = [None] * number
    gc.collect()
    tracemalloc.start()
    for place in range(number):
        things[place] = make()
    gc.collect()
    traced = tracemalloc.take_snapshot().traces
    tracemalloc.stop()
    return sum(trace.size for trace in traced), len(traced)


def memory() -> dict[str, tuple[float, float]]:
    """For each that is kept: the bytes and blocks of one."""
    found = {}
    for name, start in KEPT.items():
        make = start()
        kept(make, FEW)
        (bytes_of_few, few), (bytes_of_many, many) = kept(make, FEW), kept(make, MANY)
        more = MANY - FEW
        found[name] = ((bytes_of_many - bytes_of_few) / more, (many - few) / more)
    return found


if __name__ == "__main__":
    if sys.argv[1:] == ["memory"]:
        print(json.dumps(memory()))
    else:
        work()
    sys.stdout.flush()
    os._exit(0)  # what a process does at its end is not counted
