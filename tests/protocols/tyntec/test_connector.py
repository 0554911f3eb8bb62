"""The connector: the exact request of each content, what each answer means, and what each callback brings."""

import re
from datetime import UTC, datetime
from importlib.metadata import entry_points
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, strategies as st

from tests.clock import ManualClock
from tests.protocols.tyntec.test_sending import A_CLIP, BUTTON, CLIP, FULL_CARD, SHOP, URL
from tests.simulator.serving import Hit, Webhook, serving
from tyrian.domain import content as neutral
from tyrian.domain.content import Base
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.domain.purpose import Purpose
from tyrian.engine.ports import (
    Channel,
    HookAnswer,
    HookRequest,
    Outgoing,
    Receipt,
    Refused,
    Retry,
    SendResult,
    Sent,
    Tools,
    Unknown,
)
from tyrian.protocols import tyntec
from tyrian.protocols.tyntec import content as contents, limits, wire
from tyrian.protocols.tyntec.accounts import Signing
from tyrian.protocols.tyntec.connector import TyntecConnector, address, provision
from tyrian.protocols.tyntec.content import Faults
from tyrian.protocols.tyntec.reports import signed_headers

SECRET = "a secret of ours"
ATTEMPT = UUID("0197f3a0-0000-7000-8000-000000000001")
ID = "8fb360a1-f58c-4af1-932b-8f6651603cd4"
TOOLS = Tools(ManualClock(), None, "https://gateway.example.com")  # type: ignore[arg-type]


def connector(base_url: str = "http://127.0.0.1:9", **config: Any) -> TyntecConnector:
    secrets = {"api_key": "key", "signature_secret": SECRET}
    settings = {"sender": "1001", "base_url": base_url, **config}
    return TyntecConnector(Channel(7, 1, "c", "tyntec", settings, secrets), TOOLS)


def outgoing(content: Base, purpose: Purpose = Purpose.PROMOTIONAL) -> Outgoing:
    return Outgoing(ATTEMPT, ATTEMPT, "+385991234501", content, purpose, 600)


async def sent(content: Base, answer: tuple[int, bytes], **config: Any) -> tuple[SendResult, Hit | None]:
    """What a send comes to that is answered so, and the request."""
    service = Webhook(answer=lambda hit: answer)
    async with serving(service) as url:
        one = connector(url, **config)
        await one.start()
        result = await one.send(outgoing(content))
        await one.close()
    return result, service.hits.get_nowait() if not service.hits.empty() else None


TAKEN = (202, b'{"messageId":"%b","timestamp":"2026-03-01T09:00:29.853817Z"}' % ID.encode())
CARD = {
    "title": "Shoes",
    "imageUrl": URL,
    "primaryButton": {"label": "Buy", "actionUrl": SHOP},
    "secondaryButton": {"label": "More", "actionUrl": SHOP},
}
REQUESTS: list[tuple[Base, dict[str, Any]]] = [
    (neutral.Text(text="Hi"), {"contentType": "text", "text": "Hi"}),
    (neutral.Image(url=URL), {"contentType": "image", "image": {"url": URL}}),
    (
        neutral.File(url=SHOP, name="a.pdf"),
        {"contentType": "file", "file": {"url": SHOP, "filename": "a.pdf", "type": "pdf"}},
    ),
    (
        neutral.Video(**A_CLIP),
        {
            "contentType": "video",
            "video": {"url": CLIP, "thumbnailUrl": URL, "type": "mp4", "filesize": 12, "duration": 30},
        },
    ),
    (
        neutral.Survey(text="Which?", options=["a", "b"]),
        {"contentType": "list", "list": {"text": "Which?", "options": ["a", "b"]}},
    ),
    (
        neutral.Carousel(text="New", cards=[FULL_CARD, FULL_CARD]),
        {"contentType": "carousel", "carousel": {"text": "New", "items": [CARD, CARD]}},
    ),
    (
        neutral.Image(url=URL, text="Sale", button=BUTTON),
        {
            "contentType": "components",
            "components": {
                "body": [
                    {"contentType": "image", "image": {"url": URL}},
                    {"contentType": "text", "text": "Sale"},
                    {"contentType": "button", "button": {"caption": "Buy", "url": SHOP}},
                ]
            },
        },
    ),
]


