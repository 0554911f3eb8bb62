"""What a channel can carry, as data: content types with the bounds of their fields, and what each purpose may say.

A protocol states its `Capabilities` as tables, each bound with its source; `check` holds a content against them and
returns every problem at its JSON pointer. The same tables are served as the API's capabilities and rendered in the
documentation, so what is refused and what is documented cannot differ.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from msgspec import Struct, json

from tyrian.domain.buttons import faults, without_data
from tyrian.domain.content import Base, shape_of, type_of
from tyrian.domain.media import MediaRule
from tyrian.domain.problem import Problem
from tyrian.domain.purpose import Purpose


class Bound(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One bound on one field. `field` is a path in the content (`text`, `button.text`, `cards[].title`)."""

    field: str
    required: bool = False
    forbidden: bool = False
    #: Characters of a string, or items of a list.
    min_length: int | None = None
    max_length: int | None = None
    #: For numbers.
    minimum: float | None = None
    maximum: float | None = None
    #: Endings that a file name or the path of a URL must have, in lower case.
    extensions: tuple[str, ...] | None = None
    #: The only values allowed.
    values: tuple[str, ...] | None = None
    source: str = ""


class ContentRule(Struct, frozen=True, kw_only=True):
    """The bounds of one content type on one kind of channel."""

    bounds: tuple[Bound, ...] = ()
    #: What the files behind the content's URLs must be; looked at by a probe, not by `check`.
    media: tuple[MediaRule, ...] = ()


class Capabilities(Struct, frozen=True, kw_only=True):
    """What a channel can carry."""

    #: Content type -> its bounds. A type that is not here cannot be sent.
    contents: Mapping[str, ContentRule]
    #: Purpose -> the content shapes it may have (see `domain.content.shape_of`); a purpose not here may have any.
    shapes: Mapping[Purpose, frozenset[str]] = {}
    #: Bounds of the members that every content may have (keyboard, tracking data).
    common: tuple[Bound, ...] = ()
    #: Bytes of the whole content as JSON.
    max_bytes: int | None = None
    receipts: frozenset[str] = frozenset({"delivered"})
    inbound: bool = False
    #: Further checks that no table can say; each yields (pointer, message) pairs.
    extra: tuple[Callable[[Base, Purpose], Iterator[tuple[str, str]]], ...] = ()
    source: str = ""


def check(content: Base, purpose: Purpose, can: Capabilities, at: str = "") -> list[Problem]:
    """Every reason why a channel with these capabilities cannot carry this content for this purpose."""
    kind = type_of(content)
    rule = can.contents.get(kind)
    if rule is None:
        return [Problem(f"{at}/type", f'"{kind}" cannot be sent on this channel; it takes {_listed(can.contents)}')]
    found = [p for bounds in (rule.bounds, can.common) for bound in bounds for p in _check_bound(content, bound, at)]
    allowed = can.shapes.get(purpose)
    shape = shape_of(content)
    if allowed is not None and shape not in allowed:
        found.append(Problem(f"{at}/type", f'"{shape}" is not allowed for {purpose.value} messages on this channel'))
    for rule_of_its_own in can.extra:
        found += [Problem(f"{at}{pointer}", message) for pointer, message in rule_of_its_own(content, purpose)]
    found += [Problem(f"{at}{pointer}", message) for pointer, message in faults(content)]
    if can.max_bytes is not None and len(json.encode(without_data(content))) > can.max_bytes:
        found.append(Problem(at, f"is larger than {can.max_bytes} bytes in all", "too_long"))
    return found


def takes_keyboards(can: Capabilities) -> bool:
    """Whether a content can have a keyboard on a channel with these capabilities."""
    return not any(bound.field == "keyboard" and bound.forbidden for bound in can.common)


