"""Readers of settings: each takes what was written (text, or a TOML value) and returns the value.

A reader that refuses raises `ValueError` with what the setting must be, worded to follow the setting's name.
"""

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

Reader = Callable[[Any], Any]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_ON: Final = ("true", "yes", "on", "1")
_OFF: Final = ("false", "no", "off", "0")
#: Every address there is.
EVERYWHERE: Final[tuple[Network, ...]] = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))


def text(given: Any) -> str:
    """Text that is not empty."""
    if not isinstance(given, str) or not given.strip() or "\0" in given:
        raise ValueError("must be text that is not empty")
    return given.strip()


def path(given: Any) -> Path:
    """A path; `~` is the home folder, and a relative path begins where the process was started."""
    if not isinstance(given, str | Path) or not str(given).strip() or "\0" in str(given):
        raise ValueError("must be a path")
    return Path(given).expanduser().absolute()


def choice(*allowed: str) -> Reader:
    """One of some words, in lower or upper case."""

    def read(given: Any) -> str:
        word = given.strip().lower() if isinstance(given, str) else None
        if word not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return word

    return read


def whole(least: int, most: int) -> Reader:
    """A whole number within bounds."""

    def read(given: Any) -> int:
        value = _as_number(given, int)
        if value is None or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(value)

    return read


def number(least: float, most: float) -> Reader:
    """A number within bounds."""

    def read(given: Any) -> float:
        value = _as_number(given, float)
        if value is None or not least <= value <= most:
            raise ValueError(f"must be a number from {least:.15g} to {most:.15g}")
        return float(value)

    return read


def _as_number(given: Any, kind: type[int] | type[float]) -> float | None:
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        return None
    if kind is int and isinstance(given, float):
        return None
    try:
        return kind(given)
    except (ValueError, OverflowError):
        return None


def secret(least: int) -> Reader:
    """A secret of at least so many characters. The message never repeats it."""

    def read(given: Any) -> str:
        if not isinstance(given, str) or len(given.strip()) < least:
            raise ValueError(f"must have at least {least} characters, chosen at random (openssl rand -base64 32)")
        return given.strip()

    return read


def secrets(least: int) -> Reader:
    """Several secrets: a list, or text with commas between."""

    def read(given: Any) -> tuple[str, ...]:
        one = secret(least)
        return tuple(one(item) for item in _items(given, "must be a list of secrets, separated by commas"))

    return read


def http_url(given: Any) -> str:
    """An http or https URL without a query; a trailing slash is taken off."""
    wrong = "must be an http:// or https:// URL with a host, and without a query"
    parts = _split(given, wrong)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(wrong)
    return str(given).strip().rstrip("/")


def postgresql_url(given: Any) -> str:
    """A URL of PostgreSQL, as libpq takes it. The message never repeats it, for it may hold a password."""
    wrong = "must be a URL such as postgresql://user:password@host:5432/database"
    if _split(given, wrong).scheme not in ("postgresql", "postgres"):
        raise ValueError(wrong)
    return str(given).strip()


def _split(given: Any, wrong: str) -> Any:
    if not isinstance(given, str) or any(c.isspace() or not c.isprintable() for c in given.strip()):
        raise ValueError(wrong)
    try:
        parts = urlsplit(given.strip())
        _ = parts.port
    except ValueError:
        raise ValueError(wrong) from None
    return parts


def networks(given: Any) -> tuple[Network, ...]:
    """Networks or single addresses: a list, or text with commas between."""
    wrong = "must be a list of networks such as 10.0.0.0/8, 192.0.2.7, ::1"
    try:
        return tuple(ipaddress.ip_network(item) for item in _items(given, wrong))
    except ValueError:
        raise ValueError(wrong) from None


def networks_or_switch(given: Any) -> tuple[Network, ...]:
    """`true` for every network, `false` for none, or a list of networks."""
    word = str(given).strip().lower()
    if word in (*_ON, *_OFF):
        return EVERYWHERE if word in _ON else ()
    try:
        return networks(given)
    except ValueError:
        raise ValueError("must be true, false, or a list of networks such as 10.0.0.0/8, 192.0.2.7, ::1") from None


def _items(given: Any, wrong: str) -> list[str]:
    if isinstance(given, str):
        given = given.split(",")
    if not isinstance(given, list | tuple) or not all(isinstance(item, str) for item in given):
        raise ValueError(wrong)
    return [item.strip() for item in given if item.strip()]
