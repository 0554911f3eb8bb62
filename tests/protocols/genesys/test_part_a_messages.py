"""The guide's rules D and M (messages), I (media), K (keyboards), S (payloads), T (the window), V (states)."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio
from hypothesis import given, strategies as st

from tests.protocols.genesys import test_part_a_channels
from tests.protocols.genesys.conftest import VIBER, Answer, Api, serving
from tests.protocols.genesys.part_a import RULES, rule_test
from tyrian.domain.content import Image, KeyboardOnly, Text, Video
from tyrian.domain.conversation import Author, By
from tyrian.domain.media import Facts, Probed
from tyrian.engine.gateway import Gateway
from tyrian.engine.ports import Inbound
from tyrian.inbox.setup import install
from tyrian.protocols.genesys import mappings, media_check, rich, rich_wire, shapes
from tyrian.protocols.genesys.app import GenesysFace
from tyrian.protocols.genesys.organization import MEBIBYTE, Organization
from tyrian.protocols.genesys.window import window
from tyrian.simulator.handsets import Line, Via
from tyrian.store.crypto import SecretBox
from tyrian.store.database import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")

PICTURE = "https://cdn.example.com/product-image-v2.jpg"
#: The content of the guide's message.
CONTENT: dict[str, Any] = {
    "text": "Please review the product catalog below and select an option to proceed.",
    "mediaUrls": [PICTURE],
    "viberChannelSpecifics": {
        "image": {
            "url": PICTURE,
            "thumbnailUrl": "https://cdn.example.com/product-thumb.jpg",
            "altText": "Product Catalog 2024",
        },
        "keyboard": {
            "buttons": [
                {"actionType": "reply", "title": "View Prices", "payload": "VIEW_PRICES"},
                {"actionType": "reply", "title": "Contact Agent", "payload": "CONTACT_AGENT"},
            ],
            "defaultButtons": [{"actionType": "open-url", "title": "Website", "url": "https://example.com/home"}],
        },
    },
}
METADATA = {"source": "api-integration", "timestamp": "2023-10-27T14:30:00Z"}
PATH = "conversations/messages"


@dataclass
class Chat:
    """A person's chat with a bot: both ends of it."""

    api: Api
    channel: Any
    handset: Any
    line: Any
    person: str
    conversation: str = ""

    async def write(self, text: str) -> None:
        """The person writes; done once it stands in the conversation."""
        before = await self.count()
        self.handset.say({"type": "text", "text": text}, self.line)
        await self.api.until(lambda: self._more(before))

    async def press(self, button: int | str) -> str:
        before = await self.count()
        self.handset.press(button, self.line)
        await self.api.until(lambda: self._more(before))
        return str((await self.said())[-1])

    async def _more(self, before: int) -> bool:
        return await self.count() > before

    async def count(self) -> int:
        return len(await self.said())

    async def said(self) -> list[str]:
        if not self.conversation:
            entry = self.api.gateway.channels.all()
            (channel,) = [e for e in entry if e.channel.account_id == self.api.account_id]
            found = await self.api.gateway.inbox.find(channel.channel.id, self.person)
            if found is None:
                return []
            self.conversation = str(found.id)
        items = await self.api.gateway.inbox.items(self.api.account_id, UUID(self.conversation))
        return [str(i.inbound_id) for i in items if i.inbound_id is not None]

    async def send(self, content: Any = None, query: str = "", **more: Any) -> Answer:
        body = {
            "channelId": self.channel["id"],
            "conversationId": self.conversation,
            "type": "MESSAGE",
            "messageType": "TEXT",
            "content": CONTENT if content is None else content,
            "metadata": METADATA,
            **more,
        }
        return await self.api.post(PATH + query, body)

    async def sent(self, content: Any = None, query: str = "", **more: Any) -> Any:
        answer = await self.send(content, query, **more)
        assert answer.status == 200, answer.raw
        return answer.body

    async def shown(self, number: int) -> Any:
        """What the handset was sent, once it has so many messages."""
        await self.api.until(lambda: len(self._delivered()) >= number)
        return self._delivered()[number - 1].content

    def _delivered(self) -> list[Any]:
        return [m for m in self.handset.messages if m.line == self.line and m.delivered_at]

    @property
    def messages(self) -> int:
        return len(self.handset.messages)

    async def status(self, message_id: str) -> str:
        return str((await self.api.get(f"{PATH}/{message_id}/details")).body["status"])

    async def until_status(self, message_id: str, status: str) -> None:
        async def reached() -> bool:
            return await self.status(message_id) == status

        await self.api.until(reached)

    async def session(self) -> Any:
        return (await self.api.get(f"{PATH}/{self.conversation}/session")).body


