"""What health and metrics tell of conversations, agents, flows and the rules about people."""

import asyncio
import json
from contextlib import aclosing
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.clock import ManualClock
from tests.inbox.conftest import API, House, by
from tyrian.app import App
from tyrian.domain.content import Text
from tyrian.domain.conversation import Author, By, Target

ANA, IVO = "+385991234501", "+385991234502"


async def ask(app: App, path: str) -> bytes:
    """What the application answers to a GET."""
    parts: list[bytes] = []

    async def send(message: Any) -> None:
        parts.append(message.get("body", b""))

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    await app({"type": "http", "method": "GET", "path": path, "headers": []}, receive, send)
    return b"".join(parts)


async def metrics(house: House) -> dict[tuple[str, ...], float]:
    """Each number by its name and the values of its labels, but for the account's."""
    text = (await ask(App(house.gateway), "/metrics")).decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = [value for name, value in sorted(sample.labels.items()) if name != "account"]
            found[(sample.name, *labels)] = sample.value
    return found


async def test_who_waits_who_is_there_and_how_soon_they_answer(house: House, clock: ManualClock) -> None:
    queue = await house.queue()
    await house.inbox(queue_id=queue.id)
    await house.say(ANA, "hello")
    await clock.advance(40)
    await house.say(IVO, "hello")
    await clock.advance(2)
    told = await metrics(house)
    assert told["tyrian_conversations_waiting", "help"] == 2
    assert told["tyrian_conversations_oldest_waiting_seconds", "help"] == 42
    assert told["tyrian_conversations_held", "help"] == 0
    mia = await house.agent("mia", queue, capacity=1)
    await house.agent("zoe", queue, state="away")
    await house.desk.routing.look()
    it = await house.talk(ANA)
    assert it.agent_id == mia.id
    await clock.advance(8)
    await house.desk.send(house.account_id, it.id, Text(text="from a program"), by=API)
    await house.desk.send(house.account_id, it.id, Text(text="hi"), by=by(mia))
    await house.desk.send(house.account_id, it.id, Text(text="how are you?"), by=by(mia))
    told = await metrics(house)
    assert told["tyrian_conversations_waiting", "help"] == 1
    assert told["tyrian_conversations_held", "help"] == 1
    assert (told["tyrian_agents", "available"], told["tyrian_agents", "away"]) == (1, 1)
    assert (told["tyrian_first_answer_seconds_count",], told["tyrian_first_answer_seconds_sum",]) == (1, 50)
    health = json.loads(await ask(App(house.gateway), "/healthz"))
    assert health["queues"] == [
        {"name": "help", "account_id": house.account_id, "waiting": 1, "oldest_waiting_seconds": 10.0, "held": 1}
    ]


async def test_an_answer_is_the_first_anew_once_a_conversation_is_opened_again(
    house: House, clock: ManualClock
) -> None:
    queue = await house.queue()
    mia = await house.agent("mia", queue)
    await house.inbox(queue_id=queue.id)
    await house.say(ANA, "hello")
    it = await house.talk(ANA)
    await clock.advance(3)
    await house.desk.send(house.account_id, it.id, Text(text="hi"), by=by(mia))
    await house.desk.transfer(house.account_id, it.id, Target(queue="help"), by=by(mia))
    await house.desk.send(house.account_id, it.id, Text(text="one more thing"), by=by(mia))
    await house.desk.close(house.account_id, it.id, by=by(mia))
    await clock.advance(30)
    await house.say(ANA, "hello again")
    await clock.advance(5)
    await house.desk.send(house.account_id, it.id, Text(text="hi again"), by=Author(By.AGENT, str(mia.id), "mia"))
    told = await metrics(house)
    assert (told["tyrian_first_answer_seconds_count",], told["tyrian_first_answer_seconds_sum",]) == (2, 8)


async def test_readers_of_the_stream(house: House) -> None:
    async with aclosing(house.desk.watch(house.account_id, after=0)) as stream:  # type: ignore[type-var]
        waiting = asyncio.ensure_future(anext(stream))

        async def watched() -> bool:
            return (await metrics(house))["tyrian_inbox_watchers",] == 1

        await house.until(watched)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert (await metrics(house))["tyrian_inbox_watchers",] == 0


async def test_sessions_are_counted_when_they_open(house: House, clock: ManualClock) -> None:
    for number in range(3):
        await house.say(ANA, f"hello {number}")
        await clock.advance(60)
    await house.say(IVO, "hello")
    assert (await metrics(house))["tyrian_sessions_opened_total",] == 2
    # A clock that went on for a day would wake everybody at every second of it.
    await house.gateway.db.execute("UPDATE sessions SET expires_at = opened_at")
    await house.say(ANA, "hello again")
    assert (await metrics(house))["tyrian_sessions_opened_total",] == 3
