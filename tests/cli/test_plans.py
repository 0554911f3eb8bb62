"""From options to the body of a request."""

from pathlib import Path
from typing import Any

import pytest

from tyrian.cli.failures import Exit, Failure
from tyrian.cli.plans import Wanted, plan_of

TEXT = {"type": "text", "text": "Hi"}


class Channels:
    """A gateway that is asked for its channels alone."""

    def __init__(self, *names: str) -> None:
        self.names = names

    async def get(self, path: str) -> Any:
        assert path == "/channels"
        paused = {"name": "paused", "active": False}
        return {"channels": [paused, *({"name": name, "active": True} for name in self.names)]}


async def _plan(*names: str, **wanted: Any) -> dict[str, Any]:
    return await plan_of(Wanted(**wanted), Channels(*names))  # type: ignore[arg-type]


async def test_a_text_on_a_channel() -> None:
    assert await _plan(text="Hi", channel="v") == {"cascade": [{"channel": "v", "content": TEXT}]}


async def test_the_only_channel_need_not_be_named() -> None:
    assert (await _plan("only", text="Hi"))["cascade"][0]["channel"] == "only"


async def test_every_step_but_the_last_has_the_fallback_time() -> None:
    plan = await _plan(text="Hi", channel="a", fallback=["b", "c"], fallback_time=60, fallback_text="Ho")
    assert plan["cascade"] == [
        {"channel": "a", "content": TEXT, "fallback_time": 60},
        {"channel": "b", "content": {"type": "text", "text": "Ho"}, "fallback_time": 60},
        {"channel": "c", "content": {"type": "text", "text": "Ho"}},
    ]


async def test_content_and_cascade_come_as_json_or_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "content.json"
    file.write_text('{"type": "sticker", "sticker_id": 1}')
    plan = await _plan(content=f"@{file}", channel="v")
    assert plan["cascade"] == [{"channel": "v", "content": {"type": "sticker", "sticker_id": 1}}]
    assert (await _plan(cascade='[{"channel": "x"}]'))["cascade"] == [{"channel": "x"}]


async def test_the_whole_schedule() -> None:
    plan = await _plan(
        text="Hi", channel="v", send_at="2026-03-01T09:00:00+01:00", speed="6000/hour", window="22:00-06:00",
        days="Monday, friday", time_zone="Europe/Zagreb", validity=600, purpose="otp",
        callback_url="http://x", callback_data="7",
    )  # fmt: skip
    assert plan["schedule"] == {
        "send_at": "2026-03-01T09:00:00+01:00",
        "speed_limit": {"messages": 6000, "per": "hour"},
        "window": {"from": "22:00", "to": "06:00", "days": ["monday", "friday"], "time_zone": "Europe/Zagreb"},
    }
    assert (plan["validity"], plan["purpose"]) == (600, "otp")
    assert plan["callback"] == {"url": "http://x", "data": "7"}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({}, "There is nothing to send"),
        ({"text": "Hi", "content": "{}"}, "not both"),
        ({"text": "Hi"}, "Say with --channel which channel to send on; there are a, b."),
        ({"content": "{", "channel": "v"}, "--content: what was given is not JSON"),
        ({"content": "@/nowhere/x", "channel": "v"}, "--content: /nowhere/x cannot be read"),
        ({"cascade": "{}"}, "must be a JSON array"),
        ({"cascade": "[]", "channel": "v"}, "--cascade says everything"),
        ({"text": "Hi", "channel": "v", "fallback_time": 5}, "need a --fallback"),
        ({"text": "Hi", "channel": "v", "speed": "fast"}, '6000/hour or 50000/day, not "fast"'),
        ({"text": "Hi", "channel": "v", "window": "9-5"}, "--window must be like 09:00-20:00"),
        ({"text": "Hi", "channel": "v", "days": "monday"}, "go with --window"),
        ({"text": "Hi", "channel": "v", "callback_data": "7"}, "--callback-data needs --callback-url"),
    ],
)  # fmt: skip
async def test_options_that_do_not_go_together(wanted: dict[str, Any], said: str) -> None:
    with pytest.raises(Failure) as caught:
        await _plan("a", "b", **wanted)
    assert said in str(caught.value)
    assert caught.value.code is Exit.USAGE


async def test_an_account_without_channels() -> None:
    with pytest.raises(Failure, match="tyrian channels add"):
        await _plan(text="Hi")
