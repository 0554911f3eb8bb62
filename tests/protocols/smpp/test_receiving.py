"""What the message centre brings: answered only when it is committed, and never lost or doubled."""

import asyncio

import pytest

from tests.protocols.smpp.world import NUMBER, PASSWORD, SYSTEM_ID, Phones, Sink, World, outgoing, until
from tyrian.domain.content import Text
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.clock import ScaledClock
from tyrian.engine.ports import Inbound, Sent
from tyrian.protocols.smpp import coding, receiver, statuses
from tyrian.protocols.smpp.pdu import Command, Pdu, Value
from tyrian.simulator.smsc import Smsc
from tyrian.simulator.smsc_messages import addressed

ME, THEM = "12345", NUMBER.removeprefix("+")
LONG = {"gsm": "[€]" * 200, "ucs2": "Naš šešir 😀" * 20}


def text_of(message: Inbound) -> str:
    assert isinstance(message.content, Text)
    return message.content.text


class TestReceipts:
    @pytest.mark.parametrize(("tlv", "text"), [(True, True), (True, False), (False, True)])
    @pytest.mark.parametrize(
        ("state", "kind", "reason"),
        [
            ("DELIVRD", ReceiptKind.DELIVERED, None),
            ("EXPIRED", ReceiptKind.EXPIRED, "network_expired"),
            ("UNDELIV", ReceiptKind.FAILED, "network_failed"),
            ("REJECTD", ReceiptKind.FAILED, "rejected_by_network"),
        ],
    )
    async def test_reach_the_sink(
        self, world: World, state: str, kind: ReceiptKind, reason: str | None, tlv: bool, text: bool
    ) -> None:
        connector = await world.started()
        result = await connector.send(outgoing())
        assert isinstance(result, Sent)
        assert result.ref
        await world.smsc.receipt(result.ref, state, tlv=tlv, text=text)
        [receipt] = world.sink.receipts_seen
        assert (receipt.ref, receipt.kind, receipt.reason) == (result.ref, kind, reason)

    async def test_that_say_nothing_final_are_acknowledged_and_forgotten(self, world: World) -> None:
        connector = await world.started()
        result = await connector.send(outgoing())
        assert isinstance(result, Sent)
        assert result.ref
        await world.smsc.receipt(result.ref, "ENROUTE")
        await world.smsc.receipt(result.ref, "ACCEPTD")
        assert world.sink.receipts_seen == []

    @pytest.mark.parametrize(
        ("message_ids", "receipt_ids", "id_format"),
        [("dec", "hex", "hex_to_dec"), ("hex", "dec", "dec_to_hex"), ("hex", "same", "same")],
    )
    async def test_with_ids_in_another_base(
        self, world: World, message_ids: str, receipt_ids: str, id_format: str
    ) -> None:
        smsc = Smsc(
            world.phones, world.clock, system_id=SYSTEM_ID, password=PASSWORD,
            message_ids=message_ids, receipt_ids=receipt_ids,  # type: ignore[arg-type]
        )  # fmt: skip
        connector = world.connector(port=await smsc.start(), message_id_format=id_format)
        await connector.start()
        result = await connector.send(outgoing())
        assert isinstance(result, Sent)
        await smsc.receipt(world.phones.parts[0].message_id, "DELIVRD", tlv=False)
        assert [r.ref for r in world.sink.receipts_seen] == [result.ref]
        await connector.close()
        await smsc.stop()

    async def test_together_are_committed_together(self, world: World) -> None:
        connector = await world.started()
        results = await asyncio.gather(*(connector.send(outgoing(str(n))) for n in range(50)))
        world.sink.gate.clear()
        waits = [world.smsc.post_receipt(r.ref, "DELIVRD") for r in results if isinstance(r, Sent) and r.ref]
        await until(lambda: world.sink.waiting == 50)
        assert not any(wait.done() for wait in waits)  # Nothing is acknowledged before it is committed.
        world.sink.gate.set()
        await asyncio.gather(*waits)
        assert len(world.sink.receipts_seen) == 50

    async def test_that_could_not_be_stored_are_repeated(self, world: World) -> None:
        connector = await world.started()
        result = await connector.send(outgoing())
        assert isinstance(result, Sent)
        assert result.ref
        world.sink.failures = 2
        await world.smsc.receipt(result.ref, "DELIVRD")
        assert [r.ref for r in world.sink.receipts_seen] == [result.ref]
        assert world.smsc.outbox.repeated == 2

    async def test_wait_in_the_centre_while_nobody_is_bound(self, world: World) -> None:
        connector = await world.started()
        result = await connector.send(outgoing())
        assert isinstance(result, Sent)
        assert result.ref
        await connector.close()
        await until(lambda: world.smsc.bound == 0)
        wait = world.smsc.post_receipt(result.ref, "DELIVRD")
        assert len(world.smsc.outbox) == 1
        await world.started()
        await wait
        assert [r.ref for r in world.sink.receipts_seen] == [result.ref]

    async def test_beyond_what_can_be_under_way_are_told_to_come_again(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(receiver, "MAX_UNDER_WAY", 3)
        connector = await world.started()
        results = await asyncio.gather(*(connector.send(outgoing(str(n))) for n in range(10)))
        world.sink.gate.clear()
        waits = [world.smsc.post_receipt(r.ref, "DELIVRD") for r in results if isinstance(r, Sent) and r.ref]
        await until(lambda: world.smsc.outbox.repeated >= 7)
        assert world.sink.waiting == 3
        world.sink.gate.set()
        await asyncio.gather(*waits)
        assert len(world.sink.receipts_seen) == 10


class TestMessages:
    @pytest.mark.parametrize("text", ["Hello €", "Naš šešir 😀", *LONG.values()])
    async def test_reach_the_sink(self, world: World, text: str) -> None:
        await world.started()
        await world.smsc.mo(THEM, ME, text)
        [message] = world.sink.inbound_seen
        assert (message.sender, message.to, text_of(message)) == (NUMBER, ME, text)

    @pytest.mark.parametrize(
        ("source", "sender"),
        [("385991234501", NUMBER), ("+385991234501", NUMBER), ("98765", "98765"), ("Shop", "Shop")],
    )
    async def test_senders(self, world: World, source: str, sender: str) -> None:
        await world.started()
        fields = addressed(source, ME, short_message=b"Hi") | {"source_addr_ton": 0}
        await world.smsc.outbox.post(fields, {})
        assert [m.sender for m in world.sink.inbound_seen] == [sender]

    @pytest.mark.parametrize(
        ("fields", "tlvs", "text", "extra"),
        [
            ({"short_message": b""}, {}, " ", {}),
            ({}, {"message_payload": b"a" * 300}, "a" * 300, {}),
            (
                {"short_message": b"\x00\x01\xff", "data_coding": 4},
                {},
                "0001ff",
                {"binary": "0001ff", "data_coding": 4},
            ),
            ({"short_message": "a\0b".encode("utf-16-be"), "data_coding": 8}, {}, "ab", {}),
            ({"short_message": b"\x05\x00\x03\x07\x01\x01Hi", "esm_class": 0x40}, {}, "Hi", {}),
            ({"short_message": b"\xffHi", "esm_class": 0x40}, {}, "ÿHi", {}),
        ],
        ids=["empty", "payload", "binary", "with NUL", "one part of one", "bad header"],
    )
    async def test_forms(
        self, world: World, fields: dict[str, Value], tlvs: dict[str, Value], text: str, extra: dict[str, object]
    ) -> None:
        await world.started()
        await world.smsc.outbox.post(addressed(THEM, ME, **fields), tlvs)
        [message] = world.sink.inbound_seen
        assert (text_of(message), message.extra) == (text, extra)

    async def test_in_a_data_sm(self, world: World) -> None:
        await world.started()
        [peer] = world.smsc._receivers()
        fields = addressed(THEM, ME)
        answer = await peer.link.request(Command.DATA_SM, fields, {"message_payload": b"Hi"})
        assert (answer.name, answer.status) == ("data_sm_resp", statuses.OK)
        assert [text_of(m) for m in world.sink.inbound_seen] == ["Hi"]

    async def test_acknowledgements_by_handsets_are_taken_and_forgotten(self, world: World) -> None:
        await world.started()
        await world.smsc.outbox.post(addressed(THEM, ME, esm_class=0x08, short_message=b"read"), {})
        assert (world.sink.inbound_seen, world.sink.receipts_seen) == ([], [])

    async def test_a_text_like_a_receipt_stays_a_text(self, world: World) -> None:
        await world.started()
        await world.smsc.mo(THEM, ME, "id:1 stat:DELIVRD")
        assert world.sink.receipts_seen == []
        assert len(world.sink.inbound_seen) == 1


class TestParts:
    async def test_by_parameters(self, world: World) -> None:
        await world.started()
        waits = [
            world.smsc.outbox.post(
                addressed(THEM, ME, short_message=piece),
                {"sar_msg_ref_num": 300, "sar_total_segments": 2, "sar_segment_seqnum": number},
            )
            for number, piece in ((2, b"world"), (1, b"Hello "))
        ]
        await asyncio.gather(*waits)
        assert [text_of(m) for m in world.sink.inbound_seen] == ["Hello world"]

    async def test_none_is_acknowledged_before_the_whole_is_committed(self, world: World) -> None:
        await world.started()
        world.sink.gate.clear()
        waits = world.smsc.post_mo(THEM, ME, LONG["gsm"])
        await until(lambda: world.sink.waiting == 1)
        assert not any(wait.done() for wait in waits)
        world.sink.gate.set()
        await asyncio.gather(*waits)
        assert [text_of(m) for m in world.sink.inbound_seen] == [LONG["gsm"]]

    async def test_from_a_centre_that_sends_one_at_a_time(self, world: World) -> None:
        await world.started()
        [peer] = world.smsc._receivers()
        waiting = [*self.pieces("a" * 200)]
        answers = []
        while waiting:  # Each waits for its answer; what is told "not now" goes to the end of the line.
            fields = waiting.pop(0)
            answer = await peer.link.request(Command.DELIVER_SM, fields)
            answers.append(answer.status)
            if answer.status:
                waiting.append(fields)
        assert answers == [statuses.RX_T_APPN, statuses.OK, statuses.OK]
        assert [text_of(m) for m in world.sink.inbound_seen] == ["a" * 200]

    async def test_are_repeated_when_the_whole_could_not_be_stored(self, world: World) -> None:
        await world.started()
        world.sink.failures = 1
        await world.smsc.mo(THEM, ME, LONG["ucs2"])
        assert [text_of(m) for m in world.sink.inbound_seen] == [LONG["ucs2"]]

    @staticmethod
    def pieces(text: str) -> list[dict[str, Value]]:
        parts = coding.parts(coding.encode(text), 7)
        return [addressed(THEM, ME, esm_class=coding.UDHI, short_message=part) for part in parts]


class TestRepeats:
    async def test_the_same_words_twice_are_two_messages(self, world: World) -> None:
        await world.started()
        await world.smsc.mo(THEM, ME, "yes")
        await world.smsc.mo(THEM, ME, "yes")
        assert len({m.provider_id for m in world.sink.inbound_seen}) == 2

    async def test_what_could_not_be_stored_comes_again_under_its_id(self, world: World) -> None:
        ids: list[str] = []
        store = world.sink.inbound

        async def remembering(channel: object, messages: list[Inbound]) -> None:
            ids.extend(m.provider_id for m in messages)
            await store(channel, messages)  # type: ignore[arg-type]

        world.sink.inbound = remembering  # type: ignore[method-assign, assignment]
        await world.started()
        world.sink.failures = 1
        await world.smsc.mo(THEM, ME, "yes")
        assert len(ids) == 2
        assert len(set(ids)) == 1

    async def test_what_was_stored_but_not_acknowledged_comes_again_under_its_id(self, world: World) -> None:
        await world.started()
        world.sink.gate.clear()
        [wait] = world.smsc.post_mo(THEM, ME, "yes")
        await until(lambda: world.sink.waiting == 1)
        world.smsc.cut()
        await until(lambda: world.smsc.bound == 0)
        world.sink.gate.set()
        await wait  # The centre repeats it on the next connection.
        assert [text_of(m) for m in world.sink.inbound_seen] == ["yes", "yes"]
        assert len({m.provider_id for m in world.sink.inbound_seen}) == 1

    async def test_the_same_words_on_a_second_connection_that_stands_are_another_message(self, world: World) -> None:
        connector = await world.started()
        other = await world.started()
        assert connector is not other
        await world.smsc.mo(THEM, ME, "yes")
        await world.smsc.mo(THEM, ME, "yes")
        assert len({m.provider_id for m in world.sink.inbound_seen}) == 2


async def test_a_receiver_that_ends_lets_commits_finish_and_gives_held_parts_up() -> None:
    clock, phones, sink = ScaledClock(1), Phones(), Sink()
    smsc = Smsc(phones, clock, system_id=SYSTEM_ID, password=PASSWORD)
    world = World(smsc, phones, await smsc.start(), sink, clock)
    connector = await world.started()
    sink.gate.clear()
    [whole] = smsc.post_mo(THEM, ME, "yes")
    part = smsc.outbox.post(TestParts.pieces("a" * 200)[0], {})
    await until(lambda: sink.waiting == 1)
    close = asyncio.create_task(connector.close())
    await asyncio.sleep(0)
    sink.gate.set()
    await close
    await whole
    assert [text_of(m) for m in sink.inbound_seen] == ["yes"]
    assert not part.done()
    await smsc.stop()


async def test_a_question_whether_the_channel_works_takes_no_deliveries(world: World) -> None:
    [wait] = world.smsc.post_mo(THEM, ME, "yes")
    assert (await world.connector().check()).ok
    assert world.sink.inbound_seen == []
    assert not wait.done()
    await world.started()
    await wait
    assert [text_of(m) for m in world.sink.inbound_seen] == ["yes"]


def test_no_two_kinds_of_pdu_share_a_number() -> None:
    assert len({int(command) for command in Command}) == len(Command)
    assert Pdu(Command.DELIVER_SM).name == "deliver_sm"
