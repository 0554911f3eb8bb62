"""What becomes of conversations: participants connected, disconnected, replaced, noted; and the end."""

from typing import Final

from tyrian.domain.conversation import Conversation, Leg, LegState, Role, Target
from tyrian.domain.problem import Problem
from tyrian.engine.inbox_port import NotNow
from tyrian.protocols.genesys import errors, ids
from tyrian.protocols.genesys.conversation_desk import (
    author_of,
    channels_of,
    communication_of,
    conversation_of,
    inbox_of,
    participant_of,
    program,
)
from tyrian.protocols.genesys.conversation_reading import shown
from tyrian.protocols.genesys.conversation_requests import (
    Attributes,
    Closing,
    ParticipantChange,
    Replacement,
    WrapupInput,
)
from tyrian.protocols.genesys.conversation_view import attributes_of
from tyrian.protocols.genesys.operation import Call, Reply

NOT_CONNECTED: Final = "conversations.error.transfer.not.connected"
QUEUE_NOT_FOUND: Final = "conversations.error.queue.not.found"
USER_NOT_FOUND: Final = "conversations.error.user.not.found"
STATE_REQUIRED: Final = "communication.state.required"
#: What an address begins with that is outside of Tyrian.
EXTERNAL: Final = "external:"
_STATES: Final = ("connected", "disconnected")
_WAYS: Final = {"attended": True, "unattended": False}


# -- The end ----------------------------------------------------------------------------------------------------------


async def close(call: Call) -> Reply:
    """Disconnects everybody, and shows the conversation."""
    conversation = await conversation_of(call)
    asked: Closing = call.body(Closing)
    if asked.state is None or asked.state.lower() != "disconnected":
        raise errors.bad('state must be "disconnected": there is no other.', "invalid.value", "/state")
    done = await inbox_of(call).close(call.account_id, conversation.id, by=program(call))
    return Reply(await shown(call, done))


async def disconnect(call: Call) -> Reply:
    """Disconnects everybody."""
    conversation = await conversation_of(call)
    await inbox_of(call).close(call.account_id, conversation.id, by=program(call))
    return Reply("", 202)


async def change_communication(call: Call) -> Reply:
    """Disconnects one communication; the wrap-up stays as it is."""
    conversation = await conversation_of(call)
    leg = participant_of(call, conversation)
    communication_of(call, [leg])
    asked: ParticipantChange = call.body(ParticipantChange)
    if asked.state is None or asked.state.lower() != "disconnected":
        words = 'The state of the communication is required, and must be "disconnected".'
        raise errors.bad(words, STATE_REQUIRED, "/state")
    await _leave(call, conversation, leg)
    return Reply({})


# -- Participants -----------------------------------------------------------------------------------------------------


async def change_participant(call: Call) -> Reply:
    """Answers for a participant who is alerted, ends one, or notes a wrap-up. Nothing else can change here."""
    conversation = await conversation_of(call)
    leg = participant_of(call, conversation)
    asked: ParticipantChange = call.body(ParticipantChange)
    state = asked.state.lower() if asked.state is not None else None
    if state is not None and state not in _STATES:
        raise errors.bad(f"state must be one of {', '.join(_STATES)}.", "invalid.value", "/state")
    if asked.wrapup is not None:
        await _note(call, conversation, leg, asked.wrapup)
    if state == "connected":
        await _connect(call, conversation, leg)
    elif state == "disconnected":
        await _leave(call, conversation, leg)
    return Reply(status=202)


async def _connect(call: Call, conversation: Conversation, leg: Leg) -> None:
    if leg.state is LegState.CONNECTED:
        return
    await inbox_of(call).accept(call.account_id, conversation.id, by=author_of(call, leg), leg_id=leg.id)


async def _leave(call: Call, conversation: Conversation, leg: Leg) -> None:
    """Ends a leg. An agent who is alerted declines by that: the conversation goes back to its queue."""
    if not leg.live:
        return
    inbox, by = inbox_of(call), author_of(call, leg)
    if leg.state is LegState.ALERTING:
        await inbox.decline(call.account_id, conversation.id, by=by, leg_id=leg.id)
    else:
        await inbox.leave(call.account_id, conversation.id, leg.id, by=by)


