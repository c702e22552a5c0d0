"""Mailbox variables: a place for one value, between those who put and those who take.

A mailbox is empty or holds a value. Those who find it full wait to put, those who find
it empty wait to take, both first in first out; they never wait on both sides at once.

OCaml: Lwt_mvar (src/core/lwt_mvar.ml)
"""

from __future__ import annotations

from enum import Enum
from typing import Final, Generic, NoReturn, TypeVar, final

from lwt._core.checks import check_kind
from lwt._core.creation import return_unit
from lwt._core.identity import refuse_copy
from lwt._core.promise import FULFILLED, Promise, new_promise
from lwt._core.storage import current_storage
from lwt._core.values import Some
from lwt._core.waiters import Waiters, new_waiter

__all__ = [
    # The type
    "Mvar",
    "t",
    # Making one
    "create",
    "create_empty",
    # Giving and taking
    "put",
    "take",
    "take_available",
    # Asking
    "is_empty",
]

T = TypeVar("T")


class _Nothing(Enum):
    NOTHING = "what an empty mailbox holds"


_NOTHING: Final = _Nothing.NOTHING


@final
class Mvar(Generic[T]):
    """A mailbox variable. Made by `create` and `create_empty`.

    OCaml: Lwt_mvar.t : type 'a t
    """

    __slots__ = ("__weakref__", "_contents", "_readers", "_writers")

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self, contents: T | _Nothing = _NOTHING) -> None:
        """Make a mailbox variable, empty or holding a value."""
        self._contents: T | _Nothing = contents
        self._readers: Waiters[T] = Waiters()
        self._writers: Waiters[None] = Waiters()  # Each offers its value.

    def __repr__(self) -> str:
        return "<Mvar, empty>" if self._contents is _NOTHING else "<Mvar, full>"


t = Mvar


_MAKE_ONE: Final = "make one with lwt_mvar.create(value) or lwt_mvar.create_empty()"


def create(value: T, /) -> Mvar[T]:
    """Return a new mailbox variable that holds a value.

    >>> import lwt
    >>> from lwt import lwt_mvar
    >>> mailbox = lwt_mvar.create("first")
    >>> lwt_mvar.put(mailbox, "second")
    <Promise pending>
    >>> lwt_mvar.take(mailbox), lwt_mvar.take(mailbox)
    (<Promise fulfilled: 'first'>, <Promise fulfilled: 'second'>)

    OCaml: Lwt_mvar.create : 'a -> 'a t
    """
    return Mvar(value)


def create_empty() -> Mvar[T]:
    """Return a new mailbox variable that is empty.

    OCaml: Lwt_mvar.create_empty : unit -> 'a t
    """
    return Mvar()


def put(mvar: Mvar[T], value: T, /) -> Promise[None]:
    """Put a value into a mailbox variable, waiting for it to be empty.

    If someone waits to take, the first of them is given the value at once, in the
    way of `lwt.wakeup_later`. If the mailbox is full, the result is pending until those who
    waited to put before have done so and the mailbox is emptied; cancelling it withdraws
    the value.

    OCaml: Lwt_mvar.put : 'a t -> 'a -> unit Lwt.t
    """
    if type(mvar) is not Mvar:
        check_kind("lwt_mvar.put", mvar, Mvar, _MAKE_ONE)
    if mvar._contents is _NOTHING:
        reader = mvar._readers.take()
        if reader is None:
            mvar._contents = value
        else:
            reader.wake(value)
        return return_unit
    # OCaml withdraws the value by `on_cancel`, which puts the storage back, here only.
    writer = new_waiter(value, current_storage.contents)
    if mvar._contents is _NOTHING:  # A finaliser has taken what was there.
        return put(mvar, value)
    return mvar._writers.put(writer)


def take(mvar: Mvar[T], /) -> Promise[T]:
    """Take the value out of a mailbox variable, waiting for one to be put.

    If the mailbox is full, the value of the first who waits to put takes the place of the
    one that is taken, and that `put` is resolved in the way of `lwt.wakeup_later`. If it is empty,
    the result is pending until those who waited before were given a value; cancelling it does
    not disturb the others.

    OCaml: Lwt_mvar.take : 'a t -> 'a Lwt.t
    """
    if type(mvar) is not Mvar:
        check_kind("lwt_mvar.take", mvar, Mvar, _MAKE_ONE)
    contents = mvar._contents
    if contents is _NOTHING:
        waiter = new_waiter()
        if mvar._contents is _NOTHING:
            return mvar._readers.put(waiter)
        return take(mvar)  # A finaliser has put something.
    if mvar._writers.is_empty():  # What `_let_next_put` does, with a call less.
        mvar._contents = _NOTHING
    else:
        _let_next_put(mvar)
    return new_promise(FULFILLED, contents)


def take_available(mvar: Mvar[T], /) -> Some[T] | None:
    """Take the value out of a mailbox variable and return `Some` of it; `None` if it is empty.

    OCaml: Lwt_mvar.take_available : 'a t -> 'a option
    """
    if type(mvar) is not Mvar:
        check_kind("lwt_mvar.take_available", mvar, Mvar, _MAKE_ONE)
    contents = mvar._contents
    if contents is _NOTHING:
        return None
    _let_next_put(mvar)
    return Some(contents)


def is_empty(mvar: Mvar[T], /) -> bool:
    """Tell whether a mailbox variable is empty, so that `put` would not wait.

    OCaml: Lwt_mvar.is_empty : 'a t -> bool
    """
    if type(mvar) is not Mvar:
        check_kind("lwt_mvar.is_empty", mvar, Mvar, _MAKE_ONE)
    return mvar._contents is _NOTHING


def _let_next_put(mvar: Mvar[T]) -> None:
    """Replace the value, which is taken, by the value of the first who waits to put."""
    writer = mvar._writers.take()
    if writer is None:
        mvar._contents = _NOTHING
    else:
        mvar._contents = writer.offered
        writer.wake(None)
