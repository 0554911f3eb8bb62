"""From a request to an operation's handler and back: who asks, what is asked, what is answered."""

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct, inspect
from starlette.datastructures import QueryParams

from tyrian.domain.problem import Refused
from tyrian.engine.bulks import Conflict, NotFound
from tyrian.engine.remote import remote_address
from tyrian.engine.serving import (
    BodyTooLarge,
    Disconnected,
    Receive,
    Scope,
    Send,
    answer,
    header,
    media_type,
    read_body,
)
from tyrian.protocols.infobip.access import Guard
from tyrian.protocols.infobip.errors import ApiError, Envelope, Violation
from tyrian.protocols.infobip.operation import Call, Operation
from tyrian.protocols.infobip.violations import INVALID, explain, violations_of
from tyrian.protocols.infobip.xml import document
from tyrian.store.database import LOST
from tyrian.store.reading import TooSlow

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

log = logging.getLogger(__name__)

_TYPE: Final = (b"content-type", b"application/json")
#: Bytes that an operation without a body may be sent all the same; they are not looked at.
_NO_BODY: Final = 65_536
_WRONG: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

encode: Final = msgspec.json.Encoder().encode


class Server:
    """Serves operations over a gateway."""

    def __init__(self, gateway: "Gateway", guard: Guard) -> None:
        self._gateway = gateway
        self._guard = guard
        self._most = gateway.settings.max_body_bytes
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {}

    async def serve(self, operation: Operation, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, whatever happens."""
        try:
            reply = await operation.handler(await self._call(operation, scope, receive))
        except Exception as error:  # every error has its own answer
            await refuse(scope, send, failure(error, operation.name), operation.envelope)
            return
        body = b"" if reply.body is None else encode(reply.body)
        headers = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
        await answer(send, reply.status, body, [*headers, _TYPE] if body else headers)

    async def _call(self, operation: Operation, scope: Scope, receive: Receive) -> Call:
        headers = _headers(scope)
        remote = remote_address(scope, self._gateway.settings.trusted_proxies)
        caller = None
        if not operation.public:
            caller = await self._guard.authenticate(headers.get("authorization"), remote)
            self._guard.admit(caller, operation)
        elif operation.rate is not None:
            self._guard.throttle((remote, operation.path, operation.method), operation.rate)
        query = parameters(QueryParams(scope["query_string"]), operation.query)
        call = Call(
            self._gateway, self._guard.tokens, caller, scope.get("path_params", {}), query, None, headers, remote
        )
        call.raw, call.body = await self._body(operation, headers, scope, receive)
        return call

    async def _body(
        self, operation: Operation, headers: Mapping[str, str], scope: Scope, receive: Receive
    ) -> tuple[bytes, Any]:
        if operation.body is None:
            return await read_body(scope, receive, _NO_BODY), None
        media = media_type(headers.get("content-type"))
        if media not in operation.media:
            raise ApiError(415)
        raw = await read_body(scope, receive, self._most)
        return raw, operation.read(raw, media) if operation.read is not None else self._read(operation, raw)

    def _read(self, operation: Operation, raw: bytes) -> Any:
        decoder = self._decoders.get(operation.name)
        if decoder is None:
            decoder = self._decoders[operation.name] = msgspec.json.Decoder(operation.body)
        return read(raw, decoder, operation.body)


def read(raw: bytes, decoder: "msgspec.json.Decoder[Any]", kind: Any) -> Any:
    """A body as its type. Raises `ApiError` with everything that is wrong with it."""
    try:
        value = decoder.decode(raw)
    except _WRONG:
        raise explain(raw, kind) from None
    # PostgreSQL holds no NUL; only a body that may have one is looked at again.
    if b"\\u0000" in raw:
        found = violations_of(msgspec.json.decode(raw), kind)
        if found:
            raise ApiError(400, found)
    return value


# -- Parameters -------------------------------------------------------------------------------------------------------


def parameters(given: QueryParams, kind: type[Struct]) -> Any:
    """The parameters of a URL as a struct; those that are not known are ignored. Raises `ApiError` (400).

    Lists are given by repeating the name, or separated by commas, or both.
    """
    if not given:
        return kind()
    found: list[Violation] = []
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        texts = given.getlist(field.encode_name)
        if not texts:
            continue
        if any("\0" in text for text in texts):
            found.append(Violation(property=field.encode_name, violation=INVALID))
            continue
        value = [part for text in texts for part in text.split(",") if part] if _is_list(field.type) else texts[-1]
        try:
            values[field.name] = msgspec.convert(_spelt(value, field.type), field.type, strict=False)
        except (msgspec.ValidationError, OverflowError, ValueError):
            wrong = violations_of(_lax(value, field.type), field.type, field.encode_name)
            found += wrong or [Violation(property=field.encode_name, violation=INVALID)]
    if found:
        raise ApiError(400, found)
    return kind(**values)


def _spelt(value: Any, kind: Any) -> Any:
    """A plus that a client forgot to escape, in an offset from UTC, has become a space."""
    if isinstance(value, str) and " " in value and _is(inspect.DateTimeType, kind):
        return value.replace(" ", "+")
    return value


def _lax(value: Any, kind: Any) -> Any:
    """A number that was written as text, as a number."""
    if isinstance(value, str) and _is(inspect.IntType, kind) and value.lstrip("-").isdigit() and len(value) < 19:
        return int(value)
    return value


def _is(wanted: type[inspect.Type], kind: Any) -> bool:
    return any(isinstance(_bare(option), wanted) for option in _options(inspect.type_info(kind)))


def _is_list(kind: Any) -> bool:
    return _is(inspect.ListType, kind)


def _options(info: inspect.Type) -> tuple[inspect.Type, ...]:
    info = _bare(info)
    return tuple(info.types) if isinstance(info, inspect.UnionType) else (info,)


def _bare(info: inspect.Type) -> inspect.Type:
    return _bare(info.type) if isinstance(info, inspect.Metadata) else info


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


# -- Errors -----------------------------------------------------------------------------------------------------------


#: Errors that the vendor also documents as XML, for those who accept nothing else.
_AS_XML: Final = frozenset({401, 403, 404, 429, 500})


async def refuse(scope: Scope, send: Send, error: ApiError, envelope: Envelope) -> None:
    """Answers with an error, as JSON unless the caller accepts XML alone."""
    headers = [(name.encode(), value.encode()) for name, value in error.headers.items()]
    accepted = header(scope, b"accept")
    if (
        error.status in _AS_XML
        and b"application/xml" in accepted
        and b"json" not in accepted
        and b"*/*" not in accepted
    ):
        body = _as_xml(error, envelope)
        await answer(send, error.status, body, [*headers, (b"content-type", b"application/xml")])
        return
    await answer(send, error.status, error.body(envelope), [*headers, _TYPE])


def _as_xml(error: ApiError, envelope: Envelope) -> bytes:
    said = msgspec.to_builtins(error.struct(envelope))
    if envelope is Envelope.FLAT:
        return document(envelope.value, said)
    return document("requestError", said["requestError"])


def failure(error: Exception, where: str) -> ApiError:
    """What went wrong, as the API says it."""
    if isinstance(error, ApiError):
        return error
    for kinds, made in _ANSWERS:
        if isinstance(error, kinds):
            return made(error)
    log.error("%s failed", where, exc_info=error)
    return ApiError(500)


def _refused(error: Refused) -> ApiError:
    return ApiError(400, [Violation(property=p.pointer.lstrip("/"), violation=p.message) for p in error.problems])


def _unavailable(_error: Exception) -> ApiError:
    return ApiError(503, headers={"retry-after": "1"})


_ANSWERS: Final[tuple[tuple[Any, Callable[[Any], ApiError]], ...]] = (
    (Refused, _refused),
    (NotFound, lambda error: ApiError(404)),
    (Conflict, lambda error: ApiError(409, text=str(error), description=str(error))),
    (BodyTooLarge, lambda error: ApiError(413, headers={"connection": "close"})),
    (Disconnected, lambda error: ApiError(400)),
    (TooSlow, _unavailable),
    ((*LOST, TimeoutError), _unavailable),
)
