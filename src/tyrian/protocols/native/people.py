"""What the operations on contacts do."""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from tyrian.domain.people import Contact, Known, Place
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.people import Taken
from tyrian.protocols.native import people_wire as wire
from tyrian.protocols.native.errors import ApiError, not_found
from tyrian.protocols.native.messages import spellings
from tyrian.protocols.native.operation import Call, Reply
from tyrian.protocols.native.pages import cursor_of, uuid_before
from tyrian.protocols.native.times import stamp
from tyrian.store import people as store

_WHAT = "contact"
_FACTS = ("name", "language", "country", "attributes")


async def create(call: Call) -> Reply:
    """A new contact."""
    body: wire.ContactRequest = call.body
    places = read_places(call, body.addresses)
    facts: dict[str, Any] = {name: getattr(body, name) for name in _FACTS}
    try:
        contact = await call.gateway.people.create(call.account_id, places, facts)
    except Taken as taken:
        raise _taken(taken) from taken
    return Reply(answer(call, contact), status=201)


async def list_contacts(call: Call) -> Reply:
    """A page of contacts."""
    query: wire.ContactFilter = call.query
    if query.address is not None:
        written = spellings(query.address) or []
        people = [s.removeprefix("+") for s in written]
        found = await store.by_address(call.gateway.db, call.account_id, people)
        return Reply(wire.ContactList(contacts=[answer(call, c) for c in found], next=None))
    words = (query.name, query.language, query.country)
    contacts, after = await store.listed(
        call.gateway.db, call.account_id, words, uuid_before(query.cursor), query.limit
    )
    return Reply(wire.ContactList(contacts=[answer(call, c) for c in contacts], next=cursor_of(after)))


async def get(call: Call) -> Reply:
    """One contact."""
    return _found(call, await call.gateway.people.get(call.account_id, call.id(_WHAT)))


async def change(call: Call) -> Reply:
    """A contact, changed."""
    given = {name: value for name in _FACTS if (value := getattr(call.body, name)) is not UNSET}
    return _found(call, await call.gateway.people.change(call.account_id, call.id(_WHAT), given))


async def erase(call: Call) -> Reply:
    """Erases a person."""
    if not await call.gateway.people.erase(call.account_id, call.id(_WHAT)):
        raise unknown(call)
    await call.gateway.consent.refresh()
    call.gateway.opting.refresh_soon()
    return Reply(status=204)


async def merge(call: Call) -> Reply:
    """One contact of two."""
    other = call.body.contact_id
    contact = await call.gateway.people.merge(call.account_id, call.id(_WHAT), other)
    if contact is None and await call.gateway.people.get(call.account_id, call.id(_WHAT)) is not None:
        raise Refused([Problem("/contact_id", "names no contact of this account", "unknown_contact")])
    return _found(call, contact)


async def add_address(call: Call) -> Reply:
    """A contact with one address more."""
    (place,) = read_places(call, [call.body], "")
    try:
        return _found(call, await call.gateway.people.add(call.account_id, call.id(_WHAT), place))
    except Taken as taken:
        raise _taken(taken) from taken


async def remove_address(call: Call) -> Reply:
    """A contact with one address less."""
    (place,) = read_places(call, [call.body], "")
    return _found(call, await call.gateway.people.remove(call.account_id, call.id(_WHAT), place))


# -- Parts ------------------------------------------------------------------------------------------------------------


def read_places(call: Call, asked: Sequence[wire.AddressRequest], at: str | None = None) -> list[Place]:
    """Where people are reached, as a request says it. Raises `Refused`."""
    places = call.gateway.people.places
    found = [
        places.read(call.account_id, one.address, one.channel, f"/addresses/{n}" if at is None else at)
        for n, one in enumerate(asked)
    ]
    wrong = [place for place in found if isinstance(place, Problem)]
    if wrong:
        raise Refused(wrong)
    return [place for place in found if isinstance(place, Place)]


def answer(call: Call, contact: Contact) -> wire.ContactAnswer:
    """A contact as the API shows it."""
    return wire.ContactAnswer(
        id=contact.id,
        name=contact.name,
        language=contact.language,
        country=contact.country,
        attributes=contact.attributes,
        addresses=[_address(call, known) for known in contact.addresses],
        created_at=stamp(contact.created_at),
        updated_at=stamp(contact.updated_at),
    )


def _address(call: Call, known: Known) -> wire.AddressAnswer:
    place = known.place
    entry = call.gateway.channels.by_id(place.scope)
    return wire.AddressAnswer(
        address=spelt(place),
        channel=entry.channel.name if entry is not None else None,
        source=known.source,
        added_at=stamp(known.added_at),
    )


def spelt(place: Place) -> str:
    """An address as people write it."""
    return f"+{place.address}" if place.is_phone else place.address


def _found(call: Call, contact: Contact | None) -> Reply:
    if contact is None:
        raise unknown(call)
    return Reply(answer(call, contact))


def unknown(call: Call) -> ApiError:
    """The error for a contact that is not there."""
    return not_found(f'There is no contact with the id "{call.path["id"][:64]}".')


def _taken(taken: Taken) -> ApiError:
    return ApiError("conflict", f"T{str(taken)[1:]}; merge the two if they are one person.")
