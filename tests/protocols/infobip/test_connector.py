"""The connector by itself: the bytes that it sends, what it makes of answers, and what it hears at its hook."""

import asyncio
import base64
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, strategies as st

from tests.clock import ManualClock
from tests.engine.customer import Behaviour, Customer, answer
from tyrian.domain import content as neutral
from tyrian.domain.content import Base
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.domain.problem import Problem
from tyrian.domain.purpose import Purpose
from tyrian.domain.reasons import REASONS
from tyrian.engine.ports import (
    Channel,
    HookRequest,
    Outgoing,
    Refused,
    Retry,
    SendResult,
    Sent,
    Tools,
    Unknown,
)
from tyrian.protocols.infobip import statuses
from tyrian.protocols.infobip.channel import address, kind
from tyrian.protocols.infobip.connector import InfobipConnector

ATTEMPT = UUID("0190c5f0-7d0a-7cc5-8b1e-2f9d3c4b5a69")
TOKEN = "token-of-the-test"
MEDIA = "https://cdn.example/a.jpg"
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "infobip.md"


class _NoSink:
    async def receipts(self, *_: object) -> None: ...
    async def inbound(self, *_: object) -> None: ...


def connector(
    base_url: str = "http://127.0.0.1:1", secrets: dict[str, str] | None = None, **config: Any
) -> InfobipConnector:
    given = {"callback_token": TOKEN} if secrets is None else secrets
    settings = {"sender": "Shop", "base_url": base_url, **config}
    channel = Channel(7, 1, "infobip", "infobip", settings, {"api_key": "key", **given})
    made = kind.make(channel, Tools(ManualClock(), _NoSink(), "https://gateway.example"))
    assert isinstance(made, InfobipConnector)
    return made


def outgoing(content: Base, *, to: str = "+385991234501", purpose: Purpose = Purpose.TRANSACTIONAL) -> Outgoing:
    return Outgoing(ATTEMPT, ATTEMPT, to, content, purpose, 600)


# -- Sending ----------------------------------------------------------------------------------------------------------

BUTTON = neutral.LinkButton(text="Go", url="https://shop.example")
HOOK = f"https://gateway.example/hooks/7?token={TOKEN}"
WEBHOOKS = {
    "delivery": {"url": HOOK, "notify": True},
    "contentType": "application/json",
    "seen": {"url": HOOK},
}
BUSINESS: list[tuple[str, Base, Purpose, dict[str, Any], dict[str, Any]]] = [
    (
        "text",
        neutral.Text(text="hi", button=BUTTON, tracking_data="t"),
        Purpose.PROMOTIONAL,
        {"type": "TEXT", "text": "hi", "button": {"title": "Go", "action": "https://shop.example"}},
        {"label": "PROMOTIONAL", "trackingData": "t"},
    ),
    (
        "image in a session",
        neutral.Image(url=MEDIA),
        Purpose.SESSION,
        {"type": "IMAGE", "mediaUrl": MEDIA},
        {"label": "TRANSACTIONAL", "applySessionRate": True},
    ),
    (
        "video that its button plays",
        neutral.Video(url=MEDIA, duration=65, thumbnail=MEDIA, button=neutral.LinkButton(text="Play", url=MEDIA)),
        Purpose.PROMOTIONAL,
        {
            "type": "VIDEO",
            "mediaUrl": MEDIA,
            "mediaDuration": "PT65S",
            "thumbnailUrl": MEDIA,
            "button": {"title": "Play"},
        },
        {"label": "PROMOTIONAL"},
    ),
    (
        "file",
        neutral.File(url=MEDIA, name="a.pdf"),
        Purpose.TRANSACTIONAL,
        {"type": "FILE", "fileName": "a.pdf", "mediaUrl": MEDIA},
        {"label": "TRANSACTIONAL"},
    ),
    (
        "list",
        neutral.Survey(text="?", options=["a", "b"]),
        Purpose.TRANSACTIONAL,
        {"type": "LIST", "text": "?", "options": ["a", "b"]},
        {"label": "TRANSACTIONAL"},
    ),
    (
        "template, which takes no tracking data",
        neutral.Template(template_id="t-1", language="en", parameters={"pin": "1"}, tracking_data="t"),
        Purpose.OTP,
        {"type": "TEMPLATE", "templateId": "t-1", "language": "en", "parameters": {"pin": "1"}},
        {"label": "TRANSACTIONAL"},
    ),
    (
        "carousel",
        neutral.Carousel(text="new", cards=[neutral.Card(title="Shoe", image=MEDIA, primary=BUTTON)]),
        Purpose.PROMOTIONAL,
        {
            "type": "CAROUSEL",
            "text": "new",
            "cards": [
                {
                    "text": "Shoe",
                    "mediaUrl": MEDIA,
                    "buttons": [{"title": "Go", "action": "https://shop.example"}],
                }
            ],
        },
        {"label": "PROMOTIONAL"},
    ),
]


