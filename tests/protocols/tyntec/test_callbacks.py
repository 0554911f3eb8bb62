"""What a customer's endpoint is told, how it is signed, and where it goes."""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Any

import pytest

from tests.protocols.tyntec.conftest import TO, V2, V3, Api
from tyrian.domain import content as neutral
from tyrian.domain.content import Text

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_life(api: Api) -> None:
    await api.configure(messageStatusUrl=api.webhook.url)
    message = await api.taken(context="order-7")
    await api.until(message, "sent")
    await api.receipt(message, "delivered")
    await api.receipt(message, "seen")
    accepted, delivered, seen = await api.told(3)
    assert list(accepted) == ["event", "messageId", "channel", "userContext", "timestamp"]
    assert [told["event"] for told in (accepted, delivered, seen)] == [
        "MessageStatus::accepted",
        "MessageStatus::delivered",
        "MessageStatus::seen",
    ]
    for told in (accepted, delivered, seen):
        assert (told["messageId"], told["channel"], told["userContext"]) == (message, "viber", "order-7")
        assert datetime.fromisoformat(told["timestamp"]).tzinfo is not None
    assert (seen["from"], seen["to"]) == (TO, "1001")


async def test_without_a_context_none_comes_back(api: Api) -> None:
    await api.configure(messageStatusUrl=api.webhook.url)
    await api.taken()
    assert "userContext" not in (await api.told(1))[0]


async def test_a_refusal_is_the_channels_first_and_then_the_messages(api: Api) -> None:
    await api.configure(messageStatusUrl=api.webhook.url)
    message = await api.taken(to="385991234505")
    told = await api.told(2)
    assert [t["event"] for t in told] == ["MessageStatus::channelFailed", "MessageStatus::failed"]
    assert {t["messageId"] for t in told} == {message}
    assert [t["details"] for t in told] == [{"code": "viber::error::8", "message": "SRVC_USER_BLOCKED"}] * 2
    assert (await api.get(f"{V3}/messages/{message}/status")).body["status"] == "failed"
    body = (await api.get(f"{V3}/messages/{message}/events")).body
    assert [e["event"] for e in body["events"]] == [
        "MessageStatus::accepted",
        "MessageStatus::channelFailed",
        "MessageStatus::failed",
    ]
    assert [s["state"] for s in body["history"]][-2:] == ["message-dispatching-failed", "message-failed"]


async def test_a_channel_of_several_that_failed(api: Api) -> None:
    await api.configure(messageStatusUrl=api.webhook.url)
    body = {
        "to": "385991234504",
        "channels": ["viber", "sms"],
        "viber": {"from": "1001", "components": [{"type": "text", "text": "Hi"}]},
        "sms": {"from": "Tyrian", "contentType": "text", "text": "Hi"},
        "context": {"userContext": "c"},
    }
    message = (await api.post(f"{V2}/messages", body)).body["messageId"]
    failed, accepted = await api.told(2)
    assert (failed["event"], failed["channel"]) == ("MessageStatus::channelFailed", "viber")
    assert (accepted["event"], accepted["channel"], accepted["userContext"]) == ("MessageStatus::accepted", "sms", "c")
    await api.receipt(message, "delivered")
    (delivered,) = await api.told(1)
    assert (delivered["event"], delivered["channel"], delivered["to"]) == ("MessageStatus::delivered", "sms", "Tyrian")
    status = (await api.get(f"{V2}/messages/{message}/status")).body
    assert (status["deliveryChannel"], status["status"]) == ("sms", "delivered")


async def test_what_nobody_knows_is_unknown(api: Api) -> None:
    await api.configure(messageStatusUrl=api.webhook.url)
    message = await api.taken(to="385991234503")
    channel, end = await api.told(2)
    assert (channel["event"], end["event"]) == ("MessageStatus::channelFailed", "MessageStatus::unknown")
    assert (await api.get(f"{V3}/messages/{message}/status")).body["status"] == "unknown"


FILTERS: list[tuple[list[str], list[str]]] = [
    ([], ["accepted", "delivered", "seen"]),
    (["MessageStatus::delivered"], ["delivered"]),
    (["MessageStatus::seen", "MessageStatus::failed", "InboundMessage"], ["seen"]),
    (["MessageStatus::dispatched"], ["accepted"]),
]


@pytest.mark.parametrize(("event_filter", "expected"), FILTERS)
async def test_a_filter(api: Api, event_filter: list[str], expected: list[str]) -> None:
    await api.configure(messageStatusUrl=api.webhook.url, eventFilter=event_filter)
    message = await api.taken()
    await api.until(message, "sent")
    await api.receipt(message, "delivered")
    await api.receipt(message, "seen")
    told = await api.told(len(expected))
    assert [t["event"] for t in told] == [f"MessageStatus::{e}" for e in expected]


