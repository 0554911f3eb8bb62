"""Channel groups as customers see them: made, shown, sent through, and told of in a message's attempts."""

from typing import Any

import pytest

from tests.protocols.native.conftest import Api
from tyrian.engine import ports

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANY = {
    "name": "any",
    "kind": "group",
    "config": {"members": [{"channel": "demo-viber"}, {"channel": "demo-sms"}], "strategy": "order"},
}
TO_ANYBODY = {"to": "+385991234501", "cascade": [{"channel": "any", "content": {"type": "text", "text": "Hello"}}]}


async def make(api: Api, **changes: Any) -> None:
    made = await api.post("/api/v1/channels", {**ANY, **changes})
    assert made.status == 201, made.text


async def test_a_group_is_a_channel(api: Api) -> None:
    await make(api)
    shown = (await api.get("/api/v1/channels/any")).body
    assert (shown["kind"], shown["config"], shown["circuit"], shown["trouble"]) == ("group", ANY["config"], None, None)
    assert [c["name"] for c in (await api.get("/api/v1/channels")).body["channels"]].count("any") == 1
    assert (await api.get("/api/v1/channels/demo-sms")).body["circuit"] == "closed"


async def test_what_every_member_can_carry_is_refused_or_taken_by_that(api: Api) -> None:
    await make(api)
    can = (await api.get("/api/v1/capabilities/any")).body
    assert list(can["contents"]) == ["text"]
    refused = await api.send(
        {**TO_ANYBODY, "cascade": [{"channel": "any", "content": {"type": "text", "text": "x" * 161}}]}
    )
    assert (refused.status, refused.pointers) == (422, ["/cascade/0/content/text"])
    assert (await api.send({**TO_ANYBODY, "to": "nobody"})).pointers == ["/to"]


async def test_the_attempts_tell_of_each_channel(api: Api) -> None:
    await make(api)
    api.network.answers["385991234501"] = ports.Refused("no_credit")
    taken = await api.send(TO_ANYBODY)
    assert taken.status == 202
    message = await api.until(taken.body["id"], "failed")
    assert [(a["step"], a["channel"], a["status"]) for a in message["attempts"]] == [
        (0, "demo-viber", "failed"), (0, "demo-sms", "failed"),
    ]  # fmt: skip
    assert message["channel"] == "demo-sms"
    events = (await api.get(f"/api/v1/messages/{taken.body['id']}/events")).body["events"]
    assert [e["type"] for e in events] == ["accepted", "failed", "rerouted", "failed"]
    assert (events[2]["channel"], events[2]["detail"]) == ("demo-viber", {"channel": "demo-sms"})


@pytest.mark.parametrize("action", ["pause", "resume"])
async def test_a_group_cannot_be_paused(api: Api, action: str) -> None:
    await make(api)
    answer = await api.post(f"/api/v1/channels/any/{action}")
    assert answer.status == (422 if action == "pause" else 200)


async def test_members_must_be_there(api: Api) -> None:
    answer = await api.post("/api/v1/channels", {**ANY, "config": {"members": [{"channel": "nobody"}]}})
    assert (answer.status, answer.pointers) == (422, ["/config/members/0/channel"])
