"""Turns: what people send, handed to those who react to it, each person's messages one after another.

A turn is written with its message, in the hands of the node that stored it, and removed once it was reacted to. What a
node that died had in hand is taken up by another. So every message is reacted to at least once.

A message that cannot be reacted to is tried again, and what the person sends meanwhile waits behind it. Only where
their messages come to several nodes may a later one overtake it.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec

from tyrian.domain.content import Base, Content
from tyrian.engine.channels import Channels
from tyrian.engine.node import Node
from tyrian.engine.ports import Channel, Clock
from tyrian.engine.reacting import Reaction, Said, Turn
from tyrian.store import turns as store
from tyrian.store.batcher import Batcher
from tyrian.store.database import LOST, Connection, Database, persist
from tyrian.store.inbound import NewTurns

log = logging.getLogger(__name__)

#: Seconds that a turn is held. Only one whose node lives on without finishing it is ever taken over by this.
LEASE: Final = 300.0
#: Seconds after which a turn is tried again, by how often it failed; after the last it is given up.
AGAIN: Final = (1.0, 5.0, 30.0, 300.0)
#: Seconds between two looks for turns that nobody has in hand.
_IDLE: Final = 2.0
_BATCH: Final = 200
#: Turns that are reacted to at the same time.
_AT_ONCE: Final = 256

_encode: Final = msgspec.json.Encoder().encode
_decode_content: Final = msgspec.json.Decoder(Content).decode


class _Gateway(Protocol):
    """What turns need of the gateway."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def channels(self) -> Channels: ...
    @property
    def node(self) -> Node: ...


