"""Everything that people can send over Viber, from the body of Viber's callback to the customer's."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from tests.hooked import Hooked, hooked
from tyrian.engine.report import decode
from tyrian.protocols.native.reports import render

pytestmark = pytest.mark.asyncio(loop_scope="module")

USER = {"id": "01234567890A=", "name": "Ann", "country": "UA", "language": "uk", "api_version": 7}
FACTS = {"name": "Ann", "country": "UA", "language": "uk", "api_version": 7}
URL = "https://v.example"
_tokens = count(5_741_311_803_571_721_087)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def viber(module_database_url: str) -> AsyncIterator[Hooked]:
    async with hooked(module_database_url, rehost_media=False) as running:
        yield running


async def brought(viber: Hooked, name: str, event: dict[str, Any]) -> dict[str, Any]:
    """The body of the customer's callback about one that Viber made."""
    token = next(_tokens)
    event = event | {"message_token": token if name == "bot" else str(token)}
    assert await viber.signed(name, event) == 200
    sql = "SELECT c.report FROM inbound i JOIN callbacks c ON c.message_id = i.id WHERE i.provider_id = $1"
    report = decode(await viber.gateway.db.fetchval(sql, str(token)))
    body: dict[str, Any] = msgspec.json.decode(render(report, ["whsec_c2VjcmV0"], viber.gateway.clock.now()).body)
    return body


#: Viber's `message`, the content that the customer gets, and what else is told.
BOT: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "text": ({"type": "text", "text": "hi 👋"}, {"type": "text", "text": "hi 👋"}, {}),
    "text with tracking data": (
        {"type": "text", "text": "hi", "tracking_data": "t-1"},
        {"type": "text", "text": "hi", "tracking_data": "t-1"}, {},
    ),
    "a button's value": ({"type": "text", "text": "buy-1"}, {"type": "text", "text": "buy-1"}, {}),
    "an option of a list": ({"type": "text", "text": "Tomorrow"}, {"type": "text", "text": "Tomorrow"}, {}),
    "the page of an open-url button": (
        {"type": "text", "text": "https://shop.example"}, {"type": "text", "text": "https://shop.example"}, {},
    ),
    "picture": (
        {"type": "picture", "media": f"{URL}/a.jpg", "thumbnail": f"{URL}/t.jpg", "text": "me", "file_name": "a.jpg",
         "size": 7},
        {"type": "image", "url": f"{URL}/a.jpg", "thumbnail": f"{URL}/t.jpg", "text": "me"}, {},
    ),
    "video": (
        {"type": "video", "media": f"{URL}/v.mp4", "thumbnail": f"{URL}/t.jpg", "size": 7, "duration": 3,
         "file_name": "v.mp4"},
        {"type": "video", "url": f"{URL}/v.mp4", "thumbnail": f"{URL}/t.jpg", "size": 7, "duration": 3}, {},
    ),
    "file": (
        {"type": "file", "media": f"{URL}/f", "file_name": "bill.pdf", "size": 7},
        {"type": "file", "url": f"{URL}/f", "name": "bill.pdf", "size": 7}, {},
    ),
    "a voice message as a file": (
        {"type": "file", "media": f"{URL}/f", "file_name": "voice.m4a", "size": 7},
        {"type": "file", "url": f"{URL}/f", "name": "voice.m4a", "size": 7}, {},
    ),
    "somebody's contact": (
        {"type": "contact", "contact": {"name": "Bob", "phone_number": "+385991234501", "avatar": f"{URL}/b"}},
        {"type": "contact", "name": "Bob", "phone": "+385991234501", "avatar": f"{URL}/b"}, {},
    ),
    "the own number, by a share-phone button": (
        {"type": "contact", "contact": {"name": "Ann", "phone_number": "385991234501"}, "text": "my-number"},
        {"type": "contact", "name": "Ann", "phone": "385991234501"},
        {"text": "my-number", "shared_phone": "+385991234501"},
    ),
    "location": (
        {"type": "location", "location": {"lat": 45.8131, "lon": 15.9775}},
        {"type": "location", "latitude": 45.8131, "longitude": 15.9775}, {},
    ),
    "location in strings, with its address": (
        {"type": "location", "location": {"lat": "45.8131", "lon": "15.9775", "address": "Zagreb"}},
        {"type": "location", "latitude": 45.8131, "longitude": 15.9775, "address": "Zagreb"}, {},
    ),
    "sticker": (
        {"type": "sticker", "sticker_id": 46105, "media": f"{URL}/s.png"}, {"type": "sticker", "sticker_id": 46105}, {},
    ),
    "sticker with its number in a string": (
        {"type": "sticker", "sticker_id": "40108"}, {"type": "sticker", "sticker_id": 40108}, {},
    ),
    "url": ({"type": "url", "media": "https://shop.example"}, {"type": "url", "url": "https://shop.example"}, {}),
    "what Viber may add one day": ({"type": "poll", "text": "yes"}, {"type": "text", "text": "yes"}, {}),
}  # fmt: skip