async def chat_with(api: Api, **config: Any) -> Chat:
    """A person who has written to a bot of the account's."""
    token = api.bot()
    channel = await api.settled(await api.channel(token, **config))
    number = f"38598{int(uuid4()) % 10**6:06}01"
    line = Line(Via.BOT, api.world.cloud.bots.bots[token].uri)
    chat = Chat(api, channel, api.world.handset(number), line, f"u{number}==")
    await chat.write("hello")
    return chat


@pytest_asyncio.fixture(loop_scope="module")
async def chat(api: Api) -> Chat:
    return await chat_with(api)


def keyboard(*buttons: Any, **more: Any) -> dict[str, Any]:
    """A text with buttons."""
    return {"text": "Choose", "viberChannelSpecifics": {"keyboard": {"buttons": list(buttons), **more}}}


def reply(title: str = "Prices", payload: Any = "VIEW_PRICES") -> dict[str, Any]:
    return {"actionType": "reply", "title": title, "payload": payload}


def read(content: Any, **organization: Any) -> rich.Rich:
    """What a message comes to, without a gateway."""
    body = {"channelId": "c", "conversationId": "c", "type": "MESSAGE", "content": content}
    message = msgspec.convert(body, rich_wire.RichMessage)
    return rich.read(message, Organization(**organization), {"upload": "https://h.example.com/a.png"}, persist=False)


def pointers(made: rich.Rich) -> set[str]:
    return {problem.pointer.removeprefix("/content/viberChannelSpecifics") for problem in made.problems}


# -- D, M: the message ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"content": {"text": "x"}, "queueId": "q", "toAddress": "t", "toAddressMessengerType": "open"},
        {"queueId": "q"},
    ],
)
async def test_d_1_the_body_says_which_dialect_it_is(api: Api, body: Any) -> None:
    answer = await api.post(PATH, body)
    assert (answer.status, answer.code) == (400, "bad.request")
    only_rich = await api.post(PATH, {"content": {}})
    assert only_rich.places == {"/channelId", "/conversationId", "/content/text"}
    only_real = await api.post(PATH, {"queueId": "q", "toAddress": "t", "toAddressMessengerType": "open"})
    assert only_real.code == "conversations.error.queue.not.found"


async def test_m_1_a_token_with_messaging_write(chat: Chat) -> None:
    body = {"channelId": chat.channel["id"], "conversationId": chat.conversation, "content": CONTENT}
    reader = await chat.api.narrowed(scope=["messaging:read"])
    assert (await reader.post(PATH, body)).status == 403
    writer = await chat.api.narrowed(scope=["messaging:write"])
    assert (await writer.post(PATH, body)).status == 200


@pytest.mark.parametrize(
    ("content", "places"),
    [
        ({"text": 5}, {"/content/text"}),
        ({"viberChannelSpecifics": {"image": {}}}, {"/content/viberChannelSpecifics/image/url"}),
        ({"text": "x" * 7001}, {"/content/text"}),
        (
            {**CONTENT, "viberChannelSpecifics": {"image": {"url": "https://cdn.example.com/a.webp"}}},
            {"/content/viberChannelSpecifics/image/url"},
        ),
    ],
)
async def test_m_2_what_breaks_the_schema_is_a_400_and_sends_nothing(
    chat: Chat, content: Any, places: set[str]
) -> None:
    before = chat.messages
    answer = await chat.send(content)
    assert (answer.status, answer.places) == (400, places)
    assert chat.messages == before


async def test_m_3_specific_values_go_before_generic_ones(chat: Chat) -> None:
    own = "https://cdn.example.com/for-viber.jpg"
    await chat.sent({"text": "x", "mediaUrls": [PICTURE], "viberChannelSpecifics": {"image": {"url": own}}})
    assert (await chat.shown(1))["media"] == own


async def test_m_4_the_media_type_is_declared_in_the_extension() -> None:
    film = {"video": {"url": "https://cdn.example.com/a.mp4", "size": 5}}
    assert isinstance(read({"viberChannelSpecifics": film}).content, Video)
    assert isinstance(read({"viberChannelSpecifics": {"image": {"url": PICTURE}}}).content, Image)
    both = {**film, "image": {"url": PICTURE}}
    assert pointers(read({"viberChannelSpecifics": both})) == {"/video"}


async def test_m_5_media_in_the_generic_block_alone_are_not_shown(chat: Chat) -> None:
    await chat.sent({"text": "see", "mediaUrls": [PICTURE]})
    shown = await chat.shown(1)
    assert (shown["type"], shown["text"], shown.get("media")) == ("text", "see", None)
    await chat.api.organization(genericMedia="refuse")
    refused = await chat.send({"text": "see", "mediaUrls": [PICTURE]})
    assert (refused.status, refused.places) == (400, {"/content/mediaUrls"})


