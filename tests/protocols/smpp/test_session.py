"""Connections: binding, windows, throttles, drops, garbage, silence, the end."""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.protocols.smpp.world import PASSWORD, SYSTEM_ID, Phones, Sink, World, outgoing, until
from tyrian.engine.clock import ScaledClock
from tyrian.engine.ports import Retry, Sent, Unknown
from tyrian.protocols.smpp import pdu as wire, statuses
from tyrian.protocols.smpp.pdu import Command, Framer, Pdu, decode
from tyrian.simulator.smsc import Smsc, SubmitAnswer


class TestBinding:
    @pytest.mark.parametrize(("bind", "links"), [("transceiver", 1), ("transmitter_receiver", 2)])
    async def test_both_ways(self, world: World, bind: str, links: int) -> None:
        connector = await world.started(bind=bind)
        assert world.smsc.bound == links
        result = await connector.send(outgoing())
        assert isinstance(result, Sent)
        assert result.ref is not None
        await world.smsc.receipt(result.ref, "DELIVRD")
        await world.smsc.mo("385991234501", "12345", "Hi")
        assert [r.ref for r in world.sink.receipts_seen] == [result.ref]
        assert [m.sender for m in world.sink.inbound_seen] == ["+385991234501"]

    async def test_the_first_send_waits_for_the_bind(self, world: World) -> None:
        connector = world.connector()
        await connector.start()
        assert isinstance(await connector.send(outgoing()), Sent)

    async def test_health(self, world: World) -> None:
        connector = await world.started()
        health = await connector.check()
        assert health.ok
        assert health.detail == f"smpp://127.0.0.1:{world.port} is bound as transceiver for tyrian and answers."

    async def test_health_of_a_channel_that_is_not_started_binds_for_the_question_alone(self, world: World) -> None:
        health = await world.connector(bind="transmitter_receiver").check()
        assert health.ok
        assert "bound as transmitter and receiver" in health.detail
        await until(lambda: world.smsc.bound == 0)

    async def test_health_with_a_wrong_password(self, world: World) -> None:
        health = await world.connector(password="wrong").check()
        assert not health.ok
        assert "the message centre refused the bind: ESME_RINVPASWD" in health.detail

    async def test_health_where_nobody_listens(self, world: World) -> None:
        await world.smsc.stop()
        health = await world.connector().check()
        assert not health.ok
        assert f"127.0.0.1:{world.port} cannot be reached" in health.detail

    async def test_close_unbinds(self, world: World) -> None:
        connector = await world.started()
        await connector.close()
        await until(lambda: world.smsc.bound == 0)
        result = await connector.send(outgoing())
        assert isinstance(result, Retry)

    async def test_close_waits_for_sends_under_way(self, world: World) -> None:
        connector = await world.started()
        world.phones.gate.clear()
        send = asyncio.create_task(connector.send(outgoing()))
        await until(lambda: world.phones.parts)
        close = asyncio.create_task(connector.close())
        await asyncio.sleep(0)
        world.phones.gate.set()
        assert isinstance(await send, Sent)
        await close


