"""People: who has which addresses. Whoever writes to a channel becomes a contact by that.

A Viber bot knows people by an id of its own. It learns a person's phone number when that person presses a button that
shares it; then the bot's user and whoever has the number become one contact. A card that is merely forwarded says
nothing about its sender, and links nobody.
"""

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from msgspec import structs

from tyrian.domain.address import e164
from tyrian.domain.content import Contact as Card
from tyrian.domain.ids import Ids
from tyrian.domain.people import EVERYWHERE, Attribute, Contact, Known, Place
from tyrian.domain.problem import Problem, Refused
from tyrian.engine import erasing
from tyrian.engine.channels import Channels
from tyrian.engine.ports import Channel, ChannelKind, Clock
from tyrian.engine.reacting import News, Said, person_of
from tyrian.engine.waker import Waker
from tyrian.store import people as store, suppressions
from tyrian.store.database import Connection, Database
from tyrian.store.people import Meeting

log = logging.getLogger(__name__)

API: Final = "api"
INBOUND: Final = "inbound"
SHARED: Final = "share_phone"
#: What a connector puts into `Inbound.extra` with a contact that came by a share-phone button: the button's value.
BUTTON_TEXT: Final = "text"
#: What the message says then, to customers: the person's own number.
SHARED_PHONE: Final = "shared_phone"

MOST_ATTRIBUTES: Final = 50
_A_NUMBER: Final = "+385991234501"
#: Addresses that are known to belong to a contact, so that nothing is asked when they write again.
_REMEMBERED: Final = 200_000
_NAME, _LANGUAGE, _COUNTRY = 200, 35, 2


class Taken(Exception):
    """An address belongs to another contact: `place`, and whose it is."""

    def __init__(self, place: Place, holder: UUID) -> None:
        super().__init__(f"the address {place.address} belongs to the contact {holder}")
        self.place, self.holder = place, holder


class Memory:
    """The addresses dealt with last; the oldest are forgotten first.

    What was read before a `clear` must not be added after it: take `cleared` before the look, and add with it.
    """

    def __init__(self, size: int = _REMEMBERED) -> None:
        self._size = size
        self._known: OrderedDict[Any, None] = OrderedDict()
        #: How often all was forgotten.
        self.cleared = 0

    def __contains__(self, key: Any) -> bool:
        return key in self._known

    def add(self, key: Any, cleared: int) -> None:
        """Keeps one, if nothing was forgotten since."""
        if cleared != self.cleared:
            return
        self._known[key] = None
        if len(self._known) > self._size:
            self._known.popitem(last=False)

    def clear(self) -> None:
        """Forgets all."""
        self._known.clear()
        self.cleared += 1


class Places:
    """Where people are reached, as contacts have it."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        self._phones: dict[str, bool] = {}

    def of(self, channel: Channel, person: str) -> Place:
        """An address on a channel: a phone number holds everywhere, what else a network calls people only there."""
        number = e164(person) if self.takes_phones(channel.kind) else None
        return Place(EVERYWHERE, person_of(number)) if number else Place(channel.id, person)

    def takes_phones(self, kind_name: str) -> bool:
        """Whether channels of a kind know people by their phone numbers."""
        known = self._phones.get(kind_name)
        if known is None:
            kind: ChannelKind | None = self._channels.kinds.get(kind_name)
            known = kind is None or not isinstance(kind.address(_A_NUMBER, ""), Problem)
            self._phones[kind_name] = known
        return known

    def read(self, account_id: int, address: str, channel: str | None, at: str) -> Place | Problem:
        """An address as customers write it. Only what is no phone number needs the channel that it belongs to."""
        if channel is None:
            number = e164(address)
            if number is None:
                return Problem(
                    f"{at}/address",
                    "must be a phone number with its country code, or come with the channel whose network calls the "
                    "person so",
                )
            return Place(EVERYWHERE, person_of(number))
        entry = self._channels.get(account_id, channel)
        if entry is None or entry.group is not None:
            return Problem(f"{at}/channel", f'names no channel of this account: "{channel}"', "unknown_channel")
        found = entry.kind.address(address, f"{at}/address")
        return found if isinstance(found, Problem) else self.of(entry.channel, person_of(found))


class _Gateway(Protocol):
    """What people need of the gateway."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def waker(self) -> Waker: ...
    @property
    def ids(self) -> Ids: ...
    @property
    def channels(self) -> Channels: ...


