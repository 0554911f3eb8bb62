"""The operations of conversations, as one table ; what opens one is in `sending`."""

from typing import Any, Final

from tyrian.protocols.genesys import (
    agentless,
    conversation_moving as moving,
    conversation_reading as reading,
    conversation_requests as asked,
    conversation_wire as wire,
    conversations,
    routing,
)
from tyrian.protocols.genesys.message_wire import MessageData, Messages
from tyrian.protocols.genesys.operation import V2, Handler, Operation
from tyrian.protocols.genesys.organization import CAPABILITY
from tyrian.protocols.genesys.paging import QUERY
from tyrian.protocols.genesys.rights import CONVERSATION_READ, CONVERSATIONS, MESSAGING_READ, MESSAGING_WRITE

TAG: Final = "Conversations"
ROUTING: Final = "Routing"
READ: Final = CONVERSATION_READ
_ALL: Final = f"{V2}/conversations/messages"
_ONE: Final = f"{_ALL}/{{conversationId}}"
_SAYING: Final = f"{_ONE}/communications/{{communicationId}}"
_WHO: Final = f"{_ONE}/participants/{{participantId}}"
_GENERIC: Final = f"{V2}/conversations/{{conversationId}}"
_REPLACE: Final = f"{_GENERIC}/participants/{{participantId}}/replace"

_CREATE: Final = ("conversation:message:create", "conversation:webmessaging:create")
_VIEW: Final = ("conversation:message:view", "conversation:webmessaging:view")
_HANDLE: Final = (
    "conversation:participant:wrapup",
    "conversation:call:record",
    "conversation:communication:disconnect",
)
_BLIND: Final = "conversation:communication:blindTransfer"
_DISCONNECT: Final = "conversation:communication:disconnect"
_LEGACY: Final = {"useNormalizedMessage": ("boolean", "Whether `textBody` is left out of the answer.")}
_PAGES: Final = {
    **QUERY,
    "pageSize": ("integer", f"Conversations on a page: 1 to {reading.MOST_LISTED}, which it is unless given."),
}
_QUEUE_ID: Final = "0192d3a4-5b6c-7d8e-9f00-112233445566"


def _read(name: str, path: str, handler: Handler, summary: str, answer: Any, **more: Any) -> Operation:
    more = {"scope": READ, "errors": (404,), "tag": TAG, **more}
    return Operation(name=name, method="GET", path=path, handler=handler, summary=summary, answer=answer, **more)


def _do(name: str, method: str, path: str, handler: Handler, summary: str, body: Any, **more: Any) -> Operation:
    more = {"scope": CONVERSATIONS, "errors": (400, 404), "tag": TAG, **more}
    return Operation(name=name, method=method, path=path, handler=handler, summary=summary, body=body, **more)


_READING: Final = (
    _read(
        "getConversationsMessage",
        _ONE,
        reading.read_message_conversation,
        "Read a conversation",
        wire.MessageConversation,
    ),
    _read(
        "getConversationsMessages",
        _ALL,
        reading.list_message_conversations,
        "List conversations that are not closed",
        wire.MessageConversations,
        errors=(400,),
        query=_PAGES,
    ),
    _read(
        "getConversation",
        _GENERIC,
        reading.read_conversation,
        "Read a conversation with its communications",
        wire.Conversation,
        some=("conversation:communication:view",),
    ),
    _read(
        "getConversations",
        f"{V2}/conversations",
        reading.list_conversations,
        "List conversations that are not closed, with their communications",
        wire.Conversations,
        errors=(400,),
        query={**_PAGES, "communicationType": ("string", "`message`; any other type has none.")},
    ),
    _read(
        "getConversationsMessageMessage",
        f"{_ONE}/messages/{{messageId}}",
        reading.read_message,
        "Read a message of a conversation",
        MessageData,
        scope=MESSAGING_READ,
        some=_VIEW,
        query=_LEGACY,
        errors=(400, 404),
    ),
    _read(
        "getConversationsMessageDetails",
        f"{_ALL}/{{messageId}}/details",
        reading.read_details,
        "Read a message by its id alone",
        MessageData,
        scope=MESSAGING_READ,
        some=_VIEW,
        query=_LEGACY,
        errors=(400, 404),
    ),
    _do(
        "postConversationsMessageMessagesBulk",
        "POST",
        f"{_ONE}/messages/bulk",
        reading.read_bulk,
        "Read several messages of a conversation",
        reading.MessageIds,
        scope=MESSAGING_READ,
        some=_VIEW,
        query=_LEGACY,
        answer=Messages,
        example=[_QUEUE_ID],
    ),
)

