"""What agents do with conversations: take them, leave them, end them, hand them on, and note things with them."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from tyrian.domain.conversation import Author, Conversation, Leg, LegState, Role, Target
from tyrian.engine.inbox_port import NotNow
from tyrian.protocols.genesys import errors, ids, rights, shapes, shapes_wire as wire
from tyrian.protocols.genesys.conversations import GENERIC, PATH, TAG, leg_of, thread_of, writer
from tyrian.protocols.genesys.operation import Call, Operation, Reply
from tyrian.protocols.genesys.outbound import QUEUE_NOT_FOUND
from tyrian.protocols.genesys.threads import NOT_FOUND, author

_ONE: Final = f"{PATH}/{{conversationId}}"
_PARTICIPANT: Final = f"{_ONE}/participants/{{participantId}}"
_REPLACE: Final = f"{GENERIC}/{{conversationId}}/participants/{{participantId}}/replace"
NOT_CONNECTED: Final = "conversations.error.transfer.not.connected"
STATE_REQUIRED: Final = "communication.state.required"
USER_NOT_FOUND: Final = "conversations.error.user.not.found"
#: Where a conversation can go besides queues, people and channels: to somebody outside, with its context.
EXTERNAL: Final = "external:"
Word = Annotated[str, Meta(max_length=200)]


class StateChange(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A state to go into."""

    state: Word | None = None


