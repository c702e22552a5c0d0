"""Faults put into our library on purpose, to show that the comparison finds them.

A fault is a change of the text of a module, made while the module is imported, in a process
of its own. `python -m tests.conformance faults` tells after how many programs each is found.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Final

from tests.conformance.lwt_unix_faults import IO_FAULTS


@dataclass(frozen=True)
class Fault:
    """Something to be wrong with a module: each text is there once, and is replaced."""

    what: str
    module: str
    changes: tuple[tuple[str, str], ...]
    language: str = "Lwt"


def _fault(what: str, module: str, *texts: str, language: str = "Lwt") -> Fault:
    return Fault(what, module, tuple(zip(texts[::2], texts[1::2], strict=True)), language)


FAULTS: Final = [
    _fault(
        "callbacks run in reverse, oldest first",
        "lwt._resolution",
        "callbacks.pop().run(promise)",
        "callbacks.pop(0).run(promise)",
    ),
    _fault(
        "cancel callbacks run in reverse, oldest first",
        "lwt._resolution",
        "callbacks.pop().run_cancel()",
        "callbacks.pop(0).run_cancel()",
    ),
    _fault(
        "cancel callbacks run after the regular ones",
        "lwt._resolution",
        """\
            if promise._cancel_callbacks is not None:
                _run_cancel_callbacks(promise)
            callbacks = promise._callbacks
""",
        """\
            callbacks = promise._callbacks
""",
        """\
            else:
                promise._callbacks = None
""",
        """\
            else:
                promise._callbacks = None
                if promise._cancel_callbacks is not None:
                    _run_cancel_callbacks(promise)
""",
    ),
    _fault(
        "wakeup_later runs callbacks at once, also inside of callbacks",
        "lwt._resolution",
        "if resolution.depth >= 1:",
        "if resolution.depth < 0:",
    ),
    _fault(
        "what wakeup_later defers runs newest first",
        "lwt._resolution",
        "promise = resolution.deferred.popleft()",
        "promise = resolution.deferred.pop()",
    ),
    _fault(
        "wakeup defers callbacks from a depth of 42 on",
        "lwt._resolution",
        """\
    if resolution.nesting >= MAXIMUM_NESTING:
        postpone_action(run_callbacks, promise)
        return
""",
        """\
    if resolution.depth >= 42:
        resolution.deferred.append(promise)
        return
""",
    ),
    _fault(
        "the storage is not restored after callbacks",
        "lwt._resolution",
        """\
                resolution.depth -= 1
                current_storage.contents = saved_storage
""",
        """\
                resolution.depth -= 1
""",
    ),
    _fault(
        "a proxy's callbacks come before those of the promise it stands for",
        "lwt._promise",
        "inner._callbacks + (outer._callbacks or [])",
        "(outer._callbacks or []) + inner._callbacks",
    ),
    _fault(
        "a proxy's cancel callbacks come before those of the promise it stands for",
        "lwt._promise",
        "inner._cancel_callbacks + (outer._cancel_callbacks or [])",
        "(outer._cancel_callbacks or []) + inner._cancel_callbacks",
    ),
    _fault(
        "what a promise waited for is not taken over from its proxy",
        "lwt._promise",
        "    outer._how_to_cancel = inner._how_to_cancel\n",
        "",
    ),
    _fault(
        "the storage is not restored after with_value when it ends in an exception",
        "lwt._storage",
        """\
    try:
        return function()
    finally:
        current_storage.contents = saved_storage
""",
        """\
    result = function()
    current_storage.contents = saved_storage
    return result
""",
    ),
    _fault(
        "the callback of bind sees the storage of whoever resolves the promise",
        "lwt._sequential",
        """\
        current_storage.contents = self._storage
        try:
            inner = self._callback(promise._value)
            if type(inner) is not Promise:
                inner = to_promise("bind", self._callback, inner)
""",
        """\
        try:
            inner = self._callback(promise._value)
            if type(inner) is not Promise:
                inner = to_promise("bind", self._callback, inner)
