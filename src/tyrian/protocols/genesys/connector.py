"""The connector of a `genesys` channel: an Open Messaging integration of a Genesys Cloud organisation, from outside.

In the mode `open` the channel is the integration's middleware. A message to a person enters that person's conversation
as their words, with the attempt's id as its `messageId`, by which Genesys tells a repeat; what agents and bots answer
comes to the channel's hook, and is taken in as a message under that person's name.

In the mode `agentless` the channel is a customer of the organisation: texts go out from the integration, and whoever
stands behind it brings them to people. Genesys takes no id of ours there, so that a repeat is a second message.
"""

import asyncio
import logging
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from tyrian.domain.ids import time_of
from tyrian.domain.limits import Capabilities
from tyrian.domain.problem import Problem
from tyrian.engine.ports import (
    Channel,
    ChannelKind,
    Connector,
    Exchange,
    Health,
    HookAnswer,
    HookRequest,
    Outgoing,
    Refused,
    Retry,
    SendResult,
    Sent,
    Tools,
    Unknown,
)
from tyrian.engine.transport import Answered, http_failure
from tyrian.protocols.genesys import (
    connector_content as contents,
    connector_hook as hook,
    connector_limits as limits,
    connector_statuses as statuses,
    connector_wire as wire,
)
from tyrian.protocols.genesys.connector_client import Client
from tyrian.protocols.genesys.connector_config import GenesysConfig, GenesysSecrets
from tyrian.protocols.genesys.connector_following import Following
from tyrian.protocols.genesys.connector_health import Standing

log = logging.getLogger(__name__)

_UUID_VERSION: Final = 7
#: Characters of a person's id.
_MAX_PERSON: Final = 256
#: Seconds after which a receipt that did not get through is told again; after the last it is given up.
_AGAIN: Final = (1.0, 5.0, 30.0)
#: Receipts that wait to be told, at most.
_MAX_WAITING: Final = 1000


class GenesysConnector:
    """One integration's way to Genesys."""

    def __init__(self, channel: Channel, tools: Tools) -> None:
        self._channel = channel
        self._clock = tools.clock
        self._config = config = msgspec.convert(channel.config, GenesysConfig)
        secrets = msgspec.convert(channel.secrets, GenesysSecrets)
        self.capabilities = capabilities(channel.config)
        self.hook_url = f"{tools.public_url}/hooks/{channel.id}"
        self._client = Client(config, secrets.client_secret, tools.clock)
        self._standing = Standing(self._client, config, self.hook_url, secrets.webhook_secret)
        self._following = Following(self._client, tools.clock, lambda told: tools.sink.receipts(channel, told))
        self._telling: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Make the HTTP client; connections and the token come with the first send."""
        self._client.open()

    async def close(self) -> None:
        """Close the HTTP clients. Receipts that could not be told yet stay untold."""
        for task in self._telling:
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)
        await self._following.close()
        await self._client.close()

    # -- Sending ------------------------------------------------------------------------------------------------------

    async def send(self, outgoing: Outgoing) -> SendResult:
        """Send one message to one person, or into their conversation."""
        try:
            path, body = self._request(outgoing)
        except ValueError as error:
            return Refused("content_refused", Exchange("", error=str(error)))
        answered = await self._client.post(path, body)
        if not isinstance(answered, Answered):
            return answered
        if self._config.mode == "open":
            return _outcome(answered, str(outgoing.attempt_id))
        result = _outcome(answered, None)
        if isinstance(result, Sent) and result.ref and self._config.ask_status:
            self._following.follow(result.ref, outgoing.to)
        return result

    def _request(self, outgoing: Outgoing) -> tuple[str, bytes]:
        """Where a message goes, and what is said. ValueError for a content that has no form there."""
        text, elements = contents.write(outgoing.content)
        config = self._config
        if config.mode == "agentless":
            if text is None or elements:
                raise ValueError("without an agent Genesys Cloud sends text only")
            return wire.AGENTLESS, wire.encode(wire.AgentlessMessage(config.integration_id, outgoing.to, text))
        sender = wire.Party(outgoing.to, config.id_type)
        at = wire.written(self._moment(outgoing.attempt_id))
        channel = wire.InboundChannel(sender, str(outgoing.attempt_id), at)
        return wire.inbound(config.integration_id, "message"), wire.encode(wire.OpenMessage(channel, text, elements))

    def _moment(self, attempt_id: UUID) -> datetime:
        """The attempt's own time: a repeat must bring the very `messageId` and `time` that the first one brought."""
        return time_of(attempt_id) if attempt_id.version == _UUID_VERSION else self._clock.now()

    # -- Webhooks -----------------------------------------------------------------------------------------------------

    def hook(self, request: HookRequest) -> HookAnswer:
        """Read a webhook.

        403 for one that the integration has not signed, 400 for what is none (Genesys repeats neither), 200 for all
        else, whether or not it means something to us.
        """
        if request.method != "POST":
            return _turned_away(405)
        secrets = self._channel.believed("webhook_secret", self._clock.now())
        if not hook.is_signed(request.body, request.headers.get(wire.SIGNATURE, ""), secrets):
            return _turned_away(403)
        try:
            webhook = hook.parse(request.body)
        except hook.Unreadable:
            return _turned_away(400)
        told = hook.receipt(webhook, request.body.decode("utf-8", "replace"))
        if told is not None:
            return HookAnswer(receipts=[told])
        if self._config.mode == "agentless":  # What is meant for people is for whoever brings it to them.
            return HookAnswer()
        said = hook.messages(webhook, request.body, self._config.integration_id)
        tells = bool(said) and bool(webhook.id) and self._config.send_receipts
        return HookAnswer(inbound=said, then=(lambda: self._tell(webhook.id, said[0].sender)) if tells else None)

    def _tell(self, message_id: str, person: str) -> None:
        """Tell Genesys that a message was taken in, and go on meanwhile."""
        if len(self._telling) >= _MAX_WAITING:
            log.warning("channel %s: Genesys is not told that message %s was taken", self._channel.name, message_id)
            return
        task = asyncio.create_task(self._told(message_id, person))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _told(self, message_id: str, person: str) -> None:
        party, now = wire.Party(person, self._config.id_type), wire.written(self._clock.now())
        body = wire.encode(wire.OpenReceipt(message_id, wire.ReceiptChannel(party, now), "Delivered"))
        path = wire.inbound(self._config.integration_id, "receipt")
        for wait in (*_AGAIN, None):
            answered = await self._client.post(path, body)
            failure = http_failure(answered) if isinstance(answered, Answered) else answered
            if failure is None:
                return
            if wait is None or isinstance(failure, Refused):
                break
            asked = failure.after if isinstance(failure, Retry) else None
            await self._clock.sleep(max(wait, asked or 0.0))
        log.warning("channel %s: Genesys could not be told that message %s was taken", self._channel.name, message_id)

    # -- Health -------------------------------------------------------------------------------------------------------

    async def check(self) -> Health:
        """Whether the token works, the integration exists, and its webhooks come here."""
        return await self._standing.check()

    async def provision(self) -> Health:
        """In the mode `open`, has the integration bring its webhooks here; in `agentless` there is nothing to set."""
        return await self._standing.provision()