async def test_m_6_another_title_triggers_the_same(chat: Chat) -> None:
    await chat.api.post("conversations/messaging/mappings", {"code": "VIEW_PRICES", "instruction": {"do": "prices"}})
    for number, title in enumerate(("View Prices", "Preise ansehen"), 1):
        await chat.sent(keyboard(reply(title)))
        await chat.shown(number)
        pressed = await chat.press(0)
        assert (await chat.api.get(f"{PATH}/{pressed}/details")).body["instruction"] == {"do": "prices"}


async def test_m_7_hosted_media_are_sent_by_their_address(chat: Chat) -> None:
    await chat.sent()
    shown = await chat.shown(1)
    assert (shown["type"], shown["media"]) == ("picture", PICTURE)
    assert shown["thumbnail"] == "https://cdn.example.com/product-thumb.jpg"


@pytest.mark.parametrize("url", ["data:image/png;base64,AAAA", "http://cdn.example.com/a.jpg", "a.jpg", "//x/a.jpg"])
async def test_m_7a_no_inline_data_and_nothing_but_https(url: str) -> None:
    assert pointers(read({"viberChannelSpecifics": {"image": {"url": url}}})) == {"/image/url"}
    assert read({"viberChannelSpecifics": {"image": {"mediaId": "upload"}}}).problems == []
    assert pointers(read({"viberChannelSpecifics": {"image": {"mediaId": "other"}}})) == {"/image/mediaId"}


@pytest.mark.parametrize(
    ("word", "fits"), [("image", True), ("keyboard", True), ("video", False), ("card", False), (None, True)]
)
async def test_m_8_a_type_must_name_what_is_there(word: str | None, fits: bool) -> None:
    made = read({**CONTENT, **({"type": word} if word else {})})
    assert [problem.pointer for problem in made.problems] == ([] if fits else ["/content/type"])


async def test_m_9_image_thumbnail_buttons_and_text() -> None:
    content = read(CONTENT).content
    assert isinstance(content, Image)
    assert content.keyboard is not None
    assert (content.text, bool(content.thumbnail)) == (CONTENT["text"], True)
    assert isinstance(read(keyboard(reply())).content, Text)
    only = {"viberChannelSpecifics": {"keyboard": {"buttons": [reply()]}}}
    assert isinstance(read(only).content, KeyboardOnly)


async def test_m_10_unknown_members_are_left_aside(chat: Chat) -> None:
    assert (await chat.send({**CONTENT, "other": {"a": [1]}}, unknown=None)).status == 200


async def test_m_11_what_is_answered(chat: Chat) -> None:
    body = await chat.sent()
    assert body["conversationId"] == chat.conversation
    assert body["channelId"] == chat.channel["id"]
    assert body["status"] == "queued"
    read_back = (await chat.api.get(body["selfUri"])).body
    assert (read_back["id"], read_back["textBody"]) == (body["id"], CONTENT["text"])
    assert read_back["normalizedMessage"]["metadata"] == METADATA


async def test_c_9_a_channel_that_is_not_active_sends_nothing(chat: Chat) -> None:
    await chat.api.patch(f"{VIBER}/{chat.channel['id']}", {"providerConfig": {"botToken": "0000-nobody"}})
    await chat.api.settled(chat.channel)
    answer = await chat.send()
    assert (answer.status, answer.code) == (400, "channel.not.active")


# -- I: media ---------------------------------------------------------------------------------------------------------


def looked_at(
    size: int = 1000, kind: str = "image/jpeg", declared: str | None = "image/jpeg", url: str = PICTURE, **more: Any
) -> media_check.Verdict:
    """A verdict on a picture of 400 x 300."""
    organization = Organization(**{name: more.pop(name) for name in list(more) if name != "thumbnail"})
    facts = Facts(content_type=kind, size=size, width=400, height=300)
    probed = Probed(url=url, final_url=url, status=200, declared_type=declared, facts=facts)
    return media_check.judge(probed, organization, thumbnail=bool(more.get("thumbnail")))


def codes(verdict: media_check.Verdict) -> list[str]:
    return [finding.code for finding in verdict.problems]


async def test_i_1_five_megabytes_unless_configured() -> None:
    assert Organization().max_image_bytes == 5 * MEBIBYTE
    assert codes(looked_at(2001, max_image_bytes=2000)) == ["InvalidMediaContentLength"]


async def test_i_2_one_byte_more_fails_and_nothing_is_shrunk() -> None:
    assert looked_at(5 * MEBIBYTE).ok
    assert codes(looked_at(5 * MEBIBYTE + 1)) == ["InvalidMediaContentLength"]


