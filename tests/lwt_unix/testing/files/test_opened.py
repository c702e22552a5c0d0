"""Files of a simulated world, as programs use them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import lwt
import lwt_unix
from lwt._core.choices import JOB, NOT_NOW
from lwt_unix import lwt_bytes, lwt_io, lwt_main, testing


def with_a_folder(
    main: Callable[[str], Coroutine[Any, Any, object]], tmp_path: Path
) -> list[object]:
    """What a program gives that is told of a folder: in the real world, and in the simulated one."""
    return [lwt_main.run(main(str(tmp_path))), testing.simulate(lambda: main("/tmp"))]


def test_what_channels_write_is_read_again(tmp_path: Path) -> None:
    async def main(folder: str) -> list[object]:
        name = f"{folder}/numbers"
        async with await lwt_io.open_file(name, mode=lwt_io.Output) as output:
            for number in range(10_000):
                await lwt_io.write_line(output, b"%d" % number)
        async with await lwt_io.open_file(name, mode=lwt_io.Input) as input:
            length = await lwt_io.length(input)
            await lwt_io.set_position(input, length - 5)
            last = await lwt_io.read_line(input)
            await lwt_io.set_position(input, 0)
            lines = [line async for line in lwt_io.read_lines(input)]
        return [length, last, len(lines), lines[1234]]

    real, simulated = with_a_folder(main, tmp_path)
    assert simulated == real == [48_890, b"9999", 10_000, b"1234"]


def test_temporary_files_and_folders_come_and_go(tmp_path: Path) -> None:
    async def main(folder: str) -> list[object]:
        left: list[object] = []

        async def use(opened: tuple[str, lwt_io.output_channel]) -> None:
            await lwt_io.write(opened[1], b"hello")
            left.append(await lwt_unix.file_exists(opened[0]))

        async def fill(name: str) -> None:
            await lwt_unix.mkdir(f"{name}/deep", 0o755)
            await lwt_io.close(await lwt_io.open_file(f"{name}/deep/file", mode=lwt_io.Output))

        await lwt_io.with_temp_file(use, temp_dir=folder)
        await lwt_io.with_temp_dir(fill, parent=folder)
        left += sorted([name async for name in lwt_unix.files_of_directory(folder)])
        return left

    real, simulated = with_a_folder(main, tmp_path)
    assert simulated == real == [True, ".", ".."]


def test_a_directory_is_read_again_after_a_rewind(tmp_path: Path) -> None:
    async def main(folder: str) -> list[object]:
        for name in ("a", "b", "c"):
            await lwt_unix.mkdir(f"{folder}/{name}", 0o755)
        handle = await lwt_unix.opendir(folder)
        first = await lwt_unix.readdir_n(handle, 10)
        await lwt_unix.rewinddir(handle)
        again = [await lwt_unix.readdir(handle) for _ in range(5)]
        with pytest.raises(EOFError):
            await lwt_unix.readdir(handle)
        await lwt_unix.closedir(handle)
        return [first == again, sorted(first)]

    real, simulated = with_a_folder(main, tmp_path)
    assert simulated == real == [True, [".", "..", "a", "b", "c"]]


def test_what_is_known_of_a_file(tmp_path: Path) -> None:
    async def main(folder: str) -> list[object]:
        name = f"{folder}/file"
        fd = await lwt_unix.openfile(name, [lwt_unix.O_RDWR, lwt_unix.O_CREAT], 0o640)
        await lwt_unix.write(fd, b"hello", 0, 5)
        await lwt_unix.utimes(name, 3.5, 4.25)
        await lwt_unix.symlink("file", f"{folder}/link")
        found = [await lwt_unix.stat(name), await lwt_unix.fstat(fd)]
        link = await lwt_unix.lstat(f"{folder}/link")
        assert found[0] == found[1] == await lwt_unix.stat(f"{folder}/link")
        assert (found[0].st_dev, found[0].st_ino) != (link.st_dev, link.st_ino)
        await lwt_unix.close(fd)
        one = found[0]
        known = [one.st_kind, one.st_perm, one.st_nlink, one.st_size, one.st_atime, one.st_mtime]
        return [*known, link.st_kind, link.st_size]

    real, simulated = with_a_folder(main, tmp_path)
    expected = [lwt_unix.S_REG, 0o640, 1, 5, 3.5, 4.25, lwt_unix.S_LNK, 4]
    assert simulated == real == expected


def test_errors_are_those_of_the_real_world(tmp_path: Path) -> None:
    async def main(folder: str) -> list[object]:
        got: list[object] = []
        for call in (
            lambda: lwt_unix.openfile(f"{folder}/none", [lwt_unix.O_RDONLY], 0),
            lambda: lwt_unix.rename(f"{folder}/none", f"{folder}/other"),
            lambda: lwt_unix.mkdir(folder, 0o755),
            lambda: lwt_unix.readlink(folder),
            lambda: lwt_unix.rmdir(f"{folder}/none"),
        ):
            try:
                await call()
            except OSError as exn:
                got.append(str(exn).replace(folder, ""))
        return got

    real, simulated = with_a_folder(main, tmp_path)
    assert simulated == real
    assert len(real) == 5  # type: ignore[arg-type]  # it is a list


def test_a_file_without_a_name_lives_as_long_as_it_is_open(tmp_path: Path) -> None:
    async def main(folder: str) -> bytes:
        name = f"{folder}/file"
        fd = await lwt_unix.openfile(name, [lwt_unix.O_RDWR, lwt_unix.O_CREAT], 0o600)
        await lwt_unix.unlink(name)
        await lwt_unix.write(fd, b"hello", 0, 5)
        buffer = bytearray(9)
        count = await lwt_unix.pread(fd, buffer, 0, 9, file_offset=1)
        await lwt_unix.close(fd)
        return bytes(buffer[:count])

    assert with_a_folder(main, tmp_path) == [b"ello"] * 2


def test_a_full_disk_takes_a_part_and_then_nothing() -> None:
    async def main() -> list[object]:
        localhost = testing.network().localhost
        localhost.limits.space = 10
        fd = await lwt_unix.openfile("/tmp/file", [lwt_unix.O_RDWR, lwt_unix.O_CREAT], 0o600)
        told: list[object] = [await lwt_unix.write(fd, b"0123456", 0, 7) for _ in range(2)]
        with pytest.raises(OSError, match="No space left") as caught:
            await lwt_unix.write(fd, b"x", 0, 1)
        assert caught.value.errno == errno.ENOSPC
        told.append(await lwt_unix.pwrite(fd, b"y", 0, 1, file_offset=9))  # It is there already.
        await lwt_unix.ftruncate(fd, 4)
        told.append(await lwt_unix.pwrite(fd, b"0123456", 0, 7, file_offset=4))
        await lwt_unix.unlink("/tmp/file")
        assert localhost.tree.space.left() == 0
        await lwt_unix.close(fd)
        return [*told, localhost.tree.space.left()]

    assert testing.simulate(main) == [7, 3, 1, 6, 10]


def test_a_channel_on_a_full_disk_fails() -> None:
    async def main() -> None:
        testing.network().localhost.limits.space = 100_000
        channel = await lwt_io.open_file("/tmp/file", mode=lwt_io.Output)
        with pytest.raises(OSError, match="No space left"):
            await lwt_io.write(channel, bytes(200_000))
        assert (await lwt_unix.stat("/tmp/file")).st_size == 100_000
        await lwt_io.abort(channel)

    testing.simulate(main)


def test_each_host_has_files_of_its_own() -> None:
    async def write(text: bytes) -> None:
        await lwt_unix.chdir("/home")
        async with await lwt_io.open_file("name", mode=lwt_io.Output) as channel:
            await lwt_io.write(channel, text)

    async def read() -> bytes:
        async with await lwt_io.open_file("name", mode=lwt_io.Input) as channel:
            return await lwt_io.read(channel)

    async def main() -> list[object]:
        hosts = [testing.network().host(name) for name in ("alice", "bob")]
        for host in hosts:
            await host.run(lambda host=host: write(host.name.encode()))  # type: ignore[misc]
        there = await lwt_unix.file_exists("/home/name")
        return [await host.run(read) for host in hosts] + [there, await lwt_unix.getcwd()]

    assert testing.simulate(main) == [b"alice", b"bob", False, "/"]


def test_devices_are_those_of_the_real_world() -> None:
    async def main() -> list[object]:
        got: list[object] = []
        for name in ("null", "zero", "full"):
            fd = await lwt_unix.openfile(f"/dev/{name}", [lwt_unix.O_RDWR], 0)
            buffer = bytearray(b"xyz")
            got.append((await lwt_unix.read(fd, buffer, 0, 3), bytes(buffer)))
            try:
                got.append(await lwt_unix.write(fd, b"abc", 0, 3))
            except OSError as exn:
                got.append(exn.errno)
            got.append((await lwt_unix.fstat(fd)).st_kind)
            await lwt_unix.close(fd)
        return got

    got = testing.simulate(main)
    assert got == lwt_main.run(main())
    assert got[6:] == [(3, bytes(3)), errno.ENOSPC, lwt_unix.S_CHR]


def test_random_bytes_begin_with_the_seed_of_the_run() -> None:
    async def main() -> bytes:
        async with await lwt_io.open_file("/dev/urandom", mode=lwt_io.Input) as channel:
            return await lwt_io.read(channel, count=8)

    assert testing.simulate(main) == testing.simulate(main)
    seeds = [testing.seeded(seed).only("random") for seed in range(20)]
    assert len({testing.simulate(main, choices=choices) for choices in seeds}) > 1


def test_a_read_may_have_to_go_to_the_disk() -> None:
    async def main() -> bool:
        fd = await lwt_unix.openfile("/tmp/file", [lwt_unix.O_RDWR, lwt_unix.O_CREAT], 0o600)
        await lwt_unix.write(fd, b"hello", 0, 5)
        await lwt_unix.lseek(fd, 0, lwt_unix.SEEK_SET)
        buffer = bytearray(5)
        reading = lwt_unix.read(fd, buffer, 0, 5)
        waits = lwt.is_sleeping(reading)
        assert (await reading, bytes(buffer)) == (5, b"hello")
        await lwt_unix.close(fd)
        return waits

    assert not testing.simulate(main)
    seeds = [testing.seeded(seed).only(NOT_NOW, JOB) for seed in range(20)]
    assert {testing.simulate(main, choices=choices) for choices in seeds} == {False, True}


def test_permissions_count() -> None:
    async def main() -> None:
        fd = await lwt_unix.openfile("/tmp/file", [lwt_unix.O_WRONLY, lwt_unix.O_CREAT], 0o200)
        await lwt_unix.close(fd)
        with pytest.raises(PermissionError):
            await lwt_unix.openfile("/tmp/file", [lwt_unix.O_RDONLY], 0)
        with pytest.raises(PermissionError):
            await lwt_unix.access("/tmp/file", [lwt_unix.R_OK])
        with pytest.raises(PermissionError, match="Operation not permitted"):
            await lwt_unix.chown("/tmp/file", 0, 0)
        with pytest.raises(PermissionError, match="Operation not permitted"):
            await lwt_unix.chroot("/tmp")

    testing.simulate(main)


def test_what_is_not_simulated_says_so() -> None:
    async def main() -> None:
        fd = await lwt_unix.openfile("/tmp/file", [lwt_unix.O_RDWR, lwt_unix.O_CREAT], 0o600)
        with pytest.raises(testing.Not_simulated, match="mkfifo: the simulated world has no such"):
            await lwt_unix.mkfifo("/tmp/fifo", 0o600)
        with pytest.raises(testing.Not_simulated, match="lock: the simulated world"):
            await lwt_unix.lockf(fd, lwt_unix.F_LOCK, 0)
        with pytest.raises(testing.Not_simulated, match="map_memory"):
            lwt_bytes.map_file(fd=lwt_unix.unix_file_descr(fd), shared=True, size=4_096)
        await lwt_unix.close(fd)

    testing.simulate(main)


def test_no_real_file_is_touched(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(FileNotFoundError):
            await lwt_unix.stat(str(tmp_path))
        await lwt_unix.mkdir("/tmp/of-the-world-alone", 0o755)

    testing.simulate(main)
    assert not os.path.exists("/tmp/of-the-world-alone")


# --- Sockets -----------------------------------------------------------------


def test_the_path_of_a_socket_stays_until_it_is_removed(tmp_path: Path) -> None:
    async def main(folder: str) -> list[object]:
        path, told = f"{folder}/socket", list[object]()

        async def attempt(kind: lwt_unix.Socket_type, call: str) -> None:
            async with lwt_unix.socket(lwt_unix.PF_UNIX, kind, 0) as socket:
                try:
                    told.append(await getattr(lwt_unix, call)(socket, lwt_unix.ADDR_UNIX(path)))
                except OSError as exn:
                    told.append(errno.errorcode[exn.errno or 0])

        await attempt(lwt_unix.SOCK_STREAM, "connect")
        listener = lwt_unix.socket(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0)
        await lwt_unix.bind(listener, lwt_unix.ADDR_UNIX(path))
        told.append((await lwt_unix.stat(path)).st_kind)
        await attempt(lwt_unix.SOCK_STREAM, "connect")
        lwt_unix.listen(listener, 5)
        await attempt(lwt_unix.SOCK_DGRAM, "connect")
        await lwt_unix.rename(path, f"{folder}/other")
        await attempt(lwt_unix.SOCK_STREAM, "connect")
        await lwt_unix.rename(f"{folder}/other", path)
        await attempt(lwt_unix.SOCK_STREAM, "connect")
        await lwt_unix.close(listener)
        await attempt(lwt_unix.SOCK_STREAM, "connect")
        await attempt(lwt_unix.SOCK_STREAM, "bind")
        await lwt_unix.unlink(path)
        await attempt(lwt_unix.SOCK_DGRAM, "bind")
        await attempt(lwt_unix.SOCK_DGRAM, "connect")
        path = f"{folder}/none/socket"
        await attempt(lwt_unix.SOCK_STREAM, "bind")
        path = folder
        await attempt(lwt_unix.SOCK_STREAM, "bind")
        await attempt(lwt_unix.SOCK_STREAM, "connect")
        return told

    real, simulated = with_a_folder(main, tmp_path)
    assert simulated == real
    assert real == [
        *("ENOENT", lwt_unix.S_SOCK, "ECONNREFUSED", "EPROTOTYPE", "ENOENT", None),
        *("ECONNREFUSED", "EADDRINUSE", None, "ECONNREFUSED", "ENOENT", "EADDRINUSE"),
        "ECONNREFUSED",
    ]


def test_a_server_on_a_path_leaves_none(tmp_path: Path) -> None:
    async def main(folder: str) -> list[object]:
        address = lwt_unix.ADDR_UNIX(f"{folder}/socket")

        @lwt.promised
        async def serve(
            _: object, channels: tuple[lwt_io.input_channel, lwt_io.output_channel]
        ) -> None:
            await lwt_io.write_line(channels[1], await lwt_io.read_line(channels[0]))

        server = await lwt_io.establish_server_with_client_address(address, serve)

        async def talk(channels: tuple[lwt_io.input_channel, lwt_io.output_channel]) -> bytes:
            await lwt_io.write_line(channels[1], b"hello")
            return await lwt_io.read_line(channels[0])

        told: list[object] = [await lwt_io.with_connection(address, talk)]
        await lwt_io.shutdown_server(server)
        return [*told, await lwt_unix.file_exists(address.path)]

    real, simulated = with_a_folder(main, tmp_path)
    assert simulated == real == [b"hello", False]


def test_a_name_that_is_no_path_ends_with_its_socket() -> None:
    async def main() -> None:
        address = lwt_unix.ADDR_UNIX("\0lwt-runtime")
        for _ in range(2):
            async with lwt_unix.socket(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0) as socket:
                await lwt_unix.bind(socket, address)
        async with lwt_unix.socket(lwt_unix.PF_UNIX, lwt_unix.SOCK_STREAM, 0) as socket:
            with pytest.raises(ConnectionRefusedError):
                await lwt_unix.connect(socket, address)

    testing.simulate(main)
    lwt_main.run(main())
