"""Nobody's files hold up another's."""

import asyncio

from tyrian.media.turns import Turns


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_an_account_waits_for_itself_and_not_for_others() -> None:
    turns, inside, leave = Turns(1, 2), [], asyncio.Event()

    async def work(account_id: int) -> None:
        async with turns.of(account_id):
            inside.append(account_id)
            await leave.wait()

    tasks = [asyncio.create_task(work(account_id)) for account_id in (1, 1, 1, 2, 3)]
    await settled()
    assert inside == [1, 2], "the first of each of two accounts; not the second of the first"
    leave.set()
    await asyncio.gather(*tasks)
    assert sorted(inside) == [1, 1, 1, 2, 3]
    del tasks
    assert len(turns._own) == 0, "nothing is kept of those who are done"


async def test_who_leaves_the_line_takes_no_turn_along() -> None:
    turns, leave = Turns(1, 1), asyncio.Event()

    async def work(account_id: int) -> None:
        async with turns.of(account_id):
            await leave.wait()

    first, second = asyncio.create_task(work(1)), asyncio.create_task(work(1))
    await settled()
    second.cancel()
    await settled()
    leave.set()
    await first
    await asyncio.wait_for(work(1), 5)
