"""The reference page says what the tables say."""

from pathlib import Path

import msgspec
import pytest

from tyrian.protocols.smpp import limits, receipts, statuses
from tyrian.protocols.smpp.config import SmppConfig, SmppSecrets, Tls

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "smpp.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line[:1] == "|"
]
FIRST = {row[0]: row for row in ROWS}


@pytest.mark.parametrize("struct", [SmppConfig, SmppSecrets, Tls])
def test_every_setting_is_documented(struct: type[msgspec.Struct]) -> None:
    assert set(struct.__struct_fields__) <= set(FIRST)


@pytest.mark.parametrize(
    "field", [f for f in msgspec.structs.fields(SmppConfig) if isinstance(f.default, str | int | float) and f.default]
)
def test_defaults_are_the_ones_documented(field: msgspec.structs.FieldInfo) -> None:
    default = f"{field.default:g}" if isinstance(field.default, int | float) else str(field.default)
    assert FIRST[field.name][1] == default


@pytest.mark.parametrize("status", statuses.STATUSES)
def test_every_status_is_documented(status: int) -> None:
    name, outcome, reason, after = statuses.STATUSES[status]
    assert FIRST[f"0x{status:02X}"][1:] == [name, outcome, reason, "" if after is None else f"{after:g}"]


@pytest.mark.parametrize("number", receipts.STATES)
def test_every_state_is_documented(number: int) -> None:
    word = receipts.STATES[number]
    meaning = receipts.MEANINGS[word]
    _, told, kind, reason = FIRST[word]
    assert told == str(number)
    assert (kind, reason) == ((meaning[0].value, meaning[1] or "") if meaning else ("none: not the last word", ""))


def test_every_content_is_documented() -> None:
    documented = {word.strip(" `") for row in ROWS for word in row[0].split(",")}
    assert set(limits.CONTENTS) <= documented
