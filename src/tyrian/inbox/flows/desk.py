"""Flows as the rest of the gateway sees them: a reaction to what people send, and the desk where flows are kept."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from tyrian.domain.flow import Flow, Handover, Hook
from tyrian.domain.flow_check import check
from tyrian.domain.flow_file import Finding, FlowFile
from tyrian.domain.flow_ways import at_step
from tyrian.domain.limits import Capabilities
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.egress import judge_url
from tyrian.engine.flow_port import FlowShown, RunSearch, RunShown, VersionShown
from tyrian.engine.ports import Channel
from tyrian.engine.reacting import Turn
from tyrian.inbox.flows.book import Book
from tyrian.inbox.flows.engine import Engine
from tyrian.inbox.flows.records import Envelope
from tyrian.store import flow_runs, flows as store
from tyrian.store.flow_runs import StoredRun
from tyrian.store.flows import StoredFlow

#: Versions of a flow that are kept though nobody is on them.
KEPT_VERSIONS: Final = 50
#: How long the context of a deep link waits for its person to write.
CONTEXT_LASTS: Final = timedelta(hours=24)

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Flow).decode
_decode_run: Final = msgspec.json.Decoder(Envelope).decode


class Flows:
    """All flows of a node. Makes its loops when it is made, so it must be made in a running event loop."""

    def __init__(self, gateway: Any) -> None:
        self._gateway = gateway
        self._book = Book(gateway.db, gateway.clock)
        self._engine = Engine(gateway, self._book)
        #: The stage that looks for people's runs while their messages are being stored.
        self.ahead = self._engine.ahead
        self._tasks = [
            asyncio.create_task(self._book.run(), name="flows, book"),
            asyncio.create_task(self._engine.run(), name="flows, due"),
        ]

    async def close(self) -> None:
        """Ends the loops, and writes what is under way."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._engine.close()

    def refresh_soon(self) -> None:
        """Reads the flows again."""
        self._book.refresh_soon()

    @property
    def steps(self) -> int:
        """Steps that this node took."""
        return self._engine.steps

    @property
    def hooks(self) -> tuple[int, int, int]:
        """Hooks that this node called, and those of them that failed."""
        return self._engine.hooks

    # -- A reaction -----------------------------------------------------------------------------------------------

    def wants(self, channel: Channel) -> bool:
        """Whether the channel has flows."""
        return self._book.wants(channel)

    async def react(self, turn: Turn) -> bool:
        """Takes the step that a message leads to."""
        return await self._engine.react(turn)

    async def opened(self, channel_id: int, person: str, context: str) -> None:
        """Notes by which deep link a person opened a chat."""
        await flow_runs.opened(self._gateway.db, channel_id, person, context[:255], self._gateway.clock.now())

    async def taken_over(self, channel: Channel, person: str) -> None:
        """Ends a person's run, because an agent speaks with them now."""
        await self._engine.taken_over(channel, person)

    # -- Publishing -----------------------------------------------------------------------------------------------

    async def check(self, account_id: int, file: FlowFile, channels: Sequence[str]) -> Sequence[Finding]:
        """Everything that keeps a flow from being published to these channels."""
        if file.flow is None:
            return file.located(file.problems)
        flow = file.flow
        known, found = self._capabilities(account_id, channels)
        found += await asyncio.to_thread(check, flow, known if channels else None)
        found += self._judged(flow)
        found += await self._handovers(account_id, flow, channels)
        return file.located(found)

    async def publish(
        self, account_id: int, file: FlowFile, source: str | None, channels: Sequence[str] | None
    ) -> FlowShown:
        """Makes a flow, or its next version."""
        names = list(dict.fromkeys(channels)) if channels is not None else await self._present(account_id, file.flow)
        found = await self.check(account_id, file, names)
        if found:
            raise Refused([Problem(f.pointer, _with_line(f), f.code) for f in found])
        assert file.flow is not None
        ids = [entry.channel.id for name in names if (entry := self._gateway.channels.get(account_id, name))]
        flow, now = file.flow, self._gateway.clock.now()
        async with self._gateway.db.transaction() as connection:
            new_id = self._gateway.ids.new(now)
            flow_id, version = await store.publish(connection, new_id, account_id, flow.name, ids, now)
            await store.put(connection, flow_id, version, _encode(flow), source, now)
            await flow_runs.end_all(connection, flow_id, "flow_removed", now, ids)
        await self._book.refresh()
        shown = await self.get(account_id, flow.name, version)
        assert shown is not None
        return shown

    async def _present(self, account_id: int, flow: Flow | None) -> list[str]:
        """The channels that a flow is on."""
        shown = await self.get(account_id, flow.name) if flow is not None else None
        return shown.channels if shown is not None else []

    def _capabilities(self, account_id: int, channels: Sequence[str]) -> tuple[dict[str, Capabilities], list[Problem]]:
        known: dict[str, Capabilities] = {}
        found: list[Problem] = []
        for n, name in enumerate(channels):
            entry = self._gateway.channels.get(account_id, name)
            if entry is None:
                found.append(
                    Problem(f"/channels/{n}", f'names no channel of this account: "{name}"', "unknown_channel")
                )
            elif entry.group is not None or not entry.capabilities.inbound:
                found.append(Problem(f"/channels/{n}", f'is "{name}", on which people cannot answer', "no_inbound"))
            else:
                known[name] = entry.capabilities
        return known, found

    def _judged(self, flow: Flow) -> list[Problem]:
        """Hooks that lead where the gateway may not call."""
        allow = tuple(self._gateway.settings.allow_private_callbacks)
        hooks = [(i, step) for i, step in flow.steps.items() if isinstance(step, Hook)]
        judged = [(f"{at_step(i)}/url", judge_url(step.url, allow)) for i, step in hooks]
        return [Problem(at, reason) for at, reason in judged if reason]

    async def _handovers(self, account_id: int, flow: Flow, channels: Sequence[str]) -> list[Problem]:
        """Queues and agents that are not there."""
        inbox, found = self._gateway.inbox, []
        for identifier, step in flow.steps.items():
            if not isinstance(step, Handover) or inbox is None:
                continue
            if step.queue is None and step.agent is None and (without := self._without_queue(account_id, channels)):
                message = f"is required, or agent: the inbox of {without} has no queue"
                found.append(Problem(f"{at_step(identifier)}/queue", message, "required"))
            if step.queue is not None and await inbox.queue(account_id, step.queue) is None:
                found.append(Problem(f"{at_step(identifier)}/queue", f'names no queue of the inbox: "{step.queue}"'))
            if step.agent is not None and await inbox.agent(account_id, step.agent) is None:
                found.append(Problem(f"{at_step(identifier)}/agent", f'names no agent of the inbox: "{step.agent}"'))
        return found

    def _without_queue(self, account_id: int, channels: Sequence[str]) -> str | None:
        """The first of these channels whose inbox has no queue of its own."""
        for name in channels:
            entry = self._gateway.channels.get(account_id, name)
            inbox = self._gateway.inbox.channel_inbox(entry.channel.id) if entry is not None else None
            if inbox is None or inbox.queue_id is None:
                return name
        return None

    # -- Keeping --------------------------------------------------------------------------------------------------

    async def list(self, account_id: int) -> Sequence[FlowShown]:
        """The account's flows."""
        return [self._shown(stored) for stored in await store.listed(self._gateway.db, account_id)]

    async def get(self, account_id: int, name: str, version: int | None = None) -> FlowShown | None:
        """One flow in one version."""
        stored = await store.one(self._gateway.db, account_id, name, version)
        return self._shown(stored) if stored is not None else None

    async def versions(self, account_id: int, name: str) -> Sequence[VersionShown]:
        """A flow's versions."""
        rows = await store.versions(self._gateway.db, account_id, name)
        return [VersionShown(**dict(row)) for row in rows]

    async def set_active(self, account_id: int, name: str, active: bool) -> bool:
        """Pauses or resumes a flow."""
        done = await store.set_active(self._gateway.db, account_id, name, active, self._gateway.clock.now())
        await self._book.refresh()
        return done

    async def delete(self, account_id: int, name: str) -> bool:
        """Removes a flow."""
        async with self._gateway.db.transaction() as connection:
            flow_id = await store.delete(connection, account_id, name)
            if flow_id is not None:
                await flow_runs.end_all(connection, flow_id, "flow_removed", self._gateway.clock.now())
        await self._book.refresh()
        return flow_id is not None

    async def forget(self) -> None:
        """Clears what is past its time."""
        now = self._gateway.clock.now()
        kept = timedelta(days=self._gateway.settings.retention_days)
        await flow_runs.forget(self._gateway.db, now - kept, now - CONTEXT_LASTS)
        await store.forget(self._gateway.db, KEPT_VERSIONS)

    def _shown(self, stored: StoredFlow) -> FlowShown:
        entries = [self._gateway.channels.by_id(number) for number in stored.channels]
        return FlowShown(
            id=stored.id,
            name=stored.name,
            active=stored.active,
            version=stored.version,
            newest=stored.newest,
            channels=[entry.channel.name for entry in entries if entry is not None],
            flow=_decode(stored.flow),
            source=stored.source,
            created_at=stored.created_at,
            updated_at=stored.updated_at,
            published_at=stored.published_at,
        )

    # -- Runs -----------------------------------------------------------------------------------------------------

    async def runs(self, account_id: int, search: RunSearch) -> Sequence[RunShown]:
        """People's runs, newest first."""
        flow = await store.one(self._gateway.db, account_id, search.flow, None) if search.flow is not None else None
        entry = self._gateway.channels.get(account_id, search.channel) if search.channel is not None else None
        if (search.flow is not None and flow is None) or (search.channel is not None and entry is None):
            return []
        rows = await flow_runs.listed(
            self._gateway.db,
            account_id,
            search.before,
            flow=flow.id if flow is not None else None,
            channel=entry.channel.id if entry is not None else None,
            person=search.person,
            state=search.state,
            limit=search.limit,
        )
        return await self._runs_shown(account_id, rows)

    async def run(self, account_id: int, run_id: UUID) -> RunShown | None:
        """One run."""
        row = await flow_runs.one(self._gateway.db, account_id, run_id)
        return (await self._runs_shown(account_id, [row]))[0] if row is not None else None

    async def end_run(self, account_id: int, run_id: UUID) -> RunShown | None:
        """Takes a person out of a flow."""
        for _ in range(5):
            row = await flow_runs.one(self._gateway.db, account_id, run_id)
            if row is None or row.state == "ended" or await self._engine.end(row, "stopped"):
                break
        return await self.run(account_id, run_id)

    async def _runs_shown(self, account_id: int, rows: Sequence[StoredRun]) -> Sequence[RunShown]:
        names = {stored.id: stored.name for stored in await store.listed(self._gateway.db, account_id)}
        return [self._run_shown(row, names.get(row.flow_id)) for row in rows]

    def _run_shown(self, row: StoredRun, flow: str | None) -> RunShown:
        run, entry = _decode_run(row.data).run, self._gateway.channels.by_id(row.channel_id)
        return RunShown(
            id=row.id,
            flow=flow,
            version=row.version,
            channel=entry.channel.name if entry is not None else None,
            person=row.person,
            state=row.state,
            step=row.step,
            outcome=row.outcome,
            variables=run.variables,
            path=run.path,
            waits_until=run.until if row.state == "waiting" else None,
            started_at=row.started_at,
            updated_at=row.updated_at,
            ended_at=row.ended_at,
        )


def _with_line(finding: Finding) -> str:
    return finding.message if finding.line is None else f"{finding.message} (line {finding.line})"
