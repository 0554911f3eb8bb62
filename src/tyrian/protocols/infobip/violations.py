"""Everything that is wrong with a request, in Infobip's words: the slow way, taken when the fast decoder refuses.

The vendor does not publish its texts for these endpoints; those of its sibling endpoints follow Jakarta Bean
Validation, and so do these. Properties are named as in `messages[0].content.text`.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import inspect

from tyrian.domain.problem import inspect_to_type
from tyrian.protocols.infobip.errors import ApiError, Violation

NULL: Final = "must not be null"
BLANK: Final = "must not be blank"
EMPTY: Final = "must not be empty"
INVALID: Final = "invalid value"
NO_URL: Final = "is not a valid url"
#: Violations after which a large request is not looked at any further.
MOST: Final = 200
#: Nothing of ours is nested deeper; a request that is gets no further look.
_DEPTH: Final = 40

_decode_any: Final = msgspec.json.Decoder().decode


def explain(body: bytes, kind: Any) -> ApiError:
    """The 400 for a body that could not be read as this type."""
    try:
        value = _decode_any(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ApiError(400)
    found = violations_of(value, kind)
    return ApiError(400, found)


def violations_of(value: Any, kind: Any, at: str = "") -> list[Violation]:
    """All mismatches between a decoded JSON value and a type, NULs in texts included."""
    found: list[Violation] = []
    walk = _walk(value, inspect.type_info(kind), at, 0)
    for where, what in walk:
        found.append(Violation(property=where, violation=what))
        if len(found) == MOST:
            break
    return found


Found = Iterator[tuple[str, str]]


def _walk(value: Any, info: inspect.Type, at: str, depth: int) -> Found:
    while isinstance(info, inspect.Metadata):
        info = info.type
    if depth > _DEPTH:
        yield at, INVALID
    elif isinstance(info, inspect.UnionType):
        yield from _union(value, info, at, depth)
    elif value is None and not isinstance(info, inspect.NoneType | inspect.AnyType):
        yield at, NULL
    elif isinstance(info, inspect.StructType):
        yield from _struct(value, info, at, depth)
    elif isinstance(info, inspect.ListType) and isinstance(value, list):
        yield from _size(value, info, at)
        for number, item in enumerate(value):
            yield from _walk(item, info.item_type, f"{at}[{number}]", depth + 1)
    elif isinstance(info, inspect.DictType) and isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, info.value_type, _join(at, key), depth + 1)
            if "\0" in key:
                yield at, INVALID
    else:
        yield from _leaf(value, info, at)


def _struct(value: Any, info: inspect.StructType, at: str, depth: int) -> Found:
    if not isinstance(value, dict):
        yield at, INVALID
        return
    for member in info.fields:
        where = _join(at, member.encode_name)
        if member.encode_name in value:
            yield from _walk(value[member.encode_name], member.type, where, depth + 1)
        elif member.required:
            yield where, NULL


def _union(value: Any, info: inspect.UnionType, at: str, depth: int) -> Found:
    if value is None:
        if not info.includes_none:
            yield at, NULL
        return
    options = [option for option in map(_bare, info.types) if not isinstance(option, inspect.NoneType)]
    structs = [option for option in options if isinstance(option, inspect.StructType)]
    if len(options) == 1:
        yield from _walk(value, options[0], at, depth)
    elif structs and isinstance(value, dict):
        yield from _tagged(value, structs, at, depth)
    else:
        yield from _leaf(value, info, at)


def _tagged(value: dict[str, Any], structs: list[inspect.StructType], at: str, depth: int) -> Found:
    field = structs[0].tag_field or "type"
    tag = value.get(field)
    chosen = next((s for s in structs if s.tag == tag), None)
    if chosen is not None:
        yield from _struct(value, chosen, at, depth)
    else:
        yield _join(at, field), NULL if tag is None else INVALID


def _bare(info: inspect.Type) -> inspect.Type:
    return _bare(info.type) if isinstance(info, inspect.Metadata) else info


def _leaf(value: Any, info: inspect.Type, at: str) -> Found:
    if isinstance(value, str) and "\0" in value:
        yield at, INVALID
        return
    if isinstance(info, inspect.StrType) and isinstance(value, str):
        yield from _size(value, info, at)
        if info.pattern is not None and not _fits(value, info):
            yield at, f'must match "{info.pattern}"'
    elif isinstance(info, inspect.IntType | inspect.FloatType) and _is_number(value):
        yield from _range(value, info, at)
    elif isinstance(info, inspect.AnyType):
        return
    elif not _fits(value, info):
        yield at, INVALID


def _fits(value: Any, info: inspect.Type) -> bool:
    try:
        msgspec.convert(value, inspect_to_type(info))
    except (msgspec.ValidationError, OverflowError):
        return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _range(value: Any, info: Any, at: str) -> Found:
    if isinstance(info, inspect.IntType) and not isinstance(value, int):
        yield at, INVALID
    elif info.ge is not None and value < info.ge:
        yield at, f"must be greater than or equal to {info.ge:g}" if info.ge > -(2**31) else INVALID
    elif info.le is not None and value > info.le:
        yield at, f"must be less than or equal to {info.le}"


def _size(value: Any, info: Any, at: str) -> Found:
    least, most, length = info.min_length or 0, info.max_length, len(value)
    if least <= length and (most is None or length <= most):
        return
    yield at, EMPTY if most is None and least == 1 else f"size must be between {least} and {most or 2**31 - 1}"


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
