"""Sessions: session content goes to a person for a day after their last message, and so much of it.

What people write prolongs their sessions, in the transaction that stores it. A guard asks for session content on the
channels where the rule holds. Where no session is open, it goes nowhere; or the channel's opt-in message goes out in
its place, and it waits until the person writes.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from tyrian.domain import lifecycle, session as rules
from tyrian.domain.problem import Refused
from tyrian.domain.purpose import Purpose
from tyrian.domain.session import NOTHING, Session, SessionState
from tyrian.domain.submission import MAX_VALIDITY, MIN_VALIDITY, Plan, Recipient, Step, Submission
from tyrian.engine.channels import Channels
from tyrian.engine.intake import Accepted, IdempotencyConflict
from tyrian.engine.known import Facts, steps_of
from tyrian.engine.ports import Channel, Clock
from tyrian.engine.reacting import Asked, Said, Turn, Verdict, person_of
from tyrian.store import sessions as store
from tyrian.store.batcher import Batcher
from tyrian.store.database import Database
from tyrian.store.sessions import Going, Heard, Key, Stored

log = logging.getLogger(__name__)

#: A send this close is now: of one that is later nobody knows whether the person will have written by then.
_NOW: Final = timedelta(seconds=1)
#: How often, and after how many seconds, a message is asked after again that is about to be put off.
_LOOKS: Final = 40
_LOOK: Final = 0.05


class _Intake(Protocol):
    async def submit(self, submission: Submission) -> Accepted: ...
    def on_due(self, channels: set[int]) -> None: ...


class _Gateway(Protocol):
    """What sessions need of the gateway."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def channels(self) -> Channels: ...
    @property
    def intake(self) -> _Intake: ...


def enforced(channels: Channels, channel: Channel) -> bool:
    """Whether session content on a channel needs an open session."""
    entry = channels.by_id(channel.id)
    return entry is not None and channel.sessions.holds_on(entry.network)


class Sessions:
    """The sessions of all people. What a person writes prolongs theirs, in the statement that stores it."""

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway

    async def state(self, account_id: int, channel_id: int, person: str) -> SessionState:
        """How things stand between a person and a channel of the account; of no other's is anything told."""
        entry = self._gateway.channels.by_id(channel_id)
        now = self._gateway.clock.now()
        if entry is None or entry.channel.account_id != account_id:
            return rules.state(NOTHING, rules.DEFAULT, now, agreed=False)
        found = await store.one(self._gateway.db, (channel_id, person_of(person)), account_id)
        return self._state(found, entry.channel, now)

    async def opened(
        self, account_id: int, after: Key, channel_id: int | None, limit: int
    ) -> list[tuple[Key, SessionState]]:
        """The account's open sessions, those after a key, by channel and person."""
        now = self._gateway.clock.now()
        found = await store.opened(self._gateway.db, account_id, now, after, channel_id, limit)
        shown = []
        for stored in found:
            entry = self._gateway.channels.by_id(stored.key[0])
            shown.append((stored.key, self._state(stored, entry.channel if entry is not None else None, now)))
        return shown

    def _state(self, found: Stored, channel: Channel | None, now: datetime) -> SessionState:
        settings = channel.sessions if channel is not None else rules.DEFAULT
        agreed = rules.opted_in(found.session.last_inbound_at, found.network, found.recorded)
        return rules.state(found.session, settings, now, agreed=agreed)

    async def forget(self, before: datetime) -> None:
        """Removes what ended before a moment."""
        await store.forget(self._gateway.db, before)


def heard(said: Said) -> Heard:
    """What a message does to its sender's session. The time is ours: a network's clock may be wrong."""
    row, channel = said.row, said.channel
    return Heard(channel.id, person_of(row.sender), row.account_id, row.received_at, channel.sessions)


