"""Open Messaging served: what goes to a middleware, presses, receipts, events, and the settings behind them."""

import asyncio
from contextlib import aclosing
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from tests.protocols.genesys.conftest import Api
from tests.protocols.genesys.middleware import AT, OPEN, TOKEN, Middleware, integrated, request, sender, signature
from tyrian.domain import content as neutral, limits
from tyrian.domain.content import Base
from tyrian.domain.conversation import Author, By, Queue, Role
from tyrian.domain.keyboard import Button, Keyboard
from tyrian.domain.purpose import Purpose
from tyrian.domain.submission import Plan, Recipient, Step, Submission
from tyrian.engine.ports import Channel, Outgoing, Refused as Refusal, Tools
from tyrian.protocols.genesys import ids
from tyrian.protocols.genesys.open_channel import OpenConnector
from tyrian.protocols.genesys.open_config import allowed
from tyrian.store import reading

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHOP = "https://shop.example.com"
PNG = {"mediaType": "Image", "url": "https://cdn.example.com/a.png", "mime": "image/png"}
SETTINGS = "conversations/messaging/settings"
CONTENT = "conversations/messaging/supportedcontent"
THREADING = "conversations/messaging/threadingtimeline"


async def send(there: Middleware, content: Base, to: str = "customer-7") -> UUID:
    """The gateway sends a message on the integration's channel."""
    step = Step(channel=there.channel.channel.name, content=content)  # type: ignore[arg-type]
    plan, account_id = Plan(cascade=[step], validity=3600), there.api.account_id
    submission = Submission(account_id=account_id, plan=plan, recipients=[Recipient(to=to)])
    return (await there.api.gateway.intake.submit(submission)).messages[0].id


async def becomes(there: Middleware, message: UUID, status: str, reason: str | None = None) -> None:
    """Waits until a message has this status."""

    async def look() -> bool:
        row = await reading.message(there.api.gateway.db, there.api.account_id, message)
        assert row is not None
        return (row["status"], row["reason"]) == (status, reason)

    await there.api.until(look)


def receipt(message: UUID | str, status: str, **more: Any) -> dict[str, Any]:
    return {"id": str(message), "channel": {"to": {"id": "customer-7"}, "time": AT}, "status": status, **more}


# -- Webhooks ---------------------------------------------------------------------------------------------------------


async def test_a_message_is_brought_to_the_middleware_as_genesys_would(api: Api) -> None:
    there = await integrated(api, webhookHeaders={"X-Api-Key": "k-1"})
    message = await send(there, neutral.Text(text="On its way"))
    await becomes(there, message, "sent")
    (brought,) = await there.brought("Text")
    channel = brought.pop("channel")
    assert brought == {
        "id": str(message),
        "type": "Text",
        "text": "On its way",
        "direction": "Outbound",
        "originatingEntity": "Human",
    }
    assert (channel["id"], channel["platform"], channel["type"]) == (there.id, "Open", "Private")
    assert channel["to"] == {"id": "customer-7", "idType": "Opaque"}
    assert channel["from"] == {"nickname": "Shop", "id": there.id, "idType": "Opaque"}
    (hit,) = there.got
    assert (hit.headers["x-api-key"], hit.query, hit.path) == ("k-1", {"of": "shop"}, "/out")


KEYBOARD = Keyboard(buttons=[Button(value="YES", text="Yes"), Button(action="open-url", value=SHOP, text="Shop")])
LINK = neutral.LinkButton(text="Buy", url=SHOP)
CARD = neutral.Card(title="Shoes", image=PNG["url"], primary=LINK)
STRUCTURED: list[tuple[Base, list[str]]] = [
    (neutral.Text(text="Shall we?", keyboard=KEYBOARD), ["QuickReply", "Card"]),
    (neutral.Text(text="Sale", button=LINK), ["Card"]),
    (neutral.Survey(text="Which?", options=["a", "b"]), ["QuickReply", "QuickReply"]),
    (neutral.Carousel(text="New", cards=[CARD, CARD]), ["Carousel"]),
]


