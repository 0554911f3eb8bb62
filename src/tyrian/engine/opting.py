"""Opting out and in by what people do: they write, they write a word such as STOP, they leave and come back.

* Whoever writes first has opted in to the channel. Whoever the network said had left, and writes, receives again.
* Whoever opted out otherwise and writes is answered (messages of the purpose `session`), and otherwise left alone.
* A word opts out, or in again; what is said back, if anything, is said once.

Everything is written in the transaction that stores the message.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from tyrian.domain import words
from tyrian.domain.consent import EVERY_CHANNEL, EVERY_PURPOSE, Policy
from tyrian.domain.content import Base as Content, Text
from tyrian.domain.ids import Ids
from tyrian.domain.people import Place
from tyrian.domain.problem import Refused
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Plan, Recipient, Step, Submission
from tyrian.engine.consent import CONFIRMS, Consent
from tyrian.engine.intake import Intake
from tyrian.engine.people import Memory, People
from tyrian.engine.ports import Channel, Clock
from tyrian.engine.reacting import News, Said, Turn, person_of
from tyrian.engine.turns import Turns
from tyrian.store import consent as store, people as contacts
from tyrian.store.consent import New, Stands
from tyrian.store.database import Connection

log = logging.getLogger(__name__)

#: The member of an inbound message's `extra` that tells of such a word.
EXTRA: Final = "consent"
#: The note for the reaction: what has changed by the message.
_NOTE: Final = "consent"
_OPT_OUT, _OPT_IN = "opt_out", "opt_in"
_KEYWORD, _INBOUND, _SUBSCRIBED, _UNSUBSCRIBED = "keyword", "inbound", "subscribed", "unsubscribed"
_NONE: Final = Policy()
_SESSION: Final = Purpose.SESSION.value


class _Gateway(Protocol):
    """What opting needs of the gateway."""

    @property
    def clock(self) -> Clock: ...
    @property
    def ids(self) -> Ids: ...
    @property
    def people(self) -> People: ...
    @property
    def consent(self) -> Consent: ...
    @property
    def intake(self) -> Intake: ...
    @property
    def turns(self) -> Turns: ...


class Opting:
    """As a stage it records what people do; as a reaction it confirms it. Comes after `People` among the stages."""

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway
        #: Who wrote and is known to have opted in, of accounts that nobody ever left.
        self._in = Memory()

    def refresh_soon(self) -> None:
        """Forgets who is known: an address was taken from a contact somewhere."""
        self._in.clear()

    # -- Reading --------------------------------------------------------------------------------------------------

    def wants(self, channel: Channel) -> bool:
        """Whoever writes opts in by that."""
        return True

    async def read(self, batch: Sequence[Said]) -> None:
        """Tells which messages are nothing but a word for leaving or coming back."""
        for said in batch:
            word = self._word(said)
            if word is not None:
                said.message.extra[EXTRA] = {"meaning": word.meaning, "language": word.language}

    def _word(self, said: Said) -> words.Word | None:
        content, button = said.message.content, said.message.extra.get("button")
        mine = self._policy(said.channel.account_id).words
        if not mine.enabled or not isinstance(content, Text):
            return None
        if isinstance(button, dict) and button.get("known"):
            return None
        return words.meaning(content.text, mine.opt_out, mine.opt_in, mine.without)

    def _policy(self, account_id: int) -> Policy:
        account = self._gateway.consent.account(account_id)
        return account.policy if account is not None and account.policy is not None else _NONE

    # -- Storing --------------------------------------------------------------------------------------------------

    def keeps(self, said: Said) -> bool:
        """Whether anything can follow from a message; from most it cannot."""
        account = said.row.account_id
        return EXTRA in said.message.extra or not self._settled(said, self._clean([account]))

    def _clean(self, accounts: Iterable[int]) -> set[int]:
        """Those of the accounts of which nobody has left."""
        return set(self._gateway.consent.without_leavers(accounts))

    async def store(self, connection: Connection, batch: Sequence[Said]) -> None:
        """Records what follows from messages."""
        clean = self._clean(s.row.account_id for s in batch)
        asked = [s for s in batch if EXTRA in s.message.extra or not self._settled(s, clean)]
        if not asked:
            return
        cleared = self._in.cleared
        held = await contacts.hold(connection, ((s.row.account_id, self._place(s)) for s in asked))
        known = [(s, who) for s in asked if (who := held.get((s.row.account_id, self._place(s)))) is not None]
        stands = await self._stands(connection, [(contact, s.channel.id) for s, contact in known])
        new: list[New] = []
        back: list[tuple[int, str, datetime]] = []
        for said, contact in known:
            key = (contact, said.channel.id)
            made = self._follows(said, contact, stands[key])
            if made is not None:
                new.append(made)
                stands[key] = _after(stands[key], made)
                if made.source == _INBOUND and said.row.account_id not in clean:
                    back.append((said.channel.id, said.row.sender, said.row.received_at))
            elif stands[key].granted and said.row.account_id in clean:
                self._in.add((said.channel.id, self._place(said)), cleared)
        await self._record(connection, new)
        await store.resubscribe(connection, back)

    def _settled(self, said: Said, clean: set[int]) -> bool:
        """Whether nothing can follow from an ordinary message."""
        return said.row.account_id in clean and (said.channel.id, self._place(said)) in self._in

    async def _stands(
        self, connection: Connection, people: Sequence[tuple[UUID, int]]
    ) -> dict[tuple[UUID, int], Stands]:
        keys = list(dict.fromkeys(people))
        if not keys:
            return {}
        return dict(zip(keys, await store.standings(connection, keys), strict=True))

    def _follows(self, said: Said, contact: UUID, stands: Stands) -> New | None:
        """What a message changes of where its sender stands."""
        word = said.message.extra.get(EXTRA)
        changed = self._meant(word, stands) if word is not None else None
        if changed is not None:
            said.notes[_NOTE] = changed
            return self._by_word(said, contact, granted=changed == _OPT_IN)
        if word is not None and word["meaning"] == _OPT_OUT:
            return None
        if stands.granted is None or (stands.granted is False and stands.source == _UNSUBSCRIBED):
            return self._new(said, contact, granted=True, source=_INBOUND, channel_id=said.channel.id)
        if stands.granted is False and not stands.session and stands.session_purpose != _SESSION:
            return self._new(said, contact, granted=True, source=_INBOUND, channel_id=said.channel.id, purpose=_SESSION)
        return None

    def _meant(self, word: dict[str, Any], stands: Stands) -> str | None:
        """What a word changes. A built-in word for coming back means so only from those who left: many dialogues start
        with one. An account's own is an opt-in from anybody."""
        out = stands.granted is False
        if word["meaning"] == _OPT_OUT:
            already = out and not stands.session and stands.source != _UNSUBSCRIBED
            return None if already else _OPT_OUT
        own = word["language"] is None and stands.source != _KEYWORD
        return _OPT_IN if out or own else None

    def _by_word(self, said: Said, contact: UUID, *, granted: bool) -> New:
        everywhere = self._policy(said.row.account_id).words.covers == "account"
        channel_id = EVERY_CHANNEL if everywhere else said.channel.id
        text = said.message.content.text if isinstance(said.message.content, Text) else ""
        return self._new(
            said, contact, granted=granted, source=_KEYWORD, channel_id=channel_id,
            evidence=f'wrote "{text.strip()}" (inbound message {said.row.id})',
        )  # fmt: skip

    def _new(
        self, said: Said, contact: UUID, *, granted: bool, source: str, channel_id: int,
        purpose: str = EVERY_PURPOSE, evidence: str | None = None,
    ) -> New:  # fmt: skip
        at = said.row.received_at
        return New(
            id=self._gateway.ids.new(at), account_id=said.row.account_id, contact_id=contact, granted=granted,
            source=source, at=at, channel_id=channel_id, purpose=purpose,
            evidence=evidence or f"inbound message {said.row.id}",
        )  # fmt: skip

    async def subscribed(self, connection: Connection, news: Sequence[News]) -> None:
        """Records that people left and came back, as their networks say."""
        places = self._gateway.people.places
        keys = [(n.channel.account_id, places.of(n.channel, person_of(n.person))) for n in news]
        held = await contacts.hold(connection, keys)
        now = self._gateway.clock.now()
        new = [
            New(
                id=self._gateway.ids.new(now), account_id=n.channel.account_id, contact_id=held[key],
                granted=n.subscribed, source=_SUBSCRIBED if n.subscribed else _UNSUBSCRIBED, at=n.at,
                channel_id=n.channel.id, purpose=EVERY_PURPOSE, evidence="said by the network",
            )
            for n, key in zip(news, keys, strict=True) if key in held
        ]  # fmt: skip
        latest = {(n.contact_id, n.channel_id, n.at, n.granted): n for n in new}
        await self._record(connection, await store.unsaid(connection, list(latest.values())))

    async def _record(self, connection: Connection, new: Sequence[New]) -> None:
        if not new:
            return
        now = self._gateway.clock.now()
        await store.record(connection, new, now)
        first = self._gateway.consent.without_leavers(n.account_id for n in new if not n.granted)
        if first:
            await store.leaving(connection, sorted(first), now)

    def _place(self, said: Said) -> Place:
        return self._gateway.people.places.of(said.channel, person_of(said.row.sender))


