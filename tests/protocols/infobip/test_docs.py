"""The page says what the code does: every endpoint, field, content and status, and nothing that is not there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec

from tyrian.protocols.infobip import messages_wire, statuses, wire, wire_bot as bot, wire_business as business
from tyrian.protocols.infobip.app import InfobipFace
from tyrian.protocols.infobip.errors import Envelope, example
from tyrian.protocols.infobip.inbound_routes import ConfigurationRequest
from tyrian.protocols.infobip.openapi import statuses_of
from tyrian.protocols.infobip.operation import SCOPES
from tyrian.protocols.infobip.operations import OPERATIONS
from tyrian.protocols.infobip.subscription_wire import NewSubscription, Profile
from tyrian.protocols.infobip.templates import NewTemplate

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "move-from-infobip.md").read_text("utf-8")

#: Members whose own members have a row each.
OPENED = {
    "messages": bot.BotMessage,
    "destinations": wire.Destination,
    "options": wire.RequestOptions,
    "messages.options": wire.MessageOptions,
    "smsFailover": wire.SmsFailover,
    "webhooks": wire.Webhooks,
    "delivery": wire.DeliveryWebhook,
    "seen": wire.SeenWebhook,
    "schedule": wire.Schedule,
    "tracking": wire.Tracking,
}


def section(title: str) -> str:
    [_, rest] = PAGE.split(f"\n## {title}\n")
    return rest.split("\n## ", 1)[0]


def rows(title: str) -> list[list[str]]:
    lines = [line for line in section(title).splitlines() if line.startswith("| `") or re.match(r"\| \d", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def members(kind: Any, at: str = "") -> Iterator[str]:
    for member in msgspec.structs.fields(kind):
        path = f"{at}{member.encode_name}"
        inner = OPENED.get(path) or OPENED.get(member.encode_name)
        if inner is None:
            yield path
        else:
            yield from members(inner, f"{path}.")


def test_every_endpoint_has_its_row_and_every_row_its_endpoint() -> None:
    told = [row[0].strip("`") for row in rows("Every endpoint")]
    assert told == [f"{o.method} {o.path}" for o in OPERATIONS]
    deprecated = {row[0].strip("`") for row in rows("Every endpoint") if "deprecated" in row[1]}
    assert deprecated == {f"{o.method} {o.path}" for o in OPERATIONS if o.deprecated}


def test_every_field() -> None:
    assert [row[0].strip("`") for row in rows("Every field of a request to send")] == list(members(bot.BotRequest))


def test_every_content() -> None:
    told = {row[0].strip("`"): set(row[1].split(", ")) for row in rows("Every content")}
    of: dict[str, set[str]] = {}
    for name, union in (("bots", bot.BotContent), ("business", business.BusinessContent)):
        for kind in get_args(union):
            of.setdefault(str(kind.__struct_config__.tag), set()).add(name)
    assert told == of


def test_every_status_that_a_message_can_have() -> None:
    told = {int(row[0]): row[1].strip("`") for row in rows("Every status")}
    named = {name for name, _ in statuses.REASONS.values() if name}
    answered = {
        s.name
        for s in (
            statuses.ACCEPTED, statuses.WAITING, statuses.DELIVERED, statuses.NOT_DELIVERED, statuses.NOT_SENT,
            statuses.EXPIRED, statuses.UNKNOWN_SENDER, statuses.BAD_DESTINATION, statuses.NO_DESTINATION,
            statuses.DUPLICATE, statuses.NO_ROUTE, statuses.REFUSED,
        )
    }  # fmt: skip
    assert set(told.values()) == named | answered | {"PENDING_ENROUTE", "REJECTED_MESSAGE_TOO_LONG"}
    assert all(statuses.STATUSES[name].id == number for number, name in told.items())


class TestTheDocument:
    def test_every_operation_is_in_it_once(self) -> None:
        document = InfobipFace().openapi()
        found = {(m.upper(), path) for path, item in document["paths"].items() for m in item}
        assert found == {(o.method, o.path) for o in OPERATIONS}
        names = [item[m]["operationId"] for item in document["paths"].values() for m in item]
        assert len(names) == len(set(names))

    def test_examples_can_be_read(self) -> None:
        for operation in OPERATIONS:
            for body in operation.examples.values():
                if operation.body is not None and operation.read is None:
                    assert msgspec.convert(body, operation.body) is not None
            for answer in operation.answers:
                if answer.type is not None and answer.example is not None:
                    assert msgspec.convert(answer.example, answer.type) is not None

    def test_errors_have_the_operations_envelope(self) -> None:
        document = InfobipFace().openapi()
        for operation in OPERATIONS:
            answers = document["paths"][operation.path][operation.method.lower()]["responses"]
            own = {answer.status for answer in operation.answers}
            for status in set(statuses_of(operation)) - own:
                shown = answers[str(status)]["content"]["application/json"]["example"]
                assert shown == example(status, operation.envelope)
                assert ("requestError" in shown) == (operation.envelope is Envelope.NESTED)

    def test_scopes_are_known(self) -> None:
        assert all(scope in SCOPES for operation in OPERATIONS for scope in operation.scopes)


# -- The Messages API, and what is kept for an account ----------------------------------------------------------------

MESSAGES = {
    "messages.": messages_wire.Message,
    "messages.destinations.": messages_wire.MessagesApiDestination,
    "messages.content.": messages_wire.Content,
    "messages.options.": messages_wire.Options,
    "options.": messages_wire.MessagesApiRequestOptions,
}


def named(kind: Any, at: str = "") -> set[str]:
    return {f"{at}{member.encode_name}" for member in msgspec.structs.fields(kind)}


def test_every_field_body_and_button_of_the_messages_api() -> None:
    told = {row[0].strip("`") for row in rows("Every field of the Messages API")}
    fields = set().union(*(named(kind, at) for at, kind in MESSAGES.items())) | {"messages.template"}
    unions = (*get_args(messages_wire.Body), *get_args(messages_wire.Button))
    assert told == fields | {str(kind.__struct_config__.tag) for kind in unions}


def test_every_field_of_what_is_kept() -> None:
    for title, expected in (
        ("Every field of an inbound configuration", named(ConfigurationRequest)),
        ("Every field of a subscription", named(NewSubscription) | named(Profile, "profile.")),
        ("Every field of a template", named(NewTemplate)),
    ):
        assert {row[0].strip("`") for row in rows(title)} == expected, title
