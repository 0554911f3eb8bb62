"""What the operations on suppression lists do."""

import asyncio
import csv
import io
from typing import Final

import msgspec
from msgspec import Struct

from tyrian.domain.address import e164
from tyrian.domain.problem import Problem, Refused
from tyrian.domain.purpose import Purpose
from tyrian.engine.reacting import person_of
from tyrian.protocols.native import consent_wire as wire
from tyrian.protocols.native.body import read
from tyrian.protocols.native.consent import covered, name_of
from tyrian.protocols.native.errors import not_found
from tyrian.protocols.native.messages import spellings
from tyrian.protocols.native.operation import Call, Reply
from tyrian.protocols.native.pages import cursor_of, uuid_before
from tyrian.protocols.native.times import stamp
from tyrian.store import suppressions as store

CSV: Final = "text/csv"
#: What a file is about are addresses.
_COLUMNS: Final = tuple(
    f.encode_name for f in msgspec.structs.fields(wire.SuppressionEntry) if f.encode_name != "contact_id"
)
_json: Final = msgspec.json.Decoder(wire.SuppressionRequest)
#: Mistakes after which the rest of a file is not looked at.
_ENOUGH: Final = 100


class Table(Struct):
    """A CSV file, unread: that is work for a thread of its own."""

    raw: bytes


def read_list(raw: bytes, media: str) -> wire.SuppressionRequest | Table:
    """A list as JSON; one as CSV is read later."""
    return Table(raw) if media == CSV else read(raw, _json)


async def suppress(call: Call) -> Reply:
    """Puts addresses and people on the list."""
    body: wire.SuppressionRequest | Table = call.body
    entries = await asyncio.to_thread(_rows, body.raw) if isinstance(body, Table) else body.suppressions
    made = await asyncio.to_thread(_entries, call, entries)
    try:
        await store.put(call.gateway.db, call.account_id, made, call.gateway.clock.now())
    except store.NoContact as strange:
        raise Refused(_strange(entries, strange)) from strange
    await call.gateway.consent.refresh()
    return Reply(wire.SuppressedAnswer(count=len(made)), status=201)


def _strange(entries: list[wire.SuppressionEntry], strange: store.NoContact) -> list[Problem]:
    words = "names no contact of this account"
    return [
        Problem(f"/suppressions/{n}/contact_id", words, "unknown_contact")
        for n, one in enumerate(entries)
        if one.contact_id in strange.ids
    ][:_ENOUGH]


async def list_suppressions(call: Call) -> Reply:
    """A page of the list."""
    query: wire.SuppressionFilter = call.query
    if query.address is not None:
        people = [person_of(spelt) for spelt in spellings(query.address) or ()]
        found = await store.by_address(call.gateway.db, call.account_id, people)
        return Reply(wire.SuppressionList(suppressions=[_answer(call, e) for e in found], next=None))
    if query.contact_id is not None:
        contact = await call.gateway.people.get(call.account_id, query.contact_id)
        found = await store.by_contact(call.gateway.db, call.account_id, contact.id) if contact is not None else []
        return Reply(wire.SuppressionList(suppressions=[_answer(call, e) for e in found], next=None))
    rows, after = await store.listed(call.gateway.db, call.account_id, uuid_before(query.cursor), query.limit)
    return Reply(wire.SuppressionList(suppressions=[_answer(call, e) for e in rows], next=cursor_of(after)))


async def remove(call: Call) -> Reply:
    """Takes an entry off the list."""
    if not await store.delete(call.gateway.db, call.account_id, call.id("suppression")):
        raise not_found(f'There is no suppression with the id "{call.path["id"][:64]}".')
    return Reply(status=204)


# -- Reading ----------------------------------------------------------------------------------------------------------


def _rows(raw: bytes) -> list[wire.SuppressionEntry]:
    """The rows of a CSV file, whose first line names its columns. Problems count the rows after it from 0."""
    try:
        lines = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""))
        heading = [name.strip().lower() for name in next(lines, [])]
        _refuse_heading(heading)
        return _read_rows(heading, [line for line in lines if any(cell.strip() for cell in line)])
    except UnicodeDecodeError:
        raise Refused([Problem("", "is not UTF-8 text")]) from None
    except csv.Error as error:
        raise Refused([Problem("", f"is no CSV: {error}")]) from error


