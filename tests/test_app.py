"""Opening and closing a gateway as the application wires it."""

import asyncio
import logging
from pathlib import Path

import pytest

from tyrian.app import open_gateway
from tyrian.engine.clock import WallClock
from tyrian.settings import Settings


@pytest.mark.parametrize("started", [False, True])
async def test_a_gateway_that_is_stopped_leaves_nothing_running(
    database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, started: bool
) -> None:
    before = asyncio.all_tasks()
    gateway = await open_gateway(database_url, Settings(data_dir=tmp_path, secret_key="k" * 40), WallClock())
    if started:
        await gateway.start()
    with caplog.at_level(logging.WARNING):
        await gateway.stop()
        assert asyncio.all_tasks() == before
    assert not caplog.records
