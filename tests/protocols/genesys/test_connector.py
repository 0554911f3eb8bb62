"""The connector: the exact request of each content, what each answer means, and how it comes by its token."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.clock import ManualClock
from tests.simulator.serving import serving
from tyrian.domain import content as neutral
from tyrian.domain.content import Base
from tyrian.domain.limits import check as problems
from tyrian.domain.problem import Problem
from tyrian.domain.purpose import Purpose
from tyrian.engine.ports import Channel, Outgoing, Refused, Retry, SendResult, Sent, Tools, Unknown
from tyrian.protocols.genesys import connector_limits as limits, registration
from tyrian.protocols.genesys.connector import GenesysConnector, address, kind
from tyrian.protocols.genesys.connector_client import login_of
from tyrian.simulator.answers import Receive, Scope, Send, read_body

INTEGRATION = "5e1dc7c4-0d3c-4c22-8a31-d1c16a0b6a3a"
ATTEMPT = UUID("0197f3a0-0000-7000-8000-000000000001")
SECRET = "secret-of-the-webhooks"
HOOK = "https://gateway.example.com/hooks/7"
TO = "+385991234501"
MESSAGE = f"/api/v2/conversations/messages/{INTEGRATION}/inbound/open/message"
RECEIPT = f"/api/v2/conversations/messages/{INTEGRATION}/inbound/open/receipt"
AGENTLESS = "/api/v2/conversations/messages/agentless"
ABOUT = f"/api/v2/conversations/messaging/integrations/open/{INTEGRATION}"
URL = "https://cdn.example.com/a.png"

Answer = tuple[int, bytes, dict[str, str]]


def said(status: int, body: Any = None, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
    return status, raw, {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass
class Asked:
    """One request that the organisation got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass
class Organisation:
    """A Genesys Cloud that gives numbered tokens, takes those that are good, and answers as told."""

    clock: ManualClock = field(default_factory=ManualClock)
    asked: list[Asked] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    good: Callable[[str], bool] = lambda token: True
    grant: Callable[["Organisation"], Answer] | None = None
    answer: Callable[[Asked], Answer] = lambda asked: said(200, {"id": "g-1"})
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, 1_000_000)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        asked = Asked(scope["method"], scope["path"], headers, body or b"")
        self.asked.append(asked)
        status, told, more = await self._token() if asked.path == "/oauth/token" else self._told(asked)
        extra = [(name.encode(), value.encode()) for name, value in more.items()]
        length = (b"content-length", b"%d" % len(told))
        await send({"type": "http.response.start", "status": status, "headers": [length, *extra]})
        await send({"type": "http.response.body", "body": told})

    async def _token(self) -> Answer:
        await self.gate.wait()
        if self.grant is not None:
            return self.grant(self)
        self.tokens.append(f"token-{len(self.tokens) + 1}")
        return said(200, {"access_token": self.tokens[-1], "token_type": "bearer", "expires_in": 600})

    def _told(self, asked: Asked) -> Answer:
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens or not self.good(token):
            return said(401, {"code": "bad.credentials", "message": "Invalid login credentials.", "status": 401})
        return self.answer(asked)

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def connector(self, **config: Any) -> GenesysConnector:
        secrets = {"client_secret": "secret-of-the-client", "webhook_secret": SECRET}
        settings = {"integration_id": INTEGRATION, "client_id": "client", "base_url": self.url, **config}
        tools = Tools(self.clock, None, "https://gateway.example.com")  # type: ignore[arg-type]
        return GenesysConnector(Channel(7, 1, "c", "genesys", settings, secrets), tools)


@asynccontextmanager
async def organisation(**more: Any) -> AsyncIterator[Organisation]:
    made = Organisation(**more)
    made.gate.set()
    async with serving(made) as made.url:
        yield made


def outgoing(content: Base, attempt: UUID = ATTEMPT) -> Outgoing:
    return Outgoing(attempt, attempt, TO, content, Purpose.TRANSACTIONAL, 600)


