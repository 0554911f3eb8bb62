"""What a face must be: an HTTP API that customers call, and what they are told in its dialect.

Every face is a `Face`. The other ports here are what one may be besides; the engine asks a face for what it has.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol as Port

from tyrian.engine.ports import Channel, Inbound
from tyrian.engine.reacting import Reaction


@dataclass(slots=True)
class CallbackRequest:
    """One HTTP POST to a customer, ready to go out."""

    headers: dict[str, str]
    body: bytes


class Face(Port):
    """An HTTP API that customers call, and the dialect that reports go out in."""

    name: str
    #: The path prefixes that this face serves, from the root (`/api/v1/`).
    prefixes: tuple[str, ...]

    def make_app(self, gateway: Any) -> Callable[..., Awaitable[None]]:
        """The ASGI application over a running gateway."""
        ...

    def render(self, report: Any, secrets: Sequence[str], now: datetime) -> CallbackRequest:
        """The callback that tells a customer of a report, signed with each of the secrets."""
        ...

    def openapi(self) -> dict[str, Any]:
        """The face's OpenAPI document."""
        ...


class AttemptsFace(Port):
    """A face whose callbacks tell of every attempt: `render` gets `report.attempts` filled."""

    needs_attempts: bool


class ClickFace(Port):
    """A face with words for clicks on tracked links: `render` gets reports of the kind "click", with their `click`."""

    tells_clicks: bool


class SigningFace(Port):
    """A face that signs with something else than the account's signing secrets."""

    async def secrets(self, gateway: Any, account_id: int) -> Sequence[str]:
        """What `render` is given to sign with."""
        ...


class ReactingFace(Port):
    """A face that reacts to what people write, on whatever node their messages come to."""

    def reactions(self, gateway: Any) -> Sequence[Reaction]:
        """What is asked of each message once it stands in its thread. Made once, before the gateway starts."""
        ...


@dataclass(slots=True)
class Heard:
    """A person's message, before any face is told of it.

    `paired` finds what it answers: a `report.Paired` or None. That is looked up at the first question, for all messages
    that came together, so ask only where the answer counts.
    """

    account_id: int
    channel: Channel
    network: str
    inbound: Inbound
    paired: Callable[[], Awaitable[Any | None]]


class HearingFace(Port):
    """A face that brings people's messages to customers in its dialect."""

    async def inbound_url(self, gateway: Any, heard: Heard) -> str | None:
        """Where this message goes: a URL, a pull queue (`pull:<name>`), or None for nowhere."""
        ...
