"""What becomes of conversations over HTTP: taken, transferred, noted, ended; and messages without an agent."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.protocols.genesys.conftest import Api
from tests.protocols.genesys.room import ALL, Room, furnished, put_agent, put_queue
from tyrian.protocols.genesys import ids

pytestmark = pytest.mark.asyncio(loop_scope="module")
PERSON = "385991234501"
TO = f"+{PERSON}"


@pytest_asyncio.fixture(loop_scope="module")
async def room(api: Api) -> Room:
    return await furnished(api)


# -- 10, 12, 17: ended ------------------------------------------------------------------------------------------------


async def test_a_conversation_is_disconnected(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    answer = await room.api.patch(f"{ALL}/{conversation}", {"state": "disconnected"})
    assert answer.status == 200
    assert "endTime" in answer.body
    assert "state" not in answer.body
    assert {m["state"] for p in answer.body["participants"] for m in p["messages"]} == {"disconnected"}


@pytest.mark.parametrize("body", [{}, None, {"state": "connected"}, {"state": "parked"}, {"state": None}])
async def test_there_is_no_other_state_for_a_conversation(room: Room, body: Any) -> None:
    conversation = await room.accepted(PERSON)
    answer = await room.api.patch(f"{ALL}/{conversation}", body)
    assert (answer.status, answer.code, answer.places) == (400, "invalid.value", {"/state"})


async def test_a_communication_is_disconnected_and_its_wrapup_stays(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    agent = await room.last(conversation)
    await room.change(conversation, agent["id"], {"wrapup": {"code": "sold", "notes": "Two pairs"}})
    path = f"{ALL}/{conversation}/participants/{agent['id']}/communications/{agent['messages'][0]['id']}"
    for body in ({}, {"state": "connected"}):
        answer = await room.api.patch(path, body)
        assert (answer.status, answer.code) == (400, "communication.state.required")
    assert ((a := await room.api.patch(path, {"state": "disconnected"})).status, a.body) == (200, {})
    assert (await room.api.patch(path, {"state": "disconnected"})).status == 200
    after = await room.last(conversation)
    assert after["wrapup"] == {"code": "sold", "notes": "Two pairs"}
    assert after["messages"][0]["disconnectType"] == "client"


async def test_a_communication_belongs_to_its_participant(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    agent, customer = await room.last(conversation), await room.last(conversation, "customer")
    path = f"{ALL}/{conversation}/participants/{customer['id']}/communications/{agent['messages'][0]['id']}"
    assert (await room.api.patch(path, {"state": "disconnected"})).code == "not.found"


async def test_everybody_is_disconnected(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    for _ in range(2):
        answer = await room.api.post(f"conversations/{conversation}/disconnect", b"null")
        assert (answer.status, answer.body) == (202, "")
    assert (await room.api.post(f"conversations/{uuid4()}/disconnect")).status == 404


# -- 11: participants -------------------------------------------------------------------------------------------------


async def test_an_agent_declines_by_disconnecting_while_alerted(room: Room) -> None:
    await put_agent(room.api, "ben", room.queue)
    await room.say(PERSON)
    conversation = await room.talk(PERSON)
    first = await room.last(conversation)
    assert first["messages"][0]["state"] == "alerting"
    assert (await room.change(conversation, first["id"], {"state": "disconnected"})).status == 202
    second = await room.last(conversation)
    assert second["userId"] != first["userId"]
    assert (await room.last(conversation, "acd"))["messages"][0]["state"] == "connected"


async def test_an_agent_leaves_and_nobody_is_left(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    agent = await room.last(conversation)
    answer = await room.change(conversation, agent["id"], {"state": "disconnected", "wrapup": {"code": "done"}})
    assert (answer.status, answer.raw) == (202, b"")
    assert "endTime" in await room.generic(conversation)
    assert (await room.last(conversation))["wrapup"] == {"code": "done"}


async def test_what_a_participant_cannot_become(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    agent = await room.last(conversation)
    assert (await room.change(conversation, agent["id"], {"state": "parked"})).code == "invalid.value"
    assert (await room.change(conversation, str(uuid4()), {"state": "connected"})).code == "not.found"
    assert (await room.change(conversation, agent["id"], {"held": True, "muted": None})).status == 202
    await room.change(conversation, agent["id"], {"state": "disconnected"})
    ended = await room.change(conversation, agent["id"], {"state": "connected"})
    assert (ended.status, ended.code) == (400, "bad.request")


# -- 13: attributes ---------------------------------------------------------------------------------------------------


async def test_the_customers_attributes_stay_through_a_transfer(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    customer = await room.last(conversation, "customer")
    path = f"{ALL}/{conversation}/participants/{customer['id']}/attributes"
    answer = await room.api.patch(path, {"attributes": {"order": "7", "gone": "x"}})
    assert (answer.status, answer.body) == (202, {"attributes": {"order": "7", "gone": "x"}})
    assert (await room.api.patch(path, {"attributes": {"gone": None}})).body == {"attributes": {"order": "7"}}
    other = await put_queue(room.api, "other")
    await _replaced(room, conversation, "queue", {"queueId": str(other.id)})
    assert (await room.last(conversation, "customer"))["attributes"] == {"order": "7"}


async def test_attributes_of_an_agents_part(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    agent = await room.last(conversation)
    path = f"{ALL}/{conversation}/participants/{agent['id']}/attributes"
    assert (await room.api.patch(path, {"attributes": {"mood": "good"}})).status == 202
    assert (await room.last(conversation))["attributes"] == {"mood": "good"}
    assert (await room.api.patch(path, {"attributes": {"mood": 5}})).places == {"/attributes/mood"}
    assert (await room.api.patch(path, None)).status == 202


# -- 14 to 16: transfers ----------------------------------------------------------------------------------------------


async def _replaced(room: Room, conversation: str, what: str, body: Any, purpose: str = "agent") -> Any:
    participant = (await room.last(conversation, purpose))["id"]
    if not what:
        return await room.api.post(f"{ALL}/{conversation}/participants/{participant}/replace", body)
    return await room.api.post(f"conversations/{conversation}/participants/{participant}/replace/{what}", body)


@pytest.mark.parametrize("way", ["queueId", "queueName", "address", "plain"])
async def test_a_transfer_to_a_queue(room: Room, way: str) -> None:
    conversation, other = await room.accepted(PERSON), await put_queue(room.api, "other")
    what = "" if way in ("address", "plain") else "queue"
    name = "queueId" if way == "plain" else way
    answer = await _replaced(room, conversation, what, {name: "other" if way == "queueName" else str(other.id)})
    assert (answer.status, answer.raw) == (202, b"")
    body = (await room.api.get(f"{ALL}/{conversation}")).body
    (transfer,) = body["recentTransfers"]
    assert (transfer["state"], transfer["transferType"]) == ("Pending", "Unattended")
    assert transfer["initiator"] == {"userId": str(room.agent.id)}
    assert transfer["destination"] == {"address": str(other.id)}
    assert body["state"] == "Transferred"
    agent = [p for p in body["participants"] if p["purpose"] == "agent"][-1]
    assert (agent["state"], agent["disconnectType"]) == ("disconnected", "transfer")


async def test_a_transfer_is_complete_when_the_agent_accepts(room: Room) -> None:
    conversation, other = await room.accepted(PERSON), await put_agent(room.api, "ben")
    answer = await _replaced(room, conversation, "agent", {"userId": str(other.id), "transferType": "Attended"})
    assert answer.status == 202
    states = [(p["userId"], p["messages"][0]["state"]) for p in await room.participants(conversation, "agent")]
    assert states == [(str(room.agent.id), "connected"), (str(other.id), "alerting")]
    (pending,) = (await room.generic(conversation))["recentTransfers"]
    assert (pending["state"], pending["transferType"]) == ("Pending", "Attended")
    assert pending["destination"] == {"userId": str(other.id)}
    await room.change(conversation, (await room.last(conversation))["id"], {"state": "connected"})
    (done,) = (await room.generic(conversation))["recentTransfers"]
    assert done["state"] == "Complete"
    assert (await room.participants(conversation, "agent"))[0]["messages"][0]["disconnectType"] == "transfer"


async def test_a_transfer_that_the_agent_declines_has_failed(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    await put_agent(room.api, "ben")
    assert (await _replaced(room, conversation, "", {"userName": "ben"})).status == 202
    await room.change(conversation, (await room.last(conversation))["id"], {"state": "disconnected"})
    assert [t["state"] for t in (await room.generic(conversation))["recentTransfers"]] == ["Failed"]


async def test_to_whom_nothing_can_be_transferred(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    for body in ({"queueId": str(uuid4())}, {"queueName": "nowhere"}):
        answer = await _replaced(room, conversation, "queue", body)
        assert (answer.status, answer.code) == (400, "conversations.error.queue.not.found")
    for body in ({"userId": str(uuid4())}, {"userDisplayName": "nobody"}):
        answer = await _replaced(room, conversation, "agent", body)
        assert (answer.status, answer.code) == (400, "conversations.error.user.not.found")
    assert (await _replaced(room, conversation, "", {"address": "nobody"})).places == {"/address"}
    for wrong in ({}, {"queueId": "a", "userId": "b"}, None):
        assert (await _replaced(room, conversation, "", wrong)).code == "bad.request"
    odd = await _replaced(room, conversation, "", {"queueName": "support", "queueId": "x", "transferType": "Blind"})
    assert (odd.code, odd.places) == ("invalid.value", {"/transferType"})


@pytest.mark.parametrize("purpose", ["customer", "acd"])
async def test_only_what_is_connected_can_be_transferred(room: Room, purpose: str) -> None:
    conversation = await room.accepted(PERSON)
    answer = await _replaced(room, conversation, "queue", {"queueId": str(room.queue.id)}, purpose)
    assert (answer.status, answer.code) == (400, "conversations.error.transfer.not.connected")


async def test_what_waits_can_be_put_into_another_queue(room: Room) -> None:
    quiet, other = await put_queue(room.api, "quiet"), await put_queue(room.api, "other")
    conversation = await room.accepted(PERSON)
    await _replaced(room, conversation, "queue", {"queueId": str(quiet.id)})
    await _replaced(room, conversation, "queue", {"queueId": str(other.id)}, "acd")
    states = [t["state"] for t in (await room.generic(conversation))["recentTransfers"]]
    assert states == ["Canceled", "Pending"]


# -- Rights -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("POST", ALL, "missing.permissions"),
        ("POST", f"{ALL}/agentless", "missing.permissions"),
        ("POST", "{talk}/communications/{x}/messages", "missing.any.permissions"),
        ("POST", "{talk}/communications/{x}/typing", "missing.any.permissions"),
        ("GET", "conversations/{x}", "missing.any.permissions"),
        ("GET", "{talk}/messages/{x}", "missing.any.permissions"),
        ("GET", f"{ALL}/{{x}}/details", "missing.any.permissions"),
        ("POST", "{talk}/messages/bulk", "missing.any.permissions"),
        ("PATCH", "{talk}", "missing.any.permissions"),
        ("PATCH", "{talk}/participants/{x}", "missing.any.permissions"),
        ("POST", "{talk}/participants/{x}/replace", "missing.any.permissions"),
        ("POST", "conversations/{x}/participants/{x}/replace/queue", "missing.any.permissions"),
        ("POST", "conversations/{x}/participants/{x}/replace/agent", "missing.any.permissions"),
        ("POST", "conversations/{x}/disconnect", "missing.any.permissions"),
        ("GET", "routing/queues", "missing.any.permissions"),
        ("GET", "routing/message/recipients", "missing.any.permissions"),
        ("PUT", "routing/message/recipients/{x}", "missing.any.permissions"),
    ],
)
async def test_what_a_client_without_permissions_may_not_do(api: Api, method: str, path: str, code: str) -> None:
    other = await api.narrowed(permissions=[])
    identifier = str(uuid4())
    answer = await other.call(method, "/api/v2/" + path.format(talk=f"{ALL}/{identifier}", x=identifier), b"{}")
    assert (answer.status, answer.code) == (403, code)


@pytest.mark.parametrize("scope", ["conversations:readonly", "messaging:readonly"])
async def test_a_reading_scope_changes_nothing(room: Room, scope: str) -> None:
    conversation = await room.accepted(PERSON)
    other = await room.api.narrowed(scope=[scope])
    for path in (f"conversations/{conversation}/disconnect", f"{ALL}/agentless"):
        answer = await other.post(path, {})
        assert (answer.status, answer.code) == (403, "not.authorized")


# -- 18: without an agent ---------------------------------------------------------------------------------------------


def _agentless(room: Room, **more: Any) -> dict[str, Any]:
    return {
        "fromAddress": ids.of_channel(room.channel.id),
        "toAddress": TO,
        "toAddressMessengerType": "Open",
        "textBody": "Your order has arrived.",
        **more,
    }


async def test_a_message_without_an_agent(room: Room) -> None:
    answer = await room.api.post(f"{ALL}/agentless", _agentless(room))
    assert answer.status == 200, answer.raw
    body = answer.body
    assert body["useExistingActiveConversation"] is False
    assert (body["messengerType"], body["toAddress"]) == ("open", TO)
    assert body["message"]["normalizedMessage"]["originatingEntity"] == "Bot"
    assert body["message"]["id"] == body["id"]
    assert "endTime" in await room.generic(body["conversationId"])
    details = f"{ALL}/{body['id']}/details"

    async def read() -> bool:
        return bool((await room.api.get(details)).body["status"] == "read")

    await room.api.until(read)
    (receipt,) = (await room.api.get(details)).body["normalizedReceipts"]
    assert (receipt["status"], receipt["isFinalReceipt"], receipt["id"]) == ("Read", True, body["id"])
    await room.say(PERSON, "Thanks")
    assert await room.talk(PERSON) == body["conversationId"]


async def test_channels_go_by_their_names_and_senders_too(room: Room) -> None:
    sender = str(room.channel.config["service_id"])
    for name in (room.channel.name, sender):
        assert (await room.api.post(f"{ALL}/agentless", _agentless(room, fromAddress=name))).status == 200


async def test_into_what_an_agent_has_only_when_asked(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    answer = await room.api.post(f"{ALL}/agentless", _agentless(room))
    assert (answer.status, answer.places) == (400, {"/useExistingActiveConversation"})
    joined = await room.api.post(f"{ALL}/agentless", _agentless(room, useExistingActiveConversation=True))
    assert joined.body["conversationId"] == conversation
    assert (await room.last(conversation))["messages"][0]["state"] == "connected"


@pytest.mark.parametrize(
    ("more", "code", "place"),
    [
        ({"fromAddress": None}, "bad.request", "/fromAddress"),
        ({"fromAddress": "nobody"}, "bad.request", "/fromAddress"),
        ({"toAddress": None}, "bad.request", "/toAddress"),
        ({"toAddress": "nobody"}, "bad.request", "/toAddress"),
        ({"toAddressMessengerType": None}, "bad.request", "/toAddressMessengerType"),
        ({"toAddressMessengerType": "fax"}, "invalid.value", "/toAddressMessengerType"),
        ({"toAddressMessengerType": "sms"}, "bad.request", "/fromAddress"),
        ({"textBody": None}, "bad.request", "/textBody"),
        ({"textBody": 5}, "bad.request", "/textBody"),
        ({"textBody": "x" * 2001}, "bad.request", "/textBody"),
    ],
)
async def test_what_is_refused_without_an_agent(room: Room, more: Any, code: str, place: str) -> None:
    answer = await room.api.post(f"{ALL}/agentless", _agentless(room, **more))
    assert (answer.status, answer.code, answer.places) == (400, code, {place})
    assert await room.api.gateway.inbox.find(room.channel.id, PERSON) is None


async def test_the_capability_is_needed_to_send(room: Room) -> None:
    await room.api.organization(messaging=False)
    answer = await room.api.post(f"{ALL}/agentless", _agentless(room))
    assert (answer.status, answer.code) == (403, "not.authorized")


# -- 34, 35: queues and channels --------------------------------------------------------------------------------------


async def test_queues(room: Room) -> None:
    for name in ("sales", "support-2"):
        await put_queue(room.api, name)
    page = (await room.api.get("routing/queues?pageSize=2")).body
    assert ([q["name"] for q in page["entities"]], page["total"], page["pageCount"]) == (["sales", "support"], 3, 2)
    assert page["nextUri"] == "/api/v2/routing/queues?pageSize=2&pageNumber=2"
    found = (await room.api.get("routing/queues?name=support*")).body["entities"]
    assert [q["name"] for q in found] == ["support", "support-2"]
    one = (await room.api.get(f"routing/queues/{room.queue.id}")).body
    assert one["memberCount"] == 1
    assert one["outboundMessagingAddresses"]["openMessagingRecipient"]["id"] == ids.of_channel(room.channel.id)
    assert (await room.api.get(f"routing/queues/{uuid4()}")).code == "not.found"
    assert (await room.api.get("routing/queues/support")).code == "not.found"
    assert (await room.api.get("routing/queues?pageSize=0")).places == {"pageSize"}


async def test_where_a_channels_messages_go(room: Room) -> None:
    own = ids.of_channel(room.channel.id)
    (recipient,) = (await room.api.get("routing/message/recipients?messengerType=open")).body["entities"]
    assert (recipient["id"], recipient["messengerType"]) == (own, "open")
    assert recipient["flow"]["id"] == str(room.queue.id)
    assert (await room.api.get("routing/message/recipients?messengerType=sms")).body["entities"] == []
    other = await put_queue(room.api, "other")
    path = f"routing/message/recipients/{own}"
    assert (await room.api.put(path, {"flow": {"id": str(other.id)}})).body["flow"]["name"] == "other"
    await room.say(PERSON)
    assert (await room.last(await room.talk(PERSON), "acd"))["queueName"] == "other"
    assert "flow" not in (await room.api.put(path, {"flow": None})).body
    assert (await room.api.get(path)).body["name"] == room.channel.name
    wrong = await room.api.put(path, {"flow": {"id": "nothing"}})
    assert (wrong.status, wrong.code, wrong.places) == (400, "invalid.value", {"/flow/id"})
    assert (await room.api.put(f"routing/message/recipients/{uuid4()}", {})).code == "not.found"


async def test_words_after_the_window_begin_a_new_conversation(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    await room.api.post(f"conversations/{conversation}/disconnect")
    room.api.clock.ahead = timedelta(hours=73)
    await room.say(PERSON)
    assert await room.talk(PERSON) != conversation
