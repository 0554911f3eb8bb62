"""What the operations on consent and on policies do."""

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from tyrian.domain.consent import EVERY_CHANNEL, EVERY_PURPOSE, Consent, Policy, standing
from tyrian.domain.content import Text
from tyrian.domain.people import Contact, Place
from tyrian.domain.problem import Problem, Refused
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Plan, Step
from tyrian.domain.words import normalised
from tyrian.engine.channels import ChannelEntry
from tyrian.engine.consent import Record
from tyrian.engine.reacting import Asked, person_of
from tyrian.protocols.native import consent_wire as wire
from tyrian.protocols.native.operation import Call, Reply
from tyrian.protocols.native.people import spelt, unknown
from tyrian.protocols.native.times import stamp
from tyrian.store import consent as store

#: How far a record's time may lie ahead, for clocks that differ.
_AHEAD = timedelta(minutes=5)


# -- Records ----------------------------------------------------------------------------------------------------------


async def record(call: Call) -> Reply:
    """Records consents."""
    asked: list[wire.ConsentRecord] = call.body.records
    found: list[Problem] = []
    records = [_record(call, one, f"/records/{n}", found) for n, one in enumerate(asked)]
    if found:
        raise Refused(found)
    who = await call.gateway.consent.record(call.account_id, [r for r in records if r is not None])
    strange = [n for n, contact in enumerate(who) if contact is None]
    if strange:
        words = "names no contact of this account"
        raise Refused([Problem(f"/records/{n}/contact_id", words, "unknown_contact") for n in strange])
    return Reply(wire.RecordedAnswer(contacts=[contact for contact in who if contact is not None]), status=201)


def _record(call: Call, one: wire.ConsentRecord, at: str, found: list[Problem]) -> Record | None:
    who: UUID | Place | Problem
    if one.contact_id is not None and one.to is None:
        who = one.contact_id
    elif one.to is not None and one.contact_id is None:
        who = call.gateway.people.places.read(call.account_id, one.to.address, one.to.channel, f"{at}/to")
    else:
        who = Problem(at, "must have either a contact_id or an address (to)")
    channel = covered(call, one.channel, f"{at}/channel")
    late = one.at is not None and one.at > call.gateway.clock.now() + _AHEAD
    time = Problem(f"{at}/at", "lies in the future") if late else None
    wrong = [p for p in (who, channel, time) if isinstance(p, Problem)]
    found += wrong
    if isinstance(who, Problem) or isinstance(channel, Problem):
        return None
    purpose = one.purpose.value if one.purpose is not None else EVERY_PURPOSE
    return Record(who, one.granted, channel, purpose, one.source, one.evidence, one.at)


def covered(call: Call, name: str | None, at: str) -> int | Problem:
    """The number of the channel that something is for; 0 for all."""
    if name is None:
        return EVERY_CHANNEL
    entry = call.gateway.channels.get(call.account_id, name)
    if entry is None or entry.group is not None:
        return Problem(at, f'names no channel of this account: "{name}"', "unknown_channel")
    return entry.channel.id


async def history(call: Call) -> Reply:
    """A contact's consents."""
    contact = await call.gateway.people.get(call.account_id, call.id("contact"))
    if contact is None:
        raise unknown(call)
    records = await call.gateway.consent.history(contact.id)
    return Reply(
        wire.ConsentHistory(
            standing=await _standing(call, contact, records), records=[_answer(call, one) for one in records]
        )
    )


async def _standing(call: Call, contact: Contact, records: list[Consent]) -> list[wire.StandingAnswer]:
    reached = [
        (entry, known.place)
        for entry in await call.gateway.channels.list(call.account_id)
        for known in contact.addresses
        if _reaches(call, entry, known.place)
    ]
    asked = [(entry.channel.id, one) for entry, place in reached for one in (place.address, f"+{place.address}")]
    said = await store.subscriptions(call.gateway.db, asked) if asked else {}
    words = {True: "subscribed", False: "unsubscribed", None: None}
    blocks = await _blocks(call, reached)
    return [
        wire.StandingAnswer(
            channel=entry.channel.name,
            network=words[said.get(entry.channel.id)],  # type: ignore[arg-type]
            blocked=blocks.get(entry.channel.id),
            purposes={p.value: _stands(records, entry.channel.id, p) for p in Purpose},
        )
        for entry in {entry.channel.id: entry for entry, _ in reached}.values()
    ]


