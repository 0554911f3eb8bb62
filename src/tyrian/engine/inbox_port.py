"""What the inbox is to flows and faces, who reach it as `gateway.inbox`: conversations, agents and queues.

Every method that changes something is durable when it returns. Given a `key`, a repeat of the same request returns what
the first one did. Mistakes are `Refused`, with JSON pointers to the argument of that name; what is not there, or not
the account's, is `NotThere`; what the present state does not allow is `NotNow`.

Queues and agents are named by id (as text) or by name.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol as Port
from uuid import UUID

from msgspec import Struct

from tyrian.domain.content import Content
from tyrian.domain.conversation import (
    SYSTEM,
    Agent,
    Author,
    ChannelInbox,
    Conversation,
    Item,
    Opening,
    PreparedAnswer,
    Queue,
    Search,
    Target,
)
from tyrian.domain.conversation_moves import NotNow
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Plan
from tyrian.engine.ports import Channel

__all__ = ["NEUTRAL", "WAKE", "Happening", "Inbox", "NotNow", "NotThere"]

NEUTRAL: Final = Opening()
#: How a payload begins that says whose inbox has changed; without an account, whose settings have.
WAKE: Final = "inbox:"


class NotThere(LookupError):
    """Something is not there, or not the account's. The words say what."""


class Happening(Struct, frozen=True, omit_defaults=True):
    """One event of an account's inbox, from its durable log. `number` rises by one with each event of the account.

    `type` is `item` (a line was added to a thread: `data` is the item as the API shows it), `conversation` (its state,
    legs, attributes or counts changed), `erased` (its person was: `data` is its `conversation_id`, and whether it is
    `removed`), `agent` or `queue`; or `typing`: a person types, which is in no log and has the number of what happened
    before it.
    """

    number: int
    at: datetime
    type: str
    conversation_id: UUID | None
    data: dict[str, Any]


