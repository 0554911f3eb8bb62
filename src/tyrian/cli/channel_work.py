"""What the commands under `tyrian channels` do."""

from pathlib import Path
from typing import Any

import msgspec
import typer
from rich.text import Text

from tyrian.cli.client import run
from tyrian.cli.desk import Desk, Json, desk
from tyrian.cli.failures import Exit, Failure
from tyrian.cli.places import Where
from tyrian.cli.terminal import moment, print_json, screen, state, table

_FILES = {"probe": "looked at before they are sent", "fit": "looked at before they are sent, and pictures made to fit"}
_NUMBERS = ("integer", "number", "boolean", "object", "array")


def list_channels(where: Where, *, as_json: bool) -> None:
    """Lists channels."""

    async def work() -> list[Json]:
        async with desk(where) as at:
            return await at.channels()

    channels = run(work())
    if as_json:
        print_json({"channels": channels})
        return
    rows = [(c["name"], c["kind"], _state(c), _pace(c), c["trouble"] or "") for c in channels]
    console = screen()
    console.print(table(("name", "kind", "state", "limits", "trouble"), rows) if rows else _NONE)


_NONE = "There is no channel yet: add one with `tyrian channels add`."


def list_kinds(where: Where, *, as_json: bool) -> None:
    """Lists the kinds of channels with their settings."""

    async def work() -> list[Json]:
        async with desk(where) as at:
            return await at.kinds()

    kinds = run(work())
    if as_json:
        print_json({"kinds": kinds})
        return
    console = screen()
    for kind in kinds:
        console.print(Text.assemble((kind["kind"], "bold"), f"  {kind['title']}"))
        rows = [
            (f"  {option} {name}", "required" if required else _default(about), _kind_of(about))
            for option, part in (("--set", "config"), ("--secret", "secrets"))
            for name, about, required in _properties(kind[part])
        ]
        console.print(table(("  option", "default", "takes"), rows))
        console.print()


def add(
    where: Where, name: str, kind: str, settings: dict[str, str], secrets: list[str], given: Json, *, as_json: bool
) -> bool:
    """Adds a channel. False if it could not be set up at its network."""
    told = dict(_secret(text) for text in secrets)

    async def work() -> Json:
        async with desk(where) as at:
            config = await _config(at, kind, settings)
            spec = {"name": name, "kind": kind, "config": config, "secrets": told}
            return await at.add_channel({**spec, **{n: value for n, value in given.items() if value not in (None, {})}})

    channel = run(work())
    setup = channel.get("setup") or {"ok": True, "detail": ""}
    if as_json:
        print_json(channel)
    else:
        console = screen()
        console.print(
            f"Channel {channel['name']} was added. A network that calls back finds it at {channel['hook_url']}."
        )
        console.print(Text.assemble(state("ok" if setup["ok"] else "wrong"), f"  {setup['detail']}"))
        if setup.get("fix"):
            console.print(f"  {setup['fix']}")
    return bool(setup["ok"])


def show(where: Where, name: str, *, as_json: bool) -> None:
    """Shows a channel."""

    async def work() -> Json:
        async with desk(where) as at:
            return await at.channel(name)

    channel = run(work())
    if as_json:
        print_json(channel)
        return
    rows: list[tuple[str, Any]] = [
        ("kind", channel["kind"]),
        ("state", state(_state(channel))),
        ("limits", _pace(channel) or "none"),
        *((f"config.{n}", value) for n, value in sorted(channel["config"].items())),
        *((f"secrets.{n}", value) for n, value in sorted(channel["secrets"].items())),
        *((f"uncertain.{n}", value) for n, value in sorted(channel["uncertain"].items())),
        ("inbound url", channel["inbound_url"]),
        ("also known as", ", ".join(channel["senders"]) or None),
        *_verification(channel["verification"]),
        ("links", "tracked, for buttons with an id" if channel["track_links"] else None),
        ("files", _FILES.get(channel["media"])),
        ("sessions", _sessions(channel["sessions"])),
        ("hook url", channel["hook_url"]),
        ("made", moment(channel["created_at"])),
        ("changed", moment(channel["updated_at"])),
        ("trouble", channel["trouble"]),
    ]
    console = screen()
    console.print(Text(channel["name"], "bold"))
    for label, value in rows:
        if value is not None:
            console.print(Text.assemble((f"  {label:<24}", "bright_black"), _words(value)))


def remove(where: Where, name: str) -> None:
    """Removes a channel."""

    async def work() -> None:
        async with desk(where) as at:
            await at.remove_channel(name)

    run(work())
    screen().print(f"Channel {name} was removed.")


def set_active(where: Where, name: str, *, active: bool, as_json: bool) -> None:
    """Pauses a channel or lets it go on."""

    async def work() -> Json:
        async with desk(where) as at:
            return await at.set_active(name, active=active)

    channel = run(work())
    if as_json:
        print_json(channel)
    else:
        screen().print(f"Channel {name} {'sends again' if active else 'is paused; what is due on it waits'}.")


