"""The Bot API's endpoints (Viber Bot API documentation 7.3.0).

Every answer is HTTP 200; the truth is in `status`. Requests are checked in the order: body, token, account, webhook,
mandatory members, other members, receiver, subscription, device, rate, allowance.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import msgspec

from tyrian.protocols.viber.bot_wire import MAX_BODY, MAX_BROADCAST, MAX_ONLINE
from tyrian.simulator.answers import Outcome
from tyrian.simulator.behaviour import TAKEN, Answer, Behaviour, Kind, Network, Step
from tyrian.simulator.bot_checks import BAD_DATA, MISSING_DATA, Fault, check, phone_fault
from tyrian.simulator.bot_events import CHAT_HOSTNAME, BotEvents, name_of
from tyrian.simulator.bot_webhook import WebhookSetter
from tyrian.simulator.bots import Bot, Person, State
from tyrian.simulator.broadcast import personal
from tyrian.simulator.ground import Ground
from tyrian.simulator.handsets import Handset, Line, Message, Via

#: Status -> its documented name.
NAMES: Final[dict[int, str]] = {
    0: "ok",
    1: "invalidUrl",
    2: "invalidAuthToken",
    3: "badData",
    4: "missingData",
    5: "Not found",
    6: "notSubscribed",
    7: "publicAccountBlocked",
    8: "publicAccountNotFound",
    9: "publicAccountSuspended",
    10: "webhookNotSet",
    11: "receiverNoSuitableDevice",
    12: "tooManyRequests",
    13: "apiVersionNotSupported",
    14: "incompatibleWithVersion",
    15: "publicAccountNotAuthorized",
    16: "inchatReplyMessageNotAllowed",
    17: "publicAccountIsNotInline",
    18: "noPublicChat",
    19: "cannotSendBroadcast",
    20: "broadcastNotAllowed",
    21: "unsupportedCountry",
    22: "paymentUnsupported",
    23: "freeMessagesExceeded",
    24: "noBalance",
}
BAD_TOKEN: Final = 2
NOT_REGISTERED: Final = 5
NOT_SUBSCRIBED: Final = 6
WEBHOOK_NOT_SET: Final = 10
TOO_MANY: Final = 12
OLD_DEVICE: Final = 13
NO_PUBLIC_CHAT: Final = 18
NO_FREE_MESSAGES: Final = 23
#: `billing_status` of a message inside a session, and of a free one outside.
IN_SESSION: Final = 1
OUT_OF_SESSION: Final = 3
#: Milliseconds since a switched-off phone was last seen online.
_AWAY: Final = 3_600_000
#: Members of a request that are no part of the message.
_ENVELOPE: Final = ("auth_token", "receiver", "broadcast_list", "chat_id", "from")

Body = dict[str, Any]
Endpoint = Callable[[Bot, Body], Awaitable[Outcome]]


class BotApi:
    """All bots, and the endpoints under `/pa/`."""

    def __init__(self, ground: Ground, events: BotEvents) -> None:
        self._ground = ground
        self._events = events
        self._webhooks = WebhookSetter(ground, events.frame)
        self.bots: dict[str, Bot] = {}
        self._start = State.SUBSCRIBED if ground.settings.subscribed_from_start else State.UNKNOWN
        self._endpoints: dict[str, Endpoint] = {
            "send_message": self._send_message,
            "broadcast_message": self._broadcast,
            "set_webhook": self._set_webhook,
            "get_account_info": self._account,
            "get_user_details": self._user_details,
            "get_online": self._online,
            "post": self._post,
        }

    def knows(self, endpoint: str) -> bool:
        """True for the name of an endpoint."""
        return endpoint in self._endpoints

    async def call(self, endpoint: str, token: str | None, raw: bytes | None) -> Outcome:
        """Answer one request; `token` is that of the header, `raw` None for a body beyond all bounds."""
        if raw is None or len(raw) > MAX_BODY:
            return self.refuse(BAD_DATA, f"request is larger than {MAX_BODY} bytes")
        body = _object(raw)
        if body is None:
            return self.refuse(BAD_DATA)
        bot = self._bot(token, body)
        if bot is None:
            return self.refuse(BAD_TOKEN, None if token or body.get("auth_token") else "missing_auth_token")
        if bot.refused:
            return self.refuse(bot.refused)
        return await self._endpoints[endpoint](bot, body)

    def refuse(self, status: int, text: str | None = None) -> Outcome:
        """A refusal; without a text, the documented name of the status."""
        return Outcome(self.answer(status, text))

    def answer(self, status: int = 0, text: str | None = None) -> Body:
        """The members that every answer has."""
        if self._ground.quirks.drop_status_message:
            return {"status": status, "chat_hostname": CHAT_HOSTNAME}
        text = text or NAMES.get(status, "generalError")
        return {"status": status, "status_message": text, "chat_hostname": CHAT_HOSTNAME}

    def person(self, bot: Bot, user_id: str) -> tuple[Person, Handset]:
        """A person by the id that the bot uses."""
        handset = self._ground.handsets.of(user_id)
        return bot.person(user_id, handset, self._start), handset

    def _bot(self, token: str | None, body: Body) -> Bot | None:
        found = self.bots.get(token or "")
        in_body = body.get("auth_token")
        if found is None and isinstance(in_body, str) and not self._ground.quirks.require_header_token:
            found = self.bots.get(in_body)
        return found

    # -- Sending ------------------------------------------------------------------------------------------------------

    async def _send_message(self, bot: Bot, body: Body) -> Outcome:
        fault = self._check(bot, body)
        if fault is not None:
            return self.refuse(*fault)
        receiver = body.get("receiver")
        if not isinstance(receiver, str) or not receiver:
            return self.refuse(MISSING_DATA if receiver in (None, "") else BAD_DATA)
        return self._send(bot, receiver, body)

    def _check(self, bot: Bot, body: Body) -> Fault | None:
        if not bot.webhook:
            return Fault(WEBHOOK_NOT_SET)
        quirks = self._ground.quirks
        return check(body, sender_name=quirks.require_sender_name, levels=quirks.check_levels)

    def _send(self, bot: Bot, receiver: str, body: Body) -> Outcome:
        person, handset = self.person(bot, receiver)
        behaviour = handset.behaviour(Network.VIBER)
        answer = self._ground.faults.next() or handset.next_answer(Network.VIBER, behaviour)
        if answer is Answer.ERROR:
            return Outcome({}, answer, behaviour.delay)
        status = self._refusal(bot, person, handset, answer, behaviour) or self._limits(bot, person, body)
        if status:
            return Outcome(self.answer(status), delay=behaviour.delay)
        in_session = self._ground.seconds() < person.session_until
        token = self.take(bot, person, handset, body, behaviour if answer is Answer.ACCEPT else None)
        reply = self.answer()
        reply["message_token"] = token
        reply["billing_status"] = IN_SESSION if in_session else OUT_OF_SESSION
        return Outcome(reply, answer if answer in TAKEN else Answer.ACCEPT, behaviour.delay)

    def _refusal(self, bot: Bot, person: Person, handset: Handset, answer: Answer, behaviour: Behaviour) -> int:
        if answer is Answer.NOT_A_USER:
            return NOT_REGISTERED
        if person.state is not State.SUBSCRIBED or handset.has_blocked(Line(Via.BOT, bot.uri), answer):
            return NOT_SUBSCRIBED
        if answer is Answer.THROTTLE:
            return TOO_MANY
        return behaviour.status or 0 if answer is Answer.REFUSE else 0

    def _limits(self, bot: Bot, person: Person, body: Body) -> int:
        now = self._ground.seconds()
        if (body.get("min_api_version") or 1) > self._ground.settings.api_version:
            return OLD_DEVICE
        if not person.count(now, self._ground.settings.hourly_limit):
            return TOO_MANY
        if now >= person.session_until and not self._free(bot):
            return NO_FREE_MESSAGES
        return 0

    def _free(self, bot: Bot) -> bool:
        """Count a message outside sessions against the month's allowance (UTC); False if it is used up."""
        allowance = self._ground.settings.monthly_allowance
        if not allowance:
            return True
        month = self._ground.now().strftime("%Y-%m")
        if month != bot.month:
            bot.month, bot.free_sent = month, 0
        bot.free_sent += 1
        return bot.free_sent <= allowance

    def take(
        self,
        bot: Bot,
        person: Person,
        handset: Handset,
        body: Body,
        behaviour: Behaviour | None = None,
        token: int | None = None,
    ) -> int:
        """Take a message for a person, and let happen what will. Returns its token."""
        token = token or self._ground.tokens.next()
        content = {name: value for name, value in body.items() if name not in _ENVELOPE}
        message = handset.accept(Line(Via.BOT, bot.uri), str(token), content, self._ground.now())
        person.history = True
        person.tracking_data = body.get("tracking_data")
        behaviour = behaviour or Behaviour(receipts=handset.behaviour(Network.VIBER).receipts)
        if phone_fault(content) is not None:
            behaviour = _UNFIT
        self._ground.delivery.carry(handset, message, behaviour, partial(self._report, bot, person.id, token))
        return token

    def _report(self, bot: Bot, user_id: str, token: int, handset: Handset, message: Message, kind: Kind) -> None:
        """A receipt. What expires does so without a word: Viber tells bots nothing of it."""
        match kind:
            case Kind.DELIVERED:
                self._events.delivered(bot, user_id, token)
            case Kind.SEEN:
                self._events.seen(bot, user_id, token)
            case Kind.FAILED:
                self._events.failed(bot, user_id, token, phone_fault(message.content) or "failure description")

    async def _broadcast(self, bot: Bot, body: Body) -> Outcome:
        fault = self._check(bot, body)
        if fault is not None:
            return self.refuse(*fault)
        receivers = body.get("broadcast_list")
        if not isinstance(receivers, list) or not receivers:
            return self.refuse(MISSING_DATA)
        if len(receivers) > MAX_BROADCAST or not all(isinstance(r, str) and r for r in receivers):
            return self.refuse(BAD_DATA, f"broadcast_list is not valid. [1 to {MAX_BROADCAST} ids are allowed]")
        if bot.broadcasts.full(self._ground.seconds()):
            return self.refuse(TOO_MANY)
        token = self._ground.tokens.next()
        failed = [f for r in receivers if (f := self._broadcast_to(bot, r, body, token)) is not None]
        return Outcome(self.answer() | {"message_token": token, "failed_list": failed})

    def _broadcast_to(self, bot: Bot, receiver: str, body: Body, token: int) -> Body | None:
        person, handset = self.person(bot, receiver)
        behaviour = handset.behaviour(Network.VIBER)
        status = self._refusal(bot, person, handset, behaviour.answer, behaviour) or self._limits(bot, person, body)
        if status:
            return {"receiver": receiver, "status": status, "status_message": NAMES.get(status, "generalError")}
        self.take(bot, person, handset, personal(body, receiver, name_of(receiver)), token=token)
        return None

    async def _post(self, bot: Bot, body: Body) -> Outcome:
        if not bot.public_chat:
            return self.refuse(NO_PUBLIC_CHAT)
        fault = self._check(bot, body)
        if fault is not None:
            return self.refuse(*fault)
        return Outcome(self.answer() | {"message_token": self._ground.tokens.next()})

    # -- The rest -----------------------------------------------------------------------------------------------------

    async def _set_webhook(self, bot: Bot, body: Body) -> Outcome:
        fault, event_types = await self._webhooks.set(bot, body)
        if fault is None:
            return Outcome(self.answer() | {"event_types": event_types})
        if fault.text == "":
            return Outcome({"status": fault.status, "chat_hostname": CHAT_HOSTNAME})
        return self.refuse(*fault)

    async def _account(self, bot: Bot, body: Body) -> Outcome:
        info = {"id": bot.id, "name": bot.name, "uri": bot.uri, **bot.profile}
        if bot.webhook:
            info |= {"webhook": bot.webhook, "event_types": self._webhooks.events_of(bot)}
        info |= {"subscribers_count": bot.subscribers(), "chat_flags": []}
        return Outcome(self.answer() | info)

    async def _user_details(self, bot: Bot, body: Body) -> Outcome:
        user_id = body.get("id")
        if not isinstance(user_id, str) or not user_id:
            return self.refuse(MISSING_DATA if user_id in (None, "") else BAD_DATA)
        person, handset = self.person(bot, user_id)
        answer = handset.behaviour(Network.VIBER).answer
        if answer is Answer.NOT_A_USER or person.state is State.UNKNOWN:
            return self.refuse(NOT_REGISTERED)
        if person.state is State.UNSUBSCRIBED or handset.has_blocked(Line(Via.BOT, bot.uri), answer):
            return self.refuse(NOT_SUBSCRIBED)
        if not person.asked(self._ground.seconds()):
            return self.refuse(TOO_MANY)
        user = self._events.user(bot, user_id, handset.address) | {"name": name_of(user_id)} | _DEVICE
        return Outcome(self.answer() | {"message_token": self._ground.tokens.next(), "user": user})

    async def _online(self, bot: Bot, body: Body) -> Outcome:
        ids = body.get("ids")
        if ids is None or ids == []:
            return self.refuse(MISSING_DATA)
        if not isinstance(ids, list) or len(ids) > MAX_ONLINE or not all(isinstance(i, str) and i for i in ids):
            return self.refuse(BAD_DATA, f"ids is not valid. [1 to {MAX_ONLINE} ids are allowed]")
        return Outcome(self.answer() | {"users": [self._online_user(bot, user_id) for user_id in ids]})

    def _online_user(self, bot: Bot, user_id: str) -> Body:
        person, handset = self.person(bot, user_id)
        behaviour = handset.behaviour(Network.VIBER)
        state, text, last = 0, "online", 0
        if self._refusal(bot, person, handset, behaviour.answer, behaviour):
            state, text = 4, "unavailable"
        elif not behaviour.receipts:
            state, text, last = 1, "offline", self._ground.milliseconds() - _AWAY
        return {"id": user_id, "online_status": state, "online_status_message": text, "last_online": last}


_UNFIT: Final = Behaviour(receipts=(Step(Kind.FAILED, 0.2),))
_DEVICE: Final = {
    "primary_device_os": "Android 15",
    "viber_version": "25.1.0.3",
    "mcc": 219,
    "mnc": 1,
    "device_type": "Pixel 9",
}


def _object(raw: bytes) -> Body | None:
    """The JSON object in a body, whatever its content type; an empty body is an empty object."""
    if not raw.strip():
        return {}
    try:
        decoded = msgspec.json.decode(raw)
    except msgspec.MsgspecError:
        return None
    return decoded if isinstance(decoded, dict) else None
