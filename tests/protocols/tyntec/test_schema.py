"""Requests made up from the face's own description, right ones and wrong ones: no 5xx, and no answer outside it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
import schemathesis

from tests.protocols.faces import in_a_thread, operations
from tests.protocols.tyntec.conftest import Api, serving
from tyrian.protocols.tyntec import openapi

schema = schemathesis.openapi.from_dict(openapi.document())


@pytest.fixture(scope="module")
def live(module_database_url: str) -> Iterator[Api]:
    """A gateway in a thread of its own: these tests wait for its answers without a loop."""

    @asynccontextmanager
    async def opening() -> AsyncIterator[Api]:
        async with serving(module_database_url) as served:
            yield await served.account()

    with in_a_thread(opening) as opened:
        yield opened


@pytest.mark.parametrize("operation", operations(schema))
def test_whatever_is_asked(operation: str, live: Api, ask_all: Callable[..., None]) -> None:
    ask_all(schema, operation, live.url, {"apikey": live.key}, examples=5)
