"""The client for customers' URLs against endpoints that behave badly in every way we know of."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from ipaddress import ip_network
from typing import Any

import pytest

from tests.engine.certificates import Authority
from tests.engine.customer import OK, Customer, Request, answer, forever
from tyrian.engine import egress
from tyrian.engine.egress import Blocked, Guard
from tyrian.engine.egress_client import Answer, Client, Garbage, Unreachable
from tyrian.engine.egress_connection import MAX_BODY

LOOPBACK = [ip_network("127.0.0.1/32")]
MakeClient = Callable[..., Client]


@pytest.fixture
async def client() -> AsyncIterator[MakeClient]:
    """Makes clients that may reach 127.0.0.1, and no other address."""
    made: list[Client] = []

    def make(*, resolve: Callable[[str, int], Sequence[str]] | None = None, **options: Any) -> Client:
        guard = Guard(LOOPBACK, resolve=resolve) if resolve else Guard(LOOPBACK)
        made.append(Client(guard, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


async def post(client: Client, url: str, body: bytes = b"{}", **headers: str) -> Answer:
    return await client.request("POST", url, headers, body)


async def test_a_request_arrives_as_it_was_meant_and_its_answer_comes_back(client: MakeClient) -> None:
    async with Customer(answer(202, b"thanks", X_Trace="t1")) as customer:
        got = await client().request(
            "POST", f"{customer.url}?a=1&ä=2", {"X-Name": "Žofie", "content-type": "application/json"}, b'{"n":1}'
        )
    sent = customer.requests[0]
    assert sent.line == "POST /hook?a=1&%C3%A4=2 HTTP/1.1"
    assert sent.headers["host"] == f"127.0.0.1:{customer.port}"
    assert sent.headers["X-Name".lower()].encode("latin-1").decode() == "Žofie"
    assert sent.json == {"n": 1}
    assert (got.status, got.body, got.whole, got.header("x-trace")) == (202, b"thanks", True, "t1")


async def test_a_connection_serves_again(client: MakeClient) -> None:
    sender = client()
    async with Customer() as customer:
        for _ in range(5):
            await post(sender, customer.url)
        assert customer.connections == 1
        await asyncio.gather(*(post(sender, customer.url) for _ in range(3)))
        assert customer.connections <= 4


async def test_a_connection_that_was_closed_while_idle_costs_nothing(client: MakeClient) -> None:
    async def close_after_one(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.connection == 1 and len(customer.requests) == 2:
            writer.transport.abort()  # as if it had been closed at the moment the request went out
        else:
            writer.write(OK)

    async with Customer(close_after_one) as customer:
        sender = client()
        await post(sender, customer.url)
        assert (await post(sender, customer.url)).status == 200
    assert [r.connection for r in customer.requests] == [1, 1, 2]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(
            b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK, (200, b"ok", True), id="interim answer first"
        ),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"", True), id="no body"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            (200, b"ok", True),
            id="chunks",
        ),
        pytest.param(
            b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n",
            (302, b"", True),
            id="a redirect is an answer and is not followed",
        ),
        pytest.param(
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
            (101, b"", False),
            id="another protocol",
        ),
        pytest.param(OK + OK, (200, b"ok", True), id="two answers to one request"),
        pytest.param(OK.replace(b"1.1", b"1.0"), (200, b"ok", True), id="HTTP/1.0"),
    ],
)
async def test_unusual_answers(client: MakeClient, raw: bytes, expected: tuple[int, bytes, bool]) -> None:
    async with Customer(raw) as customer:
        got = await post(client(), customer.url)
    assert (got.status, got.body, got.whole) == expected


async def test_two_answers_to_one_request_end_the_connection(client: MakeClient) -> None:
    sender = client()
    async with Customer(OK + OK) as customer:
        await post(sender, customer.url)
        await post(sender, customer.url)
    assert [r.connection for r in customer.requests] == [1, 2]


async def test_an_answer_without_a_length_ends_with_the_connection(client: MakeClient) -> None:
    async def close_after(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall there is")
        writer.close()

    async with Customer(close_after) as customer:
        got = await post(client(), customer.url)
    assert (got.body, got.whole) == (b"all there is", True)


async def test_an_endless_body_is_cut_and_its_status_counts(client: MakeClient) -> None:
    async def endless(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n")
            await writer.drain()

    async with Customer(endless) as customer:
        got = await post(client(), customer.url)
    assert (got.status, len(got.body), got.whole) == (200, MAX_BODY, False)


async def test_endless_chunks_of_nothing_much_are_cut(client: MakeClient) -> None:
    async def endless(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1;" + b"e" * 1000 + b"\r\nx\r\n")
            await writer.drain()

    async with Customer(endless) as customer:
        got = await post(client(), customer.url)
    assert got.status == 200
    assert not got.whole
    assert len(got.body) < 1000


async def test_a_slow_body_is_cut_in_time_and_its_status_counts(client: MakeClient) -> None:
    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nso far")
        await asyncio.Event().wait()

    async with Customer(slow) as customer:
        got = await post(client(total=0.1), customer.url)
    assert (got.status, got.body, got.whole) == (200, b"so far", False)


async def test_no_answer_is_a_timeout(client: MakeClient) -> None:
    async with Customer(forever) as customer:
        with pytest.raises(TimeoutError):
            await post(client(total=0.1), customer.url)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nbad header line\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000, "longer than"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 5_000, "longer than"),
    ],
)
async def test_garbage_is_named_so(client: MakeClient, raw: bytes, words: str) -> None:
    async with Customer(raw) as customer:
        with pytest.raises(Garbage, match=words):
            await post(client(), customer.url)


async def test_an_endpoint_that_hangs_up_is_unreachable(client: MakeClient, free_port: Callable[[], int]) -> None:
    async def hang_up(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with Customer(hang_up) as customer:
        with pytest.raises(Unreachable):
            await post(client(), customer.url)
    assert len(customer.requests) == 1, "a fresh connection that breaks is not tried again at once"
    with pytest.raises(Unreachable, match="could not be reached"):
        await post(client(), f"http://127.0.0.1:{free_port()}/")


async def test_headers_cannot_smuggle(client: MakeClient) -> None:
    async with Customer() as customer:
        for value in ("a\r\nx-evil: 1", "a\nx-evil: 1", "a\rb", "a\0b"):
            with pytest.raises(ValueError, match="line break"):
                await client().request("POST", customer.url, {"x-name": value})
        await client().request("POST", customer.url, {"Content-Length": "99", "Transfer-Encoding": "chunked"}, b"{}")
    assert customer.requests[0].body == b"{}"


async def test_garbage_bytes_in_an_answers_head_are_kept_as_they_can_be(client: MakeClient) -> None:
    async with Customer(b"HTTP/1.1 200 OK\r\nx-odd: \xff\xfe\r\ncontent-length: 0\r\n\r\n") as customer:
        assert (await post(client(), customer.url)).header("x-odd") == "ÿþ"


async def test_a_caller_that_leaves_takes_its_connection_along(client: MakeClient) -> None:
    async with Customer(forever) as customer:
        sender = client()
        task = asyncio.create_task(post(sender, customer.url))
        await customer.next()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        customer.reply = OK
        assert (await post(sender, customer.url)).status == 200
    assert [r.connection for r in customer.requests] == [1, 2]


# -- Where it may go --------------------------------------------------------------------------------------------------


async def test_what_was_judged_is_what_is_called(client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress, "DNS_TTL", 0.0)
    answers = [["127.0.0.1"], ["127.0.0.2"]]

    def rebind(host: str, port: int) -> Sequence[str]:
        return answers.pop(0)

    async def once(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, connection="close"))

    async with Customer(once) as customer:
        sender = client(resolve=rebind)
        url = f"http://rebind.example:{customer.port}/"
        assert (await post(sender, url)).status == 200
        with pytest.raises(Blocked, match=r"127\.0\.0\.2"):
            await post(sender, url)
    assert len(customer.requests) == 1
    assert customer.requests[0].headers["host"] == f"rebind.example:{customer.port}"
    assert answers == [], "one question for each connection"


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "http://[::1]/", "http://localhost/", "http://127.1/", "http://u:p@127.0.0.1/", "x"]
)
async def test_blocked_urls_are_never_called(client: MakeClient, url: str) -> None:
    sender = client(resolve=lambda host, port: ["::1"])
    with pytest.raises(Blocked):
        await post(sender, url)


async def test_the_next_address_is_tried_when_one_is_dead(client: MakeClient) -> None:
    guard = Guard([ip_network("127.0.0.0/8")], resolve=lambda host, port: ["127.0.0.9", "127.0.0.1"])
    async with Customer() as customer:
        sender = Client(guard)
        assert (await post(sender, f"http://two.example:{customer.port}/")).status == 200
        sender.close()


async def test_a_name_without_an_answer_is_unreachable(client: MakeClient) -> None:
    def missing(host: str, port: int) -> Sequence[str]:
        raise OSError("no such name")

    with pytest.raises(Unreachable, match=r"missing\.example could not be resolved: no such name"):
        await post(client(resolve=missing), "http://missing.example/")


# -- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def at_home(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


@pytest.mark.parametrize("ciphers", [None, "ECDHE-RSA-AES128-GCM-SHA256", "AES128-SHA", "AES256-GCM-SHA384"])
async def test_https_with_modern_and_with_old_ciphers(
    client: MakeClient, authority: Authority, ciphers: str | None
) -> None:
    async with Customer(tls=authority.server("shop.example", ciphers=ciphers)) as customer:
        sender = client(resolve=at_home, ca_file=authority.ca_file)
        url = f"https://shop.example:{customer.port}/hook"
        assert (await post(sender, url)).status == 200
        customer.hang_up()
        assert (await post(sender, url)).status == 200


@pytest.mark.parametrize("ciphers", [None, "AES128-SHA"])
async def test_a_certificate_must_be_of_the_name_that_was_called(
    client: MakeClient, authority: Authority, ciphers: str | None
) -> None:
    async with Customer(tls=authority.server("other.example", ciphers=ciphers)) as customer:
        sender = client(resolve=at_home, ca_file=authority.ca_file)
        with pytest.raises(Unreachable, match="certificate is not valid"):
            await post(sender, f"https://shop.example:{customer.port}/")
    assert customer.requests == []


async def test_a_certificate_must_be_of_a_known_authority(client: MakeClient, authority: Authority) -> None:
    async with Customer(tls=authority.server("shop.example")) as customer:
        with pytest.raises(Unreachable, match="certificate is not valid"):
            await post(client(resolve=at_home), f"https://shop.example:{customer.port}/")
    assert customer.requests == []


async def test_https_to_a_port_that_speaks_http_is_unreachable(client: MakeClient, authority: Authority) -> None:
    async with Customer() as customer:
        with pytest.raises(Unreachable):
            await post(
                client(resolve=at_home, ca_file=authority.ca_file, total=2.0), f"https://a.example:{customer.port}/"
            )


async def test_an_answer_to_head_is_whole_without_the_body_that_it_announces(client: MakeClient) -> None:
    async def head_only(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 123456\r\n\r\n")

    asker = client()
    async with Customer(head_only) as customer:
        for _ in range(2):
            found = await asker.request("HEAD", customer.url, {})
            assert (found.status, found.header("content-length"), found.body) == (200, "123456", b"")
            assert found.whole
        assert customer.connections == 1, "the connection serves again"
