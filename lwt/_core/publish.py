"""Names as users see them: what a module offers says that it comes from that module.

So a traceback reads `lwt.Failure: …`, and `help` and pickles do not name a private file.
"""

import sys
from enum import Enum
from types import FunctionType


class Constant(Enum):
    """An enumeration whose members are offered by themselves, like `lwt.Sleep`.

    They print as OCaml writes them, and are pickled by the name under which they are offered.
    """

    def __repr__(self) -> str:
        return self.name

    __str__ = __repr__

    def __reduce_ex__(self, _: object) -> str:  # type: ignore[override]  # a name, for `pickle`
        return self.name


def publish(module_name: str) -> None:
    """Write a module's name into the classes and functions that it offers."""
    module = sys.modules[module_name]
    for name in module.__all__:
        value = getattr(module, name)
        if isinstance(value, Constant):
            value = type(value)
        if isinstance(value, type | FunctionType):
            _publish(value, module_name)


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
