"""Lines of sends: order per person, nobody left waiting for nobody, and how many rows a claim looks at."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tyrian.domain.ids import Ids
from tyrian.store import bulks, claims
from tyrian.store.database import Database, persist
from tyrian.store.writing import AGAIN, FINISH, NEXT, Write, apply

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LEASE = NOW + timedelta(seconds=60)
IDS = Ids()
CHANNEL, OTHER, NODE = 1, 2, 7
BULK, SECOND = UUID(int=1), UUID(int=2)

ADD = """
INSERT INTO sends (message_id, attempt_id, account_id, channel_id, priority, step, due_at, valid_until, bulk_id,
    recipient)
SELECT id, id, 1, 1, 2, 0, due, due + interval '1 day', bulk, recipient
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::uuid[]) AS t(id, recipient, due, bulk)
"""
WAITING = "SELECT count(*) FROM sends WHERE waits"
#: Flagged, and nothing before it in its line that is due, tried or leased.
FORGOTTEN = """
SELECT count(*) FROM sends s WHERE s.waits AND NOT EXISTS (
    SELECT 1 FROM sends e WHERE e.channel_id = s.channel_id AND e.recipient = s.recipient AND e.priority = s.priority
      AND e.message_id < s.message_id AND (e.due_at <= $1 OR e.tries > 0 OR e.leased_until IS NOT NULL))
"""


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url, work=8, reading=1)
    await database.fetchval("SELECT make_partitions($1::date, 1)", NOW.date())
    yield database
    await database.close()


async def add(db: Database, people: list[str], due: datetime = NOW, bulk: UUID = BULK) -> list[UUID]:
    """One message to each of these, in this order."""
    ids = [IDS.new(NOW) for _ in people]
    await db.execute(ADD, ids, people, [due] * len(ids), [bulk] * len(ids))
    return ids


async def claim(db: Database, limit: int = 100, now: datetime = NOW, rate: float | None = None) -> list[Any]:
    return await claims.claim_sends(db, CHANNEL, now, limit, NODE, LEASE, rate)


async def put_away(db: Database, now: datetime = NOW) -> None:
    while await claims.park(db, CHANNEL, now):
        pass


def write(row: Any, send: int, **more: Any) -> Write:
    return Write(
        row["message_id"], 1, row["attempt_id"], row["step"], CHANNEL, row["recipient"], row["tries"], NOW,
        send=send, **more,
    )  # fmt: skip


def again(row: Any, due: datetime) -> Write:
    return write(row, AGAIN, send_attempt=row["attempt_id"], send_channel=CHANNEL, send_priority=2, send_step=0,
                 send_due=due, send_recipient=row["recipient"])  # fmt: skip


def onward(row: Any) -> Write:
    return write(row, NEXT, send_attempt=IDS.new(NOW), send_channel=OTHER, send_priority=2, send_step=1,
                 send_due=NOW, send_recipient=row["recipient"])  # fmt: skip


def looked_at(plan: dict[str, Any]) -> int:
    """Rows of `sends` that a plan's scans returned or discarded."""
    own = 0
    if plan.get("Relation Name") == "sends" and "Scan" in plan["Node Type"]:
        rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        own = round(rows * plan["Actual Loops"])
    return own + sum(looked_at(part) for part in plan.get("Plans", []))


async def cost(db: Database, sql: str, *args: Any) -> int:
    """The rows that a statement looks at."""
    async with db.transaction() as connection:
        text = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *args)
    return looked_at(json.loads(text)[0]["Plan"])


class TestCost:
    @pytest.mark.parametrize("depth", [10, 200])
    async def test_heads_under_way_cost_nothing_however_long_their_lines(self, db: Database, depth: int) -> None:
        people = [f"+{n}" for n in range(40)]
        await add(db, people * depth)
        assert len(await claim(db)) == 40
        await put_away(db)
        assert await db.fetchval(WAITING) == 40 * (depth - 1)
        assert await cost(db, claims.CLAIM_SENDS, CHANNEL, NOW, 60, NODE, LEASE) == 0

    async def test_a_claim_passes_by_a_bounded_number(self, db: Database) -> None:
        await add(db, [f"+{n}" for n in range(40)] * 200)
        await claim(db)
        # Each that is passed by is found in the index, looked up, and met with the head of its line.
        assert await cost(db, claims.CLAIM_SENDS, CHANNEL, NOW, 60, NODE, LEASE) <= 3 * (500 + 60)

    async def test_the_same_under_a_rate(self, db: Database) -> None:
        await claims.open_pace(db, CHANNEL, 1000.0, NOW)
        await add(db, [f"+{n}" for n in range(40)] * 200)
        assert len(await claim(db, rate=1000.0)) == 40
        await put_away(db)
        later = NOW + timedelta(seconds=1)
        assert await cost(db, claims.CLAIM_SENDS_PACED, CHANNEL, later, 60, NODE, LEASE, 1000.0, 50.0) == 0

    async def test_a_bucket_that_another_claim_holds_is_not_waited_for(self, db: Database) -> None:
        await claims.open_pace(db, CHANNEL, 1000.0, NOW)
        await add(db, ["+1"])
        async with db.transaction() as other:
            await other.execute("SELECT 1 FROM paces FOR UPDATE")
            assert await claim(db, rate=1000.0) == []
        assert len(await claim(db, rate=1000.0)) == 1


