"""One gateway sends through another in Genesys Cloud's dialect: tokens are given, kept and taken, and refusals told."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.loop.harness import Loop, Vendor, loop
from tyrian.domain import content as neutral
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.keys import Form
from tyrian.protocols import genesys
from tyrian.store.embedded import EmbeddedPostgres

CLIENT = "client-of-the-loop"
SECRET = "secret-of-the-loop"
UNKNOWN = str(uuid4())

pytestmark = pytest.mark.asyncio(loop_scope="module")


def channels(far_url: str) -> list[ChannelSpec]:
    def channel(name: str, secret: str = SECRET, **config: Any) -> ChannelSpec:
        config = {"integration_id": UNKNOWN, "client_id": CLIENT, "base_url": far_url, **config}
        secrets = {"client_secret": secret, "webhook_secret": "secret-of-the-webhooks"}
        return ChannelSpec(name=name, kind="genesys", config=config, secrets=secrets)

    return [
        channel("foreign"),
        channel("locked", "another secret"),
        channel("stranger", client_id="nobody"),
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def through(postgres: EmbeddedPostgres) -> AsyncIterator[Loop]:
    key = {"face": "genesys", "form": Form.PAIR, "identity": CLIENT, "secret": SECRET}
    async with loop(postgres, Vendor(genesys.registration, keys=[key], channels=channels)) as opened:
        yield opened


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


@pytest.mark.parametrize(("channel", "words"), CHECKS)
async def test_the_check_says_what_is_wrong(through: Loop, channel: str, words: str) -> None:
    health = await through.near.channels.check(through.channels[channel])
    assert (health.ok, words in health.detail) == (False, True), health
    assert health.fix
