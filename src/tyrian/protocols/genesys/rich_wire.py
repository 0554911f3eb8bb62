"""The guide's rich message, as it comes in."""

from typing import Annotated, Any

from msgspec import Meta, Struct

Text = Annotated[str, Meta(max_length=30_000)]
Link = Annotated[str, Meta(max_length=2000)]
Word = Annotated[str, Meta(max_length=200)]


class Picture(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A picture by URL, or by the id of an upload."""

    url: Link | None = None
    media_id: Word | None = None
    thumbnail_url: Link | None = None
    alt_text: Text | None = None


class Film(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A video. `size` in bytes, `duration` in seconds."""

    url: Link | None = None
    media_id: Word | None = None
    thumbnail_url: Link | None = None
    size: Annotated[int, Meta(ge=0, le=2**40)] | None = None
    duration: Annotated[int, Meta(ge=0, le=2**31)] | None = None


class Key(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A button: `reply` brings its payload back, `open-url` opens its URL."""

    action_type: Word | None = None
    title: Text | None = None
    #: A string; what else it may be is the organisation's to say.
    payload: Any = None
    url: Link | None = None


class Keys(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A keyboard: the message's own choices, then the standing ones."""

    buttons: list[Key] | None = None
    default_buttons: list[Key] | None = None
    persist: bool | None = None


class ViberSpecifics(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What only Viber has."""

    image: Picture | None = None
    video: Film | None = None
    keyboard: Keys | None = None


class RichContent(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What the person sees. `type`, if it is there, must name a member of `viberChannelSpecifics`."""

    type: Word | None = None
    text: Text | None = None
    media_urls: list[Link] | None = None
    viber_channel_specifics: ViberSpecifics | None = None


class RichMessage(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A message to the person of a conversation."""

    channel_id: Word | None = None
    conversation_id: Word | None = None
    type: Word | None = None
    message_type: Word | None = None
    content: RichContent | None = None
    metadata: dict[str, Any] | None = None


class EitherMessage(RichMessage, rename="camel", kw_only=True, omit_defaults=True):
    """Either dialect of one path: the guide's message, or the real API's request for a conversation."""

    queue_id: Word | None = None
    to_address: Word | None = None
    to_address_messenger_type: Word | None = None
    use_existing_conversation: bool | None = None
    external_contact_id: Word | None = None
    use_user_from_address: bool | None = None


class RichAnswer(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A message or conversation that was taken."""

    id: str
    conversation_id: str | None = None
    channel_id: str | None = None
    status: str | None = None
    timestamp: str | None = None
    self_uri: str
    #: True: the window has passed, and the message waits for the person's word.
    held: bool = False


class WindowAnswer(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """The session window of a conversation."""

    conversation_id: str
    status: str
    action: str
    last_interaction: str | None = None
    expires_at: str | None = None
