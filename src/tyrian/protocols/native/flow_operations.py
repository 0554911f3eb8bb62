"""The rows of the API's table of operations for flows and their runs."""

from typing import Any, Final

from tyrian.protocols.native import flow_wire as wire, flows
from tyrian.protocols.native.operation import Answer, Operation

# -- Examples: the bodies are real, and the tests send each of them ---------------------------------------------------

_AT: Final = "2026-03-01T09:30:00.000Z"
_SOURCE: Final = """\
name: opening-hours
start: which
triggers:
  - {on: words, words: [hours, open]}
steps:
  which:
    do: say
    text: "Which shop?"
    choices:
      - {text: "Zagreb", to: zagreb}
      - {text: "Split", to: split}
  zagreb: {do: end, text: "Zagreb is open from 8 to 20."}
  split: {do: end, text: "Split is open from 9 to 21."}
"""
_FLOW: Final[dict[str, Any]] = {
    "name": "greeting",
    "start": "hello",
    "triggers": [{"on": "default"}],
    "steps": {"hello": {"do": "end", "text": "Hello {{name}}! We will write back soon."}},
}
REQUESTS: Final[dict[str, Any]] = {
    "a flow as a file": {"source": _SOURCE, "channels": ["demo-bot"]},
    "a flow as an object": {"flow": _FLOW, "channels": []},
}
SUMMARY: Final[dict[str, Any]] = {
    "name": "greeting",
    "title": None,
    "active": True,
    "version": 3,
    "channels": ["demo-bot"],
    "steps": 1,
    "published_at": _AT,
    "created_at": _AT,
}
FLOW: Final[dict[str, Any]] = {**SUMMARY, "newest": 3, "flow": _FLOW, "source": None}
FINDING: Final[dict[str, Any]] = {
    "pointer": "/steps/which/choices/0/to",
    "message": 'leads to "zagrb", and there is no such step',
    "code": "unknown_step",
    "line": 10,
}
RUN_SUMMARY: Final[dict[str, Any]] = {
    "id": "01980f5e-6c00-7000-8000-3f2a9b1c4d5e",
    "flow": "opening-hours",
    "version": 1,
    "channel": "demo-bot",
    "person": "385991234501",
    "state": "waiting",
    "step": "which",
    "outcome": None,
    "started_at": _AT,
    "updated_at": _AT,
    "ended_at": None,
}
RUN: Final[dict[str, Any]] = {
    **RUN_SUMMARY,
    "variables": {"name": "Ana", "input": "hours"},
    "path": [{"step": "which", "at": _AT, "by": "start"}],
    "waits_until": "2026-03-02T09:30:00.000Z",
}

_A_FLOW: Final = Answer(status=200, description="The flow.", type=wire.FlowAnswer, example=FLOW)
_A_RUN: Final = Answer(status=200, description="The run.", type=wire.FlowRunAnswer, example=RUN)
_READ: Final = "flows:read"
_MANAGE: Final = "flows:manage"


def _operation(method: str, path: str, name: str, **more: Any) -> Operation:
    return Operation(method=method, path=f"/api/v1/{path}", name=name, tag="Flows", **more)


