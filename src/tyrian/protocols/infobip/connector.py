"""The connector of an `infobip` channel: sends through Infobip's Viber APIs, and hears its reports.

The attempt's own id goes along as `messageId`, which Infobip takes once: a repeat of what it has is answered as a
duplicate, and that is how a send without an answer is cleared up. Reports come to the channel's hook, whose address
goes along with each message.
"""

import base64
import hmac
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

import msgspec
from msgspec import Meta, Struct

from tyrian.domain.content import Base
from tyrian.domain.limits import Capabilities
from tyrian.domain.purpose import Purpose
from tyrian.engine.outbound import Garbage, NotSent
from tyrian.engine.ports import (
    Channel,
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
from tyrian.protocols.infobip import hook, limits, statuses, wire
from tyrian.protocols.infobip.outgoing import to_bot, to_business
from tyrian.protocols.infobip.wire_bot import BotMessage, BotRequest
from tyrian.protocols.infobip.wire_business import BusinessMessage, BusinessRequest

#: The host that every account may use; accounts also have hosts of their own.
BASE_URL: Final = "https://api.infobip.com"
#: The parameter of the hook's URL that holds the token.
TOKEN_PARAMETER: Final = "token"  # noqa: S105 - its name
#: What stands for a secret in an exchange.
_HIDDEN: Final = "***"
#: Contents that may go at the rate of an open session.
_SESSION_CONTENTS: Final = frozenset({"text", "image", "file"})
_PATHS: Final = {"viber": wire.BUSINESS_MESSAGES, "viber_bot": wire.BOT_MESSAGES}
_LOGS: Final = {"viber": wire.BUSINESS_LOGS, "viber_bot": wire.BOT_LOGS}
_LABELS: Final[dict[Purpose, Any]] = {Purpose.PROMOTIONAL: "PROMOTIONAL"}


class InfobipConfig(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The settings of an `infobip` channel. Times in seconds."""

    #: The sender's name or number, or a bot's id, as Infobip knows it.
    sender: Annotated[str, Meta(min_length=1, max_length=255)]
    product: Literal["viber", "viber_bot"] = "viber"
    base_url: Annotated[str, Meta(pattern="^https?://")] = BASE_URL
    #: Whether a tap on a business picture over a button shows the picture instead of following the button.
    full_screen_images: bool = False
    #: Whether business messages show on smartphones only.
    primary_device_only: bool = False
    timeout: Annotated[float, Meta(gt=0, le=120)] = 10.0
    connect_timeout: Annotated[float, Meta(gt=0, le=60)] = 3.0


class InfobipSecrets(Struct, kw_only=True, forbid_unknown_fields=True):
    """The secrets of an `infobip` channel."""

    api_key: Annotated[str, Meta(min_length=1)]
    #: Goes along in the address that reports are to come to, and must come back with them.
    callback_token: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._~-]{8,200}$")] | None = None
    #: `user:password`, if Infobip was told to call with Basic authentication.
    callback_basic: Annotated[str, Meta(pattern="^[^:]+:.+$")] | None = None


class _Heard(Struct, rename="camel"):
    """One destination's outcome, as far as it is relied upon."""

    status: hook.Ids
    message_id: str | None = None


class _Answer(Struct):
    """The answer to a send, of `wire.SendAnswer`."""

    messages: Annotated[list[_Heard], Meta(min_length=1)]


_answer: Final = msgspec.json.Decoder(_Answer)


class InfobipConnector(HttpConnector):
    """One sender's way to Infobip."""

    def __init__(self, channel: Channel, tools: Tools) -> None:
        self._config = config = msgspec.convert(channel.config, InfobipConfig)
        self._secrets = secrets = msgspec.convert(channel.secrets, InfobipSecrets)
        self.capabilities = capabilities(channel.config)
        self._path = _PATHS[config.product]
        self._webhooks = _webhooks(f"{tools.public_url}/hooks/{channel.id}", secrets.callback_token)
        super().__init__(config, tools, {"Authorization": f"App {secrets.api_key}", "Accept": "application/json"})

    # -- Sending ------------------------------------------------------------------------------------------------------

    async def send(self, outgoing: Outgoing) -> SendResult:
        """Send one message to one person."""
        request = self._request(outgoing)
        if request is None:
            kind = outgoing.content.__struct_config__.tag
            error = f"Infobip's {self._config.product} has no content for {kind}"
            return Refused("content_refused", Exchange(request="", error=error))
        answered = await self._http.post(self._path, msgspec.json.encode(request))
        self._redact(answered.exchange)
        return _outcome(answered, str(outgoing.attempt_id)) if isinstance(answered, Answered) else answered

    def _request(self, outgoing: Outgoing) -> BotRequest | BusinessRequest | None:
        validity = wire.ValidityPeriod(amount=max(outgoing.ttl, 1), time_unit="SECONDS")
        if self._config.product == "viber_bot":
            return self._bot_request(outgoing, validity)
        content = to_business(outgoing.content, full_screen=self._config.full_screen_images)
        if content is None:
            return None
        message = BusinessMessage(
            sender=self._config.sender,
            destinations=[_destination(outgoing, outgoing.to.removeprefix("+"))],
            content=content,
            options=self._options(outgoing.content, outgoing.purpose, validity),
            webhooks=self._webhooks,
        )
        return BusinessRequest(messages=[message])

    def _bot_request(self, outgoing: Outgoing, validity: wire.ValidityPeriod) -> BotRequest | None:
        content = to_bot(outgoing.content)
        if content is None:
            return None
        message = BotMessage(
            sender=self._config.sender,
            destinations=[_destination(outgoing, outgoing.to)],
            content=content,
            options=wire.MessageOptions(validity_period=validity),
            webhooks=self._webhooks,
        )
        return BotRequest(messages=[message])

    def _options(self, content: Base, purpose: Purpose, validity: wire.ValidityPeriod) -> wire.MessageOptions:
        kind = str(content.__struct_config__.tag)
        session = purpose is Purpose.SESSION and kind in _SESSION_CONTENTS
        return wire.MessageOptions(
            validity_period=validity,
            # Templates take none, nor do messages for the smartphone alone.
            tracking_data=None if kind == "template" or self._config.primary_device_only else content.tracking_data,
            label=_LABELS.get(purpose, "TRANSACTIONAL"),
            apply_session_rate=session or None,
            to_primary_device_only=self._config.primary_device_only or None,
        )

    def _redact(self, exchange: Exchange | None) -> None:
        token = self._secrets.callback_token
        if exchange is not None and token is not None:
            exchange.request = exchange.request.replace(token, _HIDDEN)
            exchange.response = exchange.response and exchange.response.replace(token, _HIDDEN)

    # -- Health -------------------------------------------------------------------------------------------------------

    async def check(self) -> Health:
        """Whether Infobip takes the API key. It is asked for one line of the log, which changes nothing."""
        base, path = self._config.base_url, f"{_LOGS[self._config.product]}?limit=1"
        try:
            answer = await self._http.open().request("GET", path)
        except (NotSent, Garbage, OSError) as error:
            return Health(False, f"{base} cannot be reached: {str(error) or type(error).__name__}.")
        if answer.status == 401:
            return Health(False, f"{base} answers, but does not take the API key.")
        if answer.status >= 500:
            return Health(False, f"{base} answers with HTTP {answer.status}.")
        # A key may well send without being allowed to read logs (403).
        return Health(True, f"{base} answers and takes the API key.")

    # -- Hook ---------------------------------------------------------------------------------------------------------

    def hook(self, request: HookRequest) -> HookAnswer:
        """Read reports.

        403 for a caller without the secret, 400 for what is no report, 200 for all else, whether or not it means
        something to us.
        """
        if request.method != "POST":
            return _turned_away(405)
        if not self._is_known(request):
            return _turned_away(403)
        try:
            return hook.read(request.body, request.headers.get("content-type", ""), self._config.sender)
        except hook.Unreadable:
            return _turned_away(400)

    def _is_known(self, request: HookRequest) -> bool:
        """Whether the caller has a secret of the channel's, if it has any. Takes the same time whatever is given."""
        secrets = self._secrets
        if secrets.callback_token is None and secrets.callback_basic is None:
            return True
        token = _same(request.query.get(TOKEN_PARAMETER), secrets.callback_token)
        basic = _same(request.headers.get("authorization"), _basic(secrets.callback_basic))
        return token or basic


def capabilities(config: dict[str, Any]) -> Capabilities:
    """What a channel with these settings carries."""
    return limits.BOT if config.get("product") == "viber_bot" else limits.BUSINESS


def _destination(outgoing: Outgoing, to: str) -> wire.Destination:
    return wire.Destination(to=to, message_id=str(outgoing.attempt_id))


def _webhooks(url: str, token: str | None) -> wire.Webhooks:
    address = f"{url}?{urlencode({TOKEN_PARAMETER: token})}" if token else url
    return wire.Webhooks(
        delivery=wire.DeliveryWebhook(url=address, notify=True),
        content_type="application/json",
        seen=wire.SeenWebhook(url=address),
    )


def _outcome(answered: Answered, attempt_id: str) -> SendResult:
    """What an HTTP answer means for the send that it answers."""
    failure = http_failure(answered)
    if failure is not None:
        return _refusal(failure, answered.status)
    try:
        heard = _answer.decode(answered.body).messages[0]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Unknown("provider_garbage", answered.exchange)
    status, ref = heard.status, heard.message_id or attempt_id
    if status.id == statuses.DUPLICATE.id:
        # Nobody else has this id: an earlier try, whose answer was lost, has arrived.
        return Sent(attempt_id, answered.exchange)
    if status.id in _LATER:
        return Retry(_LATER[status.id], exchange=answered.exchange)
    if status.group_id in _TAKEN:
        return Sent(ref, answered.exchange)
    return Refused(statuses.reason_of(status.id, None), answered.exchange)


#: Status groups of a message that was taken: ACCEPTED (0), PENDING, DELIVERED.
_TAKEN: Final = frozenset({0, 1, 3})
#: Rejections that a later try may not meet.
_LATER: Final[dict[int | None, str]] = {20: "throttled", 21: "provider_error"}


def _refusal(failure: SendResult, status: int) -> SendResult:
    """A 400 says that the content is wrong, where the transport does not know."""
    if status == 400 and isinstance(failure, Refused):
        return Refused("content_refused", failure.exchange)
    return failure


def _turned_away(status: int) -> HookAnswer:
    """An answer without happenings and without a hint for whoever made the request up."""
    return HookAnswer(status=status, content_type="text/plain")


def _basic(pair: str | None) -> str | None:
    return None if pair is None else "Basic " + base64.b64encode(pair.encode()).decode()


def _same(given: str | None, expected: str | None) -> bool:
    if expected is None:
        return False
    return hmac.compare_digest((given or "").encode("utf-8", "replace"), expected.encode())
