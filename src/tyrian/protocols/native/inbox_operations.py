"""The operations on conversations, agents and queues."""

from typing import Any, Final

from tyrian.protocols.native import inbox, inbox_wire as wire
from tyrian.protocols.native.inbox import handled
from tyrian.protocols.native.message_operations import IDEMPOTENCY
from tyrian.protocols.native.operation import Answer, Operation

TAG: Final = "Inbox"
READ: Final = "inbox:read"
WRITE: Final = "inbox:write"
ID: Final = "01980f5e-6c00-7000-8000-0b1e5c7f9a10"
AGENT_ID: Final = "01980f5e-6c00-7000-8000-7c2d4e6f8a1b"
QUEUE_ID: Final = "01980f5e-6c00-7000-8000-3d5f7a9b1c2e"
AT: Final = "2026-03-01T12:00:00.000Z"

LEG: Final[dict[str, Any]] = {
    "id": "01980f5e-6c00-7000-8000-1a2b3c4d5e6f",
    "communication_id": "01980f5e-6c00-7000-8000-2b3c4d5e6f70",
    "role": "agent",
    "state": "connected",
    "who": AGENT_ID,
    "name": "Mia",
    "started_at": AT,
    "connected_at": AT,
    "ended_at": None,
    "ending": None,
    "wrapup": None,
    "attributes": {},
}
CONVERSATION: Final[dict[str, Any]] = {
    "id": ID,
    "state": "open",
    "channel": "demo-bot",
    "person": "01234567890A=",
    "name": "Ana",
    "subject": "Order 7",
    "attributes": {"order": "7"},
    "queue_id": QUEUE_ID,
    "agent_id": AGENT_ID,
    "unread": 0,
    "opened_at": AT,
    "updated_at": AT,
    "closed_at": None,
    "last_inbound_at": AT,
    "last_outbound_at": None,
    "legs": [LEG],
}
ITEM: Final[dict[str, Any]] = {
    "id": "01980f5e-6c00-7000-8000-4d5e6f708192",
    "conversation_id": ID,
    "kind": "outbound",
    "at": AT,
    "author": {"kind": "agent", "id": AGENT_ID, "name": "Mia"},
    "channel": "demo-bot",
    "content": {"type": "text", "text": "Your parcel leaves today."},
    "text": None,
    "leg_id": LEG["id"],
    "inbound_id": None,
    "message_id": "01980f5e-6c00-7000-8000-5e6f70819203",
    "status": "sent",
    "reason": None,
    "event": None,
    "data": {},
}
_STREAM: Final = 'id: 12\nevent: item\ndata: {"id": "...", "kind": "inbound", ...}\n\n'

_CONVERSATION: Final = Answer(
    status=200, description="The conversation as it stands.", type=wire.ConversationAnswer, example=CONVERSATION
)
_LINE: Final = Answer(status=201, description="The new line.", type=wire.ItemAnswer, example=ITEM)

