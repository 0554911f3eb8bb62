"""What an operation is: a row of the tables from which the routes and the OpenAPI document are made."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from tyrian.domain.problem import problems_of
from tyrian.protocols.genesys import errors, ids
from tyrian.protocols.genesys.rights import Caller

if TYPE_CHECKING:
    from tyrian.protocols.genesys.desk import Desk

V2: Final = "/api/v2"
FACE: Final = "genesys"
_NULL: Final = (b"", b"null")
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


@dataclass(slots=True)
class Call:
    """One request to an operation. `who` is None for an operation that needs no token."""

    desk: "Desk"
    who: Caller | None
    #: What the path's `{names}` stand for.
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes
    remote: str | None = None

    @property
    def account_id(self) -> int:
        """The caller's account. Only for operations that need a token."""
        assert self.who is not None
        return self.who.key.account_id

    def body(self, kind: Any) -> Any:
        """The body as a struct; none at all, and `null`, is an empty object. Raises `ApiError` (400)."""
        return decode(self.raw, kind)

    def uuid(self, name: str, what: str, code: str = "not.found") -> UUID:
        """A UUID of the path. Raises `ApiError` (404): what is no id is the id of nothing."""
        found = ids.uuid_of(self.path[name])
        if found is None:
            raise errors.not_found(f"{what} {self.path[name]}", code)
        return found

    def flag(self, name: str) -> bool | None:
        """A query parameter that is true or false. Raises `ApiError` (400)."""
        value = self.query.get(name)
        if value is None or value == "":
            return None
        if value.lower() not in ("true", "false"):
            raise errors.bad(f'{name} must be "true" or "false"', "invalid.value", name)
        return value.lower() == "true"


@dataclass(slots=True)
class Reply:
    """What an operation answers: a value as JSON, bytes as they are, or nothing."""

    body: Any = None
    status: int = 200
    media: str = "application/json"


Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation. `scope` is the OAuth scope that a token needs, of `every` and `some` permission the client.

    `capability` names what the organisation must have (`organization.NEEDS`). `open` needs no token at all.
    """

    name: str
    method: str
    path: str
    handler: Handler
    tag: str
    summary: str
    scope: str | None = None
    every: tuple[str, ...] = ()
    some: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    open: bool = False
    body: Any = None
    answer: Any = None
    status: int = 200
    example: Any = None
    answered: Any = None
    #: Query parameters: name -> (type, description).
    query: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    errors: tuple[int, ...] = ()
    #: Asked before the body is read.
    before: Callable[[Call], Awaitable[None]] | None = None
    #: Bytes that the body may have, where that is not what other bodies may.
    most: int | None = None


def decode(raw: bytes, kind: Any) -> Any:
    """JSON as a struct. Unknown members are ignored. Raises `ApiError` (400) with every place that does not fit."""
    if raw.strip() in _NULL:
        raw = b"{}"
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    try:
        made = decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise _misfit(raw, kind, str(error)) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise errors.bad() from None
    if b"\\u0000" in raw:
        raise errors.bad("A string of the body has a NUL character, which cannot be stored.")
    return made


def _misfit(raw: bytes, kind: Any, words: str) -> errors.ApiError:
    try:
        found = problems_of(msgspec.json.decode(raw), kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return errors.bad()
    return errors.wrong(found) if found else errors.bad(words)
