"""Consent: who may be written to, by what people agreed to and by the rules of the account.

As a guard it is asked when a message is accepted and right before it is sent. Which accounts have anything to ask is
known from memory, so that one without opt-outs, suppressions and rules costs nothing. Messages that are asked about at
the same time share their look-ups.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec

from tyrian.domain import consent as rules
from tyrian.domain.consent import EVERY_CHANNEL, EVERY_PURPOSE, Finding, Policy
from tyrian.domain.ids import Ids
from tyrian.domain.people import Contact, Place
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Plan
from tyrian.engine.people import API, People
from tyrian.engine.ports import Channel, Clock
from tyrian.engine.reacting import Asked, Verdict
from tyrian.store import caps, consent as store, people as contacts
from tyrian.store.batcher import Batcher
from tyrian.store.consent import Found, Question
from tyrian.store.database import LOST, Database
from tyrian.store.people import Meeting

log = logging.getLogger(__name__)

#: What a plan says of itself (in `extra`) that answers an opt-out: nothing stands against it.
CONFIRMS: Final = "confirms_consent"
#: Seconds between two looks at the database where no change is announced.
POLL: Final = 5.0
#: Seconds that whoever accepts a message waits while the database is away.
PATIENCE: Final = 10.0
#: How long a send is put off that could not be judged.
_AGAIN: Final = timedelta(seconds=5)
#: Earlier than now by so little is now, when a message is accepted.
_NOW: Final = timedelta(seconds=1)

_decode_policy: Final = msgspec.json.Decoder(Policy).decode


@dataclass(slots=True)
class Account:
    """What this node remembers of an account."""

    policy: Policy | None = None
    #: Somebody ever opted out, or was suppressed.
    leaving: bool = False
    suppressing: bool = False
    body: bytes | None = None


@dataclass(slots=True)
class Record:
    """A consent to write: of a contact, or of whoever has an address."""

    who: UUID | Place
    granted: bool
    channel_id: int = EVERY_CHANNEL
    purpose: str = EVERY_PURPOSE
    source: str = API
    evidence: str | None = None
    at: datetime | None = None


@dataclass(slots=True)
class _Case:
    """A message that is being judged."""

    question: Question
    purpose: Purpose
    policy: Policy | None
    #: When the message is given up.
    ends: datetime
    sending: bool
    now: datetime
    found: Found | None = field(default=None)


class _Gateway(Protocol):
    """What consent needs of the gateway."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def ids(self) -> Ids: ...
    @property
    def people(self) -> People: ...


