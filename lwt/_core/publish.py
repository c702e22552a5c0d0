"""Names as users see them: what a module offers says that it comes from that module.

So a traceback reads `lwt.Failure: …`, and `help` and pickles do not name a private file.
"""

import sys
from dataclasses import dataclass
from enum import Enum
from functools import partial
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Final, NoReturn, TypeVar, final

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

    Names that are looked for here, but which another module has, say which.
    """
    module = sys.modules[module_name]
    for name, place in _places(module_name).items():
        vars(module).setdefault(name, _Elsewhere(f"{module_name}.{name}", place))
    vars(module).setdefault("__dir__", partial(_names_of, module))
    for name in module.__all__:
        value = getattr(module, name)
        if isinstance(value, Enum):
            value = type(value)
        if isinstance(value, type | FunctionType | BuiltinFunctionType):  # The last: if compiled.
            _publish(value, module_name)


_ELSEWHERE: Final = (
    (
        "lwt_unix",
        "sleep timeout with_timeout auto_pause read write pipe socket accept connect close",
    ),
    ("lwt_unix.lwt_main", "run at_exit"),
    ("lwt_unix.lwt_io", "printf printl eprintf eprintl read_line write_line open_connection"),
    ("lwt_unix.lwt_process", "exec pread pread_lines"),
    ("lwt_unix.lwt_engine", ""),
    ("lwt_unix.lwt_bytes", ""),
    ("lwt_unix.lwt_preemptive", "detach run_in_main"),
    ("lwt_unix.lwt_timeout", ""),
    ("lwt_unix.lwt_throttle", ""),
    ("lwt_unix.testing.plugin", ""),
    ("lwt_unix.lwt_gc", ""),
    ("lwt_unix.lwt_sys", ""),
    ("lwt_unix.lwt_fmt", ""),
    ("lwt_unix.lwt_direct", "spawn await_"),
    ("lwt_unix.lwt_retry", ""),
    ("lwt_unix.testing", ""),
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


@final
@dataclass(frozen=True, slots=True, repr=False)
class _Elsewhere:
    """What stands in a module for a name that another one has: whoever uses it is told which.

    A `__getattr__` of the module would say the same. But the interpreter would then be slower to
    find all that the module does have: a `bind` that waits takes 5 % longer (`callgrind`).
    """

    _name: str
    _place: str

    def __repr__(self) -> str:
        return f"<there is no {self._name}; {self._place}>"

    def __call__(self, *_: object, **__: object) -> NoReturn:
        raise self._error()

    def __getattr__(self, name: str) -> NoReturn:
        raise self._error()

    def _error(self) -> AttributeError:
        module, _, name = self._name.rpartition(".")
        text = f"module {module!r} has no attribute {name!r}; {self._place}"
        return AttributeError(text, name=name, obj=sys.modules[module])


def _places(module_name: str) -> dict[str, str]:
    """Tell of each name that is looked for in a module where it is instead."""
    places: dict[str, str] = {}
    for other, names in _ELSEWHERE:
        package, _, module = other.rpartition(".")
        if package:
            written = f"write: from {package} import {module}"
            places[module.capitalize()] = places[module[4:].capitalize()] = written
            if package != module_name:  # Else it would stand in the way of the import.
                places[module] = written
        if other != module_name:
            places.update(dict.fromkeys(names.split(), f"it is {module}.{{}}"))
    return {name: place.format(name) for name, place in places.items()}


def _names_of(module: ModuleType) -> list[str]:
    """Do what `dir` does, without the names that the module does not have."""
    return sorted(name for name, value in vars(module).items() if type(value) is not _Elsewhere)


def _publish(value: type | FunctionType | BuiltinFunctionType, module_name: str) -> None:
    if "._" not in value.__module__:
        return  # It is at home elsewhere.
    value.__module__ = module_name
    if isinstance(value, type):
        for name, member in vars(value).items():
            function = member.__func__ if isinstance(member, staticmethod) else member
            is_own = getattr(function, "__qualname__", "") == f"{value.__qualname__}.{name}"
            if is_own and isinstance(function, type | FunctionType):
                _publish(function, module_name)
