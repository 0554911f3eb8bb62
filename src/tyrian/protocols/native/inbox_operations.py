"""The operations on conversations, agents and queues."""

from typing import Any, Final

from tyrian.protocols.native import inbox, inbox_staff as staff, inbox_wire as wire
from tyrian.protocols.native.inbox import handled
from tyrian.protocols.native.message_operations import IDEMPOTENCY
from tyrian.protocols.native.operation import Answer, Operation

TAG: Final = "Inbox"
READ: Final = "inbox:read"
WRITE: Final = "inbox:write"
ID: Final = "01980f5e-6c00-7000-8000-0b1e5c7f9a10"
_AGENT_ID: Final = "01980f5e-6c00-7000-8000-7c2d4e6f8a1b"
_QUEUE_ID: Final = "01980f5e-6c00-7000-8000-3d5f7a9b1c2e"
_AT: Final = "2026-03-01T12:00:00.000Z"

LEG: Final[dict[str, Any]] = {
    "id": "01980f5e-6c00-7000-8000-1a2b3c4d5e6f",
    "communication_id": "01980f5e-6c00-7000-8000-2b3c4d5e6f70",
    "role": "agent",
    "state": "connected",
    "who": _AGENT_ID,
    "name": "Mia",
    "started_at": _AT,
    "connected_at": _AT,
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
    "queue_id": _QUEUE_ID,
    "agent_id": _AGENT_ID,
    "unread": 0,
    "opened_at": _AT,
    "updated_at": _AT,
    "closed_at": None,
    "last_inbound_at": _AT,
    "last_outbound_at": None,
    "legs": [LEG],
}
ITEM: Final[dict[str, Any]] = {
    "id": "01980f5e-6c00-7000-8000-4d5e6f708192",
    "conversation_id": ID,
    "kind": "outbound",
    "at": _AT,
    "author": {"kind": "agent", "id": _AGENT_ID, "name": "Mia"},
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
AGENT: Final[dict[str, Any]] = {
    "id": _AGENT_ID,
    "name": "Mia",
    "email": "mia@shop.example",
    "state": "available",
    "capacity": 5,
    "load": 1,
    "queues": [_QUEUE_ID],
    "created_at": _AT,
    "updated_at": _AT,
}
QUEUE: Final[dict[str, Any]] = {
    "id": _QUEUE_ID,
    "name": "support",
    "pick": "longest_idle",
    "alert_time": 60,
    "timezone": "Europe/Zagreb",
    "hours": [{"day": 1, "opens": "08:00", "closes": "16:00"}],
    "waiting": 2,
    "created_at": _AT,
    "updated_at": _AT,
}
PREPARED: Final[dict[str, Any]] = {
    "id": "01980f5e-6c00-7000-8000-6f7081920314",
    "name": "thanks",
    "queue_id": None,
    "content": {"type": "text", "text": "Thank you, {{name}}!"},
    "created_at": _AT,
    "updated_at": _AT,
}
_INBOX: Final[dict[str, Any]] = {
    "channel": "demo-bot",
    "queue_id": _QUEUE_ID,
    "threading_time": 259200,
    "idle_time": 86400,
}
_STREAM: Final = 'id: 12\nevent: item\ndata: {"id": "...", "kind": "inbound", ...}\n\n'

_CONVERSATION: Final = Answer(
    status=200, description="The conversation as it stands.", type=wire.ConversationAnswer, example=CONVERSATION
)
_LINE: Final = Answer(status=201, description="The new line.", type=wire.ItemAnswer, example=ITEM)
_GONE: Final = Answer(status=204, description="It is removed.")
_AGENT: Final = Answer(status=200, description="The agent.", type=wire.AgentAnswer, example=AGENT)
_QUEUE: Final = Answer(status=200, description="The queue.", type=wire.QueueAnswer, example=QUEUE)
_CHANNEL: Final = Answer(status=200, description="The channel's inbox.", type=wire.ChannelInboxAnswer, example=_INBOX)
_SETTINGS: Final = Answer(
    status=200,
    description="The settings.",
    type=wire.InboxSettingsAnswer,
    example={"handover_url": "https://shop.example/handover"},
)

CONVERSATIONS: Final = (
    Operation(
        method="GET",
        path="/api/v1/inbox/conversations",
        name="listConversations",
        tag=TAG,
        summary="List and search conversations",
        description="Conversations, the last updated first: by state, channel, person, queue, agent, words and time.",
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
            "changed), each with the resource as it stands, numbered without gaps. Reconnect with `Last-Event-ID` and "
            "nothing is missed for seven days; `gap` says that older events are gone. The stream ends every 15 "
            "minutes, and when a reader is too slow: go on from the last number."
        ),
        scope=READ,
        handler=handled(inbox.watch),
        query=wire.WatchParameters,
        answers=(Answer(status=200, description="The events.", type=str, example=_STREAM, media="text/event-stream"),),
    ),
)

