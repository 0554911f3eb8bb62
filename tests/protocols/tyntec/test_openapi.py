"""The examples of the face's description run, and what is answered is what it describes."""

from typing import Any

import jsonschema_rs
import pytest

from tests.protocols.tyntec.conftest import V3, Api
from tyrian.protocols.tyntec import openapi
from tyrian.protocols.tyntec.operation import Operation
from tyrian.protocols.tyntec.operations import OPERATIONS

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT = openapi.document()


def described(operation: Operation) -> Any:
    return DOCUMENT["paths"][operation.path][operation.method.lower()]


def fits(value: Any, schema: dict[str, Any]) -> list[str]:
    """What is wrong with a value by a schema of the document."""
    validator = jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]


def answer_schema(operation: Operation, status: int) -> dict[str, Any]:
    (content,) = described(operation)["responses"][str(status)]["content"].values()
    found: dict[str, Any] = content["schema"]
    return found


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
async def test_every_operation_answers_as_described(api: Api, operation: Operation) -> None:
    uploaded = (await api.post(f"{V3}/media", b"data", headers={"Content-Type": "text/plain"})).body["mediaId"]
    path = operation.path.replace("{messageId}", await api.taken()).replace("{serviceId}", "1001")
    body = b"data" if operation.body is bytes else operation.example
    if isinstance(body, dict) and "sms" in body:
        body = {**body, "sms": {**body["sms"], "from": "Tyrian"}}
    answer = await api.call(operation.method, path.replace("{mediaId}", uploaded), body)
    assert answer.status == operation.status, answer.raw
    if operation.answer not in (None, bytes):
        assert fits(answer.body, answer_schema(operation, answer.status)) == []
        assert fits(operation.answered, answer_schema(operation, answer.status)) == []


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if 400 in o.errors and o.body is not bytes])
async def test_every_refusal_is_as_described(api: Api, operation: Operation) -> None:
    answer = await api.call(operation.method, operation.path.replace("{serviceId}", "1001"), b"[]")
    assert answer.status == 400
    assert fits(answer.body, answer_schema(operation, 400)) == []


async def test_the_document_and_its_page_are_served(api: Api) -> None:
    assert (await api.get("/api/openapi/tyntec.json")).body["info"]["title"] == "Tyrian: tyntec Conversations"
    assert b"/api/openapi/tyntec.json" in (await api.get("/api/docs/tyntec")).raw


async def test_callbacks_are_described() -> None:
    for name, example in (
        ("StatusCallback", {"event": "MessageStatus::seen", "messageId": "m", "channel": "viber", "timestamp": "t"}),
        (
            "MoMessage",
            {
                "messageId": "5463481551745434076",
                "channel": "viber",
                "from": "385991234501",
                "to": "1001",
                "receivedAt": "2026-03-01T09:00:30Z",
                "content": {"contentType": "text", "text": "Hi!"},
                "event": "MoMessage",
                "timestamp": "2026-03-01T09:00:30Z",
            },
        ),
    ):
        assert fits(example, {"$ref": f"#/components/schemas/{name}"}) == []
