"""Requests made up from the face's own description, right ones and wrong ones: no 5xx, and no answer outside it."""

import asyncio
import copy
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.protocols.infobip.conftest import Api, serving
from tyrian.engine.channel_spec import ChannelSpec
from tyrian.protocols.infobip import openapi

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


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
    loop = asyncio.new_event_loop()
    found: list[Api] = []
    ready, over = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with serving(module_database_url) as served:
            specs = (("demo-viber", "viber"), ("demo-bot", "viber_bot"), ("demo-sms", "sms"))
            found.append(await served.account(*(ChannelSpec(name=name, kind=kind) for name, kind in specs)))
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(60)
    yield found[0]
    loop.call_soon_threadsafe(over.set)
    thread.join(30)
    loop.close()


@schema.parametrize()
@settings(max_examples=3, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_nothing_that_is_asked_breaks_the_face(case: "schemathesis.Case[Any]", live: Api) -> None:
    case.call_and_validate(base_url=live.url, headers={"Authorization": live.authorization}, checks=CHECKS)
