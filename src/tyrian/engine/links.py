"""Tracked links on their way out: a button's URL is replaced by a short link of the gateway's own.

A link is durable before anybody can follow it. An attempt that is tried again keeps the links it had.
"""

import logging
from collections.abc import Sequence

from tyrian.domain.content import Base as Content
from tyrian.domain.links import is_web_url, new_code, tracked, with_urls
from tyrian.domain.submission import Plan
from tyrian.engine.known import Facts, Known
from tyrian.engine.ports import Channel, Clock
from tyrian.store import links as store
from tyrian.store.batcher import Batcher
from tyrian.store.database import Database
from tyrian.store.links import NewLink

log = logging.getLogger(__name__)

#: Where links are followed, below the gateway's public URL.
PREFIX = "/l/"


class Links:
    """Makes links. `shortened` returns once they are committed."""

    def __init__(self, db: Database, clock: Clock, public_url: str) -> None:
        self._db = db
        self._clock = clock
        self._base = public_url.rstrip("/") + PREFIX
        self._batcher: Batcher[list[NewLink], list[str]] = Batcher(
            self._write, size=256, writers=2, linger=0.002, busy=0.02, patience=float("inf")
        )

    def url_of(self, code: str) -> str:
        """The address of a link."""
        return self._base + code

    async def shortened(self, channel: Channel, facts: Facts, known: Known, content: Content) -> Content:
        """The content as it goes out: the same, unless message or channel want its links tracked."""
        asked = known.plan.track_links if isinstance(known.plan, Plan) else None
        if not (asked if asked is not None else channel.track_links):
            return content
        found = [(n, b) for n, _, b in tracked(content, asked, channel.track_links) if is_web_url(b.url)]
        if not found:
            return content
        now = self._clock.now()
        fresh = [
            NewLink(
                facts.message_id,
                facts.attempt_id,
                place,
                facts.account_id,
                facts.channel_id,
                facts.step,
                new_code(facts.message_id),
                button.url,
                button.id,
                now,
            )
            for place, button in found
        ]
        try:
            codes = await self._batcher.submit(fresh)
        except Exception:
            log.exception("the links of message %s go out untracked", facts.message_id)
            return content
        urls = {link.place: self.url_of(code) for link, code in zip(fresh, codes, strict=True)}
        shortened: Content = with_urls(content, urls)
        return shortened

    async def _write(self, batch: Sequence[list[NewLink]]) -> list[list[str]]:
        codes = await store.make(self._db, [link for links in batch for link in links])
        return [[codes[link.message_id, link.attempt_id, link.place] for link in links] for links in batch]
