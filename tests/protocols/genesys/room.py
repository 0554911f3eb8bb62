"""An account with a Viber channel whose messages lead into a queue, and an agent who answers there."""

from dataclasses import dataclass
from itertools import count
from typing import Any

from tests.protocols.genesys.conftest import Answer, Api
from tyrian.domain.content import Text
from tyrian.domain.conversation import Agent, AgentState, ChannelInbox, Queue
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.engine.ports import Channel, Inbound

_numbers = count(1)
_services = count(5001)
ALL = "conversations/messages"


@dataclass
class Room:
    """The account, and what it has."""

    api: Api
    channel: Channel
    queue: Queue
    agent: Agent

    async def say(self, person: str, text: str = "Hello", **extra: Any) -> None:
        """A person writes; returns when it stands in their conversation."""
        gateway, provider_id = self.api.gateway, f"room-{next(_numbers)}"
        message = Inbound(person, "us", Text(text=text), provider_id, extra=extra)
        await gateway.inbound.submit(self.channel, [message])

        async def settled() -> bool:
            return not await gateway.db.fetchval("SELECT count(*) FROM turns")

        await self.api.until(settled)

    async def talk(self, person: str) -> str:
        """The id of a person's conversation."""
        found = await self.api.gateway.inbox.find(self.channel.id, person)
        return str(found.id)

    async def begin(self, to: str, **more: Any) -> str:
        """Opens a conversation; its id."""
        answer = await self.create(to, **more)
        assert answer.status == 200, answer.raw
        return str(answer.body["id"])

    async def create(self, to: str, **more: Any) -> Answer:
        body = {"queueId": str(self.queue.id), "toAddress": to, "toAddressMessengerType": "open", **more}
        return await self.api.post(ALL, body)

    async def generic(self, conversation: str) -> Any:
        """A conversation in its generic form."""
        answer = await self.api.get(f"conversations/{conversation}")
        assert answer.status == 200, answer.raw
        return answer.body

    async def participants(self, conversation: str, purpose: str) -> list[Any]:
        """The participants of a purpose, in order."""
        return [p for p in (await self.generic(conversation))["participants"] if p["purpose"] == purpose]

    async def last(self, conversation: str, purpose: str = "agent") -> Any:
        """The last participant of a purpose."""
        return (await self.participants(conversation, purpose))[-1]

    async def send(self, conversation: str, body: Any, purpose: str = "agent", **more: Any) -> Answer:
        """Sends by the last participant of a purpose."""
        communication = (await self.last(conversation, purpose))["messages"][0]["id"]
        return await self.api.post(f"{ALL}/{conversation}/communications/{communication}/messages", body, **more)

    async def change(self, conversation: str, participant: str, body: Any) -> Answer:
        return await self.api.patch(f"{ALL}/{conversation}/participants/{participant}", body)

    async def accepted(self, person: str) -> str:
        """A person wrote, and the agent has taken it: the conversation's id."""
        await self.say(person)
        conversation = await self.talk(person)
        answer = await self.change(conversation, (await self.last(conversation))["id"], {"state": "connected"})
        assert answer.status == 202, answer.raw
        return conversation


async def put_queue(api: Api, name: str) -> Queue:
    now = api.gateway.clock.now()
    queue = Queue(id=api.gateway.ids.new(now), name=name, created_at=now, updated_at=now)
    made: Queue = await api.gateway.inbox.put_queue(api.account_id, queue)
    return made


async def put_agent(api: Api, name: str, *queues: Queue, available: bool = True) -> Agent:
    now = api.gateway.clock.now()
    agent = Agent(
        id=api.gateway.ids.new(now),
        name=name,
        state=AgentState.AVAILABLE if available else AgentState.OFFLINE,
        queues=[queue.id for queue in queues],
        created_at=now,
        updated_at=now,
    )
    made: Agent = await api.gateway.inbox.put_agent(api.account_id, agent)
    return made


async def furnished(api: Api, *, available: bool = True) -> Room:
    """A room in an account that has nothing yet."""
    service = next(_services)
    config = {"service_id": service, "base_url": f"{api.url}/sim"}
    spec = ChannelSpec(name="viber", kind="viber_business", config=config, secrets={"callback_secret": "s" * 20})
    entry = await api.gateway.channels.create(api.account_id, spec)
    api.world.register_service(service, f"{api.url}/hooks/{entry.channel.id}", "s" * 20)
    queue = await put_queue(api, "support")
    agent = await put_agent(api, "ana", queue, available=available)
    await api.gateway.inbox.set_channel_inbox(api.account_id, entry.channel, ChannelInbox(queue_id=queue.id))
    return Room(api, entry.channel, queue, agent)
