"""One gateway sends through another in Genesys Cloud's dialect: near is the middleware of far's integration.

What near's customer sends enters a conversation at far; what is answered there comes back over near's hook, signed; and
each side tells the other what became of it.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest
import pytest_asyncio

from tests.loop.harness import LIMIT, Loop, Vendor, loop
from tyrian.domain import content as neutral
from tyrian.domain.content import Base
from tyrian.domain.conversation import Author, By, Conversation, Item
from tyrian.domain.keyboard import Button, Keyboard
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.keys import Form
from tyrian.protocols import genesys
from tyrian.store import reading
from tyrian.store.embedded import EmbeddedPostgres

CLIENT = "client-of-the-loop"
SECRET = "secret-of-the-loop"
UNKNOWN = str(uuid4())
WEBHOOK_SECRET = "secret-of-the-webhooks"
AGENT = Author(By.API, "test", "Test")
PNG = "https://cdn.example.com/a.png"
PDF = "https://cdn.example.com/a.pdf"

pytestmark = pytest.mark.asyncio(loop_scope="module")


def channel(name: str, far_url: str, secret: str = SECRET, **config: Any) -> ChannelSpec:
    config = {"integration_id": UNKNOWN, "client_id": CLIENT, "base_url": far_url, **config}
    secrets = {"client_secret": secret, "webhook_secret": WEBHOOK_SECRET}
    return ChannelSpec(name=name, kind="genesys", config=config, secrets=secrets)


def channels(far_url: str) -> list[ChannelSpec]:
    return [
        channel("foreign", far_url),
        channel("locked", far_url, "another secret"),
        channel("stranger", far_url, client_id="nobody"),
    ]


async def integration(far_url: str) -> Any:
    """A new integration at far, whose webhook leads nowhere yet."""
    given = {
        "name": "Shop",
        "outboundNotificationWebhookUrl": f"{far_url}/nowhere",
        "outboundNotificationWebhookSignatureSecretToken": "a-token-that-is-replaced",
    }
    async with aiohttp.ClientSession() as http:
        form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
        async with http.post(f"{far_url}/oauth/token", data=form) as granted:
            bearer = {"Authorization": f"Bearer {(await granted.json())['access_token']}"}
        path = f"{far_url}/api/v2/conversations/messaging/integrations/open"
        async with http.post(path, json=given, headers=bearer) as made:
            return await made.json()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def through(postgres: EmbeddedPostgres) -> AsyncIterator[Loop]:
    key = {"face": "genesys", "form": Form.PAIR, "identity": CLIENT, "secret": SECRET}
    async with loop(postgres, Vendor(genesys.registration, keys=[key], channels=channels)) as opened:
        made = await integration(opened.far_url)
        spec = channel("open", opened.far_url, integration_id=made["id"])
        spec.inbound_url = opened.customer_url
        entry = await opened.near.channels.create(opened.near_account, spec)
        opened.channels = {**opened.channels, "open": entry}
        health = await opened.near.channels.provision(entry)
        assert health.ok, health
        yield opened


def far_channel(through: Loop) -> Any:
    """Far's channel of the integration."""
    return next(e.channel for e in through.far.channels.all() if e.channel.kind == "open_messaging")


async def there(through: Loop, person: str) -> tuple[Conversation, list[Item]]:
    """The person's conversation at far, with what was said."""
    inbox = through.far.inbox
    async with asyncio.timeout(LIMIT):
        while (found := await inbox.find(far_channel(through).id, person.removeprefix("+"))) is None:
            await asyncio.sleep(0.02)
    return found, list(await inbox.items(through.far_account, found.id))


async def test_the_check_finds_the_integration_and_its_webhook(through: Loop) -> None:
    health = await through.near.channels.check(through.channels["open"])
    assert (health.ok, through.hook_url("open") in health.detail) == (True, True), health
    assert far_channel(through).secrets["signature_token"] == WEBHOOK_SECRET


CONTENTS: list[tuple[Base, list[Base]]] = [
    (neutral.Text(text="Where is my order?"), [neutral.Text(text="Where is my order?")]),
    (neutral.Image(url=PNG, text="This one"), [neutral.Image(url=PNG, text="This one")]),
    (neutral.File(url=PDF, name="a.pdf"), [neutral.File(url=PDF, name="a.pdf")]),
]


