"""`tyrian flow`: dialogues as files. Check, draw, try and publish them."""

from pathlib import Path
from typing import Annotated

import typer

from tyrian.cli import options

group = typer.Typer(no_args_is_help=True, help="Flows: dialogues that answer people by themselves.")

File = Annotated[Path, typer.Argument(metavar="FILE", help="The flow's file, in YAML.", show_default=False)]


@group.command("check")
def check(file: File, as_json: options.AsJson = False) -> None:
    """Say what is wrong with a flow, each with its line. No gateway is asked, so channels' own limits are left out."""
    from tyrian.cli import flow_work as work

    work.check(file, as_json=as_json)


@group.command("draw")
def draw(
    file: File,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE.svg", help="Where the picture goes, instead of standard output."),
    ] = None,
) -> None:
    """Draw a flow as SVG."""
    from tyrian.cli import flow_work as work

    work.draw(file, out)


@group.command("try")
def try_out(
    file: File,
    hooks: Annotated[
        list[str] | None,
        typer.Option(
            "--hook",
            metavar="STEP=FILE.json",
            help="What the hook of a step answers; may be given several times. You are asked about the others.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[str, typer.Option("--name", help="The person's name.")] = "Ana",
) -> None:
    """Talk to a flow in the terminal. Nothing is sent to anybody.

    Write what the person writes, or the number of a button. An empty line lets the time pass until the wait is over;
    the end of input (Ctrl-D) leaves.
    """
    from tyrian.cli import flow_try

    flow_try.talk(file, hooks or [], name)


@group.command("publish")
def publish(
    file: File,
    channels: Annotated[
        list[str] | None,
        typer.Option(
            "--channel",
            "-c",
            help="A channel on which it answers; may be given several times. Those it is on already, unless given.",
            show_default=False,
        ),
    ] = None,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Publish a flow, or its next version. People who are under way stay on the version that they began with."""
    from tyrian.cli import flow_work as work

    work.publish(file, channels, url, key, as_json=as_json)


@group.command("list")
def list_flows(
    as_json: options.AsJson = False, url: options.Url = options.DEFAULT_URL, key: options.Key = None
) -> None:
    """List the published flows."""
    from tyrian.cli import flow_work as work

    work.list_flows(url, key, as_json=as_json)
