"""One person's messages come to two nodes at once: each step is taken once, and what it says is said once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.inbox.flows.conftest import House, housed, until
from tyrian.domain.content import Text
from tyrian.engine.ports import Inbound
from tyrian.engine.reacting import person_of

STEPS = 5
PEOPLE = [f"+38599123{n:04d}" for n in range(12)]
#: A flow of questions, each of which takes whatever is said for its answer.
QUESTIONS = f"""
name: questions
start: q0
triggers: [{{on: default}}]
steps:
{"".join(f'  q{n}: {{do: ask, text: "Question {n}?", save: a{n}, next: q{n + 1}}}' + chr(10) for n in range(STEPS))}
  q{STEPS}: {{do: ask, text: "Question {STEPS}?", save: last, next: over}}
  over: {{do: end, text: "Over."}}
"""
STOOD = "SELECT person, tick FROM flow_runs"
TOLD = "SELECT recipient FROM messages"


@asynccontextmanager
async def two_nodes(url: str) -> AsyncIterator[tuple[House, House]]:
    """Two nodes that both know the flow."""
    async with housed(url) as one, housed(url, account=None) as two:
        await one.publish(QUESTIONS)
        await two.gateway.channels.refresh()
        await two.flows._book.refresh()
        yield one, two


async def bring(house: House, person: str, text: str, identifier: str) -> None:
    """The network brings a message to a node."""
    entry = house.gateway.channels.get(house.account_id, "bot")
    assert entry is not None
    await house.gateway.inbound.submit(entry.channel, [Inbound(person, "bot", Text(text=text), identifier)])


async def stand(one: House, told: int) -> None:
    """Waits until all turns are over, and everybody was told so many things; holds that it stays so."""

    async def all_told() -> bool:
        return not await one.gateway.db.fetchval("SELECT count(*) FROM turns") and (await counts(one)) == expected

    expected = dict.fromkeys(PEOPLE, told)
    await until(all_told, lambda: f"everybody is to be told {told} things")
    rows = await one.gateway.db.fetch(STOOD)
    assert sorted((row["person"], row["tick"]) for row in rows) == [(person_of(p), told) for p in PEOPLE]


async def counts(one: House) -> dict[str, int]:
    return dict(Counter(row["recipient"] for row in await one.gateway.db.fetch(TOLD)))


def said(one: House, two: House, person: str) -> list[str]:
    """What reached a person, through whichever node."""
    return sorted(str(getattr(o.content, "text", "")) for h in (one, two) for o in h.bot.sent if o.to == person)


async def reached(one: House, two: House, told: int) -> Callable[[str], list[str]]:
    async def everybody() -> bool:
        return all(len(said(one, two, person)) >= told for person in PEOPLE)

    await until(everybody)
    return lambda person: said(one, two, person)


async def test_a_message_that_comes_to_both_takes_one_step(database_url: str) -> None:
    async with two_nodes(database_url) as (one, two):
        for step in range(1, 4):
            brought = [bring(h, p, f"{step}", f"{p}:{step}") for p in PEOPLE for h in (one, two)]
            await asyncio.gather(*brought)
            await stand(one, step)
        texts = await reached(one, two, 3)
        assert {tuple(texts(person)) for person in PEOPLE} == {("Question 0?", "Question 1?", "Question 2?")}


async def test_messages_that_come_to_both_at_once_take_a_step_each(database_url: str) -> None:
    async with two_nodes(database_url) as (one, two):
        await asyncio.gather(*(bring(one, person, "hello", f"{person}:hello") for person in PEOPLE))
        await stand(one, 1)
        answers = [(one, "a"), (two, "b"), (one, "c"), (two, "d")]
        await asyncio.gather(*(bring(house, p, text, f"{p}:{text}") for p in PEOPLE for house, text in answers))
        await stand(one, 1 + len(answers))
        texts = await reached(one, two, 1 + len(answers))
        for person in PEOPLE:
            assert texts(person) == [f"Question {n}?" for n in range(len(answers) + 1)]
        for run in await one.runs():
            assert sorted(run.variables[f"a{n}"] for n in range(len(answers))) == ["a", "b", "c", "d"]


async def test_the_first_words_to_both_begin_one_dialogue(database_url: str) -> None:
    async with two_nodes(database_url) as (one, two):
        firsts = [(one, "hello"), (two, "hi")]
        await asyncio.gather(*(bring(house, p, text, f"{p}:{text}") for p in PEOPLE for house, text in firsts))
        await stand(one, 2)
        texts = await reached(one, two, 2)
        assert {tuple(texts(person)) for person in PEOPLE} == {("Question 0?", "Question 1?")}
