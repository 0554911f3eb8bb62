"""The secrets that sign an account's callbacks, one line of them for each face.

A new secret does not end the one before at once: for `OVERLAP` both sign, so that the customer can change over
without losing a callback (Standard Webhooks, "secret rotation").
"""

import asyncio
import base64
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from tyrian.engine.ports import Clock
from tyrian.store import keys as store
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

#: How long a secret still signs after its successor was made.
OVERLAP: Final = timedelta(hours=24)
#: Seconds for which a node trusts what it read; changes are also announced.
TTL: Final = 5.0
#: Standard Webhooks: 24 to 64 random bytes, in base 64, after this prefix.
PREFIX: Final = "whsec_"
_BYTES: Final = 32
_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """A secret in force. `expires_at` is None for the newest."""

    created_at: datetime
    expires_at: datetime | None
    secret: str = field(repr=False)


class SigningSecrets:
    """Reads and rotates signing secrets; remembers them for a few seconds."""

    def __init__(
        self, db: Database, clock: Clock, box: SecretBox, *, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._db = db
        self._clock = clock
        self._box = box
        self._timer = timer
        self._known: dict[tuple[int, str], tuple[float, list[SigningSecret]]] = {}
        #: Reads under way: a hundred callbacks that find the memory out of date at once share one.
        self._reading: dict[tuple[int, str], asyncio.Task[list[SigningSecret]]] = {}
        self._making = asyncio.Lock()

    def refresh_soon(self) -> None:
        """Forgets what is remembered, because a secret was made somewhere."""
        self._known = {}

    async def in_force(self, account_id: int, face: str = "native") -> list[SigningSecret]:
        """The account's secrets that sign at this moment, newest first; at least one, made now if there was none."""
        if found := await self.listed(account_id, face):
            return found
        async with self._making:
            return await self.listed(account_id, face) or [await self.rotate(account_id, face)]

    async def listed(self, account_id: int, face: str = "native") -> list[SigningSecret]:
        """The account's secrets that sign at this moment, newest first; none, if none was ever needed."""
        key, now = (account_id, face), self._clock.now()
        until, found = self._known.get(key, (0.0, []))
        if until <= self._timer():
            found = await self._read_once(key)
        return [s for s in found if s.expires_at is None or s.expires_at > now]

    async def _read_once(self, key: tuple[int, str]) -> list[SigningSecret]:
        task = self._reading.get(key)
        if task is None:
            task = self._reading[key] = asyncio.create_task(self._remember(key))
            task.add_done_callback(lambda _: self._reading.pop(key, None))
        return await asyncio.shield(task)

    async def _remember(self, key: tuple[int, str]) -> list[SigningSecret]:
        found = await self._read(*key)
        if len(self._known) >= _REMEMBERED:
            self.refresh_soon()
        self._known[key] = (self._timer() + TTL, found)
        return found

    async def signing_keys(self, account_id: int, face: str = "native") -> list[str]:
        """The secrets themselves, newest first, as a face's `render` takes them."""
        return [s.secret for s in await self.in_force(account_id, face)]

    async def rotate(self, account_id: int, face: str = "native", secret: str | None = None) -> SigningSecret:
        """Makes a new secret (or takes the one given) and lets the one before run out."""
        now = self._clock.now()
        secret = secret or PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()
        # Two rotations in the same microsecond are told apart by the next one: the time is the secret's name.
        while not await store.add_signing(self._db, account_id, face, self._box.seal(secret.encode()), now):
            now += timedelta(microseconds=1)
        await store.forget_signing(self._db, account_id, face, now - OVERLAP)
        self.refresh_soon()
        return SigningSecret(now, None, secret)

    async def _read(self, account_id: int, face: str) -> list[SigningSecret]:
        found: list[SigningSecret] = []
        newer: datetime | None = None
        for stored in await store.signing(self._db, account_id, face):
            ends = newer + OVERLAP if newer else None
            found.append(SigningSecret(stored.created_at, ends, self._box.open(stored.secret).decode()))
            newer = stored.created_at
        return found
