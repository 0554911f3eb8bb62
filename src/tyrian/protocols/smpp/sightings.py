"""Telling a repeat from a message that says the same: SMPP gives what people send no id.

A message centre repeats a message that it has no answer to: because none was sent yet, or because the connection ended
before ours arrived. A message that says the same after an answer that surely arrived is a new one: people do write
"yes" twice. So a repeat gets the id of its first sighting, and everything else a new one.
"""

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from tyrian.protocols.smpp.link import Link

#: How long a message centre may take to repeat.
MEMORY: Final = timedelta(minutes=10)
KEEP: Final = 10_000


@dataclass(slots=True, eq=False)
class Sighting:
    """One message, over all its repeats."""

    provider_id: str
    seen_at: datetime
    link: Link | None = None
    answered_at: float = field(default=0.0)

    def acknowledge(self, link: Link) -> None:
        """It is committed, and its answer goes out on this link now."""
        self.link = link
        self.answered_at = asyncio.get_running_loop().time()

    def is_repeated_by(self, link: Link, patience: float) -> bool:
        """Whether the same words on a link are the same message."""
        if self.link is None:
            return True
        if self.link is link or self.link.ended_at is None:
            return False
        return self.link.ended_at - self.answered_at < patience


class Sightings:
    """The messages of the last minutes. An answer sent within `patience` seconds of a link's end may have been lost."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._seen: OrderedDict[str, Sighting] = OrderedDict()

    def of(self, digest: str, link: Link, now: datetime) -> Sighting:
        """The sighting that these words on this link belong to."""
        found = self._seen.get(digest)
        if found and now - found.seen_at < MEMORY and found.is_repeated_by(link, self._patience):
            return found
        # Random, so that the same words in another process are another message.
        made = self._seen[digest] = Sighting(f"{digest}-{secrets.token_hex(6)}", now)
        self._seen.move_to_end(digest)
        if len(self._seen) > KEEP:
            self._seen.popitem(last=False)
        return made
