"""The face: routes made from the tables of operations, the short way for one message, callbacks."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec

from tyrian.engine.face_ports import CallbackRequest, Heard
from tyrian.engine.keys import Form
from tyrian.engine.report import Report
from tyrian.engine.serving import ASGIApp, Disconnected, Receive, Scope, Send, answer, read_body
from tyrian.protocols.tyntec import errors, media, openapi, reports
from tyrian.protocols.tyntec.accounts import FACE, WORDS, Accounts
from tyrian.protocols.tyntec.fast import PATHS, FastSend
from tyrian.protocols.tyntec.guard import Guard
from tyrian.protocols.tyntec.operation import Call, Operation
from tyrian.protocols.tyntec.operations import OPERATIONS
from tyrian.protocols.tyntec.sending import Desk
from tyrian.protocols.tyntec.wire import API_KEY, V2, V2_EARLIER, V3

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

_OLD: Final = (f"{V2}/", f"{V2_EARLIER}/")
#: A path of the published page, whose slash is missing.
_GLUED: Final = re.compile(rf"{V3}(?=[0-9A-Fa-f]{{8}}-[0-9A-Fa-f-]{{27}}/events$)")
_MAX_FIELDS: Final = 50


class TyntecFace:
    """tyntec's Conversations API. Implements `face_ports.Face`."""

    name = FACE
    prefixes: tuple[str, ...] = (V3, f"{V2}/", f"{V2_EARLIER}/")
    forms: tuple[Form, ...] = (Form.TOKEN,)

    def make_app(self, gateway: "Gateway") -> ASGIApp:
        """The ASGI application over a running gateway."""
        guard, desk = Guard(gateway), Desk(gateway)
        routed = Routed(gateway, guard, desk)
        fast = FastSend(gateway, guard, desk, routed)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["method"] == "POST" and scope["path"] in PATHS:
                await fast(scope, receive, send)
            else:
                await routed(scope, receive, send)

        return app

    def render(self, report: Report, secrets: Sequence[str], now: datetime) -> CallbackRequest:
        """The callback that tells a customer of a report."""
        return reports.render(report, secrets, now)

    async def secrets(self, gateway: "Gateway", account_id: int) -> Sequence[str]:
        """What the account's configuration says that callbacks carry, as JSON."""
        signing = await Accounts(gateway).signing(account_id)
        return [msgspec.json.encode(signing).decode()] if signing.secret or signing.header else []

    async def inbound_url(self, gateway: "Gateway", heard: Heard) -> str | None:
        """Where a person's message goes: as the sender's configuration says, or the account's."""
        if heard.network not in WORDS:
            return None
        entry = gateway.channels.by_id(heard.channel.id)
        return (await Accounts(gateway).effective(heard.account_id, entry)).inbound_message_url

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
    """A route for each path, those without names first."""
    found: dict[str, Route] = {}
    for operation in OPERATIONS:
        for path in operation.paths:
            if path.startswith(f"{V3}{{"):
                continue  # Joined again before it is looked for.
            found.setdefault(path, Route(path)).operations[operation.method] = operation
    return sorted(found.values(), key=lambda route: route.template.count("{"))


class Routed:
    """Serves every operation."""

    def __init__(self, gateway: "Gateway", guard: Guard, desk: Desk) -> None:
        self._gateway = gateway
        self._guard = guard
        self._desk = desk
        self._routes = make_routes()
        self._most = gateway.settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, whatever happens."""
        try:
            status, body, headers = await self._answered(scope, receive)
        except Disconnected:
            return
        except Exception as error:  # every error has its own answer
            status, body, headers = errors.answer_to(error)
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        if scope["method"] == "HEAD":
            # The length is that of the body which GET brings.
            encoded.append((b"content-length", b"%d" % len(body)))
            await send({"type": "http.response.start", "status": status, "headers": encoded})
            await send({"type": "http.response.body", "body": b""})
        else:
            await answer(send, status, body, encoded)

    async def _answered(self, scope: Scope, receive: Receive) -> tuple[int, bytes, dict[str, str]]:
        route, names = self._find(scope["path"])
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = _query(scope["query_string"])
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        operation = route.operations.get(method)
        key = None
        # Who has a signed URL needs no key; whether it is one is for the operation to see.
        if not (operation is not None and operation.name == "getMedia" and "signature" in query):
            key = await self._guard.caller(headers.get(API_KEY, "").encode("latin-1"))
        if operation is None:
            raise errors.not_allowed(list(route.operations))
        if key is not None and operation.scope is not None:
            self._guard.admit(key, operation.scope)
        most = min(self._most, media.MAX_BYTES) if operation.body is bytes else self._most
        raw = await read_body(scope, receive, most)
        if scope["path"].startswith(_OLD):
            names = {**names, "version": "2"}
        reply = await operation.handler(Call(self._gateway, self._desk, key, names, query, headers, raw))
        body = reply.encoded()
        sent = {"content-type": reply.media} if body else {}
        if operation.name == "getMedia":
            sent |= {"content-disposition": "attachment", "x-content-type-options": "nosniff"}
        return reply.status, body, sent

    def _find(self, path: str) -> tuple[Route, Mapping[str, str]]:
        """The route of a path, with or without a slash at its end. Raises `ApiError` (404)."""
        plain = _GLUED.sub(f"{V3}/", path.rstrip("/"))
        for route in self._routes:
            match = route.pattern.fullmatch(plain)
            if match is not None:
                return route, match.groupdict()
        raise errors.no_route()


def _query(raw: bytes) -> dict[str, str]:
    """The parameters of a URL; of one that comes twice the last. Garbage is no parameter."""
    try:
        return dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:
        return {}
