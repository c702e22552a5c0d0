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

Two things can be skipped at first: what serves cancellation alone (`_cancel_callbacks`,
`HowToCancel`), and the removing of callbacks (at the end, and in `removable`), which serves
`choose` and functions like it.

State and value lie flat in the promise, not in objects of their own. A promise is then one
allocation instead of two; with two, `bind` on a resolved promise takes a third longer. The
price is that `_value` is typed `Any`; its comment says what it holds.

OCaml: src/core/lwt.ml, Main_internal_types, Public_types, Basic_helpers.
"""

from __future__ import annotations

import reprlib
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Reversible, Sequence
from enum import Enum
from types import TracebackType
from typing import Any, Final, Generic, NoReturn, TypeAlias, TypeVar, final

from lwt._core.cancel_callback import CancelCallback
from lwt._core.compiling import mypyc_attr
from lwt._core.identity import refuse_copy
from lwt._core.slips import explain_what_is_handled

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

_FRONT: Final = slice(0, 0)
"""Where a list is put into another at its front. A slice is an object that the collector tracks, so it
is not made where it is used."""

CLEANUP_THRESHOLD: Final = 42
"""How many callbacks may be removed from a promise before its list is rebuilt; half of them, if that
is more. (OCaml rebuilds a list of any length.)"""


@final
class Operators:
    """What the operators of `Promise` call: functions that stand above it.

    `operators.py` hands them in.
    """

    __slots__ = ("bind", "choose", "join", "map")

    bind: Callable[[Promise[Any], Callable[[Any], PromiseOrCoroutine[Any]]], Promise[Any]]
    map: Callable[[Callable[[Any], Any], Promise[Any]], Promise[Any]]
    join: Callable[[Sequence[Promise[Any]]], Promise[None]]
    choose: Callable[[Sequence[Promise[Any]]], Promise[Any]]


operators: Final = Operators()


deferred: Final[deque[Promise[Any]]] = deque()
"""Resolved promises whose callbacks wait for the outermost resolution loop to finish, or for the
next turn."""


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
        "_callbacks",
        "_cancel_callbacks",
        "_state",
        "_value",
    )

    _state: int
    _value: Any
    """Pending: how it is cancelled. Fulfilled: the value. Rejected: the `Rejection`. Proxy: the
    promise it stands for."""

    _callbacks: Callback | Callbacks | None
    """Pending: the regular callback, or all of them if there are several.

    Resolved: those still to run; only the resolution loop takes them."""

    _cancel_callbacks: list[CancelCallback] | None
    """Callbacks that run only if the promise is cancelled, oldest first. They run newest first."""

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __await__(self) -> Generator[Promise[Any], None, T_co]:
        # A body that waits keeps this frame. The fewer variables, the less memory: so there is
        # no `value: T_co`, and `self` becomes the promise to wait for.
        if self._state == FULFILLED:  # First, to be found fast.
            return self._value  # type: ignore[no-any-return]
        if self._state == PROXY:
            self = underlying(self)  # noqa: PLW0642
        if self._state == PENDING:
            try:
                yield self
            except RuntimeError:
                explain_what_is_handled()
                raise
        if self._state == FULFILLED:
            return self._value  # type: ignore[no-any-return]
        try:
            return outcome(self)
        finally:
            self = _nobody  # noqa: PLW0642  # The traceback of a rejection leads here: close no circle.

    def __rshift__(self, callback: Callable[[T_co], PromiseOrCoroutine[B]], /) -> Promise[B]:
        return operators.bind(self, callback)

    def __or__(self, function: Callable[[T_co], B], /) -> Promise[B]:
        return operators.map(function, self)

    def __and__(self, other: Promise[object], /) -> Promise[None]:
        return operators.join([self, other])

    def __xor__(self, other: Promise[B], /) -> Promise[T_co | B]:
        return operators.choose([self, other])

    def __repr__(self) -> str:
        if not hasattr(self, "_state"):
            return "<Promise, made by no function of lwt>"
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

    __slots__ = ("_promise",)

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    _promise: Promise[Any]

    def __repr__(self) -> str:
        if not hasattr(self, "_promise"):
            return "<Resolver, made by no function of lwt>"
        return f"<Resolver of {self._promise!r}>"


PromiseOrCoroutine: TypeAlias = Promise[T] | Coroutine[Any, Any, T]
"""What a callback may return where OCaml's returns a promise."""

HowToCancel: TypeAlias = CancelThis | Promise[Any] | Reversible[Promise[Any]] | None
"""Where cancelling a pending promise goes.

- `None`: nowhere; it is a promise of `wait`.
- `CANCEL_THIS`: it is a promise of `task`, and is rejected with `Canceled`.
- a promise: to that one; this one came from a function like `bind`.
- a sequence: to each of its promises; this one came from a function like `join` or `pick`. It may also be
  an object that makes the promise to be cancelled only when it is asked: it has nothing but `__reversed__`.
"""


