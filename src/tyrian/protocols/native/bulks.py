"""Bulks: making them, adding to them, steering them, and what became of them."""

import csv
import io
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec

from tyrian.domain.problem import Problem, Refused
from tyrian.engine.bulks import Progress
from tyrian.engine.checking import check_schedule
from tyrian.engine.known import decode_plan
from tyrian.protocols.native.answers import AppendedAnswer, BulkAnswer, BulkList, BulkSummary, RetriedAnswer
from tyrian.protocols.native.body import explain, read
from tyrian.protocols.native.errors import ApiError, BadJson, not_found
from tyrian.protocols.native.operation import Call, Reply
from tyrian.protocols.native.pages import cursor_of, uuid_before
from tyrian.protocols.native.sending import desk_of, refuse_too_many
from tyrian.protocols.native.times import maybe, stamp
from tyrian.protocols.native.wire import AppendRequest, BulkEntry
from tyrian.store import reading

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

NDJSON: Final = "application/x-ndjson"
_OUTCOME_ROWS: Final = 2000
OUTCOME_COLUMNS: Final = (
    "id", "to", "status", "reason", "channel", "accepted_at", "updated_at", "sent_at", "delivered_at", "seen_at",
)  # fmt: skip

_append: Final = msgspec.json.Decoder(AppendRequest)
_line: Final = msgspec.json.Decoder(BulkEntry)


# -- Making -----------------------------------------------------------------------------------------------------------


async def create_bulk(call: Call) -> Reply:
    """Opens a bulk."""
    plan = desk_of(call).bulk(call.body, call.account_id, call.gateway.clock.now())
    bulk_id = await call.gateway.bulks.create(call.account_id, plan, call.body.name)
    return Reply(await _answer(call, bulk_id), 201, {"location": f"/api/v1/bulks/{bulk_id}"})


async def append(call: Call) -> Reply:
    """Adds recipients to an open bulk."""
    bulk_id, request = call.id("bulk"), call.body
    refuse_too_many(len(request.messages), call)
    offset = _offset(call)
    row = await reading.bulk_plan(call.gateway.db, call.account_id, bulk_id)
    if row is None:
        raise _unknown(call)
    recipients = await desk_of(call).recipients(request.messages, decode_plan(row["plan"]), call.account_id)
    total = await call.gateway.bulks.add(call.account_id, bulk_id, recipients, offset)
    return Reply(AppendedAnswer(bulk_id=bulk_id, total=total))


def _offset(call: Call) -> int | None:
    if call.query.offset is not None and call.body.offset is not None:
        raise Refused([Problem("?offset", "is given in the body too; give it in one place")])
    offset: int | None = call.query.offset if call.body.offset is None else call.body.offset
    return offset


def read_append(raw: bytes, media: str) -> AppendRequest:
    """Recipients as one JSON object, or one to a line. Problems count the lines as entries of `messages`, from 0."""
    if media != NDJSON:
        return read(raw, _append)
    found: list[Problem] = []
    entries: list[BulkEntry] = []
    for number, line in enumerate(raw.split(b"\n")):
        if not line.strip():
            continue
        try:
            entries.append(read(line, _line))
        except BadJson as error:
            detail = error.detail.replace("(line 1, ", f"(line {number + 1}, ")
            raise ApiError("malformed-json", detail) from error
        except Refused as refused:
            found += [p._replace(pointer=f"/messages/{len(entries)}{p.pointer}") for p in refused.problems]
            entries.append(BulkEntry(to="-"))
    if found:
        raise Refused(found)
    if not entries:
        raise explain(b'{"messages":[]}', AppendRequest)
    return AppendRequest(messages=entries)


# -- Steering ---------------------------------------------------------------------------------------------------------


async def seal(call: Call) -> Reply:
    """Closes a bulk's list of recipients."""
    await call.gateway.bulks.seal(call.account_id, call.id("bulk"))
    return await get_bulk(call)


async def pause(call: Call) -> Reply:
    """Holds what has not begun."""
    await call.gateway.bulks.pause(call.account_id, call.id("bulk"))
    return await get_bulk(call)


