"""What a bot puts on the wire for each content, and what Viber's answers come to."""

from typing import Any

import pytest

from tests.protocols.viber.conftest import TOKEN, MakeBot
from tests.protocols.viber.stub import Reply, Stub, outgoing
from tyrian.domain.content import (
    Audio,
    Base,
    Card,
    Carousel,
    Contact,
    File,
    Image,
    KeyboardOnly,
    LinkButton,
    Location,
    SenderDisplay,
    Sticker,
    Survey,
    Template,
    Text,
    UrlContent,
    Video,
)
from tyrian.domain.keyboard import Button, Frame, Keyboard
from tyrian.domain.limits import check
from tyrian.domain.purpose import Purpose
from tyrian.engine.ports import Refused, Retry, Sent
from tyrian.protocols.viber import statuses
from tyrian.protocols.viber.bot import BotConnector

TAKEN = {"status": 0, "status_message": "ok", "message_token": 5741311803571721087, "chat_hostname": "SN-CHAT-05_"}
LINK = LinkButton(text="Open", url="https://shop.example/1")
LINK_BUTTON = {"ActionType": "open-url", "ActionBody": "https://shop.example/1", "Text": "Open", "Silent": True}
KEYBOARD = Keyboard(buttons=[Button(value="yes", text="Yes")])
YES = {"ActionBody": "yes", "Text": "Yes"}


def keys(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "keyboard", "Buttons": list(buttons)}


