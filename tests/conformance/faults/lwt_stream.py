"""Faults put into streams on purpose."""

from __future__ import annotations

from typing import Final

from tests.conformance.faults.fault import fault

STREAM_FAULTS: Final = (
    fault(
        "Lwt_stream",
        "a push wakes the readers at once, also inside a callback",
        """\
            defer_callbacks(settle(signal, FULFILLED, None))

    def set_reference""",
        """\
            from lwt._core.resolution import run_callbacks
            run_callbacks(settle(signal, FULFILLED, None))

    def set_reference""",
    ),
    fault(
        "Lwt_stream",
        "push(None) closes the stream before its readers run",
        """\
        if self.is_awaited:
            self.tell()
        # Last, in case one of the callbacks raises.
        self._is_closed = True
        wakeup(self.close, None)
""",
        """\
        self._is_closed = True
        wakeup(self.close, None)
        if self.is_awaited:
            self.tell()
""",
    ),
    fault(
        "Lwt_stream",
        "a reader consumes the first element, also where another has taken its own",
        "    if cell is stream._cell:\n        stream._cell = cell.next",
        "    if stream._cell is not stream._source.last:\n        stream._cell = stream._cell.next",
    ),
    fault(
        "Lwt_stream",
        "cancelling a reader cancels the source",
        """\
            if underlying(requested)._state == PENDING:
                return protected(requested)
""",
        """\
            if underlying(requested)._state == PENDING:
                return requested
""",
    ),
    fault(
        "Lwt_stream",
        "nget looks at its own place and not at that of the stream",
        "first = stream._cell",
        "first = cell",
    ),
    fault(
        "Lwt_stream",
        "iter_n takes an element more than it has room for",
        "if available <= 0:\n            complete",
        "if available < 0:\n            complete",
    ),
    fault(
        "Lwt_stream",
        "parse does not put back what it has read",
        "        stream._cell = cell\n",
        "",
    ),
    fault(
        "Lwt_stream",
        "a bounded stream does not count what is let in by resize",
        "            self._let_in(1)",
        "            self._let_in(0)",
    ),
    fault(
        "Lwt_stream",
        "a loop does not put the exception of its callback into its promise, but lets it leave",
        "            stopped = self.is_own and _stop_iteration(exception)",
        "            if self.is_loop:\n                raise\n"
        "            stopped = self.is_own and _stop_iteration(exception)",
    ),
    fault(
        "Lwt_stream",
        "filter gives the element that it has waited for, also if that does not satisfy",
        "if self._function(taken.value):",
        "if self._function(taken.value) or self.requested is not None:",
    ),
)
