"""One gateway sends through another in tyntec's dialect: near's customer is told what far's handset saw."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.loop.harness import Loop, Vendor, loop
from tyrian.domain import content as neutral
from tyrian.domain.content import Base, Card, LinkButton
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Step
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.protocols import tyntec
from tyrian.store.embedded import EmbeddedPostgres

KEY = "key-of-the-loop"
SECRET = "a secret of ours"
URL = "https://cdn.example.com/a.png"
SHOP = "https://shop.example.com/7"
BUTTON = LinkButton(text="Buy", url=SHOP)
CARD = Card(title="Shoes", image=URL, primary=LinkButton(text="Buy", url=SHOP))
CLIP: dict[str, Any] = {"url": "https://cdn.example.com/a.mp4", "size": 1024 * 1024, "duration": 30, "thumbnail": URL}

pytestmark = pytest.mark.asyncio(loop_scope="module")


def channels(far_url: str) -> list[ChannelSpec]:
    secrets = {"api_key": KEY, "signature_secret": SECRET}
    return [
        ChannelSpec(name="viber", kind="tyntec", config={"sender": "1001", "base_url": far_url}, secrets=secrets),
        ChannelSpec(
            name="sms",
            kind="tyntec",
            config={"sender": "TyrianDemo", "channel": "sms", "base_url": far_url, "override_callbacks": True},
            secrets=secrets,
        ),
        ChannelSpec(name="foreign", kind="tyntec", config={"sender": "9999", "base_url": far_url}, secrets=secrets),
        ChannelSpec(
            name="locked", kind="tyntec", config={"sender": "1001", "base_url": far_url}, secrets={"api_key": "none"}
        ),
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def through(postgres: EmbeddedPostgres) -> AsyncIterator[Loop]:
    vendor = Vendor(tyntec.registration, keys=[{"face": "tyntec", "secret": KEY}], channels=channels)
    async with loop(postgres, vendor) as opened:
        account = {"signature": {"secret": SECRET, "method": "HS256"}}
        path = f"{opened.far_url}/conversations/v3/configurations/callbacks"
        async with aiohttp.ClientSession() as http, http.put(path, json=account, headers={"apikey": KEY}) as answer:
            assert answer.status == 204
        health = await opened.near.channels.provision(opened.channels["viber"])
        assert health.ok, health
        yield opened


CONTENTS: list[tuple[Base, Purpose, dict[str, Any]]] = [
    (neutral.Text(text="On its way"), Purpose.TRANSACTIONAL, {"#txt": "On its way"}),
    (neutral.Text(text="472913"), Purpose.OTP, {"#txt": "472913"}),
    (neutral.Image(url=URL), Purpose.PROMOTIONAL, {"#img": URL}),
    (
        neutral.Image(url=URL, text="Sale", button=BUTTON),
        Purpose.PROMOTIONAL,
        {"#img": URL, "#txt": "Sale", "#caption": "Buy", "#action": SHOP},
    ),
    (
        neutral.Text(text="Sale", button=BUTTON),
        Purpose.PROMOTIONAL,
        {"#txt": "Sale", "#caption": "Buy", "#action": SHOP},
    ),
    (neutral.Video(**CLIP), Purpose.PROMOTIONAL, {"#action": CLIP["url"], "#thumbnail": URL}),
    (neutral.Video(**CLIP, text="Sale"), Purpose.PROMOTIONAL, {"#txt": "Sale"}),
    (neutral.Survey(text="Which?", options=["a", "b"]), Purpose.TRANSACTIONAL, {"#txt": "Which?"}),
    (neutral.Carousel(text="New", cards=[CARD, CARD]), Purpose.PROMOTIONAL, {"#txt": "New"}),
]


@pytest.mark.parametrize(("content", "purpose", "shown"), CONTENTS)
async def test_the_handset_shows_what_was_sent(
    through: Loop, content: Base, purpose: Purpose, shown: dict[str, Any]
) -> None:
    to = through.person()
    message = await through.send("viber", content, to, purpose=purpose)
    await through.told(message, "sent", "delivered", "seen")
    (seen,) = through.handset(to).messages
    assert {name: seen.content["message"].get(name) for name in shown} == shown
    (exchange,) = await through.exchanges(message)
    assert exchange["status"] == 202
    assert KEY not in str(exchange)


async def test_a_file_arrives_with_its_size(through: Loop) -> None:
    """The dialect has no member for it, and Viber must be told: far asks the server that has the file."""
    to, url = through.person(), f"{through.customer_url}/media/a.pdf"
    message = await through.send("viber", neutral.File(url=url, name="a.pdf"), to, purpose=Purpose.PROMOTIONAL)
    await through.told(message, "sent", "delivered", "seen")
    (seen,) = through.handset(to).messages
    assert (seen.content["message"]["#fileName"], seen.content["file_size"]) == ("a.pdf", 1000)


OUTCOMES: list[tuple[str, list[str], str, str | None]] = [
    ("01", ["sent", "delivered", "seen"], "seen", None),
    ("02", ["sent", "delivered"], "delivered", None),
    ("04", ["sent", "failed"], "failed", "not_a_viber_user"),
    ("05", ["sent", "failed"], "failed", "blocked_by_user"),
    ("06", ["sent", "seen"], "seen", None),
    ("08", ["sent", "delivered", "seen"], "seen", None),
]


@pytest.mark.parametrize(("ends", "told", "status", "reason"), OUTCOMES)
async def test_the_customer_is_told_what_came_of_it(
    through: Loop, ends: str, told: list[str], status: str, reason: str | None
) -> None:
    message = await through.send("viber", neutral.Text(text="On its way"), through.person(ends))
    await through.told(message, *told)
    assert await through.status(message) == (status, reason)


async def test_a_failure_there_goes_to_the_next_step_here(through: Loop) -> None:
    to = through.person("04")
    text = neutral.Text(text="On its way")
    message = await through.send("viber", text, to, then=[Step(channel="sms", content=text)], fallback_time=600)
    told = await through.told(message, "sent", "sent", "delivered")
    assert told[-1]["message"]["channel"] == "sms"


REFUSED: list[tuple[str, str]] = [("foreign", "sender_not_found"), ("locked", "bad_credentials")]


@pytest.mark.parametrize(("channel", "reason"), REFUSED)
async def test_a_sender_or_key_that_is_refused(through: Loop, channel: str, reason: str) -> None:
    to = through.person()
    message = await through.send(channel, neutral.Text(text="On its way"), to)
    await through.told(message, "failed")
    assert await through.status(message) == ("failed", reason)
    assert through.handset(to).messages == []


async def test_an_sms(through: Loop) -> None:
    to = through.person()
    message = await through.send("sms", neutral.Text(text="On its way"), to)
    await through.told(message, "sent", "delivered")


async def test_what_people_write_comes_back(through: Loop) -> None:
    to = through.person("11")
    message = await through.send("viber", neutral.Text(text="hello"), to)
    await through.told(message, "sent", "delivered", "seen")
    (said,) = await through.heard()
    assert (said["message"]["sender"], said["message"]["content"]["text"]) == (to, "echo: hello")
