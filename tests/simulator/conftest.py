"""A started world for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.simulator.serving import Rig, rig as make_rig


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with make_rig() as made:
        yield made
