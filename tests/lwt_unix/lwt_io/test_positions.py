"""Places of channels in their files."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt_unix import lwt_io, lwt_main

pytestmark = [
    pytest.mark.usefixtures("nothing_left_behind"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(b"0123456789" * 10)
    return tmp_path / "file"


def memory() -> memoryview:
    return memoryview(bytearray(16))


@pytest.mark.parametrize("place", [0, 3, 5, 8, 16, 17, 42, 99, 100, 120])
def test_an_input_channel_goes_on_from_the_place_within_its_buffer_or_not(
    path: Path, place: int
) -> None:
    async def body(ic: lwt_io.InputChannel) -> tuple[bytes, int, bytes]:
        await lwt_io.read(ic, count=5)
        await lwt_io.set_position(ic, place)
        at = lwt_io.position(ic)
        read = await lwt_io.read(ic, count=3)
        assert lwt_io.position(ic) == at + len(read)
        return read, at, await lwt_io.read(ic)

    read, at, rest = lwt_main.run(lwt_io.with_file(path, body, mode=lwt_io.Input, buffer=memory()))
    assert (at, read + rest) == (place, path.read_bytes()[place:])


def test_an_output_channel_writes_what_waits_and_goes_on_from_the_place(path: Path) -> None:
    async def body(oc: lwt_io.OutputChannel) -> None:
        await lwt_io.write(oc, "abc")
        await lwt_io.set_position(oc, 50)
        assert lwt_io.position(oc) == 50
        await lwt_io.write(oc, "xyz")
        assert lwt_io.position(oc) == 53

    flags = [lwt_unix.O_WRONLY]
    lwt_main.run(lwt_io.with_file(path, body, mode=lwt_io.Output, flags=flags))
    before = b"0123456789" * 10
    assert path.read_bytes() == b"abc" + before[3:50] + b"xyz" + before[53:]


def test_the_length_is_that_of_the_file_and_the_place_stays(path: Path) -> None:
    async def body(ic: lwt_io.InputChannel) -> tuple[int, int, bytes]:
        await lwt_io.read(ic, count=5)
        return await lwt_io.length(ic), lwt_io.position(ic), await lwt_io.read(ic)

    length, place, rest = lwt_main.run(
        lwt_io.with_file(path, body, mode=lwt_io.Input, buffer=memory())
    )
    assert (length, place, rest) == (100, 5, path.read_bytes()[5:])


USES: list[Callable[[Any], lwt.Promise[Any]]] = [
    lambda channel: lwt_io.set_position(channel, 500),
    lwt_io.length,
]


@pytest.mark.parametrize("use", USES)
def test_a_pipe_has_no_places(use: Callable[[Any], lwt.Promise[Any]]) -> None:
    ic, oc = lwt_io.pipe()
    for channel in ic, oc:
        with pytest.raises(OSError, match="Illegal seek") as raised:
            lwt_main.run(use(channel))
        assert lwt_unix.unix_error(raised.value) == (errno.ESPIPE, "lseek", "")
        lwt_main.run(lwt_io.close(channel))


@pytest.mark.parametrize("use", USES)
def test_a_channel_of_a_function_has_places_if_it_was_given_one_to_seek(
    use: Callable[[Any], lwt.Promise[Any]],
) -> None:
    with pytest.raises(lwt.Failure, match=r"^Lwt_io\.seek: seek not supported"):
        lwt_main.run(use(lwt_io.zero))

    async def seek(offset: int, whence: lwt_unix.Seek_command) -> int:
        asked.append((offset, whence))
        return 500 if whence is lwt_unix.SEEK_END else offset

    asked: list[tuple[int, lwt_unix.Seek_command]] = []
    channel = lwt_io.make(lambda *_: lwt.return_(0), mode=lwt_io.Input, seek=seek)
    assert lwt_main.run(use(channel)) in {None, 500}
    assert asked in (
        [(500, lwt_unix.SEEK_SET)],
        [(0, lwt_unix.SEEK_END), (0, lwt_unix.SEEK_SET)],
    )


@pytest.mark.parametrize("use", USES)
def test_coming_to_another_place_is_a_failure(use: Callable[[Any], lwt.Promise[Any]]) -> None:
    channel = lwt_io.make(
        lambda *_: lwt.return_(0), mode=lwt_io.Input, seek=lambda *_: lwt.return_(7)
    )
    with pytest.raises(lwt.Failure, match=r"^Lwt_io\.(set_position|length): seek failed: .* 7"):
        lwt_main.run(use(channel))


def test_a_place_is_a_number_of_the_system(path: Path) -> None:
    io: Any = lwt_io
    with pytest.raises(TypeError, match=r"^lwt_io\.set_position: expected an int"):
        io.set_position(lwt_io.zero, "3")
    with pytest.raises(ValueError, match=r"^lwt_io\.set_position: the position is "):
        io.set_position(lwt_io.zero, 10**30)
    for function in io.length, lambda x: io.set_position(x, 0):
        with pytest.raises(TypeError, match=r"expected a channel, got 3"):
            function(3)

    async def negative(ic: lwt_io.InputChannel) -> None:
        await lwt_io.set_position(ic, -1)

    with pytest.raises(OSError, match="Invalid"):
        lwt_main.run(lwt_io.with_file(path, negative, mode=lwt_io.Input))
