"""Work finds agents: whoever waits in a queue is put before an agent with room, and what is due is done.

Any node does any of it. An agent is picked while the account is held, so that two nodes cannot fill the same place.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from enum import Enum
from typing import Final
from uuid import UUID

from tyrian.domain.conversation import SYSTEM, LegState, Pick, Role
from tyrian.domain.conversation_facts import alerts_until, last_agent, last_word, passed_over
from tyrian.domain.conversation_moves import Alert, Close, Decline
from tyrian.domain.opening import is_open
from tyrian.engine.inbox_port import NotNow
from tyrian.inbox.base import Base
from tyrian.inbox.work import Work
from tyrian.store import inbox as store, inbox_people as people
from tyrian.store.database import LOST, Connection

log = logging.getLogger(__name__)

#: Seconds between two looks at what is due and who waits.
IDLE: Final = 2.0
_BATCH: Final = 100
#: How long a conversation with which something is wrong is left alone.
AGAIN: Final = timedelta(seconds=60)


class Found(Enum):
    """What looking for an agent came to."""

    AGENT = "agent"
    NOBODY = "nobody"
    #: Those with room have declined or missed it.
    NOT_THESE = "not_these"
    NOT_WAITING = "not_waiting"


class Routing:
    """Assigns, and does what is due."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self.assigned = 0
        base.on_changed = self.after

    async def run(self) -> None:
        """Looks again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except LOST as error:
                log.warning("the inbox waits for the database: %s", error)
            except Exception:
                log.exception("what is due in the inbox could not be done")
            await self._base.gateway.clock.sleep(IDLE)

    async def look(self) -> None:
        """Does what is due, and finds agents for those who wait."""
        while due := await store.due(self._base.db, self._base.now(), _BATCH):
            for account_id, conversation_id in due:
                await self.settle(account_id, conversation_id)
        for account_id, queue_id in await people.queues_in_use(self._base.db):
            await self.fill(account_id, [queue_id])

    async def after(self, works: Sequence[Work]) -> None:
        """What follows from a change: who waits is assigned, and who was released gets the next."""
        for work in works:
            if work.row.waiting:
                await self.assign(work.it.account_id, work.it.id)
            for agent_id in work.released():
                found = await people.agents(self._base.db, work.it.account_id, identifier=agent_id)
                if found:
                    await self.fill(work.it.account_id, found[0].queues)

    async def fill(self, account_id: int, queue_ids: Sequence[UUID]) -> None:
        """Puts whoever waits in these queues before agents, as long as there is one with room."""
        some = True
        while some:
            some = False
            for conversation_id in await people.waiting(self._base.db, queue_ids, _BATCH):
                found = await self._try(account_id, conversation_id)
                if found is Found.NOBODY and len(queue_ids) == 1:
                    return
                some |= found is Found.AGENT

    async def _try(self, account_id: int, conversation_id: UUID) -> "Found":
        """Assigns one; where that fails, those behind it are looked at all the same."""
        try:
            return await self.assign(account_id, conversation_id)
        except Exception as error:
            lost = isinstance(error, LOST)
            log.warning("conversation %s still waits for an agent: %r", conversation_id, error, exc_info=not lost)
            return Found.NOT_THESE

    async def assign(self, account_id: int, conversation_id: UUID) -> "Found":
        """Puts one that waits before the agent who is next."""
        base = self._base
        async with base.db.transaction() as connection:
            row = await store.lock(connection, account_id, conversation_id)
            if row is None or not row.waiting:
                return Found.NOT_WAITING
            work = base.work(row)
            alert = await self._pick(connection, work)
            if alert is None:
                return Found.NOT_THESE if passed_over(work.it) else Found.NOBODY
            work.move(alert, SYSTEM)
            await people.assigned(connection, alert.agent_id, work.now)
            await base.write(connection, [work])
        self.assigned += 1
        base.tell([account_id])
        return Found.AGENT

    async def _pick(self, connection: Connection, work: Work) -> Alert | None:
        it = work.it
        if it.queue_id is None:
            return None
        queues = await people.queues(connection, it.account_id, identifier=it.queue_id)
        if not queues or queues[0].pick is Pick.MANUAL or not is_open(queues[0].hours, queues[0].timezone, work.now):
            return None
        queue = queues[0]
        await store.hold(connection, [it.account_id])
        passed = [UUID(who) for who in passed_over(it)]
        passed += [UUID(leg.who) for leg in it.live(Role.AGENT) if leg.who]
        picked = await people.pick_agent(connection, it.account_id, queue, passed, last_agent(it))
        if picked is None:
            return None
        until = work.now + timedelta(seconds=queue.alert_time) if queue.alert_time is not None else None
        return Alert(picked[0], picked[1], picked=True, until=until)

    async def settle(self, account_id: int, conversation_id: UUID) -> None:
        """Does what is due of one conversation: an agent has missed it, or nothing was said for too long.

        Where that fails it is put off, so that it does not hold up those behind it.
        """

        async def plan(connection: Connection, work: Work) -> None:
            await self._settle(connection, work)

        try:
            await self._base.change(account_id, conversation_id, plan)
            return
        except NotNow as error:
            log.debug("conversation %s is no longer due: %s", conversation_id, error)
        except Exception as error:
            lost = isinstance(error, LOST)
            log.warning("conversation %s will be looked at again: %r", conversation_id, error, exc_info=not lost)
        now = self._base.now()
        await store.put_off(self._base.db, conversation_id, now, now + AGAIN)

    async def _settle(self, connection: Connection, work: Work) -> None:
        until = alerts_until(work.it)
        if until is not None and until <= work.now:
            leg = next(leg for leg in work.it.live(Role.AGENT) if leg.state is LegState.ALERTING and leg.until == until)
            name = await queue_name(connection, work)
            work.move(Decline(leg_id=leg.id, missed=True, queue_name=name), SYSTEM)
            if leg.who is not None:
                await store.hold(connection, [work.it.account_id])
                await people.went_away(connection, UUID(leg.who), work.now)
        inbox = self._base.inbox_of(work.it.channel_id)
        idle = inbox.idle_time if inbox is not None else None
        if not work.it.closed and idle is not None and last_word(work.it) + timedelta(seconds=idle) <= work.now:
            work.move(Close(SYSTEM), SYSTEM)


async def queue_name(connection: Connection, work: Work) -> str | None:
    """The name of the queue that a conversation belongs to."""
    if work.it.queue_id is None:
        return None
    found = await people.queues(connection, work.it.account_id, identifier=work.it.queue_id)
    return found[0].name if found else None