async def sent(answer: Answer, content: Base | None = None, **config: Any) -> tuple[SendResult, Asked]:
    """What a send comes to that is answered so, and its request."""
    async with organisation(answer=lambda asked: answer) as there:
        one = there.connector(**config)
        await one.start()
        result = await one.send(outgoing(content or neutral.Text(text="Hi")))
        await one.close()
    return result, there.asked[-1]


# -- The request ------------------------------------------------------------------------------------------------------


def attachment(media_type: str, url: str, mime: str, **more: str) -> list[dict[str, Any]]:
    about = {"mediaType": media_type, "url": url, "mime": mime, **more}
    return [{"contentType": "Attachment", "attachment": about}]


CONTENTS: list[tuple[Base, dict[str, Any]]] = [
    (neutral.Text(text="Hi"), {"text": "Hi"}),
    (neutral.Image(url=URL), {"content": attachment("Image", URL, "image/png")}),
    (neutral.Image(url=URL, text="Look"), {"text": "Look", "content": attachment("Image", URL, "image/png")}),
    (neutral.Video(url="https://a.example.com/v"),
     {"content": attachment("Video", "https://a.example.com/v", "video/mp4")}),
    (neutral.Audio(url="https://a.example.com/s.ogg?x=1"),
     {"content": attachment("Audio", "https://a.example.com/s.ogg?x=1", "audio/ogg")}),
    (neutral.File(url="https://a.example.com/f", name="a.pdf"),
     {"content": attachment("File", "https://a.example.com/f", "application/octet-stream", filename="a.pdf")}),
]  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), CONTENTS)
async def test_a_persons_words(content: Base, expected: dict[str, Any]) -> None:
    result, asked = await sent(said(200, {"id": "g-1", "type": "Text"}), content)
    assert isinstance(result, Sent)
    assert result.ref == "g-1"
    assert (asked.method, asked.path, asked.headers["authorization"]) == ("POST", MESSAGE, "Bearer token-1")
    at = datetime.fromtimestamp((ATTEMPT.int >> 80) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    channel = {"from": {"id": TO, "idType": "Opaque"}, "messageId": str(ATTEMPT), "time": at}
    assert asked.json == {"channel": channel, **expected}
    assert problems(content, Purpose.TRANSACTIONAL, limits.OPEN) == []


async def test_a_repeat_is_the_same_to_the_letter() -> None:
    async with organisation() as there:
        one = there.connector()
        await one.send(outgoing(neutral.Text(text="Hi")))
        await there.clock.advance(3600)
        await one.send(outgoing(neutral.Text(text="Hi")))
        await one.close()
    first, second = (asked for asked in there.asked if asked.path == MESSAGE)
    assert first.body == second.body


async def test_people_may_be_named_by_phone() -> None:
    _, asked = await sent(said(200, {"id": "g-1"}), id_type="Phone")
    assert asked.json["channel"]["from"] == {"id": TO, "idType": "Phone"}


async def test_a_text_without_an_agent() -> None:
    result, asked = await sent(said(200, {"id": "g-1", "conversationId": "c"}), mode="agentless")
    assert isinstance(result, Sent)
    assert asked.path == AGENTLESS
    assert asked.json == {
        "fromAddress": INTEGRATION,
        "toAddress": TO,
        "toAddressMessengerType": "open",
        "textBody": "Hi",
        "useExistingActiveConversation": True,
    }


REFUSED_CONTENTS: list[tuple[str, Base, str]] = [
    ("agentless", neutral.Image(url=URL), "/type"),
    ("agentless", neutral.Text(text="x" * 2001), "/text"),
    ("open", neutral.Location(latitude=1, longitude=2), "/type"),
    ("open", neutral.Text(text="x", button=neutral.LinkButton(text="a", url=URL)), "/button"),
]


@pytest.mark.parametrize(("mode", "content", "pointer"), REFUSED_CONTENTS)
def test_what_has_no_form_there_is_refused_beforehand(mode: str, content: Base, pointer: str) -> None:
    (problem,) = problems(content, Purpose.TRANSACTIONAL, kind.capabilities({"mode": mode}))
    assert problem.pointer == pointer


@pytest.mark.parametrize(("mode", "content"), [("agentless", neutral.Image(url=URL, text="x")),
                                               ("open", neutral.Location(latitude=1, longitude=2))])  # fmt: skip
async def test_a_content_that_got_through_is_refused_here(mode: str, content: Base) -> None:
    async with organisation() as there:
        result = await there.connector(mode=mode).send(outgoing(content))
    assert isinstance(result, Refused)
    assert (result.reason, there.asked) == ("content_refused", [])


# -- The answer -------------------------------------------------------------------------------------------------------

ERROR = {"message": "words", "code": "bad.request", "status": 400}
_WHY = [{"code": "RecipientOptedOut", "message": "x"}]
FAILED = {"id": "g-1", "type": "Receipt", "status": "Failed", "reasons": _WHY}
ANSWERS: list[tuple[Answer, type, str | None]] = [
    (said(202, {"id": "g-1"}), Sent, "g-1"),
    (said(202), Sent, str(ATTEMPT)),
    (said(200, {}), Sent, str(ATTEMPT)),
    (said(200, b"<html>"), Unknown, "provider_garbage"),
    (said(200, {"id": 7}), Unknown, "provider_garbage"),
    (said(200, FAILED), Refused, "blocked_by_user"),
    (said(200, {"status": "Failed", "reasons": "?"}), Refused, "network_failed"),
    (said(400, ERROR), Refused, "content_refused"),
    (said(403, ERROR), Refused, "not_permitted"),
    (said(404, ERROR), Refused, "sender_not_found"),
    (said(415, ERROR), Refused, "content_refused"),
    (said(418, ERROR), Refused, "provider_error"),
    (said(429, ERROR), Retry, "throttled"),
    (said(500, ERROR), Retry, "provider_error"),
    (said(504, ERROR), Unknown, "no_answer"),
]


@pytest.mark.parametrize(("answer", "outcome", "word"), ANSWERS)
async def test_what_an_answer_means(answer: Answer, outcome: type, word: str | None) -> None:
    result, _ = await sent(answer)
    assert isinstance(result, outcome)
    assert (result.ref if isinstance(result, Sent) else result.reason) == word


async def test_an_answer_without_an_id_where_none_is_ours() -> None:
    result, _ = await sent(said(200, {}), mode="agentless")
    assert isinstance(result, Unknown)
    assert result.reason == "provider_garbage"


async def test_the_time_to_wait_is_kept() -> None:
    result, _ = await sent(said(429, ERROR, retry_after="17"))
    assert isinstance(result, Retry)
    assert result.after == 17


# -- The token --------------------------------------------------------------------------------------------------------


async def test_a_token_is_asked_for_as_the_sdks_do() -> None:
    async with organisation() as there:
        await there.connector().send(outgoing(neutral.Text(text="Hi")))
    asked = there.asked[0]
    assert (asked.method, asked.path, asked.body) == ("POST", "/oauth/token", b"grant_type=client_credentials")
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")) == b"client:secret-of-the-client"


async def test_however_many_need_a_token_one_is_asked_for() -> None:
    async with organisation() as there:
        there.gate.clear()
        one = there.connector()
        sends = [asyncio.create_task(one.send(outgoing(neutral.Text(text=str(n))))) for n in range(20)]
        while not there.asked:
            await asyncio.sleep(0.001)
        sends[0].cancel()
        there.gate.set()
        results = await asyncio.gather(*sends, return_exceptions=True)
        await one.close()
    assert there.tokens == ["token-1"]
    assert [isinstance(result, Sent) for result in results] == [False] + [True] * 19


async def test_a_token_is_kept_and_replaced_before_it_runs_out() -> None:
    async with organisation() as there:
        one = there.connector()
        for seconds in (0, 530, 15, 1):  # 600 s of life, of which the last 60 are spared
            await there.clock.advance(seconds)
            assert isinstance(await one.send(outgoing(neutral.Text(text="Hi"))), Sent)
        await one.close()
    assert there.tokens == ["token-1", "token-2"]
    assert [asked.headers["authorization"] for asked in there.asked if asked.path == MESSAGE] == [
        *["Bearer token-1"] * 2,
        *["Bearer token-2"] * 2,
    ]


async def test_a_token_that_is_not_taken_any_more_is_replaced_and_the_send_repeated() -> None:
    async with organisation() as there:
        one = there.connector()
        await one.send(outgoing(neutral.Text(text="one")))
        there.good = lambda token: token != "token-1"
        result = await one.send(outgoing(neutral.Text(text="two")))
        await one.close()
    assert isinstance(result, Sent)
    assert there.paths() == ["/oauth/token", MESSAGE, MESSAGE, "/oauth/token", MESSAGE]


async def test_tokens_that_are_never_taken_are_not_asked_for_without_end() -> None:
    async with organisation(good=lambda token: False) as there:
        one = there.connector()
        result = await one.send(outgoing(neutral.Text(text="Hi")))
        await one.close()
    assert isinstance(result, Refused)
    assert result.reason == "bad_credentials"
    assert there.paths() == ["/oauth/token", MESSAGE] * 2


OAUTH = {"error": "invalid_client", "description": "client not found", "error_description": "client not found"}
GRANTS: list[tuple[Answer, type, str]] = [
    (said(400, OAUTH), Refused, "bad_credentials"),
    (said(401, OAUTH), Refused, "bad_credentials"),
    (said(429, OAUTH), Retry, "throttled"),
    (said(503), Retry, "provider_error"),
    (said(504), Retry, "provider_garbage"),
    (said(200, b"<html>"), Retry, "provider_garbage"),
    (said(200, {"access_token": ""}), Retry, "provider_garbage"),
    (said(200, {"access_token": "é"}), Retry, "provider_garbage"),
    (said(200, {"access_token": "a\r\nb"}), Retry, "provider_garbage"),
]


@pytest.mark.parametrize(("answer", "outcome", "word"), GRANTS)
async def test_without_a_token_nothing_has_left(answer: Answer, outcome: type, word: str) -> None:
    async with organisation(grant=lambda there: answer) as there:
        one = there.connector()
        result = await one.send(outgoing(neutral.Text(text="Hi")))
        await one.close()
    assert isinstance(result, outcome)
    assert isinstance(result, Refused | Retry)
    assert result.reason == word
    assert MESSAGE not in there.paths()


async def test_a_login_host_that_is_away_or_silent_has_not_taken_the_message() -> None:
    async with organisation() as there:
        there.gate.clear()
        silent = await there.connector(timeout=0.2).send(outgoing(neutral.Text(text="Hi")))
        away = await there.connector(login_url="http://127.0.0.1:9").send(outgoing(neutral.Text(text="Hi")))
        there.gate.set()
    for result in (silent, away):
        assert isinstance(result, Retry)
        assert result.reason == "provider_unreachable"


async def test_no_exchange_shows_a_secret() -> None:
    results = [(await sent(said(status, ERROR)))[0] for status in (200, 400, 500)]
    async with organisation(grant=lambda there: said(200, b'{"access_token": "token-1')) as there:
        results.append(await there.connector().send(outgoing(neutral.Text(text="Hi"))))
    for result in results:
        shown = str(result.exchange)
        assert [word for word in ("token-1", "secret-of-the-client", "Basic") if word in shown] == []


@pytest.mark.parametrize(
    ("api", "login"),
    [
        ("https://api.mypurecloud.ie", "https://login.mypurecloud.ie"),
        ("https://api.usw2.pure.cloud", "https://login.usw2.pure.cloud"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://gateway.example.com/api.x", "https://gateway.example.com/api.x"),
    ],
)
def test_the_login_host(api: str, login: str) -> None:
    assert login_of(api) == login


# -- Health -----------------------------------------------------------------------------------------------------------


def about(url: str | None) -> Answer:
    told = {"id": INTEGRATION, "name": "Shop", "status": "active"}
    return said(200, told if url is None else {**told, "outboundNotificationWebhookUrl": url})


CHECKS: list[tuple[str, Answer, bool, str]] = [
    ("open", about(HOOK), True, f"its webhook is {HOOK}."),
    ("open", about("https://other.example.com"), False, f"to https://other.example.com instead of {HOOK}."),
    ("open", about(None), False, f"has no webhook instead of {HOOK}."),
    ("agentless", about("https://other.example.com"), True, "the OAuth client may use it."),
    ("agentless", about(HOOK), False, "nobody brings them to people."),
    ("open", said(404, {"message": "Not found."}), False, f"Open Messaging integration {INTEGRATION} (Not found)."),
    ("open", said(403, {"message": "Missing x"}), False, "see or change the integration (Missing x)."),
    ("open", said(500), False, "answers with HTTP 500."),
    ("open", said(200, b"<html>"), False, "with nothing that is an integration."),
]


@pytest.mark.parametrize(("mode", "answer", "ok", "words"), CHECKS)
async def test_a_check(mode: str, answer: Answer, ok: bool, words: str) -> None:
    async with organisation(answer=lambda asked: answer) as there:
        one = there.connector(mode=mode)
        health = await one.check()
        await one.close()
    assert (health.ok, health.detail.endswith(words)) == (ok, True), health
    assert there.asked[-1].path == ABOUT


async def test_a_check_tells_a_wrong_secret_from_a_missing_role() -> None:
    async with organisation(grant=lambda there: said(401, OAUTH)) as there:
        health = await there.connector().check()
        assert (health.ok, health.reason) == (False, "bad_credentials")
        assert "does not take the OAuth client and its secret (client not found)." in health.detail
        assert health.fix
        there.grant = lambda there: said(502)
        assert "gives no token: it answers with HTTP 502." in (await there.connector().check()).detail
        there.grant, there.good = None, lambda token: False
        assert "does not take the token that it gave" in (await there.connector().check()).detail
        away = await there.connector(login_url="http://127.0.0.1:9").check()
        assert "http://127.0.0.1:9 cannot be reached" in away.detail
        await there.connector().send(outgoing(neutral.Text(text="Hi")))


async def test_setting_up_names_the_hook() -> None:
    async with organisation(answer=lambda asked: about("https://other.example.com")) as there:
        one = there.connector()
        assert kind.provision is not None
        health = await kind.provision(one)
        await one.close()
    assert health.ok, health
    change = there.asked[-1]
    assert (change.method, change.path) == ("PATCH", ABOUT)
    assert change.json == {
        "name": "Shop",
        "outboundNotificationWebhookUrl": HOOK,
        "outboundNotificationWebhookSignatureSecretToken": SECRET,
    }


async def test_setting_up_changes_nothing_of_another_middlewares() -> None:
    async with organisation(answer=lambda asked: about("https://other.example.com")) as there:
        health = await there.connector(mode="agentless").provision()
    assert health.ok
    assert [asked.method for asked in there.asked] == ["POST", "GET"]


async def test_setting_up_that_is_refused_says_so() -> None:
    refuse = lambda asked: said(403) if asked.method == "PATCH" else about(None)  # noqa: E731
    async with organisation(answer=refuse) as there:
        health = await there.connector().provision()
    assert (health.ok, "messaging:integration:edit" in (health.fix or "")) == (False, True)


# -- The kind ---------------------------------------------------------------------------------------------------------


def test_the_kind_is_registered() -> None:
    assert "genesys" in [kind.name for kind in registration.kinds]
    assert kind.sender is not None
    assert kind.sender({"integration_id": INTEGRATION}) == INTEGRATION


def test_people_are_whatever_the_middleware_calls_them() -> None:
    for name in (TO, "ana@example.com", "01234567890A=", "Ana 7"):
        assert address(name, "/to") == name
    for wrong in ("", " ana", "a\nb", "x" * 257):
        assert isinstance(address(wrong, "/to"), Problem)
