"""A descriptor is closed where its end is met, and once more at last; between the two a file got its number.

After https://github.com/mirage/mirage-tcpip/issues/347, where `close` was met with `EBADF`, and could have
closed what belongs to somebody else. Mended as proposed there: who closes first takes the number away.
"""

import asyncio

import lwt
import lwt_unix


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

    def close(number: int) -> None:
        nonlocal connection
        if not mended:
            table.close(number)
        elif connection is not None:
            connection = None
            table.close(number)

    @lwt.promised
    async def meet_the_end() -> None:
        close(0)
        await lwt_unix.sleep(1)  # write what is left, in vain
        close(0)

    @lwt.promised
    async def open_file() -> None:
        await lwt_unix.sleep(1)
        number = table.open("file")
        await lwt_unix.sleep(1)
        assert table.owners.get(number) == "file", f"{number} was closed by somebody else"

    await lwt.join([meet_the_end(), open_file()])


async def in_asyncio(*, mended: bool) -> None:
    table = Descriptors()
    connection: int | None = table.open("connection")

    def close(number: int) -> None:
        nonlocal connection
        if not mended:
            table.close(number)
        elif connection is not None:
            connection = None
            table.close(number)

    async def meet_the_end() -> None:
        close(0)
        await asyncio.sleep(1)
        close(0)

    async def open_file() -> None:
        await asyncio.sleep(1)
        number = table.open("file")
        await asyncio.sleep(1)
        assert table.owners.get(number) == "file", f"{number} was closed by somebody else"

    await asyncio.gather(meet_the_end(), open_file())