def check(where: Where, name: str | None, *, as_json: bool) -> bool:
    """Asks the network about one channel or all. False if any cannot work."""

    async def work() -> list[tuple[str, Json]]:
        async with desk(where) as at:
            names = [name] if name is not None else [c["name"] for c in await at.channels()]
            return [(n, await at.check_channel(n)) for n in names]

    found = run(work())
    if as_json:
        print_json({"channels": [{"name": n, **health} for n, health in found]})
    else:
        rows = [(n, "ok" if health["ok"] else "wrong", health["detail"]) for n, health in found]
        screen().print(table(("channel", "", "what the network says"), rows) if rows else _NONE)
    return all(health["ok"] for _, health in found)


# -- Reading ----------------------------------------------------------------------------------------------------------


async def _config(at: Desk, kind: str, settings: dict[str, str]) -> Json:
    """The settings as the kind's schema wants them: a number where it has a number, text where it has text."""
    schemas = {k["kind"]: k["config"] for k in await at.kinds()} if settings else {}
    types = {name: _types(about) for name, about, _ in _properties(schemas.get(kind, {}))}
    return {name: _value(text, types.get(name, set())) for name, text in settings.items()}


def _value(text: str, types: set[str]) -> Any:
    if "string" in types and not types & set(_NUMBERS):
        return text
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return text


def _properties(schema: Json) -> list[tuple[str, Json, bool]]:
    """The settings in a JSON Schema: name, what is said of it, and whether it must be given."""
    found = _resolved(schema, schema)
    required, properties = found.get("required", ()), found.get("properties", {})
    return [(name, _resolved(schema, about), name in required) for name, about in properties.items()]


def _resolved(schema: Json, part: Json) -> Json:
    """A part of a schema with its reference followed."""
    reference = part.get("$ref", "")
    found = schema.get("$defs", {}).get(reference.rpartition("/")[2])
    return {**found, **part} if found else part


def _types(about: Json) -> set[str]:
    given = about.get("type", [])
    types = {given} if isinstance(given, str) else set(given)
    if "enum" in about:
        types |= {"string" if isinstance(value, str) else "number" for value in about["enum"]}
    for part in about.get("anyOf", ()):
        types |= _types(part)
    return types


def _secret(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not name:
        raise Failure(f'--secret takes NAME or NAME=VALUE, not "{text}".', code=Exit.USAGE)
    if not sign:
        return name, str(typer.prompt(f"Secret {name}", hide_input=True, err=True))
    if not value.startswith("@"):
        return name, value
    try:
        return name, Path(value[1:]).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"--secret {name}: {value[1:]} cannot be read: {error}.", code=Exit.USAGE) from error


# -- Telling ----------------------------------------------------------------------------------------------------------


def _state(channel: Json) -> str:
    if not channel["active"]:
        return "paused"
    if channel["circuit"] not in (None, "closed"):
        return "failing"
    found = channel["verification"]
    return "active" if found is None or found["state"] == "active" else found["state"]


def _verification(found: Json | None) -> list[tuple[str, Any]]:
    """What setting the channel up at its network came to, and what to do where it failed."""
    if found is None:
        return []
    rows: list[tuple[str, Any]] = [("at its network", found["state"])]
    if found["state"] != "active":
        rows += [("why", found["detail"]), ("what to do", found["fix"])]
    return rows


def _pace(channel: Json) -> str:
    rate = f"{channel['rate']:g}/s" if channel["rate"] is not None else ""
    flights = f"{channel['concurrency']} at once" if channel["concurrency"] is not None else ""
    return ", ".join(word for word in (rate, flights) if word)


def _sessions(settings: Json) -> str | None:
    """The rule for session content, where it holds."""
    if not settings["enforced"]:
        return None
    rule = (
        f"{settings['duration'] / 3600:g} hours, {settings['sent_limit']} messages, "
        f"{settings['unanswered_limit']} unanswered in a row"
    )
    return rule + ("; outside, an opt-in message goes out" if settings["opt_in"] is not None else "")


def _words(value: Any) -> Any:
    return value if isinstance(value, str | Text) else msgspec.json.encode(value).decode()


def _default(about: Json) -> Any:
    return _words(about["default"]) if about.get("default") not in (None, "") else ""


def _kind_of(about: Json) -> str:
    """What a setting takes: its choices, or the type of its value, and what its schema says of it."""
    choices = [value for part in (about, *about.get("anyOf", ())) for value in part.get("enum", ())]
    words = "|".join(map(str, choices)) or ", ".join(sorted(_types(about) - {"null"}))
    return ": ".join(word for word in (words, about.get("description", "")) if word)
