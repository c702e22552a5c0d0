"""Where things were made, while somebody wants to know: descriptors, events, jobs, rejections and so on.

Nothing here costs anything while nobody watches. `noting.begin` puts functions that take notes into the
places which the library leaves for that; `noting.end` puts back what was there:

- the names of `lwt_unix._system`, for descriptors and child processes;
- the class of the current engine, for timers and events;
- `Rejection` in `lwt._core.exceptions`, for rejections;
- `start` of the pools of threads and of Python's threads, and what adds handlers of signals.

Whoever has begun gets all notes, so those who watch may stand one inside another. Who begins in a
simulated world finds its calls in the place of those that take notes: these take notes then, too.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import CodeType, MappingProxyType, TracebackType
from typing import Any, Final, TypeAlias

from lwt._core import exceptions
from lwt._core.driver import Suspended
from lwt._core.promise import Callbacks, Promise, Rejection
from lwt._core.storage import current_storage
from lwt_unix import _system as system
from lwt_unix import lwt_engine
from lwt_unix._jobs import threads
from lwt_unix._processes import signals
from lwt_unix.lwt_engine import _current
from lwt_unix.testing._processes.programs import Process, process_in

Place: TypeAlias = tuple[CodeType, int]
"""A line of a program: the code of its function, and its number."""

Places: TypeAlias = tuple[Place, ...]
"""Where something was done, and from where that was called: the lines of the user's, the innermost first."""

MOST_PLACES: Final = 3

_OURS: Final = frozenset({"lwt", "lwt_unix", "contextlib", "threading", "subprocess"})
"""Packages that something is always made by."""

_OUTSIDE: Final = frozenset({"_pytest", "pluggy", "hypothesis", "unittest"})
"""Packages that run a test: what called them is not of interest."""

_of_job: Final = threading.local()
"""In a thread that does a job: where that was begun."""


def here() -> Places:
    """Return where the program is just now, leaving out what is no line of the user's."""
    found: list[Place] = []
    frame = sys._getframe(1)
    while frame is not None and len(found) < MOST_PLACES:
        package = _package(frame.f_globals)
        if package in _OUTSIDE:
            break
        if package not in _OURS:
            found.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back  # type: ignore[assignment]  # typeshed's is never None here
    return tuple(found) or getattr(_of_job, "places", ())


def raised_at(traceback: TracebackType | None) -> Places:
    """Return where an exception was raised, in the same way."""
    found: list[Place] = []
    while traceback is not None:
        frame = traceback.tb_frame
        if _package(frame.f_globals) not in _OURS | _OUTSIDE:
            found.append((frame.f_code, traceback.tb_lineno))
        traceback = traceback.tb_next
    return tuple(reversed(found[-MOST_PLACES:]))


def places_of_waiting(promise: Promise[Any]) -> Places:
    """Return where a body stands that waits for a promise, if one does."""
    callbacks = promise._callbacks
    newest = callbacks.oldest_first[-1] if isinstance(callbacks, Callbacks) else callbacks
    found: list[Place] = []
    waiting: object = newest._body if isinstance(newest, Suspended) else None
    while waiting is not None:
        frame = getattr(waiting, "cr_frame", None)
        if frame is not None and _package(frame.f_globals) not in _OURS:
            found.append((frame.f_code, frame.f_lineno))
        waiting = getattr(waiting, "cr_await", None)
    return tuple(reversed(found[-MOST_PLACES:]))


def _package(namespace: dict[str, Any]) -> str:
    return str(namespace.get("__name__")).partition(".")[0]


def told(places: Places) -> list[str]:
    """Return lines that tell of places."""
    return [
        f"{'at' if position == 0 else 'called from'} {near(code.co_filename)}:{line}, in {code.co_qualname}"
        for position, (code, line) in enumerate(places)
    ]


def near(path: str) -> str:
    """Return the path of a file, from the current directory if it is below that."""
    with suppress(ValueError, OSError):  # It is elsewhere, or there is no current directory.
        return str(Path(path).relative_to(Path.cwd()))
    return path


# --- What is known -----------------------------------------------------------


