"""The pages and the OpenAPI document say what the code does: every endpoint, field, template, setting and code."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tyrian.domain.reasons import REASONS
from tyrian.protocols.telesign import codes, otp, templates, wire
from tyrian.protocols.telesign.access import CLOCK_SKEW, NONCE
from tyrian.protocols.telesign.app import TelesignFace
from tyrian.protocols.telesign.checks import check
from tyrian.protocols.telesign.connector import kind
from tyrian.protocols.telesign.messages import read_send
from tyrian.protocols.telesign.operations import OPERATIONS, by_path
from tyrian.protocols.telesign.settings import Settings

DOCS = Path(__file__).parents[3] / "docs"
GUIDE = (DOCS / "how-to" / "move-from-telesign.md").read_text("utf-8")
PAGE = (DOCS / "reference" / "telesign.md").read_text("utf-8")


def section(page: str, title: str) -> str:
    [_, rest] = page.split(f"# {title}\n")
    return rest.split("\n#", 1)[0]


def rows(table: str) -> list[list[str]]:
    """The cells of a section's tables, without their heads."""
    lines = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("|---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def first_column(table: str) -> set[str]:
    return {word for row in rows(table) for word in re.findall(r"`([^`]+)`", row[0])}


def names(kind: type) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(kind)}


def test_every_endpoint_has_its_row_and_every_row_its_endpoint() -> None:
    assert first_column(section(GUIDE, "Every endpoint")) == {f"{o.method} {o.path}" for o in OPERATIONS}


def test_every_endpoint_is_routed_once() -> None:
    routed = [(method, path) for path, methods in by_path().items() for method in methods]
    assert sorted(routed) == sorted((o.method, o.path) for o in OPERATIONS)
    assert all(o.path.startswith(TelesignFace.prefixes) for o in OPERATIONS)


def test_every_field_of_a_message() -> None:
    assert first_column(section(GUIDE, "Every field of a message")) == names(wire.Raw)
    assert names(wire.Raw) == names(wire.SendRequest)


def test_every_template() -> None:
    found = {
        tuple(re.findall(r"`(\w+)`", cell)[0] for cell in row[:1]): [re.findall(r"`(\w+)`", cell) for cell in row[1:]]
        for row in rows(section(GUIDE, "Every template for Viber"))
        if "`" in row[0]
    }
    expected = {(name,): [[*form.required], [*form.optional]] for name, form in templates.VIBER.items()}
    assert found == expected


def test_every_setting_of_an_account() -> None:
    assert first_column(section(GUIDE, "Every setting")) == names(Settings)


def test_every_code_of_a_callback() -> None:
    said = {int(row[0]) for row in rows(section(GUIDE, "Every callback")) if row[0].isdigit()}
    final = {codes.OF_MESSAGE[status] for status in ("delivered", "seen", "failed", "expired", "cancelled")}
    assert said == {int(code) for code in final} | {3006, 1500}


def test_the_numbers_of_the_guide() -> None:
    assert f"wrong by {CLOCK_SKEW / 60:.0f} minutes" in GUIDE
    assert f"{NONCE[0]} to {NONCE[-1]} characters" in GUIDE
    assert f"{otp.MIN_DIGITS} to {otp.MAX_DIGITS}" in GUIDE
    assert f"given as {templates.VIDEO_SECONDS} seconds" in GUIDE
    assert f"({wire.FALLBACK_TIME} seconds if not said)" in GUIDE
    assert otp.MAX_TRIES == 5
    assert "five wrong codes" in GUIDE


def test_the_settings_and_secrets_of_a_channel() -> None:
    assert first_column(section(PAGE, "Settings")) == names(kind.config) | names(kind.secrets)


def test_the_failures() -> None:
    found = {int(row[0]): row[1].strip("`") for row in rows(section(PAGE, "Failures")) if row[0].isdigit()}
    assert found == {code: word.reason for code, word in codes.MEANING.items() if word.reason}
    assert set(found.values()) <= set(REASONS)


# -- OpenAPI ----------------------------------------------------------------------------------------------------------

DOCUMENT: dict[str, Any] = TelesignFace().openapi()


def test_the_document_has_every_operation() -> None:
    found = {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item}
    assert found == {(o.method, o.path) for o in OPERATIONS}
    identifiers = [item[m]["operationId"] for item in DOCUMENT["paths"].values() for m in item]
    assert len(identifiers) == len(set(identifiers))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_example_is_of_its_type(operation: Any) -> None:
    if operation.body is not None:
        assert operation.examples
        for example in operation.examples.values():
            msgspec.convert(example, operation.body)
    if operation.answer is not None:
        msgspec.convert(operation.example, operation.answer)


def test_every_example_of_a_send_is_accepted() -> None:
    sends = next(o for o in OPERATIONS if o.name == "sendMessage")
    for example in sends.examples.values():
        assert check(read_send(msgspec.json.encode(example)), ()).number == "+385991234501"


def test_every_reference_of_the_document_leads_somewhere() -> None:
    text = msgspec.json.encode(DOCUMENT).decode()
    named = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert named <= set(DOCUMENT["components"]["schemas"])
