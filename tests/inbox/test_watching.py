"""What those who watch an inbox cost: what is in the log is read once, and only where there is something."""

import asyncio
from contextlib import aclosing
from typing import Any
from uuid import UUID

import pytest

from tests.inbox.conftest import API, House
from tyrian.store import inbox_reading

ANA, IVO = "+385991234501", "+385991234502"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers after which the log was read."""
    found: list[int] = []
    real = inbox_reading.events

    async def events(db: Any, account_id: int, after: int, *rest: Any) -> Any:
        found.append(after)
        return await real(db, account_id, after, *rest)

    monkeypatch.setattr(inbox_reading, "events", events)
    return found


class Reader:
    """Reads what one watcher is told, in the background."""

    def __init__(self, house: House, conversation_id: UUID | None = None) -> None:
        self.told: list[tuple[str, int]] = []
        self._stream = house.desk.watch(house.account_id, conversation_id=conversation_id)

    async def __aenter__(self) -> "Reader":
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        async with aclosing(self._stream) as stream:  # type: ignore[type-var]
            async for one in stream:
                if one is not None:
                    self.told.append((one.type, one.number))


@pytest.fixture
async def furnished(house: House) -> House:
    await house.inbox()
    for person in (ANA, IVO):
        await house.say(person, "hello")
    return house


async def test_nothing_is_read_because_somebody_types(furnished: House, read: list[int]) -> None:
    house = furnished
    it = await house.talk(ANA)
    last = await house.desk.last_event(house.account_id)
    async with Reader(house) as reader:

        async def idle() -> bool:
            return house.desk.watching.count == 1 and len(read) == 1

        await house.until(idle)
        for n in range(1, 4):
            house.desk.watching.typing(house.account_id, it.id, house.desk.base.now())

            async def told(n: int = n) -> bool:
                return len(reader.told) == n

            await house.until(told)
        assert read == [last]
        await house.desk.note(house.account_id, it.id, "seen", by=API)

        async def noted() -> bool:
            return len(reader.told) == 5

        await house.until(noted)
    assert reader.told == [("typing", last)] * 3 + [("item", last + 1), ("conversation", last + 2)]


async def test_who_watches_one_conversation_walks_the_others_once(furnished: House, read: list[int]) -> None:
    house = furnished
    mine, other = await house.talk(ANA), await house.talk(IVO)
    last = await house.desk.last_event(house.account_id)
    async with Reader(house, mine.id) as reader:

        async def caught_up() -> bool:
            house.desk.watching.wake(house.account_id)
            return bool(read) and read[-1] == await house.desk.last_event(house.account_id)

        await house.until(caught_up)
        await house.desk.note(house.account_id, other.id, "not yours", by=API)
        await house.until(caught_up)
        await house.desk.note(house.account_id, mine.id, "yours", by=API)
        await house.until(caught_up)
    assert reader.told == [("item", last + 3), ("conversation", last + 4)]
