"""Event subscriptions as they go over the wire (OpenAPI 3.210.0, product subscriptions-api)."""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

#: The one channel of the vendor's list that is Viber's; that it covers bots, too, is assumed.
CHANNEL: Final = "VIBER"

Id = Annotated[str, Meta(min_length=1, max_length=255)]
Event = Literal["CLICK", "CONSENT_UPDATE", "DELIVERY", "INBOUND_MESSAGE", "SEEN", "TEMPLATE_UPDATE"]
NotifyUrl = Annotated[str, Meta(min_length=1, max_length=512)]
Algorithm = Literal["HMAC_MD5", "HMAC_SHA_1", "HMAC_SHA_224", "HMAC_SHA_256", "HMAC_SHA_384", "HMAC_SHA_512"]


class Criterion(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Whose messages a subscription is about; what is left out may be anything."""

    application_id: str | None = None
    entity_id: str | None = None
    calls_configuration_id: str | None = None


class BasicCredentials(Struct, kw_only=True, rename="camel"):
    """For `Authorization: Basic`."""

    username: str
    password: str


class HmacCredentials(Struct, kw_only=True, rename="camel"):
    """For a signature over the body. The name of the header is not published."""

    secret_key: str
    algorithm: Algorithm


class OAuthCredentials(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """For a token fetched elsewhere. Kept, and not used: callbacks go out without a token."""

    token_url: str
    grant_type: str
    client_id: str | None = None
    client_secret: str | None = None
    scope: str | None = None
    username: str | None = None
    password: str | None = None
    resource: str | None = None
    refresh_token: str | None = None
    headers: dict[str, str] | None = None


class Security(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """How callbacks prove themselves. `credentials` are of the struct that `type` names."""

    auth_id: Id
    type: Literal["BASIC", "HMAC", "OAUTH", "CUSTOM"] | None = None
    credentials: dict[str, Any] | None = None


class Webhook(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Where events go."""

    notify_url: NotifyUrl
    content_type: str | None = None


class Profile(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A way to bring events, shared by subscriptions. With its id alone it names one that exists.

    What is below `security` is kept and read back; callbacks keep to the gateway's own times and sizes.
    """

    profile_id: Id
    webhook: Webhook | None = None
    security: Security | None = None
    max_bucket_size: Annotated[int, Meta(ge=1, le=2000)] | None = None
    window_size: Annotated[int, Meta(ge=20, le=10_000)] | None = None
    connect_timeout: Annotated[int, Meta(ge=300, le=30_000)] | None = None
    read_timeout: Annotated[int, Meta(ge=1000, le=90_000)] | None = None
    enabled_ssl_protocols: list[Literal["TLSv1.2", "TLSv1.3"]] | None = None
    headers: dict[str, str] | None = None
    response_regex: str | None = None
    response_body_regex: str | None = None
    rate_limit: Annotated[int, Meta(ge=1, le=5000)] | None = None
    client_certificate_id: str | None = None


class ProfileRef(Struct, kw_only=True, rename="camel"):
    """A profile by its id."""

    profile_id: Id


class Change(Struct, kw_only=True, omit_defaults=True):
    """A subscription as it shall be from now on."""

    events: Annotated[list[Event], Meta(max_length=255)]
    profile: ProfileRef
    name: Id | None = None
    criteria: Annotated[list[Criterion], Meta(max_length=255)] | None = None
    resources: list[str] | None = None
    users: list[str] | None = None


class NewSubscription(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A subscription to make, with the profile that brings its events."""

    subscription_id: Id
    events: Annotated[list[Event], Meta(max_length=255)]
    profile: Profile
    name: Id | None = None
    criteria: Annotated[list[Criterion], Meta(max_length=255)] | None = None
    resources: list[str] | None = None
    users: list[str] | None = None


class Subscription(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A subscription as it stands."""

    subscription_id: str
    profile: ProfileRef
    events: list[str]
    name: str | None = None
    criteria: list[Criterion] | None = None
    resources: list[str] | None = None
    users: list[str] | None = None


class SecurityRef(Struct, kw_only=True, rename="camel"):
    """Credentials by their id."""

    auth_id: str


class ProfileAnswer(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Which profile it is, and which credentials it uses."""

    profile_id: str
    security: SecurityRef | None = None


class SubscriptionAnswer(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Which subscription it is."""

    subscription_id: str
    profile: ProfileAnswer


class SecurityAnswer(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Credentials without what is secret in them."""

    auth_id: str
    type: str | None = None


class Paging(Struct, kw_only=True, rename="camel"):
    """Where in a list a page stands; pages count from 0."""

    page: int
    size: int
    total_pages: int
    total_results: int


class SubscriptionList(Struct, kw_only=True):
    """A page of subscriptions."""

    results: list[Subscription]
    paging: Paging


class ProfileList(Struct, kw_only=True):
    """A page of profiles."""

    results: list[Profile]
    paging: Paging


class SecurityList(Struct, kw_only=True):
    """A page of credentials."""

    results: list[SecurityAnswer]
    paging: Paging


class PageQuery(Struct, kw_only=True):
    """Which page of a list."""

    page: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    size: Annotated[int, Meta(ge=1, le=100)] = 20


class SubscriptionQuery(PageQuery, kw_only=True, rename="camel"):
    """Which subscriptions."""

    application_id: str | None = None
    entity_id: str | None = None
    calls_configuration_id: str | None = None
    resource: str | None = None
    user: str | None = None


def paging(query: PageQuery, total: int) -> Paging:
    """The place of a page among so many results."""
    return Paging(page=query.page, size=query.size, total_pages=-(-total // query.size), total_results=total)


def page_of(items: list[Any], query: PageQuery) -> list[Any]:
    """The items of one page."""
    return items[query.page * query.size : (query.page + 1) * query.size]
