"""Folders of killed runs go, those of living ones stay, and memory is used only where there is room."""

import os
import tempfile
from pathlib import Path

import pytest

from tests import folders


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of memory and of the system's own."""
    monkeypatch.setattr(folders, "MEMORY", tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def made(*, alive: bool, old: bool = True) -> Path:
    """The folder of a run."""
    folder, lock = folders.opened(0)
    (folder / "server").mkdir()
    if old:
        os.utime(folder, (1, 1))
    if not alive:
        os.close(lock)
    return folder


def test_what_a_killed_run_left_is_removed_by_the_next() -> None:
    dead = made(alive=False)
    folders.opened(0)
    assert not dead.exists()


def test_a_living_run_keeps_its_folder() -> None:
    living = made(alive=True)
    folders.opened(0)
    assert (living / "server").is_dir()


def test_a_folder_that_is_just_being_made_is_left_alone() -> None:
    young = made(alive=False, old=False)
    folders.opened(0)
    assert young.exists()


def test_memory_is_not_used_without_room(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = elsewhere / "memory"
    memory.mkdir()
    monkeypatch.setattr(folders, "MEMORY", memory)
    room = folders.free()
    assert folders.opened(0)[0].parent == memory
    assert folders.opened(2 * room)[0].parent == elsewhere


def test_a_containers_limit_counts(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, told in (("_LIMITED", "3000"), ("_USED", "1000")):
        (elsewhere / name).write_text(told)
        monkeypatch.setattr(folders, name, elsewhere / name)
    assert folders.free() == 2000
    (elsewhere / "_LIMITED").write_text("max")
    assert folders.free() > 2000
