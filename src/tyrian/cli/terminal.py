"""How things look: colours for states, tables, times and counts. Colour and width follow the terminal, if it is one."""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from rich.console import Console, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

#: The width of a table that no terminal bounds.
_UNBOUNDED: Final = 1000

STYLES: Final = {
    "accepted": "bright_black",
    "scheduled": "bright_black",
    "sending": "cyan",
    "sent": "cyan",
    "delivered": "green",
    "seen": "bold green",
    "failed": "red",
    "expired": "red",
    "cancelled": "yellow",
    "uncertain": "magenta",
    "skipped": "bright_black",
    # Events beyond the states
    "retry": "yellow",
    "fallback": "yellow",
    "rerouted": "yellow",
    "late_receipt": "yellow",
    "clicked": "green",
    "callback_delivered": "green",
    "callback_failed": "yellow",
    "callback_parked": "red",
    # Conversations and agents
    "open": "cyan",
    "transferred": "yellow",
    "closed": "bright_black",
    "available": "green",
    "away": "yellow",
    "offline": "bright_black",
    # Bulks, channels and findings
    "running": "cyan",
    "paused": "yellow",
    "finished": "green",
    "active": "green",
    "failing": "bold red",
    "ok": "green",
    "note": "yellow",
    "wrong": "bold red",
}
#: The order in which states are told.
STATES: Final = (
    "accepted", "scheduled", "sending", "sent", "delivered", "seen", "failed", "expired", "cancelled",
)  # fmt: skip
OUTCOMES: Final = frozenset({"delivered", "seen", "failed", "expired", "cancelled"})
UNDELIVERED: Final = frozenset({"failed", "expired", "cancelled"})


def screen(*, stderr: bool = False) -> Console:
    """The terminal, or whatever stands in its place, without a limit to its width then."""
    plain: dict[str, Any] = {"stderr": stderr, "highlight": False, "markup": False, "emoji": False}
    console = Console(**plain)
    return console if console.is_terminal else Console(**plain, width=_UNBOUNDED)


def print_json(value: Any) -> None:
    """A value as JSON, one line each, in the order of its fields."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    numbers: Sequence[str] = (),
    single: Sequence[str] = (),
) -> Table:
    """A table without lines. States among the cells get their colours.

    `numbers` are columns set to the right; `single` are those that take one line and are cut where there is no room.
    """
    result = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        cut = heading in single
        justify: JustifyMethod = "right" if heading in numbers else "left"
        result.add_column(heading, justify=justify, no_wrap=cut, overflow="ellipsis" if cut else "fold")
    for row in rows:
        result.add_row(
            *(cell if isinstance(cell, Text) else Text(_plain(cell), STYLES.get(str(cell), "")) for cell in row)
        )
    return result


def indented(part: RenderableType) -> Padding:
    """Something a little to the right, below its heading."""
    return Padding(part, (0, 0, 0, 2), expand=False)


def _plain(cell: Any) -> str:
    if cell is None:
        return ""
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


def state(word: str, width: int = 0) -> Text:
    """A state or event in its colour."""
    return Text(f"{word:<{width}}", STYLES.get(word, ""))


def moment(at: str | datetime | None) -> str:
    """A time of the API for people: to the second, in UTC."""
    return "" if at is None else f"{instant(at):%Y-%m-%d %H:%M:%S} UTC"


def clock(at: str | datetime | None) -> str:
    """The time of day of a time, in UTC."""
    return "" if at is None else f"{instant(at):%H:%M:%S}"


def instant(at: str | datetime) -> datetime:
    """A time of the API as a time in UTC."""
    return (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(UTC)


def span(seconds: float) -> str:
    """A duration for people, in its two largest units: `20 ms`, `3.2 s`, `4 min 10 s`, `2 h 5 min`, `3 d 1 h`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = round(seconds)
    for unit, size, lesser, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit}" + (f" {rest} {lesser}" if rest else "")
    return f"{whole} s"


def rate(per_second: float) -> str:
    """A rate for people."""
    return f"{per_second:,.0f}/s" if per_second >= 10 else f"{per_second:.1f}/s"
