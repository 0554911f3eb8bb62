"""`tyrian watch`: how messages get on, live."""

from typing import Annotated

import typer

from tyrian.cli import options
from tyrian.cli.failures import Exit, Failure


def watch(
    bulk_id: Annotated[
        str | None, typer.Argument(metavar="[BULK_ID]", help="The bulk to watch.", show_default=False)
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Watch all of the account's messages; so it is without a BULK_ID.")
    ] = False,
    last: Annotated[
        int, typer.Option("--last", "-n", min=1, max=1000, help="How many of the newest messages are looked at.")
    ] = 200,
    interval: Annotated[float, typer.Option("--interval", min=0.1, max=3600, help="Seconds between two looks.")] = 1.0,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Watch a bulk until each of its messages has an outcome, or all messages until Ctrl-C.

    On a terminal a table is kept up to date; elsewhere each change is a line of its own, or with `--json` an object.
    The exit code tells how a bulk ended: 0 when it was finished, 1 when it was cancelled.
    """
    from tyrian.cli.client import run
    from tyrian.cli.watching import watch_all, watch_bulk

    if bulk_id is None:
        run(watch_all(url, key, last=last, interval=interval, as_json=as_json))
        return
    if everything:
        raise Failure("Give a BULK_ID or --all, not both.", code=Exit.USAGE)
    finished = run(watch_bulk(url, key, bulk_id, interval=interval, as_json=as_json))
    raise typer.Exit(Exit.OK if finished else Exit.FAILED)
