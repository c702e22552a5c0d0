"""What a program leaves behind: what was there before is compared with what is there after.

`nothing_left` does both around some code. It raises `Something_left`, whose message names each thing that
is left and where it was made (`noting`).

Something is *left* if the main loop does not get rid of it, though it has the time to: a server learns only
in the next turn that its client has gone. So at the end the main loop turns for as long as something
goes on; it does not wait for timers, nor for anything that comes from outside.

What the library keeps for itself is never left: the pipe that wakes the main loop, threads that wait for
a job.
"""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

import lwt
from lwt import lwt_sequence
from lwt._core.checks import wrong_type
from lwt._core.pause import paused
from lwt._core.promise import PENDING, Promise, Rejection
from lwt_unix import _system as system
from lwt_unix import _time, lwt_engine, lwt_main
from lwt_unix._jobs import jobs, notifications, threads
from lwt_unix._jobs.wakeup import WakeupPipe
from lwt_unix._processes import children, signals
from lwt_unix.lwt_engine._events import Descriptor_event, Timer_event
from lwt_unix.lwt_preemptive import _workers
from lwt_unix.testing import _simulate
from lwt_unix.testing._leaks.noting import Places, near, noting, places_of_waiting, told
from lwt_unix.testing._waiting.graph import WAITS_FOR, Node
from lwt_unix.testing._waiting.waiting import waiting
from lwt_unix.testing._world.world import PID, World

_WITHOUT_TIME: Final = frozenset({"rejections", "timers", "signals"})
"""Kinds that no turn of the main loop is made for."""

MOST_TURNS: Final = 30
"""How often the main loop turns at the end, at most."""

PATIENCE: Final = 1.0
"""Seconds for a job, a thread or a child that is about to end."""

_ELSEWHERE: Final = frozenset({"jobs", "threads", "children"})

PATIENCE_OF_WORLDS: Final = 10.0
"""Seconds of a simulated world, for what is on its way through the network, too."""


class Something_left(AssertionError):
    """Something is left that should not be; the message names it, and where it was made."""


# --- What there is -----------------------------------------------------------


class Descriptor(NamedTuple):
    """A number, and what tells its file from another one that may get the number later."""

    fd: int
    identity: object


class Interest(NamedTuple):
    """Somebody waits for a descriptor. The event may be another one each time."""

    fd: int
    to_read: bool


Belongings: TypeAlias = dict[str, dict[Any, None]]
"""What the process has at some moment: by kind, all but what has reached the hook; the oldest first."""


def belongings() -> Belongings:
    """Return what the process has now, without what the library keeps for itself."""
    own = _own_descriptors()
    engine = lwt_engine.get()
    found: dict[str, Iterable[Any]] = {
        "rejections": noting.unseen(),
        "descriptors": open_descriptors(own),
        "timers": engine._timers,
        "events": [
            Interest(event.fd, event.registry is engine._readables)
            for event in (*engine._readables, *engine._writables)
            if event.fd not in own
        ],
        "jobs": [*jobs._jobs, *_workers.at_work],
        "children": sorted(child_processes()),
        "threads": [thread for thread in threading.enumerate() if thread.name not in _POOLS],
        "signals": _signal_handlers(),
        "paused": [
            promise
            for promise in paused.promises
            if isinstance(promise, Promise) and promise._state == PENDING and promise._callbacks
        ],
    }
    return {kind: dict.fromkeys(things) for kind, things in found.items()}


_POOLS: Final = frozenset({threads.NAME, _workers.NAME})
"""The names of threads that stay, and wait for a job."""


def open_descriptors(besides: Collection[int] = ()) -> list[Descriptor]:
    """Return the descriptors that are open, besides some. In a simulated world, they are that world's."""
    world, found = _world(), list[Descriptor]()
    # Reading the directory opens one more; it is closed when we look again.
    real = Path("/dev/fd").iterdir() if world is None else ()
    for fd in sorted(world.table if world else (int(path.name) for path in real)):
        identity = system.identity_of(fd)
        if identity is not None and fd not in besides:
            found.append(Descriptor(fd, identity))
    return found


def _world() -> World | None:
    """Return the simulated world in which the program runs, if it does."""
    return None if _simulate._current is None else _simulate._current.world


