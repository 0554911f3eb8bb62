"""Pages of a listing: `pageSize`, `pageNumber`, and the addresses of the pages around it."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from msgspec import Struct

from tyrian.protocols.genesys import errors
from tyrian.protocols.genesys.operation import Call

DEFAULT_SIZE: Final = 25
#: The largest page is not documented; assumed.
MAX_SIZE: Final = 100
_MAX_NUMBER: Final = 1_000_000

QUERY: Final = {
    "pageSize": ("integer", f"Entities on a page: 1 to {MAX_SIZE}, 25 unless given."),
    "pageNumber": ("integer", "The page, from 1."),
}


class Page(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What a page says of itself; each listing has its `entities` besides."""

    page_size: int
    page_number: int
    total: int
    page_count: int
    first_uri: str
    last_uri: str
    self_uri: str
    next_uri: str | None = None
    previous_uri: str | None = None


def page_of(call: Call, default: int = DEFAULT_SIZE, most: int = MAX_SIZE) -> tuple[int, int]:
    """Size and number of the page that is asked for. Raises `ApiError` (400)."""
    return _number(call, "pageSize", default, most), _number(call, "pageNumber", 1, _MAX_NUMBER)


def _number(call: Call, name: str, default: int, most: int) -> int:
    text = call.query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= most):
        raise errors.bad(f"{name} must be a whole number from 1 to {most}", "invalid.value", name)
    return int(text)


def listing(call: Call, path: str, entities: Sequence[Any]) -> dict[str, Any]:
    """One page of all entities. `path` is the address without its query."""
    size, number = page_of(call)
    shown = list(entities[(number - 1) * size : number * size])
    return {"entities": shown, **around(call, path, (size, number), len(entities))}


def around(call: Call, path: str, page: tuple[int, int], total: int) -> dict[str, Any]:
    """What a page, given by size and number, says of itself and of the pages around it."""
    size, number = page
    pages = max(1, -(-total // size))
    more = {k: v for k, v in call.query.items() if k not in QUERY}

    def uri(page: int) -> str:
        return f"{path}?{urlencode({**more, 'pageSize': size, 'pageNumber': page})}"

    made: dict[str, Any] = {
        "pageSize": size,
        "pageNumber": number,
        "total": total,
        "pageCount": pages,
        "firstUri": uri(1),
        "lastUri": uri(pages),
        "selfUri": uri(number),
    }
    if 1 < number <= pages:
        made["previousUri"] = uri(number - 1)
    if number < pages:
        made["nextUri"] = uri(number + 1)
    return made
