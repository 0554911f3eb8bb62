"""The face: routes made from the table of operations, and the short way for sending."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.requests import Request
from starlette.routing import Match, Route

from tyrian.engine.face_ports import CallbackRequest, Heard
from tyrian.engine.keys import Form
from tyrian.engine.report import Report
from tyrian.engine.serving import ASGIApp, Receive, Send
from tyrian.protocols.infobip import clicks, inbound, messages_reports, openapi, reports, wire
from tyrian.protocols.infobip.access import Guard
from tyrian.protocols.infobip.errors import ApiError, Envelope
from tyrian.protocols.infobip.facts import Product, unpack
from tyrian.protocols.infobip.fast import FastSend, Way
from tyrian.protocols.infobip.inbound_routes import inbound_routes_of
from tyrian.protocols.infobip.operation import FACE, Operation
from tyrian.protocols.infobip.operations import OPERATIONS
from tyrian.protocols.infobip.serving import Server, refuse
from tyrian.protocols.infobip.subscriptions import secret_of, subscriptions_of

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

#: Beginnings of paths whose errors have the nested form, where no operation is there to say so.
_NESTED: Final = ("/auth/", "/subscriptions/", "/resource-management/", "/sms/", "/viber/1/message/", "/viber/1/bulks")


class InfobipFace:
    """Infobip's Viber APIs. Implements `face_ports.Face`."""

    name = FACE
    forms = (Form.TOKEN, Form.PAIR)
    prefixes: tuple[str, ...] = (
        "/viber-bot/",
        "/viber/",
        "/sms/1/bulks",
        "/auth/1/",
        "/subscriptions/1/",
        "/resource-management/1/",
        "/messages-api/1/",
    )
    tells_clicks = True

    def make_app(self, gateway: "Gateway") -> ASGIApp:
        """The ASGI application over a running gateway."""
        guard = Guard(gateway)
        return FastSend(gateway, guard, Router(Server(gateway, guard), OPERATIONS), _ways())

    def render(self, report: Report, secrets: Sequence[str], now: datetime) -> CallbackRequest:
        """The callback that tells a customer of a report, or brings what a person wrote."""
        if report.kind == "inbound":
            return inbound.render(report, secrets)
        if report.kind == "click":
            return clicks.render(report, secrets)
        if unpack(report.extra).api == messages_reports.API:
            return messages_reports.render(report, secrets)
        return reports.render(report, secrets, now)

    async def secrets(self, gateway: "Gateway", account_id: int) -> Sequence[str]:
        """What the profiles of an account's subscriptions add to callbacks."""
        return [secret_of(route) for route in await subscriptions_of(gateway).routes(account_id)]

    async def inbound_url(self, gateway: "Gateway", heard: Heard) -> str | None:
        """Where what a person wrote goes in this dialect."""
        return await inbound_routes_of(gateway).url(heard)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return openapi.document()


def _ways() -> dict[str, Way]:
    """The two requests worth hurrying for."""
    made = {}
    for product, path in ((Product.BOT, wire.BOT_MESSAGES), (Product.BUSINESS, wire.BUSINESS_MESSAGES)):
        operation = next(o for o in OPERATIONS if o.path == path)
        made[path] = Way(product, operation, msgspec.json.Decoder(operation.body))
    return made


class Router:
    """Finds the operation that a request means. Paths without parameters are looked up at once."""

    def __init__(self, server: Server, operations: Sequence[Operation]) -> None:
        self._server = server
        self._fixed: dict[str, dict[str, Operation]] = defaultdict(dict)
        patterns: dict[str, dict[str, Operation]] = defaultdict(dict)
        for operation in operations:
            table = patterns if "{" in operation.path else self._fixed
            table[operation.path][operation.method] = operation
        self._patterns = [(Route(path, _nothing), methods) for path, methods in patterns.items()]

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serves one request."""
        methods = self._fixed.get(scope["path"]) or self._matched(scope)
        operation = methods.get(scope["method"]) if methods else None
        if operation is not None:
            await self._server.serve(operation, scope, receive, send)
        elif methods:
            allowed = ", ".join(sorted(methods))
            envelope = next(iter(methods.values())).envelope
            await refuse(scope, send, ApiError(405, headers={"allow": allowed}), envelope)
        else:
            nested = scope["path"].startswith(_NESTED)
            await refuse(scope, send, ApiError(404), Envelope.NESTED if nested else Envelope.FLAT)

    def _matched(self, scope: Any) -> dict[str, Operation] | None:
        for route, methods in self._patterns:
            match, found = route.matches(scope)
            if match is not Match.NONE:
                scope["path_params"] = found["path_params"]
                return methods
        return None


async def _nothing(request: Request) -> None:
    """Routes here only match paths."""
