"""Somebody outside is brought a conversation: signed, again where it is not taken, and in order."""

import asyncio
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from tests.clock import ManualClock
from tests.engine.customer import OK, Customer, Request, answer
from tests.inbox.conftest import API, House, by, node
from tyrian.domain.conversation import Agent, Conversation, LegState, Role, Target
from tyrian.domain.problem import Refused

ANA = "+385991234501"


async def ready(house: House, url: str) -> tuple[Agent, Conversation]:
    """An agent with somebody on the line, and a URL that conversations can be brought to."""
    queue = await house.queue()
    mia = await house.agent("mia", queue)
    await house.inbox(queue_id=queue.id)
    await house.desk.set_handover_url(house.account_id, url)
    await house.say(ANA, "call me", name="Ana")
    it = await house.talk(ANA)
    await house.desk.accept(house.account_id, it.id, by=by(mia))
    return mia, it


def signature(secret: str, request: Request) -> str:
    """What the stock library of Standard Webhooks makes of a request."""
    at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
    return str(Webhook(secret).sign(request.headers["webhook-id"], at, request.body.decode()))


async def test_it_is_signed_and_brought_again_and_in_order(database_url: str, clock: ManualClock) -> None:
    async with Customer(answer(500)) as voice, node(database_url, clock, callbacks=True) as house:
        mia, it = await ready(house, voice.url)
        secret = (await house.gateway.keys.signing.rotate(house.account_id)).secret
        to = Target(external="voice")
        await house.desk.transfer(house.account_id, it.id, to, by=by(mia), note="first", key="a")
        await house.desk.transfer(house.account_id, it.id, to, by=by(mia), note="first", key="a")
        refused = await voice.next()
        again = (await house.talk(ANA)).live(Role.EXTERNAL)
        await house.desk.assign(house.account_id, it.id, by=API, agent="mia")
        await house.desk.accept(house.account_id, it.id, by=by(mia))
        await house.desk.transfer(house.account_id, it.id, to, by=by(mia), note="second")
        voice.reply = OK
        requests: list[Request] = []
        async with asyncio.timeout(20):
            while len(requests) < 2:
                await clock.advance(1)
                house.gateway.callbacks.wake()
                await asyncio.sleep(0.01)
                while not voice.arrived.empty():
                    requests.append(voice.arrived.get_nowait())
    assert [request.json["note"] for request in requests] == ["first", "second"]
    assert requests[0].body == refused.body, "each try says the same"
    assert requests[0].headers["webhook-id"] == refused.headers["webhook-id"] == str(again[0].id)
    for request in (refused, *requests):
        told = request.json
        assert signature(secret, request) in request.headers["webhook-signature"].split()
        assert (told["type"], told["destination"]) == ("conversation.handover", "voice")
        assert told["conversation"]["name"] == "Ana"


async def test_whoever_is_there_accepts(database_url: str, clock: ManualClock) -> None:
    async with Customer() as voice, node(database_url, clock, callbacks=True) as house:
        mia, it = await ready(house, voice.url)
        await house.desk.transfer(house.account_id, it.id, Target(external="voice"), by=by(mia))
        leg_id = (await voice.next()).json["leg_id"]
        leg = it.leg(leg_id) or (await house.talk(ANA)).live(Role.EXTERNAL)[0]
        assert str(leg.id) == leg_id
        taken = await house.desk.accept(house.account_id, it.id, by=API, leg_id=leg.id)
        assert [(one.role, one.state) for one in taken.live(Role.AGENT, Role.EXTERNAL)] == [
            (Role.EXTERNAL, LegState.CONNECTED)
        ]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://10.0.0.1/x"])
async def test_where_it_may_not_go_is_refused(house: House, url: str) -> None:
    with pytest.raises(Refused):
        await house.desk.set_handover_url(house.account_id, url)
