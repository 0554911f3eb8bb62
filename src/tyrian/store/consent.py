"""What people agreed to, and the look-ups that the rules need before a message is sent.

The look-ups walk indexes for a whole batch of messages at once. Who writes a consent holds the address (`people.hold`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from tyrian.domain.consent import Consent, Suppression
from tyrian.domain.people import Place
from tyrian.store.database import Connection, Database

_NEWEST: Final = "ORDER BY k.at DESC, k.id DESC LIMIT 1"

_LOOK_UP = f"""
SELECT w.n::int AS n, a.contact_id, c.country, p.address AS number,
    s.reason AS s_reason, s.until AS s_until, s.channel_id AS s_channel, s.purpose AS s_purpose, s.of_person,
    k.id AS k_id, k.granted, k.source, k.at, k.channel_id AS k_channel, k.purpose AS k_purpose
FROM unnest($1::int[], $2::int[], $3::text[], $4::int[], $5::text[], $6::timestamptz[]) WITH ORDINALITY
    AS w(account_id, scope, address, channel_id, purpose, at, n)
LEFT JOIN contact_addresses a ON a.account_id = w.account_id AND a.scope = w.scope AND a.address = w.address
LEFT JOIN contacts c ON c.id = a.contact_id
LEFT JOIN LATERAL (
    SELECT p.address FROM contact_addresses p WHERE p.contact_id = a.contact_id AND p.scope = 0
    ORDER BY p.added_at, p.address LIMIT 1) p ON w.scope <> 0
LEFT JOIN LATERAL (
    SELECT * FROM consents k WHERE k.contact_id = a.contact_id
        AND k.channel_id = ANY(ARRAY[0, w.channel_id]) AND k.purpose = ANY(ARRAY['', w.purpose]) {_NEWEST}) k ON true
LEFT JOIN LATERAL (
    SELECT s.reason, s.until, s.channel_id, s.purpose, false AS of_person FROM suppressions s
    WHERE s.account_id = w.account_id AND s.address = w.address
        AND s.channel_id = ANY(ARRAY[0, w.channel_id]) AND s.purpose = ANY(ARRAY['', w.purpose])
        AND (s.until IS NULL OR s.until > w.at)
        AND (s.lifted_by IS NULL OR k.granted IS NOT TRUE OR k.at <= s.created_at
            OR (k.source = 'inbound' AND s.lifted_by <> 'writing' AND w.purpose <> 'session'))
    UNION ALL
    SELECT s.reason, s.until, s.channel_id, s.purpose, true FROM suppressed_contacts s
    WHERE s.contact_id = a.contact_id
        AND s.channel_id = ANY(ARRAY[0, w.channel_id]) AND s.purpose = ANY(ARRAY['', w.purpose])
        AND (s.until IS NULL OR s.until > w.at)
    ORDER BY until DESC NULLS FIRST LIMIT 1) s ON true
"""
_INSERT = """
INSERT INTO consents (id, account_id, contact_id, channel_id, purpose, granted, source, evidence, at, recorded_at)
SELECT *, $10 FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::int[], $5::text[], $6::boolean[], $7::text[],
    $8::text[], $9::timestamptz[])
ON CONFLICT DO NOTHING
"""
#: The latest consent about every purpose of a channel, and the latest about its sessions.
_STANDING = f"""
SELECT w.n::int AS n, k.granted, k.source, k.at, s.granted AS session, s.purpose AS session_purpose
FROM unnest($1::uuid[], $2::int[]) WITH ORDINALITY AS w(contact_id, channel_id, n)
LEFT JOIN LATERAL (
    SELECT * FROM consents k WHERE k.contact_id = w.contact_id
        AND k.channel_id = ANY(ARRAY[0, w.channel_id]) AND k.purpose = '' {_NEWEST}) k ON true
LEFT JOIN LATERAL (
    SELECT * FROM consents k WHERE k.contact_id = w.contact_id
        AND k.channel_id = ANY(ARRAY[0, w.channel_id]) AND k.purpose = ANY(ARRAY['', 'session']) {_NEWEST}) s ON true
