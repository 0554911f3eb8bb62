"""`tyrian serve` and `tyrian demo`: starting a gateway."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tyrian.cli import options
from tyrian.cli.failures import Exit, Failure, complain

if TYPE_CHECKING:
    import socket

    from tyrian.settings import Settings

_LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
#: Read by the commands that talk to a gateway; no settings of the gateway itself.
_CLIENT_VARIABLES: Final = ("TYRIAN_URL", "TYRIAN_API_KEY")


def serve(
    host: Annotated[
        str | None, typer.Option("--host", help="The address to listen on; 127.0.0.1 unless set.", show_default=False)
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", help="The port to listen on; 8080 unless set, 0 for any free one.", show_default=False),
    ] = None,
    data_dir: options.DataDir = None,
    database_url: options.DatabaseUrl = None,
    public_url: Annotated[
        str | None,
        typer.Option(
            "--public-url",
            help="The URL at which networks reach this gateway; their webhooks are registered below it.",
            metavar="URL",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="How many processes share the work; 1 unless set.")
    ] = None,
    role: Annotated[
        str | None,
        typer.Option("--role", help="What this node does: all, api (take requests), dispatch (send) or callbacks."),
    ] = None,
    log_level: options.LogLevel = None,
    log_format: options.LogFormat = None,
    config: options.ConfigFile = None,
) -> None:
    """Run a gateway until it is stopped with Ctrl-C or SIGTERM.

    Without a database of your own it starts a private PostgreSQL in the data folder. Migrations are applied at the
    start. Every option is also a setting, to be given in the environment or in a file: see the settings reference.
    """
    given = {name: value for name, value in locals().items() if name != "config"}
    settings = settings_of(config, given)
    with plainly():
        from tyrian import server
        from tyrian.cli import welcome

        with server.listen(settings) as sock:
            settings = _on(settings, sock)
            server.serve(settings, sock=sock, on_ready=lambda: typer.echo(welcome.ready(settings)))


def demo(
    port: Annotated[
        int | None,
        typer.Option("--port", help="The port to listen on; 8080 unless set, 0 for any free one.", show_default=False),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir",
            metavar="DIR",
            help="The folder for the demo's database; `demo` in the usual one unless set.",
            show_default=False,
        ),
    ] = None,
    time_scale: Annotated[
        float,
        typer.Option(
            "--time-scale", min=0.01, max=10_000, help="How many times as fast as the wall's the demo's clock runs."
        ),
    ] = 1.0,
    log_level: options.LogLevel = None,
    log_format: options.LogFormat = None,
    config: options.ConfigFile = None,
) -> None:
    """Run a gateway with a simulated world around it: a Viber cloud, an SMS centre and handsets.

    Everything but the networks is real. An account with its key and three channels is made at the first start; the
    last two digits of a phone number choose what its handset does. It listens on this machine only.
    """
    given = {"port": port, "data_dir": data_dir, "log_level": log_level or "warning", "log_format": log_format}
    settings = demo_settings(settings_of(config, given), own_folder=data_dir is not None)
    with plainly():
        from tyrian import server
        from tyrian.cli import welcome
        from tyrian.demo import Demo

        with server.listen(settings) as sock:
            settings = _on(settings, sock)
            play, clock = Demo(settings), server.clock_of(time_scale)
            page = welcome.demo(settings, time_scale)
            ready = partial(typer.echo, page)
            server.run(server.run_node(settings, sock, clock, prepare=play.prepare, on_ready=ready))


def settings_of(config: Path | None = None, given: dict[str, Any] | None = None) -> "Settings":
    """The settings of this process, with its log set up. Ends the command with every problem there is.

    Variables that look like settings and are none, most likely misspelt, are mentioned.
    """
    from tyrian.logs import set_up
    from tyrian.settings import SettingsError, load

    complain(*misspelt())
    try:
        settings = load(config, given)
    except SettingsError as error:
        raise Failure(*error.sentences, code=Exit.USAGE) from None
    set_up(settings)
    return settings


def misspelt() -> list[str]:
    """Sentences about environment variables that look like settings and are none."""
    from tyrian.settings import unknown_variables

    return unknown_variables({name: value for name, value in os.environ.items() if name not in _CLIENT_VARIABLES})


def demo_settings(settings: "Settings", *, own_folder: bool) -> "Settings":
    """What the demo changes: one process, a database of its own, and nothing but this machine in and out."""
    from ipaddress import ip_network

    return replace(
        settings,
        host="127.0.0.1",
        public_url=f"http://127.0.0.1:{settings.port}",
        data_dir=settings.data_dir if own_folder else settings.data_dir / "demo",
        database_url=None,
        secret_key=None,
        workers=1,
        role="all",
        allow_private_callbacks=(*settings.allow_private_callbacks, *map(ip_network, _LOOPBACK)),
    )


def _on(settings: "Settings", sock: "socket.socket") -> "Settings":
    """The settings with the port that was really taken, where any free one was asked for."""
    port, url = sock.getsockname()[1], settings.public_url
    return replace(settings, port=port, public_url=f"{url[:-2]}:{port}" if url.endswith(":0") else url)


@contextmanager
def plainly() -> Iterator[None]:
    """Says in a sentence why a gateway, or its database, cannot be used."""
    import asyncpg

    from tyrian.store.crypto import CannotOpen
    from tyrian.store.embedded import EmbeddedPostgresError
    from tyrian.store.migrate import UnknownRevisionError

    try:
        yield
    except (EmbeddedPostgresError, UnknownRevisionError, CannotOpen) as error:
        raise Failure(str(error)) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Failure(f"The database refuses: {error}. Check database_url.", code=Exit.UNREACHABLE) from error
    except OSError as error:
        raise _trouble(error) from error


def _trouble(error: OSError) -> Failure:
    said = error.strerror or str(error)
    if said.startswith("cannot listen"):
        advice = " Another program listens there; choose another --port." if error.errno == errno.EADDRINUSE else ""
        return Failure(f"Tyrian {said}.{advice}")
    if error.filename:
        return Failure(f"{error.filename}: {said}.")
    return Failure(
        f"The database cannot be reached: {said}. See that it runs, and that database_url is right.",
        code=Exit.UNREACHABLE,
    )
