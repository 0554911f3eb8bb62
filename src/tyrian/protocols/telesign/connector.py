"""The connector of a `telesign` channel: sends through Telesign's Messaging API, and hears its callbacks.

Each attempt is a transaction of one channel: the cascade is this gateway's own business. Telesign knows no idempotency
ids, so a repeat of a send that was taken is a second message; the attempt's id goes along as `external_id`, for people
who look for it at Telesign.
"""

from email.utils import format_datetime
from typing import Annotated, Any, Final, Literal
from uuid import uuid4

import msgspec
from msgspec import Meta, Struct

from tyrian.domain.address import e164
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.domain.problem import Problem
from tyrian.domain.purpose import Purpose
from tyrian.engine.outbound import Answer, Garbage, NotSent
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
from tyrian.engine.transport import Answered, HttpConnector, http_failure
from tyrian.protocols.telesign import codes, hook, limits, signing, wire
from tyrian.protocols.telesign.ids import wall
from tyrian.protocols.telesign.templates import template_of

_TYPES: Final = {
    Purpose.TRANSACTIONAL: "ARN",
    Purpose.SESSION: "ARN",
    Purpose.PROMOTIONAL: "MKT",
    Purpose.OTP: "OTP",
}
#: Codes that say that the same may be taken later.
_LATER: Final = {3204: "throttled", 3205: "throttled", 3500: "provider_error"}
_JSON: Final = "application/json"


