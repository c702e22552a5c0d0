"""The current engine, and the functions of the module that use it.

OCaml: src/unix/lwt_engine.ml
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, Never, final

from lwt._core.checks import given_by_position
from lwt_unix.lwt_engine._base import abstract, check_engine
from lwt_unix.lwt_engine._events import Event, Event_callback
from lwt_unix.lwt_engine._identifiers import Engine_id
from lwt_unix.lwt_engine._libev import libev

_current: abstract = libev()


@final
class _Turn:
    """Which turn this is: what is done at most so often in a turn is counted by it."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0


turn: Final = _Turn()

after_set: Final[list[Callable[[], object]]] = []
"""What files above this one want called when there is a new engine."""


def renew(engine: abstract | None) -> None:
    """Begin again, with an engine; if none is given, with one like the first, and the current one is destroyed."""
    turn.number = 0
    set(engine or libev(), transfer=False, destroy=engine is None)


# --- The current engine ------------------------------------------------------


def get() -> abstract:
    """Return the current engine.

    OCaml: Lwt_engine.get : unit -> t
    """
    return _current


def set(engine: abstract, /, *_wrong: Never, transfer: bool = True, destroy: bool = True) -> None:
    """Make an engine the current one.

    Setting the current engine again does nothing.

    Args:
        engine: the new one.
        transfer: whether to move all events to it. Timers start again from the beginning.
        destroy: whether to destroy the current engine, and with it its events that
            were not moved.

    Raises:
        ValueError: `engine` cannot watch one of the descriptors; nothing was changed.

    OCaml: Lwt_engine.set : ?transfer:bool -> ?destroy:bool -> #t -> unit
    """
    if _wrong:
        raise given_by_position(set, _wrong)
    global _current
    check_engine("lwt_engine.set", engine)
    if engine is _current:
        return
    if transfer:
        _current.transfer(engine)
    if destroy:
        _current.destroy()
    _current = engine
    for function in after_set:
        function()


# --- The functions of the current engine -------------------------------------


def id() -> Engine_id:
    """Return what identifies the current engine.

    OCaml: Lwt_engine.id : unit -> engine_id
    """
    return _current.id


def iter(block: bool, /) -> None:
    """Perform one turn of the current engine.

    Args:
        block: whether to wait until something is ready.

    Raises:
        BaseException: the callback's. The callbacks that were left out are called in
            the next turn, if their descriptors are still ready.

    OCaml: Lwt_engine.iter : bool -> unit
    """
    turn.number += 1
    _current.iter(block)


def on_readable(fd: int, callback: Event_callback, /) -> Event:
    """Call a function with the event each time a descriptor is readable.

    Args:
        fd: the number of the descriptor. When it turns out to be closed, it
            counts as ready, so that the callback finds out.
        callback: takes the event.

    Raises:
        ValueError: `fd` is negative, or too large for the engine.

    OCaml: Lwt_engine.on_readable : Unix.file_descr -> (event -> unit) -> event
    """
    return _current.on_readable(fd, callback)


def on_writable(fd: int, callback: Event_callback, /) -> Event:
    """Call a function with the event each time a descriptor is writable.

    Args:
        fd: the number of the descriptor. When it turns out to be closed, it
            counts as ready, so that the callback finds out.
        callback: takes the event.

    Raises:
        ValueError: `fd` is negative, or too large for the engine.

    OCaml: Lwt_engine.on_writable : Unix.file_descr -> (event -> unit) -> event
    """
    return _current.on_writable(fd, callback)


def on_timer(delay: float, repeat: bool, callback: Event_callback, /) -> Event:
    """Call a function with the event after a delay, once or again and again.

    A timer that is not repeated is not stopped by firing: stop it in the callback.

    Args:
        delay: seconds; 0 and less mean the next turn, infinity means never.
        repeat: whether to call the function every `delay` seconds, counted from
            when it was called last.
        callback: takes the event.

    Raises:
        ValueError: `delay` is NaN.

    OCaml: Lwt_engine.on_timer : float -> bool -> (event -> unit) -> event
    """
    return _current.on_timer(delay, repeat, callback)


def fake_io(fd: int, /) -> None:
    """Call the callbacks of a descriptor, as if it were readable and writable.

    OCaml: Lwt_engine.fake_io : Unix.file_descr -> unit
    """
    _current.fake_io(fd)


def readable_count() -> int:
    """Return the number of events that wait for a descriptor to become readable.

    OCaml: Lwt_engine.readable_count : unit -> int
    """
    return _current.readable_count


def writable_count() -> int:
    """Return the number of events that wait for a descriptor to become writable.

    OCaml: Lwt_engine.writable_count : unit -> int
    """
    return _current.writable_count


def timer_count() -> int:
    """Return the number of timers that are not stopped, including those that fired.

    OCaml: Lwt_engine.timer_count : unit -> int
    """
    return _current.timer_count


def fork() -> None:
    """Make the current engine usable in a child process, right after a fork.

    For `libev`, `epoll`, `kqueue` and `poll`, `os.fork` does this by itself.

    OCaml: Lwt_engine.fork : unit -> unit
    """
    _current.fork()


def forwards_signal(signum: int, /) -> bool:
    """Say whether the current engine itself reports this signal to `lwt_unix`.

    OCaml: Lwt_engine.forwards_signal : int -> bool
    """
    return _current.forwards_signal(signum)


def _part_from_parent() -> None:
    """Keep a child process from using the kernel's object of its parent.

    libev looks for a new process identifier at each turn; Python tells us.
    """
    if isinstance(_current, libev):
        _current.fork()


os.register_at_fork(after_in_child=_part_from_parent)
