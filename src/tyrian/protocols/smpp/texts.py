"""What a content says on a phone that knows only SMS."""

from collections.abc import Callable
from typing import Any, Final

from tyrian.domain import content as c


def text_of(content: c.Base) -> str | None:
    """The text of a content, or None for one that SMS cannot say (the channel's capabilities refuse those before)."""
    write = _WRITERS.get(type(content))
    text = None if write is None else write(content)
    return None if not text else text + _button(getattr(content, "button", None))


def _button(button: c.LinkButton | None) -> str:
    return "" if button is None else f"\n{button.text}: {button.url}"


def _text(content: c.Text) -> str:
    return content.text


def _medium(content: c.Image | c.Video) -> str:
    return f"{content.text} {content.url}" if content.text else content.url


def _file(content: c.File) -> str:
    return f"{content.name} {content.url}"


def _url(content: c.UrlContent) -> str:
    return content.url


def _location(content: c.Location) -> str:
    place = f"{content.latitude:.6f},{content.longitude:.6f}"
    return f"{content.address} {place}" if content.address else place


def _survey(content: c.Survey) -> str:
    return "\n".join((content.text, *(f"{n}. {option}" for n, option in enumerate(content.options, 1))))


def _template(content: c.Template) -> str | None:
    return content.text


_WRITERS: Final[dict[type[c.Base], Callable[[Any], str | None]]] = {
    c.Text: _text,
    c.Image: _medium,
    c.Video: _medium,
    c.File: _file,
    c.UrlContent: _url,
    c.Location: _location,
    c.Survey: _survey,
    c.Template: _template,
}
