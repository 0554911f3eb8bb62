"""Flows over HTTP: checked, published, read, paused, removed; and the runs of people."""

from typing import Any

import pytest

from tests.protocols.native.conftest import Api
from tyrian.domain.content import Text
from tyrian.engine.ports import Inbound
from tyrian.protocols.native.flow_operations import REQUESTS

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOURCE = REQUESTS["a flow as a file"]["source"]


async def published(api: Api, **more: Any) -> dict[str, Any]:
    answer = await api.post("/api/v1/flows", {"source": SOURCE, "channels": ["demo-bot"], **more})
    assert answer.status in (200, 201), answer.text
    found: dict[str, Any] = answer.body
    return found


async def test_a_flow_is_published_read_and_published_again(api: Api) -> None:
    made = await published(api)
    assert (made["name"], made["version"], made["channels"], made["active"]) == ("opening-hours", 1, ["demo-bot"], True)
    again = await api.post("/api/v1/flows", {"source": SOURCE.replace("from 8", "from 7")})
    assert (again.status, again.body["version"], again.body["channels"]) == (200, 2, ["demo-bot"])
    old = await api.get("/api/v1/flows/opening-hours?version=1")
    assert old.body["source"] == SOURCE
    assert (old.body["version"], old.body["newest"]) == (1, 2)
    versions = await api.get("/api/v1/flows/opening-hours/versions")
    assert [v["version"] for v in versions.body["versions"]] == [2, 1]
    listed = await api.get("/api/v1/flows")
    assert [(f["name"], f["steps"]) for f in listed.body["flows"]] == [("opening-hours", 3)]
    picture = await api.get("/api/v1/flows/opening-hours/drawing")
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert picture.text.startswith("<svg ")


async def test_what_is_wrong_is_said_with_lines_and_pointers(api: Api) -> None:
    bad = SOURCE.replace("to: zagreb", "to: zagrb")
    checked = await api.post("/api/v1/flows/check", {"source": bad, "channels": ["demo-bot", "demo-sms"]})
    assert checked.body["ok"] is False
    found = {p["pointer"]: p for p in checked.body["problems"]}
    assert found["/steps/which/choices/0/to"]["line"] == 10
    assert found["/channels/1"]["code"] == "no_inbound"
    refused = await api.post("/api/v1/flows", {"source": bad, "channels": ["demo-bot"]})
    assert refused.status == 422
    assert refused.pointers == ["/source/steps/which/choices/0/to"]
    assert "(line 10)" in refused.body["problems"][0]["message"]
    both = await api.post("/api/v1/flows", {"source": SOURCE, "flow": REQUESTS["a flow as an object"]["flow"]})
    assert both.status == 422
    wrong = await api.post("/api/v1/flows", {"flow": {"name": "x", "start": 1}})
    assert set(wrong.pointers) >= {"/flow/start", "/flow/steps", "/flow/triggers"}
    assert (await api.get("/api/v1/flows")).body["flows"] == []


async def test_a_flow_is_paused_resumed_and_removed(api: Api) -> None:
    await published(api)
    assert (await api.post("/api/v1/flows/opening-hours/pause")).body["active"] is False
    assert (await api.post("/api/v1/flows/opening-hours/resume")).body["active"] is True
    assert (await api.call("DELETE", "/api/v1/flows/opening-hours")).status == 204
    for path in ("", "/versions", "/drawing"):
        assert (await api.get(f"/api/v1/flows/opening-hours{path}")).status == 404
    assert (await api.post("/api/v1/flows/opening-hours/pause")).status == 404


async def test_runs_are_listed_read_and_ended(api: Api) -> None:
    await published(api)
    entry = api.gateway.channels.get(api.account_id, "demo-bot")
    assert entry is not None
    for number in range(3):
        message = Inbound(f"+38599123450{number}", "bot", Text(text="hours"), f"{api.account_id}-{number}")
        await api.gateway.inbound.submit(entry.channel, [message])
    await api.gateway.turns.drain(10)
    first = await api.get("/api/v1/flow-runs?flow=opening-hours&limit=2")
    assert len(first.body["runs"]) == 2
    rest = await api.get(f"/api/v1/flow-runs?limit=2&cursor={first.body['next']}")
    assert len(rest.body["runs"]) == 1
    assert rest.body["next"] is None
    (mine,) = (await api.get("/api/v1/flow-runs?person=%2B385991234501&state=waiting")).body["runs"]
    read = await api.get(f"/api/v1/flow-runs/{mine['id']}")
    assert [(passed["step"], passed["by"]) for passed in read.body["path"]] == [("which", "start")]
    assert read.body["variables"]["input"] == "hours"
    ended = await api.post(f"/api/v1/flow-runs/{mine['id']}/end")
    assert (ended.body["state"], ended.body["outcome"]) == ("ended", "stopped")
    assert (await api.get("/api/v1/flow-runs?flow=nothing")).body["runs"] == []


async def test_flows_of_one_account_are_nobody_elses(api: Api) -> None:
    await published(api)
    other = await api.account("demo-bot")
    assert (await other.get("/api/v1/flows")).body["flows"] == []
    assert (await other.get("/api/v1/flows/opening-hours")).status == 404
    assert (await other.call("DELETE", "/api/v1/flows/opening-hours")).status == 404
    assert (await api.get("/api/v1/flows/opening-hours")).status == 200
