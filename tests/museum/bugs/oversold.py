"""Between the look at the stock and the taking from it a payment is awaited: the last item is sold twice.

After https://github.com/awesto/django-shop/issues/888, where two checkouts got the last unit. Mended: the
item is taken before the payment, and put back if that fails.
"""

import asyncio

import lwt
import lwt_unix


def work() -> None:
    """What takes a while: to load a page, to pay."""


async def in_lwt(*, mended: bool) -> None:
    stock = 1

    @lwt.promised
    async def buy() -> None:
        nonlocal stock
        if stock > 0:
            if mended:
                stock -= 1
            await lwt_unix.run_job(work)
            if not mended:
                stock -= 1

    @lwt.promised
    async def look_and_buy() -> None:
        await lwt_unix.run_job(work)
        await buy()

    await lwt.join([buy(), look_and_buy()])
    assert stock == 0, f"{stock} in stock"


async def in_asyncio(*, mended: bool) -> None:
    stock = 1

    async def buy() -> None:
        nonlocal stock
        if stock > 0:
            if mended:
                stock -= 1
            await asyncio.to_thread(work)
            if not mended:
                stock -= 1

    async def look_and_buy() -> None:
        await asyncio.to_thread(work)
        await buy()

    await asyncio.gather(buy(), look_and_buy())
    assert stock == 0, f"{stock} in stock"