SENDS: list[tuple[str, Base, dict[str, Any]]] = [
    ("text", Text(text="Hello"), {"type": "text", "text": "Hello"}),
    ("text in any script", Text(text="Привет 😀"), {"type": "text", "text": "Привет 😀"}),
    ("tracking data", Text(text="Hi", tracking_data="t-1"), {"type": "text", "text": "Hi", "tracking_data": "t-1"}),
    (
        "text with a URL button: a keyboard of one row",
        Text(text="Hi", button=LINK),
        {"type": "text", "text": "Hi", "keyboard": keys(LINK_BUTTON)},
    ),
    ("text with a keyboard", Text(text="Hi", keyboard=KEYBOARD), {"type": "text", "text": "Hi", "keyboard": keys(YES)}),
    (
        "text with both: the URL button comes first",
        Text(text="Hi", button=LINK, keyboard=KEYBOARD),
        {"type": "text", "text": "Hi", "keyboard": keys(LINK_BUTTON, YES)},
    ),
    (
        "image without a caption: an empty one, which Viber requires",
        Image(url="https://cdn.example/a.png"),
        {"type": "picture", "text": "", "media": "https://cdn.example/a.png"},
    ),
    (
        "image with all",
        Image(url="https://cdn.example/a.png", text="A", thumbnail="https://cdn.example/t.png", button=LINK),
        {
            "type": "picture",
            "text": "A",
            "media": "https://cdn.example/a.png",
            "thumbnail": "https://cdn.example/t.png",
            "keyboard": keys(LINK_BUTTON),
        },
    ),
    (
        "video",
        Video(url="https://cdn.example/v.mp4", size=100),
        {"type": "video", "media": "https://cdn.example/v.mp4", "size": 100},
    ),
    (
        "video with all",
        Video(
            url="https://cdn.example/v.mp4",
            size=100,
            duration=5,
            thumbnail="https://c.example/t.jpg",
            text="V",
            button=LINK,
        ),
        {
            "type": "video",
            "media": "https://cdn.example/v.mp4",
            "size": 100,
            "duration": 5,
            "thumbnail": "https://c.example/t.jpg",
            "text": "V",
            "keyboard": keys(LINK_BUTTON),
        },
    ),
    (
        "file",
        File(url="https://cdn.example/a.pdf", name="a.pdf", size=10),
        {"type": "file", "media": "https://cdn.example/a.pdf", "file_name": "a.pdf", "size": 10},
    ),
    (
        "location",
        Location(latitude=50.45, longitude=30.52),
        {"type": "location", "location": {"lat": 50.45, "lon": 30.52}},
    ),
    (
        "contact",
        Contact(name="Ann", phone="+380501234567", avatar="https://cdn.example/a.jpg"),
        {
            "type": "contact",
            "contact": {"name": "Ann", "phone_number": "+380501234567", "avatar": "https://cdn.example/a.jpg"},
        },
    ),
    ("sticker", Sticker(sticker_id=46105), {"type": "sticker", "sticker_id": 46105}),
    ("url", UrlContent(url="https://shop.example"), {"type": "url", "media": "https://shop.example"}),
    (
        "list: a text over replies",
        Survey(text="Which?", options=["Red", "Blue"]),
        {
            "type": "text",
            "text": "Which?",
            "keyboard": keys({"ActionBody": "Red", "Text": "Red"}, {"ActionBody": "Blue", "Text": "Blue"}),
        },
    ),
    ("keyboard only: no type", KeyboardOnly(keyboard=KEYBOARD), {"keyboard": keys(YES)}),
    (
        "carousel of buttons",
        Carousel(
            buttons=[Button(value="a", text="A", columns=3, rows=5), Button(value="b", text="B", columns=1)],
            group_columns=3,
            group_rows=6,
            background="#FFFFFF",
            height_scale=50,
            alt_text="two",
        ),
        {
            "type": "rich_media",
            "min_api_version": 2,
            "alt_text": "two",
            "rich_media": {
                "Type": "rich_media",
                "BgColor": "#FFFFFF",
                "ButtonsGroupColumns": 3,
                "ButtonsGroupRows": 6,
                "HeightScale": 50,
                "Buttons": [
                    {"ActionBody": "a", "Text": "A", "Columns": 3, "Rows": 5},
                    {"ActionBody": "b", "Text": "B", "Columns": 1},
                ],
            },
        },
    ),
    (
        "carousel of cards: one block each",
        Carousel(
            cards=[
                Card(title="One", image="https://c.example/1.png", primary=LINK),
                Card(
                    title="Two",
                    image="https://c.example/2.png",
                    primary=LINK,
                    secondary=LinkButton(text="More", url="https://shop.example/2"),
                ),
            ]
        ),
        {
            "type": "rich_media",
            "min_api_version": 2,
            "rich_media": {
                "Type": "rich_media",
                "Buttons": [
                    {
                        "ActionType": "open-url",
                        "ActionBody": LINK.url,
                        "Silent": True,
                        "Image": "https://c.example/1.png",
                        "Rows": 5,
                    },
                    {"ActionType": "open-url", "ActionBody": LINK.url, "Silent": True, "Text": "One", "Rows": 1},
                    LINK_BUTTON | {"Rows": 1},
                    {
                        "ActionType": "open-url",
                        "ActionBody": LINK.url,
                        "Silent": True,
                        "Image": "https://c.example/2.png",
                        "Rows": 4,
                    },
                    {"ActionType": "open-url", "ActionBody": LINK.url, "Silent": True, "Text": "Two", "Rows": 1},
                    LINK_BUTTON | {"Rows": 1},
                    {
                        "ActionType": "open-url",
                        "ActionBody": "https://shop.example/2",
                        "Silent": True,
                        "Text": "More",
                        "Rows": 1,
                    },
                ],
            },
        },
    ),
    (
        "the level follows the keyboard",
        Text(text="Hi", keyboard=Keyboard(buttons=[Button(value="a", text="A", frame=Frame())])),
        {
            "type": "text",
            "text": "Hi",
            "min_api_version": 6,
            "keyboard": keys({"ActionBody": "a", "Text": "A", "Frame": {}}),
        },
    ),
    (
        "a level that is given counts",
        Text(text="Hi", min_api_version=3),
        {"type": "text", "text": "Hi", "min_api_version": 3},
    ),
    (
        "a name of its own",
        Text(text="Hi", sender=SenderDisplay(name="Ann")),
        {"type": "text", "text": "Hi", "sender": {"name": "Ann"}},
    ),
    (
        "a picture of its own under the bot's name",
        Text(text="Hi", sender=SenderDisplay(avatar="https://c.example/a.png")),
        {"type": "text", "text": "Hi", "sender": {"name": "Shop", "avatar": "https://c.example/a.png"}},
    ),
]


@pytest.mark.parametrize(("content", "wire"), [pytest.param(*case[1:], id=case[0]) for case in SENDS])
async def test_send(content: Base, wire: dict[str, Any], viber: Stub, bot: BotConnector) -> None:
    assert check(content, Purpose.TRANSACTIONAL, bot.capabilities) == []
    viber.answer(TAKEN)
    result = await bot.send(outgoing(content))
    assert isinstance(result, Sent)
    assert result.ref == "5741311803571721087"  # Above 2^53, digit for digit.
    assert viber.last.json == {"receiver": "01234567890A=", "sender": {"name": "Shop"}} | wire
    assert (viber.last.method, viber.last.path) == ("POST", "/pa/send_message")


async def test_the_token_goes_in_its_header(viber: Stub, bot: BotConnector) -> None:
    viber.answer(TAKEN)
    await bot.send(outgoing(Text(text="Hi")))
    assert viber.last.headers["x-viber-auth-token"] == TOKEN
    assert viber.last.headers["content-type"] == "application/json"
    assert TOKEN.encode() not in viber.last.body


