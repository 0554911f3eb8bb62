"""The kind of channel: its settings, addresses and capabilities."""

from typing import Any

import msgspec
import pytest

from tyrian.domain.content import (
    CONTENT_TYPES,
    Base,
    File,
    Image,
    Location,
    Sticker,
    Survey,
    Template,
    Text,
    UrlContent,
)
from tyrian.domain.keyboard import Button, Keyboard
from tyrian.domain.limits import check
from tyrian.domain.problem import Problem, problems_of
from tyrian.domain.purpose import Purpose
from tyrian.protocols.smpp import limits, registration
from tyrian.protocols.smpp.config import SmppConfig, SmppSecrets
from tyrian.protocols.smpp.texts import text_of

[KIND] = registration.kinds
LEAST = {"host": "smsc.example", "system_id": "tyrian", "sender": "Tyrian"}


class TestSettings:
    def test_the_least(self) -> None:
        config = msgspec.convert(LEAST, SmppConfig)
        assert (config.port, config.bind, config.window, config.enquire_link, config.timeout) == (
            2775, "transceiver", 100, 30, 10,
        )  # fmt: skip
        assert (config.long_message, config.encoding, config.message_id_format) == ("udh", "auto", "same")

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"sender": "A very long name"}, "sender must be a number"),
            ({"sender": "Šešir"}, "sender must be a number"),
            ({"sender": "Thé"}, "sender must be a number"),
            ({"sender": "123456789012345678901"}, "length <= 20"),
            ({"system_id": "sixteen-octets-x"}, "length <= 15"),
            ({"system_id": "tyrian\0"}, "matching regex"),
            ({"port": 0}, ">= 1"),
            ({"window": 0}, ">= 1"),
            ({"timeout": 0}, "> 0"),
            ({"bind": "both"}, "Invalid enum value"),
            ({"reference_bits": 7}, "Invalid enum value"),
            ({"receipt_time_zone": "Europe/Nowhere"}, "is no time zone"),
            ({"receipt_time_zone": "../etc/passwd"}, "is no time zone"),
            ({"tls": {"ca": "nonsense"}}, "tls.ca must be"),
            ({"colour": "red"}, "unknown field"),
        ],
    )
    def test_refused(self, settings: dict[str, Any], words: str) -> None:
        with pytest.raises(msgspec.ValidationError, match=words):
            msgspec.convert(LEAST | settings, SmppConfig)

    @pytest.mark.parametrize("sender", ["Tyrian", "My-Shop 24", "+385991234567", "385991234567", "12345", "A@b_c$"])
    def test_senders(self, sender: str) -> None:
        assert msgspec.convert(LEAST | {"sender": sender}, SmppConfig).sender == sender

    @pytest.mark.parametrize("password", ["123456789", "š", "a\0"])
    def test_passwords_that_smpp_cannot_carry(self, password: str) -> None:
        assert problems_of({"password": password}, SmppSecrets)

    def test_a_password_is_required(self) -> None:
        assert [p.pointer for p in problems_of({}, SmppSecrets)] == ["/password"]


@pytest.mark.parametrize(
    ("text", "number"),
    [("+385991234501", "+385991234501"), ("385 99 123-4501", "+385991234501"), ("12345", None), ("Ann", None)],
)
def test_addresses(text: str, number: str | None) -> None:
    found = KIND.address(text, "/to")
    if number is None:
        assert found == Problem("/to", "must be a phone number with its country code, such as +385991234567")
    else:
        assert found == number


def problems(content: Base, **config: Any) -> list[tuple[str, str]]:
    return [p[:2] for p in check(content, Purpose.TRANSACTIONAL, KIND.capabilities(LEAST | config))]


class TestCapabilities:
    @pytest.mark.parametrize(
        "content",
        [
            Text(text="a" * 1530),
            Image(url="https://x.test/a.jpg"),
            File(url="https://x.test/a.pdf", name="a.pdf"),
            UrlContent(url="https://x.test/"),
            Location(latitude=1, longitude=2),
            Survey(text="?", options=["a", "b"]),
            Template(template_id="t", text="Hi"),
        ],
    )
    def test_can(self, content: Base) -> None:
        assert problems(content) == []

    @pytest.mark.parametrize("kind", sorted(set(CONTENT_TYPES) - set(limits.CONTENTS)))
    def test_cannot(self, kind: str) -> None:
        assert kind in {"audio", "contact", "sticker", "carousel", "keyboard"}

    @pytest.mark.parametrize(
        ("content", "config", "found"),
        [
            (Sticker(sticker_id=1), {}, ("/type", '"sticker" cannot be sent on this channel; it takes ')),
            (Template(template_id="t"), {}, ("/text", "is required on this channel")),
            (Text(text="a" * 1531), {}, ("/text", "needs 11 SMS parts; this channel sends at most 10")),
            (Text(text="ж" * 671), {}, ("/text", "needs 11 SMS parts; this channel sends at most 10")),
            (Text(text="a" * 161), {"max_parts": 1}, ("/text", "needs 2 SMS parts; this channel sends at most 1")),
            (
                Text(text="Naš"),
                {"encoding": "gsm"},
                ("/text", "cannot be sent on this channel: the GSM alphabet has no"),
            ),
            (
                UrlContent(url="https://x.test/š"),
                {"encoding": "gsm"},
                ("/url", "cannot be sent on this channel: the GSM"),
            ),
            (
                Text(text="Hi", keyboard=Keyboard(buttons=[Button(value="x", text="X")])),
                {},
                ("/keyboard", "cannot be sent on this channel"),
            ),
        ],
    )
    def test_says_why_not(self, content: Base, config: dict[str, Any], found: tuple[str, str]) -> None:
        [(pointer, words)] = problems(content, **config)
        assert pointer == found[0]
        assert words.startswith(found[1])

    def test_every_content_that_is_taken_has_words(self) -> None:
        examples = [
            Image(url="https://x.test/a.jpg"),
            UrlContent(url="https://x.test/"),
            Location(latitude=1, longitude=2),
        ]
        assert all(text_of(content) for content in examples)

    def test_tells_of_receipts_and_inbound(self) -> None:
        can = KIND.capabilities(LEAST)
        assert can.inbound
        assert can.receipts == {"delivered", "failed", "expired"}
