"""Taking messages in over HTTP: what is accepted, and what is refused with which words."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from tests.protocols.native.conftest import Api, is_uuid, serving
from tyrian.protocols.native.times import stamp
from tyrian.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

TO = "+385991234501"


def step(text: str = "Hello", channel: str = "demo-viber", **more: Any) -> dict[str, Any]:
    return {"channel": channel, "content": {"type": "text", "text": text}, **more}


PICTURE = {"channel": "demo-viber", "content": {"type": "image", "url": "https://x.example/y.jpg"}}


def one(**more: Any) -> dict[str, Any]:
    return {"to": TO, "cascade": [step()], **more}


# -- One message ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "application/json; charset=utf-8"},
        {"Content-Type": "Application/JSON"},
        {"Idempotency-Key": "k"},
    ],
)
async def test_one_message_is_accepted_and_sent(api: Api, headers: dict[str, str]) -> None:
    # The second time the key is remembered, and the request goes the short way.
    for answer in [await api.send(json.dumps(one()).encode(), headers=headers) for _ in range(2)]:
        assert answer.status == 202
        assert answer.headers["content-type"] == "application/json"
        assert set(answer.body) == {"id", "bulk_id", "to", "status"}
        assert is_uuid(answer.body["id"])
        assert answer.body["bulk_id"] == answer.body["id"]
        assert (answer.body["to"], answer.body["status"]) == (TO, "accepted")
        message = await api.until(answer.body["id"], "sent")
        assert [a["status"] for a in message["attempts"]] == ["sent"]
    assert set(api.network.texts()) == {"Hello"}


async def test_everything_that_a_request_may_say_is_taken(api: Api) -> None:
    later = stamp(api.gateway.clock.now() + timedelta(hours=2))
    body = one(
        cascade=[step(fallback_time=600, validity=900), step("Hi", "demo-sms", to="+385997654321")],
        purpose="otp",
        validity=3600,
        schedule={
            "send_at": later,
            "speed_limit": {"messages": 5, "per": "minute"},
            "window": {"from": "22:00", "to": "06:00", "days": ["friday"], "time_zone": "Europe/Zagreb"},
        },
        callback={"url": "https://shop.example/hook", "data": "order-7", "events": ["sent", "seen"]},
        platform={"entity_id": "e", "application_id": "a"},
        variables={"unused": "x"},
    )
    answer = await api.send(body)
    assert (answer.status, answer.body["status"]) == (202, "scheduled")
    message = (await api.get(f"/api/v1/messages/{answer.body['id']}")).body
    assert (message["data"], message["platform"]) == ("order-7", {"entity_id": "e", "application_id": "a"})
    assert message["cascade"] == body["cascade"]
    assert message["due_at"] >= later


@pytest.mark.parametrize("written", ["+385 99 123-45-01", "385991234501", "+385991234501"])
async def test_a_number_is_stored_in_one_form_however_it_was_written(api: Api, written: str) -> None:
    answer = await api.send(one(to=written))
    assert answer.body["to"] == TO
    found = await api.get("/api/v1/messages", params={"to": written})
    assert [m["id"] for m in found.body["messages"]] == [answer.body["id"]]


async def test_an_id_of_a_person_on_a_network_is_left_as_it_is(api: Api) -> None:
    assert (await api.send(one(to="user-7+/A="))).body["to"] == "user-7+/A="


async def test_a_start_a_moment_ago_is_now(api: Api) -> None:
    just_now = stamp(api.gateway.clock.now() - timedelta(seconds=50))
    answer = await api.send(one(schedule={"send_at": just_now}))
    assert (answer.status, answer.body["status"]) == (202, "accepted")


# -- Placeholders -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "variables", "sent"),
    [
        ("Hello {{name}}", {"name": "Ana"}, "Hello Ana"),
        ("Hello {{ name }}, {{name}}", {"name": "Ana", "other": "x"}, "Hello Ana, Ana"),
        ("{{{{name}} is literal", {}, "{{name}} is literal"),
        ("{{{{name}} is literal", None, "{{name}} is literal"),
        ("a { b } }} c", None, "a { b } }} c"),
        ("{{name}}", {"name": "{{name}}"}, "{{name}}"),
    ],
)
async def test_placeholders_of_one_message(api: Api, text: str, variables: Any, sent: str) -> None:
    body = {"to": TO, "cascade": [step(text)], **({} if variables is None else {"variables": variables})}
    for raw in (json.dumps(body).encode(), json.dumps(body).replace("{{", "\\u007b\\u007b").encode()):
        answer = await api.send(raw)
        assert answer.status == 202, answer.body
        await api.until(answer.body["id"], "sent")
    assert api.network.texts() == [sent, sent]


@pytest.mark.parametrize(
    ("text", "variables", "words"),
    [
        ("{{name}}", {}, '"{{name}}"'),
        ("{{nome}}", {"name": "x"}, '"{{nome}}"'),
        ("{{", {"name": "x"}, "{{{{"),
        ("{{name}}", {"name": ""}, "length"),
        ("{{name}}", {"name": "x" * 1001}, "1000"),
    ],
)
async def test_a_placeholder_that_cannot_be_filled_is_refused(api: Api, text: str, variables: Any, words: str) -> None:
    answer = await api.send({"to": TO, "cascade": [step(text)], "variables": variables})
    assert (answer.status, answer.pointers) == (422, ["/cascade/0/content/text"])
    assert words in answer.text.replace('\\"', '"')
    assert await api.stored() == 0


# -- Many -------------------------------------------------------------------------------------------------------------


async def test_many_share_what_the_request_says_and_differ_where_they_say_so(api: Api) -> None:
    body = {
        "cascade": [step("Hello {{name}}")],
        "purpose": "transactional",
        "callback": {"url": "https://shop.example/hook", "data": "all"},
        "messages": [
            {"to": "+385991234501", "variables": {"name": "Ana"}},
            {"to": "+385 99 123 45 02", "variables": {"name": "Ivo"}},
            {"to": "+385991234503", "cascade": [step("Own {{x}}", "demo-sms")], "variables": {"x": "words"}},
            {
                "to": "+385991234504",
                "variables": {"name": "Eva"},
                "purpose": "otp",
                "callback": {"url": "https://b.example/"},
            },
        ],
    }
    answer = await api.send(body)
    assert answer.status == 202, answer.body
    assert [m["to"] for m in answer.body["messages"]] == [f"+38599123450{n}" for n in (1, 2, 3, 4)]
    messages = [await api.until(m["id"], "sent") for m in answer.body["messages"]]
    assert sorted(api.network.texts()) == ["Hello Ana", "Hello Eva", "Hello Ivo", "Own words"]
    assert [m["purpose"] for m in messages] == ["transactional", "transactional", "transactional", "otp"]
    assert [m["data"] for m in messages] == ["all", "all", "all", None]
    assert {m["bulk_id"] for m in messages} == {answer.body["bulk_id"]}


async def test_many_need_no_shared_cascade(api: Api) -> None:
    entries = [{"to": TO, "cascade": [step("a")]}, {"to": "+385991234502", "cascade": [step("b", "demo-sms")]}]
    answer = await api.send({"messages": entries})
    assert answer.status == 202
    for message in answer.body["messages"]:
        await api.until(message["id"], "sent")
    assert sorted(api.network.texts()) == ["a", "b"]


async def test_literal_braces_in_a_shared_text_are_literal_for_everybody(api: Api) -> None:
    answer = await api.send({"cascade": [step("{{{{x}}")], "messages": [{"to": TO}, {"to": "+385991234502"}]})
    for message in answer.body["messages"]:
        await api.until(message["id"], "sent")
    assert api.network.texts() == ["{{x}}", "{{x}}"]


async def test_all_problems_of_all_messages_are_said_at_once_and_nothing_is_stored(api: Api) -> None:
    body = {
        "cascade": [step("Hello {{name}}"), step("x" * 161, "demo-sms")],
        "messages": [
            {"to": "+385991234501"},
            {"to": "nobody", "variables": {"name": "Ana"}},
            {"to": "+385991234501", "cascade": [step(channel="demo-fax")]},
            {"to": "+385991234501", "variables": {"name": "x" * 1000}},
            {"to": "+385991234501", "purpose": "otp", "cascade": [PICTURE]},
            {"to": "+385991234501", "variables": {"name": "fine"}},
        ],
    }  # fmt: skip
    answer = await api.send(body)
    assert answer.status == 422
    assert answer.pointers == [
        "/cascade/1/content/text",
        "/messages/0/variables",
        "/messages/1/to",
        "/messages/2/cascade/0/channel",
        "/messages/3/variables",
        "/messages/4/cascade/0/content/type",
    ]
    assert await api.stored() == 0


async def test_an_inherited_field_is_blamed_where_it_stands(api: Api) -> None:
    body = {
        "cascade": [PICTURE],
        "schedule": {"send_at": "2020-01-01T00:00:00Z"},
        "messages": [{"to": TO, "purpose": "otp"}],
    }
    answer = await api.send(body)
    assert sorted(answer.pointers) == ["/cascade/0/content/type", "/schedule/send_at"]


async def test_a_message_without_any_cascade_is_refused(api: Api) -> None:
    answer = await api.send({"messages": [{"to": TO}, {"to": TO, "cascade": [step()]}]})
    assert (answer.status, answer.pointers) == (422, ["/messages/0/cascade"])


async def test_more_messages_than_a_request_may_carry_are_refused(module_database_url: str) -> None:
    async with serving(module_database_url, Settings(max_messages_per_request=3), roles=frozenset({"api"})) as served:
        api = await served.account("demo-viber")
        answer = await api.send({"cascade": [step()], "messages": [{"to": TO}] * 4})
        assert (answer.status, answer.pointers) == (422, ["/messages"])
        assert (await api.send({"cascade": [step()], "messages": [{"to": TO}] * 3})).status == 202


# -- What is refused --------------------------------------------------------------------------------------------------

REFUSED: list[tuple[dict[str, Any], list[str], str]] = [
    (one(to="nobody"), ["/to"], "phone number"),
    (one(to="+999123"), ["/to"], "phone number"),
    (one(cascade=[step(channel="demo-fax")]), ["/cascade/0/channel"], "demo-sms"),
    (one(cascade=[step(), step("Hi", "demo-sms", to="x")]), ["/cascade/1/to"], "phone number"),
    (one(cascade=[step("x" * 1001)]), ["/cascade/0/content/text"], "1000"),
    (one(cascade=[step("")]), ["/cascade/0/content/text"], "length"),
    (one(cascade=[{"channel": "demo-sms", "content": {"type": "image", "url": "https://x.example/a.jpg"}}]),
     ["/cascade/0/content/type"], "text"),
    (one(purpose="otp", cascade=[{"channel": "demo-viber", "content": {"type": "template", "template_id": "t"}}]),
     ["/cascade/0/content/type"], "otp"),
    (one(schedule={"send_at": "2020-01-01T00:00:00Z"}), ["/schedule/send_at"], "past"),
    (one(schedule={"send_at": "9999-12-31T23:59:59Z"}), ["/schedule/send_at"], "ahead"),
    (one(schedule={"send_at": "0001-01-01T00:00:00+23:59"}), ["/schedule/send_at"], "past"),
    (one(schedule={"window": {"from": "09:00", "to": "17:00", "time_zone": "Mars/Olympus"}}),
     ["/schedule/window/time_zone"], "Mars/Olympus"),
    (one(schedule={"window": {"from": "09:00", "to": "17:00", "time_zone": "../../etc/passwd"}}),
     ["/schedule/window/time_zone"], "time zone"),
    (one(schedule={"window": {"from": "09:00", "to": "17:00", "days": []}}), ["/schedule/window/days"], "at least 1"),
    (one(callback={"url": "ftp://shop.example/"}), ["/callback/url"], "http"),
    (one(callback={"url": "http://127.0.0.1:9000/hook"}), ["/callback/url"], "loopback"),
    (one(callback={"url": "http://[::1]/hook"}), ["/callback/url"], "loopback"),
    (one(callback={"url": "nonsense"}), ["/callback/url"], "http"),
    (one(callback={"url": "https://shop.example/", "data": "x" * 4001}), ["/callback/data"], "4000"),
    (one(to="no\0body"), ["/to"], "NUL"),
    (one(variables={"a": "\0"}), ["/variables/a"], "NUL"),
    (one(to="nobody", colour="red", validity=1), ["/colour", "/to", "/validity"], "colour"),
    (one(to="nobody", cascade=[step("x" * 2000)], schedule={"send_at": "2020-01-01T00:00:00Z"}),
     ["/cascade/0/content/text", "/schedule/send_at", "/to"], "past"),
]  # fmt: skip


async def test_what_is_wrong_is_refused_with_every_problem_at_its_pointer(api: Api) -> None:
    for body, pointers, words in REFUSED:
        answer = await api.send(body)
        assert (answer.status, sorted(answer.pointers)) == (422, sorted(pointers)), answer.body
        assert words in answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(answer.body) == {"type", "title", "status", "detail", "problems"}
    assert await api.stored() == 0
    assert api.network.sent == []


@pytest.mark.parametrize(
    ("body", "headers", "status", "words"),
    [
        (b"{", {}, 400, "line 1, column 2"),
        (b'{"to": "\\ud800"}', {}, 400, "surrogate"),
        (b'{"to": "\xff"}', {}, 400, "UTF-8"),
        (b"[" * 100_000, {}, 422, "nested"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "text/plain"),
        (b"{}", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "application/json"),
        (b"{}", {"Idempotency-Key": "žž"}, 422, "Idempotency-Key"),
        (b"{}", {"Idempotency-Key": "a b"}, 422, "Idempotency-Key"),
        (b"{}", {"Idempotency-Key": "x" * 256}, 422, "Idempotency-Key"),
    ],
)
async def test_what_cannot_be_read_is_refused(
    api: Api, body: bytes, headers: dict[str, str], status: int, words: str
) -> None:
    body = json.dumps(one()).encode() if body == b"{}" else body
    for _ in range(2):
        answer = await api.send(body, headers=headers)
        assert answer.status == status
        assert words in answer.text
    assert await api.stored() == 0


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_is_too_large_is_refused_before_it_is_all_there(api: Api, announced: bool) -> None:
    most = api.gateway.settings.max_body_bytes
    length = f"Content-Length: {most + 1}" if announced else "Transfer-Encoding: chunked"
    head = f"POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\n{length}\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
    writer.write(f"{head}Content-Type: application/json\r\n\r\n".encode())
    if not announced:
        # One byte too many and no more: what is left unread would make the server's end of the connection a rude one.
        for size in (*[65536] * (most // 65536), 1):
            writer.write(b"%x\r\n%b\r\n" % (size, b" " * size))
            await writer.drain()
    answer = (await asyncio.wait_for(reader.read(), 10)).decode()
    writer.close()
    assert answer.startswith("HTTP/1.1 413 ")
    assert "connection: close" in answer
    assert str(most) in answer


async def test_ten_megabytes_of_text_are_refused_and_nothing_is_stored(api: Api) -> None:
    answer = await api.send(one(cascade=[step("x" * 10_000_000)]))
    assert answer.status == 413
    answer = await api.send(one(cascade=[step("x" * 5_000_000)]))
    assert (answer.status, answer.pointers) == (422, ["/cascade/0/content/text"])
    assert len(answer.text) < 1000
    assert await api.stored() == 0


async def test_a_body_in_pieces_is_read_whole(api: Api) -> None:
    raw = json.dumps(one()).encode()

    async def pieces() -> Any:
        for i in range(0, len(raw), 20):
            yield raw[i : i + 20]

    answer = await api.post("/api/v1/messages", data=pieces(), headers={"Content-Type": "application/json"})
    assert answer.status == 202


# -- The same request twice -------------------------------------------------------------------------------------------


async def test_a_repeat_with_the_same_key_gets_the_same_answer(api: Api) -> None:
    for body in (one(), {"cascade": [step()], "messages": [{"to": TO}, {"to": TO}]}):
        key = {"Idempotency-Key": f"order-{len(str(body))}"}
        first, again = [await api.send(body, headers=key) for _ in range(2)]
        assert first.body == again.body
        assert (first.status, again.status) == (202, 202)
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
    assert len((await api.get("/api/v1/messages")).body["messages"]) == 3


async def test_the_same_key_with_another_body_is_a_conflict(api: Api) -> None:
    key = {"Idempotency-Key": "order-7"}
    assert (await api.send(one(), headers=key)).status == 202
    for other in (one(purpose="otp"), one(to="nobody")):
        answer = await api.send(other, headers=key)
        assert (answer.status, answer.pointers) == (409, ["Idempotency-Key"])
        assert answer.body["type"].endswith("#idempotency-conflict")


async def test_the_same_key_of_another_account_is_another_key(api: Api) -> None:
    other = await api.account("demo-viber")
    key = {"Idempotency-Key": "order-7"}
    await api.send(one(), headers=key)
    assert (await other.send(one(to="nobody"), headers=key)).status == 422


async def test_a_repeat_is_answered_even_when_its_start_has_gone_by(api: Api) -> None:
    body = one(schedule={"send_at": "2020-01-01T00:00:00Z"})
    accepted = b'{"bulk_id":"01980f5e-6c00-7000-8000-3f2a9b1c4d5e","messages":[{"id":"01980f5e-6c00-7000-8000-3f2a9b1c4d5e","to":"+385991234501","status":"scheduled"}]}'  # noqa: E501
    from tyrian.protocols.native.sending import fingerprint_of

    raw = json.dumps(body).encode()
    sql = "INSERT INTO idempotency (account_id, key, fingerprint, answer, created_at) VALUES ($1, 'k', $2, $3, now())"
    await api.gateway.db.execute(sql, api.account_id, fingerprint_of(raw), accepted)
    answer = await api.send(raw, headers={"Idempotency-Key": "k"})
    assert (answer.status, answer.body["status"]) == (202, "scheduled")
    assert answer.headers["idempotency-replayed"] == "true"


# -- Everything at once -----------------------------------------------------------------------------------------------


async def test_one_answer_names_what_cannot_be_read_and_what_cannot_be_sent(api: Api) -> None:
    body = {
        "to": "+1",
        "purpsoe": "otp",
        "cascade": [
            step("x" * 1001),
            step(channel="nowhere"),
            {"channel": "no-such", "content": {"type": "poem"}},
            step("{{name}}", fallback_time=-1),
        ],
        "callback": {"url": "http://10.0.0.1/hook"},
        "schedule": {"send_at": "2001-01-01T00:00:00Z"},
    }
    answer = await api.send(body)
    assert answer.status == 422
    assert sorted(answer.pointers) == [
        "/callback/url",
        "/cascade/0/content/text",
        "/cascade/1/channel",
        "/cascade/2/channel",
        "/cascade/2/content/type",
        "/cascade/3/fallback_time",
        "/purpsoe",
        "/schedule/send_at",
        "/to",
    ]


async def test_of_many_messages_each_is_judged_as_far_as_it_can_be_read(api: Api) -> None:
    body = {
        "cascade": [step()],
        "messages": [
            {"to": "+1"},
            {"to": TO, "varaibles": {}},
            {"to": TO, "cascade": [step(channel="nowhere")]},
            "no message",
        ],
    }
    answer = await api.send(body)
    assert sorted(answer.pointers) == [
        "/messages/0/to",
        "/messages/1/varaibles",
        "/messages/2/cascade/0/channel",
        "/messages/3",
    ]


async def test_a_wrong_word_is_told_which_words_there_are(api: Api) -> None:
    answer = await api.send(one(purpose="advertising"))
    (problem,) = answer.body["problems"]
    assert problem["pointer"] == "/purpose"
    assert problem["message"] == "must be one of transactional, promotional, session, otp"
