"""The loop behind `lwt_list`: one promise after another, until the end or the first rejection.

OCaml's functions recur inside the callbacks of `bind`. Here a loop goes on as long as the
promises are resolved. At a pending one the traversal itself is attached, as the callback
of a `bind` would be, and the loop goes on when that is resolved. So a million elements
take neither stack nor, pending or not, more memory than one.

- `Calls` gets its promises by calling a function on element after element (`_s`).
- `Promises` has its promises from the start (`_p`).

Both hand the values to `accept`, in the order in which they come. `rev_map_p` alone goes another
way: what it waits for hangs one on the other (`append_after`).

This reads the private parts of promises: it does by itself what `bind` does, so that an
element costs no promise and no callback of its own. That measured half of the time.

OCaml: src/core/lwt_list.ml
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar, cast, final

from lwt._core.checks import check_kind
from lwt._core.coroutine import to_promise
from lwt._core.exceptions import rejection_of
from lwt._core.promise import (
    FULFILLED,
    PENDING,
    PROXY,
    REJECTED,
    Promise,
    PromiseOrCoroutine,
    add_callback,
    new_promise,
    settle,
    underlying,
)
from lwt._core.resolution import MAXIMUM_NESTING, postpone, resolution, run_postponed
from lwt._core.storage import Storage, current_storage

A = TypeVar("A")
B = TypeVar("B")

Accept = Callable[[B], object]
"""Takes a value. If it returns something true, the traversal ends."""


class Traversal(ABC):
    """A traversal that is under way, and the callback by which it goes on."""

    __slots__ = ("_outer", "_storage")

    _outer: Promise[Any]
    _storage: Storage

    def start(self) -> Promise[Any]:
        """Go on to the first pending promise, or to the end; return the promise of the end."""
        if resolution.nesting >= MAXIMUM_NESTING:
            return postpone(self.start)
        inner = self._advance(None)
        try:
            if inner._state == PENDING:
                outer: Promise[Any] = new_promise(PENDING, inner)
                self._outer = outer
                self._storage = current_storage.contents
                add_callback(inner, self)
                return outer
            return inner
        finally:
            del self, inner  # The traceback of a rejection leads here: close no circle.

    def run(self, promise: Promise[Any], /) -> Promise[Any] | None:
        """Go on from the promise that was waited for."""
        if promise._state == REJECTED:
            return settle(self._outer, REJECTED, promise._value)
        current_storage.contents = self._storage
        inner = self._advance(promise)
        try:
            if inner._state == PENDING:
                self._storage = current_storage.contents
                underlying(self._outer)._value = inner  # How it is cancelled.
                add_callback(inner, self)
                return None
            return settle(self._outer, inner._state, inner._value)
        finally:
            del self, inner

    @abstractmethod
    def _advance(self, arrived: Promise[Any] | None) -> Promise[Any]:
        """Accept the value that has arrived, if any, and go on.

        Returns a promise that is no proxy: the next to wait for if it is pending, else the
        result.
        """


class Calls(Traversal, Generic[A, B]):
    """The function is called on an element when the promise of the one before is fulfilled."""

    __slots__ = ("_accept", "_callback", "_elements", "_end", "_function", "_name")

    def __init__(
        self,
        name: str,
        callback: Callable[..., PromiseOrCoroutine[B]],
        elements: Iterator[A],
        accept: Accept[B] | None,
        end: Callable[[], object],
        function: Callable[[A], PromiseOrCoroutine[B]] | None = None,
    ) -> None:
        """Take what is done with the values, if anything, and what makes the result.

        `accept` ends the traversal by returning something true; `end` may raise. `function`
        calls the callback on an element, if that takes more than calling it.
        """
        self._name = name
        self._callback = callback
        self._function = callback if function is None else function
        self._elements = elements
        self._accept = accept
        self._end = end

    def _advance(self, arrived: Promise[Any] | None) -> Promise[Any]:
        function, accept = self._function, self._accept
        resolution.nesting += 1
        try:
            if arrived is None or accept is None or not accept(arrived._value):
                for element in self._elements:
                    inner = function(element)
                    if type(inner) is not Promise:
                        inner = to_promise(self._name, self._callback, inner)
                    if resolution.postponed:
                        run_postponed()
                    if inner._state != FULFILLED:
                        if inner._state == PROXY:
                            inner = underlying(inner)
                        if inner._state != FULFILLED:
                            return inner
                    if accept is not None and accept(inner._value):
                        break
            return new_promise(FULFILLED, self._end())
        except Exception as exception:
            if resolution.postponed:
                run_postponed()
            try:
                return new_promise(REJECTED, rejection_of(exception))
            finally:
                del self, arrived, function, accept
        finally:
            resolution.nesting -= 1


class Promises(Traversal, Generic[B]):
    """The promises are there; their values are taken from the last to the first, as in OCaml."""

    __slots__ = ("_accept", "_end", "_promises")

    def __init__(
        self, promises: list[Promise[B]], accept: Accept[B], end: Callable[[], object]
    ) -> None:
        self._promises = promises
        self._accept = accept
        self._end = end

    def _advance(self, arrived: Promise[Any] | None) -> Promise[Any]:
        promises, accept = self._promises, self._accept
        try:
            if arrived is not None:
                accept(arrived._value)
            while promises:
                inner = promises.pop()
                if inner._state != FULFILLED:
                    if inner._state == PROXY:
                        inner = underlying(inner)
                    if inner._state != FULFILLED:
                        return inner
                accept(inner._value)
            return new_promise(FULFILLED, self._end())
        except Exception as exception:
            try:
                return new_promise(REJECTED, rejection_of(exception))
            finally:
                del self, arrived, promises


def call_on_each(
    name: str,
    callback: Callable[..., PromiseOrCoroutine[B]],
    elements: Sequence[A],
    function: Callable[[A], PromiseOrCoroutine[B]] | None = None,
) -> list[Promise[B]]:
    """Call a function on all elements, in order; what it raises becomes a rejected promise.

    As in `Calls`, `function` calls the callback on an element.
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
        del inner, promises  # As in Traversal.start.


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
    return Promises(
        call_on_each(name, callback, elements, function), values.append, lambda: values[::-1]
    ).start()


def append_after(before: Promise[None], promise: Promise[B], values: list[B]) -> Promise[None]:
    """Append the value of a promise, when it is fulfilled, and then `before` is.

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
    if promise._state == PENDING:
        add_callback(promise, appending)
    else:
        appending.run(promise)
    return appended


@final
class _Appending:
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
        TypeError: it is no iterable.
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
        TypeError: it is no iterable.
    """
    if isinstance(elements, Iterator):
        return elements
    return iter(snapshot(name, elements))
