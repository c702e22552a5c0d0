"""Descriptors that go with a message, in the Unix domain.

What is sent are descriptions. While one is on its way, it has a number that nobody can use (`ON_ITS_WAY`), so that it is
not closed when its sender closes it.
"""

from __future__ import annotations

import errno
import socket as python_socket
from array import array
from collections.abc import Sequence
from typing import Final, NamedTuple

from lwt_unix.testing._world.world import Description, Owner, World, os_error

ON_ITS_WAY: Final = -1

_MOST: Final = 253
"""How many Linux sends with one message."""

_RIGHTS: Final = getattr(python_socket, "SCM_RIGHTS", 1)


class Passing(NamedTuple):
    """Descriptions that go with a part of a flow of bytes."""

    begin: int
    end: int
    """Where that part is in what was not read yet."""

    descriptions: tuple[Description, ...]


def descriptions_in(world: World, ancillary: Sequence[object]) -> tuple[Description, ...]:
    """Return what is to be sent, as the `socket` module takes it.

    Raises:
        OSError: EBADF, if a number stands for nothing; EINVAL, if there are too many.
    """
    found: list[Description] = []
    for entry in ancillary:
        assert isinstance(entry, tuple)
        level, kind, data = entry
        if (level, kind) == (python_socket.SOL_SOCKET, _RIGHTS):
            found.extend(world.description(fd) for fd in array("i", bytes(data)))
    if len(found) > _MOST:
        raise os_error(errno.EINVAL)
    return tuple(found)


def send(descriptions: Sequence[Description]) -> None:
    """Let descriptions begin their way."""
    for description in descriptions:
        description.fds.append(ON_ITS_WAY)


def drop(descriptions: Sequence[Description]) -> None:
    """Let descriptions go that nobody gets."""
    for description in descriptions:
        description.fds.remove(ON_ITS_WAY)
        if not description.fds:
            description.close()


def receive(
    world: World, owner: Owner, descriptions: Sequence[Description], room: int
) -> tuple[list[object], int]:
    """Give numbers to descriptions that have come, as many as there is room for.

    Returns what comes with the message, and the flags that tell whether it is all, as the `socket`
    module has it.
    """
    numbers = array("i")
    most = max(0, room - python_socket.CMSG_LEN(0)) // numbers.itemsize
    for description in descriptions:
        if len(numbers) == most or len(owner.fds) >= owner.limits.descriptors:
            break
        numbers.append(world.number_of(description, owner))
    for fd in numbers:
        world.inheritable.add(fd)
    drop(descriptions)
    flags = python_socket.MSG_CTRUNC if len(numbers) < len(descriptions) else 0
    entry = (python_socket.SOL_SOCKET, _RIGHTS, numbers.tobytes())
    return ([entry] if numbers else []), flags