@pytest.mark.parametrize(("content", "expected"), REQUESTS, ids=lambda value: type(value).__name__)
async def test_the_request(content: Base, expected: dict[str, Any]) -> None:
    result, hit = await sent(content, TAKEN)
    assert isinstance(result, Sent)
    assert result.ref == ID
    assert hit is not None
    assert (hit.path, hit.headers["apikey"]) == ("/conversations/v3/messages", "key")
    assert hit.json == {
        "to": "385991234501",
        "from": "1001",
        "channel": "viber",
        "rateType": "promotion",
        "content": expected,
        "context": str(ATTEMPT),
    }
    assert result.exchange is not None
    assert "key" not in result.exchange.request


async def test_an_sms_has_no_rate() -> None:
    _, hit = await sent(neutral.Text(text="Hi"), TAKEN, channel="sms", sender="Shop")
    assert hit is not None
    assert (hit.json["channel"], hit.json["from"], "rateType" in hit.json) == ("sms", "Shop", False)


async def test_a_message_may_name_its_callbacks() -> None:
    _, hit = await sent(neutral.Text(text="Hi"), TAKEN, override_callbacks=True)
    assert hit is not None
    assert hit.json["overrides"] == {"notificationCallbackUrl": "https://gateway.example.com/hooks/7"}


async def test_what_tyntec_has_no_words_for_is_not_sent() -> None:
    result, hit = await sent(neutral.Sticker(sticker_id=7), TAKEN)
    assert (result, hit) == (Refused("content_refused", result.exchange), None)


def violated(field: str) -> bytes:
    violation = {"field": f"validate.request.{field}", "message": "must not be empty"}
    return msgspec.json.encode({"status": 400, "violations": [violation], "title": "Constraint Violation"})


ANSWERS: list[tuple[int, bytes, type, str]] = [
    (400, violated("to"), Refused, "invalid_recipient"),
    (400, violated("from"), Refused, "sender_not_found"),
    (400, violated("content.text"), Refused, "content_refused"),
    (400, b"<html>", Refused, "provider_error"),
    (401, b'{"message":"No API key found in request"}', Refused, "bad_credentials"),
    (403, b'{"message":"Invalid authentication credentials"}', Refused, "bad_credentials"),
    (403, b'{"title":"Forbidden","status":403}', Refused, "sender_not_found"),
    (404, b'{"message":"no Route matched with those values"}', Refused, "provider_error"),
    (429, b"{}", Retry, "throttled"),
    (500, b"{}", Retry, "provider_error"),
    (504, b"{}", Unknown, "no_answer"),
    (202, b"{}", Unknown, "provider_garbage"),
    (202, b"\xff", Unknown, "provider_garbage"),
]


@pytest.mark.parametrize(("status", "body", "kind", "reason"), ANSWERS)
async def test_an_answer(status: int, body: bytes, kind: type, reason: str) -> None:
    result, _ = await sent(neutral.Text(text="Hi"), (status, body))
    assert isinstance(result, kind)
    assert result.reason == reason  # type: ignore[union-attr]


# -- Callbacks --------------------------------------------------------------------------------------------------------


def hooked(told: Any, **config: Any) -> HookAnswer:
    """What a signed callback brings."""
    body = told if isinstance(told, bytes) else msgspec.json.encode(told)
    method = config.get("signature_method", "HS256")
    headers = signed_headers(body, Signing(SECRET, method), datetime(2026, 3, 1, tzinfo=UTC))
    return connector(**config).hook(HookRequest("POST", "/hooks/7", {}, headers, body))


def status(event: str, **more: Any) -> dict[str, Any]:
    at = "2026-03-01T09:00:30.704Z"
    return {"event": f"MessageStatus::{event}", "messageId": ID, "channel": "viber", "timestamp": at, **more}


