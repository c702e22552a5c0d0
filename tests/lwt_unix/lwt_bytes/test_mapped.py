"""Files in memory."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_bytes, lwt_main
from tests.support.descriptors import open_descriptors
from tests.support.programs import run_code

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

PAGE = lwt_bytes.page_size
anything: Any = lwt_bytes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(b"0123456789")
    return tmp_path / "file"


@pytest.fixture
def fd(path: Path) -> Iterator[int]:
    number = os.open(path, os.O_RDWR)
    yield number
    os.close(number)


def test_a_change_of_a_shared_array_is_one_of_the_file(path: Path, fd: int) -> None:
    buffer = lwt_bytes.map_file(fd=fd, shared=True)
    assert (bytes(buffer), lwt_bytes.mapped(buffer)) == (b"0123456789", True)
    lwt_bytes.blit_from_string("abc", 0, buffer, 3, 3)
    assert path.read_bytes() == b"012abc6789"
    os.pwrite(fd, b"x", 0)
    assert bytes(buffer) == b"x12abc6789"


def test_a_change_of_a_private_array_is_seen_by_nobody_else(path: Path, fd: int) -> None:
    buffer = lwt_bytes.map_file(fd=fd, shared=False)
    buffer[0] = ord("x")
    assert (bytes(buffer), path.read_bytes()) == (b"x123456789", b"0123456789")


def test_the_array_may_be_any_part_of_the_file(path: Path, fd: int) -> None:
    content = os.urandom(3 * PAGE)
    path.write_bytes(content)
    for start in (0, 1, PAGE - 1, PAGE, PAGE + 7, 3 * PAGE):
        assert bytes(lwt_bytes.map_file(fd=fd, pos=start, shared=True)) == content[start:]
        part = lwt_bytes.map_file(fd=fd, pos=start, size=min(5, 3 * PAGE - start), shared=False)
        assert bytes(part) == content[start : start + 5]


def test_the_file_grows_if_the_array_is_longer(path: Path, fd: int) -> None:
    buffer = lwt_bytes.map_file(fd=fd, pos=8, size=7, shared=True)
    assert (bytes(buffer), path.read_bytes()) == (b"89" + bytes(5), b"0123456789" + bytes(5))


def test_an_empty_array_is_mapped_too(path: Path, fd: int) -> None:
    path.write_bytes(b"")
    buffer = lwt_bytes.map_file(fd=fd, shared=True)
    assert (len(buffer), lwt_bytes.mapped(buffer)) == (0, True)


def test_a_proxy_of_a_mapped_array_is_mapped_and_a_copy_is_not(fd: int) -> None:
    buffer = lwt_bytes.map_file(fd=fd, shared=True)
    assert lwt_bytes.mapped(lwt_bytes.proxy(lwt_bytes.proxy(buffer, 2, 5), 1, 3))
    assert not lwt_bytes.mapped(lwt_bytes.copy(buffer))
    assert not lwt_bytes.mapped(lwt_bytes.create(3))


def test_the_file_may_be_closed_and_its_own_descriptor_goes_with_the_last_view(path: Path) -> None:
    before = open_descriptors()
    number = os.open(path, os.O_RDWR)
    buffer = lwt_bytes.map_file(fd=number, shared=True)
    os.close(number)
    proxy = lwt_bytes.proxy(buffer, 3, 2)
    del buffer
    assert bytes(proxy) == b"34"
    del proxy
    assert open_descriptors() == before


@pytest.mark.parametrize(
    ("flags", "arguments", "number"),
    [
        (os.O_RDONLY, {"shared": True}, errno.EACCES),
        (os.O_WRONLY, {"shared": True}, errno.EACCES),
        (os.O_RDONLY, {"shared": False, "size": 20}, errno.EBADF),
        (os.O_RDWR, {"shared": True, "pos": -1}, errno.EOVERFLOW),
    ],
)
def test_what_the_system_refuses_is_its_error(
    path: Path, flags: int, arguments: dict[str, Any], number: int
) -> None:
    fd = os.open(path, flags)
    try:
        with pytest.raises(OSError) as raised:  # noqa: PT011  (its number is looked at)
            lwt_bytes.map_file(fd=fd, **arguments)
    finally:
        os.close(fd)
    assert lwt_unix.unix_error(raised.value) == (number, "map_file", "")
    assert path.read_bytes() == b"0123456789"


def test_a_pipe_has_no_bytes_and_cannot_grow() -> None:
    reading, writing = os.pipe()
    try:
        assert len(lwt_bytes.map_file(fd=reading, shared=True)) == 0
        with pytest.raises(OSError, match="Invalid argument"):
            lwt_bytes.map_file(fd=writing, size=5, shared=True)
    finally:
        os.close(reading)
        os.close(writing)


def test_a_place_behind_the_file_and_a_negative_size_are_refused(fd: int) -> None:
    with pytest.raises(lwt.Failure, match=r"^Unix\.map_file: file position exceeds file size: "):
        lwt_bytes.map_file(fd=fd, pos=11, shared=True)
    with pytest.raises(ValueError, match=r"^Unix\.map_file: negative dimension: size is -2"):
        lwt_bytes.map_file(fd=fd, size=-2, shared=True)
    assert len(lwt_bytes.map_file(fd=fd, size=-1, shared=True)) == 10


def test_arguments_of_wrong_types_are_refused(fd: int) -> None:
    for wrong in ({"fd": "0"}, {"shared": 1}, {"pos": 1.0}, {"size": "1"}):
        with pytest.raises(TypeError, match=r"^lwt_bytes\.map_file: "):
            anything.map_file(**{"fd": fd, "shared": True, **wrong})


# --- Advice ------------------------------------------------------------------


@pytest.mark.parametrize("advice", list(lwt_bytes.Advice))
def test_the_kernel_takes_advice_on_whole_pages(
    path: Path, fd: int, advice: lwt_bytes.Advice
) -> None:
    path.write_bytes(bytes(4 * PAGE))
    buffer = lwt_bytes.map_file(fd=fd, shared=False)
    may_lack = advice.name.startswith(("MADV_HUGE", "MADV_NOHUGE", "MADV_MERGE", "MADV_UNMERGE"))
    with suppress(OSError) if may_lack else nullcontext():  # A kernel may be built without it.
        lwt_bytes.madvise(buffer, PAGE, PAGE + 5, advice)
        lwt_bytes.madvise(lwt_bytes.proxy(buffer, PAGE, PAGE), 0, PAGE, advice)
    with pytest.raises(OSError, match="Invalid argument"):
        lwt_bytes.madvise(lwt_bytes.proxy(buffer, 1, PAGE), 0, PAGE, advice)


def test_dontneed_gives_up_the_changes_of_the_pages_that_are_meant(path: Path, fd: int) -> None:
    path.write_bytes(b"f" * (4 * PAGE))
    buffer = lwt_bytes.map_file(fd=fd, shared=False)
    lwt_bytes.fill(buffer, 0, 4 * PAGE, "x")
    proxy = lwt_bytes.proxy(buffer, PAGE, 2 * PAGE)
    lwt_bytes.madvise(proxy, PAGE, PAGE, lwt_bytes.MADV_DONTNEED)
    assert bytes(buffer) == b"x" * (2 * PAGE) + b"f" * PAGE + b"x" * PAGE


def test_memory_that_is_no_file_takes_no_advice() -> None:
    with pytest.raises(OSError) as raised:  # noqa: PT011  (its number is looked at)
        lwt_bytes.madvise(lwt_bytes.create(PAGE), 0, PAGE, lwt_bytes.MADV_DONTNEED)
    assert lwt_unix.unix_error(raised.value) == (errno.EINVAL, "madvise", "")


def test_advice_on_a_part_outside_or_of_another_kind_is_refused(fd: int) -> None:
    buffer = lwt_bytes.map_file(fd=fd, shared=True)
    with pytest.raises(ValueError, match=r"^Lwt_bytes\.madvise: 11 bytes from offset 0 "):
        lwt_bytes.madvise(buffer, 0, 11, lwt_bytes.MADV_NORMAL)
    with pytest.raises(TypeError, match=r"^lwt_bytes\.madvise: expected an advice, got 3"):
        anything.madvise(buffer, 0, 10, 3)


# --- What is in memory -------------------------------------------------------


def test_a_page_that_was_touched_is_in_memory(path: Path, fd: int) -> None:
    path.write_bytes(bytes(4 * PAGE + 1))
    buffer = lwt_bytes.map_file(fd=fd, shared=True)
    assert buffer[::PAGE].tobytes() == bytes(5)
    states = [False] * 4
    lwt_bytes.mincore(buffer, PAGE, states)
    assert states == [True] * 4
    lwt_bytes.mincore(lwt_bytes.proxy(buffer, PAGE, PAGE), 0, nothing := [])
    assert nothing == []


def test_pages_outside_are_refused_and_the_list_stays_as_it_is(path: Path, fd: int) -> None:
    path.write_bytes(bytes(2 * PAGE))
    buffer = lwt_bytes.map_file(fd=fd, shared=True)
    for offset, count in ((0, 3), (PAGE, 2), (1, 1), (-PAGE, 1), (2 * PAGE, 1)):
        states = [False] * count
        with pytest.raises(ValueError, match=rf"^Lwt_bytes\.mincore: {count} pages from "):
            lwt_bytes.mincore(buffer, offset, states)
        assert states == [False] * count
    with pytest.raises(OSError, match="Invalid argument"):
        lwt_bytes.mincore(lwt_bytes.proxy(buffer, 1, 10), 0, [False])
    with pytest.raises(TypeError, match=r"^lwt_bytes\.mincore: "):
        anything.mincore(buffer, 0, (False,))


def test_waiting_for_a_page_that_is_there_takes_no_thread(fd: int) -> None:
    buffer = lwt_bytes.map_file(fd=fd, shared=True)
    assert buffer[0] == ord("0")
    assert lwt.state(lwt_bytes.wait_mincore(buffer, 9)) == lwt.Return(None)
    assert lwt.state(lwt_bytes.wait_mincore(lwt_bytes.create(3), 2)) == lwt.Return(None)


def test_waiting_for_a_page_brings_it_into_memory(path: Path, fd: int) -> None:
    path.write_bytes(bytes(64 * PAGE))
    buffer = lwt_bytes.map_file(fd=fd, shared=True)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)  # Some file systems keep it.
    lwt_main.run(lwt_bytes.wait_mincore(buffer, 40 * PAGE + 3))
    states = [False]
    lwt_bytes.mincore(buffer, 40 * PAGE, states)
    assert states == [True]


def test_a_thread_waits_for_a_page_that_is_not_there(
    fd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lwt_unix.lwt_bytes._mapped._in_core", lambda *_: [False])
    waiting = lwt_bytes.wait_mincore(lwt_bytes.map_file(fd=fd, shared=True), 5)
    assert lwt.is_sleeping(waiting)
    assert lwt_main.run(waiting) is None


def test_there_is_no_byte_outside_to_wait_for(fd: int) -> None:
    buffer = lwt_bytes.map_file(fd=fd, shared=True)
    for offset in (-1, 10):
        with pytest.raises(
            ValueError, match=rf"^Lwt_bytes\.wait_mincore: there is no byte {offset}"
        ):
            lwt_bytes.wait_mincore(buffer, offset)


def test_a_file_that_gets_shorter_takes_the_process_with_it(path: Path) -> None:
    """As in OCaml, and said so in the docstring; the system has no other answer."""
    code = f"""
import os
from lwt_unix import lwt_bytes
fd = os.open({str(path)!r}, os.O_RDWR)
buffer = lwt_bytes.map_file(fd=fd, shared=True)
os.ftruncate(fd, 0)
buffer[0]
"""
    assert run_code(code).returncode == -7
