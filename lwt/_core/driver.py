"""The driver: it runs bodies and loops up to a promise that is pending, and on from there.

A *body* is the coroutine of an `async def` function (`coroutine`). A *loop* is a generator that
yields the promises which it waits for, and is sent their values (`loop`). Both run at once, up to
their first pending promise. There they are attached as a callback, and go on inside that callback,
like the callback of a `bind`: the storage is what it was, and a cancel goes back to the promise that
is waited for. A body or a loop has one promise and one callback, however many times it waits.

A body of the user's also has a context of its own: a copy of the context (`contextvars`) in which
it was called, as a task of asyncio has. What it sets there, others do not see. Loops and bodies
of ours have none: they set nothing, and go on in the context of whoever resolves, like callbacks.

Bodies and loops differ when a promise that they wait for is rejected. A body goes on, since its `await` raises the
exception. A loop ends, and its promise is rejected, too, like the promise of a `bind`.

What a callback returns may be a promise or a coroutine: at the end, `to_promise` makes a promise of both.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from types import CoroutineType
from typing import Any, ClassVar, Final, TypeAlias, TypeVar, final

from lwt._core.checks import explain_call, wrong_result
from lwt._core.exceptions import rejection_of
from lwt._core.interpreted import interpreted
from lwt._core.promise import (
    FULFILLED,
    PENDING,
    PROXY,
    REJECTED,
    Callback,
    Promise,
    PromiseOrCoroutine,
    add_callback,
    make_into_proxy,
    new_promise,
    settle,
    underlying,
)
from lwt._core.resolution import MAXIMUM_NESTING, postpone, resolution, run_postponed
from lwt._core.slips import hint_for
from lwt._core.storage import Storage, current_storage

T = TypeVar("T")

Body: TypeAlias = Coroutine[Any, Any, T] | Generator[Promise[Any], Any, T]
"""A body or a loop."""

_send: Final[Callable[[Any, object], Any]] = CoroutineType.send
"""`send` of a body, for `Context.run`: the method of one body would be an object more for each that waits."""


class Suspended(Callback):
    """A body that waits, and the callback by which it goes on."""

    __slots__ = ("_body", "_context", "_promise", "_storage")

    is_loop: ClassVar[bool] = False

    is_own: ClassVar[bool] = False
    """Whether the code is ours, so that a StopIteration of a user's function comes out as it is."""

    hands_over: ClassVar[bool] = True
    """Whether a promise that is returned takes the place of the body's own."""

    _body: Body[Any]
    _promise: Promise[Any]
    _storage: Storage
    _context: Context | None

    def run(self, resolved: Promise[Any], /) -> Promise[Any] | None:
        """Go on to the next pending promise, or to the end."""
        current_storage.contents = self._storage
        promise = self._promise
        body, context = self._body, self._context
        try:
            # A body drops the value, and looks itself.
            if context is None:
                awaited = body.send(resolved._value)
            else:
                awaited = context.run(_send, body, resolved._value)
            if promise._state == PROXY:
                promise = underlying(promise)
            while type(awaited) is not Promise or awaited._state != PENDING or awaited is promise:
                if self.is_loop:
                    if awaited is promise:
                        break  # Like the promise of a `bind` that waits for itself: forever.
                    if awaited._state == REJECTED:
                        return settle(promise, REJECTED, awaited._value)
                awaited = go_on_from(awaited, body, context)
                promise = underlying(promise)
        except StopIteration as end:
            value, rejection = end.value, None
        except Exception as exception:
            stopped = self.is_own and _stop_iteration(exception)
            value, rejection = None, rejection_of(stopped or exception)
            del stopped
        else:
            promise._value = awaited  # How it is cancelled.
            if awaited._callbacks is None:
                awaited._callbacks = self
                self._storage = current_storage.contents  # Last: what was here before may die.
            else:
                self._storage = current_storage.contents
                add_callback(awaited, self)
            return None
        if rejection is None:  # The body has ended.
            if type(value) is Promise and self.hands_over:
                return make_into_proxy(promise, value)
            return settle(promise, FULFILLED, value)
        try:
            return settle(promise, REJECTED, rejection)
        finally:
            del self, promise, resolved, rejection  # A traceback leads here: close no circle.


class SuspendedLoop(Suspended):
    """A loop that waits, and the callback by which it goes on."""

    __slots__ = ()

    is_loop = True
    is_own = True
    hands_over = False

    is_in_catch: ClassVar[bool] = False
    """Whether the loop stands in a `catch` in OCaml, which puts the storage back also when the
    promise that the loop waits for is rejected."""

    def run(self, resolved: Promise[Any], /) -> Promise[Any] | None:
        """Go on to the next pending promise, or to the end; end if the promise is rejected."""
        if resolved._state == REJECTED:
            if self.is_in_catch:
                current_storage.contents = self._storage
            return settle(self._promise, REJECTED, resolved._value)
        try:
            return Suspended.run(self, resolved)
        finally:
            del self, resolved  # From Python 3.12 on, the traceback leads to this frame, too.


@final
class SuspendedInCatch(SuspendedLoop):
    """A loop that waits inside a `catch` that raises the exception again."""

    __slots__ = ()

    is_in_catch = True


@final
class SuspendedForValue(Suspended):
    """A body of our own that waits. What it returns is a user's value, even if it is a promise."""

    __slots__ = ()

    hands_over = False
    is_own = True