async def test_i_3_a_megabyte_is_1048576_bytes() -> None:
    assert MEBIBYTE == 1024 * 1024


async def test_i_4_the_ratio_of_thumbnails_where_one_is_configured() -> None:
    assert looked_at(thumbnail=True).ok
    assert looked_at(thumbnail=True, thumbnail_ratio=4 / 3).ok
    assert not looked_at(thumbnail=True, thumbnail_ratio=1.0).ok
    assert looked_at(thumbnail_ratio=1.0).ok


@pytest.mark.parametrize(("kind", "ok"), [("image/jpeg", True), ("image/png", True), ("image/gif", False)])
async def test_i_5_jpeg_and_png(kind: str, ok: bool) -> None:
    verdict = looked_at(kind=kind, declared=kind)
    assert (verdict.ok, codes(verdict)) == (ok, [] if ok else ["MediaTypeNotAllowed"])


async def test_i_6_octet_stream_is_shown_on_ios_and_blocked_on_android() -> None:
    verdict = looked_at(declared="application/octet-stream")
    assert (verdict.ios, verdict.android) == ("shown", "blocked")
    assert [finding.code for finding in verdict.warnings] == ["MediaTypeNotAllowed"]


async def test_i_7_only_https() -> None:
    verdict = looked_at(url="http://cdn.example.com/a.jpg")
    assert (verdict.https, verdict.ok, verdict.ios, verdict.android) == (False, False, "blocked", "blocked")


@pytest.mark.parametrize("declared", ["image/png", None, "text/html"])
async def test_i_8_header_and_bytes_must_agree(declared: str | None) -> None:
    assert codes(looked_at(declared=declared)) == ["MediaTypeNotAllowed"]


async def test_i_9_what_cannot_be_decoded_is_flagged() -> None:
    probed = Probed(url=PICTURE, final_url=PICTURE, status=200, declared_type="image/jpeg", facts=None)
    verdict = media_check.judge(probed, Organization(), trouble="the picture is broken off")
    assert (verdict.decodable, verdict.ok) == (False, False)
    assert verdict.problems[0].message == "the picture is broken off"


@pytest.mark.parametrize(("switch", "problems", "warnings"), [("warn", 0, 1), ("accept", 0, 0), ("refuse", 1, 0)])
async def test_i_10_webp_by_a_switch(switch: str, problems: int, warnings: int) -> None:
    verdict = looked_at(kind="image/webp", declared="image/webp", webp=switch)
    assert (len(verdict.problems), len(verdict.warnings)) == (problems, warnings)


async def test_i_11_a_checker_for_both_platforms(api: Api) -> None:
    answer = await api.post("conversations/messaging/media/check", {"url": f"{api.url}/nothing.jpg"})
    assert answer.status == 200, answer.raw
    assert {"https", "ok", "decodable", "ios", "android", "problems"} <= set(answer.body)
    assert answer.body["ok"] is False


async def test_i_12_the_codes_of_receipts() -> None:
    assert codes(looked_at(6 * MEBIBYTE, "image/gif", "image/gif")) == [
        "InvalidMediaContentLength",
        "MediaTypeNotAllowed",
    ]


# -- K: keyboards -----------------------------------------------------------------------------------------------------


async def test_k_1_choices_and_standing_buttons(chat: Chat) -> None:
    await chat.sent()
    buttons = (await chat.shown(1))["keyboard"]["Buttons"]
    assert [(b.get("ActionType", "reply"), b["Text"], b["ActionBody"]) for b in buttons] == [
        ("reply", "View Prices", "VIEW_PRICES"),
        ("reply", "Contact Agent", "CONTACT_AGENT"),
        ("open-url", "Website", "https://example.com/home"),
    ]


@pytest.mark.parametrize(
    ("button", "place"),
    [
        ({"actionType": "reply", "title": "x"}, "payload"),
        ({"actionType": "open-url", "title": "x"}, "url"),
        ({"actionType": "call", "title": "x", "payload": "X"}, "actionType"),
        ({"title": "x"}, "actionType"),
        ({"actionType": "reply", "payload": "X"}, "title"),
    ],
)
async def test_k_2_reply_needs_a_payload_and_open_url_a_url(button: Any, place: str) -> None:
    assert pointers(read(keyboard(button))) == {f"/keyboard/buttons/0/{place}"}


async def test_k_3_a_keyboard_is_gone_with_the_next_message(chat: Chat) -> None:
    await chat.sent(keyboard(reply()))
    await chat.sent({"text": "next"})
    assert "keyboard" not in await chat.shown(2)


