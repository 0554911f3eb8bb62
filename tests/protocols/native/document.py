"""The API's description, and how to hold things against it."""

from typing import Any

import jsonschema_rs

from tyrian.protocols.native import openapi
from tyrian.protocols.native.operation import Operation
from tyrian.protocols.native.operations import OPERATIONS

DOCUMENT = openapi.document()
WITH_EXAMPLES = [(o, name) for o in OPERATIONS for name in o.examples]


def described(operation: Operation) -> dict[str, Any]:
    """The operation in the document."""
    found: dict[str, Any] = DOCUMENT["paths"][operation.path][operation.method.lower()]
    return found


def fits(value: Any, schema: dict[str, Any]) -> list[str]:
    """What is wrong with a value by a schema of the document."""
    validator = jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]


def answer_schema(operation: Operation, status: int) -> dict[str, Any]:
    (media,) = described(operation)["responses"][str(status)]["content"].values()
    found: dict[str, Any] = media["schema"]
    return found
