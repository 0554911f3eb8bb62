"""The channel object of the guide, as it comes in and as it is shown."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from tyrian.protocols.genesys.paging import Page

Text = Annotated[str, Meta(max_length=2000)]


class ProviderConfig(Struct, rename="camel", kw_only=True, omit_defaults=True, frozen=True):
    """What Viber gave the business. Tokens and secrets are taken, and never shown."""

    bot_token: Text | None = None
    #: What callbacks are signed with, where that is not the token.
    bot_secret: Text | None = None
    public_page_id: Text | None = None
    #: Whether keyboards stay where a message does not say.
    keyboard_persist: bool | None = None


class ChannelRequest(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A channel to make."""

    channel_type: Text | None = None
    name: Text | None = None
    webhook_url: Text | None = None
    provider_config: ProviderConfig = ProviderConfig()
    #: Read-only: taken, and left aside.
    status: Any = None


class ConfigChange(Struct, rename="camel", kw_only=True, omit_defaults=True, frozen=True):
    """A change of what Viber gave the business; what is left out stays."""

    bot_token: Text | UnsetType = UNSET
    bot_secret: Text | UnsetType | None = UNSET
    public_page_id: Text | UnsetType | None = UNSET
    keyboard_persist: bool | UnsetType | None = UNSET


class ChannelPatch(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A change of a channel; what is left out stays."""

    name: Text | UnsetType = UNSET
    webhook_url: Text | UnsetType = UNSET
    provider_config: ConfigChange = ConfigChange()


class ChannelAnswer(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A channel as it stands. `status_text` is for people; `integration_status` is what the real API calls it."""

    id: str
    channel_type: str
    name: str
    webhook_url: str
    provider_config: ProviderConfig
    status: str
    status_text: str
    integration_status: str
    status_reason: str | None = None
    #: What to do about it.
    status_fix: str | None = None
    date_created: str
    date_modified: str
    self_uri: str


class ChannelListing(Page, kw_only=True):
    """One page of channels."""

    entities: list[ChannelAnswer]


class LogLine(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """One call of a channel's webhook, and what it was answered."""

    timestamp: str
    status: int
    reason: str
    remote_address: str | None = None
    content_length: int


class LogListing(Page, kw_only=True):
    """One page of a channel's webhook log, the newest first."""

    entities: list[LogLine]