@pytest.mark.parametrize(("content", "elements"), STRUCTURED)
async def test_buttons_and_cards_are_structured(api: Api, content: Base, elements: list[str]) -> None:
    there = await integrated(api)
    await send(there, content)
    (brought,) = await there.brought("Structured")
    assert [element["contentType"] for element in brought["content"]] == elements
    assert (brought["text"], brought["originatingEntity"]) == (content.text, "Bot")  # type: ignore[attr-defined]


async def test_the_supported_content_says_which_media_go_out_and_come_in(api: Api) -> None:
    allow = {"inbound": [{"type": "text/*"}], "outbound": [{"type": "image/png"}]}
    profile = (await api.post(CONTENT, {"name": "PNG", "mediaTypes": {"allow": allow}})).body
    there = await integrated(api, supportedContent={"id": profile["id"]})
    await send(there, neutral.Image(url=PNG["url"]))
    (brought,) = await there.brought("Text")
    assert (brought["content"][0]["attachment"]["url"], "text" in brought) == (PNG["url"], False)
    jpeg = neutral.Image(url="https://cdn.example.com/a.jpg")
    (problem,) = limits.check(jpeg, Purpose.TRANSACTIONAL, there.channel.capabilities)
    assert (problem.pointer, "image/jpeg" in problem.message) == ("/url", True)
    await becomes(there, await send(there, jpeg), "failed", "content_refused")
    assert len(await there.brought("Text")) == 1
    content = [{"attachment": PNG}]
    both = (await there.bring("message", {"channel": sender(), "text": "Look", "content": content})).body
    assert ("content" in both, both["text"]) == (False, "Look")
    alone = await there.bring("message", {"channel": sender(), "content": content})
    assert (alone.status, alone.body["status"], alone.body["reasons"][0]["code"]) == (
        200, "Failed", "MediaTypeNotAllowed",
    )  # fmt: skip
    assert await api.inbound() == [("customer-7", {"type": "text", "text": "Look"})]


async def test_what_a_list_of_mime_types_allows() -> None:
    assert allowed("image/PNG; charset=x", ("image/*",))
    assert allowed("video/mp4", ("image/png", "*/*"))
    assert not allowed("image/png", ("image/jpeg", "video/*"))
    assert not allowed("image/png", ())


REFUSED = [(400, "content_refused"), (404, "sender_not_found"), (403, "bad_credentials"), (410, "provider_error")]


@pytest.mark.parametrize(("status", "reason"), REFUSED)
async def test_a_webhook_that_is_refused_ends_the_attempt(api: Api, status: int, reason: str) -> None:
    there = await integrated(api)
    api.webhook.answer = lambda hit: (status, b"")
    await becomes(there, await send(there, neutral.Text(text="hello")), "failed", reason)
    assert len(await there.brought("Text")) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_webhook_that_fails_is_brought_again(api: Api, status: int) -> None:
    there = await integrated(api)
    answers = [status]
    api.webhook.answer = lambda hit: (answers.pop() if answers else 200, b"")
    message = await send(there, neutral.Text(text="hello"))
    first, second = await there.brought("Text", 2)
    assert first["id"] == second["id"] == str(message)
    assert first["channel"]["messageId"] == second["channel"]["messageId"]
    await becomes(there, message, "sent")


async def test_a_webhook_never_goes_inside(api: Api) -> None:
    """A name may come to lead inside after it was judged: the address is judged again for each connection."""
    channel = Channel(1, 1, "open", "open_messaging", {"webhook_url": api.webhook.url}, {"signature_token": TOKEN})
    connector = OpenConnector(channel, Tools(api.clock, None, api.url))  # type: ignore[arg-type]
    outgoing = Outgoing(uuid4(), uuid4(), "customer-7", neutral.Text(text="hello"), Purpose.TRANSACTIONAL, 60)
    result, health = await connector.send(outgoing), await connector.check()
    await connector.close()
    assert isinstance(result, Refusal)
    assert (result.reason, health.ok) == ("endpoint_blocked", False)
    assert "loopback" in health.detail
    assert api.webhook.hits.empty()


