"""How large a video or file is, where the network wants to know and the customer's dialect does not say.

The media's server is asked with HEAD, over the guarded client, and what it said is believed for a while.
"""

import logging
import time
from collections import OrderedDict
from typing import Any, Final

from tyrian.domain.content import File, Video, type_of
from tyrian.domain.limits import Capabilities
from tyrian.engine.egress import Blocked, Guard
from tyrian.engine.egress_client import Client, Unreachable
from tyrian.engine.egress_connection import Garbage

log = logging.getLogger(__name__)

#: Seconds that the media's server may take.
TIMEOUT: Final = 5.0
#: Seconds for which a size is believed, and how many are remembered.
_TTL: Final = 300.0
_REMEMBERED: Final = 1000
_HEADERS: Final = {"user-agent": "Tyrian", "accept": "*/*", "connection": "close"}


class Sizes:
    """Asks for sizes, and remembers them for a while."""

    def __init__(self, allow_private: Any) -> None:
        """`allow_private` are the networks that the operator opened."""
        self._guard = Guard(tuple(allow_private))
        self._client: Client | None = None
        self._known: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def fill(self, content: Any, capabilities: Capabilities) -> None:
        """Gives a video or file without a size the one that its server tells, if the channel can say it at all."""
        if not isinstance(content, Video | File) or content.size is not None:
            return
        rule = capabilities.contents.get(type_of(content))
        if rule is not None and any(bound.field == "size" for bound in rule.bounds):
            content.size = await self.size_of(content.url)

    async def size_of(self, url: str) -> int | None:
        """The bytes behind a URL; None if nobody says."""
        known = self._known.get(url)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        size = await self._asked(url)
        if size is not None:
            self._known[url] = (time.monotonic() + _TTL, size)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return size

    async def _asked(self, url: str) -> int | None:
        if self._client is None:
            self._client = Client(self._guard, total=TIMEOUT)
        try:
            answer = await self._client.request("HEAD", url, _HEADERS)
        except (Blocked, Unreachable, Garbage, TimeoutError, ValueError) as error:
            log.info("the size of %s could not be asked for: %s", url, error)
            return None
        length = answer.header("content-length") or ""
        return int(length) if answer.status == 200 and length.isdigit() and len(length) < 16 else None
