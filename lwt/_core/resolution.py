"""The resolution loop: where the callbacks of resolved promises run.

Resolving a promise makes its callbacks run. These resolve more promises, whose
callbacks run next, before the remaining callbacks of the first: the order is the same
as if the calls were nested. `run_callbacks` keeps that order with a stack of its own,
not Python's. So a chain of a million promises takes no more of Python's stack than one.

Three things may delay callbacks:

1. `wakeup_later`, called by a callback, *defers* the callbacks of its promise
   to a queue. The outermost loop runs the queue, first in first out, when it has
   nothing else left.
2. User functions do nest: `bind` on a fulfilled promise calls its callback at
   once, the callback calls `bind`, and so on. OCaml makes tail calls there, Python
   does not. Beyond `MAXIMUM_NESTING` such calls one inside another, the next one is
   *postponed*: its caller gets a pending promise, and the call is made as soon as
   the stack has unwound to half of that depth, before the call at that depth returns.
3. An exception that leaves (KeyboardInterrupt, or one that the hook lets through)
   takes the stack with it. The callbacks that had not run yet go to the front of
   the queue of 1, for the next loop.

Everything here belongs to one thread, the one that runs the program's promises.

OCaml: src/core/lwt.ml, Resolution_loop. There is no postponing there; the depth of
42 which that file mentions is never reached through its interface.
"""

from __future__ import annotations

import sys
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar, Final, NamedTuple, ParamSpec, TypeVar, final

from lwt._core.checks import explain_call
from lwt._core.compiling import mypyc_attr
from lwt._core.exceptions import Canceled, note_context, rejection_of
from lwt._core.promise import (
    FULFILLED,
    PENDING,
    PROXY,
    REJECTED,
    Callback,
    Callbacks,
    Promise,
    Rejection,
    deferred,
    make_into_proxy,
    new_promise,
    settle,
    underlying,
)
from lwt._core.ref import Ref
from lwt._core.storage import Storage, current_storage, empty_storage

P = ParamSpec("P")
R = TypeVar("R")

MAXIMUM_NESTING: Final = 64
"""How many user functions may be called one inside another."""

RESUMING_NESTING: Final = MAXIMUM_NESTING // 2
"""How far the stack must have unwound before postponed calls are made."""


class PostponedCall(NamedTuple):
    """A call that had to wait for the stack to unwind."""

    promise: Promise[Any] | None
    """What its caller got instead of the result; None if there is no result."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    storage: Storage


@mypyc_attr(allow_interpreted_subclasses=True)
class Due(Callback):
    """What pauses like a promise, but needs one only if there is something to do at the next turn.

    The flush of a channel is such: in most cases somebody has flushed it by then.
    """

    __slots__ = ()

    _state: ClassVar[int] = PROXY
    """So it is found among promises without one more question about each."""

    def is_due(self) -> bool:
        """Tell whether to run, as the callback of a promise of `pause` that is fulfilled now."""
        raise NotImplementedError


@final
class Resolution:
    """The state of the resolution loop, all in one place."""

    __slots__ = ("deferred", "depth", "is_running_postponed", "nesting", "postponed")

    depth: int
    """How many promises run their callbacks, one inside another.

    `wakeup_later` defers when it is not zero. `abandon_wakeups` can make it negative."""

    deferred: deque[Promise[Any]]
    """Resolved promises whose callbacks wait for the outermost loop to finish. It is the one of
    `promise`, where `add_callback` defers what came too late."""

    nesting: int
    """How many user functions are being called, one inside another."""

    postponed: list[PostponedCall]
    """In the order in which the calls would have been made."""

    is_running_postponed: bool

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Begin again: nothing runs, and nothing waits to."""
        self.depth = 0
        self.deferred = deferred
        self.nesting = 0
        self.postponed = []
        self.is_running_postponed = False


resolution: Final = Resolution()


# --- Exceptions that nobody waits for ----------------------------------------


def _die(exception: Exception, /) -> None:
    """Print an exception with its traceback, and end the process with status 2."""
    raise fatal("Fatal error: exception\n" + "".join(traceback.format_exception(exception)))


def fatal(message: str) -> SystemExit:
    """Write a message to standard error, if that is possible; return what ends the process, with status 2."""
    try:
        sys.stderr.write(message)
        sys.stderr.flush()
    except Exception:
        # There is none, or it is closed or full: nobody can be told. Python must not try again when
        # it ends: the status would be 120.
        sys.stderr = None
    return SystemExit(2)


