"""The pipe by which others wake the main loop: Python's handler of signals, other threads.

The engine watches one end. What is written into the other one, from anywhere, has `deliver` called in
the main loop.

A program that becomes a daemon closes all descriptors, and this pipe with them. Then the numbers
belong to others: so whoever uses the pipe looks whether it is still there. A child process gets a
pipe of its own, under the same numbers.

It is a pipe and not a socket pair. On Linux a pipe holds 65,536 bytes that were not looked at
yet, before one is lost; a socket pair holds some three hundred.

OCaml: section "Notifications" of lwt_unix_stubs.c.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

from lwt_unix import _system as system
from lwt_unix import lwt_engine
from lwt_unix._errors import call_named

MOST_KEPT: Final = 65_536
"""How many bytes a pipe of Linux holds that nobody has looked at."""


class WakeupPipe(ABC):
    """A pipe that the engine watches."""

    __slots__ = ("_event", "_identity", "_reading", "_writing")

    def __init__(self) -> None:
        self._open()

    @abstractmethod
    def deliver(self, event: lwt_engine.Event) -> None:
        """Do what was written for; the main loop calls this."""

    def _open(self) -> None:
        """Open a pipe, and have the engine watch it."""
        reading, writing = _non_blocking_pipe()
        try:
            # The engine first: it may refuse, and nobody must write to a closed number.
            event = lwt_engine.on_readable(reading, self.deliver)
        except BaseException:
            system.close(reading)
            system.close(writing)
            raise
        self._event, self._reading, self._writing = event, reading, writing
        self._identity = system.identity_of(reading)

    def is_there(self) -> bool:
        """Say whether both numbers still stand for what was opened here."""
        return self._owns(self._writing) and self._owns(self._reading)

    def _owns(self, fd: int) -> bool:
        return system.identity_of(fd) == self._identity

    def replace_if_gone(self) -> bool:
        """If somebody has closed the pipe, open another one; return whether that was so."""
        if self.is_there():
            return False
        event, reading, writing = self._event, self._reading, self._writing
        ours = [fd for fd in (reading, writing) if self._owns(fd)]
        self._open()
        lwt_engine.stop_event(event)
        for fd in ours:
            system.close(fd)
        return True

    def watch_anew(self) -> None:
        """Have the current engine watch: it may be another one now, and know nothing of the pipe."""
        event = self._event
        self._event = lwt_engine.on_readable(self._reading, self.deliver)
        lwt_engine.stop_event(event)

    def write(self, data: bytes) -> None:
        """Write into the pipe, if there is room. Any thread may, and any signal handler."""
        try:
            system.write(self._writing, data)
        except OSError:
            pass  # So much is waiting already, or somebody closes the pipe: who replaces it looks what was sent.

    def part_from_parent(self) -> bool:
        """Have a child process use a pipe of its own; return False if the pipe is not there.

        With a common pipe, parent and child could read each other's bytes.
        """
        if not self.is_there():
            return False
        reading, writing = _non_blocking_pipe()
        system.dup2(reading, self._reading, inheritable=False)
        system.dup2(writing, self._writing, inheritable=False)
        system.close(reading)
        system.close(writing)
        self._identity = system.identity_of(self._reading)
        return True

    def close(self) -> None:
        """Have the engine watch no more, and close what is still ours."""
        lwt_engine.stop_event(self._event)
        if self._owns(self._reading):
            lwt_engine.get().forget(self._reading)
            system.close(self._reading)
        if self._owns(self._writing):
            system.close(self._writing)


def _non_blocking_pipe() -> tuple[int, int]:
    with call_named("pipe"):
        reading, writing = system.wakeup_pipe()
    system.set_blocking(reading, False)
    system.set_blocking(writing, False)
    return reading, writing
