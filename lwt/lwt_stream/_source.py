"""The queue that the elements of a stream wait in.

It is made of cells, one for each element, each leading to the next. A source adds cells at the
end. A stream points to the first cell that it has not consumed; all clones of a stream share the
source. So a clone keeps alive the elements that it has still to read, and no others.

- The last cell is empty: the next element will be put into it.
- At the end of the stream, a cell with `None` stands before the last one.

OCaml: src/core/lwt_stream.ml, the types node and source, enqueue.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from typing import Any, Final, final

from lwt._core.creation import wait, wakeup
from lwt._core.promise import Promise
from lwt._core.values import Some


class Bare(Enum):
    """The type of `BARE` (an enum, so that checkers can tell it apart)."""

    BARE = "an element that is in no option yet"


BARE: Final = Bare.BARE


@final
class Cell:
    """A place in the queue. OCaml's last one points to itself; here that would be a circle."""

    __slots__ = ("data", "next", "value")

    data: Some[Any] | Bare | None
    """The option that `get` gives, or `BARE` if that is still to be made: many readers need
    the element alone. None at the end of the stream, and in the last cell.

    Whoever makes a cell sets it. With an `__init__`, making a cell would take twice as long
    (`timeit`)."""

    value: Any
    """The element; not set where `data` is None."""

    next: Cell
    """The place after it; not set in the last cell."""


def option_of(cell: Cell) -> Some[Any] | None:
    """Give what is in a cell as an option; None at the end of the stream."""
    data = cell.data
    return Some(cell.value) if data is BARE else data


class Source(ABC):
    """Where elements come from: the end of the queue, and its closing."""

    __slots__ = ("close", "closed", "last")

    def __init__(self) -> None:
        self.last = Cell()
        self.last.data = None
        self.closed, self.close = wait()

    @abstractmethod
    def feed(self) -> Promise[Any] | None:
        """Ask for one more cell. None if that came at once, else the promise to wait for."""

    def enqueue(self, data: Some[Any] | None) -> None:
        """Add what an option holds to the queue, or the end."""
        cell = self.last
        cell.data = data
        if data is not None:
            cell.value = data.value
        cell.next = self.last = last = Cell()
        last.data = None

    def enqueue_bare(self, value: Any) -> None:
        """Add an element to the queue that is in no option."""
        cell = self.last
        cell.data = BARE
        cell.value = value
        cell.next = self.last = last = Cell()
        last.data = None

    def enqueue_and_close(self, data: Some[Any] | None) -> None:
        """Add what an option holds to the queue; at the end, resolve `closed`."""
        self.enqueue(data)
        if data is None:
            wakeup(self.close, None)
