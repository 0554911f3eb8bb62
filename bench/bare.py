"""The same HTTP and database calls with no gateway between: the limit that each figure stands beside.

A raw ASGI application under Uvicorn that takes the same requests, commits about the same rows in batches, sends to the
same upstream and calls the same customer. It checks nothing, knows no keys, keeps no order, retries nothing and
recovers nothing: what is left is what the sockets, the JSON and the disk cost.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
import uvicorn
from msgspec import Struct, field

from bench import child, wire
from bench.orders import TOKEN
from bench.upstream import CUSTOMER_PATH, SEND_PATH
from tyrian.domain.ids import Ids

HOOK_PATH: Final = "/hook"
BULK_PATH: Final = "/bulk"
MESSAGES_PATH: Final = "/api/v1/messages"

_ACCEPT = """
WITH t AS (SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::timestamptz[]) AS t(id, recipient, body, at)),
m AS (INSERT INTO messages SELECT id, 'accepted', at, at, recipient, body FROM t)
INSERT INTO sends SELECT id, at, recipient FROM t
"""
_SENT = """
WITH t AS MATERIALIZED (SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::timestamptz[])
    AS t(id, ref, exchange, at)),
s AS (DELETE FROM sends USING t WHERE message_id = t.id),
a AS (INSERT INTO attempts SELECT id, ref, 'sent', at FROM t),
m AS (UPDATE messages SET status = 'sent', updated_at = t.at FROM t WHERE messages.id = t.id)
INSERT INTO events (message_id, at, type, exchange) SELECT id, at, 'sent', exchange FROM t
"""
_RECEIPT = """
WITH t AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::timestamptz[])
    AS t(ref, status, exchange, report, at)),
a AS (UPDATE attempts SET status = t.status, delivered_at = COALESCE(delivered_at, t.at),
        seen_at = CASE WHEN t.status = 'seen' THEN t.at END
    FROM t WHERE attempts.ref = t.ref RETURNING message_id, t.*),
m AS (UPDATE messages SET status = a.status, updated_at = a.at FROM a WHERE messages.id = a.message_id),
e AS (INSERT INTO events (message_id, at, type, exchange) SELECT message_id, at, status, exchange FROM a)
INSERT INTO callbacks (message_id, report) SELECT message_id, report FROM a WHERE report IS NOT NULL
RETURNING id, message_id, report
"""
_CALLED = """
WITH t AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bytea[], $4::timestamptz[])
    AS t(id, message_id, exchange, at)),
