"""The plain values of the interface: options, results, states.

OCaml's `'a option`, `('a, 'b) result` and `'a Lwt.state`, which the rest of the package takes and
returns. Nothing here knows about promises.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Generic, Literal, TypeAlias, TypeVar

from lwt._core.publish import constants

__all__ = ["Error", "Fail", "Ok", "Return", "Sleep", "Some", "State"]

T_co = TypeVar("T_co", covariant=True)


def _structure(value: object) -> object:
    """What two values are compared by: OCaml compares exceptions by structure."""
    if isinstance(value, BaseException):
        return type(value), value.args
    return value


@dataclass(frozen=True, slots=True, init=False)
class Some(Generic[T_co]):
    """An option that holds something; its other form is `None`.

    Two layers stay two: `Some(None)` is not `None`.

    >>> import lwt
    >>> lwt.Some(3)
    Some(3)

    OCaml: type 'a option = None | Some of 'a
    """

    value: T_co

    def __init__(self, value: T_co) -> None:
        _set_value(self, value)

    def __repr__(self) -> str:
        return f"Some({self.value!r})"


# The `__init__` that the dataclass would make takes a third longer (`timeit` of `Some(1)`), and
# streams make one of these for each element.
_set_value = Some.__dict__["value"].__set__


@dataclass(frozen=True, slots=True)
class Ok(Generic[T_co]):
    """A result that succeeded.

    OCaml: type ('a, 'b) result = Ok of 'a | Error of 'b
    """

    value: T_co

    def __repr__(self) -> str:
        return f"Ok({self.value!r})"


@dataclass(frozen=True, slots=True, eq=False)
class Error(Generic[T_co]):
    """A result that failed; exceptions in it are compared by type and arguments.

    OCaml: type ('a, 'b) result = Ok of 'a | Error of 'b
    """

    error: T_co

    def __eq__(self, other: object) -> bool:
        if type(other) is not Error:
            return NotImplemented
        return _structure(self.error) == _structure(other.error)

    def __hash__(self) -> int:
        return hash((Error, _structure(self.error)))

    def __repr__(self) -> str:
        return f"Error({self.error!r})"


@dataclass(frozen=True, slots=True)
class Return(Generic[T_co]):
    """The state of a promise that is fulfilled with `value`.

    OCaml: type 'a Lwt.state = Return of 'a | Fail of exn | Sleep
    """

    value: T_co

    def __repr__(self) -> str:
        return f"Return({self.value!r})"


@dataclass(frozen=True, slots=True, eq=False)
class Fail:
    """The state of a promise that is rejected with `exception`.

    Like OCaml's `=`, equality looks at the exception's type and arguments:

    >>> import lwt
    >>> lwt.Fail(ValueError("x")) == lwt.Fail(ValueError("x"))
    True

    OCaml: type 'a Lwt.state = Return of 'a | Fail of exn | Sleep
    """

    exception: Exception

    def __eq__(self, other: object) -> bool:
        if type(other) is not Fail:
            return NotImplemented
        return _structure(self.exception) == _structure(other.exception)

    def __hash__(self) -> int:
        return hash((Fail, _structure(self.exception)))

    def __repr__(self) -> str:
        return f"Fail({self.exception!r})"


@constants
class _Sleep(Enum):
    """The type of the one value `Sleep` (an enum, so that checkers can tell it apart)."""

    Sleep = "Sleep"


Sleep: Final = _Sleep.Sleep
"""The state of a pending promise.

OCaml: type 'a Lwt.state = Return of 'a | Fail of exn | Sleep
"""

State: TypeAlias = Return[T_co] | Fail | Literal[_Sleep.Sleep]
"""What `lwt.state` returns.

OCaml: type 'a Lwt.state = Return of 'a | Fail of exn | Sleep
"""
