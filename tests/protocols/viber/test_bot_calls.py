"""A bot's other calls: broadcasts, questions, and the webhook with its handshake."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.protocols.viber.conftest import TOKEN, MakeBot
from tests.protocols.viber.stub import HANG_UP, Reply, Stub
from tyrian.domain.content import Text
from tyrian.domain.keyboard import Button, Keyboard
from tyrian.engine.ports import HookRequest, Refused, Sent, Unknown
from tyrian.protocols.viber import bot_kind
from tyrian.protocols.viber.bot import BotConnector, BotError
from tyrian.protocols.viber.hooks import sign

HOOK = "https://gateway.example/hooks/7"
EVENTS = ["delivered", "seen", "failed", "subscribed", "unsubscribed", "conversation_started", "message"]


# -- Broadcasts --------------------------------------------------------------------------------------------------------


async def test_broadcast(viber: Stub, bot: BotConnector) -> None:
    failed = [
        {"receiver": "x==", "status": 5, "status_message": "Not found"},
        {"receiver": "y==", "status": 6, "status_message": "notSubscribed"},
        {"receiver": "z==", "status": 99},
    ]
    viber.answer({"status": 0, "message_token": 5741311803571721087, "failed_list": failed})
    outcome = await bot.broadcast(["u==", "x==", "y==", "z=="], Text(text="Hi replace_me_with_user_name"))
    assert viber.last.path == "/pa/broadcast_message"
    assert viber.last.json == {
        "broadcast_list": ["u==", "x==", "y==", "z=="],
        "sender": {"name": "Shop"},
        "type": "text",
        "text": "Hi replace_me_with_user_name",
    }
    assert isinstance(outcome.result, Sent)
    assert outcome.failed == {"x==": "not_a_viber_user", "y==": "not_subscribed", "z==": "provider_error"}
    assert outcome.refs == {"u==": "5741311803571721087:u=="}


async def test_a_broadcast_that_viber_refuses(viber: Stub, bot: BotConnector) -> None:
    viber.answer({"status": 20, "status_message": "broadcastNotAllowed"})
    outcome = await bot.broadcast(["u=="], Text(text="Hi"))
    assert isinstance(outcome.result, Refused)
    assert outcome.result.reason == "not_permitted"
    assert outcome.failed == outcome.refs == {}


async def test_a_broadcast_without_an_answer(viber: Stub, bot: BotConnector) -> None:
    viber.answer(HANG_UP)
    assert isinstance((await bot.broadcast(["u=="], Text(text="Hi"))).result, Unknown)


async def test_a_broadcast_that_is_too_large(viber: Stub, bot: BotConnector) -> None:
    many = Keyboard(buttons=[Button(value="v" * 250, text="t" * 250) for _ in range(60)])
    outcome = await bot.broadcast(["u=="], Text(text="Hi", keyboard=many))
    assert isinstance(outcome.result, Refused)
    assert viber.calls == []


@pytest.mark.parametrize("count", [0, 301])
async def test_a_broadcast_to_none_or_too_many(count: int, bot: BotConnector) -> None:
    with pytest.raises(ValueError, match="1 to 300"):
        await bot.broadcast(["u=="] * count, Text(text="Hi"))


async def test_a_broadcast_to_300(viber: Stub, bot: BotConnector) -> None:
    viber.answer({"status": 0, "message_token": 1})
    users = [f"{i}==" for i in range(300)]
    assert len((await bot.broadcast(users, Text(text="Hi"))).refs) == 300


# -- Questions ---------------------------------------------------------------------------------------------------------


async def test_account_info(viber: Stub, bot: BotConnector) -> None:
    viber.answer(
        {
            "status": 0, "status_message": "ok", "id": "pa:525398665549213", "name": "Demo bot", "uri": "demobot",
            "location": {"lon": 30.52, "lat": 50.45}, "webhook": HOOK, "event_types": ["delivered"],
            "members": [{"id": "a==", "role": "admin"}], "subscribers_count": 12, "chat_flags": [],
        }
    )  # fmt: skip
    info = await bot.account_info()
    assert (info.id, info.name, info.subscribers_count) == ("pa:525398665549213", "Demo bot", 12)
    assert (viber.last.method, viber.last.path, viber.last.json) == ("POST", "/pa/get_account_info", {})


async def test_user_details(viber: Stub, bot: BotConnector) -> None:
    user = {"id": "a==", "name": "Ann", "country": "UA", "language": "uk", "primary_device_os": "Android 9",
            "api_version": 7, "viber_version": "9.8.5.20", "mcc": 255, "mnc": 1, "device_type": "Mi A1"}  # fmt: skip
    viber.answer({"status": 0, "user": user})
    details = await bot.user_details("a==")
    assert (details.name, details.api_version, details.avatar) == ("Ann", 7, None)
    assert (viber.last.path, viber.last.json) == ("/pa/get_user_details", {"id": "a=="})


async def test_online(viber: Stub, bot: BotConnector) -> None:
    viber.answer(
        {
            "status": 0,
            "users": [
                {"id": "a==", "online_status": 0, "online_status_message": "online", "last_online": 0},
                {"id": "b==", "online_status": 1, "last_online": 1551686893588},
            ],
        }
    )
    states = await bot.online(["a==", "b=="])
    assert [(u.id, u.online_status, u.last_online) for u in states] == [("a==", 0, 0), ("b==", 1, 1551686893588)]
    assert (viber.last.path, viber.last.json) == ("/pa/get_online", {"ids": ["a==", "b=="]})


@pytest.mark.parametrize("count", [0, 101])
async def test_online_of_none_or_too_many(count: int, bot: BotConnector) -> None:
    with pytest.raises(ValueError, match="1 to 100"):
        await bot.online(["a=="] * count)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply({"status": 2, "status_message": "invalidAuthToken"}), "status 2: invalidAuthToken"),
        (Reply({"status": 12}), "status 12"),
        (Reply(raw=b"HTTP/1.1 502 Bad\r\nContent-Length: 3\r\n\r\nbad"), "HTTP 502 and no JSON"),
        (Reply([]), "no JSON of Viber's"),
        (HANG_UP, "no answer from http://127.0.0.1"),
    ],
)
async def test_a_question_without_an_answer_says_why(reply: Reply, words: str, viber: Stub, bot: BotConnector) -> None:
    viber.answer(reply)
    with pytest.raises(BotError, match=words):
        await bot.account_info()


async def test_details_without_a_user(viber: Stub, bot: BotConnector) -> None:
    viber.answer({"status": 0})
    with pytest.raises(BotError, match="nothing of the user"):
        await bot.user_details("a==")


# -- The webhook -------------------------------------------------------------------------------------------------------


async def test_provisioning_sets_the_webhook(viber: Stub, bot: BotConnector) -> None:
    viber.answer({"status": 0, "status_message": "ok", "event_types": ["delivered", "message"]})
    assert bot_kind.provision is not None
    health = await bot_kind.provision(bot)
    assert viber.last.path == "/pa/set_webhook"
    assert viber.last.json == {"url": HOOK, "event_types": EVENTS, "send_name": True, "send_photo": False}
    assert health.ok
    assert health.detail == f"Viber has called {HOOK} and will send: delivered, message."


async def test_what_the_webhook_asks_for_is_a_setting(viber: Stub, make_bot: MakeBot) -> None:
    viber.answer({"status": 0})
    bot = await make_bot(events=["seen"], send_name=False, send_photo=True)
    health = await bot.provision()
    assert viber.last.json == {"url": HOOK, "event_types": ["seen"], "send_name": False, "send_photo": True}
    assert health.detail.endswith("will send: seen.")


async def test_removing_the_webhook(viber: Stub, bot: BotConnector) -> None:
    viber.answer({"status": 0, "event_types": []})
    await bot.remove_webhook()
    assert viber.last.json == {"url": ""}


SEEN = "Result[HttpRequest[POST /path HTTP/1.1]@572b5ac2 > "
#: What Viber says (texts of the live service), the reason, and a word of what to do.
FAILURES: list[tuple[dict[str, Any], str, str]] = [
    (
        {"status": 1, "status_message": SEEN + "HttpResponse[HTTP/1.1 500 Internal Server Error]@1323ed84] null"},
        "refused_on_the_way",
        "proxy",
    ),
    (
        {"status": 1, "status_message": SEEN + "HttpResponse[null 0 null]@79] java.net.ConnectException: refused"},
        "unreachable_url",
        "firewall",
    ),
    (
        {"status": 1, "status_message": "HttpResponse[null] javax.net.ssl.SSLHandshakeException: General SSLEngine"},
        "bad_tls",
        "whole chain",
    ),
    ({"status": 1, "chat_hostname": "SN-CHAT-06_"}, "refused", "from outside"),
    ({"status": 2, "status_message": "invalidAuthToken"}, "wrong_token", "admin panel"),
    ({"status": 8, "status_message": "publicAccountNotFound"}, "wrong_token", "admin panel"),
    ({"status": 9, "status_message": "publicAccountSuspended"}, "bot_disabled", "support"),
    ({"status": 3, "status_message": "badData"}, "refused", "from outside"),
]


@pytest.mark.parametrize(("answer", "reason", "fix"), FAILURES, ids=[f"{a['status']}-{r}" for a, r, _ in FAILURES])
async def test_a_webhook_that_viber_refuses(
    answer: dict[str, Any], reason: str, fix: str, viber: Stub, bot: BotConnector
) -> None:
    viber.answer(answer)
    health = await bot.provision()
    assert not health.ok
    assert HOOK in health.detail
    assert health.reason == reason
    assert health.fix is not None
    assert fix in health.fix


@pytest.mark.parametrize(
    ("url", "reason"), [("http://10.0.0.1/hooks/7", "not_https"), ("https://203.0.113.9/hooks/7", "unreachable_url")]
)
async def test_an_address_that_viber_never_calls(url: str, reason: str, viber: Stub, bot: BotConnector) -> None:
    viber.answer({"status": 1})
    bot.hook_url = url
    assert (await bot.provision()).reason == reason


async def test_viber_out_of_reach(make_bot: MakeBot) -> None:
    bot = await make_bot(base_url="http://127.0.0.1:9/pa", connect_timeout=0.5, timeout=0.5)
    assert (await bot.provision()).reason == "no_answer"


def _knock(token: str, remote: str = "203.0.113.9") -> HookRequest:
    """Viber's first call to a webhook, signed with a token."""
    body = b'{"event":"webhook","timestamp":1,"message_token":1}'
    return HookRequest("POST", "/hooks/7", {}, {"x-viber-content-signature": sign(body, token)}, body, remote)