class Inbox(Port):
    """The conversations of all accounts."""

    # -- Conversations --------------------------------------------------------------------------------------------

    async def open(
        self,
        account_id: int,
        channel: Channel,
        person: str,
        *,
        by: Author,
        opening: Opening = NEUTRAL,
        key: str | None = None,
    ) -> Conversation:
        """The conversation with a person: the one that is not closed, or the last one opened again, or a new one.

        Where it is new or opened again, an author other than an agent gets an `api` leg, connected, and `opening` says
        the rest. A channel that has no inbox gets one with the defaults.
        """
        ...

    async def get(self, account_id: int, conversation_id: UUID) -> Conversation | None:
        """One conversation with all its legs."""
        ...

    async def find(self, channel_id: int, person: str) -> Conversation | None:
        """The latest conversation with a person on a channel, closed or not."""
        ...

    async def list(self, account_id: int, search: Search) -> Sequence[Conversation]:
        """Conversations, the last updated first."""
        ...

    async def count(self, account_id: int, search: Search) -> int:
        """How many conversations a search finds in all, whatever its limit and offset."""
        ...

    async def items(
        self,
        account_id: int,
        conversation_id: UUID,
        *,
        before: UUID | None = None,
        after: UUID | None = None,
        limit: int = 50,
    ) -> Sequence[Item]:
        """Lines of a thread in their order: the last `limit` of them, or those before or after an item."""
        ...

    async def find_item(self, account_id: int, identifier: UUID) -> Item | None:
        """The line with this id, or with this inbound or outbound message."""
        ...

    async def send(
        self,
        account_id: int,
        conversation_id: UUID,
        content: Content,
        *,
        by: Author,
        purpose: Purpose = Purpose.SESSION,
        leg_id: UUID | None = None,
        data: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Item:
        """Sends to the person on the conversation's channel. An agent whom it alerts accepts it by that.

        Raises `Refused` where the content does not suit the channel or the person may not be written to now, and
        `NotNow` where the conversation is closed. `data` is kept with the item.
        """
        ...

    async def send_alone(self, account_id: int, channel: Channel, person: str, content: Content, *, by: Author) -> Item:
        """Sends to a person outside of any conversation, as an API, and shows it in theirs.

        Theirs is opened for it where it is not, and closed with it then. Nothing is kept of what is `Refused`, whose
        problems point into the plan of a single step.
        """
        ...

    async def send_planned(self, account_id: int, conversation_id: UUID, plan: Plan, *, by: Author) -> Item:
        """Hands in a message to the person by a plan of the caller's own, and shows its first content in the thread.

        The rules of answers are not asked, and the conversation may be closed. Raises `Refused`, and `NotNow` where the
        channel is gone.
        """
        ...

    async def record(
        self, account_id: int, channel: Channel, person: str, *, message_id: UUID, content: Content, by: Author
    ) -> Item | None:
        """Shows in the person's open conversation a message that was sent otherwise; None if there is none open."""
        ...

    async def note(
        self, account_id: int, conversation_id: UUID, text: str, *, by: Author, key: str | None = None
    ) -> Item:
        """Adds a note, which the person does not see."""
        ...

    async def assign(
        self,
        account_id: int,
        conversation_id: UUID,
        *,
        by: Author,
        queue: str | None = None,
        agent: str | None = None,
        key: str | None = None,
    ) -> Conversation:
        """Puts it into a queue, or before an agent, who is alerted."""
        ...

    async def accept(
        self,
        account_id: int,
        conversation_id: UUID,
        *,
        by: Author,
        agent: str | None = None,
        leg_id: UUID | None = None,
        key: str | None = None,
    ) -> Conversation:
        """An agent takes it. Without a leg alerting for this agent, it is taken from its queue."""
        ...

    async def decline(
        self,
        account_id: int,
        conversation_id: UUID,
        *,
        by: Author,
        agent: str | None = None,
        leg_id: UUID | None = None,
        key: str | None = None,
    ) -> Conversation:
        """An agent who was alerted does not take it: it goes back to its queue."""
        ...

    async def transfer(
        self,
        account_id: int,
        conversation_id: UUID,
        target: Target,
        *,
        by: Author,
        note: str | None = None,
        attended: bool = False,
        key: str | None = None,
    ) -> Conversation:
        """Hands it on. It is `transferred` until the target accepts it. `attended`: the present agent stays till then.

        To a channel: returns the conversation, which goes on there. To `external`: the account's handover URL gets the
        context; whoever is there accepts through `accept` with `leg_id`.
        """
        ...

    async def leave(
        self,
        account_id: int,
        conversation_id: UUID,
        leg_id: UUID,
        *,
        by: Author,
        wrapup: str | None = None,
        key: str | None = None,
    ) -> Conversation:
        """Ends one leg. Where no queue, agent or API holds the conversation any more, it is closed."""
        ...

    async def close(
        self,
        account_id: int,
        conversation_id: UUID,
        *,
        by: Author,
        wrapup: str | None = None,
        key: str | None = None,
    ) -> Conversation:
        """Closes it; the wrap-up goes to the leg of the agent who has it. Closing a closed one changes nothing."""
        ...

    async def reopen(
        self, account_id: int, conversation_id: UUID, *, by: Author, key: str | None = None
    ) -> Conversation:
        """Opens it again. `NotNow` if the person has another conversation on this channel that is not closed."""
        ...

    async def typing(self, channel: Channel, person: str) -> None:
        """Tells those who watch, on every node, that a person types, once a second at most. Nothing is kept of it.

        Of somebody without a conversation that goes on, nothing is told.
        """
        ...

    async def set_attributes(
        self,
        account_id: int,
        conversation_id: UUID,
        attributes: Mapping[str, str | None],
        *,
        leg_id: UUID | None = None,
        subject: str | None = None,
        name: str | None = None,
    ) -> Conversation:
        """Changes attributes of it or of one of its legs; None removes one. Others stay."""
        ...

    async def set_wrapup(self, account_id: int, conversation_id: UUID, leg_id: UUID, wrapup: str) -> Conversation:
        """Writes a leg's wrap-up, ended or not."""
        ...

    async def mark_read(self, account_id: int, conversation_id: UUID) -> Conversation:
        """The person's messages so far were read."""
        ...

    # -- For flows ------------------------------------------------------------------------------------------------

    async def handover(  # noqa: PLR0913 - all of it is asked of whoever hands over
        self,
        account_id: int,
        channel: Channel,
        person: str,
        *,
        queue: str | None,
        agent: str | None,
        note: str,
        context: Mapping[str, Any],
        key: str,
        by: Author = SYSTEM,
    ) -> Conversation:
        """Hands a person over to a queue or an agent, with a note and what is known of them as attributes.

        Without either, to the queue of the channel's inbox. The person's conversation is opened where it is not.
        """
        ...

    async def is_with_agent(self, channel_id: int, person: str) -> bool:
        """Whether people have the person's conversation in hand: handed over, and not closed since."""
        ...

    # -- Agents, queues, channels ---------------------------------------------------------------------------------

    async def queues(self, account_id: int) -> Sequence[Queue]:
        """The account's queues, by name."""
        ...

    async def queue(self, account_id: int, name: str) -> Queue | None:
        """A queue by name or id."""
        ...

    async def agents(self, account_id: int) -> Sequence[Agent]:
        """The account's agents, by name."""
        ...

    async def agent(self, account_id: int, name: str) -> Agent | None:
        """An agent by name or id."""
        ...

    async def answer(self, account_id: int, identifier: UUID) -> PreparedAnswer | None:
        """A prepared answer."""
        ...

    def channel_inbox(self, channel_id: int) -> ChannelInbox | None:
        """The channel's inbox as this node knows it; None if it has none."""
        ...

    async def set_channel_inbox(self, account_id: int, channel: Channel, inbox: ChannelInbox | None) -> None:
        """Gives a channel an inbox, or takes it away: conversations stay, but messages no longer go into them."""
        ...

    async def change_channel_inbox(
        self, account_id: int, channel: Channel, to: Callable[[ChannelInbox | None], ChannelInbox | None]
    ) -> ChannelInbox | None:
        """Gives a channel what `to` makes of its inbox (None: it has none), and returns it.

        Of two changes at once none is lost: the later is made of what the earlier wrote. `to` may be called several
        times, and must change nothing else.
        """
        ...

    # -- Watching -------------------------------------------------------------------------------------------------

    @property
    def watchers(self) -> int:
        """How many watch on this node."""
        ...

    async def last_event(self, account_id: int) -> int:
        """The number of the account's last event; 0 if there was none."""
        ...

    def watch(
        self, account_id: int, *, after: int | None = None, conversation_id: UUID | None = None
    ) -> AsyncIterator[Happening | None]:
        """Events from now on, or after that number, as they happen; None every few seconds as a sign of life."""
        ...
