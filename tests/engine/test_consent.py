"""Who opted out, who is suppressed and what the policy rules: refused before it costs anything, and by name."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest

from tests.engine.people import ANA, IVO, House, another, housed
from tyrian.domain.consent import FrequencyCap, Policy, QuietHours, Words, standing
from tyrian.domain.content import Text
from tyrian.domain.people import Place
from tyrian.domain.problem import Refused
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Plan, Recipient, Step, Submission
from tyrian.engine.consent import Record
from tyrian.engine.opting import Confirming
from tyrian.engine.ports import Channel
from tyrian.engine.reacting import Turn
from tyrian.store import consent as store, suppressions
from tyrian.store.suppressions import Entry

PHONE = Place(0, "385991234501")


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with housed(database_url) as made:
        yield made


async def until(check: Callable[[], Awaitable[Any] | Any], seconds: float = 15) -> Any:
    async with asyncio.timeout(seconds):
        while True:
            found = check()
            found = await found if isinstance(found, Awaitable) else found
            if found:
                return found
            await asyncio.sleep(0.005)


async def policy(house: House, **rules: Any) -> None:
    await house.gateway.consent.put_policy(house.account_id, Policy(**rules))


async def status(house: House, message: Any, wanted: str) -> dict[str, Any]:
    sql = "SELECT status, reason FROM messages WHERE id = $1"
    row = await until(lambda: _row(house, sql, message.id, wanted))
    return dict(row)


async def _row(house: House, sql: str, identifier: Any, wanted: str) -> Any:
    row = await house.gateway.db.fetchrow(sql, identifier)
    return row if row is not None and row["status"] == wanted else None


async def refused(sending: Awaitable[Any]) -> tuple[str, str]:
    """The rule by which a message is not accepted."""
    with pytest.raises(Refused) as caught:
        await sending
    (problem,) = caught.value.problems
    assert problem.pointer == "/to"
    return problem.code, problem.message


async def leaves(house: House, sender: str = ANA, channel: str = "sms", text: str = "STOP") -> None:
    await house.says(channel, sender, text)
    await house.gateway.consent.refresh()


def entry(house: House, address: str | None, **more: Any) -> Entry:
    now = house.clock.now()
    said = {"channel_id": 0, "purpose": "", "reason": "", "until": None, **more}
    return Entry(id=house.gateway.ids.new(now), address=address, created_at=now, **said)


async def suppress(house: House, *entries: Entry) -> None:
    await suppressions.put(house.gateway.db, house.account_id, entries, house.clock.now())
    await house.gateway.consent.refresh()


# -- Nothing to ask ---------------------------------------------------------------------------------------------------


class Counted:
    """Counts the statements of a gateway."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        for name in ("fetch", "fetchrow", "fetchval", "execute"):
            for kind in (asyncpg.Connection, asyncpg.pool.Pool):
                monkeypatch.setattr(kind, name, self._counted(getattr(kind, name)))

    def _counted(self, real: Any) -> Any:
        async def counted(this: Any, sql: str, *args: Any, **more: Any) -> Any:
            self.asked.append(sql)
            return await real(this, sql, *args, **more)

        return counted


