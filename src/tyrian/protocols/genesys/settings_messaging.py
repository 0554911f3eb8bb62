"""Messaging settings: whether an Open Messaging integration tells, and is told, that somebody types."""

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from tyrian.protocols.genesys.operation import V2
from tyrian.protocols.genesys.paging import Page
from tyrian.protocols.genesys.register import Register

PATH: Final = f"{V2}/conversations/messaging/settings"
BUILT_IN: Final = "74797269-616e-8002-8000-000000000001"
ENABLED: Final = "Enabled"
Switch = Literal["Enabled", "Disabled"]
Name = Annotated[str, Meta(min_length=1, max_length=200)]


class Direction(Struct, frozen=True):
    """Whether something is on, each way."""

    inbound: Switch = "Disabled"
    outbound: Switch = "Disabled"


class Typing(Struct, frozen=True):
    """Whether typing is told of."""

    on: Direction = Direction()


class Events(Struct, frozen=True):
    """What is told of besides messages."""

    typing: Typing = Typing()


class SettingRequest(Struct, kw_only=True):
    """A setting to make."""

    name: Name
    event: Events = Events()


class SettingChange(Struct, kw_only=True):
    """A change of a setting."""

    name: Name | UnsetType = UNSET
    event: Events | UnsetType = UNSET


class Setting(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A messaging setting."""

    id: str
    name: str
    event: Events
    date_created: str | None = None
    date_modified: str | None = None
    version: str
    self_uri: str


class SettingListing(Page, kw_only=True):
    """One page of settings."""

    entities: list[Setting]


class SettingReference(Struct, rename={"id": "settingId"}):
    """A setting, by its id."""

    id: Annotated[str, Meta(max_length=64)]


def _worth(setting: Setting) -> dict[str, Any]:
    on = setting.event.typing.on
    return {"typing_in": on.inbound == ENABLED, "typing_out": on.outbound == ENABLED}


SETTINGS: Final = Register(
    kind="messagingsetting",
    path=PATH,
    tag="Messaging settings",
    noun="messaging setting",
    word="MessagingSetting",
    permission="messaging:setting",
    parameter="messageSettingId",
    entry=Setting,
    listed=SettingListing,
    request=SettingRequest,
    change=SettingChange,
    choice=SettingReference,
    examples={
        "create": {"name": "Typing", "event": {"typing": {"on": {"inbound": "Disabled", "outbound": "Enabled"}}}},
        "change": {"event": {"typing": {"on": {"inbound": "Enabled"}}}},
        "choose": {"settingId": BUILT_IN},
    },
    built_in=Setting(id=BUILT_IN, name="Default", event=Events(), version="1", self_uri=f"{PATH}/{BUILT_IN}"),
    member="messaging_setting",
    worth=_worth,
    recalled=True,
)
OPERATIONS: Final = SETTINGS.operations()
