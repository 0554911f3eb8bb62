"""The operations on callbacks, inbound messages and capabilities."""

from typing import Final

from tyrian.protocols.native import answers, callbacks, capabilities, examples, inbound, wire
from tyrian.protocols.native.operation import Answer, Operation

OTHERS: Final = (
    Operation(
        method="GET",
        path="/api/v1/callbacks",
        name="listCallbacks",
        tag="Callbacks",
        summary="List callbacks that failed",
        description=(
            "Callbacks that your endpoint has refused at least once, newest first: those still tried, and those parked."
        ),
        scope="callbacks:manage",
        handler=callbacks.list_callbacks,
        query=wire.CallbackFilter,
        answers=(Answer(status=200, description="A page.", type=answers.CallbackList, example=examples.CALLBACKS),),
    ),
    Operation(
        method="POST",
        path="/api/v1/callbacks/{id}/redeliver",
        name="redeliverCallback",
        tag="Callbacks",
        summary="Bring a callback again",
        description="Brings one callback that failed again, now.",
        scope="callbacks:manage",
        handler=callbacks.redeliver,
        identifies="callback",
        answers=(
            Answer(
                status=202,
                description="It will be tried now.",
                type=answers.RedeliveredAnswer,
                example={"callbacks": 1},
            ),
        ),
    ),
    Operation(
        method="POST",
        path="/api/v1/callbacks/redeliver",
        name="redeliverCallbacks",
        tag="Callbacks",
        summary="Bring all parked callbacks again",
        description="Brings every parked callback again, now; with `since`, those made at that time or later.",
        scope="callbacks:manage",
        handler=callbacks.redeliver_parked,
        body=wire.RedeliverRequest,
        examples=examples.REDELIVER,
        answers=(
            Answer(
                status=202,
                description="How many will be tried now.",
                type=answers.RedeliveredAnswer,
                example={"callbacks": 12},
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/api/v1/inbound",
        name="listInbound",
        tag="Inbound",
        summary="List inbound messages",
        description="What people sent to your channels, newest first.",
        scope="inbound:read",
        handler=inbound.list_inbound,
        query=wire.InboundFilter,
        answers=(Answer(status=200, description="A page.", type=answers.InboundList, example=examples.INBOUND),),
    ),
    Operation(
        method="GET",
        path="/api/v1/inbound/{id}",
        name="getInbound",
        tag="Inbound",
        summary="Read an inbound message",
        description=(
            "One message of a person, with the newest link to its file: the network's own, or the gateway's once the "
            "file is hosted."
        ),
        scope="inbound:read",
        handler=inbound.get_inbound,
        identifies="inbound message",
        answers=(
            Answer(
                status=200,
                description="The message.",
                type=answers.InboundAnswer,
                example=examples.HEARD,
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/api/v1/capabilities",
        name="listCapabilities",
        tag="Capabilities",
        summary="What the channels can carry",
        description=(
            "For each channel: its content types, the bounds of their fields, what each purpose allows, and where "
            "that is written."
        ),
        scope="channels:read",
        handler=capabilities.list_capabilities,
        answers=(
            Answer(
                status=200,
                description="The channels.",
                type=answers.CapabilitiesList,
                example={"channels": [examples.CAPABILITIES]},
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/api/v1/capabilities/{id}",
        name="getCapabilities",
        tag="Capabilities",
        summary="What one channel can carry",
        description="The same for one channel, by its name.",
        scope="channels:read",
        handler=capabilities.get_capabilities,
        identifies="channel",
        answers=(
            Answer(
                status=200, description="The channel.", type=answers.CapabilitiesAnswer, example=examples.CAPABILITIES
            ),
        ),
    ),
)
