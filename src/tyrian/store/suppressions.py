"""Suppression lists: addresses and people that an account does not write to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from tyrian.store import consent, people
from tyrian.store.database import Connection, Database

#: Rows of one statement of an import.
_CHUNK: Final = 5000
_LAST: Final = UUID(int=2**128 - 1)
#: By what the entry of somebody who was erased is lifted: an opt-in that is recorded later, or any message of theirs.
CONSENT: Final = "consent"
WRITING: Final = "writing"

#: What an entry is read as, of an address and of a contact.
_OF_ADDRESS: Final = """
s.id, s.address, NULL::uuid AS contact_id, NULL::text AS name, s.channel_id, s.purpose, s.reason, s.until, s.created_at,
    s.lifted_by
"""
_OF_CONTACT: Final = """
s.id, NULL::text AS address, s.contact_id, c.name, s.channel_id, s.purpose, s.reason, s.until, s.created_at,
    NULL::text AS lifted_by
"""
_LATER: Final = (
    "CASE WHEN s.until IS NULL OR excluded.until IS NULL THEN NULL ELSE GREATEST(s.until, excluded.until) END"
)

_PUT = """
INSERT INTO suppressions AS s (id, account_id, address, channel_id, purpose, reason, until, created_at)
SELECT w.id, $1, w.address, w.channel_id, w.purpose, w.reason, w.until, $8
FROM unnest($2::uuid[], $3::text[], $4::int[], $5::text[], $6::text[], $7::timestamptz[])
    AS w(id, address, channel_id, purpose, reason, until)
ORDER BY w.address, w.channel_id, w.purpose
ON CONFLICT (account_id, address, channel_id, purpose) DO UPDATE SET reason = excluded.reason, until = excluded.until,
    lifted_by = NULL
"""
_PUT_CONTACTS = """
INSERT INTO suppressed_contacts AS s (id, account_id, contact_id, channel_id, purpose, reason, until, created_at)
SELECT w.id, $1, w.contact_id, w.channel_id, w.purpose, w.reason, w.until, $8
FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::text[], $7::timestamptz[])
    AS w(id, contact_id, channel_id, purpose, reason, until)
ORDER BY w.contact_id, w.channel_id, w.purpose
ON CONFLICT (contact_id, channel_id, purpose) DO UPDATE SET reason = excluded.reason, until = excluded.until
"""
#: What is kept of a person who is erased. An entry that is there says more, and ends no sooner than this one; but what
#: is left of an earlier erasure may be outdated, and says what this one says, from now on. Lifted is it by no less.
_KEEP = f"""
INSERT INTO suppressions AS s (id, account_id, address, channel_id, purpose, reason, until, created_at, lifted_by)
SELECT w.id, $1, w.address, w.channel_id, w.purpose, w.reason, w.until, $9, w.lifted_by
FROM unnest($2::uuid[], $3::text[], $4::int[], $5::text[], $6::text[], $7::timestamptz[], $8::text[])
    AS w(id, address, channel_id, purpose, reason, until, lifted_by)
ORDER BY w.address, w.channel_id, w.purpose
ON CONFLICT (account_id, address, channel_id, purpose) DO UPDATE SET until = {_LATER},
    reason = CASE WHEN s.lifted_by IS NULL THEN s.reason ELSE excluded.reason END,
    created_at = CASE WHEN s.lifted_by IS NULL THEN s.created_at ELSE excluded.created_at END,
    lifted_by = CASE WHEN s.lifted_by IS NULL OR excluded.lifted_by IS NULL THEN NULL
        WHEN s.lifted_by = '{CONSENT}' THEN s.lifted_by ELSE excluded.lifted_by END
"""
_MOVE = f"""
WITH gone AS (DELETE FROM suppressed_contacts WHERE contact_id = $2 RETURNING *)
INSERT INTO suppressed_contacts AS s (id, account_id, contact_id, channel_id, purpose, reason, until, created_at)
SELECT id, account_id, $1, channel_id, purpose, reason, until, created_at FROM gone
ON CONFLICT (contact_id, channel_id, purpose) DO UPDATE SET until = {_LATER}
"""
_LIST = f"""
SELECT * FROM (
    (SELECT {_OF_ADDRESS} FROM suppressions s WHERE s.account_id = $1 AND s.id < $2 ORDER BY s.id DESC LIMIT $3)
    UNION ALL
    (SELECT {_OF_CONTACT} FROM suppressed_contacts s JOIN contacts c ON c.id = s.contact_id
     WHERE s.account_id = $1 AND s.id < $2 ORDER BY s.id DESC LIMIT $3)
) found ORDER BY id DESC LIMIT $3
"""
_BY_ADDRESS = f"""
SELECT * FROM (
    SELECT {_OF_ADDRESS} FROM suppressions s WHERE s.account_id = $1 AND s.address = ANY($2::text[])
    UNION ALL
    SELECT {_OF_CONTACT} FROM suppressed_contacts s JOIN contacts c ON c.id = s.contact_id
    WHERE s.contact_id IN (SELECT contact_id FROM contact_addresses WHERE account_id = $1 AND address = ANY($2::text[]))
) found ORDER BY id DESC
"""
_BY_CONTACT = f"""
SELECT * FROM (
    SELECT {_OF_ADDRESS} FROM suppressions s WHERE s.account_id = $1 AND s.address IN (
        SELECT address FROM contact_addresses WHERE account_id = $1 AND contact_id = $2)
    UNION ALL
    SELECT {_OF_CONTACT} FROM suppressed_contacts s JOIN contacts c ON c.id = s.contact_id
    WHERE s.account_id = $1 AND s.contact_id = $2
) found ORDER BY id DESC
"""
_OF = f"""
SELECT {_OF_CONTACT} FROM suppressed_contacts s JOIN contacts c ON c.id = s.contact_id WHERE s.contact_id = $1
"""
_DELETE = """
WITH one AS (DELETE FROM suppressions WHERE account_id = $1 AND id = $2 RETURNING 1),
    other AS (DELETE FROM suppressed_contacts WHERE account_id = $1 AND id = $2 RETURNING 1)
