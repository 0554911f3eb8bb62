"""What `tyrian migrate` and `tyrian doctor` do."""

import logging
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tyrian.cli.checkup import Finding, examine
from tyrian.cli.client import run
from tyrian.cli.local_database import database_url
from tyrian.cli.serving import demo_settings, misspelt, plainly, settings_of
from tyrian.cli.terminal import print_json, screen, state
from tyrian.settings import Settings, SettingsError, load
from tyrian.store.migrate import HEAD, migrate, pending


def migrate_database(config: Path | None, given: dict[str, Any], *, check: bool, as_json: bool) -> bool:
    """Applies what is missing, or says it. False if anything is missing still."""
    settings = settings_of(config, {**given, "log_level": "warning"})
    with plainly():
        names = run(_migrate(settings, check=check))
    if as_json:
        print_json({"revision": HEAD, "pending" if check else "applied": names})
    elif not names:
        screen().print(f"The schema is that of this release ({HEAD}).")
    else:
        screen().print(f"{'Missing' if check else 'Applied'}: {', '.join(names)}.")
    return not (check and names)


async def _migrate(settings: Settings, *, check: bool) -> list[str]:
    async with database_url(settings) as url:
        return await (pending(url) if check else migrate(url))


def look_over(config: Path | None, given: dict[str, Any], *, demo: bool, as_json: bool) -> bool:
    """Prints every finding as it is made. False if anything is wrong."""
    console = screen()
    found: list[Finding] = []

    def take(finding: Finding) -> None:
        found.append(finding)
        if not as_json:
            _tell(console, finding)

    settings = _settings(config, given, take)
    if settings is not None:
        run(_look_over(demo_settings(settings, own_folder=given["data_dir"] is not None) if demo else settings, take))
    wrong = sum(finding.state == "wrong" for finding in found)
    if as_json:
        print_json({"ok": not wrong, "findings": [msgspec.to_builtins(finding) for finding in found]})
    else:
        words = f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong." if wrong else "Nothing is wrong."
        console.print(Text(words, "bold red" if wrong else "bold green"))
    return not wrong


def _settings(config: Path | None, given: dict[str, Any], take: Any) -> Settings | None:
    for sentence in misspelt():
        take(Finding("settings", "wrong", sentence, "Correct its name, or take it out of the environment."))
    try:
        settings = load(config, given)
    except SettingsError as error:
        for sentence in error.sentences:
            take(Finding("settings", "wrong", sentence))
        return None
    take(Finding("settings", "ok", f"They can be used; the gateway listens on {settings.host} port {settings.port}."))
    return settings


async def _look_over(settings: Settings, take: Any) -> None:
    # What a connector logs about its own troubles, the findings say in fewer words.
    logging.disable(logging.ERROR)
    try:
        async for finding in examine(settings):
            take(finding)
    finally:
        logging.disable(logging.NOTSET)


def _tell(console: Console, finding: Finding) -> None:
    """One finding, its words kept in their own column however narrow the terminal is."""
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_column(width=6)
    line.add_column(width=20, overflow="fold")
    line.add_column(overflow="fold")
    line.add_row(state(finding.state), Text(finding.subject), Text(finding.detail))
    if finding.advice:
        line.add_row("", "", Text(finding.advice, "bright_black"))
    console.print(line)