async def resume(call: Call) -> Reply:
    """Goes on after a pause."""
    await call.gateway.bulks.resume(call.account_id, call.id("bulk"))
    return await get_bulk(call)


async def cancel(call: Call) -> Reply:
    """Takes back what has not begun."""
    await call.gateway.bulks.cancel(call.account_id, call.id("bulk"))
    return await get_bulk(call)


async def reschedule(call: Call) -> Reply:
    """Gives what has not begun another schedule."""
    bulk_id, schedule = call.id("bulk"), call.body.schedule
    if schedule is not None:
        found = check_schedule(schedule, call.gateway.clock.now(), "/schedule")
        if found:
            raise Refused(found)
    await call.gateway.bulks.reschedule(call.account_id, bulk_id, schedule)
    return await get_bulk(call)


async def retry(call: Call) -> Reply:
    """Sends what failed or expired once more, as a new bulk."""
    bulk_id, messages = await call.gateway.bulks.retry_failed(call.account_id, call.id("bulk"))
    return Reply(RetriedAnswer(bulk_id=bulk_id, messages=messages), 202, {"location": f"/api/v1/bulks/{bulk_id}"})


# -- Looking ----------------------------------------------------------------------------------------------------------


async def get_bulk(call: Call) -> Reply:
    """A bulk as it stands."""
    return Reply(await _answer(call, call.id("bulk")))


async def _answer(call: Call, bulk_id: UUID) -> BulkAnswer:
    return bulk_answer(await call.gateway.bulks.progress(call.account_id, bulk_id))


def bulk_answer(progress: Progress) -> BulkAnswer:
    """A bulk's progress as the API tells it."""
    return BulkAnswer(
        id=progress.id,
        name=progress.name,
        state=progress.state,
        sealed=progress.sealed,
        total=progress.total,
        released=progress.released,
        counts=progress.counts,
        per_second=progress.per_second,
        done_by=maybe(progress.done_by),
        schedule=progress.schedule,
        created_at=stamp(progress.created_at),
    )


async def list_bulks(call: Call) -> Reply:
    """A page of bulks."""
    query = call.query
    before = uuid_before(query.cursor)
    page = await reading.bulks(call.gateway.db, call.account_id, query.state, before, query.limit)
    return Reply(BulkList(bulks=[_summary(row) for row in page.rows], next=cursor_of(page.next)))


def _summary(row: reading.Row) -> BulkSummary:
    return BulkSummary(
        id=row["id"],
        name=row["name"],
        state=row["state"],
        sealed=row["sealed"],
        total=row["total"],
        released=row["released"],
        created_at=stamp(row["created_at"]),
        updated_at=stamp(row["updated_at"]),
    )


async def outcomes(call: Call) -> Reply:
    """What became of each of a bulk's messages, as CSV."""
    bulk_id = call.id("bulk")
    if await reading.bulk_plan(call.gateway.db, call.account_id, bulk_id) is None:
        raise _unknown(call)
    headers = {"content-disposition": f'attachment; filename="outcomes-{bulk_id}.csv"'}
    return Reply(
        stream=_lines(call.gateway, call.account_id, bulk_id),
        headers=headers,
        content_type="text/csv; charset=utf-8; header=present",
    )


async def _lines(gateway: "Gateway", account_id: int, bulk_id: UUID) -> AsyncIterator[bytes]:
    """The file in pieces: a page of rows is read, written out, and forgotten."""
    yield _csv([OUTCOME_COLUMNS])
    after: UUID | None = None
    while rows := await reading.outcomes(gateway.db, account_id, bulk_id, after, _OUTCOME_ROWS):
        yield _csv([_outcome(row) for row in rows])
        after = rows[-1]["id"]


def _outcome(row: reading.Row) -> tuple[str, ...]:
    times = ("accepted_at", "updated_at", "sent_at", "delivered_at", "seen_at")
    words = ("recipient", "status", "reason", "channel")
    return (str(row["id"]), *(row[w] or "" for w in words), *(maybe(row[t]) or "" for t in times))


def _csv(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _unknown(call: Call) -> ApiError:
    return not_found(f"There is no bulk with the id {call.path['id'][:64]} in this account.")
