"""Nothing that the code can say is missing from the documentation, and nothing says what has no place in it."""

import ast
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scripts import reference_tables

from tests import vocabulary
from tyrian.cli.reference import commands
from tyrian.domain.events import EVENTS, STATUSES
from tyrian.domain.lifecycle import Status
from tyrian.domain.reasons import REASONS
from tyrian.engine.face_ports import Face
from tyrian.engine.metrics import METRICS
from tyrian.engine.ports import ChannelKind
from tyrian.engine.registry import kinds_of, load_faces, load_registrations
from tyrian.settings import SETTINGS

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
HOW_TO = ROOT / "docs" / "how-to"


@cache
def page(name: str) -> str:
    return (REFERENCE / name).read_text("utf-8")


@cache
def reference() -> str:
    """All pages of the reference."""
    return "\n".join(path.read_text("utf-8") for path in sorted(REFERENCE.glob("*.md")))


# -- The pages have it all ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", reference_tables.PAGES)
def test_the_tables_are_those_of_the_code(name: str) -> None:
    assert page(name) == reference_tables.filled(page(name)), "run: python scripts/reference_tables.py"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("reasons.md", REASONS),
        ("reasons.md", EVENTS),
        ("reasons.md", list(STATUSES)),
        ("metrics.md", METRICS),
        ("settings.md", [setting.name for setting in SETTINGS]),
    ],
    ids=["reasons", "events", "statuses", "metrics", "settings"],
)
def test_every_word_has_its_row(name: str, words: Sequence[str]) -> None:
    assert [word for word in words if f"\n| `{word}`" not in page(name)] == []


def test_every_setting_is_shown_with_its_variable() -> None:
    assert [s.variable for s in SETTINGS if f"`{s.variable}`" not in page("settings.md")] == []


def test_every_status_has_a_sentence() -> None:
    assert set(STATUSES) == set(Status)


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=[name for name, _ in commands()])
def test_every_command_has_its_section_with_every_option(name: str, command: Any) -> None:
    sections = dict(re.findall(r"(?ms)^### (.+?)\n(.*?)(?=^### |\Z)", page("cli.md")))
    words = [word for option in command.params for word in (*option.opts, *option.secondary_opts) if word[0] == "-"]
    assert [word for word in words if word not in ("-h", "--help") and f"`{word}`" not in sections[name]] == []


def operations(face: Face) -> list[str]:
    """What a face's own description says that it serves."""
    methods = ("get", "put", "post", "patch", "delete")
    paths = face.openapi()["paths"]
    return [f"{method.upper()} {path}" for path, item in paths.items() for method in methods if method in item]


@pytest.mark.parametrize("face", load_faces(), ids=lambda face: face.name)
def test_every_operation_of_every_face(face: Face) -> None:
    """Tyrian's own are in the reference, those of a vendor's dialect on the page for who moves from there."""
    page = reference() if face.name == "native" else (HOW_TO / f"move-from-{face.name}.md").read_text("utf-8")
    found = operations(face)
    assert len(found) > 1
    assert [operation for operation in found if f"`{operation}`" not in page] == []


def test_every_address_outside_the_faces() -> None:
    tree = ast.parse((ROOT / "src" / "tyrian" / "app.py").read_text("utf-8"))
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    addresses = {text for text in constants if isinstance(text, str) and re.fullmatch(r"/[a-z]+(/[a-z.]+)?/?", text)}
    assert {"/healthz", "/readyz", "/metrics", "/hooks/"} <= addresses
    assert [address for address in addresses if not re.search(rf"`[^`\n]*{address}[^`\n]*`", reference())] == []


KINDS = kinds_of(load_registrations()).values()


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_every_kind_of_channel_with_its_settings_and_secrets(kind: ChannelKind) -> None:
    pages = [text for path in REFERENCE.glob("*.md") if f"`{kind.name}`" in (text := path.read_text("utf-8"))]
    names = [field.encode_name for struct in (kind.config, kind.secrets) for field in msgspec.structs.fields(struct)]
    missing = [[name for name in names if f"| `{name}` |" not in text] for text in pages]
    assert [] in missing, f"no page has all of {kind.name}; missing are {min(missing, key=len, default=names)}"


# -- The code says nothing else ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "known"),
    [
        (vocabulary.reasons(), REASONS),
        (vocabulary.events(), EVENTS),
        (vocabulary.metrics(), METRICS),
    ],
    ids=["reasons", "events", "metrics"],
)
def test_what_the_code_says_is_in_its_table(said: vocabulary.Words, known: dict[str, str]) -> None:
    assert {word: places for word, places in said.items() if word not in known} == {}


@pytest.mark.parametrize(
    ("said", "known"),
    [(vocabulary.events(), EVENTS), (vocabulary.metrics(), METRICS)],
    ids=["events", "metrics"],
)
def test_what_is_in_the_table_is_said(said: vocabulary.Words, known: dict[str, str]) -> None:
    assert set(known) - set(said) == set()


@pytest.mark.parametrize(
    "code",
    [
        "return Refused('new_word', exchange)",
        "return ports.Unknown('new_word')",
        "x = Retry(reason='new_word', after=1)",
        "T = {5: Verdict(Refused, 'new_word')}",
        "T = {5: Meaning('ESME_X', 'refused', 'new_word')}",
        "T = {'a': (ReceiptKind.FAILED, 'new_word')}",
        "REFUSALS: Final[dict[int, str]] = {401: 'new_word'}",
        "FAILED_WORDS = (('text', 'new_word'), ('other', 'new_word'))",
        "_over(message, attempt, status, 'new_word' if late else 'new_word', now)",
        "Event('failed', 'new_word')",
        "changes.message_status, changes.message_reason = status, 'new_word'",
        "Retry(failure.reason or 'new_word')",
        "def failed_reason(text): return next((w for w in T), 'new_word')",
    ],
)
def test_a_reason_is_found_wherever_it_is_said(code: str) -> None:
    wrapped = "def f():\n    " + code
    assert set(vocabulary.reasons_in(ast.parse(wrapped))) == {"new_word"}


@pytest.mark.parametrize(
    "code",
    [
        "Event('new_type', reason)",
        "EventAnswer(at=at, type='new_type')",
        "verdict, due, kind = DONE, now, 'new_type'",
        "_over(message, attempt, Status.NEW_TYPE, reason, now)",
        "SQL = \"INSERT INTO events (message_id, at, type) SELECT id, $1, 'new_type' FROM again\"",
    ],
)
def test_an_event_is_found_wherever_it_is_made(code: str) -> None:
    assert set(vocabulary.events_in(ast.parse(code))) == {"new_type"}
