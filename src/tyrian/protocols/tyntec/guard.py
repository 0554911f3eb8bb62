"""Who calls: the `apikey` header, and how often its key may be used."""

from typing import TYPE_CHECKING, Final

from tyrian.engine.keys import KeyEntry
from tyrian.engine.limiter import KeyLimiter
from tyrian.protocols.tyntec import errors
from tyrian.protocols.tyntec.accounts import FACE

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

SEND: Final = "messages:send"
READ: Final = "messages:read"
SEE: Final = "channels:read"
CONFIGURE: Final = "callbacks:manage"


class Guard:
    """Knows callers by their keys and holds each to its rate."""

    def __init__(self, gateway: "Gateway") -> None:
        self._keys = gateway.keys
        self._limiter = KeyLimiter()
        self._rate = gateway.settings.key_rate

    def remembered(self, key: bytes) -> KeyEntry | None:
        """The caller, if known without asking the database."""
        return self._keys.find(FACE, key.decode("latin-1"))

    async def caller(self, key: bytes) -> KeyEntry:
        """The caller. Raises `ApiError`: 401 without a key, 403 for a wrong one."""
        if not key:
            raise errors.no_key()
        entry = await self._keys.authenticate(FACE, key.decode("latin-1").strip())
        if entry is None:
            raise errors.bad_key()
        return entry

    def admit(self, entry: KeyEntry, scope: str) -> None:
        """Lets a caller in. Raises `ApiError`: 403 without the scope, 429 above the rate."""
        if scope not in entry.scopes:
            raise errors.forbidden()
        rate = entry.rate if entry.rate is not None else self._rate
        wait = self._limiter.allow(entry.id, rate) if rate else 0.0
        if wait > 0:
            raise errors.too_many(max(1, int(wait) + (wait % 1 > 0)))
