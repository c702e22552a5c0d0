"""What users see of names: what a module shows it offers, and nothing names a private file.

Which names there are is judged in `tests/conformance/api`, that each is explained in `test_reference`.
"""

import enum
import importlib
import inspect
import pydoc
from collections import Counter
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt._core.publish import _ELSEWHERE
from tests.support.modules import PUBLIC_MODULES
from tests.support.offered import OFFERED
from tests.support.programs import run_code


@pytest.mark.parametrize("name", PUBLIC_MODULES)
def test_a_module_lists_each_name_once_and_has_it(name: str) -> None:
    module = importlib.import_module(name)
    assert [public for public, count in Counter(module.__all__).items() if count > 1] == []
    assert [public for public in module.__all__ if not hasattr(module, public)] == []


@pytest.mark.parametrize("name", PUBLIC_MODULES)
def test_a_module_hides_each_class_and_function_of_its_own_that_it_does_not_offer(
    name: str,
) -> None:
    assert [
        shown
        for shown, value in shown_besides(importlib.import_module(name)).items()
        if isinstance(value, type | FunctionType) and f"{value.__module__}.".startswith(f"{name}.")
    ] == []


FACES = [name for name in PUBLIC_MODULES if hasattr(importlib.import_module(name), "__path__")]


@pytest.mark.parametrize("name", FACES)
def test_the_face_of_a_folder_shows_only_what_it_offers_and_what_types_are_written_with(
    name: str,
) -> None:
    besides = shown_besides(importlib.import_module(name))
    assert {getattr(value, "__module__", "") for value in besides.values()} <= {
        "__future__",
        "typing",
    }


def shown_besides(module: ModuleType) -> dict[str, object]:
    """What `dir` shows of a module and `__all__` has not, but for modules."""
    shown = {name: vars(module)[name] for name in dir(module)}
    return {
        name: value
        for name, value in shown.items()
        if not (name.startswith("_") or name in module.__all__ or inspect.ismodule(value))
    }


def named(value: object) -> type | None:
    """What carries the name that a user sees: a class or function, or the class of a constant."""
    if isinstance(value, enum.Enum):
        value = type(value)
    return value if isinstance(value, type) or inspect.isfunction(value) else None  # type: ignore[return-value]


def test_a_class_or_function_says_that_it_comes_from_a_module_that_users_import() -> None:
    private = {
        path: f"{value.__module__}.{value.__qualname__}"
        for path, offer in OFFERED.items()
        if (value := named(offer)) is not None
        if "._" in value.__module__
    }
    assert private == {}


def test_a_class_or_function_is_found_where_it_says_that_it_comes_from() -> None:
    modules = {"lwt", "lwt_unix"}
    lost = [
        path
        for path, offer in OFFERED.items()
        if (inspect.isclass(offer) or inspect.isfunction(offer))
        and offer.__module__.split(".")[0] in modules
        and OFFERED.get(f"{offer.__module__}.{offer.__qualname__}") is not offer
    ]
    assert lost == []


def test_a_traceback_names_an_exception_as_a_program_does() -> None:
    run = run_code("import lwt; raise lwt.Failure('no')")
    assert run.stderr.splitlines()[-1] == "lwt.Failure: no"


def test_help_and_reprs_name_classes_as_a_program_does() -> None:
    assert "class Promise in module lwt\n" in pydoc.plain(pydoc.render_doc(lwt.Promise))
    assert repr(lwt_unix.File_descr) == "<class 'lwt_unix.File_descr'>"


def test_help_shows_no_private_base_class() -> None:
    private = {
        path: base.__qualname__
        for path, value in OFFERED.items()
        if isinstance(value, enum.EnumType)
        for base in value.__mro__[1:]
        if "._" in base.__module__
    }
    assert private == {}


# --- Names that another module has -------------------------------------------


@pytest.mark.parametrize(
    ("module", "name", "hint"),
    [
        (lwt, "sleep", "it is lwt_unix.sleep"),
        (lwt, "read", "it is lwt_unix.read"),
        (lwt, "run", "it is lwt_main.run"),
        (lwt, "List", "write: from lwt import lwt_list"),
        (lwt, "Lwt_list", "write: from lwt import lwt_list"),
        (lwt, "lwt_io", "write: from lwt_unix import lwt_io"),
        (lwt, "Lwt_io", "write: from lwt_unix import lwt_io"),
        (lwt_unix, "run", "it is lwt_main.run"),
        (lwt_unix, "printf", "it is lwt_io.printf"),
        (lwt_unix, "pick", "it is lwt.pick"),
    ],
)
def test_a_name_that_another_module_has_is_told_where_it_is(
    module: ModuleType, name: str, hint: str
) -> None:
    found: Any = getattr(module, name)
    assert repr(found) == f"<there is no {module.__name__}.{name}; {hint}>"
    for use in (partial(found, 1, 2), partial(getattr, found, "map_p")):
        with pytest.raises(AttributeError) as raised:
            use()
        assert str(raised.value) == f"module {module.__name__!r} has no attribute {name!r}; {hint}"
        assert (raised.value.name, raised.value.obj) == (name, module)
    assert name not in dir(module)


def test_a_name_that_no_module_has_is_told_as_by_python() -> None:
    with pytest.raises(AttributeError) as raised:
        lwt.nothing  # type: ignore[attr-defined]  # noqa: B018
    assert str(raised.value) == "module 'lwt' has no attribute 'nothing'"


def test_no_name_stands_in_the_way_of_what_a_module_has() -> None:
    """A new interpreter has imported none of the modules yet."""
    code = "import lwt, lwt_unix; from lwt import lwt_list; from lwt_unix import lwt_io, lwt_main; "
    code += "print(lwt_list.map_p.__name__, lwt_io.read.__name__, lwt_main.run.__name__)"
    assert run_code(code).stdout == "map_p read run\n"


def test_the_table_of_names_elsewhere_holds() -> None:
    wrong = [
        f"{module_name}.{name}"
        for module_name, names in _ELSEWHERE
        for name in names.split()
        if name not in importlib.import_module(module_name).__all__
    ]
    assert wrong == []
    listed = {module_name for module_name, _ in _ELSEWHERE}
    assert set(PUBLIC_MODULES) - listed == set()
