"""Open Messaging served: integrations, what their middlewares bring, and the webhooks that they get."""

from typing import Any

import pytest

from tests.protocols.genesys.conftest import Api
from tests.protocols.genesys.middleware import AT, OPEN, TOKEN, Middleware, integrated, request, sender

pytestmark = pytest.mark.asyncio(loop_scope="module")

PNG = {"mediaType": "Image", "url": "https://cdn.example.com/a.png", "mime": "image/png"}
PDF = {"mediaType": "File", "url": "https://cdn.example.com/a.pdf", "mime": "application/pdf", "filename": "a.pdf"}


# -- Integrations -----------------------------------------------------------------------------------------------------


async def test_an_integration_is_made_read_changed_and_removed(api: Api) -> None:
    made = await api.post(OPEN, {**request(api), "webhookHeaders": {"X-Api-Key": "k"}})
    assert (made.status, made.body["createStatus"]) == (200, "Initiated")
    one = f"{OPEN}/{made.body['id']}"
    read = (await api.get(one)).body
    assert read["createStatus"] == "Completed"
    assert read["outboundNotificationWebhookSignatureSecretToken"] == TOKEN
    assert read["webhookHeaders"] == {"X-Api-Key": "k"}
    assert read["selfUri"] == f"/api/v2/{one}"
    changed = (await api.patch(one, {"name": "Other", "webhookHeaders": None})).body
    assert (changed["name"], "webhookHeaders" in changed) == ("Other", False)
    assert changed["outboundNotificationWebhookUrl"] == read["outboundNotificationWebhookUrl"]
    assert (await api.delete(one)).status == 204
    assert (await api.get(one)).code == "not.found"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "/name"),
    ({"outboundNotificationWebhookUrl": "nowhere"}, "/outboundNotificationWebhookUrl"),
    ({"outboundNotificationWebhookUrl": "http://10.0.0.1/out"}, "/outboundNotificationWebhookUrl"),
    ({"outboundNotificationWebhookSignatureSecretToken": "fifteen-letters"},
     "/outboundNotificationWebhookSignatureSecretToken"),
    ({"webhookHeaders": {"Content-Length": "5"}}, "/webhookHeaders"),
    ({"webhookHeaders": {"X-Key": "a\r\nb"}}, "/webhookHeaders"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "place"), WRONG)
async def test_an_integration_that_breaks_a_rule_is_refused_at_its_place(
    api: Api, members: dict[str, Any], place: str
) -> None:
    answer = await api.post(OPEN, {**request(api), **members})
    assert (answer.status, answer.places) == (400, {place})
    assert (await api.get(OPEN)).body["total"] == 0


async def test_integrations_are_listed_in_pages_and_with_their_profiles(api: Api) -> None:
    made = [await integrated(api) for _ in range(3)]
    page = (await api.get(f"{OPEN}?pageSize=2&expand=supportedContent,messagingSetting")).body
    assert ([one["id"] for one in page["entities"]], page["total"]) == ([one.id for one in made[:2]], 3)
    assert page["entities"][0]["supportedContent"]["mediaTypes"]["allow"]["inbound"] == [{"type": "*/*"}]
    assert page["entities"][0]["messagingSetting"]["event"]["typing"]["on"]["outbound"] == "Disabled"
    every = (await api.get("conversations/messaging/integrations?messengerType=open")).body
    assert [(one["id"], one["messengerType"], one["status"]) for one in every["entities"]] == [
        (one.id, "open", "Active") for one in made
    ]


async def test_another_accounts_integration_is_not_there(api: Api) -> None:
    foreign = await integrated(await api.account())
    assert (await api.get(f"{OPEN}/{foreign.id}")).status == 404
    stranger = Middleware(api, foreign.body)
    for what in ("message", "receipt", "event", "structured/response"):
        assert (await stranger.bring(what, {})).code == "not.found"


# -- Messages ---------------------------------------------------------------------------------------------------------


