"""Who asks, behind the proxies in between."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any


def remote_address(scope: Mapping[str, Any], trusted: Sequence[IPv4Network | IPv6Network]) -> str | None:
    """The caller's address: the last one in `X-Forwarded-For` that no trusted proxy wrote for another."""
    client = scope.get("client")
    remote: str | None = client[0] if client else None
    if not trusted or remote is None or not _trusts(remote, trusted):
        return remote
    hops = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").split(b",")
    for hop in reversed(hops):
        address = hop.decode("latin-1").strip()
        if not _is_address(address):
            break
        remote = address
        if not _trusts(remote, trusted):
            break
    return remote


def _trusts(remote: str, trusted: Sequence[IPv4Network | IPv6Network]) -> bool:
    if not _is_address(remote):
        return False
    address = ip_address(remote)
    return any(address in network for network in trusted)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
