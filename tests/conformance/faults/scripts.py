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
        "Lwt_io.files",
        "pread reads where the descriptor is",
        "(view,), file_offset)",
        "(view,), -1)",
        "read_now(descriptor, (view,), length, file_offset)",
        "read_now(descriptor, (view,), length, -1)",
    ),
    fault(
        "Lwt_io.files",
        "moving from where the descriptor is is moving from the beginning",
        "lseek, descriptor._fd, offset, whence.value)",
        "lseek, descriptor._fd, offset, whence.value & 2)",
    ),
    fault(
        "Lwt_io.files",
        "lstat follows a symbolic link",
        "partial(system.lstat, path)",
        "partial(system.stat, path)",
    ),
    fault(
        "Lwt_io.files",
        "opening does not make a file empty",
        "        bits |= _BITS[flag]\n",
        "        bits |= 0 if flag is O_TRUNC else _BITS[flag]\n",
    ),
    fault(
        "Lwt_io.files",
        "a file that is closed may be moved in",
        'check_opened("lwt_unix.lseek", descriptor)',
        "pass",
    ),
    fault(
        "Lwt_io.files",
        "asking for the length leaves a channel at the end of its file",
        '    await _go_to("length", buffer, buffer.offset)\n',
        "",
    ),
    fault(
        "Lwt_io.files",
        "moving elsewhere loses what waits to be written",
        """\
        while buffer.unwritten:
            await buffer.perform_io()
    elif""",
        """\
        buffer.unwritten.clear()
    elif""",
    ),
    fault(
        "Lwt_io.files",
        "moving elsewhere keeps what was read ahead",
        '        buffer.ahead = b""\n        buffer.position = 0\n\n\nasync def _length',
        "        pass\n\n\nasync def _length",
    ),
    fault(
        "Lwt_io.files",
        "with_file leaves the file open",
        "promise_of, function, f, channel), partial(close, channel))",
        "promise_of, function, f, channel), lambda: lwt.return_unit)",
    ),
    fault(
        "Lwt_io.files",
        "a temporary file stays",
        "lwt.bind(close(channel), lambda _: lwt_unix.unlink(path))",
        "close(channel)",
    ),
    fault(
        "Lwt_unix.jobs",
        "the oldest job is aborted first",
        "newest, _ = _jobs.popitem()",
        "newest = _jobs.pop(next(iter(_jobs)))",
    ),
    fault(
        "Lwt_unix.jobs",
        "waiting for jobs does not wait for the newest",
        "[one.finished for one in _jobs]",
        "[one.finished for one in _jobs][:-1]",
    ),
    fault(
        "Lwt_unix.jobs",
        "a job that was aborted is resolved again",
        "self._give(_jobs.pop(self, None) is self)",
        "self._give(_jobs.pop(self, self) is self)",
    ),
    fault(
        "Lwt_unix.jobs",
        "a notification that is to come once comes each time",
        "        if self._once:\n            self._is_stopped = True\n",
        "",
    ),
    fault(
        "Lwt_unix.jobs",
        "a notification that was sent before it was stopped comes",
        "        if self._is_stopped:\n            return\n        if self._once",
        "        if self._once",
    ),
    fault(
        "Lwt_unix.jobs",
        "the notification that was sent last comes first",
        "_sent.popleft()._deliver()",
        "_sent.pop()._deliver()",
    ),
    fault(
        "Lwt_unix.jobs",
        "what a notification sends comes in the same turn",
        "while number and _sent:",
        "while _sent:",
    ),
    fault(
        "Lwt_unix.messages",
        "a part that is cut off begins where it did",
        "                first.offset += count\n",
        "",
    ),
    fault(
        "Lwt_unix.messages",
        "parts without bytes are not empty",
        "not any(part.length for part in vectors._vectors)",
        "not vectors._vectors",
    ),
    fault(
        "Lwt_unix.messages",
        "the last part is filled first",
        "descriptor, parts, system.readv)",
        "descriptor, parts[::-1], system.readv)",
    ),
    fault(
        "Lwt_unix.messages",
        "more parts than the system takes are an error",
        "        del parts[_MOST_VECTORS:]\n",
        "",
    ),
    fault(
        "Lwt_unix.messages",
        "a message is sent without its descriptors",
        "system.sendmsg(socket_of(socket), parts, rights)",
        "system.sendmsg(socket_of(socket), parts)",
    ),
    fault(
        "Lwt_unix.messages",
        "the descriptors that come are in another order",
        "return count, fds.tolist()",
        "return count, fds.tolist()[::-1]",
    ),
    fault(
        "Lwt_unix.messages",
        "a message for an address goes to who is connected",
        "parts, rights, 0, address)",
        "parts, rights)",
    ),
    fault(
        "Lwt_unix.names",
        "a port is looked for with its bytes the other way round",
        "(_swapped(port), protocol)",
        "(port, protocol)",
    ),
    fault(
        "Lwt_unix.names",
        "a service has one other name at most",
        "_texts(found.s_aliases), port",
        "_texts(found.s_aliases)[:1], port",
    ),
    fault(
        "Lwt_unix.names",
        "of two types that are asked for, the first one counts",
        "hints._replace(type=kind.value)",
        "hints._replace(type=hints.type or kind.value)",
    ),
    fault(
        "Lwt_unix.names",
        "the usual name of a host is left out",
        "            from_python(address),\n            name,\n",
        '            from_python(address),\n            "",\n',
    ),
    fault(
        "Lwt_unix.names",
        "the worst address comes first",
        "for family, kind, protocol, name, address in found",
        "for family, kind, protocol, name, address in reversed(found)",
    ),
    fault(
        "Lwt_unix.names",
        "a service has the same name for datagrams as for streams",
        "system.getnameinfo(address, flags)",
        "system.getnameinfo(address, flags & ~python_socket.NI_DGRAM)",
    ),
    fault(
        "Lwt_unix.names",
        "a negative number of a user loses its sign",
        "return number & _MOST_NUMBER",
        "return abs(number)",
    ),
    fault(
        "Lwt_io.binary",
        "integers of 16 bits have no sign",
        'read_int16", f"{mark}h")',
        'read_int16", f"{mark}H")',
    ),
    fault(
        "Lwt_io.binary",
        "the first bytes of a number that has not come whole are lost",
        "        if end > len(buffer.ahead):\n",
        "        if end > len(buffer.ahead):\n            buffer.position = len(buffer.ahead)\n",
    ),
    fault(
        "Lwt_io.binary",
        "a number that has no room is written in part",
        "return None if put_in(self.buffer, self._data) else MORE",
        "room = self.buffer.size - len(self.buffer.unwritten)\n"
        "        self.buffer.unwritten += self._data[:room]\n"
        "        self._data = self._data[room:]\n"
        "        return MORE if self._data else None",
    ),
    fault(
        "Lwt_io.binary",
        "a float that is too large for single precision is the largest there is",
        "math.copysign(math.inf, value)",
        "math.copysign(3.4028234663852886e38, value)",
    ),
    fault(
        "Lwt_io.binary",
        "what is written into a byte array begins anew where the channel goes elsewhere",
        "            self.buffer.take_back(position)\n\n    def _read_from",
        "            self.array[:position] = bytes(position)\n"
        "            self.buffer.take_back(position)\n\n    def _read_from",
    ),
    fault(
        "Lwt_io.binary",
        "a channel on a byte array drops what was read when there is no more",
        "        self._read_from(len(self.content) - len(self.buffer.ahead))\n",
        "",
    ),
    fault(
        "Lwt_bytes",
        "a proxy is a copy",
        "    return buffer[offset : offset + length]\n\n\ndef extract",
        "    return memoryview(bytearray(buffer[offset : offset + length]))\n\n\ndef extract",
    ),
    fault(
        "Lwt_bytes",
        "blit to a place that overlaps copies what it has just written",
        "    target[target_offset : target_offset + length] = part\n",
        "    for i in range(length):\n        target[target_offset + i] = part[i]\n",
    ),
    fault(
        "Lwt_bytes",
        "the last byte of an array is outside",
        'if not 0 <= offset < len(buffer):\n        raise ValueError(\n            f"index',
        'if not 0 <= offset < len(buffer) - 1:\n        raise ValueError(\n            f"index',
    ),
    fault(
        "Lwt_bytes",
        "the target of blit is not looked at",
        "_check_parts(function, length, (source, source_offset), (target, target_offset))",
        "_check_parts(function, length, (source, source_offset))\n"
        "    target_offset = max(0, min(target_offset, len(target) - length))",
    ),
    fault(
        "Lwt_bytes",
        "a private array of a file is shared",
        "sharing = mmap.MAP_SHARED if shared else mmap.MAP_PRIVATE",
        "sharing = mmap.MAP_SHARED",
    ),
    fault(
        "Lwt_bytes",
        "a file does not grow",
        "    elif in_file < start + size:\n        _grow(fd, start + size)\n",
        "    size = min(size, max(0, in_file - start))\n",
    ),
    fault(
        "Lwt_bytes",
        "advice may begin anywhere in a page, if it is about nothing",
        "if start % page_size != 0:",
        "if length > 0 and start % page_size != 0:",
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
