"""Requests made up from the face's own description, right ones and wrong ones: no 5xx, and no answer outside it."""

import copy
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import schemathesis

from tests.protocols.faces import in_a_thread, operations
from tests.protocols.infobip.conftest import Api, serving
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.protocols.infobip import openapi


def slim() -> dict[str, Any]:
    """The document with two kinds of content for each product, without keyboards."""
    document = copy.deepcopy(openapi.document())
    schemas = document["components"]["schemas"]
    for message, kinds in (
        ("BotMessage", ("BotText", "BotLocation")),
        ("BusinessMessage", ("BusinessText", "BusinessList")),
    ):
        schemas[message]["properties"]["content"] = {
            "anyOf": [{"$ref": f"#/components/schemas/{kind}"} for kind in kinds]
        }
    for kind in ("BotText", "BotLocation"):
        for member in ("keyboard", "senderDisplayInfo"):
            schemas[kind]["properties"].pop(member)
    return document


@schemathesis.serializer("application/x-www-form-urlencoded")
def form(_context: schemathesis.SerializationContext, value: Any) -> bytes:
    """A form as it stands."""
    return str(value).encode("utf-8", "replace")


schema = schemathesis.openapi.from_dict(slim())


@pytest.fixture(scope="module")
def live(module_database_url: str) -> Iterator[Api]:
    """A gateway in a thread of its own: these tests wait for its answers without a loop."""

    @asynccontextmanager
    async def opening() -> AsyncIterator[Api]:
        async with serving(module_database_url) as served:
            specs = (("demo-viber", "viber"), ("demo-bot", "viber_bot"), ("demo-sms", "sms"))
            yield await served.account(*(ChannelSpec(name=name, kind=kind) for name, kind in specs))

    with in_a_thread(opening) as opened:
        yield opened


@pytest.mark.parametrize("operation", operations(schema))
def test_nothing_that_is_asked_breaks_the_face(operation: str, live: Api, ask_all: Callable[..., None]) -> None:
    ask_all(schema, operation, live.url, {"Authorization": live.authorization}, examples=3)
