"""Docstrings for C code of mypyc, which leaves them out: `help` shows them in the compiled build, too.

Python takes the text of a function or a class apart: what stands before `--` is its signature, which mypyc
writes. What follows is its docstring, which is added here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_WRAPPER: Final = re.compile(
    r"PyObject \*CPyPy_(?P<function>\w+)\(PyObject \*self, [^;{]*\{"
    r'.*?CPy_AddTraceback\("(?P<file>[^"]*)", "[^"]*", (?P<line>\d+),',
    re.DOTALL,
)
_FUNCTION: Final = re.compile(
    r'(\(PyCFunction\)CPyPy_(\w+),\s*[\w |]*,\s*PyDoc_STR\("[^"]*--\\n\\n)("\))'
)
_CLASS: Final = re.compile(
    r"(CPyType_(?P<name>\w+)_template_ = \{[^;]*?PyDoc_STR\()"
    r"(?:NULL|(?P<signature>\"[^\"]*--\\n\\n)\")\)"
)
# A class that Python makes, such as an exception, gets a text of mypyc's. The file and the line stand after it.
_MADE_BY_PYTHON: Final = re.compile(
    r"(= )CPyStatics\[\d+\](; /\* 'mypyc filler docstring' \*/[^{]*\{\s*"
    r'CPy_AddTraceback\("(?P<file>[^"]*)", "[^"]*", (?P<line>\d+),)'
)
_MODULE: Final = re.compile(r'(PyModuleDef_HEAD_INIT,\s*"([\w.]+)",\s*)NULL, /\* docstring \*/')


def documented(code: str, files: Iterable[str]) -> str:
    """Put the docstrings of source files, named from the top of the checkout, into C code."""
    at_line: dict[tuple[str, int], str] = {}
    others: dict[str, str] = {}
    for file in files:
        module = file.removesuffix(".py").replace("/", ".")
        tree = ast.parse(Path(file).read_bytes())
        others[module] = ast.get_docstring(tree) or ""
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                name = f"{module}.{node.name}".replace(".", "___")
                others[name] = at_line[file, node.lineno] = ast.get_docstring(node) or ""
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                at_line[file, node.lineno] = ast.get_docstring(node) or ""
    places = {
        found["function"]: (found["file"], int(found["line"])) for found in _WRAPPER.finditer(code)
    }

    def of_function(found: re.Match[str]) -> str:
        place = places.get(found[2], ("", 0))
        return found[1] + _in_c(at_line.get(place, "")) + found[3]

    def of_class(found: re.Match[str]) -> str:
        end = f"___{found['name']}"  # mypyc leaves out the folders, if that is still clear.
        text = _in_c(next((text for name, text in others.items() if name.endswith(end)), ""))
        if not text and found["signature"] is None:
            return found[0]
        return found[1] + (found["signature"] or '"') + text + '")'

    def of_class_of_python(found: re.Match[str]) -> str:
        text = _in_c(at_line.get((found["file"], int(found["line"])), ""))
        return (
            found[1] + (f'PyUnicode_InternFromString("{text}")' if text else "Py_None") + found[2]
        )

    code = _FUNCTION.sub(of_function, code)
    code = _CLASS.sub(of_class, code)
    code = _MADE_BY_PYTHON.sub(of_class_of_python, code)
    return _MODULE.sub(lambda found: f'{found[1]}"{_in_c(others.get(found[2], ""))}",', code)


def _in_c(text: str) -> str:
    """Write a text inside a string of C: what is no letter, digit or space is written as its number."""
    return re.sub(
        rb"[^\w ]", lambda found: b"\\%03o" % found[0][0], text.encode(), flags=re.ASCII
    ).decode()
