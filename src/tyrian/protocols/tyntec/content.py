"""Contents, from the wire into the neutral form and back.

`read` and `read_parts` say everything that is wrong at once, as violations in tyntec's words; the wording of a broken
bound is Bean Validation's, which the service's own examples use.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tyrian.domain import content as neutral
from tyrian.domain.content import Base, LinkButton
from tyrian.protocols.tyntec import limits, wire
from tyrian.protocols.tyntec.wire import Violation

EMPTY: Final = "must not be empty"
NULL: Final = "must not be null"


def size_between(least: int, most: int) -> str:
    """The words for a string or list of the wrong length."""
    return f"size must be between {least} and {most}"


def must_match(pattern: str) -> str:
    """The words for a string that has not the form it must have."""
    return f'must match "{pattern}"'


def must_be_one_of(words: Sequence[str]) -> str:
    """The words for a string that is none of those there are."""
    return f"must be one of {', '.join(words)}"


class Faults:
    """What is wrong with a request, found while it is read."""

    def __init__(self) -> None:
        self.found: list[Violation] = []

    def __bool__(self) -> bool:
        return bool(self.found)

    def add(self, path: str, message: str) -> None:
        """Notes what is wrong with the member at a dotted path."""
        self.found.append(Violation(f"validate.request.{path}", message))

    def text(self, value: str | None, path: str, most: int, least: int = 0) -> str:
        """A string that must be there, with at most so many characters."""
        if not value:
            self.add(path, EMPTY)
        elif not least <= len(value) <= most:
            self.add(path, size_between(least, most))
        return value or ""

    def url(self, value: str | None, path: str) -> str:
        """A URL of media."""
        if not value:
            self.add(path, EMPTY)
        elif not limits.is_url(value):
            self.add(path, must_match(limits.URL_PATTERN))
        return value or ""

    def number(self, value: int | None, path: str, most: int | None = None) -> int:
        """A whole number that must be there and not below zero."""
        if value is None:
            self.add(path, NULL)
        elif value < 0:
            self.add(path, "must be greater than or equal to 0")
        elif value > (limits.MOST_NUMBER if most is None else most):
            self.add(path, f"must be less than or equal to {limits.MOST_NUMBER if most is None else most}")
        return value or 0

    def option(self, value: str | None, path: str, words: Sequence[str]) -> None:
        """A word that may be left out, or is one of a few."""
        if value is not None and value.lower() not in words:
            self.add(path, must_be_one_of(words))


# -- From the wire ----------------------------------------------------------------------------------------------------


def kind_of(part: wire.Part) -> str | None:
    """What a part says that it is."""
    return part.content_type or part.type


def read(body: wire.Content | None, at: str, faults: Faults) -> Base | None:
    """The content of a v3 message; None if anything is wrong, which is then noted."""
    if body is None:
        faults.add(at, NULL)
        return None
    kind = kind_of(body)
    if not kind:
        faults.add(f"{at}.contentType", EMPTY)
        return None
    if kind == "components":
        parts = body.components.body if body.components else None
        return read_parts(parts, f"{at}.components.body", faults)
    reader = _READERS.get(kind)
    if reader is None:
        faults.add(f"{at}.contentType", must_be_one_of([*_READERS, "components"]))
        return None
    before = len(faults.found)
    made = reader(body, at, faults)
    return made if len(faults.found) == before else None


def read_parts(parts: list[wire.Part] | None, at: str, faults: Faults, *, legacy: bool = False) -> Base | None:
    """A message of several parts; None if anything is wrong, which is then noted."""
    if not parts:
        faults.add(at, EMPTY)
        return None
    before = len(faults.found)
    if legacy and len(parts) > limits.LEGACY_PARTS[1]:
        faults.add(at, size_between(*limits.LEGACY_PARTS))
    made: dict[str, Any] = {}
    for number, part in enumerate(parts):
        here = f"{at}[{number}]"
        kind = kind_of(part)
        if not kind:
            faults.add(f"{here}.type", EMPTY)
        elif kind == "button":
            made[kind] = _button(part.button, f"{here}.button", faults, legacy)
        elif kind in _READERS:
            made[kind] = _READERS[kind](part, here, faults)
            if legacy and kind == "text" and len(part.text or "") > limits.VIBER_TEXT:
                faults.add(f"{here}.text", size_between(0, limits.VIBER_TEXT))
        else:
            faults.add(f"{here}.type", must_be_one_of([*_READERS, "button"]))
    if len(faults.found) > before:
        return None
    if len(made) != len(parts) or tuple(sorted(made)) not in limits.COMBINATIONS:
        faults.add(at, "must be a combination of parts that Viber can show")
        return None
    return _joined(made)


def _joined(made: dict[str, Any]) -> Base:
    """One content out of parts that go together."""
    text, button = made.get("text"), made.get("button")
    main: Any = made.get("image") or made.get("video")
    if main is not None:
        main.text, main.button = text.text if text else None, button
        return _base(main)
    if text is not None:
        text.button = button
        return _base(text)
    return _base(next(iter(made.values())))


def _base(content: Any) -> Base:
    made: Base = content
    return made


def _text(part: wire.Part, at: str, faults: Faults) -> Base:
    return neutral.Text(text=faults.text(part.text, f"{at}.text", limits.MAX_TEXT))


def _image(part: wire.Part, at: str, faults: Faults) -> Base:
    image = part.image or wire.Media()
    return neutral.Image(url=faults.url(image.url, f"{at}.image.url"))


def _file(part: wire.Part, at: str, faults: Faults) -> Base:
    file = part.file or wire.FileBody()
    url = faults.url(file.url, f"{at}.file.url")
    name = faults.text(file.filename, f"{at}.file.filename", limits.MAX_FILENAME)
    kind = file.type or file.filetype
    faults.option(kind, f"{at}.file.type", limits.FILE_TYPES)
    return neutral.File(url=url, name=_named(name, kind, url))


def _named(name: str, kind: str | None, url: str) -> str:
    """The file's name with an ending that says what it is, the way its type does, or its URL."""
    if _ending(name) in limits.FILE_TYPES:
        return name
    ending = (kind or _ending(url.partition("?")[0])).lower()
    whole = f"{name}.{ending}"
    return whole if ending in limits.FILE_TYPES and len(whole) <= limits.MAX_FILENAME else name


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _video(part: wire.Part, at: str, faults: Faults) -> Base:
    video, here = part.video or wire.VideoBody(), f"{at}.video"
    faults.option(video.type, f"{here}.type", limits.VIDEO_TYPES)
    return neutral.Video(
        url=faults.url(video.url, f"{here}.url"),
        thumbnail=faults.url(video.thumbnail_url, f"{here}.thumbnailUrl"),
        # One of less than a megabyte says 0, which is no size that Viber takes.
        size=faults.number(video.filesize, f"{here}.filesize", limits.MAX_MEGABYTES) * limits.MEGABYTE or None,
        duration=faults.number(video.duration, f"{here}.duration"),
    )


