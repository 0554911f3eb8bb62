"""What a run found: a table for people, a record in JSON for programs, and the same in Markdown."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from bench.figures import Figure

_COLUMNS: Final = ("scenario", "figure", "gateway", "limit", "of limit", "aim", "")
_MARKS: Final = {True: "met", False: "missed", None: ""}
_STYLES: Final = {True: "green", False: "bold red", None: ""}


class Record(msgspec.Struct, kw_only=True):
    """One run. `options` is how it was measured, `machine` and `postgres` what on."""

    at: datetime
    version: str
    options: dict[str, Any]
    machine: dict[str, Any]
    postgres: dict[str, str]
    figures: list[Figure]
    failures: dict[str, str] = msgspec.field(default_factory=dict)


def number(value: float | None, unit: str = "") -> str:
    """A value with three digits that count, or all that stand before the point."""
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}".replace(",", " ")
    return f"{text} {unit}".strip() if not unit.startswith("/") else text + unit


def rows(figures: list[Figure]) -> list[tuple[str, ...]]:
    """The cells of the table, a row for each figure."""
    return [
        (
            figure.scenario,
            figure.name,
            number(figure.value, figure.unit),
            number(figure.limit, figure.unit),
            f"{100 * figure.share:.0f} %" if figure.share is not None else "",
            number(figure.aim, figure.unit),
            _MARKS[figure.met],
        )
        for figure in figures
    ]


def show(console: Console, record: Record) -> None:
    """Print the table, where the time went, and what failed."""
    table = Table(title="Tyrian, beside the same calls with no gateway between")
    for column in _COLUMNS:
        table.add_column(column, justify="right" if column in _COLUMNS[2:6] else "left")
    for figure, cells in zip(record.figures, rows(record.figures), strict=True):
        table.add_row(*cells, style=_STYLES[figure.met] if figure.met is False else "")
    console.print(table)
    for line in details(record.figures):
        console.print(line, highlight=False)
    for scenario, what in record.failures.items():
        console.print(f"{scenario} failed: {what}", style="bold red", markup=False)


def details(figures: list[Figure]) -> list[str]:
    """For each figure its notes, and the cores that each group of processes kept busy."""
    lines = []
    for figure in figures:
        busy = [f"{who}: {_cores(cpu)}" for who, cpu in (("gateway", figure.cpu), ("limit", figure.limit_cpu)) if cpu]
        lines.append(f"{figure.scenario}, {figure.name}: " + "; ".join([*figure.notes, *busy]))
    return [line for line in lines if not line.endswith(": ")]


def _cores(cpu: dict[str, float]) -> str:
    parts = [f"{name if name != 'subject' else 'itself'} {cores:.2f}" for name, cores in cpu.items() if cores >= 0.005]
    return "cores " + ", ".join(parts)


def markdown(record: Record) -> str:
    """The record as a page."""
    lines = [f"# Benchmark of {record.at:%-d %B %Y}", ""]
    lines += ["| " + " | ".join(_COLUMNS) + " |", "|---|---|---:|---:|---:|---:|---|"]
    lines += ["| " + " | ".join(cells) + " |" for cells in rows(record.figures)]
    lines += ["", "## Where the time goes", "", *(f"* {line}" for line in details(record.figures))]
    if record.failures:
        lines += ["", "## What failed", "", *(f"* {name}: {what}" for name, what in record.failures.items())]
    facts = {"Tyrian": record.version, **record.machine, **{f"PostgreSQL {k}": v for k, v in record.postgres.items()}}
    lines += ["", "## Measured on", "", *(f"* {name.replace('_', ' ')}: {value}" for name, value in facts.items())]
    lines += [f"* {name}: {value}" for name, value in record.options.items()]
    return "\n".join(lines) + "\n"


def keep(record: Record, folder: Path, name: str) -> Path:
    """Write `<date>-<name>.json` and `.md`, with a number behind if there are such already; the Markdown's path."""
    folder.mkdir(parents=True, exist_ok=True)
    stem, number_ = f"{record.at:%Y-%m-%d}-{name}", 1
    while (folder / f"{stem}.json").exists():
        number_ += 1
        stem = f"{record.at:%Y-%m-%d}-{name}-{number_}"
    (folder / f"{stem}.json").write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
    page = folder / f"{stem}.md"
    page.write_text(markdown(record))
    return page
