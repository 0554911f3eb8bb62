"""Networks' requests: read by the connector, committed, and only then answered; whatever else comes is turned away."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from tyrian.domain.content import Text
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine import hooks as module
from tyrian.engine.hooks import MAX_BODY, Hooks
from tyrian.engine.ports import Channel, HookAnswer, HookRequest, Inbound, Receipt, Subscription

RECEIPT = Receipt("r1", ReceiptKind.DELIVERED, at=datetime(2026, 1, 1, tzinfo=UTC))
SAID = Inbound("+385991234501", "bot", Text(text="hi"), "p1")
JOINED = Subscription("person", True)


class Network:
    """A gateway with one channel (7), whose connector answers as it is told; what is committed is kept in order."""

    def __init__(self) -> None:
        self.answer: HookAnswer | Exception = HookAnswer(200, b'{"status":0}')
        self.heard: list[HookRequest] = []
        self.committed: list[Any] = []
        self.trouble: Exception | None = None
        self.hold: asyncio.Event | None = None
        self.settings = SimpleNamespace(trusted_proxies=())
        channel = Channel(7, 1, "bot", "viber_bot", {})
        entry = SimpleNamespace(channel=channel, connector=SimpleNamespace(hook=self._hook))
        self.channels = SimpleNamespace(by_id={7: entry, 8: SimpleNamespace(channel=channel, connector=None)}.get)
        self.receipts = SimpleNamespace(submit=self._commit)
        self.inbound = SimpleNamespace(submit=self._commit, subscriptions=self._commit)

    def _hook(self, request: HookRequest) -> HookAnswer:
        self.heard.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def _commit(self, channel: Any, things: Sequence[Any]) -> None:
        if self.hold is not None:
            await self.hold.wait()
        if self.trouble is not None and things:
            raise self.trouble
        self.committed += things


@pytest.fixture
def network() -> Network:
    return Network()


async def call(
    network: Network,
    path: str = "/hooks/7",
    *,
    method: str = "POST",
    pieces: Sequence[bytes] = (b"{}",),
    headers: Sequence[tuple[bytes, bytes]] = (),
    query: bytes = b"",
    client: tuple[str, int] | None = ("203.0.113.9", 1234),
    gone: bool = False,
) -> tuple[int, bytes, dict[bytes, bytes]] | None:
    """One request; None if nothing was answered."""
    messages: list[Any] = [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces) or gone}
        for number, piece in enumerate(pieces, 1)
    ] + [{"type": "http.disconnect"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": headers,
        "query_string": query,
        "client": client,
    }
    await Hooks(network)(scope, receive, send)  # type: ignore[arg-type]
    if not sent:
        return None
    return sent[0]["status"], sent[1]["body"], dict(sent[0]["headers"])


async def status(network: Network, *args: Any, **more: Any) -> int | None:
    answered = await call(network, *args, **more)
    return answered[0] if answered else None


async def test_the_connector_gets_the_request_as_it_came(network: Network) -> None:
    answered = await call(
        network, "/hooks/7/status", method="GET", pieces=[b"ab", b"", b"cd"], query=b"sig=a%2Bb&empty=&sig=last",
        headers=[(b"x-viber-content-signature", b"abc"), (b"x-odd", b"\xff")],
    )  # fmt: skip
    assert answered is not None
    assert answered[:2] == (200, b'{"status":0}')
    assert answered[2][b"content-type"] == b"application/json"
    (heard,) = network.heard
    assert (heard.method, heard.path, heard.body, heard.remote) == ("GET", "/hooks/7/status", b"abcd", "203.0.113.9")
    assert heard.query == {"sig": "last", "empty": ""}
    assert heard.headers == {"x-viber-content-signature": "abc", "x-odd": "ÿ"}


async def test_everything_is_committed_before_the_network_is_answered(network: Network) -> None:
    network.answer = HookAnswer(200, b"ok", "text/plain", [RECEIPT], [SAID], [JOINED])
    network.hold = asyncio.Event()
    task = asyncio.create_task(call(network))
    await asyncio.sleep(0.01)
    assert not task.done()
    network.hold.set()
    answered = await asyncio.wait_for(task, 5)
    assert answered is not None
    assert answered[:2] == (200, b"ok")
    assert network.committed == [RECEIPT, SAID, JOINED]


async def test_what_follows_a_request_begins_once_it_is_committed(network: Network) -> None:
    begun: list[list[Any]] = []
    network.answer = HookAnswer(inbound=[SAID], then=lambda: begun.append(list(network.committed)))
    network.trouble = OSError("the database is away")
    assert await status(network) == 503
    assert begun == []
    network.trouble = None
    assert await status(network) == 200
    assert begun == [[SAID]]


async def test_the_network_is_answered_though_what_follows_fails(network: Network) -> None:
    def fails() -> None:
        raise KeyError("nobody thought of this")

    network.answer = HookAnswer(inbound=[SAID], then=fails)
    assert await status(network) == 200
    assert network.committed == [SAID]


@pytest.mark.parametrize(
    "path",
    ["/hooks/", "/hooks/9", "/hooks/8", "/hooks/x", "/hooks/-7", "/hooks/7x", "/hooks/٧", "/hooks/99999999999999999999",
     "/hooks/4294967303", "/hooks//7"],
)  # fmt: skip
async def test_a_channel_that_is_not_there_is_not_found(network: Network, path: str) -> None:
    assert await status(network, path) == 404
    assert network.heard == []


async def test_other_methods_are_not_allowed(network: Network) -> None:
    assert await status(network, method="DELETE") == 405
    answered = await call(network, method="HEAD")
    assert answered is not None
    assert answered[1] == b""


@pytest.mark.parametrize(
    "more",
    [
        {"headers": [(b"content-length", b"1048577")]},
        {"headers": [(b"content-length", b"9" * 100)]},
        {"pieces": [b"x" * (MAX_BODY + 1)]},
        {"pieces": [b"x" * 300_000] * 4},
    ],
)
async def test_a_body_has_its_bound(network: Network, more: dict[str, Any]) -> None:
    assert await status(network, **more) == 413
    assert network.heard == []
    assert await status(network, pieces=[b"x" * MAX_BODY]) == 200


async def test_a_body_that_does_not_come_is_not_waited_for(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_READ_SECONDS", 0.01)
    answers: list[Any] = []

    async def never() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        answers.append(message)

    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/hooks/7", "headers": [], "query_string": b""}
    await Hooks(network)(scope, never, send)  # type: ignore[arg-type]
    assert answers[0]["status"] == 408


async def test_a_caller_that_hangs_up_is_heard_no_further(network: Network) -> None:
    assert await call(network, gone=True) is None
    assert network.heard == []


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        (ConnectionRefusedError("no database"), 503),
        (asyncpg.CannotConnectNowError("starting up"), 503),
        (asyncpg.InterfaceError("the pool is closed"), 503),
        (TimeoutError(), 503),
        (RuntimeError("a mistake of ours"), 503),
        (asyncpg.CharacterNotInRepertoireError("a NUL"), 400),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"), 400),
    ],
)
@pytest.mark.parametrize("what", ["receipts", "inbound", "subscriptions"])
async def test_what_cannot_be_stored_is_to_be_repeated_unless_it_never_can_be(
    network: Network, trouble: Exception, expected: int, what: str
) -> None:
    things: dict[str, Any] = {"receipts": [RECEIPT], "inbound": [SAID], "subscriptions": [JOINED]}
    network.answer = HookAnswer(200, **{what: things[what]})
    network.trouble = trouble
    answered = await call(network)
    assert answered is not None
    assert answered[0] == expected
    assert (b"retry-after" in answered[2]) == (expected == 503)


async def test_a_commit_that_takes_too_long_is_to_be_repeated(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_COMMIT_SECONDS", 0.01)
    network.answer = HookAnswer(200, receipts=[RECEIPT])
    network.hold = asyncio.Event()
    assert await status(network) == 503


async def test_a_request_that_breaks_the_connector_is_the_callers_fault(network: Network) -> None:
    network.answer = KeyError("nobody thought of this")
    assert await status(network) == 400


async def test_a_refusal_of_the_connector_goes_out_as_it_is(network: Network) -> None:
    network.answer = HookAnswer(403, b"bad signature", "text/plain")
    answered = await call(network)
    assert answered is not None
    assert answered[:2] == (403, b"bad signature")
    assert network.committed == []


@pytest.mark.parametrize(
    "query",
    [b"a=1&" * 1000, b"%zz=%", b"\xff\xfe=1", b"&&&=&", b"a" * 8000],
    ids=["many", "escapes", "bytes", "&", "long"],
)
async def test_no_query_breaks_it(network: Network, query: bytes) -> None:
    assert await status(network, query=query) == 200


REMOTES: list[tuple[str, str, str | None, str | None]] = [
    ("no proxy is trusted", "203.0.113.9", "1.2.3.4", "203.0.113.9"),
    ("a trusted proxy", "10.0.0.1", "1.2.3.4", "1.2.3.4"),
    ("two trusted proxies", "10.0.0.1", "1.2.3.4, 10.0.0.2", "1.2.3.4"),
    ("what the caller made up is not believed", "10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
    ("spaces", "10.0.0.1", "  1.2.3.4  ", "1.2.3.4"),
    ("IPv6", "10.0.0.1", "2606:4700::1", "2606:4700::1"),
    ("no header", "10.0.0.1", None, "10.0.0.1"),
    ("garbage", "10.0.0.1", "unknown, <script>", "10.0.0.1"),
    ("all trusted", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
]


@pytest.mark.parametrize(("client", "header", "expected"), [r[1:] for r in REMOTES], ids=[r[0] for r in REMOTES])
async def test_the_callers_address(network: Network, client: str, header: str | None, expected: str | None) -> None:
    network.settings.trusted_proxies = (ip_network("10.0.0.0/8"),)
    headers = [(b"x-forwarded-for", header.encode())] if header else []
    await call(network, headers=headers, client=(client, 1))
    assert network.heard[0].remote == expected


async def test_a_caller_on_a_socket_has_no_address(network: Network) -> None:
    await call(network, client=None)
    assert network.heard[0].remote is None