@pytest.mark.parametrize(("content", "purpose", "said", "options"), [pytest.param(*c[1:], id=c[0]) for c in BUSINESS])
async def test_a_business_message_byte_for_byte(
    content: Base, purpose: Purpose, said: dict[str, Any], options: dict[str, Any]
) -> None:
    async with Customer(answer(500)) as infobip:
        made = connector(f"http://127.0.0.1:{infobip.port}")
        await made.send(outgoing(content, purpose=purpose))
        await made.close()
        request = await infobip.next()
    assert request.line == "POST /viber/2/messages HTTP/1.1"
    assert request.headers["authorization"] == "App key"
    assert request.json == {
        "messages": [
            {
                "sender": "Shop",
                "destinations": [{"to": "385991234501", "messageId": str(ATTEMPT)}],
                "content": said,
                "options": {"validityPeriod": {"amount": 600, "timeUnit": "SECONDS"}, **options},
                "webhooks": WEBHOOKS,
            }
        ]
    }


async def test_a_bots_message_byte_for_byte() -> None:
    async with Customer(answer(500)) as infobip:
        made = connector(f"http://127.0.0.1:{infobip.port}", product="viber_bot")
        await made.send(outgoing(neutral.Sticker(sticker_id=40133), to="+iE8dEwjQEda4/VugaE+A=="))
        await made.close()
        request = await infobip.next()
    assert request.line == "POST /viber-bot/1/messages HTTP/1.1"
    (message,) = request.json["messages"]
    assert message["destinations"] == [{"to": "+iE8dEwjQEda4/VugaE+A==", "messageId": str(ATTEMPT)}]
    assert message["content"] == {"type": "STICKER", "stickerId": 40133}
    assert message["options"] == {"validityPeriod": {"amount": 600, "timeUnit": "SECONDS"}}


def taken(name: str) -> bytes:
    """An answer with a status by its name."""
    one = {"messageId": str(ATTEMPT), "status": statuses.STATUSES[name], "destination": "385991234501"}
    return answer(200, msgspec.json.encode({"bulkId": "b", "messages": [one]}), content_type="application/json")


ANSWERS: list[tuple[str, bytes, SendResult]] = [
    ("accepted", taken("PENDING_ACCEPTED"), Sent(str(ATTEMPT))),
    ("sent before", taken("REJECTED_DUPLICATE_MESSAGE_ID"), Sent(str(ATTEMPT))),
    ("unknown sender", taken("REJECTED_SOURCE"), Refused("sender_not_found")),
    ("bad address", taken("REJECTED_DESTINATION"), Refused("invalid_recipient")),
    ("no credit", taken("REJECTED_NOT_ENOUGH_CREDITS"), Refused("no_credit")),
    ("flooded", taken("REJECTED_FLOODING_FILTER"), Retry("throttled")),
    ("their own trouble", taken("REJECTED_SYSTEM_ERROR"), Retry("provider_error")),
    ("malformed", answer(400, b'{"errorCode":"E400"}'), Refused("content_refused")),
    ("unauthorised", answer(401), Refused("bad_credentials")),
    ("forbidden", answer(403), Refused("bad_credentials")),
    ("not found", answer(404), Refused("provider_error")),
    ("too many", answer(429, b"", Retry_After="7"), Retry("throttled", 7.0)),
    ("broken", answer(500), Retry("provider_error")),
    ("a proxy gave up", answer(504), Unknown("no_answer")),
    ("no message in it", answer(200, b'{"messages":[]}'), Unknown("provider_garbage")),
    ("HTML", answer(200, b"<html>"), Unknown("provider_garbage")),
]


