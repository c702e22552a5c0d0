"""gevent: greenlets, which wait without `await`."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import gevent
import gevent.event
import gevent.lock
import gevent.queue
import gevent.server

T = TypeVar("T")
Tell = Callable[[int], None]
Keep = Callable[[object], None]


def run(body: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a body that awaits nothing."""
    try:
        body().send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise RuntimeError("the body awaits something")


# --- Servers -----------------------------------------------------------------


def _serve(tell: Tell, handle: Callable[[Any], None]) -> None:
    def guarded(client: Any, _address: object) -> None:
        try:
            handle(client)
        except ConnectionError:
            pass  # clients may leave by a reset

    server = gevent.server.StreamServer(("127.0.0.1", 0), guarded, backlog=4096)
    server.init_socket()
    tell(server.socket.getsockname()[1])
    server.serve_forever()


def echo_sockets(tell: Tell) -> None:
    def echo(client: Any) -> None:
        while data := client.recv(4096):
            client.sendall(data)

    _serve(tell, echo)


connect = idle = echo_sockets


def echo_lines(tell: Tell) -> None:
    def echo(client: Any) -> None:
        for line in client.makefile("rb"):
            client.sendall(line)

    _serve(tell, echo)


def http(tell: Tell) -> None:
    def answer(client: Any) -> None:
        file = client.makefile("rb")
        while file.readline():
            while file.readline() != b"\r\n":
                pass
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!")

    _serve(tell, answer)


def echo_large(tell: Tell) -> None:
    def echo(client: Any) -> None:
        file = client.makefile("rb")
        while block := file.read(1 << 16):
            client.sendall(block)

    _serve(tell, echo)


def send_large(tell: Tell) -> None:
    block = b"x" * (1 << 16)

    def send(client: Any) -> None:
        client.recv(64)
        while True:
            client.sendall(block)

    _serve(tell, send)


# --- In the process ----------------------------------------------------------


def resolved_bind(number: int, _: int) -> None:
    """Get the value of a result that is there, and make another."""
    for _ in range(number):
        result = gevent.event.AsyncResult()
        result.set(1)
        result.get()


def body(number: int, at_once: int) -> None:
    for _ in range(number // at_once):
        results = [gevent.event.AsyncResult() for _ in range(at_once)]
        greenlets = [gevent.spawn(result.get) for result in results]
        gevent.sleep(0)
        for result in results:
            result.set(1)
        for greenlet in greenlets:
            greenlet.get()


def pause(number: int, at_once: int) -> None:
    def pauses() -> None:
        for _ in range(number // at_once):
            gevent.sleep(0)

    gevent.joinall([gevent.spawn(pauses) for _ in range(at_once)])


def join(number: int, at_once: int) -> None:
    for _ in range(number // at_once):
        results = [gevent.event.AsyncResult() for _ in range(at_once)]
        for result in results:
            result.set(None)
        gevent.wait(results)


all_ = join


def sleeps(number: int, at_once: int) -> None:
    delays, most = random.Random(1), at_once * 1e-5
    for _ in range(number // at_once):
        gevent.joinall([gevent.spawn(gevent.sleep, delays.random() * most) for _ in range(at_once)])


def mailbox(number: int, _: int) -> None:
    there, back = gevent.queue.Queue(1), gevent.queue.Queue(1)

    def pong() -> None:
        for _ in range(number):
            back.put(there.get())

    other = gevent.spawn(pong)
    for value in range(number):
        there.put(value)
        back.get()
    other.get()


def mutex(number: int, at_once: int) -> None:
    lock = gevent.lock.BoundedSemaphore(1)

    def work() -> None:
        for _ in range(number // at_once):
            with lock:
                if at_once > 1:
                    gevent.sleep(0)

    gevent.joinall([gevent.spawn(work) for _ in range(at_once)])


def stream(number: int, at_once: int) -> None:
    queue = gevent.queue.Queue(at_once)

    def take() -> None:
        while queue.get() is not None:
            pass

    taking = gevent.spawn(take) if at_once == 1 else None
    for _ in range(number // at_once):
        for n in range(at_once):
            queue.put(n)
        if taking is None:
            while queue.get() != at_once - 1:
                pass
    if taking is not None:
        queue.put(None)
        taking.get()


async def memory_body(number: int, keep: Keep) -> None:
    for _ in range(number):
        result = gevent.event.AsyncResult()
        keep(result)
        keep(gevent.spawn(result.get))
    gevent.sleep(0)
