"""Who calls, and whether: Basic and Digest authentication, replayed requests, scopes and rates.

The window and the bounds of a nonce are not published; those here are wide enough for every SDK. What was seen is
remembered by each node for itself, and by no more than `_REMEMBERED` requests.
"""

import base64
import binascii
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tyrian.engine.keys import Form, KeyEntry
from tyrian.engine.limiter import KeyLimiter
from tyrian.protocols.telesign.codes import Code
from tyrian.protocols.telesign.errors import ApiError
from tyrian.protocols.telesign.signing import Signed, is_signed

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

FACE: Final = "telesign"
#: Seconds that a caller's clock may be wrong by, and for which a nonce is remembered (assumed).
CLOCK_SKEW: Final = 900.0
#: Characters of a nonce (assumed; the SDKs send UUIDs).
NONCE: Final = range(8, 65)
_REMEMBERED: Final = 200_000


class Credential(NamedTuple):
    """What a request says of its caller: its Authorization header, and all that a signature covers but the body."""

    authorization: bytes | None
    signed: Signed


_NAMES: Final[Mapping[bytes, str]] = {
    b"content-type": "content_type",
    b"date": "date",
    b"x-ts-auth-method": "auth_method",
    b"x-ts-date": "ts_date",
    b"x-ts-nonce": "nonce",
}


def credential_of(scope: Mapping[str, Any]) -> Credential:
    """What a request's head says of its caller."""
    authorization: bytes | None = None
    given: dict[str, bytes] = {}
    for name, value in scope["headers"]:
        if name in _NAMES:
            given[_NAMES[name]] = value
        elif name == b"authorization":
            authorization = value
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return Credential(authorization, Signed(scope["method"].encode(), raw.partition(b"?")[0], b"", **given))


class Nonces:
    """The nonces of the last minutes, so that nobody sends a request twice that was overheard."""

    def __init__(self, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._seen: OrderedDict[tuple[bytes, bytes], float] = OrderedDict()

    def take(self, customer: bytes, nonce: bytes) -> bool:
        """Whether a customer's nonce is new; it is not from now on."""
        now = self._timer()
        while self._seen and next(iter(self._seen.values())) <= now:
            self._seen.popitem(last=False)
        key = (customer, nonce)
        if key in self._seen:
            return False
        # A request may be dated ahead by the skew, and is then good for twice as long.
        self._seen[key] = now + 2 * CLOCK_SKEW
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return True


class Guard:
    """Knows callers by their credentials and holds each to its rate."""

    def __init__(self, gateway: "Gateway", *, now: Callable[[], float] = time.time) -> None:
        """`now` is the time of day that callers' dates are held against, in seconds."""
        self._keys = gateway.keys
        self._now = now
        self._nonces = Nonces()
        self._limiter = KeyLimiter()
        self._rate = gateway.settings.key_rate

    async def authenticate(self, credential: Credential, body: bytes) -> KeyEntry:
        """The caller. Raises `ApiError` (401)."""
        if credential.authorization is None:
            raise ApiError(Code.NO_AUTHORIZATION)
        scheme, _, given = credential.authorization.strip().partition(b" ")
        given = given.strip()
        if scheme.lower() == b"tsa":
            return await self._digest(given, credential.signed._replace(body=body))
        if scheme.lower() == b"basic":
            return await self._basic(given)
        raise ApiError(Code.BAD_AUTHORIZATION)

    async def _key(self, customer: bytes) -> KeyEntry:
        name = customer.decode("latin-1")
        key = self._keys.find(FACE, name, Form.SIGNED) or await self._keys.authenticate(FACE, name, Form.SIGNED)
        if key is None or key.secret is None:
            raise ApiError(Code.NOT_AUTHORIZED)
        return key

    async def _basic(self, given: bytes) -> KeyEntry:
        pair = _pair(given)
        customer, colon, secret = pair.partition(b":")
        if not colon:
            raise ApiError(Code.BAD_AUTHORIZATION)
        key = await self._key(customer)
        if not hmac.compare_digest((key.secret or "").encode(), secret):
            raise ApiError(Code.NOT_AUTHORIZED)
        return key

    async def _digest(self, given: bytes, signed: Signed) -> KeyEntry:
        customer, colon, signature = given.partition(b":")
        if not colon:
            raise ApiError(Code.BAD_AUTHORIZATION)
        key = await self._key(customer)
        try:
            right = self._timely(signed) and is_signed(signed, key.secret or "", signature.strip())
        except ValueError:
            right = False  # The key was made without the scheme in mind, and is no base64.
        if not right or (signed.nonce is not None and not self._fresh(customer, signed.nonce)):
            raise ApiError(Code.NOT_AUTHORIZED)
        return key

    def _timely(self, signed: Signed) -> bool:
        at = _seconds(signed.ts_date if signed.ts_date is not None else signed.date or b"")
        return at is not None and abs(self._now() - at) <= CLOCK_SKEW

    def _fresh(self, customer: bytes, nonce: bytes) -> bool:
        return len(nonce) in NONCE and self._nonces.take(customer, nonce)

    def admit(self, key: KeyEntry, scope: str) -> None:
        """Lets a caller in. Raises `ApiError` (401 without the scope, 429 above the rate)."""
        if scope not in key.scopes:
            raise ApiError(Code.NOT_AUTHORIZED)
        rate = key.rate if key.rate is not None else self._rate
        wait = self._limiter.allow(key.id, rate) if rate else 0.0
        if wait > 0:
            raise ApiError(Code.RATE_LIMIT, headers={"retry-after": str(int(wait) + 1)})


def _pair(given: bytes) -> bytes:
    """Customer id and API key; the documentation's own examples leave the base64 out."""
    if b":" in given:
        return given
    try:
        return base64.b64decode(given, validate=True)
    except binascii.Error:
        raise ApiError(Code.BAD_AUTHORIZATION) from None


@lru_cache(maxsize=256)
def _seconds(date: bytes) -> float | None:
    """An RFC 5322 date as seconds since 1970; None for what is none."""
    try:
        return parsedate_to_datetime(date.decode("latin-1")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
