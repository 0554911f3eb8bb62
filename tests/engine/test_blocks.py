"""Whoever has blocked a sender, as the network answered, is not tried again until they or the network say otherwise."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.engine.people import ANA, IVO, House, another, housed
from tests.engine.test_consent import Counted, policy, status, until
from tyrian.domain.content import Text
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.domain.people import Place
from tyrian.domain.submission import Plan, Recipient, Step, Submission
from tyrian.engine import ports
from tyrian.engine.blocks import LASTS
from tyrian.engine.consent import Record
from tyrian.store import blocks as store

BLOCKED = ports.Refused("blocked_by_user")
PHONE = Place(0, "385991234501")
NOBODY: dict[str, Any] = {"name": None, "language": None, "country": None, "attributes": {}}


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with housed(database_url) as made:
        yield made


async def block(house: House, to: str = ANA, channel: str = "sms", reason: str = "blocked_by_user") -> None:
    """A message that the network refuses because of the person, and a moment after it."""
    house.script.answers[to].append(lambda outgoing: ports.Refused(reason))
    assert (await status(house, await house.send(to, channel=channel), "failed"))["reason"] == reason
    await house.gateway.blocks.drain()
    await house.later(1)


async def again(house: House, to: str = ANA, channel: str = "sms") -> bool:
    """Whether another message goes out to the network. It would be delivered there."""
    sent = len(house.script.sent)
    message = await house.send(to, channel=channel)
    ended = await until(lambda: _ended(house, message.id))
    assert (ended == "failed") == (len(house.script.sent) == sent)
    return len(house.script.sent) > sent


async def _ended(house: House, identifier: Any) -> str | None:
    found = await house.gateway.db.fetchval("SELECT status FROM messages WHERE id = $1", identifier)
    return str(found) if found in ("sent", "failed") else None


@pytest.mark.parametrize("reason", ["blocked_by_user", "not_subscribed"])
async def test_the_next_send_fails_with_the_networks_reason_before_it_goes_out(house: House, reason: str) -> None:
    await block(house, reason=reason)
    assert len(house.script.sent) == 1
    message = await house.send(ANA)
    assert (await status(house, message, "failed"))["reason"] == reason
    assert len(house.script.sent) == 1
    sql = "SELECT convert_from(exchange, 'UTF8') FROM events WHERE message_id = $1 AND exchange IS NOT NULL"
    assert "as the network said on 2026-01-01" in await house.gateway.db.fetchval(sql, message.id)
    assert await again(house, IVO)


@pytest.mark.parametrize("reason", ["not_a_viber_user", "content_refused", "unreachable_recipient"])
async def test_other_refusals_are_of_that_message_alone(house: House, reason: str) -> None:
    await block(house, reason=reason)
    assert await again(house)
    assert await house.count("blocks") == 0


async def test_a_cascade_goes_on_at_once(house: House) -> None:
    await block(house)
    steps = [Step(channel="sms", content=Text(text="1"), fallback_time=600)]
    steps.append(Step(channel="bot", content=Text(text="2"), to="u1"))
    plan = Plan(cascade=steps)
    submission = Submission(account_id=house.account_id, plan=plan, recipients=[Recipient(to=ANA)])
    message = (await house.gateway.intake.submit(submission)).messages[0]
    await status(house, message, "sent")
    assert house.script.texts()[1:] == ["2"]


async def test_a_block_holds_on_its_channel_alone(house: House) -> None:
    await block(house, "u1", channel="bot")
    assert await again(house, "u1", channel="other-bot")
    assert not await again(house, "u1", channel="bot")


async def test_another_number_of_the_same_person_is_not_blocked(house: House) -> None:
    await house.gateway.people.create(house.account_id, [PHONE, Place(0, IVO[1:])], NOBODY)
    await block(house)
    assert await again(house, IVO)


async def test_whoever_writes_is_reachable(house: House) -> None:
    await block(house)
    await house.says("sms", ANA, "are you there?")
    assert await again(house)


async def test_whoever_wrote_while_the_message_was_on_its_way_is_reachable(house: House) -> None:
    """The network's answer, which comes last, is about a time before the person wrote."""
    answered = asyncio.Event()

    async def slow(outgoing: ports.Outgoing) -> ports.SendResult:
        await answered.wait()
        return BLOCKED

    house.script.answers[ANA].append(slow)
    message = await house.send(ANA)
    await until(lambda: house.script.sent)
    await house.later(1)
    await house.says("sms", ANA, "hi")
    await house.later(1)
    answered.set()
    await status(house, message, "failed")
    await house.gateway.blocks.drain()
    assert await house.count("blocks") == 1
    assert await again(house)


async def test_whoever_subscribes_is_reachable(house: House) -> None:
    await block(house, "u1", channel="bot", reason="not_subscribed")
    await house.news("other-bot", "u1", subscribed=True)
    assert not await again(house, "u1", channel="bot")
    await house.news("bot", "u1", subscribed=True)
    assert await again(house, "u1", channel="bot")


