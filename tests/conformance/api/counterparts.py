"""What Python has for each item of an OCaml interface, by the rules of names and arguments.

`find` spells an item's path in Python and gets the object; `compare` says how that object
differs from what the item asks for, one sentence a difference. What is checked of each kind:

- a module, functor: a namespace; what a functor returns is looked into by calling it;
- a value with arguments: a callable with as many positional arguments (units do not count) and
  the same labels, by keyword only, with a default where OCaml's is optional;
- a value without: something that is no function;
- an exception: a subclass of Exception;
- a type: a class or alias; with its constructors, enum members, record fields;
- a class: a class, with its arguments and methods.

Module types and the instance variables of classes have no counterpart: nothing asks for one.
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import inspect
import keyword
import re
import types
import typing
from collections.abc import Callable, Iterator, Sequence

from tests.conformance.api.interface import Item

CORE = "lwt"
PACKAGES = "lwt", "lwt_unix"
OPERATORS = {">>=": "__rshift__", ">|=": "__or__", "<&>": "__and__", "<?>": "__xor__"}
"""The operators of module Lwt that Python has, as methods of Promise."""

CALLABLES = "Callable[", "collections.abc.Callable[", "typing.Callable["
"""How the annotation of a function's result begins, if that is a function."""

NO_COUNTERPART = {"module type", "variable"}


class Missing(LookupError):
    """There is nothing of the name in Python."""


# --- Names -------------------------------------------------------------------


def python_module(module: str, library: str) -> str:
    """Return the name under which to import the counterpart of a module."""
    if module in {"Lwt", "Lwt_unix"}:
        return module.lower()
    return f"{CORE if library == 'lwt' else 'lwt_unix'}.{module.lower()}"


def python_name(name: str) -> str:
    """Spell the name of a value or label: a keyword gets an underscore."""
    return f"{name}_" if keyword.iskeyword(name) else name


def class_name(name: str) -> str:
    """Spell the name of a type that becomes a class: File_descr for file_descr."""
    return name[:1].upper() + name[1:]


def type_names(name: str) -> list[str]:
    """List the names that the counterpart of a type may have."""
    return [name] if name == "t" else [class_name(name), name]


def is_operator(name: str) -> bool:
    """Tell `>>=` and `let*` from names."""
    return not name.isidentifier()


def python_path(item: Item, modules: dict[str, str]) -> str:
    """Spell the path of an item as a reader would look for it."""
    if item.kind == "module of":
        return modules[item.path]
    _, *inner = item.parent.replace("#", ".").split(".")
    if is_operator(item.name):
        return f"lwt.Promise.{OPERATORS.get(item.name, item.name)}"
    return ".".join([modules[item.module], *inner, python_name(item.name)])


# --- Finding -----------------------------------------------------------------


class Library:
    """The Python modules, and the namespaces in them, by the paths of OCaml."""

    def __init__(self, interface: Sequence[Item]) -> None:
        self.modules = {
            item.path: python_module(item.path, item.words[0])
            for item in interface
            if item.kind == "module of"
        }
        self._values = {item.path for item in interface if item.kind == "value"}
        self._functors = {item.path for item in interface if item.kind == "functor"}
        self._namespaces: dict[str, object] = {}

    def namespace(self, path: str) -> object:
        """Return the counterpart of a module, nested module or functor's result.

        Raises:
            Missing: there is none.
        """
        if path not in self._namespaces:
            self._namespaces[path] = self._find_namespace(path)
        return self._namespaces[path]

    def has_value(self, path: str) -> bool:
        """Tell whether a value of OCaml has this path, maybe besides a type."""
        return path in self._values

    def _find_namespace(self, path: str) -> object:
        parent, _, name = path.rpartition(".")
        if not parent:
            return import_python(self.modules[name])
        found = attribute(self.namespace(parent), name)
        if path in self._functors:
            # Without its argument, Python's own ==, hash and < are taken.
            return typing.cast("Callable[[], object]", found)()
        return found

    def find(self, item: Item) -> object:
        """Return the counterpart of an item.

        Raises:
            Missing: there is none.
        """
        if item.kind == "module of":
            return self.namespace(item.path)
        if "method" in item.kind:
            return self._find_method(item)
        namespace = self.namespace(item.parent)
        if item.kind in {"type", "class type"}:
            return find_type(namespace, item.name)
        if is_operator(item.name):
            if item.name not in OPERATORS:
                raise Missing(item.path)
            return attribute(attribute(self.namespace("Lwt"), "Promise"), OPERATORS[item.name])
        return attribute(namespace, python_name(item.name))

    def _find_method(self, item: Item) -> object:
        parent, _, name = item.parent.rpartition(".")
        found = attribute(self.namespace(parent), python_name(name))
        if "private" in item.kind and not is_public(found, item.name):
            return attribute(found, f"_{item.name}")
        return attribute(found, python_name(item.name))


