"""Every operation of the face, as one table."""

from typing import Any, Final

from tyrian.protocols.telesign import account, examples, messages, wire
from tyrian.protocols.telesign.errors import Envelope
from tyrian.protocols.telesign.operation import Operation
from tyrian.protocols.telesign.settings import Settings

_SEND: Final = "messages:send"
_READ: Final = "messages:read"
_MANAGE: Final = "channels:manage"
_CALLBACKS: Final = "callbacks:manage"

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        method="POST",
        path="/v1/omnichannel",
        name="sendMessage",
        tag="Messaging",
        summary="Send a message over one or several channels",
        description=(
            "Channels are tried in their order: the next one when the one before failed, or has not delivered within "
            "its `fallback_time`. What is wrong with one channel (an unknown template, a missing parameter, a number "
            "that is none) is no error of the request but that channel's result, told in `channel_status`."
        ),
        handler=messages.send,
        scope=_SEND,
        envelope=Envelope.SEND,
        read=messages.read_send,
        body=wire.SendRequest,
        examples=examples.REQUESTS,
        answer=wire.SendAnswer,
        example=examples.ACCEPTED,
        errors=(400, 413),
    ),
    Operation(
        method="GET",
        path="/v1/omnichannel/templates",
        name="listTemplates",
        tag="Templates",
        summary="List the account's own templates",
        handler=account.list_templates,
        scope=_READ,
        answer=list[account.StoredTemplate],
        example=[examples.STORED_TEMPLATE],
        errors=(),
    ),
    Operation(
        method="POST",
        path="/v1/omnichannel/templates",
        name="createTemplate",
        tag="Templates",
        summary="Create a template for SMS or WhatsApp",
        handler=account.create_template,
        scope=_MANAGE,
        read=account.read_object,
        body=account.Template,
        examples={"sms": examples.TEMPLATE},
        answer=account.Done,
        example=examples.DONE,
        errors=(400, 413),
    ),
    Operation(
        method="GET",
        path="/v1/omnichannel/templates/{channel}/{name}",
        name="readTemplate",
        tag="Templates",
        summary="Read a template",
        handler=account.read_template,
        scope=_READ,
        answer=account.StoredTemplate,
        example=examples.STORED_TEMPLATE,
        errors=(404,),
    ),
    Operation(
        method="DELETE",
        path="/v1/omnichannel/templates/{channel}/{name}",
        name="deleteTemplate",
        tag="Templates",
        summary="Delete a template",
        handler=account.delete_template,
        scope=_MANAGE,
        answer=account.Done,
        example=examples.DONE,
        errors=(404,),
    ),
    Operation(
        method="GET",
        path="/v1/omnichannel/settings",
        name="readSettings",
        tag="Settings",
        summary="Read where callbacks go",
        description="Tyrian's own: Telesign's customers see this in its portal.",
        handler=account.read_settings,
        scope=_READ,
        answer=Settings,
        example=examples.SETTINGS,
        errors=(),
    ),
    Operation(
        method="PUT",
        path="/v1/omnichannel/settings",
        name="changeSettings",
        tag="Settings",
        summary="Say where callbacks go",
        description="Tyrian's own: Telesign's customers set this in its portal. What is left out is unset.",
        handler=account.change_settings,
        scope=_CALLBACKS,
        read=account.read_object,
        body=Settings,
        examples={"both": examples.SETTINGS},
        answer=Settings,
        example=examples.SETTINGS,
        errors=(400, 413),
    ),
    Operation(
        method="GET",
        path="/v1/omnichannel/{reference_id}",
        name="readStatus",
        tag="Messaging",
        summary="Read what became of a message",
        description=f"For {int(messages.KEPT.total_seconds() // 3600)} hours after the message ended.",
        handler=messages.status,
        scope=_READ,
        query={"verify_code": "The code that the person entered, for a message with an auto-generated one."},
        answer=wire.Transaction,
        example=examples.TRANSACTION,
        errors=(400, 404),
    ),
    *(
        Operation(
            method="GET",
            path=path,
            name=name,
            tag="Capability",
            summary="Ask for a number's RCS capability: not enabled on a gateway",
            handler=account.capability,
            scope=_READ,
            answer=None,
            example=None,
            errors=(),
        )
        for path, name in (
            ("/capability/{channel}/{phone_number}", "readCapability"),
            ("/capability/{channel}/{phone_number}/{agent_id}", "readAgentCapability"),
        )
    ),
)


def by_path() -> dict[str, dict[str, Operation]]:
    """The operations of each path; fixed paths come before those with parameters."""
    found: dict[str, dict[str, Any]] = {}
    for operation in sorted(OPERATIONS, key=lambda o: o.path.count("{")):
        found.setdefault(operation.path, {})[operation.method] = operation
    return found
