"""Byte arrays in memory: made, read, changed, copied and shared."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from lwt_unix import lwt_bytes

anything: Any = lwt_bytes


def array_of(data: bytes = b"0123456789") -> memoryview:
    return lwt_bytes.of_bytes(data)


def test_a_new_array_has_its_size_and_can_be_written() -> None:
    buffer = lwt_bytes.create(3)
    buffer[:] = b"abc"
    assert (lwt_bytes.length(buffer), lwt_bytes.to_bytes(buffer)) == (3, b"abc")
    assert isinstance(buffer, lwt_bytes.t)
    assert lwt_bytes.length(lwt_bytes.create(0)) == 0


@pytest.mark.parametrize("suffix", ["bytes", "string"])
def test_conversions_copy(suffix: str) -> None:
    make, give = getattr(lwt_bytes, f"of_{suffix}"), getattr(lwt_bytes, f"to_{suffix}")
    data = bytearray(b"abc")
    buffer = make(data)
    data[0] = ord("x")
    given = give(buffer)
    buffer[1] = ord("y")
    assert (bytes(buffer), given) == (b"ayc", b"abc")
    assert give(make("é")) == b"\xc3\xa9"


@pytest.mark.parametrize("prefix", ["", "unsafe_"])
def test_get_and_set_are_of_one_byte(prefix: str) -> None:
    buffer = array_of(b"\xffbc")
    get, set = getattr(lwt_bytes, f"{prefix}get"), getattr(lwt_bytes, f"{prefix}set")
    assert (get(buffer, 0), get(buffer, 2)) == (b"\xff", b"c")
    set(buffer, 1, b"\x00")
    set(buffer, 2, "x")
    assert bytes(buffer) == b"\xff\x00x"


@pytest.mark.parametrize("prefix", ["", "unsafe_"])
@pytest.mark.parametrize("offset", [-1, 10, 2**70])
def test_there_is_no_byte_outside(prefix: str, offset: int) -> None:
    buffer = array_of()
    text = rf"^index out of bounds: lwt_bytes\.{prefix}"
    with pytest.raises(ValueError, match=f"{text}get: there is no byte {offset} in 10 bytes"):
        getattr(lwt_bytes, f"{prefix}get")(buffer, offset)
    with pytest.raises(ValueError, match=f"{text}set: "):
        getattr(lwt_bytes, f"{prefix}set")(buffer, offset, b"x")
    assert bytes(buffer) == b"0123456789"


@pytest.mark.parametrize("value", [b"", b"ab", "é"])
def test_what_is_not_one_byte_is_refused(value: bytes) -> None:
    buffer = array_of()
    with pytest.raises(ValueError, match=r"^lwt_bytes\.set: .* bytes, not one"):
        lwt_bytes.set(buffer, 0, value)
    with pytest.raises(ValueError, match=r"^lwt_bytes\.fill: .* bytes, not one"):
        lwt_bytes.fill(buffer, 0, 3, value)
    assert bytes(buffer) == b"0123456789"


def test_a_proxy_shares_and_an_extract_and_a_copy_do_not() -> None:
    buffer = array_of()
    proxy = lwt_bytes.proxy(buffer, 2, 3)
    extract, copy = lwt_bytes.extract(buffer, 2, 3), lwt_bytes.copy(buffer)
    lwt_bytes.fill(proxy, 1, 2, b"#")
    assert bytes(proxy) == b"2##"
    assert bytes(buffer) == b"012##56789"
    assert (bytes(extract), bytes(copy)) == (b"234", b"0123456789")
    buffer[2] = ord("x")
    assert bytes(lwt_bytes.proxy(proxy, 0, 1)) == b"x"


@pytest.mark.parametrize("prefix", ["", "unsafe_"])
@pytest.mark.parametrize(
    ("offset", "target_offset", "length", "result"),
    [
        (0, 2, 5, b"0101234789"),
        (2, 0, 5, b"2345656789"),
        (0, 0, 10, b"0123456789"),
        (10, 10, 0, b"0123456789"),
    ],
)
def test_blit_copies_also_where_the_parts_overlap(
    prefix: str, offset: int, target_offset: int, length: int, result: bytes
) -> None:
    buffer = array_of()
    getattr(lwt_bytes, f"{prefix}blit")(buffer, offset, buffer, target_offset, length)
    assert bytes(buffer) == result


@pytest.mark.parametrize("prefix", ["", "unsafe_"])
def test_blit_goes_from_bytes_and_strings_and_to_any_buffer(prefix: str) -> None:
    buffer, target = array_of(), bytearray(b"....")
    getattr(lwt_bytes, f"{prefix}blit_from_bytes")(bytearray(b"abc"), 1, buffer, 0, 2)
    getattr(lwt_bytes, f"{prefix}blit_from_string")("xyz", 0, buffer, 7, 3)
    getattr(lwt_bytes, f"{prefix}blit_to_bytes")(buffer, 6, target, 1, 3)
    assert (bytes(buffer), bytes(target)) == (b"bc23456xyz", b".6xy")
    target.append(0)  # Nothing holds it any more.


@pytest.mark.parametrize("prefix", ["", "unsafe_"])
def test_fill_puts_one_byte_into_a_part(prefix: str) -> None:
    buffer = array_of()
    getattr(lwt_bytes, f"{prefix}fill")(buffer, 2, 3, "#")
    getattr(lwt_bytes, f"{prefix}fill")(buffer, 10, 0, b"#")
    assert bytes(buffer) == b"01###56789"


OUTSIDE = [(-1, 3), (0, -1), (8, 3), (11, 0), (2**70, 1), (1, 2**70)]

PARTS: dict[str, Callable[[memoryview, int, int], object]] = {
    "extract": lwt_bytes.extract,
    "fill": lambda buffer, offset, length: lwt_bytes.fill(buffer, offset, length, b"x"),
    "blit": lambda buffer, offset, length: lwt_bytes.blit(buffer, offset, array_of(), 0, length),
    "blit_from_bytes": lambda buffer, offset, length: lwt_bytes.blit_from_bytes(
        b"abcdefghijkl", 0, buffer, offset, length
    ),
    "blit_from_string": lambda buffer, offset, length: lwt_bytes.blit_from_string(
        b"0123456789", offset, buffer, 0, length
    ),
    "blit_to_bytes": lambda buffer, offset, length: lwt_bytes.blit_to_bytes(
        buffer, 0, bytearray(10), offset, length
    ),
}


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize(("offset", "length"), OUTSIDE)
def test_a_part_outside_is_refused_and_nothing_changes(name: str, offset: int, length: int) -> None:
    buffer = array_of()
    with pytest.raises(ValueError, match=rf"^Lwt_bytes\.{name}: {length} bytes from "):
        PARTS[name](buffer, offset, length)
    assert bytes(buffer) == b"0123456789"


@pytest.mark.parametrize(("offset", "length"), OUTSIDE)
def test_a_proxy_outside_is_refused_in_the_words_of_ocaml(offset: int, length: int) -> None:
    with pytest.raises(ValueError, match=r"^Bigarray\.sub: bad sub-array: lwt_bytes\.proxy: "):
        lwt_bytes.proxy(array_of(), offset, length)


def test_a_size_below_0_or_beyond_memory_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Bigarray\.create: negative dimension: "):
        lwt_bytes.create(-1)
    with pytest.raises(ValueError, match=r"^lwt_bytes\.create: the size is "):
        lwt_bytes.create(2**70)
    with pytest.raises(MemoryError):
        lwt_bytes.create(2**62)


@pytest.mark.parametrize("name", lwt_bytes.__all__)
def test_what_is_no_byte_array_is_refused_at_the_call(name: str) -> None:
    function = getattr(lwt_bytes, name)
    if not inspect.isfunction(function):
        return
    parameters = inspect.signature(function).parameters
    arrays = [
        place
        for place, parameter in enumerate(parameters.values())
        if "memoryview" in str(parameter.annotation)
    ]
    for place in arrays:
        for wrong in (b"abc", bytearray(3), memoryview(b"abc"), memoryview(bytearray(8)).cast("I")):
            positional: list[Any] = []
            labelled: dict[str, Any] = {}
            for index, (label, parameter) in enumerate(parameters.items()):
                value: Any = wrong if index == place else GOOD.get(label, 0)
                if parameter.kind is parameter.KEYWORD_ONLY:
                    labelled[label] = value
                elif parameter.kind is not parameter.VAR_POSITIONAL:
                    positional.append(value)
            with pytest.raises(
                TypeError, match=rf"^lwt_bytes\.{re.escape(name)}: expected a writable memoryview"
            ):
                function(*positional, **labelled)


GOOD: dict[str, Any] = {
    "buffer": memoryview(bytearray(10)),
    "source": memoryview(bytearray(10)),
    "target": memoryview(bytearray(10)),
    "value": b"x",
    "states": [False],
    "advice": lwt_bytes.MADV_NORMAL,
}


def test_offsets_and_lengths_are_ints() -> None:
    calls: list[Callable[[], object]] = [
        lambda: anything.create("3"),
        lambda: anything.get(array_of(), "3"),
        lambda: anything.proxy(array_of(), 0, 3.0),
        lambda: anything.blit(array_of(), True, array_of(), 0, 1),
        lambda: anything.fill(array_of(), 0, None, b"x"),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=r"^lwt_bytes\.\w+: .*got "):
            call()


def test_a_str_of_which_a_part_is_meant_is_ascii() -> None:
    with pytest.raises(
        ValueError, match=r"^lwt_bytes\.blit_from_string: the offset and the length"
    ):
        lwt_bytes.blit_from_string("é", 0, array_of(), 0, 1)
