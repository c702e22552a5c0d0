"""Engines: what waits for descriptors and clocks, and calls back.

The main loop uses one engine, the current one, and performs one turn of it after the
other. Programs seldom need this module: `lwt_unix` puts promises on top of it. It is
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
  use. `epoll`, `kqueue`, `poll` and `select` are classes of engines; `libev` takes the
  system call as an argument. To write one, derive from `abstract`, or from
  `select_based` or `poll_based`.
- Before a descriptor is closed, stop its events. A library that also calls `adopt`
  and `forget` of the engine, as `lwt_unix` does, saves a system call each time an
  event is stopped and registered again.

Nothing here may be called from a signal handler or from another thread. An argument of
a wrong type is a `TypeError`, raised at the call before anything has changed.

docs/explanation/engine.md has the reasons. This module imports no part of `lwt_unix`
that is built on it.

OCaml: Lwt_engine (src/unix/lwt_engine.ml)
"""

from lwt._core.publish import publish as _publish
from lwt_unix.lwt_engine._base import abstract
from lwt_unix.lwt_engine._current import (
    fake_io,
    fork,
    forwards_signal,
    get,
    id,
    iter,
    on_readable,
    on_timer,
    on_writable,
    readable_count,
    set,
    timer_count,
    writable_count,
)
from lwt_unix.lwt_engine._events import Event, fake_event, stop_event
from lwt_unix.lwt_engine._identifiers import (
    Engine_id,
    Engine_id__poll,
    Engine_id__select,
)
from lwt_unix.lwt_engine._libev import (
    Engine_id__libev,
    Ev_backend,
    Versioned,
    epoll,
    kqueue,
    libev,
    poll,
)
from lwt_unix.lwt_engine._select import poll_based, select, select_based

event = Event
engine_id = Engine_id
t = abstract

__all__ = [
    # Events
    "Event",
    "event",
    "stop_event",
    "fake_event",
    "on_readable",
    "on_writable",
    "on_timer",
    # The current engine
    "get",
    "set",
    "iter",
    "readable_count",
    "writable_count",
    "timer_count",
    "fake_io",
    "fork",
    "forwards_signal",
    "id",
    # Engines
    "libev",
    "Ev_backend",
    "select",
    "epoll",
    "kqueue",
    "poll",
    # What identifies them
    "Engine_id",
    "engine_id",
    "Engine_id__libev",
    "Engine_id__select",
    "Engine_id__poll",
    # To write one
    "abstract",
    "t",
    "select_based",
    "poll_based",
    # Old names
    "Versioned",
]

_publish(__name__)
