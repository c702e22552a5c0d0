"""What a lazy sequence is made of: nodes, and how one is evaluated.

OCaml: src/core/lwt_seq.ml, type node
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from lwt._core.checks import explain_call, wrong_type
from lwt._core.driver import attempt, to_promise
from lwt._core.promise import Promise, PromiseOrCoroutine
from lwt._core.publish import constants
from lwt._core.resolution import MAXIMUM_NESTING, call, postpone, resolution

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@constants
class _Nil(Enum):
    """The type of the one value `Nil` (an enum, so that checkers can tell it apart)."""

    Nil = "Nil"


Nil: Final = _Nil.Nil
"""The node at the end of a sequence.

OCaml: type 'a Lwt_seq.node = Nil | Cons of 'a * 'a t
"""


class Cons(NamedTuple, Generic[T_co]):
    """A node with an element, and the sequence of those after it.

    OCaml: type 'a Lwt_seq.node = Nil | Cons of 'a * 'a t
    """

    element: T_co
    next: Seq[T_co]


Node: TypeAlias = Cons[T] | Literal[_Nil.Nil]
"""What evaluating a sequence gives: its first element and the rest, or its end.

OCaml: type 'a Lwt_seq.node = Nil | Cons of 'a * 'a t
"""

Seq: TypeAlias = Callable[[], Promise[Node[T]]]
"""A lazy sequence: a function that evaluates the first node, each time that it is called.

OCaml: type 'a Lwt_seq.t = unit -> 'a node Lwt.t
"""

t: TypeAlias = Seq[T]
node: TypeAlias = Node[T]

SeqOrAsync: TypeAlias = Callable[[], PromiseOrCoroutine[Node[T]]]
"""A sequence that is an argument: it may be an `async def` function, too."""

Evaluate: TypeAlias = Callable[[str, Callable[[], PromiseOrCoroutine[T]]], Promise[T]]
"""`evaluate` or `evaluate_first`."""


def evaluate(name: str, seq: Callable[[], PromiseOrCoroutine[T]]) -> Promise[T]:
    """Evaluate a sequence.

    Raises:
        Exception: what the sequence raises.
        TypeError: it does not give a promise.
    """
    if resolution.nesting >= MAXIMUM_NESTING:
        return postpone(evaluate, name, seq)
    try:
        promise = call(seq)
    except Exception as exception:
        explain_call(exception, name, seq, ())
        raise
    return promise if type(promise) is Promise else to_promise(name, seq, promise)


def evaluate_first(name: str, seq: Callable[[], PromiseOrCoroutine[T]]) -> Promise[T]:
    """Evaluate a sequence; what it raises becomes a rejection.

    OCaml does this for the first node only: the others are evaluated inside callbacks,
    where an exception becomes a rejection if something was pending before, and otherwise
    leaves through the caller.
    """
    if resolution.nesting >= MAXIMUM_NESTING:
        return postpone(evaluate_first, name, seq)
    return attempt(name, seq)


def cons_of(function: str, node: Node[T]) -> Cons[T] | None:
    """Take what evaluating a sequence gave: a `Cons`, or None at the end.

    Raises:
        TypeError: it is neither `Cons` nor `Nil`.
    """
    if type(node) is Cons:
        return node
    if node is Nil:
        return None
    expected = "lwt_seq.Nil or lwt_seq.Cons(element, sequence) from the sequence"
    raise wrong_type(function, expected, node)
