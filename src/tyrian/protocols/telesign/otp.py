"""Codes that the gateway makes up for a customer (`telesign_otp`), and the check of what a person entered.

Only a keyed hash of a code is kept for the check. How often Telesign lets a code be tried is not published; a code of
seven digits withstands `MAX_TRIES`.
"""

import asyncio
import hashlib
import hmac
import secrets
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
_LOCKS: Final = 256


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


class Verifier:
    """Checks codes, and counts wrong ones. One node counts exactly; several may let a few more be tried."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway
        self._locks = [asyncio.Lock() for _ in range(_LOCKS)]

    async def keep(self, account_id: int, code: str) -> str:
        """What to keep of a new code."""
        return hashed(code, (await self._keys(account_id))[0])

    async def check(self, account_id: int, message_id: UUID, kept: str, entered: str | None) -> dict[str, Any]:
        """The state of a message's code, after one more was entered (or None was)."""
        async with self._locks[message_id.int % _LOCKS]:
            name = reference(message_id)
            found = await self._gateway.documents.get(account_id, FACE, _KIND, name) or {"state": "UNKNOWN", "tries": 0}
            if entered is None:
                return {"code_state": found["state"], "code_entered": None}
            right = found["tries"] < MAX_TRIES and is_code(entered, kept, await self._keys(account_id))
            if found["state"] != "VALID" or not right:
                tries = found["tries"] + (not right)
                state = "VALID" if right or found["state"] == "VALID" else "INVALID"
                await self._gateway.documents.put(
                    account_id, FACE, _KIND, name, {"state": state, "tries": tries}, ttl=LIFETIME
                )
            return {"code_state": "VALID" if right else "INVALID", "code_entered": entered}

    async def _keys(self, account_id: int) -> list[str]:
        return await self._gateway.keys.signing.signing_keys(account_id, FACE)
