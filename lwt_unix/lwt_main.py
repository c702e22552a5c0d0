"""The main loop: it turns the engine until a promise is resolved.

A program makes a promise of all that it wants to do, and gives it to `run`. Each turn of
the loop

1. looks whether the promise is resolved, and ends with its value or its exception;
2. calls the hooks of `Enter_iter_hooks`;
3. performs one turn of the engine, which waits for descriptors and timers unless
   a promise is paused;
4. fulfils the promises that were paused until now (`lwt.pause`), each once;
5. calls the hooks of `Leave_iter_hooks`.

Callbacks run in steps 3 and 4. An exception that leaves them (KeyboardInterrupt,
SystemExit, or what a hook or an engine's callback raised) leaves `run`. Then `run` can be
called again: what was ready and was not dealt with is still ready.

When the process ends, the hooks of `Exit_hooks` run, in a loop of their own.

OCaml: Lwt_main (src/unix/lwt_main.ml)
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, Generic, Never, NoReturn, TypeAlias, TypeVar, overload

import lwt
from lwt import lwt_sequence
from lwt._core.checks import check_callback, check_kind, given_by_position, wrong_type
from lwt._core.identity import refuse_copy
from lwt._core.pause import paused
from lwt._core.promise import PENDING
from lwt._core.resolution import resolution, resume
from lwt_unix import _asyncgens, _ending, _time, lwt_engine
from lwt_unix._checks import promise_of
from lwt_unix._ending import exit_patience
from lwt_unix._jobs import notifications
from lwt_unix._processes import interrupts, parting
from lwt_unix.lwt_engine._base import main_loop

__all__ = [
    # Running
    "run",
    # Hooks
    "Hooks",
    "Enter_iter_hooks",
    "Leave_iter_hooks",
    "Exit_hooks",
    "at_exit",
    # The end of the process
    "exit_patience",
    # Old names
    "yield_",
    "abandon_yielded_and_paused",
]

T = TypeVar("T")
R = TypeVar("R")

Exit_hook: TypeAlias = Callable[[], "lwt.Promise[Any] | Coroutine[Any, Any, Any]"]

# --- Hooks -------------------------------------------------------------------


class Hooks(Generic[R]):
    """A sequence of hooks, to be called at a certain point of the program.

    OCaml: module type Lwt_main.Hooks
    """

    hook: TypeAlias = lwt_sequence.Node[Callable[[], Any]]
    """A hook that was added.

    OCaml: type hook
    """

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self, name: str) -> None:
        self._name: Final = name
        self._hooks: Final[lwt_sequence.Sequence[Callable[[], R]]] = lwt_sequence.create()

    def add_first(self, function: Callable[[], R], /) -> lwt_sequence.Node[Callable[[], R]]:
        """Add a hook, to be called before those added already.

        OCaml: add_first : (unit -> unit kind) -> hook
        """
        check_callback(f"lwt_main.{self._name}.add_first", function, ())
        return lwt_sequence.add_l(function, self._hooks)

    def add_last(self, function: Callable[[], R], /) -> lwt_sequence.Node[Callable[[], R]]:
        """Add a hook, to be called after those added already.

        OCaml: add_last : (unit -> unit kind) -> hook
        """
        check_callback(f"lwt_main.{self._name}.add_last", function, ())
        return lwt_sequence.add_r(function, self._hooks)

    def remove(self, hook: lwt_sequence.Node[Callable[[], R]], /) -> None:
        """Remove a hook that `add_first` or `add_last` returned.

        OCaml: remove : hook -> unit
        """
        hint = "add_first and add_last return one"
        check_kind(f"lwt_main.{self._name}.remove", hook, lwt_sequence.Node, hint)
        lwt_sequence.remove(hook)

    def remove_all(self) -> None:
        """Remove all hooks.

        OCaml: remove_all : unit -> unit
        """
        lwt_sequence.iter_node_l(lwt_sequence.remove, self._hooks)

    def __repr__(self) -> str:
        return f"<lwt_main.{self._name}: {lwt_sequence.length(self._hooks)} hooks>"


Enter_iter_hooks: Final[Hooks[object]] = Hooks("Enter_iter_hooks")
"""Hooks that are called before each turn of the main loop.

OCaml: module Lwt_main.Enter_iter_hooks
"""

Leave_iter_hooks: Final[Hooks[object]] = Hooks("Leave_iter_hooks")
"""Hooks that are called after each turn of the main loop.

OCaml: module Lwt_main.Leave_iter_hooks
"""

Exit_hooks: Final[Hooks[lwt.Promise[Any] | Coroutine[Any, Any, Any]]] = Hooks("Exit_hooks")
"""Hooks that return promises, called when the process ends, one after the other.

An exception of a hook is reported as Python reports those that it cannot raise
(`sys.unraisablehook`), and the next hook is called; in OCaml it is ignored. A hook that raises
SystemExit gives the process its status. A hook may add hooks, which are called too.