@mypyc_attr(allow_interpreted_subclasses=True)
class Callback:
    """What is attached to a pending promise; the base of all that is.

    A regular callback never raises an exception of the user's own: what the user's
    function raises becomes a rejection, or goes to `async_exception_hook`.
    """

    __slots__ = ()

    def run(self, promise: Promise[Any], /) -> Promise[Any] | None:
        """React to `promise`, which has just been resolved.

        Returns the promise that was resolved by this, if any. The resolution loop runs its
        callbacks next: so the stack stays flat.
        """
        raise AssertionError("a callback says itself what it does")


@final
class Callbacks:
    """Several callbacks of one promise. Few promises have more than one: the others need no list."""

    __slots__ = ("oldest_first", "removals")

    oldest_first: list[Callback]
    """They run newest first."""

    removals: int
    """How many of them were removed since the list was last rebuilt."""

    def __init__(self, *oldest_first: Callback) -> None:
        self.oldest_first = list(oldest_first)
        self.removals = 0


@final
class Rejection:
    """Why a promise is rejected: the exception, and its traceback at that time.

    Raising an exception makes its traceback longer. The one kept here does not
    change, so that each promise that raises it again starts from the same.
    """

    __slots__ = ("exception", "is_seen", "traceback")

    def __init__(self, exception: Exception, traceback: TracebackType | None) -> None:
        self.exception = exception
        self.traceback = traceback

        self.is_seen = False
        """Whether somebody was given the exception. Promises that reject each other share a rejection: it
        is enough that somebody looks at one of them. Tests ask for it (`lwt_unix.testing`)."""

    def with_own_traceback(self) -> Exception:
        """The exception, with the traceback it had when it was caught, for somebody who looks at it."""
        self.is_seen = True
        return self.exception.with_traceback(self.traceback)

    def throw(self) -> NoReturn:
        """Raise the exception, with the traceback it had when it was caught."""
        self.is_seen = True
        try:
            raise self.exception.with_traceback(self.traceback)
        finally:
            del self  # The traceback leads to this frame: close no circle.


def new_promise(state: int, value: object) -> Promise[Any]:
    """Make a promise. Only a few hot paths make one by themselves, to save the call.

    With an `__init__` of `Promise`, making a promise would take half as long again (`timeit` of
    this function): the interpreter runs an `__init__` apart from its caller.
    """
    promise: Promise[Any] = Promise()
    promise._state = state
    promise._value = value
    promise._callbacks = None
    promise._cancel_callbacks = None
    return promise


def new_resolver(promise: Promise[T]) -> Resolver[T]:
    """Make a resolver of a promise, which is one of `wait` or `task` or of the like."""
    resolver: Resolver[T] = Resolver()
    resolver._promise = promise
    return resolver


_nobody: Final[Promise[Any]] = new_promise(FULFILLED, None)
"""What a generator forgets a promise for. (It would `del` the name, but compiled code cannot.)"""


def underlying(promise: Promise[T]) -> Promise[T]:
    """Follow a chain of proxies to its end, and point the whole chain there."""
    if promise._state != PROXY:
        return promise
    end: Promise[Any] = promise._value
    while end._state == PROXY:
        end = end._value
    # A proxy of the chain may die here, and what is called then may make the end a proxy, too.
    while promise is not end and promise._state == PROXY:
        following: Promise[Any] = promise._value
        promise._value = end
        promise = following
    return end if end._state != PROXY else underlying(end)


def outcome(promise: Promise[T]) -> T:
    """Return the value of a promise that is resolved, or raise its exception.

    Raises:
        RuntimeError: it is pending.
    """
    if promise._state == PROXY:
        promise = underlying(promise)
    if promise._state == FULFILLED:
        value: T = promise._value
        return value
    if promise._state == PENDING:
        raise RuntimeError(
            f"a promise was awaited, and the coroutine resumed before it was resolved: {promise!r}; "
            f"run coroutines that await promises by lwt.promised or lwt.of_coroutine"
        )
    rejection: Rejection = promise._value
    try:
        raise rejection.with_own_traceback()
    finally:
        del promise, rejection  # The traceback leads to this frame: close no circle.


def settle(promise: Promise[Any], state: int, value: object) -> Promise[Any]:
    """Resolve a promise that is pending (or a proxy of one) and return the underlying one.

    Its callbacks are not run: the caller hands the result to the resolution loop.
    """
    if promise._state == PROXY:
        promise = underlying(promise)
    promise._state = state
    promise._value = value
    return promise


