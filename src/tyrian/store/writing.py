"""The two statements that write messages: one accepts them, one applies what the lifecycle decided.

Each is a single SQL statement over arrays, so a batch is one round trip and one commit however many rows it touches.
Both may be repeated after a lost connection: what was written already is left alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from tyrian.domain.lifecycle import Event
from tyrian.store.codes import NewCodes, columns as made_of, make_statement
from tyrian.store.database import Connection, Database

# -- Accepting --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class NewMessage:
    """A message to accept. Without `attempt_id` it waits for its bulk's feeder instead of becoming due by itself."""

    id: UUID
    account_id: int
    status: str
    accepted_at: datetime
    due_at: datetime
    valid_until: datetime
    recipient: str
    purpose: str
    plan: bytes | None
    variables: bytes | None = None
    bulk_id: UUID | None = None
    endpoint_id: int | None = None
    attempt_id: UUID | None = None
    channel_id: int | None = None
    address: str | None = None
    priority: int = 2
    #: This node sends it at once, if nothing earlier waits for the same recipient.
    lease: bool = False
    #: The customer's own id of the message.
    name: str | None = None
    #: The codes of its buttons, where it is to be sent at once.
    codes: NewCodes | None = None


#: Inserting with the lease already set saves a claim. It is given only where no earlier send to the same recipient
#: waits on the same channel, so that order holds.
_ACCEPT = """
WITH {along} {codes} t AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
        $7::text[], $8::text[], $9::bytea[], $10::bytea[], $11::uuid[], $12::int[], $13::uuid[], $14::int[],
        $15::text[], $16::smallint[], $17::boolean[], $20::text[]{key})
    AS t(id, account_id, status, accepted_at, due_at, valid_until, recipient, purpose, plan, variables, bulk_id,
        endpoint_id, attempt_id, channel_id, address, priority, lease, name{name}) {where}
), m AS (
    INSERT INTO messages (id, account_id, status, step, updated_at, accepted_at, due_at, valid_until, bulk_id,
        endpoint_id, recipient, purpose, plan, variables, name)
    SELECT id, account_id, status, 0, accepted_at, accepted_at, due_at, valid_until, bulk_id,
        endpoint_id, recipient, purpose, plan, variables, name FROM t
    ON CONFLICT DO NOTHING
)
INSERT INTO sends (message_id, attempt_id, account_id, channel_id, priority, step, tries, node, due_at, valid_until,
    started_at, leased_until, bulk_id, recipient)
SELECT t.id, t.attempt_id, t.account_id, t.channel_id, t.priority, 0, CASE WHEN f.free THEN 1 ELSE 0 END,
    CASE WHEN f.free THEN $18::int END, t.due_at, t.valid_until, CASE WHEN f.free THEN t.due_at END,
    CASE WHEN f.free THEN $19::timestamptz END, t.bulk_id, t.address
FROM t CROSS JOIN LATERAL (
    SELECT t.lease AND NOT EXISTS (
        SELECT 1 FROM sends e
        WHERE e.channel_id = t.channel_id AND e.recipient = t.address AND e.priority = t.priority
          AND e.message_id < t.id) AS free
    OFFSET 0) f
WHERE t.attempt_id IS NOT NULL
ON CONFLICT (message_id) DO UPDATE SET message_id = sends.message_id
RETURNING message_id, COALESCE(node = $18 AND started_at = due_at, false)
"""
#: The no-op update answers a repeat after a lost connection: a send leased at acceptance has the same start and due
#: time, which one claimed since then has not, so it is not begun twice.

#: The parameters of messages, and the first one of what is stored along.
_OWN, _ALONG_FROM = 20, 22


@cache
def _accept(codes_from: int, ctes: Callable[[int], str] | None = None) -> str:
    """The statement, with the codes of buttons from a parameter on (0: without), and with what is stored along."""
    coded = f"coded AS ({make_statement(codes_from)})," if codes_from else ""
    if ctes is None:
        return _ACCEPT.format(along="", codes=coded, key="", name="", where="")
    where = "WHERE t.along IS NULL OR t.along IN (SELECT id FROM allowed)"
    return _ACCEPT.format(along=f"{ctes(_ALONG_FROM)},", codes=coded, key=", $21::uuid[]", name=", along", where=where)


async def accept(
    connection: Connection | Database, new: Sequence[NewMessage], node: int, leased_until: datetime
) -> set[UUID]:
    """Stores messages; returns the ids of those that this node now holds the lease of."""
    codes = [n.codes for n in new if n.codes is not None]
    given = _columns(new, node, leased_until)
    rows = await connection.fetch(_accept(_OWN + 1 if codes else 0), *given, *(made_of(codes) if codes else ()))
    return {row[0] for row in rows if row[1]}


