"""Requests made up from the face's own description, right ones and wrong ones: no 5xx, and no answer outside it."""

import asyncio
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

from tests.protocols.tyntec.conftest import Api, serving
from tyrian.protocols.tyntec import openapi

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
schema = schemathesis.openapi.from_dict(openapi.document())


@pytest.fixture(scope="module")
def live(module_database_url: str) -> Iterator[Api]:
    """A gateway in a thread of its own: these tests wait for its answers without a loop."""
    loop = asyncio.new_event_loop()
    found: list[Api] = []
    ready, over = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with serving(module_database_url) as served:
            found.append(await served.account())
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
@settings(max_examples=5, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_asked(case: Any, live: Api) -> None:
    response = case.call(base_url=live.url, headers={"apikey": live.key})
    case.validate_response(response, checks=CHECKS)
