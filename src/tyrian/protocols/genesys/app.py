"""The face: routes made from the table of operations, who may use them, and callbacks."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

import msgspec

from tyrian.engine.face_ports import CallbackRequest, Heard
from tyrian.engine.keys import Form
from tyrian.engine.reacting import Reaction
from tyrian.engine.remote import remote_address
from tyrian.engine.report import Report
from tyrian.engine.serving import ASGIApp, Disconnected, Receive, Scope, Send, answer, read_body
from tyrian.protocols.genesys import errors, open_receipts, openapi
from tyrian.protocols.genesys.desk import Desk
from tyrian.protocols.genesys.operation import FACE, V2, Call, Operation, Reply
from tyrian.protocols.genesys.operations import OPERATIONS
from tyrian.protocols.genesys.threads import Threads

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

_MAX_FIELDS: Final = 50
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class GenesysFace:
    """Genesys Cloud's Platform API. Implements `ports.Face`."""

    name = FACE
    prefixes: tuple[str, ...] = ("/oauth/token", f"{V2}/")
    forms: tuple[Form, ...] = (Form.PAIR,)

    def make_app(self, gateway: "Gateway") -> ASGIApp:
        """The ASGI application over a running gateway."""
        return Routed(Desk(gateway))

    def render(self, report: Report, secrets: Sequence[str], now: datetime) -> CallbackRequest:
        """The callback that tells a customer of a report, or a middleware that its message was taken in."""
        if report.kind == "inbound":
            return open_receipts.render(report, secrets)
        return CallbackRequest({"content-type": "application/json"}, _encode(report))

    async def secrets(self, gateway: "Gateway", account_id: int) -> Sequence[str]:
        """What webhooks to the middlewares of an account need."""
        return open_receipts.ways(gateway, account_id)

    def reactions(self, gateway: "Gateway") -> Sequence[Reaction]:
        """What is held for people until they write goes out when they do."""
        return [Threads(gateway)]

    async def inbound_url(self, gateway: "Gateway", heard: Heard) -> str | None:
        """Where a middleware is told of a message that it brought."""
        return open_receipts.url(heard)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return openapi.document()


class Route:
    """One path and what is done there, by method."""

    def __init__(self, template: str) -> None:
        names = re.split(r"\{(\w+)\}", template)
        fixed = [re.escape(part) if n % 2 == 0 else rf"(?P<{part}>[^/]+)" for n, part in enumerate(names)]
        self.template = template
        self.pattern = re.compile("".join(fixed))
        self.operations: dict[str, Operation] = {}


def make_routes() -> list[Route]:
    """A route for each path; of two that fit, the one with a word where the other has a name comes first."""
    found: dict[str, Route] = {}
    for operation in OPERATIONS:
        found.setdefault(operation.path, Route(operation.path)).operations[operation.method] = operation
    return sorted(found.values(), key=lambda route: [part.startswith("{") for part in route.template.split("/")])


class Routed:
    """Serves every operation."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._routes = make_routes()
        settings = desk.gateway.settings
        self._most = settings.max_body_bytes
        self._trusted = tuple(settings.trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, whatever happens."""
        context = str(uuid4())
        headers = {"ININ-Correlation-Id": context, "Genesys-Correlation-Id": context}
        try:
            reply = await self._answered(scope, receive, headers)
            status, body = reply.status, _body(reply)
            if body:
                headers["content-type"] = reply.media
        except Disconnected:
            return
        except Exception as error:  # every error has its own answer
            known = errors.known(error)
            status, body = known.status, _encode(known.answer(context))
            headers |= {"content-type": "application/json", **known.headers}
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        if scope["method"] == "HEAD":
            encoded.append((b"content-length", b"%d" % len(body)))
            await send({"type": "http.response.start", "status": status, "headers": encoded})
            await send({"type": "http.response.body", "body": b""})
        else:
            await answer(send, status, body, encoded)

    async def _answered(self, scope: Scope, receive: Receive, told: dict[str, str]) -> Reply:
        route, names = self._find(scope["path"])
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        operation = route.operations.get(method)
        who = None
        if operation is None or not operation.open:
            who, _ = await self._desk.guard.caller(headers.get("authorization"))
            organization = await self._desk.organizations.get(who.key.account_id)
            told |= self._desk.guard.spend(who, organization).headers
            if operation is not None:
                self._desk.guard.admit(who, organization, operation)
        if operation is None:
            allowed = ", ".join(sorted(route.operations))
            words = f"The method is not allowed here; there is {allowed}."
            raise errors.ApiError(405, "method.not.allowed", words, headers={"allow": allowed})
        remote = remote_address(scope, self._trusted)
        query = _query(scope["query_string"])
        call = Call(self._desk, who, names, query, headers, b"", remote)
        if operation.before is not None:
            await operation.before(call)
        call.raw = await read_body(scope, receive, operation.most or self._most)
        return await operation.handler(call)

    def _find(self, path: str) -> tuple[Route, Mapping[str, str]]:
        """The route of a path, with or without a slash at its end. Raises `ApiError` (404)."""
        plain = path.rstrip("/")
        for route in self._routes:
            match = route.pattern.fullmatch(plain)
            if match is not None:
                return route, {name: unquote(value) for name, value in match.groupdict().items()}
        raise errors.not_found()


def _body(reply: Reply) -> bytes:
    if reply.body is None:
        return b""
    return reply.body if isinstance(reply.body, bytes) else _encode(reply.body)


def _query(raw: bytes) -> dict[str, str]:
    """The parameters of a URL; of one that comes twice the last. Garbage is no parameter."""
    try:
        return dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:
        return {}
