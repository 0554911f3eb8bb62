"""Secrets at rest: what is sealed opens again, and only as it was."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from tyrian.settings import Settings
from tyrian.store.crypto import KEY_FILE, CannotOpen, SecretBox, stored_key

BOX = SecretBox("first key")


@given(st.binary(max_size=300))
def test_what_is_sealed_opens_again(plain: bytes) -> None:
    sealed = BOX.seal(plain)
    assert BOX.open(sealed) == plain
    assert len(sealed) == len(plain) + 33


@given(st.binary(min_size=8, max_size=100))
def test_the_sealed_value_does_not_show_the_plain_one(plain: bytes) -> None:
    assert plain not in BOX.seal(plain)
    assert BOX.seal(plain) != BOX.seal(plain)


@given(st.binary(max_size=50), st.data())
def test_a_changed_bit_is_noticed(plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(BOX.seal(plain))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CannotOpen):
        BOX.open(bytes(sealed))


@given(st.binary(max_size=100))
def test_garbage_is_not_opened(garbage: bytes) -> None:
    with pytest.raises(CannotOpen):
        BOX.open(garbage)


@given(st.binary(max_size=50), st.data())
def test_a_shortened_value_is_noticed(plain: bytes, data: st.DataObject) -> None:
    sealed = BOX.seal(plain)
    with pytest.raises(CannotOpen):
        BOX.open(sealed[: data.draw(st.integers(0, len(sealed) - 1))])


def test_another_key_says_which_one_is_needed() -> None:
    other = SecretBox("second key")
    with pytest.raises(CannotOpen, match=f"sealed with key {BOX.key_id}, and this node has {other.key_id}"):
        other.open(BOX.seal(b"token"))


def test_a_rotated_key_still_opens_and_no_longer_seals() -> None:
    rotated = SecretBox("second key", old=["first key"])
    old = BOX.seal(b"token")
    new = rotated.seal(b"token")
    assert rotated.open(old) == rotated.open(new) == b"token"
    assert (rotated.is_current(old), rotated.is_current(new)) == (False, True)
    with pytest.raises(CannotOpen):
        BOX.open(new)


def test_the_key_is_never_shown() -> None:
    assert "first key" not in repr(BOX)


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    key = stored_key(folder)
    assert len(key) >= 43
    assert stored_key(folder) == key
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert [file.name for file in folder.iterdir()] == [KEY_FILE]


def test_processes_that_start_together_agree_on_the_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(lambda _: stored_key(tmp_path), range(24)))
    assert len(set(keys)) == 1


def test_the_settings_name_the_keys(tmp_path: Path) -> None:
    chosen = Settings(secret_key="second key", old_secret_keys=("first key",), data_dir=tmp_path)
    assert SecretBox.from_settings(chosen).open(BOX.seal(b"token")) == b"token"
    assert not (tmp_path / KEY_FILE).exists()
    kept = SecretBox.from_settings(Settings(data_dir=tmp_path))
    assert kept.key_id == SecretBox(stored_key(tmp_path)).key_id
