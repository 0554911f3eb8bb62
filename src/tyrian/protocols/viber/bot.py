"""The connector of a Viber bot: sends over the REST Bot API, reads its callbacks, keeps its webhook.

People are reached by the id that Viber gives them with this bot. Viber has no idempotency id here, so a send without
an answer stays unknown, and the channel's policy decides about a repeat.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_network
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from tyrian.domain.codes import has_data
from tyrian.domain.content import Base, Content, KeyboardOnly
from tyrian.domain.keyboard import Button, Keyboard, Url
from tyrian.domain.limits import check as content_problems
from tyrian.domain.purpose import Purpose
from tyrian.engine.ports import (
    Channel,
    Exchange,
    Health,
    HookAnswer,
    HookRequest,
    Outgoing,
    Refused,
    SendResult,
    Sent,
    Tools,
    Unknown,
)
from tyrian.engine.transport import Answered, HttpConnector, http_failure
from tyrian.protocols.viber import bot_wire as wire, limits, statuses
from tyrian.protocols.viber.bot_callbacks import broadcast_ref, read
from tyrian.protocols.viber.bot_content import to_wire
from tyrian.protocols.viber.handshake import FIXES, why
from tyrian.protocols.viber.hooks import is_from, is_signed, refused

A = TypeVar("A", bound=wire.Answer)

#: A bot's display name has at most this many characters.
_NAME_LENGTH: Final = 28
_send_answer: Final = msgspec.json.Decoder(wire.SendAnswer)


class BotConfig(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The settings of a `viber_bot` channel. Times in seconds."""

    base_url: Annotated[str, Meta(pattern="^https?://")] = wire.BASE_URL
    #: The name over each message; left out, the channel's own name.
    sender_name: Annotated[str, Meta(min_length=1, max_length=_NAME_LENGTH)] | None = None
    sender_avatar: Url | None = None
    #: What the webhook asks for; `message`, `subscribed` and `unsubscribed` come in any case.
    events: list[str] = msgspec.field(default_factory=lambda: list(wire.EVENT_TYPES))
    #: Whether callbacks carry people's names and photos.
    send_name: bool = True
    send_photo: bool = False
    #: The answer to a person who opens the chat for the first time.
    welcome: Content | None = None
    #: Standing buttons under every message, after its own.
    default_buttons: list[Button] = []
    #: The answer to a button of no use any more; left out, a sentence in the person's language, and empty for none.
    stale_button_text: Annotated[str, Meta(max_length=limits.BOT_TEXT)] | None = None
    #: Whether files that people send are kept here: Viber's own links to them end after an hour.
    rehost_media: bool = True
    #: Whether receipts are also reported per receiver, as `broadcast` needs it.
    broadcasts: bool = False
    #: Networks that callbacks may come from, such as `203.0.113.0/24`; empty for anywhere.
    callback_networks: list[str] = []
    #: What Viber is told to call, where that is not the channel's own hook: something that passes callbacks on to it.
    webhook_url: Url | None = None
    timeout: Annotated[float, Meta(gt=0, le=120)] = 10.0
    connect_timeout: Annotated[float, Meta(gt=0, le=60)] = 3.0

    def __post_init__(self) -> None:
        """Refuse networks that are none, buttons that Viber does not take, and codes that could be bound to nobody."""
        for network in self.callback_networks:
            ip_network(network)
        if self.welcome is not None and has_data(self.welcome):
            raise ValueError("welcome must have no buttons with data: nobody knows to whom it goes")
        standing = KeyboardOnly(keyboard=Keyboard(default_buttons=self.default_buttons))
        if self.default_buttons and (wrong := content_problems(standing, Purpose.SESSION, limits.BOT)):
            raise ValueError(f"{wrong[0].pointer.removeprefix('/keyboard/')} {wrong[0].message}")


class BotSecrets(Struct, kw_only=True, forbid_unknown_fields=True):
    """The secrets of a `viber_bot` channel: the token from the bot's admin panel, which also signs its callbacks.

    `signing_secret` is what signs them in its place, where something in between signs them anew.
    """

    token: Annotated[str, Meta(min_length=1)]
    signing_secret: Annotated[str, Meta(min_length=1)] | None = None


class BotError(Exception):
    """A question to Viber that got no usable answer, in words for people. `status` is Viber's own, if it answered."""

    def __init__(self, words: str, status: int | None = None, said: str | None = None) -> None:
        super().__init__(words)
        self.status = status
        self.said = said


@dataclass(slots=True)
class Broadcast:
    """What a broadcast came to. `failed` maps a receiver to the reason word; `refs` name the others' receipts."""

    result: SendResult
    failed: dict[str, str] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)


