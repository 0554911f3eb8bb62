"""Conversations over HTTP: begun, read, written in. Numbers are those of the reference's list of endpoints."""

from datetime import timedelta
from io import BytesIO
from uuid import uuid4

import pytest
import pytest_asyncio
from PIL import Image

from tests.protocols.genesys.conftest import Api
from tests.protocols.genesys.room import ALL, Room, furnished, put_queue
from tyrian.domain.content import Text
from tyrian.domain.conversation import PreparedAnswer
from tyrian.store.inbox_forgetting import forget_conversations

pytestmark = pytest.mark.asyncio(loop_scope="module")
PERSON = "385991234501"
TO = f"+{PERSON}"
_bytes = BytesIO()
Image.new("RGB", (2, 2)).save(_bytes, "PNG")
PIXEL = _bytes.getvalue()


@pytest_asyncio.fixture(loop_scope="module")
async def room(api: Api) -> Room:
    return await furnished(api)


# -- 1: begun ---------------------------------------------------------------------------------------------------------


async def test_a_conversation_is_opened_and_written_in(room: Room) -> None:
    answer = await room.create(TO)
    assert answer.status == 200
    conversation = answer.body["id"]
    assert answer.body["selfUri"] == f"/api/v2/conversations/messages/{conversation}"
    sent = await room.send(conversation, {"textBody": "Hello"})
    assert sent.status == 200, sent.raw
    assert sent.body["direction"] == "outbound"
    assert sent.body["status"] == "queued"
    assert sent.body["textBody"] == "Hello"
    assert sent.body["messengerType"] == "open"
    assert sent.body["toAddress"] == TO
    path = f"{ALL}/{conversation}/messages/{sent.body['id']}"
    await room.api.until(lambda: _is(room, path, "read"))


async def _is(room: Room, path: str, status: str) -> bool:
    return bool((await room.api.get(path)).body["status"] == status)


@pytest.mark.parametrize("missing", ["queueId", "toAddress", "toAddressMessengerType"])
async def test_what_a_new_conversation_needs(room: Room, missing: str) -> None:
    answer = await room.create(TO, **{missing: None})
    assert (answer.status, answer.code, answer.places) == (400, "bad.request", {f"/{missing}"})


async def test_the_queue_of_a_new_conversation_must_be_there(room: Room) -> None:
    for queue in (str(uuid4()), "support"):
        answer = await room.create(TO, queueId=queue)
        assert (answer.status, answer.code) == (400, "conversations.error.queue.not.found")


async def test_the_messenger_type_must_be_one_that_is_served(room: Room) -> None:
    assert (await room.create(TO, toAddressMessengerType="whatsapp")).code == "bad.request"
    assert (await room.create(TO, toAddressMessengerType="viber")).code == "invalid.value"
    assert (await room.create(TO, toAddressMessengerType="Open")).status == 200


async def test_an_address_that_the_queues_channel_cannot_reach(room: Room) -> None:
    answer = await room.create("nobody")
    assert (answer.status, answer.places) == (400, {"/toAddress"})


async def test_a_queue_without_a_channel_of_the_type(room: Room) -> None:
    answer = await room.create(TO, toAddressMessengerType="sms")
    assert (answer.status, answer.places) == (400, {"/queueId"})


async def test_a_queue_that_no_channel_leads_into_sends_from_the_only_one(room: Room) -> None:
    queue = await put_queue(room.api, "other")
    await room.begin(TO, queueId=str(queue.id))


async def test_a_person_has_one_conversation_at_a_time(room: Room) -> None:
    conversation = await room.begin(TO)
    again = await room.create(TO, useExistingConversation=True)
    assert (again.status, again.code) == (400, "bad.request")
    assert (await room.api.post(f"conversations/{conversation}/disconnect")).status == 202
    within = await room.create(TO)
    assert (within.status, within.code) == (400, "bad.request")
    assert await room.begin(TO, useExistingConversation=True) == conversation


async def test_after_the_window_a_new_conversation_begins(room: Room) -> None:
    conversation = await room.begin(TO)
    await room.api.post(f"conversations/{conversation}/disconnect")
    room.api.clock.ahead = timedelta(hours=73)
    room.api = await room.api.signed_in()
    assert await room.begin(TO) != conversation


# -- 2 to 5: read -----------------------------------------------------------------------------------------------------


