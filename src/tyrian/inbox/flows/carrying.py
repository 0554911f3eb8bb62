"""Carrying out what a step has to say and do, so that a repeat says nothing twice.

Every effect has a key made of its run's id and its number. Intake and the inbox do the same thing only once for a key,
so whoever is not sure whether a step was carried out simply does it again.
"""

import logging
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, Protocol
from uuid import UUID

from tyrian.domain.content import Base as Content
from tyrian.domain.conversation import Author, By
from tyrian.domain.flow_content import offered
from tyrian.domain.flow_run import HandOver, Tell
from tyrian.domain.problem import Problem, Refused
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Plan, Recipient, Step, Submission
from tyrian.engine.channels import ChannelEntry, Channels
from tyrian.engine.inbox_port import NotNow, NotThere
from tyrian.engine.intake import Intake, Overtaken
from tyrian.inbox.flows.records import Record
from tyrian.store.intake import Along

log = logging.getLogger(__name__)

#: Runs whose last step is known to have been carried out by this node.
_REMEMBERED: Final = 20_000


class _Gateway(Protocol):
    """What carrying out needs of the gateway."""

    @property
    def channels(self) -> Channels: ...
    @property
    def intake(self) -> Intake: ...
    @property
    def inbox(self) -> Any: ...


class Carrier:
    """Carries out the effects of steps: of those that are committed, or one message along with its step."""

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway
        self._done: OrderedDict[UUID, int] = OrderedDict()
        self.said = 0

    async def carry(self, record: Record) -> str | None:
        """Does what the last step of a run has to do. Returns the outcome that the run must end with if it cannot."""
        row = record.row
        if not record.envelope.pending or self._done.get(row.id) == row.tick:
            return None
        entry = self._gateway.channels.by_id(row.channel_id)
        if entry is None:
            return "flow_removed"
        for effect in record.envelope.pending:
            trouble = await (
                self._tell(entry, record, effect)
                if isinstance(effect, Tell)
                else self._hand_over(entry, record, effect)
            )
            if trouble is not None:
                return trouble
        self._remember(record)
        return None

    def _remember(self, record: Record) -> None:
        self._done[record.row.id] = record.row.tick
        self._done.move_to_end(record.row.id)
        if len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)

    def shows(self, record: Record) -> bool:
        """Whether what a run says is shown in a thread, too: that is another thing to carry out."""
        inbox = self._gateway.inbox
        return inbox is not None and inbox.channel_inbox(record.row.channel_id) is not None

    async def commit(self, record: Record, effect: Tell, along: Along) -> bool:
        """Commits a step (`along`) and the one message that it comes to, together; False if the step came too late.

        Raises `Refused` where the message may not be sent; nothing is committed then.
        """
        entry = self._gateway.channels.by_id(record.row.channel_id)
        if entry is None:
            raise Refused([Problem("", "the channel was removed", "channel_removed")])
        submission, content = self._submission(entry, record, effect)
        try:
            accepted = await self._gateway.intake.submit(submission, along)
        except Overtaken:
            return False
        self.said += 1
        await self._show(entry, record, accepted.messages[0].id, content)
        self._remember(record)
        return True

    async def _tell(self, entry: ChannelEntry, record: Record, effect: Tell) -> str | None:
        submission, content = self._submission(entry, record, effect)
        try:
            accepted = await self._gateway.intake.submit(submission)
        except Refused as refused:
            log.info("flow run %s ends: its message was refused: %s", record.row.id, refused)
            return "refused"
        self.said += 1
        await self._show(entry, record, accepted.messages[0].id, content)
        return None

    def _submission(self, entry: ChannelEntry, record: Record, effect: Tell) -> tuple[Submission, Content]:
        """What a step says, as intake takes it. A record without pending effects is never carried out again."""
        row = record.row
        content = offered(effect.content, effect.options, entry.capabilities, mark(row.id, effect.step))
        plan = Plan(cascade=[Step(channel=entry.channel.name, content=content)], purpose=Purpose.SESSION)  # type: ignore[arg-type]
        key = _key(row.id, effect.number) if record.envelope.pending else None
        recipients = [Recipient(to=row.sender)]
        return Submission(account_id=row.account_id, plan=plan, recipients=recipients, idempotency_key=key), content

    async def _show(self, entry: ChannelEntry, record: Record, message_id: UUID, content: Content) -> None:
        """Shows in the person's thread what was said to them, where the channel has an inbox."""
        if not self.shows(record):
            return
        inbox, row = self._gateway.inbox, record.row
        by = Author(By.FLOW, str(row.flow_id))
        await inbox.record(row.account_id, entry.channel, row.person, message_id=message_id, content=content, by=by)

    async def _hand_over(self, entry: ChannelEntry, record: Record, effect: HandOver) -> str | None:
        row = record.row
        if self._gateway.inbox is None:
            return "no_inbox"
        try:
            await self._gateway.inbox.handover(
                row.account_id,
                entry.channel,
                row.person,
                queue=effect.queue,
                agent=effect.agent,
                note=effect.note,
                context=effect.context,
                key=_key(row.id, effect.number),
            )
        except (Refused, NotThere, NotNow) as error:
            log.warning("flow run %s could not hand its person over: %s", row.id, error)
            return "no_inbox"
        return None


def mark(run_id: UUID, step: str) -> dict[str, str]:
    """What a button of a flow carries besides its choice."""
    return {"run": str(run_id), "step": step}


def marked(data: Any) -> Mapping[str, str] | None:
    """The same, read back; None for a button that is no flow's."""
    if isinstance(data, dict) and all(isinstance(data.get(name), str) for name in ("run", "step", "choice")):
        return data
    return None


def _key(run_id: UUID, number: int) -> str:
    return f"flow:{run_id}:{number}"
