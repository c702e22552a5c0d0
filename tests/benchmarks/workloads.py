"""What is measured: the workloads, and the peers that do the same work.

A workload is a function of the same name in the files of `peers/` (`echo-sockets` is
`echo_sockets`). A peer that has no such function does not take part.
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
    sizes: tuple[int, ...]
    """Connections, bodies, or promises at once."""
    base: str = "asyncio"
    """The peer whose figure is 1."""


WORKLOADS = (
    Workload("echo-sockets", "echo of 64 bytes, sockets", "echo", Unit.REQUESTS, (1, 100, 1000)),
    Workload("echo-lines", "echo of lines, channels", "echo", Unit.REQUESTS, (1, 100, 1000)),
    Workload("http", "HTTP keep-alive, wrk", "http", Unit.REQUESTS, (100,)),
    Workload(
        "connect",
        "connect, 64 bytes, close",
        "connect",
        Unit.REQUESTS,
        (1, 50),
        base="asyncio-protocol",
    ),
    Workload("echo-large", "echo of 64 KiB, channels", "echo_large", Unit.REQUESTS, (1,)),
    Workload("send-large", "1 GiB sent, channels", "send_large", Unit.MEGABYTES, (1,)),
    Workload("idle", "an idle connection", "idle", Unit.BYTES, (10_000,)),
)
