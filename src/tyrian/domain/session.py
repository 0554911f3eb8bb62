"""Sessions: the time after a person's last message in which session content may go to them, and how much of it.

A session is of one person on one channel. It opens with a message of theirs, lasts until a day has passed since their
last one, and holds a number of business messages; so many in a row may stay unanswered. When it is over or used up,
the person's next message opens another.

The numbers are those of Viber's partners (session messages of two-way accounts): 24 hours, 60 messages. Of the
unanswered ones in a row, Infobip, Routee and Alibaba name 5; tyntec, Route Mobile and n8n's node 10.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from tyrian.domain.content import Content
from tyrian.domain.purpose import Purpose

#: The networks on which session content needs an open session, where a channel does not say. A bot's subscription is
#: consent to everything it writes, and SMS has no sessions.
ENFORCED_ON: Final = frozenset({"viber"})

CLOSED: Final = "session_closed"
FULL: Final = "session_full"
UNANSWERED: Final = "unanswered_limit"


class OptIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """What goes out instead of session content to a person without an open session, so that they answer."""

    content: Content
    #: What it is sent as. It goes out where no session is open, so it cannot be session content itself.
    purpose: Literal["transactional", "promotional"] = "transactional"


class SessionSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """A channel's rule for session content."""

    #: Whether session content needs an open session; left out, that depends on the network.
    enforced: bool | None = None
    #: Seconds that a session lasts after the person's last message.
    duration: Annotated[int, Meta(ge=60, le=30 * 86_400)] = 86_400
    #: Business messages that a session holds.
    sent_limit: Annotated[int, Meta(ge=1, le=10_000)] = 60
    #: Business messages in a row that the person may leave unanswered.
    unanswered_limit: Annotated[int, Meta(ge=1, le=10_000)] = 10
    #: What goes out where no session is open; without it, session content is refused there.
    opt_in: OptIn | None = None

    def holds_on(self, network: str) -> bool:
        """Whether session content on a channel of this network needs an open session."""
        return network in ENFORCED_ON if self.enforced is None else self.enforced

    def effective(self, network: str) -> "SessionSettings":
        """The rule as it holds on this network, nothing left open."""
        return msgspec.structs.replace(self, enforced=self.holds_on(network))


DEFAULT: Final = SessionSettings()


class SessionState(Struct, frozen=True, kw_only=True):
    """How things stand between a person and a channel. Times are None where the person never wrote.

    `sent` and `unanswered` count session messages where the channel's rule is enforced; elsewhere they stay 0.
    """

    open: bool
    last_inbound_at: datetime | None
    expires_at: datetime | None
    sent: int
    sent_limit: int
    unanswered: int
    unanswered_limit: int
    #: The person agreed to be written to: said so and did not take it back, or wrote first.
    opted_in: bool


@dataclass(slots=True, frozen=True)
class Session:
    """What is kept of a session. Without `last_inbound_at`, the person has not written yet."""

    opened_at: datetime | None = None
    last_inbound_at: datetime | None = None
    expires_at: datetime | None = None
    sent: int = 0
    #: As it was when the person last wrote: a session keeps the terms under which it was opened.
    sent_limit: int = DEFAULT.sent_limit
    unanswered: int = 0
    #: The attempt that was counted last. A further try of it is not counted again.
    counted: UUID | None = None


#: Of a person who never wrote.
NOTHING: Final = Session()


def is_open(session: Session, now: datetime) -> bool:
    """Whether a session's time lasts: up to and including the last moment."""
    return session.expires_at is not None and now <= session.expires_at


def heard(session: Session, settings: SessionSettings, at: datetime) -> Session:
    """The session after a message of the person: prolonged, or a new one if it was over or used up."""
    ends = at + timedelta(seconds=settings.duration)
    fresh = not is_open(session, at) or session.sent >= session.sent_limit
    return replace(
        session,
        opened_at=at if fresh else session.opened_at,
        last_inbound_at=max(at, session.last_inbound_at or at),
        expires_at=max(ends, session.expires_at or ends),
        sent=0 if fresh else session.sent,
        sent_limit=settings.sent_limit,
        unanswered=0,
    )


def refusal(session: Session, settings: SessionSettings, now: datetime, attempt: UUID | None = None) -> str | None:
    """Why session content may not go out now, as a word of `domain.reasons`; None if it may.

    An attempt that was counted may be tried again for as long as the session lasts.
    """
    if not is_open(session, now):
        return CLOSED
    if attempt is not None and session.counted == attempt:
        return None
    if session.sent >= session.sent_limit:
        return FULL
    return UNANSWERED if session.unanswered >= settings.unanswered_limit else None


def counted(session: Session, attempt: UUID) -> Session:
    """The session after a business message went out in it; the same, if it was a further try."""
    if session.counted == attempt:
        return session
    return replace(session, sent=session.sent + 1, unanswered=session.unanswered + 1, counted=attempt)


@dataclass(slots=True, frozen=True)
class Standing:
    """The latest word on whether a person agreed, and when it was said."""

    agreed: bool
    at: datetime


def opted_in(last_inbound_at: datetime | None, network: Standing | None, recorded: Standing | None) -> bool:
    """Whether a person agreed to be written to, by what the network said, what was recorded, and that they wrote.

    The later word counts. Who wrote first agreed by that; who wrote again after the network told of a block took the
    block back. What was recorded here as an opt-out stays until an opt-in is recorded.
    """
    latest = max((word for word in (network, recorded) if word is not None), key=lambda word: word.at, default=None)
    if latest is None:
        return last_inbound_at is not None
    if latest is network and not latest.agreed and last_inbound_at is not None and last_inbound_at > latest.at:
        return recorded is None or recorded.agreed
    return latest.agreed


def state(session: Session, settings: SessionSettings, now: datetime, *, agreed: bool) -> SessionState:
    """What others are told of a session. What a session that is over counted is of no more interest."""
    lasts = is_open(session, now)
    return SessionState(
        open=lasts,
        last_inbound_at=session.last_inbound_at,
        expires_at=session.expires_at,
        sent=session.sent if lasts else 0,
        sent_limit=session.sent_limit if lasts else settings.sent_limit,
        unanswered=session.unanswered if lasts else 0,
        unanswered_limit=settings.unanswered_limit,
        opted_in=agreed,
    )


def sentence(reason: str, settings: SessionSettings) -> str:
    """A refusal in words for people, naming the rule."""
    hours = settings.duration / 3600
    return {
        CLOSED: f"the person has not written on this channel within the last {hours:g} hours, so no session is open",
        FULL: "the session holds no more messages; the person's next message opens another",
        UNANSWERED: f"{settings.unanswered_limit} messages in a row went unanswered; the person must write first",
    }[reason]


def purpose_of(asking: OptIn) -> Purpose:
    """What an opt-in message is sent as."""
    return Purpose(asking.purpose)