AT = datetime(2026, 3, 1, 9, 0, 30, 704000, UTC)
RECEIPTS: list[tuple[dict[str, Any], ReceiptKind, str | None]] = [
    (status("delivered", **{"from": "385991234501"}), ReceiptKind.DELIVERED, None),
    (status("seen"), ReceiptKind.SEEN, None),
    (status("failed", details={"code": "viber::error::8", "message": ""}), ReceiptKind.FAILED, "blocked_by_user"),
    (status("failed", details={"code": "viber::error::9"}), ReceiptKind.FAILED, "not_a_viber_user"),
    (status("failed", details={"code": "viber::error::7"}), ReceiptKind.FAILED, "network_expired"),
    (status("failed", details={"code": "viber::error::999999999"}), ReceiptKind.FAILED, "network_failed"),
    (status("failed", details={"code": "whatsapp::error::470"}), ReceiptKind.FAILED, "network_failed"),
    (
        status("failed", details={"code": "tyntec::error:noFurtherChannelAvailable"}),
        ReceiptKind.FAILED,
        "network_failed",
    ),
    (status("failed", details="broken"), ReceiptKind.FAILED, "network_failed"),
    (status("unknown"), ReceiptKind.FAILED, "no_answer"),
]


@pytest.mark.parametrize("method", ["HS256", "HS512"])
@pytest.mark.parametrize(("told", "kind", "reason"), RECEIPTS)
def test_a_status(told: dict[str, Any], kind: ReceiptKind, reason: str | None, method: str) -> None:
    (receipt,) = hooked(told, signature_method=method).receipts
    person = "+385991234501" if "from" in told else None
    assert receipt == Receipt(ID, kind, reason, AT, msgspec.json.encode(told).decode(), person)


@pytest.mark.parametrize("event", ["accepted", "channelFailed", "deleted", "dispatched", "read"])
def test_a_status_that_is_not_the_last_word(event: str) -> None:
    assert hooked(status(event)) == HookAnswer()


def said(**content: Any) -> dict[str, Any]:
    told = {"messageId": "5463481551745434076", "channel": "viber", "from": "385991234501", "to": "1001"}
    return {**told, "receivedAt": "2020-07-13T15:14:44Z", "content": content, "event": "MoMessage"}


INBOUND: list[tuple[dict[str, Any], Base]] = [
    (said(contentType="text", text="Hi!"), neutral.Text(text="Hi!")),
    (
        said(contentType="media", media={"type": "image", "url": URL, "caption": "Look"}),
        neutral.Image(url=URL, text="Look"),
    ),
    (said(contentType="media", media={"type": "video", "url": CLIP}), neutral.Video(url=CLIP)),
    (said(contentType="media", media={"type": "voice", "url": CLIP}), neutral.Audio(url=CLIP)),
    (
        said(contentType="media", media={"type": "document", "url": SHOP, "caption": "a.pdf"}),
        neutral.File(url=SHOP, name="a.pdf"),
    ),
    (said(contentType="file", file=SHOP), neutral.File(url=SHOP, name="file")),
    (said(contentType="media_placeholder"), neutral.Text(text="(empty message)")),
]


@pytest.mark.parametrize(("told", "expected"), INBOUND)
def test_a_persons_message(told: dict[str, Any], expected: Base) -> None:
    (message,) = hooked(told).inbound
    assert (message.sender, message.to, message.provider_id) == ("+385991234501", "1001", "5463481551745434076")
    assert message.at == datetime(2020, 7, 13, 15, 14, 44, tzinfo=UTC)
    assert message.content == expected


def test_what_is_not_signed_is_refused() -> None:
    body = msgspec.json.encode(status("seen"))
    headers = signed_headers(body, Signing("another secret", "HS256"), AT)
    for wrong in (headers, {}, {"x-signature": "é"}):
        answer = connector().hook(HookRequest("POST", "/hooks/7", {}, wrong, body))
        assert (answer.status, answer.receipts) == (403, ())
    assert connector().hook(HookRequest("GET", "/hooks/7", {}, {}, b"")).status == 405


def test_without_a_secret_nothing_is_verified() -> None:
    plain = TyntecConnector(Channel(7, 1, "c", "tyntec", {"sender": "1001"}, {"api_key": "key"}), TOOLS)
    body = msgspec.json.encode(status("seen"))
    assert len(plain.hook(HookRequest("POST", "/hooks/7", {}, {}, body)).receipts) == 1


