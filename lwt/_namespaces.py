"""The nested modules of Lwt that give other names to what is defined elsewhere.

OCaml: src/core/lwt.ml, Infix, Let_syntax, Syntax, Private.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from lwt import _storage
from lwt._concurrent import both as both_
from lwt._creation import return_ as return_of
from lwt._promise import Promise, PromiseOrCoroutine
from lwt._sequential import bind as bind_
from lwt._sequential import map as map_

A = TypeVar("A")
B = TypeVar("B")


class _LetSyntax:
    """What `let%bind` and `let%map` of OCaml's ppx_let stand on.

    OCaml: module Lwt.Let_syntax.Let_syntax
    """

    return_ = staticmethod(return_of)
    both = staticmethod(both_)

    @staticmethod
    def map(promise: Promise[A], /, *, f: Callable[[A], B]) -> Promise[B]:
        """`lwt.map` with its arguments the other way round.

        OCaml: Lwt.Let_syntax.Let_syntax.map : 'a t -> f:('a -> 'b) -> 'b t
        """
        return map_(f, promise)

    @staticmethod
    def bind(promise: Promise[A], /, *, f: Callable[[A], PromiseOrCoroutine[B]]) -> Promise[B]:
        """`lwt.bind` with a label.

        OCaml: Lwt.Let_syntax.Let_syntax.bind : 'a t -> f:('a -> 'b t) -> 'b t
        """
        return bind_(promise, f)

    class Open_on_rhs:
        """Empty, as in OCaml.

        OCaml: module Lwt.Let_syntax.Let_syntax.Open_on_rhs
        """


class Let_syntax:
    """The namespace that holds `Let_syntax`.

    OCaml: module Lwt.Let_syntax
    """

    Let_syntax: TypeAlias = _LetSyntax


class Infix:
    """Operators in OCaml; in Python they belong to `Promise`: `>>`, `|`, `&`, `^`.

    What has a name is here: `Let_syntax`.

    OCaml: module Lwt.Infix
    """

    Let_syntax: TypeAlias = _LetSyntax


class Syntax:
    """`let*`, `and*`, `let+`, `and+` in OCaml; `await` and `lwt.both` in Python.

    OCaml: module Lwt.Syntax
    """


class _SequenceAssociatedStorage:
    """The storage as a value, for libraries that are a part of Lwt.

    OCaml: module Lwt.Private.Sequence_associated_storage
    """

    get_from_storage = staticmethod(_storage.get_from_storage)
    modify_storage = staticmethod(_storage.modify_storage)
    empty_storage = _storage.empty_storage
    current_storage = _storage.current_storage


class Private:
    """For libraries that are a part of Lwt; not for programs.

    OCaml: module Lwt.Private
    """

    storage: TypeAlias = _storage.Storage
    Sequence_associated_storage: TypeAlias = _SequenceAssociatedStorage
    tracing_context = _storage.tracing_context