""",
    ),
    _fault(
        "cancel callbacks see the storage of whoever cancels",
        "lwt._cancellation",
        """\
        current_storage.contents = self._storage
        call_or_report(self._function)
""",
        """\
        call_or_report(self._function)
""",
    ),
    _fault(
        "of several cancelled promises, the first found has its callbacks run first",
        "lwt._cancellation",
        "remaining = reversed(canceled)",
        "remaining = iter(canceled)",
    ),
    _fault(
        "cancel searches the promises of join and pick from right to left",
        "lwt._cancellation",
        "to_visit.extend(reversed(how_to_cancel))",
        "to_visit.extend(how_to_cancel)",
    ),
    _fault(
        "no_cancel can be cancelled",
        "lwt._cancellation",
        "    follower: Promise[T] = Promise(PENDING, None)\n",
        "    follower: Promise[T] = Promise(PENDING, None, promise)\n",
    ),
    _fault(
        "join is rejected by the first rejection, without waiting for the others",
        "lwt._concurrent",
        """\
        if promise._state == REJECTED and self.rejection is None:
            self.rejection = promise._value
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
    _fault(
        "join is rejected by the last rejection",
        "lwt._concurrent",
        "if promise._state == REJECTED and self.rejection is None:",
        "if promise._state == REJECTED:",
    ),
    _fault(
        "pick cancels the others after it was resolved",
        "lwt._concurrent",
        """\
    return _cancel_and_settle(promises, picked, promise._state, promise._value)
""",
        """\
    follower = settle(picked, promise._state, promise._value)
    _cancel_all(promises)
    return follower
""",
    ),
    _fault(
        "choose takes a fulfilled promise where another is rejected",
        "lwt._concurrent",
        """\
    if rejected:
        rejected.reverse()
        return rejected
    return [p for p in promises if underlying(p)._state == FULFILLED]
""",
        """\
    rejected.reverse()
    return [p for p in promises if underlying(p)._state == FULFILLED] or rejected
""",
    ),
    _fault(
        "nchoose_split gives the pending promises in the order of the list, always",
        "lwt._concurrent",
        "            value[1].reverse()\n",
        "            pass\n",
    ),
    _fault(
        "npick collects the values after cancelling",
        "lwt._concurrent",
        """\
        state, value = _collect(sources)
        _cancel_all(sources)
        return Promise(state, value)
""",
        """\
        _cancel_all(sources)
        return Promise(*_collect(sources))
""",
    ),
    _fault(
        "wakeup raises if the promise was cancelled",
        "lwt._creation",
        "isinstance(promise._value.exception, Canceled)",
        "isinstance(promise._value.exception, MemoryError)",
    ),
    _fault(
        "wakeup_paused wakes the newest first",
        "lwt._pause",
        "remaining = iter(promises)",
        "remaining = reversed(promises)",
    ),
    _fault(
        "paused_count leaves out what was cancelled",
        "lwt._pause",
        "    return _paused.count\n",
        "    return sum(underlying(p)._state == PENDING for p in _paused.promises)\n",
    ),
    _fault(
        "poll gives None for a rejected promise",
        "lwt._query",
        """\
    if source._state == REJECTED:
        try:
            source._value.throw()
""",
        """\
    if source._state == PENDING:
        try:
            pass
""",
    ),
    _fault(
        "backtrace_bind does not mark the rejection of a promise that it waited for",
        "lwt._sequential",
        "        return rejection if self._add_location is None else located(rejection, self._add_location)\n",
        "        return rejection\n",
    ),
    _fault(
        "traversals from the right meet removed nodes",
        "lwt.lwt_sequence",
        """\
        if link.active:
            yield link
        link = link.previous
""",
        """\
        yield link
        link = link.previous
""",
        language="Lwt_sequence",
    ),
    _fault(
        "traversals from the left look for the next node before the visit",
        "lwt.lwt_sequence",
        """\
        if link.active:
            yield link
        link = link.next
""",
        """\
        active, current, link = link.active, link, link.next
        if active:
            yield current
""",
        language="Lwt_sequence",
    ),
    _fault(
        "transfer_l puts the elements to the right end",
        "lwt.lwt_sequence",
        "_splice(source, target, target.next)",
        "_splice(source, target.previous, target)",
        language="Lwt_sequence",
    ),
    _fault(
        "a node can be removed twice",
        "lwt.lwt_sequence",
        "    if node.active:\n        node.active = False\n",
        "    if True:\n        node.active = False\n",
        language="Lwt_sequence",
    ),
    _fault(
        "a push wakes the readers at once, also inside a callback",
        "lwt._stream_source",
        """\
            wakeup_later(resolver, None)

    def set_reference""",
        """\
            wakeup(resolver, None)

    def set_reference""",
        language="Lwt_stream",
    ),
    _fault(
        "a reader consumes the first element, also where another has taken its own",
        "lwt._stream",
        "    if node is stream._node:\n        stream._node = node.next",
        "    if stream._node is not stream._source.last:\n        stream._node = stream._node.next",
        language="Lwt_stream",
    ),
    _fault(
        "cancelling a reader cancels the source",
        "lwt._stream_source",
        """\
            if underlying(thread)._state == PENDING:
                return protected(thread)
""",
        """\
            if underlying(thread)._state == PENDING:
                return thread
""",
        language="Lwt_stream",
    ),
    _fault(
        "nget looks at its own place and not at that of the stream",
        "lwt._stream_read",
        """\
        data = stream._node.data  # Not the node's: as in OCaml.
        if data is None:
            break
        consume(stream, node)
        elements.append(data.value)
        node = node.next
    return elements


def njunk""",
        """\
        data = node.data
        if data is None:
            break
        consume(stream, node)
        elements.append(data.value)
        node = node.next
    return elements


def njunk""",
        language="Lwt_stream",
    ),
    _fault(
        "iter_n takes an element more than it has room for",
        "lwt._stream_traverse",
        "if available <= 0:\n            complete",
        "if available < 0:\n            complete",
        language="Lwt_stream",
    ),
    _fault(
        "parse does not put back what it has read",
        "lwt._stream_traverse",
        "        stream._node = node\n        rejected",
        "        rejected",
        language="Lwt_stream",
    ),
    _fault(
        "a bounded stream does not count what is let in by resize",
        "lwt._stream_source",
        "            self.count += 1\n            self.let_in()",
        "            self.let_in()",
        language="Lwt_stream",
    ),
    _fault(
        "a loop does not put the exception of its callback into its promise, but lets it leave",
        "lwt._stream_loop",
        "            try:\n                return settle(self._result, REJECTED, rejection_of(exception))",
        "            try:\n                raise",
        language="Lwt_stream",
    ),
    *(_fault(io.what, io.module, *io.texts, language=io.language) for io in IO_FAULTS),
]


def apply(fault: Fault) -> None:
    """Import our library with a fault, from now on in this process."""
    for name in [name for name in sys.modules if name.split(".")[0] == "lwt"]:
        raise RuntimeError(f"{name} is imported already: a fault needs a process of its own")
    sys.meta_path.insert(0, _Finder(fault))


def faulty_text(fault: Fault, text: str) -> str:
    """Return the text of a module with a fault.

    Raises:
        ValueError: the text has changed, and the fault is to be put in anew.
    """
    for old, new in fault.changes:
        if text.count(old) != 1:
            raise ValueError(
                f"{fault.module} has {text.count(old)} times, not once, what the fault "
                f"{fault.what!r} is to replace:\n{old}"
            )
        text = text.replace(old, new)
    return text


class _Finder(MetaPathFinder):
    """Finds one module, and has its text changed."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._fault.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec is not None and spec.origin is not None
        spec.loader = _Loader(fullname, spec.origin, self._fault)
        return spec


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, fault: Fault) -> None:
        super().__init__(fullname, path)
        self._fault = fault

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        text = self.get_data(path).decode()
        code: CodeType = compile(faulty_text(self._fault, text), path, "exec")
        return code