class Turns:
    """The turns of this node. `reactions` are asked in their order, until one settles a message."""

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway
        self.reactions: list[Reaction] = []
        self._lines: dict[tuple[int, str], deque[Turn]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        #: People with a message that is tried again, and when: what they send meanwhile waits behind it.
        self._stalled: dict[tuple[int, str], datetime] = {}
        #: The turns in hand: one whose lease ran out while it was being reacted to is not begun a second time here.
        self._held: set[UUID] = set()
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._done: Batcher[UUID, None] = Batcher(self._remove, size=256, writers=1, linger=0.01, busy=0.05)
        self.failed = 0

    def wants(self, channel: Channel, content: Base, extra: dict[str, Any]) -> bool:
        """Whether anybody reacts to such a message of this channel."""
        return any(_concerned(reaction, channel, content, extra) for reaction in self.reactions)

    def new(self, said: Sequence[Said]) -> NewTurns:
        """The turns of messages, as they are written along with them."""
        now = self._gateway.clock.now()
        rows = [(s.row.id, s.row.account_id, s.channel.id, _encode(s.notes)) for s in said]
        return NewTurns(rows, self._gateway.node.number, now, now + timedelta(seconds=LEASE))

    async def make(self, connection: Connection, said: Sequence[Said]) -> None:
        """Writes the turns of messages, within the transaction that stores them."""
        await store.make(connection, self.new(said))

    def begin(self, said: Sequence[Said]) -> None:
        """Reacts to messages whose turns are durable now."""
        for one in said:
            row, message = one.row, one.message
            self._line_up(
                Turn(
                    row.id, row.account_id, one.channel, row.sender, message.content, row.received_at,
                    dict(message.extra), one.notes,
                )
            )  # fmt: skip

    async def run(self) -> None:
        """Takes up what nobody has in hand, until cancelled."""
        while True:
            try:
                while await self.take_up() == _BATCH:
                    pass
            except LOST as error:
                log.warning("turns wait for the database: %s", error)
            except Exception:
                log.exception("turns could not be taken up")
            await self._gateway.clock.sleep(_IDLE)

    async def take_up(self) -> int:
        """Takes up turns that were put off, or left by a node that died; returns how many."""
        now = self._gateway.clock.now()
        until = now + timedelta(seconds=LEASE)
        rows = await store.claim(self._gateway.db, now, self._gateway.node.number, until, _BATCH)
        if len(rows) < _BATCH:
            # Whatever was due has been taken up, here or elsewhere.
            self._stalled = {key: due for key, due in self._stalled.items() if due > now}
        for row in rows:
            if row["inbound_id"] in self._held:
                continue
            entry = self._gateway.channels.by_id(row["channel_id"])
            if entry is None:
                self._done.submit(row["inbound_id"])
            else:
                self._line_up(_turn(row, entry.channel))
        return len(rows)

    async def drain(self, seconds: float) -> None:
        """Waits for what is under way; what is not done by then is another node's."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._done.drain(), seconds)

    # -- Reacting -------------------------------------------------------------------------------------------------

    def _line_up(self, turn: Turn) -> None:
        self._held.add(turn.inbound_id)
        key = (turn.channel.id, turn.person)
        line = self._lines.get(key)
        if line is not None:
            line.append(turn)
            return
        self._lines[key] = deque([turn])
        task = asyncio.create_task(self._serve(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, key: tuple[int, str]) -> None:
        """One person's messages, one after another."""
        line = self._lines[key]
        try:
            while line:
                due = self._stalled.get(key)
                if due is not None:
                    await self._wait_behind(line, due)
                    continue
                turn = line.popleft()
                async with self._room:
                    await self._turn(turn)
        finally:
            del self._lines[key]

    async def _turn(self, turn: Turn) -> None:
        try:
            await self._react(turn)
        except Exception as error:
            self.failed += 1
            lost = isinstance(error, LOST)
            log.warning("message %s could not be reacted to: %r", turn.inbound_id, error, exc_info=not lost)
            await self._put_off(turn)
            return
        # The person's next message does not wait for that.
        self._done.submit(turn.inbound_id).add_done_callback(partial(self._removed, turn.inbound_id))

    def _removed(self, inbound_id: UUID, removing: "asyncio.Future[None]") -> None:
        self._held.discard(inbound_id)
        if not removing.cancelled() and removing.exception() is not None:
            log.error("the turn of message %s stays, and will be taken again: %r", inbound_id, removing.exception())

    async def _react(self, turn: Turn) -> None:
        for reaction in self.reactions:
            concerned = _concerned(reaction, turn.channel, turn.content, turn.extra)
            if concerned and await reaction.react(turn):
                return

    async def _put_off(self, turn: Turn) -> None:
        # Before it is given back: whoever takes it up then, be it this node, must not believe it to be in hand.
        self._held.discard(turn.inbound_id)
        try:
            if turn.tries >= len(AGAIN):
                log.error("message %s is not reacted to: that failed %d times", turn.inbound_id, turn.tries + 1)
                await self._done.submit(turn.inbound_id)
                return
            due = self._gateway.clock.now() + timedelta(seconds=AGAIN[turn.tries])
            self._stalled[turn.channel.id, turn.person] = due
            await persist(lambda: store.put_off(self._gateway.db, turn.inbound_id, due))
        except Exception as error:
            log.warning("the turn of message %s stays until its lease ends: %r", turn.inbound_id, error)

    async def _wait_behind(self, line: deque[Turn], due: datetime) -> None:
        """Puts a person's further messages off with the one before them, so that they are taken up in order."""
        ids = [turn.inbound_id for turn in line]
        line.clear()
        self._held.difference_update(ids)
        try:
            await persist(lambda: store.wait_behind(self._gateway.db, ids, due))
        except Exception as error:
            log.warning("the turns of messages %s stay until their leases end: %r", ids, error)

    async def _remove(self, ids: Sequence[UUID]) -> Sequence[None]:
        await store.done(self._gateway.db, ids)
        return [None] * len(ids)


def _concerned(reaction: Reaction, channel: Channel, content: Base, extra: dict[str, Any]) -> bool:
    concerns = getattr(reaction, "concerns", None)
    return reaction.wants(channel) and (concerns is None or bool(concerns(content, extra)))


def _turn(row: Any, channel: Channel) -> Turn:
    at: datetime = row["received_at"]
    extra = msgspec.json.decode(row["extra"]) if row["extra"] else {}
    notes = msgspec.json.decode(row["notes"])
    content = _decode_content(row["content"])
    return Turn(row["inbound_id"], row["account_id"], channel, row["sender"], content, at, extra, notes, row["tries"])
