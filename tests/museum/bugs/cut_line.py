"""A timeout cuts `read_line` in the middle of a line, and the half that was read is lost.

After https://github.com/ronf/asyncssh/issues/140, where `readline` under a timeout lost what it had
buffered. Mended: the wait is not cancelled, and the next call goes on with the same reading.
"""

import asyncio

import lwt
import lwt_unix
from lwt_unix import lwt_io
from tests.museum.servers import asyncio_server, lwt_server

PATIENCE = 1.015  # seconds; the second half comes after one, and up to 20 ms on its way


async def in_lwt(*, mended: bool) -> None:
    async def serve(_: lwt_io.InputChannel, output: lwt_io.OutputChannel) -> None:
        await lwt_io.write(output, "slow ")
        await lwt_io.flush(output)
        await lwt_unix.sleep(1)
        await lwt_io.write_line(output, "line")

    async with lwt_server(serve) as address:
        input, output = await lwt_io.open_connection(address)
        line = b""
        reading = lwt_io.read_line(input) if mended else None
        while not line:
            try:
                if reading is None:
                    line = await lwt_unix.with_timeout(PATIENCE, lambda: lwt_io.read_line(input))
                else:
                    line = await lwt_unix.with_timeout(PATIENCE, lambda: lwt.protected(reading))
            except lwt_unix.Timeout:
                pass  # tell the user that it takes long
        await lwt_io.close(output)
        assert line == b"slow line", line


async def in_asyncio(*, mended: bool) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"slow ")
        await asyncio.sleep(1)
        writer.write(b"line\n")

    async def read_line(reader: asyncio.StreamReader) -> bytes:
        line = b""  # as in Lwt: asyncio's own leaves the half line in its buffer
        while not line.endswith(b"\n"):
            line += await reader.readexactly(1)
        return line

    async with asyncio_server(serve) as address:
        reader, writer = await asyncio.open_connection(*address)
        line = b""
        reading = asyncio.create_task(read_line(reader)) if mended else None
        while not line:
            try:
                if reading is None:
                    line = await asyncio.wait_for(read_line(reader), PATIENCE)
                else:
                    line = await asyncio.wait_for(asyncio.shield(reading), PATIENCE)
            except TimeoutError:
                pass
        writer.close()
        assert line == b"slow line\n", line