def _own_descriptors() -> set[int]:
    """Return the numbers of what the library has open for itself."""
    own: set[int] = set()
    for pipe in (notifications._pipe, signals._pipe):
        if isinstance(pipe, WakeupPipe):
            own |= {pipe._reading, pipe._writing}
    pidfds = children._waits._pidfds
    if pidfds is not None:
        own |= {*pidfds.waits, *_of_poller(pidfds._poller)}
    return own | _of_poller(getattr(lwt_engine.get(), "_poller", None))


def _of_poller(poller: object) -> set[int]:
    """Return what a poller has open: the kernel's object, and what it is marked with."""
    own: set[int] = set()
    kernel_s = getattr(poller, "_epoll", None) or getattr(poller, "_kqueue", None)
    if kernel_s is not None and not kernel_s.closed:
        own.add(kernel_s.fileno())
    mark = getattr(poller, "_mark", None)
    if mark is not None:
        own.add(mark._fd)
    return own


def child_processes() -> set[int]:
    """Return the child processes that live, or have died and were not waited for; only Linux tells.

    In a simulated world, they are those of that world.
    """
    found: set[int] = set()
    if _simulate._current is not None:
        return _simulate._current.signals.processes.keys() - {PID}
    tasks = Path("/proc/self/task")
    with suppress(FileNotFoundError):  # There is no /proc.
        for task in tasks.iterdir():
            with suppress(FileNotFoundError):  # The thread has ended just now.
                found.update(map(int, (task / "children").read_text().split()))
    return found


def _signal_handlers() -> list[signals.Signal_handler_id]:
    found: list[signals.Signal_handler_id] = []
    for handled in signals._signals.values():
        lwt_sequence.iter_l(found.append, handled.handlers)
    return [handler for handler in found if handler is not children._waits.handler]


# --- What is left ------------------------------------------------------------


class Watch:
    """Looks for what is left, from its beginning to its end."""

    def __init__(self, *, nothing_pending: bool = False) -> None:
        self._reported: list[tuple[Exception, Places]] = []
        """What has reached `lwt.async_exception_hook`, and where it comes from."""

        self._hook = lwt.async_exception_hook.contents
        lwt.async_exception_hook.contents = self._report
        noting.begin()
        self._before = belongings()
        self._pending = Counter(_pending()) if nothing_pending else None
        """Who waits, if that is asked for."""

    def _report(self, exception: Exception, /) -> None:
        """Be the hook."""
        self._reported.append((exception, noting.places_of(exception)))

    @contextmanager
    def accepting(self) -> Generator[None, None, None]:
        """Count what is made meanwhile as something that was there before."""
        already = belongings()
        try:
            yield
        finally:
            for kind, things in new_since(already, belongings()).items():
                self._before[kind].update(things)

    def check(self, may_leave: Collection[str] = ()) -> None:
        """Raise an exception if something is left, after what goes on has had time to end.

        Raises:
            Something_left: so it is.
        """
        __tracebackhide__ = True
        self._let_end(may_leave)
        new: dict[str, Iterable[Any]] = {"hook": self._reported}
        new |= new_since(self._before, belongings())
        if self._pending is not None:
            new["pending"] = [*(Counter(_pending()) - self._pending).elements()]
        left = [kind for kind in _TELL if kind not in may_leave and new.get(kind)]
        if left:
            texts = [text for kind in left for text in map(_TELL[kind], new[kind])]
            message = "\n".join([f"left behind: {', '.join(left)}", *texts])
            _stop({kind: new[kind] for kind in left})
            raise Something_left(message) from self._reported[0][0] if "hook" in left else None

    def told_of_reported(self) -> str:
        """Tell of what has reached `lwt.async_exception_hook`."""
        return "\n".join(map(_tell_of_reported, self._reported))

    def _let_end(self, may_leave: Collection[str]) -> None:
        """Let the main loop turn for as long as something may end by that."""
        if lwt_main._running.locked():
            return  # Somebody watches inside of it.
        is_simulated = _world() is not None
        patience, step = (PATIENCE_OF_WORLDS, 0.1) if is_simulated else (PATIENCE, 0.001)
        limit = lwt_engine.get().now() + patience
        turns = 0
        while left := (kinds := self._kinds_left()) - _WITHOUT_TIME.union(may_leave):
            turns += 1
            if turns <= MOST_TURNS:
                lwt_main.run(lwt.pause())
            elif is_simulated and "children" in kinds.difference(may_leave):
                return  # What a child has is among this: time would only go on until it has ended.
            elif (is_simulated or left & _ELSEWHERE) and lwt_engine.get().now() < limit:
                lwt_main.run(_time.sleep(step))
            else:
                return

    def _kinds_left(self) -> set[str]:
        return {kind for kind, things in new_since(self._before, belongings()).items() if things}

    def end(self) -> None:
        """Put things back as they were."""
        noting.end()
        lwt.async_exception_hook.contents = self._hook


