"""Reports as XML, for webhooks that ask for `application/xml` (OpenAPI 3.210.0, `webhooks.contentType`).

Element names are the names of the JSON members; an array is an element of that name with an element in the singular for
each item.
"""

import re
from typing import Any, Final
from xml.sax.saxutils import escape

HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>'
#: What XML 1.0 cannot hold, not even escaped (W3C Recommendation, section 2.2).
_UNSPEAKABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(root: str, value: dict[str, Any]) -> bytes:
    """A JSON object as an XML document."""
    return (HEAD + _element(root, value)).encode()


def _element(name: str, value: Any) -> str:
    return f"<{name}>{_inside(name, value)}</{name}>"


def _inside(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return "".join(_element(key, item) for key, item in value.items())
    if isinstance(value, list):
        return "".join(_element(_singular(name), item) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(_UNSPEAKABLE.sub("\ufffd", str(value)))


def _singular(name: str) -> str:
    return name.removesuffix("s") if name.endswith("s") else f"{name}Item"
