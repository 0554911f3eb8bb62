"""Placeholders of a broadcast, replaced for each receiver anywhere in the message (Bot API documentation 7.3.0)."""

from typing import Any, Final
from urllib.parse import quote

from tyrian.protocols.viber.bot_wire import PLACEHOLDERS

_ID, _ENCODED_ID, _NAME = PLACEHOLDERS
_MARK: Final = "replace_me_with_"


def personal(message: dict[str, Any], receiver: str, name: str) -> dict[str, Any]:
    """The message as this receiver gets it."""
    words = {_ID: receiver, _ENCODED_ID: quote(receiver, safe=""), _NAME: name}
    return {key: _filled(value, words) for key, value in message.items() if key != "broadcast_list"}


def _filled(value: Any, words: dict[str, str]) -> Any:
    if isinstance(value, str):
        return _in_text(value, words) if _MARK in value else value
    if isinstance(value, list):
        return [_filled(item, words) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, words) for key, item in value.items()}
    return value


def _in_text(text: str, words: dict[str, str]) -> str:
    for placeholder, word in words.items():
        text = text.replace(placeholder, word)
    return text
