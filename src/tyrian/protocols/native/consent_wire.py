"""What is asked of and answered about consent, suppressions and policies. A policy is the engine's own struct."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tyrian.domain.consent import Policy
from tyrian.domain.purpose import Purpose
from tyrian.protocols.native.answers import Time
from tyrian.protocols.native.people_wire import AddressRequest, AddressText
from tyrian.protocols.native.wire import Page

MOST_RECORDS = 1000
MOST_SUPPRESSIONS = 100_000

OnChannel = Annotated[str, Meta(min_length=1, max_length=64, description="The channel it is for; all, if not said.")]
ForPurpose = Annotated[Purpose, Meta(description="The purpose it is for; all, if not said.")]
Moment = Annotated[datetime, Meta(tz=True)]
Evidence = Annotated[str, Meta(max_length=2000, description="What proves it: a form, a page, the person's own words.")]
Standing = Literal["opted_in", "opted_out", "unknown"]
Source = Literal["api", "import", "keyword", "inbound", "subscribed", "unsubscribed"]


class ConsentRecord(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one person agreed to, or took back. The person is a contact, or whoever has an address."""

    granted: bool
    contact_id: UUID | None = None
    to: AddressRequest | None = None
    channel: OnChannel | None = None
    purpose: ForPurpose | None = None
    source: Literal["api", "import"] = "api"
    evidence: Evidence | None = None
    at: Moment | None = None


class ConsentRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """Consents to record, all or none."""

    records: Annotated[list[ConsentRecord], Meta(min_length=1, max_length=MOST_RECORDS)]


class RecordedAnswer(Struct, kw_only=True):
    """The contacts that the records are about, in order."""

    contacts: list[UUID]


class ConsentAnswer(Struct, kw_only=True):
    """One record. `channel` and `purpose` are null where it is for all."""

    id: UUID
    granted: bool
    channel: str | None
    purpose: Purpose | None
    source: Source
    evidence: str | None
    at: Time


class BlockAnswer(Struct, kw_only=True):
    """What the network answered to a message to this address: a reason word, and when that was sent."""

    address: str
    reason: str
    since: Time
    message_id: UUID


class StandingAnswer(Struct, kw_only=True):
    """Where a person stands on a channel: the network's last news, its answer to a send, what counts for each purpose.

    With `blocked`, the network refused the last message because of the person, and nothing was heard of them since.
    """

    channel: str
    network: Literal["subscribed", "unsubscribed"] | None
    blocked: BlockAnswer | None
    purposes: dict[str, Standing]


class ConsentHistory(Struct, kw_only=True):
    """What a person agreed to and took back, newest first, and where that leaves them."""

    standing: list[StandingAnswer]
    records: list[ConsentAnswer]


class CheckRequest(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A message that might be sent."""

    to: AddressText
    channel: Annotated[str, Meta(min_length=1, max_length=64)]
    purpose: Purpose = Purpose.TRANSACTIONAL
    at: Moment | None = None


class CheckAnswer(Struct, kw_only=True):
    """Whether it would go out. `reason` is a reason word, `rule` says it in words; with `until` it would only wait."""

    allowed: bool
    reason: str | None
    rule: str | None
    until: Time | None


class PolicyAnswer(Struct, kw_only=True):
    """The account's policy, and since when; null where it never had one."""

    policy: Policy
    updated_at: Time | None


class SuppressionEntry(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An address that is not to be written to; or a contact, by whatever address, also one that is added later."""

    address: AddressText | None = None
    contact_id: UUID | None = None
    channel: OnChannel | None = None
    purpose: ForPurpose | None = None
    reason: Annotated[str, Meta(max_length=500, description="Why. It is shown where a message is refused.")] = ""
    until: Annotated[datetime, Meta(tz=True, description="When it ends; never, if not said.")] | None = None


class SuppressionRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """Addresses and contacts to put on the list, all or none."""

    suppressions: Annotated[list[SuppressionEntry], Meta(min_length=1, max_length=MOST_SUPPRESSIONS)]


class SuppressedAnswer(Struct, kw_only=True):
    """How many entries there are now of those that were sent; the same address or contact twice is one."""

    count: int


class SuppressionAnswer(Struct, kw_only=True):
    """An entry of the list. `channel` and `purpose` are null where it is for all.

    It is of an address, or of a contact, with its name. `lifted_by` is of what remains of a person who was erased: by
    an opt-in that is recorded later (`consent`), or by a message of theirs as well (`writing`).
    """

    id: UUID
    address: str | None
    contact_id: UUID | None
    name: str | None
    channel: str | None
    purpose: Purpose | None
    reason: str
    until: Time | None
    created_at: Time
    lifted_by: Literal["consent", "writing"] | None


class SuppressionList(Struct, kw_only=True):
    """A page of the list."""

    suppressions: list[SuppressionAnswer]
    next: Annotated[str | None, Meta(description="The `cursor` of the next page; `null` on the last.")]


class SuppressionFilter(Page, kw_only=True, forbid_unknown_fields=True):
    """Which entries to list, newest first."""

    address: (
        Annotated[str, Meta(max_length=64, description="Only entries of this address, and of whoever has it.")] | None
    ) = None
    contact_id: Annotated[UUID, Meta(description="Only entries of this contact, and of its addresses.")] | None = None