def import_python(name: str) -> types.ModuleType:
    """Import a module of ours; a module that it imports in turn must be there."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise Missing(name) from error


def attribute(namespace: object, name: str) -> object:
    """Return an attribute as it is in a class (a property, not what it returns).

    Raises:
        Missing: there is none, or it is not among what a module makes public.
    """
    if not is_public(namespace, name):
        raise Missing(name)
    if isinstance(namespace, type):
        found = inspect.getattr_static(namespace, name)
        return found if isinstance(found, property) else getattr(namespace, name)
    return getattr(namespace, name)


def is_public(namespace: object, name: str) -> bool:
    """Tell whether a namespace has a name; what a module only imports is not its own."""
    if isinstance(namespace, types.ModuleType) and name not in namespace.__all__:
        return False
    return hasattr(namespace, name)


def public_names(found: object) -> Iterator[tuple[str, list[str]]]:
    """Yield the names in a module, class or object of ours, with the places where they are defined.

    The members of an Enum are left out: they are compared with the constructors of its type.
    """
    if isinstance(found, types.ModuleType):
        yield from ((name, [found.__name__]) for name in found.__all__)
        return
    kind = found if isinstance(found, type) else type(found)
    ours = [base for base in kind.__mro__ if base.__module__.split(".")[0] in PACKAGES]
    for name in {name: None for base in ours for name in vars(base) if name[0] != "_"}:
        if not issubclass(kind, enum.Enum):
            definers = [base for base in ours if name in vars(base)]
            yield name, [f"{base.__module__}.{base.__qualname__}" for base in definers]


def find_type(namespace: object, name: str) -> object:
    """Return a type, under its name with a capital or, if no value has it, as it is in OCaml."""
    for spelled in type_names(name):
        if is_public(namespace, spelled) and is_type(getattr(namespace, spelled)):
            return getattr(namespace, spelled)
    raise Missing(name)


def is_type(value: object) -> bool:
    """Tell classes and aliases (of unions, generic types) from values."""
    return isinstance(value, type | types.UnionType | types.GenericAlias) or (
        typing.get_origin(value) is not None
    )


# --- Comparing ---------------------------------------------------------------


def compare(item: Item, found: object, library: Library) -> Iterator[str]:
    """Yield what is different about the counterpart of an item."""
    if is_operator(item.name):
        return  # A method of Promise: what it takes is Python's.
    yield from compare_docstring(item, found)
    if item.kind in {"module", "functor"}:
        if inspect.isfunction(found) != (item.kind == "functor"):
            yield f"is {found!r}, not a {item.kind}"
    elif item.kind == "exception":
        if not (isinstance(found, type) and issubclass(found, Exception)):
            yield f"is {found!r}, not a subclass of Exception"
    elif item.kind == "constructor of":
        yield from compare_constructor(item.name, len(item.words) - 1, found)
    elif item.kind == "value":
        yield from compare_value(item.words, found)
    elif item.kind == "type":
        yield from compare_type(item, found, library.namespace(item.parent))
        yield from compare_alias(item, found, library)
    elif item.kind in {"class", "class type"}:
        if not isinstance(found, type):
            yield f"is {found!r}, not a class"
        elif not (item.kind == "class type" or inspect.isabstract(found)):
            yield from compare_arguments(item.words, found)
    elif "method" in item.kind:
        yield from compare_method(item.words, found)


def compare_docstring(item: Item, found: object) -> Iterator[str]:
    """Look for the item in the last paragraph of its counterpart's docstring, the OCaml original.

    What is in a class or nested module has only its name there. What is a second name of something
    else has the docstring of that.
    """
    named = found.fget if isinstance(found, property) else found
    if not isinstance(named, type | types.FunctionType) or item.kind == "class type":
        return
    if named.__module__.split(".")[0] not in PACKAGES:
        return
    if item.kind != "type" and named.__name__ not in {item.name, python_name(item.name)}:
        return
    *_, original = (inspect.getdoc(found) or "").split("\n\n")
    name = item.name if {".", "#"} & set(item.parent) else item.path
    if not re.search(rf"^OCaml: .*\b{re.escape(name)}(?!\w)", original, re.DOTALL):
        yield f"does not name {name} in the last paragraph of its docstring"
    elif item.kind == "value" and "->" in item.words and not original.endswith(")"):
        yield "returns a function, which its docstring does not put in parentheses, as OCaml does"


def compare_value(words: tuple[str, ...], found: object) -> Iterator[str]:
    """Compare a function by its arguments; anything else is only no function."""
    if not words:
        if inspect.isroutine(found):
            yield "is a function, but OCaml's value takes no argument"
    elif not callable(found):
        yield f"is {found!r}, not a function"
    else:
        own, arrow, _ = split_at_arrow(words)
        yield from compare_arguments(own, found)
        annotation = inspect.signature(found).return_annotation
        returns_function = str(annotation).startswith(CALLABLES)
        if returns_function != arrow:
            yield f"returns {annotation}, {'but not' if arrow else 'and so'} a function"


def split_at_arrow(words: tuple[str, ...]) -> tuple[tuple[str, ...], bool, tuple[str, ...]]:
    """Split the arguments of a value from those of the function that it returns."""
    if "->" not in words:
        return words, False, ()
    position = words.index("->")
    return words[:position], True, words[position + 1 :]


def compare_method(words: tuple[str, ...], found: object) -> Iterator[str]:
    """Compare a method; one without arguments may be a property."""
    if isinstance(found, property):
        if words:
            yield f"is a property, but OCaml's method takes {' '.join(words)}"
    elif not callable(found):
        yield f"is {found!r}, neither a method nor a property"
    else:
        yield from compare_parameters(words, parameters_of(found)[1:])  # without self


def parameters_of(function: Callable[..., object]) -> list[inspect.Parameter]:
    """List the parameters of a function or class."""
    return list(inspect.signature(function).parameters.values())


def compare_arguments(words: tuple[str, ...], function: Callable[..., object]) -> Iterator[str]:
    """Compare the arguments of a function with those of OCaml's."""
    return compare_parameters(words, parameters_of(function))


