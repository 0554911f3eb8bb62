"""The Bot API's callbacks: what each event says about whom (Viber Bot API documentation 7.3.0)."""

from collections.abc import Callable
from typing import Any, Final
from zlib import crc32

import msgspec

from tyrian.domain.address import region
from tyrian.simulator.bots import Bot, Person
from tyrian.simulator.callbacks import Reply
from tyrian.simulator.ground import Ground

CHAT_HOSTNAME: Final = "SN-CHAT-05_"
#: The name of a person whom the webhook did not ask to name (its exact words are assumed).
NAMELESS: Final = "Viber User"
_NAMES: Final = ("Ann", "Ben", "Clara", "David", "Ema", "Filip", "Greta", "Hugo", "Iva", "Jan")
_HOME: Final = "HR"

_encode: Final = msgspec.json.Encoder().encode


def name_of(user_id: str) -> str:
    """A person's name, always the same for the same id."""
    return _NAMES[crc32(user_id.encode()) % len(_NAMES)]


class BotEvents:
    """Makes events and hands them to the callbacks."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def user(self, bot: Bot, user_id: str, address: str) -> dict[str, Any]:
        """A person as this bot's callbacks show them."""
        user: dict[str, Any] = {"id": user_id, "name": name_of(user_id) if bot.send_name else NAMELESS}
        if bot.send_photo:
            user["avatar"] = f"https://media.example/avatars/{crc32(user_id.encode())}.jpg"
        user["country"] = (region(address) if address.startswith("+") else None) or _HOME
        user["language"] = "en"
        user["api_version"] = self._ground.settings.api_version
        return user

    def frame(self, event: str, token: int | None = None) -> dict[str, Any]:
        """The members that every event has."""
        return {
            "event": event,
            "timestamp": self._ground.milliseconds(),
            "chat_hostname": CHAT_HOSTNAME,
            "message_token": token or self._ground.tokens.next(),
        }

    def emit(
        self,
        bot: Bot,
        event: str,
        members: dict[str, Any],
        token: int | None = None,
        answered: Callable[[Reply], None] | None = None,
    ) -> None:
        """Post an event, if the bot has a webhook and wants it."""
        if bot.webhook and bot.wants(event):
            body = _encode(self.frame(event, token) | members)
            self._ground.callbacks.post(bot.webhook, body, bot.token, event, answered)

    def delivered(self, bot: Bot, user_id: str, token: int) -> None:
        """`delivered`, once for each of the person's devices."""
        for _ in range(self._ground.quirks.devices):
            self.emit(bot, "delivered", {"user_id": user_id}, token)

    def seen(self, bot: Bot, user_id: str, token: int) -> None:
        """`seen`."""
        self.emit(bot, "seen", {"user_id": user_id}, token)

    def failed(self, bot: Bot, user_id: str, token: int, why: str) -> None:
        """`failed`, with the reason in `desc`."""
        self.emit(bot, "failed", {"user_id": user_id, "desc": why}, token)

    def message(self, bot: Bot, person: Person, user: dict[str, Any], said: dict[str, Any]) -> None:
        """`message`: what a person wrote, with the tracking data of the last message to them."""
        message = {name: value for name, value in said.items() if name != "silent"}
        if "sticker_id" in message and self._ground.quirks.sticker_id_as_string:
            message["sticker_id"] = str(message["sticker_id"])
        if person.tracking_data:
            message["tracking_data"] = person.tracking_data
        token = self._ground.tokens.next()
        members = {"sender": user, "message": message, "silent": bool(said.get("silent"))}
        self.emit(bot, "message", members, token)
        if self._ground.quirks.delivered_for_inbound:
            self.emit(bot, "delivered", {"user_id": person.id}, token)
