"""Lending PostgreSQL to another user: closed folders open for that user to pass through, and stay closed otherwise."""

import os
import stat
import sys
from pathlib import Path

import pytest

from tyrian.store.unprivileged import RunAs, for_data, let_pass, open_tree

STRANGER = 54321
ANOTHER = 54322


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def named_users(folder: Path) -> dict[int, int]:
    """Who is named in the folder's access control list, and what they may."""
    raw = os.getxattr(folder, "system.posix_acl_access")[4:] if sys.platform == "linux" else b""
    entries = [raw[at : at + 8] for at in range(0, len(raw), 8)]
    return {int.from_bytes(e[4:], "little"): e[2] for e in entries if e[0] == 0x02}


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    return folder


def test_a_user_who_is_let_through_may_do_nothing_else(closed: Path) -> None:
    let_pass(closed, STRANGER)
    assert named_users(closed) == {STRANGER: 1}
    assert mode(closed) & 0o707 == 0o700


def test_whoever_was_let_through_before_stays_so(closed: Path) -> None:
    for uid in (STRANGER, ANOTHER, STRANGER):
        let_pass(closed, uid)
    assert named_users(closed) == {STRANGER: 1, ANOTHER: 1}


def test_without_access_control_lists_the_folder_opens_for_passing_only(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(os, "setxattr", refuse, raising=False)
    let_pass(closed, STRANGER)
    assert mode(closed) == 0o701


def test_program_files_open_for_reading_and_only_programs_for_running(closed: Path) -> None:
    (closed / "program").touch(mode=0o700)
    (closed / "library").touch(mode=0o600)
    open_tree(closed, RunAs(STRANGER, STRANGER))
    assert [mode(closed), mode(closed / "program"), mode(closed / "library")] == [0o755, 0o755, 0o644]


def test_an_ordinary_user_runs_the_server_as_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
    who = for_data(tmp_path)
    assert who == RunAs()
    assert who.options() == {}
    assert who.can_use(tmp_path)


def test_root_runs_the_server_as_the_owner_of_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    owner = tmp_path.stat()
    assert for_data(tmp_path) == RunAs(owner.st_uid, owner.st_gid)
