"""What users see of names: in tracebacks, `help`, reprs and pickles, no private file."""

import copy
import importlib
import inspect
import pickle
import pydoc
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum

import pytest

import lwt
import lwt_unix
from lwt import lwt_seq
from tests.support.programs import environment
from tests.test_layout import PUBLIC_MODULES


def offered() -> Iterator[tuple[str, object]]:
    """Every public name with its value, those of nested modules too."""
    for module_name in PUBLIC_MODULES:
        module = importlib.import_module(module_name)
        for name in module.__all__:
            value = getattr(module, name)
            yield f"{module_name}.{name}", value
            if isinstance(value, type):
                for inner_name, inner in vars(value).items():
                    if isinstance(inner, type) and not inner_name.startswith("_"):
                        yield f"{module_name}.{name}.{inner_name}", inner


OFFERED = dict(offered())


def named(value: object) -> type | None:
    """What carries the name that a user sees: a class or function, or the class of a constant."""
    if isinstance(value, Enum):
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
    run = subprocess.run(
        [sys.executable, "-c", "import lwt; raise lwt.Failure('no')"],
        env=environment(),
        stderr=subprocess.PIPE,
        check=False,
        text=True,
    )
    assert run.stderr.splitlines()[-1] == "lwt.Failure: no"


def test_help_and_reprs_name_classes_as_a_program_does() -> None:
    assert "class Promise in module lwt\n" in pydoc.plain(pydoc.render_doc(lwt.Promise))
    assert repr(lwt_unix.File_descr) == "<class 'lwt_unix.File_descr'>"


PLAIN_VALUES = [
    lwt.Some(3),
    lwt.Ok(3),
    lwt.Error("no"),
    lwt.Return(3),
    lwt.Sleep,
    lwt.Failure("no"),
    lwt_seq.Nil,
    lwt_unix.Opened,
    lwt_unix.Closed,
    lwt_unix.Read,
    lwt_unix.SOCK_STREAM,
    lwt_unix.ADDR_INET("127.0.0.1", 80),
    lwt_unix.ADDR_UNIX("/path"),
]


@pytest.mark.parametrize("value", PLAIN_VALUES, ids=repr)
def test_a_plain_value_is_pickled_under_its_public_name(value: object) -> None:
    pickled = pickle.dumps(value, protocol=0)
    assert b"._" not in pickled
    again = pickle.loads(pickled)
    assert (type(again), repr(again)) == (type(value), repr(value))


@pytest.mark.parametrize("value", [value for value in OFFERED.values() if isinstance(value, Enum)])
def test_a_constant_stays_itself_when_it_is_pickled_or_copied(value: Enum) -> None:
    assert pickle.loads(pickle.dumps(value)) is value
    assert copy.copy(value) is value
    assert copy.deepcopy(value) is value