async def test_a_replaced_token_signs_from_then_on(api: Api) -> None:
    there = await integrated(api)
    token = "another-token-of-the-shop"
    await api.patch(f"{OPEN}/{there.id}", {"name": "Shop", "outboundNotificationWebhookSignatureSecretToken": token})
    await send(there, neutral.Text(text="hello"))
    hit = await api.webhook.next()
    assert hit.headers["x-hub-signature-256"] == signature(hit.body, token)


# -- Receipts ---------------------------------------------------------------------------------------------------------

RECEIPTS: list[tuple[dict[str, Any], str, str | None]] = [
    ({"status": "Delivered"}, "delivered", None),
    ({"status": "Published"}, "delivered", None),
    ({"status": "Failed"}, "failed", "network_failed"),
    ({"status": "Failed", "reasons": [{"code": "InvalidDestination", "message": "x"}]}, "failed", "invalid_recipient"),
    ({"status": "Failed", "reasons": [{"code": "MessageExpired", "message": "x"}]}, "expired", "network_expired"),
]


@pytest.mark.parametrize(("members", "status", "reason"), RECEIPTS)
async def test_a_receipt_says_what_became_of_a_message(
    api: Api, members: dict[str, Any], status: str, reason: str | None
) -> None:
    there = await integrated(api)
    message = await send(there, neutral.Text(text="hello"))
    await becomes(there, message, "sent")
    answer = await there.bring("receipt", receipt(message, **members))
    assert (answer.status, answer.body["type"], answer.body["id"]) == (200, "Receipt", str(message))
    await becomes(there, message, status, reason)


async def test_a_receipt_that_is_not_the_last_word_changes_nothing(api: Api) -> None:
    there = await integrated(api)
    message = await send(there, neutral.Text(text="hello"))
    await becomes(there, message, "sent")
    for members in ({"status": "Sent"}, {"status": "Removed"}, {"status": "Failed", "isFinalReceipt": False}):
        assert (await there.bring("receipt", receipt(message, **members))).status == 200
    assert (await there.bring("receipt", receipt(uuid4(), "Delivered"))).status == 200
    await becomes(there, message, "sent")


BAD_RECEIPTS: list[tuple[dict[str, Any], str, str]] = [
    ({"status": "Read"}, "invalid.value", "/status"),
    ({"reasons": [{"code": "Bored", "message": "x"}]}, "invalid.value", "/reasons/0/code"),
    ({"channel": {"to": {"id": "customer-7"}, "time": "noon"}}, "invalid.date", "/channel/time"),
    ({"channel": {"time": AT}}, "bad.request", "/channel/to"),
    ({"id": ""}, "bad.request", "/id"),
]


@pytest.mark.parametrize(("members", "code", "place"), BAD_RECEIPTS)
async def test_a_receipt_that_breaks_a_rule_is_refused(
    api: Api, members: dict[str, Any], code: str, place: str
) -> None:
    there = await integrated(api)
    answer = await there.bring("receipt", {**receipt(uuid4(), "Delivered"), **members})
    assert (answer.status, answer.code, answer.places) == (400, code, {place})


# -- Presses and events -----------------------------------------------------------------------------------------------


def press(message: str, **members: Any) -> dict[str, Any]:
    pressed = {"type": "QuickReply", "text": "Yes", "payload": "YES", **members}
    return {"channel": sender(), "buttonResponse": pressed, "originatingMessageId": message}


async def test_a_press_goes_into_the_persons_conversation(api: Api) -> None:
    there = await integrated(api)
    conversation = UUID((await there.says("hello"))["conversationId"])
    inbox = api.gateway.inbox
    asked = await inbox.send(
        api.account_id, conversation, neutral.Text(text="Shall we?", keyboard=KEYBOARD), by=Author(By.API, "test")
    )
    answer = await there.bring("structured/response", press(str(asked.message_id)))
    assert (answer.status, answer.body["type"], answer.body["direction"]) == (200, "Structured", "Inbound")
    shown = answer.body["content"][0]
    assert (shown["contentType"], shown["buttonResponse"]["payload"]) == ("ButtonResponse", "YES")

    async def pressed() -> Any:
        item = await inbox.find_item(api.account_id, UUID(answer.body["id"]))
        return item if item is not None and item.conversation_id == conversation else None

    item = await api.until(pressed)
    assert (item.content, item.data["button"]["value"]) == (neutral.Text(text="YES"), "YES")