class TelesignConfig(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The settings of a `telesign` channel. Times in seconds."""

    #: The customer id of the account with Telesign.
    customer_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    #: Which of Telesign's channels to send through.
    channel: Literal["viber", "sms"] = "viber"
    #: A sender of the account's allow-list.
    sender_id: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    base_url: Annotated[str, Meta(pattern="^https?://")] = wire.BASE_URL
    #: How requests are authenticated: each signed, or with the key itself.
    authentication: Literal["digest", "basic"] = "digest"
    #: Whether each request names this gateway's own address for callbacks. If not, it must be set at Telesign.
    callback_per_request: bool = True
    timeout: Annotated[float, Meta(gt=0, le=120)] = 10.0
    connect_timeout: Annotated[float, Meta(gt=0, le=60)] = 3.0


class TelesignSecrets(Struct, kw_only=True, forbid_unknown_fields=True):
    """The secrets of a `telesign` channel."""

    #: As Telesign shows it: base64 text.
    api_key: Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]+={0,2}$")]

    def __post_init__(self) -> None:
        """Refuse what is no base64."""
        signing.decoded_key(self.api_key)


class _Answer(Struct):
    status: wire.Status
    reference_id: Annotated[str, Meta(min_length=1)] | None = None


_answer: Final = msgspec.json.Decoder(_Answer)


class TelesignConnector(HttpConnector):
    """One account's way to Telesign."""

    def __init__(self, channel: Channel, tools: Tools) -> None:
        self._config = config = msgspec.convert(channel.config, TelesignConfig)
        self._key = msgspec.convert(channel.secrets, TelesignSecrets).api_key
        self.capabilities = limits.capabilities(channel.config)
        self._hook_url = f"{tools.public_url}/hooks/{channel.id}"
        self._name = config.sender_id or channel.name
        super().__init__(config, tools, {"Accept": _JSON})

    # -- Sending ------------------------------------------------------------------------------------------------------

    async def send(self, outgoing: Outgoing) -> SendResult:
        """Send one message to one person."""
        body = self._body(outgoing)
        if body is None:
            kind = outgoing.content.__struct_config__.tag
            error = f"Telesign has no template for {kind} in a {outgoing.purpose.value} message"
            return Refused("content_refused", Exchange(request="", error=error))
        headers = self._proof("POST", wire.SEND_PATH, body)
        answered = await self._http.post(wire.SEND_PATH, body, headers)
        return outcome(answered) if isinstance(answered, Answered) else answered

    def _body(self, outgoing: Outgoing) -> bytes | None:
        config, purpose = self._config, outgoing.purpose
        filled = template_of(outgoing.content, channel=config.channel, session=purpose is Purpose.SESSION)
        if filled is None:
            return None
        channel: dict[str, Any] = {"channel": config.channel}
        if outgoing.ttl <= wire.MAX_FALLBACK:
            channel["fallback_time"] = max(outgoing.ttl, wire.MIN_FALLBACK)
        request: dict[str, Any] = {
            "channels": [channel],
            "recipient": {"phone_number": outgoing.to.removeprefix("+")},
            "message": {config.channel: {"template": filled.template, "parameters": filled.parameters}},
            "message_type": _TYPES[purpose],
            "external_id": str(outgoing.attempt_id),
        }
        if config.sender_id is not None:
            request["sender_id"] = config.sender_id
        if config.callback_per_request:
            request["callback_url"] = self._hook_url
        return msgspec.json.encode(request)

    def _proof(self, method: str, path: str, body: bytes = b"") -> dict[str, str]:
        """The headers that prove a request. Telesign holds the date against the wall's clock."""
        config = self._config
        if config.authentication == "basic":
            return {"Authorization": signing.basic(config.customer_id, self._key)}
        date, nonce = format_datetime(wall(), usegmt=True), str(uuid4())
        signed = signing.Signed(
            method.encode(),
            path.encode(),
            body,
            _JSON.encode(),
            date.encode(),
            b"HMAC-SHA256",
            None,
            nonce.encode(),
        )
        signature = signing.sign(signing.string_to_sign(signed), self._key)
        return {
            "Authorization": f"{signing.SCHEME} {config.customer_id}:{signature}",
            "Date": date,
            "x-ts-auth-method": "HMAC-SHA256",
            "x-ts-nonce": nonce,
        }

    # -- Health -------------------------------------------------------------------------------------------------------

    async def check(self) -> Health:
        """Whether Telesign takes the credentials: it is asked for a message that is none, which changes nothing."""
        base = self._config.base_url
        path = f"{wire.SEND_PATH}/{'0' * 32}"
        try:
            answer = await self._http.open().request("GET", path, headers=self._proof("GET", path))
        except (NotSent, Garbage, OSError) as error:
            return Health(False, f"{base} cannot be reached: {str(error) or type(error).__name__}.")
        return _health(base, answer)

    # -- Hook ---------------------------------------------------------------------------------------------------------

    def hook(self, request: HookRequest) -> HookAnswer:
        """Read a callback, once its signature is verified.

        403 for a forged one, 400 for what is no callback, 200 for all else, whether or not it means something to us.
        """
        if request.method not in ("POST", "GET"):
            return _turned_away(405)
        given = (request.headers.get("authorization"), request.headers.get("x-ts-authorization"))
        if not signing.is_callback(request.body, self._key, *given):
            return _turned_away(403)
        try:
            return hook.read(request.body, self._config.channel, self._name)
        except hook.Unreadable:
            return _turned_away(400)


def outcome(answered: Answered) -> SendResult:
    """What an answer means for the send. The code in the body decides, not the HTTP status."""
    exchange = answered.exchange
    try:
        answer = _answer.decode(answered.body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return http_failure(answered) or Unknown("provider_garbage", exchange)
    code = answer.status.code
    if code in _LATER:
        return Retry(_LATER[code], answered.retry_after, exchange)
    word = codes.MEANING.get(code)
    taken = 200 <= answered.status < 300
    if taken and answer.reference_id is not None and (word is None or word.kind is not ReceiptKind.FAILED):
        return Sent(answer.reference_id, exchange)
    if word is not None and word.kind is ReceiptKind.FAILED:
        return Refused(word.reason or "provider_error", exchange)
    return http_failure(answered) or Unknown("provider_garbage", exchange)


def _health(base: str, answer: Answer) -> Health:
    if answer.status == 401:
        return Health(False, f"{base} answers, but does not take the credentials.")
    if answer.status >= 500:
        return Health(False, f"{base} answers with HTTP {answer.status}.")
    return Health(True, f"{base} answers and takes the credentials.")


def _turned_away(status: int) -> HookAnswer:
    return HookAnswer(status=status, content_type="text/plain")


# -- The kind ---------------------------------------------------------------------------------------------------------


def address(text: str, pointer: str) -> str | Problem:
    """A phone number in E.164 form, with its plus."""
    number = e164(text)
    if number is None:
        return Problem(pointer, "must be a phone number with its country code, such as +385991234567")
    return number


def _make(channel: Channel, tools: Tools) -> TelesignConnector:
    return TelesignConnector(channel, tools)


def _network(config: dict[str, Any]) -> str:
    return str(config.get("channel", "viber"))


def _sender(config: dict[str, Any]) -> str:
    return str(config.get("sender_id") or "")


kind: Final = ChannelKind(
    name="telesign",
    title="Viber or SMS through Telesign",
    config=TelesignConfig,
    secrets=TelesignSecrets,
    make=_make,
    capabilities=limits.capabilities,
    address=address,
    network=_network,
    sender=_sender,
)
