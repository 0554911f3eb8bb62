"""`tyrian bulks` and `tyrian callbacks`: steering what is under way, and bringing again what was not taken."""

from pathlib import Path
from typing import Annotated

import typer

from tyrian.cli import options

group = typer.Typer(
    no_args_is_help=True, help="Bulks: look at them, hold them, take them back, send again what failed."
)
callbacks = typer.Typer(no_args_is_help=True, help="Callbacks that an endpoint of yours has not taken.")

Id = Annotated[str, typer.Argument(metavar="BULK_ID", help="The bulk's id.")]


@group.command("list")
def list_bulks(
    state: Annotated[
        str | None,
        typer.Option("--state", help="Only those: running, paused, cancelled or finished.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many at most.")] = 20,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """List bulks, newest first."""
    from tyrian.cli import bulk_work as work

    work.list_bulks(url, key, state, limit, as_json=as_json)


@group.command("show")
def show(
    bulk_id: Id, as_json: options.AsJson = False, url: options.Url = options.DEFAULT_URL, key: options.Key = None
) -> None:
    """Show a bulk as it stands: messages by status, its pace, and when it will be done."""
    from tyrian.cli import bulk_work as work

    work.show(url, key, bulk_id, as_json=as_json)


@group.command("pause")
def pause(
    bulk_id: Id, as_json: options.AsJson = False, url: options.Url = options.DEFAULT_URL, key: options.Key = None
) -> None:
    """Hold everything in a bulk that has not begun."""
    from tyrian.cli import bulk_work as work

    work.steer(url, key, bulk_id, "pause", as_json=as_json)


@group.command("resume")
def resume(
    bulk_id: Id, as_json: options.AsJson = False, url: options.Url = options.DEFAULT_URL, key: options.Key = None
) -> None:
    """Let a bulk that was paused go on."""
    from tyrian.cli import bulk_work as work

    work.steer(url, key, bulk_id, "resume", as_json=as_json)


@group.command("cancel")
def cancel(
    bulk_id: Id,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Take back everything in a bulk that has not begun. This cannot be undone."""
    from tyrian.cli import bulk_work as work

    options.sure(f"Cancel everything in bulk {bulk_id} that has not begun? This cannot be undone.", yes=yes)
    work.steer(url, key, bulk_id, "cancel", as_json=as_json)


@group.command("retry")
def retry(
    bulk_id: Id, as_json: options.AsJson = False, url: options.Url = options.DEFAULT_URL, key: options.Key = None
) -> None:
    """Send what failed or expired in a bulk once more, as a new bulk."""
    from tyrian.cli import bulk_work as work

    work.retry(url, key, bulk_id, as_json=as_json)


@group.command("outcomes")
def outcomes(
    bulk_id: Id,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file to write; standard output unless given.", show_default=False),
    ] = None,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Download what became of each of a bulk's messages, as CSV."""
    from tyrian.cli import bulk_work as work

    work.outcomes(url, key, bulk_id, output)


@callbacks.command("list")
def list_callbacks(
    state: Annotated[
        str | None,
        typer.Option(
            "--state",
            help="Only those: failing (still tried) or parked (given up until redelivered).",
            show_default=False,
        ),
    ] = None,
    message_id: Annotated[
        str | None, typer.Option("--message", metavar="ID", help="Only those about a message.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many at most.")] = 20,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """List callbacks that were refused at least once, newest first."""
    from tyrian.cli import bulk_work as work

    work.list_callbacks(url, key, state, message_id, limit, as_json=as_json)


@callbacks.command("redeliver")
def redeliver(
    callback_id: Annotated[
        int | None, typer.Argument(metavar="[ID]", help="The callback's id.", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Every parked callback.")] = False,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", help="With `--all`: only those made then or later.", show_default=False
        ),
    ] = None,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Bring a callback that failed again, now; or all that were parked."""
    from tyrian.cli import bulk_work as work

    work.redeliver(url, key, callback_id, everything=everything, since=since, as_json=as_json)