def _list(part: wire.Part, at: str, faults: Faults) -> Base:
    question, here = part.list or wire.ListBody(), f"{at}.list"
    options = question.options or []
    if not limits.LIST_OPTIONS[0] <= len(options) <= limits.LIST_OPTIONS[1]:
        faults.add(f"{here}.options", size_between(*limits.LIST_OPTIONS))
    for number, option in enumerate(options):
        if not option:
            faults.add(f"{here}.options[{number}]", EMPTY)
    return neutral.Survey(text=faults.text(question.text, f"{here}.text", limits.MAX_TEXT), options=options)


def _carousel(part: wire.Part, at: str, faults: Faults) -> Base:
    carousel, here = part.carousel or wire.CarouselBody(), f"{at}.carousel"
    items = carousel.items or []
    if not limits.CAROUSEL_ITEMS[0] <= len(items) <= limits.CAROUSEL_ITEMS[1]:
        faults.add(f"{here}.items", size_between(*limits.CAROUSEL_ITEMS))
    cards = [_card(item, f"{here}.items[{number}]", faults) for number, item in enumerate(items)]
    return neutral.Carousel(text=faults.text(carousel.text, f"{here}.text", limits.MAX_TEXT), cards=cards)


def _card(item: wire.CardBody, at: str, faults: Faults) -> neutral.Card:
    primary = _card_button(item.primary_button or wire.CardButton(), f"{at}.primaryButton", faults)
    second = item.secondary_button
    return neutral.Card(
        title=faults.text(item.title, f"{at}.title", limits.MAX_TEXT),
        image=faults.url(item.image_url, f"{at}.imageUrl"),
        primary=primary,
        secondary=_card_button(second, f"{at}.secondaryButton", faults) if second else None,
    )


