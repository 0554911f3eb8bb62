"""Where settings come from, what is refused and how, and that the documentation has them all."""

import ipaddress
from pathlib import Path
from typing import Any

import pytest

from tyrian import setting_readers
from tyrian.settings import (
    SETTINGS,
    Settings,
    SettingsError,
    default_data_dir,
    load,
    reference_table,
    unknown_variables,
)

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "settings.md"
KEY = "0123456789abcdef0123456789abcdef"
PASSWORD = "hunter2"


def test_nothing_given_is_the_defaults() -> None:
    assert load(environ={"XDG_DATA_HOME": "/data"}) == Settings(data_dir=Path("/data/tyrian"))


def test_command_line_goes_before_environment_before_file(tmp_path: Path) -> None:
    config = tmp_path / "tyrian.toml"
    config.write_text('port = 1\nworkers = 2\nlog_level = "error"\n')
    settings = load(config, {"port": 3, "workers": None}, {"TYRIAN_PORT": "2", "TYRIAN_LOG_LEVEL": "debug"})
    assert (settings.port, settings.workers, settings.log_level) == (3, 2, "debug")


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    config = tmp_path / "tyrian.toml"
    config.write_text('allow_private_callbacks = ["10.0.0.0/8"]\n')
    settings = load(environ={"TYRIAN_CONFIG": str(config)})
    assert settings.allow_private_callbacks == (ipaddress.ip_network("10.0.0.0/8"),)


def test_an_empty_variable_is_not_set() -> None:
    assert load(environ={"TYRIAN_PORT": ""}).port == 8080


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("host", " ::1 ", "::1"),
        ("port", "0", 0),
        ("workers", 4, 4),
        ("role", "API", "api"),
        ("key_rate", "12.5", 12.5),
        ("key_rate", 3, 3.0),
        ("public_url", "https://sms.example.org/", "https://sms.example.org"),
        ("database_url", "postgresql:///tyrian?host=/run", "postgresql:///tyrian?host=/run"),
        ("data_dir", "/srv/tyrian", Path("/srv/tyrian")),
        ("secret_key", KEY, KEY),
        ("old_secret_keys", f"{KEY}, {KEY[::-1]}", (KEY, KEY[::-1])),
        ("allow_private_callbacks", "true", setting_readers.EVERYWHERE),
        ("allow_private_callbacks", True, setting_readers.EVERYWHERE),
        ("allow_private_callbacks", "no", ()),
        ("trusted_proxies", "192.0.2.7", (ipaddress.ip_network("192.0.2.7/32"),)),
        (
            "trusted_proxies",
            ["::1", "10.0.0.0/8"],
            (ipaddress.ip_network("::1/128"), ipaddress.ip_network("10.0.0.0/8")),
        ),
    ],
)
def test_values_are_understood(name: str, given: Any, value: Any) -> None:
    assert getattr(load(overrides={name: given}, environ={}), name) == value


