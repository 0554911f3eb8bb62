"""Copies of messages are whole: every row that belongs to one is there, under ids that fit together."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from bench import bed as beds, fill
from bench.bed import Bed
from bench.orders import TOKEN
from bench.subjects import CHANNEL, GATEWAY
from bench.world import Options, World
from tyrian.store.embedded import EmbeddedPostgres


@pytest.fixture
async def bed(tmp_path: Path, postgres: EmbeddedPostgres) -> AsyncIterator[Bed]:
    here = World(tmp_path, postgres, Options(quick=True))
    async with beds.made(here, GATEWAY) as made:
        yield made


async def test_a_past_and_a_backlog_are_whole(bed: Bed) -> None:
    url = bed.subject.database
    await fill.copies(url, await fill.seen(bed.subject), 0, 300)
    await fill.copies(url, await fill.scheduled(bed.subject, CHANNEL), 300, 200)
    await fill.settled(url)
    connection = await asyncpg.connect(url)
    count = connection.fetchval
    assert await count("SELECT count(*) FROM messages WHERE status = 'seen'") == 301
    assert await count("SELECT count(*) FROM messages WHERE status = 'scheduled'") == 201
    assert await count("SELECT count(*) FROM sends") == 201
    for table in ("attempts", "events", "sends"):
        orphans = f"SELECT count(*) FROM {table} t LEFT JOIN messages m ON m.id = t.message_id WHERE m.id IS NULL"
        assert await count(orphans) == 0, table
    assert await count("SELECT count(DISTINCT attempt_id) FROM events WHERE attempt_id IS NOT NULL") == 301
    assert await count("SELECT count(*) FROM attempts WHERE provider_ref = $1", str(TOKEN + 299)) == 1
    assert await count("SELECT count(DISTINCT recipient) FROM messages") >= 500
    assert await count("SELECT count(*) FROM messages WHERE uuid_extract_version(id) <> 7") == 0
    await connection.close()
