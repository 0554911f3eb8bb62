"""The message centre, driven by smpplib's own client, unmodified, and by bare PDUs."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from smpplib import client as stock_client, consts, exceptions, gsm as stock_gsm

from tyrian.engine.clock import ScaledClock
from tyrian.protocols.smpp import coding, pdu as wire, statuses
from tyrian.protocols.smpp.pdu import Command, Framer, Pdu, decode
from tyrian.simulator.smsc import Smsc, SubmitAnswer, SubmittedSms, WholeSms
from tyrian.simulator.smsc_messages import seconds_of

PHONE, SENDER = "385991234501", "TyrianDemo"
#: Pauses of seconds pass in milliseconds; nothing is decided by how long they are.
SCALE = 200
#: smpplib has no types.
STOCK_CLIENT: Any = stock_client.Client
MAKE_PARTS: Any = stock_gsm.make_parts


class Phones:
    """Takes every message, unless `answers` holds something else for the next ones."""

    def __init__(self) -> None:
        self.answers: deque[SubmitAnswer | Exception] = deque()
        self.parts: list[SubmittedSms] = []
        self.whole: list[WholeSms] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def submitted(self, sms: SubmittedSms) -> SubmitAnswer:
        self.parts.append(sms)
        await self.gate.wait()
        answer = self.answers.popleft() if self.answers else SubmitAnswer()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def completed(self, sms: WholeSms) -> None:
        self.whole.append(sms)


class Esme:
    """A bare SMPP peer: says what the test says, keeps what comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._framer = Framer()
        self._come: deque[Pdu] = deque()
        self._sequence = 0

    async def heard(self) -> Pdu:
        """The next PDU. Raises EOFError when the message centre hung up."""
        while not self._come:
            async with asyncio.timeout(8):
                data = await self._reader.read(65536)
            if not data:
                raise EOFError
            self._come += map(decode, self._framer.feed(data))
        return self._come.popleft()

    def say(self, pdu: Pdu | bytes) -> None:
        self._writer.write(pdu if isinstance(pdu, bytes) else pdu.encode())

    def ask(self, command: Command, **fields: wire.Value) -> int:
        self._sequence += 1
        self.say(Pdu(command, 0, self._sequence, fields))
        return self._sequence

    async def bind(self, command: Command = Command.BIND_TRANSCEIVER, **fields: Any) -> int:
        self.ask(command, **({"system_id": "tyrian", "password": "secret"} | fields))
        return (await self.heard()).status

    def submit(self, text: str = "Hello", **fields: Any) -> int:
        known: dict[str, wire.Value] = {
            "source_addr": SENDER, "destination_addr": PHONE, "short_message": text.encode(), "registered_delivery": 1,
        }  # fmt: skip
        return self.ask(Command.SUBMIT_SM, **(known | fields))

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


class World:
    def __init__(self) -> None:
        self.clock = ScaledClock(SCALE)
        self.phones = Phones()
        self.smsc = self.make()
        self.port = 0
        self._esmes: list[Esme] = []

    def make(self, **settings: Any) -> Smsc:
        return Smsc(self.phones, self.clock, system_id="tyrian", password="secret", **settings)

    async def esme(self, command: Command | None = Command.BIND_TRANSCEIVER) -> Esme:
        made = Esme(*await asyncio.open_connection("127.0.0.1", self.port))
        self._esmes.append(made)
        if command is not None:
            assert await made.bind(command) == statuses.OK
        return made

    async def close(self) -> None:
        self.phones.gate.set()
        await asyncio.gather(*(esme.close() for esme in self._esmes))
        await self.smsc.stop()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    made.port = await made.smsc.start()
    yield made
    await made.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(8):
        while not condition():
            await asyncio.sleep(0.002)


