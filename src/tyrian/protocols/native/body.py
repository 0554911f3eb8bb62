"""From the bytes of a request to a checked value, or to every reason why not.

The fast decoder of msgspec goes first; it stops at the first mistake. Only when it refuses is the body read again,
slowly, to name all problems at once. Text that PostgreSQL cannot hold (NUL) is refused wherever it stands.
"""

import json
import re
from typing import Any, Final, TypeVar

import msgspec

from tyrian.domain.problem import Problem, Refused, escape, problems_of
from tyrian.protocols.native.errors import BadJson

T = TypeVar("T")

#: JSON nested deeper than this is refused; no request of ours comes near it.
MAX_DEPTH: Final = 32

_BYTE: Final = re.compile(r"\(byte (\d+)\)")
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPES: Final = re.compile(rf"\\\\|{_HIGH}{_LOW}|(?P<lone>{_HIGH}|{_LOW})")
_decode_any: Final = msgspec.json.Decoder().decode


def read(body: bytes, decoder: "msgspec.json.Decoder[T]") -> T:
    """The body as the decoder's type. Raises `BadJson` or `Refused`."""
    try:
        value = decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise explain(body, decoder.type) from error
    if b"\\u0000" in body:
        refuse_nul(_decode_any(body))
    return value


def explain(body: bytes, kind: Any) -> Exception:
    """Why a body is not of a type: a `BadJson`, or a `Refused` with every problem."""
    try:
        value = parse(body)
    except (BadJson, Refused) as error:
        return error
    found = [*_nuls(value), *problems_of(value, kind)]
    return Refused(found or _last_resort(value, kind))


def parse(body: bytes) -> Any:
    """The body as plain values. Raises `BadJson`, or `Refused` for numbers and depths that nothing here can mean."""
    try:
        value = _decode_any(body)
    except UnicodeDecodeError as error:
        raise BadJson("is not UTF-8 text", *_position_of_bad_utf8(body)) from error
    except msgspec.ValidationError as error:
        raise Refused(_numbers_too_large(body)) from error
    except msgspec.DecodeError as error:
        raise _malformed(body, str(error)) from error
    except RecursionError as error:
        raise Refused([_too_deep("")]) from error
    _refuse_depth(value)
    return value


def refuse_nul(value: Any) -> None:
    """Raises `Refused` naming each string that has a NUL character."""
    found = _nuls(value)
    if found:
        raise Refused(found)


def _nuls(value: Any) -> list[Problem]:
    message = "has a NUL character, which cannot be stored"
    found = []
    for pointer, item in _walk(value):
        if isinstance(item, str) and "\0" in item:
            found.append(Problem(pointer, message, "nul"))
        elif isinstance(item, dict):
            found += [Problem(pointer, f"has a key with a NUL character: {k!r}", "nul") for k in item if "\0" in str(k)]
    return found


def _walk(value: Any) -> "list[tuple[str, Any]]":
    """Every value inside, with its pointer, without recursion."""
    waiting, found = [("", value)], []
    while waiting:
        pointer, item = waiting.pop()
        found.append((pointer, item))
        if isinstance(item, dict):
            waiting += [(f"{pointer}/{escape(str(k))}", v) for k, v in item.items()]
        elif isinstance(item, list):
            waiting += [(f"{pointer}/{i}", v) for i, v in enumerate(item)]
    return found


def _refuse_depth(value: Any) -> None:
    level = [("", value)]
    for _ in range(MAX_DEPTH):
        level = [(f"{at}/{key}", inner) for at, item in level for key, inner in _children(item)]
        if not level:
            return
    raise Refused([_too_deep(level[0][0])])


def _children(item: Any) -> "list[tuple[str, Any]]":
    if isinstance(item, dict):
        return [(escape(str(k)), v) for k, v in item.items() if isinstance(v, dict | list)]
    if isinstance(item, list):
        return [(str(i), v) for i, v in enumerate(item) if isinstance(v, dict | list)]
    return []


def _too_deep(pointer: str) -> Problem:
    return Problem(pointer, f"is nested deeper than {MAX_DEPTH} levels", "too_deep")


def _numbers_too_large(body: bytes) -> list[Problem]:
    """Where the numbers stand that no 64-bit integer or double can hold."""
    too_large = object()

    def number(text: str) -> Any:
        return too_large if len(text) > 300 or abs(float(text)) == float("inf") else 0

    try:
        value = json.loads(body, parse_int=number, parse_float=number)
    except (ValueError, RecursionError):
        value = too_large
    found = [Problem(at, "is too large a number", "too_large") for at, item in _walk(value) if item is too_large]
    return found or [Problem("", "has a number that is too large", "too_large")]


def _last_resort(value: Any, kind: Any) -> list[Problem]:
    """The fast decoder's own word, where the slow walk finds nothing to say."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        return [Problem("", str(error)[:1].lower() + str(error)[1:])]
    return [Problem("", "cannot be read")]


# -- Where in the text ------------------------------------------------------------------------------------------------


def _malformed(body: bytes, message: str) -> BadJson:
    if not body.strip():
        return BadJson("is empty; a JSON object is expected", 1, 1)
    lone = _lone_surrogate(body)
    if lone is not None:
        return BadJson("has half of a surrogate pair, which is no character", *lone)
    byte = _BYTE.search(message)
    if byte is None:
        return BadJson("ends before the JSON is complete", *_position(body, len(body)))
    what = message.removeprefix("JSON is malformed: ").split(" (byte")[0]
    return BadJson(f"is not JSON: {what}", *_position(body, int(byte.group(1))))


def _lone_surrogate(body: bytes) -> tuple[int, int] | None:
    text = body.decode("utf-8", "replace")
    for match in _ESCAPES.finditer(text):
        if match.group("lone"):
            return _position(text.encode(), len(text[: match.start()].encode()))
    return None


def _position_of_bad_utf8(body: bytes) -> tuple[int, int]:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return _position(body, error.start)
    return 1, 1


def _position(body: bytes, byte: int) -> tuple[int, int]:
    """Line and column (in characters), both from 1."""
    before = body[:byte]
    line_start = before.rfind(b"\n") + 1
    return before.count(b"\n") + 1, len(before[line_start:].decode("utf-8", "replace")) + 1
