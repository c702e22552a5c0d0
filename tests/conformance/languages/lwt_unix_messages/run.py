"""Running scripts over vectors and messages: what `lwt_unix/run.py` does, and these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import lwt
import lwt_unix
from lwt_unix import IO_vectors
from tests.conformance.forms import Form
from tests.conformance.language import Met
from tests.conformance.languages.lwt_unix.run import UnixRun
from tests.conformance.languages.scripts.run import (
    EmptySlot,
    Promise,
    Shower,
    path,
    show_bool,
    show_data,
)


@dataclass
class Slot:
    """The vectors of a slot."""

    vectors: IO_vectors.t = field(default_factory=IO_vectors.create)
    buffers: list[bytearray] = field(default_factory=list)
    uses: list[Promise] = field(default_factory=list)
    has_bytes: bool = False


class MessagesRun(UnixRun):
    """One run of one script over vectors and messages."""

    def __init__(self, met: Met | None = None) -> None:
        super().__init__(met)
        self._vectors: dict[int, Slot] = {}

    # Vectors

    def _slot(self, v: int) -> Slot:
        found: Slot = self._take("v", self._vectors, v)
        return found

    def _idle(self, v: int) -> Slot:
        """Return vectors that may be changed: no call waits with them."""
        slot = self._slot(v)
        if any(map(lwt.is_sleeping, slot.uses)):
            raise EmptySlot
        return slot

    def do_vectors(self, v: int) -> None:
        self._vectors[v] = Slot()
        self._made("v", v)

    def do_append(self, v: int, size: int, offset: int, length: int) -> None:
        buffer, slot = bytearray(self._letters(size)), self._idle(v)
        IO_vectors.append_bytes(slot.vectors, buffer, int(offset), int(length))
        slot.buffers.append(buffer)
        slot.has_bytes = True

    def do_append_bigarray(self, v: int, size: int, offset: int, length: int) -> None:
        buffer, slot = bytearray(self._letters(size)), self._idle(v)
        IO_vectors.append_bigarray(slot.vectors, memoryview(buffer), int(offset), int(length))
        slot.buffers.append(buffer)

    def do_append_many(self, v: int, count: int) -> None:
        buffer, slot = bytearray(self._letters(8)), self._idle(v)
        for i in range(1, count + 1):
            IO_vectors.append_bytes(slot.vectors, buffer, i % 8, 1)
        slot.buffers.append(buffer)
        slot.has_bytes = True

    def do_drop(self, v: int, count: int) -> None:
        IO_vectors.drop(self._idle(v).vectors, int(count))

    def do_count(self, v: int) -> None:
        vectors = self._slot(v).vectors
        count, is_empty = IO_vectors.byte_count(vectors), show_bool(IO_vectors.is_empty(vectors))
        self.event(f"v{v} has {count} bytes, empty {is_empty}")

    def _use(
        self,
        p: int,
        d: int,
        v: int,
        show: Shower,
        call: Callable[[lwt_unix.File_descr, IO_vectors.t], Promise],
    ) -> None:
        slot = self._slot(v)
        descriptor = self._descriptor(d)
        promise = self._attempt(descriptor, call, descriptor, slot.vectors)
        slot.uses.append(promise)

        def show_both(value: Any) -> str:
            return f"{show(value)} {show_data(b''.join(slot.buffers))}"

        self._watch(p, show_both, promise)

    def do_readv(self, p: int, d: int, v: int) -> None:
        # From a file, OCaml fills the rest of bytes with whatever was in memory.
        if self._slot(v).has_bytes:
            self._refuse_file(d)
        self._use(p, d, v, str, lwt_unix.readv)

    def do_writev(self, p: int, d: int, v: int) -> None:
        self._use(p, d, v, str, lwt_unix.writev)

    # Messages

    def do_recv_msg(self, p: int, d: int, v: int, first: int) -> None:
        def show(received: tuple[int, list[int]]) -> str:
            count, fds = received
            for i, fd in enumerate(fds):
                self._keep_descriptor(first + i, lwt_unix.of_unix_file_descr(fd))
            return f"{count}, {len(fds)} descriptors"

        def receive(socket: lwt_unix.File_descr, io_vectors: IO_vectors.t) -> Promise:
            return lwt_unix.recv_msg(socket=socket, io_vectors=io_vectors)

        self._use(p, d, v, show, receive)

    def _numbers(self, slots: Form) -> list[int]:
        """Return the numbers of descriptors that are sure to be open."""
        descriptors = [self._descriptor(d) for d in slots]
        if any(lwt_unix.state(descriptor) is not lwt_unix.Opened for descriptor in descriptors):
            raise EmptySlot
        return [lwt_unix.unix_file_descr(descriptor) for descriptor in descriptors]

    def do_send_msg(self, p: int, d: int, v: int, slots: Form) -> None:
        fds = self._numbers(slots)

        def send(socket: lwt_unix.File_descr, io_vectors: IO_vectors.t) -> Promise:
            return lwt_unix.send_msg(socket=socket, io_vectors=io_vectors, fds=fds)

        self._use(p, d, v, str, send)

    def do_send_msgto(self, p: int, d: int, v: int, slots: Form, number: int) -> None:
        fds, dest = self._numbers(slots), lwt_unix.ADDR_UNIX(path(number))

        def send(socket: lwt_unix.File_descr, io_vectors: IO_vectors.t) -> Promise:
            return lwt_unix.send_msgto(socket=socket, io_vectors=io_vectors, fds=fds, dest=dest)

        self._use(p, d, v, str, send)

    # The rest

    def do_bind_1(self, d: int, number: int) -> None:
        lwt_unix.Versioned.bind_1(self._descriptor(d), lwt_unix.ADDR_UNIX(path(number)))

    def do_read_bigarray(self, p: int, d: int, size: int, offset: int, length: int) -> None:
        buffer, descriptor = bytearray(b"." * size), self._descriptor(d)

        def read() -> Promise:
            function = "Lwt_bytes.read"
            return lwt_unix.read_bigarray(function, descriptor, buffer, int(offset), int(length))

        self._watch_read(p, buffer, offset, self._attempt(descriptor, read))

    def do_write_bigarray(self, p: int, d: int, size: int, offset: int, length: int) -> None:
        descriptor, data = self._descriptor(d), self._letters(size)

        def write() -> Promise:
            function = "Lwt_bytes.write"
            return lwt_unix.write_bigarray(function, descriptor, data, int(offset), int(length))

        self._watch(p, str, self._attempt(descriptor, write))
