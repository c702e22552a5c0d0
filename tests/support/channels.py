"""Channels on functions that a test controls, for the tests of lwt_io."""

from __future__ import annotations

from collections.abc import Callable

import lwt
from lwt_unix import lwt_io, lwt_main


def input_of(*chunks: bytes, pauses: bool = False, buffer_size: int = 64) -> lwt_io.InputChannel:
    """Make a channel whose reading function gives these chunks, one a call, then the end.

    A chunk that does not fit is given in parts. With `pauses`, each call takes a turn of
    the main loop.
    """
    waiting = list(chunks)

    def perform(buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
        chunk = waiting.pop(0) if waiting else b""
        if len(chunk) > length:
            waiting.insert(0, chunk[length:])
            chunk = chunk[:length]
        buffer[offset : offset + len(chunk)] = chunk
        if pauses:
            return lwt.map(lambda _: len(chunk), lwt.pause())
        return lwt.return_(len(chunk))

    return lwt_io.make(perform, mode=lwt_io.Input, buffer=memoryview(bytearray(buffer_size)))


class Source:
    """An input channel whose reads wait until the test lets data come."""

    def __init__(self) -> None:
        self.closed = 0
        self._wanted: tuple[memoryview, int, int, lwt.Resolver[int]] | None = None
        self.channel = lwt_io.make(self._perform, mode=lwt_io.Input, close=self._close)

    def _perform(self, buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
        promise, resolver = lwt.task()
        self._wanted = buffer, offset, length, resolver
        return promise

    def _close(self) -> lwt.Promise[None]:
        self.closed += 1
        return lwt.return_unit

    @property
    def is_being_read(self) -> bool:
        return self._wanted is not None

    def give(self, data: bytes) -> None:
        """Let the read that waits have `data`; b"" is the end of input."""
        assert self._wanted is not None
        buffer, offset, length, resolver = self._wanted
        self._wanted = None
        assert len(data) <= length
        buffer[offset : offset + len(data)] = data
        lwt.wakeup(resolver, len(data))

    def break_(self, exception: Exception) -> None:
        """Let the read that waits fail."""
        assert self._wanted is not None
        *_, resolver = self._wanted
        self._wanted = None
        lwt.wakeup_exn(resolver, exception)


_sinks: list[Sink] = []


def abort_sinks() -> None:
    """Abort the channel of every sink that a test has made.

    One whose writes wait would otherwise keep `flush_all` waiting, at the end of the
    process too.
    """
    while _sinks:
        lwt_io.abort(_sinks.pop().channel)


class Sink:
    """An output channel that keeps what is written out, and what happened in which order.

    With `waits`, each write waits until the test calls `take`. `most` is how many bytes a
    write takes at most.
    """

    def __init__(
        self, *, waits: bool = False, most: int | None = None, buffer_size: int = 16
    ) -> None:
        self.written = b""
        self.writes: list[bytes] = []
        self.closed = 0
        self.failure: Exception | None = None
        _sinks.append(self)
        self._waits = waits
        self._most = most
        self._offered: tuple[bytes, lwt.Resolver[int]] | None = None
        self.channel = lwt_io.make(
            self._perform,
            mode=lwt_io.Output,
            buffer=memoryview(bytearray(buffer_size)),
            close=self._close,
        )

    def _perform(self, buffer: memoryview, offset: int, length: int) -> lwt.Promise[int]:
        data = bytes(buffer[offset : offset + length])
        if self.failure is not None:
            return lwt.fail(self.failure)
        if self._waits:
            promise, resolver = lwt.task()
            self._offered = data, resolver
            return promise
        return lwt.return_(self._accept(data[: self._most]))

    def _accept(self, data: bytes) -> int:
        self.writes.append(data)
        self.written += data
        return len(data)

    def _close(self) -> lwt.Promise[None]:
        self.closed += 1
        return lwt.return_unit

    @property
    def is_being_written(self) -> bool:
        return self._offered is not None

    def take(self, count: int | None = None) -> None:
        """Let the write that waits take `count` bytes, by default all."""
        assert self._offered is not None
        data, resolver = self._offered
        self._offered = None
        lwt.wakeup(resolver, self._accept(data[:count]))


class Log:
    """What happened, in order."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def note(self, entry: str) -> None:
        self.entries.append(entry)

    def watch(self, name: str, promise: lwt.Promise[object]) -> None:
        """Note how a promise is resolved."""
        lwt.on_any(
            promise,
            lambda value: self.note(f"{name}: {value!r}"),
            lambda exn: self.note(f"{name}: {type(exn).__name__}"),
        )


async def pauses(number: int) -> None:
    """Let the main loop turn some times."""
    for _ in range(number):
        await lwt.pause()


def written_by(write: Callable[[lwt_io.OutputChannel], lwt.Promise[object]]) -> bytes:
    """Write to a channel with a small buffer, and flush."""
    sink = Sink()

    async def write_and_flush() -> None:
        await write(sink.channel)
        await lwt_io.flush(sink.channel)

    lwt_main.run(write_and_flush())
    return sink.written
