"""The OpenAPI 3.1 document, made from the table of operations and the structs that requests are read with."""

import re
from functools import cache
from importlib import metadata
from typing import Any, Final

import msgspec
from apispec import APISpec

from tyrian.protocols.genesys.errors import ErrorBody, OAuthError
from tyrian.protocols.genesys.operation import Operation
from tyrian.protocols.genesys.operations import OPERATIONS

_REF: Final = "#/components/schemas/{name}"
_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_ERRORS: Final = {
    400: "The request breaks a rule, or is no JSON.",
    401: "There is no token, or it is none, or it has expired.",
    403: "A scope, permission, licence or capability is missing.",
    404: "There is none of this id.",
    409: "The state of the conversation does not allow it, or what is changed is at another version by now.",
    413: "The body is too large.",
    429: "The token's rate is used up; `Retry-After` says for how long.",
    503: "The database cannot be reached now.",
}
#: What every operation may answer.
_ALWAYS: Final = (401, 403, 413, 429, 503)
_OPEN: Final = (413, 503)
_DESCRIPTION: Final = """\
Genesys Cloud's Platform API for messaging, served by Tyrian: point an SDK at this host and keep the program. Requests
carry a bearer token of `/oauth/token`. Unknown members are ignored; a body of `null` is no body.
"""


@cache
def document() -> dict[str, Any]:
    """The whole document. Do not change what is returned: it is made once."""
    spec = APISpec(
        title="Tyrian: Genesys Cloud messaging",
        version=metadata.version("tyrian"),
        openapi_version="3.1.0",
        info={"description": _DESCRIPTION, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        tags=[{"name": tag} for tag in dict.fromkeys(operation.tag for operation in OPERATIONS)],
        security=[{"token": []}],
    )
    _, schemas = msgspec.json.schema_components(_types(), ref_template=_REF)
    for name, schema in sorted(schemas.items()):
        spec.components.schema(name, schema)
    flow = {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}}}
    spec.components.security_scheme("token", {"type": "oauth2", "flows": flow})
    for operation in OPERATIONS:
        spec.path(path=operation.path, operations={operation.method.lower(): _operation(operation)})
    made: dict[str, Any] = spec.to_dict()
    return made


def _types() -> list[Any]:
    found: list[Any] = [ErrorBody, OAuthError]
    for operation in OPERATIONS:
        found += [kind for kind in (operation.body, operation.answer) if kind not in (None, bytes)]
    return list({str(kind): kind for kind in found}.values())


def _schema(kind: Any) -> dict[str, Any]:
    if kind is bytes:
        return {"type": "string", "format": "binary"}
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
    return schema


def _operation(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": _rights(operation),
        "security": [] if operation.open else [{"token": []}],
        "responses": _responses(operation),
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 128}}
        for name in re.findall(r"\{(\w+)\}", operation.path)
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


def _rights(operation: Operation) -> str:
    if operation.open:
        return "Needs no token."
    said = [f"Scope: `{operation.scope}`."] if operation.scope else ["Any token will do."]
    if operation.every:
        said.append("Permissions: " + ", ".join(f"`{name}`" for name in operation.every) + ".")
    if operation.some:
        said.append("One of the permissions: " + ", ".join(f"`{name}`" for name in operation.some) + ".")
    return " ".join(said)


def _body(operation: Operation) -> dict[str, Any]:
    if operation.body is bytes:
        return {"*/*": {"schema": _schema(bytes)}}
    media = _FORM if operation.path == "/oauth/token" else _JSON
    body: dict[str, Any] = {"schema": _schema(operation.body)}
    if operation.example is not None:
        body["example"] = operation.example
    return {media: body}


def _responses(operation: Operation) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": operation.summary}
    if operation.answer is bytes:
        answer["content"] = {"*/*": {"schema": _schema(bytes)}}
    elif operation.answer is not None:
        content: dict[str, Any] = {"schema": _schema(operation.answer)}
        if operation.answered is not None:
            content["example"] = operation.answered
        answer["content"] = {_JSON: content}
    made = {str(operation.status): answer}
    if operation.path == "/oauth/token":
        made |= {
            str(status): {"description": words, "content": {_JSON: {"schema": _schema(OAuthError)}}}
            for status, words in ((400, "The client or the grant is not known."), (401, "The secret is wrong."))
        }
    for status in sorted({*(_OPEN if operation.open else _ALWAYS), *operation.errors} - {int(s) for s in made}):
        made[str(status)] = {"description": _ERRORS[status], "content": {_JSON: {"schema": _schema(ErrorBody)}}}
    return made
