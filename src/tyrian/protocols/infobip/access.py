"""Who calls, by any of the vendor's four schemes, and whether the caller may: scopes and rates.

`Authorization: App <key>`, `Basic <base64 of user:password>`, `IBSSO <token>` and `Bearer <token>` (OpenAPI 3.210.0,
"API authentication").
"""

import base64
import binascii
import time
from collections.abc import Hashable
from typing import TYPE_CHECKING, Final

from tyrian.engine.keys import Form, KeyEntry
from tyrian.engine.limiter import KeyLimiter
from tyrian.protocols.infobip.errors import ApiError
from tyrian.protocols.infobip.operation import FACE, SCOPES, Operation, Rate
from tyrian.protocols.infobip.sessions import ACCESS, SESSION, Tokens

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

_CHALLENGE: Final = {"www-authenticate": 'App realm="Infobip API", Basic realm="Infobip API"'}
_TOKENS: Final = {"ibsso": SESSION, "bearer": ACCESS}


class Guard:
    """Knows callers and holds each to its rate."""

    def __init__(self, gateway: "Gateway") -> None:
        self.tokens = Tokens(gateway)
        self._keys = gateway.keys
        self._rate = gateway.settings.key_rate
        self._limiter = KeyLimiter()
        #: Limiters whose clock counts windows of so many seconds, so that a bucket holds a whole window's requests.
        self._windows: dict[float, KeyLimiter] = {}

    # -- Who ------------------------------------------------------------------------------------------------------

    def remembered(self, authorization: bytes) -> KeyEntry | None:
        """The caller, if the API key is known without asking the database."""
        if authorization[:4].lower() != b"app ":
            return None
        return self._keys.find(FACE, authorization[4:].strip().decode("latin-1"))

    async def authenticate(self, authorization: str | None, remote: str | None) -> KeyEntry:
        """The caller. Raises `ApiError` (401)."""
        scheme, _, credential = (authorization or "").partition(" ")
        key = await self._who(scheme.lower(), credential.strip(), remote)
        if key is None:
            raise ApiError(401, headers=dict(_CHALLENGE))
        return key

    async def _who(self, scheme: str, credential: str, remote: str | None) -> KeyEntry | None:
        if not credential:
            return None
        if scheme == "app":
            return await self._keys.authenticate(FACE, credential)
        if scheme == "basic":
            pair = _decoded(credential)
            return await self._keys.authenticate(FACE, pair, Form.PAIR) if pair else None
        if scheme in _TOKENS:
            return await self.tokens.who(_TOKENS[scheme], credential, remote)
        return None

    # -- Whether --------------------------------------------------------------------------------------------------

    def admit(self, key: KeyEntry, operation: Operation) -> None:
        """Lets a caller in. Raises `ApiError` (403 without the scope, 429 above a rate)."""
        if operation.scopes and not any(SCOPES[scope] in key.scopes for scope in operation.scopes):
            raise ApiError(403)
        self._spend(key.id, key.rate if key.rate is not None else self._rate)
        if operation.rate is not None:
            self.throttle((key.id, operation.path, operation.method), operation.rate)

    def throttle(self, who: Hashable, rate: Rate) -> None:
        """Holds a caller to the rate of one endpoint. Raises `ApiError` (429)."""
        limiter = self._windows.get(rate.seconds)
        if limiter is None:
            limiter = self._windows[rate.seconds] = KeyLimiter(timer=lambda: time.monotonic() / rate.seconds)
        _refuse(limiter.allow((who, rate.requests), rate.requests) * rate.seconds)

    def _spend(self, who: Hashable, rate: float | None) -> None:
        if rate:
            _refuse(self._limiter.allow(who, rate))


def _refuse(wait: float) -> None:
    if wait > 0:
        raise ApiError(429, headers={"retry-after": str(max(1, int(wait) + (wait % 1 > 0)))})


def _decoded(credential: str) -> str | None:
    try:
        return base64.b64decode(credential, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