class TestLines:
    async def test_the_end_of_a_send_frees_the_next_and_only_that(self, db: Database) -> None:
        first, second, third = await add(db, ["+1"] * 3)
        (row,) = await claim(db)
        await put_away(db)
        assert row["message_id"] == first
        assert await db.fetchval(WAITING) == 2
        await apply(db, [write(row, FINISH)], NODE)
        (row,) = await claim(db)
        assert row["message_id"] == second
        assert await db.fetchval(WAITING) == 1
        assert await db.fetchval("SELECT waits FROM sends WHERE message_id = $1", third)

    async def test_a_retry_holds_the_line_and_the_next_step_frees_it(self, db: Database) -> None:
        _, second = await add(db, ["+1"] * 2)
        (row,) = await claim(db)
        await put_away(db)
        later = NOW + timedelta(seconds=30)
        await apply(db, [again(row, later)], NODE)
        assert await claim(db) == []
        (row,) = await claim(db, now=later)
        await apply(db, [onward(row)], NODE)
        (row,) = await claim(db)
        assert row["message_id"] == second

    async def test_a_bulk_put_on_hold_lets_the_others_pass(self, db: Database) -> None:
        await add(db, ["+1"] * 2, bulk=BULK)
        (third,) = await add(db, ["+1"], bulk=SECOND)
        await put_away(db)
        assert await db.fetchval(WAITING) == 2
        await db.execute(bulks.HOLD, BULK)
        (row,) = await claim(db)
        assert row["message_id"] == third

    async def test_a_bulk_taken_back_lets_the_others_pass(self, db: Database) -> None:
        await add(db, ["+1"] * 2, bulk=BULK)
        (third,) = await add(db, ["+1"], bulk=SECOND)
        await put_away(db)
        await db.fetch(bulks.TAKE_BACK, BULK, 10)
        (row,) = await claim(db)
        assert row["message_id"] == third

    async def test_one_that_is_due_later_holds_up_nobody_until_then(self, db: Database) -> None:
        later = NOW + timedelta(seconds=30)
        (first,) = await add(db, ["+1"], due=later)
        (second, third) = await add(db, ["+1"] * 2)
        (row,) = await claim(db)
        assert row["message_id"] == second
        await put_away(db, later)
        (head,) = await claim(db, now=later)
        assert head["message_id"] == first
        await apply(db, [write(row, FINISH), write(head, FINISH)], NODE)
        (row,) = await claim(db, now=later)
        assert row["message_id"] == third

    async def test_a_head_whose_end_is_under_way_is_not_waited_for(self, db: Database) -> None:
        await add(db, ["+1"] * 2)
        (row,) = await claim(db)
        async with db.transaction() as ending:
            await apply(ending, [write(row, FINISH)], NODE)
            assert await claims.park(db, CHANNEL, NOW) == 0
        assert len(await claim(db)) == 1

    async def test_the_guard_frees_what_waits_for_nobody(self, db: Database) -> None:
        await add(db, ["+1", "+2", "+2"])
        await put_away(db)
        await db.execute("UPDATE sends SET waits = true WHERE recipient = '+1'")
        assert await claims.free_waiting(db, NOW) == 1
        assert len(await claim(db)) == 2


class TestTogether:
    @pytest.mark.parametrize("seed", range(6))
    async def test_whoever_claims_parks_ends_and_holds_at_once_nobody_is_forgotten(
        self, db: Database, seed: int
    ) -> None:
        """Many at once on few lines; in the end every message went, each person's in order among those not held."""
        chance = random.Random(seed)
        people = [f"+{n}" for n in range(5)]
        for _ in range(8):
            await add(db, [chance.choice(people) for _ in range(25)], bulk=chance.choice([BULK, SECOND]))
        sent: list[Any] = []
        stop = asyncio.Event()

        async def sender() -> None:
            while not stop.is_set():
                for row in await claim(db, chance.randrange(1, 6)):
                    sent.append(row)
                    await asyncio.sleep(0)
                    kind = chance.random()
                    change = again(row, NOW) if kind < 0.2 else onward(row) if kind < 0.4 else write(row, FINISH)
                    await repeat(lambda change=change: apply(db, [change], NODE))

        async def parker() -> None:
            while not stop.is_set():
                await repeat(lambda: claims.park(db, CHANNEL, NOW))
                await asyncio.sleep(0)

        async def meddler() -> None:
            for _ in range(15):
                bulk = chance.choice([BULK, SECOND])
                await repeat(lambda bulk=bulk: db.execute(bulks.HOLD, bulk))
                await asyncio.sleep(0.01)
                await repeat(lambda bulk=bulk: db.execute(bulks.LET_GO, bulk, NOW))
                await repeat(lambda: db.fetch(bulks.TAKE_BACK, SECOND, 2))

        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            working = [group.create_task(sender()) for _ in range(3)] + [group.create_task(parker()) for _ in range(2)]
            await group.create_task(meddler())
            while await db.fetchval("SELECT EXISTS (SELECT 1 FROM sends WHERE channel_id = $1)", CHANNEL):
                assert await db.fetchval(FORGOTTEN, NOW) == 0
                await asyncio.sleep(0.02)
            stop.set()
            await asyncio.wait(working)
        assert sent


async def repeat(step: Any) -> Any:
    """As the batchers do: again after a deadlock."""
    return await persist(step)
