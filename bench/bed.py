"""A test bed: a subject, its upstream and the load on it, with everything that is counted meanwhile."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from msgspec import Struct, convert

from bench import child, generator, subjects, upstream
from bench.board import Board, Count, Shared
from bench.histogram import Histogram
from bench.orders import Maker
from bench.processes import Meter
from bench.profiling import Profiles
from bench.subjects import GATEWAY, Subject
from bench.world import CAPACITY, MODEL, Options, World, free_port

#: Seconds that messages under way may take to arrive once the load has ended.
_DRAIN_SECONDS = 60.0
_STEP = 0.02
#: A round counts as undisturbed if all others on the machine used less than this.
_QUIET_CORES = 0.1
#: How many times as many rounds as wanted are run, at most, in search of undisturbed ones.
PATIENCE = 3


class Rounds(Struct, kw_only=True):
    """Events per second in each round, and the CPU that each group of processes used, in cores."""

    rates: list[float]
    cpu: dict[str, float]
    #: CPU seconds of subject and database for each event.
    cost: float
    #: The numbers of the first request issued in each round, and of the first one after it.
    spans: list[tuple[int, int]]
    #: Rounds that did not count, because somebody else used the machine.
    dropped: int = 0

    @property
    def median(self) -> float:
        """The median rate."""
        return statistics.median(self.rates)


class _Round(Struct, kw_only=True):
    """So many events in so many seconds, with the CPU seconds of each group."""

    events: int
    seconds: float
    span: tuple[int, int]
    spent: dict[str, float]

    @property
    def disturbance(self) -> float:
        """The cores that others took away meanwhile."""
        return (self.spent["other"] + self.spent["stolen"]) / self.seconds


def _wanting(found: list[_Round], options: Options) -> bool:
    """Whether there are too few rounds in which nobody else used the machine, and patience for more."""
    undisturbed = sum(one.disturbance < _QUIET_CORES for one in found)
    tries = options.rounds if options.quick else options.rounds * PATIENCE
    return undisturbed < options.rounds and len(found) < tries


def _summary(rounds: list[_Round], dropped: int) -> Rounds:
    seconds, events = sum(one.seconds for one in rounds), max(sum(one.events for one in rounds), 1)
    spent = {name: sum(one.spent[name] for one in rounds) for name in rounds[0].spent}
    return Rounds(
        rates=[one.events / one.seconds for one in rounds],
        cpu={name: value / seconds for name, value in spent.items()},
        cost=(spent["subject"] + spent["postgres"]) / events,
        spans=[one.span for one in rounds],
        dropped=dropped,
    )


class Load:
    """A generator at work."""

    def __init__(self, running: child.Child, histogram: Histogram | None = None) -> None:
        self._running = running
        self.latency = histogram or Histogram()

    @property
    def pid(self) -> int:
        """The generator's process id."""
        return self._running.pid

    async def finish(self, *, stop: bool = True) -> generator.Result:
        """Tell it to stop (or wait until it has sent all), and hear how it went. Raises if anything was refused."""
        said = await (self._running.stop() if stop else self._running.done())
        result = convert(said, generator.Result)
        self.latency = Histogram.load(result.latency)
        if result.refused or result.lost:
            raise RuntimeError(
                f"{result.refused} requests were refused, {result.lost} lost; the first: {result.example}"
            )
        return result


class Bed:
    """Subject and upstream, ready for load."""

    def __init__(
        self, world: World, subject: Subject, board: Board, arrivals: Shared, provider: child.Child, provider_port: int
    ) -> None:
        self.world = world
        self.subject = subject
        self.board = board
        self.arrivals = arrivals
        self.provider = provider
        self.customer = f"http://127.0.0.1:{provider_port}{upstream.CUSTOMER_PATH}"
        self._first = 0

    @asynccontextmanager
    async def load(self, maker: Maker, **more: Any) -> AsyncIterator[Load]:
        """Load on the subject until the block ends; `more` goes into the generator's specification."""
        given: dict[str, Any] = {"connections": self.world.options.connections, "first": self._first, **more}
        spec = generator.Spec(port=self.subject.port, board=str(self.board.path), maker=maker, **given)
        async with child.started("bench.generator", spec) as running:
            yield Load(running)
        self._first = self.board.values[Count.ISSUED]

    async def rounds(self, counted: Count, load: Load, *, warm: float = 1.5, profile: str | None = None) -> Rounds:
        """Let the load run on for a while, then count round by round until enough of them were undisturbed."""
        options = self.world.options
        await asyncio.sleep(warm)
        found: list[_Round] = []
        async with Profiles(options.profile if self.subject.kind == GATEWAY else None, profile, self.subject.roots):
            while _wanting(found, options):
                found.append(await self._round(counted, load, options.seconds))
        return _summary(sorted(found, key=lambda one: one.disturbance)[: options.rounds], len(found) - options.rounds)

    async def _round(self, counted: Count, load: Load, seconds: float) -> "_Round":
        values = self.board.values
        meter, began, before, first = self._meter(load), time.monotonic(), values[counted], values[Count.ISSUED]
        await asyncio.sleep(seconds)
        return _Round(
            events=values[counted] - before,
            seconds=time.monotonic() - began,
            span=(first, values[Count.ISSUED]),
            spent=meter.read(),
        )

    async def drained(self, counted: Count, target: int) -> None:
        """Wait until a counter has come to `target`. Raises if it does not: something was lost."""
        ends = time.monotonic() + _DRAIN_SECONDS
        while self.board.values[counted] < target:
            if time.monotonic() > ends:
                state = ", ".join(f"{name.name.lower()} {value}" for name, value in self.board.snapshot().items())
                raise RuntimeError(f"{counted.name} stayed below {target}: {state}")
            await asyncio.sleep(_STEP)

    def _meter(self, load: Load) -> Meter:
        groups = {"postgres": self.world.server.pid, "generator": load.pid, "upstream": self.provider.pid}
        return Meter({"subject": self.subject.roots, **{name: [pid] for name, pid in groups.items()}})


@asynccontextmanager
async def made(
    world: World, kind: str, *, nodes: str | None = None, send: bool = True, receipts: bool = False, call: bool = False
) -> AsyncIterator[Bed]:
    """A bed with a gateway, or with the limit.

    `send`: messages go on to the upstream (a gateway's roles decide for it); `receipts`: the upstream sends receipts;
    `call`: receipts are reported to the customer.
    """
    port, provider_port = free_port(), free_port()
    async with AsyncExitStack() as stack:
        if kind == GATEWAY:
            opening = subjects.gateway(world, port, provider_port, nodes or world.options.nodes)
        else:
            opening = subjects.limit(world, port, provider_port if send else None, call=call)
        subject = await stack.enter_async_context(opening)
        board, arrivals = world.board(), world.times("arrivals")
        spec = upstream.Spec(
            board=str(board.path),
            arrivals=str(arrivals.path),
            size=CAPACITY,
            model=MODEL,
            port=provider_port,
            hook_port=port if receipts else None,
            hook_path=subject.hook_path,
        )
        provider = await stack.enter_async_context(child.started("bench.upstream", spec))
        yield Bed(world, subject, board, arrivals, provider, provider_port)
