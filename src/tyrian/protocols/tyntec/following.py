"""What became of a message: the stored message, its status, and its history in both of tyntec's forms."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from tyrian.domain.lifecycle import OUTCOMES, Status
from tyrian.domain.submission import Plan
from tyrian.engine.known import decode_plan
from tyrian.protocols.tyntec import content as contents, errors, limits, statuses, wire
from tyrian.protocols.tyntec.accounts import WORDS, sender_of
from tyrian.protocols.tyntec.guard import READ
from tyrian.protocols.tyntec.operation import Call, Operation, Reply
from tyrian.protocols.tyntec.times import millis
from tyrian.protocols.tyntec.wire import V2, V2_EARLIER, V3
from tyrian.store import reading

TAG: Final = "Following messages"
#: How long a message can be read after its final status, and its status and history after it was accepted.
MESSAGE_KEPT: Final = timedelta(hours=48)
HISTORY_KEPT: Final = timedelta(days=90)

_ID: Final = "8fb360a1-f58c-4af1-932b-8f6651603cd4"
_FAILED: Final = frozenset({Status.FAILED, Status.EXPIRED, Status.UNCERTAIN})


class Followed:
    """A message with what it went through. Raises `ApiError` (404) when made for one that is not there any more."""

    def __init__(self, call: Call, row: reading.Row, attempts: list[reading.Row]) -> None:
        self._call = call
        self.row = row
        self.attempts = attempts
        self.plan: Plan = decode_plan(row["plan"])
        self.id = str(row["id"])

    @property
    def extra(self) -> dict[str, Any]:
        """What the request said, if it came through this dialect."""
        return (self.plan.extra or {}) if self.plan.face == "tyntec" else {}

    def channel(self, name: str | None) -> str | None:
        """tyntec's word for a channel of the account."""
        entry = self._call.gateway.channels.get(self._call.account_id, name) if name else None
        return (WORDS.get(entry.network) or entry.network or entry.channel.kind) if entry else None

    def sender(self, name: str) -> str:
        """The sender's id of a channel of the account."""
        entry = self._call.gateway.channels.get(self._call.account_id, name)
        return sender_of(entry) if entry else name

    @property
    def delivery_channel(self) -> str | None:
        """The channel that delivered the message, or was tried last; None until one was chosen."""
        reached = [a for a in self.attempts if a["status"] in (Status.DELIVERED, Status.SEEN)]
        tried = reached or self.attempts
        name = self.row["send_channel"] if self.row["leased_until"] is not None else None
        return self.channel(name or (tried[-1]["channel"] if tried else None))

    @property
    def person(self) -> str:
        """The recipient's number, in digits."""
        return str(self.row["recipient"]).removeprefix("+")

    @property
    def ended_at(self) -> datetime | None:
        """When the message came to its end."""
        return self.row["updated_at"] if self.row["status"] in OUTCOMES else None


async def followed(call: Call) -> Followed:
    """The message that a path names. Raises `ApiError` (404)."""
    try:
        message_id = UUID(call.path["messageId"])
    except ValueError:
        raise _missing(call) from None
    row = await reading.message(call.gateway.db, call.account_id, message_id)
    if row is None or call.gateway.clock.now() - row["accepted_at"] > HISTORY_KEPT:
        raise _missing(call)
    return Followed(call, row, await reading.attempts(call.gateway.db, message_id))


def _missing(call: Call) -> errors.ApiError:
    return errors.bare_not_found() if call.path.get("version") == "2" else errors.not_found()


# -- Status -----------------------------------------------------------------------------------------------------------


async def status(call: Call) -> Reply:
    """Where a message stands."""
    message = await followed(call)
    row = message.row
    return Reply(
        wire.StatusAnswer(
            message_id=message.id,
            delivery_channel=message.delivery_channel,
            status=statuses.status_of(row["status"], row["reason"]),
            timestamp=millis(_changed(message)),
        )
    )


def _changed(message: Followed) -> datetime:
    """When the message came to its status."""
    times = {Status.DELIVERED: "delivered_at", Status.SEEN: "seen_at"}
    column = times.get(message.row["status"])
    found = [a[column] for a in message.attempts if column and a[column] is not None]
    at: datetime = found[-1] if found else message.row["updated_at"]
    return at


# -- History ----------------------------------------------------------------------------------------------------------