async def test_k_4_a_keyboard_that_persists_stays_for_the_session(chat: Chat) -> None:
    await chat.sent(keyboard(reply(), persist=True))
    await chat.shown(1)
    for number in (2, 3):
        await chat.sent({"text": "next"})
        assert (await chat.shown(number))["keyboard"]["Buttons"][0]["ActionBody"] == "VIEW_PRICES"
    chat.api.clock.ahead = timedelta(hours=25)
    chat.api = await chat.api.signed_in()
    await chat.api.post(f"{PATH}/{chat.conversation}/optin")
    await chat.sent({"text": "next day"})
    assert "keyboard" not in await chat.shown(4)


async def test_k_5_persistence_by_message_or_by_channel(api: Api) -> None:
    chat = await chat_with(api, keyboardPersist=True)
    await chat.sent(keyboard(reply()))
    await chat.shown(1)
    await chat.sent({"text": "next"})
    assert "keyboard" in await chat.shown(2)
    await chat.sent(keyboard(reply("Other", "OTHER"), persist=False))
    assert (await chat.shown(3))["keyboard"]["Buttons"][0]["ActionBody"] == "OTHER"


async def test_k_6_an_object_for_a_payload_is_dropped_in_silence_where_that_is_wanted(chat: Chat) -> None:
    await chat.api.organization(objectPayload="drop")
    body = await chat.sent(keyboard(reply(payload={"a": 1})))
    await chat.until_status(body["id"], "sent")
    details = (await chat.api.get(f"{PATH}/{body['id']}/details")).body
    assert "normalizedReceipts" not in details
    assert chat.messages == 0


@pytest.mark.parametrize("payload", [{"a": 1}, ["x"], 5, True])
async def test_k_7_and_refused_otherwise(payload: Any) -> None:
    assert pointers(read(keyboard(reply(payload=payload)))) == {"/keyboard/buttons/0/payload"}


async def test_k_8_a_press_is_an_event_of_its_own(chat: Chat) -> None:
    sent = await chat.sent()
    await chat.shown(1)
    pressed = (await chat.api.get(f"{PATH}/{await chat.press(1)}/details")).body["normalizedMessage"]
    assert (pressed["type"], pressed["direction"]) == ("Structured", "Inbound")
    response = {"type": "QuickReply", "text": "Contact Agent", "payload": "CONTACT_AGENT"}
    assert pressed["content"] == [
        {"contentType": "ButtonResponse", "buttonResponse": {**response, "originatingMessageId": sent["id"]}}
    ]


async def test_k_9_the_payload_triggers_the_backend(chat: Chat) -> None:
    for code, action in (("VIEW_PRICES", "prices"), ("CONTACT_AGENT", "agent")):
        await chat.api.post("conversations/messaging/mappings", {"code": code, "instruction": action})
    await chat.sent()
    await chat.shown(1)
    for place, action in enumerate(("prices", "agent")):
        assert (await chat.api.get(f"{PATH}/{await chat.press(place)}/details")).body["instruction"] == action


async def test_k_10_the_state_outlives_the_server(chat: Chat, module_database_url: str) -> None:
    people = (await chat.api.get(f"{PATH}/{chat.conversation}")).body["participants"]
    (person,) = [p for p in people if p["purpose"] == "customer"]
    path = f"{PATH}/{chat.conversation}/participants/{person['id']}/attributes"
    assert (await chat.api.patch(path, {"attributes": {"step": "prices"}})).status == 202
    await chat.api.post("conversations/messaging/mappings", {"code": "VIEW_PRICES", "instruction": "prices"})
    async with serving(module_database_url) as restarted:
        headers = {"Authorization": f"Bearer {chat.api.token}"}
        again = await restarted.get(f"{PATH}/{chat.conversation}", headers=headers)
        (kept,) = [p for p in again.body["participants"] if p["purpose"] == "customer"]
        assert kept["attributes"] == {"step": "prices"}
        code = await restarted.get("conversations/messaging/mappings/VIEW_PRICES", headers=headers)
        assert code.body["instruction"] == "prices"


@given(st.lists(st.from_regex(r"[A-Z]{1,8}", fullmatch=True), min_size=1, max_size=6), st.integers(0, 6))
async def test_k_11_order_is_kept(codes: list[str], cut: int) -> None:
    made = read(keyboard(*(reply(c, c) for c in codes[:cut]), defaultButtons=[reply(c, c) for c in codes[cut:]]))
    assert made.problems == []
    assert made.content is not None
    assert made.content.keyboard is not None
    shown = [*made.content.keyboard.buttons, *made.content.keyboard.default_buttons]
    assert [button.value for button in shown] == codes


# -- S: payloads and the mapping table --------------------------------------------------------------------------------


