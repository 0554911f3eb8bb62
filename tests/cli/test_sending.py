"""`send` and `message`: one message, from the command to its outcome."""

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


def test_a_message_is_taken(cli: Cli) -> None:
    told = cli("send", "+385 99 123 4501", "Hi", "--channel", "demo-sms")
    assert (told.code, told.err) == (0, "")
    assert re.fullmatch(r"accepted  [0-9a-f-]{36}  to \+385991234501\n", told.out)


def test_the_answer_as_json(cli: Cli) -> None:
    answer = cli("send", "+385991234501", "Hi", "-c", "demo-sms", "--json").json
    assert set(answer) == {"id", "bulk_id", "to", "status"}


@pytest.mark.parametrize(
    ("to", "options", "code", "ending"),
    [
        ("+385991234501", ("-c", "demo-viber"), 0, r"Outcome: (delivered|seen) on demo-viber after \d"),
        ("+385991234504", ("-c", "demo-viber", "-f", "demo-sms"), 0, r"Outcome: delivered on demo-sms after \d"),
        ("+385991234505", ("-c", "demo-viber"), 1, r"Outcome: failed \(blocked_by_user\) after \d"),
    ],
)
def test_waiting_for_the_outcome(cli: Cli, to: str, options: tuple[str, ...], code: int, ending: str) -> None:
    told = cli("send", to, "Hi", *options, "--wait")
    assert told.code == code
    lines = told.out.splitlines()
    assert lines[0].startswith("Message ")
    assert lines[1].split() == ["+0.000", "s", "accepted"]
    assert re.match(ending, lines[-1]), lines


def test_waiting_gives_the_message_as_json(cli: Cli) -> None:
    told = cli("send", "+385991234505", "Hi", "-c", "demo-viber", "--wait", "--json")
    assert (told.code, told.json["status"], told.json["reason"]) == (1, "failed", "blocked_by_user")


def test_waiting_ends_when_its_time_is_up(cli: Cli) -> None:
    told = cli("send", "+385991234509", "Hi", "-c", "demo-viber", "--wait", "--timeout", "0")
    assert told.code == 1
    assert re.search(r"the message is still \w+; look again with `tyrian message [0-9a-f-]{36}`", told.err)


def test_a_message_of_any_content(cli: Cli, tmp_path: Path) -> None:
    content = tmp_path / "content.json"
    content.write_text('{"type": "image", "url": "https://example.org/x.jpg", "text": "Look"}')
    assert cli("send", "+385991234501", "--content", f"@{content}", "-c", "demo-viber", "-p", "promotional").code == 0


def test_a_repeat_under_the_same_word_sends_nothing(cli: Cli) -> None:
    words = ("send", "+385991234501", "Hi", "-c", "demo-sms", "--json", "--idempotency-key", "order-7")
    assert cli(*words).json == cli(*words).json


def test_every_mistake_is_told_with_its_field(cli: Cli) -> None:
    told = cli("send", "38x", "Hi", "-c", "nothing", "--window", "25:00-07:00")
    assert told.code == 4
    assert told.out == ""
    head, *fields = told.err.splitlines()
    assert head == "The request has mistakes:"
    assert any(field.startswith("  /schedule/window/from: ") for field in fields)


def test_the_channel_must_be_named_where_there_are_several(cli: Cli) -> None:
    told = cli("send", "+385991234501", "Hi")
    assert told.code == 2
    assert told.err == "Say with --channel which channel to send on; there are demo-bot, demo-sms, demo-viber.\n"


# -- The timeline -----------------------------------------------------------------------------------------------------


@pytest.fixture
def fallen_back(cli: Cli) -> str:
    options = ("-c", "demo-viber", "-f", "demo-sms", "--callback-data", "o7", "--callback-url", "http://127.0.0.1:1/x")
    told = cli("send", "+385991234504", "Your [order]", *options, "--wait", "--json")
    return str(told.json["id"])


def test_a_timeline_shows_attempts_reasons_and_callbacks(cli: Cli, fallen_back: str) -> None:
    told = cli("message", fallen_back)
    assert (told.code, told.err) == (0, "")
    head, attempts, history = told.out.split("\n\n")[:3]
    assert head.splitlines()[0] == f"Message {fallen_back}"
    assert "to           +385991234504" in head
    assert re.search(r"1 +demo-viber +failed +not_a_viber_user +1", attempts)
    assert "not_a_viber_user: The number or user id is not registered with Viber." in attempts
    assert re.search(r"2 +demo-sms +delivered", attempts)
    words = [line.split()[2] for line in history.splitlines()[1:]]
    assert [word for word in words if not word.startswith("callback")] == [
        "accepted", "failed", "fallback", "sent", "delivered",
    ]  # fmt: skip
    assert "Exchanges" not in told.out


def test_a_timeline_with_the_very_bytes(cli: Cli, fallen_back: str) -> None:
    told = cli("message", fallen_back, "--exchanges").out
    assert '> {"service_id":1001,"dest":"385991234504"' in told
    assert "Your [order]" in told


def test_a_timeline_as_json(cli: Cli, fallen_back: str) -> None:
    message = cli("message", fallen_back, "--exchanges", "--json").json
    assert message["id"] == fallen_back
    assert message["events"][0]["type"] == "accepted"
    assert message["exchanges"]
    assert isinstance(message["callbacks"], list)


def test_a_message_that_is_not_there(cli: Cli) -> None:
    told = cli("message", "nope")
    assert told.code == 4
    assert "no message with the id" in told.err