class _Station(msgspec.Struct):
    """One thing that happened: the name of its state and of its event, if it has them."""

    at: datetime
    state: str | None
    event: str | None
    channel: str | None = None
    code: tuple[str, str] | None = None
    person: str | None = None


def stations(message: Followed) -> list[_Station]:
    """What happened to a message, oldest first."""
    row = message.row
    first = message.channel(message.plan.cascade[0].channel)
    found = [_Station(row["accepted_at"], "message-accepted", "accepted", first)]
    for attempt in message.attempts:
        found += _of_attempt(message, attempt)
    tried = {attempt["id"] for attempt in message.attempts}
    if row["leased_until"] is not None and row["send_attempt"] not in tried:
        at = row["send_started"] or row["accepted_at"]
        found.append(_Station(at, "message-routing-success", None, message.channel(row["send_channel"])))
    if row["status"] in (Status.FAILED, Status.EXPIRED, Status.CANCELLED):
        found.append(_end(message))
    return found


def _of_attempt(message: Followed, attempt: reading.Row) -> Iterator[_Station]:
    channel = message.channel(attempt["channel"])
    if attempt["started_at"] is None:
        return
    yield _Station(attempt["started_at"], "message-routing-success", None, channel)
    if attempt["sent_at"] is not None:
        yield _Station(attempt["sent_at"], "message-dispatching-success", "dispatched", channel)
    for name in ("delivered", "seen"):
        if attempt[f"{name}_at"] is not None:
            yield _Station(attempt[f"{name}_at"], f"message-{name}", name, channel, person=message.person)
    if attempt["status"] in _FAILED:
        code = statuses.code_of(attempt["reason"], channel or "viber")
        yield _Station(attempt["updated_at"], "message-dispatching-failed", "channelFailed", channel, code)


def _end(message: Followed) -> _Station:
    row = message.row
    channel = message.delivery_channel
    event = statuses.status_of(row["status"], row["reason"])
    return _Station(row["updated_at"], f"message-{event}", event, channel, final_code(message, channel))


def final_code(message: Followed, channel: str | None) -> tuple[str, str]:
    """Why a message came to nothing: its channel's reason, or that no channel is left where there were several."""
    if len(message.plan.cascade) > 1:
        return statuses.NO_FURTHER_CHANNEL, no_further(channel or "viber")
    return statuses.code_of(message.row["reason"], channel or "viber")


def no_further(channel: str) -> str:
    """The words for a message whose channels are used up."""
    return f"No further channel after Channel[{channel}] available"


def _history(message: Followed) -> list[wire.HistoryEntry]:
    return [
        wire.HistoryEntry(
            delivery_channel=None if station.state == "message-accepted" else station.channel,
            happened_at=millis(station.at),
            state=station.state,
            details=_said(station),
        )
        for station in stations(message)
        if station.state is not None
    ]


def _said(station: _Station) -> dict[str, str] | None:
    if station.person is not None:
        return {"from": station.person}
    return {"code": station.code[0], "message": station.code[1]} if station.code else None


def _events(message: Followed) -> list[wire.EventEntry]:
    return [
        wire.EventEntry(
            millis(station.at),
            statuses.PREFIX + station.event,
            station.channel,
            wire.Details(*station.code) if station.code else None,
        )
        for station in stations(message)
        if station.event is not None
    ]


async def events(call: Call) -> Reply:
    """What happened to a message, as the published page and as the OpenAPI file have it."""
    message = await followed(call)
    return Reply(wire.EventsAnswer(message.id, _history(message), _events(message)))


async def history(call: Call) -> Reply:
    """What happened to a message, as 2.x has it."""
    message = await followed(call)
    return Reply(wire.HistoryAnswer(message.id, _history(message)))


# -- The message itself -----------------------------------------------------------------------------------------------


async def stored(call: Call) -> Reply:
    """A message as it was accepted, for as long as it is kept."""
    message = await followed(call)
    ended = message.ended_at
    if ended is not None and call.gateway.clock.now() - ended > MESSAGE_KEPT:
        raise _missing(call)
    return Reply(_stored(message, legacy=call.path.get("version") == "2"))