class TestStockClient:
    """smpplib's blocking client, in a thread."""

    async def test_sends_a_long_text_and_hears_the_receipt_and_the_reply(self, world: World) -> None:
        text = "Pola šešira 😀 " * 12

        def session() -> tuple[list[str], list[Any]]:
            client = STOCK_CLIENT("127.0.0.1", world.port, timeout=8, allow_unknown_opt_params=True)
            ids: list[str] = []
            came: list[Any] = []
            client.set_message_sent_handler(lambda pdu: ids.append(pdu.message_id.decode()))
            client.set_message_received_handler(lambda *, pdu: came.append(pdu))
            client.connect()
            client.bind_transceiver(system_id="tyrian", password="secret")
            parts, encoding, esm_class = MAKE_PARTS(text)
            for part in parts:
                client.send_message(
                    source_addr_ton=consts.SMPP_TON_ALNUM, source_addr=SENDER, destination_addr=PHONE,
                    short_message=part, data_coding=encoding, esm_class=esm_class, registered_delivery=True,
                )  # fmt: skip
            while len(ids) < len(parts) or len(came) < 2:
                client.read_once()
            client.unbind()
            client.disconnect()
            return ids, came

        running = asyncio.create_task(asyncio.to_thread(session))
        await until(lambda: world.phones.whole)
        [whole] = world.phones.whole
        assert whole.text == text
        world.smsc.post_receipt(whole.message_id, "DELIVRD")
        world.smsc.post_mo(PHONE, SENDER, "echo")
        ids, (receipt, reply) = await running
        assert ids == [part.message_id for part in whole.parts]
        assert receipt.esm_class == 4
        assert receipt.receipted_message_id.decode() == whole.message_id
        assert receipt.message_state == 2
        assert receipt.short_message.decode().startswith(f"id:{whole.message_id} sub:001 dlvrd:001 submit date:")
        assert (reply.short_message, reply.source_addr.decode()) == (b"echo", PHONE)

    async def test_is_refused_with_a_wrong_password(self, world: World) -> None:
        def session() -> None:
            client = STOCK_CLIENT("127.0.0.1", world.port, timeout=8)
            client.connect()
            try:
                client.bind_transceiver(system_id="tyrian", password="wrong")
            finally:
                client.disconnect()

        with pytest.raises(exceptions.PDUError, match="Invalid Password"):
            await asyncio.to_thread(session)
        assert world.smsc.counts.refused_binds == 1


class TestBinds:
    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            ({}, statuses.OK),
            ({"system_id": "someone"}, statuses.RINVSYSID),
            ({"password": "wrong"}, statuses.RINVPASWD),
            ({"password": ""}, statuses.RINVPASWD),
        ],
    )
    async def test_credentials(self, world: World, fields: dict[str, Any], status: int) -> None:
        esme = await world.esme(None)
        assert await esme.bind(**fields) == status
        assert world.smsc.bound == (status == statuses.OK)

    async def test_twice_is_refused(self, world: World) -> None:
        esme = await world.esme()
        assert await esme.bind() == statuses.RALYBND

    @pytest.mark.parametrize("command", [None, Command.BIND_RECEIVER])
    async def test_only_a_transmitter_may_submit(self, world: World, command: Command | None) -> None:
        esme = await world.esme(command)
        esme.submit()
        assert (await esme.heard()).status == statuses.RINVBNDSTS
        assert world.phones.parts == []

    async def test_receivers_alone_get_deliveries(self, world: World) -> None:
        await world.esme(Command.BIND_TRANSMITTER)
        wait = world.smsc.post_mo(PHONE, SENDER, "Hi")[0]
        assert len(world.smsc.outbox) == 1
        receiver = await world.esme(Command.BIND_RECEIVER)
        receiver.say(wire.answer(await receiver.heard()))
        await wait

    async def test_unbind_is_answered_and_ends_the_connection(self, world: World) -> None:
        esme = await world.esme()
        esme.ask(Command.UNBIND)
        assert (await esme.heard()).command == Command.UNBIND_RESP
        with pytest.raises(EOFError):
            await esme.heard()
        assert world.smsc.bound == 0

    async def test_stopping_unbinds_everyone(self, world: World) -> None:
        esme = await world.esme()
        stop = asyncio.create_task(world.smsc.stop())
        unbind = await esme.heard()
        assert unbind.command == Command.UNBIND
        esme.say(wire.answer(unbind))
        await stop

    async def test_stopping_does_not_wait_for_the_deaf(self, world: World) -> None:
        await world.esme()
        await world.smsc.stop()
        assert world.smsc.bound == 0


