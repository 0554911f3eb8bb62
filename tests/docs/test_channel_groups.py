"""The page on channel groups says what the code does: settings, words and numbers."""

import re
from pathlib import Path

import msgspec
import pytest

from tyrian.domain.circuit import TROUBLE, Rule
from tyrian.domain.routing import ELSEWHERE, MOST_MEMBERS, Member, Strategy
from tyrian.engine.groups import NAME, GroupConfig

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "channel-groups.md").read_text("utf-8")


def between(start: str, end: str) -> str:
    return PAGE[PAGE.index(start) : PAGE.index(end, PAGE.index(start))]


@pytest.mark.parametrize("struct", [GroupConfig, Member])
def test_every_setting_has_its_row(struct: type[msgspec.Struct]) -> None:
    assert [f.name for f in msgspec.structs.fields(struct) if f"\n| `{f.name}` |" not in PAGE] == []
    assert f"`{NAME}`" in PAGE


def test_every_strategy_has_its_row() -> None:
    assert [s for s in Strategy if f"\n| `{s.value}` |" not in PAGE] == []


def test_the_reasons_are_those_of_the_code() -> None:
    moves = between("The reasons that let a message go", "When every member")
    assert set(re.findall(r"`(\w+)`", moves)) == ELSEWHERE
    counts = between("counts as a failure", "Refusals for the recipient")
    assert set(re.findall(r"`(\w+)`", counts)) | {"no_answer"} == TROUBLE


def test_the_numbers_are_those_of_the_code() -> None:
    rule = Rule()
    said = [
        f"One to {MOST_MEMBERS} channels",
        f"| {rule.consecutive} sends fail one after another; ",
        f"half of at least {rule.volume} sends within {rule.window:g} s fail |",
        f"| {rule.pause:g} s later; after each failed probe twice as long, up to {rule.longest:g} s |",
        f"given up after {rule.patience:g} s",
    ]
    assert [words for words in said if words not in PAGE] == []
    assert (rule.share, rule.heals) == (0.5, 2)
