"""The runs of flows: where each person stands. Steps are taken many at a time, and each of them once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tyrian.store.database import Connection, Database


@dataclass(slots=True)
class StoredRun:
    """A run's row. `data` is JSON."""

    id: UUID
    account_id: int
    flow_id: UUID
    version: int
    channel_id: int
    person: str
    sender: str
    tick: int
    state: str
    step: str
    outcome: str | None
    last_inbound: UUID | None
    data: bytes
    due_at: datetime | None
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None


@dataclass(slots=True)
class Found:
    """What is known of a person on a channel: the open run, and the context of the deep link they came by."""

    run: StoredRun | None
    context: str | None


@dataclass(slots=True)
class Written:
    """A step to write: the row as it is to be. `before` is the tick that it was taken from, 0 for a new run."""

    row: StoredRun
    before: int


_COLUMNS = """id, account_id, flow_id, version, channel_id, person, sender, tick, state, step, outcome, last_inbound,
    data, due_at, started_at, updated_at, ended_at"""

_FIND = f"""
SELECT w.n::int AS n, c.context, {", ".join(f"r.{name.strip()}" for name in _COLUMNS.split(","))}
FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS w(channel, someone, n)
LEFT JOIN LATERAL (SELECT * FROM flow_runs
    WHERE channel_id = w.channel AND person = w.someone AND ended_at IS NULL LIMIT 1) r ON true
LEFT JOIN flow_contexts c ON c.channel_id = w.channel AND c.person = w.someone
"""


def step_ctes(first: int) -> str:
    """Writes steps over the ticks that they were taken from, as parts of a statement; `allowed` has their runs' ids.

    The parameters begin at `$first`. A repeat (the answer to the first try was lost) finds its own step there already.
    """
    types = ("uuid", "int", "int", "text", "text", "text", "uuid", "bytea", "timestamptz", "timestamptz", "timestamptz")
    given = ", ".join(f"${number}::{name}[]" for number, name in enumerate(types, first))
    return f"""
w AS MATERIALIZED (
    SELECT * FROM unnest({given})
    AS w(id, before, tick, state, step, outcome, last_inbound, data, due_at, updated_at, ended_at)
), c AS MATERIALIZED (
    SELECT r.id, r.tick = w.before AS mine,
        r.tick = w.tick AND r.data = w.data AS done
    FROM w JOIN flow_runs r ON r.id = w.id ORDER BY r.id FOR UPDATE OF r
), u AS (
    UPDATE flow_runs r SET tick = w.tick, state = w.state, step = w.step, outcome = w.outcome,
        last_inbound = w.last_inbound, data = w.data, due_at = w.due_at, updated_at = w.updated_at,
        ended_at = w.ended_at
    FROM c JOIN w ON w.id = c.id WHERE c.mine AND r.id = c.id RETURNING r.id
), allowed AS MATERIALIZED (
    SELECT id FROM u UNION SELECT id FROM c WHERE done
)"""


_STEP = f"WITH {step_ctes(1)} SELECT id FROM allowed"

#: Begins runs; of several for one person, and where one is open already, the first counts.
_BEGIN = f"""
WITH new AS (
    INSERT INTO flow_runs ({_COLUMNS})
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::int[], $5::int[], $6::text[], $7::text[], $8::int[],
        $9::text[], $10::text[], $11::text[], $12::uuid[], $13::bytea[], $14::timestamptz[], $15::timestamptz[],
        $16::timestamptz[], $17::timestamptz[])
    ON CONFLICT DO NOTHING RETURNING id
), gone AS (
    DELETE FROM flow_contexts c USING unnest($5::int[], $6::text[]) AS w(channel, someone)
    WHERE c.channel_id = w.channel AND c.person = w.someone
)
SELECT id FROM new UNION SELECT r.id FROM unnest($1::uuid[]) AS w(id) JOIN flow_runs r ON r.id = w.id
"""

#: Runs that are to be looked at; each is put off by a lease, after which another node takes it.
_CLAIM = f"""
WITH c AS MATERIALIZED (
    SELECT id FROM flow_runs WHERE due_at <= $1 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
)
UPDATE flow_runs r SET due_at = $2 FROM c WHERE r.id = c.id
RETURNING {", ".join(f"r.{name.strip()}" for name in _COLUMNS.split(","))}
"""
_NEXT = "SELECT due_at FROM flow_runs WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1"
_SETTLED = """
WITH w AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::timestamptz[]) AS w(id, tick, due_at)
), c AS MATERIALIZED (
    SELECT r.id, w.due_at FROM w JOIN flow_runs r ON r.id = w.id AND r.tick = w.tick ORDER BY r.id FOR UPDATE OF r
)
UPDATE flow_runs r SET due_at = c.due_at, ended_at = CASE WHEN r.state = 'ended' THEN r.updated_at END
FROM c WHERE r.id = c.id
"""
_ENDED_BY = """
SELECT EXISTS (SELECT 1 FROM flow_runs
    WHERE ended_at >= $4 AND channel_id = $1 AND person = $2 AND last_inbound = $3)
"""
_LIST = f"""
SELECT {_COLUMNS} FROM flow_runs
WHERE account_id = $1 AND ($2::uuid IS NULL OR id < $2) AND ($3::uuid IS NULL OR flow_id = $3)
    AND ($4::int IS NULL OR channel_id = $4) AND ($5::text IS NULL OR person = $5)
    AND ($6::text IS NULL OR state = $6)
ORDER BY id DESC LIMIT $7
"""
_ONE = f"SELECT {_COLUMNS} FROM flow_runs WHERE account_id = $1 AND id = $2"
_END = """
UPDATE flow_runs SET tick = tick + 1, state = 'ended', outcome = $2, due_at = NULL, updated_at = $3, ended_at = $3
WHERE flow_id = $1 AND ended_at IS NULL AND ($4::int[] IS NULL OR channel_id <> ALL($4))
"""
_OPENED = """
INSERT INTO flow_contexts (channel_id, person, context, at) VALUES ($1, $2, $3, $4)
ON CONFLICT (channel_id, person) DO UPDATE SET context = excluded.context, at = excluded.at
"""
_FORGET = "DELETE FROM flow_runs WHERE ended_at < $1"
_FORGET_CONTEXTS = "DELETE FROM flow_contexts WHERE at < $1"
_COUNT = "SELECT channel_id, count(*) AS people FROM flow_runs WHERE ended_at IS NULL GROUP BY channel_id"


