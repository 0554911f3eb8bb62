"""The reference page says what the code does: every setting, secret, status, type and refusal."""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from tyrian.domain.reasons import REASONS
from tyrian.engine.ports import Refused, Retry
from tyrian.engine.transport import REFUSALS
from tyrian.protocols.viber import bot_kind, bot_wire, business_kind, business_wire, limits, rules, statuses

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "viber.md").read_text()


def section(title: str) -> str:
    [_, rest] = PAGE.split(f"# {title}\n")
    return rest.split("\n#", 1)[0]


@pytest.mark.parametrize(
    ("title", "kind"), [("Settings of a bot", bot_kind), ("Settings of a business", business_kind)]
)
def test_settings_and_secrets(title: str, kind: object) -> None:
    config, secrets = kind.config, kind.secrets  # type: ignore[attr-defined]
    names = {f.encode_name for struct in (config, secrets) for f in msgspec.structs.fields(struct)}
    assert set(re.findall(r"^\| `(\w+)` \|", section(title), re.MULTILINE)) == names


@pytest.mark.parametrize(
    ("title", "table"),
    [("Statuses of the Bot API", statuses.BOT), ("Statuses of Viber Business Messages", statuses.BUSINESS)],
)
def test_statuses(title: str, table: Mapping[int, statuses.Verdict]) -> None:
    rows = re.findall(r"^\| (\d+) \| \w+ \| (\w+), `(\w+)`", section(title), re.MULTILINE)
    words = {Refused: "refused", Retry: "retry"}
    assert {int(number): (outcome, reason) for number, outcome, reason in rows} == {
        number: (words.get(v.result, "unknown"), v.reason) for number, v in table.items()
    }


def test_every_outcome_is_a_known_word() -> None:
    verdicts = [*statuses.BOT.values(), *statuses.BUSINESS.values(), statuses.GENERAL_ERROR]
    assert {v.reason for v in verdicts} | set(REFUSALS.values()) <= set(REASONS)


def test_http_refusals() -> None:
    ends = section("How a send ends")
    for status, reason in REFUSALS.items():
        assert re.search(rf"^\|[^|]*\b{status}\b[^|]*\| refused, `{reason}` \|", ends, re.MULTILINE)


def test_every_business_type() -> None:
    table = section("What each purpose may say on a business channel")
    missing = {t for t in business_wire.MessageType if not re.search(rf"\b{t.value}\b", table)}
    assert missing == {business_wire.MessageType.PATTERN_TEXT}


def test_addresses_and_limits() -> None:
    for fact in (bot_wire.BASE_URL, business_wire.BASE_URL, business_wire.SEND_PATH, bot_wire.SIGNATURE_HEADER):
        assert fact in PAGE
    for number in (limits.BOT_TEXT, limits.BOT_CAPTION, limits.BUTTON_TEXT, rules.MAX_KEYBOARD_ROWS):
        assert str(number) in section("Limits")
