"""Faults put into the core on purpose."""

from __future__ import annotations

from typing import Final

from tests.conformance.faults.fault import fault

LWT_FAULTS: Final = (
    fault(
        "Lwt",
        "callbacks run in reverse, oldest first",
        "callback = several.pop()",
        "callback = several.pop(0)",
    ),
    fault(
        "Lwt",
        "cancel callbacks run in reverse, oldest first",
        "callbacks.pop().run_cancel()",
        "callbacks.pop(0).run_cancel()",
    ),
    fault(
        "Lwt",
        "cancel callbacks run after the regular ones",
        """\
        while True:
            if promise._cancel_callbacks is not None:
                _run_cancel_callbacks(promise)
""",
        """\
        while True:
""",
        """\
            depth = resolution.depth
            if depth == 1""",
        """\
            if promise._cancel_callbacks is not None:
                _run_cancel_callbacks(promise)
            depth = resolution.depth
            if depth == 1""",
    ),
    fault(
        "Lwt",
        "wakeup_later runs callbacks at once, also inside of callbacks",
        "if resolution.depth >= 1:",
        "if resolution.depth < 0:",
    ),
    fault(
        "Lwt",
        "what wakeup_later defers runs newest first",
        "promise = resolution.deferred.popleft()",
        "promise = resolution.deferred.pop()",
    ),
    fault(
        "Lwt",
        "wakeup defers callbacks from a depth of 42 on",
        """\
    if nesting >= MAXIMUM_NESTING:
        postpone_action(run_callbacks, promise)
        return
""",
        """\
    if resolution.depth >= 42:
        resolution.deferred.append(promise)
        return
""",
    ),
    fault(
        "Lwt",
        "the storage is not restored after callbacks",
        """\
            current_storage.contents = saved_storage
            if interrupted:
""",
        """\
            if interrupted:
""",
    ),
    fault(
        "Lwt",
        "a proxy's callbacks come before those of the promise it stands for",
        "callbacks.oldest_first[_FRONT] = older.oldest_first",
        "callbacks.oldest_first += older.oldest_first",
        "callbacks.oldest_first.insert(0, older)",
        "callbacks.oldest_first.append(older)",
    ),
    fault(
        "Lwt",
        "a proxy's cancel callbacks come before those of the promise it stands for",
        "outer._cancel_callbacks[_FRONT] = inner._cancel_callbacks",
        "outer._cancel_callbacks += inner._cancel_callbacks",
    ),
    fault(
        "Lwt",
        "what a promise waited for is not taken over from its proxy",
        "outer._value = how_to_cancel",
        "pass",
    ),
    fault(
        "Lwt",
        "the storage is not restored after with_value when it ends in an exception",
        """\
    try:
        return function()
    except Exception as exception:
        explain_call(exception, "lwt.with_value", function, ())
        raise
    finally:
        current_storage.contents = saved_storage
""",
        """\
    result = function()
    current_storage.contents = saved_storage
    return result
""",
    ),
    fault(
        "Lwt",
        "the callback of bind sees the storage of whoever resolves the promise",
        """\
        current_storage.contents = self._storage
        try:
            inner = self._callback(promise._value)
            if type(inner) is not Promise:
                inner = to_promise("lwt.bind", self._callback, inner)
""",
        """\
        try:
            inner = self._callback(promise._value)
            if type(inner) is not Promise:
                inner = to_promise("lwt.bind", self._callback, inner)
""",
    ),
    fault(
        "Lwt",
        "cancel callbacks see the storage of whoever cancels",
        """\
        current_storage.contents = self._storage
        call_or_report("lwt.on_cancel", self._function)
""",
        """\
        call_or_report("lwt.on_cancel", self._function)
""",
    ),
    fault(
        "Lwt",
        "what finalize calls to clean up sees the storage of whoever resolves the promise",
        """\
        current_storage.contents = self._storage
        try:
            inner = _clean_up_then(""",
        """\
        try:
            inner = _clean_up_then(""",
    ),
    fault(
        "Lwt",
        "finalize does not leave its storage when the cleaning up is over",
        """\
        current_storage.contents = self._storage  # OCaml's is a `bind`, and leaves its storage.
""",
        "",
    ),
    fault(
        "Lwt",
        "of several cancelled promises, the first found has its callbacks run first",
        "remaining = reversed(canceled)",
        "remaining = iter(canceled)",
    ),
    fault(
        "Lwt",
        "cancel searches the promises of join and pick from right to left",
        "to_visit.extend(reversed(how_to_cancel))",
        "to_visit.extend(how_to_cancel)",
    ),
    fault(
        "Lwt",
        "no_cancel can be cancelled",
        "    follower: Promise[T] = new_promise(PENDING, None)\n",
        "    follower: Promise[T] = new_promise(PENDING, promise)\n",
    ),
    fault(
        "Lwt",
        "join is rejected by the first rejection, without waiting for the others",
        """\
        if promise._state == REJECTED:
            if self.rejection is None:
                self.rejection = promise._value
            else:
                promise._value.is_seen = True  # As above.
        self.remaining -= 1
""",
        """\
        if underlying(self._joined)._state != PENDING:
            return None
        if promise._state == REJECTED and self.rejection is None:
            return settle(self._joined, REJECTED, promise._value)
        self.remaining -= 1
""",
    ),
    fault(
        "Lwt",
        "join is rejected by the last rejection",
        "if self.rejection is None:",
        "if self.rejection is not promise._value:",
    ),
    fault(
        "Lwt",
        "pick cancels the others after it was resolved",
        """\
    return _cancel_and_settle(promises, picked, promise._state, promise._value)
""",
        """\
    follower = settle(picked, promise._state, promise._value)
    _cancel_all(promises)
    return follower
""",
    ),
    fault(
        "Lwt",
        "choose takes a fulfilled promise where another is rejected",
        """\
    if rejected:
        rejected.reverse()
        return rejected
    return resolved
""",
        """\
    rejected.reverse()
    return [p for p in promises if underlying(p)._state == FULFILLED] or rejected
""",
    ),
    fault(
        "Lwt",
        "nchoose_split gives the pending promises in the order of the list, always",
        "            value[1].reverse()\n",
        "            pass\n",
    ),
    fault(
        "Lwt",
        "npick collects the values after cancelling",
        """\
        state, value = _collect(sources)
        _cancel_all(sources)
        return new_promise(state, value)
""",
        """\
        _cancel_all(sources)
        return new_promise(*_collect(sources))
""",
    ),
    fault(
        "Lwt",
        "wakeup raises if the promise was cancelled",
        "isinstance(promise._value.exception, Canceled):\n        return None\n    raise ",
        "isinstance(promise._value.exception, MemoryError):\n        return None\n    raise ",
    ),
    fault(
        "Lwt",
        "abandon_wakeups does not run what was deferred",
        """\
        resolution.depth -= 1
        _run_deferred()
""",
        """\
        resolution.depth -= 1
""",
    ),
    fault(
        "Lwt",
        "abandon_wakeups leaves the storage alone",
        "        current_storage.contents = empty_storage\n\n\ndef resume",
        "\n\ndef resume",
    ),
    fault(
        "Lwt",
        "wakeup_paused wakes the newest first",
        "    now.reverse()\n    try:\n",
        "    try:\n",
    ),
    fault(
        "Lwt",
        "paused_count leaves out what was cancelled",
        "    return len(paused.promises)\n",
        "    return sum(underlying(p)._state == PENDING for p in paused.promises)\n",
    ),
    fault(
        "Lwt",
        "poll gives None for a rejected promise",
        """\
        return Some(source._value)
    if source._state == REJECTED:
        try:
            source._value.throw()
""",
        """\
        return Some(source._value)
    if source._state == PENDING:
        try:
            pass
""",
    ),
    fault(
        "Lwt",
        "backtrace_bind does not mark the rejection of a promise that it waited for",
        "        return rejection if self._add_location is None else located(rejection, self._add_location)\n",
        "        return rejection\n",
    ),
)