class Consent:
    """The guard, the policies, and the records of what people agreed to."""

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway
        self._accounts: dict[int, Account] = {}
        self._cases: Batcher[_Case, Finding | None] = Batcher(self._judge, size=256, writers=2, patience=PATIENCE)
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()

    # -- What is remembered ---------------------------------------------------------------------------------------

    def account(self, account_id: int) -> Account | None:
        """What this node remembers of an account; None where there is nothing to ask."""
        return self._accounts.get(account_id)

    def refresh_soon(self) -> None:
        """A change was announced: have a look without delay."""
        self._wake.set()

    async def refresh(self) -> None:
        """Brings the memory up to what is committed."""
        async with self._turn:
            rows = await store.accounts(self._gateway.db)
            self._accounts = {row.account_id: self._remembered(row) for row in rows}

    def _remembered(self, row: store.Account) -> Account:
        known = self._accounts.get(row.account_id)
        if known is not None and known.body == row.policy:
            return Account(known.policy, row.leaving, row.suppressing, row.policy)
        return Account(_read(row.account_id, row.policy), row.leaving, row.suppressing, row.policy)

    async def run(self) -> None:
        """Keeps the memory up to date until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), POLL)
            self._wake.clear()
            try:
                await self.refresh()
            except LOST as error:
                log.warning("the rules of consent cannot be read now: %s", error)
                await asyncio.sleep(0.2)
            except Exception:
                log.exception("the rules of consent could not be brought up to date")

    def without_leavers(self, account_ids: Iterable[int]) -> list[int]:
        """Those of these accounts of which it is not known here that anybody ever left."""
        return [i for i in dict.fromkeys(account_ids) if (a := self._accounts.get(i)) is None or not a.leaving]

    # -- The guard ------------------------------------------------------------------------------------------------

    def applies(self, account_id: int, channel: Channel, plan: Plan) -> bool:
        """Whether anything may stand against a message of this account."""
        account = self._accounts.get(account_id)
        if account is None or (plan.extra is not None and CONFIRMS in plan.extra):
            return False
        if account.leaving or account.suppressing:
            return True
        return account.policy is not None and account.policy.concerns(plan.purpose)

    async def judge(self, asked: Sequence[Asked]) -> Sequence[Verdict | None]:
        """The first rule that each message breaks.

        A send that cannot be judged is put off: it has not gone out, and must not count as if it might have.
        """
        try:
            found = await asyncio.gather(*(self._cases.submit(self._case(a)) for a in asked))
        except Exception as error:
            if any(a.attempt is None for a in asked):
                raise
            log.warning("whether %d messages may be sent could not be told; they wait: %r", len(asked), error)
            later = self._gateway.clock.now() + _AGAIN
            return [Verdict("interrupted", "could not be judged", later) for _ in asked]
        return [Verdict(*finding) if finding is not None else None for finding in found]

    async def check(
        self, account_id: int, channel: Channel, person: str, purpose: Purpose, at: datetime, ends: datetime
    ) -> Finding | None:
        """The rule that would keep such a message from being sent. Nothing is counted."""
        place = self._gateway.people.places.of(channel, person)
        question = Question(account_id, place, channel.id, purpose.value, at)
        return await self._cases.submit(self._made(question, purpose, ends, sending=False))

    def _case(self, asked: Asked) -> _Case:
        place = self._gateway.people.places.of(asked.channel, asked.person)
        attempt, purpose = asked.attempt, asked.plan.purpose
        message_id = attempt.message_id if attempt is not None else None
        question = Question(asked.account_id, place, asked.channel.id, purpose.value, asked.at, message_id)
        ends = attempt.valid_until if attempt is not None else None
        given_up = ends or asked.at + timedelta(seconds=asked.plan.validity)
        return self._made(question, purpose, given_up, sending=attempt is not None)

    def _made(self, question: Question, purpose: Purpose, ends: datetime, *, sending: bool) -> _Case:
        account = self._accounts.get(question.account_id)
        policy = account.policy if account is not None else None
        return _Case(question, purpose, policy, ends, sending, self._gateway.clock.now())

    async def _judge(self, cases: Sequence[_Case]) -> Sequence[Finding | None]:
        found = await store.look_up(self._gateway.db, [case.question for case in cases])
        findings: list[Finding | None] = []
        for case, known in zip(cases, found, strict=True):
            case.found = known
            findings.append(rules.judge(case.policy, _person(case), case.purpose, case.question.at, case.ends))
        left = [n for n, f in enumerate(findings) if f is None and cases[n].purpose is Purpose.PROMOTIONAL]
        await self._first(cases, findings, [n for n in left if _asks_first(cases[n])])
        await self._cap(cases, findings, [n for n in left if findings[n] is None and _is_capped(cases[n])])
        return findings

    async def _first(self, cases: Sequence[_Case], findings: list[Finding | None], asked: Sequence[int]) -> None:
        """Finds those for whom this would be the first message."""
        if asked:
            met = await caps.met(self._gateway.db, [_asked(cases[n]) for n in asked])
            for place, n in enumerate(asked):
                if place not in met:
                    findings[n] = rules.FIRST_CONTACT

    async def _cap(self, cases: Sequence[_Case], findings: list[Finding | None], asked: Sequence[int]) -> None:
        """Finds those who had enough. One that is being sent is counted in the same breath, before any other's turn."""
        if not asked:
            return
        questions = [_asked(cases[n]) for n in asked]
        since = min(cases[n].question.at for n in asked) - rules.LONGEST_CAP
        async with self._gateway.db.transaction() as connection:
            if any(cases[n].sending for n in asked):
                await caps.alone(connection, questions)
            counted = await caps.counted(connection, questions, since)
            taken: list[tuple[Question, UUID | None]] = []
            for n, one, had in zip(asked, questions, counted, strict=True):
                policy, question = cases[n].policy, one[0]
                assert policy is not None
                beside = [
                    rules.Counted(q.channel_id, q.at, q.message_id)
                    for q, whose in taken
                    if q.message_id is not None and _same((q, whose), one)
                ]
                findings[n] = rules.over_cap(
                    policy.frequency_caps, [*had, *beside], question.channel_id, question.message_id, question.at
                )
                if findings[n] is None and cases[n].sending:
                    taken.append(one)
            if taken:
                await caps.count(connection, [question for question, _ in taken])

    # -- Policies -------------------------------------------------------------------------------------------------

    async def policy(self, account_id: int) -> tuple[Policy, datetime | None]:
        """An account's policy as it is committed, and since when; one that rules nothing where there is none."""
        found = await store.policy_of(self._gateway.db, account_id)
        return (_decode_policy(found[0]), found[1]) if found is not None else (Policy(), None)

    async def put_policy(self, account_id: int, policy: Policy) -> datetime:
        """Sets an account's policy; it holds here at once, and on other nodes within seconds."""
        now = self._gateway.clock.now()
        await store.put_policy(self._gateway.db, account_id, policy, now)
        await self.refresh()
        return now

    # -- Records --------------------------------------------------------------------------------------------------

    async def record(self, account_id: int, records: Sequence[Record]) -> list[UUID | None]:
        """Writes consents, all at once; whoever is not known yet becomes a contact. None: there is no such contact.

        Where one of them is of no contact, nothing is written. What comes back are the contacts.
        """
        now = self._gateway.clock.now()
        places = {r.who for r in records if isinstance(r.who, Place)}
        named = {r.who for r in records if isinstance(r.who, UUID)}
        async with self._gateway.db.transaction() as connection:
            known = await contacts.hold_contacts(connection, account_id, named) if named else {}
            if places:
                met = [Meeting(account_id, place, self._gateway.ids.new(now)) for place in places]
                await contacts.meet(connection, met, API, now)
            held = await contacts.hold(connection, [(account_id, place) for place in places])
            who = [_contact(account_id, r.who, known, held) for r in records]
            if None in who:
                return who
            new = [
                store.New(
                    id=self._gateway.ids.new(now), account_id=account_id, contact_id=contact, granted=r.granted,
                    source=r.source, at=r.at or now, channel_id=r.channel_id, purpose=r.purpose, evidence=r.evidence,
                )
                for r, contact in zip(records, who, strict=True) if contact is not None
            ]  # fmt: skip
            await store.record(connection, new, now)
            if not all(r.granted for r in records):
                await store.leaving(connection, [account_id], now)
        await self.refresh()
        return who

    async def history(self, contact_id: UUID, limit: int = 1000) -> list[rules.Consent]:
        """What a contact agreed to and took back, newest first."""
        return await store.history(self._gateway.db, contact_id, limit)

    async def forget(self) -> None:
        """Removes what no frequency cap counts any more."""
        await caps.forget(self._gateway.db, self._gateway.clock.now() - rules.LONGEST_CAP)


