"""Flows beside the inbox: what they say stands in the thread, and they leave people to agents who speak with them."""

from typing import Any

from tests.hooked import hooked
from tests.inbox.flows.conftest import House, housed
from tyrian.domain.conversation import Agent, Author, By, ChannelInbox, Queue
from tyrian.domain.flow_file import read
from tyrian.engine.flow_port import RunSearch

PERSON = "385991234501"
STAMP = 1_700_000_000_000

ASKING = """
name: asking
triggers:
  - {on: words, words: [hello]}
start: name
steps:
  name: {do: ask, text: "What is your name?", save: name, next: bye}
  bye: {do: end, text: "Thank you, {{name}}."}
"""


async def thread(house: House) -> list[str]:
    """What was said in the person's conversation, by whom."""
    entry = house.gateway.channels.get(house.account_id, "bot")
    assert entry is not None
    desk = house.gateway.inbox
    talk = await desk.find(entry.channel.id, PERSON)
    items = await desk.items(house.account_id, talk.id, limit=100)
    said = [item for item in items if item.content is not None]
    return [f"{item.author.kind.value}: {getattr(item.content, 'text', '')}" for item in said]


async def opened(house: House, **fields: Any) -> None:
    entry = house.gateway.channels.get(house.account_id, "bot")
    assert entry is not None
    await house.gateway.inbox.set_channel_inbox(house.account_id, entry.channel, ChannelInbox(**fields))


async def test_what_a_flow_says_stands_in_the_thread(database_url: str) -> None:
    async with housed(database_url, inbox=True) as house:
        await opened(house)
        await house.publish(ASKING)
        await house.hear("hello")
        await house.run("waiting")
        await house.still()
        await house.hear("Ana")
        await house.run("ended", outcome="finished")
        await house.still()
        assert await thread(house) == [
            "person: hello", "flow: What is your name?", "person: Ana", "flow: Thank you, Ana.",
        ]  # fmt: skip


async def test_an_agent_who_takes_a_person_in_a_flow_ends_it(database_url: str) -> None:
    async with housed(database_url, inbox=True) as house:
        desk, now, new = house.gateway.inbox, house.gateway.clock.now(), house.gateway.ids.new
        queue = Queue(id=new(now), name="help", created_at=now, updated_at=now)
        queue = await desk.put_queue(house.account_id, queue)
        agent = Agent(id=new(now), name="Iva", queues=[queue.id], created_at=now, updated_at=now)
        agent = await desk.put_agent(house.account_id, agent)
        await opened(house)
        await house.publish(ASKING)
        await house.hear("hello")
        await house.run("waiting")
        await house.still()
        entry = house.gateway.channels.get(house.account_id, "bot")
        assert entry is not None
        talk, iva = await desk.find(entry.channel.id, PERSON), Author(By.AGENT, str(agent.id), "Iva")
        await desk.assign(house.account_id, talk.id, by=iva, agent="Iva")
        await house.run("waiting")
        await desk.accept(house.account_id, talk.id, by=iva)
        await house.run("ended", outcome="taken_over")
        await house.hear("Ana")
        await house.still()
        assert (await thread(house))[-1] == "person: Ana"


async def test_a_deep_link_of_viber_begins_its_flow(database_url: str) -> None:
    source = ASKING.replace("{on: words, words: [hello]}", "{on: context, context: spring}")
    async with hooked(database_url) as served:
        entry = served.entries["bot"]
        account = entry.channel.account_id
        await served.gateway.flows.publish(account, read(source), source, ["bot"])
        user = {"id": "01234567890A=", "name": "Ana"}
        opened = {"event": "conversation_started", "timestamp": STAMP, "message_token": 1, "user": user}
        assert await served.signed("bot", {**opened, "context": "spring", "type": "open", "subscribed": False}) == 200
        message = {"type": "text", "text": "hi"}
        said = {"event": "message", "timestamp": STAMP, "message_token": 2, "sender": user, "message": message}
        assert await served.signed("bot", said) == 200
        runs: Any = []
        for _ in range(500):
            if runs := await served.gateway.flows.runs(account, RunSearch()):
                break
            await served.gateway.clock.sleep(0.01)
        assert [run.flow for run in runs] == ["asking"]
