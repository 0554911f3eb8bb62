"""What is wrong with a request: every problem at once, each at its JSON pointer.

`problems_of(value, type)` walks a decoded JSON value beside a msgspec type and collects *all* mismatches, where
`msgspec.convert` stops at the first. Faces use the fast decoder first and come here only when it refuses.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

_MISSING = "is required"


class Problem(NamedTuple):
    """One thing wrong with a request: where (an RFC 6901 JSON pointer) and what, in plain words."""

    pointer: str
    message: str
    code: str = "invalid"


class Refused(Exception):
    """A request that must not be accepted, with every problem found in it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{p.pointer or '/'} {p.message}" for p in problems))
        self.problems = problems


def escape(token: str) -> str:
    """One reference token of a JSON pointer (RFC 6901 section 3)."""
    return token.replace("~", "~0").replace("/", "~1")


def problems_of(value: Any, kind: Any, pointer: str = "") -> list[Problem]:
    """All mismatches between a decoded JSON value and a msgspec type."""
    return list(_walk(value, _known(kind), pointer))


@lru_cache(maxsize=1024)
def _known(kind: Any) -> inspect.Type:
    """What msgspec knows of a type. To work it out takes milliseconds for a large one."""
    return inspect.type_info(kind)


def _walk(value: Any, info: inspect.Type, at: str) -> Iterator[Problem]:
    match info:
        case inspect.Metadata():
            yield from _walk(value, info.type, at)
        case inspect.StructType():
            yield from _struct(value, info, at)
        case inspect.UnionType():
            yield from _union(value, info, at)
        case inspect.ListType() | inspect.VarTupleType() if isinstance(value, list):
            yield from _bounds(value, info, at)
            for i, item in enumerate(value):
                yield from _walk(item, info.item_type, f"{at}/{i}")
        case inspect.DictType() if isinstance(value, dict):
            yield from _bounds(value, info, at)
            for key, item in value.items():
                yield from _key(key, info.key_type, at)
                yield from _walk(item, info.value_type, f"{at}/{escape(key)}")
        case _:
            yield from _leaf(value, info, at)


def _struct(value: Any, info: inspect.StructType, at: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(at, f"must be an object, not {_json_name(value)}", "type")
        return
    known = {f.encode_name: f for f in info.fields}
    if info.tag_field:
        known_names = {*known, info.tag_field}
        if info.tag_field in value and value[info.tag_field] != info.tag:
            yield Problem(f"{at}/{info.tag_field}", f'must be "{info.tag}"', "type")
    else:
        known_names = set(known)
    if info.forbid_unknown_fields:
        for name in value:
            if name not in known_names:
                yield Problem(f"{at}/{escape(name)}", "is not a field known here", "unknown_field")
    for name, field in known.items():
        if name in value:
            yield from _walk(value[name], field.type, f"{at}/{escape(name)}")
        elif field.required:
            yield Problem(f"{at}/{escape(name)}", _MISSING, "required")


def _union(value: Any, info: inspect.UnionType, at: str) -> Iterator[Problem]:
    if value is None and info.includes_none:
        return
    options = [_bare(t) for t in info.types if not isinstance(t, inspect.NoneType)]
    structs = [t for t in options if isinstance(t, inspect.StructType)]
    if isinstance(value, dict) and structs:
        yield from _tagged(value, structs, at)
    elif len(options) == 1:
        yield from _walk(value, options[0], at)
    else:
        yield from _leaf(value, info, at)


def _tagged(value: dict[str, Any], structs: list[inspect.StructType], at: str) -> Iterator[Problem]:
    if len(structs) == 1:
        yield from _struct(value, structs[0], at)
        return
    field = structs[0].tag_field or "type"
    tags = {s.tag: s for s in structs}
    tag = value.get(field)
    chosen = tags.get(tag) if isinstance(tag, str | int) else None
    if chosen is not None:
        yield from _struct(value, chosen, at)
    elif field not in value:
        yield Problem(f"{at}/{field}", f"{_MISSING}: one of {_names(tags)}", "required")
    else:
        yield Problem(f"{at}/{field}", f"must be one of {_names(tags)}", "invalid")


def _bare(info: inspect.Type) -> inspect.Type:
    """The type without what is only said about it."""
    return _bare(info.type) if isinstance(info, inspect.Metadata) else info


def _key(key: Any, info: inspect.Type, at: str) -> Iterator[Problem]:
    for problem in _leaf(key, info, at):
        yield problem._replace(message=f"has the key {key[:64]!r}: {problem.message}")


def _bounds(value: list[Any] | dict[str, Any], info: Any, at: str) -> Iterator[Problem]:
    if info.min_length is not None and len(value) < info.min_length:
        yield Problem(at, f"must have at least {info.min_length} item(s), has {len(value)}", "too_short")
    if info.max_length is not None and len(value) > info.max_length:
        yield Problem(at, f"must have at most {info.max_length} item(s), has {len(value)}", "too_long")


def _leaf(value: Any, info: inspect.Type, at: str) -> Iterator[Problem]:
    try:
        msgspec.convert(value, inspect_to_type(info))
    except msgspec.ValidationError as error:
        message = _choices(info) or str(error).split(" - at ")[0]
        yield Problem(at, message[:1].lower() + message[1:])


def _choices(info: inspect.Type) -> str | None:
    """The values that there are, where they can be listed."""
    match info:
        case inspect.EnumType():
            return f"must be one of {', '.join(str(member.value) for member in info.cls)}"
        case inspect.LiteralType():
            return f"must be one of {', '.join(map(str, info.values))}"
    return None


def inspect_to_type(info: inspect.Type) -> Any:  # noqa: PLR0911 - one return per kind of type is the table
    """The annotation that an inspected leaf type came from, constraints included."""
    match info:
        case inspect.EnumType() | inspect.CustomType():
            return info.cls
        case inspect.UnionType():
            union: Any = None
            for option in info.types:
                kind = inspect_to_type(option)
                union = kind if union is None else union | kind
            return union
        case inspect.NoneType():
            return None
        case inspect.AnyType():
            return Any
        case inspect.LiteralType():
            return _literal(info.values)
        case inspect.ListType() | inspect.VarTupleType():
            return list
        case inspect.DictType():
            return dict
        case inspect.StructType():
            return dict
        case inspect.Metadata():
            return inspect_to_type(info.type)
    return _constrained(info)


_SCALARS: dict[type, Any] = {}


def _constrained(info: inspect.Type) -> Any:
    import datetime
    import decimal
    import uuid
    from typing import Annotated

    if not _SCALARS:
        _SCALARS.update(
            {
                inspect.IntType: int,
                inspect.FloatType: float,
                inspect.StrType: str,
                inspect.BoolType: bool,
                inspect.BytesType: bytes,
                inspect.DateTimeType: datetime.datetime,
                inspect.DateType: datetime.date,
                inspect.TimeType: datetime.time,
                inspect.TimeDeltaType: datetime.timedelta,
                inspect.UUIDType: uuid.UUID,
                inspect.DecimalType: decimal.Decimal,
            }
        )
    base = _SCALARS.get(type(info), Any)
    names = ("gt", "ge", "lt", "le", "multiple_of", "pattern", "min_length", "max_length", "tz")
    limits = {n: getattr(info, n) for n in names if getattr(info, n, None) is not None}
    return Annotated[base, msgspec.Meta(**limits)] if limits else base


def _literal(values: tuple[Any, ...]) -> Any:
    from typing import Literal

    return Literal[values]


def _names(tags: dict[Any, Any]) -> str:
    return ", ".join(str(tag) for tag in tags)


def _json_name(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