class TestWindow:
    async def test_is_never_exceeded(self, world: World) -> None:
        connector = await world.started(window=5)
        results = await asyncio.gather(*(connector.send(outgoing(str(n))) for n in range(60)))
        assert all(isinstance(r, Sent) for r in results)
        assert 1 < world.smsc.counts.highest_window <= 5

    async def test_sends_leave_in_the_order_they_came(self, world: World) -> None:
        connector = await world.started(window=3)
        await asyncio.gather(*(connector.send(outgoing(str(n))) for n in range(50)))
        assert [p.text for p in world.phones.parts] == [str(n) for n in range(50)]

    async def test_no_place_in_time_is_a_retry(self, world: World) -> None:
        connector = await world.started(window=1, timeout=0.2)
        world.phones.answers.append(SubmitAnswer(no_answer=True))
        first = asyncio.create_task(connector.send(outgoing("first")))
        await until(lambda: world.phones.parts)
        # Each of these waits as long as an answer may take; the place is free only when the first has given up.
        results = await asyncio.gather(*(connector.send(outgoing(str(n))) for n in range(3)))
        assert isinstance(await first, Unknown)
        for result in results:
            assert isinstance(result, Sent | Retry)
            assert isinstance(result, Sent) or result.reason == "throttled"

    async def test_a_throttled_centre_gets_everything_in_the_end(self, world: World) -> None:
        world.smsc.max_per_second = 20
        connector = await world.started(window=10)
        left, rounds = list(range(60)), 0
        while left:
            results = await asyncio.gather(*(connector.send(outgoing(str(n))) for n in left))
            assert all(isinstance(r, Sent) or (isinstance(r, Retry) and r.reason == "throttled") for r in results)
            left = [n for n, r in zip(left, results, strict=True) if not isinstance(r, Sent)]
            rounds += 1
            assert rounds < 200
        assert sorted(int(w.text) for w in world.phones.whole) == list(range(60))

    async def test_many(self, world: World) -> None:
        connector = await world.started(window=100)
        results = await asyncio.gather(*(connector.send(outgoing(f"number {n}")) for n in range(2000)))
        refs = [r.ref for r in results if isinstance(r, Sent)]
        assert len(set(refs)) == 2000
        await asyncio.gather(*(world.smsc.receipt(ref, "DELIVRD") for ref in refs if ref))
        assert {r.ref for r in world.sink.receipts_seen} == set(refs)


class TestDrops:
    async def test_comes_back_after_a_drop(self, world: World) -> None:
        connector = await world.started()
        world.smsc.cut()
        await until(lambda: world.smsc.counts.binds == 2)
        await until(lambda: world.smsc.bound == 1)
        assert isinstance(await connector.send(outgoing()), Sent)

    async def test_comes_back_when_the_centre_unbinds_and_returns(self, world: World) -> None:
        connector = await world.started()
        await world.smsc.stop()
        result = await connector.send(outgoing())
        assert isinstance(result, Retry)
        assert result.reason == "provider_unreachable"
        await world.smsc.start(port=world.port)
        await until(lambda: world.smsc.bound == 1)
        assert isinstance(await connector.send(outgoing()), Sent)

    async def test_a_centre_that_is_silent_is_left(self, world: World) -> None:
        world.smsc.answers_enquiries = False
        await world.started(enquire_link=1, timeout=0.1)
        await until(lambda: world.smsc.counts.binds >= 2)
        world.smsc.answers_enquiries = True

    async def test_sends_under_way_at_a_drop_are_unknown_and_waiting_ones_are_not(self, world: World) -> None:
        connector = await world.started(window=2)
        world.phones.gate.clear()
        sends = [asyncio.create_task(connector.send(outgoing(str(n)))) for n in range(5)]
        await until(lambda: len(world.phones.parts) == 2)
        world.smsc.cut()
        world.phones.gate.set()
        results = await asyncio.gather(*sends)
        assert [type(r) for r in results[:2]] == [Unknown, Unknown]
        assert all(isinstance(r, Retry | Sent) for r in results[2:])
        sent = [n for n, r in enumerate(results) if isinstance(r, Sent)]
        assert [p.text for p in world.phones.parts] == [str(n) for n in (0, 1, *sent)]


# -- A centre that does as the test says ------------------------------------------------------------------------------


class Stub:
    """Binds whoever comes; answers every other request with what `reply` gives."""

    def __init__(self) -> None:
        self.reply: Callable[[Pdu], bytes | None] = lambda pdu: None
        self.seen: list[Pdu] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.bind_status = statuses.OK
        self.piece = 65536
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = Framer()
        self.writers.append(writer)
        while data := await reader.read(65536):
            for frame in framer.feed(data):
                pdu = decode(frame)
                self.seen.append(pdu)
                answer = self._answer(pdu)
                for at in range(0, len(answer), self.piece):
                    writer.write(answer[at : at + self.piece])
                    await writer.drain()
                    await asyncio.sleep(0)
        writer.close()

    def _answer(self, pdu: Pdu) -> bytes:
        if pdu.command == Command.BIND_TRANSCEIVER:
            return wire.answer(pdu, self.bind_status).encode()
        if pdu.command in (Command.UNBIND, Command.ENQUIRE_LINK):
            return wire.answer(pdu).encode()
        return self.reply(pdu) or b""

    def of(self, command: int) -> list[Pdu]:
        return [pdu for pdu in self.seen if pdu.command == command]


