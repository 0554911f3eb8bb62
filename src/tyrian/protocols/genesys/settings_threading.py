"""The threading timeline: for how long after its end a conversation goes on when its person writes again."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final

from msgspec import Meta, Struct, convert, structs, to_builtins

from tyrian.domain.conversation import THREADING_TIME, ChannelInbox
from tyrian.domain.problem import Problem
from tyrian.engine.channel_entry import ChannelEntry
from tyrian.protocols.genesys import errors, rights
from tyrian.protocols.genesys.operation import V2, Call, Operation, Reply
from tyrian.protocols.genesys.organization import FACE

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

TAG: Final = "Threading timeline"
PATH: Final = f"{V2}/conversations/messaging/threadingtimeline"
_KIND: Final = "threading"
_ME: Final = "me"
#: Minutes (Resource Center: 0 to 72 hours, 72 unless set).
MOST: Final = THREADING_TIME // 60
#: The messengers that a timeline may be set for; those of channels here are `open` and `sms`.
MESSENGERS: Final = (
    "sms",
    "facebook",
    "twitter",
    "whatsapp",
    "webmessaging",
    "instagram",
    "open",
    "apple",
    "linkedin",
)
Minutes = Annotated[int, Meta(ge=0, le=MOST)]


class Line(Struct, rename="camel", kw_only=True):
    """The time of one messenger."""

    messenger_type: Annotated[str, Meta(max_length=40)]
    timeout_in_minutes: Minutes


class Timeline(Struct, rename="camel", kw_only=True):
    """The times of all messengers; those that are not named have the default."""

    settings: Annotated[list[Line], Meta(max_length=40)] = []
    default_timeout_minutes: Minutes = MOST

    def minutes(self, messenger: str) -> int:
        """The time of a messenger."""
        named = {line.messenger_type.lower(): line.timeout_in_minutes for line in self.settings}
        return named.get(messenger, self.default_timeout_minutes)


async def timeline(gateway: "Gateway", account_id: int) -> Timeline:
    """The account's timeline."""
    body = await gateway.documents.get(account_id, FACE, _KIND, _ME)
    return convert(body or {}, Timeline)


def messenger(entry: ChannelEntry) -> str:
    """What a channel is to this API."""
    return "sms" if entry.network == "sms" else "open"


async def inbox_of(gateway: "Gateway", entry: ChannelEntry) -> ChannelInbox:
    """A new channel's inbox, with the account's time."""
    lines = await timeline(gateway, entry.channel.account_id)
    return ChannelInbox(threading_time=lines.minutes(messenger(entry)) * 60)


async def read(call: Call) -> Reply:
    """The timeline."""
    return Reply(await timeline(call.desk.gateway, call.account_id))


async def replace(call: Call) -> Reply:
    """Replaces the timeline; messengers that are left out have the default again."""
    given: Timeline = call.body(Timeline)
    wrong = [
        Problem(f"/settings/{n}/messengerType", f"must be one of {', '.join(MESSENGERS)}")
        for n, line in enumerate(given.settings)
        if line.messenger_type.lower() not in MESSENGERS
    ]
    if wrong:
        raise errors.wrong(wrong, "invalid.value")
    gateway, account_id = call.desk.gateway, call.account_id
    await gateway.documents.put(account_id, FACE, _KIND, _ME, to_builtins(given))
    applied, wanted = None, given
    while applied != wanted:  # Of two replacements at once, the channels must have the times of the one that is kept.
        await _apply(gateway, account_id, wanted)
        applied, wanted = wanted, await timeline(gateway, account_id)
    return Reply(given)


async def _apply(gateway: "Gateway", account_id: int, lines: Timeline) -> None:
    """Gives the inboxes of all of an account's channels the times of a timeline."""
    for entry in gateway.channels.all() if gateway.inbox is not None else ():
        if entry.channel.account_id == account_id and gateway.inbox.channel_inbox(entry.channel.id) is not None:
            timed = _timed(lines.minutes(messenger(entry)) * 60)
            await gateway.inbox.change_channel_inbox(account_id, entry.channel, timed)


def _timed(seconds: int) -> Callable[[ChannelInbox | None], ChannelInbox | None]:
    """A change of an inbox's threading time; where there is no inbox, none is made."""
    return lambda own: structs.replace(own, threading_time=seconds) if own is not None else None


_ROW: Final[dict[str, Any]] = {"tag": TAG, "path": PATH, "answer": Timeline}

OPERATIONS: Final = (
    Operation(
        name="getThreadingTimeline",
        method="GET",
        handler=read,
        scope=rights.CONVERSATION_READ,
        every=("conversation:threadingTimeline:view",),
        summary="Read the threading timeline",
        **_ROW,
    ),
    Operation(
        name="putThreadingTimeline",
        method="PUT",
        handler=replace,
        scope=rights.CONVERSATIONS,
        every=("conversation:threadingTimeline:edit",),
        summary="Replace the threading timeline",
        body=Timeline,
        example={"defaultTimeoutMinutes": 4320, "settings": [{"messengerType": "open", "timeoutInMinutes": 60}]},
        errors=(400,),
        **_ROW,
    ),
)