SELECT 1 FROM one UNION ALL SELECT 1 FROM other
"""


class Entry(Struct, frozen=True, kw_only=True):
    """One line of the list, of an address or of a contact; for one channel or all (0), one purpose or all (empty).

    `name` is the contact's, where the list is read. `lifted_by` is of what remains of people who were erased.
    """

    id: UUID
    channel_id: int
    purpose: str
    reason: str
    until: datetime | None
    created_at: datetime
    address: str | None = None
    contact_id: UUID | None = None
    name: str | None = None
    lifted_by: str | None = None


class NoContact(LookupError):
    """Some of the contacts that are to be suppressed are not there: `ids`."""

    def __init__(self, ids: set[UUID]) -> None:
        super().__init__(f"{len(ids)} contacts are not there")
        self.ids = ids


async def put(db: Database, account_id: int, entries: Sequence[Entry], now: datetime) -> None:
    """Writes entries, all or none; one that is there gets the new reason and end. Each key must come once.

    Raises `NoContact`.
    """
    ordered = sorted((e for e in entries if e.address is not None), key=lambda e: (e.address, e.channel_id, e.purpose))
    people_of = [e for e in entries if e.contact_id is not None]
    async with db.transaction() as connection:
        await consent.suppressing(connection, account_id, now)
        for start in range(0, len(ordered), _CHUNK):
            part = ordered[start : start + _CHUNK]
            rows = [(e.id, e.address, e.channel_id, e.purpose, e.reason, e.until) for e in part]
            await connection.execute(_PUT, account_id, *_columns(rows), now)
        if people_of:
            await _put_contacts(connection, account_id, people_of, now)


async def _put_contacts(connection: Connection, account_id: int, entries: Sequence[Entry], now: datetime) -> None:
    asked = {e.contact_id for e in entries if e.contact_id is not None}
    known = await people.hold_contacts(connection, account_id, asked)
    if asked - known.keys():
        raise NoContact(asked - known.keys())
    # Two ids may lead to one contact by now.
    rows = {}
    for e in entries:
        assert e.contact_id is not None
        whom = known[e.contact_id].id
        rows[whom, e.channel_id, e.purpose] = (e.id, whom, e.channel_id, e.purpose, e.reason, e.until)
    await connection.execute(_PUT_CONTACTS, account_id, *_columns(list(rows.values())), now)


async def keep(connection: Connection, account_id: int, entries: Sequence[Entry], now: datetime) -> None:
    """Writes what is kept of people who are erased, by address. Each key must come once."""
    if entries:
        await consent.suppressing(connection, account_id, now)
        rows = [(e.id, e.address, e.channel_id, e.purpose, e.reason, e.until, e.lifted_by) for e in entries]
        await connection.execute(_KEEP, account_id, *_columns(rows), now)


async def move(connection: Connection, kept: UUID, other: UUID) -> None:
    """Gives a contact what another is suppressed for; of two entries for the same the one that ends later counts."""
    await connection.execute(_MOVE, kept, other)


async def listed(db: Database, account_id: int, before: UUID | None, limit: int) -> tuple[list[Entry], UUID | None]:
    """A page of the list, newest first, and where it goes on."""
    rows = [_entry(row) for row in await db.read(_LIST, account_id, before or _LAST, limit + 1)]
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


async def by_address(db: Database, account_id: int, spellings: Sequence[str]) -> list[Entry]:
    """The entries of an address, and of the contacts that have it."""
    return [_entry(row) for row in await db.read(_BY_ADDRESS, account_id, list(spellings))]


async def by_contact(db: Database, account_id: int, contact_id: UUID) -> list[Entry]:
    """The entries of a contact, and of its addresses."""
    return [_entry(row) for row in await db.read(_BY_CONTACT, account_id, contact_id)]


async def of_contact(connection: Connection, contact_id: UUID) -> list[Entry]:
    """The entries of a contact itself."""
    return [_entry(row) for row in await connection.fetch(_OF, contact_id)]


async def delete(db: Database, account_id: int, identifier: UUID) -> bool:
    """Takes an entry off the list; False if there is none."""
    return bool(await db.fetch(_DELETE, account_id, identifier))


def merged(one: Entry, other: Entry) -> Entry:
    """One of two entries for the same: it ends no sooner than either, and is lifted by no less; a firm one's reason."""
    firm = other if other.lifted_by is None else one
    until = None if one.until is None or other.until is None else max(one.until, other.until)
    by = {one.lifted_by, other.lifted_by}
    return replace(firm, until=until, lifted_by=None if None in by else CONSENT if CONSENT in by else WRITING)


def at_address(entry: Entry, identifier: UUID, address: str) -> Entry:
    """An entry of a contact as one of an address."""
    return replace(entry, id=identifier, address=address, contact_id=None, name=None)


def _entry(row: object) -> Entry:
    return Entry(**dict(row))  # type: ignore[call-overload]


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]
