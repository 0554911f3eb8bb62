"""Credentials: who calls, and what that caller may do.

A credential takes one of three forms (`Form`); a face says which of them it knows. Tokens and passwords that Tyrian
makes are 32 random bytes, so a plain SHA-256 keeps them: there is nothing to guess, and a slow hash would only slow
every request down. Credentials chosen by people are for demonstrations and tests.
"""

import asyncio
import base64
import hashlib
import secrets
import string
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar
from uuid import UUID

from tyrian.domain.ids import Ids
from tyrian.engine.ports import Clock
from tyrian.engine.signing import SigningSecrets
from tyrian.store import keys as store
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database
from tyrian.store.keys import KeyTaken, StoredKey

_V = TypeVar("_V")

__all__ = ["ALL_SCOPES", "SCOPES", "Form", "KeyEntry", "KeyRing", "KeyTaken", "NewKey", "new_secret"]

#: What a key may be allowed to do, each with the sentence that the documentation prints.
SCOPES: Final[dict[str, str]] = {
    "messages:send": "Send messages, one or many.",
    "messages:read": "Read messages, their attempts, history and exchanges, and list them.",
    "bulks:manage": "See, pause, resume, reschedule and cancel bulks, and retry what failed in them.",
    "channels:read": "List channels, their settings and what they can carry, without their secrets.",
    "channels:manage": "Create, change, pause, check and remove channels.",
    "keys:manage": "List, create and revoke keys; no key can give away a scope that it has not.",
    "callbacks:manage": "See callbacks that failed and deliver them again; rotate the secrets that sign callbacks.",
    "inbound:read": "Read the messages that people sent.",
    "media:manage": "Upload, fetch, probe, list, remake and remove the files that the gateway hosts.",
    "people:read": "Read contacts, what they agreed to, who must not be written to, and the rules for that.",
    "people:manage": "Change contacts, record consent, and set who must not be written to, and the rules for that.",
    "inbox:read": "Read conversations, agents, queues and prepared answers, and watch what happens.",
    "inbox:write": "Open, answer, transfer and close conversations; set up agents, queues and channels' inboxes.",
    "flows:read": "Read flows, their versions, and where people stand in them.",
    "flows:manage": "Check, publish, pause and remove flows, and take people out of them.",
    "accounts:manage": "List all accounts of this gateway and create new ones. For its operator only.",
}
ALL_SCOPES: Final = frozenset(SCOPES)

#: What native keys begin with, so that people and secret scanners know them on sight.
TOKEN_PREFIX: Final = "tyrian_"  # noqa: S105  not a secret, only its beginning
_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET_BYTES: Final = 32
#: Characters of a credential that lists show; never more than half of it.
_SHOWN: Final = 12

#: Seconds for which a node trusts what it read. Changes are also announced, and then forgotten at once.
TTL: Final = 5.0
#: Credentials that are remembered, good ones and bad ones each.
_REMEMBERED: Final = 10_000
#: Look-ups at once, so that guessing at credentials leaves the database's connections to those who work.
_LOOKUPS: Final = 4


