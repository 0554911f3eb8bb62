"""`tyrian bulk`: a file of recipients, from one row to a million."""

from pathlib import Path
from typing import Annotated

import typer

from tyrian.cli import options


def bulk(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv",
            help="The recipients: a column `to`, and a column for each variable of the text.",
            show_default=False,
        ),
    ],
    text: Annotated[
        str | None,
        typer.Option(
            "--text",
            "-t",
            help="What to say; `{{name}}` stands for the column `name`.",
            show_default=False,
            rich_help_panel="What to send",
        ),
    ] = None,
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
    speed: options.Speed = None,
    window: options.Window = None,
    days: options.Days = None,
    time_zone: options.TimeZone = None,
    validity: options.Validity = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="A name to find the bulk by; the file's unless given.", show_default=False),
    ] = None,
    skip_bad: Annotated[
        bool,
        typer.Option("--skip-bad", help="Leave bad rows out and send the others, instead of refusing the whole file."),
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume", metavar="BULK_ID", help="Go on with an upload that was interrupted.", show_default=False
        ),
    ] = None,
    chunk: Annotated[int, typer.Option("--chunk", min=1, max=100_000, help="Rows in one request.")] = 5000,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Stay after the upload and show how the messages get on.")
    ] = False,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Send to all recipients in a CSV file, from one row to a million.

    The file is read row by row and uploaded in chunks. Rows that cannot be sent are reported with their line numbers;
    unless `--skip-bad` is given, a file with any is refused and nothing of it is sent. An upload that was interrupted
    goes on where it was when the same command is run again.
    """
    from tyrian.cli.bulk_upload import Job, upload
    from tyrian.cli.client import run
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
        speed=speed,
        window=window,
        days=days,
        time_zone=time_zone,
        validity=validity,
    )
    job = Job(file=file, wanted=wanted, name=name, skip_bad=skip_bad, resume=resume, chunk=chunk, as_json=as_json)
    bulk_id = run(upload(url, key, job))
    if watch:
        from tyrian.cli.watching import watch_bulk

        run(watch_bulk(url, key, bulk_id, interval=1.0, as_json=as_json))
