"""Where an account's events go that no message names an address for: subscriptions, their profiles and credentials.

Each is a document of its own; what is secret in credentials is encrypted. What all of them come to is worked out once
and trusted for a moment, since every send asks.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import msgspec
from msgspec import Struct

from tyrian.domain.submission import Platform
from tyrian.protocols.infobip.operation import FACE
from tyrian.protocols.infobip.subscription_wire import Profile, Security, Subscription

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

SUBSCRIPTION: Final = "subscription"
PROFILE: Final = "profile"
SECURITY: Final = "security"
#: Seconds for which a node trusts what it worked out; its own changes count at once.
_TTL: Final = 2.0
#: The header of an HMAC signature: the vendor publishes no name for it (assumed).
SIGNATURE_HEADER: Final = "x-infobip-signature"
_DIGESTS: Final[Mapping[str, str]] = {
    "HMAC_MD5": "md5",
    "HMAC_SHA_1": "sha1",
    "HMAC_SHA_224": "sha224",
    "HMAC_SHA_256": "sha256",
    "HMAC_SHA_384": "sha384",
    "HMAC_SHA_512": "sha512",
}


class Route(Struct, frozen=True, kw_only=True):
    """One subscription with all that matters for bringing its events."""

    events: frozenset[str]
    #: Pairs of application and entity; None: any.
    criteria: tuple[tuple[str | None, str | None], ...] = ()
    resources: frozenset[str] = frozenset()
    url: str
    security: Security | None = None
    headers: Mapping[str, str] = {}

    def wants(self, event: str, senders: frozenset[str], platform: Platform | None) -> bool:
        """Whether an event of a sender, for an application and entity, goes here."""
        if event not in self.events or (self.resources and not self.resources & senders):
            return False
        entity = platform.entity_id if platform is not None else None
        application = platform.application_id if platform is not None else None
        return not self.criteria or any(a in (None, application) and e in (None, entity) for a, e in self.criteria)


class Subscriptions:
    """The subscriptions of one gateway's accounts."""

    def __init__(self, gateway: "Gateway", *, timer: Callable[[], float] = time.monotonic) -> None:
        """`timer` gives the seconds by which what was worked out ages."""
        self._gateway = gateway
        self._timer = timer
        self._routes: dict[int, tuple[float, tuple[Route, ...]]] = {}

    # -- Where events go ------------------------------------------------------------------------------------------

    async def url(self, account_id: int, event: str, sender: str, platform: Platform | None) -> str | None:
        """Where an event of a sender goes, by the oldest subscription that wants it; None for nowhere."""
        return await self.url_of(account_id, event, frozenset((sender,)), platform)

    async def url_of(
        self, account_id: int, event: str, senders: frozenset[str], platform: Platform | None
    ) -> str | None:
        """The same for a sender of several names."""
        found = await self.routes(account_id)
        return next((route.url for route in found if route.wants(event, senders, platform)), None)

    async def routes(self, account_id: int) -> tuple[Route, ...]:
        """All subscriptions of an account that lead somewhere, oldest first."""
        known = self._routes.get(account_id)
        if known is not None and known[0] > self._timer():
            return known[1]
        subscriptions = await self.all(account_id)
        profiles = {p.profile_id: p for p in await self.profiles(account_id)} if subscriptions else {}
        security = {s.auth_id: s for s in await self.credentials(account_id)} if profiles else {}
        made = [_route(subscription, profiles, security) for subscription in subscriptions]
        routes = tuple(route for route in made if route is not None)
        self._routes[account_id] = (self._timer() + _TTL, routes)
        return routes

    # -- Documents ------------------------------------------------------------------------------------------------

    async def all(self, account_id: int) -> list[Subscription]:
        """An account's subscriptions, oldest first."""
        return [msgspec.convert(d.body, Subscription) for d in await self._list(account_id, SUBSCRIPTION)]

    async def profiles(self, account_id: int) -> list[Profile]:
        """An account's profiles, oldest first; of their credentials the id alone."""
        return [msgspec.convert(d.body, Profile) for d in await self._list(account_id, PROFILE)]

    async def credentials(self, account_id: int) -> list[Security]:
        """An account's credentials, opened."""
        return [self._opened(d.body) for d in await self._list(account_id, SECURITY)]

    async def get(self, account_id: int, kind: str, name: str) -> Any | None:
        """A subscription, profile or credentials by id, as JSON; secrets stay closed."""
        if "\0" in name:  # Comes in paths, and no database text can hold it.
            return None
        return await self._gateway.documents.get(account_id, FACE, kind, name)

    async def put(
        self, account_id: int, value: Subscription | Profile | Security, *, taken: Exception | None = None
    ) -> None:
        """Writes one of the three. Credentials within a profile are written by themselves.

        Given `taken`, it must be a new one: that is raised where there is one of its id.
        """
        if isinstance(value, Profile) and value.security is not None and value.security.credentials is not None:
            await self.put(account_id, value.security)
            value = msgspec.structs.replace(value, security=Security(auth_id=value.security.auth_id))
        kind, name = _place(value)
        body = self._closed(value) if isinstance(value, Security) else msgspec.to_builtins(value)

        def written(known: Any | None) -> Any:
            if known is not None and taken is not None:
                raise taken
            return body

        await self._gateway.documents.change(account_id, FACE, kind, name, written)
        self._routes.pop(account_id, None)

    async def delete(self, account_id: int, kind: str, name: str) -> bool:
        """Removes one; False if there is none."""
        self._routes.pop(account_id, None)
        gone = await self._gateway.documents.delete(account_id, FACE, kind, name)
        self._routes.pop(account_id, None)
        return gone

    async def _list(self, account_id: int, kind: str) -> Sequence[Any]:
        return await self._gateway.documents.list(account_id, FACE, kind)

    def _closed(self, security: Security) -> dict[str, Any]:
        sealed = self._gateway.box.seal(msgspec.json.encode(security.credentials or {}))
        return {"authId": security.auth_id, "type": security.type, "sealed": base64.b64encode(sealed).decode()}

    def _opened(self, body: dict[str, Any]) -> Security:
        opened = self._gateway.box.open(base64.b64decode(body["sealed"]))
        return Security(auth_id=body["authId"], type=body["type"], credentials=msgspec.json.decode(opened))


