"""What is measured: the workloads, and the peers that do the same work.

A workload is a function of the same name in the files of `peers/` (`echo-sockets` is
`echo_sockets`). A peer that has no such function does not take part. To add a workload, add its line
here, and its function to those peers that can do it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Unit(Enum):
    """What a figure means, and which of two is better."""

    REQUESTS = "requests/s"
    MEGABYTES = "MB/s"
    NANOSECONDS = "ns"
    BYTES = "bytes"
    MILLISECONDS = "ms"

    @property
    def more_is_better(self) -> bool:
        return self in (Unit.REQUESTS, Unit.MEGABYTES)


@dataclass(frozen=True)
class Peer:
    """A library, and how its file in `peers/` is run."""

    name: str
    file: str
    suffix: str = ""
    """What the names of its functions end with."""
    flags: tuple[str, ...] = ()
    """Options of the interpreter."""


PEERS = (
    Peer("ours", "ours.py"),
    Peer("asyncio", "asyncio.py"),
    Peer("asyncio-protocol", "asyncio.py", "_protocol"),
    Peer("uvloop", "uvloop.py"),
    Peer("uvloop-protocol", "uvloop.py", "_protocol"),
    Peer("trio", "trio.py"),
    Peer("curio", "curio.py", flags=("-O",)),
    Peer("twisted", "twisted.py"),
    Peer("gevent", "gevent.py"),
    Peer("ocaml", "ocaml.ml"),
    Peer("bare", "bare.py"),
)


@dataclass(frozen=True)
class Workload:
    """One line of work, in one or more sizes."""

    name: str
    title: str
    kind: str
    """How it is measured: a function of `runner.py`."""
    unit: Unit
    sizes: tuple[int, ...] = (1,)
    """Connections, or bodies or promises at once."""
    base: str = "asyncio"
    """The peer whose figure is 1."""
    function: str = ""
    """The function of the peers, if its name is another than that of the workload."""
    peers: tuple[str, ...] = ()
    """Those who take part, if not all do."""


SERVERS = (
    Workload("echo-sockets", "echo of 64 bytes, sockets", "echo", Unit.REQUESTS, (1, 100, 1000)),
    Workload("echo-lines", "echo of lines, channels", "echo", Unit.REQUESTS, (1, 100, 1000)),
    Workload("http", "HTTP keep-alive, wrk, 100 connections", "http", Unit.REQUESTS, (100,)),
    Workload(
        "connect",
        "connect, 64 bytes, close",
        "connect",
        Unit.REQUESTS,
        (1, 50),
        base="asyncio-protocol",
    ),
    Workload("echo-large", "echo of 64 KiB, channels", "echo_large", Unit.REQUESTS),
    Workload("send-large", "1 GiB sent, channels", "send_large", Unit.MEGABYTES),
    Workload("idle", "memory of an idle connection", "idle", Unit.BYTES, (10_000,)),
)

NS = Unit.NANOSECONDS
CORE = (
    Workload("resolved-bind", "bind of a resolved promise", "time", NS),
    Workload("pending-bind", "wait, bind, wakeup", "time", NS, (1, 1000)),
    Workload("body", "a body that awaits", "time", NS, (1, 1000)),
    Workload("pause", "pause", "time", NS, (1, 1000)),
    Workload("join", "join of 1,000, an element", "time", NS, (1000,)),
    Workload("all", "all of 1,000, an element", "time", NS, (1000,), function="all_"),
    Workload("pick", "pick of 1,000, an element", "time", NS, (1000,)),
    Workload("sleeps", "a sleep of 100,000", "time", NS, (100_000,)),
    Workload("mailbox", "mailbox, there and back", "time", NS),
    Workload("mutex", "mutex", "time", NS, (1, 10)),
    Workload("condition", "broadcast to 100, each", "time", NS, (100,)),
    Workload("pool", "pool of 2 for 10 bodies", "time", NS, (10,)),
    Workload("stream", "stream, an element", "time", NS, (1, 100)),
    Workload("stream-map", "stream, map and filter", "time", NS),
    Workload("list-iter-s", "iter_s of pauses", "time", NS),
    Workload("list-map-p", "map_p of pauses", "time", NS),
    Workload("turn", "a turn of the engine", "time", NS),
    Workload("socket-calls", "a write and a read that need not wait", "time", NS),
    Workload("memory-bind", "memory of a promise with a bind", "memory", Unit.BYTES, (10_000,)),
    Workload("memory-body", "memory of a suspended body", "memory", Unit.BYTES, (10_000,)),
)

FLOODED = ("ours", "asyncio", "uvloop")
MS = Unit.MILLISECONDS
STARVATION = (
    Workload("flood-sockets", "lines, to raw reads", "flood", MS, (64,), peers=FLOODED),
    Workload("flood-lines", "lines, to async for", "flood", MS, (64,), peers=FLOODED),
    Workload("flood-read-line", "lines, to read_line", "flood", MS, (64,), peers=FLOODED),
    Workload("flood-read", "lines, to read", "flood", MS, (64,), peers=FLOODED),
    Workload("flood-newlines", "newlines, to async for", "flood", MS, (1,), peers=FLOODED),
)

COMPARED = ("ours", "asyncio")
PROMISES = (10, 100, 1000, 10_000, 100_000, 1_000_000)
CONNECTIONS = (10, 100, 1000, 10_000)
GROWTH = (
    Workload(
        "growth-promises",
        "wait, bind, wakeup of so many",
        "time",
        NS,
        PROMISES,
        function="pending_bind",
        peers=COMPARED,
    ),
    Workload(
        "growth-callbacks",
        "so many callbacks on one promise",
        "time",
        NS,
        PROMISES,
        function="callbacks",
        peers=COMPARED,
    ),
    Workload(
        "growth-timers",
        "so many sleeps at once",
        "time",
        NS,
        PROMISES,
        function="sleeps",
        peers=COMPARED,
    ),
    Workload(
        "growth-sockets",
        "so many connections, 10 active, sockets",
        "echo_of_ten",
        NS,
        CONNECTIONS,
        function="echo_sockets",
        peers=COMPARED,
    ),
    Workload(
        "growth-channels",
        "so many connections, 10 active, channels",
        "echo_of_ten",
        NS,
        CONNECTIONS,
        function="echo_lines",
        peers=COMPARED,
    ),
)

WORKLOADS = SERVERS + CORE + STARVATION + GROWTH
