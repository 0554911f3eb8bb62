"""SMPP 3.4, the client side: a channel that sends SMS through a message centre and hears receipts and people's answers.

`pdu` spells the wire and `link` speaks it on one connection; `session` keeps the connections; `coding` and `gsm` turn
text into short messages; `receipts` and `receiver` read what comes back; `statuses` and `limits` are the facts as
tables.
"""

from typing import Any, Final

import msgspec

from tyrian.domain.limits import Capabilities
from tyrian.engine.ports import ChannelKind, Registration
from tyrian.protocols.smpp import limits
from tyrian.protocols.smpp.config import SmppConfig, SmppSecrets
from tyrian.protocols.smpp.connector import SmppConnector, address


def _capabilities(config: dict[str, Any]) -> Capabilities:
    return limits.capabilities(msgspec.convert(config, SmppConfig))


def _sender(config: dict[str, Any]) -> str:
    return str(config.get("sender", ""))


kind: Final = ChannelKind(
    name="smpp",
    title="SMS over SMPP",
    config=SmppConfig,
    secrets=SmppSecrets,
    make=SmppConnector,
    capabilities=_capabilities,
    address=address,
    network="sms",
    sender=_sender,
)

registration: Final = Registration(name="smpp", kinds=(kind,))