async def accept_along(
    db: Database,
    new: Sequence[NewMessage],
    node: int,
    leased_until: datetime,
    ctes: Callable[[int], str],
    keys: Sequence[UUID | None],
    columns: Sequence[Sequence[Any]],
) -> dict[UUID, bool]:
    """Stores single messages and what belongs to them in one statement: a message only if its own is stored, too.

    `ctes` stores those things, with `columns` for its parameters, and yields as `allowed` the ids of what is stored;
    each message has that id in `keys`, or None. Returns the messages that are stored, and whether they are leased.
    """
    codes = [n.codes for n in new if n.codes is not None]
    statement = _accept(_ALONG_FROM + len(columns) if codes else 0, ctes)
    given = [*_columns(new, node, leased_until), list(keys), *columns]
    rows = await db.fetch(statement, *given, *(made_of(codes) if codes else ()))
    return {row[0]: row[1] for row in rows}


def _columns(new: Sequence[NewMessage], node: int, leased_until: datetime) -> list[Any]:
    return [
        [n.id for n in new],
        [n.account_id for n in new],
        [n.status for n in new],
        [n.accepted_at for n in new],
        [n.due_at for n in new],
        [n.valid_until for n in new],
        [n.recipient for n in new],
        [n.purpose for n in new],
        [n.plan for n in new],
        [n.variables for n in new],
        [n.bulk_id for n in new],
        [n.endpoint_id for n in new],
        [n.attempt_id for n in new],
        [n.channel_id for n in new],
        [n.address for n in new],
        [n.priority for n in new],
        [n.lease for n in new],
        node,
        leased_until,
        [n.name for n in new],
    ]


# -- Applying changes -------------------------------------------------------------------------------------------------

#: What to do with the row in `sends`.
NOTHING, FINISH, AGAIN, NEXT, OTHER, LATER, HELD = 0, 1, 2, 3, 4, 5, 6
#: The `tries` of a send that was HELD: it has a place in its line, as one that was tried, and was not.
_HELD = -1


@dataclass(slots=True)
class Write:
    """One message's changes, flat, as the statement takes them. None leaves a column as it is."""

    message_id: UUID
    account_id: int
    attempt_id: UUID
    step: int
    channel_id: int
    recipient: str
    tries: int
    at: datetime
    attempt_status: str | None = None
    attempt_reason: str | None = None
    started_at: datetime | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    seen_at: datetime | None = None
    provider_ref: str | None = None
    message_status: str | None = None
    message_reason: str | None = None
    #: NOTHING, FINISH (remove it), AGAIN (free it, due later), NEXT (the next step, due now), OTHER (the same step on
    #: another channel, due now), LATER (free it, due later, as if it had not been taken up: it holds nobody up) or HELD
    #: (likewise, but it keeps its place, and those behind it wait).
    send: int = NOTHING
    send_attempt: UUID | None = None
    send_channel: int | None = None
    send_priority: int | None = None
    send_step: int | None = None
    send_due: datetime | None = None
    send_recipient: str | None = None
    send_valid_until: datetime | None = None
    #: With OTHER: the numbers of the channels that were tried, with commas between.
    send_tried: str | None = None
    uncertain: int = 0
    bulk_id: UUID | None = None
    deadline: datetime | None = None
    clear_deadline: bool = False
    endpoint_id: int | None = None
    report: bytes | None = None
    #: A report on the step alone, told before the message's, and where it goes if elsewhere.
    step_report: bytes | None = None
    step_endpoint_id: int | None = None
    #: True: only if this node still holds the lease. False: the caller has locked the message.
    fenced: bool = True
    #: Without lease and lock: written only if message and attempt still stand so (the state that the change came from).
    expect_status: str | None = None
    expect_step: int | None = None
    expect_attempt: str | None = None
    expect_delivered: bool | None = None
    expect_seen: bool | None = None
    exchange: bytes | None = None
    events: list[Event] = field(default_factory=list)
    details: tuple[bytes | None, ...] = ()


