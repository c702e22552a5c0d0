"""What tests of the simulated world share: programs that run in both worlds."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from lwt_unix import lwt_main, testing

T = TypeVar("T")


def in_both_worlds(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a program in the real and in the simulated world; return what both give."""
    real = lwt_main.run(main())
    assert testing.simulate(main) == real
    return real