async def test_a_filter_of_inbound_messages_alone_brings_no_status(api: Api) -> None:
    await api.configure(
        messageStatusUrl=api.webhook.url, inboundMessageUrl=api.webhook.url, eventFilter=["InboundMessage"]
    )
    message = await api.taken()
    await api.until(message, "sent")
    await api.receipt(message, "seen")
    await api.person_writes(Text(text="Hi!"))
    (told,) = await api.told(1)
    assert told["event"] == "MoMessage"


@pytest.mark.parametrize("name", ["notificationCallbackUrl", "messageStatusUrl"])
async def test_a_messages_own_address(api: Api, name: str) -> None:
    await api.configure(messageStatusUrl=f"{api.webhook.url}/account")
    await api.taken(overrides={name: f"{api.webhook.url}/own"})
    await api.told(1)
    assert api.heard[0].path == "/own"


async def test_a_service_ids_own_address_and_filter(api: Api) -> None:
    await api.configure(messageStatusUrl=f"{api.webhook.url}/account", inboundMessageUrl=f"{api.webhook.url}/account")
    own = {"messageStatusUrl": f"{api.webhook.url}/own", "eventFilter": ["MessageStatus::seen"]}
    path = f"{V3}/configurations/channels/viber/service-ids/2002"
    assert (await api.put(f"{path}/callbacks", own)).body["callback"] == own
    message = await api.taken(**{"from": "2002"})
    await api.until(message, "sent")
    await api.receipt(message, "seen")
    await api.told(1)
    # What the service id does not say comes from the account.
    await api.person_writes(Text(text="Hi!"), "news")
    await api.told(1)
    assert [hit.path for hit in api.heard] == ["/own", "/account"]


@pytest.mark.parametrize(("method", "digest"), [("HS256", hashlib.sha256), ("HS512", hashlib.sha512)])
async def test_the_signature(api: Api, method: str, digest: Any) -> None:
    await api.configure(messageStatusUrl=api.webhook.url, signature={"secret": "a secret of ours", "method": method})
    await api.taken()
    await api.told(1)
    hit = api.heard[0]
    at = hit.headers["x-request-timestamp"]
    made = hmac.new(b"a secret of ours", at.encode() + b"\n" + hit.body, digest).digest()
    assert hit.headers["x-signature"] == base64.urlsafe_b64encode(made).decode()
    assert hit.headers["x-signature-version"] == "V1.0"
    assert datetime.fromisoformat(at).tzinfo is not None


async def test_a_header_of_the_customers(api: Api) -> None:
    await api.configure(messageStatusUrl=api.webhook.url, header={"key": "x-shop-key", "value": "open sesame"})
    await api.taken()
    await api.told(1)
    assert api.heard[0].headers["x-shop-key"] == "open sesame"
    assert "x-signature" not in api.heard[0].headers


INBOUND: list[tuple[neutral.Base, dict[str, Any]]] = [
    (
        neutral.Image(url="https://m.example.com/a.png", text="Look"),
        {"contentType": "media", "media": {"type": "image", "url": "https://m.example.com/a.png", "caption": "Look"}},
    ),
    (
        neutral.File(url="https://m.example.com/a.pdf", name="a.pdf"),
        {
            "contentType": "media",
            "media": {"type": "document", "url": "https://m.example.com/a.pdf", "caption": "a.pdf"},
        },
    ),
    (
        neutral.Video(url="https://m.example.com/a.mp4"),
        {"contentType": "media", "media": {"type": "video", "url": "https://m.example.com/a.mp4"}},
    ),
    (
        neutral.Audio(url="https://m.example.com/a.mp3"),
        {"contentType": "media", "media": {"type": "audio", "url": "https://m.example.com/a.mp3"}},
    ),
    (
        neutral.Location(latitude=45.8, longitude=15.9),
        {"contentType": "location", "location": {"longitude": 15.9, "latitude": 45.8}},
    ),
    (neutral.UrlContent(url="https://m.example.com"), {"contentType": "text", "text": "https://m.example.com"}),
    (neutral.Sticker(sticker_id=7), {"contentType": "unknown"}),
]


@pytest.mark.parametrize(("said", "expected"), INBOUND, ids=lambda value: type(value).__name__)
async def test_what_people_send(api: Api, said: neutral.Base, expected: dict[str, Any]) -> None:
    await api.configure(inboundMessageUrl=api.webhook.url)
    await api.person_writes(said)
    assert (await api.told(1))[0]["content"] == expected


async def test_a_message_that_comes_twice_is_told_once(api: Api) -> None:
    await api.configure(inboundMessageUrl=api.webhook.url)
    for words in ("one", "one", "two"):
        await api.person_writes(Text(text=words), provider_id=f"id-{words}")
    assert [told["content"]["text"] for told in await api.told(2)] == ["one", "two"]


async def test_an_sms_that_a_person_sends(api: Api) -> None:
    await api.configure(inboundMessageUrl=api.webhook.url)
    await api.person_writes(Text(text="Hi"), "text")
    assert (await api.told(1))[0]["channel"] == "sms"