FLOWS: Final = (
    _operation(
        "GET",
        "flows",
        "listFlows",
        summary="List flows",
        description="The account's flows in their newest versions, by name.",
        scope=_READ,
        handler=flows.list_flows,
        answers=(Answer(status=200, description="The flows.", type=wire.FlowList, example={"flows": [SUMMARY]}),),
    ),
    _operation(
        "POST",
        "flows",
        "publishFlow",
        summary="Publish a flow",
        description=(
            "Makes a flow, or the next version of the one of that name. New runs begin with it at once; people who are "
            "under way stay on the version that they began with. A flow with any problem is refused."
        ),
        scope=_MANAGE,
        handler=flows.publish,
        body=wire.FlowRequest,
        examples=REQUESTS,
        answers=(
            Answer(status=201, description="The new flow.", type=wire.FlowAnswer, example={**FLOW, "version": 1}),
            Answer(status=200, description="The flow's new version.", type=wire.FlowAnswer, example=FLOW),
        ),
    ),
    _operation(
        "POST",
        "flows/check",
        "checkFlow",
        summary="Check a flow",
        description="Says everything that keeps a flow from being published to these channels; changes nothing.",
        scope=_READ,
        handler=flows.check,
        body=wire.FlowRequest,
        examples=REQUESTS,
        answers=(
            Answer(
                status=200,
                description="What was found.",
                type=wire.FlowCheckAnswer,
                example={"ok": False, "problems": [FINDING]},
            ),
        ),
    ),
    _operation(
        "GET",
        "flows/schema",
        "getFlowSchema",
        summary="Read the schema of flows",
        description="The JSON schema of a flow's file; editors complete and check YAML by it.",
        scope=_READ,
        handler=flows.schema,
        answers=(
            Answer(status=200, description="The schema.", type=dict[str, Any], example={"title": "A flow of Tyrian"}),
        ),
    ),
    _operation(
        "GET",
        "flows/{id}",
        "getFlow",
        summary="Read a flow",
        description="One flow in its newest version, or with `version` in another.",
        scope=_READ,
        handler=flows.get_flow,
        query=wire.FlowVersionParameter,
        identifies="flow",
        answers=(_A_FLOW,),
    ),
    _operation(
        "GET",
        "flows/{id}/drawing",
        "drawFlow",
        summary="Draw a flow",
        description="A picture of the flow, as SVG.",
        scope=_READ,
        handler=flows.drawing,
        query=wire.FlowVersionParameter,
        identifies="flow",
        answers=(Answer(status=200, description="The picture.", type=str, example="<svg></svg>", media=flows.SVG),),
    ),
    _operation(
        "GET",
        "flows/{id}/versions",
        "listFlowVersions",
        summary="List a flow's versions",
        description="The versions of a flow, newest first, each with the number of people who are on it.",
        scope=_READ,
        handler=flows.versions,
        identifies="flow",
        answers=(
            Answer(
                status=200,
                description="The versions.",
                type=wire.FlowVersionList,
                example={"versions": [{"version": 3, "published_at": _AT, "people": 12}]},
            ),
        ),
    ),
    _operation(
        "POST",
        "flows/{id}/pause",
        "pauseFlow",
        summary="Pause a flow",
        description="Takes nobody new into the flow. Those under way go on.",
        scope=_MANAGE,
        handler=flows.pause,
        identifies="flow",
        answers=(_A_FLOW,),
    ),
    _operation(
        "POST",
        "flows/{id}/resume",
        "resumeFlow",
        summary="Resume a flow",
        description="Lets a paused flow take people in again.",
        scope=_MANAGE,
        handler=flows.resume,
        identifies="flow",
        answers=(_A_FLOW,),
    ),
    _operation(
        "DELETE",
        "flows/{id}",
        "removeFlow",
        summary="Remove a flow",
        description="Removes a flow with all its versions. Those under way hear nothing more of it.",
        scope=_MANAGE,
        handler=flows.delete,
        identifies="flow",
        answers=(Answer(status=204, description="Removed."),),
    ),
    _operation(
        "GET",
        "flow-runs",
        "listFlowRuns",
        summary="List runs",
        description="Where people stand in flows, and how they came out of them; newest first.",
        scope=_READ,
        handler=flows.list_runs,
        query=wire.FlowRunFilter,
        answers=(
            Answer(
                status=200, description="A page.", type=wire.FlowRunList, example={"runs": [RUN_SUMMARY], "next": None}
            ),
        ),
    ),
    _operation(
        "GET",
        "flow-runs/{id}",
        "getFlowRun",
        summary="Read a run",
        description="One person's way through a flow: the steps so far, and what is known of them by now.",
        scope=_READ,
        handler=flows.get_run,
        identifies="flow run",
        answers=(_A_RUN,),
    ),
    _operation(
        "POST",
        "flow-runs/{id}/end",
        "endFlowRun",
        summary="End a run",
        description="Takes a person out of a flow. Nothing is said to them. A run that is over stays as it is.",
        scope=_MANAGE,
        handler=flows.end_run,
        identifies="flow run",
        answers=(_A_RUN,),
    ),
)
