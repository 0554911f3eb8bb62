"""The tree of commands."""

from typing import Annotated

import typer

from tyrian.cli import bulk, bulks, channels, flow, inbox, keys, people, sending, serving, upkeep, watch
from tyrian.cli.failures import Commands

app = typer.Typer(
    name="tyrian",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"Tyrian {version('tyrian')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which release this is, and leave.")
    ] = False,
) -> None:
    """A self-hosted gateway for Viber business messaging, with fallback to SMS and a record of what happened.

    `tyrian demo` starts one with a simulated world around it; `tyrian COMMAND --help` explains a command.
    """


for panel, commands in (
    ("Run a gateway", (serving.serve, serving.demo, upkeep.migrate, upkeep.doctor)),
    ("Send", (sending.send, bulk.bulk, watch.watch, sending.message)),
):
    for command in commands:
        app.command(rich_help_panel=panel)(command)

for panel, name, group in (
    ("Send", "bulks", bulks.group),
    ("Send", "callbacks", bulks.callbacks),
    ("Answer", "inbox", inbox.group),
    ("Answer", "agents", inbox.agents),
    ("Answer", "queues", inbox.queues),
    ("People", "contacts", people.contacts),
    ("People", "consent", people.consent),
    ("People", "suppressions", people.suppressions),
    ("Set up", "channels", channels.group),
    ("Set up", "flow", flow.group),
    ("Set up", "keys", keys.group),
    ("Set up", "accounts", keys.accounts),
):
    app.add_typer(group, name=name, rich_help_panel=panel)
