"""The table of status codes, both ways, and how ids and times are written."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from tests.protocols.telesign.conftest import CALM
from tyrian.domain.reasons import REASONS
from tyrian.protocols.telesign import codes, ids
from tyrian.protocols.telesign.codes import Code

#: Codes of the reference's table that say nothing of a send: capability checks, inbound, reading, templates.
OF_OTHER_THINGS = {1500, 3060, 3210, 3311, *range(3801, 3860)}


def test_every_code_has_a_text_and_a_meaning() -> None:
    assert set(codes.MEANING) == set(codes.DESCRIPTIONS) - OF_OTHER_THINGS
    assert set(Code) <= set(codes.DESCRIPTIONS)


def test_every_reason_is_of_the_vocabulary() -> None:
    assert set(codes.OF_REASON) <= set(REASONS)
    assert {word.reason for word in codes.MEANING.values() if word.reason} <= set(REASONS)


@pytest.mark.parametrize("code", sorted(set(codes.OF_REASON.values())), ids=str)
def test_a_code_that_we_say_is_one_that_we_understand(code: int) -> None:
    kind = codes.MEANING[code].kind
    assert kind is not None


def test_a_failure_without_a_known_reason_is_a_delivery_error() -> None:
    assert codes.of_attempt("failed", "network_failed") == 3003
    assert codes.of_attempt("failed", None) == 3003
    assert codes.of_attempt("expired", "fallback_time_passed") == 3056
    assert codes.of_attempt("expired", "validity_passed") == 3033
    assert codes.of_attempt("uncertain", "no_answer") == 3039


def test_the_offending_value_is_named() -> None:
    assert codes.describe(3102, "XYZ") == "Invalid value for parameter message_type: XYZ"
    assert codes.describe(3200, "rcs") == "rcs channel is not enabled for customer"
    assert codes.describe(3103, "{}") == "Unsupported value for parameter external_id: {}"


@CALM
@given(st.uuids())
def test_a_reference_id_goes_and_comes_back(identifier: UUID) -> None:
    text = ids.reference(identifier)
    assert len(text) == 32
    assert text == text.upper()
    assert ids.from_reference(text) == identifier


@pytest.mark.parametrize("text", ["", "abc", "G" * 32, "35C8B5D5-09BC-1068-9196-FED2AD551B8", "٣" * 32, "+" * 32])
def test_what_is_no_reference_id(text: str) -> None:
    assert ids.from_reference(text) is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2024-11-12T13:12:29.551105Z", datetime(2024, 11, 12, 13, 12, 29, 551105, UTC)),
        ("2020-05-04 22:07:01:226", datetime(2020, 5, 4, 22, 7, 1, 226000, UTC)),
        ("2020-05-04 22:05:00.325", datetime(2020, 5, 4, 22, 5, 0, 325000, UTC)),
        ("2020-05-04T22:05:00+02:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_times_come_in_several_spellings(text: str | None, at: datetime | None) -> None:
    if text is not None and "+02:00" in text:
        at = datetime(2020, 5, 4, 20, 5, tzinfo=UTC)
    assert ids.moment(text) == at


@CALM
@given(st.datetimes(min_value=datetime(1971, 1, 1)))  # noqa: DTZ001 - the zone is added below
def test_a_time_goes_and_comes_back(at: datetime) -> None:
    aware = at.replace(tzinfo=UTC)
    assert ids.moment(ids.stamp(aware)) == aware


def test_times_are_written_in_utc() -> None:
    at = datetime(2026, 1, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert ids.stamp(at) == "2026-01-01T12:00:00.000000Z"
