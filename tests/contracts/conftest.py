"""One running demo for all contracts, and a customer's server for each test."""

from collections.abc import Iterator

import pytest

from tests.contracts.running import Demo, Receiver, Server


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`tyrian demo --time-scale 60`, for as long as its tests run: even idle it takes a third of a processor."""
    with Demo(tmp_path_factory.mktemp("contracts")) as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A web server that notes what is posted to it."""
    with Server() as running:
        yield running
