"""What goes over the wire about integrations (models of the stock SDK 269.0.0: OpenIntegrationRequest and others)."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from tyrian.protocols.genesys.paging import Page

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Url = Annotated[str, Meta(min_length=1, max_length=2000)]
Token = Annotated[str, Meta(min_length=16, max_length=500, description="Longer than 15 characters.")]


class Reference(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """Something else, by its id."""

    id: Annotated[str, Meta(max_length=64)]
    name: str | None = None
    self_uri: str | None = None


class OpenIntegrationRequest(Struct, rename="camel", kw_only=True):
    """An integration to make."""

    name: Name
    outbound_notification_webhook_url: Url
    outbound_notification_webhook_signature_secret_token: Token
    supported_content: Reference | None = None
    messaging_setting: Reference | None = None
    webhook_headers: dict[str, str] | None = None


class OpenIntegrationChange(Struct, rename="camel", kw_only=True):
    """A change of an integration. Its name is required; what else is left out stays."""

    name: Name
    outbound_notification_webhook_url: Url | None = None
    outbound_notification_webhook_signature_secret_token: Token | None = None
    supported_content: Reference | None = None
    messaging_setting: Reference | None = None
    webhook_headers: dict[str, str] | UnsetType | None = UNSET


class OpenIntegration(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """An integration. `supported_content` and `messaging_setting` are whole where they are asked for."""

    id: str
    name: str
    outbound_notification_webhook_url: str
    outbound_notification_webhook_signature_secret_token: str
    supported_content: Any = None
    messaging_setting: Any = None
    webhook_headers: dict[str, str] | None = None
    status: str
    recipient: Reference
    create_status: str
    date_created: str
    date_modified: str
    self_uri: str


class OpenListing(Page, kw_only=True):
    """One page of integrations."""

    entities: list[OpenIntegration]


class AnyIntegration(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A channel of any kind as an integration."""

    id: str
    name: str
    status: str
    messenger_type: str
    date_created: str
    date_modified: str
    self_uri: str | None = None


class AnyListing(Page, kw_only=True):
    """One page of integrations of all kinds."""

    entities: list[AnyIntegration]
