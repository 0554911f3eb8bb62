"""Which gateway a command means, or which database: the options for it, given to many commands alike."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tyrian.cli import options

_PANEL: Final = "On the database, without a gateway"


@dataclass(slots=True, kw_only=True)
class Where:
    """A gateway and a key, or with `local` a database and an account in it."""

    url: str
    key: str | None
    local: bool = False
    account: str | None = None
    config: Path | None = None
    data_dir: Path | None = None
    database_url: str | None = None


_OPTIONS: Final[dict[str, tuple[Any, Any]]] = {
    "url": (options.Url, options.DEFAULT_URL),
    "key": (options.Key, None),
    "local": (
        Annotated[
            bool,
            typer.Option(
                "--local", help="Work on this machine's database itself; no key is needed.", rich_help_panel=_PANEL
            ),
        ],
        False,
    ),
    "account": (
        Annotated[
            str | None,
            typer.Option(
                "--account",
                help="Whose it is; may be left out while there is only one account.",
                metavar="NAME",
                show_default=False,
                rich_help_panel=_PANEL,
            ),
        ],
        None,
    ),
    "config": (
        Annotated[
            Path | None,
            typer.Option(
                "--config",
                metavar="FILE",
                help="The gateway's file of settings.",
                show_default=False,
                rich_help_panel=_PANEL,
            ),
        ],
        None,
    ),
    "data_dir": (
        Annotated[
            Path | None,
            typer.Option(
                "--data-dir",
                metavar="DIR",
                help="The gateway's data folder.",
                show_default=False,
                rich_help_panel=_PANEL,
            ),
        ],
        None,
    ),
    "database_url": (
        Annotated[
            str | None,
            typer.Option(
                "--database-url",
                help="The gateway's database.",
                metavar="URL",
                show_default=False,
                rich_help_panel=_PANEL,
            ),
        ],
        None,
    ),
}


def placed(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of a place; what they say comes to it as its argument `where`."""
    own = [p for p in inspect.signature(command).parameters.values() if p.name != "where"]
    added = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in _OPTIONS.items()
    ]

    @wraps(command)
    def run(**given: Any) -> None:
        where = Where(**{name: given.pop(name) for name in _OPTIONS})
        command(where=where, **given)

    parameters = [*(p.replace(kind=Parameter.KEYWORD_ONLY) for p in own), *added]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run
