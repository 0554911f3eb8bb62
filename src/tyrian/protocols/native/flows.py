"""What the operations on flows do."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from tyrian.domain.flow import Flow
from tyrian.domain.flow_drawing import draw
from tyrian.domain.flow_file import FlowFile, read
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.flow_port import Flows, FlowShown, RunSearch, RunShown
from tyrian.protocols.native import flow_wire as wire
from tyrian.protocols.native.errors import ApiError, not_found
from tyrian.protocols.native.operation import Call, Reply
from tyrian.protocols.native.pages import cursor_of, uuid_before
from tyrian.protocols.native.times import stamp

#: What a flow can be called (`domain.flow.FlowName`).
_NAME: Final = re.compile("[a-z0-9][a-z0-9_-]{0,63}")

_RUN = "flow run"
SVG = "image/svg+xml"


async def list_flows(call: Call) -> Reply:
    """The account's flows."""
    return Reply(wire.FlowList(flows=[_summary(shown) for shown in await _flows(call).list(call.account_id)]))


async def publish(call: Call) -> Reply:
    """Makes a flow or its next version."""
    body: wire.FlowRequest = call.body
    at, file = await _file(body)
    try:
        shown = await _flows(call).publish(call.account_id, file, body.source, body.channels)
    except Refused as refused:
        raise Refused([p._replace(pointer=_within(at, p.pointer)) for p in refused.problems]) from None
    return Reply(_answer(shown), status=201 if shown.version == 1 else 200)


async def check(call: Call) -> Reply:
    """Says what is wrong with a flow."""
    body: wire.FlowRequest = call.body
    _, file = await _file(body)
    found = await _flows(call).check(call.account_id, file, body.channels or ())
    problems = [wire.FlowFinding(pointer=f.pointer, message=f.message, code=f.code, line=f.line) for f in found]
    return Reply(wire.FlowCheckAnswer(ok=not problems, problems=problems))


async def schema(call: Call) -> Reply:
    """The JSON schema of a flow."""
    return Reply(flow_schema())


async def get_flow(call: Call) -> Reply:
    """One flow."""
    return Reply(_answer(await _one(call)))


async def drawing(call: Call) -> Reply:
    """A picture of a flow."""
    shown = await _one(call)
    picture = await asyncio.to_thread(draw, shown.flow)
    return Reply(stream=_once(picture.encode()), content_type=SVG)


async def versions(call: Call) -> Reply:
    """A flow's versions."""
    found = await _flows(call).versions(call.account_id, _name(call))
    if not found:
        raise _unknown(call)
    rows = [wire.FlowVersion(version=v.version, published_at=stamp(v.published_at), people=v.people) for v in found]
    return Reply(wire.FlowVersionList(versions=rows))


async def pause(call: Call) -> Reply:
    """Takes nobody new in."""
    return await _set_active(call, active=False)


async def resume(call: Call) -> Reply:
    """Takes people in again."""
    return await _set_active(call, active=True)


async def delete(call: Call) -> Reply:
    """Removes a flow."""
    if not await _flows(call).delete(call.account_id, _name(call)):
        raise _unknown(call)
    return Reply(status=204)


async def list_runs(call: Call) -> Reply:
    """A page of people's runs."""
    query: wire.FlowRunFilter = call.query
    search = RunSearch(
        flow=query.flow,
        channel=query.channel,
        person=query.person.removeprefix("+") if query.person is not None else None,
        state=query.state,
        before=uuid_before(query.cursor),
        limit=query.limit + 1,
    )
    found = await _flows(call).runs(call.account_id, search)
    more = found[query.limit - 1].id if len(found) > query.limit else None
    return Reply(wire.FlowRunList(runs=[_run_summary(run) for run in found[: query.limit]], next=cursor_of(more)))


async def get_run(call: Call) -> Reply:
    """One run."""
    return _run_reply(call, await _flows(call).run(call.account_id, call.id(_RUN)))


