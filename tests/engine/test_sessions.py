"""Sessions on a running gateway: what goes out inside, outside, and once the person answers."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from tests.scripted import Stage, staged
from tyrian.domain.content import Text
from tyrian.domain.problem import Refused
from tyrian.domain.purpose import Purpose
from tyrian.domain.session import OptIn, SessionSettings, SessionState
from tyrian.domain.submission import Step
from tyrian.engine import ports

PERSON, OTHER = "+385991234501", "+385991234502"
STRICT = SessionSettings(enforced=True, sent_limit=3, unanswered_limit=2)
ASKING = SessionSettings(enforced=True, opt_in=OptIn(content=Text(text="may we write?")))
_numbers = count()


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    channels: dict[str, dict[str, Any]] = {"one": {"sessions": STRICT}, "two": {}, "asking": {"sessions": ASKING}}
    async with staged(database_url, channels=channels, scale=60) as running:
        yield running


async def says(stage: Stage, person: str = PERSON, channel: str = "one") -> None:
    message = ports.Inbound(person, channel, Text(text="hello"), f"p{next(_numbers)}")
    await stage.gateway.inbound.submit(stage.entry(channel).channel, [message])


async def send(stage: Stage, to: str = PERSON, channel: str = "one", text: str = "hello", **plan: Any) -> UUID:
    """A session message that is asked about right before the send, as those of other dialects are."""
    steps = [Step(channel=channel, content=Text(text=text))]
    plan = {"purpose": Purpose.SESSION, "face": "tyntec", "cascade": steps} | plan
    identifier: UUID = (await stage.submit(to, **plan)).messages[0].id
    return identifier


async def state(stage: Stage, person: str = PERSON, channel: str = "one") -> SessionState:
    return await stage.gateway.sessions.state(stage.account_id, stage.entry(channel).channel.id, person)


async def test_a_session_opens_with_what_a_person_writes(stage: Stage) -> None:
    before = await state(stage)
    assert (before.open, before.last_inbound_at, before.expires_at, before.opted_in) == (False, None, None, False)
    await says(stage)
    found = await state(stage)
    assert found.open
    assert found.opted_in
    assert found.last_inbound_at is not None
    assert found.expires_at == found.last_inbound_at + timedelta(hours=24)
    assert (found.sent, found.sent_limit, found.unanswered, found.unanswered_limit) == (0, 3, 0, 2)
    assert not (await state(stage, OTHER)).open
    assert not (await state(stage, channel="two")).open


async def test_inside_it_goes_out_and_counts(stage: Stage) -> None:
    await says(stage)
    await stage.status(await send(stage), "sent")
    found = await state(stage)
    assert (found.sent, found.unanswered) == (1, 1)


async def test_outside_it_is_refused_before_the_send(stage: Stage) -> None:
    row = await stage.status(await send(stage), "failed")
    assert row["reason"] == "session_closed"
    assert stage.one.sent == []


async def test_the_native_api_is_told_at_once(stage: Stage) -> None:
    with pytest.raises(Refused) as refused:
        await send(stage, face="native")
    (problem,) = refused.value.problems
    assert (problem.pointer, problem.code) == ("/to", "session_closed")
    assert "24 hours" in problem.message
