"""Open Messaging with the stock Python client `PureCloudPlatformClientV2`, unmodified, against a running demo.

Each call is made as a middleware makes it, and is refused in three ways.
"""

import json
import struct
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from tests.contracts.running import Demo, Receiver
from tests.contracts.stock import sdk
from tests.protocols.genesys.middleware import signature

CLIENT, SECRET = "demo-genesys-client", "demo-genesys-secret"
TOKEN = "a-token-that-signs-webhooks"
NOBODY = str(uuid4())


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


#: A black picture of 8 by 8.
PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(bytes(9 * 8)))
    + _chunk(b"IEND", b"")
)


@pytest.fixture(scope="module")
def api(demo: Demo) -> Any:
    # The client's configuration is one for the whole process, and its host is read when a token is asked for.
    sdk.configuration.host = demo.base
    return sdk.ConversationsApi(sdk.api_client.ApiClient(host=demo.base).get_client_credentials_token(CLIENT, SECRET))


@pytest.fixture
def shop(api: Any, receiver: Receiver) -> Iterator[Any]:
    """An integration whose webhook is the test's."""
    made = api.post_conversations_messaging_integrations_open(wanted(receiver.url("/out")))
    yield made
    api.delete_conversations_messaging_integrations_open_integration_id(made.id)


def wanted(url: str, token: str | None = TOKEN) -> Any:
    body = sdk.OpenIntegrationRequest()
    body.name, body.outbound_notification_webhook_url = "Shop", url
    body.outbound_notification_webhook_signature_secret_token = token
    return body


def channel(person: str) -> Any:
    made, sender = sdk.OpenInboundMessageMessagingChannel(), sdk.OpenMessagingFromRecipient()
    sender.id, sender.id_type, sender.nickname = person, "Opaque", "Ana"
    made.pcFrom, made.time, made.message_id = sender, datetime.now(UTC), str(uuid4())
    return made


def words(person: str, text: str | None = "Where is my order?") -> Any:
    body = sdk.OpenInboundNormalizedMessage()
    body.channel, body.text = channel(person), text
    return body


def told(message: str, status: str, person: str = "customer-1") -> dict[str, Any]:
    """A receipt. The client takes plain objects as well; its own class refuses what the tests want refused."""
    return {"id": message, "channel": {"to": {"id": person}, "time": "2026-11-21T12:00:00.000Z"}, "status": status}


def press(person: str, message: str, kind: str = "QuickReply") -> Any:
    body, pressed = sdk.OpenInboundStructuredResponseMessage(), sdk.ContentButtonResponse()
    pressed.type, pressed.text, pressed.payload = kind, "Prices", "VIEW_PRICES"
    body.channel, body.button_response, body.originating_message_id = channel(person), pressed, message
    return body


def person() -> str:
    return f"customer-{uuid4()}"


def refused(call: Callable[..., Any], *args: Any, **more: Any) -> tuple[int, str]:
    """Status and code of an error, which the client must raise."""
    with pytest.raises(sdk.rest.ApiException) as caught:
        call(*args, **more)
    return caught.value.status, json.loads(caught.value.body)["code"]


def webhook(receiver: Receiver, kind: str) -> Any:
    """The first webhook of a type; it is signed."""
    (posted,) = receiver.wait(lambda posted: posted.json["type"] == kind)
    assert posted.headers["x-hub-signature-256"] == signature(posted.body, TOKEN)
    return posted.json


# -- Integrations -----------------------------------------------------------------------------------------------------


