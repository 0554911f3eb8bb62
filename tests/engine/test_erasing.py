"""A person is erased: all that is remembered of them goes, and what keeps them from being written to stays."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from tests.engine.people import ANA, IVO, House, housed
from tests.engine.test_blocks import NOBODY, block
from tests.engine.test_consent import entry, leaves, refused, suppress, until
from tyrian.domain.content import Contact as Card
from tyrian.domain.conversation import Author, By, Opening
from tyrian.domain.people import Place
from tyrian.domain.purpose import Purpose
from tyrian.engine import erasing
from tyrian.engine.consent import Record
from tyrian.inbox.setup import install
from tyrian.store import people as people_store, suppressions
from tyrian.store.suppressions import NoContact

ANAS, IVOS = Place(0, ANA[1:]), Place(0, IVO[1:])
TRACES = ("keyboards", "codes", "stale_presses", "flow_runs", "flow_contexts", "subscriptions", "blocks", "sessions")
_FILL = {
    "keyboards": "(channel_id, person, message_id, attempt_id, keyboard, until) VALUES ($1, $2, $3, $3, '', $4)",
    "codes": "(channel_id, person, message_id, expires_at, name, account_id, meanings) "
    "VALUES ($1, $2, $3, $4, gen_random_uuid()::text, 1, '')",
    "stale_presses": "(channel_id, person, inbound_id, answered_at) VALUES ($1, $2, $3, $4)",
    "flow_contexts": "(channel_id, person, context, at) VALUES ($1, $2, 'c', $4)",
    "blocks": "(channel_id, person, reason, message_id, at) VALUES ($1, $2, '', $3, $4) ON CONFLICT DO NOTHING",
    "flow_runs": "(channel_id, person, id, flow_id, updated_at, started_at, account_id, version, sender, tick, state, "
    "step, data) VALUES ($1, $2, $3, $3, $4, $4, 1, 1, $2, 1, 'ended', 's', '')",
    "conversations": "(channel_id, person, id, opened_at, updated_at, account_id, address, name, state, attributes, "
    "legs, unread, waiting, revision) VALUES ($1, $2, $3, $4, $4, 1, $2, 'Ana', 'open', '{}', '[]', 0, false, 1)",
}


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with housed(database_url) as made:
        yield made


async def leave_traces(house: House, channel: str, person: str) -> None:
    """Something of a person in every table that remembers people."""
    number, now = house.channel(channel).id, house.clock.now()
    for table, values in _FILL.items():
        sql = f"WITH i AS (SELECT $3::uuid, $4::timestamptz) INSERT INTO {table} {values}"
        await house.gateway.db.execute(sql, number, person, house.gateway.ids.new(now), now)
    if channel == "bot":
        await house.news("bot", person, subscribed=True)
    await house.says(channel, person, "hi")


async def erase(house: House, channel: str = "sms", person: str = ANA) -> bool:
    gateway = house.gateway
    found = await gateway.people.erase(house.account_id, (await house.who(channel, person)).id)
    await gateway.consent.refresh()
    await house.later(1)
    return found


async def listed(house: House) -> list[tuple[Any, ...]]:
    found, _ = await suppressions.listed(house.gateway.db, house.account_id, None, 100)
    return sorted((e.address, e.channel_id, e.purpose, e.reason, e.lifted_by) for e in found)


async def test_all_that_is_remembered_of_a_person_goes_and_nothing_of_others(house: House) -> None:
    await house.gateway.people.create(
        house.account_id, [ANAS, Place(house.channel("bot").id, "u1")], {**NOBODY, "name": "Ana"}
    )
    for channel, person in (("sms", ANA[1:]), ("bot", "u1"), ("bot", "u2"), ("other-bot", "u1")):
        await leave_traces(house, channel, person)
    assert await erase(house)
    left: dict[str, set[tuple[int, str]]] = {}
    for table in TRACES:
        rows = await house.gateway.db.fetch(f"SELECT channel_id, person FROM {table}")
        left[table] = {(row["channel_id"], row["person"]) for row in rows}
    others = {(house.channel("bot").id, "u2"), (house.channel("other-bot").id, "u1")}
    assert all(found <= others for found in left.values()), left
    assert left["sessions"] == left["codes"] == left["flow_runs"] == others
    talks = await house.gateway.db.fetch("SELECT person, name, revision FROM conversations ORDER BY channel_id, person")
    assert [tuple(row) for row in talks] == [
        (ANA[1:], None, 2), ("u1", None, 2), ("u2", "Ana", 1), ("u1", "Ana", 1),
    ]  # fmt: skip
    assert await house.gateway.people.on(house.channel("sms"), ANA) is None
    assert await house.gateway.people.on(house.channel("bot"), "u1") is None
    assert await house.gateway.people.on(house.channel("bot"), "u2") is not None
    assert await listed(house) == []


async def test_what_was_said_in_conversations_goes_and_an_open_one_can_go_on(house: House) -> None:
    install(house.gateway)
    inbox, bot, agent = house.gateway.inbox, house.channel("bot"), Author(By.API)
    opening = Opening(name="Ana", subject="debts", attributes={"debt": "100"}, reopen=False)
    await house.says("bot", "u1", "hi")
    talks: list[Any] = []
    for person in ("u1", "u1", "u2"):
        talk = await inbox.open(house.account_id, bot, person, by=agent, opening=opening)
        await inbox.note(house.account_id, talk.id, "She owes us 100.", by=agent)
        talks.append(talk.id)
        if len(talks) == 1:
            await inbox.close(house.account_id, talk.id, by=agent)
    await erase(house, "bot", "u1")
    lines = await house.gateway.db.fetch("SELECT DISTINCT conversation_id FROM conversation_items")
    assert [row[0] for row in lines] == [talks[2]]
    assert await inbox.get(house.account_id, talks[0]) is None
    left = await inbox.get(house.account_id, talks[1])
    assert (left.name, left.subject, left.attributes, left.address) == (None, None, {}, "u1")
    await inbox.note(house.account_id, talks[1], "who was that?", by=agent)
    assert [item.text for item in await inbox.items(house.account_id, talks[1])] == ["who was that?"]


async def test_those_who_watch_are_told_and_can_no_longer_read_what_was_said(house: House) -> None:
    install(house.gateway)
    inbox, bot, agent = house.gateway.inbox, house.channel("bot"), Author(By.API)
    opening = Opening(name="Ana", subject="debts", reopen=False)
    await house.says("bot", "u1", "hi")
    closed, other = [
        await inbox.open(house.account_id, bot, person, by=agent, opening=opening) for person in ("u1", "u3")
    ]
    await inbox.close(house.account_id, closed.id, by=agent)
    still = await inbox.open(house.account_id, bot, "u1", by=agent, opening=opening)
    for talk in (still, other):
        await inbox.note(house.account_id, talk.id, "She owes us 100.", by=agent)
    before = await inbox.last_event(house.account_id)
    async with aclosing(inbox.watch(house.account_id)) as watched:
        first = asyncio.ensure_future(anext(watched))
        await until(lambda: inbox.watchers == 1)
        await erase(house, "bot", "u1")
        told = [await first, *[await anext(watched) for _ in range(2)]]
    assert [(one.number - before, one.type, one.conversation_id) for one in told] == [
        (1, "erased", closed.id), (2, "erased", still.id), (3, "conversation", still.id),
    ]  # fmt: skip
    assert [one.data["removed"] for one in told[:2]] == [True, False]
    assert (told[2].data["id"], "subject" in told[2].data) == (str(still.id), False)
    async with aclosing(inbox.watch(house.account_id, after=1)) as again:
        seen = [one async for one in _until_number(again, before + 3)]
    assert {one.conversation_id for one in seen if one.number <= before} - {None} == {other.id}
    assert "debts" not in str([one.data for one in seen if one.conversation_id != other.id])


async def _until_number(watched: AsyncIterator[Any], number: int) -> AsyncIterator[Any]:
    async for one in watched:
        yield one
        if one.number == number:
            return


async def test_an_erasure_that_breaks_off_tells_nobody_anything(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    install(house.gateway)
    inbox = house.gateway.inbox
    await house.says("bot", "u1", "hi")
    talk = await inbox.open(house.account_id, house.channel("bot"), "u1", by=Author(By.API), opening=Opening(name="A"))
    before = await inbox.last_event(house.account_id)

    async def dies(*args: Any) -> None:
        raise RuntimeError("the power is gone")

    monkeypatch.setattr(erasing, "add_events", dies)
    with pytest.raises(RuntimeError):
        await erase(house, "bot", "u1")
    assert await inbox.last_event(house.account_id) == before
    assert (await inbox.get(house.account_id, talk.id)).name == "A"
    assert await house.gateway.db.fetchval("SELECT count(*) FROM inbox_events") == before


async def test_a_repeat_changes_nothing_and_an_unknown_id_is_told_apart(house: House) -> None:
    people, ids = house.gateway.people, house.gateway.ids
    one = await people.create(house.account_id, [ANAS], NOBODY)
    other = await people.create(house.account_id, [IVOS], {**NOBODY, "name": "Ivo"})
    await people.merge(house.account_id, one.id, other.id)
    assert await people.erase(house.account_id, other.id)
    for contact in (one, other):
        assert await people.erase(house.account_id, contact.id)
        assert await people.get(house.account_id, contact.id) is None
        assert not await people.erase(house.account_id + 1, contact.id)
    assert not await people.erase(house.account_id, ids.new(house.clock.now()))
    assert await house.count("contacts") == await house.count("contact_addresses") == 0


async def test_an_opt_out_outlives_its_contact(house: House) -> None:
    await house.says("sms", ANA, "hi")
    await leaves(house)
    await erase(house)
    assert await house.count("consents") == 0
    sms = house.channel("sms").id
    assert await listed(house) == [(ANA[1:], sms, "", "opted out before the contact was erased", "consent")]
    assert (await refused(house.send(ANA)))[0] == "suppressed"
    assert await house.send(IVO)


async def test_whoever_opted_out_and_writes_later_is_answered_and_no_more(house: House) -> None:
    await leaves(house)
    await erase(house)
    await house.says("sms", ANA, "a question")
    assert (await refused(house.send(ANA)))[0] == "suppressed"
    assert await house.send(ANA, purpose=Purpose.SESSION)
    await house.later(1)
    await house.gateway.consent.record(house.account_id, [Record(ANAS, True)])
    assert await house.send(ANA)


async def test_whoever_the_network_said_had_left_receives_again_after_writing(house: House) -> None:
    await house.news("bot", "u1", subscribed=False)
    await house.gateway.consent.refresh()
    await erase(house, "bot", "u1")
    assert [(a, c, w) for a, c, _, _, w in await listed(house)] == [("u1", house.channel("bot").id, "writing")]
    assert (await refused(house.send("u1", channel="bot")))[0] == "suppressed"
    await house.says("bot", "u1", "here again")
    assert await house.send("u1", channel="bot")


async def test_a_later_opt_out_counts_for_itself(house: House) -> None:
    await leaves(house)
    await erase(house)
    await house.gateway.consent.record(house.account_id, [Record(ANAS, True)])
    await house.later(1)
    await leaves(house)
    assert (await refused(house.send(ANA)))[0] in ("suppressed", "opted_out")


async def test_a_second_erasure_says_what_the_person_said_since_the_first(house: House) -> None:
    """The network had said that they left; later they wrote, and opted out themselves: to write lifts it no more."""
    await house.news("bot", "u1", subscribed=False)
    await erase(house, "bot", "u1")
    await house.says("bot", "u1", "here again")
    await house.says("bot", "u1", "STOP")
    await erase(house, "bot", "u1")
    assert [(a, w) for a, _, _, _, w in await listed(house)] == [("u1", "consent")]
    await house.says("bot", "u1", "a question")
    assert (await refused(house.send("u1", channel="bot")))[0] == "suppressed"


async def test_an_opt_in_of_before_a_second_erasure_lifts_nothing_after_it(house: House) -> None:
    await leaves(house)
    await erase(house)
    await house.gateway.consent.record(house.account_id, [Record(ANAS, True)])
    agreed = house.clock.now()
    await house.later(1)
    await leaves(house)
    await erase(house)
    await house.gateway.consent.record(house.account_id, [Record(ANAS, True, at=agreed)])
    assert (await refused(house.send(ANA)))[0] == "suppressed"


async def test_what_a_contact_is_suppressed_for_is_not_lifted_as_an_opt_out_of_before_is(house: House) -> None:
    await leaves(house)
    await erase(house)
    await house.gateway.consent.record(house.account_id, [Record(ANAS, True, channel_id=house.channel("sms").id)])
    contact = await house.who("sms", ANA)
    await suppress(house, entry(house, None, contact_id=contact.id, channel_id=house.channel("sms").id, reason="rude"))
    await erase(house)
    assert [(reason, lifted_by) for *_, reason, lifted_by in await listed(house)] == [("rude", None)]
    await house.later(1)
    await house.gateway.consent.record(house.account_id, [Record(ANAS, True)])
    assert (await refused(house.send(ANA)))[0] == "suppressed"


async def test_an_opt_out_outlives_a_suppression_of_the_contact_that_ends_before(house: House) -> None:
    await leaves(house)
    contact, sms = await house.who("sms", ANA), house.channel("sms").id
    end = house.clock.now().replace(year=2027)
    await suppress(house, entry(house, None, contact_id=contact.id, channel_id=sms, until=end, reason="on leave"))
    await erase(house)
    house.clock._now = end
    assert (await refused(house.send(ANA)))[0] == "suppressed"


async def test_what_is_suppressed_stays_so_by_every_address(house: House) -> None:
    contact = await house.gateway.people.create(house.account_id, [ANAS, IVOS], NOBODY)
    end = house.clock.now().replace(year=2030)
    await suppress(
        house,
        entry(house, None, contact_id=contact.id, reason="asked for it"),
        entry(house, ANA[1:], until=end, reason="by address"),
    )
    await erase(house)
    assert await listed(house) == [(ANA[1:], 0, "", "by address", None), (IVO[1:], 0, "", "asked for it", None)]
    # The entry of the address ended, the one of the person did not.
    assert await house.gateway.db.fetchval("SELECT count(*) FROM suppressions WHERE until IS NOT NULL") == 0
    assert await house.count("suppressed_contacts") == 0
    await house.says("sms", ANA, "hi")
    assert (await refused(house.send(ANA, purpose=Purpose.SESSION)))[0] == "suppressed"


async def test_a_message_at_the_same_moment_is_kept_and_leads_to_one_contact_at_most(house: House) -> None:
    for turn in range(5):
        await house.says("sms", ANA, "hi")
        contact = await house.who("sms", ANA)
        erased, _ = await asyncio.gather(
            house.gateway.people.erase(house.account_id, contact.id), house.says("sms", ANA, "STOP")
        )
        assert erased
        assert await house.count("inbound") == 3 * turn + 2
        orphans = (
            "SELECT count(*) FROM consents k WHERE NOT EXISTS (SELECT 1 FROM contacts c WHERE c.id = k.contact_id)"
        )
        assert await house.gateway.db.fetchval(orphans) == 0
        assert await house.count("contacts") <= 1
        await house.says("sms", ANA, "hi")
        assert (await house.who("sms", ANA)).id != contact.id


async def test_what_was_looked_up_before_it_is_not_remembered_after_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message found the contact there, and is still being stored when the contact is erased."""
    await house.says("sms", ANA, "hi")
    contact = await house.who("sms", ANA)
    real = people_store.meet

    async def slow(connection: Any, *args: Any) -> Any:
        monkeypatch.setattr(people_store, "meet", real)
        found = await real(connection, *args)
        await house.gateway.people.erase(house.account_id, contact.id)
        return found

    monkeypatch.setattr(people_store, "meet", slow)
    await house.says("sms", ANA, "hello")
    await house.says("sms", ANA, "are you there?")
    assert (await house.who("sms", ANA)).id != contact.id


