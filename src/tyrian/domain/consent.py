"""Who may be written to: what people agreed to, who is suppressed, and the rules of an account for promotion.

All of it pure. Every rule is off until an account's policy turns it on, but for two: nobody who is suppressed is
written to, and nobody who opted out.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, NamedTuple
from uuid import UUID

from msgspec import Meta, Struct

from tyrian.domain import zones
from tyrian.domain.purpose import Purpose
from tyrian.domain.schedule import ClockTime, Day, Window, openings

#: The channel and the purpose of what holds for all of them.
EVERY_CHANNEL: Final = 0
EVERY_PURPOSE: Final = ""

_PURPOSES: Final = tuple(purpose.value for purpose in Purpose)
#: How a consent came about. `inbound`: the person wrote; `subscribed` and `unsubscribed`: the network said so.
SOURCES: Final = ("api", "import", "keyword", "inbound", "subscribed", "unsubscribed")

_PER: Final = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}
LONGEST_CAP: Final = max(_PER.values())
#: Quiet hours that do not end within so long do not end.
_PATIENCE: Final = timedelta(days=8)

Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2.")]
OwnWords = Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(max_length=200)]
Confirmation = Annotated[str, Meta(min_length=1, max_length=1000)]


class Words(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is made of messages that are nothing but a word such as STOP or START."""

    enabled: bool = True
    #: Words of your own, besides those that are built in.
    opt_out: OwnWords = []
    opt_in: OwnWords = []
    #: Built-in words that mean nothing to you.
    without: OwnWords = []
    #: What an opt-out by a word covers: the channel that it came by, or every channel.
    covers: Literal["channel", "account"] = "channel"
    #: Sent once to a person who opts out, or in again.
    opt_out_text: Confirmation | None = None
    opt_in_text: Confirmation | None = None


class QuietHours(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"start": "from", "end": "to"},
):
    """Hours of the day in which no promotion leaves, in the person's own time. `to` before `from` is over midnight."""

    start: ClockTime
    end: ClockTime
    days: Annotated[list[Day], Meta(min_length=1)] | None = None
    #: The countries that it is for; without them, all that no other entry names.
    countries: Annotated[list[Country], Meta(min_length=1, max_length=250)] | None = None
    #: One zone for all of them, in the place of where each person may be.
    time_zone: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class FrequencyCap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The most promotional messages to one person: within 24 hours, 7 days or 30 days."""

    messages: Annotated[int, Meta(ge=1, le=1000)]
    per: Literal["day", "week", "month"]
    #: Counted over all channels, or for each channel by itself.
    over: Literal["all", "channel"] = "all"


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The rules of an account. Without one, promotion is held to nothing."""

    #: Which messages need an opt-in.
    opt_in: Literal["none", "promotional", "all"] = "none"
    #: Whether a person who wrote first has opted in by that.
    writing_is_opt_in: bool = True
    quiet_hours: Annotated[list[QuietHours], Meta(max_length=100)] = []
    #: What becomes of a message in quiet hours: it waits for their end, or is refused.
    in_quiet_hours: Literal["wait", "refuse"] = "wait"
    frequency_caps: Annotated[list[FrequencyCap], Meta(max_length=10)] = []
    #: Whether the first message to a person may be promotional.
    promotion_first: bool = True
    words: Words = Words()
    #: Whether somebody who has blocked a channel's sender or has not subscribed, as its network answered to a send, is
    #: left alone on that channel for a while.
    heed_blocks: bool = True

    def concerns(self, purpose: Purpose) -> bool:
        """Whether a message of this purpose can break a rule of it."""
        if self.opt_in == "all":
            return True
        promotional = self.opt_in != "none" or self.quiet_hours or self.frequency_caps or not self.promotion_first
        return purpose is Purpose.PROMOTIONAL and bool(promotional)


class Consent(Struct, frozen=True, kw_only=True):
    """What a person agreed to or took back, for a channel or all, a purpose or all."""

    id: UUID
    granted: bool
    source: str
    at: datetime
    channel_id: int = EVERY_CHANNEL
    purpose: str = EVERY_PURPOSE
    evidence: str | None = None

    def covers(self, channel_id: int, purpose: str) -> bool:
        """Whether it says something about messages of this purpose on this channel."""
        return self.channel_id in (EVERY_CHANNEL, channel_id) and self.purpose in (EVERY_PURPOSE, purpose)