BAD_PRESSES: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "Wish"}, "invalid.value", "/buttonResponse/type"),
    ({"payload": ""}, "bad.request", "/buttonResponse/payload"),
    ({"text": None}, "bad.request", "/buttonResponse/text"),
]


@pytest.mark.parametrize(("members", "code", "place"), BAD_PRESSES)
async def test_a_press_that_breaks_a_rule_is_refused(api: Api, members: dict[str, Any], code: str, place: str) -> None:
    there = await integrated(api)
    answer = await there.bring("structured/response", press("m", **members))
    assert (answer.status, answer.code, answer.places) == (400, code, {place})


async def test_a_press_of_somebody_without_a_conversation_is_refused(api: Api) -> None:
    there = await integrated(api)
    answer = await there.bring("structured/response", press("m"))
    assert (answer.status, answer.places) == (400, {"/channel/from/id"})
    assert await api.inbound() == []


async def test_typing_is_taken_and_kept_nowhere(api: Api) -> None:
    there = await integrated(api)
    body = {"channel": sender(), "events": [{"eventType": "Typing"}]}
    answer = await there.bring("event", body)
    assert (answer.status, answer.body["type"], answer.body["events"]) == (200, "Event", [{"eventType": "Typing"}])
    wrong = await there.bring("event", {**body, "events": [{"eventType": "Yawn"}]})
    assert (wrong.status, wrong.code, wrong.places) == (400, "invalid.value", {"/events/0/eventType"})
    assert await api.inbound() == []


@pytest.mark.parametrize("way", ["the API", "the hook"])
async def test_people_who_type_are_told_of_where_the_setting_says_so(api: Api, way: str) -> None:
    setting = (await api.post(SETTINGS, {"name": "Typing", **TYPING_IN})).body
    there = await integrated(api, messagingSetting={"id": setting["id"]})
    conversation = UUID((await there.says("hello"))["conversationId"])
    body = {"channel": sender(), "events": [{"eventType": "Typing"}]}

    async def types() -> None:
        if way == "the API":
            assert (await there.bring("event", body)).status == 200
            return
        raw, path = msgspec.json.encode(body), f"/hooks/{there.channel.channel.id}"
        signed = {"Authorization": "", "X-Hub-Signature-256": signature(raw)}
        assert (await api.call("POST", path, raw, headers=signed)).status == 200

    inbox, account = api.gateway.inbox, api.account_id
    last = await inbox.last_event(account)
    async with aclosing(inbox.watch(account, after=last)) as stream:

        async def typing() -> Any:
            return await anext(one async for one in stream if one is not None and one.type == "typing")

        waiting = asyncio.ensure_future(typing())
        await api.until(lambda: inbox.watching.count)
        await types()
        told = await asyncio.wait_for(waiting, 5)
    assert (told.conversation_id, told.data) == (conversation, {"conversation_id": str(conversation)})
    kept = await api.gateway.db.fetch("SELECT type FROM inbox_events WHERE account_id = $1", account)
    assert {row["type"] for row in kept} <= {"item", "conversation"}


async def test_agents_who_type_are_told_of_where_the_setting_says_so(api: Api) -> None:
    on = {"typing": {"on": {"inbound": "Disabled", "outbound": "Enabled"}}}
    setting = (await api.post(SETTINGS, {"name": "Typing", "event": on})).body
    there = await integrated(api, messagingSetting={"id": setting["id"]})
    channel, by = there.channel.channel, Author(By.API, "test")
    conversation = await api.gateway.inbox.open(api.account_id, channel, "customer-7", by=by)
    leg = next(leg.communication_id for leg in conversation.legs if leg.role is Role.API)
    path = f"conversations/messages/{conversation.id}/communications/{leg}/typing"
    assert (await api.post(path, {"typing": {"type": "On"}})).status == 202
    (told,) = await there.brought("Event")
    assert told["events"] == [{"eventType": "Typing", "typing": {"type": "On", "duration": 5000}}]
    assert told["channel"]["to"]["id"] == "customer-7"
    assert told["conversationId"] == str(conversation.id)


