"""The two changes that nearly every message goes through, each in a statement of its own: sent, and delivered or seen.

They do what `writing.apply` does for such writes, with a third of the columns: the driver and PostgreSQL both pay for
each column of each row, be it empty. Everything else, and whatever differs in the least, goes through `writing.apply`.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from tyrian.store.database import Database
from tyrian.store.writing import FINISH, NOTHING, Write, apply as apply_any

# -- Sent -------------------------------------------------------------------------------------------------------------

_SENT: Final = """
WITH i AS MATERIALIZED (
    SELECT *, ARRAY[message_id] AS key
    FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::smallint[], $5::int[], $6::text[], $7::smallint[],
        $8::timestamptz[], $9::timestamptz[], $10::text[], $11::timestamptz[], $12::bytea[])
    AS i(message_id, account_id, attempt_id, step, channel_id, recipient, tries, at, started_at, provider_ref,
        deadline, exchange)
), mine AS MATERIALIZED (
    DELETE FROM sends s USING i
    WHERE s.message_id = i.message_id AND s.attempt_id = i.attempt_id AND s.node = $13
    RETURNING i.*
), tried AS (
    INSERT INTO attempts AS a (message_id, id, account_id, step, channel_id, status, tries, started_at, sent_at,
        updated_at, recipient, provider_ref)
    SELECT message_id, attempt_id, account_id, step, channel_id, 'sent', tries, started_at, at, at, recipient,
        provider_ref
    FROM mine
    ON CONFLICT (message_id, id) DO UPDATE SET
        status = CASE WHEN a.status IN ('delivered', 'seen') THEN a.status ELSE excluded.status END,
        reason = NULL, tries = excluded.tries,
        sent_at = excluded.sent_at, updated_at = excluded.updated_at,
        provider_ref = COALESCE(excluded.provider_ref, a.provider_ref)
), stated AS (
    UPDATE messages m SET status = 'sent', reason = NULL, updated_at = mine.at, step = mine.step
    FROM mine
    WHERE m.account_id = mine.account_id AND m.id = ANY(mine.key) AND m.id BETWEEN $14::uuid AND $15::uuid
      AND m.status NOT IN ('delivered', 'seen')
), awaited AS (
    INSERT INTO deadlines (message_id, account_id, attempt_id, due_at)
    SELECT message_id, account_id, attempt_id, deadline FROM mine
    ON CONFLICT (message_id) DO UPDATE SET attempt_id = excluded.attempt_id, due_at = excluded.due_at
), happened AS (
    INSERT INTO events (message_id, at, type, attempt_id, exchange)
    SELECT message_id, at, 'sent', attempt_id, exchange FROM mine
)
SELECT message_id FROM mine
"""
_SENT_COLUMNS: Final = tuple(
    attrgetter(name)
    for name in (
        "message_id", "account_id", "attempt_id", "step", "channel_id", "recipient", "tries", "at", "started_at",
        "provider_ref", "deadline", "exchange",
    )
)  # fmt: skip


def is_sent(write: Write) -> bool:
    """Whether a send went out and nothing else is to be said of it."""
    return (
        write.fenced
        and write.send == FINISH
        and write.attempt_status == write.message_status == "sent"
        and write.deadline is not None
        and write.report is None
        and _is_bare(write, "sent")
    )


# -- Delivered or seen ------------------------------------------------------------------------------------------------

_HEARD: Final = """
WITH i AS MATERIALIZED (
    SELECT *, ARRAY[message_id] AS key
    FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::smallint[], $5::timestamptz[], $6::text[],
        $7::timestamptz[], $8::boolean[], $9::text[], $10::text[], $11::boolean[], $12::boolean[], $13::int[],
        $14::bytea[], $15::bytea[])
    AS i(message_id, account_id, attempt_id, step, at, type, heard_at, newer, expect_status, expect_attempt,
        expect_delivered, expect_seen, endpoint_id, report, exchange)
), mine AS MATERIALIZED (
    SELECT i.* FROM i
    JOIN messages m ON m.account_id = i.account_id AND m.id = ANY(i.key)
    JOIN attempts a ON a.message_id = ANY(i.key) AND a.id = i.attempt_id
    WHERE m.status = i.expect_status AND m.step = i.step AND a.status = i.expect_attempt
      AND (a.delivered_at IS NOT NULL) = i.expect_delivered AND (a.seen_at IS NOT NULL) = i.expect_seen
      AND m.id BETWEEN $16::uuid AND $17::uuid AND a.message_id BETWEEN $16::uuid AND $17::uuid
    FOR UPDATE OF m, a
), heard AS (
    UPDATE attempts a SET status = CASE WHEN newer THEN type ELSE status END,
        reason = CASE WHEN newer THEN NULL ELSE reason END,
        delivered_at = CASE WHEN type = 'delivered' THEN COALESCE(delivered_at, heard_at) ELSE delivered_at END,
        seen_at = CASE WHEN type = 'seen' THEN COALESCE(seen_at, heard_at) ELSE seen_at END,
        updated_at = mine.at
    FROM mine
    WHERE a.message_id = ANY(mine.key) AND a.id = mine.attempt_id AND a.message_id BETWEEN $16::uuid AND $17::uuid
), stated AS (
    UPDATE messages m SET status = mine.type, reason = NULL, updated_at = mine.at
    FROM mine
    WHERE newer AND m.status <> 'seen' AND m.account_id = mine.account_id AND m.id = ANY(mine.key)
      AND m.id BETWEEN $16::uuid AND $17::uuid
), cleared AS (
    DELETE FROM deadlines d USING mine WHERE d.message_id = mine.message_id AND d.attempt_id = mine.attempt_id
), told AS (
    INSERT INTO callbacks (message_id, account_id, endpoint_id, due_at, created_at, report)
    SELECT message_id, account_id, endpoint_id, at, at, report FROM mine WHERE report IS NOT NULL
), happened AS (
    INSERT INTO events (message_id, at, type, attempt_id, exchange)
    SELECT message_id, at, type, attempt_id, exchange FROM mine
)
SELECT message_id FROM mine
"""
_HEARD_COLUMNS: Final[tuple[Callable[[Write], Any], ...]] = (
    *(attrgetter(name) for name in ("message_id", "account_id", "attempt_id", "step", "at")),
    lambda write: write.events[0].type,
    lambda write: write.delivered_at or write.seen_at,
    lambda write: write.attempt_status is not None,
    *(
        attrgetter(name)
        for name in (
            "expect_status", "expect_attempt", "expect_delivered", "expect_seen", "endpoint_id", "report", "exchange",
        )
    ),
)  # fmt: skip


def is_heard(write: Write) -> bool:
    """Whether a message was delivered or seen, and the write is guarded by the state that it came from."""
    if write.fenced or write.expect_status is None or write.step != write.expect_step or not write.clear_deadline:
        return False
    kind = "seen" if write.delivered_at is None else "delivered"
    return (
        (write.delivered_at is None) != (write.seen_at is None)
        and write.attempt_status in (None, kind)
        and write.message_status == write.attempt_status
        and write.send == NOTHING
        and write.deadline is None
        and _is_bare(write, kind)
    )


def _is_bare(write: Write, kind: str) -> bool:
    """Whether all there is to tell is one event of this kind, without a reason."""
    return (
        len(write.events) == 1
        and write.events[0].type == kind
        and write.events[0].reason is None
        and not write.details
        and write.attempt_reason is None
        and write.message_reason is None
        and write.step_report is None
    )


# -- Applying ---------------------------------------------------------------------------------------------------------


async def apply(db: Database, writes: Sequence[Write], node: int) -> set[UUID]:
    """Writes changes that do not depend on each other; returns the ids of the messages whose changes were written.

    Up to three statements, each on its own: what one has written, a repeat after a lost connection leaves alone.
    """
    sent: list[Write] = []
    heard: list[Write] = []
    other: list[Write] = []
    for write in writes:
        (sent if is_sent(write) else heard if is_heard(write) else other).append(write)
    written: set[UUID] = set()
    if other:
        written |= await apply_any(db, other, node)
    if sent:
        written |= await _apply(db, _SENT, _SENT_COLUMNS, sent, node)
    if heard:
        written |= await _apply(db, _HEARD, _HEARD_COLUMNS, heard)
    return written


async def _apply(
    db: Database, sql: str, columns: Sequence[Callable[[Write], Any]], writes: Sequence[Write], *more: Any
) -> set[UUID]:
    values = [list(map(column, writes)) for column in columns]
    rows = await db.fetch(sql, *values, *more, min(values[0]), max(values[0]))
    return {row[0] for row in rows}
