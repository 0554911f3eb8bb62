"""The face's OpenAPI 3.1 document, made from the table of operations and the structs of the wire."""

import re
from functools import cache
from importlib import metadata
from typing import Any, Final

import msgspec
from apispec import APISpec

from tyrian.protocols.telesign import codes, examples, wire
from tyrian.protocols.telesign.errors import Envelope
from tyrian.protocols.telesign.operation import Operation
from tyrian.protocols.telesign.operations import OPERATIONS

_REF: Final = "#/components/schemas/{name}"
_TAGS: Final = {
    "Messaging": "Send messages, and follow what becomes of them.",
    "Templates": "Templates of the account's own.",
    "Settings": "Where callbacks go. Tyrian's own.",
    "Capability": "RCS capability, which a gateway has not.",
}
_PARAMETERS: Final[dict[str, tuple[str, str]]] = {
    "reference_id": ("The message's reference id.", "01999F2C6A7E7C41B1D2A3C4E5F60718"),
    "channel": ("A channel.", "sms"),
    "name": ("The template's name.", "order_sent"),
    "phone_number": ("A phone number in digits.", "385991234501"),
    "agent_id": ("An RCS agent.", "agent-1"),
}
_DESCRIPTION: Final = """\
Telesign's Messaging API (omnichannel), as this gateway serves it. A program written for Telesign works unchanged
but for its base URL and credentials.

Requests are authenticated with `Authorization: Basic <base64 of customer id:API key>`, or with Telesign's Digest:
`Authorization: TSA <customer id>:<signature>`, as its SDKs do by default. Programs should look at `status.code`.

Callbacks are signed with the API key: `X-TS-Authorization` holds the base64 HMAC-SHA256 of the body.
"""
#: HTTP statuses of refusals -> the codes that come with them.
_REFUSALS: Final[dict[int, str]] = {
    400: "The request is wrong.",
    401: "The caller is not known, or may not do this.",
    404: "There is no such thing, or no more.",
    413: "The body is longer than 10 KB.",
    429: "Too many requests, or the account has no channel.",
    503: "The gateway cannot answer now.",
}


@cache
def document() -> dict[str, Any]:
    """The whole document. Do not change what is returned: it is made once."""
    spec = APISpec(
        title="Telesign Messaging on Tyrian",
        version=metadata.version("tyrian"),
        openapi_version="3.1.0",
        info={"description": _DESCRIPTION},
        tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
        security=[{"basic": []}, {"digest": []}],
    )
    _, schemas = msgspec.json.schema_components(_types(), ref_template=_REF)
    for name, schema in sorted(schemas.items()):
        spec.components.schema(name, schema)
    spec.components.security_scheme("basic", {"type": "http", "scheme": "basic"})
    digest = {"type": "apiKey", "in": "header", "name": "Authorization", "description": "TSA <customer id>:<signature>"}
    spec.components.security_scheme("digest", digest)
    for operation in OPERATIONS:
        spec.path(path=operation.path, operations={operation.method.lower(): _operation(operation)})
    made: dict[str, Any] = spec.to_dict()
    made["webhooks"] = {"report": {"post": _webhook()}}
    return made


def _types() -> list[Any]:
    found: list[Any] = [wire.Failure, wire.SendAnswer, wire.Report]
    for operation in OPERATIONS:
        found += [kind for kind in (operation.body, operation.answer) if kind is not None]
    return list(dict.fromkeys(found))


def _schema(kind: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
    return schema


def _json(kind: Any, example: Any) -> dict[str, Any]:
    return {"application/json": {"schema": _schema(kind), "example": example}}


def _operation(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": f"{operation.description}\n\nNeeds the scope `{operation.scope}`.".strip(),
        "responses": _responses(operation),
    }
    parameters = [_path_parameter(name) for name in re.findall(r"\{(\w+)\}", operation.path)]
    parameters += [
        {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in operation.query.items()
    ]
    if parameters:
        made["parameters"] = parameters
    if operation.body is not None:
        named = {name: {"value": value} for name, value in operation.examples.items()}
        content = {operation.media: {"schema": _schema(operation.body), "examples": named}}
        made["requestBody"] = {"required": True, "content": content}
    return made


def _path_parameter(name: str) -> dict[str, Any]:
    text, example = _PARAMETERS[name]
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": text, "schema": schema, "example": example}


def _responses(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if operation.answer is not None:
        made["200"] = {"description": "Done.", "content": _json(operation.answer, operation.example)}
    kind: Any = wire.SendAnswer if operation.envelope is Envelope.SEND else wire.Failure
    for status in sorted({*operation.errors, 401, 413, 429, 503}):
        made[str(status)] = {"description": _REFUSALS[status], "content": _json(kind, _refusal(status, operation))}
    return made


def _refusal(status: int, operation: Operation) -> dict[str, Any]:
    code = next((code for code, http in sorted(codes.HTTP.items()) if http == status), codes.Code.INVALID_REQUEST)
    said: dict[str, Any] = {"status": {"code": int(code), "description": codes.describe(code, "value")}}
    return said | {"external_id": None} if operation.envelope is Envelope.SEND else said


def _webhook() -> dict[str, Any]:
    return {
        "operationId": "report",
        "summary": "What became of a message, brought to your endpoint",
        "description": "When the message was delivered, was read, or failed on its last channel. Any 2xx takes it.",
        "requestBody": {"required": True, "content": _json(wire.Report, examples.REPORT)},
        "responses": {"200": {"description": "Taken."}},
    }
