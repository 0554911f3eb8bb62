"""Tracked links on a real database: durable before they go out, followed to where they lead, counted once each."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.scripted import Stage, staged
from tyrian.domain.content import LinkButton, Text
from tyrian.domain.submission import Callback, Step
from tyrian.engine import ports
from tyrian.engine.report import Report, decode
from tyrian.store.links import MOST_EVENTS

TARGET = "https://shop.example/orders/7?a=b&c=%20d#e"
HOOK = Callback(url="https://customer.example/hook", data="order-7")


def button(url: str = TARGET, identifier: str | None = "order", channel: str = "one") -> list[Step]:
    content = Text(text="hello", button=LinkButton(text="Open", url=url, id=identifier))
    return [Step(channel=channel, content=content)]


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    """Channel `one` leaves links alone, `two` tracks those with an id; a clock 60 times as fast."""
    async with staged(database_url, scale=60, channels={"one": {}, "two": {"track_links": True}}) as running:
        yield running


class Followed:
    """The answer to one request for a link."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


async def follow(stage: Stage, path: str, method: str = "GET", **headers: str) -> Followed:
    said: list[Any] = []
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"url=https://evil.example&next=//evil.example",
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
        "client": ("192.0.2.7", 1234),
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        said.append(message)

    await stage.gateway.clicks(scope, receive, send)
    start, body = said
    return Followed(start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, body["body"])


async def sent(stage: Stage, cascade: list[Step], **more: Any) -> tuple[UUID, str]:
    """Sends; returns the message and the URL that its button went out with."""
    identifier = (await stage.submit("+1", cascade=cascade, **more)).messages[0].id
    await stage.status(identifier, "sent")
    return identifier, url_of(stage.scripts[cascade[0].channel].sent[-1])


def url_of(outgoing: ports.Outgoing) -> str:
    content: Any = outgoing.content
    return str(content.button.url)


def path_of(url: str) -> str:
    return url[url.index("/l/") :]


async def rows(stage: Stage) -> list[dict[str, Any]]:
    return [dict(row) for row in await stage.gateway.db.fetch("SELECT * FROM links ORDER BY message_id, place")]


async def reports(stage: Stage, identifier: UUID) -> list[Report]:
    sql = "SELECT report FROM callbacks WHERE message_id = $1 ORDER BY id"
    found = [decode(row["report"]) for row in await stage.gateway.db.fetch(sql, identifier)]
    return [report for report in found if report.kind == "click"]


class TestGoingOut:
    @pytest.mark.parametrize(
        ("channel", "asked", "identifier", "short"),
        [
            ("one", None, "order", False),
            ("one", True, "order", True),
            ("one", True, None, True),
            ("two", None, "order", True),
            ("two", None, None, False),
            ("two", False, "order", False),
        ],
    )
    async def test_message_and_channel_decide(
        self, stage: Stage, channel: str, asked: bool | None, identifier: str | None, short: bool
    ) -> None:
        _, url = await sent(stage, button(identifier=identifier, channel=channel), track_links=asked)
        assert (url != TARGET) is short
        assert [row["url"] for row in await rows(stage)] == [TARGET] * short
        if short:
            assert url.startswith(stage.gateway.settings.public_url + "/l/")
            assert "shop" not in url

    async def test_a_link_is_durable_before_it_goes_out(self, stage: Stage) -> None:
        seen: list[int] = []

        async def look(outgoing: ports.Outgoing) -> ports.SendResult:
            seen.append(await stage.gateway.db.fetchval("SELECT count(*) FROM links"))
            assert (await follow(stage, path_of(url_of(outgoing)))).headers["location"] == TARGET
            return ports.Sent("x")

        stage.two.answer = look
        await sent(stage, button(channel="two"))
        assert seen == [1]

    async def test_another_try_has_the_same_link(self, stage: Stage) -> None:
        stage.two.answers["+1"] = [lambda o: ports.Retry("provider_error"), lambda o: ports.Unknown()]
        await sent(stage, button(channel="two"))
        assert len(stage.two.sent) == 3
        assert len({url_of(outgoing) for outgoing in stage.two.sent}) == len(await rows(stage)) == 1

    async def test_a_link_made_before_a_death_is_the_one_that_goes_out(self, stage: Stage) -> None:
        """Killed between making the link and sending: the row stands, no network has it, and the next try uses it."""
        entry = stage.entry("two")
        entry.channel.active = False
        identifier = (await stage.submit("+1", cascade=button(channel="two"))).messages[0].id
        attempt = await stage.gateway.db.fetchval("SELECT attempt_id FROM sends WHERE message_id = $1", identifier)
        await stage.gateway.db.execute(
            "INSERT INTO links (message_id, attempt_id, place, account_id, channel_id, step, code, url, created_at)"
            " VALUES ($1, $2, 0, $3, $4, 0, 'made-before-the-death-00', 'https://a.example', now())",
            identifier, attempt, stage.account_id, entry.channel.id,
        )  # fmt: skip
        entry.channel.active = True
        stage.gateway.dispatch.wake()
        await stage.status(identifier, "sent")
        assert path_of(url_of(stage.two.sent[0])) == "/l/made-before-the-death-00"

    async def test_what_is_no_web_page_goes_out_as_it_is(self, stage: Stage) -> None:
        _, url = await sent(stage, button("viber://pa?chatURI=shop", channel="two"))
        assert url == "viber://pa?chatURI=shop"
        assert await rows(stage) == []

    async def test_placeholders_are_filled_in_first(self, stage: Stage) -> None:
        steps = button("https://shop.example/{{order}}", channel="two")
        await sent(stage, steps, variables={"order": "7"})
        assert [row["url"] for row in await rows(stage)] == ["https://shop.example/7"]

    async def test_a_thousand_messages_have_a_thousand_links(self, stage: Stage) -> None:
        people = [f"+{n:04d}" for n in range(1000)]
        await stage.submit(*people, cascade=button(channel="two"), bulk=True)

        async def all_sent() -> bool:
            return len(stage.two.sent) == 1000

        await stage.until(all_sent, 60)
        made = await rows(stage)
        assert len(made) == len({row["code"] for row in made}) == len({url_of(o) for o in stage.two.sent}) == 1000
        batcher = stage.gateway.links._batcher
        assert (batcher.written, batcher.batches < 500) == (1000, True)


