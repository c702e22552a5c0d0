"""Concurrent composition: waiting for all of several promises, or for one of them.

`join`, `both` and `all` wait for all. After a rejection they still wait for the others, and
are then rejected with the exception that came first.

`choose`, `pick`, `nchoose`, `npick` and `nchoose_split` wait for the first. Those with
`pick` in their name cancel the other promises, before their own promise is resolved.
When several promises are resolved already, `choose` and `pick` draw one of them
(see `choices`), a rejected one if there is any.

OCaml: src/core/lwt.ml, Concurrent_composition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, final

from lwt._core.cancellation import cancel, cancel_by, follow
from lwt._core.checks import check_promise, check_promises
from lwt._core.choices import draw
from lwt._core.exceptions import Canceled
from lwt._core.promise import (
    FULFILLED,
    PENDING,
    PROXY,
    REJECTED,
    Callback,
    Promise,
    Rejection,
    add_callback,
    new_promise,
    settle,
    underlying,
)
from lwt._core.removable import RemovableCallback
from lwt._core.resolution import resolution
from lwt._core.storage import current_storage

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")

# --- Waiting for all ---------------------------------------------------------


def join(promises: Iterable[Promise[object]], /) -> Promise[None]:
    """Wait until all promises are resolved.

    If some are rejected, so is the result, once all are resolved. If a promise of the list
    is rejected already, the exception of the first such promise counts; otherwise, of the
    one that is rejected first. Cancelling the result cancels all.

    OCaml: Lwt.join : unit t list -> unit t
    """
    sources = check_promises("lwt.join", promises)
    joined: Promise[None] = new_promise(PENDING, sources)
    callback = _Join(joined)
    callback.remaining = 1  # Until all are counted: some may be resolved meanwhile.
    for promise in sources:
        source = promise if promise._state != PROXY else underlying(promise)
        if source._state == PENDING:
            callback.remaining += 1
            if source._callbacks is None:
                source._callbacks = callback
            else:
                add_callback(source, callback)
        elif source._state == REJECTED:
            if callback.rejection is None:
                callback.rejection = source._value
            else:
                source._value.is_seen = True  # Who waits for all promises has seen it.
    callback.remaining -= 1
    if callback.remaining:
        return joined
    if callback.rejection is not None:
        return new_promise(REJECTED, callback.rejection)
    return new_promise(FULFILLED, None)


@final
class _Join(Callback):
    """What `join` attaches to each pending promise, the same object to all."""

    __slots__ = ("_joined", "rejection", "remaining")

    def __init__(self, joined: Promise[None]) -> None:
        self._joined = joined
        self.remaining = 0
        self.rejection: Rejection | None = None

    def run(self, promise: Promise[Any], /) -> Promise[Any] | None:
        if promise._state == REJECTED:
            if self.rejection is None:
                self.rejection = promise._value
            else:
                promise._value.is_seen = True  # As above.
        self.remaining -= 1
        if self.remaining:
            return None
        if self.rejection is not None:
            return settle(self._joined, REJECTED, self.rejection)
        return settle(self._joined, FULFILLED, None)


def both(first: Promise[A], second: Promise[B], /) -> Promise[tuple[A, B]]:
    """Wait until two promises are resolved; give the pair of their values.

    A rejection counts as it does in `join`.

    OCaml: Lwt.both : 'a t -> 'b t -> ('a * 'b) t
    """
    check_promise("lwt.both", first)
    check_promise("lwt.both", second)
    sources: list[Promise[Any]] = [first, second]
    return _gather(sources, tuple)


def all(promises: Iterable[Promise[T]], /) -> Promise[list[T]]:
    """Wait until all promises are resolved; give the list of their values, in order.

    A rejection counts as it does in `join`.

    OCaml: Lwt.all : 'a t list -> 'a list t
    """
    return _gather(check_promises("lwt.all", promises), list)


def _gather(sources: list[Promise[Any]], collect: Callable[[list[Any]], T]) -> Promise[T]:
    """Wait for all promises, then give what `collect` makes of the list of values."""
    gathered: Promise[T] = new_promise(PENDING, sources)
    gathering = _Gathering(gathered, len(sources), collect)
    gathering.remaining = 1  # As in join.
    for index, promise in enumerate(sources):
        source = promise if promise._state != PROXY else underlying(promise)
        if source._state == PENDING:
            gathering.remaining += 1
            element = _Element()
            element._gathering = gathering
            element._index = index
            add_callback(source, element)
        elif source._state == FULFILLED:
            gathering.values[index] = source._value
        elif gathering.rejection is None:
            gathering.rejection = source._value
        else:
            source._value.is_seen = True  # As in join.
    gathering.remaining -= 1
    if gathering.remaining:
        return gathered
    if gathering.rejection is not None:
        return new_promise(REJECTED, gathering.rejection)
    return new_promise(FULFILLED, collect(gathering.values))


@final
class _Gathering:
    """What `both` and `all` have collected so far."""

    __slots__ = ("collect", "gathered", "rejection", "remaining", "storage", "values")

    def __init__(
        self, gathered: Promise[Any], length: int, collect: Callable[[list[Any]], object]
    ) -> None:
        self.gathered = gathered
        self.collect = collect
        self.remaining = 0
        self.rejection: Rejection | None = None
        self.values: list[Any] = [None] * length
        self.storage = current_storage.contents


@final
class _Element(Callback):
    """What `both` and `all` attach to each pending promise."""

    __slots__ = ("_gathering", "_index")

    _gathering: _Gathering
    _index: int

    def run(self, promise: Promise[Any], /) -> Promise[Any] | None:
        gathering = self._gathering
        if promise._state == FULFILLED:
            # OCaml's is a `bind`, which leaves its storage to what runs next.
            current_storage.contents = gathering.storage
            gathering.values[self._index] = promise._value
        elif gathering.rejection is None:
            gathering.rejection = promise._value
        else:
            promise._value.is_seen = True  # As in join.
        gathering.remaining -= 1
        if gathering.remaining:
            return None
        if gathering.rejection is not None:
            return settle(gathering.gathered, REJECTED, gathering.rejection)
        return settle(gathering.gathered, FULFILLED, gathering.collect(gathering.values))


# --- Waiting for the first ---------------------------------------------------


def choose(promises: Iterable[Promise[T]], /) -> Promise[T]:
    """Wait for the first promise to be resolved; the result is resolved like that one.

    If some are resolved already, one of them is returned: a rejected one if there is
    any, and if there are several of these, one that is drawn from `prng`. Cancelling
    the result cancels all.

    Raises:
        ValueError: there are no promises.

    OCaml: Lwt.choose : 'a t list -> 'a t
    """
    sources = _check_some("lwt.choose", promises)
    candidates = _resolved_to_choose_from(sources)
    if candidates:
        return candidates[draw(len(candidates))]
    chosen: Promise[T] = new_promise(PENDING, sources)
    RemovableCallback(sources, chosen, follow).attach()
    return chosen


def pick(promises: Iterable[Promise[T]], /) -> Promise[T]:
    """Wait for the first promise to be resolved, like `choose`, and cancel the others.

    They are cancelled before the result is resolved, also when some are resolved already.

    Raises:
        ValueError: there are no promises.

    OCaml: Lwt.pick : 'a t list -> 'a t
    """
    sources = _check_some("lwt.pick", promises)
    candidates = _resolved_to_choose_from(sources)
    if not candidates:
        picked: Promise[T] = new_promise(PENDING, sources)
        RemovableCallback(sources, picked, _cancel_and_follow).attach()
        return picked
    if underlying(candidates[0])._state == REJECTED:
        _cancel_all(sources)
        return candidates[draw(len(candidates))]
    return _nth_resolved_cancelling_pending(sources, draw(len(candidates)))


def _cancel_and_follow(
    promise: Promise[Any], promises: Sequence[Promise[Any]], picked: Promise[Any]
) -> Promise[Any]:
    return _cancel_and_settle(promises, picked, promise._state, promise._value)


def _cancel_and_settle(
    promises: Sequence[Promise[Any]], picked: Promise[Any], state: int, value: object
) -> Promise[Any]:
    try:
        _cancel_all(promises)
    except BaseException:
        # It leaves; what was picked still counts, a little later.
        resolution.deferred.append(settle(picked, state, value))
        raise
    return settle(picked, state, value)


def nchoose(promises: Iterable[Promise[T]], /) -> Promise[list[T]]:
    """Wait for the first promise to be resolved; give the values of all that are resolved then.

    If one of those is rejected, so is the result. Cancelling the result cancels all.

    Raises:
        ValueError: there are no promises.

    OCaml: Lwt.nchoose : 'a t list -> 'a list t
    """
    sources = _check_some("lwt.nchoose", promises)
    if any(underlying(promise)._state != PENDING for promise in sources):
        return new_promise(*_collect(sources))
    chosen: Promise[list[T]] = new_promise(PENDING, sources)
    RemovableCallback(sources, chosen, _settle_with_values).attach()
    return chosen


def _settle_with_values(
    _: Promise[Any], promises: Sequence[Promise[Any]], chosen: Promise[Any]
) -> Promise[Any]:
    return settle(chosen, *_collect(promises))


def npick(promises: Iterable[Promise[T]], /) -> Promise[list[T]]:
    """Wait for the first promise to be resolved, like `nchoose`, and cancel the others.

    Raises:
        ValueError: there are no promises.

    OCaml: Lwt.npick : 'a t list -> 'a list t
    """
    sources = _check_some("lwt.npick", promises)
    if any(underlying(promise)._state != PENDING for promise in sources):
        state, value = _collect(sources)
        _cancel_all(sources)
        return new_promise(state, value)
    picked: Promise[list[T]] = new_promise(PENDING, sources)
    RemovableCallback(sources, picked, _cancel_and_settle_with_values).attach()
    return picked


def _cancel_and_settle_with_values(
    _: Promise[Any], promises: Sequence[Promise[Any]], picked: Promise[Any]
) -> Promise[Any]:
    return _cancel_and_settle(promises, picked, *_collect(promises))


def nchoose_split(promises: Iterable[Promise[T]], /) -> Promise[tuple[list[T], list[Promise[T]]]]:
    """Like `nchoose`, but give the promises that are still pending as well.

    They are in the order of the list if the result was pending at first; if some
    promise was resolved already, they are in the reverse order, as OCaml gives them.

    Raises:
        ValueError: there are no promises.

    OCaml: Lwt.nchoose_split : 'a t list -> ('a list * 'a t list) t
    """
    sources = _check_some("lwt.nchoose_split", promises)
    if any(underlying(promise)._state != PENDING for promise in sources):
        state, value = _collect_and_split(sources)
        if state == FULFILLED:
            value[1].reverse()
        return new_promise(state, value)
    chosen: Promise[tuple[list[T], list[Promise[T]]]] = new_promise(PENDING, sources)
    RemovableCallback(sources, chosen, _settle_with_split).attach()
    return chosen


def _settle_with_split(
    _: Promise[Any], promises: Sequence[Promise[Any]], chosen: Promise[Any]
) -> Promise[Any]:
    return settle(chosen, *_collect_and_split(promises))


def _check_some(function: str, promises: Iterable[Promise[T]]) -> list[Promise[T]]:
    sources = check_promises(function, promises)
    if not sources:
        # OCaml's text, with OCaml's name.
        raise ValueError(
            f"{function.capitalize()} [] would return a promise that is pending forever"
        )
    return sources


def _resolved_to_choose_from(promises: Sequence[Promise[T]]) -> list[Promise[T]]:
    """The rejected promises; if there are none, the fulfilled ones. The last is first, as in OCaml."""
    resolved = [p for p in promises if p._state != PENDING and underlying(p)._state != PENDING]
    rejected = [p for p in resolved if underlying(p)._state == REJECTED]
    if rejected:
        rejected.reverse()
        return rejected
    return resolved


def _nth_resolved_cancelling_pending(promises: Sequence[Promise[T]], n: int) -> Promise[T]:
    """Cancel all promises; return the resolved one with index `n` among the resolved.

    A cancel may resolve later promises of the list: these count, as in OCaml.
    """
    found: Promise[T] | None = None
    for promise in promises:
        if underlying(promise)._state == PENDING:
            cancel(promise)
        elif found is None:
            if n == 0:
                found = promise
            n -= 1
    assert found is not None  # Resolved promises stay resolved: there are more than n.
    return found


def _cancel_all(promises: Sequence[Promise[Any]]) -> None:
    rejection = Rejection(Canceled(), None)
    for promise in promises:
        cancel_by(promise, rejection)


def _collect(promises: Sequence[Promise[Any]]) -> tuple[int, Any]:
    """The state of `nchoose`: the values there are, or the first rejection."""
    values = []
    for promise in promises:
        source = underlying(promise)
        if source._state == FULFILLED:
            values.append(source._value)
        elif source._state == REJECTED:
            return REJECTED, source._value
    return FULFILLED, values


def _collect_and_split(promises: Sequence[Promise[Any]]) -> tuple[int, Any]:
    """The state of `nchoose_split`, the pending promises in the order of the list."""
    state, value = _collect(promises)
    if state == REJECTED:
        return state, value
    return state, (value, [p for p in promises if underlying(p)._state == PENDING])
