"""The guide for Viber in Genesys Cloud to the letter: its channel object and its rich message, by the stock SDK."""

import base64
import json
from typing import Any

import pytest

from tests.contracts import stock
from tests.contracts.running import Demo

VIBER = "/api/v2/conversations/messaging/integrations/viber"
TOKEN = "1111111111111111-1111111111111111-1111111111111111"
#: The guide's channel object.
CHANNEL = {
    "channelType": "VIBER",
    "name": "Customer Support Viber Bot",
    "webhookUrl": "https://api.genesyscloud.com/api/v2/external/webhooks/uuid-1234",
    "providerConfig": {"botToken": "xxxxxxxxxxxxxxxxxxxxx", "publicPageId": "xxxxxxxxxx"},
    "status": "ACTIVE",
}
PICTURE = "https://cdn.example.com/product-image-v2.jpg"
#: The guide's rich message, but for its ids.
MESSAGE: dict[str, Any] = {
    "type": "MESSAGE",
    "messageType": "TEXT",
    "content": {
        "text": "Please review the product catalog below and select an option to proceed.",
        "mediaUrls": [PICTURE],
        "viberChannelSpecifics": {
            "image": {
                "url": PICTURE,
                "thumbnailUrl": "https://cdn.example.com/product-thumb.jpg",
                "altText": "Product Catalog 2024",
            },
            "keyboard": {
                "buttons": [
                    {"actionType": "reply", "title": "View Prices", "payload": "VIEW_PRICES"},
                    {"actionType": "reply", "title": "Contact Agent", "payload": "CONTACT_AGENT"},
                ],
                "defaultButtons": [{"actionType": "open-url", "title": "Website", "url": "https://example.com/home"}],
            },
        },
    },
    "metadata": {"source": "api-integration", "timestamp": "2023-10-27T14:30:00Z"},
}


@pytest.fixture(scope="module")
def sdk(demo: Demo) -> Any:
    """The stock client, signed in; only its host is another."""
    stock.sdk.configuration.host = demo.base
    client = stock.sdk.api_client.ApiClient()
    return client.get_client_credentials_token("demo-genesys-client", "demo-genesys-secret")


def asked(demo: Demo, sdk: Any, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """What the guide names no SDK method for, with the SDK's token."""

    status, _, answer = demo.ask(method, path, body, {"authorization": f"Bearer {sdk.access_token}"})
    return status, json.loads(answer) if answer else None


def settled(demo: Demo, sdk: Any, channel: Any) -> Any:
    def look() -> Any:
        found = asked(demo, sdk, "GET", f"{VIBER}/{channel['id']}")[1]
        return found if found["status"] != "PENDING" else None

    return demo.until(look)


def test_the_guides_channel_object_is_taken(demo: Demo, sdk: Any) -> None:
    status, channel = asked(demo, sdk, "POST", VIBER, CHANNEL)
    assert status == 200, channel
    assert (channel["channelType"], channel["name"], channel["status"]) == ("VIBER", CHANNEL["name"], "PENDING")
    assert channel["providerConfig"]["publicPageId"] == "xxxxxxxxxx"
    # Viber knows no such token.
    assert settled(demo, sdk, channel)["status"] == "FAILED_VERIFICATION"
    assert asked(demo, sdk, "DELETE", f"{VIBER}/{channel['id']}")[0] == 204


def test_the_guides_message_reaches_the_handset_as_a_picture_with_its_keyboard(demo: Demo, sdk: Any) -> None:
    status, channel = asked(demo, sdk, "POST", VIBER, {**CHANNEL, "providerConfig": {"botToken": TOKEN}})
    assert status == 200, channel
    assert settled(demo, sdk, channel)["status"] == "ACTIVE"
    handset = "/sim/world/handsets/+385981234501"
    line = {"via": "bot", "sender": "genesysdemo"}
    assert demo.ask("POST", f"{handset}/reply", {"text": "hello", **line})[0] == 200

    conversations = stock.sdk.ConversationsApi(sdk)

    def written() -> Any:
        found = conversations.get_conversations_messages().entities
        mine = [c for c in found if any(p.address == "u385981234501==" for p in c.participants)]
        return mine[0].id if mine else None

    identifier = demo.until(written)
    body = {"channelId": channel["id"], "conversationId": identifier, **MESSAGE}
    sent = conversations.post_conversations_messages(body)
    assert sent.self_uri.endswith(f"/{identifier}/messages/{sent.id}")

    def shown() -> Any:

        found = json.loads(demo.ask("GET", handset)[2])["messages"]
        mine = [m for m in found if m["line"] == line and m["delivered_at"]]
        return mine[0] if mine else None

    content = demo.until(shown)["content"]
    assert (content["type"], content["media"], content["text"]) == ("picture", PICTURE, MESSAGE["content"]["text"])
    buttons = [(b.get("ActionType", "reply"), b["Text"], b["ActionBody"]) for b in content["keyboard"]["Buttons"]]
    assert buttons == [
        ("reply", "View Prices", "VIEW_PRICES"),
        ("reply", "Contact Agent", "CONTACT_AGENT"),
        ("open-url", "Website", "https://example.com/home"),
    ]
    assert demo.ask("POST", f"{handset}/press", {"button": "VIEW_PRICES", **line})[0] == 200
    status, session = asked(demo, sdk, "GET", f"/api/v2/conversations/messages/{identifier}/session")
    assert (status, session["status"], session["action"]) == (200, "ACTIVE", "SEND_RICH_MEDIA")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"conversationId": "00000000-0000-4000-8000-000000000000"}, 404, "not.found"),
        ({"content": {"text": 5}}, 400, "bad.request"),
        ({"queueId": "q", "toAddress": "t", "toAddressMessengerType": "open"}, 400, "bad.request"),
    ],
)
def test_what_the_sdk_is_told_of_mistakes(demo: Demo, sdk: Any, change: Any, status: int, code: str) -> None:

    entities = asked(demo, sdk, "GET", VIBER)[1]["entities"]
    body = {"channelId": entities[0]["id"], "conversationId": entities[0]["id"], **MESSAGE, **change}
    with pytest.raises(stock.sdk.rest.ApiException) as refused:
        stock.sdk.ConversationsApi(sdk).post_conversations_messages(body)
    assert (refused.value.status, json.loads(refused.value.body)["code"]) == (status, code)


def test_tokens_that_are_not_given(demo: Demo) -> None:
    for client, secret, status in (("nobody", "x", 400), ("demo-genesys-client", "wrong", 401)):
        basic = base64.b64encode(f"{client}:{secret}".encode()).decode()
        headers = {"authorization": f"Basic {basic}", "content-type": "application/x-www-form-urlencoded"}
        assert demo.ask("POST", "/oauth/token", b"grant_type=client_credentials", headers)[0] == status
    assert demo.ask("GET", "/api/v2/tokens/me", None, {"authorization": "Bearer none"})[0] == 401
