"""What people do in a chat with a bot, as the bot hears of it (Viber Bot API documentation 7.3.0)."""

from functools import partial
from typing import Any

import msgspec

from tyrian.simulator.bot_api import BotApi
from tyrian.simulator.bot_checks import check
from tyrian.simulator.bot_events import BotEvents
from tyrian.simulator.bots import Bot, Person, State
from tyrian.simulator.callbacks import Reply
from tyrian.simulator.ground import Ground
from tyrian.simulator.handsets import Handset, Message, NoLine
from tyrian.simulator.taps import Said


class BotPeople:
    """Carries what people write to bots; `sender` is the bot's uri."""

    def __init__(self, ground: Ground, api: BotApi, events: BotEvents) -> None:
        self._ground = ground
        self._api = api
        self._events = events

    def wrote(self, handset: Handset, sender: str, said: Said) -> None:
        """Whatever a person writes subscribes them: only `message` comes, no `subscribed`."""
        bot, person = self._chat(handset, sender)
        person.wrote(self._ground.seconds())
        self._events.message(bot, person, self._user(bot, person, handset), said)

    def read(self, handset: Handset, messages: list[Message]) -> None:
        """One `seen` for the reading, or one for each message."""
        bot, person = self._chat(handset, messages[-1].line.sender)
        if self._ground.quirks.one_seen_per_reading:
            messages = messages[-1:]
        for message in messages:
            self._events.seen(bot, person.id, int(message.ref))

    def allowed(self, handset: Handset, sender: str, allowed: bool) -> None:
        """Left the bot, or asked to get messages again."""
        bot, person = self._chat(handset, sender)
        if allowed:
            person.rejoined()
            self._events.emit(bot, "subscribed", {"user": self._user(bot, person, handset)})
        else:
            person.left()
            self._events.emit(bot, "unsubscribed", {"user_id": person.id})

    def opened(self, handset: Handset, sender: str, context: str | None) -> None:
        """The chat was opened: the webhook's answer may hold one welcome message. This subscribes nobody."""
        bot, person = self._chat(handset, sender)
        if person.history and self._ground.quirks.no_start_with_history:
            return
        if person.state is State.UNKNOWN:
            person.state = State.VISITOR
        members: dict[str, Any] = {"type": "open"}
        if context is not None:
            members["context"] = context
        members["user"] = self._user(bot, person, handset)
        members["subscribed"] = person.state is State.SUBSCRIBED
        answered = partial(self._welcome, bot, person, handset)
        self._events.emit(bot, "conversation_started", members, answered=answered)

    def _chat(self, handset: Handset, uri: str) -> tuple[Bot, Person]:
        for bot in self._api.bots.values():
            if bot.uri == uri:
                return bot, self._api.person(bot, bot.id_of(handset))[0]
        raise NoLine(f"there is no bot with the uri {uri!r}")

    def _user(self, bot: Bot, person: Person, handset: Handset) -> dict[str, Any]:
        return self._events.user(bot, person.id, handset.address)

    def _welcome(self, bot: Bot, person: Person, handset: Handset, reply: Reply) -> None:
        bot.welcome_error = None
        if not reply.body.strip():
            return
        message, why = _message(reply.body)
        if message is None:
            bot.welcome_error = why
            return
        self._api.take(bot, person, handset, message)


def _message(body: bytes) -> tuple[dict[str, Any] | None, str]:
    """A welcome message, whatever the content type says; or why the answer is none."""
    try:
        message = msgspec.json.decode(body)
    except msgspec.MsgspecError as error:
        return None, f"the answer to conversation_started is not JSON alone: {error}"
    if not isinstance(message, dict):
        return None, "the answer to conversation_started is no JSON object"
    fault = check(message)
    if fault is not None:
        return None, f"the welcome message is refused with status {fault.status}: {fault.text or 'missingData'}"
    return message, ""
