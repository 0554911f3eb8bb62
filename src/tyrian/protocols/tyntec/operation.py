"""What an operation is: a row of the tables from which the routes and the OpenAPI document are made."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tyrian.engine.keys import KeyEntry
from tyrian.protocols.tyntec import errors
from tyrian.protocols.tyntec.sending import Desk

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

_encode: Final = msgspec.json.Encoder().encode
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


@dataclass(slots=True)
class Call:
    """One request to an operation. `key` is None for an operation that needs none."""

    gateway: "Gateway"
    desk: Desk
    key: KeyEntry | None
    #: What the path's `{names}` stand for.
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes

    @property
    def account_id(self) -> int:
        """The caller's account. Only for operations that need a key."""
        assert self.key is not None
        return self.key.account_id

    def body(self, kind: Any) -> Any:
        """The body as a struct. Raises `ApiError` (400) for one that is no JSON or not of its types."""
        return decode(self.raw, kind)


@dataclass(slots=True)
class Reply:
    """What an operation answers: a struct as JSON, bytes as they are, or nothing."""

    body: Any = None
    status: int = 200
    media: str = "application/json"

    def encoded(self) -> bytes:
        """The body's bytes."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else _encode(self.body)


Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation. `also` are further paths of the same; `scope` is what a key needs, None if none is needed."""

    name: str
    method: str
    path: str
    handler: Handler
    scope: str | None
    tag: str
    summary: str
    body: Any = None
    answer: Any = None
    status: int = 200
    example: Any = None
    answered: Any = None
    also: tuple[str, ...] = ()
    #: Query parameters: name -> (type, description).
    query: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    errors: tuple[int, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path of the operation."""
        return (self.path, *self.also)


def decode(raw: bytes, kind: Any) -> Any:
    """JSON as a struct. Unknown members are ignored. Raises `ApiError` (400)."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    try:
        made = decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise errors.unparseable(str(error)) from None
    if b"\\u0000" in raw:
        raise errors.unparseable("A string has a NUL character")
    return made
