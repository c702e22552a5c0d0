"""Direct style: a task of its own for an `async def` function, which waits for promises as if it could block.

`spawn` has a function run as a task, and returns the promise of its result:

>>> import lwt, lwt_unix
>>> from lwt_unix import lwt_direct, lwt_main
>>> async def count():
...     total = 0
...     for number in range(3):
...         total += await lwt_direct.await_(lwt.return_(number))
...         await lwt_direct.yield_()
...     return total
>>> lwt_main.run(lwt_direct.spawn(count))
3

Tasks run in turns of their own, between the turns of the engine, and that is what differs from a body of `lwt.promised`:

- `spawn` runs nothing at once: the function is called before the next turn of the engine, or after this one.
- A task whose promise is resolved does not go on inside of who resolved it. It is put into the queue of tasks, and
  goes on when those before it have run.
- `yield_` goes behind all tasks that are ready.
- Cancelling the promise of `spawn` does nothing.

In a task, `await p` waits for any promise `p`. `await_(p)` is the same there, and an error elsewhere. An `async def`
function that a task calls and awaits belongs to the task, and waits in the same way.

A task begins with nothing in the storage. `Storage.set` changes it for the rest of the task: each has its own.

In reading order: `_Task`, what a task is and how it goes on; `_run_tasks`, when; the functions.

OCaml: Lwt_direct (src/direct/lwt_direct.ml), which stands on the effects of OCaml 5
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from types import CoroutineType
from typing import Any, Final, TypeVar, final, overload

import lwt
from lwt._core import storage
from lwt._core.background import async_
from lwt._core.checks import check_callback, check_kind, check_promise
from lwt._core.driver import go_on_from
from lwt._core.exceptions import rejection_of
from lwt._core.interpreted import interpreted
from lwt._core.pause import pause, paused
from lwt._core.promise import (
    FULFILLED,
    PENDING,
    REJECTED,
    Callback,
    Promise,
    Rejection,
    add_callback,
    make_into_proxy,
    new_promise,
    settle,
    underlying,
)
from lwt._core.resolution import report, resolution, run_callbacks, run_postponed
from lwt._core.storage import current_storage, empty_storage
from lwt_unix import lwt_main
from lwt_unix._processes import parting

__all__ = [
    # Tasks
    "spawn",
    "spawn_in_the_background",
    # Waiting in a task
    "await_",
    "yield_",
    # Storage of a task
    "Storage",
]

T = TypeVar("T")
V = TypeVar("V")

# --- What tasks ask for ------------------------------------------------------


@final
class _Effect:
    """What `await_` and `yield_` tell who runs the body, as in OCaml they perform an effect.

    Only a task hears it. Everybody else raises an exception here, since it is no promise.
    """

    __slots__ = ("is_heard", "is_yield")

    def __init__(self, *, is_yield: bool) -> None:
        self.is_yield = is_yield
        self.is_heard = False

    def __await__(self) -> Generator[Any, None, None]:
        try:
            yield self
        except Exception:
            if self.is_heard:
                raise
        if not self.is_heard:
            effect, name = ("Yield", "yield_") if self.is_yield else ("Await(_)", "await_")
            raise RuntimeError(
                f"Stdlib.Effect.Unhandled(Lwt_direct.{effect}): lwt_direct.{name} outside of a task; begin "
                "one with lwt_direct.spawn(f), or await the promise itself"
            )


# --- Tasks -------------------------------------------------------------------


@final
class _Task(Callback):
    """A function that runs as a task; also the callback by which it is put into the queue."""

    __slots__ = ("_body", "_context", "_function", "_promise", "_storage")

    _promise: Promise[Any] | None
    """That of `spawn`; None in the background."""

    def __init__(self, function: Callable[[], Any], promise: Promise[Any] | None) -> None:
        self._function = function
        self._promise = promise
        self._body: Coroutine[Any, Any, Any] | None = None
        self._context: Context = copy_context()
        self._storage = empty_storage

    def run(self, promise: Promise[Any], /) -> None:
        """Come into the queue: what the task waited for is resolved."""
        _tasks.append(self)

    def go_on(self) -> None:
        """Run to the next wait, or to the end."""
        current_storage.contents = self._storage
        body, context = self._body, self._context
        if body is None:
            self._begin()
            return
        promise = None if self._promise is None else underlying(self._promise)
        awaited: Any = None
        value: Any = None
        rejection: Rejection | None = None
        resolution.nesting += 1
        try:
            awaited = context.run(body.send, None)
            while type(awaited) is not Promise or awaited._state != PENDING or awaited is promise:
                if type(awaited) is _Effect:
                    awaited.is_heard = True
                    if awaited.is_yield:
                        break
                    awaited = context.run(body.send, None)
                else:
                    awaited = go_on_from(awaited, body, context)
        except StopIteration as end:
            awaited, value = None, end.value
        except Exception as exception:
            awaited, rejection = None, rejection_of(exception)
        finally:
            resolution.nesting -= 1
        try:
            if awaited is None:
                self._end(value, rejection)
            else:
                self._storage = current_storage.contents
                if type(awaited) is Promise:
                    add_callback(awaited, self)
                else:
                    _tasks.append(self)
            if resolution.postponed:
                run_postponed()
        finally:
            del self, promise, rejection  # A traceback leads here: close no circle.

    def _begin(self) -> None:
        """Call the function. If it is an `async def`, run its body."""
        value: Any = None
        rejection: Rejection | None = None
        resolution.nesting += 1
        try:
            value = self._context.run(self._function)
        except Exception as exception:
            rejection = rejection_of(exception)
        finally:
            resolution.nesting -= 1
        try:
            if isinstance(value, Coroutine):
                self._storage = current_storage.contents
                self._body = value if type(value) is CoroutineType else interpreted(value)
                self.go_on()
            else:
                self._end(value, rejection)
        finally:
            del self, rejection  # As above.

    def _end(self, value: object, rejection: Rejection | None) -> None:
        """Resolve the promise; in the background, report an exception."""
        resolved: Promise[Any] | None = None
        try:
            if self._promise is None:
                if rejection is not None:
                    report(rejection)
                elif type(value) is Promise:
                    async_(lambda: value)
                return
            promise = underlying(self._promise)
            if rejection is not None:
                resolved = settle(promise, REJECTED, rejection)
            elif type(value) is Promise:
                resolved = make_into_proxy(promise, value)
            else:
                resolved = settle(promise, FULFILLED, value)
            if resolved is not None:
                run_callbacks(resolved)
        finally:
            del self, rejection, resolved  # As above.


_tasks: Final[deque[_Task]] = deque()
"""Those that are ready, in the order in which they run."""

_MOST_STEPS: Final = 10_000
"""How many tasks go on at most in one turn, so that the engine has its turn."""

_is_hooked: Final[lwt.Ref[bool]] = lwt.Ref(False)
"""Whether the main loop calls `_run_tasks`."""


def _run_tasks() -> None:
    """Have the tasks that are ready go on, and about as many that become ready meanwhile."""
    most = min(_MOST_STEPS, 2 * len(_tasks))
    while _tasks and most > 0:
        most -= 1
        try:
            _tasks.popleft().go_on()
        except Exception as exception:
            rejection = rejection_of(exception)
        else:
            continue
        report(rejection)  # A callback raised it, or the hook.
        del rejection
    if _tasks and not paused.promises:
        pause()  # So that the engine does not wait while tasks are ready.


def _hook() -> None:
    if not _is_hooked.contents:
        _is_hooked.contents = True
        lwt_main.Enter_iter_hooks.add_first(_run_tasks)
        lwt_main.Leave_iter_hooks.add_first(_run_tasks)


@overload
def spawn(f: Callable[[], Coroutine[Any, Any, Promise[T]]], /) -> Promise[T]: ...
@overload
def spawn(f: Callable[[], Coroutine[Any, Any, T]], /) -> Promise[T]: ...
@overload
def spawn(f: Callable[[], Promise[T]], /) -> Promise[T]: ...
@overload
def spawn(f: Callable[[], T], /) -> Promise[T]: ...
def spawn(f: Callable[[], Any], /) -> Promise[Any]:
    """Run a function as a task; return the promise of its result.

    The function is called when the main loop next runs tasks, and not by `spawn`. If it is an `async def`, its
    body is the task. The promise is fulfilled with what it returns, or rejected with what it raises; a
    promise that it returns takes the place of that of `spawn`, as in every body.

    Cancelling the promise has no effect: the task goes on. A task that waits for what is never resolved holds
    nothing up: the main loop ends with the promise that it runs.

    Like a body of `lwt.promised`, the task has a copy of the context (`contextvars`) in which `spawn` was
    called. It begins with nothing in the storage.

    Args:
        f: an `async def` function without arguments. It may be any other, too, which then cannot wait.

    OCaml: Lwt_direct.spawn : (unit -> 'a) -> 'a Lwt.t
    """
    check_callback("lwt_direct.spawn", f, ())
    _hook()
    promise: Promise[Any] = new_promise(PENDING, None)
    _tasks.append(_Task(f, promise))
    return promise


def spawn_in_the_background(f: Callable[[], object], /) -> None:
    """Run a function as a task, for what it does; its result is dropped.

    An exception that it raises is given to `lwt.async_exception_hook`, and so is that of a promise that it
    returns. See `spawn`.

    OCaml: Lwt_direct.spawn_in_the_background : (unit -> unit) -> unit
    """
    check_callback("lwt_direct.spawn_in_the_background", f, ())
    _hook()
    _tasks.append(_Task(f, None))


# --- Waiting in a task -------------------------------------------------------


def await_(promise: Promise[T], /) -> Coroutine[Any, Any, T]:
    """Wait for a promise, in a task: `value = await lwt_direct.await_(promise)`.

    If the promise is resolved, the task goes on at once. Otherwise it goes on in its turn after that has
    been resolved. In a task, `await promise` does the same.

    Raises:
        RuntimeError: the promise is pending, and this is no task. In OCaml this is `Effect.Unhandled`.

    OCaml: Lwt_direct.await : 'a Lwt.t -> 'a
    """
    check_promise("lwt_direct.await_", promise)
    return _await(promise)


async def _await(promise: Promise[T]) -> T:
    if lwt.is_sleeping(promise):
        await _Effect(is_yield=False)
    return await promise


_await.__name__, _await.__qualname__ = await_.__name__, await_.__qualname__


async def yield_() -> None:
    """Let other tasks and the main loop run: `await lwt_direct.yield_()`, in a task.

    The task goes on when all tasks that are ready now have run. It is like `await lwt.pause()` with less work.

    Raises:
        RuntimeError: this is no task. In OCaml this is `Effect.Unhandled`.

    OCaml: Lwt_direct.yield : unit -> unit
    """
    await _Effect(is_yield=True)


# --- Storage -----------------------------------------------------------------

_MAKE_KEY: Final = "make one with lwt.new_key()"


class Storage:
    """The storage of a task: values under the keys of `lwt.new_key`, which nobody else sees.

    It is the storage of `lwt.get`. A task need not call a function to have a value set, as `lwt.with_value`
    does: `set` changes it for the rest of the task.

    OCaml: module Lwt_direct.Storage
    """

    key = storage.Key

    @staticmethod
    def new_key() -> storage.Key[V]:
        """Make a new key: another name of `lwt.new_key`.

        OCaml: Lwt_direct.Storage.new_key : unit -> 'a key
        """
        return storage.new_key()

    @staticmethod
    def get(key: storage.Key[V], /) -> lwt.Some[V] | None:
        """Look up what a key holds: another name of `lwt.get`.

        OCaml: Lwt_direct.Storage.get : 'a key -> 'a option
        """
        return storage.get(key)

    @staticmethod
    def set(key: storage.Key[V], value: V, /) -> None:
        """Set what a key holds for the rest of the task.

        OCaml: Lwt_direct.Storage.set : 'a key -> 'a -> unit
        """
        check_kind("lwt_direct.Storage.set", key, storage.Key, _MAKE_KEY)
        current_storage.contents = storage.modify_storage(
            key, lwt.Some(value), current_storage.contents
        )

    @staticmethod
    def remove(key: storage.Key[V], /) -> None:
        """Have a key hold nothing for the rest of the task.

        OCaml: Lwt_direct.Storage.remove : 'a key -> unit
        """
        check_kind("lwt_direct.Storage.remove", key, storage.Key, _MAKE_KEY)
        current_storage.contents = storage.modify_storage(key, None, current_storage.contents)


# --- Beginning again ---------------------------------------------------------


def _forget() -> object:
    """Drop the tasks that are ready, and return them: they are those of this process's parent."""
    kept = [*_tasks]
    _tasks.clear()
    return kept


parting.also(_forget)


def _renew() -> None:  # pyright: ignore[reportUnusedFunction]  # `_renewal` calls it.
    """Begin again: there are no tasks. Call it together with the `renew` of the main loop, which drops its hooks."""
    _tasks.clear()
    _is_hooked.contents = False
