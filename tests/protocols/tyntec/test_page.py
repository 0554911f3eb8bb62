"""The published tutorial, request by request: each is answered as it says, field for field."""

import re
from datetime import datetime
from uuid import UUID

import pytest

from tests.protocols.tyntec.conftest import TO, V3, Api
from tyrian.domain.content import Image, Text

pytestmark = pytest.mark.asyncio(loop_scope="module")

PICTURE = "https://upload.wikimedia.org/wikipedia/commons/6/6c/Sample_EPC_QR_code.png"
MICROSECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
MILLISECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.mark.parametrize("rate", ["transaction", "promotion", "session"])
async def test_a_text(api: Api, rate: str) -> None:
    await api.person_writes(Text(text="hello"))
    body = {
        "to": TO,
        "channel": "viber",
        "from": "1001",
        "rateType": rate,
        "content": {"type": "text", "text": "Hello world!"},
    }
    answer = await api.post(f"{V3}/messages", body)
    assert answer.status == 202
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.body) == ["messageId", "timestamp"]
    assert str(UUID(answer.body["messageId"])) == answer.body["messageId"]
    assert MICROSECONDS.fullmatch(answer.body["timestamp"])
    # Compact, as recorded: 94 bytes.
    assert len(answer.raw) == 94
    assert await api.on_network(answer.body["messageId"]) == Text(text="Hello world!")


@pytest.mark.parametrize("purpose", ["transaction", "promotion"])
async def test_an_image(api: Api, purpose: str) -> None:
    body = {
        "from": "1001",
        "to": TO,
        "channel": "viber",
        "messagePurpose": purpose,
        "content": {"contentType": "image", "image": {"url": PICTURE}},
    }
    answer = await api.post(f"{V3}/messages", body)
    assert answer.status == 202
    assert await api.on_network(answer.body["messageId"]) == Image(url=PICTURE)
    stored = await api.get(f"{V3}/messages/{answer.body['messageId']}")
    assert stored.body["viber"]["messagePurpose"] == purpose


async def test_unfilled_placeholders_are_refused(api: Api) -> None:
    answer = await api.send(rateType="transaction|promotion|session")
    assert answer.fields == {"rateType": "must be one of promotion, transaction, session"}
    config = {"callbackVersion": "2.11", "inboundMessageUrl": "<your server>", "messageStatusUrl": "<your server>"}
    answer = await api.put(f"{V3}/configurations/callbacks", config)
    assert answer.fields == dict.fromkeys(("inboundMessageUrl", "messageStatusUrl"), 'must match "^https://.*"')


@pytest.mark.parametrize("path", ["/messages/{}/status", "/{}/status", "/messages/{}/status/"])
async def test_the_status(api: Api, path: str) -> None:
    message = await api.taken()
    await api.until(message, "sent")
    await api.receipt(message, "delivered")
    answer = await api.get(V3 + path.format(message))
    assert answer.status == 200
    assert list(answer.body) == ["messageId", "deliveryChannel", "status", "timestamp"]
    assert answer.body | {"timestamp": ""} == {
        "messageId": message,
        "deliveryChannel": "viber",
        "status": "delivered",
        "timestamp": "",
    }
    assert MILLISECONDS.fullmatch(answer.body["timestamp"])


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_setting_callbacks(api: Api, method: str) -> None:
    config = {
        "callbackVersion": "2.11",
        "inboundMessageUrl": f"{api.webhook.url}/in",
        "messageStatusUrl": f"{api.webhook.url}/status",
        "eventFilter": ["InboundMessage"],
    }
    answer = await api.call(method, f"{V3}/configurations/callbacks", config)
    assert (answer.status, answer.raw) == (204, b"")
    assert (await api.get(f"{V3}/configurations/")).body["callback"] == config


async def test_a_persons_message(api: Api) -> None:
    await api.configure(callbackVersion="2.11", inboundMessageUrl=api.webhook.url, eventFilter=["InboundMessage"])
    at = datetime.fromisoformat("2020-07-13T15:14:44.812+00:00")
    await api.person_writes(Text(text="Hi!"), provider_id="5463481551745434076", at=at)
    (told,) = await api.told(1)
    assert list(told.items()) == [
        ("messageId", "5463481551745434076"),
        ("channel", "viber"),
        ("from", TO),
        ("to", "1001"),
        ("receivedAt", "2020-07-13T15:14:44Z"),
        ("content", {"contentType": "text", "text": "Hi!"}),
        ("event", "MoMessage"),
        ("timestamp", "2020-07-13T15:14:44Z"),
    ]


async def test_the_stored_message(api: Api) -> None:
    message = await api.taken("Your message")
    answer = await api.get(f"{V3}/messages/{message}")
    assert answer.raw.decode() == (
        f'{{"to":"{TO}","id":"{message}","channels":["viber"],"viber":{{"from":"1001",'
        '"components":[{"type":"text","text":"Your message"}],"messagePurpose":"promotion","contentType":"text"}}'
    )


@pytest.mark.parametrize("path", ["/messages/{}/events", "/{}/events", "{}/events", "{}/events/"])
async def test_the_events(api: Api, path: str) -> None:
    message = await api.taken()
    await api.until(message, "sent")
    await api.receipt(message, "delivered")
    body = (await api.get(V3 + path.format(message))).body
    assert list(body) == ["messageId", "history", "events"]
    times = [station.pop("happendAt") for station in body["history"]]
    assert times == sorted(times)
    assert all(MILLISECONDS.fullmatch(at) for at in times)
    assert body["history"] == [
        {"state": "message-accepted"},
        {"deliveryChannel": "viber", "state": "message-routing-success"},
        {"deliveryChannel": "viber", "state": "message-dispatching-success"},
        {"deliveryChannel": "viber", "state": "message-delivered", "details": {"from": TO}},
    ]
    assert [event["event"] for event in body["events"]] == [
        "MessageStatus::accepted",
        "MessageStatus::dispatched",
        "MessageStatus::delivered",
    ]


async def test_the_keys_of_a_station_come_in_the_recorded_order(api: Api) -> None:
    message = await api.taken()
    await api.until(message, "sent")
    await api.receipt(message, "delivered")
    history = (await api.get(f"{V3}/messages/{message}/events")).body["history"]
    assert list(history[0]) == ["happendAt", "state"]
    assert list(history[-1]) == ["deliveryChannel", "happendAt", "state", "details"]