class Form(StrEnum):
    """What a caller presents."""

    #: One secret word.
    TOKEN = "token"  # noqa: S105  the name of a form
    #: A user name and a password, presented as `user:password`.
    PAIR = "pair"
    #: A name that is no secret; the request is signed with a secret that both sides keep.
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A credential in force. `secret` is there only in the signed form, and is never shown by `repr`."""

    id: UUID
    account_id: int
    face: str
    name: str
    #: The beginning of the credential, or its user name, by which people tell it from others.
    prefix: str
    scopes: frozenset[str]
    rate: float | None
    created_at: datetime
    secret: str | None = field(default=None, repr=False)

    def allows(self, scope: str) -> bool:
        """Whether the key has this scope."""
        return scope in self.scopes


@dataclass(frozen=True, slots=True)
class NewKey:
    """A credential just made, with the secret that is shown this once."""

    entry: KeyEntry
    secret: str = field(repr=False)
    #: The user name or identity that goes with the secret, where the form has one.
    identity: str | None = None


def new_secret(prefix: str = "") -> str:
    """32 random bytes in base 62, after a prefix: 43 characters that need no escaping anywhere."""
    number, digits = int.from_bytes(secrets.token_bytes(_SECRET_BYTES)), []
    for _ in range(43):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return prefix + "".join(reversed(digits))


def new_signing_key() -> str:
    """64 random bytes in base 64: what signs must be bytes on both sides."""
    return base64.b64encode(secrets.token_bytes(64)).decode()


class KeyRing:
    """Finds credentials. Hot ones are found without the database and without waiting."""

    def __init__(
        self, db: Database, clock: Clock, box: SecretBox, *, timer: Callable[[], float] = time.monotonic
    ) -> None:
        """`timer` gives the seconds by which remembered credentials age; it never runs backwards."""
        self._db = db
        self._clock = clock
        self._box = box
        self._timer = timer
        self._ids = Ids()
        #: The secrets that sign callbacks; kept here because the same announcements concern both.
        self.signing = SigningSecrets(db, clock, box, timer=timer)
        self._good: OrderedDict[bytes, tuple[float, KeyEntry]] = OrderedDict()
        self._bad: OrderedDict[bytes, float] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[KeyEntry | None]] = {}
        self._slots = asyncio.Semaphore(_LOOKUPS)
        self._generation = 0

    async def start(self) -> None:
        """Begins with nothing remembered; credentials are looked up as they are presented."""
        self.refresh_soon()

    def refresh_soon(self) -> None:
        """Forgets everything remembered, because a key was made or revoked somewhere."""
        self._generation += 1
        self._good.clear()
        self._bad.clear()
        self._asking.clear()
        self.signing.refresh_soon()

    @property
    def generation(self) -> int:
        """Another number whenever a key may have been made or revoked: what was read before may be out of date."""
        return self._generation

    # -- Who calls ------------------------------------------------------------------------------------------------

    def find(self, face: str, presented: str, form: Form = Form.TOKEN) -> KeyEntry | None:
        """The credential, if it is remembered as good; None says only that `authenticate` must be asked."""
        return self._remembered(_digest(face, form, presented))

    async def authenticate(self, face: str, presented: str, form: Form = Form.TOKEN) -> KeyEntry | None:
        """The credential, or None if there is none in force. In the signed form the caller checks the signature."""
        digest = _digest(face, form, presented)
        entry = self._remembered(digest)
        if entry is not None or self._bad.get(digest, 0.0) > self._timer():
            return entry
        task = self._asking.get(digest)
        if task is None:
            task = asyncio.create_task(self._ask(digest, self._generation))
            self._asking[digest] = task
        # Others may wait for the same answer: one who leaves must not take it from them.
        return await asyncio.shield(task)

    async def knows(self, face: str, identity: str) -> bool:
        """Whether a face has a credential of this user name, whatever its secret."""
        async with self._slots:
            return await store.known(self._db, face, identity)

    def _remembered(self, digest: bytes) -> KeyEntry | None:
        known = self._good.get(digest)
        return known[1] if known is not None and known[0] > self._timer() else None

    async def _ask(self, digest: bytes, generation: int) -> KeyEntry | None:
        try:
            async with self._slots:
                stored = await store.by_hash(self._db, digest)
            entry = self._entry(stored) if stored else None
            # What was read before a change was announced may be out of date by now: it is used once, not remembered.
            if generation == self._generation:
                self._remember(digest, entry)
            return entry
        finally:
            if generation == self._generation:
                self._asking.pop(digest, None)

    def _remember(self, digest: bytes, entry: KeyEntry | None) -> None:
        until = self._timer() + TTL
        if entry is not None:
            _put(self._good, digest, (until, entry))
        else:
            _put(self._bad, digest, until)

    # -- Making and ending ----------------------------------------------------------------------------------------

    async def create(
        self,
        account_id: int,
        *,
        name: str,
        scopes: Iterable[str] = ALL_SCOPES,
        face: str = "native",
        form: Form = Form.TOKEN,
        secret: str | None = None,
        identity: str | None = None,
        rate: float | None = None,
    ) -> NewKey:
        """A new credential; its secret is made here unless given. `rate` is requests per second on each node.

        `identity` is the user name or public name of the forms that have one. Raises `ValueError` for an unknown scope
        or a missing identity, `KeyTaken` for a credential that exists.
        """
        unknown = sorted(set(scopes) - ALL_SCOPES)
        if unknown:
            raise ValueError(f"unknown scopes: {', '.join(unknown)}; there are {', '.join(sorted(SCOPES))}")
        if (identity is None) != (form is Form.TOKEN):
            raise ValueError(f"a key of the form {form} takes {'no' if identity else 'an'} identity")
        secret = secret or (
            new_signing_key() if form is Form.SIGNED else new_secret(TOKEN_PREFIX if face == "native" else "")
        )
        stored = StoredKey(
            id=self._ids.new(self._clock.now()),
            account_id=account_id,
            face=face,
            name=name,
            prefix=identity or secret[: min(_SHOWN, len(secret) // 2)],
            secret=self._box.seal(secret.encode()) if form is Form.SIGNED else None,
            scopes=tuple(sorted(scopes)),
            rate=rate,
            created_at=self._clock.now(),
        )
        presented = {Form.TOKEN: secret, Form.PAIR: f"{identity}:{secret}", Form.SIGNED: identity or ""}[form]
        made = await store.create(self._db, stored, _digest(face, form, presented))
        self.refresh_soon()
        return NewKey(self._entry(made), secret, identity)

    async def revoke(self, account_id: int, key_id: UUID) -> bool:
        """Ends a credential, here at once and elsewhere within a moment; False if the account has no such key."""
        gone = await store.revoke(self._db, account_id, key_id, self._clock.now())
        self.refresh_soon()
        return gone

    def _entry(self, key: StoredKey, *, opened: bool = True) -> KeyEntry:
        secret = self._box.open(key.secret).decode() if key.secret is not None and opened else None
        return KeyEntry(
            id=key.id,
            account_id=key.account_id,
            face=key.face,
            name=key.name,
            prefix=key.prefix,
            scopes=frozenset(key.scopes),
            rate=key.rate,
            created_at=key.created_at,
            secret=secret,
        )

    async def list(self, account_id: int) -> Sequence[KeyEntry]:
        """The account's credentials in force, oldest first, without what they are kept secret by."""
        return [self._entry(key, opened=False) for key in await store.by_account(self._db, account_id)]

    async def signed(self, account_id: int, face: str) -> Sequence[KeyEntry]:
        """The account's credentials of the signed form for a face, newest first, with their secrets."""
        stored = await store.by_account(self._db, account_id)
        return [self._entry(key) for key in reversed(stored) if key.face == face and key.secret is not None]


def _digest(face: str, form: Form, presented: str) -> bytes:
    """What a credential is found by. Face and form go in, so that a name of one form is no password of another."""
    return hashlib.sha256(f"{face}\n{form}\n{presented}".encode("utf-8", "surrogatepass")).digest()


def _put(cache: "OrderedDict[bytes, _V]", digest: bytes, value: _V) -> None:
    cache[digest] = value
    cache.move_to_end(digest)
    if len(cache) > _REMEMBERED:
        cache.popitem(last=False)
