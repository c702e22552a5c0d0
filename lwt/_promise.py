"""Promises and resolvers: what they are made of, and the functions that change them.

A promise is in one of four states:

- `PENDING`: not resolved yet. It carries the callbacks to run when it is.
- `FULFILLED`: resolved with a value.
- `REJECTED`: resolved with an exception, kept as a `Rejection`.
- `PROXY`: it stands for another promise, its *underlying* one, in every
  respect. This is what becomes of a promise that a callback of `bind` returned
  while it was pending: the promise that `bind` had returned earlier takes over.

From `PENDING` a promise goes to one of the other three, once; the last three
never change again, except that a proxy may be pointed nearer to the end of its
chain. All this happens here, in `settle` and in `make_into_proxy`, and nowhere else.

Two of the slots serve cancellation alone (`_cancel_callbacks`, `_how_to_cancel`)
and `_removals` serves `choose` and its kin; skip them at first.

State and value lie flat in the promise, not in objects of their own: one
allocation for each promise, not two, which measured a third of the time of
`bind`. The price is that `_value` is typed `Any`; its comment says what it holds.

OCaml: src/core/lwt.ml, Main_internal_types, Public_types, Basic_helpers.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Coroutine, Generator, Sequence
from enum import Enum
from types import TracebackType
from typing import Any, Final, Generic, NoReturn, Protocol, TypeAlias, TypeVar, final

from lwt._exceptions import Exception_filter

T = TypeVar("T")
B = TypeVar("B")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)

PENDING: Final = 0
FULFILLED: Final = 1
REJECTED: Final = 2
PROXY: Final = 3


class CancelThis(Enum):
    """The type of `CANCEL_THIS` (an enum, so that checkers can tell it apart)."""

    CANCEL_THIS = "cancel this promise"


CANCEL_THIS: Final = CancelThis.CANCEL_THIS
"""How `cancel` treats a promise of `lwt.task`: it rejects it with `Canceled`."""

CLEANUP_THRESHOLD: Final = 42
"""How many callbacks may be removed from a promise before its list is rebuilt."""


@final
class Promise(Generic[T_co]):
    """A value that may arrive later: pending, then fulfilled or rejected, once.

    Promises come from `lwt.return_`, `lwt.wait`, `lwt.bind` and the other
    functions of this package, not from this class. In an `async def` function
    (see `lwt.promised`), `await promise` gives the value, or raises the exception.

    The operators are OCaml's:

    - `p >> f` is `bind(p, f)`, OCaml's `p >>= f`;
    - `p | f` is `map(f, p)`, OCaml's `p >|= f`;
    - `p & q` is `join([p, q])`, OCaml's `p <&> q`;
    - `p ^ q` is `choose([p, q])`, OCaml's `p <?> q`.

    >>> import lwt
    >>> lwt.return_(20) | (lambda x: x + 1)
    <Promise fulfilled: 21>

    OCaml: type +'a Lwt.t
    """

    __slots__ = (
        "__weakref__",
        "_callbacks",
        "_cancel_callbacks",
        "_how_to_cancel",
        "_removals",
        "_state",
        "_value",
    )

    _state: int
    _value: Any
    """Fulfilled: the value. Rejected: the `Rejection`. Proxy: the promise it stands for."""

    _callbacks: list[Callback] | None
    """Pending: the regular callbacks, oldest first. They run newest first.

    Resolved: those still to run; only the resolution loop takes them."""

    _cancel_callbacks: list[CancelCallback] | None
    """As `_callbacks`, for callbacks that run only if the promise is cancelled."""

    _how_to_cancel: HowToCancel
    """Pending: where `cancel` goes from here."""

    _removals: int
    """How many callbacks were removed since the list was last rebuilt."""

    def __init__(self, state: int, value: object, how_to_cancel: HowToCancel = None) -> None:
        self._state = state
        self._value = value
        self._callbacks = None
        self._cancel_callbacks = None
        self._how_to_cancel = how_to_cancel
        self._removals = 0

    def __await__(self) -> Generator[Promise[Any], None, T_co]:
        value: T_co
        if self._state == FULFILLED:  # First, to be found fast.
            value = self._value
            return value
        promise: Promise[Any] = self if self._state != PROXY else underlying(self)
        if promise._state == PENDING:
            yield promise
            promise = self if self._state != PROXY else underlying(self)
        if promise._state == FULFILLED:
            value = promise._value
            return value
        if promise._state == PENDING:
            raise RuntimeError(
                f"a promise was awaited, and the coroutine resumed before it was resolved: {self!r}; "
                f"run coroutines that await promises by lwt.promised or lwt.of_coroutine"
            )
        rejection: Rejection = promise._value
        try:
            rejection.throw()
        finally:
            del self, promise, rejection  # The traceback leads to this frame: close no circle.

    def __rshift__(self, callback: Callable[[T_co], PromiseOrCoroutine[B]], /) -> Promise[B]:
        return _sequential.bind(self, callback)

    def __or__(self, function: Callable[[T_co], B], /) -> Promise[B]:
        return _sequential.map(function, self)

    def __and__(self, other: Promise[object], /) -> Promise[None]:
        return _concurrent.join([self, other])

    def __xor__(self, other: Promise[B], /) -> Promise[T_co | B]:
        both: list[Promise[T_co | B]] = [self, other]
        return _concurrent.choose(both)

    def __repr__(self) -> str:
        promise = underlying(self)
        if promise._state == PENDING:
            return "<Promise pending>"
        if promise._state == FULFILLED:
            return f"<Promise fulfilled: {_repr_of_content(promise._value)}>"
        return f"<Promise rejected: {_repr_of_content(promise._value.exception)}>"


@final
class Resolver(Generic[T_contra]):
    """The means to resolve a promise of `lwt.wait` or `lwt.task`, for example by `lwt.wakeup`.

    OCaml: type -'a Lwt.u
    """

    __slots__ = ("__weakref__", "_promise")

    def __init__(self, promise: Promise[Any]) -> None:
        self._promise = promise

    def __repr__(self) -> str:
        return f"<Resolver of {self._promise!r}>"


PromiseOrCoroutine: TypeAlias = Promise[T] | Coroutine[Any, Any, T]
"""What a callback may return where OCaml's returns a promise."""

