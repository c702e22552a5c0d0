"""Limits of a rate: so many promises a second, for each key.

`Make(H)` gives the functions for keys of a kind. A key may be a client's address, say, and who waits for
it may go on at once, as long as the key is not over its rate. Then it has to wait, and if too many wait
already, it is told so.

    limits = lwt_throttle.Make()                        # Python's own == and hash
    limiter = limits.create(rate=10, max=1000, n=100)
    if not await limits.wait(limiter, address): ...     # Too many wait.

OCaml: Lwt_throttle (src/unix/lwt_throttle.ml)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Generic, Never, NoReturn, Protocol, TypeAlias, TypeVar, final

import lwt
from lwt._core.checks import (
    check_bounds,
    check_kind,
    given_by_position,
    with_required_label,
    wrong_type,
)
from lwt._core.identity import refuse_copy
from lwt_unix import _time
from lwt_unix._processes import parting

__all__ = [
    # What makes the functions
    "Make",
    "HashedType",
    # Limiters, and the functions on them
    "Throttle",
    "S",
]

K = TypeVar("K")
K_contra = TypeVar("K_contra", contravariant=True)


class HashedType(Protocol[K_contra]):
    """What `Make` takes: an object that compares keys.

    OCaml: module type Hashtbl.HashedType
    """

    @property
    def equal(self) -> Callable[[K_contra, K_contra], bool]:
        """Give a function that tells whether two keys are the same.

        OCaml: Hashtbl.HashedType.equal : t -> t -> bool
        """
        ...

    @property
    def hash(self) -> Callable[[K_contra], int]:
        """Give a function that has the same number for keys that are the same.

        OCaml: Hashtbl.HashedType.hash : t -> int
        """
        ...


@final
class _Key:
    """A key, to be compared by the functions of the user."""

    __slots__ = ("_equal", "_hash", "_key")

    def __init__(self, H: HashedType[Any], key: object) -> None:
        self._equal = H.equal
        self._key = key
        self._hash = H.hash(key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._equal(self._key, other._key)


@final
class _Channel:
    """What is known of a key: how many went on in this second, and who waits."""

    __slots__ = ("consumed", "queue")

    def __init__(self) -> None:
        self.consumed = 0
        self.queue: deque[lwt.Resolver[bool]] = deque()


@final
class Throttle(Generic[K]):
    """A limiter. Made by `create`.

    OCaml: type Lwt_throttle.S.t
    """

    __slots__ = ("__weakref__", "_channels", "_cleaning", "_max", "_rate", "_waiting")

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self, rate: int, max: int) -> None:
        self._rate = rate
        self._max = max
        self._waiting = 0
        self._channels: dict[object, _Channel] = {}

        self._cleaning: int | None = None
        """The depth of forks (`parting`) at which the limiter is looked at each second; None if not."""

    def __repr__(self) -> str:
        return f"<Throttle of {self._rate} a second, {self._waiting} of {self._max} waiting>"


@final
class S(Generic[K]):
    """The functions that `Make` returns, for one kind of keys.

    OCaml: module type Lwt_throttle.S
    """

    __slots__ = ("_hashed",)

    key: TypeAlias = Any
    """The type of the keys; checkers know it as the parameter of this class."""

    t: TypeAlias = Throttle[Any]
    """The type of limiters: `lwt_throttle.Throttle`."""

    def __init__(self, H: HashedType[K] | None) -> None:
        self._hashed = H

    @with_required_label
    def create(self, /, *_wrong: Never, rate: int, max: int, n: int) -> Throttle[K]:
        """Return a limiter.

        Args:
            rate: how many may go on in a second, for each key.
            max: how many may wait at once, for all keys together.
            n: about how many keys there will be. Nothing depends on it here.

        Raises:
            ValueError: `rate` or `max` is less than 1, or `n` is negative.

        OCaml: Lwt_throttle.S.create : rate:int -> max:int -> n:int -> t
        """
        if _wrong:
            raise given_by_position(S.create, _wrong)
        for name, value, least in (("rate", rate, 1), ("max", max, 1), ("n", n, 0)):
            check_bounds("lwt_throttle.create", name, value, least, ocaml="Lwt_throttle.S.create")
        return Throttle(rate, max)

    def wait(self, limiter: Throttle[K], key: K, /) -> lwt.Promise[bool]:
        """Return a promise that is fulfilled with true as soon as the rate of a key allows it.

        That is at once, if so many were not let through in this second; then it is resolved already. If too
        many wait, it is fulfilled with false at once. Each second lets through as many as the rate says, of
        those that came first. Cancelling does not give the place in the queue to another.

        OCaml: Lwt_throttle.S.wait : t -> key -> bool Lwt.t
        """
        check_kind("lwt_throttle.wait", limiter, Throttle, "make one with create")
        result = self._wait(limiter, key)
        depth = parting.depth()
        if limiter._cleaning != depth:
            limiter._cleaning = depth
            lwt.async_(partial(_clean_later, limiter))
        return result

    def _wait(self, limiter: Throttle[K], key: K) -> lwt.Promise[bool]:
        wanted = key if self._hashed is None else _Key(self._hashed, key)
        channel = limiter._channels.get(wanted)
        if channel is None:
            channel = limiter._channels.setdefault(wanted, _Channel())
        if channel.consumed < limiter._rate:
            channel.consumed += 1
            return lwt.return_true
        promise: lwt.Promise[bool]
        resolver: lwt.Resolver[bool]
        promise, resolver = lwt.task()  # Before the look: a finaliser may run now.
        if limiter._waiting >= limiter._max:
            return lwt.return_false
        limiter._waiting += 1
        channel.queue.append(resolver)
        return promise


def _clean_later(limiter: Throttle[Any]) -> lwt.Promise[None]:
    return lwt.bind(_time.sleep(1.0), lambda _: _clean(limiter))


def _clean(limiter: Throttle[Any]) -> lwt.Promise[None]:
    """Begin a new second: let through who waits, and forget the keys for which nobody came."""
    woken: deque[lwt.Resolver[bool]] = deque()
    for key, channel in [*limiter._channels.items()]:
        queue, last = channel.queue, len(woken)
        channel.consumed = 0
        while queue and channel.consumed < limiter._rate:
            channel.consumed += 1
            limiter._waiting -= 1
            woken.insert(last, queue.popleft())  # The last of them comes first, as in OCaml.
        if channel.consumed == 0:
            del limiter._channels[key]
    if limiter._waiting or woken:
        lwt.async_(partial(_clean_later, limiter))
    else:
        limiter._cleaning = None
    try:
        while woken:
            lwt.wakeup(woken.popleft(), True)
    finally:
        for resolver in woken:  # A callback was left, by Ctrl-C say.
            lwt.wakeup_later(resolver, True)
    return lwt.return_unit


_HINT: Final = "an object with functions equal(x, y) and hash(x)"


def Make(H: HashedType[K] | None = None, /) -> S[K]:  # OCaml's names
    """Return the functions for limiters with keys of a kind.

    >>> import lwt
    >>> from lwt_unix import lwt_throttle
    >>> limits: lwt_throttle.S[str] = lwt_throttle.Make()
    >>> limiter = limits.create(rate=2, max=1, n=10)
    >>> [limits.wait(limiter, "one") for _ in range(4)]
    [<Promise fulfilled: True>, <Promise fulfilled: True>, <Promise pending>, <Promise fulfilled: False>]

    Args:
        H: an object with attributes `equal` and `hash`; without it, keys are compared by Python's own `==`
            and `hash`.

    OCaml: module Lwt_throttle.Make (H : Hashtbl.HashedType) : S with type key = H.t
    """
    if H is not None and not all(callable(getattr(H, name, None)) for name in ("equal", "hash")):
        raise wrong_type("lwt_throttle.Make", _HINT, H)
    return S(H)
