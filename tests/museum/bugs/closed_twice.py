"""Two tasks close the same descriptor; between them a third has opened a file and got its number.

After https://github.com/mirage/mirage-tcpip/issues/347, where `close` was met with `EBADF`, and could have
closed what belongs to somebody else. Mended as proposed there: who closes first takes the number away.
"""

import asyncio

import lwt
import lwt_unix


def work() -> None:
    """What takes a while: to flush, to look for a file."""


class Descriptors:
    """The system's table: the lowest number that is free is the next to be used."""

    def __init__(self) -> None:
        self.owners: dict[int, str] = {}

    def open(self, owner: str) -> int:
        """Give a number to an owner."""
        number = next(number for number in range(9) if number not in self.owners)
        self.owners[number] = owner
        return number

    def close(self, number: int) -> None:
        """Free a number."""
        self.owners.pop(number, None)


async def in_lwt(*, mended: bool) -> None:
    table = Descriptors()
    connection: int | None = table.open("connection")

    @lwt.promised
    async def close(number: int) -> None:
        nonlocal connection
        await lwt_unix.run_job(work)
        if not mended:
            table.close(number)
        elif connection is not None:
            connection = None
            table.close(number)

    @lwt.promised
    async def open_file() -> None:
        await lwt_unix.run_job(work)
        number = table.open("file")
        await lwt_unix.sleep(1)
        assert table.owners.get(number) == "file", f"{number} was closed by somebody else"

    await lwt.join([close(0), close(0), open_file()])


async def in_asyncio(*, mended: bool) -> None:
    table = Descriptors()
    connection: int | None = table.open("connection")

    async def close(number: int) -> None:
        nonlocal connection
        await asyncio.to_thread(work)
        if not mended:
            table.close(number)
        elif connection is not None:
            connection = None
            table.close(number)

    async def open_file() -> None:
        await asyncio.to_thread(work)
        number = table.open("file")
        await asyncio.sleep(1)
        assert table.owners.get(number) == "file", f"{number} was closed by somebody else"

    await asyncio.gather(close(0), close(0), open_file())