class Confirming:
    """Says to people that they have opted out, or in. Keeps others from answering a word for leaving."""

    def __init__(self, gateway: _Gateway) -> None:
        self._gateway = gateway

    def wants(self, channel: Channel) -> bool:
        """Where something is to be said, and where anybody else might answer."""
        account = self._gateway.consent.account(channel.account_id)
        mine = account.policy.words if account is not None and account.policy is not None else None
        if mine is not None and (mine.opt_out_text or mine.opt_in_text):
            return True
        return any(r.wants(channel) for r in self._gateway.turns.reactions if r is not self)

    def concerns(self, content: Content, extra: dict[str, Any]) -> bool:
        """What was read as a word for leaving or coming back."""
        return EXTRA in extra

    async def react(self, turn: Turn) -> bool:
        """Confirms what a word changed; a word for leaving needs no other answer."""
        text = self._text(turn)
        if text is not None:
            await self._say(turn, text)
        said = turn.extra.get(EXTRA)
        return isinstance(said, dict) and said.get("meaning") == _OPT_OUT

    def _text(self, turn: Turn) -> str | None:
        account = self._gateway.consent.account(turn.account_id)
        if account is None or account.policy is None:
            return None
        mine = account.policy.words
        return {_OPT_OUT: mine.opt_out_text, _OPT_IN: mine.opt_in_text}.get(turn.notes.get(_NOTE, ""))

    async def _say(self, turn: Turn, text: str) -> None:
        plan = Plan(
            cascade=[Step(channel=turn.channel.name, content=Text(text=text))],
            purpose=Purpose.SESSION,
            extra={CONFIRMS: str(turn.inbound_id)},
        )
        submission = Submission(
            account_id=turn.account_id, plan=plan, recipients=[Recipient(to=turn.sender)],
            idempotency_key=f"consent {turn.inbound_id}", fingerprint=turn.inbound_id.bytes,
        )  # fmt: skip
        try:
            await self._gateway.intake.submit(submission)
        except Refused as refused:
            log.warning("message %s cannot be confirmed: %s", turn.inbound_id, refused)


def _after(stands: Stands, new: New) -> Stands:
    """Where somebody stands after one more consent."""
    if new.purpose == _SESSION:
        return Stands(stands.granted, stands.source, stands.at, new.granted, _SESSION)
    return Stands(new.granted, new.source, new.at, new.granted, EVERY_PURPOSE)
