"""The stock Python client `viberbot`, unmodified but for its base URL, against the simulated Bot API over HTTP."""

# The client has no types.
# mypy: disable-error-code=no-untyped-call

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import viberbot.api.api as stock
from viberbot import Api, BotConfiguration
from viberbot.api.messages import (
    ContactMessage,
    FileMessage,
    KeyboardMessage,
    LocationMessage,
    PictureMessage,
    RichMediaMessage,
    StickerMessage,
    TextMessage,
    URLMessage,
    VideoMessage,
)
from viberbot.api.messages.data_types.contact import Contact
from viberbot.api.messages.data_types.location import Location
from viberbot.api.viber_requests import (
    ViberConversationStartedRequest,
    ViberDeliveredRequest,
    ViberFailedRequest,
    ViberMessageRequest,
    ViberSeenRequest,
    ViberSubscribedRequest,
    ViberUnsubscribedRequest,
)

from tests.simulator.serving import TOKEN, Rig, rig as make_rig
from tyrian.simulator.handsets import Line, Via

PERSON = "01234567890A="
LINE = Line(Via.BOT, "demobot")
MEDIA = "https://cdn.example/a.jpg"
BUTTON = {"Columns": 6, "Rows": 1, "ActionType": "reply", "ActionBody": "a", "Text": "A"}
KEYBOARD = {"Type": "keyboard", "Buttons": [BUTTON]}
CAROUSEL = {"Type": "rich_media", "ButtonsGroupColumns": 6, "ButtonsGroupRows": 7, "Buttons": [BUTTON]}


@dataclass
class Stock:
    """The stock client beside the world that it talks to."""

    rig: Rig
    api: Any

    async def do(self, call: Callable[..., Any], *args: Any) -> Any:
        """One of its blocking calls, in a thread."""
        return await asyncio.to_thread(call, *args)

    async def callback(self) -> Any:
        """The next callback, verified and parsed by the client itself."""
        hit = await self.rig.webhook.next()
        assert self.api.verify_signature(hit.body, hit.headers["x-viber-content-signature"])
        assert self.api.verify_signature(hit.body, hit.query["sig"])
        return self.api.parse_request(hit.body)


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stock]:
    async with make_rig() as rig:
        monkeypatch.setattr(stock, "VIBER_BOT_API_URL", f"{rig.url}/sim/pa")
        yield Stock(rig, Api(BotConfiguration(name="Shop", avatar=MEDIA, auth_token=TOKEN)))


async def test_sets_and_removes_its_webhook(client: Stock) -> None:
    events = await client.do(client.api.set_webhook, client.rig.webhook.url)
    assert {"delivered", "seen", "failed", "message", "subscribed", "conversation_started"} <= set(events)
    assert (await client.callback()).event_type == "webhook"
    some = await client.do(client.api.set_webhook, client.rig.webhook.url, ["seen", "delivered"])
    assert some == ["delivered", "seen"]
    await client.callback()
    assert await client.do(client.api.unset_webhook) == []
    with pytest.raises(Exception, match="failed with status: 10, message: webhookNotSet"):
        await client.do(client.api.send_messages, PERSON, [TextMessage(text="hi")])


async def test_sends_every_type_of_message(client: Stock) -> None:
    messages = [
        TextMessage(text="hi", tracking_data="t-1", keyboard=KEYBOARD),
        PictureMessage(media=MEDIA, text="caption", thumbnail=MEDIA),
        PictureMessage(media=MEDIA),
        VideoMessage(media="https://cdn.example/v.mp4", size=4324, duration=10, text="caption"),
        FileMessage(media="https://cdn.example/f.pdf", size=55555, file_name="f.pdf"),
        ContactMessage(contact=Contact(name="Ann", phone_number="+385991234567")),
        LocationMessage(location=Location(lat=45.8, lon=15.9)),
        URLMessage(media="https://shop.example/"),
        StickerMessage(sticker_id=40108),
        RichMediaMessage(rich_media=CAROUSEL, min_api_version=2, alt_text="products"),
        KeyboardMessage(keyboard=KEYBOARD, tracking_data="t-2"),
    ]
    tokens = await client.do(client.api.send_messages, PERSON, messages)
    received = client.rig.world.handset(PERSON).messages
    assert tokens == [int(message.ref) for message in received]
    assert [message.content.get("type") for message in received] == [
        *("text", "picture", "picture", "video", "file", "contact", "location", "url", "sticker", "rich_media"),
        None,
    ]
    assert all(message.content["sender"] == {"name": "Shop", "avatar": MEDIA} for message in received)
    assert received[5].content["contact"] == {"name": "Ann", "phone_number": "+385991234567", "avatar": None}


async def test_asks_about_the_account_and_its_people(client: Stock) -> None:
    info = await client.do(client.api.get_account_info)
    assert (info["name"], info["uri"], info["webhook"]) == ("Demo bot", "demobot", client.rig.webhook.url)
    user = await client.do(client.api.get_user_details, PERSON)
    assert user["id"] == PERSON
    users = await client.do(client.api.get_online, [PERSON, "+385991234509"])
    assert [user["online_status"] for user in users] == [0, 1]


