"""People in the middle of a flow press buttons: how long until the next message goes out, and what memory they take."""

from statistics import median
from typing import Any, Final

import msgspec

from bench import child, presser, subjects
from bench.figures import Figure
from bench.histogram import Histogram
from bench.processes import resident_bytes
from bench.subjects import BOT_TOKEN, Subject
from bench.world import World, free_port

_RATE: Final = 500.0
_FEW, _MANY, _QUICK = 1_000, 100_000, 3_000
#: Milliseconds, and the part by which memory may grow from few to many people.
_AIM: Final = 50.0
_MIB: Final = 1024 * 1024
#: Two steps that lead to each other: every press is answered with the other one, and its buttons.
_FLOW: Final[dict[str, Any]] = {
    "name": "bench",
    "start": "one",
    "triggers": [{"on": "default"}],
    "steps": {
        "one": {"do": "say", "text": "One, {{name}}?", "choices": [{"text": "Next", "to": "two"}]},
        "two": {"do": "say", "text": "Two, {{name}}?", "choices": [{"text": "Next", "to": "one"}]},
    },
}


async def run(world: World) -> list[Figure]:
    """With a thousand people in the flow, and with a hundred thousand."""
    await world.ripen()
    figures: list[Figure] = []
    memory: dict[int, float] = {}
    for people in (_FEW, _QUICK if world.options.quick else _MANY):
        times, memory[people] = await _measured(world, people)
        figures += [
            Figure(
                scenario="presses",
                name=f"press to provider POST, {name}, {people:,} people in the flow",
                unit="ms",
                sense="less",
                value=median(round_.quantile(share) for round_ in times) / 1000,
                aim=_AIM if name == "p99" else None,
                notes=[f"at {_RATE:.0f} presses/s, timed from the moment each press was due"],
            )
            for name, share in (("p50", 0.5), ("p99", 0.99))
        ]
    few, many = sorted(memory)
    figures.append(
        Figure(
            scenario="presses",
            name=f"memory of the gateway, {many:,} people in the flow",
            unit="MiB",
            sense="less",
            value=memory[many],
            limit=memory[few],
            notes=[f"beside it the memory with {few:,} people"],
        )
    )
    return figures


async def _measured(world: World, people: int) -> tuple[list[Histogram], float]:
    port, upstream = free_port(), free_port()
    async with subjects.gateway(world, port, upstream, world.options.nodes) as subject:
        await _publish(subject)
        spec = presser.Spec(
            port=port,
            path=subject.bot_path,
            token=BOT_TOKEN,
            listen=upstream,
            people=people,
            rate=_RATE,
            seconds=world.options.seconds,
            rounds=world.options.rounds,
            warm=1.0,
        )
        async with child.started("bench.presser", spec) as running:
            result = msgspec.convert(await running.done(), presser.Result)
        used = sum(resident_bytes(root) for root in subject.roots) / _MIB
    if result.missing or result.refused or not result.answered:
        raise RuntimeError(f"{result.missing} presses were not answered, {result.refused} refused")
    return [Histogram.load(one) for one in result.latency], used


async def _publish(subject: Subject) -> None:
    body = msgspec.json.encode({"flow": _FLOW, "channels": ["bench-bot"]})
    status, said = await subjects.call(subject, "POST", "/api/v1/flows", body)
    if status != 201:
        raise RuntimeError(f"the flow was refused: {status} {said!r}")