def test_an_integration_from_its_making_to_its_end(api: Any, receiver: Receiver) -> None:
    made = api.post_conversations_messaging_integrations_open(wanted(receiver.url()))
    assert (made.create_status, made.status) == ("Initiated", "Active")
    read = api.get_conversations_messaging_integrations_open_integration_id(made.id, expand="supportedContent")
    assert (read.create_status, read.outbound_notification_webhook_signature_secret_token) == ("Completed", TOKEN)
    assert read.supported_content.media_types.allow.inbound[0].type == "*/*"
    change = sdk.OpenIntegrationUpdateRequest()
    change.name = "Other"
    assert api.patch_conversations_messaging_integrations_open_integration_id(made.id, change).name == "Other"
    listed = api.get_conversations_messaging_integrations_open(page_size=100).entities
    assert made.id in [one.id for one in listed]
    every = api.get_conversations_messaging_integrations(page_size=100).entities
    assert ("Other", "open", "Active") in [(one.name, one.messenger_type, one.status) for one in every]
    api.delete_conversations_messaging_integrations_open_integration_id(made.id)
    asked = api.get_conversations_messaging_integrations_open_integration_id
    assert refused(asked, made.id) == (404, "not.found")


def test_integrations_that_are_refused(api: Any, receiver: Receiver) -> None:
    create = api.post_conversations_messaging_integrations_open
    assert refused(create, wanted(receiver.url(), "too short")) == (400, "bad.request")
    assert refused(create, wanted("http://10.0.0.1/")) == (400, "bad.request")
    unknown = wanted(receiver.url())
    unknown.supported_content = sdk.SupportedContentReference()
    unknown.supported_content.id = NOBODY
    assert refused(create, unknown) == (404, "not.found")


# -- Messages ---------------------------------------------------------------------------------------------------------


def test_a_message_and_its_conversation(api: Any, shop: Any, receiver: Receiver) -> None:
    who = person()
    body = words(who)
    said = api.post_conversations_message_inbound_open_message(shop.id, body, prefetch_conversation_id=True)
    assert (said.type, said.text, said.channel.platform) == ("Text", "Where is my order?", "Open")
    conversation = api.get_conversations_message(said.conversation_id)
    assert (conversation.participants[0].purpose, conversation.participants[0].name) == ("customer", "Ana")
    repeated = api.post_conversations_message_inbound_open_message(shop.id, body)
    assert repeated.id == said.id
    receipt = webhook(receiver, "Receipt")
    assert (receipt["id"], receipt["status"], receipt["channel"]["to"]["id"]) == (said.id, "Published", who)


def test_messages_that_are_refused(api: Any, shop: Any) -> None:
    bring = api.post_conversations_message_inbound_open_message
    assert refused(bring, shop.id, words(person(), None)) == (400, "bad.request")
    assert refused(bring, NOBODY, words(person())) == (404, "not.found")
    never = {"channel": {"from": {"id": "a", "idType": "Opaque"}, "time": "yesterday"}, "text": "hello"}
    assert refused(bring, shop.id, never) == (400, "invalid.date")


# -- Answers and receipts ---------------------------------------------------------------------------------------------


def answered(demo: Demo, shop: Any, who: str, text: str = "It is on its way") -> str:
    """Somebody sends a message to a person on the integration's channel; its id."""
    step = {"channel": channel_of(shop, demo), "content": {"type": "text", "text": text}}
    return str(demo.native("POST", "/api/v1/messages", {"to": who, "cascade": [step]})["id"])


def channel_of(shop: Any, demo: Demo) -> str:
    """The name of the integration's channel."""
    url, channels = shop.outbound_notification_webhook_url, demo.native("GET", "/api/v1/channels")["channels"]
    return str(next(c["name"] for c in channels if c["config"].get("webhook_url") == url))


def test_an_answer_and_its_receipt(api: Any, shop: Any, receiver: Receiver, demo: Demo) -> None:
    who = person()
    message = answered(demo, shop, who)
    brought = webhook(receiver, "Text")
    assert (brought["id"], brought["text"], brought["channel"]["to"]["id"]) == (message, "It is on its way", who)
    receipt = api.post_conversations_message_inbound_open_receipt(shop.id, told(message, "Delivered", who))
    assert (receipt.id, receipt.type, receipt.status) == (message, "Receipt", "Delivered")
    demo.until(lambda: demo.native("GET", f"/api/v1/messages/{message}")["status"] == "delivered")