def _outcome(answered: Answered, own_id: str | None) -> SendResult:
    """What an answer means for the send. Without an id of Genesys' own, the one that we gave the message counts."""
    exchange, failure = answered.exchange, http_failure(answered)
    if isinstance(failure, Refused):
        return Refused(statuses.REFUSALS.get(answered.status, failure.reason), exchange)
    if failure is not None:
        return failure
    try:
        taken = wire.decode_taken(answered.body) if answered.body.strip() else wire.Taken()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Unknown("provider_garbage", exchange)
    if taken.status == "Failed":
        return Refused(statuses.reason_of(taken.reasons), exchange)
    ref = taken.id or own_id
    return Sent(ref, exchange) if ref else Unknown("provider_garbage", exchange)


def _turned_away(status: int) -> HookAnswer:
    """An answer without happenings and without a hint for whoever made the request up."""
    return HookAnswer(status=status, content_type="text/plain")


# -- The kind ---------------------------------------------------------------------------------------------------------


def address(text: str, pointer: str) -> str | Problem:
    """A person's id with the integration's middleware: any text, such as a phone number, but no control characters."""
    if not 1 <= len(text) <= _MAX_PERSON or not text.isprintable() or text != text.strip():
        return Problem(pointer, f"must be the person's id: 1 to {_MAX_PERSON} printable characters")
    return text


def capabilities(config: dict[str, Any]) -> Capabilities:
    """What a channel with these settings carries."""
    return limits.AGENTLESS if config.get("mode") == "agentless" else limits.OPEN


def _make(channel: Channel, tools: Tools) -> GenesysConnector:
    return GenesysConnector(channel, tools)


async def _provision(connector: Connector) -> Health:
    assert isinstance(connector, GenesysConnector)
    return await connector.provision()


def _sender(config: dict[str, Any]) -> str:
    return str(config.get("integration_id", ""))


kind: Final = ChannelKind(
    name="genesys",
    title="Genesys Cloud Open Messaging",
    config=GenesysConfig,
    secrets=GenesysSecrets,
    make=_make,
    capabilities=capabilities,
    address=address,
    provision=_provision,
    network="genesys",
    sender=_sender,
)