class TestSubmitting:
    async def test_tells_the_handler_all_it_needs(self, world: World) -> None:
        esme = await world.esme()
        esme.submit("Hello", validity_period="000000010000000R")
        answer = await esme.heard()
        [part] = world.phones.parts
        assert answer.text("message_id") == part.message_id
        assert (part.source, part.destination, part.text, part.validity) == (SENDER, PHONE, "Hello", 3600)
        assert (part.data_coding, part.esm_class, part.parts, part.reference) == (0, 0, 1, None)
        assert part.wants_receipt
        await until(lambda: world.phones.whole)
        assert world.phones.whole[0].receipt_ids == [part.message_id]

    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            ({"destination_addr": ""}, statuses.RINVDSTADR),
            ({"destination_addr": "+385991234501"}, statuses.RINVDSTADR),
            ({"destination_addr": "Ann"}, statuses.RINVDSTADR),
            ({"source_addr": ""}, statuses.RINVSRCADR),
        ],
    )
    async def test_checks_addresses(self, world: World, fields: dict[str, Any], status: int) -> None:
        esme = await world.esme()
        esme.submit(**fields)
        assert (await esme.heard()).status == status

    async def test_answers_as_the_handler_says(self, world: World) -> None:
        esme = await world.esme()
        world.phones.answers += [SubmitAnswer(status=statuses.RMSGQFUL), SubmitAnswer(delay=1), ValueError("oops")]
        for expected in (statuses.RMSGQFUL, statuses.OK, statuses.RSYSERR):
            esme.submit()
            assert (await esme.heard()).status == expected
        assert len(world.phones.whole) == 1

    async def test_what_gets_no_answer_is_taken_all_the_same(self, world: World) -> None:
        esme = await world.esme()
        world.phones.answers += [SubmitAnswer(no_answer=True), SubmitAnswer(drop_connection=True)]
        esme.submit("one")
        esme.submit("two")
        with pytest.raises(EOFError):
            await esme.heard()
        await until(lambda: len(world.phones.whole) == 2)
        assert {whole.text for whole in world.phones.whole} == {"one", "two"}

    async def test_parts_in_any_order_make_a_whole(self, world: World) -> None:
        esme = await world.esme()
        text = "[€]" * 120
        for part in reversed(coding.parts(coding.encode(text), 7)):
            esme.submit(short_message=part, esm_class=coding.UDHI)
        await until(lambda: world.phones.whole)
        [whole] = world.phones.whole
        assert whole.text == text
        assert [part.part for part in whole.parts] == [1, 2, 3, 4, 5]
        assert whole.message_id == whole.parts[-1].message_id

    async def test_throttles_beyond_the_rate(self, world: World) -> None:
        world.smsc.max_per_second = 3
        frozen = datetime(2026, 1, 1, tzinfo=UTC)
        world.clock.now = lambda: frozen  # type: ignore[method-assign]
        esme = await world.esme()
        for _ in range(5):
            esme.submit()
        answers = [(await esme.heard()).status for _ in range(5)]
        assert sorted(answers) == [0, 0, 0, statuses.RTHROTTLED, statuses.RTHROTTLED]
        frozen += timedelta(seconds=1)
        esme.submit()
        assert (await esme.heard()).status == statuses.OK
        assert world.smsc.counts.throttled == 2

    async def test_throttles_beyond_the_window(self, world: World) -> None:
        world.smsc.max_window = 2
        world.phones.gate.clear()
        esme = await world.esme()
        for _ in range(3):
            esme.submit()
        assert (await esme.heard()).status == statuses.RTHROTTLED
        world.phones.gate.set()
        assert [(await esme.heard()).status for _ in range(2)] == [0, 0]
        assert world.smsc.counts.highest_window == 2


