"""`tyrian migrate` and `tyrian doctor`: looking after an installation, on its own machine."""

from typing import Annotated

import typer

from tyrian.cli import options
from tyrian.cli.failures import Exit


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Only say what is missing; exit code 1 if anything is.")
    ] = False,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    database_url: options.DatabaseUrl = None,
    config: options.ConfigFile = None,
) -> None:
    """Bring the database to the schema of this release, or say what it lacks.

    A gateway does this by itself when it starts. Run it beforehand where many nodes share a database.
    """
    from tyrian.cli.upkeep_work import migrate_database

    up_to_date = migrate_database(
        config, {"data_dir": data_dir, "database_url": database_url}, check=check, as_json=as_json
    )
    raise typer.Exit(Exit.OK if up_to_date else Exit.FAILED)


def doctor(
    demo: Annotated[bool, typer.Option("--demo", help="Look at the demo instead of the gateway.")] = False,
    as_json: options.AsJson = False,
    public_url: Annotated[
        str | None,
        typer.Option(
            "--public-url",
            help="The URL at which networks reach the gateway, where the gateway was started with this option.",
            metavar="URL",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", help="The gateway's port, where it was started with this option.", show_default=False),
    ] = None,
    data_dir: options.DataDir = None,
    database_url: options.DatabaseUrl = None,
    config: options.ConfigFile = None,
) -> None:
    """Look everything over, and say in plain words what is well, what is not, and what to do about it.

    Settings, database, secret key, every channel's network and webhook, and what waits. Run it on the gateway's
    machine, with the gateway's settings. The exit code is 1 when anything is wrong.
    """
    from tyrian.cli.upkeep_work import look_over

    given = {"public_url": public_url, "port": port, "data_dir": data_dir, "database_url": database_url}
    well = look_over(config, given, demo=demo, as_json=as_json)
    raise typer.Exit(Exit.OK if well else Exit.FAILED)
