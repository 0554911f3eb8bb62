"""The settings of a gateway: what can be set, how it is read, and what each one means.

Each field of `Settings` carries its own documentation and its own reader; `SETTINGS` is the same as a table, from
which the documentation is made (`python -m tyrian.settings` prints it). A setting named `port` is read, first found
first taken, from the command line, the environment (`TYRIAN_PORT`), and the TOML file (`port = 8080`).
"""

import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, get_type_hints

from tyrian.setting_readers import (
    Reader,
    choice,
    http_url,
    networks,
    networks_or_switch,
    number,
    path,
    postgresql_url,
    secret,
    secrets,
    text,
    whole,
)

#: What every environment variable of ours begins with.
PREFIX: Final = "TYRIAN_"
#: Names the TOML file in the environment; not a setting itself.
CONFIG_VARIABLE: Final = "TYRIAN_CONFIG"
#: What is shown instead of a secret.
HIDDEN: Final = "***"

Network = IPv4Network | IPv6Network


class SettingsError(Exception):
    """Settings that cannot be used: one sentence for each, naming the setting and what it should be."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


class About(NamedTuple):
    """What is known of a setting beside its name, type and default."""

    doc: str
    read: Reader
    unit: str = ""
    secret: bool = False
    #: The default in words, where the value itself would say nothing or differs from machine to machine.
    default: str | None = None


def default_data_dir(environ: Mapping[str, str] | None = None) -> Path:
    """The user's data folder by the XDG Base Directory specification, and `tyrian` in it."""
    environ = os.environ if environ is None else environ
    base = environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "share") / "tyrian"


