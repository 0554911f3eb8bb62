"""What the engine asks of those who understand people: who may be written to, what goes out, what came, what follows.

Each is registered with the gateway and asked in the order of registration. None of them is asked of messages that it
has no interest in, so that a gateway without them pays nothing.

* A `Guard` may keep a message from being sent, or put it off.
* A `Dresser` changes a content on its way out.
* A `Stage` reads what people sent before it is stored, and stores what follows from it in the same transaction.
* A `Reaction` does what takes longer, once the message is stored: at least once, in the order of a person's messages.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol as Port
from uuid import UUID

from tyrian.domain.content import Base as Content
from tyrian.domain.submission import Plan
from tyrian.engine.known import Facts, Known
from tyrian.engine.ports import Channel, Inbound
from tyrian.store.database import Connection
from tyrian.store.inbound import NewInbound


def person_of(address: str) -> str:
    """An address as people are known by on a channel: phone numbers without their plus."""
    return address.removeprefix("+")


# -- Going out --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Asked:
    """One message to one person on one channel, about which a guard is asked. `at` is when it would be sent."""

    account_id: int
    channel: Channel
    network: str
    person: str
    plan: Plan
    content: Content
    at: datetime
    #: The attempt that is about to go out; None while the message is being accepted.
    attempt: Facts | None = None


@dataclass(slots=True)
class Verdict:
    """Why a message is not sent: `reason` is a word of `domain.reasons`, `rule` a sentence that names the rule.

    With `until` it is not refused but put off: it is asked about again then, or when its row is made due earlier.
    """

    reason: str
    rule: str
    until: datetime | None = None
    #: Put off, it goes on holding up the messages to the person behind it, so that they leave in their order; unless it
    #: is a bulk's, which can be paused and taken back.
    holds: bool = False


class Guard(Port):
    """Says who may not be written to. Asked when a message is accepted, and again right before it is sent."""

    def applies(self, account_id: int, channel: Channel, plan: Plan) -> bool:
        """Whether there is anything to ask; from memory alone, for every message comes through here."""
        ...

    async def judge(self, asked: Sequence[Asked]) -> Sequence[Verdict | None]:
        """A verdict on each, or None where nothing stands against it."""
        ...

    # A guard with `before_sending_only = True` is not asked when a message is accepted: it would not refuse one then.


class Dresser(Port):
    """Changes a content right before it is sent."""

    def wants(self, channel: Channel, plan: Plan, content: Content) -> bool:
        """Whether this content may need a change; from memory alone."""
        ...

    async def dress(self, channel: Channel, facts: Facts, known: Known, content: Content) -> Content:
        """The content as it goes out. What it refers to is committed. A repeated try gets the same."""
        ...

    # A dresser that makes codes also has `foresee(channel, facts, known, content)`: it is asked before a message is
    # stored, and the codes that it gives are stored with it. The send may never be made, or with another content.


# -- Coming in --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Said:
    """A message on its way into the database. Its id is given once, so that a repeat of the write changes nothing.

    What a stage adds to `message.extra` or puts in the place of `message.content` is stored, and told to customers.
    """

    channel: Channel
    message: Inbound
    row: NewInbound
    #: What stages hand to reactions: stored with the turn, so it must be plain data.
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class News:
    """A person allowed the channel's sender to write, or forbade it."""

    channel: Channel
    person: str
    subscribed: bool
    at: datetime


class Stage(Port):
    """Reads what people sent, a batch at a time."""

    def wants(self, channel: Channel) -> bool:
        """Whether anything of this channel is of interest; from memory alone."""
        ...

    async def read(self, batch: Sequence[Said]) -> None:
        """Before the messages are stored. Among them may be some that came before; changes nothing in the database."""
        ...

    # A stage that stores nothing along with most messages also has `keeps(said) -> bool`: whether it does with one. It
    # spares the others a part of the transaction.

    async def store(self, connection: Connection, batch: Sequence[Said]) -> None:
        """In the transaction that stores the messages, for those that are new. Lock rows in the order of their keys."""
        ...

    async def subscribed(self, connection: Connection, news: Sequence[News]) -> None:
        """In the transaction that stores who allows the sender to write."""
        ...


@dataclass(slots=True)
class Turn:
    """A person's message that is stored, to be reacted to. `sender` is the address as the network gave it."""

    inbound_id: UUID
    account_id: int
    channel: Channel
    sender: str
    content: Content
    received_at: datetime
    extra: dict[str, Any]
    notes: dict[str, Any]
    #: How often this was begun before: more than 0 after a node died or a reaction failed.
    tries: int = 0

    @property
    def person(self) -> str:
        """The sender as people are known by on a channel."""
        return person_of(self.sender)


class Reaction(Port):
    """Does what a person's message asks for.

    It may be asked twice about one message, so whatever it does must be bound to `turn.inbound_id`: a message that it
    sends carries an idempotency key made of it.
    """

    def wants(self, channel: Channel) -> bool:
        """Whether messages of this channel are of interest; from memory alone."""
        ...

    # A reaction that few of a channel's messages concern also has `concerns(content, extra) -> bool`: whether one of
    # them does. It spares the others a turn.

    async def react(self, turn: Turn) -> bool:
        """Reacts; True where the message is settled by that and no later reaction should see it."""
        ...
