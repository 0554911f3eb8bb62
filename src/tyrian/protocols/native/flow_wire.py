"""What the operations on flows take and answer."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tyrian.domain.flow import Flow, FlowName
from tyrian.domain.flow_file import MOST_BYTES
from tyrian.protocols.native.answers import Next, Time
from tyrian.protocols.native.wire import Page

Source = Annotated[
    str, Meta(min_length=1, max_length=MOST_BYTES, description="A flow's file, in YAML. Either this or `flow`.")
]
FlowGiven = Annotated[Flow, Meta(description="The flow itself. Either this or `source`.")]
ChannelNames = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=64)]],
    Meta(max_length=50, description="The channels on which it answers; those that it is on already, if left out."),
]
RunState = Literal["waiting", "calling", "handed_over", "ended"]


class FlowRequest(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A flow, as a file or as an object, and where it is to answer."""

    source: Source | None = None
    flow: FlowGiven | None = None
    channels: ChannelNames | None = None


class FlowFinding(Struct, kw_only=True):
    """One thing wrong with a flow: where in it, and at which line of its file, if it came as one."""

    pointer: str
    message: str
    code: str
    line: int | None


class FlowCheckAnswer(Struct, kw_only=True):
    """Whether a flow could be published, and everything that keeps it from that."""

    ok: bool
    problems: list[FlowFinding]


class FlowSummary(Struct, kw_only=True):
    """A flow, as lists show it. New runs begin with the version `version`."""

    name: FlowName
    title: str | None
    active: bool
    version: int
    channels: list[str]
    steps: int
    published_at: Time
    created_at: Time


class FlowAnswer(FlowSummary, kw_only=True):
    """A flow in one of its versions. `source` is the file that it was published from, if it was one."""

    newest: int
    flow: Annotated[Any, Meta(description="The flow, as the schema of flows says.")]
    source: str | None


class FlowList(Struct, kw_only=True):
    """The account's flows, by name."""

    flows: list[FlowSummary]


class FlowVersion(Struct, kw_only=True):
    """One version of a flow, and how many people are on it now."""

    version: int
    published_at: Time
    people: int


class FlowVersionList(Struct, kw_only=True):
    """A flow's versions, newest first."""

    versions: list[FlowVersion]


class FlowStepPassed(Struct, kw_only=True):
    """One step of a path: when it was come to, and by what (`start`, `choice`, `answer`, `timeout`, `next`, ...)."""

    step: str
    at: Time
    by: str


class FlowRunSummary(Struct, kw_only=True):
    """One person's way through a flow, as lists show it. `flow` is `null` where the flow is gone."""

    id: UUID
    flow: str | None
    version: int
    channel: str | None
    person: str
    state: RunState
    step: str
    outcome: str | None
    started_at: Time
    updated_at: Time
    ended_at: Time | None


class FlowRunAnswer(FlowRunSummary, kw_only=True):
    """One person's way, with the steps so far (the last 50) and what is known by now."""

    variables: dict[str, str]
    path: list[FlowStepPassed]
    waits_until: Time | None


class FlowRunList(Struct, kw_only=True):
    """A page of runs, newest first."""

    runs: list[FlowRunSummary]
    next: Next


class FlowVersionParameter(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which version of a flow."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1, description="A version; the newest, if left out.")] | None = None


class FlowRunFilter(Page, kw_only=True, forbid_unknown_fields=True):
    """Which runs to list, newest first."""

    flow: Annotated[str, Meta(max_length=64, description="Only runs of this flow.")] | None = None
    channel: Annotated[str, Meta(max_length=64, description="Only runs on this channel.")] | None = None
    person: Annotated[str, Meta(max_length=64, description="Only runs of this person, by their address.")] | None = None
    state: Annotated[RunState, Meta(description="Only runs in this state.")] | None = None
