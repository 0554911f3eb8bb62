"""What the generator sends is what the gateway and the provider understand, and of one length."""

import msgspec
import pytest

from bench import orders, wire
from bench.orders import TEXT, Inbounds, Maker, Patterned, Receipts, Recipients, Sends, Singles
from tyrian.domain.address import e164
from tyrian.domain.content import Text
from tyrian.engine.ports import HookRequest
from tyrian.protocols.viber import business_wire
from tyrian.protocols.viber.bot_callbacks import read
from tyrian.protocols.viber.hooks import is_signed

HEADERS = {"Authorization": "Bearer k%20"}
MAKERS: dict[str, Maker] = {
    "singles": Singles("/api/v1/messages", HEADERS, "bench-viber"),
    "singles with a callback": Singles(
        "/api/v1/messages", HEADERS, "bench-viber", callback="http://127.0.0.1:9/x?a=%20"
    ),
    "patterned": Patterned("/viber/2/messages", HEADERS, '{"to":"38599%07d","text":"' + TEXT + '"}'),
    "sends": Sends("/send"),
    "receipts": Receipts("/hooks/1", 5_000_000),
    "inbounds": Inbounds("/hooks/2", "token"),
    "recipients": Recipients("/api/v1/bulks/7/messages", HEADERS, 50),
}
NUMBERS = (0, 7, 12_345, 3_999_999)


def body_of(request: bytes) -> bytes:
    parts = wire.split(request)
    assert parts is not None
    assert parts[2] == b""
    return parts[1]


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("n", NUMBERS)
def test_each_is_whole_and_json(name: str, n: int) -> None:
    assert msgspec.json.decode(body_of(MAKERS[name].make(n, 123_456_789)))


@pytest.mark.parametrize("name", MAKERS)
def test_makers_survive_the_way_to_their_process(name: str) -> None:
    again = msgspec.json.decode(msgspec.json.encode(MAKERS[name]), type=Maker)
    if name not in ("receipts", "inbounds"):
        assert again.make(17, 18) == MAKERS[name].make(17, 18)
    assert type(again) is type(MAKERS[name])


@pytest.mark.parametrize("n", NUMBERS)
def test_a_single_names_its_number_and_its_time(n: int) -> None:
    body = msgspec.json.decode(body_of(MAKERS["singles with a callback"].make(n, 987)))
    text = body["cascade"][0]["content"]["text"].encode()
    at = text.index(orders.MARK) + len(orders.MARK)
    assert int(text[at : at + orders.NUMBER_WIDTH]) == n
    assert int(text[at + orders.NUMBER_WIDTH + 1 :][: orders.STAMP_WIDTH]) == 987
    assert body["callback"] == {"url": "http://127.0.0.1:9/x?a=%20", "data": f"bench {n:010d}"}
    assert e164(body["to"]) == body["to"]


def test_what_people_write_is_signed_and_read() -> None:
    head, _, body = MAKERS["inbounds"].make(3, 4).partition(b"\r\n\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
    request = HookRequest("POST", "/hooks/2", {}, headers, body)
    assert is_signed(request, "token")
    (said,) = read(body, to="bot", welcome=b"").inbound
    assert (said.sender, said.content) == ("bench0000003==", Text(text="Where is my order?", tracking_data="bench"))


def test_a_send_is_in_vibers_form() -> None:
    send = msgspec.json.decode(body_of(MAKERS["sends"].make(3, 4)), type=business_wire.SendMessage)
    assert (send.dest, send.type, send.label) == ("385990000003", 106, "transaction")


def test_receipts_are_delivered_for_all_and_then_seen() -> None:
    maker = Receipts("/hooks/1", 3)
    found = [msgspec.json.decode(body_of(maker.make(n, 0)), type=business_wire.Callback) for n in range(6)]
    assert [callback.message_status for callback in found] == [0, 0, 0, 1, 1, 1]
    assert [callback.message_token for callback in found] == [str(orders.TOKEN + n) for n in (0, 1, 2, 0, 1, 2)]


def test_parts_of_a_bulk_follow_one_another() -> None:
    maker = Recipients("/x", {}, 3)
    parts = [msgspec.json.decode(body_of(maker.make(n, 0)))["messages"] for n in range(2)]
    assert [person["to"][-2:] for part in parts for person in part] == ["00", "01", "02", "03", "04", "05"]
    assert parts[1][0]["variables"] == {"name": "Customer 3", "code": "000003"}
