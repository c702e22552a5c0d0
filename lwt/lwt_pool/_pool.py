"""Pools: the type, and how one is made.

OCaml: src/core/lwt_pool.ml
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Generic, Never, NoReturn, TypeVar, final

from lwt._core.checks import check_bounds, check_callback, given_by_position
from lwt._core.creation import return_true, return_unit
from lwt._core.identity import refuse_copy
from lwt._core.promise import Promise
from lwt._core.ref import Ref
from lwt._core.waiters import Waiters

if TYPE_CHECKING:
    from lwt._core.promise import PromiseOrCoroutine

T = TypeVar("T")

MAKE_ONE: Final = "make one with lwt_pool.create(maximum, function)"


@final
class Pool(Generic[T]):
    """A pool of members. Made by `create`.

    OCaml: Lwt_pool.t : type 'a t
    """

    __slots__ = (
        "__weakref__",
        "_check",
        "_count",
        "_create",
        "_dispose",
        "_idle",
        "_is_serving",
        "_maximum",
        "_validate",
        "_waiters",
        "_was_cleared",
    )

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(
        self,
        maximum: int,
        create: Callable[[], PromiseOrCoroutine[T]],
        validate: Callable[[T], PromiseOrCoroutine[bool]],
        check: Callable[[T, Callable[[bool], None]], object],
        dispose: Callable[[T], PromiseOrCoroutine[object]],
    ) -> None:
        """Make a pool without members."""
        self._maximum = maximum
        self._create = create
        self._validate = validate
        self._check = check
        self._dispose = dispose
        self._count = 0  # Of the places that are taken.
        self._idle: deque[T] = deque()
        self._waiters: Waiters[T] = Waiters()
        self._is_serving = False
        self._was_cleared = Ref(False)
        """Whether the pool was cleared since this Ref was put here. Users keep the Ref."""

    def __repr__(self) -> str:
        return (
            f"<Pool, {self._count} of {self._maximum} members, {len(self._idle)} idle, "
            f"{len(self._waiters)} waiting>"
        )


def always_valid(_: object) -> Promise[bool]:
    return return_true


def _is_good(_: object, tell: Callable[[bool], None]) -> None:
    tell(True)


def _do_nothing(_: object) -> Promise[None]:
    return return_unit


t = Pool


# --- Making a pool -----------------------------------------------------------


def create(
    maximum: int,
    f: Callable[[], PromiseOrCoroutine[T]],
    /,
    *_wrong: Never,
    validate: Callable[[T], PromiseOrCoroutine[bool]] = always_valid,
    check: Callable[[T, Callable[[bool], None]], object] = _is_good,
    dispose: Callable[[T], PromiseOrCoroutine[object]] = _do_nothing,
) -> Pool[T]:
    """Return a new pool, whose members will be made by `f` on demand.

    Args:
        maximum: how many members there may be at a time.
        f: makes a member.
        validate: tells whether a member, which was idle or waited for, may be used. If not, it is
            disposed of, and replaced by a new one. If `validate` fails, so does the use.
        check: takes a member whose use has failed, and a function. It calls the function with
            `True` if the member is still good; otherwise the member is disposed of.
        dispose: called with each member that the pool drops, except at the end of the program.

    Raises:
        ValueError: `maximum` is negative.

    OCaml: Lwt_pool.create : int -> ?validate:('a -> bool Lwt.t) ->
    ?check:('a -> (bool -> unit) -> unit) -> ?dispose:('a -> unit Lwt.t) ->
    (unit -> 'a Lwt.t) -> 'a t
    """
    if _wrong:
        raise given_by_position(create, _wrong)
    hint = "the number comes first, then the function that makes a member"
    check_bounds("lwt_pool.create", "maximum", maximum, 0, hint=hint)
    check_callback("lwt_pool.create", f, (), "it makes a member")
    for name, function in (("validate", validate), ("dispose", dispose)):
        hint = f"{name} is to be called with a member"
        check_callback("lwt_pool.create", function, ("member",), hint)
    hint = "check is to be called with a member and a function"
    check_callback("lwt_pool.create", check, ("member", "report"), hint)
    return Pool(maximum, f, validate, check, dispose)