def _events_of(interest: Interest) -> list[Descriptor_event]:
    engine = lwt_engine.get()
    registry = engine._readables if interest.to_read else engine._writables
    return [event for event in registry if event.fd == interest.fd]


def _stop(left: Mapping[str, Iterable[Any]]) -> None:
    """Stop what is left and can be stopped: it must not go on in the tests that follow."""
    numbers = {descriptor.fd for descriptor in left.get("descriptors", ())}
    for interest in left.get("events", ()):
        # What was there before may be used again, and does not know that its event was stopped.
        for event in _events_of(interest) if interest.fd in numbers else ():
            event.stop()
    for timer in left.get("timers", ()):
        timer.stop()
    for handler in left.get("signals", ()):
        signals.disable_signal_handler(handler)
    promises = {*left.get("paused", ())}
    paused.promises[:] = [promise for promise in paused.promises if promise not in promises]


def new_since(before: Belongings, now: Belongings) -> Belongings:
    """Return what is there now and was not before."""
    return {
        kind: {thing: None for thing in things if thing not in before[kind]}
        for kind, things in now.items()
    }


@contextmanager
def nothing_left(
    *, may_leave: Collection[str] = (), nothing_pending: bool = False
) -> Generator[None, None, None]:
    """Check that the code of a `with` block leaves nothing behind.

    These are left, if they were not there before, and the main loop does not get rid of them when it
    turns a few times more:

    - `rejections`: nobody has seen the exception that a promise was rejected with. It is enough that
      somebody looks at that promise, or at one that has the rejection from it: by `await`,
      `lwt.catch` and the like, `lwt.on_failure`, `lwt.state`, `lwt_main.run`, or by `lwt.join`, `both` or
      `all`, which wait for others, too. `lwt.Canceled` needs to be seen by nobody.
    - `hook`: an exception has reached `lwt.async_exception_hook`, unless the block sets one of its own.
    - `descriptors` that are open, whoever has opened them; `timers`; `events` of descriptors.
    - `jobs` that are not over, `threads` that run, `children` that were not waited for.
    - `signals`: handlers of `on_signal`.
    - `paused`: somebody waits for a `lwt.pause`, and does so again in each turn.

    Timers and handlers that are left are stopped, and events of descriptors that are left, so that they do
    not disturb what follows.

    If the block raises an exception, nothing is checked; a note tells what has reached the hook, which may be the
    reason. In a block that runs inside the main loop, what
    goes on gets no time to end.

    >>> import lwt_unix
    >>> from lwt_unix import lwt_main, testing
    >>> with testing.nothing_left():
    ...     near, far = lwt_unix.pipe()
    ...     lwt_main.run(lwt_unix.close(near))
    ...     lwt_main.run(lwt_unix.close(far))

    Args:
        may_leave: which of these are not checked.
        nothing_pending: whether nobody may still wait for a promise, either: see `testing.waiting`. To find
            out takes a tenth of a second or more, twice.

    Raises:
        Something_left: something is left. The message names it, and where it was made.
        ValueError: a word of `may_leave` is none of these.
    """
    __tracebackhide__ = True  # pytest shows the lines of the caller.
    check_kinds("testing.nothing_left", may_leave)
    watch = Watch(nothing_pending=nothing_pending)
    try:
        with _reported_is_told(watch):
            yield
        watch.check(may_leave)
    finally:
        watch.end()


@contextmanager
def _reported_is_told(watch: Watch) -> Generator[None, None, None]:
    """Have an exception of the block tell what has reached the hook before."""
    __tracebackhide__ = True
    try:
        yield
    except Exception as exception:
        told = watch.told_of_reported()
        if told:
            exception.add_note(told)
        raise


