"""Which numeric type a business message has, and how its content is spelled under that type.

The type says what is charged and which devices show it, so it is chosen from the purpose, the content's shape and the
channel's reach (Viber Business Messages, specification v11.3, message types).
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tyrian.domain import content as neutral
from tyrian.domain.content import Base, shape_of
from tyrian.domain.purpose import Purpose
from tyrian.protocols.viber import business_wire as wire
from tyrian.protocols.viber.business_wire import MessageType as T


class Reach(NamedTuple):
    """The types of one shape: for the smartphone only, for all devices, and for all devices with replies."""

    phone: T
    all: T
    reply: T


def _same(one: T) -> Reach:
    return Reach(one, one, one)


_TRANSACTIONAL: Final = {
    "text": Reach(T.TEXT, T.TEXT_ALL, T.TEXT_REPLY),
    "template": Reach(T.TEMPLATE, T.TEMPLATE_ALL, T.TEMPLATE_ALL),
    "file": Reach(T.FILE, T.FILE_UNTRACKED, T.FILE_REPLY),
    "list": _same(T.LIST),
}
_PICTURE: Final = Reach(T.TEXT_IMAGE_BUTTON, T.TEXT_IMAGE_BUTTON_ALL, T.TEXT_IMAGE_BUTTON_REPLY)

TYPES: Final[Mapping[Purpose, Mapping[str, Reach]]] = {
    Purpose.TRANSACTIONAL: _TRANSACTIONAL,
    Purpose.OTP: {shape: _TRANSACTIONAL[shape] for shape in ("text", "template")},
    Purpose.PROMOTIONAL: {
        "text": _same(T.PROMO_TEXT),
        "text+button": Reach(T.TEXT_BUTTON, T.TEXT_BUTTON_ALL, T.TEXT_BUTTON_REPLY),
        "image": Reach(T.IMAGE, T.IMAGE_ALL, T.IMAGE_REPLY),
        # Has no type of its own: an empty caption and action hide the button.
        "image+text": _PICTURE,
        "image+text+button": _PICTURE,
        "video": _same(T.VIDEO),
        "video+text": _same(T.VIDEO_TEXT),
        "video+text+button": _same(T.VIDEO_TEXT_BUTTON),
        "carousel": _same(T.CAROUSEL),
    },
    Purpose.SESSION: {
        "text": _same(T.SESSION_TEXT),
        "image": _same(T.SESSION_IMAGE),
        "file": Reach(T.SESSION_FILE_PHONE, T.SESSION_FILE, T.SESSION_FILE),
        "list": _same(T.SESSION_LIST),
    },
}

#: `label` declares the purpose; it does not steer billing, but without it Viber answers 18.
LABELS: Final[Mapping[Purpose, str]] = {
    Purpose.TRANSACTIONAL: wire.LABEL_TRANSACTION,
    Purpose.OTP: wire.LABEL_TRANSACTION,
    Purpose.SESSION: wire.LABEL_TRANSACTION,
    Purpose.PROMOTIONAL: wire.LABEL_PROMOTION,
}

#: Types that must have `#tracking_data`, if only an empty one. On all others it is left out: 7, 8, 9, 107, 108 and 109
#: are refused with it (status 6), and none of the rest brings it back.
TRACKED: Final = frozenset(
    {
        T.TEXT_REPLY, T.IMAGE_REPLY, T.TEXT_IMAGE_BUTTON_REPLY, T.TEXT_BUTTON_REPLY, T.TEXT_FULL_IMAGE_BUTTON,
        T.FILE_REPLY, T.PROMO_TEXT, T.SESSION_TEXT, T.SESSION_IMAGE,
        T.VIDEO, T.VIDEO_TEXT, T.VIDEO_TEXT_PLAY, T.VIDEO_TEXT_BUTTON,
    }
)  # fmt: skip
#: Types whose `#tracking_data` must hold something.
TRACKED_WITH_VALUE: Final = frozenset({T.LIST, T.SESSION_LIST, T.CAROUSEL})
#: Types that take `#imageFormat`.
GIF_TYPES: Final = frozenset(
    {
        T.IMAGE, T.IMAGE_ALL, T.IMAGE_REPLY, T.SESSION_IMAGE,
        T.TEXT_IMAGE_BUTTON, T.TEXT_IMAGE_BUTTON_ALL, T.TEXT_IMAGE_BUTTON_REPLY,
    }
)  # fmt: skip


class Style(NamedTuple):
    """How a channel sends, from its settings."""

    all_devices: bool = True
    replies: bool = True
    full_screen_images: bool = False
    list_ui: int = wire.SURVEY_BUTTONS


def type_for(content: Base, purpose: Purpose, style: Style) -> T | None:
    """The type of a message, or None for what the purpose may not say."""
    reach = TYPES[purpose].get(shape_of(content))
    if reach is None:
        return None
    chosen = reach.phone if not style.all_devices else reach.reply if style.replies else reach.all
    if style.full_screen_images and chosen in (T.TEXT_IMAGE_BUTTON_ALL, T.TEXT_IMAGE_BUTTON_REPLY):
        return T.TEXT_FULL_IMAGE_BUTTON
    if chosen is T.VIDEO_TEXT_BUTTON and _plays_the_video(content):
        return T.VIDEO_TEXT_PLAY
    return chosen


def fill(request: wire.SendMessage, content: Base, style: Style, tracking: str) -> None:
    """Put a content into a request whose type was chosen for it. `tracking` stands in where a value is compulsory."""
    if isinstance(content, neutral.Template):
        request.template_id = content.template_id
        request.template_lang = content.language
        request.template_params = content.parameters
        return
    chosen = T(request.type)
    request.message = message = _message(content, chosen)
    if chosen in TRACKED:
        message.tracking_data = content.tracking_data or ""
    elif chosen in TRACKED_WITH_VALUE:
        message.tracking_data = content.tracking_data or tracking
    if isinstance(content, neutral.Video):
        request.file_size, request.duration = content.size, content.duration
    elif isinstance(content, neutral.File):
        request.file_type, request.file_size = content.name.rpartition(".")[2].lower(), content.size
    elif isinstance(content, neutral.Survey):
        request.survey = wire.Survey(list_message_ui_type=style.list_ui, options=content.options)
    elif isinstance(content, neutral.Carousel):
        request.carousel = wire.Carousel(items=[_card(card) for card in content.cards or ()])


def _message(content: Base, chosen: T) -> wire.Message:
    if isinstance(content, neutral.Image):
        return _image(content, chosen)
    if isinstance(content, neutral.Video):
        return _video(content, chosen)
    if isinstance(content, neutral.File):
        return wire.Message(action=content.url, file_name=content.name)
    return _with_button(wire.Message(text=getattr(content, "text", None)), getattr(content, "button", None))


def _image(content: neutral.Image, chosen: T) -> wire.Message:
    message = wire.Message(text=content.text, image=content.url)
    if chosen in GIF_TYPES and content.url.partition("?")[0].lower().endswith(".gif"):
        message.image_format = "gif"
    if content.text is not None and content.button is None:
        message.caption = message.action = ""  # Hides the button that the type has (Viber 17.5 or later).
        return message
    return _with_button(message, content.button)


def _video(content: neutral.Video, chosen: T) -> wire.Message:
    """`#action` is the video's URL, but under 233 the button's, and the video moves to `#media`."""
    message = wire.Message(text=content.text, thumbnail=content.thumbnail)
    if chosen is T.VIDEO_TEXT_BUTTON:
        message.media = content.url
        return _with_button(message, content.button)
    message.action = content.url
    if content.button is not None:
        message.caption = content.button.text
    return message


def _with_button(message: wire.Message, button: neutral.LinkButton | None) -> wire.Message:
    if button is not None:
        message.caption, message.action = button.text, button.url
    return message


def _card(card: neutral.Card) -> wire.Card:
    return wire.Card(
        title=card.title,
        image_url=card.image,
        primary_button=_card_button(card.primary),
        secondary_button=_card_button(card.secondary) if card.secondary else None,
    )


def _card_button(button: neutral.LinkButton) -> wire.CardButton:
    return wire.CardButton(label=button.text, action_url=button.url)


def _plays_the_video(content: Any) -> bool:
    return content.button is not None and content.button.url == content.url


# -- From a person ----------------------------------------------------------------------------------------------------

#: What a file's ending says that it is; anything else is a file.
_IMAGES: Final = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp")
_VIDEOS: Final = (".mp4", ".mov", ".m4v", ".3gp")
_SOUNDS: Final = (".mp3", ".m4a", ".ogg", ".wav", ".aac", ".amr")
#: Characters of a URL in neutral content.
_MAX_URL: Final = 2000


def from_wire(message: wire.InboundMessage) -> Base:
    """A person's message in the neutral form. The interface does not say what a file is; its ending does."""
    tracking = message.tracking_data
    # A URL longer than neutral content holds comes as words, as does a message with nothing in it.
    if not message.media or len(message.media) > _MAX_URL:
        return neutral.Text(text=message.text or message.media or "(empty message)", tracking_data=tracking)
    name = message.file_name or ""
    ending = (name or message.media.partition("?")[0]).lower()
    if ending.endswith(_IMAGES):
        return neutral.Image(url=message.media, text=message.text or None, tracking_data=tracking)
    if ending.endswith(_VIDEOS):
        return neutral.Video(url=message.media, text=message.text or None, tracking_data=tracking)
    if ending.endswith(_SOUNDS):
        return neutral.Audio(url=message.media, name=name or None, tracking_data=tracking)
    return neutral.File(url=message.media, name=name[:256] or "file", tracking_data=tracking)