class Noting:
    """Takes notes of what is made, and where."""

    def __init__(self) -> None:
        self._levels: list[list[tuple[object, str, object]]] = []
        """Of each who has begun, what was replaced by that."""

        self._engine_classes: dict[type[Any], type[Any]] = {}

        self.descriptors: dict[int, tuple[object, str, Places]] = {}
        """By number: what tells the file from another one of that number, who has opened it, and where."""

        self.events: dict[lwt_engine.Event, Places] = {}
        self.tasks: dict[threads.Task, Places] = {}
        self.threads: dict[threading.Thread, Places] = {}
        self.children: dict[int, Places] = {}
        self.handlers: dict[signals.Signal_handler_id, Places] = {}
        self.rejections: dict[Rejection, Places] = {}
        """All but those by a cancel, and those in a simulated process that is over, such as by the closing of its
        channels; now and then, those that somebody has seen are forgotten."""

        self._processes: dict[Rejection, Process] = {}
        """In which simulated process a rejection was made. If that is killed, it sees none of them any more."""

        self._most_events = self._most_rejections = 0
        """When there are more, those that are over are forgotten: soon, since they keep what they lead to."""

    def begin(self) -> None:
        """Begin to take notes, where that has not been begun already."""
        self._levels.append([])
        if len(self._levels) == 1:
            _current.after_set.append(self._watch_engine)
        for name, numbers_of in _OPEN_DESCRIPTORS.items():
            call = getattr(system, name)
            self._replace(system, name, self._opening(name, call, numbers_of))
        self._replace(system, "fork", self._starting_child(system.fork, int))
        self._replace(system, "Popen", self._starting_child(system.Popen, _pid_of))
        self._replace(exceptions, "Rejection", self._rejection)
        pool = type(threads.pool)  # A simulated world has another one.
        self._replace(pool, "start", self._starting_task(pool.start))
        self._replace(threads.Call, "run", self._running_task(threads.Call.run))
        self._replace(threading.Thread, "start", self._starting_thread(threading.Thread.start))
        self._replace(signals, "_add_handler", self._adding_handler(signals._add_handler))
        self._watch_engine()

    def end(self) -> None:
        """Take notes no more, and forget them, unless somebody else has begun before."""
        for owner, name, before in reversed(self._levels.pop()):
            setattr(owner, name, before)
        if self._levels:
            return
        _current.after_set.remove(self._watch_engine)
        for notes in (
            self.descriptors,
            self.events,
            self.tasks,
            self.threads,
            self.children,
            self.handlers,
            self.rejections,
            self._processes,
        ):
            notes.clear()

    def _replace(self, owner: object, name: str, replacement: Any) -> None:
        before = getattr(owner, name)
        if getattr(before, "__module__", "") != __name__:  # It takes no notes yet.
            setattr(owner, name, replacement)
            self._levels[-1].append((owner, name, before))

    # --- What takes notes ----------------------------------------------------

    def _opening(
        self, name: str, call: Callable[..., Any], numbers_of: Callable[[Any], Iterable[int]]
    ) -> Callable[..., Any]:
        def opening(*arguments: Any, **keywords: Any) -> Any:
            result = call(*arguments, **keywords)
            places = here()
            for fd in numbers_of(result):
                self.descriptors[fd] = system.identity_of(fd), name, places
            return result

        return opening

    def _starting_child(
        self, start: Callable[..., Any], pid_of: Callable[[Any], int]
    ) -> Callable[..., Any]:
        def starting(*arguments: Any, **keywords: Any) -> Any:
            started = start(*arguments, **keywords)
            self.children[pid_of(started)] = here()
            return started

        return starting

    def _starting_task(self, start: Callable[..., bool]) -> Callable[..., bool]:
        def starting(pool: threads.Pool, task: threads.Task) -> bool:
            self.tasks[task] = here()
            return start(pool, task)

        return starting

    def _running_task(self, run: Callable[..., None]) -> Callable[..., None]:
        def running(task: threads.Call) -> None:
            _of_job.places = self.tasks.get(task, ())
            try:
                run(task)
            finally:
                del _of_job.places
                self.tasks.pop(task, None)

        return running

    def _starting_thread(self, start: Callable[..., None]) -> Callable[..., None]:
        def starting(thread: threading.Thread) -> None:
            for other in [other for other in self.threads if not other.is_alive()]:
                self.threads.pop(other, None)
            start(thread)
            self.threads[thread] = here()

        return starting

    def _adding_handler(
        self, add: Callable[..., signals.Signal_handler_id]
    ) -> Callable[..., signals.Signal_handler_id]:
        def adding(*arguments: Any) -> signals.Signal_handler_id:
            handler = add(*arguments)
            self.handlers[handler] = here()
            return handler

        return adding

    def _rejection(self, exception: Exception, traceback: TracebackType | None) -> Rejection:
        rejection = Rejection(exception, traceback)
        process = process_in(current_storage.contents)
        if process is not None and process._is_over:
            return rejection
        if not isinstance(exception, exceptions.Canceled):
            if len(self.rejections) > self._most_rejections:
                self._most_rejections = 2 * len(self.unseen())
            self.rejections[rejection] = raised_at(traceback) or here()
            if process is not None:
                self._processes[rejection] = process
        return rejection

    def unseen(self) -> dict[Rejection, Places]:
        """Return the rejections that nobody has seen so far, and should have, and forget the others."""
        for made in self.rejections.copy():  # A finaliser may make another one meanwhile.
            process = self._processes.get(made)
            if made.is_seen or (process is not None and process._was_killed):
                self.rejections.pop(made, None)
                self._processes.pop(made, None)
        return self.rejections

    def places_of(self, exception: Exception) -> Places:
        """Return where an exception was raised; or, if it never was, where a promise was rejected with it."""
        places = raised_at(exception.__traceback__)
        if not places:
            for rejection, made_at in self.rejections.copy().items():
                if rejection.exception is exception:
                    places = made_at
        return places

    def _watch_engine(self) -> None:
        """Have the current engine take notes: it gets a class that is like its own in all else."""
        engine = lwt_engine.get()
        usual = type(engine)
        if usual in self._engine_classes.values():
            return
        with suppress(
            TypeError
        ):  # It lets nobody do this: so nobody knows where its events are made.
            self._replace(engine, "__class__", self._noting_class(usual))

    def _noting_class(self, usual: type[Any]) -> type[Any]:
        """Return a class that derives from that of an engine, and notes the events that are registered."""

        def on_readable(engine: Any, fd: int, callback: Any, /) -> lwt_engine.Event:
            return self._note_event(usual.on_readable(engine, fd, callback))

        def on_writable(engine: Any, fd: int, callback: Any, /) -> lwt_engine.Event:
            return self._note_event(usual.on_writable(engine, fd, callback))

        def on_timer(engine: Any, delay: float, repeat: bool, callback: Any, /) -> lwt_engine.Event:
            return self._note_event(usual.on_timer(engine, delay, repeat, callback))

        if usual not in self._engine_classes:
            methods = {"on_readable": on_readable, "on_writable": on_writable, "on_timer": on_timer}
            names = {"__slots__": (), "__module__": usual.__module__, "__doc__": usual.__doc__}
            self._engine_classes[usual] = type(usual.__name__, (usual,), {**names, **methods})
        return self._engine_classes[usual]

    def _note_event(self, event: lwt_engine.Event) -> lwt_engine.Event:
        """Note where an event is made; return it."""
        if len(self.events) > self._most_events:
            for made in self.events.copy():
                if not made.is_active:
                    self.events.pop(made, None)
            self._most_events = 2 * len(self.events)
        self.events[event] = here()
        return event


noting: Final = Noting()

# --- What opens descriptors --------------------------------------------------


def _one(fd: int) -> Iterable[int]:
    return (fd,)


def _both(fds: tuple[int, int]) -> Iterable[int]:
    return fds


def _first(accepted: tuple[int, object]) -> Iterable[int]:
    return (accepted[0],)


def _pid_of(process: Any) -> int:
    return int(process.pid)


_OPEN_DESCRIPTORS: Final[Mapping[str, Callable[[Any], Iterable[int]]]] = MappingProxyType(
    {
        "open": _one,
        "pipe": _both,
        "dup": _one,
        "dup2": _one,
        "move_up": _one,
        "open_socket": _one,
        "open_socketpair": _both,
        "accept": _first,
    }
)
