"""The small things that a face keeps for an account: callback configuration, subscriptions, templates, tokens.

Reading is cached, since faces ask on every request: changes are announced to every node, and what was read is trusted
for a few seconds at most.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from tyrian.engine.ports import Clock
from tyrian.store import documents as store
from tyrian.store.database import Database

#: Seconds for which a node trusts what it read.
TTL: Final = 5.0
_REMEMBERED: Final = 20_000

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode

_Key = tuple[int, str, str, str]


class Document(Struct, frozen=True):
    """A document as it was put."""

    name: str
    body: Any
    created_at: datetime
    updated_at: datetime


class Documents:
    """The documents of all accounts. Names and kinds are the face's own; bodies are JSON values."""

    def __init__(self, db: Database, clock: Clock, *, timer: Callable[[], float] = time.monotonic) -> None:
        """`timer` gives the seconds by which remembered documents age."""
        self._db = db
        self._clock = clock
        self._timer = timer
        self._known: OrderedDict[_Key, tuple[float, Any]] = OrderedDict()
        self._generation = 0

    def refresh_soon(self) -> None:
        """Forgets everything remembered, because a document changed somewhere."""
        self._generation += 1
        self._known.clear()

    async def get(self, account_id: int, face: str, kind: str, name: str) -> Any | None:
        """A document's body, or None."""
        key = (account_id, face, kind, name)
        known = self._known.get(key)
        if known is not None and known[0] > self._timer():
            return known[1]
        generation = self._generation
        stored = await store.get(self._db, *key, self._clock.now())
        body = _decode(stored.body) if stored is not None else None
        # One that expires is asked for each time: the clock that ends it is not the timer.
        if generation == self._generation and (stored is None or stored.expires_at is None):
            self._remember(key, body)
        return body

    def _remember(self, key: _Key, body: Any) -> None:
        self._known[key] = (self._timer() + TTL, body)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    async def find(self, face: str, kind: str, name: str) -> tuple[int, Any] | None:
        """Account and body of a document known by its name alone, such as the hash of a token. Not cached."""
        found = await store.find(self._db, face, kind, name, self._clock.now())
        return (found[0], _decode(found[1])) if found else None

    async def list(self, account_id: int, face: str, kind: str, names: Sequence[str] | None = None) -> list[Document]:
        """An account's documents of a kind, oldest first: all of them, or those that are named."""
        now = self._clock.now()
        if names is None:
            rows = await store.listed(self._db, account_id, face, kind, now)
        else:
            rows = await store.some(self._db, account_id, face, kind, names, now)
        return [Document(r.name, _decode(r.body), r.created_at, r.updated_at) for r in rows]

    async def put(
        self, account_id: int, face: str, kind: str, name: str, body: Any, *, ttl: float | None = None
    ) -> None:
        """Writes a document, new or not; with `ttl` it expires after so many seconds."""
        now = self._clock.now()
        await store.put(self._db, (account_id, face, kind, name), _encode(body), now, _until(now, ttl))
        self.refresh_soon()

    async def touch(
        self, account_id: int, face: str, kind: str, name: str, body: Any, *, ttl: float | None = None
    ) -> bool:
        """Writes a document that is there; False, and nothing written, for one that was removed or has expired.

        For changes to what somebody else may remove meanwhile, and which must not bring it back.
        """
        now = self._clock.now()
        there = await store.touch(self._db, (account_id, face, kind, name), _encode(body), now, _until(now, ttl))
        self.refresh_soon()
        return there

    async def change(
        self,
        account_id: int,
        face: str,
        kind: str,
        name: str,
        to: Callable[[Any | None], Any],
        *,
        ttl: float | None = None,
    ) -> Any:
        """Writes what `to` makes of a document's body (None: there is none), and returns it.

        Of two changes at once none is lost: the later is made anew of what the earlier wrote, so `to` may be called
        several times, and must change nothing else. What it raises ends the change. Nothing is written where nothing
        changes.
        """
        key = (account_id, face, kind, name)
        while True:
            now = self._clock.now()
            stored = await store.get(self._db, *key, now)
            old = stored.body if stored is not None else None
            made = to(_decode(old) if old is not None else None)
            body = _encode(made)
            if body == old and ttl is None:
                return made
            if await store.swap(self._db, key, old, body, now, _until(now, ttl)):
                self.refresh_soon()
                return made

    async def delete(self, account_id: int, face: str, kind: str, name: str) -> bool:
        """Removes a document; False if there is none."""
        gone = await store.delete(self._db, (account_id, face, kind, name))
        self.refresh_soon()
        return gone

    async def forget(self) -> None:
        """Removes what has expired."""
        await store.forget(self._db, self._clock.now())


def _until(now: datetime, ttl: float | None) -> datetime | None:
    return now + timedelta(seconds=ttl) if ttl is not None else None
