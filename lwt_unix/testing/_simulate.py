"""Running a program in a simulated world: `simulate` and `world`."""

from __future__ import annotations

import gc
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from types import CoroutineType
from typing import Any, NamedTuple, Never, TypeVar

import lwt
from lwt._core import choices as core_choices
from lwt._core import renewal as core_renewal
from lwt._core.checks import check_callback, check_kind, given_by_position
from lwt._core.driver import Suspended, to_promise
from lwt._core.pause import paused, paused_count
from lwt._core.resolution import Due
from lwt_unix import _renewal, lwt_engine, lwt_main
from lwt_unix import _system as system
from lwt_unix._jobs import jobs, notifications
from lwt_unix._processes import children, signals
from lwt_unix.testing._calls.calls import Calls, in_place_of_system
from lwt_unix.testing._calls.faults import Faults
from lwt_unix.testing._calls.files import File_calls
from lwt_unix.testing._calls.names import Name_calls
from lwt_unix.testing._network.hosts import Network
from lwt_unix.testing._outside import keep_inside
from lwt_unix.testing._processes.jobs import do_jobs_in
from lwt_unix.testing._processes.programs import Programs, Stand_in, check_programs
from lwt_unix.testing._processes.signals import Signals
from lwt_unix.testing._report import how_to_simulate, report
from lwt_unix.testing._sources import Choices, Replay_differs, context_of_example, lwt_choices
from lwt_unix.testing._waiting.heap import anything_frozen, drop_lost
from lwt_unix.testing._world.crash import bury, taken_from_promises
from lwt_unix.testing._world.engine import simulated
from lwt_unix.testing._world.world import World

T = TypeVar("T")


class _Parts(NamedTuple):
    """A simulated world, and what is in it."""

    world: World
    network: Network
    faults: Faults
    signals: Signals


_current: _Parts | None = None


def _now(function: str) -> _Parts:
    if _current is None:
        raise lwt.Failure(
            f"testing.{function}: this is the real world; testing.simulate makes another"
        )
    return _current


def world() -> World:
    """Return the simulated world in which the program runs.

    Raises:
        lwt.Failure: it runs in the real one.
    """
    return _now("world").world


def network() -> Network:
    """Return the network of the simulated world in which the program runs.

    Raises:
        lwt.Failure: it runs in the real one.
    """
    return _now("network").network


def faults() -> Faults:
    """Return the faults of the simulated world in which the program runs: calls that fail.

    Raises:
        lwt.Failure: it runs in the real one.
    """
    return _now("faults").faults


def send_signal(signum: int, /) -> None:
    """Send a signal to the program, as from outside. A choice may have it come later than at once.

    What it does is what it does to any program: handlers of `on_signal` are called in the main loop, and
    what nobody handles ends the program (`Killed`, or KeyboardInterrupt for SIGINT).

    Raises:
        lwt.Failure: the program runs in the real world.
        OSError: EINVAL, if there is no such signal.
    """
    parts = _now("send_signal")
    check_kind("testing.send_signal", signum, int, "such as signal.SIGTERM")
    parts.signals.send_to_program(signum)


def simulate(
    main: Callable[[], lwt.Promise[T] | Coroutine[Any, Any, T]],
    /,
    *_wrong: Never,
    choices: Choices | None = None,
    programs: Mapping[str, Stand_in] | None = None,
    cancel_on_signals: bool = False,
) -> T:
    """Run a program in a simulated world, and return its value.

    The library begins afresh, as in a new process, with a world of its own: a clock that begins at 0 and
    takes no real time, descriptors, a network, and on each host files in memory: at first /tmp, /home, and
    in /dev null, zero, full and urandom. When the program ends, all of that is gone. What would leave the
    world meanwhile is an error (`Not_simulated`): Python's clocks, `time.sleep`, sockets, threads, processes.
    Not noticed are Python's own `open`, locks and events of threads, `datetime` that a function itself imports, and a
    clock that is the default of an argument (`clock=time.time`).
    Bodies that still wait when the program ends run their `finally` blocks then, in no certain order.
    Random numbers begin with a seed that is one of the choices. Jobs are done in the main thread, so that none can
    wait for the main loop (`lwt_preemptive.run_in_main`). There are no locks on files yet, no `mkfifo`
    and no mapped files, and an address can be bound again at once, as if by SO_REUSEADDR.

    >>> from lwt_unix import sleep, testing
    >>> async def main():
    ...     await sleep(3600.0)
    ...     return testing.world().now
    >>> testing.simulate(main)
    3600.0

    Args:
        main: returns the promise, or the coroutine, that is given to `lwt_main.run`.
        choices: what decides where Lwt leaves something open: `lwt_choices()` by default.
        programs: what stands in for programs that `lwt_process` starts, by their names: functions that take a
            `Process`, and return the promise, or the coroutine, of its exit status. If one raises an exception, that
            reaches `lwt.async_exception_hook`, and the status is 1; but a BrokenPipeError ends it as SIGPIPE does, without a
            word. `shell` needs one for "sh".
        cancel_on_signals: see `lwt_main.run`.

    Raises:
        Exception: what the promise is rejected with; or what nobody waits for, unless the program has set
            `lwt.async_exception_hook`. If `choices` are given, a note says which were not Lwt's own, what happened, and
            how to replay it.
        Killed: a signal came that the program does not handle.
        Deadlock: nothing can happen any more, and the promise is pending.
        lwt.Failure: the main loop runs already, or something is going on in the real world; or the program runs in a
            simulated one.

    Not in OCaml.
    """
    if _wrong:
        raise given_by_position(simulate, _wrong)
    check_callback("testing.simulate", main, ())
    check_kind("testing.simulate", cancel_on_signals, bool)
    again = None if choices is None else partial(how_to_simulate, main)
    with in_world(choices=choices, programs=programs), failure_told(again):
        return run_main("testing.simulate", main, cancel_on_signals=cancel_on_signals)


