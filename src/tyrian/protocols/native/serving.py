"""From a request to an operation's handler and back: who asks, what may the caller do, what is asked and answered."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct, inspect
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from tyrian.domain.media import TooLarge
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.bulks import Conflict, NotFound
from tyrian.engine.intake import IdempotencyConflict
from tyrian.engine.keys import KeyEntry
from tyrian.engine.limiter import KeyLimiter
from tyrian.protocols.native.body import read
from tyrian.protocols.native.errors import CONTENT_TYPE, ApiError, invalid, not_found
from tyrian.protocols.native.operation import Call, Operation, Reply
from tyrian.protocols.native.streaming import Stream
from tyrian.store.database import LOST
from tyrian.store.reading import TooSlow

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

log = logging.getLogger(__name__)

FACE: Final = "native"
_encode = msgspec.json.Encoder().encode
#: Bytes that an operation without a body may be sent all the same (an empty object, some spaces).
_NO_BODY: Final = 4096


class Guard:
    """Knows callers by their keys and holds each to its rate."""

    def __init__(self, gateway: "Gateway") -> None:
        self._keys = gateway.keys
        self._limiter = KeyLimiter()
        self._rate = gateway.settings.key_rate

    def remembered(self, authorization: bytes) -> KeyEntry | None:
        """The caller, if known without asking the database."""
        if authorization[:7].lower() != b"bearer ":
            return None
        return self._keys.find(FACE, authorization[7:].strip().decode("latin-1"))

    async def authenticate(self, authorization: str | None) -> KeyEntry:
        """The caller. Raises `ApiError` (401)."""
        if authorization is None:
            raise unauthorized("There is no Authorization header.", None)
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise unauthorized("The Authorization header is not of the form: Bearer <key>.", "invalid_request")
        key = await self._keys.authenticate(FACE, token.strip())
        if key is None:
            raise unauthorized("The key is unknown or was revoked.", "invalid_token")
        return key

    def admit(self, key: KeyEntry, scope: str) -> None:
        """Lets a caller in. Raises `ApiError` (403 without the scope, 429 above the rate)."""
        if scope and scope not in key.scopes:
            detail = f'The key "{key.name}" has not the scope "{scope}".'
            challenge = f'Bearer realm="Tyrian", error="insufficient_scope", scope="{scope}"'
            raise ApiError("forbidden", detail, headers={"www-authenticate": challenge})
        rate = key.rate if key.rate is not None else self._rate
        wait = self._limiter.allow(key.id, rate) if rate else 0.0
        if wait > 0:
            seconds = max(1, int(wait) + (wait % 1 > 0))
            detail = f"The key may make {rate:g} requests a second; wait {seconds} s."
            raise ApiError("rate-limited", detail, headers={"retry-after": str(seconds)})


def unauthorized(detail: str, error: str | None) -> ApiError:
    """The error for a caller that is not known (RFC 6750, section 3)."""
    challenge = 'Bearer realm="Tyrian"' + (f', error="{error}"' if error else "")
    return ApiError("unauthorized", detail, headers={"www-authenticate": challenge})


class Server:
    """Serves operations over a gateway."""

    def __init__(self, gateway: "Gateway", guard: Guard) -> None:
        self._gateway = gateway
        self._guard = guard
        self._most = gateway.settings.max_body_bytes
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {}

    async def serve(self, operation: Operation, request: Request) -> Response:
        """The answer to a request, whatever happens."""
        try:
            call = await self._call(operation, request)
            return respond(await operation.handler(call))
        except Exception as error:  # every error has its own answer
            return failure(error, operation.name)

    async def _call(self, operation: Operation, request: Request) -> Call:
        key = await self._guard.authenticate(request.headers.get("authorization"))
        self._guard.admit(key, operation.scope)
        if any("\0" in value for value in request.path_params.values() if isinstance(value, str)):
            raise not_found("Nothing here has a NUL character in its name.")
        call = Call(self._gateway, key, request.path_params, None, None, request.headers)
        found: list[Problem] = []
        call.query, problems = parameters(request.query_params.multi_items(), operation.query)
        found += problems
        try:
            if operation.streams:
                call.stream = request.stream()
            else:
                call.raw, call.body = await self._body(operation, request, key.account_id)
        except Refused as refused:
            found += refused.problems
        if found:
            raise Refused(found)
        return call

    async def _body(self, operation: Operation, request: Request, account_id: int) -> tuple[bytes, Any]:
        if request.method in ("GET", "HEAD"):
            return b"", None
        if operation.body is None:
            raw = await read_body(request, _NO_BODY)
            if raw.strip() not in (b"", b"{}"):
                raise Refused([Problem("", "must be empty: this operation takes no body")])
            return raw, None
        media = media_type(request.headers.get("content-type"))
        if media not in operation.media:
            raise unsupported(request.headers.get("content-type"), operation.media)
        raw = await read_body(request, self._most)
        try:
            if operation.read is not None:
                return raw, operation.read(raw, media)
            return raw, read(raw, self._decoder(operation))
        except Refused as refused:
            if operation.further is not None:
                known = {p.pointer for p in refused.problems}
                further = operation.further(raw, self._gateway, account_id)
                raise Refused([*refused.problems, *(p for p in further if p.pointer not in known)]) from refused
            raise

    def _decoder(self, operation: Operation) -> "msgspec.json.Decoder[Any]":
        decoder = self._decoders.get(operation.name)
        if decoder is None:
            decoder = self._decoders[operation.name] = msgspec.json.Decoder(operation.body)
        return decoder


# -- Reading ----------------------------------------------------------------------------------------------------------


def media_type(header: str | None) -> str:
    """The type of a Content-Type header, without its parameters."""
    return (header or "").partition(";")[0].strip().lower()


def unsupported(header: str | None, media: tuple[str, ...]) -> ApiError:
    """The error for a body of a type that an operation does not read."""
    given = f'is "{header[:100]}"' if header else "is missing"
    detail = f"The Content-Type header {given}; it must be {' or '.join(media)}."
    problem = Problem("Content-Type", f"must be {' or '.join(media)}", "unsupported_media_type")
    return ApiError("unsupported-media-type", detail, [problem])


def too_large(most: int) -> ApiError:
    """The error for a body that is longer than it may be. The rest of it is not read: the connection ends."""
    problem = Problem("", f"is larger than {most} bytes", "too_large")
    return ApiError("too-large", f"The body is larger than {most} bytes.", [problem], {"connection": "close"})


async def read_body(request: Request, most: int) -> bytes:
    """The whole body. Raises `ApiError` (413) as soon as it is known to be too long."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and (len(announced) > 18 or int(announced) > most):
        raise too_large(most)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise too_large(most)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def parameters(items: list[tuple[str, str]], kind: type[Struct]) -> tuple[Any, list[Problem]]:
    """The parameters of a URL as a struct, and everything wrong with them. A parameter's pointer is `?name`."""
    if not items:
        return kind(), []
    fields = {f.encode_name: f for f in msgspec.structs.fields(kind)}
    found: list[Problem] = []
    given: dict[str, Any] = {}
    for name, text in items:
        at = f"?{name}"
        if name not in fields:
            known = ", ".join(fields) or "none"
            found.append(Problem(at[:100], f"is not a parameter known here; there are: {known}", "unknown_field"))
        elif name in given:
            found.append(Problem(at, "is given more than once"))
        elif "\0" in text:
            found.append(Problem(at, "has a NUL character", "nul"))
        else:
            given[name] = _parameter(text, fields[name].type, at, found)
    return (kind() if found else kind(**given)), found


