"""The API's description is complete, and true to itself."""

import json
import re
from pathlib import Path

import pytest

from tests.protocols.native.document import DOCUMENT, WITH_EXAMPLES, described, fits
from tests.protocols.native.test_reports import AT, report
from tyrian.domain.reasons import REASONS
from tyrian.engine.keys import SCOPES
from tyrian.engine.report import Report
from tyrian.protocols.native import manual, reports
from tyrian.protocols.native.errors import KINDS
from tyrian.protocols.native.operations import OPERATIONS


def test_every_operation_is_described_in_full() -> None:
    names = [o.name for o in OPERATIONS]
    assert len(set(names)) == len(names)
    for operation in OPERATIONS:
        made = described(operation)
        assert made["summary"]
        assert made["description"].rstrip().endswith(".")
        assert made["operationId"] == operation.name
        assert operation.tag in [t["name"] for t in DOCUMENT["tags"]]
        assert {"401", "429"} <= set(made["responses"])
        if operation.body is not None:
            assert operation.examples, f"{operation.name} shows no body"


def test_every_reference_leads_somewhere() -> None:
    for name in re.findall(r"#/components/schemas/([A-Za-z0-9_]+)", str(DOCUMENT)):
        assert name in DOCUMENT["components"]["schemas"]


def test_every_object_of_the_api_has_a_sentence() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if schema.get("type") == "object":
            assert schema.get("description"), name


def test_example_answers_fit_their_schemas() -> None:
    for operation in OPERATIONS:
        for status, answer in described(operation)["responses"].items():
            for media, content in answer.get("content", {}).items():
                assert "example" in content, (operation.name, status)
                if media.endswith("json"):
                    assert fits(content["example"], content["schema"]) == [], (operation.name, status)


def test_example_bodies_fit_their_schemas() -> None:
    for operation, name in WITH_EXAMPLES:
        schema = described(operation)["requestBody"]["content"]["application/json"]["schema"]
        assert fits(operation.examples[name], schema) == [], (operation.name, name)


def test_callbacks_fit_their_schema() -> None:
    schema = DOCUMENT["webhooks"]["report"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    made: list[Report] = [
        report(),
        report(data="x", reason="validity_passed"),
        report(kind="inbound", content={"a": 1}),
    ]
    for one in made:
        assert fits(json.loads(reports.render(one, [], AT).body), schema) == []


# -- The manual -------------------------------------------------------------------------------------------------------


REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


@pytest.mark.parametrize("name", manual.PAGES)
def test_the_manual_s_tables_are_those_of_the_code(name: str) -> None:
    page = (REFERENCE / name).read_text(encoding="utf-8")
    assert page == manual.filled(page), "run: python -m tyrian.protocols.native.manual docs/reference"


def test_the_manual_names_every_operation_scope_problem_and_reason() -> None:
    pages = "".join((REFERENCE / name).read_text(encoding="utf-8") for name in manual.PAGES)
    named = [f"{o.method} {o.path}" for o in OPERATIONS]
    for word in (*named, *SCOPES, *KINDS, *REASONS):
        assert f"`{word}`" in pages


def test_the_manual_names_every_code_of_a_problem() -> None:
    page = (REFERENCE / "errors.md").read_text(encoding="utf-8")
    source = Path(manual.__file__).parents[2]
    files = [p for folder in ("domain", "engine", "protocols") for p in (source / folder).rglob("*.py")]
    codes = {
        c for p in files for c in re.findall(r'Problem\((?:[^()]|\([^()]*\))*?, "([a-z_]+)"\)', p.read_text("utf-8"))
    }
    assert {"nul", "past", "unknown_placeholder", "unknown_channel"} <= codes
    for code in codes:
        assert f"| `{code}` |" in page, code
