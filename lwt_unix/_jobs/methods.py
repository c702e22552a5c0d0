"""How jobs are done: in a thread, or at once.

The method is the one given to `run_job`; else that of the storage, under `async_method_key`; else
the default, which the environment variable `LWT_ASYNC_METHOD` may set.

OCaml: section "Configuration" of lwt_unix.ml.
"""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Callable
from enum import Enum
from os.path import basename
from types import MappingProxyType
from typing import Final, TypeVar

import lwt
from lwt._core.checks import check_callable, check_kind
from lwt._core.publish import constants
from lwt._core.storage import current_storage

T = TypeVar("T")


@constants
class Async_method(Enum):
    """How calls are made for which the system may let us wait.

    OCaml: type Lwt_unix.async_method
    """

    Async_none = enum.auto()
    Async_detach = enum.auto()


Async_none: Final = Async_method.Async_none
"""At once: nobody else goes on until the call returns.

For debugging, and for calls that are known to be quick.

OCaml: Lwt_unix.Async_none
"""

Async_detach: Final = Async_method.Async_detach
"""In another thread. This is the default.

OCaml: Lwt_unix.Async_detach
"""

_METHODS: Final = MappingProxyType({"none": Async_none, "detach": Async_detach})


def _at_first() -> Async_method:
    """Return the method that the environment asks for."""
    name = os.environ.get("LWT_ASYNC_METHOD")
    if name is not None and name not in _METHODS and sys.stderr is not None:
        program = basename(sys.argv[0]) if sys.argv else "python"
        text = f"{program}: invalid lwt async method: '{name}', must be 'none' or 'detach'\n"
        sys.stderr.write(text)
    return Async_detach if name is None else _METHODS.get(name, Async_detach)


_default: Final[lwt.Ref[Async_method]] = lwt.Ref(_at_first())

async_method_key: Final[lwt.Key[Async_method]] = lwt.new_key()
"""The key of the storage for the method.

OCaml: Lwt_unix.async_method_key : async_method Lwt.key
"""


def renew() -> None:
    """Begin again, with the method that the environment asks for."""
    _default.contents = _at_first()


def default_async_method() -> Async_method:
    """Return the method where none is given, and none is in the storage.

    The environment variable `LWT_ASYNC_METHOD` sets it when the program starts: `none` or `detach`.

    OCaml: Lwt_unix.default_async_method : unit -> async_method
    """
    return _default.contents


def check_method(function: str, method: object) -> None:
    """Raise a TypeError unless this is a method."""
    hint = "lwt_unix.Async_none or lwt_unix.Async_detach"
    check_kind(function, method, Async_method, hint)


def set_default_async_method(method: Async_method, /) -> None:
    """Change the method where none is given, and none is in the storage.

    OCaml: Lwt_unix.set_default_async_method : async_method -> unit
    """
    check_method("lwt_unix.set_default_async_method", method)
    _default.contents = method


def async_method() -> Async_method:
    """Return the method of jobs that are begun here: that of the storage, or the default.

    OCaml: Lwt_unix.async_method : unit -> async_method
    """
    method: Async_method | None = current_storage.contents.get(async_method_key)
    return _default.contents if method is None else method


def with_async_none(f: Callable[[], T], /) -> T:
    """Call a function, and do at once all jobs that it begins, in it and in its callbacks.

    OCaml: Lwt_unix.with_async_none : (unit -> 'a) -> 'a
    """
    check_callable("lwt_unix.with_async_none", f, ())
    return lwt.with_value(async_method_key, lwt.Some(Async_none), f)


def with_async_detach(f: Callable[[], T], /) -> T:
    """Call a function, and do in threads all jobs that it begins, in it and in its callbacks.

    OCaml: Lwt_unix.with_async_detach : (unit -> 'a) -> 'a
    """
    check_callable("lwt_unix.with_async_detach", f, ())
    return lwt.with_value(async_method_key, lwt.Some(Async_detach), f)