BUSINESS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "text": ({"text": "yes", "tracking_data": "c-1"}, {"type": "text", "text": "yes", "tracking_data": "c-1"}),
    "an option of a survey": ({"text": "Tomorrow"}, {"type": "text", "text": "Tomorrow"}),
    "image": ({"media": f"{URL}/x", "file_name": "a.jpg"}, {"type": "image", "url": f"{URL}/x"}),
    "image with words": (
        {"media": f"{URL}/a.png", "text": "me"}, {"type": "image", "url": f"{URL}/a.png", "text": "me"},
    ),
    "video": ({"media": f"{URL}/v.mp4"}, {"type": "video", "url": f"{URL}/v.mp4"}),
    "audio": ({"media": f"{URL}/v", "file_name": "v.amr"}, {"type": "audio", "url": f"{URL}/v", "name": "v.amr"}),
    "file": ({"media": f"{URL}/f", "file_name": "bill.pdf"}, {"type": "file", "url": f"{URL}/f", "name": "bill.pdf"}),
    "nothing": ({}, {"type": "text", "text": "(empty message)"}),
}  # fmt: skip


@pytest.mark.parametrize("case", BOT)
async def test_to_a_bot(viber: Hooked, case: str) -> None:
    message, content, more = BOT[case]
    event = {"event": "message", "timestamp": 1_767_268_800_000, "sender": USER, "message": message, "silent": False}
    told = await brought(viber, "bot", event)
    assert told["type"] == "message.inbound"
    assert told["at"] == "2026-01-01T12:00:00.000Z"
    said = told["message"]
    assert (said["sender"], said["channel"], said["content"]) == ("01234567890A=", "bot", content)
    assert said["extra"] == FACTS | more


@pytest.mark.parametrize("case", BUSINESS)
async def test_to_a_business(viber: Hooked, case: str) -> None:
    message, content = BUSINESS[case]
    event = {"phone_number": "380501234567", "time": 1_767_268_800, "message": message}
    said = (await brought(viber, "business", event))["message"]
    assert (said["sender"], said["to"], said["channel"]) == ("+380501234567", "1001", "business")
    assert said["content"] == content


@pytest.mark.parametrize("name", ["bot", "business"])
async def test_a_callback_that_comes_again_is_told_once(viber: Hooked, name: str) -> None:
    token = str(next(_tokens))
    events: dict[str, dict[str, Any]] = {
        "bot": {"event": "message", "message_token": token, "sender": USER, "message": {"type": "text", "text": "x"}},
        "business": {"message_token": token, "phone_number": "380501234567", "message": {"text": "x"}},
    }
    answers = await asyncio.gather(*(viber.signed(name, events[name]) for _ in range(8)))
    assert set(answers) == {200}
    sql = "SELECT count(*) FROM inbound i JOIN callbacks c ON c.message_id = i.id WHERE i.provider_id = $1"
    assert await viber.gateway.db.fetchval(sql, token) == 1
