"""The statements of due callbacks: claims share without overlap, keep the head of the line, and can be repeated."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tyrian.domain.ids import Ids
from tyrian.store import callbacks as store
from tyrian.store.callbacks import AGAIN, DONE, FIRST, PARK, RETRY, Outcome
from tyrian.store.database import Database

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LEASE = NOW + timedelta(seconds=60)
IDS = Ids()


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url)
    await database.fetchval("SELECT make_partitions($1::date, 1)", NOW.date())
    yield database
    await database.close()


async def add(
    db: Database,
    endpoint: int = 1,
    *,
    message: UUID | None = None,
    due: float = 0,
    tries: int = 0,
    parked: bool = False,
) -> int:
    return int(
        await db.fetchval(
            "INSERT INTO callbacks (message_id, account_id, endpoint_id, tries, parked, due_at, created_at, report)"
            " VALUES ($1, 1, $2, $3, $4, $5, $6, 'x') RETURNING id",
            message or IDS.new(NOW), endpoint, tries, parked, NOW + timedelta(seconds=due), NOW,
        )
    )  # fmt: skip


async def claimed(db: Database, rooms: dict[int, int], line: str = FIRST, node: int = 1, limit: int = 256) -> list[int]:
    return sorted(row["id"] for row in await store.claim(db, line, NOW, LEASE, node, rooms, limit))


def outcome(number: int, verdict: int, due: float = 0) -> Outcome:
    at = NOW + timedelta(seconds=due)
    return Outcome(number, verdict, NOW, at, "callback_failed", "endpoint_refused", None, b"{}", b"{}")


async def rows(db: Database) -> dict[int, Any]:
    return {row["id"]: row for row in await db.read("SELECT * FROM callbacks")}


async def test_a_look_names_each_endpoint_once_with_its_earliest_time(db: Database) -> None:
    for endpoint in (3, 1, 3, 2, 1):
        await add(db, endpoint, due=endpoint)
    await add(db, 1, due=-5)
    await add(db, 4, tries=1)
    await add(db, 5, parked=True, tries=1)
    later = [(2, NOW + timedelta(seconds=2)), (3, NOW + timedelta(seconds=3))]
    assert await store.look(db, FIRST, 0, 10) == [(1, NOW - timedelta(seconds=5)), *later]
    assert await store.look(db, FIRST, 1, 10) == later
    assert len(await store.look(db, FIRST, 0, 2)) == 2
    assert await store.look(db, AGAIN, 0, 10) == [(4, NOW)]


async def test_a_claim_takes_what_is_due_oldest_first_within_the_rooms(db: Database) -> None:
    second, first, _third = await add(db, due=-1), await add(db, due=-2), await add(db)
    other = await add(db, 2)
    await add(db, 3)
    await add(db, due=1)
    await add(db, tries=1)
    assert await claimed(db, {1: 2, 2: 5}) == sorted([first, second, other])
    held = await rows(db)
    assert (held[first]["node"], held[first]["leased_until"], held[first]["tries"]) == (1, LEASE, 0)


async def test_a_claim_has_a_limit_over_all_endpoints(db: Database) -> None:
    for endpoint in (1, 2, 3):
        for _ in range(5):
            await add(db, endpoint)
    assert len(await claimed(db, {1: 5, 2: 5, 3: 5}, limit=7)) == 7


@pytest.mark.parametrize(
    ("earlier", "goes"),
    [({}, False), ({"tries": 1, "due": 50}, False), ({"tries": 1, "parked": True}, True), ({"due": 50}, False)],
    ids=["due as well", "waits for a repeat", "parked", "not due yet"],
)
async def test_only_the_head_of_a_messages_line_goes(db: Database, earlier: dict[str, Any], goes: bool) -> None:
    message = IDS.new(NOW)
    head = await add(db, message=message, **earlier)
    follower = await add(db, message=message)
    taken = await claimed(db, {1: 10})
    assert (follower in taken) == goes
    assert (head in taken) == (not earlier)
    assert follower not in await claimed(db, {1: 10}) or goes


async def test_nodes_that_claim_at_once_never_share_a_callback(db: Database) -> None:
    for number in range(400):
        await add(db, number % 4)
    shares = await asyncio.gather(*(claimed(db, dict.fromkeys(range(4), 20), node=n, limit=80) for n in range(1, 9)))
    taken = [number for share in shares for number in share]
    assert len(taken) == len(set(taken))
    assert len(taken) >= 80


async def test_outcomes_may_be_written_twice_and_count_once(db: Database) -> None:
    numbers = [await add(db) for _ in range(3)]
    await claimed(db, {1: 10})
    outcomes = [outcome(number, verdict, 30) for number, verdict in zip(numbers, (DONE, RETRY, PARK), strict=True)]
    assert await store.settle(db, outcomes, 1) == set(numbers)
    assert await store.settle(db, outcomes, 1) == set()
    assert await db.fetchval("SELECT count(*) FROM events") == 3
    left = await rows(db)
    assert sorted(left) == numbers[1:]
    assert [(r["tries"], r["parked"], r["leased_until"], r["node"]) for r in left.values()] == [
        (1, False, None, None),
        (1, True, None, None),
    ]


async def test_only_a_delivery_counts_from_a_node_that_lost_its_claim(db: Database) -> None:
    numbers = [await add(db) for _ in range(2)]
    await claimed(db, {1: 10}, node=2)
    assert await store.settle(db, [outcome(numbers[0], RETRY, 30), outcome(numbers[1], DONE)], 1) == {numbers[1]}
    assert list(await rows(db)) == [numbers[0]]


async def test_followers_wait_for_a_repeat_and_come_back_when_it_is_over(db: Database) -> None:
    message = IDS.new(NOW)
    head, follower = await add(db, message=message), await add(db, message=message)
    await claimed(db, {1: 10})
    await store.settle(db, [outcome(head, RETRY, 30)], 1)
    assert (await rows(db))[follower]["due_at"] == NOW + timedelta(seconds=30)
    await db.execute("UPDATE callbacks SET due_at = $1 WHERE id = $2", NOW, head)
    assert await claimed(db, {1: 10}, AGAIN) == [head]
    await store.settle(db, [outcome(head, DONE)], 1)
    assert (await rows(db))[follower]["due_at"] == NOW
    assert await claimed(db, {1: 10}) == [follower]


async def test_only_what_waits_for_a_repeat_steps_aside(db: Database) -> None:
    failing, busy = IDS.new(NOW), IDS.new(NOW)
    await add(db, message=failing, tries=1, due=3600)
    waits = await add(db, message=failing)
    head = await add(db, message=busy)
    behind_busy, alone = await add(db, message=busy), await add(db)
    until = NOW + timedelta(seconds=30)
    await store.step_aside(db, FIRST, 1, NOW, until)
    now = await rows(db)
    assert now[waits]["due_at"] == NOW + timedelta(seconds=3600)
    assert [now[n]["due_at"] for n in (head, behind_busy, alone)] == [NOW] * 3


async def test_claims_can_be_freed_unless_they_changed_hands(db: Database) -> None:
    mine, other = await add(db), await add(db)
    await claimed(db, {1: 10})
    held = await store.held(db)
    await db.execute("UPDATE callbacks SET node = 2 WHERE id = $1", other)
    await store.free(db, held)
    now = await rows(db)
    assert (now[mine]["leased_until"], now[mine]["node"]) == (None, None)
    assert (now[other]["leased_until"], now[other]["node"]) == (LEASE, 2)
    await store.give_back(db, [other], 1)
    assert (await rows(db))[other]["node"] == 2
    await store.give_back(db, [other], 2)
    assert (await rows(db))[other]["node"] is None


async def test_a_node_without_its_lock_is_dead(db: Database) -> None:
    await add(db)
    await add(db, 2)
    await claimed(db, {1: 1}, node=11)
    await claimed(db, {2: 1}, node=2**31 - 1)
    async with db.work.acquire() as connection:
        await connection.execute("SELECT pg_advisory_lock(7302, $1)", 2**31 - 1)
        assert await store.dead_nodes(db) == {11}
        await connection.execute("SELECT pg_advisory_unlock_all()")


async def test_the_backlog_of_a_sick_endpoint_costs_others_nothing(db: Database) -> None:
    """Measured in pages touched, which no other load on the machine changes."""
    await add(db, 2)
    before = await pages(db)
    await db.execute(
        "INSERT INTO callbacks (message_id, account_id, endpoint_id, due_at, created_at, report)"
        " SELECT uuid_at($1::timestamptz + n * interval '1 ms'), 1, 1, $1, $1, 'x' FROM generate_series(1, 50000) n",
        NOW - timedelta(days=1),
    )
    assert await pages(db) <= before + 30, "the index is deeper, and that is all"


async def pages(db: Database) -> int:
    """The pages that a look and a claim for endpoint 2 touch."""
    total = 0
    for sql, args in (
        (store.LOOK[FIRST], "0, 1000"),
        (store.CLAIM[FIRST], f"'{NOW}', '{LEASE}', 1, '{{2}}', '{{64}}', 256"),
    ):
        async with db.work.acquire() as connection:
            await connection.execute(f"PREPARE s AS {sql}")
            transaction = connection.transaction()
            await transaction.start()
            plan = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE s({args})")
            await transaction.rollback()
            await connection.execute("DEALLOCATE s")
        total += _buffers(plan)
    return total


def _buffers(plan: str) -> int:
    top = msgspec.json.decode(plan)[0]["Plan"]
    return int(top["Shared Hit Blocks"] + top["Shared Read Blocks"])
