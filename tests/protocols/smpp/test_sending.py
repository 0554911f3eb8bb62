"""From an attempt to submit_sm, and from its answer to a result."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from tests.protocols.smpp.world import NUMBER, PASSWORD, World, outgoing, until
from tyrian.domain.content import (
    Base,
    File,
    Image,
    LinkButton,
    Location,
    Sticker,
    Survey,
    Template,
    Text,
    UrlContent,
    Video,
)
from tyrian.engine.ports import HookRequest, Refused, Retry, Sent, Unknown
from tyrian.protocols.smpp import statuses
from tyrian.protocols.smpp.connector import PART_TRIES, absolute, relative
from tyrian.simulator.smsc import SubmitAnswer

BUTTON = LinkButton(text="Shop", url="https://x.test/s")


class TestContents:
    @pytest.mark.parametrize(
        ("content", "text"),
        [
            (Text(text="Hello €"), "Hello €"),
            (Text(text="Naš šešir 😀"), "Naš šešir 😀"),
            (Text(text="Hello", button=BUTTON), "Hello\nShop: https://x.test/s"),
            (Image(url="https://x.test/a.jpg"), "https://x.test/a.jpg"),
            (Image(url="https://x.test/a.jpg", text="Look"), "Look https://x.test/a.jpg"),
            (
                Image(url="https://x.test/a.jpg", text="Look", button=BUTTON),
                "Look https://x.test/a.jpg\nShop: https://x.test/s",
            ),
            (Video(url="https://x.test/a.mp4", text="Look"), "Look https://x.test/a.mp4"),
            (File(url="https://x.test/a.pdf", name="bill.pdf"), "bill.pdf https://x.test/a.pdf"),
            (UrlContent(url="https://x.test/"), "https://x.test/"),
            (Location(latitude=45.8131, longitude=15.9775), "45.813100,15.977500"),
            (Location(latitude=45.8131, longitude=-15.5, address="Ilica 1"), "Ilica 1 45.813100,-15.500000"),
            (Survey(text="Tea?", options=["Yes", "No"]), "Tea?\n1. Yes\n2. No"),
            (Template(template_id="t1", text="Your code is 1234"), "Your code is 1234"),
        ],
    )
    async def test_as_text(self, world: World, content: Base, text: str) -> None:
        connector = await world.started()
        assert isinstance(await connector.send(outgoing(content)), Sent)
        assert (await world.phones.got.get()).text == text

    @pytest.mark.parametrize("content", [Sticker(sticker_id=1), Template(template_id="t1"), Text(text="\ud83d")])
    async def test_what_sms_cannot_say_is_refused(self, world: World, content: Base) -> None:
        connector = await world.started()
        result = await connector.send(outgoing(content))
        assert isinstance(result, Refused)
        assert result.reason == "content_refused"
        assert world.phones.parts == []

    async def test_more_parts_than_the_channel_sends_are_refused(self, world: World) -> None:
        connector = await world.started(max_parts=2)
        result = await connector.send(outgoing("a" * 307))
        assert isinstance(result, Refused)
        assert result.exchange is not None
        assert result.exchange.error == "the text needs 3 SMS parts; this channel sends at most 2"


class TestFields:
    async def test_of_a_short_text(self, world: World) -> None:
        connector = await world.started(system_type="cp", service_type="CMT")
        await connector.send(outgoing("Hello", ttl=3661))
        [part] = world.phones.parts
        assert (part.source, part.destination) == ("TyrianDemo", NUMBER.removeprefix("+"))
        assert (part.data_coding, part.esm_class, part.registered_delivery) == (0, 0, 1)
        assert part.validity == 3661

    @pytest.mark.parametrize(
        ("config", "ton", "npi", "address"),
        [
            ({"sender": "TyrianDemo"}, 5, 0, "TyrianDemo"),
            ({"sender": "+385991234567"}, 1, 1, "385991234567"),
            ({"sender": "385991234567"}, 1, 1, "385991234567"),
            ({"sender": "12345"}, 3, 0, "12345"),
            ({"sender": "12345", "sender_ton": 6, "sender_npi": 8}, 6, 8, "12345"),
        ],
    )
    async def test_of_senders(self, world: World, config: dict[str, Any], ton: int, npi: int, address: str) -> None:
        connector = await world.started(**config)
        result = await connector.send(outgoing())
        assert isinstance(result, Sent)
        assert result.exchange is not None
        said = json.loads(result.exchange.request)
        assert (said.get("source_addr_ton", 0), said.get("source_addr_npi", 0)) == (ton, npi)
        assert said["source_addr"] == address
        assert (said["dest_addr_ton"], said["dest_addr_npi"]) == (1, 1)

    @pytest.mark.parametrize(
        ("seconds", "written"),
        [(1, "000000000001000R"), (3600, "000000010000000R"), (172_800, "000002000000000R"), (0, "000000000000000R")],
    )
    def test_relative_validity(self, seconds: int, written: str) -> None:
        assert relative(seconds) == written

    def test_absolute_validity(self) -> None:
        assert absolute(datetime(2026, 2, 28, 23, 59, 30, 250_000, tzinfo=UTC), 60) == "260301000030200+"

    @pytest.mark.parametrize(("validity", "seen"), [("absolute", True), ("none", False)])
    async def test_validity_as_a_time_or_not_at_all(self, world: World, validity: str, seen: bool) -> None:
        connector = await world.started(validity=validity)
        await connector.send(outgoing(ttl=86_400))
        told = world.phones.parts[0].validity
        # The scaled clock moves on between writing and reading.
        assert (told is not None and 80_000 < told <= 86_400) if seen else told is None


class TestLongTexts:
    @pytest.mark.parametrize("bits", [8, 16])
    @pytest.mark.parametrize("text", ["[€]" * 200, "Naš šešir 😀" * 20])
    async def test_as_parts_with_headers(self, world: World, text: str, bits: int) -> None:
        connector = await world.started(reference_bits=bits)
        result = await connector.send(outgoing(text))
        whole = await world.phones.got.get()
        assert whole.text == text
        assert isinstance(result, Sent)
        assert (*result.parts, result.ref) == tuple(p.message_id for p in whole.parts)
        assert [p.registered_delivery for p in whole.parts] == [0] * (len(whole.parts) - 1) + [1]
        assert list(whole.receipt_ids) == [result.ref]

    @pytest.mark.parametrize("text", ["[€]" * 200, "Naš šešir 😀" * 20])
    async def test_as_payload(self, world: World, text: str) -> None:
        connector = await world.started(long_message="payload")
        result = await connector.send(outgoing(text))
        assert isinstance(result, Sent)
        assert result.parts == ()
        [part] = world.phones.parts
        assert (part.text, part.esm_class, part.registered_delivery) == (text, 0, 1)

    async def test_two_messages_do_not_share_a_reference(self, world: World) -> None:
        connector = await world.started()
        await asyncio.gather(*(connector.send(outgoing(c * 200)) for c in "abc"))
        assert len({p.reference for p in world.phones.parts}) == 3
        assert {w.text for w in world.phones.whole} == {c * 200 for c in "abc"}

    async def test_a_refused_first_part_refuses_all(self, world: World) -> None:
        connector = await world.started()
        world.phones.answers += [SubmitAnswer(status=statuses.RINVDSTADR)]
        result = await connector.send(outgoing("a" * 400))
        assert isinstance(result, Refused)
        assert result.reason == "invalid_recipient"
        assert len(world.phones.parts) == 1

    async def test_a_refused_later_part_leaves_it_uncertain(self, world: World) -> None:
        connector = await world.started()
        world.phones.answers += [SubmitAnswer(), SubmitAnswer(status=statuses.RINVMSGLEN)]
        result = await connector.send(outgoing("a" * 400))
        assert isinstance(result, Unknown)
        assert result.reason == "content_refused"
        assert result.exchange is not None
        assert len(json.loads(result.exchange.request)) == 2
        assert result.exchange.response is not None
        assert [a["command_status"] for a in json.loads(result.exchange.response)] == ["ESME_ROK", "ESME_RINVMSGLEN"]

    async def test_a_later_part_waits_where_the_centre_asks_for_patience(self, world: World) -> None:
        connector = await world.started()
        world.phones.answers += [SubmitAnswer(), *[SubmitAnswer(status=statuses.RTHROTTLED)] * (PART_TRIES - 1)]
        assert isinstance(await connector.send(outgoing("a" * 400)), Sent)
        assert world.phones.whole[0].text == "a" * 400

    async def test_but_not_for_ever(self, world: World) -> None:
        connector = await world.started()
        world.phones.answers += [SubmitAnswer(), *[SubmitAnswer(status=statuses.RMSGQFUL)] * PART_TRIES]
        result = await connector.send(outgoing("a" * 400))
        assert isinstance(result, Unknown)
        assert result.reason == "throttled"


class TestAnswers:
    @pytest.mark.parametrize("status", [s for s in statuses.STATUSES if s])
    async def test_every_status(self, world: World, status: int) -> None:
        connector = await world.started()
        world.phones.answers.append(SubmitAnswer(status=status))
        result = await connector.send(outgoing())
        meaning = statuses.STATUSES[status]
        assert isinstance(result, Retry if meaning.outcome == "retry" else Refused)
        assert result.reason == meaning.reason
        assert result.exchange is not None
        assert result.exchange.status == status
        assert meaning.name in (result.exchange.response or "")
        if isinstance(result, Retry):
            assert result.after == meaning.after

    async def test_a_setting_makes_further_numbers_retries(self, world: World) -> None:
        connector = await world.started(retry_statuses=[0x401])
        world.phones.answers += [SubmitAnswer(status=0x401), SubmitAnswer(status=0x402)]
        first, second = await connector.send(outgoing()), await connector.send(outgoing())
        assert isinstance(first, Retry)
        assert first.reason == "throttled"
        assert isinstance(second, Refused)

    async def test_after_throttling_the_next_send_waits_and_goes(self, world: World) -> None:
        connector = await world.started()
        world.phones.answers.append(SubmitAnswer(status=statuses.RTHROTTLED))
        throttled = await connector.send(outgoing())
        sent = await connector.send(outgoing())
        assert (type(throttled), type(sent)) == (Retry, Sent)

    async def test_a_centre_that_forgot_the_bind_is_bound_again(self, world: World) -> None:
        connector = await world.started()
        world.phones.answers.append(SubmitAnswer(status=statuses.RINVBNDSTS))
        assert isinstance(await connector.send(outgoing()), Retry)
        await until(lambda: world.smsc.counts.binds == 2)
        await until(lambda: world.smsc.bound == 1)
        assert isinstance(await connector.send(outgoing()), Sent)

    async def test_no_answer_is_unknown(self, world: World) -> None:
        connector = await world.started(timeout=0.1)
        world.phones.answers.append(SubmitAnswer(no_answer=True))
        result = await connector.send(outgoing())
        assert isinstance(result, Unknown)
        assert result.reason == "no_answer"
        assert result.exchange is not None
        assert result.exchange.error == "no answer to submit_sm within 0.1 s"

    async def test_a_drop_before_the_answer_is_unknown(self, world: World) -> None:
        connector = await world.started()
        world.phones.answers.append(SubmitAnswer(drop_connection=True))
        result = await connector.send(outgoing())
        assert isinstance(result, Unknown)
        assert result.reason == "no_answer"
        assert len(world.phones.parts) == 1

    async def test_a_send_without_a_link_is_a_retry(self, world: World) -> None:
        await world.smsc.stop()
        connector = world.connector()
        await connector.start()
        result = await connector.send(outgoing())
        assert isinstance(result, Retry)
        assert result.reason == "provider_unreachable"
        assert result.after is not None
        assert world.phones.parts == []

    async def test_a_send_before_start_is_a_retry(self, world: World) -> None:
        result = await world.connector().send(outgoing())
        assert isinstance(result, Retry)
        assert result.reason == "provider_unreachable"

    async def test_a_wrong_password_is_a_retry_that_says_so(self, world: World) -> None:
        connector = world.connector(password="wrong")
        await connector.start()
        result = await connector.send(outgoing())
        assert isinstance(result, Retry)
        assert (result.reason, result.after) == ("bad_credentials", statuses.BAD_BIND_PAUSE)


class TestExchange:
    async def test_shows_the_fields_and_the_message_as_text_and_hex(self, world: World) -> None:
        connector = await world.started()
        result = await connector.send(outgoing("Ž", attempt=uuid4()))
        assert isinstance(result, Sent)
        assert result.exchange is not None
        said = json.loads(result.exchange.request)
        assert said["command"] == "submit_sm"
        assert said["short_message"] == {"text": "Ž", "hex": "017d"}
        assert said["data_coding"] == 8
        heard = json.loads(result.exchange.response or "")
        assert heard == {"command": "submit_sm_resp", "command_status": "ESME_ROK", "message_id": result.ref}
        assert result.exchange.url == f"smpp://127.0.0.1:{world.port}"
        assert result.exchange.ms is not None

    async def test_never_shows_the_password(self, world: World) -> None:
        connector = world.connector(password="wrongpw1")
        await connector.start()
        result = await connector.send(outgoing())
        assert "wrongpw1" not in repr(result)
        assert PASSWORD not in repr(await connector.check())


def test_a_hook_is_not_found(world_free: Any) -> None:
    answer = world_free.hook(HookRequest("POST", "/hooks/1/sms", {}, {}, b"{}"))
    assert answer.status == 404
    assert msgspec.json.decode(answer.body)["error"]


@pytest.fixture
def world_free(world: World) -> Any:
    return world.connector()