async def _blocks(call: Call, reached: list[tuple[ChannelEntry, Place]]) -> dict[int, wire.BlockAnswer]:
    """What the networks answered to sends, as far as it counts, by the channel's number."""
    found = await call.gateway.blocks.standing([(entry.channel, place.address) for entry, place in reached])
    return {
        one.channel_id: wire.BlockAnswer(
            address=spelt(place), reason=one.reason, since=stamp(one.at), message_id=one.message_id
        )
        for one, (_, place) in zip(found, reached, strict=True)
        if one is not None
    }


def _reaches(call: Call, entry: ChannelEntry, place: Place) -> bool:
    if entry.group is not None:
        return False
    if place.is_phone:
        return call.gateway.people.places.takes_phones(entry.kind.name)
    return place.scope == entry.channel.id


def _stands(records: list[Consent], channel_id: int, purpose: Purpose) -> wire.Standing:
    found = standing(records, channel_id, purpose.value)
    return "unknown" if found is None else "opted_in" if found.granted else "opted_out"


def _answer(call: Call, one: Consent) -> wire.ConsentAnswer:
    return wire.ConsentAnswer(
        id=one.id,
        granted=one.granted,
        channel=name_of(call, one.channel_id),
        purpose=Purpose(one.purpose) if one.purpose else None,
        source=one.source,  # type: ignore[arg-type]
        evidence=one.evidence,
        at=stamp(one.at),
    )


def name_of(call: Call, channel_id: int) -> str | None:
    """A channel's name; of one that is gone, its number."""
    if channel_id == EVERY_CHANNEL:
        return None
    entry = call.gateway.channels.by_id(channel_id)
    return entry.channel.name if entry is not None else f"#{channel_id}"


# -- Asking -----------------------------------------------------------------------------------------------------------


async def check(call: Call) -> Reply:
    """Whether a message would go out."""
    body: wire.CheckRequest = call.body
    entry = call.gateway.channels.get(call.account_id, body.channel)
    if entry is None or entry.group is not None:
        words = f'names no channel of this account: "{body.channel}"'
        raise Refused([Problem("/channel", words, "unknown_channel")])
    address = entry.kind.address(body.to, "/to")
    if isinstance(address, Problem):
        raise Refused([address])
    content = Text(text="?")
    plan = Plan(cascade=[Step(channel=body.channel, content=content)], purpose=body.purpose)
    at: datetime = body.at or call.gateway.clock.now()
    asked = Asked(call.account_id, entry.channel, entry.network, person_of(address), plan, content, at)
    (verdict,) = await call.gateway.guards.judge([asked])
    if verdict is None:
        return Reply(wire.CheckAnswer(allowed=True, reason=None, rule=None, until=None))
    until = stamp(verdict.until) if verdict.until is not None else None
    return Reply(wire.CheckAnswer(allowed=False, reason=verdict.reason, rule=verdict.rule, until=until))


# -- Policies ---------------------------------------------------------------------------------------------------------


async def get_policy(call: Call) -> Reply:
    """The account's policy."""
    policy, since = await call.gateway.consent.policy(call.account_id)
    return Reply(wire.PolicyAnswer(policy=policy, updated_at=stamp(since) if since is not None else None))


async def put_policy(call: Call) -> Reply:
    """Sets the account's policy."""
    policy: Policy = call.body
    found = [*_wrong_zones(policy), *_empty_words(policy)]
    if found:
        raise Refused(found)
    since = await call.gateway.consent.put_policy(call.account_id, policy)
    return Reply(wire.PolicyAnswer(policy=policy, updated_at=stamp(since)))


def _wrong_zones(policy: Policy) -> list[Problem]:
    found = []
    for n, hours in enumerate(policy.quiet_hours):
        try:
            ZoneInfo(hours.time_zone or "UTC")
        except (OSError, ValueError, KeyError):
            words = f'is no time zone known here: "{hours.time_zone}"'
            found.append(Problem(f"/quiet_hours/{n}/time_zone", words))
    return found


def _empty_words(policy: Policy) -> list[Problem]:
    mine = policy.words
    return [
        Problem(f"/words/{name}/{n}", "has neither letters nor digits, and would mean every message without them")
        for name in ("opt_out", "opt_in", "without")
        for n, word in enumerate(getattr(mine, name))
        if not normalised(word)
    ]
