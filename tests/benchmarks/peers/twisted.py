"""Twisted: its protocols, and its Deferreds where others have promises."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet import defer, protocol, reactor, task
from twisted.protocols import basic

T = TypeVar("T")
Tell = Callable[[int], None]
Keep = Callable[[object], None]


def run(body: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run the reactor, which can be started only once: so what it ran goes on in the next run."""
    outcome: list[T] = []

    def keep(result: T) -> None:
        outcome.append(result)
        reactor.crash()

    def fail(failure: Any) -> None:
        failure.printTraceback()
        reactor.crash()

    reactor.callWhenRunning(lambda: defer.ensureDeferred(body()).addCallbacks(keep, fail))
    reactor.run(installSignalHandlers=False)
    return outcome[0]


# --- Servers -----------------------------------------------------------------


def _serve(tell: Tell, kind: Callable[[], Any]) -> None:
    port = reactor.listenTCP(
        0, protocol.Factory.forProtocol(kind), backlog=4096, interface="127.0.0.1"
    )
    tell(port.getHost().port)
    reactor.run()


def echo_sockets(tell: Tell) -> None:
    class Echo(protocol.Protocol):  # type: ignore[misc]  # twisted need not be installed
        def connectionMade(self) -> None:
            self.transport.setTcpNoDelay(True)

        def dataReceived(self, data: bytes) -> None:
            self.transport.write(data)

    _serve(tell, Echo)


connect = idle = echo_sockets


def echo_lines(tell: Tell) -> None:
    class Echo(basic.LineOnlyReceiver):  # type: ignore[misc]  # twisted need not be installed
        delimiter = b"\n"

        def connectionMade(self) -> None:
            self.transport.setTcpNoDelay(True)

        def lineReceived(self, line: bytes) -> None:
            self.sendLine(line)

    _serve(tell, Echo)


def http(tell: Tell) -> None:
    class Answer(basic.LineOnlyReceiver):  # type: ignore[misc]  # twisted need not be installed
        delimiter = b"\r\n"

        def lineReceived(self, line: bytes) -> None:
            if not line:
                self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!")

    _serve(tell, Answer)


def echo_large(tell: Tell) -> None:
    class Echo(protocol.Protocol):  # type: ignore[misc]  # twisted need not be installed
        parts: list[bytes]

        def connectionMade(self) -> None:
            self.parts = []

        def dataReceived(self, data: bytes) -> None:
            self.parts.append(data)
            if sum(map(len, self.parts)) == 1 << 16:
                self.transport.write(b"".join(self.parts))
                self.parts = []

    _serve(tell, Echo)


def send_large(tell: Tell) -> None:
    block = b"x" * (1 << 16)

    class Send(protocol.Protocol):  # type: ignore[misc]  # twisted need not be installed
        def dataReceived(self, data: bytes) -> None:
            self.transport.registerProducer(self, False)

        def resumeProducing(self) -> None:
            self.transport.write(block)

        def stopProducing(self) -> None:
            pass

    _serve(tell, Send)


# --- In the process ----------------------------------------------------------


async def resolved_bind(number: int, _: int) -> None:
    for _ in range(number):
        defer.succeed(1).addCallback(defer.succeed)


async def pending_bind(number: int, at_once: int) -> None:
    for _ in range(number // at_once):
        deferreds = []
        for _ in range(at_once):
            deferred = defer.Deferred()
            deferred.addCallback(defer.succeed)
            deferreds.append(deferred)
        for deferred in deferreds:
            deferred.callback(1)


async def callbacks(number: int, at_once: int) -> None:
    for _ in range(number // at_once):
        deferred = defer.Deferred()
        for _ in range(at_once):
            deferred.addCallback(_same)
        deferred.callback(1)


def _same(value: int) -> int:
    return value


async def _waiting(deferred: Any) -> Any:
    return await deferred


async def body(number: int, at_once: int) -> None:
    for _ in range(number // at_once):
        deferreds = []
        for _ in range(at_once):
            deferred = defer.Deferred()
            defer.ensureDeferred(_waiting(deferred))
            deferreds.append(deferred)
        for deferred in deferreds:
            deferred.callback(1)


async def pause(number: int, at_once: int) -> None:
    async def pauses() -> None:
        for _ in range(number // at_once):
            await task.deferLater(reactor, 0)

    await defer.gatherResults([defer.ensureDeferred(pauses()) for _ in range(at_once)])


async def join(number: int, at_once: int) -> None:
    for _ in range(number // at_once):
        deferreds = [defer.Deferred() for _ in range(at_once)]
        gathered = defer.gatherResults(deferreds)
        for deferred in deferreds:
            deferred.callback(None)
        await gathered


all_ = join


async def pick(number: int, at_once: int) -> None:
    for _ in range(number // at_once):
        deferreds = [defer.Deferred(lambda _: None) for _ in range(at_once)]
        picked = defer.DeferredList(deferreds, fireOnOneCallback=True, consumeErrors=True)
        deferreds[at_once // 2].callback(1)
        await picked
        for deferred in deferreds:
            deferred.cancel()


async def sleeps(number: int, at_once: int) -> None:
    delays, most = random.Random(1), at_once * 1e-5
    for _ in range(number // at_once):
        await defer.gatherResults(
            [task.deferLater(reactor, delays.random() * most) for _ in range(at_once)]
        )


async def mailbox(number: int, _: int) -> None:
    there, back = defer.DeferredQueue(), defer.DeferredQueue()

    async def pong() -> None:
        for _ in range(number):
            back.put(await there.get())

    other = defer.ensureDeferred(pong())
    for value in range(number):
        there.put(value)
        await back.get()
    await other


async def mutex(number: int, at_once: int) -> None:
    lock = defer.DeferredLock()

    async def work() -> None:
        for _ in range(number // at_once):
            await lock.acquire()
            if at_once > 1:
                await task.deferLater(reactor, 0)
            lock.release()

    await defer.gatherResults([defer.ensureDeferred(work()) for _ in range(at_once)])


async def memory_bind(number: int, keep: Keep) -> None:
    for _ in range(number):
        keep(defer.Deferred().addCallback(defer.succeed))


async def memory_body(number: int, keep: Keep) -> None:
    for _ in range(number):
        deferred = defer.Deferred()
        keep(deferred)
        keep(defer.ensureDeferred(_waiting(deferred)))