def _refuse_heading(heading: list[str]) -> None:
    if "address" not in heading:
        others = ", ".join(_COLUMNS[1:])
        raise Refused([Problem("", f"must begin with a line that names the columns: address, and any of {others}")])
    strange = [name for name in heading if name not in _COLUMNS or heading.count(name) > 1]
    if strange:
        words = f"is unknown or comes twice; there are {', '.join(_COLUMNS)}"
        raise Refused([Problem("", f'has a column "{name[:64]}" that {words}') for name in strange[:5]])


def _read_rows(heading: list[str], lines: list[list[str]]) -> list[wire.SuppressionEntry]:
    entries: list[wire.SuppressionEntry] = []
    found: list[Problem] = []
    if not lines:
        found.append(Problem("/suppressions", "must have at least 1 item(s), has 0", "too_short"))
    if len(lines) > wire.MOST_SUPPRESSIONS:
        most = wire.MOST_SUPPRESSIONS
        raise Refused([Problem("/suppressions", f"must have at most {most} item(s), has {len(lines)}", "too_long")])
    for n, line in enumerate(lines):
        given = {name: cell.strip() for name, cell in zip(heading, line, strict=False) if cell.strip()}
        try:
            if len(line) > len(heading) or any("\0" in cell for cell in line):
                raise msgspec.ValidationError("has more cells than there are columns, or a NUL character")
            if "address" not in given:
                raise msgspec.ValidationError("Object missing required field `address`")
            entries.append(msgspec.convert(given, wire.SuppressionEntry, strict=False))
        except msgspec.ValidationError as error:
            what, _, path = str(error).partition(" - at `$.")
            at = f"/suppressions/{n}" + (f"/{path.rstrip('`')}" if path else "")
            found.append(Problem(at, what[:1].lower() + what[1:]))
        if len(found) >= _ENOUGH:
            break
    if found:
        raise Refused(found)
    return entries


def _entries(call: Call, asked: list[wire.SuppressionEntry]) -> list[store.Entry]:
    """What is asked for, each address in its stored form; the last word on an address counts."""
    now, found = call.gateway.clock.now(), []
    made: dict[tuple[object, int, str], store.Entry] = {}
    channels: dict[str | None, int | Problem] = {}
    for n, one in enumerate(asked):
        if one.channel not in channels:
            channels[one.channel] = covered(call, one.channel, f"/suppressions/{n}/channel")
        channel = channels[one.channel]
        if isinstance(channel, Problem):
            found.append(channel._replace(pointer=f"/suppressions/{n}/channel"))
            continue
        if (one.address is None) is (one.contact_id is None):
            found.append(Problem(f"/suppressions/{n}", "must have either an address or a contact_id"))
            continue
        address = person_of(e164(one.address) or one.address) if one.address is not None else None
        purpose = one.purpose.value if one.purpose is not None else ""
        made[address or one.contact_id, channel, purpose] = store.Entry(
            id=call.gateway.ids.new(now),
            address=address,
            contact_id=one.contact_id,
            channel_id=channel,
            purpose=purpose,
            reason=one.reason,
            until=one.until,
            created_at=now,
        )
    if found:
        raise Refused(found[:_ENOUGH])
    return list(made.values())


def _answer(call: Call, entry: store.Entry) -> wire.SuppressionAnswer:
    number = e164(entry.address) if entry.address is not None else None
    return wire.SuppressionAnswer(
        id=entry.id,
        address=number or entry.address,
        contact_id=entry.contact_id,
        name=entry.name,
        channel=name_of(call, entry.channel_id),
        purpose=Purpose(entry.purpose) if entry.purpose else None,
        reason=entry.reason,
        until=stamp(entry.until) if entry.until is not None else None,
        created_at=stamp(entry.created_at),
        lifted_by=entry.lifted_by,  # type: ignore[arg-type]
    )
