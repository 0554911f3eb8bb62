"""Infobip's dialect on both sides: one gateway sends through it, the other answers like it, handsets stand behind."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.loop.harness import Loop, Vendor, loop
from tyrian.domain import content as neutral, keyboard as board
from tyrian.domain.content import Base
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Step
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.protocols.infobip import wire
from tyrian.protocols.infobip.inbound_routes import (
    ChannelName,
    ConfigurationRequest,
    Forwarding,
    inbound_routes_of,
)
from tyrian.simulator.handsets import Line, Via
from tyrian.store.embedded import EmbeddedPostgres

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "key-of-the-loop"
TOKEN = "token-of-the-loop"
MEDIA = "https://cdn.example/a.jpg"
VIDEO = "https://cdn.example/v.mp4"
BUTTON = neutral.LinkButton(text="Track", url="https://shop.example/7")
BOT = Line(Via.BOT, "tyriandemo")


def channels(far_url: str) -> list[ChannelSpec]:
    secrets = {"api_key": KEY, "callback_token": TOKEN}
    settings: list[tuple[str, str, str, dict[str, str]]] = [
        ("business", "viber", "demo-viber", secrets),
        ("bot", "viber_bot", "demo-bot", secrets),
        ("unknown", "viber", "nobody", secrets),
        ("locked", "viber", "demo-viber", {"api_key": "wrong"}),
    ]
    return [
        ChannelSpec(
            name=name,
            kind="infobip",
            config={"base_url": far_url, "sender": sender, "product": product},
            secrets=dict(known),
        )
        for name, product, sender, known in settings
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def vendor(postgres: EmbeddedPostgres) -> AsyncIterator[Loop]:
    keys = [{"face": "infobip", "secret": KEY}]
    async with loop(postgres, Vendor(keys=keys, channels=channels)) as opened:
        products: dict[str, ChannelName] = {"business": "VIBER_BM", "bot": "VIBER_BOT"}
        for name, channel in products.items():
            forwarding = Forwarding(type="HTTP_FORWARD", url=f"{opened.hook_url(name)}?token={TOKEN}")
            request = ConfigurationRequest(channel=channel, forwarding=forwarding)
            await inbound_routes_of(opened.far).apply(opened.far_account, request)
        yield opened


# -- Businesses -------------------------------------------------------------------------------------------------------

BUY = neutral.LinkButton(text="Buy", url=BUTTON.url)
CARDS = [neutral.Card(title=f"Shoe {n}", image=MEDIA, primary=BUY) for n in (1, 2)]
TEMPLATE = neutral.Template(template_id="t-1", language="en", parameters={"name": "Ann"})
PICTURE = neutral.Image(url=MEDIA, text="look", button=BUTTON)
SALE, NEWS = Purpose.PROMOTIONAL, Purpose.TRANSACTIONAL
BUSINESS: list[tuple[str, Base, Purpose, dict[str, Any]]] = [
    ("text", neutral.Text(text="hello"), NEWS, {"#txt": "hello"}),
    ("text+button", neutral.Text(text="hello", button=BUTTON), SALE, {"#caption": "Track", "#action": BUTTON.url}),
    ("image", neutral.Image(url=MEDIA), SALE, {"#img": MEDIA}),
    ("image+text+button", PICTURE, SALE, {"#img": MEDIA, "#txt": "look", "#action": BUTTON.url}),
    ("list", neutral.Survey(text="Size?", options=["S", "M"]), NEWS, {"#txt": "Size?"}),
    ("carousel", neutral.Carousel(text="New", cards=CARDS), SALE, {"#txt": "New"}),
    ("template", TEMPLATE, NEWS, {}),
]


@pytest.mark.parametrize(("content", "purpose", "shown"), [pytest.param(*c[1:], id=c[0]) for c in BUSINESS])
async def test_every_business_content_arrives(
    vendor: Loop, content: Base, purpose: Purpose, shown: dict[str, Any]
) -> None:
    to = vendor.person()
    message = await vendor.send("business", content, to, purpose=purpose)
    await vendor.told(message, "sent", "delivered", "seen")
    (seen,) = vendor.handset(to).messages
    assert shown.items() <= seen.content.get("message", {}).items()
    label = "promotion" if purpose is Purpose.PROMOTIONAL else "transaction"
    assert seen.content["label"] == label


async def test_a_file_or_video_arrives_with_its_size(vendor: Loop) -> None:
    """The dialect has no member for it, and Viber must be told: far asks the server that has the file."""
    url = f"{vendor.customer_url}/media"
    film = neutral.Video(url=f"{url}/a.mp4", duration=5, thumbnail=MEDIA)
    for content, purpose in ((neutral.File(url=f"{url}/a.pdf", name="a.pdf"), NEWS), (film, SALE)):
        to = vendor.person()
        message = await vendor.send("business", content, to, purpose=purpose)
        await vendor.told(message, "sent", "delivered", "seen")
        (seen,) = vendor.handset(to).messages
        assert seen.content["file_size"] == 1000


OUTCOMES: list[tuple[str, tuple[str, ...], str, str | None]] = [
    ("01", ("sent", "delivered", "seen"), "seen", None),
    ("02", ("sent", "delivered"), "delivered", None),
    ("04", ("sent", "failed"), "failed", "not_a_viber_user"),
    ("05", ("sent", "failed"), "failed", "blocked_by_user"),
    ("08", ("sent", "delivered", "seen"), "seen", None),
]


@pytest.mark.parametrize(("ends", "told", "status", "reason"), OUTCOMES)
async def test_every_outcome_is_told(
    vendor: Loop, ends: str, told: tuple[str, ...], status: str, reason: str | None
) -> None:
    message = await vendor.send("business", neutral.Text(text="hello"), vendor.person(ends))
    callbacks = await vendor.told(message, *told)
    assert await vendor.status(message) == (status, reason)
    assert {callback["data"] for callback in callbacks} == {"order-7"}


async def test_seen_without_delivered(vendor: Loop) -> None:
    message = await vendor.send("business", neutral.Text(text="hello"), vendor.person("06"))
    callbacks = await vendor.told_last(message, "seen")
    assert callbacks[0]["message"]["status"] == "sent"


async def test_a_phone_that_is_off_expires_and_falls_back(vendor: Loop) -> None:
    to, other = vendor.person("09"), vendor.person()
    text = neutral.Text(text="hello")
    fallback = Step(channel="business", content=text, to=other)
    message = await vendor.send("business", text, to, fallback_time=30, then=[fallback])
    await vendor.told_last(message, "seen")
    assert len(vendor.handset(other).messages) == 1


async def test_what_is_refused_at_once(vendor: Loop) -> None:
    text = neutral.Text(text="hello")
    nobody = await vendor.send("unknown", text, vendor.person())
    await vendor.told(nobody, "failed")
    assert await vendor.status(nobody) == ("failed", "sender_not_found")
    locked = await vendor.send("locked", text, vendor.person())
    await vendor.told(locked, "failed")
    assert await vendor.status(locked) == ("failed", "bad_credentials")


async def test_no_secret_is_in_what_is_shown(vendor: Loop) -> None:
    message = await vendor.send("business", neutral.Text(text="hello"), vendor.person())
    await vendor.told(message, "sent", "delivered", "seen")
    exchanges = await vendor.exchanges(message)
    assert exchanges
    assert all(secret not in str(exchange) for exchange in exchanges for secret in (KEY, TOKEN))


async def test_an_attempt_that_was_sent_twice_arrives_once(vendor: Loop) -> None:
    """The answer to the first send is lost, and the second is told that it is a duplicate."""
    to = vendor.person()
    with vendor.losing_answers(wire.BUSINESS_MESSAGES, to[1:]) as lost:
        message = await vendor.send("business", neutral.Text(text="hello"), to)
        await vendor.told_last(message, "seen")
    assert lost
    assert len(vendor.handset(to).messages) == 1
    assert [exchange["status"] for exchange in await vendor.exchanges(message)] == [504, 200]
    assert "REJECTED_DUPLICATE_MESSAGE_ID" in (await vendor.exchanges(message))[1]["response"]


# -- Bots -------------------------------------------------------------------------------------------------------------

KEYS = board.Keyboard(
    buttons=[
        board.Button(value="yes", text="Yes", columns=3, rows=1, text_size="large", background="#112233"),
        board.Button(
            action="open-url",
            value="https://shop.example",
            text="Shop",
            columns=3,
            rows=1,
            silent=True,
            browser=board.Browser(custom_title="Shop", mode="partial-size"),
        ),
    ],
    background="#FFFFFF",
    input_field="hidden",
)
GRID = [board.Button(value="a", text="A", columns=6, rows=7), board.Button(value="b", text="B", columns=6, rows=7)]
BOTS: list[tuple[str, Base, dict[str, Any]]] = [
    ("text", neutral.Text(text="hello"), {"type": "text", "text": "hello"}),
    (
        "image",
        neutral.Image(url=MEDIA, text="look", thumbnail=MEDIA),
        {"type": "picture", "media": MEDIA, "text": "look"},
    ),
    ("video", neutral.Video(url=VIDEO, size=1000, duration=5), {"type": "video", "media": VIDEO, "size": 1000}),
    ("file", neutral.File(url=MEDIA, name="a.jpg", size=10), {"type": "file", "file_name": "a.jpg"}),
    ("location", neutral.Location(latitude=44.9, longitude=13.8), {"type": "location"}),
    ("contact", neutral.Contact(name="Ann", phone="385991234567"), {"type": "contact"}),
    ("sticker", neutral.Sticker(sticker_id=40133), {"type": "sticker", "sticker_id": 40133}),
    ("url", neutral.UrlContent(url="https://shop.example"), {"type": "url", "media": "https://shop.example"}),
    ("carousel", neutral.Carousel(buttons=GRID), {"type": "rich_media"}),
]


def user(number: str) -> str:
    """The id by which bots know the holder of a number."""
    return f"u{number[1:]}=="


@pytest.mark.parametrize(("content", "shown"), [pytest.param(*c[1:], id=c[0]) for c in BOTS])
async def test_every_bot_content_arrives(vendor: Loop, content: Base, shown: dict[str, Any]) -> None:
    number = vendor.person()
    message = await vendor.send("bot", content, user(number))
    await vendor.told(message, "sent", "delivered", "seen")
    (seen,) = vendor.handset(number).messages
    assert shown.items() <= seen.content.items()


async def test_a_keyboard_arrives_whole(vendor: Loop) -> None:
    """What both gateways make of a keyboard is what one alone makes of it."""
    through, direct = vendor.person(), vendor.person()
    content = neutral.Text(text="Pick", keyboard=KEYS, sender=neutral.SenderDisplay(name="Shop", avatar=MEDIA))
    message = await vendor.send("bot", content, user(through))
    await vendor.told(message, "sent", "delivered", "seen")
    (seen,) = vendor.handset(through).messages
    await vendor.far_sends("demo-bot", content, user(direct))
    (expected,) = vendor.handset(direct).messages
    assert seen.content["keyboard"] == expected.content["keyboard"]
    assert seen.content["sender"] == expected.content["sender"]


# -- People -----------------------------------------------------------------------------------------------------------


async def test_what_people_write_to_a_business_comes_back(vendor: Loop) -> None:
    to = vendor.person("11")
    message = await vendor.send("business", neutral.Text(text="hello", tracking_data="t-7"), to)
    await vendor.told(message, "sent", "delivered", "seen")
    said = await vendor.heard_from(to)
    assert said["message"]["content"]["text"] == "echo: hello"


SAID: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "text", "text": "yes"}, {"type": "text", "text": "yes"}),
    ({"type": "picture", "media": MEDIA, "text": "look"}, {"type": "image", "url": MEDIA, "text": "look"}),
    (
        {"type": "video", "media": VIDEO, "size": 10, "duration": 5},
        {"type": "video", "url": VIDEO, "size": 10, "duration": 5},
    ),
    (
        {"type": "file", "media": MEDIA, "file_name": "a.pdf", "size": 3},
        {"type": "file", "url": MEDIA, "name": "a.pdf", "size": 3},
    ),
    (
        {"type": "contact", "contact": {"name": "Ann", "phone_number": "1"}},
        {"type": "contact", "name": "Ann", "phone": "1"},
    ),
    (
        {"type": "location", "location": {"lat": 1.5, "lon": 2.5}},
        {"type": "location", "latitude": 1.5, "longitude": 2.5},
    ),
    ({"type": "sticker", "sticker_id": 46105, "media": MEDIA}, {"type": "sticker", "sticker_id": 46105}),
]


@pytest.mark.parametrize(("said", "content"), SAID, ids=[str(s["type"]) for s, _ in SAID])
async def test_what_people_write_to_a_bot_comes_back(
    vendor: Loop, said: dict[str, Any], content: dict[str, Any]
) -> None:
    number = vendor.person()
    message = await vendor.send("bot", neutral.Text(text="hello"), user(number))
    await vendor.told(message, "sent", "delivered", "seen")
    vendor.handset(number).say(said, BOT)
    heard = await vendor.heard_from(user(number))
    assert content.items() <= heard["message"]["content"].items()