async def _note(call: Call, conversation: Conversation, leg: Leg, wrapup: WrapupInput) -> None:
    code, notes = wrapup.code or wrapup.name or "", wrapup.notes or ""
    text = f"{code}\n{notes}" if notes else code
    await inbox_of(call).set_wrapup(call.account_id, conversation.id, leg.id, text)


async def set_attributes(call: Call) -> Reply:
    """Sets attributes of a participant. The customer's are the conversation's, and stay whoever has it."""
    conversation = await conversation_of(call)
    leg = participant_of(call, conversation)
    asked: Attributes = call.body(Attributes)
    owner = None if leg.role is Role.CUSTOMER else leg.id
    done = await inbox_of(call).set_attributes(call.account_id, conversation.id, asked.attributes or {}, leg_id=owner)
    changed = done.leg(leg.id) or leg
    return Reply({"attributes": attributes_of(done, changed)}, 202)


# -- Transfers --------------------------------------------------------------------------------------------------------


async def replace(call: Call) -> Reply:
    """Transfers to a user or a queue."""
    return await _replace(call, ("queueId", "userId", "userName", "address"))


async def replace_by_queue(call: Call) -> Reply:
    """Transfers to a queue, by its id or its name."""
    return await _replace(call, ("queueId", "queueName"))


async def replace_by_agent(call: Call) -> Reply:
    """Transfers to an agent, by id, name or displayed name."""
    return await _replace(call, ("userId", "userName", "userDisplayName"))


async def _replace(call: Call, ways: tuple[str, ...]) -> Reply:
    conversation = await conversation_of(call)
    leg = participant_of(call, conversation)
    asked: Replacement = call.body(Replacement)
    attended = _attended(asked.transfer_type)
    target = await _target(call, asked, ways)
    if leg.state is not LegState.CONNECTED or leg.role is Role.CUSTOMER:
        raise errors.bad("The participant is not connected, and cannot be transferred.", NOT_CONNECTED)
    try:
        await inbox_of(call).transfer(
            call.account_id, conversation.id, target, by=author_of(call, leg), attended=attended
        )
    except NotNow as error:
        raise errors.bad(str(error), NOT_CONNECTED) from error
    return Reply(status=202)


def _attended(word: str | None) -> bool:
    if word is None:
        return False
    found = _WAYS.get(word.lower())
    if found is None:
        raise errors.bad("transferType must be one of Attended, Unattended.", "invalid.value", "/transferType")
    return found


async def _target(call: Call, asked: Replacement, ways: tuple[str, ...]) -> Target:
    """The queue or the agent that is meant. Raises `ApiError` (400)."""
    values = {
        "queueId": asked.queue_id,
        "queueName": asked.queue_name,
        "userId": asked.user_id,
        "userName": asked.user_name,
        "userDisplayName": asked.user_display_name,
        "address": asked.address,
    }
    given = {way: value for way in ways if (value := values[way])}
    if len(given) != 1:
        raise errors.wrong([Problem("", f"must have exactly one of {', '.join(ways)}", "required")])
    ((way, value),) = given.items()
    if way.startswith("queue") or way == "address":
        queue = await inbox_of(call).queue(call.account_id, value)
        if queue is not None:
            return Target(queue=str(queue.id))
        if way != "address":
            raise errors.bad("The queue was not found.", QUEUE_NOT_FOUND, f"/{way}")
    agent = await inbox_of(call).agent(call.account_id, value)
    if agent is not None:
        return Target(agent=str(agent.id))
    if way != "address":
        raise errors.bad("The user was not found.", USER_NOT_FOUND, f"/{way}")
    return _outside(call, value)


def _outside(call: Call, address: str) -> Target:
    """Another channel, by its id, or somebody outside. Raises `ApiError` (400)."""
    if address.startswith(EXTERNAL) and address != EXTERNAL:
        return Target(external=address.removeprefix(EXTERNAL))
    number = ids.channel_of(address)
    entry = next((entry for entry in channels_of(call) if entry.channel.id == number), None)
    if entry is None:
        raise errors.bad("Nobody has this address.", USER_NOT_FOUND, "/address")
    return Target(channel=entry.channel.name)
