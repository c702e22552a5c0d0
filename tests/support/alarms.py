"""Signals that come while something goes on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def interrupted_by_a_signal(exn: BaseException, soon: float = 0.01) -> Iterator[None]:
    """Have a signal come soon, whose handler raises an exception; it leaves the block."""

    def interrupt(*_: object) -> None:
        raise exn

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(type(exn)) as raised:  # noqa: PT012 - the block is one thing
            # On a busy machine the signal comes before the block begins.
            signal.setitimer(signal.ITIMER_REAL, soon)
            yield
        assert raised.value is exn
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
