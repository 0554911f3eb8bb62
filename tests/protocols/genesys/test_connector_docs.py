"""The page says what the connector does: every setting, answer, status and reason, and nothing that is not there."""

import re
from pathlib import Path

import msgspec

from tyrian.domain.reasons import REASONS
from tyrian.protocols.genesys import connector_limits as limits, connector_statuses as statuses, connector_wire as wire
from tyrian.protocols.genesys.connector import kind
from tyrian.protocols.genesys.connector_following import WAITS

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "genesys.md").read_text("utf-8")
SENDING = PAGE.split("\n## Sending through Genesys\n")[1].split("\n## ")[0]


def section(title: str) -> str:
    return SENDING.split(f"\n### {title}\n")[1].split("\n### ")[0]


def first_column(table: str) -> list[str]:
    rows: list[str] = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row)]


def test_the_settings_and_secrets() -> None:
    names = [field.encode_name for struct in (kind.config, kind.secrets) for field in msgspec.structs.fields(struct)]
    assert sorted(first_column(section("Settings"))) == sorted(names)


def test_the_receipts_and_their_reasons() -> None:
    assert set(first_column(section("Receipts"))) == {*statuses.RECEIPTS, *statuses.REASONS, "Sent", "Removed"}
    rows = re.findall(r"^\| (`[A-Z][^|]*) \| `(\w+)` \|$", section("Receipts"), re.MULTILINE)
    assert {code: word for codes, word in rows for code in re.findall(r"`(\w+)`", codes)} == statuses.REASONS


def test_the_statuses_and_the_waits() -> None:
    text = section("Asking what became of a message")
    assert set(first_column(text)) == set(statuses.STATUSES)
    assert list(WAITS) == [5, 25, 90, 8 * 60, 50 * 60, 5 * 3600]
    assert "5 s after the send, and then after 25 s, 90 s, 8 min, 50 min and 5 h more" in text


def test_the_refusals() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \| refused, `(\w+)` \|", section("How a send ends"), re.MULTILINE)
    assert {int(code): word for codes, word in rows for code in codes.split(", ")} == statuses.REFUSALS


def test_every_reason_is_a_known_word() -> None:
    assert {*statuses.REASONS.values(), *statuses.REFUSALS.values()} <= set(REASONS)


def test_what_may_be_sent() -> None:
    assert f"text of at most {wire.MAX_TEXT} characters" in SENDING
    assert set(limits.OPEN.contents) == {"text", "image", "video", "audio", "file"}
    for can, row in (
        (limits.OPEN, "delivered, failed, expired"),
        (limits.AGENTLESS, "delivered, seen, failed, expired"),
    ):
        assert can.receipts == set(row.split(", "))
        assert f"| {row} |" in SENDING
