"""Requests made up from the API's own description, right ones and wrong ones: no 5xx, and no answer outside it."""

import copy
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import schemathesis

from tests.protocols.faces import in_a_thread, operations
from tests.protocols.native.conftest import Api, serving
from tyrian.protocols.native import openapi


def slim() -> dict[str, Any]:
    """The document with two kinds of content of the thirteen, without keyboards: the rest takes minutes to make up.

    What is wrong inside a content is found by the same code as everything else, and `test_body` makes that up.
    """
    document = copy.deepcopy(openapi.document())
    schemas = document["components"]["schemas"]
    for holder in ("Step", "SendInConversation", "PreparedRequest", "OptIn", "Say", "Ask", "End"):
        schemas[holder]["properties"]["content"] = {
            "anyOf": [{"$ref": f"#/components/schemas/{n}"} for n in ("Text", "Image")]
        }
    for name in ("Text", "Image"):
        for member in ("keyboard", "sender", "min_api_version", "tracking_data"):
            schemas[name]["properties"].pop(member)
    return document


@schemathesis.serializer("application/x-ndjson")
def ndjson(_context: schemathesis.SerializationContext, value: Any) -> bytes:
    """Lines as they stand."""
    return str(value).encode("utf-8", "replace")


# A stream without an end has a test of its own.
schema = schemathesis.openapi.from_dict(slim()).exclude(path="/api/v1/inbox/events")


@pytest.fixture(scope="module")
def live(module_database_url: str) -> Iterator[Api]:
    """A gateway in a thread of its own: these tests wait for its answers without a loop."""

    @asynccontextmanager
    async def opening() -> AsyncIterator[Api]:
        async with serving(module_database_url) as served:
            yield await served.account("demo-viber", "demo-sms", "demo-bot")

    with in_a_thread(opening) as opened:
        yield opened


@pytest.mark.parametrize("operation", operations(schema))
def test_nothing_that_is_asked_breaks_the_api(operation: str, live: Api, ask_all: Callable[..., None]) -> None:
    ask_all(schema, operation, live.url, {"Authorization": f"Bearer {live.key}"}, examples=6)