@pytest.mark.parametrize(("said", "result"), [pytest.param(*c[1:], id=c[0]) for c in ANSWERS])
async def test_what_an_answer_means(said: bytes, result: SendResult) -> None:
    async with Customer(said) as infobip:
        made = connector(f"http://127.0.0.1:{infobip.port}")
        found = await made.send(outgoing(neutral.Text(text="hi")))
        await made.close()
    assert found.exchange is not None
    assert "key" not in str(found.exchange).replace("key-", "")
    assert TOKEN not in str(found.exchange)
    found.exchange = None
    assert found == result


async def test_a_content_that_the_product_lacks_is_not_sent() -> None:
    made = connector()
    result = await made.send(outgoing(neutral.Location(latitude=1, longitude=2)))
    assert isinstance(result, Refused)
    assert result.reason == "content_refused"


async def _log_of(status: int) -> Behaviour:
    async def behave(request: Any, writer: asyncio.StreamWriter) -> None:
        assert request.line == "GET /viber/2/logs?limit=1 HTTP/1.1"
        writer.write(answer(status, b"{}"))
        await writer.drain()

    return behave


@pytest.mark.parametrize(("status", "ok"), [(200, True), (403, True), (401, False), (502, False)])
async def test_health(status: int, ok: bool) -> None:
    async with Customer(await _log_of(status)) as infobip:
        made = connector(f"http://127.0.0.1:{infobip.port}")
        assert (await made.check()).ok is ok
        await made.close()
    assert (await made.check()).ok is False


# -- The hook ---------------------------------------------------------------------------------------------------------


def asked(body: Any, query: dict[str, str] | None = None, **headers: str) -> HookRequest:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return HookRequest("POST", "/hooks/7", {"token": TOKEN} if query is None else query, headers, raw)


def delivery(name: str, error: str = "NO_ERROR") -> dict[str, Any]:
    return {
        "messageId": "m-1",
        "status": statuses.STATUSES[name],
        "error": statuses.ERRORS[error],
        "doneAt": "2023-09-26T10:52:15.799+0000",
    }


DONE = datetime(2023, 9, 26, 10, 52, 15, 799000, UTC)
REPORTS: list[tuple[str, str, tuple[ReceiptKind, str | None] | None]] = [
    ("DELIVERED_TO_HANDSET", "NO_ERROR", (ReceiptKind.DELIVERED, None)),
    ("DELIVERED_TO_OPERATOR", "NO_ERROR", None),
    ("PENDING_ENROUTE", "NO_ERROR", None),
    ("UNDELIVERABLE_NOT_DELIVERED", "EC_UNKNOWN_USER", (ReceiptKind.FAILED, "not_a_viber_user")),
    ("UNDELIVERABLE_NOT_DELIVERED", "EC_BLOCKED_USER", (ReceiptKind.FAILED, "blocked_by_user")),
    ("UNDELIVERABLE_NOT_DELIVERED", "NO_ERROR", (ReceiptKind.FAILED, "network_failed")),
    ("EXPIRED_EXPIRED", "EC_VALIDITY_EXPIRED", (ReceiptKind.EXPIRED, "network_expired")),
    ("REJECTED_SOURCE", "NO_ERROR", (ReceiptKind.FAILED, "sender_not_found")),
]