def test_receipts_that_are_refused(api: Any, shop: Any) -> None:
    bring = api.post_conversations_message_inbound_open_receipt
    assert refused(bring, shop.id, told(NOBODY, "Read")) == (400, "invalid.value")
    assert refused(bring, NOBODY, told(NOBODY, "Delivered")) == (404, "not.found")
    assert refused(bring, shop.id, {"id": NOBODY, "status": "Delivered"}) == (400, "bad.request")


def test_a_press(api: Any, shop: Any) -> None:
    who = person()
    api.post_conversations_message_inbound_open_message(shop.id, words(who), prefetch_conversation_id=True)
    pressed = api.post_conversations_message_inbound_open_structured_response(shop.id, press(who, NOBODY))
    assert (pressed.type, pressed.direction) == ("Structured", "Inbound")
    assert pressed.content[0].button_response.payload == "VIEW_PRICES"


def test_presses_that_are_refused(api: Any, shop: Any) -> None:
    bring = api.post_conversations_message_inbound_open_structured_response
    assert refused(bring, shop.id, press(person(), NOBODY)) == (400, "bad.request")
    assert refused(bring, NOBODY, press(person(), NOBODY)) == (404, "not.found")
    assert refused(bring, shop.id, press(person(), NOBODY, "Wish")) == (400, "invalid.value")


# -- Media ------------------------------------------------------------------------------------------------------------


def begun(api: Any, shop: Any, demo: Demo) -> tuple[str, str]:
    """A conversation on the integration's channel, with the communication of whoever began it."""
    body = {"channel": channel_of(shop, demo), "person": person()}
    conversation = str(demo.native("POST", "/api/v1/inbox/conversations", body)["id"])
    found = api.get_conversation(conversation).participants
    return conversation, next(p.messages[0].id for p in found if p.purpose != "customer")


def test_a_file_is_announced_put_and_sent(api: Any, shop: Any, receiver: Receiver, demo: Demo) -> None:
    conversation, leg = begun(api, shop, demo)
    body = sdk.UploadMediaRequest()
    body.file_name, body.content_length_bytes = "offer.png", len(PNG)
    made = api.post_conversations_message_communication_messages_media_uploads(conversation, leg, body)
    put = urllib.request.Request(made.upload_url, PNG, dict(made.upload_headers), method="PUT")  # noqa: S310 - our own
    with urllib.request.urlopen(put, timeout=30) as answer:  # noqa: S310 - our own address
        assert answer.status == 200
    read = api.get_conversations_message_communication_messages_media_media_id(conversation, leg, made.id)
    assert (read.status, read.media_type, read.content_length_bytes) == ("valid", "image/png", len(PNG))
    listed = api.get_conversations_message_communication_messages_media(conversation, leg, status="valid")
    assert ([one.id for one in listed.entities], listed.total) == ([made.id], 1)
    message = sdk.AdditionalMessage()
    message.media_ids = [made.id]
    sent = api.post_conversations_message_communication_messages(conversation, leg, message)
    assert sent.normalized_message.content[0].attachment.media_type == "Image"
    brought = webhook(receiver, "Text")
    assert (brought["id"], brought["content"][0]["attachment"]["mime"]) == (sent.id, "image/png")


def test_files_that_are_refused(api: Any, shop: Any, demo: Demo) -> None:
    conversation, leg = begun(api, shop, demo)
    announce = api.post_conversations_message_communication_messages_media_uploads
    body = sdk.UploadMediaRequest()
    body.file_name, body.content_length_bytes = ".hidden", 5
    assert refused(announce, conversation, leg, body) == (400, "bad.request")
    body.file_name = "offer.png"
    assert refused(announce, conversation, NOBODY, body)[0] == 404
    made = announce(conversation, leg, body)
    put = urllib.request.Request(made.upload_url, PNG, dict(made.upload_headers), method="PUT")  # noqa: S310 - our own
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(put, timeout=30)  # noqa: S310 - our own address
    with caught.value as error:
        assert (error.code, json.load(error)["code"]) == (400, "MediaTypeNotAllowed")
    read = api.get_conversations_message_communication_messages_media_media_id(conversation, leg, made.id)
    assert read.status == "invalid"
