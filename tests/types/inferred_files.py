"""What type checkers infer of files, of jobs, and of what asks the system. Never run."""

from pathlib import Path
from typing import assert_type

import lwt
import lwt_unix
from lwt import Promise, Some
from lwt.lwt_stream import Stream
from lwt_unix import lwt_io, lwt_sys
from lwt_unix.lwt_io import InputChannel, OutputChannel


async def descriptors(path: Path) -> None:
    fd = await lwt_unix.openfile(path, [lwt_unix.O_RDWR, lwt_unix.O_CREAT], 0o644)
    assert_type(fd, lwt_unix.File_descr)
    assert_type(lwt_unix.openfile(b"path", [lwt_unix.O_RDONLY], 0), Promise[lwt_unix.File_descr])
    assert_type(await lwt_unix.pread(fd, bytearray(3), 0, 3, file_offset=0), int)
    pwritten = lwt_unix.pwrite(fd, b"abc", 0, 3, file_offset=0)
    assert_type(pwritten, Promise[int])
    assert_type(await lwt_unix.lseek(fd, 0, lwt_unix.SEEK_END), int)
    assert_type(lwt_unix.ftruncate(fd, 0), Promise[None])
    assert_type(lwt_unix.fsync(fd), Promise[None])
    assert_type(lwt_unix.lockf(fd, lwt_unix.F_LOCK, 0), Promise[None])
    assert_type(lwt_unix.isatty(fd), Promise[bool])
    sizes = lwt.bind(lwt_unix.fstat(fd), lambda stats: lwt.return_(stats.st_size))
    assert_type(sizes, Promise[int])


async def names(path: Path) -> None:
    stats = await lwt_unix.stat(path)
    assert_type(stats, lwt_unix.Stats)
    assert_type((stats.st_size, stats.st_mtime), tuple[int, float])
    assert_type(stats.st_kind, lwt_unix.File_kind)
    assert_type(lwt.map(lambda stats: stats.st_size, lwt_unix.lstat("name")), Promise[int])
    assert_type(lwt_unix.LargeFile.stat(path), Promise[lwt_unix.Stats])
    assert_type(await lwt_unix.file_exists(path), bool)
    for changed in (lwt_unix.unlink(path), lwt_unix.rename(path, "new"), lwt_unix.mkdir("new", 0)):
        assert_type(changed, Promise[None])
    assert_type(lwt_unix.readlink(path), Promise[str])
    assert_type(lwt_unix.getcwd(), Promise[str])
    assert_type(lwt_unix.access(path, [lwt_unix.R_OK]), Promise[None])


async def directories(path: Path) -> None:
    async for name in lwt_unix.files_of_directory(path):
        assert_type(name, str)
    directory = await lwt_unix.opendir(path)
    assert_type(directory, lwt_unix.Dir_handle)
    assert_type(await lwt_unix.readdir(directory), str)
    assert_type(lwt_unix.readdir_n(directory, 3), Promise[list[str]])


async def channels(path: Path) -> None:
    async with await lwt_io.open_file(path, mode=lwt_io.Input) as channel:
        assert_type(channel, InputChannel)
    opening = lwt_io.open_file(path, mode=lwt_io.Output)
    assert_type(lwt.bind(opening, lwt_io.close), Promise[None])
    assert_type(lwt_io.with_file(path, lwt_io.read_line, mode=lwt_io.Input), Promise[bytes])

    async def write(channel: OutputChannel) -> int:
        await lwt_io.write(channel, "text")
        return 4

    assert_type(await lwt_io.with_file(path, write, mode=lwt_io.Output), int)
    assert_type(lwt_io.file_length(path), Promise[int])
    async for line in lwt_io.lines_of_file(path):
        assert_type(line, bytes)
    assert_type(lwt_io.chars_of_file(path), Stream[bytes])
    assert_type(lwt_io.lines_to_file(path, lwt_io.lines_of_file("other")), Promise[None])


async def temporary() -> None:
    name, channel = await lwt_io.open_temp_file(suffix=".txt")
    assert_type(name, str)
    assert_type(channel, OutputChannel)
    assert_type(lwt_io.with_temp_file(lambda pair: lwt.return_(pair[0])), Promise[str])
    assert_type(await lwt_io.with_temp_dir(lambda path: lwt.return_(len(path))), int)
    assert_type(lwt_io.create_temp_dir(prefix="build"), Promise[str])
    assert_type(lwt_io.delete_recursively(name), Promise[None])


def parse(text: str) -> int:
    return int(text)


async def jobs() -> None:
    assert_type(lwt_unix.run_job(lambda: 3), Promise[int])
    assert_type(lwt.map(str, lwt_unix.run_job(lambda: 3)), Promise[str])
    job: lwt_unix.job[bytes] = lambda: b"read"  # noqa: E731
    assert_type(await lwt_unix.run_job(job, async_method=lwt_unix.Async_detach), bytes)
    assert_type(lwt_unix.with_async_none(lambda: lwt_unix.run_job(job)), Promise[bytes])
    assert_type(lwt_unix.wait_for_jobs(), Promise[None])
    assert_type(lwt_unix.pool_size(), int)

    async def later(text: str) -> int:
        return int(text)

    assert_type(lwt_unix.handle_unix_error(later, "3"), Promise[int])
    assert_type(lwt_unix.unix_error(OSError()), tuple[int, str, str])


