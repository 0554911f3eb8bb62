"""The files that a content names by their URLs, and the content with other URLs in their place. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from tyrian.domain.content import Base, type_of
from tyrian.domain.limits import Capabilities, ContentRule, media_rule, values_at
from tyrian.domain.media import MediaRule

#: Content types whose `url` is a file, whether or not a channel has a rule of its own for it.
_FILES: Final = frozenset({"image", "video", "file", "audio"})


class NamedFile(Struct, frozen=True):
    """A file that a content names: at which JSON pointer, what it must be there, in which content type, and its URL."""

    at: str
    rule: MediaRule
    kind: str
    url: str


def files_of(content: Base, can: Capabilities) -> Iterator[NamedFile]:
    """The files of a content for which a channel has rules."""
    kind = type_of(content)
    rule = can.contents.get(kind)
    if rule is None:
        return
    rules = {one.field: one for one in rule.media}
    if kind in _FILES and "url" not in rules and (own := media_rule(can, kind, "url")) is not None:
        rules["url"] = own
    for field, one in rules.items():
        for pointer, url in values_at(content, field):
            if isinstance(url, str):
                yield NamedFile(pointer, one, kind, url)


def fitting(can: Capabilities) -> Capabilities:
    """What a channel can carry whose pictures are made to fit: how the URL of one ends is no bound on the content then.

    It is seen to with the rest of the file: a picture under another ending is hosted under its own.
    """
    rule = can.contents.get("image")
    endings = {b.field: b.extensions for b in rule.bounds if b.extensions} if rule is not None else {}
    if rule is None or not endings:
        return can
    rules = {one.field: one for one in rule.media}
    for field, ends in endings.items():
        rules[field] = replace(rules.get(field) or MediaRule(field=field), endings=ends)
    bounds = tuple(replace(bound, extensions=None) for bound in rule.bounds)
    lenient = ContentRule(bounds=bounds, media=tuple(rules.values()))
    return replace(can, contents={**can.contents, "image": lenient})


def with_files(content: Base, urls: Mapping[str, str]) -> Base:
    """The content with the URLs at these pointers replaced."""
    for pointer, url in urls.items():
        content = _with(content, pointer.split("/")[1:], url)
    return content


def _with(value: Any, path: list[str], url: str) -> Any:
    if not path:
        return url
    name, rest = path[0], path[1:]
    if isinstance(value, list):
        number = int(name)
        return [*value[:number], _with(value[number], rest, url), *value[number + 1 :]]
    return replace(value, **{name: _with(getattr(value, name), rest, url)})