OCaml: module Lwt_main.Exit_hooks
"""

# --- The loop ----------------------------------------------------------------


def _call(function: Callable[[], object]) -> None:
    function()


def _turn_until_resolved(promise: lwt.Promise[T]) -> T:
    poll, wakeup_paused = lwt.poll, lwt.wakeup_paused
    enter_hooks, leave_hooks = Enter_iter_hooks._hooks, Leave_iter_hooks._hooks
    engine_turn = lwt_engine.iter
    dropped, deferred = _asyncgens.dropped, resolution.deferred
    try:
        main_loop.awaited = promise
        main_loop.dropped, main_loop.deferred = dropped, deferred
        while True:
            # This is a hot path, and nearly always there is nothing to resume, and no hook: an empty
            # sequence is its own neighbour.
            if deferred or resolution.postponed:
                resume()
            if dropped:
                _asyncgens.close_dropped()
            if promise._state != PENDING:
                result = poll(promise)
                if result is not None:
                    return result.value
            if enter_hooks.next is not enter_hooks:
                lwt_sequence.iter_l(_call, enter_hooks)
            engine_turn(not (paused.promises or dropped or deferred))
            if paused.promises:
                wakeup_paused()
            if leave_hooks.next is not leave_hooks:
                lwt_sequence.iter_l(_call, leave_hooks)
    finally:
        main_loop.renew()


# Held while `run` runs. A lock rather than a boolean: two threads may try at once.
_running: Final = threading.Lock()

# The thread in which it runs.
_thread: Final[lwt.Ref[int | None]] = lwt.Ref(None)

# What left a call of `run` in a way that forbids another one.
_left_by: Final[lwt.Ref[str | None]] = lwt.Ref(None)


def _finished() -> None:
    """Allow `run` to be called again."""
    _left_by.contents = _thread.contents = None
    if _running.locked():
        _running.release()


def _renew() -> None:  # pyright: ignore[reportUnusedFunction]  # `_renewal` calls it.
    """Begin again: `run` does not run, and there are no hooks."""
    _finished()
    main_loop.renew()
    Enter_iter_hooks.remove_all()
    Leave_iter_hooks.remove_all()
    Exit_hooks.remove_all()


@overload
def run(
    promise: Coroutine[Any, Any, lwt.Promise[T]], /, *, cancel_on_signals: bool = False
) -> T: ...
@overload
def run(
    promise: lwt.Promise[T] | Coroutine[Any, Any, T], /, *, cancel_on_signals: bool = False
) -> T: ...
def run(
    promise: lwt.Promise[Any] | Coroutine[Any, Any, Any],
    /,
    *_wrong: Never,
    cancel_on_signals: bool = False,
) -> Any:
    """Run the main loop until a promise is resolved, and return its value.

    If the promise is resolved already, there is no turn. A coroutine is run by
    `lwt.of_coroutine`, up to its first pending promise before the first turn.

    `run` is for the top level of a program: callbacks, and the coroutine given to it,
    cannot call it again.

    A child process that is forked while `run` runs has nothing of what its parent waits for: only the
    body that forked goes on there, and it may call `run` for a main loop of its own.

    An async generator that was begun while `run` runs, and that is dropped before its end, is closed at
    the next turn: an `async for` that `break` leaves drops its generator. At the end `run` closes
    those that are left, and waits for what they await in `finally`: at most `exit_patience` seconds
    if the promise is not resolved. Their exceptions go to `lwt.async_exception_hook`.

    By default a Ctrl-C leaves at once, and what the program's bodies have in `finally` and
    `async with` is not run. With `cancel_on_signals`, a Ctrl-C or a SIGTERM cancels the promise
    (`lwt.cancel`), so that this is run first. If the promise then is rejected with
    `lwt.Canceled`, `run` raises KeyboardInterrupt for a Ctrl-C, and SystemExit(143) for a
    SIGTERM. Otherwise the promise has handled the cancel: `run` ends as always, with its value
    or its exception. If the promise does not end, a second signal leaves at once.

    Args:
        promise: a promise or a coroutine.
        cancel_on_signals: whether SIGINT and SIGTERM cancel the promise. One that is ignored when
            `run` is called stays so. At the end they have the effect again that they had before.
            Not in OCaml.

    Raises:
        Exception: what the promise is rejected with, with its traceback.
        BaseException: what left a callback. Then `run` can be called again, except
            after an exception that `lwt.Exception_filter` lets out (by default
            MemoryError and RecursionError), as in OCaml.
        lwt.Failure: `run` is running already; nothing was run.
        ValueError: `cancel_on_signals` outside of the main thread; nothing was run.

    OCaml: Lwt_main.run : 'a Lwt.t -> 'a
    """
    if _wrong:
        raise given_by_position(run, _wrong)
    if not isinstance(promise, lwt.Promise | Coroutine):
        raise wrong_type("lwt_main.run", "a promise or a coroutine", promise, _hint(promise))
    try:
        if cancel_on_signals:
            interrupts.check_main_thread("lwt_main.run")
        if not _running.acquire(blocking=False):
            raise _nested()
        notifications.open_wanted_way()
        _thread.contents = threading.get_ident()
    except Exception:
        if isinstance(promise, Coroutine):
            promise.close()  # It never ran, and does not complain about that.
        raise
    is_usable = True
    try:
        if not cancel_on_signals:
            return _run_to_the_end(promise)
        with interrupts.Cancelling() as cancelling:
            return _run_to_the_end(promise, cancelling)
    except Exception as exception:
        # After these, OCaml refuses further calls: they may have left anything half done.
        is_usable = lwt.Exception_filter.run(exception)
        if not is_usable:
            _left_by.contents = type(exception).__name__
        raise
    finally:
        if is_usable:
            _finished()


def _run_to_the_end(
    promise: lwt.Promise[T] | Coroutine[Any, Any, T],
    cancelling: interrupts.Cancelling | None = None,
) -> T:
    """Turn until the promise is resolved, and until the async generators that are left are closed."""
    forks, depth, nesting = parting.depth(), resolution.depth, resolution.nesting
    if forks:
        # In a child, functions of the parent's main loop may be below us. They are not ours.
        resolution.depth = resolution.nesting = 0
    told_before = _asyncgens.watch()
    is_urgent = True
    try:
        if isinstance(promise, Coroutine):
            promise = lwt.of_coroutine(promise)
        if cancelling is not None:
            cancelling.promise = promise
        value = _turn_until_resolved(promise)
        is_urgent = False
        return value
    except Exception:
        is_urgent = isinstance(promise, Coroutine) or lwt.is_sleeping(promise)
        raise
    finally:
        if parting.depth() != forks:
            parting.keep_waiting()
        try:
            if _asyncgens.any_left():
                _close_generators(is_urgent=is_urgent or _ending.has_begun())
        finally:
            _asyncgens.stop_watching(told_before)
            if forks:
                resolution.depth, resolution.nesting = depth, nesting


def _close_generators(*, is_urgent: bool) -> None:
    """Close the async generators that are left; if it is urgent, do not wait long for them."""
    while (closed := _asyncgens.close_all()) is not None:
        if not is_urgent:
            _turn_until_resolved(closed)
            continue
        patience = _time.sleep(exit_patience.contents)
        try:
            _turn_until_resolved(lwt.choose([closed, patience]))
        finally:
            lwt.cancel(patience)
            _asyncgens.forget_closing()


def _nested() -> lwt.Failure:
    if _left_by.contents is not None:
        hint = f"a {_left_by.contents} left an earlier call, which counts as running from then on"
    elif _thread.contents != threading.get_ident():
        hint = (
            "the main loop runs in another thread, and there is one in a process; a process of its own "
            "can have another"
        )
    else:
        hint = "await the promise, or return it from the callback, instead of running it"
    return lwt.Failure(f"Nested calls to Lwt_main.run are not allowed: {hint}")


def _hint(value: object) -> str:
    if callable(value):
        return f"call the function: lwt_main.run({getattr(value, '__name__', 'f')}())"
    return "lwt.return_(value) makes a promise of a value"


def _part_from_parent() -> None:
    """Let a child process have a main loop of its own, if its parent's is running."""
    if _running.locked() and _left_by.contents is None:
        parting.part_from_parent()
        if _thread.contents != threading.get_ident():
            resolution.renew()  # The thread that ran the parent's callbacks is not there.
        _finished()