@given(st.binary(max_size=80) | st.builds(msgspec.json.encode, st.dictionaries(
    st.sampled_from(["event", "messageId", "from", "to", "content", "details", "timestamp"]),
    st.none() | st.text(max_size=9) | st.integers() | st.sampled_from(["MoMessage", "MessageStatus::failed", "4917"])
    | st.dictionaries(st.sampled_from(["text", "media", "code"]), st.text(max_size=4) | st.integers()),
)))  # fmt: skip
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    assert hooked(body).status in (200, 400)


# -- Around it --------------------------------------------------------------------------------------------------------

CHECKS: list[tuple[int, bytes, bool, str]] = [
    (200, b"{}", True, "answers 200"),
    (403, b'{"message":"Invalid authentication credentials"}', False, "refuses the key"),
    (404, b'{"status":404}', False, "knows no service id 1001"),
    (500, b"", False, "answers 500"),
]


@pytest.mark.parametrize(("code", "body", "ok", "words"), CHECKS)
async def test_a_check(code: int, body: bytes, ok: bool, words: str) -> None:
    service = Webhook(answer=lambda hit: (code, body))
    async with serving(service) as url:
        one = connector(url)
        health = await one.check()
        await one.close()
    assert (health.ok, words in health.detail) == (ok, True), health
    assert (await service.next()).path == "/conversations/v3/configurations/channels/viber/service-ids/1001"


async def test_a_check_of_what_is_not_there() -> None:
    health = await connector().check()
    assert (health.ok, "cannot be reached" in health.detail) == (False, True)


async def test_provisioning_names_the_hook() -> None:
    service = Webhook(answer=lambda hit: (200, b"{}"))
    async with serving(service) as url:
        one = connector(url)
        health = await provision(one)
        await one.close()
    assert health.ok, health
    hit = await service.next()
    assert hit.path == "/conversations/v3/configurations/channels/viber/service-ids/1001/callbacks"
    hook = "https://gateway.example.com/hooks/7"
    assert hit.json == {"inboundMessageUrl": hook, "messageStatusUrl": hook, "eventFilter": []}


def test_the_protocol_is_found_by_its_entry_point() -> None:
    [entry] = entry_points(group="tyrian.protocols", name="tyntec")
    assert entry.load() is tyntec.registration
    assert [kind.name for kind in tyntec.registration.kinds] == ["tyntec"]


def test_the_network_and_the_sender_are_the_settings() -> None:
    kind = tyntec.kind
    assert callable(kind.network)
    assert kind.sender is not None
    assert (kind.network({"sender": "1001"}), kind.sender({"sender": "1001"})) == ("viber", "1001")
    sms = {"sender": "Shop", "channel": "sms"}
    assert (kind.network(sms), kind.capabilities(sms)) == ("sms", limits.SMS)
    assert isinstance(address("+385991234501", ""), str)
    assert not isinstance(address("Ana", ""), str)


@pytest.mark.parametrize(("content", "expected"), REQUESTS, ids=lambda value: type(value).__name__)
def test_what_the_connector_writes_the_face_reads(content: Base, expected: dict[str, Any]) -> None:
    faults = Faults()
    assert contents.read(msgspec.convert(expected, wire.Content), "content", faults) == content
    assert faults.found == []


URLS: list[tuple[str, bool]] = [
    ("https://a.example.com/b.png", True),
    ("http://127.0.0.1:8080/x", True),
    ("http://localhost:8080/x", False),
    ("http:/a.b/c", True),
    ("https://a.example.com/%20", False),
    ("https://a.example.com/a b", False),
    ("https://a.b", False),
    ("https://a.bc", True),
    ("ftp://a.example.com", False),
    ("https://" + "a." * 900 + "é", False),
]


@pytest.mark.parametrize(("url", "fits"), URLS)
def test_the_pattern_of_urls(url: str, fits: bool) -> None:
    assert limits.is_url(url) is fits


@given(st.text(alphabet="a.:/é%~", max_size=9))
def test_the_pattern_read_in_linear_time_is_tyntecs(rest: str) -> None:
    published = re.compile(limits.URL_PATTERN, re.ASCII)
    assert limits.is_url(f"https:/{rest}") is (published.fullmatch(f"https:/{rest}") is not None)
