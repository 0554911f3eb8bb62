"""The operations on messages."""

from typing import Final

from tyrian.protocols.native import answers, examples, messages, partial, sending, wire
from tyrian.protocols.native.operation import Answer, Header, Operation

IDEMPOTENCY: Final = Header(
    name="Idempotency-Key",
    description=(
        "A word of yours for this request, 1 to 255 visible ASCII characters. A repeat with the same key and body "
        "gets the first one's answer, marked by the header `Idempotency-Replayed: true`, and sends nothing. Keys "
        "are kept for 24 hours unless the gateway is set otherwise."
    ),
    schema={"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    example="order-7-shipped",
)

MESSAGES: Final = (
    Operation(
        method="POST",
        path="/api/v1/messages",
        name="sendMessages",
        tag="Messages",
        summary="Send one message, or many",
        description=(
            "Takes in one message (`to` and `cascade`), or many as one bulk (`messages`). Nothing is answered "
            "before it is stored; if anything in the request is wrong, nothing of it is stored.\n\n"
            "The cascade's steps are tried in order: the next one begins when a step is refused, expires or fails, "
            "or when its `fallback_time` (seconds) passes without a delivery.\n\n"
            "`{{name}}` in any text of a content stands for the variable of that name; `{{{{` is a literal `{{`. A "
            "placeholder without a variable is refused.\n\n"
            "Of many, each entry may say for itself what the request says for all: `cascade`, `purpose`, "
            "`validity`, `callback`, `platform`. The schedule is the whole request's."
        ),
        scope="messages:send",
        handler=sending.send,
        body=(wire.SendRequest, wire.SendManyRequest),
        read=sending.read_send,
        further=partial.problems,
        examples=examples.SEND,
        headers=(IDEMPOTENCY,),
        errors=("idempotency-conflict",),
        answers=(
            Answer(
                status=202,
                description="Stored, and on its way: one message, or many.",
                type=(answers.AcceptedAnswer, answers.AcceptedManyAnswer),
                example=examples.ACCEPTED,
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/api/v1/messages",
        name="listMessages",
        tag="Messages",
        summary="List messages",
        description=(
            "Messages, newest first. Go on with `cursor` until `next` is `null`; with filters a page may hold "
            "fewer entries than `limit`, or none, although more follow."
        ),
        scope="messages:read",
        handler=messages.list_messages,
        query=wire.MessageFilter,
        answers=(Answer(status=200, description="A page.", type=answers.MessageList, example=examples.MESSAGES),),
    ),
    Operation(
        method="GET",
        path="/api/v1/messages/{id}",
        name="getMessage",
        tag="Messages",
        summary="Read a message",
        description="A message with its status, its attempts with their times, and what was asked for.",
        scope="messages:read",
        handler=messages.get_message,
        answers=(Answer(status=200, description="The message.", type=answers.MessageAnswer, example=examples.MESSAGE),),
    ),
    Operation(
        method="GET",
        path="/api/v1/messages/{id}/events",
        name="getMessageEvents",
        tag="Messages",
        summary="Read a message's history",
        description="Every event of the message, oldest first. History is only ever added to.",
        scope="messages:read",
        handler=messages.get_events,
        answers=(Answer(status=200, description="The history.", type=answers.EventList, example=examples.EVENTS),),
    ),
    Operation(
        method="GET",
        path="/api/v1/messages/{id}/exchanges",
        name="getMessageExchanges",
        tag="Messages",
        summary="Read what was exchanged about a message",
        description=(
            "What was said to networks and to your endpoint about this message, what came back, and how long it took. "
            "Secrets are replaced by `***`."
        ),
        scope="messages:read",
        handler=messages.get_exchanges,
        answers=(
            Answer(status=200, description="The exchanges.", type=answers.ExchangeList, example=examples.EXCHANGES),
        ),
    ),
    Operation(
        method="GET",
        path="/api/v1/messages/{id}/links",
        name="getMessageLinks",
        tag="Messages",
        summary="Read a message's tracked links",
        description="Where each tracked link leads, as what it went out, and how often it was followed.",
        scope="messages:read",
        handler=messages.get_links,
        answers=(Answer(status=200, description="The links.", type=answers.LinkList, example=examples.LINKS),),
    ),
    Operation(
        method="POST",
        path="/api/v1/messages/{id}/cancel",
        name="cancelMessage",
        tag="Messages",
        summary="Take a message back",
        description=(
            "Cancels a message of which nothing has been sent yet. Too late, it is a conflict, and the message goes on."
        ),
        scope="messages:send",
        handler=messages.cancel_message,
        errors=("conflict",),
        answers=(Answer(status=200, description="The message.", type=answers.MessageAnswer, example=examples.MESSAGE),),
    ),
)