async_exception_hook: Final[Ref[Callable[[Exception], object]]] = Ref(_die)
"""What is called with an exception that no promise can carry to anyone.

At the start it prints the exception with its traceback to standard error and raises
SystemExit(2), which ends the process with status 2. Assign to `contents` to change it. A server
sets `lwt_unix.log_exception`, or a function of its own that returns.

OCaml: Lwt.async_exception_hook : (exn -> unit) ref
"""


def renew() -> None:
    """Begin again: nothing runs or waits to, and the hook is that of the start."""
    resolution.renew()
    async_exception_hook.contents = _die


def report(rejection: Rejection) -> None:
    """Hand an exception to `async_exception_hook`."""
    async_exception_hook.contents(rejection.with_own_traceback())


def call_or_report(
    name: str,
    callback: Callable[..., object],
    *arguments: object,
    handled: Exception | None = None,
) -> None:
    """Call a user function whose exceptions go to `async_exception_hook`.

    `name` is the function to which it was given, and `handled` the exception that it handles.
    """
    try:
        callback(*arguments)
        return
    except Exception as exception:
        argument = "value" if handled is None else "exception"
        explain_call(exception, name, callback, (argument,)[: len(arguments)])
        if handled is not None:
            note_context(exception, handled)
        rejection = rejection_of(exception)
    report(rejection)


# --- The loop ----------------------------------------------------------------


def run_callbacks(promise: Promise[Any], others: list[Promise[None] | Due] | None = None) -> None:
    """Run the callbacks of a promise that has just been resolved, and all that follows.

    Cancel callbacks come first, if it was cancelled; of each kind the newest comes
    first. A promise that a callback resolves has its own callbacks run before the
    next one. At the end the storage is what it was.

    Args:
        promise: a promise that is resolved.
        others: promises to fulfill after that with None, from the last to the first, as if each
            were given to this function then. Those that are done are taken out. Some may be left.
    """
    if promise._callbacks is None and promise._cancel_callbacks is None:
        return
    nesting = resolution.nesting
    if nesting >= MAXIMUM_NESTING:
        postpone_action(run_callbacks, promise)
        return
    outermost_storage = saved_storage = current_storage.contents
    outer_depth = resolution.depth
    interrupted: list[tuple[Promise[Any], Storage]] | None = None  # Few need the list.
    resolved: Promise[Any] | None
    resolution.depth = outer_depth + 1
    resolution.nesting = nesting + 1
    try:
        while True:
            if promise._cancel_callbacks is not None:
                _run_cancel_callbacks(promise)
            callback = promise._callbacks
            if callback is not None:
                if type(callback) is Callbacks:
                    several = callback.oldest_first
                    callback = several.pop()
                    if not several:
                        promise._callbacks = None
                else:
                    promise._callbacks = None
                resolved = callback.run(promise)
                if resolved is not None and (
                    resolved._callbacks is not None or resolved._cancel_callbacks is not None
                ):
                    if interrupted is None:
                        interrupted = []
                    interrupted.append((promise, saved_storage))
                    saved_storage = current_storage.contents
                    resolution.depth += 1
                    promise = resolved
                    continue
                if promise._callbacks is not None:
                    continue
            depth = resolution.depth
            if depth == 1 and resolution.deferred:
                promise = resolution.deferred.popleft()
                continue
            current_storage.contents = saved_storage
            if interrupted:
                resolution.depth = depth - 1
                promise, saved_storage = interrupted.pop()
                continue
            if not others or resolution.postponed:
                resolution.depth = depth - 1
                break
            other = others.pop()
            if other._state != PENDING:
                resolution.depth = depth - 1
                others.append(other)
                break
            promise = other  # type: ignore[assignment]  # `Due` says that it is a proxy.
            promise._state = FULFILLED
            promise._value = None
            outer_depth = depth - 1
    except BaseException:
        resolution.depth = outer_depth  # Also if `abandon_wakeups` left a level meanwhile.
        current_storage.contents = outermost_storage
        if interrupted is not None:
            resolution.deferred.extendleft(waiting for waiting, _ in interrupted)
        resolution.deferred.appendleft(promise)
        raise
    finally:
        resolution.nesting = nesting
        callback = resolved = None  # Tracebacks of rejections lead here: close no circle.
        del promise
    if resolution.postponed:
        run_postponed()


def _run_cancel_callbacks(promise: Promise[Any]) -> None:
    """Run the cancel callbacks of a resolved promise if it was cancelled, else drop them."""
    callbacks = promise._cancel_callbacks
    if promise._state == REJECTED and isinstance(promise._value.exception, Canceled):
        while callbacks:
            callbacks.pop().run_cancel()
    promise._cancel_callbacks = None


