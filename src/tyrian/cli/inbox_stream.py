"""`tyrian inbox watch`: the stream of what happens, followed over any number of connections.

Server-sent events as the HTML standard has them (9.2.6, interpreting an event stream); of their fields, those that the
gateway sends.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

import msgspec
from rich.text import Text

from tyrian.cli.client import Api
from tyrian.cli.failures import Exit, Failure, complain
from tyrian.cli.inbox_work import line
from tyrian.cli.terminal import print_json, screen, state

#: Seconds between two connections.
_PAUSE: Final = 0.5
#: Seconds without a word after which a connection is taken for lost; the gateway says something every ten.
_SILENCE: Final = 35.0

Told = tuple[int | None, dict[str, Any] | None]


async def watch(url: str, key: str | None, conversation: str | None, after: int | None, *, as_json: bool) -> None:
    """Tells what happens until cancelled. Fails if the first connection does, or if the gateway refuses a later one."""
    number, connected = after, False
    async with Api(url, key) as api:
        while True:
            try:
                async with aclosing(events(api, conversation, number)) as stream:
                    async for last, event in stream:
                        connected, number = True, number if last is None else last
                        if event is not None:
                            tell(event, as_json=as_json)
            except Failure as failure:
                if not connected or failure.code is Exit.REFUSED:
                    raise
                complain("The connection to the gateway is lost; it is tried again.")
            await asyncio.sleep(_PAUSE)


async def events(api: Api, conversation: str | None, after: int | None) -> AsyncGenerator[Told, None]:
    """What comes over one connection, signs of life too. Raises `Failure`."""
    left = b""
    async with aclosing(api.stream("/inbox/events", {"conversation": conversation, "after": after}, _SILENCE)) as body:
        async for piece in body:
            *blocks, left = (left + piece).split(b"\n\n")
            for block in blocks:
                yield read(block)


def read(block: bytes) -> Told:
    """The number that a block of a stream sets, and its event; either may be missing."""
    fields: dict[str, str] = {}
    for text in block.decode("utf-8", "replace").split("\n"):
        name, _, value = text.partition(":")
        fields[name] = value.removeprefix(" ")
    number = int(fields["id"]) if fields.get("id", "").isdigit() else None
    if "data" not in fields:
        return number, None
    return number, {"number": number, "type": fields.get("event", ""), "data": msgspec.json.decode(fields["data"])}


def tell(event: dict[str, Any], *, as_json: bool) -> None:
    """One event: as it came, or what people want of it as a line."""
    if as_json:
        print_json(event)
        return
    data = event["data"]
    match event["type"]:
        case "item":
            screen().print(Text(f"{data['conversation_id']}  ").append_text(line(data)))
        case "agent" if "removed" not in data:
            screen().print(Text.assemble(f"Agent {data['name']} is ", state(data["state"]), "."))
        case "typing":
            screen().print(Text(f"{data['conversation_id']}  types ...", style="dim"))
        case "erased":
            screen().print(f"{data['conversation_id']}  has been emptied: its person was erased.")
        case "gap":
            complain("Some events are no longer kept: list what you need anew.")
