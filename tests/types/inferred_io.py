"""What type checkers infer from the signatures of lwt_io. Checked by mypy, never run."""

from pathlib import Path
from typing import assert_type

import lwt
import lwt_unix
from lwt import Promise, Some
from lwt.lwt_stream import Stream
from lwt_unix import lwt_bytes, lwt_io, lwt_main
from lwt_unix.lwt_io import InputChannel, OutputChannel, Server


def making(fd: lwt_unix.File_descr) -> None:
    assert_type(lwt_io.of_fd(fd, mode=lwt_io.Input), InputChannel)
    assert_type(lwt_io.of_fd(fd, mode=lwt_io.Output), OutputChannel)
    assert_type(lwt_io.of_unix_fd(0, mode=lwt_io.input), InputChannel)
    assert_type(lwt_io.make(lambda *_: lwt.return_(0), mode=lwt_io.Output), OutputChannel)
    assert_type(lwt_io.pipe(), tuple[InputChannel, OutputChannel])


def numbers_and_memory(array: memoryview, ic: InputChannel, oc: OutputChannel) -> None:
    assert_type(lwt_io.of_bytes(array, mode=lwt_io.Input), InputChannel)
    assert_type(lwt_io.of_bytes(array, mode=lwt_io.Output), OutputChannel)
    assert_type(lwt_io.BE.read_int(ic), Promise[int])
    assert_type(lwt_io.read_int64(ic), Promise[int])
    assert_type(lwt_io.LE.read_float32(ic), Promise[float])
    assert_type(lwt_io.write_float64(oc, 3), Promise[None])
    assert_type(lwt_io.write_value(oc, [3]), Promise[None])
    assert_type(lwt_io.read_chars(ic), Stream[bytes])
    assert_type(lwt_bytes.create(3), memoryview)
    assert_type(lwt_bytes.proxy(array, 0, 3), lwt_bytes.t)
    assert_type(lwt_bytes.map_file(fd=0, shared=True), memoryview)
    assert_type(lwt_bytes.wait_mincore(array, 0), Promise[None])


def names_and_terminals() -> None:
    opts: list[lwt_unix.getaddrinfo_option] = [lwt_unix.AI_PASSIVE]
    assert_type(lwt_unix.getaddrinfo("", "80", opts), Promise[list[lwt_unix.Addr_info]])
    stream = lwt_unix.AI_SOCKTYPE(lwt_unix.SOCK_STREAM)
    finding = lwt_unix.getaddrinfo("", "80", [stream, lwt_unix.AI_PASSIVE])
    assert_type(finding, Promise[list[lwt_unix.Addr_info]])
    assert_type(lwt_unix.getnameinfo(("::1", 80), []), Promise[lwt_unix.Name_info])
    assert_type(lwt_unix.gethostbyname("a.org"), Promise[lwt_unix.Host_entry])
    assert_type(lwt_unix.getservbyname("http", "tcp"), Promise[lwt_unix.Service_entry])
    assert_type(lwt_unix.getprotobynumber(6), Promise[lwt_unix.Protocol_entry])
    assert_type(lwt_unix.getpwnam("root"), Promise[lwt_unix.Passwd_entry])
    assert_type(lwt_unix.getgrgid(0), Promise[lwt_unix.Group_entry])
    assert_type(lwt_unix.tcgetattr(lwt_unix.stdin), Promise[lwt_unix.Terminal_io])
    assert_type(lwt_unix.get_affinity(), list[int])