_OF_GATEWAYS: "WeakKeyDictionary[Gateway, Subscriptions]" = WeakKeyDictionary()


def subscriptions_of(gateway: "Gateway") -> Subscriptions:
    """The subscriptions of a gateway; always the same object for the same gateway."""
    found = _OF_GATEWAYS.get(gateway)
    if found is None:
        found = _OF_GATEWAYS[gateway] = Subscriptions(gateway)
    return found


def _place(value: Subscription | Profile | Security) -> tuple[str, str]:
    if isinstance(value, Subscription):
        return SUBSCRIPTION, value.subscription_id
    return (PROFILE, value.profile_id) if isinstance(value, Profile) else (SECURITY, value.auth_id)


def _route(
    subscription: Subscription, profiles: Mapping[str, Profile], security: Mapping[str, Security]
) -> Route | None:
    profile = profiles.get(subscription.profile.profile_id)
    if profile is None or profile.webhook is None:
        return None
    criteria = tuple((c.application_id, c.entity_id) for c in subscription.criteria or ())
    return Route(
        events=frozenset(subscription.events),
        criteria=criteria,
        resources=frozenset(subscription.resources or ()),
        url=profile.webhook.notify_url,
        security=security.get(profile.security.auth_id) if profile.security is not None else None,
        headers=profile.headers or {},
    )


# -- Proving callbacks ------------------------------------------------------------------------------------------------


def secret_of(route: Route) -> str:
    """What a callback to a subscription's address needs, as one string."""
    return msgspec.json.encode({"url": route.url, "security": route.security, "headers": route.headers}).decode()


class _Secret(Struct):
    url: str
    security: Security | None = None
    headers: dict[str, str] = {}


def proofs(url: str | None, secrets: Sequence[str], body: bytes) -> dict[str, str]:
    """The headers that a subscription's profile adds to a callback that goes to its address."""
    for text in secrets:
        secret = msgspec.json.decode(text, type=_Secret)
        if secret.url == url:
            return {**{name.lower(): value for name, value in secret.headers.items()}, **_proof(secret, body)}
    return {}


def _proof(secret: _Secret, body: bytes) -> dict[str, str]:
    security = secret.security
    given = security.credentials if security is not None and security.credentials is not None else {}
    if security is not None and security.type == "BASIC":
        pair = f"{given['username']}:{given['password']}"
        return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    if security is not None and security.type == "HMAC":
        digest = getattr(hashlib, _DIGESTS[given["algorithm"]])
        return {SIGNATURE_HEADER: hmac.new(given["secretKey"].encode(), body, digest).hexdigest()}
    return {}
