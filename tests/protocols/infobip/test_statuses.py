"""The tables of statuses and error codes, and what they have to do with ours."""

from typing import get_args

import pytest

from tyrian.domain.lifecycle import Status
from tyrian.domain.reasons import REASONS
from tyrian.protocols.infobip import statuses, wire

#: Reasons of callbacks, which are no reasons of messages.
OF_CALLBACKS = {"endpoint_refused", "endpoint_unreachable", "endpoint_blocked", "endpoint_timeout", "not_rendered"}


def test_every_reason_has_a_status_and_an_error() -> None:
    assert set(statuses.REASONS) == set(REASONS) - OF_CALLBACKS
    assert {name for name, _ in statuses.REASONS.values() if name} <= set(statuses.STATUSES)
    assert {error for _, error in statuses.REASONS.values()} <= set(statuses.ERRORS)


def test_their_codes_lead_to_reasons_that_exist() -> None:
    assert set(statuses.REASON_OF_ERROR.values()) | set(statuses.REASON_OF_STATUS.values()) <= set(REASONS)
    assert set(statuses.REASON_OF_STATUS) <= set(statuses.BY_ID)


def test_ids_are_unique_and_groups_are_named() -> None:
    assert len(statuses.BY_ID) == len(statuses.STATUSES)
    assert len({e.id for e in statuses.ERRORS.values()}) == len(statuses.ERRORS)
    assert all(s.group_name == statuses.GROUPS[s.group_id] for s in statuses.STATUSES.values())
    # The vendor's Python client raises for any other.
    assert {e.group_name for e in statuses.ERRORS.values()} <= {
        "OK", "HANDSET_ERRORS", "USER_ERRORS", "OPERATOR_ERRORS",
    }  # fmt: skip


@pytest.mark.parametrize("status", [s.value for s in Status])
@pytest.mark.parametrize("reason", [None, *sorted(set(REASONS) - OF_CALLBACKS)])
def test_every_state_can_be_told(status: str, reason: str | None) -> None:
    told, error = statuses.status_of(status, reason), statuses.error_of(status, reason)
    assert isinstance(told, wire.Status)
    if status in ("delivered", "seen"):
        assert (told.group_id, error.id) == (3, 0)
    elif status in ("failed", "expired", "cancelled"):
        assert told.group_id in (2, 4, 5)
        assert error.id != 0
    elif status in ("accepted", "scheduled", "sending", "sent"):
        assert (told.group_id, error.id) == (1, 0)


@pytest.mark.parametrize(
    ("status", "reason", "number", "code"),
    [
        ("failed", "not_a_viber_user", 9, 7002),
        ("failed", "blocked_by_user", 9, 7003),
        ("failed", "not_subscribed", 9, 7002),
        ("failed", "content_refused", 100, 7006),
        ("failed", "provider_error", 9, 7050),
        ("failed", "no_answer", 9, 7051),
        ("failed", "throttled", 9, 7017),
        ("expired", "validity_passed", 15, 4101),
        ("expired", None, 15, 4101),
        ("failed", "fallback_time_passed", 15, 4101),
        ("cancelled", "cancelled_by_customer", 31, 4100),
        ("failed", "a word of tomorrow", 9, 255),
    ],
)
def test_what_a_message_came_to(status: str, reason: str | None, number: int, code: int) -> None:
    assert (statuses.status_of(status, reason).id, statuses.error_of(status, reason).id) == (number, code)


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (9, 7002, "not_a_viber_user"),
        (9, 0, "network_failed"),
        (9, None, "network_failed"),
        (11, None, "sender_not_found"),
        (15, 4101, "network_expired"),
        (23, 0, "already_sent"),
        (None, None, "network_failed"),
        (12345, 12345, "network_failed"),
    ],
)
def test_what_their_report_means(status: int | None, error: int | None, reason: str) -> None:
    assert statuses.reason_of(status, error) == reason


def test_labels_are_two() -> None:
    assert get_args(wire.Label) == ("PROMOTIONAL", "TRANSACTIONAL")