async def test_s_1_a_payload_has_at_most_128_characters_unless_configured() -> None:
    assert read(keyboard(reply(payload="x" * 128))).problems == []
    assert pointers(read(keyboard(reply(payload="x" * 129)))) == {"/keyboard/buttons/0/payload"}
    assert read(keyboard(reply(payload="x" * 129)), max_payload=200).problems == []


@given(st.text(max_size=40))
async def test_s_2_a_payload_that_comes_back_cut_breaks_nothing(rest: str) -> None:
    cut = ('{"action": "show", "args": [' + rest)[:60]
    assert isinstance(mappings.decoded(cut), str)


async def test_s_3_percent_encoding_is_taken_off_once() -> None:
    assert read(keyboard(reply(payload="caf%C3%A9%20%7B"))).problems == []
    assert mappings.decoded("caf%C3%A9%20%7B") == "café {"
    assert mappings.decoded("%2541") == "%41"


@pytest.mark.parametrize(
    ("payload", "fits"),
    [
        ("ACTION_ID_102", True),
        ("a-b_1", True),
        ("%7B", True),
        ("a b", False),
        ('{"a":1}', False),
        ("%7", False),
        ("é", False),
    ],
)
async def test_s_4_short_and_alphanumeric(payload: str, fits: bool) -> None:
    assert (read(keyboard(reply(payload=payload))).problems == []) is fits


async def test_s_5_short_codes_stand_for_instructions(api: Api) -> None:
    path = "conversations/messaging/mappings"
    instruction = {"action": "show", "args": ["prices", {"page": 2}]}
    made = await api.post(path, {"code": "ACTION_ID_102", "instruction": instruction})
    assert made.status == 200
    assert (await api.get(f"{path}/ACTION_ID_102")).body["instruction"] == instruction
    assert [line["code"] for line in (await api.get(path)).body["entities"]] == ["ACTION_ID_102"]
    assert await mappings.look_up(api.gateway, api.account_id, "UNKNOWN") is None
    assert await mappings.look_up(api.gateway, api.account_id, "ACTION_ID_102") == instruction
    assert (await api.delete(f"{path}/ACTION_ID_102")).status == 204
    assert (await api.get(f"{path}/ACTION_ID_102")).status == 404
    assert (await api.post(path, {"code": "a b", "instruction": 1})).places == {"/code"}


async def test_s_6_what_people_wrote_is_cleaned_or_refused() -> None:
    made = read(keyboard(reply("Ana\u202e\x00 \n Ivić", "OK")))
    assert made.content is not None
    assert made.content.keyboard is not None
    assert made.content.keyboard.buttons[0].text == "Ana Ivić"
    for payload in ('"}', "a\x00b", "{x}", "\u202eX"):
        assert pointers(read(keyboard(reply(payload=payload)))) == {"/keyboard/buttons/0/payload"}


async def test_s_7_a_malformed_payload_is_plain_words(chat: Chat) -> None:
    await chat.sent()
    await chat.shown(1)
    for text in ('{"action":"sho', "%zz%", "VIEW_PRICES_AND_MORE"):
        await chat.write(text)
    items = await chat.api.gateway.inbox.items(chat.api.account_id, UUID(chat.conversation))
    texts = [
        shapes.normalized(shapes.Thread(await _conversation(chat), items, "viber_bot", "c"), i) for i in items[-3:]
    ]
    assert [made["type"] for made in texts] == ["Text", "Text", "Text"]


async def _conversation(chat: Chat) -> Any:
    return await chat.api.gateway.inbox.get(chat.api.account_id, UUID(chat.conversation))


# -- T: the window ----------------------------------------------------------------------------------------------------

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(hours=24)


async def test_t_1_a_day_after_the_last_word_of_the_person(chat: Chat) -> None:
    found = await chat.session()
    begun, ends = (datetime.fromisoformat(found[name]) for name in ("lastInteraction", "expiresAt"))
    assert (found["status"], ends - begun) == ("ACTIVE", DAY)


async def test_t_2_status_and_action_for_a_conversation(chat: Chat) -> None:
    found = await chat.session()
    assert (found["conversationId"], found["action"]) == (chat.conversation, "SEND_RICH_MEDIA")


async def test_t_3_more_than_a_day_is_over() -> None:
    for more in (timedelta(microseconds=1), timedelta(seconds=1), DAY):
        found = window(NOW - DAY - more, NOW, 86_400)
        assert (found.status, found.action) == ("EXPIRED", "REQUIRE_OPT_IN")


@given(st.timedeltas(min_value=timedelta(0), max_value=2 * DAY))
async def test_t_4_exactly_a_day_is_not(since: timedelta) -> None:
    assert window(NOW - DAY, NOW, 86_400).status == "ACTIVE"
    assert window(NOW - since, NOW, 86_400).expired == (since > DAY)