def files_and_jobs(path: Path) -> None:
    assert_type(lwt_unix.run_job(lambda: 3), Promise[int])
    assert_type(lwt_unix.openfile(path, [lwt_unix.O_RDONLY], 0), Promise[lwt_unix.File_descr])
    assert_type(lwt_unix.stat(path), Promise[lwt_unix.Stats])
    assert_type(lwt_unix.files_of_directory(path), Stream[str])
    vectors = lwt_unix.IO_vectors.create()
    assert_type(vectors, lwt_unix.IO_vectors.t)
    assert_type(lwt_unix.readv(lwt_unix.stdin, vectors), Promise[int])
    receiving = lwt_unix.recv_msg(socket=lwt_unix.stdin, io_vectors=vectors)
    assert_type(receiving, Promise[tuple[int, list[int]]])
    sending = lwt_unix.send_msg(socket=lwt_unix.stdin, io_vectors=vectors, fds=[0])
    assert_type(sending, Promise[int])
    assert_type(lwt_io.open_file(path, mode=lwt_io.Input), Promise[InputChannel])
    assert_type(lwt_io.open_file(path, mode=lwt_io.Output), Promise[OutputChannel])
    assert_type(lwt_io.with_file(path, lwt_io.read_line, mode=lwt_io.Input), Promise[bytes])
    assert_type(lwt_io.with_temp_dir(lambda path: lwt.return_(len(path))), Promise[int])
    assert_type(lwt_io.lines_of_file(path), Stream[bytes])


async def reading(ic: InputChannel) -> None:
    assert_type(lwt_io.read_line(ic), Promise[bytes])
    assert_type(lwt_io.read_line_opt(ic), Promise[Some[bytes] | None])
    assert_type(lwt_io.read_into(ic, bytearray(3), 0, 3), Promise[int])
    async for line in ic:
        assert_type(line, bytes)
    async with ic as channel:
        assert_type(channel, InputChannel)


def writing(oc: OutputChannel) -> None:
    assert_type(lwt_io.write(oc, "text"), Promise[None])
    assert_type(lwt_io.write_from(oc, b"text", 0, 4), Promise[int])
    assert_type(lwt_io.printf("%d\n", 3), Promise[None])


async def number() -> int:
    return 3


async def number_later() -> Promise[int]:
    return lwt.return_(3)


def running(promise: Promise[int]) -> None:
    assert_type(lwt_main.run(promise), int)
    assert_type(lwt_main.run(number()), int)
    assert_type(lwt_main.run(number_later()), int)


def names_of_ocaml(fd: lwt_unix.file_descr, address: lwt_unix.sockaddr) -> lwt_unix.inet_addr:
    assert_type(fd, lwt_unix.File_descr)
    assert_type(address, lwt_unix.Sockaddr)
    return address.addr if isinstance(address, lwt_unix.ADDR_INET) else ""


def together(ic: InputChannel, oc: OutputChannel) -> None:
    async def pair(channel: InputChannel) -> tuple[bytes, bytes]:
        return await lwt_io.read_line(channel), await lwt_io.read_line(channel)

    assert_type(lwt_io.atomic(pair)(ic), Promise[tuple[bytes, bytes]])
    assert_type(lwt_io.close(oc), Promise[None])


async def connecting() -> None:
    async def ask(channels: tuple[InputChannel, OutputChannel]) -> int:
        return len(await lwt_io.read(channels[0]))

    assert_type(lwt_io.with_connection(("127.0.0.1", 80), ask), Promise[int])
    assert_type(lwt_io.open_connection("/path"), Promise[tuple[InputChannel, OutputChannel]])


async def serving() -> None:
    async def serve(address: lwt_unix.Sockaddr, client: lwt_unix.File_descr) -> int:
        return 3

    def serve_nobody(
        address: lwt_unix.Sockaddr, channels: tuple[InputChannel, OutputChannel]
    ) -> Promise[None]:
        return lwt.return_unit

    started = lwt_io.establish_server_with_client_socket(("127.0.0.1", 0), serve)
    assert_type(started, Promise[Server])
    async with await started as server:
        assert_type(server, Server)
    lwt_io.establish_server_with_client_address("/path", serve_nobody)


def refused(ic: InputChannel, oc: OutputChannel) -> None:
    lwt_io.read_line(oc)  # type: ignore[arg-type]
    lwt_io.write(ic, "text")  # type: ignore[arg-type]
    lwt_io.write(oc, 3)  # type: ignore[arg-type]
    lwt_io.establish_server_with_client_socket("/path", lambda _: lwt.return_unit)  # type: ignore[arg-type, misc]
