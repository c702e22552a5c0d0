"""What the build changes in the C code of mypyc: samples as it writes them."""

import weakref

import pytest

import lwt_unix
from build_backend.mending import HELPERS_TEXT, mended, weakly_referenced
from lwt import lwt_condition, lwt_mutex, lwt_mvar

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

METHODS = """
static PyMethodDef sequentialmodule_methods[] = {
    {"bind", (PyCFunction)CPyPy_sequential___bind, METH_FASTCALL | METH_KEYWORDS, PyDoc_STR("bind(promise, /)\\n--\\n\\n")},
    {NULL, NULL, 0, NULL}
};
"""

CLASS = """
static PyGetSetDef promise___Promise_getseters[] = {
    {"_state",
     (getter)promise___Promise_get__state, (setter)promise___Promise_set__state,
     NULL, NULL},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict},
    {NULL}  /* Sentinel */
};
static int
promise___Promise_traverse(PromiseObject *self, visitproc visit, void *arg)
{
    if (CPyTagged_CheckLong(self->__state)) {
        Py_VISIT(CPyTagged_LongAsObject(self->__state));
    }
    int rv = 0;
    Py_VISIT(*((PyObject **)((char *)self + sizeof(PromiseObject))));
    Py_VISIT(*((PyObject **)((char *)self + sizeof(PyObject *) + sizeof(PromiseObject))));
    return rv;
}

static int32_t CPyDef_promise___Promise_clear(PyObject *cpy_r_self)
{
    PromiseObject *self = (PromiseObject *)cpy_r_self;
    Py_CLEAR(self->__value);
    Py_CLEAR(*((PyObject **)((char *)self + sizeof(PromiseObject))));
    return 0;
}
static PyTypeObject CPyType_promise___Promise_template_ = {
    .tp_name = "Promise",
    .tp_members = promise___Promise_members,
    .tp_basicsize = sizeof(PromiseObject) + 2*sizeof(PyObject *),
    .tp_dictoffset = sizeof(PromiseObject),
    .tp_weaklistoffset = sizeof(PromiseObject) + sizeof(PyObject *),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_MANAGED_DICT,
};
"""

CLASS_UNDER_3_12 = """
static int
promise___Promise_traverse(PromiseObject *self, visitproc visit, void *arg)
{
    Py_VISIT(self->__value);
    int rv = 0;
    rv = PyObject_VisitManagedDict((PyObject *)self, visit, arg);
    if (rv != 0) return rv;
    return rv;
}
static int32_t CPyDef_promise___Promise_clear_on_completion(PyObject *cpy_r_self)
{
    Py_CLEAR(self->__value);
    PyObject_ClearManagedDict((PyObject *)self);
    return 0;
}
"""

MAKES = """
static PyObject *
promise___Promise_new(PyTypeObject *type, PyObject *args, PyObject *kwds)
{
    if (type != CPyType_promise___Promise) {
        PyErr_SetString(PyExc_TypeError, "interpreted classes cannot inherit from compiled");
        return NULL;
    }
    PyObject *self = CPyDef_promise_____mypyc__Promise_setup((PyObject*)type);
    if (self == NULL)
        return NULL;
    return self;
}
"""

GENERATOR = """
CPyL75: ;
    ((AwaitObject *)cpy_r___mypyc_self__)->___mypyc_next_label__ = -1;
    cpy_r_r58 = CPyDef_promise_____await___3_Promise_gen_clear_on_completion(cpy_r___mypyc_self__);
    cpy_r_r59 = NULL;
"""

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
    assert text.startswith(INCLUDES + HELPERS_TEXT)
    return text.removeprefix(INCLUDES + HELPERS_TEXT)


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
    assert "refused" not in after_helpers(INSIDE_ANOTHER)


def test_an_argument_that_is_given_by_position_only_has_no_name() -> None:
    code = mended(INCLUDES + METHODS + ASKED_BY_ARRAY)
    assert 'kwlist[] = {"", 0};' in code


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


