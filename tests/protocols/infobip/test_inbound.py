"""Where people's messages go, and how they are told there."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.engine.customer import Customer
from tests.protocols.infobip.conftest import USER, Api, business, message
from tyrian.domain import content as neutral
from tyrian.domain.content import Base
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.ports import Inbound
from tyrian.protocols.infobip.inbound_routes import inbound_routes_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/resource-management/1/inbound-message-configurations"
MEDIA = "https://cdn.example/a.jpg"
PERSON = "+385991234501"


def forward(url: str, channel: str = "VIBER_BM", resource: str = "demo-viber", **more: Any) -> dict[str, Any]:
    return {"channel": channel, "resource": resource, "forwarding": {"type": "HTTP_FORWARD", "url": url}, **more}


async def hears(api: Api, channel: str, content: Base, **extra: Any) -> str:
    """A person writes; returns the network's id of it."""
    entry = api.gateway.channels.get(api.account_id, channel)
    assert entry is not None
    person, to = (PERSON, "1001") if channel == "demo-viber" else (USER, channel)
    inbound = Inbound(person, to, content, str(uuid4()), extra=extra)
    await api.gateway.inbound.submit(entry.channel, [inbound])
    return inbound.provider_id


async def test_a_business_hears_text_and_files(api: Api) -> None:
    async with Customer() as customer:
        assert (await api.post(PATH, forward(customer.url))).status == 200
        options = {"platform": {"entityId": "e", "applicationId": "a"}}
        sent = await api.business(business("hello", options=options, webhooks={"callbackData": "cb"}))
        identifier = sent.body["messages"][0]["messageId"]
        await api.until(identifier, "sent")
        await hears(api, "demo-viber", neutral.Text(text="yes please", tracking_data="t"))
        told = (await customer.next()).json
        await hears(api, "demo-viber", neutral.Image(url=MEDIA, text="look"))
        picture = (await customer.next()).json["results"][0]["message"]
        await hears(api, "demo-viber", neutral.Location(latitude=1.5, longitude=2.5))
        place = (await customer.next()).json["results"][0]["message"]
    assert (told["messageCount"], told["pendingMessageCount"]) == (1, 0)
    (result,) = told["results"]
    assert {"receivedAt", "messageId"} <= set(result)
    assert {k: v for k, v in result.items() if k not in ("receivedAt", "messageId")} == {
        "entityId": "e",
        "applicationId": "a",
        "sender": "385991234501",
        "to": "demo-viber",
        "integrationType": "VIBER",
        "pairedMessageId": identifier,
        "callbackData": "cb",
        "message": {"type": "TEXT", "text": "yes please", "trackingData": "t"},
        "price": {"pricePerMessage": 0, "currency": "EUR"},
    }
    assert picture == {"type": "FILE", "url": MEDIA, "fileName": "a.jpg", "text": "look"}
    assert place == {"type": "TEXT", "text": "1.5,2.5"}


SAID: list[tuple[Base, dict[str, Any]]] = [
    (neutral.Text(text="hi", tracking_data="t"), {"type": "TEXT", "text": "hi", "trackingData": "t"}),
    (
        neutral.Image(url=MEDIA, thumbnail=MEDIA, text="look"),
        {"type": "IMAGE", "url": MEDIA, "thumbnailUrl": MEDIA, "text": "look"},
    ),
    (
        neutral.Video(url=MEDIA, size=9, duration=3, text="look"),
        {"type": "VIDEO", "url": MEDIA, "size": 9, "duration": 3, "description": "look"},
    ),
    (neutral.File(url=MEDIA, name="a.pdf", size=9), {"type": "FILE", "url": MEDIA, "fileName": "a.pdf", "size": 9}),
    (neutral.Audio(url=MEDIA, duration=3), {"type": "FILE", "url": MEDIA, "fileName": "a.jpg"}),
    (neutral.Sticker(sticker_id=7), {"type": "STICKER", "id": "7"}),
    (neutral.Contact(name="Ann", phone="1"), {"type": "CONTACT", "contact": {"phoneNumber": "1", "name": "Ann"}}),
    (
        neutral.Location(latitude=1.5, longitude=2.5, address="here"),
        {"type": "LOCATION", "location": {"latitude": 1.5, "longitude": 2.5, "address": "here"}},
    ),
    (neutral.UrlContent(url=MEDIA), {"type": "TEXT", "text": MEDIA}),
]


async def test_a_bot_hears_everything(api: Api) -> None:
    async with Customer() as customer:
        await api.post(PATH, forward(customer.url, "VIBER_BOT", "OFFICIAL-ACCOUNT-ID-123"))
        await api.bot(message("hello", sender="OFFICIAL-ACCOUNT-ID-123"))
        (sent,) = await api.sends(1)
        await api.until(sent.message_id, "sent")
        for content, expected in SAID:
            await hears(api, "demo-bot", content, name="Ann", country="HR", api_version=10)
            (result,) = (await customer.next()).json["results"]
            assert (result["sender"], result["to"]) == (USER, "OFFICIAL-ACCOUNT-ID-123")
            assert result["integrationType"] == "VIBER_BOT"
            event = result["message"]
            assert event["type"] == "MESSAGE"
            assert event["sender"] == {"id": USER, "name": "Ann", "country": "HR", "apiVersion": "10"}
            assert event["silent"] is False
            assert isinstance(event["timestamp"], int)
            assert len(event["messageToken"]) == 19
            assert event["message"] == expected