def make_into_proxy(outer: Promise[Any], inner: Promise[Any]) -> Promise[Any] | None:
    """Make one promise of two: `inner`, which a callback returned, and `outer`, given out before.

    A pending `inner` becomes a proxy of `outer`, since user code may have attached callbacks
    to `outer` for a long time. The callbacks of `outer` then run before those of `inner`. A
    resolved `inner` resolves `outer`, which is then returned, like what `settle` returns.
    """
    if inner._state == FULFILLED and outer._state == PENDING:
        # Nearly always. This is `settle`, without a call.
        outer._state = FULFILLED
        outer._value = inner._value
        return outer
    while True:
        if outer._state == PROXY:
            outer = underlying(outer)
        elif inner._state == PROXY:
            inner = underlying(inner)
        else:
            break
    if inner is outer:
        return None
    if inner._state != PENDING:
        return settle(outer, inner._state, inner._value)
    callbacks, older = outer._callbacks, inner._callbacks
    if callbacks is None:
        outer._callbacks = older
    elif older is not None:
        if type(callbacks) is not Callbacks:
            # Make a list of the one, with room for others. Then all must be looked at again.
            several = Callbacks(callbacks)
            if outer._callbacks is callbacks:
                outer._callbacks = several
            return make_into_proxy(outer, inner)
        _put_first(callbacks, older)
    if outer._cancel_callbacks is None:
        outer._cancel_callbacks = inner._cancel_callbacks
    elif inner._cancel_callbacks is not None:
        outer._cancel_callbacks[_FRONT] = inner._cancel_callbacks
    how_to_cancel = inner._value

    inner._state = PROXY
    inner._value = outer
    inner._callbacks = None
    inner._cancel_callbacks = None
    outer._value = how_to_cancel  # Last: what was here before may die.
    if type(older) is Callbacks and older.removals:
        _drop_removed(outer)
    return None


def add_callback(promise: Promise[Any], callback: Callback) -> None:
    """Attach a callback to a promise that is pending and is not a proxy.

    The promise was so when the caller looked. If a finaliser has made it a proxy since then, the
    callback is attached to the underlying promise. If a finaliser has resolved it, the callback
    is deferred: it runs when the outermost callbacks have run, or at the next turn. Without a main
    loop, there is no turn: it runs when something is resolved next.
    """
    if promise._state == PENDING:
        others = promise._callbacks
        if others is None:
            promise._callbacks = callback
        elif type(others) is Callbacks:
            others.oldest_first.append(callback)
        else:
            several = Callbacks(others, callback)
            if promise._callbacks is others:
                promise._callbacks = several
            else:
                add_callback(promise, callback)
    elif promise._state == PROXY:
        add_callback(underlying(promise), callback)
    else:
        late = new_promise(promise._state, promise._value)
        late._callbacks = callback
        deferred.append(late)


def add_cancel_callback(promise: Promise[Any], callback: CancelCallback) -> None:
    """Attach a cancel callback in the way of `add_callback`."""
    callbacks = [callback]
    if promise._state == PENDING:
        if promise._cancel_callbacks is None:
            promise._cancel_callbacks = callbacks
        else:
            promise._cancel_callbacks.append(callback)
    elif promise._state == PROXY:
        add_cancel_callback(underlying(promise), callback)
    else:
        late = new_promise(promise._state, promise._value)
        late._cancel_callbacks = callbacks
        deferred.append(late)


def _put_first(callbacks: Callbacks, older: Callback | Callbacks) -> None:
    """Put callbacks, which count as older, into the list of others."""
    # It may be a long list, and is not copied: a loop may come here in every round.
    if type(older) is Callbacks:
        callbacks.oldest_first[_FRONT] = older.oldest_first
        callbacks.removals += older.removals
    else:
        callbacks.oldest_first.insert(0, older)


def remove_callback(promise: Promise[Any], callback: Callback) -> None:
    """Take back a callback, which has marked itself as `removed`, from a promise that is pending.

    It is not searched for among others. Now and then, those that are marked are dropped: a
    promise that takes part in `choose` again and again would otherwise collect them.
    """
    callbacks = promise._callbacks
    if callbacks is callback:
        promise._callbacks = None
    elif type(callbacks) is Callbacks:
        callbacks.removals += 1
        _drop_removed(promise)


def _drop_removed(promise: Promise[Any]) -> None:
    """Drop the callbacks of a promise that are marked as removed, if they are many."""
    callbacks = promise._callbacks
    if type(callbacks) is not Callbacks or callbacks.removals <= CLEANUP_THRESHOLD:
        return
    if 2 * callbacks.removals <= len(callbacks.oldest_first):
        return  # So to rebuild it costs no more than a step or two for each that was removed.
    before = callbacks.oldest_first.copy()
    # Only the callbacks of `choose` and functions like it have the attribute.
    kept = [callback for callback in before if not getattr(callback, "removed", False)]
    if callbacks.oldest_first == before:  # Nobody has changed it meanwhile.
        callbacks.oldest_first = kept
        callbacks.removals = 0
        if not kept and promise._callbacks is callbacks:
            promise._callbacks = None


_content_repr = reprlib.Repr()
_content_repr.maxstring = _content_repr.maxother = 120
_is_in_repr = False
"""Whether what a promise holds is being shown just now."""


def renew() -> None:
    """Begin again: nothing is deferred, and nothing is being shown."""
    global _is_in_repr
    _is_in_repr = False
    deferred.clear()


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
