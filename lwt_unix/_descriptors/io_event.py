"""What an operation waits for: data to read, or room to write.

OCaml: type io_event of lwt_unix.mli.
"""

import enum
from enum import Enum

from lwt._core.publish import constants


@constants
class Io_event(Enum):
    """What to wait for: data to read, or room to write.

    OCaml: type Lwt_unix.io_event
    """

    Read = enum.auto()
    Write = enum.auto()


Read = Io_event.Read
Write = Io_event.Write
