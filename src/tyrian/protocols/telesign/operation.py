"""What an operation of the face is: one row of a table from which its routes, checks and documentation are made."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tyrian.engine.keys import KeyEntry
from tyrian.protocols.telesign.errors import Envelope

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway
    from tyrian.protocols.telesign.otp import Verifier
    from tyrian.protocols.telesign.plans import Desk

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Call:
    """One request: who asks, through which gateway, and what. `body` is what the operation's reader made of it."""

    gateway: "Gateway"
    desk: "Desk"
    verifier: "Verifier"
    caller: KeyEntry
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any

    @property
    def account_id(self) -> int:
        """The caller's account."""
        return self.caller.account_id


@dataclass(slots=True)
class Reply:
    """What to answer: a body, ready to send."""

    body: bytes
    status: int = 200


Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path. `{name}` in a path is a parameter."""

    method: str
    path: str
    name: str
    tag: str
    summary: str
    handler: Handler
    scope: str
    answer: Any
    example: Any
    #: What refusals look like.
    envelope: Envelope = Envelope.PLAIN
    #: Makes something of the body, or raises `ApiError`; None for an operation without one.
    read: Callable[[bytes], Any] | None = None
    #: The struct that documents the body.
    body: Any = None
    media: str = JSON
    query: Mapping[str, str] = field(default_factory=dict)
    examples: Mapping[str, Any] = field(default_factory=dict)
    #: HTTP statuses of refusals besides those that every operation has.
    errors: tuple[int, ...] = (400,)
    description: str = ""
