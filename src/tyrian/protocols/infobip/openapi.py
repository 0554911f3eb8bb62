"""The face's OpenAPI 3.1 document, made from the table of operations and the structs that requests are read with."""

import re
from functools import cache
from importlib import metadata
from typing import Any, Final

import msgspec
from apispec import APISpec

from tyrian.protocols.infobip import examples, wire
from tyrian.protocols.infobip.clicks import ClickReport
from tyrian.protocols.infobip.errors import WORDS, ApiErrorBody, ApiExceptionBody, Envelope, example
from tyrian.protocols.infobip.inbound_wire import InboundMessages
from tyrian.protocols.infobip.messages_reports import Reports
from tyrian.protocols.infobip.operation import SCOPES, Operation
from tyrian.protocols.infobip.operations import OPERATIONS

_REF: Final = "#/components/schemas/{name}"
_BODIES: Final = {Envelope.FLAT: ApiErrorBody, Envelope.NESTED: ApiExceptionBody}
_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_DESCRIPTION: Final = """\
Infobip's Viber APIs, answered by Tyrian: programs written for Infobip work with another base URL and key.

`Authorization` takes `App <key>`, `Basic <user:password>`, `IBSSO <token>` and `Bearer <token>`. Members that are not
known are ignored. Times are written `2026-12-01T10:00:00.000+0000`. What is wrong with one destination is its status
within a 200; what is wrong with a request is a 400.
"""
_SCHEMES: Final[dict[str, dict[str, Any]]] = {
    "APIKeyHeader": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`App <key>`"},
    "Basic": {"type": "http", "scheme": "basic"},
    "IBSSOTokenHeader": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`IBSSO <token>`"},
    "OAuth2": {
        "type": "oauth2",
        "flows": {"clientCredentials": {"tokenUrl": "/auth/1/oauth2/token", "scopes": {}}},
    },
}


@cache
def document() -> dict[str, Any]:
    """The whole document. Do not change what is returned: it is made once."""
    tags = list(dict.fromkeys(operation.tag for operation in OPERATIONS))
    spec = APISpec(
        title="Tyrian: Infobip's Viber APIs",
        version=metadata.version("tyrian"),
        openapi_version="3.1.0",
        info={"description": _DESCRIPTION},
        tags=[{"name": tag} for tag in tags],
    )
    _, schemas = msgspec.json.schema_components(_types(), ref_template=_REF)
    for name, schema in sorted(schemas.items()):
        spec.components.schema(name, schema)
    for name, scheme in _SCHEMES.items():
        spec.components.security_scheme(name, scheme)
    for operation in OPERATIONS:
        spec.path(path=operation.path, operations={operation.method.lower(): _operation(operation)})
    made: dict[str, Any] = spec.to_dict()
    made["webhooks"] = {
        "deliveryReport": {"post": _webhook("A delivery report", wire.DeliveryReports, examples.REPORTS)},
        "seenReport": {"post": _webhook("A seen report", wire.SeenReports, examples.SEEN)},
        "inboundMessage": {"post": _webhook("A person's message", InboundMessages, examples.INBOUND)},
        "clickReport": {"post": _webhook("A click on a tracked link", ClickReport, examples.CLICK)},
        "messagesApiReport": {"post": _webhook("A report of the Messages API", Reports, examples.MESSAGES_REPORT)},
    }
    return made


def _types() -> list[Any]:
    found: list[Any] = [
        *_BODIES.values(),
        wire.DeliveryReports,
        wire.SeenReports,
        InboundMessages,
        ClickReport,
        Reports,
    ]
    for operation in OPERATIONS:
        found += [operation.body] if operation.body is not None else []
        found += [answer.type for answer in operation.answers if answer.type is not None]
    return list(dict.fromkeys(found))


def _schema(kind: Any) -> dict[str, Any]:
    schema: dict[str, Any] = msgspec.json.schema_components([kind], ref_template=_REF)[0][0]
    return schema


def _operation(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": " ".join(part for part in (operation.description, _needs(operation)) if part),
        "security": [] if operation.public else [{name: []} for name in _SCHEMES],
        "responses": {**_errors(operation), **_answers(operation)},
    }
    if operation.deprecated:
        made["deprecated"] = True
    parameters = [*_path_parameters(operation), *_query_parameters(operation)]
    if parameters:
        made["parameters"] = parameters
    if operation.body is not None:
        named = {name: {"value": value} for name, value in operation.examples.items()}
        content = {"schema": _schema(operation.body), **({"examples": named} if named else {})}
        made["requestBody"] = {"required": True, "content": dict.fromkeys(operation.media, content)}
    return made


def _needs(operation: Operation) -> str:
    if not operation.scopes:
        return ""
    own = dict.fromkeys(SCOPES[scope] for scope in operation.scopes)
    theirs = ", ".join(f"`{scope}`" for scope in operation.scopes)
    return f"Needs one of {theirs}; of a key of Tyrian's: {' or '.join(f'`{scope}`' for scope in own)}."


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PARAMETER.findall(operation.path)
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    _, schemas = msgspec.json.schema_components([operation.query])
    found = schemas[operation.query.__name__]
    required = found.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(schema)}
        for name, schema in found["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is there or not; it is never null."""
    if "anyOf" in schema:
        (only,) = [option for option in schema["anyOf"] if option.get("type") != "null"]
        schema = {**only, **{k: v for k, v in schema.items() if k not in ("anyOf", "default")}}
    if None in schema.get("enum", ()):
        schema = {**schema, "enum": [value for value in schema["enum"] if value is not None]}
    return {k: v for k, v in schema.items() if k != "default" or v is not None}


def _answers(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for answer in operation.answers:
        about: dict[str, Any] = {"description": answer.description}
        if answer.type is not None:
            shown = {} if answer.example is None else {"example": answer.example}
            about["content"] = {"application/json": {"schema": _schema(answer.type), **shown}}
        made[str(answer.status)] = about
    return made


def statuses_of(operation: Operation) -> list[int]:
    """The statuses of errors that an operation may answer with."""
    common = {400, 413, 429, 503, *operation.errors}
    if not operation.public:
        common |= {401, 403}
    return sorted(common | ({415} if operation.body is not None else set()))


def _errors(operation: Operation) -> dict[str, Any]:
    schema = _schema(_BODIES[operation.envelope])
    return {
        str(status): {
            "description": WORDS[status].description,
            "content": {"application/json": {"schema": schema, "example": example(status, operation.envelope)}},
        }
        for status in statuses_of(operation)
    }


def _webhook(summary: str, kind: Any, shown: Any) -> dict[str, Any]:
    return {
        "summary": summary,
        "description": "Any 2xx answer takes it; anything else, or none, and it is brought again later.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _schema(kind), "example": shown}},
        },
        "responses": {"200": {"description": "Taken."}},
    }
