"""Scheduled bulks: when they begin, and pausing, resuming and cancelling them.

The vendor publishes this for SMS only (OpenAPI 3.210.0, product sms); the same paths under `/viber/1` and
`/viber-bot/1` do the same.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from tyrian.domain.schedule import Schedule
from tyrian.engine.bulks import Conflict, NotFound, Progress
from tyrian.protocols.infobip import wire
from tyrian.protocols.infobip.checks import TOO_FAR, aware
from tyrian.protocols.infobip.errors import ApiError, invalid
from tyrian.protocols.infobip.operation import Call, Reply
from tyrian.protocols.infobip.times import stamp
from tyrian.store import reading

BulkStatus = Literal["PENDING", "PAUSED", "PROCESSING", "CANCELED", "FINISHED", "FAILED"]
NO_BULK: Final = "Bulk not found"


class BulkQuery(Struct, rename="camel"):
    """The bulk that is meant: the customer's own id, or ours."""

    bulk_id: Annotated[str, Meta(min_length=1)] | None = None


class BulkStart(Struct, kw_only=True, rename="camel"):
    """When a bulk is to begin."""

    send_at: datetime


class BulkStartAnswer(Struct, kw_only=True, rename="camel"):
    """When a bulk begins."""

    bulk_id: str
    send_at: str


class BulkStatusChange(Struct, kw_only=True):
    """What is to become of a bulk."""

    status: BulkStatus


class BulkStatusAnswer(Struct, kw_only=True, rename="camel"):
    """Where a bulk stands."""

    bulk_id: str
    status: BulkStatus


async def read_start(call: Call) -> Reply:
    """When a bulk begins."""
    progress = await _progress(call)
    return Reply(BulkStartAnswer(bulk_id=call.query.bulk_id, send_at=stamp(_start(progress))))


async def change_start(call: Call) -> Reply:
    """Gives a bulk another start; one in the past is now."""
    progress, body, now = await _progress(call), call.body, call.gateway.clock.now()
    start = aware(body.send_at)
    if start > now + timedelta(days=wire.MAX_DAYS_AHEAD):
        raise invalid(("sendAt", TOO_FAR))
    _refuse_ended(progress)
    start = max(start, now)
    schedule = msgspec.structs.replace(progress.schedule or Schedule(), send_at=start)
    await _steered(call.gateway.bulks.reschedule(call.account_id, progress.id, schedule))
    return Reply(BulkStartAnswer(bulk_id=call.query.bulk_id, send_at=stamp(start)))


async def read_status(call: Call) -> Reply:
    """Where a bulk stands."""
    progress = await _progress(call)
    return Reply(BulkStatusAnswer(bulk_id=call.query.bulk_id, status=_status(progress, call.gateway.clock.now())))


async def change_status(call: Call) -> Reply:
    """Pauses, resumes or cancels a bulk."""
    progress, wanted = await _progress(call), call.body.status
    bulks, account_id = call.gateway.bulks, call.account_id
    if wanted in ("FINISHED", "FAILED"):
        raise invalid(("status", "invalid value"))
    if wanted == "CANCELED":
        if progress.state == "finished":
            _refuse_ended(progress)
        await _steered(bulks.cancel(account_id, progress.id))
    else:
        _refuse_ended(progress)
        change = bulks.pause if wanted == "PAUSED" else bulks.resume
        await _steered(change(account_id, progress.id))
    after = await bulks.progress(account_id, progress.id)
    return Reply(BulkStatusAnswer(bulk_id=call.query.bulk_id, status=_status(after, call.gateway.clock.now())))


async def _progress(call: Call) -> Progress:
    name = call.query.bulk_id
    if name is None:
        raise invalid(("bulkId", "must not be null"))
    bulk_id = await find(call, name)
    if bulk_id is None:
        raise ApiError(404, text=NO_BULK)
    try:
        return await call.gateway.bulks.progress(call.account_id, bulk_id)
    except NotFound:
        raise ApiError(404, text=NO_BULK) from None


async def find(call: Call, name: str) -> UUID | None:
    """A bulk by the customer's id, or by ours."""
    found = await reading.bulk_by_name(call.gateway.db, call.account_id, name)
    return found or uuid_of(name)


def uuid_of(text: str) -> UUID | None:
    """A UUID, or None for text that is none."""
    try:
        return UUID(text) if len(text) in (32, 36) else None
    except ValueError:
        return None


def _start(progress: Progress) -> datetime:
    schedule = progress.schedule
    return schedule.send_at if schedule is not None and schedule.send_at is not None else progress.created_at


def _status(progress: Progress, now: datetime) -> BulkStatus:
    if progress.state == "paused":
        return "PAUSED"
    if progress.state == "cancelled":
        return "CANCELED"
    if progress.state == "finished":
        failed = sum(progress.counts.get(status, 0) for status in ("failed", "expired"))
        return "FAILED" if progress.total and failed == progress.total else "FINISHED"
    return "PENDING" if progress.released == 0 and _start(progress) > now else "PROCESSING"


def _refuse_ended(progress: Progress) -> None:
    if progress.state in ("finished", "cancelled"):
        words = {"finished": "Bulk is already finished", "cancelled": "Bulk is already canceled"}[progress.state]
        raise ApiError(400, text=words, description=words)


async def _steered(change: Any) -> None:
    try:
        await change
    except Conflict as error:
        raise ApiError(400, text=str(error), description=str(error)) from None
