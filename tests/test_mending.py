"""What the build changes in the C code of mypyc: samples as it writes them."""

from build_backend.mending import HELPERS, mended

INCLUDES = '#include "__native.h"\n#include "__native_internal.h"\n'

ASKED_BY_ARRAY = """
PyObject *CPyPy_sequential___bind(PyObject *self, PyObject *const *args, size_t nargs, PyObject *kwnames) {
    static const char * const kwlist[] = {"promise", 0};
    static CPyArg_Parser parser = {"O:bind", kwlist, 0};
    PyObject *obj_promise;
    if (!CPyArg_ParseStackAndKeywordsOneArg(args, nargs, kwnames, &parser, &obj_promise)) {
        return NULL;
    }
    PyObject *arg_promise;
    if (likely(Py_TYPE(obj_promise) == CPyType_promise___Promise))
        arg_promise = obj_promise;
    else {
        CPy_TypeError("lwt._core.promise.Promise", obj_promise);
        goto fail;
    }
    PyObject *retval = CPyDef_sequential___bind(arg_promise);
    return retval;
fail: ;
    CPy_AddTraceback("lwt/_core/sequential.py", "bind", 50, CPyStatic_sequential___globals);
    return NULL;
}
"""

ASKED_BY_TUPLE = """
PyObject *CPyPy_ref___Ref_____init__(PyObject *self, PyObject *args, PyObject *kw) {
    PyObject *obj_self = self;
    static const char * const kwlist[] = {"contents", 0};
    PyObject *obj_contents;
    if (!CPyArg_ParseTupleAndKeywords(args, kw, "O", "__init__", kwlist, &obj_contents)) {
        return NULL;
    }
    char retval = CPyDef_ref___Ref_____init__(obj_self, obj_contents);
    if (retval == 2) {
        return NULL;
    }
    PyObject *retbox = Py_None;
    return retbox;
fail: ;
    CPy_DECREF(obj_contents);
    CPy_AddTraceback("lwt/_core/ref.py", "__init__", 20, CPyStatic_ref___globals);
    return NULL;
}
"""

INSIDE_ANOTHER = ASKED_BY_TUPLE.replace("obj_self", "obj___mypyc_self__")

OPERATOR = """
static PyObject *CPyDunder___and__promise___Promise(PyObject *obj_left, PyObject *obj_right) {
    PyObject *arg_left;
    if (likely(Py_TYPE(obj_left) == CPyType_promise___Promise))
        arg_left = obj_left;
    else {
        goto typefail;
    }
    return CPyDef_promise___Promise_____and__(arg_left, obj_right);
typefail: ;
    return CPy_CallReverseOpMethod(obj_left, obj_right, "&", mypyc_interned_str.__rand__);
}
"""

STORES = """
    if (((PromiseObject *)cpy_r_self)->_value != NULL) {
        CPy_DECREF(((PromiseObject *)cpy_r_self)->_value);
    }
    ((PromiseObject *)cpy_r_self)->_value = cpy_r_value;
    CPy_DECREF(((PromiseObject *)cpy_r_self)->_callbacks);
    ((PromiseObject *)cpy_r_self)->_callbacks = cpy_r_r7;
"""


def after_helpers(code: str) -> str:
    """Mend a sample; return what follows the helpers."""
    text = mended(INCLUDES + code)
    assert text.startswith(INCLUDES + HELPERS.read_text())
    return text.removeprefix(INCLUDES + HELPERS.read_text())


def test_a_wrapper_calls_the_interpreted_function_wherever_it_refuses_arguments() -> None:
    code = after_helpers(ASKED_BY_ARRAY)
    place = '"lwt/_core/sequential.py", "bind", 50, CPyStatic_sequential___globals'
    call = f"return refused_array({place}, NULL, args, nargs, kwnames);"
    assert code.count(call) == 2
    assert "return NULL" not in code
    assert "CPy_AddTraceback" not in code


def test_a_method_hands_on_itself_and_what_it_holds_is_dropped_before() -> None:
    code = after_helpers(ASKED_BY_TUPLE)
    call = 'return refused("lwt/_core/ref.py", "__init__", 20, CPyStatic_ref___globals, self, args, kw);'
    assert code.count(call) == 2
    assert code.count("return NULL") == 1, "what the function itself raises is not about arguments"
    assert f"CPy_DECREF(obj_contents);\n    {call}" in code


def test_a_function_inside_another_stays_as_it_is() -> None:
    assert mended(INCLUDES + INSIDE_ANOTHER) == INCLUDES + INSIDE_ANOTHER


def test_the_method_of_an_operator_decides_about_a_wrong_operand() -> None:
    code = mended(INCLUDES + OPERATOR)
    assert "CPy_CallReverseOpMethod" not in code
    assert "return CPyPy_promise___Promise_____and__(obj_left, &obj_right, 1, NULL);" in code
    assert "return Py_NewRef(Py_NotImplemented);" in code


def test_a_new_value_is_stored_before_the_old_one_is_dropped() -> None:
    stores = "".join(
        f"{{ PyObject *dropped = {place}; {place} = {value}; CPy_XDECREF(dropped); }}"
        for place, value in [
            ("((PromiseObject *)cpy_r_self)->_value", "cpy_r_value"),
            ("((PromiseObject *)cpy_r_self)->_callbacks", "cpy_r_r7"),
        ]
    )
    assert "".join(mended(INCLUDES + STORES).split()) == "".join((INCLUDES + stores).split())


def test_an_item_of_a_list_is_stored_before_the_old_one_is_dropped() -> None:
    code = after_helpers("cpy_r_r2 = CPyList_SetItem(cpy_r_list, cpy_r_index, cpy_r_value);\n")
    assert code == "cpy_r_r2 = set_item_safely(cpy_r_list, cpy_r_index, cpy_r_value);\n"


def test_no_class_has_a_place_for_weak_references() -> None:
    assert mended("    .tp_weaklistoffset = sizeof(PromiseObject),\n") == "\n"
