"""People: a contact is one person, with every address that is known of them.

A phone number is the same person on every channel. What a network calls a person (a Viber bot's user id) means
somebody on one channel only.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

#: The scope of what holds on every channel; other scopes are numbers of channels.
EVERYWHERE: Final = 0

#: What a contact may hold besides its name: flat, so that it can be shown, searched and put into texts.
Attribute = str | int | float | bool


class Place(Struct, frozen=True, order=True):
    """Where a person is reached: an address as people are known by on a channel, and where it means this person."""

    scope: int
    address: str

    @property
    def is_phone(self) -> bool:
        """Whether the address is a phone number."""
        return self.scope == EVERYWHERE


class Known(Struct, frozen=True, kw_only=True):
    """An address of a contact, how it came to be known, and since when."""

    place: Place
    source: str
    added_at: datetime


class Contact(Struct, frozen=True, kw_only=True):
    """One person."""

    id: UUID
    account_id: int
    name: str | None
    language: str | None
    country: str | None
    attributes: dict[str, Attribute]
    created_at: datetime
    updated_at: datetime
    addresses: tuple[Known, ...] = ()