def run_main(
    function: str,
    main: Callable[[], lwt.Promise[T] | Coroutine[Any, Any, T]],
    *,
    cancel_on_signals: bool = False,
) -> T:
    """Run a program of a world, as `lwt_main.run(main())` does in the real one."""
    awaited = main()
    if not isinstance(awaited, Coroutine):
        awaited = to_promise(function, main, awaited)
    return lwt_main.run(awaited, cancel_on_signals=cancel_on_signals)


class _Ended(SystemExit):
    """The end of a run that was caused by an exception that nobody waits for."""

    def __init__(self, exception: Exception) -> None:
        super().__init__(2)
        self.exception = exception


def _end_run(exception: Exception, /) -> None:
    """Be `lwt.async_exception_hook` at first: end the run, as the process ends in the real world."""
    raise _Ended(exception) from exception


@contextmanager
def failure_told(again: Callable[[str], str] | None) -> Generator[None]:
    """Add a report to an exception that leaves a world, unless Hypothesis goes on to make the failure smaller.

    `again` says how to replay the run, by the text that has its choices; None if nothing is to be told.
    """
    try:
        yield
    except Replay_differs:
        raise  # It has told all.
    except BaseException as raised:
        context = context_of_example()
        is_last = context is None or context.is_final or isinstance(raised, KeyboardInterrupt)
        if again is not None and is_last:
            here = world()
            text = here.choices.replay_text()
            failure = raised.exception if isinstance(raised, _Ended) else raised
            failure.add_note(report(here.choices, here, again(text)))
        raise


@contextmanager
def in_world(
    *_wrong: Never,
    choices: Choices | None = None,
    programs: Mapping[str, Stand_in] | None = None,
) -> Generator[World]:
    """Have a simulated world for a `with` block: for tests that run the main loop several times.

    The rest is as with `simulate`. The world is gone at the end of the block.

    Args:
        choices: what decides where Lwt leaves something open: `lwt_choices()` by default.
        programs: what stands in for programs: see `simulate`.

    Raises:
        lwt.Failure: the main loop runs, or something is going on in the real world; or the program runs in a
            simulated one.

    Not in OCaml.
    """
    global _current
    if _wrong:
        raise given_by_position(in_world, _wrong)
    if choices is None:
        choices = lwt_choices()
    check_kind("testing.simulate", choices, Choices, "testing.seeded(0) makes some")
    stand_ins = check_programs("testing.simulate", {} if programs is None else programs)
    if _current is not None:
        raise lwt.Failure(
            "testing.simulate: the program runs in a simulated world already; end that run first"
        )
    real_engine = lwt_engine.get()
    _check_at_rest(real_engine)
    was_frozen = _has_frozen()  # That stays, and nothing is added to it.
    others: list[CoroutineType[Any, Any, Any]] = []
    if was_frozen:
        drop_lost()  # A deadlock report tells of bodies that were lost in the run.
        others = _bodies()
    else:
        gc.freeze()
    choices.begin()
    new = World(choices)
    hosts = Network(new)
    signals_here = Signals(new)
    calls = in_place_of_system(
        Calls(new, hosts),
        File_calls(new, hosts),
        Name_calls(hosts),
        signals_here,
        Programs(new, hosts, signals_here, stand_ins),
    )
    calls["pidfd_open"] = None  # So it is on other systems: SIGCHLD tells.
    real = dict(system.__dict__)
    children.renew()  # Its handler goes. Those of the program stay, for the time after the run.
    real_handlers = signals._pipe, signals._signals
    signals._pipe, signals._signals = None, {}
    try:
        with keep_inside(choices, signals_here):
            try:
                _renew(simulated(new))
                do_jobs_in(new)
                _current = _Parts(new, hosts, Faults(new, hosts), signals_here)
                system.__dict__.update(calls)
                core_choices.set_source(choices if choices.varying else None, new.name_of)
                lwt.async_exception_hook.contents = _end_run
                with _as_replayed(choices), _failing_by_itself():
                    yield new
            finally:
                try:
                    core_choices.set_source(None)
                    _close_bodies(new, calls, others)
                finally:  # Also if somebody interrupts that.
                    try:
                        if lwt_engine.get() is not real_engine:
                            lwt_engine.get().destroy()
                        _renew(real_engine)
                    finally:
                        system.__dict__.update(real)
                        signals._pipe, signals._signals = real_handlers
                        new.is_over = True
                        _current = None
    finally:
        # The world is a circle. Now it takes little to find: what was there before is still frozen.
        del new, hosts, calls, signals_here
        gc.collect()
        if not was_frozen:
            gc.unfreeze()


