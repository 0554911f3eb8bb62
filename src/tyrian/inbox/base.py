"""What every part of the inbox works with: the gateway, the channels' inboxes, and one way to change a conversation."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec

from tyrian.domain.conversation import Agent, Author, ChannelInbox, Conversation, Queue
from tyrian.domain.conversation_moves import Move
from tyrian.domain.ids import Ids
from tyrian.domain.problem import Problem, Refused
from tyrian.domain.submission import Plan, Recipient, Submission
from tyrian.engine.callbacks import Callbacks
from tyrian.engine.channels import ChannelEntry, Channels
from tyrian.engine.endpoints import Endpoints
from tyrian.engine.inbox_port import WAKE, NotNow, NotThere
from tyrian.engine.intake import IdempotencyConflict, Intake
from tyrian.engine.metrics import Metrics
from tyrian.engine.people import People
from tyrian.engine.ports import Clock
from tyrian.engine.waker import Waker
from tyrian.inbox.settings import Inboxes
from tyrian.inbox.work import Work, write
from tyrian.settings import Settings
from tyrian.store import inbox as store, inbox_people as people
from tyrian.store.database import Connection, Database
from tyrian.store.inbox import Crossed

#: What a change does to a conversation within its transaction.
Change = Callable[[Connection, Work], Awaitable[None]]

_encode: Final = msgspec.json.Encoder(order="sorted").encode


class Gateway(Protocol):
    """What the inbox needs of the gateway."""

    db: Database
    clock: Clock
    ids: Ids
    settings: Settings
    channels: Channels
    endpoints: Endpoints
    intake: Intake
    waker: Waker
    metrics: Metrics
    callbacks: Callbacks
    people: People
    flows: Any
    roles: frozenset[str]


class Base:
    """Shared by all parts of one node's inbox."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.db = gateway.db
        self.inboxes = Inboxes(gateway.db)
        #: Called after a commit, with the conversations that changed.
        self.on_changed: Callable[[Sequence[Work]], Awaitable[None]] | None = None

    def now(self) -> datetime:
        """The present."""
        return self.gateway.clock.now()

    def new(self) -> UUID:
        """An id of now."""
        return self.gateway.ids.new(self.now())

    def work(self, row: store.Row) -> Work:
        """A conversation to be changed now."""
        return Work(row, self.now(), self.new)

    def inbox_of(self, channel_id: int) -> ChannelInbox | None:
        """A channel's inbox; None if it has none."""
        return self.inboxes.of(channel_id)

    # -- Changing -------------------------------------------------------------------------------------------------

    async def change(
        self, account_id: int, conversation_id: UUID, plan: Change, *, key: str | None = None, what: Sequence[Any] = ()
    ) -> Work | Conversation:
        """Changes a conversation in one transaction: the work, or the conversation as it is where the key was used.

        `what` is what the key stands for. Raises `NotThere`, what the plan raises, and `IdempotencyConflict`.
        """
        try:
            work = await self._change(account_id, conversation_id, plan, key, what)
        except Crossed:
            raise NotNow("the person has another conversation on this channel that is not closed") from None
        if work is None:
            return await self.must(account_id, conversation_id)
        await self.changed([work])
        return work

    async def _change(
        self, account_id: int, conversation_id: UUID, plan: Change, key: str | None, what: Sequence[Any]
    ) -> Work | None:
        async with self.db.transaction() as connection:
            if key is not None:
                print_ = fingerprint(conversation_id, *what)
                if await self.repeated(connection, account_id, key, print_, conversation_id) is not None:
                    return None
            row = await store.lock(connection, account_id, conversation_id)
            if row is None:
                raise unknown(conversation_id)
            work = self.work(row)
            await plan(connection, work)
            await self.write(connection, [work])
        return work

    async def moved(
        self,
        account_id: int,
        conversation_id: UUID,
        moves: Iterable[Move],
        by: Author,
        *,
        key: str | None = None,
        what: Sequence[Any] = (),
    ) -> Conversation:
        """Makes moves that need nothing else; the conversation afterwards."""

        async def plan(_connection: Connection, work: Work) -> None:
            for move in moves:
                work.move(move, by)

        return await self.conversation(
            await self.change(account_id, conversation_id, plan, key=key, what=(*what, msgspec.to_builtins(by)))
        )

    async def conversation(self, outcome: Work | Conversation) -> Conversation:
        """The conversation that a change leaves, with what followed from it at once."""
        it = outcome.it if isinstance(outcome, Work) else outcome
        return await self.must(it.account_id, it.id)

    async def taken_over(self, conversation: Conversation) -> None:
        """Has no flow go on with a person with whom an agent speaks."""
        entry = self.gateway.channels.by_id(conversation.channel_id)
        if conversation.with_agent and entry is not None and self.gateway.flows is not None:
            await self.gateway.flows.taken_over(entry.channel, conversation.person)

    async def write(self, connection: Connection, works: Sequence[Work]) -> None:
        """Writes what was changed, last in a transaction. Raises `Crossed`."""
        await write(connection, works, self.inbox_of)

    async def changed(self, works: Sequence[Work]) -> None:
        """Tells whoever watches, and has what follows be done."""
        self.tell({work.it.account_id for work in works})
        if self.on_changed is not None:
            await self.on_changed(works)

    def tell(self, account_ids: Iterable[int]) -> None:
        """Tells whoever watches these accounts, on every node."""
        for account_id in account_ids:
            self.gateway.waker.tell(f"{WAKE}{account_id}")

    async def repeated(
        self, connection: Connection, account_id: int, key: str, print_: bytes, answer: UUID
    ) -> UUID | None:
        """Claims a key; what came of it if it was used before. Raises `IdempotencyConflict`."""
        earlier = await store.claim_key(connection, account_id, key, print_, answer, self.now())
        if earlier is None:
            return None
        if earlier[0] != print_:
            raise IdempotencyConflict
        return earlier[1]

    # -- Looking up -----------------------------------------------------------------------------------------------

    async def must(self, account_id: int, conversation_id: UUID) -> Conversation:
        """A conversation of the account. Raises `NotThere`."""
        found = await store.get(self.db, account_id, conversation_id)
        if found is None:
            raise unknown(conversation_id)
        return found

    async def queue(self, db: Database | Connection, account_id: int, name: str, at: str = "/queue") -> Queue:
        """A queue by name or id. Raises `Refused` at the pointer."""
        identifier = uuid_of(name)
        found = await people.queues(db, account_id, name=name) or (
            await people.queues(db, account_id, identifier=identifier) if identifier else []
        )
        if not found:
            raise Refused([Problem(at, f'names no queue of this account: "{name[:100]}"', "unknown_queue")])
        return found[0]

    async def agent(self, db: Database | Connection, account_id: int, name: str, at: str = "/agent") -> Agent:
        """An agent by name or id. Raises `Refused` at the pointer."""
        identifier = uuid_of(name)
        found = await people.agents(db, account_id, name=name) or (
            await people.agents(db, account_id, identifier=identifier) if identifier else []
        )
        if not found:
            raise Refused([Problem(at, f'names no agent of this account: "{name[:100]}"', "unknown_agent")])
        return found[0]

    def channel(self, conversation: Conversation) -> ChannelEntry:
        """The channel that a conversation is on. Raises `NotNow`."""
        entry = self.gateway.channels.by_id(conversation.channel_id)
        if entry is None:
            raise NotNow("the channel of the conversation has been removed")
        return entry


def handed_in(account_id: int, item_id: UUID, plan: Plan, to: str) -> Submission:
    """What is handed to intake for a line that was written down before."""
    return Submission(
        account_id=account_id, plan=plan, recipients=[Recipient(to=to)], idempotency_key=f"inbox:{item_id}"
    )


def uuid_of(text: str) -> UUID | None:
    """The id in a text, if it is one."""
    try:
        return UUID(text)
    except ValueError:
        return None


def unknown(conversation_id: UUID) -> NotThere:
    """What is said of a conversation that the account has not."""
    return NotThere(f'There is no conversation with the id "{conversation_id}".')


def fingerprint(*parts: Any) -> bytes:
    """What a key stands for, in few bytes."""
    return hashlib.sha256(_encode([msgspec.to_builtins(part) for part in parts])).digest()


def spelled(entry: ChannelEntry, address: str, at: str) -> str:
    """An address as the channel writes it; people are known without the plus of a number. Raises `Refused`."""
    first = entry.kind.address(address, at)
    if not isinstance(first, Problem):
        return first
    if address and not address.startswith("+"):
        second = entry.kind.address(f"+{address}", at)
        if not isinstance(second, Problem):
            return second
    raise Refused([first])