def standing(records: Iterable[Consent], channel_id: int, purpose: str) -> Consent | None:
    """The consent that counts: the latest of those that cover a channel and a purpose."""
    return max((r for r in records if r.covers(channel_id, purpose)), key=lambda r: (r.at, r.id), default=None)


class OptOut(NamedTuple):
    """What somebody opted out of: a channel or all, a purpose or all. `left`: it is the network that said so."""

    channel_id: int
    purpose: str
    left: bool


def opt_outs(records: Sequence[Consent], channels: Sequence[int], *, elsewhere: bool) -> list[OptOut]:
    """What a person's records keep from them on these channels, in as few words as they can be said in.

    `elsewhere`: on all other channels as well, as far as the records say; without it, of these alone.
    """
    known = sorted({*channels, *([EVERY_CHANNEL] if elsewhere else [])})
    latest = {(c, p): standing(records, c, p) for c in known for p in _PURPOSES}
    out = {cell: found.source == "unsubscribed" for cell, found in latest.items() if found and not found.granted}
    return [one for left in (False, True) for one in _together({c for c, by in out.items() if by is left}, known, left)]


def _together(cells: set[tuple[int, str]], channels: Sequence[int], left: bool) -> list[OptOut]:
    """Opt-outs of single purposes on single channels as those of whole channels, or of every channel."""
    said: list[OptOut] = []
    wide = [(channels, EVERY_CHANNEL)] if EVERY_CHANNEL in channels else []
    for over, channel_id in (*wide, *(([c], c) for c in channels if c != EVERY_CHANNEL)):
        for purposes, purpose in ((_PURPOSES, EVERY_PURPOSE), *(([p], p) for p in _PURPOSES)):
            covered = {(c, p) for c in over for p in purposes}
            if covered <= cells:
                said.append(OptOut(channel_id, purpose, left))
                cells = cells - covered
    return said


class Suppression(Struct, frozen=True, kw_only=True):
    """An address that must not be written to, or a person, by whatever address."""

    reason: str
    until: datetime | None = None
    channel_id: int = EVERY_CHANNEL
    purpose: str = EVERY_PURPOSE
    of_person: bool = False


class Person(Struct, frozen=True, kw_only=True):
    """What is known of somebody who is about to be written to on a channel."""

    #: The number, E.164 with its plus; None for a network's own id.
    number: str | None = None
    country: str | None = None
    suppression: Suppression | None = None
    consent: Consent | None = None


class Finding(NamedTuple):
    """Why a message is not sent: a word of `domain.reasons`, a sentence, and until when, if it only waits.

    The sentence goes on after the address: "... is on the suppression list".
    """

    reason: str
    rule: str
    until: datetime | None = None


def judge(policy: Policy | None, person: Person, purpose: Purpose, at: datetime, ends: datetime) -> Finding | None:
    """The first rule that a message at this time breaks, as far as it can be told without counting.

    `ends` is when the message is given up: quiet hours that last longer refuse it.
    """
    if person.suppression is not None:
        return _suppressed(person.suppression)
    consent = person.consent
    if consent is not None and not consent.granted:
        return _opted_out(consent)
    if policy is None or not policy.concerns(purpose):
        return None
    if policy.opt_in == "all" or (policy.opt_in == "promotional" and purpose is Purpose.PROMOTIONAL):
        written = consent is not None and consent.source == "inbound" and not policy.writing_is_opt_in
        if consent is None or written:
            return _no_opt_in(policy, purpose, written=written)
    if purpose is Purpose.PROMOTIONAL:
        return _quiet(policy, person, at, ends)
    return None


def _suppressed(found: Suppression) -> Finding:
    until = f" until {found.until:%Y-%m-%d %H:%M} UTC" if found.until is not None else ""
    why = f": {found.reason}" if found.reason else ""
    who = "belongs to somebody who is" if found.of_person else "is"
    return Finding("suppressed", f"{who} on the suppression list{until}{why}")


def _opted_out(consent: Consent) -> Finding:
    what = f"{consent.purpose} messages" if consent.purpose else "messages"
    where = "this channel" if consent.channel_id else "this account"
    how = {"keyword": " by a word", "unsubscribed": ", as the network says"}.get(consent.source, "")
    return Finding("opted_out", f"belongs to somebody who opted out of {what} of {where} on {consent.at:%Y-%m-%d}{how}")


