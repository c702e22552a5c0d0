"""The timer rejects a waiting promise, then its answer arrives and is an error, since it has a result.

After https://github.com/livekit/agents/issues/3400, where an answer after the timeout raised
`InvalidStateError` in the task that reads all answers. Mended as there: who is late looks first.
"""

import asyncio
from contextlib import suppress

import lwt
import lwt_unix


async def in_lwt(*, mended: bool) -> None:
    answer, resolver = lwt.wait()

    @lwt.promised
    async def read_answers() -> None:
        await lwt_unix.sleep(1)
        if lwt.is_sleeping(answer) or not mended:
            lwt.wakeup_later(resolver, "answer")

    @lwt.promised
    async def give_up() -> None:
        await lwt_unix.sleep(1)
        if lwt.is_sleeping(answer):
            lwt.wakeup_later_exn(resolver, lwt_unix.Timeout())

    reading = read_answers()
    giving_up = give_up()
    with suppress(lwt_unix.Timeout):
        await answer
    await lwt.join([reading, giving_up])


async def in_asyncio(*, mended: bool) -> None:
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def read_answers() -> None:
        await asyncio.sleep(1)
        if not (mended and answer.done()):
            answer.set_result("answer")

    async def give_up() -> None:
        await asyncio.sleep(1)
        if not answer.done():
            answer.set_exception(TimeoutError())

    reading = asyncio.create_task(read_answers())
    giving_up = asyncio.create_task(give_up())
    with suppress(TimeoutError):
        await answer
    await asyncio.gather(reading, giving_up)