class SessionGuard:
    """Lets session content go where a session is open and has room, and counts it.

    It is counted when its attempt goes out for the first time, not when it is accepted: many may wait at once.
    """

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway
        self._counts: Batcher[Asked, Session] = Batcher(
            self._count, size=256, writers=2, linger=0.001, busy=0.01, patience=float("inf")
        )

    def applies(self, account_id: int, channel: Channel, plan: Plan) -> bool:
        """Session content, where the rule holds."""
        return plan.purpose is Purpose.SESSION and enforced(self._gateway.channels, channel)

    async def judge(self, asked: Sequence[Asked]) -> Sequence[Verdict | None]:
        """A verdict on each."""
        going = [one for one in asked if one.attempt is not None]
        soon = self._gateway.clock.now() + _NOW
        accepted = [one for one in asked if one.attempt is None and one.at <= soon]
        sent = await asyncio.gather(*(self._sent(one) for one in going))
        verdicts = {id(one): verdict for one, verdict in zip(going, sent, strict=True)}
        if accepted:
            known = await store.find(self._gateway.db, [_key(one) for one in accepted])
            for one in accepted:
                verdicts[id(one)] = self._accepted(one, known.get(_key(one), NOTHING))
        return [verdicts.get(id(one)) for one in asked]

    def _accepted(self, one: Asked, session: Session) -> Verdict | None:
        """What is asked about at its acceptance is put off, at most, where an opt-in message will be sent for it."""
        reason = rules.refusal(session, one.channel.sessions, self._gateway.clock.now())
        if reason is None:
            return None
        verdict = _verdict(reason, one.channel)
        if reason == rules.CLOSED and one.channel.sessions.opt_in is not None:
            verdict.until = one.at
        return verdict

    # -- Before a send --------------------------------------------------------------------------------------------

    async def _sent(self, one: Asked) -> Verdict | None:
        assert one.attempt is not None
        while True:
            session, now = await self._counts.submit(one), self._gateway.clock.now()
            reason = rules.refusal(session, one.channel.sessions, one.at, one.attempt.attempt_id)
            if reason is None:
                return None
            verdict = _verdict(reason, one.channel)
            if reason != rules.CLOSED or one.channel.sessions.opt_in is None:
                return verdict
            settings = one.channel.sessions
            waiting = await store.wait(
                self._gateway.db, _key(one), one.account_id, one.attempt.message_id, settings, now
            )
            if waiting.waits:
                break
            one.at = now
        if not waiting.asked and not await self._ask(one, waiting.session, one.attempt):
            return verdict
        verdict.until = _ends(one.plan, one.attempt)
        return verdict

    async def _count(self, batch: Sequence[Asked]) -> list[Session]:
        """The sessions as they were before each was counted. Two of one person are counted one after the other."""
        found: dict[int, Session] = {}
        left = list(batch)
        while left:
            turn = {_key(one): one for one in reversed(left)}
            going = [
                Going(*key, one.attempt.attempt_id, one.channel.sessions.unanswered_limit, one.at)
                for key, one in turn.items()
                if one.attempt is not None
            ]
            known = await store.count(self._gateway.db, going)
            found |= {id(one): known.get(key, NOTHING) for key, one in turn.items()}
            left = [one for one in left if id(one) not in found]
        return [found[id(one)] for one in batch]

    async def _ask(self, one: Asked, session: Session, facts: Facts) -> bool:
        """Sends the opt-in message, once for the time since the person's last message; whether it could be."""
        opt_in = one.channel.sessions.opt_in
        assert opt_in is not None
        assert facts.valid_until is not None
        now, since = self._gateway.clock.now(), session.last_inbound_at
        left = int((facts.valid_until - now).total_seconds())
        plan = Plan(
            cascade=[Step(channel=one.channel.name, content=opt_in.content)],
            purpose=rules.purpose_of(opt_in),
            validity=min(max(left, MIN_VALIDITY), MAX_VALIDITY),
        )
        submission = Submission(
            account_id=one.account_id,
            plan=plan,
            recipients=[Recipient(to=facts.recipient)],
            idempotency_key=f"opt-in:{one.channel.id}:{one.person}:{since.isoformat() if since else ''}",
            fingerprint=b"opt-in",
        )
        try:
            await self._gateway.intake.submit(submission)
        except IdempotencyConflict:
            log.warning("an idempotency key of an opt-in message on channel %s is taken", one.channel.name)
        except Refused as error:
            log.info("channel %s: no opt-in message may go out: %s", one.channel.name, error)
            return False
        await store.asked(self._gateway.db, _key(one), since, now)
        return True


class Answered:
    """A reaction: who writes is sent what waited for that."""

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway

    def wants(self, channel: Channel) -> bool:
        """Where opt-in messages go out."""
        return channel.sessions.opt_in is not None and enforced(self._gateway.channels, channel)

    async def react(self, turn: Turn) -> bool:
        """Makes what waited due. What is about to be put off is looked for again."""
        held = 0
        for _ in range(_LOOKS):
            due, held = await store.release(self._gateway.db, (turn.channel.id, turn.person), self._gateway.clock.now())
            if due:
                self._gateway.intake.on_due({turn.channel.id})
            if not held:
                return False
            await asyncio.sleep(_LOOK)
        raise RuntimeError(f"{held} messages that wait for this person are in somebody's hands")


def _key(one: Asked) -> Key:
    return one.channel.id, one.person


def _ends(plan: Plan, facts: Facts) -> datetime:
    """When an attempt's time is up."""
    assert facts.valid_until is not None
    assert facts.started_at is not None
    sending = lifecycle.Status.SENDING
    message = lifecycle.Message(sending, facts.step, steps_of(plan), facts.valid_until)
    return lifecycle.attempt_deadline(message, lifecycle.Attempt(facts.step, sending, facts.started_at))


def _verdict(reason: str, channel: Channel) -> Verdict:
    return Verdict(reason, rules.sentence(reason, channel.sessions))
