"""The logs of outbound messages of the last 48 hours, which can be read as often as wanted.

Shown are the account's messages that began on the product's network, whichever face took them.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from tyrian.domain.address import e164
from tyrian.engine.known import decode_plan
from tyrian.protocols.infobip import statuses, wire
from tyrian.protocols.infobip.bulks import uuid_of
from tyrian.protocols.infobip.checks import aware
from tyrian.protocols.infobip.errors import invalid
from tyrian.protocols.infobip.facts import Facts, Product, unpack
from tyrian.protocols.infobip.operation import Call, Handler, Reply
from tyrian.protocols.infobip.outgoing import to_bot, to_business
from tyrian.protocols.infobip.reports import FREE
from tyrian.protocols.infobip.times import stamp, stamp_or_none
from tyrian.protocols.infobip.violations import INVALID
from tyrian.store import journal, reading

#: How far back logs go.
KEPT: Final = timedelta(hours=48)
#: Characters of all ids that one request may ask for.
MAX_IDS: Final = 2048
#: Rows read at a time, and looked at for one answer at most: a filter that finds little ends with a cursor.
_CHUNK: Final = 500
_WINDOW: Final = 20_000
_ENDED: Final = frozenset({"delivered", "seen", "failed", "expired", "cancelled"})


class LogsQuery(Struct, rename="camel"):
    """Which messages to show."""

    sender: str | None = None
    destination: str | None = None
    bulk_id: list[str] | None = None
    message_id: list[str] | None = None
    campaign_reference_id: list[str] | None = None
    general_status: Literal["ACCEPTED", "PENDING", "UNDELIVERABLE", "DELIVERED", "EXPIRED", "REJECTED"] | None = None
    sent_since: datetime | None = None
    sent_until: datetime | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50
    entity_id: str | None = None
    application_id: str | None = None
    use_cursor: bool | None = None
    cursor: str | None = None


@dataclass(slots=True)
class _Entry:
    """One message, read."""

    row: reading.Row
    plan: Any
    facts: Facts
    status: wire.Status


def search(product: Product) -> Handler:
    """The operation that shows a product's messages."""

    async def logs(call: Call) -> Reply:
        query: LogsQuery = call.query
        span = await _span(call, query)
        before = _position(query.cursor) if query.use_cursor else None
        found: list[_Entry] = []
        more = before
        if span is not None:
            found, more = await _look(call, product, query, span, before)
        cursor = None
        if query.use_cursor:
            cursor = wire.Cursor(limit=query.limit, next_cursor=_cursor(more) if more is not None else None)
        return Reply(wire.Logs(results=[_log(product, entry) for entry in found], cursor=cursor))

    return logs


# -- Looking ----------------------------------------------------------------------------------------------------------


async def _look(
    call: Call, product: Product, query: LogsQuery, span: journal.Span, before: UUID | None
) -> tuple[list[_Entry], UUID | None]:
    """The entries asked for, and where to go on if there may be more."""
    found: list[_Entry] = []
    looked = 0
    while looked < _WINDOW:
        rows = await journal.page(call.gateway.db, call.account_id, span, before, _CHUNK)
        for row in rows:
            before = row["id"]
            entry = _entry(row)
            if _is_of(call, product, entry) and _matches(entry, query):
                found.append(entry)
                if len(found) == query.limit:
                    return found, before
        looked += len(rows)
        if len(rows) < _CHUNK:
            return found, None
    return found, before


async def _span(call: Call, query: LogsQuery) -> journal.Span | None:
    """What the database can tell apart; None if nothing can be meant."""
    ids, bulks = query.message_id, query.bulk_id
    if sum(map(len, [*(ids or ()), *(bulks or ())])) > MAX_IDS:
        raise invalid(("messageId" if ids else "bulkId", f"size must be between 0 and {MAX_IDS}"))
    now = call.gateway.clock.now()
    since = max(aware(query.sent_since), now - KEPT) if query.sent_since is not None else now - KEPT
    until = min(aware(query.sent_until), now) if query.sent_until is not None else None
    if until is not None and until < since:
        return None
    # An end is included: ids hold milliseconds.
    span = journal.Span(since=since, until=until + timedelta(milliseconds=1) if until is not None else None)
    if query.destination is not None:
        span.recipients = list({query.destination, e164(query.destination) or query.destination})
    if ids:
        span.ids = await _messages(call, ids)
    if bulks:
        span.bulk_ids = await _bulks(call, bulks)
    return span


