"""The kind of channel that sends through Infobip, as operators name it."""

import re
from typing import Any, Final

from tyrian.domain.address import e164
from tyrian.domain.problem import Problem
from tyrian.engine.ports import Channel, ChannelKind, Tools
from tyrian.protocols.infobip.connector import InfobipConfig, InfobipConnector, InfobipSecrets, capabilities

#: A Viber user id as bots know people by: base64 text of undocumented length, with at least one letter.
_USER_ID: Final = re.compile(r"(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9+/=_-]{1,64}")


def address(text: str, pointer: str) -> str | Problem:
    """A phone number in E.164 form, with its plus, or the id of a bot's user as it is."""
    if _USER_ID.fullmatch(text):
        return text
    number = e164(text)
    if number is None:
        return Problem(
            pointer, "must be a phone number with its country code, such as +385991234567, or the id of a bot's user"
        )
    return number


def _make(channel: Channel, tools: Tools) -> InfobipConnector:
    return InfobipConnector(channel, tools)


def _network(config: dict[str, Any]) -> str:
    return str(config.get("product", "viber"))


def _sender(config: dict[str, Any]) -> str:
    return str(config.get("sender", ""))


kind: Final = ChannelKind(
    name="infobip",
    title="Viber through Infobip",
    config=InfobipConfig,
    secrets=InfobipSecrets,
    make=_make,
    capabilities=capabilities,
    address=address,
    network=_network,
    sender=_sender,
)
