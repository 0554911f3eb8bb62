"""The handsets: every phone number is one, made when first used, that keeps what it receives and can be clicked."""

import re
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from itertools import count
from typing import Any, Final, Protocol

from msgspec import Struct

from tyrian.simulator.behaviour import Answer, Behaviour, Network, row_of
from tyrian.simulator.taps import Said, tap, text_of

_NUMBER: Final = re.compile(r"\+?([1-9][0-9]{6,14})")
#: The Viber user id of a number's holder, in the manner of the real ones (which tell nothing of the number).
_USER_ID: Final = re.compile(r"u([1-9][0-9]{6,14})==")


class Via(StrEnum):
    """The product by which a message travels."""

    BOT = "bot"
    BUSINESS = "business"
    SMS = "sms"


#: What a product travels on.
NETWORK_OF: Final = {Via.BOT: Network.VIBER, Via.BUSINESS: Network.VIBER, Via.SMS: Network.SMS}


class Line(Struct, frozen=True):
    """One sender as a handset knows it: the chat with a bot (its uri), a business (its service id), an SMS sender."""

    via: Via
    sender: str


class Message(Struct, kw_only=True):
    """A message that a network took for a handset. It is on the phone once `delivered_at` is set."""

    id: int
    line: Line
    #: The network's own id of it.
    ref: str
    #: As the network received it.
    content: dict[str, Any]
    accepted_at: datetime
    delivered_at: datetime | None = None
    seen_at: datetime | None = None
    #: `expired`, `failed`, ...: the network gave up.
    ended: str | None = None


class Written(Struct):
    """What the person sent."""

    line: Line
    said: Said
    at: datetime


class Carrier(Protocol):
    """A network's end of what people do on their phones."""

    def wrote(self, handset: "Handset", sender: str, said: Said) -> None:
        """The person wrote to this sender."""
        ...

    def read(self, handset: "Handset", messages: list[Message]) -> None:
        """The person read these messages, all of one sender."""
        ...

    def allowed(self, handset: "Handset", sender: str, allowed: bool) -> None:
        """The person blocked this sender (or left the bot), or let it in again."""
        ...

    def opened(self, handset: "Handset", sender: str, context: str | None) -> None:
        """The person opened the chat with this sender."""
        ...


class NoLine(LookupError):
    """The handset knows no sender to answer, or not the one named."""


class Handset:
    """One phone (or, for bot user ids that are no number, one Viber user)."""

    # There may be a hundred thousand: what most of them never need is shared or made late.
    __slots__ = ("_keep", "_network", "_scripts", "_tries", "address", "allowed", "blocked", "messages", "written")

    def __init__(self, address: str, network: "Handsets", keep: int) -> None:
        self.address = address
        #: Oldest first; at most `keep` of each.
        self.messages: list[Message] = []
        self.written: list[Written] = []
        #: Senders that the person has blocked, and those let in again (which beats a number that blocks everybody).
        self.blocked: frozenset[Line] = frozenset()
        self.allowed: frozenset[Line] = frozenset()
        self._keep = keep
        self._network = network
        self._scripts: dict[Network, Behaviour] | None = None
        self._tries: dict[Network, int] | None = None

    # -- For the networks ---------------------------------------------------------------------------------------------

    def behaviour(self, network: Network) -> Behaviour:
        """What this network does with messages for this handset."""
        if self._scripts and network in self._scripts:
            return self._scripts[network]
        return row_of(self.address).on(network)

    def script(self, network: Network, behaviour: Behaviour | None) -> None:
        """Give it a behaviour of its own, or with None the one of its number again."""
        scripts = self._scripts or {}
        scripts.pop(network, None)
        if behaviour is not None:
            scripts[network] = behaviour
        self._scripts = scripts or None
        self._tries = None

    def next_answer(self, network: Network, behaviour: Behaviour) -> Answer:
        """How the provider answers this send: counts through `Behaviour.first`."""
        if not behaviour.first:
            return behaviour.answer
        tries = self._tries = self._tries or {}
        before = tries.get(network, 0)
        if before < len(behaviour.first):
            tries[network] = before + 1
            return behaviour.first[before]
        tries[network] = 0
        return behaviour.answer

    def has_blocked(self, line: Line, answer: Answer) -> bool:
        """True if this sender gets through no more: by the person's own doing, or as the behaviour answers."""
        return line in self.blocked or (answer is Answer.BLOCKED and line not in self.allowed)

    def accept(self, line: Line, ref: str, content: dict[str, Any], now: datetime) -> Message:
        """Note a message that a network took for this handset."""
        message = Message(id=self._network.next_id(), line=line, ref=ref, content=content, accepted_at=now)
        self.messages.append(message)
        del self.messages[: -self._keep]
        return message

    # -- For the person -----------------------------------------------------------------------------------------------

    def last_line(self) -> Line:
        """The sender of the newest message on the phone."""
        for message in reversed(self.messages):
            if message.delivered_at is not None:
                return message.line
        raise NoLine(f"{self.address} has received nothing yet, so say which sender (`via` and `sender`) is meant")

    def reply(self, text: str, line: Line | None = None) -> None:
        """Write a text, by default to the sender of the newest message."""
        self.say({"type": "text", "text": text}, line)

    def say(self, said: Said, line: Line | None = None) -> None:
        """Send any message that a person can send, in the form of the Bot API's `message` callbacks.

        Who writes to a sender no longer blocks it.
        """
        line = line or self.last_line()
        self._let_in(line)
        self.written.append(Written(line, said, self._network.now()))
        del self.written[: -self._keep]
        self._network.carrier(line.via).wrote(self, line.sender, said)

    def press(self, button: int | str, line: Line | None = None) -> Said | None:
        """Tap a button of the newest message that has any: by its place (from 0), or by its action body or text.

        Returns what was sent, or None for a button that sends nothing. Raises `taps.NoButton`.
        """
        line = line or self.last_line()
        contents = [m.content for m in reversed(self.messages) if m.line == line and m.delivered_at is not None]
        said = tap(contents, button, self.address)
        if said is not None:
            self.say(said, line)
        return said

    def seen(self, line: Line | None = None) -> list[Message]:
        """Read what is unread in one chat; returns those messages."""
        line = line or self.last_line()
        unread = [m for m in self.messages if m.line == line and m.delivered_at is not None and m.seen_at is None]
        for message in unread:
            message.seen_at = self._network.now()
        if unread:
            self._network.carrier(line.via).read(self, unread)
        return unread

    def open(self, line: Line, context: str | None = None) -> None:
        """Open the chat from the sender's page or a deep link."""
        self._network.carrier(line.via).opened(self, line.sender, context)

    def block(self, line: Line | None = None) -> None:
        """Block a sender; for a bot: leave it."""
        line = line or self.last_line()
        self.blocked |= {line}
        self.allowed -= {line}
        self._network.carrier(line.via).allowed(self, line.sender, False)

    def unblock(self, line: Line | None = None) -> None:
        """Let a sender in again; for a bot: choose "Receive messages"."""
        line = line or self.last_line()
        self._let_in(line)
        self._network.carrier(line.via).allowed(self, line.sender, True)

    def _let_in(self, line: Line) -> None:
        self.blocked -= {line}
        self.allowed |= {line}

    unsubscribe = block
    subscribe = unblock


