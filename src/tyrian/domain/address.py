"""Addresses of people: E.164 phone numbers, and the ids that networks give them."""

import re
from functools import lru_cache

import phonenumbers

#: Digits with an optional +, and the punctuation that people write into numbers.
_NUMBER = re.compile(r"\+?[0-9][0-9 ()./-]{3,30}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


@lru_cache(maxsize=65536)
def e164(text: str) -> str | None:
    """The number as `+` and digits, or None if it can be no phone number (ITU-T E.164: at most 15 digits).

    A number that starts with a country code but without the `+` is understood, as vendors' dialects write it.
    Only the form and the country code are checked: numbering plans change faster than any library.
    """
    if not text.isascii() or not _NUMBER.fullmatch(text):
        return None
    digits = "+" + re.sub(r"[^0-9]", "", text)
    if not _E164.fullmatch(digits) or region(digits) is None:
        return None
    return digits


def region(number: str) -> str | None:
    """The country or region (ISO 3166 alpha-2, or 001 for global services) of an E.164 number's country code."""
    for length in (1, 2, 3):
        codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(number[1 : 1 + length]))
        if codes:
            return str(codes[0])
    return None
