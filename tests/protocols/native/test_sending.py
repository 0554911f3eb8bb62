"""Taking messages in over HTTP."""

from tests.protocols.native.conftest import Api, is_uuid

TO = "+385991234501"


def step(text: str = "Hello", channel: str = "demo-viber", **more: object) -> dict[str, object]:
    return {"channel": channel, "content": {"type": "text", "text": text}, **more}


async def test_one_message_is_accepted_and_sent(api: Api) -> None:
    answer = await api.send({"to": TO, "cascade": [step()]})
    assert answer.status == 202
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.body) == {"id", "bulk_id", "to", "status"}
    assert is_uuid(answer.body["id"])
    assert answer.body["bulk_id"] == answer.body["id"]
    assert (answer.body["to"], answer.body["status"]) == (TO, "accepted")
    message = await api.until(answer.body["id"], "sent")
    assert api.network.texts() == ["Hello"]
    assert [a["status"] for a in message["attempts"]] == ["sent"]
