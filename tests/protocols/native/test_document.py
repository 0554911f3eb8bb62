"""The API's description is complete, and true to itself."""

import json
import re
from pathlib import Path

from tests.protocols.native.document import DOCUMENT, WITH_EXAMPLES, described, fits
from tests.protocols.native.test_reports import AT, report
from tyrian.engine.report import Report
from tyrian.protocols.native import reports
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


def test_the_page_of_the_manual_has_every_operation_and_problem() -> None:
    docs = Path(__file__).parents[3] / "docs" / "reference"
    api_page, errors_page = [(docs / name).read_text(encoding="utf-8") for name in ("api.md", "errors.md")]
    for operation in OPERATIONS:
        assert f"`{operation.method} {operation.path}`" in api_page, operation.name
    for kind in KINDS.values():
        assert f"`{kind.name}`" in errors_page
