"""Whether a plan may be accepted: the checks that every face makes before it hands anything to intake.

All problems are found at once, each at its JSON pointer in the native spelling; a face whose dialect spells fields
otherwise passes the pointer of the place that a step came from.
"""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tyrian.domain import limits
from tyrian.domain.links import is_web_url, tracked
from tyrian.domain.problem import Problem
from tyrian.domain.purpose import Purpose
from tyrian.domain.schedule import Schedule
from tyrian.domain.submission import MAX_VALIDITY, Callback, Plan, Step
from tyrian.engine.channels import ChannelEntry, Channels
from tyrian.engine.egress import judge_url

#: A start this little in the past is taken as now: clocks differ, and requests take their time.
PAST_TOLERANCE = timedelta(seconds=60)
#: The furthest that a start may lie ahead.
MOST_AHEAD = timedelta(days=366)
MAX_STEPS = 10


def check_plan(
    channels: Channels, account_id: int, plan: Plan, at: str = "", *, now: datetime, allow_private: Any = None
) -> list[Problem]:
    """Every reason why this plan cannot be accepted; empty if it can."""
    found: list[Problem] = []
    if not plan.cascade:
        found.append(Problem(f"{at}/cascade", "must have at least one step", "too_short"))
    if len(plan.cascade) > MAX_STEPS:
        found.append(Problem(f"{at}/cascade", f"must have at most {MAX_STEPS} steps", "too_long"))
    for number, step in enumerate(plan.cascade):
        found += check_step(channels, account_id, step, plan.purpose, f"{at}/cascade/{number}")
        if plan.track_links is not False:
            found += check_links(channels, account_id, step, plan.track_links, f"{at}/cascade/{number}/content")
    if not 30 <= plan.validity <= MAX_VALIDITY:
        found.append(Problem(f"{at}/validity", f"must be from 30 to {MAX_VALIDITY} seconds"))
    if plan.schedule is not None:
        found += check_schedule(plan.schedule, now, f"{at}/schedule")
    if plan.callback is not None:
        found += check_callback(plan.callback, f"{at}/callback", allow_private)
    return found


def check_step(channels: Channels, account_id: int, step: Step, purpose: Purpose, at: str) -> list[Problem]:
    """What is wrong with one step: its channel, what it says there, and whom it says it to."""
    entry = channels.get(account_id, step.channel)
    if entry is None:
        return [unknown_channel(channels, account_id, step.channel, at)]
    found = limits.check(step.content, purpose, entry.capabilities, f"{at}/content")
    if step.to is not None:
        found += check_address(entry, step.to, f"{at}/to")
    return found


def check_links(channels: Channels, account_id: int, step: Step, asked: bool | None, at: str) -> list[Problem]:
    """Link buttons that are to be tracked and lead to no web page. `asked` is what the message says of tracking."""
    entry = channels.get(account_id, step.channel)
    usual = entry is not None and entry.channel.track_links
    if not (asked or usual):
        return []
    return [
        Problem(f"{at}{pointer}/url", "must be an http:// or https:// URL with a host, to be tracked")
        for _, pointer, button in tracked(step.content, asked, usual)
        if not is_web_url(button.url)
    ]


def check_callback(callback: Callback, at: str, allow_private: Any = None) -> list[Problem]:
    """What is wrong with where reports are to go. Pull queues are for faces alone, which do not come here with one."""
    found = []
    for name, url in (("url", callback.url), ("seen_url", callback.seen_url), ("click_url", callback.click_url)):
        reason = judge_url(url, allow_private) if url is not None else None
        if reason:
            found.append(Problem(f"{at}/{name}", reason))
    return found


def check_recipient(channels: Channels, account_id: int, plan: Plan, to: str, at: str) -> list[Problem]:
    """Every reason why this person cannot be reached by this plan: each step must be able to use the address."""
    found: list[Problem] = []
    for step in plan.cascade:
        entry = channels.get(account_id, step.channel)
        if entry is not None and step.to is None:
            found += [p for p in check_address(entry, to, at) if p not in found]
    return found


def check_address(entry: ChannelEntry, to: str, at: str) -> list[Problem]:
    """What is wrong with an address for a channel."""
    address = entry.kind.address(to, at)
    return [address] if isinstance(address, Problem) else []


def check_schedule(schedule: Schedule, now: datetime, at: str) -> list[Problem]:
    """What is wrong with a schedule at this moment."""
    found: list[Problem] = []
    if schedule.send_at is not None:
        if schedule.send_at < now - PAST_TOLERANCE:
            found.append(Problem(f"{at}/send_at", "is in the past", "past"))
        elif schedule.send_at > now + MOST_AHEAD:
            found.append(Problem(f"{at}/send_at", f"is more than {MOST_AHEAD.days} days ahead"))
    if schedule.window is not None and not _is_zone(schedule.window.time_zone):
        message = f'"{schedule.window.time_zone[:64]}" is no time zone; use an IANA name such as Europe/Zagreb'
        found.append(Problem(f"{at}/window/time_zone", message))
    return found


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, UnicodeError):
        return False
    return True


def unknown_channel(channels: Channels, account_id: int, name: str, at: str) -> Problem:
    """The problem of a step whose channel the account does not have."""
    names = sorted(e.channel.name for e in channels.all() if e.channel.account_id == account_id)
    known = f"; this account has {', '.join(names)}" if names else "; this account has no channels yet"
    return Problem(f"{at}/channel", f'no channel is named "{name}"{known}', "unknown_channel")
