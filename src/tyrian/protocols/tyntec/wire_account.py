"""What goes over the wire about an account: its callbacks, credentials, channels, applications and uploads."""

from msgspec import Struct

# -- Configuration ----------------------------------------------------------------------------------------------------


class Signature(Struct, omit_defaults=True):
    """What signs callbacks."""

    secret: str | None = None
    method: str | None = None


class Header(Struct, omit_defaults=True):
    """A header of every callback."""

    key: str | None = None
    value: str | None = None


class CallbackConfig(Struct, rename="camel", omit_defaults=True):
    """Where an account's callbacks go, which, and how they are signed."""

    callback_version: str | None = None
    inbound_message_url: str | None = None
    message_status_url: str | None = None
    business_notification_url: str | None = None
    calling_notification_url: str | None = None
    event_filter: list[str] | None = None
    signature: Signature | None = None
    header: Header | None = None


class ServiceCallbackConfig(Struct, rename="camel", omit_defaults=True):
    """The same for one service id: what is there goes before the account's."""

    callback_version: str | None = None
    inbound_message_url: str | None = None
    message_status_url: str | None = None
    event_filter: list[str] | None = None


class BasicCredentials(Struct, omit_defaults=True):
    """A user name and a password."""

    username: str | None = None
    password: str | None = None


class OauthCredentials(Struct, rename="camel", omit_defaults=True):
    """A client of the OAuth 2 client-credentials flow."""

    client_id: str | None = None
    client_secret: str | None = None
    url: str | None = None


class MediaCredentials(Struct, omit_defaults=True):
    """What the customer's media are downloaded with."""

    type: str | None = None
    basic: BasicCredentials | None = None
    oauth2: OauthCredentials | None = None


class AccountOptions(Struct, rename="camel", omit_defaults=True):
    """What an account may also set."""

    media_credentials: MediaCredentials | None = None


class AccountConfig(Struct):
    """An account's configuration."""

    scopes: list[str]
    callback: CallbackConfig
    config: AccountOptions


class SenderId(Struct, rename="camel", omit_defaults=True):
    """A sender's id on its network: a service id on Viber, a number or name for SMS."""

    service_id: str | None = None
    phone_number: str | None = None


class SenderOptions(Struct, rename="camel", omit_defaults=True):
    """Whether people may answer on Viber: `session`, `two-way` or `one-way`."""

    service_type: str | None = None


class ChannelAnswer(Struct):
    """A sender as it is configured."""

    channel: str
    scopes: list[str]
    id: SenderId
    name: str
    callback: ServiceCallbackConfig
    config: SenderOptions


class Webhook(Struct, rename="camel"):
    """Where 2.x brings some kinds of callbacks; without any, all that go nowhere else."""

    events: list[str] | None = None
    callback_url: str | None = None


class ApplicationPatch(Struct):
    """PATCH /chat-api/v2/applications/default."""

    webhooks: list[Webhook] | None = None


class Application(Struct):
    """An account as 2.x shows it."""

    id: str
    name: str
    webhooks: list[Webhook]


class ConnectorWebhook(Struct, rename="camel"):
    """The Microsoft connector's registration."""

    inbound_message_url: str | None = None


# -- Media ------------------------------------------------------------------------------------------------------------


class UploadAnswer(Struct, rename="camel"):
    """An upload. `quota` and `usage` are the account's, in bytes."""

    media_id: str
    url: str
    quota: int
    usage: int


class MediaEntry(Struct, rename="camel"):
    """An upload in the list. `fileSize` in bytes; `validity` is when it ends."""

    media_id: str
    content_type: str
    validity: str
    file_name: str
    file_size: int