@dataclass(frozen=True, kw_only=True, repr=False)
class Settings:
    """All settings. Immutable; `repr` shows no secrets."""

    database_url: Annotated[
        str | None,
        About(
            "The PostgreSQL database to use; without it, Tyrian starts a private PostgreSQL in the data folder.",
            postgresql_url,
            secret=True,
            default="the embedded PostgreSQL",
        ),
    ] = None
    data_dir: Annotated[
        Path,
        About(
            "The folder for the embedded database and the generated secret key.",
            path,
            default="`$XDG_DATA_HOME/tyrian`, or `~/.local/share/tyrian`",
        ),
    ] = field(default_factory=default_data_dir)
    host: Annotated[str, About("The address that the HTTP server listens on.", text)] = "127.0.0.1"
    port: Annotated[int, About("The port that the HTTP server listens on.", whole(0, 65535))] = 8080
    public_url: Annotated[
        str,
        About(
            "The URL at which networks reach this gateway from outside; webhooks are registered below it.",
            http_url,
            default="`http://<host>:<port>`",
        ),
    ] = ""
    workers: Annotated[int, About("The processes that `tyrian serve` starts on this machine.", whole(1, 256))] = 1
    role: Annotated[
        Literal["all", "api", "dispatch", "callbacks"],
        About(
            "What this node does: everything, take requests, send messages, or deliver callbacks.",
            choice("all", "api", "dispatch", "callbacks"),
        ),
    ] = "all"
    secret_key: Annotated[
        str | None,
        About(
            "The key that encrypts secrets at rest, at least 32 characters; all nodes of a database share it.",
            secret(32),
            secret=True,
            default="made at the first start, kept in `<data_dir>/secret.key`",
        ),
    ] = None
    old_secret_keys: Annotated[
        tuple[str, ...],
        About(
            "Earlier secret keys, separated by commas: they still open what they sealed, and seal nothing new.",
            secrets(32),
            secret=True,
            default="none",
        ),
    ] = ()
    allow_private_callbacks: Annotated[
        tuple[Network, ...],
        About(
            "The private networks that callbacks and media downloads may reach: `true` for all, or a list such as "
            "`10.1.0.0/16, ::1`.",
            networks_or_switch,
            default="`false`",
        ),
    ] = ()
    trusted_proxies: Annotated[
        tuple[Network, ...],
        About(
            "The proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` headers are believed.",
            networks,
            default="none",
        ),
    ] = ()
    record_click_addresses: Annotated[
        Literal["no", "yes"],
        About(
            "Whether the network address of whoever follows a tracked link is kept and reported.", choice("no", "yes")
        ),
    ] = "no"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        About("The least important messages that are logged.", choice("debug", "info", "warning", "error")),
    ] = "info"
    log_format: Annotated[
        Literal["text", "json"],
        About("How log lines look: `text` for people, `json` for programs.", choice("text", "json")),
    ] = "text"
    retention_days: Annotated[int, About("How long messages and attempts are kept.", whole(1, 36500), "days")] = 90
    event_retention_days: Annotated[
        int,
        About("How long the history of messages, with the bytes exchanged, is kept.", whole(1, 36500), "days"),
    ] = 90
    conversation_retention_days: Annotated[
        int | None,
        About(
            "How long conversations are kept after they were closed.",
            whole(1, 36500),
            "days",
            default="`retention_days`",
        ),
    ] = None
    idempotency_hours: Annotated[
        int,
        About(
            "How long a request repeated with its `Idempotency-Key` gets the first answer again.",
            whole(1, 720),
            "hours",
        ),
    ] = 24
    max_body_bytes: Annotated[
        int, About("The largest request body that is read.", whole(1024, 1_073_741_824), "bytes")
    ] = 8_388_608
    max_messages_per_request: Annotated[
        int, About("The most messages that one request may carry.", whole(1, 1_000_000), "messages")
    ] = 10_000
    key_rate: Annotated[
        float,
        About(
            "The requests that a key without a rate of its own may make on one node; 0 sets no limit.",
            number(0, 1_000_000),
            "requests/s",
        ),
    ] = 0.0
    drain_seconds: Annotated[
        int,
        About(
            "How long a stopping node finishes what it has begun before it leaves the rest to others.",
            whole(0, 3600),
            "seconds",
        ),
    ] = 25
    callback_give_up_hours: Annotated[
        int,
        About("How long a callback is tried again before it is parked for redelivery by hand.", whole(1, 720), "hours"),
    ] = 48
    button_code_days: Annotated[
        int, About("How long a button with data can be pressed after it was shown.", whole(1, 3650), "days")
    ] = 7
    media_max_bytes: Annotated[
        int, About("The largest file that is taken in or fetched to be hosted.", whole(1024, 4_294_967_296), "bytes")
    ] = 209_715_200
    media_quota_bytes: Annotated[
        int, About("The bytes of hosted files that one account may have.", whole(0, 2**50), "bytes")
    ] = 5_368_709_120
    media_retention_days: Annotated[
        int, About("How long a hosted file is kept, and its links serve it.", whole(1, 36500), "days")
    ] = 30
    media_fetch_seconds: Annotated[
        int,
        About("How long fetching a file by its URL may take in all, redirects included.", whole(1, 3600), "seconds"),
    ] = 60
    database_connections: Annotated[
        int, About("The most connections that each process opens for its work.", whole(2, 1000), "connections")
    ] = 12
    database_reading_connections: Annotated[
        int, About("The most connections that each process opens for lists and reports.", whole(1, 1000), "connections")
    ] = 6

    def __post_init__(self) -> None:
        if not self.public_url:
            object.__setattr__(self, "public_url", f"http://{_reachable(self.host)}:{self.port}")

    def shown(self) -> dict[str, Any]:
        """Every setting with its value, as may be shown to people: secrets that are set are replaced by `***`."""
        hidden = {s.name for s in SETTINGS if s.secret}
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: HIDDEN if name in hidden and value else value for name, value in values.items()}

    def environment(self) -> dict[str, str]:
        """The same settings as environment variables, secrets included, for a process of ours started by this one."""
        given = {s.variable: getattr(self, s.name) for s in SETTINGS}
        texts = {
            v: ",".join(map(str, x)) if isinstance(x, tuple) else str(x) for v, x in given.items() if x is not None
        }
        return {variable: text for variable, text in texts.items() if text}

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.shown().items())})"


