"""How the reference writes a signature: names with their types, without those of modules."""

from __future__ import annotations

import re
from collections.abc import Collection

import griffe

WIDTH = 88
"""How many columns a signature may take before it gets a line for each parameter."""

POSITIONAL = griffe.ParameterKind.positional_only
KEYWORD = griffe.ParameterKind.keyword_only


def signature(found: griffe.Object, offered: Collection[str]) -> str:
    """Return how to use a name of a module that offers these names."""
    if isinstance(found, griffe.Function):
        return "\n".join(
            call(found.name, parameters(form), f" -> {form.returns}") for form in forms(found)
        )
    if isinstance(found, griffe.Class):
        if given := parameters(found):
            return call(f"class {found.name}", given)
        bases = ", ".join(str(base) for base in found.bases if not is_hidden(base, offered))
        return f"class {found.name}({bases})" if bases else f"class {found.name}"
    assert isinstance(found, griffe.Attribute)
    if found.annotation is None or is_alias(found):
        return f"{found.name} = {found.value}"
    kind = re.sub(r"^Final(\[(.*)\])?$", r"\2", str(found.annotation))
    return f"{found.name}: {kind}" if kind else found.name


def call(name: str, given: list[str], returns: str = "") -> str:
    """Write a signature in one line, or in a line for each parameter."""
    line = f"{name}({', '.join(given)}){returns}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {parameter}," for parameter in given), f"){returns}"])


def forms(found: griffe.Function) -> list[griffe.Function]:
    """Return the overloads of a function, or itself."""
    return found.overloads or [found]


def parameters(found: griffe.Function | griffe.Class) -> list[str]:
    """List the parameters of a function, or of a class that is for programs to call."""
    if isinstance(found, griffe.Class):
        if "NamedTuple" in map(str, found.bases):
            return [f"{name}: {field.annotation}" for name, field in found.attributes.items()]
        is_documented = found.docstring and "\nArgs:\n" in found.docstring.value
        if not is_documented and "dataclass" not in found.labels:
            return []
    listed: list[str] = []
    kind = None
    for parameter in found.parameters:
        if parameter.name == "self":
            continue
        if kind is POSITIONAL and parameter.kind is not POSITIONAL:
            listed.append("/")
        kind = parameter.kind
        if str(parameter.annotation) == "Never":
            continue  # `*_wrong: Never` takes nothing: it is there for a clear error.
        if kind is KEYWORD and not any(before.startswith("*") for before in listed):
            listed.append("*")
        written = f"{parameter.name}: {parameter.annotation}"
        if kind is griffe.ParameterKind.var_positional:
            written = f"*{written}"
        elif kind is griffe.ParameterKind.var_keyword:
            written = f"**{written}"
        elif parameter.default is not None:
            written = f"{written} = {parameter.default}"
        listed.append(written)
    return [*listed, "/"] if kind is POSITIONAL else listed


def parameter_names(found: griffe.Object) -> set[str]:
    """Return the names of the parameters of a function or class."""
    if not isinstance(found, griffe.Function | griffe.Class):
        return set()
    return {parameter.partition(":")[0].strip("*") for parameter in parameters(found)}


def is_hidden(base: str | griffe.Expr, offered: Collection[str]) -> bool:
    """Tell a base class that is not for programs: from a private file, and not offered."""
    return (
        isinstance(base, griffe.Expr) and "._" in base.canonical_path and str(base) not in offered
    )


def is_alias(found: griffe.Attribute) -> bool:
    """Tell the name of a type."""
    return str(found.annotation) == "TypeAlias"


PARTS = ("args", "kwargs")
"""What `P.args` and `P.kwargs` of a ParamSpec end with."""


def private_types(functions: list[griffe.Function], offered: Collection[str]) -> dict[str, str]:
    """Return the types that signatures name but the module does not offer, written out."""
    waiting = [
        kind
        for function in functions
        for form in forms(function)
        for kind in (*(parameter.annotation for parameter in form.parameters), form.returns)
    ]
    written: dict[str, str] = {}
    for kind in waiting:  # which grows: by what stands in the types that are written out
        for name in kind.iterate(flat=True) if isinstance(kind, griffe.Expr) else ():
            if isinstance(name, griffe.ExprName) and name.name not in {*written, *offered, *PARTS}:
                path = name.canonical_path
                if path.split(".")[0] in functions[0].modules_collection:
                    found = meant(functions[0].modules_collection[path])
                    if isinstance(found, griffe.Attribute) and is_alias(found):
                        written[name.name] = str(found.value).replace("'", "")
                        waiting.append(found.value)
    return written


def meant(member: griffe.Object | griffe.Alias) -> griffe.Object:
    """Return what an import leads to."""
    found = member.final_target if isinstance(member, griffe.Alias) else member
    assert isinstance(found, griffe.Object)
    return found
