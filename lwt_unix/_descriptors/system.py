"""The system's calls on descriptors.

Some are methods of Python's socket object alone, which believes that it owns its number and closes
it when it is collected. Ours does not own it, so it is a `SocketObject`, which never closes
anything.
"""

from __future__ import annotations

import _socket
from typing import TYPE_CHECKING, NamedTuple


class SocketKind(NamedTuple):
    """What a socket was made as. Knowing it saves asking the system."""

    family: int
    type: int
    protocol: int


class SocketObject(_socket.socket):
    """A socket object on a number that is not its own."""

    __slots__ = ()

    def __del__(self) -> None:
        """Do not close the number, which is what the finalizer of the base class is for."""

    if TYPE_CHECKING:  # typeshed leaves it out

        def _accept(self) -> tuple[int, object]: ...