def test_a_class_has_no_attributes_but_its_own_and_no_place_for_weak_references() -> None:
    code = mended(CLASS)
    for name in "__dict__", "members", "dictoffset", "weaklist", "MANAGED", "2*sizeof", "(char *)":
        assert name not in code
    assert "_set__state" in code
    assert "Py_VISIT(CPyTagged_LongAsObject(self->__state));" in code
    assert "Py_CLEAR(self->__value);" in code
    assert ".tp_basicsize = sizeof(PromiseObject)," in code


def test_nor_is_a_dict_looked_for_where_python_manages_it() -> None:
    code = mended(CLASS_UNDER_3_12)
    assert "ManagedDict" not in code
    assert code.count("return rv;") == code.count("return 0;") == 1


def test_a_function_inside_another_keeps_its_attributes() -> None:
    function = CLASS.replace("promise___Promise", "promise___call_wrap_obj")
    assert mended(function) == function


def test_a_class_without_an_init_refuses_arguments() -> None:
    code = after_helpers(MAKES)
    assert "{ if (!takes(type, args, kwds)) return NULL;" in code


def test_a_stop_iteration_that_a_generator_raises_is_not_its_end() -> None:
    code = after_helpers(GENERATOR)
    assert "no_stop_iteration(cpy_r___mypyc_self__); cpy_r_r59 = NULL;" in code


def test_compiled_code_looks_for_signals_where_it_calls_something() -> None:
    code = after_helpers("cpy_r_r1 = PyObject_Vectorcall(cpy_r_f, 0, 0, 0);\n")
    assert code == "cpy_r_r1 = call_interruptibly(cpy_r_f, 0, 0, 0);\n"


def test_an_attribute_that_is_not_there_is_told_in_the_words_of_python() -> None:
    getter = (
        "PyErr_SetString(PyExc_AttributeError, \"attribute '_state' of 'Promise' undefined\");\n"
    )
    assert mended(getter) == getter.replace(
        "attribute '_state' of 'Promise' undefined", "'Promise' object has no attribute '_state'"
    )
    code = after_helpers('CPy_AttributeError("lwt/x.py", "f", "Promise", "_state", 3, globals);\n')
    assert code.startswith('no_attribute("lwt/x.py", "f", "Promise", "_state", 3, globals);')


def test_raising_looks_whether_it_is_an_exception() -> None:
    assert after_helpers("CPy_Raise(cpy_r_exception);\n") == "raise_exception(cpy_r_exception);\n"


def test_a_bool_is_no_number_for_an_argument() -> None:
    wrapper = ASKED_BY_ARRAY.replace(
        "likely(Py_TYPE(obj_promise) == CPyType_promise___Promise)", "PyLong_Check(obj_promise)"
    ).replace("arg_promise = obj_promise;", "arg_promise = PyFloat_AsDouble(obj_promise);")
    code = mended(INCLUDES + wrapper)
    assert "if (PyLong_CheckExact(obj_promise))" in code
    assert "arg_promise = number_of(obj_promise);" in code


DEALLOCATION = """
static void
lwt_mutex___Mutex_dealloc(lwt___lwt_mutex___MutexObject *self)
{
    PyObject_GC_UnTrack(self);
}
    .tp_basicsize = sizeof(lwt___lwt_mutex___MutexObject),
    .tp_basicsize = sizeof(lwt___lwt_mutex____UnlockingObject),
"""


def test_a_class_with_a_slot_for_weak_references_has_a_place_for_them_and_clears_it() -> None:
    code = weakly_referenced(DEALLOCATION, ["lwt/lwt_mutex.py"])
    assert code.count(".tp_weaklistoffset = sizeof(lwt___lwt_mutex___MutexObject)") == 1
    assert code.count("PyObject_ClearWeakRefs((PyObject *)self);") == 1
    assert ".tp_basicsize = sizeof(lwt___lwt_mutex____UnlockingObject),\n" in code


@pytest.mark.parametrize(
    "thing", [lwt_mutex.create(), lwt_mvar.create_empty(), lwt_condition.create(), lwt_unix.stdin]
)
def test_such_an_object_can_be_referred_to_weakly(thing: object) -> None:
    assert weakref.ref(thing)() is thing


def test_a_weak_reference_is_told_of_the_end() -> None:
    dead: list[object] = []
    reference = weakref.ref(lwt_mutex.create(), dead.append)
    assert reference() is None
    assert dead == [reference]
