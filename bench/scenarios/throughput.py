"""How many in a second: accepts, sends, whole lives, receipts."""

from typing import Final

import asyncpg

from bench import bed as beds, fill
from bench.bed import Bed, Rounds
from bench.board import Count
from bench.figures import Figure
from bench.orders import Inbounds, Receipts
from bench.subjects import BOT_TOKEN, GATEWAY, LIMIT
from bench.world import World

#: The most messages on their way at once: enough to keep every part busy, and no heap that hides a slow one.
SEND_WINDOW: Final = 2000
LIFE_WINDOW: Final = 2000
#: Rates that the receipts at hand must last for, in receipts/s.
_RECEIPTS_LAST: Final = {GATEWAY: 12_000, LIMIT: 20_000}
_WARM: Final = 1.0
#: A few connections are not given a crowd to serve.
_MOST_PER_CONNECTION: Final = 32


async def accepts(world: World) -> list[Figure]:
    """Nodes that only take messages in, as fast as they can."""
    gateway = await _accepts(world, GATEWAY)
    limit = await _accepts(world, LIMIT)
    return [_figure("accepts", "single-message accepts", 7000, gateway, limit)]


async def _accepts(world: World, kind: str) -> Rounds:
    async with beds.made(world, kind, nodes="api", send=False) as bed, bed.load(bed.subject.singles()) as load:
        rounds = await bed.rounds(Count.ANSWERED, load, warm=_WARM, profile="accepts")
        await load.finish()
        return rounds


async def sends(world: World) -> list[Figure]:
    """Messages that go all the way to the provider; new ones come as fast as sent ones leave."""
    gateway = await accept_and_send(world, GATEWAY)
    limit = await accept_and_send(world, LIMIT)
    world.found["sends"] = gateway.median
    return [_figure("sends", "accept + send", 4000, gateway, limit)]


async def accept_and_send(world: World, kind: str) -> Rounds:
    """The rounds of one subject; raises if a message was lost or came twice."""
    async with beds.made(world, kind) as bed:
        return await sending(bed, profile="sends")


async def sending(bed: Bed, *, profile: str | None = None) -> Rounds:
    """Accept and send on a bed that may have a past."""
    return await _through(bed, Count.POSTS, Count.POSTS_AGAIN, SEND_WINDOW, profile)


async def life(world: World) -> list[Figure]:
    """Messages that come to their end, each with two receipts and two callbacks."""
    gateway = await _life(world, GATEWAY)
    limit = await _life(world, LIMIT)
    return [_figure("life", "the whole life", 1700, gateway, limit)]


async def _life(world: World, kind: str) -> Rounds:
    async with beds.made(world, kind, receipts=True, call=True) as bed:
        return await _through(bed, Count.COMPLETED, Count.CALLBACKS_AGAIN, LIFE_WINDOW, "life", bed.customer)


async def _through(
    bed: Bed, until: Count, again: Count, window: int, profile: str | None, callback: str | None = None
) -> Rounds:
    already = bed.board.values[until]
    window = min(window, bed.world.options.connections * _MOST_PER_CONNECTION)
    async with bed.load(bed.subject.singles(callback), window=window, until=until) as load:
        # The first wave goes through one part after the other; the flow is even once it has passed.
        await bed.drained(until, already + window)
        rounds = await bed.rounds(until, load, warm=_WARM, profile=profile)
        result = await load.finish()
    await bed.drained(until, already + result.answered)
    if bed.board.values[again]:
        raise RuntimeError(f"{again.name} is {bed.board.values[again]}: something was done twice")
    return rounds


async def receipts(world: World) -> list[Figure]:
    """Receipts for messages that were sent before, none of them reported to a customer."""
    gateway = await _receipts(world, GATEWAY)
    limit = await _receipts(world, LIMIT)
    return [_figure("receipts", "receipts", 5000, gateway, limit)]


async def _receipts(world: World, kind: str) -> Rounds:
    seconds = _WARM + world.options.rounds * world.options.seconds * (1 if world.options.quick else beds.PATIENCE)
    messages = int(_RECEIPTS_LAST[kind] * seconds / 2)
    async with beds.made(world, kind) as bed:
        if kind == GATEWAY:
            await fill.copies(bed.subject.database, await fill.sent(bed.subject), 0, messages)
            await fill.settled(bed.subject.database)
        else:
            await fill.bare_sent(bed.subject.database, messages)
        orders = Receipts(bed.subject.hook_path, messages)
        async with bed.load(orders, expect=200, count=2 * messages) as load:
            rounds = await bed.rounds(Count.ANSWERED, load, warm=_WARM, profile="receipts")
            result = await load.finish()
        if result.issued == 2 * messages:
            raise RuntimeError("the receipts at hand were used up before the rounds were over")
        return rounds


async def inbound(world: World) -> list[Figure]:
    """What people write to a bot: verified, committed, and only then acknowledged."""
    async with beds.made(world, GATEWAY, nodes="api", send=False) as bed:
        async with bed.load(Inbounds(bed.subject.bot_path, BOT_TOKEN), expect=200) as load:
            gateway = await bed.rounds(Count.ANSWERED, load, warm=_WARM, profile="inbound")
            result = await load.finish()
        connection = await asyncpg.connect(bed.subject.database)
        stored = await connection.fetchval("SELECT count(*) FROM inbound")
        await connection.close()
        if stored != result.answered:
            raise RuntimeError(f"{result.answered} messages were acknowledged, and {stored} are stored")
    limit = await _accepts(world, LIMIT)
    return [_figure("inbound", "messages from people", 2000, gateway, limit)]


def _figure(scenario: str, name: str, aim: float, gateway: Rounds, limit: Rounds) -> Figure:
    return Figure(
        scenario=scenario,
        name=name,
        unit="/s",
        value=gateway.median,
        aim=aim,
        limit=limit.median,
        rounds=gateway.rates,
        limit_rounds=limit.rates,
        cpu=gateway.cpu,
        limit_cpu=limit.cpu,
        notes=[f"{1e6 * gateway.cost:.0f} µs of CPU each with the database, {1e6 * limit.cost:.0f} µs at the limit"],
    )