def check_kinds(function: str, may_leave: Collection[str]) -> None:
    """Raise an exception unless these are kinds of what may be left."""
    if isinstance(may_leave, str):
        raise wrong_type(function, "a list of words", may_leave, f"pass [{may_leave!r}]")
    for kind in may_leave:
        if kind not in _TELL:
            raise ValueError(
                f"{function}: may_leave has {kind!r}; the words are {', '.join(_TELL)}"
            )


# --- What is told of it ------------------------------------------------------


def _text(what: str, places: Places) -> str:
    return "\n".join([f"- {what}", *(f"    {line}" for line in told(places))])


def _tell_of_reported(reported: tuple[Exception, Places]) -> str:
    exception, places = reported
    return _text(f"an exception has reached lwt.async_exception_hook: {exception!r}", places)


def _tell_of_rejection(rejection: Rejection) -> str:
    places = noting.rejections.get(rejection, ())
    return _text(f"nobody has seen this rejection: {rejection.exception!r}", places)


def _tell_of_descriptor(descriptor: Descriptor) -> str:
    what = f"descriptor {descriptor.fd} is open ({kind_of(descriptor.fd)})"
    identity, call, places = noting.descriptors.get(descriptor.fd, (None, "", ()))
    if identity != descriptor.identity:
        return _text(f"{what}; others than lwt_unix have opened it", ())
    return _text(f"{what}; it comes from `{call}`", places)


def kind_of(fd: int) -> str:
    """Tell what stands behind a number: a path, `pipe`, `socket`, …; `file` where the system does not say."""
    world = _world()
    if world is not None:
        return world.name_of(fd)
    try:
        return str(Path(f"/proc/self/fd/{fd}").readlink()).split(":[")[0]
    except OSError:
        return "file"


def _tell_of_timer(timer: Timer_event) -> str:
    often = "each time after" if timer.repeat else "of"
    return _text(f"a timer {often} {timer.delay:g} s is not stopped", noting.events.get(timer, ()))


def _tell_of_event(interest: Interest) -> str:
    what = "can be read" if interest.to_read else "can be written"
    places = [noting.events.get(event, ()) for event in _events_of(interest)]
    return _text(f"somebody waits until descriptor {interest.fd} {what}", places[-1])


def _tell_of_job(job: threads.Call) -> str:
    name = getattr(job, "name", None)
    return _text(f"a job is not over{(name and f' ({name})') or ''}", noting.tasks.get(job, ()))


def _tell_of_child(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        command = " ".join(word.decode(errors="replace") for word in words)
    except OSError:
        command = ""
    what = f"nobody has waited for child process {pid}{command and f' ({command})'}"
    return _text(what, noting.children.get(pid, ()))


def _tell_of_thread(thread: threading.Thread) -> str:
    return _text(f"thread {thread.name!r} runs", noting.threads.get(thread, ()))


def _tell_of_handler(handler: signals.Signal_handler_id) -> str:
    name = signal.Signals(handler._signum).name
    return _text(f"a handler of {name} is not disabled", noting.handlers.get(handler, ()))


def _tell_of_paused(promise: Promise[Any]) -> str:
    return _text("somebody goes on in the next turn (lwt.pause)", places_of_waiting(promise))


def _pending() -> list[str]:
    """Return a text for each who waits."""
    edges = [edge for edge in waiting().edges if edge.verb == WAITS_FOR]
    return [
        "\n".join(
            [
                f"- {_named(edge.source)} waits for {_named(edge.target)}",
                *(
                    f"    at {near(place.file)}:{place.line}, in {place.function}"
                    for place in reversed(edge.source.places)
                ),
            ]
        )
        for edge in edges
    ]


def _named(node: Node) -> str:
    # Without the number: it may be another one the next time.
    return f"{node.kind} ({node.name})" if node.name else f"a {node.kind}"


_TELL: Final[Mapping[str, Callable[[Any], str]]] = MappingProxyType(
    {
        "rejections": _tell_of_rejection,
        "hook": _tell_of_reported,
        "descriptors": _tell_of_descriptor,
        "timers": _tell_of_timer,
        "events": _tell_of_event,
        "jobs": _tell_of_job,
        "children": _tell_of_child,
        "threads": _tell_of_thread,
        "signals": _tell_of_handler,
        "paused": _tell_of_paused,
        "pending": str,
    }
)
"""The kinds of what may be left, in the order of the message, and how each is told of."""
