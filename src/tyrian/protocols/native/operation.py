"""What an operation of the API is: one row of a table from which both the routes and their documentation are made.

A handler gets a `Call`, read and checked, and gives a `Reply`. It raises `ApiError` or `domain.problem.Refused` for
what it cannot do; `serving` turns either into a problem document.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from msgspec import Struct

from tyrian.domain.problem import Problem
from tyrian.engine.keys import KeyEntry
from tyrian.protocols.native.errors import not_found
from tyrian.protocols.native.wire import NoParameters

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

JSON = "application/json"


@dataclass(slots=True)
class Call:
    """One request: who asks, through which gateway, and what. `query` and `body` are of the operation's types."""

    gateway: "Gateway"
    key: KeyEntry
    path: Mapping[str, str]
    query: Any
    body: Any
    headers: Mapping[str, str]
    raw: bytes = b""
    #: The body of an operation that takes bytes as they come.
    stream: AsyncIterator[bytes] | None = None

    @property
    def account_id(self) -> int:
        """The caller's account."""
        return self.key.account_id

    def id(self, what: str) -> UUID:
        """The UUID in the path; what is no UUID names nothing, and gets the same answer as an unknown one."""
        text = self.path["id"]
        try:
            return UUID(text)
        except ValueError:
            raise not_found(f'There is no {what} with the id "{text[:64]}".') from None

    def number(self, what: str) -> int:
        """The whole number in the path."""
        text = self.path["id"]
        if text.isascii() and text.isdigit() and len(text) < 19:
            return int(text)
        raise not_found(f'There is no {what} with the id "{text[:64]}".')


#: Seconds that one write of a stream may take: it waits while the reader has not taken some 64 KiB from before.
PATIENCE: Final = 30.0


@dataclass(slots=True)
class Reply:
    """What to answer: a value to write as JSON, or a stream of bytes."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None
    content_type: str = JSON
    #: Seconds that one write of a stream may take.
    patience: float = PATIENCE


Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer that an operation may give, for its documentation. `type` is None for an answer without a body."""

    status: int
    description: str
    type: Any = None
    example: Any = None
    media: str = JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A request header that an operation understands."""

    name: str
    description: str
    schema: dict[str, Any]
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path. `{id}` in the path is described by `identifies`."""

    method: str
    path: str
    name: str
    tag: str
    summary: str
    description: str
    scope: str
    handler: Handler
    answers: tuple[Answer, ...]
    query: type[Struct] = NoParameters
    #: The struct of the body, or several of which it is one; None: the operation takes no body.
    body: Any = None
    #: Reads a body of a given content type, where decoding it as `body` is not enough.
    read: Callable[[bytes, str], Any] | None = None
    #: What else is wrong with a body that cannot be read as a whole, as far as its parts can be judged.
    further: Callable[[bytes, "Gateway", int], list[Problem]] | None = None
    media: tuple[str, ...] = (JSON,)
    #: True: the body is bytes of any type, read by the handler as they come.
    streams: bool = False
    #: Bodies that may be sent as they stand, by a short name. Each is run against the API by the tests.
    examples: Mapping[str, Any] = field(default_factory=dict)
    headers: tuple[Header, ...] = ()
    #: Kinds of problems beyond those that every operation may answer with.
    errors: tuple[str, ...] = ()
    identifies: str = "message"