def blocked(reason: str, at: datetime, ends: datetime) -> Finding:
    """What keeps a message from somebody of whom the network said so at a time, and when that ends at the latest."""
    what = {"blocked_by_user": "has blocked the sender", "not_subscribed": "has not subscribed"}.get(reason, reason)
    return Finding(
        reason,
        f"belongs to somebody who {what}, as the network said on {at:%Y-%m-%d %H:%M} UTC; they are tried again when "
        f"they write, subscribe or have a consent recorded, or on {ends:%Y-%m-%d}",
    )


def _no_opt_in(policy: Policy, purpose: Purpose, *, written: bool) -> Finding:
    but = ", and the policy does not take writing first for one" if written else ""
    which = "every message" if policy.opt_in == "all" else "promotion"
    return Finding(
        "no_opt_in", f"belongs to nobody who opted in to {purpose.value} messages{but}; the policy asks it for {which}"
    )


# -- Quiet hours ------------------------------------------------------------------------------------------------------


def _quiet(policy: Policy, person: Person, at: datetime, ends: datetime) -> Finding | None:
    until = quiet_until(policy.quiet_hours, person, at)
    if until == at:
        return None
    if until is None:
        return Finding("quiet_hours", "is in quiet hours that leave no time of the week in which to write")
    if policy.in_quiet_hours == "refuse" or until >= ends:
        return Finding("quiet_hours", f"is in quiet hours until {until:%Y-%m-%d %H:%M} UTC")
    return Finding("quiet_hours", f"is in quiet hours until {until:%Y-%m-%d %H:%M} UTC", until)


def quiet_until(rules: Sequence[QuietHours], person: Person, at: datetime) -> datetime | None:
    """The first moment from `at` on that is quiet nowhere the person may be; None if there is none for a week.

    Where a person may be in several zones it must be quiet in none of them: the strictest reading.
    """
    windows = [window for rule in _rules_for(rules, person) for window in _windows(rule, person)]
    moment = at
    while moment < at + _PATIENCE:
        later = max((end for w in windows for start, end in openings(w, moment) if start <= moment < end), default=None)
        if later is None:
            return moment
        moment = later
    return None


def _rules_for(rules: Sequence[QuietHours], person: Person) -> list[QuietHours]:
    """Those that name the person's country, or else those for all others, or else its neighbours' by country code."""
    countries = _countries(person)
    for country in countries[:1]:
        named = [rule for rule in rules if rule.countries is not None and country in rule.countries]
        if named:
            return named
    rest = [rule for rule in rules if rule.countries is None]
    if rest:
        return rest
    return [rule for rule in rules if rule.countries is not None and not set(countries).isdisjoint(rule.countries)]


def _countries(person: Person) -> tuple[str, ...]:
    if person.number is not None:
        return zones.countries_of_number(person.number)
    return (person.country,) if person.country is not None else ()


def _windows(rule: QuietHours, person: Person) -> list[Window]:
    if rule.time_zone is not None:
        found: tuple[str, ...] = (rule.time_zone,)
    elif person.number is not None:
        found = zones.of_number(person.number)
    else:
        found = zones.of_country(person.country) if person.country is not None else ()
    return [Window(start=rule.start, end=rule.end, days=rule.days, time_zone=zone) for zone in found or ("UTC",)]


# -- Counting ---------------------------------------------------------------------------------------------------------


class Counted(NamedTuple):
    """A promotional message that went to a person."""

    channel_id: int
    at: datetime
    message_id: UUID


def over_cap(
    caps: Sequence[FrequencyCap], counted: Sequence[Counted], channel_id: int, message: UUID | None, at: datetime
) -> Finding | None:
    """The cap that one more message would break. The message itself, tried before, does not count against it."""
    for cap in caps:
        since = at - _PER[cap.per]
        others = {
            (c.message_id, c.channel_id if cap.over == "channel" else 0)
            for c in counted
            if c.at > since and c.message_id != message and (cap.over == "all" or c.channel_id == channel_id)
        }
        if len(others) >= cap.messages:
            where = " on this channel" if cap.over == "channel" else ""
            many = f"{cap.messages} promotional message{'s' if cap.messages > 1 else ''}"
            rule = f"has had {many}{where} within a {cap.per}, the most that the policy allows"
            return Finding("frequency_cap", rule)
    return None


FIRST_CONTACT: Final = Finding(
    "first_contact_promotional",
    "has had no message yet, and the policy does not let the first one be promotional",
)
