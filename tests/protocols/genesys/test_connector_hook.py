"""The connector's webhooks: who is believed, what each becomes, and how Genesys hears that a message was taken in."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.clock import ManualClock
from tests.protocols.genesys.test_connector import (
    INTEGRATION,
    RECEIPT,
    SECRET,
    TO,
    URL,
    Answer,
    Organisation,
    organisation,
    said,
)
from tests.simulator.serving import Door, serving
from tyrian.app import App
from tyrian.domain import content as neutral
from tyrian.domain.content import Base, Content
from tyrian.domain.keyboard import Button, Keyboard
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.clock import ScaledClock
from tyrian.engine.gateway import Gateway
from tyrian.engine.ports import Channel, HookAnswer, HookRequest, Tools
from tyrian.protocols.genesys.connector import GenesysConnector, kind
from tyrian.settings import Settings
from tyrian.store import accounts
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

AT = "2026-02-03T04:05:06.789Z"
CONFIG = {"integration_id": INTEGRATION, "client_id": "client"}


def channel(mode: str = "open", secret: str | None = SECRET, **config: Any) -> Channel:
    secrets = {"client_secret": "x", **({} if secret is None else {"webhook_secret": secret})}
    return Channel(7, 1, "c", "genesys", {**CONFIG, "mode": mode, **config}, secrets)


def connector(made: Channel | None = None) -> GenesysConnector:
    tools = Tools(ManualClock(), None, "https://gateway.example.com")  # type: ignore[arg-type]
    return GenesysConnector(made or channel(), tools)


def digest(body: bytes, secret: str = SECRET) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + base64.b64encode(digest(body, secret)).decode()


def hooked(body: Any, made: Channel | None = None, header: str | None = None) -> HookAnswer:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    headers = {"x-hub-signature-256": signature(raw) if header is None else header}
    return connector(made).hook(HookRequest("POST", "/hooks/7", {}, headers, raw))


def webhook(**more: Any) -> dict[str, Any]:
    """A text of an agent, as captures show it."""
    about = {
        "id": INTEGRATION,
        "platform": "Open",
        "type": "Private",
        "messageId": "m-1",
        "to": {"id": TO, "idType": "Opaque"},
        "from": {"nickname": "Shop", "id": INTEGRATION, "idType": "Opaque"},
        "time": AT,
    }
    whole = {
        "id": "m-1",
        "channel": about,
        "type": "Text",
        "text": "How can I help?",
        "originatingEntity": "Human",
        "direction": "Outbound",
        "conversationId": "c-1",
    }
    return {name: value for name, value in {**whole, **more}.items() if value is not None}


# -- Who is believed --------------------------------------------------------------------------------------------------


def test_base64_and_hex_are_signatures() -> None:
    body = msgspec.json.encode(webhook())
    for good in (signature(body), "sha256=" + digest(body).hex(), "sha256=" + digest(body).hex().upper()):
        assert len(hooked(body, header=good).inbound) == 1


BAD = ["", "sha256=", "sha1=" + "0" * 40, "sha256=" + "0" * 64, "sha256=é", "sha256=%", signature(b"other")]


@pytest.mark.parametrize("header", BAD)
def test_anything_else_is_refused(header: str) -> None:
    answer = hooked(webhook(), header=header)
    assert (answer.status, answer.inbound, answer.receipts, answer.then) == (403, (), (), None)


def test_the_signature_is_of_the_very_bytes() -> None:
    body = msgspec.json.encode(webhook())
    assert hooked(body + b" ", header=signature(body)).status == 403
    assert hooked(body, header=signature(body, "another secret of 16")).status == 403


HEADERS = st.one_of(
    st.text(max_size=80),
    st.binary(max_size=40).map(lambda raw: "sha256=" + base64.b64encode(raw).decode()),
    st.binary(min_size=32, max_size=32).map(lambda raw: "sha256=" + raw.hex()),
)


@settings(deadline=None, database=None)
@given(st.binary(max_size=60) | st.just(msgspec.json.encode(webhook())), HEADERS)
def test_nothing_gets_in_by_guessing(body: bytes, header: str) -> None:
    answer = hooked(body, header=header)
    assert (answer.status, answer.inbound, answer.receipts, answer.then) == (403, (), (), None)


def test_without_a_secret_nothing_is_believed() -> None:
    body = msgspec.json.encode(webhook())
    for header in (signature(body), signature(body, ""), ""):
        assert hooked(body, channel(secret=None), header).status == 403


def test_a_secret_just_replaced_is_believed_for_a_while() -> None:
    made, body = channel(secret="the new secret of 16"), msgspec.json.encode(webhook())
    made.retired = {"webhook_secret": (SECRET, ManualClock().now() + timedelta(hours=1))}
    assert hooked(body, made).status == 200
    made.retired = {"webhook_secret": (SECRET, ManualClock().now() - timedelta(hours=1))}
    assert hooked(body, made).status == 403


def test_only_posts_are_webhooks() -> None:
    assert connector().hook(HookRequest("GET", "/hooks/7", {}, {}, b"")).status == 405


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"type":7}', b'{"id":"a"}', b'{"type":"Text","id":"\xff"}', b"[" * 9999]
)
def test_signed_bytes_that_are_no_webhook(body: bytes) -> None:
    assert hooked(body).status == 400


# -- What each becomes ------------------------------------------------------------------------------------------------


def test_an_agents_words() -> None:
    answer = hooked(webhook())
    (message,) = answer.inbound
    assert (message.sender, message.to, message.provider_id) == (TO, INTEGRATION, "m-1")
    assert message.content == neutral.Text(text="How can I help?")
    assert message.at == datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
    assert message.extra == {"conversation_id": "c-1", "author": "Human"}
    assert answer.then is not None


def attached(media_type: str, **more: Any) -> list[dict[str, Any]]:
    return [{"contentType": "Attachment", "attachment": {"mediaType": media_type, "url": URL, **more}}]


def quick(text: str, payload: str) -> dict[str, Any]:
    return {"contentType": "QuickReply", "quickReply": {"text": text, "payload": payload, "action": "Message"}}


LINK = {"type": "Link", "text": "Shop", "url": "https://shop.example.com"}
POSTBACK = {"type": "Postback", "text": "More", "payload": "MORE"}
MORE, SHOP = Button(value="MORE", text="More"), Button(action="open-url", value="https://shop.example.com", text="Shop")
TEMPLATE = {"body": {"text": "Your order 7"}, "buttons": [{"type": "QuickReply", "text": "More", "payload": "MORE"}]}
SAID: list[tuple[dict[str, Any], list[Base]]] = [
    ({"content": attached("Image"), "text": "Look"}, [neutral.Image(url=URL, text="Look")]),
    ({"content": attached("Image"), "text": None}, [neutral.Image(url=URL)]),
    ({"content": attached("Video", contentSizeBytes=12), "text": None}, [neutral.Video(url=URL, size=12)]),
    ({"content": attached("Audio", filename="a.ogg"), "text": None}, [neutral.Audio(url=URL, name="a.ogg")]),
    ({"content": attached("Link"), "text": None}, [neutral.UrlContent(url=URL)]),
    (
        {"content": attached("File", filename="a.pdf"), "text": "Here"},
        [neutral.Text(text="Here"), neutral.File(url=URL, name="a.pdf")],
    ),
    ({"content": attached("File"), "text": None}, [neutral.File(url=URL, name="file")]),
    (
        {"type": "Structured", "text": "Which?", "content": [quick("More", "MORE"), quick("No", "")]},
        [neutral.Text(text="Which?", keyboard=Keyboard(buttons=[MORE, Button(value="No", text="No")]))],
    ),
    (
        {
            "type": "Structured",
            "text": None,
            "content": [{"contentType": "Card", "card": {"title": "Shoes", "description": "New", "actions": [LINK]}}],
        },
        [neutral.Text(text="Shoes\nNew", keyboard=Keyboard(buttons=[SHOP]))],
    ),
    (
        {
            "type": "Structured",
            "text": "New",
            "content": [{"carousel": {"cards": [{"title": "a", "actions": [POSTBACK]}, {"title": "b"}]}}],
        },
        [neutral.Text(text="New\na\nb", keyboard=Keyboard(buttons=[MORE]))],
    ),
    (
        {"type": "Structured", "text": None, "content": [{"contentType": "Notification", "template": TEMPLATE}]},
        [neutral.Text(text="Your order 7", keyboard=Keyboard(buttons=[MORE]))],
    ),
    ({"type": "Structured", "text": None, "content": [{"contentType": "DatePicker"}]},
     [neutral.Text(text="(empty message)")]),
    ({"text": "x", "content": [quick("y" * 300, "p")]},
     [neutral.Text(text="x", keyboard=Keyboard(buttons=[Button(value="p", text="y" * 250)]))]),
    ({"text": "x", "content": attached("Image", url="u" * 3000)}, [neutral.Text(text="x")]),
    ({"text": None, "content": [7, None, {"attachment": 7}]}, [neutral.Text(text="(empty message)")]),
]  # fmt: skip


@pytest.mark.parametrize(("told", "expected"), SAID)
def test_what_is_said_to_a_person(told: dict[str, Any], expected: list[Base]) -> None:
    found = hooked(webhook(**told)).inbound
    assert [message.content for message in found] == expected
    assert [message.provider_id for message in found] == ["m-1", "m-1/1"][: len(expected)]


NOT_SAID: list[dict[str, Any]] = [
    webhook(type="Event", text=None, events=[{"eventType": "Typing", "typing": {"type": "On", "duration": 5000}}]),
    webhook(direction="Inbound"),
    webhook(type="Unknown"),
    webhook(channel={}),
    webhook(channel={"to": {"id": ""}}),
    webhook(channel={"to": 7}),
    {"type": "Receipt", "id": "m-1", "status": "Sent"},
    {"type": "Receipt", "id": "m-1", "status": "Removed"},
    {"type": "Receipt", "id": "m-1", "status": ["Failed"]},
    {"type": "Receipt", "status": "Failed"},
    {"type": "Receipt", "id": "m-1", "status": "Failed", "isFinalReceipt": False},
]


@pytest.mark.parametrize("body", NOT_SAID)
def test_what_changes_nothing(body: dict[str, Any]) -> None:
    answer = hooked(body)
    assert (answer.status, list(answer.inbound), list(answer.receipts), answer.then) == (200, [], [], None)


def test_without_an_id_the_same_bytes_are_the_same_message() -> None:
    body = webhook(id=None)
    (first,), (second,) = hooked(body).inbound, hooked(body).inbound
    (other,) = hooked(webhook(id=None, text="else")).inbound
    assert first.provider_id == second.provider_id != other.provider_id
    assert hooked(body).then is None  # There is nothing that a receipt could name.


RECEIPTS: list[tuple[dict[str, Any], ReceiptKind, str | None]] = [
    ({"status": "Delivered"}, ReceiptKind.DELIVERED, None),
    ({"status": "Published"}, ReceiptKind.DELIVERED, None),
    ({"status": "Read"}, ReceiptKind.SEEN, None),
    ({"status": "Failed"}, ReceiptKind.FAILED, "network_failed"),
    ({"status": "Failed", "reasons": [{"code": "New"}]}, ReceiptKind.FAILED, "network_failed"),
    ({"status": "Failed", "reasons": [7, {"code": "InvalidDestination"}]}, ReceiptKind.FAILED, "invalid_recipient"),
    ({"status": "Failed", "reasons": [{"code": "MessageExpired"}]}, ReceiptKind.EXPIRED, "network_expired"),
]


@pytest.mark.parametrize("mode", ["open", "agentless"])
@pytest.mark.parametrize(("told", "kind", "reason"), RECEIPTS)
def test_a_receipt(told: dict[str, Any], kind: ReceiptKind, reason: str | None, mode: str) -> None:
    body = webhook(type="Receipt", text=None, isFinalReceipt=True, **told)
    (receipt,) = hooked(body, channel(mode)).receipts
    assert (receipt.ref, receipt.kind, receipt.reason, receipt.person) == ("m-1", kind, reason, TO)
    assert receipt.at == datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
    assert receipt.raw == msgspec.json.encode(body).decode()


def test_who_only_sends_through_takes_in_nothing_meant_for_people() -> None:
    answer = hooked(webhook(), channel("agentless"))
    assert (answer.status, list(answer.inbound), answer.then) == (200, [], None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from([URL, "Image", "Failed", TO]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["id", "to", "text", "url", "payload", "attachment", "mediaType", "card", "actions", "cards",
                         "carousel", "quickReply", "template", "body", "buttons", "title", "filename", "code"]),
        inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
MEMBERS = ("id", "channel", "text", "content", "direction", "status", "reasons", "isFinalReceipt", "originatingEntity")
WEBHOOKS = st.fixed_dictionaries(
    {"type": st.sampled_from(["Text", "Structured", "Receipt", "Event"]) | JSON, "id": st.just("m-1") | JSON},
    optional={"channel": st.just({"to": {"id": TO}, "time": AT}) | JSON, **dict.fromkeys(MEMBERS[2:], JSON)},
)


@settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=60) | st.builds(msgspec.json.encode, WEBHOOKS))
def test_whatever_comes_is_read_or_refused_and_what_is_read_can_be_stored(body: bytes) -> None:
    answer = hooked(body)
    assert answer.status in (200, 400)
    for message in answer.inbound:
        stored = msgspec.json.encode(message.content)
        assert msgspec.json.decode(stored, type=Content) == message.content


# -- Genesys hears of it ----------------------------------------------------------------------------------------------


class Desk:
    """A gateway with one channel to an organisation, behind real HTTP."""

    def __init__(self, gateway: Gateway, there: Organisation, url: str, channel_id: int) -> None:
        self.gateway, self.there, self.hook_url = gateway, there, f"{url}/hooks/{channel_id}"

    async def brings(self, body: dict[str, Any]) -> int:
        raw = msgspec.json.encode(body)
        headers = {"X-Hub-Signature-256": signature(raw)}
        async with aiohttp.ClientSession() as http, http.post(self.hook_url, data=raw, headers=headers) as answered:
            return answered.status

    async def stored(self, identifier: str) -> int:
        sql = "SELECT count(*) FROM inbound WHERE provider_id = $1"
        return int(await self.gateway.db.fetchval(sql, identifier))

    async def told(self, identifier: str, number: int = 1) -> list[Any]:
        """The receipts that Genesys got for a message, once there are so many."""
        found: list[Any] = []
        for _ in range(2000):
            found = [a.json for a in self.there.asked if a.path == RECEIPT and a.json["id"] == identifier]
            if len(found) >= number:
                return found
            await self.gateway.clock.sleep(0.5)
        raise AssertionError(f"Genesys was told {found}")


@pytest_asyncio.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    door, clock = Door(), ScaledClock(100)
    async with serving(door) as url, organisation() as there:
        db = await Database.open(database_url, work=3, reading=2)
        settings = Settings(public_url=url, drain_seconds=1)
        gateway = Gateway(db, settings, clock, [], SecretBox("k" * 40), kinds={"genesys": kind})
        door.app = App(gateway)
        async with gateway:
            account = await accounts.create(db, "a", clock.now())
            spec = ChannelSpec(
                name="agents",
                kind="genesys",
                config={**CONFIG, "base_url": there.url},
                secrets={"client_secret": "x", "webhook_secret": SECRET},
            )
            entry = await gateway.channels.create(account.id, spec)
            yield Desk(gateway, there, url, entry.channel.id)


async def test_what_was_taken_in_is_told(desk: Desk) -> None:
    name = str(uuid4())
    assert await desk.brings(webhook(id=name)) == 200
    assert await desk.stored(name) == 1
    (receipt,) = await desk.told(name)
    assert receipt["channel"]["to"] == {"id": TO, "idType": "Opaque"}
    assert (receipt["status"], receipt["isFinalReceipt"]) == ("Delivered", True)


async def test_an_agent_who_says_stop_opts_nobody_out(desk: Desk) -> None:
    name = str(uuid4())
    assert await desk.brings(webhook(id=name, text="STOP")) == 200
    assert await desk.stored(name) == 1
    for table in ("contacts", "consents"):
        assert await desk.gateway.db.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_what_comes_twice_is_taken_once_and_told_again(desk: Desk) -> None:
    """Genesys comes again where our answer got lost: by then the receipt may be lost as well."""
    name = str(uuid4())
    assert [await desk.brings(webhook(id=name)) for _ in range(2)] == [200, 200]
    assert await desk.stored(name) == 1
    assert len(await desk.told(name, 2)) == 2


async def test_a_receipt_that_does_not_get_through_is_told_again(desk: Desk) -> None:
    answers = iter([said(500), said(429, retry_after="2"), said(200)])
    desk.there.answer = lambda asked: next(answers, said(200))
    name = str(uuid4())
    assert await desk.brings(webhook(id=name)) == 200
    assert len(await desk.told(name, 3)) == 3


@pytest.mark.parametrize("answer", [said(404), said(403)])
async def test_a_receipt_that_is_refused_is_not(desk: Desk, answer: Answer) -> None:
    desk.there.answer = lambda asked: answer
    first, second = str(uuid4()), str(uuid4())
    assert await desk.brings(webhook(id=first)) == 200
    assert len(await desk.told(first)) == 1
    await desk.gateway.clock.sleep(60)
    assert await desk.brings(webhook(id=second)) == 200
    await desk.told(second)
    assert len(await desk.told(first)) == 1


async def test_what_cannot_be_stored_is_not_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(*_: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(desk.gateway.inbound, "submit", failing)
    name, after = str(uuid4()), str(uuid4())
    assert await desk.brings(webhook(id=name)) == 503
    monkeypatch.undo()
    assert await desk.brings(webhook(id=after)) == 200
    await desk.told(after)
    assert [a.json["id"] for a in desk.there.asked if a.path == RECEIPT] == [after]
