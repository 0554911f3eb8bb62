"""What people sent."""

from typing import Any

import msgspec

from tyrian.protocols.native.answers import InboundAnswer, InboundList
from tyrian.protocols.native.messages import spellings
from tyrian.protocols.native.operation import Call, Reply
from tyrian.protocols.native.pages import cursor_of, uuid_before
from tyrian.protocols.native.times import stamp
from tyrian.store import reading


async def list_inbound(call: Call) -> Reply:
    """A page of inbound messages."""
    query = call.query
    page = await reading.inbound(
        call.gateway.db,
        call.account_id,
        query.channel,
        spellings(query.sender),
        (query.since, query.until),
        uuid_before(query.cursor),
        query.limit,
    )
    return Reply(InboundList(messages=[_answer(row) for row in page.rows], next=cursor_of(page.next)))


def _answer(row: reading.Row) -> InboundAnswer:
    return InboundAnswer(
        id=row["id"],
        channel=row["channel"],
        sender=row["sender"],
        to=row["recipient"],
        received_at=stamp(row["received_at"]),
        content=_json(row["content"]),
        extra=_json(row["extra"]),
    )


def _json(raw: bytes | None) -> Any:
    return msgspec.json.decode(raw) if raw else None