_SENDING: Final = (
    _do(
        "postConversationsMessageCommunicationMessages",
        "POST",
        f"{_SAYING}/messages",
        conversations.send,
        "Send a message in a conversation",
        asked.SendMessage,
        scope=MESSAGING_WRITE,
        some=_CREATE,
        needs=(CAPABILITY,),
        query=_LEGACY,
        answer=MessageData,
        example={"textBody": "Your order has arrived."},
    ),
    _do(
        "postConversationsMessagesAgentless",
        "POST",
        f"{_ALL}/agentless",
        agentless.send,
        "Send a message without an agent",
        asked.SendAgentless,
        scope=MESSAGING_WRITE,
        every=("conversation:message:create",),
        needs=(CAPABILITY,),
        query=_LEGACY,
        answer=agentless.Sent,
        errors=(400,),
        example={
            "fromAddress": "demo-viber",
            "toAddress": "+385991234501",
            "toAddressMessengerType": "open",
            "textBody": "Your order has arrived.",
        },
    ),
    _do(
        "postConversationsMessageCommunicationTyping",
        "POST",
        f"{_SAYING}/typing",
        conversations.typing,
        "Say that somebody writes",
        asked.Typing,
        scope=MESSAGING_WRITE,
        some=_CREATE,
        status=202,
        example={"typing": {"type": "On", "duration": 5000}},
    ),
)

_MOVING: Final = (
    _do(
        "patchConversationsMessage",
        "PATCH",
        _ONE,
        moving.close,
        "Disconnect a conversation",
        asked.Closing,
        some=(_DISCONNECT, "conversation:message:park"),
        answer=wire.Conversation,
        example={"state": "disconnected"},
    ),
    _do(
        "patchConversationsMessageParticipant",
        "PATCH",
        _WHO,
        moving.change_participant,
        "Connect or disconnect a participant, or note a wrap-up",
        asked.ParticipantChange,
        some=_HANDLE,
        status=202,
        example={"state": "connected"},
    ),
    _do(
        "patchConversationsMessageParticipantCommunication",
        "PATCH",
        f"{_WHO}/communications/{{communicationId}}",
        moving.change_communication,
        "Disconnect a communication",
        asked.ParticipantChange,
        answer=dict[str, Any],
        example={"state": "disconnected"},
    ),
    _do(
        "patchConversationsMessageParticipantAttributes",
        "PATCH",
        f"{_WHO}/attributes",
        moving.set_attributes,
        "Set attributes of a participant",
        asked.Attributes,
        status=202,
        answer=asked.Attributes,
        example={"attributes": {"order": "7"}},
    ),
    _do(
        "postConversationsMessageParticipantReplace",
        "POST",
        f"{_WHO}/replace",
        moving.replace,
        "Transfer to a user or a queue",
        asked.Replacement,
        some=(_BLIND,),
        status=202,
        example={"queueId": _QUEUE_ID, "transferType": "Unattended"},
    ),
    _do(
        "postConversationParticipantReplaceQueue",
        "POST",
        f"{_REPLACE}/queue",
        moving.replace_by_queue,
        "Transfer to a queue",
        asked.Replacement,
        some=(_BLIND, f"{_BLIND}Queue"),
        status=202,
        example={"queueName": "support"},
    ),
    _do(
        "postConversationParticipantReplaceAgent",
        "POST",
        f"{_REPLACE}/agent",
        moving.replace_by_agent,
        "Transfer to an agent",
        asked.Replacement,
        some=(_BLIND, f"{_BLIND}Agent"),
        status=202,
        example={"userName": "ana"},
    ),
    _do(
        "postConversationDisconnect",
        "POST",
        f"{_GENERIC}/disconnect",
        moving.disconnect,
        "Disconnect everybody",
        None,
        some=(_DISCONNECT,),
        status=202,
        answer=str,
        errors=(404,),
    ),
)

_ROUTING: Final = (
    _read(
        "getRoutingQueues",
        routing.QUEUES,
        routing.list_queues,
        "List queues",
        routing.Queues,
        tag=ROUTING,
        scope="routing:readonly",
        some=("routing:queue:view",),
        query={**QUERY, "name": ("string", "Only queues of this name; asterisks stand for anything.")},
        errors=(400,),
    ),
    _read(
        "getRoutingQueue",
        f"{routing.QUEUES}/{{queueId}}",
        routing.read_queue,
        "Read a queue",
        routing.RoutingQueue,
        tag=ROUTING,
        scope="routing:readonly",
        some=("routing:queue:view",),
    ),
    _read(
        "getRoutingMessageRecipients",
        routing.RECIPIENTS,
        routing.list_recipients,
        "List channels, with where their messages go",
        routing.Recipients,
        tag=ROUTING,
        scope="routing:readonly",
        some=("routing:message:manage",),
        query={
            **QUERY,
            "messengerType": ("string", "Only channels of this type: `open` or `sms`."),
            "name": ("string", "Only channels of this name; asterisks stand for anything."),
        },
        errors=(400,),
    ),
    _read(
        "getRoutingMessageRecipient",
        f"{routing.RECIPIENTS}/{{recipientId}}",
        routing.read_recipient,
        "Read where a channel's messages go",
        routing.Recipient,
        tag=ROUTING,
        scope="routing:readonly",
        some=("routing:message:manage",),
    ),
    _do(
        "putRoutingMessageRecipient",
        "PUT",
        f"{routing.RECIPIENTS}/{{recipientId}}",
        routing.change_recipient,
        "Lead a channel's messages into a queue",
        asked.RecipientChange,
        tag=ROUTING,
        scope="routing",
        some=("routing:message:manage",),
        answer=routing.Recipient,
        example={"flow": {"id": _QUEUE_ID}},
    ),
)

OPERATIONS: Final = (*_READING, *_SENDING, *_MOVING, *_ROUTING)
