"""What is asked of and answered about contacts."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from tyrian.engine.people import MOST_ATTRIBUTES
from tyrian.protocols.native.answers import Time
from tyrian.protocols.native.wire import Page

Name = Annotated[str, Meta(min_length=1, max_length=200, description="The person's name.")]
Language = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$",
        description="The language to write to the person in (BCP 47), such as `hr` or `pt-BR`.",
    ),
]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$", description="The country, ISO 3166-1 alpha-2.")]
AttributeName = Annotated[str, Meta(min_length=1, max_length=64)]
Value = (
    Annotated[str, Meta(max_length=1000)]
    | Annotated[int, Meta(ge=-(2**53), le=2**53)]
    | Annotated[float, Meta(ge=-1e15, le=1e15)]
    | bool
)
Attributes = Annotated[
    dict[AttributeName, Value],
    Meta(max_length=MOST_ATTRIBUTES, description="Whatever you want to keep of the person, flat."),
]
AttributeChanges = Annotated[
    dict[AttributeName, Value | None],
    Meta(max_length=MOST_ATTRIBUTES, description="Attributes to set; `null` removes one. Those not named stay."),
]
AddressText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        description="A phone number in international form, or what a channel's network calls the person.",
    ),
]
ChannelName = Annotated[
    str,
    Meta(min_length=1, max_length=64, description="The channel whose network calls the person so; not for numbers."),
]


class AddressRequest(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An address. A phone number is the person on every channel; anything else needs its channel."""

    address: AddressText
    channel: ChannelName | None = None


Addresses = Annotated[list[AddressRequest], Meta(max_length=50, description="Every address of this one person.")]


class ContactRequest(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One person."""

    addresses: Addresses = []
    name: Name | None = None
    language: Language | None = None
    country: Country | None = None
    attributes: Attributes = {}


class ContactChange(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is to be different. What is not named stays; `null` removes it."""

    name: Name | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    country: Country | UnsetType | None = UNSET
    attributes: AttributeChanges | UnsetType = UNSET


class MergeRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """The contact that is the same person."""

    contact_id: UUID


class AddressAnswer(Struct, kw_only=True):
    """An address of a contact, and how it came to be known: `api`, `inbound` or `share_phone`."""

    address: str
    channel: str | None
    source: str
    added_at: Time


class ContactAnswer(Struct, kw_only=True):
    """One person, with every address that is known."""

    id: UUID
    name: str | None
    language: str | None
    country: str | None
    attributes: dict[str, str | int | float | bool]
    addresses: list[AddressAnswer]
    created_at: Time
    updated_at: Time


class ContactList(Struct, kw_only=True):
    """A page of contacts."""

    contacts: list[ContactAnswer]
    next: Annotated[str | None, Meta(description="The `cursor` of the next page; `null` on the last.")]


class ContactFilter(Page, kw_only=True, forbid_unknown_fields=True):
    """Which contacts to list, newest first."""

    address: Annotated[str, Meta(max_length=64, description="Only contacts with this address.")] | None = None
    name: Annotated[str, Meta(max_length=200, description="Only contacts with this in their name.")] | None = None
    language: Annotated[str, Meta(max_length=35, description="Only contacts of this language.")] | None = None
    country: Annotated[str, Meta(max_length=2, description="Only contacts of this country.")] | None = None
