"""What the interpreter itself has to run: the generator that drives bodies, and a coroutine around others.

This file is not compiled. A `yield from` in compiled code does not take a coroutine.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, TypeAlias, TypeVar, final

T = TypeVar("T")

Driver: TypeAlias = Generator[Any, Any, None]
"""A generator of `drive`."""


@final
class Done:
    """What a driver gives when its body has ended: always the same object, with what was returned.

    Who is given it takes the value out, before the driver is put back for the next body.
    """

    __slots__ = ("value",)

    value: Any


@coroutine
def drive() -> Driver:
    """Run bodies, one after another.

    `send(body)` goes on to the first thing that the body waits for, and gives it; the next `send`
    goes on from there. An exception of the body leaves, and ends the driver; its traceback has an
    entry for the driver, too.

    It is here to save time. `yield from` gets what a body returns from the interpreter, whereas
    `body.send` raises it as a StopIteration. This saves a fifth of the time of a body that need not
    wait.
    """
    done = Done()
    done.value = None
    while True:
        done.value = yield from (yield done)


async def interpreted(coroutine: Coroutine[Any, Any, T]) -> T:
    """Wrap a coroutine that was made otherwise, say in C, in one of the interpreter's own."""
    return await coroutine
