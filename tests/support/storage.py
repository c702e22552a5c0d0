"""A key of the storage, and short ways to ask and to set it."""

from collections.abc import Callable
from typing import Any

import lwt
from lwt import Some

USER: lwt.Key[str] = lwt.new_key()


def user() -> str:
    """What the key is associated with."""
    found = lwt.get(USER)
    return found.value if found is not None else "nobody"


def as_user(name: str, function: Callable[[], Any]) -> Any:
    """Call a function while the key is associated with a name."""
    return lwt.with_value(USER, Some(name), function)
