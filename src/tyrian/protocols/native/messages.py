"""Looking at messages: one with its attempts, its history, its exchanges; lists; and taking one back."""

from datetime import timedelta
from typing import Final

import msgspec

from tyrian.domain.address import e164
from tyrian.domain.submission import Plan
from tyrian.engine.known import decode_plan
from tyrian.engine.ports import Exchange
from tyrian.protocols.native.answers import (
    AttemptAnswer,
    EventAnswer,
    EventList,
    ExchangeAnswer,
    ExchangeList,
    LinkAnswer,
    LinkList,
    MessageAnswer,
    MessageList,
    MessageSummary,
)
from tyrian.protocols.native.errors import ApiError, not_found
from tyrian.protocols.native.operation import Call, Reply
from tyrian.protocols.native.pages import cursor_of, uuid_before
from tyrian.protocols.native.times import maybe, stamp
from tyrian.store import reading

_decode_exchange: Final = msgspec.json.Decoder(Exchange).decode
_decode_variables: Final = msgspec.json.Decoder(dict[str, str]).decode
#: A start this much after acceptance was asked for; less is the time that accepting takes.
_LATER: Final = timedelta(seconds=1)


async def get_message(call: Call) -> Reply:
    """One message with its attempts."""
    message_id = call.id("message")
    row = await reading.message(call.gateway.db, call.account_id, message_id)
    if row is None:
        raise unknown(call)
    plan = decode_plan(row["plan"])
    attempts = await reading.attempts(call.gateway.db, message_id)
    tried = _attempts(row, plan, attempts)
    last = [a.channel for a in tried if a.status != "skipped"]
    return Reply(
        MessageAnswer(
            id=row["id"],
            bulk_id=row["bulk_id"],
            to=row["recipient"],
            status=row["status"],
            reason=row["reason"],
            purpose=row["purpose"],
            channel=last[-1] if last else None,
            accepted_at=stamp(row["accepted_at"]),
            updated_at=stamp(row["updated_at"]),
            due_at=stamp(row["due_at"]),
            valid_until=stamp(row["valid_until"]),
            attempts=tried,
            cascade=list(plan.cascade),
            variables=_decode_variables(row["variables"]) if row["variables"] else None,
            data=plan.callback.data if plan.callback else None,
            platform=plan.platform,
        )
    )


def _attempts(row: reading.Row, plan: Plan, stored: list[reading.Row]) -> list[AttemptAnswer]:
    """The attempts: those written down, the one that is out for sending now, and the steps that were passed over."""
    attempts = [_attempt(a) for a in stored]
    if row["leased_until"] is not None and all(a["id"] != row["send_attempt"] for a in stored):
        attempts.append(_under_way(row))
    reached = {a.step for a in attempts}
    given_up = row["status"] == "failed" and row["reason"] == "channel_removed"
    end = len(plan.cascade) if given_up else max(reached, default=0)
    attempts += [_skipped(plan, n, row["recipient"]) for n in range(end) if n not in reached]
    return sorted(attempts, key=lambda a: a.step)


def _attempt(row: reading.Row) -> AttemptAnswer:
    return AttemptAnswer(
        id=row["id"],
        step=row["step"],
        channel=row["channel"],
        to=row["recipient"],
        status=row["status"],
        reason=row["reason"],
        tries=row["tries"],
        started_at=maybe(row["started_at"]),
        sent_at=maybe(row["sent_at"]),
        delivered_at=maybe(row["delivered_at"]),
        seen_at=maybe(row["seen_at"]),
        provider_ref=row["provider_ref"],
    )


def _under_way(row: reading.Row) -> AttemptAnswer:
    return AttemptAnswer(
        id=row["send_attempt"],
        step=row["send_step"],
        channel=row["send_channel"],
        to=row["send_recipient"],
        status="sending",
        reason=None,
        tries=row["send_tries"],
        started_at=maybe(row["send_started"]),
        sent_at=None,
        delivered_at=None,
        seen_at=None,
        provider_ref=None,
    )


def _skipped(plan: Plan, number: int, recipient: str) -> AttemptAnswer:
    step = plan.cascade[number]
    return AttemptAnswer(
        id=None,
        step=number,
        channel=step.channel,
        to=step.to or recipient,
        status="skipped",
        reason="channel_removed",
        tries=0,
        started_at=None,
        sent_at=None,
        delivered_at=None,
        seen_at=None,
        provider_ref=None,
    )


