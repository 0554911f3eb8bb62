"""Who writes becomes a contact, once; who shares a number is linked; and two contacts become one."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from tests.engine.people import ANA, IVO, House, housed
from tyrian.domain.content import Contact as Card, Text
from tyrian.domain.people import Contact, Place
from tyrian.engine.people import BUTTON_TEXT, People, Taken
from tyrian.engine.ports import Inbound
from tyrian.engine.reacting import News
from tyrian.store import people as store

BLANK: dict[str, Any] = {"name": None, "language": None, "country": None, "attributes": {}}
CARD = Card(name="Ana", phone=ANA)
BUTTON = {BUTTON_TEXT: "share"}


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with housed(database_url) as made:
        yield made


def addresses(contact: Contact) -> list[str]:
    return sorted(known.place.address for known in contact.addresses)


async def test_who_writes_is_one_contact_for_a_number_and_one_for_each_bot(house: House) -> None:
    await house.says("sms", ANA, "hi", name="Ana", country="hr", language="hr")
    await house.says("sms", ANA, "again", name="Somebody else")
    await house.says("bot", "user-a=", "hi")
    await house.says("other-bot", "user-a=", "hi")
    assert await house.count("contacts") == 3
    ana = await house.who("sms", ANA)
    assert (ana.name, ana.country, ana.language, addresses(ana)) == ("Ana", "HR", "hr", ["385991234501"])
    assert (await house.who("bot", "user-a=")).id != (await house.who("other-bot", "user-a=")).id


async def test_a_crowd_that_writes_at_once_is_met_once(house: House) -> None:
    await asyncio.gather(*(house.says("sms", f"+38599123{n % 40:04}", "hi") for n in range(200)))
    assert (await house.count("contacts"), await house.count("contact_addresses")) == (40, 40)


async def test_two_nodes_that_meet_somebody_agree(database_url: str) -> None:
    async with housed(database_url) as house:
        desk, channel = house.gateway.inbound, house.channel("sms")
        other = People(house.gateway)
        said = [Inbound(ANA, "sms", Text(text=str(n)), f"x{n}") for n in range(20)]
        await asyncio.gather(
            *(desk.submit(channel, [one]) for one in said),
            *(_meets(house, other) for _ in range(20)),
        )
        assert await house.count("contacts") == 1


async def _meets(house: House, people: People) -> None:
    news = [News(house.channel("sms"), ANA, True, house.clock.now())]
    async with house.gateway.db.transaction() as connection:
        await people.subscribed(connection, news)


async def test_strange_senders_and_facts_keep_no_message_from_being_stored(house: House) -> None:
    await house.says("sms", "INFO", "hi", name="\0", country=["HR"], language="x" * 99)
    await house.says("sms", "12345", "hi", country="Croatia")
    assert (await house.count("inbound"), await house.count("contacts")) == (2, 2)
    contact = await house.who("sms", "INFO")
    assert (contact.name, contact.country, contact.language) == (None, None, "x" * 35)
    assert contact.addresses[0].place.scope == house.channel("sms").id


# -- A number that is shared ------------------------------------------------------------------------------------------


async def test_a_shared_number_links_the_user_with_who_has_the_number(house: House) -> None:
    await house.says("sms", ANA, "hi", country="HR")
    await house.says("bot", "user-a=", "hi", name="Ana")
    older = (await house.who("sms", ANA)).id
    await house.says("bot", "user-a=", CARD, **BUTTON)
    ana = await house.who("bot", "user-a=")
    assert (ana.id, ana.name, ana.country, addresses(ana)) == (older, "Ana", "HR", ["385991234501", "user-a="])
    extra = await house.gateway.db.fetchval("SELECT extra FROM inbound ORDER BY id DESC LIMIT 1")
    assert b'"shared_phone":"+385991234501"' in extra
    await house.says("other-bot", "user-z", CARD, **BUTTON)
    assert addresses(await house.who("other-bot", "user-z")) == ["385991234501", "user-a=", "user-z"]


async def test_a_shared_number_that_nobody_has_is_the_user_s(house: House) -> None:
    for _ in range(2):
        await house.says("bot", "user-a=", CARD, **BUTTON)
    ana = await house.who("sms", ANA)
    assert {k.place.address: k.source for k in ana.addresses} == {"user-a=": "inbound", "385991234501": "share_phone"}


async def test_a_forwarded_card_links_nobody(house: House) -> None:
    await house.says("sms", ANA, "hi")
    await house.says("bot", "user-b=", CARD)
    assert addresses(await house.who("bot", "user-b=")) == ["user-b="]


async def test_a_number_that_another_user_of_the_bot_has_stays_theirs(house: House) -> None:
    await house.says("bot", "user-a=", CARD, **BUTTON)
    await house.says("bot", "user-b=", CARD, **BUTTON)
    assert addresses(await house.who("bot", "user-b=")) == ["user-b="]
    assert addresses(await house.who("sms", ANA)) == ["385991234501", "user-a="]


async def test_a_card_without_a_number_is_a_card(house: House) -> None:
    await house.says("bot", "user-a=", Card(name="Ana", phone="call me"), **BUTTON)
    assert addresses(await house.who("bot", "user-a=")) == ["user-a="]


# -- Two that are one -------------------------------------------------------------------------------------------------


async def test_a_merge_moves_everything_and_can_be_repeated(house: House) -> None:
    people = house.gateway.people
    ana = await people.create(
        house.account_id, [Place(0, "385991234501")],
        {"name": "Ana", "language": None, "country": None, "attributes": {"a": 1, "b": 2}},
    )  # fmt: skip
    other = await people.create(
        house.account_id, [Place(0, "385991234502")],
        {"name": "Anna", "language": "hr", "country": None, "attributes": {"b": 3, "c": True}},
    )  # fmt: skip
    first = await people.merge(house.account_id, ana.id, other.id)
    for merged in (first, await people.merge(house.account_id, ana.id, other.id)):
        assert merged is not None
        assert (merged.id, merged.name, merged.language) == (ana.id, "Ana", "hr")
        assert merged.attributes == {"a": 1, "b": 2, "c": True}
        assert addresses(merged) == ["385991234501", "385991234502"]
    led = await people.get(house.account_id, other.id)
    assert led is not None
    assert (led.id, addresses(led)) == (ana.id, ["385991234501", "385991234502"])
    assert (await house.who("sms", IVO)).id == ana.id
    assert await people.merge(house.account_id, ana.id, uuid4()) is None
    assert await people.merge(house.account_id + 1, ana.id, other.id) is None


async def test_merges_in_a_chain_and_in_both_directions_at_once_end_in_one(house: House) -> None:
    people = house.gateway.people
    made = [await people.create(house.account_id, [Place(0, f"38599123450{n}")], BLANK) for n in range(6)]
    pairs = [(a, b) for a in made for b in made if a is not b]
    await asyncio.gather(*(people.merge(house.account_id, a.id, b.id) for a, b in pairs))
    found = [await people.get(house.account_id, one.id) for one in made]
    left = {contact.id: len(contact.addresses) for contact in found if contact is not None}
    assert list(left.values()) == [6]


async def test_an_address_has_one_holder(house: House) -> None:
    people = house.gateway.people
    ana = await people.create(house.account_id, [Place(0, "385991234501")], BLANK)
    with pytest.raises(Taken) as caught:
        await people.create(house.account_id, [Place(0, "385991234502"), Place(0, "385991234501")], BLANK)
    assert caught.value.holder == ana.id
    assert await house.count("contacts") == 1, "all of it, or nothing"


async def test_who_writes_from_an_address_that_was_taken_away_is_met_anew(house: House) -> None:
    for text in ("one", "two", "three"):
        await house.says("sms", ANA, text)
    ana = await house.who("sms", ANA)
    await house.gateway.people.remove(house.account_id, ana.id, Place(0, "385991234501"))
    await house.says("sms", ANA, "four")
    assert (await house.who("sms", ANA)).id != ana.id


async def test_somebody_known_costs_no_statement(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = store.meet

    async def counted(*args: Any) -> object:
        asked.append(args)
        return await real(*args)

    monkeypatch.setattr(store, "meet", counted)
    for text in ("one", "two", "three", "four"):
        await house.says("sms", ANA, text)
    assert len(asked) == 2, "once to make the contact, once to see that it is there"
