"""A row that another connection changes meanwhile keeps nothing of the rest of a batch from being written.

PostgreSQL 18 passes over the rows of partitioned tables after it had to look at one row again (`store.database`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tyrian.domain.ids import Ids
from tyrian.domain.lifecycle import Event
from tyrian.store import bulks, links, plain, transitions
from tyrian.store.database import Database
from tyrian.store.writing import FINISH, Write, apply

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
NODE = 7
COUNT = 6


@dataclass
class Batch:
    """Messages with an attempt and a send each, as a node has them in hand."""

    db: Database
    account: int
    messages: list[UUID]
    attempts: list[UUID]

    def write(self, n: int, kind: str, **more: Any) -> Write:
        identifier = (self.messages[n], self.account, self.attempts[n], 0, 1, "1", 1, NOW)
        return Write(*identifier, attempt_status=kind, message_status=kind, events=[Event(kind)], **more)

    def heard(self, n: int, **more: Any) -> Write:
        """A receipt, decided when message and attempt were `sent`."""
        stood = {"expect_step": 0, "expect_delivered": False, "expect_seen": False, "clear_deadline": True}
        return self.write(
            n, "delivered", delivered_at=NOW, fenced=False, expect_status="sent", expect_attempt="sent", **stood, **more
        )

    def sent(self, n: int, **more: Any) -> Write:
        return self.write(n, "sent", send=FINISH, deadline=NOW + timedelta(hours=1), sent_at=NOW, **more)

    async def statuses(self) -> list[tuple[str, str]]:
        rows = await self.db.read(
            "SELECT m.status, a.status AS attempt FROM messages m JOIN attempts a ON a.message_id = m.id ORDER BY m.id"
        )
        return [(row["status"], row["attempt"]) for row in rows]


@pytest.fixture
async def batch(database_url: str) -> AsyncIterator[Batch]:
    db = await Database.open(database_url)
    account = await db.fetchval("INSERT INTO accounts (name, created_at) VALUES ('acme', $1) RETURNING id", NOW)
    await db.fetchval("SELECT make_partitions($1::date, 3)", NOW.date())
    ids = Ids()
    made = Batch(db, account, [ids.new(NOW) for _ in range(COUNT)], [ids.new(NOW) for _ in range(COUNT)])
    await db.execute(
        "INSERT INTO messages (id, account_id, status, step, updated_at, accepted_at, due_at, valid_until, recipient,"
        " purpose, plan) SELECT i, $2, 'sent', 0, $3, $3, $3, $3, '1', 'transactional', '{}' FROM unnest($1::uuid[]) i",
        made.messages, account, NOW,
    )  # fmt: skip
    await db.execute(
        "INSERT INTO attempts (message_id, id, account_id, step, channel_id, status, tries, updated_at, recipient)"
        " SELECT m, a, $3, 0, 1, 'sent', 1, $4, '1' FROM unnest($1::uuid[], $2::uuid[]) AS w(m, a)",
        made.messages, made.attempts, account, NOW,
    )  # fmt: skip
    await db.execute(
        "INSERT INTO sends (message_id, attempt_id, account_id, channel_id, priority, step, node, due_at, valid_until,"
        " leased_until, recipient) SELECT m, a, $3, 1, 2, 0, $5, $4, $4, $4, m::text"
        " FROM unnest($1::uuid[], $2::uuid[]) AS w(m, a)",
        made.messages, made.attempts, account, NOW, NODE,
    )  # fmt: skip
    yield made
    await db.close()


async def while_held(batch: Batch, held: str, work: Callable[[], Awaitable[Any]]) -> Any:
    """Runs `work` so that it waits for a change of the first row that is not committed yet, then commits that."""
    async with batch.db.work.acquire() as other, batch.db.work.acquire() as watcher:
        transaction = other.transaction()
        await transaction.start()
        await other.execute(held, batch.messages[0])
        running = asyncio.ensure_future(work())
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"
        while not await watcher.fetchval(waiting):
            assert not running.done(), "it did not wait, so it met no conflict"
            await asyncio.sleep(0.01)
        await transaction.commit()
        return await running


TOUCHED = "UPDATE messages SET updated_at = updated_at WHERE id = $1"
SEEN = "UPDATE messages SET status = 'seen' WHERE id = $1"
LOOKED_AT = "UPDATE sends SET waits = waits WHERE message_id = $1"


async def test_receipts_beside_one_that_came_too_late_are_written(batch: Batch) -> None:
    writes = [batch.heard(n) for n in range(COUNT)]
    assert all(plain.is_heard(write) for write in writes)
    done = await while_held(batch, SEEN, lambda: plain.apply(batch.db, writes, NODE))
    assert done == set(batch.messages[1:])
    assert await batch.statuses() == [("seen", "sent"), *[("delivered", "delivered")] * (COUNT - 1)]


async def test_receipts_are_written_where_a_row_was_merely_touched(batch: Batch) -> None:
    done = await while_held(batch, TOUCHED, lambda: plain.apply(batch.db, [batch.heard(n) for n in range(COUNT)], NODE))
    assert done == set(batch.messages)
    assert await batch.statuses() == [("delivered", "delivered")] * COUNT


async def test_changes_of_any_kind_beside_a_conflict_are_written(batch: Batch) -> None:
    writes = [batch.heard(n, attempt_reason="x") for n in range(COUNT)]
    done = await while_held(batch, SEEN, lambda: apply(batch.db, writes, NODE))
    assert done == set(batch.messages[1:])
    assert await batch.statuses() == [("seen", "sent"), *[("delivered", "delivered")] * (COUNT - 1)]


@pytest.mark.parametrize("how", [plain.apply, apply], ids=["short", "any"])
async def test_outcomes_of_sends_are_written_where_a_send_was_touched(batch: Batch, how: Any) -> None:
    await batch.db.execute("UPDATE messages SET status = 'sending'")
    await batch.db.execute("UPDATE attempts SET status = 'sending'")
    done = await while_held(batch, LOOKED_AT, lambda: how(batch.db, [batch.sent(n) for n in range(COUNT)], NODE))
    assert done == set(batch.messages)
    assert await batch.statuses() == [("sent", "sent")] * COUNT


async def test_all_messages_are_locked_where_one_was_touched(batch: Batch) -> None:
    async def lock() -> set[UUID]:
        async with batch.db.transaction() as connection:
            return set(await transitions.lock(connection, [(batch.account, m) for m in batch.messages]))

    assert await while_held(batch, TOUCHED, lock) == set(batch.messages)


async def test_all_attempts_are_named_where_one_was_touched(batch: Batch) -> None:
    async def name() -> None:
        async with batch.db.transaction() as connection:
            named = [(m, a, f"r{n}") for n, (m, a) in enumerate(zip(batch.messages, batch.attempts, strict=True))]
            await transitions.name_attempts(connection, named)

    await while_held(batch, "UPDATE attempts SET updated_at = updated_at WHERE message_id = $1", name)
    rows = await batch.db.read("SELECT provider_ref FROM attempts ORDER BY message_id")
    assert [row["provider_ref"] for row in rows] == [f"r{n}" for n in range(COUNT)]


async def test_all_messages_of_a_bulk_are_released_where_one_was_touched(batch: Batch) -> None:
    until = NOW + timedelta(days=1)
    sends = [
        {
            "message_id": m, "attempt_id": a, "account_id": batch.account, "channel_id": 1, "priority": 2,
            "due_at": NOW, "valid_until": until, "recipient": "1",
        }
        for m, a in zip(batch.messages, batch.attempts, strict=True)
    ]  # fmt: skip

    async def release() -> None:
        async with batch.db.transaction() as connection:
            await bulks.release(connection, batch.messages[0], sends)

    await while_held(batch, TOUCHED, release)
    assert {row["valid_until"] for row in await batch.db.read("SELECT valid_until FROM messages")} == {until}


async def test_all_clicks_are_counted_where_one_link_was_touched(batch: Batch) -> None:
    made = [
        links.NewLink(m, a, 0, batch.account, 1, 0, f"code{n}", "https://example.com/", None, NOW)
        for n, (m, a) in enumerate(zip(batch.messages, batch.attempts, strict=True))
    ]
    await links.make(batch.db, made)
    clicks = [links.Click(x.message_id, x.attempt_id, 0, batch.account, NOW, b"{}") for x in made]
    await while_held(
        batch, "UPDATE links SET clicks = clicks WHERE message_id = $1", lambda: links.count(batch.db, clicks)
    )
    assert [row["clicks"] for row in await batch.db.read("SELECT clicks FROM links")] == [1] * COUNT
