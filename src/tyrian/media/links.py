"""The URLs under which files are served: signed, with an end, good for whoever has them, and for one file only."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from tyrian.media.kinds import in_url
from tyrian.store.crypto import SecretBox

PREFIX: Final = "/media/"
_PURPOSE: Final = "tyrian: links to media, version 1"
_PATH: Final = re.compile(r"/media/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/([A-Za-z0-9._-]{1,90})")
_EXPIRY: Final = re.compile(r"[1-9][0-9]{0,11}")


@dataclass(frozen=True, slots=True)
class Link:
    """A URL that this gateway has signed."""

    media_id: UUID
    name: str
    expires_at: datetime


class Links:
    """Signs URLs, and knows its own again; those signed under the box's old keys too."""

    def __init__(self, box: SecretBox, public_url: str) -> None:
        self._keys = box.derive(_PURPOSE)
        self._public_url = public_url

    def url(self, media_id: UUID, name: str, expires_at: datetime) -> str:
        """Where a file is served until `expires_at`, to the second."""
        spelt, expiry = in_url(name), int(expires_at.timestamp())
        signature = _signature(self._keys[0], str(media_id), spelt, str(expiry))
        return f"{self._public_url}{PREFIX}{media_id}/{spelt}?e={expiry}&s={signature}"

    def read(self, path: str, query: str) -> Link | None:
        """The link of a request, or None if it was not signed here. Whether it has ended is for the caller to see."""
        found = _PATH.fullmatch(path)
        given = dict(parse_qsl(query, max_num_fields=16)) if len(query) < 1000 and query.count("&") < 16 else {}
        expiry, signature = given.get("e", ""), given.get("s", "")
        if found is None or not _EXPIRY.fullmatch(expiry):
            return None
        said = signature.encode("utf-8", "replace")
        good = [hmac.compare_digest(_signature(key, found[1], found[2], expiry).encode(), said) for key in self._keys]
        if not any(good):
            return None
        try:
            return Link(UUID(found[1]), found[2], datetime.fromtimestamp(int(expiry), UTC))
        except (ValueError, OverflowError, OSError):
            return None

    def own(self, url: str) -> Link | None:
        """The link of a URL of this gateway, or None."""
        if not url.startswith(self._public_url + PREFIX):
            return None
        parts = urlsplit(url.removeprefix(self._public_url))
        return self.read(parts.path, parts.query)


def _signature(key: bytes, media_id: str, name: str, expiry: str) -> str:
    digest = hmac.digest(key, f"{media_id}\n{name}\n{expiry}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
