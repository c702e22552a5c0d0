"""The loops behind `lwt_list`: one promise after another, until the end or the first rejection.

- `call_one_by_one` gets its promises by calling a function on element after element (`_s`).
- `wait_for_all` has its promises from the start (`_p`).

Both hand the values to `accept`, in the order in which they come. Only `rev_map_p` goes another
way: each of its promises waits for the one before (`append_after`). A loop reads a value that is
there from its promise, and yields the promises whose values are not there.

OCaml: src/core/lwt_list.ml
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar, cast, final

from lwt._core.checks import check_kind
from lwt._core.driver import SuspendedLoop, start, to_promise
from lwt._core.exceptions import rejection_of
from lwt._core.loop import Loop
from lwt._core.promise import (
    FULFILLED,
    PENDING,
    PROXY,
    REJECTED,
    Callback,
    Promise,
    PromiseOrCoroutine,
    add_callback,
    new_promise,
    settle,
    underlying,
)
from lwt._core.resolution import MAXIMUM_NESTING, postpone, resolution, run_postponed
from lwt._core.storage import current_storage

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

Accept = Callable[[B], object]
"""Takes a value. If it returns something true, the traversal ends."""


def call_one_by_one(
    name: str,
    callback: Callable[..., PromiseOrCoroutine[B]],
    elements: Iterator[A],
    accept: Accept[B] | None,
    end: Callable[[], C],
    function: Callable[[A], PromiseOrCoroutine[B]] | None = None,
) -> Promise[C]:
    """Call a function on an element when the promise of the one before is fulfilled.

    Args:
        name: what to call the function in an error.
        callback: the user's function.
        elements: what to call it on.
        accept: what is done with the values, if anything.
        end: makes the result. It may raise.
        function: calls the callback on an element, if that takes more than calling it.
    """
    return start(_calls(name, callback, elements, accept, end, function or callback), SuspendedLoop)


def _calls(
    name: str,
    callback: Callable[..., PromiseOrCoroutine[B]],
    elements: Iterator[A],
    accept: Accept[B] | None,
    end: Callable[[], C],
    function: Callable[[A], PromiseOrCoroutine[B]],
) -> Loop[C]:
    for element in elements:
        try:
            promise = function(element)
        except Exception:
            run_postponed()  # As in bind.
            raise
        if type(promise) is not Promise:
            promise = to_promise(name, callback, promise)
        if resolution.postponed:
            run_postponed()
        value = promise._value if promise._state == FULFILLED else (yield promise)
        if accept is not None and accept(value):
            break
    return end()


def wait_for_all(promises: list[Promise[B]], accept: Accept[B], end: Callable[[], C]) -> Promise[C]:
    """Take the values of promises, from the last to the first as in OCaml; `end` makes the result."""
    return start(_values(promises, accept, end), SuspendedLoop)


def _values(promises: list[Promise[B]], accept: Accept[B], end: Callable[[], C]) -> Loop[C]:
    while promises:
        promise = promises.pop()
        accept(promise._value if promise._state == FULFILLED else (yield promise))
    return end()


def call_on_each(
    name: str,
    callback: Callable[..., PromiseOrCoroutine[B]],
    elements: Sequence[A],
    function: Callable[[A], PromiseOrCoroutine[B]] | None = None,
) -> list[Promise[B]]:
    """Call a function on all elements, in order; what it raises becomes a rejected promise.

    As in `call_one_by_one`, `function` calls the callback on an element.
    """
    if function is None:
        function = callback
    promises: list[Promise[B]] = []
    inner: Any = None
    resolution.nesting += 1
    try:
        for element in elements:
            try:
                inner = function(element)
                if type(inner) is not Promise:
                    inner = to_promise(name, callback, inner)
            except Exception as exception:
                inner = new_promise(REJECTED, rejection_of(exception))
            promises.append(inner)
            if resolution.postponed:
                run_postponed()
    finally:
        resolution.nesting -= 1
    try:
        return promises
    finally:
        del inner, promises  # The traceback of a rejection leads here: close no circle.


def map_p(
    name: str,
    callback: Callable[..., PromiseOrCoroutine[B]],
    elements: Sequence[A],
    function: Callable[[A], PromiseOrCoroutine[B]] | None = None,
) -> Promise[list[B]]:
    """Call a function on all elements, then wait; give the list of the values, in order."""
    if resolution.nesting >= MAXIMUM_NESTING:
        return postpone(map_p, name, callback, elements, function)
    values: list[B] = []
    # The promises have no name here: the traceback of a rejection may lead to this frame.
    return wait_for_all(
        call_on_each(name, callback, elements, function), values.append, lambda: values[::-1]
    )


def append_after(before: Promise[None], promise: Promise[B], values: list[B]) -> Promise[None]:
    """Wait for a promise, then for `before`; then append the value of the promise.

    It does what `bind(promise, lambda value: map(lambda _: values.append(value), before))` does.
    """
    promise = underlying(promise)
    if promise._state == REJECTED:
        return new_promise(REJECTED, promise._value)
    if promise._state == FULFILLED and before._state != PENDING:
        if before._state == FULFILLED:
            values.append(promise._value)
        return before
    appended: Promise[None] = new_promise(PENDING, promise)
    appending = _Appending(before, values, appended)
    if promise._state in (PENDING, PROXY):
        add_callback(promise, appending)
    else:
        appending.run(promise)
    return appended


@final
class _Appending(Callback):
    """A value that waits for those before it to be appended, and the callback that appends it."""

    __slots__ = ("_appended", "_before", "_storage", "_value", "_values")

    _value: Any
    """The value; not set until it has arrived."""

    def __init__(self, before: Promise[None], values: list[Any], appended: Promise[None]) -> None:
        self._before: Promise[None] | None = before
        self._values = values
        self._appended = appended
        self._storage = current_storage.contents

    def run(self, promise: Promise[Any], /) -> Promise[Any] | None:
        if promise._state == REJECTED:
            return settle(self._appended, REJECTED, promise._value)
        current_storage.contents = self._storage
        before = self._before
        if before is not None:  # It is the value that has arrived.
            self._before = None
            self._value = promise._value
            if before._state == PENDING:
                self._appended._value = before  # How it is cancelled.
                add_callback(before, self)
                return None
            if before._state == REJECTED:
                return settle(self._appended, REJECTED, before._value)
        self._values.append(self._value)
        return settle(self._appended, FULFILLED, None)


def snapshot(name: str, elements: Iterable[A]) -> Sequence[A]:
    """Return the elements as they are now.

    Raises:
        TypeError: it is not iterable.
    """
    if type(elements) in (tuple, range):
        return cast("Sequence[A]", elements)  # They do not change.
    if not isinstance(elements, Iterable):
        hint = "wait for it first, by lwt.bind or await" if isinstance(elements, Promise) else ""
        check_kind(name, elements, Iterable, hint)
    return list(elements)


def one_by_one(name: str, elements: Iterable[A]) -> Iterator[A]:
    """Return an iterator: over the elements as they are now, or the very one that was given.

    Raises:
        TypeError: it is not iterable.
    """
    if isinstance(elements, Iterator):
        return elements
    return iter(snapshot(name, elements))