class Handsets:
    """All handsets there are."""

    def __init__(self, now: "Now", keep_messages: int = 200, keep_handsets: int = 100_000) -> None:
        self.now = now
        self._all: dict[str, Handset] = {}
        self._carriers: dict[Via, Carrier] = {}
        self._ids = count(1)
        self._keep_messages = keep_messages
        self._keep_handsets = keep_handsets

    def __iter__(self) -> Iterator[Handset]:
        return iter(list(self._all.values()))

    def __len__(self) -> int:
        return len(self._all)

    def connect(self, via: Via, carrier: Carrier) -> None:
        """Tell who carries what people send by this product."""
        self._carriers[via] = carrier

    def carrier(self, via: Via) -> Carrier:
        """Who carries what people send by this product."""
        if via not in self._carriers:
            raise NoLine(f"nothing is sent by {via} in this world")
        return self._carriers[via]

    def of(self, address: str) -> Handset:
        """The handset with this number (with or without the +) or this Viber user id."""
        found = self._all.get(address)
        if found is None:
            address = normal(address)
            found = self._all.get(address) or self._make(address)
        return found

    def find(self, address: str) -> Handset | None:
        """The handset, if it has been used before."""
        return self._all.get(normal(address))

    def next_id(self) -> int:
        """A number for a message, unique in this world."""
        return next(self._ids)

    def reset(self) -> None:
        """Throw all handsets away, with what they hold and how they were scripted."""
        self._all.clear()

    def _make(self, address: str) -> Handset:
        if len(self._all) >= self._keep_handsets:
            del self._all[next(iter(self._all))]
        made = self._all[address] = Handset(address, self, self._keep_messages)
        return made


class Now(Protocol):
    """The present of the world's clock."""

    def __call__(self) -> datetime:
        """Aware, in UTC."""
        ...


def normal(address: str) -> str:
    """A phone number, or the user id of its holder, as + and digits; any other address as it is."""
    found = _NUMBER.fullmatch(address) or _USER_ID.fullmatch(address)
    return f"+{found[1]}" if found else address


def user_id(address: str) -> str:
    """The Viber user id by which bots know the holder of a handset at first: `u385991234501==` for a number."""
    return f"u{address[1:]}==" if address.startswith("+") else address


def echo_of(content: dict[str, Any]) -> str:
    """What a handset that echoes answers to this content."""
    return f"echo: {text_of(content)}"