class People:
    """The contacts of all accounts. As a stage of what comes in, it makes contacts of those who write."""

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway
        self.places = Places(gateway.channels)
        self._met = Memory()

    def refresh_soon(self) -> None:
        """Forgets who is known: an address was taken from a contact somewhere."""
        self._met.clear()

    # -- Looking --------------------------------------------------------------------------------------------------

    async def get(self, account_id: int, contact_id: UUID) -> Contact | None:
        """A contact; of one that became part of another, that one."""
        return await store.get(self._gateway.db, account_id, contact_id)

    async def find(self, account_id: int, place: Place) -> Contact | None:
        """The contact that has an address."""
        found = await store.find(self._gateway.db, account_id, place)
        return await self.get(account_id, found) if found is not None else None

    async def on(self, channel: Channel, person: str) -> Contact | None:
        """The contact that a channel knows by this address."""
        return await self.find(channel.account_id, self.places.of(channel, person_of(person)))

    # -- Changing -------------------------------------------------------------------------------------------------

    async def create(
        self, account_id: int, places: Sequence[Place], facts: Mapping[str, Any], source: str = API
    ) -> Contact:
        """A new contact; `facts` are name, language, country and attributes. Raises `Taken`."""
        now = self._gateway.clock.now()
        contact = Contact(
            id=self._gateway.ids.new(now),
            account_id=account_id,
            created_at=now,
            updated_at=now,
            addresses=tuple(Known(place=p, source=source, added_at=now) for p in dict.fromkeys(places)),
            **facts,
        )
        async with self._gateway.db.transaction() as connection:
            _refuse(await store.create(connection, contact, source))
        return contact

    async def change(self, account_id: int, contact_id: UUID, facts: Mapping[str, Any]) -> Contact | None:
        """A contact after a change of what is said; an attribute that is None is removed. None: there is none."""
        async with self._gateway.db.transaction() as connection:
            contact = (await store.lock(connection, account_id, contact_id)).get(contact_id)
            if contact is None:
                return None
            changes = dict(facts)
            if "attributes" in changes:
                changes["attributes"] = _changed(contact.attributes, changes["attributes"])
            contact = structs.replace(contact, updated_at=self._gateway.clock.now(), **changes)
            await store.update(connection, contact)
        return contact

    async def add(self, account_id: int, contact_id: UUID, place: Place) -> Contact | None:
        """A contact with one address more; None if there is none. Raises `Taken`."""
        async with self._gateway.db.transaction() as connection:
            contact = (await store.lock(connection, account_id, contact_id)).get(contact_id)
            if contact is None:
                return None
            _refuse(await store.add(connection, account_id, contact.id, [place], API, self._gateway.clock.now()))
        return await self.get(account_id, contact_id)

    async def remove(self, account_id: int, contact_id: UUID, place: Place) -> Contact | None:
        """A contact without an address, which may have been gone before; None if there is no such contact."""
        async with self._gateway.db.transaction() as connection:
            contact = (await store.lock(connection, account_id, contact_id)).get(contact_id)
            if contact is None:
                return None
            if await store.remove_address(connection, account_id, contact.id, place):
                await connection.execute("SELECT pg_notify('tyrian_people', '')")
        self.refresh_soon()
        return await self.get(account_id, contact_id)

    async def merge(self, account_id: int, kept: UUID, other: UUID) -> Contact | None:
        """One contact of two: addresses, consents and suppressions move to `kept`. None if one of them is not there.

        A repeat changes nothing. Where both say something, what `kept` says stays.
        """
        async with self._gateway.db.transaction() as connection:
            found = await store.lock(connection, account_id, kept, other)
            if len(found) < len({kept, other}):
                return None
            await self._merge(connection, found[kept], found[other])
        return await self.get(account_id, kept)

    async def erase(self, account_id: int, contact_id: UUID) -> bool:
        """Erases a person (`engine.erasing`); a repeat changes nothing. False: there never was such a contact."""
        found = await erasing.erase(self._gateway, account_id, contact_id)
        self.refresh_soon()
        return found

    async def _merge(self, connection: Connection, kept: Contact, other: Contact) -> None:
        """Makes one of two contacts that are locked."""
        if kept.id == other.id:
            return
        now = self._gateway.clock.now()
        await store.merge(connection, kept.id, other.id, now)
        await suppressions.move(connection, kept.id, other.id)
        said = {name: getattr(kept, name) or getattr(other, name) for name in ("name", "language", "country")}
        attributes = {**other.attributes, **kept.attributes}
        await store.update(connection, structs.replace(kept, attributes=attributes, updated_at=now, **said))

    # -- What comes in --------------------------------------------------------------------------------------------

    def wants(self, channel: Channel) -> bool:
        """Whoever writes is a contact."""
        return True

    async def read(self, batch: Sequence[Said]) -> None:
        """Tells an own number, shared by a button, from a card that was forwarded."""
        for said in batch:
            number = _own_number(said)
            if number is not None:
                said.message.extra[SHARED_PHONE] = number

    def keeps(self, said: Said) -> bool:
        """Whether the sender is not known yet, or shares a number."""
        return self._key(said) not in self._met or _own_number(said) is not None

    def _key(self, said: Said) -> tuple[int, Place]:
        return said.row.account_id, self.places.of(said.channel, person_of(said.row.sender))

    async def store(self, connection: Connection, batch: Sequence[Said]) -> None:
        """Makes contacts of those who are not known yet, and links those who share their number."""
        met = {}
        for said in batch:
            key = self._key(said)
            if key not in self._met:
                met[key] = self._meeting(said, *key)
        await self._meet(connection, met, batch[0].row.received_at)
        for said in batch:
            number = _own_number(said)
            if number is not None:
                await self._link(connection, said, Place(EVERYWHERE, person_of(number)))

    async def subscribed(self, connection: Connection, news: Sequence[News]) -> None:
        """Whoever subscribes or leaves is a contact, too."""
        met = {}
        for one in news:
            key = (one.channel.account_id, self.places.of(one.channel, person_of(one.person)))
            if key not in self._met:
                met[key] = Meeting(*key, self._gateway.ids.new(self._gateway.clock.now()))
        await self._meet(connection, met, self._gateway.clock.now())

    def _meeting(self, said: Said, account_id: int, place: Place) -> Meeting:
        extra, identifier = said.message.extra, self._gateway.ids.new(said.row.received_at)
        country = _text(extra.get("country"), _COUNTRY)
        return Meeting(
            account_id, place, identifier, _text(extra.get("name"), _NAME), _text(extra.get("language"), _LANGUAGE),
            country.upper() if country and len(country) == _COUNTRY else None,
        )  # fmt: skip

    async def _meet(self, connection: Connection, met: Mapping[Any, Meeting], now: datetime) -> None:
        """Only those that were there before are remembered: what is made here may yet be undone."""
        if met:
            cleared = self._met.cleared
            for key in await store.meet(connection, met.values(), INBOUND, now):
                self._met.add(key, cleared)

    async def _link(self, connection: Connection, said: Said, phone: Place) -> None:
        """Makes one person of who wrote and who has the number.

        A number that another user of the same channel has shared stays theirs: numbers change hands, and which of the
        two has it now is not for a machine to say.
        """
        account_id = said.row.account_id
        place = self.places.of(said.channel, person_of(said.row.sender))
        sender, holder = [await store.find(connection, account_id, p) for p in (place, phone)]
        if sender is None or sender == holder:
            return
        if holder is None:
            await store.add(connection, account_id, sender, [phone], SHARED, said.row.received_at)
            return
        found = await store.lock(connection, account_id, sender, holder)
        if any(k.place.scope == place.scope != EVERYWHERE for k in found[holder].addresses):
            log.warning("a number that contact %s has was shared by contact %s; they are not linked", holder, sender)
            return
        kept, other = sorted((sender, holder))
        await self._merge(connection, found[kept], found[other])


def _own_number(said: Said) -> str | None:
    """The sender's number, where a share-phone button brought it."""
    content, extra = said.message.content, said.message.extra
    if not isinstance(content, Card):
        return None
    button = extra.get("button")
    by_button = button.get("known") is True if isinstance(button, dict) else bool(extra.get(BUTTON_TEXT))
    return e164(content.phone) if by_button else None


def _text(value: Any, most: int) -> str | None:
    """A fact of the network as text that can be stored."""
    if not isinstance(value, str):
        return None
    return value.replace("\0", "").encode("utf-8", "replace").decode()[:most].strip() or None


def _refuse(taken: Mapping[Place, UUID]) -> None:
    for place, holder in taken.items():
        raise Taken(place, holder)


def _changed(now: Mapping[str, Attribute], changes: Mapping[str, Attribute | None]) -> dict[str, Attribute]:
    made = {name: value for name, value in {**now, **changes}.items() if value is not None}
    if len(made) > max(MOST_ATTRIBUTES, len(now)):
        raise Refused([Problem("/attributes", f"would make more than {MOST_ATTRIBUTES} attributes", "too_long")])
    return made
