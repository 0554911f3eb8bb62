"""Whether a channel's network has been told of this gateway: pending, active, or failed with the reason and a remedy.

What the last attempt to set a channel up came to is kept, so that every node and every later look can tell it. So are
secrets that were replaced: for `OVERLAP` what a network signs with the old one is still believed, since it may not have
heard of the new one yet.
"""

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from tyrian.engine.ports import Health
from tyrian.store import documents as store
from tyrian.store.crypto import CannotOpen, SecretBox
from tyrian.store.database import Connection, Database

#: How long a replaced secret still verifies what networks send.
OVERLAP: Final = timedelta(hours=24)

_FACE: Final = "channels"
_VERIFICATION: Final = "verification"
_RETIRED: Final = "retired"

_encode: Final = msgspec.json.Encoder().encode


class State(StrEnum):
    """How far the setting up of a channel at its network has come."""

    PENDING = "pending"
    ACTIVE = "active"
    FAILED = "failed_verification"


class Verification(Struct, frozen=True):
    """What the last attempt came to. `reason` is a word of the channel's kind, `fix` what to do, for people."""

    state: State
    at: datetime
    detail: str
    reason: str | None = None
    fix: str | None = None


_decode: Final = msgspec.json.Decoder(Verification).decode


class _Retired(Struct):
    """Replaced secrets, sealed, each with the time until which it counts."""

    sealed: str


_decode_retired: Final = msgspec.json.Decoder(_Retired).decode
_decode_secrets: Final = msgspec.json.Decoder(dict[str, tuple[str, datetime]]).decode


def pending(now: datetime) -> Verification:
    """The state while the network is being told. A node that dies meanwhile leaves it behind."""
    return Verification(State.PENDING, now, "The network is being told of this gateway.")


def outcome(health: Health, now: datetime) -> Verification:
    """The state that an attempt to set a channel up leaves behind."""
    if health.ok:
        return Verification(State.ACTIVE, now, health.detail)
    return Verification(State.FAILED, now, health.detail, health.reason, health.fix)


async def keep(db: Database, account_id: int, channel_id: int, verification: Verification) -> None:
    """Stores what an attempt came to."""
    key = (account_id, _FACE, _VERIFICATION, str(channel_id))
    await store.put(db, key, _encode(verification), verification.at, None)


async def of_account(db: Database, account_id: int, now: datetime) -> dict[int, Verification]:
    """The account's channels that were ever set up at a network, by number."""
    rows = await store.listed(db, account_id, _FACE, _VERIFICATION, now)
    return {int(row.name): _decode(row.body) for row in rows}


# -- Replaced secrets -------------------------------------------------------------------------------------------------


async def retire(
    db: Connection, box: SecretBox, account_id: int, channel_id: int, replaced: Mapping[str, str], now: datetime
) -> None:
    """Keeps replaced secrets for a while. Those that were replaced before and have not run out are kept, too."""
    kept = await retired(db, box, account_id, channel_id, now)
    kept |= {name: (value, now + OVERLAP) for name, value in replaced.items()}
    sealed = base64.b64encode(box.seal(_encode(kept))).decode()
    until = max(end for _, end in kept.values())
    await store.put(db, (account_id, _FACE, _RETIRED, str(channel_id)), _encode(_Retired(sealed)), now, until)


async def retired(
    db: Connection | Database, box: SecretBox, account_id: int, channel_id: int, now: datetime
) -> dict[str, tuple[str, datetime]]:
    """The channel's replaced secrets that still count: name -> (value, until). None where they cannot be opened."""
    stored = await store.get(db, account_id, _FACE, _RETIRED, str(channel_id), now)
    if stored is None:
        return {}
    try:
        found = _decode_secrets(box.open(base64.b64decode(_decode_retired(stored.body).sealed)))
    except CannotOpen:
        return {}
    return {name: (value, until) for name, (value, until) in found.items() if until > now}
