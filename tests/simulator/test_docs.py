"""The page about the simulated world says all there is, and its example runs."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.clock import ManualClock
from tyrian.simulator.behaviour import TABLE, Answer, Behaviour, Kind, Network
from tyrian.simulator.callbacks import RETRIES
from tyrian.simulator.handsets import Via
from tyrian.simulator.quirks import Quirks
from tyrian.simulator.world import World
from tyrian.simulator.world_app import WorldApi

PAGE = (Path(__file__).parents[2] / "docs/reference/simulator.md").read_text()


def rows(heading: str) -> dict[str, list[str]]:
    """First cell -> the others, of the tables in one section."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_every_switch_is_documented_with_its_default() -> None:
    documented = {name: row[0].strip("`") for name, row in rows("Switches").items() if name != "switch"}
    switches = {name: str(value).lower().removesuffix(".0") for name, value in msgspec.structs.asdict(Quirks()).items()}
    assert documented == switches


def test_every_request_is_documented() -> None:
    documented = {re.sub(r"\?.*", "", name) for name in rows("The world's API") if "/world" in name}
    routes = WorldApi(World(ManualClock())).routes()
    served = {f"{method} {route.path}" for route in routes for method in (route.methods or set()) - {"HEAD"}}
    assert documented == served


def test_every_test_number_is_documented() -> None:
    assert {name[:2] for name in rows("Test numbers") if name[:2].isdigit()} == set(TABLE)


@pytest.mark.parametrize("word", [*Answer, *Kind, *Network, *Via])
def test_every_word_of_a_behaviour_is_documented(word: str) -> None:
    assert f"`{word}`" in PAGE or f'"{word}"' in PAGE


def test_every_member_of_a_behaviour_is_documented() -> None:
    assert set(Behaviour.__struct_fields__) <= rows("The world's API").keys()


def test_the_repeats_are_documented() -> None:
    assert [int(seconds) for seconds in RETRIES] == [5, 30, 60, 300, 900, 1800]
    assert "after 5 s, 30 s, 1, 5, 15 and 30 minutes" in PAGE


def test_the_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 - it is ours
    world = names["world"]
    assert isinstance(world, World)
    assert world.handset("+385991234501").behaviour(Network.VIBER).status == 10
