"""One gateway sends through another in Telesign's dialect: near's customer is told what far's handset saw."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.loop.harness import Loop, Vendor, loop
from tyrian.domain import content as neutral
from tyrian.domain.content import Base, LinkButton
from tyrian.domain.purpose import Purpose
from tyrian.domain.session import SessionSettings
from tyrian.domain.submission import Step
from tyrian.engine.channel_spec import ChannelChange, ChannelSpec
from tyrian.protocols import telesign
from tyrian.protocols.telesign import signing
from tyrian.store.embedded import EmbeddedPostgres

CUSTOMER = "FFFFFFFF-EEEE-DDDD-1234-AB1234567890"
KEY = "ABC12345yusumoN6BYsBVkh+yRJ5czgsnCehZaOYldPJdmFh6NeX8kunZ2zU1YWaUw/0wV6xfw=="
SHOP = "https://shop.example.com/7"
URL = "https://cdn.example.com/a.png"
BUTTON = LinkButton(text="Buy", url=SHOP, id="b-7")

pytestmark = pytest.mark.asyncio(loop_scope="module")


def channels(far_url: str) -> list[ChannelSpec]:
    def made(name: str, key: str = KEY, **config: Any) -> ChannelSpec:
        whole = {"customer_id": CUSTOMER, "base_url": far_url, **config}
        return ChannelSpec(name=name, kind="telesign", config=whole, secrets={"api_key": key})

    return [
        made("viber"),
        made("basic", authentication="basic"),
        made("sms", channel="sms"),
        made("locked", key="bm90IHRoZSBrZXk="),
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def through(postgres: EmbeddedPostgres) -> AsyncIterator[Loop]:
    async with loop(postgres, Vendor(telesign.registration, channels=channels)) as opened:
        path = f"{opened.far_url}/v1/omnichannel/settings"
        headers = {"Authorization": signing.basic(CUSTOMER, KEY)}
        settings = {"mo_callback_url": opened.hook_url("viber")}
        async with aiohttp.ClientSession() as http, http.put(path, json=settings, headers=headers) as answer:
            assert answer.status == 200
        yield opened


CONTENTS: list[tuple[Base, Purpose, dict[str, Any]]] = [
    (neutral.Text(text="On its way"), Purpose.TRANSACTIONAL, {"#txt": "On its way"}),
    (neutral.Text(text="472913"), Purpose.OTP, {"#txt": "472913"}),
    (neutral.Text(text="Grüße 👋"), Purpose.PROMOTIONAL, {"#txt": "Grüße 👋"}),
    (neutral.Image(url=URL), Purpose.PROMOTIONAL, {"#img": URL}),
    (
        neutral.Text(text="Sale", button=BUTTON),
        Purpose.PROMOTIONAL,
        {"#txt": "Sale", "#caption": "Buy", "#action": SHOP},
    ),
    (
        neutral.Template(template_id="otp_verify", language="en", parameters={"otp_code": "4711"}),
        Purpose.OTP,
        {"#txt": "4711 is your verification code"},
    ),
]


@pytest.mark.parametrize(("content", "purpose", "shown"), CONTENTS)
@pytest.mark.parametrize("channel", ["viber", "basic"])
async def test_the_handset_shows_what_was_sent(
    through: Loop, channel: str, content: Base, purpose: Purpose, shown: dict[str, Any]
) -> None:
    to = through.person()
    message = await through.send(channel, content, to, purpose=purpose)
    await through.told(message, "sent", "delivered", "seen")
    (seen,) = through.handset(to).messages
    assert {name: seen.content["message"].get(name) for name in shown} == shown
    (exchange,) = await through.exchanges(message)
    assert exchange["status"] == 200
    assert KEY not in str(exchange)


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
    text = neutral.Text(text="On its way")
    step = Step(channel="sms", content=text)
    message = await through.send("viber", text, through.person("04"), then=[step], fallback_time=600)
    told = await through.told(message, "sent", "sent", "delivered")
    assert told[-1]["message"]["channel"] == "sms"


async def test_a_phone_that_is_off_falls_back_here(through: Loop) -> None:
    text = neutral.Text(text="On its way")
    step = Step(channel="sms", content=text)
    message = await through.send("viber", text, through.person("09"), then=[step], fallback_time=60)
    await through.told(message, "sent", "sent", "delivered")
    assert (await through.status(message))[0] == "delivered"


async def test_a_session_that_is_not_open(through: Loop) -> None:
    # Near lets it go, so that it is far's rule which holds.
    lenient = ChannelChange(sessions=SessionSettings(enforced=False))
    await through.near.channels.update(through.near_account, "viber", lenient)
    text = neutral.Text(text="more")
    message = await through.send("viber", text, through.person(), purpose=Purpose.SESSION)
    await through.told(message, "sent", "failed")
    assert await through.status(message) == ("failed", "session_closed")


async def test_what_people_write_comes_back(through: Loop) -> None:
    to = through.person("11")
    message = await through.send("viber", neutral.Text(text="hello", tracking_data="t-7"), to)
    await through.told(message, "sent", "delivered", "seen")
    (said,) = await through.heard()
    assert (said["message"]["sender"], said["message"]["content"]["text"]) == (to, "echo: hello")
    assert said["message"]["content"]["tracking_data"] == "t-7"


async def test_a_key_that_is_refused(through: Loop) -> None:
    to = through.person()
    message = await through.send("locked", neutral.Text(text="On its way"), to)
    await through.told(message, "failed")
    assert await through.status(message) == ("failed", "bad_credentials")
    assert through.handset(to).messages == []


@pytest.mark.parametrize(("channel", "works"), [("viber", True), ("basic", True), ("locked", False)])
async def test_a_channel_can_be_checked(through: Loop, channel: str, works: bool) -> None:
    health = await through.near.channels.check(through.channels[channel])
    assert health.ok is works, health.detail
