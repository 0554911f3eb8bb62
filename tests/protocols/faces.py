"""What the tests of every face need: requests and their answers, and a gateway for tests that have no loop."""

import asyncio
import io
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import aiohttp
import msgspec
import requests
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.errors import InvalidSchema
from schemathesis.core.result import Ok, Result
from schemathesis.pytest.lazy import get_all_tests
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

#: What an answer to a made-up request is held to.
CHECKS: Final[list[Any]] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
#: How many requests of an operation are asked of those that go through its body.
SAMPLE: Final = 200
T = TypeVar("T")
A = TypeVar("A", bound="Answer")


@dataclass
class Answer:
    """One HTTP answer, read. A face adds what its own answers say."""

    status: int
    headers: Any
    raw: bytes

    @property
    def text(self) -> str:
        return self.raw.decode()

    @property
    def body(self) -> Any:
        """Its JSON; None without a body."""
        return msgspec.json.decode(self.raw) if self.raw else None


async def ask(
    http: aiohttp.ClientSession,
    kind: type[A],
    method: str,
    url: str,
    body: Any = None,
    *,
    headers: Mapping[str, str | None],
    **more: Any,
) -> A:
    """One request. Bytes go out as they are, anything else as JSON; a header that is None is left out."""
    if body is not None:
        more["data"] = io.BytesIO(body if isinstance(body, bytes) else msgspec.json.encode(body))
    sent = {name: value for name, value in headers.items() if value is not None}
    async with http.request(method, url, headers=sent, **more) as response:
        return kind(response.status, response.headers, await response.read())


def operations(schema: BaseSchema) -> list[str]:
    """The operations that a document describes, as in `GET /path`."""
    return [_sound(found).label for found in schema.get_all_operations()]


def ask_all(
    schema: BaseSchema, operation: str, url: str, headers: Mapping[str, str], *, examples: int, every: bool = False
) -> None:
    """Makes up requests of one operation, and has each asked and its answer judged by `CHECKS`.

    `examples` of them are left to chance. The others go through the body member by member, up to thousands: `SAMPLE` of
    them are asked, other ones in each run, unless it is to be `every` one.

    `schema.parametrize()` makes them up while tests are collected, which each process does for all of them: it takes
    longer than to ask them.
    """
    calm = settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    with requests.Session() as session:
        session.trust_env = False
        session.headers.clear()  # They would stand in for those that are made up.

        def judge(case: Any) -> None:
            case.call_and_validate(base_url=url, session=session, headers=headers, checks=CHECKS)

        only = schema.include(name=operation)
        for made in get_all_tests(schema=only, test_func=judge, settings=calm, given_kwargs={}):
            _, test = _sound(made)
            if not every:
                _thin(getattr(test, "hypothesis_explicit_examples", []))
            test()


def _thin(examples: list[Any]) -> None:
    """Leaves `SAMPLE` of them, or nearly, as evenly as they come."""
    step = -(-len(examples) // SAMPLE) or 1
    examples[:] = examples[random.randrange(step) :: step]


def _sound(result: Result[T, InvalidSchema]) -> T:
    """What was made of a part of a document. Raises what is wrong with it."""
    if isinstance(result, Ok):
        return result.ok()
    raise result.err()


@contextmanager
def in_a_thread(opening: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[T]:
    """What is opened, in a thread with a loop of its own: for tests that wait for answers without one."""
    loop = asyncio.new_event_loop()
    found: list[T] = []
    ready, over = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with opening() as opened:
            found.append(opened)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(60), "it did not open"
        yield found[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(30)
        loop.close()