def compare_parameters(
    words: tuple[str, ...], parameters: list[inspect.Parameter]
) -> Iterator[str]:
    """Compare parameters with OCaml's arguments."""
    by_name = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    positional = [p for p in parameters if p.kind is p.POSITIONAL_ONLY] + by_name
    wanted = [word for word in words if word[0] not in "~?" and word != "()"]
    if len(positional) != len(wanted):
        yield f"takes {len(positional)} positional arguments, OCaml's {len(wanted)}"
    if by_name:
        yield f"takes by name, too, what has no label: {names(by_name)}"
    defaults = [p for p in positional if p.default is not p.empty]
    if defaults:
        yield f"has defaults for positional arguments: {names(defaults)}"
    # `*_wrong: Never` is there to refuse them with an error that names the labels.
    takes_more = any(p.kind is p.VAR_POSITIONAL and p.annotation != "Never" for p in parameters)
    if takes_more and "format" not in words:
        yield "takes any number of positional arguments"
    if "format" in words and not takes_more:
        yield "takes no arguments for its format"
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        yield "takes any label"

    labels = {python_name(word[1:]): word[0] == "?" for word in words if word[0] in "~?"}
    ours = {p.name: p.default is not p.empty for p in parameters if p.kind is p.KEYWORD_ONLY}
    for label, is_optional in labels.items():
        if label not in ours:
            yield f"has no label {label}"
        elif ours[label] != is_optional:
            yield f"label {label} is {'optional' if is_optional else 'required'} in OCaml only"
    for label in ours:
        if label not in labels:
            yield f"has a label {label}, OCaml's has not"


