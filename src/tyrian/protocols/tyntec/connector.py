"""The connector of a `tyntec` channel: a Viber service id or an SMS sender at tyntec's Conversations API.

tyntec takes no id of ours that would make a repeat recognisable. The attempt's id goes along as `context`, which comes
back in callbacks for whoever reads an exchange.
"""

import hmac
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from tyrian.domain import content as neutral
from tyrian.domain.address import e164
from tyrian.domain.content import Base
from tyrian.domain.problem import Problem
from tyrian.engine.outbound import Garbage, NotSent
from tyrian.engine.ports import (
    Channel,
    Connector,
    Exchange,
    Health,
    HookAnswer,
    HookRequest,
    Inbound,
    Outgoing,
    Receipt,
    Refused,
    SendResult,
    Sent,
    Tools,
    Unknown,
)
from tyrian.engine.transport import Answered, HttpConnector, http_failure
from tyrian.protocols.tyntec import content as contents, statuses, wire, wire_account
from tyrian.protocols.tyntec.limits import CAPABILITIES, MAX_URL, RATE_OF, SMS
from tyrian.protocols.tyntec.reports import signature
from tyrian.protocols.tyntec.times import parse

_encode: Final = msgspec.json.Encoder().encode
_callback: Final = msgspec.json.Decoder(wire.AnyCallback)
#: The member that a refusal is about -> why.
_FIELDS: Final = {
    "validate.request.to": "invalid_recipient",
    "validate.request.from": "sender_not_found",
}
#: tyntec's kinds of media -> the neutral content.
_MEDIA: Final = {"image": "image", "video": "video", "audio": "audio", "voice": "audio"}


