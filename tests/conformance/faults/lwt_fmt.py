"""Faults put into formats and boxes on purpose."""

from __future__ import annotations

from typing import Final

from tests.conformance.faults.fault import fault

FMT_FAULTS: Final = (
    fault(
        "Lwt_fmt",
        "a hov box breaks its line at each hint",
        "        if box is Box.HOV:\n            return size > self._room\n",
        "        if box is Box.HOV:\n            return True\n",
    ),
    fault(
        "Lwt_fmt",
        "a plain box does not break its line where that moves to the left",
        "return size > self._room or self._current_indent > self._margin - width + token.offset",
        "return size > self._room",
    ),
    fault(
        "Lwt_fmt",
        "a plain box breaks a line that has just been broken",
        "        if self._is_new_line:\n            return False\n",
        "",
    ),
    fault(
        "Lwt_fmt",
        "a box that fills its line exactly is broken",
        "if box is not Box.V and size <= self._room:",
        "if box is not Box.V and size < self._room:",
    ),
    fault(
        "Lwt_fmt",
        "an indentation has no limit",
        "indent = min(self._max_indent, self._margin - width + offset)",
        "indent = self._margin - width + offset",
    ),
    fault(
        "Lwt_fmt",
        "a box begins however far to the right",
        "if self._margin - self._room > self._max_indent and self._boxes:",
        "if False:",
    ),
    fault(
        "Lwt_fmt",
        "the second number of a break hint is ignored",
        "self._break_line(width, token.offset)",
        "self._break_line(width, 0)",
    ),
    fault(
        "Lwt_fmt",
        "a size counts for the text of a format, and not for that of a directive",
        "            case _:\n                self._add_text(",
        "            case _:\n                self._size = None\n                self._add_text(",
    ),
    fault(
        "Lwt_fmt",
        "a text is written when the box ends, though it does not fit any more",
        "if self._entered - self._left < self._room:",
        "if self._entered < _INFINITY:",
    ),
    fault(
        "Lwt_fmt",
        "a flush leaves boxes open for what comes then",
        "        while self._depth > 1:\n            self._close_box()\n",
        "",
    ),
    fault(
        "Lwt_fmt",
        "a new margin leaves the limit of indentations as it is",
        "indent = max(margin - self._least_room, margin // 2, 1)",
        "indent = margin - 1",
    ),
    fault(
        "Lwt_fmt",
        "printers are called when the format is taken apart",
        "self._add(Call(function, printer, () if is_alone else (arguments.take(),)))",
        "value = () if is_alone else (arguments.take(),)\n"
        "                from lwt_unix import lwt_fmt\n"
        "                found_text: list[bytes] = []\n"
        "                out = lwt_fmt.Pretty_printer(lambda d, s, n: found_text.append(d[s:][:n]), list)\n"
        "                printer(out, *value)\n"
        "                out.flush()\n"
        '                self._add_text(b"".join(found_text))',
    ),
    fault(
        "Lwt_fmt",
        "the orders of a channel are carried out last come, first",
        "yield write_order(oc, orders.popleft())",
        "yield write_order(oc, orders.pop())",
    ),
    fault(
        "Lwt_fmt",
        "tags that are shown take room",
        "self._output(text, 0, len(text))  # It takes no room.",
        "self._output(text, 0, len(text)); self._room -= len(text)",
    ),
)
