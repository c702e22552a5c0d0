"""What a program for asyncio asks of the tool that simulates it: draws of its own.

Both tools let the program draw. So what their networks do not do by themselves, such as to take a part
of what is written, is drawn here, in their own way. Outside of them, the answers are asyncio's.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

try:
    import detangle
except ImportError:
    detangle = None

try:
    import simloom
except ImportError:
    simloom = None


T = TypeVar("T")


def drawn(label: str, number: int) -> int:
    """A number from 0 to `number - 1`; 0 is what asyncio does."""
    if detangle is not None and detangle.in_simulation():
        return int(detangle.choice(range(number)))
    if simloom is not None and isinstance(asyncio.get_running_loop(), simloom.SimLoop):
        return int(simloom.draw(label, number))
    return 0


async def sometimes_cancelled(operation: Coroutine[Any, Any, T]) -> T:
    """Run an operation, or cancel it while it waits and raise a TimeoutError.

    detangle has a tool for that. For simloom it is a timeout after a time that is drawn: up to three seconds.
    """
    if detangle is not None and detangle.in_simulation():
        result: T = await detangle.maybe_timeout(operation, points=3)
        return result
    quarters = drawn("timeout", 13)
    return await asyncio.wait_for(operation, quarters / 4 if quarters else None)