@pytest.mark.parametrize(
    ("knock", "reason"),
    [
        (_knock("another-bots-token"), "wrong_signature"),
        (_knock(TOKEN, "198.51.100.7"), "address_not_allowed"),
    ],
)
async def test_a_call_that_the_gateway_itself_turned_away(
    knock: HookRequest, reason: str, viber: Stub, make_bot: MakeBot
) -> None:
    bot = await make_bot(callback_networks=["203.0.113.0/24"])
    assert bot.hook(_knock(TOKEN)).status == 200
    bot._clock = Ticking()
    assert bot.hook(knock).status == 403
    viber.answer({"status": 1, "status_message": SEEN + "HttpResponse[HTTP/1.1 403 Forbidden]@1] null"})
    assert (await bot.provision()).reason == "refused_on_the_way", "that call was of before"

    async def meanwhile(url: str) -> Any:
        bot.hook(knock)
        raise BotError("Viber answered with status 1", 1, "HttpResponse[HTTP/1.1 403 Forbidden]")

    bot.set_webhook = meanwhile  # type: ignore[method-assign]
    assert (await bot.provision()).reason == reason


class Ticking:
    """A clock on which no two moments are the same."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")


async def test_a_replaced_token_is_believed_for_a_while(bot: BotConnector) -> None:
    bot._clock = clock = Ticking()
    bot._channel.retired = {"token": ("old-token", clock.moment + timedelta(seconds=2))}
    assert [bot.hook(_knock(token)).status for token in ("old-token", TOKEN, "old-token")] == [200, 200, 403]


# -- Doctor ------------------------------------------------------------------------------------------------------------

CHECKS: list[tuple[str, dict[str, Any], bool, str]] = [
    ("all is well", {"status": 0, "name": "Demo", "webhook": HOOK}, True, 'bot "Demo", and its webhook is'),
    ("no webhook", {"status": 0, "name": "Demo"}, False, "no webhook is set"),
    ("an empty webhook", {"status": 0, "name": "Demo", "webhook": ""}, False, "no webhook is set"),
    (
        "another webhook",
        {"status": 0, "uri": "d", "webhook": "https://else.example/x"},
        False,
        "https://else.example/x",
    ),
    ("a wrong token", {"status": 2, "status_message": "invalidAuthToken"}, False, "invalidAuthToken"),
]


@pytest.mark.parametrize(("answer", "ok", "words"), [pytest.param(*case[1:], id=case[0]) for case in CHECKS])
async def test_check(answer: dict[str, Any], ok: bool, words: str, viber: Stub, bot: BotConnector) -> None:
    viber.answer(answer)
    health = await bot.check()
    assert health.ok is ok
    assert words in health.detail


async def test_check_finds_a_welcome_that_cannot_be_sent(make_bot: MakeBot) -> None:
    bot = await make_bot(welcome={"type": "text", "text": "x" * 7001})
    health = await bot.check()
    assert not health.ok
    assert "/welcome/text must have at most 7000 characters" in health.detail
