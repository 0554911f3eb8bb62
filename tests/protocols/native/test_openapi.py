"""The examples of the API's description run, and what is served of it is whole."""

import re
from typing import Any

import pytest

from tests.protocols.native.conftest import Api
from tests.protocols.native.document import WITH_EXAMPLES, answer_schema, fits
from tyrian.domain.content import Text
from tyrian.domain.schedule import DAYS
from tyrian.engine.ports import Inbound, Refused
from tyrian.protocols.native.flow_operations import REQUESTS
from tyrian.protocols.native.operation import Operation
from tyrian.protocols.native.operations import OPERATIONS

FLOW = REQUESTS["a flow as a file"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


# -- The examples -----------------------------------------------------------------------------------------------------


async def identifier_for(api: Api, operation: Operation) -> str:
    """The id of something real that an operation can be tried on."""
    text = {"channel": "demo-viber", "content": {"type": "text", "text": "Hello {{name}}"}}
    window = {"window": {"from": "00:00", "to": "00:00", "days": [day_after_tomorrow(api)]}}
    if operation.name == "retryBulk":
        return await failed_bulk(api)
    if operation.identifies == "bulk":
        bulk = await api.post("/api/v1/bulks", {"cascade": [text], "schedule": window})
        return str(bulk.body["id"])
    if operation.identifies == "message":
        one = {"to": "+385991234501", "cascade": [text], "variables": {"name": "Ana"}, "schedule": window}
        return str((await api.send(one)).body["id"])
    makers = {
        "contact": contact,
        "suppression": suppression,
        "flow": flow,
        "flow run": flow_run,
        "inbound message": heard,
    }
    if operation.identifies in makers:
        return await makers[operation.identifies](api)
    return {"channel": "demo-viber"}.get(operation.identifies, "")


async def suppression(api: Api) -> str:
    await api.post("/api/v1/suppressions", {"suppressions": [{"address": "+385991234599"}]})
    return str((await api.get("/api/v1/suppressions")).body["suppressions"][0]["id"])


async def contact(api: Api) -> str:
    return str((await api.post("/api/v1/contacts", {"name": "Ana"})).body["id"])


async def flow(api: Api) -> str:
    return str((await api.post("/api/v1/flows", FLOW)).body["name"])


async def flow_run(api: Api) -> str:
    """Somebody's way through a flow."""
    await flow(api)
    entry = api.gateway.channels.get(api.account_id, "demo-bot")
    assert entry is not None
    said = Inbound("+385991234501", "demo-bot", Text(text="hours"), f"{api.account_id}-hours")
    await api.gateway.inbound.submit(entry.channel, [said])
    await api.gateway.turns.drain(10)
    return str((await api.get("/api/v1/flow-runs")).body["runs"][0]["id"])


async def heard(api: Api) -> str:
    """A message of a person."""
    entry = api.gateway.channels.get(api.account_id, "demo-viber")
    assert entry is not None
    said = Inbound("+385991234501", "demo-viber", Text(text="hello"), f"{api.account_id}-heard")
    await api.gateway.inbound.submit(entry.channel, [said])
    return str((await api.get("/api/v1/inbound")).body["messages"][0]["id"])


async def failed_bulk(api: Api) -> str:
    """A bulk with something in it to send again."""
    api.network.answers["385991234504"] = Refused("not_a_viber_user")
    content = {"type": "text", "text": "Hello"}
    body = {"cascade": [{"channel": "demo-viber", "content": content}], "messages": [{"to": "+385991234504"}]}
    sent = (await api.send(body)).body
    await api.until(sent["messages"][0]["id"], "failed")
    api.network.answers.clear()
    return str(sent["bulk_id"])


def day_after_tomorrow(api: Api) -> str:
    return str(DAYS[(api.gateway.clock.now().weekday() + 2) % 7])


def runs_here(operation: Operation) -> bool:
    """Channels, keys, accounts and files have a gateway and tests of their own."""
    return operation.tag not in ("Channels", "Keys", "Accounts", "Media", "Inbox") and "signing" not in operation.path


async def tried(api: Api, operation: Operation, body: Any) -> None:
    path = operation.path.replace("{id}", await identifier_for(api, operation) if "{id}" in operation.path else "")
    answer = await api.call(operation.method, path, body)
    assert answer.status == operation.answers[0].status, (operation.name, answer.text)
    if answer.headers.get("content-type", "").endswith("json"):
        assert fits(answer.body, answer_schema(operation, answer.status)) == [], operation.name


@pytest.mark.parametrize(("operation", "name"), [(o, n) for o, n in WITH_EXAMPLES if runs_here(o)])
async def test_every_example_runs(api: Api, operation: Operation, name: str) -> None:
    body = operation.examples[name]
    if "callback" in body:
        body = body | {"callback": body["callback"] | {"url": "https://shop.example/hook"}}
    if "contact_id" in body:
        body = body | {"contact_id": await contact(api)}
    await tried(api, operation, body)


async def test_every_operation_without_a_body_runs(api: Api) -> None:
    for operation in OPERATIONS:
        if operation.body is None and runs_here(operation) and operation.identifies != "callback":
            await tried(api, operation, None)


# -- What is served ---------------------------------------------------------------------------------------------------


async def test_the_document_and_its_page_are_served_to_everybody(api: Api) -> None:
    document = await api.get("/api/openapi.json", headers={"Authorization": ""})
    assert (document.status, document.body["openapi"]) == (200, "3.1.0")
    page = await api.get("/api/docs", headers={"Authorization": ""})
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert not re.findall(r"""(?:src|href)=["']https?://""", page.text)
