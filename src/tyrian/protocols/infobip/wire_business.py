"""The content of business messages and the request that carries it (Infobip OpenAPI Specification 3.210.0, `/viber/2`,
and the vendor's Python client 6.0.0, Java client 6.4.0 for one-time passwords)."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from tyrian.protocols.infobip.wire import Destination, MessageOptions, RequestOptions, Webhooks

FILE_NAME: Final = r".*\.(docx?|dotx?|xlsx?|f?ods|f?odt|rtf|odf|txt|info|pdf|xps|pdax|eps|csv|xlsm|xltx)$"
#: The languages of `OTP_TEMPLATE`, and the codes by which templates are registered.
OTP_LANGUAGES: Final = {
    "ENGLISH": "en", "ARABIC": "ar", "BULGARIAN": "bg", "CROATIAN": "hr", "CZECH": "cs", "DANISH": "da",
    "GERMAN": "de", "GREEK": "el", "SPANISH": "es", "FINNISH": "fi", "FRENCH": "fr", "HEBREW": "he",
    "BURMESE": "my", "HUNGARIAN": "hu", "INDONESIAN": "id", "ITALIAN": "it", "JAPANESE": "ja", "NORWEGIAN": "no",
    "DUTCH": "nl", "POLISH": "pl", "PORTUGUESE_PORTUGAL": "pt_PT", "PORTUGUESE_BRAZIL": "pt_BR", "ROMANIAN": "ro",
    "RUSSIAN": "ru", "SLOVAK": "sk", "SERBIAN": "sr", "SWEDISH": "sv", "THAI": "th", "TURKISH": "tr",
    "UKRAINIAN": "uk", "VIETNAMESE": "vi", "PERSIAN": "fa", "BELARUSIAN": "be",
}  # fmt: skip

MediaUrl = Annotated[str, Meta(min_length=1, max_length=1000)]
Words = Annotated[str, Meta(min_length=1, max_length=1000)]
Link = Annotated[str, Meta(min_length=1, max_length=1000)]


class Button(Struct, kw_only=True):
    """The button under a message; a tap opens `action`."""

    title: Annotated[str, Meta(min_length=1, max_length=30)]
    action: Link


class VideoButton(Struct, kw_only=True, omit_defaults=True):
    """The button under a video; without an `action` it plays the video."""

    title: Annotated[str, Meta(min_length=1, max_length=30)]
    action: Link | None = None


class CardButton(Struct, kw_only=True):
    """A button on a card: the first has a title of at most 10 characters, the second of at most 12."""

    title: str
    action: Link


class Card(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """One card of a carousel."""

    text: Annotated[str, Meta(min_length=2, max_length=38)]
    media_url: MediaUrl
    buttons: Annotated[list[CardButton], Meta(max_length=2)] | None = None


class BusinessBase(Struct, kw_only=True, omit_defaults=True, rename="camel", tag_field="type"):
    """A content of a business message."""


class BusinessText(BusinessBase, tag="TEXT"):
    """Words, with a button if wanted."""

    text: Annotated[str, Meta(max_length=1000)]
    button: Button | None = None


class BusinessImage(BusinessBase, tag="IMAGE"):
    """A picture; a button needs a text too."""

    media_url: MediaUrl
    text: Words | None = None
    button: Button | None = None
    show_image_in_full_screen: bool | None = None


class BusinessVideo(BusinessBase, tag="VIDEO"):
    """A video. `media_duration` is an ISO 8601 duration (`PT5S`); `button` and `buttonTitle` exclude each other."""

    media_url: MediaUrl
    media_duration: str
    thumbnail_url: MediaUrl
    text: Words | None = None
    button: VideoButton | None = None
    button_title: Annotated[str, Meta(min_length=1, max_length=30)] | None = None


class BusinessFile(BusinessBase, tag="FILE"):
    """A file."""

    file_name: Annotated[str, Meta(pattern=FILE_NAME)]
    media_url: Annotated[str, Meta(pattern="^(https?)://.*$")]


class BusinessList(BusinessBase, tag="LIST"):
    """A question with options."""

    text: Annotated[str, Meta(max_length=85)]
    options: Annotated[list[Annotated[str, Meta(max_length=50)]], Meta(min_length=2, max_length=5)]


class BusinessCarousel(BusinessBase, tag="CAROUSEL"):
    """Cards side by side."""

    text: Annotated[str, Meta(max_length=1000)]
    cards: Annotated[list[Card], Meta(min_length=2, max_length=5)]


class BusinessTemplate(BusinessBase, tag="TEMPLATE"):
    """A registered text, by its id."""

    template_id: Annotated[str, Meta(min_length=1)]
    language: str | None = None
    parameters: dict[str, str] | None = None


class BusinessOtpTemplate(BusinessBase, tag="OTP_TEMPLATE"):
    """A registered text for a one-time password. Older clients say `id`, newer ones `templateId`."""

    id: Annotated[str, Meta(max_length=100)] | None = None
    template_id: Annotated[str, Meta(max_length=100)] | None = None
    parameters: dict[str, str] | None = None
    language: str | None = None


BusinessContent = (
    BusinessText
    | BusinessImage
    | BusinessVideo
    | BusinessFile
    | BusinessList
    | BusinessCarousel
    | BusinessTemplate
    | BusinessOtpTemplate
)


class BusinessMessage(Struct, kw_only=True, omit_defaults=True):
    """One content for one or more people."""

    sender: str
    destinations: Annotated[list[Destination], Meta(min_length=1)]
    content: BusinessContent
    options: MessageOptions | None = None
    webhooks: Webhooks | None = None


class BusinessRequest(Struct, kw_only=True, omit_defaults=True):
    """The body of `POST /viber/2/messages`."""

    messages: Annotated[list[BusinessMessage], Meta(min_length=1)]
    options: RequestOptions | None = None