class TyntecConfig(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The settings of a `tyntec` channel. Times in seconds."""

    #: The Viber service id, or the SMS sender.
    sender: Annotated[str, Meta(min_length=1, max_length=64)]
    channel: Literal["viber", "sms"] = "viber"
    base_url: Annotated[str, Meta(pattern="^https?://")] = wire.BASE_URL
    #: Whether each message names this gateway as the place for its status callbacks.
    override_callbacks: bool = False
    #: How callbacks are signed.
    signature_method: Literal["HS256", "HS512"] = "HS256"
    timeout: Annotated[float, Meta(gt=0, le=120)] = 10.0
    connect_timeout: Annotated[float, Meta(gt=0, le=60)] = 3.0


class TyntecSecrets(Struct, kw_only=True, forbid_unknown_fields=True):
    """The secrets of a `tyntec` channel."""

    api_key: Annotated[str, Meta(min_length=1)]
    #: Signs callbacks, as set in the account's callback configuration at tyntec. Without it none is verified.
    signature_secret: Annotated[str, Meta(min_length=8, max_length=125)] | None = None


class TyntecConnector(HttpConnector):
    """One sender's way to tyntec."""

    def __init__(self, channel: Channel, tools: Tools) -> None:
        self._config = config = msgspec.convert(channel.config, TyntecConfig)
        secrets = msgspec.convert(channel.secrets, TyntecSecrets)
        self.capabilities = SMS if config.channel == "sms" else CAPABILITIES
        self._signature_secret = secrets.signature_secret
        self.hook_url = f"{tools.public_url}/hooks/{channel.id}"
        self._overrides = wire.Overrides(self.hook_url) if config.override_callbacks else None
        super().__init__(config, tools, {wire.API_KEY: secrets.api_key, "Accept": "application/json"})

    # -- Sending ------------------------------------------------------------------------------------------------------

    async def send(self, outgoing: Outgoing) -> SendResult:
        """Send one message to one number."""
        try:
            content = contents.write(outgoing.content)
        except ValueError as error:
            return Refused("content_refused", Exchange("", error=str(error)))
        request = wire.SendRequest(
            to=outgoing.to.removeprefix("+"),
            sender=self._config.sender,
            channel=self._config.channel,
            rate_type=RATE_OF[outgoing.purpose] if self._config.channel == "viber" else None,
            content=content,
            context=str(outgoing.attempt_id),
            overrides=self._overrides,
        )
        answered = await self._http.post(wire.MESSAGES, _encode(request))
        return _outcome(answered) if isinstance(answered, Answered) else answered

    # -- Callbacks ----------------------------------------------------------------------------------------------------

    def hook(self, request: HookRequest) -> HookAnswer:
        """Read a callback. 403 for one that is not tyntec's, 400 for what is none, 200 for all else."""
        if request.method != "POST":
            return HookAnswer(405)
        if self._signature_secret is not None and not self._is_signed(request, self._signature_secret):
            return HookAnswer(403)
        try:
            callback = _callback.decode(request.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return HookAnswer(400)
        raw = request.body.decode("utf-8", "replace")
        if callback.event in statuses.RECEIPTS and callback.message_id:
            return HookAnswer(receipts=[_receipt(callback, raw)])
        person = e164((callback.sender or "").removeprefix("+"))
        if callback.event.startswith("MoMessage") and callback.message_id and person:
            return HookAnswer(inbound=[self._inbound(callback, person, raw)])
        return HookAnswer()

    def _is_signed(self, request: HookRequest, secret: str) -> bool:
        """Whether the headers hold the body's signature. Takes the same time whatever they hold."""
        at = request.headers.get(wire.SIGNATURE_TIME, "")
        expected = signature(request.body, at, secret, self._config.signature_method)
        given = request.headers.get(wire.SIGNATURE, "")
        # Padding may be left out: whether tyntec keeps it is not documented.
        return hmac.compare_digest(expected.rstrip("=").encode(), given.rstrip("=").encode("utf-8", "replace"))

    def _inbound(self, callback: wire.AnyCallback, person: str, raw: str) -> Inbound:
        return Inbound(
            sender=person,
            to=callback.to or self._config.sender,
            content=_said(callback.content if isinstance(callback.content, dict) else {}),
            provider_id=callback.message_id,
            at=parse(callback.received_at or callback.timestamp),
            raw=raw,
        )

    # -- Health -------------------------------------------------------------------------------------------------------

    async def check(self) -> Health:
        """Whether tyntec knows the key and the sender."""
        base, sender = self._config.base_url, self._config.sender
        answered = await self._ask("GET", self._channel_path, None)
        if isinstance(answered, str):
            return Health(False, f"{base} cannot be reached: {answered}.")
        if answered.status in (401, 403):
            return Health(False, f"{base} refuses the key: {_words(answered)}.")
        if answered.status == 404 and self._config.channel == "viber":
            return Health(False, f"{base} knows no service id {sender} in this key's account.")
        return Health(answered.status < 400, f"{base} answers {answered.status} to the question after {sender}.")

    async def provision(self) -> Health:
        """Names this gateway as the place for the service id's callbacks."""
        if self._config.channel != "viber":
            return Health(True, "Set the account's callbacks at tyntec to this channel's hook: an SMS sender has none.")
        body = _encode(
            wire_account.ServiceCallbackConfig(
                inbound_message_url=self.hook_url, message_status_url=self.hook_url, event_filter=[]
            )
        )
        answered = await self._ask("PUT", f"{self._channel_path}/callbacks", body)
        if isinstance(answered, str):
            return Health(False, f"{self._config.base_url} cannot be reached: {answered}.")
        if answered.status >= 300:
            return Health(False, f"tyntec refused the callbacks of {self._config.sender}: {_words(answered)}.")
        return Health(True, f"tyntec brings callbacks of {self._config.sender} to {self.hook_url}.")

    @property
    def _channel_path(self) -> str:
        base = f"{wire.V3}/configurations/channels"
        return f"{base}/viber/service-ids/{self._config.sender}" if self._config.channel == "viber" else f"{base}/sms"

    async def _ask(self, method: str, path: str, body: bytes | None) -> Any:
        """An answer, or in words why there is none."""
        try:
            return await self._http.open().request(method, path, body or b"")
        except (NotSent, Garbage, OSError) as error:
            return str(error) or type(error).__name__


async def provision(connector: Connector) -> Health:
    """Sets up at tyntec what the channel needs there."""
    assert isinstance(connector, TyntecConnector)
    return await connector.provision()


def address(text: str, pointer: str) -> str | Problem:
    """A phone number in E.164 form, with its plus; over the wire go its digits alone."""
    number = e164(text)
    if number is None:
        return Problem(pointer, "must be a phone number with its country code, such as +385991234567")
    return number


# -- Reading answers --------------------------------------------------------------------------------------------------


def _outcome(answered: Answered) -> SendResult:
    failure = http_failure(answered)
    if isinstance(failure, Refused):
        failure.reason = _refusal(answered, failure.reason)
    if failure is not None:
        return failure
    try:
        return Sent(msgspec.json.decode(answered.body, type=wire.LegacySendAnswer).message_id, answered.exchange)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Unknown("provider_garbage", answered.exchange)


def _refusal(answered: Answered, otherwise: str) -> str:
    """Why a request was refused, as its problem says."""
    try:
        problem = msgspec.json.decode(answered.body, type=wire.Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return otherwise
    # The service's own 403 is about the sender; the one of the gateway before it, about the key, is no problem.
    if answered.status == 403 and problem.title is not None:
        return "sender_not_found"
    if answered.status == 400:
        named = [v.field for v in problem.violations or ()]
        return next((_FIELDS[field] for field in named if field in _FIELDS), "content_refused")
    return otherwise


def _words(answered: Any) -> str:
    return f"{answered.status} {answered.body[:200].decode('utf-8', 'replace')}"


def _receipt(callback: wire.AnyCallback, raw: str) -> Receipt:
    kind = statuses.RECEIPTS[callback.event]
    reason = None
    if kind.value == "failed":
        details = callback.details if isinstance(callback.details, dict) else {}
        unknown = callback.event.endswith("unknown")
        reason = "no_answer" if unknown else statuses.reason_of(details.get("code"))
    person = e164((callback.sender or "").removeprefix("+"))
    return Receipt(callback.message_id, kind, reason, parse(callback.timestamp), raw, person)


def _said(content: dict[str, Any]) -> Base:
    """What a person wrote, in the neutral form."""
    text = content.get("text")
    if isinstance(text, str) and text:
        return neutral.Text(text=text)
    media = content.get("media")
    # The Microsoft connector's model has a file as a plain URL.
    url, about = (media.get("url"), media) if isinstance(media, dict) else (content.get("file"), {})
    if not isinstance(url, str) or not 0 < len(url) <= MAX_URL:
        return neutral.Text(text="(empty message)")
    return _media(url, _MEDIA.get(str(about.get("type")), "file"), about.get("caption"))


def _media(url: str, kind: str, caption: object) -> Base:
    words = caption if isinstance(caption, str) and caption else None
    if kind == "image":
        return neutral.Image(url=url, text=words)
    if kind == "video":
        return neutral.Video(url=url, text=words)
    if kind == "audio":
        return neutral.Audio(url=url, name=words)
    return neutral.File(url=url, name=(words or "file")[:256])
