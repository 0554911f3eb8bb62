"""How many single messages in a second the faces of other vendors take in, beside the native one."""

import base64
from typing import Final

import msgspec

from bench import bed as beds
from bench.bed import Rounds
from bench.board import Count
from bench.figures import Figure
from bench.orders import TEXT, Maker, Patterned
from bench.subjects import CHANNEL, CUSTOMER, GATEWAY, KEY, SERVICE_ID, SIGNING_KEY
from bench.world import World

#: The part of the native face's accepts that another face has to reach.
SHARE: Final = 0.75
_WARM: Final = 1.0
_INFOBIP: Final = {
    "messages": [
        {
            "sender": CHANNEL,
            "destinations": [{"to": "38599%07d"}],
            "content": {"type": "TEXT", "text": TEXT},
        }
    ]
}
_TYNTEC: Final = {
    "to": "38599%07d",
    "from": str(SERVICE_ID),
    "channel": "viber",
    "rateType": "transaction",
    "content": {"contentType": "text", "text": TEXT},
}
_TELESIGN: Final = {
    "channels": [{"channel": "viber"}],
    "phone_number": "38599%07d",
    "message": {"viber": {"template": "text", "parameters": {"text": TEXT}}},
    "message_type": "ARN",
}


async def infobip(world: World) -> list[Figure]:
    """`POST /viber/2/messages` with one text to one person."""
    body = msgspec.json.encode(_INFOBIP).decode()
    return [
        await _beside_native(world, "infobip", Patterned("/viber/2/messages", {"Authorization": f"App {KEY}"}, body))
    ]


async def tyntec(world: World) -> list[Figure]:
    """`POST /conversations/v3/messages` with one text to one person."""
    body = msgspec.json.encode(_TYNTEC).decode()
    return [await _beside_native(world, "tyntec", Patterned("/conversations/v3/messages", {"apikey": KEY}, body), 202)]


async def telesign(world: World) -> list[Figure]:
    """`POST /v1/omnichannel` with one text over one channel, with Basic authentication."""
    body = msgspec.json.encode(_TELESIGN).decode()
    pair = base64.b64encode(f"{CUSTOMER}:{SIGNING_KEY}".encode()).decode()
    orders = Patterned("/v1/omnichannel", {"Authorization": f"Basic {pair}"}, body)
    return [await _beside_native(world, "telesign", orders)]


async def _beside_native(world: World, name: str, orders: Maker, expect: int = 200) -> Figure:
    native = await _accepts(world, None, 202)
    face = await _accepts(world, orders, expect)
    share = face.median / native.median if native.median else 0.0
    return Figure(
        scenario=f"accepts_{name}",
        name=f"single-message accepts, {name}",
        unit="/s",
        value=face.median,
        aim=SHARE * native.median,
        rounds=face.rates,
        cpu=face.cpu,
        notes=[
            f"{share:.0%} of the native face's {native.median:.0f}/s",
            f"{1e6 * face.cost:.0f} µs of CPU each, {1e6 * native.cost:.0f} µs there",
        ],
    )


async def _accepts(world: World, orders: Maker | None, expect: int) -> Rounds:
    async with (
        beds.made(world, GATEWAY, nodes="api", send=False) as bed,
        bed.load(orders or bed.subject.singles(), expect=expect) as load,
    ):
        rounds = await bed.rounds(Count.ANSWERED, load, warm=_WARM, profile="accepts" if orders else None)
        await load.finish()
        return rounds
