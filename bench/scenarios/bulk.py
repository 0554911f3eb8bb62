"""A million recipients added to one bulk through the API: how fast, and how much memory the process takes for it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from bench import bare, bed as beds, subjects
from bench.bed import Bed
from bench.figures import Figure
from bench.orders import Recipients
from bench.processes import peak_bytes
from bench.subjects import CHANNEL, GATEWAY, LIMIT
from bench.world import World

BULKS_PATH: Final = "/api/v1/bulks"
_SIZE: Final = 2000
_CONNECTIONS: Final = 4
_FULL: Final = 1_000_000
_QUICK: Final = 50_000
#: A million in under 120 s, by processes of less than 400 MB each.
_AIM_RATE: Final = _FULL / 120
_AIM_MB: Final = 400.0


class _Measured(Struct):
    rate: float
    peak_mb: float
    seconds: float


async def run(world: World) -> list[Figure]:
    """The same recipients for the gateway and for a bare COPY behind HTTP."""
    count = _QUICK if world.options.quick else _FULL
    gateway, limit = await _measured(world, GATEWAY, count), await _measured(world, LIMIT, count)
    note = f"{count} recipients with two variables each, {_SIZE} a request; {gateway.seconds:.1f} s in all"
    rates: dict[str, Any] = {"value": gateway.rate, "limit": limit.rate, "aim": _AIM_RATE, "unit": "/s"}
    memory: dict[str, Any] = {"value": gateway.peak_mb, "limit": limit.peak_mb, "aim": _AIM_MB, "unit": "MB"}
    return [
        Figure(scenario="bulk", name="bulk accept", notes=[note], **rates),
        Figure(scenario="bulk", name="bulk accept, peak memory of a process", sense="less", **memory),
    ]


async def _measured(world: World, kind: str, count: int) -> _Measured:
    async with beds.made(world, kind, send=False) as bed:
        orders = await _orders(bed)
        began = time.monotonic()
        expect = 200 if kind == GATEWAY else 202
        async with bed.load(orders, count=count // _SIZE, connections=_CONNECTIONS, expect=expect) as load:
            await load.finish(stop=False)
        seconds = time.monotonic() - began
        peak = max(map(peak_bytes, bed.subject.roots)) / 1e6
        return _Measured(count / seconds, peak, seconds)


async def _orders(bed: Bed) -> Recipients:
    """For a gateway, a bulk to add to, due tomorrow, so that what is measured is the accepting."""
    if bed.subject.kind == LIMIT:
        return Recipients(bare.BULK_PATH, {}, _SIZE)
    text = "Dear {{name}}, your code for 20 % off is {{code}}. It is valid in all our shops until the end of the week."
    body = {
        "name": "bench",
        "purpose": "promotional",
        "cascade": [{"channel": CHANNEL, "content": {"type": "text", "text": text}}],
        "schedule": {"send_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()},
    }
    status, said = await subjects.call(bed.subject, "POST", BULKS_PATH, msgspec.json.encode(body))
    assert status in (201, 202), f"{status} {said.decode()}"
    bulk = msgspec.json.decode(said)["id"]
    return Recipients(f"{BULKS_PATH}/{bulk}/messages", bed.subject.headers, _SIZE)
