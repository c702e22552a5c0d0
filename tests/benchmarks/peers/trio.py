"""trio. It has no promises: what others do with them, its programs do with tasks and events."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import trio

T = TypeVar("T")
Tell = Callable[[int], None]
Keep = Callable[[object], None]


def run(body: Callable[[], Awaitable[T]]) -> T:
    result: T = trio.run(body)
    return result


# --- Servers -----------------------------------------------------------------


def _serve(tell: Tell, handle: Callable[[Any], Awaitable[None]]) -> None:
    async def guarded(stream: Any) -> None:
        try:
            await handle(stream)
        except trio.BrokenResourceError:
            pass  # clients may leave by a reset

    async def main() -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=4096)
        tell(listeners[0].socket.getsockname()[1])
        await trio.serve_listeners(guarded, listeners)

    trio.run(main)


def echo_sockets(tell: Tell) -> None:
    async def echo(stream: Any) -> None:
        while data := await stream.receive_some(4096):
            await stream.send_all(data)

    _serve(tell, echo)


connect = idle = echo_sockets


class _Reader:
    """Lines and blocks of a stream, which trio leaves to its users."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._unread = bytearray()

    async def line(self) -> bytes:
        while (end := self._unread.find(b"\n")) < 0:
            more = await self._stream.receive_some(65536)
            if not more:
                return b""
            self._unread += more
        line = bytes(self._unread[: end + 1])
        del self._unread[: end + 1]
        return line

    async def exactly(self, size: int) -> bytes:
        while len(self._unread) < size:
            more = await self._stream.receive_some(65536)
            if not more:
                return b""
            self._unread += more
        block = bytes(self._unread[:size])
        del self._unread[:size]
        return block


def echo_lines(tell: Tell) -> None:
    async def echo(stream: Any) -> None:
        reader = _Reader(stream)
        while line := await reader.line():
            await stream.send_all(line)

    _serve(tell, echo)


def http(tell: Tell) -> None:
    async def answer(stream: Any) -> None:
        reader = _Reader(stream)
        while await reader.line():
            while await reader.line() != b"\r\n":
                pass
            await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!")

    _serve(tell, answer)


def echo_large(tell: Tell) -> None:
    async def echo(stream: Any) -> None:
        reader = _Reader(stream)
        while block := await reader.exactly(1 << 16):
            await stream.send_all(block)

    _serve(tell, echo)


def send_large(tell: Tell) -> None:
    block = b"x" * (1 << 16)

    async def send(stream: Any) -> None:
        await stream.receive_some(64)
        while True:
            await stream.send_all(block)

    _serve(tell, send)


# --- In the process ----------------------------------------------------------


async def _waiting(event: Any) -> None:
    await event.wait()


async def body(number: int, at_once: int) -> None:
    for _ in range(number // at_once):
        async with trio.open_nursery() as nursery:
            events = [trio.Event() for _ in range(at_once)]
            for event in events:
                nursery.start_soon(_waiting, event)
            await trio.lowlevel.checkpoint()
            for event in events:
                event.set()


join = body


async def pause(number: int, at_once: int) -> None:
    async def pauses() -> None:
        for _ in range(number // at_once):
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        for _ in range(at_once):
            nursery.start_soon(pauses)


async def sleeps(number: int, at_once: int) -> None:
    delays, most = random.Random(1), at_once * 1e-5
    for _ in range(number // at_once):
        async with trio.open_nursery() as nursery:
            for _ in range(at_once):
                nursery.start_soon(trio.sleep, delays.random() * most)


async def mailbox(number: int, _: int) -> None:
    put_there, take_there = trio.open_memory_channel(1)
    put_back, take_back = trio.open_memory_channel(1)

    async def pong() -> None:
        for _ in range(number):
            await put_back.send(await take_there.receive())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pong)
        for value in range(number):
            await put_there.send(value)
            await take_back.receive()


async def mutex(number: int, at_once: int) -> None:
    lock = trio.Lock()

    async def work() -> None:
        for _ in range(number // at_once):
            async with lock:
                if at_once > 1:
                    await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        for _ in range(at_once):
            nursery.start_soon(work)


async def stream(number: int, at_once: int) -> None:
    push, elements = trio.open_memory_channel(at_once)

    async def take() -> None:
        async for _ in elements:
            pass

    async with trio.open_nursery() as nursery:
        if at_once == 1:
            nursery.start_soon(take)
        for _ in range(number // at_once):
            for n in range(at_once):
                await push.send(n)
            if at_once > 1:
                while await elements.receive() != at_once - 1:
                    pass
        push.close()


async def memory_body(number: int, keep: Keep) -> None:
    for _ in range(number):
        event = trio.Event()
        keep(event)
        trio.lowlevel.spawn_system_task(_waiting, event)
    await trio.lowlevel.checkpoint()
