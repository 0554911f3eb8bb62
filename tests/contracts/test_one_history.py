"""A message taken by any dialect is one message: every other dialect of the account reads it, and its one history."""

import base64
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from tests.contracts.running import Demo

TO = "385991234501"
NATIVE = {"authorization": "Bearer tyrian-demo-key"}
INFOBIP = {"authorization": "App demo-infobip-key"}
TYNTEC = {"apikey": "demo-tyntec-key"}
_CUSTOMER = "FFFFFFFF-EEEE-DDDD-1234-AB1234567890"
_KEY = "ABC12345yusumoN6BYsBVkh+yRJ5czgsnCehZaOYldPJdmFh6NeX8kunZ2zU1YWaUw/0wV6xfw=="
TELESIGN = {"authorization": "Basic " + base64.b64encode(f"{_CUSTOMER}:{_KEY}".encode()).decode()}
_GENESYS = base64.b64encode(b"demo-genesys-client:demo-genesys-secret").decode()


def _asked(demo: Demo, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
    status, _, answer = demo.ask(method, path, body, headers)
    assert status in (200, 202), answer
    return json.loads(answer)


def by_native(demo: Demo) -> UUID:
    content = {"type": "text", "text": "Hello"}
    body = {"to": f"+{TO}", "purpose": "promotional", "cascade": [{"channel": "demo-viber", "content": content}]}
    return UUID(demo.native("POST", "/api/v1/messages", body)["id"])


def by_infobip(demo: Demo) -> UUID:
    message = {"sender": "demo-viber", "destinations": [{"to": TO}], "content": {"type": "TEXT", "text": "Hello"}}
    answer = _asked(demo, "POST", "/viber/2/messages", {"messages": [message]}, INFOBIP)
    return UUID(answer["messages"][0]["messageId"])


def by_telesign(demo: Demo) -> UUID:
    body = {
        "channels": [{"channel": "viber"}],
        "phone_number": TO,
        "message": {"viber": {"template": "text", "parameters": {"text": "Hello"}}},
        "message_type": "MKT",
    }
    return UUID(_asked(demo, "POST", "/v1/omnichannel", body, TELESIGN)["reference_id"])


def by_tyntec(demo: Demo) -> UUID:
    content = {"contentType": "text", "text": "Hello"}
    body = {"to": f"+{TO}", "from": "1001", "channel": "viber", "rateType": "promotion", "content": content}
    return UUID(_asked(demo, "POST", "/conversations/v3/messages", body, TYNTEC)["messageId"])


def genesys(demo: Demo) -> dict[str, str]:
    """The headers of a client of Genesys' API."""
    headers = {"authorization": f"Basic {_GENESYS}", "content-type": "application/x-www-form-urlencoded"}
    answer = _asked(demo, "POST", "/oauth/token", b"grant_type=client_credentials", headers)
    return {"authorization": f"Bearer {answer['access_token']}"}


def by_genesys(demo: Demo) -> UUID:
    body = {"fromAddress": "demo-viber", "toAddress": f"+{TO}", "toAddressMessengerType": "open", "textBody": "Hello"}
    return UUID(_asked(demo, "POST", "/api/v2/conversations/messages/agentless", body, genesys(demo))["id"])


@pytest.mark.parametrize(
    "send", [by_native, by_infobip, by_telesign, by_tyntec, by_genesys], ids=lambda send: send.__name__
)
def test_every_dialect_reads_what_any_took(demo: Demo, send: Callable[[Demo], UUID]) -> None:
    identifier = send(demo)
    path = f"/api/v1/messages/{identifier}"
    demo.until(lambda: demo.native("GET", path)["status"] == "seen")
    # At sixty times the pace the receipts of two moments may overtake each other.
    types = [event["type"] for event in demo.native("GET", f"{path}/events")["events"]]
    assert sorted(types[-3:]) == ["delivered", "seen", "sent"]

    log = _asked(demo, "GET", f"/viber/2/logs?messageId={identifier}", None, INFOBIP)["results"]
    assert [(entry["destination"], entry["status"]["groupName"]) for entry in log] == [(TO, "DELIVERED")]
    assert log[0]["content"] == {"type": "TEXT", "text": "Hello"}

    status = _asked(demo, "GET", f"/v1/omnichannel/{identifier.hex.upper()}", None, TELESIGN)
    assert status["reference_id"] == identifier.hex.upper()
    assert status["status"]["code"] == 3005

    assert _asked(demo, "GET", f"/conversations/v3/messages/{identifier}/status", None, TYNTEC)["status"] == "seen"
    history = _asked(demo, "GET", f"/conversations/v3/messages/{identifier}/events", None, TYNTEC)["history"]
    assert {"message-delivered", "message-seen"} <= {entry["state"] for entry in history}


def test_genesys_and_the_native_api_share_a_conversation(demo: Demo) -> None:
    headers, number = genesys(demo), "+385991238001"
    messages = "/api/v2/conversations/messages"
    (queue,) = _asked(demo, "GET", "/api/v2/routing/queues?name=demo-queue", None, headers)["entities"]
    body = {"queueId": queue["id"], "toAddress": number, "toAddressMessengerType": "open"}
    conversation = _asked(demo, "POST", messages, body, headers)["id"]
    people = _asked(demo, "GET", f"/api/v2/conversations/{conversation}", None, headers)["participants"]
    communication = next(p["messages"][0]["id"] for p in people if p["purpose"] == "agent")
    path = f"{messages}/{conversation}/communications/{communication}/messages"
    first = _asked(demo, "POST", path, {"textBody": "From Genesys"}, headers)["id"]

    talk = f"/api/v1/inbox/conversations/{conversation}"
    content = {"type": "text", "text": "From the native API"}
    second = demo.native("POST", f"{talk}/messages", {"content": content, "purpose": "transactional"})["message_id"]
    thread = demo.native("GET", f"{talk}/items")["items"]
    assert [i["message_id"] for i in thread if i["kind"] == "outbound"] == [first, second]
    assert demo.native("GET", f"/api/v1/messages/{first}")["to"] == number
    read = _asked(demo, "GET", f"{messages}/{conversation}/messages/{second}", None, headers)
    assert (read["textBody"], read["direction"]) == ("From the native API", "outbound")


def test_nobody_reads_what_is_not_there(demo: Demo) -> None:
    identifier = UUID(int=7)
    assert (
        demo.ask("GET", f"/api/v1/messages/{identifier}", None, {"authorization": "Bearer tyrian-demo-key"})[0] == 404
    )
    assert json.loads(demo.ask("GET", f"/viber/2/logs?messageId={identifier}", None, INFOBIP)[2])["results"] == []
    assert demo.ask("GET", f"/v1/omnichannel/{identifier.hex.upper()}", None, TELESIGN)[0] in (400, 404)
    assert demo.ask("GET", f"/conversations/v3/messages/{identifier}/status", None, TYNTEC)[0] == 404
    details = f"/api/v2/conversations/messages/{identifier}/details"
    assert demo.ask("GET", details, None, genesys(demo))[0] == 404