async def test_a_message_enters_its_conversation_and_the_middleware_is_told(api: Api) -> None:
    there = await integrated(api)
    said = await there.says("Where is my order?")
    assert (said["type"], said["direction"], said["text"]) == ("Text", "Inbound", "Where is my order?")
    assert said["channel"]["from"] == {"id": "customer-7", "idType": "Opaque", "nickname": "Ana"}
    assert (said["channel"]["id"], said["channel"]["platform"]) == (there.id, "Open")
    conversation = (await api.get(f"conversations/messages/{said['conversationId']}")).body
    assert conversation["participants"][0]["messages"][0]["messageId"] == said["id"]
    assert conversation["participants"][0]["name"] == "Ana"
    (told,) = await there.brought("Receipt")
    assert (told["id"], told["status"], told["channel"]["to"]["id"]) == (said["id"], "Published", "customer-7")


async def test_a_repeat_of_a_message_id_is_the_same_message(api: Api) -> None:
    there = await integrated(api)
    body = {"channel": sender(), "text": "hello"}
    first, second = [await there.bring("message", body) for _ in range(2)]
    assert first.body == second.body
    assert await api.inbound() == [("customer-7", {"type": "text", "text": "hello"})]


async def test_an_attachment_comes_with_its_words(api: Api) -> None:
    there = await integrated(api)
    body = {"channel": sender(), "text": "Look", "content": [{"contentType": "Attachment", "attachment": PNG}]}
    assert (await there.bring("message", body)).body["content"] == [{"contentType": "Attachment", "attachment": PNG}]
    await there.bring("message", {"channel": sender(), "text": "Read", "content": [{"attachment": PDF}]})
    assert [content for _, content in await api.inbound()] == [
        {"type": "image", "url": PNG["url"], "text": "Look"},
        {"type": "text", "text": "Read"},
        {"type": "file", "url": PDF["url"], "name": "a.pdf"},
    ]
    assert len(await there.brought("Receipt", 2)) == 2


async def test_attributes_of_the_participant(api: Api) -> None:
    there = await integrated(api)
    channel = sender(metadata={"customAttributes": {"tier": "gold", "orders": 7}})
    said = (await there.bring("message", {"channel": channel, "text": "hello"})).body
    conversation = (await api.get(f"conversations/messages/{said['conversationId']}")).body
    assert conversation["participants"][0]["attributes"] == {"tier": "gold", "orders": "7"}


BAD_MESSAGES: list[tuple[dict[str, Any], str, str]] = [
    ({"text": None}, "bad.request", "/text"),
    ({"channel": {**sender(), "time": "yesterday"}}, "invalid.date", "/channel/time"),
    ({"channel": {"time": AT}}, "bad.request", "/channel/from"),
    ({"channel": {**sender(), "from": {"id": "x", "idType": "Fax"}}}, "invalid.value", "/channel/from/idType"),
    ({"channel": {**sender(), "from": {"idType": "Phone"}}}, "bad.request", "/channel/from/id"),
    ({"metadata": {"a": {"b": "c"}}}, "bad.request", "/metadata/a"),
    ({"content": [{"attachment": PNG}, {"attachment": PNG}]}, "bad.request", "/content"),
    ({"content": [{"attachment": {**PNG, "mediaType": "Smell"}}]}, "invalid.value", "/content/0/attachment/mediaType"),
    ({"content": [{"attachment": {**PNG, "url": "file:///etc"}}]}, "bad.request", "/content/0/attachment/url"),
    ({"content": [{"contentType": "Card"}]}, "bad.request", "/content/0/attachment"),
]


@pytest.mark.parametrize(("members", "code", "place"), BAD_MESSAGES)
async def test_a_message_that_breaks_a_rule_is_refused_at_its_place(
    api: Api, members: dict[str, Any], code: str, place: str
) -> None:
    there = await integrated(api)
    answer = await there.bring("message", {"channel": sender(), "text": "hello", **members})
    assert (answer.status, answer.code, answer.places) == (400, code, {place})
    assert await api.inbound() == []