@pytest.mark.parametrize(
    ("variable", "given", "sentence"),
    [
        ("TYRIAN_PORT", "http", 'TYRIAN_PORT must be a whole number from 0 to 65535, not "http".'),
        ("TYRIAN_PORT", "65536", 'TYRIAN_PORT must be a whole number from 0 to 65535, not "65536".'),
        ("TYRIAN_WORKERS", "1.5", 'TYRIAN_WORKERS must be a whole number from 1 to 256, not "1.5".'),
        ("TYRIAN_KEY_RATE", "nan", 'TYRIAN_KEY_RATE must be a number from 0 to 1000000, not "nan".'),
        ("TYRIAN_HOST", "  ", 'TYRIAN_HOST must be text that is not empty, not "  ".'),
        ("TYRIAN_DATA_DIR", "a\0b", 'TYRIAN_DATA_DIR must be a path, not "a\0b".'),
        ("TYRIAN_ROLE", "boss", 'TYRIAN_ROLE must be one of all, api, dispatch, callbacks, not "boss".'),
        (
            "TYRIAN_PUBLIC_URL",
            "sms.example.org",
            (
                "TYRIAN_PUBLIC_URL must be an http:// or https:// URL with a host, and without a query, "
                'not "sms.example.org".'
            ),
        ),
        (
            "TYRIAN_TRUSTED_PROXIES",
            "10.0.0.1/8",
            'TYRIAN_TRUSTED_PROXIES must be a list of networks such as 10.0.0.0/8, 192.0.2.7, ::1, not "10.0.0.1/8".',
        ),
        (
            "TYRIAN_ALLOW_PRIVATE_CALLBACKS",
            "maybe",
            (
                "TYRIAN_ALLOW_PRIVATE_CALLBACKS must be true, false, or a list of networks such as 10.0.0.0/8, "
                '192.0.2.7, ::1, not "maybe".'
            ),
        ),
        (
            "TYRIAN_DATABASE_URL",
            f"mysql://root:{PASSWORD}@db",
            "TYRIAN_DATABASE_URL must be a URL such as postgresql://user:password@host:5432/database.",
        ),
        (
            "TYRIAN_SECRET_KEY",
            PASSWORD,
            "TYRIAN_SECRET_KEY must have at least 32 characters, chosen at random (openssl rand -base64 32).",
        ),
    ],
)
def test_a_wrong_value_gives_one_sentence(variable: str, given: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(environ={variable: given})
    assert refused.value.sentences == [sentence]


def test_all_problems_come_at_once_and_say_where(tmp_path: Path) -> None:
    config = tmp_path / "tyrian.toml"
    config.write_text("ports = 1\nworkers = true\nlog_level = 3\n")
    with pytest.raises(SettingsError) as refused:
        load(config, {"drain_seconds": "-1"}, {"TYRIAN_ROLE": "x"})
    assert refused.value.sentences == [
        f"ports in {config} is not a setting; perhaps port was meant.",
        f"workers in {config} must be a whole number from 1 to 256, not True.",
        f"log_level in {config} must be one of debug, info, warning, error, not 3.",
        'TYRIAN_ROLE must be one of all, api, dispatch, callbacks, not "x".',
        '--drain-seconds must be a whole number from 0 to 3600, not "-1".',
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read: No such file"), (b"port = ", "is not valid TOML"), (b"\xff", "is not valid TOML")],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, content: bytes | None, words: str) -> None:
    config = tmp_path / "tyrian.toml"
    if content is not None:
        config.write_bytes(content)
    with pytest.raises(SettingsError, match=words):
        load(config, environ={})


def test_misspelt_variables_are_found() -> None:
    environ = {"TYRIAN_PROT": "1", "TYRIAN_PORT": "1", "TYRIAN_CONFIG": "x", "TYRIAN_ZZZZZZ": "", "PATH": "/bin"}
    assert unknown_variables(environ) == [
        "TYRIAN_PROT is not a setting; perhaps TYRIAN_PORT was meant.",
        "TYRIAN_ZZZZZZ is not a setting.",
    ]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::", "http://[::1]:8080"),
        ("gateway", "http://gateway:8080"),
    ],
)
def test_the_public_url_is_where_the_server_listens(host: str, url: str) -> None:
    assert Settings(host=host).public_url == url


def test_secrets_are_never_shown() -> None:
    settings = Settings(
        secret_key=KEY, old_secret_keys=(KEY[::-1],), database_url=f"postgresql://tyrian:{PASSWORD}@db/tyrian"
    )
    for text in (repr(settings), str(settings), repr(settings.shown())):
        assert KEY not in text
        assert KEY[::-1] not in text
        assert PASSWORD not in text
    assert settings.shown()["secret_key"] == "***"
    assert Settings().shown()["secret_key"] is None


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(
            secret_key=KEY,
            old_secret_keys=(KEY, KEY[::-1]),
            allow_private_callbacks=setting_readers.EVERYWHERE,
            trusted_proxies=(ipaddress.ip_network("::1/128"),),
            database_url="postgresql://db/tyrian",
            key_rate=0.5,
            role="dispatch",
        ),
    ],
    ids=["defaults", "all kinds of values"],
)
def test_settings_survive_the_environment(settings: Settings) -> None:
    assert load(environ=settings.environment()) == settings


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"XDG_DATA_HOME": "/x"}, Path("/x/tyrian")),
        ({"XDG_DATA_HOME": "relative"}, Path.home() / ".local/share/tyrian"),
        ({}, Path.home() / ".local/share/tyrian"),
    ],
)
def test_the_data_folder_is_the_users(environ: dict[str, str], folder: Path) -> None:
    assert default_data_dir(environ) == folder


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.name)
def test_every_setting_says_what_it_does(setting: Any) -> None:
    assert setting.doc.endswith(".")
    assert setting.default


def test_the_documentation_has_the_table_of_settings() -> None:
    assert reference_table() in PAGE.read_text("utf-8"), (
        "docs/reference/settings.md is out of date; replace its table by what `python -m tyrian.settings` prints"
    )