os.register_at_fork(after_in_child=_part_from_parent)


# --- Old names ---------------------------------------------------------------


def yield_() -> lwt.Promise[None]:
    """Make a promise that is fulfilled in the next turn. Deprecated: use `lwt.pause`.

    OCaml: Lwt_main.yield : unit -> unit Lwt.t
    """
    return lwt.pause()


def abandon_yielded_and_paused() -> None:
    """Leave all paused promises pending forever. Deprecated: use `lwt.abandon_paused`.

    OCaml: Lwt_main.abandon_yielded_and_paused : unit -> unit
    """
    lwt.abandon_paused()


# --- The end of the process --------------------------------------------------


def at_exit(hook: Exit_hook, /) -> None:
    """Add a hook to be called when the process ends, before those added already.

    OCaml: Lwt_main.at_exit : (unit -> unit Lwt.t) -> unit
    """
    check_callback("lwt_main.at_exit", hook, ())
    Exit_hooks.add_first(hook)


@atexit.register
def _run_exit_hooks() -> None:
    """Call the hooks of `Exit_hooks`, each in the main loop, until there are none left."""
    _ending.begin()
    while True:
        match lwt_sequence.take_opt_l(Exit_hooks._hooks):
            case lwt.Some(hook):
                # Unlike in OCaml, a SystemExit has left all callbacks by now: no Lwt.abandon_wakeups.
                _finished()
                _run_exit_hook(hook)
            case _:
                return


async def _called(hook: Exit_hook) -> None:
    await promise_of("lwt_main.at_exit", hook)


def _run_exit_hook(hook: Exit_hook) -> None:
    try:
        run(_called(hook))
    except SystemExit as exit:
        _ending.end_with(exit)
    except BaseException as exception:
        _ending.report(hook, exception)
