"""The benchmark as a whole: scenarios end to end, as `python -m bench` runs them."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from bench import __main__ as command
from bench.figures import Figure
from bench.scenarios import SCENARIOS
from bench.world import Options, World

TINY = Options(quick=True, rounds=1, seconds=0.3, connections=4)


async def test_a_life_is_measured_beside_its_limit_and_a_failure_stops_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(_: World) -> list[Figure]:
        raise RuntimeError("it rained")

    monkeypatch.setitem(SCENARIOS, "sends", SCENARIOS["sends"]._replace(run=broken))
    record = await command.run(["sends", "life"], TINY, Console(file=io.StringIO()))
    assert record.failures == {"sends": "RuntimeError: it rained"}
    (figure,) = record.figures
    assert figure.value > 0
    assert figure.limit is not None
    assert figure.limit > 0
    assert set(figure.cpu) == {"subject", "postgres", "generator", "upstream", "other", "stolen"}
    assert record.postgres["fsync"] == record.postgres["synchronous_commit"] == "on"


def test_the_command_lists_its_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.arguments(["--help"])
    said = capsys.readouterr().out
    assert all(name in said for name in SCENARIOS)
    assert str(Path.home()) not in said