async def test_whoever_writes_after_it_is_a_new_contact(house: House) -> None:
    await house.says("bot", "u1", "hi", name="Ana")
    before = await house.who("bot", "u1")
    await house.says("bot", "u1", "hi")
    await erase(house, "bot", "u1")
    await house.says("bot", "u1", "hello", name="Ana")
    assert (await house.who("bot", "u1")).id != before.id


# -- Suppressed as a person -------------------------------------------------------------------------------------------


async def test_a_person_is_suppressed_by_every_address_also_one_that_is_linked_later(house: House) -> None:
    await house.says("bot", "u1", "hi")
    contact = await house.who("bot", "u1")
    await suppress(house, entry(house, None, contact_id=contact.id, reason="complained"))
    code, rule = await refused(house.send("u1", channel="bot"))
    assert (code, "belongs to somebody who is on the suppression list: complained" in rule) == ("suppressed", True)
    assert await house.send(ANA)
    await house.says("bot", "u1", Card(name="Ana", phone=ANA), text="share")
    assert (await house.who("sms", ANA)).id == contact.id
    assert (await refused(house.send(ANA)))[0] == "suppressed"


async def test_it_is_for_a_channel_and_a_purpose_and_until_a_time(house: House) -> None:
    contact = await house.gateway.people.create(house.account_id, [ANAS, Place(house.channel("bot").id, "u1")], NOBODY)
    end = house.clock.now().replace(year=2027)
    more: dict[str, Any] = {"channel_id": house.channel("sms").id, "purpose": "promotional", "until": end}
    await suppress(house, entry(house, None, contact_id=contact.id, **more))
    assert await house.send(ANA)
    assert await house.promote("u1", channel="bot")
    assert (await refused(house.promote(ANA)))[0] == "suppressed"
    house.clock._now = end
    assert await house.promote(ANA)


