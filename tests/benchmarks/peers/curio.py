"""curio. Like trio, it has tasks instead of promises."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import curio

T = TypeVar("T")
Tell = Callable[[int], None]
Keep = Callable[[object], None]


def run(body: Callable[[], Awaitable[T]]) -> T:
    result: T = curio.run(body)
    return result


# --- Servers -----------------------------------------------------------------


def _serve(tell: Tell, handle: Callable[[Any], Awaitable[None]]) -> None:
    async def guarded(client: Any, _address: object) -> None:
        try:
            await handle(client)
        except ConnectionError:
            pass  # clients may leave by a reset

    async def main() -> None:
        listening = curio.network.tcp_server_socket("127.0.0.1", 0, backlog=4096)
        tell(listening.getsockname()[1])
        await curio.network.run_server(listening, guarded)

    curio.run(main)


def echo_sockets(tell: Tell) -> None:
    async def echo(client: Any) -> None:
        while data := await client.recv(4096):
            await client.sendall(data)

    _serve(tell, echo)


connect = idle = echo_sockets


def echo_lines(tell: Tell) -> None:
    async def echo(client: Any) -> None:
        stream = client.as_stream()
        async for line in stream:
            await stream.write(line)

    _serve(tell, echo)


def http(tell: Tell) -> None:
    async def answer(client: Any) -> None:
        stream = client.as_stream()
        while await stream.readline():
            while await stream.readline() != b"\r\n":
                pass
            await stream.write(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!")

    _serve(tell, answer)


def echo_large(tell: Tell) -> None:
    async def echo(client: Any) -> None:
        stream = client.as_stream()
        try:
            while True:
                await stream.write(await stream.read_exactly(1 << 16))
        except EOFError:
            pass

    _serve(tell, echo)


def send_large(tell: Tell) -> None:
    block = b"x" * (1 << 16)

    async def send(client: Any) -> None:
        stream = client.as_stream()
        await stream.readline()
        while True:
            await stream.write(block)

    _serve(tell, send)


# --- In the process ----------------------------------------------------------


async def _waiting(event: Any) -> None:
    await event.wait()


async def body(number: int, at_once: int) -> None:
    for _ in range(number // at_once):
        async with curio.TaskGroup() as group:
            events = [curio.Event() for _ in range(at_once)]
            for event in events:
                await group.spawn(_waiting, event)
            await curio.sleep(0)
            for event in events:
                await event.set()


join = body


async def pause(number: int, at_once: int) -> None:
    async def pauses() -> None:
        for _ in range(number // at_once):
            await curio.sleep(0)

    async with curio.TaskGroup() as group:
        for _ in range(at_once):
            await group.spawn(pauses)


async def sleeps(number: int, at_once: int) -> None:
    delays, most = random.Random(1), at_once * 1e-5
    for _ in range(number // at_once):
        async with curio.TaskGroup() as group:
            for _ in range(at_once):
                await group.spawn(curio.sleep, delays.random() * most)


async def mailbox(number: int, _: int) -> None:
    there, back = curio.Queue(1), curio.Queue(1)

    async def pong() -> None:
        for _ in range(number):
            await back.put(await there.get())

    async with curio.TaskGroup() as group:
        await group.spawn(pong)
        for value in range(number):
            await there.put(value)
            await back.get()


async def mutex(number: int, at_once: int) -> None:
    lock = curio.Lock()

    async def work() -> None:
        for _ in range(number // at_once):
            async with lock:
                if at_once > 1:
                    await curio.sleep(0)

    async with curio.TaskGroup() as group:
        for _ in range(at_once):
            await group.spawn(work)


async def stream(number: int, at_once: int) -> None:
    queue = curio.Queue(at_once)

    async def take() -> None:
        while await queue.get() is not None:
            pass

    async with curio.TaskGroup() as group:
        if at_once == 1:
            await group.spawn(take)
        for _ in range(number // at_once):
            for n in range(at_once):
                await queue.put(n)
            if at_once > 1:
                while await queue.get() != at_once - 1:
                    pass
        await queue.put(None)


async def memory_body(number: int, keep: Keep) -> None:
    for _ in range(number):
        event = curio.Event()
        keep(event)
        keep(await curio.spawn(_waiting, event, daemon=True))
    await curio.sleep(0)
