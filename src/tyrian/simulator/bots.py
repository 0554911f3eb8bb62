"""Bots and the people they know: registration, subscription, sessions and allowances."""

from enum import StrEnum
from typing import Any, Final

from msgspec import Struct, field

from tyrian.simulator.handsets import Handset, user_id

#: A session is open for so many seconds from the person's first message (Bot API documentation 7.3.0).
SESSION: Final = 24 * 3600.0
HOUR: Final = 3600.0
#: `get_user_details`: two questions about one person in so many seconds.
DETAILS_WINDOW: Final = 12 * HOUR
DETAILS_LIMIT: Final = 2
#: Broadcasts: 500 requests in ten seconds.
BROADCAST_WINDOW: Final = 10.0
BROADCAST_LIMIT: Final = 500
#: People that a bot remembers; the oldest go first.
PEOPLE: Final = 100_000


class State(StrEnum):
    """Where a person stands with a bot."""

    UNKNOWN = "unknown"
    #: Has opened the chat and written nothing: one welcome message may be given.
    VISITOR = "visitor"
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"


class Window:
    """Counts happenings in a moving stretch of time."""

    __slots__ = ("_limit", "_seconds", "_times")

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._times: list[float] = []

    def full(self, now: float) -> bool:
        """True if one more would be too many; otherwise it is counted."""
        self._times = [t for t in self._times if t > now - self._seconds]
        if len(self._times) >= self._limit:
            return True
        self._times.append(now)
        return False


class Person:
    """One Viber user as one bot knows them."""

    __slots__ = ("_details", "history", "hour", "id", "sent", "session_until", "state", "tracking_data")

    def __init__(self, user_id: str, state: State) -> None:
        self.id = user_id
        self.state = state
        #: True once anything was said in the chat.
        self.history = False
        #: The clock hour of the last message to them, and how many went out in it.
        self.hour = 0
        self.sent = 0
        self.session_until = 0.0
        #: Of the last bot message; comes back with what the person writes next.
        self.tracking_data: str | None = None
        self._details: Window | None = None

    def asked(self, now: float) -> bool:
        """Count one more `get_user_details`; False if there were too many."""
        self._details = self._details or Window(DETAILS_LIMIT, DETAILS_WINDOW)
        return not self._details.full(now)

    def count(self, now: float, limit: int) -> bool:
        """Count one more message in this clock hour; False if that is above the limit."""
        hour = int(now // HOUR)
        if hour != self.hour:
            self.hour, self.sent = hour, 0
        if limit and self.sent >= limit:
            return False
        self.sent += 1
        return True

    def wrote(self, now: float) -> None:
        """Whatever a person writes subscribes them, opens a session and clears the hour's count."""
        self.state = State.SUBSCRIBED
        self.history = True
        self.sent = 0
        if now >= self.session_until:
            self.session_until = now + SESSION

    def left(self) -> None:
        """They chose to get no more messages."""
        self.state = State.UNSUBSCRIBED
        self.session_until = 0.0

    def rejoined(self) -> None:
        """They chose to get messages again, which wipes what was kept for them."""
        self.state = State.SUBSCRIBED
        self.tracking_data = None


class Bot(Struct, kw_only=True):
    """A registered bot."""

    token: str
    id: str
    name: str
    uri: str
    #: Further members of `get_account_info`: icon, category, country, ...
    profile: dict[str, Any] = field(default_factory=dict)
    webhook: str = ""
    #: None means every event.
    event_types: frozenset[str] | None = None
    send_name: bool = False
    send_photo: bool = False
    #: 0, or the status with which every request is refused: 7 blocked, 8 not found, 9 suspended, 15 not authorised.
    refused: int = 0
    public_chat: bool = False
    #: The calendar month of the last message outside a session, and how many there were.
    month: str = ""
    free_sent: int = 0
    #: Why the last answer to `conversation_started` gave no welcome message.
    welcome_error: str | None = None
    people: dict[str, Person] = field(default_factory=dict)
    #: Handset -> the user id that this bot knows it by.
    ids: dict[str, str] = field(default_factory=dict)
    broadcasts: Window = field(default_factory=lambda: Window(BROADCAST_LIMIT, BROADCAST_WINDOW))

    def wants(self, event: str) -> bool:
        """True if the webhook was set for this event; some cannot be filtered out."""
        return self.event_types is None or event in self.event_types or event in ALWAYS

    def person(self, name: str, handset: Handset, start: State) -> Person:
        """The person with this id, in the state `start` if the bot does not know them yet."""
        person = self.people.get(name)
        if person is None:
            if len(self.people) >= PEOPLE:
                del self.people[next(iter(self.people))]
            person = self.people[name] = Person(name, start)
            self.ids[handset.address] = name
        return person

    def id_of(self, handset: Handset) -> str:
        """The user id by which this bot knows the holder of a handset: the one that it used first, if any."""
        return self.ids.get(handset.address) or user_id(handset.address)

    def subscribers(self) -> int:
        """How many people are known to be subscribed."""
        return sum(1 for person in self.people.values() if person.state is State.SUBSCRIBED)


#: Events that come whatever `event_types` said.
ALWAYS: Final = frozenset({"message", "subscribed", "unsubscribed", "webhook"})
