"""Codes that the gateway makes up for a customer (`telesign_otp`), and the check of what a person entered.

Only a keyed hash of a code is kept for the check. How often Telesign lets a code be tried is not published; a code of
seven digits withstands `MAX_TRIES`.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from tyrian.protocols.telesign.access import FACE
from tyrian.protocols.telesign.ids import reference

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

#: Digits of a code, unless the account's settings say otherwise (4 to 9).
DIGITS: Final = 7
MIN_DIGITS: Final = 4
MAX_DIGITS: Final = 9
#: Wrong codes after which none is right any more (assumed).
MAX_TRIES: Final = 5
#: Seconds for which a code can be entered: as long as its message can be asked about.
LIFETIME: Final = 12 * 3600
_KIND: Final = "verification"
_NEW: Final = {"state": "UNKNOWN", "tries": 0}


def new_code(digits: int) -> str:
    """A code of so many digits."""
    return f"{secrets.randbelow(10**digits):0{digits}d}"


def hashed(code: str, key: str, salt: str | None = None) -> str:
    """What is kept of a code: a salt, and the code's hash under the key."""
    salt = salt or secrets.token_hex(8)
    return f"{salt}:{hmac.digest(key.encode(), f'{salt}:{code}'.encode(), hashlib.sha256).hex()}"


def is_code(code: str, kept: str, keys: list[str]) -> bool:
    """Whether this is the code, under any of the keys."""
    salt = kept.partition(":")[0]
    matches = [hmac.compare_digest(hashed(code, key, salt), kept) for key in keys]
    return any(matches)


def _tried(found: Mapping[str, Any], fits: bool) -> dict[str, Any]:
    """What is kept of a code after one more was entered, that fits or not."""
    right = fits and found["tries"] < MAX_TRIES
    state = "VALID" if right or found["state"] == "VALID" else "INVALID"
    return {"state": state, "tries": found["tries"] + (not right)}


class Verifier:
    """Checks codes, and counts wrong ones: each that is entered counts, on whatever node."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway

    async def keep(self, account_id: int, code: str) -> str:
        """What to keep of a new code."""
        return hashed(code, (await self._keys(account_id))[0])

    async def check(self, account_id: int, message_id: UUID, kept: str, entered: str | None) -> dict[str, Any]:
        """The state of a message's code, after one more was entered (or None was)."""
        where = (account_id, FACE, _KIND, reference(message_id))
        if entered is None:
            found = await self._gateway.documents.get(*where) or _NEW
            return {"code_state": found["state"], "code_entered": None}
        fits = is_code(entered, kept, await self._keys(account_id))
        made = await self._gateway.documents.change(*where, lambda found: _tried(found or _NEW, fits), ttl=LIFETIME)
        right = fits and made["tries"] < MAX_TRIES
        return {"code_state": "VALID" if right else "INVALID", "code_entered": entered}

    async def _keys(self, account_id: int) -> list[str]:
        return await self._gateway.keys.signing.signing_keys(account_id, FACE)