@pytest.mark.parametrize(("name", "error", "meaning"), REPORTS)
def test_delivery_reports(name: str, error: str, meaning: tuple[ReceiptKind, str | None] | None) -> None:
    found = connector().hook(asked({"results": [delivery(name, error)]}))
    assert found.status == 200
    assert [(r.ref, r.kind, r.reason, r.at) for r in found.receipts] == (
        [("m-1", *meaning, DONE)] if meaning is not None else []
    )


def test_many_reports_in_one_body() -> None:
    seen = {"messageId": "m-2", "from": "385991234501", "to": "Shop", "seenAt": "2023-09-26T10:52:15.799+0000"}
    said = {
        "sender": "385991234501",
        "to": "Shop",
        "integrationType": "VIBER",
        "receivedAt": "2023-09-26T10:52:15.799+0000",
        "messageId": "i-1",
        "message": {"type": "TEXT", "text": "yes", "trackingData": "t"},
        "price": {"pricePerMessage": 0, "currency": "EUR"},
    }
    found = connector().hook(asked({"results": [delivery("DELIVERED_TO_HANDSET"), seen, said, {"nothing": 1}]}))
    assert [(r.ref, r.kind) for r in found.receipts] == [("m-1", ReceiptKind.DELIVERED), ("m-2", ReceiptKind.SEEN)]
    (inbound,) = found.inbound
    assert (inbound.sender, inbound.to, inbound.provider_id, inbound.at) == ("+385991234501", "Shop", "i-1", DONE)
    assert inbound.content == neutral.Text(text="yes", tracking_data="t")


def test_one_unreadable_report_keeps_none_of_the_others() -> None:
    found = connector().hook(asked({"results": [1, {"status": 2}, delivery("DELIVERED_TO_HANDSET"), {"seenAt": 3}]}))
    assert (found.status, [r.ref for r in found.receipts]) == (200, ["m-1"])


def test_a_delivery_report_in_xml() -> None:
    body = (
        b'<?xml version="1.0" encoding="UTF-8"?><DeliveryReports><results><result><messageId>m-1</messageId>'
        b"<status><groupId>3</groupId><id>5</id></status><error><id>0</id></error>"
        b"<doneAt>2023-09-26T10:52:15.799+0000</doneAt></result></results></DeliveryReports>"
    )
    found = connector().hook(asked(body, None, **{"content-type": "application/xml"}))
    assert [(r.ref, r.kind, r.at) for r in found.receipts] == [("m-1", ReceiptKind.DELIVERED, DONE)]


BILLION = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><DeliveryReports><results>&a;</results></DeliveryReports>'
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"results":1}',
        b'{"results":[1]}',
        b"<",
        b"<a>",
        BILLION,
        b'{"results":[{"status":1}]}',
    ],
)
def test_what_is_no_report_is_refused(body: bytes) -> None:
    assert connector().hook(asked(body)).status == 400


def test_a_click_changes_nothing() -> None:
    found = connector().hook(asked({"notificationType": "CLICKED", "messageId": "m-1", "url": MEDIA}))
    assert (found.status, list(found.receipts)) == (200, [])


def bot_event(message: dict[str, Any]) -> dict[str, Any]:
    return {"results": [{"sender": "u==", "to": "bot", "messageId": "i-1", "message": message}]}


def test_people_who_come_and_go() -> None:
    made = connector(product="viber_bot")
    come = made.hook(asked(bot_event({"type": "SUBSCRIBED", "timestamp": 1, "user": {"id": "u=="}})))
    gone = made.hook(asked(bot_event({"type": "UNSUBSCRIBED", "timestamp": 1, "userId": "u=="})))
    started = made.hook(asked(bot_event({"type": "CONVERSATION_STARTED", "timestamp": 1})))
    newer = made.hook(asked(bot_event({"type": "SOMETHING_NEW"})))
    assert [(s.person, s.subscribed) for s in (*come.subscriptions, *gone.subscriptions)] == [
        ("u==", True),
        ("u==", False),
    ]
    assert [a.status for a in (come, gone, started, newer)] == [200] * 4
    assert not started.subscriptions
    assert not newer.inbound