AGENTS: Final = (
    Operation(
        method="GET",
        path="/api/v1/inbox/agents",
        name="listAgents",
        tag=TAG,
        summary="List agents",
        description="Those who answer, by name, with how many conversations each has.",
        scope=READ,
        handler=handled(staff.list_agents),
        answers=(Answer(status=200, description="The agents.", type=wire.AgentList, example={"agents": [AGENT]}),),
    ),
    Operation(
        method="POST",
        path="/api/v1/inbox/agents",
        name="createAgent",
        tag=TAG,
        summary="Make an agent",
        description="A person who answers, in these queues. One who is available gets what waits in them.",
        scope=WRITE,
        handler=handled(staff.create_agent),
        body=wire.AgentRequest,
        examples={"an agent": {"name": "Leo", "email": "leo@shop.example", "capacity": 3}},
        answers=(Answer(status=201, description="The agent.", type=wire.AgentAnswer, example=AGENT),),
    ),
    Operation(
        method="GET",
        path="/api/v1/inbox/agents/{id}",
        name="getAgent",
        tag=TAG,
        summary="Read an agent",
        description="One agent, by id or name.",
        scope=READ,
        handler=handled(staff.get_agent),
        identifies="agent",
        answers=(_AGENT,),
    ),
    Operation(
        method="PATCH",
        path="/api/v1/inbox/agents/{id}",
        name="changeAgent",
        tag=TAG,
        summary="Change an agent",
        description="Name, state, capacity or queues. Who becomes available gets what waits.",
        scope=WRITE,
        handler=handled(staff.change_agent),
        body=wire.AgentChange,
        examples={"comes to work": {"state": "available"}},
        identifies="agent",
        answers=(_AGENT,),
    ),
    Operation(
        method="DELETE",
        path="/api/v1/inbox/agents/{id}",
        name="deleteAgent",
        tag=TAG,
        summary="Remove an agent",
        description="Only one who has no conversation.",
        scope=WRITE,
        handler=handled(staff.delete_agent),
        errors=("conflict",),
        identifies="agent",
        answers=(_GONE,),
    ),
    Operation(
        method="POST",
        path="/api/v1/inbox/agents/{id}/requeue",
        name="requeueAgent",
        tag=TAG,
        summary="Put an agent's conversations back",
        description="All that an agent who is away or offline has goes back into the queues that it came from.",
        scope=WRITE,
        handler=handled(staff.requeue),
        errors=("conflict",),
        identifies="agent",
        answers=(
            Answer(
                status=200,
                description="How many went back.",
                type=wire.RequeuedAnswer,
                example={"requeued": 2, "kept": 0},
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/api/v1/inbox/queues",
        name="listQueues",
        tag=TAG,
        summary="List queues",
        description="The queues by name, with how many conversations wait in each.",
        scope=READ,
        handler=handled(staff.list_queues),
        answers=(Answer(status=200, description="The queues.", type=wire.QueueList, example={"queues": [QUEUE]}),),
    ),
    Operation(
        method="POST",
        path="/api/v1/inbox/queues",
        name="createQueue",
        tag=TAG,
        summary="Make a queue",
        description=(
            "Conversations wait in it. It picks the agent who has been idle longest (`longest_idle`), one after the "
            "other (`round_robin`), or nobody (`manual`): then agents take conversations themselves."
        ),
        scope=WRITE,
        handler=handled(staff.create_queue),
        body=wire.QueueRequest,
        examples={
            "in office hours": {
                "name": "office",
                "alert_time": 60,
                "timezone": "Europe/Zagreb",
                "hours": [{"day": 1, "opens": "08:00", "closes": "16:00"}],
            }
        },
        answers=(Answer(status=201, description="The queue.", type=wire.QueueAnswer, example=QUEUE),),
    ),
    Operation(
        method="GET",
        path="/api/v1/inbox/queues/{id}",
        name="getQueue",
        tag=TAG,
        summary="Read a queue",
        description="One queue, by id or name.",
        scope=READ,
        handler=handled(staff.get_queue),
        identifies="queue",
        answers=(_QUEUE,),
    ),
    Operation(
        method="PATCH",
        path="/api/v1/inbox/queues/{id}",
        name="changeQueue",
        tag=TAG,
        summary="Change a queue",
        description="Its name, how it picks, and when.",
        scope=WRITE,
        handler=handled(staff.change_queue),
        body=wire.QueueChange,
        examples={"picks nobody": {"pick": "manual"}},
        identifies="queue",
        answers=(_QUEUE,),
    ),
    Operation(
        method="DELETE",
        path="/api/v1/inbox/queues/{id}",
        name="deleteQueue",
        tag=TAG,
        summary="Remove a queue",
        description="Only one that no open conversation belongs to. Its prepared answers go with it.",
        scope=WRITE,
        handler=handled(staff.delete_queue),
        errors=("conflict",),
        identifies="queue",
        answers=(_GONE,),
    ),
)

SETTINGS: Final = (
    Operation(
        method="GET",
        path="/api/v1/inbox/answers",
        name="listPreparedAnswers",
        tag=TAG,
        summary="List prepared answers",
        description="Answers that agents have at hand, with a conversation's values filled in if one is named.",
        scope=READ,
        handler=handled(staff.list_answers),
        query=wire.PreparedFilter,
        answers=(
            Answer(status=200, description="The answers.", type=wire.PreparedList, example={"answers": [PREPARED]}),
        ),
    ),
    Operation(
        method="POST",
        path="/api/v1/inbox/answers",
        name="createPreparedAnswer",
        tag=TAG,
        summary="Prepare an answer",
        description="For the whole account, or for one queue.",
        scope=WRITE,
        handler=handled(staff.create_answer),
        body=wire.PreparedRequest,
        examples={"thanks": {"name": "thanks", "content": {"type": "text", "text": "Thank you, {{name}}!"}}},
        answers=(Answer(status=201, description="The answer.", type=wire.PreparedAnswerAnswer, example=PREPARED),),
    ),
    Operation(
        method="PUT",
        path="/api/v1/inbox/answers/{id}",
        name="changePreparedAnswer",
        tag=TAG,
        summary="Write a prepared answer anew",
        description="Its name, its content, and whose it is.",
        scope=WRITE,
        handler=handled(staff.change_answer),
        body=wire.PreparedRequest,
        examples={"other words": {"name": "thank-you", "content": {"type": "text", "text": "Thanks, {{name}}."}}},
        identifies="prepared answer",
        answers=(Answer(status=200, description="The answer.", type=wire.PreparedAnswerAnswer, example=PREPARED),),
    ),
    Operation(
        method="DELETE",
        path="/api/v1/inbox/answers/{id}",
        name="deletePreparedAnswer",
        tag=TAG,
        summary="Remove a prepared answer",
        description="Removes it.",
        scope=WRITE,
        handler=handled(staff.delete_answer),
        identifies="prepared answer",
        answers=(_GONE,),
    ),
    Operation(
        method="GET",
        path="/api/v1/channels/{id}/inbox",
        name="getChannelInbox",
        tag=TAG,
        summary="Read a channel's inbox",
        description="How the messages of a channel become conversations.",
        scope=READ,
        handler=handled(staff.get_channel_inbox),
        identifies="channel",
        answers=(_CHANNEL,),
    ),
    Operation(
        method="PUT",
        path="/api/v1/channels/{id}/inbox",
        name="putChannelInbox",
        tag=TAG,
        summary="Give a channel an inbox",
        description="From now on each message of a person on this channel goes into a conversation.",
        scope=WRITE,
        handler=handled(staff.put_channel_inbox),
        body=wire.ChannelInboxRequest,
        examples={"closed after a day of silence": {"idle_time": 86400}},
        identifies="channel",
        answers=(_CHANNEL,),
    ),
    Operation(
        method="DELETE",
        path="/api/v1/channels/{id}/inbox",
        name="deleteChannelInbox",
        tag=TAG,
        summary="Take a channel's inbox away",
        description="Conversations stay; messages of people no longer go into them.",
        scope=WRITE,
        handler=handled(staff.delete_channel_inbox),
        identifies="channel",
        answers=(_GONE,),
    ),
    Operation(
        method="GET",
        path="/api/v1/inbox/settings",
        name="getInboxSettings",
        tag=TAG,
        summary="Read the settings of the inbox",
        description="What holds for all its conversations.",
        scope=READ,
        handler=handled(staff.get_settings),
        answers=(_SETTINGS,),
    ),
    Operation(
        method="PUT",
        path="/api/v1/inbox/settings",
        name="putInboxSettings",
        tag=TAG,
        summary="Set the settings of the inbox",
        description="`handover_url`: where conversations are brought that are transferred to `external`.",
        scope=WRITE,
        handler=handled(staff.put_settings),
        body=wire.InboxSettings,
        examples={"a voice system": {"handover_url": "https://shop.example/handover"}},
        answers=(_SETTINGS,),
    ),
)

INBOX: Final = (*CONVERSATIONS, *AGENTS, *SETTINGS)
