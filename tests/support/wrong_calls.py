"""Call functions with all kinds of arguments, mostly wrong ones, and print what comes of it.

    python -m tests.support.wrong_calls lwt
    python -m tests.support.wrong_calls lwt_unix

Both builds have to print the same. Called are all functions of `lwt`, and those of `lwt_unix` that are
compiled.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import lwt
import lwt_unix
from lwt_unix import lwt_engine, lwt_io, lwt_main
from lwt_unix.lwt_engine._base import events_of

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

OF_UNIX = {
    "lwt_unix": "sleep timeout with_timeout auto_pause yield_ auto_yield state of_unix_file_descr unix_file_descr "
    "check_descriptor abort close wrap_syscall register_action readable writable wait_read wait_write read write "
    "write_string pipe pipe_in pipe_out",
    "lwt_unix.lwt_engine": "stop_event on_readable on_writable on_timer get set iter readable_count "
    "writable_count timer_count fake_io fork forwards_signal id",
    "lwt_unix.lwt_io": "read_char read_char_opt read_line read_line_opt read_lines read read_into "
    "read_chars read_into_exactly read_into_bigstring read_into_exactly_bigstring write_char write_chars write write_line "
    "write_lines write_from write_from_bigstring write_from_string write_from_exactly "
    "write_from_exactly_bigstring write_from_string_exactly",
    "lwt_unix.lwt_main": "run at_exit yield_ abandon_yielded_and_paused",
}
"""The functions of `lwt_unix` whose files are compiled."""


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


opened: list[lwt_unix.File_descr] = []
"""Descriptors that are closed after the call."""


def _descriptor() -> lwt_unix.File_descr:
    ends = lwt_unix.socketpair(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
    opened.extend(ends)
    return ends[0]


def _closed() -> lwt_unix.File_descr:
    descriptor = _descriptor()
    lwt_unix.close(descriptor)
    return descriptor


def _do_nothing(_: object) -> None:
    pass


KINDS_OF_UNIX: dict[str, Callable[[], object]] = {
    **{
        kind: make
        for kind, make in KINDS.items()
        if kind not in {"list", "Some", "rejected", "resolver"}
    },
    "float": lambda: 0.5,
    "negative": lambda: -2,
    "huge": lambda: 1 << 70,
    "nan": lambda: float("nan"),
    "bytes": lambda: b"bytes",
    "bytearray": lambda: bytearray(8),
    "memoryview": lambda: memoryview(bytearray(8)),
    "descriptor": _descriptor,
    "closed": _closed,
    "direction": lambda: lwt_unix.Read,
    "event": lambda: lwt_engine.on_timer(9.0, False, _do_nothing),
    "input": lambda: lwt_io.make(lambda *_: lwt.return_(0), mode=lwt_io.Input),
    "output": lambda: lwt_io.make(lambda *_: lwt.return_(1), mode=lwt_io.Output),
}


def told_of_unix(function: Callable[..., object], kinds: tuple[str, ...]) -> str:
    """Do what `told` does for a function of `lwt_unix`, and leave nothing behind.

    A turn never has to wait, and a main loop that does not end is left.
    """
    turns = 0

    def count(_: object) -> None:
        nonlocal turns
        turns += 1
        if turns > 3:
            raise LookupError("nothing happens")

    lwt_engine.on_timer(0.0, True, count)
    said = told(function, kinds)
    for event in events_of(lwt_engine.get()):
        lwt_engine.stop_event(event)
    lwt.abandon_paused()
    lwt_main.Exit_hooks.remove_all()
    for descriptor in opened:
        if lwt_unix.state(descriptor) is not lwt_unix.Closed:
            lwt_unix.close(descriptor)
    opened.clear()
    return re.sub(r"File_descr \d+", "File_descr", said)


def told(function: Callable[..., object], kinds: tuple[str, ...]) -> str:
    """Call a function with arguments of some kinds; say what it returned or raised, and in which frames."""
    arguments = [(KINDS_OF_UNIX | KINDS)[kind]() for kind in kinds]
    lwt.async_exception_hook.contents = lambda _: None
    said: list[object] = []
    try:
        result = function(*arguments)
        said.append(result)
        if isinstance(result, lwt.Promise):
            said.append(lwt.state(result))
        if isinstance(result, tuple):  # of `pipe` and the like
            opened.extend(
                lwt_unix.of_unix_file_descr(end) if isinstance(end, int) else end for end in result
            )
    except BaseException as exception:
        said.append(f"{type(exception).__name__}: {exception}")
        entry = exception.__traceback__
        while entry := entry and entry.tb_next:
            if entry.tb_frame.f_code.co_name != "<listcomp>":  # Later versions of Python have none.
                said.append(entry.tb_frame.f_code.co_name)
    for argument in arguments:
        if inspect.iscoroutine(argument):
            said.append(inspect.getcoroutinestate(argument))
            argument.close()
    # A compiled method says "built-in" where an interpreted one says "bound". What a compiled function is
    # that stands in another one, mypyc says in its own words.
    text = re.sub(r"<(built-in|bound) method [^>]*>+", "<method>", " ".join(map(str, said)))
    text = re.sub(
        r"<function \w+\.<locals>\.\w+ at \w+>|<[\w.]+_obj object at \w+>", "<function>", text
    )
    return re.sub("0x[0-9a-f]+", "0x", text)


def calls() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each function of `lwt`, with no argument, with one and with two of all kinds, and with three of some."""
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


def calls_of_unix() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each function in the same way, and with four arguments of some kinds."""
    numbers = ("int", "bool", "negative", "huge", "float", "None")
    wholes = ("descriptor", "closed", "input", "output", "int")
    buffers = ("bytes", "bytearray", "memoryview", "str", "int")
    functions = ("function", "function of a promise", "function that raises", "int")
    combinations: list[tuple[str, ...]] = [
        *(
            kinds
            for number in range(3)
            for kinds in itertools.product(KINDS_OF_UNIX, repeat=number)
        ),
        *itertools.product(("direction", "int"), wholes, functions),
        *itertools.product(numbers, ("bool", "int", "None"), functions),
        *itertools.product(wholes, buffers, numbers, numbers),
    ]
    for module, names in OF_UNIX.items():
        for name in names.split():
            for kinds in combinations:
                yield f"{module}.{name}", kinds


if __name__ == "__main__":
    of_unix = sys.argv[1] == "lwt_unix"
    for name, kinds in calls_of_unix() if of_unix else calls():
        module, _, function = name.rpartition(".")
        called = getattr(importlib.import_module(module), function)
        print(name, *kinds, "->", (told_of_unix if of_unix else told)(called, kinds))
