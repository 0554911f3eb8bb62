"""Options that several commands share, each with one meaning everywhere."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tyrian.cli.failures import Exit, Failure

DEFAULT_URL: Final = "http://127.0.0.1:8080"

Url = Annotated[
    str,
    typer.Option("--url", metavar="URL", envvar="TYRIAN_URL", help="Where the gateway is.", rich_help_panel="Gateway"),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        envvar="TYRIAN_API_KEY",
        help="Your API key. A gateway on this machine is tried with the demo's key if you give none.",
        show_default=False,
        rich_help_panel="Gateway",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="A TOML file with settings; `TYRIAN_CONFIG` may name it instead."),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", metavar="DIR", help="The folder for the embedded database and the secret key.", show_default=False
    ),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        help="A PostgreSQL database of your own, instead of the embedded one.",
        metavar="URL",
        show_default=False,
    ),
]
LogLevel = Annotated[
    str | None,
    typer.Option("--log-level", help="The least important log lines shown: debug, info, warning or error."),
]
LogFormat = Annotated[
    str | None, typer.Option("--log-format", help="How log lines look: `text` for people, `json` for programs.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]

# -- What to send, and when -------------------------------------------------------------------------------------------

_WHAT: Final = "What to send"
_WHEN: Final = "When"

Channel = Annotated[
    str | None,
    typer.Option(
        "--channel",
        "-c",
        help="The channel to send on; may be left out where the account has only one.",
        show_default=False,
        rich_help_panel=_WHAT,
    ),
]
Fallback = Annotated[
    list[str] | None,
    typer.Option(
        "--fallback",
        "-f",
        help="A channel to try next if the one before does not deliver; may be given several times.",
        show_default=False,
        rich_help_panel=_WHAT,
    ),
]
FallbackTime = Annotated[
    int | None,
    typer.Option(
        "--fallback-time",
        min=1,
        help="Seconds to wait for a delivery before the next channel is tried. Without it, only a failure leads on.",
        show_default=False,
        rich_help_panel=_WHAT,
    ),
]
FallbackText = Annotated[
    str | None,
    typer.Option(
        "--fallback-text",
        help="The text on the fallback channels, where it is another one.",
        show_default=False,
        rich_help_panel=_WHAT,
    ),
]
Content = Annotated[
    str | None,
    typer.Option(
        "--content",
        help="Any content as JSON, or `@FILE` with it, instead of a text.",
        metavar="JSON",
        show_default=False,
        rich_help_panel=_WHAT,
    ),
]
Cascade = Annotated[
    str | None,
    typer.Option(
        "--cascade",
        help="A whole cascade as the API takes it, as JSON or `@FILE`, instead of text and channels.",
        metavar="JSON",
        show_default=False,
        rich_help_panel=_WHAT,
    ),
]
PurposeWord = Annotated[
    str | None,
    typer.Option(
        "--purpose",
        "-p",
        help="What the message is for: transactional, promotional, session or otp; transactional unless given.",
        show_default=False,
        rich_help_panel=_WHAT,
    ),
]
CallbackUrl = Annotated[
    str | None,
    typer.Option(
        "--callback-url",
        help="Where the gateway reports what became of it.",
        metavar="URL",
        show_default=False,
        rich_help_panel=_WHAT,
    ),
]
CallbackData = Annotated[
    str | None,
    typer.Option(
        "--callback-data",
        help="A text of yours, handed back with each report.",
        show_default=False,
        rich_help_panel=_WHAT,
    ),
]
SendAt = Annotated[
    str | None,
    typer.Option(
        "--send-at",
        help="The time to start, with its offset: 2026-03-01T09:00:00+01:00.",
        metavar="TIME",
        show_default=False,
        rich_help_panel=_WHEN,
    ),
]
Speed = Annotated[
    str | None,
    typer.Option(
        "--speed",
        help="At most so many messages a minute, hour or day: `6000/hour`.",
        metavar="N/UNIT",
        show_default=False,
        rich_help_panel=_WHEN,
    ),
]
Window = Annotated[
    str | None,
    typer.Option(
        "--window",
        help="The hours in which messages may leave: `09:00-20:00`. It may run over midnight.",
        metavar="FROM-TO",
        show_default=False,
        rich_help_panel=_WHEN,
    ),
]
Days = Annotated[
    str | None,
    typer.Option(
        "--days",
        help="The days on which the window opens: `monday,tuesday`. Every day unless given.",
        show_default=False,
        rich_help_panel=_WHEN,
    ),
]
TimeZone = Annotated[
    str | None,
    typer.Option(
        "--time-zone",
        help="The time zone of the window: `Europe/Zagreb`. UTC unless given.",
        show_default=False,
        rich_help_panel=_WHEN,
    ),
]
Validity = Annotated[
    int | None,
    typer.Option(
        "--validity",
        help="Seconds after which a message not delivered is given up; 48 hours unless given.",
        show_default=False,
        rich_help_panel=_WHEN,
    ),
]

# -- Reading options -------------------------------------------------------------------------------------------------


def pairs(option: str, given: list[str] | None) -> dict[str, str]:
    """Options of the form NAME=VALUE. Raises `Failure`."""
    found: dict[str, str] = {}
    for text in given or ():
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise Failure(f'{option} takes NAME=VALUE, not "{text}".', code=Exit.USAGE)
        found[name.strip()] = value
    return found


def parsed(option: str, text: str | None) -> Any:
    """An option that is JSON; None if it was not given. Raises `Failure`."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise Failure(f"{option} takes JSON: {error}.", code=Exit.USAGE) from error


def sure(question: str, *, yes: bool) -> None:
    """Asks before something that cannot be undone. Raises `Failure` for a no, and where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Failure("Nobody can be asked here whether this is meant; say so with --yes.", code=Exit.USAGE)
    if not typer.confirm(question):
        raise Failure("Nothing was done.")
