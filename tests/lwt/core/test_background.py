"""Waiting for nothing: `async_`, `dont_wait`, `ignore_result`.

Their exceptions are in `test_raising_callbacks.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lwt
from lwt import Promise
from tests.support.promises import Recorder

IN_BACKGROUND: dict[str, Callable[[Promise[Any]], None]] = {
    "async_": lambda promise: lwt.async_(lambda: promise),
    "dont_wait": lambda promise: lwt.dont_wait(lambda: promise, print),
    "ignore_result": lwt.ignore_result,
}


@pytest.mark.parametrize("start", IN_BACKGROUND.values(), ids=IN_BACKGROUND)
def test_what_is_started_in_the_background_goes_on(
    start: Callable[[Promise[Any]], None], record: Recorder
) -> None:
    promise, resolver = lwt.wait()
    start(lwt.map(record.on("went on"), promise))
    record("returned")
    lwt.wakeup(resolver, None)
    assert record.events == ["returned", "went on"]


@pytest.mark.parametrize("start", IN_BACKGROUND.values(), ids=IN_BACKGROUND)
def test_the_value_of_what_is_started_in_the_background_is_ignored(
    start: Callable[[Promise[Any]], None],
) -> None:
    start(lwt.return_(object()))


@pytest.mark.parametrize("start", [IN_BACKGROUND["async_"], IN_BACKGROUND["ignore_result"]])
def test_cancelling_what_was_started_in_the_background_is_reported(
    start: Callable[[Promise[Any]], None], reported: list[Exception]
) -> None:
    task, _ = lwt.task()
    start(task)
    lwt.cancel(task)
    assert [type(exception) for exception in reported] == [lwt.Canceled]