async def _messages(call: Call, names: Sequence[str]) -> list[UUID]:
    known = await reading.ids_by_name(call.gateway.db, call.account_id, names)
    found = [known.get(name) or uuid_of(name) for name in names]
    return [identifier for identifier in found if identifier is not None]


async def _bulks(call: Call, names: Sequence[str]) -> list[UUID]:
    found = []
    for name in dict.fromkeys(names):
        bulk_id = await reading.bulk_by_name(call.gateway.db, call.account_id, name) or uuid_of(name)
        if bulk_id is not None:
            found.append(bulk_id)
    return found


def _entry(row: reading.Row) -> _Entry:
    plan = decode_plan(row["plan"])
    facts = unpack(plan.extra) if plan.face == "infobip" else Facts(product="")
    return _Entry(row, plan, facts, statuses.status_of(row["status"], row["reason"]))


def _is_of(call: Call, product: Product, entry: _Entry) -> bool:
    if entry.facts.product:
        return entry.facts.product == product.value
    channel = call.gateway.channels.get(call.account_id, entry.plan.cascade[0].channel)
    if channel is None or channel.network != product.network:
        return False
    entry.facts.sender = channel.sender or channel.channel.name
    return True


def _matches(entry: _Entry, query: LogsQuery) -> bool:
    platform = entry.plan.platform
    asked = (
        (query.sender, entry.facts.sender),
        (query.entity_id, platform.entity_id if platform is not None else None),
        (query.application_id, platform.application_id if platform is not None else None),
    )
    if any(wish is not None and wish != fact for wish, fact in asked):
        return False
    if query.campaign_reference_id and entry.facts.campaign not in query.campaign_reference_id:
        return False
    return query.general_status is None or _is_general(entry.status, query.general_status)


def _is_general(status: wire.Status, wanted: str) -> bool:
    """`ACCEPTED` has no group of its own: it is what waits to be sent."""
    return status is statuses.ACCEPTED if wanted == "ACCEPTED" else status.group_name == wanted


# -- Showing ----------------------------------------------------------------------------------------------------------


def _log(product: Product, entry: _Entry) -> wire.Log:
    row, platform = entry.row, entry.plan.platform
    return wire.Log(
        sender=entry.facts.sender,
        destination=row["recipient"].removeprefix("+"),
        bulk_id=row["bulk_name"] or str(row["bulk_id"] or row["id"]),
        message_id=row["name"] or str(row["id"]),
        sent_at=stamp(row["sent_at"] or row["due_at"]),
        done_at=stamp_or_none(row["delivered_at"] or row["updated_at"] if row["status"] in _ENDED else None),
        message_count=1,
        price=FREE,
        status=entry.status,
        error=statuses.error_of(row["status"], row["reason"]),
        platform=wire.Platform(entity_id=platform.entity_id, application_id=platform.application_id)
        if platform is not None
        else None,
        content=_content(product, entry),
        campaign_reference_id=entry.facts.campaign,
    )


def _content(product: Product, entry: _Entry) -> Any:
    """The content as it was sent; of another face's message, as it would have been sent here."""
    if entry.facts.content is not None:
        return entry.facts.content
    content = entry.plan.cascade[0].content
    made = to_bot(content) if product is Product.BOT else to_business(content)
    return msgspec.to_builtins(made) if made is not None else None


# -- Cursors ----------------------------------------------------------------------------------------------------------


def _cursor(position: UUID) -> str:
    return base64.urlsafe_b64encode(position.bytes).decode().rstrip("=")


def _position(cursor: str | None) -> UUID | None:
    if not cursor:
        return None
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=="))
    except (binascii.Error, ValueError):
        raise invalid(("cursor", INVALID)) from None