CONVERSATIONS: Final = (
    Operation(
        method="GET",
        path="/api/v1/inbox/conversations",
        name="listConversations",
        tag=TAG,
        summary="List and search conversations",
        description=(
            "Conversations, the last updated first: by state, channel, person, queue, agent, words and time, and "
            "whether they wait."
        ),
        scope=READ,
        handler=handled(inbox.list_conversations),
        query=wire.ConversationFilter,
        answers=(
            Answer(
                status=200,
                description="A page.",
                type=wire.ConversationList,
                example={"conversations": [CONVERSATION], "next": None},
            ),
        ),
    ),
    Operation(
        method="POST",
        path="/api/v1/inbox/conversations",
        name="openConversation",
        tag=TAG,
        summary="Open a conversation",
        description=(
            "The conversation with a person on a channel: the one that is not closed, or the last one opened again, "
            "or a new one, which gets what the request says of it. Nothing is sent to the person by this."
        ),
        scope=WRITE,
        handler=handled(inbox.open_conversation),
        body=wire.OpenConversation,
        examples={
            "about an order": {
                "channel": "demo-viber",
                "person": "+385991234501",
                "name": "Ana",
                "subject": "Order 7",
                "attributes": {"order": "7"},
            }
        },
        headers=(IDEMPOTENCY,),
        errors=("conflict", "idempotency-conflict"),
        answers=(_CONVERSATION,),
    ),
    Operation(
        method="GET",
        path="/api/v1/inbox/conversations/{id}",
        name="getConversation",
        tag=TAG,
        summary="Read a conversation",
        description="Its state, who takes part and took part (`legs`), and what is known of it.",
        scope=READ,
        handler=handled(inbox.get),
        identifies="conversation",
        answers=(_CONVERSATION,),
    ),
    Operation(
        method="PATCH",
        path="/api/v1/inbox/conversations/{id}",
        name="amendConversation",
        tag=TAG,
        summary="Change what is known of a conversation",
        description="Its subject, the person's name, and attributes of it or of one of its participants.",
        scope=WRITE,
        handler=handled(inbox.amend),
        body=wire.AmendConversation,
        examples={"one attribute more, one less": {"attributes": {"order": "8", "coupon": None}}},
        errors=("conflict",),
        identifies="conversation",
        answers=(_CONVERSATION,),
    ),
    Operation(
        method="GET",
        path="/api/v1/inbox/conversations/{id}/items",
        name="listConversationItems",
        tag=TAG,
        summary="Read what was said",
        description=(
            "Lines of the thread in their order: messages both ways, the status of those sent, notes and events. The "
            "last ones, or those `before` or `after` a line."
        ),
        scope=READ,
        handler=handled(inbox.items),
        query=wire.ItemFilter,
        identifies="conversation",
        answers=(Answer(status=200, description="The lines.", type=wire.ItemList, example={"items": [ITEM]}),),
    ),
    Operation(
        method="POST",
        path="/api/v1/inbox/conversations/{id}/messages",
        name="sendInConversation",
        tag=TAG,
        summary="Answer the person",
        description=(
            "Sends on the conversation's channel, under the rules of the session: outside of one it is refused with "
            "the rule in words. An agent who is alerted accepts the conversation by answering."
        ),
        scope=WRITE,
        handler=handled(inbox.send),
        body=wire.SendInConversation,
        examples={"a text": {"content": {"type": "text", "text": "Your parcel leaves today."}}},
        headers=(IDEMPOTENCY,),
        errors=("conflict", "idempotency-conflict"),
        identifies="conversation",
        answers=(_LINE,),
    ),
    Operation(
        method="POST",
        path="/api/v1/inbox/conversations/{id}/notes",
        name="noteInConversation",
        tag=TAG,
        summary="Add a note",
        description="A line that the person does not see.",
        scope=WRITE,
        handler=handled(inbox.note),
        body=wire.NoteRequest,
        examples={"a note": {"text": "She has called before."}},
        headers=(IDEMPOTENCY,),
        errors=("conflict", "idempotency-conflict"),
        identifies="conversation",
        answers=(_LINE,),
    ),
    *(
        Operation(
            method="POST",
            path=f"/api/v1/inbox/conversations/{{id}}/{word}",
            name=f"{word}Conversation",
            tag=TAG,
            summary=summary,
            description=description,
            scope=WRITE,
            handler=handled(handler),
            body=body,
            examples={"an example": example},
            headers=(IDEMPOTENCY,),
            errors=("conflict", "idempotency-conflict"),
            identifies="conversation",
            answers=(_CONVERSATION,),
        )
        for word, summary, description, handler, body, example in (
            (
                "assign",
                "Give a conversation to a queue or an agent",
                "Into a queue it waits for its agents; an agent is alerted and may accept or decline.",
                inbox.assign,
                wire.AssignRequest,
                {"queue": "support"},
            ),
            (
                "accept",
                "Accept a conversation",
                "The agent who is alerted takes it. One who is not may take it from its queue.",
                inbox.accept,
                wire.AcceptRequest,
                {"agent": "Mia"},
            ),
            (
                "decline",
                "Decline a conversation",
                "The agent who is alerted does not take it: it goes back to its queue, and another is asked.",
                inbox.decline,
                wire.AcceptRequest,
                {"agent": "Mia"},
            ),
            (
                "transfer",
                "Transfer a conversation",
                (
                    "To a queue, an agent, another channel with the same person, or to somebody outside (`external`), "
                    "whom a callback brings the whole context. It is `transferred` until the target accepts it."
                ),
                inbox.transfer,
                wire.TransferRequest,
                {"queue": "support", "note": "Wants a refund."},
            ),
            (
                "close",
                "Close a conversation",
                "Nobody has it any more. Closing a closed one changes nothing.",
                inbox.close,
                wire.CloseRequest,
                {"wrapup": "Solved."},
            ),
            (
                "reopen",
                "Open a closed conversation again",
                "It goes on where it ended.",
                inbox.reopen,
                wire.ByRequest,
                {},
            ),
        )
    ),
    Operation(
        method="POST",
        path="/api/v1/inbox/conversations/{id}/read",
        name="readConversation",
        tag=TAG,
        summary="Mark a conversation as read",
        description="Sets its count of unread messages to 0, as an answer does.",
        scope=WRITE,
        handler=handled(inbox.mark_read),
        errors=("conflict",),
        identifies="conversation",
        answers=(_CONVERSATION,),
    ),
    Operation(
        method="GET",
        path="/api/v1/inbox/events",
        name="watchInbox",
        tag=TAG,
        summary="Watch what happens",
        description=(
            "A stream of server-sent events: `item` (a line was added), `conversation`, `agent` and `queue` (one "
            "changed), each with the resource as it stands, numbered in order. Reconnect with `Last-Event-ID` and "
            "nothing is missed for seven days; `gap` says that older events are gone, and `erased` that a person was, "
            "with what was said: drop what you show of the conversation. `typing` says that a person types, where the "
            "network tells: it is kept nowhere, and has no number of its own. The stream ends every 15 minutes, and "
            "when a reader is too slow: go on from the last number."
        ),
        scope=READ,
        handler=handled(inbox.watch),
        query=wire.WatchParameters,
        answers=(Answer(status=200, description="The events.", type=str, example=_STREAM, media="text/event-stream"),),
    ),
)
