"""Finalisers that return promises: what is to be done when an object is not used any more.

The collector frees an object in some thread, in the middle of anything. The function that is to be called
then is called later, in the main loop, where it may use promises.

    lwt_gc.finalise(lambda: lwt_unix.unlink(path), owner)

OCaml gives the object to the function, and so makes it live again. Python cannot: when the function is
called, the object is gone. So the function takes no argument, and must refer to what it needs, and not to
the object.

OCaml: Lwt_gc (src/unix/lwt_gc.ml)
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, TypeAlias, final

import lwt
from lwt import lwt_sequence
from lwt._core.checks import check_callback, wrong_type
from lwt._core.promise import PromiseOrCoroutine
from lwt_unix import _ending, lwt_main
from lwt_unix._checks import promise_of
from lwt_unix._jobs.notifications import Message, open_way, post

__all__ = ["finalise", "finalise_or_exit"]

Function: TypeAlias = Callable[[], PromiseOrCoroutine[object]]

_MOST_DEEP: Final = 4
"""How deep functions inside functions are searched for the object."""


@final
class _Finaliser(Message):
    """A function that is called once: when the object was freed, or when the process ends."""

    __slots__ = ("_f", "_name", "hook")

    def __init__(self, name: str, f: Function) -> None:
        self._name = name
        self._f: Function | None = f
        self.hook: lwt_sequence.Node[Any] | None = None

    def _deliver(self) -> None:
        hook, self.hook = self.hook, None
        if hook is not None:
            lwt_main.Exit_hooks.remove(hook)
        f, self._f = self._f, None
        if f is not None:
            _ensure_termination(f, promise_of(self._name, f))

    def at_exit(self) -> lwt.Promise[object]:
        """Call the function now: the process ends."""
        f, self._f = self._f, None
        return lwt.return_unit if f is None else promise_of(self._name, f)


def _ensure_termination(f: Function, promise: lwt.Promise[object]) -> None:
    """Have the process wait for a promise when it ends. If it is rejected, Python reports that."""
    handled = lwt.catch(lambda: lwt.map(_ignore, promise), partial(_report, f))
    if lwt.is_sleeping(handled):
        hook = lwt_main.Exit_hooks.add_first(lambda: handled)
        lwt.on_termination(handled, lambda: lwt_main.Exit_hooks.remove(hook))


def _ignore(_: object) -> None:
    """Take any value."""


def _report(f: Function, exception: Exception) -> lwt.Promise[None]:
    _ending.report(f, exception)
    return lwt.return_unit


def _check(function: str, f: Function, x: object) -> None:
    """Raise unless the function can be called when the object is gone."""
    check_callback(function, f, ())
    if any(one is x for one in _referents(f, _MOST_DEEP)):
        raise ValueError(
            f"{function}: the function refers to the object, which so is never freed; let it refer only to "
            f"what it needs of it"
        )
    try:
        weakref.ref(x)
        return
    except TypeError:
        pass
    raise wrong_type(function, "an object that can be referred to weakly", x)


def _referents(f: object, depth: int) -> Iterator[object]:
    """Yield what a function keeps alive, as far as it is easily seen."""
    yield f
    if depth == 0:
        return
    kept: list[object] = [getattr(f, "__self__", None), *(getattr(f, "__defaults__", None) or ())]
    if isinstance(f, partial):
        kept += [f.func, *f.args, *f.keywords.values()]
    for cell in getattr(f, "__closure__", None) or ():
        try:
            kept.append(cell.cell_contents)
        except ValueError:
            pass  # It is empty still.
    for one in kept:
        yield from _referents(one, depth - 1)


def _begin(function: str, f: Function, x: object) -> _Finaliser:
    _check(function, f, x)
    open_way()
    finaliser = _Finaliser(function, f)
    weakref.finalize(x, post, [finaliser]).atexit = False
    return finaliser


def finalise(f: Function, x: object, /) -> None:
    """Have a function called when an object is freed, later in the main loop.

    When the process ends, what the function has begun is waited for. But an object that is still there is not
    finalised then. What the function raises leaves through `lwt_main.run`; a rejection is reported
    as Python reports what it cannot raise (`sys.unraisablehook`). In OCaml it is lost.

    Unlike in OCaml, the function is called without the object, which is gone by then.

    Args:
        f: takes nothing, and returns a promise. It must not refer to `x`.
        x: an object that can be referred to weakly: not an int, a str, a tuple, a list, a dict.

    Raises:
        ValueError: `f` refers to `x`, as far as that can be seen.

    OCaml: Lwt_gc.finalise : ('a -> unit Lwt.t) -> 'a -> unit
    """
    _begin("lwt_gc.finalise", f, x)


def finalise_or_exit(f: Function, x: object, /) -> None:
    """Have a function called when an object is freed, or else when the process ends; otherwise like `finalise`.

    At the end it is one of `lwt_main.Exit_hooks`.

    OCaml: Lwt_gc.finalise_or_exit : ('a -> unit Lwt.t) -> 'a -> unit
    """
    finaliser = _begin("lwt_gc.finalise_or_exit", f, x)
    finaliser.hook = lwt_main.Exit_hooks.add_first(finaliser.at_exit)