def media_rule(can: Capabilities, kind: str, field: str) -> MediaRule | None:
    """What the file behind a field (`url`, `thumbnail`, `cards[].image`) of a content type must be.

    Where a channel has no rule of its own for a file, its bounds on the content's size and duration are one. None if
    the channel does not take the content type.
    """
    rule = can.contents.get(kind)
    if rule is None:
        return None
    for one in rule.media:
        if one.field == field:
            return one
    most = {b.field: b.maximum for b in rule.bounds if field == "url" and b.maximum is not None}
    size = most.get("size")
    return MediaRule(field=field, max_bytes=None if size is None else int(size), max_duration=most.get("duration"))


def url_faults(url: str, can: Capabilities, kind: str, field: str) -> list[str]:
    """What is wrong with a URL itself as the value of a field."""
    rule = can.contents.get(kind)
    bounds = [b for b in rule.bounds if b.field == field] if rule is not None else []
    return [message for message in (_broken(url, bound) for bound in bounds) if message]


def values_at(content: Base, field: str) -> Iterator[tuple[str, Any]]:
    """The values of a field (`url`, `cards[].image`), each with its JSON pointer; of what is missing, none or None."""
    return _values(content, field.split("."), "")


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(sorted(names))


def _check_bound(content: Base, bound: Bound, at: str) -> list[Problem]:
    path = _path_of(bound.field)
    if path is None:
        # Most bounds are on a member of the content itself: this runs for each of them and every message.
        message = _broken(getattr(content, bound.field, None), bound)
        return [Problem(f"{at}/{bound.field}", message)] if message else []
    if getattr(content, path[0].removesuffix("[]"), None) is None and len(path) > 1:
        return []
    found = ((pointer, _broken(value, bound)) for pointer, value in _values(content, path, at))
    return [Problem(pointer, message) for pointer, message in found if message]


@cache
def _path_of(field: str) -> list[str] | None:
    """The steps of a field's path; None for a plain member."""
    return field.split(".") if "." in field or field.endswith("[]") else None


def _values(value: Any, path: list[str], at: str) -> Iterator[tuple[str, Any]]:
    """The values at a path, each with its pointer; a missing last member comes as None, a missing parent not at all."""
    if not path:
        yield at, value
        return
    name, rest = path[0], path[1:]
    each = name.endswith("[]")
    member = getattr(value, name.removesuffix("[]"), None)
    pointer = f"{at}/{name.removesuffix('[]')}"
    if each:
        for i, item in enumerate(member or ()):
            yield from _values(item, rest, f"{pointer}/{i}")
    elif member is None and rest:
        return
    else:
        yield from _values(member, rest, pointer)


def _broken(value: Any, bound: Bound) -> str | None:
    if value is None:
        return "is required on this channel" if bound.required else None
    if bound.forbidden:
        return "cannot be sent on this channel"
    if isinstance(value, str | list | dict):
        return _length(value, bound) or _spelling(value, bound)
    if isinstance(value, int | float):
        if bound.maximum is not None and value > bound.maximum:
            return f"must be at most {bound.maximum:g}, is {value:g}"
        if bound.minimum is not None and value < bound.minimum:
            return f"must be at least {bound.minimum:g}, is {value:g}"
    return None


def _length(value: str | list[Any] | dict[str, Any], bound: Bound) -> str | None:
    unit = "characters" if isinstance(value, str) else "items"
    if bound.max_length is not None and len(value) > bound.max_length:
        return f"must have at most {bound.max_length} {unit}, has {len(value)}"
    if bound.min_length is not None and len(value) < bound.min_length:
        return f"must have at least {bound.min_length} {unit}, has {len(value)}"
    return None


def _spelling(value: Any, bound: Bound) -> str | None:
    if not isinstance(value, str):
        return None
    if bound.values is not None and value not in bound.values:
        return f"must be one of {', '.join(bound.values)}"
    if bound.extensions is not None and not _path(value).endswith(bound.extensions):
        return f"must end in one of {', '.join(bound.extensions)}"
    return None


def _path(value: str) -> str:
    return value.split("?", 1)[0].split("#", 1)[0].lower()
