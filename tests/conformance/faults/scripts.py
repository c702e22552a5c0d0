"""Faults put into input and output on purpose."""

from __future__ import annotations

from typing import Final

from tests.conformance.faults.fault import fault

IO_FAULTS: Final = (
    fault(
        "Lwt_unix",
        "close and abort reject the writers before the readers",
        "readers, writers, retrying = descriptor._readers, descriptor._writers",
        "writers, readers, retrying = descriptor._readers, descriptor._writers",
    ),
    fault(
        "Lwt_unix",
        "who waits for a descriptor is served last come, first",
        """\
        if last is None:
            self.first = pending
        else:
            last.next = pending
        self.last = pending
""",
        """\
        pending.previous, pending.next = None, self.first
        if self.first is None:
            self.last = pending
        else:
            self.first.previous = pending
        self.first = pending
""",
    ),
    fault(
        "Lwt_unix",
        "only one waiter is asked in each turn",
        "pending = self.try_again(pending) if pending.queue is self else pending.next",
        "self.try_again(pending); pending = None",
    ),
    fault(
        "Lwt_unix",
        "an action that wants to read waits to write",
        "    if isinstance(exn, Retry_read):\n        return Read",
        "    if isinstance(exn, Retry_read):\n        return Write",
    ),
    fault(
        "Lwt_unix",
        "aborting a second time does not replace the exception",
        "if descriptor._state is not Closed:",
        "if descriptor._state is not Closed and not isinstance(descriptor._state, Aborted):",
    ),
    fault(
        "Lwt_io",
        "who waits for a channel may be overtaken",
        "channel._state = WAITING if someone_waits else IDLE",
        "channel._state = IDLE",
    ),
    fault(
        "Lwt_io",
        "what is left after a partial write is lost",
        "            del self.unwritten[:count]\n",
        "            self.unwritten.clear()\n",
    ),
    fault(
        "Lwt_io",
        "a carriage return at the end of a line longer than the buffer stays",
        r'return self.line(line[:-1] if line.endswith(b"\r") else line)',
        "return self.line(line)",
    ),
    fault(
        "Lwt_io",
        "a full buffer is written out before it needs to be",
        "if len(unwritten) + len(data) > buffer.size or",
        "if len(unwritten) + len(data) >= buffer.size or",
    ),
    fault(
        "Lwt_io",
        "an error of an automatic flush loses the bytes",
        "                return False  # The bytes stay in the buffer.\n",
        "                buffer.unwritten.clear()\n                return False\n",
    ),
    fault(
        "Lwt_io",
        "closing an output channel does not flush it",
        "    await _flush_quietly(channel._buffer)\n    await abort",
        "    await abort",
    ),
    fault(
        "Lwt_io.server",
        "a client is closed before the hook hears of its exception",
        """\
        try:
            report(exception)
        finally:
            self._end()
""",
        """\
        try:
            self._end()
        finally:
            report(exception)
""",
    ),
    fault(
        "Lwt_io.server",
        "a client that its function has closed is closed again",
        "    if client._state is not lwt_unix.Closed:\n        closed =",
        "    if True:\n        closed =",
    ),
    fault(
        "Lwt_io.server",
        "shutting down leaves the path behind",
        "            if is_path(self._address):",
        "            if False:",
    ),
)
