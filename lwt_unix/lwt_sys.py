"""What this system can do.

>>> from lwt_unix import lwt_sys
>>> lwt_sys.have("recv_msg")
True

OCaml: Lwt_sys (src/unix/lwt_sys.ml)
"""

from __future__ import annotations

import enum
import os
import socket
import sys
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from lwt._core.checks import wrong_type
from lwt._core.publish import constants

feature: TypeAlias = Literal[
    "wait4",
    "get_cpu",
    "get_affinity",
    "set_affinity",
    "recv_msg",
    "send_msg",
    "fd_passing",
    "get_credentials",
    "mincore",
    "madvise",
    "fdatasync",
    "libev",
]
"""The name of what a system may have or not.

OCaml: type Lwt_sys.feature
"""


class Not_available(Exception):
    """Say that a feature does not exist on this system; its argument names the feature.

    OCaml: Lwt_sys.Not_available : exn
    """


_FEATURES: Final[Mapping[str, bool]] = MappingProxyType(
    {
        "wait4": True,
        "get_cpu": sys.platform == "linux",
        "get_affinity": hasattr(os, "sched_getaffinity"),
        "set_affinity": hasattr(os, "sched_setaffinity"),
        "recv_msg": True,
        "send_msg": True,
        "fd_passing": hasattr(socket, "SCM_RIGHTS"),
        "get_credentials": hasattr(socket, "SO_PEERCRED"),
        "mincore": True,
        "madvise": True,
        "fdatasync": hasattr(os, "fdatasync"),
        "libev": True,
    }
)


def have(feature: feature, /) -> bool:
    """Say whether this system has a feature.

    What `libev` stands for is the engine of that name, which needs no C library here.

    Raises:
        ValueError: there is no feature of this name.

    OCaml: Lwt_sys.have : feature -> bool
    """
    if not isinstance(feature, str):
        raise wrong_type("lwt_sys.have", "the name of a feature", feature)
    found = _FEATURES.get(feature)
    if found is None:
        names = ", ".join(_FEATURES)
        raise ValueError(f"lwt_sys.have: there is no feature {feature!r}; use one of {names}")
    return found


@constants
class Byte_order(Enum):
    """Which byte of a number comes first.

    OCaml: type Lwt_sys.byte_order
    """

    Little_endian = enum.auto()
    Big_endian = enum.auto()


Little_endian: Final = Byte_order.Little_endian
"""The least significant byte comes first.

OCaml: Lwt_sys.Little_endian
"""

Big_endian: Final = Byte_order.Big_endian
"""The most significant byte comes first.

OCaml: Lwt_sys.Big_endian
"""

byte_order: Final[Byte_order] = Little_endian if sys.byteorder == "little" else Big_endian
"""Which byte of a number comes first on this system.

OCaml: Lwt_sys.byte_order : byte_order
"""

windows: Final[bool] = sys.platform == "win32"
"""Whether this system is Windows, on which these packages do not run.

OCaml: Lwt_sys.windows : bool
"""

__all__ = [
    "feature",
    "have",
    "Not_available",
    "Byte_order",
    "Little_endian",
    "Big_endian",
    "byte_order",
    "windows",
]