class BotConnector(HttpConnector):
    """One bot's way to Viber."""

    def __init__(self, channel: Channel, tools: Tools) -> None:
        self.capabilities = limits.BOT
        self._config = config = msgspec.convert(channel.config, BotConfig)
        self._token = msgspec.convert(channel.secrets, BotSecrets).token
        self._channel = channel
        self._clock = tools.clock
        self._networks = tuple(ip_network(network) for network in config.callback_networks)
        #: Why the last callback was refused, for whoever wonders why the webhook cannot be set.
        self._turned_away: tuple[str, datetime] | None = None
        self._name = channel.name
        self._sender = wire.Sender(name=config.sender_name or channel.name[:_NAME_LENGTH], avatar=config.sender_avatar)
        self._welcome = wire.encode(to_wire(config.welcome, sender=self._sender)) if config.welcome else b""
        self.hook_url = config.webhook_url or f"{tools.public_url}/hooks/{channel.id}"
        self._signed_with = "signing_secret" if channel.secrets.get("signing_secret") else "token"
        super().__init__(config, tools, {wire.AUTH_HEADER: self._token})

    # -- Sending ------------------------------------------------------------------------------------------------------

    async def send(self, outgoing: Outgoing) -> SendResult:
        """Send one message to one subscriber."""
        body = wire.encode(to_wire(outgoing.content, outgoing.to, self._sender))
        if len(body) > wire.MAX_BODY:
            return _too_large(body)
        answered = await self._http.post(wire.SEND_MESSAGE, body)
        if not isinstance(answered, Answered):
            return answered
        return _outcome(answered)[0]

    async def broadcast(self, receivers: Sequence[str], content: Base) -> Broadcast:
        """Send one message to at most 300 subscribers in one request. ValueError for none, or for too many."""
        if not 1 <= len(receivers) <= wire.MAX_BROADCAST:
            raise ValueError(f"a broadcast takes 1 to {wire.MAX_BROADCAST} receivers, got {len(receivers)}")
        message = to_wire(content, sender=self._sender)
        message.broadcast_list = list(receivers)
        body = wire.encode(message)
        if len(body) > wire.MAX_BODY:
            return Broadcast(_too_large(body))
        answered = await self._http.post(wire.BROADCAST_MESSAGE, body)
        if not isinstance(answered, Answered):
            return Broadcast(answered)
        result, answer = _outcome(answered)
        return _per_receiver(result, answer, receivers)

    # -- Questions ----------------------------------------------------------------------------------------------------

    async def account_info(self) -> wire.AccountInfo:
        """The bot's own account. BotError if Viber does not tell."""
        return await self._ask(wire.GET_ACCOUNT_INFO, b"{}", wire.AccountInfo)

    async def user_details(self, user: str) -> wire.User:
        """What Viber tells of one subscriber, at most twice in 12 hours. BotError if it does not."""
        body = wire.encode(wire.GetUserDetails(id=user))
        answer = await self._ask(wire.GET_USER_DETAILS, body, wire.UserDetailsAnswer)
        if answer.user is None:
            raise BotError("Viber's answer says nothing of the user")
        return answer.user

    async def online(self, users: Sequence[str]) -> list[wire.OnlineUser]:
        """The online states of 1 to 100 subscribers. ValueError for another number, BotError if Viber does not tell."""
        if not 1 <= len(users) <= wire.MAX_ONLINE:
            raise ValueError(f"online states can be asked for 1 to {wire.MAX_ONLINE} users, got {len(users)}")
        body = wire.encode(wire.GetOnline(ids=list(users)))
        return (await self._ask(wire.GET_ONLINE, body, wire.OnlineAnswer)).users or []

    async def set_webhook(self, url: str) -> wire.WebhookAnswer:
        """Have Viber call this URL. It calls it once before it answers, and refuses if that call fails (BotError)."""
        config = self._config
        request = wire.SetWebhook(
            url=url, event_types=config.events, send_name=config.send_name, send_photo=config.send_photo
        )
        return await self._ask(wire.SET_WEBHOOK, wire.encode(request), wire.WebhookAnswer)

    async def remove_webhook(self) -> None:
        """Have Viber call nobody; the bot can then neither send nor receive. BotError if Viber refuses."""
        await self._ask(wire.SET_WEBHOOK, wire.encode(wire.SetWebhook(url="")), wire.WebhookAnswer)

    async def _ask(self, path: str, body: bytes, kind: type[A]) -> A:
        answered = await self._http.post(path, body)
        if not isinstance(answered, Answered):
            error = answered.exchange.error if answered.exchange else answered.reason
            raise BotError(f"no answer from {self._http.url(path)}: {error}")
        try:
            answer = msgspec.json.decode(answered.body, type=kind)
        except msgspec.MsgspecError:
            raise BotError(
                f"{self._http.url(path)} answered with HTTP {answered.status} and no JSON of Viber's"
            ) from None
        if answer.status != statuses.OK:
            raise BotError(_in_words(answer), answer.status, answer.status_message)
        return answer

    # -- Health -------------------------------------------------------------------------------------------------------

    async def check(self) -> Health:
        """Whether the token works and the webhook is ours."""
        welcome = self._config.welcome
        if welcome is not None and (wrong := content_problems(welcome, Purpose.SESSION, limits.BOT, "/welcome")):
            return Health(False, f"The welcome message cannot be sent: {wrong[0].pointer} {wrong[0].message}.")
        try:
            info = await self.account_info()
        except BotError as error:
            return Health(False, f"The bot's account cannot be read: {error}.")
        bot = f'The token belongs to the bot "{info.name or info.uri or info.id}"'
        if not info.webhook:
            return Health(False, f"{bot}, but no webhook is set, and Viber sends nothing until it is {self.hook_url}.")
        if info.webhook != self.hook_url:
            return Health(False, f"{bot}, but its webhook is {info.webhook} instead of {self.hook_url}.")
        return Health(True, f"{bot}, and its webhook is {self.hook_url}.")

    async def provision(self) -> Health:
        """Set the webhook to this gateway, and say how that went."""
        began = self._clock.now()
        try:
            answer = await self.set_webhook(self.hook_url)
        except BotError as error:
            turned = self._turned_away[0] if self._turned_away and self._turned_away[1] >= began else None
            reason = why(self.hook_url, error.status, error.said, turned)
            return Health(False, f"The webhook {self.hook_url} could not be set: {error}.", reason, FIXES[reason])
        events = ", ".join(answer.event_types or self._config.events)
        return Health(True, f"Viber has called {self.hook_url} and will send: {events}.")

    # -- Callbacks ----------------------------------------------------------------------------------------------------

    def hook(self, request: HookRequest) -> HookAnswer:
        """Verify and read a callback.

        403 for a wrong signature or an address that is not on the list, 400 for signed bytes that are no callback of
        Viber's (it repeats those for an hour at most), 200 for all else, whether or not it means something to us.
        """
        if request.method != "POST":
            return refused(405)
        now = self._clock.now()
        if self._networks and not is_from(request.remote, self._networks):
            self._turned_away = ("address_not_allowed", now)
            return refused(403)
        if not is_signed(request, *self._channel.believed(self._signed_with, now)):
            self._turned_away = ("wrong_signature", now)
            return refused(403)
        return read(request.body, to=self._name, welcome=self._welcome, per_receiver=self._config.broadcasts)


