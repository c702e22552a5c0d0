"""Two sockets that are connected to each other, and scripts of what is done at either end."""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable

import lwt
import lwt_unix
from lwt_unix import File_descr

Ends = tuple[File_descr, File_descr]


async def on_the_internet() -> Ends:
    """A connection by TCP."""
    listener = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    await lwt_unix.bind(listener, ("127.0.0.1", 0))
    lwt_unix.listen(listener, 5)
    client = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_STREAM, 0)
    await lwt_unix.connect(client, lwt_unix.getsockname(listener))
    server, _ = await lwt_unix.accept(listener)
    await lwt_unix.close(listener)
    return client, server


async def in_the_unix_domain() -> Ends:
    """A pair of stream sockets."""
    return lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)


async def of_messages() -> Ends:
    """A pair of the kind SOCK_SEQPACKET."""
    return lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_SEQPACKET, 0)


async def of_datagrams() -> Ends:
    """A pair of the kind SOCK_DGRAM."""
    return lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_DGRAM, 0)


async def of_udp() -> Ends:
    """Two UDP sockets that are connected to each other."""
    one = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_DGRAM, 0)
    other = lwt_unix.socket(lwt_unix.PF_INET, lwt_unix.SOCK_DGRAM, 0)
    for end in (one, other):
        await lwt_unix.bind(end, ("127.0.0.1", 0))
    await lwt_unix.connect(one, lwt_unix.getsockname(other))
    await lwt_unix.connect(other, lwt_unix.getsockname(one))
    return one, other


SHUTDOWNS = {
    "shut sending": lwt_unix.SHUTDOWN_SEND,
    "shut receiving": lwt_unix.SHUTDOWN_RECEIVE,
    "shut all": lwt_unix.SHUTDOWN_ALL,
}


async def outcome(operation: Callable[[], Awaitable[object]]) -> object:
    """What an operation gives, or the name of its error."""
    try:
        return await operation()
    except OSError as exn:
        return errno.errorcode[exn.errno or 0]


async def told_by(connect: Callable[[], Awaitable[Ends]], script: str) -> list[object]:
    """What a script gives, step by step: `a write xyz, b read 2, b close`; a read does not wait."""
    a, b = await connect()
    ends, told = {"a": a, "b": b}, list[object]()
    for step in script.split(", "):
        name, _, words = step.partition(" ")
        end = ends[name]

        async def do(end: File_descr = end, words: str = words) -> object:
            if words in SHUTDOWNS:
                lwt_unix.shutdown(end, SHUTDOWNS[words])
                return None
            if words in {"close", "reset"}:
                if words == "reset":
                    lwt_unix.setsockopt_optint(end, lwt_unix.SO_LINGER, lwt.Some(0))
                await lwt_unix.close(end)
                return None
            if words == "name peer":
                return type(lwt_unix.getpeername(end)).__name__
            verb, _, rest = words.partition(" ")
            if verb == "write":
                return await lwt_unix.write(end, rest, 0, len(rest))
            assert verb == "read"
            if not lwt_unix.readable(end):
                return "waits"
            buffer = bytearray(int(rest or 100))
            count = await lwt_unix.read(end, buffer, 0, len(buffer))
            return bytes(buffer[:count])

        told.append(await outcome(do))
        await lwt_unix.sleep(0.002)  # What was sent comes.
    for end in (a, b):
        if lwt_unix.state(end) is lwt_unix.Opened:
            await lwt_unix.close(end)
    return told
