"""The documentation of every API: the OpenAPI documents, and a page that shows one and loads nothing from elsewhere."""

import html
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from tyrian.engine.face_ports import Face
from tyrian.protocols.native import openapi
from tyrian.protocols.native.errors import KINDS, ApiError
from tyrian.protocols.native.serving import FACE, problem_response

#: The page runs its own script and style, talks to its own origin, and is framed by nobody.
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PROBLEMS: Final = """  <h2 id="problems">Problems</h2>
  <p>Errors are <code>application/problem+json</code> (RFC 9457). The <code>type</code> leads to one of these.</p>
  <dl>
{}
  </dl>"""


async def serve_document(_request: Request) -> Response:
    """The OpenAPI document."""
    return Response(_document(), media_type="application/json")


class Docs:
    """The pages, and the documents of the vendors' dialects that this gateway speaks."""

    def __init__(self, faces: Mapping[str, Face]) -> None:
        self._faces = {name: face for name, face in faces.items() if name != FACE}
        self._documents: dict[str, bytes] = {}

    async def serve_page(self, _request: Request) -> Response:
        """The page of Tyrian's own API, with the way to the others."""
        links = ['  <a href="#problems">Problems</a>']
        links += [f'  <a href="/api/docs/{name}">{html.escape(self._title(name))}</a>' for name in sorted(self._faces)]
        problems = _PROBLEMS.format("\n".join(_problem(name) for name in KINDS))
        return _page("Tyrian API", "/api/openapi.json", "\n".join(links), problems)

    async def serve_dialect(self, request: Request) -> Response:
        """The page of a dialect."""
        name = request.path_params["face"]
        if name not in self._faces:
            return self._unknown(name)
        back = '  <a href="/api/docs">Tyrian\'s own API</a>'
        return _page(self._title(name), f"/api/openapi/{name}.json", back, "")

    async def serve_dialect_document(self, request: Request) -> Response:
        """The OpenAPI document of a dialect."""
        name = request.path_params["face"]
        face = self._faces.get(name)
        if face is None:
            return self._unknown(name)
        if name not in self._documents:
            self._documents[name] = msgspec.json.encode(face.openapi())
        return Response(self._documents[name], media_type="application/json")

    def _title(self, name: str) -> str:
        return str(self._faces[name].openapi()["info"]["title"])

    def _unknown(self, name: str) -> Response:
        known = ", ".join(sorted(self._faces)) or "none"
        return problem_response(ApiError("not-found", f"No dialect is named {name[:60]}; there are: {known}."))


def _page(title: str, document: str, more: str, problems: str) -> Response:
    page = _reader()
    for mark, text in (("title", html.escape(title)), ("document", document), ("more", more), ("problems", problems)):
        page = page.replace(f"<!-- {mark} -->", text)
    return HTMLResponse(page, headers={"content-security-policy": _POLICY})


@cache
def _document() -> bytes:
    return msgspec.json.encode(openapi.document())


@cache
def _reader() -> str:
    return resources.files(__package__).joinpath("reader.html").read_text(encoding="utf-8")


def _problem(name: str) -> str:
    kind = KINDS[name]
    title, text = html.escape(kind.title), html.escape(kind.help)
    return f'<dt id="{name}"><code>{kind.status}</code> {title} <small>{name}</small></dt><dd>{text}</dd>'