def notifications() -> None:
    notification = lwt_unix.make_notification(lambda: None, once=True)
    assert_type(notification, lwt_unix.Notification)
    lwt_unix.set_notification(notification, lambda: 3)
    lwt_unix.send_notification(notification)
    lwt_unix.stop_notification(notification)


async def vectors(fd: lwt_unix.File_descr, array: memoryview) -> None:
    vectors = lwt_unix.IO_vectors.create()
    assert_type(vectors, lwt_unix.IO_vectors.t)
    lwt_unix.IO_vectors.append_bytes(vectors, bytearray(3), 0, 3)
    lwt_unix.IO_vectors.append_bigarray(vectors, array, 0, 3)
    assert_type(lwt_unix.IO_vectors.byte_count(vectors), int)
    assert_type(await lwt_unix.readv(fd, vectors), int)
    assert_type(lwt_unix.writev(fd, vectors), Promise[int])
    count, fds = await lwt_unix.recv_msg(socket=fd, io_vectors=vectors)
    assert_type(count, int)
    assert_type(fds, list[int])
    assert_type(lwt_unix.send_msg(socket=fd, io_vectors=vectors, fds=fds), Promise[int])
    sending = lwt_unix.send_msgto(socket=fd, io_vectors=vectors, fds=[], dest=("::1", 80))
    assert_type(sending, Promise[int])
    assert_type(lwt_unix.get_credentials(fd).cred_uid, int)


async def hosts() -> None:
    opts: list[lwt_unix.getaddrinfo_option] = [lwt_unix.AI_PASSIVE]
    assert_type(lwt_unix.getaddrinfo("", "80", opts), Promise[list[lwt_unix.Addr_info]])
    stream = lwt_unix.AI_SOCKTYPE(lwt_unix.SOCK_STREAM)
    [first, *_] = await lwt_unix.getaddrinfo("a.org", "80", [stream, lwt_unix.AI_PASSIVE])
    assert_type(first, lwt_unix.Addr_info)
    assert_type(first.ai_addr, lwt_unix.Sockaddr)
    assert_type(lwt_unix.getnameinfo(("::1", 80), []), Promise[lwt_unix.Name_info])
    entry = await lwt_unix.gethostbyname("a.org")
    assert_type(entry.h_addr_list, list[str])
    names = lwt.map(lambda entry: entry.h_name, lwt_unix.gethostbyaddr("127.0.0.1"))
    assert_type(names, Promise[str])
    assert_type(await lwt_unix.gethostname(), str)
    assert_type((await lwt_unix.getservbyname("http", "tcp")).s_port, int)
    assert_type((await lwt_unix.getprotobynumber(6)).p_name, str)


async def users_and_terminals() -> None:
    assert_type((await lwt_unix.getpwnam("root")).pw_uid, int)
    assert_type((await lwt_unix.getgrgid(0)).gr_mem, list[str])
    assert_type(await lwt_unix.getlogin(), str)
    settings = await lwt_unix.tcgetattr(lwt_unix.stdin)
    assert_type(settings, lwt_unix.Terminal_io)
    assert_type(lwt_unix.tcsetattr(lwt_unix.stdin, lwt_unix.TCSANOW, settings), Promise[None])
    assert_type(lwt_unix.get_affinity(), list[int])
    assert_type(lwt_unix.get_cpu(), int)


def the_system() -> None:
    assert_type(lwt_sys.have("fd_passing"), bool)
    assert_type(lwt_sys.byte_order, lwt_sys.Byte_order)
    assert_type(lwt_sys.windows, bool)


def options(fd: lwt_unix.File_descr) -> None:
    assert_type(lwt_unix.getsockopt_optint(fd, lwt_unix.SO_LINGER), Some[int] | None)
    lwt_unix.mcast_add_membership(fd, "224.0.0.1")


def refused(fd: lwt_unix.File_descr, path: Path) -> None:
    lwt_unix.openfile(path, lwt_unix.O_RDONLY, 0)  # type: ignore[arg-type]
    lwt_unix.stat(fd)  # type: ignore[arg-type]
    lwt_unix.fstat(path)  # type: ignore[arg-type]
    lwt_unix.run_job(parse)  # type: ignore[arg-type]
    lwt_unix.send_notification(3)  # type: ignore[arg-type]
    lwt_io.open_file(path)  # type: ignore[call-overload]
    lwt_io.with_file(path, lwt_io.read_line, mode=lwt_io.Output)  # type: ignore[arg-type]
    lwt_sys.have("wings")  # type: ignore[arg-type]
