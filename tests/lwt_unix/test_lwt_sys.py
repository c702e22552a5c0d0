"""What the system can do."""

import os
import struct
import sys
from typing import Any, get_args

import pytest

from lwt_unix import lwt_sys

anything: Any = lwt_sys


def test_each_feature_is_there_or_not() -> None:
    assert {type(lwt_sys.have(name)) for name in get_args(lwt_sys.feature)} == {bool}


@pytest.mark.skipif(sys.platform != "linux", reason="what Linux has")
def test_linux_has_every_feature() -> None:
    assert all(lwt_sys.have(name) for name in get_args(lwt_sys.feature))


def test_fdatasync_is_there_if_python_has_it() -> None:
    assert lwt_sys.have("fdatasync") == hasattr(os, "fdatasync")


def test_a_feature_of_another_name_is_an_error_that_lists_the_names() -> None:
    with pytest.raises(
        ValueError, match=r"lwt_sys.have: there is no feature 'wait3'; use one of wait4"
    ):
        anything.have("wait3")


def test_what_is_no_name_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"lwt_sys.have: expected the name of a feature, got 3 "):
        anything.have(3)


def test_the_order_of_bytes_is_that_of_numbers_in_memory() -> None:
    first = struct.pack("=H", 1)[0]
    expected = lwt_sys.Little_endian if first == 1 else lwt_sys.Big_endian
    assert lwt_sys.byte_order is expected


def test_this_is_no_windows() -> None:
    assert not lwt_sys.windows
