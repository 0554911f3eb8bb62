"""What flows are to faces, who reach them as `gateway.flows`: publishing, reading, and the runs of people.

Mistakes in a flow are `Refused`, with JSON pointers into it. What is not there, or not the account's, is None or False.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol as Port
from uuid import UUID

from msgspec import Struct

from tyrian.domain.flow import Flow
from tyrian.domain.flow_file import Finding, FlowFile
from tyrian.domain.flow_run import Passed


class FlowShown(Struct, kw_only=True):
    """A flow in one of its versions. `newest` is the version that new runs begin with."""

    id: UUID
    name: str
    active: bool
    version: int
    newest: int
    channels: list[str]
    flow: Flow
    source: str | None
    created_at: datetime
    updated_at: datetime
    published_at: datetime


class VersionShown(Struct, kw_only=True):
    """One version; `people` are those who are on it now."""

    version: int
    published_at: datetime
    people: int
    has_source: bool


class RunShown(Struct, kw_only=True):
    """One person's run. `state` is `waiting`, `calling`, `handed_over` or `ended`; `path` the steps so far."""

    id: UUID
    flow: str | None
    version: int
    channel: str | None
    person: str
    state: str
    step: str
    outcome: str | None
    variables: dict[str, str]
    path: list[Passed]
    waits_until: datetime | None
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None


class RunSearch(Struct, kw_only=True):
    """Which runs to list, newest first, from below an id."""

    flow: str | None = None
    channel: str | None = None
    person: str | None = None
    state: str | None = None
    before: UUID | None = None
    limit: int = 100


class Flows(Port):
    """The flows of all accounts."""

    async def check(self, account_id: int, file: FlowFile, channels: Sequence[str]) -> Sequence[Finding]:
        """Everything that keeps a flow from being published to these channels."""
        ...

    async def publish(
        self, account_id: int, file: FlowFile, source: str | None, channels: Sequence[str] | None
    ) -> FlowShown:
        """Makes a flow, or its next version, which new runs begin with from now on.

        Without `channels` it stays on those that it is on. People who are under way stay on their version; those on a
        channel that it is taken from are taken out of it. Raises `Refused`.
        """
        ...

    async def list(self, account_id: int) -> Sequence[FlowShown]:
        """The account's flows, by name."""
        ...

    async def get(self, account_id: int, name: str, version: int | None = None) -> FlowShown | None:
        """A flow in its newest version, or in another."""
        ...

    async def versions(self, account_id: int, name: str) -> Sequence[VersionShown]:
        """A flow's versions, newest first; none if there is no such flow."""
        ...

    async def set_active(self, account_id: int, name: str, active: bool) -> bool:
        """Pauses a flow or resumes it. In a paused one nobody begins; those under way go on."""
        ...

    async def delete(self, account_id: int, name: str) -> bool:
        """Removes a flow, and takes everybody out of it."""
        ...

    async def runs(self, account_id: int, search: RunSearch) -> Sequence[RunShown]:
        """People's runs, newest first."""
        ...

    async def run(self, account_id: int, run_id: UUID) -> RunShown | None:
        """One run."""
        ...

    async def end_run(self, account_id: int, run_id: UUID) -> RunShown | None:
        """Takes a person out of a flow. One that is over stays as it is."""
        ...

    async def opened(self, channel_id: int, person: str, context: str) -> None:
        """Notes by which deep link a person opened a chat; a flow may begin by it once they write."""
        ...

    @property
    def steps(self) -> int:
        """Steps that this node took."""
        ...

    @property
    def hooks(self) -> tuple[int, int, int]:
        """Hooks that this node called, those of them that failed, and those under way."""
        ...

    def refresh_soon(self) -> None:
        """Reads the flows again, because a node changed one."""
        ...

    async def forget(self) -> None:
        """Clears runs that ended long ago, and versions that nobody is on."""
        ...

    async def close(self) -> None:
        """Ends what was started."""
        ...