async def test_what_is_said_in_a_conversation_names_it(api: Api) -> None:
    there = await integrated(api)
    conversation = (await there.says("hello"))["conversationId"]
    by = Author(By.API, "test")
    await api.gateway.inbox.send(api.account_id, UUID(conversation), neutral.Text(text="On its way"), by=by)
    (brought,) = await there.brought("Text")
    assert (brought["text"], brought["conversationId"]) == ("On its way", conversation)


async def test_the_deprecated_operation_takes_all_of_them(api: Api) -> None:
    there = await integrated(api)
    path, channel = "conversations/messages/inbound/open", {**sender(), "to": {"id": there.id}}
    said = await api.post(path, {"type": "Text", "channel": channel, "text": "hello"})
    assert (said.status, said.body["text"]) == (200, "hello")
    message = await send(there, neutral.Text(text="hello"))
    await becomes(there, message, "sent")
    told = receipt(message, "Delivered")
    told["channel"] |= {"id": there.id}
    assert (await api.post(path, {"type": "Receipt", **told})).status == 200
    await becomes(there, message, "delivered")
    assert (await api.post(path, {"type": "Smell", "channel": channel})).places == {"/type"}
    assert (await api.post(path, {"type": "Text", "channel": sender(), "text": "x"})).code == "not.found"


async def test_a_middleware_without_a_client_brings_the_same_to_the_hook(api: Api) -> None:
    there = await integrated(api)
    path = f"/hooks/{there.channel.channel.id}"

    async def bring(body: Any, token: str = TOKEN) -> int:
        raw = msgspec.json.encode(body)
        headers = {"X-Hub-Signature-256": signature(raw, token), "Authorization": ""}
        return (await api.call("POST", path, raw, headers=headers)).status

    said = {"channel": sender(), "text": "hello"}
    assert [await bring(said), await bring(said), await bring(said, "a token of somebody else's")] == [200, 200, 403]
    assert await bring({"channel": sender(), "events": [{"eventType": "Typing"}]}) == 200
    assert [await bring({"channel": 5}), await bring([])] == [400, 400]
    assert await bring(press("m")) == 200
    message = await send(there, neutral.Text(text="hello"))
    await becomes(there, message, "sent")
    assert await bring(receipt(message, "Delivered")) == 200
    await becomes(there, message, "delivered")
    assert [content["text"] for _, content in await api.inbound()] == ["hello", "YES"]


# -- Profiles and settings --------------------------------------------------------------------------------------------


async def test_profiles_of_supported_content(api: Api) -> None:
    built_in = (await api.get(f"{CONTENT}/default")).body
    assert built_in["mediaTypes"]["allow"]["outbound"] == [
        {"type": "image/jpeg"}, {"type": "image/png"}, {"type": "image/gif"},
    ]  # fmt: skip
    allow = {"inbound": [], "outbound": [{"type": "*/*"}]}
    made = (await api.post(CONTENT, {"name": "All", "mediaTypes": {"allow": allow}})).body
    assert (await api.get(f"{CONTENT}/{made['id']}")).body == made
    assert [one["id"] for one in (await api.get(CONTENT)).body["entities"]] == [built_in["id"], made["id"]]
    assert (await api.put(f"{CONTENT}/default", {"id": made["id"]})).body == made
    assert (await integrated(api)).body["supportedContent"]["id"] == made["id"]
    assert (await api.put(f"{CONTENT}/default", {"id": str(uuid4())})).code == "not.found"
    wrong = await api.post(CONTENT, {"name": "x", "mediaTypes": {"allow": {"inbound": [{"type": "pictures"}]}}})
    assert (wrong.status, wrong.places) == (400, {"/mediaTypes/allow/inbound/0/type"})
    assert (await api.post(OPEN, {**request(api), "supportedContent": {"id": str(uuid4())}})).code == "not.found"