HowToCancel: TypeAlias = CancelThis | Promise[Any] | Sequence[Promise[Any]] | None
"""Where cancelling a pending promise goes.

- `None`: nowhere; it is a promise of `wait`.
- `CANCEL_THIS`: it is a promise of `task`, and is rejected with `Canceled`.
- a promise: to that one; this one came from `bind` or the like.
- a sequence: to each in turn; this one came from `join`, `pick` or the like.
"""


class Callback(Protocol):
    """What is attached to a pending promise.

    A regular callback never raises an exception of the user's own: what the user's
    function raises becomes a rejection, or goes to `async_exception_hook`.
    """

    def run(self, promise: Promise[Any], /) -> Promise[Any] | None:
        """React to `promise`, which has just been resolved.

        Returns the promise that was resolved by this, if any: its callbacks run next.
        That the callback does not run them itself keeps the stack flat.
        """


class CancelCallback(Protocol):
    """What is attached to a pending promise, for the case that it is cancelled."""

    def run_cancel(self) -> None:
        """React to the cancelling."""


@final
class Rejection:
    """Why a promise is rejected: the exception, and its traceback at that time.

    Raising an exception makes its traceback longer. The one kept here does not
    change, so that promise after promise, raising it anew, starts from the same.
    """

    __slots__ = ("exception", "traceback")

    def __init__(self, exception: Exception, traceback: TracebackType | None) -> None:
        self.exception = exception
        self.traceback = traceback

    def with_own_traceback(self) -> Exception:
        """The exception, with the traceback it had when it was caught."""
        return self.exception.with_traceback(self.traceback)

    def throw(self) -> NoReturn:
        """Raise the exception, with the traceback it had when it was caught."""
        try:
            raise self.exception.with_traceback(self.traceback)
        finally:
            del self  # The traceback leads to this frame: close no circle.


MAXIMUM_TRACEBACK: Final = 1000
"""How many entries of a traceback are kept: a stack at Python's default limit."""


