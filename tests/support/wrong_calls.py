"""Call every function of `lwt` with all kinds of arguments, mostly wrong ones, and print what comes of it.

    python -m tests.support.wrong_calls

Both builds have to print the same.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

import lwt

MODULES = [
    "lwt",
    "lwt.lwt_condition",
    "lwt.lwt_list",
    "lwt.lwt_mutex",
    "lwt.lwt_mvar",
    "lwt.lwt_pool",
    "lwt.lwt_pqueue",
    "lwt.lwt_result",
    "lwt.lwt_seq",
    "lwt.lwt_sequence",
    "lwt.lwt_stream",
    "lwt.lwt_switch",
]


async def body() -> int:
    return 3


def raise_something(*_: object) -> None:
    raise LookupError("something")


KINDS: dict[str, Callable[[], object]] = {
    "int": lambda: 3,
    "bool": lambda: True,
    "None": lambda: None,
    "str": lambda: "text",
    "list": lambda: [1, 2],
    "Some": lambda: lwt.Some(1),
    "exception": lambda: ValueError("v"),
    "promise": lambda: lwt.return_(1),
    "pending": lambda: lwt.wait()[0],
    "rejected": lambda: lwt.fail(KeyError("k")),
    "resolver": lambda: lwt.wait()[1],
    "coroutine": body,
    "async function": lambda: body,
    "function": lambda: lambda *_: 3,
    "function of a promise": lambda: lambda *_: lwt.return_(5),
    "function without arguments": lambda: lambda: lwt.return_(5),
    "function that raises": lambda: raise_something,
    "class": lambda: lwt.Promise,
}


def told(function: Callable[..., object], kinds: tuple[str, ...]) -> str:
    """Call a function with arguments of some kinds; say what it returned or raised, and in which frames."""
    arguments = [KINDS[kind]() for kind in kinds]
    lwt.async_exception_hook.contents = lambda _: None
    said: list[object] = []
    try:
        result = function(*arguments)
        said.append(result)
        if isinstance(result, lwt.Promise):
            said.append(lwt.state(result))
    except BaseException as exception:
        said.append(f"{type(exception).__name__}: {exception}")
        entry = exception.__traceback__
        while entry := entry and entry.tb_next:
            said.append(entry.tb_frame.f_code.co_name)
    for argument in arguments:
        if inspect.iscoroutine(argument):
            said.append(inspect.getcoroutinestate(argument))
            argument.close()
    # A compiled method says "built-in" where an interpreted one says "bound".
    text = re.sub(r"<(built-in|bound) method [^>]*>+", "<method>", " ".join(map(str, said)))
    return re.sub("0x[0-9a-f]+", "0x", text)


def calls() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each function, with no argument, with one and with two of all kinds, and with three of some."""
    functions = ("function", "function of a promise", "function that raises", "int")
    combinations: list[tuple[str, ...]] = [
        *(kinds for number in range(3) for kinds in itertools.product(KINDS, repeat=number)),
        *itertools.product(("promise", "pending", "int", *functions), functions, functions),
    ]
    for module in MODULES:
        offered: dict[str, Any] = vars(importlib.import_module(module))
        for name in offered["__all__"]:
            if inspect.isroutine(offered[name]):
                for kinds in combinations:
                    yield f"{module}.{name}", kinds


if __name__ == "__main__":
    for name, kinds in calls():
        module, _, function = name.rpartition(".")
        print(name, *kinds, "->", told(getattr(importlib.import_module(module), function), kinds))
