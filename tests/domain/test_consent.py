"""Who may be written to: the fold of what people agreed to, the rules, quiet hours in every zone, caps."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from tyrian.domain import words, zones
from tyrian.domain.consent import (
    Consent,
    Counted,
    FrequencyCap,
    Person,
    Policy,
    QuietHours,
    Suppression,
    judge,
    opt_outs,
    over_cap,
    quiet_until,
    standing,
)
from tyrian.domain.purpose import Purpose

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
ENDS = AT + timedelta(days=2)
NIGHT = QuietHours(start="21:00", end="08:00")
HR = Person(number="+385991234501")


def consent(granted: bool, hours: float = 0, **more: object) -> Consent:
    number = UUID(int=int((hours + 1000) * 10))
    return Consent(id=number, granted=granted, source="api", at=AT - timedelta(hours=hours), **more)  # type: ignore[arg-type]


# -- What counts ------------------------------------------------------------------------------------------------------


def test_the_latest_that_covers_channel_and_purpose_counts() -> None:
    records = [
        consent(True, 5),
        consent(False, 4, channel_id=7),
        consent(True, 3, channel_id=7, purpose="session"),
        consent(False, 2, purpose="promotional"),
    ]
    assert [
        (found.granted, found.purpose)
        for channel, purpose in ((8, "otp"), (7, "otp"), (7, "session"), (8, "promotional"), (7, "promotional"))
        if (found := standing(records, channel, purpose)) is not None
    ] == [(True, ""), (False, ""), (True, "session"), (False, "promotional"), (False, "promotional")]
    assert standing([], 7, "otp") is None


RECORDS = st.lists(
    st.tuples(st.booleans(), st.integers(0, 50), st.sampled_from((0, 7, 8)), st.sampled_from(("", "otp", "session"))),
    max_size=12,
)


@given(RECORDS, st.sampled_from((7, 8)), st.sampled_from(("otp", "session", "promotional")))
def test_a_word_about_everything_is_the_last_word_on_each(rows: list, channel: int, purpose: str) -> None:  # type: ignore[type-arg]
    records = [consent(g, h, channel_id=c, purpose=p) for g, h, c, p in rows]
    for granted in (True, False):
        now = consent(granted, -1)
        assert standing([*records, now], channel, purpose) is now
    found = standing(records, channel, purpose)
    assert found is None or all((r.at, r.id) <= (found.at, found.id) for r in records if r.covers(channel, purpose))


# -- The rules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "person", "purpose", "reason", "words"),
    [
        (None, Person(), "promotional", None, ""),
        (None, Person(suppression=Suppression(reason="complained")), "otp", "suppressed", "complained"),
        (None, Person(suppression=Suppression(reason="", until=AT)), "otp", "suppressed", "until 2026-03-02 12:00 UTC"),
        (None, Person(consent=consent(False)), "transactional", "opted_out", "opted out of messages of this account"),
        (None, Person(consent=consent(False, channel_id=3, purpose="otp")), "otp", "opted_out", "otp messages of this"),
        (Policy(), Person(), "promotional", None, ""),
        (Policy(opt_in="promotional"), Person(), "promotional", "no_opt_in", "asks it for promotion"),
        (Policy(opt_in="promotional"), Person(), "transactional", None, ""),
        (Policy(opt_in="promotional"), Person(consent=consent(True)), "promotional", None, ""),
        (Policy(opt_in="all"), Person(), "otp", "no_opt_in", "asks it for every message"),
        (Policy(quiet_hours=[NIGHT]), HR, "promotional", None, ""),
        (Policy(quiet_hours=[QuietHours(start="12:00", end="14:00")]), HR, "transactional", None, ""),
    ],
)  # fmt: skip
def test_which_rule_is_broken(
    policy: Policy | None, person: Person, purpose: str, reason: str | None, words: str
) -> None:
    finding = judge(policy, person, Purpose(purpose), AT, ENDS)
    if reason is None:
        assert finding is None
    else:
        assert finding is not None
        assert (finding.reason, finding.until) == (reason, None)
        assert words in finding.rule


def test_writing_first_is_an_opt_in_unless_the_policy_says_otherwise() -> None:
    wrote = Person(consent=Consent(id=UUID(int=1), granted=True, source="inbound", at=AT))
    assert judge(Policy(opt_in="promotional"), wrote, Purpose.PROMOTIONAL, AT, ENDS) is None
    strict = Policy(opt_in="promotional", writing_is_opt_in=False)
    finding = judge(strict, wrote, Purpose.PROMOTIONAL, AT, ENDS)
    assert finding is not None
    assert finding.reason == "no_opt_in"


# -- Quiet hours ------------------------------------------------------------------------------------------------------


def test_quiet_hours_wait_for_their_end_or_refuse() -> None:
    late = datetime(2026, 3, 2, 21, 30, tzinfo=UTC)  # 22:30 in Zagreb
    morning = datetime(2026, 3, 3, 7, tzinfo=UTC)
    finding = judge(Policy(quiet_hours=[NIGHT]), HR, Purpose.PROMOTIONAL, late, ENDS)
    assert finding is not None
    assert (finding.reason, finding.until) == ("quiet_hours", morning)
    for policy, ends in (
        (Policy(quiet_hours=[NIGHT], in_quiet_hours="refuse"), ENDS),
        (Policy(quiet_hours=[NIGHT]), morning),
    ):
        refused = judge(policy, HR, Purpose.PROMOTIONAL, late, ends)
        assert refused is not None
        assert refused.until is None
        assert "until 2026-03-03 07:00 UTC" in refused.rule


@pytest.mark.parametrize(
    ("person", "country", "zone"),
    [
        (HR, "HR", "Europe/Zagreb"),
        (Person(country="JP"), "JP", "Asia/Tokyo"),
        (Person(number="+12125550123"), "US", "America/New_York"),
        (Person(number="+447911123456"), "GB", "Europe/London"),
        (Person(), None, "UTC"),
    ],
)
def test_hours_are_those_of_the_person(person: Person, country: str | None, zone: str) -> None:
    rules = [QuietHours(start="21:00", end="08:00", countries=[country])] if country else [NIGHT]
    inside = datetime(2026, 3, 2, 23, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    found = quiet_until(rules, person, inside)
    assert found is not None
    assert found.astimezone(ZoneInfo(zone)).strftime("%d %H:%M") == "03 08:00"
    noon = datetime(2026, 3, 2, 12, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert quiet_until(rules, person, noon) == noon


def test_a_country_s_own_hours_come_before_those_for_all() -> None:
    rules = [NIGHT, QuietHours(start="12:00", end="13:00", countries=["HR"])]
    noon = datetime(2026, 3, 2, 11, 30, tzinfo=UTC)
    assert quiet_until(rules, HR, noon) == datetime(2026, 3, 2, 12, tzinfo=UTC)
    evening = datetime(2026, 3, 2, 22, tzinfo=UTC)
    assert quiet_until(rules, HR, evening) == evening


def test_a_number_that_fits_many_zones_is_read_in_the_strictest_way() -> None:
    person = Person(number="+79161234567")
    many = [ZoneInfo(name) for name in zones.of_number("+79161234567")]
    assert len(many) > 10
    found = quiet_until([NIGHT], person, AT)
    assert found is not None
    assert all(8 <= found.astimezone(zone).hour < 21 for zone in many)


def test_hours_that_never_end_refuse() -> None:
    always = [QuietHours(start="00:00", end="00:00")]
    assert quiet_until(always, HR, AT) is None
    finding = judge(Policy(quiet_hours=always), HR, Purpose.PROMOTIONAL, AT, ENDS)
    assert finding is not None
    assert (finding.until, "no time of the week" in finding.rule) == (None, True)


TIMES = st.builds(lambda h, m: f"{h:02}:{m:02}", st.integers(0, 23), st.integers(0, 59))
NUMBERS = st.sampled_from(("+385991234501", "+12125550123", "+79161234567", "+61412345678", "+351912345678"))


@given(TIMES, TIMES, NUMBERS, st.integers(0, 400 * 24 * 60))
def test_a_time_that_is_found_is_quiet_nowhere(start: str, end: str, number: str, minutes: int) -> None:
    at = AT + timedelta(minutes=minutes)
    found = quiet_until([QuietHours(start=start, end=end)], Person(number=number), at)
    if found is None:
        return
    assert found >= at
    for zone in zones.of_number(number):
        clock = found.astimezone(ZoneInfo(zone)).strftime("%H:%M")
        quiet = start <= clock < end if start < end else clock >= start or clock < end
        # A clock that is put forward skips the end, so that the hours end where it lands.
        assert (
            not quiet
            or found.astimezone(ZoneInfo(zone)).dst() != (found - timedelta(hours=3)).astimezone(ZoneInfo(zone)).dst()
        ), (zone, clock)


# -- Caps -------------------------------------------------------------------------------------------------------------


def had(days: float, channel: int = 1, message: int = 0) -> Counted:
    return Counted(channel, AT - timedelta(days=days), UUID(int=message or int(days * 1000) + 1))


def test_caps_count_each_message_once_and_not_itself() -> None:
    day = [FrequencyCap(messages=2, per="day")]
    assert over_cap(day, [had(0.5), had(1.1)], 1, None, AT) is None
    finding = over_cap(day, [had(0.5), had(0.6)], 1, None, AT)
    assert finding is not None
    assert (finding.reason, "2 promotional messages within a day" in finding.rule) == ("frequency_cap", True)
    both = [had(0.5, 1, 77), had(0.5, 2, 77)]
    assert over_cap(day, both, 1, None, AT) is None, "a fallback is the same message"
    assert over_cap([FrequencyCap(messages=1, per="day")], both, 1, UUID(int=77), AT) is None
    apart = [FrequencyCap(messages=1, per="week", over="channel")]
    assert over_cap(apart, [had(3, channel=2)], 1, None, AT) is None
    assert over_cap(apart, [had(3, channel=1)], 1, None, AT) is not None


# -- Words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", [words.OPT_OUT, words.OPT_IN], ids=["out", "in"])
def test_every_word_is_found_however_it_is_written(table: dict[str, tuple[str, ...]]) -> None:
    meaning = "opt_out" if table is words.OPT_OUT else "opt_in"
    for several in table.values():
        for word in several:
            for written in (word, word.upper(), f" {word.capitalize()}! ", f"«{word}».", word.replace(" ", "")):
                found = words.meaning(written)
                assert found is not None, written
                assert found.meaning == meaning, written


def test_words_without_their_accents_are_found_too() -> None:
    assert [words.meaning(w) is not None for w in ("DESABONNER", "odhlasit", "arret", "Rezygnuje")] == [True] * 4


@pytest.mark.parametrize("text", ["", "stop it please", "non-stop", "bus stop", "I want to start", "stop" * 20, "🛑"])
def test_what_only_contains_a_word_means_nothing(text: str) -> None:
    assert words.meaning(text) is None


def test_an_account_adds_and_takes_away() -> None:
    assert words.meaning("Basta!", opt_out=["basta"]) == words.Word("opt_out", None)
    assert words.meaning("JOIN", opt_in=["join"]) == words.Word("opt_in", None)
    assert words.meaning("quit", without=["QUIT"]) is None
    assert words.meaning("stop", without=["QUIT"]) is not None


@given(st.text(max_size=80))
def test_any_text_can_be_read(text: str) -> None:
    found = words.meaning(text)
    assert found is None or words.normalised(text) in words.BUILT_IN


class TestOptOuts:
    """What a person's records keep from them, said in as few words as they can be."""

    def said(self, *records: tuple[int, str, bool, str], elsewhere: bool = True) -> set[tuple[int, str, bool]]:
        made = [
            Consent(
                id=UUID(int=n), granted=granted, source=source, at=AT + timedelta(minutes=n), channel_id=channel,
                purpose=purpose,
            )
            for n, (channel, purpose, granted, source) in enumerate(records)
        ]  # fmt: skip
        return {(one.channel_id, one.purpose, one.left) for one in opt_outs(made, [1, 2], elsewhere=elsewhere)}

    def test_nothing(self) -> None:
        assert self.said() == set()
        assert self.said((0, "", True, "api")) == set()
        assert self.said((0, "", False, "api"), (0, "", True, "api")) == set()

    def test_everything_is_one_word(self) -> None:
        assert self.said((0, "", False, "api")) == {(0, "", False)}
        assert self.said((1, "", False, "keyword")) == {(1, "", False)}
        assert self.said((0, "promotional", False, "api")) == {(0, "promotional", False)}

    def test_what_was_granted_later_is_left_out(self) -> None:
        assert self.said((0, "", False, "api"), (1, "", True, "api")) == {(2, "", False)}
        assert self.said((1, "", False, "keyword"), (1, "session", True, "inbound")) == {
            (1, "transactional", False), (1, "promotional", False), (1, "otp", False),
        }  # fmt: skip

    def test_what_the_network_said_is_kept_apart(self) -> None:
        assert self.said((0, "promotional", False, "api"), (1, "", False, "unsubscribed")) == {
            (1, "", True), (2, "promotional", False),
        }  # fmt: skip

    def test_an_address_of_one_channel_has_nothing_to_say_of_others(self) -> None:
        assert self.said((0, "", False, "api"), elsewhere=False) == {(1, "", False), (2, "", False)}
