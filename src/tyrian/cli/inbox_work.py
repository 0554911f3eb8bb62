"""What the commands under `tyrian inbox`, `tyrian agents` and `tyrian queues` do."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from uuid import UUID, uuid4

from rich.text import Text

from tyrian.cli.client import Api, run, segment
from tyrian.cli.failures import Exit, Failure
from tyrian.cli.terminal import clock, moment, print_json, screen, state, table

_ALL: Final = "/inbox/conversations"
#: Most conversations of one answer.
_PAGE: Final = 100
#: What a content is told by, where it has no text.
_WORDS: Final = ("text", "title", "name", "url", "address")

_DONE: Final = {
    "assign": "was assigned",
    "transfer": "was handed on",
    "close": "was closed",
    "reopen": "is open again",
}


def _with(url: str, key: str | None, work: Callable[[Api], Awaitable[Any]]) -> Any:
    async def go() -> Any:
        async with Api(url, key) as api:
            return await work(api)

    return run(go())


# -- Looking ----------------------------------------------------------------------------------------------------------


def list_conversations(url: str, key: str | None, query: dict[str, Any], as_json: bool) -> None:
    """Lists conversations."""

    async def work(api: Api) -> list[Any]:
        found: list[Any] = []
        left, cursor = query["limit"], None
        while left > 0:
            page = await api.get(_ALL, **{**query, "limit": min(left, _PAGE), "cursor": cursor})
            found += page["conversations"]
            left, cursor = left - len(page["conversations"]), page["next"]
            if cursor is None:
                break
        return found

    found = _with(url, key, work)
    if as_json:
        print_json({"conversations": found})
        return
    rows = [
        (c["id"], c["person"], c["name"], c["channel"], c["state"], having(c), c["unread"], moment(c["updated_at"]))
        for c in found
    ]
    headings = ("id", "person", "name", "channel", "state", "with", "unread", "updated")
    screen().print(table(headings, rows, numbers=("unread",)) if rows else "There is no such conversation.")


def having(conversation: Mapping[str, Any]) -> str:
    """Who has a conversation in hand, in few words."""
    live = {leg["role"]: leg for leg in conversation["legs"] if leg["state"] != "ended"}
    for role in ("agent", "external"):
        if role in live:
            return f"{live[role]['name']}{', alerted' if live[role]['state'] == 'alerting' else ''}"
    return f"waits in {live['queue']['name']}" if "queue" in live else ""


def show(url: str, key: str | None, conversation: str, limit: int, *, as_json: bool) -> None:
    """Shows a conversation with its thread."""

    async def work(api: Api) -> Any:
        identifier = await found_by(api, conversation)
        it = await api.get(f"{_ALL}/{identifier}")
        return {**it, "items": (await api.get(f"{_ALL}/{identifier}/items", limit=limit))["items"]}

    it = _with(url, key, work)
    if as_json:
        print_json(it)
        return
    console = screen()
    who = f"{it['name']} ({it['person']})" if it["name"] else it["person"]
    head = Text.assemble((f"Conversation {it['id']}", "bold"), f"  {who} on {it['channel']}  ", state(it["state"]))
    console.print(head)
    for name, value in (("Subject", it["subject"]), ("With", having(it)), *it["attributes"].items()):
        if value:
            console.print(f"  {name}: {value}")
    console.print()
    for item in it["items"]:
        console.print(line(item))


def line(item: Mapping[str, Any]) -> Text:
    """One line of a thread."""
    author = item["author"]["name"] or item["author"]["kind"]
    told = Text(f"{clock(item['at'])}  ")
    match item["kind"]:
        case "event":
            more = ", ".join(
                str(item["data"][name]) for name in ("queue", "agent", "channel", "external") if item["data"].get(name)
            )
            told.append(f"{item['event']}{f' {more}' if more else ''}, by {author}", "bright_black")
        case "note":
            told.append(f"{author} notes: {item['text']}", "yellow")
        case kind:
            told.append(f"{author}: ", "bold" if kind == "inbound" else "cyan")
            told.append(said(item["content"]))
            if item["status"]:
                told.append_text(Text.assemble("  (", state(item["status"]), _why(item), ")"))
    return told


def _why(item: Mapping[str, Any]) -> str:
    return f": {item['reason']}" if item["reason"] else ""


def said(content: Mapping[str, Any] | None) -> str:
    """A content in one line."""
    if not content:
        return ""
    words = " ".join(str(content[name]) for name in _WORDS if content.get(name))
    return words if content["type"] == "text" else f"[{content['type']}] {words}".rstrip()


async def found_by(api: Api, conversation: str) -> str:
    """The id of the conversation that is meant. Raises `Failure`."""
    try:
        return str(UUID(conversation))
    except ValueError:
        pass
    found = (await api.get(_ALL, person=conversation, limit=_PAGE))["conversations"]
    current = [c for c in found if c["state"] != "closed"]
    if len(current) == 1:
        return str(current[0]["id"])
    if not current:
        closed = f"; the last one was {found[0]['id']}" if found else ""
        raise Failure(f"No conversation with {conversation} is open{closed}.", code=Exit.REFUSED)
    listed = [f"  {c['id']} on {c['channel']}" for c in current]
    raise Failure(f"There are several conversations with {conversation}; say which:", *listed, code=Exit.USAGE)


# -- Answering --------------------------------------------------------------------------------------------------------


def say(url: str, key: str | None, conversation: str, what: str, body: dict[str, Any], *, as_json: bool) -> None:
    """Adds a line: an answer or a note."""
    item = _do(url, key, conversation, what, body)
    if as_json:
        print_json(item)
    else:
        screen().print(line(item))


def move(url: str, key: str | None, conversation: str, word: str, body: dict[str, Any], *, as_json: bool) -> None:
    """Assigns, transfers, closes or reopens."""
    it = _do(url, key, conversation, word, body)
    if as_json:
        print_json(it)
        return
    who = having(it)
    told = f"Conversation {it['id']} {_DONE[word]}: "
    screen().print(Text.assemble(told, state(it["state"]), f", {who}" if who else "", "."))


def _do(url: str, key: str | None, conversation: str, word: str, body: dict[str, Any]) -> Any:
    given = {name: value for name, value in body.items() if value is not None}

    async def work(api: Api) -> Any:
        path = f"{_ALL}/{await found_by(api, conversation)}/{word}"
        # The key makes a repeat harmless, after an answer that was lost on the way.
        return await api.post(path, given, headers={"Idempotency-Key": str(uuid4())})

    return _with(url, key, work)


# -- Who answers ------------------------------------------------------------------------------------------------------


def list_agents(url: str, key: str | None, *, as_json: bool) -> None:
    """Lists agents."""

    async def work(api: Api) -> Any:
        return await api.get("/inbox/agents"), await api.get("/inbox/queues")

    found, queues = _with(url, key, work)
    if as_json:
        print_json(found)
        return
    names = {queue["id"]: queue["name"] for queue in queues["queues"]}
    rows = [
        (a["name"], a["state"], a["load"], a["capacity"], ", ".join(names.get(q, q) for q in a["queues"]), a["id"])
        for a in found["agents"]
    ]
    headings = ("name", "state", "has", "of", "queues", "id")
    screen().print(table(headings, rows, numbers=("has", "of")))


def set_agent(url: str, key: str | None, name: str, word: str, *, as_json: bool) -> None:
    """Changes whether an agent takes conversations."""

    async def work(api: Api) -> Any:
        return await api.patch(f"/inbox/agents/{segment(name)}", {"state": word})

    agent = _with(url, key, work)
    if as_json:
        print_json(agent)
    else:
        screen().print(Text.assemble(f"{agent['name']} is ", state(agent["state"]), f" and has {agent['load']}."))


def list_queues(url: str, key: str | None, *, as_json: bool) -> None:
    """Lists queues."""

    async def work(api: Api) -> Any:
        return await api.get("/inbox/queues")

    found = _with(url, key, work)
    if as_json:
        print_json(found)
        return
    rows = [(q["name"], q["waiting"], q["pick"], q["id"]) for q in found["queues"]]
    screen().print(table(("name", "waiting", "picks", "id"), rows, numbers=("waiting",)))
