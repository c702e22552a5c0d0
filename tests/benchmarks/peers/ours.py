"""lwt and lwt_unix."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import lwt
import lwt_unix
from lwt import lwt_condition, lwt_list, lwt_mutex, lwt_mvar, lwt_pool, lwt_stream
from lwt_unix import lwt_engine, lwt_io, lwt_main

T = TypeVar("T")
Tell = Callable[[int], None]
Keep = Callable[[object], None]
Channels = tuple[lwt_io.InputChannel, lwt_io.OutputChannel]

HERE = ("127.0.0.1", 0)


def run(body: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return lwt_main.run(body())


# --- Servers -----------------------------------------------------------------


def _serve(
    tell: Tell,
    on_socket: Callable[[lwt_unix.File_descr], Coroutine[Any, Any, None]] | None = None,
    on_channels: Callable[[Channels], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Run a server, with the function that serves a client, for ever."""

    async def main() -> None:
        fd = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        if on_socket is not None:
            serve_socket = on_socket
            await lwt_io.establish_server_with_client_socket(
                HERE, lambda _, client: serve_socket(client), server_fd=fd
            )
        if on_channels is not None:
            serve_channels = on_channels
            await lwt_io.establish_server_with_client_address(
                HERE, lambda _, channels: serve_channels(channels), fd=fd, set_tcp_nodelay=True
            )
        address = lwt_unix.getsockname(fd)
        assert isinstance(address, lwt_unix.ADDR_INET)
        tell(address.port)
        await lwt.wait()[0]

    lwt.async_exception_hook.contents = lambda _: None  # clients may leave by a reset
    lwt_main.run(main())


def echo_sockets(tell: Tell) -> None:
    async def echo(client: lwt_unix.File_descr) -> None:
        buffer = bytearray(4096)
        while count := await lwt_unix.read(client, buffer, 0, 4096):
            await lwt_unix.write(client, buffer, 0, count)

    _serve(tell, echo)


def echo_lines(tell: Tell) -> None:
    async def echo(channels: Channels) -> None:
        ic, oc = channels
        async for line in ic:
            await lwt_io.write_line(oc, line)

    _serve(tell, None, echo)