async def test_t_5_a_guarded_send_uses_no_send(chat: Chat) -> None:
    chat.api.clock.ahead = DAY + timedelta(minutes=5)
    chat.api = await chat.api.signed_in()
    accepted = chat.api.gateway.intake.accepted
    assert (await chat.send(query="?enforceWindow=true")).status == 409
    assert (chat.api.gateway.intake.accepted, chat.messages) == (accepted, 0)


async def test_t_6_an_opt_in_is_asked_for_instead(chat: Chat) -> None:
    chat.api.clock.ahead = DAY + timedelta(minutes=5)
    chat.api = await chat.api.signed_in()
    body = await chat.sent(query="?onExpired=optIn")
    assert (body["held"], chat.messages) == (True, 0)


async def test_t_7_without_the_guard_it_counts_as_delivered_and_reaches_nobody(chat: Chat) -> None:
    chat.api.clock.ahead = DAY + timedelta(minutes=5)
    chat.api = await chat.api.signed_in()
    body = await chat.sent()
    await chat.until_status(body["id"], "delivery-success")
    assert chat.messages == 0


async def test_t_7_it_stands_in_the_thread_though_the_node_dies_before_it_is_shown(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.api.clock.ahead = DAY + timedelta(minutes=5)
    chat.api = await chat.api.signed_in()
    sending = chat.api.gateway.inbox.sending

    async def dies(*args: Any) -> None:
        raise RuntimeError("the node is gone")

    with monkeypatch.context() as patched:
        patched.setattr(sending, "_show", dies)
        assert (await chat.send()).status == 500
    chat.api.clock.ahead += timedelta(seconds=61)
    await sending.mend()
    items = await chat.api.gateway.inbox.items(chat.api.account_id, UUID(chat.conversation))
    (message_id,) = [str(item.message_id) for item in items if item.message_id is not None]
    await chat.until_status(message_id, "delivery-success")
    assert chat.messages == 0


async def test_t_8_measured_from_the_person_and_told_as_last_message_date(chat: Chat) -> None:
    last = (await chat.session())["lastInteraction"]
    await chat.sent({"text": "from the business"})
    await chat.shown(1)
    assert (await chat.session())["lastInteraction"] == last
    for path in (f"conversations/{chat.conversation}", f"{PATH}/{chat.conversation}"):
        assert (await chat.api.get(path)).body["lastMessageDate"] == last


async def test_t_9_nobody_who_never_wrote_has_a_window() -> None:
    found = window(None, NOW, 86_400)
    assert (found.status, found.action, found.expires_at) == ("EXPIRED", "REQUIRE_OPT_IN", None)


async def test_t_10_conversation_read_is_needed(chat: Chat) -> None:
    path = f"{PATH}/{chat.conversation}/session"
    assert (await (await chat.api.narrowed(scope=["messaging"])).get(path)).status == 403
    assert (await (await chat.api.narrowed(scope=["conversations:readonly"])).get(path)).status == 200


async def test_t_11_the_two_resources_agree(chat: Chat) -> None:
    conversation = (await chat.api.get(f"conversations/{chat.conversation}")).body
    assert (await chat.session())["lastInteraction"] == conversation["lastMessageDate"]
    assert (await chat.api.get(f"{PATH}/{uuid4()}/session")).status == 404


@pytest.mark.parametrize("how", ["writes", "opts in"])
async def test_t_12_what_was_held_goes_out_once_the_person_agrees(chat: Chat, how: str) -> None:
    chat.api.clock.ahead = DAY + timedelta(minutes=5)
    chat.api = await chat.api.signed_in()
    await chat.sent(query="?onExpired=optIn")
    assert chat.messages == 0
    if how == "writes":
        await chat.write("yes")
    else:
        await chat.api.post(f"{PATH}/{chat.conversation}/optin")
    assert (await chat.shown(1))["media"] == PICTURE
    assert (await chat.session())["status"] == "ACTIVE"
    await chat.write("thanks")
    assert chat.messages == 1


async def test_t_12_whatever_node_the_person_s_answer_comes_to(chat: Chat, module_database_url: str) -> None:
    chat.api.clock.ahead = DAY + timedelta(minutes=5)
    chat.api = await chat.api.signed_in()
    await chat.sent(query="?onExpired=optIn")
    db = await Database.open(module_database_url, work=3, reading=2)
    roles, box = frozenset({"callbacks"}), SecretBox("k" * 40)
    node = Gateway(db, chat.api.gateway.settings, chat.api.clock, [GenesysFace()], box, roles=roles)
    install(node)
    async with node:
        (entry,) = [e for e in node.channels.all() if e.channel.account_id == chat.api.account_id]
        await node.inbound.submit(entry.channel, [Inbound(chat.person, "us", Text(text="yes"), "from another node")])
        assert (await chat.shown(1))["media"] == PICTURE


async def test_t_13_the_guard_is_a_choice(chat: Chat) -> None:
    chat.api.clock.ahead = DAY + timedelta(minutes=5)
    chat.api = await chat.api.signed_in()
    answer = await chat.send(query="?enforceWindow=true")
    assert (answer.status, answer.code) == (409, "session.expired")
    assert answer.body["messageParams"] == {"status": "EXPIRED", "action": "REQUIRE_OPT_IN"}
    await chat.api.organization(enforceWindow=True)
    assert (await chat.send()).status == 409
    assert (await chat.send(query="?enforceWindow=false")).status == 200


# -- V: states --------------------------------------------------------------------------------------------------------


async def _queues(api: Api) -> Any:
    return await api.native("POST", "/api/v1/inbox/queues", {"name": f"voice-{uuid4().hex[:6]}", "pick": "manual"})


async def _leg(chat: Chat, purpose: str) -> Any:
    people = (await chat.api.get(f"{PATH}/{chat.conversation}")).body["participants"]
    return [p for p in people if p["purpose"] == purpose][-1]


async def _transferred(chat: Chat) -> Any:
    """The conversation handed on to a queue."""
    first, second = await _queues(chat.api), await _queues(chat.api)
    author = Author(By.API, "test", None)
    await chat.api.gateway.inbox.assign(chat.api.account_id, UUID(chat.conversation), by=author, queue=first["id"])
    leg = await _leg(chat, "acd")
    path = f"conversations/{chat.conversation}/participants/{leg['id']}/replace/queue"
    answer = await chat.api.post(path, {"queueId": second["id"]})
    assert answer.status == 202, answer.raw
    return second


async def test_v_1_open_transferred_closed(chat: Chat) -> None:
    async def state() -> str:
        return str((await chat.api.get(f"{PATH}/{chat.conversation}")).body["state"])

    assert await state() == "Open"
    await _transferred(chat)
    assert await state() == "Transferred"
    await chat.api.patch(f"{PATH}/{chat.conversation}", {"state": "disconnected"})
    assert await state() == "Closed"


async def test_v_2_context_stays_through_a_transfer(chat: Chat) -> None:
    person = await _leg(chat, "customer")
    attributes = f"{PATH}/{chat.conversation}/participants/{person['id']}/attributes"
    await chat.api.patch(attributes, {"attributes": {"order": "7"}})
    await chat.sent({"text": "before"})
    await _transferred(chat)
    after = await _leg(chat, "customer")
    assert (after["id"], after["attributes"]) == (person["id"], {"order": "7"})
    assert len(after["messages"]) == 1


async def test_v_3_what_goes_round_the_conversation_is_not_in_it(chat: Chat) -> None:
    before = await chat.api.gateway.inbox.items(chat.api.account_id, UUID(chat.conversation))
    chat.handset.accept(chat.line, "sent-past-it", {"type": "text", "text": "directly"}, chat.api.clock.now())
    after = await chat.api.gateway.inbox.items(chat.api.account_id, UUID(chat.conversation))
    assert [i.id for i in after] == [i.id for i in before]


async def test_v_4_closed_opens_again_by_the_person_alone(chat: Chat) -> None:
    await chat.api.patch(f"{PATH}/{chat.conversation}", {"state": "disconnected"})
    answer = await chat.send()
    assert (answer.status, answer.code) == (400, "bad.request")
    await chat.write("again")
    assert (await chat.api.get(f"{PATH}/{chat.conversation}")).body["state"] == "Open"
    assert (await chat.send()).status == 200


async def test_v_5_the_states_of_participants(chat: Chat) -> None:
    await _transferred(chat)
    people = (await chat.api.get(f"{PATH}/{chat.conversation}")).body["participants"]
    ended = [p for p in people if p.get("disconnectType") == "transfer"]
    assert [p["state"] for p in ended] == ["disconnected"]
    assert [p["state"] for p in people if p["purpose"] == "acd"][-1] == "connected"
    await chat.api.post(f"conversations/{chat.conversation}/disconnect")
    after = (await chat.api.get(f"{PATH}/{chat.conversation}")).body["participants"]
    assert {p["state"] for p in after} == {"disconnected"}


# -- All of them ------------------------------------------------------------------------------------------------------


async def test_every_rule_has_its_test() -> None:
    names = {name for module in (test_part_a_channels, sys.modules[__name__]) for name in vars(module)}
    missing = [rule for rule in RULES if not any(name.startswith(rule_test(rule)) for name in names)]
    assert missing == []
