"""The tree of commands."""

import typer

from tyrian.cli import bulk, bulks, channels, keys, sending, serving, upkeep, watch
from tyrian.cli.failures import Commands

app = typer.Typer(
    name="tyrian",
    cls=Commands,
    help="A self-hosted gateway for Viber business messaging, with fallback to SMS and a record of what happened.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(serving.serve)
app.command()(serving.demo)
app.command()(sending.send)
app.command()(bulk.bulk)
app.command()(sending.message)
app.command()(watch.watch)
app.add_typer(channels.group, name="channels")
app.add_typer(keys.group, name="keys")
app.add_typer(keys.accounts, name="accounts")
app.add_typer(bulks.group, name="bulks")
app.add_typer(bulks.callbacks, name="callbacks")
app.command()(upkeep.migrate)
app.command()(upkeep.doctor)
