"""The nested modules of Lwt that give other names to what is defined elsewhere.

OCaml: src/core/lwt.ml, Infix, Let_syntax, Syntax, Private.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from lwt._core import storage as storage_
from lwt._core.checks import with_required_label
from lwt._core.concurrent import both as both_
from lwt._core.creation import return_ as return_of
from lwt._core.promise import Promise, PromiseOrCoroutine
from lwt._core.sequential import bind as bind_
from lwt._core.sequential import map as map_

A = TypeVar("A")
B = TypeVar("B")


class Let_syntax:
    """The namespace that holds `Let_syntax`.

    OCaml: module Lwt.Let_syntax
    """

    class Let_syntax:
        """What `let%bind` and `let%map` of OCaml's ppx_let stand on.

        OCaml: module Lwt.Let_syntax.Let_syntax
        """

        return_ = staticmethod(return_of)
        both = staticmethod(both_)

        @staticmethod
        @with_required_label
        def map(promise: Promise[A], /, *, f: Callable[[A], B]) -> Promise[B]:
            """`lwt.map` with its arguments the other way round.

            OCaml: Lwt.Let_syntax.Let_syntax.map : 'a t -> f:('a -> 'b) -> 'b t
            """
            return map_(f, promise)

        @staticmethod
        @with_required_label
        def bind(promise: Promise[A], /, *, f: Callable[[A], PromiseOrCoroutine[B]]) -> Promise[B]:
            """`lwt.bind` with a label.

            OCaml: Lwt.Let_syntax.Let_syntax.bind : 'a t -> f:('a -> 'b t) -> 'b t
            """
            return bind_(promise, f)

        class Open_on_rhs:
            """Empty, as in OCaml.

            OCaml: module Lwt.Let_syntax.Let_syntax.Open_on_rhs
            """


class Infix:
    """Operators in OCaml; in Python they belong to `Promise`: `>>`, `|`, `&`, `^`.

    What has a name is here: `Let_syntax`.

    OCaml: module Lwt.Infix
    """

    Let_syntax: TypeAlias = Let_syntax.Let_syntax


class Syntax:
    """`let*`, `and*`, `let+`, `and+` in OCaml; `await` and `lwt.both` in Python.

    OCaml: module Lwt.Syntax
    """


class Private:
    """For libraries that are a part of Lwt; not for programs.

    OCaml: module Lwt.Private
    """

    storage: TypeAlias = storage_.Storage
    tracing_context = storage_.tracing_context

    class Sequence_associated_storage:
        """The storage as a value, for libraries that are a part of Lwt.

        OCaml: module Lwt.Private.Sequence_associated_storage
        """

        get_from_storage = staticmethod(storage_.get_from_storage)
        modify_storage = staticmethod(storage_.modify_storage)
        empty_storage = storage_.empty_storage
        current_storage = storage_.current_storage
