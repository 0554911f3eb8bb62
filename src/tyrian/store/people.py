"""Contacts and their addresses.

Whoever writes what hangs on a contact (a consent) holds one of its addresses with `hold`; `merge` moves the addresses
before anything else, so that nothing is written to a contact that is just becoming part of another.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from tyrian.domain.people import Attribute, Contact, Known, Place
from tyrian.store.database import Connection, Database

#: Contacts that one page of a filtered list looks at.
WINDOW: Final = 5000
_LAST: Final = UUID(int=2**128 - 1)

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(dict[str, Attribute]).decode

_COLUMNS: Final = "id, account_id, name, language, country, attributes, created_at, updated_at"

_INSERT = """
INSERT INTO contacts (id, account_id, name, language, country, attributes, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
"""
_INSERT_ADDRESSES = """
INSERT INTO contact_addresses (account_id, scope, address, contact_id, source, added_at)
SELECT $1, *, $4::uuid, $5::text, $6::timestamptz FROM unnest($2::int[], $3::text[]) ORDER BY 2, 3
ON CONFLICT DO NOTHING
RETURNING scope, address
"""
_HOLDERS = """
SELECT a.scope, a.address, a.contact_id FROM unnest($2::int[], $3::text[]) AS w(scope, address)
JOIN contact_addresses a ON a.account_id = $1 AND a.scope = w.scope AND a.address = w.address
"""
#: Addresses, held for as long as the transaction lasts, in the order of their keys.
_HOLD = """
SELECT a.account_id, a.scope, a.address, a.contact_id
FROM unnest($1::int[], $2::int[], $3::text[]) AS w(account_id, scope, address)
JOIN contact_addresses a ON a.account_id = w.account_id AND a.scope = w.scope AND a.address = w.address
ORDER BY a.account_id, a.scope, a.address
FOR SHARE OF a
"""
#: People whose addresses are not known become contacts. Two nodes that meet somebody at the same moment agree: the
#: second one waits for the first, and finds its row in the place of its own.
_MEET = """
WITH w AS MATERIALIZED (
    SELECT * FROM unnest($1::int[], $2::int[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[])
    AS w(account_id, scope, address, id, name, language, country)
), new AS MATERIALIZED (
    SELECT w.* FROM w WHERE NOT EXISTS (
        SELECT 1 FROM contact_addresses a
        WHERE a.account_id = w.account_id AND a.scope = w.scope AND a.address = w.address)
), placed AS (
    INSERT INTO contact_addresses AS a (account_id, scope, address, contact_id, source, added_at)
    SELECT account_id, scope, address, id, $8, $9 FROM new ORDER BY account_id, scope, address
    ON CONFLICT (account_id, scope, address) DO NOTHING
    RETURNING contact_id
), made AS (
    INSERT INTO contacts (id, account_id, name, language, country, attributes, created_at, updated_at)
    SELECT new.id, new.account_id, new.name, new.language, new.country, '{}'::bytea, $9, $9
    FROM new JOIN placed ON placed.contact_id = new.id
)
SELECT account_id, scope, address FROM w
EXCEPT SELECT account_id, scope, address FROM new
"""
#: Merges of an account come one after another, and no change of a contact meanwhile. The first number only sets these
#: locks apart from others ("peop" in ASCII).
_ALONE = "SELECT pg_advisory_xact_lock(1885695856, $1)"
_TOGETHER = "SELECT pg_advisory_xact_lock_shared(1885695856, $1)"
_GET = f"SELECT {_COLUMNS}, merged_into FROM contacts WHERE account_id = $1 AND id = $2"
_ADDRESSES = """
SELECT contact_id, scope, address, source, added_at FROM contact_addresses
WHERE contact_id = ANY($1::uuid[]) ORDER BY added_at, scope, address
"""
_FIND = "SELECT contact_id FROM contact_addresses WHERE account_id = $1 AND scope = $2 AND address = $3"
_LOCK = f"""
SELECT {_COLUMNS}, merged_into FROM contacts WHERE account_id = $1 AND id = ANY($2::uuid[])
ORDER BY id FOR NO KEY UPDATE
"""
_UPDATE = """
UPDATE contacts SET name = $2, language = $3, country = $4, attributes = $5, updated_at = $6 WHERE id = $1
"""
_MOVE_ADDRESSES = "UPDATE contact_addresses SET contact_id = $1 WHERE contact_id = $2"
_MOVE_CONSENTS = "UPDATE consents SET contact_id = $1 WHERE contact_id = $2"
_LEAD_ON = "UPDATE contacts SET merged_into = $1, updated_at = $3 WHERE id = $2 OR merged_into = $2"
_REMOVE_ADDRESS = """
DELETE FROM contact_addresses WHERE account_id = $1 AND contact_id = $2 AND scope = $3 AND address = $4 RETURNING 1
"""
_LIST = f"""
SELECT {_COLUMNS} FROM (
    SELECT * FROM contacts WHERE account_id = $1 AND id < $2 AND merged_into IS NULL ORDER BY id DESC LIMIT $3) c
WHERE ($4::text IS NULL OR position(lower($4) IN lower(c.name)) > 0)
    AND ($5::text IS NULL OR c.language = $5) AND ($6::text IS NULL OR c.country = $6)
ORDER BY id DESC LIMIT $7
"""
_END_OF_WINDOW = """
SELECT id FROM contacts WHERE account_id = $1 AND id < $2 AND merged_into IS NULL ORDER BY id DESC OFFSET $3 LIMIT 1
"""
_BY_ADDRESS = f"""
SELECT {_COLUMNS} FROM contacts WHERE id IN (
    SELECT contact_id FROM contact_addresses WHERE account_id = $1 AND address = ANY($2::text[]))
ORDER BY id DESC
"""

Held = dict[tuple[int, Place], UUID]


class Meeting(msgspec.Struct, frozen=True):
    """Somebody of whom there is news: where they are reached, and what the network says of them."""

    account_id: int
    place: Place
    id: UUID
    name: str | None = None
    language: str | None = None
    country: str | None = None


async def meet(
    connection: Database | Connection, met: Iterable[Meeting], source: str, now: datetime
) -> list[tuple[int, Place]]:
    """Makes contacts of those whose addresses are not known yet; returns those that were."""
    each = {(m.account_id, m.place): m for m in met}
    rows = [(m.account_id, m.place.scope, m.place.address, m.id, m.name, m.language, m.country) for m in each.values()]
    columns = [list(column) for column in zip(*sorted(rows, key=lambda row: row[:3]), strict=True)]
    known = await connection.fetch(_MEET, *columns, source, now)
    return [(row["account_id"], Place(row["scope"], row["address"])) for row in known]


async def hold(connection: Connection, places: Iterable[tuple[int, Place]]) -> Held:
    """Whose these addresses (account, place) are, as it stays until the transaction ends."""
    rows = sorted({(account, place.scope, place.address) for account, place in places})
    if not rows:
        return {}
    columns = [list(column) for column in zip(*rows, strict=True)]
    held = await connection.fetch(_HOLD, *columns)
    return {(row["account_id"], Place(row["scope"], row["address"])): row["contact_id"] for row in held}


async def create(connection: Connection, contact: Contact, source: str) -> dict[Place, UUID]:
    """Stores a contact with its addresses. What comes back are those of others, which it has not."""
    await connection.execute(
        _INSERT, contact.id, contact.account_id, contact.name, contact.language, contact.country,
        _encode(contact.attributes), contact.created_at,
    )  # fmt: skip
    places = [known.place for known in contact.addresses]
    return await add(connection, contact.account_id, contact.id, places, source, contact.created_at)


async def add(
    connection: Connection, account_id: int, contact_id: UUID, places: Sequence[Place], source: str, now: datetime
) -> dict[Place, UUID]:
    """Gives addresses to a contact. What comes back are those of others, which it has not got."""
    if not places:
        return {}
    scopes, addresses = [p.scope for p in places], [p.address for p in places]
    await connection.fetch(_INSERT_ADDRESSES, account_id, scopes, addresses, contact_id, source, now)
    rows = await connection.fetch(_HOLDERS, account_id, scopes, addresses)
    return {Place(r["scope"], r["address"]): r["contact_id"] for r in rows if r["contact_id"] != contact_id}


async def get(db: Database | Connection, account_id: int, contact_id: UUID) -> Contact | None:
    """A contact with its addresses; of one that became part of another, that one."""
    row = await db.fetchrow(_GET, account_id, contact_id)
    if row is not None and row["merged_into"] is not None:
        row = await db.fetchrow(_GET, account_id, row["merged_into"])
    return (await _whole(db, [row]))[0] if row is not None else None


async def find(db: Database | Connection, account_id: int, place: Place) -> UUID | None:
    """The contact that an address belongs to."""
    found: UUID | None = await db.fetchval(_FIND, account_id, place.scope, place.address)
    return found


async def lock(connection: Connection, account_id: int, *ids: UUID) -> dict[UUID, Contact]:
    """Contacts as they stay until the transaction ends, by the ids that were asked for. Several are to be merged."""
    await connection.execute(_TOGETHER if len(ids) == 1 else _ALONE, account_id)
    return await _locked(connection, account_id, ids)


async def hold_contacts(connection: Connection, account_id: int, ids: Iterable[UUID]) -> dict[UUID, Contact]:
    """Contacts that become part of no other until the transaction ends, by the ids that were asked for."""
    await connection.execute(_TOGETHER, account_id)
    return await _locked(connection, account_id, sorted(set(ids)))


async def _locked(connection: Connection, account_id: int, ids: Sequence[UUID]) -> dict[UUID, Contact]:
    rows = {row["id"]: row for row in await connection.fetch(_LOCK, account_id, list(ids))}
    onward = {row["merged_into"] for row in rows.values() if row["merged_into"] is not None} - rows.keys()
    if onward:
        found = await _locked(connection, account_id, [*ids, *onward])
        return {i: contact for i, contact in found.items() if i in ids}
    ends = {i: rows[row["merged_into"]] if row["merged_into"] is not None else row for i, row in rows.items()}
    whole = {c.id: c for c in await _whole(connection, list({row["id"]: row for row in ends.values()}.values()))}
    return {i: whole[row["id"]] for i, row in ends.items()}


async def update(connection: Connection, contact: Contact) -> None:
    """Writes what a contact is now; its addresses are not touched."""
    await connection.execute(
        _UPDATE, contact.id, contact.name, contact.language, contact.country, _encode(contact.attributes),
        contact.updated_at,
    )  # fmt: skip


async def merge(connection: Connection, kept: UUID, other: UUID, now: datetime) -> None:
    """Moves addresses and consents of a contact to another; both are locked."""
    await connection.execute(_MOVE_ADDRESSES, kept, other)
    await connection.execute(_MOVE_CONSENTS, kept, other)
    await connection.execute(_LEAD_ON, kept, other, now)


async def remove_address(connection: Connection, account_id: int, contact_id: UUID, place: Place) -> bool:
    """Takes an address from a contact; False if it has not got it."""
    return bool(await connection.fetch(_REMOVE_ADDRESS, account_id, contact_id, place.scope, place.address))


async def listed(
    db: Database,
    account_id: int,
    words: tuple[str | None, str | None, str | None],
    before: UUID | None,
    limit: int,
) -> tuple[list[Contact], UUID | None]:
    """A page of contacts, newest first, and where it goes on; `words` are a part of the name, a language, a country."""
    filtered = any(word is not None for word in words)
    window, top = (WINDOW if filtered else limit + 1), before or _LAST
    rows = await db.read(_LIST, account_id, top, window, *words, limit + 1)
    contacts = await _whole(db, rows[:limit])
    if len(rows) > limit:
        return contacts, rows[limit - 1]["id"]
    last = await db.read_row(_END_OF_WINDOW, account_id, top, window - 1) if filtered else None
    return contacts, last["id"] if last else None


async def by_address(db: Database, account_id: int, spellings: Sequence[str]) -> list[Contact]:
    """The contacts that have an address, however it is spelt; on several channels they may be several."""
    return await _whole(db, await db.read(_BY_ADDRESS, account_id, list(spellings)))


async def _whole(db: Database | Connection, rows: Sequence[Any]) -> list[Contact]:
    """Contacts with their addresses."""
    known: dict[UUID, list[Known]] = {row["id"]: [] for row in rows}
    for row in await db.fetch(_ADDRESSES, list(known)) if known else ():
        place = Place(row["scope"], row["address"])
        known[row["contact_id"]].append(Known(place=place, source=row["source"], added_at=row["added_at"]))
    return [
        Contact(
            id=row["id"],
            account_id=row["account_id"],
            name=row["name"],
            language=row["language"],
            country=row["country"],
            attributes=_decode(row["attributes"]),
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            addresses=tuple(known[row["id"]]),
        )
        for row in rows
    ]
