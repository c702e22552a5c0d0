"""What printed programs have in common: laying out text, and leaving out what is not needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from tests.conformance.forms import Form

SHORT: Final = 72
"""What is no longer than this may stand on one line."""

_DEFINED_IN_OCAML = re.compile(
    r"^(?:let rec|let|and|exception|external|type|module) (\w+)", re.MULTILINE
)
_DEFINED_IN_PYTHON = re.compile(
    r"^(?:def|class|import|from \w+ import) (\w+)|^(\w+(?:, \w+)*)(?:: [^=]+)? = ", re.MULTILINE
)
_WORD = re.compile(r"(?<![\w.'])[a-zA-Z_]\w*")  # not what is another module's or an attribute
_ASSIGNMENT = re.compile(r"\w+\[\d+\] = ")
_COMMENT = re.compile(r"\(\*.*?\*\)|^#[^\n]*|  #[^\n]*", re.MULTILINE | re.DOTALL)
_IMPORTS = re.compile(r"\A((?:(?:import|from) [^\n]*\n)+)")

OCAML_BEGINNING: Final = """
open Printf

exception E of int

exception Empty_slot
"""

PYTHON_BEGINNING: Final = """
import errno

import os

from collections import deque

from functools import partial

{imports}

class E(Exception): pass

class EmptySlot(Exception): pass

def throw(exn): raise exn
"""

MODULES: Final = {
    "lwt": (
        *("condition", "list", "mutex", "mvar", "pool", "pqueue", "result", "seq"),
        *("sequence", "stream", "switch"),
    ),
    "lwt_unix": ("engine", "io"),
}


def ocaml_program(preamble: str, body: str) -> str:
    """Put before a text what it uses of a preamble."""
    return _with_preamble(f"{OCAML_BEGINNING}\n{preamble.lstrip()}", body)


def python_program(preamble: str, body: str) -> str:
    """Put before a text what it uses of a preamble, and the imports."""
    imports: list[str] = []
    for package, modules in MODULES.items():
        imports.append(f"import {package}")
        imports += [f"from {package} import lwt_{module}" for module in modules]
    beginning = PYTHON_BEGINNING.format(imports="\n\n".join(imports))
    text = _with_preamble(f"{beginning}\n{preamble.lstrip()}", body)
    return _IMPORTS.sub(r"\1\n", text)


def _with_preamble(preamble: str, body: str) -> str:
    """Leave out what is not used.

    The preamble is made of paragraphs. One that defines names is left out if none of them is
    found in what comes after it and is kept.
    """
    kept: list[str] = []
    words = _words(body)
    for paragraph in reversed(preamble.strip().split("\n\n")):
        names = set(_DEFINED_IN_OCAML.findall(paragraph))
        for name, row in _DEFINED_IN_PYTHON.findall(paragraph):
            names |= {name} if name else {*row.split(", ")}
        if not names or names & words:
            kept.append(paragraph)
            words |= _words(paragraph)
    return "\n".join([*reversed(kept), "", body, ""])


def _words(text: str) -> set[str]:
    return set(_WORD.findall(_COMMENT.sub("", text)))


def indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


# OCaml: a text is an expression, of one line or several


def ocaml_function(argument: str, steps: Sequence[str]) -> str:
    """Write a function that does one thing after another, in parentheses."""
    line = f"(fun {argument} -> {'; '.join(steps)})"
    if len(line) <= SHORT and "\n" not in line:
        return line
    body = ";\n".join(steps).replace("\n", "\n  ")
    return f"(fun {argument} ->\n  {body})"


def ocaml_list(items: Sequence[str]) -> str:
    """Write a list, with an element on each line if it is long."""
    line = f"[{'; '.join(items)}]"
    if len(line) <= SHORT and "\n" not in line:
        return line
    body = ";\n".join(items).replace("\n", "\n  ")
    return f"[\n  {body}]"


# Python: an expression, and before it the functions that it needs

Python: TypeAlias = tuple[list[str], str]
"""Lines that define functions, and an expression."""


def python_function(
    name: str, argument: str, statements: Iterable[Python], end: str = ""
) -> list[str]:
    """Write a function that executes statements and ends with a line, if it is given one."""
    body: list[str] = []
    for definitions, expression in statements:
        body += [*definitions, expression]
    body += [end] if end else []
    return [f"def {name}({argument}):", *indented(body or ["pass"])]


def python_call(function: str, statement: Python) -> Python:
    """Write a call of a function with a function that executes a statement."""
    definitions, expression = statement
    if not definitions and not _ASSIGNMENT.match(expression):
        return [], f"{function}lambda: {expression})"
    body = indented([*definitions, expression])
    return ["def statement():", *body], f"{function}statement)"


def python_steps(statements: Iterable[Python]) -> str:
    """Write the statements of a program, each handed over to the function `step`."""
    lines: list[str] = []
    for number, statement in enumerate(statements):
        definitions, call = python_call(f"step({number}, ", statement)
        lines += [*definitions, call]
    return "\n".join(lines)


def ocaml_steps(statements: Iterable[str]) -> str:
    """Write the statements of a program, each handed over to the function `step`."""
    return "\n".join(
        f"let () = step {number} {ocaml_function('()', [statement])}"
        for number, statement in enumerate(statements)
    )


def numbers_of(forms: Iterable[Form]) -> list[int]:
    return [form for form in forms if isinstance(form, int)]