def test_a_bots_message_tells_of_its_person() -> None:
    user = {"id": "u==", "name": "Ann", "country": "HR", "apiVersion": "10"}
    message = {"type": "AUDIO", "url": MEDIA, "fileName": "a.mp3", "duration": 3, "trackingData": "t"}
    event = {"type": "MESSAGE", "timestamp": 1, "messageToken": "5", "sender": user, "silent": True, "message": message}
    (inbound,) = connector(product="viber_bot").hook(asked(bot_event(event))).inbound
    assert inbound.content == neutral.Audio(url=MEDIA, name="a.mp3", duration=3, tracking_data="t")
    assert inbound.extra == {"name": "Ann", "country": "HR", "api_version": "10", "silent": True}


BASIC = "Basic " + base64.b64encode(b"u:p").decode()


@pytest.mark.parametrize(
    ("secrets", "query", "headers", "status"),
    [
        ({}, {}, {}, 200),
        ({"callback_token": TOKEN}, {"token": TOKEN}, {}, 200),
        ({"callback_token": TOKEN}, {"token": TOKEN + "x"}, {}, 403),
        ({"callback_token": TOKEN}, {}, {}, 403),
        ({"callback_basic": "u:p"}, {}, {"authorization": BASIC}, 200),
        ({"callback_basic": "u:p"}, {}, {"authorization": "Basic x"}, 403),
        ({"callback_basic": "u:p"}, {}, {}, 403),
        ({"callback_basic": "u:p", "callback_token": TOKEN}, {"token": TOKEN}, {}, 200),
        ({"callback_basic": "u:p", "callback_token": TOKEN}, {}, {"authorization": BASIC}, 200),
    ],
)
def test_who_may_report(secrets: dict[str, str], query: dict[str, str], headers: dict[str, str], status: int) -> None:
    assert connector(secrets=secrets).hook(asked({"results": []}, query, **headers)).status == status


def test_only_a_post_is_a_report() -> None:
    request = asked({"results": []})
    request.method = "GET"
    assert connector().hook(request).status == 405


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["messageId", "status", "seenAt", "message", "type", "sender", "id", "groupId"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(body=st.one_of(st.binary(max_size=60), _JSON.map(lambda v: msgspec.json.encode({"results": [v]}))))
def test_whatever_comes_is_answered(body: bytes) -> None:
    assert connector().hook(asked(body)).status in (200, 400)


# -- Addresses, and the documentation ---------------------------------------------------------------------------------


def test_people_are_named_by_number_or_by_id() -> None:
    assert address("385 99 1234-501", "/to") == "+385991234501"
    assert address("SirE8dEwjQEda4/VugaE+A==", "/to") == "SirE8dEwjQEda4/VugaE+A=="
    assert isinstance(address("12", "/to"), Problem)
    assert isinstance(address("no such person", "/to"), Problem)


def test_the_page_has_every_code() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([0-9, –]+ \| [0-9, –]+) \|$", PAGE.read_text("utf-8"), re.MULTILINE))
    for table, place in ((statuses.REASON_OF_ERROR, 0), (statuses.REASON_OF_STATUS, 1)):
        for code, reason in table.items():
            assert reason in REASONS
            assert str(code) in rows[reason].split(" | ")[place].split(", ")


def test_the_page_has_every_content() -> None:
    page = PAGE.read_text("utf-8")
    for product in ("viber", "viber_bot"):
        for name, rule in kind.capabilities({"product": product}).contents.items():
            (row,) = [
                line for line in page.splitlines() if line.startswith(f"| `{name}` |") and _fits(line, rule.bounds)
            ]
            assert row


def _fits(line: str, bounds: Any) -> bool:
    """Whether a row of the page says all that a content's bounds do."""
    return all(
        f"`{b.field}`" in line and (b.max_length is None or str(b.max_length) in line) for b in bounds
    ) and line.count(";") == max(len(bounds) - 1, 0)
