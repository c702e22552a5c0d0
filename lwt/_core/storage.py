"""Sequence-associated storage: values that follow a computation through its callbacks.

There is one current storage, an immutable map from keys to values. Functions
such as `bind` remember it when they are called, and put it back before they call
their callback. `with_value` changes it for the time of one call.

A side topic: nothing else needs it, and one may read the core without it.

OCaml: src/core/lwt.ml, Sequence_associated_storage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Generic, NoReturn, TypeAlias, TypeVar

from lwt._core.checks import check_callable, check_kind, explain_call, wrong_type
from lwt._core.identity import refuse_copy
from lwt._core.ref import Ref
from lwt._core.values import Some

__all__ = ["Key", "get", "new_key", "with_tracing_context", "with_value"]

V = TypeVar("V")
R = TypeVar("R")


class Key(Generic[V]):
    """A key of the storage; no two are the same.

    OCaml: type 'a Lwt.key
    """

    __slots__ = ()

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)


Storage: TypeAlias = Mapping[Key[Any], Any]
"""A snapshot of the storage: never changed, only replaced.

OCaml: type Lwt.Private.storage
"""

empty_storage: Final[Storage] = MappingProxyType({})
current_storage: Final[Ref[Storage]] = Ref(empty_storage)


def renew() -> None:
    """Begin again, with nothing in the storage."""
    current_storage.contents = empty_storage


_MAKE_KEY: Final = "make one with lwt.new_key()"


def new_key() -> Key[V]:
    """Make a new key, associated with nothing.

    OCaml: Lwt.new_key : unit -> 'a key
    """
    return Key()


def get(key: Key[V], /) -> Some[V] | None:
    """Look up what the current storage associates with a key.

    OCaml: Lwt.get : 'a key -> 'a option
    """
    return get_from_storage(key, current_storage.contents)


def with_value(key: Key[V], value: Some[V] | None, function: Callable[[], R], /) -> R:
    """Call a function while a key is associated with a value, or with nothing.

    The association holds during the call and in every callback that is attached
    during the call. Afterwards the storage is what it was, also after an exception.

    >>> import lwt
    >>> user = lwt.new_key()
    >>> lwt.with_value(user, lwt.Some("ada"), lambda: lwt.get(user))
    Some('ada')

    Raises:
        Exception: what `function` raises.

    OCaml: Lwt.with_value : 'a key -> 'a option -> (unit -> 'b) -> 'b
    """
    new_storage = modify_storage(key, value, current_storage.contents)
    check_callable("lwt.with_value", function, ())
    saved_storage = current_storage.contents
    current_storage.contents = new_storage
    try:
        return function()
    except Exception as exception:
        explain_call(exception, "lwt.with_value", function, ())
        raise
    finally:
        current_storage.contents = saved_storage


def get_from_storage(key: Key[V], storage: Storage, /) -> Some[V] | None:
    """Look up what a storage associates with a key.

    OCaml: Lwt.Private.Sequence_associated_storage.get_from_storage
        : 'a key -> storage -> 'a option
    """
    check_kind("lwt.get", key, Key, _MAKE_KEY)
    return Some(storage[key]) if key in storage else None


def modify_storage(key: Key[V], value: Some[V] | None, storage: Storage, /) -> Storage:
    """Make a storage in which a key is associated with a value, or with nothing.

    OCaml: Lwt.Private.Sequence_associated_storage.modify_storage
        : 'a key -> 'a option -> storage -> storage
    """
    check_kind("lwt.with_value", key, Key, _MAKE_KEY)
    changed = dict(storage)
    if value is None:
        changed.pop(key, None)
    elif isinstance(value, Some):
        changed[key] = value.value
    else:
        hint = f"pass lwt.Some({value!r})"
        raise wrong_type("lwt.with_value", "lwt.Some(value) or None", value, hint)
    return changed


tracing_context: Final[Key[str]] = new_key()
"""The key under which `with_tracing_context` keeps its name."""


def with_tracing_context(name: str, function: Callable[[], R], /) -> R:
    """Call a function, and name what it starts in traces of the run.

    OCaml: Lwt.with_tracing_context : string -> (unit -> 'a t) -> 'a t
    """
    check_callable("lwt.with_tracing_context", function, ())
    return with_value(tracing_context, Some(name), function)
