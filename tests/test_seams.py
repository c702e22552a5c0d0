"""What a simulated world has to replace stands in one place each: see `docs/contributing.md`."""

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lwt_unix import _system as system
from tests.support.modules import MODULES

SYSTEM = "lwt_unix._system"

PLACES = {
    "time": {"lwt_unix.lwt_engine._base"},
    "datetime": {"lwt_unix.testing._outside"},
    "random": {
        *("lwt._core.choices", "lwt_unix.testing._sources", "lwt_unix.testing._outside"),
        *("lwt_unix.testing._explore.contents", "lwt_unix.testing._explore.views"),
    },
    "secrets": set[str](),
    "select": {name for name in MODULES if name.startswith("lwt_unix.lwt_engine.")},
    "selectors": set[str](),
    "_socket": {SYSTEM},
    "ctypes": {"lwt_unix._libc", "lwt_unix.lwt_bytes._mapped"},
    "grp": {SYSTEM},
    "pwd": {SYSTEM},
}
"""Who may import what stands for a clock, for chance, and for the system's calls."""

NO_CALLS = {
    "os": {
        "DirEntry",
        "PathLike",
        "_exit",
        "environ",
        "fsdecode",
        "fsencode",
        "makedev",
        "register_at_fork",
        "strerror",
    },
    "socket": {"AddressFamily", "gaierror", "herror", "if_nametoindex", "inet_ntop", "inet_pton"},
}
"""What any module may use of these two besides constants: it asks nothing about a descriptor."""

CALLS_OF_THE_ENGINE = {
    *(("lwt_unix.lwt_engine._pollers", f"os.{call}") for call in ("pipe", "close", "fstat")),
    ("lwt_unix.lwt_engine._select", "os.fstat"),
}
"""Whether a descriptor is open, which the engine asks when waiting has failed; and the pipe by which it
finds out whether its own descriptors are."""

METHODS_OF_SOCKETS = {
    "_accept",
    "connect_ex",
    "getpeername",
    "getsockname",
    "getsockopt",
    "recv",
    "recv_into",
    "recvfrom",
    "recvfrom_into",
    "recvmsg",
    "recvmsg_into",
    "sendall",
    "sendmsg",
    "sendto",
    "setsockopt",
}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def uses(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The modules that a module imports, inside functions too, and what it uses of them: "" first."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name] = alias.name
                yield alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", used) for used in ("", *(a.name for a in node.names)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield names.get(node.value.id, ""), node.attr


USES = {name: set(uses(tree_of(path))) for name, path in MODULES.items()}


@pytest.mark.parametrize("module", PLACES)
def test_what_is_to_be_replaced_is_imported_in_its_place_only(module: str) -> None:
    importers = {name for name, used in USES.items() if (module, "") in used}
    assert importers <= PLACES[module]
    assert bool(importers) == bool(PLACES[module])


def test_the_system_is_called_in_one_file() -> None:
    elsewhere = {
        (name, f"{module}.{attribute}")
        for name, used in USES.items()
        if name != SYSTEM
        for module, attribute in used
        if module in NO_CALLS and attribute not in NO_CALLS[module] and not attribute.isupper()
        if attribute
    }
    assert elsewhere == CALLS_OF_THE_ENGINE


def test_the_methods_of_socket_objects_are_called_in_one_file() -> None:
    elsewhere = [
        f"{name}: {ast.unparse(node)}"
        for name, path in MODULES.items()
        if name != SYSTEM
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr in METHODS_OF_SOCKETS
        if ast.unparse(node.value) not in {"self", "system", "lwt_unix"}
    ]
    assert elsewhere == []


def test_a_call_of_the_system_is_python_s_own_function_and_costs_nothing() -> None:
    calls = {name: call for name, call in vars(system).items() if isinstance(call, type(os.readv))}
    assert {"close", "dup", "pipe", "read", "readv", "write"} <= set(calls)
    homes = {name: sys.modules[call.__module__] for name, call in calls.items()}
    assert {home.__name__ for home in homes.values()} == {
        "posix",
        "pwd",
        "grp",
        "_socket",
        "_signal",
    }
    for name, call in calls.items():
        assert getattr(homes[name], call.__name__) is call
    assert system.recv_into is system.SocketObject.recv_into
