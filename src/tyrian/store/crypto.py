"""Secrets at rest: AES-256 in Galois/Counter mode, under keys that can be rotated.

A sealed value is a version byte, the four-byte id of its key, a random nonce of twelve bytes, and the ciphertext with
its tag. The id says which key opens it, so that old keys can stay while values are sealed anew; both are authenticated.
"""

import contextlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: The file in the data folder that holds the key, where no setting gives one.
KEY_FILE: Final = "secret.key"

_VERSION: Final = b"\x01"
_ID_BYTES: Final = 4
#: Recommended for GCM (NIST SP 800-38D section 8.2.2): random, safe for 2**32 values under one key.
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_HEAD: Final = len(_VERSION) + _ID_BYTES
_PURPOSE: Final = b"tyrian: secrets at rest, version 1"
_ROOT: Final = b"tyrian: root of derived keys, version 1"


class CannotOpen(Exception):
    """A sealed value that none of the keys opens; the message says what to do."""


class KeySettings(Protocol):
    """The settings that say which keys there are."""

    @property
    def secret_key(self) -> str | None:
        """The key that seals; None for the one in the data folder."""

    @property
    def old_secret_keys(self) -> tuple[str, ...]:
        """Keys that only open."""

    @property
    def data_dir(self) -> Path:
        """The folder for a key that no setting gives."""


class SecretBox:
    """Seals with the first key, opens with any. Keys are texts of any length, to be chosen at random."""

    __slots__ = ("_ciphers", "_current", "_roots")

    def __init__(self, key: str, old: Sequence[str] = ()) -> None:
        self._ciphers: dict[bytes, AESGCM] = {}
        # The current key's first.
        self._roots = [_expand(text.encode(), _ROOT) for text in (key, *old)]
        for text in (*old, key):
            identifier, derived = _derive(text)
            self._ciphers[identifier] = AESGCM(derived)
            self._current = identifier

    @classmethod
    def from_settings(cls, settings: KeySettings) -> "SecretBox":
        """The box of this gateway. Blocks on the disk, and may make the key; see `stored_key`."""
        return cls(settings.secret_key or stored_key(settings.data_dir), settings.old_secret_keys)

    @property
    def key_id(self) -> str:
        """The id of the key that seals, in hex. Tells nothing of the key."""
        return self._current.hex()

    def derive(self, purpose: str) -> tuple[bytes, ...]:
        """Keys of 32 bytes for another use, one for each key of the box, the current one's first."""
        return tuple(_expand(root, purpose.encode()) for root in self._roots)

    def seal(self, plain: bytes) -> bytes:
        """The value, encrypted. Each call gives another text."""
        head, nonce = _VERSION + self._current, os.urandom(_NONCE_BYTES)
        return head + nonce + self._ciphers[self._current].encrypt(nonce, plain, head)

    def open(self, sealed: bytes) -> bytes:
        """The value again. Raises `CannotOpen` if it was sealed with a key that is not here, or was altered."""
        head, nonce, body = sealed[:_HEAD], sealed[_HEAD : _HEAD + _NONCE_BYTES], sealed[_HEAD + _NONCE_BYTES :]
        if head[:1] != _VERSION or len(body) < _TAG_BYTES:
            raise CannotOpen("A stored secret is damaged: it does not begin as sealed values do. Set it again.")
        cipher = self._ciphers.get(head[1:])
        if cipher is None:
            raise CannotOpen(
                f"A stored secret was sealed with key {head[1:].hex()}, and this node has {self._ids()}. "
                "Set secret_key, or add to old_secret_keys, the key that was in use when the secret was stored."
            )
        try:
            return cipher.decrypt(nonce, body, head)
        except InvalidTag:
            raise CannotOpen("A stored secret was altered and cannot be opened. Set it again.") from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether a value was sealed with the key that seals now."""
        return sealed[:_HEAD] == _VERSION + self._current

    def _ids(self) -> str:
        return " and ".join(sorted(identifier.hex() for identifier in self._ciphers))

    def __repr__(self) -> str:
        return f"SecretBox(key {self.key_id})"


def _derive(text: str) -> tuple[bytes, bytes]:
    """A key's id and the AES key itself, by HKDF (RFC 5869), so that neither tells of the other."""
    material = HKDF(SHA256(), 32 + _ID_BYTES, salt=None, info=_PURPOSE).derive(text.encode())
    return material[32:], material[:32]


def _expand(material: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=info).derive(material)


def stored_key(data_dir: Path) -> str:
    """The key kept in the data folder; made at the first call, readable by its owner alone. Blocks on the disk.

    Safe to call from several processes at once: the first one's key wins. Raises `OSError` where the folder or file
    cannot be used.
    """
    path = data_dir / KEY_FILE
    with contextlib.suppress(FileNotFoundError):
        return path.read_text("ascii").strip()
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = data_dir / f"{KEY_FILE}.{secrets.token_hex(4)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    # A link appears whole or not at all, and never replaces a key that another process has made meanwhile.
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    return path.read_text("ascii").strip()
