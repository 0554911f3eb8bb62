"""How soon a lane looks again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.scripted import Stage, staged
from tyrian.domain.schedule import Schedule
from tyrian.engine.channel_spec import ChannelChange
from tyrian.engine.lane import Lane
from tyrian.store.claims import BURST_SECONDS


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    async with staged(database_url) as running:
        yield running


class Nobody:
    """A claimer that gets nothing: somebody else holds the channel's bucket."""

    def __init__(self, stage: Stage) -> None:
        self.db, self.clock = stage.gateway.db, stage.gateway.clock

    async def claim(
        self, lane: Lane, now: datetime, room: int, rate: float | None, concurrency: int | None
    ) -> Sequence[Any]:
        return []


async def test_a_limited_channel_with_nothing_to_send_is_left_alone(stage: Stage) -> None:
    """It looks again within the burst only while something waits for the rate."""
    await stage.gateway.channels.update(stage.account_id, "one", ChannelChange(rate=1.0))
    lane = Lane(stage.entry(), Nobody(stage))
    now = stage.gateway.clock.now()
    assert await lane._round(now) == 1.0
    await stage.submit("+1", schedule=Schedule(send_at=now + timedelta(hours=1)))
    assert await lane._round(now) == 1.0
    assert await lane._round(now + timedelta(hours=2)) == BURST_SECONDS / 2


async def test_what_is_accepted_for_an_idle_limited_channel_goes_at_once(stage: Stage) -> None:
    await stage.gateway.channels.update(stage.account_id, "one", ChannelChange(rate=50.0))
    for number in range(3):
        identifier = (await stage.submit(f"+{number}")).messages[0].id
        await asyncio.wait_for(stage.status(identifier, "sent"), 10)
