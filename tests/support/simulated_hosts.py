"""What programs on simulated hosts do to each other in tests."""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable

import lwt
import lwt_unix
from lwt_unix import File_descr
from lwt_unix.testing import Host

PORT = 9000


async def listening(host: Host) -> File_descr:
    """A socket that listens on a host."""

    async def listen() -> File_descr:
        listener = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
        await lwt_unix.bind(listener, ("0.0.0.0", PORT))
        lwt_unix.listen(listener, 5)
        return listener

    return await host.run(listen)


def write(descriptor: File_descr, data: bytes = b"hello") -> lwt.Promise[int]:
    return lwt_unix.write(descriptor, data, 0, len(data))


@lwt.promised
async def read(descriptor: File_descr, size: int = 10) -> bytes:
    buffer = bytearray(size)
    return bytes(buffer[: await lwt_unix.read(descriptor, buffer, 0, size)])


async def outcome(operation: Callable[[], Awaitable[object]]) -> object:
    """What an operation gives, or the name of its error."""
    try:
        return await operation()
    except OSError as exn:
        return errno.errorcode[exn.errno or 0]
