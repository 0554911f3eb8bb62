"""The wire structs read what the real service and its stock clients send, and leave nothing of it out of shape."""

from typing import Any

import msgspec
import pytest

from tyrian.protocols.viber import bot_wire, business_wire

READS: list[tuple[type, dict[str, Any], dict[str, Any]]] = [
    # A 64-bit token, digit for digit.
    (bot_wire.SendAnswer, {"status": 0, "message_token": 5741311803571721087}, {"message_token": 5741311803571721087}),
    # A failure without its text.
    (bot_wire.WebhookAnswer, {"status": 1, "chat_hostname": "SN-CHAT-06_"}, {"status": 1, "status_message": None}),
    # Sticker ids as numbers and as strings.
    (bot_wire.InboundMessage, {"type": "sticker", "sticker_id": 46105}, {"sticker_id": 46105}),
    (bot_wire.InboundMessage, {"type": "sticker", "sticker_id": "46105"}, {"sticker_id": "46105"}),
    # Places as numbers and as strings.
    (bot_wire.Location, {"lat": 50.45, "lon": "30.52"}, {"lat": 50.45, "lon": "30.52"}),
    # What Node's library sends.
    (bot_wire.SendMessage, {"type": "text", "keyboard": None, "alt_text": None, "auth_token": "t"}, {"keyboard": None}),
    # Keys in another case are unknown keys.
    (bot_wire.Button, {"ActionBody": "a", "OpenUrlType": "external"}, {"action_body": "a", "open_url_type": None}),
    (bot_wire.Map, {"Latitude": 1.5, "Longitude": "2.5"}, {"latitude": 1.5, "longitude": "2.5"}),
    (bot_wire.User, {"id": "u", "api_version": 7.0, "mcc": "255"}, {"api_version": 7.0, "mcc": "255"}),
    (business_wire.SendAnswer, {"status": 0, "seq": 1, "message_token": "5379697806260881548"},
     {"message_token": "5379697806260881548"}),
    (business_wire.Message, {"#txt": "a", "#imageFormat": "gif", "#fileName": "f", "#tracking_data": ""},
     {"text": "a", "image_format": "gif", "file_name": "f", "tracking_data": ""}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "sent", "members"), READS)
def test_reading(kind: type, sent: dict[str, Any], members: dict[str, Any]) -> None:
    read: Any = msgspec.json.decode(msgspec.json.encode(sent | {"unknown": [1]}), type=kind)
    assert {name: getattr(read, name) for name in members} == members


@pytest.mark.parametrize("missing", ["Type", "Buttons"])
def test_a_keyboard_needs_what_the_server_requires(missing: str) -> None:
    keyboard = {"Type": "keyboard", "Buttons": []}
    del keyboard[missing]
    with pytest.raises(msgspec.ValidationError, match=missing):
        msgspec.convert(keyboard, bot_wire.Keyboard)


def test_an_empty_caption_is_not_a_missing_one() -> None:
    assert bot_wire.encode(bot_wire.SendMessage(type="picture", text="")) == b'{"type":"picture","text":""}'
    assert business_wire.encode(business_wire.Message(caption="", action="")) == b'{"#caption":"","#action":""}'