@pytest.mark.parametrize(("content", "shown"), CONTENTS)
async def test_what_is_sent_here_enters_the_conversation_there(through: Loop, content: Base, shown: list[Base]) -> None:
    to = through.person()
    message = await through.send("open", content, to)
    await through.told(message, "sent", "delivered")
    _, items = await there(through, to)
    assert [item.content for item in items if item.inbound_id is not None] == shown
    (exchange,) = await through.exchanges(message)
    assert (exchange["status"], SECRET in str(exchange)) == (200, False)


async def test_a_lost_answer_leaves_one_message_there(through: Loop) -> None:
    to, path = through.person(), f"/api/v2/conversations/messages/{far_integration(through)}/inbound/open/message"
    with through.losing_answers(path, to) as lost:
        message = await through.send("open", neutral.Text(text="hello"), to)
        await through.told_last(message, "delivered")
    assert len(lost) == 1
    _, items = await there(through, to)
    assert len([item for item in items if item.inbound_id is not None]) == 1


def far_integration(through: Loop) -> str:
    return str(through.channels["open"].channel.config["integration_id"])


KEYBOARD = Keyboard(buttons=[Button(value="YES", text="Yes"), Button(action="open-url", value=PNG, text="Look")])
ANSWERS: list[tuple[Base, dict[str, Any]]] = [
    (neutral.Text(text="It is on its way"), {"type": "text", "text": "It is on its way"}),
    (neutral.Image(url=PNG, text="Here"), {"type": "image", "url": PNG, "text": "Here"}),
    (neutral.Text(text="Shall we?", keyboard=KEYBOARD), {"type": "text"}),
]


@pytest.mark.parametrize(("content", "shown"), ANSWERS)
async def test_what_is_answered_there_comes_back_here(through: Loop, content: Base, shown: dict[str, Any]) -> None:
    to = through.person()
    await through.told(await through.send("open", neutral.Text(text="hello"), to), "sent", "delivered")
    conversation, _ = await there(through, to)
    sent = await through.far.inbox.send(through.far_account, conversation.id, content, by=AGENT)
    heard = (await through.heard_from(to))["message"]
    assert {name: heard["content"][name] for name in shown} == shown
    keyboard = heard["content"].get("keyboard") or {"buttons": []}
    wanted = content.keyboard.buttons if content.keyboard is not None else []
    assert [(b["value"], b["text"]) for b in keyboard["buttons"]] == [(b.value, b.text) for b in wanted]
    await delivered(through, sent.message_id)


async def delivered(through: Loop, message: UUID | None) -> None:
    """Near has told far that it took the message."""
    assert message is not None
    row: Any = None

    async def look() -> bool:
        nonlocal row
        row = await reading.message(through.far.db, through.far_account, message)
        return row is not None and row["status"] == "delivered"

    async with asyncio.timeout(LIMIT):
        while not await look():
            await asyncio.sleep(0.01)


REFUSED = [("foreign", "sender_not_found"), ("locked", "bad_credentials"), ("stranger", "bad_credentials")]


@pytest.mark.parametrize(("channel", "reason"), REFUSED)
async def test_what_is_refused_there_fails_here(through: Loop, channel: str, reason: str) -> None:
    to = through.person()
    message = await through.send(channel, neutral.Text(text="On its way"), to)
    await through.told(message, "failed")
    assert await through.status(message) == ("failed", reason)
    (exchange,) = await through.exchanges(message)
    assert [secret for secret in (SECRET, "another secret") if secret in str(exchange)] == []


CHECKS = [
    ("foreign", f"knows no Open Messaging integration {UNKNOWN}"),
    ("locked", "does not take the OAuth client and its secret (authentication failed)."),
    ("stranger", "does not take the OAuth client and its secret (client not found)."),
]


@pytest.mark.parametrize(("channel", "words"), CHECKS, ids=[channel for channel, _ in CHECKS])
async def test_the_check_says_what_is_wrong(through: Loop, channel: str, words: str) -> None:
    health = await through.near.channels.check(through.channels[channel])
    assert (health.ok, words in health.detail) == (False, True), health
    assert health.fix
