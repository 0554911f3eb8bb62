"""Viber, both ways: a bot over the REST Bot API, and a business over Viber Business Messages.

`bot_wire` and `business_wire` spell what goes over the wire, `limits` and `statuses` are the facts as tables, `bot` and
`business` are the connectors.
"""

from typing import Any, Final

import msgspec

from tyrian.domain.limits import Capabilities
from tyrian.engine.ports import Channel, ChannelKind, Registration, Tools
from tyrian.protocols.viber import bot, limits
from tyrian.protocols.viber.addresses import bot_address, business_address
from tyrian.protocols.viber.bot import BotConfig, BotSecrets
from tyrian.protocols.viber.business import BusinessConfig, BusinessConnector, BusinessSecrets


def _bot_capabilities(config: dict[str, Any]) -> Capabilities:
    return limits.BOT


def _business_capabilities(config: dict[str, Any]) -> Capabilities:
    return limits.business(msgspec.convert(config, BusinessConfig).free_text_transactional)


def _service_id(config: dict[str, Any]) -> str:
    return str(config.get("service_id", ""))


def _bot_name(config: dict[str, Any]) -> str:
    return str(config.get("sender_name", ""))


def _make_business(channel: Channel, tools: Tools) -> BusinessConnector:
    return BusinessConnector(channel, tools)


bot_kind: Final = ChannelKind(
    name="viber_bot",
    title="Viber bot",
    config=BotConfig,
    secrets=BotSecrets,
    make=bot.make,
    capabilities=_bot_capabilities,
    address=bot_address,
    network="viber_bot",
    sender=_bot_name,
    provision=bot.provision,
)

business_kind: Final = ChannelKind(
    name="viber_business",
    title="Viber Business Messages",
    config=BusinessConfig,
    secrets=BusinessSecrets,
    make=_make_business,
    capabilities=_business_capabilities,
    address=business_address,
    network="viber",
    sender=_service_id,
)

registration: Final = Registration(name="viber", kinds=(bot_kind, business_kind))
