"""The operations on bulks."""

from typing import Final

from tyrian.protocols.native import answers, bulks, examples, partial, wire
from tyrian.protocols.native.operation import JSON, Answer, Operation

_BULK: Final = Answer(status=200, description="The bulk as it stands.", type=answers.BulkAnswer, example=examples.BULK)

BULKS: Final = (
    Operation(
        method="GET",
        path="/api/v1/bulks",
        name="listBulks",
        tag="Bulks",
        summary="List bulks",
        description="Bulks, newest first.",
        scope="bulks:manage",
        handler=bulks.list_bulks,
        query=wire.BulkFilter,
        answers=(Answer(status=200, description="A page.", type=answers.BulkList, example=examples.BULKS),),
    ),
    Operation(
        method="POST",
        path="/api/v1/bulks",
        name="createBulk",
        tag="Bulks",
        summary="Open a bulk",
        description=(
            "Opens a bulk that takes recipients until it is sealed: the way to send to any number of people. What "
            "is added goes out at once, at the bulk's schedule."
        ),
        scope="messages:send",
        handler=bulks.create_bulk,
        body=wire.BulkRequest,
        further=partial.problems,
        examples=examples.BULK_REQUEST,
        answers=(Answer(status=201, description="The bulk.", type=answers.BulkAnswer, example=examples.BULK),),
    ),
    Operation(
        method="GET",
        path="/api/v1/bulks/{id}",
        name="getBulk",
        tag="Bulks",
        summary="Read a bulk",
        description=(
            "How many messages are in which status, how fast the bulk goes, and when it will be done under its "
            "window, its speed limit and its channel's rate."
        ),
        scope="bulks:manage",
        handler=bulks.get_bulk,
        identifies="bulk",
        answers=(_BULK,),
    ),
    Operation(
        method="PATCH",
        path="/api/v1/bulks/{id}",
        name="rescheduleBulk",
        tag="Bulks",
        summary="Reschedule a bulk",
        description="Gives what has not begun another schedule; `null` takes the schedule away.",
        scope="bulks:manage",
        handler=bulks.reschedule,
        body=wire.RescheduleRequest,
        examples=examples.RESCHEDULE,
        errors=("conflict",),
        identifies="bulk",
        answers=(_BULK,),
    ),
    Operation(
        method="POST",
        path="/api/v1/bulks/{id}/messages",
        name="addToBulk",
        tag="Bulks",
        summary="Add recipients to a bulk",
        description=(
            "Adds recipients to an open bulk, as JSON or as NDJSON (one recipient to a line; `offset` then goes "
            "into the URL). All of a request is taken, or nothing. With `offset`, an upload that was interrupted "
            "is simply repeated: recipients that the bulk has already are passed over."
        ),
        scope="messages:send",
        handler=bulks.append,
        query=wire.AppendParameters,
        body=wire.AppendRequest,
        read=bulks.read_append,
        media=(JSON, bulks.NDJSON),
        examples=examples.APPEND,
        errors=("conflict",),
        identifies="bulk",
        answers=(
            Answer(
                status=200,
                description="Stored. `total` is the next upload's offset.",
                type=answers.AppendedAnswer,
                example={"bulk_id": examples.BULK["id"], "total": 2},
            ),
        ),
    ),
    *(
        Operation(
            method="POST",
            path=f"/api/v1/bulks/{{id}}/{word}",
            name=f"{word}Bulk",
            tag="Bulks",
            summary=summary,
            description=description,
            scope=scope,
            handler=handler,
            errors=("conflict",),
            identifies="bulk",
            answers=(_BULK,),
        )
        for word, summary, description, scope, handler in (
            (
                "seal",
                "Seal a bulk",
                "Says that no more recipients will come, so that the bulk can finish.",
                "messages:send",
                bulks.seal,
            ),
            (
                "pause",
                "Pause a bulk",
                "Holds everything that has not begun. What is with a network already goes its way.",
                "bulks:manage",
                bulks.pause,
            ),
            ("resume", "Resume a bulk", "Goes on after a pause.", "bulks:manage", bulks.resume),
            (
                "cancel",
                "Cancel a bulk",
                "Takes back everything that has not begun. This cannot be undone.",
                "bulks:manage",
                bulks.cancel,
            ),
        )
    ),
    Operation(
        method="POST",
        path="/api/v1/bulks/{id}/retry",
        name="retryBulk",
        tag="Bulks",
        summary="Retry what failed",
        description="Sends the bulk's failed and expired messages once more, as a new bulk, at once.",
        scope="bulks:manage",
        handler=bulks.retry,
        errors=("conflict",),
        identifies="bulk",
        answers=(
            Answer(
                status=202,
                description="The new bulk, and how many messages it has.",
                type=answers.RetriedAnswer,
                example={"bulk_id": examples.BULK["id"], "messages": 50},
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/api/v1/bulks/{id}/outcomes.csv",
        name="getBulkOutcomes",
        tag="Bulks",
        summary="Download a bulk's outcomes",
        description="One line for each message, with what became of it, as CSV (RFC 4180) with a heading.",
        scope="messages:read",
        handler=bulks.outcomes,
        identifies="bulk",
        answers=(
            Answer(status=200, description="The outcomes.", type=str, example=examples.OUTCOMES, media="text/csv"),
        ),
    ),
)
