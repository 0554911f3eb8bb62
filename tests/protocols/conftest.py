"""What the tests of all protocols share."""

from functools import partial

import pytest

from tests.protocols import faces


@pytest.fixture
def ask_all(pytestconfig: pytest.Config) -> "partial[None]":
    """`faces.ask_all`, which asks every request with `--slow`, and a sample without."""
    return partial(faces.ask_all, every=pytestconfig.getoption("--slow"))
