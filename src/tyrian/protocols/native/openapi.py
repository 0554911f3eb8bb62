"""The API's OpenAPI 3.1 document, made from the table of operations and the structs that requests are read with."""

from collections.abc import Iterable
from functools import cache
from importlib import metadata
from typing import Any, Final

import msgspec
from apispec import APISpec

from tyrian.engine.keys import SCOPES
from tyrian.protocols.native import examples
from tyrian.protocols.native.consent_operations import SUPPRESSION
from tyrian.protocols.native.errors import CONTENT_TYPE, KINDS, ErrorBody
from tyrian.protocols.native.inbox_operations import CONVERSATION
from tyrian.protocols.native.operation import Answer, Operation
from tyrian.protocols.native.operations import OPERATIONS
from tyrian.protocols.native.people_operations import CONTACT
from tyrian.protocols.native.reports import CallbackBody

_REF: Final = "#/components/schemas/{name}"
_UUID: Final = {"type": "string", "format": "uuid"}
_BYTES: Final = {
    "type": "string",
    "format": "binary",
    "description": "The file as it is, under its own Content-Type or under application/octet-stream.",
}

#: How a body that is lines of text is read, by its type.
_LINE: Final = "One JSON object to a line."
_LINES: Final = {"text/csv": "Rows of cells with commas between; the first line names the columns."}

#: What `{id}` in a path is, by the thing that it identifies.
_IDS: Final[dict[str, tuple[dict[str, Any], str, Any]]] = {
    "message": (_UUID, "The message's id.", examples.SUMMARY["id"]),
    "bulk": (_UUID, "The bulk's id.", examples.BULK["id"]),
    "callback": ({"type": "integer", "minimum": 1}, "The callback's number.", 1207),
    "key": (_UUID, "The key's id.", examples.SUMMARY["id"]),
    "channel": ({"type": "string", "minLength": 1, "maxLength": 64}, "The channel's name.", "demo-viber"),
    "file": (_UUID, "The file's id.", examples.SUMMARY["id"]),
    "flow": ({"type": "string", "minLength": 1, "maxLength": 64}, "The flow's name.", "shop"),
    "flow run": (_UUID, "The run's id.", examples.SUMMARY["id"]),
    "inbound message": (_UUID, "The inbound message's id.", examples.SUMMARY["id"]),
    "suppression": (_UUID, "The suppression's id.", SUPPRESSION["id"]),
    "contact": (_UUID, "The contact's id.", CONTACT["id"]),
    "conversation": (_UUID, "The conversation's id.", CONVERSATION["id"]),
    "prepared answer": (_UUID, "The prepared answer's id.", CONVERSATION["id"]),
    "agent": ({"type": "string", "minLength": 1, "maxLength": 100}, "The agent's id or name.", "Mia"),
    "queue": ({"type": "string", "minLength": 1, "maxLength": 100}, "The queue's id or name.", "support"),
    "account": ({"type": "string", "minLength": 1, "maxLength": 64}, "The account's name.", "demo"),
}
_TAGS: Final = {
    "Messages": "Send messages, one or many, and follow what becomes of them.",
    "Bulks": "Many messages as a whole: add to them, pace, pause, reschedule, cancel, retry.",
    "Channels": "The configured senders on the networks.",
    "Capabilities": "What channels can carry, limits included.",
    "Inbound": "What people sent.",
    "Media": "Files that the gateway hosts: pictures, films, documents; what they are, and making them fit.",
    "Contacts": "People, with all their addresses.",
    "Inbox": "Conversations with people, and those who answer them.",
    "Sessions": "The time after a person's last message, in which session content may go to them.",
    "Flows": "Dialogues that answer people by themselves, in versions, and where each person stands in them.",
    "Consent": "What people agreed to, and the rules by which they are written to.",
    "Suppressions": "Addresses that nobody of the account writes to.",
    "Callbacks": "Reports that your endpoint did not take, and the secrets that sign them.",
    "Keys": "Credentials and their scopes.",
    "Accounts": "The tenants of this gateway.",
}
_DESCRIPTION: Final = """\
Send messages over Viber with a fallback to SMS or any other channel, and follow each to its outcome.

Requests carry `Authorization: Bearer <key>`. Times are RFC 3339 in UTC with milliseconds; durations are whole seconds.
Unknown fields are refused. An error is a problem document (RFC 9457) whose `problems` name every mistake of the request
at once, each with its JSON pointer.

Callbacks are signed as Standard Webhooks describes: headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.
"""


