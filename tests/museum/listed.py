"""The bugs, in the order of the table: a file of `bugs/` each."""

from __future__ import annotations

import importlib
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, cast

from tests.museum.tools.finding import Program

NAMES = (
    # Between a look and what depends on it, something is awaited.
    "lost_update",
    "oversold",
    "computed_twice",
    "connected_twice",
    "disconnected_twice",
    "changed_while_iterating",
    "closed_twice",
    "reused_id",
    # Somebody waits for what has been, or for each other.
    "lost_wakeup",
    "two_locks",
    "lost_at_shutdown",
    "stale_after_reconnect",
    "subscribed_late",
    # Cancelled, or given up, between two steps.
    "leaked_connection",
    "released_twice",
    "lost_item",
    "unread_answer",
    "cut_line",
    "repeated_payment",
    # Two things happen at the same time.
    "answered_twice",
    "answer_with_heartbeat",
    "idle_connection_reused",
    "overtaken_answer",
    # One connection, several users.
    "swapped_answers",
    "read_after_release",
    "closed_while_writing",
    "mixed_frames",
    # What a call of the system may do, and seldom does.
    "partial_write",
    "short_read",
    "merged_messages",
    "accept_loop_dies",
)


class _Version(Protocol):
    """A program in one of the two libraries."""

    def __call__(self, *, mended: bool) -> Coroutine[Any, Any, None]: ...


@dataclass(frozen=True)
class Bug:
    """One of the museum, in both its forms and both libraries."""

    name: str
    in_lwt: _Version
    in_asyncio: _Version

    def program(self, *, lwt: bool, mended: bool) -> Program:
        """What a tool runs."""
        return partial(self.in_lwt if lwt else self.in_asyncio, mended=mended)


def bug(name: str) -> Bug:
    """Find a bug by its name."""
    module = importlib.import_module(f"tests.museum.bugs.{name}")
    return Bug(name, cast(_Version, module.in_lwt), cast(_Version, module.in_asyncio))
