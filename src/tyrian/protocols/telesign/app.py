"""The face: a raw ASGI application over the table of operations, and the dialect of its callbacks."""

import logging
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from tyrian.domain.problem import Refused
from tyrian.engine.face_ports import CallbackRequest, Heard
from tyrian.engine.keys import Form
from tyrian.engine.report import Report
from tyrian.engine.serving import BodyTooLarge, Disconnected, Receive, Scope, Send, answer, read_body
from tyrian.protocols.telesign import openapi, reports, settings, wire
from tyrian.protocols.telesign.access import FACE, Guard, credential_of
from tyrian.protocols.telesign.codes import Code
from tyrian.protocols.telesign.errors import ApiError
from tyrian.protocols.telesign.operation import Call, Operation
from tyrian.protocols.telesign.operations import OPERATIONS, by_path
from tyrian.protocols.telesign.otp import Verifier
from tyrian.protocols.telesign.plans import Desk
from tyrian.store.database import LOST
from tyrian.store.reading import TooSlow

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

log = logging.getLogger(__name__)

_TYPE: Final = (b"content-type", b"application/json")
_ALLOW: Final = (b"allow", b"GET,POST,HEAD")
#: Seconds for which the keys that sign callbacks are remembered.
_KEYS_TTL: Final = 5.0
_MAX_FIELDS: Final = 100


class TelesignFace:
    """Telesign's Messaging API. Implements `face_ports.Face` and what it needs of the further ports for faces."""

    name = FACE
    prefixes: tuple[str, ...] = ("/v1/omnichannel", "/capability/")
    #: A customer id, and the API key that both sides keep.
    forms: tuple[Form, ...] = (Form.SIGNED,)
    #: Callbacks tell of every channel.
    needs_attempts = True

    def __init__(self) -> None:
        self._keys: dict[int, tuple[float, int, Sequence[str]]] = {}

    def make_app(self, gateway: "Gateway") -> Callable[..., Awaitable[None]]:
        """The ASGI application over a running gateway."""
        return App(gateway)

    def render(self, report: Report, secrets: Sequence[str], now: datetime) -> CallbackRequest:
        """The callback that tells a customer of a report."""
        return reports.render(report, secrets, now)

    async def secrets(self, gateway: "Gateway", account_id: int) -> Sequence[str]:
        """The account's customer ids and API keys, newest first: callbacks are signed with the API key."""
        known, generation = self._keys.get(account_id), gateway.keys.generation
        if known is not None and known[0] > time.monotonic() and known[1] == generation:
            return known[2]
        keys = await gateway.keys.signed(account_id, FACE)
        found = [f"{key.prefix}{reports.SEPARATOR}{key.secret}" for key in keys]
        self._keys[account_id] = (time.monotonic() + _KEYS_TTL, generation, found)
        return found

    async def inbound_url(self, gateway: "Gateway", heard: Heard) -> str | None:
        """Where people's messages go: where the account's settings say."""
        if heard.network not in ("viber", "sms"):
            return None
        given = await settings.get(gateway, heard.account_id)
        return given.mo_callback_url or given.callback_url

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return openapi.document()


class App:
    """Finds the operation of a request and serves it; whatever happens, the answer is in Telesign's shape."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway
        self._guard = Guard(gateway)
        self._verifier = Verifier(gateway)
        self._desk = Desk(gateway, self._verifier)
        self._send = next(o for o in OPERATIONS if o.path == wire.SEND_PATH)
        self._routes = [(_pattern(path), methods) for path, methods in by_path().items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        method, path = scope["method"], scope["path"]
        if path == wire.SEND_PATH and method == "POST":
            await self._serve(self._send, {}, scope, receive, send)
            return
        for pattern, methods in self._routes:
            found = pattern.fullmatch(path)
            if found is None:
                continue
            operation = methods.get("GET" if method == "HEAD" else method)
            if operation is None:
                allowed = ", ".join(sorted(methods))
                await _refuse(send, self._send, ApiError(Code.INVALID_REQUEST, status=405, headers={"allow": allowed}))
            else:
                await self._serve(operation, found.groupdict(), scope, receive, send)
            return
        await _refuse(send, self._send, ApiError(Code.INVALID_REQUEST, status=404))

    async def _serve(
        self, operation: Operation, path: dict[str, str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        body: Any = None
        try:
            raw = await read_body(scope, receive, wire.MAX_BODY)
            if operation.read is not None:
                body = operation.read(raw)
            caller = await self._guard.authenticate(credential_of(scope), raw)
            self._guard.admit(caller, operation.scope)
            query = _query(scope["query_string"]) if scope["query_string"] else {}
            call = Call(self._gateway, self._desk, self._verifier, caller, path, query, body)
            reply = await operation.handler(call)
        except Disconnected:
            return
        except Exception as error:  # every error has its own answer
            await _refuse(send, operation, failure(error, operation), getattr(body, "external_id", None))
            return
        if scope["method"] == "HEAD":
            send = _bodiless(send)
        await answer(send, reply.status, reply.body, [_TYPE, _ALLOW])


def _bodiless(send: Send) -> Send:
    """A `send` that keeps the body back: a HEAD is answered with the headers of its GET, its length among them."""

    async def without(event: Any) -> None:
        await send({**event, "body": b""} if event["type"] == "http.response.body" else event)

    return without


def failure(error: Exception, operation: Operation) -> ApiError:
    """What went wrong, as Telesign says it."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, BodyTooLarge):
        return ApiError(Code.TOO_LARGE, headers={"connection": "close"})
    if isinstance(error, Refused):
        return ApiError(Code.INVALID_REQUEST)
    if not isinstance(error, (*LOST, TooSlow, TimeoutError)):
        log.error("%s failed", operation.name, exc_info=error)
    # The number of the same trouble differs between reading and sending.
    if operation.method == "GET":
        return ApiError(Code.SYSTEM_UNAVAILABLE, text="System unavailable", status=503)
    return ApiError(Code.UNAVAILABLE)


async def _refuse(send: Send, operation: Operation, error: ApiError, external_id: Any = None) -> None:
    headers = [(name.encode(), value.encode()) for name, value in error.headers.items()]
    await answer(send, error.status, error.body(operation.envelope, external_id), [_TYPE, *headers])


def _pattern(path: str) -> re.Pattern[str]:
    """The paths that a path with `{parameters}` stands for. No other character of ours means anything to `re`."""
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


def _query(query: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:
        return {}
