"""Writes the tables of `docs/reference` that list what the code can say: statuses, events, reasons, metrics.

`python scripts/reference_tables.py` makes each table anew between its page's markers.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from tyrian.domain.events import EVENTS, STATUSES
from tyrian.domain.reasons import REASONS
from tyrian.engine.metrics import METRICS

REFERENCE: Final = Path(__file__).parents[1] / "docs" / "reference"
PAGES: Final = ("metrics.md", "reasons.md")
_BLOCK: Final = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _table(title: str, rows: Mapping[str, str]) -> str:
    return "\n".join([f"| {title} | what it means |", "|---|---|", *_lines(rows)])


def _lines(rows: Mapping[str, str]) -> Iterable[str]:
    return (f"| `{word}` | {sentence.replace('|', chr(92) + '|')} |" for word, sentence in rows.items())


TABLES: Final[Mapping[str, Callable[[], str]]] = {
    "statuses": lambda: _table("status", STATUSES),
    "events": lambda: _table("event", EVENTS),
    "reasons": lambda: _table("reason", REASONS),
    "metrics": lambda: _table("metric", METRICS),
}


def filled(page: str) -> str:
    """A page with each of its tables made anew."""
    return _BLOCK.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}", page)


def write() -> None:
    """Makes the tables of all pages anew."""
    for name in PAGES:
        path = REFERENCE / name
        path.write_text(filled(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    write()