def _reachable(host: str) -> str:
    """How this machine itself calls an address that it listens on, as a URL spells it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  recognised here, not bound to
    return f"[{host}]" if ":" in host else host


class Setting(NamedTuple):
    """One row of the table of settings."""

    name: str
    doc: str
    read: Reader
    unit: str
    secret: bool
    #: The default in words, for people.
    default: str

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + self.name.upper()


def _table() -> tuple[Setting, ...]:
    hints = get_type_hints(Settings, include_extras=True)
    abouts: dict[str, About] = {f.name: hints[f.name].__metadata__[0] for f in fields(Settings)}
    defaults = {f.name: f.default for f in fields(Settings)}
    return tuple(
        Setting(name, a.doc, a.read, a.unit, a.secret, a.default or f"`{_plain(defaults[name])}`")
        for name, a in abouts.items()
    )


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


#: All settings, in the order in which the documentation lists them.
SETTINGS: Final = _table()
_BY_NAME: Final = {s.name: s for s in SETTINGS}


# -- Reading ----------------------------------------------------------------------------------------------------------


def load(
    config: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of this process. `overrides` are the command line's; those that are None were not given.

    `config` names the TOML file, or else `TYRIAN_CONFIG` does. Raises `SettingsError` with every problem found.
    """
    environ = os.environ if environ is None else environ
    problems: list[str] = []
    values: dict[str, Any] = {"data_dir": default_data_dir(environ)}
    for label, source in (
        *_file_layers(config, environ, problems),
        ("{variable}", {s.name: environ[s.variable] for s in SETTINGS if environ.get(s.variable, "") != ""}),
        ("--{option}", {name: value for name, value in (overrides or {}).items() if value is not None}),
    ):
        for name, given in source.items():
            _take(name, given, label, values, problems)
    if problems:
        raise SettingsError(problems)
    return Settings(**values)


def unknown_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """Sentences about variables that look like ours and set nothing: most likely misspelt."""
    environ = os.environ if environ is None else environ
    known = [CONFIG_VARIABLE, *(s.variable for s in SETTINGS)]
    strange = sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
    return [f"{name} is not a setting{_did_you_mean(name, known)}." for name in strange]


def _file_layers(
    config: Path | None, environ: Mapping[str, str], problems: list[str]
) -> list[tuple[str, dict[str, Any]]]:
    named = config or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    if named is None:
        return []
    try:
        return [(f"{{name}} in {named}", tomllib.loads(named.read_text("utf-8")))]
    except OSError as error:
        problems.append(f"The settings file {named} cannot be read: {error.strerror}.")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"The settings file {named} is not valid TOML: {error}.")
    return []


def _take(name: str, given: Any, label: str, values: dict[str, Any], problems: list[str]) -> None:
    setting = _BY_NAME.get(name)
    where = label.format(name=name, variable=PREFIX + name.upper(), option=name.replace("_", "-"))
    if setting is None:
        problems.append(f"{where} is not a setting{_did_you_mean(name, list(_BY_NAME))}.")
        return
    try:
        values[name] = setting.read(given)
    except ValueError as error:
        problems.append(f"{where} {error}." if setting.secret else f"{where} {error}, not {_quoted(given)}.")


def _quoted(given: Any) -> str:
    return f'"{given}"' if isinstance(given, str) else str(given)


def _did_you_mean(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; perhaps {close[0]} was meant" if close else ""


# -- Documentation ----------------------------------------------------------------------------------------------------


def reference_table() -> str:
    """The table of settings in Markdown, as `docs/reference/settings.md` has it."""
    lines = ["| setting | default | unit | what it does |", "|---|---|---|---|"]
    for s in SETTINGS:
        doc = s.doc.replace("|", "\\|") + (" Secret: never shown." if s.secret else "")
        lines.append(f"| `{s.name}`<br>`{s.variable}` | {s.default} | {s.unit} | {doc} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(reference_table())