def http(tell: Tell) -> None:
    async def answer(channels: Channels) -> None:
        ic, oc = channels
        while await lwt_io.read_line_opt(ic) is not None:
            while await lwt_io.read_line(ic):
                pass
            await lwt_io.write(oc, b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!")

    _serve(tell, None, answer)


connect = echo_sockets


def echo_large(tell: Tell) -> None:
    size = 1 << 16

    async def echo(channels: Channels) -> None:
        ic, oc = channels
        block = bytearray(size)
        try:
            while True:
                await lwt_io.read_into_exactly(ic, block, 0, size)
                await lwt_io.write_from_exactly(oc, block, 0, size)
                await lwt_io.flush(oc)
        except EOFError:
            pass

    _serve(tell, None, echo)


def send_large(tell: Tell) -> None:
    block = b"x" * (1 << 16)

    async def send(channels: Channels) -> None:
        ic, oc = channels
        await lwt_io.read_line(ic)
        while True:
            await lwt_io.write(oc, block)

    _serve(tell, None, send)


def idle(tell: Tell) -> None:
    buffer = bytearray(4096)  # one for all: what is measured is what the library keeps

    async def echo(client: lwt_unix.File_descr) -> None:
        while count := await lwt_unix.read(client, buffer, 0, 4096):
            await lwt_unix.write(client, buffer, 0, count)

    _serve(tell, echo)


# --- Servers that one client floods ------------------------------------------
#
# They work for 50 microseconds about each read or line.


def _work() -> None:
    until = time.process_time() + 50e-6
    while time.process_time() < until:
        pass


def flood_sockets(tell: Tell) -> None:
    async def echo(client: lwt_unix.File_descr) -> None:
        buffer = bytearray(4096)
        while count := await lwt_unix.read(client, buffer, 0, 4096):
            _work()
            await lwt_unix.write(client, buffer, 0, count)

    _serve(tell, echo)


def flood_lines(tell: Tell) -> None:
    async def echo(channels: Channels) -> None:
        ic, oc = channels
        async for line in ic:
            _work()
            await lwt_io.write_line(oc, line)

    _serve(tell, None, echo)


flood_newlines = flood_lines


def flood_read_line(tell: Tell) -> None:
    async def echo(channels: Channels) -> None:
        ic, oc = channels
        while (line := await lwt_io.read_line_opt(ic)) is not None:
            _work()
            await lwt_io.write_line(oc, line.value)
            await lwt_io.flush(oc)

    _serve(tell, None, echo)


def flood_read(tell: Tell) -> None:
    async def echo(channels: Channels) -> None:
        ic, oc = channels
        while data := await lwt_io.read(ic, count=4096):
            _work()
            await lwt_io.write(oc, data)

    _serve(tell, None, echo)


# --- The core ----------------------------------------------------------------


async def resolved_bind(number: int, _: int) -> None:
    bind, promise, callback = lwt.bind, lwt.return_(1), lwt.return_
    for _ in range(number):
        bind(promise, callback)


async def pending_bind(number: int, at_once: int) -> None:
    wait, bind, wakeup, callback = lwt.wait, lwt.bind, lwt.wakeup, lwt.return_
    for _ in range(number // at_once):
        resolvers = []
        for _ in range(at_once):
            promise, resolver = wait()
            bind(promise, callback)
            resolvers.append(resolver)
        for resolver in resolvers:
            wakeup(resolver, 1)


async def callbacks(number: int, at_once: int) -> None:
    for _ in range(number // at_once):
        promise, resolver = lwt.wait()
        for _ in range(at_once):
            lwt.on_success(promise, _ignore)
        lwt.wakeup(resolver, 1)


def _ignore(_: object) -> None:
    pass


@lwt.promised
async def _waiting(promise: lwt.Promise[int]) -> int:
    return await promise


async def body(number: int, at_once: int) -> None:
    wait, wakeup = lwt.wait, lwt.wakeup
    for _ in range(number // at_once):
        resolvers = []
        for _ in range(at_once):
            promise, resolver = wait()
            _waiting(promise)
            resolvers.append(resolver)
        for resolver in resolvers:
            wakeup(resolver, 1)


async def pause(number: int, at_once: int) -> None:
    @lwt.promised
    async def pauses() -> None:
        for _ in range(number // at_once):
            await lwt.pause()

    await lwt.join([pauses() for _ in range(at_once)])


async def join(number: int, at_once: int) -> None:
    for _ in range(number // at_once):
        pairs = [lwt.wait() for _ in range(at_once)]
        joined = lwt.join([promise for promise, _ in pairs])
        for _, resolver in pairs:
            lwt.wakeup(resolver, None)
        await joined


async def all_(number: int, at_once: int) -> None:
    for _ in range(number // at_once):
        pairs = [lwt.wait() for _ in range(at_once)]
        together = lwt.all([promise for promise, _ in pairs])
        for value, (_, resolver) in enumerate(pairs):
            lwt.wakeup(resolver, value)
        await together


async def pick(number: int, at_once: int) -> None:
    for _ in range(number // at_once):
        pairs = [lwt.task() for _ in range(at_once)]
        picked = lwt.pick([promise for promise, _ in pairs])
        lwt.wakeup(pairs[at_once // 2][1], 1)
        await picked


async def sleeps(number: int, at_once: int) -> None:
    delays, most = random.Random(1), at_once * 1e-5
    for _ in range(number // at_once):
        await lwt.join([lwt_unix.sleep(delays.random() * most) for _ in range(at_once)])


# --- What stands on it -------------------------------------------------------


async def mailbox(number: int, _: int) -> None:
    there: lwt_mvar.Mvar[int] = lwt_mvar.create_empty()
    back: lwt_mvar.Mvar[int] = lwt_mvar.create_empty()

    async def pong() -> None:
        for _ in range(number):
            await lwt_mvar.put(back, await lwt_mvar.take(there))

    other = lwt.of_coroutine(pong())
    for value in range(number):
        await lwt_mvar.put(there, value)
        await lwt_mvar.take(back)
    await other


async def mutex(number: int, at_once: int) -> None:
    lock = lwt_mutex.create()

    async def work() -> None:
        for _ in range(number // at_once):
            async with lock:
                if at_once > 1:
                    await lwt.pause()

    await lwt.join([lwt.of_coroutine(work()) for _ in range(at_once)])


async def condition(number: int, at_once: int) -> None:
    told: lwt_condition.Condition[None] = lwt_condition.create()

    async def work() -> None:
        for _ in range(number // at_once):
            await lwt_condition.wait(told)

    others = [lwt.of_coroutine(work()) for _ in range(at_once)]
    for _ in range(number // at_once):
        await lwt.pause()
        lwt_condition.broadcast(told, None)
    await lwt.join(others)


async def pool(number: int, at_once: int) -> None:
    members = lwt_pool.create(2, lambda: lwt.return_(0))

    async def work(_: int) -> None:
        await lwt.pause()

    async def uses() -> None:
        for _ in range(number // at_once):
            await lwt_pool.use(members, work)

    await lwt.join([lwt.of_coroutine(uses()) for _ in range(at_once)])


async def stream(number: int, at_once: int) -> None:
    """With one at once, the reader waits for each; with more, they are there when it reads."""
    elements, push = lwt_stream.create()

    async def take() -> None:
        async for _ in elements:
            pass

    taking = lwt.of_coroutine(take()) if at_once == 1 else None
    for _ in range(number // at_once):
        for n in range(at_once):
            push(lwt.Some(n))
        if taking is None:
            async for n in elements:
                if n == at_once - 1:
                    break
    push(None)
    await (take() if taking is None else taking)


async def stream_map(number: int, _: int) -> None:
    doubled = lwt_stream.map(lambda n: 2 * n, lwt_stream.of_seq(iter(range(number))))
    async for _ in lwt_stream.filter(lambda n: n % 3 == 0, doubled):
        pass


def _later(x: int) -> lwt.Promise[int]:
    return lwt.map(lambda _: x, lwt.pause())


async def list_iter_s(number: int, _: int) -> None:
    await lwt_list.iter_s(_later, range(number))


async def list_map_p(number: int, _: int) -> None:
    await lwt_list.map_p(_later, range(number))


# --- The engine --------------------------------------------------------------


async def turn(number: int, _: int) -> None:
    """An engine of its own: a byte through a socket pair in each turn."""
    engine = lwt_engine.libev()
    near, far = socket.socketpair()
    with near, far:
        engine.on_readable(near.fileno(), lambda _: near.recv(1))
        for _ in range(number):
            far.send(b"x")
            engine.iter(True)
    engine.destroy()


async def socket_calls(number: int, _: int) -> None:
    near, far = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
    buffer = bytearray(4096)
    for _ in range(number // 50):
        await lwt.pause()  # only so many calls on a descriptor are done at once in a turn
        for _ in range(50):
            await lwt_unix.write(far, b"x" * 64, 0, 64)
            await lwt_unix.read(near, buffer, 0, 4096)
    await lwt_unix.close(near)
    await lwt_unix.close(far)


# --- Memory ------------------------------------------------------------------


async def memory_bind(number: int, keep: Keep) -> None:
    for _ in range(number):
        promise, resolver = lwt.wait()
        keep(resolver)
        keep(lwt.bind(promise, lwt.return_))


async def memory_body(number: int, keep: Keep) -> None:
    for _ in range(number):
        promise, resolver = lwt.wait()
        keep(resolver)
        keep(_waiting(promise))
