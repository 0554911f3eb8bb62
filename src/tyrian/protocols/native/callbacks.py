"""Callbacks that a customer's endpoint has not taken: which, and bringing them again."""

from tyrian.engine.report import decode as decode_report
from tyrian.protocols.native.answers import CallbackAnswer, CallbackList, RedeliveredAnswer
from tyrian.protocols.native.errors import not_found
from tyrian.protocols.native.operation import Call, Reply
from tyrian.protocols.native.pages import cursor_of, number_before
from tyrian.protocols.native.reports import type_of
from tyrian.protocols.native.times import stamp
from tyrian.store import reading


async def list_callbacks(call: Call) -> Reply:
    """A page of callbacks that failed."""
    query = call.query
    parked = None if query.state is None else query.state == "parked"
    before = number_before(query.cursor)
    page = await reading.callbacks(call.gateway.db, call.account_id, parked, query.message_id, before, query.limit)
    return Reply(CallbackList(callbacks=[_answer(row) for row in page.rows], next=cursor_of(page.next)))


def _answer(row: reading.Row) -> CallbackAnswer:
    report = decode_report(row["report"])
    return CallbackAnswer(
        id=row["id"],
        message_id=row["message_id"],
        type=type_of(report),
        url=row["url"],
        state="parked" if row["parked"] else "failing",
        tries=row["tries"],
        reason=row["last_reason"],
        created_at=stamp(row["created_at"]),
        next_try_at=None if row["parked"] else stamp(row["due_at"]),
    )


async def redeliver(call: Call) -> Reply:
    """Brings one callback again, now."""
    number = call.number("callback")
    if not await call.gateway.callbacks.redeliver(call.account_id, number):
        raise not_found(f"There is no callback with the id {number} waiting in this account.")
    return Reply(RedeliveredAnswer(callbacks=1), 202)


async def redeliver_parked(call: Call) -> Reply:
    """Brings all parked callbacks again, now."""
    count = await call.gateway.callbacks.redeliver_all(call.account_id, call.body.since)
    return Reply(RedeliveredAnswer(callbacks=count), 202)
