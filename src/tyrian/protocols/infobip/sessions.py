"""Tokens that stand for a user name and its password: IBSSO sessions and OAuth 2.0 access tokens.

Either is 32 random bytes, kept as a hash. A session lives for an hour after its last use, and only for the address that
opened it unless it was asked to be `unsafe`; an access token ends an hour after it was given out. Both end with the key
that they stand for (Infobip OpenAPI 3.210.0, product account-management; "API authentication").
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tyrian.engine.keys import Form, KeyEntry, new_secret

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

FACE: Final = "infobip"
SESSION: Final = "session"
ACCESS: Final = "oauth2"
#: Seconds that a session lives without being used, and an access token at all.
LIFETIME: Final = 3600
#: A session's last use is noted again after so many seconds: not every request shall write.
_NOTED_EVERY: Final = timedelta(seconds=300)
#: Seconds for which a node trusts what it read of a token, and how many tokens it remembers.
_TTL: Final = 5.0
_REMEMBERED: Final = 10_000


class _Known(NamedTuple):
    until: float
    key: KeyEntry
    remote: str | None


class Tokens:
    """The tokens of one gateway's accounts."""

    def __init__(self, gateway: "Gateway", *, timer: Callable[[], float] = time.monotonic) -> None:
        """`timer` gives the seconds by which remembered tokens age."""
        self._gateway = gateway
        self._timer = timer
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def give(self, kind: str, user: str, password: str, remote: str | None = None) -> str | None:
        """A new token for a user name and password, or None if they are wrong. `remote` ties it to an address."""
        key = await self._gateway.keys.authenticate(FACE, f"{user}:{password}", Form.PAIR)
        if key is None:
            return None
        token = new_secret()
        body = {"key": str(key.id), "used": self._gateway.clock.now().isoformat(), "remote": remote}
        await self._gateway.documents.put(key.account_id, FACE, kind, _hash(token), body, ttl=LIFETIME)
        return token

    def remembered(self, kind: str, token: str, remote: str | None = None) -> KeyEntry | None:
        """Whom a token stands for, if that was looked up a moment ago."""
        known = self._known.get(kind + _hash(token))
        if known is None or known.until <= self._timer() or known.remote not in (None, remote):
            return None
        return known.key

    async def who(self, kind: str, token: str, remote: str | None = None) -> KeyEntry | None:
        """The key that a token stands for, or None for one that is not, or no longer, in force."""
        known = self.remembered(kind, token, remote)
        if known is not None:
            return known
        name = _hash(token)
        found = await self._gateway.documents.find(FACE, kind, name)
        if found is None:
            return None
        account_id, body = found
        if body["remote"] not in (None, remote):
            return None
        key = await self._key(account_id, body["key"])
        if key is None:
            return None
        if not await self._use(account_id, kind, name, body):
            return None
        self._remember(kind + name, _Known(self._timer() + _TTL, key, body["remote"]))
        return key

    async def end(self, kind: str, token: str) -> bool:
        """Ends a token; False if there was none. Other nodes may trust it for some seconds more."""
        name = _hash(token)
        self._known.pop(kind + name, None)
        found = await self._gateway.documents.find(FACE, kind, name)
        return found is not None and await self._gateway.documents.delete(found[0], FACE, kind, name)

    async def _key(self, account_id: int, key_id: str) -> KeyEntry | None:
        keys = await self._gateway.keys.list(account_id)
        return next((key for key in keys if str(key.id) == key_id), None)

    async def _use(self, account_id: int, kind: str, name: str, body: dict[str, Any]) -> bool:
        """Notes that a session is used; False for one that was ended since it was looked up."""
        now = self._gateway.clock.now()
        if kind != SESSION or now - datetime.fromisoformat(body["used"]) < _NOTED_EVERY:
            return True
        used = body | {"used": now.isoformat()}
        return await self._gateway.documents.touch(account_id, FACE, kind, name, used, ttl=LIFETIME)

    def _remember(self, name: str, known: _Known) -> None:
        self._known[name] = known
        self._known.move_to_end(name)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
