"""The rows of a query are read after its connection went back to the pool: they are another query's.

After https://github.com/aio-libs/aiomysql/issues/371, where a result was read outside of the block that had the
connection. Mended: all is read before the connection is given back.
"""

import asyncio

import lwt
import lwt_unix
from lwt import lwt_mvar


def work() -> None:
    """What takes a while: to render a page."""


class Connection:
    """A connection, in whose buffer is the answer to the last query."""

    buffer = ""

    def query(self, question: str) -> None:
        """Ask; the answer comes into the buffer."""
        self.buffer = f"rows of {question}"


def check(rows: str, question: str) -> None:
    assert rows == f"rows of {question}", f"{rows} for {question}"


async def in_lwt(*, mended: bool) -> None:
    pool = lwt_mvar.create(Connection())

    @lwt.promised
    async def report(question: str) -> None:
        connection = await lwt_mvar.take(pool)
        connection.query(question)
        rows = connection.buffer
        await lwt_mvar.put(pool, connection)
        await lwt_unix.run_job(work)
        check(rows if mended else connection.buffer, question)

    @lwt.promised
    async def report_later(question: str) -> None:
        await lwt_unix.run_job(work)
        await report(question)

    await lwt.join([report("first"), report_later("second")])


async def in_asyncio(*, mended: bool) -> None:
    pool: asyncio.Queue[Connection] = asyncio.Queue()
    pool.put_nowait(Connection())

    async def report(question: str) -> None:
        connection = await pool.get()
        connection.query(question)
        rows = connection.buffer
        pool.put_nowait(connection)
        await asyncio.to_thread(work)
        check(rows if mended else connection.buffer, question)

    async def report_later(question: str) -> None:
        await asyncio.to_thread(work)
        await report(question)

    await asyncio.gather(report("first"), report_later("second"))
