"""Descriptors that go with messages: as in the real world."""

from __future__ import annotations

import os

import lwt
import lwt_unix
from lwt_unix import File_descr, IO_vectors, testing
from lwt_unix import _system as system
from tests.support.worlds import in_both_worlds


def vectors_of(part: bytes | bytearray) -> IO_vectors.t:
    vectors = IO_vectors.create()
    IO_vectors.append_bytes(vectors, part, 0, len(part))
    return vectors


def send(socket: File_descr, data: bytes, *descriptors: File_descr) -> lwt.Promise[int]:
    fds = [lwt_unix.unix_file_descr(descriptor) for descriptor in descriptors]
    return lwt_unix.send_msg(socket=socket, io_vectors=vectors_of(data), fds=fds)


async def receive(socket: File_descr, size: int = 10) -> tuple[bytes, list[File_descr]]:
    buffer = bytearray(size)
    count, fds = await lwt_unix.recv_msg(socket=socket, io_vectors=vectors_of(buffer))
    return bytes(buffer[:count]), [lwt_unix.of_unix_file_descr(fd) for fd in fds]


async def read(descriptor: File_descr, size: int = 10) -> bytes:
    buffer = bytearray(size)
    return bytes(buffer[: await lwt_unix.read(descriptor, buffer, 0, size)])


async def close(*descriptors: File_descr) -> None:
    for descriptor in descriptors:
        await lwt_unix.close(descriptor)


def pair(type: lwt_unix.Socket_type = lwt_unix.SOCK_STREAM) -> tuple[File_descr, File_descr]:
    return lwt_unix.socketpair(lwt_unix.PF_UNIX, type, 0)


def test_who_receives_a_descriptor_has_the_same_file_though_the_sender_has_closed_it() -> None:
    async def main() -> list[object]:
        told: list[object] = []
        for type in (lwt_unix.SOCK_STREAM, lwt_unix.SOCK_DGRAM):
            near, far = pair(type)
            reading, writing = lwt_unix.pipe()
            await send(near, b"take this", writing)
            await close(writing)
            data, [received] = await receive(far)
            told += [data, await lwt_unix.write(received, b"hello", 0, 5), await read(reading)]
            await close(received)
            told.append(await read(reading))
            await close(near, far, reading)
        return told

    assert in_both_worlds(main) == [b"take this", 5, b"hello", b""] * 2


def test_a_read_ends_where_the_message_ends_that_has_descriptors() -> None:
    async def main() -> list[object]:
        near, far = pair()
        reading, writing = lwt_unix.pipe()
        await lwt_unix.write(near, b"one", 0, 3)
        await send(near, b"two", reading)
        await send(near, b"three", writing)
        await lwt_unix.write(near, b"four", 0, 4)
        told: list[object] = []
        for size in (2, 20, 2, 20):
            data, descriptors = await receive(far, size)
            told.append((data, len(descriptors)))
            await close(*descriptors)
        await close(near, far, reading, writing)
        return told

    assert in_both_worlds(main) == [(b"on", 0), (b"etwo", 1), (b"th", 1), (b"reefour", 0)]


def test_descriptors_that_nobody_takes_are_closed() -> None:
    async def main() -> list[bytes]:
        told = []
        for way in ("read", "recv", "close"):
            for type in (lwt_unix.SOCK_STREAM, lwt_unix.SOCK_DGRAM):
                near, far = pair(type)
                reading, writing = lwt_unix.pipe()
                await send(near, b"take this", writing)
                await close(writing)
                if way == "read":
                    await read(far)
                elif way == "recv":
                    await lwt_unix.recv(far, bytearray(5), 0, 5, [])
                else:
                    await close(far)
                    far = near
                told.append(await read(reading))
                await close(reading, *{near, far})
        return told

    assert in_both_worlds(main) == [b""] * 6


def test_fewer_descriptors_come_than_were_sent_if_there_is_no_room_for_more() -> None:
    async def main() -> tuple[int, int]:
        near, far = pair()
        reading, writing = lwt_unix.pipe()
        await send(near, b"x", reading, writing, reading)
        host = testing.network().localhost
        host.limits.descriptors = len(host.fds) + 2
        _, descriptors = await receive(far)
        return len(descriptors), len(host.fds)

    assert testing.simulate(main) == (2, 6)


def test_the_other_end_of_a_socket_in_the_unix_domain_is_known() -> None:
    async def main() -> list[bool]:
        near, far = pair()
        reading, writing = system.pipe()
        user = system.fstat(reading).st_uid
        told = []
        for end in (near, far):
            credentials = lwt_unix.get_credentials(end)
            told.append((credentials.cred_pid, credentials.cred_uid) == (os.getpid(), user))
        system.close(reading)
        system.close(writing)
        await close(near, far)
        return told

    assert in_both_worlds(main) == [True, True]
