"""Which descriptor has nothing more to read just now, so that reading it need not be tried.

A server reads a request, answers it, and reads again. If the first read got less than it asked for,
there is nothing more: so the second one waits, and is not tried in vain. (The kernel may say "not now"
at any time.) But of what a program does to itself, through a socket pair for example, it is told as
soon as in OCaml. So a descriptor counts as emptied only

- if it is a stream socket. A short read of a datagram says nothing about the next one.
- in the callbacks of a read that had to wait. Later something may have come.
- as long as they have made no call on another descriptor, which may be its peer.
- if the program has closed or shut down nothing in this turn and in the one before. That may have been
  the peer, and there is an end of file behind the data.

What the program does past the library, say by `os.write` to the peer, is seen a turn later.

OCaml tries each read.
"""

from __future__ import annotations

from typing import Final, final

from lwt_unix.lwt_engine._current import turn


@final
class _Emptied:
    """The descriptor that was emptied last, if it still counts as that."""

    __slots__ = ("descriptor", "last_end")

    descriptor: object
    """None if there is no such descriptor. Whoever calls the system sets it to None, unless this is the
    descriptor that is called."""

    last_end: int
    """The last turn in which the program closed or shut down something."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Begin again: no descriptor is known to be empty."""
        self.descriptor = None
        self.last_end = 0

    def note(self, descriptor: object) -> None:
        """Note that a read of a stream socket, which had to wait, got less than it asked for."""
        if self.last_end < turn.number - 1:
            self.descriptor = descriptor

    def note_end(self) -> None:
        """Note that something is closed, or shut down."""
        self.descriptor = None
        self.last_end = turn.number


emptied: Final = _Emptied()
renew = emptied.renew