async def get_events(call: Call) -> Reply:
    """A message's history. Its beginning is told by the message itself."""
    message_id = call.id("message")
    row = await reading.message(call.gateway.db, call.account_id, message_id)
    if row is None:
        raise unknown(call)
    events = [_event(e) for e in await reading.events(call.gateway.db, message_id)]
    return Reply(EventList(events=[*_beginning(row), *events]))


def _beginning(row: reading.Row) -> list[EventAnswer]:
    at = stamp(row["accepted_at"])
    begun = [EventAnswer(at=at, type="accepted", reason=None, attempt_id=None, channel=None, detail=None)]
    schedule = decode_plan(row["plan"]).schedule
    timed = schedule is not None and (schedule.send_at is not None or schedule.window is not None)
    if timed and row["due_at"] - row["accepted_at"] > _LATER:
        due = {"due_at": stamp(row["due_at"])}
        begun.append(EventAnswer(at=at, type="scheduled", reason=None, attempt_id=None, channel=None, detail=due))
    return begun


def _event(row: reading.Row) -> EventAnswer:
    return EventAnswer(
        at=stamp(row["at"]),
        type=row["type"],
        reason=row["reason"],
        attempt_id=row["attempt_id"],
        channel=row["channel"],
        detail=msgspec.json.decode(row["detail"]) if row["detail"] else None,
    )


async def get_exchanges(call: Call) -> Reply:
    """What was said about a message to networks and to the customer's endpoint."""
    message_id = call.id("message")
    if not await reading.exists(call.gateway.db, call.account_id, message_id):
        raise unknown(call)
    rows = await reading.exchanges(call.gateway.db, message_id)
    return Reply(ExchangeList(exchanges=[_exchange(row) for row in rows]))


def _exchange(row: reading.Row) -> ExchangeAnswer:
    said = _decode_exchange(row["exchange"])
    return ExchangeAnswer(
        at=stamp(row["at"]),
        event=row["type"],
        attempt_id=row["attempt_id"],
        channel=row["channel"],
        url=said.url,
        request=said.request,
        response=said.response,
        status=said.status,
        milliseconds=said.ms,
        error=said.error,
    )


async def get_links(call: Call) -> Reply:
    """A message's tracked links with their clicks."""
    message_id = call.id("message")
    if not await reading.exists(call.gateway.db, call.account_id, message_id):
        raise unknown(call)
    rows = await reading.links(call.gateway.db, message_id)
    return Reply(LinkList(links=[_link(call, row) for row in rows]))


def _link(call: Call, row: reading.Row) -> LinkAnswer:
    return LinkAnswer(
        url=row["url"],
        short_url=call.gateway.links.url_of(row["code"]),
        button_id=row["button_id"],
        channel=row["channel"],
        attempt_id=row["attempt_id"],
        clicks=row["clicks"],
        first_click_at=maybe(row["first_at"]),
        last_click_at=maybe(row["last_at"]),
        created_at=stamp(row["created_at"]),
    )


async def list_messages(call: Call) -> Reply:
    """A page of messages."""
    query = call.query
    want = reading.MessageQuery(
        status=query.status,
        reason=query.reason,
        recipients=spellings(query.to),
        channel=query.channel,
        purpose=query.purpose.value if query.purpose else None,
        bulk_id=query.bulk_id,
        since=query.since,
        until=query.until,
    )
    if query.bulk_id is not None:
        want.alone = await reading.bulk_plan(call.gateway.db, call.account_id, query.bulk_id) is None
    before = uuid_before(query.cursor)
    page = await reading.messages(call.gateway.db, call.account_id, want, before, query.limit)
    return Reply(MessageList(messages=[_summary(row) for row in page.rows], next=cursor_of(page.next)))


def _summary(row: reading.Row) -> MessageSummary:
    return MessageSummary(
        id=row["id"],
        bulk_id=row["bulk_id"],
        to=row["recipient"],
        status=row["status"],
        reason=row["reason"],
        purpose=row["purpose"],
        channel=row["channel"],
        accepted_at=stamp(row["accepted_at"]),
        updated_at=stamp(row["updated_at"]),
    )


async def cancel_message(call: Call) -> Reply:
    """Takes a message back before it is sent."""
    await call.gateway.bulks.cancel_message(call.account_id, call.id("message"))
    return await get_message(call)


def spellings(person: str | None) -> list[str] | None:
    """A person's address as it was written and as numbers are stored. A `+` in a URL often arrives as a space."""
    if person is None:
        return None
    number = e164(person.strip())
    return list(dict.fromkeys(filter(None, (person, number))))


def unknown(call: Call) -> ApiError:
    """The error for a message that is not there."""
    return not_found(f"There is no message with the id {call.path['id'][:64]} in this account.")
