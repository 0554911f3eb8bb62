"""A message's timeline: what was tried, what happened and why, what was said to whom."""

from typing import Any, Final

from rich.console import Console
from rich.text import Text

from tyrian.cli.client import Api, segment
from tyrian.cli.terminal import STYLES, indented, instant, moment, print_json, screen, span, state, table
from tyrian.domain.reasons import REASONS

_EVENT_WIDTH: Final = 18
_CHANNEL_WIDTH: Final = 14


async def show(url: str, key: str | None, message_id: str, *, exchanges: bool, as_json: bool) -> None:
    """Prints everything that is known of a message."""
    path = f"/messages/{segment(message_id)}"
    async with Api(url, key) as api:
        message = await api.get(path)
        message["events"] = (await api.get(f"{path}/events"))["events"]
        message["callbacks"] = await _callbacks(api, message_id)
        if exchanges:
            message["exchanges"] = (await api.get(f"{path}/exchanges"))["exchanges"]
    if as_json:
        print_json(message)
        return
    console = screen()
    _head(console, message)
    _attempts(console, message)
    _history(console, message)
    if message["callbacks"]:
        _waiting(console, message["callbacks"])
    if exchanges:
        _exchanges(console, message)


async def _callbacks(api: Api, message_id: str) -> list[Any] | None:
    """Callbacks about the message that still wait; None where the key may not see them."""
    from tyrian.cli.client import Refusal

    try:
        return list((await api.get("/callbacks", message_id=message_id))["callbacks"])
    except Refusal as refusal:
        if refusal.kind == "forbidden":
            return None
        raise


def since(start: str, at: str) -> float:
    """Seconds from one time of the API to another."""
    return (instant(at) - instant(start)).total_seconds()


def offset(start: str, at: str | None) -> str:
    """How long after the start, for a column: `+0.012 s`, `+1 h 5 min`."""
    if at is None:
        return ""
    seconds = since(start, at)
    return f"+{seconds:.3f} s" if seconds < 100 else f"+{span(seconds)}"


def event_line(event: dict[str, Any], start: str) -> Text:
    """One line of history."""
    line = Text(f"  {offset(start, event['at']):>12}  ")
    line.append(state(event["type"], _EVENT_WIDTH))
    words = [event["reason"] or "", _detail(event)]
    line.append(f"  {event['channel'] or '':<{_CHANNEL_WIDTH}}  {'  '.join(word for word in words if word)}")
    line.rstrip()
    return line


def _detail(event: dict[str, Any]) -> str:
    """What else an event says, in few words. Numbers of the gateway's own say nothing to people."""
    detail = event["detail"]
    if not isinstance(detail, dict):
        return ""
    said = {name: value for name, value in detail.items() if name not in ("callback_id", "step")}
    return ", ".join(f"{name.replace('_', ' ')} {_worded(name, value)}" for name, value in said.items())


def _worded(name: str, value: Any) -> Any:
    return moment(value) if name.endswith("_at") and isinstance(value, str) else value


def _head(console: Console, message: dict[str, Any]) -> None:
    console.print(Text(f"Message {message['id']}", "bold"))
    rows: list[tuple[str, Any]] = [
        ("to", message["to"]),
        ("status", state(message["status"])),
        ("reason", _reason(message["reason"])),
        ("purpose", message["purpose"]),
        ("accepted", moment(message["accepted_at"])),
        ("changed", f"{span(since(message['accepted_at'], message['updated_at']))} later"),
        ("valid until", moment(message["valid_until"])),
        ("data", message["data"]),
        ("bulk", message["bulk_id"] if message["bulk_id"] != message["id"] else None),
    ]
    for name, value in rows:
        if value:
            console.print(Text.assemble((f"  {name:<13}", "bright_black"), value))


def _reason(word: str | None) -> str:
    return f"{word}: {REASONS.get(word, '')}".rstrip(": ") if word else ""


def _attempts(console: Console, message: dict[str, Any]) -> None:
    start = message["accepted_at"]
    rows = [
        (
            a["step"] + 1,
            a["channel"],
            a["status"],
            a["reason"],
            a["tries"],
            *(offset(start, a[f"{t}_at"]) for t in _TIMES),
        )
        for a in message["attempts"]
    ]
    _title(console, "Attempts")
    if not rows:
        console.print("  none yet")
        return
    console.print(indented(table(("step", "channel", "status", "reason", "tries", *_TIMES), rows)))
    for word in dict.fromkeys(a["reason"] for a in message["attempts"] if a["reason"]):
        console.print(Text(f"  {_reason(word)}", "bright_black"))


_TIMES: Final = ("sent", "delivered", "seen")


def _history(console: Console, message: dict[str, Any]) -> None:
    _title(console, "History")
    for event in message["events"]:
        console.print(event_line(event, message["accepted_at"]))


def _waiting(console: Console, callbacks: list[dict[str, Any]]) -> None:
    _title(console, "Callbacks that were not taken")
    rows = [
        (c["id"], c["type"], c["state"], c["reason"], c["tries"], moment(c["next_try_at"]), c["url"]) for c in callbacks
    ]
    headings = ("id", "report", "state", "reason", "tries", "next try", "url")
    console.print(indented(table(headings, rows)))


def _exchanges(console: Console, message: dict[str, Any]) -> None:
    _title(console, "Exchanges")
    if not message["exchanges"]:
        console.print("  none")
    for said in message["exchanges"]:
        took = f"{said['milliseconds']:.1f} ms" if said["milliseconds"] is not None else ""
        about = (said["channel"], said["url"], said["status"], took)
        heading = Text(f"  {offset(message['accepted_at'], said['at']):>12}  ")
        heading.append(state(said["event"]))
        heading.append("  " + "  ".join(str(word) for word in about if word))
        console.print(heading)
        _quote(console, ">", said["request"])
        _quote(console, "<", said["response"])
        if said["error"]:
            console.print(Text(f"      ! {said['error']}", STYLES["failed"]))


def _quote(console: Console, mark: str, text: str | None) -> None:
    for line in (text or "").splitlines():
        console.print(Text(f"      {mark} {line}", "bright_black"), soft_wrap=True)


def _title(console: Console, words: str) -> None:
    console.print()
    console.print(Text(words, "bold"))