async def test_messaging_settings(api: Api) -> None:
    built_in = (await api.get(f"{SETTINGS}/default")).body
    assert built_in["event"]["typing"]["on"] == {"inbound": "Disabled", "outbound": "Disabled"}
    made = (await api.post(SETTINGS, {"name": "Mine"})).body
    assert (await api.get(f"{SETTINGS}/{made['id']}")).body == made
    assert [one["id"] for one in (await api.get(SETTINGS)).body["entities"]] == [built_in["id"], made["id"]]
    wrong = await api.post(SETTINGS, {"name": "x", "event": {"typing": {"on": {"inbound": "Perhaps"}}}})
    assert (wrong.status, wrong.places) == (400, {"/event/typing/on/inbound"})
    assert (await api.get(f"{SETTINGS}/{uuid4()}")).code == "not.found"


ALLOW_PNG = {"mediaTypes": {"allow": {"outbound": [{"type": "image/png"}]}}}
TYPING_IN = {"event": {"typing": {"on": {"inbound": "Enabled"}}}}
REGISTERS = [(CONTENT, "supportedContent", ALLOW_PNG), (SETTINGS, "messagingSetting", TYPING_IN)]


@pytest.mark.parametrize(("path", "member", "change"), REGISTERS)
async def test_what_is_changed_is_changed_for_all_that_have_it(
    api: Api, path: str, member: str, change: dict[str, Any]
) -> None:
    made = (await api.post(path, {"name": "Mine"})).body
    for identifier in (made["id"], (await api.get(f"{path}/default")).body["id"]):
        there = (await api.post(OPEN, {**request(api), member: {"id": identifier}})).body
        known = (await api.get(f"{path}/{identifier}")).body
        changed = (await api.patch(f"{path}/{identifier}", change)).body
        assert int(changed["version"]) == int(known["version"]) + 1
        assert changed["name"] == known["name"]
        assert (await api.get(f"{path}/{identifier}")).body == changed
        shown = (await api.get(f"{OPEN}/{there['id']}?expand={member}")).body
        assert shown[member] == changed
        assert (await api.patch(f"{path}/{identifier}", {"name": None})).places == {"/name"}
        assert (await api.patch(f"{path}/{identifier}", {"name": "Other"})).body["name"] == "Other"
    config = [e.channel.config for e in api.gateway.channels.all() if e.channel.account_id == api.account_id]
    assert all(c["outbound_media"] == ["image/png"] if path == CONTENT else c["typing_in"] for c in config)
    assert len((await api.get(path)).body["entities"]) == 2
    assert (await api.patch(f"{path}/{uuid4()}", {"name": "x"})).code == "not.found"


async def test_of_changes_of_a_profile_at_once_none_is_lost(api: Api) -> None:
    made = (await api.post(CONTENT, {"name": "Mine"})).body
    there = await integrated(api, supportedContent={"id": made["id"]})
    one = f"{CONTENT}/{made['id']}"
    inbound = {"mediaTypes": {"allow": {"inbound": [{"type": "text/plain"}]}}}
    await asyncio.gather(*(api.patch(one, change) for change in (ALLOW_PNG, inbound, {"name": "Other"})))
    now = (await api.get(one)).body
    assert (now["name"], now["version"], now["mediaTypes"]["allow"]) == (
        "Other", 4, {"inbound": [{"type": "text/plain"}], "outbound": [{"type": "image/png"}]},
    )  # fmt: skip
    config = there.channel.channel.config
    assert (config["inbound_media"], config["outbound_media"]) == (["text/plain"], ["image/png"])
    late = await api.patch(one, {"name": "Late", "version": 3})
    assert (late.status, late.code) == (409, "general.conflict")
    assert (await api.patch(one, {"name": "In time", "version": 4})).body["version"] == 5


@pytest.mark.parametrize(("path", "member"), [register[:2] for register in REGISTERS])
async def test_what_is_in_use_is_not_removed(api: Api, path: str, member: str) -> None:
    key = "id" if path == CONTENT else "settingId"
    built_in, made = (await api.get(f"{path}/default")).body, (await api.post(path, {"name": "Mine"})).body
    assert (await api.delete(f"{path}/{built_in['id']}")).code == "constraint.validation"
    assert (await api.put(f"{path}/default", {key: made["id"]})).body == made
    assert (await api.delete(f"{path}/{made['id']}")).code == "constraint.validation"
    there = await integrated(api)
    assert there.body[member]["id"] == made["id"]
    assert (await api.put(f"{path}/default", {key: built_in["id"]})).status == 200
    assert (await api.delete(f"{path}/{made['id']}")).code == "constraint.validation"
    assert (await api.patch(f"{OPEN}/{there.id}", {"name": "Shop", member: {"id": built_in["id"]}})).status == 200
    assert (await api.delete(f"{path}/{made['id']}")).status == 204
    assert (await api.delete(f"{path}/{made['id']}")).code == "not.found"


