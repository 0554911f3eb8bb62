"""The native face: routes made from the table of operations, the short way for one message, the documentation."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tyrian.engine.face_ports import CallbackRequest, Face
from tyrian.engine.report import Report
from tyrian.protocols.native import docs, openapi, reports
from tyrian.protocols.native.errors import ApiError
from tyrian.protocols.native.fast import PATH, App, FastSend, Receive, Scope, Send
from tyrian.protocols.native.operation import Operation
from tyrian.protocols.native.operations import OPERATIONS
from tyrian.protocols.native.serving import FACE, Guard, Server, problem_response

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway


class NativeFace:
    """Tyrian's own API. Implements `face_ports.Face`."""

    name = FACE
    prefixes: tuple[str, ...] = ("/api/",)
    tells_clicks = True

    def make_app(self, gateway: "Gateway") -> App:
        """The ASGI application over a running gateway."""
        guard = Guard(gateway)
        routed = make_routes(Server(gateway, guard), gateway.faces)
        fast = FastSend(gateway, guard, routed)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST":
                await fast(scope, receive, send)
            else:
                await routed(scope, receive, send)

        return app

    def render(self, report: Report, secrets: Sequence[str], now: datetime) -> CallbackRequest:
        """The callback that tells a customer of a report."""
        return reports.render(report, secrets, now)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return openapi.document()


def make_routes(server: Server, faces: Mapping[str, Face]) -> App:
    """The framework's application: one route for each path, whatever its methods."""
    by_path: dict[str, dict[str, Operation]] = defaultdict(dict)
    for operation in OPERATIONS:
        by_path[operation.path][operation.method] = operation
    fixed_first = sorted(by_path.items(), key=lambda item: item[0].count("{"))
    routes = [Route(path, _Path(server, methods)) for path, methods in fixed_first]
    routes.append(Route("/api/openapi.json", docs.serve_document))
    pages = docs.Docs(faces)
    routes.append(Route("/api/docs", pages.serve_page))
    routes.append(Route("/api/openapi/{face}.json", pages.serve_dialect_document))
    routes.append(Route("/api/docs/{face}", pages.serve_dialect))
    app = Starlette(routes=routes, exception_handlers={404: _not_found, 405: _not_allowed})
    app.router.redirect_slashes = False
    return app


class _Path:
    """Everything that one path does: an ASGI application, so that it is asked for every method there is."""

    def __init__(self, server: Server, methods: dict[str, Operation]) -> None:
        self._server = server
        self._methods = methods | ({"HEAD": methods["GET"]} if "GET" in methods else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        request = Request(scope, receive, send)
        operation = self._methods.get(request.method)
        if operation is None:
            response = _wrong_method(request.method, sorted(self._methods))
        else:
            response = await self._server.serve(operation, request)
        await response(scope, receive, send)


def _wrong_method(method: str, allowed: list[str]) -> Response:
    listed = ", ".join(allowed)
    detail = f"This path takes {listed}, not {method[:20]}."
    return problem_response(ApiError("method-not-allowed", detail, headers={"allow": listed}))


async def _not_found(request: Request, _error: Exception) -> Response:
    detail = f"Nothing is served at {request.url.path[:200]}; the API is described at /api/docs."
    return problem_response(ApiError("not-found", detail))


async def _not_allowed(request: Request, error: Exception) -> Response:
    headers = getattr(error, "headers", None) or {}
    return _wrong_method(request.method, [headers.get("Allow", "GET")])