async def test_a_message_conversation(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    await room.send(conversation, {"textBody": "Hi"})
    body = (await room.api.get(f"{ALL}/{conversation}")).body
    assert [p["purpose"] for p in body["participants"]] == ["customer", "acd", "agent"]
    customer, acd, agent = body["participants"]
    assert [p["state"] for p in body["participants"]] == ["connected", "disconnected", "connected"]
    assert customer["address"].removeprefix("+") == PERSON
    assert {p["type"] for p in body["participants"]} == {"open"}
    assert acd["queue"]["id"] == agent["queue"]["id"] == str(room.queue.id)
    assert acd["disconnectType"] == "transfer"
    assert agent["user"]["id"] == str(room.agent.id)
    assert "startAlertingTime" in agent
    assert [m["messageStatus"] for m in customer["messages"]] == ["received"]
    assert len(agent["messages"]) == 1
    assert "disconnectType" not in agent


async def test_a_generic_conversation_has_the_communications(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    body = await room.generic(conversation)
    assert body["lastMessageDate"].endswith("Z")
    assert {m["engagementSource"] for p in body["participants"] for m in p["messages"]} == {"Viber"}
    agent = body["participants"][-1]
    assert (agent["userId"], agent["queueName"]) == (str(room.agent.id), "support")
    assert agent["calls"] == agent["callbacks"] == agent["chats"] == agent["emails"] == []
    (communication,) = agent["messages"]
    assert (communication["state"], communication["initialState"]) == ("connected", "alerting")
    assert communication["peerId"] == body["participants"][0]["messages"][0]["id"]
    assert communication["fromAddress"]["addressRaw"].removeprefix("+") == PERSON


async def test_lists_have_what_is_not_closed(room: Room) -> None:
    await room.accepted(PERSON)
    other = await room.begin("+385991234502")
    await room.api.post(f"conversations/{other}/disconnect")
    for path in (ALL, "conversations", "conversations?communicationType=Message"):
        body = (await room.api.get(path)).body
        assert [e["id"] for e in body["entities"]] == [await room.talk(PERSON)]
        assert body["total"] == 1
    body = (await room.api.get("conversations?communicationType=call")).body
    assert (body["entities"], body["total"]) == ([], 0)


async def test_lists_come_in_pages(room: Room) -> None:
    begun = [await room.begin(f"+3859912345{n:02}") for n in range(1, 6)]
    await room.api.post(f"conversations/{begun[4]}/disconnect")
    for path in (ALL, "conversations"):
        uri, seen = f"/api/v2/{path}?pageSize=3", []
        while uri:
            page = (await room.api.get(uri)).body
            assert (page["total"], page["pageCount"], page["pageSize"]) == (4, 2, 3)
            seen.append([entity["id"] for entity in page["entities"]])
            uri = page.get("nextUri")
        assert [len(ids) for ids in seen] == [3, 1]
        assert sorted(seen[0] + seen[1]) == sorted(begun[:4])
        assert (await room.api.get(f"{path}?pageNumber=9")).body["entities"] == []
        whole = (await room.api.get(path)).body
        assert (len(whole["entities"]), whole["pageSize"], whole["lastUri"]) == (
            4, 500, f"/api/v2/{path}?pageSize=500&pageNumber=1",
        )  # fmt: skip
        assert (await room.api.get(f"{path}?pageSize=501")).places == {"pageSize"}


@pytest.mark.parametrize("identifier", ["6f1c1d5e-52f0-4b5c-9f0a-6f6de1d5c004", "nothing", "%00"])
async def test_a_conversation_that_is_not_there(room: Room, identifier: str) -> None:
    assert ((a := await room.api.get(f"{ALL}/{identifier}")).status, a.code) == (404, "not.found")
    answer = await room.api.get(f"conversations/{identifier}")
    assert (answer.status, answer.code) == (404, "conversation.error.conversation.not.found")


async def test_one_that_is_past_its_time_is_not_there_any_more(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    message = (await room.last(conversation, "customer"))["messages"][0]["messages"][0]["messageId"]
    path = f"{ALL}/{conversation}/messages/{message}"
    assert (await room.api.get(path)).status == 200
    assert (await room.api.post(f"conversations/{conversation}/disconnect")).status == 202
    gateway = room.api.gateway
    assert await forget_conversations(gateway.db, gateway.clock.now() + timedelta(seconds=1)) >= 1
    for gone in (f"{ALL}/{conversation}", path):
        assert ((a := await room.api.get(gone)).status, a.code) == (404, "not.found"), gone
    assert (await room.api.get(f"conversations/{conversation}")).status == 404
    assert (await room.api.post(f"conversations/{conversation}/disconnect")).status == 404


async def test_another_accounts_conversation_is_not_there(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    other = await room.api.account()
    message = (await room.last(conversation, "customer"))["messages"][0]["messages"][0]["messageId"]
    for path in (f"{ALL}/{conversation}", f"conversations/{conversation}", f"{ALL}/{message}/details"):
        assert (await other.get(path)).status == 404
    assert (await other.post(f"conversations/{conversation}/disconnect")).status == 404


# -- 6: sent ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {},
        None,
        {"textBody": ""},
        {"textBody": "Hi", "mediaIds": [str(uuid4())]},
        {"textBody": "Hi", "messagingTemplate": {"responseId": "welcome"}},
        {"textBody": "x" * 2001},
    ],
)
async def test_a_message_is_exactly_one_of_text_medium_and_template(room: Room, body: object) -> None:
    conversation = await room.accepted(PERSON)
    answer = await room.send(conversation, body)
    assert (answer.status, answer.code, answer.places) == (400, "bad.request", {"/textBody"})


async def test_media_that_are_not_there(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    for given, place in ((["nothing"], "/mediaIds/0"), ([str(uuid4())], "/mediaIds/0"), (["a", "b"], "/mediaIds")):
        answer = await room.send(conversation, {"mediaIds": given})
        assert (answer.status, answer.places) == (400, {place})


async def test_a_template_that_the_channel_cannot_carry(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    answer = await room.send(conversation, {"messagingTemplate": {}})
    assert (answer.status, answer.places) == (400, {"/messagingTemplate/responseId"})


async def test_the_agent_speaks_by_their_communication(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    sent = (await room.send(conversation, {"textBody": "Hi"})).body
    assert sent["createdBy"]["id"] == str(room.agent.id)
    normalized = sent["normalizedMessage"]
    assert (normalized["type"], normalized["text"]) == ("Text", "Hi")
    assert (normalized["direction"], normalized["originatingEntity"]) == ("Outbound", "Human")
    assert normalized["channel"]["platform"] == "Open"
    assert normalized["channel"]["to"]["idType"] == "Phone"
    assert normalized["channel"]["from"]["id"] == sent["fromAddress"]


async def test_old_and_new_clients_read_the_text(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    assert "textBody" in (await room.send(conversation, {"textBody": "Hi"})).body
    new = await room.send(conversation, {"textBody": "Hi"}, params={"useNormalizedMessage": "true"})
    assert "textBody" not in new.body
    path = f"{ALL}/{conversation}/messages/{new.body['id']}"
    assert (await room.api.get(path)).body["textBody"] == "Hi"
    assert "textBody" not in (await room.api.get(f"{path}?useNormalizedMessage=true")).body
    assert (await room.api.get(f"{path}?useNormalizedMessage=maybe")).code == "invalid.value"


async def test_by_whom_nothing_can_be_sent(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    assert (await room.send(conversation, {"textBody": "Hi"}, "customer")).code == "bad.request"
    assert (await room.send(conversation, {"textBody": "Hi"}, "acd")).code == "bad.request"
    path = f"{ALL}/{conversation}/communications/{uuid4()}/messages"
    assert ((a := await room.api.post(path, {"textBody": "Hi"})).status, a.code) == (404, "not.found")


async def test_what_is_refused_is_not_in_the_thread(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    await room.send(conversation, {"textBody": "Hi", "mediaIds": ["x"]})
    assert (await room.last(conversation))["messages"][0].get("messages", []) == []


# -- 7 to 9: messages -------------------------------------------------------------------------------------------------


async def test_messages_are_read_one_by_one_and_together(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    sent = (await room.send(conversation, {"textBody": "Hi"})).body["id"]
    body = await room.generic(conversation)
    inbound = body["participants"][0]["messages"][0]["messages"][0]
    assert inbound["messageURI"] == f"/api/v2/conversations/messages/{conversation}/messages/{inbound['messageId']}"
    one = (await room.api.get(inbound["messageURI"])).body
    assert (one["direction"], one["status"], one["textBody"]) == ("inbound", "received", "Hello")
    assert one["normalizedMessage"]["direction"] == "Inbound"
    assert (await room.api.get(f"{ALL}/{sent}/details")).body["id"] == sent
    asked = [sent, inbound["messageId"], str(uuid4()), "nothing", sent]
    together = await room.api.post(f"{ALL}/{conversation}/messages/bulk", asked)
    assert [m["id"] for m in together.body["entities"]] == [sent, inbound["messageId"]]
    assert (await room.api.post(f"{ALL}/{conversation}/messages/bulk", b"null")).body["entities"] == []
    many = await room.api.post(f"{ALL}/{conversation}/messages/bulk", ["x"] * 1001)
    assert (many.status, many.code) == (400, "constraint.validation")


async def test_a_message_belongs_to_its_conversation(room: Room) -> None:
    first, second = await room.accepted(PERSON), await room.begin("+385991234502")
    sent = (await room.send(first, {"textBody": "Hi"})).body["id"]
    assert (await room.api.get(f"{ALL}/{second}/messages/{sent}")).code == "not.found"
    assert (await room.api.post(f"{ALL}/{second}/messages/bulk", [sent])).body["entities"] == []
    for path in (f"{ALL}/{first}/messages/{uuid4()}", f"{ALL}/{uuid4()}/details", f"{ALL}/x/details"):
        assert (await room.api.get(path)).code == "not.found"


# -- 22: typing -------------------------------------------------------------------------------------------------------


async def test_typing_is_taken(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    communication = (await room.last(conversation))["messages"][0]["id"]
    path = f"{ALL}/{conversation}/communications/{communication}/typing"
    answer = await room.api.post(path, {"typing": {"type": "On", "duration": 5000}})
    assert (answer.status, answer.raw) == (202, b"")
    assert (await room.api.post(f"{ALL}/{conversation}/communications/{uuid4()}/typing", {})).code == "not.found"


async def test_a_prepared_answer_is_sent_by_its_id(room: Room) -> None:
    conversation, gateway = await room.accepted(PERSON), room.api.gateway
    now = gateway.clock.now()
    answer = PreparedAnswer(
        id=gateway.ids.new(now),
        name="shipped",
        queue_id=None,
        content=Text(text="Order {{order}} is on its way."),
        created_at=now,
        updated_at=now,
    )
    await gateway.inbox.put_answer(room.api.account_id, answer)
    template = {"responseId": str(answer.id), "bodyParameters": [{"id": "order", "value": "7"}]}
    sent = await room.send(conversation, {"messagingTemplate": template})
    assert sent.body["textBody"] == "Order 7 is on its way."


async def test_an_upload_is_sent_by_its_id(room: Room) -> None:
    conversation = await room.accepted(PERSON)
    communication = (await room.last(conversation))["messages"][0]["id"]
    path = f"{ALL}/{conversation}/communications/{communication}/messages/media"
    announced = await room.api.post(f"{path}/uploads", {"fileName": "a.png", "contentLengthBytes": len(PIXEL)})
    assert announced.status == 200, announced.raw
    where = "/" + announced.body["uploadUrl"].split("/", 3)[3]
    assert (await room.api.put(where, PIXEL, headers=announced.body.get("uploadHeaders", {}))).status in (200, 204)
    other = await room.api.post(path)
    for status, wanted in (("", [announced, other]), ("valid", [announced]), ("uploading", [other]), ("invalid", [])):
        listed = (await room.api.get(f"{path}?status={status}")).body
        assert ([one["id"] for one in listed["entities"]], listed["total"]) == (
            [one.body["id"] for one in wanted],
            len(wanted),
        )
    second = (await room.api.get(f"{path}?pageSize=1&pageNumber=2")).body
    assert (second["entities"], second["previousUri"]) == (
        [(await room.api.get(f"{path}/{other.body['id']}")).body],
        f"/api/v2/{path}?pageSize=1&pageNumber=1",
    )
    assert (await room.api.get(f"{path}?status=lost")).places == {"status"}
    leg = (await room.last(conversation, "customer"))["messages"][0]["id"]
    elsewhere = path.replace(communication, leg)
    assert (await room.api.get(elsewhere)).body["entities"] == []
    assert (await room.api.get(f"{elsewhere}/{announced.body['id']}")).code == "not.found"
    sent = await room.send(conversation, {"mediaIds": [announced.body["id"]]})
    assert sent.status == 200, sent.raw
    (element,) = sent.body["normalizedMessage"]["content"]
    assert (element["contentType"], element["attachment"]["mediaType"]) == ("Attachment", "Image")
