"""Live views: a bulk's counts until it is done, and the newest messages as they change.

The gateway is asked again and again; what it answers is drawn over the last view on a terminal, and told line by line
elsewhere.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from tyrian.cli.client import Api, segment
from tyrian.cli.terminal import OUTCOMES, STATES, clock, indented, instant, print_json, rate, screen, span, state, table

#: Seconds over which the rate of outcomes is taken.
_RECENT: Final = 10.0
#: Lines of a terminal that the table of messages leaves free.
_MARGIN: Final = 5
_BAR_WIDTH: Final = 40


# -- A bulk -----------------------------------------------------------------------------------------------------------


async def watch_bulk(url: str, key: str | None, bulk_id: str, *, interval: float, as_json: bool) -> bool:
    """Watches a bulk until each of its messages has an outcome. False if it was cancelled."""
    view = BulkView()
    async with Api(url, key) as api:
        with _shown(as_json=as_json) as shown:
            while True:
                bulk = await api.get(f"/bulks/{segment(bulk_id)}")
                view.take(bulk)
                shown.show(bulk, view.line(), view)
                if view.ended:
                    return bool(bulk["state"] != "cancelled")
                await asyncio.sleep(interval)


class BulkView:
    """A bulk as it stands, and how fast its messages come to their ends."""

    def __init__(self) -> None:
        self._bulk: dict[str, Any] = {}
        self._recent: deque[tuple[float, int]] = deque()
        self.outcomes = 0
        self.pace: float | None = None

    def take(self, bulk: dict[str, Any]) -> None:
        """A newer look at the bulk."""
        now = time.monotonic()
        self._bulk = bulk
        self.outcomes = sum(count for word, count in bulk["counts"].items() if word in OUTCOMES)
        self._recent.append((now, self.outcomes))
        while now - self._recent[0][0] > _RECENT and len(self._recent) > 2:
            self._recent.popleft()
        then, before = self._recent[0]
        self.pace = (self.outcomes - before) / (now - then) if now > then else None

    @property
    def ended(self) -> bool:
        """Nothing more will change of itself: every message has an outcome, and none can come."""
        closed = self._bulk["sealed"] or self._bulk["state"] == "cancelled"
        return bool(closed and self.outcomes >= self._bulk["total"])

    def line(self) -> str:
        """The whole in one line."""
        bulk = self._bulk
        counts = ", ".join(f"{word} {bulk['counts'][word]:,}" for word in STATES if bulk["counts"].get(word))
        words = [f"{bulk['state']}: {self.outcomes:,} of {bulk['total']:,} done", counts, self._forecast()]
        return "; ".join(word for word in words if word)

    def _forecast(self) -> str:
        words = [rate(self.pace)] if self.pace else []
        if self._bulk["done_by"] is not None:
            words.append(f"all begun by {clock(self._bulk['done_by'])} UTC")
        return ", ".join(words)

    def __rich__(self) -> Group:
        bulk = self._bulk
        head = Text.assemble((f"Bulk {bulk['id']}", "bold"), f"  {bulk['name'] or ''}  ", state(bulk["state"]))
        open_words = "" if bulk["sealed"] else "; more recipients may come"
        done = f"  {self.outcomes:,} of {bulk['total']:,} messages have an outcome{open_words}  {self._forecast()}"
        share = ProgressBar(total=max(bulk["total"], 1), completed=self.outcomes, width=_BAR_WIDTH)
        rows = [(word, bulk["counts"].get(word, 0), self._share(word)) for word in STATES if bulk["counts"].get(word)]
        counts = table(("status", "messages", "share"), rows, numbers=("messages", "share"))
        return Group(head, indented(share), Text(done), Text(), indented(counts))

    def _share(self, word: str) -> str:
        return f"{100 * self._bulk['counts'][word] / max(self._bulk['total'], 1):.1f} %"


# -- All messages -----------------------------------------------------------------------------------------------------


async def watch_all(url: str, key: str | None, *, last: int, interval: float, as_json: bool) -> None:
    """Watches the newest messages until it is interrupted: that is how one stops watching, and no failure."""
    with suppress(asyncio.CancelledError):
        async with Api(url, key) as api:
            with _shown(as_json=as_json) as shown:
                await _watch(api, shown, last, interval)


async def _watch(api: Api, shown: "_Shown", last: int, interval: float) -> None:
    known: dict[str, tuple[str, str | None]] | None = None
    while True:
        messages = (await api.get("/messages", limit=last))["messages"]
        now = {m["id"]: (m["status"], m["reason"]) for m in messages}
        # What stood there at the beginning is told only once it changes.
        changed = [m for m in reversed(messages) if known is not None and known.get(m["id"]) != now[m["id"]]]
        shown.show_all(messages, changed)
        known = now
        await asyncio.sleep(interval)


def _message_line(message: dict[str, Any]) -> Text:
    took = (instant(message["updated_at"]) - instant(message["accepted_at"])).total_seconds()
    line = Text(f"{clock(message['updated_at'])}  {message['id']}  {message['to']:<16}  ")
    line.append(state(message["status"], 10))
    line.append(f"  {message['channel'] or '':<14}  after {span(took):<10}  {message['reason'] or ''}")
    line.rstrip()
    return line


def _messages_view(messages: list[dict[str, Any]], room: int) -> Group:
    counts = [(word, sum(m["status"] == word for m in messages)) for word in STATES]
    head = Text(f"The newest {len(messages):,} messages: ", "bold")
    for word, count in counts:
        if count:
            head.append_text(Text.assemble(state(word), f" {count:,}   "))
    rows = [
        (clock(m["accepted_at"]), m["to"], m["status"], m["channel"], m["reason"], m["id"]) for m in messages[:room]
    ]
    headings = ("accepted", "to", "status", "channel", "reason", "id")
    return Group(head, Text(), table(headings, rows, single=headings))


# -- Showing ----------------------------------------------------------------------------------------------------------


class _Shown:
    """Where views go: over the last one on a terminal, as lines elsewhere, as JSON if that is wanted."""

    def __init__(self, *, as_json: bool) -> None:
        self.console = screen()
        self.live = Live(console=self.console, auto_refresh=False) if self.console.is_terminal and not as_json else None
        self._as_json = as_json
        self._last: Any = None

    def show(self, value: dict[str, Any], line: str, view: BulkView) -> None:
        """A bulk as it stands."""
        standing = (value["state"], value["total"], value["counts"])
        if self.live is not None:
            self.live.update(view, refresh=True)
        elif standing != self._last:
            self._last = standing
            if self._as_json:
                print_json(value)
            else:
                self.console.print(f"{time.strftime('%H:%M:%S', time.gmtime())}  {line}")

    def show_all(self, messages: list[dict[str, Any]], changed: list[dict[str, Any]]) -> None:
        """The newest messages, and those among them that changed since the last look."""
        if self.live is not None:
            self.live.update(_messages_view(messages, max(self.console.height - _MARGIN, 1)), refresh=True)
            return
        for message in changed:
            if self._as_json:
                print_json(message)
            else:
                self.console.print(_message_line(message))


@contextmanager
def _shown(*, as_json: bool) -> Iterator[_Shown]:
    shown = _Shown(as_json=as_json)
    if shown.live is None:
        yield shown
    else:
        with shown.live:
            yield shown
