"""The connector of a Viber Business service id: the native partner interface.

People are reached by phone number. There is no token: Viber knows the partner by the address that it calls from, and
the sender by its service id. Each request carries the attempt's own number (`seq`), so that a repeat is recognisable.
"""

from datetime import datetime
from ipaddress import ip_network
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.ports import (
    Channel,
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
    Subscription,
    Tools,
    Unknown,
)
from tyrian.engine.transport import Answered, HttpConnector, http_failure
from tyrian.protocols.viber import business_wire as wire, limits, statuses
from tyrian.protocols.viber.business_content import LABELS, Style, fill, from_wire, type_for
from tyrian.protocols.viber.business_wire import MessageStatus
from tyrian.protocols.viber.hooks import digest, is_from, is_signed, moment, refused, storable

_send_answer: Final = msgspec.json.Decoder(wire.SendAnswer)
_callback: Final = msgspec.json.Decoder(wire.Callback)

#: Any JSON reader can hold integers up to here.
_SEQ_MASK: Final = 2**53 - 1

RECEIPTS: Final[dict[int, tuple[ReceiptKind, str | None]]] = {
    MessageStatus.DELIVERED: (ReceiptKind.DELIVERED, None),
    MessageStatus.SEEN: (ReceiptKind.SEEN, None),
    MessageStatus.EXPIRED: (ReceiptKind.EXPIRED, "network_expired"),
}
SUBSCRIPTIONS: Final[dict[int, bool]] = {MessageStatus.SUBSCRIBED: True, MessageStatus.UNSUBSCRIBED: False}