async def test_hears_of_delivery_and_reading(client: Stock) -> None:
    (token,) = await client.do(client.api.send_messages, PERSON, [TextMessage(text="hi")])
    await client.rig.clock.advance(0.5)
    delivered = await client.callback()
    assert isinstance(delivered, ViberDeliveredRequest)
    assert (delivered.message_token, delivered.user_id) == (token, PERSON)
    await client.rig.clock.advance(1)
    seen = await client.callback()
    assert isinstance(seen, ViberSeenRequest)
    assert (seen.message_token, seen.user_id) == (token, PERSON)


async def test_hears_of_failure(client: Stock) -> None:
    bad = {"Type": "keyboard", "Buttons": [{**BUTTON, "Rows": 9}]}
    (token,) = await client.do(client.api.send_messages, PERSON, [TextMessage(text="hi", keyboard=bad)])
    await client.rig.clock.advance(1)
    failed = await client.callback()
    assert isinstance(failed, ViberFailedRequest)
    assert (failed.message_token, failed.desc) == (token, "Button Rows must be from 1 to 2")


@pytest.mark.parametrize(
    ("said", "kind", "attribute", "value"),
    [
        ({"type": "text", "text": "hello"}, TextMessage, "text", "hello"),
        ({"type": "picture", "media": MEDIA, "text": "look"}, PictureMessage, "media", MEDIA),
        ({"type": "video", "media": MEDIA, "size": 10, "duration": 5}, VideoMessage, "duration", 5),
        ({"type": "file", "media": MEDIA, "size": 10, "file_name": "a.pdf"}, FileMessage, "file_name", "a.pdf"),
        (
            {"type": "contact", "contact": {"name": "Ann", "phone_number": "1"}},
            ContactMessage,
            "contact",
            Contact(name="Ann", phone_number="1"),
        ),
        (
            {"type": "location", "location": {"lat": 1.5, "lon": 2.5}},
            LocationMessage,
            "location",
            Location(lat=1.5, lon=2.5),
        ),
        ({"type": "sticker", "sticker_id": 46105, "media": MEDIA}, StickerMessage, "sticker_id", 46105),
        ({"type": "url", "media": "https://a.example"}, URLMessage, "media", "https://a.example"),
    ],
)
async def test_parses_what_people_send(
    client: Stock, said: dict[str, Any], kind: type, attribute: str, value: Any
) -> None:
    await client.do(client.api.send_messages, PERSON, [TextMessage(text="?", tracking_data="t-9")])
    client.rig.world.handset(PERSON).say(said, LINE)
    request = await client.callback()
    assert isinstance(request, ViberMessageRequest)
    assert request.sender.id == PERSON
    assert request.silent is False
    assert isinstance(request.message, kind)
    assert getattr(request.message, attribute) == value
    message: Any = request.message
    assert message.tracking_data == "t-9"


async def test_follows_people_who_come_and_go(client: Stock) -> None:
    handset = client.rig.world.handset(PERSON)
    handset.open(LINE, context="shop-7")
    started = await client.callback()
    assert isinstance(started, ViberConversationStartedRequest)
    assert (started.context, started.type, started.subscribed, started.user.id) == ("shop-7", "open", True, PERSON)
    handset.unsubscribe(LINE)
    left = await client.callback()
    assert isinstance(left, ViberUnsubscribedRequest)
    assert left.user_id == PERSON
    with pytest.raises(Exception, match="failed with status: 6, message: notSubscribed"):
        await client.do(client.api.send_messages, PERSON, [TextMessage(text="hi")])
    handset.subscribe(LINE)
    back = await client.callback()
    assert isinstance(back, ViberSubscribedRequest)
    assert back.user.id == PERSON


@pytest.mark.parametrize(
    ("receiver", "message", "words"),
    [
        ("+385991234504", TextMessage(text="hi"), "failed with status: 5, message: Not found"),
        ("+385991234505", TextMessage(text="hi"), "failed with status: 6, message: notSubscribed"),
        (PERSON, TextMessage(text="x" * 7001), "failed with status: 3, message: text is not valid"),
        (PERSON, KeyboardMessage(keyboard={"Buttons": [BUTTON]}), r"keyboard is not valid. \[object has missing"),
    ],
)
async def test_is_told_what_was_wrong(client: Stock, receiver: str, message: Any, words: str) -> None:
    with pytest.raises(Exception, match=words):
        await client.do(client.api.send_messages, receiver, [message])


async def test_a_wrong_token(client: Stock) -> None:
    wrong = Api(BotConfiguration(name="Shop", avatar=MEDIA, auth_token="wrong"))
    with pytest.raises(Exception, match="failed with status: 2, message: invalidAuthToken"):
        await client.do(wrong.get_online, [PERSON])


async def test_a_webhook_that_fails_its_handshake(client: Stock) -> None:
    client.rig.webhook.answer = lambda hit: (419, b"")
    with pytest.raises(Exception, match=r"failed with status: 1, message: Result.*HTTP/1\.1 419 unknown status"):
        await client.do(client.api.set_webhook, client.rig.webhook.url)


async def test_posts_to_a_public_chat(client: Stock) -> None:
    with pytest.raises(Exception, match="failed with status: 18, message: noPublicChat"):
        await client.do(client.api.post_messages_to_public_account, "admin==", [TextMessage(text="news")])


async def test_without_a_status_message_the_client_falls_over_as_it_does_on_the_real_service(client: Stock) -> None:
    client.rig.quirks.drop_status_message = True
    with pytest.raises(KeyError, match="status_message"):
        await client.do(client.api.send_messages, "+385991234504", [TextMessage(text="hi")])
