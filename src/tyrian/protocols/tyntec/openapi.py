"""The OpenAPI 3.1 document, made from the table of operations and the structs that requests are read with."""

import re
from functools import cache
from importlib import metadata
from typing import Any, Final

import msgspec
from apispec import APISpec

from tyrian.protocols.tyntec import wire
from tyrian.protocols.tyntec.errors import JSON, PROBLEM
from tyrian.protocols.tyntec.operation import Operation
from tyrian.protocols.tyntec.operations import OPERATIONS
from tyrian.protocols.tyntec.wire import V3

_REF: Final = "#/components/schemas/{name}"
_UUID: Final = {"type": "string", "format": "uuid"}
_NAMES: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "messageId": (_UUID, "The message's id."),
    "mediaId": (_UUID, "The upload's id."),
    "serviceId": ({"type": "string", "minLength": 1, "maxLength": 128}, "The Viber service id."),
}
_ERRORS: Final = {
    400: "The request breaks a rule, or is no JSON.",
    401: "There is no key.",
    403: "The key is wrong or may not do this, or the sender is another account's.",
    404: "There is none of this id.",
    413: "The body is too large.",
    429: "The key's rate is used up.",
    503: "The database cannot be reached now.",
}
#: What every operation may answer.
_ALWAYS: Final = (401, 403, 429, 503)
_DESCRIPTION: Final = """\
tyntec's Conversations API for Viber Business and SMS, served by Tyrian: point a program's base URL here and keep the
program. Requests carry the header `apikey`. Paths may end in a slash; unknown members are ignored.
"""


@cache
def document() -> dict[str, Any]:
    """The whole document. Do not change what is returned: it is made once."""
    spec = APISpec(
        title="Tyrian: tyntec Conversations",
        version=metadata.version("tyrian"),
        openapi_version="3.1.0",
        info={"description": _DESCRIPTION, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        tags=[{"name": tag} for tag in dict.fromkeys(operation.tag for operation in OPERATIONS)],
        security=[{"key": []}],
    )
    _, schemas = msgspec.json.schema_components(_types(), ref_template=_REF)
    for name, schema in sorted(schemas.items()):
        spec.components.schema(name, schema)
    spec.components.security_scheme("key", {"type": "apiKey", "in": "header", "name": wire.API_KEY})
    for operation in OPERATIONS:
        for number, path in enumerate(operation.paths):
            if path.startswith(f"{V3}{{"):
                continue  # No OpenAPI path can hold a name without a slash before it.
            spec.path(path=path, operations={operation.method.lower(): _operation(operation, path, number)})
    made: dict[str, Any] = spec.to_dict()
    made["webhooks"] = {
        "status": {"post": _webhook("status", "What became of a message", wire.StatusCallback)},
        "inbound": {"post": _webhook("inbound", "What a person wrote", wire.MoMessage)},
    }
    return made


def _types() -> list[Any]:
    found: list[Any] = [wire.Problem, wire.GatewayError, wire.StatusCallback, wire.MoMessage]
    for operation in OPERATIONS:
        found += [kind for kind in (operation.body, operation.answer) if kind not in (None, bytes)]
    return list({str(kind): kind for kind in found}.values())


def _schema(kind: Any) -> dict[str, Any]:
    if kind is bytes:
        return {"type": "string", "format": "binary"}
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
    return schema


def _operation(operation: Operation, path: str, number: int) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.name if number == 0 else f"{operation.name}{number + 1}",
        "tags": [operation.tag],
        "summary": operation.summary,
        "security": [{"key": []}],
        "responses": _responses(operation),
    }
    names = re.findall(r"\{(\w+)\}", path)
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _NAMES[name][0], "description": _NAMES[name][1]}
        for name in names
    ]
    parameters += [
        {"name": name, "in": "query", "required": False, "schema": {"type": kind}, "description": about}
        for name, (kind, about) in operation.query.items()
    ]
    if parameters:
        made["parameters"] = parameters
    if operation.body is not None:
        made["requestBody"] = {"required": True, "content": _body(operation)}
    return made


def _body(operation: Operation) -> dict[str, Any]:
    if operation.body is bytes:
        return {"*/*": {"schema": _schema(bytes)}}
    return {"application/json": {"schema": _schema(operation.body), "example": operation.example}}


def _responses(operation: Operation) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": operation.summary}
    if operation.answer is bytes:
        answer["content"] = {"*/*": {"schema": _schema(bytes)}}
    elif operation.answer is not None:
        content = {"schema": _schema(operation.answer), "example": operation.answered}
        answer["content"] = {"application/json": content}
    made = {str(operation.status): answer}
    for status in sorted({*_ALWAYS, *operation.errors}):
        media = [JSON] if status in (401, 429) else [PROBLEM, JSON] if status == 403 else [PROBLEM]
        schemas = {PROBLEM: _schema(wire.Problem), JSON: _schema(wire.GatewayError)}
        made[str(status)] = {
            "description": _ERRORS[status],
            "content": {kind: {"schema": schemas[kind]} for kind in media},
        }
    return made


def _webhook(name: str, summary: str, kind: Any) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/json": {"schema": _schema(kind)}}},
        "responses": {"200": {"description": "Taken. So is any other 2xx."}},
    }
