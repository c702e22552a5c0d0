"""References: OCaml's `'a ref`. One holds the storage, and is read and written at every step."""

from __future__ import annotations

from typing import Generic, TypeVar

from lwt._core.compiling import mypyc_attr

__all__ = ["Ref"]

T = TypeVar("T")


@mypyc_attr(allow_interpreted_subclasses=True, serializable=True)  # The second needs the first.
class Ref(Generic[T]):
    """A mutable cell, such as `lwt.async_exception_hook`; what it holds is its `contents`.

    OCaml: type 'a ref = { mutable contents : 'a }
    """

    __slots__ = ("contents",)

    def __init__(self, contents: T, /) -> None:
        self.contents = contents

    def __repr__(self) -> str:
        return f"Ref({self.contents!r})"
