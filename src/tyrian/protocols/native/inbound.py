"""What people sent."""

import asyncio
from typing import Any, Literal

import msgspec

from tyrian.protocols.native.answers import InboundAnswer, InboundList, InboundMedia
from tyrian.protocols.native.errors import not_found
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
    answers = await asyncio.gather(*(_answer(call, row) for row in page.rows))
    return Reply(InboundList(messages=answers, next=cursor_of(page.next)))


async def get_inbound(call: Call) -> Reply:
    """One inbound message."""
    identifier = call.id("inbound message")
    row = await reading.inbound_one(call.gateway.db, call.account_id, identifier)
    if row is None:
        raise not_found(f"There is no inbound message with the id {identifier} in this account.")
    return Reply(await _answer(call, row))


async def _answer(call: Call, row: reading.Row) -> InboundAnswer:
    content = _json(row["content"])
    media = await _media(call, row, content)
    return InboundAnswer(
        id=row["id"],
        channel=row["channel"],
        sender=row["sender"],
        to=row["recipient"],
        received_at=stamp(row["received_at"]),
        content=content,
        extra=_json(row["extra"]),
        media=media,
    )


async def _media(call: Call, row: reading.Row, content: Any) -> InboundMedia | None:
    """What is to be said of the message's file. Puts the link that lasts into the content."""
    original, media_id, problem = content.get("url"), row["media_id"], row["media_problem"]
    status: Literal["waiting", "hosted", "failed", "gone"]
    if media_id is not None:
        desk = call.gateway.media
        stored = await desk.get(call.account_id, media_id) if desk is not None else None
        status = "hosted" if stored is not None else "gone"
        if stored is not None:
            content["url"] = stored.url
    elif problem is not None:
        status = "failed"
    elif row["media_waits"]:
        status = "waiting"
    else:
        return None
    return InboundMedia(status=status, id=media_id, original_url=original, problem=problem)


def _json(raw: bytes | None) -> Any:
    return msgspec.json.decode(raw) if raw else None
