"""What a host of a simulated world has no more of."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lwt._core.checks import check_kind

BUFFER: Final = 212_992
"""How many bytes a socket of Linux holds, by default."""

_LEAST: Final = MappingProxyType({"send_buffer": 1, "receive_buffer": 1, "pipe": 4_096})
"""The least values that make sense; 0 for the others."""


@dataclass(slots=True, eq=False)
class Limits:
    """What a host has no more of: `testing.network().host("alice").limits`.

    Change them at any time. What is there by then stays as it is: a connection keeps its buffers.
    """

    descriptors: int = 1_048_576
    """How many descriptors may be open, beside the three standard ones. Then there is EMFILE."""

    send_buffer: int = BUFFER
    """How many bytes a socket takes that have not yet come to the other host. `SO_SNDBUF` sets that of one."""

    receive_buffer: int = BUFFER
    """How many bytes a socket holds that nobody has read yet. `SO_RCVBUF` sets that of one."""

    pipe: int = 65_536
    """How many bytes a pipe holds."""

    space: int = 1 << 40
    """How many bytes all files hold together. Then a write moves fewer bytes, and the next one is ENOSPC."""

    backlog: int = 4_096
    """How many connections wait for `accept` at most, whatever `listen` was told (`somaxconn`)."""

    syn_retries: int = 6
    """How often a client asks again whom it gets no answer from: after 1 s, 2 s, 4 s, and so on. With 6 it
    has given up after 127 s (`tcp_syn_retries`)."""

    retries: int = 15
    """How often bytes are sent again that are not acknowledged: after 0.2 s, 0.4 s, and so on, up to
    120 s. With 15 the connection is given up after 924.6 s (`tcp_retries2`)."""

    def __setattr__(self, name: str, value: object) -> None:
        check_kind(f"testing.Limits.{name}", value, int)
        assert isinstance(value, int)
        least = _LEAST.get(name, 0)
        if value < least:
            raise ValueError(f"testing.Limits.{name}: {value} is too small; {least} is the least")
        object.__setattr__(self, name, value)
