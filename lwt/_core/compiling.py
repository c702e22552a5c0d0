"""The compiled build: what mypyc is told in the source, and whether this is what it made.

In the pure build, what is said to mypyc does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, TypeVar

__all__ = ["is_compiled", "mypyc_attr"]

T = TypeVar("T")

if TYPE_CHECKING:
    from mypy_extensions import mypyc_attr
else:

    def mypyc_attr(**_: object) -> Callable[[T], T]:
        """Decorate a class with what is said of it."""
        return lambda decorated: decorated


def _is_compiled(module: str) -> bool:
    found = find_spec(module)
    return found is not None and found.origin is not None and not found.origin.endswith(".py")


is_compiled: Final[bool] = _is_compiled("lwt._core.promise")
"""Whether the core was compiled ahead of time. Programs read it as `lwt.__compiled__`."""
