"""What the repository promises about itself: its locks, its licences, and what a wheel of it holds."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")


def pinned(lock: str) -> dict[str, str]:
    """The lines of a lock that pin a package, by the package's name."""
    return {found[1]: found[0] for found in re.finditer(r"(?m)^([a-z0-9-]+)==.*(?:\n {4}--hash=.*)*", read(lock))}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_with_hashes(lock: str) -> None:
    packages = pinned(lock)
    assert len(packages) > 40
    assert [name for name, lines in packages.items() if "--hash=sha256:" not in lines] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_name_no_place_to_download_from(lock: str) -> None:
    assert re.findall(r"https?:|file:|index-url|find-links|^.*/(?:home|root|tmp|work|opt)/.*$", read(lock)) == []


def test_the_locks_agree() -> None:
    every = pinned("requirements-dev.lock")
    assert {name: lines for name, lines in pinned("requirements.lock").items() if every.get(name) != lines} == {}


def test_every_installed_package_is_documented_with_its_licence() -> None:
    rows = re.findall(r"(?m)^\| (.+?) \|", read("docs/reference/dependencies.md"))
    documented = {name for row in rows for name in re.findall(r"[a-z0-9-]+", row)}
    assert set(pinned("requirements.lock")) - documented == set()


def test_continuous_integration_runs_the_tests_as_the_readme_says() -> None:
    commands = [line for line in read(".ci/run").splitlines() if line and not line.startswith("#")]
    assert commands == ["set -eu", 'cd "$(dirname "$0")/.."', "exec make test </dev/null"]
    assert re.search(r"(?m)^\s*make test\b", read("README.md"))


def test_the_wheel_brings_the_migrations_and_the_types(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("tyrian-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    scripts = {f"tyrian/store/migrations/{path.name}" for path in ROOT.glob("src/tyrian/store/migrations/*.sql")}
    assert scripts
    assert scripts | {"tyrian/py.typed", "tyrian/store/migrations/env.py"} <= held