def _parameter(text: str, kind: Any, at: str, found: list[Problem]) -> Any:
    try:
        return msgspec.convert(text, kind, strict=False)
    except (msgspec.ValidationError, OverflowError, ValueError) as error:
        message = _choices(kind) or str(error)
        found.append(Problem(at, message[:1].lower() + message[1:]))
        return None


def _choices(kind: Any) -> str | None:
    """The values that a parameter may have, where they can be listed."""
    info = inspect.type_info(kind)
    options = info.types if isinstance(info, inspect.UnionType) else (info,)
    for option in options:
        inner = option.type if isinstance(option, inspect.Metadata) else option
        if isinstance(inner, inspect.LiteralType):
            return f"must be one of {', '.join(map(str, inner.values))}"
        if isinstance(inner, inspect.EnumType):
            return f"must be one of {', '.join(str(m.value) for m in inner.cls)}"
    return None


# -- Answering --------------------------------------------------------------------------------------------------------


def respond(reply: Reply) -> Response:
    """A handler's reply as an HTTP response."""
    if reply.stream is not None:
        return Stream(reply.stream, reply.status, reply.headers, reply.content_type, reply.patience)
    body = b"" if reply.body is None else _encode(reply.body)
    headers = {**reply.headers, **({"content-type": reply.content_type} if body else {})}
    return Response(body, reply.status, headers)


def failure(error: Exception, where: str) -> Response:
    """The answer for what went wrong."""
    known = error if isinstance(error, ApiError) else translate(error)
    if known is None:
        log.error("%s failed", where, exc_info=error)
        return problem_response(ApiError("internal-error", "The gateway failed; its log says how."))
    return problem_response(known)


def translate(error: Exception) -> ApiError | None:
    """An error of the engine in the words of the API; None for one that nobody foresaw."""
    for kinds, answer in _ANSWERS:
        if isinstance(error, kinds):
            return answer(error)
    return None


def _conflict(error: Exception) -> ApiError:
    text = str(error)
    return ApiError("conflict", f"{text[:1].upper()}{text[1:]}.")


def _key_reused(_error: Exception) -> ApiError:
    problem = Problem("Idempotency-Key", "was used for another request", "idempotency_conflict")
    return ApiError("idempotency-conflict", "The Idempotency-Key was used for another request.", [problem])


def _unavailable(_error: Exception) -> ApiError:
    return ApiError("unavailable", "The database cannot be reached now; try again.", headers={"retry-after": "1"})


def _too_slow(_error: Exception) -> ApiError:
    return ApiError("unavailable", "The question takes too long to answer; narrow it by a time, a bulk or a recipient.")


_ANSWERS: Final[tuple[tuple[Any, Callable[[Any], ApiError]], ...]] = (
    (Refused, lambda error: invalid(error.problems)),
    (TooLarge, lambda error: too_large(error.most)),
    (NotFound, lambda error: not_found(str(error) or "There is no such message or bulk in this account.")),
    (Conflict, _conflict),
    (IdempotencyConflict, _key_reused),
    (ClientDisconnect, lambda error: ApiError("malformed-json", "The connection ended before the body was complete.")),
    (TooSlow, _too_slow),
    ((*LOST, TimeoutError), _unavailable),
)


def problem_response(error: ApiError) -> Response:
    """A problem document as a response."""
    return Response(error.body(), error.status, {**error.headers, "content-type": CONTENT_TYPE})