def _outcome(answered: Answered) -> tuple[SendResult, wire.SendAnswer | None]:
    """What an HTTP answer means for the send that it answers."""
    failure = http_failure(answered)
    if failure is not None:
        return failure, None
    try:
        answer = _send_answer.decode(answered.body)
    except msgspec.MsgspecError:
        return Unknown("provider_garbage", answered.exchange), None
    if answer.status != statuses.OK:
        return statuses.verdict(answer.status, statuses.BOT, answered.exchange), answer
    token = answer.message_token
    return Sent(None if token is None else str(token), answered.exchange), answer


def _per_receiver(result: SendResult, answer: wire.SendAnswer | None, receivers: Sequence[str]) -> Broadcast:
    if not isinstance(result, Sent) or answer is None:
        return Broadcast(result)
    failed = {f.receiver: statuses.BOT.get(f.status, statuses.GENERAL_ERROR).reason for f in answer.failed_list or ()}
    reached = [r for r in receivers if r not in failed] if result.ref is not None else []
    return Broadcast(result, failed, {r: broadcast_ref(str(result.ref), r) for r in reached})


def _too_large(body: bytes) -> SendResult:
    error = f"not sent: {len(body)} bytes, and the Bot API takes at most {wire.MAX_BODY}"
    return Refused("content_refused", Exchange(request=body.decode(), error=error))


def _in_words(answer: wire.Answer) -> str:
    said = f": {answer.status_message}" if answer.status_message else ""
    return f"Viber answered with status {answer.status}{said}"


def make(channel: Channel, tools: Tools) -> BotConnector:
    """The connector of a `viber_bot` channel."""
    return BotConnector(channel, tools)


async def provision(connector: Any) -> Health:
    """Set the webhook of a bot that was created or changed."""
    return await connector.provision() if isinstance(connector, BotConnector) else Health(True, "Nothing to set up.")
