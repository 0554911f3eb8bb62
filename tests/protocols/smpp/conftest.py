import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import settings

from tests.protocols.smpp.world import PASSWORD, SCALE, SYSTEM_ID, Phones, Sink, World
from tyrian.engine.clock import ScaledClock
from tyrian.simulator.smsc import Smsc

# Nothing is decided by how fast a machine is.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock, phones = ScaledClock(SCALE), Phones()
    smsc = Smsc(phones, clock, system_id=SYSTEM_ID, password=PASSWORD)
    made = World(smsc, phones, await smsc.start(), Sink(), clock)
    yield made
    made.phones.gate.set()
    made.sink.gate.set()
    await asyncio.gather(*(connector.close() for connector in made.connectors))
    await smsc.stop()