def _card_button(button: wire.CardButton, at: str, faults: Faults) -> LinkButton:
    label = faults.text(button.label, f"{at}.label", limits.MAX_TEXT)
    return LinkButton(text=label, url=faults.url(button.action_url, f"{at}.actionUrl"))


def _button(button: wire.ButtonBody | None, at: str, faults: Faults, legacy: bool) -> LinkButton:
    button = button or wire.ButtonBody()
    caption = faults.text(button.caption, f"{at}.caption", limits.LEGACY_CAPTION if legacy else limits.MAX_TEXT)
    if legacy:
        return LinkButton(text=caption, url=faults.url(button.callback or button.url, f"{at}.callback"))
    return LinkButton(text=caption, url=faults.text(button.url or button.callback, f"{at}.url", limits.MAX_URL))


_READERS: Final[Mapping[str, Callable[[wire.Part, str, Faults], Base]]] = {
    "text": _text,
    "image": _image,
    "file": _file,
    "video": _video,
    "list": _list,
    "carousel": _carousel,
}


# -- To the wire ------------------------------------------------------------------------------------------------------


def write(content: Base) -> wire.Content:
    """The content of a v3 message. Raises `ValueError` for one that tyntec does not know."""
    parts = [wire.Part(content_type=kind, **member) for kind, member in _parts(content)]
    if len(parts) > 1:
        return wire.Content(content_type="components", components=wire.Components(body=parts))
    (kind, member), *_ = _parts(content)
    return wire.Content(content_type=kind, **member)


def stored_parts(content: Base) -> list[dict[str, Any]]:
    """The parts as a stored message shows them: told apart by `type`, a button's target under `callback`."""
    found: list[dict[str, Any]] = []
    for kind, member in _parts(content):
        value = member[kind]
        if isinstance(value, wire.ButtonBody):
            value = wire.ButtonBody(caption=value.caption, callback=value.url)
        found.append({"type": kind, kind: value})
    return found


def type_of(content: Base, single: str | None = None) -> str:
    """The `contentType` of a message, which is `single` for one that named itself so."""
    parts = _parts(content)
    return single or ("components" if len(parts) > 1 else parts[0][0])


def _parts(content: Base) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    match content:
        case neutral.Text():
            found.append(("text", {"text": content.text}))
        case neutral.Image():
            found.append(("image", {"image": wire.Media(content.url)}))
        case neutral.Video():
            found.append(("video", {"video": _video_body(content)}))
        case neutral.File():
            file = wire.FileBody(content.url, content.name, _file_type(content.name))
            found.append(("file", {"file": file}))
        case neutral.Survey():
            found.append(("list", {"list": wire.ListBody(content.text, content.options)}))
        case neutral.Carousel() if content.cards is not None:
            items = [_item(card) for card in content.cards]
            found.append(("carousel", {"carousel": wire.CarouselBody(content.text, items)}))
        case _:
            raise ValueError(f"tyntec has no content for {neutral.type_of(content)}")
    if isinstance(content, neutral.Image | neutral.Video) and content.text:
        found.append(("text", {"text": content.text}))
    button: LinkButton | None = getattr(content, "button", None)
    if button is not None:
        found.append(("button", {"button": wire.ButtonBody(button.text, button.url)}))
    return found


def _video_body(video: neutral.Video) -> wire.VideoBody:
    ending = _ending(video.url.partition("?")[0])
    return wire.VideoBody(
        url=video.url,
        thumbnail_url=video.thumbnail,
        type=ending if ending in limits.VIDEO_TYPES else None,
        filesize=-(-(video.size or 0) // limits.MEGABYTE),
        duration=video.duration,
    )


def _file_type(name: str) -> str | None:
    ending = _ending(name)
    return ending if ending in limits.FILE_TYPES else None


def _item(card: neutral.Card) -> wire.CardBody:
    second = card.secondary
    return wire.CardBody(
        title=card.title,
        image_url=card.image,
        primary_button=wire.CardButton(card.primary.text, card.primary.url),
        secondary_button=wire.CardButton(second.text, second.url) if second else None,
    )
