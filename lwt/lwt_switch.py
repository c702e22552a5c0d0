"""Switches: they collect what is to be done at the end, and do it when they are turned off.

A function that acquires something takes a switch, as an option, and adds the hook that
frees it. Turning the switch off frees everything at once. `with_switch` makes a switch, and
turns it off at the end.

OCaml: Lwt_switch (src/core/lwt_switch.ml)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias, TypeVar, final

from lwt._core.checks import check_callback, check_kind, wrong_type
from lwt._core.concurrent import join
from lwt._core.creation import return_unit
from lwt._core.driver import to_promise
from lwt._core.handling import finalize
from lwt._core.identity import refuse_copy
from lwt._core.lifting import apply
from lwt._core.promise import Promise
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

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        refuse_copy(self)

    def __init__(self) -> None:
        """Make a switch that is on."""
        self._hooks: list[Hook] | None = []  # Oldest first; None when the switch is off.

    def __repr__(self) -> str:
        return "<Switch, off>" if self._hooks is None else "<Switch, on>"


t = Switch


_MAKE_ONE: Final = "make one with lwt_switch.create(), and pass it without lwt.Some"


def create() -> Switch:
    """Return a new switch, which is on.

    OCaml: Lwt_switch.create : unit -> t
    """
    return Switch()


def is_on(switch: Switch, /) -> bool:
    """Tell whether a switch is on.

    OCaml: Lwt_switch.is_on : t -> bool
    """
    check_kind("lwt_switch.is_on", switch, Switch, _MAKE_ONE)
    return switch._hooks is not None


def check(switch: Some[Switch] | None, /) -> None:
    """Do nothing, unless there is a switch and it is off.

    Raises:
        Off: it is.

    OCaml: Lwt_switch.check : t option -> unit
    """
    given = _given("lwt_switch.check", switch)
    if given is not None and given._hooks is None:
        raise Off("lwt_switch.check: the switch is off")


def _given(function: str, switch: Some[Switch] | None) -> Switch | None:
    """Take the switch out of the option, if there is one."""
    if switch is None:
        return None
    if type(switch) is not Some:
        raise wrong_type(function, "lwt.Some(switch) or None", switch)
    check_kind(function, switch.value, Switch, "make one with lwt_switch.create()")
    return switch.value


def add_hook(switch: Some[Switch] | None, hook: Hook, /) -> None:
    """Have a function called when a switch is turned off; without a switch, do nothing.

    Raises:
        Off: the switch is off; `add_hook_or_exec` would call the function now.

    OCaml: Lwt_switch.add_hook : t option -> (unit -> unit Lwt.t) -> unit
    """
    given = _given("lwt_switch.add_hook", switch)
    check_callback("lwt_switch.add_hook", hook, ())
    if given is None:
        return
    if given._hooks is None:
        raise Off(
            "lwt_switch.add_hook: the switch is off; add_hook_or_exec would call the hook now"
        )
    given._hooks.append(hook)


def add_hook_or_exec(switch: Some[Switch] | None, hook: Hook, /) -> Promise[object]:
    """Have a function called when a switch is turned off, or now, if it is off already.

    If the function is called now, the result is its promise. Otherwise the result is fulfilled
    already. Without a switch it is fulfilled, too, and nothing is done.

    Raises:
        Exception: the function's own, if it is called now.

    OCaml: Lwt_switch.add_hook_or_exec : t option -> (unit -> unit Lwt.t) -> unit Lwt.t
    """
    given = _given("lwt_switch.add_hook_or_exec", switch)
    check_callback("lwt_switch.add_hook_or_exec", hook, ())
    if given is None:
        return return_unit
    if given._hooks is None:
        return _call("lwt_switch.add_hook_or_exec", hook)
    given._hooks.append(hook)
    return return_unit


def _call(function: str, hook: Hook) -> Promise[object]:
    return to_promise(function, hook, hook())


def turn_off(switch: Switch, /) -> Promise[None]:
    """Turn a switch off: call all its hooks, and wait for all of them.

    The hooks are called at once; the one that was added last comes first. If a hook raises,
    or its promise is rejected, the others are called and waited for all the same; then the
    result is rejected with the first such exception. Cancelling the result cancels what the
    hooks wait for. A switch that is off already is left alone.

    OCaml: Lwt_switch.turn_off : t -> unit Lwt.t
    """
    check_kind("lwt_switch.turn_off", switch, Switch, _MAKE_ONE)
    hooks = switch._hooks
    if hooks is None:
        return return_unit
    switch._hooks = None
    return join([apply(partial(_call, "lwt_switch.turn_off"), hook) for hook in reversed(hooks)])


def with_switch(f: Callable[[Switch], PromiseOrCoroutine[T]], /) -> Promise[T]:
    """Call a function with a new switch, and turn it off when its promise is resolved.

    When all hooks are done, the result is resolved like the promise of the function. If a
    hook fails, the result is rejected with its exception instead.

    >>> import lwt
    >>> from lwt import lwt_switch
    >>> async def open_and_use(switch: lwt_switch.Switch) -> str:
    ...     lwt_switch.add_hook(lwt.Some(switch), lambda: lwt.return_(print("closed")))
    ...     return "used"
    >>> lwt_switch.with_switch(open_and_use)
    closed
    <Promise fulfilled: 'used'>

    OCaml: Lwt_switch.with_switch : (t -> 'a Lwt.t) -> 'a Lwt.t
    """
    check_callback("lwt_switch.with_switch", f, ("switch",))
    switch = create()
    return finalize(
        lambda: to_promise("lwt_switch.with_switch", f, f(switch)), partial(turn_off, switch)
    )
