"""What callbacks say, from reports alone: no gateway, no network."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from tyrian.domain import content as neutral
from tyrian.domain.content import Base
from tyrian.engine.report import AttemptLine, Paired, Report
from tyrian.protocols.telesign import reports, signing, views
from tyrian.protocols.telesign.ids import reference

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
MESSAGE = UUID(int=7)
KEYS = [f"{name}\nQUJD" for name in ("NEW", "OLD")]


def line(step: int, status: str, reason: str | None = None, **more: Any) -> AttemptLine:
    network = more.pop("network", ("viber", "sms")[step])
    return AttemptLine(
        channel=f"demo-{network}", kind="", network=network, attempt_id=UUID(int=100 + step), step=step, status=status,
        reason=reason, at=NOW + timedelta(minutes=step), **more,
    )  # fmt: skip


def report(status: str, *lines: AttemptLine, **more: Any) -> Report:
    whole: dict[str, Any] = {
        "id": uuid4(),
        "face": "telesign",
        "account_id": 1,
        "message_id": MESSAGE,
        "to": "+385991234501",
        "status": status,
        "at": NOW,
        "accepted_at": NOW,
        "attempts": list(lines),
        "extra": {"channels": ["viber", "sms"]},
        **more,
    }
    return Report(**whole)


def rendered(told: Report) -> Any:
    return msgspec.json.decode(reports.render(told, KEYS, NOW).body)


def states(body: Any) -> list[tuple[str, int]]:
    return [(name, entry[name]["code"]) for entry in body["channel_status"] for name in entry]


@pytest.mark.parametrize(
    ("told", "code", "expected"),
    [
        (report("delivered", line(0, "delivered")), 3000, [("viber", 3000)]),
        (report("seen", line(0, "seen")), 3005, [("viber", 3005)]),
        (
            report("delivered", line(0, "expired", "fallback_time_passed"), line(1, "delivered")),
            3000,
            [("viber", 3056), ("sms", 3000)],
        ),
        (
            report("failed", line(0, "failed", "blocked_by_user"), line(1, "failed", "network_failed")),
            3003,
            [("viber", 3046), ("sms", 3003)],
        ),
        (
            report("delivered", line(0, "uncertain", "no_answer"), line(1, "delivered")),
            3000,
            [("viber", 3039), ("sms", 3000)],
        ),
        (
            report("cancelled", line(0, "cancelled", "cancelled_by_customer")),
            3003,
            [("viber", 3052)],
        ),
        # The report is told late: its own attempt stands as it did then.
        (
            report("delivered", line(0, "seen"), attempt_id=UUID(int=100)),
            3000,
            [("viber", 3000)],
        ),
        # Channels that were passed over stand where the request named them; those never come to are not told.
        (
            report("delivered", line(0, "delivered"), extra={"channels": [["fax", 3100], "viber", ["rcs", 3200]]}),
            3000,
            [("fax", 3100), ("viber", 3000)],
        ),
        (
            report("failed", line(0, "failed", "x"), extra={"channels": ["viber", ["rcs", 3200]]}),
            3003,
            [("viber", 3003), ("rcs", 3200)],
        ),
        (report("failed", line(0, "failed", "x"), extra={"channels": [["fax", 3100]]}), 3006, [("fax", 3100)]),
        # A message of another API has no list of channels.
        (
            report("delivered", line(0, "failed", network="viber_bot"), line(1, "delivered"), extra=None),
            3000,
            [("viber", 3003), ("sms", 3000)],
        ),
    ],
)
def test_a_report(told: Report, code: int, expected: list[tuple[str, int]]) -> None:
    body = rendered(told)
    assert body["status"]["code"] == code
    assert states(body) == expected
    assert body["status"]["last_channel"] == expected[-1][0]
    assert body["reference_id"] == reference(MESSAGE)


def test_a_number_that_is_none_is_named() -> None:
    told = report("failed", to="12ab", extra={"channels": [["viber", 3101]]})
    assert rendered(told)["channel_status"][0]["viber"]["description"] == (
        "Invalid value for parameter phone_number: 12ab"
    )


def test_a_message_without_channels_has_no_last_one() -> None:
    body = rendered(report("sent", extra={"channels": ["viber"]}))
    assert "last_channel" not in body["status"]
    assert body["channel_status"] == []


def test_the_key_of_the_request_signs_and_else_the_newest() -> None:
    for customer, signer in (("OLD", "OLD"), ("GONE", "NEW"), (None, "NEW")):
        extra = {"channels": [], "customer": customer} if customer else None
        request = reports.render(report("delivered", extra=extra), KEYS, NOW)
        assert request.headers["Authorization"].startswith(f"TSA {signer}:")
        assert signing.is_callback(request.body, "QUJD", None, request.headers["X-TS-Authorization"])


def test_without_a_key_nothing_can_be_signed() -> None:
    with pytest.raises(reports.NoKey):
        reports.render(report("delivered"), [], NOW)


def inbound(content: Base, network: str = "viber", paired: bool = True) -> Any:
    answers = Paired(message_id=MESSAGE, face="telesign", extra={"reply_id": "r-7"}, accepted_at=NOW)
    return rendered(
        report(
            "received",
            kind="inbound",
            network=network,
            sender="+385991234501",
            to="1001",
            content=msgspec.to_builtins(content),
            paired=answers if paired else None,
        )
    )


URL = "https://a.example/p/1695641912869284.jpg?x=1"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (neutral.Text(text="Hello"), {"text": "Hello"}),
        (neutral.UrlContent(url=URL), {"text": URL}),
        (neutral.Image(url=URL), {"media": URL, "file_name": "1695641912869284.jpg"}),
        (neutral.Image(url=URL, text="Look"), {"text": "Look", "media": URL, "file_name": "1695641912869284.jpg"}),
        (neutral.Video(url=URL), {"media": URL, "file_name": "1695641912869284.jpg"}),
        (neutral.Audio(url=URL), {"media": URL, "file_name": "1695641912869284.jpg"}),
        (neutral.File(url=URL, name="a.pdf"), {"media": URL, "file_name": "a.pdf"}),
        (neutral.Location(latitude=45.8, longitude=15.9), {"text": "45.8,15.9"}),
        (neutral.Contact(name="Ann", phone="+385"), {"text": "Ann +385"}),
        (neutral.Sticker(sticker_id=7), {"text": "(sticker)"}),
    ],
)
def test_what_people_write(content: Base, said: dict[str, str]) -> None:
    body = inbound(content)
    assert body["phone_number"] == "385991234501"
    assert body["content"] == {"original_reference_id": reference(MESSAGE), **said, "tracking_data": "r-7"}
    assert inbound(content, paired=False)["content"] == said


@pytest.mark.parametrize(
    ("text", "action", "keyword"),
    [("STOP", "stop", "STOP"), (" start now", "start", "START"), ("Help", "help", "HELP"), ("yes", "generic", None)],
)
def test_what_people_text(text: str, action: str, keyword: str | None) -> None:
    body = inbound(neutral.Text(text=text), network="sms")
    assert list(body) == [
        "reference_id", "status", "sub_resource", "submit_timestamp", "errors", "user_response",
    ]  # fmt: skip
    assert (body["user_response"]["action"], body["user_response"]["keyword"]) == (action, keyword)
    assert body["user_response"]["mo_message"] == text


def test_a_step_that_is_being_sent_has_no_id() -> None:
    message = views.Message(MESSAGE, None, "+385", "sending", NOW, NOW, {"channels": ["viber", "sms"]})
    tried = [
        views.Tried(0, "expired", "fallback_time_passed", UUID(int=1), NOW, "viber", "v"),
        views.Tried(1, "sending", None, UUID(int=2), NOW, "sms", "s"),
    ]
    told = views.transaction(message, tried)
    assert told["status"]["code"] == 3001
    assert states(told) == [("viber", 3056), ("sms", 3001)]
    assert "reference_id" not in told["channel_status"][1]["sms"]
