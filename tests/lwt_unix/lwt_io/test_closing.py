"""A close function that two channels share."""

from __future__ import annotations

import lwt
from lwt_unix.lwt_io._closing import ClosingOnce


def test_it_closes_once_and_gives_all_who_close_the_same_promise() -> None:
    calls = []
    promise, resolver = lwt.wait()

    def close() -> lwt.Promise[object]:
        calls.append("close")
        return promise

    closing = ClosingOnce(close)
    first, second = closing(), closing()
    assert calls == ["close"]
    assert first is second
    assert lwt.state(first) is lwt.Sleep
    lwt.wakeup(resolver, None)
    assert lwt.state(first) == lwt.Return(None)


def test_who_closes_while_it_closes_gets_its_promise() -> None:
    inner = []

    def close() -> lwt.Promise[object]:
        inner.append(closing())
        return lwt.return_unit

    closing = ClosingOnce(close)
    outer = closing()
    assert inner == [outer]
    assert lwt.state(outer) == lwt.Return(None)


def test_all_learn_why_closing_failed() -> None:
    def close() -> lwt.Promise[object]:
        raise OSError(5, "gone")

    closing = ClosingOnce(close)
    for _ in range(2):
        state = lwt.state(closing())
        assert isinstance(state, lwt.Fail)
        assert isinstance(state.exception, OSError)
