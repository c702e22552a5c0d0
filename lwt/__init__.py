"""Promises as in OCaml's Lwt: values that arrive later, and what to do when they do.

    import lwt

    promise, resolver = lwt.wait()                       # pending
    doubled = lwt.map(lambda x: 2 * x, promise)          # pending, too
    lwt.wakeup_later(resolver, 21)                       # now both are fulfilled
    assert lwt.state(doubled) == lwt.Return(42)

A promise is pending, then fulfilled with a value or rejected with an exception, once.
Nothing here waits, or does any input or output: a function resolves what can be resolved,
and returns. The loop that waits for descriptors and clocks is `lwt_unix.lwt_main`.

The other modules of OCaml's library are modules of this package, to be imported by themselves:
`from lwt import lwt_list, lwt_stream`.

An argument of a wrong type is a `TypeError`, raised at the call before anything has changed. This
holds for every function of this package and of its modules, so their docstrings do not say it
again. The message names the function, what was expected and how to mend it. If a callback returns
something of a wrong type, the `TypeError` goes where an exception of that callback would have gone.

The words: a promise is *resolved* when it is fulfilled or rejected. A *callback* is
attached to a pending promise; *cancel callbacks* run before the others, and only if the
promise is cancelled. A *proxy* stands for another promise, the *underlying* one, in every
respect.

The source is `_core`, whose guide gives the order in which to read it.

OCaml: src/core/lwt.mli, lwt.ml.
"""

# It hands Promise its operators, and is not used by its name.
from lwt._core import operators as _operators  # noqa: F401  # pyright: ignore[reportUnusedImport]
from lwt._core.background import async_, dont_wait, ignore_result
from lwt._core.backtrace import (
    backtrace_bind,
    backtrace_catch,
    backtrace_finalize,
    backtrace_try_bind,
)
from lwt._core.cancellation import cancel, no_cancel, on_cancel, protected, wrap_in_cancelable
from lwt._core.choices import prng
from lwt._core.compiling import is_compiled as _is_compiled
from lwt._core.concurrent import (
    all,
    both,
    choose,
    join,
    nchoose,
    nchoose_split,
    npick,
    pick,
)
from lwt._core.coroutine import of_coroutine, promised
from lwt._core.creation import (
    add_task_l,
    add_task_r,
    fail,
    fail_invalid_arg,
    fail_with,
    of_result,
    return_,
    return_error,
    return_false,
    return_nil,
    return_none,
    return_ok,
    return_some,
    return_true,
    return_unit,
    task,
    wait,
    wakeup,
    wakeup_exn,
    wakeup_later,
    wakeup_later_exn,
    wakeup_later_result,
    wakeup_result,
)
from lwt._core.exceptions import Canceled, Exception_filter, Failure
from lwt._core.handling import catch, finalize, reraise, try_bind
from lwt._core.lifting import apply, wrap, wrap1, wrap2, wrap3, wrap4, wrap5, wrap6, wrap7
from lwt._core.namespaces import Infix, Let_syntax, Private, Syntax
from lwt._core.pause import (
    abandon_paused,
    pause,
    paused_count,
    register_pause_notifier,
    wakeup_paused,
)
from lwt._core.promise import Promise, Resolver
from lwt._core.publish import publish as _publish
from lwt._core.query import debug_state_is, is_sleeping, poll, state
from lwt._core.ref import Ref
from lwt._core.resolution import abandon_wakeups, async_exception_hook
from lwt._core.sequential import bind, map
from lwt._core.storage import Key, get, new_key, with_tracing_context, with_value
from lwt._core.values import Error, Fail, Ok, Return, Sleep, Some, State
from lwt._core.watching import on_any, on_failure, on_success, on_termination

__version__ = "0.1.0.dev0"
__compiled__ = _is_compiled

t = Promise
u = Resolver
key = Key

__all__ = [
    # Promises and resolvers
    "Promise",
    "t",
    "Resolver",
    "u",
    "wait",
    "wakeup_later",
    "wakeup_later_exn",
    "return_",
    "fail",
    # One after the other
    "bind",
    "map",
    "reraise",
    "catch",
    "finalize",
    "try_bind",
    "promised",
    "of_coroutine",
    # In the background
    "dont_wait",
    "async_",
    "async_exception_hook",
    "ignore_result",
    # Several at once
    "both",
    "join",
    "all",
    "pick",
    "choose",
    "npick",
    "nchoose",
    "nchoose_split",
    "prng",
    # Cancelling
    "Canceled",
    "task",
    "cancel",
    "on_cancel",
    "protected",
    "no_cancel",
    "wrap_in_cancelable",
    # Callbacks without a result
    "on_success",
    "on_failure",
    "on_termination",
    "on_any",
    # Ready-made promises, results, states
    "return_unit",
    "return_none",
    "return_nil",
    "return_true",
    "return_false",
    "return_some",
    "return_ok",
    "return_error",
    "fail_with",
    "fail_invalid_arg",
    "of_result",
    "wakeup_later_result",
    "State",
    "Return",
    "Fail",
    "Sleep",
    "state",
    "is_sleeping",
    # Storage
    "Key",
    "key",
    "new_key",
    "get",
    "with_value",
    # Resolving at once
    "wakeup",
    "wakeup_exn",
    "wakeup_result",
    "add_task_r",
    "add_task_l",
    # Pausing
    "pause",
    "wakeup_paused",
    "paused_count",
    "register_pause_notifier",
    "abandon_paused",
    # Lifting
    "wrap",
    "wrap1",
    "wrap2",
    "wrap3",
    "wrap4",
    "wrap5",
    "wrap6",
    "wrap7",
    "apply",
    # Nested modules
    "Exception_filter",
    "Infix",
    "Let_syntax",
    "Syntax",
    "Private",
    # For the main loop, syntax extensions and tests
    "with_tracing_context",
    "poll",
    "abandon_wakeups",
    "debug_state_is",
    "backtrace_bind",
    "backtrace_catch",
    "backtrace_finalize",
    "backtrace_try_bind",
    # Plain values
    "Some",
    "Ok",
    "Error",
    "Ref",
    "Failure",
]

_publish(__name__)
