"""Which time zones a person may live in: of a phone number, or of a country. Several, where nobody can know."""

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import Final

import phonenumbers

from tyrian.domain.address import region

_UNKNOWN: Final = "Etc/Unknown"


@lru_cache(maxsize=65536)
def of_number(number: str) -> tuple[str, ...]:
    """The zones in which a number (E.164, with its plus) may be. A mobile number often fits all zones of its country.

    Empty for numbers that belong nowhere, such as satellite phones.
    """
    # Its data takes a moment to load, and few need it.
    from phonenumbers import timezone

    try:
        found = timezone.time_zones_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return ()
    return tuple(str(zone) for zone in found if zone != _UNKNOWN)


@lru_cache(maxsize=65536)
def countries_of_number(number: str) -> tuple[str, ...]:
    """The country of a number, and then the main one of those that share its country code, if that is another."""
    try:
        own = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        own = None
    return tuple(dict.fromkeys(str(code) for code in (own, region(number)) if code is not None))


def of_country(country: str) -> tuple[str, ...]:
    """The zones of a country (ISO 3166-1 alpha-2), by the table of the time zone database."""
    return _countries().get(country, ())


@cache
def _countries() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    for line in table.splitlines():
        if line and not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            found.setdefault(country, []).append(zone)
    return {country: tuple(zones) for country, zones in found.items()}
