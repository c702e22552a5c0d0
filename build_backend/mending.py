"""What is changed in the C code of mypyc 2.4, so that the compiled build behaves like the pure one.

- *Stores.* Any store may drop the last reference to something, and so run a finaliser. That must find
  the new value in place of the dead one. mypyc drops first and stores then.
- *Weak references.* Under Python 3.11, mypyc gives generic classes a place for them, which it does not
  clear: one to a promise that has died would crash. It gets no place.
- *Arguments.* What Python calls is a wrapper, which refuses arguments by their number and types, with a
  text of its own. Here it calls the interpreted version of the function instead, which makes our checks
  (`lwt/_core/refused.py`).
- *Operators.* Where an operand is refused, mypyc asks the other one for its method, also where that
  leads to the same place again. Here the method decides, and Python goes on from there.

`helpers.c` has what the changed code calls.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

HELPERS: Final = Path(__file__).with_name("helpers.c")

_STORE: Final = re.compile(
    r"(?P<check>if \((?P<place>\(\([^()]+\*\)\w+\)->\w+) != NULL\) \{\s*)?"
    r"CPy_DECREF\((?P<dropped>\(\([^()]+\*\)\w+\)->\w+)\);\s*(?(check)\}\s*)"
    r"(?P=dropped) = (?P<value>\w+);"
)
_WEAKLY: Final = re.compile(r"^.*\.tp_weaklistoffset =.*$", re.MULTILINE)
_WRAPPER: Final = re.compile(
    r"PyObject \*CPyPy_\w+\(PyObject \*self, PyObject \*"
    r"(?:const \*args, size_t nargs, PyObject \*kwnames|args, PyObject \*kw)\) \{"
    r".*?CPy_AddTraceback\([^;]*\);\s*return NULL;\s*\}",
    re.DOTALL,
)
_OPERATOR: Final = re.compile(
    r"static PyObject \*CPyDunder_(?P<method>__\w+?__)(?P<prefix>\w+)"
    r"\(PyObject \*obj_left, PyObject \*obj_right\) \{.*?\n\s*typefail: ;\s*"
    r"(?P<asks>return CPy_CallReverseOpMethod\([^;]*;)",
    re.DOTALL,
)


def mended(code: str) -> str:
    """Change the text of a C file of mypyc."""
    code = code.replace("CPyList_SetItem(", "set_item_safely(")
    code = _WEAKLY.sub("", code)
    code = _STORE.sub(
        lambda found: (
            f"{{ PyObject *dropped = {found['dropped']}; {found['dropped']} = {found['value']}; "
            f"CPy_XDECREF(dropped); }}"
        ),
        code,
    )
    code = _WRAPPER.sub(lambda found: _asking_the_interpreter(found[0]), code)
    code = _OPERATOR.sub(_deciding_alone, code)
    if not re.search(r"set_item_safely\(|refused\(|refused_array\(", code):
        return code
    at = code.index("\n", code.rindex("\n#include ") + 1) + 1
    return code[:at] + HELPERS.read_text(encoding="utf-8") + code[at:]


def _asking_the_interpreter(wrapper: str) -> str:
    """Let a wrapper call the interpreted function where it would raise."""
    header, body = wrapper.split("{", 1)
    if (
        "obj___mypyc_self__" in body
    ):  # It is inside another function, which alone knows its variables.
        return wrapper
    place = body[body.rindex("CPy_AddTraceback(") :].split("(", 1)[1].split(");", 1)[0]
    self = "self" if re.search(r"PyObject \*obj_\w+ = self;", body) else "NULL"
    is_array = "*const *args" in header
    given = "args, nargs, kwnames" if is_array else "args, kw"
    raised = f"return {'refused_array' if is_array else 'refused'}({place}, {self}, {given});"
    body = re.sub(r"(if \(!CPyArg_Parse[^{;]*\{\s*)return NULL;", rf"\1{raised}", body, count=1)
    return header + "{" + re.sub(r"CPy_AddTraceback\([^;]*\);\s*return NULL;", raised, body)


def _deciding_alone(found: re.Match[str]) -> str:
    """Let the method of an operator decide about a wrong operand, if it is that of the left one."""
    method, prefix = found["method"], found["prefix"]
    decides = (
        f"if (PyObject_TypeCheck(obj_left, CPyType_{prefix})) "
        f"return CPyPy_{prefix}___{method}(obj_left, &obj_right, 1, NULL);\n"
        f"return Py_NewRef(Py_NotImplemented);"
    )
    return found[0].replace(found["asks"], decides)