async def test_it_goes_with_a_merge(house: House) -> None:
    people = house.gateway.people
    one = await people.create(house.account_id, [ANAS], NOBODY)
    other = await people.create(house.account_id, [IVOS], {**NOBODY, "name": "Ivo"})
    end = house.clock.now().replace(year=2030)
    await suppress(
        house, entry(house, None, contact_id=one.id, until=end), entry(house, None, contact_id=other.id, reason="x")
    )
    await people.merge(house.account_id, one.id, other.id)
    for query in ((one.id), (other.id)):
        contact = await people.get(house.account_id, query)
        assert contact is not None
        (found,) = await suppressions.by_contact(house.gateway.db, house.account_id, contact.id)
        assert (found.contact_id, found.name, found.until) == (one.id, "Ivo", None)
    # The id that led elsewhere still names the person.
    await suppress(house, entry(house, None, contact_id=other.id, reason="again"))
    assert [e.reason for e in await suppressions.by_address(house.gateway.db, house.account_id, [IVO[1:]])] == ["again"]


async def test_somebody_who_is_not_there_cannot_be_suppressed(house: House) -> None:
    strange = house.gateway.ids.new(house.clock.now())
    with pytest.raises(NoContact) as caught:
        await suppress(house, entry(house, ANA[1:]), entry(house, None, contact_id=strange))
    assert caught.value.ids == {strange}
    assert await listed(house) == []


async def test_blocks_of_an_erased_person_are_found_out_again(house: House) -> None:
    await house.gateway.people.create(house.account_id, [ANAS], NOBODY)
    await block(house)
    await erase(house)
    await house.send(ANA)
    await until(lambda: len(house.script.sent) == 2)
