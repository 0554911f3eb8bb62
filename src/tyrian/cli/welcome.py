"""What a gateway says when it is ready: one line, or the demo's page of what to try."""

from typing import Final

from tyrian.demo import ACCOUNT, FACE_KEYS, NATIVE_KEY
from tyrian.engine.keys import Form
from tyrian.settings import Settings

#: The demo's handsets: the last two digits of a number, and what happens to a message to it.
HANDSETS: Final = (
    ("01", "Viber delivered, seen a second later; SMS delivered (as any ending not listed)"),
    ("02", "Viber delivered, never seen"),
    ("03", "the provider takes the send and never answers: nobody knows whether it went out"),
    ("04", "not a Viber user: refused at once; SMS delivered"),
    ("05", "has blocked the sender"),
    ("06", "seen without delivered"),
    ("07", "delivered late: 30 s after the fallback time has passed"),
    ("08", "the provider answers 500 twice, then accepts"),
    ("09", "phone off: Viber never delivers, the fallback goes out; SMS delivered"),
    ("10", "neither Viber nor SMS delivers"),
    ("11", "replies: answers every message with the text `echo: ...`"),
)

CHANNELS: Final = (
    ("demo-viber", "Viber Business Messages, service id 1001"),
    ("demo-bot", "a Viber bot"),
    ("demo-sms", "SMS by SMPP, sender TyrianDemo"),
)

_DEMO: Final = """\
Tyrian's demo is ready at {url} ({pace}Ctrl-C stops it)

Account {account}, API key {key}

Channels
{channels}

Programs written for another API work here, too: point their base URL at {url}
{dialects}

Handsets: every phone number is one, and its last two digits choose what happens
{handsets}

Try it: send to a handset that is off, with SMS as the fallback after a minute
curl -X POST {url}/api/v1/messages -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d '{body}'

Or with this command line
tyrian send +385991234509 'Your order is on its way' --channel demo-viber --fallback demo-sms --fallback-time 60 \\
  --url {url} --wait
"""
_BODY: Final = (
    '{"to": "+385991234509", "cascade": ['
    '{"channel": "demo-viber", "content": {"type": "text", "text": "Your order is on its way"}, "fallback_time": 60}, '
    '{"channel": "demo-sms", "content": {"type": "text", "text": "Your order is on its way"}}]}'
)


def ready(settings: Settings) -> str:
    """The line that says that a gateway takes requests now, where, on which database, and in which role."""
    database = "your own" if settings.database_url else f"embedded, in {settings.data_dir}"
    workers = f", {settings.workers} workers" if settings.workers > 1 else ""
    return f"Tyrian is ready at {address(settings)} (database: {database}; role: {settings.role}{workers})"


def demo(settings: Settings, scale: float) -> str:
    """The demo's page: where it is, who one is, and what to try."""
    return _DEMO.format(
        url=address(settings),
        pace="" if scale == 1 else f"time runs {scale:g} times as fast; ",
        account=ACCOUNT,
        key=NATIVE_KEY,
        channels=_columns(CHANNELS),
        dialects=_columns(dialects()),
        handsets=_columns(HANDSETS),
        body=_BODY,
    )


def dialects() -> tuple[tuple[str, str], ...]:
    """The demo's credentials for the vendors' APIs, as each wants them."""
    keys = {(key["face"], key.get("form", Form.TOKEN)): key for key in FACE_KEYS}
    telesign = keys["telesign", Form.SIGNED]
    return (
        ("Infobip", f"Authorization: App {keys['infobip', Form.TOKEN]['secret']}"),
        ("Telesign", f"customer id {telesign['identity']}"),
        ("", f"API key {telesign['secret']}"),
        ("tyntec", f"apikey: {keys['tyntec', Form.TOKEN]['secret']}"),
    )


def address(settings: Settings) -> str:
    """The URL at which this machine reaches the gateway."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  recognised, not bound
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _columns(rows: tuple[tuple[str, str], ...]) -> str:
    width = max(len(first) for first, _ in rows)
    return "\n".join(f"  {first:<{width}}  {second}" for first, second in rows)