def _stored(message: Followed, *, legacy: bool) -> wire.StoredMessage:
    extra = message.extra
    made = wire.StoredMessage(
        to=extra.get("to") or message.person, id=message.id, message_id=message.id if legacy else None
    )
    for step in message.plan.cascade:
        channel = message.channel(step.channel) or step.channel
        made.channels.append(channel)
        sender = extra.get("senders", {}).get(channel) or extra.get("from") or message.sender(step.channel)
        if channel == "sms":
            made.sms = wire.StoredSms(sender, "text", getattr(step.content, "text", None) or "")
        elif channel == "viber":
            made.viber = _stored_viber(message, step.content, sender)
    if "context" in extra:
        made.context = wire.LegacyContext(extra["context"])
    if "overrides" in extra:
        made.overrides = msgspec.convert(extra["overrides"], wire.Overrides)
    return made


def _stored_viber(message: Followed, content: Any, sender: str) -> wire.StoredViber:
    rate = message.extra.get("rate") or limits.RATE_OF[message.plan.purpose]
    try:
        parts, kind = contents.stored_parts(content), contents.type_of(content, message.extra.get("contentType"))
    except ValueError:
        # A content that came through another dialect, and that tyntec has no words for.
        kind = str(content.__struct_config__.tag)
        parts = [{"type": kind, kind: msgspec.to_builtins(content)}]
    return wire.StoredViber(sender, parts, rate, kind)


_HISTORY: Final[dict[str, Any]] = {
    "messageId": _ID,
    "history": [
        {"happendAt": "2026-03-01T09:00:29.606Z", "state": "message-accepted"},
        {"deliveryChannel": "viber", "happendAt": "2026-03-01T09:00:29.644Z", "state": "message-routing-success"},
        {"deliveryChannel": "viber", "happendAt": "2026-03-01T09:00:29.781Z", "state": "message-dispatching-success"},
    ],
}
_STATUS: Final = {
    "messageId": _ID,
    "deliveryChannel": "viber",
    "status": "delivered",
    "timestamp": "2026-03-01T09:00:30.704Z",
}
_STORED: Final[dict[str, Any]] = {
    "to": "385991234501",
    "id": _ID,
    "channels": ["viber"],
    "viber": {
        "from": "1001",
        "components": [{"type": "text", "text": "Your order is on its way"}],
        "messagePurpose": "transaction",
        "contentType": "text",
    },
}


def _reading(name: str, path: str, handler: Any, summary: str, answer: Any, answered: Any, *also: str) -> Operation:
    return Operation(
        name=name,
        method="GET",
        path=path,
        also=also,
        handler=handler,
        scope=READ,
        tag=TAG,
        summary=summary,
        answer=answer,
        answered=answered,
        errors=(404,),
    )


_OF_V2: Final = "/messages/{messageId}"
OPERATIONS: Final = (
    _reading("getMessage", f"{V3}/messages/{{messageId}}", stored, "A stored message", wire.StoredMessage, _STORED),
    _reading(
        "getStatus",
        f"{V3}/messages/{{messageId}}/status",
        status,
        "A message's status",
        wire.StatusAnswer,
        _STATUS,
        f"{V3}/{{messageId}}/status",
    ),
    _reading(
        "getEvents",
        f"{V3}/messages/{{messageId}}/events",
        events,
        "What happened to a message",
        wire.EventsAnswer,
        {**_HISTORY, "events": [{"timestamp": "2026-03-01T09:00:29.606Z", "event": "MessageStatus::accepted"}]},
        f"{V3}/{{messageId}}/events",
        # As the published page prints it, without the slash.
        f"{V3}{{messageId}}/events",
    ),
    _reading(
        "getMessageV2",
        f"{V2}{_OF_V2}",
        stored,
        "A stored message, 2.x",
        wire.StoredMessage,
        {**_STORED, "messageId": _ID},
        f"{V2_EARLIER}{_OF_V2}",
    ),
    _reading(
        "getStatusV2",
        f"{V2}{_OF_V2}/status",
        status,
        "A message's status, 2.x",
        wire.StatusAnswer,
        _STATUS,
        f"{V2_EARLIER}{_OF_V2}/status",
    ),
    _reading(
        "getHistoryV2",
        f"{V2}{_OF_V2}/history",
        history,
        "What happened to a message, 2.x",
        wire.HistoryAnswer,
        _HISTORY,
        f"{V2_EARLIER}{_OF_V2}/history",
    ),
)
