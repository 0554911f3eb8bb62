"""Sending a message, and staying with it until it has an outcome."""

import asyncio
import time
from typing import Any, Final
from uuid import uuid4

from rich.console import Console
from rich.text import Text

from tyrian.cli.client import Api, segment
from tyrian.cli.failures import Failure
from tyrian.cli.plans import Wanted, plan_of
from tyrian.cli.terminal import OUTCOMES, UNDELIVERED, print_json, screen, span, state
from tyrian.cli.timeline import event_line, since

#: Seconds between two looks: at first often, for those who watch, then less so.
_QUICK: Final = 0.15
_SLOW: Final = 1.0


async def send_one(
    url: str,
    key: str | None,
    to: str,
    wanted: Wanted,
    idempotency_key: str | None,
    *,
    wait: bool,
    patience: float | None,
    as_json: bool,
) -> bool:
    """Sends a message. False only if it was waited for and was not delivered."""
    async with Api(url, key) as api:
        body = {"to": to, **await plan_of(wanted, api)}
        # The key makes a repeat harmless, after an answer that was lost on the way.
        headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
        accepted = await api.post("/messages", body, headers=headers)
        if not wait:
            _tell(accepted, as_json=as_json)
            return True
        message = await _follow(api, accepted, None if as_json else screen(), patience)
        if as_json:
            print_json(message)
        return message["status"] not in UNDELIVERED


def _tell(accepted: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(accepted)
    else:
        screen().print(Text.assemble(state(accepted["status"]), f"  {accepted['id']}  to {accepted['to']}"))


async def _follow(
    api: Api, accepted: dict[str, Any], console: Console | None, patience: float | None
) -> dict[str, Any]:
    """The message once it has an outcome; each event is printed as it is seen."""
    path = f"/messages/{segment(accepted['id'])}"
    if console:
        console.print(f"Message {accepted['id']} to {accepted['to']}")
    started, told = time.monotonic(), 0
    while True:
        message = await api.get(path)
        if console:
            told = await _tell_events(api, path, message, console, told)
        if message["status"] in OUTCOMES:
            if console:
                console.print(_ending(message))
            return dict(message)
        waited = time.monotonic() - started
        if patience is not None and waited > patience:
            said = f"After {span(waited)} the message is still {message['status']}; look again with"
            raise Failure(f"{said} `tyrian message {message['id']}`.")
        await asyncio.sleep(_QUICK if waited < 10 else _SLOW)


async def _tell_events(api: Api, path: str, message: dict[str, Any], console: Console, told: int) -> int:
    events = (await api.get(f"{path}/events"))["events"]
    for event in events[told:]:
        console.print(event_line(event, message["accepted_at"]))
    return len(events)


def _ending(message: dict[str, Any]) -> Text:
    took = since(message["accepted_at"], message["updated_at"])
    via = f" on {message['channel']}" if message["channel"] and message["status"] not in UNDELIVERED else ""
    why = f" ({message['reason']})" if message["reason"] else ""
    return Text.assemble("Outcome: ", state(message["status"]), f"{via}{why} after {span(took)}")