"""
_HISTORY = """
SELECT id, channel_id, purpose, granted, source, evidence, at FROM consents
WHERE contact_id = $1 ORDER BY at DESC, id DESC LIMIT $2
"""
_SUBSCRIPTIONS = """
SELECT s.channel_id, s.subscribed FROM unnest($1::int[], $2::text[]) AS w(channel_id, person)
JOIN subscriptions s ON s.channel_id = w.channel_id AND s.person = w.person
"""
#: What networks say twice is recorded once.
_UNSAID = """
SELECT w.n::int AS n FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::text[]) WITH ORDINALITY
    AS w(contact_id, channel_id, at, source, n)
WHERE NOT EXISTS (
    SELECT 1 FROM consents k WHERE k.contact_id = w.contact_id AND k.at = w.at AND k.channel_id = w.channel_id
        AND k.source = w.source)
"""
#: A person who writes receives again, as Viber has it for bots: the network's own word is older than that.
_RESUBSCRIBE = """
UPDATE subscriptions s SET subscribed = true, changed_at = w.at
FROM unnest($1::int[], $2::text[], $3::timestamptz[]) AS w(channel_id, person, at)
WHERE s.channel_id = w.channel_id AND s.person = w.person AND NOT s.subscribed AND s.changed_at < w.at
"""
_ACCOUNTS = "SELECT account_id, policy, leaving, suppressing FROM consent_accounts"
_TOLD = "SELECT pg_notify('tyrian_consent', '') FROM told"
_LEAVING = f"""
WITH told AS (
    INSERT INTO consent_accounts AS c (account_id, leaving, updated_at)
    SELECT id, true, $2 FROM unnest($1::int[]) AS id ORDER BY id
    ON CONFLICT (account_id) DO UPDATE SET leaving = true WHERE NOT c.leaving RETURNING 1)
{_TOLD}
"""
_SUPPRESSING = f"""
WITH told AS (
    INSERT INTO consent_accounts AS c (account_id, suppressing, updated_at) VALUES ($1, true, $2)
    ON CONFLICT (account_id) DO UPDATE SET suppressing = true WHERE NOT c.suppressing RETURNING 1)
{_TOLD}
"""
_POLICY = f"""
WITH told AS (
    INSERT INTO consent_accounts AS c (account_id, policy, updated_at) VALUES ($1, $2, $3)
    ON CONFLICT (account_id) DO UPDATE SET policy = excluded.policy, updated_at = excluded.updated_at RETURNING 1)
{_TOLD}
"""
_READ_POLICY = "SELECT policy, updated_at FROM consent_accounts WHERE account_id = $1 AND policy IS NOT NULL"


class Question(Struct, frozen=True):
    """One message to one person on one channel."""

    account_id: int
    place: Place
    channel_id: int
    purpose: str
    at: datetime
    message_id: UUID | None = None


class Found(Struct, frozen=True, kw_only=True):
    """What is stored of the person of a question. `number` is another address of theirs, without its plus."""

    contact_id: UUID | None
    country: str | None
    number: str | None
    suppression: Suppression | None
    consent: Consent | None


class New(Struct, frozen=True, kw_only=True):
    """A consent to write."""

    id: UUID
    account_id: int
    contact_id: UUID
    granted: bool
    source: str
    at: datetime
    channel_id: int
    purpose: str
    evidence: str | None = None


class Stands(Struct, frozen=True):
    """Where somebody stands on a channel: what counts for every purpose, and for sessions."""

    granted: bool | None
    source: str | None
    at: datetime | None
    session: bool | None
    session_purpose: str | None


class Account(Struct, frozen=True):
    """What nodes remember of an account. `policy` is JSON."""

    account_id: int
    policy: bytes | None
    leaving: bool
    suppressing: bool


async def look_up(db: Database, questions: Sequence[Question]) -> list[Found]:
    """What is stored of each question's person, in order."""
    columns = [list(column) for column in zip(*(_row(q) for q in questions), strict=True)]
    rows = await db.fetch(_LOOK_UP, *columns)
    found = {row["n"] - 1: row for row in rows}
    return [
        Found(
            contact_id=row["contact_id"],
            country=row["country"],
            number=row["number"],
            suppression=Suppression(
                reason=row["s_reason"],
                until=row["s_until"],
                channel_id=row["s_channel"],
                purpose=row["s_purpose"],
                of_person=row["of_person"],
            )
            if row["s_reason"] is not None
            else None,
            consent=Consent(
                id=row["k_id"],
                granted=row["granted"],
                source=row["source"],
                at=row["at"],
                channel_id=row["k_channel"],
                purpose=row["k_purpose"],
            )
            if row["k_id"] is not None
            else None,
        )
        for row in (found[n] for n in range(len(questions)))
    ]