class Wrapup(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What an agent notes at the end."""

    code: Word | None = None
    name: Word | None = None
    notes: Annotated[str, Meta(max_length=4000)] | None = None


class ParticipantChange(StateChange, rename="camel", kw_only=True, omit_defaults=True):
    """A change of one participant. `held`, `muted` and their like mean nothing for messages, and are left aside."""

    wrapup: Wrapup | None = None
    wrapup_skipped: bool | None = None


class AttributesChange(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """Attributes to set; null takes one away."""

    attributes: dict[
        Annotated[str, Meta(min_length=1, max_length=100)], Annotated[str, Meta(max_length=4000)] | None
    ] = {}


class TransferRequest(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """Where a conversation goes. `address` is a user's, a queue's or an integration's id, or `external:<name>`."""

    user_id: Word | None = None
    user_name: Word | None = None
    user_display_name: Word | None = None
    queue_id: Word | None = None
    queue_name: Word | None = None
    address: Word | None = None
    transfer_type: Word | None = None


# -- Ending -----------------------------------------------------------------------------------------------------------


async def end(call: Call) -> Reply:
    """Ends a conversation; no other state can be asked for."""
    _must_end(call.body(StateChange))
    conversation = await _conversation(call)
    closed = await call.desk.threads.inbox.close(call.account_id, conversation.id, by=_by(call))
    return Reply(shapes.message_conversation(await thread_of(call, closed)))


async def disconnect(call: Call) -> Reply:
    """Ends a conversation over all its media."""
    conversation = await _conversation(call, NOT_FOUND)
    await call.desk.threads.inbox.close(call.account_id, conversation.id, by=_by(call))
    return Reply("", 202)


async def end_communication(call: Call) -> Reply:
    """Ends one communication."""
    _must_end(call.body(StateChange))
    conversation = await _conversation(call)
    leg = leg_of(call, conversation, "communicationId")
    if leg.id != leg_of(call, conversation, "participantId").id:
        raise errors.not_found("The communication")
    await _leave(call, conversation, leg, None)
    return Reply({})


def _must_end(given: StateChange) -> None:
    if (given.state or "").lower() != "disconnected":
        words = 'The state must be given, and the only one that can be asked for is "disconnected".'
        raise errors.bad(words, STATE_REQUIRED, "/state")


async def _leave(call: Call, conversation: Conversation, leg: Leg, wrapup: str | None) -> None:
    """A participant leaves; when the person does, all of it ends."""
    inbox = call.desk.threads.inbox
    if not leg.live:
        return
    if leg.role is Role.CUSTOMER:
        await inbox.close(call.account_id, conversation.id, by=_by(call), wrapup=wrapup)
    else:
        await inbox.leave(call.account_id, conversation.id, leg.id, by=writer(call, leg), wrapup=wrapup)


async def change(call: Call) -> Reply:
    """An agent takes a conversation, leaves it, or notes how it went."""
    given: ParticipantChange = call.body(ParticipantChange)
    state = (given.state or "").lower()
    if state not in ("", "connected", "disconnected"):
        words = f"The value {state[:40]} is not allowed for state; there are: connected, disconnected"
        raise errors.bad(words, "invalid.value", "/state")
    conversation = await _conversation(call)
    leg = leg_of(call, conversation, "participantId")
    note = (given.wrapup.notes or given.wrapup.name or given.wrapup.code) if given.wrapup is not None else None
    inbox = call.desk.threads.inbox
    if state == "connected" and leg.state is LegState.ALERTING:
        await inbox.accept(call.account_id, conversation.id, by=writer(call, leg), leg_id=leg.id)
    if state == "disconnected":
        await _leave(call, conversation, leg, note)
    elif note:
        await inbox.set_wrapup(call.account_id, conversation.id, leg.id, note)
    return Reply(status=202)


async def set_attributes(call: Call) -> Reply:
    """Sets attributes of a participant. The person's are the conversation's: they stay through every transfer."""
    given: AttributesChange = call.body(AttributesChange)
    conversation = await _conversation(call)
    leg = leg_of(call, conversation, "participantId")
    own = None if leg.role is Role.CUSTOMER else leg.id
    changed = await call.desk.threads.inbox.set_attributes(
        call.account_id, conversation.id, given.attributes, leg_id=own
    )
    after = changed.attributes if own is None else (changed.leg(leg.id) or leg).attributes
    return Reply(wire.Attributes(attributes=after), 202)


# -- Handing on -------------------------------------------------------------------------------------------------------


async def transfer(call: Call) -> Reply:
    """Hands a conversation on, to whatever is named."""
    return await _transfer(call, call.body(TransferRequest), NOT_FOUND)


async def to_queue(call: Call) -> Reply:
    """Hands a conversation to a queue."""
    given: TransferRequest = call.body(TransferRequest)
    return await _transfer(call, TransferRequest(queue_id=given.queue_id, queue_name=given.queue_name), NOT_FOUND)


async def to_agent(call: Call) -> Reply:
    """Hands a conversation to an agent."""
    given: TransferRequest = call.body(TransferRequest)
    to = TransferRequest(user_id=given.user_id, user_name=given.user_name, user_display_name=given.user_display_name)
    return await _transfer(call, to, NOT_FOUND)


async def _transfer(call: Call, given: TransferRequest, code: str) -> Reply:
    kind = (given.transfer_type or "Unattended").lower()
    if kind not in ("attended", "unattended"):
        words = "transferType must be Attended or Unattended"
        raise errors.bad(words, "invalid.value", "/transferType")
    conversation = await _conversation(call, code)
    leg = leg_of(call, conversation, "participantId")
    target = await _target(call, given)
    if conversation.closed or leg.role is Role.CUSTOMER or leg.state is not LegState.CONNECTED:
        raise errors.bad("The participant is not connected, so that it cannot be transferred.", NOT_CONNECTED)
    try:
        await call.desk.threads.inbox.transfer(
            call.account_id, conversation.id, target, by=writer(call, leg), attended=kind == "attended"
        )
    except NotNow as error:
        raise errors.bad(str(error), NOT_CONNECTED) from None
    return Reply(status=202)


async def _target(call: Call, given: TransferRequest) -> Target:
    """Who is meant. Raises `ApiError` (400)."""
    inbox, account_id = call.desk.threads.inbox, call.account_id
    queue, agent, address = given.queue_id or given.queue_name, _agent(given), given.address
    if sum(bool(one) for one in (queue, agent, address)) != 1:
        raise errors.bad("Exactly one of userId, queueId, address and userName must be given.")
    if queue or address:
        found = await inbox.queue(account_id, queue or address or "")
        if found is not None:
            return Target(queue=str(found.id))
        if queue:
            raise errors.bad(f"The queue {queue[:64]} was not found.", QUEUE_NOT_FOUND, "/queueId")
    person = await inbox.agent(account_id, agent or address or "")
    if person is not None:
        return Target(agent=str(person.id))
    if agent or address is None:
        raise errors.bad(f"The user {(agent or '')[:64]} was not found.", USER_NOT_FOUND, "/userId")
    return _outside(call, address)


def _agent(given: TransferRequest) -> str | None:
    return given.user_id or given.user_name or given.user_display_name


def _outside(call: Call, address: str) -> Target:
    """Another channel, or somebody outside."""
    if address.startswith(EXTERNAL) and address != EXTERNAL:
        return Target(external=address.removeprefix(EXTERNAL)[:100])
    number = ids.channel_of(address)
    entry = call.desk.gateway.channels.by_id(number) if number is not None else None
    if entry is None or entry.channel.account_id != call.account_id:
        raise errors.bad(f"Nobody has the address {address[:64]}.", QUEUE_NOT_FOUND, "/address")
    return Target(channel=entry.channel.name)


async def _conversation(call: Call, code: str = "not.found") -> Conversation:
    identifier = call.uuid("conversationId", "The conversation", code)
    return await call.desk.threads.get(call.account_id, identifier, code)


def _by(call: Call) -> Author:
    assert call.who is not None
    return author(call.who.client_id, call.who.key.name)


def _row(name: str, method: str, path: str, handler: Any, summary: str, **more: Any) -> Operation:
    common: dict[str, Any] = {"tag": TAG, "errors": (400, 404), "scope": rights.CONVERSATIONS}
    return Operation(name=name, method=method, path=path, handler=handler, summary=summary, **(common | more))


_END: Final = {"state": "disconnected"}
_BLIND: Final = "conversation:communication:blindTransfer"
_HANG_UP: Final = "conversation:communication:disconnect"

OPERATIONS: Final = (
    _row(
        "patchConversationsMessage", "PATCH", _ONE, end, "End a conversation",
        some=(_HANG_UP, "conversation:message:park"), body=StateChange, answer=wire.MessageConversation, example=_END,
    ),
    _row(
        "patchConversationsMessageParticipant", "PATCH", _PARTICIPANT, change,
        "Take or leave a conversation, or note how it went",
        some=("conversation:participant:wrapup", _HANG_UP), body=ParticipantChange, status=202,
        example={"state": "connected"},
    ),
    _row(
        "patchConversationsMessageParticipantCommunication", "PATCH",
        f"{_PARTICIPANT}/communications/{{communicationId}}", end_communication, "End one communication",
        body=StateChange, answer=dict[str, Any], example=_END,
    ),
    _row(
        "patchConversationsMessageParticipantAttributes", "PATCH", f"{_PARTICIPANT}/attributes", set_attributes,
        "Set a participant's attributes", body=AttributesChange, answer=wire.Attributes, status=202,
        example={"attributes": {"order": "7"}},
    ),
    _row(
        "postConversationsMessageParticipantReplace", "POST", f"{_PARTICIPANT}/replace", transfer,
        "Hand a conversation on to a queue, a user, a channel or somebody outside", some=(_BLIND,),
        body=TransferRequest, status=202, example={"queueId": "support"},
    ),
    _row(
        "postConversationParticipantReplaceQueue", "POST", f"{_REPLACE}/queue", to_queue,
        "Hand a conversation on to a queue", some=(_BLIND, f"{_BLIND}Queue"), body=TransferRequest, status=202,
        example={"queueId": "support"},
    ),
    _row(
        "postConversationParticipantReplaceAgent", "POST", f"{_REPLACE}/agent", to_agent,
        "Hand a conversation on to an agent", some=(_BLIND, f"{_BLIND}Agent"), body=TransferRequest, status=202,
        example={"userId": "ana"},
    ),
    _row(
        "postConversationDisconnect", "POST", f"{GENERIC}/{{conversationId}}/disconnect", disconnect,
        "End a conversation over all its media", some=(_HANG_UP,), answer=str, status=202,
    ),
)  # fmt: skip
