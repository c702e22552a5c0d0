"""Names as users see them: what a module offers says that it comes from that module.

So a traceback reads `lwt.Failure: …`, and `help` and pickles do not name a private file.
"""

import sys
from enum import Enum
from functools import partial
from types import FunctionType
from typing import Final, NoReturn, TypeVar

E = TypeVar("E", bound=Enum)


def constants(kind: type[E]) -> type[E]:
    """Decorate an enumeration whose members are offered by themselves, like `lwt.Sleep`.

    They print as OCaml writes them, and are pickled by the name under which they are offered.
    `help` would show a base class; so it is none.
    """
    for name in ("__repr__", "__str__", "__reduce_ex__"):
        setattr(kind, name, _name_of)
    return kind


def _name_of(member: Enum, _: object = None) -> str:
    return member.name


def publish(module_name: str) -> None:
    """Write a module's name into the classes and functions that it offers.

    If the module is asked for a name that another one has, the error says which.
    """
    module = sys.modules[module_name]
    vars(module).setdefault("__getattr__", partial(_refuse, module_name))
    for name in module.__all__:
        value = getattr(module, name)
        if isinstance(value, Enum):
            value = type(value)
        if isinstance(value, type | FunctionType):
            _publish(value, module_name)


_ELSEWHERE: Final = (
    (
        "lwt_unix",
        "sleep timeout with_timeout auto_pause read write pipe socket accept connect close",
    ),
    ("lwt_unix.lwt_main", "run at_exit"),
    ("lwt_unix.lwt_io", "printf printl eprintf eprintl read_line write_line open_connection"),
    ("lwt_unix.lwt_engine", ""),
    ("lwt", "return_ bind map catch finalize try_bind pick choose join both async_ pause Canceled"),
    ("lwt.lwt_list", "iter_s iter_p map_s map_p filter_s filter_p fold_left_s exists_s for_all_s"),
    ("lwt.lwt_stream", ""),
    ("lwt.lwt_seq", ""),
    ("lwt.lwt_mutex", ""),
    ("lwt.lwt_condition", ""),
    ("lwt.lwt_mvar", ""),
    ("lwt.lwt_pool", ""),
    ("lwt.lwt_switch", ""),
    ("lwt.lwt_result", ""),
    ("lwt.lwt_pqueue", ""),
    ("lwt.lwt_sequence", ""),
)
"""Modules, and what of them is looked for elsewhere: what OCaml's `Lwt` and `Lwt_unix` open, say."""


def _refuse(module_name: str, name: str) -> NoReturn:
    """Raise the AttributeError of a name that a module has not, and say where it may be.

    It is put into the module here, since a type checker that sees a `__getattr__` takes any name.
    """
    hint = ""
    for other, names in _ELSEWHERE:
        package, _, module = other.rpartition(".")
        if package and name.lower() in {module, module.removeprefix("lwt_")}:
            hint = f"; write: from {package} import {module}"
        elif other != module_name and name in names.split():
            hint = f"; it is {module}.{name}"
            break
    text = f"module {module_name!r} has no attribute {name!r}{hint}"
    raise AttributeError(text, name=name, obj=sys.modules[module_name])


def _publish(value: type | FunctionType, module_name: str) -> None:
    if "._" not in value.__module__:
        return  # It is at home elsewhere.
    value.__module__ = module_name
    if isinstance(value, type):
        for name, member in vars(value).items():
            function = member.__func__ if isinstance(member, staticmethod) else member
            is_own = getattr(function, "__qualname__", "") == f"{value.__qualname__}.{name}"
            if is_own and isinstance(function, type | FunctionType):
                _publish(function, module_name)