def names(parameters: list[inspect.Parameter]) -> str:
    """List parameters in a message."""
    return ", ".join(parameter.name for parameter in parameters)


# --- Types -------------------------------------------------------------------


def compare_type(item: Item, found: object, namespace: object) -> Iterator[str]:
    """Compare the constructors or fields of a type."""
    fields = [word for word in item.words if word[0] in ".!" and word != ".."]
    if fields:
        yield from compare_fields(fields, found)
        return
    constructors = [word for word in item.words if word[0] not in "`."]
    for constructor in constructors:
        name, _, count = constructor.partition("/")
        if is_public(namespace, name):
            yield from compare_constructor(name, int(count or 0), getattr(namespace, name))
        else:
            yield f"constructor {name} is missing"
    if constructors and not any("/" in constructor for constructor in constructors):
        yield from compare_enum(constructors, found, namespace)


def compare_alias(item: Item, found: object, library: Library) -> Iterator[str]:
    """Look for OCaml's name of a type, unless it is the name of a value, too."""
    if library.has_value(item.path):
        return
    namespace = library.namespace(item.parent)
    if not is_public(namespace, item.name):
        yield f"has no alias {item.name}"
    elif getattr(namespace, item.name) != found:
        yield f"has the alias {item.name}, which is {getattr(namespace, item.name)!r}"


def compare_constructor(name: str, count: int, found: object) -> Iterator[str]:
    """Compare a constructor: a class with as many arguments, or a value."""
    if (count > 0) != isinstance(found, type):
        yield f"constructor {name} is {found!r}, but OCaml's has {count} arguments"
    elif isinstance(found, type):
        taken = len(inspect.signature(found).parameters)
        if taken != count:
            yield f"constructor {name} takes {taken} arguments, OCaml's {count}"


def compare_enum(constructors: list[str], found: object, namespace: object) -> Iterator[str]:
    """Compare a type that has constants only: an Enum, its members under their bare names."""
    if not (isinstance(found, type) and issubclass(found, enum.Enum)):
        yield f"is {found!r}, not an Enum"
        return
    if list(found.__members__) != constructors:
        yield f"has the members {', '.join(found.__members__)}, OCaml's {', '.join(constructors)}"
    for name, member in found.__members__.items():
        if not is_public(namespace, name) or getattr(namespace, name) is not member:
            yield f"member {name} is not exported under its bare name"


def compare_fields(fields: list[str], found: object) -> Iterator[str]:
    """Compare a record: a dataclass or NamedTuple, mutable where a field of OCaml's is."""
    wanted = [field[1:] for field in fields]
    mutable = any(field.startswith("!") for field in fields)
    if isinstance(found, type) and dataclasses.is_dataclass(found):
        ours = [field.name for field in dataclasses.fields(found)]
        is_mutable = not found.__dataclass_params__.frozen  # type: ignore[attr-defined]  # typeshed leaves it out
    elif isinstance(found, type) and issubclass(found, tuple):
        ours = list(getattr(found, "_fields", ()))
        is_mutable = False
    else:
        yield "is no dataclass and no NamedTuple"
        return
    if ours != wanted:
        yield f"has the fields {', '.join(ours)}, OCaml's {', '.join(wanted)}"
    if is_mutable != mutable:
        yield f"is {'mutable' if is_mutable else 'frozen'}, OCaml's is not"
