"""Docstrings in the compiled build: samples as mypyc writes them, and what users read."""

import ast
import inspect
from pathlib import Path

import pytest

import lwt
import lwt_unix
from build_backend.docstrings import documented
from lwt import lwt_mvar, lwt_stream
from lwt._core import promise as module_of_promises
from lwt_unix import lwt_io
from tests.support.modules import MODULES

SOURCE = '''"""About the module."""

class Thing:
    """Say "why"; it costs 3 ¢."""

    def use(self) -> None:
        """Use the thing.

        As often as you like.
        """

def bare() -> None:
    pass

class Problem(Exception):
    """Tell what is wrong."""

class Shared:
    """Belong to many."""
'''

CODE = r"""
static PyMethodDef thing_methods[] = {
    {"use",
     (PyCFunction)CPyPy_things___Thing___use,
     METH_FASTCALL | METH_KEYWORDS, PyDoc_STR("use($self)\n--\n\n")},
    {"bare", (PyCFunction)CPyPy_things___bare, METH_FASTCALL | METH_KEYWORDS, PyDoc_STR("bare()\n--\n\n")},
};
static PyTypeObject CPyType_things___Thing_template_ = {
    .tp_basicsize = sizeof(PyBaseExceptionObject),
    .tp_doc = PyDoc_STR("Thing()\n--\n\n"),
};
PyObject *CPyPy_things___Thing___use(PyObject *self, PyObject *const *args, size_t nargs, PyObject *kwnames) {
    CPy_AddTraceback("some/things.py", "use", 6, CPyStatic_things___globals);
}
PyObject *CPyPy_things___bare(PyObject *self, PyObject *const *args, size_t nargs, PyObject *kwnames) {
    CPy_AddTraceback("some/things.py", "bare", 12, CPyStatic_things___globals);
}
static PyTypeObject CPyType_things___Shared_template_ = {
    .tp_basicsize = sizeof(some___things___SharedObject) + sizeof(PyObject *),
    .tp_doc = PyDoc_STR(NULL),
};
char CPyDef_things_____top_level__(void) {
    cpy_r_r187 = CPyStatics[295]; /* 'mypyc filler docstring' */
    cpy_r_r188 = CPyStatics[296]; /* '__doc__' */
    cpy_r_r189 = CPyDict_SetItem(cpy_r_r172, cpy_r_r188, cpy_r_r187);
    cpy_r_r190 = cpy_r_r189 >= 0;
    if (unlikely(!cpy_r_r190)) {
        CPy_AddTraceback("some/things.py", "<module>", 15, CPyStatic_things___globals);
    }
}
static struct PyModuleDef thingsmodule = {
    PyModuleDef_HEAD_INIT,
    "some.things",
    NULL, /* docstring */
};
"""


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The sample, with the docstrings of its source."""
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "things.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    return documented(CODE, ["some/things.py"])


def test_a_method_has_the_docstring_that_stands_in_its_line(code: str) -> None:
    assert r'"use($self)\n--\n\nUse the thing\056\012\012As often as you like\056"' in code


def test_a_function_without_one_stays_as_it_is(code: str) -> None:
    assert r'PyDoc_STR("bare()\n--\n\n")' in code


def test_a_class_has_its_own_whatever_letters_are_in_it(code: str) -> None:
    assert r'"Thing()\n--\n\nSay \042why\042\073 it costs 3 \302\242\056"' in code


def test_a_class_without_a_signature_has_its_own(code: str) -> None:
    assert '.tp_doc = PyDoc_STR("Belong to many\\056"),' in code


def test_a_class_that_python_makes_has_its_own(code: str) -> None:
    assert 'cpy_r_r187 = PyUnicode_InternFromString("Tell what is wrong\\056");' in code


def test_a_module_has_its_own(code: str) -> None:
    assert '"some.things",\n    "About the module\\056",' in code


def test_in_both_builds_help_shows_what_the_source_says() -> None:
    tree = ast.parse(MODULES["lwt._core.promise"].read_text())
    (in_the_source,) = (
        ast.get_docstring(node)
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == "Promise"
    )
    assert inspect.getdoc(lwt.Promise) == in_the_source
    assert inspect.getdoc(module_of_promises) == ast.get_docstring(tree)
    assert (inspect.getdoc(lwt.bind) or "").endswith(
        "\n\nOCaml: Lwt.bind : 'a t -> ('a -> 'b t) -> 'b t"
    )
    assert str(inspect.signature(lwt.wait)).startswith("()")
    for known in (
        lwt_mvar.t,
        lwt_stream.Closed,
        lwt_io.Channel_closed,
        lwt_io.Mode,
        lwt_unix.Retry,
    ):
        assert "\n\nOCaml: " in (inspect.getdoc(known) or "")
