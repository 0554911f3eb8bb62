"""What the callbacks of both products share: the signature, times, and ids that storage can hold."""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from tyrian.engine.ports import HookAnswer, HookRequest
from tyrian.protocols.viber.bot_wire import SIGNATURE_HEADER, SIGNATURE_QUERY

#: Times above this are milliseconds, below it seconds: as seconds it would be the year 5138.
_MILLISECONDS_FROM: Final = 10**11
#: NUL, which PostgreSQL's text cannot hold, and halves of characters.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")

Network = IPv4Network | IPv6Network


def sign(body: bytes, key: str) -> str:
    """The signature of a body: lower-case hex HMAC-SHA256 over its raw bytes (Bot API documentation, callbacks)."""
    return hmac.digest(key.encode(), body, "sha256").hex()


def is_signed(request: HookRequest, *keys: str) -> bool:
    """Whether the header or the `sig` parameter holds the body's signature by one of these keys.

    Takes the same time whatever they hold.
    """
    expected = [sign(request.body, key).encode() for key in keys]
    given = (request.headers.get(SIGNATURE_HEADER.lower()), request.query.get(SIGNATURE_QUERY))
    matches = [hmac.compare_digest(e, g.encode("utf-8", "replace")) for g in given if g for e in expected]
    return any(matches)


def refused(status: int) -> HookAnswer:
    """An answer without happenings and without a hint for whoever forged the request."""
    return HookAnswer(status=status, content_type="text/plain")


def is_from(remote: str | None, networks: tuple[Network, ...]) -> bool:
    """Whether an address belongs to one of the networks. An unknown or unreadable address belongs to none."""
    try:
        address = ip_address(remote or "")
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


def moment(stamp: int | None) -> datetime | None:
    """A time in seconds or milliseconds since 1970 as a moment in UTC; None if it is none."""
    if stamp is None or stamp <= 0:
        return None
    try:
        return datetime.fromtimestamp(stamp / 1000 if stamp >= _MILLISECONDS_FROM else stamp, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def storable(text: str) -> str:
    """The text without what no database text can hold."""
    return _UNSTORABLE.sub("", text)


def digest(body: bytes) -> str:
    """An id for a callback that brings none: the same bytes are the same event."""
    return hashlib.sha256(body).hexdigest()[:32]