async def test_the_closest_configuration_wins(api: Api) -> None:
    async with Customer() as every, Customer() as keyword, Customer() as subscribed:
        subscription = {
            "subscriptionId": "s",
            "events": ["INBOUND_MESSAGE"],
            "profile": {
                "profileId": "p",
                "webhook": {"notifyUrl": subscribed.url},
                "security": {"authId": "x", "type": "BASIC", "credentials": {"username": "u", "password": "p"}},
            },
        }
        assert (await api.post("/subscriptions/1/subscription/VIBER", subscription)).status == 201
        await hears(api, "demo-viber", neutral.Text(text="first"))
        told = await subscribed.next()
        assert told.json["results"][0]["message"]["text"] == "first"
        assert told.headers["authorization"] == "Basic dTpw"
        await api.post(PATH, forward(every.url))
        await api.post(PATH, forward(keyword.url, keyword="STOP"))
        await hears(api, "demo-viber", neutral.Text(text="stop it"))
        told = await keyword.next()
        assert told.json["results"][0]["message"]["text"] == "stop it"
        assert "authorization" not in told.headers
        await hears(api, "demo-viber", neutral.Text(text="go on"))
        assert (await every.next()).json["results"][0]["message"]["text"] == "go on"


async def test_a_configuration_is_made_changed_and_removed(api: Api) -> None:
    request = forward("https://shop.example/a", username="ann", conversations={"enabled": True})
    made = (await api.post(PATH, request)).body
    assert made["forwarding"] == {"type": "HTTP_FORWARD", "url": "https://shop.example/a"}
    change = {"channel": "VIBER_BM", "resource": "demo-viber", "unset": ["USERNAME", "FORWARDING"]}
    changed = (await api.post(PATH, change)).body
    assert changed["configurationKey"] == made["configurationKey"]
    assert "username" not in changed
    assert "forwarding" not in changed
    assert changed["conversations"] == {"enabled": True}
    await api.post(PATH, forward("https://shop.example/b", "VIBER_BOT", "demo-bot"))
    assert (await api.get(PATH, channel="VIBER_BM")).body == [changed]
    key = made["configurationKey"]
    assert (await api.call("DELETE", f"{PATH}/{key}")).status == 204
    left = await inbound_routes_of(api.gateway).all(api.account_id)
    assert [configuration.channel for configuration in left] == ["VIBER_BOT"]


async def test_of_changes_at_once_none_is_lost(api: Api) -> None:
    named = {"channel": "VIBER_BM", "resource": "demo-viber"}
    given = {"username": "ann", "conversations": {"enabled": True}, "answers": {"a": 1}, "autoResponse": {"b": 2}}
    await asyncio.gather(*(api.post(PATH, {**named, name: value}) for name, value in given.items()))
    (made,) = (await api.get(PATH, channel="VIBER_BM")).body
    assert {name: made.get(name) for name in given} == given


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({}, "channel", "must not be null"),
    ({"channel": "SMS", "resource": "x"}, "channel", "invalid value"),
    ({"channel": "VIBER_BM"}, "resource", "must not be null"),
    (forward("shop"), "forwarding.url", "is not a valid url"),
    ({"channel": "VIBER_BM", "resource": "x", "forwarding": {"type": "MAIL", "url": "https://a"}}, "forwarding.type",
     "invalid value"),
    ({"channel": "VIBER_BM", "resource": "x", "unset": ["ALL"]}, "unset[0]", "invalid value"),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "place", "words"), WRONG)
async def test_what_is_wrong_is_said(api: Api, request_: dict[str, Any], place: str, words: str) -> None:
    found = await api.post(PATH, request_)
    assert (found.status, found.body["requestError"]["serviceException"]["messageId"]) == (400, "BAD_REQUEST")
    assert found.violations[place] == words


async def test_what_is_not_there(api: Api) -> None:
    found = await api.call("DELETE", f"{PATH}/none%00")
    assert (found.status, found.body["requestError"]["serviceException"]["messageId"]) == (404, "NOT_FOUND")
    assert (await api.get(PATH)).status == 400
    reader = await api.with_key(scopes=["messages:read"])
    assert (await reader.get(PATH, channel="VIBER_BM")).status == 403


async def test_who_does_not_speak_the_dialect_gets_no_queue(api: Api) -> None:
    silent = await api.account(ChannelSpec(name="demo-viber", kind="viber"))
    for key in await api.gateway.keys.list(silent.account_id):
        await api.gateway.keys.revoke(silent.account_id, key.id)
    await hears(silent, "demo-viber", neutral.Text(text="hello"))
    sql = "SELECT count(*) FROM callbacks WHERE account_id = $1"
    assert await api.gateway.db.fetchval(sql, silent.account_id) == 0
