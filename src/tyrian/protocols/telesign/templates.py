"""What Telesign calls templates: the content of each, by channel (template pages; Engage API).

`content_of` reads a face's request; `template_of` spells a neutral content for a send through Telesign.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from tyrian.domain import content as neutral
from tyrian.domain.content import Base, LinkButton

Parameters = Mapping[str, str]

#: The word pattern of codes that Telesign makes up itself (template pages, `telesign_otp`); also used for
#: `otp_verify`, whose pre-approved words are Viber's own, where a channel has no such template.
OTP_TEXT: Final = "{} is your verification code"
OTP_TEMPLATE: Final = "otp_verify"
AUTO_OTP: Final = "telesign_otp"
#: The longest URL and tracking value that a neutral content holds.
_MAX_URL: Final = 2000
_MAX_TRACKING: Final = 4000
#: Viber must be told how long a video is, and Telesign's templates do not say: this is what it is told, in seconds.
VIDEO_SECONDS: Final = 60


class Unfit(Exception):
    """A template that cannot be filled: `missing` parameters, or a value that no content can hold."""

    def __init__(self, *, missing: bool) -> None:
        super().__init__("missing" if missing else "unfit")
        self.missing = missing


class Form(NamedTuple):
    """One template: the parameters that it must have, those that it may have, and what it makes."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    make: Callable[[Parameters], Base]
    #: Whether it may only be said in an open session.
    session: bool = False


def _url(p: Parameters, name: str) -> str:
    url = p[name]
    if len(url) > _MAX_URL:
        raise Unfit(missing=False)
    return url


def _tracked(p: Parameters) -> str | None:
    value = p.get("reply_id") or None
    if value is not None and len(value) > _MAX_TRACKING:
        raise Unfit(missing=False)
    return value


def _text(p: Parameters) -> Base:
    return neutral.Text(text=p["text"], tracking_data=_tracked(p))


def _image(p: Parameters) -> Base:
    return neutral.Image(url=_url(p, "url"), tracking_data=_tracked(p))


def _link(p: Parameters) -> Base:
    button = LinkButton(text=p["url_text"], url=_url(p, "url"), id=p["url_id"])
    return neutral.Text(text=p["text"], button=button)


def _video(p: Parameters) -> Base:
    # Viber wants a picture for every video. One that it cannot read shows as an empty frame.
    thumbnail = _url(p, "url_thumbnail") if p.get("url_thumbnail") else _url(p, "url")
    return neutral.Video(url=_url(p, "url"), text=p.get("text") or None, thumbnail=thumbnail, duration=VIDEO_SECONDS)


def _video_link(p: Parameters) -> Base:
    video = _video(p)
    assert isinstance(video, neutral.Video)
    if p.get("button_text"):
        target = _url(p, "open_url") if p.get("open_url") else video.url
        video.button = LinkButton(text=p["button_text"], url=target)
    return video


def _code(p: Parameters) -> Base:
    return neutral.Text(text=OTP_TEXT.format(p["otp_code"]))


VIBER: Final[Mapping[str, Form]] = {
    "text": Form(("text",), ("reply_id",), _text),
    "text_session": Form(("text",), ("reply_id",), _text, session=True),
    # On template pages, though not in the Engage API's list.
    "text_2way": Form(("text",), ("reply_id",), _text),
    "image": Form(("url",), ("reply_id",), _image),
    "image_session": Form(("url",), ("reply_id",), _image, session=True),
    "url_action": Form(("text", "url", "url_id", "url_text"), (), _link),
    "video": Form(("url",), ("url_thumbnail",), _video),
    "text_video": Form(("text", "url", "url_thumbnail"), (), _video),
    "url_action_video": Form(("text", "url"), ("button_text", "open_url", "url_thumbnail"), _video_link),
    "otp_verify": Form(("otp_code",), ("language",), _code),
}
SMS: Final[Mapping[str, Form]] = {"text": Form(("text",), (), _text)}
BY_CHANNEL: Final[Mapping[str, Mapping[str, Form]]] = {"viber": VIBER, "sms": SMS}

#: Every channel that Telesign knows (Engage API). Those without templates here are not enabled on a gateway.
CHANNELS: Final = ("rcs", "whatsapp", "sms", "mms", "viber", "email")


def fill(form: Form, parameters: Parameters) -> Base:
    """The content that a template makes of its parameters. Raises `Unfit`."""
    for name in form.required:
        if not parameters.get(name):
            raise Unfit(missing=True)
    return form.make(parameters)


# -- Towards Telesign -------------------------------------------------------------------------------------------------


class Filled(NamedTuple):
    """A template with its parameters, as it goes over the wire."""

    template: str
    parameters: dict[str, str]


def template_of(content: Base, *, channel: str, session: bool) -> Filled | None:
    """The template that says a content on one of Telesign's channels; None where none does."""
    if channel == "sms":
        return _sms(content)
    spell: Callable[[Any, bool], Filled | None] | None = _SPELLINGS.get(type(content))
    return spell(content, session) if spell is not None else None


def _sms(content: Base) -> Filled | None:
    if isinstance(content, neutral.Text) and content.button is None:
        return Filled("text", {"text": content.text})
    return None


def _reply(content: Base) -> dict[str, str]:
    return {"reply_id": content.tracking_data} if content.tracking_data else {}


def _spell_text(content: neutral.Text, session: bool) -> Filled | None:
    if content.button is None:
        return Filled("text_session" if session else "text", {"text": content.text, **_reply(content)})
    if session:
        return None
    button = content.button
    # The id is compulsory: a button that nobody counts gets its own text as one.
    given = {"text": content.text, "url": button.url, "url_id": button.id or button.text, "url_text": button.text}
    return Filled("url_action", given)


def _spell_image(content: neutral.Image, session: bool) -> Filled | None:
    if content.text or content.button or content.thumbnail:
        return None
    return Filled("image_session" if session else "image", {"url": content.url, **_reply(content)})


def _spell_video(content: neutral.Video, session: bool) -> Filled | None:
    if session:
        return None
    given = {"url": content.url}
    if content.thumbnail:
        given["url_thumbnail"] = content.thumbnail
    if content.button is not None:
        if not content.text:
            return None
        given |= {"text": content.text, "button_text": content.button.text, "open_url": content.button.url}
        return Filled("url_action_video", given)
    if content.text:
        return Filled("text_video", {**given, "text": content.text}) if content.thumbnail else None
    return Filled("video", given)


def _spell_template(content: neutral.Template, session: bool) -> Filled | None:
    """Only the pre-approved template is known to Telesign by name."""
    code = content.parameters.get("otp_code")
    if content.template_id != OTP_TEMPLATE or not code or session:
        return None
    language = {"language": content.language} if content.language else {}
    return Filled(OTP_TEMPLATE, {"otp_code": code, **language})


_SPELLINGS: Final[Mapping[type[Base], Any]] = {
    neutral.Text: _spell_text,
    neutral.Image: _spell_image,
    neutral.Video: _spell_video,
    neutral.Template: _spell_template,
}