def _row(question: Question) -> tuple[object, ...]:
    place = question.place
    return question.account_id, place.scope, place.address, question.channel_id, question.purpose, question.at


async def record(connection: Database | Connection, new: Sequence[New], now: datetime) -> None:
    """Writes consents."""
    rows = [
        (n.id, n.account_id, n.contact_id, n.channel_id, n.purpose, n.granted, n.source, n.evidence, n.at) for n in new
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    await connection.execute(_INSERT, *columns, now)


async def unsaid(connection: Connection, new: Sequence[New]) -> list[New]:
    """Those consents that are not recorded yet, told by their time and source."""
    if not new:
        return []
    rows = [(n.contact_id, n.channel_id, n.at, n.source) for n in new]
    found = await connection.fetch(_UNSAID, *[list(column) for column in zip(*rows, strict=True)])
    return [new[row["n"] - 1] for row in found]


async def standings(connection: Connection, people: Sequence[tuple[UUID, int]]) -> list[Stands]:
    """Where contacts stand on channels, in order."""
    columns = [list(column) for column in zip(*people, strict=True)]
    rows = {row["n"] - 1: row for row in await connection.fetch(_STANDING, *columns)}
    return [
        Stands(row["granted"], row["source"], row["at"], row["session"], row["session_purpose"])
        for row in (rows[n] for n in range(len(people)))
    ]


async def history(db: Database | Connection, contact_id: UUID, limit: int) -> list[Consent]:
    """A contact's consents, newest first."""
    return [Consent(**dict(row)) for row in await db.fetch(_HISTORY, contact_id, limit)]


async def subscriptions(db: Database, people: Sequence[tuple[int, str]]) -> dict[int, bool]:
    """The networks' last words on people (channel, address), by channel; those without one are not among them."""
    rows = await db.fetch(_SUBSCRIPTIONS, [c for c, _ in people], [p for _, p in people])
    return {row["channel_id"]: row["subscribed"] for row in rows}


async def resubscribe(connection: Connection, people: Iterable[tuple[int, str, datetime]]) -> None:
    """Takes back the networks' words of before that people (channel, address, when) who write do not receive."""
    rows = sorted({(channel, person): at for channel, person, at in people}.items())
    if rows:
        channels, persons = [key[0] for key, _ in rows], [key[1] for key, _ in rows]
        await connection.execute(_RESUBSCRIBE, channels, persons, [at for _, at in rows])


# -- What nodes remember ----------------------------------------------------------------------------------------------


async def accounts(db: Database) -> list[Account]:
    """Every account that has a policy, or somebody who left or is suppressed."""
    return [Account(*row) for row in await db.fetch(_ACCOUNTS)]


async def leaving(connection: Database | Connection, account_ids: Iterable[int], now: datetime) -> None:
    """Somebody of these accounts left: from now on it is looked up who."""
    await connection.execute(_LEAVING, list(account_ids), now)


async def suppressing(connection: Database | Connection, account_id: int, now: datetime) -> None:
    """Somebody of this account is suppressed: from now on it is looked up who."""
    await connection.execute(_SUPPRESSING, account_id, now)


async def put_policy(db: Database, account_id: int, policy: object | None, now: datetime) -> None:
    """Writes an account's policy; None removes it."""
    body = msgspec.json.encode(policy) if policy is not None else None
    await db.execute(_POLICY, account_id, body, now)


async def policy_of(db: Database, account_id: int) -> tuple[bytes, datetime] | None:
    """An account's policy as it is committed, and since when."""
    row = await db.fetchrow(_READ_POLICY, account_id)
    return (row[0], row[1]) if row is not None else None
