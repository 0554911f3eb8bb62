"""Each case is collected once for every connector that it applies to."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from tyrian.store import embedded
from tyrian.store.embedded import EmbeddedPostgres

pytest.register_assert_rewrite("tests.conformance.house")

from tests.conformance.house import Case, House, house as open_house  # noqa: E402 - its assertions are to be explained
from tests.conformance.subject import Feature, Subject  # noqa: E402
from tests.conformance.subjects import subjects  # noqa: E402

SUBJECTS = subjects()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" not in metafunc.fixturenames:
        return
    rows = getattr(metafunc.function, "rows", None)
    needs: frozenset[Feature] = getattr(metafunc.function, "needs", frozenset())
    able = [subject for subject in SUBJECTS if needs <= subject.features]
    if rows is None:
        metafunc.parametrize("subject", able, ids=str)
        return
    pairs = [(subject, row) for subject in able for row in rows if row.needs <= subject.features]
    ids = [f"{subject}-{row.title.replace(' ', '_')}" for subject, row in pairs]
    metafunc.parametrize(("subject", "row"), pairs, ids=ids)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(postgres: EmbeddedPostgres) -> AsyncIterator[House]:
    """One gateway for all cases: each has a channel of its own in it."""
    admin = await asyncpg.connect(postgres.url.replace(f"/{embedded.NAME}?", "/postgres?"))
    try:
        await admin.execute("CREATE DATABASE conformance TEMPLATE tyrian_template")
        url = postgres.url.replace(f"/{embedded.NAME}?", "/conformance?")
        async with open_house(url, {subject.kind.name: subject.kind for subject in SUBJECTS}) as opened:
            yield opened
        await admin.execute("DROP DATABASE conformance WITH (FORCE)")
    finally:
        await admin.close()


@pytest_asyncio.fixture(loop_scope="session")
async def case(house: House, subject: Subject) -> AsyncIterator[Case]:
    """A network for one subject; its channel is made with the first send, or by `connect`."""
    async with subject.network(house.clock) as network:
        made = Case(house, subject, network)
        yield made
        network.release()
        await made.disconnect()
