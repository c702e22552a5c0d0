"""What runs when a promise is cancelled: whatever has a `run_cancel`, such as a place in a queue.

It is a protocol, since a class may have only one base in the compiled build.
"""

from __future__ import annotations

from typing import Protocol


class CancelCallback(Protocol):
    """What is attached to a pending promise, for the case that it is cancelled."""

    def run_cancel(self) -> None:
        """React to the cancelling."""