_COLUMNS: tuple[tuple[str, str], ...] = (
    ("message_id", "uuid"),
    ("account_id", "int"),
    ("attempt_id", "uuid"),
    ("step", "smallint"),
    ("channel_id", "int"),
    ("recipient", "text"),
    ("tries", "smallint"),
    ("at", "timestamptz"),
    ("attempt_status", "text"),
    ("attempt_reason", "text"),
    ("started_at", "timestamptz"),
    ("sent_at", "timestamptz"),
    ("delivered_at", "timestamptz"),
    ("seen_at", "timestamptz"),
    ("provider_ref", "text"),
    ("message_status", "text"),
    ("message_reason", "text"),
    ("send", "smallint"),
    ("send_attempt", "uuid"),
    ("send_channel", "int"),
    ("send_priority", "smallint"),
    ("send_step", "smallint"),
    ("send_due", "timestamptz"),
    ("send_recipient", "text"),
    ("send_valid_until", "timestamptz"),
    ("send_tried", "text"),
    ("uncertain", "smallint"),
    ("bulk_id", "uuid"),
    ("deadline", "timestamptz"),
    ("clear_deadline", "boolean"),
    ("endpoint_id", "int"),
    ("report", "bytea"),
    ("step_report", "bytea"),
    ("step_endpoint_id", "int"),
    ("fenced", "boolean"),
    ("expect_status", "text"),
    ("expect_step", "smallint"),
    ("expect_attempt", "text"),
    ("expect_delivered", "boolean"),
    ("expect_seen", "boolean"),
    ("exchange", "bytea"),
)
#: A change has at most three events: what happened, what it meant for the attempt, and the fallback.
_EVENT_SLOTS = 3
_EVENT_COLUMNS = tuple(
    (f"{name}{slot}", kind)
    for slot in range(_EVENT_SLOTS)
    for name, kind in (("type", "text"), ("reason", "text"), ("detail", "bytea"))
)
_ALL = (*_COLUMNS, *_EVENT_COLUMNS)
_N = len(_ALL)

#: The last word on a state that never runs backwards, whatever a resend or a repeat thinks of the message `m`: after
#: `delivered` comes only `seen`, after `seen` nothing.
NOT_BACK = "m.status <> 'seen' AND (m.status <> 'delivered' OR {status} = 'seen')"

