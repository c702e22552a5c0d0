"""Programs as data, and their text: what all languages of random programs have in common.

A program is a row of statements. A statement is a tuple of a word and its arguments,
which are words, numbers and tuples of these. Its text is one line:

    (task 0) (bind 1 0 (do 1 (cancel 2) (argument))) (wakeup 0 7)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Form = Any  # int | str | tuple[Form, ...]; a recursive union would need a cast at each use
Program = tuple[Form, ...]


def show(program: Program) -> str:
    """Return the text of a program."""
    return " ".join(_show_form(form) for form in program)


def _show_form(form: Form) -> str:
    return f"({show(form)})" if isinstance(form, tuple) else str(form)


def parse(text: str) -> Program:
    """Read a program from its text."""
    tokens = iter(re.findall(r"[()]|[^\s()]+", text))

    def forms() -> Iterator[Form]:
        for token in tokens:
            if token == ")":
                return
            if token == "(":
                yield tuple(forms())
            else:
                yield int(token) if token.removeprefix("-").isdigit() else token

    return tuple(forms())