async def test_news_of_before_do_not_count(house: House) -> None:
    early = house.clock.now()
    await house.later(60)
    await block(house, "u1", channel="bot")
    await house.news("bot", "u1", subscribed=True, at=early)
    assert not await again(house, "u1", channel="bot")


@pytest.mark.parametrize("everywhere", [True, False])
async def test_a_consent_that_is_recorded_counts(house: House, everywhere: bool) -> None:
    consent, sms = house.gateway.consent, house.channel("sms").id
    await consent.record(house.account_id, [Record(PHONE, True, channel_id=sms)])
    await house.later(1)
    await block(house)
    await consent.record(house.account_id, [Record(PHONE, True, channel_id=house.channel("bot").id)])
    assert not await again(house)
    await consent.record(house.account_id, [Record(PHONE, True, channel_id=0 if everywhere else sms)])
    assert await again(house)


async def test_after_a_month_somebody_is_tried_once_more(house: House) -> None:
    await block(house)
    await house.later(LASTS.total_seconds() - 60)
    assert not await again(house)
    await house.later(120)
    await house.gateway.blocks.forget()
    assert await house.count("blocks") == 0
    await block(house)
    assert not await again(house)


async def test_a_refusal_of_our_own_does_not_prolong_it(house: House) -> None:
    await block(house)
    before = await house.gateway.db.fetchval("SELECT at FROM blocks")
    assert not await again(house)
    await house.gateway.blocks.drain()
    assert await house.gateway.db.fetchval("SELECT at FROM blocks") == before


async def test_a_receipt_may_tell_as_well(house: House) -> None:
    message = await house.send(ANA)
    await status(house, message, "sent")
    ref = str(house.script.sent[0].attempt_id)
    receipt = ports.Receipt(ref, ReceiptKind.FAILED, "blocked_by_user")
    await house.gateway.receipts.submit(house.channel("sms").id, [receipt, receipt])
    await status(house, message, "failed")
    await house.gateway.blocks.drain()
    await house.later(1)
    assert not await again(house)
    await house.says("sms", ANA, "hi")
    assert await again(house)


async def test_a_policy_turns_it_off_and_on(house: House) -> None:
    await policy(house, heed_blocks=False)
    await block(house)
    assert await again(house)
    await policy(house)
    assert not await again(house)


async def test_everybody_else_costs_no_statement(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await block(house)
    counted = Counted(house, monkeypatch)
    assert await again(house, IVO)
    assert [sql for sql in counted.asked if "blocks" in sql] == []


async def test_a_message_is_accepted_all_the_same_for_the_network_may_think_otherwise(house: House) -> None:
    await block(house)
    plan = Plan(cascade=[Step(channel="sms", content=Text(text="x"))])
    assert house.gateway.guards.concern(house.account_id, house.channel("sms"), plan)
    assert not house.gateway.guards.concern(house.account_id, house.channel("sms"), plan, accepting=True)


async def test_nodes_learn_of_it_from_one_another_and_when_they_start(house: House) -> None:
    plan = Plan(cascade=[Step(channel="sms", content=Text(text="x"))])
    async with another(house) as second:
        assert not second.blocks.applies(house.account_id, house.channel("sms"), plan)
        await block(house)
        await until(lambda: second.blocks.applies(house.account_id, house.channel("sms"), plan))
    async with another(house) as third:
        assert third.blocks.applies(house.account_id, house.channel("sms"), plan)


async def test_what_could_not_be_written_is_found_out_by_the_next_send(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = store.write

    async def failing(*args: Any) -> None:
        monkeypatch.setattr(store, "write", real)
        raise asyncpg.DataError("no")

    monkeypatch.setattr(store, "write", failing)
    await block(house)
    assert await house.count("blocks") == 0
    await block(house)
    assert (len(house.script.sent), await house.count("blocks")) == (2, 1)


async def test_more_people_than_are_remembered_are_looked_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tyrian.engine.blocks._REMEMBERED", 1)
    await block(house)
    await block(house, IVO)
    assert not await again(house)
    assert not await again(house, IVO)
    assert await again(house, "+385991234599")


async def test_of_two_answers_the_later_send_counts(house: House) -> None:
    now, channel = house.clock.now(), house.channel("sms").id
    await house.later(60)
    late, ids = house.clock.now(), house.gateway.ids
    new = store.Block(channel, "1", "not_subscribed", ids.new(late), late)
    old = store.Block(channel, "1", "blocked_by_user", ids.new(now), now)
    for pair in ([new, old], [old], [new]):
        await store.write(house.gateway.db, pair)
        row = await house.gateway.db.fetchrow("SELECT reason, at FROM blocks")
        assert row is not None
        assert tuple(row) == ("not_subscribed", late)