def defer_callbacks(promise: Promise[Any]) -> None:
    """Run the callbacks of a promise now, or later if callbacks are being run already."""
    if resolution.depth >= 1:
        resolution.deferred.append(promise)
        return
    try:
        run_callbacks(promise)
    finally:
        del promise  # As in run_callbacks.


def abandon_wakeups() -> None:
    """Leave one level of the resolution loop, running what `wakeup_later` deferred.

    For internal use. The storage is emptied, and the loop that is left does not learn of it.
    Outside of callbacks this does nothing.

    OCaml: Lwt.abandon_wakeups : unit -> unit
    """
    if resolution.depth != 0:
        resolution.depth -= 1
        _run_deferred()
        current_storage.contents = empty_storage


def resume() -> None:
    """Run what is left over by an exception that left, or above a nested main loop.

    The main loop calls this at each turn, so that nothing waits while it sleeps.
    """
    if resolution.deferred:
        _run_deferred()
    if resolution.postponed:
        _run_postponed(None)


def _run_deferred() -> None:
    """Run the callbacks that were deferred, unless a loop is running that will do so."""
    while True:
        if not resolution.deferred or resolution.depth != 0:
            return
        run_callbacks(resolution.deferred.popleft())


# --- Calls of user functions, one inside another -----------------------------


def postpone(function: Callable[..., object], *arguments: Any) -> Promise[Any]:
    """Make a call later, when the stack has unwound; return the promise of its result.

    `function` returns a promise. If it raises, so does the call (of `bind`, for example)
    whose result this is, as if it had not been postponed (see `run_postponed`).
    """
    promise: Promise[Any] = new_promise(PENDING, None)
    later = PostponedCall(promise, function, arguments, current_storage.contents)
    resolution.postponed.append(later)
    return promise


def postpone_action(function: Callable[..., object], *arguments: Any) -> None:
    """Make a call without a result later, when the stack has unwound."""
    later = PostponedCall(None, function, arguments, current_storage.contents)
    resolution.postponed.append(later)


def call(function: Callable[P, R], *arguments: P.args, **keywords: P.kwargs) -> R:
    """Call a user function, one level deeper; then make the calls that it postponed."""
    resolution.nesting += 1
    try:
        result = function(*arguments, **keywords)
    except Exception:
        run_postponed()  # OCaml would have made these calls before the exception.
        raise
    finally:
        resolution.nesting -= 1
    if resolution.postponed:
        run_postponed()
    return result


def run_postponed(result: Promise[Any] | None = None) -> None:
    """Make the postponed calls, if the stack has unwound enough.

    `result` is what the caller is about to return. If it is rejected by an exception
    that a postponed call raised, then that call was in tail position, and OCaml's
    exception would have left through the caller; so does this one.

    Raises:
        Exception: that exception.
    """
    if resolution.nesting <= RESUMING_NESTING and not resolution.is_running_postponed:
        raised = _run_postponed(result)
        if raised is not None:
            raised.throw()


def _run_postponed(result: Promise[Any] | None) -> Rejection | None:
    """Make the postponed calls, in the order that nested calls would have had.

    A call that is postponed meanwhile comes before those that were waiting already.
    Returns the rejection of `result`, if a call raised it.
    """
    raised: Rejection | None = None
    saved_storage = current_storage.contents
    was_running = resolution.is_running_postponed
    resolution.is_running_postponed = True
    waiting: list[PostponedCall] = []
    try:
        while True:
            if resolution.postponed:
                none: list[PostponedCall] = []
                postponed, resolution.postponed = resolution.postponed, none
                postponed.reverse()
                waiting.extend(postponed)
            if not waiting:
                break
            promise, function, arguments, storage = waiting.pop()
            current_storage.contents = storage
            if promise is None:
                function(*arguments)
                continue
            try:
                inner = function(*arguments)
            except Exception as exception:
                rejection = rejection_of(exception)
            else:
                resolved = make_into_proxy(promise, inner)
                if resolved is not None:
                    run_callbacks(resolved)
                continue
            resolved = settle(promise, REJECTED, rejection)
            if result is not None and underlying(result) is resolved:
                raised = rejection
            run_callbacks(resolved)
    finally:
        waiting.reverse()
        resolution.postponed.extend(waiting)
        resolution.is_running_postponed = was_running
        current_storage.contents = saved_storage
    return raised
