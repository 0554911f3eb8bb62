"""The guide's example is what it says: a package that Tyrian finds, and code as clean as Tyrian's own."""

import subprocess
import sys
from pathlib import Path

from tests.conformance import guide
from tyrian.engine.registry import kinds_of, load_registrations

ROOT = Path(__file__).parents[2]


def test_the_page_shows_every_file_that_it_lists() -> None:
    shown = set(guide.files())
    assert shown == {
        "pyproject.toml",
        "pigeon_subject.py",
        *(f"tyrian_pigeon/{name}.py" for name in ("__init__", "wire", "limits", "statuses", "connector")),
    }
    listing = guide.PAGE.read_text("utf-8").split("```text\n")[1].split("```")[0]
    assert [path for path in shown if Path(path).name not in listing] == []


def test_the_entry_point_gives_the_kind() -> None:
    guide.module("tyrian_pigeon")
    registrations = load_registrations(guide.entry_points())
    assert list(kinds_of(registrations)) == ["pigeon"]


def test_the_code_passes_the_linter() -> None:
    # Imports are sorted by where things are, and made-up secrets are allowed in tests: neither can be seen from there.
    for command in (["check", "--extend-ignore", "I001,S105"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--config", str(ROOT / "pyproject.toml"), str(guide.folder())],
            capture_output=True, text=True, cwd=ROOT, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