_program_freezes = False
"""Whether the program had frozen objects before some run."""


def _has_frozen() -> bool:
    """Tell whether the program has frozen objects.

    Python counts them one by one, which may take longer than the run. So once there are some, it is not asked
    again: if the program unfreezes them, a run finds the same, and only takes longer.
    """
    global _program_freezes
    _program_freezes = _program_freezes or anything_frozen()
    return _program_freezes


@contextmanager
def _failing_by_itself() -> Generator[None, None, None]:
    """Have a run that an exception has ended which nobody waits for fail with that exception."""
    try:
        yield
    except _Ended as ended:
        failure = ended.exception
    else:
        return
    raise failure


@contextmanager
def _as_replayed(choices: Choices) -> Generator[None, None, None]:
    """Have a run fail that is not the one that it replays, also if the program goes on, or fails by that."""
    try:
        yield
    except Exception as exception:
        if choices.difference is None or choices.difference is exception:
            raise
    else:
        if choices.difference is None:
            choices.end()
            return
    raise choices.difference


def _bodies() -> list[CoroutineType[Any, Any, Any]]:
    """Return all coroutines that the collector sees."""
    return [value for value in gc.get_objects() if isinstance(value, CoroutineType)]


def _close_bodies(
    world: World, calls: Mapping[str, object], others: list[CoroutineType[Any, Any, Any]]
) -> None:
    """Let the bodies that still wait end in their world, and first those of crashed hosts, outside of it.

    Otherwise they would end when nothing leads to them any more: in the real world, or in the next
    run, which must not depend on this one. But before that they are taken from the promises for which they wait: a
    `finally` that closes what its own body was reading from would go on with that body.
    What was there before the run is frozen: the collector does not look at it, so this takes no time. If the
    program has frozen something itself, `others` are those that were there before.
    """
    before = set(map(id, others))

    def waits_here(callback: object) -> bool:
        return isinstance(callback, Suspended) and id(callback._body) not in before

    left = [body for body in _bodies() if id(body) not in before]
    waiting = list(taken_from_promises(waits_here)) if left else []
    bury(world, calls)
    for body in left:
        with suppress(Exception):
            body.close()
    del left, waiting
    gc.collect()


def _renew(engine: lwt_engine.abstract) -> None:
    """Begin afresh, with an engine."""
    _renewal.renew(engine)
    core_renewal.renew()


def _check_at_rest(engine: lwt_engine.abstract) -> None:
    """Raise a Failure unless nothing goes on in the real world, which would be lost.

    The engine may watch that by which signals, threads and children wake it.
    """
    if lwt_main._running.locked():
        raise lwt.Failure(
            "testing.simulate: the main loop runs already, and a world has its own; call this from a function "
            "that is no async def"
        )
    if paused.promises and all(isinstance(one, Due) for one in paused.promises):
        lwt_main.run(lwt.pause())  # Flushes of channels: most have nothing to do.
    ours = notifications.is_open() + signals.is_open() + children.is_watching()
    counts = {
        "event": engine.readable_count + engine.writable_count - ours,
        "timer": engine.timer_count,
        "job": jobs.count(),
        "paused promise": paused_count(),
    }
    for what, count in counts.items():
        if count:
            s = "s" if count > 1 else ""
            raise lwt.Failure(
                f"testing.simulate: the real world is not at rest: there is {count} {what}{s}; end what goes on "
                "there first"
            )
