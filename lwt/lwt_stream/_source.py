"""The queue that the elements of a stream wait in.

It is made of cells, one for each element, each leading to the next. A source adds cells at the
end. A stream points to the first cell that it has not consumed; all clones of a stream share the
source. So a clone keeps alive the elements that it has still to read, and no others.

- The last cell is empty: the next element will be put into it.
- At the end of the stream, a cell with `None` stands before the last one.

A new last cell is made before anything else is looked at. So an element comes into the queue without
an allocation on the way, where a finaliser might push or read (see the guide of `lwt/_core`).

OCaml: src/core/lwt_stream.ml, the types node and source, enqueue.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from typing import Any, Final, final

from lwt._core.compiling import mypyc_attr
from lwt._core.creation import wait, wakeup
from lwt._core.promise import Promise, Resolver
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


@mypyc_attr(allow_interpreted_subclasses=True)
class Source(ABC):
    """Where elements come from: the end of the queue, and its closing."""

    __slots__ = ("close", "closed", "end", "last")

    def __init__(self) -> None:
        self.last = Cell()
        self.last.data = None
        self.close: Resolver[None]
        self.closed, self.close = wait()
        self.end: Cell | None = None
        """The cell of the end, if the end is in the queue. (Sources that others push into leave it.)"""

    @abstractmethod
    def feed(self, cell: Cell) -> Promise[Any] | None:
        """Ask for what belongs into the last cell.

        None if there is something in the cell, else the promise to wait for. (A finaliser may have
        filled the cell since the caller looked.)
        """

    # What is asked for is added with `before`, which is what `end` was when it was asked for. If the
    # stream has been ended since then, by a function that was asked and has read this very stream,
    # it comes after the end, as in OCaml. If a finaliser has ended the stream before it was asked for,
    # or ends it while this is being added, it still comes before the end.

    def enqueue(self, option: Some[Any], before: Cell | None) -> None:
        """Add what an option holds to the queue."""
        was_ended = self.end is not before
        last = Cell()
        last.data = None
        cell = self.last if was_ended or self.end is None else self._before_the_end(last)
        cell.data = option
        cell.value = option.value
        if cell is self.last:
            cell.next = self.last = last

    def enqueue_bare(self, value: Any, before: Cell | None) -> None:
        """Add an element to the queue that is in no option."""
        was_ended = self.end is not before
        last = Cell()
        last.data = None
        cell = self.last if was_ended or self.end is None else self._before_the_end(last)
        cell.data = BARE
        cell.value = value
        if cell is self.last:
            cell.next = self.last = last

    def _before_the_end(self, end: Cell) -> Cell:
        """Let another cell be that of the end, and give the one that was it."""
        cell = self.end
        assert cell is not None
        end.next = cell.next
        cell.next = self.end = end
        return cell

    def enqueue_end(self, before: Cell | None) -> None:
        """Add the end to the queue, and resolve `closed`.

        Raises:
            ValueError: the stream was ended before by a function that was asked.
        """
        if self.end is before:
            return self.end_once()
        last = Cell()
        last.data = None
        self.last.next = self.last = last
        wakeup(self.close, None)
        return None

    def end_once(self) -> None:
        """Add the end to the queue, and resolve `closed`, unless that has been done."""
        last = Cell()
        last.data = None
        if self.end is None:
            self.end = cell = self.last
            cell.next = self.last = last
            wakeup(self.close, None)
