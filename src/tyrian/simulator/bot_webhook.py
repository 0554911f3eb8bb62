"""`set_webhook`: the URL is called before the answer is given, and what goes wrong is told in Java's words."""

from collections.abc import Callable
from http import HTTPStatus
from ipaddress import ip_address
from secrets import token_hex
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from tyrian.simulator.bot_checks import BAD_DATA, MISSING_DATA, Fault
from tyrian.simulator.bots import Bot
from tyrian.simulator.callbacks import Reply
from tyrian.simulator.ground import Ground

INVALID_URL: Final = 1
#: In the order in which Viber lists them (seen in real answers).
EVENT_TYPES: Final = (
    "subscribed",
    "unsubscribed",
    "webhook",
    "conversation_started",
    "client_status",
    "action",
    "delivered",
    "failed",
    "message",
    "seen",
)


class WebhookSetter:
    """Sets webhooks. A failed attempt leaves the one before in place (assumed)."""

    def __init__(self, ground: Ground, frame: Callable[[str], dict[str, Any]]) -> None:
        self._ground = ground
        self._frame = frame

    async def set(self, bot: Bot, body: dict[str, Any]) -> tuple[Fault | None, list[str]]:
        """Why it was not set, or the events that are now sent. A fault with an empty text has none in the answer."""
        url, events = body.get("url"), body.get("event_types")
        fault = self._fault(url, events)
        if fault is not None or not isinstance(url, str):
            return fault or Fault(BAD_DATA), []
        if not url:
            bot.webhook = ""
            return None, []
        fault = await self._handshake(bot, url)
        if fault is not None:
            return fault, []
        bot.webhook = url
        bot.event_types = frozenset(events) if events is not None else None
        bot.send_name, bot.send_photo = body.get("send_name") is True, body.get("send_photo") is True
        return None, self.events_of(bot)

    def events_of(self, bot: Bot) -> list[str]:
        """The bot's events in Viber's order."""
        return [event for event in EVENT_TYPES if bot.event_types is None or event in bot.event_types]

    def _fault(self, url: Any, events: Any) -> Fault | None:
        if url is None:
            return Fault(MISSING_DATA)
        if not isinstance(url, str):
            return Fault(BAD_DATA)
        if events is not None and not _are_events(events):
            return Fault(BAD_DATA, "event_types is not valid. [instance value not found in enum]")
        return self._url_fault(url) if url else None

    def _url_fault(self, url: str) -> Fault | None:
        parts = _split(url)
        if parts is None:
            return Fault(INVALID_URL)
        if self._ground.quirks.strict_tls and (parts.scheme != "https" or _is_ip(parts.hostname or "")):
            return Fault(INVALID_URL, "")
        return None

    async def _handshake(self, bot: Bot, url: str) -> Fault | None:
        reply = await self._ground.callbacks.ask(url, msgspec.json.encode(self._frame("webhook")), bot.token)
        return None if reply.ok else Fault(INVALID_URL, _in_java(url, reply))


def _are_events(events: Any) -> bool:
    return isinstance(events, list) and all(isinstance(event, str) and event in EVENT_TYPES for event in events)


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname else None


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _in_java(url: str, reply: Reply) -> str:
    """The text of a failed handshake, as quoted by people who met it."""
    request = f"HttpRequest[POST {urlsplit(url).path or '/'} HTTP/1.1]@{_hash()}"
    if reply.status is None:
        return f"Result[{request} > HttpResponse[null 0 null]@{_hash()}] {reply.error}"
    return f"Result[{request} > HttpResponse[HTTP/1.1 {reply.status} {_phrase(reply.status)}]@{_hash()}] null"


def _hash() -> str:
    return token_hex(4)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "unknown status"
