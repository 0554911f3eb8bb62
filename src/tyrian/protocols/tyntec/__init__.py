"""tyntec's Conversations API, both ways: a face that serves it, and a connector that sends through it.

`wire` spells what goes over the wire, `limits` and `statuses` are the facts as tables, `content` maps contents both
ways. The face is `app` with a module for each group of operations; the connector is `connector`.
"""

from typing import Any, Final

import msgspec

from tyrian.domain.limits import Capabilities
from tyrian.engine.ports import Channel, ChannelKind, Registration, Tools
from tyrian.protocols.tyntec import limits
from tyrian.protocols.tyntec.app import TyntecFace
from tyrian.protocols.tyntec.connector import TyntecConfig, TyntecConnector, TyntecSecrets, address, provision


def _capabilities(config: dict[str, Any]) -> Capabilities:
    return limits.SMS if _network(config) == "sms" else limits.CAPABILITIES


def _network(config: dict[str, Any]) -> str:
    return msgspec.convert(config, TyntecConfig).channel


def _sender(config: dict[str, Any]) -> str:
    return str(config.get("sender", ""))


def _make(channel: Channel, tools: Tools) -> TyntecConnector:
    return TyntecConnector(channel, tools)


kind: Final = ChannelKind(
    name="tyntec",
    title="tyntec Conversations",
    config=TyntecConfig,
    secrets=TyntecSecrets,
    make=_make,
    capabilities=_capabilities,
    address=address,
    provision=provision,
    network=_network,
    sender=_sender,
)

registration: Final = Registration(name="tyntec", kinds=(kind,), face=TyntecFace())