def _stop_iteration(exception: Exception) -> StopIteration | None:
    """Return the StopIteration that code of ours has raised: Python makes a RuntimeError of it.

    A generator of the user's, inside a function that we call, gets Python's RuntimeError.
    """
    stop = exception.__cause__
    if type(exception) is RuntimeError and isinstance(stop, StopIteration):
        traceback = stop.__traceback__
        if traceback and str(traceback.tb_frame.f_globals.get("__name__")).startswith(
            ("lwt.", "lwt_unix.")
        ):
            return stop
    return None


def go_on_from(awaited: Any, body: Body[Any], context: Context | None) -> Any:
    """Go on at once from what need not, or cannot, be waited for; return what comes next."""
    step: Callable[[Any], Any] = body.throw
    value: Any
    if type(awaited) is not Promise:
        value = TypeError(
            f"awaited something that is not a promise of lwt (it gave {awaited!r}); "
            f"{hint_for(awaited)}"
        )
    elif awaited._state == PROXY:
        return underlying(awaited)
    elif awaited._state == FULFILLED:
        step, value = body.send, awaited._value
    elif awaited._state == REJECTED:
        value = awaited._value.with_own_traceback()
    else:
        value = RuntimeError("an async function awaits its own promise: it would never end")
    return step(value) if context is None else context.run(step, value)


def start(
    body: Body[T],
    suspended: type[Suspended] = Suspended,
    exceptions_leave: bool = False,
) -> Promise[T]:
    """Run a body or a loop, at once, up to its first pending promise; return its promise.

    Args:
        body: it has not run yet. Its coroutine must be the interpreter's own.
        suspended: `SuspendedLoop` for a loop. Only `Suspended` itself gets a context of its own.
        exceptions_leave: whether an exception that comes before the first pending promise leaves
            through the caller, like an exception of a `bind`, or rejects the promise, like later
            ones.
    """
    level = resolution.nesting
    if level >= MAXIMUM_NESTING:
        return postpone(start, body, suspended, exceptions_leave)
    context: Context | None = None
    promise: Promise[T] | None = None
    value: Any = None
    stop: StopIteration | None = None
    resolution.nesting = level + 1
    try:
        if suspended is Suspended:
            context = copy_context()
            awaited = context.run(_send, body, None)
        else:
            awaited = body.send(None)
        while type(awaited) is not Promise or awaited._state != PENDING:
            if suspended.is_loop and awaited._state == REJECTED:
                promise = new_promise(REJECTED, awaited._value)
                break
            awaited = go_on_from(awaited, body, context)
        else:
            # Both without an `__init__`: it is the same for the others as for `new_promise`.
            promise = Promise()
            promise._state = PENDING
            promise._value = awaited
            promise._callbacks = promise._cancel_callbacks = None
            waiting = suspended()
            waiting._body = body
            waiting._promise = promise
            waiting._storage = current_storage.contents
            waiting._context = context
            if awaited._callbacks is None and awaited._state == PENDING:
                awaited._callbacks = waiting
            else:
                add_callback(awaited, waiting)
    except StopIteration as end:
        value = end.value
    except Exception as exception:
        stop = _stop_iteration(exception) if suspended.is_own else None
        if exceptions_leave:
            run_postponed()  # As in bind.
            if stop is None:
                raise
        rejection = rejection_of(stop or exception)
        promise = new_promise(REJECTED, rejection)
        del rejection
    finally:
        resolution.nesting = level
    if promise is None:  # The body has ended.
        if type(value) is Promise and suspended.hands_over:
            promise = value
        else:
            # `new_promise`, without a call.
            promise = Promise()
            promise._state = FULFILLED
            promise._value = value
            promise._callbacks = promise._cancel_callbacks = None
    if stop is not None and exceptions_leave:
        raise stop
    if resolution.postponed:
        run_postponed(promise if exceptions_leave else None)
    try:
        return promise
    finally:
        del promise  # As in Suspended.run.


# --- What a function has returned ---------------------------------------------


def to_promise(function_name: str, callback: object, result: PromiseOrCoroutine[T]) -> Promise[T]:
    """Take what a callback returned as a promise, running it if it is a coroutine.

    Raises:
        TypeError: it is neither.
    """
    if type(result) is CoroutineType:  # First: many callers have looked for promises.
        return start(result)
    if type(result) is Promise:
        return result
    if isinstance(result, Coroutine):
        return start(interpreted(result))
    hint = f"return lwt.return_({result!r})" if result is not None else "return lwt.return_unit"
    if function_name == "lwt.bind":
        hint = f"use lwt.map, or {hint}"
    raise wrong_result(function_name, callback, result, "a promise", hint)


def attempt(function_name: str, function: Callable[[], PromiseOrCoroutine[T]]) -> Promise[T]:
    """Call a function that returns a promise; what it raises becomes a rejected promise."""
    try:
        resolution.nesting += 1  # As `call` does, written out: a hot path.
        try:
            promise = function()
        except Exception as exception:
            explain_call(exception, function_name, function, ())
            run_postponed()
            raise
        finally:
            resolution.nesting -= 1
        if resolution.postponed:
            run_postponed()
        return promise if type(promise) is Promise else to_promise(function_name, function, promise)
    except Exception as exception:
        return new_promise(REJECTED, rejection_of(exception))
