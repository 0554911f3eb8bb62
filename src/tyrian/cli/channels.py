"""`tyrian channels`: the senders of an account."""

from typing import Annotated, Any

import typer

from tyrian.cli import options
from tyrian.cli.failures import Exit
from tyrian.cli.places import Where, placed

group = typer.Typer(no_args_is_help=True, help="The channels of an account: Viber bots and senders, SMS senders.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The channel's name.")]


@group.command("list")
@placed
def list_channels(
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """List the account's channels."""
    from tyrian.cli import channel_work as work

    work.list_channels(where, as_json=as_json)


@group.command("kinds")
@placed
def list_kinds(
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """List the kinds of channels there are, with the settings and secrets that each takes."""
    from tyrian.cli import channel_work as work

    work.list_kinds(where, as_json=as_json)


@group.command("add")
@placed
def add(
    where: Where,
    name: Name,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="What it is: see `tyrian channels kinds`.")],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-s",
            metavar="NAME=VALUE",
            help="A setting of the kind; may be given several times.",
            show_default=False,
        ),
    ] = None,
    secrets: Annotated[
        list[str] | None,
        typer.Option(
            "--secret",
            metavar="NAME[=VALUE]",
            help="A secret of the kind: `NAME=@FILE` reads it from a file, and `NAME` alone asks for it, so that it "
            "stands in no history of commands.",
            show_default=False,
        ),
    ] = None,
    rate: Annotated[
        float | None, typer.Option("--rate", help="Messages per second, over all nodes.", show_default=False)
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", help="Sends in flight at once, over all nodes.", show_default=False)
    ] = None,
    uncertain: Annotated[
        list[str] | None,
        typer.Option(
            "--uncertain",
            metavar="PURPOSE=POLICY",
            help="What to do with a send of which nobody knows whether it went out: resend or fail, by purpose.",
            show_default=False,
        ),
    ] = None,
    inbound_url: Annotated[
        str | None,
        typer.Option(
            "--inbound-url", metavar="URL", help="Where messages from people are brought.", show_default=False
        ),
    ] = None,
    senders: Annotated[
        list[str] | None,
        typer.Option(
            "--known-as",
            metavar="SENDER",
            help="A name by which programs written for another vendor's API know this sender.",
            show_default=False,
        ),
    ] = None,
    track_links: Annotated[
        bool, typer.Option("--track-links", help="Track link buttons that have an id, and report clicks.")
    ] = False,
    media: Annotated[
        str | None,
        typer.Option(
            "--media",
            metavar="POLICY",
            help="What is done about the files of messages before they are sent: as_is (nothing), probe or fit.",
            show_default=False,
        ),
    ] = None,
    sessions: Annotated[
        str | None,
        typer.Option(
            "--sessions",
            metavar="JSON",
            help="How session content is treated: the `sessions` of the API.",
            show_default=False,
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Add a channel, and set it up at its network where the network must hear of it.

    For example: `tyrian channels add shop-bot viber_bot --set sender_name=Shop --secret token`
    """
    from tyrian.cli import channel_work as work

    given: dict[str, Any] = {
        "rate": rate,
        "concurrency": concurrency,
        "uncertain": options.pairs("--uncertain", uncertain),
        "inbound_url": inbound_url,
        "senders": senders or None,
        "track_links": track_links or None,
        "media": media,
        "sessions": options.parsed("--sessions", sessions),
    }
    fine = work.add(where, name, kind, options.pairs("--set", settings), secrets or [], given, as_json=as_json)
    raise typer.Exit(Exit.OK if fine else Exit.FAILED)


@group.command("show")
@placed
def show(
    where: Where,
    name: Name,
    as_json: options.AsJson = False,
) -> None:
    """Show a channel with its settings; secrets are shown by name alone."""
    from tyrian.cli import channel_work as work

    work.show(where, name, as_json=as_json)


@group.command("remove")
@placed
def remove(
    where: Where,
    name: Name,
    yes: options.Yes = False,
) -> None:
    """Remove a channel. What waits for it goes on to the next step of its cascade."""
    from tyrian.cli import channel_work as work

    options.sure(f'Remove the channel "{name}"? Messages that wait for it move on or fail.', yes=yes)
    work.remove(where, name)


@group.command("pause")
@placed
def pause(
    where: Where,
    name: Name,
    as_json: options.AsJson = False,
) -> None:
    """Hold what is due on a channel, until it is resumed."""
    from tyrian.cli import channel_work as work

    work.set_active(where, name, active=False, as_json=as_json)


@group.command("resume")
@placed
def resume(
    where: Where,
    name: Name,
    as_json: options.AsJson = False,
) -> None:
    """Let a paused channel send again."""
    from tyrian.cli import channel_work as work

    work.set_active(where, name, active=True, as_json=as_json)


@group.command("check")
@placed
def check(
    where: Where,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The channel's name; all channels unless given.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Ask the network whether a channel can work. The exit code is 1 if one cannot."""
    from tyrian.cli import channel_work as work

    fine = work.check(where, name, as_json=as_json)
    raise typer.Exit(Exit.OK if fine else Exit.FAILED)
