"""asyncio: its streams, and its protocols where a name ends so."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Tell = Callable[[int], None]
Keep = Callable[[object], None]

HERE = ("127.0.0.1", 0)


def run(body: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(body())


# --- Servers -----------------------------------------------------------------


def _serve(
    tell: Tell, echo: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await echo(reader, writer)
        except ConnectionError:
            pass  # clients may leave by a reset
        finally:
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(serve, *HERE, backlog=4096)
        tell(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def _serve_protocol(tell: Tell, protocol: Callable[[], asyncio.Protocol]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(protocol, *HERE, backlog=4096)
        tell(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def echo_sockets(tell: Tell) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()

    _serve(tell, echo)


class _Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport  # uvloop's is no asyncio.Transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


def echo_sockets_protocol(tell: Tell) -> None:
    _serve_protocol(tell, _Echo)


def echo_lines(tell: Tell) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()

    _serve(tell, echo)


def http(tell: Tell) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            while await reader.readline() != b"\r\n":
                pass
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!")
            await writer.drain()

    _serve(tell, answer)


connect = echo_sockets
connect_protocol = echo_sockets_protocol


def echo_large(tell: Tell) -> None:
    size = 1 << 16

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(await reader.readexactly(size))
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass

    _serve(tell, echo)


def send_large(tell: Tell) -> None:
    block = b"x" * (1 << 16)

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        while True:
            writer.write(block)
            await writer.drain()

    _serve(tell, send)


idle = echo_sockets
idle_protocol = echo_sockets_protocol


# --- Servers that one client floods: see ours.py -----------------------------


def _work() -> None:
    until = time.process_time() + 50e-6
    while time.process_time() < until:
        pass


def flood_sockets(tell: Tell) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            _work()
            writer.write(data)
            await writer.drain()

    _serve(tell, echo)


def flood_lines(tell: Tell) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            _work()
            writer.write(line)
            await writer.drain()

    _serve(tell, echo)


flood_newlines = flood_read_line = flood_lines
flood_read = flood_sockets


# --- The core: the nearest thing that a program would write ------------------


async def resolved_bind(number: int, _: int) -> None:
    """Wait for a future, and make another one from its value, which is done: this is `bind`."""
    create_future = asyncio.get_running_loop().create_future

    async def done(value: int) -> int:
        future: asyncio.Future[int] = create_future()
        future.set_result(value)
        return await future

    first = create_future()
    first.set_result(1)
    for _ in range(number):
        await done(await first)


async def pending_bind(number: int, at_once: int) -> None:
    """A callback that resolves another future. The loop runs it in its next turn."""
    create_future = asyncio.get_running_loop().create_future
    for _ in range(number // at_once):
        futures, outer_futures = [], []
        for _ in range(at_once):
            future, outer = create_future(), create_future()
            future.add_done_callback(lambda done, outer=outer: outer.set_result(done.result()))  # type: ignore[misc]  # mypy infers no lambda with a default
            futures.append(future)
            outer_futures.append(outer)
        for future in futures:
            future.set_result(1)
        for outer in outer_futures:
            await outer


async def callbacks(number: int, at_once: int) -> None:
    create_future = asyncio.get_running_loop().create_future
    for _ in range(number // at_once):
        future = create_future()
        for _ in range(at_once):
            future.add_done_callback(_ignore)
        future.set_result(1)
        await future


def _ignore(_: object) -> None:
    pass


async def _waiting(future: asyncio.Future[int]) -> int:
    return await future


async def body(number: int, at_once: int) -> None:
    """Tasks. They start in one turn of the loop, and go on in another."""
    loop = asyncio.get_running_loop()
    for _ in range(number // at_once):
        futures, tasks = [], []
        for _ in range(at_once):
            future = loop.create_future()
            tasks.append(loop.create_task(_waiting(future)))
            futures.append(future)
        await asyncio.sleep(0)
        for future in futures:
            future.set_result(1)
        for task in tasks:
            await task


async def pause(number: int, at_once: int) -> None:
    async def pauses() -> None:
        for _ in range(number // at_once):
            await asyncio.sleep(0)

    await asyncio.gather(*(pauses() for _ in range(at_once)))


async def join(number: int, at_once: int) -> None:
    create_future = asyncio.get_running_loop().create_future
    for _ in range(number // at_once):
        futures = [create_future() for _ in range(at_once)]
        gathered = asyncio.gather(*futures)
        for future in futures:
            future.set_result(None)
        await gathered


all_ = join


async def pick(number: int, at_once: int) -> None:
    create_future = asyncio.get_running_loop().create_future
    for _ in range(number // at_once):
        futures = [create_future() for _ in range(at_once)]
        futures[at_once // 2].set_result(1)
        _, others = await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
        for other in others:
            other.cancel()


async def sleeps(number: int, at_once: int) -> None:
    delays, most = random.Random(1), at_once * 1e-5
    for _ in range(number // at_once):
        await asyncio.gather(*(asyncio.sleep(delays.random() * most) for _ in range(at_once)))


# --- What stands on it -------------------------------------------------------


async def mailbox(number: int, _: int) -> None:
    there: asyncio.Queue[int] = asyncio.Queue(1)
    back: asyncio.Queue[int] = asyncio.Queue(1)

    async def pong() -> None:
        for _ in range(number):
            await back.put(await there.get())

    other = asyncio.create_task(pong())
    for value in range(number):
        await there.put(value)
        await back.get()
    await other


async def mutex(number: int, at_once: int) -> None:
    lock = asyncio.Lock()

    async def work() -> None:
        for _ in range(number // at_once):
            async with lock:
                if at_once > 1:
                    await asyncio.sleep(0)

    await asyncio.gather(*(work() for _ in range(at_once)))


async def condition(number: int, at_once: int) -> None:
    told = asyncio.Condition()
    waiting = 0

    async def work() -> None:
        nonlocal waiting
        for _ in range(number // at_once):
            async with told:
                waiting += 1
                await told.wait()

    others = [asyncio.create_task(work()) for _ in range(at_once)]
    for _ in range(number // at_once):
        while waiting < at_once:
            await asyncio.sleep(0)
        async with told:
            waiting = 0
            told.notify_all()
    await asyncio.gather(*others)


async def pool(number: int, at_once: int) -> None:
    """A semaphore, and a list of members.

    A Queue of members would be less work, but it is not fair: a body that puts a member back and
    asks for one again gets it at once, before all that wait.
    """
    semaphore = asyncio.Semaphore(2)
    members = [0] * 2

    async def uses() -> None:
        for _ in range(number // at_once):
            async with semaphore:
                member = members.pop()
                try:
                    await asyncio.sleep(0)
                finally:
                    members.append(member)

    await asyncio.gather(*(uses() for _ in range(at_once)))


async def stream(number: int, at_once: int) -> None:
    """Asyncio has no stream that ends: the bodies look for a value that marks the end."""
    queue: asyncio.Queue[int | None] = asyncio.Queue(1 if at_once == 1 else 0)

    async def take() -> None:
        while await queue.get() is not None:
            pass

    taking = asyncio.create_task(take()) if at_once == 1 else None
    for _ in range(number // at_once):
        for n in range(at_once):
            if taking is None:
                queue.put_nowait(n)
            else:
                await queue.put(n)
        if taking is None:
            while await queue.get() != at_once - 1:
                pass
    await queue.put(None)
    await (take() if taking is None else taking)


async def _later(x: int) -> int:
    await asyncio.sleep(0)
    return x


async def list_iter_s(number: int, _: int) -> None:
    for x in range(number):
        await _later(x)


async def list_map_p(number: int, _: int) -> None:
    await asyncio.gather(*map(_later, range(number)))


# --- The loop ----------------------------------------------------------------


async def turn(number: int, _: int) -> None:
    loop = asyncio.get_running_loop()
    near, far = socket.socketpair()
    done = loop.create_future()
    left = number

    def callback() -> None:
        nonlocal left
        near.recv(1)
        left -= 1
        if left:
            far.send(b"x")
        else:
            done.set_result(None)

    with near, far:
        loop.add_reader(near.fileno(), callback)
        far.send(b"x")
        await done
        loop.remove_reader(near.fileno())


async def socket_calls(number: int, _: int) -> None:
    loop = asyncio.get_running_loop()
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    buffer = bytearray(4096)
    with near, far:
        for _ in range(number):
            await loop.sock_sendall(far, b"x" * 64)
            await loop.sock_recv_into(near, buffer)


# --- Memory ------------------------------------------------------------------


async def memory_bind(number: int, keep: Keep) -> None:
    """A future with a callback, which is less: there is no future of what comes out."""
    create_future = asyncio.get_running_loop().create_future
    for _ in range(number):
        future = create_future()
        future.add_done_callback(_ignore)
        keep(future)


async def memory_body(number: int, keep: Keep) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(number):
        future = loop.create_future()
        keep(future)
        keep(loop.create_task(_waiting(future)))
    await asyncio.sleep(0)