async def find(db: Database, people: Sequence[tuple[int, str]]) -> list[Found]:
    """The open runs of people, by (channel, person), in their order."""
    found = [Found(None, None) for _ in people]
    for row in await db.fetch(_FIND, [c for c, _ in people], [p for _, p in people]):
        found[row["n"] - 1] = Found(stored(row) if row["id"] is not None else None, row["context"])
    return found


async def step(db: Database | Connection, steps: Sequence[Written]) -> set[UUID]:
    """Writes steps of runs that are under way; the ids of those that were written. The others came too late."""
    return {row[0] for row in await db.fetch(_STEP, *step_columns(steps))}


def step_columns(steps: Sequence[Written]) -> list[list[Any]]:
    """The parameters of `step_ctes`."""
    rows = [w.row for w in steps]
    return [
        [r.id for r in rows], [w.before for w in steps], [r.tick for r in rows], [r.state for r in rows],
        [r.step for r in rows], [r.outcome for r in rows], [r.last_inbound for r in rows], [r.data for r in rows],
        [r.due_at for r in rows], [r.updated_at for r in rows], [r.ended_at for r in rows],
    ]  # fmt: skip


async def begin(db: Database | Connection, rows: Sequence[StoredRun]) -> set[UUID]:
    """Begins runs; the ids of those that began."""
    rows = sorted(rows, key=lambda row: (row.channel_id, row.person))
    names = [name.strip() for name in _COLUMNS.split(",")]
    done = await db.fetch(_BEGIN, *([getattr(row, name) for row in rows] for name in names))
    return {row[0] for row in done}


async def claim(db: Database, now: datetime, until: datetime, limit: int) -> list[StoredRun]:
    """Takes up runs that are due, and puts them off until the lease ends."""
    return [stored(row) for row in await db.fetch(_CLAIM, now, until, limit)]


async def next_due(db: Database) -> datetime | None:
    """When the next run is due."""
    value: datetime | None = await db.fetchval(_NEXT)
    return value


async def settle(db: Database, settled: Sequence[tuple[UUID, int, datetime | None]]) -> None:
    """Says when runs (id, tick) are to be looked at next, unless they have gone on meanwhile; closes ended ones."""
    await db.execute(_SETTLED, *(list(column) for column in zip(*settled, strict=True)))


async def ended_by(db: Database, channel_id: int, person: str, inbound_id: UUID, since: datetime) -> bool:
    """Whether a run that was closed since a time had a message for its last."""
    return bool(await db.fetchval(_ENDED_BY, channel_id, person, inbound_id, since))


async def listed(
    db: Database,
    account_id: int,
    before: UUID | None,
    *,
    flow: UUID | None,
    channel: int | None,
    person: str | None,
    state: str | None,
    limit: int,
) -> list[StoredRun]:
    """An account's runs, newest first."""
    rows = await db.read(_LIST, account_id, before, flow, channel, person, state, limit)
    return [stored(row) for row in rows]


async def one(db: Database, account_id: int, run_id: UUID) -> StoredRun | None:
    """One run of an account."""
    row = await db.fetchrow(_ONE, account_id, run_id)
    return stored(row) if row else None


async def end_all(
    connection: Connection, flow_id: UUID, outcome: str, now: datetime, but: Sequence[int] | None = None
) -> None:
    """Ends the open runs of a flow, except on some channels."""
    await connection.execute(_END, flow_id, outcome, now, None if but is None else list(but))


async def opened(db: Database, channel_id: int, person: str, context: str, now: datetime) -> None:
    """Notes the context of a deep link."""
    await db.execute(_OPENED, channel_id, person, context, now)


async def forget(db: Database, before: datetime, contexts_before: datetime) -> None:
    """Removes runs that ended, and contexts that nobody wrote after."""
    await db.execute(_FORGET, before)
    await db.execute(_FORGET_CONTEXTS, contexts_before)


async def people(db: Database) -> dict[int, int]:
    """How many people are under way on each channel."""
    return {row["channel_id"]: row["people"] for row in await db.read(_COUNT)}


def stored(row: Any) -> StoredRun:
    """A row as it is."""
    return StoredRun(*(row[name.strip()] for name in _COLUMNS.split(",")))
