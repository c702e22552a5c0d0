"""The compiled build: what a compiled function does with arguments that it refuses.

Compiled code takes an argument only if it is of the type that is written in the source. So the checks
inside the function, which say what is wrong in our words, would never see another. Where such code is
called with other arguments, by their types or by their number, it calls the interpreted version of the same
function instead, which this module makes from the source. That raises as the pure build does.

The build tells the C code to do so (`build_backend/mending.py`).
"""

from __future__ import annotations
import __future__

import ast
import sys
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

_FUTURE = __future__.annotations.compiler_flag


def interpreted_version(namespace: dict[str, Any], name: str, line: int) -> FunctionType | None:
    """Make the interpreted version of a function that begins at a line of a module's source.

    Return None if there is none: the function stands inside another one, or the source is missing.
    """
    module: str = namespace["__name__"]
    return _version_of(module, name, line)


@cache
def _version_of(module: str, name: str, line: int) -> FunctionType | None:
    namespace = vars(sys.modules[module])
    path = Path(namespace["__file__"]).with_name(f"{module.rpartition('.')[2]}.py")
    if not path.exists():
        return None
    for outer in ast.parse(path.read_bytes()).body:
        for statement in outer.body if isinstance(outer, ast.ClassDef) else [outer]:
            if (
                isinstance(statement, ast.FunctionDef)
                and statement.name == name
                and statement.lineno == line
            ):
                statement.decorator_list = []
                return _made(statement, outer, str(path), namespace)
    return None


def _made(
    function: ast.FunctionDef, outer: ast.stmt, path: str, namespace: dict[str, Any]
) -> FunctionType:
    """Define a function, with the names of its module; in a class of that name if it is a method."""
    if isinstance(outer, ast.ClassDef):
        outer.bases, outer.keywords, outer.decorator_list = [], [], []
        outer.body = [function]
    made: dict[str, Any] = {}
    exec(compile(ast.Module([outer], []), path, "exec", _FUTURE), namespace, made)
    if isinstance(outer, ast.ClassDef):
        made = vars(made[outer.name])
    version: FunctionType = made[function.name]
    return version
