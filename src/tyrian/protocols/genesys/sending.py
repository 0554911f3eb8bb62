"""`POST /conversations/messages`, in the guide's dialect and the real API's, and the session of a conversation."""

from typing import Any, Final
from uuid import UUID

import msgspec

from tyrian.domain.content import Base
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.channel_entry import ChannelEntry
from tyrian.engine.verification import State
from tyrian.protocols.genesys import conversations, errors, ids, media_check, rich, rich_wire as wire, rights
from tyrian.protocols.genesys.errors import ApiError
from tyrian.protocols.genesys.operation import V2, Call, Operation, Reply
from tyrian.protocols.genesys.organization import CAPABILITY, Organization
from tyrian.protocols.genesys.threads import author
from tyrian.protocols.genesys.window import Window

TAG: Final = "Rich messages"
PATH: Final = f"{V2}/conversations/messages"
_ONE: Final = f"{PATH}/{{conversationId}}"
_TRACKING: Final = 4000
OPT_IN: Final = "optIn"


async def post(call: Call) -> Reply:
    """Sends a rich message, or opens a conversation: the body says which."""
    given: wire.EitherMessage = call.body(wire.EitherMessage)
    real = bool(given.queue_id or given.to_address or given.to_address_messenger_type)
    if (given.content is not None) == real:
        words = (
            "The body must either have content, as a rich message, or queueId, toAddress and toAddressMessengerType, "
            "as a request for a conversation; not both."
        )
        raise errors.bad(words)
    return await (conversations.create_real(call) if real else send(call, given))


async def send(call: Call, given: wire.RichMessage) -> Reply:
    """Sends a rich message to the person of a conversation."""
    organization = await call.desk.organizations.get(call.account_id)
    hosted = await _hosted(call, given)
    persist = await _persists(call, given)
    made = rich.read(given, organization, hosted, persist=persist)
    if made.problems:
        raise errors.wrong(made.problems)
    assert made.content is not None
    entry = call.desk.integrations.viber(call.account_id, given.channel_id or "")
    identifier = ids.uuid_of(given.conversation_id or "")
    if identifier is None:
        raise errors.not_found(f"The conversation {given.conversation_id}")
    conversation = await call.desk.threads.get(call.account_id, identifier)
    if conversation.channel_id != entry.channel.id:
        raise errors.wrong([Problem("/channelId", "is another channel than the conversation's")])
    standing = await call.desk.integrations.standing(entry)
    if standing.state is not State.ACTIVE:
        words = f"The channel is not active: {standing.state.value}."
        raise errors.bad(words, "channel.not.active", "/channelId")
    if organization.check_media:
        await _look(call, given, organization)
    assert call.who is not None
    by, data = author(call.who.client_id, call.who.key.name), _data(given)
    content = _tracked(made.content, entry, given)
    window = await call.desk.threads.window(conversation, organization)
    try:
        if window.expired:
            message_id, held = await _outside(call, conversation, entry, content, organization, window, data)
        elif made.dropped:
            message_id = await call.desk.threads.pretend(conversation, entry, content, by, "sent", "content_refused")
            held = False
        else:
            item = await call.desk.threads.send(conversation, content, by, data)
            assert item.message_id is not None
            message_id, held = item.message_id, False
    except Refused as refused:
        raise errors.wrong([p._replace(pointer=rich.place(p.pointer, content)) for p in refused.problems]) from None
    return Reply(
        wire.RichAnswer(
            id=str(message_id),
            conversation_id=str(conversation.id),
            channel_id=ids.of_channel(entry.channel.id),
            status="queued",
            timestamp=ids.iso(call.desk.gateway.clock.now()),
            self_uri=f"{PATH}/{conversation.id}/messages/{message_id}",
            held=held,
        )
    )


async def _outside(
    call: Call,
    conversation: Any,
    entry: ChannelEntry,
    content: Base,
    organization: Organization,
    window: Window,
    data: dict[str, Any],
) -> tuple[UUID, bool]:
    """What becomes of a message after the window has passed: held, refused, or taken and brought to nobody."""
    assert call.who is not None
    by = author(call.who.client_id, call.who.key.name)
    if call.query.get("onExpired") == OPT_IN:
        return await call.desk.threads.hold(conversation, content, by, data), True
    enforce = call.flag("enforceWindow")
    if organization.enforce_window if enforce is None else enforce:
        words = "The session has expired: the person must opt in, or write, before they are sent anything."
        raise ApiError(409, "session.expired", words, params={"status": window.status, "action": window.action})
    pretended = await call.desk.threads.pretend(conversation, entry, content, by, "delivery-success", "session_closed")
    return pretended, False


async def _hosted(call: Call, given: wire.RichMessage) -> dict[str, str]:
    """The URLs of the uploads that a message names."""
    specifics = given.content.viber_channel_specifics if given.content is not None else None
    found: dict[str, str] = {}
    for media in (specifics.image, specifics.video) if specifics is not None else ():
        identifier = ids.uuid_of(media.media_id) if media is not None and media.media_id else None
        if identifier is None or media is None or media.media_id is None:
            continue
        stored = await call.desk.uploads.stored(call.account_id, identifier)
        if stored is not None:
            found[media.media_id] = stored.url
    return found


