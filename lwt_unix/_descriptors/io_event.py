"""What an operation waits for: data to read, or room to write.

OCaml: type io_event of lwt_unix.mli.
"""

import enum
from enum import Enum
from typing import Final, TypeAlias

from lwt._core.publish import constants


@constants
class Io_event(Enum):
    """What to wait for: data to read, or room to write.

    OCaml: type Lwt_unix.io_event
    """

    Read = enum.auto()
    Write = enum.auto()


Read: Final = Io_event.Read
Write: Final = Io_event.Write


class _Later(Enum):
    """The type of `Later` (an enum, so that checkers can tell it from the others)."""

    Later = enum.auto()


Later: Final = _Later.Later
"""Time to wait for: what an action needs is not reported by the system. Not for users."""

Awaited: TypeAlias = Io_event | _Later
"""What an action waits for."""
