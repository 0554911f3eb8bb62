"""The kind of channel `open_messaging`: an Open Messaging integration that this gateway serves.

What goes to a person is brought to the middleware's webhook, signed; what the person says and what became of messages
comes back through Genesys' API (`open_inbound`). A middleware that has no OAuth client may bring the same bodies to
the channel's hook, signed as the webhooks are.
"""

import asyncio
import contextlib
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import msgspec

from tyrian.domain.limits import Capabilities
from tyrian.engine.egress import Blocked, Guard
from tyrian.engine.ports import (
    Channel,
    ChannelKind,
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
from tyrian.engine.transport import Answered, Transport, http_failure
from tyrian.protocols.genesys import connector, connector_hook, open_normal as normal, open_reading as reading
from tyrian.protocols.genesys.errors import ApiError
from tyrian.protocols.genesys.open_config import KIND, OpenConfig, OpenSecrets, facts_of, read_headers
from tyrian.protocols.genesys.operation import decode

#: HTTP statuses of refused webhooks.
_REFUSALS: Final = {400: "content_refused", 404: "sender_not_found", 415: "content_refused", 422: "content_refused"}
#: Typing indicators under way at once; those beyond are not shown.
_MAX_TYPING: Final = 100

_encode: Final = msgspec.json.Encoder().encode


class OpenConnector:
    """The way to one integration's middleware."""

    def __init__(self, channel: Channel, tools: Tools) -> None:
        self._channel = channel
        self._clock = tools.clock
        self._facts = facts_of(channel)
        self._secrets = secrets = msgspec.convert(channel.secrets, OpenSecrets)
        self.capabilities = normal.capabilities(channel.config)
        config, parts = self._facts.config, urlsplit(self._facts.config.webhook_url)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._guard = Guard(tools.allow_private)
        self._http = Transport(
            f"{parts.scheme}://{parts.netloc}",
            tools.clock,
            headers=read_headers(secrets.webhook_headers) if secrets.webhook_headers else {},
            timeout=config.timeout,
            connect_timeout=config.connect_timeout,
            guard=self._guard,
        )
        self._typing: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Make the HTTP client; connections come with the first send."""
        self._http.open()

    async def close(self) -> None:
        """Close the HTTP client. Typing indicators under way are given up."""
        for task in self._typing:
            task.cancel()
        await asyncio.gather(*self._typing, return_exceptions=True)
        await self._http.close()
        self._guard.close()

    # -- Sending ------------------------------------------------------------------------------------------------------

    async def send(self, outgoing: Outgoing) -> SendResult:
        """Bring one message to the middleware. Any 2xx takes it, whatever the body."""
        for pointer, words in normal.barred(outgoing.content, self._facts.config.outbound_media):
            return Refused("content_refused", Exchange("", error=f"{pointer} {words}"))
        body = _encode(normal.message(self._facts, outgoing, self._clock.now()))
        try:
            answered = await self._post(body)
        except Blocked as error:
            return Refused("endpoint_blocked", Exchange(body.decode(), url=self._url, error=str(error)))
        if not isinstance(answered, Answered):
            return answered
        failure = http_failure(answered)
        if isinstance(failure, Refused):
            return Refused(_REFUSALS.get(answered.status, failure.reason), answered.exchange)
        return failure or Sent(str(outgoing.message_id), answered.exchange)

    async def typing(self, person: str, conversation_id: UUID | None = None) -> None:
        """Shows that somebody types, where the messaging setting says so. Goes on in the background, and may fail."""
        if not self._facts.config.typing_out or len(self._typing) >= _MAX_TYPING:
            return
        task = asyncio.create_task(self._show_typing(person, conversation_id))
        self._typing.add(task)
        task.add_done_callback(self._typing.discard)

    async def _show_typing(self, person: str, conversation_id: UUID | None) -> None:
        told = normal.typing(self._facts, person, str(uuid4()), self._clock.now())
        body = _encode(normal.within(conversation_id, told))
        with contextlib.suppress(Blocked):
            await self._post(body)

    async def _post(self, body: bytes) -> Answered | Retry | Unknown:
        headers = {normal.SIGNATURE: normal.sign(body, self._secrets.signature_token)}
        return await self._http.post(self._path, body, headers)

    @property
    def _url(self) -> str:
        return self._facts.config.webhook_url

    # -- What comes back ----------------------------------------------------------------------------------------------

    def hook(self, request: HookRequest) -> HookAnswer:
        """Read what a middleware brings without Genesys' API: the same bodies, signed with the integration's token."""
        if request.method != "POST":
            return HookAnswer(405, content_type="text/plain")
        tokens = self._channel.believed("signature_token", self._clock.now())
        if not connector_hook.is_signed(request.body, request.headers.get(normal.SIGNATURE.lower(), ""), tokens):
            return HookAnswer(403, content_type="text/plain")
        try:
            taken = self._read(request.body)
        except ApiError as error:
            return HookAnswer(error.status, _encode(error.answer("")))
        typing = (taken.typing,) if taken.typing is not None else ()
        return HookAnswer(body=_encode(taken.answer), receipts=taken.receipts, inbound=taken.messages, typing=typing)

    def _read(self, body: bytes) -> reading.Taken:
        members = decode(body, dict[str, Any])
        if "status" in members:
            return reading.receipt(decode(body, reading.InboundReceipt), self._facts, body)
        if "buttonResponse" in members:
            return reading.response(decode(body, reading.InboundResponse), self._facts, body)
        if "events" in members:
            return reading.event(decode(body, reading.InboundEvent), self._facts)
        return reading.message(decode(body, reading.InboundMessage), self._facts, body)

    # -- Health -------------------------------------------------------------------------------------------------------

    async def check(self) -> Health:
        """Whether anything answers where the webhooks go."""
        try:
            trouble = await self._http.reach(self._path)
        except Blocked as error:
            words = f"The gateway may not call the webhook: {error}."
            return Health(False, words, fix="Use a public address, or allow inner networks for callbacks.")
        if trouble is None:
            return Health(True, f"The middleware answers at {self._url}.")
        return Health(False, f"{self._url} cannot be reached: {trouble}.", fix="Start the middleware, or mend its URL.")


def capabilities(config: dict[str, Any]) -> Capabilities:
    """What a channel with these settings carries."""
    return normal.capabilities(config)


kind: Final = ChannelKind(
    name=KIND,
    title="Open Messaging integration",
    config=OpenConfig,
    secrets=OpenSecrets,
    make=OpenConnector,
    capabilities=capabilities,
    address=connector.address,
    network=KIND,
)
