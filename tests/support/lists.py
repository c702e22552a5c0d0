"""What tests of `lwt_list` share: its functions by their names, and what they are called with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lwt
from lwt import Promise, Resolver, lwt_list


def call(name: str, f: Callable[[Any], Any], elements: Any) -> Promise[Any]:
    """Call a function of the module with a function of one argument, the element."""
    function: Callable[..., Promise[Any]] = getattr(lwt_list, name)
    if name in {"iteri_s", "iteri_p", "mapi_s", "mapi_p"}:
        return function(lambda _, x: f(x), elements)
    if name == "fold_left_s":
        return function(lambda _, x: f(x), None, elements)
    if name == "fold_right_s":
        return function(lambda x, _: f(x), elements, None)
    return function(f, elements)


VALUE_THAT_GOES_ON = {
    "exists_s": False,
    "find_s": False,
    "filter_map_s": None,
    "filter_map_p": None,
}


class Calls:
    """Records on what it is called; each call returns a pending promise."""

    def __init__(self) -> None:
        self.elements: list[int] = []
        self.promises: list[Promise[Any]] = []
        self.resolvers: list[Resolver[Any]] = []

    def __call__(self, element: int) -> Promise[Any]:
        promise, resolver = lwt.task()
        self.elements.append(element)
        self.promises.append(promise)
        self.resolvers.append(resolver)
        return promise