_APPLY = f"""
WITH i AS MATERIALIZED (
    SELECT *, ARRAY[message_id] AS key
    FROM unnest({", ".join(f"${n}::{kind}[]" for n, (_, kind) in enumerate(_ALL, 1))})
    AS i({", ".join(name for name, _ in _ALL)})
), finished AS (
    DELETE FROM sends s USING i
    WHERE i.fenced AND i.send = {FINISH}
      AND s.message_id = i.message_id AND s.attempt_id = i.attempt_id AND s.node = ${_N + 1}
    RETURNING i.*
), moved AS (
    UPDATE sends s SET attempt_id = i.send_attempt, channel_id = i.send_channel, priority = i.send_priority,
        step = i.send_step, due_at = i.send_due, recipient = i.send_recipient, uncertain = i.uncertain,
        tries = CASE WHEN i.send IN ({NEXT}, {LATER}) THEN 0 WHEN i.send = {HELD} THEN {_HELD} ELSE s.tries END,
        started_at = CASE WHEN i.send = {NEXT} THEN NULL ELSE s.started_at END, leased_until = NULL, node = NULL,
        tried = i.send_tried, waits = false
    FROM i
    WHERE i.fenced AND i.send IN ({AGAIN}, {NEXT}, {OTHER}, {LATER}, {HELD})
      AND s.message_id = i.message_id AND s.attempt_id = i.attempt_id AND s.node = ${_N + 1}
    RETURNING i.*
), unchanged AS MATERIALIZED (
    SELECT i.* FROM i
    JOIN messages m ON m.account_id = i.account_id AND m.id = ANY(i.key)
    JOIN attempts a ON a.message_id = ANY(i.key) AND a.id = i.attempt_id
    WHERE NOT i.fenced AND i.expect_status IS NOT NULL
      AND m.status = i.expect_status AND m.step = i.expect_step AND a.status = i.expect_attempt
      AND (a.delivered_at IS NOT NULL) = i.expect_delivered AND (a.seen_at IS NOT NULL) = i.expect_seen
      AND m.id BETWEEN ${_N + 2}::uuid AND ${_N + 3}::uuid
      AND a.message_id BETWEEN ${_N + 2}::uuid AND ${_N + 3}::uuid
    FOR UPDATE OF m, a
), mine AS MATERIALIZED (
    SELECT * FROM finished UNION ALL SELECT * FROM moved UNION ALL SELECT * FROM unchanged
    UNION ALL SELECT * FROM i WHERE NOT i.fenced AND i.expect_status IS NULL
), resend AS (
    INSERT INTO sends (message_id, attempt_id, account_id, channel_id, priority, step, due_at, valid_until, bulk_id,
        recipient)
    SELECT message_id, send_attempt, account_id, send_channel, send_priority, send_step, send_due, send_valid_until,
        bulk_id, send_recipient
    FROM mine WHERE NOT fenced AND send = {NEXT}
    ON CONFLICT DO NOTHING
), tried AS (
    INSERT INTO attempts AS a (message_id, id, account_id, step, channel_id, status, reason, tries, started_at, sent_at,
        delivered_at, seen_at, updated_at, recipient, provider_ref)
    SELECT message_id, attempt_id, account_id, step, channel_id, attempt_status, attempt_reason, tries, started_at,
        sent_at, delivered_at, seen_at, at, recipient, provider_ref
    FROM mine WHERE fenced AND attempt_status IS NOT NULL
    ON CONFLICT (message_id, id) DO UPDATE SET
        status = CASE WHEN a.status IN ('delivered', 'seen') THEN a.status ELSE excluded.status END,
        reason = CASE WHEN a.status IN ('delivered', 'seen') THEN a.reason ELSE excluded.reason END,
        tries = excluded.tries, sent_at = COALESCE(excluded.sent_at, a.sent_at), updated_at = excluded.updated_at,
        provider_ref = COALESCE(excluded.provider_ref, a.provider_ref)
), heard AS (
    UPDATE attempts a SET status = COALESCE(mine.attempt_status, a.status),
        reason = CASE WHEN mine.attempt_status IS NULL THEN a.reason ELSE mine.attempt_reason END,
        delivered_at = COALESCE(a.delivered_at, mine.delivered_at), seen_at = COALESCE(a.seen_at, mine.seen_at),
        updated_at = mine.at
    FROM mine
    WHERE NOT mine.fenced AND a.message_id = ANY(mine.key) AND a.id = mine.attempt_id
      AND a.message_id BETWEEN ${_N + 2}::uuid AND ${_N + 3}::uuid
), stated AS (
    UPDATE messages m SET status = mine.message_status, reason = mine.message_reason, updated_at = mine.at,
        step = CASE WHEN mine.send = {NEXT} THEN mine.send_step ELSE mine.step END
    FROM mine
    WHERE mine.message_status IS NOT NULL AND m.account_id = mine.account_id AND m.id = ANY(mine.key)
      AND {NOT_BACK.format(status="mine.message_status")}
      AND m.id BETWEEN ${_N + 2}::uuid AND ${_N + 3}::uuid
), awaited AS (
    INSERT INTO deadlines (message_id, account_id, attempt_id, due_at)
    SELECT message_id, account_id, attempt_id, deadline FROM mine WHERE deadline IS NOT NULL
    ON CONFLICT (message_id) DO UPDATE SET attempt_id = excluded.attempt_id, due_at = excluded.due_at
), cleared AS (
    DELETE FROM deadlines d USING mine
    WHERE mine.clear_deadline AND d.message_id = mine.message_id AND d.attempt_id = mine.attempt_id
), told AS (
    INSERT INTO callbacks (message_id, account_id, endpoint_id, due_at, created_at, report)
    SELECT message_id, account_id, told.endpoint, at, at, told.report
    FROM mine CROSS JOIN LATERAL (
        VALUES (COALESCE(step_endpoint_id, endpoint_id), step_report), (endpoint_id, report)
    ) AS told(endpoint, report) WHERE told.report IS NOT NULL
), happened AS (
    INSERT INTO events (message_id, at, type, reason, attempt_id, detail, exchange)
    SELECT mine.message_id, mine.at, e.type, e.reason, mine.attempt_id, e.detail, e.exchange
    FROM mine CROSS JOIN LATERAL (VALUES
        (type0, reason0, detail0, exchange), (type1, reason1, detail1, NULL), (type2, reason2, detail2, NULL)
    ) AS e(type, reason, detail, exchange)
    WHERE e.type IS NOT NULL
)
SELECT message_id FROM mine
"""


async def apply(connection: Connection | Database, writes: Sequence[Write], node: int) -> set[UUID]:
    """Writes changes; returns the ids of the messages whose changes were written.

    A fenced write whose lease this node no longer holds is left out: another node has taken the attempt over.
    """
    ids = [w.message_id for w in writes]
    columns: list[list[Any]] = [ids]
    columns += [[getattr(w, name) for w in writes] for name, _ in _COLUMNS[1:]]
    for slot in range(_EVENT_SLOTS):
        slotted = [w.events[slot] if len(w.events) > slot else None for w in writes]
        columns.append([e.type if e else None for e in slotted])
        columns.append([e.reason if e else None for e in slotted])
        columns.append([w.details[slot] if len(w.details) > slot else None for w in writes])
    rows = await connection.fetch(_APPLY, *columns, node, min(ids), max(ids))
    return {row[0] for row in rows}
