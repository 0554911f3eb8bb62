"""What the middleware is told of its own messages: that they have entered the conversation.

The receipt is a callback, committed along with the message: it comes at least once, even if the node dies meanwhile.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from tyrian.engine.face_ports import CallbackRequest, Heard
from tyrian.engine.ports import Channel
from tyrian.engine.report import Report
from tyrian.protocols.genesys import open_normal as normal
from tyrian.protocols.genesys.open_config import KIND, OpenSecrets, facts_of, read_headers
from tyrian.protocols.genesys.open_reading import PART

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

_encode: Final = msgspec.json.Encoder().encode


class Way(Struct):
    """What a webhook to one integration's middleware needs, by the name of its channel."""

    channel: str
    integration: str
    name: str
    token: str
    headers: dict[str, str] = {}


_decode: Final = msgspec.json.Decoder(Way).decode


def url(heard: Heard) -> str | None:
    """Where the receipt for a person's message goes; None where it is of no Open Messaging integration."""
    if heard.channel.kind != KIND or PART in heard.inbound.extra:
        return None
    config = facts_of(heard.channel).config
    return config.webhook_url if config.receipts else None


def ways(gateway: "Gateway", account_id: int) -> Sequence[str]:
    """The ways to all of an account's integrations."""
    return [
        _encode(_way(entry.channel)).decode()
        for entry in gateway.channels.all()
        if entry.channel.account_id == account_id and entry.channel.kind == KIND and entry.trouble is None
    ]


def _way(channel: Channel) -> Way:
    facts, secrets = facts_of(channel), msgspec.convert(channel.secrets, OpenSecrets)
    headers = read_headers(secrets.webhook_headers) if secrets.webhook_headers else {}
    return Way(channel.name, facts.id, facts.name, secrets.signature_token, headers)


def render(report: Report, ways: Sequence[str]) -> CallbackRequest:
    """The webhook that tells of a message. LookupError if its integration is there no more."""
    way = next((w for w in map(_decode, ways) if w.channel == report.channel), None)
    if way is None:
        raise LookupError(f"the integration of channel {report.channel} was removed")
    told = normal.published(way.integration, way.name, report.sender or "", str(report.message_id), report.at)
    body = _encode(told)
    headers = {"content-type": "application/json", **way.headers, normal.SIGNATURE: normal.sign(body, way.token)}
    return CallbackRequest(headers, body)