c AS (DELETE FROM callbacks USING t WHERE callbacks.id = t.id)
INSERT INTO events (message_id, at, type, exchange) SELECT message_id, at, 'called', exchange FROM t
"""
#: The customer's reports carry the message's number, as the gateway's do.
_REPORT = b'{"message_id":"00000000-0000-0000-0000-000000000000","status":"%s","data":"bench %010d"}'
_STATUSES: Final = ("delivered", "seen")
#: The tables grow from nothing faster than statistics are gathered; a plan made for empty ones must not scan full ones.
_WALKS_INDEXES: Final = {
    "jit": "off",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
}
_BATCH: Final = 256
_WRITERS: Final = 2


class Spec(Struct, kw_only=True):
    """Where the database and the upstream are, and how far to take a message. Without `send_port`: accept only."""

    database: str
    port: int = 0
    send_port: int | None = None
    connections: int = 32
    call: bool = False


class _Content(Struct):
    text: str


class _Step(Struct):
    content: _Content


class _Message(Struct):
    to: str
    cascade: list[_Step]


class _Answer(Struct):
    message_token: str


class _Receipt(Struct):
    message_token: str
    message_status: int


class _Person(Struct):
    to: str
    variables: dict[str, str] = field(default_factory=dict)


class _People(Struct):
    messages: list[_Person]


_message = msgspec.json.Decoder(_Message).decode
_answer = msgspec.json.Decoder(_Answer).decode
_receipt = msgspec.json.Decoder(_Receipt).decode
_people = msgspec.json.Decoder(_People).decode


class _Group:
    """Items that come while a batch is being written make up the next one."""

    def __init__(self, write: Callable[[Sequence[Any]], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: list[tuple[Any, asyncio.Future[None]]] = []
        self._writing: set[asyncio.Task[None]] = set()

    def add(self, item: Any) -> "asyncio.Future[None]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append((item, future))
        if len(self._waiting) == 1:
            loop.call_soon(self._begin)
        return future

    def _begin(self) -> None:
        while self._waiting and len(self._writing) < _WRITERS:
            batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
            task = asyncio.get_running_loop().create_task(self._run(batch))
            self._writing.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._writing.discard(task)
        self._begin()

    async def _run(self, batch: list[tuple[Any, "asyncio.Future[None]"]]) -> None:
        await self._write([item for item, _ in batch])
        for _, future in batch:
            if not future.done():
                future.set_result(None)


class Bare:
    """The application."""

    def __init__(self, spec: Spec, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._spec = spec
        self._db = pool
        self._ids = Ids()
        self._accepts = _Group(self._write_accepts)
        self._sents = _Group(self._write_sents)
        self._receipts = _Group(self._write_receipts)
        self._calls = _Group(self._write_calls)
        self._upstream: wire.Pool | None = None
        if spec.send_port is not None:
            self._upstream = wire.Pool("127.0.0.1", spec.send_port, spec.connections, self._upstream_answered)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI interface."""
        body = await _read(receive)
        path = scope["path"]
        if path == MESSAGES_PATH:
            status, reply = 202, await self._accept(body)
        elif path == HOOK_PATH:
            status, reply = 200, await self._hook(body)
        else:
            status, reply = 202, await self._bulk(body)
        length = (b"content-length", b"%d" % len(reply))
        headers = [(b"content-type", b"application/json"), length]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": reply})

    # -- Accept and send ------------------------------------------------------------------------------------------

    async def _accept(self, body: bytes) -> bytes:
        message = _message(body)
        now = datetime.now(UTC)
        identifier = self._ids.new(now)
        await self._accepts.add((identifier, message.to, body, now))
        if self._upstream is not None:
            self._post(identifier, message)
        return b'{"id":"%s","to":"%s","status":"accepted"}' % (str(identifier).encode(), message.to.encode())

    def _post(self, identifier: UUID, message: _Message) -> None:
        assert self._upstream is not None
        words = {"#txt": message.cascade[0].content.text}
        send = {
            "service_id": 1001,
            "dest": message.to[1:],
            "seq": 1,
            "type": 106,
            "label": "transaction",
            "ttl": 172800,
        }
        body = msgspec.json.encode({**send, "message": words})
        self._upstream.submit(wire.request("POST", SEND_PATH, body), (identifier, body))

    def _upstream_answered(self, tag: Any, status: int, body: bytes) -> None:
        first, said = tag
        if isinstance(first, UUID):
            self._sents.add((first, _answer(body).message_token, said + body, datetime.now(UTC)))
        else:
            self._calls.add((first, said[0], said[1], datetime.now(UTC)))

    # -- Receipts and callbacks -----------------------------------------------------------------------------------

    async def _hook(self, body: bytes) -> bytes:
        receipt = _receipt(body)
        status = _STATUSES[receipt.message_status]
        number = int(receipt.message_token) - TOKEN
        report = _REPORT % (status.encode(), number) if self._spec.call else None
        await self._receipts.add((receipt.message_token, status, body, report, datetime.now(UTC)))
        return b""

    async def _write_receipts(self, items: Sequence[Any]) -> None:
        for row in await self._db.fetch(_RECEIPT, *map(list, zip(*items, strict=True))):
            assert self._upstream is not None
            call = wire.request("POST", CUSTOMER_PATH, row["report"])
            self._upstream.submit(call, (row["id"], (row["message_id"], row["report"])))

    async def _write_accepts(self, items: Sequence[Any]) -> None:
        await self._db.execute(_ACCEPT, *map(list, zip(*items, strict=True)))

    async def _write_sents(self, items: Sequence[Any]) -> None:
        await self._db.execute(_SENT, *map(list, zip(*items, strict=True)))

    async def _write_calls(self, items: Sequence[Any]) -> None:
        await self._db.execute(_CALLED, *map(list, zip(*items, strict=True)))

    # -- Bulk -----------------------------------------------------------------------------------------------------

    async def _bulk(self, body: bytes) -> bytes:
        people = _people(body).messages
        now = datetime.now(UTC)
        new = self._ids.new
        rows = [(new(now), "accepted", now, now, p.to, msgspec.json.encode(p.variables)) for p in people]
        await self._db.copy_records_to_table("messages", records=rows)
        return b'{"added":%d}' % len(rows)


async def _read(receive: Any) -> bytes:
    event = await receive()
    body: bytes = event["body"]
    while event.get("more_body"):
        event = await receive()
        body += event["body"]
    return body


async def _run(spec: Spec, orders: child.Orders) -> None:
    pool = await asyncpg.create_pool(spec.database, min_size=8, max_size=8, server_settings=_WALKS_INDEXES)
    listener = socket.create_server(("127.0.0.1", spec.port))
    config = uvicorn.Config(Bare(spec, pool), http="httptools", lifespan="off", log_level="error", access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    orders.ready({"port": listener.getsockname()[1]})
    await orders.stopped.wait()
    server.should_exit = server.force_exit = True
    await serving
    pool.terminate()


if __name__ == "__main__":
    child.main(Spec, _run)
