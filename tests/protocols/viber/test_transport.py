"""What can go wrong on the way to Viber, and what each trouble says about whether the message was taken."""

import socket

import pytest

from tests.protocols.viber.conftest import MakeBot, MakeBusiness
from tests.protocols.viber.stub import BROKEN_OFF, DRIPPING, HANG_UP, NOISE, SILENCE, Reply, Stub, outgoing
from tyrian.domain.content import Text
from tyrian.engine.ports import Exchange, Refused, Retry, SendResult, Sent, Unknown
from tyrian.engine.transport import MAX_KEPT

HELLO = outgoing(Text(text="Hello"), to="+385991234501")
GZIP = Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")
TAKEN = {"status": 0, "message_token": 5}


def word(result: SendResult) -> tuple[type, str | None]:
    return type(result), getattr(result, "reason", None)


ANSWERS: list[tuple[str, Reply, tuple[type, str]]] = [
    ("silence after the request", SILENCE, (Unknown, "no_answer")),
    ("the connection closed without an answer", HANG_UP, (Unknown, "no_answer")),
    ("an answer broken off", BROKEN_OFF, (Unknown, "no_answer")),
    ("an answer that never ends", DRIPPING, (Unknown, "no_answer")),
    ("no HTTP", NOISE, (Unknown, "provider_garbage")),
    ("a body that is not compressed as it says", GZIP, (Unknown, "provider_garbage")),
    ("200 without a body", Reply(), (Unknown, "provider_garbage")),
    ("200 with HTML", Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"), (Unknown, "provider_garbage")),
    ("200 with JSON of another kind", Reply([1]), (Unknown, "provider_garbage")),
    ("200 without a status", Reply({"message_token": 1}), (Unknown, "provider_garbage")),
    ("204", Reply(status=204), (Unknown, "provider_garbage")),
    ("302", Reply(status=302, headers={"Location": "http://127.0.0.1:1/"}), (Refused, "provider_error")),
    ("400", Reply(status=400), (Refused, "provider_error")),
    ("401", Reply(status=401), (Refused, "bad_credentials")),
    ("403", Reply(status=403), (Refused, "bad_credentials")),
    ("404, an address that is not Viber's", Reply(status=404), (Refused, "provider_error")),
    ("408", Reply(status=408), (Retry, "provider_error")),
    ("413", Reply(status=413), (Refused, "content_refused")),
    ("429", Reply(status=429), (Retry, "throttled")),
    ("500", Reply(status=500), (Retry, "provider_error")),
    ("500 with garbage", Reply("oops", status=500), (Retry, "provider_error")),
    ("502", Reply(status=502), (Retry, "provider_error")),
    ("503", Reply(status=503), (Retry, "provider_error")),
    ("504: passed on, and no answer", Reply(status=504), (Unknown, "no_answer")),
]


@pytest.mark.parametrize("product", ["bot", "business"])
@pytest.mark.parametrize(("reply", "expected"), [pytest.param(*c[1:], id=c[0]) for c in ANSWERS])
async def test_an_answer_that_is_no_answer(
    product: str,
    reply: Reply,
    expected: tuple[type, str],
    viber: Stub,
    make_bot: MakeBot,
    make_business: MakeBusiness,
) -> None:
    viber.answer(reply)
    timeout = 0.3 if reply.hold else 10.0
    connector = await (make_bot if product == "bot" else make_business)(timeout=timeout)
    result = await connector.send(HELLO)
    assert word(result) == expected
    assert result.exchange is not None
    assert result.exchange.request == viber.last.body.decode()
    assert len(viber.calls) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("Wed, 15 Jul 2026 12:01:30 GMT", 90.0),
        ("Wed, 15 Jul 2026 11:00:00 GMT", 0.0),
        ("99999999999999999999", 86_400.0),
        ("soon", None),
        ("-5", None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after(value: str, seconds: float | None, status: int, viber: Stub, make_bot: MakeBot) -> None:
    viber.answer(Reply(status=status, headers={"Retry-After": value}))
    result = await (await make_bot()).send(HELLO)
    assert isinstance(result, Retry)
    assert result.after == seconds


async def test_no_connection_is_safe_to_repeat(make_bot: MakeBot) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    result = await (await make_bot(base_url=f"http://127.0.0.1:{port}/pa")).send(HELLO)
    assert word(result) == (Retry, "provider_unreachable")
    assert result.exchange is not None
    assert "refused" in (result.exchange.error or "")


async def test_a_name_that_does_not_resolve_is_safe_to_repeat(make_bot: MakeBot) -> None:
    result = await (await make_bot(base_url="http://viber.invalid")).send(HELLO)
    assert word(result) == (Retry, "provider_unreachable")


async def test_a_connection_that_does_not_come_about_in_time_is_safe_to_repeat(make_bot: MakeBot) -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as server,
        socket.socket() as first,
        socket.socket() as next_,
    ):
        for filler in (first, next_):  # The backlog is full, so that the next connection is never answered.
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        port = server.getsockname()[1]
        bot = await make_bot(base_url=f"http://127.0.0.1:{port}", connect_timeout=0.05)
        assert word(await bot.send(HELLO)) == (Retry, "provider_unreachable")


async def test_a_peer_without_tls_is_safe_to_repeat(viber: Stub, make_bot: MakeBot) -> None:
    viber.answer(TAKEN)
    with socket.create_server(("127.0.0.1", 0)) as plain:
        plain.settimeout(5)
        bot = await make_bot(base_url=f"https://127.0.0.1:{plain.getsockname()[1]}", connect_timeout=0.1)
        assert word(await bot.send(HELLO)) == (Retry, "provider_unreachable")


@pytest.mark.parametrize("url", ["http://", "http://[::1", "https://exa mple/"])
async def test_a_base_url_that_is_none_is_a_result_too(url: str, make_bot: MakeBot) -> None:
    result = await (await make_bot(base_url=url)).send(HELLO)
    assert word(result) == (Retry, "provider_unreachable")


async def test_a_send_after_closing_is_a_result_too(viber: Stub, make_bot: MakeBot) -> None:
    viber.answer(TAKEN)
    bot = await make_bot()
    await bot.close()
    await bot.close()
    assert isinstance(await bot.send(HELLO), Sent)  # A closed connector opens again rather than fail.


async def test_one_connection_serves_many_sends(viber: Stub, make_bot: MakeBot) -> None:
    viber.answer(TAKEN)
    bot = await make_bot()
    results = [await bot.send(HELLO) for _ in range(3)]
    assert [getattr(r, "ref", None) for r in results] == ["5", "5", "5"]


async def test_the_exchange_shows_both_sides_and_no_secret(viber: Stub, make_bot: MakeBot) -> None:
    viber.answer(Reply({"status": 0, "message_token": 5741311803571721087}))
    result = await (await make_bot()).send(HELLO)
    assert isinstance(result.exchange, Exchange)
    assert result.exchange.url == f"{viber.url}/pa/send_message"
    assert result.exchange.status == 200
    assert result.exchange.response == '{"status":0,"message_token":5741311803571721087}'
    assert (result.exchange.ms or 0) > 0
    assert viber.last.headers["x-viber-auth-token"] not in repr(result)


async def test_a_huge_answer_is_kept_in_part(viber: Stub, make_bot: MakeBot) -> None:
    viber.answer(Reply({"status": 3, "status_message": "x" * 50_000}))
    result = await (await make_bot()).send(HELLO)
    assert word(result) == (Refused, "content_refused")
    assert len((result.exchange or Exchange("")).response or "") == MAX_KEPT


async def test_an_answer_beyond_all_bounds_is_not_read_to_its_end(viber: Stub, make_bot: MakeBot) -> None:
    viber.answer(Reply({"status": 3, "status_message": "x" * 1_000_000}))
    result = await (await make_bot()).send(HELLO)
    assert word(result) == (Unknown, "no_answer")
    assert len((result.exchange or Exchange("")).response or "") == MAX_KEPT
