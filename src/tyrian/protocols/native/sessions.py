"""The operation on sessions, and what it asks and answers."""

import base64
import binascii
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from tyrian.domain.problem import Problem, Refused
from tyrian.domain.session import SessionState
from tyrian.engine.channels import ChannelEntry
from tyrian.engine.reacting import person_of
from tyrian.protocols.native.answers import Time
from tyrian.protocols.native.operation import Answer, Call, Operation, Reply
from tyrian.protocols.native.times import maybe
from tyrian.protocols.native.wire import Page
from tyrian.store.sessions import Key

_START: Final[Key] = (0, "")
#: Bytes of a channel's number in a cursor.
_NUMBER: Final = 4


class SessionFilter(Page, kw_only=True, forbid_unknown_fields=True):
    """Which sessions to list: one person's on a channel, or all that are open."""

    channel: Annotated[str, Meta(max_length=64, description="Only sessions on this channel.")] | None = None
    person: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=64,
                description="The person's address on `channel`: the answer has their session, open or not.",
            ),
        ]
        | None
    ) = None


class SessionAnswer(Struct, kw_only=True):
    """How things stand between a person and a channel."""

    channel: str
    person: Annotated[str, Meta(description="The address, phone numbers without a plus.")]
    open: Annotated[bool, Meta(description="Whether session content may go out now, as far as time goes.")]
    last_inbound_at: Annotated[Time | None, Meta(description="When the person wrote last; `null` if never.")]
    expires_at: Annotated[Time | None, Meta(description="When the session ends, or ended.")]
    sent: Annotated[int, Meta(description="Session messages in this session.")]
    sent_limit: int
    unanswered: Annotated[int, Meta(description="Session messages since the person wrote last.")]
    unanswered_limit: int
    opted_in: Annotated[bool, Meta(description="The person agreed to be written to, or wrote first.")]


class SessionList(Struct, kw_only=True):
    """A page of sessions."""

    sessions: list[SessionAnswer]
    next: Annotated[str | None, Meta(description="The `cursor` of the next page; `null` on the last.")]


async def list_sessions(call: Call) -> Reply:
    """One person's session, or a page of those that are open."""
    query: SessionFilter = call.query
    entry = _channel(call, query.channel)
    if query.person is not None:
        if entry is None:
            raise Refused([Problem("?channel", "is needed with `person`", "required")])
        return Reply(SessionList(sessions=[await _one(call, entry, query.person)], next=None))
    number = entry.channel.id if entry is not None else None
    found = await call.gateway.sessions.opened(call.account_id, _after(query.cursor), number, query.limit + 1)
    page = found[: query.limit]
    return Reply(
        SessionList(
            sessions=[_answer(_name(call, key[0]), key[1], state) for key, state in page],
            next=_cursor(page[-1][0]) if len(found) > len(page) else None,
        )
    )


def _channel(call: Call, name: str | None) -> ChannelEntry | None:
    if name is None:
        return None
    entry = call.gateway.channels.get(call.account_id, name)
    if entry is None or entry.group is not None:
        raise Refused([Problem("?channel", f'names no channel of this account: "{name}"', "unknown_channel")])
    return entry


async def _one(call: Call, entry: ChannelEntry, person: str) -> SessionAnswer:
    # A plus in a URL often arrives as a space.
    address = entry.kind.address(person.strip(), "?person")
    if isinstance(address, Problem):
        raise Refused([address])
    known = person_of(address)
    state = await call.gateway.sessions.state(call.account_id, entry.channel.id, known)
    return _answer(entry.channel.name, known, state)


def _name(call: Call, channel_id: int) -> str:
    entry = call.gateway.channels.by_id(channel_id)
    return entry.channel.name if entry is not None else ""


def _answer(channel: str, person: str, state: SessionState) -> SessionAnswer:
    return SessionAnswer(
        channel=channel,
        person=person,
        open=state.open,
        last_inbound_at=maybe(state.last_inbound_at),
        expires_at=maybe(state.expires_at),
        sent=state.sent,
        sent_limit=state.sent_limit,
        unanswered=state.unanswered,
        unanswered_limit=state.unanswered_limit,
        opted_in=state.opted_in,
    )


def _cursor(key: Key) -> str:
    return base64.urlsafe_b64encode(key[0].to_bytes(_NUMBER, "big") + key[1].encode()).rstrip(b"=").decode()


def _after(cursor: str | None) -> Key:
    """The session in a cursor. Raises `Refused`."""
    if cursor is None:
        return _START
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        number, person = int.from_bytes(raw[:_NUMBER], "big"), raw[_NUMBER:].decode()
    except (binascii.Error, ValueError):
        number, person = -1, ""
    if not 0 < number < 2**31 or not person or "\0" in person:
        raise Refused([Problem("?cursor", "is no cursor of this list; use the next of the page before")])
    return number, person


_EXAMPLE: Final[dict[str, Any]] = {
    "channel": "demo-viber",
    "person": "385991234501",
    "open": True,
    "last_inbound_at": "2026-03-01T09:30:00.000Z",
    "expires_at": "2026-03-02T09:30:00.000Z",
    "sent": 3,
    "sent_limit": 60,
    "unanswered": 1,
    "unanswered_limit": 10,
    "opted_in": True,
}

SESSIONS: Final = (
    Operation(
        method="GET",
        path="/api/v1/sessions",
        name="listSessions",
        tag="Sessions",
        summary="Read a person's session, or list those that are open",
        description=(
            "With `channel` and `person`, how things stand between the two, whether or not a session is open. Without "
            "`person`, the sessions that are open now, by channel and person."
        ),
        scope="people:read",
        handler=list_sessions,
        query=SessionFilter,
        answers=(
            Answer(
                status=200,
                description="A page.",
                type=SessionList,
                example={"sessions": [_EXAMPLE], "next": None},
            ),
        ),
    ),
)
