"""Slips that Python itself meets with an exception: what they mean here is added to its text.

    AttributeError: 'Promise' object has no attribute 'upper'; await the promise to have its value

Whoever catches an exception of a callback or a body, to reject a promise or to raise it again,
lets `explain` look at it. So there is nothing to do for a program that makes no slip, and `Promise`
needs no methods that would make it look like something else.
"""

from __future__ import annotations

import re
import sys
from typing import Any, Final

SLIPS: Final = frozenset({TypeError, AttributeError, RuntimeError})
"""The exceptions that `explain` knows. Where exceptions are many, ask before calling it."""

_USED_AS_ITS_VALUE: Final = r"(?<![\w.<(])'?Promise'?(?![\w)(])"
"""A text of Python's about a promise: it names the type, and shows no promise, as ours do."""

_NOT_IN_ASYNCIO: Final = (
    "asyncio's loop does not run here: await lwt_unix.sleep(seconds) instead of asyncio.sleep, "
    "and promises of lwt instead of futures"
)

_LOCKS_OF_ASYNCIO: Final = (
    "asyncio's loop does not run here: instead of asyncio.Lock, Event, Semaphore and Queue use "
    "lwt_mutex, lwt_condition, lwt_pool and lwt_stream"
)


def explain(exception: BaseException) -> None:
    """Add to the text of an exception what to do about a common slip, if it is one."""
    kind = type(exception)
    if kind is TypeError or kind is AttributeError:
        if re.search(_USED_AS_ITS_VALUE, _text_of(exception)):
            _add(exception, "await the promise to have its value")
        elif _text_of(exception) == "'NoneType' object has no attribute 'create_future'":
            _add(exception, _LOCKS_OF_ASYNCIO)  # They ask the loop that runs, and there is none.
    elif kind is RuntimeError:
        text = _text_of(exception)
        if text == "no running event loop":
            _add(exception, _NOT_IN_ASYNCIO)
        elif text == "must be called from async context":
            _add(exception, "trio does not run here: await lwt_unix.sleep(seconds), for example")
        elif text.startswith("Task got bad yield: <Promise "):
            _add(
                exception,
                "asyncio cannot wait for a promise of lwt: run the coroutine by lwt_main.run, "
                "not by asyncio.run",
            )


def explain_what_is_handled() -> None:
    """Do this for the exception that the caller is handling; it need not have a name for it."""
    exception = sys.exception()
    if exception is not None:
        explain(exception)


def hint_for(awaited: Any) -> str:
    """Say what to await instead of something that is no promise of ours, by what it gave."""
    if awaited is None:
        return "await lwt.pause() instead of asyncio.sleep(0)"
    if hasattr(awaited, "_asyncio_future_blocking"):
        return _NOT_IN_ASYNCIO
    return (
        "promises, and async functions that await promises, can be awaited here; other libraries' "
        "awaitables cannot"
    )


def _text_of(exception: BaseException) -> str:
    match exception.args:
        case [str(text)]:
            return text
        case _:
            return ""


def _add(exception: BaseException, hint: str) -> None:
    text = _text_of(exception)
    if not text.endswith(hint):
        exception.args = (f"{text}; {hint}",)