async def _persists(call: Call, given: wire.RichMessage) -> bool:
    """Whether the channel's keyboards stay where the message does not say."""
    number = ids.channel_of(given.channel_id or "")
    entry = call.desk.gateway.channels.by_id(number) if number is not None else None
    if entry is None or entry.channel.account_id != call.account_id:
        return False
    return bool((await call.desk.integrations.integration(entry)).keyboard_persist)


async def _look(call: Call, given: wire.RichMessage, organization: Organization) -> None:
    """Looks at the pictures of a message before it is taken."""
    specifics = given.content.viber_channel_specifics if given.content is not None else None
    image = specifics.image if specifics is not None else None
    if image is None:
        return
    at = "/content/viberChannelSpecifics/image"
    for url, name, small in ((image.url, "url", False), (image.thumbnail_url, "thumbnailUrl", True)):
        if url:
            verdict = await media_check.look(call.desk.gateway, call.account_id, url, organization, thumbnail=small)
            media_check.refuse(verdict, f"{at}/{name}")


def _data(given: wire.RichMessage) -> dict[str, Any]:
    """What is kept with the line of the thread."""
    metadata = {name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
                for name, value in (given.metadata or {}).items()}  # fmt: skip
    specifics = given.content.viber_channel_specifics if given.content is not None else None
    alt = specifics.image.alt_text if specifics is not None and specifics.image is not None else None
    return {name: value for name, value in (("metadata", metadata), ("alt_text", alt)) if value}


def _tracked(content: Base, entry: ChannelEntry, given: wire.RichMessage) -> Base:
    """The content with the metadata as Viber's tracking data, where they fit."""
    if entry.channel.kind != "viber_bot" or not given.metadata:
        return content
    text = msgspec.json.encode(given.metadata).decode()
    return msgspec.structs.replace(content, tracking_data=text) if len(text) <= _TRACKING else content


# -- The session ------------------------------------------------------------------------------------------------------


async def session(call: Call) -> Reply:
    """Whether the person of a conversation may be sent rich media now."""
    conversation = await call.desk.threads.get(call.account_id, call.uuid("conversationId", "The conversation"))
    return Reply(await _window(call, conversation))


async def opt_in(call: Call) -> Reply:
    """Notes that the person has opted in: the window opens, and what was held goes out."""
    conversation = await call.desk.threads.get(call.account_id, call.uuid("conversationId", "The conversation"))
    await call.desk.threads.opt_in(conversation)
    return Reply(await _window(call, conversation))


async def _window(call: Call, conversation: Any) -> wire.WindowAnswer:
    found = await call.desk.threads.window(conversation, await call.desk.organizations.get(call.account_id))
    return wire.WindowAnswer(
        conversation_id=str(conversation.id),
        status=found.status,
        action=found.action,
        last_interaction=ids.iso(found.last_interaction) if found.last_interaction is not None else None,
        expires_at=ids.iso(found.expires_at) if found.expires_at is not None else None,
    )


_CONVERSATION: Final = "0199c3a0-0000-7000-8000-000000000001"
EXAMPLE: Final[dict[str, Any]] = {
    "channelId": ids.of_channel(7),
    "conversationId": _CONVERSATION,
    "type": "MESSAGE",
    "messageType": "TEXT",
    "content": {
        "text": "What would you like to see?",
        "viberChannelSpecifics": {
            "image": {"url": "https://cdn.example.com/product.jpg", "altText": "The product"},
            "keyboard": {"buttons": [{"actionType": "reply", "title": "Prices", "payload": "VIEW_PRICES"}]},
        },
    },
}

OPERATIONS: Final = (
    Operation(
        name="postConversationsMessages",
        method="POST",
        path=PATH,
        handler=post,
        tag=TAG,
        summary="Send a rich message, or open a conversation",
        scope=rights.MESSAGING_WRITE,
        every=("conversation:message:create",),
        needs=(CAPABILITY,),
        body=wire.EitherMessage,
        answer=wire.RichAnswer,
        example=EXAMPLE,
        query={
            "enforceWindow": ("boolean", "Whether to refuse (409) once the session window has passed."),
            "onExpired": ("string", "`optIn` keeps the message until the person writes or opts in."),
        },
        errors=(400, 404, 409),
    ),
    Operation(
        name="getConversationSession",
        method="GET",
        path=f"{_ONE}/session",
        handler=session,
        tag=TAG,
        summary="Whether the person may be sent rich media now",
        scope=rights.CONVERSATION_READ,
        every=(rights.CONVERSATION_VIEW,),
        answer=wire.WindowAnswer,
        errors=(404,),
    ),
    Operation(
        name="postConversationOptIn",
        method="POST",
        path=f"{_ONE}/optin",
        handler=opt_in,
        tag=TAG,
        summary="Note that the person has opted in, and send what was held",
        scope=rights.MESSAGING_WRITE,
        every=("conversation:message:create",),
        answer=wire.WindowAnswer,
        errors=(404,),
    ),
)
