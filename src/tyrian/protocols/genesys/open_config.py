"""The settings of an `open_messaging` channel: an Open Messaging integration that this gateway serves."""

import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from tyrian.engine.ports import Channel
from tyrian.protocols.genesys import ids

KIND: Final = "open_messaging"
#: Headers of webhooks that are the gateway's to write.
_OURS: Final = frozenset(
    {"connection", "content-length", "content-type", "host", "transfer-encoding", "user-agent", "x-hub-signature-256"}
)
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE: Final = re.compile(r"[\x20-\x7e]{0,2000}")
_MOST_HEADERS: Final = 20

MediaType = Annotated[str, Meta(pattern=r"^(\*/\*|[A-Za-z0-9.+-]{1,60}/(\*|[A-Za-z0-9.+-]{1,100}))$")]
MediaTypes = Annotated[tuple[MediaType, ...], Meta(max_length=100)]
ANY: Final = ("*/*",)


class OpenConfig(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The settings of an `open_messaging` channel. Times in seconds."""

    #: Where the middleware takes what is meant for people.
    webhook_url: Annotated[str, Meta(pattern="^https?://", max_length=2000)]
    #: The name that people's messages are answered under; the channel's own unless given.
    name: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    #: MIME types that may come in; what else people attach is left out of their messages.
    inbound_media: MediaTypes = ANY
    #: MIME types that may go out; a message with another is refused.
    outbound_media: MediaTypes = ANY
    #: Whether it is told that people type, and tells that agents do.
    typing_in: bool = False
    typing_out: bool = False
    #: Whether the middleware is told that a message of its own has entered the conversation.
    receipts: bool = True
    #: The profiles that the settings above came from, where they came through Genesys' API.
    supported_content: Annotated[str, Meta(max_length=64)] | None = None
    messaging_setting: Annotated[str, Meta(max_length=64)] | None = None
    timeout: Annotated[float, Meta(gt=0, le=120)] = 10.0
    connect_timeout: Annotated[float, Meta(gt=0, le=60)] = 3.0


class OpenSecrets(Struct, kw_only=True, forbid_unknown_fields=True):
    """The secrets of an `open_messaging` channel."""

    #: Signs the webhooks, and what the middleware brings to the channel's hook.
    signature_token: Annotated[str, Meta(min_length=16, max_length=500)]
    #: A JSON object of headers that go with each webhook.
    webhook_headers: Annotated[str, Meta(max_length=20_000)] | None = None

    def __post_init__(self) -> None:
        if self.webhook_headers is not None:
            read_headers(self.webhook_headers)


def read_headers(text: str) -> dict[str, str]:
    """Headers as they are kept. ValueError for what is none."""
    try:
        found = msgspec.json.decode(text, type=dict[str, str])
    except msgspec.MsgspecError:
        raise ValueError("webhook_headers must be a JSON object of strings") from None
    wrong = header_fault(found)
    if wrong:
        raise ValueError(f"webhook_headers {wrong}")
    return found


def header_fault(headers: dict[str, str]) -> str | None:
    """What keeps headers from going with a webhook; None if nothing does."""
    if len(headers) > _MOST_HEADERS:
        return f"must be at most {_MOST_HEADERS}"
    for name, value in headers.items():
        if not _HEADER.fullmatch(name):
            return f"has a name that no header can have: {name[:40]!r}"
        if name.lower() in _OURS:
            return f"must not have {name}, which the gateway writes itself"
        if not _VALUE.fullmatch(value):
            return f"has a value for {name} that is longer than 2000 characters or not plain ASCII"
    return None


class Facts(Struct, frozen=True):
    """A channel as an integration: its id and name in this API, and its settings."""

    id: str
    name: str
    config: OpenConfig


def facts_of(channel: Channel) -> Facts:
    """What a channel is as an integration."""
    config = msgspec.convert(channel.config, OpenConfig)
    return Facts(ids.of_channel(channel.id), config.name or channel.name, config)


def allowed(mime: str, types: tuple[str, ...]) -> bool:
    """Whether a MIME type is one of those listed, which may end in `/*`. Without any, none is."""
    mime = mime.split(";", 1)[0].strip().lower()
    family = mime.partition("/")[0]
    return any(one.lower() in ("*/*", f"{family}/*", mime) for one in types)
