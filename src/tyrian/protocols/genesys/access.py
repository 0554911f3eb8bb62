"""Who calls: OAuth client credentials, the tokens given for them, and how often each token may be used.

A token is 32 random bytes, kept as a hash. It ends with its time, or with the credential that it was given for. It is
remembered for a day after its end, so that its owner can be told that it has expired.
"""

import base64
import binascii
import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from tyrian.engine.keys import Form, KeyEntry, new_secret
from tyrian.protocols.genesys import errors
from tyrian.protocols.genesys.errors import ApiError
from tyrian.protocols.genesys.operation import Operation
from tyrian.protocols.genesys.organization import FACE, Organization, Organizations, must_have
from tyrian.protocols.genesys.rights import Caller, granted

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

_TOKEN: Final = "token"  # noqa: S105  the name of a kind of document
_AFTERWARDS: Final = 86_400
#: Seconds for which a node trusts what it read of a token, and how many tokens it remembers.
_TTL: Final = 5.0
_REMEMBERED: Final = 10_000
#: Seconds of the window in which a token's requests are counted, from its first one.
WINDOW: Final = 60.0


class _Known(NamedTuple):
    until: float
    generation: int
    expires: datetime
    caller: Caller


class Standing(NamedTuple):
    """How much of its rate a token has used: requests, those allowed, seconds until it is counted anew."""

    used: int
    allowed: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        """The headers that tell it, on every answer."""
        names = ("count", "allowed", "reset")
        return {f"inin-ratelimit-{name}": str(value) for name, value in zip(names, self, strict=True)}


class Rates:
    """Counts the requests of each token in windows of a minute. A refused request is not counted."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        """`timer` gives seconds that never run backwards."""
        self._timer = timer
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def spend(self, token: str, allowed: int) -> tuple[Standing, bool]:
        """Counts one request, and says whether it may be served."""
        now = self._timer()
        began, count = self._windows.pop(token, (now, 0))
        if now - began >= WINDOW:
            began, count = now, 0
        served = count < allowed
        count += served
        self._windows[token] = (began, count)
        if len(self._windows) > _REMEMBERED:
            self._windows.popitem(last=False)
        return Standing(count, allowed, max(1, math.ceil(began + WINDOW - now))), served


class Guard:
    """Knows callers by their tokens, and what each may do."""

    def __init__(self, gateway: "Gateway", organizations: Organizations) -> None:
        self._gateway = gateway
        self._organizations = organizations
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self.rates = Rates()

    # -- Giving tokens ------------------------------------------------------------------------------------------------

    async def give(self, client_id: str, secret: str) -> tuple[str, int]:
        """A new token and its seconds. Raises `ApiError`: 400 for an unknown client, 401 for a wrong secret."""
        keys = self._gateway.keys
        key = await keys.authenticate(FACE, f"{client_id}:{secret}", Form.PAIR)
        if key is None:
            if await keys.knows(FACE, client_id):
                raise errors.oauth(401, "invalid_client", "authentication failed")
            raise errors.oauth(400, "invalid_client", "client not found")
        client = await self._organizations.client(key.account_id, client_id)
        seconds, token = client.access_token_validity_seconds, new_secret()
        expires = self._gateway.clock.now() + timedelta(seconds=seconds)
        body = {"key": str(key.id), "client": client_id, "expires": expires.isoformat()}
        documents = self._gateway.documents
        await documents.put(key.account_id, FACE, _TOKEN, _hash(token), body, ttl=seconds + _AFTERWARDS)
        return token, seconds

    # -- Who ----------------------------------------------------------------------------------------------------------

    async def caller(self, authorization: str | None) -> tuple[Caller, datetime]:
        """The caller, and when the token ends. Raises `ApiError` (401)."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise ApiError(401, "authentication.required", "No authentication bearer token specified.")
        name = _hash(token.strip())
        known = self._known.get(name)
        fresh = known is not None and known.until > time.monotonic()
        if known is None or not fresh or known.generation != self._gateway.keys.generation:
            known = await self._look_up(name)
        if known.expires <= self._gateway.clock.now():
            raise ApiError(401, "credentials.expired", "The supplied credentials are expired.")
        return known.caller, known.expires

    async def _look_up(self, name: str) -> _Known:
        generation = self._gateway.keys.generation
        found = await self._gateway.documents.find(FACE, _TOKEN, name)
        key = await self._key(found[0], found[1]["key"]) if found else None
        if found is None or key is None:
            raise ApiError(401, "bad.credentials", "Invalid login credentials.")
        caller = await self._allowed(key, found[1]["client"], name)
        expires = datetime.fromisoformat(found[1]["expires"])
        known = self._known[name] = _Known(time.monotonic() + _TTL, generation, expires, caller)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return known

    async def _key(self, account_id: int, key_id: str) -> KeyEntry | None:
        keys = await self._gateway.keys.list(account_id)
        return next((key for key in keys if str(key.id) == key_id), None)

    async def _allowed(self, key: KeyEntry, client_id: str, name: str) -> Caller:
        client = await self._organizations.client(key.account_id, client_id)
        scopes, permissions = granted(key.scopes)
        if client.scope is not None:
            scopes &= set(client.scope)
        allowed = client.allowed()
        return Caller(key, client_id, scopes, permissions if allowed is None else permissions & allowed, name)

    def forget(self) -> None:
        """Looks tokens up again: what a client may do has changed."""
        self._known.clear()

    # -- Whether ------------------------------------------------------------------------------------------------------

    def spend(self, caller: Caller, organization: Organization) -> Standing:
        """Counts a request of a token. Raises `ApiError` (429) above its rate."""
        rate = caller.key.rate
        allowed = organization.requests_per_minute if rate is None else max(1, int(rate * WINDOW))
        standing, served = self.rates.spend(caller.token, allowed)
        if not served:
            refused = errors.too_many(standing.reset)
            refused.headers |= standing.headers
            raise refused
        return standing

    def admit(self, caller: Caller, organization: Organization, operation: Operation) -> None:
        """Lets a caller in: scope, permissions, licence and capability. Raises `ApiError` (403)."""
        if operation.scope is not None and not caller.has_scope(operation.scope):
            raise errors.not_authorized(f"The token has not the scope {operation.scope}.")
        lacking = [name for name in operation.every if name not in caller.permissions]
        if lacking:
            raise errors.missing(lacking, every=True)
        if operation.some and not caller.permissions.intersection(operation.some):
            raise errors.missing(operation.some, every=False)
        must_have(organization, *operation.needs)


def basic(authorization: str) -> tuple[str, str] | None:
    """Client id and secret of a `Basic` header; None for any other."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (name, secret) if colon else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
