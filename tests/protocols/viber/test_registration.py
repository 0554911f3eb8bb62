"""The two kinds of channels as the rest of the gateway finds them: their settings, secrets and addresses."""

from importlib.metadata import entry_points
from typing import Any

import msgspec
import pytest

from tests.protocols.viber.stub import TOOLS
from tyrian.domain.problem import Problem
from tyrian.engine.ports import Channel, ChannelKind, Connector, Health
from tyrian.protocols import viber
from tyrian.protocols.viber import bot_kind, business_kind, limits
from tyrian.protocols.viber.bot import provision

KINDS = {
    "viber_bot": (bot_kind, {}, {"token": "t"}),
    "viber_business": (business_kind, {"service_id": 1001}, {}),
}


def test_the_protocol_is_found_by_its_entry_point() -> None:
    [entry] = entry_points(group="tyrian.protocols", name="viber")
    assert entry.load() is viber.registration
    assert [kind.name for kind in viber.registration.kinds] == list(KINDS)


@pytest.mark.parametrize("name", KINDS)
async def test_the_least_settings_make_a_connector(name: str) -> None:
    kind, config, secrets = KINDS[name]
    msgspec.convert(config, kind.config)
    msgspec.convert(secrets, kind.secrets)
    connector: Connector = kind.make(Channel(1, 1, "c", name, config, secrets), TOOLS)
    assert connector.capabilities == kind.capabilities(config)
    await connector.start()
    await connector.close()


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        (bot_kind, {"base_url": "ftp://x"}),
        (bot_kind, {"sender_name": "x" * 29}),
        (bot_kind, {"timeout": 0}),
        (bot_kind, {"tokn": "typo"}),
        (bot_kind, {"welcome": {"type": "hologram"}}),
        (business_kind, {}),
        (business_kind, {"service_id": 0}),
        (business_kind, {"service_id": "1001"}),
        (business_kind, {"service_id": 1001, "list_style": "menu"}),
        (business_kind, {"service_id": 1001, "callback_networks": ["anywhere"]}),
    ],
)
def test_wrong_settings_are_refused(kind: ChannelKind, config: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(config, kind.config)


@pytest.mark.parametrize("secrets", [{}, {"token": ""}, {"token": "t", "other": "x"}])
def test_a_bot_without_its_token_is_refused(secrets: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(secrets, bot_kind.secrets)


def test_capabilities_follow_the_settings() -> None:
    assert bot_kind.capabilities({}) is limits.BOT
    assert business_kind.capabilities({"service_id": 1}) == limits.business(True)
    assert business_kind.capabilities({"service_id": 1, "free_text_transactional": False}) == limits.business(False)


async def test_there_is_nothing_to_provision_for_a_business() -> None:
    assert business_kind.provision is None
    business = business_kind.make(Channel(1, 1, "c", "viber_business", {"service_id": 1}, {}), TOOLS)
    assert await provision(business) == Health(True, "Nothing to set up.")


@pytest.mark.parametrize("text", ["01234567890A=", "a+b/c-d_e==", "385991234501", "x" * 64])
def test_a_bot_takes_user_ids(text: str) -> None:
    assert bot_kind.address(text, "/to") == text


@pytest.mark.parametrize("text", ["", "x" * 65, "two words", "імʼя", "a\0", "a\n", "+385991234501", "+385 99 123-4501"])
def test_a_bot_takes_nothing_else(text: str) -> None:
    problem = bot_kind.address(text, "/to")
    assert isinstance(problem, Problem)
    assert problem.pointer == "/to"
    assert ("phone number" in problem.message) == text.startswith("+")


@pytest.mark.parametrize("text", ["+385991234501", "385991234501", "+385 99 123 4501"])
def test_a_business_takes_phone_numbers(text: str) -> None:
    assert business_kind.address(text, "/to") == "+385991234501"


@pytest.mark.parametrize("text", ["", "01234567890A=", "12", "+0385991234501", "+999991234501"])
def test_a_business_takes_nothing_else(text: str) -> None:
    problem = business_kind.address(text, "/to")
    assert isinstance(problem, Problem)
    assert "country code" in problem.message
