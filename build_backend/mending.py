"""What is changed in the C code of mypyc 2.4, so that the compiled build behaves like the pure one.

- *Stores.* Any store may drop the last reference to something, and so run a finaliser. That must find
  the new value in place of the dead one. mypyc drops first and stores then.
- *Attributes.* mypyc gives generic classes a `__dict__` and a place for weak references, though they have
  `__slots__`. Under Python 3.11 it does not even clear the place: a weak reference to a promise that has
  died would crash. They get neither. A class that has `__weakref__` in its slots gets the place, and clears it.
  And a class without an `__init__` takes no arguments.
- *Arguments.* What Python calls is a wrapper, which refuses arguments by their number and types, with a
  text of its own. Here it calls the interpreted version of the function instead, which makes our checks
  (`lwt/_core/refused.py`); also for a bool or the like where a number is expected.
- *Operators.* Where an operand is refused, mypyc asks the other one for its method, also where that
  leads to the same place again. Here the method decides, and Python goes on from there.
- *StopIteration.* A generator that raises it would end with its value. As in Python, it raises a
  RuntimeError.
- *Exceptions.* What is no exception is not raised, and an attribute that is not there is told in Python's words.
- *Tracebacks.* Their entries name the source by its whole path, and are cheaper.
- *Signals.* Python runs the handlers of signals between two steps of a program. Compiled code has no such
  steps. It looks for signals now and then where it has called something that is not compiled.

`helpers.c` has what the changed code calls.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

HELPERS_TEXT: Final = Path(__file__).with_name("helpers.c").read_text(encoding="utf-8")
HELPERS: Final = re.findall(r"^(?:static [^(]*?|#define )(\w+)\(", HELPERS_TEXT, re.MULTILINE)
_CALLED_INSTEAD: Final = {
    "CPyList_SetItem": "set_item_safely",
    "CPy_AddTraceback": "add_traceback",
    "CPy_AttributeError": "no_attribute",
    "CPy_Raise": "raise_exception",
    "PyObject_Vectorcall": "call_interruptibly",
    "PyObject_VectorcallMethod": "call_method_interruptibly",
}

_STORE: Final = re.compile(
    r"(?P<check>if \((?P<place>\(\([^()]+\*\)\w+\)->\w+) != NULL\) \{\s*)?"
    r"CPy_DECREF\((?P<dropped>\(\([^()]+\*\)\w+\)->\w+)\);\s*(?(check)\}\s*)"
    r"(?P=dropped) = (?P<value>\w+);"
)
_OF_A_CLASS: Final = re.compile(
    r"^[ ]*(?:static PyGetSetDef (?P<attributes>\w+)_getseters\[\] = \{"
    r"|static PyTypeObject CPyType_(?P<type>\w+)_template_ = \{"
    r"|(?P<visited>\w+)_traverse\([^;{]*\)\s*\{"
    r"|static int32_t CPyDef_(?P<cleared>\w+?)_clear(?:_on_completion)?\([^;{]*\)\s*\{)"
    r".*?(?:\};|return rv;\s*\}|return 0;\s*\})",
    re.DOTALL | re.MULTILINE,
)
_ITS_DICT: Final = re.compile(
    r"^.*(?:\.tp_dictoffset|\.tp_members|\.tp_weaklistoffset|PyObject_GenericGetDict|ManagedDict\(|"
    r"\(char \*\)self \+|if \(rv != 0\)).*\n"
    r"| \+ 2\*sizeof\(PyObject \*\)| \| Py_TPFLAGS_MANAGED_DICT",
    re.MULTILINE,
)
_NO_ATTRIBUTE: Final = re.compile(r"attribute '(\w+)' of '(\w+)' undefined")
_MAKES: Final = re.compile(
    r"(_new\(PyTypeObject \*type, PyObject \*args, PyObject \*kwds\)\s*\{)"
    r"([^{}]*\{[^{}]*\}\s*PyObject \*self = \w+\(\(PyObject\*\)type\);\s*"
    r"if \(self == NULL\)\s*return NULL;\s*return self;)"
)
_RAISED: Final = re.compile(
    r"(___mypyc_next_label__ = -1;\s*cpy_r_r\d+ = \w+_clear_on_completion\((\w+)\);\s*)"
    r"(cpy_r_r\d+ = NULL;)"
)
_WRAPPER: Final = re.compile(
    r"PyObject \*CPyPy_(?P<function>\w+)\(PyObject \*self, PyObject \*"
    r"(?:const \*args, size_t nargs, PyObject \*kwnames|args, PyObject \*kw)\) \{"
    r".*?CPy_AddTraceback\([^;]*\);\s*return NULL;\s*\}",
    re.DOTALL,
)
_SIGNATURE: Final = re.compile(
    r"\(PyCFunction\)CPyPy_(?P<function>\w+),\s*METH_FASTCALL \| METH_KEYWORDS,\s*"
    r"PyDoc_STR\(\"\w+\((?:\$\w+, )?(?P<by_position>[^/\"]*), /"
)
_OPERATOR: Final = re.compile(
    r"static PyObject \*CPyDunder_(?P<method>__\w+?__)(?P<prefix>\w+)"
    r"\(PyObject \*obj_left, PyObject \*obj_right\) \{.*?\n\s*typefail: ;\s*"
    r"(?P<asks>return CPy_CallReverseOpMethod\([^;]*;)",
    re.DOTALL,
)


def mended(code: str) -> str:
    """Change the text of a C file of mypyc."""
    code = _OF_A_CLASS.sub(_without_a_dict, code)
    code = _MAKES.sub(r"\1 if (!takes(type, args, kwds)) return NULL; \2", code)
    code = _STORE.sub(
        lambda found: (
            f"{{ PyObject *dropped = {found['dropped']}; {found['dropped']} = {found['value']}; "
            f"CPy_XDECREF(dropped); }}"
        ),
        code,
    )
    by_position = {
        found["function"]: len(found["by_position"].split(", "))
        for found in _SIGNATURE.finditer(code)
    }
    code = _WRAPPER.sub(
        lambda found: _asking_the_interpreter(found[0], by_position.get(found["function"], 0)), code
    )
    code = _OPERATOR.sub(_deciding_alone, code)
    code = _RAISED.sub(r"\1no_stop_iteration(\2); \3", code)
    code = _NO_ATTRIBUTE.sub(r"'\2' object has no attribute '\1'", code)
    for theirs, ours in _CALLED_INSTEAD.items():
        code = re.sub(rf"\b{theirs}\(", f"{ours}(", code)
    if not any(f"{ours}(" in code for ours in HELPERS):
        return code
    at = code.index("\n", code.rindex("\n#include ") + 1) + 1
    return code[:at] + HELPERS_TEXT + code[at:]


def weakly_referenced(code: str, files: Iterable[str]) -> str:
    """Make a place for weak references in the classes of source files whose `__slots__` have one.

    It stands behind all else, so such a class must be final.
    """
    for file in files:
        module = file.removesuffix(".py").replace("/", "___")
        for node in ast.parse(Path(file).read_bytes()).body:
            if isinstance(node, ast.ClassDef) and "'__weakref__'" in ast.dump(node):
                struct = f"{module}___{node.name}Object"
                code = code.replace(
                    f".tp_basicsize = sizeof({struct}),",
                    f".tp_basicsize = sizeof({struct}) + sizeof(PyObject *),\n"
                    f"    .tp_weaklistoffset = sizeof({struct}),",
                )
                code = re.sub(
                    rf"(_dealloc\({struct} \*self\)\s*\{{\s*PyObject_GC_UnTrack\(self\);)",
                    r"\1 if (*(PyObject **)(self + 1) != NULL) PyObject_ClearWeakRefs((PyObject *)self);",
                    code,
                )
    return code


def _without_a_dict(found: re.Match[str]) -> str:
    """Take the `__dict__` and the place for weak references from what is made for a class.

    A function inside another is an object, too. It keeps them, as exceptions do.
    """
    text = found[0]
    name = next(name for name in found.groups() if name)
    if name.endswith("_obj") or "PyBaseExceptionObject" in text:
        return text
    return _ITS_DICT.sub("", text)


def _asking_the_interpreter(wrapper: str, by_position: int) -> str:
    """Let a wrapper call the interpreted function where it would raise.

    A name that the parser of arguments does not know is given by position only.
    """
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
    body = body.replace("PyLong_Check(obj_", "PyLong_CheckExact(obj_")  # A bool is no number.
    body = re.sub(r"= PyFloat_AsDouble\((obj_\w+)\);", r"= number_of(\1);", body)
    names, rest = body.split("};", 1)
    body = re.sub(r'"\w+"', '""', names, count=by_position) + "};" + rest if by_position else body
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
