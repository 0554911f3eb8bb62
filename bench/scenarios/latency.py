"""How long from a customer's request to the provider's, with requests at fixed times at half the load of `sends`."""

import statistics
from typing import Final

from msgspec import Struct

from bench import bed as beds
from bench.board import Count, Shared
from bench.figures import Figure
from bench.histogram import Histogram
from bench.scenarios.throughput import accept_and_send
from bench.subjects import GATEWAY, LIMIT
from bench.world import World

_WARM: Final = 1.0
#: Milliseconds.
_AIM: Final = 25.0


class _Times(Struct):
    """Milliseconds in each round: due to POST (p50, p99), answer 202 to POST (p99), due to 202 (p99)."""

    due_p50: list[float]
    due_p99: list[float]
    answer_p99: list[float]
    accept_p99: list[float]
    cpu: dict[str, float]
    dropped: int


async def run(world: World) -> list[Figure]:
    """Half of what accept + send reaches now, with and without a gateway."""
    reached = world.found.get("sends") or (await accept_and_send(world, GATEWAY)).median
    rate = reached / 2
    gateway, limit = await _measured(world, GATEWAY, rate), await _measured(world, LIMIT, rate)
    note = f"at {rate:.0f} messages/s, timed from the moment each request was due"
    middle = statistics.median
    return [
        Figure(
            scenario="latency",
            name=f"request to provider POST, {name}",
            unit="ms",
            sense="less",
            value=middle(ours),
            limit=middle(theirs),
            aim=aim,
            rounds=ours,
            limit_rounds=theirs,
            cpu=gateway.cpu,
            limit_cpu=limit.cpu,
            notes=[note, *more],
        )
        for name, ours, theirs, aim, more in (
            ("p50", gateway.due_p50, limit.due_p50, None, []),
            ("p99", gateway.due_p99, limit.due_p99, _AIM, _parts(gateway)),
        )
    ]


def _parts(times: _Times) -> list[str]:
    answer, accept = statistics.median(times.answer_p99), statistics.median(times.accept_p99)
    return [f"p99 of its parts: request to 202 {accept:.1f} ms, 202 to POST {answer:.1f} ms"]


async def _measured(world: World, kind: str, rate: float) -> _Times:
    options = world.options
    most = int(rate * (_WARM + beds.PATIENCE * options.rounds * (options.seconds + 1) + 5))
    times = Shared(world.times("answers").path, 2 * most, make=True)
    async with beds.made(world, kind) as bed:
        more = {"rate": rate, "times": str(times.path), "times_size": len(times.values)}
        async with bed.load(bed.subject.singles(), **more) as load:
            rounds = await bed.rounds(Count.POSTS, load, warm=_WARM, profile="latency")
            result = await load.finish()
        await bed.drained(Count.POSTS, result.answered)
        found = _Times([], [], [], [], rounds.cpu, rounds.dropped)
        for first, after in rounds.spans:
            _evaluate(times, bed.arrivals, first, after, found)
        return found


def _evaluate(times: Shared, arrivals: Shared, first: int, after: int, found: _Times) -> None:
    """Add the quantiles of one round's messages."""
    due, answer, accept = Histogram(), Histogram(), Histogram()
    for n in range(first, after):
        asked, said, posted = times.values[2 * n], times.values[2 * n + 1], arrivals.values[n]
        due.record((posted - asked) // 1000)
        answer.record((posted - said) // 1000)
        accept.record((said - asked) // 1000)
    found.due_p50.append(due.quantile(0.5) / 1000)
    found.due_p99.append(due.quantile(0.99) / 1000)
    found.answer_p99.append(answer.quantile(0.99) / 1000)
    found.accept_p99.append(accept.quantile(0.99) / 1000)
