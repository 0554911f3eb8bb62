"""From the options of `send` and `bulk` to the body that the API takes.

Only what the command line itself means is read here (the form of `--speed`, a file after `@`); whether a channel can
carry a content is the gateway's to say, and it says it with every problem at once.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from tyrian.cli.client import Api
from tyrian.cli.failures import Exit, Failure

_SPEED: Final = re.compile(r"([1-9][0-9]{0,8})\s*/\s*(minute|hour|day)")
_WINDOW: Final = re.compile(r"([0-9]{2}:[0-9]{2})\s*-\s*([0-9]{2}:[0-9]{2})")


@dataclass(slots=True, kw_only=True)
class Wanted:
    """What the options say about a message or a bulk, as they were typed."""

    text: str | None = None
    channel: str | None = None
    fallback: Sequence[str] | None = None
    fallback_time: int | None = None
    fallback_text: str | None = None
    content: str | None = None
    cascade: str | None = None
    purpose: str | None = None
    callback_url: str | None = None
    callback_data: str | None = None
    send_at: str | None = None
    speed: str | None = None
    window: str | None = None
    days: str | None = None
    time_zone: str | None = None
    validity: int | None = None


async def plan_of(wanted: Wanted, api: Api) -> dict[str, Any]:
    """The body of a request, all but its recipients. Asks the gateway for its channels where none is named."""
    plan = {
        "cascade": await _cascade(wanted, api),
        "purpose": wanted.purpose,
        "validity": wanted.validity,
        "callback": _without_nones({"url": wanted.callback_url, "data": wanted.callback_data}),
        "schedule": _schedule(wanted),
    }
    if wanted.callback_data is not None and wanted.callback_url is None:
        raise _usage("--callback-data needs --callback-url: it goes back with each report.")
    return _without_nones(plan)


# -- The cascade ------------------------------------------------------------------------------------------------------


async def _cascade(wanted: Wanted, api: Api) -> list[Any]:
    if wanted.cascade is not None:
        others = (wanted.text, wanted.content, wanted.channel, wanted.fallback, wanted.fallback_text)
        if any(others):
            raise _usage("--cascade says everything: leave out the text, --content, --channel and --fallback.")
        cascade = _json("--cascade", wanted.cascade)
        if not isinstance(cascade, list):
            raise _usage("--cascade must be a JSON array of steps, each with its channel and content.")
        return cascade
    content = content_of(wanted)
    channels = [wanted.channel or await _only_channel(api), *(wanted.fallback or ())]
    if len(channels) == 1 and (wanted.fallback_time is not None or wanted.fallback_text is not None):
        raise _usage("--fallback-time and --fallback-text need a --fallback: there is no channel to fall back to.")
    later = content if wanted.fallback_text is None else {"type": "text", "text": wanted.fallback_text}
    steps = [{"channel": name, "content": later if number else content} for number, name in enumerate(channels)]
    for step in steps[:-1] if wanted.fallback_time is not None else ():
        step["fallback_time"] = wanted.fallback_time
    return steps


def content_of(wanted: Wanted) -> Any:
    """The content that a text or `--content` says. Raises `Failure`."""
    if wanted.content is not None:
        if wanted.text:
            raise _usage("Give a text or --content, not both.")
        return _json("--content", wanted.content)
    if not wanted.text:
        raise _usage("There is nothing to send: give a text, --content or --cascade.")
    return {"type": "text", "text": wanted.text}


async def _only_channel(api: Api) -> str:
    names = [c["name"] for c in (await api.get("/channels"))["channels"] if c["active"]]
    if len(names) == 1:
        return str(names[0])
    if not names:
        raise _usage("This account has no channel yet; make one with `tyrian channels add`.")
    raise _usage(f"Say with --channel which channel to send on; there are {', '.join(names)}.")


def _json(option: str, given: str) -> Any:
    """JSON from the command line, or from the file after an `@`."""
    try:
        return msgspec.json.decode(Path(given[1:]).read_bytes() if given.startswith("@") else given.encode())
    except OSError as error:
        raise _usage(f"{option}: {given[1:]} cannot be read: {error.strerror}.") from error
    except (msgspec.DecodeError, UnicodeError) as error:
        where = f"the file {given[1:]}" if given.startswith("@") else "what was given"
        raise _usage(f"{option}: {where} is not JSON: {error}.") from error


# -- The schedule -----------------------------------------------------------------------------------------------------


def _schedule(wanted: Wanted) -> dict[str, Any]:
    if wanted.window is None and (wanted.days or wanted.time_zone):
        raise _usage("--days and --time-zone go with --window.")
    return _without_nones({"send_at": wanted.send_at, "speed_limit": _speed(wanted), "window": _window(wanted)})


def _speed(wanted: Wanted) -> dict[str, Any] | None:
    if wanted.speed is None:
        return None
    match = _SPEED.fullmatch(wanted.speed.strip())
    if match is None:
        raise _usage(f'--speed must be like 100/minute, 6000/hour or 50000/day, not "{wanted.speed}".')
    return {"messages": int(match[1]), "per": match[2]}


def _window(wanted: Wanted) -> dict[str, Any] | None:
    if wanted.window is None:
        return None
    match = _WINDOW.fullmatch(wanted.window.strip())
    if match is None:
        raise _usage(f'--window must be like 09:00-20:00, not "{wanted.window}".')
    days = [day.strip().lower() for day in wanted.days.split(",")] if wanted.days else None
    return _without_nones({"from": match[1], "to": match[2], "days": days, "time_zone": wanted.time_zone})


def _without_nones(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, {})}


def _usage(sentence: str) -> Failure:
    return Failure(sentence, code=Exit.USAGE)
