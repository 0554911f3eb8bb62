"""Answers: handed to intake under the rules of the session, and shown in the thread once they are taken.

An answer is written down before it is handed in, so that it comes into its thread even if the node dies in between:
any node looks up later what became of it.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from tyrian.domain import limits
from tyrian.domain.content import Base as Neutral, Content
from tyrian.domain.conversation import Author, By, Conversation, Item, ItemKind, Role
from tyrian.domain.conversation_facts import answered_after
from tyrian.domain.conversation_moves import Wrote
from tyrian.domain.problem import Problem, Refused
from tyrian.domain.purpose import Purpose
from tyrian.domain.session import CLOSED
from tyrian.domain.submission import Plan, Step, Submission
from tyrian.engine.checking import check_links
from tyrian.engine.inbox_port import NotNow, NotThere
from tyrian.engine.intake import IdempotencyConflict
from tyrian.engine.ports import Channel
from tyrian.engine.reacting import person_of
from tyrian.inbox.alone import Alone, Open, alone, is_alone
from tyrian.inbox.base import Base, fingerprint, handed_in, spelled
from tyrian.inbox.work import Work
from tyrian.store import inbox as store, inbox_reading as reading
from tyrian.store.database import LOST, Connection

log = logging.getLogger(__name__)

#: How long an answer may be on its way into intake before another node looks what became of it.
LEFT: Final = timedelta(seconds=60)
_BATCH: Final = 100
#: What can be done where a rule of sessions stands against an answer.
_INSTEAD: Final = {
    CLOSED: (
        "; until they write, only another purpose than session may go out (transactional, say), and a channel with an "
        "opt-in message (sessions.opt_in) asks them to write and sends the answer then"
    ),
}


class Sending:
    """Sends in conversations."""

    def __init__(self, base: Base, opened: Open) -> None:
        self._base = base
        self._alone = Alone(base, opened)

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
        """Sends to the person. See `engine.inbox_port.Inbox.send`."""
        conversation = await self._base.must(account_id, conversation_id)
        item = self._line(conversation, content, by, leg_id, data or {})
        if key is None:
            submission = self._submission(conversation, item, purpose)
            async with self._base.db.transaction() as connection:
                await store.begin_send(connection, account_id, item)
        else:
            print_ = fingerprint(conversation_id, "send", content, by, purpose)
            begun = await self._begin(account_id, key, print_, conversation, item, purpose)
            if isinstance(begun, Item):
                return begun
            submission, item = begun
        return await self._hand_in(account_id, item, submission)

    def _line(
        self, conversation: Conversation, content: Content, by: Author, leg_id: UUID | None, data: Mapping[str, Any]
    ) -> Item:
        return Item(
            id=self._base.new(),
            conversation_id=conversation.id,
            kind=ItemKind.OUTBOUND,
            at=self._base.now(),
            author=by,
            content=content,
            channel_id=conversation.channel_id,
            leg_id=leg_id or _leg_of(conversation, by),
            data=dict(data),
        )

    async def _begin(
        self, account_id: int, key: str, print_: bytes, conversation: Conversation, item: Item, purpose: Purpose
    ) -> Item | tuple[Submission, Item]:
        """The line that the key stands for already, or what to hand in and its line."""
        async with self._base.db.transaction() as connection:
            earlier = await self._base.repeated(connection, account_id, key, print_, item.id)
            if earlier is None:
                submission = self._submission(conversation, item, purpose)
                await store.begin_send(connection, account_id, item)
                return submission, item
            done = await store.item(connection, account_id, earlier)
            if done is None:
                item = await store.pending_send(connection, earlier) or msgspec.structs.replace(item, id=earlier)
                await store.begin_send(connection, account_id, item)
        if done is not None:
            return (await reading.with_status(self._base.db, [done]))[0]
        return self._submission(conversation, item, purpose), item

    def _submission(self, conversation: Conversation, item: Item, purpose: Purpose) -> Submission:
        """What is handed in. Raises `NotNow` and `Refused`."""
        if conversation.closed:
            raise NotNow("the conversation is closed; reopen it first")
        entry = self._base.channel(conversation)
        content = item.content
        assert content is not None
        step = Step(channel=entry.channel.name, content=content)
        found = limits.check(content, purpose, entry.capabilities, "/content")
        found += check_links(self._base.gateway.channels, conversation.account_id, step, None, "/content")
        if found:
            raise Refused(found)
        to = spelled(entry, conversation.address, "/conversation_id")
        plan = Plan(cascade=[step], purpose=purpose, conversation_id=conversation.id)
        return handed_in(conversation.account_id, item.id, plan, to)

    async def _hand_in(self, account_id: int, item: Item, submission: Submission) -> Item:
        try:
            accepted = await self._base.gateway.intake.submit(submission)
        except Refused as refused:
            await store.drop_send(self._base.db, account_id, item.id)
            raise Refused([_of_conversation(problem) for problem in refused.problems]) from refused
        except IdempotencyConflict:
            await store.drop_send(self._base.db, account_id, item.id)
            raise
        sent = accepted.messages[0]
        shown = await self._show(account_id, item, sent.id)
        shown.status = sent.status
        return shown

    async def _show(self, account_id: int, item: Item, message_id: UUID) -> Item:
        """Puts an answer that was taken into its thread, once."""
        shown: list[Item] = []
        first: list[float] = []

        async def plan(connection: Connection, work: Work) -> None:
            await store.end_send(connection, item.id)
            known = await store.shown(connection, message_id)
            if known is not None:
                shown.append(known)
                return
            if not work.it.closed:
                before = answered_after(work.it)
                work.move(Wrote(item.author), item.author)
                after = answered_after(work.it) if before is None else None
                first.extend([after] if after is not None else [])
            line = msgspec.structs.replace(
                item, message_id=message_id, leg_id=item.leg_id or _leg_of(work.it, item.author)
            )
            work.append(line)
            shown.append(line)

        await self._base.change(account_id, item.conversation_id, plan)
        for seconds in first:
            self._base.gateway.metrics.answered(account_id, seconds)
        return shown[-1]

    async def send_planned(self, account_id: int, conversation_id: UUID, plan: Plan, by: Author) -> Item:
        """Sends by a plan of the caller's. See `engine.inbox_port.Inbox.send_planned`."""
        conversation = await self._base.must(account_id, conversation_id)
        to = spelled(self._base.channel(conversation), conversation.address, "/conversation_id")
        item = self._line(conversation, plan.cascade[0].content, by, None, {})
        async with self._base.db.transaction() as connection:
            await store.begin_send(connection, account_id, item)
        return await self._hand_in(account_id, item, handed_in(account_id, item.id, plan, to))

    async def send_alone(self, account_id: int, channel: Channel, person: str, content: Content, by: Author) -> Item:
        """Sends outside of any conversation. See `engine.inbox_port.Inbox.send_alone`."""
        item, submission = alone(self._base, channel, person, content, by)
        async with self._base.db.transaction() as connection:
            await store.begin_send(connection, account_id, item)
        try:
            accepted = await self._base.gateway.intake.submit(submission)
        except Refused:
            await store.drop_send(self._base.db, account_id, item.id)
            raise
        shown = await self._alone.show(account_id, item, accepted.messages[0].id)
        shown.status = accepted.messages[0].status
        return shown

    async def record(
        self, account_id: int, channel: Channel, person: str, *, message_id: UUID, content: Neutral, by: Author
    ) -> Item | None:
        """Shows a message that was sent otherwise. See `engine.inbox_port.Inbox.record`."""
        conversation = await store.find(self._base.db, channel.id, person_of(person))
        if conversation is None or conversation.closed or conversation.account_id != account_id:
            return None
        item = Item(
            id=self._base.new(),
            conversation_id=conversation.id,
            kind=ItemKind.OUTBOUND,
            at=self._base.now(),
            author=by,
            content=content,  # type: ignore[arg-type]  # every content that there is is one of the union
            channel_id=channel.id,
        )
        return await self._show(account_id, item, message_id)

    async def mend(self) -> int:
        """Finds out what became of answers whose node died while they were handed in; how many there were.

        One of which that cannot be found out is looked at again later, and does not hold up those behind it.
        """
        now, found = self._base.now(), 0
        while left := await store.left_behind(self._base.db, now - LEFT, now, _BATCH):
            for one in left:
                await self._try(one)
            found += len(left)
        return found

    async def _try(self, left: store.LeftBehind) -> None:
        try:
            await self._mend(left)
        except Exception as error:
            lost = isinstance(error, LOST)
            words = "what became of answer %s of account %d will be looked up again: %r"
            log.warning(words, left.item_id, left.account_id, error, exc_info=not lost)

    async def _mend(self, left: store.LeftBehind) -> None:
        if left.answer is None:
            await store.drop_send(self._base.db, left.account_id, left.item_id)
            return
        item, message_id = left.item, _message_of(left.answer)
        show = self._alone.show if is_alone(item) else self._show
        try:
            await show(left.account_id, item, message_id)
        except (NotNow, NotThere, Refused) as error:
            log.warning("an answer of account %d comes into no conversation: %s", left.account_id, error)
            await store.end_send(self._base.db, left.item_id)


class _Message(msgspec.Struct):
    id: UUID


class _Accepted(msgspec.Struct):
    messages: list[_Message]


def _message_of(answer: bytes) -> UUID:
    """The message in intake's answer."""
    return msgspec.json.decode(answer, type=_Accepted).messages[0].id


def _leg_of(conversation: Conversation, by: Author) -> UUID | None:
    """The leg that an author writes from."""
    role = {By.AGENT: Role.AGENT, By.API: Role.API, By.FLOW: Role.FLOW}.get(by.kind)
    legs = [leg for leg in conversation.live(role) if by.id is None or leg.who == by.id] if role is not None else []
    return legs[-1].id if legs else None


def _of_conversation(problem: Problem) -> Problem:
    """A problem of a message in the words of whoever answers: there is no recipient to point at, but the whole."""
    if problem.pointer != "/to":
        return problem
    instead = _INSTEAD.get(problem.code, "")
    return problem._replace(pointer="", message=f"{problem.message}{instead}")
