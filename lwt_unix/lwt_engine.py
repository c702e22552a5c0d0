"""Engines: what waits for descriptors and clocks, and calls back.

The main loop stands on one engine, the current one, and performs a turn of it at a
time. Programs seldom need this module: `lwt_unix` puts promises on top of it. It is
for watching a descriptor that belongs to another library, for choosing the engine,
and for writing one.

The ideas, in reading order:

- `on_readable`, `on_writable` and `on_timer` register a callback, and return an
  `Event`, which `stop_event` takes back. Until then the callback is called each time
  the descriptor is ready; a timer without `repeat` is called once.
- `iter` is one turn. It first waits, if it is told to; then it calls the timers that
  are due, then what waits for readable descriptors, then what waits for writable
  ones. Exceptions of callbacks leave it, and what it did not get to is ready in the
  next turn.
- `get` and `set` are about the current engine, which the functions of this module
  use. `epoll`, `kqueue`, `poll`, `select` are engines, `libev` picks one; derive from
  `abstract`, or from `select_based` or `poll_based`, to write one.
- Before a descriptor is closed, stop its events. A library that also calls `adopt`
  and `forget` of the engine, as `lwt_unix` does, saves a system call each time an
  event is stopped and registered again.

Nothing here may be called from a signal handler or from another thread.

docs/explanation/engine.md has the reasons. This module imports nothing of `lwt_unix`
that stands on it.

OCaml: Lwt_engine (src/unix/lwt_engine.ml)
"""

from __future__ import annotations

import os
from typing import TypeAlias

from lwt._exceptions import Failure
from lwt_unix._engine_base import (
    Engine_id,
    Engine_id__poll,
    Engine_id__select,
    abstract,
    check_engine,
)
from lwt_unix._engine_events import Event, Event_callback, fake_event, stop_event
from lwt_unix._engine_libev import (
    Engine_id__libev,
    Ev_backend,
    Versioned,
    epoll,
    kqueue,
    libev,
    poll,
)
from lwt_unix._engine_select import poll_based, select, select_based

__all__ = [
    "Event",
    "stop_event",
    "fake_event",
    "iter",
    "on_readable",
    "on_writable",
    "on_timer",
    "readable_count",
    "writable_count",
    "timer_count",
    "fake_io",
    "fork",
    "forwards_signal",
    "Engine_id",
    "id",
    "abstract",
    "t",
    "Ev_backend",
    "Engine_id__libev",
    "libev",
    "Engine_id__select",
    "Engine_id__poll",
    "select",
    "epoll",
    "kqueue",
    "poll",
    "select_based",
    "poll_based",
    "get",
    "set",
    "Versioned",
]

t: TypeAlias = abstract


def _best() -> abstract:
    """Return the best engine of this system."""
    for make in (epoll, kqueue, poll):
        try:
            return make()
        except Failure:
            pass
    return select()


_current: abstract = _best()


# --- The current engine ------------------------------------------------------


def get() -> abstract:
    """Return the current engine.

    OCaml: Lwt_engine.get : unit -> t
    """
    return _current


def set(engine: abstract, /, *, transfer: bool = True, destroy: bool = True) -> None:
    """Make an engine the current one.

    Setting the current engine again does nothing.

    Args:
        engine: the new one.
        transfer: whether to move all events to it. Timers start afresh.
        destroy: whether to destroy the current engine, and with it its events that
            were not moved.

    Raises:
        TypeError: `engine` is not an engine.
        ValueError: `engine` cannot watch one of the descriptors; nothing was changed.

    OCaml: Lwt_engine.set : ?transfer:bool -> ?destroy:bool -> #t -> unit
    """
    global _current
    check_engine("set", engine)
    if engine is _current:
        return
    if transfer:
        _current.transfer(engine)
    if destroy:
        _current.destroy()
    _current = engine


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
            the next turn, if what they wait for is still so.

    OCaml: Lwt_engine.iter : bool -> unit
    """
    _current.iter(block)


def on_readable(fd: int, callback: Event_callback, /) -> Event:
    """Call a function with the event each time a descriptor is readable.

    Args:
        fd: the number of the descriptor. One that is closed is taken as ready as soon
            as that is noticed, so that the callback finds out.
        callback: takes the event.

    Raises:
        TypeError: `fd` is not a number, or `callback` not a function.
        ValueError: `fd` is negative, or too large for the engine.

    OCaml: Lwt_engine.on_readable : Unix.file_descr -> (event -> unit) -> event
    """
    return _current.on_readable(fd, callback)


def on_writable(fd: int, callback: Event_callback, /) -> Event:
    """Call a function with the event each time a descriptor is writable.

    Args:
        fd: the number of the descriptor. One that is closed is taken as ready as soon
            as that is noticed, so that the callback finds out.
        callback: takes the event.

    Raises:
        TypeError: `fd` is not a number, or `callback` not a function.
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
        TypeError: `delay` is not a number, or `callback` not a function.
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
    """Return the number of timers that are not stopped, those that fired among them.

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


def _renew_after_fork() -> None:
    """Keep a child process from using the kernel's object of its parent.

    libev looks for a new process identifier at each turn; Python tells us.
    """
    if isinstance(_current, libev):
        _current.fork()


os.register_at_fork(after_in_child=_renew_after_fork)
