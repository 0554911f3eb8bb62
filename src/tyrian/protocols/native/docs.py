"""The API's documentation: the OpenAPI document, and one page that shows it. The page loads nothing from elsewhere."""

import html
from functools import cache
from importlib import resources
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from tyrian.protocols.native import openapi
from tyrian.protocols.native.errors import KINDS

#: The page runs its own script and style, talks to its own origin, and is framed by nobody.
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


async def serve_document(_request: Request) -> Response:
    """The OpenAPI document."""
    return Response(_document(), media_type="application/json")


async def serve_page(_request: Request) -> Response:
    """The documentation page."""
    return HTMLResponse(_page(), headers={"content-security-policy": _POLICY})


@cache
def _document() -> bytes:
    return msgspec.json.encode(openapi.document())


@cache
def _page() -> str:
    page = resources.files(__package__).joinpath("reader.html").read_text(encoding="utf-8")
    return page.replace("<!-- problems -->", "\n".join(_problem(name) for name in KINDS))


def _problem(name: str) -> str:
    kind = KINDS[name]
    title, text = html.escape(kind.title), html.escape(kind.help)
    return f'<dt id="{name}"><code>{kind.status}</code> {title} <small>{name}</small></dt><dd>{text}</dd>'
