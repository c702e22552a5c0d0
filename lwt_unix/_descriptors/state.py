"""The states of a descriptor.

A descriptor is in one of three, and leaves `Opened` for good:

- `Opened`: usable.
- `Aborted(exn)`: every use fails with `exn`; only closing it is left.
- `Closed`: every use fails with EBADF. Its number may belong to another file already.

OCaml: section "File descriptor wrappers" of lwt_unix.ml.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Final, TypeAlias

from lwt._core.publish import constants


@constants
class _State(Enum):
    """The type of `Opened` and `Closed` (an enum, so that checkers can tell them apart)."""

    Opened = "Opened"
    Closed = "Closed"


Opened: Final = _State.Opened
"""The descriptor is usable.

OCaml: Lwt_unix.Opened
"""

Closed: Final = _State.Closed
"""The descriptor has been closed, and must not be used.

OCaml: Lwt_unix.Closed
"""


@dataclass(frozen=True, slots=True, eq=False)
class Aborted:
    """The descriptor has been aborted: it can only be closed; all else fails with `exn`.

    Two are equal if their exceptions have the same type and arguments, like two `lwt.Fail`.

    OCaml: Lwt_unix.Aborted of exn
    """

    exn: Exception

    traceback: TracebackType | None = field(init=False, repr=False)
    """The traceback that `exn` came with. Raising `exn` makes it longer: each time begins here."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "traceback", self.exn.__traceback__)

    def __reduce__(self) -> tuple[type[Aborted], tuple[Exception]]:
        return Aborted, (self.exn,)  # A traceback can be neither copied nor pickled.

    def __eq__(self, other: object) -> bool:
        if type(other) is not Aborted:
            return NotImplemented
        return type(self.exn) is type(other.exn) and self.exn.args == other.exn.args

    def __hash__(self) -> int:
        return hash((Aborted, type(self.exn), self.exn.args))


State: TypeAlias = _State | Aborted
"""What `state` returns: `Opened`, `Closed` or `Aborted(exn)`.

OCaml: type Lwt_unix.state = Opened | Aborted of exn | Closed
"""
