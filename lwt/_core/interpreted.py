"""What the interpreter itself has to run: a coroutine around others.

This file is not compiled. Compiled, it would make coroutines that are not the interpreter's own.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def interpreted(coroutine: Coroutine[Any, Any, T]) -> T:
    """Wrap a coroutine that was made otherwise, say in C, in one of the interpreter's own."""
    return await coroutine
