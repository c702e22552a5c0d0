"""Paths, permissions and the like: what calls on files are given."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, TypeVar

import lwt
from lwt._core.checks import check_bounds, wrong_type
from lwt_unix._checks import Path, checked_path
from lwt_unix._jobs.jobs import run_call

A = TypeVar("A")

MOST_PERMISSIONS: Final = 0o7777

LEAST_OFFSET: Final = -(2**63)
MOST_OFFSET: Final = 2**63 - 1


def path_of(function: str, path: Path) -> str:
    """Return a path as a str.

    Raises:
        TypeError: it is no path.
        ValueError: the system cannot be told of it.
    """
    if not isinstance(path, str | bytes | os.PathLike):
        raise wrong_type(function, "a path: a str, bytes or os.PathLike", path)
    return checked_path(function, path)


def check_permissions(function: str, perms: object) -> None:
    """Raise unless these are permissions, such as 0o644."""
    hint = "permissions are written in octal, as in 0o644"
    check_bounds(function, "the permissions", perms, 0, MOST_PERMISSIONS, hint=hint)


def check_offset(function: str, what: str, offset: object) -> None:
    """Raise unless this is a number of bytes that the system can be told."""
    check_bounds(function, what, offset, LEAST_OFFSET, MOST_OFFSET)


def run_at(name: str, path: str, call: Callable[[], A]) -> lwt.Promise[A]:
    """Run a job about a path, which is the argument in its errors."""
    return run_call(name, call, path)