async def end_run(call: Call) -> Reply:
    """Takes a person out of a flow."""
    return _run_reply(call, await _flows(call).end_run(call.account_id, call.id(_RUN)))


# -- Parts ------------------------------------------------------------------------------------------------------------


def flow_schema() -> dict[str, Any]:
    """The JSON schema of a flow's file."""
    made = msgspec.json.schema(Flow)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A flow of Tyrian", **made}


def _flows(call: Call) -> Flows:
    flows: Flows | None = call.gateway.flows
    if flows is None:
        raise ApiError("unavailable", "This node leads nobody through flows.")
    return flows


async def _file(body: wire.FlowRequest) -> tuple[str, FlowFile]:
    """The flow of a request, and the name of the field that it came in."""
    if (body.source is None) == (body.flow is None):
        raise Refused([Problem("", "must have either source or flow")])
    if body.flow is not None:
        return "/flow", FlowFile(body.flow, [], {})
    return "/source", await asyncio.to_thread(read, body.source or "")


def _within(at: str, pointer: str) -> str:
    """Where in the body a problem of the flow is. Inside a file there are lines, which the message has."""
    if pointer.startswith("/channels"):
        return pointer
    return f"{at}{pointer}"


async def _one(call: Call) -> FlowShown:
    shown = await _flows(call).get(call.account_id, _name(call), call.query.version)
    if shown is None:
        raise _unknown(call)
    return shown


async def _set_active(call: Call, *, active: bool) -> Reply:
    if not await _flows(call).set_active(call.account_id, _name(call), active):
        raise _unknown(call)
    shown = await _flows(call).get(call.account_id, _name(call))
    if shown is None:
        raise _unknown(call)
    return Reply(_answer(shown))


def _name(call: Call) -> str:
    """The flow's name in the path. What cannot be one is that of no flow."""
    name: str = call.path["id"]
    if _NAME.fullmatch(name) is None:
        raise _unknown(call)
    return name


def _unknown(call: Call) -> ApiError:
    return not_found(f'There is no flow named "{call.path["id"][:64]}", or it has no such version.')


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _fields(shown: FlowShown) -> dict[str, Any]:
    return {
        "name": shown.name,
        "title": shown.flow.title,
        "active": shown.active,
        "version": shown.version,
        "channels": shown.channels,
        "steps": len(shown.flow.steps),
        "published_at": stamp(shown.published_at),
        "created_at": stamp(shown.created_at),
    }


def _summary(shown: FlowShown) -> wire.FlowSummary:
    return wire.FlowSummary(**_fields(shown))


def _answer(shown: FlowShown) -> wire.FlowAnswer:
    return wire.FlowAnswer(**_fields(shown), newest=shown.newest, flow=shown.flow, source=shown.source)


def _run_fields(run: RunShown) -> dict[str, Any]:
    return {
        "id": run.id,
        "flow": run.flow,
        "version": run.version,
        "channel": run.channel,
        "person": run.person,
        "state": run.state,
        "step": run.step,
        "outcome": run.outcome,
        "started_at": stamp(run.started_at),
        "updated_at": stamp(run.updated_at),
        "ended_at": stamp(run.ended_at) if run.ended_at is not None else None,
    }


def _run_summary(run: RunShown) -> wire.FlowRunSummary:
    return wire.FlowRunSummary(**_run_fields(run))


def _run_reply(call: Call, run: RunShown | None) -> Reply:
    if run is None:
        raise not_found(f'There is no {_RUN} with the id "{call.path["id"][:64]}".')
    path = [wire.FlowStepPassed(step=passed.step, at=stamp(passed.at), by=passed.by) for passed in run.path]
    until = stamp(run.waits_until) if run.waits_until is not None else None
    return Reply(wire.FlowRunAnswer(**_run_fields(run), variables=run.variables, path=path, waits_until=until))
