"""Erasing people: what the gateway knows of a person goes, and what keeps them from being written to stays.

What goes: the contact with its addresses and consents; where the person stands in flows, with the variables; keyboards,
the codes of buttons, sessions, what networks said of them; conversations with them, of which those that are not closed
stay empty, and what was told of these to those who watch, who are told to drop it. What stays is said by address on the
suppression list: opt-outs, and whatever the contact was suppressed for. Messages and what people wrote are history, and
go with it.

All of it is one transaction. A message of the person at the same moment comes before it, and is erased of its contact,
or after it, and makes a new one.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

import msgspec
from msgspec.structs import replace

from tyrian.domain.consent import opt_outs
from tyrian.domain.conversation import Conversation
from tyrian.domain.ids import Ids
from tyrian.domain.people import Contact, Place
from tyrian.engine.inbox_port import WAKE
from tyrian.engine.ports import Clock
from tyrian.engine.waker import Waker
from tyrian.store import consent, erasing as store, people, suppressions
from tyrian.store.database import Connection, Database, persist
from tyrian.store.inbox import NewEvent, add_events
from tyrian.store.suppressions import Entry

#: What an entry says that was an opt-out.
OPTED_OUT: Final = "opted out before the contact was erased"
_ALL: Final = 1_000_000
_encode: Final = msgspec.json.Encoder().encode


class _Gateway(Protocol):
    """What erasing needs of the gateway."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def ids(self) -> Ids: ...
    @property
    def waker(self) -> Waker: ...


async def erase(gateway: _Gateway, account_id: int, contact_id: UUID) -> bool:
    """Erases a contact, and those that became part of it; a repeat changes nothing. False: there never was one."""
    return await persist(lambda: _erase(gateway, account_id, contact_id))


async def _erase(gateway: _Gateway, account_id: int, contact_id: UUID) -> bool:
    now = gateway.clock.now()
    async with gateway.db.transaction() as connection:
        contact = (await people.lock(connection, account_id, contact_id)).get(contact_id)
        if contact is None:
            return await store.was_erased(connection, account_id, contact_id)
        kept = await _kept(connection, gateway.ids, contact, now)
        await suppressions.keep(connection, account_id, kept, now)
        talks = await store.traces(connection, account_id, [known.place for known in contact.addresses])
        await store.contact(connection, account_id, contact.id, now)
        # Numbering events takes the account's row up, which is the last lock of everybody.
        await add_events(connection, [event for talk in talks.items() for event in _told(account_id, *talk, now)])
    if talks:
        gateway.waker.tell(f"{WAKE}{account_id}")
    return True


def _told(account_id: int, conversation_id: UUID, left: Conversation | None, now: datetime) -> Iterable[NewEvent]:
    """What those who watch are told of a conversation: to drop what they show of it, and what is left."""
    gone = {"conversation_id": conversation_id, "removed": left is None}
    yield NewEvent(account_id, now, "erased", conversation_id, _encode(gone))
    if left is not None:
        shown = replace(left, legs=left.live())
        yield NewEvent(account_id, now, "conversation", conversation_id, _encode(shown))


async def _kept(connection: Connection, ids: Ids, contact: Contact, now: datetime) -> list[Entry]:
    """What must be known of each address all the same, each key once."""
    places = [known.place for known in contact.addresses]
    records = await consent.history(connection, contact.id, _ALL)
    channels = await store.channels(connection, contact.account_id) if records else []
    entries = [
        Entry(
            id=ids.new(now), address=place.address, channel_id=out.channel_id, purpose=out.purpose, reason=OPTED_OUT,
            until=None, created_at=now, lifted_by=suppressions.WRITING if out.left else suppressions.CONSENT,
        )
        for place in places
        for out in opt_outs(records, channels if place.is_phone else [place.scope], elsewhere=place.is_phone)
    ]  # fmt: skip
    own = await suppressions.of_contact(connection, contact.id)
    entries += [suppressions.at_address(e, ids.new(now), p.address) for p in places for e in _there(own, p)]
    found: dict[tuple[str | None, int, str], Entry] = {}
    for e in entries:
        key = (e.address, e.channel_id, e.purpose)
        found[key] = suppressions.merged(found[key], e) if key in found else e
    return list(found.values())


def _there(entries: Sequence[Entry], place: Place) -> Iterable[Entry]:
    """Entries as far as they concern an address: one that a network gave holds on its channel alone."""
    return [e for e in entries if place.is_phone or e.channel_id in (0, place.scope)]
