/* What mended C code calls. `mending.py` puts this text into each C file, behind its #include lines. */

/* Store into a list so that what is dropped dies last: a finaliser then finds the new item. */
static inline bool set_item_safely(PyObject *list, CPyTagged index, PyObject *value) {
    PyObject *old = CPyList_GetItem(list, index);
    if (old == NULL) return false;
    bool done = CPyList_SetItem(list, index, value);
    Py_DECREF(old);
    return done;
}

/* Add an entry to the traceback of the exception that is set. Each place in the code makes its code
   object once. The source stands beside the library, whose path is the `__file__` of the module. */
static CPy_COLD void add_traceback_with(PyCodeObject **code, const char *file, const char *name, int line,
                                        PyObject *globals) {
    PyObject *type, *value, *traceback;
    PyFrameObject *frame = NULL;
    PyErr_Fetch(&type, &value, &traceback);
    if (*code == NULL) {
        PyObject *path = NULL, *library = PyDict_GetItemString(globals, "__file__");
        const char *known = library == NULL ? NULL : PyUnicode_AsUTF8(library);
        const char *slash = known == NULL ? NULL : strrchr(known, '/');
        const char *last = strrchr(file, '/');
        if (slash != NULL && last != NULL) {
            PyObject *folder = PyUnicode_FromStringAndSize(known, slash - known);
            path = folder == NULL ? NULL : PyUnicode_FromFormat("%U%s", folder, last);
            Py_XDECREF(folder);
        }
        const char *whole = path == NULL ? NULL : PyUnicode_AsUTF8(path);
        *code = PyCode_NewEmpty(whole == NULL ? file : whole, name, line);
        Py_XDECREF(path);
    }
    if (*code != NULL) frame = PyFrame_New(PyThreadState_Get(), *code, globals, NULL);
    PyErr_Restore(type, value, traceback);
    if (frame != NULL) {
        PyTraceBack_Here(frame);
        Py_DECREF(frame);
    }
}

#define add_traceback(file, name, line, globals) \
    do { \
        static PyCodeObject *code; \
        add_traceback_with(&code, file, name, line, globals); \
    } while (0)

#define no_attribute(file, name, kind, attribute, line, globals) \
    do { \
        PyErr_SetString(PyExc_AttributeError, "'" kind "' object has no attribute '" attribute "'"); \
        add_traceback(file, name, line, globals); \
    } while (0)

static inline void raise_exception(PyObject *exception) {
    if (PyExceptionInstance_Check(exception) || PyExceptionClass_Check(exception))
        CPy_Raise(exception);
    else
        PyErr_SetString(PyExc_TypeError, "exceptions must derive from BaseException");
}

/* Let handlers of signals run now and then, where a call has ended, as the interpreter does. Before the call
   would be wrong: it may be the last step of a change that nobody may see unfinished. */
static inline PyObject *or_interrupted(PyObject *result) {
    static unsigned calls;
    if (unlikely(++calls % 32 == 0) && result != NULL && unlikely(PyErr_CheckSignals() < 0)) {
        Py_DECREF(result);
        return NULL;
    }
    return result;
}

static inline PyObject *call_interruptibly(PyObject *function, PyObject *const *args, size_t number,
                                           PyObject *names) {
    return or_interrupted(PyObject_Vectorcall(function, args, number, names));
}

static inline PyObject *call_method_interruptibly(PyObject *name, PyObject *const *args, size_t number,
                                                  PyObject *names) {
    return or_interrupted(PyObject_VectorcallMethod(name, args, number, names));
}

/* A generator that has ended by an exception of its body: StopIteration becomes a RuntimeError. */
static CPy_COLD void no_stop_iteration(PyObject *generator) {
    if (!PyErr_ExceptionMatches(PyExc_StopIteration)) return;
    PyObject *type, *stop, *traceback, *raised;
    PyAsyncMethods *methods = Py_TYPE(generator)->tp_as_async;
    bool is_coroutine = methods != NULL && methods->am_await != NULL;
    PyErr_Fetch(&type, &stop, &traceback);
    PyErr_NormalizeException(&type, &stop, &traceback);
    if (traceback != NULL) PyException_SetTraceback(stop, traceback);
    Py_DECREF(type);
    Py_XDECREF(traceback);
    PyErr_Format(PyExc_RuntimeError, "%s raised StopIteration", is_coroutine ? "coroutine" : "generator");
    PyErr_Fetch(&type, &raised, &traceback);
    PyErr_NormalizeException(&type, &raised, &traceback);
    PyException_SetCause(raised, Py_NewRef(stop));
    PyException_SetContext(raised, stop);
    PyErr_Restore(type, raised, traceback);
}

/* The value of an argument that is to be a number. A bool, and what only can be made a number, is refused. */
static inline double number_of(PyObject *argument) {
    if (PyFloat_CheckExact(argument)) return PyFloat_AS_DOUBLE(argument);
    if (PyLong_CheckExact(argument)) return PyLong_AsDouble(argument);
    PyErr_SetString(PyExc_TypeError, "no number");
    return -1.0;
}

/* Tell whether a class that has no `__init__` is called without arguments, or set the exception. */
static inline bool takes(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    bool are_none = PyTuple_GET_SIZE(args) == 0 && (keywords == NULL || PyDict_GET_SIZE(keywords) == 0);
    if (are_none || type->tp_init != PyBaseObject_Type.tp_init) return true;
    PyErr_Format(PyExc_TypeError, "%.200s() takes no arguments", type->tp_name);
    return false;
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
        PyCodeObject *code = NULL;
        add_traceback_with(&code, file, name, line, globals);
        Py_XDECREF(code);
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
