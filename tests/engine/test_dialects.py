"""What the engine lends to dialects: customers' names, senders, pull queues, documents, inbound in their own way."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.engine.customer import Customer
from tests.scripted import Stage, staged
from tyrian.domain.content import Text
from tyrian.domain.submission import Callback, Plan, Recipient, Step, Submission
from tyrian.engine import ports
from tyrian.engine.callbacks import Callbacks
from tyrian.engine.channel_spec import ChannelChange
from tyrian.engine.documents import TTL, Documents
from tyrian.engine.face_ports import CallbackRequest, Heard
from tyrian.engine.ports import Inbound
from tyrian.engine.pulls import queue_url
from tyrian.engine.report import Report, decode
from tyrian.store import reading

HOOK = "https://customer.example/hook"
SEEN = "https://customer.example/seen"


class Dialect:
    """A face that says where inbound goes, signs with its own secrets and tells of attempts."""

    name = "dialect"
    prefixes = ()
    needs_attempts = True

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.url: str | None = queue_url("inbound")

    async def inbound_url(self, gateway: Any, heard: Heard) -> str | None:
        self.heard.append(heard)
        if self.url == "broken":
            raise KeyError("no idea")
        return self.url

    async def secrets(self, gateway: Any, account_id: int) -> Sequence[str]:
        return [f"own-{account_id}"]

    def render(self, report: Report, secrets: Sequence[str], now: datetime) -> CallbackRequest:
        lines = [[line.channel, line.status, line.reason, line.step] for line in report.attempts or ()]
        body = {"status": report.status, "name": report.name, "attempts": lines, "signed": secrets[0]}
        return CallbackRequest({"content-type": "application/json"}, msgspec.json.encode(body))


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    async with staged(database_url, scale=60) as running:
        faces: dict[str, Any] = running.gateway.faces
        faces["dialect"] = Dialect()
        yield running


async def submit(stage: Stage, *, name: str | None = None, bulk_name: str | None = None, **plan: Any) -> Any:
    steps = plan.pop("cascade", None) or [Step(channel="one", content=Text(text="hello"))]
    return await stage.gateway.intake.submit(
        Submission(
            account_id=stage.account_id,
            plan=Plan(cascade=steps, face="dialect", **plan),
            recipients=[Recipient(to="+1", name=name)],
            bulk=bulk_name is not None,
            name=bulk_name,
        )
    )


class TestNames:
    async def test_a_message_is_found_by_its_customers_name(self, stage: Stage) -> None:
        first = (await submit(stage, name="order-7")).messages[0].id
        other = (await submit(stage, name="order-8")).messages[0].id
        again = (await submit(stage, name="order-7")).messages[0].id
        db = stage.gateway.db
        found = await reading.ids_by_name(db, stage.account_id, ["order-7", "order-8", "order-9"])
        assert found == {"order-7": again, "order-8": other}
        assert first != again
        assert await reading.ids_by_name(db, stage.account_id + 1, ["order-7"]) == {}

    async def test_a_bulk_and_its_reports_carry_the_names(self, stage: Stage) -> None:
        accepted = await submit(stage, name="order-7", bulk_name="autumn", callback=Callback(url=HOOK))
        identifier = accepted.messages[0].id
        await stage.status(identifier, "sent")
        assert await reading.bulk_by_name(stage.gateway.db, stage.account_id, "autumn") == accepted.bulk_id
        assert await reading.bulk_by_name(stage.gateway.db, stage.account_id, "winter") is None
        (attempt,) = await stage.attempts(identifier)
        await stage.receipt(attempt["provider_ref"], "delivered")
        raw = await stage.gateway.db.fetchval("SELECT report FROM callbacks WHERE message_id = $1", identifier)
        report = decode(raw)
        assert (report.name, report.bulk_name, report.bulk_id) == ("order-7", "autumn", accepted.bulk_id)

    async def test_a_report_written_by_the_node_that_accepted_has_the_name_too(self, stage: Stage) -> None:
        stage.one.answer = lambda outgoing: ports.Refused("blocked_by_user")
        identifier = (await submit(stage, name="order-7", callback=Callback(url=HOOK))).messages[0].id
        await stage.status(identifier, "failed")
        raw = await stage.gateway.db.fetchval("SELECT report FROM callbacks WHERE message_id = $1", identifier)
        assert decode(raw).name == "order-7"


class TestWhereReportsGo:
    async def test_seen_goes_to_an_address_of_its_own(self, stage: Stage) -> None:
        identifier = (await submit(stage, callback=Callback(url=HOOK, seen_url=SEEN))).messages[0].id
        await stage.status(identifier, "sent")
        (attempt,) = await stage.attempts(identifier)
        for kind in ("delivered", "seen"):
            await stage.receipt(attempt["provider_ref"], kind)
        rows = await stage.gateway.db.fetch(
            "SELECT e.url, c.report FROM callbacks c JOIN endpoints e ON e.id = c.endpoint_id ORDER BY c.id"
        )
        assert [(row["url"], decode(row["report"]).status) for row in rows] == [(HOOK, "delivered"), (SEEN, "seen")]

    async def test_a_dialect_signs_its_own_way_and_tells_of_every_attempt(self, stage: Stage) -> None:
        stage.one.answer = lambda outgoing: ports.Refused("not_a_viber_user")
        steps = [Step(channel=name, content=Text(text="hi")) for name in ("one", "two")]
        async with Customer() as customer:
            settings = stage.gateway.settings
            stage.gateway.settings = replace(settings, allow_private_callbacks=_loopback())
            callbacks = Callbacks(stage.gateway)
            running = asyncio.create_task(callbacks.run())
            identifier = (await submit(stage, cascade=steps, callback=Callback(url=customer.url))).messages[0].id
            await stage.status(identifier, "sent")
            attempts = await stage.attempts(identifier)
            await stage.receipt(attempts[1]["provider_ref"], "delivered", "two")
            callbacks.wake()
            request = await customer.next()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert request.json["signed"] == f"own-{stage.account_id}"
        assert request.json["attempts"] == [["one", "failed", "not_a_viber_user", 0], ["two", "delivered", None, 1]]


class TestPullQueues:
    async def _delivered(self, stage: Stage, name: str, queue: str = "reports") -> Any:
        identifier = (await submit(stage, name=name, callback=Callback(url=queue_url(queue)))).messages[0].id
        await stage.status(identifier, "sent")
        (attempt,) = await stage.attempts(identifier)
        await stage.receipt(attempt["provider_ref"], "delivered")
        return identifier

    async def take(self, stage: Stage, limit: int = 10, **more: Any) -> list[Any]:
        found = await stage.gateway.pulls.take(stage.account_id, "dialect", "reports", limit, **more)
        return [report.name for report in found]

    async def test_each_report_is_handed_out_once_newest_first(self, stage: Stage) -> None:
        for name in ("a", "b", "c"):
            await self._delivered(stage, name)
        await self._delivered(stage, "elsewhere", "other")
        assert await self.take(stage, 2) == ["c", "b"]
        assert await self.take(stage) == ["a"]
        assert await self.take(stage) == []

    async def test_those_not_wanted_stay(self, stage: Stage) -> None:
        for name in ("a", "b"):
            await self._delivered(stage, name)
        assert await self.take(stage, wanted=lambda report: report.name == "a") == ["a"]
        assert await self.take(stage) == ["b"]

    async def test_two_who_collect_at_once_share(self, stage: Stage) -> None:
        names = [f"m{n}" for n in range(12)]
        for name in names:
            await self._delivered(stage, name)
        takes = await asyncio.gather(*(self.take(stage, 3) for _ in range(6)))
        got = [name for taken in takes for name in taken]
        got += await self.take(stage, 20)
        assert sorted(got) == sorted(names)

    async def test_nobody_is_called_and_nobody_waits_behind_one(self, stage: Stage) -> None:
        async with Customer() as customer:
            stage.gateway.settings = replace(stage.gateway.settings, allow_private_callbacks=_loopback())
            callbacks = Callbacks(stage.gateway)
            running = asyncio.create_task(callbacks.run())
            hook = Callback(url=queue_url("reports"), seen_url=customer.url)
            identifier = (await submit(stage, name="a", callback=hook)).messages[0].id
            await stage.status(identifier, "sent")
            (attempt,) = await stage.attempts(identifier)
            for kind in ("delivered", "seen"):
                await stage.receipt(attempt["provider_ref"], kind)
            callbacks.wake()
            request = await customer.next()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert request.json["status"] == "seen"
        assert await self.take(stage) == ["a"]

    async def test_what_nobody_collects_is_forgotten_after_two_days(self, stage: Stage) -> None:
        await self._delivered(stage, "old")
        await stage.gateway.db.execute("UPDATE callbacks SET created_at = created_at - interval '49 hours'")
        await self._delivered(stage, "new")
        assert await stage.gateway.pulls.forget() == 1
        assert await self.take(stage) == ["new"]


class TestDocuments:
    async def test_put_get_list_delete(self, stage: Stage) -> None:
        documents, account = stage.gateway.documents, stage.account_id
        assert await documents.get(account, "dialect", "hook", "default") is None
        await documents.put(account, "dialect", "hook", "default", {"url": HOOK})
        await documents.put(account, "dialect", "hook", "second", {"url": SEEN})
        assert await documents.get(account, "dialect", "hook", "default") == {"url": HOOK}
        assert [d.name for d in await documents.list(account, "dialect", "hook")] == ["default", "second"]
        assert await documents.get(account + 1, "dialect", "hook", "default") is None
        assert await documents.delete(account, "dialect", "hook", "default")
        assert not await documents.delete(account, "dialect", "hook", "default")
        assert await documents.get(account, "dialect", "hook", "default") is None

    async def test_one_that_expires_is_gone_in_time(self, stage: Stage) -> None:
        documents, account = stage.gateway.documents, stage.account_id
        await documents.put(account, "dialect", "token", "abc", {"user": 1}, ttl=-1)
        await documents.put(account, "dialect", "token", "def", {"user": 2}, ttl=3600)
        assert await documents.find("dialect", "token", "abc") is None
        assert await documents.find("dialect", "token", "def") == (account, {"user": 2})
        await documents.forget()
        assert await stage.gateway.db.fetchval("SELECT count(*) FROM documents") == 1

    async def test_one_that_is_gone_is_not_brought_back_by_a_touch(self, stage: Stage) -> None:
        documents, account = stage.gateway.documents, stage.account_id
        await documents.put(account, "dialect", "token", "ghi", {"used": 1}, ttl=3600)
        assert await documents.touch(account, "dialect", "token", "ghi", {"used": 2}, ttl=7200)
        assert await documents.get(account, "dialect", "token", "ghi") == {"used": 2}
        await documents.delete(account, "dialect", "token", "ghi")
        await documents.put(account, "dialect", "token", "jkl", {"used": 1}, ttl=-1)
        for gone in ("ghi", "jkl"):
            assert not await documents.touch(account, "dialect", "token", gone, {"used": 3}, ttl=3600)
            assert await documents.get(account, "dialect", "token", gone) is None

    async def test_of_changes_at_once_none_is_lost(self, stage: Stage) -> None:
        account = stage.account_id
        nodes = [Documents(stage.gateway.db, stage.gateway.clock) for _ in range(6)]
        where = (account, "dialect", "hook", "counted")

        def counted(name: int) -> Callable[[Any], Any]:
            return lambda body: {**(body or {}), str(name): len(body or {})}

        await asyncio.gather(*(node.change(*where, counted(name)) for name, node in enumerate(nodes)))
        found: Any = await stage.gateway.documents.get(*where)
        assert sorted(found) == ["0", "1", "2", "3", "4", "5"]
        assert sorted(found.values()) == [0, 1, 2, 3, 4, 5]

    async def test_a_change_begins_anew_where_none_is_there_any_more(self, stage: Stage) -> None:
        documents, where = stage.gateway.documents, (stage.account_id, "dialect", "hook", "gone")
        await documents.put(*where, {"used": 1}, ttl=-1)
        assert await documents.change(*where, lambda body: {"was": body}) == {"was": None}
        assert await documents.get(*where) == {"was": None}

        def refuses(body: Any) -> Any:
            raise ValueError(body)

        with pytest.raises(ValueError, match="was"):
            await documents.change(*where, refuses)
        assert await documents.get(*where) == {"was": None}

    async def test_another_nodes_change_is_heard_of_or_outlived(self, stage: Stage) -> None:
        account, now = stage.account_id, [100.0]
        other = Documents(stage.gateway.db, stage.gateway.clock, timer=lambda: now[0])
        await other.put(account, "dialect", "hook", "default", 1)
        assert await stage.gateway.documents.get(account, "dialect", "hook", "default") == 1
        await other.put(account, "dialect", "hook", "default", 2)

        async def changed() -> bool:
            return bool(await stage.gateway.documents.get(account, "dialect", "hook", "default") == 2)

        await stage.until(changed)
        assert await other.get(account, "dialect", "hook", "default") == 2
        await stage.gateway.documents.put(account, "dialect", "hook", "default", 3)
        assert await other.get(account, "dialect", "hook", "default") == 2
        now[0] += TTL + 0.1
        assert await other.get(account, "dialect", "hook", "default") == 3


class TestSenders:
    def made(self, stage: Stage, name: str, network: str) -> None:
        """Makes a channel one of a network, with a sender of its own."""

        def sender(config: dict[str, Any]) -> str:
            return f"id-{name}"

        entry = stage.entry(name)
        entry.kind = replace(entry.kind, network=network, sender=sender)

    async def test_a_channel_is_found_by_name_own_id_other_name_or_as_the_first(self, stage: Stage) -> None:
        channels, account = stage.gateway.channels, stage.account_id
        await channels.update(account, "two", ChannelChange(senders=["Shop", "+385"]))
        for name in ("one", "two"):
            self.made(stage, name, "viber")
        for sender, expected in (("one", "one"), ("id-two", "two"), ("Shop", "two"), ("+385", "two"), (None, "one")):
            found = channels.by_sender(account, "viber", sender)
            assert found is not None
            assert found.channel.name == expected, sender
        assert channels.by_sender(account, "viber", "nobody") is None
        assert channels.by_sender(account, "sms", None) is None
        assert channels.by_sender(account + 1, "viber", "one") is None

    async def test_a_paused_channel_is_no_default_while_another_is_active(self, stage: Stage) -> None:
        channels, account = stage.gateway.channels, stage.account_id
        await channels.update(account, "one", ChannelChange(active=False))
        for name in ("one", "two"):
            self.made(stage, name, "sms")
        found = channels.by_sender(account, "sms")
        assert found is not None
        assert found.channel.name == "two"


class TestInbound:
    def dialect(self, stage: Stage) -> Dialect:
        face: Any = stage.gateway.faces["dialect"]
        found: Dialect = face
        return found

    async def hear(self, stage: Stage, sender: str = "1", provider_id: str = "p1") -> None:
        inbound = Inbound(sender, "shop", Text(text="hi"), provider_id)
        await stage.gateway.inbound.submit(stage.entry().channel, [inbound])

    async def collected(self, stage: Stage) -> list[Report]:
        return await stage.gateway.pulls.take(stage.account_id, "dialect", "inbound", 10)

    async def test_a_dialect_gets_the_message_with_what_it_answers(self, stage: Stage) -> None:
        await submit(stage, name="older")
        hook = Callback(url=HOOK, data="cb")
        accepted = await submit(stage, name="order-7", callback=hook, extra={"tracking": "t"})
        identifier = accepted.messages[0].id
        await stage.status(identifier, "sent")
        await self.hear(stage)
        (report,) = await self.collected(stage)
        assert (report.kind, report.face, report.sender) == ("inbound", "dialect", "1")
        paired = report.paired
        assert paired is not None
        assert (paired.message_id, paired.name, paired.data) == (identifier, "order-7", "cb")
        assert (paired.face, paired.extra) == ("dialect", {"tracking": "t"})
        (attempt,) = await stage.attempts(identifier)
        assert paired.attempt_id == attempt["id"]

    async def test_without_a_message_before_there_is_nothing_to_answer(self, stage: Stage) -> None:
        steps = [Step(channel="two", content=Text(text="hi"))]
        identifier = (await submit(stage, cascade=steps)).messages[0].id
        await stage.status(identifier, "sent")
        await self.hear(stage)
        (report,) = await self.collected(stage)
        assert report.paired is None, "what went out on another channel is not what this one answers"

    async def test_a_message_of_long_ago_is_not_answered(self, stage: Stage) -> None:
        identifier = (await submit(stage)).messages[0].id
        await stage.status(identifier, "sent")
        stage.gateway.inbound._gateway = _Later(stage.gateway)
        await self.hear(stage)
        assert await self.dialect(stage).heard[0].paired() is None

    async def test_the_channels_own_url_and_every_dialect_are_told(self, stage: Stage) -> None:
        await stage.gateway.channels.update(stage.account_id, "one", ChannelChange(inbound_url=HOOK))
        await self.hear(stage)
        await self.hear(stage)
        rows = await stage.gateway.db.fetch(
            "SELECT e.face, e.url FROM callbacks c JOIN endpoints e ON e.id = c.endpoint_id ORDER BY e.face"
        )
        assert [tuple(row) for row in rows] == [("dialect", "pull:inbound"), ("native", HOOK)]

    async def test_a_dialect_that_fails_loses_nothing(self, stage: Stage) -> None:
        self.dialect(stage).url = "broken"
        await self.hear(stage)
        assert await stage.gateway.db.fetchval("SELECT count(*) FROM inbound") == 1
        assert await self.collected(stage) == []


class _Later:
    """The gateway as it will be in a week."""

    def __init__(self, gateway: Any) -> None:
        self._gateway = gateway
        self.clock = self

    def now(self) -> datetime:
        now: datetime = self._gateway.clock.now()
        return now + timedelta(days=7)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)


def _loopback() -> Any:
    from ipaddress import ip_network

    return (ip_network("127.0.0.0/8"),)