def rejection_of(exception: Exception) -> Rejection:
    """Make the rejection of an exception that the caller has just caught from a callback.

    The traceback loses its first entry, the caller's own frame, which would tie
    the rejection into a cycle; and if it is very long, because the exception came
    through many promises, it keeps the end where the exception was raised.

    Raises:
        Exception: the exception itself, if the filter does not handle it.
    """
    traceback = exception.__traceback__
    if not Exception_filter.run(exception):
        raise exception
    if traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    length = 0
    entry = traceback
    while entry is not None:
        length += 1
        entry = entry.tb_next
    while length > MAXIMUM_TRACEBACK and traceback is not None:
        traceback = traceback.tb_next
        length -= 1
    exception.__traceback__ = traceback
    return Rejection(exception, traceback)


def underlying(promise: Promise[T]) -> Promise[T]:
    """Follow a chain of proxies to its end, and point the whole chain there."""
    end: Promise[Any] = promise
    while end._state == PROXY:
        end = end._value
    while promise._state == PROXY:
        following: Promise[Any] = promise._value
        promise._value = end
        promise = following
    return end


def settle(promise: Promise[Any], state: int, value: object) -> Promise[Any]:
    """Resolve a promise that is pending (or a proxy of one) and return the underlying one.

    Its callbacks are not run: the caller hands the result to the resolution loop.
    """
    if promise._state == PROXY:
        promise = underlying(promise)
    promise._state = state
    promise._value = value
    promise._how_to_cancel = None
    return promise


def make_into_proxy(outer: Promise[Any], inner: Promise[Any]) -> Promise[Any] | None:
    """Make the promise that a callback returned and the one given out earlier the same.

    A pending `inner` becomes the proxy of `outer`: it is `outer` that user code may
    have attached callbacks to for a long time. Those of `outer` then run before
    those of `inner`. A resolved `inner` resolves `outer`, which is then returned,
    as by `settle`.
    """
    if outer._state == PROXY:
        outer = underlying(outer)
    if inner._state == PROXY:
        inner = underlying(inner)
    if inner is outer:
        return None
    if inner._state != PENDING:
        return settle(outer, inner._state, inner._value)

    # Lists are kept oldest first and run from the end, hence inner's come first. They are
    # put into outer's list, which may be long: a loop may come here in every round.
    if outer._callbacks is None:
        outer._callbacks = inner._callbacks
    elif inner._callbacks is not None:
        outer._callbacks[:0] = inner._callbacks
    if outer._cancel_callbacks is None:
        outer._cancel_callbacks = inner._cancel_callbacks
    elif inner._cancel_callbacks is not None:
        outer._cancel_callbacks[:0] = inner._cancel_callbacks
    outer._how_to_cancel = inner._how_to_cancel
    count_removals(outer, inner._removals)

    inner._state = PROXY
    inner._value = outer
    inner._callbacks = None
    inner._cancel_callbacks = None
    inner._how_to_cancel = None
    return None


def add_callback(promise: Promise[Any], callback: Callback) -> None:
    """Attach a callback to a promise that is pending and no proxy."""
    if promise._callbacks is None:
        promise._callbacks = [callback]
    else:
        promise._callbacks.append(callback)


def count_removals(promise: Promise[Any], number: int) -> None:
    """Note that callbacks of a pending promise were removed; now and then, drop them.

    A promise that takes part in `choose` again and again would otherwise collect
    what is left of callbacks that will never run.
    """
    promise._removals += number
    if promise._removals > CLEANUP_THRESHOLD:
        promise._removals = 0
        if promise._callbacks:
            # Only the callbacks of `choose` and its kin have the attribute.
            promise._callbacks = [
                callback
                for callback in promise._callbacks
                if not getattr(callback, "removed", False)
            ]


_content_repr = reprlib.Repr()
_content_repr.maxstring = _content_repr.maxother = 120
_is_in_repr = False


def _repr_of_content(content: object) -> str:
    """Show what a promise holds; a promise inside it only by its existence."""
    global _is_in_repr
    if _is_in_repr:
        return "..."
    _is_in_repr = True
    try:
        return _content_repr.repr(content)
    finally:
        _is_in_repr = False


# The operators of Promise need the modules that are built on this one.
from lwt import _concurrent, _sequential  # noqa: E402
