"""The pages say what the code does: every endpoint, field, setting and failure, and nothing that is not there."""

import re
from pathlib import Path

import msgspec

from tyrian.domain.reasons import REASONS
from tyrian.protocols.tyntec import kind, limits, media, statuses, wire, wire_account
from tyrian.protocols.tyntec.app import TyntecFace, make_routes
from tyrian.protocols.tyntec.operations import OPERATIONS

DOCS = Path(__file__).parents[3] / "docs"
GUIDE = (DOCS / "how-to" / "move-from-tyntec.md").read_text("utf-8")
PAGE = (DOCS / "reference" / "tyntec.md").read_text("utf-8")


def section(page: str, title: str) -> str:
    [_, rest] = page.split(f"# {title}\n")
    return rest.split("\n#", 1)[0]


def names(kind: type) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(kind)}


def first_column(table: str) -> set[str]:
    rows = re.findall(r"^\| (`[^|]*`) \|", table, re.MULTILINE)
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row)}


def test_every_endpoint_has_its_row_and_every_row_its_endpoint() -> None:
    assert first_column(section(GUIDE, "Every endpoint")) == {f"{o.method} {p}" for o in OPERATIONS for p in o.paths}


def test_every_endpoint_is_routed() -> None:
    routed = {(method, route.template) for route in make_routes() for method in route.operations}
    joined = {(m, path.replace(f"{wire.V3}{{", f"{wire.V3}/{{")) for m, path in
              {(o.method, p) for o in OPERATIONS for p in o.paths}}  # fmt: skip
    assert routed == joined


def test_every_field_of_a_message() -> None:
    said = first_column(section(GUIDE, "Every field of a message"))
    flat = names(wire.SendRequest) | names(wire.BulkRequest) | names(wire.LegacyRequest)
    content = {f"content.{name}" for name in names(wire.Content)} - {"content.type", "content.button"}
    assert said == (flat - {"content"}) | content | {"context.userContext"}


def test_every_field_of_the_callback_configuration() -> None:
    said = first_column(section(GUIDE, "Every field of the callback configuration"))
    assert said == names(wire_account.CallbackConfig)


def test_every_callback() -> None:
    told = {statuses.PREFIX + event for event in statuses.EVENTS.values()} | {"MessageStatus::unknown", "MoMessage"}
    table = section(GUIDE, "Every callback")
    codes = {f"viber::error::{number}" for number in statuses.ERRORS if number}
    assert first_column(table) == told | codes
    assert {
        int(n): name for n, name in re.findall(r"^\| `viber::error::(\d+)` \| `(\w+)` \|", table, re.MULTILINE)
    } == {number: name for number, name in statuses.ERRORS.items() if number}


def test_the_settings_and_secrets() -> None:
    assert first_column(section(PAGE, "Settings")) == names(kind.config) | names(kind.secrets)


def test_the_failures() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| `(\w+)` \|", section(PAGE, "Failures"), re.MULTILINE)
    assert {int(n): (name, reason) for n, name, reason in rows} == {
        number: (statuses.ERRORS[number], reason) for number, reason in statuses.REASONS.items()
    }


def test_the_purposes() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", section(PAGE, "What may be sent"), re.MULTILINE))
    assert rows == {purpose.value: rate for purpose, rate in limits.RATE_OF.items()}


def test_every_reason_is_a_known_word() -> None:
    assert set(statuses.REASONS.values()) | set(statuses.CODES) | statuses.OPEN <= set(REASONS)
    assert set(statuses.CODES.values()) <= set(statuses.ERRORS)


def test_the_limits_of_uploads() -> None:
    assert f"at most {media.MAX_BYTES // 2**20} MiB each and {media.QUOTA // 2**20} MiB together" in GUIDE


def test_the_document_has_every_operation_with_examples_that_can_be_read() -> None:
    document = TyntecFace().openapi()
    found = {(m.upper(), path) for path, item in document["paths"].items() for m in item}
    assert found == {(o.method, p) for o in OPERATIONS for p in o.paths if not p.startswith(f"{wire.V3}{{")}
    identifiers = [item[m]["operationId"] for item in document["paths"].values() for m in item]
    assert len(identifiers) == len(set(identifiers))
    for operation in OPERATIONS:
        if operation.body not in (None, bytes):
            read = msgspec.convert(operation.example, operation.body)
            assert msgspec.to_builtins(read) == operation.example
        if operation.answer not in (None, bytes):
            assert operation.answered is not None
            assert not isinstance(operation.answered, dict) or msgspec.json.encode(operation.answered)
