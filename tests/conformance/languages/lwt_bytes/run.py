"""Running scripts over byte arrays on `lwt_bytes`: what `lwt_io_files/run.py` does, and arrays."""

from __future__ import annotations

import os
from typing import Any, Final

import lwt
import lwt_unix
from lwt_unix import lwt_bytes
from tests.conformance.forms import Form
from tests.conformance.language import Met
from tests.conformance.languages.lwt_io_files.run import FilesRun
from tests.conformance.languages.scripts.run import (
    EmptySlot,
    Shower,
    file,
    path,
    show_bool,
    show_data,
    show_unit,
    text_of,
)

FLAGS: Final = {"both": os.O_RDWR, "read": os.O_RDONLY, "write_only": os.O_WRONLY}


class BytesRun(FilesRun):
    """One run of one script over byte arrays."""

    def __init__(self, met: Met | None = None) -> None:
        super().__init__(met)
        self._arrays: dict[int, memoryview] = {}

    def _array(self, slot: int) -> memoryview:
        found: memoryview = self._take("a", self._arrays, slot)
        return found

    def _keep_array(self, slot: int, array: memoryview) -> None:
        self._arrays[slot] = array
        self._made("a", slot)

    # Making

    def do_bytes_create(self, a: int, size: int) -> None:
        array = lwt_bytes.create(int(size))
        lwt_bytes.fill(array, 0, lwt_bytes.length(array), ".")
        self._keep_array(a, array)

    def do_bytes_of_string(self, a: int, word: str) -> None:
        self._keep_array(a, lwt_bytes.of_string(text_of(str(word))))

    def do_bytes_of_bytes(self, a: int, word: str) -> None:
        self._keep_array(a, lwt_bytes.of_bytes(bytearray(text_of(str(word)))))

    def do_bytes_proxy(self, a: int, b: int, offset: int, length: int) -> None:
        self._keep_array(a, lwt_bytes.proxy(self._array(b), int(offset), int(length)))

    def do_bytes_extract(self, a: int, b: int, offset: int, length: int) -> None:
        self._keep_array(a, lwt_bytes.extract(self._array(b), int(offset), int(length)))

    def do_bytes_copy(self, a: int, b: int) -> None:
        self._keep_array(a, lwt_bytes.copy(self._array(b)))

    # Using

    def do_bytes_get(self, a: int, offset: int) -> None:
        self.event(f"get {show_data(lwt_bytes.get(self._array(a), int(offset)))}")

    def do_bytes_set(self, a: int, offset: int, word: str) -> None:
        lwt_bytes.set(self._array(a), int(offset), text_of(str(word)))

    def do_bytes_fill(self, a: int, offset: int, length: int, word: str) -> None:
        lwt_bytes.fill(self._array(a), int(offset), int(length), text_of(str(word)))

    def do_bytes_blit(self, a: int, offset: int, b: int, target_offset: int, length: int) -> None:
        source, target = self._array(a), self._array(b)
        lwt_bytes.blit(source, int(offset), target, int(target_offset), int(length))

    def do_bytes_blit_from_string(
        self, word: str, offset: int, a: int, target_offset: int, length: int
    ) -> None:
        source, target = text_of(str(word)).decode(), self._array(a)
        lwt_bytes.blit_from_string(source, int(offset), target, int(target_offset), int(length))

    def do_bytes_blit_from_bytes(
        self, word: str, offset: int, a: int, target_offset: int, length: int
    ) -> None:
        source, target = bytearray(text_of(str(word))), self._array(a)
        lwt_bytes.blit_from_bytes(source, int(offset), target, int(target_offset), int(length))

    def do_bytes_blit_to_bytes(
        self, a: int, offset: int, size: int, target_offset: int, length: int
    ) -> None:
        source, target = self._array(a), bytearray(b"." * size)
        lwt_bytes.blit_to_bytes(source, int(offset), target, int(target_offset), int(length))
        self.event(f"blit {show_data(target)}")

    def do_bytes_look(self, a: int) -> None:
        array = self._array(a)
        size, is_mapped = lwt_bytes.length(array), show_bool(lwt_bytes.mapped(array))
        self.event(f"a{a} {size} bytes, {is_mapped}, {show_data(lwt_bytes.to_string(array))}")

    # Descriptors

    def _move(self, p: int, show: Shower, name: str, d: int, a: int, *arguments: Any) -> None:
        descriptor, array = self._descriptor(d), self._array(a)
        call = getattr(lwt_bytes, name)
        self._watch(p, show, self._attempt(descriptor, call, descriptor, array, *arguments))

    def do_bytes_read(self, p: int, d: int, a: int, offset: int, length: int) -> None:
        self._move(p, str, "read", d, a, int(offset), int(length))

    def do_bytes_write(self, p: int, d: int, a: int, offset: int, length: int) -> None:
        self._move(p, str, "write", d, a, int(offset), int(length))

    def do_bytes_recv(self, p: int, d: int, a: int, offset: int, length: int, peek: int) -> None:
        flags = [lwt_unix.MSG_PEEK] if peek == 1 else []
        self._move(p, str, "recv", d, a, int(offset), int(length), flags)

    def do_bytes_send(self, p: int, d: int, a: int, offset: int, length: int) -> None:
        self._move(p, str, "send", d, a, int(offset), int(length), [])

    def do_bytes_recvfrom(self, p: int, d: int, a: int, offset: int, length: int) -> None:
        show: Shower = lambda received: str(received[0])  # noqa: E731
        self._move(p, show, "recvfrom", d, a, int(offset), int(length), [])

    def do_bytes_sendto(
        self, p: int, d: int, a: int, offset: int, length: int, number: int
    ) -> None:
        address = lwt_unix.ADDR_UNIX(path(number))
        self._move(p, str, "sendto", d, a, int(offset), int(length), [], address)

    def _vectors(self, parts: tuple[Form, ...]) -> list[lwt_bytes.Io_vector]:
        return [
            lwt_bytes.io_vector(buffer=self._array(a), offset=int(offset), length=int(length))
            for a, offset, length in parts
        ]

    def do_bytes_send_msg(self, p: int, d: int, *parts: Form) -> None:
        descriptor, vectors = self._descriptor(d), self._vectors(parts)

        def send() -> lwt.Promise[int]:
            return lwt_bytes.send_msg(socket=descriptor, io_vectors=vectors, fds=[])

        self._watch(p, str, self._attempt(descriptor, send))

    def do_bytes_recv_msg(self, p: int, d: int, *parts: Form) -> None:
        descriptor, vectors = self._descriptor(d), self._vectors(parts)

        def receive() -> lwt.Promise[tuple[int, list[int]]]:
            return lwt_bytes.recv_msg(socket=descriptor, io_vectors=vectors)

        def show(received: tuple[int, list[int]]) -> str:
            return f"{received[0]}, {len(received[1])} descriptors"

        self._watch(p, show, self._attempt(descriptor, receive))

    # Files

    def do_bytes_map_file(
        self, a: int, number: int, place: int, shared: int, size: int, flags: str
    ) -> None:
        fd = os.open(file(number), FLAGS[flags])
        try:
            array = lwt_bytes.map_file(fd=fd, pos=int(place), shared=shared == 1, size=int(size))
        finally:
            os.close(fd)
        self._keep_array(a, array)

    def do_bytes_madvise(self, a: int, offset: int, length: int, name: str) -> None:
        array = self._array(a)
        if not lwt_bytes.mapped(array):
            raise EmptySlot  # By chance, OCaml's memory begins with a page.
        lwt_bytes.madvise(array, int(offset), int(length), lwt_bytes.Advice[f"MADV_{name}"])
        self.event("advised")

    def do_bytes_wait_mincore(self, p: int, a: int, offset: int) -> None:
        self._watch(p, show_unit, lwt_bytes.wait_mincore(self._array(a), int(offset)))