async def test_the_default_setting_is_taken_back(api: Api) -> None:
    built_in, made = (await api.get(f"{SETTINGS}/default")).body, (await api.post(SETTINGS, {"name": "Mine"})).body
    assert (await api.put(f"{SETTINGS}/default", {"settingId": made["id"]})).status == 200
    assert (await api.delete(f"{SETTINGS}/default")).status == 204
    assert (await api.get(f"{SETTINGS}/default")).body == built_in
    assert (await api.put(f"{SETTINGS}/default", {})).places == {"/settingId"}


async def test_the_threading_timeline_is_that_of_the_inboxes(api: Api) -> None:
    there = await integrated(api)
    assert (await api.get(THREADING)).body == {"settings": [], "defaultTimeoutMinutes": 4320}
    given = {"settings": [{"messengerType": "open", "timeoutInMinutes": 0}], "defaultTimeoutMinutes": 60}
    assert (await api.put(THREADING, given)).body == given
    inbox = api.gateway.inbox
    for one in (there, await integrated(api)):
        assert inbox.channel_inbox(one.channel.channel.id).threading_time == 0
    first = (await there.says("hello"))["conversationId"]
    await inbox.close(api.account_id, UUID(first), by=Author(By.API, "test"))
    second = (await there.says("hello again"))["conversationId"]
    assert first != second
    await api.put(THREADING, {"defaultTimeoutMinutes": 60})
    await inbox.close(api.account_id, UUID(second), by=Author(By.API, "test"))
    assert (await there.says("once more"))["conversationId"] == second


async def test_the_timeline_and_a_channels_queue_do_not_overwrite_one_another(api: Api) -> None:
    channel = (await integrated(api)).channel.channel
    now = api.gateway.clock.now()
    queue = Queue(id=api.gateway.ids.new(now), name="help", created_at=now, updated_at=now)
    await api.gateway.inbox.put_queue(api.account_id, queue)
    recipient = f"routing/message/recipients/{ids.of_channel(channel.id)}"
    for minutes in range(1, 4):
        into = {"flow": {"id": str(queue.id)}} if minutes % 2 else {}
        answers = await asyncio.gather(api.put(recipient, into), api.put(THREADING, {"defaultTimeoutMinutes": minutes}))
        assert [answer.status for answer in answers] == [200, 200]
        own = api.gateway.inbox.channel_inbox(channel.id)
        assert (own.queue_id, own.threading_time) == (queue.id if into else None, minutes * 60)


async def test_a_viber_channel_that_is_made_has_the_timeline(api: Api) -> None:
    await api.put(THREADING, {"defaultTimeoutMinutes": 60, "settings": []})
    made = await api.channel()
    (entry,) = [e for e in api.gateway.channels.all() if e.channel.account_id == api.account_id]
    assert (made["channelType"], entry.network) == ("VIBER", "viber_bot")
    assert api.gateway.inbox.channel_inbox(entry.channel.id).threading_time == 3600


BAD_TIMELINES: list[tuple[dict[str, Any], str]] = [
    ({"defaultTimeoutMinutes": 4321}, "/defaultTimeoutMinutes"),
    ({"settings": [{"messengerType": "pigeon", "timeoutInMinutes": 1}]}, "/settings/0/messengerType"),
    ({"settings": [{"messengerType": "open", "timeoutInMinutes": -1}]}, "/settings/0/timeoutInMinutes"),
]


@pytest.mark.parametrize(("given", "place"), BAD_TIMELINES)
async def test_a_timeline_that_breaks_a_rule_is_refused(api: Api, given: dict[str, Any], place: str) -> None:
    answer = await api.put(THREADING, given)
    assert (answer.status, answer.places) == (400, {place})
    assert (await api.get(THREADING)).body["defaultTimeoutMinutes"] == 4320
