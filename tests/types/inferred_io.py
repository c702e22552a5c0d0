"""What type checkers infer from the signatures of lwt_io. Checked by mypy, never run."""

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


async def numbers(ic: InputChannel, oc: OutputChannel) -> None:
    assert_type(lwt_io.BE.read_int(ic), Promise[int])
    assert_type(await lwt_io.LE.read_int16(ic), int)
    assert_type(lwt_io.read_int64(ic), Promise[int])
    assert_type(lwt.map(float.hex, lwt_io.LE.read_float32(ic)), Promise[str])
    doubled = lwt.bind(lwt_io.read_int32(ic), lambda number: lwt.return_(2 * number))
    assert_type(doubled, Promise[int])
    assert_type(lwt_io.BE.write_int32(oc, 3), Promise[None])
    assert_type(lwt_io.write_float64(oc, 3), Promise[None])
    order: lwt_io.NumberIO = lwt_io.LE
    assert_type(order.read_float64(ic), Promise[float])
    assert_type(lwt_io.system_byte_order, lwt_io.byte_order)


async def values(ic: InputChannel, oc: OutputChannel) -> None:
    assert_type(lwt_io.write_value(oc, [3]), Promise[None])
    value: dict[str, int] = await lwt_io.read_value(ic)  # A pickle may hold anything.
    assert_type(value, dict[str, int])
    assert_type(lwt_io.read_chars(ic), Stream[bytes])
    async for line in lwt_io.read_lines(ic):
        assert_type(line, bytes)
    assert_type(lwt_io.hexdump(oc, b"text"), Promise[None])


async def places(ic: InputChannel, oc: OutputChannel) -> None:
    assert_type(lwt_io.position(ic), int)
    assert_type(await lwt_io.length(oc), int)
    assert_type(lwt_io.set_position(oc, 3), Promise[None])
    assert_type(lwt_io.block(ic, 3, lambda array, at: lwt.return_(array[at])), Promise[int])

    async def take(access: lwt_io.Direct_access) -> str:
        assert_type(access.da_buffer, memoryview)
        return str(await access.da_perform())

    assert_type(lwt_io.direct_access(ic, take), Promise[str])


async def memory(fd: lwt_unix.File_descr, array: memoryview) -> None:
    assert_type(lwt_io.of_bytes(array, mode=lwt_io.Input), InputChannel)
    assert_type(lwt_io.of_bytes(array, mode=lwt_io.Output), OutputChannel)
    assert_type(lwt_bytes.create(3), memoryview)
    assert_type(lwt_bytes.proxy(array, 0, 3), lwt_bytes.t)
    assert_type(lwt_bytes.get(array, 0), bytes)
    assert_type(lwt_bytes.to_string(lwt_bytes.of_bytes("text")), bytes)
    assert_type(await lwt_bytes.read(fd, array, 0, 3), int)
    assert_type(lwt.map(str, lwt_bytes.write(fd, array, 0, 3)), Promise[str])
    count, address = await lwt_bytes.recvfrom(fd, array, 0, 3, [])
    assert_type(count, int)
    assert_type(address, lwt_unix.Sockaddr)
    part = lwt_bytes.io_vector(buffer=array, offset=0, length=3)
    assert_type(part, lwt_bytes.Io_vector)
    receiving = lwt_bytes.recv_msg(socket=fd, io_vectors=[part])
    assert_type(receiving, Promise[tuple[int, list[int]]])
    assert_type(lwt_bytes.map_file(fd=0, shared=True), memoryview)
    assert_type(lwt_bytes.wait_mincore(array, 0), Promise[None])


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
    lwt_io.BE.read_int(oc)  # type: ignore[arg-type]
    lwt_io.LE.write_int(oc, 3.5)  # type: ignore[arg-type]
    lwt_bytes.get(b"text", 0)  # type: ignore[arg-type]
    lwt_io.establish_server_with_client_socket("/path", lambda _: lwt.return_unit)  # type: ignore[arg-type, misc]
