"""The benchmark's HTTP: whole messages out of any pieces, and connections that are kept."""

import asyncio
from typing import Any

import pytest

from bench import wire

REQUEST = wire.request("POST", "/a", b'{"x":1}', {"Authorization": "Bearer k"})


def test_a_request_is_split_into_head_and_body() -> None:
    parts = wire.split(REQUEST)
    assert parts is not None
    head, body, rest = parts
    assert head.startswith(b"POST /a HTTP/1.1\r\n")
    assert b"Authorization: Bearer k" in head
    assert (body, rest) == (b'{"x":1}', b"")


@pytest.mark.parametrize("cut", range(0, len(REQUEST), 7))
def test_a_part_of_a_message_is_not_a_message(cut: int) -> None:
    assert wire.split(REQUEST[:cut]) is None


def test_what_follows_is_kept() -> None:
    parts = wire.split(REQUEST + REQUEST[:10])
    assert parts is not None
    assert parts[2] == REQUEST[:10]


@pytest.mark.parametrize("name", [b"Content-Length", b"content-length", b"CONTENT-LENGTH"])
def test_header_names_may_be_in_any_case(name: bytes) -> None:
    assert wire.split(b"HTTP/1.1 200 OK\r\n" + name + b": 2\r\n\r\nhi") == (
        b"HTTP/1.1 200 OK\r\n" + name + b": 2",
        b"hi",
        b"",
    )


def test_a_chunked_body_is_refused_and_not_misread() -> None:
    with pytest.raises(ValueError, match="chunked"):
        wire.split(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")


async def ask(pool: wire.Pool, answers: "asyncio.Queue[Any]", *tags: int) -> list[Any]:
    for tag in tags:
        pool.submit(REQUEST, tag)
    return sorted([await answers.get() for _ in tags])


async def test_more_requests_than_connections_wait_their_turn() -> None:
    peers: set[Any] = set()

    def handle(served: wire.Served, head: bytes, body: bytes) -> bytes:
        peers.add(id(served))
        return wire.answer(body, "202 Accepted")

    server, port = await wire.serve(handle)
    answers: asyncio.Queue[Any] = asyncio.Queue()
    pool = wire.Pool("127.0.0.1", port, 2, lambda *answer: answers.put_nowait(answer))
    assert await ask(pool, answers, *range(9)) == [(n, 202, b'{"x":1}') for n in range(9)]
    assert len(peers) == 2
    await pool.close()
    server.close()


async def test_a_lost_connection_is_told_and_replaced() -> None:
    seen: list[int] = []

    def handle(served: wire.Served, head: bytes, body: bytes) -> bytes | None:
        seen.append(1)
        if len(seen) == 1 and served.transport is not None:
            served.transport.abort()
            return None
        return wire.answer(b"{}")

    server, port = await wire.serve(handle)
    answers: asyncio.Queue[Any] = asyncio.Queue()
    pool = wire.Pool("127.0.0.1", port, 1, lambda *answer: answers.put_nowait(answer))
    assert await ask(pool, answers, 1) == [(1, 0, b"")]
    assert await ask(pool, answers, 2) == [(2, 200, b"{}")]
    await pool.close()
    server.close()


async def test_a_server_that_is_not_there_is_told_too() -> None:
    server, port = await wire.serve(lambda *_: None)
    server.close()
    await server.wait_closed()
    answers: asyncio.Queue[Any] = asyncio.Queue()
    pool = wire.Pool("127.0.0.1", port, 1, lambda *answer: answers.put_nowait(answer))
    assert await ask(pool, answers, 1) == [(1, 0, b"")]
    await pool.close()
