"""What the account's channels can carry, as data: the very tables that requests are checked against."""

from tyrian.engine.channels import ChannelEntry
from tyrian.protocols.native.answers import CapabilitiesAnswer, CapabilitiesList, ContentRules
from tyrian.protocols.native.errors import not_found
from tyrian.protocols.native.operation import Call, Reply


async def list_capabilities(call: Call) -> Reply:
    """What each channel can carry."""
    own = [e for e in call.gateway.channels.all() if e.channel.account_id == call.account_id]
    return Reply(CapabilitiesList(channels=[_answer(e) for e in sorted(own, key=lambda e: e.channel.name)]))


async def get_capabilities(call: Call) -> Reply:
    """What one channel can carry."""
    entry = call.gateway.channels.get(call.account_id, call.path["id"])
    if entry is None:
        raise not_found(f'No channel is named "{call.path["id"][:64]}".')
    return Reply(_answer(entry))


def _answer(entry: ChannelEntry) -> CapabilitiesAnswer:
    can = entry.capabilities
    return CapabilitiesAnswer(
        channel=entry.channel.name,
        kind=entry.kind.name,
        title=entry.kind.title,
        contents={
            name: ContentRules(bounds=list(rule.bounds), media=list(rule.media))
            for name, rule in sorted(can.contents.items())
        },
        common=list(can.common),
        purposes={purpose: sorted(shapes) for purpose, shapes in can.shapes.items()},
        max_bytes=can.max_bytes,
        receipts=sorted(can.receipts),
        inbound=can.inbound,
        source=can.source,
    )
