"""How people are named: a bot by the id that Viber gives a person with this bot, a business by phone number."""

import re
from typing import Final

from tyrian.domain.address import e164
from tyrian.domain.problem import Problem

#: Base64 text as Viber writes it; its length is not documented, those seen have 12 to 24 characters.
_USER_ID: Final = re.compile(r"[A-Za-z0-9+/=_-]{1,64}")
_PHONE: Final = re.compile(r"\+[0-9 ()./-]{6,30}")


def bot_address(text: str, pointer: str) -> str | Problem:
    """A Viber user id as it is. A phone number is refused: a bot cannot reach people by it."""
    if _PHONE.fullmatch(text):
        return Problem(
            pointer, "is a phone number; a Viber bot reaches people by their Viber user id, which their messages carry"
        )
    if not _USER_ID.fullmatch(text):
        return Problem(pointer, "must be a Viber user id: 1 to 64 of the characters A-Z a-z 0-9 + / = _ -")
    return text


def business_address(text: str, pointer: str) -> str | Problem:
    """A phone number in E.164 form, with its plus."""
    number = e164(text)
    if number is None:
        return Problem(pointer, "must be a phone number with its country code, such as +385991234567")
    return number