async def test_an_account_without_rules_costs_no_statement(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.says("sms", ANA, "hi")
    await house.promote(ANA)
    await until(lambda: len(house.script.sent) == 1)
    counted = Counted(house, monkeypatch)
    await house.promote(ANA)
    await until(lambda: len(house.script.sent) == 2)
    names = ("consents", "suppressions", "contact", "capped_sends")
    assert [sql for sql in counted.asked if any(name in sql for name in names)] == []
    plan = Plan(cascade=[Step(channel="sms", content=Text(text="x"))], purpose=Purpose.PROMOTIONAL)
    assert not house.gateway.consent.applies(house.account_id, house.channel("sms"), plan)


async def test_a_batch_of_messages_shares_one_look_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await suppress(house, entry(house, "385991234599"))
    asked: list[int] = []
    real = store.look_up

    async def counting(db: Any, questions: Any) -> Any:
        asked.append(len(questions))
        return await real(db, questions)

    monkeypatch.setattr(store, "look_up", counting)
    consent, channel, now = house.gateway.consent, house.channel("sms"), house.clock.now()
    people = [f"38599123{n:04}" for n in range(40)] + ["385991234599"]
    found = await asyncio.gather(
        *(consent.check(house.account_id, channel, p, Purpose.OTP, now, now + timedelta(days=1)) for p in people)
    )
    assert [f.reason if f else None for f in found] == [None] * 40 + ["suppressed"]
    assert (len(asked) <= 3, sum(asked)) == (True, 41)


# -- Opting out -------------------------------------------------------------------------------------------------------


async def test_a_word_opts_out_of_the_channel_and_another_opts_in_again(house: House) -> None:
    await house.send(ANA)
    await leaves(house)
    code, rule = await refused(house.send(ANA))
    assert (code, "opted out of messages of this channel on 2026-01-01 by a word" in rule) == ("opted_out", True)
    assert await house.send(IVO)
    await leaves(house, text="Start")
    assert await house.send(ANA)
    records = await house.gateway.consent.history((await house.who("sms", ANA)).id)
    assert [(r.granted, r.source) for r in records] == [(True, "keyword"), (False, "keyword")]
    assert records[1].evidence is not None
    assert records[1].evidence.startswith('wrote "STOP" (inbound message ')
    extra = await house.gateway.db.fetchval("SELECT extra FROM inbound ORDER BY id LIMIT 1")
    assert extra == b'{"consent":{"meaning":"opt_out","language":"en"}}'


async def test_an_opt_out_is_refused_before_the_send_whatever_api_it_came_by(house: House) -> None:
    await leaves(house)
    message = await house.send(ANA, face="other")
    assert (await status(house, message, "failed"))["reason"] == "opted_out"
    assert house.script.sent == []
    exchange = await house.gateway.db.fetchval(
        "SELECT exchange FROM events WHERE message_id = $1 AND exchange IS NOT NULL", message.id
    )
    assert b"opted out of messages of this channel" in exchange


async def test_who_opted_out_and_writes_is_answered_and_otherwise_left_alone(house: House) -> None:
    await leaves(house)
    assert (await refused(house.send(ANA, purpose=Purpose.SESSION)))[0] == "opted_out"
    await house.says("sms", ANA, "where is my order?")
    assert await house.send(ANA, purpose=Purpose.SESSION)
    assert (await refused(house.send(ANA)))[0] == "opted_out"
    await leaves(house)
    assert (await refused(house.send(ANA, purpose=Purpose.SESSION)))[0] == "opted_out"


async def test_leaving_holds_for_the_channel_or_for_all(house: House) -> None:
    await leaves(house, "user-a", "bot")
    assert (await refused(house.send("user-a", channel="bot")))[0] == "opted_out"
    assert await house.send("user-a", channel="other-bot")
    await policy(house, words=Words(covers="account"))
    ana = await house.gateway.people.create(
        house.account_id, [PHONE, Place(house.channel("bot").id, "user-b")],
        {"name": None, "language": None, "country": None, "attributes": {}},
    )  # fmt: skip
    await leaves(house, "user-b", "bot", "odjava")
    code, rule = await refused(house.send(ANA))
    assert (code, "of this account" in rule) == ("opted_out", True)
    assert (await house.who("sms", ANA)).id == ana.id


async def test_words_are_the_account_s_to_choose(house: House) -> None:
    await policy(house, words=Words(opt_out=["basta"], opt_in=["join"], without=["quit"]))
    for text, barred in (("quit", False), ("Basta!", True), ("JOIN", False), ("join", False)):
        await leaves(house, text=text)
        if barred:
            assert (await refused(house.send(ANA)))[0] == "opted_out"
        else:
            assert await house.send(ANA)
    await policy(house, words=Words(enabled=False))
    await leaves(house, text="stop")
    assert await house.send(ANA)
    records = await house.gateway.consent.history((await house.who("sms", ANA)).id)
    assert [(r.granted, r.source) for r in records] == [(True, "keyword"), (False, "keyword"), (True, "inbound")]


async def test_a_word_for_coming_back_means_nothing_from_those_who_never_left(house: House) -> None:
    await leaves(house, text="start")
    records = await house.gateway.consent.history((await house.who("sms", ANA)).id)
    assert [(r.granted, r.source) for r in records] == [(True, "inbound")]


async def test_a_pressed_button_is_no_word(house: House) -> None:
    await house.says("bot", "user-a", "Stop", button={"known": True, "value": "Stop"})
    await house.gateway.consent.refresh()
    assert await house.send("user-a", channel="bot")


async def test_the_network_says_who_left_and_who_writes_is_back(house: House) -> None:
    at = house.clock.now()
    for _ in range(2):
        await house.news("bot", "user-a", subscribed=False, at=at)
    await house.gateway.consent.refresh()
    code, rule = await refused(house.send("user-a", channel="bot", purpose=Purpose.SESSION))
    assert (code, "as the network says" in rule) == ("opted_out", True)
    await house.later(60)
    await house.says("bot", "user-a", "hello again")
    assert await house.send("user-a", channel="bot")
    contact = (await house.who("bot", "user-a")).id
    assert [(r.granted, r.source) for r in await house.gateway.consent.history(contact)] == [
        (True, "inbound"), (False, "unsubscribed"),
    ]  # fmt: skip
    said = await store.subscriptions(house.gateway.db, [(house.channel("bot").id, "user-a")])
    assert said == {house.channel("bot").id: True}
    await house.news("bot", "user-a", subscribed=False, at=at)
    assert await house.send("user-a", channel="bot"), "old news, told again"
    await house.news("bot", "user-a", subscribed=False, at=house.clock.now() + timedelta(seconds=1))
    assert (await refused(house.send("user-a", channel="bot")))[0] == "opted_out"
    await house.news("bot", "user-a", subscribed=True, at=house.clock.now() + timedelta(seconds=2))
    assert await house.send("user-a", channel="bot")


async def test_who_stopped_does_not_come_back_by_writing(house: House) -> None:
    await house.news("bot", "user-a", subscribed=False)
    await house.later(1)
    await leaves(house, "user-a", "bot")
    await house.says("bot", "user-a", "and another thing")
    assert (await refused(house.send("user-a", channel="bot")))[0] == "opted_out"


async def test_a_merge_keeps_what_was_said_last(house: House) -> None:
    people, consent = house.gateway.people, house.gateway.consent
    await house.says("bot", "user-a", "hi")
    await house.later(1)
    await consent.record(house.account_id, [Record(PHONE, granted=False)])
    one, two = (await house.who("bot", "user-a")).id, (await house.who("sms", ANA)).id
    await people.merge(house.account_id, one, two)
    assert (await refused(house.send("user-a", channel="bot")))[0] == "opted_out"


async def test_a_crowd_that_stops_and_starts_while_contacts_merge_leaves_one_story(house: House) -> None:
    await house.says("bot", "user-a", "hi")
    await house.says("sms", ANA, "hi")
    one, two = (await house.who("bot", "user-a")).id, (await house.who("sms", ANA)).id
    await asyncio.gather(
        *(house.says("sms", ANA, text) for text in ("stop", "start", "hm") * 5),
        *(house.says("bot", "user-a", text) for text in ("stop", "start") * 5),
        *(house.gateway.people.merge(house.account_id, one, two) for _ in range(3)),
    )
    assert await house.gateway.db.fetchval("SELECT count(*) FROM consents WHERE contact_id <> $1", one) == 0


# -- Confirmations ----------------------------------------------------------------------------------------------------


async def test_an_opt_out_is_confirmed_once_and_answered_by_nobody_else(house: House) -> None:
    seen: list[str] = []

    class Flow:
        def wants(self, channel: Channel) -> bool:
            return True

        async def react(self, turn: Turn) -> bool:
            assert isinstance(turn.content, Text)
            seen.append(turn.content.text)
            return True

    house.gateway.turns.reactions.append(Flow())
    await policy(house, words=Words(opt_out_text="You are out.", opt_in_text="Welcome back."))
    for text in ("stop", "stop", "stop", "start", "hello"):
        await leaves(house, text=text)
    await until(lambda: len(house.script.sent) == 2 and len(seen) == 2)
    assert house.script.texts() == ["You are out.", "Welcome back."]
    assert seen == ["start", "hello"]
    await house.gateway.turns.drain(5)
    assert await house.count("turns") == 0


async def test_a_confirmation_is_sent_once_however_often_it_is_reacted_to(house: House) -> None:
    await policy(house, words=Words(opt_out_text="You are out."))
    now = house.clock.now()
    turn = Turn(
        house.gateway.ids.new(now), house.account_id, house.channel("sms"), ANA, Text(text="stop"), now,
        {"consent": {"meaning": "opt_out", "language": "en"}}, {"consent": "opt_out"},
    )  # fmt: skip
    (confirming,) = (r for r in house.gateway.turns.reactions if isinstance(r, Confirming))
    for _ in range(3):
        assert await confirming.react(turn)
    await until(lambda: house.script.sent)
    assert (await house.count("messages"), house.script.texts()) == (1, ["You are out."])


# -- Suppression ------------------------------------------------------------------------------------------------------


async def test_an_address_is_suppressed_for_a_channel_a_purpose_and_a_time(house: House) -> None:
    sms, now = house.channel("sms").id, house.clock.now()
    await suppress(
        house,
        entry(house, "385991234501", reason="complained"),
        entry(house, "385991234502", purpose="promotional"),
        entry(house, "user-a", channel_id=house.channel("bot").id),
        entry(house, "385991234503", channel_id=sms, until=now + timedelta(hours=1)),
    )
    code, rule = await refused(house.send(ANA, purpose=Purpose.OTP))
    assert (code, rule) == ("suppressed", "is on the suppression list: complained")
    assert await house.send(IVO)
    assert (await refused(house.promote(IVO)))[0] == "suppressed"
    assert (await refused(house.send("user-a", channel="bot")))[0] == "suppressed"
    assert await house.send("user-a", channel="other-bot")
    assert "until 2026-01-01 13:00 UTC" in (await refused(house.send("+385991234503")))[1]
    await house.later(3601)
    assert await house.send("+385991234503")


async def test_a_cascade_goes_on_where_its_first_step_is_barred(house: House) -> None:
    await suppress(house, entry(house, "user-a"))
    steps = [
        Step(channel="bot", content=Text(text="by bot"), to="user-a", fallback_time=60),
        Step(channel="sms", content=Text(text="by sms")),
    ]
    submission = Submission(account_id=house.account_id, plan=Plan(cascade=steps), recipients=[Recipient(to=ANA)])
    await house.gateway.intake.submit(submission)
    await until(lambda: house.script.texts() == ["by sms"])


# -- The policy -------------------------------------------------------------------------------------------------------


async def test_promotion_needs_an_opt_in_if_the_policy_says_so(house: House) -> None:
    await policy(house, opt_in="promotional")
    assert (await refused(house.promote(ANA)))[0] == "no_opt_in"
    assert await house.send(ANA)
    only = Record(PHONE, granted=True, purpose="promotional", channel_id=house.channel("sms").id, evidence="form 7")
    await house.gateway.consent.record(house.account_id, [only])
    assert await house.promote(ANA)
    await house.says("bot", "user-a", "hi")
    assert await house.promote("user-a", channel="bot")
    assert (await refused(house.promote("user-a", channel="other-bot")))[0] == "no_opt_in"


async def test_quiet_hours_put_a_promotion_off_until_morning(house: House) -> None:
    await policy(house, quiet_hours=[QuietHours(start="12:30", end="15:00", countries=["HR"])])
    message = await house.promote(ANA)
    await house.send(ANA, text="no promotion")
    await until(lambda: "no promotion" in house.script.texts())
    assert house.script.texts() == ["no promotion"], "13:00 in Zagreb"
    due = "SELECT due_at FROM sends WHERE message_id = $1 AND leased_until IS NULL"
    at = await until(lambda: house.gateway.db.fetchval(due, message.id))
    assert at == datetime(2026, 1, 1, 14, tzinfo=UTC)
    await house.later(2 * 3600 + 1)
    await until(lambda: len(house.script.sent) == 2)
    await policy(house, quiet_hours=[QuietHours(start="00:00", end="23:59")], in_quiet_hours="refuse")
    assert (await refused(house.promote(ANA)))[0] == "quiet_hours"


async def test_a_bot_s_user_is_quiet_where_the_contact_s_number_is(house: House) -> None:
    await policy(house, quiet_hours=[QuietHours(start="12:30", end="15:00", countries=["HR"])], in_quiet_hours="refuse")
    await house.says("bot", "user-a", "hi")
    assert await house.promote("user-a", channel="bot")
    await house.says("bot", "user-b", "hi", country="HR")
    assert (await refused(house.promote("user-b", channel="bot")))[0] == "quiet_hours"
    await house.gateway.people.add(house.account_id, (await house.who("bot", "user-a")).id, PHONE)
    assert (await refused(house.promote("user-a", channel="bot")))[0] == "quiet_hours"


async def test_a_cap_holds_however_many_come_at_once(house: House) -> None:
    await policy(house, frequency_caps=[FrequencyCap(messages=3, per="day")])
    messages = await asyncio.gather(*(house.promote(ANA, face="other") for _ in range(12)))
    found = [await until(partial(_ended, house, message)) for message in messages]
    assert sorted(found) == ["failed"] * 9 + ["sent"] * 3
    assert len(house.script.sent) == 3
    assert (await refused(house.promote(ANA)))[0] == "frequency_cap"
    assert await house.send(ANA)
    assert await house.promote(IVO)
    await house.later(24 * 3600 + 1)
    assert await house.promote(ANA)


async def _ended(house: House, message: Any) -> str | None:
    row = await house.gateway.db.fetchrow("SELECT status FROM messages WHERE id = $1", message.id)
    return str(row["status"]) if row is not None and row["status"] in ("sent", "failed") else None


async def test_a_cap_is_over_all_addresses_of_a_person_or_for_each_channel(house: House) -> None:
    await policy(house, frequency_caps=[FrequencyCap(messages=1, per="week")])
    await house.says("bot", "user-a", "hi")
    await house.gateway.people.add(house.account_id, (await house.who("bot", "user-a")).id, PHONE)
    await status(house, await house.promote(ANA), "sent")
    assert (await refused(house.promote("user-a", channel="bot")))[0] == "frequency_cap"
    await policy(house, frequency_caps=[FrequencyCap(messages=1, per="week", over="channel")])
    await status(house, await house.promote("user-a", channel="bot"), "sent")
    code, rule = await refused(house.promote("user-a", channel="bot"))
    assert (code, "on this channel within a week" in rule) == ("frequency_cap", True)
    await house.later(40 * 86400)
    await house.gateway.consent.forget()
    assert await house.count("capped_sends") == 0


async def test_the_first_message_may_not_be_promotional(house: House) -> None:
    await policy(house, promotion_first=False)
    assert (await refused(house.promote(ANA)))[0] == "first_contact_promotional"
    await status(house, await house.send(ANA), "sent")
    assert await house.promote(ANA)
    assert (await refused(house.promote(IVO)))[0] == "first_contact_promotional"
    await house.says("sms", IVO, "hi")
    assert await house.promote(IVO)


async def test_a_send_that_cannot_be_judged_waits_and_is_not_uncertain(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await policy(house, opt_in="promotional", writing_is_opt_in=True)
    await house.says("sms", ANA, "hi")
    real, broken = store.look_up, [True]

    async def sometimes(*args: Any) -> Any:
        if broken:
            broken.pop()
            raise RuntimeError("out of order")
        return await real(*args)

    monkeypatch.setattr(store, "look_up", sometimes)
    message = await house.promote(ANA, face="other")
    due = "SELECT due_at FROM sends WHERE message_id = $1 AND leased_until IS NULL AND due_at > $2"
    await until(lambda: house.gateway.db.fetchval(due, message.id, house.clock.now()))
    await house.later(6)
    await status(house, message, "sent")


# -- What is remembered -----------------------------------------------------------------------------------------------


async def test_another_node_hears_of_the_first_opt_out(database_url: str) -> None:
    async with housed(database_url) as house, another(house) as other:
        await house.says("sms", ANA, "stop")
        await until(lambda: other.consent.account(house.account_id) is not None)
        account = other.consent.account(house.account_id)
        assert account is not None
        assert account.leaving


async def test_what_the_database_folds_is_what_the_rule_says(house: House) -> None:
    consent, sms, now = house.gateway.consent, house.channel("sms"), house.clock.now()
    purposes = ("", "promotional", "otp", "session")
    records = [
        Record(PHONE, granted=bool(n * 7 % 3), purpose=purposes[n * 5 % 4], channel_id=(0, sms.id, 999)[n % 3],
               at=now - timedelta(minutes=n * 37 % 50))
        for n in range(40)
    ]  # fmt: skip
    for n in range(0, 40, 4):
        (contact, *_) = await consent.record(house.account_id, records[n : n + 4])
        assert contact is not None
        told = await consent.history(contact)
        for purpose in Purpose:
            counts = standing(told, sms.id, purpose.value)
            found = await consent.check(house.account_id, sms, ANA, purpose, now, now + timedelta(days=1))
            assert (found is not None) == (counts is not None and not counts.granted), (n, purpose)
