"""Streams: what every function says to arguments that are wrong."""

from __future__ import annotations

from typing import Any

import pytest

import lwt
from lwt import lwt_stream
from tests.support.streams import stream_of


@pytest.mark.parametrize("name", ["npeek", "nget", "njunk", "get_available_up_to"])
def test_negative_counts_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^lwt_stream\.{name}: n is -1; expected 0 or more"):
        getattr(lwt_stream, name)(-1, stream_of())
    with pytest.raises(TypeError, match=rf"lwt_stream\.{name}: expected an int for n, got 'x'"):
        getattr(lwt_stream, name)("x", stream_of())


def test_negative_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^Lwt_stream\.create_bounded"):
        lwt_stream.create_bounded(-1)
    with pytest.raises(TypeError, match=r"lwt_stream\.create_bounded: expected an int for size"):
        lwt_stream.create_bounded("1")  # type: ignore[arg-type]  # that is the mistake
    _, source = lwt_stream.create_bounded(1)
    with pytest.raises(ValueError, match=r"^Lwt_stream\.bounded_push#resize"):
        source.resize(-1)
    with pytest.raises(
        TypeError, match=r"lwt_stream\.bounded_push\.resize: expected an int for size"
    ):
        source.resize(None)  # type: ignore[arg-type]  # that, too
    assert source.size == 1
    with pytest.raises(
        ValueError, match=r"^Lwt_stream\.iter_n: max_concurrency must be > 0, 0 given$"
    ):
        lwt_stream.iter_n(lwt.return_, stream_of(), max_concurrency=0)
    with pytest.raises(
        TypeError, match=r"lwt_stream\.iter_n: expected an int, got .*; max_concurrency"
    ):
        lwt_stream.iter_n(lwt.return_, stream_of(), max_concurrency="1")  # type: ignore[arg-type]  # that is the mistake


TAKES_A_STREAM = [
    name
    for name in lwt_stream.__all__
    if name
    not in {"Stream", "t", "from_", "from_direct", "Closed", "Full", "Empty", "bounded_push"}
    and not name.startswith(("create", "of_", "return_"))
]


@pytest.mark.parametrize("name", TAKES_A_STREAM)
def test_what_is_no_stream_is_a_type_error_at_the_call(name: str) -> None:
    function = getattr(lwt_stream, name)
    given: dict[str, list[Any]] = {
        "fold": [lambda _, acc: acc, 3, 0],
        "fold_s": [lambda _, acc: lwt.return_(acc), 3, 0],
        "parse": [3, lwt.return_],
        "combine": [stream_of(), 3],
        "append": [stream_of(), 3],
        "choose": [[3]],
    }
    arguments = given.get(name, [3])
    if name in {"npeek", "nget", "njunk", "get_available_up_to"}:
        arguments = [1, 3]
    elif (len(arguments) == 1 and "_while" in name) or name.startswith(
        ("map", "filter", "iter", "find")
    ):
        arguments = [lwt.return_, 3]
    with pytest.raises(TypeError, match=rf"lwt_stream\.{name}: expected a stream"):
        function(*arguments)


@pytest.mark.parametrize(
    "name",
    [
        n
        for n in TAKES_A_STREAM
        if n.startswith(("map", "filter", "iter", "find", "fold", "get_while", "junk_while"))
    ],
)
def test_what_cannot_be_called_is_a_type_error_at_the_call(name: str) -> None:
    with pytest.raises(TypeError, match=rf"lwt_stream\.{name}: expected a function"):
        getattr(lwt_stream, name)(3, stream_of(), *[0] * name.startswith("fold"))


def test_a_parser_that_cannot_be_called_is_a_type_error_at_the_call() -> None:
    with pytest.raises(TypeError, match=r"lwt_stream\.parse: expected a function"):
        lwt_stream.parse(stream_of(), 3)  # type: ignore[arg-type]  # that is the mistake


@pytest.mark.parametrize(
    "name",
    [
        "of_list",
        "of_array",
        "of_seq",
        "of_lwt_seq",
        "of_string",
        "from_",
        "from_direct",
        "return_lwt",
        "choose",
    ],
)
def test_what_no_stream_can_be_made_of_is_a_type_error_at_the_call(name: str) -> None:
    with pytest.raises(TypeError, match=rf"lwt_stream\.{name}: expected"):
        getattr(lwt_stream, name)(3)
