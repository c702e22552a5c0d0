/* What mended C code calls. `mending.py` puts this text into each C file, behind its #include lines. */

/* Store into a list so that what is dropped dies last: a finaliser then finds the new item. */
static inline bool set_item_safely(PyObject *list, CPyTagged index, PyObject *value) {
    PyObject *old = CPyList_GetItem(list, index);
    if (old == NULL) return false;
    bool done = CPyList_SetItem(list, index, value);
    Py_DECREF(old);
    return done;
}

/* Call the interpreted version of a function whose compiled version has refused its arguments. Its
   exception takes the place of the one that is set; where there is no such version, that one stays. */
static inline PyObject *refused(const char *file, const char *name, int line, PyObject *globals,
                                PyObject *self, PyObject *args, PyObject *keywords) {
    PyObject *result = NULL, *all = NULL, *function = NULL, *module = NULL;
    PyObject *type, *value, *traceback;
    bool is_about_arguments = PyErr_ExceptionMatches(PyExc_TypeError);
    PyErr_Fetch(&type, &value, &traceback);
    if (is_about_arguments) {
        module = PyImport_ImportModule("lwt._core.refused");
        if (module == NULL) goto end;
        function = PyObject_CallMethod(module, "interpreted_version", "Osi", globals, name, line);
        if (function == NULL) goto end;
    }
    if (function == NULL || function == Py_None) {
        PyErr_Restore(type, value, traceback);
        type = value = traceback = NULL;
        CPy_AddTraceback(file, name, line, globals);
        goto end;
    }
    if (self == NULL) {
        all = Py_NewRef(args);
    } else {
        PyObject *first = PyTuple_Pack(1, self);
        if (first == NULL) goto end;
        all = PySequence_Concat(first, args);
        Py_DECREF(first);
        if (all == NULL) goto end;
    }
    result = PyObject_Call(function, all, keywords);
end:
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    Py_XDECREF(module);
    Py_XDECREF(function);
    Py_XDECREF(all);
    return result;
}

/* The same for arguments that stand in an array. */
static inline PyObject *refused_array(const char *file, const char *name, int line, PyObject *globals,
                                      PyObject *self, PyObject *const *array, size_t number, PyObject *names) {
    PyObject *result = NULL, *keywords = NULL, *type, *value, *traceback;
    Py_ssize_t length = PyVectorcall_NARGS(number);
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *args = PyTuple_New(length);
    if (args == NULL) goto end;
    for (Py_ssize_t at = 0; at < length; at++) PyTuple_SET_ITEM(args, at, Py_NewRef(array[at]));
    if (names != NULL) {
        keywords = PyDict_New();
        if (keywords == NULL) goto end;
        for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(names); at++)
            if (PyDict_SetItem(keywords, PyTuple_GET_ITEM(names, at), array[length + at]) < 0) goto end;
    }
    PyErr_Restore(type, value, traceback);
    type = value = traceback = NULL;
    result = refused(file, name, line, globals, self, args, keywords);
end:
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    Py_XDECREF(args);
    Py_XDECREF(keywords);
    return result;
}
