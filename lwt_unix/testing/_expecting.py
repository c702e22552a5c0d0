"""What a test expects of a program while it runs: always, eventually, and cancelled at any wait.

All three look after each turn of the main loop. They work in the real world, too; there, nobody chooses to
cancel.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Never, TypeVar

import lwt
from lwt._core import choices
from lwt._core.checks import check_callback, check_promise, given_by_position
from lwt_unix import _time, lwt_engine, lwt_main
from lwt_unix._checks import check_delay
from lwt_unix.lwt_engine._current import turn

T = TypeVar("T")


def always(check: Callable[[], object], /) -> Callable[[], None]:
    """Have a check made after each turn of the main loop, from now on.

    What it raises, or an AssertionError if it returns False, leaves `lwt_main.run` at once: so the trace
    ends with the turn after which it does not hold. What is returned ends the checks, when it is called. In a
    simulated world they end with the run.

    Args:
        check: raises an exception, or returns False, if something is wrong.

    Not in OCaml.
    """
    check_callback("testing.always", check, ())

    def look() -> None:
        if refuse_awaitable("testing.always", check, check()) is False:
            raise AssertionError(f"testing.always: {_named(check)} does not hold {_when()}")

    hook = lwt_main.Leave_iter_hooks.add_last(look)
    return lambda: lwt_main.Leave_iter_hooks.remove(hook)


def eventually(check: Callable[[], object], /, *_wrong: Never, within: float) -> lwt.Promise[None]:
    """Wait until a check holds: it is made now, and after each turn of the main loop.

    The promise is rejected with an AssertionError if it does not hold in time, and with what the check
    raises. Cancelling it ends the waiting.

    Args:
        check: returns something true when it holds.
        within: in how many seconds, of the world's time.

    Raises:
        ValueError: `within` is NaN.

    Not in OCaml.
    """
    if _wrong:
        raise given_by_position(eventually, _wrong)
    check_callback("testing.eventually", check, ())
    check_delay("testing.eventually", within)

    late = _time.sleep(within)

    def look() -> lwt.Some[None] | None:
        if refuse_awaitable("testing.eventually", check, check()):
            return lwt.Some(None)
        if not lwt.is_sleeping(late):  # What was due at the same time has been done by now.
            held = f"{_named(check)} did not hold within {within:g} s"
            raise AssertionError(f"testing.eventually: {held}, {_when()}")
        return None

    holds = _after_turns(look)
    lwt.on_termination(holds, lambda: lwt.cancel(late))
    return holds


def sometimes_cancelled(operation: lwt.Promise[T] | Coroutine[Any, Any, T], /) -> lwt.Promise[T]:
    """Let an operation go on, or cancel it after any turn in which it waits, as the choices say.

    It is cancelled by `lwt.cancel`, or as by a timeout: then the result is rejected with `Timeout`. If nobody
    chooses so (Lwt's own choice), the result is that of the operation.

    >>> import lwt
    >>> from lwt_unix import sleep, testing
    >>> async def main():
    ...     try:
    ...         await testing.sometimes_cancelled(sleep(1.0))
    ...         return "done"
    ...     except lwt.Canceled:
    ...         return "cancelled"
    >>> testing.simulate(main), testing.simulate(main, choices=testing.replayed("cancel 1:1/3"))
    ('done', 'cancelled')

    Args:
        operation: a promise that can be cancelled, or a coroutine.

    Not in OCaml.
    """
    promise = lwt.of_coroutine(operation) if isinstance(operation, Coroutine) else operation
    check_promise("testing.sometimes_cancelled", promise)

    def tell(option: int) -> str:
        return "the operation is cancelled" if option == 1 else "the operation takes too long"

    def chosen() -> lwt.Some[int] | None:
        option = choices.choose(choices.CANCEL, 3, tell)
        return lwt.Some(option) if option else None

    if not lwt.is_sleeping(promise):
        return promise

    def end(option: int) -> lwt.Promise[T]:
        if option == 2:
            return lwt.fail(
                _time.Timeout()
            )  # Then `pick` cancels the operation, as for `with_timeout`.
        lwt.cancel(promise)
        return promise

    return lwt.pick([promise, lwt.bind(_after_turns(chosen), end)])


def _after_turns(look: Callable[[], lwt.Some[T] | None]) -> lwt.Promise[T]:
    """Return a promise of what `look` finds, now or after a turn; cancelling it ends the looking."""
    try:
        found = look()
    except Exception as exn:
        return lwt.fail(exn)
    if found is not None:
        return lwt.return_(found.value)
    promise: lwt.Promise[T]
    resolver: lwt.Resolver[T]
    promise, resolver = lwt.task()

    def look_again() -> None:
        try:
            found = look()
        except Exception as exn:
            stop()
            lwt.wakeup_exn(resolver, exn)
            return
        if found is not None:
            stop()
            lwt.wakeup(resolver, found.value)

    hook = lwt_main.Leave_iter_hooks.add_last(look_again)

    def stop() -> None:
        lwt_main.Leave_iter_hooks.remove(hook)

    lwt.on_cancel(promise, stop)
    return promise


def refuse_awaitable(function: str, check: Callable[..., object], value: object) -> object:
    """Return what a check has returned, unless it is something to wait for: then nothing was checked yet.

    Raises:
        TypeError: so it is.
    """
    if not isinstance(value, Awaitable):
        return value
    if isinstance(value, Coroutine):
        value.close()
    raise TypeError(
        f"{function}: {_named(check)} returned something to wait for; expected a check that is done when it "
        "returns, no async def"
    )


def _named(check: Callable[[], object]) -> str:
    return getattr(check, "__qualname__", None) or repr(check)


def _when() -> str:
    return f"after turn {turn.number}, at {lwt_engine.get().now():g} s"
