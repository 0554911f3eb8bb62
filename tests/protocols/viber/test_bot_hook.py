"""A bot's callbacks: who may call, what each event comes to, and what garbage does (nothing)."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from tests.protocols.viber.conftest import TOKEN
from tests.protocols.viber.stub import TOOLS, hook_request
from tyrian.domain.content import Base, Contact, Content, File, Image, Location, Sticker, Text, UrlContent, Video
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.domain.reasons import REASONS
from tyrian.engine.ports import Channel, HookAnswer, HookRequest, Opened, Subscription
from tyrian.protocols.viber.bot import BotConnector
from tyrian.protocols.viber.hooks import sign
from tyrian.protocols.viber.statuses import FAILED_WORDS

AT = datetime(2016, 3, 12, 6, 29, 57, 627000, UTC)
STAMP = 1457764197627
USER = {"id": "01234567890A=", "name": "Ann", "country": "UA", "language": "uk", "api_version": 7}


def connector(**config: Any) -> BotConnector:
    return BotConnector(Channel(7, 1, "my-bot", "viber_bot", config, {"token": TOKEN}), TOOLS)


BOT = connector()


def signed(body: bytes) -> HookRequest:
    return hook_request(body, header=sign(body, TOKEN))


def call(bot: BotConnector = BOT, **event: Any) -> HookAnswer:
    return bot.hook(signed(msgspec.json.encode(event)))


def is_empty(answer: HookAnswer) -> bool:
    return not answer.receipts and not answer.inbound and not answer.subscriptions


# -- Signatures (the vectors were computed with the stock Python library and with openssl) -----------------------------

VECTORS = [
    (
        b'{"event":"webhook","timestamp":1457764197627,"message_token":241256543215}',
        "affdc2d61c0beffae360a83fa66459cb69b3067ee60aa711572f6982d9152267",
    ),
    ('{"t":"Привет 😀"}'.encode(), "09c6f64afc5b3c39028906e85b2154d2fc1fdaba11959ec48d582e949e80960b"),
]
WEBHOOK, RIGHT = VECTORS[0]


@pytest.mark.parametrize(("body", "signature"), VECTORS)
def test_signature_vectors(body: bytes, signature: str) -> None:
    assert sign(body, TOKEN) == signature


@pytest.mark.parametrize(
    ("given_signature", "status"),
    [
        ({"header": RIGHT}, 200),
        ({"sig": RIGHT}, 200),
        ({"header": RIGHT, "sig": RIGHT}, 200),
        ({"header": "0" * 64, "sig": RIGHT}, 200),
        ({}, 403),
        ({"header": ""}, 403),
        ({"header": RIGHT[:-1]}, 403),
        ({"header": RIGHT.upper()}, 403),
        ({"sig": "ключ"}, 403),
        ({"sig": "\udcff"}, 403),
        ({"header": sign(WEBHOOK, "another token")}, 403),
        ({"header": sign(WEBHOOK + b" ", TOKEN)}, 403),
    ],
)
def test_only_a_signed_callback_is_read(given_signature: dict[str, str], status: int) -> None:
    answer = BOT.hook(hook_request(WEBHOOK, **given_signature))
    assert answer.status == status
    assert answer.body == b""
    assert is_empty(answer)


def test_a_forged_message_says_nothing() -> None:
    body = msgspec.json.encode({"event": "message", "sender": USER, "message": {"type": "text", "text": "hi"}})
    answer = BOT.hook(hook_request(body, sig="0" * 64))
    assert (answer.status, is_empty(answer)) == (403, True)


def test_only_posts_are_callbacks() -> None:
    assert BOT.hook(hook_request(WEBHOOK, method="GET", header=RIGHT)).status == 405


# -- Events ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "kind"),
    [("delivered", ReceiptKind.DELIVERED), ("seen", ReceiptKind.SEEN), ("failed", ReceiptKind.FAILED)],
)
@pytest.mark.parametrize("token", [4912661846655238148, "4912661846655238148"])
def test_receipts(event: str, kind: ReceiptKind, token: int | str) -> None:
    answer = call(
        event=event, timestamp=STAMP, message_token=token, user_id="01234567890A=", chat_hostname="SN-CHAT-05_"
    )
    [receipt] = answer.receipts
    assert (answer.status, receipt.ref, receipt.kind, receipt.at) == (200, "4912661846655238148", kind, AT)
    assert receipt.raw is not None
    assert "SN-CHAT-05_" in receipt.raw
    assert (receipt.reason is None) is (event != "failed")


@pytest.mark.parametrize(
    ("desc", "reason"),
    [
        ("failure description", "network_failed"),
        ("", "network_failed"),
        (None, "network_failed"),
        ("receiver notSubscribed", "not_subscribed"),
        ("Receiver is not registered", "not_a_viber_user"),
        ("receiverNoSuitableDevice", "no_suitable_device"),
        ("Keyboard is not valid", "content_refused"),
        ("rich_media: bad button", "content_refused"),
        ("Image is too large", "content_refused"),
        ("user has blocked the bot", "blocked_by_user"),
        ("message expired", "network_expired"),
    ],
)
def test_failed_says_why(desc: str | None, reason: str) -> None:
    [receipt] = call(event="failed", timestamp=STAMP, message_token=1, user_id="u==", desc=desc).receipts
    assert receipt.reason == reason


def test_every_reason_is_a_known_word() -> None:
    assert {reason for _, reason in FAILED_WORDS} <= set(REASONS)


def test_receipts_of_a_broadcast_are_told_apart() -> None:
    bot = connector(broadcasts=True)
    answer = call(bot, event="delivered", timestamp=STAMP, message_token=5741311803571721087, user_id="u==")
    assert [r.ref for r in answer.receipts] == ["5741311803571721087", "5741311803571721087:u=="]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"event": "subscribed", "user": USER}, ("01234567890A=", True)),
        ({"event": "unsubscribed", "user_id": "01234567890A="}, ("01234567890A=", False)),
    ],
)
def test_subscriptions(event: dict[str, Any], expected: tuple[str, bool]) -> None:
    [change] = call(timestamp=STAMP, message_token=1, **event).subscriptions
    assert isinstance(change, Subscription)
    assert (change.person, change.subscribed, change.at) == (*expected, AT)


@pytest.mark.parametrize(
    "event",
    [
        {"event": "webhook"},
        {"event": "client_status", "user": USER, "status": {"type": "payment", "code": 0}},
        {"event": "action"},
        {"event": "something_new", "members": [1, {"a": None}]},
    ],
)
def test_events_that_need_nothing_are_taken(event: dict[str, Any]) -> None:
    answer = call(timestamp=STAMP, message_token=1, **event)
    assert answer.status == 200
    assert is_empty(answer)


OPENED: dict[str, Any] = {
    "event": "conversation_started",
    "timestamp": STAMP,
    "message_token": 1,
    "type": "open",
    "context": "shop-7",
    "user": USER,
    "subscribed": False,
}


def test_a_person_who_opens_the_chat_is_welcomed() -> None:
    bot = connector(
        sender_name="Shop",
        welcome={"type": "text", "text": "Welcome!", "keyboard": {"buttons": [{"value": "go", "text": "Go"}]}},
    )
    answer = call(bot, **OPENED)
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert msgspec.json.decode(answer.body) == {
        "type": "text",
        "text": "Welcome!",
        "sender": {"name": "Shop"},
        "keyboard": {"Type": "keyboard", "Buttons": [{"ActionBody": "go", "Text": "Go"}]},
    }
    assert call(bot, event="webhook", timestamp=STAMP, message_token=2).body == b""


def test_the_link_by_which_a_person_came_is_told() -> None:
    assert call(**OPENED).opened == [Opened(str(USER["id"]), "shop-7")]
    assert not call(**{**OPENED, "context": ""}).opened


def test_without_a_welcome_the_answer_is_empty() -> None:
    answer = call(**OPENED)
    assert (answer.status, answer.body) == (200, b"")


# -- Messages from people ----------------------------------------------------------------------------------------------

MESSAGES: list[tuple[dict[str, Any], Base]] = [
    ({"type": "text", "text": "hi"}, Text(text="hi")),
    ({"type": "text", "text": "hi", "tracking_data": "t-1"}, Text(text="hi", tracking_data="t-1")),
    (
        {"type": "picture", "media": "https://v.example/a.jpg", "text": "A", "thumbnail": "https://v.example/t.jpg",
         "file_name": "a.jpg", "size": 10},
        Image(url="https://v.example/a.jpg", text="A", thumbnail="https://v.example/t.jpg"),
    ),
    ({"type": "picture", "media": "https://v.example/a.jpg", "text": ""}, Image(url="https://v.example/a.jpg")),
    (
        {"type": "video", "media": "https://v.example/v.mp4", "thumbnail": "https://v.example/t.jpg", "size": 10,
         "duration": 5, "text": "V"},
        Video(url="https://v.example/v.mp4", thumbnail="https://v.example/t.jpg", size=10, duration=5, text="V"),
    ),
    ({"type": "file", "media": "https://v.example/f", "file_name": "a.pdf", "size": 3},
     File(url="https://v.example/f", name="a.pdf", size=3)),
    ({"type": "file", "media": "https://v.example/f"}, File(url="https://v.example/f", name="file")),
    (
        {"type": "contact", "contact": {"name": "Bob", "phone_number": "+380501234567", "avatar": "https://v.example/b"}},
        Contact(name="Bob", phone="+380501234567", avatar="https://v.example/b"),
    ),
    ({"type": "contact", "text": "own", "contact": {"phone_number": "+380501234567"}},
     Contact(name="+380501234567", phone="+380501234567")),
    ({"type": "location", "location": {"lat": 50.45, "lon": 30.52, "address": "Kyiv"}},
     Location(latitude=50.45, longitude=30.52, address="Kyiv")),
    ({"type": "location", "location": {"lat": "50.45", "lon": "30.52"}}, Location(latitude=50.45, longitude=30.52)),
    ({"type": "sticker", "sticker_id": 46105, "media": "https://v.example/s.png"}, Sticker(sticker_id=46105)),
    ({"type": "sticker", "sticker_id": "46105"}, Sticker(sticker_id=46105)),
    ({"type": "url", "media": "https://shop.example"}, UrlContent(url="https://shop.example")),
    ({"type": "url", "text": "https://shop.example"}, UrlContent(url="https://shop.example")),
    # What has no neutral form comes as text rather than not at all.
    ({"type": "poll", "text": "new?"}, Text(text="new?")),
    ({"type": "poll", "media": "https://v.example/p"}, Text(text="https://v.example/p")),
    ({"text": "no type"}, Text(text="no type")),
    ({"type": "text"}, Text(text='{"type":"text"}')),
    ({"type": "picture"}, Text(text='{"type":"picture"}')),
    ({"type": "sticker", "sticker_id": "smile"}, Text(text='{"type":"sticker","sticker_id":"smile"}')),
    ({"type": "sticker"}, Text(text='{"type":"sticker"}')),
    ({"type": "location"}, Text(text='{"type":"location"}')),
    ({"type": "location", "location": {"lat": 91, "lon": 0}},
     Text(text='{"type":"location","location":{"lat":91.0,"lon":0.0}}')),
    ({"type": "contact", "text": "none"}, Text(text="none")),
    ({"type": "picture", "media": "https://v.example/" + "a" * 2000}, Text(text="https://v.example/" + "a" * 2000)),
]  # fmt: skip


@pytest.mark.parametrize(("message", "content"), MESSAGES)
def test_messages(message: dict[str, Any], content: Base) -> None:
    answer = call(
        event="message", timestamp=STAMP, message_token=4912661846655238149, sender=USER, message=message, silent=False
    )
    [inbound] = answer.inbound
    assert inbound.content == content
    assert (inbound.sender, inbound.to, inbound.provider_id) == ("01234567890A=", "my-bot", "4912661846655238149")
    assert inbound.at == AT
    words = {"text": message["text"]} if isinstance(content, Contact) and "text" in message else {}
    assert inbound.extra == {"name": "Ann", "country": "UA", "language": "uk", "api_version": 7} | words
    # What is stored must be readable again.
    assert msgspec.json.decode(msgspec.json.encode(inbound.content), type=Content) == content


def test_a_silent_tap_says_so() -> None:
    [inbound] = call(event="message", message_token=1, sender={"id": "u=="}, message={"type": "text", "text": "x"},
                     silent=True).inbound  # fmt: skip
    assert inbound.extra == {"silent": True}
    assert inbound.at is None


def test_a_message_without_a_token_is_still_recognisable() -> None:
    event: dict[str, Any] = {"event": "message", "sender": {"id": "u=="}, "message": {"type": "text", "text": "x"}}
    [one] = call(**event).inbound
    [again] = call(**event).inbound
    [other] = call(**event | {"message": {"type": "text", "text": "y"}}).inbound
    assert one.provider_id == again.provider_id != other.provider_id


def test_what_no_database_can_hold_is_left_out_of_ids() -> None:
    [inbound] = call(event="message", message_token=1, sender={"id": "u\0==", "name": "A\0"},
                     message={"type": "text", "text": "x"}).inbound  # fmt: skip
    assert (inbound.sender, inbound.extra) == ("u==", {"name": "A"})


# -- Garbage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"delivered"',
        b"\xff\xfe",
        b'{"event":"message","message":{"type":"text","text":"\xff"}}',
        b'{"event":null}',
        b'{"event":7}',
        b'{"timestamp":1}',
        b'{"event":"delivered"}',
        b'{"event":"delivered","message_token":{}}',
        b'{"event":"subscribed"}',
        b'{"event":"subscribed","user":{}}',
        b'{"event":"unsubscribed"}',
        b'{"event":"message"}',
        b'{"event":"message","sender":{"id":"u"}}',
        b'{"event":"message","sender":{"id":""},"message":{}}',
        b'{"event":"message","sender":{"id":"u"},"message":{"text":"\\ud800"}}',
        b'{"event":"seen","message_token":1,"timestamp":"noon"}',
    ],
)
def test_garbage_is_refused_and_says_nothing(body: bytes) -> None:
    answer = BOT.hook(signed(body))
    assert answer.status == 400
    assert is_empty(answer)


@pytest.mark.parametrize("stamp", [0, -1, 10**18, 10**30, None])
def test_odd_times_are_no_times(stamp: int | None) -> None:
    [receipt] = call(event="seen", message_token=1, timestamp=stamp).receipts
    assert receipt.at is None


@given(st.binary(max_size=200), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_bytes_get_an_answer(body: bytes, genuine: bool) -> None:
    answer = BOT.hook(signed(body) if genuine else hook_request(body, sig="0"))
    assert answer.status == (400 if genuine else 403)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = ["event", "timestamp", "message_token", "user_id", "user", "sender", "message", "desc", "silent", "type"]
MEMBERS = ["type", "text", "media", "sticker_id", "location", "contact", "size", "duration", "file_name", "id"]
EVENTS = ["delivered", "seen", "failed", "subscribed", "unsubscribed", "message", "conversation_started", "webhook"]
SHAPED = st.fixed_dictionaries(
    {"event": st.sampled_from(EVENTS)},
    optional={
        "message_token": st.integers(0, 2**64) | JSON,
        "timestamp": st.integers(-(2**64), 2**64) | JSON,
        "user_id": st.text(max_size=8) | JSON,
        "user": st.fixed_dictionaries({"id": st.text(max_size=8)}),
        "sender": st.fixed_dictionaries({"id": st.text(max_size=8)}, optional={"name": st.text(max_size=8)}),
        "message": st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=5),
        "desc": st.text(max_size=8),
    },
)


@given(SHAPED | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6) | JSON)
@settings(max_examples=200, deadline=None)
def test_any_json_gets_an_answer_and_what_it_says_can_be_stored(event: Any) -> None:
    try:
        body = msgspec.json.encode(event)
    except UnicodeEncodeError:
        body = b"\xed\xa0\x80"
    answer = BOT.hook(signed(body))
    assert answer.status in (200, 400)
    for inbound in answer.inbound:
        assert inbound.sender
        assert "\0" not in inbound.sender
        msgspec.json.decode(msgspec.json.encode(inbound.content), type=Content)
