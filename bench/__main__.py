"""`python -m bench [SCENARIO ...]`: run scenarios, print the table, keep a record."""

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
from rich.console import Console

from bench import machine, report, world
from bench.figures import Figure
from bench.profiling import busiest
from bench.scenarios import SCENARIOS
from bench.world import Options, World

_RESULTS = Path(__file__).parent / "results"


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    about = "\n".join(f"  {name:10} {scenario.about}" for name, scenario in SCENARIOS.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        epilog=f"scenarios (all of them, if none is named):\n{about}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="what to measure")
    parser.add_argument("--quick", action="store_true", help="small sizes and short rounds: a minute and a half in all")
    parser.add_argument("--rounds", type=int, help="rounds per figure, of which the median counts (5; quick: 2)")
    parser.add_argument("--seconds", type=float, help="the length of a round (4; quick: 1)")
    parser.add_argument("--connections", type=int, default=64, help="connections of the load generator (64)")
    parser.add_argument(
        "--nodes", default="all", help="the gateway's processes, as roles and workers: api*2,dispatch (all)"
    )
    parser.add_argument(
        "--profile", type=Path, metavar="FOLDER", help="sample the gateway with py-spy into this folder"
    )
    parser.add_argument("--results", type=Path, default=_RESULTS, help="where the record goes (bench/results)")
    parser.add_argument("--no-record", action="store_true", help="keep no record")
    found = parser.parse_args(given)
    if unknown := [name for name in found.scenarios if name not in SCENARIOS]:
        parser.error(f"there is no scenario {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    return found


def options_of(given: argparse.Namespace) -> Options:
    """The options that the command line comes to."""
    rounds, seconds = (2, 1.0) if given.quick else (5, 4.0)
    return Options(
        quick=given.quick,
        rounds=given.rounds or rounds,
        seconds=given.seconds or seconds,
        connections=given.connections,
        nodes=given.nodes,
        profile=given.profile,
    )


async def run(names: list[str], options: Options, console: Console) -> report.Record:
    """Run scenarios one after the other. One that fails is reported and does not stop the others."""
    figures: list[Figure] = []
    failures: dict[str, str] = {}
    async with world.opened(options) as here:
        for name in names:
            console.print(f"{name}: {SCENARIOS[name].about} ...", highlight=False, style="dim")
            figures += await _one(name, here, failures)
        shown = {name: value for name, value in msgspec.structs.asdict(options).items() if name != "profile"}
        return report.Record(
            at=datetime.now(UTC),
            version=version("tyrian"),
            options=shown,
            machine=machine.facts(),
            postgres=await machine.postgres(here.server.url),
            figures=figures,
            failures=failures,
        )


async def _one(name: str, here: World, failures: dict[str, str]) -> list[Figure]:
    try:
        return await SCENARIOS[name].run(here)
    except (RuntimeError, AssertionError, OSError, TimeoutError) as error:
        failures[name] = f"{type(error).__name__}: {error}"
        return []


def main() -> int:
    """The command; 1 if a scenario failed. A figure that misses its aim fails nothing."""
    given = arguments()
    options = options_of(given)
    console = Console()
    record = asyncio.run(run(given.scenarios or list(SCENARIOS), options, console))
    report.show(console, record)
    if options.profile is not None:
        _show_profiles(console, options.profile)
    if not given.no_record and record.figures:
        page = report.keep(record, given.results, machine.slug() + ("-quick" if options.quick else ""))
        console.print(f"Recorded in {page}", highlight=False)
    return 1 if record.failures else 0


def _show_profiles(console: Console, folder: Path) -> None:
    for file in sorted(folder.glob("*.stacks.txt")):
        console.print(
            f"\n{file.name}: share of samples in the function itself, and with what it calls", highlight=False
        )
        for name, own, whole in busiest(file):
            console.print(f"  {100 * own:5.1f} %  {100 * whole:5.1f} %  {name}", highlight=False, markup=False)


if __name__ == "__main__":
    sys.exit(main())