@cache
def document() -> dict[str, Any]:
    """The whole document. Do not change what is returned: it is made once."""
    spec = APISpec(
        title="Tyrian",
        version=metadata.version("tyrian"),
        openapi_version="3.1.0",
        info={"description": _DESCRIPTION, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        tags=[{"name": tag, "description": text} for tag, text in _TAGS.items() if _used(tag)],
        security=[{"key": []}],
    )
    _, schemas = msgspec.json.schema_components(_types(), ref_template=_REF)
    for name, schema in sorted(schemas.items()):
        spec.components.schema(name, schema)
    scheme = {"type": "http", "scheme": "bearer", "description": "A native key. " + _scopes()}
    spec.components.security_scheme("key", scheme)
    for operation in OPERATIONS:
        spec.path(path=operation.path, operations={operation.method.lower(): _operation(operation)})
    made: dict[str, Any] = spec.to_dict()
    made["webhooks"] = {"report": {"post": _webhook()}}
    return made


def _used(tag: str) -> bool:
    return any(operation.tag == tag for operation in OPERATIONS)


def _scopes() -> str:
    return "Scopes: " + " ".join(f"`{name}`: {text}" for name, text in SCOPES.items())


def _types() -> list[Any]:
    """Every type that stands in a body, request or answer."""
    found: list[Any] = [ErrorBody, CallbackBody]
    for operation in OPERATIONS:
        found += _several(operation.body)
        for answer in operation.answers:
            found += _several(answer.type)
    return list(dict.fromkeys(found))


def _several(kind: Any) -> list[Any]:
    if kind is None:
        return []
    return list(kind) if isinstance(kind, tuple) else [kind]


def _schema(kind: Any) -> dict[str, Any]:
    kinds = _several(kind)
    schemas = [msgspec.json.schema_components([k], ref_template=_REF)[0][0] for k in kinds]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _operation(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": f"{operation.description}\n\n{_needs(operation.scope)}",
        "security": [{"key": []}],
        "responses": {**_answers(operation.answers), **_errors(operation)},
    }
    parameters = [*_path_parameters(operation), *_query_parameters(operation), *_headers(operation)]
    if parameters:
        made["parameters"] = parameters
    if operation.streams:
        made["requestBody"] = {"required": True, "content": {"application/octet-stream": {"schema": _BYTES}}}
    elif operation.body is not None:
        made["requestBody"] = {"required": True, "content": _content(operation)}
    return made


def _needs(scope: str) -> str:
    return f"Needs the scope `{scope}`." if scope else "Needs no scope."


def _content(operation: Operation) -> dict[str, Any]:
    named = {name: {"value": value} for name, value in operation.examples.items()}
    content: dict[str, Any] = {
        media: {"schema": _schema(operation.body), **({"examples": named} if named else {})}
        for media in operation.media
        if media.endswith("/json")
    }
    for media in operation.media:
        if media not in content:
            content[media] = {"schema": {"type": "string", "description": _LINES.get(media, _LINE)}}
    return content


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    if "{id}" not in operation.path:
        return []
    schema, description, example = _IDS[operation.identifies]
    about = {"name": "id", "in": "path", "required": True, "description": description}
    return [{**about, "schema": schema, "example": example}]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    _, schemas = msgspec.json.schema_components([operation.query])
    properties = schemas[operation.query.__name__]["properties"]
    return [_query_parameter(name, _without_null(schema)) for name, schema in properties.items()]


def _query_parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    about = {"name": name, "in": "query", "required": False, "description": schema.pop("description", "")}
    return {**about, "schema": schema}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is there or not; it is never null."""
    if "anyOf" in schema:
        (only,) = [option for option in schema["anyOf"] if option.get("type") != "null"]
        schema = {**only, **{k: v for k, v in schema.items() if k not in ("anyOf", "default")}}
    enum = schema.get("enum")
    if enum and None in enum:
        schema = {**schema, "enum": [value for value in enum if value is not None]}
    if schema.get("default", 0) is None:
        schema = {k: v for k, v in schema.items() if k != "default"}
    return dict(schema)


def _headers(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": header.name,
            "in": "header",
            "required": False,
            "description": header.description,
            "schema": header.schema,
            "example": header.example,
        }
        for header in operation.headers
    ]


def _answers(answers: Iterable[Answer]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for answer in answers:
        about: dict[str, Any] = {"description": answer.description}
        if answer.type is not None:
            content = {"schema": _schema(answer.type)}
            about["content"] = {answer.media: {**content, "example": answer.example}}
        made[str(answer.status)] = about
    return made


def _errors(operation: Operation) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for name in kinds_of(operation):
        by_status.setdefault(KINDS[name].status, []).append(name)
    return {str(status): _error(names) for status, names in sorted(by_status.items())}


def kinds_of(operation: Operation) -> list[str]:
    """The kinds of problems that an operation may answer with."""
    kinds = ["unauthorized", "forbidden", "invalid-request", "rate-limited", "unavailable", *operation.errors]
    if "{id}" in operation.path:
        kinds.append("not-found")
    if operation.method not in ("GET", "HEAD"):
        kinds.append("too-large")
    if operation.body is not None:
        kinds += ["malformed-json", "unsupported-media-type"]
    return kinds


def _error(names: list[str]) -> dict[str, Any]:
    kinds = [KINDS[name] for name in names]
    example = {
        "type": f"/api/docs#{kinds[0].name}",
        "title": kinds[0].title,
        "status": kinds[0].status,
        "detail": kinds[0].help,
        "problems": [],
    }
    content = {CONTENT_TYPE: {"schema": _schema(ErrorBody), "example": example}}
    return {"description": " ".join(f"{kind.title}. {kind.help}" for kind in kinds), "content": content}


def _webhook() -> dict[str, Any]:
    return {
        "operationId": "report",
        "summary": "A report or an inbound message, brought to your endpoint",
        "description": (
            "Any 2xx answer takes it; anything else, or none within the time allowed, and it is brought again "
            "later. One message's reports come in order, each at least once: `id` tells a repeat."
        ),
        "requestBody": {"required": True, "content": {"application/json": {"schema": _schema(CallbackBody)}}},
        "responses": {"200": {"description": "Taken."}},
    }