class TestDelivering:
    @pytest.mark.parametrize(("tlv", "text"), [(True, True), (True, False), (False, True)])
    async def test_a_receipt(self, world: World, tlv: bool, text: bool) -> None:
        esme = await world.esme()
        esme.submit("Hello")
        ref = (await esme.heard()).text("message_id")
        wait = world.smsc.post_receipt(ref, "UNDELIV", "021", tlv=tlv, text=text)
        pdu = await esme.heard()
        assert (pdu.text("source_addr"), pdu.text("destination_addr")) == (PHONE, SENDER)
        assert pdu.number("esm_class") == 4
        assert pdu.tlvs == ({"receipted_message_id": ref, "message_state": 5} if tlv else {})
        words = pdu.octets("short_message").decode()
        assert words.startswith(f"id:{ref} sub:001 dlvrd:000 ") == text
        assert words.endswith("stat:UNDELIV err:021 text:Hello") == text
        esme.say(wire.answer(pdu))
        await wait

    @pytest.mark.parametrize(("message_ids", "receipt_ids", "base"), [("dec", "hex", 16), ("hex", "dec", 10)])
    async def test_ids_in_another_base(self, world: World, message_ids: str, receipt_ids: str, base: int) -> None:
        await world.smsc.stop()
        world.smsc = world.make(message_ids=message_ids, receipt_ids=receipt_ids)
        world.port = await world.smsc.start()
        esme = await world.esme()
        esme.submit()
        ref = (await esme.heard()).text("message_id")
        world.smsc.post_receipt(ref, "DELIVRD")
        told = (await esme.heard()).text("receipted_message_id")
        assert int(told, base) == int(ref, 26 - base)

    async def test_a_receipt_for_a_message_that_is_not_known(self, world: World) -> None:
        with pytest.raises(KeyError):
            await world.smsc.receipt("77", "DELIVRD")

    async def test_again_until_acknowledged(self, world: World) -> None:
        esme = await world.esme()
        [wait] = world.smsc.post_mo(PHONE, SENDER, "Hi")
        for status in (statuses.RX_T_APPN, statuses.RSYSERR, statuses.OK):
            assert not wait.done()
            esme.say(wire.answer(await esme.heard(), status))
        await wait
        assert (world.smsc.outbox.acknowledged, world.smsc.outbox.repeated) == (1, 2)

    async def test_again_on_the_next_connection(self, world: World) -> None:
        first = await world.esme()
        [wait] = world.smsc.post_mo(PHONE, SENDER, "Hi")
        await first.heard()
        world.smsc.cut()
        second = await world.esme()
        pdu = await second.heard()
        assert pdu.octets("short_message") == b"Hi"
        second.say(wire.answer(pdu))
        await wait

    async def test_to_the_receiver_with_the_least_to_do(self, world: World) -> None:
        one, two = await world.esme(), await world.esme()
        waits = [world.smsc.post_mo(PHONE, SENDER, str(n))[0] for n in range(2)]
        for esme in (one, two):
            esme.say(wire.answer(await esme.heard()))
        await asyncio.gather(*waits)

    async def test_a_stop_lets_go_of_those_who_wait(self, world: World) -> None:
        [queued] = world.smsc.post_mo(PHONE, SENDER, "Hi")
        await world.smsc.stop()
        assert queued.cancelled()


class TestNonsense:
    @pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 16, b"\xff" * 99])
    async def test_garbage_is_told_so_and_hung_up_on(self, world: World, garbage: bytes) -> None:
        esme = await world.esme()
        esme.say(garbage)
        answer = await esme.heard()
        assert (answer.command, answer.status) == (Command.GENERIC_NACK, statuses.RINVCMDLEN)
        with pytest.raises(EOFError):
            await esme.heard()
        await world.esme()  # Others are served on.

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (struct.pack(">IIII", 16, 0x777, 0, 9), statuses.RINVCMDID),
            (struct.pack(">IIII", 16, 0x103, 0, 9) + b"", statuses.RINVCMDLEN),
            (struct.pack(">IIII", 20, 0x4, 0, 9) + b"\0\0\0x", statuses.RINVCMDLEN),
            (Pdu(Command.DELIVER_SM, 0, 9).encode(), statuses.RINVCMDID),
        ],
    )
    async def test_pdus_that_cannot_be_are_refused(self, world: World, data: bytes, status: int) -> None:
        esme = await world.esme()
        esme.say(data)
        answer = await esme.heard()
        assert (answer.command, answer.status, answer.sequence) == (Command.GENERIC_NACK, status, 9)

    async def test_a_peer_that_hangs_up_in_the_middle_of_a_pdu(self, world: World) -> None:
        with socket.create_connection(("127.0.0.1", world.port)) as half:
            half.send(struct.pack(">IIII", 100, 9, 0, 1))
        assert await (await world.esme(None)).bind() == statuses.OK

    async def test_enquire_link_is_answered(self, world: World) -> None:
        esme = await world.esme()
        sequence = esme.ask(Command.ENQUIRE_LINK)
        answer = await esme.heard()
        assert (answer.command, answer.sequence) == (Command.ENQUIRE_LINK_RESP, sequence)


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("000000010000000R", 3600),
        ("000002000000000R", 172_800),
        ("260101010000000+", 3600),
        ("260101020000004+", 3600),  # Four quarters of an hour east of UTC.
        ("260101000000004-", 3600),
        ("269901000000000+", None),
        ("", None),
        ("nonsense", None),
        ("000000010000000X", None),
    ],
)
def test_validity(written: str, seconds: float | None) -> None:
    assert seconds_of(written, NOW) == seconds
