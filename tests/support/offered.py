"""What the packages offer: every public name with its value."""

import importlib
from collections.abc import Iterator
from types import FunctionType

import lwt
from tests.support.modules import PUBLIC_MODULES


def offered() -> Iterator[tuple[str, object]]:
    """Every public name with its value, those in classes and nested modules too."""
    for module_name in PUBLIC_MODULES:
        module = importlib.import_module(module_name)
        for name in module.__all__:
            yield from with_members(f"{module_name}.{name}", getattr(module, name))


def with_members(path: str, value: object) -> Iterator[tuple[str, object]]:
    """A name and its value, and, of a class, those of its public functions and classes."""
    yield path, value
    if isinstance(value, type) and value is not lwt.Private:  # which is not for programs
        for name, member in vars(value).items():
            function = member.__func__ if isinstance(member, staticmethod) else member
            if isinstance(function, type | FunctionType) and not name.startswith("_"):
                yield from with_members(f"{path}.{name}", function)


OFFERED = dict(offered())
