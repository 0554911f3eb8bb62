"""What a keeper of files must be for faces to use it: `tyrian.media` is one."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol as Port
from uuid import UUID

from tyrian.domain.limits import Capabilities
from tyrian.domain.media import MediaRule, Probed, Recipe, Stored, Suited
from tyrian.domain.problem import Problem


class Media(Port):
    """The files that the gateway hosts. What cannot be taken raises `domain.problem.Refused` or `media.TooLarge`."""

    async def upload(
        self,
        account_id: int,
        name: str,
        chunks: AsyncIterator[bytes],
        *,
        announced: int | None = None,
        declared: str | None = None,
    ) -> Stored:
        """Keeps a file. `announced` is its length, `declared` its Content-Type, where they are known."""
        ...

    async def fetch(self, account_id: int, url: str, name: str | None = None) -> Stored:
        """Keeps what is behind a URL, through the egress guard."""
        ...

    async def get(self, account_id: int, media_id: UUID, *, seconds: int | None = None) -> Stored | None:
        """A file of the account, with a link that lasts `seconds`, or as long as the file."""
        ...

    async def list(self, account_id: int, before: UUID | None, limit: int) -> Sequence[Stored]:
        """The account's files, newest first, from below an id."""
        ...

    async def used(self, account_id: int) -> int:
        """The bytes that count against the account's quota."""
        ...

    async def delete(self, account_id: int, media_id: UUID) -> bool:
        """Removes a file; False if there is none."""
        ...

    async def probe(
        self, account_id: int, url: str, can: Capabilities | None = None, kind: str = "image", field: str = "url"
    ) -> tuple[Probed, Sequence[Problem]]:
        """What is behind a URL, and what keeps a channel from taking it as this field of this type of content."""
        ...

    async def optimise(self, account_id: int, media_id: UUID, recipe: Recipe) -> Stored | None:
        """The picture made to fit; itself, if it fits as it is. None if there is no such file."""
        ...

    async def fitted(self, stored: Stored, can: Capabilities, kind: str, field: str) -> Stored:
        """The file itself or, where it breaks the channel's rule, the picture made to fit it."""
        ...

    async def suited(self, account_id: int, url: str, rule: MediaRule, kind: str, *, fit: bool) -> Suited:
        """What the file behind a URL is to a channel; with `fit`, a picture that it does not take is made to fit."""
        ...

    async def forget(self) -> None:
        """Clears what is past its time, and what never became whole."""
        ...

    async def close(self) -> None:
        """Ends what was started."""
        ...
