"""What a message costs when the tables are small, and when they hold millions.

Of the rows, half are history (sent, delivered and seen within the last day); a quarter waits on the same channel for
tomorrow; a quarter is due now on a second channel that sends one message a second.
"""

from typing import Final
from uuid import UUID

from bench import bed as beds, fill
from bench.bed import Bed, Rounds
from bench.figures import Figure
from bench.scenarios.throughput import sending
from bench.subjects import CHANNEL, GATEWAY, THROTTLED
from bench.world import World

_FULL: Final = (10_000, 100_000, 1_000_000, 5_000_000)
_QUICK: Final = (10_000, 50_000)
#: How many times as much a message may cost with the most rows as with the fewest.
_AIM: Final = 1.3


async def run(world: World) -> list[Figure]:
    """Accept and send at each size, on one database that grows."""
    sizes = _QUICK if world.options.quick else _FULL
    found: list[Rounds] = []
    async with beds.made(world, GATEWAY) as bed:
        history = await fill.seen(bed.subject)
        waiting = await fill.scheduled(bed.subject, CHANNEL)
        due = await fill.scheduled(bed.subject, THROTTLED)
        before = 0
        for size in sizes:
            await _grow(bed, before, size, history, waiting, due)
            found.append(await sending(bed, profile=f"backlog-{size}"))
            before = size
    figures = [_figure(size, rounds) for size, rounds in zip(sizes, found, strict=True)]
    return [*figures, *_growth(sizes, found)]


async def _grow(bed: Bed, before: int, size: int, history: UUID, waiting: UUID, due: UUID) -> None:
    url, quarter = bed.subject.database, (size - before) // 4
    await fill.copies(url, history, before, 2 * quarter)
    await fill.copies(url, waiting, before + 2 * quarter, quarter)
    await fill.copies(url, due, before + 3 * quarter, quarter, due_now=True)
    await fill.settled(url)


def _figure(size: int, rounds: Rounds) -> Figure:
    return Figure(
        scenario="backlog",
        name=f"accept + send with {size:_} rows".replace("_", " "),
        unit="µs CPU",
        sense="less",
        value=rounds.cost * 1e6,
        rounds=rounds.rates,
        cpu=rounds.cpu,
        notes=[f"{rounds.median:.0f} messages/s, so {1e6 / rounds.median:.0f} µs of wall time each"],
    )


def _growth(sizes: tuple[int, ...], found: list[Rounds]) -> list[Figure]:
    """Costs at the most rows over costs at the fewest, in CPU and in wall time."""
    ratios = {"CPU": found[-1].cost / found[0].cost, "wall time": found[0].median / found[-1].median}
    name = f"at {sizes[-1]:_} rows, as multiple of {sizes[0]:_}".replace("_", " ")
    return [
        Figure(scenario="backlog", name=f"{what} {name}", unit="x", sense="less", aim=_AIM, value=ratio)
        for what, ratio in ratios.items()
    ]
