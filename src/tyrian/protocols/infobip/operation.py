"""What an operation of the face is: one row of a table from which its routes, checks and documentation are made.

A handler gets a `Call`, read and checked, and gives a `Reply`. It raises `errors.ApiError` for what it cannot do, which
is spelt in the operation's envelope.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from tyrian.engine.keys import KeyEntry
from tyrian.protocols.infobip.errors import Envelope

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway
    from tyrian.protocols.infobip.sessions import Tokens

FACE: Final = "infobip"
JSON: Final = "application/json"

#: The vendor's scopes -> the scope that a key of ours needs for the same.
SCOPES: Final[Mapping[str, str]] = {
    "message:send": "messages:send",
    "viber-bot:message:send": "messages:send",
    "viber-bm:message:send": "messages:send",
    "messages-api:message:send": "messages:send",
    "sms:message:send": "messages:send",
    "viber-bot:logs:read": "messages:read",
    "viber-bm:logs:read": "messages:read",
    "inbound-message:read": "inbound:read",
    "viber-bot:manage": "bulks:manage",
    "viber-bm:manage": "bulks:manage",
    "messages-api:manage": "bulks:manage",
    "sms:manage": "bulks:manage",
    "subscriptions:manage": "callbacks:manage",
    "numbers:manage": "channels:manage",
    "templates:manage": "channels:manage",
}


class NoQuery(Struct):
    """No parameters in the URL."""


@dataclass(slots=True)
class Call:
    """One request: who asks, through which gateway, and what. `query` and `body` are of the operation's types."""

    gateway: "Gateway"
    tokens: "Tokens"
    #: The caller; None for an operation without authentication.
    caller: KeyEntry | None
    path: Mapping[str, str]
    query: Any
    body: Any
    headers: Mapping[str, str]
    remote: str | None = None
    raw: bytes = b""

    @property
    def account_id(self) -> int:
        """The caller's account."""
        assert self.caller is not None
        return self.caller.account_id


@dataclass(slots=True)
class Reply:
    """What to answer: a value to write as JSON; None for an empty body."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `requests` in `seconds` for each key (`x-throttling-info` of OpenAPI 3.210.0)."""

    requests: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that an operation gives when all is well, for its documentation. `type` None: no body."""

    status: int
    description: str
    type: Any = None
    example: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path. `{name}` in a path is a parameter."""

    method: str
    path: str
    name: str
    tag: str
    summary: str
    handler: Handler
    answers: tuple[Answer, ...]
    envelope: Envelope = Envelope.FLAT
    #: The vendor's scopes of which one suffices (a row of `SCOPES` each); empty: any key will do.
    scopes: tuple[str, ...] = ()
    #: Whether a caller must say who it is.
    public: bool = False
    query: type[Struct] = NoQuery
    #: The struct of the body; None: the operation takes no body.
    body: Any = None
    #: Reads a body of a given content type, where decoding it as `body` is not enough.
    read: Callable[[bytes, str], Any] | None = None
    media: tuple[str, ...] = (JSON,)
    rate: Rate | None = None
    #: Statuses of errors beyond 400, 401, 403, 429 and 500 (the last never seen).
    errors: tuple[int, ...] = ()
    examples: Mapping[str, Any] = field(default_factory=dict)
    deprecated: bool = False
    description: str = ""