@pytest.fixture
async def stub(world: World) -> AsyncIterator[Stub]:
    made = Stub()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    for writer in made.writers:
        writer.close()


def taken(pdu: Pdu) -> bytes:
    return wire.answer(pdu, message_id="m1").encode()


class TestStrangePeers:
    async def test_an_answer_in_single_octets(self, world: World, stub: Stub) -> None:
        stub.reply, stub.piece = taken, 1
        connector = world.connector(port=stub.port)
        await connector.start()
        result = await connector.send(outgoing())
        assert isinstance(result, Sent)
        assert result.ref == "m1"

    @pytest.mark.parametrize(
        "garbage",
        [
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            struct.pack(">IIII", 0, 0, 0, 0),
            struct.pack(">IIII", 8, 0x80000004, 0, 2),
            struct.pack(">IIII", 500_000, 0x80000004, 0, 2),
            b"\xff" * 64,
        ],
        ids=["http", "empty", "short", "oversized", "ones"],
    )
    async def test_garbage_drops_the_connection_and_leaves_the_send_unknown(
        self, world: World, stub: Stub, garbage: bytes
    ) -> None:
        stub.reply = lambda pdu: garbage
        connector = world.connector(port=stub.port)
        await connector.start()
        assert isinstance(await connector.send(outgoing()), Unknown)
        stub.reply = taken
        await until(lambda: len(stub.of(Command.BIND_TRANSCEIVER)) == 2)
        await until(lambda: connector._session.bindings[0].link)
        assert isinstance(await connector.send(outgoing()), Sent)

    async def test_an_answer_that_cannot_be_read_drops_the_connection(self, world: World, stub: Stub) -> None:
        stub.reply = lambda pdu: struct.pack(">IIII", 22, 0x80000004, 0, pdu.sequence) + b"m1\0\x04\x27\x00"
        connector = world.connector(port=stub.port)
        await connector.start()
        assert isinstance(await connector.send(outgoing()), Unknown)

    async def test_an_answer_of_another_kind_drops_the_connection(self, world: World, stub: Stub) -> None:
        stub.reply = lambda pdu: Pdu(Command.DATA_SM_RESP, 0, pdu.sequence).encode()
        connector = world.connector(port=stub.port)
        await connector.start()
        result = await connector.send(outgoing())
        assert isinstance(result, Unknown)
        assert result.exchange is not None
        assert result.exchange.error == "the peer answered submit_sm with data_sm_resp"

    async def test_a_generic_nack_is_the_answer_to_its_request(self, world: World, stub: Stub) -> None:
        stub.reply = lambda pdu: wire.nack(pdu.sequence, statuses.RTHROTTLED).encode()
        connector = world.connector(port=stub.port)
        await connector.start()
        result = await connector.send(outgoing())
        assert isinstance(result, Retry)
        assert result.reason == "throttled"

    async def test_answers_that_nobody_waits_for_change_nothing(self, world: World, stub: Stub) -> None:
        stub.reply = lambda pdu: (
            Pdu(Command.SUBMIT_SM_RESP, 0, 7777).encode() + wire.nack(0, statuses.RSYSERR).encode() + taken(pdu)
        )
        connector = world.connector(port=stub.port)
        await connector.start()
        assert isinstance(await connector.send(outgoing()), Sent)

    async def test_an_empty_id_is_sent_without_a_reference(self, world: World, stub: Stub) -> None:
        stub.reply = lambda pdu: wire.answer(pdu).encode()
        connector = world.connector(port=stub.port)
        await connector.start()
        result = await connector.send(outgoing())
        assert isinstance(result, Sent)
        assert result.ref is None

    @pytest.mark.parametrize(
        ("asked", "command", "status"),
        [
            (Pdu(Command.ENQUIRE_LINK, 0, 5).encode(), Command.ENQUIRE_LINK_RESP, statuses.OK),
            (struct.pack(">IIII", 16, 0x777, 0, 5), Command.GENERIC_NACK, statuses.RINVCMDID),
            (Pdu(Command.SUBMIT_SM, 0, 5).encode(), Command.GENERIC_NACK, statuses.RINVCMDID),
            (struct.pack(">IIII", 17, Command.DELIVER_SM, 0, 5) + b"x", Command.GENERIC_NACK, statuses.RINVCMDLEN),
            (Pdu(Command.UNBIND, 0, 5).encode(), Command.UNBIND_RESP, statuses.OK),
        ],
        ids=["enquire_link", "unknown", "not for us", "cut short", "unbind"],
    )
    async def test_questions_are_answered(
        self, world: World, stub: Stub, asked: bytes, command: Command, status: int
    ) -> None:
        connector = world.connector(port=stub.port)
        await connector.start()
        await until(lambda: connector._session.bindings[0].link)
        stub.writers[0].write(asked)
        await until(lambda: stub.of(command))
        [answer] = stub.of(command)
        assert (answer.sequence, answer.status) == (5, status)

    async def test_what_has_no_answer_gets_none(self, world: World, stub: Stub) -> None:
        stub.reply = lambda pdu: Pdu(Command.ALERT_NOTIFICATION, 0, 5).encode() + taken(pdu)
        connector = world.connector(port=stub.port)
        await connector.start()
        assert isinstance(await connector.send(outgoing()), Sent)
        assert isinstance(await connector.send(outgoing()), Sent)
        assert {pdu.command for pdu in stub.seen} == {Command.BIND_TRANSCEIVER, Command.SUBMIT_SM}

    async def test_a_bind_that_is_not_answered(self, world: World) -> None:
        deaf = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
        port = deaf.sockets[0].getsockname()[1]
        connector = world.connector(port=port, timeout=0.1)
        health = await connector.check()
        assert not health.ok
        assert "took the connection but did not answer the bind" in health.detail
        deaf.close()

    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            (statuses.RINVPASWD, "bad_credentials"),
            (statuses.RINVSYSID, "bad_credentials"),
            (statuses.RBINDFAIL, "bad_credentials"),
            (statuses.RALYBND, "provider_error"),
            (statuses.RTHROTTLED, "throttled"),
            (0x401, "provider_error"),
        ],
    )
    async def test_refused_binds(self, world: World, stub: Stub, status: int, reason: str) -> None:
        stub.bind_status = status
        connector = world.connector(port=stub.port)
        await connector.start()
        result = await connector.send(outgoing())
        assert isinstance(result, Retry)
        assert result.reason == reason
        await until(lambda: len(stub.of(Command.BIND_TRANSCEIVER)) >= 3)  # It goes on trying.

    async def test_the_bind_says_who_we_are(self, world: World, stub: Stub) -> None:
        connector = world.connector(port=stub.port, system_type="cp")
        await connector.start()
        await until(lambda: stub.seen)
        bind = stub.seen[0]
        assert bind.fields == {
            "system_id": SYSTEM_ID, "password": PASSWORD, "system_type": "cp", "interface_version": 0x34,
            "addr_ton": 0, "addr_npi": 0, "address_range": "",
        }  # fmt: skip


# -- TLS --------------------------------------------------------------------------------------------------------------


def certificate(folder: Path) -> tuple[ssl.SSLContext, str]:
    """A server context with a certificate of its own making for `localhost`, and that certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(pem + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context, pem.decode()


@pytest.mark.parametrize(
    ("tls", "words"),
    [
        ({"ca": True, "server_name": "localhost"}, "is bound as transceiver"),
        ({"verify": False}, "is bound as transceiver"),
        ({"ca": True, "server_name": "elsewhere"}, "could not agree on TLS"),
        ({}, "could not agree on TLS"),
    ],
)
async def test_tls(tmp_path: Path, tls: dict[str, Any], words: str) -> None:
    context, pem = certificate(tmp_path)
    clock = ScaledClock(200)
    smsc = Smsc(Phones(), clock, system_id=SYSTEM_ID, password=PASSWORD, tls=context)
    world = World(smsc, Phones(), await smsc.start(), Sink(), clock)
    settings = tls | ({"ca": pem} if "ca" in tls else {})
    health = await world.connector(tls=settings).check()
    assert words in health.detail
    await smsc.stop()
