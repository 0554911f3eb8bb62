"""The pages say what the code does, and the description of the API is whole."""

import re
from pathlib import Path

import msgspec

from tyrian.protocols.genesys import openapi
from tyrian.protocols.genesys.channel_wire import ChannelRequest, ProviderConfig
from tyrian.protocols.genesys.operations import OPERATIONS
from tyrian.protocols.genesys.organization import Organization
from tyrian.protocols.genesys.rights import ALIASES, PERMISSIONS

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "reference" / "genesys.md").read_text("utf-8")
GUIDE = (DOCS / "how-to" / "move-from-genesys.md").read_text("utf-8")


def section(page: str, title: str) -> str:
    [_, rest] = page.split(f"## {title}\n")
    return rest.split("\n## ", 1)[0]


def first_column(table: str) -> set[str]:
    return set(re.findall(r"^\| `([^|`]*)` \|", table, re.MULTILINE))


def names(kind: type) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(kind)}


def test_every_endpoint_has_its_row_and_every_row_its_endpoint() -> None:
    assert first_column(section(GUIDE, "Every endpoint")) == {f"{o.method} {o.path}" for o in OPERATIONS}


def test_every_switch_of_the_organisation() -> None:
    assert first_column(section(PAGE, "The organisation's switches")) == names(Organization)


def test_every_member_of_a_channel() -> None:
    config = {f"providerConfig.{name}" for name in names(ProviderConfig)}
    flat = names(ChannelRequest) - {"providerConfig"}
    assert first_column(section(PAGE, "Viber channels over the API")) == flat | config


def test_every_operation_is_described_once_with_rights_that_exist() -> None:
    document = openapi.document()
    found = {(m.upper(), path) for path, item in document["paths"].items() for m in item}
    assert found == {(o.method, o.path) for o in OPERATIONS}
    identifiers = [item[m]["operationId"] for item in document["paths"].values() for m in item]
    assert len(identifiers) == len(set(identifiers))
    assert {o.scope for o in OPERATIONS if o.scope} <= set(ALIASES)
    wanted = {name for o in OPERATIONS for name in (*o.every, *o.some)}
    assert {o for o in wanted if not any(o == known for known in PERMISSIONS)} <= {"conversation:call:record"}


def test_examples_can_be_read() -> None:
    for operation in OPERATIONS:
        if operation.body not in (None, bytes) and operation.example is not None:
            msgspec.convert(operation.example, operation.body, strict=True)
