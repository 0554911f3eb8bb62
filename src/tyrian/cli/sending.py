"""`tyrian send`: one message."""

from typing import Annotated

import typer

from tyrian.cli import options
from tyrian.cli.failures import Exit


def send(
    to: Annotated[
        str, typer.Argument(help="The recipient: a phone number, or the id that the channel's network gives.")
    ],
    text: Annotated[str | None, typer.Argument(help="What to say.", show_default=False)] = None,
    channel: options.Channel = None,
    fallback: options.Fallback = None,
    fallback_time: options.FallbackTime = None,
    fallback_text: options.FallbackText = None,
    content: options.Content = None,
    cascade: options.Cascade = None,
    purpose: options.PurposeWord = None,
    callback_url: options.CallbackUrl = None,
    callback_data: options.CallbackData = None,
    send_at: options.SendAt = None,
    window: options.Window = None,
    days: options.Days = None,
    time_zone: options.TimeZone = None,
    validity: options.Validity = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            "--idempotency-key",
            help="A word of yours for this message: repeated with the same word, it is not sent again.",
            show_default=False,
        ),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="Stay until the message has an outcome, and show how it gets there.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", min=0, help="Seconds that `--wait` stays at most.", show_default=False),
    ] = None,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Send one message.

    The text goes out on `--channel`; each `--fallback` is tried in turn if the one before does not deliver. With
    `--wait` the exit code tells the outcome: 0 when it was delivered, 1 when it failed, expired or was cancelled.
    """
    from tyrian.cli.client import run
    from tyrian.cli.following import send_one
    from tyrian.cli.plans import Wanted

    wanted = Wanted(
        text=text,
        channel=channel,
        fallback=fallback,
        fallback_time=fallback_time,
        fallback_text=fallback_text,
        content=content,
        cascade=cascade,
        purpose=purpose,
        callback_url=callback_url,
        callback_data=callback_data,
        send_at=send_at,
        window=window,
        days=days,
        time_zone=time_zone,
        validity=validity,
    )
    delivered = run(send_one(url, key, to, wanted, idempotency_key, wait=wait, patience=timeout, as_json=as_json))
    raise typer.Exit(Exit.OK if delivered else Exit.FAILED)


def message(
    message_id: Annotated[str, typer.Argument(metavar="ID", help="The message's id.")],
    exchanges: Annotated[
        bool,
        typer.Option("--exchanges", "-x", help="Show what was said to networks and endpoints, byte for byte."),
    ] = False,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Show a message's timeline: its attempts, its history with reasons, and its callbacks."""
    from tyrian.cli.client import run
    from tyrian.cli.timeline import show

    run(show(url, key, message_id, exchanges=exchanges, as_json=as_json))