class BusinessConfig(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The settings of a `viber_business` channel. Times in seconds."""

    service_id: Annotated[int, Meta(ge=1, le=2**53)]
    base_url: Annotated[str, Meta(pattern="^https?://")] = wire.BASE_URL
    #: Whether messages show on desktops and tablets too, or on the smartphone alone.
    all_devices: bool = True
    #: Whether people may answer (a two-way account).
    reply_allowed: bool = True
    #: Whether transactional and OTP messages may be free text, which Viber takes as a legacy type where it still does.
    #: Approved templates are compulsory since 1 July 2026.
    free_text_transactional: bool = True
    #: Whether a tap on a picture over a button shows the picture instead of following the button.
    full_screen_images: bool = False
    list_style: Literal["buttons", "radio"] = "buttons"
    #: A word for Viber's own reports.
    tag: str | None = None
    #: Whether files that people send are kept here: their links are then the gateway's own.
    rehost_media: bool = False
    #: Networks that callbacks may come from, such as `203.0.113.0/24`; empty for anywhere.
    callback_networks: list[str] = []
    timeout: Annotated[float, Meta(gt=0, le=120)] = 10.0
    connect_timeout: Annotated[float, Meta(gt=0, le=60)] = 3.0

    def __post_init__(self) -> None:
        """Refuse networks that are none."""
        for network in self.callback_networks:
            ip_network(network)


class BusinessSecrets(Struct, kw_only=True, forbid_unknown_fields=True):
    """The secrets of a `viber_business` channel; the native interface needs none."""

    #: Callbacks must be signed with this key as a bot's are, where that was agreed with whoever sends them.
    callback_secret: Annotated[str, Meta(min_length=1)] | None = None
    #: Sent as the `Authorization` header, where a proxy or simulator stands in for Viber.
    authorization: Annotated[str, Meta(min_length=1)] | None = None


class BusinessConnector(HttpConnector):
    """One service id's way to Viber."""

    def __init__(self, channel: Channel, tools: Tools) -> None:
        self._config = config = msgspec.convert(channel.config, BusinessConfig)
        secrets = msgspec.convert(channel.secrets, BusinessSecrets)
        self.capabilities = limits.business(config.free_text_transactional)
        self._signed = secrets.callback_secret is not None
        self._channel = channel
        self._clock = tools.clock
        self._networks = tuple(ip_network(network) for network in config.callback_networks)
        self._style = Style(
            all_devices=config.all_devices,
            replies=config.reply_allowed,
            full_screen_images=config.full_screen_images,
            list_ui=wire.SURVEY_BUTTONS if config.list_style == "buttons" else wire.SURVEY_RADIO,
        )
        super().__init__(config, tools, {"Authorization": secrets.authorization} if secrets.authorization else {})

    # -- Sending ------------------------------------------------------------------------------------------------------

    async def send(self, outgoing: Outgoing) -> SendResult:
        """Send one message to one number."""
        request = self._request(outgoing)
        if request is None:
            shape = f"no Viber type carries this content for a {outgoing.purpose.value} message"
            return Refused("content_refused", Exchange(request="", error=shape))
        answered = await self._http.post(wire.SEND_PATH, wire.encode(request))
        return _outcome(answered, outgoing.resent) if isinstance(answered, Answered) else answered

    def _request(self, outgoing: Outgoing) -> wire.SendMessage | None:
        chosen = type_for(outgoing.content, outgoing.purpose, self._style)
        if chosen is None:
            return None
        request = wire.SendMessage(
            service_id=self._config.service_id,
            dest=outgoing.to.removeprefix("+"),
            seq=seq_of(outgoing.attempt_id),
            type=chosen,
            label=LABELS[outgoing.purpose],
            tag=self._config.tag,
            ttl=min(max(outgoing.ttl, wire.MIN_TTL), wire.MAX_TTL),
        )
        fill(request, outgoing.content, self._style, tracking=str(outgoing.attempt_id))
        return request

    # -- Health -------------------------------------------------------------------------------------------------------

    async def check(self) -> Health:
        """Whether anything answers at Viber's address. Viber has no question that could be asked without sending."""
        trouble = await self._http.reach()
        base, service = self._config.base_url, self._config.service_id
        if trouble:
            return Health(False, f"{base} cannot be reached: {trouble}.")
        return Health(
            True,
            f"{base} answers. Whether service id {service} may send from this machine's address, "
            "Viber says only to the first message.",
        )

    # -- Callbacks ----------------------------------------------------------------------------------------------------

    def hook(self, request: HookRequest) -> HookAnswer:
        """Read a callback, once its address and signature are verified (where the channel's settings ask for either).

        403 for a forged one, 400 for what is no callback, 200 for all else, whether or not it means something to us.
        """
        if request.method != "POST":
            return refused(405)
        if self._networks and not is_from(request.remote, self._networks):
            return refused(403)
        if self._signed and not is_signed(request, *self._channel.believed("callback_secret", self._clock.now())):
            return refused(403)
        try:
            callback = _callback.decode(request.body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return refused(400)
        return self._read(callback, request.body)

    def _read(self, callback: wire.Callback, body: bytes) -> HookAnswer:
        raw = body.decode("utf-8", "replace")
        at = moment(callback.message_time or callback.time)
        person = _person(callback.phone_number)
        if callback.message_status in RECEIPTS:
            return _receipt(callback, at, raw)
        if callback.message_status in SUBSCRIPTIONS and person:
            allowed = SUBSCRIPTIONS[callback.message_status]
            return HookAnswer(subscriptions=[Subscription(person, allowed, at, raw)])
        if callback.message is not None and callback.message_status is None and person:
            token = callback.message_token
            inbound = Inbound(
                sender=person,
                to=str(self._config.service_id),
                content=from_wire(callback.message),
                provider_id=digest(body) if token is None else storable(str(token)),
                at=at,
                raw=raw,
            )
            return HookAnswer(inbound=[inbound])
        return HookAnswer()


def seq_of(attempt_id: UUID) -> int:
    """The number of an attempt: the same for each try of it, so that Viber can tell a repeat."""
    return attempt_id.int & _SEQ_MASK


def _outcome(answered: Answered, resent: bool) -> SendResult:
    failure = http_failure(answered)
    if failure is not None:
        return failure
    try:
        answer = _send_answer.decode(answered.body)
    except msgspec.MsgspecError:
        return Unknown("provider_garbage", answered.exchange)
    token = None if answer.message_token is None else str(answer.message_token)
    # To a repeat of what may have gone out before, "already sent" is the proof that it did.
    if answer.status == statuses.OK or (answer.status == statuses.ALREADY_SENT and resent):
        return Sent(token, answered.exchange)
    return statuses.verdict(answer.status, statuses.BUSINESS, answered.exchange)


def _receipt(callback: wire.Callback, at: datetime | None, raw: str) -> HookAnswer:
    if callback.message_token is None or callback.message_status is None:
        return refused(400)
    kind, reason = RECEIPTS[callback.message_status]
    token = storable(str(callback.message_token))
    return HookAnswer(receipts=[Receipt(token, kind, reason, at, raw, _person(callback.phone_number))])


def _person(number: str | None) -> str | None:
    """A callback's phone number with its plus; None for what is no number."""
    digits = (number or "").removeprefix("+")
    return f"+{digits}" if digits.isascii() and digits.isdigit() else None