async def test_the_sender_is_the_channel_where_none_is_configured(viber: Stub, make_bot: MakeBot) -> None:
    viber.answer(TAKEN)
    bot = await make_bot(sender_name=None, sender_avatar="https://cdn.example/a.jpg")
    await bot.send(outgoing(Text(text="Hi")))
    assert viber.last.json["sender"] == {"name": "my-bot", "avatar": "https://cdn.example/a.jpg"}


@pytest.mark.parametrize("content", [Template(template_id="x"), Audio(url="https://cdn.example/a.mp3")])
def test_what_a_bot_cannot_send(content: Base, bot: BotConnector) -> None:
    assert [p.pointer for p in check(content, Purpose.TRANSACTIONAL, bot.capabilities)] == ["/type"]


async def test_more_than_30_kilobytes_is_not_even_tried(viber: Stub, bot: BotConnector) -> None:
    many = [Button(value="v" * 200, text="т" * 250) for _ in range(50)]
    result = await bot.send(outgoing(Text(text="Hi", keyboard=Keyboard(buttons=many))))
    assert isinstance(result, Refused)
    assert result.reason == "content_refused"
    assert result.exchange is not None
    assert "at most 30000" in (result.exchange.error or "")
    assert viber.calls == []


# -- Statuses (Bot API documentation, error codes) ---------------------------------------------------------------------

STATUSES: list[tuple[int, str, type, str]] = [
    (1, "invalidUrl", Refused, "provider_error"),
    (2, "invalidAuthToken", Refused, "bad_credentials"),
    (3, "badData", Refused, "content_refused"),
    (4, "missingData", Refused, "content_refused"),
    (5, "Not found", Refused, "not_a_viber_user"),
    (6, "notSubscribed", Refused, "not_subscribed"),
    (7, "publicAccountBlocked", Refused, "sender_blocked"),
    (8, "publicAccountNotFound", Refused, "sender_not_found"),
    (9, "publicAccountSuspended", Refused, "sender_blocked"),
    (10, "webhookNotSet", Refused, "webhook_not_set"),
    (11, "receiverNoSuitableDevice", Refused, "no_suitable_device"),
    (12, "tooManyRequests", Retry, "throttled"),
    (13, "apiVersionNotSupported", Refused, "no_suitable_device"),
    (14, "incompatibleWithVersion", Refused, "content_refused"),
    (15, "publicAccountNotAuthorized", Refused, "not_permitted"),
    (16, "inchatReplyMessageNotAllowed", Refused, "not_permitted"),
    (17, "publicAccountIsNotInline", Refused, "not_permitted"),
    (18, "noPublicChat", Refused, "not_permitted"),
    (19, "cannotSendBroadcast", Refused, "not_permitted"),
    (20, "broadcastNotAllowed", Refused, "not_permitted"),
    (21, "unsupportedCountry", Refused, "country_not_supported"),
    (22, "paymentUnsupported", Refused, "not_permitted"),
    (23, "freeMessagesExceeded", Refused, "no_credit"),
    (24, "noBalance", Refused, "no_credit"),
    (25, "something new", Refused, "provider_error"),
    (-1, "something odd", Refused, "provider_error"),
]


@pytest.mark.parametrize("with_text", [True, False])
@pytest.mark.parametrize(("status", "text", "kind", "reason"), STATUSES)
async def test_status(
    status: int, text: str, kind: type, reason: str, with_text: bool, viber: Stub, bot: BotConnector
) -> None:
    viber.answer({"status": status, "chat_hostname": "SN-CHAT-05_"} | ({"status_message": text} if with_text else {}))
    result = await bot.send(outgoing(Text(text="Hi")))
    assert type(result) is kind
    assert getattr(result, "reason", None) == reason
    assert result.exchange is not None
    assert f'"status":{status}' in (result.exchange.response or "")


def test_every_status_in_the_table_is_tested() -> None:
    assert set(statuses.BOT) <= {number for number, *_ in STATUSES}


@pytest.mark.parametrize(
    ("answer", "ref"),
    [
        ({"status": 0, "message_token": "5741311803571721087"}, "5741311803571721087"),
        ({"status": 0, "message_token": 1, "billing_status": 5, "new_member": [1]}, "1"),
        ({"status": 0}, None),
        ({"status": 0, "status_message": None, "message_token": None}, None),
    ],
)
async def test_answers_are_read_tolerantly(
    answer: dict[str, Any], ref: str | None, viber: Stub, bot: BotConnector
) -> None:
    viber.answer(Reply(answer))
    result = await bot.send(outgoing(Text(text="Hi")))
    assert isinstance(result, Sent)
    assert result.ref == ref
