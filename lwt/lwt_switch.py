"""Switches: what to do at the end is collected on the way, and done when it is turned off.

A function that acquires something takes a switch, as an option, and adds the hook that
frees it. Who made the switch frees all at once by turning it off; `with_switch` sees to it.

OCaml: Lwt_switch (src/core/lwt_switch.ml)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar, final

from lwt._core.concurrent import join
from lwt._core.coroutine import to_promise
from lwt._core.creation import return_unit
from lwt._core.lifting import apply
from lwt._core.promise import Promise
from lwt._core.sequential import finalize
from lwt._core.values import Some

if TYPE_CHECKING:
    from lwt._core.promise import PromiseOrCoroutine

__all__ = [
    # Types
    "Switch",
    "t",
    "Off",
    # Making one, and turning it off
    "with_switch",
    "create",
    "turn_off",
    "is_on",
    # Hooks
    "add_hook",
    "add_hook_or_exec",
    "check",
]

T = TypeVar("T")

Hook: TypeAlias = "Callable[[], PromiseOrCoroutine[object]]"


class Off(Exception):
    """Say that a hook was to be added to a switch that is off already.

    OCaml: Lwt_switch.Off : exn
    """


@final
class Switch:
    """A switch, which is on until it is turned off, once. Made by `create`.

    OCaml: Lwt_switch.t : type t
    """

    __slots__ = ("__weakref__", "_hooks")

    def __init__(self) -> None:
        """Make a switch that is on."""
        self._hooks: list[Hook] | None = []  # Oldest first; None when the switch is off.

    def __repr__(self) -> str:
        return "<Switch, off>" if self._hooks is None else "<Switch, on>"


t = Switch


def _check_switch(function: str, argument: object) -> None:
    if not isinstance(argument, Switch):
        hint = "make one with lwt_switch.create()"
        if isinstance(argument, Some):
            hint = "pass the switch itself, without lwt.Some"
        raise TypeError(
            f"lwt_switch.{function}: {argument!r} ({type(argument).__name__}) is not a switch; "
            + hint
        )


def _check_option(function: str, argument: object) -> None:
    if argument is None or (isinstance(argument, Some) and isinstance(argument.value, Switch)):
        return
    hint = "pass lwt.Some(switch)" if isinstance(argument, Switch) else "make one with create()"
    raise TypeError(
        f"lwt_switch.{function}: expected lwt.Some of a switch or None, got {argument!r} "
        f"({type(argument).__name__}); {hint}"
    )


def _check_callable(function: str, argument: object) -> None:
    if not callable(argument):
        raise TypeError(
            f"lwt_switch.{function}: {argument!r} ({type(argument).__name__}) is not callable; "
            "pass a function that returns a promise"
        )


def create() -> Switch:
    """Return a new switch, which is on.

    OCaml: Lwt_switch.create : unit -> t
    """
    return Switch()


def is_on(switch: Switch, /) -> bool:
    """Tell whether a switch is on.

    Raises:
        TypeError: `switch` is no switch.

    OCaml: Lwt_switch.is_on : t -> bool
    """
    _check_switch("is_on", switch)
    return switch._hooks is not None


def check(switch: Some[Switch] | None, /) -> None:
    """Do nothing, unless there is a switch and it is off.

    Raises:
        Off: it is.
        TypeError: `switch` is neither `Some` of a switch nor `None`.

    OCaml: Lwt_switch.check : t option -> unit
    """
    _check_option("check", switch)
    if switch is not None and switch.value._hooks is None:
        raise Off("lwt_switch.check: the switch is off")


def add_hook(switch: Some[Switch] | None, hook: Hook, /) -> None:
    """Have a function called when a switch is turned off; without a switch, do nothing.

    Raises:
        Off: the switch is off; `add_hook_or_exec` would call the function now.
        TypeError: an argument has the wrong type.

    OCaml: Lwt_switch.add_hook : t option -> (unit -> unit Lwt.t) -> unit
    """
    _check_option("add_hook", switch)
    _check_callable("add_hook", hook)
    if switch is None:
        return
    if switch.value._hooks is None:
        raise Off(
            "lwt_switch.add_hook: the switch is off; add_hook_or_exec would call the hook now"
        )
    switch.value._hooks.append(hook)


def add_hook_or_exec(switch: Some[Switch] | None, hook: Hook, /) -> Promise[object]:
    """Have a function called when a switch is turned off, or now, if it is off already.

    The result is that of the function if it is called now. Otherwise it is fulfilled, also
    without a switch, when nothing is done.

    Raises:
        Exception: the function's own, if it is called now.
        TypeError: an argument has the wrong type.

    OCaml: Lwt_switch.add_hook_or_exec : t option -> (unit -> unit Lwt.t) -> unit Lwt.t
    """
    _check_option("add_hook_or_exec", switch)
    _check_callable("add_hook_or_exec", hook)
    if switch is None:
        return return_unit
    if switch.value._hooks is None:
        return _call("add_hook_or_exec", hook)
    switch.value._hooks.append(hook)
    return return_unit


def _call(function: str, hook: Hook) -> Promise[object]:
    return to_promise(f"lwt_switch.{function}", hook, hook())


def turn_off(switch: Switch, /) -> Promise[None]:
    """Turn a switch off: call all its hooks, and wait for all of them.

    The hooks are called at once, the one that was added last first. A hook that raises, or
    whose promise is rejected, does not keep the others from being called and waited for;
    the result is then rejected with the first such exception. Cancelling the result cancels
    what the hooks wait for. A switch that is off already is left alone.

    Raises:
        TypeError: `switch` is no switch.

    OCaml: Lwt_switch.turn_off : t -> unit Lwt.t
    """
    _check_switch("turn_off", switch)
    hooks = switch._hooks
    if hooks is None:
        return return_unit
    switch._hooks = None
    return join([apply(partial(_call, "turn_off"), hook) for hook in reversed(hooks)])


def with_switch(f: Callable[[Switch], PromiseOrCoroutine[T]], /) -> Promise[T]:
    """Call a function with a new switch, and turn it off when its promise is resolved.

    The result is that of the function, once all hooks are done; if one of these fails, the
    result is rejected with its exception instead.

    >>> import lwt
    >>> from lwt import lwt_switch
    >>> async def open_and_use(switch: lwt_switch.Switch) -> str:
    ...     lwt_switch.add_hook(lwt.Some(switch), lambda: lwt.return_(print("closed")))
    ...     return "used"
    >>> lwt_switch.with_switch(open_and_use)
    closed
    <Promise fulfilled: 'used'>

    Raises:
        TypeError: `f` cannot be called.

    OCaml: Lwt_switch.with_switch : (t -> 'a Lwt.t) -> 'a Lwt.t
    """
    _check_callable("with_switch", f)
    switch = create()
    return finalize(
        lambda: to_promise("lwt_switch.with_switch", f, f(switch)), partial(turn_off, switch)
    )
