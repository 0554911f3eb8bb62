"""The statements of sessions do what the rules say: the same things happen to both, and must come to the same."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tyrian.domain import session as rules
from tyrian.domain.session import NOTHING, Session, SessionSettings
from tyrian.store import sessions as store
from tyrian.store.database import Database
from tyrian.store.sessions import Going, Heard, Key

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = SessionSettings(duration=3600, sent_limit=4, unanswered_limit=2)
PEOPLE: list[Key] = [(1, "a"), (1, "b"), (2, "a")]


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url, work=3, reading=1)
    yield opened
    await opened.close()


def heard(key: Key, at: datetime) -> Heard:
    return Heard(*key, 1, at, SETTINGS)


def going(key: Key, at: datetime) -> Going:
    return Going(*key, uuid4(), SETTINGS.unanswered_limit, at)


@pytest.mark.parametrize("seed", range(6))
async def test_the_statements_and_the_rules_agree(db: Database, seed: int) -> None:
    chance, now = random.Random(seed), NOON
    model: dict[Key, Session] = dict.fromkeys(PEOPLE, NOTHING)
    last: dict[Key, Going] = {}
    for _ in range(60):
        now += timedelta(seconds=chance.choice([0, 1, 600, 3599, 3600, 3601]))
        some = chance.sample(PEOPLE, chance.randint(1, 3))
        if chance.random() < 0.35:
            await store.touch(db, [heard(key, now) for key in some])
            model |= {key: rules.heard(model[key], SETTINGS, now) for key in some}
        else:
            asked = {key: going(key, now) for key in some}
            for key in [k for k in some if k in last and chance.random() < 0.3]:
                asked[key] = Going(*key, last[key].attempt_id, SETTINGS.unanswered_limit, now)
            before = await store.count(db, list(asked.values()))
            for key, one in asked.items():
                assert before.get(key, NOTHING) == model[key]
                if rules.refusal(model[key], SETTINGS, now, one.attempt_id) is None:
                    model[key] = rules.counted(model[key], one.attempt_id)
                    last[key] = one
        found = await store.find(db, PEOPLE)
        assert {key: found.get(key, NOTHING) for key in PEOPLE} == model


async def test_of_several_messages_of_a_person_in_one_batch_the_last_counts(db: Database) -> None:
    key = PEOPLE[0]
    await store.touch(db, [heard(key, NOON + timedelta(seconds=s)) for s in (0, 9, 5)])
    session = (await store.find(db, [key]))[key]
    assert session.last_inbound_at == NOON + timedelta(seconds=9)


async def test_a_message_waits_only_while_no_session_is_open(db: Database) -> None:
    key, message = PEOPLE[0], uuid4()
    waiting = await store.wait(db, key, 1, message, SETTINGS, NOON)
    assert (waiting.waits, waiting.asked) == (True, False)
    await store.asked(db, key, None, NOON)
    assert (await store.wait(db, key, 1, uuid4(), SETTINGS, NOON)).asked
    await store.touch(db, [heard(key, NOON)])
    late = await store.wait(db, key, 1, uuid4(), SETTINGS, NOON)
    assert (late.waits, late.asked) == (False, False)
    assert await db.fetchval("SELECT count(*) FROM session_waits") == 2


async def test_to_have_been_asked_before_the_last_message_does_not_count(db: Database) -> None:
    key = PEOPLE[0]
    await store.touch(db, [heard(key, NOON)])
    await store.asked(db, key, None, NOON)
    later = NOON + timedelta(days=1)
    assert not (await store.wait(db, key, 1, uuid4(), SETTINGS, later)).asked


@pytest.mark.parametrize(
    ("sql", "given"),
    [
        (store._FIND, ([1], ["7"])),
        (store._COUNT, ([1], ["7"], [uuid4()], [9], [NOON])),
        (store._RELEASE, (1, "7", NOON)),
    ],
    ids=["find", "count", "release"],
)
async def test_rows_are_found_by_their_keys(db: Database, sql: str, given: tuple[Any, ...]) -> None:
    await db.execute(
        "INSERT INTO sessions (channel_id, person, account_id, sent_limit)"
        " SELECT 1, n::text, 1, 9 FROM generate_series(1, 5000) n"
    )
    plan = "\n".join(row[0] for row in await db.fetch("EXPLAIN " + sql, *given))
    assert "Index" in plan
    assert "Seq Scan" not in plan, plan
