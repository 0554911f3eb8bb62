"""Blocks: whoever has blocked a sender or has not subscribed, as the network said, is not tried again for a while.

A network that answers a send so will answer the next one so, and what it costs is a moment of a cascade, a place in a
rate, and the sender's standing with a network that counts blocks. So the answer is kept, by address and channel, and
the next send is refused with the same reason before it goes out. It counts until the person writes on the channel, the
network says that they subscribed, or a consent of theirs is recorded, whichever is later than the send; and for
`LASTS` at most, for not every network tells when somebody changed their mind.

It is written after the outcome. Where the node dies in between, the next send goes out and finds it out again.

What a node remembers of it (who may be blocked) only spares the look-ups of everybody else: what counts is stored.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from tyrian.domain.consent import blocked
from tyrian.domain.reasons import BLOCKING
from tyrian.domain.submission import Plan
from tyrian.engine.consent import Consent
from tyrian.engine.known import Facts
from tyrian.engine.node import Node
from tyrian.engine.people import People
from tyrian.engine.ports import Channel, Clock
from tyrian.engine.reacting import Asked, Verdict, person_of
from tyrian.settings import Settings
from tyrian.store import blocks as store
from tyrian.store.batcher import Batcher
from tyrian.store.blocks import Block, Question
from tyrian.store.database import Database
from tyrian.store.writing import Write

log = logging.getLogger(__name__)

#: How long a network's answer counts at most.
LASTS: Final = timedelta(days=30)
#: People remembered as blocked; where there are more, everybody is looked up.
_REMEMBERED: Final = 250_000


class _Gateway(Protocol):
    """What blocks need of the gateway."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def node(self) -> Node: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def people(self) -> People: ...
    @property
    def consent(self) -> Consent: ...


class Blocks:
    """Learns of blocks from the outcomes of sends, and as a guard refuses what would run into one."""

    #: What a network said may be outdated, so that a message is accepted all the same: its steps are asked about
    #: when they are due.
    before_sending_only: Final = True

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway
        # Sessions tell who wrote later; they are kept for as long as messages are.
        self._lasts = min(LASTS, timedelta(days=gateway.settings.retention_days))
        self._people: set[int] = set()
        self._channels: set[int] = set()
        self._overfull = False
        self._writes: Batcher[Block, None] = Batcher(self._write, size=256, writers=1, linger=0.005)
        self._reads: Batcher[Question, Block | None] = Batcher(self._read, size=256, writers=2, linger=0.001)
        gateway.node.listen(store.CHANNEL, self._told)

    async def start(self) -> None:
        """Learns who has blocked a channel so far."""
        for channel_id, person in await store.newest(self._gateway.db, self._since(), _REMEMBERED + 1):
            self._remember(channel_id, person)

    async def drain(self) -> None:
        """Waits until what was learnt is written."""
        await self._writes.drain()

    async def forget(self) -> None:
        """Removes what does not count any more."""
        await store.forget(self._gateway.db, self._since())

    def _since(self) -> datetime:
        return self._gateway.clock.now() - self._lasts

    # -- What is remembered ---------------------------------------------------------------------------------------

    def _remember(self, channel_id: int, person: str) -> None:
        self._channels.add(channel_id)
        if len(self._people) < _REMEMBERED:
            self._people.add(hash((channel_id, person)))
        else:
            self._overfull = True

    def _may_be(self, channel_id: int, person: str) -> bool:
        return self._overfull or hash((channel_id, person)) in self._people

    def _told(self, payload: str) -> None:
        """Another node, or this one, learnt of a block. An empty payload says that something may have been missed:
        whoever is not remembered here is tried once more, and remembered then."""
        channel, _, person = payload.partition(" ")
        if person:
            self._remember(int(channel), person)

    # -- Learning -------------------------------------------------------------------------------------------------

    def refused(self, channel: Channel, facts: Facts, reason: str, began: datetime) -> None:
        """A network refused a send that began at a time."""
        if reason in BLOCKING:
            self._learn(Block(channel.id, person_of(facts.recipient), reason, facts.message_id, began))

    def heard(self, writes: Sequence[Write]) -> None:
        """Receipts were written: networks that say so afterwards are believed as well."""
        for one in writes:
            if one.attempt_reason in BLOCKING and not one.fenced:
                at = one.started_at or one.at
                self._learn(Block(one.channel_id, person_of(one.recipient), one.attempt_reason, one.message_id, at))

    def _learn(self, block: Block) -> None:
        self._writes.submit(block).add_done_callback(_complain)

    async def _write(self, batch: Sequence[Block]) -> list[None]:
        await store.write(self._gateway.db, batch)
        for one in batch:
            self._remember(one.channel_id, one.person)
        return [None] * len(batch)

    # -- The guard ------------------------------------------------------------------------------------------------

    def applies(self, account_id: int, channel: Channel, plan: Plan) -> bool:
        """Whether anybody is known to have blocked the channel, and the account wants that heeded."""
        return channel.id in self._channels and self._heeds(account_id)

    def _heeds(self, account_id: int) -> bool:
        account = self._gateway.consent.account(account_id)
        return account is None or account.policy is None or account.policy.heed_blocks

    async def judge(self, asked: Sequence[Asked]) -> Sequence[Verdict | None]:
        """Refuses sends to those who have blocked the channel, with the reason that its network gave."""
        found = await asyncio.gather(*(self._of(a.channel, a.person) for a in asked))
        return [Verdict(*blocked(b.reason, b.at, b.at + self._lasts)) if b is not None else None for b in found]

    async def _of(self, channel: Channel, person: str) -> Block | None:
        if not self._may_be(channel.id, person):
            return None
        return await self._reads.submit(self._question(channel, person))

    def _question(self, channel: Channel, person: str) -> Question:
        place = self._gateway.people.places.of(channel, person)
        return Question(channel.id, person, channel.account_id, place.scope, self._since())

    async def _read(self, asked: Sequence[Question]) -> list[Block | None]:
        found = await store.standing(self._gateway.db, asked)
        return [found.get(n) for n in range(len(asked))]

    async def standing(self, people: Sequence[tuple[Channel, str]]) -> list[Block | None]:
        """What counts of each of these people on a channel, whether or not the account heeds it."""
        asked = [self._question(channel, person_of(person)) for channel, person in people]
        return await self._read(asked)


def _complain(done: "asyncio.Future[None]") -> None:
    """What could not be written is found out again by the next send."""
    if not done.cancelled() and done.exception() is not None:
        log.warning("a block could not be written down: %r", done.exception())
