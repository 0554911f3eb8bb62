"""command_status as what becomes of a message."""

import pytest

from tyrian.domain.reasons import REASONS
from tyrian.protocols.smpp import statuses


def test_only_ok_is_a_success() -> None:
    assert [s for s, m in statuses.STATUSES.items() if m.outcome == "sent"] == [0]


def test_every_reason_is_a_known_word() -> None:
    assert {m.reason for m in statuses.STATUSES.values() if m.outcome != "sent"} <= set(REASONS)


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        (0x58, "retry", "throttled"),
        (0x14, "retry", "throttled"),
        (0x08, "retry", "provider_error"),
        (0x64, "retry", "provider_error"),
        (0x0B, "refused", "invalid_recipient"),
        (0x0A, "refused", "sender_not_found"),
        (0x01, "refused", "content_refused"),
        (0x45, "refused", "provider_error"),
        (0x0E, "retry", "bad_credentials"),
        (0x401, "refused", "provider_error"),
        (0x12345, "refused", "provider_error"),
    ],
)
def test_meaning(status: int, outcome: str, reason: str) -> None:
    found = statuses.meaning(status)
    assert (found.outcome, found.reason) == (outcome, reason)


def test_all_that_may_pass_say_how_long_to_wait() -> None:
    assert all(m.after for m in statuses.STATUSES.values() if m.outcome == "retry")


def test_numbers_of_no_table_are_named_all_the_same() -> None:
    assert statuses.meaning(0x4FF).name == "vendor status 0x4ff"
    assert statuses.meaning(0x500).name == "reserved status 0x500"