class TestFollowing:
    async def test_a_click_leads_on_and_is_told(self, stage: Stage) -> None:
        identifier, url = await sent(stage, button(channel="two"), callback=HOOK)
        answer = await follow(stage, path_of(url), user_agent="Browser/1.0")
        assert (answer.status, answer.headers["location"], answer.body) == (302, TARGET, b"")
        assert answer.headers["cache-control"] == "no-store"
        assert await stage.events(identifier) == ["sent", "clicked"]
        detail = await stage.gateway.db.fetchval("SELECT detail FROM events WHERE type = 'clicked'")
        assert msgspec.json.decode(detail) == {"url": TARGET, "button_id": "order", "user_agent": "Browser/1.0"}
        (report,) = await reports(stage, identifier)
        assert report.click is not None
        assert (report.click.url, report.click.button_id, report.click.address) == (TARGET, "order", None)
        assert (report.status, report.channel, report.data, report.to) == ("sent", "two", "order-7", "+1")

    async def test_many_clicks_at_once_are_all_counted_and_reported_once(self, stage: Stage) -> None:
        identifier, url = await sent(stage, button(channel="two"), callback=HOOK)
        answers = await asyncio.gather(*(follow(stage, path_of(url)) for _ in range(60)))
        assert {answer.status for answer in answers} == {302}
        (row,) = await rows(stage)
        assert row["clicks"] == 60
        assert row["first_at"] <= row["last_at"]
        assert len(await reports(stage, identifier)) == 1
        assert (await stage.events(identifier)).count("clicked") == 60

    async def test_a_flood_of_clicks_does_not_flood_the_history(self, stage: Stage) -> None:
        identifier, url = await sent(stage, button(channel="two"))
        for _ in range(3):
            await asyncio.gather(*(follow(stage, path_of(url)) for _ in range(50)))
        assert (await rows(stage))[0]["clicks"] == 150
        assert (await stage.events(identifier)).count("clicked") == MOST_EVENTS

    @pytest.mark.parametrize(
        ("method", "headers"),
        [
            ("HEAD", {}),
            ("GET", {"sec_purpose": "prefetch;prerender"}),
            ("GET", {"purpose": "prefetch"}),
            ("GET", {"x_purpose": "preview"}),
            ("GET", {"x_moz": "prefetch"}),
        ],
    )
    async def test_programs_that_ask_ahead_do_not_count(
        self, stage: Stage, method: str, headers: dict[str, str]
    ) -> None:
        identifier, url = await sent(stage, button(channel="two"), callback=HOOK)
        answer = await follow(stage, path_of(url), method, **headers)
        assert (answer.status, answer.headers["location"]) == (302, TARGET)
        assert (await rows(stage))[0]["clicks"] == 0
        assert await reports(stage, identifier) == []

    async def test_what_is_not_there_is_not_found(self, stage: Stage) -> None:
        _, url = await sent(stage, button(channel="two"))
        path = path_of(url)
        other = path[:-1] + ("A" if path[-1] != "A" else "B")
        for wrong in (
            "/l/",
            "/l/x",
            other,
            path + "/",
            path + "A",
            "/l/https://evil.example",
            "/l/" + "é" * 24,
            "/l/" + "=" * 24,
        ):
            answer = await follow(stage, wrong)
            assert (answer.status, "location" in answer.headers, b"does not exist" in answer.body) == (404, False, True)
        assert (await follow(stage, "/l/x", "HEAD")).body == b""
        assert (await follow(stage, path, "POST")).status == 405
        assert (await rows(stage))[0]["clicks"] == 0

    @pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a.example/\r\nset-cookie: a=b", "//evil.example"])
    async def test_even_a_row_that_leads_elsewhere_leads_nowhere(self, stage: Stage, url: str) -> None:
        _, short = await sent(stage, button(channel="two"))
        await stage.gateway.db.execute("UPDATE links SET url = $1", url)
        assert (await follow(stage, path_of(short))).status == 404

    async def test_other_scripts_are_written_as_headers_take_them(self, stage: Stage) -> None:
        _, url = await sent(stage, button("https://shop.example/ёлка?q=ç", channel="two"))
        location = (await follow(stage, path_of(url))).headers["location"]
        assert location == "https://shop.example/%D1%91%D0%BB%D0%BA%D0%B0?q=%C3%A7"

    async def test_the_address_is_kept_where_the_operator_says_so(self, stage: Stage) -> None:
        identifier, url = await sent(stage, button(channel="two"), callback=HOOK)
        object.__setattr__(stage.gateway.settings, "record_click_addresses", "yes")
        await follow(stage, path_of(url))
        (report,) = await reports(stage, identifier)
        assert report.click is not None
        assert report.click.address == "192.0.2.7"

    async def test_a_click_that_cannot_be_counted_leads_on_all_the_same(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, url = await sent(stage, button(channel="two"))

        async def broken(*args: Any) -> Any:
            raise RuntimeError("the store is broken")

        monkeypatch.setattr("tyrian.store.links.count", broken)
        answer = await follow(stage, path_of(url))
        assert (answer.status, answer.headers["location"]) == (302, TARGET)

    async def test_a_click_before_the_answer_of_the_network_is_told_as_well(self, stage: Stage) -> None:
        answered = asyncio.Event()

        async def late(outgoing: ports.Outgoing) -> ports.SendResult:
            await answered.wait()
            return ports.Sent("x")

        stage.two.answer = late
        identifier = (await stage.submit("+1", cascade=button(channel="two"), callback=HOOK)).messages[0].id

        async def out() -> bool:
            return len(stage.two.sent) == 1

        await stage.until(out)
        await follow(stage, path_of(url_of(stage.two.sent[0])))
        answered.set()
        await stage.status(identifier, "sent")
        assert [r.channel for r in await reports(stage, identifier)] == ["two"]
        assert sorted(await stage.events(identifier)) == ["clicked", "sent"]

    @pytest.mark.parametrize(("events", "count"), [(None, 1), (["clicked"], 1), (["delivered"], 0)])
    async def test_the_customer_chooses_reports(self, stage: Stage, events: list[str] | None, count: int) -> None:
        callback = msgspec.structs.replace(HOOK, events=events)
        identifier, url = await sent(stage, button(channel="two"), callback=callback)
        await follow(stage, path_of(url))
        assert len(await reports(stage, identifier)) == count
        assert (await rows(stage))[0]["clicks"] == 1

    @pytest.mark.parametrize(("tells", "count"), [(True, 1), (False, 0)])
    async def test_a_dialect_without_words_for_clicks_is_not_asked(self, stage: Stage, tells: bool, count: int) -> None:
        class Dialect:
            tells_clicks = tells

        stage.gateway.faces["dialect"] = Dialect()  # type: ignore[assignment]
        identifier, url = await sent(stage, button(channel="two"), callback=HOOK, face="dialect")
        await follow(stage, path_of(url))
        assert len(await reports(stage, identifier)) == count
        assert await stage.events(identifier) == ["sent", "clicked"]

    async def test_clicks_may_go_to_an_address_of_their_own(self, stage: Stage) -> None:
        callback = msgspec.structs.replace(HOOK, click_url="https://customer.example/clicks")
        identifier, url = await sent(stage, button(channel="two"), callback=callback)
        await follow(stage, path_of(url))
        sql = "SELECT e.url FROM callbacks c JOIN endpoints e ON e.id = c.endpoint_id WHERE message_id = $1"
        assert [row["url"] for row in await stage.gateway.db.fetch(sql, identifier)] == [
            "https://customer.example/clicks"
        ]


async def test_links_are_kept_and_dropped_with_their_days(stage: Stage) -> None:
    db, now = stage.gateway.db, stage.gateway.clock.now()
    await sent(stage, button(channel="two"))
    assert await db.fetchval("SELECT count(*) FROM links_default") == 0
    assert await db.fetchval("SELECT tableoid::regclass::text FROM links") == f"links_{now:%Y%m%d}"
    await db.fetchval("SELECT drop_partitions($1::date + 2, $1::date + 2)", now.date())
    assert await rows(stage) == []