def _read(account_id: int, body: bytes | None) -> Policy | None:
    if body is None:
        return None
    try:
        return _decode_policy(body)
    except msgspec.MsgspecError:
        log.exception("the policy of account %d cannot be read; it rules nothing", account_id)
        return None


def _person(case: _Case) -> rules.Person:
    found, place = case.found, case.question.place
    assert found is not None
    number = place.address if place.is_phone else found.number
    return rules.Person(
        number=f"+{number}" if number is not None else None,
        country=found.country,
        suppression=found.suppression,
        consent=found.consent,
    )


def _asks_first(case: _Case) -> bool:
    return case.policy is not None and not case.policy.promotion_first


def _is_capped(case: _Case) -> bool:
    """What goes out later is not counted before its time."""
    if case.policy is None or not case.policy.frequency_caps:
        return False
    return case.sending or case.question.at <= case.now + _NOW


def _asked(case: _Case) -> tuple[Question, UUID | None]:
    assert case.found is not None
    return case.question, case.found.contact_id


def _same(one: tuple[Question, UUID | None], other: tuple[Question, UUID | None]) -> bool:
    """Whether two messages go to the same person."""
    if one[0].account_id != other[0].account_id:
        return False
    return one[0].place == other[0].place or (one[1] is not None and one[1] == other[1])


def _contact(
    account_id: int, who: UUID | Place, known: Mapping[UUID, Contact], held: Mapping[Any, UUID]
) -> UUID | None:
    if isinstance(who, Place):
        return held.get((account_id, who))
    contact = known.get(who)
    return contact.id if contact is not None else None
